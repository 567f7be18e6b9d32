// The staff console: signed in or not decides everything else.
import { render } from "preact";
import { useLayoutEffect } from "preact/hooks";
import { LocationProvider, Route, Router, useLocation } from "preact-iso/router";
import { greet } from "../messages/choice";
import { speak } from "../messages/language";
import { staff } from "../messages/staff.en";
import { FailureNote } from "../ui/failure";
import { lazyPage } from "../ui/lazy";
import { takeDoubleClicksForOne } from "../ui/once";
import { Skeleton } from "../ui/resource";
import "../styles/base.css";
import "../styles/forms.css";
import "../styles/frame.css";
import "../styles/pages.css";
import "../styles/access.css";
import "../styles/lists.css";
import "../styles/paper.css";
import { forAdmins, forAuditors, forEditors, NotFound } from "./dead-ends";
import { Home } from "./home";
import { languages } from "./language";
import { resume, SIGN_IN, state } from "./session";
import { Shell } from "./shell";
import { Over, SignIn } from "./sign-in";

const NewClient = forEditors(lazyPage(async () => (await import("./new-client")).NewClient));
const Apps = forAdmins(lazyPage(async () => (await import("./apps/app-list")).Apps));
const NewApp = forAdmins(lazyPage(async () => (await import("./apps/new-app")).NewApp));
const AppPage = forAdmins(lazyPage(async () => (await import("./apps/app-page")).AppPage));
const AccessPage = lazyPage(async () => (await import("./access/access-page")).AccessPage);
const PrepareBulk = forEditors(lazyPage(async () => (await import("./bulk/prepare")).PrepareBulk));
const BulkJob = lazyPage(async () => (await import("./bulk/job")).BulkJob);
const ImportClients = forAdmins(lazyPage(async () => (await import("./import/import-clients")).ImportClients));
const Team = forAdmins(lazyPage(async () => (await import("./team/team-page")).Team));
const Settings = forAdmins(lazyPage(async () => (await import("./practice/settings")).Settings));
const PracticeHistory = forAuditors(lazyPage(async () => (await import("./practice/history")).PracticeHistory));
const ClientPage = lazyPage(async () => (await import("./client/page")).ClientPage);

function App() {
  const now = state.value;
  if (now.at === "loading") {
    return (
      <main class="gate">
        <Skeleton lines={3} />
      </main>
    );
  }
  if (now.at === "failed") {
    return (
      <main class="gate">
        <FailureNote failure={now.failure} onRetry={() => void resume()} />
      </main>
    );
  }
  if (now.at === "out") return <SignIn left={now.left} />;
  if (now.at === "over") return <Over />;
  return (
    // Links under /api are the server's, not pages of ours.
    <LocationProvider scope={/^\/(?!api\/)/}>
      {/* Somebody else is another console: nothing of the one before stays on the page. */}
      <Shell key={`${now.session.practice.id} ${now.session.email}`} session={now.session}>
        <Router>
          <Route path="/" component={Home} />
          <Route path="/clients/new" component={NewClient} />
          {/* Both, because "/*" wants something after the slash. */}
          <Route path="/clients/:clientId" component={ClientPage} />
          <Route path="/clients/:clientId/*" component={ClientPage} />
          <Route path="/access" component={AccessPage} />
          <Route path="/bulk" component={PrepareBulk} />
          <Route path="/bulk/:bulkId" component={BulkJob} />
          <Route path="/import" component={ImportClients} />
          <Route path="/apps" component={Apps} />
          <Route path="/apps/new" component={NewApp} />
          <Route path="/apps/:id" component={AppPage} />
          <Route path="/apps/:id/edit" component={AppPage} editing />
          <Route path="/staff" component={Team} />
          <Route path="/settings" component={Settings} />
          <Route path="/history" component={PracticeHistory} />
          <Route path={SIGN_IN} component={ToHome} />
          <Route default component={NotFound} />
        </Router>
      </Shell>
    </LocationProvider>
  );
}

/** Signed in already: there is nothing to do on the sign-in page. */
function ToHome() {
  const { route } = useLocation();
  useLayoutEffect(() => route("/", true), []);
  return null;
}

/** Not awaited at the top of the file: files that come later import from this one. */
async function start(): Promise<void> {
  takeDoubleClicksForOne();
  await greet(languages).catch(() => speak("en", staff));
  void resume();
  const root = document.getElementById("app");
  if (root) render(<App />, root);
}

void start();
