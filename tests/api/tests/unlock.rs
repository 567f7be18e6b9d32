//! `POST …/unlock`: staff end the lock of a sign-in name, once they made sure who asks. The person can try at once,
//! with the allowance of a name that was never locked; strangers learn nothing of who exists.

use std::cell::Cell;

use api_tests::{
    Answer, Call, PASSWORD, World,
    authenticator::Authenticator,
    people::{Invited, Staff, text},
    races::{Ended, meet_distinct},
};
use serde_json::{Value, json};
use shared::history::Role;

const WRONG: &str = "not the password at all";
const DEVICE: &str = "__Host-latchkey-device";
/// From where a stranger guesses.
const ELSEWHERE: &str = "198.51.100.77";

async fn unlock(staff: &Staff, who: &Invited) -> Answer {
    staff.send(Call::new("POST", &format!("{}/unlock", who.path()))).await
}

/// Tries to sign in, on a device if there is one.
async fn enter(world: &World, username: &str, password: &str, device: Option<&str>) -> Answer {
    let body = json!({"practice": "harbor", "username": username, "password": password});
    let call = Call::new("POST", "/api/portal/sign-in").json(&body);
    world.send(if let Some(device) = device { call.cookie(device) } else { call }).await
}

async fn fail(world: &World, username: &str, device: Option<&str>, times: usize) {
    for _ in 0..times {
        enter(world, username, WRONG, device).await.problem(401, "sign_in_failed");
    }
}

/// Fails until the sign-in name is locked.
async fn lock(world: &World, username: &str) {
    fail(world, username, None, 5).await;
    world.sign_in(username, PASSWORD).await.problem(429, "too_many_attempts");
}

async fn scene() -> (World, Staff, Invited) {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = dana.enrolled().await;
    (world, dana, who)
}

/// A device on which the person signed in.
async fn known(world: &World, who: &Invited) -> String {
    let answer = world.sign_in(&who.email, PASSWORD).await;
    let device = answer.cookie(DEVICE).expect("a device");
    answer.expect(200);
    device
}

/// Who is in the practice's list of those who are locked out, by id.
async fn listed(staff: &Staff) -> Vec<String> {
    let page = staff.post("/api/access", &json!({"view": "locked"})).await.expect(200);
    let rows = page["rows"].as_array().expect("rows").iter();
    rows.map(|row| text(&row["portalUser"]["portalUserId"])).collect()
}

async fn times(staff: &Staff, who: &Invited, action: &str) -> usize {
    staff.actions(&who.client).await.into_iter().filter(|done| done == action).count()
}

#[tokio::test]
async fn an_unlocked_person_tries_at_once_with_the_allowance_of_any_name() {
    let (world, dana, who) = scene().await;
    lock(&world, &who.email).await;
    world.pass(60);
    fail(&world, &who.email, None, 1).await;
    let locked = world.sign_in(&who.email, PASSWORD).await;
    assert_eq!(locked.headers["retry-after"], "120");
    world.deliver().await;
    assert_eq!(listed(&dana).await, [who.user.as_str()]);

    world.wire.forget();
    let user = unlock(&dana, &who).await.expect(200);
    let round_trips = world.wire.seen();
    assert_eq!(round_trips.iter().filter(|r| *r == "TransactWriteItems").count(), 1);
    assert!(
        round_trips.len() <= 4,
        "two, and the session's check and use beside them: {round_trips:?}"
    );
    assert_eq!((&user["portalUserId"], &user["status"]), (&json!(who.user), &json!("active")));
    assert!(user.get("lockedUntil").is_none());
    assert!(dana.user(&who).await.get("lockedUntil").is_none());
    assert!(listed(&dana).await.is_empty());
    let history = dana.get(&format!("/api/clients/{}/history", who.client)).await.expect(200);
    let events = history["events"].as_array().expect("a list");
    let event = events.iter().find(|e| e["action"] == "access-unlocked").expect("an event");
    assert_eq!(event["portalUserId"], json!(who.user));
    assert_eq!(
        (&event["actor"]["name"], &event["changed"]),
        (&json!("Dana"), &json!(["lockedUntil"]))
    );

    // Five again, and then the shortest wait.
    fail(&world, &who.email, None, 4).await;
    world.sign_in(&who.email, PASSWORD).await.expect(200);
    fail(&world, &who.email, None, 1).await;
    let locked = world.sign_in(&who.email, PASSWORD).await;
    assert_eq!(locked.headers["retry-after"], "60");
    locked.problem(429, "too_many_attempts");
}

