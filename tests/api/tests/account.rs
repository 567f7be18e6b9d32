//! A person's own account: what it shows, and what they change of it by themselves. What changes how they
//! enter asks for the password again, counted as a failed sign-in when it is wrong, and is mailed to them.

use std::collections::BTreeMap;

use api_tests::{
    Answer, Call, PASSWORD, World,
    people::{Browser, Invited, Staff, text},
};
use futures::future::join_all;
use serde_json::{Value, json};
use shared::{fields::Email, id::PracticeId, mail::MailKind, mail_budget::Spending};

const NEW: &str = "another nine grey pebbles";
const WRONG: &str = "not the password at all";
const ADDRESS: &str = "amara@new.example";
const PHONE: &str = "Mozilla/5.0 (Linux; Android 10; K) Chrome/140.0.0.0 Mobile Safari/537.36";
const COMPUTER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0";

/// Somebody who is signed in at a computer and on a phone.
struct Scene {
    world: World,
    dana: Staff,
    who: Invited,
    computer: Browser,
    phone: Browser,
}

async fn scene() -> Scene {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = dana.enrolled().await;
    let phone = world.browser(&who.email, PASSWORD, PHONE).await;
    world.pass(60);
    let computer = world.browser(&who.email, PASSWORD, COMPUTER).await;
    world.deliver().await;
    world.wire.forget();
    Scene { world, dana, who, computer, phone }
}

impl Scene {
    /// Asks for another address; the token in the mail.
    async fn token(&self, address: &str) -> String {
        self.computer.change_email(address, PASSWORD).await.expect(202);
        self.world.deliver().await;
        self.world.post.newest(address).token()
    }

    /// The events of an action, in the order in which they were written.
    async fn events(&self, action: &str) -> Vec<Value> {
        let events = self.world.events().await.into_values();
        let events = events.map(|event| serde_json::from_str::<Value>(&event).expect("JSON"));
        events.filter(|event| event["action"] == action).collect()
    }

    /// All items but those of staff sessions.
    async fn items(&self) -> BTreeMap<String, String> {
        self.world.items_but_sessions().await
    }

    /// Spends what an address may get of mails.
    async fn spend_the_budget_of(&self, address: &str) {
        let harbor = PracticeId::parse("harbor").expect("a practice");
        let address = Email::parse(address).expect("an address");
        for _ in 0..10 {
            let mut spending = Spending::new(&self.world.app, &harbor);
            spending.count(&address, MailKind::Invitation).expect("counted");
            let budgets = spending.read(self.world.app.store()).await.expect("read");
            if spending.until(&budgets).is_some() {
                return;
            }
            let mut change = self.world.app.store().change();
            let _ = spending.write(&mut change, &budgets).expect("held");
            self.world.app.store().write(change).await.expect("written");
        }
    }
}

fn wrong_password(answer: Answer) {
    let problem = answer.problem(422, "wrong_password");
    assert_eq!(problem["fields"][0]["field"], "proof.password");
}

#[tokio::test]
async fn the_account_shows_who_the_person_is_and_where_they_are_signed_in() {
    let scene = scene().await;
    let account = scene.computer.account().await.expect(200);
    assert_eq!(scene.world.wire.seen(), ["BatchGetItem", "TransactWriteItems"]);
    let mut known = account.clone();
    let sessions = known.as_object_mut().expect("an object").remove("sessions").expect("sessions");
    assert_eq!(
        known,
        json!({
            "name": {"first": "Pat", "last": "Person"}, "username": scene.who.email,
            "email": scene.who.email, "language": "en",
            "secondFactors": {"passkeys": [], "totp": false, "recoveryCode": false},
            "secondFactor": "off",
        })
    );
    let sessions = sessions.as_array().expect("a list").clone();
    let of = |name: &str| sessions.iter().map(|s| s[name].clone()).collect::<Vec<_>>();
    // The enrolment signed in, too, in a browser that did not say what it is.
    assert_eq!(of("device"), ["computer", "phone", "unknown"]);
    assert_eq!(of("current"), [true, false, false]);
    let minute = |text: &Value| text.as_str().map(|t| t[11..16].to_owned()).expect("a time");
    let times: Vec<_> =
        sessions.iter().map(|s| (minute(&s["beganAt"]), minute(&s["lastUsedAt"]))).collect();
    let (first, second) = ("14:00".to_owned(), "14:01".to_owned());
    assert_eq!(times[0], (second.clone(), second));
    assert_eq!(times[1], (first.clone(), first));
    // Each of them sees the same, from where it is.
    let there = scene.phone.account().await.expect(200);
    assert_eq!(there["sessions"][0]["device"], "phone");
    assert_eq!(there["sessions"][0]["current"], true);
    let shown = scene.events("account-shown").await;
    assert_eq!(shown.len(), 2, "each showing leaves an event");
    assert_eq!(shown[0]["portalUserId"], scene.who.user.as_str());
    assert_eq!(shown[0]["actor"]["role"], "portalUser");
}

