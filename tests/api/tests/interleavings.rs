//! Two or three operations on one chart at once, in every order in which their requests can reach
//! the table. Whatever the order: each is answered as if they had come one after the other, and
//! the table holds together.
//!
//! Orders that differ only in requests which touch nothing in common end alike; of those one is
//! tried (sleep sets: P. Godefroid, "Partial-Order Methods for the Verification of Concurrent
//! Systems", 1996, chapter 5). [`leaving_out_what_commutes_leaves_out_no_outcome`] tries all.

use std::collections::{BTreeMap, BTreeSet};

use api_tests::{
    Answer, PASSWORD, World,
    people::{Invited, Staff, text},
    wire::{Held, Operations, Snapshot},
};
use proptest::{
    collection::vec,
    prelude::{ProptestConfig, any},
    sample::{Index, select},
    test_runner::{RngSeed, TestRunner},
};
use serde_json::{Value, json};
use shared::history::Role;

/// The operations that meet. A and B are the portal users of one client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    AssignA,
    AssignB,
    AssignNobody,
    DeleteA,
    RevokeA,
    ActivateA,
    SignInA,
    EnrolA,
    ResendA,
    UpdateA,
    OwnerB,
    AddC,
    Close,
    Reopen,
}

/// All but those of a chart that closes, which have pairs of their own.
const ALL: [Op; 11] = [
    Op::AssignA,
    Op::AssignB,
    Op::AssignNobody,
    Op::DeleteA,
    Op::RevokeA,
    Op::ActivateA,
    Op::SignInA,
    Op::EnrolA,
    Op::ResendA,
    Op::UpdateA,
    Op::OwnerB,
];

/// How the two stand when the operations meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scene {
    /// Both have enrolled, and A gets the alerts.
    Active,
    /// Both are invited, by invitations that end at the same moment.
    Invited,
    /// A has enrolled and was revoked; B is active and gets the alerts.
    Revoked,
    /// A was invited and revoked; B is invited and gets the alerts.
    Withdrawn,
    /// Both have enrolled, and A's account opens another client's chart too.
    TwoCharts,
    /// A is invited, and has an account that opens another client's chart.
    Joining,
    /// Both have enrolled, and the chart was closed.
    Closed,
}

const SCENES: [Scene; 6] = [
    Scene::Active,
    Scene::Invited,
    Scene::Revoked,
    Scene::Withdrawn,
    Scene::TwoCharts,
    Scene::Joining,
];

/// A world with the scene set.
struct Stage {
    world: World,
    /// One for each operation, so that nothing but the chart is between them.
    staff: Vec<Staff>,
    a: Invited,
    b: Invited,
    /// A session of A's from before.
    cookie: Option<String>,
    version: u64,
    before: Snapshot,
    model: Model,
}

async fn stage(scene: Scene) -> Stage {
    let world = World::new().await;
    let mut staff = Vec::new();
    for name in ["Dana", "Felix", "Uma"] {
        staff.push(world.staff("harbor", name, Role::Admin).await);
    }
    let dana = &staff[0];
    let (one, two) = ("a@mail.example", "b@mail.example");
    if matches!(scene, Scene::TwoCharts | Scene::Joining) {
        let other = dana.client("Silas", "Okafor", "1984-03-12").await;
        dana.enroll_for(&other, one).await;
    }
    let client = dana.client("Amara", "Okafor", "1984-03-12").await;
    let enrolled =
        matches!(scene, Scene::Active | Scene::Revoked | Scene::TwoCharts | Scene::Closed);
    let (a, b) = if enrolled {
        (dana.enroll_for(&client, one).await, dana.enroll_for(&client, two).await)
    } else {
        (dana.invite(&client, one).await, dana.invite(&client, two).await)
    };
    let cookie = match scene {
        Scene::Invited | Scene::Withdrawn => None,
        _ => Some(world.signed_in(one, PASSWORD).await),
    };
    if matches!(scene, Scene::Revoked | Scene::Withdrawn) {
        dana.revoke(&a).await.expect(200);
    }
    if scene == Scene::Closed {
        dana.close(&client, &json!({"reason": "left"})).await.expect(200);
    }
    let alert = match scene {
        Scene::Active => Some(Who::A),
        Scene::Revoked | Scene::Withdrawn => Some(Who::B),
        _ => None,
    };
    if let Some(who) = alert {
        let user = if who == Who::A { &a.user } else { &b.user };
        dana.assign(&client, Some(user)).await.expect(200);
    }
    let access = match scene {
        Scene::Active | Scene::TwoCharts => Access::Active,
        Scene::Invited | Scene::Joining => Access::Invited,
        Scene::Revoked | Scene::Withdrawn | Scene::Closed => Access::Revoked,
    };
    let token = match scene {
        Scene::Withdrawn => Token::Dead,
        _ if enrolled => Token::Used,
        _ => Token::Good,
    };
    let version = dana.user(&a).await["version"].as_u64().expect("a version");
    let other_chart = matches!(scene, Scene::TwoCharts | Scene::Joining);
    let model = Model {
        a: Some(Person { access, enrolled, token, version, epoch: 0 }),
        alert,
        owner: Some(Who::A),
        others: usize::from(scene != Scene::Closed),
        closed: scene == Scene::Closed,
        other_chart,
        password: enrolled || other_chart,
        sessions: cookie.iter().map(|_| (None, enrolled.then_some(0))).collect(),
        ..Model::default()
    };
    let before = world.snapshot().await;
    Stage { world, staff, a, b, cookie, version, before, model }
}

