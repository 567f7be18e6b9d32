//! A table is put back to an earlier moment, and what closed access since is done again: people who were
//! shut out stay out, and where the history leaves a doubt, access is closed.

use std::collections::BTreeMap;

use api_tests::{
    Answer, Call, PASSWORD, PORTAL, World,
    authenticator::{Authenticator, Device},
    people::{Browser, Invited, Staff, text},
    wire::{Fault, Snapshot},
};
use latchkey_restore::{Closed, Restoration, Told, Trouble};
use serde_json::{Value, json};
use shared::{fields::At, history::Role, store::Item};

const NEW: &str = "another nine grey pebbles";
const HOUR: i64 = 60 * 60;

/// A practice some time after it was set up, and a copy of its table.
struct Scene {
    world: World,
    dana: Staff,
    moment: At,
    copy: Snapshot,
}

impl Scene {
    /// Sets people up, and takes the copy an hour later.
    async fn of<T>(set_up: impl AsyncFnOnce(&World, &Staff) -> T) -> (Self, T) {
        let world = World::new().await;
        let people = set_up(&world, &world.dana().await).await;
        world.deliver().await;
        world.pass(HOUR);
        let (moment, copy) = (world.now(), world.snapshot().await);
        world.pass(60);
        let dana = world.dana().await;
        (Self { world, dana, moment, copy }, people)
    }

    /// Puts the table back to the copy, as it is done on AWS: nothing of the moment alone comes back, and
    /// the history stays.
    async fn put_back(&self) {
        let (main, history) = self.tables();
        let now = self.world.snapshot().await;
        self.world.put_back(&now, &self.copy).await;
        self.world
            .database
            .load(&history, now.items(&history).into_values().map(item))
            .expect("loaded");
        let momentary =
            |pk: &str| ["#W#", "#L#", "#I#", "#M#"].iter().any(|part| pk.contains(part));
        let keys = self.copy.items(&main).into_keys();
        let keys: Vec<_> = keys.filter(|(pk, _)| momentary(pk)).collect();
        self.world.database.remove(&main, keys).expect("removed");
    }

    fn tables(&self) -> (String, String) {
        let tables = self.world.database.tables();
        (tables.main.clone(), tables.history.clone())
    }

    /// What stands in the history.
    async fn history(&self) -> Vec<Value> {
        let (_, history) = self.tables();
        self.world.snapshot().await.items(&history).into_values().collect()
    }

    /// Writes an event into the history, made of the newest one.
    async fn write_event(&self, change: impl FnOnce(&mut Value)) {
        let mut event = self.history().await.into_iter().max_by_key(|e| e["at"].to_string());
        let event = event.as_mut().expect("an event");
        let id = self.world.app.ulid().to_string();
        event["eventId"] = json!(id);
        event["SK"] = json!(id);
        event["at"] = json!(self.world.now());
        change(event);
        let (_, history) = self.tables();
        self.world.database.load(&history, [item(event.clone())]).expect("loaded");
    }

    /// Does again what closed access, by what the history says.
    async fn close(&self, rehearsal: bool) -> Result<Closed, Trouble> {
        let events = self.history().await.into_iter();
        let events: Vec<Told> =
            events.map(|event| serde_json::from_value(event).expect("an event")).collect();
        Restoration::new(&self.world.app, "copy", self.moment, rehearsal).close(events).await
    }

    /// Restores the table. Answers what was closed and what the history says of it: action, portal user
    /// and changed fields.
    async fn restored(&mut self) -> (Closed, Vec<(String, String, Vec<String>)>) {
        let before = self.history().await.len();
        self.put_back().await;
        let planned = self.close(true).await.expect("a rehearsal");
        assert_eq!(self.history().await.len(), before, "a rehearsal writes nothing");
        let closed = self.close(false).await.expect("a restoration");
        assert_eq!(planned, closed, "a rehearsal says what is done");
        let told = self.told().await;
        self.dana = self.world.dana().await;
        (closed, told)
    }

    /// What the restoration told the history.
    async fn told(&self) -> Vec<(String, String, Vec<String>)> {
        let events = self.history().await;
        let ours = events.iter().filter(|event| event["requestId"] == "restore copy");
        let mut told = BTreeMap::new();
        for event in ours {
            assert_eq!(event["actor"], json!({"id": "", "name": "Latchkey", "role": "system"}));
            assert_eq!(event["source"], "");
            let text = |value: &Value| value.as_str().unwrap_or("practice").to_owned();
            let changed = event["changed"].as_array().expect("a list").iter().map(text).collect();
            let one = (text(&event["action"]), text(&event["portalUserId"]), changed);
            told.insert(text(&event["eventId"]), one);
        }
        told.into_values().collect()
    }

    async fn sign_in(&self, who: &Invited) -> Answer {
        self.world.sign_in(&who.email, PASSWORD).await
    }
}

fn item(value: Value) -> Item {
    serde_dynamo::to_item(value).expect("an item")
}

fn told(action: &str, who: &Invited, changed: &[&str]) -> (String, String, Vec<String>) {
    (action.into(), who.user.clone(), changed.iter().map(ToString::to_string).collect())
}

/// Closed nothing but this.
fn only(change: impl FnOnce(&mut Closed)) -> Closed {
    let mut closed = Closed::default();
    change(&mut closed);
    closed
}

/// A parent of two: one account, two charts.
async fn parent(dana: &Staff) -> (Invited, Invited) {
    let first = dana.enrolled().await;
    let second = dana.client("Wren", "Okafor", "1984-03-12").await;
    let second = dana.enroll_for(&second, &first.email).await;
    (first, second)
}

/// The clients whose charts somebody opens.
async fn charts_of(scene: &Scene, who: &Invited) -> Vec<String> {
    let cookie = scene.world.signed_in(&who.email, PASSWORD).await;
    let session = scene.world.session(&cookie).await.expect(200);
    let charts = session["charts"].as_array().expect("charts").clone();
    charts.iter().map(|chart| chart["clientId"].as_str().expect("an id").to_owned()).collect()
}

#[tokio::test]
async fn an_app_that_may_ask_less_since_is_switched_off() {
    let (mut scene, rooms) = Scene::of(async |_, dana| {
        let mut rooms = Vec::new();
        for _ in 0..5 {
            rooms.push(dana.register(&json!({})).await);
        }
        rooms
    })
    .await;
    let path = |n: usize| format!("/api/apps/{}", rooms[n].id);
    let dana = scene.dana.clone();
    dana.send(Call::new("DELETE", &format!("{}?confirm=delete", path(0)))).await.expect(204);
    let off = json!({"version": 1, "enabled": false});
    dana.patch(&path(1), &off).await.expect(200);
    dana.post(&format!("{}/secret", path(2)), &json!({})).await.expect(201);
    let edit = json!({"version": 1, "redirectUris": []});
    dana.patch(&path(3), &edit).await.expect(200);
    let later = dana.register(&json!({})).await;
    let (closed, told) = scene.restored().await;
    assert_eq!(closed, only(|closed| closed.apps = 4));
    let one = ("app-updated".to_owned(), "practice".to_owned(), vec!["enabled".to_owned()]);
    assert_eq!(told, vec![one; 4]);
    for (n, room) in rooms.iter().enumerate() {
        let app = scene.dana.get(&path(n)).await.expect(200);
        assert_eq!(app["enabled"], n == 4, "{n}");
        let answer = scene.world.ask_as(room, "/api/oauth/introspect", &[("token", "x")]).await;
        assert_eq!(answer.status.as_u16(), if n == 4 { 200 } else { 401 }, "{n}");
    }
    scene.dana.get(&format!("/api/apps/{}", later.id)).await.problem(404, "not_found");
    // A run that was interrupted goes on, and tells nothing twice.
    assert_eq!(scene.close(false).await.expect("a restoration"), Closed::default());
    assert_eq!(scene.told().await.len(), 4);
}

