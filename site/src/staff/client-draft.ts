// A client as typed into the form: every field a text, until it is sent.
import type { Client, ClientEdit, NewClient } from "../api/staff";
import type { Invalid } from "../ui/form";
import { sayDate } from "../messages/language";
import { t } from "../messages/staff";
import { badEmail } from "./client/portal-user";
import { touched } from "./stale";

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

export function draftOf(client: Client): Draft {
  return {
    first: client.name.first,
    last: client.name.last,
    preferred: client.name.preferred ?? "",
    dateOfBirth: client.dateOfBirth,
    recordNumber: client.recordNumber,
    professional: client.professional ?? "",
    emails: client.emails.map(({ type, address, safe }) => ({ type, text: address, safe })),
    phones: client.phones.map(({ type, number }) => ({ type, text: number })),
  };
}

const filled = (ways: readonly Way[]) => ways.filter((way) => way.text.trim());

const nameOf = (draft: Draft) => ({
  first: draft.first.trim(),
  last: draft.last.trim(),
  ...(draft.preferred.trim() ? { preferred: draft.preferred.trim() } : {}),
});
const emailsOf = (draft: Draft) =>
  filled(draft.emails).map(({ type, text, safe }) => ({ type, address: text.trim(), ...(safe !== undefined && { safe }) }));
const phonesOf = (draft: Draft) =>
  filled(draft.phones).map(({ type, text }) => ({ type, number: text.trim() }));

export function newClient(draft: Draft): NewClient {
  const recordNumber = draft.recordNumber.trim();
  const professional = draft.professional.trim();
  return {
    name: nameOf(draft),
    dateOfBirth: draft.dateOfBirth,
    emails: emailsOf(draft),
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
  if (changed.has("emails")) edit.emails = emailsOf(draft);
  if (changed.has("phones")) edit.phones = phonesOf(draft);
  return edit;
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
  return typeof value === "string" ? value : value.map((way) => way.text).join(", ");
}
