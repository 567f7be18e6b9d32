//! Sends the mails that wait in the outbox, and the alerts ([`alerts`]), and finds out whom a reset was
//! asked for ([`asks`]).
//!
//! The table's stream delivers each mail at least once, and a mail must go out at least once: so
//! an attempt is counted and leased before the mail service is asked, and the mail is marked done
//! afterwards. Whoever finds it done, or leased by another, does not send it. An attempt that is
//! known to have failed gives its lease back; one of which nobody knows what came of it does not. What
//! is no longer true when its turn comes (an invitation that was replaced, access that was revoked)
//! is dropped. A mail to an address that is not safe is withheld ([`gate`]), and staff are told.

mod alerts;
mod asks;
mod bulk;
mod gate;
mod lapses;
mod lockouts;
mod zone;

use std::time::Duration;

use aws_lambda_events::event::{
    dynamodb::Event,
    streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse},
};
use aws_sdk_sesv2::{
    Client,
    config::{retry::RetryConfig, timeout::TimeoutConfig},
    error::{ProvideErrorMetadata, SdkError},
    operation::send_email::SendEmailError,
    types::{Body, Content, Destination, EmailContent, Message, MessageTag},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::de::{DeserializeOwned, IgnoredAny};
use shared::{
    App, Problem,
    account::Account,
    caller::Caller,
    client,
    config::MailConfig,
    fields::{At, Email},
    history::{Action, Actor, Event as Told},
    keys::{self, Key},
    letter::{Language, Letter, Link, Rendered, render, sign_in_name},
    lists::Listing,
    mail::{MailKind, MailState, UNSAFE_ADDRESS},
    metrics,
    outbox::{GIVEN_UP, KEPT_DAYS, OVERDUE, Outgoing},
    portal_user::{Access, PortalUser},
    practice::Practice,
    store::{Item, Store, Update, both, parse},
    token::{ConfirmationToken, InvitationToken, ResetToken},
};

use crate::gate::{Mailbox, Passage, Wish};

/// Seconds for which an attempt keeps others off.
const LEASE: i64 = 60;

/// How long the mail service may take to answer. Given up too early, a mail goes out twice.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the mail service says when it takes nobody's mail for now: the sender's identity lapsed or is
/// not verified yet, the recipient's is not while the account is in the sandbox, sending is paused or
/// suspended, the configuration set is gone. None of it is the mail's fault.
const NOT_THIS_MAIL: [&str; 4] = ["not verified", "paused", "suspended", "configuration set"];

/// How an attempt failed.
enum Failure {
    /// The mail did not go out.
    Known(Problem),
    /// The mail may have gone out.
    Unknown(Problem),
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Known(problem)
    }
}

/// Why a mail is given up that the mail service did not take.
const NOT_TAKEN: &str = "the mail service did not take it for three days";
/// Why a mail is given up that never came so far.
const NOT_SENT: &str = "it could not be sent for three days";

/// What becomes of a mail.
enum Fate {
    /// It is not true any more.
    Dropped,
    /// The address of the person is not safe.
    Withheld(Box<PortalUser>),
    /// The mail service took it, or refused it: the state, with its id or why.
    Told(MailState, String),
}

/// Why a mail does not go out now.
struct NotNow {
    failure: Failure,
    /// Whether it was the mail service.
    of_service: bool,
}

impl From<Problem> for NotNow {
    fn from(problem: Problem) -> Self {
        Self { failure: problem.into(), of_service: false }
    }
}

/// What is sent under a lease.
trait Leased: DeserializeOwned {
    /// Whether it was sent, or dropped.
    fn is_done(&self) -> bool;
}

impl Leased for Outgoing {
    fn is_done(&self) -> bool {
        self.done_at.is_some()
    }
}

/// What of one kind waits, oldest first.
struct Queue {
    kind: &'static str,
    until: String,
    page: std::vec::IntoIter<Key>,
    /// Where the next page begins; none for the first.
    from: Option<Item>,
    /// Whether this is the last.
    last: bool,
}

impl Queue {
    /// What has waited since before `until`.
    fn of(kind: &'static str, until: At) -> Self {
        let until = keys::waiting_from(kind, until);
        Self { kind, until, page: Vec::new().into_iter(), from: None, last: false }
    }

