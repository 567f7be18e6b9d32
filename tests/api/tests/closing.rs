//! Closing a chart (`close-client`): everybody's access ends, nothing is deleted, and a closed chart
//! admits nobody until it is reopened and people are activated one by one.

use std::collections::BTreeMap;

use api_tests::{
    Answer, PASSWORD, World,
    people::{Invited, Staff, text},
    programs::system,
    wire::{Operations, Snapshot},
};
use axum::extract::FromRequestParts;
use serde_json::{Value, json};
use shared::{
    caller::Caller,
    chart::{Accounts, Chart, ChartEdit, Request},
    device::Presented,
    history::{Actor, Author, Role},
    id::{ClientId, PortalUserId, PracticeId},
    idempotency::Attempt,
    practice::Practice,
    problem::Problem,
};

/// An id of the right shape that nothing has.
const NOBODY: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

fn left() -> Value {
    json!({"reason": "left"})
}

async fn page(dana: &Staff, client: &str) -> Value {
    dana.get(&format!("/api/clients/{client}")).await.expect(200)
}

/// The portal users of whom receipts tell, in order.
fn users_of(receipts: &Value) -> Vec<String> {
    let receipts = receipts["receipts"].as_array().expect("a list");
    receipts.iter().map(|r| text(&r["portalUser"]["portalUserId"])).collect()
}

#[tokio::test]
async fn closing_ends_everybodys_access_at_once_and_deletes_nothing() {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = dana.client("Amara", "Okafor", "1984-03-12").await;
    let active = dana.enroll_for(&client, "active@mail.example").await;
    let invited = dana.invite(&client, "invited@mail.example").await;
    let revoked = dana.enroll_for(&client, "revoked@mail.example").await;
    let why = json!({"reason": {"code": "court-order", "note": "of Tuesday"}});
    dana.post(&format!("{}/revoke", revoked.path()), &why).await.expect(200);
    dana.assign(&client, Some(&active.user)).await.expect(200);
    let room = dana.register(&json!({})).await;
    let cookie = world.signed_in(&active.email, PASSWORD).await;
    let token = world.token(&cookie, &room).await;
    let code = world.code(&cookie, &room).await;
    let (before, own_ending) = (page(&dana, &client).await, dana.user(&revoked).await);
    let items = world.items().await;
    world.pass(1);

    let closed = dana.close(&client, &json!({"reason": "deceased"})).await.expect(200);
    assert_eq!(users_of(&closed), [active.user.clone(), invited.user.clone()]);
    let receipts = closed["receipts"].as_array().expect("a list");
    // The session made by enrolling, and the one made by signing in.
    assert_eq!(receipts[0]["ended"], json!({"sessions": 2, "invitations": 0, "resets": 0}));
    assert_eq!(receipts[0]["apps"][0]["appId"], room.id.as_str());
    assert_eq!(receipts[0]["apps"][0]["state"], "telling");
    assert_eq!(receipts[1]["ended"], json!({"sessions": 0, "invitations": 1, "resets": 0}));
    for receipt in receipts {
        assert_eq!(receipt["alertRecipient"], Value::Null);
        assert_eq!(receipt["portalUser"]["status"], "revoked");
        assert_eq!(receipt["portalUser"]["ended"], json!({"at": world.now(), "reason": "other"}));
        assert_eq!(receipt.get("mail"), None, "nobody is mailed");
    }
    assert_eq!(dana.user(&revoked).await["ended"], own_ending["ended"], "it keeps its own ending");

    world.session(&cookie).await.problem(401, "signed_out");
    world.sign_in(&active.email, PASSWORD).await.problem(403, "access_not_active");
    world.exchange(&room, &code).await.oauth(400, "invalid_grant");
    assert_eq!(world.introspect(&room, &token).await["active"], false);
    let over = world.enroll(&invited.token, "Okafor", "1984-03-12", PASSWORD).await;
    over.problem(409, "invitation_expired");
    assert_eq!(world.check(&invited.token).await.expect(200)["state"], "expired");
    let mails = world.post.received().len();
    world.forgot(&active.email).await.expect(202);
    assert_eq!(world.deliver().await, 0);
    assert_eq!(world.post.received().len(), mails, "no reset, and no mail of the closing");

    let after = page(&dana, &client).await;
    assert_eq!(after["closed"], json!({"at": world.now(), "reason": "deceased"}));
    assert_eq!(before.get("closed"), None);
    assert_eq!(after["portal"], json!({"status": "revoked", "users": 3}));
    for field in ["name", "dateOfBirth", "recordNumber", "emails", "chartOwner", "version"] {
        assert_eq!(before[field], after[field], "{field}");
    }
    let left = world.items().await;
    assert!(items.keys().filter(|key| !key.contains("#W#")).all(|key| left.contains_key(key)));
}

