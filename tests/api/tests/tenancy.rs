//! Rule 8: practices never mix. An id of one practice, used from another, answers exactly like an
//! id that does not exist; names, addresses and numbers that are equal in two practices never meet.

use api_tests::{
    Call, PASSWORD, World,
    people::{Invited, Staff, text},
};
use serde_json::json;
use shared::{cookie, history::Role, jwt::Audience};

/// An id of the right shape that nothing has.
const NOBODY: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

/// Everything that staff can ask of a client and its portal user.
fn requests(client: &str, user: &str) -> Vec<Call> {
    let at = |method: &str, rest: &str| Call::new(method, &format!("/api/clients/{client}{rest}"));
    let of = |method: &str, rest: &str| at(method, &format!("/portal-users/{user}{rest}"));
    let new = json!({
        "name": {"first": "New", "last": "Person"}, "email": "new@mail.example",
        "relationship": "other", "permissions": [],
    });
    vec![
        at("GET", ""),
        at("PATCH", "").json(&json!({"version": 1, "professional": "Dr. New"})),
        at("PATCH", "").json(&json!({"version": 77, "professional": "Dr. New"})),
        at("GET", "/portal-users"),
        at("POST", "/portal-users").json(&new),
        at("GET", "/history"),
        at("POST", "/close").json(&json!({"reason": "left"})),
        at("POST", "/reopen"),
        at("PUT", "/alert-recipient").json(&json!({"portalUserId": user})),
        at("PUT", "/alert-recipient").json(&json!({"portalUserId": null})),
        at("PUT", "/chart-owner").json(&json!({"portalUserId": user})),
        of("PATCH", "").json(&json!({"version": 1, "relationship": "other"})),
        of("POST", "/invitation"),
        of("POST", "/revoke").json(&json!({})),
        of("POST", "/activate"),
        of("DELETE", "?confirm=delete"),
        of("DELETE", "?confirm=delete&alertRecipient=practice"),
        of("DELETE", &format!("?confirm=delete&alertRecipient={user}")),
    ]
}

/// The items of harbor, but for those of its staff.
pub(crate) fn harbors(
    items: &std::collections::BTreeMap<String, String>,
) -> std::collections::BTreeMap<String, String> {
    items
        .iter()
        .filter(|(key, _)| key.starts_with("P#harbor") && !key.contains("#W#"))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect()
}

struct Two {
    world: World,
    dana: Staff,
    casey: Staff,
    who: Invited,
    invited: Invited,
}

impl Two {
    async fn new() -> Self {
        let world = World::new().await;
        let dana = world.dana().await;
        let casey = world.staff("cove", "Casey", Role::Admin).await;
        let who = dana.enrolled().await;
        let invited = dana.invite(&who.client, "invited@mail.example").await;
        Self { world, dana, casey, who, invited }
    }
}

#[tokio::test]
async fn a_portal_user_of_another_practice_or_client_is_nobody_to_a_client_of_ones_own() {
    let Two { world, casey, dana, who, .. } = Two::new().await;
    let own = casey.client("Iris", "Cove", "1970-07-07").await;
    let iris = casey.invite(&own, "iris@mail.example").await;
    // The other practice's user under one's own client; one's own user under the other's client.
    for (client, user) in [(&own, &who.user), (&who.client, &iris.user)] {
        let not = if client == &own { requests(&own, NOBODY) } else { requests(NOBODY, NOBODY) };
        let of_user = |call: &Call| call.path.contains("/portal-users/");
        let named = requests(client, user).into_iter().zip(not).filter(|(c, _)| of_user(c));
        for (there, not) in named {
            let what = format!("{} {}", there.method, there.path);
            let (there, not) = (casey.send(there).await, casey.send(not).await);
            there.assert_alike(&not, &what);
            there.problem(404, "not_found");
        }
    }
    // In a body, such an id is no portal user of this client.
    for path in ["alert-recipient", "chart-owner"] {
        let path = format!("/api/clients/{own}/{path}");
        let there = casey.put(&path, &json!({"portalUserId": who.user})).await;
        let not = casey.put(&path, &json!({"portalUserId": NOBODY})).await;
        there.assert_alike(&not, &path);
        there.problem(422, "not_a_portal_user");
    }
    casey.assign(&own, Some(&iris.user)).await.expect(200);
    let successor = |user: &str| format!("confirm=delete&alertRecipient={user}");
    let there = casey.delete(&iris, &successor(&who.user)).await;
    there.assert_alike(&casey.delete(&iris, &successor(NOBODY)).await, "successor");
    there.problem(422, "not_a_portal_user");
    // The same holds between two clients of one practice.
    let second = dana.client("Second", "Client", "1970-07-07").await;
    for call in requests(&second, &who.user).into_iter().skip(11) {
        dana.send(call).await.problem(404, "not_found");
    }
    assert_eq!(world.session(&world.signed_in(&who.email, PASSWORD).await).await.status, 200);
}

