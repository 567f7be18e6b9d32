//! The program as the restore command starts it: what it reads, what it says, and that it ends well only
//! when everything is closed. What it closes is tried in `tests/api`.

use std::{
    io::Write,
    process::{Command, Output, Stdio},
};

use latchkey_local::{
    database::{Database, Endpoint, Tables},
    guard::AccessKey,
};

/// The words of a restoration of now.
const WORDS: [&str; 5] =
    ["copy", "--moment", "2026-11-22T14:00:00.000Z", "--now", "2026-11-22T15:00:00.000Z"];
/// An event about a chart that is not there.
const EVENT: &str = r#"{"PK":"P#harbor#C#01KAV0000000000000000000C1","SK":"01KAV0000000000000000000E1","eventId":"01KAV0000000000000000000E1","practice":"harbor","clientId":"01KAV0000000000000000000C1","portalUserId":"01KAV0000000000000000000A1","at":"2026-11-22T14:30:00.000Z","actor":{"id":"dana","name":"Dana","role":"admin"},"action":"access-revoked","changed":["status"],"source":"","requestId":"1"}"#;

/// A table, and what its users need.
struct Table {
    endpoint: Endpoint,
    key: AccessKey,
}

fn table() -> Table {
    let tables = Tables { main: "main".into(), history: "history".into() };
    let database = Database::in_memory(tables).expect("a database");
    let key = AccessKey::new();
    let endpoint = database.serve(&key).expect("an endpoint");
    Table { endpoint, key }
}

fn run(at: &str, key: &AccessKey, words: &[&str], input: &str) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_latchkey-restore"))
        .args(words)
        .env_clear()
        .envs([
            ("TABLE", "main"),
            ("HISTORY_TABLE", "history"),
            ("TOKEN_SECRET", "a secret for tests"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ENDPOINT_URL_DYNAMODB", at),
            ("AWS_ACCESS_KEY_ID", key.id()),
            ("AWS_SECRET_ACCESS_KEY", key.secret()),
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program");
    // It may have refused its words before it reads.
    let _ = program.stdin.take().expect("its input").write_all(input.as_bytes());
    program.wait_with_output().expect("its end")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("text")
}

#[test]
fn it_says_what_it_closed() {
    let table = table();
    for more in [&[][..], &["--rehearse"]] {
        let words = [&WORDS[..], more].concat();
        let done = run(&table.endpoint.url, &table.key, &words, &format!("{EVENT}\n"));
        assert!(done.status.success(), "{}", text(&done.stderr));
        let kinds = [
            "revoked",
            "deleted",
            "passwords",
            "factors",
            "links",
            "charts",
            "safe",
            "apps",
            "staff",
        ];
        let none = kinds.map(|kind| format!("\"{kind}\":0")).join(",");
        assert_eq!(text(&done.stdout).trim(), format!("{{{none}}}"));
    }
    table.endpoint.stop();
}

#[test]
fn it_does_not_end_well_when_it_cannot_know_what_to_close() {
    let table = table();
    let (url, key) = (table.endpoint.url.clone(), &table.key);
    let refused = |words: &[&str], input: &str, why: &str| {
        let done = run(&url, key, words, input);
        assert!(!done.status.success(), "{words:?} {input}");
        assert!(text(&done.stderr).contains(why), "{}", text(&done.stderr));
        assert!(done.stdout.is_empty());
    };
    let usage = "latchkey-restore <name>";
    for cut in [&WORDS[..1], &WORDS[..3], &WORDS[1..], &[]] {
        refused(cut, "", usage);
    }
    refused(&[&WORDS[..], &["--rehearsal"]].concat(), "", usage);
    refused(&["copy", "--moment", "yesterday", "--now", WORDS[4]], "", usage);
    refused(&WORDS, &format!("{EVENT}\n{{\"at\":1}}\n"), "line 2");
    let about_nobody = EVENT.replace(r#""portalUserId":"01KAV0000000000000000000A1","#, "");
    refused(&WORDS, &about_nobody, "Restore with the version that wrote it");
    table.endpoint.stop();
    refused(&WORDS, EVENT, "the chart 01KAV0000000000000000000C1 of harbor");
}
