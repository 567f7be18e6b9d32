import { clocks } from "./clocks.en";
import { bring, translator } from "./language";
import { people } from "./people.en";
import type { staff } from "./staff.en";

bring(people);
bring(clocks);

export const t = translator<typeof staff & typeof people & typeof clocks>();
