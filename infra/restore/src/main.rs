//! Does again what closed access since a moment, on a table that was put back to it.
//!
//! `latchkey-restore <name> --moment <time> --now <time> [--rehearse]` reads the events of the history
//! since then from standard input, a line of JSON each, and says on standard output what it closed, as
//! JSON. It ends with 0 only when everything is closed. `now` is the time by AWS's clock: that of the
//! machine may be wrong. A rehearsal writes nothing.
//!
//! The environment is that of a function: `TABLE`, `HISTORY_TABLE`, `TOKEN_SECRET` or
//! `TOKEN_SECRET_ARN`, and what says where AWS is and who asks.

use std::{
    env,
    io::{self, BufRead, Write},
    process::ExitCode,
    time::Instant,
};

use latchkey_restore::{Closed, Restoration, Told, Trouble};
use shared::{
    App,
    config::{self, Config, Edge},
    context::{Clock, system_entropy},
    fields::At,
};

type Fault = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match Box::pin(run()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error is where this goes, or nowhere.
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Fault> {
    let arguments = Arguments::read(env::args().skip(1))?;
    let events = events(io::stdin().lock())?;
    let app = app(arguments.now).await?;
    let restoration =
        Restoration::new(&app, &arguments.name, arguments.moment, arguments.rehearsal);
    let closed: Closed = Box::pin(restoration.close(events)).await?;
    writeln!(io::stdout(), "{}", serde_json::to_string(&closed)?)?;
    Ok(())
}

struct Arguments {
    name: String,
    moment: At,
    now: At,
    rehearsal: bool,
}

impl Arguments {
    fn read(words: impl Iterator<Item = String>) -> Result<Self, Trouble> {
        let usage =
            || Trouble::new("latchkey-restore <name> --moment <time> --now <time> [--rehearse]");
        let (mut name, mut moment, mut now, mut rehearsal) = (None, None, None, false);
        let mut words = words;
        while let Some(word) = words.next() {
            match word.as_str() {
                "--moment" => moment = words.next().as_deref().and_then(time),
                "--now" => now = words.next().as_deref().and_then(time),
                "--rehearse" => rehearsal = true,
                _ if name.is_none() && !word.starts_with('-') => name = Some(word),
                _ => return Err(usage()),
            }
        }
        match (name, moment, now) {
            (Some(name), Some(moment), Some(now)) => Ok(Self { name, moment, now, rehearsal }),
            _ => Err(usage()),
        }
    }
}

fn time(text: &str) -> Option<At> {
    serde_json::from_value(text.into()).ok()
}

/// Reads the events, a line each.
fn events(input: impl BufRead) -> Result<Vec<Told>, Trouble> {
    let mut events = Vec::new();
    for (number, line) in input.lines().enumerate() {
        let line = line.map_err(|error| Trouble::new(format!("the events: {error}")))?;
        events.push(serde_json::from_str(&line).map_err(|error| {
            Trouble::new(format!("line {} of the events is none: {error}", number + 1))
        })?);
    }
    Ok(events)
}

/// The tables, with a clock that goes on from `now`. No session is signed or checked here.
async fn app(now: At) -> Result<App, Fault> {
    let sdk = config::sdk()?;
    let (table, history_table) = config::tables()?;
    let Some(token_secret) = config::token_secret(&sdk).await? else {
        return Err(Trouble::new("TOKEN_SECRET or TOKEN_SECRET_ARN is not set").into());
    };
    let config = Config {
        table,
        history_table,
        staff_origin: String::new(),
        portal_origin: String::new(),
        edge: Edge::None,
        token_issuer: String::new(),
        verifying_keys: r#"{"keys":[]}"#.to_owned(),
        signing: None,
        token_secret: Some(token_secret),
        deployment: None,
    };
    let started = Instant::now();
    let clock: Clock = std::sync::Arc::new(move || {
        let passed = i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX);
        At::from_millis(now.millis().saturating_add(passed))
    });
    App::new(config, aws_sdk_dynamodb::Client::new(&sdk), clock, system_entropy())
}
