//! Alerts: a person who may not be told of something at the moment of sending is not, nobody is told every
//! minute, and nothing is lost on the way.

use std::collections::BTreeSet;

use api_tests::{
    Answer, Call, PASSWORD, PORTAL, World,
    mail::{Mood, Received},
    people::{Invited, Staff, text},
    programs::{Program, system},
    wire::Operations,
};
use mail_events::SesEvent;
use serde_json::{Value, json};
use shared::history::Role;

/// The inbox of the practice.
const INBOX: &str = "alerts@harbor.example";
const QUIET: i64 = 15 * 60;

const KINDS: [(&str, &str); 6] = [
    ("appointment", "basic"),
    ("message", "messaging"),
    ("document", "documents"),
    ("session", "sessions"),
    ("invoice", "billing"),
    ("survey", "surveys"),
];

struct Scene {
    world: World,
    dana: Staff,
    client: String,
    number: String,
    /// The alert recipient, who may do everything.
    amara: Invited,
    /// Has access too, and may do everything.
    chidi: Invited,
    system: Program,
}

impl Scene {
    async fn new() -> Self {
        let world = World::new().await;
        let dana = world.dana().await;
        let client = dana.client("Amara", "Okafor", "1984-03-12").await;
        let page = dana.get(&format!("/api/clients/{client}")).await.expect(200);
        let amara = dana.enroll_for(&client, "amara@mail.example").await;
        let chidi = dana.enroll_for(&client, "chidi@mail.example").await;
        let system = dana.program(&system(&["alerts"])).await;
        let number = text(&page["recordNumber"]);
        let scene = Self { world, dana, client, number, amara, chidi, system };
        let all: Vec<&str> = KINDS.iter().map(|(_, permission)| *permission).collect();
        for who in [&scene.amara, &scene.chidi] {
            scene.may(who, &all).await;
        }
        scene.dana.assign(&scene.client, Some(&scene.amara.user)).await.expect(200);
        scene.world.deliver().await;
        scene
    }

    /// Lets time pass; the staff sign in again, and the system gets another token.
    async fn pass(&mut self, seconds: i64) {
        self.world.pass(seconds);
        self.dana = self.world.dana().await;
        self.system = Program::of(&self.world, &self.system.room).await;
    }

    async fn may(&self, who: &Invited, permissions: &[&str]) {
        let version = self.dana.user(who).await["version"].clone();
        let edit = json!({"version": version, "permissions": permissions});
        self.dana.patch(&who.path(), &edit).await.expect(200);
    }

    async fn post(&self, body: Value) -> Value {
        let mut body = body;
        body["clientId"] = json!(self.client);
        self.system.alert(&body).await.expect(202)
    }

    /// Posts word of a message, and has it sent.
    async fn message(&self) -> Value {
        let posted = self.post(json!({"kind": "message"})).await;
        assert_eq!(self.world.deliver().await, 0);
        posted
    }

    /// The mails of alerts, oldest first.
    fn mails(&self) -> Vec<Received> {
        let mails = self.world.post.received().into_iter();
        mails.filter(|mail| !mail.tags["alert"].is_null()).collect()
    }

    /// To whom the mails of alerts went, oldest first.
    fn told(&self) -> Vec<String> {
        self.mails().into_iter().map(|mail| mail.to).collect()
    }

    async fn shown(&self) -> Vec<Value> {
        shown(&self.dana, &self.client).await
    }

    /// To whom the newest alert went, and how far it came.
    async fn newest(&self) -> (Value, Value, Value) {
        let newest = self.shown().await.swap_remove(0);
        (newest["to"].clone(), newest["portalUserId"].clone(), newest["state"].clone())
    }
}

/// What is counted of the posts of the only program that posted.
async fn posts_of(world: &World) -> Value {
    let items = world.snapshot().await.items(&world.database.tables().main);
    items.into_iter().find(|((_, sk), _)| sk == "POSTS").expect("a count").1
}

async fn shown(dana: &Staff, client: &str) -> Vec<Value> {
    let shown = dana.get(&format!("/api/clients/{client}/alerts")).await.expect(200);
    shown["alerts"].as_array().expect("a list").clone()
}

#[tokio::test]
async fn an_alert_reaches_the_alert_recipient_and_says_nothing_but_that_there_is_something() {
    let scene = Scene::new().await;
    let posted = scene.post(json!({"kind": "invoice"})).await;
    assert_eq!(
        posted,
        json!({
            "alertId": posted["alertId"], "to": "portalUser", "portalUserId": scene.amara.user,
        })
    );
    assert!(scene.told().is_empty(), "by itself, and not before the answer");
    let of = |state: &str| {
        vec![json!({
            "alertId": posted["alertId"], "kind": "invoice", "to": "portalUser",
            "portalUserId": scene.amara.user, "state": state, "at": "",
        })]
    };
    let now = async || {
        let mut shown = scene.shown().await;
        for alert in &mut shown {
            assert!(alert["at"].is_string());
            alert["at"] = json!("");
        }
        shown
    };
    assert_eq!(now().await, of("queued"));
    assert_eq!(scene.world.deliver().await, 0);
    assert_eq!(now().await, of("sent"));

    let [mail] = &scene.mails()[..] else { panic!("one mail") };
    assert_eq!(mail.to, scene.amara.email);
    assert_eq!(mail.subject, "Something new is waiting at the Harbor Practice client portal");
    assert!(mail.text.contains(&format!("{PORTAL}/harbor\n")), "{}", mail.text);
    for part in [&mail.subject, &mail.text, &mail.html] {
        let part = part.to_lowercase();
        for word in ["invoice", "billing", "amara", "okafor", "pat", &scene.number.to_lowercase()] {
            assert!(!part.contains(word), "{word}: {part}");
        }
    }

    // The mail service tells what became of it: in any order, twice, and of no other alert.
    let happens = async |kind: &str| {
        let mut event = json!({"eventType": kind, "mail": {"tags": mail.tags}});
        event[kind.to_lowercase()] = json!({"timestamp": "2026-11-22T14:00:01.000Z"});
        let event: SesEvent = serde_json::from_value(event).expect("an event");
        mail_events::handle(&scene.world.app, &event).await.expect("noted");
    };
    for (kind, state) in [
        ("Delivery", "delivered"),
        ("Delivery", "delivered"),
        ("Bounce", "bounced"),
        ("Delivery", "bounced"),
        ("Complaint", "complained"),
    ] {
        happens(kind).await;
        assert_eq!(now().await, of(state), "{kind}");
    }
}

