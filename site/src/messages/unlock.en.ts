// What is said where a lock is ended: in English these words come with that code.
export const unlocking = {
  "unlock.action": "Unlock",
  "unlock.title": "Unlock {name}?",
  "unlock.sure": "First make sure that it is {name} who asks: see them in person, or call them at a number that is in the chart.",
  "unlock.happens": "{name} can try to sign in at once, on any device.",
  "unlock.ends": "Wrong passwords and codes so far are forgotten. After five more, signing in is locked again.",
  "unlock.stays": "The password and the second factors stay as they are.",
  "unlock.notForgotten": "A forgotten password is not found this way: {name} chooses a new one at “Forgot your password?”.",
  "unlock.done": "{name} can try to sign in now",
} as const;
