//! Rules 12, 13 and 5: one person, one account, never two people in one; names that follow people; and
//! one alert recipient, who can read.

use api_tests::{
    Answer, Call, PASSWORD, World,
    people::{Invited, Staff, text},
};
use serde_json::{Value, json};

const DAY: i64 = 24 * 60 * 60;

fn person(first: &str, last: &str, email: &str, relationship: &str) -> Value {
    json!({
        "name": {"first": first, "last": last}, "email": email, "relationship": relationship,
        "permissions": ["basic"],
    })
}

async fn add(staff: &Staff, client: &str, body: &Value) -> Answer {
    staff.post(&format!("/api/clients/{client}/portal-users"), body).await
}

async fn edit(staff: &Staff, who: &Invited, member: &str, value: Value) -> Answer {
    let version = staff.user(who).await["version"].clone();
    staff.patch(&who.path(), &json!({"version": version, member: value})).await
}

/// A portal user as a request answered it.
fn invited(client: &str, user: &Value) -> Invited {
    Invited {
        client: client.into(),
        user: text(&user["portalUserId"]),
        email: text(&user["email"]),
        token: String::new(),
    }
}

/// Hugh signs in with the mailbox that Wilma shares.
async fn hugh(dana: &Staff) -> (String, String) {
    let hugh = dana.client("Hugh", "Fenwick", "1961-02-03").await;
    let wilma = dana.client("Wilma", "Fenwick", "1963-04-05").await;
    let body = person("Hugh", "Fenwick", "fenwicks@mail.example", "self");
    add(dana, &hugh, &body).await.expect(201);
    (hugh, wilma)
}

#[tokio::test]
async fn a_shared_mailbox_does_not_make_two_people_one() {
    let world = World::new().await;
    let dana = world.dana().await;
    let (hugh, wilma) = hugh(&dana).await;
    for relationship in ["spouse", "other"] {
        let body = person("Wilma", "Fenwick", "Fenwicks@mail.example", relationship);
        let problem = add(&dana, &wilma, &body).await.problem(409, "account_exists");
        assert_eq!(problem["fields"][0]["field"], "username");
        assert_eq!(
            problem["account"],
            json!({
                "name": {"first": "Hugh", "last": "Fenwick"},
                "charts": [{
                    "clientId": hugh, "name": {"first": "Hugh", "last": "Fenwick"},
                    "relationship": "self",
                }],
            })
        );
    }
    assert_eq!(dana.users(&wilma).await["portalUsers"], json!([]));
    // What the answer shows of Hugh's chart is in its history.
    assert!(dana.actions(&hugh).await.contains(&"client-shown".to_owned()));
    // Staff say that it is the same person: then it is.
    let mut body = person("H.", "Fenwick", "fenwicks@mail.example", "spouse");
    body["samePerson"] = json!(true);
    add(&dana, &wilma, &body).await.expect(201);
}

#[tokio::test]
async fn a_name_that_matches_joins_by_itself() {
    let world = World::new().await;
    let dana = world.dana().await;
    let (_, wilma) = hugh(&dana).await;
    let body = person("HUGH", "Fénwick", "fenwicks@mail.example", "spouse");
    add(&dana, &wilma, &body).await.expect(201);
}

#[tokio::test]
async fn two_clients_are_never_one_account_whatever_is_said() {
    let world = World::new().await;
    let dana = world.dana().await;
    let (_, wilma) = hugh(&dana).await;
    for same in [json!(null), json!(false), json!(true)] {
        for first in ["Wilma", "Hugh"] {
            let mut body = person(first, "Fenwick", "fenwicks@mail.example", "self");
            body["samePerson"] = same.clone();
            add(&dana, &wilma, &body).await.problem(409, "self_twice");
        }
    }
    // With a sign-in name of her own she has the mailbox all the same.
    let mut body = person("Wilma", "Fenwick", "fenwicks@mail.example", "self");
    body["username"] = json!("wilma.fenwick");
    add(&dana, &wilma, &body).await.expect(201);
}