#[tokio::test]
async fn each_kind_needs_its_permission() {
    let mut scene = Scene::new().await;
    for (kind, needed) in KINDS {
        for (_, has) in KINDS {
            scene.may(&scene.amara, &[has]).await;
            let posted = scene.post(json!({"kind": kind})).await;
            let mails = scene.told().len();
            assert_eq!(scene.world.deliver().await, 0);
            let what = format!("{kind} with {has}");
            let gets = needed == has;
            assert_eq!(posted["to"], if gets { "portalUser" } else { "practice" }, "{what}");
            assert_eq!(posted.get("portalUserId").is_some(), gets, "{what}");
            let to = if gets { &*scene.amara.email } else { INBOX };
            assert_eq!(scene.told()[mails..], [to], "{what}");
            // So that the budget of the day has room.
            scene.pass(24 * 60 * 60).await;
        }
    }
}

#[tokio::test]
async fn what_is_for_one_person_is_for_nobody_else() {
    let mut scene = Scene::new().await;
    let private = json!({"kind": "message", "portalUserId": scene.chidi.user});
    let posted = scene.post(private.clone()).await;
    assert_eq!(posted["portalUserId"], scene.chidi.user);
    scene.world.deliver().await;
    assert_eq!(scene.told(), [&*scene.chidi.email]);
    for (n, shut) in ["may no more", "revoked", "deleted"].into_iter().enumerate() {
        scene.pass(QUIET).await;
        if shut == "revoked" {
            scene.may(&scene.chidi, &["messaging"]).await;
        }
        let posted = scene.post(private.clone()).await;
        assert_eq!(posted["to"], if n < 2 { "portalUser" } else { "practice" }, "{shut}");
        match shut {
            "may no more" => scene.may(&scene.chidi, &["basic", "billing"]).await,
            "revoked" => drop(scene.dana.revoke(&scene.chidi).await.expect(200)),
            _ => drop(scene.dana.delete(&scene.chidi, "confirm=delete").await.expect(200)),
        }
        scene.world.deliver().await;
        assert_eq!(scene.newest().await.0, "practice", "{shut}");
    }
    assert_eq!(scene.told(), [&*scene.chidi.email, INBOX, INBOX, INBOX]);
    // Who is not there any more is not found.
    let mut body = private;
    body["clientId"] = json!(scene.client);
    scene.system.alert(&body).await.problem(404, "not_found");
}

#[tokio::test]
async fn who_may_not_be_told_when_it_is_sent_is_not_and_the_practice_is() {
    for change in ["revoked", "deleted", "may no more", "another", "nobody", "invited again"] {
        let scene = Scene::new().await;
        let posted = scene.post(json!({"kind": "message"})).await;
        assert_eq!(posted["portalUserId"], scene.amara.user);
        let (dana, amara) = (&scene.dana, &scene.amara);
        match change {
            "revoked" => drop(dana.revoke(amara).await.expect(200)),
            "deleted" => drop(dana.delete(amara, "confirm=delete").await.expect(200)),
            "may no more" => scene.may(amara, &["basic", "documents"]).await,
            "another" => {
                dana.assign(&scene.client, Some(&scene.chidi.user)).await.expect(200);
            }
            "nobody" => drop(dana.assign(&scene.client, None).await.expect(200)),
            _ => {
                dana.delete(amara, "confirm=delete").await.expect(200);
                let again = dana.add(&scene.client, &amara.email).await.expect(201);
                dana.assign(&scene.client, again["portalUserId"].as_str()).await.expect(200);
            }
        }
        let to = if change == "another" { &*scene.chidi.email } else { INBOX };
        let waits = scene.newest().await;
        scene.world.deliver().await;
        assert_eq!(scene.told(), [to], "{change}");
        let sent = scene.newest().await;
        assert_eq!((&waits.0, &waits.1), (&sent.0, &sent.1), "{change}: what is shown is true now");
        let [mail] = &scene.mails()[..] else { panic!("one mail") };
        if to == INBOX {
            let link = format!("/clients/{}", scene.client);
            assert!(
                mail.text.contains(&scene.number) && mail.text.contains(&link),
                "{}",
                mail.text
            );
            for part in [&mail.subject, &mail.text, &mail.html] {
                assert!(!part.contains("Amara") && !part.contains("Okafor"), "{part}");
            }
        }
    }
}

#[tokio::test]
async fn a_quarter_of_an_hour_brings_one_mail_to_each_person_about_each_client() {
    let mut scene = Scene::new().await;
    let (amara, chidi) = (scene.amara.clone(), scene.chidi.clone());
    for _ in 0..3 {
        scene.message().await;
    }
    scene.pass(QUIET - 1).await;
    scene.post(json!({"kind": "document"})).await;
    scene.world.deliver().await;
    assert_eq!(scene.told(), [&*amara.email]);
    let states: Vec<Value> = scene.shown().await.iter().map(|a| a["state"].clone()).collect();
    assert_eq!(states, ["covered", "covered", "covered", "sent"]);
    // Somebody else has their own.
    scene.post(json!({"kind": "message", "portalUserId": chidi.user})).await;
    scene.world.deliver().await;
    assert_eq!(scene.told(), [&*amara.email, &*chidi.email]);
    scene.pass(1).await;
    scene.message().await;
    assert_eq!(scene.told(), [&*amara.email, &*chidi.email, &*amara.email]);
    // So has the inbox, for each client.
    scene.dana.assign(&scene.client, None).await.expect(200);
    let other = scene.dana.client("Iris", "Bell", "1970-07-07").await;
    for _ in 0..2 {
        scene.message().await;
        scene.system.alert(&json!({"clientId": other, "kind": "survey"})).await.expect(202);
        scene.world.deliver().await;
    }
    assert_eq!(scene.told()[3..], [INBOX, INBOX]);
    let about: BTreeSet<String> =
        scene.mails()[3..].iter().map(|mail| mail.tags["client"][0].to_string()).collect();
    assert_eq!(about.len(), 2);
    // A person who takes the place of one who was told is told.
    scene.dana.assign(&scene.client, Some(&chidi.user)).await.expect(200);
    scene.pass(QUIET).await;
    scene.message().await;
    scene.dana.assign(&scene.client, Some(&amara.user)).await.expect(200);
    scene.message().await;
    assert_eq!(scene.told()[5..], [&*chidi.email, &*amara.email]);
}