#[tokio::test]
async fn each_reason_of_a_closing_is_a_reason_of_the_revocations() {
    for (reason, code) in [("left", "left-care"), ("deceased", "other"), ("duplicate", "mistake")] {
        let world = World::new().await;
        let dana = world.dana().await;
        let right = dana.client("Amara", "Okafor", "1984-03-12").await;
        let who = dana.enrolled().await;
        let mut body = json!({"reason": reason});
        let mut shown = json!({"at": world.now(), "reason": reason});
        if reason == "duplicate" {
            body["duplicateOf"] = json!(right);
            shown["duplicateOf"] = json!(right);
        }
        dana.close(&who.client, &body).await.expect(200);
        assert_eq!(page(&dana, &who.client).await["closed"], shown);
        assert_eq!(dana.user(&who).await["ended"]["reason"], code, "{reason}");
        let history = dana.get(&format!("/api/clients/{}/history", who.client)).await.expect(200);
        let of = |action: &str| {
            let events = history["events"].as_array().expect("a list").clone();
            let mut found = events.into_iter().filter(|event| event["action"] == action);
            (found.next().expect("an event"), found.count())
        };
        let (closed, more) = of("client-closed");
        assert_eq!((&closed["reason"], more), (&json!(reason), 0));
        assert_eq!(closed["changed"], json!(["closed"]));
        assert_eq!(of("access-revoked").0["reason"], code);
        assert!(page(&dana, &right).await.get("closed").is_none());
    }
}

#[tokio::test]
async fn a_repeat_is_answered_the_same_and_changes_nothing() {
    let world = World::new().await;
    let dana = world.dana().await;
    let right = dana.client("Amara", "Okafor", "1984-03-12").await;
    let other = dana.client("Silas", "Okafor", "1984-03-12").await;
    let who = dana.enrolled().await;
    let gone = dana.invite(&who.client, "gone@mail.example").await;
    let before = dana.enroll_for(&who.client, "before@mail.example").await;
    // In the same moment: only what the closing ended is in its receipts.
    dana.revoke(&before).await.expect(200);
    let body = json!({"reason": "duplicate", "duplicateOf": right});
    let first = dana.close(&who.client, &body).await.expect(200);
    assert_eq!(users_of(&first), [who.user.clone(), gone.user.clone()]);
    let (items, events) = (world.items_but_sessions().await, world.changes().await);
    world.pass(5);
    assert_eq!(dana.close(&who.client, &body).await.expect(200), first);
    let of_other = json!({"reason": "duplicate", "duplicateOf": other});
    for another in [left(), json!({"reason": "deceased"}), of_other] {
        dana.close(&who.client, &another).await.problem(409, "client_closed");
    }
    assert!(world.items_but_sessions().await == items && world.changes().await == events);

    // Also when the right chart is closed since; and nobody who was deleted comes back by it.
    dana.close(&right, &left()).await.expect(200);
    dana.delete(&gone, "confirm=delete").await.expect(200);
    let repeat = dana.close(&who.client, &body).await.expect(200);
    assert_eq!(users_of(&repeat), std::slice::from_ref(&who.user));
    assert_eq!(repeat["receipts"][0], first["receipts"][0]);
}

