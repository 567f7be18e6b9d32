import { bring, translator } from "./language";
import type { staff } from "./staff.en";
import { safe } from "./safe.en";

bring(safe);

export const t = translator<typeof staff & typeof safe>();
