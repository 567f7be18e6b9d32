// Starts a change in bulk, or goes on with it: a revocation asks for the word first.
import { useRef, useState } from "preact/hooks";
import { startBulk, type BulkAction, type BulkProgress } from "../../api/bulk";
import { t } from "../../messages/bulk";
import { useAction } from "../../ui/action";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { FailureNote } from "../../ui/failure";
import { ConsequenceLists } from "../client/consequences";
import { Decision, isTheWord, TheWord } from "../decision";

interface Props {
  bulkId: string;
  action: BulkAction;
  /** How many are still to change. */
  count: number;
  label: string;
  onStarted: (progress: BulkProgress) => void;
}

export function StartButton(props: Props) {
  const { bulkId, action, label, onStarted } = props;
  const [asking, ask] = useState(false);
  const start = useAction(async () => onStarted(await startBulk(bulkId, "")));
  const press = () => (action === "revoke" ? ask(true) : void start.run());
  return (
    <>
      <Button kind={action === "revoke" ? "danger-text" : "primary"} busy={start.busy} onClick={press}>
        {label}
      </Button>
      <FailureNote failure={start.failure} />
      {asking && <Revoke {...props} onClose={() => ask(false)} />}
    </>
  );
}

function Revoke({ bulkId, count, onStarted, onClose }: Props & { onClose: () => void }) {
  const input = useRef<HTMLInputElement>(null);
  const [word, setWord] = useState("");
  const [refused, setRefused] = useState(false);
  const action = useAction(async (close: () => void) => {
    const progress = await startBulk(bulkId, word.trim());
    close();
    onStarted(progress);
  });
  const isRight = isTheWord(word, "revoke");
  return (
    <Dialog title={t("bulk.revokeTitle")} busy={action.busy} onClose={onClose}>
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
          <ConsequenceLists of={{ ends: [t("bulk.revokeEnds", { count })], stays: [t("bulk.revokeStays")] }} />
          <TheWord word="revoke" inner={input} value={word} onInput={setWord} refused={refused} />
          <FailureNote failure={action.failure} />
          <Decision close={close}>
            <Button kind="danger" type="submit" busy={action.busy} off={!isRight}>
              {t("bulk.revoke")}
            </Button>
          </Decision>
        </form>
      )}
    </Dialog>
  );
}
