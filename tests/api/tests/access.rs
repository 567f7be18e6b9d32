//! Rules 1 to 5: status, revocation, deletion, and the one alert recipient.

use api_tests::{Call, PASSWORD, World, people::text};
use serde_json::{Value, json};
use shared::history::Role;

#[tokio::test]
async fn a_revocation_bites_at_once_and_activation_revives_no_session() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = dana.enrolled().await;
    let cookie = world.signed_in(&who.email, PASSWORD).await;
    world.session(&cookie).await.expect(200);

    let receipt = dana.revoke(&who).await.expect(200);
    // The session made by enrolling, and the one made by signing in.
    assert_eq!(receipt["ended"], json!({"sessions": 2, "invitations": 0, "resets": 0}));
    assert_eq!(receipt["portalUser"]["status"], "revoked");
    world.session(&cookie).await.problem(401, "signed_out");
    world.sign_in(&who.email, PASSWORD).await.problem(403, "access_not_active");
    world.sign_in(&who.email, "not the password at all").await.problem(401, "sign_in_failed");

    let receipt = dana.activate(&who).await.expect(200);
    assert_eq!(receipt["mail"], json!({"kind": "access-granted", "state": "queued"}));
    world.session(&cookie).await.problem(401, "signed_out");
    let fresh = world.signed_in(&who.email, PASSWORD).await;
    world.session(&fresh).await.expect(200);
    world.session(&cookie).await.problem(401, "signed_out");
}

#[tokio::test]
async fn the_mail_after_activation_says_to_use_the_credentials_one_has() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = dana.enrolled().await;
    dana.revoke(&who).await.expect(200);
    dana.activate(&who).await.expect(200);
    world.deliver().await;
    let mail = world.post.newest(&who.email);
    assert!(mail.text.contains("/harbor/sign-in"), "{}", mail.text);
    assert!(mail.text.contains("existing"), "{}", mail.text);
    assert!(!mail.text.contains('#'), "no token: {}", mail.text);
    assert_eq!(dana.user(&who).await["mail"]["state"], "sent");
}

#[tokio::test]
async fn revoking_an_invited_user_kills_the_invitation_and_activating_makes_another() {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = dana.client("Amara", "Okafor", "1984-03-12").await;
    let who = dana.invite(&client, "pat@mail.example").await;
    assert_eq!(dana.user(&who).await["status"], "invited");

    let receipt = dana.revoke(&who).await.expect(200);
    assert_eq!(receipt["ended"], json!({"sessions": 0, "invitations": 1, "resets": 0}));
    world
        .enroll(&who.token, "Okafor", "1984-03-12", PASSWORD)
        .await
        .problem(409, "invitation_expired");
    assert_eq!(world.check(&who.token).await.expect(200)["state"], "expired");
    dana.resend(&who).await.problem(409, "access_revoked");

    let receipt = dana.activate(&who).await.expect(200);
    assert_eq!(receipt["portalUser"]["status"], "invited");
    assert_eq!(receipt["mail"]["kind"], "invitation");
    world
        .enroll(&who.token, "Okafor", "1984-03-12", PASSWORD)
        .await
        .problem(409, "invitation_expired");
    world.deliver().await;
    let token = world.post.newest(&who.email).token();
    world.enroll(&token, "Okafor", "1984-03-12", PASSWORD).await.expect(201);
    assert_eq!(dana.user(&who).await["status"], "active");
}

#[tokio::test]
async fn an_invitation_past_its_life_shows_as_expired_and_can_be_sent_again() {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = dana.client("Amara", "Okafor", "1984-03-12").await;
    let who = dana.invite(&client, "pat@mail.example").await;
    world.pass(7 * 24 * 60 * 60 - 1);
    let dana = world.dana().await;
    assert_eq!(dana.user(&who).await["status"], "invited");
    world.pass(1);
    assert_eq!(dana.user(&who).await["status"], "expired");
    let page = dana.get(&format!("/api/clients/{client}")).await.expect(200);
    assert_eq!(page["portal"]["status"], "expired");
    world
        .enroll(&who.token, "Okafor", "1984-03-12", PASSWORD)
        .await
        .problem(409, "invitation_expired");

    let again = dana.resend(&who).await.expect(202);
    assert_eq!(again["status"], "invited");
    world.deliver().await;
    let token = world.post.newest(&who.email).token();
    world.enroll(&token, "Okafor", "1984-03-12", PASSWORD).await.expect(201);
    dana.resend(&who).await.problem(409, "already_enrolled");
}

