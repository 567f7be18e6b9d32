//! Signing out on the way from an app: whose session ends, and where the browser goes on.

use api_tests::{
    Call, PASSWORD,
    apps::{GOODBYE, REDIRECT, Scene},
    people::text,
};
use serde_json::{Value, json};

#[tokio::test]
async fn signing_out_leads_back_to_where_the_app_may_send_people_and_nowhere_else() {
    let scene = Scene::new().await;
    let world = &scene.world;
    let sign_out = async |cookie: &str, body: Value| {
        let call = Call::new("POST", "/api/portal/sign-out").json(&body);
        world.send(if cookie.is_empty() { call } else { call.cookie(cookie) }).await
    };
    let code = scene.code().await;
    let tokens = world.exchange(&scene.room, &code).await.expect(200);
    let (token, hint) = (text(&tokens["access_token"]), tokens["id_token"].clone());

    let other = scene.dana.register(&json!({})).await;
    for (body, field) in [
        (json!({"id_token_hint": "x.y.z"}), "id_token_hint"),
        (json!({"id_token_hint": hint, "client_id": other.id}), "id_token_hint"),
    ] {
        let body = sign_out(&scene.cookie, body).await.problem(422, "not_ours");
        assert_eq!(body["fields"][0]["field"], field);
    }
    let other = scene.dana.enrolled().await;
    let again = world.signed_in(&other.email, PASSWORD).await;
    sign_out(&again, json!({"id_token_hint": hint})).await.problem(409, "another_session");
    assert!(scene.is_open(&token).await, "nobody was signed out");
    world.session(&again).await.expect(200);

    world.pass(10 * 60 - 1);
    let body = json!({
        "id_token_hint": hint, "post_logout_redirect_uri": GOODBYE, "state": "a b",
    });
    let answer = sign_out(&scene.cookie, body.clone()).await;
    assert_eq!(answer.cookie("__Host-latchkey-portal"), Some("__Host-latchkey-portal=".into()));
    assert_eq!(answer.expect(200), json!({"redirectTo": format!("{GOODBYE}?state=a+b")}));
    assert!(!scene.is_open(&token).await);
    world.session(&scene.cookie).await.problem(401, "signed_out");
    world.session(&again).await.expect(200);
    // Who is signed out already is sent on all the same.
    let gone = sign_out("", body.clone()).await.expect(200);
    assert_eq!(gone, json!({"redirectTo": format!("{GOODBYE}?state=a+b")}));
    for uri in
        [REDIRECT, "https://evil.example/", "https://rooms.example/bye/", "javascript:alert(1)"]
    {
        for by in [json!({"id_token_hint": hint}), json!({"client_id": scene.room.id})] {
            let mut body = by;
            body["post_logout_redirect_uri"] = json!(uri);
            assert_eq!(sign_out("", body).await.expect(200), json!({}));
        }
    }
    let unnamed = json!({"post_logout_redirect_uri": GOODBYE});
    assert_eq!(sign_out("", unnamed).await.expect(200), json!({}), "of no app");
    assert_eq!(sign_out(&again, json!({})).await.expect(200), json!({}));
    world.session(&again).await.problem(401, "signed_out");
}

#[tokio::test]
async fn whoever_signed_in_again_since_is_signed_out_of_both() {
    let scene = Scene::new().await;
    let world = &scene.world;
    let code = scene.code().await;
    let tokens = world.exchange(&scene.room, &code).await.expect(200);
    let token = text(&tokens["access_token"]);
    let again = world.signed_in(&scene.who.email, PASSWORD).await;
    let call = Call::new("POST", "/api/portal/sign-out")
        .json(&json!({"id_token_hint": tokens["id_token"]}));
    world.send(call.cookie(&again)).await.expect(200);
    assert!(!scene.is_open(&token).await);
    for cookie in [&again, &scene.cookie] {
        world.session(cookie).await.problem(401, "signed_out");
    }
}

#[tokio::test]
async fn signing_in_ends_the_session_that_the_browser_had() {
    let scene = Scene::new().await;
    let world = &scene.world;
    let other = scene.dana.enrolled().await;
    let mut had = scene.cookie.clone();
    for email in [&scene.who.email, &other.email] {
        let token = world.token(&had, &scene.room).await;
        let body = json!({"practice": "harbor", "username": email, "password": PASSWORD});
        let call = Call::new("POST", "/api/portal/sign-in").json(&body).cookie(&had);
        let answer = world.send(call).await;
        let cookie = answer.cookie("__Host-latchkey-portal").expect("a cookie");
        answer.expect(200);
        world.session(&had).await.problem(401, "signed_out");
        assert!(!scene.is_open(&token).await, "what an app had in it is over");
        world.session(&cookie).await.expect(200);
        had = cookie;
    }
    // A wrong password signs nobody out.
    let body = json!({"practice": "harbor", "username": other.email, "password": "wrong"});
    let call = Call::new("POST", "/api/portal/sign-in").json(&body).cookie(&had);
    world.send(call).await.problem(401, "sign_in_failed");
    world.session(&had).await.expect(200);
}
