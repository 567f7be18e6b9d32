//! What networks and tables do to requests, done to every request of every operation that changes
//! something: once, which retries absorb, and for good, which is answered 503. Nothing is ever half
//! done, and whoever sends the same again gets it done once.

use api_tests::{
    Answer, Call, PASSWORD, PORTAL, World,
    authenticator::{Authenticator, Device},
    mail::Mood,
    people::{Browser, Invited, Staff, text},
    wire::{Fault, Snapshot},
};
use serde_json::{Value, json};
use shared::{id::PracticeId, keys, store::Update};

const FAULTS: [Fault; 5] =
    [Fault::Throttled, Fault::Conflict, Fault::Error, Fault::LostRequest, Fault::LostAnswer];
const ALWAYS: usize = usize::MAX;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    Revoke,
    Close,
    Reopen,
    Activate,
    Delete,
    Assign,
    Update,
    Resend,
    Add,
    Create,
    Sync,
    SignIn,
    Enrol,
    Reset,
    Choose,
    Settings,
    Password,
    Email,
    Confirm,
    EndOthers,
    Speak,
    BeginApp,
    ConfirmApp,
    RemoveApp,
    RecoveryCode,
    AddPasskey,
    RemovePasskey,
    SecondStep,
    Alone,
    PrintCode,
    PrintSheet,
    Unlock,
}

impl Op {
    /// Whether it is staff who ask: beside what they write, the use of their session is noted.
    fn is_of_staff(self) -> bool {
        !self.is_of_account()
            && !self.is_of_factors()
            && !matches!(self, Self::SignIn | Self::Enrol | Self::Reset | Self::Choose)
    }

    /// Whether a client does it with the account.
    fn is_of_account(self) -> bool {
        matches!(self, Self::Password | Self::Email | Self::Confirm | Self::EndOthers | Self::Speak)
    }

    /// Whether a client does it with second factors, or signs in with one.
    fn is_of_factors(self) -> bool {
        matches!(
            self,
            Self::BeginApp
                | Self::ConfirmApp
                | Self::RemoveApp
                | Self::RecoveryCode
                | Self::AddPasskey
                | Self::RemovePasskey
                | Self::SecondStep
                | Self::Alone
        )
    }

    /// Whether doing it twice is as good as once. The others are asked for anew each time: a second
    /// session, a second invitation (which kills the first), a second question for a reset, a link that
    /// was used, another secret for an app; and a proof by the password of before is wrong, which is counted.
    fn once_is_enough(self) -> bool {
        !matches!(
            self,
            Self::SignIn
                | Self::Resend
                | Self::Reset
                | Self::Choose
                | Self::Password
                | Self::BeginApp
                | Self::SecondStep
                | Self::Alone
        )
    }
}

/// A client with four portal users, each ready for some of the operations.
struct Stage {
    world: World,
    dana: Staff,
    /// Enrolled, gets the alerts, and has asked for a reset.
    ada: Invited,
    reset: String,
    /// Invited.
    ben: Invited,
    /// Enrolled and revoked, with a sign-in name that is locked.
    cleo: Invited,
    /// Enrolled, and signed in in two browsers.
    dot: Invited,
    browser: Browser,
    /// The token that confirms the address that Dot asked for.
    confirmation: String,
    version: u64,
    /// What Eli does next with second factors, where that is what it is about.
    factors: Option<Factors>,
    /// Another client.
    right: String,
    /// One whose chart is closed.
    shut: String,
    before: Snapshot,
}

/// Somebody with an authenticator app, a recovery code and a passkey, and another app and passkey begun.
struct Factors {
    eli: Invited,
    browser: Browser,
    /// A code of the app that waits to be confirmed.
    confirm: Value,
    /// A passkey that a device made.
    made: Value,
    /// The id of the passkey that is there.
    passkey: String,
    /// A code for a second step that waits.
    step: Value,
    /// What the passkey answers that signs in alone.
    alone: Value,
}

