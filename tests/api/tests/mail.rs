//! Rule 7: mail is never lost, says nothing it should not, and staff see what became of it.

use api_tests::{
    Call, PASSWORD, World,
    mail::{Mood, Received},
    people::{Invited, Staff, text},
    wire::Fault,
};
use mail_events::SesEvent;
use serde_json::{Value, json};
use shared::{id::PracticeId, keys};

const NEW: &str = "another nine grey pebbles";

/// A portal user of Amara Okafor whose invitation waits in the outbox; the token is empty.
async fn waiting(dana: &Staff) -> Invited {
    let client = dana.client("Amara", "Okafor", "1984-03-12").await;
    let email = "pat@mail.example";
    let user = text(&dana.add(&client, email).await.expect(201)["portalUserId"]);
    Invited { client, user, email: email.into(), token: String::new() }
}

/// The mails in the outbox, oldest first.
async fn outbox(world: &World) -> Vec<Value> {
    let items = world.items().await;
    let mails = items.iter().filter(|(key, _)| key.contains(" MAIL#"));
    let mut mails: Vec<Value> =
        mails.map(|(_, item)| serde_json::from_str(item).expect("JSON")).collect();
    mails.sort_by_key(|m| text(&m["queuedAt"]));
    mails
}

/// What staff see of the newest mail.
async fn shown(dana: &Staff, who: &Invited) -> (String, String) {
    let mail = dana.user(who).await["mail"].clone();
    (text(&mail["kind"]), text(&mail["state"]))
}

async fn state(dana: &Staff, who: &Invited) -> String {
    shown(dana, who).await.1
}

/// An event of the mail service about a mail.
fn event(mail: &Received, kind: &str, about: &Value) -> SesEvent {
    let mut event = json!({
        "eventType": kind,
        "mail": {
            "timestamp": "2026-11-22T14:00:01.000Z", "messageId": "message-1",
            "destination": [mail.to], "tags": mail.tags,
        },
    });
    event[kind.to_lowercase()] = about.clone();
    serde_json::from_value(event).expect("an event")
}

async fn happens(world: &World, mail: &Received, kind: &str, about: Value) {
    mail_events::handle(&world.app, &event(mail, kind, &about)).await.expect("noted");
}

#[tokio::test]
async fn a_mail_is_written_with_the_change_that_asks_for_it_or_not_at_all() {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = dana.client("Amara", "Okafor", "1984-03-12").await;
    world.wire.break_after("TransactWriteItems", 0, Fault::Error, 100);
    dana.add(&client, "pat@mail.example").await.problem(503, "unavailable");
    assert!(outbox(&world).await.is_empty());
    world.wire.forget();
    dana.add(&client, "pat@mail.example").await.expect(201);
    let writes = world.wire.seen().into_iter().filter(|o| o.contains("Write") || o.contains("Put"));
    assert_eq!(writes.collect::<Vec<_>>(), ["TransactWriteItems"]);
    assert_eq!(outbox(&world).await.len(), 1);
    assert!(world.post.received().is_empty(), "nothing is sent by the request itself");
}

#[tokio::test]
async fn a_mail_is_queued_then_sent_and_its_item_says_so() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = waiting(&dana).await;
    assert_eq!(shown(&dana, &who).await, ("invitation".into(), "queued".into()));
    let item = outbox(&world).await.remove(0);
    assert_eq!((&item["attempts"], item.get("doneAt")), (&json!(0), None));
    world.pass(3);
    assert_eq!(world.deliver().await, 0);
    assert_eq!(shown(&dana, &who).await, ("invitation".into(), "sent".into()));
    assert_eq!(dana.user(&who).await["mail"]["at"], json!(world.now()));
    let item = outbox(&world).await.remove(0);
    assert_eq!((&item["attempts"], &item["doneAt"]), (&json!(1), &json!(world.now())));
    assert_eq!(item["messageId"], "message-1");
    let kept = world.now().plus(30 * 24 * 60 * 60).seconds();
    assert_eq!(item["expiresAt"], kept, "the table forgets it by itself");
}

#[tokio::test]
async fn when_the_mail_service_is_down_or_throttled_the_mail_is_sent_later_once() {
    for mood in [Mood::Down, Mood::Throttled] {
        let world = World::new().await;
        let dana = world.dana().await;
        let who = waiting(&dana).await;
        let records = world.records();
        world.post.feels(mood);
        // What is known to have failed may be tried again at once.
        for attempt in 1..=3 {
            assert_eq!(world.redeliver(records.clone()).await, 1, "{mood:?}");
            let item = outbox(&world).await.remove(0);
            assert_eq!((&item["attempts"], item.get("leasedUntil")), (&json!(attempt), None));
        }
        assert_eq!(state(&dana, &who).await, "queued");
        world.post.feels(Mood::Well);
        assert_eq!(world.redeliver(records.clone()).await, 0);
        assert_eq!(state(&dana, &who).await, "sent");
        world.pass(60);
        assert_eq!(world.redeliver(records).await, 0);
        assert_eq!(world.post.received().len(), 1);
        let token = world.post.newest(&who.email).token();
        world.enroll(&token, "Okafor", "1984-03-12", PASSWORD).await.expect(201);
    }
}

