import { translator } from "./language";
import type { shared } from "./shared.en";

export const t = translator<typeof shared>();
