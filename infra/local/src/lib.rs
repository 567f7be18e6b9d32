//! Latchkey's local home: the same functions as in AWS, with a local stand-in for each thing they
//! reach over the network, in one program and one folder of state.
//!
//! | in AWS | here |
//! | --- | --- |
//! | `DynamoDB`, its stream and time to live | [`database`], [`stream`] |
//! | Lambda's event source mapping | [`stream`] |
//! | SES and its event publishing | [`ses`], with the mail kept by [`mail`] and shown by [`mailbox`] |
//! | Cognito | [`issuer`] |
//! | `CloudFront` and the site's bucket | [`site`], [`headers`] |
//! | IAM and time limits | [`guard`], [`listener`] |
//!
//! Beside them stands an app that uses the portal: the sample [`room`].
//!
//! A function cannot tell which home it is in: it gets other addresses, nothing else.

pub mod database;
pub mod functions;
pub mod guard;
pub mod headers;
pub mod home;
pub mod issuer;
pub mod keys;
pub mod listener;
pub mod load;
pub mod mail;
pub mod mailbox;
pub mod page;
pub mod room;
pub mod roster;
pub mod samples;
pub mod ses;
pub mod settings;
pub mod site;
pub mod state;
pub mod stream;

/// Why the home cannot start, as one line for the person at the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble(String);

impl Trouble {
    /// `line` says what is wrong and, where it can, what to do about it.
    pub fn new(line: impl Into<String>) -> Self {
        Self(line.into())
    }
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Trouble {}

/// What a function driven by an event may fail with: shown in the log, and the event is retried.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The wait before try number `attempts + 1`: doubles from half a second up to a minute.
fn back_off(attempts: u32) -> std::time::Duration {
    std::time::Duration::from_millis(500 << attempts.saturating_sub(1).min(7))
        .min(std::time::Duration::from_mins(1))
}
