//! Access with a clock: until a day, and by the client's age. What is tried: the last minute and the first one after
//! it, in the practice's zone; open sessions, apps, invitations and resets; what comes back and what does not.

use api_tests::{
    PASSWORD, World,
    people::{Invited, Staff, text},
};
use serde_json::{Value, json};

/// The test's clock begins on 22 November 2026 at 14:00 UTC: 9 in the morning in New York.
const DAY: i64 = 24 * 60 * 60;
const MIDNIGHT: i64 = 15 * 60 * 60;

struct Scene {
    world: World,
    dana: Staff,
    client: String,
    who: Invited,
}

/// A chart of a child born on this day with a parent who is enrolled, in a practice in New York.
async fn scene(born: &str) -> Scene {
    let world = World::new().await;
    let dana = world.dana().await;
    let zone = json!({"version": 1, "timeZone": "America/New_York"});
    dana.patch("/api/practice", &zone).await.expect(200);
    let client = dana.client("Ada", "Okafor", born).await;
    let who = dana.invite(&client, "parent@mail.example").await;
    world.enroll(&who.token, "Okafor", born, PASSWORD).await.expect(201);
    Scene { world, dana, client, who }
}

impl Scene {
    async fn edit(&self, change: Value) -> api_tests::Answer {
        let mut body = change;
        body["version"] = self.user().await["version"].clone();
        self.dana.patch(&self.who.path(), &body).await
    }

    async fn user(&self) -> Value {
        self.dana.user(&self.who).await
    }

    async fn rules(&self, rules: Value) -> api_tests::Answer {
        let version = self.dana.get("/api/practice").await.expect(200)["version"].clone();
        self.dana.patch("/api/practice", &json!({"version": version, "guardianRules": rules})).await
    }

    async fn sign_in(&self) -> api_tests::Answer {
        self.world.sign_in(&self.who.email, PASSWORD).await
    }

    /// Staff's sessions end after half a day: somebody signs in anew.
    async fn later(&mut self, seconds: i64) {
        self.world.pass(seconds);
        self.dana = self.world.dana().await;
    }

    async fn events(&self, action: &str) -> Vec<Value> {
        let events = self.world.events().await.into_values();
        let events = events.map(|event| serde_json::from_str::<Value>(&event).expect("JSON"));
        events.filter(|event| event["action"] == action).collect()
    }
}

#[tokio::test]
async fn access_is_open_through_the_last_day_in_the_practices_zone_and_not_a_second_longer() {
    let scene = scene("2015-01-01").await;
    let user = scene.edit(json!({"until": "2026-11-22", "reviewOn": "2026-11-22"})).await;
    let user = user.expect(200);
    assert_eq!((&user["until"], &user["reviewOn"]), (&json!("2026-11-22"), &json!("2026-11-22")));
    assert_eq!(user["status"], "active");
    let cookie = scene.world.signed_in(&scene.who.email, PASSWORD).await;
    // Midnight in New York is 5 in the morning UTC. It is the 23rd elsewhere long before.
    scene.world.pass(MIDNIGHT - 1);
    let late = scene.world.signed_in(&scene.who.email, PASSWORD).await;
    scene.world.session(&late).await.expect(200);
    scene.world.pass(1);
    scene.world.session(&late).await.problem(401, "signed_out");
    scene.world.session(&cookie).await.problem(401, "signed_out");
    scene.sign_in().await.problem(403, "access_not_active");
}

