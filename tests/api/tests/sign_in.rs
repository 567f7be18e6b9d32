//! Rules 9 and 10, and section 4: signing in tells nobody who exists, guessing is slow, and
//! sessions end when they should.

use std::time::{Duration, Instant};

use api_tests::{Answer, BEGINNING, Call, PASSWORD, STAFF, World, people::text, wire::Fault};
use futures::future::join_all;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, jwk::JwkSet};
use serde_json::{Value, json};
use shared::{account::Account, id::PracticeId, keys, practice::Practice, store::Update};

const COOKIE: &str = "__Host-latchkey-portal";
const DEVICE: &str = "__Host-latchkey-device";
const STAFF_COOKIE: &str = "__Host-latchkey-staff";
const WRONG: &str = "not the password at all";

/// All of an answer but what names the request.
fn seen(answer: &Answer) -> (u16, Vec<(String, String)>, Value) {
    let mut body = answer.body.clone();
    if let Some(body) = body.as_object_mut() {
        body.remove("requestId");
    }
    let headers = answer.headers.iter().filter(|(name, _)| *name != "x-request-id");
    let headers = headers.map(|(n, v)| (n.to_string(), v.to_str().unwrap_or("").to_owned()));
    (answer.status.as_u16(), headers.collect(), body)
}

fn retry_after(answer: &Answer) -> u32 {
    let value = answer.headers.get("retry-after").and_then(|v| v.to_str().ok());
    value.and_then(|v| v.parse().ok()).expect("Retry-After")
}

async fn sign_in_from(world: &World, address: &str, username: &str, password: &str) -> Answer {
    let body = json!({"practice": "harbor", "username": username, "password": password});
    world.send(Call::new("POST", "/api/portal/sign-in").json(&body).from(address)).await
}

async fn sign_out(world: &World, cookie: &str) -> Answer {
    world.send(Call::new("DELETE", "/api/portal/session").cookie(cookie)).await
}

async fn lock(world: &World) -> Value {
    let items = world.items().await;
    let mut locks = items.iter().filter(|(key, _)| key.ends_with(" LOCK"));
    let (_, item) = locks.next().expect("a counter");
    assert!(locks.next().is_none(), "one counter");
    serde_json::from_str(item).expect("JSON")
}

#[tokio::test]
async fn an_unknown_username_and_a_wrong_password_are_answered_alike() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = dana.enrolled().await;
    let client = dana.client("Wren", "Okafor", "1984-03-12").await;
    let invited = dana.invite(&client, "waiting@mail.example").await;
    let revoked = dana.enrolled().await;
    dana.revoke(&revoked).await.expect(200);

    world.wire.forget();
    let unknown = world.sign_in("nobody@mail.example", WRONG).await;
    let requests = world.wire.seen();
    unknown.clone().problem(401, "sign_in_failed");
    assert_eq!(requests, ["BatchGetItem", "TransactWriteItems"]);
    for username in [&who.email, &invited.email, &revoked.email] {
        world.wire.forget();
        let known = world.sign_in(username, WRONG).await;
        assert_eq!(seen(&known), seen(&unknown), "{username}");
        assert_eq!(world.wire.seen(), requests, "{username}");
    }
    // An account that waits for its first password has none that works.
    world.sign_in(&invited.email, PASSWORD).await.problem(401, "sign_in_failed");
    // Nor does it help to name a practice where the username is not.
    let body = json!({"practice": "cove", "username": who.email, "password": PASSWORD});
    let elsewhere = world.send(Call::new("POST", "/api/portal/sign-in").json(&body)).await;
    assert_eq!(seen(&elsewhere), seen(&unknown));
    assert_eq!(seen(&sign_in_nowhere(&world, &who.email).await), seen(&unknown));
}

async fn sign_in_nowhere(world: &World, username: &str) -> Answer {
    let body = json!({"practice": "nowhere", "username": username, "password": PASSWORD});
    world.send(Call::new("POST", "/api/portal/sign-in").json(&body)).await
}

