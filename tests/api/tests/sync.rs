//! `sync-clients`: what becomes of the rows of a list, row by row and together; and that a dry run says
//! the same and writes nothing.

use api_tests::{
    Answer, Call, PASSWORD, World,
    people::{Staff, text},
    programs::system,
    wire::{Fault, Operations},
};
use serde_json::{Value, json};
use shared::history::Role;

const PATH: &str = "/api/clients/sync";

/// A row, with changes to what it has.
fn row(number: &str, first: &str, last: &str, born: &str, also: &Value) -> Value {
    let mut row = json!({
        "recordNumber": number, "name": {"first": first, "last": last}, "dateOfBirth": born,
    });
    for (name, value) in also.as_object().expect("an object") {
        row[name] = value.clone();
    }
    row
}

fn ann(also: &Value) -> Value {
    row("HP-1", "Ann", "Lee", "1984-03-12", also)
}

async fn sync(dana: &Staff, rows: &[Value]) -> Vec<Value> {
    results(dana.post(PATH, &json!({"rows": rows})).await)
}

async fn dry(dana: &Staff, rows: &[Value]) -> Vec<Value> {
    results(dana.post(PATH, &json!({"rows": rows, "dryRun": true})).await)
}

fn results(answer: Answer) -> Vec<Value> {
    answer.expect(200)["results"].as_array().expect("a list").clone()
}

fn outcomes(results: &[Value]) -> Vec<&str> {
    results.iter().map(|result| result["outcome"].as_str().expect("a slug")).collect()
}

/// The fields that an answer names of a row, with their codes.
fn named(result: &Value) -> Vec<(String, String)> {
    let fields = result["fields"].as_array().cloned().unwrap_or_default();
    fields.iter().map(|field| (text(&field["field"]), text(&field["code"]))).collect()
}

fn pairs(named: &[(&str, &str)]) -> Vec<(String, String)> {
    named.iter().map(|(field, code)| ((*field).to_owned(), (*code).to_owned())).collect()
}

async fn page(dana: &Staff, result: &Value) -> Value {
    dana.get(&format!("/api/clients/{}", text(&result["clientId"]))).await.expect(200)
}

/// Clients in the table.
async fn clients(world: &World) -> usize {
    world.items().await.keys().filter(|key| key.ends_with(" A#CLIENT")).count()
}

// ---- Row by row ----

#[tokio::test]
async fn a_row_creates_then_changes_then_leaves_as_it_is() {
    let world = World::new().await;
    let dana = world.dana().await;
    let first = ann(&json!({"emails": [{"type": "home", "address": "ann@mail.example"}]}));
    let made = sync(&dana, std::slice::from_ref(&first)).await;
    assert_eq!(outcomes(&made), ["created"]);
    let client = text(&made[0]["clientId"]);
    assert_eq!(dana.actions(&client).await, ["client-created"]);

    let second = row("hp 1", "Ann", "Lee", "1984-03-12", &json!({"professional": "Dr. Achebe"}));
    let changed = sync(&dana, std::slice::from_ref(&second)).await;
    assert_eq!(outcomes(&changed), ["updated"]);
    assert_eq!(text(&changed[0]["clientId"]), client);
    let shown = page(&dana, &made[0]).await;
    assert_eq!(shown["recordNumber"], "HP-1", "the number stays as it is written");
    assert_eq!(shown["professional"], "Dr. Achebe");
    assert_eq!(shown["emails"][0]["address"], "ann@mail.example", "what is not named stays");
    assert_eq!(shown["version"], 2);

    let before = world.items_but_sessions().await;
    let again = sync(&dana, &[second]).await;
    assert_eq!(outcomes(&again), ["unchanged"]);
    assert_eq!(text(&again[0]["clientId"]), client);
    assert!(world.items_but_sessions().await == before, "something was written");
    let actions = dana.actions(&client).await;
    assert_eq!(actions[..2], ["client-shown", "client-opened"], "that it was looked at is told");
    assert_eq!(actions.iter().filter(|action| *action == "client-updated").count(), 1);
}