#[tokio::test]
async fn the_list_says_when_and_why_and_the_history_says_it_once() {
    let mut scene = scene("2015-01-01").await;
    let path = format!("/api/clients/{}/alert-recipient", scene.client);
    scene.dana.put(&path, &json!({"portalUserId": scene.who.user})).await.expect(200);
    scene.edit(json!({"until": "2026-11-23"})).await.expect(200);
    scene.later(MIDNIGHT + DAY + 60).await;
    let user = scene.user().await;
    assert_eq!(user["status"], "revoked");
    assert_eq!(user["ended"], json!({"at": "2026-11-24T05:00:00.000Z", "reason": "until"}));
    assert_eq!(user["receivesAlerts"], false);
    let list = scene.dana.users(&scene.client).await;
    assert_eq!(list["alertRecipient"], Value::Null, "nobody who cannot enter gets the alerts");
    // Signing in finds it out, and the second one finds it written.
    for _ in 0..2 {
        scene.world.deliver().await;
        scene.sign_in().await.problem(403, "access_not_active");
    }
    scene.world.deliver().await;
    let events = scene.events("access-ended").await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["actor"]["role"], "system");
    assert_eq!(events[0]["reason"], "until");
    assert_eq!(scene.user().await["ended"]["at"], "2026-11-24T05:00:00.000Z");
    // And it stands where those without access stand.
    for (view, here) in [("active", 0), ("revoked", 1)] {
        let rows = scene.dana.post("/api/access", &json!({"view": view})).await.expect(200);
        assert_eq!(rows["rows"].as_array().map(Vec::len), Some(here), "{view}");
    }
}

#[tokio::test]
async fn a_day_that_is_over_ends_access_at_once() {
    let scene = scene("2015-01-01").await;
    let cookie = scene.world.signed_in(&scene.who.email, PASSWORD).await;
    scene.world.forgot(&scene.who.email).await.expect(202);
    scene.world.deliver().await;
    let reset = scene.world.post.newest(&scene.who.email).token();
    let user = scene.edit(json!({"until": "2026-11-21"})).await.expect(200);
    assert_eq!(user["status"], "revoked");
    assert_eq!(user["ended"], json!({"at": "2026-11-22T14:00:00.000Z", "reason": "until"}));
    scene.world.session(&cookie).await.problem(401, "signed_out");
    scene.sign_in().await.problem(403, "access_not_active");
    scene.world.choose(&reset, "another nine grey pebbles").await.problem(409, "reset_expired");
    scene.world.forgot(&scene.who.email).await.expect(202);
    assert_eq!(scene.world.deliver().await, 0, "nobody is sent a reset for it");
    assert_eq!(scene.events("access-ended").await.len(), 1);
}

#[tokio::test]
async fn what_a_clock_ended_comes_back_without_its_sessions() {
    for how in ["no date", "a later date", "activate"] {
        let mut scene = scene("2015-01-01").await;
        // The session's own end lies behind.
        scene.edit(json!({"until": "2026-11-22"})).await.expect(200);
        scene.world.pass(MIDNIGHT - 10);
        let cookie = scene.world.signed_in(&scene.who.email, PASSWORD).await;
        scene.later(20).await;
        // Nobody has noticed: neither a request of the session nor one of staff.
        match how {
            "no date" => scene.edit(json!({"until": null})).await.expect(200),
            "a later date" => scene.edit(json!({"until": "2026-12-24"})).await.expect(200),
            _ => scene.dana.activate(&scene.who).await.expect(200),
        };
        let user = scene.user().await;
        assert_eq!(user["status"], "active", "{how}");
        assert_eq!(user["ended"], Value::Null, "{how}");
        scene.world.session(&cookie).await.problem(401, "signed_out");
        let anew = scene.world.signed_in(&scene.who.email, PASSWORD).await;
        scene.world.session(&anew).await.expect(200);
        assert_eq!(scene.events("access-activated").await.len(), 1, "{how}");
        let until = if how == "a later date" { json!("2026-12-24") } else { Value::Null };
        assert_eq!(user["until"], until, "{how}: no day that is over stays");
    }
}