/// Of a practice that does not exist nothing is kept but that its caller failed.
#[tokio::test]
async fn attempts_at_a_practice_that_does_not_exist_count_against_their_source_alone() {
    let world = World::new().await;
    let who = world.dana().await.enrolled().await;
    let before = (world.items().await, world.events().await);
    for _ in 0..50 {
        world.wire.forget();
        sign_in_nowhere(&world, &who.email).await.problem(401, "sign_in_failed");
        assert_eq!(world.wire.seen(), ["BatchGetItem", "TransactWriteItems"]);
    }
    let mut items = world.items().await;
    items.retain(|key, _| !before.0.contains_key(key));
    let new: Vec<&String> = items.keys().collect();
    assert!(
        matches!(new[..], [key] if key.starts_with("N#") && key.ends_with(" SOURCE")),
        "{new:?}"
    );
    assert_eq!(world.events().await, before.1);

    sign_in_nowhere(&world, &who.email).await.problem(429, "too_many_attempts");
    world.sign_in(&who.email, PASSWORD).await.problem(429, "too_many_attempts");
    sign_in_from(&world, "198.51.100.10", &who.email, PASSWORD).await.expect(200);
}

#[tokio::test]
async fn an_unknown_username_costs_as_much_hashing_as_a_wrong_password() {
    let world = World::new().await;
    let who = world.dana().await.enrolled().await;
    let took = async |answer: &mut (dyn Future<Output = Answer> + Unpin)| -> Duration {
        let began = Instant::now();
        answer.await.problem(401, "sign_in_failed");
        began.elapsed()
    };
    let [mut known, mut unknown] = [Duration::MAX; 2];
    // The quickest of each: what else the machine does can only add. Without the hashing it would
    // be a tenth.
    for turn in 0..4 {
        let somebody = format!("nobody{turn}@mail.example");
        known = known.min(took(&mut Box::pin(world.sign_in(&who.email, WRONG))).await);
        unknown = unknown.min(took(&mut Box::pin(world.sign_in(&somebody, WRONG))).await);
    }
    assert!(unknown * 2 > known && known * 2 > unknown, "{known:?} and {unknown:?}");
}

/// "Four wrong, wait, two more: 401, 401" told that the owner had signed in meanwhile.
#[tokio::test]
async fn that_the_owner_signed_in_changes_nothing_for_a_stranger() {
    let world = World::new().await;
    let who = world.dana().await.enrolled().await;
    let mut stories = Vec::new();
    for (username, owner) in [(who.email.as_str(), true), ("nobody@mail.example", false)] {
        let mut story = Vec::new();
        for _ in 0..4 {
            story.push(seen(&world.sign_in(username, WRONG).await));
        }
        if owner {
            world.signed_in(username, PASSWORD).await;
        }
        for _ in 0..2 {
            story.push(seen(&world.sign_in(username, WRONG).await));
        }
        stories.push(story);
    }
    assert_eq!(stories[0], stories[1]);
    let statuses: Vec<u16> = stories[0].iter().map(|answer| answer.0).collect();
    assert_eq!(statuses, [401, 401, 401, 401, 401, 429]);
}

#[tokio::test]
async fn after_five_failures_a_username_waits_longer_and_longer_whether_or_not_it_exists() {
    let world = World::new().await;
    let who = world.dana().await.enrolled().await;
    let mut stories = Vec::new();
    for username in [who.email.as_str(), "nobody@mail.example"] {
        let mut story = Vec::new();
        for _ in 0..4 {
            story.push(seen(&world.sign_in(username, WRONG).await));
        }
        for minutes in [1, 2, 4, 8, 15, 15, 15] {
            let failed = world.sign_in(username, WRONG).await;
            story.push(seen(&failed));
            failed.problem(401, "sign_in_failed");

            world.wire.forget();
            for password in [WRONG, PASSWORD] {
                let locked = world.sign_in(username, password).await;
                assert_eq!(retry_after(&locked), minutes * 60);
                story.push(seen(&locked));
                locked.problem(429, "too_many_attempts");
            }
            // What is refused outright is not judged, and writes nothing.
            assert_eq!(world.wire.seen(), ["BatchGetItem", "BatchGetItem"]);
            world.pass(i64::from(minutes) * 60 - 1);
            let locked = world.sign_in(username, PASSWORD).await;
            assert_eq!(retry_after(&locked), 1);
            locked.problem(429, "too_many_attempts");
            world.pass(1);
        }
        stories.push(story);
    }
    assert_eq!(stories[0], stories[1]);
    world.signed_in(&who.email, PASSWORD).await;
}

#[tokio::test]
async fn the_case_of_a_username_makes_no_other_counter() {
    let world = World::new().await;
    let who = world.dana().await.enrolled().await;
    let upper = who.email.to_uppercase();
    for username in [&who.email, &upper, &who.email, &upper, &who.email] {
        world.sign_in(username, WRONG).await.problem(401, "sign_in_failed");
    }
    world.sign_in(&upper, PASSWORD).await.problem(429, "too_many_attempts");
    world.sign_in(&who.email, PASSWORD).await.problem(429, "too_many_attempts");
}

