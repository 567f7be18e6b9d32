// What is to come to an access. Apart from the other words of clocks: the first page says this alone.
export const endings = {
  "clocks.ending.until": "Ends on {day}, the last day",
  "clocks.ending.age": "Ends on {day}: the client reaches an age",
  "clocks.ending.narrows": "Narrows on {day}: the client reaches an age",
  "clocks.ending.review": "Review on {day}",
} as const;
