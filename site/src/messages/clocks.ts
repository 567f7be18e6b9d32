import { clocks } from "./clocks.en";
import { bring, translator } from "./language";
import type { staff } from "./staff.en";

bring(clocks);

export const t = translator<typeof staff & typeof clocks>();