async fn factors(world: &World, dana: &Staff, client: &str) -> Factors {
    let harbor = PracticeId::parse("harbor").expect("a practice");
    let mut change = world.app.store().change();
    change.update(&Update::of(keys::practice(&harbor)).set("secondFactor", &"offered"));
    world.app.store().write(change).await.expect("written");
    let eli = dana.enroll_for(client, "eli@mail.example").await;
    let browser = world.browser(&eli.email, PASSWORD, "one").await;
    let proof = || json!({"proof": {"password": PASSWORD}});
    let call = async |method: &str, path: &str, body: Value| {
        let call = Call::new(method, &format!("/api/portal/account/{path}")).json(&body);
        browser.send(call).await
    };
    let app = async || {
        let given = call("POST", "totp", proof()).await.expect(200);
        Authenticator::new(&text(&given["secret"])).code(world.now())
    };
    let code = app().await;
    call("PUT", "totp", json!({"code": code})).await.expect(204);
    let recovery = call("POST", "recovery-code", proof()).await.expect(201)["code"].clone();
    let mut device = Device::at(PORTAL, 1);
    let asked = call("POST", "passkeys/options", proof()).await.expect(200);
    let made = device.create(&asked["options"]);
    let added = call("POST", "passkeys", json!({"name": "One", "credential": made})).await;
    let passkey = text(&added.expect(201)["passkeyId"]);
    let asked = call("POST", "passkeys/options", proof()).await.expect(200);
    let made = Device::at(PORTAL, 2).create(&asked["options"]);
    let confirm = json!({"code": app().await});
    let challenge = world.sign_in(&eli.email, PASSWORD).await;
    let challenge = challenge.problem(401, "second_factor_required")["challenge"].clone();
    let step = json!({"challenge": challenge, "method": "recovery-code", "code": recovery});
    let ask = json!({"practice": "harbor"});
    let ask = Call::new("POST", "/api/portal/sign-in/passkey/options").json(&ask);
    let question = world.send(ask).await.expect(200);
    let credential = device.get(&question["options"]);
    let alone = json!({"challenge": question["challenge"], "credential": credential});
    Factors { eli, browser, confirm, made, passkey, step, alone }
}

async fn stage() -> Stage {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = dana.client("Amara", "Okafor", "1984-03-12").await;
    let ada = dana.enroll_for(&client, "ada@mail.example").await;
    let ben = dana.invite(&client, "ben@mail.example").await;
    let cleo = dana.enroll_for(&client, "cleo@mail.example").await;
    let dot = dana.enroll_for(&client, "dot@mail.example").await;
    dana.assign(&client, Some(&ada.user)).await.expect(200);
    dana.revoke(&cleo).await.expect(200);
    for _ in 0..5 {
        world.sign_in(&cleo.email, "a wrong password, alas").await.problem(401, "sign_in_failed");
    }
    world.forgot(&ada.email).await.expect(202);
    world.deliver().await;
    let reset = world.post.newest(&ada.email).token();
    let version = dana.user(&ada).await["version"].as_u64().expect("a version");
    let right = dana.client("Amara", "Okafor", "1984-03-12").await;
    let shut = dana.client("Silas", "Okafor", "1984-03-12").await;
    dana.close(&shut, &json!({"reason": "left"})).await.expect(200);
    let browser = world.browser(&dot.email, PASSWORD, "one").await;
    world.browser(&dot.email, PASSWORD, "two").await;
    browser.change_email("dot@new.example", PASSWORD).await.expect(202);
    world.deliver().await;
    let confirmation = world.post.newest("dot@new.example").token();
    let before = world.snapshot().await;
    Stage {
        world,
        dana,
        ada,
        reset,
        ben,
        cleo,
        dot,
        browser,
        confirmation,
        version,
        factors: None,
        right,
        shut,
        before,
    }
}

async fn stage_with_factors() -> Stage {
    let mut stage = stage().await;
    stage.factors = Some(Box::pin(factors(&stage.world, &stage.dana, &stage.ada.client)).await);
    stage.before = stage.world.snapshot().await;
    stage
}

