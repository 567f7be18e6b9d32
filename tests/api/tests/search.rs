//! Search, through the API: who is found by what, page by page, and how little it asks of the
//! table. What folds into what is tested where it is decided, in `shared::search`.

use std::collections::{BTreeMap, BTreeSet};

use api_tests::{
    Answer, Call, World,
    people::{Staff, text},
    wire::{Held, Operations},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use shared::{
    client::Client,
    id::{ClientId, PracticeId},
    keys,
};

/// First, last and preferred name, date of birth, record number, e-mail address, phone number.
type Row = [&'static str; 7];

/// People out of the sample roster and a few more, with names that are awkward one way or another.
const ROSTER: [Row; 12] = [
    [
        "Zo\u{eb}",
        "D\u{2019}Angelo-M\u{fc}ller",
        "",
        "2013-09-08",
        "HP-100000",
        "zo.dangelo-mller0@example.com",
        "(238) 555-0107",
    ],
    [
        "Se\u{e1}n",
        "O'Brien",
        "",
        "1990-11-16",
        "HP-100050",
        "sen.obrien50@example.com",
        "(300) 555-0138",
    ],
    [
        "Jos\u{e9}",
        "Garc\u{ed}a M\u{e1}rquez",
        "",
        "1990-04-02",
        "HP-100100",
        "jos.garcamrquez100@example.com",
        "(604) 555-0165",
    ],
    ["Nguy\u{1ec5}n", "Th\u{1ecb} Minh Khai", "", "2000-12-15", "HP-100150", "", "(787) 555-0104"],
    [
        "\u{674e}",
        "\u{5c0f}\u{9f8d}",
        "",
        "2006-10-07",
        "HP-100200",
        "long.200@example.com",
        "(357) 555-0198",
    ],
    [
        "Robert'); DROP TABLE clients;--",
        "Tables",
        "",
        "2020-12-09",
        "HP-100700",
        "",
        "(400) 555-0137",
    ],
    ["<b>Bo</b>", "<script>alert(1)</script>", "", "1950-08-18", "HP-100750", "", "(542) 555-0117"],
    ["Bj\u{f6}rk", "", "", "1971-07-25", "HP-100300", "bjrk.300@example.com", ""],
    ["Jane", "Smith", "", "1984-03-12", "HP-200001", "jane.smith@example.org", "+1 212 555 0142"],
    ["John", "Smith", "", "1979-01-02", "HP-200002", "", ""],
    [
        "Shirley",
        "Viera",
        "Quill",
        "1983-05-01",
        "HP-100018",
        "shirley.viera18@example.com",
        "(677) 555-0182",
    ],
    ["Amara", "Okafor", "", "1984-12-03", "HP-200003", "", ""],
];

fn body(row: &Row) -> Value {
    let [first, last, preferred, born, record, email, phone] = row;
    let mut body = json!({
        "name": {"first": first, "last": last}, "dateOfBirth": born, "recordNumber": record,
    });
    if !preferred.is_empty() {
        body["name"]["preferred"] = json!(preferred);
    }
    if !email.is_empty() {
        body["emails"] = json!([{"type": "home", "address": email}]);
    }
    if !phone.is_empty() {
        body["phones"] = json!([{"type": "mobile", "number": phone}]);
    }
    body
}

/// A practice with the roster; the ids in its order.
async fn practice() -> (World, Staff, Vec<String>) {
    let world = World::new().await;
    let dana = world.dana().await;
    let mut ids = Vec::new();
    for row in &ROSTER {
        let client = dana.post("/api/clients", &body(row)).await.expect(201);
        ids.push(text(&client["clientId"]));
    }
    (world, dana, ids)
}

async fn search(dana: &Staff, body: &Value) -> Value {
    dana.post("/api/clients/search", body).await.expect(200)
}

fn ids_of(hits: &Value) -> Vec<String> {
    let hits = hits["clients"].as_array().expect("a list");
    hits.iter().map(|c| text(&c["clientId"])).collect()
}

async fn found(dana: &Staff, query: &str) -> Vec<String> {
    ids_of(&search(dana, &json!({"query": query})).await)
}

#[tokio::test]
async fn whoever_is_looked_for_is_found_and_nobody_else() {
    let (_world, dana, ids) = practice().await;
    let cases: &[(&str, &[usize])] = &[
        // Two words in any order, of which the beginnings are enough.
        ("smi jan", &[8]),
        ("jan smi", &[8]),
        ("Smith, Jane", &[8]),
        ("SMITH", &[8, 9]),
        ("sm", &[8, 9]),
        ("smith okafor", &[]),
        // Apostrophes and hyphens of all kinds.
        ("obrien", &[1]),
        ("O'Brien", &[1]),
        ("O\u{2019}Brien", &[1]),
        ("o brien", &[1]),
        ("brien", &[1]),
        ("sean o'brien", &[1]),
        ("d'angelo muller", &[0]),
        ("D\u{2019}Angelo-M\u{fc}ller", &[0]),
        ("dangelo", &[0]),
        ("muller", &[0]),
        ("zoe", &[0]),
        // Accents, in one's own keyboard's way; both parts of a double name.
        ("garcia", &[2]),
        ("GARC\u{cd}A", &[2]),
        ("marquez", &[2]),
        ("Garc\u{ed}a M\u{e1}rquez", &[2]),
        ("marquez jose", &[2]),
        ("Nguy\u{1ec5}n", &[3]),
        ("Nguye\u{302}\u{303}n", &[3]),
        ("nguyen", &[3]),
        ("minh khai", &[3]),
        ("\u{674e}", &[4]),
        ("\u{5c0f}\u{9f8d}", &[4]),
        ("\u{674e}\u{5c0f}\u{9f8d}", &[4]),
        ("bjork", &[7]),
        ("quill", &[10]),
        ("quill viera", &[10]),
        // Names that look like programs are names.
        ("Robert'); DROP TABLE clients;--", &[5]),
        ("drop table", &[5]),
        ("<script>alert(1)</script>", &[6]),
        ("script", &[6]),
        // Numbers.
        ("0107", &[0]),
        ("555-0142", &[8]),
        ("(212) 555-0142", &[8]),
        ("2125550142", &[8]),
        ("+1 212 555 0142", &[8]),
        ("smith 0142", &[8]),
        ("1984-03-12", &[8]),
        // Both readings are looked for.
        ("3/12/1984", &[8, 11]),
        ("03/12/84", &[8, 11]),
        ("12.3.1984", &[8, 11]),
        ("12 March 1984", &[8]),
        ("12 mars 84", &[8]),
        ("03/1984", &[8]),
        ("smith 3/12/1984", &[8]),
        ("HP-100050", &[1]),
        ("hp100050", &[1]),
        ("100050", &[1]),
        // Addresses.
        ("sen.obrien50@example.com", &[1]),
        ("obrien50", &[1]),
        ("jane.smith@", &[8]),
        // Slips.
        ("obrein", &[1]),
        ("smtih", &[8, 9]),
        ("jane smtih", &[8]),
        ("zzyzx", &[]),
    ];
    for (query, expected) in cases {
        let found = found(&dana, query).await;
        let unique: BTreeSet<&String> = found.iter().collect();
        assert_eq!(unique.len(), found.len(), "{query} finds somebody twice");
        let expected: BTreeSet<&String> = expected.iter().map(|i| &ids[*i]).collect();
        assert_eq!(unique, expected, "{query}");
    }
}

#[tokio::test]
async fn a_hit_says_who_it_is_and_how_the_portal_stands() {
    let (_world, dana, ids) = practice().await;
    let hits = search(&dana, &json!({"query": "d'angelo"})).await;
    assert_eq!(
        hits,
        json!({
            "clients": [{
                "clientId": ids[0],
                "name": {"first": "Zo\u{eb}", "last": "D\u{2019}Angelo-M\u{fc}ller"},
                "dateOfBirth": "2013-09-08",
                "recordNumber": "HP-100000",
                "email": "zo.dangelo-mller0@example.com",
                "phone": "(238) 555-0107",
                "portal": {"status": "none", "users": 0},
            }],
            "nextCursor": null,
        })
    );
}

#[tokio::test]
async fn one_letter_is_too_short() {
    let (_world, dana, _) = practice().await;
    for query in ["s", " s ", "1", "a b c", "'", "- -", "\u{301}x"] {
        let answer = dana.post("/api/clients/search", &json!({"query": query})).await;
        let problem = answer.problem(422, "too_short");
        assert_eq!(problem["fields"][0]["field"], "query", "{query}");
    }
}

#[tokio::test]
async fn a_limit_is_a_number_from_1_to_50() {
    let (_world, dana, _) = practice().await;
    for limit in [json!(0), json!(51), json!(-1), json!(1.5), json!("10"), json!([])] {
        let body = json!({"query": "smith", "limit": limit});
        let answer = dana.post("/api/clients/search", &body).await;
        assert_eq!(answer.problem(400, "invalid")["fields"][0]["field"], "limit", "{limit}");
    }
    for (limit, hits) in [(1, 1), (50, 2)] {
        let page = search(&dana, &json!({"query": "smith", "limit": limit})).await;
        assert_eq!(ids_of(&page).len(), hits);
        assert_eq!(page["nextCursor"].is_null(), limit == 50);
    }
}

/// Creates many Smiths; answers their ids.
async fn smiths(dana: &Staff, count: usize) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    for number in 0..count {
        let first = format!("{}{}", if number % 2 == 0 { "Jane" } else { "Omar" }, number);
        // Found twice over: by name and by address.
        let body = json!({
            "name": {"first": first, "last": "Smith"}, "dateOfBirth": "1984-03-12",
            "emails": [{"type": "home", "address": format!("smith{number}@mail.example")}],
        });
        ids.insert(text(&dana.post("/api/clients", &body).await.expect(201)["clientId"]));
    }
    ids
}

/// All pages of a search.
async fn pages(dana: &Staff, query: &str, limit: usize) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut body = json!({"query": query, "limit": limit});
    loop {
        let page = search(dana, &body).await;
        pages.push(ids_of(&page));
        assert!(pages.len() < 200, "{query} ends");
        match page["nextCursor"].as_str() {
            Some(cursor) => body["cursor"] = json!(cursor),
            None => return pages,
        }
    }
}

