//! Safe contact: while the mark is set, mail goes only to addresses that are marked safe, alerts go to the practice,
//! and the portal tells nobody that there is a mark.

use std::cell::Cell;

use api_tests::{
    Answer, Call, PASSWORD, World,
    apps::Scene as Door,
    authenticator::Authenticator,
    people::{Browser, Invited, Staff, text},
    programs::{Program, system},
    races::{Ended, meet, meet_distinct},
    routes::document,
};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use shared::history::Role;

const INBOX: &str = "alerts@harbor.example";
const NEW: &str = "another nine grey pebbles";
/// The person's address.
const OLD: &str = "pat@mail.example";
/// An address that the person gets.
const OTHER: &str = "pat@new.example";
const ACCOUNT: &str = "/api/portal/account";

/// A client, and a person with access who is signed in.
struct Scene {
    world: World,
    dana: Staff,
    client: String,
    who: Invited,
}

async fn client(dana: &Staff) -> String {
    dana.client("Amara", "Okafor", "1984-03-12").await
}

async fn scene() -> Scene {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = client(&dana).await;
    let who = dana.enroll_for(&client, OLD).await;
    world.deliver().await;
    Scene { world, dana, client, who }
}

/// Edits a client.
async fn edit(dana: &Staff, client: &str, change: &Value) -> Answer {
    let path = format!("/api/clients/{client}");
    let mut body = change.clone();
    body["version"] = dana.get(&path).await.expect(200)["version"].clone();
    dana.patch(&path, &body).await
}

/// Puts a client under safe contact, with these addresses marked safe.
async fn mark(dana: &Staff, client: &str, safe: &[&str]) -> Value {
    let emails: Vec<Value> = safe
        .iter()
        .map(|address| json!({"type": "home", "address": address, "safe": true}))
        .collect();
    edit(dana, client, &json!({"safeContact": true, "emails": emails})).await.expect(200)
}

/// To whom mails went, from the `n`th on.
fn told(world: &World, n: usize) -> Vec<String> {
    world.post.received().into_iter().skip(n).map(|mail| mail.to).collect()
}

async fn events(world: &World, action: &str) -> Vec<Value> {
    let events = world.events().await.into_values();
    let events = events.map(|event| serde_json::from_str::<Value>(&event).expect("JSON"));
    events.filter(|event| event["action"] == action).collect()
}

/// Adds a person to a client, as the one who is known by the address already.
async fn add(dana: &Staff, client: &str, relationship: &str) -> Invited {
    let body = json!({
        "name": {"first": "Pat", "last": "Person"}, "email": OLD, "relationship": relationship,
        "permissions": ["basic", "messaging"], "samePerson": true,
    });
    let path = format!("/api/clients/{client}/portal-users");
    let user = text(&dana.post(&path, &body).await.expect(201)["portalUserId"]);
    Invited { client: client.into(), user, email: OLD.into(), token: String::new() }
}

/// As [`add`], until the person has joined with the password that they have.
async fn join(dana: &Staff, client: &str, relationship: &str) -> Invited {
    let mut who = add(dana, client, relationship).await;
    dana.world.deliver().await;
    who.token = dana.world.post.newest(OLD).token();
    dana.world.enroll(&who.token, "Okafor", "1984-03-12", PASSWORD).await.expect(201);
    who
}

impl Scene {
    async fn browser(&self) -> Browser {
        self.world.browser(OLD, PASSWORD, "computer").await
    }

    async fn patch(&self, change: &Value) {
        let mut body = change.clone();
        body["version"] = self.dana.user(&self.who).await["version"].clone();
        self.dana.patch(&self.who.path(), &body).await.expect(200);
    }

    /// An authenticator app of the person.
    async fn app(&self, browser: &Browser) -> Authenticator {
        let version = self.dana.get("/api/practice").await.expect(200)["version"].clone();
        let offered = json!({"version": version, "secondFactor": "offered"});
        self.dana.patch("/api/practice", &offered).await.expect(200);
        let given = call(browser, "POST", "totp", &proof()).await.expect(200);
        let app = Authenticator::new(&text(&given["secret"]));
        let code = json!({"code": app.code(self.world.now())});
        call(browser, "PUT", "totp", &code).await.expect(204);
        self.world.pass(30);
        app
    }