/// An edit makes two clients of one person no more than adding does.
#[tokio::test]
async fn an_edit_makes_nobody_two_clients() {
    let world = World::new().await;
    let dana = world.dana().await;
    let (hugh, wilma) = hugh(&dana).await;
    let own = dana.users(&hugh).await["portalUsers"][0].clone();
    let own = invited(&hugh, &own);
    let body = person("Hugh", "Fenwick", "fenwicks@mail.example", "spouse");
    let spouse = invited(&wilma, &add(&dana, &wilma, &body).await.expect(201));
    let before = world.items_but_sessions().await;
    for with in [
        json!({}),
        json!({"permissions": []}),
        json!({"email": "hugh@mail.example"}),
        json!({"username": "hugh.fenwick"}),
        json!({"name": {"first": "Wilma", "last": "Fenwick"}}),
    ] {
        let mut body = with.clone();
        body["version"] = dana.user(&spouse).await["version"].clone();
        body["relationship"] = json!("self");
        let problem = dana.patch(&spouse.path(), &body).await.problem(409, "self_twice");
        assert_eq!(problem["fields"][0]["field"], "relationship", "{with}");
    }
    assert_eq!(world.items_but_sessions().await, before);
    // Without access he is still that client.
    dana.revoke(&own).await.expect(200);
    edit(&dana, &spouse, "relationship", json!("self")).await.problem(409, "self_twice");
    dana.activate(&own).await.expect(200);
    // Once he is not, the other chart can be his.
    edit(&dana, &own, "relationship", json!("spouse")).await.expect(200);
    edit(&dana, &spouse, "relationship", json!("self")).await.expect(200);
    edit(&dana, &own, "relationship", json!("self")).await.problem(409, "self_twice");
}

/// Two edits at once, and an edit while another chart is added, in either order.
#[tokio::test]
async fn nobody_becomes_two_clients_by_two_requests_at_once() {
    for (first, second) in [("edit", "edit"), ("edit", "add"), ("add", "edit")] {
        let world = World::new().await;
        let dana = world.dana().await;
        let mut charts = Vec::new();
        for name in ["Hugh", "Hugh", "Hugh"] {
            charts.push(dana.client(name, "Fenwick", "1961-02-03").await);
        }
        let guardian = person("Hugh", "Fenwick", "hugh@mail.example", "other");
        let one = invited(&charts[0], &add(&dana, &charts[0], &guardian).await.expect(201));
        let two = invited(&charts[1], &add(&dana, &charts[1], &guardian).await.expect(201));
        let oneself = person("Hugh", "Fenwick", "hugh@mail.example", "self");
        let version = dana.user(&one).await["version"].clone();
        let change = json!({"version": version, "relationship": "self"});
        let become_client = async |how: &str, who: &Invited| {
            if how == "edit" {
                dana.patch(&who.path(), &change).await
            } else {
                add(&dana, &charts[2], &oneself).await
            }
        };
        world.wire.hold();
        let slow = become_client(first, &one);
        let meanwhile = async {
            let write = world.wire.write().await;
            world.wire.let_go();
            let fast = become_client(second, &two).await;
            write.release();
            fast
        };
        let (slow, fast) = futures::join!(slow, meanwhile);
        assert!(fast.status.is_success(), "{first}, {second}: {}", fast.body);
        slow.problem(409, "self_twice");
    }
}

#[tokio::test]
async fn a_sign_in_name_with_another_address_is_taken() {
    let world = World::new().await;
    let dana = world.dana().await;
    let (_, wilma) = hugh(&dana).await;
    let mut body = person("Hugh", "Fenwick", "other@mail.example", "spouse");
    body["username"] = json!("fenwicks@mail.example");
    body["samePerson"] = json!(true);
    add(&dana, &wilma, &body).await.problem(409, "username_taken");
}

