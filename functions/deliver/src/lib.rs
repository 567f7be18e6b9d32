//! Tells apps that a session ended, or that a chart closed in it (OpenID Connect Back-Channel Logout 1.0).
//!
//! The table's stream brings each notice at least once; what it did not bring, or what an app did not
//! take, a sweep finds. Each try is signed anew, with an id of its own. An app that does not answer is
//! tried again with growing pauses, for a day; others of the same notice do not wait for it.

mod net;

use std::{collections::BTreeMap, sync::Arc};

use aws_lambda_events::event::{
    dynamodb::Event,
    streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse},
};
use futures::{
    StreamExt,
    future::{BoxFuture, join_all},
    stream,
};
use serde::Serialize;
use shared::{
    App, Problem,
    id::{AccountId, AppId, SessionId},
    keys::{self, Key},
    oauth::{
        address::Address,
        app::RegisteredApp,
        notice::{GIVEN_UP, Notice, State, Target},
    },
    outbox::OVERDUE,
    store::{Update, parse},
};

pub use self::net::over_the_net;

/// Seconds to the second try; each further pause is twice as long.
const PAUSE: i64 = 5;
/// The longest pause, in seconds.
const LONGEST: i64 = 60 * 60;
/// Notices that are worked on side by side: an app that does not answer keeps few others waiting.
const AT_A_TIME: usize = 16;
/// Seconds that a logout token lives.
const SECONDS: i64 = 120;

/// Posts a logout token to an address; answers the HTTP status, or nothing when there was no answer.
pub type Post = Arc<dyn Fn(Address, String) -> BoxFuture<'static, Option<u16>> + Send + Sync>;

/// Tells apps.
#[derive(Clone)]
pub struct Messenger {
    app: App,
    post: Post,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: AccountId,
    aud: &'a AppId,
    iat: i64,
    exp: i64,
    jti: String,
    sid: SessionId,
    events: Events,
}

/// What a logout token tells (Back-Channel Logout 1.0, section 2.4).
#[derive(Serialize)]
struct Events {
    #[serde(rename = "http://schemas.openid.net/event/backchannel-logout")]
    logout: Nothing,
}

/// An object without members.
#[derive(Serialize)]
struct Nothing {}

impl Messenger {
    /// A messenger for a table, and a way to apps.
    #[must_use]
    pub fn new(app: App, post: Post) -> Self {
        Self { app, post }
    }

    /// Handles a batch of the stream; answers which records to deliver again.
    pub async fn handle(&self, event: Event) -> DynamoDbEventResponse {
        let told = event.records.into_iter().map(async |record| {
            let change = record.change;
            let key = keys::inserted(&record.event_name, &change.keys, keys::NOTICED)?;
            self.see_to(&key).await?;
            let mut failure = DynamoDbBatchItemFailure::default();
            failure.item_identifier = change.sequence_number;
            Some(failure)
        });
        let told: Vec<_> = stream::iter(told).buffered(AT_A_TIME).collect().await;
        let mut response = DynamoDbEventResponse::default();
        response.batch_item_failures.extend(told.into_iter().flatten());
        response
    }

    /// Tells what the stream has not brought, and those who did not listen. Answers why some have to be
    /// told again; the next sweep will.
    ///
    /// # Errors
    /// When it cannot be read what waits.
    pub async fn sweep(&self) -> Result<Vec<Problem>, Problem> {
        let until = keys::waiting_from(keys::NOTICE, self.app.now().plus(-OVERDUE));
        let (mut left, mut from) = (Vec::new(), None);
        loop {
            let (page, next) = self.app.store().waiting(keys::NOTICE, &until, from).await?;
            let told = page.iter().map(|key| self.see_to(key));
            let told: Vec<_> = stream::iter(told).buffer_unordered(AT_A_TIME).collect().await;
            left.extend(told.into_iter().flatten());
            from = next;
            if from.is_none() {
                return Ok(left);
            }
        }
    }