impl Stage {
    async fn perform(&self, op: Op, staff: &Staff) -> Answer {
        let (a, b, client) = (&self.a, &self.b, &self.a.client);
        match op {
            Op::AssignA => staff.assign(client, Some(&a.user)).await,
            Op::AssignB => staff.assign(client, Some(&b.user)).await,
            Op::AssignNobody => staff.assign(client, None).await,
            Op::DeleteA => staff.delete(a, "confirm=delete").await,
            Op::RevokeA => staff.revoke(a).await,
            Op::ActivateA => staff.activate(a).await,
            Op::SignInA => self.world.sign_in(&a.email, PASSWORD).await,
            Op::EnrolA => self.world.enroll(&a.token, "Okafor", "1984-03-12", PASSWORD).await,
            Op::ResendA => staff.resend(a).await,
            Op::UpdateA => {
                let body = json!({"version": self.version, "permissions": ["basic"]});
                staff.patch(&a.path(), &body).await
            }
            Op::OwnerB => {
                let body = json!({"portalUserId": b.user});
                staff.put(&format!("/api/clients/{client}/chart-owner"), &body).await
            }
            Op::AddC => staff.add(client, "c@mail.example").await,
            Op::Close => staff.close(client, &json!({"reason": "left"})).await,
            Op::Reopen => staff.reopen(client).await,
        }
    }

    /// Whether a session opens the chart.
    async fn opens(&self, cookie: &str) -> bool {
        let answer = self.world.session(cookie).await;
        if answer.status.as_u16() == 401 {
            return false;
        }
        let session = answer.expect(200);
        let charts = session["charts"].as_array().cloned().unwrap_or_default();
        charts.iter().any(|chart| chart["clientId"] == self.a.client.as_str())
    }
}

// What should happen: the rules, for one operation after the other.

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    A,
    B,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Access {
    Invited,
    Active,
    Revoked,
}