#[tokio::test]
async fn pages_hold_everybody_once() {
    let world = World::new().await;
    let dana = world.dana().await;
    dana.client("Amara", "Okafor", "1984-03-12").await;
    let all = smiths(&dana, 130).await;
    for (query, limit, wanted) in
        [("smith", 50, 130), ("smi", 7, 130), ("smith 1984-03-12", 50, 130), ("smith jane", 20, 65)]
    {
        let pages = pages(&dana, query, limit).await;
        let flat: Vec<String> = pages.concat();
        let unique: BTreeSet<String> = flat.iter().cloned().collect();
        assert_eq!(flat.len(), unique.len(), "{query}: somebody is on two pages");
        assert_eq!(unique.len(), wanted, "{query}");
        assert!(unique.is_subset(&all), "{query}");
        assert!(pages.iter().rev().skip(1).all(|p| p.len() == limit), "{query}: full pages");
    }
    let sizes: Vec<usize> = pages(&dana, "smith", 50).await.iter().map(Vec::len).collect();
    assert_eq!(sizes, [50, 50, 30]);
}

#[tokio::test]
async fn a_cursor_is_good_for_its_own_search_only() {
    let world = World::new().await;
    let dana = world.dana().await;
    smiths(&dana, 3).await;
    for number in 0..3 {
        dana.client(&format!("Jo{number}"), "Garcia", "1984-03-12").await;
    }
    let page = search(&dana, &json!({"query": "smith", "limit": 1})).await;
    let smiths = text(&page["nextCursor"]);
    search(&dana, &json!({"query": "smith", "cursor": smiths})).await;
    for (query, cursor) in [
        ("garcia", smiths.as_str()),
        ("smith", ""),
        ("smith", "x"),
        ("smith", "not base64!"),
        ("smith", "OTk6c21pdGg"),
        ("smith", "MDpzbWl0aA"),
        ("smith", &"A".repeat(5000)),
    ] {
        let body = json!({"query": query, "cursor": cursor});
        let answer = dana.post("/api/clients/search", &body).await;
        assert!(matches!(answer.status.as_u16(), 400 | 422), "{query} {cursor}: {}", answer.body);
        assert_eq!(answer.body["fields"][0]["field"], "cursor", "{query} {cursor}");
    }
}

