//! One change for many: looked at before, made row by row, each once, with the rights of now.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
};

use api_tests::{
    Answer, Call, PASSWORD, World,
    people::{Invited, Staff, text},
    wire::{Fault, Operations},
};
use mail_events::SesEvent;
use serde_json::{Value, json};
use shared::{
    history::Role,
    keys::{self, Key},
};

const PATH: &str = "/api/bulk";

/// An id of the right shape that nothing has.
const NOBODY: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

async fn prepare(staff: &Staff, body: &Value) -> Value {
    staff.post(PATH, body).await.expect(201)
}

async fn start(staff: &Staff, job: &str) -> Answer {
    staff.post(&format!("{PATH}/{job}/start"), &json!({})).await
}

async fn stop(staff: &Staff, job: &str) -> Answer {
    staff.send(Call::new("POST", &format!("{PATH}/{job}/stop"))).await
}

async fn progress(staff: &Staff, job: &str) -> Value {
    staff.get(&format!("{PATH}/{job}")).await.expect(200)
}

fn id(job: &Value) -> String {
    text(&job["bulkId"])
}

/// A client with an address, whom anybody may invite.
async fn client(staff: &Staff, first: &str, change: &Value) -> String {
    let mut body = json!({
        "name": {"first": first, "last": "Okafor"}, "dateOfBirth": "1984-03-12", "distinct": true,
        "emails": [{"type": "home", "address": format!("{}@mail.example", first.to_lowercase())}],
    });
    let members = change.as_object().expect("an object").clone();
    body.as_object_mut().expect("an object").extend(members);
    text(&staff.post("/api/clients", &body).await.expect(201)["clientId"])
}

/// Clients whom anybody may invite.
async fn clients(staff: &Staff, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for n in 0..count {
        ids.push(client(staff, &format!("C{n}"), &json!({})).await);
    }
    ids
}

/// Portal users who wait for their first sign-in, each of a chart of their own.
async fn invited(staff: &Staff, count: usize) -> Vec<Invited> {
    let mut people = Vec::new();
    for n in 0..count {
        let client = staff.client("Amara", "Okafor", "1984-03-12").await;
        let email = format!("p{n}@mail.example");
        let user = text(&staff.add(&client, &email).await.expect(201)["portalUserId"]);
        people.push(Invited { client, user, email, token: String::new() });
    }
    staff.world.deliver().await;
    for who in &mut people {
        who.token = staff.world.post.newest(&who.email).token();
    }
    people
}

fn users(people: &[Invited]) -> Vec<&str> {
    people.iter().map(|who| &*who.user).collect()
}

async fn resend(staff: &Staff, people: &[Invited]) -> Value {
    prepare(staff, &json!({"action": "resend", "portalUserIds": users(people)})).await
}

/// Who is left out, and why: by the name or the id of each.
fn left_out(job: &Value) -> BTreeMap<String, String> {
    let rows = job["rows"].as_array().expect("rows").iter();
    rows.filter(|row| !row["skipped"].is_null())
        .map(|row| {
            let name = row["notFound"].as_str().or_else(|| row["client"]["name"]["first"].as_str());
            (name.expect("a name").to_owned(), text(&row["skipped"]))
        })
        .collect()
}

fn skipped(job: &Value) -> BTreeMap<String, u64> {
    let skipped = job["skipped"].as_array().expect("a list").iter();
    skipped.map(|s| (text(&s["why"]), s["count"].as_u64().expect("a count"))).collect()
}

/// What became of the rows, by the client's id.
fn outcomes(progress: &Value) -> BTreeMap<String, String> {
    let results = progress["results"].as_array().expect("results").iter();
    results.map(|row| (text(&row["clientId"]), text(&row["outcome"]))).collect()
}

fn steps(items: &BTreeMap<String, String>) -> usize {
    items.keys().filter(|key| key.contains(&format!(" {}", keys::STEP))).count()
}

/// Hands the worker one step, and all mails that wait.
async fn one_step(world: &World) {
    assert_eq!(world.redeliver(world.records()).await, 0);
}

async fn bounce(world: &World, email: &str) {
    let mail = world.post.newest(email);
    let event: SesEvent = serde_json::from_value(json!({
        "eventType": "Bounce",
        "mail": {"tags": mail.tags},
        "bounce": {"bounceType": "Permanent", "bounceSubType": "General"},
    }))
    .expect("an event");
    mail_events::handle(&world.app, &event).await.expect("noted");
}

// ---- What would be done ----

#[tokio::test]
async fn a_preview_of_invitations_says_who_is_left_out_and_why_and_changes_nothing() {
    let world = World::new().await;
    let dana = world.dana().await;
    let good = client(&dana, "Good", &json!({})).await;
    let none = client(&dana, "Mute", &json!({"emails": []})).await;
    let has = client(&dana, "Has", &json!({})).await;
    dana.invite(&has, "other@mail.example").await;
    // 18 the day after tomorrow, and 18 since the day before yesterday, wherever on earth.
    let minor = client(&dana, "Minor", &json!({"dateOfBirth": "2008-11-24"})).await;
    let adult = client(&dana, "Adult", &json!({"dateOfBirth": "2008-11-20"})).await;
    let closed = client(&dana, "Closed", &json!({})).await;
    dana.close(&closed, &json!({"reason": "left"})).await.expect(200);
    let taken = json!({"emails": [{"type": "home", "address": "other@mail.example"}]});
    let taken = client(&dana, "Taken", &taken).await;
    let twin = json!({"emails": [{"type": "home", "address": "GOOD@mail.example"}]});
    let twin = client(&dana, "Twin", &twin).await;
    let cove = world.staff("cove", "Cora", Role::Admin).await;
    let theirs = client(&cove, "Theirs", &json!({})).await;
    let (items, events) = (world.items_but_sessions().await, world.events().await);
    let ids = [&good, &none, &has, &minor, &adult, &closed, &taken, &twin, &theirs, NOBODY];
    let body = json!({"action": "invite", "clientIds": ids});
    let job = prepare(&dana, &body).await;
    let expected = [
        ("Mute", "no-email"),
        ("Has", "has-access"),
        ("Minor", "minor"),
        ("Closed", "closed"),
        ("Taken", "address-in-use"),
        ("Twin", "address-in-use"),
        (&*theirs, "not-found"),
        (NOBODY, "not-found"),
    ];
    let expected: BTreeMap<String, String> =
        expected.map(|(name, why)| (name.to_owned(), why.to_owned())).into();
    assert_eq!(left_out(&job), expected);
    assert_eq!(job["willChange"], 2);
    assert_eq!((skipped(&job)["address-in-use"], skipped(&job)["not-found"]), (2, 2));
    let first = &job["rows"][0];
    assert_eq!(first["client"]["clientId"], good.as_str());
    assert!(first["client"]["recordNumber"].is_string() && first["portalUser"].is_null());
    // Nothing but the job is new, and one event.
    let mut now = world.items_but_sessions().await;
    now.retain(|key, _| !key.contains("#G#"));
    assert_eq!(now, items);
    let mut now = world.events().await;
    now.retain(|key, _| !events.contains_key(key));
    assert_eq!(now.len(), 1);
    assert!(now.values().all(|event| event.contains("\"bulk-prepared\"")), "{now:?}");
    assert_eq!(progress(&dana, &id(&job)).await["state"], "ready");
}

