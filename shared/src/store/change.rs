//! What one write does to the tables: [`Change`] for items that hold together, [`Update`] for parts of
//! one.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, Put, TransactWriteItem, Update as UpdateRequest,
};
use serde::Serialize;

use super::{Item, item_key, item_of, key_item};
use crate::{
    history::Event,
    keys::{self, Key},
    problem::Problem,
};

/// The item is not there yet.
pub(super) const NEW: &str = "attribute_not_exists(PK)";
/// A list without values.
const EMPTY: &str = ":empty";
/// The most items of one transaction: DynamoDB's limit.
pub const MOST_ITEMS: usize = 100;
/// The item is as it was read.
const SEEN: &str = "rev = :seen";

/// Names one item of a change, to ask later whether its condition failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Handle(usize);

/// The items of a change whose conditions failed.
#[derive(Debug, Clone, Default)]
pub struct Failed(pub(super) Vec<usize>);

impl Failed {
    /// Whether this item's condition failed.
    #[must_use]
    pub fn includes(&self, item: Handle) -> bool {
        self.0.contains(&item.0)
    }
}

/// Writes that hold together.
#[derive(Debug)]
pub struct Change {
    table: String,
    history: String,
    pub(super) items: Vec<TransactWriteItem>,
    pub(super) fault: Option<Problem>,
}

impl Change {
    /// Begins a change of these tables.
    pub(super) fn of(table: &str, history: &str) -> Self {
        let (table, history) = (table.to_owned(), history.to_owned());
        Self { table, history, items: Vec::new(), fault: None }
    }

