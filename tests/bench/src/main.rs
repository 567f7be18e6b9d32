//! `make bench`: what every operation asks of the table at 1,000 and at 100,000 clients, and at
//! `CLIENTS` where that is given; how long a search takes, and how the local home does with 10,000.
//! Prints Markdown; fails when a promise of the design is not kept.

mod bulk;
mod home;
mod lists;
mod meter;
mod names;
mod operations;
mod place;
mod races;
mod searches;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use bulk::Resent;
use operations::Ledger;
use place::{Cost, Place};
use races::Races;
use searches::{Search, percentile};
use serde_json::{Value, json};

const SIZES: [usize; 2] = [1000, 100_000];
/// Most times that an operation waits for the table.
const ROUNDS: usize = 2;
/// Most times that a successful sign-in waits: until the password was right, little is read.
const SIGN_IN_ROUNDS: usize = 3;
/// Most requests of a sign-in of staff, which are counted one by one: two of them go side by side.
const STAFF_SIGN_IN: usize = 4;
/// Most times that preparing a change for many waits: for whom it is, their items, what their addresses hold, and
/// to write it down.
const BULK_ROUNDS: usize = 4;
/// Most search entries that a page of 20 reads.
const ENTRIES: i32 = 600;
/// Most read units of a page of 20.
const UNITS: f64 = 40.0;
/// Most read units of a page of a list.
const LIST_UNITS: f64 = 100.0;
/// How much slower searches may be than at 1,000 clients: nineteen in twenty of them.
const SLOWER: f64 = 1.5;
/// How much slower a question of an app may be than the portal's own: ninety-nine in a hundred of them.
const BESIDE: f64 = 1.3;
/// Fewest races.
const RACES: usize = 10_000;

/// What was measured at one size.
struct Measured {
    ledger: Ledger,
    searches: Vec<Search>,
    lists: Vec<Search>,
    /// At the smallest size alone.
    races: Option<Races>,
}