#[tokio::test]
async fn an_invitation_ends_with_the_access_that_it_is_to() {
    let scene = scene("2015-01-01").await;
    let body = json!({
        "name": {"first": "Uncle", "last": "Ray"}, "email": "ray@mail.example",
        "relationship": "other", "permissions": ["basic"], "until": "2026-11-22",
    });
    let path = format!("/api/clients/{}/portal-users", scene.client);
    let past = json!({"until": "2026-11-21"});
    let mut early = body.clone();
    early["until"] = past["until"].clone();
    let before = scene.world.items_but_sessions().await;
    scene.dana.post(&path, &early).await.problem(422, "in_the_past");
    assert_eq!(scene.world.items_but_sessions().await, before, "nothing is written");
    scene.dana.post(&path, &body).await.expect(201);
    scene.world.deliver().await;
    let token = scene.world.post.newest("ray@mail.example").token();
    scene.world.pass(MIDNIGHT);
    let state = scene.world.check(&token).await.expect(200);
    assert_eq!(state["state"], "expired");
    scene
        .world
        .enroll(&token, "Okafor", "2015-01-01", PASSWORD)
        .await
        .problem(409, "invitation_expired");
    // Asking for a password sends no invitation to what is over.
    scene.world.forgot("ray@mail.example").await.expect(202);
    assert_eq!(scene.world.deliver().await, 0);
}

#[tokio::test]
async fn a_birthday_narrows_and_ends_what_parents_may_in_the_practices_zone() {
    // 12 on the 23rd, 18 on the 24th of a year far ahead.
    let mut scene = scene("2014-11-23").await;
    let rules = json!([{"fromAge": 12, "allows": ["basic"]}, {"fromAge": 18, "allows": "none"}]);
    let settings = scene.rules(rules.clone()).await.expect(200);
    assert_eq!(settings["guardianRules"], rules, "they are answered as they were given");
    let cookie = scene.world.signed_in(&scene.who.email, PASSWORD).await;
    let permissions = |session: &Value| session["charts"][0]["permissions"].clone();
    let session = scene.world.session(&cookie).await.expect(200);
    assert_eq!(permissions(&session), json!(["basic", "messaging"]));
    scene.world.pass(MIDNIGHT - 1);
    let cookie = scene.world.signed_in(&scene.who.email, PASSWORD).await;
    let session = scene.world.session(&cookie).await.expect(200);
    assert_eq!(permissions(&session), json!(["basic", "messaging"]), "eleven until midnight");
    scene.world.pass(1);
    let session = scene.world.session(&cookie).await.expect(200);
    assert_eq!(permissions(&session), json!(["basic"]), "an open session, too");
    scene.later(1).await;
    let user = scene.user().await;
    assert_eq!(user["permissions"], json!(["basic"]));
    assert_eq!(user["given"], json!(["basic", "messaging"]));
    assert_eq!(user["status"], "active");
    // Only parents and guardians are meant.
    scene.edit(json!({"relationship": "other"})).await.expect(200);
    assert_eq!(scene.user().await["permissions"], json!(["basic", "messaging"]));
    scene.edit(json!({"relationship": "guardian"})).await.expect(200);
    assert_eq!(scene.user().await["permissions"], json!(["basic"]));
    let narrowed = scene.events("access-narrowed").await;
    assert_eq!(
        narrowed.len(),
        2,
        "once by the birthday, once by becoming a guardian: {narrowed:?}"
    );
    assert_eq!(narrowed[0]["changed"], json!(["permissions"]));
}

#[tokio::test]
async fn a_leap_days_child_is_a_year_older_on_the_first_of_march() {
    let mut scene = scene("2012-02-29").await;
    scene.rules(json!([{"fromAge": 15, "allows": "none"}])).await.expect(200);
    // 28 February 2027, 23:59:59 in New York.
    scene.later(97 * DAY + MIDNIGHT + DAY - 1).await;
    assert_eq!(scene.user().await["status"], "active");
    scene.later(1).await;
    let user = scene.user().await;
    assert_eq!(user["ended"], json!({"at": "2027-03-01T05:00:00.000Z", "reason": "age"}));
    scene.sign_in().await.problem(403, "access_not_active");
}

