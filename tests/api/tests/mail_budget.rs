//! Rule 7: an address gets at most 10 mails an hour and 20 a day, 3 of them resets an hour; notices do
//! not count. What is over it is refused to staff and silently not sent to strangers, who can spend half
//! of it.

use std::collections::BTreeMap;

use api_tests::{
    Answer, Call, PASSWORD, World,
    people::{Invited, Staff, text},
};
use futures::future::join_all;
use serde_json::{Value, json};
use shared::fields::At;

const HOUR: i64 = 60 * 60;
const DAY: i64 = 24 * HOUR;
const EMAIL: &str = "pat@mail.example";
const NEW: &str = "another nine grey pebbles";

/// A portal user of a new client, whose invitation was the first mail to the address.
async fn invited(dana: &Staff, email: &str) -> Invited {
    let client = dana.client("Amara", "Okafor", "1984-03-12").await;
    let user = text(&dana.add(&client, email).await.expect(201)["portalUserId"]);
    Invited { client, user, email: email.into(), token: String::new() }
}

/// Spends what is left of an hour's budget, of which one mail was sent.
async fn spend(dana: &Staff, who: &Invited) {
    for _ in 0..9 {
        dana.resend(who).await.expect(202);
    }
}

/// Demands that a request was refused because the budget is spent until then.
fn refused(world: &World, answer: Answer, until: At) {
    let wait: i64 = answer.headers["retry-after"].to_str().expect("text").parse().expect("seconds");
    let problem = answer.problem(429, "mail_budget_spent");
    assert_eq!(problem["until"], json!(until));
    let left = until.millis() - world.now().millis();
    assert_eq!(wait, (left + 999) / 1000, "whole seconds, rounded up");
}

/// All items but the sessions of staff, which move with their use.
async fn items(world: &World) -> BTreeMap<String, String> {
    let mut items = world.items().await;
    items.retain(|key, _| !key.contains(" SESSION#"));
    items
}

/// The mails in the outbox.
async fn outbox(world: &World) -> usize {
    world.items().await.keys().filter(|key| key.contains(" MAIL#")).count()
}

#[tokio::test]
async fn the_eleventh_mail_of_an_hour_is_refused_until_the_first_is_an_hour_old() {
    let world = World::new().await;
    let dana = world.dana().await;
    let first = world.now();
    let who = invited(&dana, EMAIL).await;
    let mut second = first;
    for n in 0..9 {
        world.pass(60);
        if n == 0 {
            second = world.now();
        }
        dana.resend(&who).await.expect(202);
    }
    let free = first.plus(HOUR);
    refused(&world, dana.resend(&who).await, free);
    let left = free.millis() - world.now().millis();
    world.pass_millis(left - 1);
    let dana = world.dana().await;
    refused(&world, dana.resend(&who).await, free);
    world.pass_millis(1);
    dana.resend(&who).await.expect(202);
    // The window slides: the next is free when the second mail is an hour old, not all at once.
    refused(&world, dana.resend(&who).await, second.plus(HOUR));
    world.pass(60);
    dana.resend(&who).await.expect(202);
}

#[tokio::test]
async fn the_twenty_first_mail_of_a_day_is_refused_until_the_first_is_a_day_old() {
    let world = World::new().await;
    let first = world.now();
    let who = invited(&world.dana().await, EMAIL).await;
    for _ in 1..20 {
        world.pass(HOUR / 5);
        world.dana().await.resend(&who).await.expect(202);
    }
    world.pass(2 * HOUR);
    let free = first.plus(DAY);
    refused(&world, world.dana().await.resend(&who).await, free);
    world.pass_millis(free.millis() - world.now().millis() - 1);
    let dana = world.dana().await;
    refused(&world, dana.resend(&who).await, free);
    world.pass_millis(1);
    dana.resend(&who).await.expect(202);
}