#[tokio::test]
async fn when_the_answer_is_lost_the_mail_goes_out_again_and_the_item_counts_it() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = waiting(&dana).await;
    let records = world.records();
    world.post.feels(Mood::LostAnswer);
    assert_eq!(world.redeliver(records.clone()).await, 1);
    world.post.feels(Mood::Well);
    world.pass(60);
    assert_eq!(world.redeliver(records).await, 0);
    assert_eq!(outbox(&world).await[0]["attempts"], 2, "the person may have it twice");
    let mails = world.post.received();
    assert_eq!(mails.len(), 2);
    assert_eq!(mails[0].token(), mails[1].token(), "either link works");
    assert_eq!(state(&dana, &who).await, "sent");
    world.enroll(&mails[0].token(), "Okafor", "1984-03-12", PASSWORD).await.expect(201);
}

/// Sweeps; answers why mails are left to be tried again.
async fn sweep(world: &World) -> Vec<String> {
    let left = world.sender().sweep().await.expect("what waits can be read");
    left.iter().map(|p| p.cause().unwrap_or(p.code()).to_owned()).collect()
}

#[tokio::test]
async fn a_mail_that_the_stream_does_not_bring_is_found_after_two_minutes() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = waiting(&dana).await;
    let lost = world.records();
    world.pass(119);
    assert!(sweep(&world).await.is_empty());
    assert!(world.post.received().is_empty(), "the stream may still bring it");
    world.pass(2);
    assert!(sweep(&world).await.is_empty());
    assert_eq!(state(&dana, &who).await, "sent");
    let item = outbox(&world).await.remove(0);
    assert_eq!(item.get("pending"), None, "it is not looked for again");
    assert!(sweep(&world).await.is_empty());
    assert_eq!(world.redeliver(lost).await, 0);
    assert_eq!(world.post.received().len(), 1);
}

#[tokio::test]
async fn a_sweep_sends_what_it_can_and_says_that_something_is_left() {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = dana.client("Amara", "Okafor", "1984-03-12").await;
    for email in ["one@mail.example", "two@mail.example", "three@mail.example"] {
        dana.add(&client, email).await.expect(201);
    }
    world.pass(121);
    world.post.feels(Mood::Unreached);
    assert!(!sweep(&world).await.is_empty(), "nobody knows");
    world.post.feels(Mood::Well);
    assert!(!sweep(&world).await.is_empty(), "all are leased by the sweep before");
    assert!(world.post.received().is_empty());
    world.pass(60);
    assert!(sweep(&world).await.is_empty());
    assert_eq!(world.post.received().len(), 3);
    world.wire.break_after("Query", 0, Fault::Error, 9);
    let problem = world.sender().sweep().await.expect_err("nobody knows what waits");
    assert_eq!(problem.code(), "unavailable");
}

#[tokio::test]
async fn a_mail_that_nobody_takes_for_three_days_is_given_up_and_staff_see_it() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = waiting(&dana).await;
    world.post.feels(Mood::Down);
    world.pass(3 * 24 * 60 * 60 - 1);
    assert!(!sweep(&world).await.is_empty(), "there is hope");
    let dana = world.dana().await;
    assert_eq!(state(&dana, &who).await, "queued");
    world.pass(60);
    assert!(sweep(&world).await.is_empty(), "it is over");
    let mail = dana.user(&who).await["mail"].clone();
    assert_eq!(mail["state"], "bounced");
    assert_eq!(mail["reason"], "the mail service did not take it for three days");
    world.post.feels(Mood::Well);
    world.pass(60);
    assert!(sweep(&world).await.is_empty());
    assert!(world.post.received().is_empty());
    // Sent again, it is a new mail.
    dana.resend(&who).await.expect(202);
    world.deliver().await;
    assert_eq!(state(&dana, &who).await, "sent");
}

