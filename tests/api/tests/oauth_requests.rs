//! What an app may ask when it wants to let a person in, and what it is told when the request is wrong, when
//! nobody is signed in as asked, or when somebody else is.

use api_tests::{
    PASSWORD, PORTAL,
    apps::{REDIRECT, Scene, VERIFIER, challenge, claims, form, parameter},
    people::text,
};
use serde_json::{Value, json};
use shared::history::Role;

#[tokio::test]
async fn what_is_wrong_with_a_request_is_told_to_the_app_with_its_state_and_our_name() {
    let scene = Scene::new().await;
    let long = "x".repeat(1001);
    for (changes, error) in [
        (json!({"response_type": null}), "invalid_request"),
        (json!({"response_type": "token"}), "unsupported_response_type"),
        (json!({"response_type": "code id_token"}), "unsupported_response_type"),
        (json!({"response_mode": "fragment"}), "invalid_request"),
        (json!({"response_mode": "form_post"}), "invalid_request"),
        (json!({"code_challenge": null}), "invalid_request"),
        (json!({"code_challenge_method": null}), "invalid_request"),
        (json!({"code_challenge_method": "plain"}), "invalid_request"),
        (json!({"code_challenge": VERIFIER, "code_challenge_method": "plain"}), "invalid_request"),
        (json!({"code_challenge": "short"}), "invalid_request"),
        (json!({"code_challenge": format!("{}=", challenge(VERIFIER))}), "invalid_request"),
        (json!({"nonce": long}), "invalid_request"),
        (json!({"request": "e30.e30."}), "request_not_supported"),
        (json!({"request_uri": "https://evil.example/r"}), "request_uri_not_supported"),
        (json!({"registration": "{}"}), "registration_not_supported"),
        (json!({"prompt": "none login"}), "invalid_request"),
        (json!({"prompt": "create"}), "invalid_request"),
        (json!({"max_age": "-1"}), "invalid_request"),
        (json!({"max_age": "soon"}), "invalid_request"),
    ] {
        let before = scene.world.items().await;
        let back = scene.told(&changes).await;
        assert!(back.starts_with(&format!("{REDIRECT}?error=")), "{changes}: {back}");
        assert_eq!(parameter(&back, "error").as_deref(), Some(error), "{changes}");
        assert!(parameter(&back, "error_description").is_some());
        assert_eq!(parameter(&back, "state").as_deref(), Some("s t&te"), "{changes}");
        assert_eq!(parameter(&back, "iss").as_deref(), Some(PORTAL), "{changes}");
        assert!(parameter(&back, "code").is_none());
        assert_eq!(scene.world.items().await, before, "{changes}");
    }
    // Unknown parameters are passed over, and so is what is empty.
    let back = scene.told(&json!({"audience": "x", "request": "", "prompt": "consent"})).await;
    assert!(parameter(&back, "code").is_some());
}

#[tokio::test]
async fn who_is_not_signed_in_signs_in_first_and_an_app_that_asks_silently_is_told() {
    let scene = Scene::new().await;
    let world = &scene.world;
    let body = world.authorize("", &scene.room, &json!({})).await.problem(401, "signed_out");
    assert_eq!(body["app"], json!({"appId": scene.room.id, "name": "Messages"}));
    assert_eq!(body["practice"], json!({"id": "harbor", "name": "Harbor Practice"}));
    let back = world.authorize("", &scene.room, &json!({"prompt": "none"})).await.expect(200);
    let back = text(&back["redirectTo"]);
    assert_eq!(parameter(&back, "error").as_deref(), Some("login_required"));
    let back = scene.told(&json!({"prompt": "none"})).await;
    assert!(parameter(&back, "code").is_some());
    scene.dana.revoke(&scene.who).await.expect(200);
    world.authorize(&scene.cookie, &scene.room, &json!({})).await.problem(401, "signed_out");
    // Of another practice's portal one is not signed in to this one.
    let casey = world.staff("cove", "Casey", Role::Admin).await;
    let cove = casey.register(&json!({})).await;
    scene.dana.activate(&scene.who).await.expect(200);
    let cookie = world.signed_in(&scene.who.email, PASSWORD).await;
    let body = world.authorize(&cookie, &cove, &json!({})).await.problem(401, "signed_out");
    assert_eq!(body["practice"]["id"], "cove");
}

