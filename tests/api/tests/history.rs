//! Rule 6: whatever changes, is looked at or refused stands in the history, once, without values,
//! and for ever.

use std::collections::BTreeMap;

use api_tests::{
    Call, PASSWORD, World,
    people::{Invited, Staff, text},
    wire::Fault,
};
use serde_json::{Value, json};
use shared::{
    caller::Caller,
    history::{Action, Actor, Event, Role},
    id::{ClientId, PracticeId},
};
use staff_sign_in::Identity;

type Items = BTreeMap<String, String>;

/// The events that are not in `before`, which must all still be there as they were.
async fn added(world: &World, before: &Items) -> Vec<Value> {
    let events = world.events().await;
    for (key, event) in before {
        assert_eq!(events.get(key), Some(event), "an event is for ever");
    }
    let new = events.iter().filter(|(key, _)| !before.contains_key(*key));
    new.map(|(_, event)| serde_json::from_str(event).expect("JSON")).collect()
}

fn actions(events: &[Value]) -> Vec<String> {
    let mut actions: Vec<String> = events.iter().map(|e| text(&e["action"])).collect();
    actions.sort();
    actions
}

fn call(method: &str, path: &str, body: &Value) -> Call {
    Call::new(method, path).json(body)
}

/// Makes a change while the table refuses it: nothing is written. Then makes it: in one
/// transaction, with one event. Answers the change's answer and the event.
async fn change(world: &World, what: Call, action: &str) -> (Value, Value) {
    let before = (world.items_but_sessions().await, world.events().await);
    world.wire.break_after("TransactWriteItems", 0, Fault::Error, 100);
    world.send(what.clone()).await.problem(503, "unavailable");
    assert_eq!(
        (world.items_but_sessions().await, world.events().await),
        before,
        "{action}: all or nothing"
    );
    world.wire.forget();
    let answer = world.send(what).await;
    assert!(answer.status.is_success(), "{action}: {}", answer.body);
    let seen = world.wire.seen();
    let count = |operation: &str| seen.iter().filter(|o| *o == operation).count();
    assert_eq!(count("TransactWriteItems"), 1, "{action}: {seen:?}");
    assert_eq!(count("PutItem"), 0, "{action}: {seen:?}");
    assert_ne!(world.items_but_sessions().await, before.0, "{action} changes something");
    let mut events = added(world, &before.1).await;
    assert_eq!(actions(&events), [action]);
    (answer.body, events.remove(0))
}

fn changed(event: &Value) -> Vec<&str> {
    event["changed"].as_array().expect("a list").iter().filter_map(Value::as_str).collect()
}