#[tokio::test]
async fn somebody_who_may_do_less_since_is_off_the_staff_list() {
    let (mut scene, people) = Scene::of(async |world, dana| {
        world.staff("harbor", "Second", Role::Admin).await;
        let mut people = Vec::new();
        for name in ["Removed", "Demoted", "Moved", "Renamed", "Ended", "Same"] {
            let email = format!("{}@harbor.example", name.to_lowercase());
            let new = json!({"name": name, "email": email, "role": "admin"});
            people.push(dana.post("/api/staff", &new).await.expect(201));
        }
        people
    })
    .await;
    let path = |n: usize| format!("/api/staff/{}", people[n]["staffId"].as_str().expect("an id"));
    let dana = scene.dana.clone();
    dana.send(Call::new("DELETE", &path(0))).await.expect(204);
    for (n, edit) in [
        (1, json!({"version": 1, "role": "auditor"})),
        (2, json!({"version": 1, "email": "another@harbor.example"})),
        (3, json!({"version": 1, "name": "Called otherwise"})),
    ] {
        dana.patch(&path(n), &edit).await.expect(200);
    }
    dana.post(&format!("{}/end-sessions", path(4)), &Value::Null).await.expect(200);
    let (closed, told) = scene.restored().await;
    assert_eq!(closed, only(|closed| closed.staff = 3));
    let one = ("staff-removed".to_owned(), "practice".to_owned(), Vec::new());
    assert_eq!(told, vec![one; 3]);
    let list = scene.dana.get("/api/staff").await.expect(200);
    let left = list["staff"].as_array().expect("a list").iter().map(|one| one["name"].clone());
    assert_eq!(left.collect::<Vec<_>>(), ["Dana", "Second", "Renamed", "Ended", "Same"]);
    assert_eq!(scene.close(false).await.expect("a restoration"), Closed::default());
    assert_eq!(scene.told().await.len(), 3);
}

#[tokio::test]
async fn a_table_is_the_copy_where_nothing_closed() {
    let (mut scene, who) = Scene::of(async |_, dana| dana.enrolled().await).await;
    let (world, dana) = (scene.world.clone(), scene.dana.clone());
    world.signed_in(&who.email, PASSWORD).await;
    world.sign_in(&who.email, NEW).await.expect(401);
    dana.user(&who).await;
    dana.get(&format!("/api/clients/{}", who.client)).await.expect(200);
    dana.actions(&who.client).await;
    let stale = json!({"version": 99, "relationship": "other"});
    dana.patch(&who.path(), &stale).await.expect(409);
    scene.put_back().await;
    let before = world.items().await;
    assert_eq!(scene.close(false).await.expect("done"), Closed::default());
    assert_eq!(world.items().await, before);
    assert_eq!(scene.restored().await, (Closed::default(), Vec::new()));
}

#[tokio::test]
async fn a_revoked_person_stays_out() {
    let (mut scene, (who, elsewhere, other)) = Scene::of(async |_, dana| {
        let (who, elsewhere) = parent(dana).await;
        let other = dana.enroll_for(&who.client, "other@mail.example").await;
        dana.assign(&who.client, Some(&who.user)).await.expect(200);
        (who, elsewhere, other)
    })
    .await;
    let path = format!("{}/revoke", who.path());
    let reason = json!({"reason": {"code": "court-order"}, "alertRecipient": other.user});
    scene.dana.post(&path, &reason).await.expect(200);
    let (closed, told) = scene.restored().await;
    // The history says already what happened, and not who got the alerts next.
    assert_eq!((closed, told), (only(|c| c.revoked = 1), Vec::new()));
    let listed = scene.dana.users(&who.client).await;
    assert_eq!(listed["alertRecipient"], Value::Null);
    assert_eq!(listed["chartOwner"], who.user.as_str());
    let user = scene.dana.user(&who).await;
    assert_eq!(
        (&user["status"], &user["ended"]["reason"]),
        (&json!("revoked"), &json!("court-order"))
    );
    assert_eq!(charts_of(&scene, &who).await, [elsewhere.client]);
    scene.sign_in(&other).await.expect(200);
    // The rules go on: what was closed opens as always.
    scene.dana.activate(&who).await.expect(200);
    assert_eq!(charts_of(&scene, &who).await.len(), 2);
}

#[tokio::test]
async fn a_person_revoked_and_activated_again_stays_out() {
    let (mut scene, who) = Scene::of(async |_, dana| dana.enrolled().await).await;
    scene.dana.revoke(&who).await.expect(200);
    scene.dana.activate(&who).await.expect(200);
    let mails = scene.world.post.received().len();
    let (closed, history) = scene.restored().await;
    assert_eq!(closed, only(|c| c.revoked = 1));
    assert_eq!(history, [told("access-revoked", &who, &["status"])]);
    scene.sign_in(&who).await.problem(403, "access_not_active");
    assert_eq!(scene.world.post.received().len(), mails, "nobody is told by mail");
}

#[tokio::test]
async fn a_deleted_person_is_gone_with_an_account_that_opened_nothing_else() {
    let (mut scene, ((who, elsewhere), alone)) = Scene::of(async |_, dana| {
        let people = parent(dana).await;
        (
            people,
            dana.enroll_for(&dana.client("Ida", "Okafor", "1984-03-12").await, "ida@mail.example")
                .await,
        )
    })
    .await;
    scene.dana.delete(&who, "confirm=delete").await.expect(200);
    scene.dana.delete(&alone, "confirm=delete").await.expect(200);
    let (closed, history) = scene.restored().await;
    assert_eq!((closed, history), (only(|c| c.deleted = 2), Vec::new()));
    for gone in [&who, &alone] {
        let listed = scene.dana.users(&gone.client).await;
        assert_eq!(listed["portalUsers"], json!([]));
        assert_eq!(listed["chartOwner"], Value::Null);
    }
    assert_eq!(charts_of(&scene, &who).await, [elsewhere.client]);
    scene.sign_in(&alone).await.problem(401, "sign_in_failed");
    let found = json!({"query": "ida@mail.example"});
    let found = scene.dana.post("/api/clients/search", &found).await.expect(200);
    assert_eq!(found["clients"], json!([]), "search finds nobody by who is gone");
}

