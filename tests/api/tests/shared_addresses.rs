//! Shared addresses: a client under 18 and nobody else of the chart have one e-mail address, however it comes about;
//! of adults, staff are told.

use std::cell::Cell;

use api_tests::{
    Answer, PASSWORD, World,
    people::{Browser, Invited, Staff, text},
    races::{Ended, meet_distinct},
};
use serde_json::{Value, json};

/// An address that two people would have.
const ONE: &str = "one@mail.example";
const TWO: &str = "two@mail.example";
/// Of a client who is a minor for years.
const YOUNG: &str = "2015-03-12";
const OLD: &str = "1984-03-12";

struct Scene {
    world: World,
    dana: Staff,
    client: String,
}

async fn scene(born: &str) -> Scene {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = dana.client("Kim", "Okafor", born).await;
    world.wire.forget();
    Scene { world, dana, client }
}

/// Adds a person to a client, with a sign-in name that is not the address.
async fn add(dana: &Staff, client: &str, who: (&str, &str, &str)) -> Answer {
    let (relationship, username, email) = who;
    let body = json!({
        "name": {"first": "Pat", "last": "Person"}, "email": email, "username": username,
        "relationship": relationship, "permissions": ["basic", "messaging"],
    });
    dana.post(&format!("/api/clients/{client}/portal-users"), &body).await
}

async fn added(dana: &Staff, client: &str, who: (&str, &str, &str)) -> Invited {
    let user = text(&add(dana, client, who).await.expect(201)["portalUserId"]);
    Invited { client: client.into(), user, email: who.2.into(), token: String::new() }
}

async fn edit(dana: &Staff, who: &Invited, change: Value) -> Answer {
    let mut body = change;
    body["version"] = dana.user(who).await["version"].clone();
    dana.patch(&who.path(), &body).await
}

async fn edit_client(dana: &Staff, client: &str, change: Value) -> Answer {
    let path = format!("/api/clients/{client}");
    let mut body = change;
    body["version"] = dana.get(&path).await.expect(200)["version"].clone();
    dana.patch(&path, &body).await
}

#[track_caller]
fn refused(answer: Answer) {
    let problem = answer.problem(422, "address_shared");
    let field = &problem["fields"][0];
    assert_eq!((&field["field"], &field["code"]), (&json!("email"), &json!("address_shared")));
    assert!(text(&field["message"]).contains("under 18"), "{field}");
}

/// The addresses of a chart, and what the account of each has.
async fn addresses(scene: &Scene, client: &str) -> Vec<(String, String)> {
    let users = scene.dana.users(client).await;
    let users = users["portalUsers"].as_array().expect("a list").iter();
    users.map(|user| (text(&user["relationship"]), text(&user["email"]).to_lowercase())).collect()
}

#[tokio::test]
async fn nobody_is_added_with_a_minors_address_nor_a_minor_with_anothers() {
    for (first, second) in
        [("self", "parent"), ("parent", "self"), ("guardian", "self"), ("self", "other")]
    {
        let Scene { world, dana, client } = scene(YOUNG).await;
        added(&dana, &client, (first, "first", ONE)).await;
        let before = world.items_but_sessions().await;
        // Addresses compare without regard to case.
        refused(add(&dana, &client, (second, "second", "One@Mail.example")).await);
        assert_eq!(world.items_but_sessions().await, before, "nothing was written");
        added(&dana, &client, (second, "second", TWO)).await;
        // Two who are not the client may share theirs.
        added(&dana, &client, ("other", "third", if first == "self" { TWO } else { ONE })).await;
    }
}

#[tokio::test]
async fn the_address_is_the_reason_where_the_sign_in_name_is_taken_too() {
    let Scene { dana, client, .. } = scene(YOUNG).await;
    dana.add(&client, ONE).await.expect(201);
    let body = json!({
        "name": {"first": "Kim", "last": "Okafor"}, "email": ONE, "relationship": "self",
        "permissions": ["basic"],
    });
    let path = format!("/api/clients/{client}/portal-users");
    refused(dana.post(&path, &body).await);
    let mut same = body.clone();
    same["samePerson"] = json!(true);
    refused(dana.post(&path, &same).await);
    // An edit by which the sign-in name would follow the address.
    let mut other = body;
    other["email"] = json!(TWO);
    let kim = text(&dana.post(&path, &other).await.expect(201)["portalUserId"]);
    let kim =
        Invited { client: client.clone(), user: kim, email: TWO.into(), token: String::new() };
    refused(edit(&dana, &kim, json!({"email": ONE})).await);
}

