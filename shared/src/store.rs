//! The tables, as the use cases see them: strongly consistent reads, and one [`Change`] that holds
//! together or does not happen at all.
//!
//! Concurrency is optimistic. Every item carries `rev`, which every write of it raises and every
//! replacement demands to be what was read. Whoever finds that somebody was faster ([`Halt::Again`])
//! reads afresh and decides afresh, so a rule is always judged on the state that it changes. A
//! failed condition therefore never has a meaning of its own: the next read says what happened.

use std::{collections::HashMap, future::Future, time::Duration};

use aws_sdk_dynamodb::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    operation::transact_write_items::TransactWriteItemsError,
    types::{
        AttributeValue, ConditionCheck, Delete, KeysAndAttributes, Put, TransactWriteItem, Update,
    },
};
use aws_smithy_async::rt::sleep::AsyncSleep;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    history::Event,
    keys::{self, Key},
    problem::Problem,
};

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
pub enum Halt {
    /// Somebody else wrote meanwhile, or is writing: read and decide again. Holds the positions,
    /// in the order of the change, of the items whose condition failed.
    Again(Vec<usize>),
    /// It cannot be helped here.
    Problem(Problem),
}

impl From<Problem> for Halt {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// How often a decision may be taken again: more than any honest crowd of writers needs.
const TRIES: u32 = 12;

/// Counts the tries of one decision and waits between them.
#[derive(Debug)]
pub struct Tries<'a> {
    store: &'a Store,
    made: u32,
}

impl Tries<'_> {
    /// Lets the caller go round again, after a pause that grows; a problem, or one try too many,
    /// ends it.
    ///
    /// # Errors
    /// The problem to answer with.
    pub async fn again(&mut self, halt: Halt) -> Result<Vec<usize>, Problem> {
        let failed = match halt {
            Halt::Problem(problem) => return Err(problem),
            Halt::Again(failed) => failed,
        };
        self.made += 1;
        if self.made >= TRIES {
            return Err(Problem::unavailable("the item stayed contended"));
        }
        if let Some(sleep) = self.store.client.config().sleep_impl() {
            sleep.sleep(Duration::from_millis(u64::from(self.made * self.made))).await;
        }
        Ok(failed)
    }
}

impl Store {
    /// Takes the client and the names of the tables.
    #[must_use]
    pub fn new(client: Client, table: &str, history: &str) -> Self {
        Self { client, table: table.to_owned(), history: history.to_owned() }
    }