#[tokio::test]
async fn whoever_goes_on_for_days_is_held_to_the_budget_and_the_item_stays_small() {
    let world = World::new().await;
    let who = invited(&world.dana().await, EMAIL).await;
    let mut sent = 1;
    // Tries once every twenty minutes for four days.
    for _ in 0..(4 * 24 * 3) {
        world.pass(HOUR / 3);
        match world.dana().await.resend(&who).await.status.as_u16() {
            202 => sent += 1,
            status => assert_eq!(status, 429),
        }
    }
    assert_eq!(sent, 4 * 20 + 1, "twenty a day, and the first of the fifth");
    let items = world.items().await;
    let budgets: Vec<_> = items.iter().filter(|(key, _)| key.ends_with(" BUDGET")).collect();
    let [(key, item)] = budgets[..] else { panic!("one budget: {budgets:?}") };
    assert!(!key.contains("pat") && !item.contains("pat"), "{key} {item}");
    let item: Value = serde_json::from_str(item).expect("JSON");
    assert!(item["times"].as_array().expect("a list").len() <= 40);
    let seconds = item["expiresAt"].as_i64().expect("a number");
    assert!((1..=DAY + 1).contains(&(seconds - world.now().seconds())), "the table forgets it");
}

#[tokio::test]
async fn no_way_of_mailing_goes_round_the_budget_and_a_refusal_changes_nothing() {
    let world = World::new().await;
    let dana = world.dana().await;
    // Somebody with credentials who was revoked, and somebody invited, at one address.
    let active = dana.enroll_for(&dana.client("Ada", "Okafor", "1984-03-12").await, EMAIL).await;
    dana.revoke(&active).await.expect(200);
    let other = dana.client("Silas", "Okafor", "1984-03-12").await;
    let withdrawn = Invited {
        user: text(&dana.add(&other, EMAIL).await.expect(201)["portalUserId"]),
        client: other,
        ..active.clone()
    };
    dana.revoke(&withdrawn).await.expect(200);
    let elsewhere = invited(&dana, "else@mail.example").await;
    let who = invited(&dana, EMAIL).await;
    for _ in 0..7 {
        dana.resend(&who).await.expect(202);
    }
    world.deliver().await;
    let free = world.now().plus(HOUR);
    let another = dana.client("Mara", "Okafor", "1984-03-12").await;
    let edit = json!({
        "version": dana.user(&elsewhere).await["version"], "email": EMAIL, "username": "elsewhere",
    });
    let (items, changes) = (items(&world).await, world.changes().await);
    refused(&world, dana.resend(&who).await, free);
    refused(&world, dana.add(&another, EMAIL).await, free);
    refused(&world, dana.add(&another, "PAT@Mail.Example").await, free);
    refused(&world, dana.activate(&active).await, free);
    refused(&world, dana.activate(&withdrawn).await, free);
    refused(&world, dana.patch(&elsewhere.path(), &edit).await, free);
    assert!(self::items(&world).await == items, "nothing is written");
    assert!(world.changes().await == changes);
    assert_eq!(dana.actions(&another).await[0], "refused", "that stands in the history");

    // A repeat of what is done mails nothing, and is answered.
    dana.revoke(&active).await.expect(200);
    // What mails nothing, or somebody else, is not held up.
    let edit = json!({"version": dana.user(&who).await["version"], "permissions": ["basic"]});
    dana.patch(&who.path(), &edit).await.expect(200);
    dana.resend(&elsewhere).await.expect(202);
    world.pass(HOUR);
    let dana = world.dana().await;
    dana.activate(&active).await.expect(200);
    dana.activate(&active).await.expect(200);
    dana.add(&another, EMAIL).await.expect(201);
}

#[tokio::test]
async fn the_budget_is_that_of_one_address_in_one_practice() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = invited(&dana, EMAIL).await;
    spend(&dana, &who).await;
    dana.resend(&who).await.problem(429, "mail_budget_spent");
    invited(&dana, "pat@mail2.example").await;
    let casey = world.staff("cove", "Casey", shared::history::Role::Admin).await;
    invited(&casey, EMAIL).await;
}

