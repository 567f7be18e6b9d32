import { bring, translator } from "./language";
import type { staff } from "./staff.en";
import { closing } from "./closing.en";

bring(closing);

export const t = translator<typeof staff & typeof closing>();