/// What A's first invitation is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Good,
    Used,
    Dead,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Person {
    access: Access,
    enrolled: bool,
    token: Token,
    version: u64,
    /// Raised whenever the chart is opened to A's account.
    epoch: u32,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Model {
    a: Option<Person>,
    alert: Option<Who>,
    owner: Option<Who>,
    closed: bool,
    /// Portal users but A who are not revoked: B, and C if added.
    others: usize,
    other_chart: bool,
    password: bool,
    /// By whom, and in which epoch of the chart, if it was open.
    sessions: Vec<(Option<usize>, Option<u32>)>,
    events: usize,
    mails: usize,
}

/// Status and code of an answer.
type Said = (u16, &'static str);

impl Model {
    fn perform(&mut self, position: usize, op: Op, version: u64) -> Said {
        let (gone, closed) = ((404, "not_found"), (409, "client_closed"));
        if let Some(said) = self.perform_on_chart(position, op, version) {
            return said;
        }
        match op {
            Op::AddC | Op::Close | Op::Reopen => unreachable!("of the chart"),
            Op::AssignA => match &self.a {
                None => (422, "not_a_portal_user"),
                Some(a) if a.access == Access::Revoked => (422, "access_revoked"),
                Some(_) => self.assign(Some(Who::A)),
            },
            Op::AssignB => self.assign(Some(Who::B)),
            Op::AssignNobody => self.assign(None),
            Op::OwnerB => {
                self.events += usize::from(self.owner != Some(Who::B));
                self.owner = Some(Who::B);
                (200, "")
            }
            Op::SignInA => self.sign_in(position),
            Op::DeleteA => {
                if self.a.take().is_none() {
                    return gone;
                }
                self.alert = self.alert.filter(|who| *who != Who::A);
                self.owner = self.owner.filter(|who| *who != Who::A);
                self.password &= self.other_chart;
                self.events += 1;
                (200, "")
            }
            Op::RevokeA => {
                let Some(a) = &mut self.a else { return gone };
                if a.access != Access::Revoked {
                    a.access = Access::Revoked;
                    a.version += 1;
                    if !a.enrolled {
                        a.token = Token::Dead;
                    }
                    self.alert = self.alert.filter(|who| *who != Who::A);
                    self.events += 1;
                }
                (200, "")
            }
            Op::ActivateA => {
                let Some(a) = &mut self.a else { return gone };
                if a.access == Access::Revoked && self.closed {
                    return closed;
                }
                if a.access == Access::Revoked {
                    a.version += 1;
                    if a.enrolled {
                        (a.access, a.epoch) = (Access::Active, a.epoch + 1);
                    } else {
                        (a.access, a.token) = (Access::Invited, Token::Dead);
                    }
                    self.events += 1;
                    self.mails += 1;
                }
                (200, "")
            }
            Op::ResendA => {
                let Some(a) = &mut self.a else { return gone };
                match a.access {
                    _ if self.closed => return closed,
                    Access::Active => return (409, "already_enrolled"),
                    Access::Revoked => return (409, "access_revoked"),
                    Access::Invited => (a.token, a.version) = (Token::Dead, a.version + 1),
                }
                self.events += 1;
                self.mails += 1;
                (202, "")
            }
            Op::UpdateA => {
                let Some(a) = &mut self.a else { return gone };
                if a.version != version {
                    return (409, "stale");
                }
                a.version += 1;
                self.events += 1;
                (200, "")
            }
            Op::EnrolA => {
                let Some(a) = &mut self.a else { return gone };
                match (a.token, a.access) {
                    (Token::Used, _) => return (409, "invitation_used"),
                    (Token::Good, Access::Invited) => {}
                    _ => return (409, "invitation_expired"),
                }
                (a.access, a.enrolled, a.token) = (Access::Active, true, Token::Used);
                (a.version, a.epoch) = (a.version + 1, a.epoch + 1);
                self.sessions.push((Some(position), Some(a.epoch)));
                self.password = true;
                // The other chart's history is told of the sign-in.
                self.events += 1 + usize::from(self.other_chart);
                (201, "")
            }
        }
    }

    /// What closes and opens the chart, and what a closed one or a revoked B does not allow.
    fn perform_on_chart(&mut self, position: usize, op: Op, version: u64) -> Option<Said> {
        let owned = op == Op::OwnerB && self.owner == Some(Who::B);
        match op {
            _ if owned => return None,
            Op::AssignA | Op::AssignB | Op::OwnerB | Op::AddC if self.closed => {
                return Some((409, "client_closed"));
            }
            Op::AssignB | Op::OwnerB if self.others == 0 => return Some((422, "access_revoked")),
            Op::AddC => {
                self.others += 1;
                self.events += 1;
                self.mails += 1;
                return Some((201, ""));
            }
            Op::Close if !self.closed => {
                if self.a.as_ref().is_some_and(|a| a.access != Access::Revoked) {
                    self.perform(position, Op::RevokeA, version);
                }
                self.events += self.others + 1;
                (self.others, self.alert, self.closed) = (0, None, true);
            }
            Op::Reopen => {
                self.events += usize::from(self.closed);
                self.closed = false;
            }
            Op::Close => {}
            _ => return None,
        }
        Some((200, ""))
    }

    fn assign(&mut self, who: Option<Who>) -> Said {
        self.events += usize::from(self.alert != who);
        self.alert = who;
        (200, "")
    }

    fn sign_in(&mut self, position: usize) -> Said {
        let open = self.a.as_ref().filter(|a| a.access == Access::Active).map(|a| a.epoch);
        if !self.password {
            self.events += 1;
            return (401, "sign_in_failed");
        }
        let charts = usize::from(open.is_some()) + usize::from(self.other_chart);
        self.events += charts.max(1);
        if charts == 0 {
            return (403, "access_not_active");
        }
        self.sessions.push((Some(position), open));
        (200, "")
    }

    fn seen(&self) -> Seen {
        let open = self.a.as_ref().filter(|a| a.access == Access::Active).map(|a| a.epoch);
        Seen {
            a: self.a.as_ref().map(|a| (a.access, a.enrolled, a.version)),
            alert: self.alert,
            owner: self.owner,
            closed: self.closed,
            opens: self
                .sessions
                .iter()
                .map(|(by, epoch)| (*by, epoch.is_some() && *epoch == open))
                .collect(),
            events: self.events,
            mails: self.mails,
        }
    }
}

/// What can be seen when all is over.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Seen {
    a: Option<(Access, bool, u64)>,
    alert: Option<Who>,
    owner: Option<Who>,
    closed: bool,
    /// Which sessions open the chart, by the operation that made each.
    opens: BTreeMap<Option<usize>, bool>,
    events: usize,
    mails: usize,
}

// One order of requests.

/// Which request: of which operation, the how manieth of it.
type Id = (usize, usize);

/// A request that waits.
#[derive(Debug, Clone)]
struct Waiting {
    id: Id,
    operation: String,
    touches: Vec<Touch>,
}

/// One item, or all items of a partition below a prefix.
#[derive(Debug, Clone)]
struct Touch {
    table: String,
    pk: String,
    sk: String,
    below: bool,
    writes: bool,
}

impl Waiting {
    /// Whether it asks for nothing but a practice's settings and a person of its staff, which no
    /// operation changes, or for that person's session, which only one operation uses: its turn makes no
    /// difference, so it has none.
    fn asks_for_what_stays(&self) -> bool {
        let stays = |touch: &Touch| {
            let kept = touch.sk == "PRACTICE" || touch.sk.starts_with("MEMBER#");
            (kept && !touch.writes) || touch.pk.contains("#W#")
        };
        self.touches.iter().all(stays)
    }
}

impl Touch {
    fn meets(&self, other: &Self) -> bool {
        let same = match (self.below, other.below) {
            (false, false) => self.sk == other.sk,
            (true, false) => other.sk.starts_with(&self.sk),
            (false, true) => self.sk.starts_with(&other.sk),
            (true, true) => true,
        };
        (self.writes || other.writes) && self.table == other.table && self.pk == other.pk && same
    }
}

fn meet(one: &Waiting, other: &Waiting) -> bool {
    one.touches.iter().any(|t| other.touches.iter().any(|o| t.meets(o)))
}

/// What a request touches; panics at one it does not know, so that none is taken for harmless.
fn touches(held: &Held) -> Vec<Touch> {
    let body: Value = serde_json::from_slice(&held.body).expect("JSON");
    let touch = |table: &Value, key: &Value, writes: bool| Touch {
        table: text(table),
        pk: text(&key["PK"]["S"]),
        sk: text(&key["SK"]["S"]),
        below: false,
        writes,
    };
    match held.operation.as_str() {
        "Query" => {
            let values = &body["ExpressionAttributeValues"];
            vec![Touch {
                table: text(&body["TableName"]),
                pk: text(&values[":pk"]["S"]),
                sk: text(&values[":prefix"]["S"]),
                below: true,
                writes: false,
            }]
        }
        "GetItem" => vec![touch(&body["TableName"], &body["Key"], false)],
        "UpdateItem" => vec![touch(&body["TableName"], &body["Key"], true)],
        "BatchGetItem" => {
            let tables = body["RequestItems"].as_object().expect("tables");
            let keys = |(table, of): (&String, &Value)| {
                let table = json!(table);
                let keys = of["Keys"].as_array().cloned().unwrap_or_default();
                keys.into_iter().map(move |key| touch(&table, &key, false)).collect::<Vec<_>>()
            };
            tables.iter().flat_map(keys).collect()
        }
        "TransactWriteItems" => {
            let items = body["TransactItems"].as_array().expect("items");
            let one = |item: &Value| {
                let (kind, write) = item.as_object().and_then(|i| i.iter().next()).expect("one");
                let key = if kind == "Put" { &write["Item"] } else { &write["Key"] };
                touch(&write["TableName"], key, kind != "ConditionCheck")
            };
            items.iter().map(one).collect()
        }
        "PutItem" => vec![touch(&body["TableName"], &body["Item"], true)],
        other => panic!("what does {other} touch?"),
    }
}

/// A point at which a request had to be chosen.
struct Choice {
    waiting: Vec<Waiting>,
    chosen: Id,
    /// Those whose turn here would lead nowhere new.
    asleep: Vec<Id>,
    /// Those whose turn here was tried.
    tried: Vec<Id>,
}

impl Choice {
    fn find(&self, id: Id) -> &Waiting {
        self.waiting.iter().find(|w| w.id == id).expect("it waits")
    }

    fn open(&self) -> Option<Id> {
        let used = |id: &Id| self.asleep.contains(id) || self.tried.contains(id);
        self.waiting.iter().map(|w| w.id).find(|id| !used(id))
    }

    /// Those that sleep after the chosen one: what was tried instead of it and has nothing to do
    /// with it.
    fn asleep_after(&self) -> Vec<Id> {
        let chosen = self.find(self.chosen);
        let kept = self.asleep.iter().chain(&self.tried);
        kept.filter(|id| !meet(self.find(**id), chosen)).copied().collect()
    }
}

/// What became of one order.
struct Outcome {
    results: Vec<(u16, String)>,
    seen: Seen,
}

/// Lets the operations go, request after request as `choose` says, to the end; or breaks them off
/// where it names none.
async fn follow(
    stage: &Stage,
    ops: &[Op],
    mut choose: impl FnMut(usize, &[Waiting]) -> Option<Id>,
) -> Option<Outcome> {
    let wire = &stage.world.wire;
    wire.forget();
    wire.hold_marked();
    let mut operations = Operations::on(wire);
    for (op, staff) in ops.iter().zip(&stage.staff) {
        operations.add(stage.perform(*op, staff));
    }

    let mut run = Run::new(stage, ops);
    let mut made = vec![0; ops.len()];
    let mut waiting: Vec<Waiting> = Vec::new();
    let mut depth = 0;
    loop {
        operations.settle().await;
        let all = wire.look(|held| {
            let of = held.mark.expect("only marked requests are held");
            Waiting { id: (of, 0), operation: held.operation.clone(), touches: touches(held) }
        });
        for mut new in all.into_iter().skip(waiting.len()) {
            let count = &mut made[new.id.0];
            new.id.1 = *count;
            *count += 1;
            waiting.push(new);
        }
        run.note(&operations, depth).await;
        if let Some(at) = waiting.iter().position(Waiting::asks_for_what_stays) {
            waiting.remove(at);
            wire.take(at).expect("it waits").release();
            continue;
        }
        if waiting.is_empty() {
            break;
        }
        let Some(chosen) = choose(depth, &waiting) else { break };
        let at = waiting.iter().position(|w| w.id == chosen).expect("an order can be repeated");
        run.released(&waiting.remove(at), depth);
        wire.take(at).expect("it waits").release();
        depth += 1;
    }
    wire.let_go();
    let now = stage.world.snapshot().await;
    let outcome = if waiting.is_empty() { Some(run.end(&operations, &now).await) } else { None };
    drop(operations);
    stage.world.put_back(&now, &stage.before).await;
    outcome
}

/// What is noted of one order while it is gone through.
struct Run<'a> {
    stage: &'a Stage,
    ops: &'a [Op],
    /// When the first request of each was let through, and when each was answered.
    began: Vec<Option<usize>>,
    answered: Vec<Option<usize>>,
    /// The operation of the last request of each.
    last: Vec<String>,
    order: Vec<String>,
    /// Sessions handed out, by the operation that made each.
    cookies: Vec<(Option<usize>, String)>,
}

