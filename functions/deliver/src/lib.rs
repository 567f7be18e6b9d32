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
            let key = keys::inserted(&record.event_name, &change.keys, &[keys::NOTICE])?;
            let problem = self.tell(&key).await.err()?;
            complain(&key, &problem);
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
            let told =
                page.iter().map(async |key| self.tell(key).await.inspect_err(|p| complain(key, p)));
            let told: Vec<_> = stream::iter(told).buffer_unordered(AT_A_TIME).collect().await;
            left.extend(told.into_iter().filter_map(Result::err));
            from = next;
            if from.is_none() {
                return Ok(left);
            }
        }
    }

    /// Tells those of a notice who are due.
    ///
    /// # Errors
    /// When somebody is left to be told.
    pub async fn tell(&self, key: &Key) -> Result<(), Problem> {
        let store = self.app.store();
        let Some(notice) = store.get::<Notice>(key).await?.filter(|n| n.pending.is_some()) else {
            return Ok(());
        };
        let now = self.app.now();
        let due = |target: &&Target| {
            target.state == State::Telling && target.due_at.is_none_or(|at| at <= now)
        };
        let due: Vec<&Target> = notice.targets.iter().filter(due).collect();
        if due.is_empty() {
            return left();
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
    async fn note(&self, key: &Key, told: Vec<Target>) -> Result<(), Problem> {
        let store = self.app.store();
        let mut retries = store.retries();
        let notice = loop {
            let Some(mut notice) = store.get::<Notice>(key).await? else { return Ok(()) };
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
        match notice.pending {
            None => Ok(()),
            Some(_) => left(),
        }
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

fn left() -> Result<(), Problem> {
    Err(Problem::unavailable("an app is still to be told"))
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
        "an app has to be told again"
    );
}

#[cfg(test)]
mod tests {
    use super::pause;

    #[test]
    fn pauses_grow_from_five_seconds_to_an_hour() {
        let pauses: Vec<i64> = [1, 2, 3, 4, 9, 10, 11, 12, 70, u32::MAX].map(pause).to_vec();
        assert_eq!(pauses, [5, 10, 20, 40, 1280, 2560, 3600, 3600, 3600, 3600]);
    }
}
