//! Basic OP: `oidcc-basic-certification-test-plan`, with `client_secret_basic`.
//!
//! Left out:
//! - `oidcc-idtoken-unsigned`: every ID token is signed. The suite skips it.
//! - `oidcc-scope-address`, `oidcc-scope-phone`, `oidcc-scope-all`: there are no such scopes. The suite skips
//!   them.
//! - `oidcc-ensure-request-object-with-redirect-uri`: there are no request objects. The suite skips it.
//! - `oidcc-ensure-post-request-succeeds`: `/authorize` is a static page, which reads its address. The suite
//!   warns.
//!
//! Two differences are on purpose. ID tokens are signed with ES256, as FAPI 2.0 wants, where
//! `oidcc-idtoken-signature` wants RS256. And a secret is taken from the header alone, where
//! `oidcc-server-client-secret-post` wants it taken from the body.

use api_tests::{
    Answer, PASSWORD,
    apps::{Scene, VERIFIER, form, parameter},
    people::text,
};
use serde_json::{Value, json};

use super::{discovered, fails, happy_flow, shows_a_wrong_address, succeeds, verified};

/// Asks who is there, with a header or a body of the module.
async fn userinfo(method: &str, in_body: bool) -> (Value, Answer) {
    let scene = Scene::new().await;
    let (claims, token) = happy_flow(&scene, &scene.cookie, &json!({})).await;
    let fields = [("access_token", &*token)];
    let mut call = form("/api/oauth/userinfo", if in_body { &fields } else { &[] });
    call.method = method.parse().expect("a method");
    if method == "GET" {
        call.body = None;
    }
    let bearer = format!("Bearer {token}");
    let call = if in_body { call } else { call.header("authorization", &bearer) };
    (claims, scene.world.send(call).await)
}

/// Signs in a second time for a request, and answers the claims of both ID tokens.
async fn two_sign_ins(asks: Value, pause: i64) -> [Value; 2] {
    let scene = Scene::new().await;
    let (first, _) = happy_flow(&scene, &scene.cookie, &json!({})).await;
    scene.world.pass(pause);
    let answer = scene.world.authorize(&scene.cookie, &scene.room, &asks).await;
    let body = answer.problem(401, "signed_out");
    let mut again = asks;
    again["asked"] = body["asked"].clone();
    let cookie = scene.world.signed_in(&scene.who.email, PASSWORD).await;
    let (second, _) = happy_flow(&scene, &cookie, &again).await;
    [first, second]
}

/// Lets the person in twice in one session, and answers the claims of both ID tokens.
async fn twice(first: Value, second: impl FnOnce(&str) -> Value) -> [Value; 2] {
    let scene = Scene::new().await;
    let tokens = scene.tokens(&first).await;
    let id_token = text(&tokens["id_token"]);
    let (_, first) = verified(&scene.world, &scene.room, &id_token).await;
    scene.world.pass(2);
    let (second, _) = happy_flow(&scene, &scene.cookie, &second(&id_token)).await;
    [first, second]
}

fn assert_same_sign_in([first, second]: &[Value; 2]) {
    assert!(first["auth_time"].is_i64(), "{first}");
    assert_eq!((&first["auth_time"], &first["sub"]), (&second["auth_time"], &second["sub"]));
    assert!(first["iat"].as_i64() < second["iat"].as_i64());
}

#[tokio::test]
async fn oidcc_server() {
    let scene = Scene::new().await;
    let asks = json!({"scope": "openid messaging"});
    let (claims, _) = happy_flow(&scene, &scene.cookie, &asks).await;
    assert!(claims.get("name").is_none(), "nobody asked for it: {claims}");
    // Two codes have nothing in common in their last 128 bits, which are 22 letters.
    let (one, other) = (scene.code().await, scene.code().await);
    let alike = one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    assert!(one.len() - alike >= 22, "{one} {other}");
}

#[tokio::test]
async fn oidcc_response_type_missing() {
    let scene = Scene::new().await;
    fails(&scene, &scene.cookie, &json!({"response_type": null}), "invalid_request").await;
}

#[tokio::test]
async fn oidcc_idtoken_signature() {
    let scene = Scene::new().await;
    let id_token = text(&scene.tokens(&json!({})).await["id_token"]);
    let (header, _) = verified(&scene.world, &scene.room, &id_token).await;
    assert!(header["kid"].is_string(), "{header}");
    let algorithms = &discovered(&scene.world).await["id_token_signing_alg_values_supported"];
    assert!(algorithms.as_array().expect("a list").contains(&header["alg"]), "{header}");
}