#[tokio::test]
async fn a_mail_that_cannot_be_sent_for_another_reason_is_given_up_too_and_staff_see_it() {
    let world = World::new().await;
    let who = world.dana().await.enrolled().await;
    let dana = world.dana().await;
    world.deliver().await;
    dana.revoke(&who).await.expect(200);
    dana.activate(&who).await.expect(200);
    let sent = world.post.received().len();
    // Of somebody without an account nobody knows whether the address is safe.
    let place =
        keys::account(&PracticeId::parse("harbor").expect("an id"), &world.account_key(&who.email));
    let table = world.database.tables().main.clone();
    world.database.remove(&table, [(place.pk, place.sk)]).expect("removed");
    world.pass(3 * 24 * 60 * 60 - 1);
    assert!(!sweep(&world).await.is_empty(), "there is hope");
    let dana = world.dana().await;
    assert_eq!(state(&dana, &who).await, "queued");
    world.pass(60);
    assert!(sweep(&world).await.is_empty(), "it is over");
    let mail = dana.user(&who).await["mail"].clone();
    assert_eq!(mail["state"], "bounced");
    assert_eq!(mail["reason"], "it could not be sent for three days");
    assert!(
        outbox(&world).await.iter().all(|item| item.get("pending").is_none()),
        "not tried again"
    );
    assert_eq!(world.post.received().len(), sent);
}

#[tokio::test]
async fn a_record_delivered_twice_sends_one_mail() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = waiting(&dana).await;
    let records = world.records();
    let twice: Vec<_> = records.iter().chain(&records).cloned().collect();
    assert_eq!(world.redeliver(twice).await, 0);
    assert_eq!(world.redeliver(records.clone()).await, 0);
    assert_eq!(world.post.received().len(), 1);

    // Two functions at once: the one that comes second may have to come again, and sends nothing.
    dana.resend(&who).await.expect(202);
    let records = world.records();
    let both = futures::join!(world.redeliver(records.clone()), world.redeliver(records.clone()));
    assert!(both.0 + both.1 <= 1, "{both:?}");
    world.pass(60);
    assert_eq!(world.redeliver(records).await, 0);
    assert_eq!(world.post.received().len(), 2);
}

#[tokio::test]
async fn records_out_of_order_send_what_is_true_and_nothing_else() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = waiting(&dana).await;
    dana.resend(&who).await.expect(202);
    dana.resend(&who).await.expect(202);
    let mut records = world.records();
    records.reverse();
    assert_eq!(world.redeliver(records).await, 0);
    assert_eq!(world.post.received().len(), 1, "the newest invitation alone");
    let token = world.post.newest(&who.email).token();
    assert_eq!(world.check(&token).await.expect(200)["state"], "open");
    let outbox = outbox(&world).await;
    assert_eq!(outbox.len(), 3);
    assert!(outbox.iter().all(|m| m.get("doneAt").is_some() && m.get("nonce").is_none()));
    assert_eq!(outbox.iter().filter(|m| m.get("messageId").is_some()).count(), 1);
    assert_eq!(state(&dana, &who).await, "sent");
}

#[tokio::test]
async fn what_is_no_longer_true_when_its_turn_comes_is_dropped() {
    // Revoked: the invitation, and word of an access that is gone again.
    let world = World::new().await;
    let dana = world.dana().await;
    let who = waiting(&dana).await;
    dana.revoke(&who).await.expect(200);
    assert_eq!(world.deliver().await, 0);
    assert!(world.post.received().is_empty());
    assert_eq!(dana.user(&who).await.get("mail"), None, "it does not wait any more");
    let active = dana.enrolled().await;
    dana.revoke(&active).await.expect(200);
    dana.activate(&active).await.expect(200);
    dana.revoke(&active).await.expect(200);
    let sent = world.post.received().len();
    assert_eq!(world.deliver().await, 0);
    assert_eq!(world.post.received().len(), sent);

    // Deleted.
    let who = waiting(&dana).await;
    dana.delete(&who, "confirm=delete").await.expect(200);
    assert_eq!(world.deliver().await, 0);
    assert_eq!(world.post.received().len(), sent);

    // A reset that was used up, revoked, replaced, or is past its hour.
    let who = dana.enrolled().await;
    let sent = world.post.received().len();
    world.forgot(&who.email).await.expect(202);
    dana.revoke(&who).await.expect(200);
    assert_eq!(world.deliver().await, 0);
    assert_eq!(world.post.received().len(), sent);
    dana.activate(&who).await.expect(200);
    assert_eq!(world.deliver().await, 0);
    let sent = world.post.received().len();
    world.forgot(&who.email).await.expect(202);
    world.pass(60);
    world.forgot(&who.email).await.expect(202);
    assert_eq!(world.deliver().await, 0);
    assert_eq!(world.post.received().len(), sent + 1, "the newest alone");
    world.pass(60);
    world.forgot(&who.email).await.expect(202);
    world.pass(60 * 60);
    assert_eq!(world.deliver().await, 0);
    assert_eq!(world.post.received().len(), sent + 1);
    let outbox = outbox(&world).await;
    assert!(outbox.iter().all(|m| m.get("doneAt").is_some() && m.get("nonce").is_none()));
}

