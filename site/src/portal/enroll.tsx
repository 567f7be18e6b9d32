// From the mail's link to a chart: whose chart it is, then a password. Opening the page spends nothing;
// only the last step does.
import { useEffect, useState } from "preact/hooks";
import { useLocation } from "preact-iso/router";
import { Failure, Submission } from "../api/http";
import { checkInvitation, enroll, type InvitationCheck, type Practice, type Session } from "../api/portal";
import { t } from "../messages/portal";
import { useAction } from "../ui/action";
import { Button } from "../ui/button";
import { FailureNote } from "../ui/failure";
import { Form, PasswordField, TextField, type Invalid } from "../ui/form";
import { Skeleton } from "../ui/resource";
import { birthDate, NOTHING } from "./birth";
import { BirthField } from "./birth-field";
import { addressOf, enter, greeting, session, token } from "./door";
import { Forgot, Frame, NoLink, PasteLink, ToSignIn } from "./frame";
import { NewPasswordField, shortcomings } from "./new-password";
import { ENOUGH } from "./strength";

export function Enroll({ practice }: { practice: Practice }) {
  const { route } = useLocation();
  const given = token.value;
  const done = !given && session.value !== null;
  // Enrolled, and back with the browser's button: there is nothing more to do here.
  useEffect(() => {
    if (done) route(addressOf(practice), true);
  }, [done]);
  if (done) return null;
  // Another link opened in the same tab starts over.
  return given ? <Checked key={given} practice={practice} given={given} /> : <NoLink practice={practice} />;
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

  if (check === "dead") {
    return (
      <Frame brand={practice.name} title={t("enroll.deadTitle")} step="dead">
        <p>{t("enroll.dead", { practice: practice.name })}</p>
        <PasteLink practice={practice} />
        <ToSignIn practice={practice} />
      </Frame>
    );
  }
  if (!check) {
    return (
      <Frame brand={practice.name} title={t("enroll.title")} step="wait" waiting>
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
      check={check}
      given={given}
      onEnded={(state) => setCheck(state === "dead" ? state : { ...check, state })}
    />
  );
}

function Steps(props: {
  check: InvitationCheck;
  given: string;
  /** The invitation ended while the person was busy with it. */
  onEnded: (state: "expired" | "used" | "dead") => void;
}) {
  const { check, given } = props;
  const { practice } = check;
  const existing = check.account === "existing";
  const enough = check.passwordMinimum ?? ENOUGH;
  const { route } = useLocation();
  const [step, setStep] = useState<"prove" | "password">("prove");
  const [lastName, setLastName] = useState("");
  const [birth, setBirth] = useState(NOTHING);
  const [dateOfBirth, setDateOfBirth] = useState("");
  const [unproved, setUnproved] = useState<Invalid[]>([]);
  const [password, setPassword] = useState("");
  const [invalid, setInvalid] = useState<Invalid[]>([]);
  const [submission] = useState(() => new Submission());
  const [enrolled, setEnrolled] = useState<Session | null>(null);

  // The browser's button goes back to the first question, with what was answered.
  useEffect(() => {
    const turn = () => setStep(history.state === "password" ? "password" : "prove");
    // Come back to from elsewhere, this page begins anew, whatever it was.
    history.replaceState(null, "");
    addEventListener("popstate", turn);
    return () => removeEventListener("popstate", turn);
  }, []);

  const action = useAction(async () => {
    const body = { token: given, lastName: lastName.trim(), dateOfBirth, password };
    try {
      const now: Session | undefined = await enroll(body, submission.keyFor(body));
      // Signing in asks for a second factor.
      if (!now) return toSignIn();
      setEnrolled(now);
    } catch (thrown) {
      if (!(thrown instanceof Failure)) throw thrown;
      if (thrown.code === "invitation_expired") return props.onEnded("expired");
      if (thrown.code === "invitation_used") return props.onEnded("used");
      if (thrown.status === 404) return props.onEnded("dead");
      if (!aboutProof(thrown)) throw thrown;
      // Which of the details was wrong is not told, so all of them are asked for again.
      setUnproved([
        { field: "lastName", message: t(existing ? "enroll.proofOrPassword" : "enroll.proofFailed") },
      ]);
      // Unless the person is there already.
      if (history.state === "password") history.back();
    }
  });

  const toSignIn = () => {
    greeting.value = "enrolled";
    token.value = "";
    route(addressOf(practice, "sign-in"), true);
  };

  // After the page was drawn with the username: password managers look once more at a form that goes.
  useEffect(() => {
    if (!enrolled) return;
    enter(enrolled);
    greeting.value = existing ? null : "enrolled";
    token.value = "";
    route(addressOf(practice), true);
  }, [enrolled]);

  const next = () => {
    const found: Invalid[] = [];
    if (!lastName.trim()) found.push({ field: "lastName", message: t("enroll.needLastName") });
    const judged = birthDate(birth, "dateOfBirth");
    if ("wrong" in judged) found.push(...judged.wrong);
    else setDateOfBirth(judged.date);
    setUnproved(found);
    if (found.length) return;
    history.pushState("password", "");
    setStep("password");
  };
  const finish = () => {
    const found = shortcomings(password, existing ? 1 : enough);
    setInvalid(found);
    if (!found.length) void action.run();
  };
  const whose = existing && check.accountName && (
    <p class="notice breaks">{t("enroll.whose", { account: check.accountName, practice: practice.name })}</p>
  );

  if (step === "prove") {
    return (
      <Frame brand={practice.name} title={t("enroll.proveTitle")} step="prove">
        <p class="muted">{t("enroll.proveLead", { practice: practice.name })}</p>
        {whose}
        <Form key="prove" invalid={unproved} failure={null} onSubmit={next}>
          <TextField
            name="lastName"
            label={t("enroll.lastName")}
            hint={t("enroll.lastNameHint")}
            value={lastName}
            onInput={setLastName}
          />
          <BirthField name="dateOfBirth" value={birth} onInput={setBirth} />
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
      {whose}
      <Form key="password" invalid={invalid} failure={action.failure} onSubmit={finish}>
        <input hidden readOnly autocomplete="username" value={enrolled?.username ?? ""} />
        {existing ? (
          <PasswordField
            label={t("existing.label")}
            autocomplete="current-password"
            value={password}
            onInput={setPassword}
          />
        ) : (
          <NewPasswordField
            enough={enough}
            about={[practice.name, lastName, ...dateOfBirth.split("-")]}
            value={password}
            onInput={setPassword}
          />
        )}
        <Button kind="primary" type="submit" wide busy={action.busy}>
          {t(existing ? "enroll.join" : "enroll.finish")}
        </Button>
        <Button kind="text" onClick={() => history.back()}>
          {t("enroll.back")}
        </Button>
      </Form>
      {existing && <Forgot practice={practice} />}
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
