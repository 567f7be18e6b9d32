//! Search over clients: what is stored so that a client can be found, and which reads find it.
//!
//! This module hides how text becomes tokens, how tokens spread over partitions, and how a query
//! turns into a few bounded reads. It does no I/O: [`entries`] says what to write beside a client,
//! [`Plan::reads`] what to read, and [`Plan::page`] what the reads amount to.
//!
//! **What is stored.** Each [`Entry`] becomes an item with `PK = …S#<partition>`,
//! `SK = <key>#<kind><last name> <first name>#<clientId>` and its `words` as an attribute. An entry
//! of a portal user ends with `#<clientId>.<portalUserId>`.
//!
//! | kind | partition | key | read by |
//! | --- | --- | --- | --- |
//! | token | its first two characters (`sm`), or its first if that is a CJK character (`李`) | the token | a word's beginning |
//! | pair of names, or name and date of birth | both partitions (`ja+sm`) | both letter by letter (`jsamnieth`) | two beginnings |
//! | sound | `~` and the name's first letter and consonant classes (`~sdm`) | the name | a misspelt word |
//! | sound beside a name | that and the other name's partition (`~sdm+ja`) | the other name, the name | two words, one misspelt |
//!
//! `words` holds every token of the client between single spaces: last names, `+` first and
//! preferred names, `~` former names, `/` all else. A quote in a chunk marks where another token
//! begins that goes on to the chunk's end: `hp'100050` is `hp100050` and `100050`. In an entry of a
//! portal user, `%` precedes the names of the client. Folding leaves nothing but letters and digits
//! in a token, so none of these marks can be forged.
//!
//! **Changing the rules below** (folding, classes, limits) makes stored entries disagree with new
//! plans: the entries then have to be rebuilt.

mod dates;
mod entries;
mod fold;
mod likeness;
mod pairs;
mod phone;
mod plan;
mod query;
mod words;

pub use self::{
    dates::Order,
    entries::{
        Entry, MAX_ENTRIES, MAX_PERSON_ENTRIES, Named, Person, Subject, entries, person_entries,
    },
    fold::{fold, spellings},
    likeness::{born_alike, may_be_alike, names_alike},
    plan::{Candidate, MOST_READ, Page, Place, Plan, Range, Read, TooShort, Window, plan},
};

#[cfg(test)]
mod tests;
