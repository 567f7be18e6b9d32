// Safe contact as its form has it: the mark of the client, and those of the addresses.
import type { Client, ClientEdit } from "../../api/staff";
import { t } from "../../messages/safe";
import { emailsOf, markOf, sayWays, waysOf, type Way } from "../client-draft";
import { merge, touched, type Change } from "../stale";

export interface Marks {
  safeContact: boolean;
  emails: Way[];
}

export const marksOf = (client: Client): Marks => ({ safeContact: client.safeContact, emails: waysOf(client) });

export function marksEdit(version: number, base: Marks, now: Marks): ClientEdit {
  const changed = touched(base, now);
  return {
    version,
    ...(changed.has("safeContact") && { safeContact: now.safeContact }),
    ...(changed.has("emails") && { emails: emailsOf(now.emails) }),
  };
}

/** As `merge`, of a form that came too late. The addresses are theirs; a mark that was touched here stays. */
export function mergeMarks(base: Marks, mine: Marks, theirs: Marks): { draft: Marks; changes: Change<Marks>[] } {
  const emails = theirs.emails.map((way) => {
    const [was, now] = [markOf(base.emails, way.text), markOf(mine.emails, way.text)];
    return now === was ? way : { ...way, safe: now ?? false };
  });
  return merge(base, { ...mine, emails }, theirs);
}

export const labelOf = (field: keyof Marks): string => t(field === "emails" ? "form.emails" : "safe.title");

export const sayMark = (marks: Marks, field: keyof Marks): string =>
  field === "emails" ? sayWays(marks.emails) : t(marks.safeContact ? "safe.isOn" : "safe.isOff");