#[tokio::test]
async fn a_session_that_is_over_is_not_listed_and_one_of_an_earlier_version_is() {
    let scene = scene().await;
    let kinds = async || {
        let account = scene.computer.account().await.expect(200);
        let sessions = account["sessions"].as_array().expect("a list").clone();
        sessions.iter().map(|s| text(&s["device"])).collect::<Vec<_>>()
    };
    // The others are ten minutes old.
    scene.world.pass(9 * 60);
    assert_eq!(kinds().await, ["computer"]);
    // What an earlier version wrote says nothing of the device.
    let main = &scene.world.database.tables().main;
    let items = scene.world.snapshot().await.items(main);
    let (_, mut item) = items.into_iter().find(|(key, _)| key.1 == "ACCOUNT").expect("the account");
    for session in item["sessions"].as_object_mut().expect("sessions").values_mut() {
        session.as_object_mut().expect("a session").remove("device");
    }
    scene.world.database.load(main, [serde_dynamo::to_item(item).expect("an item")]).expect("kept");
    assert_eq!(kinds().await, ["unknown"]);
}

#[tokio::test]
async fn the_language_that_a_person_chose_is_that_of_pages_and_mails() {
    let scene = scene().await;
    let Scene { world, dana, who, computer, .. } = &scene;
    let other = dana.client("Silas", "Okafor", "1984-03-12").await;
    let other = dana.enroll_for(&other, &who.email).await;
    let session = |answer: Value| answer.get("language").cloned();
    assert_eq!(session(world.session(&computer.cookies).await.expect(200)), None);

    world.wire.forget();
    assert_eq!(computer.speak("es").await.expect(200)["language"], "es");
    assert_eq!(world.wire.seen(), ["BatchGetItem", "TransactWriteItems"]);
    assert_eq!(session(world.session(&computer.cookies).await.expect(200)), Some(json!("es")));
    let told = scene.events("account-updated").await;
    assert_eq!(told.len(), 2, "on each chart");
    assert!(told.iter().all(|event| event["changed"] == json!(["language"])));
    // Again, it changes nothing.
    let before = (scene.items().await, told.len());
    computer.speak("es").await.expect(200);
    assert_eq!((scene.items().await, scene.events("account-updated").await.len()), before);

    let third = dana.client("Wren", "Okafor", "1984-03-12").await;
    let third = dana.invite(&third, &who.email).await;
    assert!(world.post.newest(&who.email).subject.starts_with("Su invitación"), "a new chart");
    world.enroll(&third.token, "Okafor", "1984-03-12", PASSWORD).await.expect(201);
    for access in [who, &other] {
        dana.revoke(access).await.expect(200);
        dana.activate(access).await.expect(200);
        world.deliver().await;
        assert!(world.post.newest(&who.email).subject.starts_with("Su acceso"), "of each chart");
    }
    // Also of one that was closed when the language was chosen.
    dana.revoke(&other).await.expect(200);
    let again = world.browser(&who.email, PASSWORD, "").await;
    again.speak("fr").await.expect(200);
    dana.activate(&other).await.expect(200);
    world.deliver().await;
    assert!(world.post.newest(&who.email).subject.starts_with("Votre accès"));
    // Nobody else is spoken to in it.
    let somebody = dana.enrolled().await;
    assert!(world.post.newest(&somebody.email).subject.starts_with("Your invitation"));
}

