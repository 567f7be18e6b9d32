//! Rule 10: strangers who guess cannot shut the owner out, whose device is known by a cookie of its
//! own; and rule 6: each lock is one event.

use api_tests::{
    Answer, Call, PASSWORD, World,
    people::{Invited, text},
    wire::Fault,
};
use futures::future::join_all;
use serde_json::{Value, json};
use shared::{account::Account, history::Role, id::ClientId, id::PracticeId, keys};

const DEVICE: &str = "__Host-latchkey-device";
const WRONG: &str = "not the password at all";
const NEW: &str = "another nine grey pebbles";

/// An attempt to sign in.
struct Try<'a> {
    practice: &'a str,
    username: &'a str,
    device: Option<&'a str>,
    from: &'a str,
}

impl<'a> Try<'a> {
    fn new(username: &'a str) -> Self {
        Self { practice: "harbor", username, device: None, from: "203.0.113.7" }
    }

    fn on(self, device: &'a str) -> Self {
        Self { device: Some(device), ..self }
    }

    fn from(self, from: &'a str) -> Self {
        Self { from, ..self }
    }

    fn at(self, practice: &'a str) -> Self {
        Self { practice, ..self }
    }

    async fn with(&self, world: &World, password: &str) -> Answer {
        let body =
            json!({"practice": self.practice, "username": self.username, "password": password});
        let call = Call::new("POST", "/api/portal/sign-in").json(&body).from(self.from);
        let call = match self.device {
            Some(device) => call.cookie(device),
            None => call,
        };
        world.send(call).await
    }

    /// Fails so often.
    async fn fail(&self, world: &World, times: usize) {
        for _ in 0..times {
            self.with(world, WRONG).await.problem(401, "sign_in_failed");
        }
    }
}

/// The cookie of the device that an answer sets.
fn device(answer: &Answer) -> String {
    answer.cookie(DEVICE).expect("a device")
}

/// The device on which somebody signs in for the first time.
async fn known(world: &World, username: &str) -> String {
    let answer = Try::new(username).with(world, PASSWORD).await;
    let cookie = device(&answer);
    answer.expect(200);
    cookie
}

/// The reasons of the locks among the events that are new.
fn locks(before: &[Value], after: &[Value]) -> Vec<String> {
    let new = &after[before.len()..];
    let locks = new.iter().filter(|event| event["action"] == "locked");
    locks.map(|event| text(&event["reason"])).collect()
}

/// All events, oldest first.
async fn events(world: &World) -> Vec<Value> {
    let mut events: Vec<Value> = world
        .events()
        .await
        .into_values()
        .map(|event| serde_json::from_str(&event).expect("JSON"))
        .collect();
    events.sort_by_key(|event| text(&event["eventId"]));
    events
}

#[tokio::test]
async fn a_browser_gets_a_device_with_its_first_success_and_keeps_it() {
    let world = World::new().await;
    let dana = world.dana().await;
    let (one, two) = (dana.enrolled().await, dana.enrolled().await);
    let first = known(&world, &one.email).await;
    for username in [&one.email, &two.email] {
        let again = Try::new(username).on(&first).with(&world, PASSWORD).await;
        assert_eq!(device(&again), first, "kept");
        again.expect(200);
    }
    assert_ne!(known(&world, &one.email).await, first, "each browser has its own");
    for malformed in
        ["", "x", &first[DEVICE.len() + 2..], &format!("{}==", &first[DEVICE.len() + 1..])]
    {
        let malformed = format!("{DEVICE}={malformed}");
        let answer = Try::new(&one.email).on(&malformed).with(&world, PASSWORD).await;
        assert_ne!(device(&answer), malformed);
        answer.expect(200);
    }
    let refused = Try::new(&one.email).with(&world, WRONG).await;
    assert!(refused.cookie(DEVICE).is_none());
    // The table holds no cookie, and not the same of a device for two sign-in names.
    let items = world.items().await;
    let secret = &first[DEVICE.len() + 1..];
    assert!(!items.iter().any(|(key, item)| key.contains(secret) || item.contains(secret)));
    let digests: Vec<&str> = items
        .keys()
        .filter_map(|key| key.split_once(" DEVICE#"))
        .map(|(_, digest)| digest)
        .collect();
    let distinct: std::collections::BTreeSet<&&str> = digests.iter().collect();
    assert_eq!(distinct.len(), digests.len());
}

