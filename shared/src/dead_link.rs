//! Links out of mails that do not work: used, over, or forged.

use crate::{
    app::App, caller::Caller, history::Event, limited, lockout::Door, problem::Problem,
    store::Change,
};

/// Counts a link that does not work against where it was sent from, and records it, where the practice
/// is real. Answers what is to be answered: `problem`, or 429 when too many were sent from there, of
/// which nothing more is recorded.
pub async fn refuse(app: &App, caller: &Caller, event: &Event, problem: Problem) -> Problem {
    let record = |change: &mut Change| {
        change.event(event);
        None
    };
    let counted = limited::count(app, caller, (Door::Link, &event.practice), record).await;
    counted.err().unwrap_or(problem)
}
