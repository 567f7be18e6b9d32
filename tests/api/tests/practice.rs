//! The settings of a practice: who changes them, what is taken, what counts from when; and the end of all
//! sessions.

use api_tests::{
    Answer, Call, PASSWORD, World,
    apps::Room,
    people::{Staff, text},
    programs::system,
};
use serde_json::{Value, json};
use shared::history::Role;

const SETTINGS: &str = "/api/practice";

async fn settings(dana: &Staff) -> Value {
    dana.get(SETTINGS).await.expect(200)
}

/// Changes settings of the version that is there.
async fn set(dana: &Staff, changes: &Value) -> Answer {
    let mut body = changes.clone();
    body["version"] = settings(dana).await["version"].clone();
    dana.patch(SETTINGS, &body).await
}

async fn end_all(staff: &Staff) -> Answer {
    staff.post("/api/practice/end-sessions", &json!({"confirm": "end"})).await
}

/// Events of the practice itself with this action.
async fn told(world: &World, action: &str) -> Vec<Value> {
    let events = world.events().await.into_values();
    let events = events.map(|event| serde_json::from_str::<Value>(&event).expect("JSON"));
    events.filter(|event| event["action"] == action).collect()
}

#[tokio::test]
async fn a_practice_shows_its_settings_and_changes_those_that_are_named() {
    let world = World::new().await;
    let dana = world.dana().await;
    let before = settings(&dana).await;
    assert_eq!(
        before,
        json!({
            "name": "Harbor Practice", "senderName": "Harbor Practice",
            "alertInbox": "alerts@harbor.example", "language": "en", "timeZone": "UTC",
            "country": "US", "invitationDays": 7, "clientIdleSeconds": 600,
            "clientSessionSeconds": 3600, "staffIdleSeconds": 1800,
            "staffSessionSeconds": 43200, "passwordMinimum": 15, "secondFactor": "off",
            "guardianRules": [],
            "version": 1,
        })
    );
    assert_eq!(told(&world, "practice-shown").await.len(), 1);
    let body = json!({
        "version": 1, "name": " Harbor Counseling ", "senderName": "Harbor", "language": "fr",
        "alertInbox": "desk@harbor.example", "timeZone": "europe/paris", "country": "fr",
        "invitationDays": 3, "clientIdleSeconds": 300, "clientSessionSeconds": 1800,
        "staffIdleSeconds": 900, "staffSessionSeconds": 28800, "passwordMinimum": 20,
        "secondFactor": "off", "guardianRules": [{"fromAge": 16, "allows": "none"}],
    });
    let after = dana.patch(SETTINGS, &body).await.expect(200);
    assert_eq!(
        after,
        json!({
            "name": "Harbor Counseling", "senderName": "Harbor",
            "alertInbox": "desk@harbor.example", "language": "fr", "timeZone": "Europe/Paris",
            "country": "FR", "invitationDays": 3, "clientIdleSeconds": 300,
            "clientSessionSeconds": 1800, "staffIdleSeconds": 900, "staffSessionSeconds": 28800,
            "passwordMinimum": 20, "secondFactor": "off",
            "guardianRules": [{"fromAge": 16, "allows": "none"}], "version": 2,
        })
    );
    assert_eq!(settings(&dana).await, after);
    let [event] = &told(&world, "practice-updated").await[..] else { panic!("one event") };
    assert_eq!(
        event["changed"],
        json!([
            "name",
            "senderName",
            "alertInbox",
            "language",
            "timeZone",
            "country",
            "invitationDays",
            "clientIdleSeconds",
            "clientSessionSeconds",
            "staffIdleSeconds",
            "staffSessionSeconds",
            "passwordMinimum",
            "guardianRules",
        ])
    );
    assert!(!event.to_string().contains("desk@"), "no values: {event}");
    // What is written beside the settings stays, and the other practice is as it was.
    let casey = world.staff("cove", "Casey", Role::Admin).await;
    assert_eq!(settings(&casey).await["name"], "Cove Clinic");
}

#[tokio::test]
async fn a_change_that_changes_nothing_is_shown_and_one_of_an_old_version_is_refused() {
    let world = World::new().await;
    let dana = world.dana().await;
    set(&dana, &json!({"invitationDays": 3})).await.expect(200);
    let before = world.items_but_sessions().await;
    let same = dana.patch(SETTINGS, &json!({"version": 1, "invitationDays": 3})).await.expect(200);
    assert_eq!(same["version"], 2);
    assert_eq!(told(&world, "practice-shown").await.len(), 2);
    for version in [1, 3] {
        let body = json!({"version": version, "invitationDays": 4});
        dana.patch(SETTINGS, &body).await.problem(409, "stale");
    }
    assert_eq!(world.items_but_sessions().await, before);
    assert_eq!(told(&world, "practice-updated").await.len(), 1);
    assert_eq!(told(&world, "refused").await.len(), 2);
}