#[tokio::test]
async fn the_portals_status_in_a_hit_is_that_of_now() {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = dana.client("Amara", "Okafor", "1984-03-12").await;
    let portal = async || {
        let hits = search(&dana, &json!({"query": "okafor"})).await;
        (
            text(&hits["clients"][0]["portal"]["status"]),
            hits["clients"][0]["portal"]["users"].clone(),
        )
    };
    assert_eq!(portal().await, ("none".into(), json!(0)));
    let who = dana.invite(&client, "amara@mail.example").await;
    assert_eq!(portal().await, ("invited".into(), json!(1)));
    world.enroll(&who.token, "Okafor", "1984-03-12", api_tests::PASSWORD).await.expect(201);
    assert_eq!(portal().await, ("active".into(), json!(1)));
    dana.revoke(&who).await.expect(200);
    assert_eq!(portal().await, ("revoked".into(), json!(1)));
    dana.activate(&who).await.expect(200);
    assert_eq!(portal().await, ("active".into(), json!(1)));
    dana.delete(&who, "confirm=delete").await.expect(200);
    assert_eq!(portal().await, ("none".into(), json!(0)));
}

/// The keys of the search entries, each with the client's id made out.
async fn entries(world: &World, client: &str) -> BTreeSet<String> {
    let items = world.items().await;
    let keys = items.keys().filter(|k| k.contains("#S#") && k.ends_with(client));
    keys.map(|k| k.replace(client, "")).collect()
}