impl Stage {
    async fn perform(&self, op: Op) -> Answer {
        let (world, dana, client) = (&self.world, &self.dana, &self.ada.client);
        match op {
            Op::Revoke => dana.revoke(&self.ada).await,
            Op::Close => {
                let body = json!({"reason": "duplicate", "duplicateOf": self.right});
                dana.close(client, &body).await
            }
            Op::Reopen => dana.reopen(&self.shut).await,
            Op::Activate => dana.activate(&self.cleo).await,
            Op::Delete => dana.delete(&self.ada, "confirm=delete").await,
            Op::Assign => dana.assign(client, Some(&self.dot.user)).await,
            Op::Update => {
                let body = json!({"version": self.version, "permissions": ["basic"]});
                dana.patch(&self.ada.path(), &body).await
            }
            Op::Resend => dana.resend(&self.ben).await,
            Op::PrintSheet => {
                let call = Call::new("POST", &format!("{}/sheet", self.ben.path()));
                dana.send(call.header("idempotency-key", "k")).await
            }
            Op::Unlock => {
                let call = Call::new("POST", &format!("{}/unlock", self.cleo.path()));
                dana.send(call.header("idempotency-key", "k")).await
            }
            Op::Add => {
                let body = json!({
                    "name": {"first": "Eve", "last": "Person"}, "email": "eve@mail.example",
                    "relationship": "parent", "permissions": ["basic"],
                });
                let path = format!("/api/clients/{client}/portal-users");
                dana.send(Call::new("POST", &path).json(&body).header("idempotency-key", "k")).await
            }
            Op::Create => {
                let body = json!({
                    "name": {"first": "Fay", "last": "Person"}, "dateOfBirth": "1990-01-02",
                    "recordNumber": "HP-9",
                });
                let call = Call::new("POST", "/api/clients").json(&body);
                dana.send(call.header("idempotency-key", "k")).await
            }
            Op::Sync => {
                let row = json!({
                    "recordNumber": "HP-8", "name": {"first": "Gus", "last": "Person"},
                    "dateOfBirth": "1990-01-03",
                });
                dana.post("/api/clients/sync", &json!({"rows": [row]})).await
            }
            Op::SignIn => world.sign_in(&self.ada.email, PASSWORD).await,
            Op::Enrol => {
                let body = json!({
                    "token": self.ben.token, "lastName": "Okafor", "dateOfBirth": "1984-03-12",
                    "password": PASSWORD,
                });
                let call = Call::new("POST", "/api/portal/enrollment").json(&body);
                world.send(call.header("idempotency-key", "k")).await
            }
            Op::Reset => world.ask(&self.dot.email).await,
            Op::Choose => world.choose(&self.reset, "another nine grey pebbles").await,
            Op::Settings => {
                dana.patch("/api/practice", &json!({"version": 1, "invitationDays": 3})).await
            }
            _ if op.is_of_factors() || op == Op::PrintCode => self.perform_on_factors(op).await,
            _ => self.perform_on_account(op).await,
        }
    }

    async fn perform_on_factors(&self, op: Op) -> Answer {
        let factors = self.factors.as_ref().expect("a stage with factors");
        let Factors { eli, browser, confirm, made, passkey, step, alone } = factors;
        let proof = json!({"proof": {"password": PASSWORD}});
        let call = |method: &str, path: &str, body: &Value| {
            Call::new(method, &format!("/api/portal/account/{path}")).json(body)
        };
        let call = match op {
            Op::BeginApp => call("POST", "totp", &proof),
            Op::ConfirmApp => call("PUT", "totp", confirm),
            Op::RemoveApp => call("DELETE", "totp", &proof),
            Op::RecoveryCode => {
                call("POST", "recovery-code", &proof).header("idempotency-key", "k")
            }
            Op::AddPasskey => {
                let body = json!({"name": "Two", "credential": made});
                call("POST", "passkeys", &body).header("idempotency-key", "k")
            }
            Op::RemovePasskey => call("DELETE", &format!("passkeys/{passkey}"), &proof),
            Op::SecondStep => {
                let call = Call::new("POST", "/api/portal/sign-in/factor").json(step);
                return self.world.send(call).await;
            }
            Op::Alone => {
                let call = Call::new("POST", "/api/portal/sign-in/passkey").json(alone);
                return self.world.send(call).await;
            }
            _ => {
                let call = Call::new("POST", &format!("{}/factor-reset", eli.path()));
                return self.dana.send(call.header("idempotency-key", "k")).await;
            }
        };
        browser.send(call).await
    }