#[tokio::test]
async fn failures_are_forgotten_a_day_after_the_last_one() {
    let world = World::new().await;
    let who = world.dana().await.enrolled().await;
    for _ in 0..4 {
        world.sign_in(&who.email, WRONG).await.problem(401, "sign_in_failed");
    }
    world.pass(24 * 60 * 60 - 1);
    world.sign_in(&who.email, WRONG).await.problem(401, "sign_in_failed");
    world.sign_in(&who.email, WRONG).await.problem(429, "too_many_attempts");
    world.pass(24 * 60 * 60);
    for _ in 0..5 {
        world.sign_in(&who.email, WRONG).await.problem(401, "sign_in_failed");
    }
    world.sign_in(&who.email, WRONG).await.problem(429, "too_many_attempts");
}

#[tokio::test]
async fn failures_stand_in_the_table_and_their_key_names_nobody() {
    let world = World::new().await;
    for n in 1..=3 {
        world.sign_in("nobody@mail.example", WRONG).await.problem(401, "sign_in_failed");
        assert_eq!(lock(&world).await["failures"], n);
    }
    let items = world.items().await;
    assert!(!items.iter().any(|(k, v)| k.contains("nobody@") || v.contains("nobody@")));
    assert!(!items.iter().any(|(k, v)| k.contains("203.0.113") || v.contains("203.0.113")));
}

#[tokio::test]
async fn a_lock_ends_no_session_and_revokes_nothing() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = dana.enrolled().await;
    let cookie = world.signed_in(&who.email, PASSWORD).await;
    for _ in 0..5 {
        world.sign_in(&who.email, WRONG).await.problem(401, "sign_in_failed");
    }
    world.sign_in(&who.email, PASSWORD).await.problem(429, "too_many_attempts");
    world.session(&cookie).await.expect(200);
    let user = dana.user(&who).await;
    assert_eq!(user["status"], "active");
    assert_eq!(user["lockedUntil"], json!(world.now().plus(60)), "staff see until when");
    world.pass(60);
    assert_eq!(dana.user(&who).await.get("lockedUntil"), None);
}

#[tokio::test]
async fn of_many_guesses_at_once_five_are_answered() {
    let world = World::new().await;
    let who = world.dana().await.enrolled().await;
    for username in [who.email.as_str(), "nobody@mail.example"] {
        let answers = join_all((0..20).map(|_| world.sign_in(username, WRONG))).await;
        let count = |status: u16| answers.iter().filter(|a| a.status == status).count();
        assert_eq!((count(401), count(429)), (5, 15), "{username}");
        world.sign_in(username, PASSWORD).await.problem(429, "too_many_attempts");
    }
}

#[tokio::test]
async fn among_many_guesses_at_once_the_right_one_is_counted_like_the_wrong_ones() {
    let world = World::new().await;
    let who = world.dana().await.enrolled().await;
    let guess = |n: usize| if n == 20 { PASSWORD } else { WRONG };
    let answers = join_all((0..21).map(|n| world.sign_in(&who.email, guess(n)))).await;
    let before = |right: bool| if right { 5 + 4 } else { 5 };
    let right = answers[20].status == 200;
    let told = answers[..20].iter().filter(|a| a.status == 401).count();
    assert!(told <= before(right), "{told} of twenty guesses were answered");
    assert!(answers.iter().all(|a| [200, 401, 429].contains(&a.status.as_u16())));
}

/// A guess was read and judged, and its write is late: five others are counted meanwhile. Neither
/// answer may leave.
#[tokio::test]
async fn no_answer_leaves_on_a_count_that_is_old() {
    for password in [PASSWORD, WRONG] {
        let world = World::new().await;
        let who = world.dana().await.enrolled().await;
        world.wire.hold();
        let late = world.sign_in(&who.email, password);
        let others = async {
            let write = world.wire.write().await;
            world.wire.let_go();
            for _ in 0..5 {
                world.sign_in(&who.email, WRONG).await.problem(401, "sign_in_failed");
            }
            write.release();
        };
        let (late, ()) = futures::join!(late, others);
        late.problem(429, "too_many_attempts");
        assert_eq!(lock(&world).await["failures"], 5);
    }
}

