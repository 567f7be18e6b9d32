//! Of Dynamic OP, `oidcc-dynamic-certification-test-plan`, what holds however an app was registered: here an
//! admin registers it.
//!
//! Left out:
//! - what is about the registration endpoint itself (`oidcc-registration-…`): there is none.
//! - signed user info, request objects, refresh tokens and RS256: there are none.
//! - `oidcc-server-rotate-keys`: the suite waits until the keys were changed by hand.

use api_tests::{
    apps::{REDIRECT, Scene, VERIFIER, parameter, registration},
    people::text,
};
use serde_json::json;

use super::shows_a_wrong_address;

const WITH_QUERY: &str = "https://rooms.example/in?foo=bar";

#[tokio::test]
#[expect(non_snake_case, reason = "the suite's own name")]
async fn oidcc_redirect_uri_query_OK() {
    let scene = Scene::with(&json!({"redirectUris": [WITH_QUERY]})).await;
    let back = scene.told(&json!({"redirect_uri": WITH_QUERY})).await;
    assert!(back.starts_with(&format!("{WITH_QUERY}&")), "{back}");
    assert!(parameter(&back, "code").is_some());
    assert_eq!(parameter(&back, "foo").as_deref(), Some("bar"));
}

#[tokio::test]
async fn oidcc_redirect_uri_query_added() {
    let scene = Scene::new().await;
    let uri = format!("{REDIRECT}?foo=bar");
    shows_a_wrong_address(&scene, &json!({"redirect_uri": uri}), 422).await;
}

#[tokio::test]
async fn oidcc_redirect_uri_query_mismatch() {
    let scene = Scene::with(&json!({"redirectUris": [WITH_QUERY]})).await;
    for uri in ["https://rooms.example/in?bar=foo", REDIRECT] {
        shows_a_wrong_address(&scene, &json!({"redirect_uri": uri}), 422).await;
    }
}

#[tokio::test]
async fn oidcc_redirect_uri_regfrag() {
    let scene = Scene::new().await;
    let uris = json!({"redirectUris": [format!("{REDIRECT}#foobar")]});
    let body = scene.dana.post("/api/apps", &registration(&uris)).await.expect(422);
    assert_eq!(body["fields"][0]["field"], "redirectUris[0]");
}

#[tokio::test]
async fn oidcc_ensure_redirect_uri_in_authorization_request() {
    let scene = Scene::new().await;
    shows_a_wrong_address(&scene, &json!({"redirect_uri": null}), 400).await;
}

#[tokio::test]
async fn oidcc_ensure_client_assertion_with_iss_aud_succeeds() {
    let scene = Scene::with_key().await;
    let code = scene.code().await;
    let fields =
        [("grant_type", "authorization_code"), ("code", &*code), ("code_verifier", VERIFIER)];
    let proof = scene.room.proof(scene.world.now().seconds(), &json!({}));
    let tokens = scene.world.ask_with(&proof, "/api/oauth/token", &fields).await.expect(200);
    assert!(!text(&tokens["id_token"]).is_empty());
}
