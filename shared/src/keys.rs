//! Every key of both tables, and with them the access patterns.
//!
//! | item | PK | SK | read by |
//! | --- | --- | --- | --- |
//! | practice's settings | `P#p` | `PRACTICE` | get |
//! | client | `P#p#C#c` | `A#CLIENT` | with its portal users: one query over `A#` is the client page |
//! | portal user | `P#p#C#c` | `A#USER#u` | |
//! | outbox mail | `P#p#C#c` | `MAIL#ulid` | the stream; get; those that wait, by the index `outbox` |
//! | record number held | `P#p#R#number` | `RECORD` | get |
//! | account, with its grants and sessions | `P#p#A#account` | `ACCOUNT` | get |
//! | staff session | `P#p#W#subject` | `SESSION#sid` | conditional update |
//! | failures of a username, of an address | `P#p#L#hmac` | `LOCK`, `SOURCE` | get |
//! | search entry | `P#p#S#partition` | `token#client` | query by prefix |
//! | idempotent request | `P#p#I#hash` | `REQUEST` | get |
//! | event (history table) | `P#p#C#c`, or `P#p#D#day` for what has no client | `ulid` | query, newest first |
//!
//! Nothing personal stands in a key but what search needs: usernames and addresses appear only as
//! digests there.

use ulid::Ulid;

use crate::{
    fields::{At, RecordNumber},
    id::{AccountId, ClientId, EventId, MailId, PortalUserId, PracticeId, SessionId},
};

/// The primary key of an item.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Partition key.
    pub pk: String,
    /// Sort key.
    pub sk: String,
}

fn key(pk: String, sk: impl Into<String>) -> Key {
    Key { pk, sk: sk.into() }
}

/// Sort keys of a client and its portal users begin with this; nothing else does.
pub const ACCESS: &str = "A#";
/// Sort keys of outbox mails begin with this: what the stream's filter looks for.
pub const MAIL: &str = "MAIL#";

/// The index of the mails that wait: its partition key is the attribute `pending`, which a mail has
/// until it is done with, its sort key is `SK`, and it holds nothing but keys.
pub const OUTBOX: &str = "outbox";
/// The value of `pending`: all mails that wait are in one partition. They are few, and each leaves
/// it soon.
pub const PENDING: &str = "MAIL";

/// The settings of a practice.
#[must_use]
pub fn practice(p: &PracticeId) -> Key {
    key(format!("P#{p}"), "PRACTICE")
}

/// The partition of a client: the client, its portal users, its mails.
#[must_use]
pub fn chart(p: &PracticeId, c: ClientId) -> String {
    format!("P#{p}#C#{c}")
}

/// A client.
#[must_use]
pub fn client(p: &PracticeId, c: ClientId) -> Key {
    key(chart(p, c), "A#CLIENT")
}

/// A portal user of a client.
#[must_use]
pub fn portal_user(p: &PracticeId, c: ClientId, u: PortalUserId) -> Key {
    key(chart(p, c), format!("A#USER#{u}"))
}

/// A mail in the outbox.
#[must_use]
pub fn mail(p: &PracticeId, c: ClientId, m: MailId) -> Key {
    key(chart(p, c), format!("{MAIL}{m}"))
}

/// Where the mails of this moment and later begin in the index of those that wait.
#[must_use]
pub fn mails_from(at: At) -> String {
    format!("{MAIL}{}", Ulid::from_parts(at.millis().unsigned_abs(), 0))
}

/// The holder of a record number; numbers compare without regard to case and punctuation.
#[must_use]
pub fn record(p: &PracticeId, number: &RecordNumber) -> Key {
    key(format!("P#{p}#R#{}", crate::search::fold(number.as_str())), "RECORD")
}

/// An account, with its grants and sessions.
#[must_use]
pub fn account(p: &PracticeId, a: &AccountId) -> Key {
    key(format!("P#{p}#A#{a}"), "ACCOUNT")
}

/// A session of staff.
#[must_use]
pub fn staff_session(p: &PracticeId, subject: &str, sid: SessionId) -> Key {
    key(format!("P#{p}#W#{subject}"), format!("SESSION#{sid}"))
}

/// The failures counted against a username, known only by its HMAC.
#[must_use]
pub fn lock(p: &PracticeId, hmac: &str) -> Key {
    key(format!("P#{p}#L#{hmac}"), "LOCK")
}

/// The failures counted against a source address, known only by its HMAC.
#[must_use]
pub fn source(p: &PracticeId, hmac: &str) -> Key {
    key(format!("P#{p}#L#{hmac}"), "SOURCE")
}

/// A request that came with an `Idempotency-Key`.
#[must_use]
pub fn request(p: &PracticeId, hash: &str) -> Key {
    key(format!("P#{p}#I#{hash}"), "REQUEST")
}

/// The partition of search entries: see [`crate::search`].
#[must_use]
pub fn search_partition(p: &PracticeId, partition: &str) -> String {
    format!("P#{p}#S#{partition}")
}

/// A search entry.
#[must_use]
pub fn search_entry(p: &PracticeId, partition: &str, token: &str, c: ClientId) -> Key {
    key(search_partition(p, partition), format!("{token}#{c}"))
}

/// An event about a client.
#[must_use]
pub fn client_event(p: &PracticeId, c: ClientId, e: EventId) -> Key {
    key(chart(p, c), e.to_string())
}

/// An event about no one client: sign-ins of staff, searches, refusals. One partition a day.
#[must_use]
pub fn practice_event(p: &PracticeId, at: At, e: EventId) -> Key {
    let day = at.to_string();
    key(format!("P#{p}#D#{}", &day[..10]), e.to_string())
}

/// What kind of item a key is of: a word for the log, with nothing of the key in it.
#[must_use]
pub fn kind(key: &Key) -> &'static str {
    match key.sk.split('#').next().unwrap_or_default() {
        _ if key.pk.contains("#S#") => "search entry",
        "PRACTICE" => "settings",
        "A" if key.sk == "A#CLIENT" => "client",
        "A" => "portal user",
        "MAIL" => "mail",
        "RECORD" => "record number",
        "ACCOUNT" => "account",
        "SESSION" => "staff session",
        "LOCK" => "failures of a username",
        "SOURCE" => "failures of an address",
        "REQUEST" => "idempotent request",
        _ => "event",
    }
}

/// The client named by the last part of a search entry's sort key.
#[must_use]
pub fn client_of_entry(sk: &str) -> Option<(&str, ClientId)> {
    let (token, id) = sk.rsplit_once('#')?;
    Some((token, ClientId::parse(id)?))
}

/// The practice and client whose partition this is.
#[must_use]
pub fn parse_chart(pk: &str) -> Option<(PracticeId, ClientId)> {
    let rest = pk.strip_prefix("P#")?;
    let (practice, client) = rest.split_once("#C#")?;
    Some((PracticeId::parse(practice)?, ClientId::parse(client)?))
}
