//! How many alerts one program may post in an hour, so that none fills the throttle of the API that all
//! programs and pages share. Counted by the hours of the clock, in an item of its own: one update beside the
//! first reads. What is posted is counted, whatever is answered.

use serde::Deserialize;
use shared::{App, Problem, fields::At, id::AppId, keys, store::Update};

/// The most posts of one program in an hour of the clock.
pub const POSTS_AN_HOUR: u32 = 600;
const HOUR: i64 = 60 * 60;

#[derive(Deserialize)]
struct Posts {
    posts: u32,
}

/// Counts a post. Answers the refusal of one that is too many. The first of an hour is recorded, and no
/// further one: a program that does not stop would fill the history instead.
///
/// # Errors
/// 503 when the table does not answer.
pub async fn count(app: &App, program: &AppId) -> Result<Option<Problem>, Problem> {
    let now = app.now();
    let (hour, ends) = hour_of(now);
    let key = keys::posts(program.practice(), program.ulid(), hour);
    let update = Update::upsert(key).add("posts", 1).set("expiresAt", &(ends + HOUR));
    let counted = app.store().update::<Posts>(update).await?.map_or(1, |counted| counted.posts);
    if counted <= POSTS_AN_HOUR {
        return Ok(None);
    }
    let wait = u32::try_from(ends - now.seconds()).unwrap_or(1);
    let refusal = Problem::too_many_alerts(wait);
    Ok(Some(if counted == POSTS_AN_HOUR + 1 { refusal } else { refusal.recorded_before() }))
}

/// The hour of the clock, and when it ends, in seconds since 1970.
fn hour_of(now: At) -> (i64, i64) {
    let hour = now.seconds().div_euclid(HOUR);
    (hour, (hour + 1) * HOUR)
}
