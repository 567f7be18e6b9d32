//! The lists of a practice: each holds those who belong there and nobody else, page by page, at any moment.

use std::collections::BTreeMap;

use api_tests::{
    Answer, Call, PASSWORD, World,
    people::{Invited, Staff, text},
};
use mail_events::SesEvent;
use serde_json::{Value, json};
use shared::{history::Role, lists::View};

const DAY: i64 = 24 * 60 * 60;

async fn ask(staff: &Staff, body: &Value) -> Answer {
    staff.post("/api/access", body).await
}

/// The names in a list: of the portal user, or of the client.
async fn names(staff: &Staff, body: &Value) -> Vec<String> {
    let page = ask(staff, body).await.expect(200);
    assert_eq!(page["nextCursor"], Value::Null, "one page holds it: {page}");
    page["rows"].as_array().expect("rows").iter().map(name).collect()
}

fn name(row: &Value) -> String {
    let of = if row["portalUser"].is_null() { &row["client"] } else { &row["portalUser"] };
    text(&of["name"]["first"])
}

async fn view(staff: &Staff, view: &str) -> Vec<String> {
    names(staff, &json!({"view": view})).await
}

/// How many stand in each list.
async fn counts(staff: &Staff) -> BTreeMap<String, u64> {
    let summary = staff.get("/api/access/summary").await.expect(200);
    let views = summary["views"].as_array().expect("views");
    let count = |view: &Value| {
        assert_eq!(view["more"], false);
        (text(&view["view"]), view["count"].as_u64().expect("a count"))
    };
    views.iter().map(count).collect()
}

async fn add(dana: &Staff, client: &str, first: &str) -> Invited {
    let email = format!("{}@mail.example", first.to_lowercase());
    let body = json!({
        "name": {"first": first, "last": "Person"}, "email": email,
        "relationship": "parent", "permissions": ["basic"],
    });
    let path = format!("/api/clients/{client}/portal-users");
    let user = text(&dana.post(&path, &body).await.expect(201)["portalUserId"]);
    dana.world.deliver().await;
    let token = dana.world.post.newest(&email).token();
    Invited { client: client.into(), user, email, token }
}

async fn enrolled(dana: &Staff, client: &str, first: &str) -> Invited {
    let who = add(dana, client, first).await;
    dana.world.enroll(&who.token, "Okafor", "1984-03-12", PASSWORD).await.expect(201);
    who
}

async fn bounce(world: &World, who: &Invited) {
    let mail = world.post.newest(&who.email);
    let event: SesEvent = serde_json::from_value(json!({
        "eventType": "Bounce",
        "mail": {"tags": mail.tags},
        "bounce": {"bounceType": "Permanent", "bounceSubType": "General"},
    }))
    .expect("an event");
    mail_events::handle(&world.app, &event).await.expect("noted");
}

async fn desk() -> (World, Staff, String) {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = dana.client("Amara", "Okafor", "1984-03-12").await;
    (world, dana, client)
}

#[tokio::test]
async fn every_portal_user_stands_in_the_list_of_their_status_from_the_answer_on() {
    let (_world, dana, client) = desk().await;
    let ana = enrolled(&dana, &client, "Ana").await;
    let ben = add(&dana, &client, "Ben").await;
    let cleo = enrolled(&dana, &client, "Cleo").await;
    let expect = async |active: &[&str], invited: &[&str], revoked: &[&str]| {
        assert_eq!(view(&dana, "active").await, active);
        assert_eq!(view(&dana, "invited").await, invited);
        assert_eq!(view(&dana, "revoked").await, revoked);
        let mut all = [active, invited, revoked].concat();
        all.sort_unstable();
        assert_eq!(view(&dana, "all").await, all);
    };
    expect(&["Ana", "Cleo"], &["Ben"], &[]).await;
    dana.revoke(&ana).await.expect(200);
    dana.revoke(&ben).await.expect(200);
    expect(&["Cleo"], &[], &["Ana", "Ben"]).await;
    dana.activate(&ana).await.expect(200);
    dana.activate(&ben).await.expect(200);
    expect(&["Ana", "Cleo"], &["Ben"], &[]).await;
    dana.delete(&cleo, "confirm=delete").await.expect(200);
    expect(&["Ana"], &["Ben"], &[]).await;
}