    /// Tells those of a notice who are due. Answers why it has to be come back to. Apps that do not listen
    /// are logged where they are tried ([`Messenger::attempt`]), not each time that somebody comes back.
    async fn see_to(&self, key: &Key) -> Option<Problem> {
        match self.tell_due(key).await {
            Ok(Left::Nobody) => None,
            Ok(Left::Somebody) => Some(left()),
            Err(problem) => {
                complain(key, &problem);
                Some(problem)
            }
        }
    }

    /// Tells those of a notice who are due.
    ///
    /// # Errors
    /// When somebody is left to be told.
    pub async fn tell(&self, key: &Key) -> Result<(), Problem> {
        match self.tell_due(key).await? {
            Left::Nobody => Ok(()),
            Left::Somebody => Err(left()),
        }
    }

    async fn tell_due(&self, key: &Key) -> Result<Left, Problem> {
        let store = self.app.store();
        let Some(notice) = store.get::<Notice>(key).await?.filter(|n| n.pending.is_some()) else {
            return Ok(Left::Nobody);
        };
        let now = self.app.now();
        let due = |target: &&Target| {
            target.state == State::Telling && target.due_at.is_none_or(|at| at <= now)
        };
        let due: Vec<&Target> = notice.targets.iter().filter(due).collect();
        if due.is_empty() {
            return Ok(Left::Somebody);
        }
        let wanted: Vec<Key> = due.iter().map(|target| RegisteredApp::key(&target.app)).collect();
        let mut unique = wanted.clone();
        unique.sort_unstable();
        unique.dedup();
        let mut items = store.get_many(&unique).await?;
        let mut apps = BTreeMap::new();
        for key in unique {
            let app: Option<RegisteredApp> = items.remove(&key).map(parse).transpose()?;
            apps.insert(key, app);
        }
        let tries = due.iter().zip(&wanted).map(|(target, key)| {
            self.attempt(&notice, target, apps.get(key).and_then(Option::as_ref))
        });
        let told = join_all(tries).await;
        let told = told.into_iter().collect::<Result<Vec<Target>, Problem>>()?;
        self.note(key, told).await
    }

    /// Tells one app. Answers how it stands then.
    async fn attempt(
        &self,
        notice: &Notice,
        target: &Target,
        app: Option<&RegisteredApp>,
    ) -> Result<Target, Problem> {
        let now = self.app.now();
        let mut target = Target { attempts: target.attempts + 1, due_at: None, ..target.clone() };
        // An app that was deleted, or has no address to be told at.
        let Some(address) = app.and_then(|app| app.registration.logout_uri.clone()) else {
            target.state = State::Failed;
            return Ok(target);
        };
        let token = self.token(notice, &target)?;
        target.state = match (self.post)(address, token).await {
            Some(200..=299) => State::Told,
            _ if notice.queued_at.plus(GIVEN_UP) <= now => State::Failed,
            _ => State::Telling,
        };
        if target.state == State::Telling {
            target.due_at = Some(now.plus(pause(target.attempts)));
        }
        if is_news(&target) {
            tracing::warn!(
                app = %target.app,
                notice = %notice.notice_id,
                attempts = target.attempts,
                given_up = target.state == State::Failed,
                "an app does not take word of an ending"
            );
        }
        Ok(target)
    }

    fn token(&self, notice: &Notice, target: &Target) -> Result<String, Problem> {
        let iat = self.app.now().seconds();
        let claims = Claims {
            iss: &self.app.config().portal_origin,
            sub: notice.account,
            aud: &target.app,
            iat,
            exp: iat + SECONDS,
            jti: self.app.ulid().to_string(),
            sid: target.sid,
            events: Events { logout: Nothing {} },
        };
        self.app.keys().sign_as("logout+jwt", &claims)
    }

