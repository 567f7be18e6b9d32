// An app or a system as typed into the form: every address and key a text, until it is sent.
import type { App, AppEdit, NewApp, Permission, PublicKey, SystemScope } from "../../api/staff";
import { sayIfKnown, sayList } from "../../messages/language";
import { t } from "../../messages/staff";
import type { Invalid } from "../../ui/form";
import { touched } from "../stale";

export const KINDS = ["portal", "system"] as const;
export const AUTHENTICATIONS = ["secret", "key", "none"] as const;
export const SCOPES: readonly SystemScope[] = ["clients", "access", "alerts", "history"];

export interface Draft {
  name: string;
  kind: App["kind"];
  permission: Permission | "";
  redirectUris: string[];
  launchUrl: string;
  postLogoutRedirectUris: string[];
  logoutUri: string;
  authentication: App["authentication"];
  /** Each a JWK as JSON. */
  publicKeys: string[];
  scopes: SystemScope[];
}

export const EMPTY: Draft = {
  name: "",
  kind: "portal",
  permission: "",
  redirectUris: [],
  launchUrl: "",
  postLogoutRedirectUris: [],
  logoutUri: "",
  authentication: "secret",
  publicKeys: [],
  scopes: [],
};

export const draftOf = (app: App): Draft => ({
  name: app.name,
  kind: app.kind,
  permission: app.permission ?? "",
  redirectUris: app.redirectUris,
  launchUrl: app.launchUrl ?? "",
  postLogoutRedirectUris: app.postLogoutRedirectUris,
  logoutUri: app.logoutUri ?? "",
  authentication: app.authentication,
  publicKeys: app.publicKeys.map((key) => JSON.stringify(key)),
  scopes: SCOPES.filter((scope) => app.scopes.includes(scope)),
});

const filled = (rows: readonly string[]) => rows.map((row) => row.trim()).filter(Boolean);

/** Empty rows are not sent, so the API's count of rows is that of the filled ones. A whole set of keys that was
 *  pasted into one row becomes a row for each. */
export const withoutEmptyRows = (draft: Draft): Draft => ({
  ...draft,
  redirectUris: filled(draft.redirectUris),
  postLogoutRedirectUris: filled(draft.postLogoutRedirectUris),
  publicKeys: filled(draft.publicKeys).flatMap(eachKey),
});

function eachKey(text: string): string[] {
  const { keys } = objectIn(text) ?? {};
  return Array.isArray(keys) ? keys.map((key) => JSON.stringify(key)) : [text];
}

function objectIn(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

/** Whether a key is what it must not be: one with its private part ("d") or a shared one ("k"). */
const isPrivate = (key: Record<string, unknown>): boolean => "d" in key || "k" in key;

/** The API judges what is in a key; here it only has to be JSON. */
const keysOf = (draft: Draft): PublicKey[] =>
  draft.publicKeys.map((text) => objectIn(text) as unknown as PublicKey);

/** What an app needs for doing anything by itself. */
export const provesItself = ({ authentication }: Pick<App, "authentication">): boolean =>
  authentication !== "none";

/** Of a draft without empty rows and problems. */
export function newApp(draft: Draft): NewApp {
  const { kind, authentication } = draft;
  const common = {
    name: draft.name.trim(),
    kind,
    authentication,
    ...(authentication === "key" && { publicKeys: keysOf(draft) }),
  };
  if (kind === "system") return { ...common, scopes: draft.scopes };
  const scopes = draft.scopes.filter((scope) => scope === "alerts" && provesItself(draft));
  const [launchUrl, logoutUri] = [draft.launchUrl.trim(), draft.logoutUri.trim()];
  return {
    ...common,
    ...(draft.permission && { permission: draft.permission }),
    redirectUris: draft.redirectUris,
    ...(launchUrl && { launchUrl }),
    postLogoutRedirectUris: draft.postLogoutRedirectUris,
    ...(logoutUri && { logoutUri }),
    ...(scopes.length > 0 && { scopes }),
  };
}

/** Only what was changed, so that an edit of the name never undoes another's edit of an address. */
export function appEdit(version: number, base: Draft, draft: Draft): AppEdit {
  const changed = touched(base, draft);
  const edit: AppEdit = { version };
  if (changed.has("name")) edit.name = draft.name.trim();
  if (changed.has("permission")) edit.permission = draft.permission || null;
  if (changed.has("redirectUris")) edit.redirectUris = draft.redirectUris;
  if (changed.has("launchUrl")) edit.launchUrl = draft.launchUrl.trim() || null;
  if (changed.has("postLogoutRedirectUris")) edit.postLogoutRedirectUris = draft.postLogoutRedirectUris;
  if (changed.has("logoutUri")) edit.logoutUri = draft.logoutUri.trim() || null;
  if (changed.has("publicKeys")) edit.publicKeys = keysOf(draft);
  if (changed.has("scopes")) edit.scopes = draft.scopes;
  return edit;
}

/** What can be seen to be wrong without asking; each named as the API names the field. */
export function problems(draft: Draft): Invalid[] {
  const found: Invalid[] = [];
  if (!draft.name.trim()) found.push({ field: "name", message: t("app.needName") });
  if (draft.authentication === "key") {
    if (!draft.publicKeys.length) found.push({ field: "publicKeys", message: t("app.needKey") });
    draft.publicKeys.forEach((text, row) => {
      const key = objectIn(text);
      if (!key || isPrivate(key))
        found.push({ field: `publicKeys[${row}]`, message: t(key ? "app.privateKey" : "app.badKey") });
    });
  }
  if (draft.kind === "system" && !draft.scopes.length)
    found.push({ field: "scopes", message: t("app.needScope") });
  return found;
}

export const labelOf = (field: keyof Draft): string => t(`app.${field}`);

export function sayValue(draft: Draft, field: keyof Draft): string {
  const value = draft[field];
  if (field === "permission") return sayPermission(draft.permission);
  if (field === "scopes") return sayScopes(draft.scopes);
  return typeof value === "string" ? (sayIfKnown(`app.${field}.${value}`) ?? value) : value.join(", ");
}

const sayPermission = (permission: Permission | ""): string =>
  permission ? t(`permission.${permission}`) : t("app.permission.any");

const sayScopes = (scopes: readonly SystemScope[]): string =>
  sayList(scopes.map((scope) => t(`app.scope.${scope}`)));

/** What an app is there for, in a few words. */
export const sayServes = ({ kind, permission, scopes }: App): string =>
  kind === "system" ? sayScopes(scopes) : sayPermission(permission ?? "");

/** Where an app's page is. Its id has a dot, and what ends like a file's name is no page. */
export const pathOf = ({ appId }: Pick<App, "appId">): string => `/apps/${appId.split(".")[1] ?? ""}`;