#[tokio::test]
async fn the_right_chart_of_a_duplicate_is_another_open_one_of_the_practice() {
    let world = World::new().await;
    let dana = world.dana().await;
    let casey = world.staff("cove", "Casey", Role::Admin).await;
    let elsewhere = casey.client("Iris", "Cove", "1970-07-07").await;
    let who = dana.enrolled().await;
    let shut = dana.client("Silas", "Okafor", "1984-03-12").await;
    dana.close(&shut, &left()).await.expect(200);
    let right = dana.client("Wren", "Okafor", "1984-03-12").await;
    let (items, events) = (world.items_but_sessions().await, world.changes().await);
    for (body, code) in [
        (json!({"reason": "duplicate"}), "duplicate_of_missing"),
        (json!({"reason": "duplicate", "duplicateOf": null}), "duplicate_of_missing"),
        (json!({"reason": "duplicate", "duplicateOf": who.client}), "duplicate_of_itself"),
        (json!({"reason": "duplicate", "duplicateOf": shut}), "client_closed"),
        (json!({"reason": "left", "duplicateOf": right}), "not_a_duplicate"),
        (json!({"reason": "deceased", "duplicateOf": NOBODY}), "not_a_duplicate"),
    ] {
        let refused = dana.close(&who.client, &body).await.problem(422, code);
        assert_eq!(refused["fields"][0]["field"], "duplicateOf", "{body}");
    }
    let of = |right: &str| json!({"reason": "duplicate", "duplicateOf": right});
    let there = dana.close(&who.client, &of(&elsewhere)).await;
    there.assert_alike(&dana.close(&who.client, &of(NOBODY)).await, "another practice's");
    there.problem(404, "not_found");
    assert!(world.items_but_sessions().await == items && world.changes().await == events);
    // Reopened, it can be the right one; and the right one can become a duplicate itself.
    dana.reopen(&shut).await.expect(200);
    dana.close(&who.client, &of(&shut)).await.expect(200);
    dana.close(&shut, &of(&right)).await.expect(200);
    dana.close(&right, &of(&who.client)).await.problem(422, "client_closed");
}

/// All that would give somebody access, or a part in the chart.
async fn openings(dana: &Staff, who: &Invited, other: &Invited) -> Vec<(&'static str, Answer)> {
    let client = &who.client;
    let owner = format!("/api/clients/{client}/chart-owner");
    vec![
        ("add", dana.add(client, "new@mail.example").await),
        // Whose account it would join is not told.
        ("add who is there", dana.add(client, &who.email).await),
        ("activate", dana.activate(who).await),
        ("activate who was invited", dana.activate(other).await),
        ("resend", dana.resend(other).await),
        ("alerts", dana.assign(client, Some(&who.user)).await),
        ("owner", dana.put(&owner, &json!({"portalUserId": other.user})).await),
    ]
}

#[tokio::test]
async fn a_closed_chart_admits_nobody() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = dana.enrolled().await;
    let invited = dana.invite(&who.client, "invited@mail.example").await;
    dana.close(&who.client, &left()).await.expect(200);
    let (items, events) = (world.items_but_sessions().await, world.changes().await);
    for (what, answer) in openings(&dana, &who, &invited).await {
        assert_eq!((what, answer.status.as_u16()), (what, 409));
        answer.problem(409, "client_closed");
    }
    assert!(world.items_but_sessions().await == items && world.changes().await == events);

    // What gives nobody access works as ever.
    dana.assign(&who.client, None).await.expect(200);
    dana.put(
        &format!("/api/clients/{}/chart-owner", who.client),
        &json!({"portalUserId": who.user}),
    )
    .await
    .expect(200);
    dana.revoke(&who).await.expect(200);
    let edit = json!({"version": 1, "name": {"first": "Amara", "last": "Bell"}});
    let edited = dana.patch(&format!("/api/clients/{}", who.client), &edit).await.expect(200);
    assert_eq!(edited["closed"]["reason"], "left");
    let mails = world.post.received().len();
    for who in [&who, &invited] {
        let edit = json!({
            "version": dana.user(who).await["version"], "permissions": ["billing"],
            "email": format!("new-{}", who.email), "relationship": "other",
        });
        let user = dana.patch(&who.path(), &edit).await.expect(200);
        assert_eq!((&user["status"], user.get("invitation")), (&json!("revoked"), None));
    }
    assert_eq!(world.deliver().await, 0);
    let subjects = world.post.received();
    assert!(subjects[mails..].iter().all(|mail| !mail.text.contains("/enroll#")), "no invitation");
    world.sign_in(&who.email, PASSWORD).await.problem(403, "access_not_active");
    dana.delete(&invited, "confirm=delete").await.expect(200);
}