#[tokio::test]
async fn a_preview_for_portal_users_judges_each_as_the_single_change_would() {
    let world = World::new().await;
    let dana = world.dana().await;
    let people = invited(&dana, 2).await;
    let active = dana.enrolled().await;
    let revoked = dana.enrolled().await;
    dana.revoke(&revoked).await.expect(200);
    let spent = &people[1];
    for _ in 0..9 {
        dana.resend(spent).await.expect(202);
    }
    dana.resend(spent).await.problem(429, "mail_budget_spent");
    let all = [&*people[0].user, &spent.user, &active.user, &revoked.user, NOBODY];
    let judged = async |action: &str| {
        let body = json!({"action": action, "portalUserIds": all});
        let job = prepare(&dana, &body).await;
        (job["willChange"].as_u64().expect("a count"), skipped(&job))
    };
    let some = |skipped: &[(&str, u64)]| {
        skipped.iter().map(|(why, count)| ((*why).to_owned(), *count)).collect::<BTreeMap<_, _>>()
    };
    let whys = [("budget", 1), ("has-access", 1), ("not-found", 1), ("revoked", 1)];
    assert_eq!(judged("resend").await, (1, some(&whys)));
    assert_eq!(judged("revoke").await, (3, some(&[("not-found", 1), ("revoked", 1)])));
}

#[tokio::test]
async fn a_view_is_taken_whole() {
    let world = World::new().await;
    let dana = world.dana().await;
    let people = invited(&dana, 3).await;
    clients(&dana, 2).await;
    world.pass(8 * 24 * 60 * 60);
    let dana = world.dana().await;
    dana.resend(&people[0]).await.expect(202);
    let count = async |action: &str, view: &str| {
        let job = prepare(&dana, &json!({"action": action, "view": view})).await;
        job["willChange"].as_u64().expect("a count")
    };
    assert_eq!(count("resend", "invited").await, 1);
    assert_eq!(count("resend", "expired").await, 2);
    assert_eq!(count("revoke", "all").await, 3);
    assert_eq!(count("invite", "without-access").await, 2);
    assert_eq!(count("revoke", "bounced").await, 0);
}

#[tokio::test]
async fn what_does_not_fit_the_action_is_refused_by_the_name_of_its_field() {
    let world = World::new().await;
    let dana = world.dana().await;
    let many: Vec<&str> = vec![NOBODY; 1001];
    let reason = json!({"code": "left-care"});
    for (body, field, code) in [
        (json!({"action": "resend"}), "view", "missing"),
        (json!({"action": "resend", "view": "all", "clientIds": [NOBODY]}), "view", "twice"),
        (json!({"action": "resend", "view": "without-access"}), "view", "not_here"),
        (json!({"action": "invite", "view": "invited"}), "view", "not_here"),
        (json!({"action": "invite", "portalUserIds": [NOBODY]}), "portalUserIds", "not_here"),
        (json!({"action": "revoke", "clientIds": [NOBODY]}), "clientIds", "not_here"),
        (json!({"action": "revoke", "portalUserIds": []}), "portalUserIds", "empty"),
        (json!({"action": "revoke", "portalUserIds": many}), "portalUserIds", "too_many"),
        (json!({"action": "invite", "clientIds": many}), "clientIds", "too_many"),
        (
            json!({"action": "invite", "clientIds": [NOBODY], "portalUserIds": [NOBODY]}),
            "clientIds",
            "twice",
        ),
        (json!({"action": "resend", "view": "all", "reason": reason}), "reason", "not_here"),
    ] {
        let before = world.items_but_sessions().await;
        let answer = dana.post(PATH, &body).await;
        let problem = if ["empty", "too_many"].contains(&code) {
            answer.problem(400, "invalid")
        } else {
            answer.problem(422, code)
        };
        let named = (&problem["fields"][0]["field"], &problem["fields"][0]["code"]);
        assert_eq!(named, (&json!(field), &json!(code)), "{body}");
        assert_eq!(world.items_but_sessions().await, before);
    }
}

#[tokio::test]
async fn the_same_key_gets_the_same_job_and_another_body_none() {
    let world = World::new().await;
    let dana = world.dana().await;
    let good = client(&dana, "Good", &json!({})).await;
    let mute = client(&dana, "Mute", &json!({"emails": []})).await;
    let send = async |ids: &[&str]| {
        let body = json!({"action": "invite", "clientIds": ids});
        dana.send(Call::new("POST", PATH).json(&body).header("idempotency-key", "k")).await
    };
    let first = send(&[&good, &mute, NOBODY]).await.expect(201);
    assert_eq!(send(&[&good, &mute, NOBODY]).await.expect(201), first);
    start(&dana, &id(&first)).await.expect(200);
    world.deliver().await;
    assert_eq!(send(&[&good, &mute, NOBODY]).await.expect(201), first, "also when it is done");
    send(&[&good]).await.problem(422, "idempotency_key_reused");
}

