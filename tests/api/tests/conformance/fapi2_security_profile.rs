//! FAPI 2.0 Security Profile: `fapi2-security-profile-final-test-plan`, with `private_key_jwt` and
//! `openid_connect`, as far as it goes without pushed authorization requests (PAR, RFC 9126) and
//! sender-constrained tokens.
//!
//! What the suite tries at the PAR endpoint is tried here where the same is judged: at the authorization
//! endpoint, or, for client assertions, at the token endpoint.
//!
//! Left out:
//! - what is about PAR itself: a pushed request that is used twice, is over, or is of another app; its verbs
//!   and parameters; its address as an audience (`…-par-test-par-endpoint-url-as-audience-fails`).
//! - `…-ensure-unsigned-authorization-request-without-using-par-fails`: without PAR every request is one.
//! - what is about `DPoP` and mutual TLS, `…-ensure-holder-of-key-required` among them: tokens are bearer
//!   tokens, which end with the session.
//! - `…-user-rejects-authentication`: the page has no button that rejects; the person goes back.
//! - `…-test-claims-parameter-identity-claims`: there is no `claims` parameter; the suite skips it.
//! - `…-plain-fapi-tolerate-unregistered-redirect-uri`: it is allowed, not demanded, and refused here.
//! - grant management, and the profiles of single countries.

use api_tests::{
    Answer, BEGINNING, Call, PORTAL,
    apps::{REDIRECT, Scene, VERIFIER, challenge, claims, parameter, with_key},
    people::text,
};
use serde_json::{Value, json};

use super::{discovered, fails, shows_a_wrong_address, verified};

/// Exchanges a code by an assertion with changes to the good claims.
async fn exchange(scene: &Scene, code: &str, claims: &Value) -> Answer {
    exchange_with(scene, code, Some(VERIFIER), claims).await
}

async fn exchange_with(
    scene: &Scene,
    code: &str,
    verifier: Option<&str>,
    claims: &Value,
) -> Answer {
    let proof = scene.room.proof(scene.world.now().seconds(), claims);
    let fields = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", REDIRECT)];
    let verifier = verifier.map(|verifier| ("code_verifier", verifier));
    let fields: Vec<_> = fields.into_iter().chain(verifier).collect();
    scene.world.ask_with(&proof, "/api/oauth/token", &fields).await
}

/// Demands that an assertion with changes to the good claims proves nothing; the good one gets in.
async fn assertion_fails(claims: Value) {
    let scene = Scene::with_key().await;
    let code = scene.code().await;
    exchange(&scene, &code, &claims).await.oauth(401, "invalid_client");
    exchange(&scene, &code, &json!({})).await.expect(200);
}

/// Lets the person in by a request with changes; answers where the browser was sent, and the claims of the
/// ID token.
async fn succeeds(scene: &Scene, changes: &Value) -> (String, Value) {
    let back = scene.told(changes).await;
    let code = parameter(&back, "code").expect("a code");
    let tokens = exchange(scene, &code, &json!({})).await.expect(200);
    let (_, claims) = verified(&scene.world, &scene.room, &text(&tokens["id_token"])).await;
    (back, claims)
}

#[tokio::test]
async fn fapi2_security_profile_final_discovery_end_point_verification() {
    let scene = Scene::with_key().await;
    let told = discovered(&scene.world).await;
    assert_eq!(told["response_types_supported"], json!(["code"]));
    assert_eq!(told["authorization_response_iss_parameter_supported"], true);
    assert_eq!(told["id_token_signing_alg_values_supported"], json!(["ES256"]));
    assert_eq!(told["token_endpoint_auth_signing_alg_values_supported"], json!(["ES256"]));
    let methods = told["token_endpoint_auth_methods_supported"].as_array().expect("a list");
    assert!(methods.contains(&json!("private_key_jwt")));
    assert_eq!(told["code_challenge_methods_supported"], json!(["S256"]));
    assert!(told["scopes_supported"].as_array().expect("a list").contains(&json!("openid")));
    assert_eq!(told["subject_types_supported"], json!(["public"]));
    // It promises nothing that is not there.
    for name in [
        "pushed_authorization_request_endpoint",
        "require_pushed_authorization_requests",
        "dpop_signing_alg_values_supported",
        "tls_client_certificate_bound_access_tokens",
    ] {
        assert!(told.get(name).is_none(), "{name}");
    }
}

