import { useEffect, useState } from "preact/hooks";
import { useLocation } from "preact-iso/router";
import { Failure } from "../api/http";
import { signIn, type Practice } from "../api/portal";
import { inSteps, sayClock, sayWait } from "../messages/language";
import { t } from "../messages/portal";
import { useAction } from "../ui/action";
import { Button } from "../ui/button";
import { Form, PasswordField, TextField, type Invalid } from "../ui/form";
import { addressOf, enter, greeting } from "./door";
import { Forgot, Frame } from "./frame";

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
  const said = greeting.value;

  const action = useAction(async () => {
    try {
      enter(await signIn({ practice: practice.id, username: username.trim(), password }));
    } catch (thrown) {
      if (!(thrown instanceof Failure)) throw thrown;
      if (thrown.code === "access_not_active") return setClosed("inactive");
      if (thrown.status !== 429) throw thrown;
      return setClosed({ until: Date.now() + (thrown.retryAfter ?? 60) * 1000 });
    }
    greeting.value = null;
    if (props.onIn) props.onIn();
    else route(addressOf(practice), true);
  });

  const submit = () => {
    const found: Invalid[] = [];
    if (!username.trim()) found.push({ field: "username", message: t("signIn.needUsername") });
    if (!password) found.push({ field: "password", message: t("signIn.needPassword") });
    setInvalid(found);
    if (!found.length) void action.run();
  };

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
      {said && said !== "enrolled" && (
        <p class="notice" role="status">
          {t(`signIn.${said}`)}
        </p>
      )}
      <Form invalid={invalid} failure={action.failure} onSubmit={submit}>
        <TextField
          name="username"
          label={t("signIn.username")}
          verbatim
          autocomplete="username"
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
