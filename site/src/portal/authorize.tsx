// Where an app sends people to be let in. A person who is not signed in does that first; then the browser goes
// on to where the API says. Which addresses are an app's, the API alone knows: what it refuses is told here, and
// leads nowhere.
import { useEffect, useRef, useState } from "preact/hooks";
import { Failure } from "../api/http";
import { authorize, wantedBy, type Practice, type Wanted } from "../api/portal";
import { sayList } from "../messages/language";
import { t } from "../messages/portal";
import { useAction } from "../ui/action";
import { FailureNote } from "../ui/failure";
import { Skeleton } from "../ui/resource";
import { addressOf, greeting } from "./door";
import { Frame } from "./frame";
import { parametersIn } from "./parameters";
import { SignIn } from "./sign-in";

type Request = Parameters<typeof authorize>[0];

export function Authorize({ practice }: { practice: Practice | undefined }) {
  const [{ values, twice }] = useState(() => parametersIn(location.search));
  const [wanted, setWanted] = useState<Wanted | null>(null);
  const [refused, setRefused] = useState<Failure | null>(null);
  const asked = useRef<string>(undefined);

  const ask = useAction(async () => {
    try {
      const request = { ...values, ...(asked.current && { asked: asked.current }) } as Request;
      const { redirectTo } = await authorize(request);
      // Not to come back to: the way back from the app leads to where the app was opened.
      location.replace(redirectTo);
    } catch (thrown) {
      if (!(thrown instanceof Failure)) throw thrown;
      const first = wantedBy(thrown);
      if (first) {
        // To the watch, it was a session that ended.
        greeting.value = null;
        asked.current = first.asked;
        setWanted(first);
      } else if (isRefusal(thrown)) setRefused(thrown);
      else throw thrown;
    }
  });
  useEffect(() => {
    if (!twice.length) void ask.run();
  }, []);

  if (twice.length || refused) {
    const why = twice.length ? t("authorize.twice", { names: sayList(twice) }) : sayRefusal(refused);
    return <Refused why={why} failure={refused} practice={practice} />;
  }
  if (wanted) {
    const app = wanted.app.name;
    return (
      <SignIn
        practice={wanted.practice}
        lead={t("authorize.asks", { app })}
        username={values["login_hint"]}
        onIn={() => {
          setWanted(null);
          void ask.run();
        }}
      />
    );
  }
  return (
    <Frame brand={practice?.name ?? t("brand")} title={t("authorize.wait")} step="wait" waiting>
      {ask.failure ? (
        <FailureNote failure={ask.failure} onRetry={() => void ask.run()} />
      ) : (
        <Skeleton lines={2} />
      )}
    </Frame>
  );
}

/** Whether asking again would be answered the same. */
const isRefusal = ({ status }: Failure): boolean =>
  status >= 400 && status < 500 && ![401, 403, 429].includes(status);

function sayRefusal(failure: Failure | null): string {
  const code = failure?.code;
  return t(code === "unknown_app" || code === "unknown_address" ? `authorize.${code}` : "authorize.invalid");
}

function Refused(props: { why: string; failure: Failure | null; practice: Practice | undefined }) {
  const { failure, practice } = props;
  const wrong = failure?.fields.map(({ field, code }) => `${field}: ${code}`) ?? [];
  return (
    <Frame brand={practice?.name ?? t("brand")} title={t("authorize.refusedTitle")} step="refused">
      <p>{props.why}</p>
      {wrong.length > 0 && <p class="small breaks">{t("authorize.makers", { wrong: wrong.join("; ") })}</p>}
      <p class="below">
        <a href={practice ? addressOf(practice) : "/"}>{t("authorize.home")}</a>
      </p>
    </Frame>
  );
}
