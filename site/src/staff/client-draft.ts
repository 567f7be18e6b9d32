// A client as typed into the form: every field a text, until it is sent.
import type { Client, ClientEdit, NewClient } from "../api/staff";
import type { Invalid } from "../ui/form";
import { sayDate } from "../messages/language";
import { t } from "../messages/safe";
import { badEmail } from "./client/portal-user";
import { merge, touched, type Change } from "./stale";

export type ContactType = Client["emails"][number]["type"];
/** One address or number. */
export interface Way {
  type: ContactType;
  text: string;
  /** Of an address: whether mail may go there under safe contact. */
  safe?: boolean;
}

export interface Draft {
  first: string;
  last: string;
  preferred: string;
  dateOfBirth: string;
  recordNumber: string;
  professional: string;
  emails: Way[];
  phones: Way[];
}

export const EMPTY: Draft = {
  first: "",
  last: "",
  preferred: "",
  dateOfBirth: "",
  recordNumber: "",
  professional: "",
  emails: [{ type: "home", text: "" }],
  phones: [{ type: "mobile", text: "" }],
};

/** The client's addresses. */
export const waysOf = ({ emails }: Client): Way[] =>
  emails.map(({ type, address, safe }) => ({ type, text: address, safe }));

export function draftOf(client: Client): Draft {
  return {
    first: client.name.first,
    last: client.name.last,
    preferred: client.name.preferred ?? "",
    dateOfBirth: client.dateOfBirth,
    recordNumber: client.recordNumber,
    professional: client.professional ?? "",
    emails: waysOf(client),
    phones: client.phones.map(({ type, number }) => ({ type, text: number })),
  };
}

const filled = (ways: readonly Way[]) => ways.filter((way) => way.text.trim());

const nameOf = (draft: Draft) => ({
  first: draft.first.trim(),
  last: draft.last.trim(),
  ...(draft.preferred.trim() ? { preferred: draft.preferred.trim() } : {}),
});
export const emailsOf = (ways: readonly Way[]) =>
  filled(ways).map(({ type, text, safe }) => ({ type, address: text.trim(), ...(safe !== undefined && { safe }) }));
const phonesOf = (draft: Draft) =>
  filled(draft.phones).map(({ type, text }) => ({ type, number: text.trim() }));

export function newClient(draft: Draft): NewClient {
  const recordNumber = draft.recordNumber.trim();
  const professional = draft.professional.trim();
  return {
    name: nameOf(draft),
    dateOfBirth: draft.dateOfBirth,
    emails: emailsOf(draft.emails),
    phones: phonesOf(draft),
    ...(recordNumber ? { recordNumber } : {}),
    ...(professional ? { professional } : {}),
  };
}

/** Only what was changed, so that an edit of the phone never undoes another's edit of the name. */
export function clientEdit(version: number, base: Draft, draft: Draft): ClientEdit {
  const changed = touched(base, draft);
  const edit: ClientEdit = { version };
  if (changed.has("first") || changed.has("last") || changed.has("preferred")) edit.name = nameOf(draft);
  if (changed.has("dateOfBirth")) edit.dateOfBirth = draft.dateOfBirth;
  if (changed.has("recordNumber")) edit.recordNumber = draft.recordNumber.trim();
  if (changed.has("professional")) edit.professional = draft.professional.trim() || null;
  if (changed.has("emails")) edit.emails = emailsOf(draft.emails);
  if (changed.has("phones")) edit.phones = phonesOf(draft);
  return edit;
}

/** The mark of an address, which is safe when it is wherever it stands; undefined when it stands nowhere. */
export function markOf(ways: readonly Way[], address: string): boolean | undefined {
  const folded = (text: string) => text.trim().toLowerCase();
  const its = ways.filter(({ text }) => folded(text) === folded(address));
  return its.length ? its.every(({ safe }) => safe) : undefined;
}

/** As `merge`, of an edit that came too late. Addresses are sent all together, so that a mark which the other person
 *  took away would come back with them: a mark that was not touched here is theirs. */
export function mergeClient(base: Draft, mine: Draft, theirs: Draft): { draft: Draft; changes: Change<Draft>[] } {
  if (!touched(base, mine).has("emails")) return merge(base, mine, theirs);
  const emails = mine.emails.map((way) => {
    const [was, now] = [markOf(base.emails, way.text), markOf(theirs.emails, way.text)];
    // Taken away by them, and here still: nobody says any more that it is safe.
    if (now === undefined) return was === undefined ? way : { ...way, safe: false };
    if (was === undefined) return { ...way, safe: now && way.safe !== false };
    return way.safe === undefined || way.safe === was ? { ...way, safe: now } : way;
  });
  return merge(base, { ...mine, emails }, theirs);
}

/** What can be seen to be wrong without asking; each named as the API names the field. */
export function problems(draft: Draft): Invalid[] {
  const found: Invalid[] = [];
  if (!draft.first.trim() && !draft.last.trim())
    found.push({ field: "name.first", message: t("form.needName") });
  if (!draft.dateOfBirth) found.push({ field: "dateOfBirth", message: t("form.needBirth") });
  draft.emails.forEach((way, row) => {
    const message = way.text.trim() && badEmail(way.text);
    if (message) found.push({ field: `emails[${row}].address`, message });
  });
  return found;
}

/** Empty rows are not sent, so the API's count of rows is that of the filled ones. */
export function withoutEmptyRows(draft: Draft): Draft {
  return { ...draft, emails: filled(draft.emails), phones: filled(draft.phones) };
}

export function labelOf(field: keyof Draft): string {
  switch (field) {
    case "dateOfBirth":
      return t("form.birth");
    case "recordNumber":
      return t("form.record");
    default:
      return t(`form.${field}`);
  }
}

export function sayValue(draft: Draft, field: keyof Draft): string {
  const value = draft[field];
  if (field === "dateOfBirth") return sayDate(draft.dateOfBirth);
  return typeof value === "string" ? value : sayWays(value);
}

/** Addresses or numbers, with the mark of those that are safe. */
export const sayWays = (ways: readonly Way[]): string =>
  ways.map(({ text, safe }) => (safe ? `${text} (${t("safe.marked")})` : text)).join(", ");
