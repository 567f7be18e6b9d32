//! Two operations at once, in every order in which their requests can reach the table.
//!
//! Orders that differ only in reads beside reads end alike; [`meet_distinct`] tries one of those (sleep sets: P.
//! Godefroid, "Partial-Order Methods for the Verification of Concurrent Systems", 1996, chapter 5).

use crate::{Answer, World, wire::Operations};

/// Two operations, and what became of them.
pub struct Ended {
    /// Whose requests reached the table, one after the other.
    pub order: String,
    /// What each was answered.
    pub answers: [Answer; 2],
    /// Whether the first was answered before the first request of the second was let through.
    pub after: bool,
}

/// Lets two operations meet in every order of their requests. After each, the tables are as they were.
/// Answers how many orders there were.
///
/// # Panics
/// When an operation waits for something else than the table.
pub async fn meet<F: Future<Output = Answer>>(
    world: &World,
    begin: impl Fn(usize) -> F,
    judge: impl AsyncFn(Ended),
) -> usize {
    orders_of(world, false, begin, judge).await
}

/// As [`meet`], of orders that end alike only one.
///
/// # Panics
/// When an operation waits for something else than the table.
pub async fn meet_distinct<F: Future<Output = Answer>>(
    world: &World,
    begin: impl Fn(usize) -> F,
    judge: impl AsyncFn(Ended),
) -> usize {
    orders_of(world, true, begin, judge).await
}

async fn orders_of<F: Future<Output = Answer>>(
    world: &World,
    distinct: bool,
    begin: impl Fn(usize) -> F,
    judge: impl AsyncFn(Ended),
) -> usize {
    let before = world.snapshot().await;
    let mut path: Vec<(usize, usize)> = Vec::new();
    let mut orders = 0;
    loop {
        world.wire.forget();
        world.wire.hold_marked();
        let mut operations = Operations::on(&world.wire);
        operations.add(begin(0));
        operations.add(begin(1));
        let (mut depth, mut order, mut after) = (0, String::new(), None);
        // Whose next request was tried first where nothing since depends on it.
        let (mut asleep, mut known) = ([false; 2], false);
        loop {
            operations.settle().await;
            // The requests of one operation at a time reach the table in the order in which they were made.
            let requests = world.wire.look(|held| {
                (
                    held.mark.expect("a mark"),
                    !held.operation.contains("Write") && !held.operation.contains("Update"),
                )
            });
            let waiting: Vec<usize> = requests.iter().map(|(mark, _)| *mark).collect();
            let mut first: Vec<usize> = [0, 1]
                .into_iter()
                .filter_map(|of| waiting.iter().position(|mark| *mark == of))
                .collect();
            first.sort_unstable();
            if first.is_empty() {
                break;
            }
            if depth == path.len() {
                path.push((0, first.len()));
            }
            let at = first[path[depth].0];
            if distinct {
                if asleep[waiting[at]] {
                    known = true;
                    break;
                }
                first[..path[depth].0].iter().for_each(|earlier| asleep[waiting[*earlier]] = true);
                for (place, (mark, reads)) in requests.iter().enumerate() {
                    let commutes = *mark != waiting[at] && *reads && requests[at].1;
                    if first.contains(&place) && !commutes {
                        asleep[*mark] = false;
                    }
                }
            }
            if waiting[at] == 1 {
                after.get_or_insert(operations.answer(0).is_some());
            }
            order.push_str(&waiting[at].to_string());
            world.wire.take(at).expect("it waits").release();
            depth += 1;
        }
        world.wire.let_go();
        operations.settle().await;
        let answers = [0, 1].map(|of| operations.answer(of).expect("an answer").clone());
        drop(operations);
        if !known {
            judge(Ended { order, answers, after: after == Some(true) }).await;
            orders += 1;
        }
        let now = world.snapshot().await;
        world.put_back(&now, &before).await;
        loop {
            let Some((chosen, of)) = path.pop() else { return orders };
            if chosen + 1 < of {
                path.push((chosen + 1, of));
                break;
            }
        }
    }
}
