//! Rules 12 and 13: stale edits lose and change nothing, retries are safe; and what an edit
//! touches elsewhere: the portal, the search, the invitation.

use api_tests::{
    Answer, Call, PASSWORD, World,
    people::{Invited, Staff, text},
    wire::Fault,
};
use serde_json::{Value, json};
use shared::history::Role;

/// How many clients there are.
async fn clients(world: &World) -> usize {
    world.items().await.keys().filter(|k| k.ends_with(" A#CLIENT")).count()
}

/// How many portal users, and how many mails, there are.
async fn users_and_mails(world: &World) -> (usize, usize) {
    let items = world.items().await;
    let count = |part: &str| items.keys().filter(|k| k.contains(part)).count();
    (count(" A#USER#"), count(" MAIL#"))
}

fn new_client(record: Option<&str>) -> Value {
    let mut body = json!({
        "name": {"first": "Amara", "last": "Okafor"}, "dateOfBirth": "1984-03-12",
        "distinct": true,
    });
    if let Some(record) = record {
        body["recordNumber"] = json!(record);
    }
    body
}

fn new_user(email: &str) -> Value {
    json!({
        "name": {"first": "Pat", "last": "Person"}, "email": email,
        "relationship": "parent", "permissions": ["basic"],
    })
}

fn keyed(path: &str, key: &str, body: &Value) -> Call {
    Call::new("POST", path).json(body).header("idempotency-key", key)
}

// ---- Stale edits ----

#[tokio::test]
async fn an_edit_of_an_old_version_of_a_client_changes_nothing() {
    let world = World::new().await;
    let dana = world.dana().await;
    let path = format!("/api/clients/{}", dana.client("Amara", "Okafor", "1984-03-12").await);
    let seen = dana.get(&path).await.expect(200)["version"].clone();
    let edit = |version: &Value, name: &str| json!({"version": version, "professional": name});
    let now = dana.patch(&path, &edit(&seen, "Dr. One")).await.expect(200);
    assert_ne!(now["version"], seen);
    let (before, events) = (world.items_but_sessions().await, world.changes().await);
    for old in [seen.clone(), json!(0), json!(99)] {
        dana.patch(&path, &edit(&old, "Dr. Two")).await.problem(409, "stale");
        // Also an edit that would change nothing says that it looked at something old.
        dana.patch(&path, &edit(&old, "Dr. One")).await.problem(409, "stale");
    }
    assert_eq!(world.items_but_sessions().await, before);
    assert_eq!(world.changes().await, events);
    let last = dana.patch(&path, &edit(&now["version"], "Dr. Two")).await.expect(200);
    assert_eq!(last["professional"], "Dr. Two");
    // An edit that changes nothing makes no new version and no event.
    let (before, events) = (world.items_but_sessions().await, world.changes().await);
    let same = dana.patch(&path, &edit(&last["version"], "Dr. Two")).await.expect(200);
    assert_eq!(same, last);
    assert_eq!((world.items_but_sessions().await, world.changes().await), (before, events));
}

#[tokio::test]
async fn an_edit_of_an_old_version_of_a_portal_user_changes_nothing() {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = dana.client("Amara", "Okafor", "1984-03-12").await;
    let who = dana.invite(&client, "pat@mail.example").await;
    let seen = dana.user(&who).await["version"].clone();
    let edit = |version: &Value, to: &str| json!({"version": version, "relationship": to});
    let now = dana.patch(&who.path(), &edit(&seen, "guardian")).await.expect(200);
    assert_ne!(now["version"], seen);
    let (before, events) = (world.items_but_sessions().await, world.changes().await);
    for old in [seen, json!(0), json!(99)] {
        dana.patch(&who.path(), &edit(&old, "spouse")).await.problem(409, "stale");
        let email = json!({"version": old, "email": "new@mail.example"});
        dana.patch(&who.path(), &email).await.problem(409, "stale");
    }
    assert_eq!(world.items_but_sessions().await, before);
    assert_eq!(world.changes().await, events);
    dana.patch(&who.path(), &edit(&now["version"], "spouse")).await.expect(200);

    // Whoever saw the user before somebody else revoked or enrolled it, edits something old.
    let seen = dana.user(&who).await["version"].clone();
    dana.revoke(&who).await.expect(200);
    dana.patch(&who.path(), &edit(&seen, "other")).await.problem(409, "stale");
}