#[tokio::test]
async fn an_alert_that_did_not_go_out_goes_out_once() {
    let mut scene = Scene::new().await;
    let (world, post) = (scene.world.clone(), scene.world.post.clone());
    post.feels(Mood::Throttled);
    scene.post(json!({"kind": "message"})).await;
    let records = world.records();
    assert_eq!(world.redeliver(records.clone()).await, 1);
    assert_eq!(scene.newest().await.2, "queued");
    // Another of the same minute is not covered by what told nobody yet. It waits for that.
    scene.post(json!({"kind": "document"})).await;
    post.feels(Mood::Well);
    let other = world.records();
    assert_eq!(world.redeliver(other.clone()).await, 1);
    for _ in 0..3 {
        assert_eq!(world.redeliver(records.clone()).await, 0);
    }
    assert_eq!(world.redeliver(other).await, 0);
    assert_eq!(scene.told(), [&*scene.amara.email]);
    let states: Vec<Value> = scene.shown().await.iter().map(|a| a["state"].clone()).collect();
    assert_eq!(states, ["covered", "sent"]);

    // A person who was revoked between two attempts gets nothing at the second.
    scene.pass(QUIET).await;
    post.feels(Mood::Down);
    scene.post(json!({"kind": "message"})).await;
    let records = world.records();
    assert_eq!(world.redeliver(records.clone()).await, 1);
    scene.dana.revoke(&scene.amara).await.expect(200);
    assert_eq!(scene.newest().await.0, "practice", "what is shown of one that waits is true now");
    post.feels(Mood::Well);
    world.deliver().await;
    assert_eq!(world.redeliver(records).await, 0);
    assert_eq!(scene.told(), [&*scene.amara.email, INBOX]);

    // What nobody knows of may go out again, but only once the lease is over.
    scene.pass(QUIET).await;
    post.feels(Mood::LostAnswer);
    scene.post(json!({"kind": "message"})).await;
    let records = world.records();
    assert_eq!(world.redeliver(records.clone()).await, 1);
    post.feels(Mood::Well);
    assert_eq!(world.redeliver(records.clone()).await, 1);
    assert_eq!(scene.told().len(), 3);
    world.pass(60);
    assert_eq!(world.redeliver(records).await, 0);
    assert_eq!(scene.told().len(), 4);
}

#[tokio::test]
async fn what_the_stream_missed_is_swept_up_and_given_up_after_three_days() {
    let mut scene = Scene::new().await;
    let (world, post) = (scene.world.clone(), scene.world.post.clone());
    scene.post(json!({"kind": "message"})).await;
    drop(world.records());
    assert!(world.sender().sweep().await.expect("swept").is_empty());
    assert!(scene.told().is_empty(), "the stream comes first");
    world.pass(2 * 60 + 1);
    assert!(world.sender().sweep().await.expect("swept").is_empty());
    assert_eq!(scene.told(), [&*scene.amara.email]);
    assert!(world.sender().sweep().await.expect("swept").is_empty());
    assert_eq!(scene.told().len(), 1);
    scene.pass(QUIET).await;
    post.feels(Mood::Down);
    scene.post(json!({"kind": "message"})).await;
    drop(world.records());
    world.pass(3 * 24 * 60 * 60 - 1);
    assert_eq!(world.sender().sweep().await.expect("swept").len(), 1);
    scene.pass(2).await;
    assert!(world.sender().sweep().await.expect("swept").is_empty());
    assert_eq!(scene.newest().await.2, "bounced");
}

#[tokio::test]
async fn many_alerts_leave_an_address_room_for_what_its_person_asks_for() {
    let mut scene = Scene::new().await;
    let (world, amara) = (scene.world.clone(), scene.amara.clone());
    // So that what enrolling mailed counts no more.
    scene.pass(25 * 60 * 60).await;
    let mut charts = vec![scene.client.clone()];
    for n in 0..9 {
        let client = scene.dana.client(&format!("Child {n}"), "Okafor", "2015-01-01").await;
        let body = json!({
            "name": {"first": "Pat", "last": "Person"}, "email": amara.email,
            "relationship": "parent", "permissions": ["basic", "messaging"],
        });
        let user = scene
            .dana
            .post(&format!("/api/clients/{client}/portal-users"), &body)
            .await
            .expect(201);
        world.deliver().await;
        let token = world.post.newest(&amara.email).token();
        world.enroll(&token, "Okafor", "2015-01-01", PASSWORD).await.expect(201);
        scene.dana.assign(&client, user["portalUserId"].as_str()).await.expect(200);
        charts.push(client);
        scene.pass(24 * 60 * 60).await;
    }
    for client in &charts {
        scene.system.alert(&json!({"clientId": client, "kind": "message"})).await.expect(202);
        world.deliver().await;
    }
    let told = scene.told();
    assert_eq!(told.iter().filter(|to| **to == amara.email).count(), 4);
    assert_eq!(told[4..], [INBOX; 6], "nothing is lost");
    let mails = || world.post.received().iter().filter(|mail| mail.to == amara.email).count();
    let before = mails();
    // Strangers ask for what they may, and staff still get a mail through.
    for _ in 0..3 {
        world.forgot(&amara.email).await.expect(202);
        world.deliver().await;
        scene.pass(10 * 60 + 1).await;
    }
    assert_eq!(mails(), before + 3, "resets come through");
    // The ninth of the day is the last.
    for _ in 0..6 {
        scene.pass(60 * 60).await;
        for client in &charts {
            scene.system.alert(&json!({"clientId": client, "kind": "message"})).await.expect(202);
        }
        world.deliver().await;
    }
    assert_eq!(mails(), before - 4 + 9);
    let before = scene.told().len();
    // The inbox has no budget.
    scene.dana.assign(&scene.client, None).await.expect(200);
    for n in 0..25 {
        scene.pass(QUIET).await;
        scene.message().await;
        assert_eq!(scene.told().len(), before + 1 + n);
    }
}