#[tokio::test]
async fn a_corrected_birth_date_ends_access_and_gives_it_back() {
    let scene = scene("2015-01-01").await;
    scene.rules(json!([{"fromAge": 18, "allows": "none"}])).await.expect(200);
    let cookie = scene.world.signed_in(&scene.who.email, PASSWORD).await;
    let path = format!("/api/clients/{}", scene.client);
    let born = async |day: &str| {
        let version = scene.dana.get(&path).await.expect(200)["version"].clone();
        let edit = json!({"version": version, "dateOfBirth": day});
        scene.dana.patch(&path, &edit).await.expect(200);
        scene.world.deliver().await;
    };
    born("2005-01-01").await;
    assert_eq!(scene.user().await["ended"]["reason"], "age");
    assert_eq!(scene.user().await["ended"]["at"], "2026-11-22T14:00:00.000Z", "from now on");
    scene.world.session(&cookie).await.problem(401, "signed_out");
    scene.dana.activate(&scene.who).await.problem(409, "age_rule");
    born("2015-01-01").await;
    assert_eq!(scene.user().await["status"], "active");
    scene.world.session(&cookie).await.problem(401, "signed_out");
    scene.sign_in().await.expect(200);
}

#[tokio::test]
async fn nobody_is_given_what_their_clients_age_has_ended() {
    let scene = scene("2000-01-01").await;
    scene.rules(json!([{"fromAge": 18, "allows": "none"}])).await.expect(200);
    scene.sign_in().await.problem(403, "access_not_active");
    let mut body = json!({
        "name": {"first": "Ray", "last": "Okafor"}, "email": "ray@mail.example",
        "relationship": "parent", "permissions": ["basic"],
    });
    let path = format!("/api/clients/{}/portal-users", scene.client);
    scene.dana.post(&path, &body).await.problem(409, "age_rule");
    body["relationship"] = json!("other");
    scene.dana.post(&path, &body).await.expect(201);
}

#[tokio::test]
async fn rules_are_refused_by_the_name_of_their_field() {
    let scene = scene("2015-01-01").await;
    for (rules, code) in [
        (json!([{"fromAge": 12, "allows": ["basic"]}, {"fromAge": 12, "allows": "none"}]), 422),
        (json!([{"fromAge": 12, "allows": "none"}, {"fromAge": 14, "allows": ["basic"]}]), 422),
        (json!([{"fromAge": 121, "allows": "none"}]), 400),
        (json!([{"fromAge": -1, "allows": "none"}]), 400),
        (json!([{"fromAge": 12, "allows": "some"}]), 400),
        (json!([{"fromAge": 12, "allows": ["basic", "everything"]}]), 400),
        (json!([{"fromAge": 12}]), 400),
        (json!([{"fromAge": 12, "allows": "none", "more": 1}]), 400),
        (json!((0..11).map(|n| json!({"fromAge": n, "allows": "none"})).collect::<Vec<_>>()), 400),
    ] {
        let answer = scene.rules(rules.clone()).await;
        assert_eq!(answer.status.as_u16(), code, "{rules}: {}", answer.body);
        let field = text(&answer.body["fields"][0]["field"]);
        assert!(field.starts_with("guardianRules"), "{rules}: {field}");
    }
    let empty = scene.rules(json!([{"fromAge": 16, "allows": []}])).await.expect(200);
    assert_eq!(empty["guardianRules"], json!([{"fromAge": 16, "allows": "none"}]));
}

