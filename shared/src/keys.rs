//! Every key of both tables, and with them the access patterns.
//!
//! A partition or a kind of item is declared in one entry of [`partitions!`] or [`items!`]. The
//! functions that make keys format the declared patterns, [`kind`] reads them, and
//! `shared/keys.json` is written from them (`make keys`). The AWS stack, its commands, the local
//! home and the Node twins of the benchmark read that file or this module, so no pattern is typed
//! twice.
//!
//! Keys hold nothing personal but what search needs: usernames and addresses appear only as
//! digests.

use std::fmt;

use ulid::Ulid;

use crate::{
    alert::Addressee,
    fields::{At, Date, RecordNumber},
    id::{
        AccountId, AccountKey, AddressKey, AlertId, AskId, BulkId, ClientId, EventId, LapseId,
        LockoutId, LoginKey, MailId, NoticeId, PortalUserId, PracticeId, SessionId, StaffId,
        StepId,
    },
};

/// The primary key of an item.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Partition key.
    pub pk: String,
    /// Sort key.
    pub sk: String,
}

/// A table as both homes create it. Every table has the keys `PK` and `SK`, both strings.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    /// Which images of a changed item the table's stream carries.
    pub stream: &'static str,
    /// The attribute that says when an item may be deleted, in seconds since 1970.
    pub time_to_live: Option<&'static str>,
    /// The secondary indexes.
    pub indexes: &'static [Index],
}

/// A secondary index. Only items that have both its keys are in it.
#[derive(Debug, Clone, Copy)]
pub struct Index {
    /// The index's name.
    pub name: &'static str,
    /// The attribute that is its partition key.
    pub partition_key: &'static str,
    /// The attribute that is its sort key.
    pub sort_key: &'static str,
    /// What of an item it holds: `KEYS_ONLY`, `INCLUDE` or `ALL`.
    pub projection: &'static str,
    /// The attributes that it holds beside the keys, if it is `INCLUDE`.
    pub attributes: &'static [&'static str],
}

/// The table of everything but the history.
pub const MAIN: Table = Table {
    stream: "NEW_AND_OLD_IMAGES",
    time_to_live: Some("expiresAt"),
    indexes: &[WAITING, LISTED, SINCE, TROUBLE, LOCKED, PERSON, PROFESSIONAL, ENDING, GUARDED],
};
/// The append-only history.
pub const HISTORY: Table = Table {
    stream: "NEW_IMAGE",
    time_to_live: None,
    indexes: &[Index {
        name: OF_PRACTICE,
        partition_key: "practice",
        sort_key: "SK",
        projection: "ALL",
        attributes: &[],
    }],
};

/// The index of all events of a practice, by time: their sort key begins with it. A practice's events are one
/// partition of the index, which takes a thousand writes a second: more than the staff and the clients of one
/// practice make, and the events of others are elsewhere.
pub const OF_PRACTICE: &str = "practice";

/// An index that holds keys alone.
const fn keys_only(
    name: &'static str,
    partition_key: &'static str,
    sort_key: &'static str,
) -> Index {
    Index { name, partition_key, sort_key, projection: "KEYS_ONLY", attributes: &[] }
}

/// What waits: see [`OUTBOX`].
pub const WAITING: Index = keys_only(OUTBOX, "pending", "SK");
/// Portal users by their access, and clients by what they lack, in the order of names: see
/// [`crate::lists`].
pub const LISTED: Index = keys_only("listed", "listed", "listOrder");
/// Portal users by their access, and by since or until when they have it.
pub const SINCE: Index = keys_only("since", "listed", "since");
/// Portal users whose mail bounced, and clients whose alerts go to the practice, in the order of names.
pub const TROUBLE: Index = keys_only("trouble", "trouble", "listOrder");
/// Portal users whose sign-in name is locked, by until when.
pub const LOCKED: Index = keys_only("locked", "lockedIn", "lockOrder");
/// Portal users by their ids alone.
pub const PERSON: Index = keys_only("person", "person", "listOrder");
/// Portal users whose access has a last day, or is to be looked at, by that day.
pub const ENDING: Index = keys_only("ending", "endingIn", "endingOrder");
/// Parents and guardians, by when their client was born.
pub const GUARDED: Index = keys_only("guarded", "guardedIn", "guardedOrder");
/// The portal users and clients of a professional, in the order of names, with what says in which lists
/// they stand.
pub const PROFESSIONAL: Index = Index {
    name: "professional",
    partition_key: "ofProfessional",
    sort_key: "listOrder",
    projection: "INCLUDE",
    attributes: &["listed", "since", "trouble", "lockedIn", "lockOrder"],
};