// ---- What is done ----

#[tokio::test]
async fn every_row_is_an_ordinary_change_with_its_own_event_and_mail() {
    let world = World::new().await;
    let dana = world.dana().await;
    let ids = clients(&dana, 3).await;
    let job = id(&prepare(&dana, &json!({"action": "invite", "view": "without-access"})).await);
    world.deliver().await;
    assert!(world.post.received().is_empty(), "nothing happens before it is started");
    assert_eq!(start(&dana, &job).await.expect(200)["state"], "running");
    world.deliver().await;
    let done = progress(&dana, &job).await;
    assert_eq!(
        (&done["state"], &done["done"], &done["total"]),
        (&json!("finished"), &json!(3), &json!(3))
    );
    for (n, client) in ids.iter().enumerate() {
        assert_eq!(outcomes(&done)[client], "done");
        let user = &dana.users(client).await["portalUsers"][0];
        assert_eq!(user["relationship"], "self");
        assert_eq!(user["permissions"], json!(["basic", "messaging"]));
        assert_eq!(user["name"]["first"], format!("C{n}"));
        let history = dana.get(&format!("/api/clients/{client}/history")).await.expect(200);
        let added = history["events"].as_array().expect("a list").iter();
        let added: Vec<_> = added.filter(|e| e["action"] == "portal-user-added").collect();
        assert_eq!(added.len(), 1);
        assert_eq!(added[0]["actor"]["name"], "Dana");
        let token = world.post.newest(&format!("c{n}@mail.example")).token();
        world.enroll(&token, "Okafor", "1984-03-12", PASSWORD).await.expect(201);
    }
    assert_eq!(world.post.received().len(), 3);
    assert_eq!(steps(&world.items().await), 0, "no work is left behind");
}

#[tokio::test]
async fn revoking_for_many_asks_for_the_word_and_ends_sessions() {
    let world = World::new().await;
    let dana = world.dana().await;
    let (ana, ben) = (dana.enrolled().await, dana.enrolled().await);
    let cookie = world.signed_in(&ana.email, PASSWORD).await;
    let body = json!({
        "action": "revoke", "portalUserIds": users(&[ana.clone(), ben.clone()]),
        "reason": {"code": "left-care", "note": "Moved away"},
    });
    let job = id(&prepare(&dana, &body).await);
    let before = world.items_but_sessions().await;
    for word in [json!({}), json!({"confirm": "yes"}), json!({"confirm": ""})] {
        let answer = dana.post(&format!("{PATH}/{job}/start"), &word).await;
        assert_eq!(answer.problem(422, "not_confirmed")["fields"][0]["field"], "confirm");
    }
    start(&dana, &job).await;
    assert_eq!(world.items_but_sessions().await, before);
    let confirm = json!({"confirm": " Revoke "});
    dana.post(&format!("{PATH}/{job}/start"), &confirm).await.expect(200);
    world.deliver().await;
    assert_eq!(progress(&dana, &job).await["state"], "finished");
    for who in [&ana, &ben] {
        let user = dana.user(who).await;
        assert_eq!(user["status"], "revoked", "{user}");
        let ended = (&user["ended"]["reason"], &user["ended"]["note"]);
        assert_eq!(ended, (&json!("left-care"), &json!("Moved away")), "{user}");
    }
    world.session(&cookie).await.problem(401, "signed_out");
}

#[tokio::test]
async fn what_changed_since_the_preview_is_left_out_and_the_row_says_why() {
    let world = World::new().await;
    let dana = world.dana().await;
    let people = invited(&dana, 6).await;
    let job = id(&resend(&dana, &people).await);
    world.enroll(&people[0].token, "Okafor", "1984-03-12", PASSWORD).await.expect(201);
    dana.revoke(&people[1]).await.expect(200);
    dana.delete(&people[2], "confirm=delete").await.expect(200);
    dana.close(&people[3].client, &json!({"reason": "left"})).await.expect(200);
    for _ in 0..9 {
        dana.resend(&people[4]).await.expect(202);
    }
    world.deliver().await;
    let sent = world.post.received().len();
    start(&dana, &job).await.expect(200);
    world.deliver().await;
    let done = progress(&dana, &job).await;
    assert_eq!(done["state"], "finished");
    let said = outcomes(&done);
    let said: Vec<&str> = people.iter().map(|who| &*said[&who.client]).collect();
    assert_eq!(said, ["has-access", "revoked", "not-found", "closed", "budget", "done"]);
    assert_eq!(world.post.received().len(), sent + 1);
    let refused = dana.actions(&people[1].client).await;
    assert_eq!(refused[0], "refused", "the history tells of a row that was not made");
    // The same for those who would be added.
    let ids = clients(&dana, 2).await;
    let job = id(&prepare(&dana, &json!({"action": "invite", "clientIds": ids})).await);
    dana.invite(&ids[0], "first@mail.example").await;
    let edit = json!({"version": 1, "emails": []});
    dana.patch(&format!("/api/clients/{}", ids[1]), &edit).await.expect(200);
    start(&dana, &job).await.expect(200);
    world.deliver().await;
    let said = outcomes(&progress(&dana, &job).await);
    assert_eq!((&*said[&ids[0]], &*said[&ids[1]]), ("has-access", "no-email"));
}

#[tokio::test]
async fn starting_what_runs_or_is_finished_changes_nothing() {
    let world = World::new().await;
    let dana = world.dana().await;
    let people = invited(&dana, 2).await;
    let job = id(&resend(&dana, &people).await);
    start(&dana, &job).await.expect(200);
    assert_eq!(start(&dana, &job).await.expect(200)["state"], "running");
    assert_eq!(steps(&world.items().await), 1);
    world.deliver().await;
    let done = progress(&dana, &job).await;
    let (items, changes) = (world.items_but_sessions().await, world.changes().await);
    assert_eq!(start(&dana, &job).await.expect(200), done);
    assert_eq!(stop(&dana, &job).await.expect(200), done);
    assert_eq!((world.items_but_sessions().await, world.changes().await), (items, changes));
    // A job of nobody is finished as soon as it is started.
    let job = id(&prepare(&dana, &json!({"action": "resend", "view": "bounced"})).await);
    assert_eq!(start(&dana, &job).await.expect(200)["state"], "finished");
}