    /// Has a mail of a kind queued; answers where it goes.
    async fn queue(&self, kind: &str) -> &'static str {
        let Self { world, dana, who, .. } = self;
        match kind {
            "invitation" => {
                dana.delete(who, "confirm=delete").await.expect(200);
                dana.add(&self.client, OLD).await.expect(201);
            }
            "access-granted" => {
                dana.revoke(who).await.expect(200);
                dana.activate(who).await.expect(200);
            }
            "password-reset" => drop(world.forgot(OLD).await.expect(202)),
            "password-changed" => {
                drop(self.browser().await.change_password(NEW, PASSWORD).await.expect(204));
            }
            "email-changed" | "email-replaced" => {
                self.patch(&json!({"email": OTHER})).await;
                return if kind == "email-changed" { OTHER } else { OLD };
            }
            "email-confirmation" => {
                self.browser().await.change_email(OTHER, PASSWORD).await.expect(202);
                return OTHER;
            }
            "username-changed" => self.patch(&json!({"username": "pat.person"})).await,
            "factor-added" => drop(self.app(&self.browser().await).await),
            "factor-removed" | "recovery-code-made" | "recovery-code-used" | "factor-reset" => {
                self.queue_of_factors(kind).await;
            }
            other => panic!("no test says how a mail of the kind {other} comes about"),
        }
        OLD
    }

    async fn queue_of_factors(&self, kind: &str) {
        let browser = self.browser().await;
        self.app(&browser).await;
        if kind == "factor-reset" {
            self.world.deliver().await;
            let path = format!("{}/factor-reset", self.who.path());
            self.dana.post(&path, &json!({})).await.expect(201);
            return;
        }
        if kind == "factor-removed" {
            self.world.deliver().await;
            call(&browser, "DELETE", "totp", &proof()).await.expect(204);
            return;
        }
        let made = call(&browser, "POST", "recovery-code", &proof()).await.expect(201);
        if kind == "recovery-code-used" {
            self.world.deliver().await;
            let asked = self.world.sign_in(OLD, PASSWORD).await;
            let asked = asked.problem(401, "second_factor_required");
            let body = json!({
                "challenge": asked["challenge"], "method": "recovery-code", "code": made["code"],
            });
            let path = "/api/portal/sign-in/factor";
            self.world.send(Call::new("POST", path).json(&body)).await.expect(200);
        }
    }
}

fn proof() -> Value {
    json!({"proof": {"password": PASSWORD}})
}

async fn call(browser: &Browser, method: &str, path: &str, body: &Value) -> Answer {
    browser.send(Call::new(method, &format!("{ACCOUNT}/{path}")).json(body)).await
}

/// Every kind of mail, out of the API's own document: a kind that is new fails until [`Scene::queue`] knows it.
fn kinds() -> Vec<String> {
    let kinds = &document()["components"]["schemas"]["MailKind"]["enum"];
    kinds.as_array().expect("kinds").iter().map(text).collect()
}

/// Lets mails of one kind meet the gate: with no safe address, and with the safe address to which it goes.
async fn meets_the_gate(kind: &str) {
    let scene = scene().await;
    let Scene { world, dana, client, .. } = &scene;
    let _ = world.records();
    let to = scene.queue(kind).await;
    let records = world.records();
    let before = world.snapshot().await;
    let sent = world.post.received().len();

    mark(dana, client, &[]).await;
    assert_eq!(world.redeliver(records.clone()).await, 0, "{kind}");
    assert!(told(world, sent).is_empty(), "{kind}: {:?}", told(world, sent));
    let withheld = events(world, "mail-withheld").await;
    assert!(!withheld.is_empty(), "{kind}: staff are told");
    for event in &withheld {
        assert_eq!(
            (&event["reason"], &event["clientId"]),
            (&json!("unsafe-address"), &json!(client))
        );
        assert_eq!(event["actor"]["role"], "system", "{kind}");
        assert!(event["portalUserId"].is_string(), "{kind}");
    }
    let users = dana.users(client).await;
    let shown = &users["portalUsers"][0]["mail"];
    // What confirms an address is no mail of the access, and what went to the one before is followed by another.
    if kind != "email-confirmation" {
        let came = (&shown["state"], &shown["reason"]);
        assert_eq!(came, (&json!("bounced"), &json!("unsafe-address")), "{kind}");
        assert!(kind == "email-replaced" || shown["kind"] == kind, "{kind}");
    }
    let items = world.items().await;
    let waits = items.iter().filter(|(key, item)| key.contains(" MAIL#") && item.contains("nonce"));
    assert_eq!(waits.count(), 0, "{kind}: the link is nobody's");
    assert!(items.values().all(|item| !item.contains("\"notices\":{\"")), "{kind}");
    // What the stream brings again changes nothing.
    assert_eq!(world.redeliver(records.clone()).await, 0);
    assert_eq!(events(world, "mail-withheld").await.len(), withheld.len(), "{kind}: told once");

    world.put_back(&world.snapshot().await, &before).await;
    // Addresses compare without regard to case.
    mark(dana, client, &["safe@mail.example", &to.to_uppercase()]).await;
    assert_eq!(world.redeliver(records).await, 0, "{kind}");
    let told = told(world, sent);
    assert!(!told.is_empty() && told.iter().all(|told| told == to), "{kind}: {told:?}");
}

#[tokio::test]
async fn no_mail_of_any_kind_goes_to_an_address_that_is_not_safe() {
    for kind in kinds().iter().filter(|kind| !of_factors(kind)) {
        Box::pin(meets_the_gate(kind)).await;
    }
}

#[tokio::test]
async fn no_mail_of_any_factor_goes_to_an_address_that_is_not_safe() {
    for kind in kinds().iter().filter(|kind| of_factors(kind)) {
        Box::pin(meets_the_gate(kind)).await;
    }
}

fn of_factors(kind: &str) -> bool {
    kind.contains("factor") || kind.contains("recovery")
}