#[tokio::test]
async fn somebody_honest_gets_in_beside_a_guesser_who_is_not_locked_yet() {
    let world = World::new().await;
    let who = world.dana().await.enrolled().await;
    world.wire.hold();
    let late = world.sign_in(&who.email, PASSWORD);
    let others = async {
        let write = world.wire.write().await;
        world.wire.let_go();
        for _ in 0..4 {
            world.sign_in(&who.email, WRONG).await.problem(401, "sign_in_failed");
        }
        write.release();
    };
    let (late, ()) = futures::join!(late, others);
    late.expect(200);
    assert_eq!(lock(&world).await["failures"], 4);
}

#[tokio::test]
async fn what_cannot_be_counted_is_not_answered() {
    let world = World::new().await;
    let who = world.dana().await.enrolled().await;
    let before = (world.items().await, world.events().await);
    world.wire.break_after("TransactWriteItems", 0, Fault::Error, 100);
    for (username, password) in
        [(who.email.as_str(), WRONG), (who.email.as_str(), PASSWORD), ("nobody@x.example", WRONG)]
    {
        let answer = world.sign_in(username, password).await;
        assert!(answer.cookie(COOKIE).is_none());
        answer.problem(503, "unavailable");
    }
    assert_eq!((world.items().await, world.events().await), before);
    world.wire.forget();
    // A transaction in the way is no answer either: it is tried again.
    world.wire.break_after("TransactWriteItems", 0, Fault::Conflict, 2);
    world.sign_in(&who.email, WRONG).await.problem(401, "sign_in_failed");
    assert_eq!(lock(&world).await["failures"], 1);
}

#[tokio::test]
async fn failures_of_an_address_are_counted_across_usernames_and_successes_are_not() {
    let world = World::new().await;
    let who = world.dana().await.enrolled().await;
    let (guesser, home) = ("198.51.100.9", "198.51.100.10");
    for n in 0..49 {
        let username = format!("nobody{n}@mail.example");
        sign_in_from(&world, guesser, &username, WRONG).await.problem(401, "sign_in_failed");
    }
    for _ in 0..3 {
        sign_in_from(&world, guesser, &who.email, PASSWORD).await.expect(200);
    }
    sign_in_from(&world, guesser, "one more", WRONG).await.problem(400, "invalid");
    sign_in_from(&world, guesser, "one-more", WRONG).await.problem(401, "sign_in_failed");
    for username in [who.email.as_str(), "another"] {
        let refused = sign_in_from(&world, guesser, username, PASSWORD).await;
        assert!((1..=15 * 60).contains(&retry_after(&refused)));
        refused.problem(429, "too_many_attempts");
    }
    // Everybody else signs in as ever; and so does that address when its window is over.
    sign_in_from(&world, home, &who.email, PASSWORD).await.expect(200);
    world.pass(15 * 60);
    sign_in_from(&world, guesser, &who.email, PASSWORD).await.expect(200);
    sign_in_from(&world, guesser, "one-more", WRONG).await.problem(401, "sign_in_failed");
}

/// One IPv6 address comes with the 2⁶⁴ of its network; IPv4 is counted by host, however written.
#[tokio::test]
async fn failures_are_counted_by_network_where_everybody_has_many_addresses() {
    let world = World::new().await;
    let who = world.dana().await.enrolled().await;
    for n in 1..=50 {
        let (address, username) = (format!("2001:db8:1:2:{n:x}::{n:x}"), format!("nobody{n}"));
        sign_in_from(&world, &address, &username, WRONG).await.problem(401, "sign_in_failed");
    }
    for refused in ["2001:db8:1:2::1", "2001:DB8:1:2:ffff::"] {
        let answer = sign_in_from(&world, refused, &who.email, PASSWORD).await;
        answer.problem(429, "too_many_attempts");
    }
    sign_in_from(&world, "2001:db8:1:3::1", &who.email, PASSWORD).await.expect(200);

    for n in 1..=50 {
        let address = if n % 2 == 0 { "198.51.100.9" } else { "::ffff:198.51.100.9" };
        let username = format!("somebody{n}");
        sign_in_from(&world, address, &username, WRONG).await.problem(401, "sign_in_failed");
    }
    for refused in ["198.51.100.9", "::ffff:198.51.100.9"] {
        let answer = sign_in_from(&world, refused, &who.email, PASSWORD).await;
        answer.problem(429, "too_many_attempts");
    }
    sign_in_from(&world, "::ffff:198.51.100.10", &who.email, PASSWORD).await.expect(200);
}