#[tokio::test]
async fn an_edit_moves_the_entries_and_leaves_none_behind() {
    let (world, dana, ids) = practice().await;
    let path = format!("/api/clients/{}", ids[8]);
    let edit = json!({
        "version": 1, "name": {"first": "Joan", "last": "Quist", "preferred": "Jo"},
        "dateOfBirth": "1985-04-13", "recordNumber": "HP-300001",
        "emails": [{"type": "home", "address": "joan@mail.example"}],
        "phones": [{"type": "home", "number": "(999) 555-0199"}],
    });
    dana.patch(&path, &edit).await.expect(200);
    for gone in ["1984-03-12", "HP-200001", "jane.smith@example.org", "0142"] {
        let found = found(&dana, gone).await;
        assert!(!found.contains(&ids[8]), "{gone}: {found:?}");
    }
    // Who was renamed is still asked for by the old name.
    for former in ["jane", "smith jane"] {
        assert!(found(&dana, former).await.contains(&ids[8]), "{former}");
    }
    for now in
        ["joan quist", "quist jo", "1985-04-13", "hp300001", "joan@mail", "0199", "9995550199"]
    {
        assert_eq!(found(&dana, now).await, [ids[8].clone()], "{now}");
    }
    // Nothing is left of what the chart does not have, and nothing of it is missing.
    let stored = entries(&world, &ids[8]).await;
    let key = keys::client(
        &PracticeId::parse("harbor").expect("a practice"),
        ClientId::parse(&ids[8]).expect("an id"),
    );
    let client: Client = world.app.store().get(&key).await.expect("a client").expect("one");
    let wanted: BTreeSet<String> = client
        .search_entries()
        .into_iter()
        .map(|e| format!("P#harbor#S#{} {}#{}#", e.partition, e.token, e.order))
        .collect();
    assert!(wanted.len() > 15);
    assert_eq!(stored, wanted);

    // Taking things away takes their entries away.
    let less = json!({"version": 2, "emails": [], "phones": []});
    dana.patch(&path, &less).await.expect(200);
    for gone in ["joan@mail.example", "9995550199"] {
        let found = found(&dana, gone).await;
        assert!(!found.contains(&ids[8]), "{gone}");
    }
}