#[tokio::test]
async fn alerts_go_to_the_practice_whatever_is_safe() {
    let Scene { world, dana, client, who } = scene().await;
    let number =
        text(&dana.get(&format!("/api/clients/{client}")).await.expect(200)["recordNumber"]);
    let program = dana.program(&system(&["alerts"])).await;
    dana.assign(&client, Some(&who.user)).await.expect(200);
    mark(&dana, &client, &[OLD]).await;
    for body in [json!({}), json!({"portalUserId": who.user})] {
        let mut body = body;
        body["kind"] = json!("message");
        body["clientId"] = json!(client);
        let posted = program.alert(&body).await.expect(202);
        // As of a client of whose alerts nobody was chosen.
        assert_eq!(posted, json!({"alertId": posted["alertId"], "to": "practice"}));
    }
    let sent = world.post.received().len();
    assert_eq!(world.deliver().await, 0);
    assert_eq!(told(&world, sent), [INBOX], "the second says the same");
    assert!(world.post.newest(INBOX).text.contains(&number));
    // The one who was chosen stays chosen, and staff see what is true now.
    let page = dana.get(&format!("/api/clients/{client}")).await.expect(200);
    assert_eq!(page["alertRecipient"], Value::Null);
    assert_eq!(dana.user(&who).await["receivesAlerts"], false);
    dana.assign(&client, Some(&who.user)).await.expect(200);
    dana.assign(&client, None).await.expect(200);
    dana.assign(&client, Some(&who.user)).await.problem(409, "safe_contact");
    edit(&dana, &client, &json!({"safeContact": false})).await.expect(200);
    dana.assign(&client, Some(&who.user)).await.expect(200);
}

#[tokio::test]
async fn an_alert_that_waits_when_the_mark_is_set_goes_to_the_practice() {
    let Scene { world, dana, client, who } = scene().await;
    let program = dana.program(&system(&["alerts"])).await;
    dana.assign(&client, Some(&who.user)).await.expect(200);
    let posted = program.alert(&json!({"kind": "message", "clientId": client})).await.expect(202);
    assert_eq!(posted["to"], "portalUser");
    mark(&dana, &client, &[]).await;
    let sent = world.post.received().len();
    assert_eq!(world.deliver().await, 0);
    assert_eq!(told(&world, sent), [INBOX]);
}

#[tokio::test]
async fn of_a_person_with_several_charts_the_strictest_decides_what_concerns_the_account() {
    let Scene { world, dana, client: marked, who } = scene().await;
    let free = client(&dana).await;
    let there = join(&dana, &free, "parent").await;
    mark(&dana, &marked, &["safe@mail.example"]).await;
    let sent = Cell::new(world.post.received().len());
    let goes = async |what: &str| {
        assert_eq!(world.deliver().await, 0, "{what}");
        let told = told(&world, sent.get());
        sent.set(sent.get() + told.len());
        !told.is_empty()
    };
    // About the account: whoever reads it would open the marked chart, too.
    let browser = world.browser(OLD, PASSWORD, "").await;
    browser.change_password(NEW, PASSWORD).await.expect(204);
    assert!(!goes("account").await);
    world.forgot(OLD).await.expect(202);
    assert!(!goes("reset").await);
    // About the other chart alone.
    dana.revoke(&there).await.expect(200);
    dana.activate(&there).await.expect(200);
    assert!(goes("the other chart").await);
    dana.revoke(&who).await.expect(200);
    dana.activate(&who).await.expect(200);
    assert!(!goes("the marked chart").await);
    // A chart from which the person was revoked has no say in it.
    dana.revoke(&who).await.expect(200);
    world.pass(11 * 60);
    world.forgot(OLD).await.expect(202);
    assert!(goes("revoked").await);
    // One to which the person is invited has.
    let invited = client(&dana).await;
    add(&dana, &invited, "parent").await;
    assert!(goes("invited").await);
    mark(&dana, &invited, &[]).await;
    world.pass(11 * 60);
    world.forgot(OLD).await.expect(202);
    assert!(!goes("invited to a marked chart").await);
}

#[tokio::test]
async fn who_is_the_client_under_safe_contact_gets_nothing_at_an_unsafe_address_about_any_chart() {
    let Scene { world, dana, client: child, who } = scene().await;
    let own = client(&dana).await;
    let oneself = join(&dana, &own, "self").await;
    dana.assign(&child, Some(&who.user)).await.expect(200);
    world.deliver().await;
    let program = dana.program(&system(&["alerts"])).await;
    mark(&dana, &own, &[]).await;
    // Even while the own chart is closed to the person.
    for revoked in [false, true] {
        if revoked {
            dana.revoke(&oneself).await.expect(200);
        }
        let sent = world.post.received().len();
        dana.revoke(&who).await.expect(200);
        dana.activate(&who).await.expect(200);
        dana.assign(&child, Some(&who.user)).await.expect(200);
        assert_eq!(world.deliver().await, 0);
        assert!(told(&world, sent).is_empty(), "access granted");
        assert_eq!(dana.user(&who).await["mail"]["reason"], "unsafe-address");
        let program = Program::of(&world, &program.room).await;
        program.alert(&json!({"kind": "message", "clientId": child})).await.expect(202);
        assert_eq!(world.deliver().await, 0);
        assert_eq!(told(&world, sent), [INBOX], "an alert");
        world.pass(16 * 60);
    }
}