#[tokio::test]
async fn a_new_password_ends_the_other_sessions_and_is_mailed() {
    let scene = scene().await;
    let Scene { world, who, computer, phone, .. } = &scene;
    world.forgot(&who.email).await.expect(202);
    world.deliver().await;
    let reset = world.post.newest(&who.email).token();
    let confirmation = scene.token(ADDRESS).await;
    scene.spend_the_budget_of(&who.email).await;

    world.wire.forget();
    computer.change_password(NEW, PASSWORD).await.expect(204);
    assert_eq!(world.wire.seen(), ["BatchGetItem", "TransactWriteItems"]);
    assert!(computer.lives().await, "the session that changed it goes on");
    assert!(!phone.lives().await);
    assert_eq!(computer.account().await.expect(200)["sessions"].as_array().map(Vec::len), Some(1));
    world.sign_in(&who.email, PASSWORD).await.problem(401, "sign_in_failed");
    world.sign_in(&who.email, NEW).await.expect(200);
    world.choose(&reset, "a third one of grey wool").await.problem(409, "reset_expired");
    computer.confirm(&confirmation).await.problem(409, "confirmation_expired");
    // A notice of a change is never held back.
    world.deliver().await;
    let mail = world.post.newest(&who.email);
    assert_eq!(mail.subject, "Your password for the Harbor Practice client portal was changed");
    let told = scene.events("password-changed").await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["actor"]["role"], "portalUser");
    assert_eq!(told[0]["changed"], json!(["password"]));
    let shown = scene.dana.user(who).await["mail"].clone();
    assert_eq!((&shown["kind"], &shown["state"]), (&json!("password-changed"), &json!("sent")));
}

#[tokio::test]
async fn apps_are_told_of_the_sessions_that_a_new_password_ends() {
    let scene = scene().await;
    let room = scene.dana.register(&json!({})).await;
    let session =
        |browser: &Browser| browser.cookies.split("; ").next().expect("a cookie").to_owned();
    let own = scene.world.token(&session(&scene.computer), &room).await;
    let other = scene.world.token(&session(&scene.phone), &room).await;
    let notices = async || {
        let items = scene.items().await;
        items.keys().filter(|key| key.contains("#K NOTICE#")).count()
    };
    let before = notices().await;
    scene.computer.change_password(NEW, PASSWORD).await.expect(204);
    assert_eq!(notices().await, before + 1);
    assert_eq!(scene.world.introspect(&room, &own).await["active"], true);
    assert_eq!(scene.world.introspect(&room, &other).await["active"], false);
}

#[tokio::test]
async fn a_password_that_is_too_weak_is_refused_whatever_the_proof() {
    let scene = scene().await;
    let before = (scene.items().await, scene.world.events().await);
    for proof in [PASSWORD, WRONG] {
        let answer = scene.computer.change_password("short", proof).await;
        assert_eq!(answer.problem(422, "too_short")["fields"][0]["field"], "password");
        let named = format!("{} and {}", scene.who.email, "amara okafor");
        let answer = scene.computer.change_password(&named, proof).await;
        assert_eq!(answer.problem(422, "too_weak")["fields"][0]["field"], "password");
    }
    assert_eq!((scene.items().await, scene.world.events().await), before);
}