#[tokio::test]
async fn a_row_names_the_client_and_the_portal_user_as_the_client_page_does() {
    let (_world, dana, client) = desk().await;
    let edit = json!({"version": 1, "professional": "Dr. Lindqvist"});
    let page = dana.patch(&format!("/api/clients/{client}"), &edit).await.expect(200);
    let ana = enrolled(&dana, &client, "Ana").await;
    dana.assign(&client, Some(&ana.user)).await.expect(200);
    let rows = ask(&dana, &json!({"view": "active"})).await.expect(200)["rows"].clone();
    assert_eq!(
        rows[0]["client"],
        json!({
            "clientId": client, "name": page["name"], "recordNumber": page["recordNumber"],
            "professional": "Dr. Lindqvist",
        })
    );
    // Who has a second factor is on the client's page alone.
    let mut user = dana.user(&ana).await;
    user.as_object_mut().expect("an object").remove("secondFactor");
    assert_eq!(rows[0]["portalUser"], user);
    assert_eq!(rows[0]["portalUser"]["receivesAlerts"], true);
}

#[tokio::test]
async fn time_alone_moves_people_between_lists() {
    let (world, dana, client) = desk().await;
    let ana = enrolled(&dana, &client, "Ana").await;
    add(&dana, &client, "Ben").await;
    world.pass(7 * DAY - 1);
    let dana = world.dana().await;
    assert_eq!(view(&dana, "invited").await, ["Ben"]);
    assert!(view(&dana, "expired").await.is_empty());
    world.pass(1);
    assert!(view(&dana, "invited").await.is_empty());
    assert_eq!(view(&dana, "expired").await, ["Ben"]);
    assert!(view(&dana, "unused").await.is_empty());
    world.pass(83 * DAY);
    let dana = world.dana().await;
    assert_eq!(view(&dana, "unused").await, ["Ana"], "90 days after enrolling");
    world.signed_in(&ana.email, PASSWORD).await;
    assert!(view(&dana, "unused").await.is_empty());
    // A new chance is no disuse.
    world.pass(91 * DAY);
    let dana = world.dana().await;
    assert_eq!(view(&dana, "unused").await, ["Ana"]);
    dana.revoke(&ana).await.expect(200);
    assert!(view(&dana, "unused").await.is_empty());
    dana.activate(&ana).await.expect(200);
    assert!(view(&dana, "unused").await.is_empty());
}

#[tokio::test]
async fn wrong_proofs_end_an_invitation_in_the_list_too() {
    let (world, dana, client) = desk().await;
    let ben = add(&dana, &client, "Ben").await;
    for n in 0..10 {
        assert_eq!(view(&dana, "invited").await, ["Ben"], "after {n}");
        world.enroll(&ben.token, "Wrong", "1984-03-12", PASSWORD).await;
    }
    assert!(view(&dana, "invited").await.is_empty());
    assert_eq!(view(&dana, "expired").await, ["Ben"]);
    dana.resend(&ben).await.expect(202);
    assert_eq!(view(&dana, "invited").await, ["Ben"]);
}

#[tokio::test]
async fn what_ends_first_and_what_ended_last_comes_first() {
    let (world, dana, client) = desk().await;
    for first in ["Ana", "Ben", "Cleo"] {
        add(&dana, &client, first).await;
        world.pass(60);
    }
    assert_eq!(view(&dana, "invited").await, ["Ana", "Ben", "Cleo"]);
    world.pass(8 * DAY);
    let dana = world.dana().await;
    assert_eq!(view(&dana, "expired").await, ["Cleo", "Ben", "Ana"]);
}

#[tokio::test]
async fn a_mail_that_came_back_is_a_trouble_until_another_is_sent_or_access_is_revoked() {
    let (world, dana, client) = desk().await;
    let ben = add(&dana, &client, "Ben").await;
    assert!(view(&dana, "bounced").await.is_empty());
    bounce(&world, &ben).await;
    assert_eq!(view(&dana, "bounced").await, ["Ben"]);
    dana.resend(&ben).await.expect(202);
    assert!(view(&dana, "bounced").await.is_empty());
    world.deliver().await;
    bounce(&world, &ben).await;
    assert_eq!(view(&dana, "bounced").await, ["Ben"]);
    dana.revoke(&ben).await.expect(200);
    assert!(view(&dana, "bounced").await.is_empty());
}

