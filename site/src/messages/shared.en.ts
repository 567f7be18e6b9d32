// What both pages say.
export const shared = {
  "page.title": "{page} · {place}",
  "toast.dismiss": "Dismiss this message",
  "load.wait": "Loading",
  "load.retry": "Try again",
  skip: "Skip to the page’s content",

  "failure.unreachable":
    "We could not reach the server. Check your connection, then try again. What you typed is still here.",
  "failure.unknown": "Something went wrong on our side. Please try again.",
  "failure.stale": "Somebody else changed this meanwhile. Look at it again, then repeat your change.",
  "failure.too_many_attempts":
    "There were too many attempts. To keep the account safe, please wait {wait} and then try again.",
  "failure.request": "Request {id}",

  offline: "You are offline. What you typed stays here and can be sent when the connection is back.",
  "session.soonTitle": "Are you still there?",
  "session.soon":
    "This page was not used for a while. To keep it private, you will be signed out in {wait}.",
  "session.stay": "Stay signed in",
  "session.lastTitle": "Your session is about to end",
  "session.last":
    "However busy, a session lasts only so long. This one ends in {wait}; after that, please sign in again.",
  "session.noted": "OK",

  "form.problem": "There is a problem",
  "form.error": "Error: {title}",
  language: "Language",
  "form.optional": "(optional)",
  "password.show": "Show",
  "password.hide": "Hide",
  "password.showLabel": "Show password",
  "password.hideLabel": "Hide password",

  "permission.basic": "Basic Functions",
  "permission.messaging": "Messaging",
  "permission.documents": "Access to Documents",
  "permission.sessions": "Session & Homework",
  "permission.billing": "Billing, Invoicing & Insurance",
  "permission.surveys": "View & Submit Surveys",
} as const;