#[tokio::test]
async fn of_two_edits_at_once_one_wins_and_the_other_is_stale() {
    let world = World::new().await;
    let dana = world.dana().await;
    let felix = world.staff("harbor", "Felix", Role::Staff).await;
    let client = dana.client("Amara", "Okafor", "1984-03-12").await;
    let who = dana.invite(&client, "pat@mail.example").await;
    for (path, member, one, two) in [
        (format!("/api/clients/{client}"), "professional", "Dr. One", "Dr. Two"),
        (who.path(), "relationship", "guardian", "spouse"),
    ] {
        let version = if member == "professional" {
            dana.get(&path).await.expect(200)["version"].clone()
        } else {
            dana.user(&who).await["version"].clone()
        };
        let (ours, theirs) =
            (json!({"version": version, member: one}), json!({"version": version, member: two}));
        let events = world.changes().await.len();
        let (a, b) = futures::join!(dana.patch(&path, &ours), felix.patch(&path, &theirs));
        let won = [&a, &b].map(|answer| answer.status.as_u16());
        let mut sorted = won;
        sorted.sort_unstable();
        assert_eq!(sorted, [200, 409], "{path}");
        let (winner, loser) = if won[0] == 200 { (a, b) } else { (b, a) };
        loser.problem(409, "stale");
        let now = if member == "professional" {
            dana.get(&path).await.expect(200)
        } else {
            // Who has a second factor is in the list alone.
            let mut user = dana.user(&who).await;
            user.as_object_mut().expect("an object").remove("secondFactor");
            user
        };
        assert_eq!(now, winner.expect(200));
        // The winner's event, and that of looking.
        assert_eq!(world.changes().await.len(), events + 2);
    }
}

// ---- Retries ----

/// A request that makes something, and what it made.
struct Making {
    path: String,
    body: Value,
    other: Value,
}

async fn makings(staff: &Staff) -> [Making; 2] {
    let client = staff.client("Wren", "Okafor", "1984-03-12").await;
    [
        Making {
            path: "/api/clients".into(),
            body: new_client(None),
            other: new_client(Some("R-1")),
        },
        Making {
            path: format!("/api/clients/{client}/portal-users"),
            body: new_user("one@mail.example"),
            other: new_user("two@mail.example"),
        },
    ]
}

#[track_caller]
fn assert_same(first: &Answer, again: &Answer) {
    assert_eq!(first.status.as_u16(), 201, "{}", first.body);
    assert_eq!((again.status, &again.body), (first.status, &first.body));
}

#[tokio::test]
async fn the_same_key_and_body_get_the_same_answer_and_make_one_thing() {
    let world = World::new().await;
    let dana = world.dana().await;
    for making in makings(&dana).await {
        let send = || dana.send(keyed(&making.path, "key-1", &making.body));
        let first = send().await;
        let (before, events) = (world.items_but_sessions().await, world.changes().await);
        world.pass(7);
        assert_same(&first, &send().await);
        assert_eq!(world.items_but_sessions().await, before, "{}", making.path);
        assert_eq!(world.changes().await, events, "{}", making.path);

        // The order of members and the white space between them are no other body.
        let mut call = keyed(&making.path, "key-1", &making.body);
        call.body = Some(serde_json::to_string_pretty(&making.body).expect("JSON"));
        assert_same(&first, &dana.send(call).await);

        let other = dana.send(keyed(&making.path, "key-1", &making.other)).await;
        let problem = other.problem(422, "idempotency_key_reused");
        assert_eq!(problem["fields"][0]["field"], "Idempotency-Key");
        assert_eq!(world.items_but_sessions().await, before, "{}", making.path);

        // Another key, or none, makes another thing.
        let next = dana.send(keyed(&making.path, "key-2", &making.other)).await;
        assert_eq!(next.status.as_u16(), 201, "{}", next.body);
    }
    assert_eq!(clients(&world).await, 3);
    assert_eq!(users_and_mails(&world).await, (2, 2));
}

