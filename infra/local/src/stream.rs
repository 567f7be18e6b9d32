//! The main table's stream, handed to a function the way Lambda's event source mapping does it:
//! in order, in batches, filtered, with the records that failed named in the answer.
//!
//! A record is passed only when the function has handled it. Which ones those are is kept in a
//! small file, written after the function answered: a kill at any moment makes the function see
//! some records twice, never one not at all. A record that fails is tried again on its own, ever
//! more slowly, while newer ones go on: one mailbox that is full holds up nobody else.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::event::dynamodb::{Event, EventRecord};
use aws_lambda_events::event::streams::DynamoDbEventResponse;
use dynoxide::AttributeValue;
use dynoxide::actions::get_records::Record;
use futures::future::{BoxFuture, join_all};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::database::{Database, Sequence};
use crate::{BoxError, back_off, state};

/// The function behind the stream. `Err` means that nothing of the batch was handled.
pub type Handler =
    Arc<dyn Fn(Event) -> BoxFuture<'static, Result<DynamoDbEventResponse, BoxError>> + Send + Sync>;

/// How long the pump rests when the stream is at its end.
const POLL: Duration = Duration::from_millis(100);
/// Records in a batch.
const BATCH: usize = 100;
/// Failed records tried again at a time.
const RETRIES: usize = 10;
/// With so many failed records waiting, reading on would only pile up more.
const MOST_WAITING: usize = 1000;
/// How long passed records that did not concern the function may go unsaved: they cost nothing to
/// read again.
const SAVE_LATEST: Duration = Duration::from_secs(5);

/// What the file holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Position {
    /// Every record up to this one was handled, except those waiting.
    after: Sequence,
    /// Records that failed and are to be tried again.
    waiting: Vec<Sequence>,
}

impl Position {
    /// Up to where no record is needed any more.
    fn done(&self) -> Sequence {
        self.waiting.iter().min().map_or(self.after, |first| first - 1)
    }
}

struct Waiting {
    record: EventRecord,
    attempts: u32,
    due: Instant,
}

/// Moves records from the stream to the function.
pub struct Pump {
    database: Database,
    file: PathBuf,
    streamed: &'static [&'static str],
    handler: Handler,
    after: Sequence,
    waiting: BTreeMap<Sequence, Waiting>,
    saved: Position,
    saved_at: Instant,
}