#[tokio::test]
async fn what_ends_within_thirty_days_stands_in_a_list_with_the_reason() {
    let scene = scene("2014-12-01").await;
    scene
        .rules(json!([{"fromAge": 12, "allows": ["basic"]}, {"fromAge": 18, "allows": "none"}]))
        .await
        .expect(200);
    let ending = async || {
        let rows = scene.dana.post("/api/access", &json!({"view": "ending"})).await.expect(200);
        let rows = rows["rows"].as_array().expect("a list").clone();
        rows.into_iter().map(|row| row["portalUser"]["ending"].clone()).collect::<Vec<_>>()
    };
    let narrows = json!({"on": "2026-12-01", "reason": "narrows"});
    assert_eq!(ending().await, std::slice::from_ref(&narrows));
    for (day, expected) in [
        // The nearest counts, and the thirtieth day is within.
        ("2026-11-30", json!({"on": "2026-11-30", "reason": "until"})),
        ("2026-12-22", narrows.clone()),
    ] {
        scene.edit(json!({"until": day})).await.expect(200);
        assert_eq!(ending().await, [expected], "{day}");
    }
    scene.edit(json!({"relationship": "spouse"})).await.expect(200);
    assert_eq!(ending().await, [json!({"on": "2026-12-22", "reason": "until"})]);
    scene.edit(json!({"until": "2026-12-23"})).await.expect(200);
    assert!(ending().await.is_empty(), "thirty-one days ahead");
    scene.edit(json!({"reviewOn": "2026-11-01"})).await.expect(200);
    assert_eq!(ending().await, [json!({"on": "2026-11-01", "reason": "review"})], "it is due");
    let summary = scene.dana.get("/api/access/summary").await.expect(200);
    let views = summary["views"].as_array().expect("a list");
    let count = views.iter().find(|view| view["view"] == "ending").expect("the list");
    assert_eq!(count, &json!({"view": "ending", "count": 1, "more": false}));
    scene.dana.revoke(&scene.who).await.expect(200);
    assert!(ending().await.is_empty(), "what is over ends no more");
}

