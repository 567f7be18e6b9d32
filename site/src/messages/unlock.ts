import { bring, translator } from "./language";
import type { staff } from "./staff.en";
import { unlocking } from "./unlock.en";

bring(unlocking);

export const t = translator<typeof staff & typeof unlocking>();