#[tokio::test]
async fn a_cursor_longer_than_any_of_ours_is_refused() {
    let (_world, dana, ids) = practice().await;
    // Well-formed, and of this search; the table's sort keys end at 1,024 bytes.
    for length in [430, 1100] {
        let place = format!("0:smith{}#{}", "h".repeat(length), ids[8]);
        let body = json!({"query": "smith", "cursor": URL_SAFE_NO_PAD.encode(place)});
        let refused = dana.post("/api/clients/search", &body).await;
        let field = refused.problem(400, "invalid")["fields"][0].clone();
        assert_eq!((&field["field"], &field["code"]), (&json!("cursor"), &json!("too_long")));
    }
}

/// The two reads of a search are not of one moment: while a client is edited, each may find it under
/// words that the other does not see.
#[tokio::test]
async fn a_client_who_is_edited_during_a_search_is_listed_once() {
    let (world, dana, ids) = practice().await;
    let body = json!({"query": "smi jan"});
    let mut search: Operations<'_, Answer> = Operations::on(&world.wire);
    search.add(dana.post("/api/clients/search", &body));
    world.wire.hold_marked();
    search.settle().await;
    // All but the read of one word go first.
    let of_one_word = |held: &Held| {
        held.operation == "Query" && String::from_utf8_lossy(&held.body).contains("#S#sm\"")
    };
    while let Some(first) = world.wire.look(|held| !of_one_word(held)).iter().position(|go| *go) {
        world.wire.take(first).expect("a request").release();
    }
    search.settle().await;
    assert!(world.wire.look(of_one_word).contains(&true), "one is held");
    // She is still found by both words, but no longer as one name with another.
    let edit = json!({
        "version": 1, "name": {"first": "Smith", "last": ""},
        "emails": [{"type": "home", "address": "jane@mail.example"}],
    });
    dana.patch(&format!("/api/clients/{}", ids[8]), &edit).await.expect(200);
    let mut asked = Vec::new();
    while search.answer(0).is_none() {
        while let Some(held) = world.wire.take(0) {
            asked.push((held.operation.clone(), String::from_utf8_lossy(&held.body).into_owned()));
            held.release();
        }
        search.settle().await;
    }
    let answer = search.answer(0).expect("an answer").clone();
    assert_eq!(ids_of(&answer.expect(200)), [ids[8].clone()]);
    let of_clients = |(o, body): &&(String, String)| o == "BatchGetItem" && body.contains("#C#");
    let (_, batch) = asked.iter().find(of_clients).expect("the clients");
    assert_eq!(batch.matches(&ids[8]).count(), 1, "DynamoDB takes no key twice: {batch}");
}

/// What the table is asked in a search, round by round: what waits at one time is one round.
async fn rounds(world: &World, dana: &Staff, query: &str) -> Vec<Vec<String>> {
    world.wire.hold();
    let (staff, body) = (dana.clone(), json!({"query": query}));
    let search = tokio::spawn(async move {
        staff.send(Call::new("POST", "/api/clients/search").json(&body)).await
    });
    let mut rounds = Vec::new();
    while !search.is_finished() {
        // Answers of the table take their time.
        tokio::task::yield_now().await;
        if world.wire.waiting().is_empty() {
            continue;
        }
        // Whoever else is on the way to the wire arrives.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        let mut round = world.wire.waiting();
        round.sort_unstable();
        rounds.push(round);
        while let Some(held) = world.wire.take(0) {
            held.release();
        }
    }
    world.wire.let_go();
    search.await.expect("an answer").expect(200);
    rounds
}

#[tokio::test]
async fn a_search_takes_two_rounds_whatever_is_looked_for() {
    let (world, dana, _) = practice().await;
    for query in ["smith", "smi jan", "jane smith 1984-03-12", "smtih", "zzyzx", "0107", "\u{674e}"]
    {
        world.wire.forget();
        let rounds = rounds(&world, &dana, query).await;
        assert_eq!(rounds.len(), 2, "{query}: {rounds:?}");
        let queries = rounds[0].iter().filter(|o| *o == "Query").count();
        assert!((1..=6).contains(&queries), "{query}: {rounds:?}");
        let check = rounds[0].iter().filter(|o| *o != "Query").collect::<Vec<_>>();
        assert_eq!(check, ["BatchGetItem"], "{query}: the session's check");
        let second: Vec<&str> = rounds[1].iter().map(String::as_str).collect();
        let expected: &[&str] = if query == "zzyzx" {
            &["PutItem", "UpdateItem"]
        } else {
            &["BatchGetItem", "PutItem", "UpdateItem"]
        };
        assert_eq!(second, expected, "{query}");
    }
}

