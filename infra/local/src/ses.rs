//! Amazon SES on this machine: the `SendEmail` operation of its API v2, and its event publishing.
//!
//! A mail goes nowhere: it is kept for the mailbox page, and [`events`] says what SES would tell
//! about it. Events are on disk with the mail and are told until the function has taken them.
//!
//! Shape: <https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html>.

mod events;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use futures::future::BoxFuture;
use http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{Notify, watch};

use crate::mail::{Mail, MailStore};
use crate::{BoxError, back_off};

use self::events::{Behaviour, Sent, address, behaviour, message_id};

/// The function that SES's events go to. On `Err` the event is told again later.
pub type Sink = Arc<dyn Fn(Value) -> BoxFuture<'static, Result<(), BoxError>> + Send + Sync>;

/// The endpoint. Clones share it.
#[derive(Clone)]
pub struct Ses {
    store: MailStore,
    news: Arc<Notify>,
}

impl Ses {
    /// An endpoint that keeps mail in `store`.
    #[must_use]
    pub fn new(store: MailStore) -> Self {
        Self { store, news: Arc::default() }
    }

    /// The API, for the AWS SDK's `endpoint_url`.
    pub fn router(&self) -> Router {
        Router::new().route("/v2/email/outbound-emails", post(send)).with_state(self.clone())
    }

    /// Tells `sink` every event, those from before a restart too, until told to stop.
    pub async fn publish(self, sink: Sink, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            let wait = match self.publish_due(&sink).await {
                Ok(wait) => wait,
                Err(error) => {
                    tracing::error!(%error, "mail events cannot be published");
                    Duration::from_secs(1)
                }
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.news.notified() => {}
                _ = stop.changed() => {}
            }
        }
    }

    /// Tells what is due; answers how long there is nothing to do.
    async fn publish_due(&self, sink: &Sink) -> Result<Duration, BoxError> {
        for owed in self.store.with(|store| store.due_events(50)).await? {
            // In a task of its own, so that a panic is a failure like any other.
            let told = tokio::spawn({
                let sink = sink.clone();
                async move { sink(owed.event).await }
            })
            .await
            .map_err(BoxError::from)
            .flatten();
            let (number, attempts) = (owed.number, owed.attempts + 1);
            match told {
                Ok(()) => self.store.with(move |store| store.told(number)).await?,
                Err(error) => {
                    tracing::warn!(%error, attempts, "a mail event failed");
                    self.store.with(move |store| store.put_off(number, back_off(attempts))).await?;
                }
            }
        }
        let next = self.store.with(MailStore::next_due).await?;
        Ok(next.unwrap_or(Duration::from_hours(1)))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendEmail {
    from_email_address: Option<String>,
    #[serde(default)]
    destination: Destination,
    content: Content,
    #[serde(default)]
    email_tags: Vec<Tag>,
    configuration_set_name: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Destination {
    #[serde(rename = "ToAddresses")]
    to: Vec<String>,
    #[serde(rename = "CcAddresses")]
    cc: Vec<String>,
    #[serde(rename = "BccAddresses")]
    bcc: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Content {
    simple: Option<Simple>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Simple {
    subject: Text,
    body: Body,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Body {
    text: Option<Text>,
    html: Option<Text>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Text {
    data: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    name: String,
    value: String,
}

/// A refusal as the AWS SDK reads it.
struct Refusal(StatusCode, &'static str, &'static str);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self(status, kind, message) = self;
        (status, [("x-amzn-errortype", kind)], Json(json!({"message": message}))).into_response()
    }
}

fn bad_request(message: &'static str) -> Refusal {
    Refusal(StatusCode::BAD_REQUEST, "BadRequestException", message)
}

async fn send(State(ses): State<Ses>, body: String) -> Result<Response, Refusal> {
    let request: SendEmail =
        serde_json::from_str(&body).map_err(|_| bad_request("The request is malformed."))?;
    let simple = request.content.simple.ok_or_else(|| {
        bad_request("This endpoint takes simple content only, no raw content and no templates.")
    })?;
    let from = request
        .from_email_address
        .filter(|from| from.contains('@'))
        .ok_or_else(|| bad_request("FromEmailAddress is missing."))?;
    let recipients: Vec<String> =
        [request.destination.to, request.destination.cc, request.destination.bcc].concat();
    if recipients.is_empty() || recipients.len() > 50 {
        return Err(bad_request("There must be 1 to 50 recipients."));
    }
    if !recipients.iter().all(|recipient| address(recipient).contains('@')) {
        return Err(bad_request("A recipient is not an e-mail address."));
    }
    if simple.subject.data.contains(['\r', '\n']) {
        return Err(bad_request("The subject has a line break in it."));
    }
    if simple.body.text.is_none() && simple.body.html.is_none() {
        return Err(bad_request("The mail has no body."));
    }
    if !request.email_tags.iter().all(|tag| is_tag_text(&tag.name) && is_tag_text(&tag.value)) {
        return Err(bad_request(
            "Tags may hold ASCII letters, digits, '_' and '-', 1 to 256 characters.",
        ));
    }
    if recipients.iter().any(|recipient| behaviour(recipient) == Behaviour::Throttle) {
        return Err(Refusal(
            StatusCode::TOO_MANY_REQUESTS,
            "TooManyRequestsException",
            "Maximum sending rate exceeded.",
        ));
    }

    let now = whole_milliseconds(Timestamp::now());
    let mail = Mail {
        id: message_id(now),
        to: recipients.join(", "),
        subject: simple.subject.data,
        text: simple.body.text.map(|text| text.data).unwrap_or_default(),
        html: simple.body.html.map(|html| html.data).unwrap_or_default(),
        at: now,
    };
    let mut tags: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for tag in request.email_tags {
        tags.entry(tag.name).or_default().push(tag.value);
    }
    if let Some(set) = request.configuration_set_name {
        tags.insert("ses:configuration-set".into(), vec![set]);
    }
    let events = Sent { mail: &mail, from: &from, recipients: &recipients, tags: &tags }.events();
    let answer = json!({"MessageId": mail.id});
    ses.store.with(move |store| store.accept(&mail, &events)).await.map_err(|error| {
        tracing::error!(%error, "a mail cannot be kept");
        Refusal(StatusCode::INTERNAL_SERVER_ERROR, "InternalFailure", "The mail cannot be kept.")
    })?;
    ses.news.notify_one();
    Ok(Json(answer).into_response())
}

fn is_tag_text(text: &str) -> bool {
    (1..=256).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

fn whole_milliseconds(time: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(time.as_millisecond()).unwrap_or(time)
}

#[cfg(test)]
mod tests;
