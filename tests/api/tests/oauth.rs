//! Apps that let people in: what they get, for how long it is worth something, and what nobody gets who is
//! not that app. The attacks are those of RFC 9700; the good flow is that of `OpenID` Connect's Basic OP
//! profile.

use api_tests::{
    Answer, Call, PASSWORD, PORTAL, World,
    apps::{GOODBYE, REDIRECT, Room, VERIFIER, X, Y, challenge, form, parameter},
    people::{Invited, Staff, text},
    wire::{Fault, Operations},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use shared::history::Role;

/// A person who is signed in, and an app.
struct Scene {
    world: World,
    dana: Staff,
    who: Invited,
    cookie: String,
    room: Room,
}

impl Scene {
    async fn new() -> Self {
        Self::with(&json!({})).await
    }

    async fn with(registration: &Value) -> Self {
        let world = World::new().await;
        let dana = world.dana().await;
        let who = dana.enrolled().await;
        let room = dana.register(registration).await;
        let cookie = world.signed_in(&who.email, PASSWORD).await;
        Self { world, dana, who, cookie, room }
    }

    async fn token(&self) -> String {
        self.world.token(&self.cookie, &self.room).await
    }

    async fn code(&self) -> String {
        self.world.code(&self.cookie, &self.room).await
    }

    /// What the app is told on its own address.
    async fn told(&self, changes: &Value) -> String {
        let answer = self.world.authorize(&self.cookie, &self.room, changes).await.expect(200);
        text(&answer["redirectTo"])
    }

    async fn is_open(&self, token: &str) -> bool {
        let active = self.world.introspect(&self.room, token).await["active"] == json!(true);
        let info = self.world.userinfo(token).await.status.as_u16();
        assert_eq!(info, if active { 200 } else { 401 }, "both say the same");
        active
    }
}

/// The claims of a JWT, not verified.
fn claims(token: &str) -> Value {
    let part = token.split('.').nth(1).expect("claims");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64")).expect("JSON")
}

// ---- The good way ----

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
async fn an_app_that_is_switched_off_or_deleted_gets_no_further() {
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

// ---- Codes ----

#[tokio::test]
async fn a_code_works_once_and_a_second_use_ends_what_the_first_got() {
    let scene = Scene::new().await;
    let code = scene.code().await;
    let tokens = scene.world.exchange(&scene.room, &code).await.expect(200);
    let token = text(&tokens["access_token"]);
    let other = scene.token().await;
    assert!(scene.is_open(&token).await);
    scene.world.exchange(&scene.room, &code).await.oauth(400, "invalid_grant");
    assert!(!scene.is_open(&token).await, "it may have been stolen");
    assert!(scene.is_open(&other).await, "another sign-in goes on");
    scene.world.exchange(&scene.room, &code).await.oauth(400, "invalid_grant");
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
async fn a_code_is_for_the_app_the_place_and_the_proof_it_was_made_for() {
    let scene =
        Scene::with(&json!({"redirectUris": [REDIRECT, "https://rooms.example/two"]})).await;
    let world = &scene.world;
    let code = scene.code().await;
    let other = scene.dana.register(&json!({})).await;
    let public = scene.dana.register(&json!({"authentication": "none"})).await;
    for thief in [&other, &public] {
        world.exchange(thief, &code).await.oauth(400, "invalid_grant");
    }
    let with = async |name: &str, value: &str| {
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", &*code),
            ("code_verifier", VERIFIER),
            ("redirect_uri", REDIRECT),
        ];
        fields.retain(|(field, _)| *field != name);
        if !value.is_empty() {
            fields.push((name, value));
        }
        world.ask_as(&scene.room, "/api/oauth/token", &fields).await
    };
    let longest = "x".repeat(129);
    for verifier in
        [&VERIFIER[1..], &VERIFIER.to_uppercase(), &challenge(VERIFIER), "short", &longest]
    {
        with("code_verifier", verifier).await.oauth(400, "invalid_grant");
    }
    with("code_verifier", "").await.oauth(400, "invalid_grant");
    for uri in ["https://rooms.example/two", "https://rooms.example/in/", "https://evil.example/in"]
    {
        with("redirect_uri", uri).await.oauth(400, "invalid_grant");
    }
    for grant in ["password", "refresh_token", "implicit"] {
        with("grant_type", grant).await.oauth(400, "unsupported_grant_type");
    }
    with("grant_type", "client_credentials").await.oauth(400, "unauthorized_client");
    with("grant_type", "").await.oauth(400, "invalid_request");
    with("code", "").await.oauth(400, "invalid_request");
    for wrong in ["nothing", &code[1..], &format!("{code}x"), &code.replace("harbor", "cove")] {
        with("code", wrong).await.oauth(400, "invalid_grant");
    }
    // None of that used it up: whoever it was made for still gets in. The place may be left out.
    with("redirect_uri", "").await.expect(200);
}

#[tokio::test]
async fn a_code_is_no_token_and_a_token_no_code() {
    let scene = Scene::new().await;
    let (code, token) = (scene.code().await, scene.token().await);
    assert!(!scene.is_open(&code).await);
    scene.world.exchange(&scene.room, &token).await.oauth(400, "invalid_grant");
    scene.world.exchange(&scene.room, &code).await.expect(200);
    // Nor is either, or an ID token, a session of the portal; nor a session's token anything to apps.
    let back = scene.told(&json!({})).await;
    let code = parameter(&back, "code").expect("a code");
    let tokens = scene.world.exchange(&scene.room, &code).await.expect(200);
    for no_session in [&token, &text(&tokens["id_token"])] {
        let cookie = format!("__Host-latchkey-portal={no_session}");
        scene.world.session(&cookie).await.problem(401, "signed_out");
    }
    let session = scene.cookie.split_once('=').expect("a cookie").1;
    assert!(!scene.is_open(session).await);
    let hint = json!({"id_token_hint": session, "client_id": scene.room.id});
    let call = Call::new("POST", "/api/portal/sign-out").json(&hint).cookie(&scene.cookie);
    scene.world.send(call).await.problem(422, "not_ours");
}

// ---- Where the browser is sent ----

#[tokio::test]
async fn nobody_is_sent_to_an_address_that_is_not_registered_to_the_letter() {
    let scene = Scene::with(&json!({
        "redirectUris": [REDIRECT, "https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/in"],
    }))
    .await;
    for uri in [
        "https://rooms.example/",
        "https://rooms.example/in/",
        "https://rooms.example/in/more",
        "https://rooms.example/in?x=1",
        "https://rooms.example/in#x",
        "https://rooms.example/IN",
        "https://rooms.example:443/in",
        "https://rooms.example:8443/in",
        "http://rooms.example/in",
        "https://user@rooms.example/in",
        "https://rooms.example@evil.example/in",
        "https://rooms.example.evil.example/in",
        "https://evil.example/in",
        "//rooms.example/in",
        "https:/rooms.example/in",
        "https://rooms.example\\@evil.example/in",
        "https://rooms.example/in%00",
        "https://rooms.example/x/../in",
        " https://rooms.example/in",
        "https://rooms.example/in ",
        "javascript:alert(1)",
        "data:text/html,x",
        "com.example.rooms:/in",
        "/in",
        "*",
        "https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]:444/in",
        "https://[2606:2800:021f:cb07:6820:80da:af6b:8b2c]/in",
    ] {
        for also in [json!({}), json!({"prompt": "none"}), json!({"response_type": "token"})] {
            let mut changes = also;
            changes["redirect_uri"] = json!(uri);
            let answer = scene.world.authorize(&scene.cookie, &scene.room, &changes).await;
            let body = answer.problem(422, "unknown_address");
            assert_eq!(body["fields"][0]["field"], "redirect_uri");
            assert!(body.get("redirectTo").is_none());
            let answer = scene.world.authorize("", &scene.room, &changes).await;
            answer.problem(422, "unknown_address");
        }
    }
    for id in ["nobody", "harbor.01ARZ3NDEKTSV4RRFFQ69G5FAV", "nowhere.01ARZ3NDEKTSV4RRFFQ69G5FAV"]
    {
        let room = Room { id: id.into(), secret: String::new() };
        let answer = scene.world.authorize(&scene.cookie, &room, &json!({})).await;
        answer.problem(422, "unknown_app");
    }
    let system = json!({
        "kind": "system", "permission": null, "launchUrl": null, "redirectUris": null,
        "postLogoutRedirectUris": null, "scopes": ["clients"],
    });
    let system = scene.dana.register(&system).await;
    scene.world.authorize(&scene.cookie, &system, &json!({})).await.problem(422, "unknown_app");
    for missing in ["client_id", "redirect_uri"] {
        let answer =
            scene.world.authorize(&scene.cookie, &scene.room, &json!({missing: null})).await;
        let body = answer.expect(400);
        assert_eq!(body["fields"][0]["field"], missing);
    }
}

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

// ---- Who asks ----

#[tokio::test]
async fn an_app_that_does_not_prove_itself_learns_nothing() {
    let scene = Scene::new().await;
    let (world, room) = (&scene.world, &scene.room);
    let token = scene.token().await;
    let other = scene.dana.register(&json!({"name": "Documents"})).await;
    let public = scene.dana.register(&json!({"authentication": "none"})).await;
    let headed = async |authorization: &str, fields: &[(&str, &str)]| {
        let fields: Vec<_> =
            [("token", &*token)].into_iter().chain(fields.iter().copied()).collect();
        let call = form("/api/oauth/introspect", &fields);
        let call = if authorization.is_empty() {
            call
        } else {
            call.header("authorization", authorization)
        };
        world.send(call).await
    };
    let wrong = Room { secret: other.secret.clone(), ..room.clone() };
    let empty = Room { secret: String::new(), ..room.clone() };
    let nobody = Room { id: "harbor.01ARZ3NDEKTSV4RRFFQ69G5FAV".into(), ..room.clone() };
    for authorization in [
        &*wrong.basic(),
        &empty.basic(),
        &nobody.basic(),
        "Basic",
        "Basic !!!",
        "Basic eA==",
        "Digest x",
        &room.basic().replace("Basic", "Bearer"),
        &format!("Bearer {token}"),
    ] {
        headed(authorization, &[]).await.oauth(401, "invalid_client");
    }
    headed("", &[]).await.oauth(401, "invalid_client");
    headed("", &[("client_id", &room.id)]).await.oauth(401, "invalid_client");
    headed("", &[("client_id", &public.id)]).await.oauth(401, "invalid_client");
    let posted = [("client_id", &*room.id), ("client_secret", &*room.secret)];
    headed("", &posted).await.oauth(401, "invalid_client");
    headed(&room.basic(), &[("client_id", &other.id)]).await.oauth(401, "invalid_client");
    let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    let both = [("client_assertion_type", kind), ("client_assertion", "x.y.z")];
    headed(&room.basic(), &both).await.oauth(401, "invalid_client");
    // Another app that proves itself is told no more than that the token is none of its own.
    assert_eq!(world.introspect(&other, &token).await, json!({"active": false}));
    assert!(scene.is_open(&token).await);
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

#[tokio::test]
async fn a_token_is_taken_from_the_header_alone() {
    let scene = Scene::new().await;
    let token = scene.token().await;
    let query = Call::new("GET", &format!("/api/oauth/userinfo?access_token={token}"));
    scene.world.send(query).await.oauth(401, "invalid_token");
    let posted = form("/api/oauth/userinfo", &[("access_token", &token)]);
    scene.world.send(posted).await.oauth(401, "invalid_token");
    for header in ["Bearer", "Bearer ", "Bearer x", &format!("Basic {token}"), &token] {
        let call = Call::new("GET", "/api/oauth/userinfo").header("authorization", header);
        scene.world.send(call).await.oauth(401, "invalid_token");
    }
    let post = form("/api/oauth/userinfo", &[]).header("authorization", &format!("bearer {token}"));
    scene.world.send(post).await.expect(200);
}

#[tokio::test]
async fn an_app_with_a_key_proves_itself_once_with_each_assertion() {
    let key = json!({"kty": "EC", "crv": "P-256", "kid": "a", "x": X, "y": Y});
    let scene = Scene::with(&json!({"authentication": "key", "publicKeys": [key]})).await;
    let (world, room) = (&scene.world, &scene.room);
    let now = world.now().seconds();
    let header = json!({"alg": "ES256", "typ": "JWT", "kid": "a"});
    let good = json!({
        "iss": room.id, "sub": room.id, "aud": PORTAL, "exp": now + 60, "iat": now, "jti": "one",
    });
    let ask = async |path: &str, proof: &str, fields: &[(&str, &str)]| {
        world.ask_with(proof, path, fields).await
    };
    let code = scene.code().await;
    let exchange =
        [("grant_type", "authorization_code"), ("code", &*code), ("code_verifier", VERIFIER)];
    let mut wrong: Vec<(&str, Value, Value)> = Vec::new();
    for (claim, value) in [
        ("iss", json!("harbor.01ARZ3NDEKTSV4RRFFQ69G5FAV")),
        ("sub", json!("harbor.01ARZ3NDEKTSV4RRFFQ69G5FAV")),
        ("aud", json!(format!("{PORTAL}/api/oauth/token"))),
        ("aud", json!("https://other.example")),
        ("aud", json!([PORTAL])),
        ("exp", json!(now)),
        ("exp", json!(now + 311)),
        ("iat", json!(now + 60)),
        ("nbf", json!(now + 60)),
        ("jti", json!("")),
        ("jti", Value::Null),
        ("exp", Value::Null),
    ] {
        let mut claims = good.clone();
        claims[claim] = value;
        wrong.push((claim, header.clone(), claims));
    }
    for (member, value) in [
        ("alg", json!("none")),
        ("alg", json!("HS256")),
        ("kid", json!("b")),
        ("kid", Value::Null),
        ("crit", json!(["exp"])),
    ] {
        let mut other = header.clone();
        other[member] = value;
        wrong.push((member, other, good.clone()));
    }
    for (what, header, claims) in &wrong {
        let bad = room.assertion(header, claims);
        let answer = ask("/api/oauth/token", &bad, &exchange).await;
        assert_eq!(answer.status.as_u16(), 401, "{what}: {claims} {}", answer.body);
        answer.oauth(401, "invalid_client");
    }
    let cut = room.assertion(&header, &good);
    ask("/api/oauth/token", &cut[..cut.len() - 2], &exchange).await.oauth(401, "invalid_client");
    world.exchange(room, &code).await.oauth(401, "invalid_client");

    let proof = room.assertion(&header, &good);
    let tokens = ask("/api/oauth/token", &proof, &exchange).await.expect(200);
    let token = text(&tokens["access_token"]);
    // Replayed, at whatever endpoint; also one that was used for nothing.
    for path in ["/api/oauth/token", "/api/oauth/introspect", "/api/oauth/revoke"] {
        let fields: Vec<_> = exchange.into_iter().chain([("token", &*token)]).collect();
        ask(path, &proof, &fields).await.oauth(401, "invalid_client");
    }
    let with = |jti: &str| {
        let mut claims = good.clone();
        claims["jti"] = json!(jti);
        room.assertion(&header, &claims)
    };
    ask("/api/oauth/token", &with("two"), &[("grant_type", "authorization_code")])
        .await
        .oauth(400, "invalid_request");
    ask("/api/oauth/introspect", &with("two"), &[("token", &token)])
        .await
        .oauth(401, "invalid_client");
    let opens = ask("/api/oauth/introspect", &with("three"), &[("token", &token)]).await;
    assert_eq!(opens.expect(200)["active"], true);
    let opens = ask("/api/oauth/introspect", &with("three"), &[("token", "nothing")]).await;
    opens.oauth(401, "invalid_client");
    let none = ask("/api/oauth/introspect", &with("four"), &[("token", "nothing")]).await;
    assert_eq!(none.expect(200), json!({"active": false}));
    ask("/api/oauth/introspect", &with("four"), &[("token", "nothing")])
        .await
        .oauth(401, "invalid_client");
    ask("/api/oauth/revoke", &with("five"), &[("token", &token)]).await.expect(200);
    assert_eq!(world.userinfo(&token).await.status.as_u16(), 401);
    for kind in ["", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"] {
        let proof = with("six");
        let fields =
            [("token", &*token), ("client_assertion", &proof), ("client_assertion_type", kind)];
        world.send(form("/api/oauth/introspect", &fields)).await.oauth(401, "invalid_client");
    }
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

// ---- Behind a proxy ----

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

// ---- Tiles ----

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

// ---- Signing out ----

#[tokio::test]
async fn signing_out_leads_back_to_where_the_app_may_send_people_and_nowhere_else() {
    let scene = Scene::new().await;
    let world = &scene.world;
    let sign_out = async |cookie: &str, body: Value| {
        let call = Call::new("POST", "/api/portal/sign-out").json(&body);
        world.send(if cookie.is_empty() { call } else { call.cookie(cookie) }).await
    };
    let code = scene.code().await;
    let tokens = world.exchange(&scene.room, &code).await.expect(200);
    let (token, hint) = (text(&tokens["access_token"]), tokens["id_token"].clone());

    let other = scene.dana.register(&json!({})).await;
    for (body, field) in [
        (json!({"id_token_hint": "x.y.z"}), "id_token_hint"),
        (json!({"id_token_hint": hint, "client_id": other.id}), "id_token_hint"),
    ] {
        let body = sign_out(&scene.cookie, body).await.problem(422, "not_ours");
        assert_eq!(body["fields"][0]["field"], field);
    }
    let other = scene.dana.enrolled().await;
    let again = world.signed_in(&other.email, PASSWORD).await;
    sign_out(&again, json!({"id_token_hint": hint})).await.problem(409, "another_session");
    assert!(scene.is_open(&token).await, "nobody was signed out");
    world.session(&again).await.expect(200);

    world.pass(10 * 60 - 1);
    let body = json!({
        "id_token_hint": hint, "post_logout_redirect_uri": GOODBYE, "state": "a b",
    });
    let answer = sign_out(&scene.cookie, body.clone()).await;
    assert_eq!(answer.cookie("__Host-latchkey-portal"), Some("__Host-latchkey-portal=".into()));
    assert_eq!(answer.expect(200), json!({"redirectTo": format!("{GOODBYE}?state=a+b")}));
    assert!(!scene.is_open(&token).await);
    world.session(&scene.cookie).await.problem(401, "signed_out");
    world.session(&again).await.expect(200);
    // Who is signed out already is sent on all the same.
    let gone = sign_out("", body.clone()).await.expect(200);
    assert_eq!(gone, json!({"redirectTo": format!("{GOODBYE}?state=a+b")}));
    for uri in
        [REDIRECT, "https://evil.example/", "https://rooms.example/bye/", "javascript:alert(1)"]
    {
        for by in [json!({"id_token_hint": hint}), json!({"client_id": scene.room.id})] {
            let mut body = by;
            body["post_logout_redirect_uri"] = json!(uri);
            assert_eq!(sign_out("", body).await.expect(200), json!({}));
        }
    }
    let unnamed = json!({"post_logout_redirect_uri": GOODBYE});
    assert_eq!(sign_out("", unnamed).await.expect(200), json!({}), "of no app");
    assert_eq!(sign_out(&again, json!({})).await.expect(200), json!({}));
    world.session(&again).await.problem(401, "signed_out");
}

#[tokio::test]
async fn whoever_signed_in_again_since_is_signed_out_of_both() {
    let scene = Scene::new().await;
    let world = &scene.world;
    let code = scene.code().await;
    let tokens = world.exchange(&scene.room, &code).await.expect(200);
    let token = text(&tokens["access_token"]);
    let again = world.signed_in(&scene.who.email, PASSWORD).await;
    let call = Call::new("POST", "/api/portal/sign-out")
        .json(&json!({"id_token_hint": tokens["id_token"]}));
    world.send(call.cookie(&again)).await.expect(200);
    assert!(!scene.is_open(&token).await);
    for cookie in [&again, &scene.cookie] {
        world.session(cookie).await.problem(401, "signed_out");
    }
}

#[tokio::test]
async fn signing_in_ends_the_session_that_the_browser_had() {
    let scene = Scene::new().await;
    let world = &scene.world;
    let other = scene.dana.enrolled().await;
    let mut had = scene.cookie.clone();
    for email in [&scene.who.email, &other.email] {
        let token = world.token(&had, &scene.room).await;
        let body = json!({"practice": "harbor", "username": email, "password": PASSWORD});
        let call = Call::new("POST", "/api/portal/sign-in").json(&body).cookie(&had);
        let answer = world.send(call).await;
        let cookie = answer.cookie("__Host-latchkey-portal").expect("a cookie");
        answer.expect(200);
        world.session(&had).await.problem(401, "signed_out");
        assert!(!scene.is_open(&token).await, "what an app had in it is over");
        world.session(&cookie).await.expect(200);
        had = cookie;
    }
    // A wrong password signs nobody out.
    let body = json!({"practice": "harbor", "username": other.email, "password": "wrong"});
    let call = Call::new("POST", "/api/portal/sign-in").json(&body).cookie(&had);
    world.send(call).await.problem(401, "sign_in_failed");
    world.session(&had).await.expect(200);
}

// ---- Traces and cost ----

#[tokio::test]
async fn the_history_of_a_chart_tells_once_a_session_which_app_was_opened() {
    let scene = Scene::new().await;
    let opened = async || {
        let events = scene.world.events().await.into_values();
        let events = events.map(|event| serde_json::from_str::<Value>(&event).expect("JSON"));
        events.filter(|event| event["action"] == "app-opened").collect::<Vec<_>>()
    };
    let token = scene.token().await;
    scene.code().await;
    for _ in 0..3 {
        assert!(scene.is_open(&token).await);
        scene.world.may_pass(&scene.cookie, &format!("app={}", scene.room.id)).await.expect(204);
    }
    scene.token().await;
    let events = opened().await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["clientId"], scene.who.client);
    assert_eq!(events[0]["portalUserId"], scene.who.user);
    assert_eq!(events[0]["actor"]["name"], "Pat Person");
    assert_eq!(events[0]["app"], json!({"appId": scene.room.id, "name": "Messages"}));
    let cookie = scene.world.signed_in(&scene.who.email, PASSWORD).await;
    scene.world.may_pass(&cookie, &format!("app={}", scene.room.id)).await.expect(204);
    assert_eq!(opened().await.len(), 2, "another session");
    let documents = scene.dana.register(&json!({"permission": null})).await;
    scene.world.token(&cookie, &documents).await;
    assert_eq!(opened().await.len(), 3, "another app");
    let history = format!("/api/clients/{}/history", scene.who.client);
    let history = scene.dana.get(&history).await.expect(200);
    let shown: Vec<_> = history["events"].as_array().expect("events").iter().collect();
    let shown = shown.iter().find(|event| event["action"] == "app-opened").expect("it");
    assert_eq!(shown["app"]["name"], "Messages");
}

/// The events of an action, with client, reason and app.
async fn events(world: &World, action: &str) -> Vec<(Value, Value, Value)> {
    let events = world.events().await.into_values();
    let events = events.map(|event| serde_json::from_str::<Value>(&event).expect("JSON"));
    let of = events.filter(|event| event["action"] == action);
    of.map(|e| (e["clientId"].clone(), e["reason"].clone(), e["app"]["appId"].clone())).collect()
}

#[tokio::test]
async fn a_chart_that_is_shown_later_tells_so_in_its_own_history() {
    let scene = Scene::with(&json!({"permission": null})).await;
    let (world, dana) = (&scene.world, &scene.dana);
    let other = dana.client("Amara", "Okafor", "1984-03-12").await;
    let body = json!({
        "name": {"first": "Pat", "last": "Person"}, "email": scene.who.email,
        "relationship": "parent", "permissions": ["documents"], "samePerson": true,
    });
    let second = dana.post(&format!("/api/clients/{other}/portal-users"), &body).await.expect(201);
    world.deliver().await;
    let token = world.post.newest(&scene.who.email).token();
    world.enroll(&token, "Okafor", "1984-03-12", PASSWORD).await.expect(201);
    let cookie = world.signed_in(&scene.who.email, PASSWORD).await;
    let opened = async || {
        let events = events(world, "app-opened").await.into_iter();
        events.map(|(client, ..)| text(&client)).collect::<Vec<_>>()
    };
    let get = async |scope: &str| {
        let answer = world.authorize(&cookie, &scene.room, &json!({"scope": scope})).await;
        let code = parameter(&text(&answer.expect(200)["redirectTo"]), "code").expect("a code");
        text(&world.exchange(&scene.room, &code).await.expect(200)["access_token"])
    };
    let first = get("openid messaging").await;
    assert_eq!(opened().await, *std::slice::from_ref(&scene.who.client));
    get("openid documents").await;
    assert_eq!(opened().await, [scene.who.client.clone(), other.clone()], "wider scopes");
    get("openid documents messaging").await;
    assert_eq!(opened().await.len(), 2, "once each");

    // A permission that is given while the session lives opens another chart to the token that is there.
    let third = world.signed_in(&scene.who.email, PASSWORD).await;
    let messages = dana.register(&json!({})).await;
    let token = world.token(&third, &messages).await;
    let before = opened().await.len();
    let user =
        Invited { client: other.clone(), user: text(&second["portalUserId"]), ..scene.who.clone() };
    let version = dana.user(&user).await["version"].clone();
    let edit = json!({"version": version, "permissions": ["documents", "messaging"]});
    dana.patch(&user.path(), &edit).await.expect(200);
    let info = world.userinfo(&token).await.expect(200);
    assert_eq!(info["charts"].as_array().map(Vec::len), Some(2));
    assert_eq!(opened().await.len(), before + 1);
    assert!(scene.is_open(&first).await);
}

#[tokio::test]
async fn what_is_refused_to_apps_stands_in_the_history_and_fills_it_not() {
    let scene = Scene::new().await;
    let (world, room) = (&scene.world, &scene.room);
    let token = scene.token().await;
    let wrong = Room { secret: "x".repeat(43), ..room.clone() };
    let nobody = Room { id: "harbor.01ARZ3NDEKTSV4RRFFQ69G5FAV".into(), ..wrong.clone() };
    for _ in 0..3 {
        for of in [&wrong, &nobody] {
            let fields = [("token", &*token)];
            for path in ["/api/oauth/introspect", "/api/oauth/revoke", "/api/oauth/token"] {
                world.ask_as(of, path, &fields).await.oauth(401, "invalid_client");
            }
        }
    }
    let refused = (Value::Null, json!("invalid_client"), json!(room.id));
    assert_eq!(events(world, "refused").await, *std::slice::from_ref(&refused));
    world.pass(15 * 60);
    let fields = [("token", "x")];
    world.ask_as(&wrong, "/api/oauth/introspect", &fields).await.oauth(401, "invalid_client");
    assert_eq!(events(world, "refused").await, [refused.clone(), refused]);

    let cookie = world.signed_in(&scene.who.email, PASSWORD).await;
    let billing = scene.dana.register(&json!({"permission": "billing"})).await;
    for _ in 0..3 {
        world.may_pass(&cookie, &format!("app={}", billing.id)).await.problem(403, "no_access");
    }
    let denied = (json!(scene.who.client), json!("no_access"), json!(billing.id));
    let told = events(world, "refused").await;
    assert_eq!((told.len(), told.iter().filter(|event| **event == denied).count()), (3, 1));

    let code = world.code(&cookie, room).await;
    world.exchange(room, &code).await.expect(200);
    assert!(events(world, "app-closed").await.is_empty());
    world.exchange(room, &code).await.oauth(400, "invalid_grant");
    let used = (json!(scene.who.client), json!("code_used"), json!(room.id));
    assert_eq!(events(world, "app-closed").await, *std::slice::from_ref(&used));
    let token = world.token(&cookie, room).await;
    for _ in 0..2 {
        world.ask_as(room, "/api/oauth/revoke", &[("token", &token)]).await.expect(200);
    }
    let given = (json!(scene.who.client), Value::Null, json!(room.id));
    assert_eq!(events(world, "app-closed").await, [used, given]);
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

#[tokio::test]
async fn when_an_app_was_last_used_is_noted_to_ten_minutes() {
    let scene = Scene::new().await;
    let last = async || {
        let path = format!("/api/apps/{}", scene.room.id);
        let app = scene.dana.get(&path).await.expect(200);
        (app["lastUsedAt"].clone(), app["version"].clone())
    };
    assert_eq!(last().await, (Value::Null, json!(1)));
    let token = scene.token().await;
    let (first, version) = last().await;
    assert!(first.is_string());
    assert_eq!(version, 1, "that is no edit");
    scene.world.pass(9 * 60);
    assert!(scene.is_open(&token).await);
    assert_eq!(last().await.0, first);
    scene.world.pass(60);
    assert!(scene.is_open(&token).await);
    assert_ne!(last().await.0, first);
}

#[tokio::test]
async fn a_question_of_an_app_is_one_round_trip() {
    let scene = Scene::new().await;
    let (world, room) = (&scene.world, &scene.room);
    let app = format!("app={}", room.id);
    let seen = async |what: &str, asks: &[&str]| {
        let mut seen = world.wire.seen();
        seen.sort();
        assert_eq!(seen, asks, "{what}");
        world.wire.forget();
    };
    world.wire.forget();
    let code = scene.code().await;
    // When the app was last used is noted beside the write.
    seen("a code", &["BatchGetItem", "TransactWriteItems", "UpdateItem"]).await;
    let tokens = world.exchange(room, &code).await.expect(200);
    seen("a token", &["BatchGetItem", "TransactWriteItems"]).await;
    let token = text(&tokens["access_token"]);
    for _ in 0..2 {
        world.introspect(room, &token).await;
        seen("introspection", &["BatchGetItem"]).await;
        world.userinfo(&token).await.expect(200);
        seen("userinfo", &["BatchGetItem"]).await;
        world.may_pass(&scene.cookie, &app).await.expect(204);
        seen("check", &["BatchGetItem"]).await;
    }
    world.ask_as(room, "/api/oauth/revoke", &[("token", &token)]).await.expect(200);
    seen("giving back", &["BatchGetItem", "TransactWriteItems"]).await;
    world.introspect(room, &token).await;
    seen("of a token that is over", &["BatchGetItem"]).await;
}

#[tokio::test]
async fn without_its_table_nothing_is_said_and_nothing_passes() {
    let scene = Scene::new().await;
    let (world, room) = (&scene.world, &scene.room);
    let (token, code) = (scene.token().await, scene.code().await);
    let app = format!("app={}", room.id);
    let down = || world.wire.break_after("BatchGetItem", 0, Fault::Error, 50);
    down();
    let answer = world.ask_as(room, "/api/oauth/introspect", &[("token", &token)]).await;
    assert!(answer.headers.contains_key("retry-after"));
    answer.oauth(503, "temporarily_unavailable");
    world.userinfo(&token).await.oauth(503, "temporarily_unavailable");
    world.exchange(room, &code).await.oauth(503, "temporarily_unavailable");
    world.may_pass(&scene.cookie, &app).await.problem(503, "unavailable");
    world.authorize(&scene.cookie, room, &json!({})).await.problem(503, "unavailable");
    world.wire.forget();
    world.exchange(room, &code).await.expect(200);
    assert!(scene.is_open(&token).await);
    world.may_pass(&scene.cookie, &app).await.expect(204);
}

// ---- At once ----

/// What shuts a token.
#[derive(Debug, Clone, Copy)]
enum Shut {
    Revoke,
    Delete,
    SignOut,
    SwitchOff,
}

/// What an app does meanwhile.
#[derive(Debug, Clone, Copy)]
enum Ask {
    Code,
    Token,
    Introspect,
    Check,
}

impl Scene {
    async fn shut(&self, by: Shut) -> Answer {
        match by {
            Shut::Revoke => self.dana.revoke(&self.who).await,
            Shut::Delete => self.dana.delete(&self.who, "confirm=delete").await,
            Shut::SignOut => {
                let call = Call::new("DELETE", "/api/portal/session");
                self.world.send(call.cookie(&self.cookie)).await
            }
            Shut::SwitchOff => {
                let path = format!("/api/apps/{}", self.room.id);
                self.dana.patch(&path, &json!({"version": 1, "enabled": false})).await
            }
        }
    }

    async fn ask(&self, what: Ask, code: &str, token: &str) -> Answer {
        match what {
            Ask::Code => self.world.authorize(&self.cookie, &self.room, &json!({})).await,
            Ask::Token => self.world.exchange(&self.room, code).await,
            Ask::Introspect => {
                let fields = [("token", token)];
                self.world.ask_as(&self.room, "/api/oauth/introspect", &fields).await
            }
            Ask::Check => self.world.may_pass(&self.cookie, &format!("app={}", self.room.id)).await,
        }
    }
}

/// Whether an answer lets anybody in.
fn lets_in(answer: &Answer) -> bool {
    let onward = answer.body["redirectTo"].as_str().unwrap_or_default();
    let open = answer.body["active"] != json!(false) && !onward.contains("error=");
    answer.status.is_success() && open
}

/// In every order in which the requests of both can reach the table: once the door is shut, no question
/// lets anybody in, and nothing that was got meanwhile is worth anything.
#[tokio::test]
async fn whatever_an_app_asks_while_the_door_shuts_is_worth_nothing_after() {
    const STEPS: u32 = 4;
    let scene = Scene::new().await;
    let world = &scene.world;
    let token = scene.token().await;
    // So that a question moves the idle end, which is written.
    world.pass(120);
    let code = scene.code().await;
    let before = world.snapshot().await;
    let (mut open, mut closed) = (0, 0);
    for shut in [Shut::Revoke, Shut::Delete, Shut::SignOut, Shut::SwitchOff] {
        for ask in [Ask::Code, Ask::Token, Ask::Introspect, Ask::Check] {
            for order in 0..2_u32.pow(STEPS) {
                let what = format!("{ask:?} while {shut:?}, order {order:04b}");
                world.wire.forget();
                world.wire.hold_marked();
                let mut operations = Operations::on(&world.wire);
                operations.add(scene.shut(shut));
                operations.add(scene.ask(ask, &code, &token));
                let (mut step, mut late) = (0, None);
                loop {
                    operations.settle().await;
                    let waiting = world.wire.look(|held| held.mark.expect("a mark"));
                    let Some(first) = waiting.first() else { break };
                    let wanted = usize::try_from(order >> step.min(STEPS) & 1).expect("small");
                    let at = waiting.iter().position(|mark| *mark == wanted).unwrap_or(0);
                    if waiting[at] == 1 || (waiting.len() == 1 && *first == 1) {
                        late.get_or_insert(operations.answer(0).is_some());
                    }
                    world.wire.take(at).expect("it waits").release();
                    step += 1;
                }
                world.wire.let_go();
                let done = operations.answer(0).expect("shut");
                assert!(done.status.is_success(), "{what}: {}", done.body);
                let asked = operations.answer(1).expect("an answer").clone();
                drop(operations);
                let let_in = lets_in(&asked);
                assert!(!(let_in && late == Some(true)), "{what}: {}", asked.body);
                if let_in {
                    open += 1;
                } else {
                    closed += 1;
                }
                let got = asked.body["access_token"].as_str().map(str::to_owned);
                let onward = asked.body["redirectTo"].as_str().unwrap_or("?");
                if let Some(code) = parameter(onward, "code") {
                    let answer = world.exchange(&scene.room, &code).await;
                    assert!(answer.status.is_client_error(), "{what}: {}", answer.body);
                }
                for token in got.iter().chain([&token]) {
                    let answer = scene.ask(Ask::Introspect, "", token).await;
                    assert!(!lets_in(&answer), "{what}: {}", answer.body);
                    assert_eq!(world.userinfo(token).await.status.as_u16(), 401, "{what}");
                }
                let answer = scene.ask(Ask::Check, "", "").await;
                assert!(!lets_in(&answer), "{what}: {}", answer.status);
                let now = world.snapshot().await;
                world.put_back(&now, &before).await;
            }
        }
    }
    assert!(open > 20 && closed > 20, "{open} {closed}: both happen");
}