#[tokio::test]
async fn an_empty_list_takes_all_away_and_what_is_not_named_stays() {
    let world = World::new().await;
    let dana = world.dana().await;
    let full = json!({
        "name": {"first": "Ann", "last": "Lee", "preferred": "Annie"},
        "emails": [{"type": "home", "address": "ann@mail.example"}],
        "phones": [{"type": "mobile", "number": "555 0107"}], "professional": "Dr. Achebe",
    });
    let made = sync(&dana, &[ann(&full)]).await;
    let null = json!({"emails": null, "phones": null});
    assert_eq!(outcomes(&sync(&dana, &[ann(&json!({})), ann(&null)]).await), ["unchanged"; 2]);
    let none = json!({
        "name": {"first": "Ann", "last": "Lee", "preferred": ""}, "emails": [], "phones": [],
        "professional": null,
    });
    assert_eq!(outcomes(&sync(&dana, &[ann(&none)]).await), ["updated"]);
    let shown = page(&dana, &made[0]).await;
    assert_eq!((&shown["emails"], &shown["phones"]), (&json!([]), &json!([])));
    assert!(shown.get("professional").is_none() && shown["name"].get("preferred").is_none());
}

#[tokio::test]
async fn a_wrong_optional_field_costs_the_field_and_is_named() {
    let world = World::new().await;
    let dana = world.dana().await;
    let also = json!({
        "name": {"first": "Ann", "last": "Lee", "preferred": "x".repeat(101), "middle": "B"},
        "emails": [
            {"type": "home", "address": "zoe"}, {"type": "work", "address": "ann@mail.example"},
            {"type": "fax", "address": "a@mail.example"},
        ],
        "phones": "555 0107", "professional": "x".repeat(101), "distinct": true,
    });
    let made = sync(&dana, &[ann(&also)]).await;
    assert_eq!(outcomes(&made), ["created"]);
    let expected = pairs(&[
        ("name.middle", "unknown"),
        ("name.preferred", "too_long"),
        ("emails[0].address", "not_an_email"),
        ("emails[2].type", "not_an_option"),
        ("phones", "wrong_type"),
        ("professional", "too_long"),
        ("distinct", "unknown"),
    ]);
    let mut told = named(&made[0]);
    told.sort();
    let mut expected = expected;
    expected.sort();
    assert_eq!(told, expected);
    let shown = page(&dana, &made[0]).await;
    assert_eq!(
        shown["emails"],
        json!([{"type": "work", "address": "ann@mail.example", "safe": false}])
    );

    // Where nothing of a list is left, what is there stays.
    let wrong = json!({"emails": [{"type": "home", "address": "zoe"}]});
    let again = sync(&dana, &[ann(&wrong)]).await;
    assert_eq!(outcomes(&again), ["unchanged"]);
    assert_eq!(named(&again[0]), pairs(&[("emails[0].address", "not_an_email")]));
    let many = json!({"phones": vec![json!({"type": "home", "number": "555 0107"}); 12]});
    let cut = sync(&dana, &[ann(&many)]).await;
    assert_eq!(named(&cut[0]), pairs(&[("phones", "too_many")]));
    assert_eq!(page(&dana, &made[0]).await["phones"].as_array().expect("a list").len(), 10);
}