/// What was answered is kept for a day, and does not come back with the person.
#[tokio::test]
async fn a_person_added_by_a_request_with_a_key_can_be_deleted() {
    let body = json!({
        "name": {"first": "Pat", "last": "Person"}, "email": "pat@mail.example",
        "relationship": "parent", "permissions": ["basic"],
    });
    let add = |client: &str| {
        let path = format!("/api/clients/{client}/portal-users");
        Call::new("POST", &path).json(&body).header("idempotency-key", "k")
    };
    let (mut scene, clients) = Scene::of(async |_, dana| {
        let mut clients = Vec::new();
        for first in ["Wren", "Silas"] {
            let client = dana.client(first, "Okafor", "1984-03-12").await;
            let added = dana.send(add(&client)).await.expect(201);
            clients.push((client, added["portalUserId"].as_str().expect("an id").to_owned()));
        }
        clients
    })
    .await;
    let who = |(client, user): &(String, String)| Invited {
        client: client.clone(),
        user: user.clone(),
        email: "pat@mail.example".into(),
        token: String::new(),
    };
    // One before the restoration, the other after it.
    scene.dana.delete(&who(&clients[0]), "confirm=delete").await.expect(200);
    assert_eq!(scene.restored().await.0, only(|c| c.deleted = 1));
    scene.dana.delete(&who(&clients[1]), "confirm=delete").await.expect(200);
    for (client, _) in &clients {
        scene.dana.send(add(client)).await.problem(409, "deleted");
    }
}

/// With the old address or sign-in name back, a reset would go to the reader of the old mailbox.
#[tokio::test]
async fn a_changed_address_or_sign_in_name_closes_every_chart() {
    for field in ["email", "username"] {
        let (mut scene, (who, elsewhere)) = Scene::of(async |_, dana| parent(dana).await).await;
        let version = scene.dana.user(&who).await["version"].clone();
        let edit = json!({"version": version, field: "new@mail.example"});
        scene.dana.patch(&who.path(), &edit).await.expect(200);
        let (closed, mut history) = scene.restored().await;
        assert_eq!(closed, only(|c| c.revoked = 2), "{field}");
        let mut both = [&who, &elsewhere].map(|who| told("access-revoked", who, &["status"]));
        both.sort();
        history.sort();
        assert_eq!(history, both);
        scene.sign_in(&who).await.problem(403, "access_not_active");
        scene.world.deliver().await;
        let mails = scene.world.post.received().len();
        scene.world.forgot(&who.email).await.expect(202);
        scene.world.deliver().await;
        assert_eq!(scene.world.post.received().len(), mails, "no reset");
    }
}

#[tokio::test]
async fn an_address_that_was_changed_closes_charts_that_nothing_is_told_of() {
    let (mut scene, (who, elsewhere)) = Scene::of(async |_, dana| parent(dana).await).await;
    let version = scene.dana.user(&who).await["version"].clone();
    let edit = json!({"version": version, "email": "new@mail.example"});
    scene.dana.patch(&who.path(), &edit).await.expect(200);
    // The other chart's event was lost with the last minutes of the history.
    let (_, history) = scene.tables();
    let lost = scene.history().await.into_iter().filter(|event| {
        event["action"] == "portal-user-updated" && event["clientId"] == elsewhere.client.as_str()
    });

    let lost: Vec<_> = lost.map(|event| (text(&event["PK"]), text(&event["SK"]))).collect();
    assert_eq!(lost.len(), 1);
    scene.world.database.remove(&history, lost).expect("removed");
    assert_eq!(scene.restored().await.0, only(|c| c.revoked = 2));
    scene.sign_in(&who).await.problem(403, "access_not_active");
}

#[tokio::test]
async fn an_edit_is_judged_by_what_it_changed() {
    for (edit, access) in [
        (json!({"permissions": ["billing"]}), "revoked"),
        (json!({"permissions": ["billing"], "relationship": "other"}), "revoked"),
        (json!({"relationship": "other"}), "active"),
        (json!({"name": {"first": "Patricia", "last": "Person"}}), "active"),
    ] {
        let (mut scene, who) = Scene::of(async |_, dana| dana.enrolled().await).await;
        let mut edit = edit;
        edit["version"] = scene.dana.user(&who).await["version"].clone();
        scene.dana.patch(&who.path(), &edit).await.expect(200);
        scene.restored().await;
        assert_eq!(scene.dana.user(&who).await["status"], access, "{edit}");
    }
    // A field of a later version.
    let (mut scene, who) = Scene::of(async |_, dana| dana.enrolled().await).await;
    let edit = json!({"version": scene.dana.user(&who).await["version"], "relationship": "other"});
    scene.dana.patch(&who.path(), &edit).await.expect(200);
    scene.write_event(|event| event["changed"] = json!(["until"])).await;
    scene.restored().await;
    assert_eq!(scene.dana.user(&who).await["status"], "revoked");
}

/// Somebody with a passkey, in a browser.
async fn with_passkey(world: &World, dana: &Staff) -> (Invited, Device, String) {
    let who = dana.enrolled().await;
    let offered = json!({"version": 1, "secondFactor": "offered"});
    dana.patch("/api/practice", &offered).await.expect(200);
    let browser = world.browser(&who.email, PASSWORD, "one").await;
    let call = |path: &str, body: &Value| {
        Call::new("POST", &format!("/api/portal/account/{path}")).json(body)
    };
    let proof = json!({"proof": {"password": PASSWORD}});
    let asked = browser.send(call("passkeys/options", &proof)).await.expect(200);
    let mut device = Device::at(PORTAL, 1);
    let body = json!({"name": "Phone", "credential": device.create(&asked["options"])});
    let added = browser.send(call("passkeys", &body)).await.expect(201);
    (who, device, text(&added["passkeyId"]))
}

/// Signs in with a passkey alone.
async fn alone(world: &World, device: &mut Device) -> Answer {
    let ask = json!({"practice": "harbor"});
    let ask = Call::new("POST", "/api/portal/sign-in/passkey/options").json(&ask);
    let question = world.send(ask).await.expect(200);
    let credential = device.get(&question["options"]);
    let body = json!({"challenge": question["challenge"], "credential": credential});
    world.send(Call::new("POST", "/api/portal/sign-in/passkey").json(&body)).await
}

#[tokio::test]
async fn a_factor_that_was_removed_is_not_taken_and_neither_is_the_password() {
    let (mut scene, (who, mut device, id)) = Scene::of(with_passkey).await;
    let answer = alone(&scene.world, &mut device).await;
    let cookie = answer.cookie("__Host-latchkey-portal").expect("a session");
    let remove = Call::new("DELETE", &format!("/api/portal/account/passkeys/{id}"));
    let remove = remove.json(&json!({"proof": {"password": PASSWORD}})).cookie(&cookie);
    scene.world.send(remove).await.expect(204);
    let (closed, mut history) = scene.restored().await;
    assert_eq!(closed, only(|c| (c.passwords, c.factors) = (1, 1)));
    history.sort();
    let removed = told("factor-removed", &who, &["passkey"]);
    assert_eq!(history, [removed, told("password-changed", &who, &["password"])]);
    alone(&scene.world, &mut device).await.problem(401, "factor_failed");
    scene.sign_in(&who).await.problem(401, "sign_in_failed");
    // The person chooses a password, and is asked for nothing that was lost.
    scene.world.forgot(&who.email).await.expect(202);
    scene.world.deliver().await;
    let token = scene.world.post.newest(&who.email).token();
    scene.world.choose(&token, NEW).await.expect(204);
    scene.world.signed_in(&who.email, NEW).await;
}

