// Who was picked from the search, shown before their page opens: two clients may share a name.
import type { Hit } from "../api/staff";
import { sayDate } from "../messages/language";
import { sayName } from "../messages/name";
import { t } from "../messages/staff";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { expect } from "./recent";

/** How far a client's access has come, and how many people have it. */
export function sayAccess({ portal }: Pick<Hit, "portal">): string {
  const said = t(`summary.${portal.status}`);
  return portal.users > 1 ? t("summary.users", { status: said, count: portal.users }) : said;
}

export function Found(props: { hit: Hit; onClose: () => void; onGo: () => void }) {
  const { hit } = props;
  return (
    <Dialog title={sayName(hit.name)} onClose={props.onClose}>
      {(close) => (
        <>
          <dl class="facts">
            <dt>{t("who.birth")}</dt>
            <dd class="figures">{sayDate(hit.dateOfBirth)}</dd>
            <dt>{t("who.record")}</dt>
            <dd class="figures">{hit.recordNumber}</dd>
            {hit.professional && (
              <>
                <dt>{t("who.professional")}</dt>
                <dd>{hit.professional}</dd>
              </>
            )}
            <dt>{t("who.portal")}</dt>
            <dd>
              {sayAccess(hit)}
              {hit.closed && <> · {t("search.closed")}</>}
            </dd>
          </dl>
          <div class="actions">
            <Button onClick={close}>{t("who.close")}</Button>
            <a
              class="button primary"
              href={`/clients/${hit.clientId}`}
              autofocus
              onClick={(event) => {
                // Opened in a new tab: this one stays as it is.
                if (event.ctrlKey || event.metaKey || event.shiftKey) return;
                expect(hit);
                close();
                props.onGo();
              }}
            >
              {t("who.go")}
            </a>
          </div>
        </>
      )}
    </Dialog>
  );
}
