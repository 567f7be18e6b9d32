// What stands around every page of the console: practice, search, who is signed in, and the toast.
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { useLocation } from "preact-iso/router";
import type { Session } from "../api/staff";
import { sayTime } from "../messages/language";
import { t } from "../messages/staff";
import { useAction } from "../ui/action";
import { Button } from "../ui/button";
import { FailureNote } from "../ui/failure";
import { focusHeading } from "../ui/heading";
import { Anchor } from "../ui/icons";
import { lazyPage } from "../ui/lazy";
import { Offline } from "../ui/offline";
import { SessionWarning } from "../ui/session-watch";
import { Toasts } from "../ui/toast";
import { Language } from "./language";
import { Search } from "./search";
import { isAdmin, isAuditor, signOut, watch } from "./session";

/** Few are staff of several practices. */
const OwnPractices = lazyPage(async () => (await import("./own-practices")).OwnPractices);

export function Shell({ session, children }: { session: Session; children: ComponentChildren }) {
  const leaving = useAction(signOut);
  return (
    <>
      <button type="button" class="skip" onClick={focusHeading}>
        {t("skip")}
      </button>
      <Offline />
      <header class="top">
        <a class="brand" href="/">
          <Anchor /> {session.practice.name}
        </a>
        {session.practices && <OwnPractices session={session} />}
        <Search />
        <Places />
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
      <footer class="foot">
        <Language />
        <PrintedBy session={session} />
      </footer>
      <Toasts />
      <SessionWarning watch={watch} />
    </>
  );
}

const everybody = (): boolean => true;
const admins = (): boolean => isAdmin.value;

/** The pages about the whole practice, and whose they are. */
const PLACES = [
  ["/", "home.title", everybody],
  ["/access", "access.title", everybody],
  ["/import", "import.link", admins],
  ["/apps", "places.apps", admins],
  ["/staff", "team.title", admins],
  ["/settings", "places.settings", admins],
  ["/history", "client.history", () => isAdmin.value || isAuditor.value],
] as const;

function Places() {
  const { path } = useLocation();
  const places = PLACES.filter(([, , may]) => may());
  return (
    <nav class="places" aria-label={t("places")}>
      {places.map(([place, title]) => {
        const within = path === place || (place !== "/" && path.startsWith(`${place}/`));
        return (
          <a key={place} href={place} aria-current={within ? "page" : undefined}>
            {t(title)}
          </a>
        );
      })}
    </nav>
  );
}

/** On paper only: whose copy this is, and of when. */
function PrintedBy({ session }: { session: Session }) {
  const [now, setNow] = useState(() => new Date());
  useEffect(() => {
    const printing = () => setNow(new Date());
    addEventListener("beforeprint", printing);
    return () => removeEventListener("beforeprint", printing);
  }, []);
  const { name, practice } = session;
  return (
    <p class="on-paper">
      {t("printed", { name, practice: practice.name, time: sayTime(now.toISOString()) })}
    </p>
  );
}
