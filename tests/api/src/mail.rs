//! A mail service that keeps what it gets, and the stream between the outbox and `send-mail`.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lambda_events::event::dynamodb::{Event, EventRecord};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_runtime_api::{
    client::{
        http::{
            HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings,
            SharedHttpClient, SharedHttpConnector,
        },
        orchestrator::{HttpRequest, HttpResponse},
        result::ConnectorError,
        runtime_components::RuntimeComponents,
    },
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;
use send_mail::Sender;
use serde_json::{Value, json};
use shared::{
    App,
    config::{MAILS_A_SECOND, MailConfig},
    keys,
};

use crate::World;

/// How the mail service answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mood {
    /// It takes mails.
    #[default]
    Well,
    /// It is throttled.
    Throttled,
    /// It fails.
    Down,
    /// It is not reached, and nobody can tell.
    Unreached,
    /// It takes the mail, and the answer is lost.
    LostAnswer,
    /// It refuses, with this error and in these words.
    Refuses(&'static str, &'static str),
}

/// A mail that the service took.
#[derive(Debug, Clone)]
pub struct Received {
    /// Recipient.
    pub to: String,
    /// Sender, with name.
    pub from: String,
    /// Subject.
    pub subject: String,
    /// Text part.
    pub text: String,
    /// HTML part.
    pub html: String,
    /// Tags by name.
    pub tags: Value,
}

impl Received {
    /// The link in its text, the token after `#`.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn token(&self) -> String {
        let link = self.text.split_whitespace().find(|w| w.starts_with("http")).expect("a link");
        link.split_once('#').expect("a token").1.to_owned()
    }
}

/// The mail service. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Post(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    received: Vec<Received>,
    mood: Mood,
    refused: String,
    read_to: u128,
}

impl Post {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How it answers from now on.
    pub fn feels(&self, mood: Mood) {
        self.state().mood = mood;
    }

    /// Takes no mail to an address from now on.
    pub fn refuses(&self, to: &str) {
        to.clone_into(&mut self.state().refused);
    }

    /// The mails that it took, oldest first.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.state().received.clone()
    }

    /// The newest mail to somebody.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn newest(&self, to: &str) -> Received {
        let state = self.state();
        state.received.iter().rev().find(|m| m.to == to).expect("a mail").clone()
    }

    /// `send-mail` over a table and this mail service, from a client that would try again: that only the
    /// stream does is the sender's own care.
    #[must_use]
    pub fn sender(&self, app: &App) -> Sender {
        self.sender_of(app, MAILS_A_SECOND)
    }

    /// As [`Post::sender`], where changes for many may ask for so many mails in a second.
    #[must_use]
    pub fn sender_of(&self, app: &App, a_second: u32) -> Sender {
        let ses = aws_sdk_sesv2::Config::builder()
            .behavior_version(aws_sdk_sesv2::config::BehaviorVersion::latest())
            .region(aws_sdk_sesv2::config::Region::from_static("us-east-1"))
            .credentials_provider(crate::credentials())
            .http_client(self.client())
            .retry_config(aws_smithy_types::retry::RetryConfig::standard())
            .sleep_impl(TokioSleep::new())
            .build();
        let config = MailConfig {
            from: "no-reply@latchkey.example".into(),
            configuration_set: None,
            a_second,
        };
        Sender::new(app.clone(), aws_sdk_sesv2::Client::from_conf(ses), config)
    }

    fn client(&self) -> SharedHttpClient {
        SharedHttpClient::new(self.clone())
    }

    /// Whether a mail is to the address that it refuses.
    fn is_refused(&self, request: &HttpRequest) -> bool {
        let refused = self.state().refused.clone();
        let body = request.body().bytes().unwrap_or_default();
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        body["Destination"]["ToAddresses"][0] == refused.as_str()
    }

    fn take(&self, request: &HttpRequest) {
        let body: Value =
            serde_json::from_slice(request.body().bytes().unwrap_or_default()).unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let simple = &body["Content"]["Simple"];
        let tags = body["EmailTags"].as_array().cloned().unwrap_or_default();
        let tags = tags.iter().map(|t| (text(&t["Name"]), json!([t["Value"]]))).collect();
        self.state().received.push(Received {
            to: text(&body["Destination"]["ToAddresses"][0]),
            from: text(&body["FromEmailAddress"]),
            subject: text(&simple["Subject"]["Data"]),
            text: text(&simple["Body"]["Text"]["Data"]),
            html: text(&simple["Body"]["Html"]["Data"]),
            tags: Value::Object(tags),
        });
    }
}

