import { translator, type Catalogue } from "./language";
import type { staff } from "./staff.en";

export const t = translator<typeof staff>();
export type StaffKey = keyof typeof staff;
export type StaffWords = { [K in StaffKey]: Catalogue[string] };
