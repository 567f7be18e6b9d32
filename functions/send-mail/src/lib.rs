//! Sends the mails that wait in the outbox.
//!
//! The table's stream delivers each mail at least once, and a mail must go out at least once: so
//! an attempt is counted and leased before the mail service is asked, and the mail is marked done
//! afterwards. Whoever finds it done, or leased by another, does not send it. What is no longer
//! true when its turn comes (an invitation that was replaced, access that was revoked) is dropped.

use aws_lambda_events::event::{
    dynamodb::{Event, EventRecord},
    streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse},
};
use aws_sdk_sesv2::{
    Client,
    error::ProvideErrorMetadata,
    operation::send_email::SendEmailError,
    types::{Body, Content, Destination, EmailContent, Message, MessageTag},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use shared::{
    App, Problem,
    account::Account,
    config::MailConfig,
    id::MailId,
    keys::{self, Key},
    letter::{Language, Letter, Link, Rendered, render},
    outbox::{KEPT_DAYS, Outgoing},
    portal_user::{Access, MailKind, MailState, PortalUser},
    practice::Practice,
    store::{Amend, both, parse},
    token::{InvitationToken, ResetToken},
};

/// Seconds for which an attempt keeps others off.
const LEASE: i64 = 60;

/// Sends mails.
#[derive(Clone)]
pub struct Sender {
    app: App,
    ses: Client,
    config: MailConfig,
}

impl Sender {
    /// A sender for a table and a mail service.
    #[must_use]
    pub fn new(app: App, ses: Client, config: MailConfig) -> Self {
        Self { app, ses, config }
    }

    /// Handles a batch of the stream; answers which records to deliver again.
    pub async fn handle(&self, event: Event) -> DynamoDbEventResponse {
        let mut response = DynamoDbEventResponse::default();
        for record in event.records {
            let Some(key) = mail_key(&record) else { continue };
            if let Err(problem) = self.send(&key).await {
                tracing(&problem);
                let mut failure = DynamoDbBatchItemFailure::default();
                failure.item_identifier = record.change.sequence_number;
                response.batch_item_failures.push(failure);
            }
        }
        response
    }

    /// Sends one mail of the outbox, unless it is done.
    ///
    /// # Errors
    /// When it has to be tried again.
    pub async fn send(&self, key: &Key) -> Result<(), Problem> {
        let Some((practice, client)) = keys::parse_chart(&key.pk) else { return Ok(()) };
        let now = self.app.now();
        let lease = Amend::of(key.clone())
            .when_absent("doneAt")
            .when_absent_or("leasedUntil", "<=", &now)
            .set("leasedUntil", &now.plus(LEASE))
            .add("attempts", 1);
        let Some(mail) = self.app.store().touch::<Outgoing>(lease).await? else {
            let waiting: Option<Outgoing> = self.app.store().get(key).await?;
            return match waiting {
                Some(mail) if mail.done_at.is_none() => {
                    Err(Problem::unavailable("another attempt is under way"))
                }
                _ => Ok(()),
            };
        };
        let settings = Practice::load(&self.app, &practice).await?;
        let user_key = keys::portal_user(&practice, client, mail.portal_user_id);
        let account_key = mail.account.as_ref().map(|a| keys::account(&practice, a));
        let wanted: Vec<Key> =
            std::iter::once(user_key.clone()).chain(account_key.clone()).collect();
        let mut items = self.app.store().get_many(&wanted).await?;
        let user: Option<PortalUser> = items.remove(&user_key).map(parse).transpose()?;
        let account: Option<Account> =
            account_key.and_then(|k| items.remove(&k)).map(parse).transpose()?;

        let Some(link) =
            user.as_ref().and_then(|u| self.link(&mail, &settings, u, account.as_ref()))
        else {
            return self.done(key, &mail, None).await;
        };
        let name = user.as_ref().map(|u| u.name.greeting().to_owned()).unwrap_or_default();
        let letter = compose(&mail, &settings, &name, &link)?;
        match self.post(&mail, &settings, &letter).await? {
            Posted::Taken(id) => self.done(key, &mail, Some((MailState::Sent, id))).await,
            Posted::Refused(why) => self.done(key, &mail, Some((MailState::Bounced, why))).await,
        }
    }

    /// The mail's link, if the mail is still true: not replaced, revoked, or past its link's life.
    fn link(
        &self,
        mail: &Outgoing,
        practice: &Practice,
        user: &PortalUser,
        account: Option<&Account>,
    ) -> Option<String> {
        let portal = &practice.portal_address;
        match mail.kind {
            MailKind::Invitation => {
                let secret = mail.nonce?.secret(&self.app);
                let newest = user.invitation.as_ref()?;
                let open = user.access == Access::Invited && newest.open(self.app.now());
                if !open || !secret.matches(&newest.hash) {
                    return None;
                }
                let token = InvitationToken {
                    practice: mail.practice.clone(),
                    account: mail.account.clone()?,
                    client: mail.client_id,
                    user: mail.portal_user_id,
                    secret,
                };
                Some(format!("{portal}/enroll#{}", token.text()))
            }
            MailKind::PasswordReset => {
                let secret = mail.nonce?.secret(&self.app);
                let newest = account?.reset.as_ref()?;
                if newest.expires_at <= self.app.now() || !secret.matches(&newest.hash) {
                    return None;
                }
                let token = ResetToken {
                    practice: mail.practice.clone(),
                    account: mail.account.clone()?,
                    secret,
                };
                Some(format!("{portal}/password#{}", token.text()))
            }
            MailKind::AccessGranted => {
                (user.access == Access::Active).then(|| format!("{portal}/sign-in"))
            }
            MailKind::PasswordChanged => Some(format!("{portal}/sign-in")),
        }
    }

    /// Hands a mail to the mail service.
    async fn post(
        &self,
        mail: &Outgoing,
        practice: &Practice,
        letter: &Rendered,
    ) -> Result<Posted, Problem> {
        let content = |text: &str| {
            Content::builder()
                .data(text)
                .charset("UTF-8")
                .build()
                .map_err(|e| Problem::internal(e.to_string()))
        };
        let body =
            Body::builder().text(content(&letter.text)?).html(content(&letter.html)?).build();
        let message = Message::builder().subject(content(&letter.subject)?).body(body).build();
        let tag = |name: &str, value: String| {
            MessageTag::builder()
                .name(name)
                .value(value)
                .build()
                .map_err(|e| Problem::internal(e.to_string()))
        };
        let request = self
            .ses
            .send_email()
            .from_email_address(sender(&practice.sender_name, &self.config.from))
            .destination(Destination::builder().to_addresses(mail.to.as_str()).build())
            .content(EmailContent::builder().simple(message).build())
            .email_tags(tag("practice", mail.practice.to_string())?)
            .email_tags(tag("client", mail.client_id.to_string())?)
            .email_tags(tag("portalUser", mail.portal_user_id.to_string())?)
            .email_tags(tag("mail", mail.mail_id.to_string())?)
            .set_configuration_set_name(self.config.configuration_set.clone());
        let answer = Box::pin(request.send()).await;
        match answer {
            Ok(taken) => Ok(Posted::Taken(taken.message_id.unwrap_or_default())),
            // Only this very mail is at fault: trying again would not help.
            Err(e) if e.as_service_error().is_some_and(SendEmailError::is_message_rejected) => {
                Ok(Posted::Refused("refused by the mail service".into()))
            }
            Err(e) => {
                let code = e.code().unwrap_or("no answer").to_owned();
                Err(Problem::unavailable(format!("mail service: {code}")))
            }
        }
    }

    /// Marks a mail as done with, and shows on the portal user how far it came, if it is the
    /// newest there. Its nonce is forgotten: nobody can make its link again.
    async fn done(
        &self,
        key: &Key,
        mail: &Outgoing,
        outcome: Option<(MailState, String)>,
    ) -> Result<(), Problem> {
        let now = self.app.now();
        let done = Amend::of(key.clone())
            .set("doneAt", &now)
            .set("expiresAt", &now.plus(KEPT_DAYS * 24 * 60 * 60).seconds())
            .unset("nonce")
            .unset("leasedUntil");
        let Some((state, detail)) = outcome else {
            return self.app.store().touch::<Outgoing>(done).await.map(drop);
        };
        let user = keys::portal_user(&mail.practice, mail.client_id, mail.portal_user_id);
        let mut shown = Amend::of(user)
            .when("mail.mailId", "=", &mail.mail_id)
            .when("mail.state", "=", &MailState::Queued)
            .set("mail.state", &state)
            .set("mail.at", &now);
        let done = if state == MailState::Sent {
            done.set("messageId", &detail)
        } else {
            shown = shown.set("mail.reason", &detail);
            done
        };
        // Two writes and no transaction: that the mail is done is what must hold; how it shows is
        // put right by the events that follow, and must not make it go out again.
        both(self.app.store().touch::<Outgoing>(done), self.app.store().touch::<PortalUser>(shown))
            .await
            .map(drop)
    }
}

enum Posted {
    Taken(String),
    Refused(String),
}

fn compose(
    mail: &Outgoing,
    practice: &Practice,
    name: &str,
    link: &str,
) -> Result<Rendered, Problem> {
    let link = Link::new(link).map_err(|e| Problem::internal(e.to_string()))?;
    let until = mail.link_until.map(shared::fields::At::readable);
    Ok(render(&Letter {
        kind: mail.kind,
        practice_name: &practice.name,
        person_name: name,
        link,
        expires: until.as_deref(),
        language: Language::from_tag(&practice.language),
    }))
}

/// Bytes of text in one encoded word: in base64, with its frame, they make the 75 characters that
/// RFC 2047 allows.
const WORD: usize = 45;

/// `From`: the practice's name as it wishes, quoted (RFC 5322) or encoded (RFC 2047).
fn sender(name: &str, address: &str) -> String {
    let name: String = name.chars().filter(|c| !c.is_control()).collect();
    if name.is_ascii() {
        let quoted = name.replace('\\', "\\\\").replace('"', "\\\"");
        format!("\"{quoted}\" <{address}>")
    } else {
        let mut words = vec![String::new()];
        for c in name.chars() {
            match words.last_mut() {
                Some(word) if word.len() + c.len_utf8() <= WORD => word.push(c),
                _ => words.push(c.to_string()),
            }
        }
        let words: Vec<String> =
            words.iter().map(|word| format!("=?UTF-8?B?{}?=", STANDARD.encode(word))).collect();
        format!("{} <{address}>", words.join(" "))
    }
}

/// The key of the mail that a record put into the outbox.
fn mail_key(record: &EventRecord) -> Option<Key> {
    if record.event_name != "INSERT" {
        return None;
    }
    let text = |name: &str| match record.change.keys.get(name)? {
        serde_dynamo::AttributeValue::S(text) => Some(text.clone()),
        _ => None,
    };
    let (pk, sk) = (text("PK")?, text("SK")?);
    MailId::parse(sk.strip_prefix(keys::MAIL)?)?;
    Some(Key { pk, sk })
}

fn tracing(problem: &Problem) {
    tracing::warn!(code = problem.code(), cause = problem.cause(), "a mail has to be tried again");
}
