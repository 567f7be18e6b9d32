//! What one transaction can hold: changes of a person with access to many clients are written whole,
//! or refused whole.

use std::collections::BTreeMap;

use api_tests::{
    Answer, PASSWORD, World,
    people::{Invited, Staff, text},
};
use serde_json::{Value, json};

const EMAIL: &str = "hollis@mail.example";

/// Four first and four last names.
fn long_name() -> Value {
    json!({
        "first": "Annabel Beatrix Cordelia Dorothea",
        "last": "Ellingham Fairweather Greenfield Hathersage",
    })
}

/// As many others.
fn other_long_name() -> Value {
    json!({
        "first": "Isadora Josephine Katharina Leonora",
        "last": "Montgomery Netherfield Oakenshaw Penhaligon",
    })
}

fn person(name: &Value, relationship: &str) -> Value {
    json!({
        "name": name, "email": EMAIL, "relationship": relationship, "permissions": ["basic"],
        "samePerson": true,
    })
}

async fn add(dana: &Staff, client: &str, body: &Value) -> Invited {
    let added = dana.post(&format!("/api/clients/{client}/portal-users"), body).await.expect(201);
    let user = text(&added["portalUserId"]);
    Invited { client: client.into(), user, email: EMAIL.into(), token: String::new() }
}

/// A person's access to as many clients, given one after another: to the first as `first`, to all
/// others as guardian. With `enroll` the person has enrolled with the first.
async fn access(
    world: &World,
    dana: &Staff,
    (name, first): (&Value, &str),
    charts: usize,
    enroll: bool,
) -> Vec<Invited> {
    let mut all = Vec::new();
    for number in 0..charts {
        let client = if number == 0 {
            everything(dana, name).await
        } else {
            dana.client("Wren", "Okafor", "2015-06-01").await
        };
        let relationship = if number == 0 { first } else { "guardian" };
        let who = add(dana, &client, &person(name, relationship)).await;
        all.push(who);
        if number == 0 && enroll {
            world.deliver().await;
            let token = world.post.newest(EMAIL).token();
            let last = text(&name["last"]);
            world.enroll(&token, &last, "1984-03-12", PASSWORD).await.expect(201);
        }
        if number % 9 == 8 {
            world.forget_mails().await;
        }
    }
    world.forget_mails().await;
    all
}

/// A client with as much of everything as search keeps.
async fn everything(dana: &Staff, name: &Value) -> String {
    let emails: Vec<_> = (0..10)
        .map(|n| json!({"type": "home", "address": format!("mailbox{n}@domain{n}.example")}))
        .collect();
    let phones: Vec<_> =
        (0..10).map(|n| json!({"type": "home", "number": format!("238 555 01{n}7")})).collect();
    let body = json!({
        "name": name, "dateOfBirth": "1984-03-12", "recordNumber": "HC/2024-0017",
        "emails": emails, "phones": phones, "distinct": true,
    });
    text(&dana.post("/api/clients", &body).await.expect(201)["clientId"])
}

/// An edit of a portal user as it is now.
async fn edit(dana: &Staff, who: &Invited, mut body: Value) -> Answer {
    body["version"] = dana.user(who).await["version"].clone();
    dana.patch(&who.path(), &body).await
}

async fn found(dana: &Staff, query: &str) -> Vec<String> {
    let hits = dana.post("/api/clients/search", &json!({"query": query})).await.expect(200);
    hits["clients"].as_array().expect("a list").iter().map(|c| text(&c["clientId"])).collect()
}

/// Refused for its size; nothing changed, and the history says so.
async fn refused(world: &World, answer: Answer, before: &BTreeMap<String, String>) {
    let problem = answer.problem(409, "change_too_large");
    assert!(text(&problem["detail"]).contains("100"), "it names the limit");
    assert_eq!(&world.items_but_sessions().await, before);
    let events = world.events().await;
    assert!(events.values().any(|event| event.contains("change_too_large")));
}