#[tokio::test]
async fn a_function_killed_between_claim_and_send_is_followed_by_another_after_the_lease() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = waiting(&dana).await;
    let records = world.records();
    world.wire.hold();
    let killed = async {
        let claim = loop {
            tokio::task::yield_now().await;
            if let Some(held) = world.wire.take(0) {
                break held;
            }
        };
        assert_eq!(claim.operation, "UpdateItem");
        claim.release();
        // Its next request says that the claim was made; it gets no further.
        while world.wire.waiting().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        _ = world.redeliver(records.clone()) => panic!("it should wait"),
        () = killed => {}
    }
    world.wire.let_go();
    assert_eq!(world.redeliver(records.clone()).await, 1, "the lease keeps others off");
    world.pass(59);
    assert_eq!(world.redeliver(records.clone()).await, 1);
    assert!(world.post.received().is_empty());
    world.pass(1);
    assert_eq!(world.redeliver(records).await, 0);
    assert_eq!(world.post.received().len(), 1);
    assert_eq!(outbox(&world).await[0]["attempts"], 2);
    assert_eq!(state(&dana, &who).await, "sent");
}

#[tokio::test]
async fn a_table_that_fails_before_the_send_loses_nothing_and_after_it_sends_twice_at_most() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = waiting(&dana).await;
    let records = world.records();
    world.wire.break_after("UpdateItem", 0, Fault::Error, 100);
    assert_eq!(world.redeliver(records.clone()).await, 1);
    world.wire.forget();
    world.wire.break_after("BatchGetItem", 0, Fault::Throttled, 100);
    assert_eq!(world.redeliver(records.clone()).await, 1);
    assert!(world.post.received().is_empty());
    world.wire.forget();
    world.pass(60);
    world.wire.break_after("UpdateItem", 1, Fault::Error, 100);
    assert_eq!(world.redeliver(records.clone()).await, 1);
    assert_eq!(world.post.received().len(), 1);
    world.wire.forget();
    world.pass(60);
    assert_eq!(world.redeliver(records).await, 0);
    assert_eq!(world.post.received().len(), 2);
    assert_eq!(state(&dana, &who).await, "sent");
}

#[tokio::test]
async fn one_mail_that_cannot_be_sent_does_not_hold_up_the_others() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = waiting(&dana).await;
    let first = world.records();
    let other = dana.client("Silas", "Okafor", "1984-03-12").await;
    dana.add(&other, "second@mail.example").await.expect(201);
    // The first is leased by somebody who does not know what came of it.
    world.post.feels(Mood::Unreached);
    assert_eq!(world.redeliver(first.clone()).await, 1);
    world.post.feels(Mood::Well);
    let records = [first, world.records()].concat();
    assert_eq!(world.redeliver(records.clone()).await, 1);
    assert_eq!(world.post.received().len(), 1);
    assert_eq!(state(&dana, &who).await, "queued");
    world.pass(60);
    assert_eq!(world.redeliver(records).await, 0);
    assert_eq!(world.post.received().len(), 2);
}

#[tokio::test]
async fn a_mail_that_the_service_refuses_for_good_bounced_and_is_not_tried_again() {
    for refusal in [
        Mood::Refuses("MessageRejected", "Message contains a virus."),
        Mood::Refuses("BadRequestException", "Local address starts with dot"),
    ] {
        let world = World::new().await;
        let dana = world.dana().await;
        let who = waiting(&dana).await;
        let records = world.records();
        world.post.feels(refusal);
        assert_eq!(world.redeliver(records.clone()).await, 0, "{refusal:?}");
        let mail = dana.user(&who).await["mail"].clone();
        assert_eq!(
            (&mail["state"], &mail["reason"]),
            (&json!("bounced"), &json!("refused by the mail service")),
            "{refusal:?}"
        );
        world.post.feels(Mood::Well);
        world.pass(60);
        assert_eq!(world.redeliver(records).await, 0);
        assert!(world.post.received().is_empty());
        // Staff can send another.
        dana.resend(&who).await.expect(202);
        assert_eq!(state(&dana, &who).await, "queued");
        world.deliver().await;
        assert_eq!(state(&dana, &who).await, "sent");
        assert!(dana.user(&who).await["mail"].get("reason").is_none());
    }
}