#[tokio::test]
async fn a_known_device_passes_the_locks_that_strangers_caused() {
    let world = World::new().await;
    let who = world.dana().await.enrolled().await;
    let device = known(&world, &who.email).await;
    let (stranger, owner) = (Try::new(&who.email), Try::new(&who.email).on(&device));
    stranger.fail(&world, 5).await;
    stranger.with(&world, PASSWORD).await.problem(429, "too_many_attempts");
    owner.with(&world, PASSWORD).await.expect(200);
    stranger.with(&world, PASSWORD).await.problem(429, "too_many_attempts");

    // Somebody in the same building guesses at everybody.
    for n in 0..45 {
        Try::new(&format!("nobody{n}")).fail(&world, 1).await;
    }
    Try::new("another").with(&world, WRONG).await.problem(429, "too_many_attempts");
    owner.with(&world, PASSWORD).await.expect(200);
    owner.fail(&world, 1).await;
    owner.with(&world, PASSWORD).await.expect(200);
}

#[tokio::test]
async fn a_known_device_has_a_lock_of_its_own_that_its_own_success_clears() {
    let world = World::new().await;
    let who = world.dana().await.enrolled().await;
    let (one, two) = (known(&world, &who.email).await, known(&world, &who.email).await);
    let (one, two) = (Try::new(&who.email).on(&one), Try::new(&who.email).on(&two));
    for _ in 0..3 {
        one.fail(&world, 4).await;
        one.with(&world, PASSWORD).await.expect(200);
    }
    for (failures, minutes) in [(5, 1), (1, 2), (1, 4), (1, 8), (1, 15), (1, 15)] {
        one.fail(&world, failures).await;
        let locked = one.with(&world, PASSWORD).await;
        assert_eq!(locked.headers["retry-after"], (minutes * 60).to_string().as_str());
        locked.problem(429, "too_many_attempts");
        world.pass(minutes * 60);
    }
    one.fail(&world, 1).await;
    one.with(&world, PASSWORD).await.problem(429, "too_many_attempts");
    // Neither another device nor a stranger waits for it: its failures are not theirs.
    two.with(&world, PASSWORD).await.expect(200);
    assert!(!world.items().await.keys().any(|key| key.ends_with(" LOCK")));
    Try::new(&who.email).fail(&world, 4).await;
    Try::new(&who.email).with(&world, PASSWORD).await.expect(200);
    // Its failures are forgotten a day after the last one.
    world.pass(24 * 60 * 60);
    one.fail(&world, 4).await;
    one.with(&world, PASSWORD).await.expect(200);
}

#[tokio::test]
async fn failures_of_a_known_device_count_for_its_source() {
    let world = World::new().await;
    let who = world.dana().await.enrolled().await;
    let device = known(&world, &who.email).await;
    let owner = Try::new(&who.email).on(&device);
    for _ in 0..25 {
        owner.fail(&world, 2).await;
        owner.with(&world, PASSWORD).await.expect(200);
    }
    Try::new("somebody").with(&world, WRONG).await.problem(429, "too_many_attempts");
    owner.with(&world, PASSWORD).await.expect(200);
}

#[tokio::test]
async fn a_device_is_a_stranger_to_every_other_name_and_practice() {
    let world = World::new().await;
    let dana = world.dana().await;
    let casey = world.staff("cove", "Casey", Role::Admin).await;
    let (one, two) = (dana.enrolled().await, dana.enrolled().await);
    let client = casey.client("Amara", "Okafor", "1984-03-12").await;
    let there = casey.enroll_for(&client, &one.email).await;
    let device = known(&world, &one.email).await;
    for of_others in [Try::new(&two.email), Try::new(&there.email).at("cove"), Try::new("nobody")] {
        let here = of_others.on(&device);
        here.fail(&world, 5).await;
        here.with(&world, PASSWORD).await.problem(429, "too_many_attempts");
        let without = Try { device: None, ..here };
        without.with(&world, PASSWORD).await.problem(429, "too_many_attempts");
    }
    Try::new(&one.email).on(&device).with(&world, PASSWORD).await.expect(200);
}

