// Adding the first second factor, where the practice requires one: before there is a session, by the challenge that the
// right password opened.
import { useState } from "preact/hooks";
import { Submission } from "../api/http";
import * as api from "../api/factors";
import { t } from "../messages/portal";
import { useAction } from "../ui/action";
import { Button } from "../ui/button";
import { FailureNote } from "../ui/failure";
import { AppSetup, type Given } from "./app-setup";
import { Frame } from "./frame";
import { useStep, type Step } from "./step";
import { create, get, hasPasskeys, NotGiven } from "./webauthn";

export function FirstFactor(props: Step) {
  const { practice, onIn } = props;
  const { challenge } = props.challenge;
  const [given, give] = useState<Given | null>(null);
  const [stopped, stop] = useState(false);
  const [submission] = useState(() => new Submission());
  const guarded = useStep(props);
  const passkey = useAction(() =>
    guarded(async () => {
      stop(false);
      try {
        const asked = await api.newPasskey({ challenge });
        const made = await create(asked.options);
        const name = t("passkey.firstName");
        await api.addPasskey(name, made, submission.keyFor(made), challenge);
        // The first use of it signs in: no password is asked for again.
        const question = await api.askForPasskey(practice.id);
        onIn(await api.byPasskeyAlone(question.challenge, await get(question.options)));
      } catch (thrown) {
        if (!(thrown instanceof NotGiven)) throw thrown;
        stop(true);
      }
    }),
  );
  const app = useAction(() => guarded(async () => give(await api.newApp({ challenge }))));
  if (given) {
    return (
      <AppSetup
        practice={practice}
        given={given}
        back={t("signIn.back")}
        onBack={() => give(null)}
        confirm={(code) =>
          guarded(async () => {
            await api.confirmApp(code, challenge);
            onIn(await api.byCode(challenge, "totp", code));
          })
        }
      />
    );
  }
  return (
    <Frame brand={practice.name} title={t("first.title")} step="first">
      <p>{t("first.lead", { practice: practice.name })}</p>
      <FailureNote failure={passkey.failure ?? app.failure} />
      {stopped && (
        <p class="notice" role="alert">
          {t("factor.passkeyStopped")}
        </p>
      )}
      {hasPasskeys() && (
        <>
          <Button kind="primary" wide busy={passkey.busy} onClick={() => void passkey.run()}>
            {t("first.passkey")}
          </Button>
          <p class="small">{t("passkey.what")}</p>
        </>
      )}
      <Button wide busy={app.busy} onClick={() => void app.run()}>
        {t("first.app")}
      </Button>
      <p class="small">{t("app.what")}</p>
      <p class="small">{t(hasPasskeys() ? "first.noPhone" : "first.noWay", { practice: practice.name })}</p>
      <Button onClick={props.onBack}>{t("signIn.back")}</Button>
    </Frame>
  );
}
