// Who gets the client's alerts after somebody whose access ends.
import type { PortalUser } from "../../api/staff";
import { sayName } from "../../messages/name";
import { t } from "../../messages/staff";
import { Choice, Choices } from "../../ui/form";
import { StatusTag } from "./status-tag";
import type { Chart } from "./chart";

/** The API's name for the practice's inbox as successor. */
export const INBOX = "practice";

export function Successor(props: {
  chart: Chart;
  user: PortalUser;
  chosen: string;
  onChoose: (successor: string) => void;
}) {
  const { chosen } = props;
  return (
    <Choices name="alertRecipient" legend={t("delete.successor")}>
      {props.chart.successorsOf(props.user.portalUserId).map((other) => (
        <Choice
          key={other.portalUserId}
          type="radio"
          name="successor"
          label={
            <>
              {sayName(other.name)} {other.status !== "active" && <StatusTag status={other.status} />}
            </>
          }
          hint={other.status === "active" ? undefined : t("users.fromEnrollment")}
          checked={chosen === other.portalUserId}
          onChange={() => props.onChoose(other.portalUserId)}
        />
      ))}
      <Choice
        type="radio"
        name="successor"
        label={t("users.inbox")}
        checked={chosen === INBOX}
        onChange={() => props.onChoose(INBOX)}
      />
    </Choices>
  );
}