    async fn next(&mut self, store: &Store) -> Result<Option<Key>, Problem> {
        loop {
            if let Some(key) = self.page.next() {
                return Ok(Some(key));
            }
            if self.last {
                return Ok(None);
            }
            let from = self.from.take();
            let (page, from) = store.waiting(self.kind, &self.until, from).await?;
            (self.page, self.last, self.from) = (page.into_iter(), from.is_none(), from);
        }
    }
}

/// Sends mails.
#[derive(Clone)]
pub struct Sender {
    app: App,
    ses: Client,
    config: MailConfig,
    /// Whether alerts that failed are left to a sweep.
    swept: bool,
}

impl Sender {
    /// A sender for a table and a mail service.
    #[must_use]
    pub fn new(app: App, ses: Client, config: MailConfig) -> Self {
        Self { app, ses, config, swept: false }
    }

    /// A sender behind a stream that stops at what failed: of which a program may post any number, alerts,
    /// is left to the sweep, so that no other mail waits for it.
    #[must_use]
    pub fn swept(mut self) -> Self {
        self.swept = true;
        self
    }

    /// Handles a batch of the stream; answers which records to deliver again.
    pub async fn handle(&self, event: Event) -> DynamoDbEventResponse {
        let new = event.records.into_iter().filter_map(|record| {
            let change = record.change;
            let key = keys::inserted(&record.event_name, &change.keys, keys::MAILED)?;
            Some((key, change.sequence_number))
        });
        let (alerts, mails): (Vec<_>, Vec<_>) = new
            .partition(|(key, _)| [keys::ALERT, keys::STEP].iter().any(|b| key.sk.starts_with(b)));
        let see_to = async |(key, number): (Key, Option<String>)| {
            let problem = self.work_on(&key).await.err()?;
            tell(&key, &problem);
            let mut failure = DynamoDbBatchItemFailure::default();
            failure.item_identifier = number;
            Some(failure)
        };
        let mut response = DynamoDbEventResponse::default();
        for mail in mails {
            response.batch_item_failures.extend(see_to(mail).await);
        }
        // They come after what people wait for.
        for alert in alerts {
            let failed = see_to(alert).await;
            response.batch_item_failures.extend(failed.filter(|_| !self.swept));
        }
        response
    }

    /// Does what the stream has not brought, or not often enough. Answers why some of it has to be
    /// tried again, each of which was told; the next sweep will.
    ///
    /// # Errors
    /// When it cannot be read what waits.
    pub async fn sweep(&self) -> Result<Vec<Problem>, Problem> {
        let store = self.app.store();
        let until = self.app.now().plus(-OVERDUE);
        let mut left = Vec::new();
        // By turns, so that what strangers ask for does not keep mails waiting.
        let mut queues =
            [keys::ASK, keys::MAIL, keys::ALERT, keys::LOCKOUT, keys::LAPSE, keys::STEP]
                .map(|kind| Queue::of(kind, until));
        loop {
            let mut idle = true;
            for queue in &mut queues {
                let Some(key) = queue.next(store).await? else { continue };
                idle = false;
                if let Err(problem) = self.work_on(&key).await {
                    tell(&key, &problem);
                    left.push(problem);
                }
            }
            if idle {
                return Ok(left);
            }
        }
    }

    /// Does what an item waits for.
    async fn work_on(&self, key: &Key) -> Result<(), Problem> {
        match key.sk.split_inclusive('#').next() {
            Some(keys::ASK) => self.resolve(key).await,
            Some(keys::ALERT) => self.alert(key).await,
            Some(keys::LOCKOUT) => self.locked_out(key).await,
            Some(keys::LAPSE) => self.lapsed(key).await,
            Some(keys::STEP) => self.step(key).await,
            _ => self.send(key).await,
        }
    }

