//! What Latchkey's functions share: keys and access patterns, entities and their rules, problems,
//! sessions, mail, and search. A function holds its use case, top to bottom; a rule about one
//! entity lives here, with the entity.

pub mod account;
pub mod alert;
pub mod alike;
pub mod app;
pub mod ask;
pub mod bulk;
pub mod caller;
pub mod chart;
pub mod client;
pub mod config;
pub mod context;
pub mod cookie;
pub mod dead_link;
pub mod device;
pub mod es256;
pub mod factor;
pub mod fields;
pub mod history;
pub mod id;
pub mod idempotency;
pub mod jwt;
pub mod keys;
pub mod lambda;
pub mod letter;
pub mod limited;
pub mod lists;
pub mod lockout;
pub mod mail;
pub mod mail_budget;
pub mod metrics;
pub mod mirror;
pub mod oauth;
pub mod openapi;
pub mod outbox;
pub mod password;
pub mod portal_user;
pub mod practice;
pub mod problem;
pub mod proof;
mod refusal;
mod routes;
pub mod search;
pub mod session;
pub mod staff;
pub mod step_up;
pub mod store;
mod strict;
pub mod team;
pub mod token;
pub mod visitor;
pub mod web;

pub use app::App;
pub use problem::Problem;
pub use routes::Routes;
