//! Asking for a new password: the request writes the same for everybody, and the stream-driven function
//! finds whom it fits.

use std::collections::BTreeSet;

use api_tests::{
    Answer, Call, PASSWORD, World,
    mail::{Mood, Received},
    people::{Invited, Staff, text},
    wire::Fault,
};
use serde_json::{Value, json};
use shared::{
    account::{self, AddressEntry},
    fields::Email,
    history::Role,
    id::{AccountKey, PracticeId},
    keys,
    token::{InvitationToken, ResetToken},
};

const NEW: &str = "another nine grey pebbles";
const DAY: i64 = 24 * 60 * 60;

async fn forgot_from(world: &World, address: &str, typed: &str) -> Answer {
    let body = json!({"practice": "harbor", "username": typed});
    world.send(Call::new("POST", "/api/portal/password-reset").json(&body).from(address)).await
}

/// Asks, and lets the stream do the rest.
async fn ask(world: &World, typed: &str) {
    world.ask(typed).await.expect(202);
    assert_eq!(world.deliver().await, 0);
}

/// The recipients of the mails since the first `before` of them.
fn since(world: &World, before: usize) -> Vec<String> {
    world.post.received().split_off(before).into_iter().map(|mail| mail.to).collect()
}

fn mails(world: &World) -> usize {
    world.post.received().len()
}

/// The token that resets the account with a sign-in name.
fn token_of(world: &World, sent: &[Received], username: &str) -> String {
    let key = world.account_key(username);
    let of = |token: &String| ResetToken::parse(token).is_some_and(|token| token.account == key);
    let tokens: Vec<String> = sent.iter().map(Received::token).filter(of).collect();
    assert_eq!(tokens.len(), 1, "one mail for {username}");
    tokens[0].clone()
}

/// Adds a portal user with a sign-in name; has the invitation delivered.
async fn invite_as(staff: &Staff, client: &str, username: &str, email: &str) -> Invited {
    let body = json!({
        "name": {"first": "Pat", "last": username}, "email": email, "username": username,
        "relationship": "parent", "permissions": ["basic"],
    });
    let added = staff.post(&format!("/api/clients/{client}/portal-users"), &body).await;
    let user = text(&added.expect(201)["portalUserId"]);
    Invited { client: client.into(), user, email: email.into(), token: String::new() }
}

/// Somebody enrolled with a sign-in name and an address.
async fn enrolled_as(world: &World, staff: &Staff, username: &str, email: &str) -> Invited {
    let client = staff.client("Amara", "Okafor", "1984-03-12").await;
    let mut who = invite_as(staff, &client, username, email).await;
    world.deliver().await;
    who.token = world.post.newest(email).token();
    world.enroll(&who.token, "Okafor", "1984-03-12", PASSWORD).await.expect(201);
    who
}

/// An account with so many charts, of which the first is open and the others wait.
async fn of_charts(world: &World, staff: &Staff, charts: usize) -> String {
    let email = format!("guardian-of-{charts}@mail.example");
    for n in 0..charts {
        let client = staff.client(&format!("Child {n}"), "Okafor", "1984-03-12").await;
        staff.add(&client, &email).await.expect(201);
        if n % 8 == 7 {
            world.forget_mails().await;
        }
        if n == 0 {
            world.deliver().await;
            let token = world.post.newest(&email).token();
            world.enroll(&token, "Okafor", "1984-03-12", PASSWORD).await.expect(201);
        }
    }
    world.deliver().await;
    email
}

/// What asking does: each request to the table with its bytes and items, and how many items of how
/// many bytes are new.
#[derive(Debug, PartialEq, Eq)]
struct Work {
    requests: Vec<(String, usize, usize)>,
    written: Vec<(String, usize)>,
    events: usize,
}