#[tokio::test]
async fn somebody_revoked_is_activated_and_not_added_again() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = dana.enrolled().await;
    let user = dana.user(&who).await;
    let again = json!({
        "name": user["name"], "email": user["email"], "relationship": user["relationship"],
        "permissions": user["permissions"],
    });
    add(&dana, &who.client, &again).await.problem(409, "already_added");
    dana.revoke(&who).await.expect(200);
    add(&dana, &who.client, &again).await.problem(409, "access_revoked");
    // Another person with this mailbox is told whose account it is.
    let mut husband = again;
    husband["name"] = json!({"first": "Somebody", "last": "Else"});
    add(&dana, &who.client, &husband).await.problem(409, "account_exists");
}

#[tokio::test]
async fn the_enrolment_says_whose_account_is_meant() {
    let world = World::new().await;
    let dana = world.dana().await;
    let first = dana.enrolled().await;
    let client = dana.client("Silas", "Okafor", "1984-03-12").await;
    let second = dana.invite(&client, &first.email).await;
    let open = world.check(&second.token).await.expect(200);
    assert_eq!(
        (&open["account"], &open["accountName"]),
        (&json!("existing"), &json!("Pat Person"))
    );
    // A link that is over says nothing about today.
    dana.resend(&second).await.expect(202);
    let over = world.check(&second.token).await.expect(200);
    assert_eq!(over["state"], "expired");
    assert!(over.get("account").is_none() && over.get("accountName").is_none());
    assert_eq!(over["expiresAt"], json!(world.now()), "its own end, not the newer one's");
}

#[tokio::test]
async fn a_client_s_own_portal_user_has_the_client_s_name() {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = dana.client("Amara", "Okafor", "1984-03-12").await;
    let body = person("A.", "Okafr", "amara@mail.example", "self");
    let added = add(&dana, &client, &body).await.expect(201);
    assert_eq!(added["name"], json!({"first": "Amara", "last": "Okafor"}));
    let path = format!("/api/clients/{client}");
    let name = json!({"first": "Amara", "last": "Nwosu"});
    dana.patch(&path, &json!({"version": 1, "name": name})).await.expect(200);
    let users = dana.users(&client).await;
    assert_eq!(users["portalUsers"][0]["name"], name);
    let version = users["portalUsers"][0]["version"].clone();
    let user = format!("{path}/portal-users/{}", text(&added["portalUserId"]));
    let other = json!({"version": version, "name": {"first": "Zoe", "last": "Nwosu"}});
    dana.patch(&user, &other).await.problem(422, "name_of_client");
    world.deliver().await;
    let token = world.post.newest("amara@mail.example").token();
    let session = world.enroll(&token, "Nwosu", "1984-03-12", PASSWORD).await.expect(201);
    assert_eq!(session["name"], name);
}

#[tokio::test]
async fn a_guardian_s_new_name_shows_on_every_chart_with_an_event_on_each() {
    let world = World::new().await;
    let dana = world.dana().await;
    let first = dana.enrolled().await;
    let client = dana.client("Silas", "Okafor", "1984-03-12").await;
    let second = dana.enroll_for(&client, &first.email).await;
    let name = json!({"first": "Pat", "last": "Nowakowska"});
    edit(&dana, &first, "name", name.clone()).await.expect(200);
    for who in [&first, &second] {
        assert_eq!(dana.user(who).await["name"], name);
        assert!(dana.actions(&who.client).await.contains(&"portal-user-updated".to_owned()));
    }
    let session = world.sign_in(&first.email, PASSWORD).await.expect(200);
    assert_eq!(session["name"], name);
}

