import { bring, translator } from "./language";
import { people } from "./people.en";
import type { staff } from "./staff.en";

bring(people);

export const t = translator<typeof staff & typeof people>();