    /// Begins to count the tries of one decision.
    #[must_use]
    pub fn tries(&self) -> Tries<'_> {
        Tries { store: self, made: 0 }
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
        .map_err(|e| failure(&e))?;
        answer.item.map(parse).transpose()
    }

    /// Reads up to 100 items of the main table in one request, strongly consistent. What is not
    /// there is not in the answer.
    ///
    /// # Errors
    /// 503 when the table does not answer.
    pub async fn get_many(&self, keys: &[Key]) -> Result<HashMap<Key, Item>, Problem> {
        let mut found = HashMap::new();
        let mut wanted: Vec<Item> = keys.iter().map(key_item).collect();
        let mut tries = self.tries();
        while !wanted.is_empty() {
            let request = KeysAndAttributes::builder()
                .set_keys(Some(wanted))
                .consistent_read(true)
                .build()
                .map_err(|e| Problem::internal(e.to_string()))?;
            let answer =
                Box::pin(self.client.batch_get_item().request_items(&self.table, request).send())
                    .await
                    .map_err(|e| failure(&e))?;
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
                tries.again(Halt::Again(Vec::new())).await?;
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
            .map_err(|e| failure(&e))?;
            items.extend(answer.items.unwrap_or_default());
            start = answer.last_evaluated_key;
            if start.is_none() {
                return Ok(items);
            }
        }
    }

    /// Reads one page of search entries: those below `prefix` whose `words` contain every one of
    /// `contain`, after the sort key `after`. Answers the items and, where the table stopped
    /// early, the sort key from which to go on. Eventually consistent: search finds, it does not
    /// authorise.
    ///
    /// # Errors
    /// 503 when the table does not answer.
    pub async fn search_page(
        &self,
        pk: &str,
        prefix: &str,
        contain: &[String],
        after: Option<String>,
        limit: i32,
    ) -> Result<(Vec<Item>, Option<String>), Problem> {
        let mut query = self
            .client
            .query()
            .table_name(&self.table)
            .expression_attribute_values(":pk", AttributeValue::S(pk.to_owned()))
            .limit(limit);
        query = if prefix.is_empty() {
            query.key_condition_expression("PK = :pk")
        } else {
            query
                .key_condition_expression("PK = :pk AND begins_with(SK, :prefix)")
                .expression_attribute_values(":prefix", AttributeValue::S(prefix.to_owned()))
        };
        if !contain.is_empty() {
            let filter: Vec<String> =
                (0..contain.len()).map(|i| format!("contains(words, :w{i})")).collect();
            query = query.filter_expression(filter.join(" AND "));
            for (i, word) in contain.iter().enumerate() {
                query = query
                    .expression_attribute_values(format!(":w{i}"), AttributeValue::S(word.clone()));
            }
        }
        if let Some(sk) = after {
            query = query.set_exclusive_start_key(Some(key_item(&Key { pk: pk.to_owned(), sk })));
        }
        let answer = Box::pin(query.send()).await.map_err(|e| failure(&e))?;
        let next = match answer.last_evaluated_key {
            Some(key) => Some(item_key(&key)?.sk),
            None => None,
        };
        Ok((answer.items.unwrap_or_default(), next))
    }

    /// Reads the keys of the mails that have waited since before the sort key `until`, oldest
    /// first: one page, to be followed from its last key unless that is `None`. Eventually
    /// consistent: whoever sends one asks the mail itself first.
    ///
    /// # Errors
    /// 503 when the table does not answer.
    pub async fn waiting_mails(
        &self,
        until: &str,
        from: Option<Item>,
    ) -> Result<(Vec<Key>, Option<Item>), Problem> {
        let request = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(keys::OUTBOX)
            .key_condition_expression("pending = :pending AND SK < :until")
            .expression_attribute_values(":pending", AttributeValue::S(keys::PENDING.to_owned()))
            .expression_attribute_values(":until", AttributeValue::S(until.to_owned()))
            .set_exclusive_start_key(from);
        let answer = Box::pin(request.send()).await.map_err(|e| failure(&e))?;
        let items = answer.items.unwrap_or_default();
        let found = items.iter().map(item_key).collect::<Result<_, _>>()?;
        Ok((found, answer.last_evaluated_key))
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
        .map_err(|e| failure(&e))?;
        let next = match answer.last_evaluated_key {
            Some(key) => Some(item_key(&key)?.sk),
            None => None,
        };
        let events =
            answer.items.unwrap_or_default().into_iter().map(parse).collect::<Result<_, _>>()?;
        Ok((events, next))
    }

    /// Begins a change.
    #[must_use]
    pub fn change(&self) -> Change {
        Change {
            table: self.table.clone(),
            history: self.history.clone(),
            items: Vec::new(),
            fault: None,
        }
    }

    /// Makes a change: all of it or nothing. A change of nothing is made without asking the table.
    ///
    /// # Errors
    /// [`Halt::Again`] when a condition failed or another transaction was in the way.
    pub async fn write(&self, change: Change) -> Result<(), Halt> {
        if let Some(fault) = change.fault {
            return Err(fault.into());
        }
        if change.items.is_empty() {
            return Ok(());
        }
        Box::pin(self.client.transact_write_items().set_transact_items(Some(change.items)).send())
            .await
            .map(drop)
            .map_err(|e| halt(&e))
    }

    /// Updates one item under a condition and answers it as it is then; `None` when the condition
    /// does not hold. The condition is judged on the item's latest version.
    ///
    /// # Errors
    /// 503 when the table does not answer.
    pub async fn touch<T: DeserializeOwned>(&self, amend: Amend) -> Result<Option<T>, Problem> {
        let (names, values) = (amend.names(), amend.values()?);
        let mut tries = self.tries();
        loop {
            let answer = Box::pin(
                self.client
                    .update_item()
                    .table_name(&self.table)
                    .set_key(Some(key_item(&amend.key)))
                    .update_expression(amend.expression())
                    .set_condition_expression(amend.condition())
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
                    tries.again(Halt::Again(Vec::new())).await?;
                }
                _ => return Err(failure(&error)),
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
                .condition_expression("attribute_not_exists(PK)")
                .send(),
        )
        .await
        .map(drop)
        .or_else(|e| match e.as_service_error() {
            // A retry inside the SDK of a put that had succeeded: the event stands already.
            Some(s) if s.is_conditional_check_failed_exception() => Ok(()),
            _ => Err(failure(&e)),
        })
    }

    /// Whether the main table answers.
    ///
    /// # Errors
    /// 503 when it does not.
    pub async fn ping(&self) -> Result<(), Problem> {
        let key = Key { pk: "HEALTH".into(), sk: "HEALTH".into() };
        self.get::<serde::de::IgnoredAny>(&key).await.map(drop)
    }
}