#[tokio::test]
async fn a_job_stops_between_two_rows_and_goes_on_after_another_start() {
    let world = World::new().await;
    let dana = world.dana().await;
    let people = invited(&dana, 20).await;
    let job = id(&resend(&dana, &people).await);
    let sent = world.post.received().len();
    let _ = world.records();
    start(&dana, &job).await.expect(200);
    one_step(&world).await;
    assert_eq!(progress(&dana, &job).await["done"], 14);
    let stopped = stop(&dana, &job).await.expect(200);
    assert_eq!((&stopped["state"], &stopped["stopped"]), (&json!("stopped"), &json!("staff")));
    // Started before the step of the first run was seen: there is one run all the same.
    let running = start(&dana, &job).await.expect(200);
    assert_eq!((&running["state"], &running["stopped"]), (&json!("running"), &Value::Null));
    stop(&dana, &job).await.expect(200);
    world.deliver().await;
    assert_eq!(progress(&dana, &job).await["done"], 14, "nothing is changed after a stop");
    assert_eq!(steps(&world.items().await), 0);
    start(&dana, &job).await.expect(200);
    world.deliver().await;
    let done = progress(&dana, &job).await;
    assert_eq!((&done["state"], &done["done"]), (&json!("finished"), &json!(20)));
    assert_eq!(world.post.received().len(), sent + 20, "each once");
    let changes = world.changes().await;
    let count = |action: &str| changes.values().filter(|e| e.contains(action)).count();
    assert_eq!((count("\"bulk-started\""), count("\"bulk-stopped\"")), (3, 2));
    assert_eq!(count("\"bulk-finished\""), 1);
}

#[tokio::test]
async fn a_run_that_was_stopped_and_started_has_one_step_at_a_time() {
    let world = World::new().await;
    let dana = world.dana().await;
    let people = invited(&dana, 30).await;
    let job = id(&resend(&dana, &people).await);
    start(&dana, &job).await.expect(200);
    stop(&dana, &job).await.expect(200);
    start(&dana, &job).await.expect(200);
    let mut made = 0;
    while steps(&world.items().await) > 0 {
        one_step(&world).await;
        let done = progress(&dana, &job).await["done"].as_u64().expect("a count");
        assert!(done - made <= 14, "{made} rows, then {done}");
        assert!(steps(&world.items().await) <= 1);
        made = done;
    }
    assert_eq!(made, 30);
}

#[tokio::test]
async fn a_step_that_the_stream_lost_is_found_by_the_sweep() {
    let world = World::new().await;
    let dana = world.dana().await;
    let people = invited(&dana, 2).await;
    let job = id(&resend(&dana, &people).await);
    start(&dana, &job).await.expect(200);
    let _ = world.records();
    world.pass(119);
    assert!(world.sender().sweep().await.expect("read").is_empty());
    assert_eq!(progress(&dana, &job).await["done"], 0, "the stream may still bring it");
    world.pass(2);
    assert!(world.sender().sweep().await.expect("read").is_empty());
    assert_eq!(progress(&dana, &job).await["state"], "finished");
}

#[tokio::test]
async fn a_job_keeps_to_the_pace_that_the_mail_service_bears() {
    let world = World::new().await;
    let dana = world.dana().await;
    let people = invited(&dana, 28).await;
    let job = id(&resend(&dana, &people).await);
    start(&dana, &job).await.expect(200);
    let before = world.pauses(1000);
    world.deliver().await;
    assert_eq!(world.pauses(1000) - before, 2, "14 in a second");
    let job = id(&resend(&dana, &people[..6]).await);
    start(&dana, &job).await.expect(200);
    let (before, slow) = (world.pauses(1000), world.post.sender_of(&world.app, 2));
    let mut event = aws_lambda_events::event::dynamodb::Event::default();
    event.records = world.records();
    slow.handle(event).await;
    assert_eq!(world.pauses(1000) - before, 1, "two in a second");
    assert_eq!(progress(&dana, &job).await["done"], 2);
    world.deliver().await;
    let body = json!({"action": "revoke", "portalUserIds": users(&people)});
    let job = id(&prepare(&dana, &body).await);
    let before = world.pauses(1000);
    dana.post(&format!("{PATH}/{job}/start"), &json!({"confirm": "revoke"})).await.expect(200);
    world.deliver().await;
    assert_eq!(progress(&dana, &job).await["state"], "finished");
    assert_eq!(world.pauses(1000) - before, 0, "nobody gets a mail");
}

#[tokio::test]
async fn a_job_of_which_one_mail_in_twenty_comes_back_stops_by_itself_and_says_why() {
    let world = World::new().await;
    let dana = world.dana().await;
    let people = invited(&dana, 60).await;
    let job = id(&resend(&dana, &people).await);
    let _ = world.records();
    start(&dana, &job).await.expect(200);
    one_step(&world).await;
    one_step(&world).await;
    // 28 are made, of which 14 were sent.
    let sent: Vec<String> = {
        let rows = progress(&dana, &job).await;
        let made = outcomes(&rows);
        let of = |who: &&Invited| made.contains_key(&who.client);
        let mails = world.post.received();
        let newest = |who: &Invited| {
            mails.iter().filter(|m| m.to == who.email && m.tags["bulk"][0] == job.as_str()).count()
        };
        people.iter().filter(of).filter(|w| newest(w) > 0).map(|w| w.email.clone()).collect()
    };
    assert_eq!(sent.len(), 14);
    bounce(&world, &sent[0]).await;
    bounce(&world, &sent[0]).await;
    assert_eq!(progress(&dana, &job).await["bounced"], 1, "a mail comes back once");
    one_step(&world).await;
    assert_eq!(progress(&dana, &job).await["done"], 42, "one in 28 is no reason to stop");
    bounce(&world, &sent[1]).await;
    bounce(&world, &sent[2]).await;
    world.deliver().await;
    let stopped = progress(&dana, &job).await;
    assert_eq!((&stopped["state"], &stopped["stopped"]), (&json!("stopped"), &json!("bounces")));
    assert_eq!((&stopped["done"], &stopped["bounced"]), (&json!(42), &json!(3)));
    let changes = world.changes().await;
    let stops: Vec<Value> = changes
        .values()
        .filter(|e| e.contains("\"bulk-stopped\""))
        .map(|e| serde_json::from_str(e).expect("JSON"))
        .collect();
    assert_eq!(stops.len(), 1);
    assert_eq!(
        (&stops[0]["actor"]["role"], &stops[0]["reason"]),
        (&json!("system"), &json!("bounces"))
    );
    // Staff who go on all the same have seen those.
    start(&dana, &job).await.expect(200);
    world.deliver().await;
    let done = progress(&dana, &job).await;
    assert_eq!((&done["state"], &done["bounced"]), (&json!("finished"), &json!(3)));
}