    /// Notes what came of it, in the notice and where staff see it.
    async fn note(&self, key: &Key, told: Vec<Target>) -> Result<Left, Problem> {
        let store = self.app.store();
        let mut retries = store.retries();
        let notice = loop {
            let Some(mut notice) = store.get::<Notice>(key).await? else { return Ok(Left::Nobody) };
            for now in &told {
                let same = |target: &&mut Target| target.app == now.app && target.sid == now.sid;
                // Another attempt may have been under way: who was told was told.
                if let Some(target) =
                    notice.targets.iter_mut().find(same).filter(|t| t.state == State::Telling)
                {
                    target.clone_from(now);
                }
            }
            if notice.targets.iter().all(|target| target.state != State::Telling) {
                notice.pending = None;
            }
            // First where staff see it: a notice that waits for nothing more is not come back to.
            self.show(&notice).await?;
            let mut change = store.change();
            change.replace(key, &notice, notice.rev);
            let Err(error) = store.write(change).await else { break notice };
            retries.retry(error).await?;
        };
        Ok(match notice.pending {
            None => Left::Nobody,
            Some(_) => Left::Somebody,
        })
    }

    /// Shows staff how far word has come, unless another ending has taken this one's place.
    async fn show(&self, notice: &Notice) -> Result<(), Problem> {
        let Some((client, user)) = notice.about else { return Ok(()) };
        let key = keys::portal_user(&notice.practice, client, user);
        let update = Update::of(key).when("telling.notice", "=", &notice.notice_id);
        let shown = notice.states().into_iter().enumerate().fold(update, |update, (n, state)| {
            update.set(&format!("telling.apps[{n}].state"), &state)
        });
        self.app.store().update::<serde::de::IgnoredAny>(shown).await.map(drop)
    }
}

/// Whether a notice has somebody left to be told.
enum Left {
    Nobody,
    Somebody,
}

fn left() -> Problem {
    Problem::unavailable("an app is still to be told")
}

/// Whether an attempt is worth a line in the log: the first that failed, then at growing distances, and the
/// last. An app that is down for a day has a dozen lines for a notice.
fn is_news(target: &Target) -> bool {
    match target.state {
        State::Telling => target.attempts.is_power_of_two(),
        State::Failed => true,
        State::Told => false,
    }
}

/// Seconds between a try and the next.
fn pause(attempts: u32) -> i64 {
    let doubled = PAUSE.checked_shl(attempts.saturating_sub(1)).unwrap_or(LONGEST);
    doubled.clamp(PAUSE, LONGEST)
}

fn complain(key: &Key, problem: &Problem) {
    tracing::warn!(
        partition = key.pk,
        item = key.sk,
        code = problem.code(),
        cause = problem.cause(),
        "a notice could not be seen to"
    );
}

#[cfg(test)]
mod tests {
    use shared::{
        id::{AppId, SessionId},
        oauth::notice::{State, Target},
    };

    use super::{is_news, pause};

    #[test]
    fn an_app_that_does_not_listen_is_logged_once_then_ever_more_rarely_and_when_it_is_given_up() {
        let app = AppId::parse("harbor.01ARZ3NDEKTSV4RRFFQ69G5FAV").expect("an id");
        let sid = SessionId::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV").expect("an id");
        let after = |state, attempts| Target { state, attempts, ..Target::new(app.clone(), sid) };
        let logged: Vec<u32> = (1..=33).filter(|n| is_news(&after(State::Telling, *n))).collect();
        assert_eq!(logged, [1, 2, 4, 8, 16, 32]);
        assert!(is_news(&after(State::Failed, 33)) && !is_news(&after(State::Told, 2)));
    }

    #[test]
    fn pauses_grow_from_five_seconds_to_an_hour() {
        let pauses: Vec<i64> = [1, 2, 3, 4, 9, 10, 11, 12, 70, u32::MAX].map(pause).to_vec();
        assert_eq!(pauses, [5, 10, 20, 40, 1280, 2560, 3600, 3600, 3600, 3600]);
    }
}