/// Runs two reads side by side.
///
/// # Errors
/// The problem of the first when both fail, whichever was faster: so that "not signed in" always
/// wins over what the second read found.
pub async fn both<A, B>(
    first: impl Future<Output = Result<A, Problem>>,
    second: impl Future<Output = Result<B, Problem>>,
) -> Result<(A, B), Problem> {
    let (a, b) = futures::join!(first, second);
    Ok((a?, b?))
}

/// Writes that hold together.
#[derive(Debug)]
pub struct Change {
    table: String,
    history: String,
    items: Vec<TransactWriteItem>,
    fault: Option<Problem>,
}

impl Change {
    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The position that the next item will have: what [`Halt::Again`] names.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Writes an item that must not be there yet.
    pub fn insert<T: Serialize>(&mut self, key: &Key, value: &T) {
        self.put(key, value, 1, "attribute_not_exists(PK)", None);
    }

    /// Writes an item over the one that was read, which must still be at `rev`; 0 stands for one
    /// that was not there.
    pub fn replace<T: Serialize>(&mut self, key: &Key, value: &T, rev: u64) {
        if rev == 0 {
            return self.insert(key, value);
        }
        self.put(key, value, rev + 1, "rev = :seen", Some(rev));
    }

    /// Writes an item that must not be there yet, or be past its `expiresAt` (seconds): DynamoDB
    /// deletes such items late.
    pub fn claim<T: Serialize>(&mut self, key: &Key, value: &T, now: i64) {
        let (item, table) = (item_of(value, key, Some(1)), self.table.clone());
        self.push(item.and_then(|item| {
            let put = Put::builder()
                .table_name(table)
                .set_item(Some(item))
                .condition_expression("attribute_not_exists(PK) OR expiresAt <= :now")
                .expression_attribute_values(":now", AttributeValue::N(now.to_string()))
                .build()
                .map_err(|e| Problem::internal(e.to_string()))?;
            Ok(TransactWriteItem::builder().put(put).build())
        }));
    }

    fn put<T: Serialize>(&mut self, key: &Key, value: &T, rev: u64, when: &str, seen: Option<u64>) {
        let item = item_of(value, key, Some(rev));
        let table = self.table.clone();
        self.push(item.and_then(|item| {
            let put = Put::builder()
                .table_name(table)
                .set_item(Some(item))
                .condition_expression(when)
                .set_expression_attribute_values(seen.map(seen_value))
                .build()
                .map_err(|e| Problem::internal(e.to_string()))?;
            Ok(TransactWriteItem::builder().put(put).build())
        }));
    }

    /// Writes an item, whatever was there: for what another item of the change already guards.
    pub fn set<T: Serialize>(&mut self, key: &Key, value: &T) {
        let (item, table) = (item_of(value, key, None), self.table.clone());
        self.push(item.and_then(|item| {
            let put = Put::builder()
                .table_name(table)
                .set_item(Some(item))
                .build()
                .map_err(|e| Problem::internal(e.to_string()))?;
            Ok(TransactWriteItem::builder().put(put).build())
        }));
    }