// ---- With whose rights ----

#[tokio::test]
async fn rights_that_were_taken_away_stop_a_job_and_another_person_goes_on() {
    for how in ["removed", "demoted"] {
        let world = World::new().await;
        let dana = world.dana().await;
        let people = invited(&dana, 20).await;
        let felix = world.staff("harbor", "Felix", Role::Staff).await;
        let job = id(&resend(&felix, &people).await);
        let _ = world.records();
        start(&felix, &job).await.expect(200);
        one_step(&world).await;
        let path = format!("/api/staff/{}", felix.id);
        if how == "removed" {
            dana.send(Call::new("DELETE", &path)).await.expect(204);
        } else {
            dana.patch(&path, &json!({"version": 1, "role": "auditor"})).await.expect(200);
        }
        world.deliver().await;
        let stopped = progress(&dana, &job).await;
        assert_eq!(
            (&stopped["state"], &stopped["stopped"]),
            (&json!("stopped"), &json!("rights")),
            "{how}"
        );
        assert_eq!(stopped["done"], 14, "{how}");
        start(&dana, &job).await.expect(200);
        world.deliver().await;
        assert_eq!(progress(&dana, &job).await["state"], "finished", "{how}");
        let client = people.iter().map(|who| &who.client);
        let mut by = BTreeMap::new();
        for client in client {
            let history = dana.get(&format!("/api/clients/{client}/history")).await.expect(200);
            let events = history["events"].as_array().expect("a list").clone();
            let event = events.iter().find(|e| e["action"] == "invitation-resent").expect("one");
            *by.entry(text(&event["actor"]["name"])).or_insert(0) += 1;
        }
        assert_eq!(by, BTreeMap::from([("Dana".to_owned(), 6), ("Felix".to_owned(), 14)]));
    }
}

#[tokio::test]
async fn progress_holds_ids_alone_and_names_come_with_an_event() {
    let world = World::new().await;
    let dana = world.dana().await;
    let people = invited(&dana, 1).await;
    let prepared = resend(&dana, &people).await;
    let job = id(&prepared);
    start(&dana, &job).await.expect(200);
    world.deliver().await;
    let events = world.events().await;
    let done = progress(&dana, &job).await;
    assert!(!done.to_string().contains("Okafor") && !done.to_string().contains('@'));
    assert_eq!(world.events().await, events, "how far it is is nobody's secret");
    let named = dana.get(&format!("{PATH}/{job}/rows")).await.expect(200);
    assert_eq!((&named["rows"], &named["action"]), (&prepared["rows"], &json!("resend")));
    let now = world.events().await;
    let new: Vec<_> = now.iter().filter(|(key, _)| !events.contains_key(*key)).collect();
    assert_eq!(new.len(), 1);
    assert!(new[0].1.contains("\"bulk-shown\""));
}

#[tokio::test]
async fn to_ask_how_far_a_job_is_keeps_no_session_alive() {
    let world = World::new().await;
    let dana = world.dana().await;
    let people = invited(&dana, 1).await;
    let job = id(&resend(&dana, &people).await);
    let path = format!("{PATH}/{job}");
    world.pass(29 * 60);
    dana.get(&path).await.expect(200);
    world.pass(60);
    dana.get(&path).await.problem(401, "signed_out");
}

#[tokio::test]
async fn another_practices_job_is_not_found() {
    let world = World::new().await;
    let dana = world.dana().await;
    let cora = world.staff("cove", "Cora", Role::Admin).await;
    let people = invited(&dana, 1).await;
    let job = id(&resend(&dana, &people).await);
    let before = world.items_but_sessions().await;
    for id in [&*job, NOBODY, "x"] {
        cora.get(&format!("{PATH}/{id}")).await.problem(404, "not_found");
        cora.get(&format!("{PATH}/{id}/rows")).await.problem(404, "not_found");
        start(&cora, id).await.problem(404, "not_found");
        stop(&cora, id).await.problem(404, "not_found");
    }
    assert_eq!(world.items_but_sessions().await, before);
}

// ---- Workers that die, and that meet ----

/// A job of a few rows that is started, and its step.
struct Stage {
    world: World,
    dana: Staff,
    people: Vec<Invited>,
    job: String,
    records: Vec<aws_lambda_events::event::dynamodb::EventRecord>,
    before: api_tests::wire::Snapshot,
    /// How many rows were behind the job when what happened beside it was answered.
    then: Cell<Option<u64>>,
}

async fn stage(action: &str, rows: usize) -> Stage {
    let world = World::new().await;
    let dana = world.dana().await;
    let (people, body) = if action == "invite" {
        let ids = clients(&dana, rows).await;
        (Vec::new(), json!({"action": action, "clientIds": ids}))
    } else {
        let people = invited(&dana, rows).await;
        let body = json!({"action": action, "portalUserIds": users(&people)});
        (people, body)
    };
    world.forget_mails().await;
    let job = id(&prepare(&dana, &body).await);
    let _ = world.records();
    let confirm = json!({"confirm": "revoke"});
    dana.post(&format!("{PATH}/{job}/start"), &confirm).await.expect(200);
    let records = world.records();
    let before = world.snapshot().await;
    Stage { world, dana, people, job, records, before, then: Cell::new(None) }
}