#[tokio::test]
async fn a_new_sign_in_name_moves_the_account_and_ends_its_sessions() {
    let world = World::new().await;
    let dana = world.dana().await;
    let first = dana.enrolled().await;
    let client = dana.client("Silas", "Okafor", "1984-03-12").await;
    let second = dana.enroll_for(&client, &first.email).await;
    let cookie = world.signed_in(&first.email, PASSWORD).await;
    let session = Call::new("GET", "/api/portal/session").cookie(&cookie);
    world.send(session.clone()).await.expect(200);
    let id = async || -> Value {
        let events = world.events().await;
        let mut all = events.values().map(|e| serde_json::from_str::<Value>(e).expect("JSON"));
        let last = all.rfind(|e| e["action"] == "signed-in").expect("an event");
        last["actor"]["id"].clone()
    };
    let before = id().await;

    // Held by somebody else, in any spelling: refused, and nothing changes.
    let other = dana.enrolled().await;
    let taken = edit(&dana, &first, "username", json!(other.email.to_uppercase())).await;
    taken.problem(409, "username_taken");

    let renamed = edit(&dana, &first, "username", json!("pat.person")).await.expect(200);
    assert_eq!(renamed["username"], "pat.person");
    assert_eq!(dana.user(&second).await["username"], "pat.person");
    world.send(session).await.problem(401, "signed_out");
    world.sign_in(&first.email, PASSWORD).await.problem(401, "sign_in_failed");
    world.pass(1);
    let opened = world.sign_in("pat.person", PASSWORD).await.expect(200);
    assert_eq!(opened["charts"].as_array().map(Vec::len), Some(2));
    assert_eq!(id().await, before, "the account's id stays");
    // Revoking finds the account where it is now.
    let cookie = world.signed_in("pat.person", PASSWORD).await;
    for who in [&first, &second] {
        dana.revoke(who).await.expect(200);
    }
    let session = Call::new("GET", "/api/portal/session").cookie(&cookie);
    world.send(session).await.problem(401, "signed_out");
}

#[tokio::test]
async fn permissions_taken_away_with_a_new_sign_in_name_are_gone() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = dana.enrolled().await;
    let version = dana.user(&who).await["version"].clone();
    let edit = json!({"version": version, "username": "pat.person", "permissions": ["billing"]});
    dana.patch(&who.path(), &edit).await.expect(200);
    let session = world.sign_in("pat.person", PASSWORD).await.expect(200);
    assert_eq!(session["charts"][0]["permissions"], json!(["billing"]));
}

#[tokio::test]
async fn the_next_owner_of_a_sign_in_name_inherits_nothing() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = dana.enrolled().await;
    for _ in 0..5 {
        world.sign_in(&who.email, "not the password").await.problem(401, "sign_in_failed");
    }
    world.sign_in(&who.email, PASSWORD).await.problem(429, "too_many_attempts");
    dana.delete(&who, "confirm=delete").await.expect(200);
    let next = dana.invite(&who.client, &who.email).await;
    world
        .enroll(&next.token, "Okafor", "1984-03-12", "another nine grey pebbles")
        .await
        .expect(201);
    world.signed_in(&who.email, "another nine grey pebbles").await;
}

#[tokio::test]
async fn a_deleted_person_is_not_replayed_by_a_key() {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = dana.client("Amara", "Okafor", "1984-03-12").await;
    let body = person("Quentin", "Quill", "quentin@mail.example", "other");
    let path = format!("/api/clients/{client}/portal-users");
    let call = || Call::new("POST", &path).json(&body).header("idempotency-key", "k-1");
    let added = dana.send(call()).await.expect(201);
    assert_eq!(dana.send(call()).await.expect(201), added);
    let user = format!("{path}/{}", text(&added["portalUserId"]));
    dana.send(Call::new("DELETE", &format!("{user}?confirm=delete"))).await.expect(200);
    let replayed = dana.send(call()).await.problem(409, "deleted");
    assert!(!replayed.to_string().contains("Quill"));
    assert_eq!(dana.users(&client).await["portalUsers"], json!([]));
    let kept = world.items().await;
    let kept: Vec<_> = kept.iter().filter(|(key, _)| key.contains("#I#")).collect();
    assert!(!format!("{kept:?}").contains("quentin"), "the answer is gone from the table");
}