#[tokio::test]
async fn each_change_writes_one_event_in_its_transaction() {
    let world = World::new().await;
    let dana = world.dana().await;
    let by = |what: Call| what.cookie(&dana.cookie);

    let body = json!({"name": {"first": "Amara", "last": "Okafor"}, "dateOfBirth": "1984-03-12"});
    let (client, event) =
        change(&world, by(call("POST", "/api/clients", &body)), "client-created").await;
    let client_id = text(&client["clientId"]);
    assert_eq!(event["clientId"], client_id.as_str());
    assert_eq!(event["actor"], json!({"id": dana.id, "name": "Dana", "role": "admin"}));
    assert_eq!(event["source"], "203.0.113.7");
    assert_eq!(event["practice"], "harbor");
    assert_eq!(event["at"], json!(world.now()));
    assert_eq!(text(&event["requestId"]).len(), 26);

    let page = format!("/api/clients/{client_id}");
    let body = json!({
        "version": client["version"], "name": {"first": "Amara", "last": "Okafor-Bell"},
        "emails": [{"type": "home", "address": "amara@home.example"}],
    });
    let (_, event) = change(&world, by(call("PATCH", &page, &body)), "client-updated").await;
    assert_eq!(changed(&event), ["name", "emails"]);

    let body = json!({
        "name": {"first": "Pat", "last": "Person"}, "email": "pat@mail.example",
        "relationship": "parent", "permissions": ["basic"],
    });
    let path = format!("{page}/portal-users");
    let (user, event) = change(&world, by(call("POST", &path, &body)), "portal-user-added").await;
    let user_id = text(&user["portalUserId"]);
    assert_eq!(event["portalUserId"], user_id.as_str());
    let of_user = format!("{page}/portal-users/{user_id}");

    let body = json!({
        "version": user["version"], "permissions": ["basic", "billing"], "relationship": "guardian",
    });
    let (_, event) =
        change(&world, by(call("PATCH", &of_user, &body)), "portal-user-updated").await;
    let mut fields = changed(&event);
    fields.sort_unstable();
    assert_eq!(fields, ["permissions", "relationship"]);

    let resend = Call::new("POST", &format!("{of_user}/invitation"));
    change(&world, by(resend), "invitation-resent").await;
    let alert = format!("{page}/alert-recipient");
    let body = json!({"portalUserId": user_id});
    let (_, event) =
        change(&world, by(call("PUT", &alert, &body)), "alert-recipient-assigned").await;
    assert_eq!(changed(&event), ["alertRecipient"]);

    // The other side of the door.
    world.deliver().await;
    let token = world.post.newest("pat@mail.example").token();
    let proof = |last: &str| {
        let body = json!({
            "token": token, "lastName": last, "dateOfBirth": "1984-03-12", "password": PASSWORD,
        });
        call("POST", "/api/portal/enrollment", &body)
    };
    let (_, event) = change(&world, proof("Okafor Bell"), "enrolled").await;
    assert_eq!(event["actor"]["role"], "portalUser");
    assert_eq!(event["portalUserId"], user_id.as_str());
    let body = json!({
        "practice": "harbor", "username": "pat@mail.example", "password": PASSWORD,
    });
    change(&world, call("POST", "/api/portal/sign-in", &body), "signed-in").await;
    let cookie = world.signed_in("pat@mail.example", PASSWORD).await;
    let out = Call::new("DELETE", "/api/portal/session").cookie(&cookie);
    change(&world, out, "signed-out").await;
    let body = json!({"practice": "harbor", "username": "pat@mail.example"});
    let ask = call("POST", "/api/portal/password-reset", &body);
    let before = world.events().await;
    world.send(ask).await.expect(202);
    world.resolve().await;
    let event = added(&world, &before).await.remove(0);
    assert_eq!(event["action"], "password-reset-requested");
    assert_eq!(event["clientId"], client_id.as_str());
    world.deliver().await;
    let reset = world.post.newest("pat@mail.example").token();
    let body = json!({"token": reset, "password": "another nine grey pebbles"});
    let (_, event) =
        change(&world, call("PUT", "/api/portal/password", &body), "password-changed").await;
    assert_eq!(changed(&event), ["password"]);

    let owner = dana.invite(&client_id, "owner@mail.example").await;
    let body = json!({"portalUserId": owner.user});
    let path = format!("{page}/chart-owner");
    change(&world, by(call("PUT", &path, &body)), "chart-owner-changed").await;
    let body = json!({"reason": {"code": "court-order", "note": "of Tuesday"}});
    let revoke = call("POST", &format!("{of_user}/revoke"), &body);
    let (_, event) = change(&world, by(revoke), "access-revoked").await;
    assert_eq!(changed(&event), ["status", "alertRecipient", "reason"]);
    let activate = Call::new("POST", &format!("{of_user}/activate"));
    let (_, event) = change(&world, by(activate), "access-activated").await;
    assert_eq!(changed(&event), ["status"]);
    let delete = Call::new("DELETE", &format!("{of_user}?confirm=delete"));
    change(&world, by(delete), "portal-user-deleted").await;
    let out = Call::new("DELETE", "/api/staff/session");
    let before = world.events().await;
    dana.send(out).await.expect(204);
    assert_eq!(actions(&added(&world, &before).await), ["staff-signed-out"]);
}

#[tokio::test]
async fn closing_and_reopening_a_chart_write_one_event_each() {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = dana.client("Amara", "Okafor", "1984-03-12").await;
    let close = call("POST", &format!("/api/clients/{client}/close"), &json!({"reason": "left"}));
    let reopen = Call::new("POST", &format!("/api/clients/{client}/reopen"));
    for (what, action) in [(close, "client-closed"), (reopen, "client-reopened")] {
        let (_, event) = change(&world, what.cookie(&dana.cookie), action).await;
        assert_eq!((changed(&event), &event["reason"]), (vec!["closed"], &json!("left")));
    }
}

