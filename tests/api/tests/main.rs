//! The rules of Latchkey, tried through its API.

mod access;
mod addresses;
mod asked;
mod devices;
mod document;
mod edge;
mod edits;
mod enrollment;
mod faults;
mod history;
mod identity;
mod input;
mod interleavings;
mod mail;
mod mail_budget;
mod mail_notices;
mod matrix;
mod reset;
mod restore;
mod roster;
mod router;
mod search;
mod sign_in;
mod staff_sign_in;
mod tenancy;
mod upgrade;