#[tokio::test]
async fn the_bounce_of_a_reset_is_a_trouble_until_the_next_mail() {
    let (world, dana, client) = desk().await;
    let ana = enrolled(&dana, &client, "Ana").await;
    world.forgot(&ana.email).await.expect(202);
    world.deliver().await;
    bounce(&world, &ana).await;
    assert_eq!(view(&dana, "bounced").await, ["Ana"]);
    world.pass(60 * 60);
    let dana = world.dana().await;
    world.forgot(&ana.email).await.expect(202);
    assert!(view(&dana, "bounced").await.is_empty());
}

#[tokio::test]
async fn clients_are_listed_by_what_they_lack() {
    let (_world, dana, client) = desk().await;
    assert_eq!(view(&dana, "without-access").await, ["Amara"]);
    let ana = enrolled(&dana, &client, "Ana").await;
    assert!(view(&dana, "without-access").await.is_empty());
    assert!(view(&dana, "without-owner").await.is_empty());
    let ben = add(&dana, &client, "Ben").await;
    dana.delete(&ana, "confirm=delete").await.expect(200);
    assert_eq!(view(&dana, "without-owner").await, ["Amara"]);
    let owner = json!({"portalUserId": ben.user});
    dana.put(&format!("/api/clients/{client}/chart-owner"), &owner).await.expect(200);
    assert!(view(&dana, "without-owner").await.is_empty());
    dana.delete(&ben, "confirm=delete").await.expect(200);
    assert_eq!(view(&dana, "without-access").await, ["Amara"]);
    assert!(view(&dana, "without-owner").await.is_empty(), "nobody could own it");
}

#[tokio::test]
async fn alerts_go_to_the_practice_for_want_of_a_recipient() {
    let (_world, dana, client) = desk().await;
    assert!(view(&dana, "alerts-to-practice").await.is_empty(), "nobody could get them");
    let ana = enrolled(&dana, &client, "Ana").await;
    assert_eq!(view(&dana, "alerts-to-practice").await, ["Amara"]);
    dana.assign(&client, Some(&ana.user)).await.expect(200);
    assert!(view(&dana, "alerts-to-practice").await.is_empty());
    let ben = enrolled(&dana, &client, "Ben").await;
    dana.revoke(&ana).await.expect(200);
    assert_eq!(view(&dana, "alerts-to-practice").await, ["Amara"]);
    let to = json!({"alertRecipient": Value::Null});
    dana.post(&format!("{}/revoke", ben.path()), &to).await.expect(200);
    assert!(view(&dana, "alerts-to-practice").await.is_empty(), "nobody could get them");
}

#[tokio::test]
async fn a_client_who_is_renamed_stands_at_the_new_name() {
    let (_world, dana, client) = desk().await;
    enrolled(&dana, &client, "Ana").await;
    let other = dana.client("Zoe", "Nilsen", "1990-01-01").await;
    add(&dana, &other, "Zed").await;
    assert_eq!(view(&dana, "all").await, ["Zed", "Ana"]);
    let name = json!({"version": 1, "name": {"first": "Amara", "last": "Adeyemi"}});
    dana.patch(&format!("/api/clients/{client}"), &name).await.expect(200);
    assert_eq!(view(&dana, "all").await, ["Ana", "Zed"]);
}

#[tokio::test]
async fn pages_hold_every_row_once_in_one_order_whatever_their_size() {
    let world = World::new().await;
    let dana = world.dana().await;
    for n in 0..7 {
        let client = dana.client("Amara", &format!("Okafor{n}"), "1984-03-12").await;
        for first in [format!("Ana{n}"), format!("Ben{n}")] {
            let who = add(&dana, &client, &first).await;
            if n % 3 == 1 {
                dana.revoke(&who).await.expect(200);
            }
            world.pass(1);
        }
    }
    world.pass(8 * DAY);
    let dana = world.dana().await;
    for body in [
        json!({"view": "all"}),
        json!({"view": "expired"}),
        json!({"view": "all", "query": "okafor"}),
    ] {
        let mut whole = body.clone();
        whole["limit"] = json!(100);
        let whole = names(&dana, &whole).await;
        assert!(whole.len() >= 8, "{body}: {whole:?}");
        for limit in [1, 2, 3, 5] {
            let mut page = body.clone();
            page["limit"] = json!(limit);
            let mut rows = Vec::new();
            for _ in 0..20 {
                let answer = ask(&dana, &page).await.expect(200);
                let on_page = answer["rows"].as_array().expect("rows");
                assert!(on_page.len() <= limit, "{page}");
                rows.extend(on_page.iter().map(name));
                page["cursor"] = answer["nextCursor"].clone();
                if page["cursor"].is_null() {
                    break;
                }
            }
            assert_eq!(rows, whole, "{limit} a page of {body}");
        }
    }
}