#[tokio::test]
async fn a_wrong_proof_changes_nothing_and_counts_as_a_failed_sign_in_of_the_device() {
    let scene = scene().await;
    let Scene { world, who, computer, .. } = &scene;
    let items = |items: BTreeMap<String, String>| {
        let counted = |key: &String| key.contains(" DEVICE#") || key.ends_with(" SOURCE");
        items.into_iter().filter(|(key, _)| !counted(key)).collect::<Vec<_>>()
    };
    let before = items(scene.items().await);
    for n in 0..5 {
        world.wire.forget();
        let answer = match n % 2 {
            0 => computer.change_password(NEW, WRONG).await,
            _ => computer.change_email(ADDRESS, WRONG).await,
        };
        wrong_password(answer);
        assert!(world.wire.seen().len() <= 3, "{:?}", world.wire.seen());
    }
    // The fifth locks the device, for the right password and at the door, too.
    for password in [WRONG, PASSWORD] {
        let answer = computer.change_password(NEW, password).await;
        assert_eq!(answer.headers["retry-after"], "60");
        answer.problem(429, "too_many_attempts");
    }
    let body = json!({"practice": "harbor", "username": who.email, "password": PASSWORD});
    let call = Call::new("POST", "/api/portal/sign-in").json(&body);
    computer.send(call).await.problem(429, "too_many_attempts");
    assert_eq!(items(scene.items().await), before, "nothing else was written");
    let refused = scene.events("proof-refused").await;
    assert_eq!(refused.len(), 5);
    assert_eq!(refused[0]["portalUserId"], who.user.as_str());
    assert_eq!(refused[0]["actor"]["name"], "Pat Person");
    let locked = scene.events("locked").await;
    assert_eq!(locked.iter().map(|e| text(&e["reason"])).collect::<Vec<_>>(), ["device"]);
    assert!(computer.lives().await, "a lock ends no session");
    // It shuts nobody else out.
    assert!(scene.phone.change_email(ADDRESS, PASSWORD).await.status.is_success());
    world.sign_in(&who.email, PASSWORD).await.expect(200);

    world.pass(60);
    computer.change_password(NEW, PASSWORD).await.expect(204);
    // The count begins anew.
    for _ in 0..4 {
        wrong_password(computer.change_password(PASSWORD, WRONG).await);
    }
    computer.change_password(PASSWORD, NEW).await.expect(204);
}

#[tokio::test]
async fn in_a_browser_that_lost_the_device_a_wrong_proof_counts_as_a_strangers() {
    let scene = scene().await;
    let session = scene.computer.cookies.split("; ").next().expect("a cookie").to_owned();
    let bare = Browser { cookies: session, ..scene.computer.clone() };
    for _ in 0..5 {
        wrong_password(bare.change_password(NEW, WRONG).await);
    }
    bare.change_password(NEW, PASSWORD).await.problem(429, "too_many_attempts");
    scene.world.sign_in(&scene.who.email, PASSWORD).await.problem(429, "too_many_attempts");
    scene.world.deliver().await;
    assert!(scene.dana.user(&scene.who).await.get("lockedUntil").is_some(), "staff see it");
    scene.computer.change_password(NEW, PASSWORD).await.expect(204);
}

#[tokio::test]
async fn guesses_at_once_are_judged_one_after_the_other() {
    let scene = scene().await;
    for _ in 0..4 {
        wrong_password(scene.computer.change_password(NEW, WRONG).await);
    }
    let guesses = (0..6).map(|n| {
        let browser = scene.computer.clone();
        async move { browser.change_password(NEW, &format!("{WRONG} {n}")).await }
    });
    let answers = join_all(guesses).await;
    let of = |status: u16| answers.iter().filter(|a| a.status.as_u16() == status).count();
    assert_eq!((of(422), of(429)), (1, 5));
}

/// The counts must be those that a right proof was judged by: else of a burst of guesses the right one would
/// still get its answer.
#[tokio::test]
async fn a_right_proof_that_is_overtaken_by_wrong_ones_has_to_wait() {
    let scene = scene().await;
    let session = scene.computer.cookies.split("; ").next().expect("a cookie").to_owned();
    let bare = Browser { cookies: session, ..scene.computer.clone() };
    for browser in [&scene.computer, &bare] {
        scene.world.wire.hold();
        let late = browser.change_password(NEW, PASSWORD);
        let others = async {
            let write = scene.world.wire.write().await;
            scene.world.wire.let_go();
            for _ in 0..5 {
                wrong_password(browser.change_password(NEW, WRONG).await);
            }
            write.release();
        };
        let (late, ()) = futures::join!(late, others);
        late.problem(429, "too_many_attempts");
    }
}