impl<'a> Run<'a> {
    fn new(stage: &'a Stage, ops: &'a [Op]) -> Self {
        Self {
            stage,
            ops,
            began: vec![None; ops.len()],
            answered: vec![None; ops.len()],
            last: vec![String::new(); ops.len()],
            order: Vec::new(),
            cookies: stage.cookie.iter().map(|c| (None, c.clone())).collect(),
        }
    }

    fn released(&mut self, request: &Waiting, depth: usize) {
        let of = request.id.0;
        self.began[of].get_or_insert(depth);
        self.last[of].clone_from(&request.operation);
        self.order.push(format!("{of}:{:?} {}", self.ops[of], request.operation));
    }

    /// Looks at what was answered since the last request.
    async fn note(&mut self, operations: &Operations<'_, Answer>, depth: usize) {
        for (position, op) in self.ops.iter().enumerate() {
            let Some(answer) = operations.answer(position) else { continue };
            if self.answered[position].is_some() {
                continue;
            }
            self.answered[position] = Some(depth);
            // Rule 2: once the change is answered, no session from before opens the chart. (One
            // that found nothing to do may have looked before somebody else's activation.)
            let ends = matches!(op, Op::RevokeA | Op::DeleteA | Op::Close)
                && answer.status.is_success()
                && self.last[position] == "TransactWriteItems";
            if ends {
                for (_, cookie) in &self.cookies {
                    assert!(!self.stage.opens(cookie).await, "a session survived: {}", self.told());
                }
            }
            if let Some(cookie) = answer.cookie("__Host-latchkey-portal") {
                self.cookies.push((Some(position), cookie));
            }
        }
    }

