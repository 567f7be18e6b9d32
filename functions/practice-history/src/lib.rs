//! Shows who did what in the whole practice, newest first. For admins and auditors.
//!
//! An index of the history has all events of a practice by time, since their sort key is a ULID: a range of days
//! is a range of keys. A page asks it once. With a filter it looks at more events than it shows, at most at
//! [`LOOKED_AT`]: a page may then have few hits, or none, and still be followed by another.

use axum::extract::State;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{civil, tz::TimeZone};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use shared::{
    App, Problem, Routes,
    fields::{At, Date, Refusal},
    history::{Action, Event, EventStaff, EventView},
    id::{ClientId, EventId, PracticeId},
    keys::{self, Key},
    practice::Practice,
    problem::ProblemBody,
    staff::{Auditor, Disclosed},
    store::Wanted,
    web::StrictJson,
};
use utoipa::ToSchema;

/// Events on one page.
const PAGE: usize = 50;
/// Events that a page with a filter looks at: of a kilobyte each, 63 read units of an index.
const LOOKED_AT: i32 = 500;
/// Characters of a cursor: more than any of ours.
const LONGEST_CURSOR: usize = 200;

/// The routes of this function.
pub fn routes<R: Routes>() -> R {
    R::default().operation(__path_practice_history, practice_history)
}

/// Which events.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct HistoryQuery {
    /// The first day, in the practice's zone.
    from: Date,
    /// The last day, in the practice's zone.
    to: Date,
    /// Only what this actor did: an actor's `id` in the history.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 255, pattern = "^[!-~]+$")]
    staff_id: Option<String>,
    /// Only this action.
    #[serde(default)]
    action: Option<Action>,
    /// The `nextCursor` of the page before.
    #[serde(default)]
    #[schema(max_length = 200, pattern = "^[A-Za-z0-9_-]+$")]
    cursor: Option<String>,
}

/// One event of a practice.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PracticeEvent {
    /// The event.
    #[serde(flatten)]
    event: EventView,
    /// Which client it is about, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    client_id: Option<ClientId>,
    /// Which person of the staff it is about, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    staff: Option<EventStaff>,
}

/// A page of the history of a practice.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PracticeHistory {
    /// The events, newest first.
    events: Vec<PracticeEvent>,
    /// Where the next page begins; null on the last.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// Shows a page of the history of the practice.
