//! A forgotten password: asking tells nobody anything, and choosing a new one ends every session.

use std::collections::BTreeMap;

use api_tests::{
    Answer, Call, PASSWORD, World,
    people::{Invited, Staff, text},
};
use futures::future::join_all;
use serde_json::{Value, json};
use shared::{id::PracticeId, token::ResetToken};

const NEW: &str = "another nine grey pebbles";

/// Asks for a reset; the token in the mail.
async fn token(world: &World, who: &Invited) -> String {
    world.deliver().await;
    let before = world.post.received().len();
    world.forgot(&who.email).await.expect(202);
    world.deliver().await;
    assert_eq!(world.post.received().len(), before + 1, "a mail");
    world.post.newest(&who.email).token()
}

async fn forgot_from(world: &World, address: &str, username: &str) -> Answer {
    let body = json!({"practice": "harbor", "username": username});
    world.send(Call::new("POST", "/api/portal/password-reset").json(&body).from(address)).await
}

/// All of an answer but what names the request.
fn seen(answer: &Answer) -> (u16, Vec<(String, String)>, Value) {
    let mut body = answer.body.clone();
    if let Some(body) = body.as_object_mut() {
        body.remove("requestId");
    }
    let headers = answer.headers.iter().filter(|(name, _)| *name != "x-request-id");
    let headers = headers.map(|(n, v)| (n.to_string(), v.to_str().unwrap_or("").to_owned()));
    (answer.status.as_u16(), headers.collect(), body)
}

/// All items but the failures that are counted.
async fn uncounted(world: &World) -> BTreeMap<String, String> {
    let mut items = world.items().await;
    items.retain(|key, _| !key.ends_with(" SOURCE"));
    items
}

#[tokio::test]
async fn asking_is_answered_alike_and_only_those_who_can_use_one_get_a_mail() {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = dana.client("Wren", "Okafor", "1984-03-12").await;
    let (active, revoked) = (dana.enrolled().await, dana.enrolled().await);
    let invited = dana.invite(&client, "waiting@mail.example").await;
    dana.revoke(&revoked).await.expect(200);
    // Somebody revoked who has an account, and is invited once more.
    let joining = dana.enrolled().await;
    dana.revoke(&joining).await.expect(200);
    dana.invite(&client, &joining.email).await;
    world.deliver().await;
    let mails = world.post.received().len();

    let ask = async |username: &str| {
        world.wire.forget();
        let answer = world.ask(username).await;
        (seen(&answer), world.wire.seen())
    };
    let unknown = ask("nobody@mail.example").await;
    assert_eq!(unknown.0.0, 202);
    assert_eq!(unknown.1, ["BatchGetItem", "TransactWriteItems"]);
    let people = [&invited, &revoked, &active, &active, &joining, &joining];
    for username in people.map(|who| &who.email) {
        assert_eq!(ask(username).await, unknown, "{username}");
    }
    let body = json!({"practice": "cove", "username": active.email});
    let elsewhere = world.send(Call::new("POST", "/api/portal/password-reset").json(&body)).await;
    assert_eq!(seen(&elsewhere), unknown.0);

    world.deliver().await;
    let sent = world.post.received().split_off(mails);
    let to: Vec<&str> = sent.iter().map(|m| m.to.as_str()).collect();
    let once = [invited.email.as_str(), &active.email, &joining.email];
    assert_eq!(to, once, "one mail each, though it was asked for twice");
    assert!(sent[0].text.contains("/harbor/enroll#"), "{}", sent[0].text);
    assert!(sent[1].text.contains("/harbor/password#"), "{}", sent[1].text);
}

