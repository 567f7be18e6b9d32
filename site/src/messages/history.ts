import { bring, translator } from "./language";
import { histories } from "./history.en";
import type { staff } from "./staff.en";

bring(histories);

/** For pages that show a history. */
export const t = translator<typeof staff & typeof histories>();
