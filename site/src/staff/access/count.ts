import { t } from "../../messages/pages";

/** How many stand in a list: "500+" where there are more. */
export const sayCount = (count: number, more: boolean): string =>
  t(more ? "count.more" : "count.exact", { count });