#[tokio::test]
async fn words_find_the_client_with_everybody_or_the_person_alone() {
    let (_world, dana, client) = desk().await;
    for first in ["Ana", "Ben"] {
        add(&dana, &client, first).await;
    }
    let other = dana.client("Zoe", "Nilsen", "1990-01-01").await;
    add(&dana, &other, "Zed").await;
    let page = dana.get(&format!("/api/clients/{client}")).await.expect(200);
    for (query, found) in [
        ("okafor", vec!["Ana", "Ben"]),
        (page["recordNumber"].as_str().expect("a number"), vec!["Ana", "Ben"]),
        ("ben@mail.example", vec!["Ben"]),
        ("zed", vec!["Zed"]),
        ("nobody", vec![]),
    ] {
        let body = json!({"view": "all", "query": query});
        assert_eq!(names(&dana, &body).await, found, "{query}");
    }
    let body = json!({"view": "revoked", "query": "okafor"});
    assert!(names(&dana, &body).await.is_empty());
    let lonely = dana.client("Lone", "Okafor", "1984-03-12").await;
    let body = json!({"view": "without-access", "query": "okafor"});
    let rows = ask(&dana, &body).await.expect(200)["rows"].clone();
    assert_eq!(rows.as_array().map(Vec::len), Some(1));
    assert_eq!(rows[0]["client"]["clientId"], lonely.as_str());
    ask(&dana, &json!({"view": "all", "query": "x"})).await.problem(422, "too_short");
}

#[tokio::test]
async fn a_professional_has_their_own_clients_and_no_others() {
    let world = World::new().await;
    let dana = world.dana().await;
    for (last, professional) in [("One", "Dr. Ash"), ("Two", "Dr. Birch"), ("Three", "Dr. Ash")] {
        let client = dana.client("Amara", last, "1984-03-12").await;
        let edit = json!({"version": 1, "professional": professional});
        dana.patch(&format!("/api/clients/{client}"), &edit).await.expect(200);
        add(&dana, &client, last).await;
    }
    let list = async |view: &str, professional: &str, limit: u32| {
        let body = json!({"view": view, "professional": professional, "limit": limit});
        ask(&dana, &body).await.expect(200)
    };
    for (view, professional, expected) in [
        ("all", "Dr. Ash", vec!["One", "Three"]),
        ("invited", "Dr. Ash", vec!["One", "Three"]),
        ("all", "Dr. Birch", vec!["Two"]),
        ("active", "Dr. Ash", vec![]),
        ("all", "Dr. A", vec![]),
        ("all", "dr. ash", vec![]),
        ("without-access", "Dr. Ash", vec![]),
    ] {
        let page = list(view, professional, 50).await;
        let rows: Vec<String> = page["rows"].as_array().expect("rows").iter().map(name).collect();
        assert_eq!(rows, expected, "{view} of {professional}");
    }
    let first = list("all", "Dr. Ash", 1).await;
    assert_eq!(name(&first["rows"][0]), "One");
    let next = json!({
        "view": "all", "professional": "Dr. Ash", "limit": 1, "cursor": first["nextCursor"],
    });
    let second = ask(&dana, &next).await.expect(200);
    assert_eq!(name(&second["rows"][0]), "Three");
    assert_eq!(second["nextCursor"], Value::Null);
    // With words, too.
    let body = json!({"view": "all", "professional": "Dr. Birch", "query": "amara"});
    assert_eq!(names(&dana, &body).await, ["Two"]);
}

