// The next steps that have a dialog of the first page's own, in one piece.
export { AssignAlerts } from "./assign-alerts";
export { CorrectAddress } from "./correct-address";