#[tokio::test]
async fn the_same_request_twice_at_once_makes_one_thing() {
    let world = World::new().await;
    let dana = world.dana().await;
    for making in makings(&dana).await {
        let send = || dana.send(keyed(&making.path, "key-1", &making.body));
        let (a, b, c) = futures::join!(send(), send(), send());
        assert_same(&a, &b);
        assert_same(&a, &c);
    }
    assert_eq!(clients(&world).await, 2);
    assert_eq!(users_and_mails(&world).await, (1, 1));
}

#[tokio::test]
async fn a_retry_after_a_lost_answer_gets_the_answer_and_makes_nothing_more() {
    let world = World::new().await;
    let dana = world.dana().await;
    for making in makings(&dana).await {
        let send = || dana.send(keyed(&making.path, "key-1", &making.body));
        // Whatever the SDK tries again is lost too.
        world.wire.break_after("TransactWriteItems", 0, Fault::LostAnswer, 20);
        let lost = send().await;
        assert_eq!(lost.headers["retry-after"], "1");
        lost.problem(503, "unavailable");
        world.wire.forget();
        let first = send().await;
        assert_same(&first, &send().await);
    }
    assert_eq!(clients(&world).await, 2);
    assert_eq!(users_and_mails(&world).await, (1, 1));
}

#[tokio::test]
async fn a_retry_after_a_lost_request_makes_the_thing() {
    let world = World::new().await;
    let dana = world.dana().await;
    for making in makings(&dana).await {
        let send = || dana.send(keyed(&making.path, "key-1", &making.body));
        world.wire.break_after("TransactWriteItems", 0, Fault::LostRequest, 20);
        let before = world.items_but_sessions().await;
        send().await.problem(503, "unavailable");
        assert_eq!(world.items_but_sessions().await, before);
        world.wire.forget();
        let first = send().await;
        assert_same(&first, &send().await);
    }
    assert_eq!(clients(&world).await, 2);
}

#[tokio::test]
async fn a_key_is_a_persons_own_and_one_operations() {
    let world = World::new().await;
    let dana = world.dana().await;
    let felix = world.staff("harbor", "Felix", Role::Staff).await;
    let send = |staff: &Staff, path: &str, body: &Value| {
        let (staff, call) = (staff.clone(), keyed(path, "key-1", body));
        async move { staff.send(call).await.expect(201) }
    };
    let one = send(&dana, "/api/clients", &new_client(None)).await;
    let two = send(&felix, "/api/clients", &new_client(None)).await;
    assert_ne!(one["clientId"], two["clientId"]);
    // The same key for another operation, and for the same on another client.
    let users = |client: &Value| format!("/api/clients/{}/portal-users", text(&client["clientId"]));
    let first = send(&dana, &users(&one), &new_user("one@mail.example")).await;
    let second = send(&dana, &users(&two), &new_user("one@mail.example")).await;
    assert_ne!(first["portalUserId"], second["portalUserId"]);
}

#[tokio::test]
async fn a_key_is_kept_for_a_day() {
    let world = World::new().await;
    let send = async || {
        let dana = world.dana().await;
        dana.send(keyed("/api/clients", "key-1", &new_client(None))).await
    };
    let first = send().await;
    world.pass(24 * 60 * 60 - 1);
    assert_same(&first, &send().await);
    assert_eq!(clients(&world).await, 1);
    world.pass(1);
    let next = send().await.expect(201);
    assert_ne!(next["clientId"], first.body["clientId"]);
    assert_eq!(clients(&world).await, 2);
}

#[tokio::test]
async fn a_refusal_is_not_kept_under_the_key() {
    let world = World::new().await;
    let dana = world.dana().await;
    dana.post("/api/clients", &new_client(Some("R-1"))).await.expect(201);
    let send = |record: &str| dana.send(keyed("/api/clients", "key-1", &new_client(Some(record))));
    send("R-1").await.problem(409, "record_number_taken");
    send("R-2").await.expect(201);
}

#[tokio::test]
async fn a_key_is_visible_ascii_of_at_most_255_characters() {
    let world = World::new().await;
    let dana = world.dana().await;
    let before = clients(&world).await;
    for key in ["", "two words", "caf\u{e9}", &"k".repeat(256)] {
        let problem = dana.send(keyed("/api/clients", key, &new_client(None))).await;
        assert_eq!(problem.problem(400, "invalid")["fields"][0]["field"], "Idempotency-Key");
    }
    assert_eq!(clients(&world).await, before);
    dana.send(keyed("/api/clients", &"k".repeat(255), &new_client(None))).await.expect(201);
}

