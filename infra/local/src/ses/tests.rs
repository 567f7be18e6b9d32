use std::sync::Mutex;

use aws_credential_types::Credentials;
use aws_sdk_sesv2::config::{BehaviorVersion, Region};
use aws_sdk_sesv2::operation::send_email::SendEmailError;
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message, MessageTag};

use super::*;
use crate::state::TestFolder;

struct Bench {
    folder: TestFolder,
    ses: Ses,
    client: aws_sdk_sesv2::Client,
}

fn store(folder: &TestFolder) -> MailStore {
    MailStore::open(&folder.0.join("mail.db")).unwrap()
}

fn content(text: &str) -> Content {
    Content::builder().data(text).build().unwrap()
}

impl Bench {
    async fn new() -> Self {
        let folder = TestFolder::new();
        let ses = Ses::new(store(&folder));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let config = aws_sdk_sesv2::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("us-east-1"))
            .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
            .retry_config(aws_sdk_sesv2::config::retry::RetryConfig::disabled())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .endpoint_url(format!("http://{}", listener.local_addr().unwrap()))
            .build();
        let router = ses.router();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { folder, ses, client: aws_sdk_sesv2::Client::from_conf(config) }
    }

    async fn send(&self, to: &str) -> Result<String, SendEmailError> {
        let message = Message::builder()
            .subject(content("You are invited"))
            .body(Body::builder().text(content("Text")).html(content("<p>Html</p>")).build())
            .build();
        let sent = self
            .client
            .send_email()
            .from_email_address("Harbor <no-reply@harbor.example>")
            .destination(Destination::builder().to_addresses(to).build())
            .content(EmailContent::builder().simple(message).build())
            .email_tags(MessageTag::builder().name("mail").value("01J").build().unwrap())
            .configuration_set_name("latchkey")
            .send()
            .await;
        sent.map(|sent| sent.message_id.unwrap())
            .map_err(aws_sdk_sesv2::error::SdkError::into_service_error)
    }

    /// Publishes until nothing is owed and answers what was told.
    async fn told(&self) -> Vec<Value> {
        let told = Arc::new(Mutex::new(Vec::new()));
        let sink: Sink = {
            let told = told.clone();
            Arc::new(move |event| {
                told.lock().unwrap().push(event);
                Box::pin(async { Ok(()) })
            })
        };
        while let Some(wait) = self.ses.store.next_due().unwrap() {
            tokio::time::sleep(wait).await;
            self.ses.publish_due(&sink).await.unwrap();
        }
        std::mem::take(&mut *told.lock().unwrap())
    }
}

#[tokio::test]
async fn the_sdk_sends_and_the_mail_is_kept() {
    let bench = Bench::new().await;
    let first = bench.send("amara@example.com").await.unwrap();
    let second = bench.send("Amara <amara@example.com>").await.unwrap();
    let kept = store(&bench.folder).newest(10).unwrap();
    assert_eq!(kept.iter().map(|mail| &mail.id).collect::<Vec<_>>(), [&second, &first]);
    assert_eq!(kept[1].to, "amara@example.com");
    assert_eq!((kept[1].text.as_str(), kept[1].html.as_str()), ("Text", "<p>Html</p>"));
}

#[tokio::test]
async fn throttling_is_the_error_the_sdk_knows_and_keeps_nothing() {
    let bench = Bench::new().await;
    let error = bench.send("amara+throttle@example.com").await.unwrap_err();
    assert!(error.is_too_many_requests_exception(), "{error:?}");
    assert!(bench.ses.store.newest(10).unwrap().is_empty());
}

#[tokio::test]
async fn events_have_the_shape_of_ses() {
    let bench = Bench::new().await;
    let kinds = |events: &[Value]| -> Vec<String> {
        events.iter().map(|event| event["eventType"].as_str().unwrap().to_owned()).collect()
    };

    let id = bench.send("Amara <amara@example.com>").await.unwrap();
    let told = bench.told().await;
    assert_eq!(kinds(&told), ["Send", "Delivery"]);
    assert_eq!(told[1]["mail"]["messageId"], id.as_str());
    assert_eq!(
        told[1]["mail"]["tags"],
        json!({"mail": ["01J"], "ses:configuration-set": ["latchkey"]})
    );
    assert_eq!(told[1]["delivery"]["recipients"], json!(["amara@example.com"]));

    bench.send("amara+bounce@example.com").await.unwrap();
    let told = bench.told().await;
    assert_eq!(kinds(&told), ["Send", "Bounce"]);
    assert_eq!(told[1]["bounce"]["bounceType"], "Permanent");
    assert_eq!(
        told[1]["bounce"]["bouncedRecipients"][0]["diagnosticCode"],
        "smtp; 550 5.1.1 user unknown"
    );

    bench.send("amara+bounce-full@example.com").await.unwrap();
    assert_eq!(bench.told().await[1]["bounce"]["bounceSubType"], "MailboxFull");

    bench.send("complaint@example.com").await.unwrap();
    let told = bench.told().await;
    assert_eq!(kinds(&told), ["Send", "Delivery", "Complaint"]);
    assert_eq!(told[2]["complaint"]["complaintFeedbackType"], "abuse");
}

#[tokio::test]
async fn an_event_that_fails_is_owed_across_a_restart() {
    let bench = Bench::new().await;
    bench.send("amara@example.com").await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let failing: Sink = Arc::new(|_| Box::pin(async { Err("no connection".into()) }));
    bench.ses.publish_due(&failing).await.unwrap();
    let breaking: Sink = Arc::new(|_| Box::pin(async { panic!("a mistake") }));
    tokio::time::sleep(back_off(1)).await;
    bench.ses.publish_due(&breaking).await.unwrap();

    let again = Bench { ses: Ses::new(store(&bench.folder)), ..bench };
    assert_eq!(again.told().await.len(), 2);
}

#[tokio::test]
async fn what_ses_refuses_is_refused() {
    let bench = Bench::new().await;
    assert!(bench.send("nobody").await.unwrap_err().is_bad_request_exception());
    for tag in ["P#harbor#C#1", "", "a b"] {
        assert!(!is_tag_text(tag));
    }
}