#[tokio::test]
async fn an_address_that_is_not_safe_shows_in_the_list_of_mails_that_came_back() {
    let Scene { world, dana, client, who } = scene().await;
    mark(&dana, &client, &[]).await;
    dana.revoke(&who).await.expect(200);
    dana.activate(&who).await.expect(200);
    world.deliver().await;
    let bounced = async || dana.post("/api/access", &json!({"view": "bounced"})).await.expect(200);
    assert_eq!(bounced().await["rows"][0]["portalUser"]["portalUserId"], who.user.as_str());
    // Alerts that go to the practice on purpose are no trouble.
    let view = json!({"view": "alerts-to-practice"});
    assert_eq!(dana.post("/api/access", &view).await.expect(200)["rows"], json!([]));
    edit(&dana, &client, &json!({"safeContact": false})).await.expect(200);
    assert_eq!(
        dana.post("/api/access", &view).await.expect(200)["rows"][0]["client"]["clientId"],
        client
    );
    dana.revoke(&who).await.expect(200);
    dana.activate(&who).await.expect(200);
    world.deliver().await;
    assert_eq!(bounced().await["rows"], json!([]));
    assert_eq!(dana.user(&who).await["mail"]["state"], "sent");
}

#[tokio::test]
async fn the_mark_and_what_is_safe_are_kept_as_staff_say() {
    let world = World::new().await;
    let dana = world.dana().await;
    let new = json!({
        "name": {"first": "Amara", "last": "Okafor"}, "dateOfBirth": "1984-03-12", "recordNumber": "R-1",
        "emails": [
            {"type": "home", "address": "one@mail.example", "safe": true},
            {"type": "work", "address": "two@mail.example"},
        ],
        "safeContact": true,
    });
    let created = dana.post("/api/clients", &new).await.expect(201);
    let safe = |client: &Value| -> Vec<Value> {
        let emails = client["emails"].as_array().expect("a list").iter();
        emails.map(|email| email["safe"].clone()).collect()
    };
    assert_eq!(
        (&created["safeContact"], safe(&created)),
        (&json!(true), vec![json!(true), json!(false)])
    );
    let client = text(&created["clientId"]);
    let emails = |first: &str, second: &str| json!({"emails": [{"type": "home", "address": first}, {"type": "work", "address": second}]});
    // Not named, it stays with its address, wherever that stands.
    let edited =
        edit(&dana, &client, &emails("two@mail.example", "ONE@mail.example")).await.expect(200);
    assert_eq!(
        (&edited["safeContact"], safe(&edited)),
        (&json!(true), vec![json!(false), json!(true)])
    );
    // So it does when a list of clients is synced, whatever that says.
    let row = json!({"rows": [{
        "recordNumber": "R-1", "name": {"first": "Amara", "last": "Okafor"}, "dateOfBirth": "1984-03-12",
        "safeContact": false,
        "emails": [
            {"type": "home", "address": "two@mail.example", "safe": true},
            {"type": "work", "address": "one@mail.example", "safe": false},
        ],
    }]});
    dana.post("/api/clients/sync", &row).await.expect(200);
    let shown = dana.get(&format!("/api/clients/{client}")).await.expect(200);
    assert_eq!(
        (&shown["safeContact"], safe(&shown)),
        (&json!(true), vec![json!(false), json!(true)])
    );
    assert_eq!(shown["emails"][1]["address"], "one@mail.example");
    // Another address is not safe because its place was.
    let edited =
        edit(&dana, &client, &emails("two@mail.example", "three@mail.example")).await.expect(200);
    assert_eq!(safe(&edited), [false, false]);
    let named = json!({"emails": [{"type": "home", "address": "two@mail.example", "safe": true}]});
    assert_eq!(safe(&edit(&dana, &client, &named).await.expect(200)), [true]);
    // The same again changes nothing.
    let actions = dana.actions(&client).await;
    edit(&dana, &client, &json!({"safeContact": true})).await.expect(200);
    let told =
        |actions: &[String]| actions.iter().filter(|a| a.starts_with("safe-contact")).count();
    assert_eq!(told(&dana.actions(&client).await), told(&actions));
    let ended = json!({"safeContact": false, "professional": "Dr. P. Achebe"});
    assert_eq!(edit(&dana, &client, &ended).await.expect(200)["safeContact"], false);
    let actions = dana.actions(&client).await;
    let told: Vec<&str> = actions.iter().map(String::as_str).take(3).collect();
    assert_eq!(told, ["client-updated", "safe-contact-ended", "client-opened"]);
}

#[tokio::test]
async fn the_portal_answers_with_the_mark_as_without_it() {
    let Scene { world, dana, client: chart, who } = scene().await;
    let owner = who;
    let other = dana.enroll_for(&chart, "other@mail.example").await;
    let unknown = client(&dana).await;
    let (hers, his) =
        (world.browser(OLD, PASSWORD, "").await, world.browser(&other.email, PASSWORD, "").await);
    let look = async || {
        let mut answers = Vec::new();
        for browser in [&hers, &his] {
            for path in ["/api/portal/session", "/api/portal/account"] {
                answers.push(browser.send(Call::new("GET", path)).await);
            }
        }
        answers.push(his.access(&chart).await);
        answers.push(world.sign_in(OLD, "a wrong password of hers").await);
        answers.push(world.ask(OLD).await);
        answers.push(world.check(&other.token).await);
        answers
    };
    let before = look().await;
    hers.access(&chart).await.expect(200);
    mark(&dana, &chart, &[]).await;
    for (now, before) in look().await.iter().zip(&before) {
        now.assert_alike(before, "with the mark");
    }
    // Its owner is answered as anybody else is who may enter it.
    let refused = hers.access(&chart).await;
    refused.assert_alike(&his.access(&chart).await, "who can enter");
    refused.problem(403, "no_access");
    hers.access(&unknown).await.problem(404, "not_found");
    assert!(events(&world, "access-shown").await.len() == 1);
    let refused = world.sign_in(OLD, PASSWORD).await.expect(200);
    assert!(!refused.to_string().contains("safe"));
    // Revoked for somebody's safety, people are told what everybody is told.
    let reason = json!({"reason": {"code": "safety", "note": "he was violent"}});
    dana.post(&format!("{}/revoke", other.path()), &reason).await.expect(200);
    dana.revoke(&owner).await.expect(200);
    let (told, plain) =
        (world.sign_in(&other.email, PASSWORD).await, world.sign_in(OLD, PASSWORD).await);
    told.assert_alike(&plain, "revoked for safety");
    told.problem(403, "access_not_active");
}