// ---- Record numbers ----

#[tokio::test]
async fn separators_tell_record_numbers_apart_and_their_kind_does_not() {
    let world = World::new().await;
    let dana = world.dana().await;
    for free in ["12-1", "1-21", "121", "HC/2024-0017", "HC-20240017", "HC20240017", "1-2-1"] {
        dana.post("/api/clients", &new_client(Some(free))).await.expect(201);
    }
    for taken in ["12/1", "1 21", "hc 2024 0017", "hc.2024_0017", "hc - 20240017", "1 / 2 / 1"] {
        let answer = dana.post("/api/clients", &new_client(Some(taken))).await;
        answer.problem(409, "record_number_taken");
    }
}

#[tokio::test]
async fn a_record_number_is_unique_made_when_absent_and_freed_when_changed() {
    let world = World::new().await;
    let dana = world.dana().await;
    let first = dana.post("/api/clients", &new_client(Some("HP-100"))).await.expect(201);
    let (before, events) = (world.items_but_sessions().await, world.changes().await);
    for taken in ["HP-100", "hp-100", "HP 100", " HP-100 ", "Hp/100", "hp_100", "HP.100", "HP--100"]
    {
        let answer = dana.post("/api/clients", &new_client(Some(taken))).await;
        let problem = answer.problem(409, "record_number_taken");
        assert_eq!(problem["fields"][0]["field"], "recordNumber", "{taken}");
    }
    assert_eq!(world.items_but_sessions().await, before);
    assert_eq!(world.changes().await, events);

    let made = dana.post("/api/clients", &new_client(None)).await.expect(201);
    let more = dana.post("/api/clients", &new_client(None)).await.expect(201);
    assert!(!text(&made["recordNumber"]).is_empty());
    assert_ne!(made["recordNumber"], more["recordNumber"]);

    // To a taken one: nothing changes. To a free one: the old one is free.
    let path = |client: &Value| format!("/api/clients/{}", text(&client["clientId"]));
    let edit = |client: &Value, to: &str| json!({"version": client["version"], "recordNumber": to});
    let (before, events) = (world.items_but_sessions().await, world.changes().await);
    let answer = dana.patch(&path(&made), &edit(&made, "hp/100")).await;
    let problem = answer.problem(409, "record_number_taken");
    assert_eq!(problem["fields"][0]["field"], "recordNumber");
    assert_eq!(world.items_but_sessions().await, before);
    assert_eq!(world.changes().await, events);

    let first = dana.patch(&path(&first), &edit(&first, "HP-200")).await.expect(200);
    assert_eq!(first["recordNumber"], "HP-200");
    let made = dana.patch(&path(&made), &edit(&made, "HP-100")).await.expect(200);
    assert_eq!(made["recordNumber"], "HP-100");
    let again = edit(&first, "HP-100");
    dana.patch(&path(&first), &again).await.problem(409, "record_number_taken");
    // One's own number, written otherwise, is no conflict.
    let made = dana.patch(&path(&made), &edit(&made, "hp 100")).await.expect(200);
    assert_eq!(made["recordNumber"], "hp 100");
    dana.post("/api/clients", &new_client(Some("HP-100")))
        .await
        .problem(409, "record_number_taken");
}

#[tokio::test]
async fn of_two_who_want_one_record_number_at_once_one_gets_it() {
    let world = World::new().await;
    let dana = world.dana().await;
    let send = || {
        let (dana, body) = (dana.clone(), new_client(Some("HP-1")));
        async move { dana.post("/api/clients", &body).await }
    };
    let (a, b) = futures::join!(send(), send());
    let mut got = [a.status.as_u16(), b.status.as_u16()];
    got.sort_unstable();
    assert_eq!(got, [201, 409]);
    assert_eq!(clients(&world).await, 1);
}

// ---- What an edit touches elsewhere ----

async fn found(dana: &Staff, query: &str) -> Vec<String> {
    let hits = dana.post("/api/clients/search", &json!({"query": query})).await.expect(200);
    let hits = hits["clients"].as_array().cloned().unwrap_or_default();
    hits.iter().map(|c| text(&c["clientId"])).collect()
}

