// What the front desk prints and hands over, in one piece.
export { PrintSheet } from "./print-sheet";
export { ResetFactor } from "./reset-factor";
