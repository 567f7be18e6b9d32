import { translator, type Catalogue } from "./language";
import type { shared } from "./shared.en";

export const t = translator<typeof shared>();
export type SharedWords = { [K in keyof typeof shared]: Catalogue[string] };
