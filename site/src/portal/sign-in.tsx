import { useEffect, useRef, useState } from "preact/hooks";
import { useLocation } from "preact-iso/router";
import { Failure } from "../api/http";
import type { Challenge } from "../api/factors";
import { signIn, type Practice, type Session } from "../api/portal";
import { inSteps, sayClock, sayWait } from "../messages/language";
import { t } from "../messages/portal";
import { useAction } from "../ui/action";
import { Button } from "../ui/button";
import { Form, PasswordField, TextField, type Invalid } from "../ui/form";
import { lazyPage } from "../ui/lazy";
import { addressOf, enter, greeting } from "./door";
import { Forgot, Frame } from "./frame";
import { usesPasskeys } from "./passkeys-here";

/** Few come to it: the others are spared its code. */
const SecondStep = lazyPage(async () => (await import("./second-step")).SecondStep, {
  around: ({ children }) => <main class="gate">{children}</main>,
});

export function SignIn(props: {
  practice: Practice;
  /** Why it is asked for, where that is not the portal's own home. */
  lead?: string;
  /** How the person signs in, as far as that is known. */
  username?: string | undefined;
  /** What comes next, where that is not the portal's own home. */
  onIn?: () => void;
}) {
  const { practice } = props;
  const { route } = useLocation();
  const [username, setUsername] = useState(props.username ?? "");
  const [password, setPassword] = useState("");
  const [invalid, setInvalid] = useState<Invalid[]>([]);
  const [closed, setClosed] = useState<"inactive" | { until: number } | null>(null);
  const [challenge, setChallenge] = useState<Challenge | null>(null);
  const said = greeting.value;

  const action = useAction(async () => {
    try {
      goOn(await signIn({ practice: practice.id, username: username.trim(), password }));
    } catch (thrown) {
      if (!(thrown instanceof Failure)) throw thrown;
      if (thrown.code === "access_not_active") return setClosed("inactive");
      if (thrown.code === "second_factor_required" || thrown.code === "factor_enrollment_required")
        return setChallenge(thrown.problem as unknown as Challenge);
      if (thrown.status !== 429) throw thrown;
      lock(thrown);
    }
  });

  // Where a passkey was used in this browser before: others are spared a question that they cannot answer.
  const [passkeys] = useState(usesPasskeys);
  const shown = passkeys && !challenge && !closed;
  const waiting = useRef<AbortController | null>(null);
  const [refused, refuse] = useState<Failure | null>(null);
  // The browser suggests a passkey where the username is typed. What is asked for unasked fails in silence, but for
  // the passkey itself.
  useEffect(() => {
    if (!shown) return;
    const abort = (waiting.current = new AbortController());
    const wait = async () => {
      const { suggested } = await import("./suggestion");
      const now = await suggested(practice.id, abort.signal);
      if (now && !abort.signal.aborted) goOn(now);
    };
    wait().catch((thrown: unknown) => {
      const said = thrown instanceof Failure && [401, 403, 429].includes(thrown.status);
      if (said) fail(thrown);
    });
    return () => abort.abort();
  }, [shown]);
  const passkey = useAction(async () => {
    waiting.current?.abort();
    refuse(null);
    const { asked } = await import("./suggestion");
    try {
      const now = await asked(practice.id);
      if (now) goOn(now);
    } catch (thrown) {
      if (!(thrown instanceof Failure)) throw thrown;
      fail(thrown);
    }
  });

  const fail = (failure: Failure) => {
    if (failure.code === "access_not_active") setClosed("inactive");
    else if (failure.status === 429) lock(failure);
    else refuse(failure);
  };
  const goOn = (now: Session) => {
    enter(now);
    greeting.value = null;
    if (props.onIn) props.onIn();
    else route(addressOf(practice), true);
  };
  const lock = ({ retryAfter }: Failure) => {
    setChallenge(null);
    setClosed({ until: Date.now() + (retryAfter ?? 60) * 1000 });
  };

  const submit = () => {
    const found: Invalid[] = [];
    if (!username.trim()) found.push({ field: "username", message: t("signIn.needUsername") });
    if (!password) found.push({ field: "password", message: t("signIn.needPassword") });
    setInvalid(found);
    if (!found.length) void action.run();
  };

  if (challenge) {
    return (
      <SecondStep
        practice={practice}
        challenge={challenge}
        onIn={goOn}
        onBack={() => setChallenge(null)}
        onLocked={lock}
        onInactive={() => {
          setChallenge(null);
          setClosed("inactive");
        }}
      />
    );
  }
  const back = <Button onClick={() => setClosed(null)}>{t("signIn.back")}</Button>;
  if (closed === "inactive") {
    return (
      <Frame brand={practice.name} title={t("signIn.inactiveTitle")} step="inactive">
        <p>{t("signIn.inactive", { practice: practice.name })}</p>
        <p class="muted">{t("signIn.inactiveHint")}</p>
        {back}
      </Frame>
    );
  }
  if (closed) {
    return (
      <Frame brand={practice.name} title={t("locked.title")} step="locked">
        <p>{t("locked.why")}</p>
        <Wait until={closed.until} />
        <p class="muted">{t("locked.hint", { practice: practice.name })}</p>
        {back}
        <Forgot practice={practice} />
      </Frame>
    );
  }
  return (
    <Frame brand={practice.name} title={t("signIn.title")} step="sign-in">
      {props.lead ? (
        <p class="notice breaks">{props.lead}</p>
      ) : (
        <p class="muted">{t("signIn.lead")}</p>
      )}
      {said && (
        <p class="notice" role="status">
          {t(`signIn.${said}`)}
        </p>
      )}
      <Form invalid={invalid} failure={action.failure ?? refused} onSubmit={submit}>
        <TextField
          name="username"
          label={t("signIn.username")}
          verbatim
          autocomplete={passkeys ? "username webauthn" : "username"}
          inputMode="email"
          value={username}
          onInput={setUsername}
        />
        <PasswordField
          label={t("signIn.password")}
          autocomplete="current-password"
          value={password}
          onInput={setPassword}
        />
        <Button kind="primary" type="submit" wide busy={action.busy}>
          {t("signIn.action")}
        </Button>
      </Form>
      {passkeys && (
        <Button wide busy={passkey.busy} onClick={() => void passkey.run()}>
          {t("signIn.passkey")}
        </Button>
      )}
      <Forgot practice={practice} />
    </Frame>
  );
}

/** When to come back, said again now and then and once more when the time has come. */
function Wait({ until }: { until: number }) {
  const [left, setLeft] = useState(() => inSteps(until - Date.now()));
  useEffect(() => {
    const clock = setInterval(() => setLeft(inSteps(until - Date.now())), 1000);
    return () => clearInterval(clock);
  }, [until]);
  return (
    <p class="notice" role="status">
      {left ? t("locked.wait", { wait: sayWait(left), time: sayClock(until) }) : t("locked.over")}
    </p>
  );
}