#[tokio::test]
async fn a_device_that_locked_itself_begins_anew_too() {
    let (world, dana, who) = scene().await;
    let (one, two) = (known(&world, &who).await, known(&world, &who).await);
    for name_too in [false, true] {
        let before = times(&dana, &who, "access-unlocked").await;
        fail(&world, &who.email, Some(&one), 5).await;
        enter(&world, &who.email, PASSWORD, Some(&one)).await.problem(429, "too_many_attempts");
        fail(&world, &who.email, Some(&two), 4).await;
        if name_too {
            lock(&world, &who.email).await;
        }
        unlock(&dana, &who).await.expect(200);
        assert_eq!(times(&dana, &who, "access-unlocked").await, before + 1);
        fail(&world, &who.email, Some(&one), 4).await;
        enter(&world, &who.email, PASSWORD, Some(&one)).await.expect(200);
        fail(&world, &who.email, Some(&two), 4).await;
        enter(&world, &who.email, PASSWORD, Some(&two)).await.expect(200);
        // No more than five each.
        fail(&world, &who.email, Some(&one), 5).await;
        enter(&world, &who.email, PASSWORD, Some(&one)).await.problem(429, "too_many_attempts");
        world.pass(60);
        enter(&world, &who.email, PASSWORD, Some(&one)).await.expect(200);
    }
}

#[tokio::test]
async fn wrong_codes_of_a_second_factor_are_forgotten_with_the_passwords() {
    let (world, dana, who) = scene().await;
    let offered = json!({"version": 1, "secondFactor": "offered"});
    dana.patch("/api/practice", &offered).await.expect(200);
    let browser = world.browser(&who.email, PASSWORD, "one").await;
    let proof = json!({"proof": {"password": PASSWORD}});
    let totp = |method: &str, body: &Value| {
        let call = Call::new(method, "/api/portal/account/totp").json(body);
        browser.send(call)
    };
    let given = totp("POST", &proof).await.expect(200);
    let app = Authenticator::new(&text(&given["secret"]));
    totp("PUT", &json!({"code": app.code(world.now())})).await.expect(204);
    world.pass(30);
    let asked = world.sign_in(&who.email, PASSWORD).await.problem(401, "second_factor_required");
    let second = async |code: &str| {
        let body = json!({"challenge": asked["challenge"], "method": "totp", "code": code});
        world.send(Call::new("POST", "/api/portal/sign-in/factor").json(&body)).await
    };
    for _ in 0..5 {
        second("000000").await.problem(401, "factor_failed");
    }
    let code = app.code(world.now());
    second(&code).await.problem(429, "too_many_attempts");
    unlock(&dana, &who).await.expect(200);
    second(&code).await.expect(200);
}

#[tokio::test]
async fn what_strangers_counted_against_their_network_stays() {
    let (world, dana, who) = scene().await;
    let stranger = async |username: &str, password: &str| {
        let body = json!({"practice": "harbor", "username": username, "password": password});
        let call = Call::new("POST", "/api/portal/sign-in").json(&body);
        world.send(call.from(ELSEWHERE)).await
    };
    for _ in 0..5 {
        stranger(&who.email, WRONG).await.problem(401, "sign_in_failed");
    }
    for n in 0..45 {
        stranger(&format!("nobody{n}"), WRONG).await.problem(401, "sign_in_failed");
    }
    unlock(&dana, &who).await.expect(200);
    stranger(&who.email, PASSWORD).await.problem(429, "too_many_attempts");
    world.sign_in(&who.email, PASSWORD).await.expect(200);
}

#[tokio::test]
async fn an_unlocked_name_answers_like_one_that_nobody_has() {
    let (world, dana, who) = scene().await;
    lock(&world, &who.email).await;
    unlock(&dana, &who).await.expect(200);
    for n in 0..5 {
        let [here, nobody] = [
            world.sign_in(&who.email, WRONG).await,
            world.sign_in("nobody@mail.example", WRONG).await,
        ];
        here.assert_alike(&nobody, &format!("try {n}"));
    }
    let [here, nobody] = [
        world.sign_in(&who.email, PASSWORD).await,
        world.sign_in("nobody@mail.example", PASSWORD).await,
    ];
    assert_eq!(here.headers["retry-after"], nobody.headers["retry-after"]);
    here.assert_alike(&nobody, "locked again");
}

