//! What strangers may do only so often from one network, whatever comes of it: ask for a reset, send a
//! link that does not work.

use crate::{
    app::App,
    caller::Caller,
    history::{Action, Actor, Event},
    id::PracticeId,
    keys,
    lockout::{self, Door, Network, Sources},
    problem::Problem,
    store::{Change, Handle},
};

/// Counts a request against the networks that it comes from, with what `write` adds for it. Of a practice
/// that does not exist nothing is written but the count: strangers make up names. That a network reached
/// its limit stands in the practice's history, once in a window.
///
/// `write` answers the item, if there is one, that is there only because of this very request.
///
/// # Errors
/// 429 when too many came from there, of which nothing more is recorded; 503 when the table does not
/// answer.
pub async fn count(
    app: &App,
    caller: &Caller,
    (door, practice): (Door, &PracticeId),
    write: impl Fn(&mut Change) -> Option<Handle>,
) -> Result<(), Problem> {
    let settings = keys::practice(practice);
    let mut sources = Sources::of(app, door, &caller.source)?;
    let wanted: Vec<_> = [settings.clone()].into_iter().chain(sources.keys()).collect();
    let locked = |network: Network| {
        Event::new(app, caller, &Actor::nobody(), practice, Action::Locked).because(network.slug())
    };
    let mut retries = app.store().retries();
    loop {
        let now = app.now();
        let mut items = app.store().get_many(&wanted).await?;
        sources.read(&mut items)?;
        let answer = lockout::refuse(sources.locked_until(now), now);
        let mut change = app.store().change();
        let mut own = None;
        match (items.contains_key(&settings), answer.is_ok()) {
            (true, true) => {
                sources.count(&mut change, now, locked);
                own = write(&mut change);
            }
            (true, false) => sources.record(&mut change, now, locked),
            (false, true) => sources.count_unrecorded(&mut change, now),
            (false, false) => {}
        }
        if change.is_empty() {
            return answer;
        }
        let Err(error) = app.store().write(change).await else { return answer };
        let failed = retries.retry(error).await?;
        if own.is_some_and(|own| failed.includes(own)) {
            // It is there: it was written, and the table's answer was lost.
            return Ok(());
        }
    }
}