    fn told(&self) -> String {
        format!("{:?}\n  {}", self.ops, self.order.join("\n  "))
    }

    async fn end(&self, operations: &Operations<'_, Answer>, now: &Snapshot) -> Outcome {
        let stage = self.stage;
        let results: Vec<(u16, String)> = (0..self.ops.len())
            .map(|position| {
                let answer = operations.answer(position).expect("all is answered");
                let code = answer.body["code"].as_str().unwrap_or_default();
                (answer.status.as_u16(), code.to_owned())
            })
            .collect();
        let tables = stage.world.database.tables();
        let items = now.items(&tables.main);
        let faults = faults(&items);
        assert!(faults.is_empty(), "{faults:#?}\n{results:?}\n{}", self.told());

        let mut opens = BTreeMap::new();
        for (by, cookie) in &self.cookies {
            opens.insert(*by, stage.opens(cookie).await);
        }
        // That unchanged data was shown, or that something was refused, is no change.
        let change = |event: &Value| {
            let action = text(&event["action"]);
            !action.ends_with("-shown")
                && action != "refused"
                && event.get("reason").is_none_or(|reason| {
                    // A link that does not work, or was never made.
                    !text(reason).starts_with("invitation_") && reason != "not_found"
                })
        };
        let known = stage.before.items(&tables.history);
        let events = now.items(&tables.history);
        let events = events.iter().filter(|(k, e)| !known.contains_key(*k) && change(e)).count();
        let mails = now.new_since(&stage.before, &tables.main, "MAIL#");
        let seen = Seen { opens, events, mails, ..look(stage, &items) };
        let outcome = Outcome { results, seen };
        self.explain(&outcome);
        outcome
    }

    /// Finds an order of whole operations that ends as this did; one that was answered before
    /// another began comes before it.
    fn explain(&self, outcome: &Outcome) {
        let mut tried = Vec::new();
        for order in orders(self.ops.len()) {
            let before = |one: usize, other: usize| {
                let places = |p| order.iter().position(|o| *o == p);
                self.answered[one] > self.began[other] || places(one) < places(other)
            };
            let all = || (0..self.ops.len()).flat_map(|p| (0..self.ops.len()).map(move |o| (p, o)));
            if !all().filter(|(one, other)| one != other).all(|(one, other)| before(one, other)) {
                continue;
            }
            let mut model = self.stage.model.clone();
            let mut results = vec![(0, String::new()); self.ops.len()];
            for position in order {
                let (status, code) =
                    model.perform(position, self.ops[position], self.stage.version);
                results[position] = (status, code.to_owned());
            }
            if results == outcome.results && model.seen() == outcome.seen {
                return;
            }
            tried.push((results, model.seen()));
        }
        panic!(
            "no order of whole operations ends so: {:?} {:#?}\ninstead of one of {tried:#?}\nafter {}",
            outcome.results,
            outcome.seen,
            self.told()
        );
    }
}