#[tokio::test]
async fn what_cannot_be_set_names_the_field_and_what_would_be_right() {
    let world = World::new().await;
    let dana = world.dana().await;
    let before = world.items_but_sessions().await;
    for (field, wrong, status, right) in [
        ("name", json!(""), 400, "Enter something"),
        ("name", json!("x".repeat(101)), 400, "at most 100"),
        ("name", json!("harbor.example"), 422, "make a link"),
        ("senderName", json!("Call 0900 123456"), 422, "make a link"),
        ("senderName", json!("desk@harbor"), 422, "make a link"),
        ("alertInbox", json!("desk"), 400, "name@example.com"),
        ("language", json!("de"), 400, "en, es, fr"),
        ("timeZone", json!("Maine"), 422, "America/New_York"),
        ("timeZone", json!("+02:00"), 422, "America/New_York"),
        ("timeZone", json!("Etc/Unknown"), 422, "America/New_York"),
        ("country", json!("usa"), 422, "US, ES or FR"),
        ("country", json!("XX"), 422, "US, ES or FR"),
        ("invitationDays", json!(0), 400, "1 to 30"),
        ("invitationDays", json!(31), 400, "1 to 30"),
        ("clientIdleSeconds", json!(59), 400, "60 to 3600"),
        ("clientIdleSeconds", json!(3601), 400, "60 to 3600"),
        ("clientSessionSeconds", json!(299), 400, "300 to 86400"),
        ("clientSessionSeconds", json!(86401), 400, "300 to 86400"),
        ("staffIdleSeconds", json!(59), 400, "60 to 14400"),
        ("staffIdleSeconds", json!(14401), 400, "60 to 14400"),
        ("staffSessionSeconds", json!(299), 400, "300 to 86400"),
        ("staffSessionSeconds", json!(9_007_199_254_740_991_u64), 400, "300 to 86400"),
        ("passwordMinimum", json!(7), 400, "15 to 64"),
        ("passwordMinimum", json!(65), 400, "15 to 64"),
        ("passwordMinimum", json!(14), 422, "second factor"),
        ("secondFactor", json!("on"), 400, "off, offered, required"),
        ("sessionsFrom", json!("2026-01-01T00:00:00.000Z"), 400, ""),
        ("portalAddress", json!("https://evil.example"), 400, ""),
    ] {
        let answer = dana.patch(SETTINGS, &json!({"version": 1, field: wrong})).await;
        let problem = answer.expect(status);
        assert_eq!(problem["fields"][0]["field"], field, "{problem}");
        let message = text(&problem["fields"][0]["message"]);
        assert!(message.contains(right), "{field}: {message}");
    }
    // The idle end is within the other end, whichever is changed.
    let body = json!({"version": 1, "clientSessionSeconds": 599});
    let problem = dana.patch(SETTINGS, &body).await.problem(422, "longer_than_session");
    assert_eq!(problem["fields"][0]["field"], "clientIdleSeconds");
    let body = json!({"version": 1, "staffIdleSeconds": 7201, "staffSessionSeconds": 7200});
    let problem = dana.patch(SETTINGS, &body).await.problem(422, "longer_than_session");
    assert_eq!(problem["fields"][0]["field"], "staffIdleSeconds");
    assert_eq!(world.items_but_sessions().await, before);
    assert!(told(&world, "practice-updated").await.is_empty());
}

#[tokio::test]
async fn what_was_set_before_by_other_means_does_not_hold_up_another_change() {
    let world = World::new().await;
    let odd = |p: &mut shared::practice::Practice| {
        (p.password_minimum, p.client_idle_seconds, p.client_session_seconds) = (8, 7200, 3600);
    };
    world.practice("harbor", "Harbor Practice", odd).await;
    let dana = world.dana().await;
    let after = set(&dana, &json!({"language": "es"})).await.expect(200);
    assert_eq!((&after["language"], &after["passwordMinimum"]), (&json!("es"), &json!(8)));
}

