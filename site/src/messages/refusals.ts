import { bring } from "./language";
import { refusals } from "./refusals.en";

bring(refusals);