impl HttpClient for Post {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Post {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let mood = self.state().mood;
        let answer = match mood {
            Mood::Well if self.is_refused(&request) => {
                Ok(respond(400, "MessageRejected", &json!({"message": "Address blacklisted"})))
            }
            Mood::Well => {
                self.take(&request);
                let id = format!("message-{}", self.state().received.len());
                Ok(respond(200, "", &json!({"MessageId": id})))
            }
            Mood::Throttled => Ok(respond(429, "TooManyRequestsException", &json!({}))),
            Mood::Down => Ok(respond(500, "InternalFailure", &json!({}))),
            Mood::Refuses(error, words) => Ok(respond(400, error, &json!({"message": words}))),
            Mood::Unreached => Err(ConnectorError::timeout("lost".into())),
            Mood::LostAnswer => {
                self.take(&request);
                Err(ConnectorError::timeout("lost".into()))
            }
        };
        HttpConnectorFuture::ready(answer)
    }
}

fn respond(status: u16, error: &'static str, body: &Value) -> HttpResponse {
    let status = StatusCode::try_from(status).unwrap_or_else(|_| unreachable!("a status"));
    let mut response = HttpResponse::new(status, SdkBody::from(body.to_string()));
    response.headers_mut().insert("content-type", "application/json");
    if !error.is_empty() {
        response.headers_mut().insert("x-amzn-errortype", error);
    }
    response
}

impl World {
    /// `send-mail`, over this world's table and mail service.
    #[must_use]
    pub fn sender(&self) -> Sender {
        self.post.sender(&self.app)
    }

    /// The records that the stream holds since they were last taken.
    ///
    /// # Panics
    /// When the stream cannot be read.
    #[must_use]
    pub fn records(&self) -> Vec<EventRecord> {
        let records = self.unread();
        if let Some(last) =
            records.iter().filter_map(|r| r.change.sequence_number.as_ref()).next_back()
        {
            self.post.state().read_to = last.parse().expect("a number");
        }
        records
    }

    /// The records that [`World::records`] takes next.
    fn unread(&self) -> Vec<EventRecord> {
        let from = self.post.state().read_to;
        let records = self.database.records_after(from, 10_000).expect("the stream");
        let records = serde_json::to_value(records).expect("records");
        serde_json::from_value(records).expect("records")
    }

    /// Delivers the resets that were asked for to `send-mail`, which finds out whom they fit; what comes
    /// of it is left in the stream.
    ///
    /// # Panics
    /// When it wants them again.
    pub async fn resolve(&self) {
        let mut asked = self.unread();
        asked.retain(|record| {
            let key = serde_dynamo::from_item::<_, Value>(record.change.keys.clone());
            key.is_ok_and(|key| key["SK"].as_str().is_some_and(|sk| sk.starts_with(keys::ASK)))
        });
        assert_eq!(self.redeliver(asked).await, 0);
    }

    /// Delivers what the stream holds to `send-mail`, and what comes of it, each once; answers how many
    /// records it wants again.
    pub async fn deliver(&self) -> usize {
        let mut again = 0;
        loop {
            let records = self.records();
            if records.is_empty() {
                return again;
            }
            again += self.redeliver(records).await;
        }
    }

    /// Delivers records to `send-mail`; answers how many it wants again.
    pub async fn redeliver(&self, records: Vec<EventRecord>) -> usize {
        let mut event = Event::default();
        event.records = records;
        self.sender().handle(event).await.batch_item_failures.len()
    }
}