/// A /56 holds 256 networks of 64 bits, and a /48 holds 65,536.
#[tokio::test]
async fn the_networks_of_one_household_and_of_one_site_have_a_limit_together() {
    for (limit, inside, beside) in [
        (100, "2001:db8:1:2ff::1", "2001:db8:1:300::1"),
        (200, "2001:db8:1:ffff::1", "2001:db8:2::1"),
    ] {
        let world = World::new().await;
        let who = world.dana().await.enrolled().await;
        for n in 0..limit {
            // Eight a network, and in the second round no household has more than sixteen.
            let network = if limit == 100 { 0x200 + n / 8 } else { (n / 8) * 0x80 };
            let (address, username) =
                (format!("2001:db8:1:{network:x}::{n:x}"), format!("nobody{n}"));
            sign_in_from(&world, &address, &username, WRONG).await.problem(401, "sign_in_failed");
        }
        let refused = sign_in_from(&world, inside, &who.email, PASSWORD).await;
        assert_eq!(retry_after(&refused), 15 * 60, "{limit}");
        refused.problem(429, "too_many_attempts");
        sign_in_from(&world, beside, &who.email, PASSWORD).await.expect(200);
        world.pass(15 * 60);
        sign_in_from(&world, inside, &who.email, PASSWORD).await.expect(200);
    }
}

#[tokio::test]
async fn all_practices_share_the_failures_of_a_source() {
    let world = World::new().await;
    let who = world.dana().await.enrolled().await;
    for n in 0..5 {
        let id = format!("practice{n}");
        world.practice(&id, &id, |_| {}).await;
    }
    let address = "198.51.100.9";
    for n in 0..50 {
        let practice = format!("practice{}", n % 5);
        let body =
            json!({"practice": practice, "username": format!("nobody{n}"), "password": WRONG});
        let call = Call::new("POST", "/api/portal/sign-in").json(&body).from(address);
        world.send(call).await.problem(401, "sign_in_failed");
    }
    sign_in_from(&world, address, &who.email, PASSWORD).await.problem(429, "too_many_attempts");
    sign_in_from(&world, "198.51.100.10", &who.email, PASSWORD).await.expect(200);
}

#[tokio::test]
async fn that_access_is_not_active_is_said_after_the_right_password_only() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = dana.enrolled().await;
    dana.revoke(&who).await.expect(200);
    let unknown = world.sign_in("nobody@mail.example", WRONG).await;
    assert_eq!(seen(&world.sign_in(&who.email, WRONG).await), seen(&unknown));
    let refused = world.sign_in(&who.email, PASSWORD).await;
    assert!(refused.headers.get("set-cookie").is_none());
    refused.problem(403, "access_not_active");
    for _ in 0..4 {
        world.sign_in(&who.email, WRONG).await.problem(401, "sign_in_failed");
    }
    world.sign_in(&who.email, PASSWORD).await.problem(429, "too_many_attempts");
}

#[tokio::test]
async fn a_clients_session_ends_ten_minutes_after_its_last_use() {
    let world = World::new().await;
    let who = world.dana().await.enrolled().await;
    let cookie = world.signed_in(&who.email, PASSWORD).await;
    for _ in 0..3 {
        world.pass(10 * 60 - 1);
        let session = world.session(&cookie).await.expect(200);
        let ends = world.now().plus(10 * 60);
        assert_eq!(session["expiresAt"], json!(ends));
    }
    world.pass(10 * 60);
    world.session(&cookie).await.problem(401, "signed_out");
    sign_out(&world, &cookie).await.problem(401, "signed_out");
}

#[tokio::test]
async fn a_clients_session_ends_after_an_hour_however_much_it_is_used() {
    let world = World::new().await;
    let who = world.dana().await.enrolled().await;
    let cookie = world.signed_in(&who.email, PASSWORD).await;
    for _ in 0..11 {
        world.pass(5 * 60);
        world.session(&cookie).await.expect(200);
    }
    world.pass(5 * 60 - 1);
    let session = world.session(&cookie).await.expect(200);
    assert_eq!(session["expiresAt"], json!(world.now().plus(1)), "never past the hour");
    world.pass(1);
    world.session(&cookie).await.problem(401, "signed_out");
}

