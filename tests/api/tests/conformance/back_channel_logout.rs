//! Back-Channel Logout OP: `oidcc-backchannel-rp-initiated-logout-certification-test-plan`. None is left out.

use api_tests::{
    Call, PORTAL, World,
    apps::{GOODBYE, claims, parameter},
    people::text,
};
use serde_json::json;

use super::discovered;
use crate::notices::Scene;

#[tokio::test]
async fn oidcc_backchannel_logout_discovery_endpoint_verification() {
    let told = discovered(&World::new().await).await;
    assert_eq!(told["backchannel_logout_supported"], true);
    assert_eq!(told["backchannel_logout_session_supported"], true);
    assert_eq!(told["end_session_endpoint"], format!("{PORTAL}/sign-out"));
}

#[tokio::test]
async fn oidcc_backchannel_rp_initiated_logout() {
    let scene = Scene::new().await;
    let world = &scene.world;
    let code = world.code(&scene.cookie, &scene.room).await;
    let id_token = world.exchange(&scene.room, &code).await.expect(200)["id_token"].clone();
    let request = json!({
        "id_token_hint": id_token, "post_logout_redirect_uri": GOODBYE, "state": "s",
    });
    let call = Call::new("POST", "/api/portal/sign-out").json(&request);
    let onward = world.send(call.cookie(&scene.cookie)).await.expect(200);
    assert_eq!(onward, json!({"redirectTo": format!("{GOODBYE}?state=s")}));

    assert_eq!(scene.deliver().await, 0);
    let heard = scene.heard();
    let [logout] = &heard[..] else { panic!("one notice: {heard:?}") };
    let known = claims(&text(&id_token));
    assert_eq!((&logout["iss"], &logout["aud"]), (&known["iss"], &known["aud"]));
    assert_eq!((&logout["sub"], &logout["sid"]), (&known["sub"], &known["sid"]));
    assert!(logout["sid"].is_string());
    assert_eq!(logout["iat"], world.now().seconds());
    assert!(logout["jti"].is_string());
    let event = json!({"http://schemas.openid.net/event/backchannel-logout": {}});
    assert_eq!(logout["events"], event);
    assert!(logout.get("nonce").is_none());

    let answer = world.authorize(&scene.cookie, &scene.room, &json!({"prompt": "none"})).await;
    let back = text(&answer.expect(200)["redirectTo"]);
    assert_eq!(parameter(&back, "error").as_deref(), Some("login_required"));
}