#[tokio::test]
async fn a_wrong_needed_field_costs_its_row_alone() {
    let world = World::new().await;
    let dana = world.dana().await;
    let mut rows = vec![ann(&json!({}))];
    let mut expected = vec![("", "")];
    for (also, field, code) in [
        (json!({"recordNumber": "?"}), "recordNumber", "not_a_record_number"),
        (json!({"recordNumber": null}), "recordNumber", "wrong_type"),
        (json!({"name": {"first": "", "last": ""}}), "name", "empty"),
        (json!({"name": {"first": "Ann"}}), "name.last", "missing"),
        (json!({"name": "Ann Lee"}), "name", "wrong_type"),
        (json!({"name": {"first": "x".repeat(101), "last": "Lee"}}), "name.first", "too_long"),
        (json!({"dateOfBirth": "12/03/1984"}), "dateOfBirth", "not_a_date"),
        (json!({"dateOfBirth": "2999-01-01"}), "dateOfBirth", "in_future"),
        (json!({"dateOfBirth": 30_753}), "dateOfBirth", "wrong_type"),
    ] {
        rows.push(ann(&also));
        expected.push((field, code));
    }
    rows.push(json!({}));
    rows.push(row("HP-2", "Bo", "Ray", "1990-01-01", &json!({})));
    let answered = sync(&dana, &rows).await;
    let invalid = outcomes(&answered)[1..answered.len() - 1].to_vec();
    assert!(invalid.iter().all(|outcome| *outcome == "invalid"), "{answered:?}");
    assert_eq!(
        (outcomes(&answered)[0], outcomes(&answered)[answered.len() - 1]),
        ("created", "created")
    );
    for (result, expected) in answered.iter().zip(expected).skip(1) {
        assert_eq!(named(result), pairs(&[expected]), "{result}");
        assert!(!text(&result["fields"][0]["message"]).is_empty());
    }
    let bare = &answered[rows.len() - 2];
    let missing = ["recordNumber", "name", "dateOfBirth"].map(|field| (field, "missing"));
    assert_eq!((named(bare), &bare["recordNumber"]), (pairs(&missing), &json!("")));
    assert_eq!(answered[1]["recordNumber"], "?", "as it was sent");
    assert_eq!(clients(&world).await, 2);
}

#[tokio::test]
async fn a_needed_field_that_is_there_twice_is_wrong() {
    let world = World::new().await;
    let dana = world.dana().await;
    let mut call = Call::new("POST", PATH).json(&json!({}));
    call.body = Some(
        r#"{"rows":[{"recordNumber":"1","recordNumber":"2","name":{"first":"A","last":"B"},
            "dateOfBirth":"1984-03-12"}]}"#
            .into(),
    );
    let answered = results(dana.send(call).await);
    assert_eq!(outcomes(&answered), ["invalid"]);
    assert_eq!(named(&answered[0]), pairs(&[("recordNumber", "duplicate")]));
}

// ---- Who the row is about ----

#[tokio::test]
async fn a_held_number_with_another_name_or_birth_date_is_an_update_and_with_both_a_wrong_row() {
    let world = World::new().await;
    let dana = world.dana().await;
    let made = sync(&dana, &[ann(&json!({}))]).await;
    let client = text(&made[0]["clientId"]);
    let married = row("HP-1", "Ann", "Ray", "1984-03-12", &json!({}));
    assert_eq!(outcomes(&sync(&dana, &[married]).await), ["updated"]);
    let hits = dana.post("/api/clients/search", &json!({"query": "ann lee"})).await.expect(200);
    assert_eq!(hits["clients"][0]["clientId"], client.as_str(), "found by the former name");
    let corrected = row("HP-1", "Ann", "Ray", "1984-12-03", &json!({}));
    assert_eq!(outcomes(&sync(&dana, &[corrected]).await), ["updated"]);
    assert_eq!(page(&dana, &made[0]).await["dateOfBirth"], "1984-12-03");

    let before = world.items_but_sessions().await;
    let other = row("HP-1", "Silas", "Moor", "1950-01-01", &json!({}));
    for answered in [dry(&dana, std::slice::from_ref(&other)).await, sync(&dana, &[other]).await] {
        assert_eq!(outcomes(&answered), ["invalid"]);
        assert_eq!(named(&answered[0]), pairs(&[("recordNumber", "taken")]));
        assert_eq!(answered[0]["clientId"], client.as_str());
    }
    assert!(world.items_but_sessions().await == before, "something was written");
    let refused = world.events().await;
    let refused = refused.values().filter(|e| e.contains("record_number_taken")).count();
    assert_eq!(refused, 2, "the holder's history tells of it");
}

