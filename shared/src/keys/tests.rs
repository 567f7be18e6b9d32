use std::{collections::BTreeMap, env, fs, path::Path};

use serde_json::{Value, json};

use super::*;
use crate::id::{AccountKey, AddressKey, AskId, LoginKey, StaffId};

/// A name of the code as the rest of the project writes it.
fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut name, word| {
        name.push_str(&word[..1].to_uppercase());
        name.push_str(&word[1..]);
        name
    })
}

fn table(table: Table) -> Value {
    let indexes: Vec<Value> = table
        .indexes
        .iter()
        .map(|index| {
            json!({
                "name": index.name,
                "partitionKey": index.partition_key,
                "sortKey": index.sort_key,
                "projection": index.projection,
                "attributes": index.attributes,
            })
        })
        .collect();
    json!({"stream": table.stream, "timeToLive": table.time_to_live, "indexes": indexes})
}

/// The declaration, as everything that is not Rust reads it.
fn declaration() -> String {
    let partitions: BTreeMap<String, &str> =
        PARTITIONS.iter().map(|(name, pattern)| (camel(name), *pattern)).collect();
    let items: BTreeMap<String, Value> = KINDS
        .iter()
        .map(|kind| {
            let partition = camel(kind.partition);
            let item =
                json!({"table": kind.table, "partition": partition, "sortKey": kind.sort_key});
            (camel(kind.name), item)
        })
        .collect();
    let all = json!({
        "tables": {"main": table(MAIN), "history": table(HISTORY)},
        "partitions": partitions,
        "items": items,
        "sortKeysBegin": {
            "access": ACCESS, "alert": ALERT, "ask": ASK, "lapse": LAPSE, "lockout": LOCKOUT, "mail": MAIL,
            "notice": NOTICE, "step": STEP,
        },
        "outbox": {"index": OUTBOX, "pending": PENDING},
        "streamed": {"deliver": NOTICED, "send-mail": MAILED},
    });
    serde_json::to_string_pretty(&all).unwrap() + "\n"
}

#[test]
fn the_committed_declaration_is_the_one_the_code_makes() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("keys.json");
    if env::var_os("UPDATE_KEYS").is_some() {
        fs::write(&file, declaration()).unwrap();
    }
    let committed = fs::read_to_string(&file).unwrap();
    assert!(committed == declaration(), "shared/keys.json is old: make keys");
}

/// One key of every kind, by the kind's name.
fn one_of_each() -> Vec<(&'static str, Key)> {
    let p = PracticeId::parse("harbor").unwrap();
    let ulid = Ulid::from_parts(1, 2);
    let (chart, user, event) = (ClientId::new(ulid), PortalUserId::new(ulid), EventId::new(ulid));
    let number = RecordNumber::parse("HC/2024-0017").unwrap();
    let found = Found { client: chart, user: Some(user) };
    vec![
        ("practice", practice(&p)),
        ("client", client(&p, chart)),
        ("portal_user", portal_user(&p, chart, user)),
        ("mail", mail(&p, chart, MailId::new(ulid))),
        ("alert", alert(&p, chart, AlertId::new(ulid))),
        ("hush", hush(&p, chart, Addressee::PortalUser(user))),
        ("record", record(&p, &number)),
        ("account", account(&p, &AccountKey::from_bytes([1; 16]))),
        ("challenge", challenge(&p, &AccountKey::from_bytes([1; 16]), "digest")),
        ("moved", moved(&p, AccountId::new(ulid))),
        ("door", door(&p, "digest")),
        (
            "address",
            address(&p, &AddressKey::from_bytes([1; 16]), &AccountKey::from_bytes([1; 16])),
        ),
        ("ask", ask(&p, &AccountKey::from_bytes([1; 16]), AskId::new(ulid))),
        ("bulk", bulk(&p, BulkId::new(ulid))),
        ("bulk_rows", bulk_rows(&p, BulkId::new(ulid), 7)),
        ("step", step(&p, BulkId::new(ulid), StepId::new(ulid))),
        ("app", app(&p, ulid)),
        ("notice", notice(&p, NoticeId::new(ulid))),
        ("assertion", assertion(&p, "digest")),
        ("posts", posts(&p, ulid, 475_000)),
        ("staff_session", staff_session(&p, StaffId::new(ulid), SessionId::new(ulid))),
        ("team", team(&p)),
        ("member", member(&p, StaffId::new(ulid))),
        ("login", login(&LoginKey::from_bytes([1; 16]), &p)),
        ("lock", lock(&p, &AccountKey::from_bytes([1; 16]))),
        ("lockout", lockout(&p, &AccountKey::from_bytes([1; 16]), LockoutId::new(ulid))),
        ("lapse", lapse(&p, &AccountKey::from_bytes([1; 16]), LapseId::new(ulid))),
        ("device", device(&p, &AccountKey::from_bytes([1; 16]), "hmac")),
        ("source", source("hmac")),
        ("budget", budget(&p, "hmac")),
        ("search_entry", search_entry(&p, "sm", "smith", "0smith jane", found)),
        ("born", born(&p, Date::parse("1984-03-12").unwrap())),
        ("request", request(&p, "hash")),
        ("health", health()),
        ("client_event", client_event(&p, chart, event)),
        ("practice_event", practice_event(&p, At::from_millis(0), event)),
    ]
}