#[tokio::test]
async fn of_many_at_once_exactly_ten_are_sent() {
    let world = World::new().await;
    let dana = world.dana().await;
    // Two clients, so that nothing but the address is shared.
    let (one, two) = (invited(&dana, EMAIL).await, invited(&dana, EMAIL).await);
    let requests = (0..12).map(|n| dana.resend(if n % 2 == 0 { &one } else { &two }));
    let answers = join_all(requests).await;
    let sent = answers.iter().filter(|answer| answer.status.as_u16() == 202).count();
    let over = answers.iter().filter(|answer| answer.status.as_u16() == 429).count();
    assert_eq!((sent, over), (8, 4));
    assert_eq!(outbox(&world).await, 10);
}

#[tokio::test]
async fn a_repeated_request_is_answered_and_spends_nothing() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = invited(&dana, EMAIL).await;
    let resend = || {
        let call = Call::new("POST", &format!("{}/invitation", who.path()));
        call.header("idempotency-key", "once")
    };
    let first = dana.send(resend()).await.expect(202);
    for _ in 0..12 {
        assert_eq!(dana.send(resend()).await.expect(202), first);
    }
    for _ in 0..8 {
        dana.resend(&who).await.expect(202);
    }
    dana.resend(&who).await.problem(429, "mail_budget_spent");
    assert_eq!(dana.send(resend()).await.expect(202), first, "also when the budget is spent");
    assert_eq!(outbox(&world).await, 10);
}

#[tokio::test]
async fn several_invitations_of_one_change_count_each() {
    let world = World::new().await;
    let dana = world.dana().await;
    // Invited to three charts under a misspelt address: the right one gets three invitations.
    let mut charts = Vec::new();
    for _ in 0..3 {
        charts.push(invited(&dana, "pta@mail.example").await);
    }
    let right = dana.client("Mara", "Okafor", "1984-03-12").await;
    let body = json!({
        "name": {"first": "Mo", "last": "Person"}, "email": EMAIL, "username": "mo",
        "relationship": "parent", "permissions": ["basic"],
    });
    let path = format!("/api/clients/{right}/portal-users");
    let user = text(&dana.post(&path, &body).await.expect(201)["portalUserId"]);
    let mo = Invited { client: right, user, email: EMAIL.into(), token: String::new() };
    let first = world.now();
    for _ in 0..6 {
        world.pass(60);
        dana.resend(&mo).await.expect(202);
    }
    // Seven were sent: three more fit.
    let correct = async |email: &str| {
        let version = dana.user(&charts[0]).await["version"].clone();
        dana.patch(&charts[0].path(), &json!({"version": version, "email": email})).await
    };
    correct(EMAIL).await.expect(200);
    refused(&world, dana.resend(&mo).await, first.plus(HOUR));
    // Back and again: three at once need three places, the third of which is free after the third mail.
    correct("pta@mail.example").await.expect(200);
    refused(&world, correct(EMAIL).await, first.plus(HOUR + 2 * 60));
    world.pass_millis(first.plus(HOUR + 2 * 60).millis() - world.now().millis() - 1);
    let dana = world.dana().await;
    let version = dana.user(&charts[0]).await["version"].clone();
    let edit = json!({"version": version, "email": EMAIL});
    dana.patch(&charts[0].path(), &edit).await.problem(429, "mail_budget_spent");
    world.pass_millis(1);
    dana.patch(&charts[0].path(), &edit).await.expect(200);
}

#[tokio::test]
async fn the_fourth_reset_of_an_hour_is_silently_not_sent() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = dana.enrolled().await;
    let mails = world.post.received().len();
    for n in 1..=5 {
        world.forgot(&who.email).await.expect(202);
        world.deliver().await;
        assert_eq!(world.post.received().len(), mails + n.min(3));
        world.pass(10 * 60 + 1);
    }
    // Each is a mail, too: three and the invitation leave six.
    let dana = world.dana().await;
    let client = dana.client("Silas", "Okafor", "1984-03-12").await;
    for _ in 0..6 {
        let other = dana.client("Mara", "Okafor", "1984-03-12").await;
        dana.add(&other, &who.email).await.expect(201);
    }
    dana.add(&client, &who.email).await.problem(429, "mail_budget_spent");
    // And with the hour's mails spent there is no reset, though three are not.
    world.pass(HOUR / 2);
    let dana = world.dana().await;
    for _ in 0..4 {
        let other = dana.client("Mara", "Okafor", "1984-03-12").await;
        dana.add(&other, &who.email).await.expect(201);
    }
    world.deliver().await;
    let mails = world.post.received().len();
    let asked = world.forgot(&who.email).await.expect(202);
    assert_eq!(asked, world.forgot("nobody@mail.example").await.expect(202), "answered alike");
    world.deliver().await;
    assert_eq!(world.post.received().len(), mails);
}