#[tokio::test]
async fn what_changes_nothing_writes_no_event_of_a_change() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = dana.enrolled().await;
    let page = format!("/api/clients/{}", who.client);
    let version = dana.get(&page).await.expect(200)["version"].clone();
    let user = dana.user(&who).await;
    dana.assign(&who.client, Some(&who.user)).await.expect(200);
    let before = (world.items_but_sessions().await, world.changes().await);

    dana.patch(&page, &json!({"version": version})).await.expect(200);
    dana.patch(&page, &json!({"version": 99, "professional": "x"})).await.problem(409, "stale");
    let same = json!({"version": user["version"], "permissions": user["permissions"]});
    dana.patch(&who.path(), &same).await.expect(200);
    dana.assign(&who.client, Some(&who.user)).await.expect(200);
    let owner = json!({"portalUserId": who.user});
    dana.put(&format!("{page}/chart-owner"), &owner).await.expect(200);
    dana.activate(&who).await.expect(200);
    dana.resend(&who).await.problem(409, "already_enrolled");
    dana.add(&who.client, &who.email).await.problem(409, "already_added");
    dana.post("/api/clients", &json!({"name": {}})).await.problem(400, "invalid");
    dana.delete(&who, "confirm=no").await.problem(400, "invalid");
    assert_eq!((world.items_but_sessions().await, world.changes().await), before);
}

#[tokio::test]
async fn looking_searching_signing_in_and_refusals_are_recorded() {
    let world = World::new().await;
    let dana = world.dana().await;
    let ada = world.staff("harbor", "Ada", Role::Auditor).await;
    let who = dana.enrolled().await;
    let page = format!("/api/clients/{}", who.client);
    let record = async |what: Call| -> Value {
        let before = world.events().await;
        world.send(what).await;
        let mut events = added(&world, &before).await;
        assert_eq!(events.len(), 1, "{events:?}");
        events.remove(0)
    };
    let by = |who: &Staff, what: Call| what.cookie(&who.cookie);

    let event = record(by(&dana, Call::new("GET", &page))).await;
    assert_eq!(
        (&event["action"], &event["clientId"]),
        (&json!("client-opened"), &json!(who.client))
    );
    let event = record(by(&dana, Call::new("GET", &format!("{page}/portal-users")))).await;
    assert_eq!(event["action"], "portal-users-listed");
    let search = call("POST", "/api/clients/search", &json!({"query": "Okafor"}));
    let event = record(by(&ada, search)).await;
    assert_eq!(event["action"], "clients-searched");
    assert_eq!(event["actor"], json!({"id": ada.id, "name": "Ada", "role": "auditor"}));
    assert!(event.get("clientId").is_none());
    assert!(!event.to_string().to_lowercase().contains("okafor"));

    let revoke = call("POST", &format!("{}/revoke", who.path()), &json!({}));
    let event = record(by(&ada, revoke)).await;
    assert_eq!((&event["action"], &event["clientId"]), (&json!("refused"), &json!(who.client)));
    assert_eq!(event["actor"]["name"], "Ada");
    let event = record(by(&ada, call("POST", "/api/clients", &json!({})))).await;
    assert_eq!(event["action"], "refused");

    let sign_in = |username: &str, password: &str| {
        let body = json!({"practice": "harbor", "username": username, "password": password});
        call("POST", "/api/portal/sign-in", &body)
    };
    let event = record(sign_in(&who.email, PASSWORD)).await;
    assert_eq!((&event["action"], &event["clientId"]), (&json!("signed-in"), &json!(who.client)));
    let event = record(sign_in(&who.email, "not the password at all")).await;
    assert_eq!(event["action"], "sign-in-refused");
    assert_eq!(event["clientId"], who.client.as_str());
    assert_ne!(event["actor"]["id"], "");
    let event = record(sign_in("nobody@mail.example", PASSWORD)).await;
    assert_eq!(event["action"], "sign-in-refused");
    // Nothing of what was typed, and no digest of it: it may have been a password.
    assert_eq!(event["actor"], json!({"id": "", "name": "", "role": "nobody"}));
    dana.revoke(&who).await.expect(200);
    let event = record(sign_in(&who.email, PASSWORD)).await;
    assert_eq!(event["action"], "sign-in-refused");

    let invited = dana.invite(&who.client, "next@mail.example").await;
    let body = json!({
        "token": invited.token, "lastName": "Adeyemi", "dateOfBirth": "1984-03-12",
        "password": PASSWORD,
    });
    let event = record(call("POST", "/api/portal/enrollment", &body)).await;
    assert_eq!(event["action"], "enrollment-refused");
    assert_eq!(event["portalUserId"], invited.user.as_str());
}