#[tokio::test]
async fn nothing_is_kept_of_what_is_asked_of_a_practice_that_does_not_exist() {
    let world = World::new().await;
    let known = seen(&world.forgot("nobody@mail.example").await);
    let before = (uncounted(&world).await, world.events().await);
    let body = json!({"practice": "nowhere", "username": "nobody@mail.example"});
    world.wire.forget();
    let nowhere = world.send(Call::new("POST", "/api/portal/password-reset").json(&body)).await;
    assert_eq!(seen(&nowhere), known);
    assert_eq!(world.wire.seen(), ["BatchGetItem", "TransactWriteItems"]);
    // It counts against where it came from, and nothing else is kept.
    assert_eq!((uncounted(&world).await, world.events().await), before);
    for n in 3..=50 {
        let body = json!({"practice": format!("nowhere-{n}"), "username": "nobody"});
        let call = Call::new("POST", "/api/portal/password-reset").json(&body);
        world.send(call).await.expect(202);
    }
    assert_eq!((uncounted(&world).await, world.events().await), before);
    let everything = world.events().await;
    world.send(Call::new("POST", "/api/portal/password-reset").json(&body)).await.expect(429);
    assert!(locks_since(&world, &everything).await.is_empty());
    // The first refusal with a history says so, and says it once.
    for _ in 0..2 {
        world.forgot("nobody@mail.example").await.problem(429, "too_many_attempts");
        assert_eq!(locks_since(&world, &everything).await, ["address"]);
    }
    assert_eq!(uncounted(&world).await, before.0);
    assert_eq!(world.events().await.len(), before.1.len() + 1);
}

/// Why something was locked, by the events since `before`.
async fn locks_since(world: &World, before: &BTreeMap<String, String>) -> Vec<String> {
    let events = world.events().await;
    let new = events.iter().filter(|(key, _)| !before.contains_key(*key));
    new.map(|(_, event)| serde_json::from_str::<Value>(event).expect("JSON"))
        .filter(|event| event["action"] == "locked")
        .map(|event| {
            let (actor, request) = (&event["actor"]["role"], &event["requestId"]);
            assert!(actor == "nobody" && event["practice"] == "harbor" && request != "", "{event}");
            event["reason"].as_str().expect("a reason").to_owned()
        })
        .collect()
}

#[tokio::test]
async fn a_network_that_asks_for_too_many_resets_is_recorded_once_in_a_window() {
    for (networks, reason) in [(1, "address"), (2, "network")] {
        let world = World::new().await;
        let mut locks = Vec::new();
        for window in 1..=2 {
            for n in 0..50 * networks {
                let address = format!("2001:db8:1:{:x}::{n:x}", 2 + n % networks);
                forgot_from(&world, &address, "somebody").await.expect(202);
                if n == 49 * networks - 1 {
                    assert_eq!(locks_since(&world, &BTreeMap::new()).await.len(), locks.len());
                }
            }
            // The household's limit is that of two addresses together.
            locks.extend(vec!["address".to_owned(); networks]);
            locks.extend((reason == "network").then(|| reason.to_owned()));
            locks.sort();
            let mut told = locks_since(&world, &BTreeMap::new()).await;
            told.sort();
            assert_eq!(told, locks, "{window}");
            for _ in 0..3 {
                let refused = forgot_from(&world, "2001:db8:1:2::1", "somebody").await;
                refused.problem(429, "too_many_attempts");
            }
            assert_eq!(locks_since(&world, &BTreeMap::new()).await.len(), locks.len());
            world.pass(15 * 60);
        }
    }
}

#[tokio::test]
async fn of_many_requests_at_once_one_records_that_the_network_is_locked() {
    let world = World::new().await;
    for _ in 0..45 {
        world.ask("somebody").await.expect(202);
    }
    let answers = join_all((0..12).map(|_| world.ask("somebody"))).await;
    let taken = answers.iter().filter(|answer| answer.status == 202).count();
    assert_eq!(taken, 5);
    assert_eq!(locks_since(&world, &BTreeMap::new()).await, ["address"]);
}