fn orders(count: usize) -> Vec<Vec<usize>> {
    let Some(last) = count.checked_sub(1) else { return vec![Vec::new()] };
    let mut found = Vec::new();
    for shorter in orders(last) {
        for at in 0..count {
            let mut order = shorter.clone();
            order.insert(at, last);
            found.push(order);
        }
    }
    found
}

// What the table holds.

type Items = BTreeMap<(String, String), Value>;

fn look(stage: &Stage, items: &Items) -> Seen {
    let pk = format!("P#harbor#C#{}", stage.a.client);
    let client = &items[&(pk.clone(), "A#CLIENT".to_owned())];
    let who = |field: &str| match client[field].as_str() {
        Some(id) if id == stage.a.user => Some(Who::A),
        Some(id) if id == stage.b.user => Some(Who::B),
        Some(id) => panic!("{field} is {id}"),
        None => None,
    };
    let a = items.get(&(pk, format!("A#USER#{}", stage.a.user))).map(|user| {
        let access = match user["access"].as_str() {
            Some("invited") => Access::Invited,
            Some("active") => Access::Active,
            _ => Access::Revoked,
        };
        (access, user.get("enrolledAt").is_some(), user["version"].as_u64().unwrap_or_default())
    });
    let (alert, owner) = (who("alertRecipient"), who("chartOwner"));
    let closed = client.get("closed").is_some();
    Seen { a, alert, owner, closed, opens: BTreeMap::new(), events: 0, mails: 0 }
}

/// What does not hold together.
fn faults(items: &Items) -> Vec<String> {
    let mut faults = Vec::new();
    let mut fault = |so: bool, what: &str, of: &Value| {
        if !so {
            faults.push(format!("{what}: {} {}", of["PK"], of["SK"]));
        }
    };
    let of_kind = |prefix: &'static str| items.values().filter(move |i| kind(i, prefix));
    for client in of_kind("A#CLIENT") {
        let users: Vec<&Value> = of_kind("A#USER#").filter(|u| u["PK"] == client["PK"]).collect();
        let find = |id: &Value| users.iter().find(|u| u["portalUserId"] == *id);
        if let Some(id) = client.get("alertRecipient") {
            fault(find(id).is_some(), "the alert recipient is gone", client);
            let revoked = find(id).is_some_and(|u| u["access"] == "revoked");
            fault(!revoked, "the alert recipient is revoked", client);
        }
        if let Some(id) = client.get("chartOwner") {
            fault(find(id).is_some(), "the chart owner is gone", client);
        }
        let count = |access: &str| users.iter().filter(|u| u["access"] == access).count();
        let admits = client.get("closed").is_none() || count("revoked") == users.len();
        fault(admits, "a closed chart that admits somebody", client);
        let portal = &client["portal"];
        fault(portal["users"] == json!(users.len()), "users counted wrong", client);
        fault(portal["active"] == json!(count("active")), "active counted wrong", client);
        let invited = users.iter().filter(|u| u["access"] == "invited");
        let until = invited.filter_map(|u| u["invitation"]["expiresAt"].as_str()).max();
        fault(portal["invitedUntil"].as_str() == until, "invited until another time", client);
    }
    for user in of_kind("A#USER#") {
        let key = format!("P#harbor#A#{}", text(&user["account"]));
        let Some(account) = items.get(&(key, "ACCOUNT".to_owned())) else {
            fault(false, "a portal user without account", user);
            continue;
        };
        let grant = &account["grants"][text(&user["clientId"])];
        fault(grant["portalUserId"] == user["portalUserId"], "no grant for it", user);
        let active = user["access"] == "active";
        fault(grant["active"] == json!(active), "the grant has another access", user);
        let invited = user["access"] == "invited";
        let until = if invited { &user["invitation"]["expiresAt"] } else { &Value::Null };
        fault(grant["invitedUntil"] == *until, "another invitation", user);
        fault(grant["permissions"] == user["permissions"], "other permissions", user);
        fault(!active || account.get("password").is_some(), "active without password", user);
        let sessions = account["sessions"].as_object().cloned().unwrap_or_default();
        let here = |s: &Value| s["grants"][text(&user["clientId"])] == grant["epoch"];
        let mirrored: BTreeMap<&String, &Value> = sessions
            .iter()
            .filter(|(_, s)| active && here(s))
            .map(|(sid, s)| (sid, &s["idleEndsAt"]))
            .collect();
        let known = user["sessions"].as_object().cloned().unwrap_or_default();
        fault(mirrored == known.iter().collect(), "other sessions than the account", user);
        if let Some(mail) = user.get("mail") {
            let key = (text(&user["PK"]), format!("MAIL#{}", text(&mail["mailId"])));
            fault(items.contains_key(&key), "a mail that is in no outbox", user);
        }
    }
    let led_to: Vec<String> = of_kind("ACCOUNT#")
        .map(|entry| text(&entry["SK"]).replace("ACCOUNT#", "P#harbor#A#"))
        .collect();
    for account in of_kind("ACCOUNT").filter(|item| item["SK"] == "ACCOUNT") {
        let entries = led_to.iter().filter(|pk| account["PK"] == pk.as_str()).count();
        fault(entries == 1, "an account to which not one address leads", account);
        let grants = account["grants"].as_object().cloned().unwrap_or_default();
        fault(!grants.is_empty(), "an account without grants", account);
        for (client, grant) in &grants {
            let key = format!("A#USER#{}", text(&grant["portalUserId"]));
            let user = items.get(&(format!("P#harbor#C#{client}"), key));
            fault(user.is_some(), "a grant of nobody", account);
        }
    }
    for entry in of_kind("ACCOUNT#") {
        let account = text(&entry["SK"]).replace("ACCOUNT#", "P#harbor#A#");
        let account = items.contains_key(&(account, "ACCOUNT".to_owned()));
        fault(account, "an address that leads nowhere", entry);
    }
    faults
}