#[tokio::test]
async fn an_app_learns_nothing_of_the_mark_and_of_no_address_but_the_person_s_own() {
    let room = Door::new().await;
    let token = room.token().await;
    let before = room.world.userinfo(&token).await;
    let client = text(&before.body["charts"][0]["clientId"]);
    mark(&room.dana, &client, &["hidden@mail.example"]).await;
    let after = room.world.userinfo(&token).await;
    after.assert_alike(&before, "userinfo");
    assert!(!after.expect(200).to_string().contains("hidden"));
}

#[tokio::test]
async fn a_password_asked_for_does_not_end_an_invitation_that_could_not_be_sent_again() {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = client(&dana).await;
    let invited = dana.invite(&client, OLD).await;
    mark(&dana, &client, &[]).await;
    let sent = world.post.received().len();
    world.forgot(OLD).await.expect(202);
    assert_eq!(world.deliver().await, 0);
    assert!(told(&world, sent).is_empty());
    assert_eq!(world.check(&invited.token).await.expect(200)["state"], "open");
}

#[tokio::test]
async fn many_are_invited_at_their_safe_address() {
    let world = World::new().await;
    let dana = world.dana().await;
    let new = |first: &str, safe: bool| {
        json!({
            "name": {"first": first, "last": "Okafor"}, "dateOfBirth": "1984-03-12", "safeContact": true,
            "emails": [
                {"type": "home", "address": format!("{first}@shared.example")},
                {"type": "home", "address": format!("{first}@own.example"), "safe": safe},
            ],
        })
    };
    let mut ids = Vec::new();
    for body in [new("ann", true), new("bea", false)] {
        ids.push(text(&dana.post("/api/clients", &body).await.expect(201)["clientId"]));
    }
    let job = json!({"action": "invite", "clientIds": ids});
    let job = dana.post("/api/bulk", &job).await.expect(201);
    assert_eq!(job["willChange"], 1);
    assert_eq!(job["skipped"], json!([{"why": "no-email", "count": 1}]));
    let path = format!("/api/bulk/{}/start", text(&job["bulkId"]));
    dana.post(&path, &json!({})).await.expect(200);
    let sent = world.post.received().len();
    while world.deliver().await > 0 {}
    assert_eq!(told(&world, sent), ["ann@own.example"]);
}

/// What was answered to somebody who only had something done.
fn done() -> Answer {
    Answer { status: StatusCode::OK, headers: HeaderMap::new(), body: Value::Null }
}

#[tokio::test]
async fn no_mail_goes_that_was_looked_at_after_the_mark_was_set() {
    let Scene { world, dana, client, who } = scene().await;
    dana.revoke(&who).await.expect(200);
    let _ = world.records();
    dana.activate(&who).await.expect(200);
    let records = world.records();
    let path = format!("/api/clients/{client}");
    let version = dana.get(&path).await.expect(200)["version"].clone();
    let sent = Cell::new(world.post.received().len());
    let begin = |of: usize| {
        let (world, dana, path, version, records) = (&world, &dana, &path, &version, &records);
        async move {
            if of == 0 {
                return dana.patch(path, &json!({"version": version, "safeContact": true})).await;
            }
            assert_eq!(world.redeliver(records.clone()).await, 0);
            done()
        }
    };
    let (went, withheld) = (Cell::new(0), Cell::new(0));
    let orders = meet(&world, begin, async |ended| {
        let Ended { order, answers: [marked, _], .. } = ended;
        marked.expect(200);
        let mails = world.post.received().len() - sent.get();
        sent.set(sent.get() + mails);
        // The sender's first request takes the mail, its second looks.
        let (looks, _) = order.match_indices('1').nth(1).expect("it looks");
        let answered = order.rfind('0').expect("it is set");
        assert!(mails == 0 || looks < answered, "{order}");
        let kept = if mails == 1 { &went } else { &withheld };
        kept.set(kept.get() + 1);
        let state = dana.user(&who).await["mail"]["state"].clone();
        assert_eq!(state, if mails == 1 { "sent" } else { "bounced" }, "{order}");
    });
    assert!(orders.await > 3);
    assert!(went.get() > 0 && withheld.get() > 0, "both happen");
}