#[tokio::test]
async fn a_change_of_owner_is_told_by_whatever_makes_it() {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = dana.client("Amara", "Okafor", "1984-03-12").await;
    let told = async |what: Call| -> Value {
        let before = world.events().await;
        dana.send(what).await;
        let mut events = added(&world, &before).await;
        assert_eq!(events.len(), 1, "{events:?}");
        events.remove(0)
    };
    let add = |email: &str, owner: Option<bool>| {
        let body = json!({
            "name": {"first": "Pat", "last": "Person"}, "email": email, "chartOwner": owner,
            "relationship": "parent", "permissions": ["basic"],
        });
        call("POST", &format!("/api/clients/{client}/portal-users"), &body)
    };
    let as_added = ["name", "email", "username", "relationship", "permissions"];
    let moved = [&as_added[..], &["chartOwner"]].concat();
    let first = told(add("one@mail.example", None)).await;
    assert_eq!(changed(&first), moved, "the first owns the chart in any case");
    let second = told(add("two@mail.example", None)).await;
    assert_eq!(changed(&second), as_added);
    let third = told(add("three@mail.example", Some(true))).await;
    assert_eq!(changed(&third), moved);
    let delete = |event: &Value| {
        let path = format!("/api/clients/{client}/portal-users/{}", text(&event["portalUserId"]));
        Call::new("DELETE", &format!("{path}?confirm=delete"))
    };
    assert_eq!(changed(&told(delete(&second)).await), ["portalUser"]);
    assert_eq!(changed(&told(delete(&third)).await), ["portalUser", "chartOwner"]);
}

#[tokio::test]
async fn joining_a_chart_is_told_to_the_account_s_other_charts_as_a_sign_in() {
    let world = World::new().await;
    let dana = world.dana().await;
    let mut clients = Vec::new();
    for first in ["Amara", "Silas", "Wren"] {
        clients.push(dana.client(first, "Okafor", "1984-03-12").await);
    }
    let email = "parent@mail.example";
    dana.enroll_for(&clients[0], email).await;
    dana.enroll_for(&clients[1], email).await;
    let invited = dana.invite(&clients[2], email).await;
    let before = world.events().await;
    world.enroll(&invited.token, "Okafor", "1984-03-12", PASSWORD).await.expect(201);
    let events = added(&world, &before).await;
    assert_eq!(actions(&events), ["chart-joined", "signed-in", "signed-in"]);
    for (client, action) in clients.iter().zip(["signed-in", "signed-in", "chart-joined"]) {
        let event = events.iter().find(|e| e["clientId"] == client.as_str()).expect("an event");
        assert_eq!(event["action"], action);
        assert_eq!(event["actor"], events[0]["actor"]);
        let users = dana.users(client).await;
        let user = &users["portalUsers"][0];
        assert_eq!(user["portalUserId"], event["portalUserId"]);
        assert_eq!(user["lastSignInAt"], json!(world.now()));
    }
}