#[tokio::test]
async fn oidcc_userinfo_get() {
    let (claims, answer) = userinfo("GET", false).await;
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(answer.expect(200)["sub"], claims["sub"]);
}

#[tokio::test]
async fn oidcc_userinfo_post_header() {
    let (claims, answer) = userinfo("POST", false).await;
    assert_eq!(answer.expect(200)["sub"], claims["sub"]);
}

/// Refused, which the suite notes as a warning: a token has one place.
#[tokio::test]
async fn oidcc_userinfo_post_body() {
    userinfo("POST", true).await.1.oauth(401, "invalid_token");
}

#[tokio::test]
async fn oidcc_ensure_request_without_nonce_succeeds_for_code_flow() {
    succeeds(json!({"nonce": null})).await;
}

#[tokio::test]
async fn oidcc_scope_profile() {
    let scene = Scene::new().await;
    let asks = json!({"scope": "openid profile messaging"});
    let (claims, token) = happy_flow(&scene, &scene.cookie, &asks).await;
    let info = scene.world.userinfo(&token).await.expect(200);
    assert_eq!((&info["sub"], &info["name"]), (&claims["sub"], &json!("Pat Person")));
    assert!(info.get("email").is_none());
}

#[tokio::test]
async fn oidcc_scope_email() {
    let scene = Scene::new().await;
    let asks = json!({"scope": "openid email messaging"});
    let (claims, token) = happy_flow(&scene, &scene.cookie, &asks).await;
    let info = scene.world.userinfo(&token).await.expect(200);
    assert_eq!((&info["sub"], &info["email"]), (&claims["sub"], &json!(scene.who.email)));
    assert!(info.get("name").is_none());
}

/// In newer versions of the plan, `oidcc-alternate-happy-flow`.
#[tokio::test]
async fn oidcc_ensure_other_scope_order_succeeds() {
    let scene = Scene::new().await;
    let asks = json!({"scope": "messaging email openid"});
    let (_, token) = happy_flow(&scene, &scene.cookie, &asks).await;
    let info = scene.world.userinfo(&token).await.expect(200);
    assert_eq!(info["email"], json!(scene.who.email));
}

#[tokio::test]
async fn oidcc_display_page() {
    succeeds(json!({"display": "page"})).await;
}

#[tokio::test]
async fn oidcc_display_popup() {
    succeeds(json!({"display": "popup"})).await;
}

#[tokio::test]
async fn oidcc_prompt_login() {
    let [first, second] = two_sign_ins(json!({"prompt": "login"}), 1).await;
    assert_ne!(first["auth_time"], second["auth_time"]);
    assert_eq!(first["sub"], second["sub"]);
}

#[tokio::test]
async fn oidcc_prompt_none_not_logged_in() {
    let scene = Scene::new().await;
    let state = "0123456789abcdef".repeat(8);
    fails(&scene, "", &json!({"prompt": "none", "state": state}), "login_required").await;
}

#[tokio::test]
async fn oidcc_prompt_none_logged_in() {
    assert_same_sign_in(&twice(json!({}), |_| json!({"prompt": "none"})).await);
}

#[tokio::test]
async fn oidcc_max_age_1() {
    let [first, second] = two_sign_ins(json!({"max_age": "1"}), 2).await;
    assert!(first["auth_time"].as_i64() < second["auth_time"].as_i64());
    assert_eq!(second["auth_time"], second["iat"], "recent");
}

#[tokio::test]
async fn oidcc_max_age_10000() {
    let first = json!({"max_age": "15000"});
    assert_same_sign_in(&twice(first, |_| json!({"max_age": "10000"})).await);
}

#[tokio::test]
async fn oidcc_ensure_request_with_unknown_parameter_succeeds() {
    succeeds(json!({"extra": "foobar"})).await;
}

#[tokio::test]
async fn oidcc_id_token_hint() {
    let hint = |id_token: &str| json!({"prompt": "none", "id_token_hint": id_token});
    assert_same_sign_in(&twice(json!({}), hint).await);
}

#[tokio::test]
async fn oidcc_login_hint() {
    succeeds(json!({"login_hint": "buffy@rooms.example"})).await;
}

#[tokio::test]
async fn oidcc_ui_locales() {
    succeeds(json!({"ui_locales": "se"})).await;
}

#[tokio::test]
async fn oidcc_claims_locales() {
    succeeds(json!({"claims_locales": "se"})).await;
}