#[tokio::test]
async fn an_invitation_that_meets_the_mark_is_not_sent() {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = client(&dana).await;
    let path = format!("/api/clients/{client}");
    let version = dana.get(&path).await.expect(200)["version"].clone();
    let _ = world.records();
    let begin = |of: usize| {
        let (dana, client, path, version) = (&dana, &client, &path, &version);
        async move {
            if of == 0 {
                return dana.patch(path, &json!({"version": version, "safeContact": true})).await;
            }
            dana.add(client, OLD).await
        }
    };
    let orders = meet_distinct(&world, begin, async |ended| {
        let Ended { order, answers, .. } = ended;
        assert_eq!(answers.map(|answer| answer.status.as_u16()), [200, 201], "{order}");
        assert_eq!(world.deliver().await, 0, "{order}");
        assert!(world.post.received().is_empty(), "{order}");
        let users = dana.users(&client).await;
        assert_eq!(users["portalUsers"][0]["mail"]["reason"], "unsafe-address", "{order}");
    });
    assert!(orders.await > 3);
}

#[tokio::test]
async fn an_alert_that_meets_the_mark_reaches_nobody_after_it() {
    let Scene { world, dana, client, who } = scene().await;
    let program = dana.program(&system(&["alerts"])).await;
    dana.assign(&client, Some(&who.user)).await.expect(200);
    world.deliver().await;
    program.alert(&json!({"kind": "message", "clientId": client})).await.expect(202);
    let records = world.records();
    let path = format!("/api/clients/{client}");
    let version = dana.get(&path).await.expect(200)["version"].clone();
    let sent = Cell::new(world.post.received().len());
    let begin = |of: usize| {
        let (world, dana, path, version, records) = (&world, &dana, &path, &version, &records);
        let sent = &sent;
        async move {
            if of == 0 {
                // Of orders that end alike, those that are not judged send mails too.
                sent.set(world.post.received().len());
                return dana.patch(path, &json!({"version": version, "safeContact": true})).await;
            }
            assert_eq!(world.redeliver(records.clone()).await, 0);
            done()
        }
    };
    let orders = meet_distinct(&world, begin, async |ended| {
        let Ended { order, answers: [marked, _], after } = ended;
        marked.expect(200);
        let told = told(&world, sent.get());
        assert_eq!(told.len(), 1, "{order}");
        assert!(!after || told == [INBOX], "{order}: {told:?}");
    });
    assert!(orders.await > 3);
}

#[tokio::test]
async fn an_auditor_sees_the_mark_and_sets_none() {
    let Scene { world, dana, client, .. } = scene().await;
    mark(&dana, &client, &[]).await;
    let ada = world.staff("harbor", "Ada", Role::Auditor).await;
    let path = format!("/api/clients/{client}");
    let page = ada.get(&path).await.expect(200);
    assert_eq!(page["safeContact"], true);
    let edit = json!({"version": page["version"], "safeContact": false});
    ada.patch(&path, &edit).await.expect(403);
    // A program of the practice that keeps its clients may set it.
    let program = dana.program(&system(&["clients"])).await;
    let call = Call::new("PATCH", &path).json(&edit);
    assert_eq!(program_answer(&program, call).await["safeContact"], false);
}

async fn program_answer(program: &Program, call: Call) -> Value {
    program.call(call).await.expect(200)
}

#[tokio::test]
async fn an_address_that_stands_twice_stays_safe_by_both_marks_alone() {
    let Scene { dana, client, .. } = scene().await;
    let entry = |kind: &str| json!({"type": kind, "address": OLD});
    let marked = |kind: &str, safe: bool| {
        let mut entry = entry(kind);
        entry["safe"] = json!(safe);
        entry
    };
    let marks = async |emails: Value| {
        let client = edit(&dana, &client, &json!({"safeContact": true, "emails": emails})).await;
        let client = client.expect(200);
        let emails = client["emails"].as_array().expect("a list").iter();
        emails.map(|email| email["safe"] == true).collect::<Vec<_>>()
    };
    for (given, kept) in [((true, false), false), ((false, true), false), ((true, true), true)] {
        let both = json!([marked("home", given.0), marked("work", given.1)]);
        assert_eq!(marks(both).await, [given.0, given.1]);
        assert_eq!(marks(json!([entry("home"), entry("work")])).await, [kept; 2], "{given:?}");
    }
}

// ---- What would do harm without a word ----

/// Prints an enrolment sheet; answers its token.
async fn print(dana: &Staff, who: &Invited) -> String {
    let sheet = dana.send(Call::new("POST", &format!("{}/sheet", who.path()))).await.expect(201);
    text(&sheet["link"]).split_once('#').expect("a token").1.to_owned()
}

async fn is_open(world: &World, token: &str) -> bool {
    world.check(token).await.body["state"] == "open"
}

/// A person with a sheet, invited to a chart under safe contact at an address that is not marked.
async fn with_sheet() -> (World, Staff, Invited, String) {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = client(&dana).await;
    let who = dana.invite(&client, OLD).await;
    let sheet = print(&dana, &who).await;
    mark(&dana, &client, &["safe@mail.example"]).await;
    (world, dana, who, sheet)
}

async fn readdress(dana: &Staff, who: &Invited, email: &str) -> Answer {
    let version = dana.user(who).await["version"].clone();
    dana.patch(&who.path(), &json!({"version": version, "email": email})).await
}

