// What is said where people are added and edited: in English these words come with that code.
export const people = {
  "add.title": "Add New User",
  "add.lead": "This person gets a mail with the button “Enroll in Client Portal”. The list says until when it can be used.",
  "add.save": "Add User",
  "add.done": "{name} was added. The invitation is on its way",
  "add.activated": "Access for {name} was activated again",
  "add.revoked": "{name} ({username}) had access to this client, and it was revoked. Activate it instead of adding them again.",
  "edit.title": "Edit {name}",
  "edit.done": "{name}’s access was changed",
  "edit.goneTitle": "Nobody to edit",
  "edit.gone": "This person was deleted from the client’s portal users, or never was one of them.",
  "add.unmailed": "{name} was added",
  "add.leadSheet": "You print an enrollment sheet next, and hand it to this person.",
  "user.noEmail": "This person has no e-mail",
  "user.noEmailHint": "They enroll with a printed sheet, and get no mails and no alerts. You can enter an address later.",
  "user.usernameEndsUntold": "A new username ends all sessions of this account. No mail says so: tell {name} yourself.",
  "user.usernameNeeded": "They sign in with it, and it stands on the sheet. Choose something easy to remember, without the client’s last name, or without any name of a client who has only one.",
} as const;