async fn work(world: &World, address: &str, typed: &str) -> Work {
    let before = (world.items().await, world.events().await.len());
    world.wire.forget();
    world.wire.hold();
    let mut requests = Vec::new();
    let mut asking = Box::pin(forgot_from(world, address, typed));
    let answer = loop {
        tokio::select! {
            answer = &mut asking => break answer,
            () = tokio::task::yield_now() => {}
        }
        let Some(held) = world.wire.take(0) else { continue };
        let body: Value = serde_json::from_slice(&held.body).expect("JSON");
        let tables = body["RequestItems"].as_object();
        let keys = tables.and_then(|tables| tables.values().next()?["Keys"].as_array());
        let items = keys.or(body["TransactItems"].as_array()).map_or(0, Vec::len);
        assert!(!body.to_string().contains("#A#"), "an account is read");
        requests.push((held.operation.clone(), held.body.len(), items));
        held.release();
    };
    world.wire.let_go();
    answer.expect(202);
    let after = world.items().await;
    let new = after.iter().filter(|(key, _)| !before.0.contains_key(*key));
    let kind = |key: &str| key.rsplit(' ').next().unwrap_or_default()[..3].to_owned();
    let written = new.map(|(key, item)| (kind(key), key.len() + item.len())).collect();
    assert!(!after.values().any(|item| item.contains("askId") && item.contains(typed)));
    Work { requests, written, events: world.events().await.len() - before.1 }
}

#[tokio::test]
async fn asking_costs_the_same_whoever_is_asked_for() {
    let world = World::new().await;
    let dana = world.dana().await;
    let invited = dana.client("Wren", "Okafor", "1984-03-12").await;
    invite_as(&dana, &invited, "waiting", "waiting@mail.example").await;
    enrolled_as(&world, &dana, "holly", "marsh@mail.example").await;
    let revoked = enrolled_as(&world, &dana, "henry", "henry@mail.example").await;
    dana.revoke(&revoked).await.expect(200);
    let (twelve, forty) = (of_charts(&world, &dana, 12).await, of_charts(&world, &dana, 40).await);
    world.forget_mails().await;
    let unknown = work(&world, "198.51.100.10", "nobody@mail.example").await;
    let kinds: Vec<&str> = unknown.written.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds.len(), 2, "{unknown:?}");
    assert!(kinds.contains(&"ASK") && kinds.contains(&"SOU"), "{unknown:?}");
    assert_eq!(unknown.events, 0);
    let typed = [
        "waiting",
        "waiting@mail.example",
        "holly",
        "marsh@mail.example",
        "henry",
        "xyz@",
        "seven-quiet-kettles-hum-in-the-hall",
        &twelve,
        &forty,
    ];
    for (n, typed) in typed.into_iter().enumerate() {
        let address = format!("198.51.100.{}", 11 + n);
        assert_eq!(work(&world, &address, typed).await, unknown, "{typed}");
    }
    // And all that fits is found by it: a mail for each of the four who can get one.
    let before = mails(&world);
    world.deliver().await;
    let mut to = since(&world, before);
    to.sort();
    to.dedup();
    let mut expected = [&twelve, &forty, "marsh@mail.example", "waiting@mail.example"];
    expected.sort_unstable();
    assert_eq!(to, expected);
    assert!(!world.items().await.keys().any(|key| key.contains("#Q#")), "what was asked is done");
}

#[tokio::test]
async fn a_reset_is_asked_for_by_sign_in_name_or_by_address() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = enrolled_as(&world, &dana, "holly", "marsh@mail.example").await;
    for (typed, password) in
        [("Holly", NEW), ("MARSH@mail.example", PASSWORD), ("Pat <marsh@mail.example>", NEW)]
    {
        let before = mails(&world);
        ask(&world, typed).await;
        assert_eq!(since(&world, before), ["marsh@mail.example"], "{typed}");
        let mail = world.post.newest(&who.email);
        world.choose(&mail.token(), password).await.expect(204);
        world.signed_in("holly", password).await;
        world.deliver().await;
    }
}