#[tokio::test]
async fn a_search_is_recorded_without_its_words() {
    let (world, dana, _) = practice().await;
    let before = world.events().await;
    found(&dana, "garcia 1990-04-02").await;
    let after = world.events().await;
    let new: Vec<&String> =
        after.iter().filter(|(k, _)| !before.contains_key(*k)).map(|(_, v)| v).collect();
    assert_eq!(new.len(), 1);
    assert!(new[0].contains("clients-searched"));
    assert!(!new[0].to_lowercase().contains("garc") && !new[0].contains("1990"));
}

#[tokio::test]
async fn hits_come_best_match_first_then_by_last_and_first_name() {
    let world = World::new().await;
    let dana = world.dana().await;
    let mut ids = BTreeMap::new();
    for (first, last) in [
        ("Zoe", "Millerson"),
        ("Bea", "Miller"),
        ("Miller", "Adams"),
        ("\u{c9}lan", "Miller"),
        ("Abe", "Miller"),
        ("Dan", "M\u{ed}ller"),
    ] {
        ids.insert(dana.client(first, last, "1984-03-12").await, first);
    }
    let hits = |query: &'static str| {
        let (dana, ids) = (dana.clone(), ids.clone());
        async move {
            let all = pages(&dana, query, 2).await.concat();
            all.iter().map(|id| ids[id]).collect::<Vec<_>>()
        }
    };
    let by_name = ["Abe", "Bea", "Dan", "\u{c9}lan", "Miller", "Zoe"];
    assert_eq!(hits("miller").await, by_name);
    assert_eq!(hits("mil").await, ["Abe", "Bea", "Dan", "\u{c9}lan", "Zoe", "Miller"]);
    assert_eq!(hits("1984-03-12").await, ["Miller", "Abe", "Bea", "Dan", "\u{c9}lan", "Zoe"]);
}

#[tokio::test]
async fn many_hits_come_by_first_name_on_full_pages() {
    let world = World::new().await;
    let dana = world.dana().await;
    let mut names = Vec::new();
    for number in 0..125_u32 {
        // Neither the order of creation nor that of the ids.
        let first = format!("N{:03}", number * 37 % 125);
        let body = json!({"name": {"first": first, "last": "Smith"}, "dateOfBirth": "1984-03-12"});
        dana.post("/api/clients", &body).await.expect(201);
        names.push(first);
    }
    names.sort();
    let mut found = Vec::new();
    let mut body = json!({"query": "smith"});
    loop {
        let page = search(&dana, &body).await;
        let clients = page["clients"].as_array().expect("a list");
        assert!(clients.len() == 20 || page["nextCursor"].is_null());
        found.extend(clients.iter().map(|c| text(&c["name"]["first"])));
        match page["nextCursor"].as_str() {
            Some(cursor) => body["cursor"] = json!(cursor),
            None => break,
        }
    }
    assert_eq!(found, names);
}

#[tokio::test]
async fn of_two_readings_of_a_date_the_practices_own_comes_first() {
    let (world, dana, ids) = practice().await;
    assert_eq!(found(&dana, "3/12/1984").await, [ids[8].clone(), ids[11].clone()]);
    assert_eq!(found(&dana, "03121984").await, [ids[8].clone(), ids[11].clone()]);
    world.practice("harbor", "Harbor", |practice| practice.country = "FR".into()).await;
    assert_eq!(found(&dana, "3/12/1984").await, [ids[11].clone(), ids[8].clone()]);
    assert_eq!(found(&dana, "03.12.84").await, [ids[11].clone(), ids[8].clone()]);
}

#[tokio::test]
async fn titles_suffixes_and_initials_are_left_out_where_they_hide_everybody() {
    let (_world, dana, ids) = practice().await;
    for (query, expected, ignored) in [
        ("Mrs Jane T Smith", 8, json!(["Mrs", "T"])),
        ("Okafor III", 11, json!(["III"])),
        ("Sra. Amara Okafor", 11, json!(["Sra."])),
        ("M. Quill Viera", 10, json!(["M."])),
        ("Jane Smith", 8, Value::Null),
        ("J Smith 0142", 8, Value::Null),
        ("Mr J Smith 0142", 8, json!(["Mr"])),
    ] {
        let page = search(&dana, &json!({"query": query})).await;
        assert_eq!(ids_of(&page), [ids[expected].clone()], "{query}");
        assert_eq!(page["ignored"], ignored, "{query}");
    }
}