#[tokio::test]
async fn a_refused_sign_in_of_staff_is_told_to_the_practice_that_knows_the_address() {
    let world = World::new().await;
    let dana = world.dana().await;
    let new = json!({"name": "Sam", "email": "Sam@harbor.example", "role": "staff"});
    let sam = dana.post("/api/staff", &new).await.expect(201);
    let caller = Caller { request_id: "request".into(), source: "203.0.113.7".into() };
    let identity = |subject: &str, email: &str, email_verified: bool| Identity {
        issuer: "https://issuer.example".into(),
        subject: subject.into(),
        name: "Sam Stranger".into(),
        email: email.into(),
        email_verified,
    };
    let arrive = async |identity: Identity| {
        let before = world.events().await;
        let admitted = staff_sign_in::admit(&world.app, &caller, &identity).await.expect("told");
        (admitted.is_some(), added(&world, &before).await)
    };
    let refused = |(admitted, events): (bool, Vec<Value>), why: &str| {
        assert!(!admitted);
        let [event] = &events[..] else { panic!("one event: {events:?}") };
        assert_eq!(event["action"], "sign-in-refused");
        assert_eq!((&event["practice"], &event["reason"]), (&json!("harbor"), &json!(why)));
        let nobody = json!({"id": "", "name": "Sam Stranger", "role": "nobody"});
        assert_eq!((&event["actor"], &event["source"]), (&nobody, &json!("203.0.113.7")));
    };
    let address = "sam@harbor.example";
    refused(arrive(identity("sam", address, false)).await, "email_not_verified");
    // Where no practice knows the address, there is nobody to tell.
    for unknown in ["other@harbor.example", "", "no address"] {
        assert_eq!(arrive(identity("sam", unknown, true)).await, (false, Vec::new()), "{unknown}");
    }
    let (admitted, events) = arrive(identity("sam", address, true)).await;
    assert!(admitted);
    assert_eq!(actions(&events), ["staff-signed-in"]);
    let actor = json!({"id": sam["staffId"], "name": "Sam", "role": "staff"});
    assert_eq!(events[0]["actor"], actor);
    // The address is matched once.
    refused(arrive(identity("another", address, true)).await, "another_subject");
    // What cannot be told is not answered.
    world.wire.break_after("PutItem", 0, Fault::Error, 100);
    let other = identity("another", address, true);
    let problem = staff_sign_in::admit(&world.app, &caller, &other).await.expect_err("it failed");
    assert_eq!(problem.code(), "unavailable");
}

#[tokio::test]
async fn a_refusal_about_nobody_s_id_makes_no_history_of_it() {
    let world = World::new().await;
    let dana = world.dana().await;
    let ada = world.staff("harbor", "Ada", Role::Auditor).await;
    let casey = world.staff("cove", "Casey", Role::Auditor).await;
    let theirs = dana.client("Amara", "Okafor", "1984-03-12").await;
    for (auditor, client) in [(&ada, "01ARZ3NDEKTSV4RRFFQ69G5FAV"), (&casey, theirs.as_str())] {
        let before = world.events().await;
        let path = format!("/api/clients/{client}/chart-owner");
        auditor.put(&path, &json!({})).await.problem(403, "read_only");
        let events = added(&world, &before).await;
        assert_eq!(actions(&events), ["refused"]);
        assert_eq!(events[0].get("clientId"), None, "it is the practice's");
        let history = auditor.get(&format!("/api/clients/{client}/history")).await;
        history.problem(404, "not_found");
    }
    // One that was told to nobody's id in earlier days is no client's either.
    let nobody = ClientId::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV").expect("an id");
    let caller = Caller { request_id: String::new(), source: String::new() };
    let practice = PracticeId::parse("harbor").expect("a practice");
    let event = Event::new(&world.app, &caller, &Actor::nobody(), &practice, Action::Refused);
    world.app.store().record(&event.client(nobody)).await.expect("recorded");
    dana.get(&format!("/api/clients/{nobody}/history")).await.problem(404, "not_found");
}

/// What is looked at is not answered unless it is recorded.
#[tokio::test]
async fn what_cannot_be_recorded_is_not_shown() {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = dana.client("Amara", "Okafor", "1984-03-12").await;
    let ada = world.staff("harbor", "Ada", Role::Auditor).await;
    let before = world.events().await;
    world.wire.break_after("PutItem", 0, Fault::Error, 100);
    let page = format!("/api/clients/{client}");
    dana.get(&page).await.problem(503, "unavailable");
    dana.get(&format!("{page}/portal-users")).await.problem(503, "unavailable");
    let search = json!({"query": "Okafor"});
    dana.post("/api/clients/search", &search).await.problem(503, "unavailable");
    ada.post("/api/clients", &json!({})).await.problem(503, "unavailable");
    assert_eq!(world.events().await, before);
    // An event whose write was answered too late stands once.
    world.wire.forget();
    world.wire.break_after("PutItem", 0, Fault::LostAnswer, 1);
    dana.get(&page).await.expect(200);
    assert_eq!(actions(&added(&world, &before).await), ["client-opened"]);
}