    /// Removes the item that was read, which must still be at `rev`.
    pub fn remove(&mut self, key: &Key, rev: u64) {
        let delete = Delete::builder()
            .table_name(&self.table)
            .set_key(Some(key_item(key)))
            .condition_expression("rev = :seen")
            .set_expression_attribute_values(Some(seen_value(rev)))
            .build();
        self.push_delete(delete);
    }

    /// Removes an item, there or not.
    pub fn discard(&mut self, key: &Key) {
        let delete = Delete::builder().table_name(&self.table).set_key(Some(key_item(key))).build();
        self.push_delete(delete);
    }

    /// Removes an item for which the condition holds.
    pub fn remove_when(&mut self, amend: &Amend) {
        let table = self.table.clone();
        self.push(amend.values().and_then(|values| {
            let delete = Delete::builder()
                .table_name(table)
                .set_key(Some(key_item(&amend.key)))
                .set_condition_expression(amend.condition())
                .set_expression_attribute_names(Some(amend.names()))
                .set_expression_attribute_values(values)
                .build()
                .map_err(|e| Problem::internal(e.to_string()))?;
            Ok(TransactWriteItem::builder().delete(delete).build())
        }));
    }

    /// Demands that an item is still at `rev`; 0 stands for one that was not there.
    pub fn unchanged(&mut self, key: &Key, rev: u64) {
        let check = ConditionCheck::builder().table_name(&self.table).set_key(Some(key_item(key)));
        let check = if rev == 0 {
            check.condition_expression("attribute_not_exists(PK)")
        } else {
            check
                .condition_expression("rev = :seen")
                .set_expression_attribute_values(Some(seen_value(rev)))
        };
        self.push(
            check
                .build()
                .map(|c| TransactWriteItem::builder().condition_check(c).build())
                .map_err(|e| Problem::internal(e.to_string())),
        );
    }

    /// Demands that the conditions of an amendment without changes hold.
    pub fn demand(&mut self, amend: &Amend) {
        let check = amend.values().and_then(|values| {
            ConditionCheck::builder()
                .table_name(&self.table)
                .set_key(Some(key_item(&amend.key)))
                .set_condition_expression(amend.condition())
                .set_expression_attribute_names(Some(amend.names()))
                .set_expression_attribute_values(values)
                .build()
                .map(|c| TransactWriteItem::builder().condition_check(c).build())
                .map_err(|e| Problem::internal(e.to_string()))
        });
        self.push(check);
    }

    /// Amends parts of an item that was not read, or that others write often; raises its `rev`.
    pub fn amend(&mut self, amend: &Amend) {
        let table = self.table.clone();
        self.push(amend.values().and_then(|values| {
            let update = Update::builder()
                .table_name(table)
                .set_key(Some(key_item(&amend.key)))
                .update_expression(amend.expression())
                .set_condition_expression(amend.condition())
                .set_expression_attribute_names(Some(amend.names()))
                .set_expression_attribute_values(values)
                .build()
                .map_err(|e| Problem::internal(e.to_string()))?;
            Ok(TransactWriteItem::builder().update(update).build())
        }));
    }

    /// Adds an event to the history.
    pub fn event(&mut self, event: &Event) {
        let history = self.history.clone();
        self.push(item_of(event, &event.key(), None).and_then(|item| {
            let put = Put::builder()
                .table_name(history)
                .set_item(Some(item))
                .condition_expression("attribute_not_exists(PK)")
                .build()
                .map_err(|e| Problem::internal(e.to_string()))?;
            Ok(TransactWriteItem::builder().put(put).build())
        }));
    }

    fn push_delete(&mut self, delete: Result<Delete, aws_sdk_dynamodb::error::BuildError>) {
        self.push(
            delete
                .map(|d| TransactWriteItem::builder().delete(d).build())
                .map_err(|e| Problem::internal(e.to_string())),
        );
    }

    fn push(&mut self, item: Result<TransactWriteItem, Problem>) {
        match item {
            Ok(item) => self.items.push(item),
            Err(fault) => self.fault = Some(fault),
        }
    }
}