#[tokio::test]
async fn who_asks_for_nobodys_reset_is_told_apart_by_network_and_not_by_what_was_typed() {
    let world = World::new().await;
    for n in 1..=50 {
        let address = format!("2001:db8:1:2:{n:x}::1");
        forgot_from(&world, &address, "seven quiet-kettles-hum").await.problem(400, "invalid");
        forgot_from(&world, &address, "seven-quiet-kettles-hum").await.expect(202);
    }
    let refused = forgot_from(&world, "2001:db8:1:2::1", "somebody").await;
    refused.problem(429, "too_many_attempts");
    forgot_from(&world, "2001:db8:1:3::1", "somebody").await.expect(202);
    world.deliver().await;
    let events = world.events().await;
    assert_eq!(events.len(), 52, "and that the network is locked");
    assert!(events.values().all(|e| e.contains(r#""actor":{"id":"","name":"","role":"nobody"}"#)));
}

#[tokio::test]
async fn a_reset_changes_the_password_once() {
    let world = World::new().await;
    let who = world.dana().await.enrolled().await;
    let token = token(&world, &who).await;
    // Until it is used nothing changes.
    world.signed_in(&who.email, PASSWORD).await;
    let done = world.choose(&token, NEW).await;
    let cookie = done.headers["set-cookie"].to_str().expect("text").to_owned();
    assert!(cookie.contains("Max-Age=0"), "it signs nobody in: {cookie}");
    done.expect(204);
    world.sign_in(&who.email, PASSWORD).await.problem(401, "sign_in_failed");
    world.signed_in(&who.email, NEW).await;
    for again in [NEW, "a third one of brass bells"] {
        world.choose(&token, again).await.problem(409, "reset_expired");
    }
    world.signed_in(&who.email, NEW).await;
}

#[tokio::test]
async fn a_reset_works_for_an_hour() {
    let world = World::new().await;
    let who = world.dana().await.enrolled().await;
    let one = token(&world, &who).await;
    world.pass(60 * 60 - 1);
    world.choose(&one, NEW).await.expect(204);
    let two = token(&world, &who).await;
    world.pass(60 * 60);
    world.choose(&two, "a third one of brass bells").await.problem(409, "reset_expired");
    world.signed_in(&who.email, NEW).await;
}

#[tokio::test]
async fn only_the_newest_reset_works() {
    let world = World::new().await;
    let who = world.dana().await.enrolled().await;
    let one = token(&world, &who).await;
    world.pass(10 * 60);
    let two = token(&world, &who).await;
    world.choose(&one, NEW).await.problem(409, "reset_expired");
    world.signed_in(&who.email, PASSWORD).await;
    world.choose(&two, NEW).await.expect(204);
}

#[tokio::test]
async fn asking_again_within_ten_minutes_sends_no_second_mail_and_leaves_the_first_alone() {
    let world = World::new().await;
    let who = world.dana().await.enrolled().await;
    let one = token(&world, &who).await;
    let mails = world.post.received().len();
    // As somebody would who means to keep it dead.
    for _ in 0..9 {
        world.pass(60);
        world.forgot(&who.email).await.expect(202);
    }
    world.pass(59);
    world.forgot(&who.email).await.expect(202);
    world.deliver().await;
    assert_eq!(world.post.received().len(), mails);
    world.choose(&one, NEW).await.expect(204);
    // Once it is used there is nothing to keep.
    let two = token(&world, &who).await;
    world.choose(&two, "a third one of brass bells").await.expect(204);
}

/// Somebody with an account whose only access was revoked, and who is invited to another chart.
async fn invited_again(world: &World) -> (Staff, Invited, Invited) {
    let dana = world.dana().await;
    let old = dana.enrolled().await;
    dana.revoke(&old).await.expect(200);
    let client = dana.client("Silas", "Okafor", "1984-03-12").await;
    let new = dana.invite(&client, &old.email).await;
    (dana, old, new)
}

#[tokio::test]
async fn whoever_is_invited_and_forgot_the_password_of_their_account_chooses_one_and_enrols() {
    let world = World::new().await;
    let (dana, old, new) = invited_again(&world).await;
    let token = token(&world, &new).await;
    assert_eq!(dana.user(&new).await["mail"]["kind"], "password-reset");
    world.choose(&token, NEW).await.expect(204);
    world.deliver().await;
    assert!(world.post.newest(&new.email).subject.contains("password"));
    assert!(dana.actions(&new.client).await.contains(&"password-changed".to_owned()));

    // It opened nothing: neither chart, and the proof is still asked for.
    assert_eq!(dana.user(&old).await["status"], "revoked");
    assert_eq!(dana.user(&new).await["status"], "invited");
    world.sign_in(&new.email, NEW).await.problem(403, "access_not_active");
    let wrong = world.enroll(&new.token, "Adeyemi", "1984-03-12", NEW).await;
    wrong.problem(422, "proof_failed");
    let forgotten = world.enroll(&new.token, "Okafor", "1984-03-12", PASSWORD).await;
    forgotten.problem(422, "proof_failed");
    let session = world.enroll(&new.token, "Okafor", "1984-03-12", NEW).await.expect(201);
    assert_eq!(session["charts"].as_array().expect("charts").len(), 1);
    assert_eq!(session["charts"][0]["clientId"], new.client.as_str());
}

#[tokio::test]
async fn a_reset_for_the_sake_of_an_invitation_ends_with_it() {
    for end in ["revoked", "deleted", "tried too often", "past its life"] {
        let world = World::new().await;
        let (dana, _, new) = invited_again(&world).await;
        let life = 7 * 24 * 60 * 60;
        if end == "past its life" {
            world.pass(life - 60);
        }
        let token = token(&world, &new).await;
        match end {
            "revoked" => {
                let ended = dana.revoke(&new).await.expect(200)["ended"].clone();
                assert_eq!(ended, json!({"sessions": 0, "invitations": 1, "resets": 1}));
            }
            "deleted" => {
                let ended = dana.delete(&new, "confirm=delete").await.expect(200)["ended"].clone();
                assert_eq!(ended, json!({"sessions": 0, "invitations": 1, "resets": 1}));
            }
            "tried too often" => {
                for _ in 0..10 {
                    let wrong = world.enroll(&new.token, "Adeyemi", "1984-03-12", NEW).await;
                    wrong.problem(422, "proof_failed");
                }
            }
            _ => world.pass(60),
        }
        world.choose(&token, NEW).await.problem(409, "reset_expired");
        world.pass(10 * 60);
        let mails = world.post.received().len();
        world.forgot(&new.email).await.expect(202);
        world.deliver().await;
        assert_eq!(world.post.received().len(), mails, "{end}");
    }
}

#[tokio::test]
async fn a_new_invitation_lets_its_reset_be_asked_for_as_long_as_it_lives() {
    let world = World::new().await;
    let (_, _, new) = invited_again(&world).await;
    let life = 7 * 24 * 60 * 60;
    world.pass(life - 1);
    let dana = world.dana().await;
    dana.resend(&new).await.expect(202);
    world.pass(1);
    token(&world, &new).await;
    // Revoked and activated, there is another invitation.
    dana.revoke(&new).await.expect(200);
    dana.activate(&new).await.expect(200);
    let token = token(&world, &new).await;
    world.choose(&token, NEW).await.expect(204);
}

#[tokio::test]
async fn a_new_password_ends_every_session_of_the_account_on_every_chart() {
    let world = World::new().await;
    let dana = world.dana().await;
    let (wren, silas) = (
        dana.client("Wren", "Okafor", "1984-03-12").await,
        dana.client("Silas", "Okafor", "1984-03-12").await,
    );
    let one = dana.enroll_for(&wren, "holly@mail.example").await;
    let two = dana.enroll_for(&silas, "holly@mail.example").await;
    let other = dana.enrolled().await;
    let theirs = world.signed_in(&other.email, PASSWORD).await;
    let mut cookies = Vec::new();
    for _ in 0..3 {
        cookies.push(world.signed_in(&one.email, PASSWORD).await);
    }
    let token = token(&world, &one).await;
    for cookie in &cookies {
        world.session(cookie).await.expect(200);
    }
    world.choose(&token, NEW).await.expect(204);
    for cookie in &cookies {
        world.session(cookie).await.problem(401, "signed_out");
    }
    world.session(&theirs).await.expect(200);
    let session = world.signed_in(&one.email, NEW).await;
    let session = world.session(&session).await.expect(200);
    assert_eq!(session["charts"].as_array().expect("charts").len(), 2);
    for client in [&wren, &silas] {
        assert!(dana.actions(client).await.contains(&"password-changed".to_owned()));
    }
    for who in [&one, &two] {
        let ended = dana.revoke(who).await.expect(200)["ended"].clone();
        assert_eq!(ended, json!({"sessions": 1, "invitations": 0, "resets": 0}));
    }
}

#[tokio::test]
async fn the_person_is_told_that_the_password_was_changed() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = dana.enrolled().await;
    let token = token(&world, &who).await;
    let user = dana.user(&who).await;
    assert_eq!(user["mail"]["kind"], "password-reset");
    assert_eq!(user["mail"]["state"], "sent");
    world.choose(&token, NEW).await.expect(204);
    assert_eq!(dana.user(&who).await["mail"]["state"], "queued");
    world.deliver().await;
    let mail = world.post.newest(&who.email);
    assert!(mail.subject.contains("password"), "{}", mail.subject);
    assert!(!mail.text.contains('#') && !mail.text.contains(NEW), "{}", mail.text);
    let user = dana.user(&who).await;
    assert_eq!(user["mail"]["kind"], "password-changed");
    assert_eq!(user["mail"]["state"], "sent");
}

#[tokio::test]
async fn weak_passwords_are_refused_and_spend_nothing() {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = dana.client("Wilhelmina", "Okafor", "1984-03-12").await;
    let who = dana.enroll_for(&client, "bartycholm@mail.example").await;
    let token = token(&world, &who).await;
    let before = world.items().await;
    for (weak, code) in [
        ("xq7Vz!m2Kp9#Lt", "too_short"),
        ("passwordpassword", "too_weak"),
        ("WilhelminaOkafor", "too_weak"),
        ("bartycholm@mail.example", "too_weak"),
        ("Harbor Practice 1", "too_weak"),
        ("PatPerson1WilhelminaOkafor", "too_weak"),
    ] {
        let refused = world.choose(&token, weak).await;
        assert_eq!(refused.body["code"], code, "{weak}");
        assert_eq!(refused.problem(422, code)["fields"][0]["field"], "password");
    }
    assert_eq!(world.items().await, before);
    world.choose(&token, NEW).await.expect(204);
}

#[tokio::test]
async fn a_token_that_was_tampered_with_changes_nothing() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = dana.enrolled().await;
    let other = dana.enrolled().await;
    let (token, theirs) = (token(&world, &who).await, token(&world, &other).await);
    let parsed = |token: &str| ResetToken::parse(token).expect("a token");
    let mut swapped = parsed(&token);
    swapped.account = parsed(&theirs).account;
    let mut elsewhere = parsed(&token);
    elsewhere.practice = PracticeId::parse("cove").expect("a practice");
    let mut nowhere = parsed(&token);
    nowhere.practice = PracticeId::parse("nowhere").expect("a practice");
    let before = uncounted(&world).await;
    for wrong in [
        "x",
        "harbor.",
        &token[..token.len() - 1],
        &format!("{token}A"),
        &who.token,
        &swapped.text(),
        &elsewhere.text(),
        &nowhere.text(),
    ] {
        world.choose(wrong, NEW).await.problem(409, "reset_expired");
    }
    assert_eq!(uncounted(&world).await, before);
    // A reset's token is no invitation's either.
    world.check(&token).await.problem(404, "not_found");
    world.choose(&token, NEW).await.expect(204);
    world.choose(&theirs, NEW).await.expect(204);
}

#[tokio::test]
async fn of_two_choices_at_once_one_wins() {
    let world = World::new().await;
    let who = world.dana().await.enrolled().await;
    let token = token(&world, &who).await;
    let passwords = [NEW, "a third one of brass bells"];
    let answers = join_all(passwords.iter().map(|p| world.choose(&token, p))).await;
    let won = answers.iter().position(|a| a.status == 204).expect("one wins");
    answers[1 - won].clone().problem(409, "reset_expired");
    world.signed_in(&who.email, passwords[won]).await;
    world.sign_in(&who.email, passwords[1 - won]).await.problem(401, "sign_in_failed");
}

#[tokio::test]
async fn a_sign_in_that_began_with_the_old_password_does_not_outlive_the_reset() {
    let world = World::new().await;
    let who = world.dana().await.enrolled().await;
    let token = token(&world, &who).await;
    world.wire.hold();
    let late = world.sign_in(&who.email, PASSWORD);
    let meanwhile = async {
        let write = world.wire.write().await;
        world.wire.let_go();
        world.choose(&token, NEW).await.expect(204);
        write.release();
    };
    let (late, ()) = futures::join!(late, meanwhile);
    late.problem(401, "sign_in_failed");
}

#[tokio::test]
async fn a_reset_opens_a_username_that_was_locked_on_the_device_where_it_is_made_and_no_other() {
    let world = World::new().await;
    let who = world.dana().await.enrolled().await;
    let token = token(&world, &who).await;
    for _ in 0..5 {
        world.sign_in(&who.email, "not the password at all").await.problem(401, "sign_in_failed");
    }
    world.sign_in(&who.email, PASSWORD).await.problem(429, "too_many_attempts");
    let chosen = world.choose(&token, NEW).await;
    let device = chosen.cookie("__Host-latchkey-device").expect("a device");
    chosen.expect(204);
    // Nobody else can tell that it was made.
    world.sign_in(&who.email, NEW).await.problem(429, "too_many_attempts");
    let body = json!({"practice": "harbor", "username": who.email, "password": NEW});
    let call = Call::new("POST", "/api/portal/sign-in").json(&body).cookie(&device);
    world.send(call).await.expect(200);
}

#[tokio::test]
async fn asking_is_limited_per_address_and_does_not_count_as_a_failed_sign_in() {
    let world = World::new().await;
    let who = world.dana().await.enrolled().await;
    let (busy, home) = ("198.51.100.9", "198.51.100.10");
    for n in 0..50 {
        forgot_from(&world, busy, &format!("nobody{n}@mail.example")).await.expect(202);
    }
    for username in [who.email.as_str(), "nobody@mail.example"] {
        let refused = forgot_from(&world, busy, username).await;
        let wait: u32 =
            refused.headers["retry-after"].to_str().expect("text").parse().expect("a number");
        assert!((1..=15 * 60).contains(&wait));
        refused.problem(429, "too_many_attempts");
    }
    let body = json!({"practice": "harbor", "username": who.email, "password": PASSWORD});
    let call = Call::new("POST", "/api/portal/sign-in").json(&body).from(busy);
    world.send(call).await.expect(200);
    forgot_from(&world, home, &who.email).await.expect(202);
    world.pass(15 * 60);
    forgot_from(&world, busy, &who.email).await.expect(202);
}

#[tokio::test]
async fn resets_are_recorded_without_a_word_of_who_asked_for_what() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = dana.enrolled().await;
    let before = world.events().await;
    world.forgot("nobody@mail.example").await.expect(202);
    let token = token(&world, &who).await;
    world.choose(&token, NEW).await.expect(204);
    let events = world.events().await;
    let mut added: Vec<&String> =
        events.iter().filter(|(k, _)| !before.contains_key(*k)).map(|(_, v)| v).collect();
    added.sort_by_key(|e| e.contains("password-changed"));
    let actions: Vec<String> = added
        .iter()
        .map(|e| serde_json::from_str::<Value>(e).expect("JSON"))
        .map(|e| text(&e["action"]))
        .collect();
    assert_eq!(
        actions,
        ["password-reset-requested", "password-reset-requested", "password-changed"]
    );
    let all: String = added.into_iter().map(String::as_str).collect();
    for value in ["nobody@", who.email.as_str(), NEW, token.as_str(), &token[30..]] {
        assert!(!all.contains(value), "{value}");
    }
}

