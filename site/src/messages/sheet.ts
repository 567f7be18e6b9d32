import { bring, translator } from "./language";
import { sheet } from "./sheet.en";
import type { staff } from "./staff.en";

bring(sheet);

export const t = translator<typeof staff & typeof sheet>();