/// The sender's identity lapsed, or the account may not send for now: no mail is lost by it.
#[tokio::test]
async fn a_mail_that_is_refused_for_the_senders_sake_is_sent_when_there_is_nothing_against_it() {
    for (error, words, cause) in [
        (
            "MessageRejected",
            "Email address is not verified. The following identities failed the check in region \
             US-EAST-1: pat@mail.example",
            "mail service: MessageRejected, not verified",
        ),
        (
            "MessageRejected",
            "Sending suspended for this account.",
            "mail service: MessageRejected, suspended",
        ),
        (
            "SendingPausedException",
            "Email sending is paused for your account.",
            "mail service: SendingPausedException, paused",
        ),
        (
            "BadRequestException",
            "Configuration set <latchkey> cannot be used.",
            "mail service: BadRequestException, configuration set",
        ),
        ("AccountSuspendedException", "", "mail service: AccountSuspendedException, for now"),
    ] {
        let world = World::new().await;
        let dana = world.dana().await;
        let who = waiting(&dana).await;
        world.pass(121);
        world.post.feels(Mood::Refuses(error, words));
        let left = sweep(&world).await;
        assert_eq!(left, [cause], "it has to be tried again, and the log knows no address");
        assert_eq!(state(&dana, &who).await, "queued");
        world.post.feels(Mood::Well);
        assert!(sweep(&world).await.is_empty());
        assert_eq!(state(&dana, &who).await, "sent");
        let token = world.post.newest(&who.email).token();
        world.enroll(&token, "Okafor", "1984-03-12", PASSWORD).await.expect(201);
    }
}

#[tokio::test]
async fn what_failed_before_the_mail_service_was_asked_may_be_tried_again_at_once() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = waiting(&dana).await;
    let records = world.records();
    world.wire.break_after("BatchGetItem", 0, Fault::Error, 100);
    assert_eq!(world.redeliver(records.clone()).await, 1);
    world.wire.forget();
    assert_eq!(world.redeliver(records.clone()).await, 0);
    assert_eq!(state(&dana, &who).await, "sent");

    // A lease that cannot be given back comes free in its time.
    dana.resend(&who).await.expect(202);
    let records = world.records();
    world.post.feels(Mood::Down);
    world.wire.break_after("UpdateItem", 1, Fault::Error, 100);
    assert_eq!(world.redeliver(records.clone()).await, 1);
    world.wire.forget();
    world.post.feels(Mood::Well);
    assert_eq!(world.redeliver(records.clone()).await, 1);
    world.pass(60);
    assert_eq!(world.redeliver(records).await, 0);
    assert_eq!(world.post.received().len(), 2);
}

#[tokio::test]
async fn what_became_of_a_mail_shows_on_the_portal_user() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = waiting(&dana).await;
    world.deliver().await;
    let mail = world.post.newest(&who.email);
    let version = dana.user(&who).await["version"].clone();
    let at = "2026-11-22T14:00:07.000Z";
    happens(&world, &mail, "Delivery", json!({"timestamp": at, "recipients": [who.email]})).await;
    let user = dana.user(&who).await;
    assert_eq!(user["mail"], json!({"kind": "invitation", "state": "delivered", "at": at}));
    assert_eq!(user["version"], version, "an edit in the making is not made stale by it");
    happens(&world, &mail, "Complaint", json!({"timestamp": at})).await;
    assert_eq!(state(&dana, &who).await, "complained");
}

#[tokio::test]
async fn a_bounce_says_why_in_words() {
    for (kind, sub, why) in [
        ("Permanent", "General", "no such mailbox"),
        ("Permanent", "NoEmail", "no such mailbox"),
        ("Permanent", "Suppressed", "address bounced before"),
        ("Permanent", "OnAccountSuppressionList", "address bounced before"),
        ("Transient", "MailboxFull", "mailbox full"),
        ("Transient", "MessageTooLarge", "message too large"),
        ("Transient", "ContentRejected", "content refused"),
        ("Transient", "General", "not taken for now"),
        ("Undetermined", "Undetermined", "not delivered"),
    ] {
        let world = World::new().await;
        let dana = world.dana().await;
        let who = waiting(&dana).await;
        world.deliver().await;
        let mail = world.post.newest(&who.email);
        let about = json!({
            "bounceType": kind, "bounceSubType": sub, "timestamp": "2026-11-22T14:00:07.000Z",
            "bouncedRecipients": [{"emailAddress": who.email, "diagnosticCode": "smtp; 550 no"}],
        });
        happens(&world, &mail, "Bounce", about).await;
        let mail = dana.user(&who).await["mail"].clone();
        assert_eq!((&mail["state"], &mail["reason"]), (&json!("bounced"), &json!(why)));
        assert_eq!(dana.user(&who).await["status"], "invited", "the link may still be handed over");
    }
}