#[tokio::test]
async fn an_app_that_posts_without_end_fills_no_mailbox_and_holds_no_mail_up() {
    let scene = Scene::new().await;
    let (world, dana) = (&scene.world, &scene.dana);
    for _ in 0..150 {
        scene.post(json!({"kind": "message"})).await;
    }
    assert_eq!(world.deliver().await, 0);
    assert_eq!(scene.told(), [&*scene.amara.email]);
    assert_eq!(scene.shown().await.len(), 20);
    // What is covered costs four requests after another, and no mail.
    scene.post(json!({"kind": "message"})).await;
    world.wire.forget();
    world.deliver().await;
    let mut seen = world.wire.seen();
    seen.sort();
    assert_eq!(seen, ["GetItem", "GetItem", "GetItem", "Query", "UpdateItem", "UpdateItem"]);

    // Of what comes in one batch, mails that people wait for go first.
    let other = dana.client("Iris", "Bell", "1970-07-07").await;
    let about = json!({"clientId": other, "kind": "message"});
    scene.system.alert(&about).await.expect(202);
    dana.add(&other, "new@mail.example").await.expect(201);
    let mails = world.post.received().len();
    world.deliver().await;
    let received = world.post.received()[mails..].to_vec();
    assert_eq!(received[0].to, "new@mail.example");
    assert_eq!(received[1].to, INBOX);

    // Where the stream stops at what failed, alerts that fail are left to the sweep.
    world.pass(9 * 60);
    world.post.feels(Mood::Throttled);
    let third = dana.client("Tom", "Reed", "1970-07-07").await;
    scene.system.alert(&json!({"clientId": third, "kind": "message"})).await.expect(202);
    let mut event = aws_lambda_events::event::dynamodb::Event::default();
    event.records = world.records();
    let sender = world.sender().swept();
    assert!(sender.handle(event).await.batch_item_failures.is_empty());
    world.post.feels(Mood::Well);
    world.pass(2 * 60 + 1);
    assert!(sender.sweep().await.expect("swept").is_empty());
    assert_eq!(world.post.received().len(), mails + 3);
}

#[tokio::test]
async fn an_attempt_that_told_nobody_keeps_nobody_from_being_told() {
    let scene = Scene::new().await;
    let (world, dana, amara) = (&scene.world, &scene.dana, &scene.amara);
    let post = &world.post;
    // It fails, she is revoked, and it goes to the practice.
    post.feels(Mood::Throttled);
    scene.post(json!({"kind": "message"})).await;
    let records = world.records();
    assert_eq!(world.redeliver(records.clone()).await, 1);
    dana.revoke(amara).await.expect(200);
    post.feels(Mood::Well);
    assert_eq!(world.redeliver(records).await, 0);
    assert_eq!(scene.told(), [INBOX]);
    // She is back within the quarter of an hour: the next one is for her.
    dana.activate(amara).await.expect(200);
    dana.assign(&scene.client, Some(&amara.user)).await.expect(200);
    scene.message().await;
    assert_eq!(scene.told(), [INBOX, &*amara.email]);
}

#[tokio::test]
async fn what_the_mail_service_never_takes_to_an_address_goes_to_the_practice() {
    let mut scene = Scene::new().await;
    let world = scene.world.clone();
    world.post.refuses(&scene.amara.email);
    scene.message().await;
    assert_eq!(scene.told(), [INBOX]);
    let (to, _, state) = scene.newest().await;
    assert_eq!((to, state), (json!("practice"), json!("sent")));
    // And if it takes that neither, staff see it.
    scene.pass(QUIET).await;
    scene.dana.assign(&scene.client, None).await.expect(200);
    world.post.refuses(INBOX);
    scene.message().await;
    assert_eq!(scene.newest().await.2, "bounced");
    // It covers nothing.
    world.post.refuses("");
    scene.message().await;
    assert_eq!(scene.told(), [INBOX, INBOX]);
}

#[tokio::test]
async fn what_became_of_an_earlier_attempt_is_not_noted_on_a_later_one() {
    let scene = Scene::new().await;
    let world = &scene.world;
    world.post.feels(Mood::LostAnswer);
    scene.post(json!({"kind": "message"})).await;
    let records = world.records();
    assert_eq!(world.redeliver(records.clone()).await, 1);
    scene.dana.revoke(&scene.amara).await.expect(200);
    world.post.feels(Mood::Well);
    world.pass(60);
    world.deliver().await;
    assert_eq!(world.redeliver(records).await, 0);
    assert_eq!(scene.told(), [&*scene.amara.email, INBOX]);
    for (mail, state) in scene.mails().iter().zip(["sent", "delivered"]) {
        let event = json!({"eventType": "Delivery", "mail": {"tags": mail.tags}});
        let event: SesEvent = serde_json::from_value(event).expect("an event");
        mail_events::handle(&world.app, &event).await.expect("noted");
        assert_eq!(scene.newest().await.2, state);
    }
}

/// The answer to the first attempt is lost; the mail service tells of it before the second.
#[tokio::test]
async fn what_is_known_to_have_gone_out_is_not_sent_again_and_what_came_back_goes_to_the_practice()
{
    for (kind, state, told) in [("Delivery", "delivered", 1), ("Bounce", "sent", 2)] {
        let scene = Scene::new().await;
        let world = &scene.world;
        world.post.feels(Mood::LostAnswer);
        scene.post(json!({"kind": "message"})).await;
        let records = world.records();
        assert_eq!(world.redeliver(records.clone()).await, 1);
        let event = json!({"eventType": kind, "mail": {"tags": scene.mails()[0].tags}});
        let event: SesEvent = serde_json::from_value(event).expect("an event");
        mail_events::handle(&world.app, &event).await.expect("noted");
        world.post.feels(Mood::Well);
        world.pass(60);
        assert_eq!(world.redeliver(records).await, 0);
        assert_eq!(scene.told(), [&*scene.amara.email, INBOX][..told], "{kind}");
        assert_eq!(scene.newest().await.2, state, "{kind}");
    }
}

