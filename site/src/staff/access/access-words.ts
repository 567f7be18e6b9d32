// The lists of access in words: what each is called, in which order it comes, and its rows for a spreadsheet.
import type { AccessRow, PortalUser, View } from "../../api/staff";
import { sayIfKnown, sayLately, sayTime } from "../../messages/language";
import { sayName } from "../../messages/name";
import { t as clock } from "../../messages/clocks";
import { t } from "../../messages/pages";
import { sayOver } from "../client/clock-words";
import { sayEnding } from "../client/ending";
import { isWithheld, sayBounce, sayKind } from "../client/mail-words";
import type { Filter } from "./access-reader";

export const VIEWS = [
  "all",
  "active",
  "invited",
  "expired",
  "revoked",
  "locked",
  "bounced",
  "unused",
  "ending",
  "without-access",
  "without-owner",
  "alerts-to-practice",
] as const satisfies readonly View[];

/** The view that an address names, or else the first. */
export const viewIn = (name: string | undefined): View => VIEWS.find((view) => view === name) ?? "all";

/** Rows of these are clients, and not portal users. */
export const isOfClients = (view: View): boolean =>
  view === "without-access" || view === "without-owner" || view === "alerts-to-practice";

export function sayOrder({ view, query, professional }: Filter): string {
  if (query) return t("order.found");
  // What is chosen by professional comes out of an index of names.
  if (professional) return t("order.name");
  switch (view) {
    case "invited":
    case "locked":
    case "ending":
      return t("order.ends");
    case "expired":
      return t("order.ended");
    case "unused":
      return t("order.unused");
    default:
      return t("order.name");
  }
}

/** What narrows the list, for a paper that does not show it by its controls. */
export const sayFilter = ({ query, professional }: Filter): string =>
  [
    query && `${t("access.query")}: ${query}`,
    professional && `${t("access.professional")}: ${professional}`,
  ]
    .filter(Boolean)
    .join("; ");

/** What is worth knowing beside the tag. */
export function sayFacts(user: PortalUser): string[] {
  const facts: string[] = [];
  if (user.status === "invited" && user.invitation)
    facts.push(t("access.expires", { time: sayTime(user.invitation.expiresAt) }));
  const over = sayOver(user);
  if (over) facts.push(over);
  else if (user.ended)
    facts.push(
      t("users.ended", {
        day: sayLately(user.ended.at),
        why: sayIfKnown(`ended.${user.ended.reason}`) ?? user.ended.reason,
      }),
    );
  const ending = sayEnding(user);
  if (ending) facts.push(ending);
  return facts;
}

const yes = (is: boolean): string => t(is ? "access.csv.yes" : "access.csv.no");

/** For a spreadsheet, under its headings. Moments are as the API has them, so that they can be sorted. */
export function table(rows: readonly AccessRow[], view: View): string[][] {
  const client = [t("access.client"), t("access.record"), t("access.professional")];
  const of = ({ client }: AccessRow) => [
    sayName(client.name),
    client.recordNumber,
    client.professional ?? "",
  ];
  if (isOfClients(view)) return [client, ...rows.map(of)];
  const user = [
    t("access.user"),
    t("access.csv.relationship"),
    t("users.username"),
    t("access.csv.email"),
    t("users.access"),
    t("users.permissions"),
    t("users.owner"),
    t("users.alerts"),
    t("access.lastSignIn"),
    t("access.csv.expires"),
    t("access.csv.locked"),
    t("access.csv.mail"),
    t("access.csv.mailState"),
    clock("user.until"),
    clock("user.reviewOn"),
  ];
  return [
    [...client, ...user],
    ...rows.map((row) => [...of(row), ...(row.portalUser ? ofUser(row.portalUser) : [])]),
  ];
}

const ofUser = (user: PortalUser): string[] => [
  sayName(user.name),
  t(`relationship.${user.relationship}`),
  user.username,
  user.email ?? "",
  t(`tag.${user.status}`),
  user.permissions.map((permission) => t(`permission.${permission}`)).join("; "),
  yes(user.chartOwner),
  yes(user.receivesAlerts),
  user.lastSignInAt ?? "",
  user.invitation?.expiresAt ?? "",
  user.lockedUntil ?? "",
  user.mail ? sayKind(user.mail) : "",
  user.mail ? sayState(user.mail) : "",
  user.until ?? "",
  user.reviewOn ?? "",
];

const sayState = (mail: NonNullable<PortalUser["mail"]>): string =>
  isWithheld(mail) ? sayBounce(mail.reason ?? "") : sayCame(mail);

const sayCame = ({ state, reason }: NonNullable<PortalUser["mail"]>): string =>
  [t(`mailState.${state}`), state === "bounced" && reason && sayBounce(reason)].filter(Boolean).join(": ");
