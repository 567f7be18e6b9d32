import { clocks } from "./clocks.en";
import { bring, translator } from "./language";
import { people } from "./people.en";
import { safe } from "./safe.en";
import type { staff } from "./staff.en";

bring(people);
bring(clocks);
bring(safe);

export const t = translator<typeof staff & typeof people & typeof clocks & typeof safe>();