#[test]
fn every_key_is_read_back_as_its_own_kind_and_no_other() {
    let keys = one_of_each();
    let names: Vec<&str> = keys.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, KINDS.iter().map(|kind| kind.name).collect::<Vec<_>>());
    for (name, key) in keys {
        let own = KINDS.iter().find(|kind| kind.name == name).unwrap();
        assert_eq!(kind(&key), own.word, "{key:?}");
        assert_eq!(partition_kind(&key.pk), own.partition, "{key:?}");
    }
    let strange = Key { pk: "P#harbor#X#1".into(), sk: "Wilma".into() };
    assert_eq!(
        (kind(&strange), partition_kind(&strange.pk)),
        ("unknown item", "unknown partition")
    );
}

#[test]
fn no_partition_can_hold_the_keys_of_another_kind_of_partition() {
    // IAM's `*` matches `#` too: a marker must not occur within another partition's key.
    for (name, pattern) in PARTITIONS.iter().filter(|(name, _)| *name != "health") {
        let markers: Vec<&str> = pattern.split('#').filter(|part| !part.starts_with('{')).collect();
        // All but the networks, and the people of several staff lists, belong to a practice.
        let first = match *name {
            "network" => "N",
            "login" => "V",
            _ => "P",
        };
        assert!(markers.len() <= 2 && markers[0] == first, "{name}: {pattern}");
        let same = PARTITIONS.iter().filter(|(_, other)| {
            other.split('#').filter(|part| !part.starts_with('{')).eq(markers.iter().copied())
        });
        assert_eq!(same.count(), 1, "{name} shares its marker");
    }
}

#[test]
fn ranges_of_sort_keys_hold_what_they_are_read_for() {
    for key in KINDS.iter().filter(|kind| kind.table == "main" && kind.partition == "chart") {
        let access = ["client", "portal_user"].contains(&key.name);
        assert_eq!(key.sort_key.starts_with(ACCESS), access, "{}", key.name);
        assert_eq!(key.sort_key.starts_with(MAIL), key.name == "mail", "{}", key.name);
        assert_eq!(key.sort_key.starts_with(ALERT), key.name == "alert", "{}", key.name);
    }
    for key in KINDS.iter().filter(|kind| kind.partition == "team") {
        assert!(key.sort_key.starts_with(MEMBER), "{}", key.name);
    }
    for key in KINDS.iter().filter(|kind| kind.partition == "login") {
        assert!(key.sort_key.starts_with(LOGIN), "{}", key.name);
    }
    for key in KINDS.iter().filter(|kind| kind.partition == "apps") {
        assert!(key.sort_key.starts_with(APP), "{}", key.name);
    }
}

#[test]
fn sort_keys_of_what_is_streamed_are_of_no_other_kind() {
    let of = |begins: &[&'static str]| -> Vec<Vec<&str>> {
        let of = |begin| KINDS.iter().filter(move |kind| kind.sort_key.starts_with(begin));
        begins.iter().map(|begin| of(*begin).map(|kind| kind.name).collect()).collect()
    };
    assert_eq!(of(MAILED), [["mail"], ["ask"], ["alert"], ["lockout"], ["lapse"], ["step"]]);
    assert_eq!(of(NOTICED), [["notice"]]);
}

#[test]
fn an_address_leads_to_the_account_in_its_sort_key() {
    let (p, account) = (PracticeId::parse("harbor").unwrap(), AccountKey::from_bytes([7; 16]));
    let key = address(&p, &AddressKey::from_bytes([1; 16]), &account);
    assert_eq!(key.sk, address_sort_key(Some(&account)));
    assert_eq!(parse_address(&key.sk), Some(account));
    assert!(address_sort_key(None) < key.sk);
    for wrong in ["", "ACCOUNT#", "ACCOUNT", "ACCOUNT#x", "MAIL#1"] {
        assert_eq!(parse_address(wrong), None, "{wrong}");
    }
}

#[test]
fn a_chart_is_read_out_of_its_partition_key() {
    let (p, c) = (PracticeId::parse("harbor").unwrap(), ClientId::new(Ulid::from_parts(1, 2)));
    assert_eq!(parse_chart(&chart(&p, c)), Some((p.clone(), c)));
    for wrong in ["", "P#harbor", "P#harbor#C#", "P#harbor#C#x", "P##C#x", "P#harbor#C#1#2"] {
        assert_eq!(parse_chart(wrong), None, "{wrong}");
    }
}
