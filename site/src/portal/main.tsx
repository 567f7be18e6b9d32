// The clients' portal: a handful of pages per practice, under the practice's id.
import { render } from "preact";
import { useEffect } from "preact/hooks";
import { LocationProvider, useLocation } from "preact-iso/router";
import { practices, type Practice } from "../api/portal";
import { greet } from "../messages/choice";
import { t } from "../messages/portal";
import { portal } from "../messages/portal.en";
import { place } from "../ui/heading";
import { Loaded, useResource } from "../ui/resource";
import "../styles/base.css";
import "../styles/forms.css";
import "../styles/portal.css";
import { takeToken } from "./door";
import { Enroll } from "./enroll";
import { Frame } from "./frame";
import { Home } from "./home";
import { languages } from "./language";
import { NewPassword, Reset } from "./password";
import { SignIn } from "./sign-in";

const PAGES = { "": Home, "sign-in": SignIn, enroll: Enroll, reset: Reset, password: NewPassword };

function App() {
  const known = useResource(practices);
  if (known.value) return <Place all={known.value} />;
  return (
    <main class="gate">
      <Loaded of={known} lines={4}>
        {() => null}
      </Loaded>
    </main>
  );
}

function Place({ all }: { all: Practice[] }) {
  const { path, route } = useLocation();
  const [id = "", page = "", ...rest] = path.slice(1).split("/");
  const only = all.length === 1 ? all[0] : undefined;
  const practice = all.find((each) => each.id === id);

  useEffect(() => {
    if (path === "/" && only) route(`/${only.id}/`, true);
  }, [path]);
  useEffect(() => {
    place.value = practice?.name ?? "";
  }, [practice]);

  if (path === "/" && only) return null;
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
  return <Page key={path} practice={practice} />;
}

function NotFound({ practice }: { practice: Practice }) {
  return (
    <Frame brand={practice.name} title={t("notFound.title")}>
      <p>{t("notFound.lead")}</p>
      <p>
        <a href={`/${practice.id}/sign-in`}>{t("notFound.home")}</a>
      </p>
    </Frame>
  );
}

takeToken();
addEventListener("hashchange", takeToken);
await greet(languages, portal);
const root = document.getElementById("app");
if (root) {
  render(
    <LocationProvider scope={/^\/(?!api\/)/}>
      <App />
    </LocationProvider>,
    root,
  );
}