/// A rule that forgot to ask would be refused all the same, and nothing written.
#[tokio::test]
async fn no_rule_gives_access_to_a_closed_chart() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = dana.enrolled().await;
    dana.close(&who.client, &left()).await.expect(200);
    let app = &world.app;
    let practice = PracticeId::parse("harbor").expect("a practice");
    let client = ClientId::parse(&who.client).expect("a client");
    let user = PortalUserId::parse(&who.user).expect("a portal user");
    let settings = Practice::load(app.store(), &practice).await.expect("settings");
    let caller = Caller { request_id: "1".into(), source: String::new() };
    let author = Author { actor: Actor::system(), caller };
    let attempt = Attempt::default();
    let request = Request {
        practice: &settings,
        author: &author,
        attempt: &attempt,
        unchanged: None,
        silent: false,
    };
    let (mut parts, ()) = http::Request::new(()).into_parts();
    let device = Presented::from_request_parts(&mut parts, app).await.expect("none").or_new(app);
    let enroll = async || {
        let chart = Chart::load(app.store(), &practice, client).await.expect("a chart");
        let rule = |edit: &mut ChartEdit<'_>| -> Result<(), Problem> {
            edit.enroll(user, None, &device).map(drop)
        };
        Box::pin(chart.change(app, &request, Accounts::new(), rule)).await
    };
    let before = (world.items().await, world.events().await);
    let refused = enroll().await.expect_err("a refusal");
    assert_eq!((refused.status().as_u16(), refused.code()), (409, "client_closed"));
    assert_eq!((world.items().await, world.events().await), before);
    dana.reopen(&who.client).await.expect(200);
    enroll().await.expect("an open chart");
    assert_eq!(dana.user(&who).await["status"], "active");
}

#[tokio::test]
async fn reopening_gives_nobody_access_and_people_are_activated_one_by_one() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = dana.enrolled().await;
    let invited = dana.invite(&who.client, "invited@mail.example").await;
    let cookie = world.signed_in(&who.email, PASSWORD).await;
    dana.close(&who.client, &left()).await.expect(200);
    let opened = dana.reopen(&who.client).await.expect(200);
    assert_eq!(opened, json!({"receipts": []}));
    let (items, events) = (world.items_but_sessions().await, world.changes().await);
    assert_eq!(dana.reopen(&who.client).await.expect(200), opened, "a repeat is harmless");
    assert!(world.items_but_sessions().await == items && world.changes().await == events);
    assert_eq!(dana.actions(&who.client).await[1], "client-reopened");

    assert!(page(&dana, &who.client).await.get("closed").is_none());
    for who in [&who, &invited] {
        assert_eq!(dana.user(who).await["status"], "revoked");
    }
    world.sign_in(&who.email, PASSWORD).await.problem(403, "access_not_active");
    world.session(&cookie).await.problem(401, "signed_out");
    dana.activate(&who).await.expect(200);
    assert_eq!(dana.activate(&invited).await.expect(200)["portalUser"]["status"], "invited");
    world.session(&cookie).await.problem(401, "signed_out");
    world.signed_in(&who.email, PASSWORD).await;
    // Closed again, it tells of what ended this time.
    let again = dana.close(&who.client, &json!({"reason": "deceased"})).await.expect(200);
    assert_eq!(users_of(&again), [who.user.clone(), invited.user.clone()]);
}

