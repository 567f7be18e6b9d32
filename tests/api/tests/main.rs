//! The rules of Latchkey, tried through its API.

mod access;