/// As the restore command leaves those that waited: most were sent since.
#[tokio::test]
async fn an_alert_that_waited_at_the_moment_of_a_restored_copy_goes_to_the_practice() {
    let scene = Scene::new().await;
    let world = &scene.world;
    scene.post(json!({"kind": "message"})).await;
    let main = world.database.tables().main.clone();
    let items = world.snapshot().await.items(&main).into_iter();
    let alert = items.map(|(_, item)| item).find(|item| item.get("alertId").is_some());
    let mut alert = alert.expect("the alert");
    alert["toInbox"] = json!(true);
    world.database.load(&main, [serde_dynamo::to_item(alert).expect("an item")]).expect("loaded");
    assert_eq!(scene.newest().await.0, "practice");
    assert_eq!(world.deliver().await, 0);
    assert_eq!(scene.told(), [INBOX]);
}

/// A mail that comes back later has told nobody either (rule 5).
#[tokio::test]
async fn an_alert_whose_mail_comes_back_later_goes_to_the_practice_once() {
    let scene = Scene::new().await;
    let world = &scene.world;
    let event = async |kind: &str, mail: usize| {
        let event = json!({"eventType": kind, "mail": {"tags": scene.mails()[mail].tags}});
        let event: SesEvent = serde_json::from_value(event).expect("an event");
        mail_events::handle(&world.app, &event).await.expect("noted");
    };
    let sweep = async || assert!(world.sender().sweep().await.expect("swept").is_empty());
    scene.message().await;
    event("Delivery", 0).await;
    world.pass(2 * 60 + 1);
    event("Bounce", 0).await;
    assert_eq!(
        scene.newest().await,
        ("portalUser".into(), json!(scene.amara.user), "bounced".into())
    );
    sweep().await;
    assert_eq!(scene.told(), [&*scene.amara.email, INBOX]);
    assert_eq!(scene.newest().await, ("practice".into(), Value::Null, "sent".into()));
    // Events come more than once, and the inbox's own mail may come back: nobody is left to tell.
    event("Bounce", 0).await;
    event("Complaint", 0).await;
    sweep().await;
    event("Bounce", 1).await;
    sweep().await;
    assert_eq!(scene.told().len(), 2);
    assert_eq!(scene.newest().await.2, "bounced");
}

/// The mail service tells that a mail came back before the sender has noted that it went.
#[tokio::test]
async fn an_alert_whose_mail_comes_back_at_once_goes_to_the_practice_too() {
    let scene = Scene::new().await;
    let world = &scene.world;
    scene.post(json!({"kind": "message"})).await;
    let records = world.records();
    world.wire.hold_marked();
    let mut operations = Operations::on(&world.wire);
    operations.add(world.redeliver(records));
    loop {
        operations.settle().await;
        if scene.told().len() == 1 {
            break;
        }
        world.wire.take(0).expect("it waits").release();
    }
    let event = json!({"eventType": "Bounce", "mail": {"tags": scene.mails()[0].tags}});
    let event: SesEvent = serde_json::from_value(event).expect("an event");
    mail_events::handle(&world.app, &event).await.expect("noted");
    world.wire.let_go();
    operations.settle().await;
    assert_eq!(operations.answer(0), Some(&0));
    drop(operations);
    world.pass(2 * 60 + 1);
    assert!(world.sender().sweep().await.expect("swept").is_empty());
    assert_eq!(scene.told(), [&*scene.amara.email, INBOX]);
}

/// A mail that comes back later has told nobody either.
#[tokio::test]
async fn an_alert_whose_mail_came_back_covers_nothing() {
    let scene = Scene::new().await;
    scene.message().await;
    let event = json!({"eventType": "Bounce", "mail": {"tags": scene.mails()[0].tags}});
    let event: SesEvent = serde_json::from_value(event).expect("an event");
    mail_events::handle(&scene.world.app, &event).await.expect("noted");
    scene.message().await;
    assert_eq!(scene.told(), [&*scene.amara.email, &*scene.amara.email]);
}

/// Both have found no alert before them when the first opens the quarter of an hour.
#[tokio::test]
async fn of_two_alerts_that_are_sent_at_once_one_goes() {
    let scene = Scene::new().await;
    let world = &scene.world;
    scene.post(json!({"kind": "message"})).await;
    let one = world.records();
    scene.post(json!({"kind": "document"})).await;
    let other = world.records();
    world.wire.hold_marked();
    let mut operations = Operations::on(&world.wire);
    operations.add(world.redeliver(one.clone()));
    operations.add(world.redeliver(other.clone()));
    operations.settle().await;
    while let Some(at) =
        world.wire.waiting().iter().position(|operation| operation != "TransactWriteItems")
    {
        world.wire.take(at).expect("it waits").release();
        operations.settle().await;
    }
    assert_eq!(world.wire.waiting(), ["TransactWriteItems"; 2]);
    world.wire.let_go();
    operations.settle().await;
    assert!(operations.answer(0).is_some() && operations.answer(1).is_some());
    drop(operations);
    for records in [one, other] {
        assert_eq!(world.redeliver(records).await, 0);
    }
    assert_eq!(scene.told(), [&*scene.amara.email]);
    let states: BTreeSet<String> =
        scene.shown().await.iter().map(|alert| text(&alert["state"])).collect();
    assert_eq!(states, ["covered", "sent"].map(String::from).into());
}

/// So that none fills the throttle of the API that all share.
#[tokio::test]
async fn a_program_may_post_six_hundred_alerts_in_an_hour_and_is_told_when_it_may_again() {
    let mut scene = Scene::new().await;
    let world = scene.world.clone();
    let main = world.database.tables().main.clone();
    let post = async |scene: &Scene, key: &str| {
        let body = json!({"clientId": scene.client, "kind": "message"});
        let call = Call::new("POST", "/api/alerts").json(&body).header("idempotency-key", key);
        scene.system.call(call).await
    };
    let first = post(&scene, "first").await.expect(202);
    let mut posted = posts_of(&world).await;
    assert_eq!(posted["posts"], 1);
    posted["posts"] = json!(599);
    world.database.load(&main, [serde_dynamo::to_item(posted).expect("an item")]).expect("loaded");
    post(&scene, "last").await.expect(202);
    let before = (world.snapshot().await.items(&main).len(), world.events().await.len());
    let refused = post(&scene, "over").await;
    let left = 60 * 60 - world.now().seconds() % (60 * 60);
    assert_eq!(refused.headers["retry-after"], left.to_string());
    refused.problem(429, "too_many_alerts");
    post(&scene, "over").await.problem(429, "too_many_alerts");
    let after = (world.snapshot().await.items(&main).len(), world.events().await.len());
    assert_eq!(after, (before.0, before.1 + 1), "nothing is taken, and one event tells of all");
    // What was taken before is answered the same; and each program counts for itself.
    assert_eq!(post(&scene, "first").await.expect(202)["alertId"], first["alertId"]);
    let other = scene.dana.program(&system(&["alerts"])).await;
    other.alert(&json!({"clientId": scene.client, "kind": "message"})).await.expect(202);
    scene.pass(left - 1).await;
    post(&scene, "over").await.problem(429, "too_many_alerts");
    scene.pass(1).await;
    post(&scene, "over").await.expect(202);
}