#[tokio::test]
async fn the_next_owner_of_a_name_inherits_no_device_and_no_lock() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = dana.enrolled().await;
    let device = known(&world, &who.email).await;
    let before = Try::new(&who.email).on(&device);
    before.fail(&world, 4).await;
    Try::new(&who.email).fail(&world, 5).await;
    dana.delete(&who, "confirm=delete").await.expect(200);
    let next = dana.enroll_for(&who.client, &who.email).await;
    // Its failures are a stranger's: with one more, strangers wait.
    before.fail(&world, 5).await;
    before.with(&world, PASSWORD).await.problem(429, "too_many_attempts");
    Try::new(&next.email).with(&world, PASSWORD).await.problem(429, "too_many_attempts");
    // With the password of now it is known again.
    world.pass(60);
    let known = before.with(&world, PASSWORD).await;
    assert_eq!(self::device(&known), device);
    known.expect(200);
    Try::new(&next.email).fail(&world, 1).await;
    before.with(&world, PASSWORD).await.expect(200);
}

#[tokio::test]
async fn enrolling_makes_a_device_known_whoever_guesses_meanwhile() {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = dana.client("Amara", "Okafor", "1984-03-12").await;
    let who = dana.invite(&client, "pat@mail.example").await;
    let body = json!({
        "token": who.token, "lastName": "Okafor", "dateOfBirth": "1984-03-12", "password": PASSWORD,
    });
    let enroll = || {
        let call = Call::new("POST", "/api/portal/enrollment").json(&body);
        world.send(call.header("idempotency-key", "one"))
    };
    let enrolled = enroll().await;
    // The first answer was lost: the second comes with a device too.
    let again = enroll().await;
    let devices = [device(&enrolled), device(&again)];
    assert_eq!(devices[0], devices[1]);
    assert_eq!((enrolled.status.as_u16(), again.status.as_u16()), (201, 201));
    Try::new(&who.email).fail(&world, 5).await;
    Try::new(&who.email).with(&world, PASSWORD).await.problem(429, "too_many_attempts");
    for device in &devices {
        Try::new(&who.email).on(device).with(&world, PASSWORD).await.expect(200);
    }
}

#[tokio::test]
async fn a_new_password_makes_known_where_it_is_chosen_and_changes_nothing_for_strangers() {
    let world = World::new().await;
    let who = world.dana().await.enrolled().await;
    let old = known(&world, &who.email).await;
    Try::new(&who.email).on(&old).fail(&world, 5).await;
    Try::new(&who.email).fail(&world, 5).await;
    world.deliver().await;
    world.forgot(&who.email).await.expect(202);
    world.deliver().await;
    let body = json!({"token": world.post.newest(&who.email).token(), "password": NEW});
    let call = Call::new("PUT", "/api/portal/password").json(&body).cookie(&old);
    let chosen = world.send(call).await;
    assert_eq!(device(&chosen), old, "kept, and its own lock is over");
    chosen.expect(204);
    Try::new(&who.email).with(&world, NEW).await.problem(429, "too_many_attempts");
    Try::new(&who.email).on(&old).with(&world, NEW).await.expect(200);
}

#[tokio::test]
async fn a_session_outlives_every_lock() {
    let world = World::new().await;
    let who = world.dana().await.enrolled().await;
    let signed_in = Try::new(&who.email).with(&world, PASSWORD).await;
    let session = signed_in.cookie("__Host-latchkey-portal").expect("a session");
    let device = device(&signed_in);
    Try::new(&who.email).fail(&world, 5).await;
    Try::new(&who.email).on(&device).fail(&world, 5).await;
    for n in 0..40 {
        Try::new(&format!("nobody{n}")).fail(&world, 1).await;
    }
    world.session(&session).await.expect(200);
}

#[tokio::test]
async fn of_many_guesses_at_once_on_a_known_device_five_are_answered() {
    let world = World::new().await;
    let who = world.dana().await.enrolled().await;
    let device = known(&world, &who.email).await;
    let before = events(&world).await;
    let guess = async || Try::new(&who.email).on(&device).with(&world, WRONG).await;
    let answers = join_all((0..12).map(|_| guess())).await;
    let count = |status: u16| answers.iter().filter(|a| a.status == status).count();
    assert_eq!((count(401), count(429)), (5, 7));
    assert_eq!(locks(&before, &events(&world).await), ["device"]);
}