#[tokio::test]
async fn a_cursor_is_of_one_list() {
    let (_world, dana, client) = desk().await;
    for first in ["Ana", "Ben"] {
        add(&dana, &client, first).await;
    }
    let page = ask(&dana, &json!({"view": "all", "limit": 1})).await.expect(200);
    let cursor = &page["nextCursor"];
    for body in [
        json!({"view": "invited", "cursor": cursor}),
        json!({"view": "all", "professional": "Dr. Ash", "cursor": cursor}),
        json!({"view": "all", "query": "okafor", "cursor": cursor}),
        json!({"view": "all", "cursor": "AAAA"}),
        json!({"view": "all", "cursor": "\u{e4}"}),
    ] {
        let problem = ask(&dana, &body).await;
        assert!([400, 422].contains(&problem.status.as_u16()), "{body}");
        assert_eq!(problem.body["fields"][0]["field"], "cursor", "{body}");
    }
}

#[tokio::test]
async fn the_summary_counts_every_list_and_tells_nothing_of_anybody() {
    let (world, dana, client) = desk().await;
    let ana = enrolled(&dana, &client, "Ana").await;
    add(&dana, &client, "Ben").await;
    let cleo = add(&dana, &client, "Cleo").await;
    bounce(&world, &cleo).await;
    dana.client("Lone", "Nilsen", "1990-01-01").await;
    let before = world.events().await.len();
    let counts = counts(&dana).await;
    assert_eq!(world.events().await.len(), before, "nothing was shown of anybody");
    let expected = [
        ("all", 3),
        ("active", 1),
        ("invited", 2),
        ("expired", 0),
        ("revoked", 0),
        ("locked", 0),
        ("bounced", 1),
        ("unused", 0),
        ("ending", 0),
        ("without-access", 1),
        ("without-owner", 0),
        ("alerts-to-practice", 1),
    ];
    assert_eq!(counts, expected.map(|(view, count)| (view.to_owned(), count)).into());
    assert_eq!(counts.len(), View::ALL.len());
    // Each count is the length of its list.
    for (name, count) in &counts {
        assert_eq!(view(&dana, name).await.len() as u64, *count, "{name}");
    }
    dana.revoke(&ana).await.expect(200);
    assert_eq!(self::counts(&dana).await["revoked"], 1);
}

#[tokio::test]
async fn the_summary_says_what_happened_in_the_last_day_and_in_no_other() {
    let (world, dana, client) = desk().await;
    let last_day = async |staff: &Staff| {
        let summary = staff.get("/api/access/summary").await.expect(200);
        let of = |what: &str| summary["lastDay"][what]["count"].as_u64().expect("a count");
        assert_eq!(summary["lastDay"]["came"]["more"], false);
        (of("came"), of("ended"))
    };
    add(&dana, &client, "Ben").await;
    assert_eq!(last_day(&dana).await, (0, 0), "an invitation is no access");
    let ana = enrolled(&dana, &client, "Ana").await;
    enrolled(&dana, &client, "Cleo").await;
    assert_eq!(last_day(&dana).await, (2, 0));
    world.pass(DAY);
    let dana = world.dana().await;
    assert_eq!(last_day(&dana).await, (2, 0), "to the end of the day");
    world.pass(1);
    assert_eq!(last_day(&dana).await, (0, 0));
    world.signed_in(&ana.email, PASSWORD).await;
    assert_eq!(last_day(&dana).await, (1, 0));
    dana.revoke(&ana).await.expect(200);
    assert_eq!(last_day(&dana).await, (0, 1));
    let casey = world.staff("cove", "Casey", Role::Admin).await;
    assert_eq!(last_day(&casey).await, (0, 0), "of one's own practice");
    world.pass(DAY + 1);
    let dana = world.dana().await;
    assert_eq!(last_day(&dana).await, (0, 0));
    dana.activate(&ana).await.expect(200);
    assert_eq!(last_day(&dana).await, (1, 0));
}

#[tokio::test]
async fn looking_leaves_one_event_and_no_words() {
    let (world, dana, client) = desk().await;
    add(&dana, &client, "Ana").await;
    for body in [json!({"view": "all"}), json!({"view": "all", "query": "okafor"})] {
        let before = world.events().await;
        ask(&dana, &body).await.expect(200);
        let events = world.events().await;
        let new: Vec<_> = events.iter().filter(|(key, _)| !before.contains_key(*key)).collect();
        assert_eq!(new.len(), 1, "{body}");
        assert!(new[0].1.contains("\"access-listed\"") && !new[0].1.contains("kafor"), "{new:?}");
    }
}