fn kind(item: &Value, prefix: &str) -> bool {
    item["SK"].as_str().is_some_and(|sk| sk.starts_with(prefix))
}

// All orders.

/// Tries every order in which the requests of these operations can be let through; `thin_out`
/// leaves out those that end like one that was tried.
async fn explore(stage: &Stage, ops: &[Op], thin_out: bool) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    let mut path: Vec<Choice> = Vec::new();
    loop {
        let outcome = follow(stage, ops, |depth, waiting| {
            if depth == path.len() {
                let asleep = path.last().filter(|_| thin_out).map(Choice::asleep_after);
                let mut choice = Choice {
                    waiting: waiting.to_vec(),
                    chosen: waiting[0].id,
                    asleep: asleep.unwrap_or_default(),
                    tried: Vec::new(),
                };
                choice.chosen = choice.open()?;
                path.push(choice);
            }
            Some(path[depth].chosen)
        });
        outcomes.extend(outcome.await);
        // Back to the last choice that leaves something to try.
        loop {
            let Some(choice) = path.last_mut() else { return outcomes };
            choice.tried.push(choice.chosen);
            if let Some(next) = choice.open() {
                choice.chosen = next;
                break;
            }
            path.pop();
        }
    }
}

/// The operations but for some that touch the chart alone: what these do is the same whatever else the
/// account opens.
fn of_account() -> Vec<Op> {
    let of_chart = [Op::AssignB, Op::AssignNobody, Op::OwnerB];
    ALL.into_iter().filter(|op| !of_chart.contains(op)).collect()
}

async fn pairs(scene: Scene, ops: &[Op]) {
    let stage = stage(scene).await;
    let mut orders = 0;
    for (at, one) in ops.iter().enumerate() {
        for other in &ops[at..] {
            orders += explore(&stage, &[*one, *other], true).await.len();
        }
    }
    assert!(orders > 100, "{orders} orders are too few to have been all");
}

/// What closes or opens the chart, against others.
async fn closings(scene: Scene, one: Op, others: &[Op]) {
    let stage = stage(scene).await;
    let mut orders = 0;
    for other in others {
        orders += explore(&stage, &[one, *other], true).await.len();
    }
    assert!(orders > 2 * others.len(), "{orders} orders are too few to have been all");
}

#[tokio::test]
async fn a_chart_closes_with_both_active() {
    let others = [
        Op::AddC,
        Op::AssignB,
        Op::Close,
        Op::DeleteA,
        Op::OwnerB,
        Op::Reopen,
        Op::RevokeA,
        Op::SignInA,
        Op::UpdateA,
    ];
    closings(Scene::Active, Op::Close, &others).await;
}

#[tokio::test]
async fn a_chart_closes_with_both_invited() {
    closings(Scene::Invited, Op::Close, &[Op::EnrolA, Op::ResendA, Op::SignInA]).await;
}

#[tokio::test]
async fn a_chart_closes_with_one_revoked() {
    closings(Scene::Revoked, Op::Close, &[Op::ActivateA, Op::AssignB]).await;
}

#[tokio::test]
async fn a_chart_closes_with_somebody_joining() {
    closings(Scene::Joining, Op::Close, &[Op::EnrolA, Op::SignInA]).await;
}

#[tokio::test]
async fn a_chart_is_reopened() {
    closings(Scene::Closed, Op::Reopen, &[Op::ActivateA, Op::AddC, Op::Close, Op::Reopen]).await;
}

async fn triples(scene: Scene) {
    const OPS: [Op; 5] = [Op::AssignA, Op::DeleteA, Op::RevokeA, Op::ActivateA, Op::SignInA];
    let stage = stage(scene).await;
    let mut orders = 0;
    for (first, one) in OPS.iter().enumerate() {
        for (second, two) in OPS.iter().enumerate().skip(first + 1) {
            for three in &OPS[second + 1..] {
                orders += explore(&stage, &[*one, *two, *three], true).await.len();
            }
        }
    }
    assert!(orders > 50, "{orders} orders are too few to have been all");
}

