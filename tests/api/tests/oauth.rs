//! Apps that let people in: what they get, and for how long it is worth something.

use api_tests::{
    Call, PASSWORD, PORTAL, World,
    apps::{REDIRECT, Room, Scene, claims, form, parameter},
    people::text,
};
use serde_json::{Value, json};

// ---- What an app gets ----

#[tokio::test]
async fn whoever_builds_an_app_finds_out_how_to_ask() {
    let world = World::new().await;
    let call = Call::new("GET", "/.well-known/openid-configuration");
    let told = world.send(call.header("sec-fetch-site", "cross-site")).await.expect(200);
    assert_eq!(told["issuer"], PORTAL);
    for (name, path) in [
        ("authorization_endpoint", "/authorize"),
        ("token_endpoint", "/api/oauth/token"),
        ("introspection_endpoint", "/api/oauth/introspect"),
        ("revocation_endpoint", "/api/oauth/revoke"),
        ("userinfo_endpoint", "/api/oauth/userinfo"),
        ("end_session_endpoint", "/sign-out"),
        ("jwks_uri", "/api/portal/jwks.json"),
    ] {
        assert_eq!(told[name], format!("{PORTAL}{path}"));
    }
    assert_eq!(told["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(told["response_types_supported"], json!(["code"]));
    assert_eq!(told["authorization_response_iss_parameter_supported"], true);
}

#[tokio::test]
async fn an_app_gets_a_code_then_a_token_and_learns_who_is_there() {
    let scene = Scene::new().await;
    let world = &scene.world;
    let back = scene.told(&json!({})).await;
    assert!(back.starts_with(&format!("{REDIRECT}?code=")), "{back}");
    assert_eq!(parameter(&back, "state").as_deref(), Some("s t&te"));
    assert_eq!(parameter(&back, "iss").as_deref(), Some(PORTAL));
    let code = parameter(&back, "code").expect("a code");
    let tokens = world.exchange(&scene.room, &code).await.expect(200);
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(tokens["scope"], "openid profile email messaging");
    assert_eq!(tokens["expires_in"], 60 * 60);
    assert!(tokens.get("refresh_token").is_none());

    let id_token = text(&tokens["id_token"]);
    let now = world.now().seconds();
    let claims = claims(&id_token);
    let info = world.userinfo(&text(&tokens["access_token"])).await.expect(200);
    assert_eq!(claims["iss"], PORTAL);
    assert_eq!(claims["aud"], scene.room.id);
    assert_eq!(claims["nonce"], "n-1");
    assert_eq!((&claims["iat"], &claims["exp"]), (&json!(now), &json!(now + 300)));
    assert_eq!(claims["auth_time"], now);
    assert_eq!(claims["amr"], json!(["pwd"]));
    assert_eq!((&claims["sub"], &claims["sid"]), (&info["sub"], &info["sid"]));
    assert_eq!(
        (&claims["name"], &claims["email"]),
        (&json!("Pat Person"), &json!(scene.who.email))
    );
    assert_eq!((&info["name"], &info["email"]), (&claims["name"], &claims["email"]));
    let client = scene.dana.get(&format!("/api/clients/{}", scene.who.client)).await.expect(200);
    let charts = json!([{
        "clientId": scene.who.client, "name": {"first": "Amara", "last": "Okafor"},
        "recordNumber": client["recordNumber"], "permissions": ["messaging"],
    }]);
    assert_eq!(info["charts"], charts);
    let opens = world.introspect(&scene.room, &text(&tokens["access_token"])).await;
    assert_eq!(opens["active"], true);
    assert_eq!(opens["client_id"], scene.room.id);
    assert_eq!(opens["sub"], claims["sub"]);
    assert_eq!(opens["scope"], tokens["scope"]);
    assert_eq!(opens["charts"], charts);
}

#[tokio::test]
async fn an_app_is_told_what_it_asked_for_and_no_more() {
    let scene = Scene::new().await;
    for (asked, granted) in [
        ("openid", "openid"),
        ("email openid", "openid email"),
        ("openid messaging billing everything", "openid messaging"),
        ("openid  profile ", "openid profile"),
    ] {
        let back = scene.told(&json!({"scope": asked})).await;
        let code = parameter(&back, "code").expect("a code");
        let tokens = scene.world.exchange(&scene.room, &code).await.expect(200);
        assert_eq!(tokens["scope"], granted);
        let info = scene.world.userinfo(&text(&tokens["access_token"])).await.expect(200);
        let claims = claims(&text(&tokens["id_token"]));
        for (member, scope) in [("name", "profile"), ("email", "email")] {
            assert_eq!(info.get(member).is_some(), granted.contains(scope), "{asked}: {member}");
            assert_eq!(claims.get(member).is_some(), granted.contains(scope), "{asked}: {member}");
        }
        assert_eq!(info["charts"][0]["permissions"], json!(["messaging"]), "the one it serves");
    }
    for scope in [json!("profile messaging"), json!(""), Value::Null, json!("OPENID")] {
        let back = scene.told(&json!({"scope": scope})).await;
        assert_eq!(parameter(&back, "error").as_deref(), Some("invalid_scope"));
    }
}

#[tokio::test]
async fn an_app_sees_the_charts_where_the_person_has_its_permission() {
    let scene = Scene::with(&json!({"permission": null})).await;
    let (world, dana) = (&scene.world, &scene.dana);
    // One person, two charts: basic and messaging in one, documents in the other.
    let other = dana.client("Amara", "Okafor", "1984-03-12").await;
    let body = json!({
        "name": {"first": "Pat", "last": "Person"}, "email": scene.who.email,
        "relationship": "parent", "permissions": ["documents"], "samePerson": true,
    });
    dana.post(&format!("/api/clients/{other}/portal-users"), &body).await.expect(201);
    world.deliver().await;
    let token = world.post.newest(&scene.who.email).token();
    world.enroll(&token, "Okafor", "1984-03-12", PASSWORD).await.expect(201);
    let cookie = world.signed_in(&scene.who.email, PASSWORD).await;
    let charts = async |room: &Room, scope: &str| {
        let back = world.authorize(&cookie, room, &json!({"scope": scope})).await.expect(200);
        let back = text(&back["redirectTo"]);
        if let Some(error) = parameter(&back, "error") {
            return vec![(error, Value::Null)];
        }
        let code = parameter(&back, "code").expect("a code");
        let tokens = world.exchange(room, &code).await.expect(200);
        let info = world.userinfo(&text(&tokens["access_token"])).await.expect(200);
        let charts = info["charts"].as_array().expect("charts").clone();
        charts.iter().map(|c| (text(&c["clientId"]), c["permissions"].clone())).collect()
    };
    let first = scene.who.client.clone();
    assert_eq!(
        charts(&scene.room, "openid documents").await,
        [(other.clone(), json!(["documents"]))]
    );
    assert_eq!(
        charts(&scene.room, "openid messaging").await,
        [(first.clone(), json!(["messaging"]))]
    );
    assert_eq!(
        charts(&scene.room, "openid documents basic").await,
        [(first.clone(), json!(["basic"])), (other.clone(), json!(["documents"]))]
    );
    let none = [("access_denied".to_owned(), Value::Null)];
    assert_eq!(charts(&scene.room, "openid billing").await, none);
    assert_eq!(charts(&scene.room, "openid profile").await, none);
    let documents = dana.register(&json!({"permission": "documents"})).await;
    assert_eq!(charts(&documents, "openid messaging").await, [(other, json!(["documents"]))]);
    let surveys = dana.register(&json!({"permission": "surveys"})).await;
    assert_eq!(charts(&surveys, "openid surveys").await, none);
}

#[tokio::test]
async fn an_app_in_the_browser_gets_in_by_pkce_alone() {
    let scene = Scene::with(&json!({"authentication": "none"})).await;
    let code = scene.code().await;
    let tokens = scene.world.exchange(&scene.room, &code).await.expect(200);
    let token = text(&tokens["access_token"]);
    scene.world.userinfo(&token).await.expect(200);
    scene.world.ask_as(&scene.room, "/api/oauth/revoke", &[("token", &token)]).await.expect(200);
    scene.world.userinfo(&token).await.oauth(401, "invalid_token");
}

// ---- Nothing outlives its session or its access ----

#[tokio::test]
async fn a_token_opens_nothing_from_the_moment_the_access_is_gone() {
    let scene = Scene::new().await;
    let (world, dana, who) = (&scene.world, &scene.dana, &scene.who);
    let token = scene.token().await;
    let code = scene.code().await;
    assert!(scene.is_open(&token).await);
    dana.revoke(who).await.expect(200);
    assert!(!scene.is_open(&token).await, "revoked");
    assert_eq!(world.introspect(&scene.room, &token).await, json!({"active": false}));
    world.exchange(&scene.room, &code).await.oauth(400, "invalid_grant");
    dana.activate(who).await.expect(200);
    assert!(!scene.is_open(&token).await, "activated: another epoch");
    world.exchange(&scene.room, &code).await.oauth(400, "invalid_grant");

    let cookie = world.signed_in(&who.email, PASSWORD).await;
    let token = world.token(&cookie, &scene.room).await;
    assert!(scene.is_open(&token).await);
    world.send(Call::new("DELETE", "/api/portal/session").cookie(&cookie)).await.expect(204);
    assert!(!scene.is_open(&token).await, "signed out");

    let cookie = world.signed_in(&who.email, PASSWORD).await;
    let token = world.token(&cookie, &scene.room).await;
    world.forgot(&who.email).await.expect(202);
    world.deliver().await;
    let reset = world.post.newest(&who.email).token();
    world.choose(&reset, "another nine grey pebbles").await.expect(204);
    assert!(!scene.is_open(&token).await, "another password");

    let cookie = world.signed_in(&who.email, "another nine grey pebbles").await;
    let token = world.token(&cookie, &scene.room).await;
    let version = dana.user(who).await["version"].clone();
    let edit = json!({"version": version, "permissions": ["basic"]});
    dana.patch(&who.path(), &edit).await.expect(200);
    assert!(!scene.is_open(&token).await, "without the permission that the app serves");
    let edit = json!({"version": dana.user(who).await["version"], "permissions": ["messaging"]});
    dana.patch(&who.path(), &edit).await.expect(200);
    assert!(scene.is_open(&token).await, "and with it");
    dana.delete(who, "confirm=delete").await.expect(200);
    assert!(!scene.is_open(&token).await, "deleted");
}

#[tokio::test]
async fn a_token_ends_with_its_session_by_rest_and_by_the_clock_and_asking_keeps_it_awake() {
    let scene = Scene::new().await;
    let world = &scene.world;
    let token = scene.token().await;
    let asked = async |activity: &str| {
        let call = form("/api/oauth/introspect", &[("token", &token)]);
        let call = call.header("authorization", &scene.room.basic());
        let answer = world.send(call.header("latchkey-activity", activity)).await;
        answer.expect(200)["active"] == json!(true)
    };
    for _ in 0..5 {
        world.pass(9 * 60);
        assert!(asked("here").await);
    }
    world.pass(9 * 60);
    assert!(asked("none").await, "nobody is there: it is no use");
    world.pass(60);
    assert!(!asked("here").await, "ten minutes unused");

    let cookie = world.signed_in(&scene.who.email, PASSWORD).await;
    let token = world.token(&cookie, &scene.room).await;
    for _ in 0..11 {
        world.pass(5 * 60);
        assert!(scene.is_open(&token).await);
    }
    world.pass(5 * 60 - 1);
    assert!(scene.is_open(&token).await);
    world.pass(1);
    assert!(!scene.is_open(&token).await, "an hour");
}

#[tokio::test]
async fn an_app_that_is_switched_off_or_deleted_gets_no_further_and_switched_on_it_begins_anew() {
    let scene = Scene::new().await;
    let (world, dana, room) = (&scene.world, &scene.dana, &scene.room);
    let path = format!("/api/apps/{}", room.id);
    let (token, code) = (scene.token().await, scene.code().await);
    let shut = async || {
        world
            .ask_as(room, "/api/oauth/introspect", &[("token", &token)])
            .await
            .oauth(401, "invalid_client");
        world.exchange(room, &code).await.oauth(401, "invalid_client");
        world.userinfo(&token).await.oauth(401, "invalid_token");
        let check = world.may_pass(&scene.cookie, &format!("app={}", room.id)).await;
        check.problem(403, "no_access");
        let answer = world.authorize(&scene.cookie, room, &json!({})).await;
        answer.problem(422, "unknown_app");
    };
    dana.patch(&path, &json!({"version": 1, "enabled": false})).await.expect(200);
    shut().await;
    dana.patch(&path, &json!({"version": 2, "enabled": true})).await.expect(200);
    assert!(!scene.is_open(&token).await, "nothing comes back");
    world.exchange(room, &code).await.oauth(400, "invalid_grant");
    let check = world.may_pass(&scene.cookie, &format!("app={}", room.id)).await;
    check.expect(204);
    let (token, code) = (scene.token().await, scene.code().await);
    assert!(scene.is_open(&token).await);
    world.exchange(room, &code).await.expect(200);
    // Said to be on while it is, and renamed: nothing ends.
    let edit = json!({"version": 3, "enabled": true, "name": "Notes"});
    dana.patch(&path, &edit).await.expect(200);
    assert!(scene.is_open(&token).await);
    dana.send(Call::new("DELETE", &format!("{path}?confirm=delete"))).await.expect(204);
    shut().await;
}

#[tokio::test]
async fn a_token_that_its_app_gives_back_is_over() {
    let scene = Scene::new().await;
    let (world, room) = (&scene.world, &scene.room);
    let (token, kept) = (scene.token().await, scene.token().await);
    let other = scene.dana.register(&json!({})).await;
    let give_back = async |room: &Room, token: &str| {
        world.ask_as(room, "/api/oauth/revoke", &[("token", token)]).await.expect(200);
    };
    give_back(&other, &token).await;
    assert!(scene.is_open(&token).await, "another app's is none of its business");
    give_back(room, &token).await;
    assert!(!scene.is_open(&token).await);
    give_back(room, &token).await;
    give_back(room, "nothing").await;
    assert!(scene.is_open(&kept).await);
    world.session(&scene.cookie).await.expect(200);
    let none = world.ask_as(room, "/api/oauth/revoke", &[]).await;
    none.oauth(400, "invalid_request");
}

#[tokio::test]
async fn a_code_lives_a_minute() {
    let scene = Scene::new().await;
    let (first, second) = (scene.code().await, scene.code().await);
    scene.world.pass_millis(59_999);
    scene.world.exchange(&scene.room, &first).await.expect(200);
    scene.world.pass_millis(1);
    scene.world.exchange(&scene.room, &second).await.oauth(400, "invalid_grant");
}

#[tokio::test]
async fn codes_that_nobody_exchanges_end_no_token() {
    let scene = Scene::new().await;
    let token = scene.token().await;
    let mut codes = Vec::new();
    for _ in 0..7 {
        codes.push(scene.code().await);
    }
    assert!(scene.is_open(&token).await);
    for (n, code) in codes.iter().enumerate() {
        let answer = scene.world.exchange(&scene.room, code).await;
        assert_eq!(answer.status.as_u16(), if n < 2 { 400 } else { 200 }, "the newest five wait");
    }
    let mut tokens = vec![token];
    for _ in 0..9 {
        tokens.push(scene.token().await);
    }
    assert!(!scene.is_open(&tokens[0]).await, "ten are the most");
    assert!(scene.is_open(&tokens[9]).await);
}

#[tokio::test]
async fn what_an_app_had_of_somebody_opens_nothing_of_the_next_owner_of_the_sign_in_name() {
    let scene = Scene::new().await;
    let (world, dana, who) = (&scene.world, &scene.dana, &scene.who);
    let back = scene.told(&json!({})).await;
    let code = parameter(&back, "code").expect("a code");
    let tokens = world.exchange(&scene.room, &code).await.expect(200);
    let (token, code) = (text(&tokens["access_token"]), scene.code().await);
    dana.delete(who, "confirm=delete").await.expect(200);
    let next = dana.enroll_for(&who.client, &who.email).await;
    let cookie = world.signed_in(&next.email, PASSWORD).await;
    world.token(&cookie, &scene.room).await;
    assert!(!scene.is_open(&token).await);
    world.exchange(&scene.room, &code).await.oauth(400, "invalid_grant");
    let hint = json!({"prompt": "none", "id_token_hint": tokens["id_token"]});
    let answer = world.authorize(&cookie, &scene.room, &hint).await.expect(200);
    let error = parameter(&text(&answer["redirectTo"]), "error");
    assert_eq!(error.as_deref(), Some("login_required"));
}

#[tokio::test]
async fn another_sign_in_name_ends_what_apps_had() {
    for name in ["another.name", "PERSON"] {
        let scene = Scene::new().await;
        let (token, code) = (scene.token().await, scene.code().await);
        let version = scene.dana.user(&scene.who).await["version"].clone();
        let name = match name {
            "PERSON" => scene.who.email.to_uppercase(),
            other => other.to_owned(),
        };
        let edit = json!({"version": version, "username": name});
        scene.dana.patch(&scene.who.path(), &edit).await.expect(200);
        assert!(!scene.is_open(&token).await, "{name}");
        scene.world.exchange(&scene.room, &code).await.oauth(400, "invalid_grant");
    }
}
