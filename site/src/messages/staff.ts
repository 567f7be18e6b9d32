import { translator } from "./language";
import type { staff } from "./staff.en";

export const t = translator<typeof staff>();