#[tokio::test]
async fn an_app_that_wants_a_fresh_sign_in_gets_one() {
    let scene = Scene::new().await;
    let world = &scene.world;
    let ask =
        async |cookie: &str, changes: &Value| world.authorize(cookie, &scene.room, changes).await;
    for asks in
        [json!({"prompt": "login"}), json!({"max_age": "0"}), json!({"prompt": "select_account"})]
    {
        world.pass(1);
        let body = ask(&scene.cookie, &asks).await.problem(401, "signed_out");
        let mut again = asks.clone();
        again["asked"] = body["asked"].clone();
        // The session of before does not do, whatever is sent along.
        ask(&scene.cookie, &again).await.problem(401, "signed_out");
        for forged in ["", "0.x", "0", &text(&body["asked"]).replace('.', "x.")] {
            let mut forged_too = asks.clone();
            forged_too["asked"] = json!(forged);
            ask(&scene.cookie, &forged_too).await.problem(401, "signed_out");
        }
        world.pass(30);
        let fresh = world.signed_in(&scene.who.email, PASSWORD).await;
        let back = text(&ask(&fresh, &again).await.expect(200)["redirectTo"]);
        let code = parameter(&back, "code").expect("a code");
        let tokens = world.exchange(&scene.room, &code).await.expect(200);
        let auth_time = claims(&text(&tokens["id_token"]))["auth_time"].clone();
        assert_eq!(auth_time, world.now().seconds());
        // The note is worth something for ten minutes.
        world.pass(10 * 60 - 31);
        let later = world.signed_in(&scene.who.email, PASSWORD).await;
        ask(&later, &again).await.expect(200);
        world.pass(1);
        ask(&later, &again).await.problem(401, "signed_out");
        // And it is of that request alone.
        again["code_challenge"] =
            json!(challenge("another verifier of more than forty-three letters"));
        world.pass(1);
        ask(&fresh, &again).await.problem(401, "signed_out");
        let silent = json!({"max_age": "0", "prompt": "none"});
        let back = text(&ask(&fresh, &silent).await.expect(200)["redirectTo"]);
        assert_eq!(parameter(&back, "error").as_deref(), Some("login_required"));
    }
    let fresh = world.signed_in(&scene.who.email, PASSWORD).await;
    world.pass(100);
    ask(&fresh, &json!({"max_age": "100"})).await.expect(200);
    world.pass(1);
    ask(&fresh, &json!({"max_age": "100"})).await.problem(401, "signed_out");
}

#[tokio::test]
async fn an_app_that_expects_somebody_is_not_given_somebody_else() {
    let scene = Scene::new().await;
    let world = &scene.world;
    let code = scene.code().await;
    let tokens = world.exchange(&scene.room, &code).await.expect(200);
    let hint = json!({"prompt": "none", "id_token_hint": tokens["id_token"]});
    let back = scene.told(&hint).await;
    assert!(parameter(&back, "code").is_some());
    let other = scene.dana.enrolled().await;
    let other = world.signed_in(&other.email, PASSWORD).await;
    for (cookie, hint) in [
        (&other, hint.clone()),
        (&scene.cookie, json!({"prompt": "none", "id_token_hint": "x.y.z"})),
    ] {
        let back = world.authorize(cookie, &scene.room, &hint).await.expect(200);
        let back = text(&back["redirectTo"]);
        assert_eq!(parameter(&back, "error").as_deref(), Some("login_required"));
    }
}

#[tokio::test]
async fn what_is_sent_is_a_form_in_which_nothing_comes_twice() {
    let scene = Scene::new().await;
    let code = scene.code().await;
    let fields =
        [("grant_type", "authorization_code"), ("code", &*code), ("code_verifier", VERIFIER)];
    let twice: Vec<_> = fields.into_iter().chain([("code", "x")]).collect();
    let answer = scene.world.ask_as(&scene.room, "/api/oauth/token", &twice).await;
    answer.oauth(400, "invalid_request");
    for media in ["application/json", "multipart/form-data", "text/plain"] {
        let call = form("/api/oauth/token", &fields).header("content-type", media);
        let call = call.header("authorization", &scene.room.basic());
        scene.world.send(call).await.oauth(400, "invalid_request");
    }
    let call = form("/api/oauth/token", &fields);
    let call = call.header("content-type", "application/x-www-form-urlencoded; charset=UTF-8");
    scene.world.send(call.header("authorization", &scene.room.basic())).await.expect(200);
}
