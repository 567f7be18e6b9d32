//! What SES would tell about a mail, which depends on the address, like with SES's own mailbox
//! simulator:
//!
//! | local part | what happens |
//! | --- | --- |
//! | `bounce…`, `…+bounce…` | sent, then bounced for good: no such mailbox |
//! | `…+bounce-full…` | sent, then bounced for now: the mailbox is full |
//! | `complaint…`, `…+complaint…` | sent, delivered, then marked as spam |
//! | `…+throttle…` | SES refuses: 429 `TooManyRequestsException` |
//! | any other | sent and delivered |
//!
//! Shapes: <https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html>.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::mail::Mail;
use crate::state::random;

/// The bare address of `Name <name@example.com>`.
pub(super) fn address(recipient: &str) -> &str {
    recipient.rsplit_once('<').map_or(recipient, |(_, rest)| rest.trim_end_matches('>')).trim()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Behaviour {
    /// Sent and delivered.
    Deliver,
    Bounce,
    BounceFull,
    Complain,
    Throttle,
}

/// What happens to mail for a recipient.
pub(super) fn behaviour(recipient: &str) -> Behaviour {
    let local = address(recipient).rsplit_once('@').map_or("", |(local, _)| local).to_lowercase();
    if local.contains("+throttle") {
        Behaviour::Throttle
    } else if local.contains("+bounce-full") {
        Behaviour::BounceFull
    } else if local.starts_with("bounce") || local.contains("+bounce") {
        Behaviour::Bounce
    } else if local.starts_with("complaint") || local.contains("+complaint") {
        Behaviour::Complain
    } else {
        Behaviour::Deliver
    }
}

/// In the form of SES's own: it starts with the time, so that ids sort like mails.
pub(super) fn message_id(at: Timestamp) -> String {
    let random = u128::from_ne_bytes(random());
    let digits = format!("{random:032x}");
    format!(
        "{:016x}-{}-{}-{}-{}-{}-000000",
        at.as_millisecond(),
        &digits[..8],
        &digits[8..12],
        &digits[12..16],
        &digits[16..20],
        &digits[20..]
    )
}

const REPORTING_MTA: &str = "a8-50.smtp-out.amazonses.com";
/// How long after a mail was taken it is delivered or bounces.
const ARRIVAL: Duration = Duration::from_millis(150);
/// How long after a mail was taken somebody complains.
const COMPLAINT: Duration = Duration::from_millis(450);

/// A mail that SES took.
pub(super) struct Sent<'a> {
    pub(super) mail: &'a Mail,
    pub(super) from: &'a str,
    pub(super) recipients: &'a [String],
    pub(super) tags: &'a BTreeMap<String, Vec<String>>,
}

impl Sent<'_> {
    /// What SES will tell about it, and how long after it was taken.
    pub(super) fn events(&self) -> Vec<(Duration, Value)> {
        let mut events = vec![self.event("Send", Duration::ZERO, json!({}))];
        events.extend(self.delivery());
        events.extend(self.bounce(
            Behaviour::Bounce,
            ["Permanent", "General"],
            ["5.1.1", "smtp; 550 5.1.1 user unknown"],
        ));
        events.extend(self.bounce(
            Behaviour::BounceFull,
            ["Transient", "MailboxFull"],
            ["4.2.2", "smtp; 452 4.2.2 mailbox full"],
        ));
        events.extend(self.complaint());
        events
    }

    fn delivery(&self) -> Option<(Duration, Value)> {
        let recipients = self.with(&[Behaviour::Deliver, Behaviour::Complain]);
        let detail = json!({
            "timestamp": self.at(ARRIVAL),
            "processingTimeMillis": ARRIVAL.as_millis(),
            "recipients": recipients,
            "smtpResponse": "250 2.6.0 Message received",
            "reportingMTA": REPORTING_MTA,
        });
        (!recipients.is_empty()).then(|| self.event("Delivery", ARRIVAL, detail))
    }

    fn bounce(
        &self,
        behaviour: Behaviour,
        [kind, sub_kind]: [&str; 2],
        [status, diagnostic]: [&str; 2],
    ) -> Option<(Duration, Value)> {
        let recipient = |address: &&str| {
            json!({
                "emailAddress": address,
                "action": "failed",
                "status": status,
                "diagnosticCode": diagnostic,
            })
        };
        let recipients: Vec<Value> = self.with(&[behaviour]).iter().map(recipient).collect();
        let detail = json!({
            "feedbackId": message_id(self.mail.at),
            "bounceType": kind,
            "bounceSubType": sub_kind,
            "bouncedRecipients": recipients,
            "timestamp": self.at(ARRIVAL),
            "reportingMTA": format!("dns; {REPORTING_MTA}"),
        });
        (!recipients.is_empty()).then(|| self.event("Bounce", ARRIVAL, detail))
    }

    fn complaint(&self) -> Option<(Duration, Value)> {
        let recipients = self.with(&[Behaviour::Complain]);
        let detail = json!({
            "feedbackId": message_id(self.mail.at),
            "complaintSubType": null,
            "complainedRecipients":
                recipients.iter().map(|address| json!({"emailAddress": address})).collect::<Vec<_>>(),
            "timestamp": self.at(COMPLAINT),
            "userAgent": "Amazon SES Mailbox Simulator",
            "complaintFeedbackType": "abuse",
            "arrivalDate": self.at(ARRIVAL),
        });
        (!recipients.is_empty()).then(|| self.event("Complaint", COMPLAINT, detail))
    }

    fn event(&self, kind: &str, delay: Duration, detail: Value) -> (Duration, Value) {
        let Self { mail, from, recipients, tags } = self;
        let mut event = json!({
            "eventType": kind,
            "mail": {
                "timestamp": self.at(Duration::ZERO),
                "source": from,
                "sourceArn": format!("arn:aws:ses:us-east-1:000000000000:identity/{}", address(from)),
                "sendingAccountId": "000000000000",
                "messageId": mail.id,
                "destination": recipients,
                "headersTruncated": false,
                "headers": [
                    {"name": "From", "value": from},
                    {"name": "To", "value": mail.to},
                    {"name": "Subject", "value": mail.subject},
                ],
                "commonHeaders": {
                    "from": [from],
                    "to": recipients,
                    "messageId": mail.id,
                    "subject": mail.subject,
                },
                "tags": tags,
            },
        });
        event[kind.to_lowercase()] = detail;
        (delay, event)
    }

    fn at(&self, delay: Duration) -> String {
        (self.mail.at + delay).to_string()
    }

    /// The recipients with one of these behaviours.
    fn with(&self, behaviours: &[Behaviour]) -> Vec<&str> {
        self.recipients
            .iter()
            .filter(|recipient| behaviours.contains(&behaviour(recipient)))
            .map(|recipient| address(recipient))
            .collect()
    }
}
