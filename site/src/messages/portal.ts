import { translator, type Catalogue } from "./language";
import type { portal } from "./portal.en";

export const t = translator<typeof portal>();
export type PortalWords = { [K in keyof typeof portal]: Catalogue[string] };
