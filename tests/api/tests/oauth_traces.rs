//! What the questions of apps leave behind, and what they cost: the histories, when an app was last used, the
//! requests to the table, and what is answered without it.

use api_tests::{
    PASSWORD, World,
    apps::{Room, Scene, parameter},
    people::{Invited, text},
    wire::Fault,
};
use serde_json::{Value, json};

/// The events of an action, with client, reason and app.
async fn events(world: &World, action: &str) -> Vec<(Value, Value, Value)> {
    let events = world.events().await.into_values();
    let events = events.map(|event| serde_json::from_str::<Value>(&event).expect("JSON"));
    let of = events.filter(|event| event["action"] == action);
    of.map(|e| (e["clientId"].clone(), e["reason"].clone(), e["app"]["appId"].clone())).collect()
}

#[tokio::test]
async fn the_history_of_a_chart_tells_once_a_session_which_app_was_opened() {
    let scene = Scene::new().await;
    let opened = async || {
        let events = scene.world.events().await.into_values();
        let events = events.map(|event| serde_json::from_str::<Value>(&event).expect("JSON"));
        events.filter(|event| event["action"] == "app-opened").collect::<Vec<_>>()
    };
    let token = scene.token().await;
    scene.code().await;
    for _ in 0..3 {
        assert!(scene.is_open(&token).await);
        scene.world.may_pass(&scene.cookie, &format!("app={}", scene.room.id)).await.expect(204);
    }
    scene.token().await;
    let events = opened().await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["clientId"], scene.who.client);
    assert_eq!(events[0]["portalUserId"], scene.who.user);
    assert_eq!(events[0]["actor"]["name"], "Pat Person");
    assert_eq!(events[0]["app"], json!({"appId": scene.room.id, "name": "Messages"}));
    let cookie = scene.world.signed_in(&scene.who.email, PASSWORD).await;
    scene.world.may_pass(&cookie, &format!("app={}", scene.room.id)).await.expect(204);
    assert_eq!(opened().await.len(), 2, "another session");
    let documents = scene.dana.register(&json!({"permission": null})).await;
    scene.world.token(&cookie, &documents).await;
    assert_eq!(opened().await.len(), 3, "another app");
    let history = format!("/api/clients/{}/history", scene.who.client);
    let history = scene.dana.get(&history).await.expect(200);
    let shown: Vec<_> = history["events"].as_array().expect("events").iter().collect();
    let shown = shown.iter().find(|event| event["action"] == "app-opened").expect("it");
    assert_eq!(shown["app"]["name"], "Messages");
}

#[tokio::test]
async fn a_chart_that_is_shown_later_tells_so_in_its_own_history() {
    let scene = Scene::with(&json!({"permission": null})).await;
    let (world, dana) = (&scene.world, &scene.dana);
    let other = dana.client("Amara", "Okafor", "1984-03-12").await;
    let body = json!({
        "name": {"first": "Pat", "last": "Person"}, "email": scene.who.email,
        "relationship": "parent", "permissions": ["documents"], "samePerson": true,
    });
    let second = dana.post(&format!("/api/clients/{other}/portal-users"), &body).await.expect(201);
    world.deliver().await;
    let token = world.post.newest(&scene.who.email).token();
    world.enroll(&token, "Okafor", "1984-03-12", PASSWORD).await.expect(201);
    let cookie = world.signed_in(&scene.who.email, PASSWORD).await;
    let opened = async || {
        let events = events(world, "app-opened").await.into_iter();
        events.map(|(client, ..)| text(&client)).collect::<Vec<_>>()
    };
    let get = async |scope: &str| {
        let answer = world.authorize(&cookie, &scene.room, &json!({"scope": scope})).await;
        let code = parameter(&text(&answer.expect(200)["redirectTo"]), "code").expect("a code");
        text(&world.exchange(&scene.room, &code).await.expect(200)["access_token"])
    };
    let first = get("openid messaging").await;
    assert_eq!(opened().await, *std::slice::from_ref(&scene.who.client));
    get("openid documents").await;
    assert_eq!(opened().await, [scene.who.client.clone(), other.clone()], "wider scopes");
    get("openid documents messaging").await;
    assert_eq!(opened().await.len(), 2, "once each");

    // A permission that is given while the session lives opens another chart to the token that is there.
    let third = world.signed_in(&scene.who.email, PASSWORD).await;
    let messages = dana.register(&json!({})).await;
    let token = world.token(&third, &messages).await;
    let before = opened().await.len();
    let user =
        Invited { client: other.clone(), user: text(&second["portalUserId"]), ..scene.who.clone() };
    let version = dana.user(&user).await["version"].clone();
    let edit = json!({"version": version, "permissions": ["documents", "messaging"]});
    dana.patch(&user.path(), &edit).await.expect(200);
    let info = world.userinfo(&token).await.expect(200);
    assert_eq!(info["charts"].as_array().map(Vec::len), Some(2));
    assert_eq!(opened().await.len(), before + 1);
    assert!(scene.is_open(&first).await);
}