    /// Sends one mail of the outbox, unless it is done.
    ///
    /// # Errors
    /// When it has to be tried again.
    pub async fn send(&self, key: &Key) -> Result<(), Problem> {
        if keys::parse_chart(&key.pk).is_none() {
            return Ok(());
        }
        let Some((mail, until)) = self.lease::<Outgoing>(key).await? else { return Ok(()) };
        let outcome = self.attempt(key, &mail).await;
        self.settle(key, until, outcome).await
    }

    /// Counts an attempt and keeps others off. Answers what is to be sent, and until when it is leased;
    /// nothing when that is done.
    async fn lease<T: Leased>(&self, key: &Key) -> Result<Option<(T, At)>, Problem> {
        let now = self.app.now();
        let until = now.plus(LEASE);
        let lease = Update::of(key.clone())
            .when_absent("doneAt")
            .when_absent_or("leasedUntil", "<=", &now)
            .set("leasedUntil", &until)
            .add("attempts", 1);
        if let Some(leased) = self.app.store().update::<T>(lease).await? {
            return Ok(Some((leased, until)));
        }
        let waiting: Option<T> = self.app.store().get(key).await?;
        if waiting.is_some_and(|waiting| !waiting.is_done()) {
            return Err(Problem::unavailable("another attempt is under way"));
        }
        Ok(None)
    }

    /// Ends an attempt: one that is known to have failed gives its lease back.
    async fn settle(
        &self,
        key: &Key,
        until: At,
        outcome: Result<(), Failure>,
    ) -> Result<(), Problem> {
        match outcome {
            Ok(()) => Ok(()),
            Err(Failure::Unknown(problem)) => Err(problem),
            Err(Failure::Known(problem)) => {
                let free =
                    Update::of(key.clone()).when("leasedUntil", "=", &until).unset("leasedUntil");
                if let Err(also) = self.app.store().update::<IgnoredAny>(free).await {
                    // Then it comes free in its time.
                    tell(key, &also);
                }
                Err(problem)
            }
        }
    }

    /// Sends a mail that is leased, or drops it. One that cannot be sent for three days, for whatever reason, is given
    /// up.
    async fn attempt(&self, key: &Key, mail: &Outgoing) -> Result<(), Failure> {
        let given_up = mail.queued_at.plus(GIVEN_UP) <= self.app.now();
        let outcome = match self.deliver(mail).await {
            Ok(Fate::Dropped) => return Ok(self.done(key, mail, None).await?),
            Ok(Fate::Withheld(user)) => return Ok(self.withhold(key, mail, &user).await?),
            Ok(Fate::Told(state, detail)) => (state, detail),
            Err(NotNow { of_service, .. }) if given_up => {
                (MailState::Bounced, if of_service { NOT_TAKEN } else { NOT_SENT }.to_owned())
            }
            Err(NotNow { failure, of_service }) => {
                if of_service {
                    metrics::count(&self.app, "MailsFailed");
                }
                return Err(failure);
            }
        };
        self.count(outcome.0 == MailState::Sent);
        self.done(key, mail, Some(outcome)).await.map_err(Failure::Unknown)
    }