#[tokio::test]
async fn events_out_of_order_or_twice_never_go_back() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = waiting(&dana).await;
    world.deliver().await;
    let mail = world.post.newest(&who.email);
    let (early, late) = ("2026-11-22T14:00:05.000Z", "2026-11-22T14:00:09.000Z");
    let bounce =
        || json!({"bounceType": "Permanent", "bounceSubType": "NoEmail", "timestamp": late});
    happens(&world, &mail, "Bounce", bounce()).await;
    let bounced = dana.user(&who).await;
    for (kind, about) in [
        ("Delivery", json!({"timestamp": early})),
        ("Send", json!({})),
        ("Bounce", json!({"bounceType": "Transient", "timestamp": early})),
        ("Open", json!({"timestamp": late})),
        ("DeliveryDelay", json!({"timestamp": late})),
    ] {
        happens(&world, &mail, kind, about).await;
        assert_eq!(dana.user(&who).await, bounced, "{kind}");
    }
    happens(&world, &mail, "Complaint", json!({"timestamp": late})).await;
    happens(&world, &mail, "Bounce", bounce()).await;
    assert_eq!(state(&dana, &who).await, "complained");
}

#[tokio::test]
async fn a_delivery_noted_before_the_send_was_is_not_undone_by_it() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = waiting(&dana).await;
    let records = world.records();
    world.post.feels(Mood::LostAnswer);
    assert_eq!(world.redeliver(records.clone()).await, 1);
    let mail = world.post.newest(&who.email);
    happens(&world, &mail, "Delivery", json!({"timestamp": "2026-11-22T14:00:05.000Z"})).await;
    assert_eq!(state(&dana, &who).await, "delivered");
    world.post.feels(Mood::Well);
    world.pass(60);
    assert_eq!(world.redeliver(records).await, 0);
    assert_eq!(state(&dana, &who).await, "delivered");
}

#[tokio::test]
async fn events_about_an_older_mail_change_nothing() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = waiting(&dana).await;
    world.deliver().await;
    let older = world.post.newest(&who.email);
    dana.resend(&who).await.expect(202);
    let bounce = json!({"bounceType": "Permanent", "timestamp": "2026-11-22T14:00:09.000Z"});
    happens(&world, &older, "Bounce", bounce.clone()).await;
    assert_eq!(state(&dana, &who).await, "queued");
    world.deliver().await;
    happens(&world, &older, "Bounce", bounce).await;
    assert_eq!(state(&dana, &who).await, "sent");
}

#[tokio::test]
async fn events_about_mails_that_are_not_ours_change_nothing() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = waiting(&dana).await;
    world.deliver().await;
    let mail = world.post.newest(&who.email);
    let before = world.items().await;
    let delivered = json!({"timestamp": "2026-11-22T14:00:05.000Z"});
    let mut foreign = vec![json!({}), json!({"ses:configuration-set": ["other"]})];
    for (tag, value) in [
        ("practice", "cove"),
        ("practice", "NO#SUCH"),
        ("client", "01ARZ3NDEKTSV4RRFFQ69G5FAV"),
        ("client", "A#CLIENT"),
        ("portalUser", "01ARZ3NDEKTSV4RRFFQ69G5FAV"),
        ("portalUser", ""),
        ("mail", "01ARZ3NDEKTSV4RRFFQ69G5FAV"),
        ("mail", "x"),
    ] {
        let mut tags = mail.tags.clone();
        tags[tag] = json!([value]);
        foreign.push(tags);
        let mut tags = mail.tags.clone();
        tags.as_object_mut().expect("tags").remove(tag);
        foreign.push(tags);
    }
    for tags in foreign {
        let other = Received { tags: tags.clone(), ..mail.clone() };
        happens(&world, &other, "Delivery", delivered.clone()).await;
        assert_eq!(world.items().await, before, "{tags}");
    }
    happens(&world, &mail, "Delivery", delivered).await;
    assert_eq!(state(&dana, &who).await, "delivered");
}

#[tokio::test]
async fn an_event_that_cannot_be_noted_is_asked_for_again() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = waiting(&dana).await;
    world.deliver().await;
    let mail = world.post.newest(&who.email);
    let delivered = event(&mail, "Delivery", &json!({"timestamp": "2026-11-22T14:00:05.000Z"}));
    world.wire.break_after("UpdateItem", 0, Fault::Error, 100);
    let problem = mail_events::handle(&world.app, &delivered).await.expect_err("it failed");
    assert_eq!(problem.code(), "unavailable");
    world.wire.forget();
    mail_events::handle(&world.app, &delivered).await.expect("noted");
    assert_eq!(state(&dana, &who).await, "delivered");
    // Of somebody who was deleted meanwhile there is nothing to note.
    dana.delete(&who, "confirm=delete").await.expect(200);
    mail_events::handle(&world.app, &delivered).await.expect("passed over");
}