#[tokio::test]
async fn a_client_who_is_a_guardian_elsewhere_is_renamed_on_every_chart_or_not_at_all() {
    for (others, fits) in [(3, true), (4, true), (15, false), (39, false)] {
        let world = World::new().await;
        let dana = world.dana().await;
        let all = access(&world, &dana, (&long_name(), "self"), 1 + others, true).await;
        let path = format!("/api/clients/{}", all[0].client);
        let before = (world.items_but_sessions().await, world.changes().await);
        let body = json!({"version": 1, "name": other_long_name(), "recordNumber": "HC/2026-0001"});
        let answer = dana.patch(&path, &body).await;
        if !fits {
            refused(&world, answer, &before.0).await;
            assert_eq!(world.changes().await, before.1);
            assert_eq!(dana.get(&path).await.expect(200)["name"], long_name());
            continue;
        }
        assert_eq!(answer.expect(200)["name"], other_long_name());
        for who in &all {
            assert_eq!(dana.user(who).await["name"], other_long_name(), "{others}");
            let actions = dana.actions(&who.client).await;
            let told = actions.iter().filter(|action| *action == "portal-user-updated").count();
            assert_eq!(told, 1, "{others}");
        }
        let session = world.sign_in(EMAIL, PASSWORD).await.expect(200);
        assert_eq!(session["name"], other_long_name());
        assert!(found(&dana, "montgomery isadora").await.contains(&all[0].client));
    }
}

/// All at once is more than fits; one field after another is not.
#[tokio::test]
async fn a_person_with_forty_charts_is_edited_whole_or_not_at_all() {
    let world = World::new().await;
    let dana = world.dana().await;
    let all = access(&world, &dana, (&long_name(), "guardian"), 40, true).await;
    let new = json!({
        "name": other_long_name(), "email": "marsh@mail.example", "username": "hollis.marsh",
    });
    let before = world.items_but_sessions().await;
    refused(&world, edit(&dana, &all[0], new.clone()).await, &before).await;
    for field in ["name", "email", "username"] {
        edit(&dana, &all[0], json!({field: new[field]})).await.expect(200);
        for who in &all {
            assert_eq!(dana.user(who).await[field], new[field]);
        }
    }
    let session = world.sign_in("hollis.marsh", PASSWORD).await.expect(200);
    assert_eq!(session["charts"].as_array().map(Vec::len), Some(1), "the others were only invited");
}

/// The same, where nobody enrolled: with the address the sign-in name and all invitations change.
#[tokio::test]
async fn an_invited_person_with_forty_charts_is_edited_whole_or_not_at_all() {
    let world = World::new().await;
    let dana = world.dana().await;
    let all = access(&world, &dana, (&long_name(), "guardian"), 40, false).await;
    world.deliver().await;
    let links: Vec<_> =
        world.post.received().iter().map(api_tests::mail::Received::token).collect();
    let (name, email) = (other_long_name(), json!("marsh@mail.example"));
    let before = world.items_but_sessions().await;
    let both = json!({"name": name, "email": email});
    refused(&world, edit(&dana, &all[0], both).await, &before).await;

    edit(&dana, &all[0], json!({"name": name})).await.expect(200);
    edit(&dana, &all[0], json!({"email": email})).await.expect(200);
    for who in &all {
        let user = dana.user(who).await;
        assert_eq!((&user["name"], &user["email"], &user["username"]), (&name, &email, &email));
    }
    let (mut invited, mut over) = (0, 0);
    for (number, who) in all.iter().enumerate() {
        match text(&dana.user(who).await["status"]).as_str() {
            "invited" => invited += 1,
            _ => over += 1,
        }
        // What the client's page says of its portal is mended by the next change, at the latest.
        let path = format!("/api/clients/{}", who.client);
        let edit = json!({"version": 1, "professional": "Dr. One"});
        dana.patch(&path, &edit).await.expect(200);
        let page = dana.get(&path).await.expect(200);
        assert_eq!(page["portal"]["status"], dana.user(who).await["status"], "{number}");
    }
    assert_eq!((invited, over), (10, 30));
    for dead in [&links[0], &links[1], &links[39]] {
        assert_eq!(world.check(dead).await.expect(200)["state"], "expired");
    }
}