    /// Hands a mail to the mail service, if it is still true and its address is safe. Nothing is written.
    async fn deliver(&self, mail: &Outgoing) -> Result<Fate, NotNow> {
        let (practice, client) = (&mail.practice, mail.client_id);
        let practice_key = keys::practice(practice);
        let user_key = keys::portal_user(practice, client, mail.portal_user_id);
        let client_key = keys::client(practice, client);
        let account_key = mail.account.as_ref().map(|a| keys::account(practice, a));
        let wanted = [&practice_key, &user_key, &client_key].into_iter().chain(&account_key);
        let wanted: Vec<Key> = wanted.cloned().collect();
        let mut items = self.app.store().get_many(&wanted).await?;
        let settings: Practice = items
            .remove(&practice_key)
            .map(parse)
            .transpose()?
            .ok_or_else(|| Problem::unavailable("the practice's settings are not there"))?;
        let user: Option<PortalUser> = items.remove(&user_key).map(parse).transpose()?;
        let client: Option<client::Client> = items.remove(&client_key).map(parse).transpose()?;
        let account: Option<Account> =
            account_key.and_then(|k| items.remove(&k)).map(parse).transpose()?;

        let link = match &user {
            Some(user) => self.link(mail, &settings, user, account.as_ref())?,
            None => None,
        };
        let to = user.as_ref().and_then(|user| address(mail, user, account.as_ref())).cloned();
        let (Some(link), Some(user), Some(to), Some(client)) = (link, user, to, client) else {
            return Ok(Fate::Dropped);
        };
        let about = mail.kind.about();
        let wish = Wish { about, practice, client: &client, user: &user, account, to: &to };
        let to = match self.pass(wish).await? {
            Passage::Open(to) => to,
            Passage::Unsafe => return Ok(Fate::Withheld(Box::new(user))),
            Passage::Gone => return Err(Problem::unavailable("the account moved").into()),
        };
        let letter = compose(mail, &settings, &user, &link)?;
        let mut tags = vec![
            ("practice", mail.practice.to_string()),
            ("client", mail.client_id.to_string()),
            ("portalUser", mail.portal_user_id.to_string()),
            ("mail", mail.mail_id.to_string()),
        ];
        tags.extend(mail.bulk_id.map(|bulk| ("bulk", bulk.to_string())));
        let told = self.post(&to, &settings, &letter, &tags).await;
        let (state, detail) = told.map_err(|failure| NotNow { failure, of_service: true })?;
        Ok(Fate::Told(state, detail))
    }

    /// Counts an attempt that has to be made again.
    fn failed(&self, failure: Failure) -> Failure {
        metrics::count(&self.app, "MailsFailed");
        failure
    }

    /// Counts a mail that the mail service took, or refused.
    fn count(&self, sent: bool) {
        metrics::count(&self.app, if sent { "MailsSent" } else { "MailsRefused" });
    }

    /// The mail's link, if the mail is still true: not replaced, revoked, or past its link's life.
    ///
    /// # Errors
    /// 500 when the function was given no secret to make a token with.
    fn link(
        &self,
        mail: &Outgoing,
        practice: &Practice,
        user: &PortalUser,
        account: Option<&Account>,
    ) -> Result<Option<String>, Problem> {
        let (portal, now) = (&practice.portal_address, self.app.now());
        let secret = mail.nonce.map(|nonce| nonce.secret(&self.app)).transpose()?;
        let token = secret.zip(mail.account.clone());
        Ok(match mail.kind {
            MailKind::Invitation => token
                .filter(|(secret, _)| {
                    let newest = user.invitation.as_ref();
                    let grant = account.and_then(|a| a.grants.get(&mail.client_id));
                    grant.is_some_and(|grant| grant.is_invited(&practice.clock(now)))
                        && newest.is_some_and(|i| i.open(now) && secret.matches(&i.hash))
                })
                .map(|(secret, account)| InvitationToken {
                    practice: mail.practice.clone(),
                    account,
                    client: mail.client_id,
                    user: mail.portal_user_id,
                    secret,
                })
                .map(|token| token.link(portal).reveal().to_owned()),
            MailKind::PasswordReset => token
                .filter(|(secret, _)| {
                    let newest = account.and_then(|a| a.reset.as_ref());
                    newest.is_some_and(|r| r.expires_at > now && secret.matches(&r.hash))
                })
                .map(|(secret, account)| ResetToken {
                    practice: mail.practice.clone(),
                    account,
                    secret,
                })
                .map(|token| format!("{portal}/password#{}", token.text())),
            MailKind::EmailConfirmation => token
                .filter(|(secret, _)| {
                    let newest = account.and_then(|a| a.new_email.as_ref());
                    newest.is_some_and(|n| n.expires_at > now && secret.matches(&n.hash))
                })
                .map(|(secret, account)| ConfirmationToken {
                    practice: mail.practice.clone(),
                    account,
                    client: mail.client_id,
                    user: mail.portal_user_id,
                    secret,
                })
                .map(|token| format!("{portal}/confirm-email#{}", token.text())),
            MailKind::AccessGranted => (user.access == Access::Active && !user.is_over())
                .then(|| format!("{portal}/sign-in")),
            // To the address that the person no longer has: not without it.
            MailKind::EmailReplaced => {
                user.notices.contains_key(&mail.mail_id).then(|| format!("{portal}/sign-in"))
            }
            MailKind::PasswordChanged
            | MailKind::EmailChanged
            | MailKind::UsernameChanged
            | MailKind::FactorAdded
            | MailKind::FactorRemoved
            | MailKind::RecoveryCodeMade
            | MailKind::RecoveryCodeUsed
            | MailKind::FactorReset => Some(format!("{portal}/sign-in")),
        })
    }