#[tokio::test]
async fn a_revocation_ends_an_open_reset_for_good() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = dana.enrolled().await;
    world.forgot(&who.email).await.expect(202);
    world.deliver().await;
    let token = world.post.newest(&who.email).token();
    let receipt = dana.revoke(&who).await.expect(200);
    assert_eq!(receipt["ended"]["resets"], 1);
    let other = "another nine grey pebbles";
    world.choose(&token, other).await.problem(409, "reset_expired");
    dana.activate(&who).await.expect(200);
    world.choose(&token, other).await.problem(409, "reset_expired");
    world.signed_in(&who.email, PASSWORD).await;
}

#[tokio::test]
async fn revoking_and_activating_twice_is_as_good_as_once() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = dana.enrolled().await;
    let first = dana.revoke(&who).await.expect(200);
    let (items, events) = (world.items_but_sessions().await, world.changes().await);
    world.pass(5);
    assert_eq!(dana.revoke(&who).await.expect(200), first);
    assert_eq!(world.items_but_sessions().await, items);
    assert_eq!(world.changes().await, events);

    let first = dana.activate(&who).await.expect(200);
    let (items, events) = (world.items_but_sessions().await, world.changes().await);
    world.pass(5);
    assert_eq!(dana.activate(&who).await.expect(200), first);
    assert_eq!(world.items_but_sessions().await, items);
    assert_eq!(world.changes().await, events);
    world.deliver().await;
    let granted = world.post.received().iter().filter(|m| m.to == who.email).count();
    assert_eq!(granted, 2, "one invitation, one word of access");
}

#[tokio::test]
async fn every_session_of_a_practice_can_be_ended_at_once() {
    let world = World::new().await;
    let dana = world.dana().await;
    let casey = world.staff("cove", "Casey", Role::Admin).await;
    let who = dana.enrolled().await;
    let cookie = world.signed_in(&who.email, PASSWORD).await;
    world.session(&cookie).await.expect(200);

    world.pass(1);
    let now = world.now();
    world.practice("harbor", "Harbor Practice", |p| p.sessions_from = Some(now)).await;
    world.session(&cookie).await.problem(401, "signed_out");
    let out = Call::new("DELETE", "/api/portal/session").cookie(&cookie);
    world.send(out).await.problem(401, "signed_out");
    let (path, users) = (
        format!("/api/clients/{}", who.client),
        format!("/api/clients/{}/portal-users", who.client),
    );
    dana.get(&path).await.problem(401, "signed_out");
    dana.get(&users).await.problem(401, "signed_out");
    dana.revoke(&who).await.problem(401, "signed_out");
    casey.get("/api/staff/session").await.expect(200);

    // Whoever signs in from now on is let in: nothing is locked, nothing was revoked.
    world.pass(1);
    let fresh = world.signed_in(&who.email, PASSWORD).await;
    world.session(&fresh).await.expect(200);
    world.session(&cookie).await.problem(401, "signed_out");
    world.dana().await.get(&path).await.expect(200);
    dana.get(&path).await.problem(401, "signed_out");
}