#[tokio::test]
async fn a_session_of_staff_ends_after_half_an_hour_unused_and_after_twelve_hours_in_any_case() {
    let world = World::new().await;
    let dana = world.dana().await;
    for _ in 0..24 {
        world.pass(30 * 60 - 1);
        dana.get("/api/staff/session").await.expect(200);
    }
    world.pass(23);
    dana.get("/api/staff/session").await.expect(200);
    world.pass(1);
    dana.get("/api/staff/session").await.problem(401, "signed_out");

    let dana = world.dana().await;
    world.pass(30 * 60);
    dana.get("/api/staff/session").await.problem(401, "signed_out");
    dana.post(
        "/api/clients",
        &json!({"name": {"first": "A", "last": "B"}, "dateOfBirth": "1984-03-12"}),
    )
    .await
    .problem(401, "signed_out");
}

#[tokio::test]
async fn the_ends_of_sessions_are_the_practices_to_set() {
    let world = World::new().await;
    world
        .practice("harbor", "Harbor Practice", |p| {
            p.client_idle_seconds = 60;
            p.client_session_seconds = 90;
        })
        .await;
    let who = world.dana().await.enrolled().await;
    let cookie = world.signed_in(&who.email, PASSWORD).await;
    world.pass(59);
    world.session(&cookie).await.expect(200);
    world.pass(30);
    world.session(&cookie).await.expect(200);
    world.pass(1);
    world.session(&cookie).await.problem(401, "signed_out");
    let cookie = world.signed_in(&who.email, PASSWORD).await;
    world.pass(60);
    world.session(&cookie).await.problem(401, "signed_out");
}

#[tokio::test]
async fn whoever_stays_is_signed_in_however_short_the_practice_makes_idleness() {
    let world = World::new().await;
    for (idle, step) in [(60, 6), (300, 30), (600, 60), (3600, 60)] {
        let set = |p: &mut Practice| {
            (p.client_idle_seconds, p.client_session_seconds) = (idle, 24 * 60 * 60);
        };
        world.practice("harbor", "Harbor Practice", set).await;
        let who = world.dana().await.enrolled().await;
        let cookie = world.signed_in(&who.email, PASSWORD).await;
        let writes = || world.wire.seen().iter().filter(|o| *o == "TransactWriteItems").count();
        world.wire.forget();
        // Moved by less than a step the idle end stays, which can only end a session early.
        world.pass(step - 1);
        world.session(&cookie).await.expect(200);
        assert_eq!(writes(), 0, "{idle}");
        world.pass(1);
        world.session(&cookie).await.expect(200);
        assert_eq!(writes(), 1, "{idle}");
        for _ in 0..10 {
            world.pass(idle / 12);
            world.session(&cookie).await.expect(200);
        }
    }
}

#[tokio::test]
async fn signing_out_ends_this_session_and_no_other() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = dana.enrolled().await;
    let one = world.signed_in(&who.email, PASSWORD).await;
    let two = world.signed_in(&who.email, PASSWORD).await;
    let gone = sign_out(&world, &one).await;
    let cookie = gone.headers["set-cookie"].to_str().expect("text").to_owned();
    gone.expect(204);
    assert!(cookie.starts_with(&format!("{COOKIE}=;")) && cookie.contains("Max-Age=0"), "{cookie}");
    world.session(&one).await.problem(401, "signed_out");
    sign_out(&world, &one).await.problem(401, "signed_out");
    world.session(&two).await.expect(200);
    // What staff are told to have ended counts what lives: the one from enrolling, and the other.
    assert_eq!(dana.revoke(&who).await.expect(200)["ended"]["sessions"], 2);
}

#[tokio::test]
async fn signing_out_is_told_to_the_charts_that_the_session_could_open() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = dana.enrolled().await;
    let cookie = world.signed_in(&who.email, PASSWORD).await;
    let later = dana.client("Silas", "Okafor", "2015-06-01").await;
    let invited = dana.invite(&later, &who.email).await;
    world.enroll(&invited.token, "Okafor", "2015-06-01", PASSWORD).await.expect(201);
    world.pass(1);
    sign_out(&world, &cookie).await.expect(204);
    assert_eq!(dana.actions(&who.client).await[0], "signed-out");
    assert_eq!(dana.actions(&later).await[0], "chart-joined");
}

#[tokio::test]
async fn an_account_has_ten_sessions_at_most_and_the_oldest_gives_way() {
    let world = World::new().await;
    let who = world.dana().await.enrolled().await;
    let mut cookies = Vec::new();
    for _ in 0..12 {
        world.pass(1);
        cookies.push(world.signed_in(&who.email, PASSWORD).await);
    }
    for (n, cookie) in cookies.iter().enumerate() {
        let status = world.session(cookie).await.status.as_u16();
        assert_eq!(status, if n < 2 { 401 } else { 200 }, "session {n}");
    }
}

