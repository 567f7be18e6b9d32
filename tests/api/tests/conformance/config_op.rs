//! Config OP: `oidcc-config-certification-test-plan`, which is one module.
//!
//! One difference is on purpose: the module wants RS256 among the algorithms of ID tokens, which FAPI 2.0
//! forbids.

use api_tests::{Call, PORTAL, World, people::text};
use serde_json::json;

#[tokio::test]
async fn oidcc_discovery_endpoint_verification() {
    let world = World::new().await;
    let answer = world.send(Call::new("GET", "/.well-known/openid-configuration")).await;
    assert_eq!(answer.headers["content-type"], "application/json");
    let told = answer.expect(200);
    assert_eq!(told["issuer"], PORTAL);
    let has = |name: &str, value: &str| {
        let list = told[name].as_array().expect("a list");
        assert!(list.contains(&json!(value)), "{name}: {list:?}");
    };
    has("response_types_supported", "code");
    has("subject_types_supported", "public");
    has("id_token_signing_alg_values_supported", "ES256");
    has("grant_types_supported", "authorization_code");
    has("scopes_supported", "openid");
    has("code_challenge_methods_supported", "S256");
    has("claims_supported", "sub");
    for scope in told["scopes_supported"].as_array().expect("a list") {
        assert!(text(scope).bytes().all(|b| b.is_ascii_graphic() && !b"\"\\".contains(&b)));
    }
    for locale in told["ui_locales_supported"].as_array().expect("a list") {
        assert!(text(locale).bytes().all(|b| b.is_ascii_lowercase()), "{locale}");
    }
    for name in ["request", "request_uri", "claims"] {
        assert_eq!(told[&format!("{name}_parameter_supported")], false);
    }
    for name in [
        "authorization_endpoint",
        "token_endpoint",
        "userinfo_endpoint",
        "introspection_endpoint",
        "revocation_endpoint",
        "end_session_endpoint",
        "jwks_uri",
    ] {
        // The issuer is https wherever people are let in; the tests' is on this machine.
        assert!(text(&told[name]).starts_with(&format!("{PORTAL}/")), "{name}");
    }
    assert!(told.get("registration_endpoint").is_none());
    let keys = text(&told["jwks_uri"]).replace(PORTAL, "");
    let keys = world.send(Call::new("GET", &keys)).await.expect(200);
    let keys = keys["keys"].as_array().expect("keys").clone();
    assert!(!keys.is_empty());
    for key in &keys {
        assert_eq!(
            (&key["kty"], &key["crv"], &key["use"]),
            (&json!("EC"), &json!("P-256"), &json!("sig"))
        );
        assert!(key["kid"].is_string() && key["x"].is_string() && key["y"].is_string());
        for private in ["d", "k", "p", "q"] {
            assert!(key.get(private).is_none(), "nothing private: {private}");
        }
    }
}