#[tokio::test]
async fn a_new_name_reaches_the_portal_user_who_is_the_client_and_is_refused_as_by_an_edit() {
    let world = World::new().await;
    let dana = world.dana().await;
    let made = sync(&dana, &[ann(&json!({}))]).await;
    let client = text(&made[0]["clientId"]);
    let add = async |client: &str, email: &str, relationship: &str| {
        let body = json!({
            "name": {"first": "Ann", "last": "Lee"}, "email": email, "relationship": relationship,
            "permissions": ["basic"],
        });
        dana.post(&format!("/api/clients/{client}/portal-users"), &body).await.expect(201)
    };
    add(&client, "ann@mail.example", "self").await;
    let renamed = [row("HP-1", "Ann", "Ray", "1984-03-12", &json!({}))];
    assert_eq!(outcomes(&dry(&dana, &renamed).await), ["updated"]);
    assert_eq!(outcomes(&sync(&dana, &renamed).await), ["updated"]);
    assert_eq!(dana.users(&client).await["portalUsers"][0]["name"]["last"], "Ray");

    // An account that somebody uses for another chart keeps its name until the person has enrolled here.
    let child = dana.client("Kit", "Okafor", "1984-03-12").await;
    let parent = dana.enroll_for(&child, "parent@mail.example").await;
    let two = sync(&dana, &[row("HP-2", "Pat", "Person", "1960-01-01", &json!({}))]).await;
    let second = text(&two[0]["clientId"]);
    add(&second, &parent.email, "self").await;
    let rows = [row("HP-2", "Pat", "Quist", "1960-01-01", &json!({}))];
    let before = world.items_but_sessions().await;
    for answered in [dry(&dana, &rows).await, sync(&dana, &rows).await] {
        assert_eq!(outcomes(&answered), ["invalid"], "{answered:?}");
        assert_eq!(named(&answered[0]), pairs(&[("name", "taken")]));
    }
    assert!(world.items_but_sessions().await == before, "something was written");
    world.signed_in(&parent.email, PASSWORD).await;
}

#[tokio::test]
async fn a_possible_duplicate_is_named_and_left_out() {
    let world = World::new().await;
    let dana = world.dana().await;
    let there = sync(&dana, &[ann(&json!({}))]).await;
    let client = text(&there[0]["clientId"]);
    let rows = [
        row("HP-2", "ANN", "LEE", "1984-03-12", &json!({})),
        row("HP-3", "Ann", "Lee", "1984-03-13", &json!({})),
        // Of two in one call the first is created.
        row("HP-4", "Lee", "Ann", "1984-03-13", &json!({})),
    ];
    let expected = ["possible_duplicate", "created", "possible_duplicate"];
    let foretold = dry(&dana, &rows).await;
    let done = sync(&dana, &rows).await;
    for answered in [&foretold, &done] {
        assert_eq!(outcomes(answered), expected);
        assert_eq!(named(&answered[0]), pairs(&[("recordNumber", "possible_duplicate")]));
        assert_eq!(answered[0]["clientId"], client.as_str(), "who it may be");
        for (at, number) in [(0, "HP-1"), (2, "HP-3")] {
            let message = text(&answered[at]["fields"][0]["message"]);
            assert!(message.contains(number), "{message}");
        }
    }
    assert!(foretold[2].get("clientId").is_none(), "there is nobody yet");
    assert_eq!(done[2]["clientId"], done[1]["clientId"]);
    assert_eq!(clients(&world).await, 2);
    let shown = dana.actions(&client).await;
    assert_eq!(shown.iter().filter(|action| *action == "client-shown").count(), 2);
}

#[tokio::test]
async fn of_two_rows_with_one_number_the_later_applies_to_the_client_that_the_first_made() {
    let world = World::new().await;
    let dana = world.dana().await;
    let rows = [
        ann(&json!({"professional": "Dr. Achebe"})),
        row("HP-9", "Bo", "Ray", "1990-01-01", &json!({})),
        row("hp/1", "Ann", "Ray", "1984-03-12", &json!({})),
        row("HP-1", "Ann", "Ray", "1984-03-12", &json!({})),
        row("HP-1", "Bo", "Ray", "1990-01-01", &json!({})),
    ];
    let expected = ["created", "created", "updated", "unchanged", "invalid"];
    let before = world.items_but_sessions().await;
    let foretold = dry(&dana, &rows).await;
    assert_eq!(outcomes(&foretold), expected);
    assert!(foretold.iter().all(|result| result.get("clientId").is_none()), "{foretold:?}");
    assert!(world.items_but_sessions().await == before, "the dry run wrote something");
    let done = sync(&dana, &rows).await;
    assert_eq!(outcomes(&done), expected);
    assert_eq!(done[2]["clientId"], done[0]["clientId"]);
    let shown = page(&dana, &done[0]).await;
    assert_eq!(
        (&shown["name"]["last"], &shown["professional"]),
        (&json!("Ray"), &json!("Dr. Achebe"))
    );
    assert_eq!(clients(&world).await, 2);
}