#[tokio::test]
async fn the_cookie_is_for_this_host_alone_and_out_of_reach_of_scripts() {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = dana.client("Amara", "Okafor", "1984-03-12").await;
    let who = dana.invite(&client, "pat@mail.example").await;
    let enrolled = world.enroll(&who.token, "Okafor", "1984-03-12", PASSWORD).await;
    let signed_in = world.sign_in(&who.email, PASSWORD).await;
    for answer in [enrolled, signed_in] {
        let cookies = answer.headers.get_all("set-cookie").iter();
        let cookies: Vec<&str> = cookies.map(|cookie| cookie.to_str().expect("text")).collect();
        // The session's, and that of the device: 32 bytes for 400 days.
        let [session, device] = cookies[..] else { panic!("{cookies:?}") };
        for (cookie, begins, kept) in [
            (session, "__Host-latchkey-portal=ey", "Max-Age=3600"),
            (device, "__Host-latchkey-device=", "Max-Age=34560000"),
        ] {
            let mut parts: Vec<&str> = cookie.split("; ").collect();
            assert!(parts.remove(0).starts_with(begins), "{cookie}");
            parts.sort_unstable();
            assert_eq!(parts, ["HttpOnly", kept, "Path=/", "SameSite=Strict", "Secure"]);
        }
        let device = device.split(';').next().expect("a cookie");
        assert_eq!(device.len(), DEVICE.len() + 1 + 43);
    }
}

#[tokio::test]
async fn the_token_verifies_with_the_published_keys() {
    let world = World::new().await;
    let who = world.dana().await.enrolled().await;
    let cookie = world.signed_in(&who.email, PASSWORD).await;
    let token = cookie.split_once('=').expect("a value").1;

    let published = world.send(Call::new("GET", "/api/portal/jwks.json")).await.expect(200);
    assert!(!published.to_string().contains("\"d\""), "public halves only");
    let keys: JwkSet = serde_json::from_value(published).expect("a JWK set");
    let header = jsonwebtoken::decode_header(token).expect("a header");
    assert_eq!((header.alg, header.typ.as_deref()), (Algorithm::ES256, Some("JWT")));
    let key = keys.find(&header.kid.expect("a key id")).expect("the key");
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_issuer(&[STAFF]);
    validation.set_audience(&["latchkey:portal"]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    // The world has a time of its own.
    validation.validate_exp = false;
    let key = DecodingKey::from_jwk(key).expect("a key");
    let claims = jsonwebtoken::decode::<Value>(token, &key, &validation).expect("a token").claims;
    assert_eq!(claims["iss"], STAFF);
    assert_eq!(claims["aud"], "latchkey:portal");
    assert_eq!(claims["practice"], "harbor");
    assert_eq!(claims["iat"], BEGINNING / 1000);
    assert_eq!(claims["exp"], BEGINNING / 1000 + 60 * 60);
    assert_eq!(text(&claims["sid"]).len(), 26);
    let harbor = PracticeId::parse("harbor").expect("a practice");
    let place = world.account_key(&who.email);
    let account: Option<Account> =
        world.app.store().get(&keys::account(&harbor, &place)).await.expect("an answer");
    assert_eq!(claims["sub"], account.expect("an account").account_id.to_string());
    assert_eq!(claims["account"], place.as_str());
    assert!(!claims.to_string().contains("mail.example"), "no address in a token");
    validation.set_audience(&["latchkey:staff"]);
    assert!(jsonwebtoken::decode::<Value>(token, &key, &validation).is_err());
}

#[tokio::test]
async fn tokens_that_are_not_ours_open_nothing() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = dana.enrolled().await;
    let cookie = world.signed_in(&who.email, PASSWORD).await;
    let token = cookie.split_once('=').expect("a value").1;
    let staff_token = dana.cookie.split_once('=').expect("a value").1;
    let portal = async |token: &str| world.session(&format!("{COOKIE}={token}")).await;
    let staff = async |token: &str| {
        let cookie = format!("{STAFF_COOKIE}={token}");
        world.send(Call::new("GET", "/api/staff/session").cookie(&cookie)).await
    };
    portal(token).await.expect(200);
    staff(staff_token).await.expect(200);
    // Neither audience takes the other's token.
    portal(staff_token).await.problem(401, "signed_out");
    staff(token).await.problem(401, "signed_out");

    let (message, signature) = token.rsplit_once('.').expect("a signature");
    let (header, payload) = message.split_once('.').expect("a payload");
    for wrong in [
        String::new(),
        "x".into(),
        message.to_owned(),
        format!("{message}."),
        format!("{header}.{payload}.{}", signature.chars().rev().collect::<String>()),
        // {"alg":"none","typ":"JWT","kid":"test"}
        format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIiwia2lkIjoidGVzdCJ9.{payload}."),
    ] {
        portal(&wrong).await.problem(401, "signed_out");
    }

    // Signed by our key, and still refused: what it says is not what a session says.
    let pem = EncodingKey::from_ec_pem(api_tests::KEY.as_bytes()).expect("a key");
    let mut payload = jsonwebtoken::dangerous::insecure_decode::<Value>(token).expect("it").claims;
    let mut header = Header::new(Algorithm::ES256);
    header.kid = Some("test".into());
    let sign = |h: &Header, p: &Value| jsonwebtoken::encode(h, p, &pem).expect("a token");
    portal(&sign(&header, &payload)).await.expect(200);
    for claim in ["iss", "aud", "sub", "exp", "sid", "practice"] {
        let without = payload.as_object_mut().expect("claims").remove(claim);
        portal(&sign(&header, &payload)).await.problem(401, "signed_out");
        payload[claim] = without.expect("the claim");
    }
    for (claim, value) in [("iss", json!("https://evil.example")), ("exp", json!(BEGINNING / 1000))]
    {
        let was = payload[claim].take();
        payload[claim] = value;
        portal(&sign(&header, &payload)).await.problem(401, "signed_out");
        payload[claim] = was;
    }
    let plain = header.clone();
    header.kid = Some("other".into());
    portal(&sign(&header, &payload)).await.problem(401, "signed_out");
    header.kid = None;
    portal(&sign(&header, &payload)).await.problem(401, "signed_out");
    portal(&sign(&plain, &payload)).await.expect(200);
}

