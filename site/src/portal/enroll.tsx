// From the mail's link to a chart: whose chart it is, then a password. Opening the page spends nothing;
// only the last step does.
import { useEffect, useState } from "preact/hooks";
import { useLocation } from "preact-iso/router";
import { Failure, Submission } from "../api/http";
import { checkInvitation, enroll, type InvitationCheck, type Practice } from "../api/portal";
import { t } from "../messages/portal";
import { useAction } from "../ui/action";
import { Button } from "../ui/button";
import { FailureNote } from "../ui/failure";
import { Form, PasswordField, TextField, type Invalid } from "../ui/form";
import { Skeleton } from "../ui/resource";
import { addressOf, session, token } from "./door";
import { Frame } from "./frame";

export function Enroll({ practice }: { practice: Practice }) {
  const given = token.value;
  // Another link opened in the same tab starts over.
  return given ? <Checked key={given} practice={practice} given={given} /> : <Dead practice={practice} />;
}

function Checked({ practice, given }: { practice: Practice; given: string }) {
  const [check, setCheck] = useState<InvitationCheck | "dead" | null>(null);
  const ask = useAction(async () => {
    try {
      setCheck(await checkInvitation(given));
    } catch (thrown) {
      const dead =
        thrown instanceof Failure && thrown.status >= 400 && thrown.status < 500 && thrown.status !== 429;
      if (!dead) throw thrown;
      setCheck("dead");
    }
  });
  useEffect(() => void ask.run(), []);

  if (check === "dead") return <Dead practice={practice} />;
  if (!check) {
    return (
      <Frame brand={practice.name} title={t("enroll.title")} step="wait">
        {ask.failure ? (
          <FailureNote failure={ask.failure} onRetry={() => void ask.run()} />
        ) : (
          <Skeleton lines={3} />
        )}
      </Frame>
    );
  }
  if (check.state !== "open") {
    return (
      <Frame brand={check.practice.name} title={t(`enroll.${check.state}Title`)} step={check.state}>
        <p>{t(`enroll.${check.state}`, { practice: check.practice.name })}</p>
        <ToSignIn practice={check.practice} />
      </Frame>
    );
  }
  return (
    <Steps
      practice={check.practice}
      given={given}
      existing={check.account === "existing"}
      onEnded={(state) => setCheck(state === "dead" ? state : { ...check, state })}
    />
  );
}

function Dead({ practice }: { practice: Practice }) {
  return (
    <Frame brand={practice.name} title={t("enroll.deadTitle")} step="dead">
      <p>{t("enroll.dead")}</p>
      <ToSignIn practice={practice} />
    </Frame>
  );
}

const ToSignIn = ({ practice }: { practice: Practice }) => (
  <p>
    <a href={addressOf(practice, "sign-in")}>{t("enroll.toSignIn")}</a>
  </p>
);

function Steps(props: {
  practice: Practice;
  given: string;
  existing: boolean;
  /** The invitation ended while the person was busy with it. */
  onEnded: (state: "expired" | "used" | "dead") => void;
}) {
  const { practice, given, existing } = props;
  const { route } = useLocation();
  const [step, setStep] = useState<"prove" | "password">("prove");
  const [lastName, setLastName] = useState("");
  const [dateOfBirth, setDateOfBirth] = useState("");
  const [password, setPassword] = useState("");
  const [invalid, setInvalid] = useState<Invalid[]>([]);
  const [submission] = useState(() => new Submission());

  const action = useAction(async () => {
    const body = { token: given, lastName: lastName.trim(), dateOfBirth, password };
    try {
      session.value = await enroll(body, submission.keyFor(body));
    } catch (thrown) {
      if (!(thrown instanceof Failure)) throw thrown;
      if (thrown.code === "invitation_expired") return props.onEnded("expired");
      if (thrown.code === "invitation_used") return props.onEnded("used");
      if (thrown.status === 404) return props.onEnded("dead");
      if (!aboutProof(thrown)) throw thrown;
      // Which of the details was wrong is not told, so all of them are asked for again.
      setInvalid([
        { field: "lastName", message: t(existing ? "enroll.proofOrPassword" : "enroll.proofFailed") },
      ]);
      setStep("prove");
      return;
    }
    token.value = "";
    route(addressOf(practice), true);
  });

  const next = () => {
    const found: Invalid[] = [];
    if (!lastName.trim()) found.push({ field: "lastName", message: t("enroll.needLastName") });
    if (!dateOfBirth) found.push({ field: "dateOfBirth", message: t("enroll.needBirth") });
    setInvalid(found);
    if (!found.length) setStep("password");
  };
  const finish = () => {
    const found = password ? [] : [{ field: "password", message: t("new.need") }];
    setInvalid(found);
    if (!found.length) void action.run();
  };

  if (step === "prove") {
    return (
      <Frame brand={practice.name} title={t("enroll.proveTitle")} step="prove">
        <p class="muted">{t("enroll.proveLead", { practice: practice.name })}</p>
        <Form key="prove" invalid={invalid} failure={null} onSubmit={next}>
          <TextField
            name="lastName"
            label={t("enroll.lastName")}
            hint={t("enroll.lastNameHint")}
            value={lastName}
            onInput={setLastName}
          />
          <TextField
            name="dateOfBirth"
            type="date"
            label={t("enroll.birth")}
            autocomplete="bday"
            value={dateOfBirth}
            onInput={setDateOfBirth}
          />
          <Button kind="primary" type="submit" wide>
            {t("enroll.next")}
          </Button>
        </Form>
      </Frame>
    );
  }
  return (
    <Frame
      brand={practice.name}
      title={t(existing ? "enroll.existingTitle" : "enroll.passwordTitle")}
      step="password"
    >
      <p class="muted">{t(existing ? "enroll.existingLead" : "enroll.passwordLead")}</p>
      <Form key="password" invalid={invalid} failure={action.failure} onSubmit={finish}>
        <PasswordField
          label={t(existing ? "existing.label" : "new.label")}
          {...(existing ? {} : { hint: t("new.hint") })}
          autocomplete={existing ? "current-password" : "new-password"}
          value={password}
          onInput={setPassword}
        />
        <Button kind="primary" type="submit" wide busy={action.busy}>
          {t(existing ? "enroll.join" : "enroll.finish")}
        </Button>
        <Button kind="text" onClick={() => setStep("prove")}>
          {t("enroll.back")}
        </Button>
      </Form>
    </Frame>
  );
}

/** Whether the first question is the one to answer again. */
function aboutProof(failure: Failure): boolean {
  return (
    failure.code === "proof_failed" ||
    failure.fields.some((problem) => problem.field === "lastName" || problem.field === "dateOfBirth")
  );
}