#[tokio::test]
async fn a_client_has_sixteen_portal_users_at_most_and_an_account_forty_charts() {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = dana.client("Amara", "Okafor", "1984-03-12").await;
    for n in 0..16 {
        dana.add(&client, &format!("person-{n}@mail.example")).await.expect(201);
    }
    let before = world.items().await.len();
    dana.add(&client, "one-more@mail.example").await.problem(409, "too_many_portal_users");
    assert_eq!(world.items().await.len(), before);
    // Everyone's account knows the client's name: all can still be told a new one.
    let edit = json!({"version": 1, "name": {"first": "Amara", "last": "Okafor-Lindqvist"}});
    dana.patch(&format!("/api/clients/{client}"), &edit).await.expect(200);

    let mut all = Vec::new();
    for n in 0..40 {
        let client = dana.client(&format!("Child {n}"), "Okafor", "1984-03-12").await;
        all.push(dana.enroll_for(&client, "guardian@mail.example").await);
        if n % 10 == 9 {
            world.forget_mails().await;
        }
    }
    let client = dana.client("One", "More", "1984-03-12").await;
    dana.add(&client, "guardian@mail.example").await.problem(409, "too_many_charts");
    // The transactions of so many charts fit.
    let cookie = world.signed_in("guardian@mail.example", PASSWORD).await;
    let session = world.session(&cookie).await.expect(200);
    assert_eq!(session["charts"].as_array().map(Vec::len), Some(40));
    world.forgot("guardian@mail.example").await.expect(202);
    world.deliver().await;
    let token = world.post.newest("guardian@mail.example").token();
    world.choose(&token, "nine grey pebbles hop along").await.expect(204);
    let last = &all[39];
    let edit = json!({
        "version": dana.user(last).await["version"], "name": {"first": "Hollis", "last": "Marsh"},
        "email": "marsh@mail.example", "username": "hollis.marsh",
    });
    dana.patch(&last.path(), &edit).await.expect(200);
    for who in &all {
        assert_eq!(dana.user(who).await["name"], edit["name"]);
    }
    dana.revoke(last).await.expect(200);
}

#[tokio::test]
async fn a_revocation_deletes_nothing_of_the_client() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = dana.enrolled().await;
    let before = dana.get(&format!("/api/clients/{}", who.client)).await.expect(200);
    dana.revoke(&who).await.expect(200);
    let after = dana.get(&format!("/api/clients/{}", who.client)).await.expect(200);
    for field in
        ["name", "dateOfBirth", "recordNumber", "emails", "phones", "chartOwner", "version"]
    {
        assert_eq!(before[field], after[field], "{field}");
    }
    let user = dana.user(&who).await;
    assert_eq!(user["permissions"], json!(["basic", "messaging"]));
    assert_eq!(user["username"], who.email.as_str());
}

#[tokio::test]
async fn one_parent_with_two_children_keeps_the_chart_that_was_not_revoked() {
    let world = World::new().await;
    let dana = world.dana().await;
    let (wren, silas) = (
        dana.client("Wren", "Okafor", "1984-03-12").await,
        dana.client("Silas", "Okafor", "1984-03-12").await,
    );
    let parent = "holly@mail.example";
    let first = dana.enroll_for(&wren, parent).await;
    let second = dana.enroll_for(&silas, parent).await;
    let cookie = world.signed_in(parent, PASSWORD).await;
    let charts = |session: Value| -> Vec<String> {
        session["charts"]
            .as_array()
            .map(|c| c.iter().map(|c| text(&c["clientId"])).collect())
            .unwrap_or_default()
    };
    assert_eq!(charts(world.session(&cookie).await.expect(200)).len(), 2);

    dana.revoke(&first).await.expect(200);
    assert_eq!(charts(world.session(&cookie).await.expect(200)), std::slice::from_ref(&silas));
    let fresh = world.signed_in(parent, PASSWORD).await;
    assert_eq!(charts(world.session(&fresh).await.expect(200)), std::slice::from_ref(&silas));

    // Activating gives the chart to sessions made from now on, not to those from before.
    dana.activate(&first).await.expect(200);
    assert_eq!(charts(world.session(&cookie).await.expect(200)), std::slice::from_ref(&silas));
    let newest = world.signed_in(parent, PASSWORD).await;
    assert_eq!(charts(world.session(&newest).await.expect(200)).len(), 2);

    // Deleting one portal user leaves the account to the other, deleting the other ends it.
    dana.delete(&first, "confirm=delete").await.expect(200);
    assert_eq!(charts(world.session(&newest).await.expect(200)), [silas]);
    dana.delete(&second, "confirm=delete").await.expect(200);
    world.session(&newest).await.problem(401, "signed_out");
    world.sign_in(parent, PASSWORD).await.problem(401, "sign_in_failed");
    assert!(!world.items().await.keys().any(|k| k.ends_with(" ACCOUNT")));
}

