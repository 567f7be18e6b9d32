// Why safe contact refuses a change of access: in English these words come with the dialogs.
export const refusals = {
  "failure.safe_contact.mail": "The client is under safe contact, and this address is not marked as safe. The mail would not be sent, and the link that the person has would stop working. Mark the address as safe first, or print an enrollment sheet.",
  "failure.safe_contact.own-access": "This person is the client, who is under safe contact, and can enter other charts too. Without this access as it is, mail about those charts would go to addresses that are not safe. End safe contact first, or revoke the access instead.",
} as const;
