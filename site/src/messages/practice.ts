import type { histories } from "./history.en";
import { bring, translator } from "./language";
import { practice } from "./practice.en";
import type { staff } from "./staff.en";

bring(practice);

/** For the pages about the practice. */
export const t = translator<typeof staff & typeof histories & typeof practice>();