fn main() -> ExitCode {
    let folder = Folder::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let more = std::env::var("CLIENTS").ok().map(|text| text.parse().expect("a number of CLIENTS"));
    let sizes: Vec<usize> = SIZES.into_iter().chain(more).collect();
    let measured: Vec<Measured> = sizes
        .iter()
        .map(|size| {
            eprintln!("{size} clients …");
            runtime.block_on(measure(*size, &folder.0.join(size.to_string())))
        })
        .collect();
    eprintln!("ten thousand invitations again …");
    let resent = runtime.block_on(bulk::resent(&folder.0.join("resent")));
    eprintln!("the local home …");
    let home = home::measure(&folder.0);

    let mut broken = BTreeSet::new();
    for (size, large) in sizes.iter().zip(&measured).skip(1) {
        print_operations(*size, &measured[0].ledger, &large.ledger, &mut broken);
    }
    let searches: Vec<&[Search]> = measured.iter().map(|m| &m.searches[..]).collect();
    print_pages("Search", "a search", UNITS, &sizes, &searches, &mut broken);
    let lists: Vec<&[Search]> = measured.iter().map(|m| &m.lists[..]).collect();
    print_pages("Lists", "a page of a list", LIST_UNITS, &sizes, &lists, &mut broken);
    if let Some(races) = &measured[0].races {
        print_races(races, &mut broken);
    }
    print_resent(&resent, &mut broken);
    print_home(&home, &mut broken);
    if let Some(file) = std::env::var_os("BENCH_JSON") {
        std::fs::write(file, figures(&measured[1]).to_string()).expect("a file to write to");
    }
    for promise in &broken {
        eprintln!("not kept: {promise}");
    }
    if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What `make cost` computes with: the figures at the larger size. A search's are the mean of all.
fn figures(Measured { ledger, searches, .. }: &Measured) -> Value {
    let one = |cost: &Cost| {
        json!({
            "requests": cost.requests,
            "rounds": cost.rounds,
            "read": cost.used.read,
            "write": cost.used.write,
        })
    };
    let operations: Value =
        ledger.iter().map(|(name, cost)| ((*name).to_owned(), one(cost))).collect();
    let count = f64::from(u32::try_from(searches.len()).expect("some kinds of searches"));
    let read = searches.iter().map(|search| search.cost.used.read).sum::<f64>() / count;
    json!({"sizes": SIZES, "operations": operations, "searches": {"read": read}})
}

async fn measure(size: usize, folder: &Path) -> Measured {
    let place = Place::of(size, folder).await;
    let (ledger, staff) = operations::all(&place).await;
    let searches = searches::all(&place, &staff).await;
    let lists = lists::all(&place, &staff).await;
    let races = if size == SIZES[0] { Some(races::all(&place, &staff).await) } else { None };
    place.close();
    Measured { ledger, searches, lists, races }
}

fn print_operations(size: usize, small: &Ledger, large: &Ledger, broken: &mut BTreeSet<String>) {
    println!("## Operations\n");
    println!(
        "At 1,000 clients; where {size} make a difference, it follows an arrow. A round trip begins \
         when all requests before it have been answered.\n"
    );
    println!("| operation | requests | round trips | read units | write units |");
    println!("| --- | --- | --: | --: | --: |");
    for ((name, a), (_, b)) in small.iter().zip(large) {
        println!("| {name} | {} |", columns(a, b));
        check(name, a, b, broken);
    }
    println!();
    let document: Value = serde_json::from_str(health::DOCUMENT).expect("the API document");
    let paths = document["paths"].as_object().expect("paths");
    let operations = paths.values().filter_map(Value::as_object).flatten();
    for id in operations.filter_map(|(_, operation)| operation["operationId"].as_str()) {
        if !small.iter().any(|(name, _)| *name == id) {
            broken.insert(format!("{id} is measured"));
        }
    }
}

fn columns(a: &Cost, b: &Cost) -> String {
    let counted = |cost: &Cost| {
        let mut counted: Vec<(String, usize)> = Vec::new();
        for request in &cost.requests {
            match counted.iter_mut().find(|(known, _)| known == request) {
                Some((_, count)) => *count += 1,
                None => counted.push((request.clone(), 1)),
            }
        }
        let one = |(request, count): &(String, usize)| match count {
            1 => request.clone(),
            count => format!("{count} {request}"),
        };
        counted.iter().map(one).collect::<Vec<_>>().join(", ")
    };
    let both = |a: String, b: String| if a == b { a } else { format!("{a} → {b}") };
    [
        both(counted(a), counted(b)),
        both(a.rounds.to_string(), b.rounds.to_string()),
        both(a.used.read.to_string(), b.used.read.to_string()),
        both(a.used.write.to_string(), b.used.write.to_string()),
    ]
    .join(" | ")
}

fn check(name: &str, a: &Cost, b: &Cost, broken: &mut BTreeSet<String>) {
    let most = match name {
        "sign-in" | "sign-in, a second factor is asked for" | "staff-sign-in.switch" => {
            SIGN_IN_ROUNDS
        }
        "bulk" => BULK_ROUNDS,
        "staff-sign-in.callback" => STAFF_SIGN_IN,
        _ => ROUNDS,
    };
    for cost in [a, b] {
        if cost.rounds > most && !operations::BEHIND.contains(&name) {
            broken.insert(format!("{name} takes {most} round trips, not {}", cost.rounds));
        }
    }
    let sorted = |cost: &Cost| {
        let mut requests = cost.requests.clone();
        requests.sort_unstable();
        requests
    };
    if sorted(a) != sorted(b) || a.rounds != b.rounds {
        broken.insert(format!("{name} asks the same whatever the size"));
    }
    for (_, allowed) in operations::STRICT.iter().filter(|(strict, _)| *strict == name) {
        if sorted(b) != *allowed {
            broken.insert(format!("{name} asks for {}", allowed.join(", ")));
        }
    }
}

fn print_pages(
    title: &str,
    what: &str,
    units: f64,
    sizes: &[usize],
    measured: &[&[Search]],
    broken: &mut BTreeSet<String>,
) {
    println!("## {title}\n");
    println!(
        "Entries read are what the queries looked at; read units are those of the whole answer. \
         Times in milliseconds, in process, one after the other.\n"
    );
    println!(
        "| what | clients | hits | requests | round trips | entries read | read units | p50 | p95 |"
    );
    println!("| --- | --: | --: | --: | --: | --: | --: | --: | --: |");
    let mut smallest = None;
    for (size, searches) in sizes.iter().zip(measured) {
        for search in *searches {
            let Search { kind, hits, cost, times } = search;
            println!(
                "| {kind} | {size} | {hits} | {} | {} | {} | {} | {} | {} |",
                cost.requests.len(),
                cost.rounds,
                cost.used.looked,
                cost.used.read,
                milliseconds(percentile(times, 50)),
                milliseconds(percentile(times, 95)),
            );
            if cost.rounds > ROUNDS {
                broken.insert(format!("{what} takes {ROUNDS} round trips: {kind}"));
            }
            if cost.used.looked > ENTRIES {
                broken.insert(format!("{what} reads {ENTRIES} entries at {size}: {kind}"));
            }
            if cost.used.read > units {
                broken.insert(format!("{what} takes {units} read units at {size}: {kind}"));
            }
            if kind.contains("slip") && *hits == 0 {
                broken.insert(format!("a slip is forgiven at {size} clients: {kind}"));
            }
        }
        let mut all: Vec<Duration> = searches.iter().flat_map(|s| s.times.clone()).collect();
        all.sort_unstable();
        let slow = percentile(&all, 95);
        let limit = smallest.get_or_insert(slow).mul_f64(SLOWER);
        if slow > limit {
            broken.insert(format!("{what} takes {SLOWER} times as long at {size} as at 1,000"));
        }
        println!(
            "| **all** | {size} | | | | | | {} | {} |",
            milliseconds(percentile(&all, 50)),
            milliseconds(percentile(&all, 95)),
        );
    }
    println!();
}

fn print_races(races: &Races, broken: &mut BTreeSet<String>) {
    println!("## Access that ends\n");
    println!("| | of | limit |");
    println!("| --- | --: | --: |");
    println!(
        "| questions beside a revocation that were answered before it: {} | {} | |",
        races.open, races.beside
    );
    for (what, bad, of) in [
        ("questions after a revocation that let somebody in", races.let_in, races.after),
        ("alerts to a person who was revoked before they were sent", races.told, races.alerts),
        ("requests of staff after their removal that were answered", races.stayed, races.removed),
    ] {
        println!("| {what}: **{bad}** | {of} | 0 |");
        if bad > 0 || of < RACES {
            broken.insert(format!("no {what}, of {RACES}"));
        }
    }
    println!("\n| question | p50 | p99 | beside the session's |");
    println!("| --- | --: | --: | --: |");
    let usual = percentile(&races.times[0].1, 99);
    for (name, times) in &races.times {
        let slow = percentile(times, 99);
        let ratio = slow.as_secs_f64() / usual.as_secs_f64();
        let half = milliseconds(percentile(times, 50));
        println!("| {name} | {half} | {} | {ratio:.2} |", milliseconds(slow));
        if ratio > BESIDE {
            broken.insert(format!("{name} takes {BESIDE} times what the session's takes"));
        }
    }
    println!();
}

fn print_resent(resent: &Resent, broken: &mut BTreeSet<String>) {
    println!("## Invitations again, in bulk\n");
    println!("| of {} people | | limit |", bulk::PEOPLE);
    println!("| --- | --: | --: |");
    println!("| rows that were made | {} | {} |", resent.done, bulk::PEOPLE);
    println!("| workers killed in the midst of a step | {} | |", resent.steps_killed);
    println!("| workers killed in the midst of a mail | {} | |", resent.mails_killed);
    println!("| people without a mail | {} | 0 |", resent.none);
    println!("| people for whom a second mail was written | {} | 0 |", resent.doubled);
    println!(
        "| mails that the mail service took twice, for want of a word that it did | {} | {} |\n",
        resent.repeated, resent.mails_killed
    );
    let killed = [resent.steps_killed, resent.mails_killed];
    if killed.iter().any(|killed| *killed < bulk::KILLS) {
        broken.insert(format!("the worker is killed {} times", bulk::KILLS));
    }
    if resent.done != bulk::PEOPLE || resent.none > 0 || resent.doubled > 0 {
        broken.insert("in bulk everybody gets one mail".into());
    }
    if resent.repeated > resent.mails_killed {
        broken.insert("a mail goes out twice only where its worker was killed".into());
    }
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1000.0)
}

fn print_home(home: &home::Home, broken: &mut BTreeSet<String>) {
    println!("## Local home\n");
    println!("| with {} clients and {} guardians | | limit |", home.people.0, home.people.1);
    println!("| --- | --: | --: |");
    let mebibytes = home.memory / 1024 / 1024;
    for (what, time, limit) in [
        ("first start, which loads the roster", home.loaded, Duration::from_mins(5)),
        ("second start", home.ready, Duration::from_secs(2)),
    ] {
        println!("| {what} | {:.2} s | {} s |", time.as_secs_f64(), limit.as_secs());
        if time > limit {
            broken.insert(format!("the {what} takes less than {} s", limit.as_secs()));
        }
    }
    println!("| memory | {mebibytes} MiB | 200 MB |");
    if home.memory > 200_000_000 {
        broken.insert("the home needs less than 200 MB".into());
    }
}

/// A folder that is gone when this is.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("latchkey-bench-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed stays among the temporary files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