#[tokio::test]
async fn lists_are_of_ones_own_practice() {
    let (world, dana, client) = desk().await;
    add(&dana, &client, "Ana").await;
    let casey = world.staff("cove", "Casey", Role::Admin).await;
    let page = ask(&dana, &json!({"view": "all", "limit": 1})).await.expect(200);
    assert_eq!(page["rows"].as_array().map(Vec::len), Some(1));
    for body in [json!({"view": "all"}), json!({"view": "all", "query": "okafor"})] {
        assert!(names(&casey, &body).await.is_empty());
    }
    assert!(counts(&casey).await.values().all(|count| *count == 0));
}

#[tokio::test]
async fn a_page_is_two_round_trips_and_the_summary_one_of_lists() {
    let (world, dana, client) = desk().await;
    for first in ["Ana", "Ben"] {
        add(&dana, &client, first).await;
    }
    world.wire.forget();
    ask(&dana, &json!({"view": "invited"})).await.expect(200);
    // The session, with the settings and the person, beside the index; then both kinds of items beside the event.
    assert_eq!(
        world.wire.seen(),
        ["BatchGetItem", "Query", "BatchGetItem", "BatchGetItem", "PutItem", "UpdateItem"]
    );
    world.wire.forget();
    dana.get("/api/access/summary").await.expect(200);
    let asked = world.wire.seen();
    // `all` is a sum; two more are of the last day.
    assert_eq!(asked.len(), 2 + View::ALL.len() - 1 + 2, "{asked:?}");
}

#[tokio::test]
async fn a_call_without_a_view_or_with_another_names_the_field() {
    let (_world, dana, _client) = desk().await;
    for (body, field) in [
        (json!({}), "view"),
        (json!({"view": "everybody"}), "view"),
        (json!({"view": "all", "limit": 0}), "limit"),
        (json!({"view": "all", "limit": 101}), "limit"),
        (json!({"view": "all", "professional": ""}), "professional"),
        (json!({"view": "all", "sort": "name"}), "sort"),
    ] {
        let answer = ask(&dana, &body).await;
        assert!([400, 422].contains(&answer.status.as_u16()), "{body}: {}", answer.body);
        assert_eq!(answer.body["fields"][0]["field"], field, "{body}");
    }
    let call = Call::new("POST", "/api/access").json(&json!({"view": "all"}));
    dana.world.send(call).await.problem(401, "signed_out");
}

/// Fails to sign in until the sign-in name is locked.
async fn lock(world: &World, username: &str) {
    for _ in 0..5 {
        world.sign_in(username, "a wrong password, alas").await.problem(401, "sign_in_failed");
    }
    world.sign_in(username, PASSWORD).await.problem(429, "too_many_attempts");
}

#[tokio::test]
async fn people_who_are_locked_out_are_listed_until_the_lock_passes_or_they_sign_in() {
    let (world, dana, client) = desk().await;
    let ana = enrolled(&dana, &client, "Ana").await;
    lock(&world, &ana.email).await;
    world.deliver().await;
    assert_eq!(view(&dana, "locked").await, ["Ana"]);
    assert_eq!(counts(&dana).await["locked"], 1);
    let rows = ask(&dana, &json!({"view": "locked"})).await.expect(200)["rows"].clone();
    assert_eq!(rows[0]["portalUser"]["lockedUntil"], dana.user(&ana).await["lockedUntil"]);
    world.pass(60);
    assert!(view(&dana, "locked").await.is_empty(), "the lock has passed");
    world.sign_in(&ana.email, "a wrong password, alas").await.problem(401, "sign_in_failed");
    world.deliver().await;
    assert_eq!(view(&dana, "locked").await, ["Ana"]);
    world.pass(2 * 60);
    world.signed_in(&ana.email, PASSWORD).await;
    world.sign_in(&ana.email, "a wrong password, alas").await.problem(401, "sign_in_failed");
    world.deliver().await;
    assert_eq!(view(&dana, "locked").await, ["Ana"], "strangers' failures are not forgotten");
}

