//! Safe contact: a client whose mail somebody dangerous may read, or whose chart such a person may enter.
//!
//! While the mark is set, mail about the chart goes only to addresses of the client that are marked safe, which
//! `send-mail` decides when it sends ([`Client::allows_mail_to`]); alerts go to the practice
//! ([`crate::alert`]); and the portal shows nobody who can enter the chart. Neither the portal nor a mail
//! says that the mark exists. It ends nobody's access: staff see who has it, and end it.
//!
//! [`Client::allows_mail_to`]: crate::client::Client::allows_mail_to

use super::ChartEdit;
use crate::{history::Action, problem::Problem};

impl ChartEdit<'_> {
    /// Sets or ends the mark, with an event of its own.
    pub(super) fn mark_safe_contact(&mut self, marked: bool) {
        self.chart.client.safe_contact = marked;
        let action = if marked { Action::SafeContactSet } else { Action::SafeContactEnded };
        self.record(action, None, ["safeContact"]);
    }

    /// Sets the mark again on a restored table. Which addresses are safe is not in the history: where they changed
    /// since (`doubtful`), none is until staff say so. Answers whether anything was to be done.
    pub fn mark_safe_contact_again(&mut self, doubtful: bool) -> bool {
        let client = &mut self.chart.client;
        let (unmarked, doubtful) =
            (!client.safe_contact, doubtful && client.emails.iter().any(|email| email.safe));
        if !unmarked && !doubtful {
            return false;
        }
        client.version += 1;
        if doubtful {
            client.emails.iter_mut().for_each(|email| email.safe = false);
            self.record(Action::ClientUpdated, None, ["emails"]);
        }
        if unmarked {
            self.mark_safe_contact(true);
        }
        true
    }

    /// Refuses to choose a person for alerts that go to the practice.
    pub(super) fn demand_alerts_to_persons(&self) -> Result<(), Problem> {
        if self.chart.client.safe_contact {
            return Err(Problem::conflict(
                "safe_contact",
                "This client is under safe contact: alerts go to the practice.",
            ));
        }
        Ok(())
    }
}