#[tokio::test]
async fn what_is_refused_to_apps_stands_in_the_history_and_fills_it_not() {
    let scene = Scene::new().await;
    let (world, room) = (&scene.world, &scene.room);
    let token = scene.token().await;
    let wrong = Room { secret: "x".repeat(43), ..room.clone() };
    let nobody = Room { id: "harbor.01ARZ3NDEKTSV4RRFFQ69G5FAV".into(), ..wrong.clone() };
    for _ in 0..3 {
        for of in [&wrong, &nobody] {
            let fields = [("token", &*token)];
            for path in ["/api/oauth/introspect", "/api/oauth/revoke", "/api/oauth/token"] {
                world.ask_as(of, path, &fields).await.oauth(401, "invalid_client");
            }
        }
    }
    let refused = (Value::Null, json!("invalid_client"), json!(room.id));
    assert_eq!(events(world, "refused").await, *std::slice::from_ref(&refused));
    world.pass(15 * 60);
    let fields = [("token", "x")];
    world.ask_as(&wrong, "/api/oauth/introspect", &fields).await.oauth(401, "invalid_client");
    assert_eq!(events(world, "refused").await, [refused.clone(), refused]);

    let cookie = world.signed_in(&scene.who.email, PASSWORD).await;
    let billing = scene.dana.register(&json!({"permission": "billing"})).await;
    for _ in 0..3 {
        world.may_pass(&cookie, &format!("app={}", billing.id)).await.problem(403, "no_access");
    }
    let denied = (json!(scene.who.client), json!("no_access"), json!(billing.id));
    let told = events(world, "refused").await;
    assert_eq!((told.len(), told.iter().filter(|event| **event == denied).count()), (3, 1));

    let code = world.code(&cookie, room).await;
    world.exchange(room, &code).await.expect(200);
    assert!(events(world, "app-closed").await.is_empty());
    world.exchange(room, &code).await.oauth(400, "invalid_grant");
    let used = (json!(scene.who.client), json!("code_used"), json!(room.id));
    assert_eq!(events(world, "app-closed").await, *std::slice::from_ref(&used));
    let token = world.token(&cookie, room).await;
    for _ in 0..2 {
        world.ask_as(room, "/api/oauth/revoke", &[("token", &token)]).await.expect(200);
    }
    let given = (json!(scene.who.client), Value::Null, json!(room.id));
    assert_eq!(events(world, "app-closed").await, [used, given]);
}

#[tokio::test]
async fn when_an_app_was_last_used_is_noted_to_ten_minutes() {
    let scene = Scene::new().await;
    let last = async || {
        let path = format!("/api/apps/{}", scene.room.id);
        let app = scene.dana.get(&path).await.expect(200);
        (app["lastUsedAt"].clone(), app["version"].clone())
    };
    assert_eq!(last().await, (Value::Null, json!(1)));
    let token = scene.token().await;
    let (first, version) = last().await;
    assert!(first.is_string());
    assert_eq!(version, 1, "that is no edit");
    scene.world.pass(9 * 60);
    assert!(scene.is_open(&token).await);
    assert_eq!(last().await.0, first);
    scene.world.pass(60);
    assert!(scene.is_open(&token).await);
    assert_ne!(last().await.0, first);
}

#[tokio::test]
async fn a_question_of_an_app_is_one_round_trip() {
    let scene = Scene::new().await;
    let (world, room) = (&scene.world, &scene.room);
    let app = format!("app={}", room.id);
    let seen = async |what: &str, asks: &[&str]| {
        let mut seen = world.wire.seen();
        seen.sort();
        assert_eq!(seen, asks, "{what}");
        world.wire.forget();
    };
    world.wire.forget();
    let code = scene.code().await;
    // When the app was last used is noted beside the write.
    seen("a code", &["BatchGetItem", "TransactWriteItems", "UpdateItem"]).await;
    let tokens = world.exchange(room, &code).await.expect(200);
    seen("a token", &["BatchGetItem", "TransactWriteItems"]).await;
    let token = text(&tokens["access_token"]);
    for _ in 0..2 {
        world.introspect(room, &token).await;
        seen("introspection", &["BatchGetItem"]).await;
        world.userinfo(&token).await.expect(200);
        seen("userinfo", &["BatchGetItem"]).await;
        world.may_pass(&scene.cookie, &app).await.expect(204);
        seen("check", &["BatchGetItem"]).await;
    }
    world.ask_as(room, "/api/oauth/revoke", &[("token", &token)]).await.expect(200);
    seen("giving back", &["BatchGetItem", "TransactWriteItems"]).await;
    world.introspect(room, &token).await;
    seen("of a token that is over", &["BatchGetItem"]).await;
}

#[tokio::test]
async fn without_its_table_nothing_is_said_and_nothing_passes() {
    let scene = Scene::new().await;
    let (world, room) = (&scene.world, &scene.room);
    let (token, code) = (scene.token().await, scene.code().await);
    let app = format!("app={}", room.id);
    let down = || world.wire.break_after("BatchGetItem", 0, Fault::Error, 50);
    down();
    let answer = world.ask_as(room, "/api/oauth/introspect", &[("token", &token)]).await;
    assert!(answer.headers.contains_key("retry-after"));
    answer.oauth(503, "temporarily_unavailable");
    world.userinfo(&token).await.oauth(503, "temporarily_unavailable");
    world.exchange(room, &code).await.oauth(503, "temporarily_unavailable");
    world.may_pass(&scene.cookie, &app).await.problem(503, "unavailable");
    world.authorize(&scene.cookie, room, &json!({})).await.problem(503, "unavailable");
    world.wire.forget();
    world.exchange(room, &code).await.expect(200);
    assert!(scene.is_open(&token).await);
    world.may_pass(&scene.cookie, &app).await.expect(204);
}
