//! Who can enter a chart: for its owner, who sees everybody with access, since when, with which
//! permissions, and who entered last.

use api_tests::{
    Call, PASSWORD, World,
    people::{Browser, Invited, Staff, text},
};
use serde_json::{Value, json};
use shared::history::Role;

/// A chart with an owner and somebody else with access.
struct Scene {
    world: World,
    dana: Staff,
    owner: Invited,
    other: Invited,
    browser: Browser,
}

async fn scene() -> Scene {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = dana.client("Amara", "Okafor", "1984-03-12").await;
    let owner = dana.enroll_for(&client, "owner@mail.example").await;
    world.pass(60);
    let other = dana.enroll_for(&client, "other@mail.example").await;
    world.pass(60);
    let browser = world.browser(&owner.email, PASSWORD, "").await;
    world.wire.forget();
    Scene { world, dana, owner, other, browser }
}

impl Scene {
    async fn events(&self, action: &str) -> Vec<Value> {
        let events = self.world.events().await.into_values();
        let events = events.map(|event| serde_json::from_str::<Value>(&event).expect("JSON"));
        events.filter(|event| event["action"] == action).collect()
    }
}

#[tokio::test]
async fn the_owner_sees_everybody_with_access_and_the_last_entries() {
    let scene = scene().await;
    let invited = scene.dana.invite(&scene.owner.client, "invited@mail.example").await;
    scene.world.wire.forget();
    let seen = scene.browser.access(&scene.owner.client).await.expect(200);
    let mut requests = scene.world.wire.seen();
    requests.sort();
    assert_eq!(requests, ["BatchGetItem", "Query", "Query", "TransactWriteItems"]);
    let person = |who: &Invited, since: &str, last: &str, you: bool| {
        json!({
            "portalUserId": who.user, "name": {"first": "Pat", "last": "Person"},
            "relationship": "parent", "permissions": ["basic", "messaging"],
            "since": since, "lastEntryAt": last, "you": you,
        })
    };
    let (first, second, third) =
        ("2026-11-22T14:00:00.000Z", "2026-11-22T14:01:00.000Z", "2026-11-22T14:02:00.000Z");
    assert_eq!(
        seen["people"],
        json!([
            person(&scene.owner, first, third, true),
            person(&scene.other, second, second, false)
        ]),
        "an invitation is no access"
    );
    let entries = seen["entries"].as_array().expect("a list");
    let entries: Vec<_> =
        entries.iter().map(|e| (text(&e["at"]), text(&e["portalUserId"]))).collect();
    let entry = |at: &str, who: &Invited| (at.to_owned(), who.user.clone());
    assert_eq!(
        entries,
        [entry(third, &scene.owner), entry(second, &scene.other), entry(first, &scene.owner)]
    );
    let shown = scene.events("access-shown").await;
    assert_eq!(shown.len(), 1);
    assert_eq!(shown[0]["portalUserId"], scene.owner.user.as_str());
    assert_eq!(shown[0]["actor"]["role"], "portalUser");
    drop(invited);
}

#[tokio::test]
async fn whoever_was_revoked_is_gone_and_their_entries_stay() {
    let scene = scene().await;
    scene.dana.revoke(&scene.other).await.expect(200);
    let seen = scene.browser.access(&scene.owner.client).await.expect(200);
    let people = |seen: &Value| {
        let people = seen["people"].as_array().expect("a list").clone();
        people.iter().map(|p| (text(&p["portalUserId"]), text(&p["since"]))).collect::<Vec<_>>()
    };
    assert_eq!(people(&seen).len(), 1);
    assert_eq!(seen["entries"].as_array().map(Vec::len), Some(3));
    // Given access again, it is since then.
    scene.world.pass(60);
    scene.dana.activate(&scene.other).await.expect(200);
    let seen = scene.browser.access(&scene.owner.client).await.expect(200);
    let again = (scene.other.user.clone(), "2026-11-22T14:03:00.000Z".to_owned());
    assert_eq!(people(&seen)[1], again);
    scene.dana.delete(&scene.other, "confirm=delete").await.expect(200);
    let seen = scene.browser.access(&scene.owner.client).await.expect(200);
    assert_eq!(people(&seen).len(), 1);
    assert_eq!(seen["entries"][1]["name"], "Pat Person");
}

#[tokio::test]
async fn nobody_but_the_owner_sees_it_and_each_try_is_recorded() {
    let scene = scene().await;
    let other = scene.world.browser(&scene.other.email, PASSWORD, "").await;
    other.access(&scene.owner.client).await.problem(403, "no_access");
    let elsewhere = scene.dana.enrolled().await;
    scene.browser.access(&elsewhere.client).await.problem(404, "not_found");
    let casey = scene.world.staff("cove", "Casey", Role::Admin).await;
    let cove = casey.client("Iris", "Cove", "1970-07-07").await;
    scene.browser.access(&cove).await.problem(404, "not_found");
    let refused = scene.events("refused").await;
    let refused: Vec<_> =
        refused.iter().map(|e| (text(&e["portalUserId"]), text(&e["reason"]))).collect();
    let told = |who: &Invited, why: &str| (who.user.clone(), why.to_owned());
    assert_eq!(
        refused,
        [
            told(&scene.other, "no_access"),
            told(&scene.owner, "not_found"),
            told(&scene.owner, "not_found"),
        ]
    );
    assert!(scene.events("access-shown").await.is_empty());
    // The chart becomes another's.
    let path = format!("/api/clients/{}/chart-owner", scene.owner.client);
    scene.dana.put(&path, &json!({"portalUserId": scene.other.user})).await.expect(200);
    other.access(&scene.owner.client).await.expect(200);
    scene.browser.access(&scene.owner.client).await.problem(403, "no_access");
    // With a session that is over, nothing is told of any chart.
    scene.dana.revoke(&scene.owner).await.expect(200);
    for client in [&scene.owner.client, &cove] {
        scene.browser.access(client).await.problem(401, "signed_out");
    }
}

#[tokio::test]
async fn ten_entries_are_shown_out_of_the_newest_events() {
    let scene = scene().await;
    for _ in 0..9 {
        scene.world.pass(1);
        scene.world.browser(&scene.owner.email, PASSWORD, "").await;
    }
    let browser = scene.world.browser(&scene.owner.email, PASSWORD, "").await;
    let seen = browser.access(&scene.owner.client).await.expect(200);
    let entries = seen["entries"].as_array().expect("a list");
    assert_eq!(entries.len(), 10);
    assert!(entries.windows(2).all(|two| text(&two[0]["at"]) >= text(&two[1]["at"])));
    let path = format!("/api/portal/charts/{}/access", scene.owner.client);
    scene.world.send(Call::new("GET", &path)).await.problem(401, "signed_out");
}