#[tokio::test]
async fn a_client_is_found_through_a_portal_user() {
    let (world, dana, ids) = practice().await;
    let add = json!({
        "name": {"first": "Margaux", "last": "Lefebvre"}, "email": "margaux@mail.example",
        "username": "lefebvre75", "relationship": "parent", "permissions": ["basic"],
    });
    let users = format!("/api/clients/{}/portal-users", ids[0]);
    let user = dana.post(&users, &add).await.expect(201);
    let path = format!("{users}/{}", text(&user["portalUserId"]));
    let through = json!({
        "name": {"first": "Margaux", "last": "Lefebvre"}, "relationship": "parent",
    });
    for query in ["lefebvre", "margaux lefebvre", "lef mar", "margaux@mail", "lefebvre75"] {
        let page = search(&dana, &json!({"query": query})).await;
        assert_eq!(ids_of(&page), [ids[0].clone()], "{query}");
        assert_eq!(page["clients"][0]["through"], through, "{query}");
    }
    let own = search(&dana, &json!({"query": "zoe"})).await;
    assert_eq!(own["clients"][0]["through"], Value::Null);

    // A change of access touches no entry.
    let before = search_items(&world).await;
    dana.post(&format!("{path}/revoke"), &json!({})).await.expect(200);
    dana.post(&format!("{path}/activate"), &json!({})).await.expect(200);
    assert_eq!(search_items(&world).await, before);
    // Another name touches this person's entries and no others.
    let version = dana.get(&users).await.expect(200)["portalUsers"][0]["version"].clone();
    let edit = json!({"version": version, "name": {"first": "Margaux", "last": "Bernard"}});
    dana.patch(&path, &edit).await.expect(200);
    let after = search_items(&world).await;
    let changed = before.symmetric_difference(&after);
    assert!(changed.clone().count() > 0);
    assert!(changed.clone().all(|item| item.contains(&text(&user["portalUserId"]))));
    assert!(found(&dana, "lefebvre margaux").await.is_empty());
    assert_eq!(found(&dana, "bernard").await, [ids[0].clone()]);
    // A client who is renamed is still found through the same person.
    let edit = json!({"version": 1, "name": {"first": "Zo\u{eb}", "last": "Martin"}});
    dana.patch(&format!("/api/clients/{}", ids[0]), &edit).await.expect(200);
    assert_eq!(found(&dana, "bernard").await, [ids[0].clone()]);
    // Nothing is left of who was deleted.
    dana.send(Call::new("DELETE", &format!("{path}?confirm=delete"))).await.expect(200);
    assert!(found(&dana, "bernard").await.is_empty());
    let id = text(&user["portalUserId"]);
    assert!(search_items(&world).await.iter().all(|item| !item.contains(&id)));
}

/// Keys and contents of all search entries.
async fn search_items(world: &World) -> BTreeSet<String> {
    let items = world.items().await;
    items.into_iter().filter(|(k, _)| k.contains("#S#")).map(|(k, v)| format!("{k} {v}")).collect()
}

/// A client like Jane Smith in all but her record number.
fn jane(first: &str, last: &str) -> Value {
    json!({"name": {"first": first, "last": last}, "dateOfBirth": "1984-03-12"})
}