#[tokio::test]
async fn what_ends_is_listed_by_day_page_by_page() {
    let scene = scene("2015-01-01").await;
    let mut expected = Vec::new();
    for (n, day) in [3, 1, 2, 5, 4].into_iter().enumerate() {
        let client = scene.dana.client("Kay", &format!("Lee{n}"), "2016-02-02").await;
        let who = scene.dana.invite(&client, &format!("lee{n}@mail.example")).await;
        let day = format!("2026-12-0{day}");
        let edit = json!({"version": scene.dana.user(&who).await["version"], "until": day});
        scene.dana.patch(&who.path(), &edit).await.expect(200);
        expected.push(day);
    }
    expected.sort();
    let (mut seen, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let mut body = json!({"view": "ending", "limit": 2});
        if !cursor.is_null() {
            body["cursor"] = cursor;
        }
        let page = scene.dana.post("/api/access", &body).await.expect(200);
        let rows = page["rows"].as_array().expect("a list");
        assert!(rows.len() <= 2);
        seen.extend(rows.iter().map(|row| text(&row["portalUser"]["until"])));
        cursor = page["nextCursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn an_apps_next_question_fails_and_it_is_told_when_the_end_is_written() {
    let mut scene = scene("2015-01-01").await;
    let room = scene.dana.register(&json!({"logoutUri": "https://rooms.example/out"})).await;
    scene.edit(json!({"until": "2026-11-22"})).await.expect(200);
    scene.world.pass(MIDNIGHT - 20);
    let cookie = scene.world.signed_in(&scene.who.email, PASSWORD).await;
    let code = scene.world.code(&cookie, &room).await;
    let tokens = scene.world.exchange(&room, &code).await.expect(200);
    let token = text(&tokens["access_token"]);
    let active = async || scene.world.introspect(&room, &token).await["active"].clone();
    assert_eq!(active().await, true);
    scene.world.pass(20);
    assert_eq!(active().await, false);
    scene.later(1).await;
    let edit = scene.edit(json!({"reviewOn": "2027-01-01"})).await.expect(200);
    assert_eq!(edit["apps"][0]["state"], "telling", "{edit}");
    let notices = scene.world.items().await.into_keys().filter(|key| key.contains("NOTICE#"));
    assert_eq!(notices.count(), 1);
}

#[tokio::test]
async fn who_is_left_less_stays_signed_in_and_is_told_of_once() {
    let mut scene = scene("2010-01-01").await;
    scene.rules(json!([{"fromAge": 12, "allows": ["basic"]}])).await.expect(200);
    let cookie = scene.world.signed_in(&scene.who.email, PASSWORD).await;
    scene.world.deliver().await;
    assert_eq!(scene.events("access-narrowed").await.len(), 1, "signing in finds it out");
    scene.world.session(&cookie).await.expect(200);
    // Revoked and activated, it is told no second time, and no rule that is lifted ends a session.
    scene.dana.revoke(&scene.who).await.expect(200);
    scene.dana.activate(&scene.who).await.expect(200);
    let cookie = scene.world.signed_in(&scene.who.email, PASSWORD).await;
    scene.world.deliver().await;
    assert_eq!(scene.events("access-narrowed").await.len(), 1);
    scene.rules(json!([])).await.expect(200);
    scene.edit(json!({"reviewOn": "2027-01-01"})).await.expect(200);
    let session = scene.world.session(&cookie).await.expect(200);
    assert_eq!(session["charts"][0]["permissions"], json!(["basic", "messaging"]));
    // Somebody who is added after the birthday was never given more.
    scene.rules(json!([{"fromAge": 12, "allows": ["basic"]}])).await.expect(200);
    let other = scene.dana.invite(&scene.client, "other@mail.example").await;
    scene.world.enroll(&other.token, "Okafor", "2010-01-01", PASSWORD).await.expect(201);
    let before = scene.events("access-narrowed").await.len();
    let cookie = scene.world.signed_in(&other.email, PASSWORD).await;
    scene.world.deliver().await;
    scene.world.session(&cookie).await.expect(200);
    assert_eq!(scene.events("access-narrowed").await.len(), before);
    scene.later(1).await;
}

#[tokio::test]
async fn the_last_day_is_told_of_under_another_sign_in_name_too() {
    let mut scene = scene("2015-01-01").await;
    scene.edit(json!({"until": "2026-11-22"})).await.expect(200);
    scene.edit(json!({"username": "ada.mother"})).await.expect(200);
    // What waits is swept two minutes after it is due.
    scene.later(MIDNIGHT + 180).await;
    assert!(scene.world.sender().sweep().await.expect("a sweep").is_empty());
    assert_eq!(scene.events("access-ended").await.len(), 1);
}

#[tokio::test]
async fn who_was_ended_by_a_clock_is_activated_and_not_added_and_cannot_own_the_chart() {
    let mut scene = scene("2015-01-01").await;
    let Scene { dana, client, .. } = &scene;
    dana.invite(client, "other@mail.example").await;
    let owner = format!("/api/clients/{client}/chart-owner");
    let others = dana.users(client).await;
    let users = others["portalUsers"].as_array().expect("a list");
    let other = users.iter().find(|user| user["email"] == "other@mail.example");
    let other = other.expect("the other")["portalUserId"].clone();
    dana.put(&owner, &json!({"portalUserId": other})).await.expect(200);
    scene.edit(json!({"until": "2026-11-22"})).await.expect(200);
    scene.later(MIDNIGHT).await;
    let who = json!({"portalUserId": scene.who.user});
    let owner = format!("/api/clients/{}/chart-owner", scene.client);
    scene.dana.put(&owner, &who).await.problem(422, "access_revoked");
    let user = scene.user().await;
    let again = json!({
        "name": user["name"], "email": user["email"], "relationship": user["relationship"],
        "permissions": user["permissions"],
    });
    let path = format!("/api/clients/{}/portal-users", scene.client);
    scene.dana.post(&path, &again).await.problem(409, "access_revoked");
}