// ---- The dry run ----

#[tokio::test]
async fn a_dry_run_says_what_would_become_of_each_row_and_writes_nothing_but_that_it_looked() {
    let world = World::new().await;
    let dana = world.dana().await;
    let there =
        sync(&dana, &[ann(&json!({})), row("HP-2", "Bo", "Ray", "1990-01-01", &json!({}))]).await;
    let rows = [
        ann(&json!({})),
        row("HP-2", "Bo", "Fox", "1990-01-01", &json!({})),
        row("HP-3", "Cy", "Day", "1970-01-01", &json!({"professional": ""})),
        row("HP-4", "Lee", "Ann", "1984-03-12", &json!({})),
        row("HP-5", "", "", "1984-03-12", &json!({})),
    ];
    let (items, changes) = (world.items_but_sessions().await, world.changes().await);
    let events = world.events().await.len();
    let foretold = dry(&dana, &rows).await;
    let expected = ["unchanged", "updated", "created", "possible_duplicate", "invalid"];
    assert_eq!(outcomes(&foretold), expected);
    assert!(world.items_but_sessions().await == items, "something was written");
    assert_eq!(world.changes().await, changes);
    // Two clients were shown: Ann, who is alike too, and Bo.
    assert_eq!(world.events().await.len(), events + 2);
    let done = sync(&dana, &rows).await;
    for (foretold, done) in foretold.iter().zip(&done) {
        let mut done = done.clone();
        if done["outcome"] == "created" {
            done.as_object_mut().expect("an object").remove("clientId");
        }
        assert_eq!(*foretold, done);
    }
    assert_eq!(there[0]["clientId"], done[0]["clientId"]);
    // A run that finds nobody is told too.
    let events = world.events().await;
    dry(&dana, &[row("HP-7", "Di", "Fox", "1970-01-01", &json!({}))]).await;
    let told = world.events().await;
    let told: Vec<&String> =
        told.iter().filter(|(k, _)| !events.contains_key(*k)).map(|e| e.1).collect();
    assert!(told.len() == 1 && told[0].contains("clients-compared"), "{told:?}");
}

// ---- Who may, and how much ----

#[tokio::test]
async fn admins_and_systems_of_the_scope_may_and_nobody_else() {
    let world = World::new().await;
    let dana = world.dana().await;
    let felix = world.staff("harbor", "Felix", Role::Staff).await;
    let body = json!({"rows": [ann(&json!({}))]});
    felix.post(PATH, &body).await.problem(403, "admins_only");
    let alerts = dana.program(&system(&["alerts", "access"])).await;
    alerts.call(Call::new("POST", PATH).json(&body)).await.problem(403, "insufficient_scope");
    assert_eq!(clients(&world).await, 0);
    let ledger = dana.program(&system(&["clients"])).await;
    let made = results(ledger.call(Call::new("POST", PATH).json(&body)).await);
    assert_eq!(outcomes(&made), ["created"]);
    let history = format!("/api/clients/{}/history", text(&made[0]["clientId"]));
    let history = dana.get(&history).await.expect(200);
    assert_eq!(history["events"][0]["actor"]["role"], "system");
    assert_eq!(history["events"][0]["actor"]["name"], "Ledger EHR");
}

#[tokio::test]
async fn another_practices_clients_are_not_there() {
    let world = World::new().await;
    let (dana, casey) = (world.dana().await, world.staff("cove", "Casey", Role::Admin).await);
    let here = sync(&dana, &[ann(&json!({}))]).await;
    let there = sync(&casey, &[ann(&json!({"professional": "Dr. Cove"}))]).await;
    assert_eq!(outcomes(&there), ["created"]);
    assert_ne!(here[0]["clientId"], there[0]["clientId"]);
    assert!(page(&dana, &here[0]).await.get("professional").is_none());
}

