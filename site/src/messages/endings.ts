import { endings } from "./endings.en";
import { bring, translator } from "./language";

bring(endings);

export const t = translator<typeof endings>();
