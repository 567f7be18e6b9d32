//! `DynamoDB` on this machine: dynoxide over a `SQLite` file, behind a real HTTP endpoint.
//!
//! What this module hides:
//!
//! - The endpoint is our own ([`api`]): the engine's answers every web page, `*` in
//!   `Access-Control-Allow-Origin`, checks no key, and waits for slow clients for ever.
//! - The engine runs on a thread of its own. Each call blocks while it holds the engine's one lock,
//!   so it must not hold up the threads that serve people.
//! - Commits are `SQLite`'s write-ahead log with `synchronous=FULL` (the engine's defaults): after an
//!   answer the data survive a kill and a power cut. Measured: 0.4 ms for one item, 2 ms for a
//!   transaction of 25.
//! - The engine numbers a stream record by taking the highest number so far, without an index, and
//!   never drops a record: at 30,000 records a transaction of 25 took 218 ms. So a second
//!   connection adds the index and, through [`Database::forget_records`], drops what has been
//!   handled. This rests on the layout of dynoxide 3.2.0's `_stream_records`, and
//!   `the_stream_stays_fast` fails should an upgrade change it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use dynoxide::actions::get_records::Record;
use rusqlite::OptionalExtension;
use serde_json::json;
use shared::keys;
use tokio::sync::oneshot;

use crate::guard::{self, AccessKey};
use crate::{Trouble, listener};

mod api;

/// The names of the two tables.
#[derive(Debug, Clone)]
pub struct Tables {
    /// The table of everything but history; it has the stream and the time to live.
    pub main: String,
    /// The append-only history.
    pub history: String,
}

/// The number of a stream record; a later record has a higher one.
pub type Sequence = u128;

/// What dynoxide adds to a stored sequence number to give it the 21 digits of a real one.
const SEQUENCE_OFFSET: Sequence = 100_000_000_000_000_000_000;

/// The open database. Clones share it.
#[derive(Clone)]
pub struct Database {
    engine: dynoxide::Database,
    tables: Tables,
    /// The second connection; `None` in memory, where there is nothing to connect to.
    upkeep: Option<Arc<Mutex<rusqlite::Connection>>>,
    /// How far each reader of the stream has come, by the file in which it keeps that.
    read: Arc<Mutex<BTreeMap<PathBuf, Sequence>>>,
}

impl Database {
    /// Opens the database file, makes the file and the tables when they are missing.
    pub fn open(file: &Path, tables: Tables) -> Result<Self, Trouble> {
        let trouble = |error: &dyn std::fmt::Display| {
            Trouble::new(format!("cannot open the database {}: {error}", file.display()))
        };
        let path = file.to_str().ok_or_else(|| trouble(&"its path is not UTF-8"))?;
        let engine = dynoxide::Database::new(path).map_err(|error| trouble(&error))?;
        let upkeep = rusqlite::Connection::open(file)
            .and_then(|connection| {
                connection.busy_timeout(Duration::from_secs(5))?;
                connection.execute_batch(
                    "CREATE INDEX IF NOT EXISTS latchkey_stream_position
                     ON _stream_records (table_name, CAST(sequence_number AS INTEGER))",
                )?;
                Ok(connection)
            })
            .map_err(|error| trouble(&error))?;
        let database = Self {
            engine,
            tables,
            upkeep: Some(Arc::new(Mutex::new(upkeep))),
            read: Arc::default(),
        };
        database.make_tables().map_err(|error| trouble(&error))?;
        Ok(database)
    }

    /// A database that is gone with the process, for tests. Its stream gets slow after some ten
    /// thousand changes, see the module.
    pub fn in_memory(tables: Tables) -> Result<Self, Trouble> {
        let database = dynoxide::Database::memory().and_then(|engine| {
            let database = Self { engine, tables, upkeep: None, read: Arc::default() };
            database.make_tables()?;
            Ok(database)
        });
        database.map_err(|error| Trouble::new(format!("cannot make a database: {error}")))
    }

    /// The names of its tables.
    #[must_use]
    pub fn tables(&self) -> &Tables {
        &self.tables
    }