#[tokio::test]
async fn a_new_address_is_the_persons_once_its_link_was_used() {
    let scene = scene().await;
    let Scene { world, dana, who, computer, .. } = &scene;
    let other = dana.client("Silas", "Okafor", "1984-03-12").await;
    let other = dana.enroll_for(&other, &who.email).await;
    world.deliver().await;
    let mails = world.post.received().len();

    world.wire.forget();
    let asked = computer.change_email(ADDRESS, PASSWORD).await.expect(202);
    // The budget of the address is read beside the session.
    let mut seen = world.wire.seen();
    seen.sort();
    assert_eq!(seen, ["BatchGetItem", "GetItem", "TransactWriteItems"]);
    assert_eq!(asked, json!({"expiresAt": "2026-11-23T14:01:00.000Z"}));
    assert_eq!(computer.account().await.expect(200)["email"], who.email.as_str());
    world.deliver().await;
    let sent = world.post.received().split_off(mails);
    assert_eq!(sent.iter().map(|mail| mail.to.as_str()).collect::<Vec<_>>(), [ADDRESS]);
    for stranger in [&sent[0].text, &sent[0].html] {
        assert!(!stranger.contains("Pat") && !stranger.contains(&who.email), "{stranger}");
    }
    assert!(sent[0].text.contains("/harbor/confirm-email#"), "{}", sent[0].text);

    world.wire.forget();
    computer.confirm(&sent[0].token()).await.expect(204);
    let mut seen = world.wire.seen();
    seen.sort();
    assert_eq!(seen, ["BatchGetItem", "GetItem", "Query", "TransactWriteItems"]);
    let account = computer.account().await.expect(200);
    assert_eq!(account["email"], ADDRESS);
    assert_eq!(account["username"], who.email.as_str(), "the sign-in name stays");
    for access in [who, &other] {
        assert_eq!(dana.user(access).await["email"], ADDRESS);
    }
    world.deliver().await;
    let told = world.post.received().split_off(mails + 1);
    let told: Vec<(&str, &str)> =
        told.iter().map(|mail| (mail.to.as_str(), mail.subject.as_str())).collect();
    let subject = "Your e-mail address for the Harbor Practice client portal was changed";
    assert_eq!(told, [(who.email.as_str(), subject), (ADDRESS, subject)]);
    let former = world.post.newest(&who.email);
    assert!(!former.text.contains(ADDRESS) && !former.html.contains(ADDRESS));
    // Resets go there from now on, and staff find the person by it.
    world.forgot(&who.email).await.expect(202);
    world.deliver().await;
    assert_eq!(world.post.received().last().expect("a mail").to, ADDRESS);
    let hits = dana.post("/api/clients/search", &json!({"query": ADDRESS})).await.expect(200);
    assert_eq!(hits["clients"].as_array().map(Vec::len), Some(2));
    let told = scene.events("portal-user-updated").await;
    assert_eq!(told.len(), 2, "on each chart");
    assert!(told.iter().all(|e| e["changed"] == json!(["email"])), "{told:?}");
    assert!(told.iter().all(|e| e["actor"]["role"] == "portalUser"), "{told:?}");
    assert_eq!(scene.events("email-change-requested").await.len(), 1);
}

#[tokio::test]
async fn of_several_addresses_the_last_can_be_confirmed_once_and_for_a_day() {
    let scene = scene().await;
    let first = scene.token("first@new.example").await;
    let second = scene.token("second@new.example").await;
    scene.computer.confirm(&first).await.problem(409, "confirmation_expired");
    let confirm = || {
        let call = Call::new("POST", "/api/portal/email-confirmation");
        call.json(&json!({"token": second})).header("idempotency-key", "k")
    };
    scene.computer.send(confirm()).await.expect(204);
    let before = scene.items().await;
    scene.computer.send(confirm()).await.expect(204);
    assert_eq!(scene.items().await, before, "a repetition changes nothing");
    scene.computer.confirm(&second).await.problem(409, "confirmation_expired");
    assert_eq!(scene.dana.user(&scene.who).await["email"], "second@new.example");

    let late = scene.token("late@new.example").await;
    scene.world.pass(24 * 60 * 60);
    let browser = scene.world.browser(&scene.who.email, PASSWORD, "").await;
    browser.confirm(&late).await.problem(409, "confirmation_expired");
}

