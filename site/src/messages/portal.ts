import { translator } from "./language";
import type english from "./portal.en.json";

export const t = translator<typeof english>();