#[tokio::test]
async fn events_hold_names_of_fields_and_no_values() {
    let world = World::new().await;
    let dana = world.dana().await;
    let body = json!({
        "name": {"first": "Xanthippe", "last": "Quillfeather", "preferred": "Zanni"},
        "dateOfBirth": "1984-03-12", "recordNumber": "HX-77120",
        "emails": [{"type": "home", "address": "amphora@home.example"}],
        "phones": [{"type": "mobile", "number": "+1 555 0100 777"}],
        "professional": "Dr. Fernweh",
    });
    let client = dana.post("/api/clients", &body).await.expect(201);
    let page = format!("/api/clients/{}", text(&client["clientId"]));
    let edit = json!({
        "version": client["version"], "name": {"first": "Xanthippe", "last": "Marmalade"},
        "dateOfBirth": "1985-04-13", "recordNumber": "HX-77121", "professional": "Dr. Zephyr",
        "emails": [], "phones": [{"type": "mobile", "number": "+1 555 0100 888"}],
    });
    dana.patch(&page, &edit).await.expect(200);
    for query in ["Marmalade", "amphora@home.example", "0888", "1985-04-13", "gibberish"] {
        dana.post("/api/clients/search", &json!({"query": query})).await.expect(200);
    }
    let body = json!({
        "name": {"first": "Bartholomew", "last": "Cholmondeley"}, "email": "barty@mail.example",
        "username": "squirrelwhisperer", "relationship": "spouse", "permissions": ["surveys"],
    });
    let user = dana.post(&format!("{page}/portal-users"), &body).await.expect(201);
    world.deliver().await;
    let who = Invited {
        client: text(&client["clientId"]),
        user: text(&user["portalUserId"]),
        email: "barty@mail.example".into(),
        token: world.post.newest("barty@mail.example").token(),
    };
    let edit = json!({"version": user["version"], "relationship": "guardian"});
    dana.patch(&who.path(), &edit).await.expect(200);
    world
        .enroll(&who.token, "Wrongname", "1985-04-13", PASSWORD)
        .await
        .problem(422, "proof_failed");
    world.enroll(&who.token, "Marmalade", "1985-04-13", PASSWORD).await.expect(201);
    world.sign_in("squirrelwhisperer", "not the password at all").await.expect(401);
    world.signed_in("squirrelwhisperer", PASSWORD).await;
    dana.post(
        &format!("{}/revoke", who.path()),
        &json!({"reason": {"code": "other", "note": "court order"}}),
    )
    .await
    .expect(200);
    dana.delete(&who, "confirm=delete").await.expect(200);

    let events = world.events().await;
    assert!(events.len() > 12);
    for event in events.values() {
        let mut event: Value = serde_json::from_str(event).expect("JSON");
        // Who acted is named, as the history page shows it: here a guardian, never the client.
        let actor = event["actor"]["name"].take();
        assert!(
            ["Dana", "Bartholomew Cholmondeley", ""].contains(&actor.as_str().expect("a name"))
        );
        let event = event.to_string().to_lowercase();
        for value in [
            "xanthippe",
            "quillfeather",
            "marmalade",
            "zanni",
            "1984-03-12",
            "1985-04-13",
            "hx-77",
            "amphora",
            "555",
            "fernweh",
            "zephyr",
            "gibberish",
            "cholmondeley",
            "barty@",
            "squirrelwhisperer",
            "spouse",
            "guardian",
            "surveys",
            "wrongname",
            "court order",
            PASSWORD,
            "not the password",
        ] {
            assert!(!event.contains(value), "{value} in {event}");
        }
        assert!(!event.contains(&who.token[80..].to_lowercase()));
    }
}

