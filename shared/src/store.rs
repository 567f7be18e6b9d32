//! The tables, as the use cases see them: strongly consistent reads, and one [`Change`] that holds
//! together or does not happen at all.
//!
//! Concurrency is optimistic. Every item carries `rev`, which every write of it raises and every
//! replacement demands to be what was read. Whoever finds that somebody was faster ([`WriteError::Conflict`])
//! reads afresh and decides afresh, so a rule is always judged on the state that it changes. A
//! failed condition therefore never has a meaning of its own: the next read says what happened.

mod change;

use std::{collections::HashMap, future::Future, time::Duration};

use aws_sdk_dynamodb::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    operation::{
        query::builders::QueryFluentBuilder, transact_write_items::TransactWriteItemsError,
    },
    types::{AttributeValue, KeysAndAttributes, Select},
};
use aws_smithy_async::rt::sleep::AsyncSleep;
use futures::future::try_join_all;
use serde::{Serialize, de::DeserializeOwned};
use serde_dynamo::Deserializer;

use self::change::NEW;
use crate::{
    history::{Action, Event},
    id::PracticeId,
    keys::{self, Key},
    lists,
    problem::Problem,
    search::{Range, Read, Window},
};

pub use self::change::{Change, Failed, Handle, MOST_ITEMS, Update};

/// An item as the SDK has it.
pub type Item = HashMap<String, AttributeValue>;

/// Both tables. A request under way is tens of kilobytes of the SDK's own state: each is kept on the
/// heap, so that no handler's future has to hold it.
#[derive(Debug, Clone)]
pub struct Store {
    client: Client,
    table: String,
    history: String,
}

/// Why a write did not happen.
#[derive(Debug)]
pub enum WriteError {
    /// Somebody else wrote meanwhile, or is writing: read and decide again. Holds the positions,
    /// in the order of the change, of the items whose condition failed.
    Conflict(Failed),
    /// It cannot be helped here.
    Problem(Problem),
}

impl From<WriteError> for Problem {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Problem(problem) => problem,
            WriteError::Conflict(_) => Self::unavailable("the item stayed contended"),
        }
    }
}

impl From<Problem> for WriteError {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// How often a decision may be taken again: more than any honest crowd of writers needs.
const MAX_ATTEMPTS: u32 = 12;

/// The most entries of a professional that one request reads: of 350 bytes each, they cost 43 read units.
const MOST_OF_PROFESSIONAL: i32 = 1000;

/// What was read of one partition of a list.
#[derive(Debug)]
pub struct Listed {
    /// The entries, in the list's order.
    pub entries: Vec<Entry>,
    /// The sort key behind which there may be more.
    pub stopped: Option<String>,
}

impl Listed {
    async fn read(query: QueryFluentBuilder, sort_key: &str) -> Result<Self, Problem> {
        let answer = Box::pin(query.send()).await;
        let answer = answer.map_err(|e| failure(&e, "Query", &["list"]))?;
        let sort = |item: &Item| {
            let sort = item.get(sort_key).and_then(|value| value.as_s().ok()).cloned();
            sort.ok_or_else(|| Problem::internal("an entry of a list without its sort key"))
        };
        let items = answer.items.unwrap_or_default();
        let entries =
            items.iter().map(|item| Ok(Entry { key: item_key(item)?, sort: sort(item)? }));
        Ok(Self {
            entries: entries.collect::<Result<_, Problem>>()?,
            stopped: answer.last_evaluated_key.as_ref().map(sort).transpose()?,
        })
    }
}

/// An entry of a list.
#[derive(Debug)]
pub struct Entry {
    /// The item's key.
    pub key: Key,
    /// Its sort key in the list's index.
    pub sort: String,
}

/// Counts the attempts of one decision and waits between them.
#[derive(Debug)]
pub struct Retries<'a> {
    store: &'a Store,
    made: u32,
}