/// What the page of a person's own account does with second factors.
struct Own<'a> {
    world: &'a World,
    browser: Browser,
}

impl<'a> Own<'a> {
    /// In a browser that signed in with a passkey.
    async fn alone(world: &'a World, device: &mut Device) -> Self {
        let answer = alone(world, device).await;
        let browser = browser_of(world, &answer);
        answer.expect(200);
        Self { world, browser }
    }

    async fn call(&self, method: &str, path: &str, body: &Value) -> Answer {
        let path = format!("/api/portal/account/{path}");
        self.browser.send(Call::new(method, &path).json(body)).await
    }

    /// Adds an authenticator app, in place of the one that there is.
    async fn app(&self) -> Authenticator {
        let given = self.call("POST", "totp", &proof()).await.expect(200);
        let app = Authenticator::new(&text(&given["secret"]));
        let code = json!({"code": app.code(self.world.now())});
        self.call("PUT", "totp", &code).await.expect(204);
        self.world.pass(60);
        app
    }

    async fn recovery_code(&self) -> String {
        text(&self.call("POST", "recovery-code", &proof()).await.expect(201)["code"])
    }
}

fn proof() -> Value {
    json!({"proof": {"password": PASSWORD}})
}

/// A browser that was signed in by this answer.
fn browser_of(world: &World, answer: &Answer) -> Browser {
    let cookies = answer.cookie("__Host-latchkey-portal").expect("a session");
    Browser { world: world.clone(), cookies }
}

/// The second step with a code, after the right password. Answers with what it could be taken, too.
async fn second(world: &World, who: &Invited, method: &str, code: &str) -> (Vec<String>, Answer) {
    let asked = world.sign_in(&who.email, PASSWORD).await.problem(401, "second_factor_required");
    let methods = asked["methods"].as_array().expect("methods").iter().map(text).collect();
    let body = json!({"challenge": asked["challenge"], "method": method, "code": code});
    let path = "/api/portal/sign-in/factor";
    (methods, world.send(Call::new("POST", path).json(&body)).await)
}

/// Prints a code at the front desk.
async fn print_code(dana: &Staff, who: &Invited) -> String {
    let path = format!("{}/factor-reset", who.path());
    text(&dana.post(&path, &json!({})).await.expect(201)["code"])
}

/// Whoever used it, nobody knows: the history does not say with what a person signed in.
#[tokio::test]
async fn a_printed_code_does_not_work_again_after_a_restoration() {
    for used in [true, false] {
        let (mut scene, (who, mut device, code)) = Scene::of(async |world, dana| {
            let (who, device, _) = with_passkey(world, dana).await;
            let code = print_code(dana, &who).await;
            // So long before the moment that nothing else counts.
            world.pass(23 * HOUR);
            (who, device, code)
        })
        .await;
        if used {
            second(&scene.world, &who, "reset-code", &code).await.1.expect(200);
        }
        let (closed, history) = scene.restored().await;
        assert_eq!(closed, only(|c| c.factors = 1), "{used}");
        assert_eq!(history, [told("factor-removed", &who, &["resetCode"])], "{used}");
        let (methods, answer) = second(&scene.world, &who, "reset-code", &code).await;
        assert_eq!(methods, ["passkey"], "{used}");
        answer.problem(401, "factor_failed");
        // The front desk prints another, and what the person has is taken.
        let code = print_code(&scene.dana, &who).await;
        second(&scene.world, &who, "reset-code", &code).await.1.expect(200);
        alone(&scene.world, &mut device).await.expect(200);
        assert_eq!(scene.close(false).await.expect("once more").passwords, 0);
    }
}

#[tokio::test]
async fn a_recovery_code_that_was_used_does_not_work_again_and_what_else_there_is_stays() {
    let (mut scene, (who, mut device, code)) = Scene::of(async |world, dana| {
        let (who, mut device, _) = with_passkey(world, dana).await;
        let code = Own::alone(world, &mut device).await.recovery_code().await;
        (who, device, code)
    })
    .await;
    let used = second(&scene.world, &who, "recovery-code", &code).await.1.expect(200);
    let next = text(&used["recoveryCode"]);
    let (closed, history) = scene.restored().await;
    assert_eq!(closed, only(|c| c.factors = 1));
    assert_eq!(history, [told("factor-removed", &who, &["recoveryCode"])]);
    for code in [code, next] {
        let (methods, answer) = second(&scene.world, &who, "recovery-code", &code).await;
        assert_eq!(methods, ["passkey"]);
        answer.problem(401, "factor_failed");
    }
    alone(&scene.world, &mut device).await.expect(200);
    // Lost, too: the front desk helps.
    let code = print_code(&scene.dana, &who).await;
    second(&scene.world, &who, "reset-code", &code).await.1.expect(200);
}

/// The code stood in for it on a chart that the person was given later.
#[tokio::test]
async fn a_recovery_code_is_known_as_used_on_the_chart_that_the_person_has_had_longest() {
    let (mut scene, (who, earlier, mut device, code)) = Scene::of(async |world, dana| {
        // Older than the chart that the person has.
        let earlier = dana.client("Wren", "Okafor", "1984-03-12").await;
        let (who, mut device, _) = with_passkey(world, dana).await;
        let code = Own::alone(world, &mut device).await.recovery_code().await;
        (who, earlier, device, code)
    })
    .await;
    let invited = scene.dana.invite(&earlier, &who.email).await;
    scene.world.enroll(&invited.token, "Okafor", "1984-03-12", PASSWORD).await.expect(204);
    second(&scene.world, &who, "recovery-code", &code).await.1.expect(200);
    assert_eq!(scene.restored().await.0, only(|c| c.factors = 1));
    let (_, answer) = second(&scene.world, &who, "recovery-code", &code).await;
    answer.problem(401, "factor_failed");
    alone(&scene.world, &mut device).await.expect(200);
}