#[tokio::test]
async fn a_lock_is_listed_on_every_open_chart_and_on_no_other() {
    let (world, dana, client) = desk().await;
    let ana = enrolled(&dana, &client, "Ana").await;
    let sibling = dana.client("Zoe", "Okafor", "1990-01-01").await;
    let body = json!({
        "name": {"first": "Ana", "last": "Person"}, "email": ana.email,
        "relationship": "parent", "permissions": ["basic"],
    });
    let path = format!("/api/clients/{sibling}/portal-users");
    let there = text(&dana.post(&path, &body).await.expect(201)["portalUserId"]);
    world.deliver().await;
    let token = world.post.newest(&ana.email).token();
    world.enroll(&token, "Okafor", "1990-01-01", PASSWORD).await.expect(201);
    lock(&world, &ana.email).await;
    world.deliver().await;
    assert_eq!(view(&dana, "locked").await, ["Ana", "Ana"]);
    let there = Invited { client: sibling, user: there, email: ana.email.clone(), token };
    dana.revoke(&there).await.expect(200);
    assert_eq!(view(&dana, "locked").await, ["Ana"]);
    world.pass(60);
    world.sign_in(&ana.email, "a wrong password, alas").await.problem(401, "sign_in_failed");
    world.deliver().await;
    assert_eq!(view(&dana, "locked").await, ["Ana"], "a revoked access is not locked");
}

#[tokio::test]
async fn a_lock_of_nobody_is_listed_nowhere_and_leaves_nothing_to_do() {
    let (world, dana, client) = desk().await;
    let ana = enrolled(&dana, &client, "Ana").await;
    for name in ["nobody@mail.example", &ana.email] {
        lock(&world, name).await;
    }
    let waiting = |items: &BTreeMap<String, String>| {
        items.keys().filter(|key| key.contains(" LOCKOUT#")).count()
    };
    assert_eq!(waiting(&world.items().await), 2, "written alike for both");
    let records = world.records();
    assert_eq!(world.redeliver(records.clone()).await, 0);
    assert_eq!(waiting(&world.items().await), 0);
    assert_eq!(view(&dana, "locked").await, ["Ana"]);
    // The stream may bring it again, when all is over.
    world.pass(60 * 60);
    let dana = world.dana().await;
    assert_eq!(world.redeliver(records).await, 0);
    assert!(view(&dana, "locked").await.is_empty());
}

#[tokio::test]
async fn a_lock_that_the_stream_did_not_bring_is_told_by_the_sweep() {
    let (world, dana, client) = desk().await;
    let ana = enrolled(&dana, &client, "Ana").await;
    lock(&world, &ana.email).await;
    for _ in 0..4 {
        world.pass(60 * 15);
        world.sign_in(&ana.email, "a wrong password, alas").await.problem(401, "sign_in_failed");
    }
    let _ = world.records();
    world.pass(3 * 60);
    let dana_later = world.dana().await;
    assert!(view(&dana_later, "locked").await.is_empty());
    assert!(world.sender().sweep().await.expect("swept").is_empty());
    assert_eq!(view(&dana_later, "locked").await, ["Ana"]);
    assert!(!world.items().await.keys().any(|key| key.contains(" LOCKOUT#")));
    drop(dana);
}

#[tokio::test]
async fn a_closed_chart_is_no_trouble_until_it_is_reopened() {
    let (_world, dana, client) = desk().await;
    let path = format!("/api/clients/{client}");
    let expect = async |listed: &[&str]| {
        assert_eq!(view(&dana, "without-access").await, listed);
    };
    expect(&["Amara"]).await;
    dana.post(&format!("{path}/close"), &json!({"reason": "left"})).await.expect(200);
    expect(&[]).await;
    dana.post(&format!("{path}/reopen"), &json!({})).await.expect(200);
    expect(&["Amara"]).await;
}

#[tokio::test]
async fn counts_that_a_page_asks_for_by_itself_keep_no_session() {
    for (activity, status) in [("none", 401), ("some", 200)] {
        let (world, dana, _) = desk().await;
        let call = Call::new("GET", "/api/access/summary").header("latchkey-activity", activity);
        world.pass(29 * 60);
        let events = world.events().await;
        dana.send(call).await.expect(200);
        assert_eq!(world.events().await, events);
        world.pass(2 * 60);
        assert_eq!(dana.get("/api/staff/session").await.status, status, "{activity}");
    }
}
