// The second step of signing in: one way at a time, and the others below it. Where a factor is required and none is
// there, the step is to add one.
import { useState } from "preact/hooks";
import { Failure } from "../api/http";
import * as api from "../api/factors";
import { t } from "../messages/portal";
import { useAction } from "../ui/action";
import { Button } from "../ui/button";
import { FailureNote } from "../ui/failure";
import { Form, TextField, type Invalid } from "../ui/form";
import { FirstFactor } from "./first-factor";
import { Frame } from "./frame";
import { NewCode } from "./new-code";
import { useStep, type Step } from "./step";
import { get, hasPasskeys, NotGiven } from "./webauthn";

export function SecondStep(props: Step) {
  const { practice, challenge, onIn } = props;
  const [kept, keep] = useState<api.SignedIn | null>(null);
  if (kept?.recoveryCode) {
    return (
      <NewCode
        practice={practice}
        title={t("factor.newCodeTitle")}
        lead={t("factor.newCodeLead")}
        code={kept.recoveryCode}
        onKept={() => onIn(kept)}
      />
    );
  }
  const enter = (session: api.SignedIn) => (session.recoveryCode ? keep(session) : onIn(session));
  if (!challenge.methods) return <FirstFactor {...props} onIn={enter} />;
  return <Asked {...props} methods={challenge.methods} onIn={enter} />;
}

function Asked(props: Step & { methods: api.Method[] }) {
  const { practice, methods, challenge } = props;
  // A browser that knows no passkeys is spared the button that does nothing.
  const able = methods.filter((each) => each !== "passkey" || hasPasskeys());
  const [method, choose] = useState<api.Method | undefined>(able[0]);
  const others = able.filter((each) => each !== method);
  return (
    <Frame brand={practice.name} title={t("factor.title")} step={`factor-${method ?? "none"}`}>
      {!method && <p>{t("factor.noWay", { practice: practice.name })}</p>}
      {method === "passkey" && <WithPasskey {...props} />}
      {method && method !== "passkey" && (
        <WithCode key={method} {...props} challenge={challenge} method={method} />
      )}
      {others.length > 0 && (
        <section>
          <h2>{t("factor.others")}</h2>
          {others.map((each) => (
            <Button key={each} wide onClick={() => choose(each)}>
              {t(`factor.by.${each}`)}
            </Button>
          ))}
        </section>
      )}
      <p class="small">{t("factor.lost", { practice: practice.name })}</p>
      <Button onClick={props.onBack}>{t("signIn.back")}</Button>
    </Frame>
  );
}

function WithPasskey(props: Step) {
  /** Why it did not work, where another try or another way may. */
  const [why, say] = useState<"factor.passkeyStopped" | "factor.wrong.passkey" | null>(null);
  const guarded = useStep(props);
  const action = useAction(() =>
    guarded(async () => {
      say(null);
      try {
        const answer = await get(props.challenge.passkey);
        props.onIn(await api.byPasskey(props.challenge.challenge, answer));
      } catch (thrown) {
        if (thrown instanceof NotGiven) return say("factor.passkeyStopped");
        if (!(thrown instanceof Failure && thrown.code === "factor_failed")) throw thrown;
        say("factor.wrong.passkey");
      }
    }),
  );
  return (
    <>
      <p class="muted">{t("factor.passkeyLead")}</p>
      <FailureNote failure={action.failure} />
      {why && (
        <p class="notice" role="alert">
          {t(why)}
        </p>
      )}
      <Button kind="primary" wide busy={action.busy} onClick={() => void action.run()}>
        {t("factor.by.passkey")}
      </Button>
    </>
  );
}

function WithCode(props: Step & { method: Exclude<api.Method, "passkey"> }) {
  const { method } = props;
  const [code, setCode] = useState("");
  const [invalid, setInvalid] = useState<Invalid[]>([]);
  const guarded = useStep(props);
  const wrong = (message: string) => setInvalid([{ field: "code", message }]);
  const action = useAction(() =>
    guarded(async () => {
      try {
        props.onIn(await api.byCode(props.challenge.challenge, method, code.trim()));
      } catch (thrown) {
        if (!(thrown instanceof Failure && thrown.code === "factor_failed")) throw thrown;
        wrong(t(`factor.wrong.${method}`));
      }
    }),
  );
  const submit = () => {
    setInvalid([]);
    if (!code.trim()) return wrong(t("factor.needCode"));
    void action.run();
  };
  return (
    <>
      <p class="muted">{t(`factor.lead.${method}`)}</p>
      <Form invalid={invalid} failure={action.failure} onSubmit={submit}>
        <TextField
          name="code"
          label={t(`factor.code.${method}`)}
          verbatim
          autocomplete={method === "totp" ? "one-time-code" : "off"}
          {...(method === "totp" && { inputMode: "numeric" as const })}
          value={code}
          onInput={setCode}
        />
        <Button kind="primary" type="submit" wide busy={action.busy}>
          {t("signIn.action")}
        </Button>
      </Form>
    </>
  );
}
