//! The mail the local SES endpoint accepted, and the events it still owes about it, in a `SQLite`
//! file of its own. What was accepted is on disk before SES's answer goes out.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;

use crate::{BoxError, Trouble};

/// A mail as a person gets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mail {
    /// SES's message id.
    pub id: String,
    /// The recipients, separated by commas.
    pub to: String,
    /// The subject line.
    pub subject: String,
    /// The plain text; empty when there is none.
    pub text: String,
    /// The HTML; empty when there is none.
    pub html: String,
    /// When SES took it.
    pub at: Timestamp,
}

/// An event that is to be told to the practice's side.
#[derive(Debug, Clone)]
pub struct OwedEvent {
    /// Its place in the queue.
    pub number: i64,
    /// How often telling it failed.
    pub attempts: u32,
    /// SES's own JSON.
    pub event: serde_json::Value,
}

/// The store. Clones share it; calls block for a moment, so asynchronous code goes through
/// [`MailStore::with`].
#[derive(Clone)]
pub struct MailStore(Arc<Mutex<Connection>>);

impl MailStore {
    /// Opens the file, makes it when it is missing.
    pub fn open(file: &Path) -> Result<Self, Trouble> {
        let open = || {
            let connection = Connection::open(file)?;
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.execute_batch(
                "CREATE TABLE IF NOT EXISTS mails (
                     number INTEGER PRIMARY KEY AUTOINCREMENT,
                     id TEXT NOT NULL UNIQUE,
                     at TEXT NOT NULL,
                     recipients TEXT NOT NULL,
                     subject TEXT NOT NULL,
                     text TEXT NOT NULL,
                     html TEXT NOT NULL
                 );
                 CREATE TABLE IF NOT EXISTS events (
                     number INTEGER PRIMARY KEY AUTOINCREMENT,
                     due INTEGER NOT NULL,
                     attempts INTEGER NOT NULL DEFAULT 0,
                     event TEXT NOT NULL
                 );",
            )?;
            Ok(connection)
        };
        open().map(|connection| Self(Arc::new(Mutex::new(connection)))).map_err(
            |error: rusqlite::Error| {
                Trouble::new(format!("cannot open the mail file {}: {error}", file.display()))
            },
        )
    }

    /// Runs `work` on a thread that may block.
    pub async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, BoxError> {
        let store = self.clone();
        Ok(tokio::task::spawn_blocking(move || work(&store)).await??)
    }

    /// Keeps a mail and the events it will cause, each due so long from now: both or neither.
    pub fn accept(
        &self,
        mail: &Mail,
        events: &[(Duration, serde_json::Value)],
    ) -> rusqlite::Result<()> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        transaction.execute(
            "INSERT INTO mails (id, at, recipients, subject, text, html) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![mail.id, mail.at.to_string(), mail.to, mail.subject, mail.text, mail.html],
        )?;
        for (delay, event) in events {
            transaction.execute(
                "INSERT INTO events (due, event) VALUES (?1, ?2)",
                params![now_and(*delay), event.to_string()],
            )?;
        }
        transaction.commit()
    }

    /// The newest mails, newest first.
    pub fn newest(&self, limit: u32) -> rusqlite::Result<Vec<Mail>> {
        self.lock()
            .prepare_cached(
                "SELECT id, recipients, subject, text, html, at FROM mails ORDER BY number DESC LIMIT ?1",
            )?
            .query_map([limit], read_mail)?
            .collect()
    }

    /// One mail.
    pub fn find(&self, id: &str) -> rusqlite::Result<Option<Mail>> {
        self.lock()
            .prepare_cached(
                "SELECT id, recipients, subject, text, html, at FROM mails WHERE id = ?1",
            )?
            .query_row([id], read_mail)
            .optional()
    }

    /// Up to `limit` events whose time has come, oldest first.
    pub fn due_events(&self, limit: u32) -> rusqlite::Result<Vec<OwedEvent>> {
        self.lock()
            .prepare_cached(
                "SELECT number, attempts, event FROM events WHERE due <= ?1 ORDER BY number LIMIT ?2",
            )?
            .query_map(params![now_and(Duration::ZERO), limit], |row| {
                Ok(OwedEvent {
                    number: row.get(0)?,
                    attempts: row.get(1)?,
                    event: serde_json::from_str(&row.get::<_, String>(2)?).unwrap_or_default(),
                })
            })?
            .collect()
    }

    /// How long until the next event is due.
    pub fn next_due(&self) -> rusqlite::Result<Option<Duration>> {
        let due: Option<i64> =
            self.lock().query_row("SELECT MIN(due) FROM events", [], |row| row.get(0))?;
        let wait = |due: i64| u64::try_from(due - now_and(Duration::ZERO)).unwrap_or(0);
        Ok(due.map(|due| Duration::from_millis(wait(due))))
    }

    /// Strikes an event that was told.
    pub fn told(&self, number: i64) -> rusqlite::Result<()> {
        self.lock().execute("DELETE FROM events WHERE number = ?1", [number]).map(drop)
    }

    /// Puts off an event that could not be told.
    pub fn put_off(&self, number: i64, delay: Duration) -> rusqlite::Result<()> {
        self.lock()
            .execute(
                "UPDATE events SET attempts = attempts + 1, due = ?2 WHERE number = ?1",
                params![number, now_and(delay)],
            )
            .map(drop)
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        // `SQLite` rolls back what a panic interrupted.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Milliseconds since 1970, `delay` from now.
fn now_and(delay: Duration) -> i64 {
    Timestamp::now()
        .as_millisecond()
        .saturating_add(i64::try_from(delay.as_millis()).unwrap_or(i64::MAX))
}

fn read_mail(row: &Row<'_>) -> rusqlite::Result<Mail> {
    Ok(Mail {
        id: row.get(0)?,
        to: row.get(1)?,
        subject: row.get(2)?,
        text: row.get(3)?,
        html: row.get(4)?,
        at: row.get::<_, String>(5)?.parse().unwrap_or_default(),
    })
}