#[tokio::test]
async fn a_confirmation_that_is_over_is_not_mailed() {
    let scene = scene().await;
    let mails = scene.world.post.received().len();
    scene.computer.change_email("first@new.example", PASSWORD).await.expect(202);
    scene.computer.change_email("second@new.example", PASSWORD).await.expect(202);
    scene.world.deliver().await;
    let sent = scene.world.post.received().split_off(mails);
    let to: Vec<_> = sent.iter().map(|mail| mail.to.as_str()).collect();
    assert_eq!(to, ["second@new.example"]);
}

#[tokio::test]
async fn a_link_that_does_not_work_is_refused_counted_and_recorded() {
    let scene = scene().await;
    let token = scene.token(ADDRESS).await;
    let practice = token.split('.').next().expect("a practice").to_owned();
    let mut forged = token.clone();
    let last = if forged.ends_with('A') { "Q" } else { "A" };
    forged.replace_range(forged.len() - 1.., last);
    let items = async || {
        let mut items = scene.items().await;
        items.retain(|key, _| !key.ends_with(" SOURCE"));
        items
    };
    let before = items().await;
    for bad in ["x", "harbor.x", "nowhere.x", &format!("{practice}."), &forged, &scene.who.token] {
        scene.computer.confirm(bad).await.problem(409, "confirmation_expired");
    }
    assert_eq!(items().await, before);
    let refused = scene.events("email-change-refused").await;
    assert!(refused.iter().all(|event| event["reason"] == "confirmation_expired"));
    let on_chart = refused.iter().filter(|event| event["clientId"] == scene.who.client.as_str());
    assert_eq!((refused.len(), on_chart.count()), (4, 2), "{refused:?}");
    for _ in 0..45 {
        scene.computer.confirm("harbor.x").await.problem(409, "confirmation_expired");
    }
    scene.computer.confirm(&forged).await.problem(429, "too_many_attempts");
    // The right one is not among what is counted.
    scene.computer.confirm(&token).await.expect(204);
}

#[tokio::test]
async fn the_link_alone_changes_nothing_and_works_for_its_own_person_while_signed_in() {
    let scene = scene().await;
    let Scene { world, dana, who, computer, phone } = &scene;
    let token = scene.token(ADDRESS).await;
    let stranger = dana.enrolled().await;
    let stranger = world.browser(&stranger.email, PASSWORD, "").await;
    computer.end("others").await.expect(204);
    let before = scene.items().await;
    let body = json!({"token": token});
    let call = || Call::new("POST", "/api/portal/email-confirmation").json(&body);
    world.send(call()).await.problem(401, "signed_out");
    phone.confirm(&token).await.problem(401, "signed_out");
    assert_eq!(scene.items().await, before);
    stranger.confirm(&token).await.problem(409, "other_account");
    assert_eq!(dana.user(who).await["email"], who.email.as_str());
    let refused = scene.events("email-change-refused").await;
    assert_eq!(refused.len(), 1);
    assert_eq!(
        (&refused[0]["reason"], &refused[0]["clientId"]),
        (&json!("other_account"), &json!(who.client))
    );
    computer.confirm(&token).await.expect(204);
    assert_eq!(dana.user(who).await["email"], ADDRESS);
}

/// What ends a confirmation that waits.
#[derive(Debug, Clone, Copy)]
enum End {
    Edit,
    Rename,
    Revoke,
    RevokeAndActivate,
    RevokeElsewhere,
    DeleteElsewhere,
    Delete,
    Password,
    Reset,
}