#[tokio::test]
async fn a_client_who_may_be_there_already_is_shown_instead_of_made_again() {
    let (world, dana, ids) = practice().await;
    for (first, last) in [
        ("Jane", "Smith"),
        ("JANE", "SMITH"),
        ("Smith", "Jane"),
        ("J\u{e1}ne", "Sm\u{ed}th"),
        ("Jnae", "Smith"),
        ("Jane", "Smyth"),
        ("Mrs. Jane T.", "Smith"),
    ] {
        let refused = dana.post("/api/clients", &jane(first, last)).await;
        let problem = refused.problem(409, "possible_duplicate");
        assert_eq!(problem["matches"][0]["clientId"], ids[8], "{first} {last}");
        assert_eq!(problem["matches"][0]["portal"], json!({"status": "none", "users": 0}));
        assert_eq!(problem["matches"].as_array().map(Vec::len), Some(1));
    }
    // That she was shown is recorded.
    let shown = world.events().await.values().filter(|e| e.contains("client-shown")).count();
    assert_eq!(shown, 7);
    for (first, last, born) in [
        ("Jane", "Smith", "1984-03-13"),
        ("John", "Smith", "1984-03-12"),
        ("Jane", "Ott", "1984-03-12"),
    ] {
        let mut body = jane(first, last);
        body["dateOfBirth"] = json!(born);
        dana.post("/api/clients", &body).await.expect(201);
    }
    // Her former name is hers.
    let edit = json!({"version": 1, "name": {"first": "Jane", "last": "Quist"}});
    dana.patch(&format!("/api/clients/{}", ids[8]), &edit).await.expect(200);
    for last in ["Smith", "Quist"] {
        dana.post("/api/clients", &jane("Jane", last)).await.problem(409, "possible_duplicate");
    }
    let mut distinct = jane("Jane", "Quist");
    distinct["distinct"] = json!(true);
    let other = text(&dana.post("/api/clients", &distinct).await.expect(201)["clientId"]);
    let problem = dana.post("/api/clients", &jane("Jane", "Quist")).await.body;
    assert_eq!(problem["matches"].as_array().map(Vec::len), Some(2));
    assert_ne!(other, ids[8]);
}

#[tokio::test]
async fn of_two_who_create_one_client_at_once_one_is_shown_the_others() {
    let world = World::new().await;
    let dana = world.dana().await;
    world.wire.hold();
    let create = || {
        let dana = dana.clone();
        tokio::spawn(async move { dana.post("/api/clients", &jane("Jane", "Smith")).await })
    };
    let (one, two) = (create(), create());
    while !(one.is_finished() && two.is_finished()) {
        tokio::task::yield_now().await;
        // All reads of both go before either writes.
        let write = |held: &Held| held.operation == "TransactWriteItems";
        let waiting = world.wire.look(write);
        if let Some(read) = waiting.iter().position(|is_write| !is_write) {
            world.wire.take(read).expect("a request").release();
        } else if waiting.len() == 2
            || (!waiting.is_empty() && (one.is_finished() || two.is_finished()))
        {
            world.wire.take(0).expect("a request").release();
        }
    }
    world.wire.let_go();
    let (one, two) = (one.await.expect("an answer"), two.await.expect("an answer"));
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
    let (made, refused) = if one.status == 201 { (one, two) } else { (two, one) };
    assert_eq!(
        refused.problem(409, "possible_duplicate")["matches"][0]["clientId"],
        made.body["clientId"]
    );
}

#[tokio::test]
async fn a_repeated_creation_is_no_duplicate_of_itself() {
    let world = World::new().await;
    let dana = world.dana().await;
    let create = || {
        let call = Call::new("POST", "/api/clients").json(&jane("Jane", "Smith"));
        dana.send(call.header("idempotency-key", "k"))
    };
    let first = create().await.expect(201);
    assert_eq!(create().await.expect(201), first);
    let (one, two) = tokio::join!(create(), create());
    assert_eq!((one.expect(201), two.expect(201)), (first.clone(), first));
}

#[tokio::test]
async fn a_new_address_finds_every_chart_of_the_account() {
    let world = World::new().await;
    let dana = world.dana().await;
    let first = dana.enrolled().await;
    let sibling = dana.client("Silas", "Okafor", "1984-03-12").await;
    dana.enroll_for(&sibling, &first.email).await;
    let version = dana.user(&first).await["version"].clone();
    let edit = json!({"version": version, "email": "quill@post.example"});
    dana.patch(&first.path(), &edit).await.expect(200);
    let mut both = [first.client.clone(), sibling];
    both.sort();
    let mut hits = found(&dana, "quill@post.example").await;
    hits.sort();
    assert_eq!(hits, both);
}