impl Retries<'_> {
    /// Lets the caller go round again, after a pause that grows; a problem, or one try too many,
    /// ends it.
    ///
    /// # Errors
    /// The problem to answer with.
    pub async fn retry(&mut self, error: WriteError) -> Result<Failed, Problem> {
        let failed = match error {
            WriteError::Problem(problem) => return Err(problem),
            WriteError::Conflict(failed) => failed,
        };
        self.made += 1;
        if self.made >= MAX_ATTEMPTS {
            return Err(Problem::unavailable("the item stayed contended"));
        }
        self.store.pause(Duration::from_millis(u64::from(self.made * self.made))).await;
        Ok(failed)
    }
}

/// Which events of a practice are wanted: all of them, or by who acted and what was done.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted<'a> {
    /// The id of the actor.
    pub actor: Option<&'a str>,
    /// What was done.
    pub action: Option<Action>,
}

impl Store {
    /// Takes the client and the names of the tables.
    #[must_use]
    pub fn new(client: Client, table: &str, history: &str) -> Self {
        Self { client, table: table.to_owned(), history: history.to_owned() }
    }

    /// Waits, as the table's client waits between its attempts.
    pub async fn pause(&self, time: Duration) {
        if let Some(sleep) = self.client.config().sleep_impl() {
            sleep.sleep(time).await;
        }
    }