#[tokio::test]
async fn a_clients_new_name_shows_in_the_portal_and_in_search_at_once() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = dana.enrolled().await;
    let cookie = world.signed_in(&who.email, PASSWORD).await;
    assert_eq!(found(&dana, "okafor").await, std::slice::from_ref(&who.client));
    let body = json!({"version": 1, "name": {"first": "Zo\u{eb}", "last": "Quist"}});
    dana.patch(&format!("/api/clients/{}", who.client), &body).await.expect(200);

    let session = world.session(&cookie).await.expect(200);
    assert_eq!(session["charts"][0]["name"], body["name"]);
    let fresh = world.sign_in(&who.email, PASSWORD).await.expect(200);
    assert_eq!(fresh["charts"][0]["name"], body["name"]);
    assert_eq!(fresh["name"]["last"], "Person", "the person's own name is another");
    assert_eq!(found(&dana, "zoe quist").await, std::slice::from_ref(&who.client));
    // Staff who type her old name find her, too.
    assert_eq!(found(&dana, "okafor").await, [who.client.as_str()]);
}

#[tokio::test]
async fn a_corrected_name_and_birth_date_are_what_an_invitation_asks_for() {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = dana.client("Amara", "Okafor", "1984-03-12").await;
    let who = dana.invite(&client, "pat@mail.example").await;
    let body = json!({
        "version": 1, "name": {"first": "Amara", "last": "Quist"}, "dateOfBirth": "1984-03-13",
    });
    dana.patch(&format!("/api/clients/{client}"), &body).await.expect(200);
    let old = world.enroll(&who.token, "Okafor", "1984-03-12", PASSWORD).await;
    old.problem(422, "proof_failed");
    world.enroll(&who.token, "Quist", "1984-03-13", PASSWORD).await.expect(201);
}

#[tokio::test]
async fn a_new_address_of_an_invited_user_kills_the_old_link_and_sends_another() {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = dana.client("Amara", "Okafor", "1984-03-12").await;
    let who = dana.invite(&client, "old@mail.example").await;
    let version = dana.user(&who).await["version"].clone();
    let body = json!({"version": version, "email": "new@mail.example"});
    let user = dana.patch(&who.path(), &body).await.expect(200);
    assert_eq!(user["email"], "new@mail.example");
    assert_eq!(user["username"], "new@mail.example", "it is the address, and follows it");
    assert_eq!(user["mail"]["state"], "queued");
    assert_eq!(world.check(&who.token).await.expect(200)["state"], "expired");
    let dead = world.enroll(&who.token, "Okafor", "1984-03-12", PASSWORD).await;
    dead.problem(409, "invitation_expired");
    let olds = world.post.received().iter().filter(|m| m.to == who.email).count();
    world.deliver().await;
    assert_eq!(world.post.received().iter().filter(|m| m.to == who.email).count(), olds);
    let token = world.post.newest("new@mail.example").token();
    world.enroll(&token, "Okafor", "1984-03-12", PASSWORD).await.expect(201);
    world.sign_in("old@mail.example", PASSWORD).await.problem(401, "sign_in_failed");
    world.signed_in("new@mail.example", PASSWORD).await;
}

#[tokio::test]
async fn a_new_address_of_an_active_user_ends_the_reset_that_went_to_the_old_one() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who: Invited = dana.enrolled().await;
    world.forgot(&who.email).await.expect(202);
    world.deliver().await;
    let old = world.post.newest(&who.email).token();
    let version = dana.user(&who).await["version"].clone();
    let body = json!({"version": version, "email": "new@mail.example"});
    dana.patch(&who.path(), &body).await.expect(200);
    let password = "another nine grey pebbles";
    world.choose(&old, password).await.problem(409, "reset_expired");
    world.signed_in(&who.email, PASSWORD).await;
    world.forgot(&who.email).await.expect(202);
    world.deliver().await;
    let token = world.post.newest("new@mail.example").token();
    world.choose(&token, password).await.expect(204);
    world.signed_in(&who.email, password).await;
}

/// An edit of the address of a portal user, as it is now.
async fn readdress(staff: &Staff, who: &Invited, email: &str) -> Answer {
    let version = staff.user(who).await["version"].clone();
    staff.patch(&who.path(), &json!({"version": version, "email": email})).await
}

