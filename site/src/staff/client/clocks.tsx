// What clocks say of one person's access, beside the permissions and beside the standing.
import type { PortalUser } from "../../api/staff";
import { sayOver, sayTerms } from "./clock-words";
import { sayEnding } from "./ending";

export function Clocks({ user, of }: { user: PortalUser; of: "terms" | "standing" }) {
  const over = sayOver(user);
  const ending = sayEnding(user);
  if (of === "terms")
    return sayTerms(user).map((text) => (
      <p key={text} class="small">
        {text}
      </p>
    ));
  return (
    <>
      {over && <p class="small">{over}</p>}
      {ending && <p class="small muted">{ending}</p>}
    </>
  );
}