#[tokio::test]
async fn half_of_a_days_mails_stay_for_staff_however_often_strangers_ask() {
    for enrolled in [true, false] {
        let world = World::new().await;
        let dana = world.dana().await;
        let client = dana.client("Amara", "Okafor", "1984-03-12").await;
        if enrolled {
            dana.enroll_for(&client, EMAIL).await;
        } else {
            dana.invite(&client, EMAIL).await;
        }
        world.forget_mails().await;
        let before = world.post.received().len();
        let began = world.now();
        // For a day, a little more often than it can be of use.
        for n in 0..95 {
            world.pass(15 * 60);
            // From other networks: behind one, asking itself is limited.
            let body = json!({"practice": "harbor", "username": EMAIL});
            let call = Call::new("POST", "/api/portal/password-reset").json(&body);
            world.send(call.from(&format!("198.51.100.{n}"))).await.expect(202);
            world.deliver().await;
            let sent = world.post.received().len() - before;
            assert!(sent <= 10, "{sent} by {}", world.now().seconds() - began.seconds());
        }
        assert_eq!(world.post.received().len() - before, 10);
        let dana = world.dana().await;
        let other = invited(&dana, EMAIL).await;
        spend(&dana, &other).await;
        dana.resend(&other).await.problem(429, "mail_budget_spent");
    }
}

#[tokio::test]
async fn half_of_an_hours_mails_stay_for_staff_however_much_comes_of_a_request() {
    let world = World::new().await;
    let dana = world.dana().await;
    let mut charts = Vec::new();
    for _ in 0..8 {
        charts.push(invited(&dana, EMAIL).await);
        world.deliver().await;
        world.forget_mails().await;
    }
    let before = world.post.received().len();
    for _ in 0..4 {
        world.forgot(EMAIL).await.expect(202);
        world.deliver().await;
    }
    assert_eq!(world.post.received().len() - before, 5);
    let dana = world.dana().await;
    for who in &charts[..5] {
        dana.resend(who).await.expect(202);
    }
    dana.resend(&charts[5]).await.problem(429, "mail_budget_spent");
    // The other way round, what staff sent is not sent to strangers a second time.
    world.pass(HOUR);
    let dana = world.dana().await;
    for _ in 0..10 {
        dana.resend(&charts[0]).await.expect(202);
    }
    world.deliver().await;
    let before = world.post.received().len();
    world.forgot(EMAIL).await.expect(202);
    world.deliver().await;
    assert_eq!(world.post.received().len(), before);
}

#[tokio::test]
async fn a_notice_is_sent_however_many_mails_there_were() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = dana.enrolled().await;
    world.forgot(&who.email).await.expect(202);
    world.deliver().await;
    let token = world.post.newest(&who.email).token();
    for _ in 0..8 {
        let other = dana.client("Mara", "Okafor", "1984-03-12").await;
        dana.add(&other, &who.email).await.expect(201);
    }
    let other = dana.client("Mara", "Okafor", "1984-03-12").await;
    dana.add(&other, &who.email).await.problem(429, "mail_budget_spent");
    world.choose(&token, NEW).await.expect(204);
    assert_eq!(dana.user(&who).await["mail"]["kind"], "password-changed");
    let changed = dana.user(&who).await["mail"]["state"].clone();
    assert_eq!(changed, "queued");
    world.deliver().await;
    assert_eq!(dana.user(&who).await["mail"]["state"], "sent");
    world.sign_in(&who.email, PASSWORD).await.problem(401, "sign_in_failed");
}
