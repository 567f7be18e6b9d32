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

/** The pages about the whole practice. */
const PLACES = [
  ["/", "home.title"],
  ["/access", "access.title"],
  ["/import", "import.link"],
  ["/apps", "apps.title"],
  ["/staff", "team.title"],
  ["/settings", "places.settings"],
  ["/history", "client.history"],
] as const;
const FOR_ADMINS: readonly string[] = ["/import", "/apps", "/staff", "/settings"];

function Places() {
  const { path } = useLocation();
  const places = PLACES.filter(([place]) => isAdmin.value || (place === "/history" ? isAuditor.value : !FOR_ADMINS.includes(place)));
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