    fn make_tables(&self) -> dynoxide::Result<()> {
        // Only the main table's stream has a reader here: the history has no archive on this machine.
        let tables =
            [(&self.tables.main, keys::MAIN, true), (&self.tables.history, keys::HISTORY, false)];
        for (name, declared, streamed) in tables {
            if self.engine.get_table_metadata(name)?.is_none() {
                self.engine.create_table(request(create_table(name, &declared, streamed))?)?;
            }
            self.add_indexes(name, &declared)?;
            let expires =
                self.engine.get_table_metadata(name)?.is_some_and(|table| table.ttl_enabled);
            if let Some(attribute) = declared.time_to_live.filter(|_| !expires) {
                self.engine.update_time_to_live(request(json!({
                    "TableName": name,
                    "TimeToLiveSpecification": {"Enabled": true, "AttributeName": attribute},
                }))?)?;
            }
        }
        Ok(())
    }

    /// Adds the indexes that a table lacks which an earlier version made, with what is in the table.
    fn add_indexes(&self, name: &str, declared: &keys::Table) -> dynoxide::Result<()> {
        let table = self.engine.get_table_metadata(name)?.and_then(|table| table.gsi_definitions);
        let known: Vec<serde_json::Value> = table
            .map(|known| serde_json::from_str(&known))
            .transpose()
            .map_err(|error| dynoxide::DynoxideError::InternalServerError(error.to_string()))?
            .unwrap_or_default();
        let is_there =
            |index: &&keys::Index| known.iter().any(|known| known["IndexName"] == index.name);
        for index in declared.indexes.iter().filter(|index| !is_there(index)) {
            self.engine.update_table(request(json!({
                "TableName": name,
                "AttributeDefinitions": attributes([index.partition_key, index.sort_key]),
                "GlobalSecondaryIndexUpdates": [{"Create": create_index(index)}],
            }))?)?;
        }
        Ok(())
    }