#[tokio::test]
async fn an_invitation_moves_no_account_that_has_more_than_itself_to_another_address() {
    let world = World::new().await;
    let dana = world.dana().await;
    let father = dana.enrolled().await;
    let client = dana.client("Silas", "Okafor", "1984-03-12").await;
    let invited = dana.invite(&client, &father.email).await;
    let revoked = dana.client("Wren", "Okafor", "1984-03-12").await;
    let revoked = dana.invite(&revoked, &father.email).await;
    dana.revoke(&revoked).await.expect(200);
    for who in [&invited, &revoked] {
        let before = (world.items_but_sessions().await, users_and_mails(&world).await);
        let taken = readdress(&dana, who, "mother@mail.example").await;
        let taken = taken.problem(409, "account_in_use");
        assert_eq!(taken["fields"][0]["field"], "email");
        assert_eq!((world.items_but_sessions().await, users_and_mails(&world).await), before);
        // All else of the person can be changed.
        let version = dana.user(who).await["version"].clone();
        let body = json!({"version": version, "relationship": "guardian"});
        dana.patch(&who.path(), &body).await.expect(200);
    }
    world.forgot(&father.email).await.expect(202);
    world.deliver().await;
    assert!(world.post.received().iter().all(|mail| mail.to != "mother@mail.example"));
    assert!(!world.post.newest(&father.email).token().is_empty());
    world.enroll(&invited.token, "Okafor", "1984-03-12", PASSWORD).await.expect(201);
}

/// A mother of two was invited under a misspelt address. Correcting it on one chart corrects both,
/// and no link that went to the wrong mailbox works.
#[tokio::test]
async fn a_corrected_address_of_an_account_that_was_only_invited_shows_on_every_chart() {
    let world = World::new().await;
    let dana = world.dana().await;
    let (one, two) = (
        dana.client("Silas", "Okafor", "1984-03-12").await,
        dana.client("Wren", "Okafor", "1984-03-12").await,
    );
    let one = dana.invite(&one, "mria@mail.example").await;
    let two = dana.invite(&two, "mria@mail.example").await;
    let corrected = readdress(&dana, &one, "maria@mail.example").await.expect(200);
    assert_eq!(corrected["username"], "maria@mail.example");
    let other = dana.user(&two).await;
    assert_eq!(
        (&other["username"], &other["email"]),
        (&corrected["username"], &corrected["email"])
    );
    assert_eq!(other["mail"]["state"], "queued");
    assert!(dana.actions(&two.client).await.contains(&"portal-user-updated".to_owned()));
    for dead in [&one, &two] {
        let answer = world.enroll(&dead.token, "Okafor", "1984-03-12", PASSWORD).await;
        assert!(answer.status.is_client_error(), "{}", answer.body);
    }
    world.deliver().await;
    let mails = world.post.received();
    let fresh: Vec<_> = mails.iter().filter(|m| m.to == "maria@mail.example").collect();
    assert_eq!(fresh.len(), 2);
    for mail in fresh {
        world.enroll(&mail.token(), "Okafor", "1984-03-12", PASSWORD).await.expect(201);
    }
    let session = world.sign_in("maria@mail.example", PASSWORD).await.expect(200);
    assert_eq!(session["charts"].as_array().map(Vec::len), Some(2));
}

/// What a client's page says of its portal.
async fn portal_status(world: &World, client: &str) -> Value {
    let dana = world.dana().await;
    dana.get(&format!("/api/clients/{client}")).await.expect(200)["portal"]["status"].clone()
}

/// The invitation to another chart is replaced as it is on the chart that is edited: the old link is
/// told that it is over, and the client's page knows the new one.
#[tokio::test]
async fn an_invitation_that_a_corrected_address_replaces_elsewhere_is_over_and_not_unknown() {
    const DAY: i64 = 24 * 60 * 60;
    let world = World::new().await;
    let dana = world.dana().await;
    let (one, two) = (
        dana.client("Silas", "Okafor", "1984-03-12").await,
        dana.client("Wren", "Okafor", "1984-03-12").await,
    );
    let one = dana.invite(&one, "mria@mail.example").await;
    let two = dana.invite(&two, "mria@mail.example").await;
    world.pass(5 * DAY);
    readdress(&world.dana().await, &one, "maria@mail.example").await.expect(200);
    for dead in [&one, &two] {
        assert_eq!(world.check(&dead.token).await.expect(200)["state"], "expired");
        let answer = world.enroll(&dead.token, "Okafor", "1984-03-12", PASSWORD).await;
        answer.problem(409, "invitation_expired");
    }
    // After the end of the first invitation the second is open, on both charts.
    world.pass(3 * DAY);
    for who in [&one, &two] {
        assert_eq!(portal_status(&world, &who.client).await, "invited");
    }
    world.pass(5 * DAY);
    for who in [&one, &two] {
        assert_eq!(portal_status(&world, &who.client).await, "expired");
    }
}

