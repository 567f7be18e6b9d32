//! RP-Initiated Logout OP: `oidcc-rp-initiated-logout-certification-test-plan`. None is left out.
//!
//! The page `/sign-out` asks the person first where the app shows no ID token; where it shows a wrong one, the
//! page takes nothing of what the app said, and asks too.

use api_tests::{
    Answer, Call, PORTAL,
    apps::{GOODBYE, Room, Scene, claims, parameter},
    people::text,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{discovered, fails};

/// A person who was let in, and the request that the app sends along.
async fn let_in() -> (Scene, Value) {
    let scene = Scene::new().await;
    let id_token = scene.tokens(&json!({})).await["id_token"].clone();
    let state = "0123456789abcdef".repeat(8);
    let request = json!({
        "id_token_hint": id_token, "post_logout_redirect_uri": GOODBYE, "state": state,
    });
    (scene, request)
}

/// Sends the person to be signed out, with a request but for some of its members.
async fn sign_out(scene: &Scene, request: &Value, without: &[&str]) -> Answer {
    let mut request = request.clone();
    for name in without {
        request.as_object_mut().expect("a request").remove(*name);
    }
    let call = Call::new("POST", "/api/portal/sign-out").json(&request);
    scene.world.send(call.cookie(&scene.cookie)).await
}

/// Demands that the person is signed out: nobody can be let in without being asked.
async fn assert_signed_out(scene: &Scene) {
    fails(scene, &scene.cookie, &json!({"prompt": "none"}), "login_required").await;
    scene.world.session(&scene.cookie).await.problem(401, "signed_out");
}

/// Demands that the person is signed out, and sent nowhere.
async fn assert_signed_out_here(scene: &Scene, answer: Answer) {
    assert_eq!(answer.expect(200), json!({}));
    assert_signed_out(scene).await;
}

/// Demands that an ID token is refused, that nobody is signed out by it, nor sent anywhere.
async fn assert_refused(scene: &Scene, answer: Answer) {
    let body = answer.problem(422, "not_ours");
    assert!(body.get("redirectTo").is_none());
    scene.world.session(&scene.cookie).await.expect(200);
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_discovery_endpoint_verification() {
    let (scene, _) = let_in().await;
    let told = discovered(&scene.world).await;
    assert_eq!(told["end_session_endpoint"], format!("{PORTAL}/sign-out"));
}

#[tokio::test]
async fn oidcc_rp_initiated_logout() {
    let (scene, request) = let_in().await;
    let onward = text(&sign_out(&scene, &request, &[]).await.expect(200)["redirectTo"]);
    assert_eq!(parameter(&onward, "state").as_deref(), request["state"].as_str());
    assert_eq!(onward, format!("{GOODBYE}?state={}", text(&request["state"])), "and no more");
    assert_signed_out(&scene).await;
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_bad_post_logout_redirect_uri() {
    let (scene, mut request) = let_in().await;
    request["post_logout_redirect_uri"] = json!(format!("{GOODBYE}/0123456789"));
    assert_signed_out_here(&scene, sign_out(&scene, &request, &[]).await).await;
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_query_added_to_post_logout_redirect_uri() {
    let (scene, mut request) = let_in().await;
    request["post_logout_redirect_uri"] = json!(format!("{GOODBYE}?foo=bar"));
    assert_signed_out_here(&scene, sign_out(&scene, &request, &[]).await).await;
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_modified_id_token_hint() {
    let (scene, mut request) = let_in().await;
    let hint = text(&request["id_token_hint"]);
    let [header, claims, _] = hint.split('.').collect::<Vec<_>>()[..] else { panic!("a JWT") };
    let header = URL_SAFE_NO_PAD.decode(header).expect("base64");
    let mut header: Value = serde_json::from_slice(&header).expect("JSON");
    header["alg"] = json!("none");
    let header = URL_SAFE_NO_PAD.encode(header.to_string());
    request["id_token_hint"] = json!(format!("{header}.{claims}."));
    assert_refused(&scene, sign_out(&scene, &request, &[]).await).await;
}

/// The same claims, signed by the app. The tests' app has the same key as we have: it shows in the header.
#[tokio::test]
async fn oidcc_rp_initiated_logout_bad_id_token_hint() {
    let (scene, mut request) = let_in().await;
    let claims = claims(&text(&request["id_token_hint"]));
    let suite = Room { id: String::new(), secret: String::new() };
    for header in [
        json!({"alg": "ES256", "typ": "JWT", "kid": "a key of the suite"}),
        json!({"alg": "ES256", "typ": "JWT"}),
        json!({"alg": "ES256", "typ": "logout+jwt", "kid": "test"}),
    ] {
        request["id_token_hint"] = json!(suite.assertion(&header, &claims));
        assert_refused(&scene, sign_out(&scene, &request, &[]).await).await;
    }
    let hint = text(&scene.tokens(&json!({})).await["id_token"]);
    let forged = hint.rsplit_once('.').expect("a JWT").0;
    request["id_token_hint"] = json!(format!("{forged}.{}", URL_SAFE_NO_PAD.encode([1; 64])));
    assert_refused(&scene, sign_out(&scene, &request, &[]).await).await;
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_no_id_token_hint() {
    let (scene, request) = let_in().await;
    let answer = sign_out(&scene, &request, &["id_token_hint"]).await;
    assert_signed_out_here(&scene, answer).await;
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_no_params() {
    let (scene, _) = let_in().await;
    assert_signed_out_here(&scene, sign_out(&scene, &json!({}), &[]).await).await;
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_no_post_logout_redirect_uri() {
    let (scene, request) = let_in().await;
    let answer = sign_out(&scene, &request, &["post_logout_redirect_uri"]).await;
    assert_signed_out_here(&scene, answer).await;
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_no_state() {
    let (scene, request) = let_in().await;
    let onward = sign_out(&scene, &request, &["state"]).await.expect(200);
    assert_eq!(onward, json!({"redirectTo": GOODBYE}));
    assert_signed_out(&scene).await;
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_only_state() {
    let (scene, request) = let_in().await;
    let answer = sign_out(&scene, &request, &["id_token_hint", "post_logout_redirect_uri"]).await;
    assert_signed_out_here(&scene, answer).await;
}