// ---- Alerts ----

#[tokio::test]
async fn alerts_go_to_nobody_who_cannot_read_them() {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = dana.client("Amara", "Okafor", "1984-03-12").await;
    let who = dana.invite(&client, "pat@mail.example").await;
    let page = format!("/api/clients/{client}");
    // Chosen before enrolling: from enrolment on.
    let assigned = dana.assign(&client, Some(&who.user)).await.expect(200);
    assert_eq!(assigned["alertRecipient"], json!(who.user));
    assert_eq!(dana.user(&who).await["receivesAlerts"], false);
    // The invitation runs out: nobody gets them, and nobody says so.
    world.pass(7 * DAY + 1);
    let dana = world.dana().await;
    assert_eq!(dana.get(&page).await.expect(200)["alertRecipient"], Value::Null);
    assert_eq!(dana.users(&client).await["alertRecipient"], Value::Null);
    dana.assign(&client, None).await.expect(200);
    dana.assign(&client, Some(&who.user)).await.problem(422, "invitation_expired");
    // Invited again and enrolled, the person can be chosen, and gets them.
    dana.resend(&who).await.expect(202);
    dana.assign(&client, Some(&who.user)).await.expect(200);
    world.deliver().await;
    let token = world.post.newest("pat@mail.example").token();
    world.enroll(&token, "Okafor", "1984-03-12", PASSWORD).await.expect(201);
    assert_eq!(dana.user(&who).await["receivesAlerts"], true);
}

#[tokio::test]
async fn a_revocation_names_who_gets_the_alerts_next() {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = dana.client("Amara", "Okafor", "1984-03-12").await;
    let one = dana.enroll_for(&client, "one@mail.example").await;
    let two = dana.enroll_for(&client, "two@mail.example").await;
    let three = dana.enroll_for(&client, "three@mail.example").await;
    dana.assign(&client, Some(&one.user)).await.expect(200);
    dana.revoke(&three).await.expect(200);
    let revoke = async |next: Value| {
        dana.post(&format!("{}/revoke", one.path()), &json!({"alertRecipient": next})).await
    };
    for (next, code) in [
        (json!(three.user), "access_revoked"),
        (json!(one.user), "access_revoked"),
        (json!("01ARZ3NDEKTSV4RRFFQ69G5FAV"), "not_a_portal_user"),
    ] {
        let refused = revoke(next).await;
        assert!(refused.status.as_u16() == 422, "{code}: {}", refused.body);
        assert_eq!(dana.user(&one).await["status"], "active");
    }
    let receipt = revoke(json!(two.user)).await.expect(200);
    assert_eq!(receipt["alertRecipient"], json!(two.user));
    assert_eq!(dana.user(&two).await["receivesAlerts"], true);
    // The next one goes without a successor: to the practice.
    assert_eq!(dana.revoke(&two).await.expect(200)["alertRecipient"], Value::Null);
}

#[tokio::test]
async fn a_revoked_person_cannot_own_the_chart() {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = dana.client("Amara", "Okafor", "1984-03-12").await;
    dana.enroll_for(&client, "one@mail.example").await;
    let two = dana.enroll_for(&client, "two@mail.example").await;
    dana.revoke(&two).await.expect(200);
    let path = format!("/api/clients/{client}/chart-owner");
    dana.put(&path, &json!({"portalUserId": two.user})).await.problem(422, "access_revoked");
}