/// An address gets ten mails an hour: the invitations to further charts are over.
#[tokio::test]
async fn an_invitation_beyond_what_an_address_may_get_is_over_on_its_chart() {
    let world = World::new().await;
    let dana = world.dana().await;
    let mut all = Vec::new();
    for number in 0..12 {
        let client = dana.client("Wren", "Okafor", "1984-03-12").await;
        all.push(dana.invite(&client, "mria@mail.example").await);
        world.pass(1);
        if number % 9 == 8 {
            world.forget_mails().await;
        }
    }
    readdress(&dana, &all[0], "maria@mail.example").await.expect(200);
    let mut over = 0;
    for who in &all {
        let user = dana.user(who).await;
        let status = portal_status(&world, &who.client).await;
        assert_eq!(status, user["status"]);
        if status == "expired" {
            over += 1;
            assert_eq!(user["ended"]["reason"], "expired");
            assert_eq!(world.check(&who.token).await.expect(200)["state"], "expired");
        }
    }
    assert_eq!(over, 2);
    world.deliver().await;
    let mails = world.post.received();
    assert_eq!(mails.iter().filter(|mail| mail.to == "maria@mail.example").count(), 10);
}

/// The other chart changes after it was read, and before its invitation is replaced.
#[tokio::test]
async fn an_invitation_sent_elsewhere_meanwhile_is_replaced_too() {
    let world = World::new().await;
    let dana = world.dana().await;
    let (one, two) = (
        dana.client("Silas", "Okafor", "1984-03-12").await,
        dana.client("Wren", "Okafor", "1984-03-12").await,
    );
    let one = dana.invite(&one, "mria@mail.example").await;
    let two = dana.invite(&two, "mria@mail.example").await;
    let other = dana.add(&two.client, "other@mail.example").await.expect(201);
    world.wire.hold();
    let editing = readdress(&dana, &one, "maria@mail.example");
    let meanwhile = async {
        let write = world.wire.write().await;
        world.wire.let_go();
        dana.resend(&two).await.expect(202);
        let path =
            format!("/api/clients/{}/portal-users/{}", two.client, text(&other["portalUserId"]));
        dana.post(&format!("{path}/revoke"), &json!({})).await.expect(200);
        write.release();
    };
    let (edited, ()) = futures::join!(editing, meanwhile);
    edited.expect(200);
    world.deliver().await;
    let between = world.post.newest("mria@mail.example");
    for dead in [&two.token, &between.token()] {
        assert_eq!(world.check(dead).await.expect(200)["state"], "expired");
    }
    let page = dana.get(&format!("/api/clients/{}", two.client)).await.expect(200);
    assert_eq!(page["portal"], json!({"status": "invited", "users": 2}));
    world
        .enroll(&world.post.newest("maria@mail.example").token(), "Okafor", "1984-03-12", PASSWORD)
        .await
        .expect(201);
}