    /// Serves the `DynamoDB` API on a free loopback port until the endpoint is stopped, to those who
    /// have the key.
    pub fn serve(&self, key: &AccessKey) -> Result<Endpoint, Trouble> {
        let trouble =
            |error: std::io::Error| Trouble::new(format!("cannot serve the database: {error}"));
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).map_err(trouble)?;
        listener.set_nonblocking(true).map_err(trouble)?;
        let address = listener.local_addr().map_err(trouble)?;
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(trouble)?;
        let (stop, stopped) = oneshot::channel::<()>();
        let router = api::router(self.engine.clone());
        let router = guard::functions_only(router, address, key.clone());
        let thread = std::thread::Builder::new()
            .name("database".into())
            .spawn(move || {
                let served = runtime.block_on(async {
                    let listener = tokio::net::TcpListener::from_std(listener)?;
                    let stopped = async {
                        // An endpoint that was dropped is one nobody needs any more.
                        let _ = stopped.await;
                    };
                    listener::serve(listener, router, stopped).await;
                    Ok::<_, std::io::Error>(())
                });
                if let Err(error) = served {
                    tracing::error!(%error, "the database endpoint failed");
                }
            })
            .map_err(trouble)?;
        Ok(Endpoint { url: format!("http://{address}"), stop, thread })
    }

    /// Puts many items at once, as one transaction that is all there or not at all, without
    /// conditions and without stream records. For a first load, while nobody is served yet.
    pub fn load(
        &self,
        table: &str,
        items: impl IntoIterator<Item = HashMap<String, AttributeValue>>,
    ) -> Result<usize, Trouble> {
        let items = items
            .into_iter()
            .map(|item| item.into_iter().map(|(name, value)| (name, engine_value(value))).collect())
            .collect();
        self.engine
            .import_items(table, items, dynoxide::ImportOptions::default())
            .map(|done| done.items_imported)
            .map_err(|error| Trouble::new(format!("cannot load the table {table}: {error}")))
    }

    /// Every item of a table, past the endpoint. Reads the whole table: for tests, which look at
    /// all of it again and again.
    pub fn items(&self, table: &str) -> Result<Vec<HashMap<String, AttributeValue>>, Trouble> {
        let trouble = |error: dynoxide::DynoxideError| {
            Trouble::new(format!("cannot read the table {table}: {error}"))
        };
        let mut found = Vec::new();
        let mut start = None;
        loop {
            let scan = json!({"TableName": table, "ExclusiveStartKey": start});
            let page = self.engine.scan(request(scan).map_err(trouble)?).map_err(trouble)?;
            let item = |item: dynoxide::Item| {
                item.into_iter().map(|(name, value)| (name, sdk_value(value))).collect()
            };
            found.extend(page.items.unwrap_or_default().into_iter().map(item));
            if page.last_evaluated_key.is_none() {
                return Ok(found);
            }
            start = page.last_evaluated_key;
        }
    }

    /// Deletes items by partition key and sort key, past the endpoint: for tests.
    pub fn remove(
        &self,
        table: &str,
        keys: impl IntoIterator<Item = (String, String)>,
    ) -> Result<(), Trouble> {
        keys.into_iter().try_for_each(|(pk, sk)| {
            let key = json!({"PK": {"S": pk}, "SK": {"S": sk}});
            request(json!({"TableName": table, "Key": key}))
                .and_then(|request| self.engine.delete_item(request))
                .map(|_| ())
                .map_err(|error| {
                    Trouble::new(format!("cannot delete from the table {table}: {error}"))
                })
        })
    }

    /// Deletes what has expired. It reads the whole table, page by page, and lets requests in
    /// between: call it seldom and on a thread that may block.
    pub fn sweep(&self) -> dynoxide::Result<usize> {
        self.engine.sweep_ttl()
    }

    /// Up to `limit` stream records of the main table after the one numbered `after`, in order.
    pub fn records_after(&self, after: Sequence, limit: usize) -> dynoxide::Result<Vec<Record>> {
        let table = &self.tables.main;
        let position = if after > SEQUENCE_OFFSET {
            json!({"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": after.to_string()})
        } else {
            json!({"ShardIteratorType": "TRIM_HORIZON"})
        };
        let mut iterator = json!({
            "StreamArn": dynoxide::streams::stream_arn(table, "latest"),
            "ShardId": dynoxide::streams::shard_id(table),
        });
        if let (Some(iterator), Some(position)) = (iterator.as_object_mut(), position.as_object()) {
            iterator.extend(position.clone());
        }
        let iterator = self.engine.get_shard_iterator(request(iterator)?)?.shard_iterator;
        let records = json!({"ShardIterator": iterator, "Limit": limit});
        Ok(self.engine.get_records(request(records)?)?.records)
    }

    /// How far one can go on from `after` without passing an inserted item whose sort key begins
    /// with one of `streamed`. It asks `SQLite` directly, so that the many records of a first load, none of
    /// which anybody waits for, hold up neither the engine nor a mail behind them.
    pub fn skip_records(&self, after: Sequence, streamed: &[&str]) -> rusqlite::Result<Sequence> {
        let Some(upkeep) = &self.upkeep else {
            return Ok(after);
        };
        let upkeep = upkeep.lock().unwrap_or_else(PoisonError::into_inner);
        let stored = i64::try_from(after.saturating_sub(SEQUENCE_OFFSET)).unwrap_or(i64::MAX);
        // Read first: what comes in after it is not to be skipped unseen.
        let newest: i64 = upkeep.query_row(
            "SELECT COALESCE(MAX(CAST(sequence_number AS INTEGER)), 0) FROM _stream_records
             WHERE table_name = ?1",
            [&self.tables.main],
            |row| row.get(0),
        )?;
        let first = |begin: &&str| {
            upkeep
                .query_row(
                    "SELECT CAST(sequence_number AS INTEGER) FROM _stream_records
                 WHERE table_name = ?1 AND CAST(sequence_number AS INTEGER) > ?2
                   AND event_name = 'INSERT'
                   AND substr(keys_json ->> '$.SK.S', 1, length(?3)) = ?3
                 ORDER BY CAST(sequence_number AS INTEGER) LIMIT 1",
                    rusqlite::params![self.tables.main, stored, begin],
                    |row| row.get::<_, i64>(0),
                )
                .optional()
        };
        let wanted: Vec<Option<i64>> = streamed.iter().map(first).collect::<Result<_, _>>()?;
        let free = match wanted.into_iter().flatten().min() {
            Some(wanted) => wanted - 1,
            None => newest,
        };
        Ok(after.max(SEQUENCE_OFFSET + Sequence::try_from(free).unwrap_or_default()))
    }

    /// Says how far a reader of the stream has come: it needs no record up to and with `through`. All
    /// readers must have said so before one has records forgotten.
    pub fn has_read(&self, reader: &Path, through: Sequence) {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.insert(reader.to_owned(), through);
    }

    /// Drops the main table's stream records that every reader has read. The newest record always stays,
    /// so that numbers go on rising even if the clock is set back.
    pub fn forget_records(&self) -> rusqlite::Result<usize> {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let through = read.values().min().copied();
        drop(read);
        let Some((upkeep, through)) = self.upkeep.as_ref().zip(through) else {
            return Ok(0);
        };
        let stored = i64::try_from(through.saturating_sub(SEQUENCE_OFFSET)).unwrap_or(i64::MAX);
        let mut forgotten = 0;
        loop {
            // A few at a time: the engine cannot write meanwhile.
            let some = upkeep.lock().unwrap_or_else(PoisonError::into_inner).execute(
                "DELETE FROM _stream_records WHERE id IN (
                     SELECT id FROM _stream_records
                     WHERE table_name = ?1 AND CAST(sequence_number AS INTEGER) <= ?2
                       AND CAST(sequence_number AS INTEGER) <
                           (SELECT MAX(CAST(sequence_number AS INTEGER)) FROM _stream_records
                            WHERE table_name = ?1)
                     LIMIT 500)",
                rusqlite::params![self.tables.main, stored],
            )?;
            forgotten += some;
            if some == 0 {
                return Ok(forgotten);
            }
            std::thread::yield_now();
        }
    }
}