#[tokio::test]
async fn equal_usernames_addresses_and_record_numbers_never_meet() {
    let world = World::new().await;
    let dana = world.dana().await;
    let casey = world.staff("cove", "Casey", Role::Admin).await;
    let email = "same@mail.example";
    let mut people = Vec::new();
    for (staff, practice, password) in
        [(&dana, "harbor", PASSWORD), (&casey, "cove", "another nine grey pebbles")]
    {
        let body = json!({
            "name": {"first": "Amara", "last": "Okafor"}, "dateOfBirth": "1984-03-12",
            "recordNumber": "R-1",
        });
        let call = Call::new("POST", "/api/clients").json(&body).header("idempotency-key", "one");
        let client = text(&staff.send(call).await.expect(201)["clientId"]);
        let who = staff.invite(&client, email).await;
        let state = world.check(&who.token).await.expect(200);
        assert_eq!(state["practice"]["id"], practice);
        assert_eq!(state["account"], "new", "another practice's account is not this person's");
        world.enroll(&who.token, "Okafor", "1984-03-12", password).await.expect(201);
        people.push(who);
    }
    assert_ne!(people[0].client, people[1].client);

    let sign_in = async |practice: &str, password: &str| {
        let body = json!({"practice": practice, "username": email, "password": password});
        world.send(Call::new("POST", "/api/portal/sign-in").json(&body)).await
    };
    for (practice, right, wrong, who) in [
        ("harbor", PASSWORD, "another nine grey pebbles", &people[0]),
        ("cove", "another nine grey pebbles", PASSWORD, &people[1]),
    ] {
        let session = sign_in(practice, right).await.expect(200);
        assert_eq!(session["charts"].as_array().map(Vec::len), Some(1));
        assert_eq!(session["charts"][0]["clientId"], who.client.as_str());
        sign_in(practice, wrong).await.problem(401, "sign_in_failed");
    }

    // What one practice does to its person leaves the other's alone.
    let cove = sign_in("cove", "another nine grey pebbles").await;
    let cookie = cove.cookie(cookie::name(Audience::Portal)).expect("a cookie");
    dana.revoke(&people[0]).await.expect(200);
    sign_in("harbor", PASSWORD).await.problem(403, "access_not_active");
    world.session(&cookie).await.expect(200);
    dana.delete(&people[0], "confirm=delete").await.expect(200);
    world.session(&cookie).await.expect(200);
    sign_in("harbor", PASSWORD).await.problem(401, "sign_in_failed");
    sign_in("cove", "another nine grey pebbles").await.expect(200);
}

#[tokio::test]
async fn one_practices_failures_lock_no_other() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = dana.enrolled().await;
    let sign_in = |practice: &str, password: &str| {
        let body = json!({"practice": practice, "username": who.email, "password": password});
        world.send(Call::new("POST", "/api/portal/sign-in").json(&body))
    };
    for _ in 0..5 {
        sign_in("cove", "wrong wrong wrong wrong").await.problem(401, "sign_in_failed");
    }
    sign_in("cove", "wrong wrong wrong wrong").await.problem(429, "too_many_attempts");
    sign_in("harbor", PASSWORD).await.expect(200);
}

#[tokio::test]
async fn the_portal_of_another_practice_knows_nobody_and_tells_nobody() {
    let Two { world, who, .. } = Two::new().await;
    let sign_in = async |practice: &str, username: &str| {
        let body = json!({"practice": practice, "username": username, "password": PASSWORD});
        world.send(Call::new("POST", "/api/portal/sign-in").json(&body)).await
    };
    sign_in("harbor", &who.email).await.expect(200);
    let there = sign_in("cove", &who.email).await;
    there.assert_alike(&sign_in("cove", "nobody@mail.example").await, "username");
    there.assert_alike(&sign_in("nowhere", &who.email).await, "practice");
    there.problem(401, "sign_in_failed");

    let mails = world.post.received().len();
    let body = json!({"practice": "cove", "username": who.email});
    let ask = Call::new("POST", "/api/portal/password-reset").json(&body);
    world.send(ask).await.expect(202);
    world.deliver().await;
    assert_eq!(world.post.received().len(), mails, "no mail about another practice's account");
}

