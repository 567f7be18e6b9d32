//! The portal and its apps: which requests a proxy in front of an app may let through, and which apps the
//! portal shows to whom.

use api_tests::{Call, apps::Scene, people::text};
use serde_json::json;

#[tokio::test]
async fn a_proxy_is_told_who_may_pass() {
    let scene = Scene::new().await;
    let (world, who) = (&scene.world, &scene.who);
    let app = format!("app={}", scene.room.id);
    let answer = world.may_pass(&scene.cookie, &app).await;
    let header = |name: &str| {
        answer.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or("").to_owned()
    };
    assert_eq!(answer.status.as_u16(), 204, "{}", answer.body);
    let info = world.userinfo(&scene.token().await).await.expect(200);
    assert_eq!(header("latchkey-subject"), text(&info["sub"]));
    assert_eq!(header("latchkey-session"), text(&info["sid"]));
    assert_eq!(header("latchkey-charts"), format!("{}=messaging", who.client));
    let own = format!("{app}&clientId={}", who.client);
    // It holds whatever request it holds.
    let call = Call::new("GET", &format!("/api/portal/check?{own}")).cookie(&scene.cookie);
    let call = call.header("sec-fetch-site", "cross-site").header("origin", "https://evil.example");
    world.send(call).await.expect(204);
    let other = scene.dana.client("Somebody", "Else", "1990-01-01").await;
    world
        .may_pass(&scene.cookie, &format!("{app}&clientId={other}"))
        .await
        .problem(403, "no_access");
    let billing = scene.dana.register(&json!({"permission": "billing"})).await;
    world.may_pass(&scene.cookie, &format!("app={}", billing.id)).await.problem(403, "no_access");
    for query in ["", "app=", "app=nobody", &format!("{app}&clientId=x"), &format!("{app}&x=1")] {
        assert_eq!(world.may_pass(&scene.cookie, query).await.status.as_u16(), 400, "{query}");
    }
    let system = json!({
        "kind": "system", "permission": null, "launchUrl": null, "redirectUris": null,
        "postLogoutRedirectUris": null, "scopes": ["clients"],
    });
    let system = scene.dana.register(&system).await;
    world.may_pass(&scene.cookie, &format!("app={}", system.id)).await.problem(403, "no_access");
    let cove = "app=cove.01ARZ3NDEKTSV4RRFFQ69G5FAV";
    world.may_pass(&scene.cookie, cove).await.problem(403, "no_access");
    for query in [&app, cove] {
        world.may_pass("", query).await.problem(401, "signed_out");
    }
    scene.dana.revoke(who).await.expect(200);
    for query in [&app, cove] {
        world.may_pass(&scene.cookie, query).await.problem(401, "signed_out");
    }
}

#[tokio::test]
async fn the_portal_shows_the_apps_that_are_open_for_each_chart_and_pretends_no_other() {
    let scene = Scene::new().await;
    let (world, dana) = (&scene.world, &scene.dana);
    let tiles = async |cookie: &str| {
        let answer = world.send(Call::new("GET", "/api/portal/apps").cookie(cookie)).await;
        answer.expect(200)["apps"].clone()
    };
    let chart = |client: &str, at: &str| {
        let issuer = "http%3A%2F%2Fportal.localhost%3A8600";
        json!({"clientId": client, "href": format!("{at}iss={issuer}&chart={client}")})
    };
    let first = &scene.who.client;
    let messages = json!({
        "appId": scene.room.id, "name": "Messages", "permission": "messaging",
        "charts": [chart(first, "https://rooms.example/?")],
    });
    assert_eq!(tiles(&scene.cookie).await, json!([messages]));
    dana.register(&json!({"permission": "billing", "name": "Invoices"})).await;
    dana.register(&json!({"launchUrl": null, "name": "Behind"})).await;
    let any = json!({"permission": null, "name": "All", "launchUrl": "https://all.example/in?x=1"});
    let any = dana.register(&any).await;
    let all = json!({
        "appId": any.id, "name": "All", "charts": [chart(first, "https://all.example/in?x=1&")],
    });
    assert_eq!(tiles(&scene.cookie).await, json!([messages, all]));
    let path = format!("/api/apps/{}", scene.room.id);
    dana.patch(&path, &json!({"version": 1, "enabled": false})).await.expect(200);
    assert_eq!(tiles(&scene.cookie).await, json!([all]));
    dana.revoke(&scene.who).await.expect(200);
    let call = Call::new("GET", "/api/portal/apps").cookie(&scene.cookie);
    world.send(call).await.problem(401, "signed_out");
}
