//! The history of the whole practice: by days of its zone, by who acted and what was done, page by page.

use api_tests::{
    Answer, Call, PASSWORD, World,
    people::{Staff, text},
};
use serde_json::{Value, json};
use shared::history::Role;

const HISTORY: &str = "/api/history";
/// All days of the tests.
const ALL: (&str, &str) = ("2026-11-01", "2026-12-31");

async fn ask(staff: &Staff, more: &Value) -> Answer {
    let mut body = json!({"from": ALL.0, "to": ALL.1});
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    staff.post(HISTORY, &body).await
}

fn events(page: &Value) -> &Vec<Value> {
    page["events"].as_array().expect("a list")
}

fn actions(page: &Value) -> Vec<String> {
    events(page).iter().map(|event| text(&event["action"])).collect()
}

/// All pages, one after the other: their events, and how many pages there were.
async fn pages(staff: &Staff, more: &Value) -> (Vec<Value>, usize) {
    let (mut all, mut number, mut more) = (Vec::new(), 0, more.clone());
    loop {
        let page = ask(staff, &more).await.expect(200);
        all.extend(events(&page).clone());
        number += 1;
        assert!(number < 100, "it ends");
        if page["nextCursor"].is_null() {
            return (all, number);
        }
        more["cursor"] = page["nextCursor"].clone();
    }
}

#[tokio::test]
async fn it_tells_of_everybody_and_everything_newest_first_without_addresses_or_values() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = dana.enrolled().await;
    world.pass(1);
    world.signed_in(&who.email, PASSWORD).await;
    dana.post("/api/clients/search", &json!({"query": "okafor"})).await.expect(200);
    let ada = world.staff("harbor", "Ada", Role::Auditor).await;
    let page = ask(&ada, &json!({})).await.expect(200);
    assert_eq!(
        actions(&page),
        ["clients-searched", "signed-in", "enrolled", "portal-user-added", "client-created"]
    );
    assert_eq!(page["nextCursor"], Value::Null);
    let signed_in = &events(&page)[1];
    assert_eq!(signed_in["clientId"], json!(who.client));
    assert_eq!(signed_in["portalUserId"], json!(who.user));
    assert_eq!(signed_in["actor"]["role"], "portalUser");
    assert_eq!(signed_in["at"], "2026-11-22T14:00:01.000Z");
    assert_eq!(text(&signed_in["eventId"]).len(), 26);
    assert!(events(&page)[0].get("clientId").is_none());
    let shown = page.to_string();
    for hidden in ["203.0.113.7", "source", "requestId", "mail.example", "okafor"] {
        assert!(!shown.contains(hidden), "{hidden}");
    }
    // That it was looked at, it tells the next reader.
    let page = ask(&dana, &json!({})).await.expect(200);
    assert_eq!(actions(&page)[0], "history-shown");
    assert_eq!(events(&page)[0]["actor"]["name"], "Ada");
    // An event is told as the client's own history tells it.
    let own = dana.get(&format!("/api/clients/{}/history", who.client)).await.expect(200);
    let mut of_client = events(&page)[2].clone();
    of_client.as_object_mut().expect("an object").remove("clientId");
    assert_eq!(events(&own)[0], of_client);
}

#[tokio::test]
async fn a_day_is_the_practices_own_and_both_days_are_included() {
    let world = World::new().await;
    let zone = |zone: &'static str| {
        world.practice("harbor", "Harbor", move |practice| practice.time_zone = zone.into())
    };
    let dana = world.dana().await;
    // 2026-11-23T04:59:59.999Z and a millisecond later: midnight in New York.
    world.pass_millis(15 * 3_600_000 - 1);
    let dana = {
        drop(dana);
        world.dana().await
    };
    dana.client("Before", "Midnight", "1990-01-01").await;
    world.pass_millis(1);
    dana.client("After", "Midnight", "1990-01-02").await;
    let created = async |from: &str, to: &str| {
        let body = json!({"from": from, "to": to, "action": "client-created"});
        events(&dana.post(HISTORY, &body).await.expect(200)).len()
    };
    zone("America/New_York").await;
    assert_eq!(created("2026-11-22", "2026-11-22").await, 1);
    assert_eq!(created("2026-11-23", "2026-11-23").await, 1);
    assert_eq!(created("2026-11-22", "2026-11-23").await, 2);
    assert_eq!(created("2026-11-24", "2026-11-24").await, 0);
    zone("UTC").await;
    assert_eq!(created("2026-11-22", "2026-11-22").await, 0);
    assert_eq!(created("2026-11-23", "2026-11-23").await, 2);
    assert_eq!(created("1850-01-01", "9999-12-31").await, 2);
}