#[tokio::test]
async fn a_person_keeps_the_charts_that_are_open() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = dana.enrolled().await;
    let second = dana.client("Wren", "Okafor", "1984-03-12").await;
    let elsewhere = dana.enroll_for(&second, &who.email).await;
    let cookie = world.signed_in(&who.email, PASSWORD).await;
    let charts = async || {
        let session = world.session(&cookie).await.expect(200);
        session["charts"].as_array().expect("charts").iter().map(|c| text(&c["clientId"])).collect()
    };
    dana.close(&who.client, &left()).await.expect(200);
    let open: Vec<String> = charts().await;
    assert_eq!(open, [second]);
    // What is edited of the person there shows here, and opens nothing.
    let edit = json!({
        "version": dana.user(&elsewhere).await["version"], "email": "elsewhere@mail.example",
        "name": {"first": "Hollis", "last": "Marsh"},
    });
    dana.patch(&elsewhere.path(), &edit).await.expect(200);
    let user = dana.user(&who).await;
    assert_eq!((&user["status"], &user["name"]), (&json!("revoked"), &edit["name"]));
}

/// The client as a portal user of their own.
async fn add_oneself(dana: &Staff, client: &str) -> Answer {
    let body = json!({
        "name": {"first": "Amara", "last": "Okafor"}, "email": "amara@mail.example",
        "relationship": "self", "permissions": ["basic"],
    });
    dana.post(&format!("/api/clients/{client}/portal-users"), &body).await
}

#[tokio::test]
async fn a_client_who_was_entered_twice_is_taken_over_to_the_right_chart() {
    let world = World::new().await;
    let dana = world.dana().await;
    let (twice, right) = (
        dana.client("Amara", "Okafor", "1984-03-12").await,
        dana.client("Amara", "Okafor", "1984-03-12").await,
    );
    let there = Invited {
        user: text(&add_oneself(&dana, &twice).await.expect(201)["portalUserId"]),
        client: twice.clone(),
        email: "amara@mail.example".into(),
        token: String::new(),
    };
    world.deliver().await;
    let token = world.post.newest(&there.email).token();
    world.enroll(&token, "Okafor", "1984-03-12", PASSWORD).await.expect(201);
    add_oneself(&dana, &right).await.problem(409, "self_twice");
    // Of another chart, or closed for another reason, it is another client's.
    let another = dana.client("Silas", "Okafor", "1984-03-12").await;
    for closing in [left(), json!({"reason": "duplicate", "duplicateOf": another})] {
        dana.close(&twice, &closing).await.expect(200);
        add_oneself(&dana, &right).await.problem(409, "self_twice");
        dana.reopen(&twice).await.expect(200);
    }
    dana.close(&twice, &json!({"reason": "duplicate", "duplicateOf": right})).await.expect(200);
    let events = world.events().await.len();
    let added = add_oneself(&dana, &right).await.expect(201);
    assert_eq!(added["relationship"], "self");
    assert_eq!(world.events().await.len(), events + 2, "one on each chart");
    assert_eq!(dana.actions(&twice).await[0], "portal-user-updated");
    assert_eq!(dana.user(&there).await["relationship"], "other");
    world.deliver().await;
    let token = world.post.newest(&there.email).token();
    world.enroll(&token, "Okafor", "1984-03-12", PASSWORD).await.expect(201);
    let cookie = world.signed_in(&there.email, PASSWORD).await;
    let session = world.session(&cookie).await.expect(200);
    let charts = session["charts"].as_array().expect("charts");
    assert_eq!(charts.iter().map(|c| text(&c["clientId"])).collect::<Vec<_>>(), [right]);
    // Nor is it two clients once the duplicate is open again.
    dana.reopen(&twice).await.expect(200);
    dana.activate(&there).await.expect(200);
    let edit = json!({"version": dana.user(&there).await["version"], "relationship": "self"});
    dana.patch(&there.path(), &edit).await.problem(409, "self_twice");
}