#[tokio::test]
async fn what_cannot_be_is_named_and_nothing_is_written() {
    let scene = Scene::new().await;
    let (world, client) = (&scene.world, &scene.client);
    let casey = world.staff("cove", "Casey", Role::Admin).await;
    let theirs = casey.client("Iris", "Cove", "1970-07-07").await;
    let okafor = casey.client("Ada", "Okafor", "1984-03-12").await;
    let their_user = casey.enroll_for(&okafor, "iris@mail.example").await;
    let other = scene.dana.enrolled().await;
    let before = world.items().await;
    for (body, status, field) in [
        (json!({"kind": "message"}), 400, "clientId"),
        (json!({"kind": "message", "clientId": null, "recordNumber": null}), 400, "clientId"),
        (
            json!({"kind": "message", "clientId": client, "recordNumber": scene.number}),
            400,
            "recordNumber",
        ),
        (json!({"clientId": client}), 400, "kind"),
        (json!({"clientId": client, "kind": "letter"}), 400, "kind"),
        (json!({"clientId": client, "kind": "Message"}), 400, "kind"),
        (json!({"clientId": "x", "kind": "message"}), 400, "clientId"),
        (json!({"clientId": client, "kind": "message", "portalUserId": "x"}), 400, "portalUserId"),
        (json!({"recordNumber": "", "kind": "message"}), 400, "recordNumber"),
        (json!({"clientId": client, "kind": "message", "text": "Hello"}), 400, "text"),
    ] {
        let answer = scene.system.alert(&body).await;
        assert_eq!(answer.status.as_u16(), status, "{body}: {}", answer.body);
        assert_eq!(answer.body["fields"][0]["field"], field, "{body}: {}", answer.body);
    }
    for body in [
        json!({"clientId": theirs, "kind": "message"}),
        json!({"clientId": "01ARZ3NDEKTSV4RRFFQ69G5FAV", "kind": "message"}),
        json!({"recordNumber": "NOBODY-1", "kind": "message"}),
        json!({"clientId": client, "kind": "message", "portalUserId": other.user}),
        json!({"clientId": client, "kind": "message", "portalUserId": their_user.user}),
        json!({"recordNumber": scene.number, "kind": "message", "portalUserId": other.user}),
    ] {
        scene.system.alert(&body).await.problem(404, "not_found");
    }
    let mut after = world.items().await;
    // That it was asked is counted.
    after.retain(|key, _| !key.ends_with(" POSTS"));
    assert_eq!(after, before);
    assert!(scene.told().is_empty());
    // The refusals about the client stand in the client's history.
    let actions = scene.dana.actions(client).await;
    assert_eq!(actions[..3], ["refused"; 3]);
    scene.dana.get(&format!("/api/clients/{theirs}/alerts")).await.problem(404, "not_found");
}

#[tokio::test]
async fn a_client_is_named_by_record_number_too() {
    let scene = Scene::new().await;
    let body = json!({"recordNumber": scene.number.to_lowercase(), "kind": "survey"});
    let posted = scene.system.alert(&body).await.expect(202);
    assert_eq!(posted["portalUserId"], scene.amara.user);
    let shown = scene.shown().await;
    assert_eq!((&shown[0]["alertId"], &shown[0]["kind"]), (&posted["alertId"], &json!("survey")));
}

#[tokio::test]
async fn a_repeated_request_is_one_alert() {
    let scene = Scene::new().await;
    let body = json!({"recordNumber": scene.number, "kind": "message"});
    let post = async |key: &str, body: &Value| {
        let call = Call::new("POST", "/api/alerts").json(body).header("idempotency-key", key);
        scene.system.call(call).await
    };
    let posted = post("one", &body).await.expect(202);
    assert_eq!(post("one", &body).await.expect(202), posted);
    let other = json!({"recordNumber": scene.number, "kind": "invoice"});
    post("one", &other).await.problem(422, "idempotency_key_reused");
    // As long as it waits, what is true now; then, to whom it went.
    scene.dana.revoke(&scene.amara).await.expect(200);
    let now = json!({"alertId": posted["alertId"], "to": "practice"});
    assert_eq!(post("one", &body).await.expect(202), now);
    scene.world.deliver().await;
    scene.dana.activate(&scene.amara).await.expect(200);
    scene.dana.assign(&scene.client, Some(&scene.amara.user)).await.expect(200);
    assert_eq!(post("one", &body).await.expect(202), now);
    scene.world.deliver().await;
    assert_eq!(scene.told(), [INBOX]);
    // Also when the client goes by another number since.
    let page = format!("/api/clients/{}", scene.client);
    let version = scene.dana.get(&page).await.expect(200)["version"].clone();
    let edit = json!({"version": version, "recordNumber": "ANOTHER-1"});
    scene.dana.patch(&page, &edit).await.expect(200);
    assert_eq!(post("one", &body).await.expect(202), now);
    assert_eq!(scene.shown().await.len(), 1);
    // Another program's key is another key.
    let about = json!({"clientId": scene.client, "kind": "message"});
    let second = scene.dana.program(&system(&["alerts"])).await;
    let call = Call::new("POST", "/api/alerts").json(&about).header("idempotency-key", "one");
    assert_ne!(second.call(call).await.expect(202)["alertId"], posted["alertId"]);
    // About a person who was deleted since, nothing is answered.
    let private =
        json!({"clientId": scene.client, "kind": "message", "portalUserId": scene.chidi.user});
    post("two", &private).await.expect(202);
    scene.dana.delete(&scene.chidi, "confirm=delete").await.expect(200);
    post("two", &private).await.problem(409, "deleted");
}