#[tokio::test]
async fn pairs_with_both_active() {
    pairs(Scene::Active, &ALL).await;
}

#[tokio::test]
async fn pairs_with_both_invited() {
    pairs(Scene::Invited, &ALL).await;
}

#[tokio::test]
async fn pairs_with_one_revoked() {
    pairs(Scene::Revoked, &ALL).await;
}

#[tokio::test]
async fn pairs_with_an_invitation_withdrawn() {
    pairs(Scene::Withdrawn, &ALL).await;
}

#[tokio::test]
async fn pairs_with_an_account_of_two_charts() {
    pairs(Scene::TwoCharts, &of_account()).await;
}

#[tokio::test]
async fn pairs_with_somebody_joining_a_second_chart() {
    pairs(Scene::Joining, &of_account()).await;
}

#[tokio::test]
async fn triples_with_both_active() {
    triples(Scene::Active).await;
}

#[tokio::test]
async fn triples_with_one_revoked() {
    triples(Scene::Revoked).await;
}

/// Any three operations in any scene, in orders drawn by lot, the same in every run.
#[test]
fn threes_drawn_by_lot() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let stages = SCENES.map(|scene| runtime.block_on(stage(scene)));
    let config = ProptestConfig {
        cases: 120,
        rng_seed: RngSeed::Fixed(20_261_122),
        failure_persistence: None,
        max_shrink_iters: 200,
        ..ProptestConfig::default()
    };
    let three = [(); 3].map(|()| select(&ALL));
    let drawn = (0..SCENES.len(), three, vec(any::<Index>(), 40));
    let found = TestRunner::new(config).run(&drawn, |(scene, ops, lots)| {
        let choose = |depth: usize, waiting: &[Waiting]| {
            let lot = lots.get(depth).map_or(0, |lot| lot.index(waiting.len()));
            Some(waiting[lot].id)
        };
        runtime.block_on(follow(&stages[scene], &ops, choose));
        Ok(())
    });
    if let Err(failure) = found {
        panic!("{failure}");
    }
}

/// The orders that are left out end like ones that are tried.
#[tokio::test]
async fn leaving_out_what_commutes_leaves_out_no_outcome() {
    let stage = stage(Scene::Active).await;
    for ops in [[Op::RevokeA, Op::AssignB], [Op::RevokeA, Op::SignInA], [Op::DeleteA, Op::OwnerB]] {
        let ends = |outcomes: Vec<Outcome>| -> BTreeSet<_> {
            outcomes.into_iter().map(|o| (o.results, o.seen)).collect()
        };
        let all = explore(&stage, &ops, false).await;
        let some = explore(&stage, &ops, true).await;
        assert!(some.len() < all.len());
        assert_eq!(ends(some), ends(all));
    }
}

/// What is asked for while B is revoked or deleted.
#[derive(Debug, Clone, Copy)]
enum Naming {
    Alert,
    Successor,
    Owner,
}

/// A query reads item by item: while B is revoked or deleted, it may meet the client after and B
/// before. Whoever is to be named on the client must not be taken on trust from such an answer.
#[tokio::test]
async fn a_query_that_meets_the_client_after_a_change_and_a_portal_user_before_it_misleads_nobody()
{
    for (naming, deleted, code) in [
        (Naming::Alert, false, "access_revoked"),
        (Naming::Alert, true, "not_a_portal_user"),
        (Naming::Successor, false, "access_revoked"),
        (Naming::Successor, true, "not_a_portal_user"),
        (Naming::Owner, true, "not_a_portal_user"),
    ] {
        let stage = stage(Scene::Active).await;
        let (world, a, b) = (&stage.world, &stage.a, &stage.b);
        let (dana, felix) = (&stage.staff[0], &stage.staff[1]);
        let before = world.snapshot().await;
        let end =
            if deleted { dana.delete(b, "confirm=delete").await } else { dana.revoke(b).await };
        end.expect(200);
        let after = world.snapshot().await;
        let mixed = after.mixed(&before, &format!("A#USER#{}", b.user));
        world.put_back(&after, &mixed).await;

        world.wire.hold();
        let owner = format!("/api/clients/{}/chart-owner", a.client);
        let owner_body = json!({"portalUserId": b.user});
        let successor = format!("confirm=delete&alertRecipient={}", b.user);
        let asked = async {
            match naming {
                Naming::Alert => felix.assign(&a.client, Some(&b.user)).await,
                Naming::Successor => felix.delete(a, &successor).await,
                Naming::Owner => felix.put(&owner, &owner_body).await,
            }
        };
        let meanwhile = async {
            let write = world.wire.write().await;
            world.put_back(&mixed, &after).await;
            world.wire.let_go();
            write.release();
        };
        let (answer, ()) = futures::join!(asked, meanwhile);
        answer.problem(422, code);
        let items = world.snapshot().await.items(&world.database.tables().main);
        assert!(faults(&items).is_empty(), "{naming:?}");
        assert_eq!(look(&stage, &items).alert, Some(Who::A), "{naming:?}");
    }
}
