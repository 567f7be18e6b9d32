// The other practices of somebody who is staff of several, such as a billing service.
import { useLocation } from "preact-iso/router";
import type { Session } from "../api/staff";
import { t } from "../messages/staff";
import { useAction } from "../ui/action";
import { FailureNote } from "../ui/failure";
import { Menu } from "../ui/menu";
import { goOver } from "./session";

export function OwnPractices({ session }: { session: Session }) {
  const { route } = useLocation();
  const going = useAction(async (practice: string) => {
    await goOver(practice);
    // What was open belongs to the practice before.
    route("/", true);
  });
  const others = (session.practices ?? []).filter(({ id }) => id !== session.practice.id);
  return (
    <>
      <Menu
        label={t("practices.other")}
        items={others.map(({ id, name }) => ({ label: name, onSelect: () => void going.run(id) }))}
      />
      <FailureNote failure={going.failure} />
    </>
  );
}