    async fn perform_on_account(&self, op: Op) -> Answer {
        let browser = &self.browser;
        match op {
            Op::Password => browser.change_password("another nine grey pebbles", PASSWORD).await,
            Op::Email => {
                let body = json!({"email": "d@new.example", "proof": {"password": PASSWORD}});
                let call = Call::new("POST", "/api/portal/account/email").json(&body);
                browser.send(call.header("idempotency-key", "k")).await
            }
            Op::Confirm => {
                let body = json!({"token": self.confirmation});
                let call = Call::new("POST", "/api/portal/email-confirmation").json(&body);
                browser.send(call.header("idempotency-key", "k")).await
            }
            Op::EndOthers => browser.end("others").await,
            Op::Speak => browser.speak("fr").await,
            _ => unreachable!("of access"),
        }
    }

    /// What the tables hold, but for sessions of staff, whose idle end moves with every request;
    /// ids and secrets that are new are not told apart.
    fn shape(&self, now: &Snapshot) -> Vec<String> {
        let tables = self.world.database.tables();
        let known: Vec<String> = [&tables.main, &tables.history]
            .iter()
            .flat_map(|table| self.before.items(table).into_values())
            .map(|item| item.to_string())
            .collect();
        let known = known.concat();
        let mut shape: Vec<String> = [&tables.main, &tables.history]
            .iter()
            .flat_map(|table| now.items(table))
            .filter(|(key, _)| !key.0.contains("#W#"))
            .map(|(_, item)| alike(&item, &known).to_string())
            // That an unchanged state was shown, or that something was refused, is no change.
            .filter(|item| !item.contains("-shown\"") && !item.contains("\"refused\""))
            .collect();
        shape.sort();
        shape
    }

    async fn back(&self) {
        self.world.wire.forget();
        let now = self.world.snapshot().await;
        self.world.put_back(&now, &self.before).await;
    }
}

/// A value with everything that is new and random made alike.
fn alike(value: &Value, known: &str) -> Value {
    let word = |text: &str| -> String {
        let part = |part: &str| {
            let random = part.len() >= 22
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
            if random && !known.contains(part) { "new".to_owned() } else { part.to_owned() }
        };
        // A search entry names the client and the portal user in one part of its key.
        text.split_inclusive(['#', '.'])
            .map(|piece| {
                let end = piece.strip_suffix(['#', '.']).unwrap_or(piece);
                part(end) + &piece[end.len()..]
            })
            .collect()
    };
    match value {
        Value::String(text) if text.starts_with("$argon2") => json!("a hash"),
        // The answer that is kept under an idempotency key.
        Value::String(text) if text.starts_with('{') => json!("an answer"),
        Value::String(text) => json!(word(text)),
        Value::Array(list) => list.iter().map(|v| alike(v, known)).collect(),
        Value::Object(map) => {
            let pairs = map.iter().map(|(k, v)| json!([word(k), alike(v, known)]));
            let mut pairs: Vec<Value> = pairs.collect();
            pairs.sort_by_key(Value::to_string);
            pairs.into()
        }
        other => other.clone(),
    }
}

/// What an operation does when nothing goes wrong.
struct Clean {
    status: u16,
    requests: Vec<String>,
    shape: Vec<String>,
    /// The status of a repeat, and what it leaves.
    again: u16,
    twice: Vec<String>,
}

async fn clean(stage: &Stage, op: Op) -> Clean {
    stage.world.wire.forget();
    let status = stage.perform(op).await.status.as_u16();
    assert!((200..300).contains(&status), "{op:?}: {status}");
    let requests = stage.world.wire.seen();
    let shape = stage.shape(&stage.world.snapshot().await);
    let again = stage.perform(op).await.status.as_u16();
    let twice = stage.shape(&stage.world.snapshot().await);
    stage.back().await;
    if op.once_is_enough() {
        assert_eq!(twice, shape, "{op:?} twice is as good as once");
    }
    Clean { status, requests, shape, again, twice }
}