impl Pump {
    /// A pump that goes on where the one before it stopped, according to `file`. The function gets
    /// inserted items whose sort key begins with one of `streamed`.
    pub async fn open(
        database: Database,
        file: PathBuf,
        streamed: &'static [&'static str],
        handler: Handler,
    ) -> Result<Self, BoxError> {
        let saved: Position = match std::fs::read(&file) {
            Ok(content) => serde_json::from_slice(&content)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Position::default(),
            Err(error) => return Err(error.into()),
        };
        database.has_read(&file, saved.done());
        let mut pump = Self {
            database,
            file,
            streamed,
            handler,
            after: saved.after,
            waiting: BTreeMap::new(),
            saved: saved.clone(),
            saved_at: Instant::now(),
        };
        for number in saved.waiting {
            let found = pump.read(number - 1, 1).await?;
            for (at, record) in found.into_iter().filter(|(at, _)| *at == number) {
                if let Some(record) = pump.wanted(&record)? {
                    pump.waiting.insert(at, Waiting { record, attempts: 1, due: Instant::now() });
                }
            }
        }
        Ok(pump)
    }

    /// Pumps until told to stop; what is being handled then is finished and saved first.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            let more = match self.turn().await {
                Ok(more) => more,
                Err(error) => {
                    tracing::error!(%error, "the stream cannot be read");
                    false
                }
            };
            if !more {
                tokio::select! {
                    () = tokio::time::sleep(POLL) => {}
                    _ = stop.changed() => {}
                }
            }
        }
        if let Err(error) = self.save().await {
            tracing::error!(%error, "the stream position cannot be saved");
        }
    }

    /// One look at the stream and at what waits; answers whether there is more to read at once.
    async fn turn(&mut self) -> Result<bool, BoxError> {
        let mut handled = self.try_again().await;
        let mut more = false;
        if self.waiting.len() < MOST_WAITING {
            let records = self.read(self.after, BATCH).await?;
            more = records.len() == BATCH;
            let last = records.last().map(|(number, _)| *number);
            let mut batch = Vec::new();
            for (number, record) in records {
                if let Some(record) = self.wanted(&record)? {
                    batch.push((number, record));
                }
            }
            handled |= !batch.is_empty();
            let far_behind = more && batch.is_empty();
            for (number, record) in self.hand_over(batch).await {
                let due = Instant::now() + back_off(1);
                self.waiting.insert(number, Waiting { record, attempts: 1, due });
            }
            self.after = last.unwrap_or(self.after);
            if far_behind {
                self.after = self.skip().await?;
            }
        }
        if handled || self.saved_at.elapsed() > SAVE_LATEST {
            self.save().await?;
        }
        Ok(more)
    }

    /// Tries again what is due, each record on its own.
    async fn try_again(&mut self) -> bool {
        let now = Instant::now();
        let due: Vec<(Sequence, EventRecord)> = self
            .waiting
            .iter()
            .filter(|(_, waiting)| waiting.due <= now)
            .take(RETRIES)
            .map(|(number, waiting)| (*number, waiting.record.clone()))
            .collect();
        let tries = due.iter().map(|one| self.hand_over(vec![one.clone()]));
        let outcomes: Vec<bool> =
            join_all(tries).await.into_iter().map(|failed| failed.is_empty()).collect();
        for ((number, _), done) in due.iter().zip(&outcomes) {
            if *done {
                self.waiting.remove(number);
            } else if let Some(waiting) = self.waiting.get_mut(number) {
                waiting.attempts += 1;
                waiting.due = Instant::now() + back_off(waiting.attempts);
            }
        }
        outcomes.contains(&true)
    }

    /// Gives a batch to the function and answers what is to be given again. As with Lambda that is
    /// everything from the first record it names, and all when it names none it was given: a
    /// function may stop at the first failure.
    async fn hand_over(&self, batch: Vec<(Sequence, EventRecord)>) -> Vec<(Sequence, EventRecord)> {
        if batch.is_empty() {
            return batch;
        }
        let mut event = Event::default();
        event.records = batch.iter().map(|(_, record)| record.clone()).collect();
        // In a task of its own, so that a panic is a failure like any other.
        let handler = self.handler.clone();
        let answer = match tokio::spawn(async move { handler(event).await }).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => {
                tracing::warn!(%error, records = batch.len(), "a batch of the stream failed");
                return batch;
            }
            Err(panic) => {
                tracing::error!(%panic, "the function behind the stream broke");
                return batch;
            }
        };
        let failures = answer.batch_item_failures;
        if failures.is_empty() {
            return Vec::new();
        }
        tracing::warn!(failed = failures.len(), records = batch.len(), "stream records failed");
        let named: Option<Vec<Sequence>> =
            failures.iter().map(|failure| failure.item_identifier.as_ref()?.parse().ok()).collect();
        let first = named
            .filter(|named| named.iter().all(|name| batch.iter().any(|(number, _)| number == name)))
            .and_then(|named| named.into_iter().min())
            .unwrap_or_default();
        batch.into_iter().filter(|(number, _)| *number >= first).collect()
    }

    async fn read(
        &self,
        after: Sequence,
        limit: usize,
    ) -> Result<Vec<(Sequence, Record)>, BoxError> {
        let database = self.database.clone();
        let records =
            tokio::task::spawn_blocking(move || database.records_after(after, limit)).await??;
        records
            .into_iter()
            .map(|record| Ok((record.dynamodb.sequence_number.parse()?, record)))
            .collect()
    }

    async fn skip(&self) -> Result<Sequence, BoxError> {
        let (database, after, streamed) = (self.database.clone(), self.after, self.streamed);
        Ok(tokio::task::spawn_blocking(move || database.skip_records(after, streamed)).await??)
    }

    fn wanted(&self, record: &Record) -> Result<Option<EventRecord>, BoxError> {
        let insert = record.event_name == "INSERT";
        let ours = matches!(record.dynamodb.keys.get("SK"), Some(AttributeValue::S(sk)) if self.streamed.iter().any(|begin| sk.starts_with(begin)));
        if !(insert && ours) {
            return Ok(None);
        }
        let mut event: Event = serde_json::from_value(json!({"Records": [record]}))?;
        Ok(event.records.pop())
    }

    async fn save(&mut self) -> Result<(), BoxError> {
        self.saved_at = Instant::now();
        let position =
            Position { after: self.after, waiting: self.waiting.keys().copied().collect() };
        if position == self.saved {
            return Ok(());
        }
        let (file, content) = (self.file.clone(), serde_json::to_vec(&position)?);
        let done = position.done();
        let database = self.database.clone();
        tokio::task::spawn_blocking(move || {
            state::replace(&file, &content)?;
            // Only after the position is on disk: a record that is gone cannot be handled again.
            database.has_read(&file, done);
            database.forget_records()?;
            Ok::<_, BoxError>(())
        })
        .await??;
        self.saved = position;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