    /// Hands a mail to the mail service: sent, with the service's id for it, or refused, and why.
    async fn post(
        &self,
        to: &Mailbox,
        practice: &Practice,
        letter: &Rendered,
        tags: &[(&str, String)],
    ) -> Result<(MailState, String), Failure> {
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
        let tag = |(name, value): &(&str, String)| {
            MessageTag::builder()
                .name(*name)
                .value(value)
                .build()
                .map_err(|e| Problem::internal(e.to_string()))
        };
        let tags = tags.iter().map(tag).collect::<Result<_, _>>()?;
        let request = self
            .ses
            .send_email()
            .from_email_address(sender(&practice.sender_name, &self.config.from))
            .destination(Destination::builder().to_addresses(to.as_str()).build())
            .content(EmailContent::builder().simple(message).build())
            .set_email_tags(Some(tags))
            .set_configuration_set_name(self.config.configuration_set.clone());
        let answer = Box::pin(request.customize().config_override(once()).send()).await;
        let error = match answer {
            Ok(taken) => return Ok((MailState::Sent, taken.message_id.unwrap_or_default())),
            Err(error) => error,
        };
        let SdkError::ServiceError(said) = &error else {
            return Err(Failure::Unknown(Problem::unavailable("mail service: no answer")));
        };
        let said = said.err();
        let refused = matches!(
            said,
            SendEmailError::MessageRejected(_) | SendEmailError::BadRequestException(_)
        );
        let text = said.message().unwrap_or_default().to_lowercase();
        let why = NOT_THIS_MAIL.iter().find(|words| text.contains(*words));
        match why {
            // Only this very mail is at fault: trying again would not help.
            None if refused => Ok((MailState::Bounced, "refused by the mail service".into())),
            why => {
                // Of its words only those we know: the others may be an address.
                let (code, why) = (said.code().unwrap_or("unknown"), why.unwrap_or(&"for now"));
                Err(Problem::unavailable(format!("mail service: {code}, {why}")).into())
            }
        }
    }

    /// Does not send a mail, whose address is not safe, and shows that to staff: on the portal user, if it is the
    /// newest there, and in the history. All in one write, so that it is told once.
    async fn withhold(&self, key: &Key, mail: &Outgoing, user: &PortalUser) -> Result<(), Problem> {
        let store = self.app.store();
        let mut change = store.change();
        change.update(&self.over(key).when_absent("doneAt"));
        let place = keys::portal_user(&mail.practice, mail.client_id, mail.portal_user_id);
        let newest = user.mail.as_ref().filter(|newest| newest.mail_id == mail.mail_id);
        if newest.is_some() {
            let state = MailState::Bounced;
            let shown = Update::of(place)
                .when("mail.mailId", "=", &mail.mail_id)
                .set("mail.state", &state)
                .set("mail.at", &self.app.now())
                .set("mail.reason", &UNSAFE_ADDRESS);
            change.update(&Listing::mail(shown, &mail.practice, state));
        } else if mail.kind == MailKind::EmailReplaced {
            // The address before is kept for nothing else.
            let notice = format!("notices.{}", mail.mail_id);
            change.update(&Update::of(place).when_exists(&notice).unset(&notice));
        }
        let caller = Caller { request_id: mail.mail_id.to_string(), source: String::new() };
        let action = Action::MailWithheld;
        let told = Told::new(&self.app, &caller, &Actor::system(), &mail.practice, action);
        let told = told.client(mail.client_id).portal_user(mail.portal_user_id);
        change.event(&told.because(UNSAFE_ADDRESS));
        Ok(store.write(change).await?)
    }