#[tokio::test]
async fn the_history_is_shown_newest_first_page_by_page() {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = dana.client("Amara", "Okafor", "1984-03-12").await;
    let page = format!("/api/clients/{client}");
    for _ in 0..119 {
        world.pass(1);
        dana.get(&page).await.expect(200);
    }
    let (mut times, mut pages, mut cursor) = (Vec::new(), Vec::new(), String::new());
    loop {
        let history = dana.get(&format!("{page}/history{cursor}")).await.expect(200);
        let events = history["events"].as_array().expect("a list").clone();
        pages.push(events.len());
        times.extend(events.iter().map(|e| text(&e["at"])));
        // What happens meanwhile moves no page.
        world.pass(1);
        dana.get(&page).await.expect(200);
        match history["nextCursor"].as_str() {
            Some(next) => cursor = format!("?cursor={next}"),
            None => break,
        }
    }
    assert_eq!(pages, [50, 50, 20]);
    assert!(times.is_sorted_by(|a, b| a > b), "newest first, none twice");
    for wrong in ["x", "01ARZ3NDEKTSV4RRFFQ69G5FA", "01ARZ3NDEKTSV4RRFFQ69G5FAV%23"] {
        let refused = dana.get(&format!("{page}/history?cursor={wrong}")).await;
        assert_eq!(refused.problem(400, "invalid")["fields"][0]["field"], "cursor");
    }
    let refused = dana.get(&format!("{page}/history?other=1")).await;
    assert_eq!(refused.problem(400, "invalid")["fields"][0]["field"], "other");
}

#[tokio::test]
async fn an_event_is_shown_with_who_what_and_when_and_no_more() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = dana.enrolled().await;
    world.pass(1);
    dana.revoke(&who).await.expect(200);
    let history = dana.get(&format!("/api/clients/{}/history", who.client)).await.expect(200);
    assert_eq!(
        history["events"][0],
        json!({
            "eventId": history["events"][0]["eventId"], "at": world.now(),
            "actor": {"id": dana.id, "name": "Dana", "role": "admin"},
            "action": "access-revoked", "portalUserId": who.user, "reason": "other",
            "changed": ["status"],
        })
    );
    for event in history["events"].as_array().expect("a list") {
        assert!(event.get("source").is_none() && event.get("requestId").is_none());
    }
}

#[tokio::test]
async fn the_auditor_reads_the_history_and_other_practices_do_not() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = dana.enrolled().await;
    let path = format!("/api/clients/{}/history", who.client);
    let ada = world.staff("harbor", "Ada", Role::Auditor).await;
    let read = ada.get(&path).await.expect(200);
    // Reading the history is an event of it.
    let again = dana.get(&path).await.expect(200);
    assert_eq!(again["events"][0]["action"], "history-shown");
    assert_eq!(
        again["events"].as_array().expect("a list")[1..],
        read["events"].as_array().expect("a list")[..]
    );
    let casey = world.staff("cove", "Casey", Role::Admin).await;
    casey.get(&path).await.problem(404, "not_found");
    let nobody = "/api/clients/01ARZ3NDEKTSV4RRFFQ69G5FAV/history";
    casey.get(nobody).await.problem(404, "not_found");
    world.send(Call::new("GET", &path)).await.problem(401, "signed_out");
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        dana.send(Call::new(method, &path)).await.problem(405, "method_not_allowed");
    }
    // With a place to go on from, too.
    let cursor = format!("{path}?cursor=7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
    dana.get(&cursor).await.expect(200);
    casey.get(&cursor).await.problem(404, "not_found");
}

#[tokio::test]
async fn events_are_never_changed_or_taken_away() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = dana.enrolled().await;
    let first = world.events().await;
    assert!(first.len() >= 3);
    assert!(first.values().all(|e| !e.contains("expiresAt")), "nor does the table forget them");
    dana.revoke(&who).await.expect(200);
    dana.activate(&who).await.expect(200);
    world.deliver().await;
    dana.delete(&who, "confirm=delete").await.expect(200);
    let again = dana.invite(&who.client, &who.email).await;
    dana.delete(&again, "confirm=delete").await.expect(200);
    let new = added(&world, &first).await;
    assert_eq!(
        actions(&new),
        [
            "access-activated",
            "access-revoked",
            "portal-user-added",
            "portal-user-deleted",
            "portal-user-deleted",
        ]
    );
}
