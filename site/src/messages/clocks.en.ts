import { endings } from "./endings.en";

// What is said of access with a clock: in English its words come with the pages that show it.
export const clocks = {
  ...endings,
  "user.until": "Access until",
  "user.untilHint":
    "Open through the end of this day, by the practice’s clock. A day that is over ends access at once, and all sessions with it.",
  "user.reopens": "Saving gives access again at once.",
  "user.mayReopen": "Saving gives access again at once if the practice’s settings leave one of these permissions at the client’s age.",
  "user.untilHintNew": "Open through the end of this day, by the practice’s clock.",
  "user.reviewOn": "Review on",
  "user.reviewOnHint": "Thirty days ahead it stands in “Ending soon”. Nothing ends by it.",
  "user.needWholeDate": "{field}: enter the whole date, or empty the field",
  "clocks.until": "Until {day}",
  "clocks.given": "Not at the client’s age: {list}",
  "clocks.over.until": "The last day was {day}",
  "clocks.over.age": "The client has reached an age at which access of parents and guardians ends",
  "clocks.dateGoes": "The day until which it was open is removed.",
  "failure.age_rule":
    "The practice’s settings end the access of parents and guardians at this client’s age. If this person may enter all the same, change the relationship under Edit: saving it gives access again at once.",
  "invalid.in_the_past": "Enter today or a later day: access would be over before it begins",
} as const;