#[tokio::test]
async fn what_ends_what_was_mailed_ends_a_confirmation() {
    for end in [
        End::Edit,
        End::Rename,
        End::Revoke,
        End::RevokeAndActivate,
        End::RevokeElsewhere,
        End::DeleteElsewhere,
        End::Delete,
        End::Password,
        End::Reset,
    ] {
        let scene = scene().await;
        let Scene { world, dana, who, computer, .. } = &scene;
        let other = dana.client("Silas", "Okafor", "1984-03-12").await;
        let other = dana.enroll_for(&other, &who.email).await;
        world.forgot(&who.email).await.expect(202);
        world.deliver().await;
        let reset = world.post.newest(&who.email).token();
        let token = scene.token(ADDRESS).await;
        let edit = async |member: &str, to: &str| {
            let version = dana.user(who).await["version"].clone();
            let edit = json!({"version": version, member: to});
            dana.patch(&who.path(), &edit).await.expect(200);
        };
        match end {
            End::Edit => edit("email", "by.staff@mail.example").await,
            End::Rename => edit("username", "amara").await,
            End::Revoke => drop(dana.revoke(who).await.expect(200)),
            End::RevokeAndActivate => {
                dana.revoke(who).await.expect(200);
                dana.activate(who).await.expect(200);
            }
            End::RevokeElsewhere => drop(dana.revoke(&other).await.expect(200)),
            End::DeleteElsewhere => drop(dana.delete(&other, "confirm=delete").await.expect(200)),
            End::Delete => drop(dana.delete(who, "confirm=delete").await.expect(200)),
            End::Password => drop(computer.change_password(NEW, PASSWORD).await.expect(204)),
            End::Reset => drop(world.choose(&reset, NEW).await.expect(204)),
        }
        assert!(!computer.confirm(&token).await.status.is_success(), "{end:?}");
        // Nor in a session that began since.
        let (username, code) = match end {
            // Another sign-in name is another account.
            End::Rename => ("amara", "other_account"),
            _ => (who.email.as_str(), "confirmation_expired"),
        };
        let mut tried = 0;
        for password in [PASSWORD, NEW] {
            if world.sign_in(username, password).await.status.is_success() {
                let browser = world.browser(username, password, "").await;
                browser.confirm(&token).await.problem(409, code);
                tried += 1;
            }
        }
        assert_eq!(tried, 1, "{end:?}");
        let items = world.items().await;
        assert!(!items.values().any(|item| item.contains("\"newEmail\"")), "{end:?}");
    }
}

#[tokio::test]
async fn the_address_before_is_told_though_it_got_all_the_mails_that_it_may() {
    let scene = scene().await;
    let token = scene.token(ADDRESS).await;
    scene.spend_the_budget_of(&scene.who.email).await;
    scene.spend_the_budget_of(ADDRESS).await;
    scene.computer.confirm(&token).await.expect(204);
    let mails = scene.world.post.received().len();
    scene.world.deliver().await;
    let told = scene.world.post.received().split_off(mails);
    let to: Vec<_> = told.iter().map(|mail| mail.to.as_str()).collect();
    assert_eq!(to, [scene.who.email.as_str(), ADDRESS]);
}

#[tokio::test]
async fn an_address_gets_few_confirmations_and_nobody_is_told_that_it_got_no_more() {
    let scene = scene().await;
    let mut last = String::new();
    for _ in 0..3 {
        last = scene.token(ADDRESS).await;
    }
    let before = scene.world.post.received().len();
    let said = scene.computer.change_email(ADDRESS, PASSWORD).await.expect(202);
    assert_eq!(said, json!({"expiresAt": "2026-11-23T14:01:00.000Z"}));
    scene.world.deliver().await;
    assert_eq!(scene.world.post.received().len(), before, "no fourth mail in an hour");
    // What was mailed last still works.
    scene.computer.confirm(&last).await.expect(204);
}

#[tokio::test]
async fn one_key_asks_once_and_the_proof_is_judged_all_the_same() {
    let scene = scene().await;
    let ask = |email: &str, password: &str| {
        let body = json!({"email": email, "proof": {"password": password}});
        let call = Call::new("POST", "/api/portal/account/email").json(&body);
        scene.computer.send(call.header("idempotency-key", "k"))
    };
    let first = ask(ADDRESS, PASSWORD).await.expect(202);
    scene.world.pass(10);
    assert_eq!(ask(ADDRESS, PASSWORD).await.expect(202), first);
    ask("other@new.example", PASSWORD).await.problem(422, "idempotency_key_reused");
    wrong_password(ask(ADDRESS, WRONG).await);
    let mails = scene.world.post.received().len();
    scene.world.deliver().await;
    assert_eq!(scene.world.post.received().len(), mails + 1);
    assert_eq!(scene.events("email-change-requested").await.len(), 1);
}