#[tokio::test]
async fn passwords_are_kept_as_argon2id_and_nothing_else_keeps_them() {
    let world = World::new().await;
    let who = world.dana().await.enrolled().await;
    world.signed_in(&who.email, PASSWORD).await;
    let (items, events) = (world.items().await, world.events().await);
    let mut accounts = items.iter().filter(|(key, _)| key.ends_with(" ACCOUNT"));
    let (_, account) = accounts.next().expect("an account");
    let account: Value = serde_json::from_str(account).expect("JSON");
    let hash = text(&account["password"]);
    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    let parts: Vec<&str> = hash.split('$').collect();
    assert_eq!((parts[4].len(), parts[5].len()), (22, 43), "16 bytes of salt, 32 of hash");
    for (key, value) in items.iter().chain(&events) {
        assert!(!value.contains(PASSWORD), "{key}");
    }
    let other = world.dana().await.enrolled().await;
    world.signed_in(&other.email, PASSWORD).await;
    let hashes = world.items().await.values().filter(|v| v.contains(parts[5])).count();
    assert_eq!(hashes, 1, "salted: the same password twice is two hashes");
}

/// `PASSWORD` under parameters of long ago: 8 MiB, one pass.
const WEAKER: &str = "$argon2id$v=19$m=8192,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$V7jysP+D6b3XcGluF7zyYhJUrCNgIQF/0O6WBgVo0AE";

#[tokio::test]
async fn a_hash_with_weaker_parameters_is_renewed_by_the_next_success() {
    let world = World::new().await;
    let who = world.dana().await.enrolled().await;
    let harbor = PracticeId::parse("harbor").expect("a practice");
    let key = keys::account(&harbor, &world.account_key(&who.email));
    let weaker = Update::of(key.clone()).set("password", &WEAKER);
    world.app.store().update::<Account>(weaker).await.expect("written").expect("the account");
    let hash = async || {
        let account: Option<Account> = world.app.store().get(&key).await.expect("an answer");
        account.and_then(|a| a.password).expect("a hash").reveal().to_owned()
    };

    world.sign_in(&who.email, WRONG).await.problem(401, "sign_in_failed");
    assert_eq!(hash().await, WEAKER);
    world.signed_in(&who.email, PASSWORD).await;
    let renewed = hash().await;
    assert!(renewed.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{renewed}");
    world.signed_in(&who.email, PASSWORD).await;
    assert_eq!(hash().await, renewed, "and then stays");
}