/// The guess is right and its write is late: five wrong ones are counted meanwhile.
#[tokio::test]
async fn no_answer_leaves_on_an_old_count_of_a_device() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = dana.enrolled().await;
    let device = known(&world, &who.email).await;
    let owner = Try::new(&who.email).on(&device);
    for revoked in [false, true] {
        if revoked {
            world.pass(60);
            owner.with(&world, PASSWORD).await.expect(200);
            dana.revoke(&who).await.expect(200);
        }
        world.wire.hold();
        let late = owner.with(&world, PASSWORD);
        let others = async {
            let write = world.wire.write().await;
            world.wire.let_go();
            owner.fail(&world, 5).await;
            write.release();
        };
        let (late, ()) = futures::join!(late, others);
        late.problem(429, "too_many_attempts");
    }
}

// ---- Events ----

#[tokio::test]
async fn each_lock_is_one_event_where_the_refused_attempt_stands_and_waiting_adds_none() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = dana.enrolled().await;
    let device = known(&world, &who.email).await;
    for (attempt, reason) in [
        (Try::new(&who.email), "sign-in-name"),
        (Try::new(&who.email).on(&device), "device"),
        (Try::new("nobody"), "sign-in-name"),
    ] {
        let start = events(&world).await;
        attempt.fail(&world, 4).await;
        assert_eq!(locks(&start, &events(&world).await), Vec::<String>::new());
        for minutes in [1, 2] {
            let before = events(&world).await;
            attempt.fail(&world, 1).await;
            let after = events(&world).await;
            assert_eq!(locks(&before, &after), [reason]);
            let [refused, locked] = &after[before.len()..] else { panic!("{after:?}") };
            assert_eq!(refused["action"], "sign-in-refused");
            for field in ["clientId", "portalUserId", "practice", "actor", "source"] {
                assert_eq!(refused.get(field), locked.get(field), "{field}");
            }
            assert_eq!(locked.get("clientId").is_some(), attempt.username == who.email);
            for password in [WRONG, PASSWORD] {
                attempt.with(&world, password).await.problem(429, "too_many_attempts");
            }
            assert_eq!(events(&world).await, after, "who waits adds nothing");
            world.pass(minutes * 60);
        }
    }
    let actions = dana.actions(&who.client).await;
    assert_eq!(actions.iter().filter(|action| *action == "locked").count(), 4);
}

#[tokio::test]
async fn a_source_that_reaches_its_limit_is_one_event_however_many_fail_at_once() {
    let world = World::new().await;
    let start = events(&world).await;
    for n in 0..44 {
        Try::new(&format!("nobody{n}")).fail(&world, 1).await;
    }
    let names: Vec<String> = (44..60).map(|n| format!("nobody{n}")).collect();
    let answers =
        join_all(names.iter().map(async |name| Try::new(name).with(&world, WRONG).await)).await;
    let count = |status: u16| answers.iter().filter(|a| a.status == status).count();
    assert_eq!((count(401), count(429)), (6, 10));
    let after = events(&world).await;
    assert_eq!(locks(&start, &after), ["address"]);
    for _ in 0..3 {
        Try::new("nobody").with(&world, WRONG).await.problem(429, "too_many_attempts");
    }
    assert_eq!(events(&world).await, after);
    // The next window has its own.
    world.pass(15 * 60);
    for n in 0..50 {
        Try::new(&format!("somebody{n}")).fail(&world, 1).await;
    }
    assert_eq!(locks(&start, &events(&world).await), ["address", "address"]);
}

#[tokio::test]
async fn a_network_of_many_addresses_that_reaches_its_limit_is_one_event() {
    let world = World::new().await;
    let start = events(&world).await;
    for n in 0..100 {
        let address = format!("2001:db8:1:2{:x}::1", n / 8 + 16);
        Try::new(&format!("nobody{n}")).from(&address).fail(&world, 1).await;
    }
    assert_eq!(locks(&start, &events(&world).await), ["network"]);
}

