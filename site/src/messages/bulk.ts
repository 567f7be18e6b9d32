import { bulk } from "./bulk.en";
import { bring, translator } from "./language";
import type { staff } from "./staff.en";

bring(bulk);

/** For the pages about changes for many. */
export const t = translator<typeof staff & typeof bulk>();