#[tokio::test]
async fn settings_of_an_earlier_version_are_the_first_and_change_once() {
    let world = World::new().await;
    let dana = world.dana().await;
    let harbor = shared::id::PracticeId::parse("harbor").expect("a practice");
    let key = shared::keys::practice(&harbor);
    let update = shared::store::Update::of(key).unset("version").unset("secondFactor");
    world.app.store().update::<Value>(update).await.expect("written").expect("it");
    assert_eq!(settings(&dana).await["version"], 1);
    dana.patch(SETTINGS, &json!({"version": 1, "invitationDays": 3})).await.expect(200);
    let late = json!({"version": 1, "invitationDays": 4});
    dana.patch(SETTINGS, &late).await.problem(409, "stale");
}

#[tokio::test]
async fn a_setting_counts_from_the_next_request_on() {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = dana.client("Amara", "Okafor", "1984-03-12").await;
    let changes = json!({
        "name": "Hafen", "senderName": "Hafen Post", "language": "fr", "invitationDays": 2,
        "timeZone": "America/New_York", "passwordMinimum": 24,
    });
    set(&dana, &changes).await.expect(200);
    let invited = dana.invite(&client, "pat@mail.example").await;
    let mail = world.post.newest("pat@mail.example");
    assert!(mail.from.contains("Hafen Post"), "{}", mail.from);
    assert!(
        mail.subject.contains("Hafen") && mail.subject.starts_with("Votre"),
        "{}",
        mail.subject
    );
    let user = dana.user(&invited).await;
    let (sent, ends) =
        (text(&user["invitation"]["sentAt"]), text(&user["invitation"]["expiresAt"]));
    assert_eq!((&sent[..10], &ends[..10]), ("2026-11-22", "2026-11-24"));
    let short = "seven quiet kettles hum";
    let refused = world.enroll(&invited.token, "Okafor", "1984-03-12", short).await;
    assert!(refused.problem(422, "too_short").to_string().contains("24"));
}

#[tokio::test]
async fn a_shorter_idle_end_counts_for_open_sessions_of_staff() {
    let world = World::new().await;
    let dana = world.dana().await;
    let (gone, busy) = (
        world.staff("harbor", "Felix", Role::Staff).await,
        world.staff("harbor", "Uma", Role::Staff).await,
    );
    let who = async |staff: &Staff| staff.get("/api/staff/session").await;
    world.pass(4 * 60);
    who(&busy).await.expect(200);
    set(&dana, &json!({"staffIdleSeconds": 300})).await.expect(200);
    world.pass(60);
    // Unused for five minutes, though it was told thirty; and it stays over.
    for _ in 0..2 {
        who(&gone).await.problem(401, "signed_out");
    }
    let session = who(&busy).await.expect(200);
    assert_eq!(session["expiresAt"], "2026-11-22T14:10:00.000Z");
    // In use it goes on.
    for _ in 0..5 {
        world.pass(299);
        who(&busy).await.expect(200);
    }
    world.pass(300);
    who(&busy).await.problem(401, "signed_out");
}

#[tokio::test]
async fn a_shorter_end_counts_for_open_sessions_and_a_longer_one_from_the_next_use_on() {
    let world = World::new().await;
    let dana = world.dana().await;
    let felix = world.staff("harbor", "Felix", Role::Staff).await;
    world.pass(20 * 60);
    dana.get("/api/staff/session").await.expect(200);
    let session = felix.get("/api/staff/session").await.expect(200);
    assert_eq!(session["endsAt"], "2026-11-23T02:00:00.000Z");
    set(&dana, &json!({"staffSessionSeconds": 1800})).await.expect(200);
    let session = felix.get("/api/staff/session").await.expect(200);
    assert_eq!(session["endsAt"], "2026-11-22T14:30:00.000Z");
    assert_eq!(session["expiresAt"], session["endsAt"]);
    // As long as it was told, and no longer.
    set(&dana, &json!({"staffSessionSeconds": 86400})).await.expect(200);
    let session = felix.get("/api/staff/session").await.expect(200);
    assert_eq!(session["endsAt"], "2026-11-23T02:00:00.000Z");
    set(&dana, &json!({"staffSessionSeconds": 1800})).await.expect(200);
    world.pass(10 * 60);
    for staff in [&felix, &dana] {
        staff.get("/api/staff/session").await.problem(401, "signed_out");
    }
}