#[tokio::test]
async fn a_token_of_one_practice_opens_nothing_under_the_name_of_another() {
    let Two { world, dana, who, invited, .. } = Two::new().await;
    let renamed = |token: &str| token.replacen("harbor.", "cove.", 1);
    assert_ne!(renamed(&invited.token), invited.token);
    world.check(&renamed(&invited.token)).await.problem(404, "not_found");
    let moved = renamed(&invited.token);
    world.enroll(&moved, "Okafor", "1984-03-12", PASSWORD).await.problem(404, "not_found");
    world.forgot(&who.email).await.expect(202);
    world.deliver().await;
    let reset = world.post.newest(&who.email).token();
    let password = "another nine grey pebbles";
    world.choose(&renamed(&reset), password).await.problem(409, "reset_expired");
    world.check(&invited.token).await.expect(200);
    world.choose(&reset, password).await.expect(204);
    assert_eq!(dana.user(&who).await["status"], "active");
}

#[tokio::test]
async fn search_finds_clients_of_ones_own_practice_only() {
    let world = World::new().await;
    let dana = world.dana().await;
    let casey = world.staff("cove", "Casey", Role::Admin).await;
    let body = json!({
        "name": {"first": "Amara", "last": "Okafor"}, "dateOfBirth": "1984-03-12",
        "recordNumber": "HP-100", "emails": [{"type": "home", "address": "amara@mail.example"}],
        "phones": [{"type": "mobile", "number": "(238) 555-0107"}],
    });
    dana.post("/api/clients", &body).await.expect(201);
    let iris = casey.client("Iris", "Okoro", "1970-07-07").await;
    let found = async |staff: &Staff, query: &str| -> Vec<String> {
        let hits = staff.post("/api/clients/search", &json!({"query": query})).await.expect(200);
        let hits = hits["clients"].as_array().cloned().unwrap_or_default();
        hits.iter().map(|c| text(&c["clientId"])).collect()
    };
    for query in [
        "amara",
        "okafor",
        "okafro",
        "amara okafor",
        "HP-100",
        "amara@mail.example",
        "0107",
        "2385550107",
        "1984-03-12",
        "3/12/1984",
    ] {
        assert_eq!(found(&dana, query).await.len(), 1, "{query} at home");
        let elsewhere = found(&casey, query).await;
        assert!(elsewhere.iter().all(|c| c == &iris), "{query}: {elsewhere:?}");
    }
    assert_eq!(found(&casey, "ok").await, [iris]);
    assert!(found(&dana, "iris").await.is_empty());
    // A cursor of one practice leads to nothing of another's.
    for number in 0..3 {
        dana.client(&format!("Amara{number}"), "Okafor", "1984-03-12").await;
    }
    let page = json!({"query": "okafor", "limit": 1});
    let page = dana.post("/api/clients/search", &page).await.expect(200);
    let cursor = page["nextCursor"].as_str().expect("more").to_owned();
    let next = json!({"query": "okafor", "cursor": cursor});
    let hits = casey.post("/api/clients/search", &next).await.expect(200);
    assert_eq!(hits["clients"], json!([]));
}

#[tokio::test]
async fn the_history_of_a_client_is_its_practices_own() {
    let Two { dana, casey, who, .. } = Two::new().await;
    let page = dana.get(&format!("/api/clients/{}/history", who.client)).await.expect(200);
    assert!(page["events"].as_array().is_some_and(|e| e.len() > 2));
    let cursor = "7ZZZZZZZZZZZZZZZZZZZZZZZZZ";
    let path = |client: &str| format!("/api/clients/{client}/history?cursor={cursor}");
    let there = casey.get(&path(&who.client)).await;
    there.assert_alike(&casey.get(&path(NOBODY)).await, "with a cursor");
    assert!(!there.body.to_string().contains("action"), "{}", there.body);
}
