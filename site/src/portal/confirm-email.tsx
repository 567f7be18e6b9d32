// The link that confirms a new e-mail address. Opening it changes nothing: mail programs do that, too. A person
// who is not signed in does that first: the link alone may have reached a stranger.
import { useMemo, useState } from "preact/hooks";
import { Failure, Submission } from "../api/http";
import { confirmEmail, type Practice } from "../api/portal";
import { t } from "../messages/portal";
import { useAction } from "../ui/action";
import { Button } from "../ui/button";
import { FailureNote } from "../ui/failure";
import { greeting, token } from "./door";
import { Frame, NoLink, PasteLink, ToSignIn } from "./frame";
import { SignIn } from "./sign-in";

export function ConfirmEmail({ practice }: { practice: Practice }) {
  const given = token.value;
  // Another link opened in the same tab starts over.
  return given ? <Confirm key={given} practice={practice} given={given} /> : <NoLink practice={practice} />;
}

function Confirm({ practice, given }: { practice: Practice; given: string }) {
  const [ended, end] = useState<"done" | "dead" | "other" | null>(null);
  const [signedOut, setSignedOut] = useState(false);
  const submission = useMemo(() => new Submission(), []);
  const action = useAction(async () => {
    try {
      await confirmEmail(given, submission.keyFor(given));
      end("done");
    } catch (thrown) {
      if (!(thrown instanceof Failure) || thrown.status < 400 || thrown.status >= 500) throw thrown;
      if (thrown.status === 429) throw thrown;
      if (thrown.status === 401) {
        // To the watch, it was a session that ended.
        greeting.value = null;
        return setSignedOut(true);
      }
      end(thrown.code === "other_account" ? "other" : "dead");
    }
  });

  if (signedOut) {
    const again = () => {
      setSignedOut(false);
      void action.run();
    };
    return <SignIn practice={practice} lead={t("confirm.signIn")} onIn={again} />;
  }
  if (ended === "done") {
    return (
      <Frame brand={practice.name} title={t("confirm.doneTitle")} step="done">
        <p>{t("confirm.done")}</p>
        <ToSignIn practice={practice} />
      </Frame>
    );
  }
  if (ended) {
    return (
      <Frame brand={practice.name} title={t(`confirm.${ended}Title`)} step={ended}>
        <p>{t(`confirm.${ended}`)}</p>
        {ended === "dead" && <PasteLink practice={practice} />}
        <ToSignIn practice={practice} />
      </Frame>
    );
  }
  return (
    <Frame brand={practice.name} title={t("confirm.title")} step="confirm">
      <p class="muted">{t("confirm.lead")}</p>
      <FailureNote failure={action.failure} />
      <Button kind="primary" wide busy={action.busy} onClick={() => void action.run()}>
        {t("confirm.action")}
      </Button>
    </Frame>
  );
}
