// A new password or e-mail address: a page of its own, which asks for the password again.
import { useMemo, useState } from "preact/hooks";
import { Submission } from "../api/http";
import * as api from "../api/portal";
import { t } from "../messages/portal";
import { useAction } from "../ui/action";
import { Button } from "../ui/button";
import { Form, PasswordField, TextField, type Invalid } from "../ui/form";
import { Frame } from "./frame";
import { NewPasswordField, shortcomings } from "./new-password";
import { ENOUGH } from "./strength";

interface Change {
  practice: api.Practice;
  of: api.Account;
  /** Back to the account; with what was done, when something was. */
  onBack: (said?: string) => void;
}

const PROOF = "proof.password";

const Proof = (props: { value: string; onInput: (value: string) => void }) => (
  <PasswordField
    name={PROOF}
    label={t("account.yourPassword")}
    autocomplete="current-password"
    value={props.value}
    onInput={props.onInput}
  />
);

const lacking = (proof: string): Invalid[] =>
  proof ? [] : [{ field: PROOF, message: t("account.needPassword") }];

const Back = ({ onBack }: Pick<Change, "onBack">) => (
  <Button onClick={() => onBack()}>{t("account.back")}</Button>
);

export function ChangePassword({ practice, of, onBack }: Change) {
  const [proof, prove] = useState("");
  const [password, choose] = useState("");
  const [invalid, setInvalid] = useState<Invalid[]>([]);
  const action = useAction(async () => {
    await api.changePassword(password, proof);
    onBack(t("account.passwordSaved"));
  });
  const submit = () => {
    const found = [...lacking(proof), ...shortcomings(password, ENOUGH)];
    setInvalid(found);
    if (!found.length) void action.run();
  };
  const about = [practice.name, of.name.first, of.name.last, of.username, of.email ?? ""];
  return (
    <Frame brand={practice.name} title={t("account.changePassword")} step="password">
      <p class="muted">{t(of.email ? "account.passwordLead" : "account.passwordLeadUnmailed")}</p>
      <Form invalid={invalid} failure={action.failure} onSubmit={submit}>
        {/* Password managers look for it. */}
        <input type="hidden" autocomplete="username" value={of.username} />
        <Proof value={proof} onInput={prove} />
        <NewPasswordField enough={ENOUGH} about={about} value={password} onInput={choose} />
        <Button kind="primary" type="submit" wide busy={action.busy}>
          {t("password.action")}
        </Button>
      </Form>
      <Back onBack={onBack} />
    </Frame>
  );
}

export function ChangeEmail({ practice, of, onBack }: Change) {
  const [proof, prove] = useState("");
  const [email, name] = useState("");
  const [invalid, setInvalid] = useState<Invalid[]>([]);
  const submission = useMemo(() => new Submission(), []);
  const action = useAction(async () => {
    const to = email.trim();
    await api.changeEmail(to, proof, submission.keyFor(to));
    onBack(t(of.email ? "account.linkSent" : "account.addLinkSent", { email: to }));
  });
  const submit = () => {
    const found = email.trim() ? [] : [{ field: "email", message: t("account.needEmail") }];
    found.push(...lacking(proof));
    setInvalid(found);
    if (!found.length) void action.run();
  };
  return (
    <Frame
      brand={practice.name}
      title={t(of.email ? "account.changeEmail" : "account.addEmail")}
      step="email"
    >
      <p class="muted">{t(of.email ? "account.emailLead" : "account.addEmailLead")}</p>
      <Form invalid={invalid} failure={action.failure} onSubmit={submit}>
        <TextField
          name="email"
          label={t("account.newEmail")}
          type="email"
          autocomplete="email"
          value={email}
          onInput={name}
        />
        <Proof value={proof} onInput={prove} />
        <Button kind="primary" type="submit" wide busy={action.busy}>
          {t("account.sendLink")}
        </Button>
      </Form>
      <Back onBack={onBack} />
    </Frame>
  );
}