#[tokio::test]
async fn oidcc_ensure_request_with_acr_values_succeeds() {
    succeeds(json!({"acr_values": "1 2"})).await;
}

/// Uses a code, and again after seconds; the first use's token has ended then.
async fn used_again(after: i64) {
    let scene = Scene::new().await;
    let code = scene.code().await;
    let tokens = scene.world.exchange(&scene.room, &code).await.expect(200);
    let token = text(&tokens["access_token"]);
    assert!(scene.is_open(&token).await);
    scene.world.pass(after);
    scene.world.exchange(&scene.room, &code).await.oauth(400, "invalid_grant");
    assert!(!scene.is_open(&token).await);
}

#[tokio::test]
async fn oidcc_codereuse() {
    used_again(0).await;
}

#[tokio::test]
async fn oidcc_codereuse_30seconds() {
    used_again(30).await;
}

#[tokio::test]
async fn oidcc_ensure_registered_redirect_uri() {
    let scene = Scene::new().await;
    let uri = "https://rooms.example/in/0123456789";
    shows_a_wrong_address(&scene, &json!({"redirect_uri": uri}), 422).await;
}

/// Refused: a secret has one place, which is the header.
#[tokio::test]
async fn oidcc_server_client_secret_post() {
    let scene = Scene::new().await;
    let methods = &discovered(&scene.world).await["token_endpoint_auth_methods_supported"];
    assert_eq!(methods, &json!(["client_secret_basic", "private_key_jwt", "none"]));
    let code = scene.code().await;
    let secret = [("client_id", &*scene.room.id), ("client_secret", &*scene.room.secret)];
    let fields =
        [("grant_type", "authorization_code"), ("code", &*code), ("code_verifier", VERIFIER)];
    let fields: Vec<_> = fields.into_iter().chain(secret).collect();
    scene.world.send(form("/api/oauth/token", &fields)).await.oauth(401, "invalid_client");
    scene.world.exchange(&scene.room, &code).await.expect(200);
}

/// Rejected as unsupported.
#[tokio::test]
async fn oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported() {
    let scene = Scene::new().await;
    assert_eq!(discovered(&scene.world).await["request_uri_parameter_supported"], false);
    let asks = json!({"request_uri": "https://rooms.example/request.jwt"});
    fails(&scene, &scene.cookie, &asks, "request_uri_not_supported").await;
}

/// Rejected as unsupported.
#[tokio::test]
async fn oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported() {
    let scene = Scene::new().await;
    assert_eq!(discovered(&scene.world).await["request_parameter_supported"], false);
    let asks = json!({"request": "eyJhbGciOiJub25lIn0.e30."});
    fails(&scene, &scene.cookie, &asks, "request_not_supported").await;
}

/// The request succeeds; that the claim is not there is a warning.
#[tokio::test]
async fn oidcc_claims_essential() {
    let scene = Scene::new().await;
    assert_eq!(discovered(&scene.world).await["claims_parameter_supported"], false);
    let claims = json!({"userinfo": {"name": {"essential": true}}}).to_string();
    let asks = json!({"scope": "openid messaging", "claims": claims});
    let (claims, token) = happy_flow(&scene, &scene.cookie, &asks).await;
    assert_eq!(scene.world.userinfo(&token).await.expect(200)["sub"], claims["sub"]);
}

/// None is issued, and none is promised.
#[tokio::test]
async fn oidcc_refresh_token() {
    let scene = Scene::new().await;
    let grants = discovered(&scene.world).await["grant_types_supported"].clone();
    assert!(!grants.as_array().expect("a list").contains(&json!("refresh_token")));
    let scope = "openid messaging offline_access";
    let tokens = scene.tokens(&json!({"prompt": "consent", "scope": scope})).await;
    assert!(tokens.get("refresh_token").is_none());
    assert_eq!(tokens["scope"], "openid messaging");
    let token = text(&tokens["access_token"]);
    let fields = [("grant_type", "refresh_token"), ("refresh_token", &*token)];
    let answer = scene.world.ask_as(&scene.room, "/api/oauth/token", &fields).await;
    answer.oauth(400, "unsupported_grant_type");
}

#[tokio::test]
async fn oidcc_ensure_request_with_valid_pkce_succeeds() {
    let scene = Scene::new().await;
    let back = scene.told(&json!({})).await;
    let code = parameter(&back, "code").expect("a code");
    scene.world.exchange(&scene.room, &code).await.expect(200);
}