#[tokio::test]
async fn the_day_on_which_clocks_are_put_back_has_twenty_five_hours() {
    let world = World::new().await;
    let zone = |practice: &mut shared::practice::Practice| {
        practice.time_zone = "America/New_York".into();
    };
    world.practice("harbor", "Harbor", zone).await;
    // From 2027-11-07T04:00Z to 2027-11-08T05:00Z.
    let until = |world: &World, at: i64| world.pass_millis(at - world.now().millis());
    for at in
        [1_825_560_000_000_i64 - 1, 1_825_560_000_000, 1_825_650_000_000 - 1, 1_825_650_000_000]
    {
        until(&world, at);
        world.dana().await.client("Some", "Body", "1990-01-01").await;
    }
    let dana = world.dana().await;
    let body = json!({"from": "2027-11-07", "to": "2027-11-07", "action": "client-created"});
    assert_eq!(events(&dana.post(HISTORY, &body).await.expect(200)).len(), 2);
}

#[tokio::test]
async fn it_is_filtered_by_who_acted_and_what_was_done() {
    let world = World::new().await;
    let dana = world.dana().await;
    let felix = world.staff("harbor", "Felix", Role::Staff).await;
    let client = dana.client("Amara", "Okafor", "1984-03-12").await;
    felix.client("Iris", "Okafor", "1984-03-12").await;
    felix.get(&format!("/api/clients/{client}")).await.expect(200);
    let page = ask(&dana, &json!({"staffId": felix.id})).await.expect(200);
    assert_eq!(actions(&page), ["client-opened", "client-created"]);
    let page = ask(&dana, &json!({"action": "client-created"})).await.expect(200);
    assert_eq!(events(&page).len(), 2);
    let both = json!({"staffId": felix.id, "action": "client-created"});
    let page = ask(&dana, &both).await.expect(200);
    assert_eq!(actions(&page), ["client-created"]);
    let nobody = ask(&dana, &json!({"staffId": "nobody"})).await.expect(200);
    assert_eq!(nobody, json!({"events": [], "nextCursor": null}));
}

#[tokio::test]
async fn pages_miss_nothing_and_repeat_nothing_and_a_page_may_have_few_hits() {
    let world = World::new().await;
    let dana = world.dana().await;
    let felix = world.staff("harbor", "Felix", Role::Staff).await;
    felix.client("First", "Client", "1990-01-01").await;
    for number in 0..60 {
        world.pass_millis(1);
        let path = format!("/api/clients/{}", felix.client("A", "B", "1990-01-01").await);
        if number % 2 == 0 {
            felix.get(&path).await.expect(200);
        }
    }
    let mine = json!({"staffId": felix.id});
    let (all, number) = pages(&dana, &mine).await;
    assert_eq!((all.len(), number), (91, 2));
    let mut ids: Vec<String> = all.iter().map(|event| text(&event["eventId"])).collect();
    assert!(ids.is_sorted_by(|one, next| one > next), "newest first, none twice");
    // Without a filter, its own looks among them.
    let (every, number) = pages(&dana, &json!({})).await;
    assert!(number >= 2 && every.len() > 91);
    ids.retain(|id| !every.iter().any(|event| event["eventId"] == *id));
    assert!(ids.is_empty());
    // A page looks at 500 events: with fewer hits than fit, there is another page.
    let mut change = world.app.store().change();
    let mut written = 0;
    for _ in 0..520 {
        let caller = shared::caller::Caller { request_id: "r".into(), source: String::new() };
        let harbor = shared::id::PracticeId::parse("harbor").expect("a practice");
        let system = shared::history::Actor::system();
        let action = shared::history::Action::ClientsSearched;
        change.event(&shared::history::Event::new(&world.app, &caller, &system, &harbor, action));
        written += 1;
        if written % 100 == 0 || written == 520 {
            let full = std::mem::replace(&mut change, world.app.store().change());
            world.app.store().write(full).await.expect("written");
        }
    }
    let page = ask(&dana, &mine).await.expect(200);
    assert!(events(&page).is_empty() && page["nextCursor"].is_string());
    assert_eq!(pages(&dana, &mine).await, (all, 3));
}