    /// Whether there is nothing to write. What could not be made an item is something: writing
    /// says so.
    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty() && self.fault.is_none()
    }

    /// The kinds of the items it writes or checks, in order: words for the log.
    pub(super) fn kinds(&self) -> Vec<&'static str> {
        let key = |item: &TransactWriteItem| {
            let put = item.put.as_ref().map(|put| &put.item);
            let update = || item.update.as_ref().map(|update| &update.key);
            let delete = || item.delete.as_ref().map(|delete| &delete.key);
            let check = || item.condition_check.as_ref().map(|check| &check.key);
            item_key(put.or_else(update).or_else(delete).or_else(check)?).ok()
        };
        self.items
            .iter()
            .map(|item| key(item).map_or("unknown item", |key| keys::kind(&key)))
            .collect()
    }

    /// How many items it writes or checks. More than [`MOST_ITEMS`] cannot be written.
    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    /// Adds what `write` writes if one transaction then still has room for `others` more items, else
    /// nothing of it. For what the change can do without.
    pub(crate) fn add_if_room(&mut self, others: usize, write: impl FnOnce(&mut Self)) {
        let before = self.items.len();
        write(self);
        if self.items.len() + others > MOST_ITEMS {
            self.items.truncate(before);
        }
    }

    /// Writes an item that must not be there yet.
    pub fn insert<T: Serialize>(&mut self, key: &Key, value: &T) -> Handle {
        self.put(self.table.clone(), item_of(value, key, Some(1)), Some(NEW), None)
    }

    /// Writes an item over the one that was read, which must still be at `rev`; 0 stands for one
    /// that was not there.
    pub fn replace<T: Serialize>(&mut self, key: &Key, value: &T, rev: u64) -> Handle {
        if rev == 0 {
            return self.insert(key, value);
        }
        let item = item_of(value, key, Some(rev + 1));
        self.put(self.table.clone(), item, Some(SEEN), Some(seen_value(rev)))
    }

    /// Writes an item that must not be there yet, or be past its `expiresAt` (seconds): DynamoDB
    /// deletes such items late.
    pub fn claim<T: Serialize>(&mut self, key: &Key, value: &T, now: i64) -> Handle {
        let when = "attribute_not_exists(PK) OR expiresAt <= :now";
        let now = HashMap::from([(":now".to_owned(), AttributeValue::N(now.to_string()))]);
        self.put(self.table.clone(), item_of(value, key, Some(1)), Some(when), Some(now))
    }

    /// Writes an item, whatever was there: for what another item of the change already guards.
    pub fn set<T: Serialize>(&mut self, key: &Key, value: &T) -> Handle {
        self.put(self.table.clone(), item_of(value, key, None), None, None)
    }

    /// Adds an event to the history.
    pub fn event(&mut self, event: &Event) {
        let item = item_of(event, &event.key(), None);
        let _ = self.put(self.history.clone(), item, Some(NEW), None);
    }

    fn put(
        &mut self,
        table: String,
        item: Result<Item, Problem>,
        when: Option<&str>,
        values: Option<Item>,
    ) -> Handle {
        self.push(item.and_then(|item| {
            let put = Put::builder()
                .table_name(table)
                .set_item(Some(item))
                .set_condition_expression(when.map(str::to_owned))
                .set_expression_attribute_values(values)
                .build()
                .map_err(|e| Problem::internal(e.to_string()))?;
            Ok(TransactWriteItem::builder().put(put).build())
        }))
    }

    /// Removes the item that was read, which must still be at `rev`.
    pub fn remove(&mut self, key: &Key, rev: u64) -> Handle {
        let delete = Delete::builder()
            .table_name(&self.table)
            .set_key(Some(key_item(key)))
            .condition_expression(SEEN)
            .set_expression_attribute_values(Some(seen_value(rev)))
            .build();
        self.push_delete(delete)
    }

    /// Removes an item, there or not.
    pub fn discard(&mut self, key: &Key) -> Handle {
        let delete = Delete::builder().table_name(&self.table).set_key(Some(key_item(key))).build();
        self.push_delete(delete)
    }

    /// Removes an item for which the condition holds.
    pub fn remove_when(&mut self, update: &Update) -> Handle {
        let table = self.table.clone();
        self.push(update.values().and_then(|values| {
            let delete = Delete::builder()
                .table_name(table)
                .set_key(Some(key_item(&update.key)))
                .set_condition_expression(update.condition())
                .set_expression_attribute_names(Some(update.names()))
                .set_expression_attribute_values(values)
                .build()
                .map_err(|e| Problem::internal(e.to_string()))?;
            Ok(TransactWriteItem::builder().delete(delete).build())
        }))
    }

    /// Demands that an item is still at `rev`; 0 stands for one that was not there.
    pub fn unchanged(&mut self, key: &Key, rev: u64) -> Handle {
        let check = ConditionCheck::builder().table_name(&self.table).set_key(Some(key_item(key)));
        let check = if rev == 0 {
            check.condition_expression(NEW)
        } else {
            check.condition_expression(SEEN).set_expression_attribute_values(Some(seen_value(rev)))
        };
        self.push(
            check
                .build()
                .map(|c| TransactWriteItem::builder().condition_check(c).build())
                .map_err(|e| Problem::internal(e.to_string())),
        )
    }

    /// Demands that the conditions of an update without changes hold.
    pub fn demand(&mut self, update: &Update) -> Handle {
        let check = update.values().and_then(|values| {
            ConditionCheck::builder()
                .table_name(&self.table)
                .set_key(Some(key_item(&update.key)))
                .set_condition_expression(update.condition())
                .set_expression_attribute_names(Some(update.names()))
                .set_expression_attribute_values(values)
                .build()
                .map(|c| TransactWriteItem::builder().condition_check(c).build())
                .map_err(|e| Problem::internal(e.to_string()))
        });
        self.push(check)
    }

    /// Updates parts of an item that was not read, or that others write often; raises its `rev`.
    pub fn update(&mut self, update: &Update) -> Handle {
        let table = self.table.clone();
        let update = Update { raises: true, ..update.clone() };
        self.push(update.values().and_then(|values| {
            let update = UpdateRequest::builder()
                .table_name(table)
                .set_key(Some(key_item(&update.key)))
                .update_expression(update.expression())
                .set_condition_expression(update.condition())
                .set_expression_attribute_names(Some(update.names()))
                .set_expression_attribute_values(values)
                .build()
                .map_err(|e| Problem::internal(e.to_string()))?;
            Ok(TransactWriteItem::builder().update(update).build())
        }))
    }

    fn push_delete(
        &mut self,
        delete: Result<Delete, aws_sdk_dynamodb::error::BuildError>,
    ) -> Handle {
        self.push(
            delete
                .map(|d| TransactWriteItem::builder().delete(d).build())
                .map_err(|e| Problem::internal(e.to_string())),
        )
    }

    fn push(&mut self, item: Result<TransactWriteItem, Problem>) -> Handle {
        let handle = Handle(self.items.len());
        match item {
            Ok(item) => self.items.push(item),
            Err(fault) => self.fault = Some(fault),
        }
        handle
    }
}

/// An update of parts of one item, with its conditions. Paths are dotted, `grants.{id}.active`; a place
/// in a list is `times[9]`.
#[derive(Debug, Clone)]
pub struct Update {
    pub(super) key: Key,
    /// What is set, and to what, whose `:s` in it gets the place in this list.
    sets: Vec<Set>,
    removes: Vec<String>,
    adds: Vec<(String, i64)>,
    conditions: Vec<String>,
    names: Vec<String>,
    values: Vec<Value>,
    /// Whether it raises `rev`, though it changes nothing else.
    raises: bool,
}

type Value = Result<AttributeValue, String>;

/// A path that is set, to what, and the value that stands in it for `{}`.
#[derive(Debug, Clone)]
struct Set {
    path: String,
    to: String,
    value: Value,
}

