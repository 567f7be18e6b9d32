// A forgotten password: asking for a link, and using it.
import { useState } from "preact/hooks";
import { useLocation } from "preact-iso/router";
import { Failure } from "../api/http";
import { requestReset, setPassword, type Practice } from "../api/portal";
import { t } from "../messages/portal";
import { useAction } from "../ui/action";
import { Button } from "../ui/button";
import { Form, TextField, type Invalid } from "../ui/form";
import { addressOf, greeting, token } from "./door";
import { Frame, NoLink, PasteLink } from "./frame";
import { NewPasswordField, shortcomings } from "./new-password";
import { ENOUGH } from "./strength";

export function Reset({ practice }: { practice: Practice }) {
  const [username, setUsername] = useState("");
  const [invalid, setInvalid] = useState<Invalid[]>([]);
  const [sent, setSent] = useState(false);
  const action = useAction(async () => {
    await requestReset(practice.id, username.trim());
    setSent(true);
  });

  const submit = () => {
    const found = username.trim() ? [] : [{ field: "username", message: t("reset.need") }];
    setInvalid(found);
    if (!found.length) void action.run();
  };

  const back = (
    <p class="below">
      <a href={addressOf(practice, "sign-in")}>{t("reset.back")}</a>
    </p>
  );
  if (sent) {
    return (
      <Frame brand={practice.name} title={t("reset.sentTitle")} step="sent">
        <p>{t("reset.sent")}</p>
        <p class="muted">{t("reset.sentHint", { practice: practice.name })}</p>
        <Button onClick={() => setSent(false)}>{t("reset.other")}</Button>
        {back}
      </Frame>
    );
  }
  return (
    <Frame brand={practice.name} title={t("reset.title")} step="ask">
      <p class="muted">{t("reset.lead")}</p>
      <Form invalid={invalid} failure={action.failure} onSubmit={submit}>
        <TextField
          name="username"
          label={t("reset.who")}
          verbatim
          autocomplete="username"
          inputMode="email"
          value={username}
          onInput={setUsername}
        />
        <Button kind="primary" type="submit" wide busy={action.busy}>
          {t("reset.action")}
        </Button>
      </Form>
      {back}
    </Frame>
  );
}

export function NewPassword({ practice }: { practice: Practice }) {
  const given = token.value;
  // Another link opened in the same tab starts over.
  return given ? <Choose key={given} practice={practice} given={given} /> : <NoLink practice={practice} />;
}

function Choose({ practice, given }: { practice: Practice; given: string }) {
  const { route } = useLocation();
  const [password, change] = useState("");
  const [invalid, setInvalid] = useState<Invalid[]>([]);
  const [dead, setDead] = useState(false);

  const action = useAction(async () => {
    try {
      await setPassword(given, password);
    } catch (thrown) {
      // Whatever is not about the password itself is about the link.
      const link =
        thrown instanceof Failure &&
        thrown.status >= 400 &&
        thrown.status < 500 &&
        thrown.status !== 429 &&
        !thrown.fields.some((problem) => problem.field === "password");
      if (!link) throw thrown;
      setDead(true);
      return;
    }
    token.value = "";
    greeting.value = "changed";
    route(addressOf(practice, "sign-in"), true);
  });

  const submit = () => {
    const found = shortcomings(password, ENOUGH);
    setInvalid(found);
    if (!found.length) void action.run();
  };

  if (dead) {
    return (
      <Frame brand={practice.name} title={t("password.deadTitle")} step="dead">
        <p>{t("password.dead")}</p>
        <PasteLink practice={practice} />
        <p class="below">
          <a href={addressOf(practice, "reset")}>{t("password.again")}</a>
        </p>
      </Frame>
    );
  }
  return (
    <Frame brand={practice.name} title={t("password.title")} step="choose">
      <p class="muted">{t("password.lead")}</p>
      <Form invalid={invalid} failure={action.failure} onSubmit={submit}>
        <NewPasswordField enough={ENOUGH} about={[practice.name]} value={password} onInput={change} />
        <Button kind="primary" type="submit" wide busy={action.busy}>
          {t("password.action")}
        </Button>
      </Form>
    </Frame>
  );
}
