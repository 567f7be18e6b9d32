//! Rules 7 and 13: a changed address is told to the old one and to the new, a changed sign-in name to the
//! person; the outbox holds no address; what a mail says is decided when it is sent.

use api_tests::{
    PASSWORD, World,
    mail::Received,
    people::{Invited, Staff},
};
use serde_json::{Value, json};

const OLD: &str = "old-address@mail.example";
const NEW: &str = "new-address@mail.example";

async fn edit(dana: &Staff, who: &Invited, change: Value) -> Value {
    let mut body = change;
    body["version"] = dana.user(who).await["version"].clone();
    dana.patch(&who.path(), &body).await.expect(200)
}

/// A portal user who enrolled under [`OLD`].
async fn enrolled(dana: &Staff) -> Invited {
    let client = dana.client("Amara", "Okafor", "1984-03-12").await;
    dana.enroll_for(&client, OLD).await
}

/// The mails to an address.
fn to(world: &World, address: &str) -> Vec<Received> {
    world.post.received().into_iter().filter(|mail| mail.to == address).collect()
}

/// The items that name an address, by key.
async fn held(world: &World, address: &str) -> Vec<String> {
    let items = world.items().await;
    let local = address.split('@').next().expect("a local part").to_owned();
    let held = items.iter().filter(|(_, item)| item.contains(&local));
    held.map(|(key, _)| key.clone()).collect()
}

async fn outbox_names_nobody(world: &World) {
    for (key, item) in world.items().await.iter().filter(|(key, _)| key.contains(" MAIL#")) {
        assert!(!item.contains('@'), "{key}: {item}");
    }
}

#[tokio::test]
async fn a_new_address_is_told_to_the_old_one_and_to_the_new() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = enrolled(&dana).await;
    // On two charts: told once all the same.
    let sibling = dana.client("Silas", "Okafor", "1984-03-12").await;
    let second = dana.enroll_for(&sibling, OLD).await;
    let (before, to_old) = (world.post.received().len(), to(&world, OLD).len());

    let user = edit(&dana, &who, json!({"email": NEW})).await;
    assert_eq!(user["mail"]["kind"], "email-changed");
    outbox_names_nobody(&world).await;
    world.deliver().await;
    assert_eq!(world.post.received().len(), before + 2, "one notice for each address");
    assert_eq!(to(&world, OLD).len(), to_old + 1);
    let (old, new) = (world.post.newest(OLD), world.post.newest(NEW));
    for mail in [&old, &new] {
        let subject = "Your e-mail address for the Harbor Practice client portal was changed";
        assert_eq!(mail.subject, subject);
    }
    let flat = |mail: &Received| mail.text.replace('\n', " ");
    assert!(flat(&old).contains("no longer come to this address"), "{}", old.text);
    assert!(flat(&old).contains("ask to have your access stopped"), "{}", old.text);
    assert!(flat(&new).contains("come to this address from now on"), "{}", new.text);
    // The old one learns neither the new one nor the sign-in name.
    assert!(!old.text.contains(NEW) && !old.text.contains("sign-in name"));
    assert!(new.text.contains(&format!("Your sign-in name: {OLD}")));

    // What staff see is the mail to the new address, whatever becomes of the other.
    assert_eq!(dana.user(&who).await["mail"]["state"], "sent");
    let bounced = |mail: &Received| {
        serde_json::from_value(json!({
            "eventType": "Bounce", "mail": {"tags": mail.tags},
            "bounce": {"bounceType": "Permanent", "bounceSubType": "NoEmail"},
        }))
        .expect("an event")
    };
    mail_events::handle(&world.app, &bounced(&old)).await.expect("noted");
    assert_eq!(dana.user(&who).await["mail"]["state"], "sent");
    mail_events::handle(&world.app, &bounced(&new)).await.expect("noted");
    assert_eq!(dana.user(&who).await["mail"]["state"], "bounced");
    assert_ne!(dana.user(&second).await["mail"]["kind"], "email-changed");

    // Nothing names the old address any more but what it still is: the sign-in name.
    outbox_names_nobody(&world).await;
    edit(&dana, &who, json!({"username": "amara"})).await;
    world.deliver().await;
    assert_eq!(held(&world, OLD).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_notice_to_the_old_address_goes_with_the_person() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = enrolled(&dana).await;
    edit(&dana, &who, json!({"email": NEW, "username": "amara"})).await;
    let sent = world.post.received().len();
    dana.delete(&who, "confirm=delete").await.expect(200);
    assert_eq!(held(&world, OLD).await, Vec::<String>::new(), "at once");
    assert_eq!(held(&world, NEW).await, Vec::<String>::new());
    assert_eq!(world.deliver().await, 0);
    assert_eq!(world.post.received().len(), sent, "the mails are dropped");
    assert_eq!(held(&world, OLD).await, Vec::<String>::new());
    outbox_names_nobody(&world).await;
}

#[tokio::test]
async fn somebody_who_is_only_invited_gets_the_invitation_and_the_mistyped_address_nothing() {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = dana.client("Amara", "Okafor", "1984-03-12").await;
    let who = dana.invite(&client, OLD).await;
    let before = world.post.received().len();
    let user = edit(&dana, &who, json!({"email": NEW})).await;
    assert_eq!(user["mail"]["kind"], "invitation");
    world.deliver().await;
    assert_eq!(world.post.received().len(), before + 1);
    let mail = world.post.newest(NEW);
    assert!(mail.subject.contains("invitation") && mail.text.contains(&format!("name: {NEW}")));
    outbox_names_nobody(&world).await;
}