/// Has every kind of mail sent to one person, about one client.
async fn every_kind(world: &World, dana: &Staff, who: &Invited) -> Vec<Received> {
    world.deliver().await;
    let token = world.post.newest(&who.email).token();
    let last =
        text(&dana.get(&format!("/api/clients/{}", who.client)).await.expect(200)["name"]["last"]);
    world.enroll(&token, &last, "1984-03-12", PASSWORD).await.expect(201);
    dana.revoke(who).await.expect(200);
    dana.activate(who).await.expect(200);
    world.deliver().await;
    let username = text(&dana.user(who).await["username"]);
    world.forgot(&username).await.expect(202);
    world.deliver().await;
    world.choose(&world.post.newest(&who.email).token(), NEW).await.expect(204);
    world.deliver().await;
    let mails = world.post.received();
    assert_eq!(mails.len(), 4);
    mails
}

#[tokio::test]
async fn mails_name_the_sign_in_name_and_hold_no_password_and_nothing_of_the_client() {
    let world = World::new().await;
    let dana = world.dana().await;
    let body = json!({
        "name": {"first": "Xanthippe", "last": "Quillfeather", "preferred": "Zanni"},
        "dateOfBirth": "1984-03-12", "recordNumber": "HX-77120",
        "emails": [{"type": "home", "address": "amphora@home.example"}],
        "phones": [{"type": "mobile", "number": "+1 555 0100 777"}],
        "professional": "Dr. Oncology Psychiatry",
    });
    let client = text(&dana.post("/api/clients", &body).await.expect(201)["clientId"]);
    let body = json!({
        "name": {"first": "Pat", "last": "Person"}, "email": "pat@mail.example",
        "username": "squirrelwhisperer", "relationship": "parent", "permissions": ["sessions"],
    });
    let path = format!("/api/clients/{client}/portal-users");
    let user = text(&dana.post(&path, &body).await.expect(201)["portalUserId"]);
    let who = Invited { client, user, email: "pat@mail.example".into(), token: String::new() };
    for mail in every_kind(&world, &dana, &who).await {
        assert_eq!(mail.to, "pat@mail.example");
        assert_eq!(mail.from, "\"Harbor Practice\" <no-reply@latchkey.example>");
        for part in [&mail.subject, &mail.text, &mail.html, &mail.tags.to_string()] {
            for word in [
                "Xanthippe",
                "Quillfeather",
                "Zanni",
                "1984",
                "03-12",
                "HX-77120",
                "amphora",
                "555 0100",
                "Oncology",
                "Psychiatry",
                PASSWORD,
                NEW,
                "parent",
                "session",
            ] {
                let part = part.to_lowercase();
                assert!(!part.contains(&word.to_lowercase()), "{word} in {part}");
            }
        }
        for part in [&mail.text, &mail.html] {
            assert!(part.contains("Your sign-in name: squirrelwhisperer"), "{part}");
        }
        for word in ["Pat", "@", "squirrel"] {
            assert!(!mail.subject.contains(word), "{}", mail.subject);
            assert!(!mail.tags.to_string().contains(word), "{}", mail.tags);
        }
        assert!(mail.text.contains("Pat"), "it greets: {}", mail.text);
        assert!(mail.text.contains("http://portal.localhost:8600/harbor/"), "{}", mail.text);
    }
}

#[tokio::test]
async fn hostile_names_stand_as_plain_text() {
    for hostile in [
        "<script>alert(1)</script>",
        "Robert'); DROP TABLE clients;--",
        "\"><img src=x onerror=alert(1)>",
        "{name} {practice} {link}",
        "${jndi:ldap://x} %s &lt;b&gt;",
    ] {
        let world = World::new().await;
        world.practice("harbor", hostile, |_| {}).await;
        let dana = world.dana().await;
        let body = json!({
            "name": {"first": "Amara", "last": hostile}, "dateOfBirth": "1984-03-12",
        });
        let client = dana.post("/api/clients", &body).await.expect(201);
        assert_eq!(client["name"]["last"], hostile);
        let client = text(&client["clientId"]);
        let body = json!({
            "name": {"first": hostile, "last": "Person"}, "email": "pat@mail.example",
            "relationship": "parent", "permissions": [],
        });
        let path = format!("/api/clients/{client}/portal-users");
        let user = text(&dana.post(&path, &body).await.expect(201)["portalUserId"]);
        let who = Invited { client, user, email: "pat@mail.example".into(), token: String::new() };
        for mail in every_kind(&world, &dana, &who).await {
            let flowed = mail.text.replace('\n', " ");
            // Greeted by it, unless a mail program would make a link of it.
            let greeted = flowed.contains(&format!("Hello {hostile},"));
            assert_eq!(greeted, !hostile.contains("//"), "{}", mail.text);
            assert!(mail.subject.contains(hostile), "{}", mail.subject);
            assert!(!mail.subject.contains(['\n', '\r']));
            let escaped = hostile
                .replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;")
                .replace('"', "&quot;")
                .replace('\'', "&#39;");
            assert!(mail.html.contains(&escaped), "{}", mail.html);
            for markup in ["<script", "<img", "onerror=alert(1)>"] {
                assert!(!mail.html.contains(markup), "{markup}");
            }
            assert_eq!(mail.html.matches("<a ").count(), mail.html.matches("</a>").count());
        }
    }
}