#[tokio::test]
async fn a_new_address_of_somebody_enrolled_shows_on_every_chart_of_the_account() {
    let world = World::new().await;
    let dana = world.dana().await;
    let first = dana.enrolled().await;
    let mut others = Vec::new();
    // As many charts as an account can have, all told in one transaction.
    for number in 1..40 {
        let client = dana.client("Wren", "Okafor", "1984-03-12").await;
        others.push(match number {
            1 => dana.enroll_for(&client, &first.email).await,
            2 => dana.invite(&client, &first.email).await,
            _ => {
                let user = text(&dana.add(&client, &first.email).await.expect(201)["portalUserId"]);
                Invited { client, user, email: first.email.clone(), token: String::new() }
            }
        });
        world.pass(1);
        if number % 9 == 0 {
            world.forget_mails().await;
        }
    }
    world.forgot(&first.email).await.expect(202);
    world.deliver().await;
    let old = world.post.newest(&first.email).token();
    let mut seen = Vec::new();
    for who in &others {
        seen.push(dana.user(who).await["version"].clone());
    }

    readdress(&dana, &first, "new@mail.example").await.expect(200);
    assert_eq!(dana.user(&first).await["email"], "new@mail.example");
    for (who, seen) in others.iter().zip(&seen) {
        let user = dana.user(who).await;
        assert_eq!(user["email"], "new@mail.example");
        assert_eq!(user["username"], first.email.as_str());
        let history = dana.get(&format!("/api/clients/{}/history", who.client)).await.expect(200);
        let told = history["events"].as_array().expect("events").iter();
        let told: Vec<_> = told.filter(|e| e["action"] == "portal-user-updated").collect();
        assert_eq!(told.len(), 1);
        assert_eq!(told[0]["changed"], json!(["email"]));
        assert_eq!(told[0]["portalUserId"], who.user.as_str());
        let stale = json!({"version": seen, "relationship": "spouse"});
        dana.patch(&who.path(), &stale).await.problem(409, "stale");
    }
    world.choose(&old, "another nine grey pebbles").await.problem(409, "reset_expired");
    assert_eq!(dana.revoke(&others[0]).await.expect(200)["ended"]["resets"], 0);
    world.forgot(&first.email).await.expect(202);
    world.deliver().await;
    assert!(!world.post.newest("new@mail.example").token().is_empty());
    // An invitation to another chart still asks for the password, so its link is as good as it was.
    world.enroll(&others[1].token, "Okafor", "1984-03-12", PASSWORD).await.expect(201);
}

/// The same, where the account gets its second chart while the edit is under way.
#[tokio::test]
async fn a_chart_that_joins_while_the_address_changes_is_told_too() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = dana.enrolled().await;
    let client = dana.client("Wren", "Okafor", "1984-03-12").await;
    let version = dana.user(&who).await["version"].clone();
    let body = json!({"version": version, "email": "new@mail.example"});
    let path = who.path();
    world.wire.hold();
    let editing = dana.patch(&path, &body);
    let meanwhile = async {
        let write = world.wire.write().await;
        world.wire.let_go();
        let added = dana.add(&client, &who.email).await.expect(201);
        write.release();
        added
    };
    let (edited, added) = futures::join!(editing, meanwhile);
    assert_eq!(edited.expect(200)["email"], "new@mail.example");
    let users = dana.users(&client).await;
    assert_eq!(users["portalUsers"][0]["portalUserId"], added["portalUserId"]);
    assert_eq!(users["portalUsers"][0]["email"], "new@mail.example");
}

#[tokio::test]
async fn changed_permissions_show_in_a_running_session_at_once() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = dana.enrolled().await;
    let cookie = world.signed_in(&who.email, PASSWORD).await;
    let shown = async || {
        let session = world.session(&cookie).await.expect(200);
        session["charts"][0]["permissions"].clone()
    };
    assert_eq!(shown().await, json!(["basic", "messaging"]));
    for permissions in [json!(["basic", "documents", "billing"]), json!([])] {
        let version = dana.user(&who).await["version"].clone();
        let body = json!({"version": version, "permissions": permissions});
        dana.patch(&who.path(), &body).await.expect(200);
        assert_eq!(shown().await, permissions);
        assert_eq!(dana.user(&who).await["permissions"], permissions);
    }
}

#[tokio::test]
async fn an_edit_says_which_fields_changed_and_never_to_what() {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = dana.client("Amara", "Okafor", "1984-03-12").await;
    world.pass(1);
    let body = json!({
        "version": 1, "professional": "Dr. Secretive",
        "phones": [{"type": "home", "number": "238 555 0107"}],
        "dateOfBirth": "1984-03-12",
    });
    dana.patch(&format!("/api/clients/{client}"), &body).await.expect(200);
    let history = dana.get(&format!("/api/clients/{client}/history")).await.expect(200);
    assert_eq!(history["events"][0]["action"], "client-updated");
    assert_eq!(history["events"][0]["changed"], json!(["phones", "professional"]));
    let events = world.events().await;
    assert!(!events.values().any(|e| e.contains("Secretive") || e.contains("555")));
}
