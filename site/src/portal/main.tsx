// The clients' portal: a handful of pages per practice, under the practice's id, and the two that apps send
// people to.
import { render, type ComponentChildren, type ComponentType } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { LocationProvider, useLocation } from "preact-iso/router";
import { practices, type Practice } from "../api/portal";
import { greet } from "../messages/choice";
import { t } from "../messages/portal";
import { place } from "../ui/heading";
import { lazyPage } from "../ui/lazy";
import { Offline } from "../ui/offline";
import { takeDoubleClicksForOne } from "../ui/once";
import { Loaded, Resource } from "../ui/resource";
import "../styles/base.css";
import "../styles/forms.css";
import "../styles/portal.css";
import { takeToken, times } from "./door";
import { Frame, ToSignIn } from "./frame";
import { Home } from "./home";
import { languages } from "./language";
import { languagesIn, parametersIn, practiceOf } from "./parameters";
import { SignIn } from "./sign-in";

takeToken();

/** A page that few people come to: the others are spared its code, and those who open it get it at once. */
const later = <P extends object>(opens: RegExp, load: () => Promise<ComponentType<P>>): ComponentType<P> =>
  lazyPage(load, { around: Waiting, now: opens.test(location.pathname) });

const PAGES = {
  "": Home,
  "sign-in": SignIn,
  account: later(/\/account$/, async () => (await import("./account")).Account),
  "confirm-email": later(/\/confirm-email$/, async () => (await import("./confirm-email")).ConfirmEmail),
  enroll: later(/\/enroll$/, async () => (await import("./enroll")).Enroll),
  reset: later(/\/reset$/, async () => (await import("./password")).Reset),
  password: later(/\/password$/, async () => (await import("./password")).NewPassword),
};
/** By their whole paths. */
const APP_PAGES: Record<string, ComponentType<{ practice: Practice | undefined }>> = {
  "/authorize": later(/^\/authorize$/, async () => (await import("./authorize")).Authorize),
  "/sign-out": later(/^\/sign-out$/, async () => (await import("./sign-out")).SignOut),
};

/** The practice that an address is about, by its id. */
const ownerOf = (path: string): string =>
  path in APP_PAGES ? practiceOf(parametersIn(location.search).values) : path.split("/")[1]!;

/** No link leads from one practice to another but the list's, which has them all. */
const known = new Resource(() => practices(ownerOf(location.pathname)));

function App() {
  const state = known.state.value;
  const failed = useRef(false);
  if (state.at === "failed") failed.current = true;
  const coming = <Loaded of={known}>{() => null}</Loaded>;
  return (
    <>
      <Offline />
      {state.at === "ready" ? (
        <Place all={state.value} />
      ) : (
        // Also while it is tried again: the heading has the focus.
        <Waiting failed={failed.current}>{coming}</Waiting>
      )}
    </>
  );
}

function Waiting({ failed, children }: { failed: boolean; children?: ComponentChildren }) {
  if (!failed) return <main class="gate">{children}</main>;
  return (
    <Frame brand={t("brand")} title={t("load.failed")} waiting>
      {children}
    </Frame>
  );
}

function Place({ all }: { all: Practice[] }) {
  const { path, route } = useLocation();
  const [, , page = "", ...rest] = path.split("/");
  const only = all.length === 1 ? all[0] : undefined;
  const AppPage = APP_PAGES[path];
  const owner = ownerOf(path);
  const practice = all.find((each) => each.id === owner) ?? (AppPage && only);

  useEffect(() => {
    if (path === "/" && only) route(`/${only.id}/`, true);
  }, [path]);
  useEffect(() => {
    place.value = practice?.name ?? "";
  }, [practice]);

  if (path === "/" && only) return null;
  if (AppPage) return <AppPage practice={practice} />;
  if (!practice) {
    return (
      <Frame brand={t("brand")} title={t(path === "/" ? "choose.title" : "notFound.title")}>
        {path === "/" && all.length ? (
          <ul class="plain">
            {all.map((each) => (
              <li key={each.id}>
                <a href={`/${each.id}/sign-in`}>{each.name}</a>
              </li>
            ))}
          </ul>
        ) : (
          <p>{t("choose.none")}</p>
        )}
      </Frame>
    );
  }
  const Page = rest.length || !(page in PAGES) ? NotFound : PAGES[page as keyof typeof PAGES];
  // Another page is another heading, which takes the focus.
  const inside = Page === Home || page === "account";
  return <Page key={inside ? `${path} ${times.value}` : path} practice={practice} />;
}

function NotFound({ practice }: { practice: Practice }) {
  return (
    <Frame brand={practice.name} title={t("notFound.title")}>
      <p>{t("notFound.lead")}</p>
      <ToSignIn practice={practice} />
    </Frame>
  );
}

/** Without words there is nothing to draw: then the page's own few, in every language, ask for patience. */
async function start(): Promise<void> {
  const wordless = document.querySelector<HTMLElement>("#wordless");
  const root = document.querySelector<HTMLElement>("#app");
  if (!wordless || !root) return;
  try {
    await greet(languages, languagesIn(parametersIn(location.search).values));
  } catch {
    wordless.hidden = false;
    wordless.onclick = (event) => event.target instanceof HTMLButtonElement && void start();
    return;
  }
  wordless.remove();
  render(
    <LocationProvider scope={/^\/(?!api\/)/}>
      <App />
    </LocationProvider>,
    root,
  );
}

takeDoubleClicksForOne();
addEventListener("hashchange", takeToken);
void known.load();
void start();
