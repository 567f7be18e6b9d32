// What stands around every page of the console: practice, search, who is signed in, and the toast.
import type { ComponentChildren } from "preact";
import { type Session, signInAddress } from "../api/staff";
import { t } from "../messages/staff";
import { useAction } from "../ui/action";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { FailureNote } from "../ui/failure";
import { focusHeading } from "../ui/heading";
import { Anchor } from "../ui/icons";
import { Toasts } from "../ui/toast";
import { Search } from "./search";
import { ended, here, signOut } from "./session";

export function Shell({ session, children }: { session: Session; children: ComponentChildren }) {
  const leaving = useAction(signOut);
  return (
    <>
      <button type="button" class="skip" onClick={focusHeading}>
        {t("skip")}
      </button>
      <header class="top">
        <a class="brand" href="/">
          <Anchor /> {session.practice.name}
        </a>
        <Search />
        <div class="who">
          <span>{session.name}</span>
          <Button kind="text" busy={leaving.busy} onClick={() => void leaving.run()}>
            {t("session.signOut")}
          </Button>
        </div>
      </header>
      <main>
        <FailureNote failure={leaving.failure} />
        {children}
      </main>
      <Toasts />
      {ended.value && (
        <Dialog title={t("session.endedTitle")} onClose={() => (ended.value = false)}>
          {(close) => (
            <>
              <p>{t("session.ended")}</p>
              <div class="actions">
                <Button onClick={close}>{t("session.later")}</Button>
                <a class="button primary" href={signInAddress(here())} autofocus>
                  {t("signIn.action")}
                </a>
              </div>
            </>
          )}
        </Dialog>
      )}
    </>
  );
}