/// The index of what waits for `send-mail` and `deliver`: a mail, an alert or a notice has the attribute
/// `pending` until it is done with, a reset that was asked for until it is gone.
pub const OUTBOX: &str = "outbox";
/// The value of `pending`. All that waits shares one partition of the index, which takes a thousand writes a
/// second: it leaves soon, and the API is throttled far below that.
pub const PENDING: &str = "MAIL";

/// A kind of item, as declared. Patterns name what varies in braces.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// The kind's name: that of the function which makes its key.
    pub name: &'static str,
    /// Its table: `main` or `history`.
    pub table: &'static str,
    /// The name of its partition, one of [`PARTITIONS`].
    pub partition: &'static str,
    /// The pattern of its sort key.
    pub sort_key: &'static str,
    /// The word for it in the log.
    pub word: &'static str,
}

/// Declares partitions: for each a function that makes its key, and a row of `PARTITIONS`.
macro_rules! partitions {
    ($($(#[$doc:meta])* $name:ident($($part:ident: $of:ty),*) = $pattern:literal;)*) => {
        /// The keys of partitions.
        pub mod partition {
            use crate::{
                fields::Date,
                id::{AccountId, AccountKey, AddressKey, BulkId, ClientId, LoginKey, PracticeId, StaffId},
            };
            use ulid::Ulid;

            $($(#[$doc])* #[must_use] pub fn $name($($part: $of),*) -> String { format!($pattern) })*
        }

        /// The name of every partition and the pattern of its key.
        pub const PARTITIONS: &[(&str, &str)] = &[$((stringify!($name), $pattern)),*];
    };
}

/// Declares kinds of items: for each a function that makes its key, and a row of `KINDS`.
macro_rules! items {
    ($($(#[$doc:meta])*
       $name:ident($($part:ident: $of:ty),*)
       in $table:ident $partition:ident($($given:expr),*) = $sort_key:literal, $word:literal;)*) => {
        $($(#[$doc])* #[must_use] pub fn $name($($part: $of),*) -> Key {
            Key { pk: partition::$partition($($given),*), sk: format!($sort_key) }
        })*

        /// Every kind of item.
        pub const KINDS: &[Kind] = &[$(Kind {
            name: stringify!($name),
            table: stringify!($table),
            partition: stringify!($partition),
            sort_key: $sort_key,
            word: $word,
        }),*];
    };
}

partitions! {
    /// The settings of a practice.
    practice(practice: &PracticeId) = "P#{practice}";
    /// A client, its portal users, mails and alerts; in the history, the client's events.
    chart(practice: &PracticeId, client: ClientId) = "P#{practice}#C#{client}";
    /// A record number.
    record(practice: &PracticeId, number: &str) = "P#{practice}#R#{number}";
    /// An account.
    account(practice: &PracticeId, account: &AccountKey) = "P#{practice}#A#{account}";
    /// Where an account is kept whose sign-in name changed after its first passkey was added.
    moved(practice: &PracticeId, account: AccountId) = "P#{practice}#Z#{account}";
    /// What a passkey is asked that signs in alone, known only by a digest.
    door(practice: &PracticeId, digest: &str) = "P#{practice}#Y#{digest}";
    /// The accounts with one e-mail address, which is known only by its HMAC.
    address(practice: &PracticeId, address: &AddressKey) = "P#{practice}#E#{address}";
    /// The resets that were asked for by one name, which is known only by its HMAC.
    asked(practice: &PracticeId, name: &AccountKey) = "P#{practice}#Q#{name}";
    /// A signed assertion of an app that was used, known only by its digest.
    assertion(practice: &PracticeId, digest: &str) = "P#{practice}#J#{digest}";
    /// Word to apps of what ended.
    notices(practice: &PracticeId) = "P#{practice}#K";
    /// One change for many.
    bulk(practice: &PracticeId, bulk: BulkId) = "P#{practice}#G#{bulk}";
    /// The apps and systems of a practice.
    apps(practice: &PracticeId) = "P#{practice}#O";
    /// How many alerts an app or a system posted in an hour, counted since 1970.
    posts(practice: &PracticeId, app: Ulid, hour: i64) = "P#{practice}#H#{app}#{hour}";
    /// The sessions of one person of the staff.
    staff(practice: &PracticeId, staff: StaffId) = "P#{practice}#W#{staff}";
    /// The staff list of a practice.
    team(practice: &PracticeId) = "P#{practice}#T";
    /// The practices whose staff a person is, who is known only by a digest: see [`crate::team`]. It is
    /// the same for all practices.
    login(login: &LoginKey) = "V#{login}";
    /// Failures counted against a sign-in name, known only by its HMAC: those of strangers, and those
    /// of each device that signed in with it.
    lock(practice: &PracticeId, hmac: &str) = "P#{practice}#L#{hmac}";
    /// Failures counted against a network, known only by its HMAC. It is the same for all practices.
    network(hmac: &str) = "N#{hmac}";
    /// The budget of mails of an address, known only by its HMAC.
    budget(practice: &PracticeId, hmac: &str) = "P#{practice}#M#{hmac}";
    /// Search entries whose token begins alike: see [`crate::search`].
    search(practice: &PracticeId, beginning: &str) = "P#{practice}#S#{beginning}";
    /// A date of birth.
    born(practice: &PracticeId, date: Date) = "P#{practice}#B#{date}";
    /// A request that came with an `Idempotency-Key`.
    request(practice: &PracticeId, hash: &str) = "P#{practice}#I#{hash}";
    /// The events of one day that concern no client.
    day(practice: &PracticeId, day: &str) = "P#{practice}#D#{day}";
    /// Never there: reading it shows that the table answers.
    health() = "HEALTH";
}

items! {
    /// The settings of a practice.
    practice(practice: &PracticeId) in main practice(practice) = "PRACTICE", "settings";
    /// A client. One query over [`ACCESS`] reads it with its portal users.
    client(practice: &PracticeId, client: ClientId)
        in main chart(practice, client) = "A#CLIENT", "client";
    /// A portal user of a client.
    portal_user(practice: &PracticeId, client: ClientId, user: PortalUserId)
        in main chart(practice, client) = "A#USER#{user}", "portal user";
    /// A mail in the outbox. The stream carries new ones; the index [`OUTBOX`] has those that wait.
    mail(practice: &PracticeId, client: ClientId, mail: MailId)
        in main chart(practice, client) = "MAIL#{mail}", "mail";
    /// An alert. The stream carries new ones; the index [`OUTBOX`] has those that wait.
    alert(practice: &PracticeId, client: ClientId, alert: AlertId)
        in main chart(practice, client) = "ALERT#{alert}", "alert";
    /// Until when further alerts to somebody about a client send nothing.
    hush(practice: &PracticeId, client: ClientId, to: Addressee)
        in main chart(practice, client) = "HUSH#{to}", "hush after an alert";
    /// The holder of a record number, in the form in which numbers compare:
    /// [`RecordNumber::compared`].
    record(practice: &PracticeId, number: &RecordNumber)
        in main record(practice, &number.compared()) = "RECORD", "record number";
    /// An account, with its grants and sessions.
    account(practice: &PracticeId, account: &AccountKey)
        in main account(practice, account) = "ACCOUNT", "account";
    /// A second step of a sign-in that waits, known only by the digest of what opens it.
    challenge(practice: &PracticeId, account: &AccountKey, digest: &str)
        in main account(practice, account) = "CHALLENGE#{digest}", "second step";
    /// Leads from what a passkey says to where its account is kept now.
    moved(practice: &PracticeId, account: AccountId)
        in main moved(practice, account) = "ACCOUNT", "place of an account";
    /// A sign-in with a passkey alone that waits.
    door(practice: &PracticeId, digest: &str)
        in main door(practice, digest) = "CHALLENGE", "sign-in with a passkey";
    /// Leads from an e-mail address to an account with it.
    address(practice: &PracticeId, address: &AddressKey, account: &AccountKey)
        in main address(practice, address) = "ACCOUNT#{account}", "account of an address";
    /// A reset that was asked for. The stream carries it; the index [`OUTBOX`] has those that are left.
    ask(practice: &PracticeId, name: &AccountKey, ask: AskId)
        in main asked(practice, name) = "ASK#{ask}", "asked-for reset";
    /// One change for many.
    bulk(practice: &PracticeId, bulk: BulkId) in main bulk(practice, bulk) = "BULK", "bulk change";
    /// A page of its rows.
    bulk_rows(practice: &PracticeId, bulk: BulkId, page: usize)
        in main bulk(practice, bulk) = "BULK#{page:03}", "rows of a bulk change";
    /// Work that it has left. The stream carries it; the index [`OUTBOX`] has what is left.
    step(practice: &PracticeId, bulk: BulkId, step: StepId)
        in main bulk(practice, bulk) = "STEP#{step}", "step of a bulk change";
    /// An app or a system.
    app(practice: &PracticeId, app: Ulid) in main apps(practice) = "APP#{app}", "app";
    /// Word to apps of what ended. The stream carries it; the index [`OUTBOX`] has what is left.
    notice(practice: &PracticeId, notice: NoticeId)
        in main notices(practice) = "NOTICE#{notice}", "notice";
    /// A signed assertion of an app that was used.
    assertion(practice: &PracticeId, digest: &str)
        in main assertion(practice, digest) = "USED", "used assertion";
    /// How many alerts an app or a system posted in an hour, counted since 1970.
    posts(practice: &PracticeId, app: Ulid, hour: i64)
        in main posts(practice, app, hour) = "POSTS", "posts of a program";
    /// A session of staff.
    staff_session(practice: &PracticeId, staff: StaffId, session: SessionId)
        in main staff(practice, staff) = "SESSION#{session}", "staff session";
    /// What every change of a staff list writes, so that two changes of one list conflict.
    team(practice: &PracticeId) in main team(practice) = "MEMBERS", "staff list";
    /// A person of a staff list.
    member(practice: &PracticeId, staff: StaffId)
        in main team(practice) = "MEMBER#{staff}", "member of the staff";
    /// Leads from who signs in to a person of a practice's staff list.
    login(login: &LoginKey, practice: &PracticeId)
        in main login(login) = "LOGIN#{practice}", "sign-in of staff";
    /// The failures of strangers counted against a sign-in name.
    lock(practice: &PracticeId, account: &AccountKey)
        in main lock(practice, account.as_str()) = "LOCK", "failures of a sign-in name";
    /// Word that a sign-in name is locked, whether or not there is an account. The stream carries it; the
    /// index [`OUTBOX`] has those that are left.
    lockout(practice: &PracticeId, account: &AccountKey, lockout: LockoutId)
        in main lock(practice, account.as_str()) = "LOCKOUT#{lockout}", "lockout";
    /// Word that a clock may have ended or narrowed what an account opens. The index [`OUTBOX`] has it until it
    /// is due.
    lapse(practice: &PracticeId, account: &AccountKey, lapse: LapseId)
        in main lock(practice, account.as_str()) = "LAPSE#{lapse}", "lapse";
    /// A device that signed in with a sign-in name, known only by the HMAC of its cookie.
    device(practice: &PracticeId, account: &AccountKey, hmac: &str)
        in main lock(practice, account.as_str()) = "DEVICE#{hmac}", "device";
    /// The failures counted against a network.
    source(hmac: &str) in main network(hmac) = "SOURCE", "failures of a network";
    /// When the last mails to an address were queued: see [`crate::mail_budget`].
    budget(practice: &PracticeId, hmac: &str)
        in main budget(practice, hmac) = "BUDGET", "mail budget";
    /// A search entry. `order` sorts the entries of one token, `found` says who is found.
    search_entry(
        practice: &PracticeId, beginning: &str, token: &str, order: &str, found: Found
    ) in main search(practice, beginning) = "{token}#{order}#{found}", "search entry";
    /// The last client who was created with a date of birth: so that of two who create one client
    /// at once, one learns of the other.
    born(practice: &PracticeId, date: Date) in main born(practice, date) = "BORN", "date of birth";
    /// A request that came with an `Idempotency-Key`.
    request(practice: &PracticeId, hash: &str)
        in main request(practice, hash) = "REQUEST", "idempotent request";
    /// Never there: see [`partition::health`].
    health() in main health() = "HEALTH", "health";
    /// An event about a client. Read newest first.
    client_event(practice: &PracticeId, client: ClientId, event: EventId)
        in history chart(practice, client) = "{event}", "event";
    /// An event about no one client, such as a search or a refusal. Read newest first.
    practice_event(practice: &PracticeId, at: At, event: EventId)
        in history day(practice, &at.to_string()[..10]) = "{event}", "event";
}

pub use self::partition::{address as address_partition, chart, search as search_partition};

/// The partition of an index that holds one of a practice's lists.
#[must_use]
pub fn list(practice: &PracticeId, list: &str) -> String {
    format!("P#{practice}#V#{list}")
}

/// The partition of [`PERSON`] that holds a portal user.
#[must_use]
pub fn person(practice: &PracticeId, user: PortalUserId) -> String {
    format!("P#{practice}#U#{user}")
}

/// The partition of [`PROFESSIONAL`] that holds a professional's portal users and clients.
#[must_use]
pub fn list_of_professional(practice: &PracticeId, professional: &str) -> String {
    format!("P#{practice}#F#{professional}")
}

/// Sort keys of a client and its portal users begin with this, and no others.
pub const ACCESS: &str = "A#";
/// Sort keys of a staff list begin with this, and no others.
pub const MEMBER: &str = "MEMBER";
/// Sort keys of what leads to a staff list begin with this.
pub const LOGIN: &str = "LOGIN#";
/// Sort keys of apps begin with this.
pub const APP: &str = "APP#";
/// Sort keys of mails begin with this, and no others: the stream's filter looks for it.
pub const MAIL: &str = "MAIL#";
/// Sort keys of alerts begin with this, and no others: the stream's filter looks for it.
pub const ALERT: &str = "ALERT#";
/// Sort keys of resets that were asked for begin with this, and no others: the stream's filter looks
/// for it.
pub const ASK: &str = "ASK#";
/// Sort keys of words to apps begin with this, and no others: the stream's filter looks for it.
pub const NOTICE: &str = "NOTICE#";
/// Sort keys of words that a sign-in name is locked begin with this, and no others: the stream's filter looks
/// for it.
pub const LOCKOUT: &str = "LOCKOUT#";
/// Sort keys of devices begin with this, and no others beside the counter of a sign-in name.
pub const DEVICE: &str = "DEVICE#";
/// Sort keys of words that a clock may have ended something begin with this, and no others: the stream's filter
/// looks for it.
pub const LAPSE: &str = "LAPSE#";
/// Sort keys of a bulk change and its rows begin with this, and no others.
pub const BULK: &str = "BULK";
/// Sort keys of steps of bulk changes begin with this, and no others: the stream's filter looks for it.
pub const STEP: &str = "STEP#";
/// With one of these begin the sort keys of what the stream hands to `send-mail`.
pub const MAILED: &[&str] = &[MAIL, ASK, ALERT, LOCKOUT, LAPSE, STEP];
/// With one of these begin the sort keys of what the stream hands to `deliver`.
pub const NOTICED: &[&str] = &[NOTICE];

/// The key of an item that the stream tells was inserted, if its sort key is one of these beginnings and
/// an id.
#[must_use]
pub fn inserted(event: &str, keys: &serde_dynamo::Item, beginnings: &[&str]) -> Option<Key> {
    let text = |name: &str| match keys.get(name)? {
        serde_dynamo::AttributeValue::S(text) => Some(text.clone()),
        _ => None,
    };
    let (pk, sk) = (text("PK")?, text("SK")?);
    let of = |begin: &&str| sk.strip_prefix(*begin).is_some_and(|id| EventId::parse(id).is_some());
    (event == "INSERT" && beginnings.iter().any(of)).then_some(Key { pk, sk })
}

/// Where what was made at this moment and later begins in the index of what waits, for one kind of it.
#[must_use]
pub fn waiting_from(kind: &str, at: At) -> String {
    format!("{kind}{}", Ulid::from_parts(at.millis().unsigned_abs(), 0))
}

/// The sort keys of the first and the last event that can have happened between two moments, both included.
#[must_use]
pub fn events_between(first: At, last: At) -> (String, String) {
    let ulid = |at: At, random| {
        Ulid::from_parts(u64::try_from(at.millis()).unwrap_or_default(), random).to_string()
    };
    (ulid(first, 0), ulid(last, u128::MAX))
}

/// The sort key under which an address leads to an account; without one, what comes before them all.
#[must_use]
pub fn address_sort_key(account: Option<&AccountKey>) -> String {
    format!("ACCOUNT#{}", account.map_or("", AccountKey::as_str))
}

/// The account to which an address leads with this sort key.
#[must_use]
pub fn parse_address(sk: &str) -> Option<AccountKey> {
    AccountKey::parse(sk.strip_prefix(&address_sort_key(None))?)
}

/// What kind of item a key is of: a word for the log, with nothing of the key in it.
#[must_use]
pub fn kind(key: &Key) -> &'static str {
    let of = |kind: &&Kind| {
        read(partition_pattern(kind.partition), &key.pk).is_some()
            && read(kind.sort_key, &key.sk).is_some()
    };
    KINDS.iter().find(of).map_or("unknown item", |kind| kind.word)
}

/// What a partition holds: a word for the log, as [`kind`].
#[must_use]
pub fn partition_kind(pk: &str) -> &'static str {
    let of = |(_, pattern): &&(&str, &str)| read(pattern, pk).is_some();
    PARTITIONS.iter().find(of).map_or("unknown partition", |(name, _)| name)
}

fn partition_pattern(name: &str) -> &'static str {
    PARTITIONS.iter().find(|(known, _)| *known == name).map_or("", |(_, pattern)| pattern)
}

/// What stands for the placeholders of a pattern; `None` if the text is not made by it. A value
/// holds no `#`.
fn read<'a>(pattern: &str, text: &'a str) -> Option<Vec<&'a str>> {
    let (mut pattern, mut text) = (pattern.split('#'), text.split('#'));
    let mut values = Vec::new();
    loop {
        match (pattern.next(), text.next()) {
            (None, None) => return Some(values),
            (Some(placeholder), Some(value)) if placeholder.starts_with('{') => {
                values.push(Some(value).filter(|value| !value.is_empty())?);
            }
            (Some(fixed), Some(part)) if fixed == part => {}
            _ => return None,
        }
    }
}