#[tokio::test]
async fn two_that_are_one_request_are_one_alert() {
    let scene = Scene::new().await;
    let world = &scene.world;
    let body = json!({"clientId": scene.client, "kind": "message"});
    let call = || Call::new("POST", "/api/alerts").json(&body).header("idempotency-key", "one");
    world.wire.hold_marked();
    let mut operations = Operations::on(&world.wire);
    operations.add(scene.system.call(call()));
    operations.add(scene.system.call(call()));
    // Both have read before either writes.
    operations.settle().await;
    while let Some(at) =
        world.wire.waiting().iter().position(|operation| operation != "TransactWriteItems")
    {
        world.wire.take(at).expect("it waits").release();
        operations.settle().await;
    }
    assert_eq!(world.wire.waiting(), ["TransactWriteItems"; 2]);
    world.wire.let_go();
    operations.settle().await;
    let answers = [0, 1].map(|n| operations.answer(n).expect("an answer").clone());
    drop(operations);
    let [one, two] = answers.map(|answer| answer.expect(202));
    assert_eq!(one, two);
    assert_eq!(scene.shown().await.len(), 1);
}

#[tokio::test]
async fn alerts_are_posted_by_programs_with_the_scope_and_by_no_person() {
    let scene = Scene::new().await;
    let (world, dana, client) = (&scene.world, &scene.dana, &scene.client);
    let body = json!({"clientId": client, "kind": "message"});
    let before = world.items_but_sessions().await;
    let felix = world.staff("harbor", "Felix", Role::Staff).await;
    let ada = world.staff("harbor", "Ada", Role::Auditor).await;
    for person in [dana, &felix, &ada] {
        person.post("/api/alerts", &body).await.problem(403, "systems_only");
    }
    let cookie = world.signed_in(&scene.amara.email, PASSWORD).await;
    let call = || Call::new("POST", "/api/alerts").json(&body);
    world.send(call().cookie(&cookie)).await.problem(401, "signed_out");
    world.send(call()).await.problem(401, "signed_out");
    let other = dana.program(&system(&["clients", "access", "history"])).await;
    other.alert(&body).await.problem(403, "insufficient_scope");
    let list = || Call::new("GET", &format!("/api/clients/{client}/alerts"));
    other.call(list()).await.problem(403, "insufficient_scope");
    scene.system.call(list()).await.expect(200);
    ada.send(list()).await.expect(200);
    let alerts = |items: &std::collections::BTreeMap<String, String>| {
        items.keys().filter(|key| key.contains("ALERT#")).count()
    };
    assert_eq!((alerts(&before), alerts(&world.items().await)), (0, 0));
    let refused = world.events().await.into_values().filter(|e| e.contains("systems_only")).count();
    assert_eq!(refused, 3);

    let path = format!("/api/apps/{}", scene.system.room.id);
    dana.patch(&path, &json!({"version": 1, "enabled": false})).await.expect(200);
    scene.system.alert(&body).await.problem(401, "signed_out");
}

#[tokio::test]
async fn an_app_posts_alerts_of_what_it_serves() {
    let scene = Scene::new().await;
    let (world, dana) = (&scene.world, &scene.dana);
    let app = dana.program(&json!({"scopes": ["alerts"]})).await;
    for (kind, needed) in KINDS {
        let answer = app.alert(&json!({"clientId": scene.client, "kind": kind})).await;
        if needed == "messaging" {
            answer.expect(202);
        } else {
            answer.problem(403, "insufficient_scope");
        }
    }
    let any = dana.program(&json!({"scopes": ["alerts"], "permission": null})).await;
    any.alert(&json!({"clientId": scene.client, "kind": "invoice"})).await.expect(202);
    // And sees no others.
    let list = || Call::new("GET", &format!("/api/clients/{}/alerts", scene.client));
    let kinds = |shown: Value| -> Vec<Value> {
        shown["alerts"].as_array().expect("a list").iter().map(|a| a["kind"].clone()).collect()
    };
    assert_eq!(kinds(app.call(list()).await.expect(200)), ["message"]);
    assert_eq!(kinds(any.call(list()).await.expect(200)), ["invoice", "message"]);
    let told = dana.get(&format!("/api/clients/{}/history", scene.client)).await.expect(200);
    let actors: BTreeSet<String> = told["events"]
        .as_array()
        .expect("events")
        .iter()
        .filter(|event| event["action"] == "alert-posted")
        .map(|event| event["actor"].to_string())
        .collect();
    let ids = [&app, &any].map(|app| app.room.id.clone());
    assert!(ids.iter().all(|id| actors.iter().any(|actor| actor.contains(id))), "{actors:?}");
    // It lets people in as before, and has nothing else of the staff's.
    let cookie = world.signed_in(&scene.amara.email, PASSWORD).await;
    let token = world.token(&cookie, &app.room).await;
    world.userinfo(&token).await.expect(200);
    let page = Call::new("GET", &format!("/api/clients/{}", scene.client));
    app.call(page).await.problem(403, "insufficient_scope");
    // A token of a person is none of the app by itself.
    let body = json!({"clientId": scene.client, "kind": "message"});
    let call = Call::new("POST", "/api/alerts").json(&body);
    world.call_with(&token, call).await.problem(401, "signed_out");

    for (changes, field) in [
        (json!({"scopes": ["clients"]}), "scopes"),
        (json!({"scopes": ["alerts", "history"]}), "scopes"),
        (json!({"scopes": ["alerts"], "authentication": "none"}), "scopes"),
    ] {
        let body = api_tests::apps::registration(&changes);
        let refused = dana.post("/api/apps", &body).await.problem(422, "not_for_this");
        assert_eq!(refused["fields"][0]["field"], field, "{changes}");
    }
    // One without the scope gets no token by itself.
    let plain = dana.register(&json!({})).await;
    let fields = [("grant_type", "client_credentials")];
    let answer = world.ask_as(&plain, "/api/oauth/token", &fields).await;
    answer.oauth(400, "unauthorized_client");
}

