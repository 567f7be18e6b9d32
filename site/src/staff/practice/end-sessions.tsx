// Ends every session of the practice, the caller's own among them, once the word was typed.
import { useRef, useState } from "preact/hooks";
import { endSessions } from "../../api/practice";
import { t } from "../../messages/practice";
import { useAction } from "../../ui/action";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { FailureNote } from "../../ui/failure";
import { ConsequenceLists } from "../client/consequences";
import { Decision, isTheWord, TheWord } from "../decision";
import { endedWithAll } from "../session";

export function EndSessions({ onClose }: { onClose: () => void }) {
  const input = useRef<HTMLInputElement>(null);
  const [word, setWord] = useState("");
  const [refused, setRefused] = useState(false);
  // Pressed again after a lost answer, it ends nothing again.
  const [key] = useState(() => crypto.randomUUID());
  const action = useAction(async (close: () => void) => {
    await endSessions(word.trim(), key);
    close();
    endedWithAll();
  });
  const isRight = isTheWord(word, "end");
  return (
    <Dialog title={t("end.title")} busy={action.busy} onClose={onClose}>
      {(close) => (
        <form
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            if (isRight) return void action.run(close);
            setRefused(true);
            input.current?.focus();
          }}
        >
          <ConsequenceLists
            of={{
              ends: [t("end.staff"), t("end.clients"), t("end.programs")],
              stays: [t("end.access"), t("end.again")],
            }}
          />
          <TheWord word="end" inner={input} value={word} onInput={setWord} refused={refused} />
          <FailureNote failure={action.failure} />
          <Decision close={close}>
            <Button kind="danger" type="submit" busy={action.busy} off={!isRight}>
              {t("end.action")}
            </Button>
          </Decision>
        </form>
      )}
    </Dialog>
  );
}