#[tokio::test]
async fn an_open_reset_is_counted_by_the_first_revocation_alone() {
    let world = World::new().await;
    let dana = world.dana().await;
    let first = dana.enrolled().await;
    let client = dana.client("Silas", "Okafor", "1984-03-12").await;
    let second = dana.enroll_for(&client, &first.email).await;
    world.forgot(&first.email).await.expect(202);
    world.deliver().await;
    assert_eq!(dana.revoke(&first).await.expect(200)["ended"]["resets"], 1);
    assert_eq!(dana.revoke(&second).await.expect(200)["ended"]["resets"], 0);
}

// ---- A page that asks again by itself ----

#[tokio::test]
async fn progress_tells_the_state_of_a_mail_without_an_event_and_is_no_use_of_the_session() {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = dana.client("Amara", "Okafor", "1984-03-12").await;
    let added = add(&dana, &client, &person("Pat", "Person", "pat@mail.example", "other")).await;
    let user = text(&added.expect(201)["portalUserId"]);
    let path = format!("/api/clients/{client}/portal-users/{user}/progress");
    let before = world.events().await;
    let progress = dana.get(&path).await.expect(200);
    assert_eq!(
        progress,
        json!({"mail": {"kind": "invitation", "state": "queued", "at": world.now()}})
    );
    world.deliver().await;
    assert_eq!(dana.get(&path).await.expect(200)["mail"]["state"], "sent");
    assert_eq!(world.events().await, before);
    // Asked every minute, it lets the session run out in its time.
    for _ in 0..29 {
        world.pass(60);
        dana.get(&path).await.expect(200);
    }
    world.pass(60);
    dana.get(&path).await.problem(401, "signed_out");
}

/// A sign-in name of other letters that looks the same is nobody's: neither added, nor given by an
/// edit, nor good for signing in.
#[tokio::test]
async fn a_name_that_looks_like_another_is_refused_and_opens_nothing() {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = dana.client("Amara", "Okafor", "1984-03-12").await;
    let other = dana.client("Priya", "Castellan", "1990-01-02").await;
    let named = |name: &str, email: &str| {
        let mut body = person("Pat", "Person", email, "parent");
        body["username"] = json!(name);
        body
    };
    add(&dana, &client, &named("cocoa", "cocoa@mail.example")).await.expect(201);
    world.deliver().await;
    let token = world.post.newest("cocoa@mail.example").token();
    world.enroll(&token, "Okafor", "1984-03-12", PASSWORD).await.expect(201);
    let pat = add(&dana, &other, &named("pat.person", "pat@mail.example")).await.expect(201);
    let pat = Invited {
        client: other.clone(),
        user: text(&pat["portalUserId"]),
        email: "pat@mail.example".into(),
        token: String::new(),
    };
    for (look_alike, status, code) in [
        // All of it Cyrillic, in either case.
        ("\u{441}\u{43e}\u{441}\u{43e}\u{430}", 409, "username_confusable"),
        ("\u{421}\u{41e}\u{421}\u{41e}\u{410}", 409, "username_confusable"),
        // Latin with Cyrillic, with Greek.
        ("coco\u{430}", 422, "mixed_scripts"),
        ("c\u{3bf}coa", 422, "mixed_scripts"),
    ] {
        let body = named(look_alike, "other@mail.example");
        let problem = add(&dana, &other, &body).await.problem(status, code);
        assert_eq!(problem["fields"][0]["field"], "username");
        edit(&dana, &pat, "username", json!(look_alike)).await.problem(status, code);
        assert_ne!(world.sign_in(look_alike, PASSWORD).await.status.as_u16(), 200, "{look_alike}");
    }
    // A full-width letter is the letter; case does not count.
    for same in ["\u{ff23}ocoa", "COCOA"] {
        world.signed_in(same, PASSWORD).await;
    }
    // Plain letters and digits stand for themselves: `pau1` and `paul` are two people.
    for name in ["c0coa", "paul", "pau1", "m\u{fc}ller", "muller", "mueller"] {
        let email = format!("guest.{name}@mail.example").replace('\u{fc}', "x");
        add(&dana, &other, &named(name, &email)).await.expect(201);
    }
}