/// Whether this can happen to a request at all: reads are in nobody's way.
fn happens(fault: Fault, request: &str) -> bool {
    fault != Fault::Conflict || matches!(request, "TransactWriteItems" | "UpdateItem")
}

async fn every_fault(ops: &[Op]) {
    strike(&Box::pin(stage()).await, ops).await;
}

async fn every_fault_of_factors(ops: &[Op]) {
    strike(&Box::pin(stage_with_factors()).await, ops).await;
}

async fn strike(stage: &Stage, ops: &[Op]) {
    for op in ops {
        let clean = clean(stage, *op).await;
        assert_eq!(clean.requests.iter().filter(|r| *r == "TransactWriteItems").count(), 1);
        for (position, request) in clean.requests.iter().enumerate() {
            let before = clean.requests[..position].iter().filter(|r| *r == request).count();
            for fault in FAULTS.into_iter().filter(|fault| happens(*fault, request)) {
                once(stage, *op, &clean, (request, before, fault)).await;
                stage.back().await;
                for_good(stage, *op, &clean, (request, before, fault)).await;
                stage.back().await;
            }
        }
    }
}

/// The fault strikes once: nobody notices.
async fn once(
    stage: &Stage,
    op: Op,
    clean: &Clean,
    (request, before, fault): (&str, usize, Fault),
) {
    let what = format!("{op:?}, {fault:?} at {request} {before}, once");
    stage.world.wire.break_after(request, before, fault, 1);
    let answer = stage.perform(op).await;
    assert_eq!(answer.status.as_u16(), clean.status, "{what}: {}", answer.body);
    assert!(stage.world.wire.seen().len() > clean.requests.len(), "{what}: it struck");
    assert_eq!(stage.shape(&stage.world.snapshot().await), clean.shape, "{what}");
}

/// The fault strikes until it is gone: that is said, nothing is half done, and once it is gone the
/// same request does what it would have done.
async fn for_good(
    stage: &Stage,
    op: Op,
    clean: &Clean,
    (request, before, fault): (&str, usize, Fault),
) {
    let what = format!("{op:?}, {fault:?} at {request} {before}, for good");
    stage.world.wire.break_after(request, before, fault, ALWAYS);
    let answer = stage.perform(op).await;
    if request == "UpdateItem" && op.is_of_staff() {
        // What was asked for is done: the session alone ends sooner.
        assert_eq!(answer.status.as_u16(), clean.status, "{what}: {}", answer.body);
        assert_eq!(stage.shape(&stage.world.snapshot().await), clean.shape, "{what}");
        return;
    }
    let after: Option<u64> =
        answer.headers.get("retry-after").and_then(|v| v.to_str().ok()?.parse().ok());
    assert!(after.is_some_and(|seconds| seconds > 0), "{what}: {after:?}");
    answer.problem(503, "unavailable");
    stage.world.wire.forget();

    // Only a write whose answers are lost has happened: then all of it has.
    let happened = fault == Fault::LostAnswer && request == "TransactWriteItems";
    let left = stage.shape(&stage.world.snapshot().await);
    let expected = if happened { &clean.shape } else { &stage.shape(&stage.before) };
    assert_eq!(&left, expected, "{what}: what was left");

    // The caller does not know and asks again. Where the first time counts already, this is the
    // second: a deletion finds nobody (404), an edit is one of an old version (409), a link has
    // been used (409), and everything else is answered as the first time.
    let answer = stage.perform(op).await;
    let (status, shape) =
        if happened { (clean.again, &clean.twice) } else { (clean.status, &clean.shape) };
    assert_eq!(answer.status.as_u16(), status, "{what}, again: {}", answer.body);
    assert_eq!(&stage.shape(&stage.world.snapshot().await), shape, "{what}, again");
}

