// Something on paper for one person: made after a question, shown this once, printed and handed over.
import type { ComponentChildren } from "preact";
import { useRef, useState } from "preact/hooks";
import type { PortalUser } from "../../api/staff";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { FailureNote } from "../../ui/failure";
import type { Said } from "../../ui/toast";
import { Decision } from "../decision";
import { useAccessChange } from "./access-dialogs";
import type { Chart } from "./chart";
import { ConsequenceLists, type Consequences } from "./consequences";

/** Whom it is for. */
export interface Printing {
  chart: Chart;
  user: PortalUser;
  onDone: (said: Said) => void;
  onClose: () => void;
}

export function PaperDialog<Made>(
  props: Printing & {
    /** The heading of the question, and that of what was made. */
    titles: [question: string, made: string];
    wide?: boolean;
    /** What is to be done before. */
    lead: string;
    consequences: Consequences;
    /** What is said when it was made and got lost on its way. */
    lost: string;
    /** The button that makes it. */
    action: string;
    /** What is said when it was handed over. */
    done: string;
    make: (key: string) => Promise<Made>;
    /** What is shown this once; the answer to a repeated request lacks it. */
    secretOf: (made: Made) => string | undefined;
    children: (made: Made, secret: string, onGiven: () => void) => ComponentChildren;
  },
) {
  const { chart, secretOf } = props;
  const [made, setMade] = useState<Made | null>(null);
  const [lost, setLost] = useState(false);
  // Asked again with it after no answer came, no second one is made, and the first is not told again.
  const key = useRef(crypto.randomUUID());
  const action = useAccessChange({
    ...props,
    change: async () => {
      const answer = await props.make(key.current);
      key.current = crypto.randomUUID();
      setLost(!secretOf(answer));
      setMade(answer);
      // What follows of it stands in the list.
      void chart.catchUp();
      return null;
    },
  });
  const secret = made ? secretOf(made) : undefined;
  return (
    <Dialog
      title={props.titles[secret ? 1 : 0]}
      wide={props.wide ?? false}
      busy={action.busy}
      // Escape does not close it: what is shown would be gone.
      typed={!!secret}
      onClose={props.onClose}
    >
      {(close) =>
        made && secret ? (
          props.children(made, secret, () => {
            close();
            props.onDone(props.done);
          })
        ) : (
          <>
            <p>{props.lead}</p>
            <ConsequenceLists of={props.consequences} />
            <FailureNote failure={action.failure} />
            <p class="error" role="alert">
              {lost && !action.failure && props.lost}
            </p>
            <Decision close={close} autoFocusCancel>
              <Button kind="primary" busy={action.busy} onClick={() => void action.run(close)}>
                {props.action}
              </Button>
            </Decision>
          </>
        )
      }
    </Dialog>
  );
}