/// A served database.
pub struct Endpoint {
    /// Where it is, for the AWS SDK's `endpoint_url`.
    pub url: String,
    stop: oneshot::Sender<()>,
    thread: std::thread::JoinHandle<()>,
}

impl Endpoint {
    /// Finishes what is running, then stops. Blocks the thread.
    pub fn stop(self) {
        // Both fail only when the endpoint has stopped already.
        let _ = self.stop.send(());
        let _ = self.thread.join();
    }
}

/// What of its items an index holds.
fn projection(index: &keys::Index) -> serde_json::Value {
    if index.attributes.is_empty() {
        return json!({"ProjectionType": index.projection});
    }
    json!({"ProjectionType": index.projection, "NonKeyAttributes": index.attributes})
}

/// The request that makes a table as it is declared.
fn create_table(name: &str, table: &keys::Table, streamed: bool) -> serde_json::Value {
    let indexed = table.indexes.iter().flat_map(|index| [index.partition_key, index.sort_key]);
    let mut request = json!({
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": key_schema("PK", "SK"),
        "AttributeDefinitions": attributes(["PK", "SK"].into_iter().chain(indexed)),
    });
    if !table.indexes.is_empty() {
        request["GlobalSecondaryIndexes"] = table.indexes.iter().map(create_index).collect();
    }
    if streamed {
        request["StreamSpecification"] =
            json!({"StreamEnabled": true, "StreamViewType": table.stream});
    }
    request
}

/// An index as a request declares it.
fn create_index(index: &keys::Index) -> serde_json::Value {
    json!({
        "IndexName": index.name,
        "KeySchema": key_schema(index.partition_key, index.sort_key),
        "Projection": projection(index),
    })
}

fn key_schema(partition: &str, sort: &str) -> serde_json::Value {
    json!([
        {"AttributeName": partition, "KeyType": "HASH"},
        {"AttributeName": sort, "KeyType": "RANGE"},
    ])
}

/// The attributes of keys, each once: all are texts.
fn attributes<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<serde_json::Value> {
    let names: BTreeSet<&str> = names.into_iter().collect();
    let attribute = |name| json!({"AttributeName": name, "AttributeType": "S"});
    names.into_iter().map(attribute).collect()
}

/// dynoxide's requests are made like those on the wire.
fn request<T: serde::de::DeserializeOwned>(json: serde_json::Value) -> dynoxide::Result<T> {
    serde_json::from_value(json)
        .map_err(|error| dynoxide::DynoxideError::SerializationException(error.to_string()))
}

