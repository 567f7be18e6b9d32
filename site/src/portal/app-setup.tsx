// An authenticator app: it is given a secret, and shows that it has it.
import { useState } from "preact/hooks";
import type { Practice } from "../api/portal";
import { t } from "../messages/portal";
import { useAction } from "../ui/action";
import { Button } from "../ui/button";
import { Form, TextField, type Invalid } from "../ui/form";
import { lazyPage } from "../ui/lazy";
import { Frame } from "./frame";

// The key beside it is enough: until the picture is there, and where it does not come, nothing is missing.
const Qr = lazyPage(async () => (await import("../ui/qr")).Qr, { around: () => null });

export interface Given {
  secret: string;
  uri: string;
}

export function AppSetup(props: {
  practice: Practice;
  given: Given;
  confirm: (code: string) => Promise<void>;
  /** Where the way back leads, in words. */
  back: string;
  onBack: () => void;
}) {
  const { given } = props;
  const [code, setCode] = useState("");
  const [invalid, setInvalid] = useState<Invalid[]>([]);
  const action = useAction(() => props.confirm(code.trim()));
  const submit = () => {
    const found = code.trim() ? [] : [{ field: "code", message: t("factor.needCode") }];
    setInvalid(found);
    if (!found.length) void action.run();
  };
  return (
    <Frame brand={props.practice.name} title={t("app.title")} step="app">
      <ol>
        <li>{t("app.open")}</li>
        <li>
          {t("app.take")} <a href={given.uri}>{t("app.link")}</a>
          <Qr of={given.uri} label={t("app.picture")} />
          <p class="code">{given.secret.replace(/(.{4})(?=.)/g, "$1 ")}</p>
        </li>
        <li>{t("app.type")}</li>
      </ol>
      <Form invalid={invalid} failure={action.failure} onSubmit={submit}>
        <TextField
          name="code"
          label={t("factor.code.totp")}
          autocomplete="one-time-code"
          inputMode="numeric"
          verbatim
          value={code}
          onInput={setCode}
        />
        <Button kind="primary" type="submit" wide busy={action.busy}>
          {t("app.confirm")}
        </Button>
      </Form>
      <Button onClick={props.onBack}>{props.back}</Button>
    </Frame>
  );
}