#[tokio::test]
async fn of_two_factors_the_one_that_was_removed_is_not_taken_and_the_other_is() {
    for removed in ["passkey", "totp"] {
        let (mut scene, (who, mut device, id, app)) = Scene::of(async |world, dana| {
            let (who, mut device, id) = with_passkey(world, dana).await;
            let app = Own::alone(world, &mut device).await.app().await;
            (who, device, id, app)
        })
        .await;
        let own = Own::alone(&scene.world, &mut device).await;
        let path = if removed == "totp" { removed.to_owned() } else { format!("passkeys/{id}") };
        own.call("DELETE", &path, &proof()).await.expect(204);
        drop(own);
        let (closed, history) = scene.restored().await;
        assert_eq!(closed, only(|c| c.factors = 1), "{removed}");
        assert_eq!(history, [told("factor-removed", &who, &[removed])]);
        let code = app.code(scene.world.now());
        let (methods, answer) = second(&scene.world, &who, "totp", &code).await;
        let by_key = alone(&scene.world, &mut device).await;
        if removed == "totp" {
            assert_eq!(methods, ["passkey"]);
            answer.problem(401, "factor_failed");
            by_key.expect(200);
        } else {
            assert_eq!(methods, ["totp"]);
            answer.expect(200);
            by_key.problem(401, "factor_failed");
        }
        assert_eq!(scene.close(false).await.expect("once more"), Closed::default());
        assert_eq!(scene.told().await.len(), 1, "told once");
    }
}

/// The password alone would let in, where there was more than that.
#[tokio::test]
async fn where_what_was_added_since_is_lost_the_password_is_not_taken_alone() {
    // An app took the place of another; the first factor was added.
    for replaced in [true, false] {
        let (mut scene, (who, old)) = Scene::of(async |world, dana| {
            let who = dana.enrolled().await;
            let offered = json!({"version": 1, "secondFactor": "offered"});
            dana.patch("/api/practice", &offered).await.expect(200);
            let browser = world.browser(&who.email, PASSWORD, "one").await;
            let old = if replaced { Some(Own { world, browser }.app().await) } else { None };
            (who, old)
        })
        .await;
        let browser = match &old {
            None => scene.world.browser(&who.email, PASSWORD, "one").await,
            Some(app) => {
                let code = app.code(scene.world.now());
                let answer = second(&scene.world, &who, "totp", &code).await.1;
                browser_of(&scene.world, &answer)
            }
        };
        Own { world: &scene.world, browser }.app().await;
        let (closed, _) = scene.restored().await;
        let lost = usize::from(replaced);
        assert_eq!(closed, only(|c| (c.passwords, c.factors) = (1, lost)), "{replaced}");
        scene.sign_in(&who).await.problem(401, "sign_in_failed");
        scene.world.forgot(&who.email).await.expect(202);
        scene.world.deliver().await;
        let token = scene.world.post.newest(&who.email).token();
        scene.world.choose(&token, NEW).await.expect(204);
        scene.world.signed_in(&who.email, NEW).await;
    }
}

/// Beside what the person had, what was added is missed by nobody else.
#[tokio::test]
async fn a_passkey_that_was_added_beside_another_factor_is_lost_and_nothing_else() {
    let (mut scene, (who, mut device)) = Scene::of(async |world, dana| {
        let (who, device, _) = with_passkey(world, dana).await;
        (who, device)
    })
    .await;
    let own = Own::alone(&scene.world, &mut device).await;
    let asked = own.call("POST", "passkeys/options", &proof()).await.expect(200);
    let mut other = Device::at(PORTAL, 2);
    let body = json!({"name": "Tablet", "credential": other.create(&asked["options"])});
    own.call("POST", "passkeys", &body).await.expect(201);
    drop(own);
    assert_eq!(scene.restored().await, (Closed::default(), Vec::new()), "{}", who.user);
    alone(&scene.world, &mut other).await.problem(401, "factor_failed");
    alone(&scene.world, &mut device).await.expect(200);
}

#[tokio::test]
async fn a_factor_that_nobody_touched_is_taken_after_a_restoration() {
    let (mut scene, (_, mut device, _)) = Scene::of(with_passkey).await;
    let (closed, _) = scene.restored().await;
    assert_eq!(closed, Closed::default());
    alone(&scene.world, &mut device).await.expect(200);
}

