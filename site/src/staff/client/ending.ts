// What is to come to an access within thirty days, in words.
import type { PortalUser } from "../../api/staff";
import { t } from "../../messages/endings";
import { sayDate } from "../../messages/language";

export const sayEnding = ({ ending }: Pick<PortalUser, "ending">): string | undefined =>
  ending && t(`clocks.ending.${ending.reason}`, { day: sayDate(ending.on) });