#[tokio::test]
async fn each_account_with_an_address_gets_one_mail() {
    let world = World::new().await;
    let dana = world.dana().await;
    for username in ["holly", "henry"] {
        enrolled_as(&world, &dana, username, "marsh@mail.example").await;
    }
    // The address is the sign-in name of a third.
    enrolled_as(&world, &dana, "marsh@mail.example", "marsh@mail.example").await;
    let before = mails(&world);
    ask(&world, "marsh@mail.example").await;
    let sent = world.post.received().split_off(before);
    assert_eq!(sent.len(), 3);
    for (n, username) in ["holly", "henry", "marsh@mail.example"].into_iter().enumerate() {
        let password = format!("{NEW} and {n} more");
        world.choose(&token_of(&world, &sent, username), &password).await.expect(204);
        world.signed_in(username, &password).await;
    }
    // By a sign-in name alone it is one.
    world.deliver().await;
    world.forget_mails().await;
    let before = mails(&world);
    ask(&world, "henry").await;
    assert_eq!(since(&world, before).len(), 1);
}

#[tokio::test]
async fn somebody_who_was_only_invited_gets_the_invitation_again_which_ends_when_it_ended() {
    for typed in ["waiting", "waiting@mail.example"] {
        let world = World::new().await;
        let dana = world.dana().await;
        let client = dana.client("Wren", "Okafor", "1984-03-12").await;
        let who = invite_as(&dana, &client, "waiting", "waiting@mail.example").await;
        world.deliver().await;
        let first = world.post.newest(&who.email).token();
        for _ in 0..9 {
            let wrong = world.enroll(&first, "Adeyemi", "1984-03-12", NEW).await;
            wrong.problem(422, "proof_failed");
        }
        let user = dana.user(&who).await;
        world.pass(DAY);
        let dana = world.dana().await;
        let before = (mails(&world), world.events().await);
        ask(&world, typed).await;
        assert_eq!(since(&world, before.0), ["waiting@mail.example"]);
        let mail = world.post.newest(&who.email);
        let again = dana.user(&who).await;
        assert_eq!(again["invitation"]["expiresAt"], user["invitation"]["expiresAt"]);
        assert_eq!(again["version"], user["version"]);
        assert_eq!(again["mail"]["kind"], "invitation");
        assert_eq!(again["mail"]["state"], "sent");
        let check = world.check(&first).await.expect(200);
        assert_eq!(check["state"], "expired");
        let check = world.check(&mail.token()).await.expect(200);
        assert_eq!(
            (&check["state"], &check["expiresAt"]),
            (&json!("open"), &user["invitation"]["expiresAt"])
        );
        // Both events are nobody's, of the request that asked.
        let events = world.events().await;
        let new: Vec<Value> = events
            .iter()
            .filter(|(key, _)| !before.1.contains_key(*key) && key.contains(&client))
            .map(|(_, event)| serde_json::from_str(event).expect("JSON"))
            .filter(|event: &Value| event["actor"]["role"] == "nobody")
            .filter(|event| event["action"] != "enrollment-refused")
            .collect();
        let mut actions: Vec<&str> = new.iter().filter_map(|e| e["action"].as_str()).collect();
        actions.sort_unstable();
        assert_eq!(actions, ["invitation-resent", "password-reset-requested"]);
        assert!(new.iter().all(|e| e["source"] == "203.0.113.7" && e["requestId"] != ""));
        assert_eq!(new[0]["requestId"], new[1]["requestId"]);
        // The tenth wrong proof ends it, and asking does not begin it anew.
        let wrong = world.enroll(&mail.token(), "Adeyemi", "1984-03-12", NEW).await;
        wrong.problem(422, "proof_failed");
        world.pass(10 * 60);
        let before = mails(&world);
        ask(&world, typed).await;
        assert_eq!(mails(&world), before);
    }
}

#[tokio::test]
async fn asking_again_within_ten_minutes_leaves_the_invitation_that_was_sent_alone() {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = dana.client("Wren", "Okafor", "1984-03-12").await;
    let who = dana.invite(&client, "waiting@mail.example").await;
    // The first may come at once: the mail was lost.
    ask(&world, &who.email).await;
    let sent = world.post.newest(&who.email).token();
    assert_ne!(sent, who.token);
    let before = mails(&world);
    for _ in 0..9 {
        world.pass(60);
        ask(&world, &who.email).await;
    }
    world.pass(59);
    ask(&world, &who.email).await;
    assert_eq!(mails(&world), before);
    assert_eq!(world.check(&sent).await.expect(200)["state"], "open");
    world.pass(1);
    ask(&world, &who.email).await;
    assert_eq!(mails(&world), before + 1);
    assert_eq!(world.check(&sent).await.expect(200)["state"], "expired");
    let newest = world.post.newest(&who.email).token();
    world.enroll(&newest, "Okafor", "1984-03-12", PASSWORD).await.expect(201);
    world.signed_in(&who.email, PASSWORD).await;
}