    /// An update of a mail that is over: its nonce is forgotten, nobody can make its link again.
    fn over(&self, key: &Key) -> Update {
        let now = self.app.now();
        Update::of(key.clone())
            .set("doneAt", &now)
            .set("expiresAt", &now.plus(KEPT_DAYS * 24 * 60 * 60).seconds())
            .unset("nonce")
            // Earlier versions kept the address here.
            .unset("to")
            .unset("pending")
            .unset("leasedUntil")
    }

    /// Marks a mail as done with, and shows on the portal user how far it came, if it is the
    /// newest there; one that was dropped is not shown as waiting any more.
    async fn done(
        &self,
        key: &Key,
        mail: &Outgoing,
        outcome: Option<(MailState, String)>,
    ) -> Result<(), Problem> {
        let (now, done) = (self.app.now(), self.over(key));
        let user = keys::portal_user(&mail.practice, mail.client_id, mail.portal_user_id);
        if mail.kind == MailKind::EmailReplaced {
            // First of all: without the address the mail cannot go out again, and is dropped.
            let notice = format!("notices.{}", mail.mail_id);
            let told = Update::of(user.clone()).when_exists(&notice).unset(&notice);
            self.app.store().update::<PortalUser>(told).await?;
        }
        let shown = Update::of(user).when("mail.mailId", "=", &mail.mail_id).when(
            "mail.state",
            "=",
            &MailState::Queued,
        );
        let went_out = matches!(outcome, Some((MailState::Sent, _)));
        let (done, shown) = match outcome {
            None => (done, shown.unset("mail")),
            Some((state, detail)) => {
                let shown = shown.set("mail.state", &state).set("mail.at", &now);
                if state == MailState::Sent {
                    (done.set("messageId", &detail), shown)
                } else {
                    let shown = shown.set("mail.reason", &detail);
                    (done, Listing::mail(shown, &mail.practice, state))
                }
            }
        };
        // Two writes and no transaction. That a mail that went out is done is what must hold: how it
        // shows is put right by the events that follow, and must not make it go out again. Of any
        // other no event will come, so that it is done only when staff see what became of it.
        let store = self.app.store();
        if went_out {
            both(store.update::<Outgoing>(done), store.update::<PortalUser>(shown)).await?;
        } else {
            store.update::<PortalUser>(shown).await?;
            store.update::<Outgoing>(done).await?;
        }
        Ok(())
    }
}

/// SES takes a mail as often as it is asked to, and knows no repetition: a second attempt is made
/// where it is counted, out of the outbox, and not by the SDK because an answer was slow.
fn once() -> aws_sdk_sesv2::config::Builder {
    let patience = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(PATIENCE)
        .operation_timeout(PATIENCE)
        .build();
    aws_sdk_sesv2::Config::builder().retry_config(RetryConfig::disabled()).timeout_config(patience)
}

/// Where a mail goes; nowhere when the person has no address.
fn address<'a>(
    mail: &Outgoing,
    user: &'a PortalUser,
    account: Option<&'a Account>,
) -> Option<&'a Email> {
    let other = match mail.kind {
        MailKind::EmailReplaced => user.notices.get(&mail.mail_id),
        MailKind::EmailConfirmation => {
            account.and_then(|account| account.new_email.as_ref()).map(|waiting| &waiting.email)
        }
        _ => None,
    };
    other.or(user.email.as_ref())
}

fn compose(
    mail: &Outgoing,
    practice: &Practice,
    user: &PortalUser,
    link: &str,
) -> Result<Rendered, Problem> {
    let link = Link::new(link).map_err(|e| Problem::internal(e.to_string()))?;
    let language = user.language.unwrap_or_else(|| Language::from_tag(&practice.language));
    let until = mail.link_until.map(|at| language.moment(&zone::local(at, &practice.time_zone)));
    Ok(render(&Letter {
        kind: mail.kind.into(),
        practice_name: &practice.name,
        person_name: user.name.greeting(),
        username: sign_in_name(user.username.as_str()),
        record_number: None,
        link,
        expires: until.as_deref(),
        language,
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

fn tell(key: &Key, problem: &Problem) {
    tracing::warn!(
        partition = key.pk,
        item = key.sk,
        code = problem.code(),
        cause = problem.cause(),
        "a mail has to be tried again"
    );
}