#[tokio::test]
async fn a_person_with_two_charts_is_unlocked_whole() {
    let (world, dana, who) = scene().await;
    let sibling = dana.client("Zoe", "Okafor", "1984-03-12").await;
    let there = dana.invite(&sibling, &who.email).await;
    world.enroll(&there.token, "Okafor", "1984-03-12", PASSWORD).await.expect(201);
    lock(&world, &who.email).await;
    world.deliver().await;
    assert_eq!(listed(&dana).await.len(), 2);
    let version = dana.user(&there).await["version"].clone();
    unlock(&dana, &who).await.expect(200);
    assert!(listed(&dana).await.is_empty());
    for of in [&who, &there] {
        assert!(dana.user(of).await.get("lockedUntil").is_none());
    }
    assert_eq!(dana.user(&there).await["version"], version);
    assert_eq!(times(&dana, &who, "access-unlocked").await, 1);
    world.sign_in(&who.email, PASSWORD).await.expect(200);
}

#[tokio::test]
async fn where_nothing_is_locked_it_is_answered_alike_and_nothing_is_said_to_have_happened() {
    let (world, dana, who) = scene().await;
    let stranger = dana.enrolled().await;
    lock(&world, &stranger.email).await;
    for failures in [0, 4, 1] {
        fail(&world, &who.email, None, failures).await;
        if failures == 1 {
            world.pass(60);
        }
        let before = world.items_but_sessions().await;
        let user = unlock(&dana, &who).await.expect(200);
        assert_eq!(user["portalUserId"], json!(who.user));
        assert_eq!(world.items_but_sessions().await, before, "{failures}");
        assert_eq!(dana.actions(&who.client).await[0], "portal-user-shown");
        assert_eq!(times(&dana, &who, "access-unlocked").await, 0);
    }
}

#[tokio::test]
async fn it_gives_no_access() {
    let (world, dana, who) = scene().await;
    let invited = dana.invite(&who.client, "kim@mail.example").await;
    dana.revoke(&who).await.expect(200);
    for (one, status) in [(&who, "revoked"), (&invited, "invited")] {
        fail(&world, &one.email, None, 5).await;
        world.deliver().await;
        assert!(listed(&dana).await.is_empty());
        assert_eq!(unlock(&dana, one).await.expect(200)["status"], status);
        assert_eq!(dana.user(one).await["status"], status);
        assert!(dana.user(one).await.get("lockedUntil").is_none());
    }
    world.sign_in(&who.email, PASSWORD).await.problem(403, "access_not_active");
    world.sign_in(&invited.email, PASSWORD).await.problem(401, "sign_in_failed");
}

#[tokio::test]
async fn auditors_and_other_practices_unlock_nobody() {
    let (world, dana, who) = scene().await;
    let ada = world.staff("harbor", "Ada", Role::Auditor).await;
    let casey = world.staff("cove", "Casey", Role::Admin).await;
    lock(&world, &who.email).await;
    unlock(&ada, &who).await.problem(403, "read_only");
    unlock(&casey, &who).await.problem(404, "not_found");
    let other = dana.enrolled().await;
    let crossed = Invited { client: other.client.clone(), ..who.clone() };
    unlock(&dana, &crossed).await.problem(404, "not_found");
    world.sign_in(&who.email, PASSWORD).await.problem(429, "too_many_attempts");
    unlock(&dana, &who).await.expect(200);
    world.sign_in(&who.email, PASSWORD).await.expect(200);
}

#[tokio::test]
async fn a_repeated_request_unlocks_once() {
    let (world, dana, who) = scene().await;
    lock(&world, &who.email).await;
    let call = || {
        let call = Call::new("POST", &format!("{}/unlock", who.path()));
        call.header("idempotency-key", "one")
    };
    let first = dana.send(call()).await.expect(200);
    lock(&world, &who.email).await;
    assert_eq!(dana.send(call()).await.expect(200), first);
    world.sign_in(&who.email, PASSWORD).await.problem(429, "too_many_attempts");
    assert_eq!(times(&dana, &who, "access-unlocked").await, 1);
    dana.delete(&who, "confirm=delete").await.expect(200);
    dana.send(call()).await.problem(409, "deleted");
}