#[tokio::test]
async fn faults_while_access_changes() {
    every_fault(&[Op::Revoke, Op::Activate, Op::Unlock, Op::Delete, Op::Assign]).await;
}

#[tokio::test]
async fn faults_while_charts_close() {
    every_fault(&[Op::Close, Op::Reopen]).await;
}

#[tokio::test]
async fn faults_while_portal_users_and_clients_are_kept() {
    every_fault(&[Op::Update, Op::Resend, Op::PrintSheet, Op::Add, Op::Create, Op::Sync]).await;
}

#[tokio::test]
async fn faults_while_a_practice_changes_its_settings() {
    every_fault(&[Op::Settings]).await;
}

#[tokio::test]
async fn faults_while_clients_come_in() {
    every_fault(&[Op::SignIn, Op::Enrol, Op::Reset, Op::Choose]).await;
}

#[tokio::test]
async fn faults_while_a_person_changes_their_account() {
    every_fault(&[Op::Password, Op::Email, Op::Confirm, Op::EndOthers, Op::Speak]).await;
}

#[tokio::test]
async fn faults_while_second_factors_change() {
    every_fault_of_factors(&[Op::BeginApp, Op::ConfirmApp, Op::RemoveApp, Op::RecoveryCode]).await;
}

#[tokio::test]
async fn faults_while_passkeys_change_and_sign_in() {
    every_fault_of_factors(&[Op::AddPasskey, Op::RemovePasskey, Op::Alone]).await;
}

#[tokio::test]
async fn faults_while_a_second_step_is_taken_and_a_code_printed() {
    every_fault_of_factors(&[Op::SecondStep, Op::PrintCode]).await;
}

#[tokio::test]
async fn a_repeat_about_factors_is_answered_as_its_nature_says() {
    let stage = Box::pin(stage_with_factors()).await;
    let mut again = Vec::new();
    for op in [Op::BeginApp, Op::ConfirmApp, Op::RemoveApp, Op::RecoveryCode, Op::AddPasskey] {
        again.push(clean(&stage, op).await.again);
    }
    assert_eq!(again, [200, 409, 404, 201, 201]);
    let mut again = Vec::new();
    for op in [Op::RemovePasskey, Op::SecondStep, Op::Alone, Op::PrintCode] {
        again.push(clean(&stage, op).await.again);
    }
    assert_eq!(again, [404, 401, 401, 201]);
}

#[tokio::test]
async fn a_repeat_is_answered_as_its_nature_says() {
    let stage = stage().await;
    let mut again = Vec::new();
    for op in [Op::Revoke, Op::Activate, Op::Delete, Op::Assign, Op::Update, Op::Resend] {
        again.push(clean(&stage, op).await.again);
    }
    assert_eq!(again, [200, 200, 404, 200, 409, 202]);
    assert_eq!(clean(&stage, Op::Unlock).await.again, 200);
    assert_eq!(clean(&stage, Op::Close).await.again, 200);
    assert_eq!(clean(&stage, Op::Reopen).await.again, 200);
    let mut again = Vec::new();
    for op in [Op::Add, Op::Create, Op::SignIn, Op::Enrol, Op::Reset, Op::Choose] {
        again.push(clean(&stage, op).await.again);
    }
    assert_eq!(again, [201, 201, 200, 201, 202, 409]);
    let mut again = Vec::new();
    for op in [Op::Password, Op::Email, Op::Confirm, Op::EndOthers, Op::Speak] {
        again.push(clean(&stage, op).await.again);
    }
    assert_eq!(again, [422, 202, 204, 204, 200]);
}

#[tokio::test]
async fn settings_that_cannot_be_read_stop_what_needs_them() {
    let stage = stage().await;
    // Read once, they are known for a minute.
    stage.world.pass(61);
    stage.world.wire.break_after("BatchGetItem", 0, Fault::Error, ALWAYS);
    stage.perform(Op::Activate).await.problem(503, "unavailable");
    assert_eq!(stage.shape(&stage.world.snapshot().await), stage.shape(&stage.before));
    stage.world.wire.forget();
    stage.perform(Op::Activate).await.expect(200);
}

