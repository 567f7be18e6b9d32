// Deleting a portal user: asks for the word, and for who gets the alerts next.
import { useRef, useState } from "preact/hooks";
import { Failure } from "../../api/http";
import type { PortalUser } from "../../api/staff";
import { sayName } from "../../messages/name";
import { t } from "../../messages/staff";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { FailureNote } from "../../ui/failure";
import type { Said } from "../../ui/toast";
import { Decision, isTheWord, TheWord } from "../decision";
import { useAccessChange } from "./access-dialogs";
import { getsAlerts, lacksSuccessor, type Chart } from "./chart";
import { ConsequenceLists, sayOpenApps } from "./consequences";
import { sayEnded } from "./receipt";
import { INBOX, Successor } from "./successor";

export function DeleteUser(props: {
  chart: Chart;
  user: PortalUser;
  onDone: (said: Said) => void;
  onClose: () => void;
}) {
  const { chart, user } = props;
  const name = sayName(user.name);
  const input = useRef<HTMLInputElement>(null);
  const [word, setWord] = useState("");
  const [refused, setRefused] = useState(false);
  const [successor, setSuccessor] = useState(INBOX);
  /** Chosen to get the alerts next, and not able to any more. */
  const [lost, setLost] = useState("");
  /** Whether it was asked for before, and no answer came. */
  const unanswered = useRef(false);

  const action = useAccessChange({
    ...props,
    change: async () => {
      const next = getsAlerts(user) ? successor : undefined;
      const chosen = chart.user(next);
      setLost("");
      try {
        return sayEnded("delete", await chart.delete(user.portalUserId, word.trim(), next), user, chart);
      } catch (thrown) {
        if (!(thrown instanceof Failure)) throw thrown;
        if (thrown.status === 404 && unanswered.current) {
          // It was ourselves: the answer was lost on its way.
          void chart.catchUp();
          return t("delete.done", { name });
        }
        unanswered.current ||= thrown.status === 0 || thrown.status >= 500;
        if (!chosen || !lacksSuccessor(thrown)) throw thrown;
        void chart.catchUp();
        setSuccessor(INBOX);
        setLost(sayName(chosen.name));
        return null;
      }
    },
  });

  const submit = (close: () => void) => {
    if (isTheWord(word)) return void action.run(close);
    setRefused(true);
    input.current?.focus();
  };

  return (
    <Dialog title={t("delete.title", { name })} busy={action.busy} onClose={props.onClose}>
      {(close) => (
        <form
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            submit(close);
          }}
        >
          <ConsequenceLists
            of={{
              ends: [
                t("delete.ends", { name }),
                user.status === "invited"
                  ? t("ends.invitation")
                  : user.status === "active" && t("ends.sessions", { name }),
                sayOpenApps(user),
                user.status === "active" && t("ends.reset"),
                t("delete.username", { username: user.username }),
                user.chartOwner && t("delete.owner", { name }),
              ],
              stays: [t("stays.chart"), t("stays.others"), t("stays.history")],
            }}
          />
          {getsAlerts(user) && (
            <Successor chart={chart} user={user} chosen={successor} onChoose={setSuccessor} />
          )}
          <TheWord inner={input} value={word} onInput={setWord} refused={refused} />
          <div class="failure" role="alert" hidden={!lost}>
            {lost && <p>{t("delete.successorLost", { name: lost, deleted: name })}</p>}
          </div>
          <FailureNote failure={action.failure} />
          <Decision close={close}>
            <Button kind="danger" type="submit" busy={action.busy} off={!isTheWord(word)}>
              {t("delete.action")}
            </Button>
          </Decision>
        </form>
      )}
    </Dialog>
  );
}
