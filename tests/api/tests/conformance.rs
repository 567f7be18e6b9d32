//! The `OpenID` Foundation's conformance suite (<https://gitlab.com/openid/conformance-suite>), mirrored in
//! process: one module for each plan, and in it one test for each module of the suite that can be tried at
//! the HTTP API, under the suite's own name with `-` as `_`. Each plan says which modules are left out, and why.
//!
//! Where the suite wants a picture of a page, what the page gets from the API is looked at instead.

mod back_channel_logout;
mod basic_op;
mod config_op;
mod dynamic_op;
mod fapi2_security_profile;
mod rp_initiated_logout;

use api_tests::{
    Call, PORTAL, World,
    apps::{REDIRECT, Room, Scene, parameter},
    people::text,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::Value;

/// The metadata.
async fn discovered(world: &World) -> Value {
    world.send(Call::new("GET", "/.well-known/openid-configuration")).await.expect(200)
}

/// The JOSE header and the claims of an ID token, verified with a key that is found as apps find it.
async fn verified(world: &World, room: &Room, id_token: &str) -> (Value, Value) {
    let keys = discovered(world).await["jwks_uri"].clone();
    let keys = text(&keys).replace(PORTAL, "");
    let keys = world.send(Call::new("GET", &keys)).await.expect(200);
    let header = id_token.split('.').next().expect("a header");
    let header = URL_SAFE_NO_PAD.decode(header).expect("base64");
    let header: Value = serde_json::from_slice(&header).expect("JSON");
    let of = |key: &&Value| key["kid"] == header["kid"] && key["alg"] == header["alg"];
    let key = keys["keys"].as_array().expect("keys").iter().find(of).expect("its key");
    let key = DecodingKey::from_ec_components(&text(&key["x"]), &text(&key["y"])).expect("a key");
    let mut validation = Validation::new(Algorithm::ES256);
    // The tests have a clock of their own.
    validation.validate_exp = false;
    validation.set_audience(&[&room.id]);
    validation.set_issuer(&[PORTAL]);
    let read = jsonwebtoken::decode::<Value>(id_token, &key, &validation).expect("a signature");
    (header, read.claims)
}

/// Lets the person in by a request with changes, checks all that the suite checks of every flow that is to
/// succeed, and answers what the app has then: the claims of the ID token, and the access token.
async fn happy_flow(scene: &Scene, cookie: &str, changes: &Value) -> (Value, String) {
    let answer = scene.world.authorize(cookie, &scene.room, changes).await.expect(200);
    let back = text(&answer["redirectTo"]);
    assert!(back.starts_with(REDIRECT), "{back}");
    assert_eq!(parameter(&back, "error"), None, "{back}");
    let state = changes.get("state").map_or(Some("s t&te"), Value::as_str);
    assert_eq!(parameter(&back, "state").as_deref(), state);
    let code = parameter(&back, "code").expect("a code");
    let answer = scene.world.exchange(&scene.room, &code).await;
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(answer.headers["cache-control"], "no-store");
    let tokens = answer.expect(200);
    assert_eq!(tokens["token_type"], "Bearer");
    assert!(tokens["expires_in"].as_i64().is_some_and(|seconds| seconds > 0));
    let id_token = text(&tokens["id_token"]);
    let (_, claims) = verified(&scene.world, &scene.room, &id_token).await;
    let now = scene.world.now().seconds();
    assert!(claims["exp"].as_i64().is_some_and(|exp| exp > now), "{claims}");
    assert_eq!(claims["iat"], now);
    assert!(claims["sub"].as_str().is_some_and(|sub| !sub.is_empty() && sub.len() <= 255));
    let nonce = changes.get("nonce").map_or(Some("n-1"), Value::as_str);
    assert_eq!(claims.get("nonce").and_then(Value::as_str), nonce);
    (claims, text(&tokens["access_token"]))
}

/// The same, in the session that the scene begins with.
async fn succeeds(changes: Value) -> (Value, String) {
    let scene = Scene::new().await;
    happy_flow(&scene, &scene.cookie, &changes).await
}

/// Demands that the app is told of an error, at its own address and with its state.
async fn fails(scene: &Scene, cookie: &str, changes: &Value, error: &str) {
    let answer = scene.world.authorize(cookie, &scene.room, changes).await.expect(200);
    let back = text(&answer["redirectTo"]);
    assert!(back.starts_with(&format!("{REDIRECT}?error=")), "{back}");
    assert_eq!(parameter(&back, "error").as_deref(), Some(error), "{back}");
    let state = changes.get("state").map_or(Some("s t&te"), Value::as_str);
    assert_eq!(parameter(&back, "state").as_deref(), state);
    assert_eq!(parameter(&back, "code"), None, "{back}");
}

/// Demands that the person is told of a wrong address, and sent nowhere.
async fn shows_a_wrong_address(scene: &Scene, changes: &Value, status: u16) {
    for cookie in ["", &scene.cookie] {
        let body = scene.world.authorize(cookie, &scene.room, changes).await.expect(status);
        assert_eq!(body["fields"][0]["field"], "redirect_uri");
        assert!(body.get("redirectTo").is_none(), "{body}");
    }
}
