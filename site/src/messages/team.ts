import { bring, translator } from "./language";
import type { staff } from "./staff.en";
import { team } from "./team.en";

bring(team);

export const t = translator<typeof staff & typeof team>();