/// An update of parts of one item, with its conditions. Paths are dotted: `grants.{id}.active`.
#[derive(Debug, Clone)]
pub struct Amend {
    key: Key,
    sets: Vec<(String, Value)>,
    removes: Vec<String>,
    adds: Vec<(String, i64)>,
    conditions: Vec<String>,
    names: Vec<String>,
    values: Vec<Value>,
}

type Value = Result<AttributeValue, String>;

impl Amend {
    /// Begins an update of the item at `key`, which must be there.
    #[must_use]
    pub fn of(key: Key) -> Self {
        let mut amend = Self::upsert(key);
        amend.conditions.push("attribute_exists(PK)".into());
        amend
    }

    /// Begins an update of the item at `key`, there or not.
    #[must_use]
    pub fn upsert(key: Key) -> Self {
        Self {
            key,
            sets: Vec::new(),
            removes: Vec::new(),
            adds: Vec::new(),
            conditions: Vec::new(),
            names: Vec::new(),
            values: Vec::new(),
        }
    }

    fn path(&mut self, dotted: &str) -> String {
        let mut parts = Vec::new();
        for part in dotted.split('.') {
            let at = self.names.iter().position(|n| n == part).unwrap_or_else(|| {
                self.names.push(part.to_owned());
                self.names.len() - 1
            });
            parts.push(format!("#n{at}"));
        }
        parts.join(".")
    }

    fn value<T: Serialize>(&mut self, value: &T) -> String {
        self.values.push(serde_dynamo::to_attribute_value(value).map_err(|e| e.to_string()));
        format!(":v{}", self.values.len() - 1)
    }

    /// Sets an attribute.
    #[must_use]
    pub fn set<T: Serialize>(mut self, path: &str, value: &T) -> Self {
        let path = self.path(path);
        self.sets.push((path, serde_dynamo::to_attribute_value(value).map_err(|e| e.to_string())));
        self
    }

    /// Removes an attribute.
    #[must_use]
    pub fn unset(mut self, path: &str) -> Self {
        let path = self.path(path);
        self.removes.push(path);
        self
    }

    /// Adds to a number.
    #[must_use]
    pub fn add(mut self, path: &str, amount: i64) -> Self {
        let path = self.path(path);
        self.adds.push((path, amount));
        self
    }

    /// Demands that an attribute compares so with a value; `comparison` is one of DynamoDB's.
    #[must_use]
    pub fn when<T: Serialize>(mut self, path: &str, comparison: &str, value: &T) -> Self {
        let (path, value) = (self.path(path), self.value(value));
        self.conditions.push(format!("{path} {comparison} {value}"));
        self
    }

    /// Demands that an attribute is there.
    #[must_use]
    pub fn when_exists(mut self, path: &str) -> Self {
        let path = self.path(path);
        self.conditions.push(format!("attribute_exists({path})"));
        self
    }

    /// Demands that a map has so many entries, compared so.
    #[must_use]
    pub fn when_size(mut self, path: &str, comparison: &str, size: usize) -> Self {
        let (path, value) = (self.path(path), self.value(&size));
        self.conditions.push(format!("size({path}) {comparison} {value}"));
        self
    }

    /// Demands that an attribute is not there.
    #[must_use]
    pub fn when_absent(mut self, path: &str) -> Self {
        let path = self.path(path);
        self.conditions.push(format!("attribute_not_exists({path})"));
        self
    }

    /// Demands that an attribute is one of some values.
    #[must_use]
    pub fn when_one_of<T: Serialize>(mut self, path: &str, values: &[T]) -> Self {
        let path = self.path(path);
        let values: Vec<String> = values.iter().map(|v| self.value(v)).collect();
        self.conditions.push(format!("{path} IN ({})", values.join(", ")));
        self
    }

    /// Demands that an attribute is not there, or compares so with a value.
    #[must_use]
    pub fn when_absent_or<T: Serialize>(mut self, path: &str, comparison: &str, value: &T) -> Self {
        let (path, value) = (self.path(path), self.value(value));
        self.conditions
            .push(format!("(attribute_not_exists({path}) OR {path} {comparison} {value})"));
        self
    }