#[tokio::test]
async fn a_page_is_two_round_trips_and_one_query() {
    let world = World::new().await;
    let dana = world.dana().await;
    world.wire.forget();
    ask(&dana, &json!({"staffId": dana.id})).await.expect(200);
    assert_eq!(world.wire.seen(), ["BatchGetItem", "Query", "PutItem", "UpdateItem"]);
}

#[tokio::test]
async fn a_cursor_goes_on_with_the_same_history_alone() {
    let world = World::new().await;
    let dana = world.dana().await;
    let casey = world.staff("cove", "Casey", Role::Admin).await;
    for staff in [&dana, &casey] {
        for number in 1..=60 {
            let born = format!("1990-02-{:02}", number % 28 + 1);
            staff.client("Some", "Body", &born).await;
        }
    }
    let page = ask(&dana, &json!({})).await.expect(200);
    let cursor = page["nextCursor"].clone();
    let with = |more: Value| {
        let mut body = more;
        body["cursor"] = cursor.clone();
        body
    };
    ask(&dana, &with(json!({}))).await.expect(200);
    for other in [
        json!({"action": "client-created"}),
        json!({"staffId": dana.id}),
        json!({"from": "2026-11-02"}),
        json!({"to": "2026-12-30"}),
    ] {
        let problem = ask(&dana, &with(other)).await.problem(422, "not_a_cursor");
        assert_eq!(problem["fields"][0]["field"], "cursor");
    }
    ask(&casey, &with(json!({}))).await.problem(422, "not_a_cursor");
    for bad in ["x", "AAAA", "a\u{301}"] {
        ask(&dana, &json!({"cursor": bad})).await.problem(422, "not_a_cursor");
    }
    let problem = ask(&dana, &json!({"cursor": "A".repeat(201)})).await.problem(400, "invalid");
    assert_eq!(problem["fields"][0]["field"], "cursor");
}

#[tokio::test]
async fn what_cannot_be_asked_names_the_field() {
    let world = World::new().await;
    let dana = world.dana().await;
    for (more, status, field) in [
        (json!({"from": "2026-12-31", "to": "2026-12-30"}), 422, "to"),
        (json!({"from": "2026-02-30"}), 400, "from"),
        (json!({"to": null}), 400, "to"),
        (json!({"staffId": ""}), 400, "staffId"),
        (json!({"staffId": "a b"}), 400, "staffId"),
        (json!({"action": "nothing"}), 422, "action"),
        (json!({"action": "other"}), 422, "action"),
        (json!({"limit": 5}), 400, "limit"),
    ] {
        let problem = ask(&dana, &more).await.expect(status);
        assert_eq!(problem["fields"][0]["field"], field, "{problem}");
    }
}

#[tokio::test]
async fn practices_do_not_read_of_each_other_and_staff_without_that_role_read_nothing() {
    let world = World::new().await;
    let dana = world.dana().await;
    let casey = world.staff("cove", "Casey", Role::Admin).await;
    dana.client("Amara", "Okafor", "1984-03-12").await;
    assert_eq!(ask(&casey, &json!({})).await.expect(200)["events"], json!([]));
    let felix = world.staff("harbor", "Felix", Role::Staff).await;
    ask(&felix, &json!({})).await.problem(403, "auditors_only");
    let page = ask(&dana, &json!({"action": "refused"})).await.expect(200);
    assert_eq!(events(&page)[0]["reason"], "auditors_only");
    let call = Call::new("POST", HISTORY).json(&json!({"from": ALL.0, "to": ALL.1}));
    world.send(call).await.problem(401, "signed_out");
}