#[utoipa::path(
    post, path = "/api/history", operation_id = "practice-history", tag = "staff",
    security(("staffSession" = [])),
    request_body = HistoryQuery,
    responses(
        (status = 200, description = "The events. A page may have few, or none, and be followed by another.", body = PracticeHistory),
        (status = 422, description = "The days are the wrong way round, or the cursor is of another history.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn practice_history(
    State(app): State<App>,
    auditor: Auditor,
    StrictJson(asked): StrictJson<HistoryQuery>,
) -> Result<Disclosed<PracticeHistory>, Problem> {
    asked.check()?;
    let id = auditor.practice().clone();
    let admitted = auditor.admit(&app, async { Ok(()) }).await?;
    let between = asked.between(&admitted.staff().practice);
    let after = asked.cursor.as_deref().map(|text| asked.place(&id, text, &between)).transpose()?;
    let wanted = Wanted { actor: asked.staff_id.as_deref(), action: asked.action };
    let filtered = wanted.actor.is_some() || wanted.action.is_some();
    let looked_at = if filtered { LOOKED_AT } else { i32::try_from(PAGE).unwrap_or(LOOKED_AT) };
    let shown = admitted.show_with(
        &app,
        Action::HistoryShown,
        async |()| {
            app.store().practice_events(&id, &between, wanted, after.as_ref(), looked_at).await
        },
        |(), (mut events, mut next)| {
            if events.len() > PAGE {
                events.truncate(PAGE);
                next = events.last().map(Event::key);
            }
            let next_cursor = next.and_then(|next| asked.cursor_at(&id, &next));
            Ok(PracticeHistory { events: events.into_iter().map(view).collect(), next_cursor })
        },
    );
    shown.await
}

fn view(event: Event) -> PracticeEvent {
    let (client_id, staff) = (event.client_id, event.staff.clone());
    PracticeEvent { event: event.into(), client_id, staff }
}

impl HistoryQuery {
    /// Refuses what cannot be asked.
    fn check(&self) -> Result<(), Problem> {
        let visible =
            |id: &str| (1..=255).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic());
        if self.staff_id.as_deref().is_some_and(|id| !visible(id)) {
            let refusal = Refusal::invalid("invalid", "Give the id of an actor in the history.");
            return Err(Problem::refused("staffId", refusal));
        }
        if self.action == Some(Action::Other) {
            let refusal =
                Refusal::rule("unknown_action", "Give an action that stands in the history.");
            return Err(Problem::refused("action", refusal));
        }
        if self.cursor.as_ref().is_some_and(|cursor| cursor.len() > LONGEST_CURSOR) {
            return Err(Problem::refused(
                "cursor",
                Refusal::invalid("too_long", "This is too long."),
            ));
        }
        if self.from > self.to {
            let refusal = Refusal::rule("before_from", "Give the day of “from” or a later one.");
            return Err(Problem::refused("to", refusal));
        }
        Ok(())
    }

    /// The sort keys between which the events of these days lie. A day begins and ends as the clocks of the
    /// practice's zone say.
    fn between(&self, practice: &Practice) -> (String, String) {
        let zone = TimeZone::get(&practice.time_zone).unwrap_or(TimeZone::UTC);
        let begins = |day: Option<civil::Date>| {
            let at = day?.to_zoned(zone.clone()).ok()?.timestamp();
            Some(At::from_millis(at.as_millisecond()))
        };
        let first = begins(Some(self.from.day())).unwrap_or(At::from_millis(0));
        let next = begins(self.to.day().tomorrow().ok());
        let last = next.map_or(At::from_millis(LAST), |next| At::from_millis(next.millis() - 1));
        keys::events_between(first, last)
    }

    /// Tells what is asked for from everything else: a cursor goes on with the same alone.
    fn digest(&self, practice: &PracticeId) -> String {
        let action = self.action.map(|action| format!("{action:?}")).unwrap_or_default();
        let (from, to) = (self.from.to_string(), self.to.to_string());
        let parts =
            [practice.as_str(), &from, &to, self.staff_id.as_deref().unwrap_or(""), &action];
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        URL_SAFE_NO_PAD.encode(&hash.finalize()[..12])
    }

    /// The cursor that goes on after the event at `key`. It names the partition by what follows the practice.
    fn cursor_at(&self, practice: &PracticeId, key: &Key) -> Option<String> {
        let rest = key.pk.strip_prefix(&keys::partition::practice(practice))?;
        let text = format!("{}\n{}\n{rest}", self.digest(practice), key.sk);
        Some(URL_SAFE_NO_PAD.encode(text))
    }

    /// The event after which a cursor goes on, which must be one of this very history.
    fn place(
        &self,
        practice: &PracticeId,
        text: &str,
        (first, last): &(String, String),
    ) -> Result<Key, Problem> {
        let read = || {
            let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
            let parts: Vec<&str> = text.split('\n').collect();
            let [digest, event, rest] = parts[..] else { return None };
            let pk = format!("{}{rest}", keys::partition::practice(practice));
            let known = ["chart", "day"].contains(&keys::partition_kind(&pk));
            let sk = EventId::parse(event)?.to_string();
            let within = (first.as_str()..=last.as_str()).contains(&sk.as_str());
            (known && within && digest == self.digest(practice)).then_some(Key { pk, sk })
        };
        let refusal = || Refusal::rule("not_a_cursor", "This is no cursor of this history.");
        read().ok_or_else(|| Problem::refused("cursor", refusal()))
    }
}

/// The last moment that a ULID and a date of four digits can tell, in milliseconds since 1970.
const LAST: i64 = 253_402_207_200_000;