/// The attempt that reaches the limit may name a practice that does not exist, where nothing is kept.
#[tokio::test]
async fn a_limit_reached_at_no_practice_is_recorded_at_the_first_where_it_is_felt() {
    let world = World::new().await;
    let who = world.dana().await.enrolled().await;
    let start = events(&world).await;
    Try::new("nobody").at("nowhere").fail(&world, 50).await;
    Try::new("nobody").at("nowhere").with(&world, WRONG).await.problem(429, "too_many_attempts");
    assert_eq!(events(&world).await, start);
    for _ in 0..3 {
        Try::new(&who.email).with(&world, PASSWORD).await.problem(429, "too_many_attempts");
    }
    assert_eq!(locks(&start, &events(&world).await), ["address"]);
    assert_eq!(events(&world).await.len(), start.len() + 1);
}

#[tokio::test]
async fn staff_see_until_when_strangers_wait_and_not_what_happens_on_a_known_device() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = dana.enrolled().await;
    let device = known(&world, &who.email).await;
    Try::new(&who.email).on(&device).fail(&world, 5).await;
    assert_eq!(dana.user(&who).await.get("lockedUntil"), None);
    Try::new(&who.email).fail(&world, 5).await;
    let until = world.now().plus(60);
    assert_eq!(dana.user(&who).await["lockedUntil"], json!(until));
    world.pass(30);
    Try::new(&who.email).on(&device).with(&world, PASSWORD).await.problem(429, "too_many_attempts");
    world.pass(29);
    assert_eq!(dana.user(&who).await["lockedUntil"], json!(until));
    world.pass(1);
    Try::new(&who.email).on(&device).with(&world, PASSWORD).await.expect(200);
    assert_eq!(dana.user(&who).await.get("lockedUntil"), None);
}

// ---- What an attempt costs ----

#[tokio::test]
async fn a_practice_that_does_not_exist_costs_no_hash_and_a_name_that_does_not_costs_one() {
    let world = World::new().await;
    let who = world.dana().await.enrolled().await;
    let cost = async |attempt: Try<'_>, password: &str| {
        let before = world.app.hashes();
        attempt.with(&world, password).await;
        world.app.hashes() - before
    };
    assert_eq!(cost(Try::new(&who.email).at("nowhere"), PASSWORD).await, 0);
    assert_eq!(cost(Try::new(&who.email), WRONG).await, 1);
    assert_eq!(cost(Try::new(&who.email), PASSWORD).await, 1);
    assert_eq!(cost(Try::new("nobody"), WRONG).await, 1);
    Try::new("nobody").fail(&world, 4).await;
    assert_eq!(cost(Try::new("nobody"), WRONG).await, 0, "who waits is not judged");
}

#[tokio::test]
async fn a_write_that_is_tried_again_hashes_nothing_anew() {
    let world = World::new().await;
    let who = world.dana().await.enrolled().await;
    for (username, password, status) in
        [(who.email.as_str(), WRONG, 401), (&who.email, PASSWORD, 200), ("nobody", WRONG, 401)]
    {
        let before = world.app.hashes();
        world.wire.forget();
        world.wire.break_after("TransactWriteItems", 0, Fault::Conflict, 4);
        Try::new(username).with(&world, password).await.expect(status);
        let writes = world.wire.seen().iter().filter(|o| *o == "TransactWriteItems").count();
        assert_eq!((writes, world.app.hashes() - before), (5, 1), "{username}");
    }
}

/// Gives an account so many charts, in the account alone.
async fn charts(world: &World, who: &Invited, count: usize) {
    let harbor = PracticeId::parse("harbor").expect("a practice");
    let key = keys::account(&harbor, &world.account_key(&who.email));
    let account: Option<Account> = world.app.store().get(&key).await.expect("an answer");
    let mut account = account.expect("an account");
    let grant = account.grants.values().next().expect("a grant").clone();
    while account.grants.len() < count {
        account.grants.insert(ClientId::new(world.app.ulid()), grant.clone());
    }
    let mut change = world.app.store().change();
    change.replace(&key, &account, account.rev);
    world.app.store().write(change).await.expect("written");
}