#[tokio::test]
async fn shorter_ends_count_for_open_sessions_of_clients_and_for_apps_in_them() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = dana.enrolled().await;
    let room = dana.register(&json!({})).await;
    let fresh = async || world.signed_in(&who.email, PASSWORD).await;
    let (idle, busy) = (fresh().await, fresh().await);
    let token = world.token(&busy, &room).await;
    let active = async |room: &Room| world.introspect(room, &token).await["active"].clone();
    world.pass(100);
    world.session(&busy).await.expect(200);
    set(&dana, &json!({"clientIdleSeconds": 120})).await.expect(200);
    world.pass(20);
    world.session(&idle).await.problem(401, "signed_out");
    let session = world.session(&busy).await.expect(200);
    assert_eq!(session["expiresAt"], "2026-11-22T14:04:00.000Z");
    // It goes on in use, an app's questions among them.
    for _ in 0..3 {
        world.pass(100);
        assert_eq!(active(&room).await, true);
    }
    world.session(&busy).await.expect(200);
    set(&dana, &json!({"clientSessionSeconds": 500})).await.expect(200);
    let session = world.session(&busy).await.expect(200);
    assert_eq!(session["endsAt"], "2026-11-22T14:08:20.000Z");
    world.pass(80);
    assert_eq!(active(&room).await, false);
    world.session(&busy).await.problem(401, "signed_out");
}

#[tokio::test]
async fn all_sessions_of_a_practice_end_at_once_and_those_of_others_go_on() {
    let world = World::new().await;
    let dana = world.dana().await;
    let felix = world.staff("harbor", "Felix", Role::Staff).await;
    let casey = world.staff("cove", "Casey", Role::Admin).await;
    let who = dana.enrolled().await;
    let cookie = world.signed_in(&who.email, PASSWORD).await;
    let program = dana.program(&system(&["clients"])).await;
    let by_system = async |token: &str| {
        let call = Call::new("POST", "/api/clients/search").json(&json!({"query": "amara"}));
        world.send(call.header("authorization", &format!("Bearer {token}"))).await
    };
    by_system(&program.token).await.expect(200);
    for (word, code) in [("", "not_confirmed"), ("delete", "not_confirmed")] {
        let answer = dana.post("/api/practice/end-sessions", &json!({"confirm": word})).await;
        let problem = answer.problem(422, code);
        assert_eq!(problem["fields"][0]["field"], "confirm");
    }
    dana.get("/api/staff/session").await.expect(200);
    world.pass(1);
    let call = Call::new("POST", "/api/practice/end-sessions").json(&json!({"confirm": " END "}));
    let ended = dana.send(call).await.expect(200);
    assert_eq!(ended, json!({"sessionsFrom": "2026-11-22T14:00:01.000Z"}));
    for staff in [&dana, &felix] {
        staff.get("/api/staff/session").await.problem(401, "signed_out");
    }
    world.session(&cookie).await.problem(401, "signed_out");
    by_system(&program.token).await.problem(401, "signed_out");
    casey.get("/api/staff/session").await.expect(200);
    let [event] = &told(&world, "sessions-ended").await[..] else { panic!("one event") };
    assert_eq!(event["actor"]["name"], "Dana");
    // Who signs in afterwards stays, and the settings are as they were.
    world.pass(1);
    let dana = world.dana().await;
    assert_eq!(settings(&dana).await["version"], 1);
    world.signed_in(&who.email, PASSWORD).await;
}

#[tokio::test]
async fn a_repeated_end_of_all_sessions_ends_nothing_again() {
    let world = World::new().await;
    let dana = world.dana().await;
    let end = || {
        let call = Call::new("POST", "/api/practice/end-sessions").json(&json!({"confirm": "end"}));
        call.header("idempotency-key", "once")
    };
    world.pass(1);
    let first = dana.send(end()).await.expect(200);
    dana.send(end()).await.problem(401, "signed_out");
    world.pass(1);
    let dana = world.dana().await;
    world.pass(1);
    assert_eq!(dana.send(end()).await.expect(200), first);
    dana.get("/api/staff/session").await.expect(200);
    assert_eq!(told(&world, "sessions-ended").await.len(), 1);
    let new = end_all(&dana).await.expect(200);
    assert_ne!(new, first);
    dana.get("/api/staff/session").await.problem(401, "signed_out");
}

#[tokio::test]
async fn a_session_used_again_and_again_costs_one_read_and_one_write_beside_the_request() {
    let world = World::new().await;
    let dana = world.dana().await;
    world.wire.forget();
    settings(&dana).await;
    assert_eq!(world.wire.seen(), ["BatchGetItem", "PutItem", "UpdateItem"]);
}
