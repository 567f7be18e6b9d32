// What changes an app at once: switching it off or on, a new secret, deleting it. Each says first what comes of
// it.
import { useRef, useState } from "preact/hooks";
import { Failure } from "../../api/http";
import { app as load, deleteApp, editApp, renewSecret, type App } from "../../api/staff";
import { t } from "../../messages/staff";
import { useAction } from "../../ui/action";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { FailureNote } from "../../ui/failure";
import { ConsequenceLists } from "../client/consequences";
import { Decision, isTheWord, TheWord } from "../decision";

export type AppChange = "off" | "on" | "secret" | "delete";

interface Change<T> {
  app: App;
  /** After the change, when the dialog is closed. */
  onDone: (outcome: T) => void;
  onClose: () => void;
}

/** The app as it is to be, also if another admin edited it meanwhile: a switch knows nothing of the other
 *  fields. */
async function turn(app: App, enabled: boolean): Promise<App> {
  try {
    return await editApp(app.appId, { version: app.version, enabled });
  } catch (thrown) {
    if (!(thrown instanceof Failure && thrown.code === "stale")) throw thrown;
    const { version } = await load(app.appId);
    return editApp(app.appId, { version, enabled });
  }
}

export function SwitchApp(props: Change<App>) {
  const { app } = props;
  const { name, enabled } = app;
  const action = useAction(async (close: () => void) => {
    const now = await turn(app, !enabled);
    close();
    props.onDone(now);
  });
  const tile = app.kind === "portal" && app.launchUrl !== undefined;
  return (
    <Dialog
      title={t(enabled ? "app.offTitle" : "app.onTitle", { name })}
      busy={action.busy}
      onClose={props.onClose}
    >
      {(close) => (
        <>
          <ConsequenceLists
            of={
              enabled
                ? {
                    ends: [t("app.offRefused", { name }), tile && t("app.offTile")],
                    stays: [t("app.staysRegistered"), app.kind === "portal" && t("app.staysSignedIn")],
                  }
                : { happens: [t("app.onAnswered", { name }), tile && t("app.onTile")] }
            }
          />
          <FailureNote failure={action.failure} />
          <Decision close={close} autoFocusCancel={enabled}>
            <Button
              kind={enabled ? "danger" : "primary"}
              busy={action.busy}
              autoFocus={!enabled}
              onClick={() => void action.run(close)}
            >
              {t(enabled ? "app.turnOff" : "app.turnOn")}
            </Button>
          </Decision>
        </>
      )}
    </Dialog>
  );
}

/** Null where the answer that had it was lost on its way. */
export function RenewSecret(props: Change<string | null>) {
  const { name, appId } = props.app;
  // Pressed again after a lost answer, it makes no second secret: the one before it goes on for its day.
  const [key] = useState(() => crypto.randomUUID());
  const action = useAction(async (close: () => void) => {
    const { secret = null } = await renewSecret(appId, key);
    close();
    props.onDone(secret);
  });
  return (
    <Dialog title={t("app.secretTitle", { name })} busy={action.busy} onClose={props.onClose}>
      {(close) => (
        <>
          <ConsequenceLists
            of={{
              happens: [t("app.secretOnce")],
              ends: [t("app.secretOlder")],
              stays: [t("app.secretBefore")],
            }}
          />
          <FailureNote failure={action.failure} />
          <Decision close={close}>
            <Button kind="primary" busy={action.busy} autoFocus onClick={() => void action.run(close)}>
              {t("app.newSecret")}
            </Button>
          </Decision>
        </>
      )}
    </Dialog>
  );
}

export function DeleteApp(props: Change<void>) {
  const { app } = props;
  const { name } = app;
  const input = useRef<HTMLInputElement>(null);
  const [word, setWord] = useState("");
  const [refused, setRefused] = useState(false);
  /** Whether it was asked for before, and no answer came. */
  const unanswered = useRef(false);

  const action = useAction(async (close: () => void) => {
    try {
      await deleteApp(app.appId, word.trim());
    } catch (thrown) {
      if (!(thrown instanceof Failure)) throw thrown;
      // It was ourselves: the answer was lost on its way.
      const gone = thrown.status === 404 && unanswered.current;
      unanswered.current ||= thrown.status === 0 || thrown.status >= 500;
      if (!gone) throw thrown;
    }
    close();
    props.onDone();
  });

  return (
    <Dialog title={t("delete.title", { name })} busy={action.busy} onClose={props.onClose}>
      {(close) => (
        <form
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            if (isTheWord(word)) return void action.run(close);
            setRefused(true);
            input.current?.focus();
          }}
        >
          <ConsequenceLists
            of={{
              ends: [
                t("app.offRefused", { name }),
                t("app.deleteGiven"),
                app.kind === "portal" && app.launchUrl !== undefined && t("app.offTile"),
              ],
              stays: [app.kind === "portal" && t("app.staysSignedIn"), t("stays.history")],
            }}
          />
          <TheWord inner={input} value={word} onInput={setWord} refused={refused} />
          <FailureNote failure={action.failure} />
          <Decision close={close}>
            <Button kind="danger" type="submit" busy={action.busy} off={!isTheWord(word)}>
              {t(`app.delete.${app.kind}`)}
            </Button>
          </Decision>
        </form>
      )}
    </Dialog>
  );
}