/// Two apps, one after the other; and the access token in an address is refused, whatever is accepted.
#[tokio::test]
async fn fapi2_security_profile_final_happy_flow() {
    let mut scene = Scene::with_key().await;
    let second = scene.dana.register(&with_key()).await;
    let nonce = "n".repeat(43);
    for (room, nonce) in [(scene.room.clone(), "n-1"), (second, &*nonce)] {
        scene.room = room;
        let back = scene.told(&json!({"nonce": nonce, "scope": "openid messaging"})).await;
        let code = parameter(&back, "code").expect("a code");
        let tokens = exchange(&scene, &code, &json!({})).await.expect(200);
        let (_, claims) = verified(&scene.world, &scene.room, &text(&tokens["id_token"])).await;
        assert_eq!(claims["nonce"], nonce);
        assert!(claims.get("email").is_none(), "nobody asked for it: {claims}");
        let token = text(&tokens["access_token"]);
        let query = Call::new("GET", &format!("/api/oauth/userinfo?access_token={token}"));
        scene.world.send(query).await.oauth(401, "invalid_token");
        for accept in ["application/json; charset=utf-8", "application/json, */*"] {
            let call = Call::new("GET", "/api/oauth/userinfo").header("accept", accept);
            let call = call.header("authorization", &format!("Bearer {token}"));
            assert_eq!(scene.world.send(call).await.expect(200)["sub"], claims["sub"]);
        }
    }
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_authorization_request_without_state_success() {
    let scene = Scene::with_key().await;
    let (back, claims) = succeeds(&scene, &json!({"state": null})).await;
    assert_eq!(parameter(&back, "state"), None);
    assert!(claims.get("s_hash").is_none());
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_authorization_request_without_nonce_success() {
    let scene = Scene::with_key().await;
    let (_, claims) = succeeds(&scene, &json!({"nonce": null})).await;
    assert!(claims.get("nonce").is_none());
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_authorization_request_with_64_char_nonce_success() {
    let scene = Scene::with_key().await;
    let nonce = "0123456789abcdef".repeat(4);
    let (_, claims) = succeeds(&scene, &json!({"nonce": nonce})).await;
    assert_eq!(claims["nonce"], nonce);
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_other_scope_order_succeeds() {
    let scene = Scene::with_key().await;
    let (_, claims) = succeeds(&scene, &json!({"scope": "messaging email openid"})).await;
    assert_eq!(claims["email"], json!(scene.who.email));
}

#[tokio::test]
async fn fapi2_security_profile_final_access_token_type_header_case_sensitivity() {
    let scene = Scene::with_key().await;
    let tokens = exchange(&scene, &scene.code().await, &json!({})).await.expect(200);
    let header = format!("bEARER {}", text(&tokens["access_token"]));
    let call = Call::new("GET", "/api/oauth/userinfo").header("authorization", &header);
    scene.world.send(call).await.expect(200);
}

/// Refused, not cut off.
#[tokio::test]
async fn fapi2_security_profile_final_ensure_authorization_request_with_long_nonce() {
    let scene = Scene::with_key().await;
    let nonce = "0123456789abcdef".repeat(24);
    fails(&scene, &scene.cookie, &json!({"nonce": nonce}), "invalid_request").await;
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_authorization_request_with_long_state() {
    let scene = Scene::with_key().await;
    let state = "0123456789".repeat(100);
    let (back, _) = succeeds(&scene, &json!({"state": state})).await;
    assert_eq!(parameter(&back, "state"), Some(state));
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_registered_redirect_uri() {
    let scene = Scene::with_key().await;
    let uri = format!("{REDIRECT}0123456789");
    shows_a_wrong_address(&scene, &json!({"redirect_uri": uri}), 422).await;
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_redirect_uri_in_authorization_request() {
    let scene = Scene::with_key().await;
    shows_a_wrong_address(&scene, &json!({"redirect_uri": null}), 400).await;
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_response_type_code_idtoken_fails() {
    let scene = Scene::with_key().await;
    let asks = json!({"response_type": "code id_token"});
    fails(&scene, &scene.cookie, &asks, "unsupported_response_type").await;
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_response_type_token_fails() {
    let scene = Scene::with_key().await;
    let asks = json!({"response_type": "token"});
    fails(&scene, &scene.cookie, &asks, "unsupported_response_type").await;
}

/// The id of a second app, which is not that of the key, beside an assertion for either.
#[tokio::test]
async fn fapi2_security_profile_final_ensure_client_id_in_token_endpoint() {
    let scene = Scene::with_key().await;
    let code = scene.code().await;
    let second = scene.dana.register(&json!({})).await;
    let now = scene.world.now().seconds();
    for of in [&second, &scene.room] {
        let proof = of.proof(now, &json!({}));
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", &*code),
            ("code_verifier", VERIFIER),
            ("client_id", &*second.id),
        ];
        let answer = scene.world.ask_with(&proof, "/api/oauth/token", &fields).await;
        answer.oauth(401, "invalid_client");
    }
    exchange(&scene, &code, &json!({"jti": "two"})).await.expect(200);
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_authorization_code_is_bound_to_client() {
    let mut scene = Scene::with_key().await;
    let code = scene.code().await;
    let second = scene.dana.register(&with_key()).await;
    let first = std::mem::replace(&mut scene.room, second);
    exchange(&scene, &code, &json!({})).await.oauth(400, "invalid_grant");
    scene.room = first;
    exchange(&scene, &code, &json!({})).await.expect(200);
}

#[tokio::test]
async fn fapi2_security_profile_final_attempt_reuse_authorization_code_after_one_second() {
    let scene = Scene::with_key().await;
    let code = scene.code().await;
    let tokens = exchange(&scene, &code, &json!({})).await.expect(200);
    scene.world.pass(1);
    exchange(&scene, &code, &json!({"jti": "two"})).await.oauth(400, "invalid_grant");
    let token = text(&tokens["access_token"]);
    scene.world.userinfo(&token).await.oauth(401, "invalid_token");
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_token_endpoint_fails_with_expired_auth_code() {
    let scene = Scene::with_key().await;
    let code = scene.code().await;
    scene.world.pass(62);
    exchange(&scene, &code, &json!({})).await.oauth(400, "invalid_grant");
}

/// The suite signs with RS256 where the app has a key for it. Keys here are of P-256: the header says so.
#[tokio::test]
#[expect(non_snake_case, reason = "the suite's own name")]
async fn fapi2_security_profile_final_ensure_signed_client_assertion_with_RS256_fails() {
    let scene = Scene::with_key().await;
    let code = scene.code().await;
    let good = scene.room.proof(scene.world.now().seconds(), &json!({}));
    let claims = claims(&good);
    let header = json!({"alg": "RS256", "typ": "JWT", "kid": "a"});
    let proof = scene.room.assertion(&header, &claims);
    let fields =
        [("grant_type", "authorization_code"), ("code", &*code), ("code_verifier", VERIFIER)];
    let answer = scene.world.ask_with(&proof, "/api/oauth/token", &fields).await;
    answer.oauth(401, "invalid_client");
    scene.world.ask_with(&good, "/api/oauth/token", &fields).await.expect(200);
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_client_assertion_in_token_endpoint() {
    let scene = Scene::with_key().await;
    let code = scene.code().await;
    // Without a secret, nothing but the app's id is sent.
    assert!(scene.room.secret.is_empty());
    scene.world.exchange(&scene.room, &code).await.oauth(401, "invalid_client");
    exchange(&scene, &code, &json!({})).await.expect(200);
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_client_assertion_with_exp_is_5_minutes_in_past_fails()
{
    let now = BEGINNING / 1000;
    assertion_fails(json!({"exp": now - 5 * 60, "iat": now - 6 * 60})).await;
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_client_assertion_with_wrong_aud_fails() {
    assertion_fails(json!({"aud": "https://www.other1.example.com/"})).await;
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_client_assertion_with_no_sub_fails() {
    assertion_fails(json!({"sub": null})).await;
}

/// None is issued, and none is promised.
#[tokio::test]
async fn fapi2_security_profile_final_refresh_token() {
    let scene = Scene::with_key().await;
    let grants = discovered(&scene.world).await["grant_types_supported"].clone();
    assert!(!grants.as_array().expect("a list").contains(&json!("refresh_token")));
    let asks = json!({"prompt": "consent", "scope": "openid messaging offline_access"});
    let code = parameter(&scene.told(&asks).await, "code").expect("a code");
    let tokens = exchange(&scene, &code, &json!({})).await.expect(200);
    assert!(tokens.get("refresh_token").is_none());
}

#[tokio::test]
async fn fapi2_security_profile_final_par_ensure_jwt_client_assertions_nbf_8_seconds_in_the_future_is_accepted()
 {
    let scene = Scene::with_key().await;
    let ahead = scene.world.now().seconds() + 8;
    let claims = json!({"iat": ahead, "nbf": ahead});
    exchange(&scene, &scene.code().await, &claims).await.expect(200);
}

#[tokio::test]
async fn fapi2_security_profile_final_par_ensure_jwt_client_assertions_nbf_over_60_seconds_in_the_future_fails()
 {
    let ahead = BEGINNING / 1000 + 65;
    assertion_fails(json!({"iat": ahead, "nbf": ahead, "exp": ahead + 60})).await;
    assertion_fails(json!({"nbf": ahead, "exp": ahead + 60})).await;
}

#[tokio::test]
async fn fapi2_security_profile_final_par_test_array_as_audience_fails() {
    assertion_fails(json!({"aud": [PORTAL, "https://www.other1.example.com/"]})).await;
    assertion_fails(json!({"aud": [PORTAL]})).await;
}

#[tokio::test]
async fn fapi2_security_profile_final_par_test_token_endpoint_url_as_audience_fails() {
    assertion_fails(json!({"aud": format!("{}/api/oauth/token", PORTAL)})).await;
}

#[tokio::test]
async fn fapi2_security_profile_final_par_ensure_pkce_required() {
    let scene = Scene::with_key().await;
    let asks = json!({"code_challenge": null, "code_challenge_method": null});
    fails(&scene, &scene.cookie, &asks, "invalid_request").await;
}

#[tokio::test]
async fn fapi2_security_profile_final_par_plain_pkce_rejected() {
    let scene = Scene::with_key().await;
    let asks = json!({"code_challenge": VERIFIER, "code_challenge_method": "plain"});
    fails(&scene, &scene.cookie, &asks, "invalid_request").await;
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_pkce_code_verifier_required() {
    let scene = Scene::with_key().await;
    let code = scene.code().await;
    exchange_with(&scene, &code, None, &json!({})).await.oauth(400, "invalid_grant");
}

#[tokio::test]
async fn fapi2_security_profile_final_incorrect_pkce_code_verifier_rejected() {
    let scene = Scene::with_key().await;
    let code = scene.code().await;
    let other = challenge("another verifier");
    exchange_with(&scene, &code, Some(&other), &json!({})).await.oauth(400, "invalid_grant");
}