impl Stage {
    async fn back(&self) {
        self.world.wire.forget();
        self.world.wire.let_go();
        let now = self.world.snapshot().await;
        self.world.put_back(&now, &self.before).await;
        let _ = self.world.records();
    }

    /// How many rows are behind the job, as it is stored.
    async fn done(&self) -> u64 {
        let items = self.world.items().await;
        let job = items.iter().find(|(key, _)| key.ends_with(&format!("#G#{} BULK", self.job)));
        let job: Value = serde_json::from_str(job.expect("the job").1).expect("JSON");
        job["done"].as_u64().expect("a count")
    }

    /// How many events of the rows there are, for each chart.
    async fn made(&self, action: &str) -> Vec<usize> {
        let event = match action {
            "invite" => "\"portal-user-added\"",
            "resend" => "\"invitation-resent\"",
            _ => "\"access-revoked\"",
        };
        let mut made: BTreeMap<String, usize> = BTreeMap::new();
        for (key, value) in self.world.changes().await {
            if value.contains(event) {
                let chart = key.split(' ').next().expect("a partition").to_owned();
                *made.entry(chart).or_default() += 1;
            }
        }
        made.into_values().collect()
    }

    async fn is_finished(&self) -> bool {
        let done = progress(&self.dana, &self.job).await;
        let all = outcomes(&done).into_values().all(|outcome| outcome == "done");
        done["state"] == "finished" && done["done"] == done["total"] && all
    }
}

/// Strikes the worker at each of its requests for good, before it arrives or after, and has the stream bring the
/// step again.
async fn every_death(action: &str) {
    let stage = stage(action, 2).await;
    let world = &stage.world;
    world.wire.forget();
    world.redeliver(stage.records.clone()).await;
    let requests = world.wire.seen();
    assert_eq!(requests.iter().filter(|request| *request == "TransactWriteItems").count(), 3);
    for (position, request) in requests.iter().enumerate() {
        let passed = requests[..position].iter().filter(|r| *r == request).count();
        for fault in [Fault::Error, Fault::LostAnswer] {
            if fault == Fault::LostAnswer && request != "TransactWriteItems" {
                continue;
            }
            let what = format!("{fault:?} at {request} {passed}");
            stage.back().await;
            world.wire.break_after(request, passed, fault, usize::MAX);
            let wanted = world.redeliver(stage.records.clone()).await;
            assert_eq!(wanted, 1, "{what}: it is wanted again");
            world.wire.forget();
            settle(&stage).await;
            assert!(stage.is_finished().await, "{what}");
            assert_eq!(stage.made(action).await, [1, 1], "{what}: each row once");
            assert_eq!(steps(&world.items().await), 0, "{what}");
        }
    }
}

#[tokio::test]
async fn a_worker_that_dies_while_it_invites_makes_no_row_twice_and_loses_none() {
    every_death("invite").await;
}

#[tokio::test]
async fn a_worker_that_dies_while_it_sends_again_makes_no_row_twice_and_loses_none() {
    every_death("resend").await;
}

#[tokio::test]
async fn a_worker_that_dies_while_it_revokes_makes_no_row_twice_and_loses_none() {
    every_death("revoke").await;
}

/// What somebody does to the first row's chart meanwhile.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Meanwhile {
    Resend,
    Revoke,
    Delete,
    Enrol,
    Close,
    Stop,
    Remove,
    Worker,
}

/// Lets something happen beside a worker: it reads at every moment of the worker's, and writes at every later one.
async fn beside(rows: usize, what: Meanwhile, judge: impl AsyncFn(&Stage, &Answer, &str)) -> usize {
    let stage = stage("resend", rows).await;
    let world = &stage.world;
    let felix = world.staff("harbor", "Felix", Role::Admin).await;
    let stage = Stage { before: world.snapshot().await, ..stage };
    let world = &stage.world;
    let perform = async || {
        let first = &stage.people[0];
        match what {
            Meanwhile::Resend => felix.resend(first).await,
            Meanwhile::Revoke => felix.revoke(first).await,
            Meanwhile::Delete => felix.delete(first, "confirm=delete").await,
            Meanwhile::Enrol => world.enroll(&first.token, "Okafor", "1984-03-12", PASSWORD).await,
            Meanwhile::Close => felix.close(&first.client, &json!({"reason": "left"})).await,
            Meanwhile::Stop => stop(&felix, &stage.job).await,
            Meanwhile::Remove => {
                let path = format!("/api/staff/{}", stage.dana.id);
                felix.send(Call::new("DELETE", &path)).await
            }
            Meanwhile::Worker => {
                world.redeliver(stage.records.clone()).await;
                felix.get(PATH).await
            }
        }
    };
    let mut orders = 0;
    let (mut reads_at, mut writes_at) = (0, 0);
    loop {
        let order = format!("{what:?}: reads at {reads_at}, writes at {writes_at}");
        world.wire.hold_marked();
        let mut operations = Operations::on(&world.wire);
        operations.add(async { Err(world.redeliver(stage.records.clone()).await) });
        operations.add(async { Ok(perform().await) });
        let mut turn = 0;
        stage.then.set(None);
        loop {
            operations.settle().await;
            if stage.then.get().is_none() && operations.answer(1).is_some() {
                stage.then.set(Some(stage.done().await));
            }
            let waiting =
                world.wire.look(|held| (held.mark.expect("a mark"), held.operation.clone()));
            if waiting.is_empty() {
                break;
            }
            let other = waiting.iter().position(|(mark, _)| *mark == 1);
            let write = other.is_some_and(|at| waiting[at].1 == "TransactWriteItems");
            let due = if write { writes_at } else { reads_at };
            let worker = waiting.iter().position(|(mark, _)| *mark == 0);
            let at = match (worker, other) {
                (Some(_), Some(other)) if turn >= due => other,
                (Some(worker), _) => {
                    turn += 1;
                    worker
                }
                (None, other) => other.expect("something waits"),
            };
            world.wire.take(at).expect("it waits").release();
        }
        world.wire.let_go();
        let answer = operations.answer(1).expect("an answer").clone().expect("of the other");
        drop(operations);
        judge(&stage, &answer, &order).await;
        stage.back().await;
        orders += 1;
        // Past the worker's last request there is nothing new.
        if writes_at < turn {
            writes_at += 1;
        } else if reads_at < turn {
            reads_at += 1;
            writes_at = reads_at;
        } else {
            return orders;
        }
    }
}