#[tokio::test]
async fn twenty_five_clients_with_all_they_can_have_fit_into_a_call_and_one_more_does_not() {
    let world = World::new().await;
    let dana = world.dana().await;
    let wide = |c: &str, n: usize| c.repeat(n);
    let full = |number: usize| {
        let address = format!("{}@{}.example", wide("a", 60), wide("b", 60));
        let emails: Vec<_> = (0..10)
            .map(|n| json!({"type": "mobile", "address": format!("{n}{address}")}))
            .collect();
        let phones = vec![json!({"type": "mobile", "number": wide("1", 40)}); 10];
        row(
            &format!("{number:0>40}"),
            &wide("\u{1f642}", 100),
            &wide("\u{1f643}", 100),
            &format!("{}-01-01", 1950 + number),
            &json!({
                "emails": emails, "phones": phones, "professional": wide("\u{1f641}", 100),
                "name": {
                    "first": wide("\u{1f642}", 99), "last": wide("\u{1f643}", 100),
                    "preferred": wide("\u{1f644}", 100),
                },
            }),
        )
    };
    let rows: Vec<Value> = (0..26).map(full).collect();
    // As a program writes it that keeps to ASCII.
    let mut call = Call::new("POST", PATH).json(&json!({"rows": &rows[..25]}));
    let body = call.body.take().expect("a body");
    let escape = |c: char| {
        let mut units = [0; 2];
        let units = c.encode_utf16(&mut units);
        let units: Vec<String> = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
        units.concat()
    };
    let escaped = body.chars().map(|c| if c.is_ascii() { c.to_string() } else { escape(c) });
    call.body = Some(escaped.collect());
    assert!(call.body.as_ref().is_some_and(|body| body.len() > 128 * 1024));
    assert_eq!(outcomes(&results(dana.send(call).await)), ["created"; 25]);
    let answer = dana.post(PATH, &json!({"rows": rows})).await;
    assert_eq!(answer.problem(400, "invalid")["fields"][0]["code"], "too_many");
    let answer = dana.post(PATH, &json!({"rows": []})).await;
    assert_eq!(answer.problem(400, "invalid")["fields"][0]["field"], "rows");
}

#[tokio::test]
async fn the_table_is_asked_once_for_all_numbers_and_once_for_each_chart() {
    let world = World::new().await;
    let dana = world.dana().await;
    let rows: Vec<Value> = (0..25)
        .map(|n| row(&format!("N-{n}"), "Ann", "Lee", &format!("{}-03-12", 1950 + n), &json!({})))
        .collect();
    let count = |operation: &str| world.wire.seen().iter().filter(|o| *o == operation).count();
    // One batch beside that of the practice and the member of the staff.
    world.wire.forget();
    sync(&dana, &rows).await;
    assert_eq!((count("BatchGetItem"), count("Query"), count("TransactWriteItems")), (2, 25, 25));
    assert_eq!(world.wire.seen().len(), 2 + 51);
    world.wire.forget();
    assert_eq!(outcomes(&sync(&dana, &rows).await), ["unchanged"; 25]);
    // Their events are one transaction.
    assert_eq!((count("BatchGetItem"), count("Query"), count("TransactWriteItems")), (2, 25, 1));
    assert_eq!(world.wire.seen().len(), 2 + 27);
}

// ---- Again, at once, and when something fails ----

#[tokio::test]
async fn the_same_key_gets_the_same_answer_and_another_body_none() {
    let world = World::new().await;
    let dana = world.dana().await;
    let send = async |rows: &[Value], dry: bool| {
        let body = json!({"rows": rows, "dryRun": dry});
        dana.send(Call::new("POST", PATH).json(&body).header("idempotency-key", "k")).await
    };
    let rows =
        [ann(&json!({"professional": ""})), row("HP-2", "Bo", "Ray", "1990-01-01", &json!({}))];
    // A dry run is no answer to keep.
    send(&rows, true).await.expect(200);
    let first = send(&rows, false).await.expect(200);
    let events = world.changes().await;
    assert_eq!(outcomes(first["results"].as_array().expect("a list")), ["created"; 2]);
    assert_eq!(send(&rows, false).await.expect(200), first);
    assert_eq!(world.changes().await, events);
    send(&rows[..1], false).await.problem(422, "idempotency_key_reused");
    send(&rows, true).await.problem(422, "idempotency_key_reused");
    let client = text(&first["results"][0]["clientId"]);
    assert_eq!(dana.actions(&client).await[0], "client-shown", "giving it again is told");
}