#[tokio::test]
async fn staff_see_the_last_alerts_of_a_client_and_that_they_looked_is_told() {
    let scene = Scene::new().await;
    let (world, dana) = (&scene.world, &scene.dana);
    assert!(scene.shown().await.is_empty());
    let mut posted = Vec::new();
    for _ in 0..22 {
        world.pass(1);
        posted.push(scene.post(json!({"kind": "message"})).await["alertId"].clone());
    }
    posted.reverse();
    let ids: Vec<Value> = scene.shown().await.iter().map(|a| a["alertId"].clone()).collect();
    assert_eq!(ids, posted[..20]);
    let actions = dana.actions(&scene.client).await;
    assert_eq!(actions[0..2], ["alerts-shown", "alert-posted"]);
    // A person who is deleted stays on what went to them.
    world.deliver().await;
    dana.delete(&scene.amara, "confirm=delete").await.expect(200);
    let last = scene.shown().await;
    assert_eq!(last[0]["portalUserId"], scene.amara.user);
    world.pass(30 * 24 * 60 * 60);
    let dana = world.dana().await;
    assert!(shown(&dana, &scene.client).await.is_empty(), "after thirty days");
}

#[tokio::test]
async fn an_alert_is_two_round_trips() {
    let scene = Scene::new().await;
    let wire = &scene.world.wire;
    let seen = |wire: &api_tests::wire::Wire| {
        let mut seen = wire.seen();
        seen.sort();
        seen
    };
    wire.forget();
    scene.post(json!({"kind": "message"})).await;
    // The program, the client and the count of its posts; then the chart, beside the write.
    let posted = ["BatchGetItem", "GetItem", "Query", "TransactWriteItems", "UpdateItem"];
    assert_eq!(seen(wire), posted);
    wire.forget();
    scene.system.alert(&json!({"recordNumber": scene.number, "kind": "message"})).await.expect(202);
    assert_eq!(seen(wire), posted);
    wire.forget();
    scene.shown().await;
    assert_eq!(seen(wire), ["BatchGetItem", "PutItem", "Query", "Query", "UpdateItem"]);
}

#[tokio::test]
async fn without_its_table_an_alert_is_not_taken_and_not_lost() {
    let scene = Scene::new().await;
    let (world, wire) = (&scene.world, &scene.world.wire);
    let body = json!({"clientId": scene.client, "kind": "message"});
    for operation in ["BatchGetItem", "TransactWriteItems"] {
        wire.break_after(operation, 0, api_tests::wire::Fault::Error, 50);
        let answer = scene.system.alert(&body).await;
        assert!(answer.headers.contains_key("retry-after"), "{operation}");
        answer.problem(503, "unavailable");
        wire.forget();
    }
    assert!(scene.shown().await.is_empty());
    scene.system.alert(&body).await.expect(202);
    let records = world.records();
    for operation in ["UpdateItem", "Query", "GetItem", "TransactWriteItems"] {
        wire.break_after(operation, 0, api_tests::wire::Fault::Error, 50);
        assert_eq!(world.redeliver(records.clone()).await, 1, "{operation}");
        wire.forget();
        world.pass(60);
    }
    assert!(scene.told().is_empty());
    assert_eq!(world.redeliver(records.clone()).await, 0);
    assert_eq!(world.redeliver(records).await, 0);
    assert_eq!(scene.told(), [&*scene.amara.email]);
}

// ---- At once ----

/// What shuts somebody out while an alert to them is sent.
#[derive(Debug, Clone, Copy)]
enum Shut {
    Revoke,
    Delete,
    Assign,
    Less,
}

impl Scene {
    async fn shut(&self, by: Shut, version: &Value) -> Answer {
        let amara = &self.amara;
        match by {
            Shut::Revoke => self.dana.revoke(amara).await,
            Shut::Delete => self.dana.delete(amara, "confirm=delete").await,
            Shut::Assign => self.dana.assign(&self.client, Some(&self.chidi.user)).await,
            Shut::Less => {
                let edit = json!({"version": version, "permissions": ["basic"]});
                self.dana.patch(&amara.path(), &edit).await
            }
        }
    }
}

/// In many orders of the requests of both: an alert that is decided on after the door was shut goes to the one
/// who gets it then, and each alert goes to one mailbox.
#[tokio::test]
async fn an_alert_that_is_sent_while_somebody_is_shut_out_goes_to_nobody_who_was_shut_out_before() {
    const STEPS: u32 = 6;
    let scene = Scene::new().await;
    let world = &scene.world;
    scene.post(json!({"kind": "message"})).await;
    let records = world.records();
    let version = scene.dana.user(&scene.amara).await["version"].clone();
    let before = world.snapshot().await;
    let (mut to_them, mut to_others) = (0, 0);
    for shut in [Shut::Revoke, Shut::Delete, Shut::Assign, Shut::Less] {
        for order in 0..2_u32.pow(STEPS) {
            let what = format!("{shut:?}, order {order:05b}");
            world.wire.forget();
            let mails = scene.told().len();
            world.wire.hold_marked();
            let mut operations = Operations::on(&world.wire);
            operations.add(async { Some(scene.shut(shut, &version).await) });
            operations.add(async {
                assert_eq!(world.redeliver(records.clone()).await, 0);
                None
            });
            // Whether the door was shut before the sender's last write before the mail.
            let (mut step, mut shut_first) = (0, false);
            loop {
                operations.settle().await;
                let waiting = world.wire.look(|held| held.mark.expect("a mark"));
                if waiting.is_empty() {
                    break;
                }
                if scene.told().len() == mails {
                    shut_first = operations.answer(0).is_some();
                }
                let wanted = usize::try_from(order >> step.min(STEPS) & 1).expect("small");
                let at = waiting.iter().position(|mark| *mark == wanted).unwrap_or(0);
                world.wire.take(at).expect("it waits").release();
                step += 1;
            }
            world.wire.let_go();
            let done = operations.answer(0).expect("shut").clone().expect("an answer");
            assert!(done.status.is_success(), "{what}: {}", done.body);
            drop(operations);
            let told = scene.told()[mails..].to_vec();
            assert_eq!(told.len(), 1, "{what}");
            if told[0] == scene.amara.email {
                assert!(!shut_first, "{what}");
                to_them += 1;
            } else {
                let other = if matches!(shut, Shut::Assign) { &*scene.chidi.email } else { INBOX };
                assert_eq!(told[0], other, "{what}");
                to_others += 1;
            }
            let now = world.snapshot().await;
            world.put_back(&now, &before).await;
        }
    }
    assert!(to_them >= 4 && to_others >= 4, "{to_them} {to_others}: both happen");
}