#[tokio::test]
async fn a_wrong_password_asks_the_table_the_same_however_many_charts_the_account_opens() {
    let world = World::new().await;
    let dana = world.dana().await;
    let elsewhere = known(&world, &dana.enrolled().await.email).await;
    let mut seen = Vec::new();
    for count in [1, 12, 40] {
        let who = dana.enrolled().await;
        charts(&world, &who, count).await;
        // Numbers are as long as what they count: each begins with nothing counted.
        let from = format!("198.51.100.{count}");
        for device in [None, Some(elsewhere.as_str())] {
            world.wire.forget();
            let attempt = Try { device, ..Try::new(&who.email) }.from(&from);
            attempt.fail(&world, 1).await;
            seen.push((device.is_some(), world.wire.seen(), world.wire.sizes(), who.email.len()));
        }
    }
    for (with, requests, sizes, _) in &seen {
        let first = if *with { &seen[1] } else { &seen[0] };
        assert_eq!(requests, &["BatchGetItem", "TransactWriteItems"]);
        // The addresses of sources differ by a digit or two, and names of people by as many.
        for (one, other) in sizes.iter().zip(&first.2) {
            assert!(one.0.abs_diff(other.0) <= 8 && one.1.abs_diff(other.1) <= 8, "{seen:?}");
        }
    }
}

/// How many items each request of an attempt names.
async fn items(world: &World, attempt: &Try<'_>, password: &str) -> Vec<(String, usize)> {
    world.wire.hold();
    let answer = attempt.with(world, password);
    let watch = async {
        let mut items = Vec::new();
        loop {
            tokio::task::yield_now().await;
            let Some(held) = world.wire.take(0) else { continue };
            let body: Value = serde_json::from_slice(&held.body).expect("JSON");
            let named = match held.operation.as_str() {
                "BatchGetItem" => &body["RequestItems"]["latchkey"]["Keys"],
                _ => &body["TransactItems"],
            };
            items.push((held.operation.clone(), named.as_array().map_or(0, Vec::len)));
            let last = held.operation == "TransactWriteItems";
            held.release();
            if last {
                world.wire.let_go();
                return items;
            }
        }
    };
    let (answer, items) = futures::join!(answer, watch);
    answer.problem(401, "sign_in_failed");
    items
}

#[tokio::test]
async fn a_wrong_password_names_as_many_items_for_everybody() {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = dana.client("Wren", "Okafor", "1984-03-12").await;
    let invited = dana.invite(&client, "waiting@mail.example").await;
    let revoked = dana.enrolled().await;
    dana.revoke(&revoked).await.expect(200);
    let (one, many) = (dana.enrolled().await, dana.enrolled().await);
    charts(&world, &many, 40).await;
    let device = known(&world, &one.email).await;
    let read = |items| [("BatchGetItem".to_owned(), items), ("TransactWriteItems".to_owned(), 3)];
    let people = [&invited, &revoked, &one, &many].map(|who| who.email.as_str());
    for username in people.into_iter().chain(["nobody@mail.example"]) {
        assert_eq!(items(&world, &Try::new(username), WRONG).await, read(4), "{username}");
        let on = Try::new(username).on(&device);
        assert_eq!(items(&world, &on, WRONG).await, read(5), "{username}");
    }
}

/// The account names the chart in whose history refusals stand: one that it still has.
#[tokio::test]
async fn refusals_stand_in_the_history_of_a_chart_that_the_account_still_has() {
    let world = World::new().await;
    let dana = world.dana().await;
    let first = dana.enrolled().await;
    let client = dana.client("Silas", "Okafor", "2015-06-01").await;
    let second = dana.invite(&client, &first.email).await;
    world.enroll(&second.token, "Okafor", "2015-06-01", PASSWORD).await.expect(201);
    let refused = async |client: &str| {
        let actions = dana.actions(client).await;
        actions.iter().filter(|action| *action == "sign-in-refused").count()
    };
    Try::new(&first.email).fail(&world, 1).await;
    assert_eq!((refused(&first.client).await, refused(&client).await), (1, 0));
    dana.delete(&first, "confirm=delete").await.expect(200);
    Try::new(&first.email).fail(&world, 1).await;
    assert_eq!((refused(&first.client).await, refused(&client).await), (1, 1));
}
