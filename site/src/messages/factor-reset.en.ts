// What is said where a sign-in code is printed for a lost second factor: in English these words come with that code.
export const factorReset = {
  "factorReset.title": "Print a sign-in code for {name}?",
  "factorReset.proof": "First see {name} in person, with an identity document that has a photo: who holds the code and the password can sign in.",
  "factorReset.happens": "The code stands once for the passkey, the app or the recovery code that {name} lost. The password is asked for too.",
  "factorReset.mail": "{name} is told by e-mail at {email}.",
  "factorReset.ends": "A code that was printed before stops working.",
  "factorReset.stays": "The lost passkey or app stays until {name} removes it, after signing in.",
  "factorReset.make": "Make the code",
  "factorReset.made": "Sign-in code for {name}",
  "factorReset.until": "Works once, until {time}. It is not shown again.",
  "factorReset.how": "Sign in to the portal with the password. When it asks for a second step, choose the printed code.",
  "factorReset.lost": "A code was made, but it was lost on its way here. Make another one.",
  "factorReset.print": "Print",
  "factorReset.given": "I have handed it over",
  "factorReset.done": "A sign-in code was made for {name}.",
  "failure.no_second_factor": "This person has no second factor: the password alone signs in.",
  "failure.access_not_active": "This person cannot sign in now, so no code is needed. Activate access first.",
} as const;
