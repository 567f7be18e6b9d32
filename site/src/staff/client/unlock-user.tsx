// Ending the lock of a sign-in name, for a person of whom staff have made sure that it is them.
import { useRef } from "preact/hooks";
import type { PortalUser } from "../../api/staff";
import { sayName } from "../../messages/name";
import { t } from "../../messages/unlock";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { FailureNote } from "../../ui/failure";
import type { Said } from "../../ui/toast";
import { Decision } from "../decision";
import { useAccessChange } from "./access-dialogs";
import type { Chart } from "./chart";
import { ConsequenceLists } from "./consequences";

/** The way to it, beside until when the lock lasts. */
export const UnlockButton = (props: { name: string; onClick: () => void }) => (
  <Button label={`${t("unlock.action")}: ${props.name}`} onClick={props.onClick}>
    {t("unlock.action")}
  </Button>
);

export function UnlockUser(props: {
  chart: Chart;
  user: PortalUser;
  onDone: (said: Said) => void;
  onClose: () => void;
}) {
  const { chart, user } = props;
  const name = sayName(user.name);
  // Asked again with it after no answer came, a lock that has begun since stays.
  const key = useRef(crypto.randomUUID());
  const action = useAccessChange({
    ...props,
    change: async () => {
      await chart.unlock(user.portalUserId, key.current);
      return t("unlock.done", { name });
    },
  });
  return (
    <Dialog title={t("unlock.title", { name })} busy={action.busy} onClose={props.onClose}>
      {(close) => (
        <>
          <p>{t("unlock.sure", { name })}</p>
          <ConsequenceLists
            of={{
              happens: [t("unlock.happens", { name })],
              ends: [t("unlock.ends")],
              stays: [t("unlock.stays"), t("unlock.notForgotten", { name })],
            }}
          />
          <FailureNote failure={action.failure} />
          <Decision close={close} autoFocusCancel>
            <Button kind="primary" busy={action.busy} onClick={() => void action.run(close)}>
              {t("unlock.action")}
            </Button>
          </Decision>
        </>
      )}
    </Dialog>
  );
}
