// Where an app sends people to be signed out (OpenID Connect RP-Initiated Logout 1.0). An app that shows the
// ID token of this browser's session speaks for the person; in every other case the person is asked.
import { useEffect, useState } from "preact/hooks";
import { Failure } from "../api/http";
import { endSession, type Practice, type SignOut as Request } from "../api/portal";
import { t } from "../messages/portal";
import { useAction } from "../ui/action";
import { Button } from "../ui/button";
import { FailureNote } from "../ui/failure";
import { Skeleton } from "../ui/resource";
import { addressOf, watch } from "./door";
import { Frame } from "./frame";
import { parametersIn } from "./parameters";

const NAMES = ["id_token_hint", "client_id", "post_logout_redirect_uri", "state"] as const;

/** What the address asks. What says something twice says nothing. */
function read(): Request {
  const { values, twice } = parametersIn(location.search);
  if (twice.length) return {};
  return Object.fromEntries(NAMES.map((name) => [name, values[name]]).filter(([, value]) => value));
}

export function SignOut({ practice }: { practice: Practice | undefined }) {
  const [request, setRequest] = useState(read);
  const [at, setAt] = useState<"question" | "another" | "leaving" | "out">(
    request.id_token_hint ? "leaving" : "question",
  );

  const leave = useAction(async () => {
    let redirectTo;
    try {
      ({ redirectTo } = await endSession(request));
    } catch (thrown) {
      if (!(thrown instanceof Failure)) throw thrown;
      const { id_token_hint: hint, ...rest } = request;
      if (thrown.status === 409 && hint) {
        setRequest(rest);
        return setAt("another");
      }
      // Of an app that says what cannot be, nothing is taken: neither whose session it means, nor the way.
      if (thrown.status !== 400 && thrown.status !== 422) throw thrown;
      setRequest({});
      return setAt("question");
    }
    watch.signedOut();
    if (redirectTo) location.replace(redirectTo);
    else setAt("out");
  });
  useEffect(() => {
    if (at === "leaving") void leave.run();
  }, []);

  const brand = practice?.name ?? t("brand");
  const home = practice ? addressOf(practice) : "/";
  if (at === "out") {
    return (
      <Frame brand={brand} title={t("signOut.doneTitle")} step="out">
        <p>{t("signOut.done")}</p>
        <p class="below">
          <a href={practice ? addressOf(practice, "sign-in") : "/"}>{t("link.toSignIn")}</a>
        </p>
      </Frame>
    );
  }
  if (at === "leaving") {
    return (
      <Frame brand={brand} title={t("signOut.wait")} step="wait" waiting>
        {leave.failure ? (
          <FailureNote failure={leave.failure} onRetry={() => void leave.run()} />
        ) : (
          <Skeleton lines={2} />
        )}
      </Frame>
    );
  }
  return (
    <Frame brand={brand} title={t("signOut.title")} step={at}>
      <p>{t(at === "another" ? "signOut.another" : "signOut.lead")}</p>
      <FailureNote failure={leave.failure} />
      <Button kind="primary" wide busy={leave.busy} onClick={() => void leave.run()}>
        {t("home.signOut")}
      </Button>
      <p class="below">
        <a href={home}>{t("signOut.stay")}</a>
      </p>
    </Frame>
  );
}
