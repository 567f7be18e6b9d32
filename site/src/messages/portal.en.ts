// What the clients' portal says: one question a page, plain words.
import { shared } from "./shared.en";

export const portal = {
  ...shared,

  brand: "Client Portal",
  language: "Language",
  "choose.title": "Choose your practice",
  "choose.none": "There is no client portal at this address. Please use the link from your practice.",
  "notFound.title": "Page not found",
  "notFound.lead": "There is nothing at this address.",
  "notFound.home": "Go to sign-in",

  "signIn.title": "Sign in to your Client Portal",
  "signIn.lead": "Messages, appointments and documents from your care team.",
  "signIn.username": "Username",
  "signIn.password": "Password",
  "signIn.action": "Sign in",
  "signIn.forgot": "Forgot your password?",
  "signIn.needUsername": "Enter your username",
  "signIn.needPassword": "Enter your password",
  "failure.sign_in_failed": "The username or the password is not right.",
  "signIn.inactiveTitle": "Your access is not active",
  "signIn.inactive":
    "Your username and password are right, but your access to the Client Portal is not active. Please ask {practice} to activate it.",
  "signIn.out": "You are signed out.",
  "signIn.ended": "You were signed out. Please sign in again.",
  "signIn.changed": "Your new password is set. Sign in with it.",

  "home.wait": "Your charts",
  "home.title": "Welcome, {name}",
  "home.lead": { one: "You can open this chart.", other: "You can open these {count} charts." },
  "home.none": "No chart is open to you at the moment. Please ask {practice}.",
  "home.may": "What you may use",
  "home.nothing": "Nothing yet. Please ask {practice}.",
  "home.username": "Signed in as {username}",
  "home.signOut": "Sign out",
  "home.charts": "Charts",

  "enroll.title": "Enroll in Client Portal",
  "enroll.wait": "Checking your invitation",
  "enroll.proveTitle": "Whose care is it about?",
  "enroll.proveLead":
    "{practice} invited you. Tell us about the client, as the practice knows them, so that we know the invitation reached the right person. If the client is your child, that means your child.",
  "enroll.lastName": "Client’s last name",
  "enroll.lastNameHint": "If the client has only one name, enter that.",
  "enroll.birth": "Client’s date of birth",
  "enroll.next": "Continue",
  "enroll.back": "Back",
  "enroll.passwordTitle": "Choose a password",
  "enroll.passwordLead": "You will sign in with it from now on.",
  "enroll.existingTitle": "Enter your password",
  "enroll.existingLead": "You have an account already. Enter its password, and this chart joins it.",
  "enroll.finish": "Enroll in Client Portal",
  "enroll.join": "Add this chart",
  "enroll.needLastName": "Enter the client’s last name",
  "enroll.needBirth": "Enter the client’s date of birth",
  "enroll.proofFailed":
    "These details are not the ones the practice has. Check the last name and the date of birth.",
  "enroll.proofOrPassword":
    "These details are not right. Check the last name and the date of birth, and then your password.",
  "enroll.expiredTitle": "This invitation has expired",
  "enroll.expired":
    "It can be used for a limited time, and only the newest one works. Look for a newer mail, or ask {practice} to send you a new one.",
  "enroll.usedTitle": "This invitation cannot be used any more",
  "enroll.used":
    "It was used already. If you have enrolled, sign in. Otherwise please ask {practice} for a new invitation.",
  "enroll.deadTitle": "This link does not work",
  "enroll.dead":
    "Open the link from your mail again, all of it. If it still does not work, please ask your practice for a new invitation.",
  "enroll.toSignIn": "Go to sign-in",

  "new.label": "New password",
  "new.hint": "At least 15 characters. Several words in a row are easy to remember; spaces are welcome.",
  "new.need": "Enter a password",
  "existing.label": "Your password",

  "reset.title": "Forgot your password?",
  "reset.lead": "Enter your username, and we send a link to the e-mail address that belongs to it.",
  "reset.action": "Send the link",
  "reset.back": "Back to sign-in",
  "reset.sentTitle": "Check your mail",
  "reset.sent":
    "If this username has an account, a mail with a link is on its way. The link works once and for a short time.",
  "reset.sentHint":
    "No mail after a few minutes? Look in the spam folder, or ask {practice} which username you have.",

  "password.title": "Choose a new password",
  "password.lead": "You will be signed out everywhere and sign in with the new password.",
  "password.action": "Save the new password",
  "password.deadTitle": "This link does not work any more",
  "password.dead": "It was used already, or its time is over. Ask for a new one.",
  "password.again": "Ask for a new link",

  "invalid.too_short": "The password is too short: use at least 15 characters",
  "invalid.too_weak": "The password is too easy to guess: add another word or two",
} as const;