/// How many requests of the two are put in an order by hand; the rest comes as it comes.
const STEPS: u32 = 6;

#[tokio::test]
async fn two_lists_at_once_make_each_client_once_whatever_the_order() {
    let world = World::new().await;
    let (dana, felix) = (world.dana().await, world.staff("harbor", "Felix", Role::Admin).await);
    let before = world.snapshot().await;
    let mut seen = std::collections::BTreeSet::new();
    for (number, last, key) in
        [("HP-1", "Ray", false), ("HP-2", "Lee", false), ("HP-1", "Lee", true)]
    {
        for order in 0..2_u32.pow(STEPS) {
            let what = format!("{number} {last} {key}, order {order:06b}");
            world.wire.forget();
            world.wire.hold_marked();
            let call = |row: Value| {
                let call = Call::new("POST", PATH).json(&json!({"rows": [row]}));
                if key { call.header("idempotency-key", "k") } else { call }
            };
            let other = row(number, "Ann", last, "1984-03-12", &json!({}));
            let mut operations = Operations::on(&world.wire);
            operations.add(dana.send(call(ann(&json!({})))));
            operations.add(if key { &dana } else { &felix }.send(call(other)));
            let mut step = 0;
            loop {
                operations.settle().await;
                let waiting = world.wire.look(|held| held.mark.expect("a mark"));
                if waiting.is_empty() {
                    break;
                }
                let wanted = usize::try_from(order >> step.min(STEPS) & 1).expect("small");
                let at = waiting.iter().position(|mark| *mark == wanted).unwrap_or(0);
                world.wire.take(at).expect("it waits").release();
                step += 1;
            }
            world.wire.let_go();
            let answers = [0, 1].map(|at| operations.answer(at).expect("an answer").clone());
            drop(operations);
            let results = answers.map(|answer| results(answer).remove(0));
            let mut both = outcomes(&results);
            both.sort_unstable();
            let expected = match (number, last, key) {
                // What the later one says stands.
                ("HP-1", "Ray", _) => vec!["created", "updated"],
                ("HP-2", ..) => vec!["created", "possible_duplicate"],
                // One request that came twice is answered once.
                _ => vec![both[0], both[0]],
            };
            assert_eq!(both, expected, "{what}");
            assert_eq!(results[0]["clientId"], results[1]["clientId"], "{what}");
            assert_eq!(clients(&world).await, 1, "{what}");
            let created = world.changes().await;
            let created = created.values().filter(|e| e.contains("client-created")).count();
            assert_eq!(created, 1, "{what}");
            seen.insert(outcomes(&results).join(" "));
            let now = world.snapshot().await;
            world.put_back(&now, &before).await;
        }
    }
    for expected in ["created updated", "updated created", "possible_duplicate created"] {
        assert!(seen.contains(expected), "{expected} was never seen: {seen:?}");
    }
}

#[tokio::test]
async fn a_list_that_was_cut_off_is_finished_by_sending_it_again() {
    let world = World::new().await;
    let dana = world.dana().await;
    let rows: Vec<Value> = (0..10)
        .map(|n| row(&format!("N-{n}"), "Ann", "Lee", &format!("{}-03-12", 1950 + n), &json!({})))
        .collect();
    for written in [0, 3, 9] {
        let before = world.snapshot().await;
        world.wire.forget();
        world.wire.break_after("TransactWriteItems", written, Fault::Error, usize::MAX);
        dana.post(PATH, &json!({"rows": rows})).await.problem(503, "unavailable");
        world.wire.forget();
        assert_eq!(clients(&world).await, written);
        let rest = sync(&dana, &rows).await;
        let count = |outcome: &str| outcomes(&rest).iter().filter(|o| **o == outcome).count();
        assert_eq!((count("unchanged"), count("created")), (written, 10 - written));
        assert_eq!(clients(&world).await, 10);
        world.put_back(&world.snapshot().await, &before).await;
    }
}