#[tokio::test]
async fn the_table_holds_the_hash_of_a_reset_and_nothing_that_makes_it() {
    let world = World::new().await;
    let who = world.dana().await.enrolled().await;
    world.forgot(&who.email).await.expect(202);
    let waiting = world.items().await;
    world.deliver().await;
    let sent = world.items().await;
    let token = world.post.newest(&who.email).token();
    let hash = json!(ResetToken::parse(&token).expect("a token").secret.hash());
    let hash = hash.as_str().expect("text");
    // The last 42 characters are the secret's alone.
    let secret = &token[token.len() - 42..];
    for items in [&waiting, &sent] {
        assert!(!items.values().any(|v| v.contains(secret)));
        assert!(items.values().any(|v| v.contains(hash)));
    }
    assert!(waiting.values().any(|v| v.contains("\"nonce\"")));
    assert!(!sent.values().any(|v| v.contains("\"nonce\"")));
    world.choose(&token, NEW).await.expect(204);
    assert!(!world.items().await.values().any(|v| v.contains(hash)));
}

/// The refused choices of a password since `before`: the client they concern, if any, and why.
async fn refused_since(world: &World, before: &BTreeMap<String, String>) -> Vec<(Value, Value)> {
    let events = world.events().await;
    let new = events.iter().filter(|(key, _)| !before.contains_key(*key));
    new.map(|(_, event)| serde_json::from_str::<Value>(event).expect("JSON"))
        .filter(|event| event["action"] == "password-change-refused")
        .map(|event| {
            assert_eq!(event["actor"]["role"], "nobody");
            (event["clientId"].clone(), event["reason"].clone())
        })
        .collect()
}

