import { factorReset } from "./factor-reset.en";
import { bring, translator } from "./language";
import type { staff } from "./staff.en";

bring(factorReset);

export const t = translator<typeof staff & typeof factorReset>();
