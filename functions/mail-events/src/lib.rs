//! Notes on the portal user, or on an alert, what became of the mail: delivered,
//! bounced and why, or reported as spam. An alert that bounced waits again, for the practice's inbox. Events come at least once and in any order: one that is older than what is shown, or
//! about an older mail, changes nothing.
//!
//! Shape of the events: Amazon SES event publishing,
//! <https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html>.

use std::collections::HashMap;

use serde::{Deserialize, Serialize, de::IgnoredAny};
use shared::{
    App, Problem,
    alert::AlertState,
    fields::At,
    id::{AlertId, BulkId, ClientId, MailId, PortalUserId, PracticeId},
    keys,
    lists::Listing,
    mail::MailState,
    metrics,
    portal_user::PortalUser,
    store::Update,
};

/// An event of Amazon SES; what is not used here is not read.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SesEvent {
    event_type: String,
    mail: SesMail,
    #[serde(default)]
    bounce: Option<Bounce>,
    #[serde(default)]
    delivery: Option<Moment>,
    #[serde(default)]
    complaint: Option<Moment>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct SesMail {
    #[serde(default)]
    tags: HashMap<String, Vec<String>>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Moment {
    #[serde(default)]
    timestamp: Option<At>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the mail service's names")]
struct Bounce {
    #[serde(default)]
    bounce_type: String,
    #[serde(default)]
    bounce_sub_type: String,
    #[serde(default)]
    timestamp: Option<At>,
}

const MAIL_STATES: [MailState; 4] =
    [MailState::Queued, MailState::Sent, MailState::Delivered, MailState::Bounced];
const ALERT_STATES: [AlertState; 5] = [
    AlertState::Queued,
    AlertState::Covered,
    AlertState::Sent,
    AlertState::Delivered,
    AlertState::Bounced,
];

/// Those that a state takes the place of.
fn before<T: PartialOrd + Copy>(all: &[T], state: T) -> Vec<T> {
    all.iter().copied().filter(|earlier| *earlier < state).collect()
}

/// Notes an event. One that is not about a mail of ours is passed over.
///
/// # Errors
/// 503 when the table does not answer: the event has to come again.
pub async fn handle(app: &App, event: &SesEvent) -> Result<(), Problem> {
    let Some((state, at, reason)) = outcome(event) else { return Ok(()) };
    let figure = match state {
        MailState::Delivered => "MailsDelivered",
        MailState::Complained => "MailsComplained",
        _ => "MailsBounced",
    };
    metrics::count(app, figure);
    let tag = |name: &str| event.mail.tags.get(name).and_then(|values| values.first());
    let practice = tag("practice").and_then(|t| PracticeId::parse(t));
    let client = tag("client").and_then(|t| ClientId::parse(t));
    let Some((practice, client)) = practice.zip(client) else { return Ok(()) };
    if let Some(alert) = tag("alert").and_then(|t| AlertId::parse(t)) {
        let to = tag("to").map_or("", String::as_str);
        let mut update = Update::of(keys::alert(&practice, client, alert))
            // An earlier attempt may have gone to somebody else.
            .when("went", "=", &to)
            .when_one_of("state", &before(&ALERT_STATES, AlertState::from(state)))
            .set("state", &state);
        if state == MailState::Bounced && PortalUserId::parse(to).is_some() {
            // It has told nobody: `send-mail` finds it once more, and tells the practice.
            update = update.set("pending", &keys::PENDING).unset("doneAt");
        }
        return app.store().update::<IgnoredAny>(update).await.map(drop);
    }
    let user = tag("portalUser").and_then(|t| PortalUserId::parse(t));
    let Some((user, mail)) = user.zip(tag("mail").and_then(|t| MailId::parse(t))) else {
        return Ok(());
    };
    let mut update = Update::of(keys::portal_user(&practice, client, user))
        .when("mail.mailId", "=", &mail)
        .when_one_of("mail.state", &before(&MAIL_STATES, state))
        .set("mail.state", &state)
        .set("mail.at", &at.unwrap_or_else(|| app.now()));
    update = Listing::mail(update, &practice, state);
    update = match &reason {
        Some(reason) => update.set("mail.reason", reason),
        None => update.unset("mail.reason"),
    };
    let bulk = tag("bulk").and_then(|t| BulkId::parse(t)).filter(|_| state == MailState::Bounced);
    match bulk {
        Some(bulk) => count(app, &practice, bulk, &update).await,
        None => app.store().update::<PortalUser>(update).await.map(drop),
    }
}

/// Notes that a mail came back, and counts it for the change for many that it is part of: both or neither, since
/// the event may come again.
async fn count(
    app: &App,
    practice: &PracticeId,
    bulk: BulkId,
    came_back: &Update,
) -> Result<(), Problem> {
    let store = app.store();
    let mut retries = store.retries();
    loop {
        let mut change = store.change();
        let noted = change.update(came_back);
        let counted = Update::of(keys::bulk(practice, bulk)).add("bounced", 1);
        let counted = change.update(&counted);
        let Err(error) = store.write(change).await else { return Ok(()) };
        let failed = retries.retry(error).await?;
        if failed.includes(noted) {
            return Ok(());
        }
        if failed.includes(counted) {
            // The job is forgotten.
            return store.update::<PortalUser>(came_back.clone()).await.map(drop);
        }
    }
}

fn outcome(event: &SesEvent) -> Option<(MailState, Option<At>, Option<String>)> {
    let at = |moment: &Option<Moment>| moment.as_ref().and_then(|m| m.timestamp);
    match event.event_type.as_str() {
        "Delivery" => Some((MailState::Delivered, at(&event.delivery), None)),
        "Complaint" => Some((MailState::Complained, at(&event.complaint), None)),
        "Bounce" => {
            let bounce = event.bounce.as_ref();
            let reason = bounce.map_or("not delivered", why).to_owned();
            Some((MailState::Bounced, bounce.and_then(|b| b.timestamp), Some(reason)))
        }
        "Reject" | "Rendering Failure" => {
            Some((MailState::Bounced, None, Some("refused by the mail service".into())))
        }
        _ => None,
    }
}

/// Why a mail bounced, in words for the front desk.
fn why(bounce: &Bounce) -> &'static str {
    match (bounce.bounce_type.as_str(), bounce.bounce_sub_type.as_str()) {
        (_, "MailboxFull") => "mailbox full",
        (_, "MessageTooLarge") => "message too large",
        (_, "ContentRejected" | "AttachmentRejected") => "content refused",
        (_, "Suppressed" | "OnAccountSuppressionList") => "address bounced before",
        (_, "NoEmail") | ("Permanent", _) => "no such mailbox",
        ("Transient", _) => "not taken for now",
        _ => "not delivered",
    }
}