#[tokio::test]
async fn deleting_asks_for_the_word() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = dana.enrolled().await;
    let before = world.items_but_sessions().await;
    for wrong in ["", "confirm=", "confirm=delet", "confirm=deleted", "confirm=yes"] {
        let problem = dana.delete(&who, wrong).await;
        assert_eq!(problem.status.as_u16(), 400, "{wrong}");
        assert_eq!(problem.body["fields"][0]["field"], "confirm", "{wrong}");
    }
    assert_eq!(world.items_but_sessions().await, before);
    dana.delete(&who, "confirm=%20DeLeTe%20").await.expect(200);
}

#[tokio::test]
async fn deleting_ends_everything_of_the_user_and_nothing_of_the_client() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = dana.enrolled().await;
    let cookie = world.signed_in(&who.email, PASSWORD).await;
    world.forgot(&who.email).await.expect(202);
    world.deliver().await;
    let reset = world.post.newest(&who.email).token();
    let history = dana.actions(&who.client).await;

    let receipt = dana.delete(&who, "confirm=delete").await.expect(200);
    assert_eq!(receipt["portalUser"], Value::Null);
    assert_eq!(receipt["ended"], json!({"sessions": 2, "invitations": 0, "resets": 1}));
    world.session(&cookie).await.problem(401, "signed_out");
    world.sign_in(&who.email, PASSWORD).await.problem(401, "sign_in_failed");
    world.choose(&reset, "another nine grey pebbles").await.problem(409, "reset_expired");
    world.check(&who.token).await.problem(404, "not_found");
    dana.delete(&who, "confirm=delete").await.problem(404, "not_found");

    let page = dana.get(&format!("/api/clients/{}", who.client)).await.expect(200);
    assert_eq!(page["portal"], json!({"status": "none", "users": 0}));
    assert_eq!(page["chartOwner"], Value::Null);
    let after = dana.actions(&who.client).await;
    let kept: Vec<&String> = after.iter().filter(|a| history.contains(a)).collect();
    assert!(kept.len() >= history.len(), "history is kept: {after:?}");
    assert!(after.contains(&"portal-user-deleted".to_owned()));

    // The username is free, for somebody with another address too.
    let body = json!({
        "name": {"first": "New", "last": "Person"}, "email": "new@mail.example",
        "username": who.email, "relationship": "self", "permissions": [],
    });
    dana.post(&format!("/api/clients/{}/portal-users", who.client), &body).await.expect(201);
}

