//! `latchkey-local`: the local home. See the library of this crate.

use std::io::Write;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use latchkey_local::database::Tables;
use latchkey_local::home::{Functions, Home};
use latchkey_local::issuer::Person;
use latchkey_local::keys::SigningKey;
use latchkey_local::room::{self, Room};
use latchkey_local::settings::Settings;
use latchkey_local::site::Practice;
use latchkey_local::{Trouble, functions, load, roster, samples};
use shared::{App, Problem};
use tracing::Level;
use tracing_subscriber::{Layer, filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

fn main() -> ExitCode {
    let began = Instant::now();
    // Fixed: at finer levels the engine and the SDK log what they are given.
    let filter = Targets::new()
        .with_default(Level::WARN)
        .with_target("latchkey_local", Level::INFO)
        .with_target("dynoxide", Level::ERROR);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_target(false)
        .compact()
        .with_filter(filter);
    tracing_subscriber::registry().with(lines).init();
    let ran = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => {
            let ran = runtime.block_on(run(began));
            // A sweep may be under way, which can stop at any moment.
            runtime.shutdown_timeout(Duration::from_secs(1));
            ran
        }
        Err(error) => Err(Trouble::new(format!("cannot start: {error}"))),
    };
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            eprintln!("latchkey: {trouble}");
            ExitCode::FAILURE
        }
    }
}

async fn run(began: Instant) -> Result<(), Trouble> {
    let settings = Settings::from_environment()?;
    if let Some(roster) = &settings.roster {
        roster::check(
            roster,
            shared::fields::At::from_millis(jiff::Timestamp::now().as_millisecond()),
        )?;
    }
    let tables = Tables { main: functions::TABLE.into(), history: functions::HISTORY_TABLE.into() };
    let home = Home::open(settings, tables).await?;
    let app = functions::app(&home)?;
    let environment = functions::environment(&home, &app);
    home.state()
        .replace("functions.env", environment.as_bytes())
        .map_err(|error| Trouble::new(error.to_string()))?;
    let functions = functions::functions(&home, &app)?;
    let (practices, room) = fill(&home, &app, &functions).await?;
    let origins = [home.staff_origin(), home.portal_origin(), home.room_origin()];
    let people = (functions.people)().await;
    let people = people.map_err(|_| Trouble::new("the staff lists cannot be read"))?;
    home.run(functions, &practices, &room, || announce(&origins, &people, began)).await
}

/// The sample practices, with their clients at the first start, and whatever roster was given; and the
/// sample room, which harbor has as its app.
async fn fill(
    home: &Home,
    app: &App,
    functions: &Functions,
) -> Result<(Vec<Practice>, Room), Trouble> {
    let trouble = |problem: Problem| {
        let cause = problem.cause().unwrap_or(problem.code());
        Trouble::new(format!("the sample practices cannot be loaded: {cause}"))
    };
    let harbor = samples::practice(app, "harbor", "Harbor Practice").await.map_err(trouble)?;
    let cove = samples::practice(app, "cove", "Cove Counseling").await.map_err(trouble)?;
    // The issuer has the port of this start.
    let issuer = home.staff_origin();
    let before = std::fs::read_to_string(home.state().file("issuer")).unwrap_or_default();
    for practice in [&harbor, &cove] {
        samples::staff(app, practice).await.map_err(trouble)?;
        if before != issuer {
            samples::match_anew(app, practice).await.map_err(trouble)?;
        }
    }
    home.state()
        .replace("issuer", issuer.as_bytes())
        .map_err(|error| Trouble::new(error.to_string()))?;
    // Written when all is there: a load that was broken off goes on at the next start.
    let loaded = home.state().file("loaded");
    if !loaded.exists() {
        samples::harbor(app, &harbor, &functions.api).await.map_err(trouble)?;
        samples::cove(app, &cove).await.map_err(trouble)?;
        home.state().replace("loaded", b"").map_err(|error| Trouble::new(error.to_string()))?;
    }
    let key = SigningKey::open(home.state(), "room-key.pem")?;
    let origin = home.room_origin();
    let registered = samples::room(app, &harbor, &key, &origin).await.map_err(trouble)?;
    let (issuer, client_id) = (home.portal_origin(), registered.to_string());
    let room = Room::new(room::Settings { issuer, origin, client_id, key })?;
    if let Some(file) = &home.settings().roster {
        let load::Loaded { new, known, alike, wrong, left_out } =
            load::roster(app, &harbor, file).await?;
        tell(&format!(
            "Roster: {new} clients are new, {known} were there, {alike} may be somebody who is there, {wrong} rows are wrong, {left_out} fields were left out."
        ));
    }
    let shown = |practice: shared::practice::Practice| Practice {
        id: practice.practice.to_string(),
        name: practice.name,
    };
    Ok((vec![shown(harbor), shown(cove)], room))
}

fn announce([staff, portal, room]: &[String; 3], people: &[Person], began: Instant) {
    tell(&format!("Latchkey is ready after {:.1} s.\n", began.elapsed().as_secs_f64()));
    tell(&format!("  Staff     {staff}"));
    tell(&format!("  Clients   {portal}"));
    tell(&format!("  Room      {room}"));
    tell(&format!("  Mailbox   {staff}/mailbox\n"));
    tell("Sign in as");
    for Person { name, email, practice, role } in people {
        tell(&format!("  {name:<16} {:<22} {practice} {role}", email.as_str()));
    }
    tell("\nCtrl-C stops it; what was done stays.");
}

/// Says a line on standard output. Whoever reads it may have gone (`| head -1`), which is no reason
/// for the home to stop: `println!` would panic.
fn tell(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
