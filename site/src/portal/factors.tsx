// On the account's page: what the person signs in with beside the password, and each change of it as a page of its own,
// which asks for the password again.
import { useMemo, useState } from "preact/hooks";
import { Submission } from "../api/http";
import * as api from "../api/factors";
import type { Account, Practice } from "../api/portal";
import { sayLately } from "../messages/language";
import { t } from "../messages/portal";
import { useAction } from "../ui/action";
import { Button } from "../ui/button";
import { Form, PasswordField, TextField, type Invalid } from "../ui/form";
import { AppSetup, type Given } from "./app-setup";
import { Frame } from "./frame";
import { NewCode } from "./new-code";
import { create, hasPasskeys, NotGiven } from "./webauthn";

/** What is changed. */
export type FactorChange =
  | { what: "passkey" | "app" | "code" | "remove-app" }
  | { what: "remove-passkey"; passkey: api.Passkey };

/** A person without an address gets no mail, and is told of none. */
const unmailed = ({ email }: Account) => (email ? "" : "Unmailed");

/** What there is, with what can be done with it. */
export function Factors(props: { of: Account; onChange: (change: FactorChange) => void }) {
  const { passkeys, totp, recoveryCode } = props.of.secondFactors;
  const offers = props.of.secondFactor !== "off";
  const some = totp || passkeys.length > 0;
  if (!offers && !some) return null;
  return (
    <section>
      <h2>{t("factors.title")}</h2>
      <p class="small">{t(some ? `factors.lead${unmailed(props.of)}` : "factors.none")}</p>
      {some && (
        <ul class="rows">
          {passkeys.map((passkey) => (
            <PasskeyRow key={passkey.passkeyId} of={passkey} onChange={props.onChange} />
          ))}
          {totp && (
            <li>
              <div>
                <strong>{t("factors.app")}</strong>
                <p>{t("factors.appThere")}</p>
              </div>
              <Button
                label={t("factors.removeOf", { name: t("factors.app") })}
                onClick={() => props.onChange({ what: "remove-app" })}
              >
                {t("factors.remove")}
              </Button>
            </li>
          )}
          <li>
            <div>
              <strong>{t("factors.code")}</strong>
              <p>{t(recoveryCode ? "factors.codeThere" : "factors.codeNone")}</p>
            </div>
            <Button onClick={() => props.onChange({ what: "code" })}>{t("factors.makeCode")}</Button>
          </li>
        </ul>
      )}
      {offers && (
        <div class="actions start">
          {hasPasskeys() && (
            <Button onClick={() => props.onChange({ what: "passkey" })}>{t("first.passkey")}</Button>
          )}
          {!totp && <Button onClick={() => props.onChange({ what: "app" })}>{t("first.app")}</Button>}
        </div>
      )}
    </section>
  );
}

function PasskeyRow({ of, onChange }: { of: api.Passkey; onChange: (change: FactorChange) => void }) {
  const { name, createdAt, lastUsedAt } = of;
  const time = sayLately(createdAt);
  return (
    <li>
      <div>
        <strong class="breaks">{t("factors.passkey", { name })}</strong>
        <p>
          {lastUsedAt
            ? t("factors.addedUsed", { time, used: sayLately(lastUsedAt) })
            : t("factors.added", { time })}
        </p>
      </div>
      <Button
        label={t("factors.removeOf", { name })}
        onClick={() => onChange({ what: "remove-passkey", passkey: of })}
      >
        {t("factors.remove")}
      </Button>
    </li>
  );
}

const PROOF = "proof.password";

/** A change, from the password to what is done. */
export function ChangeFactor(props: {
  practice: Practice;
  of: Account;
  change: FactorChange;
  /** Back to the account; with what was done, when something was. */
  onBack: (said?: string) => void;
}) {
  const { practice, change, onBack } = props;
  const { what } = change;
  const [proof, prove] = useState("");
  const [name, call] = useState(t("passkey.firstName"));
  const [invalid, setInvalid] = useState<Invalid[]>([]);
  const [given, give] = useState<Given | null>(null);
  const [code, show] = useState("");
  const [stopped, stop] = useState(false);
  const submission = useMemo(() => new Submission(), []);

  const passkey = async () => {
    stop(false);
    const asked = await api.newPasskey({ proof: { password: proof } });
    try {
      const made = await create(asked.options);
      await api.addPasskey(name.trim(), made, submission.keyFor(made));
      onBack(t(`factors.doneAdded${unmailed(props.of)}`));
    } catch (thrown) {
      if (!(thrown instanceof NotGiven)) throw thrown;
      stop(true);
    }
  };
  const action = useAction(async () => {
    if (change.what === "remove-passkey") {
      await api.removePasskey(change.passkey.passkeyId, proof);
      return onBack(t(`factors.doneRemoved${unmailed(props.of)}`));
    }
    if (what === "remove-app") {
      await api.removeApp(proof);
      return onBack(t(`factors.doneRemoved${unmailed(props.of)}`));
    }
    if (what === "passkey") return passkey();
    if (what === "app") return give(await api.newApp({ proof: { password: proof } }));
    const made = await api.newRecoveryCode(proof, crypto.randomUUID());
    show(made.code ?? "");
  });
  const submit = () => {
    const found: Invalid[] = [];
    if (what === "passkey" && !name.trim()) found.push({ field: "name", message: t("factors.needName") });
    if (!proof) found.push({ field: PROOF, message: t("account.needPassword") });
    setInvalid(found);
    if (!found.length) void action.run();
  };

  if (given) {
    return (
      <AppSetup
        practice={practice}
        given={given}
        back={t("account.back")}
        onBack={() => onBack()}
        confirm={async (typed) => {
          await api.confirmApp(typed);
          onBack(t(`factors.doneAdded${unmailed(props.of)}`));
        }}
      />
    );
  }
  if (code) {
    return (
      <NewCode
        practice={practice}
        title={t("factors.code")}
        lead={t("factors.codeLead")}
        code={code}
        onKept={() => onBack(t(`factors.doneCode${unmailed(props.of)}`))}
      />
    );
  }
  const removes = change.what === "remove-passkey" ? change.passkey.name : t("factors.app");
  const [title, lead] = {
    passkey: () => [t("first.passkey"), t("passkey.what")],
    app: () => [t("first.app"), t("app.what")],
    code: () => [t("factors.makeCode"), t("factors.codeLead")],
    "remove-app": () => [t("factors.removeOf", { name: removes }), t("factors.removeLead")],
    "remove-passkey": () => [t("factors.removeOf", { name: removes }), t("factors.removeLead")],
  }[what]() as [string, string];
  return (
    <Frame brand={practice.name} title={title} step={what}>
      <p class="muted">{lead}</p>
      {stopped && (
        <p class="notice" role="alert">
          {t("factor.passkeyStopped")}
        </p>
      )}
      <Form invalid={invalid} failure={action.failure} onSubmit={submit}>
        {/* Password managers look for it. */}
        <input type="hidden" autocomplete="username" value={props.of.username} />
        {what === "passkey" && (
          <TextField name="name" label={t("factors.name")} value={name} onInput={call} />
        )}
        <PasswordField
          name={PROOF}
          label={t("account.yourPassword")}
          autocomplete="current-password"
          value={proof}
          onInput={prove}
        />
        <Button kind="primary" type="submit" wide busy={action.busy}>
          {t("factors.go")}
        </Button>
      </Form>
      <Button onClick={() => onBack()}>{t("account.back")}</Button>
    </Frame>
  );
}