#[tokio::test]
async fn there_is_one_alert_recipient_at_most_and_never_one_without_access() {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = dana.client("Amara", "Okafor", "1984-03-12").await;
    let one = dana.enroll_for(&client, "one@mail.example").await;
    let two = dana.enroll_for(&client, "two@mail.example").await;
    let receiving = async || -> Vec<String> {
        let users = dana.users(&client).await;
        let list = users["portalUsers"].as_array().cloned().unwrap_or_default();
        list.iter().filter(|u| u["receivesAlerts"] == true).map(|u| text(&u["email"])).collect()
    };
    assert!(receiving().await.is_empty());
    dana.assign(&client, Some(&one.user)).await.expect(200);
    assert_eq!(receiving().await, ["one@mail.example"]);
    dana.assign(&client, Some(&two.user)).await.expect(200);
    assert_eq!(receiving().await, ["two@mail.example"]);

    let receipt = dana.revoke(&two).await.expect(200);
    assert_eq!(receipt["alertRecipient"], Value::Null);
    assert!(receiving().await.is_empty());
    let refused = dana.assign(&client, Some(&two.user)).await.problem(422, "access_revoked");
    assert_eq!(refused["fields"][0]["field"], "portalUserId");

    dana.activate(&two).await.expect(200);
    assert!(receiving().await.is_empty(), "activation gives nothing back by itself");
    dana.assign(&client, Some(&one.user)).await.expect(200);
    let query = format!("confirm=delete&alertRecipient={}", two.user);
    let receipt = dana.delete(&one, &query).await.expect(200);
    assert_eq!(receipt["alertRecipient"], two.user.as_str());
    assert_eq!(receiving().await, ["two@mail.example"]);
    let receipt = dana.delete(&two, "confirm=delete&alertRecipient=practice").await.expect(200);
    assert_eq!(receipt["alertRecipient"], Value::Null);

    dana.assign(&client, Some(&two.user)).await.problem(422, "not_a_portal_user");
    dana.assign(&client, None).await.expect(200);
}

#[tokio::test]
async fn a_successor_who_cannot_get_alerts_stops_the_deletion() {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = dana.client("Amara", "Okafor", "1984-03-12").await;
    let one = dana.enroll_for(&client, "one@mail.example").await;
    let two = dana.enroll_for(&client, "two@mail.example").await;
    dana.assign(&client, Some(&one.user)).await.expect(200);
    dana.revoke(&two).await.expect(200);
    let before = world.items_but_sessions().await;
    for successor in [&two.user, &one.user, &"01ARZ3NDEKTSV4RRFFQ69G5FAV".to_owned()] {
        let query = format!("confirm=delete&alertRecipient={successor}");
        let problem = dana.delete(&one, &query).await;
        assert_eq!(problem.status.as_u16(), 422);
        assert_eq!(problem.body["fields"][0]["field"], "alertRecipient");
    }
    assert_eq!(world.items_but_sessions().await, before);
}

#[tokio::test]
async fn the_first_portal_user_owns_the_chart_until_it_is_given_on() {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = dana.client("Amara", "Okafor", "1984-03-12").await;
    let one = dana.invite(&client, "one@mail.example").await;
    let two = dana.invite(&client, "two@mail.example").await;
    assert_eq!(dana.users(&client).await["chartOwner"], one.user.as_str());
    let path = format!("/api/clients/{client}/chart-owner");
    let body = json!({"portalUserId": two.user});
    assert_eq!(dana.put(&path, &body).await.expect(200)["chartOwner"], two.user.as_str());
    assert_eq!(dana.users(&client).await["chartOwner"], two.user.as_str());
    let stranger = json!({"portalUserId": "01ARZ3NDEKTSV4RRFFQ69G5FAV"});
    dana.put(&path, &stranger).await.problem(422, "not_a_portal_user");
}

#[tokio::test]
async fn a_revocation_with_a_reason_is_taken_and_its_words_stay_out_of_the_history() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = dana.enrolled().await;
    let reason = json!({"code": "court-order", "note": "the order of Tuesday"});
    let receipt = dana.post(&format!("{}/revoke", who.path()), &json!({"reason": reason})).await;
    let ended = receipt.expect(200)["portalUser"]["ended"].clone();
    assert_eq!(
        ended,
        json!({"at": world.now(), "reason": "court-order", "note": "the order of Tuesday"})
    );
    let events = world.events().await;
    assert!(events.values().any(|e| e.contains("access-revoked") && e.contains("court-order")));
    assert!(!events.values().any(|e| e.contains("Tuesday")));
    let history = dana.get(&format!("/api/clients/{}/history", who.client)).await.expect(200);
    assert_eq!(history["events"][0]["reason"], "court-order");
    // Without any body it is taken too.
    let other = dana.enrolled().await;
    dana.send(Call::new("POST", &format!("{}/revoke", other.path()))).await.expect(200);
}