#[tokio::test]
async fn the_address_that_the_person_has_is_refused() {
    let scene = scene().await;
    let before = (scene.items().await, scene.world.events().await);
    for same in [scene.who.email.clone(), scene.who.email.to_uppercase()] {
        let answer = scene.computer.change_email(&same, WRONG).await;
        assert_eq!(answer.problem(422, "unchanged")["fields"][0]["field"], "email");
    }
    assert_eq!((scene.items().await, scene.world.events().await), before);
}

#[tokio::test]
async fn a_person_ends_one_session_or_all_others() {
    let scene = scene().await;
    let Scene { world, computer, phone, who, .. } = &scene;
    let session = async |device: &str| {
        let account = computer.account().await.expect(200);
        let sessions = account["sessions"].as_array().expect("a list").clone();
        let of = sessions.iter().find(|s| s["device"] == device).expect("a session");
        text(&of["sessionId"])
    };
    let of_phone = session("phone").await;
    world.wire.forget();
    computer.end(&of_phone).await.expect(204);
    assert_eq!(world.wire.seen(), ["BatchGetItem", "TransactWriteItems"]);
    assert!(!phone.lives().await && computer.lives().await);
    // It is there no more; nor is one of somebody else.
    let stranger = scene.dana.enrolled().await;
    let stranger = world.browser(&stranger.email, PASSWORD, PHONE).await;
    let theirs = stranger.account().await.expect(200);
    let before = scene.items().await;
    for gone in [of_phone, text(&theirs["sessions"][0]["sessionId"])] {
        computer.end(&gone).await.problem(404, "not_found");
    }
    computer.end("other").await.problem(404, "not_found");
    assert_eq!(scene.items().await, before);
    assert_eq!(scene.events("refused").await.len(), 2);
    assert!(stranger.lives().await);

    let phone = world.browser(&who.email, PASSWORD, PHONE).await;
    computer.end("others").await.expect(204);
    assert!(!phone.lives().await && computer.lives().await);
    let ended = scene.events("session-ended").await;
    assert_eq!(ended.len(), 2);
    assert_eq!(ended[0]["portalUserId"], who.user.as_str());
    // Again, there is nothing to end.
    let before = (scene.items().await, scene.world.events().await);
    computer.end("others").await.expect(204);
    assert_eq!((scene.items().await, scene.world.events().await), before);

    let own = computer.end(&session("computer").await).await;
    assert_eq!(own.cookie("__Host-latchkey-portal").as_deref(), Some("__Host-latchkey-portal="));
    own.expect(204);
    assert!(!computer.lives().await);
    assert_eq!(scene.events("signed-out").await.len(), 1);
}

#[tokio::test]
async fn apps_are_told_of_a_session_that_was_ended_elsewhere() {
    let scene = scene().await;
    let room = scene.dana.register(&json!({})).await;
    let session = scene.phone.cookies.split("; ").next().expect("a cookie").to_owned();
    let token = scene.world.token(&session, &room).await;
    scene.computer.end("others").await.expect(204);
    assert_eq!(scene.world.introspect(&room, &token).await["active"], false);
    let items = scene.items().await;
    assert!(items.keys().any(|key| key.contains("#K NOTICE#")));
}

#[tokio::test]
async fn an_ended_session_is_told_nothing_of_a_link_not_even_again() {
    let scene = scene().await;
    let token = scene.token(ADDRESS).await;
    let confirm = || {
        let call = Call::new("POST", "/api/portal/email-confirmation");
        call.json(&json!({"token": token})).header("idempotency-key", "k")
    };
    scene.phone.send(confirm()).await.expect(204);
    scene.dana.revoke(&scene.who).await.expect(200);
    let before = scene.items().await;
    scene.phone.send(confirm()).await.problem(401, "signed_out");
    for bad in [&token[..], "harbor.x", "x"] {
        scene.phone.confirm(bad).await.problem(401, "signed_out");
    }
    assert_eq!(scene.items().await, before);
    assert!(scene.events("email-change-refused").await.is_empty());
}