fn engine_value(value: AttributeValue) -> dynoxide::AttributeValue {
    use dynoxide::AttributeValue as Engine;
    match value {
        AttributeValue::S(text) => Engine::S(text),
        AttributeValue::N(number) => Engine::N(number),
        AttributeValue::B(blob) => Engine::B(blob.into_inner()),
        AttributeValue::Bool(flag) => Engine::BOOL(flag),
        AttributeValue::Ss(texts) => Engine::SS(texts),
        AttributeValue::Ns(numbers) => Engine::NS(numbers),
        AttributeValue::Bs(blobs) => Engine::BS(blobs.into_iter().map(Blob::into_inner).collect()),
        AttributeValue::L(list) => Engine::L(list.into_iter().map(engine_value).collect()),
        AttributeValue::M(map) => {
            Engine::M(map.into_iter().map(|(name, value)| (name, engine_value(value))).collect())
        }
        // `Null`, and kinds of values AWS may invent, which the SDK cannot name either.
        _ => Engine::NULL(true),
    }
}

fn sdk_value(value: dynoxide::AttributeValue) -> AttributeValue {
    use dynoxide::AttributeValue as Engine;
    match value {
        Engine::S(text) => AttributeValue::S(text),
        Engine::N(number) => AttributeValue::N(number),
        Engine::B(bytes) => AttributeValue::B(Blob::new(bytes)),
        Engine::BOOL(flag) => AttributeValue::Bool(flag),
        Engine::NULL(null) => AttributeValue::Null(null),
        Engine::SS(texts) => AttributeValue::Ss(texts),
        Engine::NS(numbers) => AttributeValue::Ns(numbers),
        Engine::BS(blobs) => AttributeValue::Bs(blobs.into_iter().map(Blob::new).collect()),
        Engine::L(list) => AttributeValue::L(list.into_iter().map(sdk_value).collect()),
        Engine::M(map) => {
            let entry = |(name, value)| (name, sdk_value(value));
            AttributeValue::M(map.into_iter().map(entry).collect())
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::state::TestFolder;

    pub(crate) fn tables() -> Tables {
        Tables { main: "latchkey".into(), history: "latchkey-history".into() }
    }

    /// Puts an item as a function would, so that it shows up in the stream.
    pub(crate) fn put(database: &Database, pk: &str, sk: &str) {
        put_expiring(database, pk, sk, u64::from(u32::MAX));
    }

    fn put_expiring(database: &Database, pk: &str, sk: &str, expires_at: u64) {
        let item = json!({
            "TableName": "latchkey",
            "Item": {"PK": {"S": pk}, "SK": {"S": sk}, "expiresAt": {"N": expires_at.to_string()}},
        });
        database.engine.put_item(request(item).unwrap()).unwrap();
    }

    #[test]
    fn opens_again_with_what_it_held_and_expires_what_is_old() {
        let folder = TestFolder::new();
        let file = folder.0.join("latchkey.db");
        let database = Database::open(&file, tables()).unwrap();
        put(&database, "P", "A");
        put_expiring(&database, "P", "OLD", 1);
        drop(database);
        let database = Database::open(&file, tables()).unwrap();
        assert_eq!(database.sweep().unwrap(), 1);
        let names: Vec<String> = database
            .records_after(0, 10)
            .unwrap()
            .into_iter()
            .map(|record| record.event_name)
            .collect();
        assert_eq!(names, ["INSERT", "INSERT", "REMOVE"]);
    }

    #[test]
    fn a_table_of_an_earlier_version_gets_the_indexes_that_it_lacks_with_what_it_holds() {
        let folder = TestFolder::new();
        let file = folder.0.join("latchkey.db");
        let engine = dynoxide::Database::new(file.to_str().unwrap()).unwrap();
        let earlier = keys::Table { indexes: &[], ..keys::HISTORY };
        let table = create_table("latchkey-history", &earlier, false);
        engine.create_table(request(table).unwrap()).unwrap();
        let event = json!({
            "TableName": "latchkey-history",
            "Item": {"PK": {"S": "P#p#C#c"}, "SK": {"S": "01"}, "practice": {"S": "p"}},
        });
        engine.put_item(request(event).unwrap()).unwrap();
        drop(engine);
        for _ in 0..2 {
            let database = Database::open(&file, tables()).unwrap();
            let query = json!({
                "TableName": "latchkey-history",
                "IndexName": keys::OF_PRACTICE,
                "KeyConditionExpression": "practice = :p",
                "ExpressionAttributeValues": {":p": {"S": "p"}},
            });
            let found = database.engine.query(request(query).unwrap()).unwrap();
            assert_eq!(found.count, 1);
        }
    }

    #[test]
    fn a_file_that_is_no_database_is_one_clear_line() {
        let folder = TestFolder::new();
        let file = folder.0.join("latchkey.db");
        std::fs::write(&file, "this is a text file, and long enough to be looked at").unwrap();
        let Err(trouble) = Database::open(&file, tables()) else {
            panic!("opened a text file");
        };
        assert!(trouble.to_string().starts_with("cannot open the database"), "{trouble}");
    }

    #[test]
    fn the_stream_stays_fast() {
        let folder = TestFolder::new();
        let database = Database::open(&folder.0.join("latchkey.db"), tables()).unwrap();
        let upkeep = database.upkeep.as_ref().unwrap().lock().unwrap();
        let plan: String = upkeep
            .query_row(
                "EXPLAIN QUERY PLAN SELECT COALESCE(MAX(CAST(sequence_number AS INTEGER)), 0) + 1
                 FROM _stream_records WHERE table_name = ?1",
                ["latchkey"],
                |row| row.get(3),
            )
            .unwrap();
        assert!(plan.contains("latchkey_stream_position"), "{plan}");
    }

    #[test]
    fn forgetting_keeps_the_newest_record_and_what_comes_after() {
        let folder = TestFolder::new();
        let database = Database::open(&folder.0.join("latchkey.db"), tables()).unwrap();
        for n in 0..5 {
            put(&database, "P", &format!("{n}"));
        }
        let number = |record: &Record| record.dynamodb.sequence_number.parse::<Sequence>().unwrap();
        let all = database.records_after(0, 10).unwrap();
        assert_eq!(
            {
                database.has_read(Path::new("one"), number(&all[2]));
                database.forget_records().unwrap()
            },
            3
        );
        let left = database.records_after(0, 10).unwrap();
        assert_eq!(left.iter().map(number).collect::<Vec<_>>(), [number(&all[3]), number(&all[4])]);
        assert_eq!(database.skip_records(0, &["9", "4"]).unwrap(), number(&all[4]) - 1);
        assert_eq!(database.skip_records(number(&all[3]), &["9"]).unwrap(), number(&all[4]));
        database.has_read(Path::new("one"), Sequence::MAX);
        assert_eq!(database.forget_records().unwrap(), 1);
        put(&database, "P", "6");
        assert_eq!(database.records_after(number(&all[4]), 10).unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_load_is_there_for_the_sdk() {
        use aws_sdk_dynamodb::config::{BehaviorVersion, Region};

        let database = Database::in_memory(tables()).unwrap();
        let item = HashMap::from([
            ("PK".to_owned(), AttributeValue::S("P".into())),
            ("SK".to_owned(), AttributeValue::S("A".into())),
            (
                "list".to_owned(),
                AttributeValue::L(vec![AttributeValue::Bool(true), AttributeValue::Null(true)]),
            ),
            ("set".to_owned(), AttributeValue::Ss(vec!["x".into()])),
        ]);
        assert_eq!(database.load("latchkey", [item.clone()]).unwrap(), 1);
        assert!(database.records_after(0, 10).unwrap().is_empty());
        assert_eq!(database.items("latchkey").unwrap(), std::slice::from_ref(&item));

        let key = AccessKey::new();
        let endpoint = database.serve(&key).unwrap();
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("us-east-1"))
            .credentials_provider(key.credentials())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .endpoint_url(&endpoint.url)
            .build();
        let found = aws_sdk_dynamodb::Client::from_conf(config)
            .get_item()
            .table_name("latchkey")
            .key("PK", AttributeValue::S("P".into()))
            .key("SK", AttributeValue::S("A".into()))
            .send()
            .await
            .unwrap();
        assert_eq!(found.item, Some(item));
        endpoint.stop();
        database.remove("latchkey", [("P".into(), "A".into())]).unwrap();
        assert!(database.items("latchkey").unwrap().is_empty());
    }
}
