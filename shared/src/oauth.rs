//! Apps behind the door: who is registered, what an app may ask, and what it is told.
//!
//! A person signs in once, to the portal. An app gets a code, and for it an access token, only within
//! that session: codes and tokens stand in the account's session, as hashes. So every question of an app
//! is answered from one consistent read of the account, by the same rule of epochs that decides whether
//! the portal itself opens a chart, and a token ends with its session, or when no chart is left.
//!
//! Profile: OAuth 2.1 and FAPI 2.0 Security Profile, without pushed requests and sender-constrained
//! tokens; OpenID Connect Core 1.0.

pub mod address;
pub mod app;
pub mod caller;
pub mod id_token;
pub mod notice;
pub mod pass;
pub mod question;
pub mod system;