#[tokio::test]
async fn an_invitation_that_would_not_be_sent_ends_no_sheet() {
    let (world, dana, who, sheet) = with_sheet().await;
    let sent = world.post.received().len();
    let before = world.items_but_sessions().await;
    let refused = dana.resend(&who).await.problem(409, "safe_contact");
    assert!(text(&refused["detail"]).contains("print an enrolment sheet"));
    readdress(&dana, &who, OTHER).await.problem(409, "safe_contact");
    assert_eq!(world.items_but_sessions().await, before, "nothing was written");
    // Asked for by anybody, nobody is told.
    world.forgot(OLD).await.expect(202);
    assert_eq!(world.deliver().await, 0);
    assert!(told(&world, sent).is_empty());
    assert!(is_open(&world, &sheet).await);
    // Nor when the one before is over: it could reach nobody.
    world.pass(8 * 24 * 60 * 60);
    let dana = world.dana().await;
    dana.resend(&who).await.problem(409, "safe_contact");
    let sheet = print(&dana, &who).await;
    readdress(&dana, &who, "safe@mail.example").await.expect(200);
    assert_eq!(world.deliver().await, 0);
    assert_eq!(told(&world, sent), ["safe@mail.example"]);
    assert!(!is_open(&world, &sheet).await, "another took its place");
    dana.resend(&who).await.expect(202);
}

#[tokio::test]
async fn a_person_who_is_a_client_under_safe_contact_keeps_the_sheet_for_another_chart() {
    let Scene { world, dana, client: own, .. } = scene().await;
    edit_relationship(&dana, &own, "self").await.expect(200);
    let child = client(&dana).await;
    let who = add(&dana, &child, "parent").await;
    world.deliver().await;
    let sheet = print(&dana, &who).await;
    mark(&dana, &own, &["safe@mail.example"]).await;
    let before = world.items_but_sessions().await;
    dana.resend(&who).await.problem(409, "safe_contact");
    assert_eq!(world.items_but_sessions().await, before, "nothing was written");
    let job = json!({"action": "resend", "portalUserIds": [who.user]});
    let job = dana.post("/api/bulk", &job).await.expect(201);
    assert_eq!(job["skipped"], json!([{"why": "safe-contact", "count": 1}]));
    assert!(is_open(&world, &sheet).await);
    edit(&dana, &own, &json!({"safeContact": false})).await.expect(200);
    dana.resend(&who).await.expect(202);
    assert!(!is_open(&world, &sheet).await);
}

/// Says of the one person of a chart what they are to the client.
async fn edit_relationship(dana: &Staff, client: &str, relationship: &str) -> Answer {
    let users = dana.users(client).await;
    let user = &users["portalUsers"][0];
    let path = format!("/api/clients/{client}/portal-users/{}", text(&user["portalUserId"]));
    let edit = json!({"version": user["version"], "relationship": relationship});
    dana.patch(&path, &edit).await
}

#[tokio::test]
async fn an_address_that_is_new_on_every_chart_ends_no_sheet_where_it_is_not_safe() {
    let world = World::new().await;
    let dana = world.dana().await;
    let (free, marked) = (client(&dana).await, client(&dana).await);
    let here = dana.invite(&free, OLD).await;
    let there = add(&dana, &marked, "parent").await;
    world.deliver().await;
    let sheet = print(&dana, &there).await;
    mark(&dana, &marked, &["safe@mail.example"]).await;
    let before = world.items_but_sessions().await;
    readdress(&dana, &here, OTHER).await.problem(409, "safe_contact");
    assert_eq!(world.items_but_sessions().await, before, "nothing was written");
    assert!(is_open(&world, &sheet).await);
    readdress(&dana, &here, "safe@mail.example").await.expect(200);
    assert!(!is_open(&world, &sheet).await);
}

#[tokio::test]
async fn many_invitations_leave_out_who_would_get_none() {
    let (world, dana, who, sheet) = with_sheet().await;
    let later = client(&dana).await;
    let later = dana.invite(&later, "later@mail.example").await;
    let on_paper = print(&dana, &later).await;
    let job = json!({"action": "resend", "portalUserIds": [who.user, later.user]});
    let job = dana.post("/api/bulk", &job).await.expect(201);
    assert_eq!(job["willChange"], 1);
    assert_eq!(job["skipped"], json!([{"why": "safe-contact", "count": 1}]));
    // Marked after the preview: each row is judged when it is made.
    mark(&dana, &later.client, &[]).await;
    let path = format!("/api/bulk/{}", text(&job["bulkId"]));
    dana.post(&format!("{path}/start"), &json!({})).await.expect(200);
    let sent = world.post.received().len();
    while world.deliver().await > 0 {}
    let result = dana.get(&path).await.expect(200);
    assert_eq!(result["state"], "finished");
    assert_eq!(result["results"][0]["outcome"], "safe-contact");
    assert!(told(&world, sent).is_empty());
    assert!(is_open(&world, &sheet).await && is_open(&world, &on_paper).await);
}

#[tokio::test]
async fn of_a_mark_and_an_invitation_sent_again_the_mark_ends_no_link() {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = client(&dana).await;
    let who = dana.invite(&client, OLD).await;
    let sheet = print(&dana, &who).await;
    let path = format!("/api/clients/{client}");
    let version = dana.get(&path).await.expect(200)["version"].clone();
    let (refused, sent) = (Cell::new(0), Cell::new(0));
    // How often the client was written.
    let rev = async || {
        let items = world.items().await;
        let place = format!("P#harbor#C#{client} A#CLIENT");
        let item: Value = serde_json::from_str(&items[&place]).expect("JSON");
        item["rev"].as_u64().expect("a number")
    };
    let before = rev().await;
    let begin = |of: usize| {
        let (dana, who, path, version) = (&dana, &who, &path, &version);
        async move {
            if of == 0 {
                return dana.patch(path, &json!({"version": version, "safeContact": true})).await;
            }
            dana.resend(who).await
        }
    };
    let orders = meet_distinct(&world, begin, async |ended| {
        let Ended { order, answers: [marked, again], .. } = ended;
        marked.expect(200);
        let kept = if again.status.as_u16() == 202 {
            // Both met on the client: what the one was decided by, the other had not changed.
            assert_eq!(rev().await, before + 2, "{order}");
            &sent
        } else {
            again.problem(409, "safe_contact");
            assert!(is_open(&world, &sheet).await, "{order}");
            &refused
        };
        kept.set(kept.get() + 1);
    });
    assert!(orders.await > 3);
    assert!(refused.get() > 0 && sent.get() > 0, "both happen");
}