/// The client, or portal user, that a search entry finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// The client.
    pub client: ClientId,
    /// The portal user by whom the client is found, unless it is by what the client has.
    pub user: Option<PortalUserId>,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.user {
            Some(user) => write!(f, "{}.{user}", self.client),
            None => write!(f, "{}", self.client),
        }
    }
}

/// The token of a search entry, what sorts the entries of one token, and who is found.
#[must_use]
pub fn parse_search_entry(sk: &str) -> Option<(&str, &str, Found)> {
    let (rest, found) = sk.rsplit_once('#')?;
    let (token, order) = rest.split_once('#')?;
    let (client, user) = match found.split_once('.') {
        Some((client, user)) => (client, Some(PortalUserId::parse(user)?)),
        None => (found, None),
    };
    Some((token, order, Found { client: ClientId::parse(client)?, user }))
}

/// The portal user whose sort key this is.
#[must_use]
pub fn parse_portal_user(sk: &str) -> Option<PortalUserId> {
    PortalUserId::parse(sk.strip_prefix("A#USER#")?)
}

/// The practice and client whose partition this is.
#[must_use]
pub fn parse_chart(pk: &str) -> Option<(PracticeId, ClientId)> {
    match read(partition_pattern("chart"), pk)?[..] {
        [practice, client] => Some((PracticeId::parse(practice)?, ClientId::parse(client)?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