#[tokio::test]
async fn no_edit_makes_a_minor_share_an_address() {
    let scene = scene(YOUNG).await;
    let Scene { dana, client, .. } = &scene;
    let kim = added(dana, client, ("self", "kim", ONE)).await;
    let pat = added(dana, client, ("parent", "pat", TWO)).await;
    refused(edit(dana, &kim, json!({"email": "TWO@mail.example"})).await);
    refused(edit(dana, &pat, json!({"email": ONE})).await);
    // What a revoked person reads is read all the same.
    dana.revoke(&pat).await.expect(200);
    refused(edit(dana, &kim, json!({"email": TWO})).await);
    // Who becomes the client, and who was it.
    edit(dana, &kim, json!({"relationship": "other"})).await.expect(200);
    edit(dana, &kim, json!({"email": TWO})).await.expect(200);
    refused(edit(dana, &kim, json!({"relationship": "self"})).await);
    refused(edit(dana, &pat, json!({"relationship": "self"})).await);
    edit(dana, &kim, json!({"relationship": "self", "email": ONE})).await.expect(200);
    assert_eq!(
        addresses(&scene, client).await,
        [("self".to_owned(), ONE.to_owned()), ("parent".to_owned(), TWO.to_owned())]
    );
}

#[tokio::test]
async fn no_correction_of_a_birth_date_makes_a_minor_share_an_address() {
    let Scene { world, dana, client } = scene(OLD).await;
    let kim = added(&dana, &client, ("self", "kim", ONE)).await;
    let pat = added(&dana, &client, ("spouse", "pat", ONE)).await;
    let before = world.items_but_sessions().await;
    refused(edit_client(&dana, &client, json!({"dateOfBirth": YOUNG})).await);
    assert_eq!(world.items_but_sessions().await, before, "nothing was written");
    edit(&dana, &pat, json!({"email": TWO})).await.expect(200);
    edit_client(&dana, &client, json!({"dateOfBirth": YOUNG})).await.expect(200);
    refused(edit(&dana, &kim, json!({"email": TWO})).await);
}

#[tokio::test]
async fn what_is_shared_already_keeps_staff_from_nothing_else() {
    let Scene { world, dana, client } = scene(OLD).await;
    let kim = added(&dana, &client, ("self", "kim", ONE)).await;
    let pat = added(&dana, &client, ("parent", "pat", ONE)).await;
    // As an older version left it.
    let key = format!("P#harbor#C#{client}");
    let snapshot = world.snapshot().await;
    let main = &world.database.tables().main;
    let row = snapshot.items(main).into_iter().find(|((pk, sk), _)| *pk == key && sk == "A#CLIENT");
    let mut item = row.expect("the client").1;
    item["dateOfBirth"] = json!(YOUNG);
    let item = serde_dynamo::to_item(item).expect("an item");
    world.database.load(main, vec![item]).expect("loaded");
    edit(&dana, &pat, json!({"permissions": ["basic"]})).await.expect(200);
    edit_client(&dana, &client, json!({"professional": "Dr. P. Achebe"})).await.expect(200);
    refused(add(&dana, &client, ("other", "third", ONE)).await);
    dana.revoke(&pat).await.expect(200);
    dana.delete(&pat, "confirm=delete").await.expect(200);
    edit(&dana, &kim, json!({"email": TWO})).await.expect(200);
}

#[tokio::test]
async fn of_adults_staff_are_told() {
    let Scene { dana, client, .. } = scene(OLD).await;
    let kim = added(&dana, &client, ("self", "kim", ONE)).await;
    assert_eq!(dana.user(&kim).await["sharesEmail"], false);
    let body = add(&dana, &client, ("spouse", "pat", "ONE@mail.example")).await.expect(201);
    assert_eq!(body["sharesEmail"], true);
    let pat = Invited { user: text(&body["portalUserId"]), ..kim.clone() };
    assert_eq!(dana.user(&kim).await["sharesEmail"], true);
    assert_eq!(dana.revoke(&pat).await.expect(200)["portalUser"]["sharesEmail"], true);
    let edited = edit(&dana, &pat, json!({"email": TWO})).await.expect(200);
    assert_eq!(edited["sharesEmail"], false);
    assert_eq!(dana.user(&kim).await["sharesEmail"], false);
}

/// The world begins on November 22, 2026, at 14:00 in UTC.
#[tokio::test]
async fn a_client_is_a_minor_until_the_birthday_at_the_practice() {
    for (zone, born, minor) in [
        ("UTC", "2008-11-22", false),
        ("UTC", "2008-11-23", true),
        ("Pacific/Kiritimati", "2008-11-23", false),
        ("Pacific/Kiritimati", "2008-11-24", true),
        ("America/New_York", "2008-11-22", false),
        ("Pacific/Pago_Pago", "2008-11-22", false),
        ("Pacific/Pago_Pago", "2008-11-23", true),
    ] {
        let Scene { world, dana, client } = scene(born).await;
        world
            .practice("harbor", "Harbor Practice", |practice| practice.time_zone = zone.into())
            .await;
        added(&dana, &client, ("parent", "pat", ONE)).await;
        let answer = add(&dana, &client, ("self", "kim", ONE)).await;
        if minor {
            refused(answer);
        } else {
            assert_eq!(answer.expect(201)["sharesEmail"], true, "{zone}, {born}");
        }
    }
}