/// What became of a mail whose sender was struck.
struct Struck {
    /// At which of its requests to the table, with what and how often.
    position: usize,
    fault: Fault,
    times: usize,
    /// How often the mail service took the mail.
    copies: usize,
    /// The mail's item.
    mail: Value,
    /// How far the portal user's item says that it came.
    shown: Value,
}

/// Strikes `send-mail` at each of its requests to the table, once and for good, and gives it the
/// record again, as the stream does, until it is done with the mail. The mail service answers as it
/// feels.
async fn every_fault_of_the_sender(mood: Mood, judge: impl Fn(&str, &Struck)) {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = dana.client("Amara", "Okafor", "1984-03-12").await;
    let _ = world.records();
    let user = text(&dana.add(&client, "pat@mail.example").await.expect(201)["portalUserId"]);
    let records = world.records();
    let before = world.snapshot().await;
    world.post.feels(mood);
    world.wire.forget();
    assert_eq!(world.redeliver(records.clone()).await, 0);
    let requests = world.wire.seen();
    assert_eq!(requests, ["UpdateItem", "BatchGetItem", "UpdateItem", "UpdateItem"]);

    for (position, request) in requests.iter().enumerate() {
        let passed = requests[..position].iter().filter(|r| *r == request).count();
        for fault in FAULTS.into_iter().filter(|fault| happens(*fault, request)) {
            for times in [1, ALWAYS] {
                let what = format!("{fault:?} at {request} {passed}, {times} times");
                world.wire.forget();
                world.put_back(&world.snapshot().await, &before).await;
                let sent = world.post.received().len();
                world.wire.break_after(request, passed, fault, times);
                let wanted = world.redeliver(records.clone()).await;
                assert!(times == 1 || wanted == 1, "{what}: it is wanted again");
                world.wire.forget();
                // Whoever was struck keeps others off for a minute; the stream asks again and again.
                for _ in 0..3 {
                    world.redeliver(records.clone()).await;
                    world.pass(31);
                }
                assert_eq!(world.redeliver(records.clone()).await, 0, "{what}: it is done");

                let items = world.snapshot().await.items(&world.database.tables().main);
                let mail = items.values().find(|i| i.get("queuedAt").is_some()).expect("the mail");
                assert!(mail.get("doneAt").is_some() && mail.get("nonce").is_none(), "{what}");
                let row = (format!("P#harbor#C#{client}"), format!("A#USER#{user}"));
                let (mail, shown) = (mail.clone(), items[&row]["mail"]["state"].clone());
                let copies = world.post.received().len() - sent;
                judge(&what, &Struck { position, fault, times, copies, mail, shown });
            }
        }
    }
}

/// The mail goes out, and goes out once, unless it had gone out when its sender was struck.
#[tokio::test]
async fn a_mail_survives_every_fault_of_its_sender() {
    every_fault_of_the_sender(Mood::Well, |what, struck| {
        let Struck { position, fault, times, copies, mail, shown } = struck;
        // Struck after the mail service took it: that is when there are two copies.
        let taken = *position == 2 && *times == ALWAYS && *fault != Fault::LostAnswer;
        assert_eq!(*copies, if taken { 2 } else { 1 }, "{what}: copies");
        let attempts = mail["attempts"].as_u64().expect("a number");
        assert!(attempts >= *copies as u64, "{what}: every copy is counted");
        // How it shows is a second write; the events of the mail service make up for it.
        let unseen = *position == 3 && *shown == "queued";
        assert!(unseen || *shown == "sent", "{what}: {shown}");
    })
    .await;
}

/// No event of the mail service tells of a mail that it never took.
#[tokio::test]
async fn staff_see_that_a_mail_was_refused_whatever_struck_its_sender() {
    let refuses = Mood::Refuses("MessageRejected", "not this one");
    every_fault_of_the_sender(refuses, |what, Struck { copies, shown, .. }| {
        assert_eq!((*copies, shown), (0, &json!("bounced")), "{what}");
    })
    .await;
}