/// Afterwards the stream brings everything again.
async fn settle(stage: &Stage) {
    stage.world.redeliver(stage.records.clone()).await;
    stage.world.deliver().await;
}

#[tokio::test]
async fn a_row_and_a_single_change_of_the_same_chart_take_turns() {
    let mut seen = BTreeSet::new();
    for what in [Meanwhile::Revoke, Meanwhile::Delete, Meanwhile::Enrol, Meanwhile::Close] {
        let seen = RefCell::new(&mut seen);
        beside(1, what, async |stage: &Stage, answer: &Answer, order: &str| {
            settle(stage).await;
            let done = progress(&stage.dana, &stage.job).await;
            assert_eq!((&done["state"], &done["done"]), (&json!("finished"), &json!(1)), "{order}");
            let said = outcomes(&done)[&stage.people[0].client].clone();
            let after = match what {
                Meanwhile::Revoke => "revoked",
                Meanwhile::Delete => "not-found",
                Meanwhile::Enrol => "has-access",
                _ => "closed",
            };
            assert!(said == "done" || said == after, "{order}: {said}");
            // Only an invitation that is replaced meanwhile is in the way of who holds it.
            let good = answer.status.is_success() || what == Meanwhile::Enrol && said == "done";
            assert!(good, "{order}: {}", answer.body);
            let made = stage.made("resend").await;
            assert_eq!(made.iter().sum::<usize>(), usize::from(said == "done"), "{order}");
            seen.borrow_mut().insert(said);
        })
        .await;
    }
    let all = ["closed", "done", "has-access", "not-found", "revoked"];
    assert_eq!(seen.iter().map(String::as_str).collect::<Vec<_>>(), all);
}

#[tokio::test]
async fn a_row_and_a_single_invitation_are_both_sent() {
    beside(1, Meanwhile::Resend, async |stage: &Stage, answer: &Answer, order: &str| {
        assert_eq!(answer.status.as_u16(), 202, "{order}");
        settle(stage).await;
        assert!(stage.is_finished().await, "{order}");
        assert_eq!(stage.made("resend").await, [2], "{order}");
    })
    .await;
}

#[tokio::test]
async fn nothing_is_changed_after_a_stop_was_answered() {
    beside(2, Meanwhile::Stop, async |stage: &Stage, answer: &Answer, order: &str| {
        let done = answer.body["done"].as_u64().expect("a count");
        settle(stage).await;
        let now = progress(&stage.dana, &stage.job).await;
        assert_eq!(now["done"].as_u64(), Some(done), "{order}");
        let all = if done == 2 { ["finished", "stopped"] } else { ["stopped", "stopped"] };
        assert!(all.iter().any(|state| now["state"] == *state), "{order}: {now}");
        let made = stage.made("resend").await.len() as u64;
        assert_eq!(made, done, "{order}");
    })
    .await;
}

#[tokio::test]
async fn nothing_is_changed_with_rights_that_were_taken_away() {
    let orders =
        beside(2, Meanwhile::Remove, async |stage: &Stage, answer: &Answer, order: &str| {
            assert_eq!(answer.status.as_u16(), 204, "{order}");
            settle(stage).await;
            let felix = stage.world.staff("harbor", "Felix", Role::Admin).await;
            let now = progress(&felix, &stage.job).await;
            let done = now["done"].as_u64().expect("a count");
            let state = if done == 2 { "finished" } else { "stopped" };
            assert_eq!(now["state"], state, "{order}");
            assert_eq!(stage.then.get(), Some(done), "{order}: no row after the answer");
            if done < 2 {
                assert_eq!(now["stopped"], "rights", "{order}");
            }
        })
        .await;
    assert!(orders > 50);
}

#[tokio::test]
async fn a_stop_gets_through_however_fast_rows_are_made() {
    let stage = stage("resend", 14).await;
    let world = &stage.world;
    world.wire.hold_marked();
    let mut operations = Operations::on(&world.wire);
    operations.add(async { Err(world.redeliver(stage.records.clone()).await) });
    operations.add(async { Ok(stop(&stage.dana, &stage.job).await) });
    let mut writes = 0;
    loop {
        operations.settle().await;
        if operations.answer(1).is_some() {
            break;
        }
        let held = |of: usize| {
            let held = world.wire.look(|held| (held.mark.expect("a mark"), held.operation.clone()));
            let at = held.iter().position(|(mark, _)| *mark == of)?;
            Some((at, held[at].1.clone()))
        };
        let (at, operation) = held(1).expect("the stop waits for something");
        if operation == "TransactWriteItems" {
            // Another row is made before each of its attempts.
            writes += 1;
            loop {
                let (at, operation) = held(0).expect("the worker has rows left");
                world.wire.take(at).expect("it waits").release();
                operations.settle().await;
                if operation == "TransactWriteItems" {
                    break;
                }
            }
        }
        let at = held(1).map_or(at, |(at, _)| at);
        world.wire.take(at).expect("it waits").release();
    }
    let stopped = operations.answer(1).expect("an answer").clone().expect("of staff");
    assert_eq!(stopped.status.as_u16(), 200, "{}", stopped.body);
    assert_eq!((&stopped.body["state"], &stopped.body["done"]), (&json!("stopped"), &json!(1)));
    assert_eq!(writes, 1, "at the first attempt");
    world.wire.let_go();
    drop(operations);
    settle(&stage).await;
    assert_eq!(progress(&stage.dana, &stage.job).await["done"], 1);
}