/// A parent who has enrolled, with access to two clients; the second is young and has an address of their own.
async fn family() -> (Scene, Invited, Invited, String) {
    let scene = scene(YOUNG).await;
    let dana = &scene.dana;
    let other = dana.client("Amara", "Okafor", OLD).await;
    let pat = dana.enroll_for(&other, TWO).await;
    let body = json!({
        "name": {"first": "Pat", "last": "Person"}, "email": TWO, "relationship": "parent",
        "permissions": ["basic"],
    });
    let path = format!("/api/clients/{}/portal-users", scene.client);
    let there = text(&dana.post(&path, &body).await.expect(201)["portalUserId"]);
    let there = Invited { client: scene.client.clone(), user: there, ..pat.clone() };
    scene.world.deliver().await;
    let token = scene.world.post.newest(TWO).token();
    scene.world.enroll(&token, "Okafor", YOUNG, PASSWORD).await.expect(201);
    scene.world.deliver().await;
    let version = dana.user(&pat).await["version"].to_string();
    (scene, pat, there, version)
}

#[tokio::test]
async fn an_address_that_changes_on_every_chart_is_shared_with_a_minor_on_none() {
    let (scene, pat, there, _) = family().await;
    let Scene { world, dana, client } = &scene;
    added(dana, client, ("self", "kim", ONE)).await;
    world.deliver().await;
    refused(edit(dana, &pat, json!({"email": ONE})).await);
    refused(edit(dana, &there, json!({"email": ONE})).await);
    // By the person, who reads that mailbox too.
    let browser: Browser = world.browser(TWO, PASSWORD, "").await;
    browser.change_email(ONE, PASSWORD).await.expect(202);
    world.deliver().await;
    let token = world.post.newest(ONE).token();
    let before = world.items_but_sessions().await;
    refused(browser.confirm(&token).await);
    assert_eq!(world.items_but_sessions().await, before, "nothing was written");
    assert_eq!(dana.user(&pat).await["email"], TWO);
    // An address of their own reaches every chart, and so does its ending.
    edit(dana, &pat, json!({"email": "three@mail.example"})).await.expect(200);
    assert_eq!(dana.user(&there).await["email"], "three@mail.example");
    refused(edit(dana, &pat, json!({"email": ONE})).await);
}

#[tokio::test]
async fn joining_a_chart_with_an_account_that_is_there_shares_no_minors_address() {
    let (scene, _, there, _) = family().await;
    let Scene { world, dana, client } = &scene;
    dana.delete(&there, "confirm=delete").await.expect(200);
    added(dana, client, ("self", "kim", TWO)).await;
    let _ = world;
    for same in [false, true] {
        let body = json!({
            "name": {"first": "Pat", "last": "Person"}, "email": TWO, "relationship": "parent",
            "permissions": ["basic"], "samePerson": same,
        });
        let path = format!("/api/clients/{client}/portal-users");
        refused(dana.post(&path, &body).await);
    }
}

/// Two changes at once, in every order: one of them is refused, and no address is shared.
async fn one_is_refused<F: Future<Output = Answer>>(
    scene: &Scene,
    what: &str,
    begin: impl Fn(usize) -> F,
) {
    let (one, other) = (Cell::new(0), Cell::new(0));
    let orders = meet_distinct(&scene.world, begin, async |ended| {
        let Ended { order, answers, .. } = ended;
        let refusals = answers.each_ref().map(|answer| answer.status.as_u16() == 422);
        match refusals {
            [false, true] => one.set(one.get() + 1),
            [true, false] => other.set(other.get() + 1),
            _ => panic!("{what}, {order}: {:?}", answers.map(|answer| answer.body)),
        }
        let addresses = addresses(scene, &scene.client).await;
        let own = addresses.iter().find(|(is, _)| is == "self").map(|(_, email)| email.clone());
        let shared =
            addresses.iter().filter(|(is, email)| is != "self" && Some(email) == own.as_ref());
        assert_eq!(shared.count(), 0, "{what}, {order}: {addresses:?}");
    });
    assert!(orders.await > 3, "{what}");
    assert!(one.get() > 0 && other.get() > 0, "{what}: both happen");
}