#[tokio::test]
async fn each_chart_that_waits_gets_its_invitation_again() {
    let world = World::new().await;
    let dana = world.dana().await;
    let mut links = Vec::new();
    for first in ["Wren", "Silas"] {
        let client = dana.client(first, "Okafor", "1984-03-12").await;
        links.push(dana.invite(&client, "holly@mail.example").await.token);
    }
    let before = mails(&world);
    ask(&world, "holly@mail.example").await;
    assert_eq!(since(&world, before), ["holly@mail.example"; 2]);
    for link in &links {
        assert_eq!(world.check(link).await.expect(200)["state"], "expired");
    }
    for mail in world.post.received().split_off(before) {
        world.enroll(&mail.token(), "Okafor", "1984-03-12", PASSWORD).await.expect(201);
    }
    let session = world.signed_in("holly@mail.example", PASSWORD).await;
    let session = world.session(&session).await.expect(200);
    assert_eq!(session["charts"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn whoever_can_get_nothing_gets_nothing() {
    for end in ["expired", "revoked", "revoked after enrolling", "deleted", "another practice"] {
        let world = World::new().await;
        let dana = world.dana().await;
        let client = dana.client("Wren", "Okafor", "1984-03-12").await;
        let who = match end {
            "revoked after enrolling" => dana.enroll_for(&client, "holly@mail.example").await,
            _ => dana.invite(&client, "holly@mail.example").await,
        };
        match end {
            "expired" => world.pass(7 * DAY),
            "deleted" => drop(dana.delete(&who, "confirm=delete").await.expect(200)),
            "another practice" => {}
            _ => drop(dana.revoke(&who).await.expect(200)),
        }
        let before = (mails(&world), world.items().await);
        if end == "another practice" {
            let body = json!({"practice": "cove", "username": who.email});
            let call = Call::new("POST", "/api/portal/password-reset").json(&body);
            world.send(call).await.expect(202);
            world.deliver().await;
        } else {
            ask(&world, &who.email).await;
        }
        assert_eq!(mails(&world), before.0, "{end}");
        let mut after = world.items().await;
        after.retain(|key, _| !key.ends_with(" SOURCE"));
        assert_eq!(after, before.1, "{end}");
    }
}

#[tokio::test]
async fn a_changed_address_is_found_and_the_old_one_is_not() {
    for enrolled in [true, false] {
        let world = World::new().await;
        let dana = world.dana().await;
        let client = dana.client("Wren", "Okafor", "1984-03-12").await;
        let who = if enrolled {
            dana.enroll_for(&client, "holly@mail.example").await
        } else {
            dana.invite(&client, "holly@mail.example").await
        };
        let edit = json!({
            "version": dana.user(&who).await["version"], "email": "marsh@mail.example",
            "username": "holly",
        });
        dana.patch(&who.path(), &edit).await.expect(200);
        world.deliver().await;
        let before = mails(&world);
        ask(&world, "holly@mail.example").await;
        assert_eq!(mails(&world), before);
        ask(&world, "marsh@mail.example").await;
        assert_eq!(since(&world, before), ["marsh@mail.example"]);
    }
}

#[tokio::test]
async fn an_entry_that_leads_to_an_account_with_another_address_finds_nobody() {
    // As after a restore: the entry is of before, the account of after.
    let world = World::new().await;
    let dana = world.dana().await;
    let client = dana.client("Wren", "Okafor", "1984-03-12").await;
    invite_as(&dana, &client, "holly", "marsh@mail.example").await;
    world.deliver().await;
    let harbor = PracticeId::parse("harbor").expect("a practice");
    let old = Email::parse("holly@mail.example").expect("an address");
    let address = account::address_key(&world.app, &harbor, &old).expect("a key");
    let mut change = world.app.store().change();
    let entry = keys::address(&harbor, &address, &world.account_key("holly"));
    change.set(&entry, &AddressEntry {});
    world.app.store().write(change).await.expect("written");
    let before = mails(&world);
    ask(&world, "holly@mail.example").await;
    assert_eq!(mails(&world), before);
}

/// Two accounts with one address.
async fn two(world: &World) -> [&'static str; 2] {
    let dana = world.dana().await;
    for username in ["holly", "henry"] {
        enrolled_as(world, &dana, username, "marsh@mail.example").await;
    }
    ["holly", "henry"]
}

/// Demands one reset mail for each of the two, whose links work.
async fn one_each(world: &World, before: usize) {
    let sent = world.post.received().split_off(before);
    assert_eq!(sent.len(), 2);
    for username in ["holly", "henry"] {
        world.choose(&token_of(world, &sent, username), NEW).await.expect(204);
    }
    assert!(!world.items().await.keys().any(|key| key.contains("#Q#")));
}

#[tokio::test]
async fn each_account_is_served_once_wherever_the_function_dies() {
    for fault in [Fault::Error, Fault::LostAnswer, Fault::Throttled, Fault::Conflict] {
        for pass in 0..3 {
            let world = World::new().await;
            two(&world).await;
            let before = mails(&world);
            world.ask("marsh@mail.example").await.expect(202);
            world.wire.break_after("TransactWriteItems", pass, fault, 30);
            let records = world.records();
            world.redeliver(records.clone()).await;
            world.wire.forget();
            world.redeliver(records).await;
            world.deliver().await;
            one_each(&world, before).await;
        }
    }
}

#[tokio::test]
async fn each_account_is_served_once_however_often_the_stream_brings_it() {
    let world = World::new().await;
    two(&world).await;
    let before = mails(&world);
    world.ask("marsh@mail.example").await.expect(202);
    let records = world.records();
    let again = || world.redeliver(records.clone());
    let (one, other, sweep) = tokio::join!(again(), again(), async {
        world.pass(3 * 60);
        let sender = world.sender();
        sender.sweep().await.map(|left| left.len())
    });
    assert!(one + other + sweep.expect("a sweep") < 3);
    assert_eq!(again().await, 0);
    world.deliver().await;
    one_each(&world, before).await;
}

#[tokio::test]
async fn what_the_stream_did_not_bring_is_swept_up() {
    let world = World::new().await;
    two(&world).await;
    let before = mails(&world);
    world.ask("marsh@mail.example").await.expect(202);
    // The stream lost it.
    drop(world.records());
    world.sender().sweep().await.expect("a sweep");
    assert!(world.items().await.keys().any(|key| key.contains("#Q#")), "the stream may come yet");
    world.pass(2 * 60 + 1);
    world.sender().sweep().await.expect("a sweep");
    world.deliver().await;
    one_each(&world, before).await;
}

#[tokio::test]
async fn many_requests_that_wait_do_not_keep_a_mail_waiting() {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = dana.client("Wren", "Okafor", "1984-03-12").await;
    for n in 0..5 {
        world.ask(&format!("nobody-{n}")).await.expect(202);
    }
    dana.add(&client, "waiting@mail.example").await.expect(201);
    // The stream lost all of it.
    drop(world.records());
    world.pass(2 * 60 + 1);
    let sender = world.sender();
    {
        let mut sweep = Box::pin(sender.sweep());
        while mails(&world) == 0 {
            tokio::select! {
                biased;
                _ = &mut sweep => break,
                () = tokio::task::yield_now() => {}
            }
        }
    }
    assert_eq!(mails(&world), 1);
    let items = world.items().await;
    assert_eq!(items.keys().filter(|key| key.contains("#Q#")).count(), 4, "one, and then the mail");
    sender.sweep().await.expect("a sweep");
    assert!(!world.items().await.keys().any(|key| key.contains("#Q#")));
}

#[tokio::test]
async fn nothing_is_lost_while_the_table_or_the_mail_service_is_down() {
    let world = World::new().await;
    two(&world).await;
    let before = mails(&world);
    world.ask("marsh@mail.example").await.expect(202);
    let records = world.records();
    for operation in ["GetItem", "Query", "BatchGetItem"] {
        world.wire.break_after(operation, 0, Fault::Error, 30);
        assert_eq!(world.redeliver(records.clone()).await, 1, "{operation}");
        world.wire.forget();
    }
    world.post.feels(Mood::Down);
    assert_eq!(world.redeliver(records).await, 0);
    let records = world.records();
    assert_eq!(world.redeliver(records.clone()).await, 2);
    assert_eq!(mails(&world), before);
    world.post.feels(Mood::Well);
    assert_eq!(world.redeliver(records).await, 0);
    one_each(&world, before).await;
}

#[tokio::test]
async fn what_could_not_be_done_for_three_days_is_given_up() {
    let world = World::new().await;
    let dana = world.dana().await;
    enrolled_as(&world, &dana, "holly", "marsh@mail.example").await;
    let before = mails(&world);
    world.ask("holly").await.expect(202);
    world.pass(3 * DAY);
    world.deliver().await;
    assert_eq!(mails(&world), before);
    assert!(!world.items().await.keys().any(|key| key.contains("#Q#")));
}

#[tokio::test]
async fn an_invitation_that_staff_sent_since_is_not_replaced() {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = dana.client("Wren", "Okafor", "1984-03-12").await;
    let who = dana.invite(&client, "waiting@mail.example").await;
    world.ask(&who.email).await.expect(202);
    let asked = world.records();
    world.pass(60);
    dana.resend(&who).await.expect(202);
    world.deliver().await;
    let before = mails(&world);
    world.redeliver(asked).await;
    world.deliver().await;
    assert_eq!(mails(&world), before);
    let newest = world.post.newest(&who.email).token();
    assert_eq!(world.check(&newest).await.expect(200)["state"], "open");
}

#[tokio::test]
async fn of_two_charts_with_an_open_reset_one_receipt_counts_it() {
    for enrolled in [1, 2] {
        let world = World::new().await;
        let dana = world.dana().await;
        let mut charts = Vec::new();
        for n in 0..2 {
            let client = dana.client(&format!("Child {n}"), "Okafor", "1984-03-12").await;
            charts.push(if n < enrolled {
                dana.enroll_for(&client, "holly@mail.example").await
            } else {
                dana.invite(&client, "holly@mail.example").await
            });
        }
        ask(&world, "holly@mail.example").await;
        let mut resets = Vec::new();
        for who in &charts {
            resets.push(dana.revoke(who).await.expect(200)["ended"]["resets"].clone());
        }
        assert_eq!(resets, [1, 0]);
    }
}

#[tokio::test]
async fn staff_see_on_the_chart_that_a_password_was_asked_for() {
    let world = World::new().await;
    let dana = world.dana().await;
    let casey = world.staff("cove", "Casey", Role::Admin).await;
    let elsewhere = casey.client("Wren", "Okafor", "1984-03-12").await;
    let who = enrolled_as(&world, &dana, "holly", "marsh@mail.example").await;
    for typed in ["holly", "marsh@mail.example"] {
        ask(&world, typed).await;
    }
    let asked = "password-reset-requested".to_owned();
    let seen = dana.actions(&who.client).await;
    assert_eq!(seen.iter().filter(|action| **action == asked).count(), 2);
    assert!(!casey.actions(&elsewhere).await.contains(&asked));
}

const SHARED: &str = "marsh@mail.example";
const HOUR: i64 = 60 * 60;

/// People with an account each, who share an address and have their budget whole.
async fn sharing(world: &World, usernames: &[&'static str]) {
    let dana = world.dana().await;
    for username in usernames {
        enrolled_as(world, &dana, username, SHARED).await;
        world.forget_mails().await;
    }
}

/// Asks, and answers for whom resets were sent, as the keys of their accounts.
async fn reset_by(world: &World, typed: &str) -> Vec<AccountKey> {
    let before = mails(world);
    ask(world, typed).await;
    let sent = world.post.received().split_off(before);
    sent.iter().map(|mail| ResetToken::parse(&mail.token()).expect("a reset").account).collect()
}

#[tokio::test]
async fn all_that_comes_of_one_request_is_one_reset_and_three_are_held_in_an_hour() {
    let world = World::new().await;
    sharing(&world, &["holly", "henry", "hilda", "hanna"]).await;
    assert_eq!(reset_by(&world, SHARED).await.len(), 4);
    world.pass(10 * 60);
    // The fifth of the half of an hour's mails, whichever of them it is.
    assert_eq!(reset_by(&world, "holly").await, [world.account_key("holly")]);
    assert_eq!(reset_by(&world, "henry").await, []);
    world.forget_mails().await;
    // One at a time they are three, at one moment too.
    for (username, mails) in [("holly", 0), ("henry", 1), ("hilda", 1), ("hanna", 1)] {
        assert_eq!(reset_by(&world, username).await.len(), mails, "{username}");
    }
    world.pass(10 * 60);
    assert_eq!(reset_by(&world, "holly").await, []);
    world.pass(50 * 60);
    assert_eq!(reset_by(&world, "holly").await.len(), 1);
}

#[tokio::test]
async fn whom_the_budget_did_not_hold_is_first_the_next_time() {
    let world = World::new().await;
    let names = ["holly", "henry", "hilda", "hanna", "hugo", "heidi", "harper"];
    sharing(&world, &names).await;
    let mut left: BTreeSet<AccountKey> = names.iter().map(|n| world.account_key(n)).collect();
    let first = reset_by(&world, SHARED).await;
    assert_eq!(first.len(), 5);
    left.retain(|key| !first.contains(key));
    assert_eq!(left.len(), 2, "each of them once");
    // Nobody is passed over because of a request of which nothing came.
    world.pass(10 * 60);
    assert_eq!(reset_by(&world, SHARED).await, []);
    world.pass(HOUR);
    let second = reset_by(&world, SHARED).await;
    assert_eq!(second.len(), 5);
    assert_eq!(second[..2].iter().cloned().collect::<BTreeSet<_>>(), left);
    // Ten a day; then those who waited longest.
    world.pass(HOUR);
    assert_eq!(reset_by(&world, SHARED).await, []);
    world.pass(DAY);
    let third = reset_by(&world, SHARED).await;
    assert_eq!(third.len(), 5);
    assert!(first[3..].iter().all(|key| third[..2].contains(key)), "{first:?} {third:?}");
    assert!(!world.items().await.keys().any(|key| key.contains("#Q#")));
}

#[tokio::test]
async fn the_account_with_the_sign_in_name_comes_first_and_does_not_keep_the_others_back() {
    let world = World::new().await;
    let names = [SHARED, "holly", "henry", "hilda", "hanna", "hugo", "heidi", "harper", "hazel"];
    sharing(&world, &names).await;
    let mut left: BTreeSet<AccountKey> = names.iter().map(|n| world.account_key(n)).collect();
    for _ in 0..2 {
        let sent = reset_by(&world, SHARED).await;
        assert_eq!((sent.len(), &sent[0]), (5, &world.account_key(SHARED)));
        left.retain(|key| !sent.contains(key));
        world.pass(HOUR);
    }
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn invitations_take_turns_too_and_each_person_gets_a_mail_before_anybody_gets_two() {
    let world = World::new().await;
    let dana = world.dana().await;
    enrolled_as(&world, &dana, "holly", SHARED).await;
    let mut waiting = BTreeSet::new();
    for n in 0..8 {
        let client = dana.client(&format!("Child {n}"), "Okafor", "1984-03-12").await;
        let body = json!({
            "name": {"first": "Pat", "last": "Marsh"}, "email": SHARED, "relationship": "parent",
            "permissions": ["basic"],
        });
        dana.post(&format!("/api/clients/{client}/portal-users"), &body).await.expect(201);
        world.forget_mails().await;
        waiting.insert(client);
    }
    world.deliver().await;
    for expected in [(4, 1), (4, 1)] {
        let before = mails(&world);
        ask(&world, SHARED).await;
        let sent = world.post.received().split_off(before);
        let invited: BTreeSet<String> = sent
            .iter()
            .filter_map(|mail| InvitationToken::parse(&mail.token()))
            .map(|token| token.client.to_string())
            .collect();
        let resets = sent.iter().filter(|m| ResetToken::parse(&m.token()).is_some()).count();
        assert_eq!((invited.len(), resets), expected);
        waiting.retain(|client| !invited.contains(client));
        world.pass(HOUR);
    }
    assert!(waiting.is_empty(), "{waiting:?}");
}

#[tokio::test]
async fn one_request_counts_once_wherever_the_function_dies() {
    for pass in 0..8 {
        let world = World::new().await;
        sharing(&world, &["holly", "henry"]).await;
        let dana = world.dana().await;
        for n in 0..2 {
            let client = dana.client(&format!("Child {n}"), "Okafor", "1984-03-12").await;
            dana.add(&client, SHARED).await.expect(201);
        }
        world.deliver().await;
        world.forget_mails().await;
        let before = mails(&world);
        world.ask(SHARED).await.expect(202);
        world.wire.break_after("TransactWriteItems", pass, Fault::LostAnswer, 30);
        let records = world.records();
        world.redeliver(records.clone()).await;
        world.wire.forget();
        let _ = tokio::join!(world.redeliver(records.clone()), world.redeliver(records.clone()));
        world.redeliver(records).await;
        world.deliver().await;
        assert_eq!(mails(&world) - before, 4, "{pass}");
        let items = world.items().await;
        let budgets: Vec<_> = items.iter().filter(|(key, _)| key.ends_with(" BUDGET")).collect();
        let [(_, budget)] = budgets[..] else { panic!("one budget: {budgets:?}") };
        let budget: Value = serde_json::from_str(budget).expect("JSON");
        let asked = budget["asked"].as_array().expect("a list");
        assert_eq!((asked.len(), budget["times"].as_array().map(Vec::len)), (4, Some(4)));
        assert!(asked.iter().all(|mail| mail["ask"] == asked[0]["ask"]));
    }
}

#[tokio::test]
async fn a_request_that_finds_the_budget_spent_does_no_more() {
    let world = World::new().await;
    let dana = world.dana().await;
    let forty = of_charts(&world, &dana, 40).await;
    let client = dana.client("Wren", "Okafor", "1984-03-12").await;
    invite_as(&dana, &client, "waiting", SHARED).await;
    for n in 0..24 {
        let client = dana.client(&format!("Child {n}"), "Okafor", "1984-03-12").await;
        let body = json!({
            "name": {"first": "Pat", "last": "waiting"}, "email": SHARED, "username": "waiting",
            "relationship": "parent", "permissions": ["basic"],
        });
        dana.post(&format!("/api/clients/{client}/portal-users"), &body).await.expect(201);
        world.forget_mails().await;
    }
    world.deliver().await;
    world.forget_mails().await;
    for typed in ["waiting", &forty] {
        // What it does, and what it does again when nothing can be sent any more.
        for most in [40, 12] {
            world.ask(typed).await.expect(202);
            world.wire.forget();
            world.resolve().await;
            let seen = world.wire.seen();
            assert!(seen.len() <= most, "{typed}: {} of {most}: {seen:?}", seen.len());
            world.deliver().await;
            world.pass(20 * 60);
        }
    }
}

#[tokio::test]
async fn what_the_budget_of_an_address_does_not_hold_is_not_sent_and_nobody_is_told() {
    let world = World::new().await;
    let dana = world.dana().await;
    // An invitation whose mail is not held stays the one that works.
    let client = dana.client("Wren", "Okafor", "1984-03-12").await;
    let who = dana.invite(&client, "waiting@mail.example").await;
    for _ in 1..10 {
        dana.resend(&who).await.expect(202);
    }
    world.deliver().await;
    let newest = world.post.newest(&who.email).token();
    let before = mails(&world);
    ask(&world, &who.email).await;
    assert_eq!(mails(&world), before);
    assert_eq!(world.check(&newest).await.expect(200)["state"], "open");
}