#[tokio::test]
async fn a_link_that_does_not_work_is_recorded_where_the_practice_is_real() {
    let world = World::new().await;
    let who = world.dana().await.enrolled().await;
    let used = token(&world, &who).await;
    world.choose(&used, NEW).await.expect(204);
    world.deliver().await;
    let over = token(&world, &who).await;
    world.pass(60 * 60);
    let mut forged = ResetToken::parse(&over).expect("a token");
    forged.account = world.account_key("nobody@mail.example");
    let chart = json!(who.client);
    for (link, client) in [
        (used.clone(), &chart),
        (over.clone(), &chart),
        (forged.text(), &Value::Null),
        (format!("{over}A"), &Value::Null),
        ("harbor.x".to_owned(), &Value::Null),
    ] {
        let before = world.events().await;
        world.choose(&link, "a third one of brass bells").await.problem(409, "reset_expired");
        let refused = refused_since(&world, &before).await;
        assert_eq!(refused, [(client.clone(), json!("reset_expired"))], "{link}");
    }
    // Where there is no practice, there is no history.
    let before = world.events().await;
    for link in ["nowhere.x", "x", "", "Harbor.x"].into_iter().filter(|link| !link.is_empty()) {
        world.choose(link, "a third one of brass bells").await.problem(409, "reset_expired");
    }
    assert_eq!(world.events().await, before);
}

