//! The local home as a program of its own, with ten thousand clients.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use latchkey_local::roster::COLUMNS;

use crate::names;

/// Clients of the roster.
const CLIENTS: usize = 10_000;
/// One client in so many has a guardian: some 1,500 of them.
const GUARDIANS: usize = 7;

/// What was measured.
pub struct Home {
    /// From the first start, which loads the roster, until it was ready.
    pub loaded: Duration,
    /// From the second start until it was ready.
    pub ready: Duration,
    /// The most memory it has taken by then, in bytes.
    pub memory: u64,
    /// How many clients and guardians were in the roster.
    pub people: (usize, usize),
}

/// Starts the home with a roster, stops it, and starts it again.
pub fn measure(folder: &Path) -> Home {
    let roster = folder.join("roster.csv");
    let guardians = write(&roster).expect("a roster");
    let state = folder.join("state");
    let (first, loaded) = start(&state, Some(&roster));
    stop(first);
    let (second, ready) = start(&state, None);
    let memory = memory(&second).expect("its memory");
    stop(second);
    Home { loaded, ready, memory, people: (CLIENTS, guardians) }
}

/// Writes a roster; answers how many guardians are in it.
fn write(path: &Path) -> std::io::Result<usize> {
    let mut file = std::io::BufWriter::new(fs::File::create(path)?);
    writeln!(file, "{}", COLUMNS.join(","))?;
    let mut guardians = 0;
    for number in 0..CLIENTS {
        let mut person = names::person(number);
        let names::Person { first, last, born, email, phone, record, .. } = &person;
        write!(file, "{record},{first},{last},,{born},{email},{phone},Dr. R. Lindqvist,")?;
        if person.dice.below(GUARDIANS) == 0 {
            guardians += 1;
            let parent = names::person(CLIENTS + number);
            writeln!(file, "{},{},{},parent", parent.first, person.last, parent.email)?;
        } else {
            writeln!(file, ",,,")?;
        }
    }
    file.flush()?;
    Ok(guardians)
}

/// The program: where the Makefile says, or beside this one.
fn program() -> PathBuf {
    std::env::var_os("LATCHKEY_LOCAL").map_or_else(
        || std::env::current_exe().expect("a path").with_file_name("latchkey-local"),
        PathBuf::from,
    )
}

/// A home that runs. What it prints goes here as long as it does.
struct Running {
    child: Child,
    _printed: BufReader<ChildStdout>,
}

fn start(state: &Path, roster: Option<&Path>) -> (Running, Duration) {
    let began = Instant::now();
    let mut command = Command::new(program());
    command.env("PORT", "0").env("STATE_DIR", state).env_remove("ROSTER");
    if let Some(roster) = roster {
        command.env("ROSTER", roster);
    }
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("latchkey-local, built: cargo build -p latchkey-local");
    let mut printed = BufReader::new(child.stdout.take().expect("its output"));
    let mut lines = printed.by_ref().lines().map_while(Result::ok);
    assert!(lines.any(|line| line.contains("ready")), "it stopped before it was ready");
    let ready = began.elapsed();
    (Running { child, _printed: printed }, ready)
}

/// Resident memory, in bytes.
fn memory(home: &Running) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", home.child.id())).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kibibytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes * 1024)
}

fn stop(mut home: Running) {
    let told = Command::new("kill").arg(home.child.id().to_string()).status();
    assert!(told.is_ok_and(|status| status.success()), "it can be told to stop");
    assert!(home.child.wait().is_ok_and(|status| status.success()), "it stops in order");
}
