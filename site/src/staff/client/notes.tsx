// What a client's page shows of the client beside its sections: that the client is under safe contact, or the way to
// put them under it; and what is loaded only for few clients.
import type { Client } from "../../api/staff";
import { t } from "../../messages/safe";
import { lazyPage } from "../../ui/lazy";
import { mayChange } from "../session";
import { allowsMailTo } from "./safe-address";

export const ClosedNote = lazyPage(async () => (await import("./closed-note")).ClosedNote);
export const EditClient = lazyPage(async () => (await import("./edit-client")).EditClient);
export const SafeContact = lazyPage(async () => (await import("./safe-contact")).SafeContact);

/** Of a portal user, for the list. */
export const SecondFactor = () => <p class="small">{t("users.secondFactor")}</p>;

export function SafeMark({ client }: { client: Client }) {
  const there = `/clients/${client.clientId}/safe`;
  if (client.safeContact) {
    return (
      <p class="safe-mark">
        <strong>{t("safe.on")}</strong> <a href={there}>{t("safe.see")}</a>
      </p>
    );
  }
  return mayChange.value ? (
    <p class="small">
      <a href={there}>{t("safe.title")}</a>
    </p>
  ) : null;
}

/** The addresses of a client under safe contact, and which of them no mail goes to. */
export const SafeEmails = ({ client }: { client: Client }) => (
  <ul class="plain">
    {client.emails.map(({ type, address }, row) => (
      <li key={row}>
        {address} <span class="muted">{t(`contact.${type}`)}</span>{" "}
        {!allowsMailTo(client, address) && <strong>{t("safe.notMarked")}</strong>}
      </li>
    ))}
  </ul>
);
