import { useState } from "preact/hooks";
import { useLocation } from "preact-iso/router";
import { Failure } from "../api/http";
import { signIn, type Practice } from "../api/portal";
import { t } from "../messages/portal";
import { useAction } from "../ui/action";
import { Button } from "../ui/button";
import { Form, PasswordField, TextField, type Invalid } from "../ui/form";
import { addressOf, greeting, session } from "./door";
import { Frame } from "./frame";

export function SignIn({ practice }: { practice: Practice }) {
  const { route } = useLocation();
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const [invalid, setInvalid] = useState<Invalid[]>([]);
  const [inactive, setInactive] = useState(false);
  const said = greeting.value;

  const action = useAction(async () => {
    try {
      session.value = await signIn({ practice: practice.id, username: username.trim(), password });
    } catch (thrown) {
      if (!(thrown instanceof Failure && thrown.code === "access_not_active")) throw thrown;
      setInactive(true);
      return;
    }
    greeting.value = null;
    route(addressOf(practice), true);
  });

  const submit = () => {
    const found: Invalid[] = [];
    if (!username.trim()) found.push({ field: "username", message: t("signIn.needUsername") });
    if (!password) found.push({ field: "password", message: t("signIn.needPassword") });
    setInvalid(found);
    if (!found.length) void action.run();
  };

  if (inactive) {
    return (
      <Frame brand={practice.name} title={t("signIn.inactiveTitle")} step="inactive">
        <p role="alert">{t("signIn.inactive", { practice: practice.name })}</p>
        <Button onClick={() => setInactive(false)}>{t("enroll.back")}</Button>
      </Frame>
    );
  }
  return (
    <Frame brand={practice.name} title={t("signIn.title")} step="sign-in">
      <p class="muted">{t("signIn.lead")}</p>
      {said && (
        <p class="notice" role="status">
          {t(`signIn.${said}`)}
        </p>
      )}
      <Form invalid={invalid} failure={action.failure} onSubmit={submit}>
        <TextField
          name="username"
          label={t("signIn.username")}
          autocomplete="username"
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
      <p class="below">
        <a href={addressOf(practice, "reset")}>{t("signIn.forgot")}</a>
      </p>
    </Frame>
  );
}