#[tokio::test]
async fn a_name_with_a_line_break_is_not_taken() {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = dana.client("Amara", "Okafor", "1984-03-12").await;
    for breaking in ["Pat\nBcc: x@evil.example", "Pat\r\nSubject: x", "Pat\u{0}"] {
        let body = json!({
            "name": {"first": breaking, "last": "Person"}, "email": "pat@mail.example",
            "relationship": "parent", "permissions": [],
        });
        let path = format!("/api/clients/{client}/portal-users");
        let refused = dana.post(&path, &body).await.problem(400, "invalid");
        assert_eq!(refused["fields"][0]["field"], "name.first");
        assert_eq!(refused["fields"][0]["code"], "control_character");
    }
    for address in
        ["pat@mail.example\nBcc: x@evil.example", "a@b.example,c@d.example", "<a@b.example> x"]
    {
        let answer = dana.add(&client, address).await;
        assert_eq!(answer.problem(400, "invalid")["fields"][0]["field"], "email");
    }
    world.deliver().await;
    assert!(world.post.received().is_empty());
}

#[tokio::test]
async fn the_senders_name_is_quoted_or_encoded() {
    for (name, from) in [
        ("Harbor Practice", "\"Harbor Practice\""),
        ("Quay, Dock & Sons", "\"Quay, Dock & Sons\""),
        (r#"The "Quiet" \ House"#, r#""The \"Quiet\" \\ House""#),
        ("evil\" <x@evil.example>", "\"evil\\\" <x@evil.example>\""),
        ("Harbor\r\nBcc: x@evil.example", "\"HarborBcc: x@evil.example\""),
        ("Praxis Müller", "=?UTF-8?B?UHJheGlzIE3DvGxsZXI=?="),
        (
            "Gemeinschaftspraxis für Psychotherapie am Grünen Ufer, Königstraße",
            "=?UTF-8?B?R2VtZWluc2NoYWZ0c3ByYXhpcyBmw7xyIFBzeWNob3RoZXJhcGllIGFtIEdy?= =?UTF-8?B?w7xuZW4gVWZlciwgS8O2bmlnc3RyYcOfZQ==?=",
        ),
        ("診療所", "=?UTF-8?B?6Ki655mC5omA?="),
    ] {
        let world = World::new().await;
        world.practice("harbor", "Harbor Practice", |p| p.sender_name = name.into()).await;
        let dana = world.dana().await;
        waiting(&dana).await;
        world.deliver().await;
        let mail = world.post.newest("pat@mail.example");
        assert_eq!(mail.from, format!("{from} <no-reply@latchkey.example>"));
    }
}

#[tokio::test]
async fn a_practice_writes_in_its_own_language() {
    let mut subjects = std::collections::BTreeSet::new();
    for language in ["en", "es", "fr"] {
        let world = World::new().await;
        world.practice("harbor", "Harbor Practice", |p| p.language = language.into()).await;
        let dana = world.dana().await;
        waiting(&dana).await;
        world.deliver().await;
        let mail = world.post.newest("pat@mail.example");
        assert!(mail.html.contains(&format!("lang=\"{language}\"")));
        subjects.insert(mail.subject);
    }
    assert_eq!(subjects.len(), 3, "{subjects:?}");
}

#[tokio::test]
async fn records_that_are_no_new_mail_send_nothing() {
    let world = World::new().await;
    let dana = world.dana().await;
    waiting(&dana).await;
    let mut records = world.records();
    records.retain(|r| r.event_name == "INSERT");
    for record in &mut records {
        record.event_name = "MODIFY".into();
    }
    world.wire.forget();
    assert_eq!(world.redeliver(records.clone()).await, 0);
    for record in &mut records {
        record.event_name = "REMOVE".into();
    }
    assert_eq!(world.redeliver(records).await, 0);
    assert!(world.wire.seen().is_empty() && world.post.received().is_empty());
}

#[tokio::test]
async fn a_link_to_a_portal_elsewhere_is_the_practices_own() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = waiting(&dana).await;
    world.deliver().await;
    let mail = world.post.newest(&who.email);
    assert!(mail.text.contains("http://portal.localhost:8600/harbor/enroll#harbor."));
    // The token travels behind `#`: no server sees it when the link is opened.
    assert_eq!(mail.token().matches(['?', '&', '#', '/']).count(), 0);
    let call = Call::new("GET", "/api/portal/enrollment/check");
    world.send(call).await.problem(405, "method_not_allowed");
}