impl Update {
    /// Begins an update of the item at `key`, which must be there.
    #[must_use]
    pub fn of(key: Key) -> Self {
        let mut update = Self::upsert(key);
        update.conditions.push("attribute_exists(PK)".into());
        update
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
            raises: false,
        }
    }

    fn path(&mut self, dotted: &str) -> String {
        let mut parts = Vec::new();
        for part in dotted.split('.') {
            let (name, place) = part.split_at(part.find('[').unwrap_or(part.len()));
            let at = self.names.iter().position(|n| n == name).unwrap_or_else(|| {
                self.names.push(name.to_owned());
                self.names.len() - 1
            });
            parts.push(format!("#n{at}{place}"));
        }
        parts.join(".")
    }

    fn value<T: Serialize>(&mut self, value: &T) -> String {
        self.values.push(serde_dynamo::to_attribute_value(value).map_err(|e| e.to_string()));
        format!(":v{}", self.values.len() - 1)
    }

    /// Sets an attribute. Of several rules of one change that set or remove it, the last counts.
    #[must_use]
    pub fn set<T: Serialize>(self, path: &str, value: &T) -> Self {
        self.set_to(path, "{}".into(), value)
    }

    fn set_to<T: Serialize + ?Sized>(mut self, path: &str, to: String, value: &T) -> Self {
        let path = self.path(path);
        let value = serde_dynamo::to_attribute_value(value).map_err(|e| e.to_string());
        self.removes.retain(|removed| *removed != path);
        self.sets.retain(|set| set.path != path);
        self.sets.push(Set { path, to, value });
        self
    }

    /// Puts values at the beginning of a list, which is made if it is not there.
    #[must_use]
    pub fn prepend<T: Serialize>(mut self, path: &str, values: &[T]) -> Self {
        let place = self.path(path);
        self.set_to(path, format!("list_append({{}}, if_not_exists({place}, {EMPTY}))"), values)
    }

    /// Removes an attribute. Of several rules of one change that set or remove it, the last counts.
    #[must_use]
    pub fn unset(mut self, path: &str) -> Self {
        let path = self.path(path);
        self.sets.retain(|set| set.path != path);
        if !self.removes.contains(&path) {
            self.removes.push(path);
        }
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

    /// Demands that at least one of these attributes is there.
    #[must_use]
    pub fn when_one_exists(mut self, paths: &[&str]) -> Self {
        let exists: Vec<String> =
            paths.iter().map(|path| format!("attribute_exists({})", self.path(path))).collect();
        self.conditions.push(format!("({})", exists.join(" OR ")));
        self
    }

    /// Demands that a map has so many entries, compared so.
    #[must_use]
    pub fn when_size(mut self, path: &str, comparison: &str, size: usize) -> Self {
        let (path, value) = (self.path(path), self.value(&size));
        self.conditions.push(format!("size({path}) {comparison} {value}"));
        self
    }

    /// Demands that a list is not there, or has fewer values than `size`.
    #[must_use]
    pub fn when_shorter(mut self, path: &str, size: usize) -> Self {
        let (path, value) = (self.path(path), self.value(&size));
        self.conditions.push(format!("(attribute_not_exists({path}) OR size({path}) < {value})"));
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

    pub(super) fn expression(&self) -> String {
        let mut clauses = Vec::new();
        if !self.sets.is_empty() {
            let set = |(i, set): (usize, &Set)| {
                format!("{} = {}", set.path, set.to.replace("{}", &format!(":s{i}")))
            };
            let sets: Vec<String> = self.sets.iter().enumerate().map(set).collect();
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

    pub(super) fn condition(&self) -> Option<String> {
        (!self.conditions.is_empty()).then(|| self.conditions.join(" AND "))
    }

    /// Whether it changes anything, or only demands something.
    pub(crate) fn is_update(&self) -> bool {
        let changes = !(self.sets.is_empty() && self.removes.is_empty() && self.adds.is_empty());
        self.raises || changes
    }

    pub(super) fn names(&self) -> HashMap<String, String> {
        let mut names: HashMap<String, String> =
            self.names.iter().enumerate().map(|(i, n)| (format!("#n{i}"), n.clone())).collect();
        if self.is_update() {
            names.insert("#rev".into(), "rev".into());
        }
        names
    }

    pub(super) fn values(&self) -> Result<Option<HashMap<String, AttributeValue>>, Problem> {
        let mut values = HashMap::new();
        for (i, value) in self.values.iter().enumerate() {
            values.insert(format!(":v{i}"), value.clone().map_err(Problem::internal)?);
        }
        for (i, set) in self.sets.iter().enumerate() {
            values.insert(format!(":s{i}"), set.value.clone().map_err(Problem::internal)?);
            if set.to.contains(EMPTY) {
                values.insert(EMPTY.into(), AttributeValue::L(Vec::new()));
            }
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

fn seen_value(rev: u64) -> Item {
    HashMap::from([(":seen".to_owned(), AttributeValue::N(rev.to_string()))])
}