#[tokio::test]
async fn a_new_sign_in_name_is_mailed_to_the_person() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = enrolled(&dana).await;
    let sibling = dana.client("Silas", "Okafor", "1984-03-12").await;
    dana.enroll_for(&sibling, OLD).await;
    let before = world.post.received().len();
    let user = edit(&dana, &who, json!({"username": "amara.okafor"})).await;
    assert_eq!(user["mail"]["kind"], "username-changed");
    world.deliver().await;
    assert_eq!(world.post.received().len(), before + 1, "once, and not for each chart");
    let mail = world.post.newest(OLD);
    for part in [&mail.text, &mail.html] {
        assert!(part.contains("Your sign-in name: amara.okafor"), "{part}");
    }
    world.signed_in("amara.okafor", PASSWORD).await;
    // The same again, and what is no new name, mails nothing.
    edit(&dana, &who, json!({"username": "amara.okafor", "permissions": ["basic"]})).await;
    world.deliver().await;
    assert_eq!(world.post.received().len(), before + 1);
}

#[tokio::test]
async fn a_notice_is_sent_when_the_budget_is_spent() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = enrolled(&dana).await;
    for _ in 0..9 {
        let other = dana.client("Mara", "Okafor", "1984-03-12").await;
        dana.add(&other, OLD).await.expect(201);
    }
    let other = dana.client("Mara", "Okafor", "1984-03-12").await;
    dana.add(&other, OLD).await.problem(429, "mail_budget_spent");
    for n in 0..12 {
        edit(&dana, &who, json!({"username": format!("amara-{n}")})).await;
    }
    edit(&dana, &who, json!({"email": NEW})).await;
}

#[tokio::test]
async fn a_mail_goes_to_the_address_that_is_true_when_it_is_sent() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = enrolled(&dana).await;
    dana.revoke(&who).await.expect(200);
    dana.activate(&who).await.expect(200);
    let to_old = to(&world, OLD).len();
    edit(&dana, &who, json!({"email": NEW, "name": {"first": "Mo", "last": "Person"}})).await;
    world.deliver().await;
    let granted = world.post.received().into_iter().find(|m| m.subject.contains("Your access"));
    let granted = granted.expect("access granted");
    assert_eq!(granted.to, NEW);
    assert!(granted.text.contains("Hello Mo,"), "{}", granted.text);
    assert_eq!(to(&world, OLD).len(), to_old + 1, "the notice alone");
}

#[tokio::test]
async fn a_greeting_names_nobody_of_whom_a_mail_program_makes_a_link() {
    let world = World::new().await;
    let dana = world.dana().await;
    for (number, (name, greeted)) in [
        ("Refund waiting at http://pay.example", false),
        ("pay.example", false),
        ("Ann @pay", false),
        ("J. Smith", true),
        ("O'Brien", true),
        ("María", true),
    ]
    .into_iter()
    .enumerate()
    {
        let client = dana.client("Amara", "Okafor", "1984-03-12").await;
        let email = format!("person-{number}@mail.example");
        let body = json!({
            "name": {"first": name, "last": "Person"}, "email": email,
            "relationship": "parent", "permissions": ["basic"],
        });
        let path = format!("/api/clients/{client}/portal-users");
        dana.post(&path, &body).await.expect(201);
        world.deliver().await;
        let mail = world.post.newest(&email);
        assert_eq!(mail.text.contains(&format!("Hello {name},")), greeted, "{name}");
        assert_eq!(mail.text.contains("\n\nHello,\n\n"), !greeted, "{name}");
        assert_eq!(mail.html.contains(">Hello,</p>"), !greeted, "{name}");
    }
}

#[tokio::test]
async fn times_are_the_practices_own_with_the_zone_named() {
    // The invitation is of 2026-11-22T14:00Z and ends seven days later.
    for (language, zone, says) in [
        ("en", "America/New_York", "expires on November 29, 2026 at 09:00 EST (New York)."),
        ("es", "Europe/Madrid", "caduca el 29 de noviembre de 2026 a las 15:00 CET (Madrid)."),
        ("fr", "Asia/Tokyo", "expire le 29 novembre 2026 à 23:00 JST (Tokyo)."),
        ("en", "Pacific/Auckland", "expires on November 30, 2026 at 03:00 NZDT (Auckland)."),
        ("en", "No/Such_Place", "expires on November 29, 2026 at 14:00 UTC."),
    ] {
        let world = World::new().await;
        let set = |practice: &mut shared::practice::Practice| {
            practice.language = language.into();
            practice.time_zone = zone.into();
        };
        world.practice("harbor", "Harbor Practice", set).await;
        let dana = world.dana().await;
        let client = dana.client("Amara", "Okafor", "1984-03-12").await;
        dana.add(&client, NEW).await.expect(201);
        world.deliver().await;
        let flat = world.post.newest(NEW).text.replace('\n', " ");
        assert!(flat.contains(says), "{flat}");
    }
}
