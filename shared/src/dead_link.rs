//! Links out of mails that do not work: used, over, or forged.

use crate::{
    app::App,
    caller::Caller,
    history::Event,
    id::PracticeId,
    keys,
    lockout::{Door, Sources},
    problem::Problem,
};

/// Counts a link that does not work against where it was sent from, and records it, where the practice
/// is real. Answers what is to be answered: `problem`, or 429 when too many were sent from there, of
/// which nothing more is recorded.
pub async fn refuse(app: &App, caller: &Caller, event: &Event, problem: Problem) -> Problem {
    match count(app, caller, event).await {
        Ok(()) => problem,
        Err(other) => other,
    }
}

async fn count(app: &App, caller: &Caller, event: &Event) -> Result<(), Problem> {
    let practice: &PracticeId = &event.practice;
    let settings = keys::practice(practice);
    let mut sources = Sources::of(app, Door::Link, &caller.source)?;
    let wanted: Vec<_> = [settings.clone()].into_iter().chain(sources.keys()).collect();
    let mut retries = app.store().retries();
    loop {
        let now = app.now();
        let mut items = app.store().get_many(&wanted).await?;
        sources.read(&mut items)?;
        sources.refuse(now)?;
        let mut change = app.store().change();
        sources.count(&mut change, now);
        if items.contains_key(&settings) {
            change.event(event);
        }
        let Err(error) = app.store().write(change).await else { return Ok(()) };
        retries.retry(error).await?;
    }
}