    fn expression(&self) -> String {
        let mut clauses = Vec::new();
        if !self.sets.is_empty() {
            let sets: Vec<String> =
                self.sets.iter().enumerate().map(|(i, (p, _))| format!("{p} = :s{i}")).collect();
            clauses.push(format!("SET {}", sets.join(", ")));
        }
        if !self.removes.is_empty() {
            clauses.push(format!("REMOVE {}", self.removes.join(", ")));
        }
        let mut adds: Vec<String> =
            self.adds.iter().enumerate().map(|(i, (p, _))| format!("{p} :a{i}")).collect();
        adds.push("#rev :rev".into());
        clauses.push(format!("ADD {}", adds.join(", ")));
        clauses.join(" ")
    }

    fn condition(&self) -> Option<String> {
        (!self.conditions.is_empty()).then(|| self.conditions.join(" AND "))
    }

    fn is_update(&self) -> bool {
        !(self.sets.is_empty() && self.removes.is_empty() && self.adds.is_empty())
    }

    fn names(&self) -> HashMap<String, String> {
        let mut names: HashMap<String, String> =
            self.names.iter().enumerate().map(|(i, n)| (format!("#n{i}"), n.clone())).collect();
        if self.is_update() {
            names.insert("#rev".into(), "rev".into());
        }
        names
    }

    fn values(&self) -> Result<Option<HashMap<String, AttributeValue>>, Problem> {
        let mut values = HashMap::new();
        for (i, value) in self.values.iter().enumerate() {
            values.insert(format!(":v{i}"), value.clone().map_err(Problem::internal)?);
        }
        for (i, (_, value)) in self.sets.iter().enumerate() {
            values.insert(format!(":s{i}"), value.clone().map_err(Problem::internal)?);
        }
        for (i, (_, amount)) in self.adds.iter().enumerate() {
            values.insert(format!(":a{i}"), AttributeValue::N(amount.to_string()));
        }
        if self.is_update() {
            values.insert(":rev".into(), AttributeValue::N("1".into()));
        }
        Ok((!values.is_empty()).then_some(values))
    }
}

fn seen_value(rev: u64) -> HashMap<String, AttributeValue> {
    HashMap::from([(":seen".to_owned(), AttributeValue::N(rev.to_string()))])
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
    serde_dynamo::from_item(item).map_err(|e| Problem::internal(format!("a stored item: {e}")))
}

fn failure<E: ProvideErrorMetadata>(error: &SdkError<E>) -> Problem {
    // Only the kind of the error: messages of the service may quote what was written.
    let cause = match error {
        SdkError::ServiceError(context) => context.err().code().unwrap_or("unknown").to_owned(),
        SdkError::TimeoutError(_) => "timeout".to_owned(),
        SdkError::DispatchFailure(_) => "no connection".to_owned(),
        SdkError::ResponseError(_) => "no valid answer".to_owned(),
        _ => "request not built".to_owned(),
    };
    match cause.as_str() {
        "ValidationException" | "request not built" => Problem::internal(cause),
        _ => Problem::unavailable(cause),
    }
}

fn halt(error: &SdkError<TransactWriteItemsError>) -> Halt {
    let reasons = match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(e)) => e.cancellation_reasons(),
        Some(TransactWriteItemsError::TransactionInProgressException(_)) => {
            return Halt::Again(Vec::new());
        }
        _ => return Halt::Problem(failure(error)),
    };
    let mut failed = Vec::new();
    for (position, reason) in reasons.iter().enumerate() {
        match reason.code().unwrap_or("None") {
            "None" => {}
            "ConditionalCheckFailed" => failed.push(position),
            "TransactionConflict" | "ThrottlingError" | "ProvisionedThroughputExceeded" => {
                return Halt::Again(Vec::new());
            }
            other => return Halt::Problem(Problem::internal(format!("cancelled: {other}"))),
        }
    }
    Halt::Again(failed)
}
