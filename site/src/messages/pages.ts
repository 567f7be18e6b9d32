import { bring, translator } from "./language";
import { pages } from "./pages.en";
import type { staff } from "./staff.en";

bring(pages);

export const t = translator<typeof staff & typeof pages>();
