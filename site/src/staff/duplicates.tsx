// Before a client is created who may be there already: who that is, to be opened instead.
import type { Hit } from "../api/staff";
import { sayDate } from "../messages/language";
import { sayName } from "../messages/name";
import { t } from "../messages/staff";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { sayAccess } from "./found";
import { expect } from "./recent";

export function Duplicates(props: {
  /** The name that was typed. */
  name: string;
  matches: readonly Hit[];
  onDistinct: () => void;
  onClose: () => void;
}) {
  return (
    <Dialog title={t("duplicates.title")} wide onClose={props.onClose}>
      {(close) => (
        <>
          <p>{t("duplicates.lead", { name: props.name })}</p>
          <ul class="plain matches">
            {props.matches.map((hit) => (
              <li key={hit.clientId}>
                <a href={`/clients/${hit.clientId}`} class="breaks" onClick={() => expect(hit)}>
                  {sayName(hit.name)}
                </a>
                <span class="small breaks">
                  {[
                    t("client.born", { date: sayDate(hit.dateOfBirth) }),
                    hit.recordNumber,
                    sayAccess(hit),
                    ...(hit.closed ? [t("search.closed")] : []),
                  ].join(" · ")}
                </span>
              </li>
            ))}
          </ul>
          <div class="actions">
            <Button onClick={close}>{t("duplicates.back")}</Button>
            <Button
              kind="primary"
              onClick={() => {
                close();
                props.onDistinct();
              }}
            >
              {t("duplicates.distinct")}
            </Button>
          </div>
        </>
      )}
    </Dialog>
  );
}