#[tokio::test]
async fn the_clients_own_access_stays_while_the_mark_has_a_say_over_their_other_charts() {
    let Scene { world, dana, client: child, who } = scene().await;
    let own = client(&dana).await;
    let oneself = join(&dana, &own, "self").await;
    let other = dana.enroll_for(&own, "other@mail.example").await;
    world.deliver().await;
    mark(&dana, &own, &[]).await;
    for revoked in [false, true] {
        if revoked {
            dana.revoke(&oneself).await.expect(200);
        }
        let before = world.items_but_sessions().await;
        let refused = dana.delete(&oneself, "confirm=delete").await.problem(409, "safe_contact");
        assert!(text(&refused["detail"]).contains("end safe contact first"));
        let refused = edit_relationship(&dana, &own, "other").await.problem(409, "safe_contact");
        assert!(text(&refused["detail"]).contains("End safe contact first"));
        assert_eq!(world.items_but_sessions().await, before, "nothing was written");
    }
    // Another person's access goes as ever, and so does this one's when the mark is ended.
    dana.delete(&other, "confirm=delete").await.expect(200);
    edit(&dana, &own, &json!({"safeContact": false})).await.expect(200);
    edit_relationship(&dana, &own, "other").await.expect(200);
    edit_relationship(&dana, &own, "self").await.expect(200);
    dana.delete(&oneself, "confirm=delete").await.expect(200);
    assert_eq!(dana.user(&who).await["status"], "active", "{child}");
}

#[tokio::test]
async fn the_clients_only_access_can_be_deleted_or_be_another_persons_under_safe_contact() {
    let Scene { dana, client, who, .. } = scene().await;
    edit_relationship(&dana, &client, "self").await.expect(200);
    mark(&dana, &client, &[]).await;
    edit_relationship(&dana, &client, "other").await.expect(200);
    edit_relationship(&dana, &client, "self").await.expect(200);
    dana.delete(&who, "confirm=delete").await.expect(200);
}

#[tokio::test]
async fn of_another_chart_and_the_end_of_the_clients_own_access_the_mark_keeps_its_say() {
    let Scene { world, dana, client: own, who } = scene().await;
    let child = client(&dana).await;
    edit_relationship(&dana, &own, "self").await.expect(200);
    mark(&dana, &own, &[]).await;
    let version = dana.user(&who).await["version"].clone();
    let body = json!({
        "name": {"first": "Amara", "last": "Okafor"}, "email": OLD, "relationship": "parent",
        "permissions": ["basic"], "samePerson": true,
    });
    for deletes in [false, true] {
        let begin = |of: usize| {
            let (dana, who, version, child, body) = (&dana, &who, &version, &child, &body);
            async move {
                if of == 0 {
                    return dana.post(&format!("/api/clients/{child}/portal-users"), body).await;
                }
                if deletes {
                    return dana.delete(who, "confirm=delete").await;
                }
                let edit = json!({"version": version, "relationship": "other"});
                dana.patch(&who.path(), &edit).await
            }
        };
        let (ended, stayed) = (Cell::new(0), Cell::new(0));
        let orders = meet_distinct(&world, begin, async |met| {
            let Ended { order, answers: [joins, ends], after } = met;
            joins.expect(201);
            let kept = if ends.status.as_u16() == 200 {
                assert!(!after, "{order}: it had another chart");
                &ended
            } else {
                ends.problem(409, "safe_contact");
                &stayed
            };
            kept.set(kept.get() + 1);
        });
        assert!(orders.await > 3, "{deletes}");
        assert!(ended.get() > 0 && stayed.get() > 0, "{deletes}: both happen");
    }
}

#[tokio::test]
async fn who_is_taken_over_from_a_marked_duplicate_needs_the_mark_on_the_right_chart() {
    let Scene { world, dana, client: twice, .. } = scene().await;
    edit_relationship(&dana, &twice, "self").await.expect(200);
    let right = client(&dana).await;
    let closing = json!({"reason": "duplicate", "duplicateOf": right});
    dana.close(&twice, &closing).await.expect(200);
    mark(&dana, &twice, &[]).await;
    let body = json!({
        "name": {"first": "Amara", "last": "Okafor"}, "email": OLD, "relationship": "self",
        "permissions": ["basic"], "samePerson": true,
    });
    let path = format!("/api/clients/{right}/portal-users");
    let before = world.items_but_sessions().await;
    dana.post(&path, &body).await.problem(409, "safe_contact");
    assert_eq!(world.items_but_sessions().await, before, "nothing was written");
    mark(&dana, &right, &[]).await;
    dana.post(&path, &body).await.expect(201);
}