#[tokio::test]
async fn a_password_that_was_changed_is_not_taken_and_neither_is_the_new_one() {
    let (mut scene, (who, elsewhere)) = Scene::of(async |_, dana| parent(dana).await).await;
    scene.world.forgot(&who.email).await.expect(202);
    scene.world.deliver().await;
    let token = scene.world.post.newest(&who.email).token();
    scene.world.choose(&token, NEW).await.expect(204);
    let (closed, mut history) = scene.restored().await;
    // One account, told on each of its charts.
    assert_eq!(closed, only(|c| c.passwords = 1));
    let mut both = [&who, &elsewhere].map(|who| told("password-changed", who, &["password"]));
    both.sort();
    history.sort();
    assert_eq!(history, both);
    for password in [PASSWORD, NEW] {
        scene.world.sign_in(&who.email, password).await.problem(401, "sign_in_failed");
    }
    scene.world.choose(&token, PASSWORD).await.problem(409, "reset_expired");
    assert_eq!(scene.dana.user(&who).await["status"], "active");
    // The person chooses one.
    scene.world.forgot(&who.email).await.expect(202);
    scene.world.deliver().await;
    let token = scene.world.post.newest(&who.email).token();
    scene.world.choose(&token, NEW).await.expect(204);
    let cookie = scene.world.signed_in(&who.email, NEW).await;
    let session = scene.world.session(&cookie).await.expect(200);
    assert_eq!(session["charts"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn an_invitation_of_before_ends_when_anything_happened_to_it() {
    for what in ["resent", "printed", "wrong proof", "enrolled", "client edited"] {
        let (mut scene, who) = Scene::of(async |_, dana| {
            let client = dana.client("Amara", "Okafor", "1984-03-12").await;
            dana.invite(&client, "rana@mail.example").await
        })
        .await;
        let (world, dana) = (scene.world.clone(), scene.dana.clone());
        match what {
            "resent" => _ = dana.resend(&who).await.expect(202),
            "printed" => {
                dana.post(&format!("{}/sheet", who.path()), &json!({})).await.expect(201);
            }
            "wrong proof" => {
                world.enroll(&who.token, "Wrong", "1984-03-12", PASSWORD).await.expect(422);
            }
            "enrolled" => {
                world.enroll(&who.token, "Okafor", "1984-03-12", PASSWORD).await.expect(201);
            }
            _ => {
                let page = format!("/api/clients/{}", who.client);
                let edit = json!({"version": 1, "dateOfBirth": "1984-12-03"});
                dana.patch(&page, &edit).await.expect(200);
            }
        }
        let (closed, history) = scene.restored().await;
        assert_eq!(closed, only(|c| c.links = 1), "{what}");
        assert_eq!(history, [told("links-ended", &who, &["invitation"])]);
        assert_eq!(world.check(&who.token).await.expect(200)["state"], "expired", "{what}");
        world
            .enroll(&who.token, "Okafor", "1984-03-12", PASSWORD)
            .await
            .problem(409, "invitation_expired");
        assert_eq!(scene.dana.user(&who).await["status"], "expired");
        scene.dana.resend(&who).await.expect(202);
        world.deliver().await;
        let token = world.post.newest(&who.email).token();
        world.enroll(&token, "Okafor", "1984-03-12", PASSWORD).await.expect(201);
    }
}

#[tokio::test]
async fn an_invitation_to_which_nothing_happened_stays_open() {
    let (mut scene, (who, other)) = Scene::of(async |_, dana| {
        let client = dana.client("Amara", "Okafor", "1984-03-12").await;
        let who = dana.invite(&client, "rana@mail.example").await;
        (who, dana.enroll_for(&client, "omar@mail.example").await)
    })
    .await;
    scene.dana.revoke(&other).await.expect(200);
    scene.restored().await;
    assert_eq!(scene.dana.user(&who).await["status"], "invited");
    scene.world.enroll(&who.token, "Okafor", "1984-03-12", PASSWORD).await.expect(201);
}

/// A reset lives an hour: one that the copy holds may have been asked for before its moment.
#[tokio::test]
async fn a_reset_of_before_ends() {
    for asked_again in [false, true] {
        let (mut scene, (who, elsewhere)) = Scene::of(async |_, dana| parent(dana).await).await;
        scene.world.forgot(&who.email).await.expect(202);
        scene.world.deliver().await;
        let token = scene.world.post.newest(&who.email).token();
        scene.world.pass(20 * 60);
        (scene.moment, scene.copy) = (scene.world.now(), scene.world.snapshot().await);
        if asked_again {
            scene.world.pass(10 * 60);
            scene.world.forgot(&who.email).await.expect(202);
            scene.world.deliver().await;
        }
        let (closed, history) = scene.restored().await;
        assert_eq!(closed, only(|c| c.links = 1));
        assert_eq!(history.len(), 1);
        assert_eq!((&*history[0].0, &history[0].2), ("links-ended", &vec!["reset".to_owned()]));
        scene.world.choose(&token, NEW).await.problem(409, "reset_expired");
        assert_eq!(charts_of(&scene, &who).await.len(), 2);
        // No chart counts a reset that is gone.
        for who in [&who, &elsewhere] {
            let receipt = scene.dana.revoke(who).await.expect(200);
            assert_eq!(receipt["ended"]["resets"], 0);
        }
    }
}

#[tokio::test]
async fn alerts_that_were_assigned_go_to_the_practice() {
    let (mut scene, (ada, ben)) = Scene::of(async |_, dana| {
        let ada = dana.enrolled().await;
        let ben = dana.enroll_for(&ada.client, "ben@mail.example").await;
        dana.assign(&ada.client, Some(&ada.user)).await.expect(200);
        (ada, ben)
    })
    .await;
    scene.dana.assign(&ada.client, Some(&ben.user)).await.expect(200);
    let (closed, history) = scene.restored().await;
    let to_practice =
        ("alert-recipient-assigned".into(), "practice".into(), vec!["alertRecipient".into()]);
    assert_eq!((closed, history), (Closed::default(), vec![to_practice]));
    assert_eq!(scene.dana.users(&ada.client).await["alertRecipient"], Value::Null);
    for who in [&ada, &ben] {
        scene.sign_in(who).await.expect(200);
    }
}

#[tokio::test]
async fn a_person_invited_and_then_revoked_cannot_enrol() {
    let (mut scene, who) = Scene::of(async |_, dana| {
        let client = dana.client("Amara", "Okafor", "1984-03-12").await;
        dana.invite(&client, "rana@mail.example").await
    })
    .await;
    scene.dana.revoke(&who).await.expect(200);
    let (closed, history) = scene.restored().await;
    assert_eq!((closed, history), (only(|c| c.revoked = 1), Vec::new()));
    assert_eq!(scene.world.check(&who.token).await.expect(200)["state"], "expired");
    scene
        .world
        .enroll(&who.token, "Okafor", "1984-03-12", PASSWORD)
        .await
        .problem(409, "invitation_expired");
    scene.dana.activate(&who).await.expect(200);
    assert_eq!(scene.dana.user(&who).await["status"], "invited");
}

#[tokio::test]
async fn an_unknown_action_closes() {
    let (mut scene, who) = Scene::of(async |_, dana| dana.enrolled().await).await;
    scene.dana.user(&who).await;
    let about = who.user.clone();
    scene
        .write_event(|event| {
            event["action"] = json!("access-suspended");
            event["portalUserId"] = json!(about);
            // All that it need not know of a later version's event may be otherwise.
            event["actor"] = json!({"robot": true});
            event["source"] = Value::Null;
        })
        .await;
    assert_eq!(scene.restored().await.0, only(|c| c.revoked = 1));
    scene.sign_in(&who).await.problem(403, "access_not_active");
}

#[tokio::test]
async fn an_unknown_action_about_nobody_in_particular_is_refused() {
    let (scene, who) = Scene::of(async |_, dana| dana.enrolled().await).await;
    scene.dana.user(&who).await;
    scene.write_event(|event| event["action"] = json!("chart-sealed")).await;
    scene.put_back().await;
    let before = scene.world.items().await;
    for rehearsal in [true, false] {
        let refused = scene.close(rehearsal).await.expect_err("a refusal").to_string();
        assert!(refused.contains("Restore with the version that wrote it"), "{refused}");
    }
    assert_eq!(scene.world.items().await, before);
}

#[tokio::test]
async fn people_who_came_later_are_forgotten() {
    let (mut scene, before) = Scene::of(async |_, dana| dana.enrolled().await).await;
    let later = scene.dana.enrolled().await;
    scene.dana.revoke(&later).await.expect(200);
    let guest = scene.dana.enroll_for(&before.client, "guest@mail.example").await;
    scene.dana.delete(&guest, "confirm=delete").await.expect(200);
    assert_eq!(scene.restored().await, (Closed::default(), Vec::new()));
    assert_eq!(scene.dana.get(&format!("/api/clients/{}", later.client)).await.status, 404);
    scene.sign_in(&later).await.problem(401, "sign_in_failed");
    scene.sign_in(&before).await.expect(200);
}

/// A change may be written seconds after the time it tells, and clocks differ.
#[tokio::test]
async fn a_revocation_shortly_before_the_moment_is_judged_too() {
    for (minutes, status) in [(14, 403), (16, 200)] {
        let (mut scene, who) = Scene::of(async |_, dana| dana.enrolled().await).await;
        scene.dana.revoke(&who).await.expect(200);
        scene.moment = scene.world.now().plus(minutes * 60);
        scene.restored().await;
        assert_eq!(scene.sign_in(&who).await.status, status, "{minutes} minutes before");
    }
}

#[tokio::test]
async fn a_missing_account_or_practice_is_refused() {
    for what in ["account", "grant", "practice"] {
        let (scene, who) = Scene::of(async |_, dana| dana.enrolled().await).await;
        scene.dana.revoke(&who).await.expect(200);
        scene.put_back().await;
        let (main, _) = scene.tables();
        let items = scene.world.snapshot().await.items(&main);
        let sk = if what == "practice" { "PRACTICE" } else { "ACCOUNT" };
        let harbor = |(pk, _): &&(String, String)| pk.starts_with("P#harbor");
        let key = items.keys().filter(harbor).find(|key| key.1 == sk).expect("the item").clone();
        if what == "grant" {
            let mut account = items[&key].clone();
            account["grants"] = json!({});
            scene.world.database.load(&main, [item(account)]).expect("loaded");
        } else {
            scene.world.database.remove(&main, [key]).expect("removed");
        }
        let right = if what == "practice" {
            "practice put harbor"
        } else {
            "Take a copy of another moment"
        };
        for rehearsal in [true, false] {
            let refused = scene.close(rehearsal).await.expect_err("a refusal").to_string();
            assert!(refused.contains(right), "{refused}");
        }
    }
}

/// A mail that goes to an address that was not safe any more cannot be called back.
#[tokio::test]
async fn safe_contact_is_set_again_and_an_address_in_doubt_is_not_safe() {
    let (scene, ids) = Scene::of(async |_, dana| {
        let mut ids = Vec::new();
        for _ in 0..3 {
            let id = dana.client("Amara", "Okafor", "1984-03-12").await;
            let safe = json!([{"type": "home", "address": "old@mail.example", "safe": true}]);
            edit_client(dana, &id, json!({"emails": safe})).await;
            ids.push(id);
        }
        edit_client(dana, &ids[1], json!({"safeContact": true})).await;
        ids
    })
    .await;
    let dana = &scene.dana;
    // Set since; its address is not safe any more; set and ended since.
    edit_client(dana, &ids[0], json!({"safeContact": true})).await;
    let unsafe_now = json!([{"type": "home", "address": "old@mail.example", "safe": false}]);
    edit_client(dana, &ids[1], json!({"emails": unsafe_now})).await;
    for on in [true, false] {
        edit_client(dana, &ids[2], json!({"safeContact": on})).await;
    }
    scene.put_back().await;
    assert_eq!(scene.close(false).await.expect("done"), only(|c| c.safe = 2));
    let dana = scene.world.dana().await;
    for (id, marked, safe) in
        [(&ids[0], true, true), (&ids[1], true, false), (&ids[2], false, true)]
    {
        let page = dana.get(&format!("/api/clients/{id}")).await.expect(200);
        assert_eq!(
            (&page["safeContact"], &page["emails"][0]["safe"]),
            (&json!(marked), &json!(safe))
        );
    }
    assert_eq!(scene.close(false).await.expect("once more"), Closed::default());
}

/// It was deleted before the mark was set, by the rules of then.
#[tokio::test]
async fn a_clients_own_access_that_was_deleted_before_the_mark_is_gone_again() {
    let (mut scene, (who, elsewhere)) = Scene::of(async |_, dana| {
        let (who, elsewhere) = parent(dana).await;
        let version = dana.user(&who).await["version"].clone();
        let own = json!({"version": version, "relationship": "self"});
        dana.patch(&who.path(), &own).await.expect(200);
        (who, elsewhere)
    })
    .await;
    scene.dana.delete(&who, "confirm=delete").await.expect(200);
    edit_client(&scene.dana, &who.client, json!({"safeContact": true})).await;
    let (closed, _) = scene.restored().await;
    let expected = only(|c| {
        c.deleted = 1;
        c.safe = 1;
    });
    assert_eq!(closed, expected);
    assert_eq!(charts_of(&scene, &who).await, [elsewhere.client]);
}

async fn edit_client(dana: &Staff, id: &str, change: Value) {
    let path = format!("/api/clients/{id}");
    let mut body = change;
    body["version"] = dana.get(&path).await.expect(200)["version"].clone();
    dana.patch(&path, &body).await.expect(200);
}

/// Items of an older version lack what came later, and those of a newer one have more.
#[tokio::test]
async fn items_of_other_versions_are_closed_too() {
    let (scene, who) = Scene::of(async |_, dana| dana.enrolled().await).await;
    scene.dana.revoke(&who).await.expect(200);
    scene.put_back().await;
    let (main, _) = scene.tables();
    let items = scene.world.snapshot().await.items(&main).into_values().map(|mut value| {
        let members = value.as_object_mut().expect("an item");
        members.remove("sessions");
        members.remove("receipt");
        members.remove("emails");
        members.insert("later".into(), json!({"more": [1, null]}));
        item(value)
    });
    scene.world.database.load(&main, items.collect::<Vec<_>>()).expect("loaded");
    assert_eq!(scene.close(false).await.expect("done"), only(|c| c.revoked = 1));
    scene.sign_in(&who).await.problem(403, "access_not_active");
}

/// Begun anew, whether after each of its writes or when it had ended, it comes out the same and tells
/// nothing twice. The table may have been put back once more, or not.
#[tokio::test]
async fn an_interrupted_restoration_is_begun_anew() {
    for put_back in [false, true] {
        let (scene, people) = Scene::of(async |_, dana| {
            let (revoked, deleted) = (dana.enrolled().await, dana.enrolled().await);
            let (moved, renewed) = (parent(dana).await.0, dana.enrolled().await);
            dana.assign(&renewed.client, Some(&renewed.user)).await.expect(200);
            let client = dana.client("Amara", "Okafor", "1984-03-12").await;
            [revoked, deleted, moved, renewed, dana.invite(&client, "rana@mail.example").await]
        })
        .await;
        let [revoked, deleted, moved, renewed, invited] = &people;
        let (world, dana) = (&scene.world, &scene.dana);
        dana.revoke(revoked).await.expect(200);
        dana.activate(revoked).await.expect(200);
        dana.delete(deleted, "confirm=delete").await.expect(200);
        let version = dana.user(moved).await["version"].clone();
        let edit = json!({"version": version, "email": "new@mail.example"});
        dana.patch(&moved.path(), &edit).await.expect(200);
        world.forgot(&renewed.email).await.expect(202);
        world.deliver().await;
        world.choose(&world.post.newest(&renewed.email).token(), NEW).await.expect(204);
        dana.assign(&renewed.client, None).await.expect(200);
        dana.assign(&renewed.client, Some(&renewed.user)).await.expect(200);
        dana.resend(invited).await.expect(202);

        scene.put_back().await;
        let mut interrupted = 0;
        let first = loop {
            world.wire.forget();
            world.wire.break_after("TransactWriteItems", interrupted, Fault::Error, usize::MAX);
            if let Ok(closed) = scene.close(false).await {
                break closed;
            }
            interrupted += 1;
            if put_back {
                world.wire.forget();
                scene.put_back().await;
            }
            assert!(interrupted < 20, "it comes to an end");
        };
        world.wire.forget();
        let mut history = scene.told().await;
        history.sort();
        let mut once = history.clone();
        once.dedup();
        assert_eq!(history, once, "nothing is told twice");
        let actions: Vec<&str> = history.iter().map(|(action, ..)| &**action).collect();
        let all = [
            "access-revoked",
            "access-revoked",
            "access-revoked",
            "alert-recipient-assigned",
            "links-ended",
            "password-changed",
        ];
        assert_eq!(actions, all);
        if put_back {
            let all = Closed {
                revoked: 3,
                deleted: 1,
                passwords: 1,
                factors: 0,
                links: 1,
                charts: 0,
                safe: 0,
                apps: 0,
                staff: 0,
            };
            assert_eq!(first, all);
            scene.put_back().await;
            assert_eq!(scene.close(false).await.expect("once more"), all);
        }
        scene.close(false).await.expect("once more");
        let mut again = scene.told().await;
        again.sort();
        assert_eq!(again, history, "the same told");

        scene.sign_in(revoked).await.problem(403, "access_not_active");
        scene.sign_in(deleted).await.problem(401, "sign_in_failed");
        scene.sign_in(moved).await.problem(403, "access_not_active");
        scene.sign_in(renewed).await.problem(401, "sign_in_failed");
        assert_eq!(world.check(&invited.token).await.expect(200)["state"], "expired");
    }
}

/// Restored twice to one copy, with people at work in between: what they did is told again.
#[tokio::test]
async fn a_second_restoration_tells_what_it_does() {
    let (mut scene, who) = Scene::of(async |_, dana| dana.enrolled().await).await;
    scene.dana.revoke(&who).await.expect(200);
    scene.dana.activate(&who).await.expect(200);
    assert_eq!(scene.restored().await.1.len(), 1);
    scene.dana.activate(&who).await.expect(200);
    let (closed, history) = scene.restored().await;
    assert_eq!((closed.revoked, history.len()), (1, 2));
}

#[tokio::test]
async fn an_account_with_forty_charts_is_closed_on_all_of_them() {
    let (mut scene, people) = Scene::of(async |world, dana| {
        let mut people = vec![dana.enrolled().await];
        for number in 1..40 {
            let client = dana.client("Amara", "Okafor", "1984-03-12").await;
            let email = people[0].email.clone();
            people.push(if number < 3 {
                dana.enroll_for(&client, &email).await
            } else {
                let added = dana.add(&client, &email).await.expect(201);
                Invited { client, user: text(&added["portalUserId"]), email, token: String::new() }
            });
            if number % 9 == 0 {
                world.forget_mails().await;
            }
            world.pass(1);
        }
        people
    })
    .await;
    let who = &people[0];
    scene.world.forgot(&who.email).await.expect(202);
    scene.world.deliver().await;
    (scene.moment, scene.copy) = (scene.world.now(), scene.world.snapshot().await);
    scene.world.choose(&scene.world.post.newest(&who.email).token(), NEW).await.expect(204);
    let version = scene.dana.user(who).await["version"].clone();
    let edit = json!({"version": version, "email": "new@mail.example"});
    scene.dana.patch(&who.path(), &edit).await.expect(200);
    let (closed, _) = scene.restored().await;
    assert_eq!(closed, only(|c| (c.revoked, c.passwords) = (40, 1)));
    scene.sign_in(who).await.problem(401, "sign_in_failed");
}

/// The chart of an active and an invited portal user.
async fn two(dana: &Staff) -> (Invited, Invited) {
    let who = dana.enrolled().await;
    let invited = dana.invite(&who.client, "invited@mail.example").await;
    (who, invited)
}

#[tokio::test]
async fn a_chart_that_was_closed_is_closed_again() {
    for (reason, duplicate) in [("left", false), ("deceased", false), ("duplicate", true)] {
        let (mut scene, (who, invited)) = Scene::of(async |_, dana| two(dana).await).await;
        let right = scene.dana.client("Amara", "Okafor", "1984-03-12").await;
        let body = json!({"reason": reason, "duplicateOf": duplicate.then_some(right)});
        scene.dana.close(&who.client, &body).await.expect(200);
        let (closed, history) = scene.restored().await;
        assert_eq!(closed, only(|c| (c.revoked, c.charts) = (2, 1)), "{reason}");
        assert_eq!(history, [], "the history tells of it already");
        let page = scene.dana.get(&format!("/api/clients/{}", who.client)).await.expect(200);
        // The history has no values: staff say anew which chart is the right one.
        assert_eq!(page["closed"], json!({"at": scene.world.now(), "reason": reason}));
        scene.sign_in(&who).await.problem(403, "access_not_active");
        assert_eq!(scene.world.check(&invited.token).await.expect(200)["state"], "expired");
        for who in [&who, &invited] {
            scene.dana.activate(who).await.problem(409, "client_closed");
        }
        assert_eq!(scene.close(false).await.expect("once more"), Closed::default());
    }
}

/// Whoever of the chart the history does not name: closing shuts out everybody.
#[tokio::test]
async fn a_chart_that_is_closed_again_admits_nobody() {
    let (mut scene, (who, invited)) = Scene::of(async |_, dana| two(dana).await).await;
    scene.dana.close(&who.client, &json!({"reason": "left"})).await.expect(200);
    let (_, history) = scene.tables();
    let lost = scene.history().await.into_iter().filter(|e| e["action"] == "access-revoked");
    let lost: Vec<_> = lost.map(|event| (text(&event["PK"]), text(&event["SK"]))).collect();
    assert_eq!(lost.len(), 2);
    scene.world.database.remove(&history, lost).expect("removed");
    let (closed, mut history) = scene.restored().await;
    assert_eq!(closed, only(|c| c.charts = 1));
    let mut all = [&who, &invited].map(|who| told("access-revoked", who, &["status", "reason"]));
    all.sort();
    history.sort();
    assert_eq!(history, all);
    scene.sign_in(&who).await.problem(403, "access_not_active");
}

#[tokio::test]
async fn a_chart_that_was_reopened_stays_as_it_was_at_the_moment() {
    // Open at the moment, closed and reopened since.
    let (mut scene, (who, _)) = Scene::of(async |_, dana| two(dana).await).await;
    scene.dana.close(&who.client, &json!({"reason": "left"})).await.expect(200);
    scene.dana.reopen(&who.client).await.expect(200);
    assert_eq!(scene.restored().await.0, only(|c| c.revoked = 2));
    scene.dana.activate(&who).await.expect(200);
    // Closed at the moment, and reopened since: that is lost.
    let (mut scene, who) = Scene::of(async |_, dana| {
        let (who, _) = two(dana).await;
        dana.close(&who.client, &json!({"reason": "left"})).await.expect(200);
        who
    })
    .await;
    scene.dana.reopen(&who.client).await.expect(200);
    scene.dana.activate(&who).await.expect(200);
    assert_eq!(scene.restored().await.0, Closed::default());
    scene.sign_in(&who).await.problem(403, "access_not_active");
    scene.dana.activate(&who).await.problem(409, "client_closed");
}

/// What a later version closes for, this one does not know.
#[tokio::test]
async fn a_chart_that_was_closed_for_a_reason_of_a_later_version_is_closed() {
    let (mut scene, who) = Scene::of(async |_, dana| dana.enrolled().await).await;
    scene.dana.close(&who.client, &json!({"reason": "deceased"})).await.expect(200);
    scene
        .write_event(|event| {
            event["action"] = json!("client-closed");
            event["reason"] = json!("moved");
            event.as_object_mut().expect("an object").remove("portalUserId");
        })
        .await;
    assert_eq!(scene.restored().await.0, only(|c| (c.revoked, c.charts) = (1, 1)));
    let page = scene.dana.get(&format!("/api/clients/{}", who.client)).await.expect(200);
    assert_eq!(page["closed"]["reason"], "left");
}