/// Reopened in the same moment, the duplicate is no duplicate.
#[tokio::test]
async fn a_client_is_not_taken_over_from_a_chart_that_is_reopened_meanwhile() {
    let world = World::new().await;
    let (dana, felix) = (world.dana().await, world.staff("harbor", "Felix", Role::Staff).await);
    let (twice, right) = (
        dana.client("Amara", "Okafor", "1984-03-12").await,
        dana.client("Amara", "Okafor", "1984-03-12").await,
    );
    add_oneself(&dana, &twice).await.expect(201);
    dana.close(&twice, &json!({"reason": "duplicate", "duplicateOf": right})).await.expect(200);
    world.wire.hold_marked();
    let mut operations = Operations::on(&world.wire);
    operations.add(add_oneself(&felix, &right));
    loop {
        operations.settle().await;
        let write = world.wire.waiting().iter().position(|held| held == "TransactWriteItems");
        if write.is_some() {
            break;
        }
        world.wire.take(0).expect("it waits").release();
    }
    dana.reopen(&twice).await.expect(200);
    world.wire.let_go();
    operations.settle().await;
    operations.answer(0).expect("an answer").clone().problem(409, "self_twice");
}

#[tokio::test]
async fn search_and_the_check_for_duplicates_name_a_closed_client_as_closed() {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = dana.client("Amara", "Okafor", "1984-03-12").await;
    dana.close(&client, &left()).await.expect(200);
    let closed = json!({"at": world.now(), "reason": "left"});
    let hits = dana.post("/api/clients/search", &json!({"query": "okafor"})).await.expect(200);
    assert_eq!(hits["clients"][0]["clientId"], client.as_str());
    assert_eq!(hits["clients"][0]["closed"], closed);
    let new = json!({"name": {"first": "Amara", "last": "Okafor"}, "dateOfBirth": "1984-03-12"});
    let refused = dana.post("/api/clients", &new).await.problem(409, "possible_duplicate");
    assert_eq!(refused["matches"][0]["closed"], closed);
    dana.reopen(&client).await.expect(200);
    let hits = dana.post("/api/clients/search", &json!({"query": "okafor"})).await.expect(200);
    assert_eq!(hits["clients"][0].get("closed"), None);
}

#[tokio::test]
async fn alerts_about_a_closed_client_go_to_the_practice() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = dana.enrolled().await;
    dana.assign(&who.client, Some(&who.user)).await.expect(200);
    let program = dana.program(&system(&["alerts"])).await;
    let alert = json!({"clientId": who.client, "kind": "message", "portalUserId": who.user});
    // One that waits when the chart closes, and one that is posted then.
    assert_eq!(program.alert(&alert).await.expect(202)["to"], "portalUser");
    dana.close(&who.client, &left()).await.expect(200);
    assert_eq!(program.alert(&alert).await.expect(202)["to"], "practice");
    let mails = world.post.received().len();
    assert_eq!(world.deliver().await, 0);
    let told: Vec<String> =
        world.post.received()[mails..].iter().map(|mail| mail.to.clone()).collect();
    assert_eq!(told, ["alerts@harbor.example"]);
}