#[tokio::test]
async fn an_edit_of_what_was_seen_before_is_stale() {
    let (world, dana, who) = scene().await;
    let version = dana.user(&who).await["version"].clone();
    lock(&world, &who.email).await;
    unlock(&dana, &who).await.expect(200);
    let edit = json!({"version": version, "permissions": ["basic"]});
    dana.patch(&who.path(), &edit).await.problem(409, "stale");
}

/// The stream tells the lists of a lock a moment later.
#[tokio::test]
async fn word_of_a_lock_that_staff_ended_lists_nobody() {
    let (world, dana, who) = scene().await;
    lock(&world, &who.email).await;
    let records = world.records();
    unlock(&dana, &who).await.expect(200);
    assert_eq!(world.redeliver(records).await, 0);
    assert!(listed(&dana).await.is_empty());
    assert!(!world.items().await.keys().any(|key| key.contains(" LOCKOUT#")));

    // It was read before, and is written after.
    lock(&world, &who.email).await;
    let records = world.records();
    world.wire.hold();
    let late = world.redeliver(records);
    let staff = async {
        let write = world.wire.write().await;
        world.wire.let_go();
        unlock(&dana, &who).await.expect(200);
        write.release();
    };
    let (late, ()) = futures::join!(late, staff);
    assert_eq!(late, 0);
    assert!(listed(&dana).await.is_empty());
}

#[tokio::test]
async fn a_list_that_names_a_person_whose_sign_in_name_changed_lets_go_of_them() {
    let (world, dana, who) = scene().await;
    lock(&world, &who.email).await;
    world.deliver().await;
    let version = dana.user(&who).await["version"].clone();
    let edit = json!({"version": version, "username": "another.name"});
    dana.patch(&who.path(), &edit).await.expect(200);
    unlock(&dana, &who).await.expect(200);
    assert!(listed(&dana).await.is_empty());
    assert_eq!(times(&dana, &who, "access-unlocked").await, 0);
}

#[tokio::test]
async fn failures_and_an_unlocking_are_counted_one_after_the_other() {
    for right in [false, true] {
        let (world, dana, who) = scene().await;
        lock(&world, &who.email).await;
        let (refused, heard) = (Cell::new(0), Cell::new(0));
        let begin = |of: usize| {
            let (world, dana, who) = (&world, &dana, &who);
            async move {
                match (of, right) {
                    (0, _) => unlock(dana, who).await,
                    (_, true) => world.sign_in(&who.email, PASSWORD).await,
                    (_, false) => world.sign_in(&who.email, WRONG).await,
                }
            }
        };
        let orders = meet_distinct(&world, begin, async |ended| {
            let Ended { order, answers: [unlocked, tried], after } = ended;
            unlocked.expect(200);
            let said = tried.status.as_u16();
            assert!(said == 429 || said == if right { 200 } else { 401 }, "{order}: {said}");
            assert!(!(after && said == 429), "{order}: the unlocking had answered");
            let of = if said == 429 { &refused } else { &heard };
            of.set(of.get() + 1);
            // What is left of the allowance shows what was counted.
            let left = if said == 401 { 4 } else { 5 };
            fail(&world, &who.email, None, left).await;
            world.sign_in(&who.email, PASSWORD).await.problem(429, "too_many_attempts");
        });
        assert!(orders.await > 3);
        assert!(refused.get() > 0 && heard.get() > 0, "both happen");
    }
}

#[tokio::test]
async fn of_two_who_unlock_at_once_one_is_said_to_have_done_it() {
    let (world, dana, who) = scene().await;
    let felix = world.staff("harbor", "Felix", Role::Staff).await;
    lock(&world, &who.email).await;
    let begin = |of: usize| {
        let (staff, who) = (if of == 0 { &dana } else { &felix }, &who);
        async move { unlock(staff, who).await }
    };
    let orders = meet_distinct(&world, begin, async |ended| {
        for answer in ended.answers {
            answer.expect(200);
        }
        assert_eq!(times(&dana, &who, "access-unlocked").await, 1, "{}", ended.order);
    });
    assert!(orders.await > 3);
}