#[tokio::test]
async fn a_row_that_cannot_be_made_keeps_the_others_waiting_for_four_minutes() {
    let stage = stage("revoke", 3).await;
    let world = &stage.world;
    // What no rule allows for: the second person's account is gone.
    let mut change = world.app.store().change();
    let of = |(key, value): &(&String, &String)| {
        key.starts_with("P#harbor#A#") && value.contains(&stage.people[1].email)
    };
    for (key, _) in world.items().await.iter().filter(of) {
        let (pk, sk) = key.split_once(' ').expect("a key");
        change.discard(&Key { pk: pk.into(), sk: sk.into() });
    }
    world.app.store().write(change).await.expect("written");
    for seconds in [0, 1, 238] {
        world.pass(seconds);
        assert_eq!(world.redeliver(stage.records.clone()).await, 1, "it is wanted again");
        assert_eq!(stage.done().await, 1);
    }
    world.pass(1);
    assert_eq!(world.redeliver(stage.records.clone()).await, 0);
    world.deliver().await;
    let done = progress(&stage.dana, &stage.job).await;
    assert_eq!((&done["state"], &done["done"]), (&json!("finished"), &json!(3)));
    let of = outcomes(&done);
    let said = stage.people.iter().map(|who| &*of[&who.client]).collect::<Vec<_>>();
    assert_eq!(said, ["done", "refused", "done"]);
    let told = world.events().await.into_iter().filter(|(key, value)| {
        key.contains(&stage.people[1].client) && value.contains("\"refused\"")
    });
    assert_eq!(told.count(), 1, "the history tells it");
    // It was only this row's.
    let items = world.items().await;
    assert_eq!(steps(&items), 0);
}

#[tokio::test]
async fn whether_a_new_account_is_the_same_person_is_left_to_staff() {
    let world = World::new().await;
    let dana = world.dana().await;
    let right = client(&dana, "Right", &json!({})).await;
    let job = id(&prepare(&dana, &json!({"action": "invite", "clientIds": [right]})).await);
    // Since then the same client was entered once more, invited there, and that chart closed.
    let wrong = client(&dana, "Wrong", &json!({})).await;
    let body = json!({
        "name": {"first": "Right", "last": "Okafor"}, "email": "right@mail.example",
        "relationship": "self", "permissions": ["basic"],
    });
    dana.post(&format!("/api/clients/{wrong}/portal-users"), &body).await.expect(201);
    let reason = json!({"reason": "duplicate", "duplicateOf": right});
    dana.close(&wrong, &reason).await.expect(200);
    start(&dana, &job).await.expect(200);
    world.deliver().await;
    let done = progress(&dana, &job).await;
    assert_eq!(outcomes(&done)[&right], "address-in-use", "{done}");
    let users = dana.get(&format!("/api/clients/{right}/portal-users")).await.expect(200);
    assert_eq!(users["portalUsers"], json!([]));
}

#[tokio::test]
async fn two_requests_with_one_key_at_once_make_one_job() {
    let world = World::new().await;
    let dana = world.dana().await;
    let good = client(&dana, "Good", &json!({})).await;
    let body = json!({"action": "invite", "clientIds": [good]});
    let call = || Call::new("POST", PATH).json(&body).header("idempotency-key", "k");
    world.wire.hold_marked();
    let mut operations = Operations::on(&world.wire);
    operations.add(dana.send(call()));
    operations.add(dana.send(call()));
    let mut writes = 0;
    loop {
        operations.settle().await;
        let held = world.wire.look(|held| held.operation.clone());
        // Both have read that nothing was done before either writes.
        let Some(at) =
            held.iter().position(|o| o != "TransactWriteItems").or(held.len().checked_sub(1))
        else {
            break;
        };
        writes += usize::from(held[at] == "TransactWriteItems");
        world.wire.take(at).expect("it waits").release();
    }
    let answers = [0, 1].map(|n| operations.answer(n).expect("an answer").clone().expect(201));
    world.wire.let_go();
    drop(operations);
    assert_eq!(answers[0], answers[1]);
    assert!(writes >= 2, "both have written");
    let jobs = world.items().await.into_keys().filter(|key| key.ends_with(" BULK")).count();
    assert_eq!(jobs, 1);
}

#[tokio::test]
async fn a_job_that_is_soon_forgotten_is_not_started_and_a_forgotten_one_is_not_there() {
    const DAY: i64 = 24 * 60 * 60;
    let world = World::new().await;
    let dana = world.dana().await;
    let good = client(&dana, "Good", &json!({})).await;
    let job = id(&prepare(&dana, &json!({"action": "invite", "clientIds": [good]})).await);
    world.pass(28 * DAY - 1);
    let other = world.dana().await;
    let body = json!({"action": "invite", "clientIds": [good]});
    let later = id(&prepare(&other, &body).await);
    start(&other, &job).await.expect(200);
    stop(&other, &job).await.expect(200);
    world.pass(1);
    let before = world.items_but_sessions().await;
    start(&other, &job).await.problem(409, "bulk_expired");
    assert_eq!(world.items_but_sessions().await, before, "nothing is written");
    assert_eq!(progress(&other, &job).await["state"], "stopped", "its result is there");
    start(&other, &later).await.expect(200);
    world.pass(2 * DAY);
    let dana = world.dana().await;
    dana.get(&format!("{PATH}/{job}")).await.problem(404, "not_found");
    start(&dana, &job).await.problem(404, "not_found");
    stop(&dana, &job).await.problem(404, "not_found");
}

#[tokio::test]
async fn two_workers_on_one_step_make_each_row_once() {
    beside(2, Meanwhile::Worker, async |stage: &Stage, _: &Answer, order: &str| {
        settle(stage).await;
        assert!(stage.is_finished().await, "{order}");
        assert_eq!(stage.made("resend").await, [1, 1], "{order}");
        assert_eq!(steps(&stage.world.items().await), 0, "{order}");
    })
    .await;
}