/// Sixteen portal users, each with sessions, an app, a reset, and three other charts to which they are
/// invited.
#[tokio::test]
async fn a_full_chart_closes_in_one_transaction() {
    let world = World::new().await;
    let dana = world.dana().await;
    let room = dana.register(&json!({})).await;
    let client = dana.client("Amara", "Okafor", "1984-03-12").await;
    let mut siblings = Vec::new();
    for first in ["Wren", "Silas", "Iris"] {
        siblings.push(dana.client(first, "Okafor", "1984-03-12").await);
    }
    let mut people = BTreeMap::new();
    for n in 0..16 {
        let email = format!("person-{n:02}@mail.example");
        let who = dana.enroll_for(&client, &email).await;
        for sibling in &siblings {
            dana.add(sibling, &email).await.expect(201);
        }
        people.insert(email, who);
    }
    let mut cookies = Vec::new();
    for email in people.keys() {
        let cookie = world.signed_in(email, PASSWORD).await;
        let token = world.token(&cookie, &room).await;
        world.forgot(email).await.expect(202);
        cookies.push((cookie, token));
    }
    assert_eq!(world.deliver().await, 0);
    let right = dana.client("Amara", "Okafor", "1984-03-12").await;
    let items = world.items().await;
    let resets = |items: &BTreeMap<String, String>| {
        items.iter().filter(|(k, v)| k.contains("A#USER") && v.contains("resetUntil")).count()
    };
    assert_eq!(resets(&items), 64);

    world.wire.forget();
    let body = json!({"reason": "duplicate", "duplicateOf": right});
    let closed = dana.close(&client, &body).await.expect(200);
    assert_eq!(users_of(&closed).len(), 16);
    for receipt in closed["receipts"].as_array().expect("a list") {
        assert_eq!(receipt["ended"]["resets"], 1);
        assert_eq!(receipt["apps"][0]["state"], "telling");
    }
    // What the other charts show of the resets is told as far as there is room: 100 items less four for
    // each person, the client, its event, and the right chart.
    assert_eq!(resets(&world.items().await), 64 - 16 - (100 - 67));
    for (cookie, token) in &cookies {
        world.session(cookie).await.problem(401, "signed_out");
        assert_eq!(world.introspect(&room, token).await["active"], false);
    }
    for email in people.keys() {
        let reset = world.post.newest(email).token();
        let over = world.choose(&reset, "another nine grey pebbles").await;
        over.problem(409, "reset_expired");
    }
    dana.close(&right, &left()).await.expect(200);
}

/// Answers a request whose first reads meet the table in a state in which a Query may find it.
async fn torn(world: &World, mixed: &Snapshot, request: impl Future<Output = Answer>) -> Answer {
    let after = world.snapshot().await;
    world.put_back(&after, mixed).await;
    world.wire.hold_marked();
    let mut operations = Operations::on(&world.wire);
    operations.add(request);
    operations.settle().await;
    for _ in world.wire.waiting() {
        world.wire.take(0).expect("it waits").release();
    }
    operations.settle().await;
    world.put_back(mixed, &after).await;
    world.wire.let_go();
    operations.settle().await;
    operations.answer(0).expect("an answer").clone()
}

/// A Query reads item by item: it may meet the client after a change, and the portal user before it.
#[tokio::test]
async fn closing_ends_also_an_access_that_a_query_does_not_show_yet() {
    for added in [false, true] {
        let world = World::new().await;
        let dana = world.dana().await;
        let first = dana.enrolled().await;
        let (before, second);
        if added {
            before = world.snapshot().await;
            second = dana.invite(&first.client, "second@mail.example").await;
        } else {
            second = dana.enroll_for(&first.client, "second@mail.example").await;
            dana.revoke(&second).await.expect(200);
            before = world.snapshot().await;
            dana.activate(&second).await.expect(200);
        }
        let mixed = world.snapshot().await.mixed(&before, &format!("A#USER#{}", second.user));
        let closed = torn(&world, &mixed, dana.close(&first.client, &left())).await.expect(200);
        assert_eq!(users_of(&closed), [first.user.clone(), second.user.clone()], "added: {added}");
        assert_eq!(dana.user(&second).await["status"], "revoked", "added: {added}");
    }
}

#[tokio::test]
async fn who_enrols_while_the_chart_closes_is_told_that_the_invitation_is_over() {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = dana.client("Amara", "Okafor", "1984-03-12").await;
    let who = dana.invite(&client, "pat@mail.example").await;
    let before = world.snapshot().await;
    dana.close(&client, &left()).await.expect(200);
    let mixed = world.snapshot().await.mixed(&before, &format!("A#USER#{}", who.user));
    let enroll = world.enroll(&who.token, "Okafor", "1984-03-12", PASSWORD);
    torn(&world, &mixed, enroll).await.problem(409, "invitation_expired");
    assert_eq!(dana.user(&who).await["status"], "revoked");
}