#[tokio::test]
async fn of_two_who_get_one_address_at_once_one_is_refused() {
    let scene = scene(YOUNG).await;
    let Scene { dana, client, .. } = &scene;
    let add = |of: usize| async move {
        let who = [("self", "kim", ONE), ("parent", "pat", ONE)][of];
        add(dana, client, who).await
    };
    one_is_refused(&scene, "added", add).await;

    let kim = &added(dana, client, ("self", "kim", "kim@mail.example")).await;
    let pat = &added(dana, client, ("parent", "pat", TWO)).await;
    let people = [kim, pat];
    let versions =
        &[dana.user(kim).await["version"].clone(), dana.user(pat).await["version"].clone()];
    let edit = |of: usize| async move {
        dana.patch(&people[of].path(), &json!({"version": versions[of], "email": ONE})).await
    };
    one_is_refused(&scene, "edited", edit).await;
}

#[tokio::test]
async fn of_an_edit_on_another_chart_and_a_minor_with_that_address_one_is_refused() {
    let (scene, pat, _, version) = family().await;
    let Scene { dana, client, .. } = &scene;
    let (pat, version) = (&pat, &version);
    let begin = |of: usize| async move {
        if of == 0 {
            return add(dana, client, ("self", "kim", ONE)).await;
        }
        let version: u64 = version.parse().expect("a number");
        dana.patch(&pat.path(), &json!({"version": version, "email": ONE})).await
    };
    one_is_refused(&scene, "added", begin).await;
}

#[tokio::test]
async fn of_a_corrected_birth_date_and_a_shared_address_one_is_refused() {
    let scene = scene(OLD).await;
    let Scene { dana, client, .. } = &scene;
    let kim = &added(dana, client, ("self", "kim", ONE)).await;
    added(dana, client, ("parent", "pat", TWO)).await;
    let path = &format!("/api/clients/{client}");
    let versions = &[
        dana.get(path).await.expect(200)["version"].clone(),
        dana.user(kim).await["version"].clone(),
    ];
    let begin = |of: usize| async move {
        if of == 0 {
            return dana.patch(path, &json!({"version": versions[0], "dateOfBirth": YOUNG})).await;
        }
        dana.patch(&kim.path(), &json!({"version": versions[1], "email": TWO})).await
    };
    let (one, other) = (Cell::new(0), Cell::new(0));
    let orders = meet_distinct(&scene.world, begin, async |ended| {
        match ended.answers.each_ref().map(|answer| answer.status.as_u16()) {
            [200, 422] => one.set(one.get() + 1),
            [422, 200] => other.set(other.get() + 1),
            of => panic!("{}: {of:?}", ended.order),
        }
    });
    assert!(orders.await > 3);
    assert!(one.get() > 0 && other.get() > 0, "both happen");
}

#[tokio::test]
async fn of_edits_on_two_other_charts_by_which_a_minor_would_share_an_address_one_is_refused() {
    let (scene, pat, _, _) = family().await;
    let Scene { world, dana, client } = &scene;
    // The minor has access to a third chart, from which their address changes.
    let third = dana.client("Bea", "Okafor", OLD).await;
    let kim = dana.enroll_for(&third, "kim@mail.example").await;
    let body = json!({
        "name": {"first": "Kim", "last": "Okafor"}, "email": "kim@mail.example", "relationship": "self",
        "permissions": ["basic"], "samePerson": true,
    });
    dana.post(&format!("/api/clients/{client}/portal-users"), &body).await.expect(201);
    world.deliver().await;
    let token = world.post.newest("kim@mail.example").token();
    world.enroll(&token, "Okafor", YOUNG, PASSWORD).await.expect(201);
    world.deliver().await;
    let people = &[pat, kim];
    let versions = &[
        dana.user(&people[0]).await["version"].clone(),
        dana.user(&people[1]).await["version"].clone(),
    ];
    let edit = |of: usize| async move {
        dana.patch(&people[of].path(), &json!({"version": versions[of], "email": ONE})).await
    };
    // Each is overtaken by the other between what it read and what it writes.
    for late in [0, 1] {
        let before = world.snapshot().await;
        world.wire.hold();
        let overtaking = async {
            let write = world.wire.write().await;
            world.wire.let_go();
            edit(1 - late).await.expect(200);
            write.release();
        };
        let (answer, ()) = futures::join!(edit(late), overtaking);
        answer.problem(422, "address_shared");
        let addresses = addresses(&scene, client).await;
        let own = addresses.iter().find(|(is, _)| is == "self").map(|(_, email)| email);
        let shared = addresses.iter().filter(|(is, email)| is != "self" && Some(email) == own);
        assert_eq!(shared.count(), 0, "{addresses:?}");
        world.put_back(&world.snapshot().await, &before).await;
    }
}
