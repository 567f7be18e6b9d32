import { translator } from "./language";
import type { portal } from "./portal.en";

export const t = translator<typeof portal>();