    /// Begins to count the attempts of one decision.
    #[must_use]
    pub fn retries(&self) -> Retries<'_> {
        Retries { store: self, made: 0 }
    }

    /// Reads one item, strongly consistent.
    ///
    /// # Errors
    /// 503 when the table does not answer, 500 when the item is not what it should be.
    pub async fn get<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<T>, Problem> {
        let answer = Box::pin(
            self.client
                .get_item()
                .table_name(&self.table)
                .set_key(Some(key_item(key)))
                .consistent_read(true)
                .send(),
        )
        .await
        .map_err(|e| failure(&e, "GetItem", &[keys::kind(key)]))?;
        answer.item.map(parse).transpose()
    }

    /// Reads up to 100 items of the main table in one request, strongly consistent. What is not
    /// there is not in the answer. Without keys the table is not asked.
    ///
    /// # Errors
    /// 503 when the table does not answer.
    pub async fn get_many(&self, keys: &[Key]) -> Result<HashMap<Key, Item>, Problem> {
        self.batch(keys, true, &[]).await
    }

    /// As [`Store::get_many`], of every item its key and only these attributes.
    ///
    /// # Errors
    /// 503 when the table does not answer.
    pub async fn get_parts(
        &self,
        keys: &[Key],
        attributes: &[&str],
    ) -> Result<HashMap<Key, Item>, Problem> {
        self.batch(keys, true, attributes).await
    }

    /// As [`Store::get_many`], eventually consistent, at half the price.
    ///
    /// # Errors
    /// 503 when the table does not answer.
    pub async fn get_some(&self, keys: &[Key]) -> Result<HashMap<Key, Item>, Problem> {
        self.batch(keys, false, &[]).await
    }

    /// `attributes` are all of an item's when there are none.
    async fn batch(
        &self,
        keys: &[Key],
        consistent: bool,
        attributes: &[&str],
    ) -> Result<HashMap<Key, Item>, Problem> {
        let mut found = HashMap::new();
        let names: HashMap<String, String> = ["PK", "SK"]
            .iter()
            .chain(attributes)
            .enumerate()
            .map(|(n, name)| (format!("#p{n}"), (*name).to_owned()))
            .collect();
        let names = (!attributes.is_empty()).then_some(names);
        let projection = names.as_ref().map(|n| n.keys().cloned().collect::<Vec<_>>().join(", "));
        let kinds: Vec<_> = keys.iter().map(keys::kind).collect();
        let mut wanted: Vec<Item> = keys.iter().map(key_item).collect();
        let mut retries = self.retries();
        while !wanted.is_empty() {
            let request = KeysAndAttributes::builder()
                .set_keys(Some(wanted))
                .consistent_read(consistent)
                .set_projection_expression(projection.clone())
                .set_expression_attribute_names(names.clone())
                .build()
                .map_err(|e| Problem::internal(e.to_string()))?;
            let answer =
                Box::pin(self.client.batch_get_item().request_items(&self.table, request).send())
                    .await
                    .map_err(|e| failure(&e, "BatchGetItem", &kinds))?;
            for item in answer.responses.and_then(|mut r| r.remove(&self.table)).unwrap_or_default()
            {
                found.insert(item_key(&item)?, item);
            }
            wanted = answer
                .unprocessed_keys
                .and_then(|mut u| u.remove(&self.table))
                .map(|k| k.keys)
                .unwrap_or_default();
            if !wanted.is_empty() {
                retries.retry(WriteError::Conflict(Failed::default())).await?;
            }
        }
        Ok(found)
    }

    /// Reads all items of a partition whose sort key begins with `prefix`, strongly consistent.
    /// Meant for partitions that are small by nature.
    ///
    /// # Errors
    /// 503 when the table does not answer.
    pub async fn partition(&self, pk: &str, prefix: &str) -> Result<Vec<Item>, Problem> {
        let mut items = Vec::new();
        let mut start = None;
        loop {
            let answer = Box::pin(
                self.client
                    .query()
                    .table_name(&self.table)
                    .key_condition_expression("PK = :pk AND begins_with(SK, :prefix)")
                    .expression_attribute_values(":pk", AttributeValue::S(pk.to_owned()))
                    .expression_attribute_values(":prefix", AttributeValue::S(prefix.to_owned()))
                    .consistent_read(true)
                    .set_exclusive_start_key(start)
                    .send(),
            )
            .await
            .map_err(|e| failure(&e, "Query", &[keys::partition_kind(pk)]))?;
            items.extend(answer.items.unwrap_or_default());
            start = answer.last_evaluated_key;
            if start.is_none() {
                return Ok(items);
            }
        }
    }

    /// Reads the newest items of a partition whose sort key begins with `prefix` and goes on by time:
    /// at most so many, newest first, strongly consistent.
    ///
    /// # Errors
    /// 503 when the table does not answer.
    pub async fn newest(&self, pk: &str, prefix: &str, most: i32) -> Result<Vec<Item>, Problem> {
        let answer = Box::pin(
            self.client
                .query()
                .table_name(&self.table)
                .key_condition_expression("PK = :pk AND begins_with(SK, :prefix)")
                .expression_attribute_values(":pk", AttributeValue::S(pk.to_owned()))
                .expression_attribute_values(":prefix", AttributeValue::S(prefix.to_owned()))
                .consistent_read(true)
                .scan_index_forward(false)
                .limit(most)
                .send(),
        )
        .await
        .map_err(|e| failure(&e, "Query", &[keys::partition_kind(pk)]))?;
        Ok(answer.items.unwrap_or_default())
    }

    /// Reads search entries: what `read` says of the partition `pk`, with one request. Eventually
    /// consistent unless `consistent`: search finds, it does not authorise.
    ///
    /// # Errors
    /// 503 when the table does not answer.
    pub async fn search_page(
        &self,
        pk: &str,
        read: &Read,
        consistent: bool,
    ) -> Result<Window, Problem> {
        let (condition, bound) = match &read.range {
            Range::Prefix(prefix) => ("PK = :pk AND begins_with(SK, :bound)", prefix),
            Range::From(from) => ("PK = :pk AND SK >= :bound", from),
            Range::Before(before) => ("PK = :pk AND SK < :bound", before),
        };
        let start = read.after.as_ref().map(|sk| key_item(&Key { pk: pk.into(), sk: sk.clone() }));
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression(condition)
            .expression_attribute_values(":pk", AttributeValue::S(pk.to_owned()))
            .expression_attribute_values(":bound", AttributeValue::S(bound.clone()))
            .projection_expression("SK, words")
            .scan_index_forward(!matches!(read.range, Range::Before(_)))
            .consistent_read(consistent)
            .limit(i32::try_from(read.limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(start);
        let answer = Box::pin(query.send())
            .await
            .map_err(|e| failure(&e, "Query", &[keys::partition_kind(pk)]))?;
        let text = |item: &Item, name: &str| {
            let value = item.get(name).and_then(|value| value.as_s().ok()).cloned();
            value.ok_or_else(|| Problem::internal(format!("a search entry without {name}")))
        };
        let items = answer.items.unwrap_or_default();
        let entries = items.iter().map(|item| Ok((text(item, "SK")?, text(item, "words")?)));
        Ok(Window {
            entries: entries.collect::<Result<_, Problem>>()?,
            stopped: answer.last_evaluated_key.map(|key| text(&key, "SK")).transpose()?,
        })
    }

    /// Makes all reads of a page of a search side by side.
    ///
    /// # Errors
    /// 503 when the table does not answer.
    pub async fn search_windows(
        &self,
        practice: &PracticeId,
        reads: &[Read],
    ) -> Result<Vec<Window>, Problem> {
        let pks: Vec<String> =
            reads.iter().map(|read| keys::search_partition(practice, &read.partition)).collect();
        let reads = reads.iter().zip(&pks);
        try_join_all(reads.map(|(read, pk)| self.search_page(pk, read, false))).await
    }

    /// Reads the keys of what of one kind ([`keys::MAIL`], [`keys::ALERT`]) has waited since before the
    /// sort key `until`, oldest first: one page, to be followed from its last key unless that is `None`.
    /// Eventually consistent: the caller asks the item itself before acting on it.
    ///
    /// # Errors
    /// 503 when the table does not answer.
    pub async fn waiting(
        &self,
        kind: &str,
        until: &str,
        from: Option<Item>,
    ) -> Result<(Vec<Key>, Option<Item>), Problem> {
        let request = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(keys::OUTBOX)
            .key_condition_expression("pending = :pending AND SK BETWEEN :kind AND :until")
            .expression_attribute_values(":pending", AttributeValue::S(keys::PENDING.to_owned()))
            .expression_attribute_values(":kind", AttributeValue::S(kind.to_owned()))
            .expression_attribute_values(":until", AttributeValue::S(until.to_owned()))
            .set_exclusive_start_key(from);
        let answer =
            Box::pin(request.send()).await.map_err(|e| failure(&e, "Query", &["what waits"]))?;
        let items = answer.items.unwrap_or_default();
        let found = items.iter().map(item_key).collect::<Result<_, _>>()?;
        Ok((found, answer.last_evaluated_key))
    }

    /// Reads the keys of items of a list, in its order, with their sort keys in the index: at most `limit`
    /// of each partition. Eventually consistent: the caller judges the items themselves.
    ///
    /// # Errors
    /// 503 when the table does not answer.
    pub async fn listed(&self, range: &lists::Range, limit: usize) -> Result<Vec<Listed>, Problem> {
        let limit = i32::try_from(limit).unwrap_or(i32::MAX);
        let partitions = range.partitions.iter();
        let reads = partitions.map(|partition| self.list_query(range, partition).limit(limit));
        try_join_all(reads.map(|query| Listed::read(query, range.index.sort_key))).await
    }

    /// As [`Store::listed`], what of the list is a professional's, in the order of names, behind `after`: of
    /// so many entries of the professional that one request reads.
    ///
    /// # Errors
    /// 503 when the table does not answer.
    pub async fn listed_of(
        &self,
        range: &lists::Range,
        professional: &str,
        after: &str,
    ) -> Result<Listed, Problem> {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let names: Vec<String> = (0..range.partitions.len()).map(|n| format!(":l{n}")).collect();
        let within = format!("#list IN ({})", names.join(", "));
        let mut query = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(keys::PROFESSIONAL.name)
            .key_condition_expression("#of = :of AND #order > :after")
            .expression_attribute_names("#of", keys::PROFESSIONAL.partition_key)
            .expression_attribute_names("#order", keys::PROFESSIONAL.sort_key)
            .expression_attribute_names("#list", range.index.partition_key)
            .expression_attribute_values(":of", text(professional))
            .expression_attribute_values(":after", text(after))
            .limit(MOST_OF_PROFESSIONAL);
        for (name, partition) in names.iter().zip(&range.partitions) {
            query = query.expression_attribute_values(name, text(partition));
        }
        // A filter may not name the index's own keys. Lists in the order of names are whole.
        let query = if range.index.sort_key == keys::PROFESSIONAL.sort_key {
            query.filter_expression(within)
        } else {
            query
                .filter_expression(format!("{within} AND #sort BETWEEN :low AND :high"))
                .expression_attribute_names("#sort", range.index.sort_key)
                .expression_attribute_values(":low", text(&range.low))
                .expression_attribute_values(":high", text(&range.high))
        };
        Listed::read(query, keys::PROFESSIONAL.sort_key).await
    }

    /// Counts the items of a list, at most so many of each partition. Eventually consistent.
    ///
    /// # Errors
    /// 503 when the table does not answer.
    pub async fn count(&self, range: &lists::Range, most: i32) -> Result<usize, Problem> {
        let partitions = range.partitions.iter();
        let reads = partitions.map(|partition| async move {
            let query = self.list_query(range, partition).limit(most).select(Select::Count);
            let answer = Box::pin(query.send()).await;
            let answer = answer.map_err(|e| failure(&e, "Query", &["list"]))?;
            Ok::<_, Problem>(usize::try_from(answer.count).unwrap_or_default())
        });
        Ok(try_join_all(reads).await?.into_iter().sum())
    }

    /// A query of one partition of a list.
    fn list_query(&self, range: &lists::Range, partition: &str) -> QueryFluentBuilder {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        self.client
            .query()
            .table_name(&self.table)
            .index_name(range.index.name)
            .scan_index_forward(range.forward)
            .key_condition_expression("#list = :list AND #sort BETWEEN :low AND :high")
            .expression_attribute_names("#sort", range.index.sort_key)
            .expression_attribute_names("#list", range.index.partition_key)
            .expression_attribute_values(":list", text(partition))
            .expression_attribute_values(":low", text(&range.low))
            .expression_attribute_values(":high", text(&range.high))
    }

    /// Reads one page of a partition of the history, newest first, before the event `before`.
    ///
    /// # Errors
    /// 503 when the table does not answer.
    pub async fn history_page(
        &self,
        pk: &str,
        before: Option<String>,
        limit: i32,
    ) -> Result<(Vec<Event>, Option<String>), Problem> {
        let start = before.map(|sk| key_item(&Key { pk: pk.to_owned(), sk }));
        let answer = Box::pin(
            self.client
                .query()
                .table_name(&self.history)
                .key_condition_expression("PK = :pk")
                .expression_attribute_values(":pk", AttributeValue::S(pk.to_owned()))
                .scan_index_forward(false)
                .consistent_read(true)
                .limit(limit)
                .set_exclusive_start_key(start)
                .send(),
        )
        .await
        .map_err(|e| failure(&e, "Query", &["event"]))?;
        let next = match answer.last_evaluated_key {
            Some(key) => Some(item_key(&key)?.sk),
            None => None,
        };
        let events =
            answer.items.unwrap_or_default().into_iter().map(parse).collect::<Result<_, _>>()?;
        Ok((events, next))
    }

    /// Reads events of a practice between two sort keys, newest first, after the event at `after`: looks at so many
    /// and answers those that fit, and where to go on unless that was all. Eventually consistent: an event of this
    /// very moment may be missing.
    ///
    /// # Errors
    /// 503 when the table does not answer.
    pub async fn practice_events(
        &self,
        practice: &PracticeId,
        (first, last): &(String, String),
        wanted: Wanted<'_>,
        after: Option<&Key>,
        looked_at: i32,
    ) -> Result<(Vec<Event>, Option<Key>), Problem> {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let start = after.map(|after| {
            let mut start = key_item(after);
            start.insert("practice".into(), text(practice.as_str()));
            start
        });
        let mut query = self
            .client
            .query()
            .table_name(&self.history)
            .index_name(keys::OF_PRACTICE)
            .key_condition_expression("practice = :practice AND SK BETWEEN :first AND :last")
            .expression_attribute_values(":practice", text(practice.as_str()))
            .expression_attribute_values(":first", text(first))
            .expression_attribute_values(":last", text(last))
            .scan_index_forward(false)
            .limit(looked_at)
            .set_exclusive_start_key(start);
        let mut filter = Vec::new();
        if let Some(actor) = wanted.actor {
            filter.push("#actor.#id = :actor");
            query = query
                .expression_attribute_names("#actor", "actor")
                .expression_attribute_names("#id", "id")
                .expression_attribute_values(":actor", text(actor));
        }
        if let Some(action) = wanted.action {
            let action = serde_dynamo::to_attribute_value(action)
                .map_err(|e| Problem::internal(e.to_string()))?;
            filter.push("#action = :action");
            query = query
                .expression_attribute_names("#action", "action")
                .expression_attribute_values(":action", action);
        }
        if !filter.is_empty() {
            query = query.filter_expression(filter.join(" AND "));
        }
        let answer = Box::pin(query.send()).await.map_err(|e| failure(&e, "Query", &["event"]))?;
        let next = answer.last_evaluated_key.as_ref().map(item_key).transpose()?;
        let events =
            answer.items.unwrap_or_default().into_iter().map(parse).collect::<Result<_, _>>()?;
        Ok((events, next))
    }

    /// Begins a change.
    #[must_use]
    pub fn change(&self) -> Change {
        Change::of(&self.table, &self.history)
    }

    /// Makes a change: all of it or nothing. A change of nothing is made without asking the table.
    ///
    /// # Errors
    /// [`WriteError::Conflict`] when a condition failed or another transaction was in the way.
    pub async fn write(&self, change: Change) -> Result<(), WriteError> {
        if let Some(fault) = change.fault {
            return Err(fault.into());
        }
        if change.items.is_empty() {
            return Ok(());
        }
        let kinds = change.kinds();
        Box::pin(self.client.transact_write_items().set_transact_items(Some(change.items)).send())
            .await
            .map(drop)
            .map_err(|e| write_error(&e, &kinds))
    }

    /// Updates one item under a condition and answers it as it is then; `None` when the condition
    /// does not hold. The condition is judged on the item's latest version.
    ///
    /// # Errors
    /// 503 when the table does not answer.
    pub async fn update<T: DeserializeOwned>(&self, update: Update) -> Result<Option<T>, Problem> {
        let (names, values) = (update.names(), update.values()?);
        let mut retries = self.retries();
        loop {
            let answer = Box::pin(
                self.client
                    .update_item()
                    .table_name(&self.table)
                    .set_key(Some(key_item(&update.key)))
                    .update_expression(update.expression())
                    .set_condition_expression(update.condition())
                    .set_expression_attribute_names(Some(names.clone()))
                    .set_expression_attribute_values(values.clone())
                    .return_values(aws_sdk_dynamodb::types::ReturnValue::AllNew)
                    .send(),
            )
            .await;
            let error = match answer {
                Ok(answer) => return answer.attributes.map(parse).transpose(),
                Err(error) => error,
            };
            match error.as_service_error() {
                Some(e) if e.is_conditional_check_failed_exception() => return Ok(None),
                // A transaction has the item in hand just now. The SDK leaves that to its caller.
                Some(e) if e.is_transaction_conflict_exception() => {
                    retries.retry(WriteError::Conflict(Failed::default())).await?;
                }
                _ => return Err(failure(&error, "UpdateItem", &[keys::kind(&update.key)])),
            }
        }
    }

    /// Adds one event and nothing else: for what happened without changing anything.
    ///
    /// # Errors
    /// 503 when the table does not answer.
    pub async fn record(&self, event: &Event) -> Result<(), Problem> {
        Box::pin(
            self.client
                .put_item()
                .table_name(&self.history)
                .set_item(Some(item_of(event, &event.key(), None)?))
                .condition_expression(NEW)
                .send(),
        )
        .await
        .map(drop)
        .or_else(|e| match e.as_service_error() {
            // A retry inside the SDK of a put that had succeeded: the event stands already.
            Some(s) if s.is_conditional_check_failed_exception() => Ok(()),
            _ => Err(failure(&e, "PutItem", &["event"])),
        })
    }

    /// Whether the main table answers.
    ///
    /// # Errors
    /// 503 when it does not.
    pub async fn ping(&self) -> Result<(), Problem> {
        self.get::<serde::de::IgnoredAny>(&keys::health()).await.map(drop)
    }
}

/// Runs two reads side by side. The first request leaves before the second is made, so that the
/// table works on one while the processor is busy with the other.
///
/// # Errors
/// The problem of the first when both fail, whichever was faster: so that "not signed in" always
/// wins over what the second read found.
pub async fn both<A, B>(
    first: impl Future<Output = Result<A, Problem>>,
    second: impl Future<Output = Result<B, Problem>>,
) -> Result<(A, B), Problem> {
    let second = async {
        tokio::task::yield_now().await;
        second.await
    };
    let (a, b) = futures::join!(first, second);
    Ok((a?, b?))
}

fn key_item(key: &Key) -> Item {
    HashMap::from([
        ("PK".to_owned(), AttributeValue::S(key.pk.clone())),
        ("SK".to_owned(), AttributeValue::S(key.sk.clone())),
    ])
}

/// The key of an item.
///
/// # Errors
/// 500 when it has none.
pub fn item_key(item: &Item) -> Result<Key, Problem> {
    let part = |name: &str| {
        item.get(name)
            .and_then(|v| v.as_s().ok())
            .cloned()
            .ok_or_else(|| Problem::internal(format!("an item without {name}")))
    };
    Ok(Key { pk: part("PK")?, sk: part("SK")? })
}

fn item_of<T: Serialize>(value: &T, key: &Key, rev: Option<u64>) -> Result<Item, Problem> {
    let mut item: Item =
        serde_dynamo::to_item(value).map_err(|e| Problem::internal(e.to_string()))?;
    item.extend(key_item(key));
    if let Some(rev) = rev {
        item.insert("rev".into(), AttributeValue::N(rev.to_string()));
    }
    Ok(item)
}

/// Reads an entity out of an item.
///
/// # Errors
/// 500 when the item is not what it should be.
pub fn parse<T: DeserializeOwned>(item: Item) -> Result<T, Problem> {
    let key = item_key(&item);
    let item: serde_dynamo::Item = item.into();
    let stored = Deserializer::from_attribute_value(serde_dynamo::AttributeValue::M(item.into()));
    // Where it is wrong, and not serde's words, which quote what stands there.
    serde_path_to_error::deserialize(stored).map_err(|e| {
        let kind = key.map_or("item without a key", |key| keys::kind(&key));
        Problem::internal(format!("stored {kind}: {} cannot be read", e.path()))
    })
}

/// The problem for a request that failed. Its cause, which the log shows, names the operation and
/// the kinds of items. It takes nothing but the code of the error: the service's messages may quote
/// what was written.
fn failure<E: ProvideErrorMetadata>(
    error: &SdkError<E>,
    operation: &str,
    kinds: &[&str],
) -> Problem {
    let code = match error {
        SdkError::ServiceError(context) => context.err().code().unwrap_or("unknown"),
        SdkError::TimeoutError(_) => "timeout",
        SdkError::DispatchFailure(_) => "no connection",
        SdkError::ResponseError(_) => "no valid answer",
        _ => "request not built",
    };
    let mut each: Vec<&str> = Vec::new();
    for kind in kinds {
        if !each.contains(kind) {
            each.push(kind);
        }
    }
    let cause = format!("{operation} of {}: {code}", each.join(", "));
    match code {
        "ValidationException" | "request not built" => Problem::internal(cause),
        _ => Problem::unavailable(cause),
    }
}

fn write_error(error: &SdkError<TransactWriteItemsError>, kinds: &[&str]) -> WriteError {
    let reasons = match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(e)) => e.cancellation_reasons(),
        Some(TransactWriteItemsError::TransactionInProgressException(_)) => {
            return WriteError::Conflict(Failed::default());
        }
        _ => return WriteError::Problem(failure(error, "TransactWriteItems", kinds)),
    };
    let mut failed = Vec::new();
    for (position, reason) in reasons.iter().enumerate() {
        match reason.code().unwrap_or("None") {
            "None" => {}
            "ConditionalCheckFailed" => failed.push(position),
            "TransactionConflict" | "ThrottlingError" | "ProvisionedThroughputExceeded" => {
                return WriteError::Conflict(Failed::default());
            }
            other => {
                let kind = kinds.get(position).copied().unwrap_or("unknown item");
                let cause = format!("TransactWriteItems of {kind}: cancelled, {other}");
                return WriteError::Problem(Problem::internal(cause));
            }
        }
    }
    WriteError::Conflict(Failed(failed))
}