#[tokio::test]
async fn links_that_do_not_work_are_limited_and_one_that_does_works_all_the_same() {
    let world = World::new().await;
    let who = world.dana().await.enrolled().await;
    let works = token(&world, &who).await;
    let before = world.events().await;
    for n in 0..50 {
        let link = if n % 2 == 0 { "harbor.x" } else { "nowhere.x" };
        world.choose(link, NEW).await.problem(409, "reset_expired");
    }
    assert_eq!(refused_since(&world, &before).await.len(), 25);
    // The last named a practice without a history.
    assert!(locks_since(&world, &before).await.is_empty());
    let before = world.events().await;
    for link in ["harbor.x", "nowhere.x"] {
        world.choose(link, NEW).await.problem(429, "too_many_attempts");
    }
    // An enrolment's link is as good as a reset's.
    world.check("harbor.x").await.problem(429, "too_many_attempts");
    assert!(refused_since(&world, &before).await.is_empty());
    assert_eq!(locks_since(&world, &before).await, ["address"]);
    world.choose(&works, NEW).await.expect(204);
    // Neither signing in nor asking is held up by it.
    world.signed_in(&who.email, NEW).await;
    world.ask(&who.email).await.expect(202);
    world.pass(15 * 60);
    world.choose("harbor.x", NEW).await.problem(409, "reset_expired");
}
