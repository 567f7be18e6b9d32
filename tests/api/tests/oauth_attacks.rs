//! The attacks of RFC 9700 (Best Current Practice for OAuth 2.0 Security), one test each, which names the
//! section.
//!
//! Left out:
//! - 4.12, 307 redirects: the page goes on by itself, with GET.
//! - 4.13, proxies in front: both homes replace what a caller says of its address, outside of this API.
//! - 4.14, refresh tokens: there are none.
//! - 4.17, messages between windows: the pages send none to other sites.
//!
//! Access tokens are not bound to their sender (4.10.1): they are for one app, and end with the session
//! (`oauth.rs`).

use api_tests::{
    Call, PORTAL,
    apps::{REDIRECT, Room, Scene, VERIFIER, challenge, claims, form, parameter, registration},
    people::text,
};
use serde_json::{Value, json};

/// The headers of the pages, `/authorize` among them, in both homes.
const PAGES: &str = include_str!("../../../infra/headers.json");

/// An address that is registered beside the usual one.
const NUMBERED: &str = "https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/in";

/// A header of the pages.
fn of_pages(name: &str) -> String {
    let headers: Value = serde_json::from_str(PAGES).expect("JSON");
    text(&headers[name])
}

/// Demands that nobody is sent to any of these addresses, whatever else is asked, signed in or not.
async fn lead_nowhere(uris: &[&str]) {
    let scene = Scene::with(&json!({"redirectUris": [REDIRECT, NUMBERED]})).await;
    for uri in [REDIRECT, NUMBERED] {
        let back = scene.told(&json!({"redirect_uri": uri})).await;
        assert!(back.starts_with(uri), "{back}");
    }
    for uri in uris {
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
}

/// Demands that no app can be registered with any of these addresses.
async fn cannot_be_registered(uris: &[&str]) {
    let scene = Scene::new().await;
    for uri in uris {
        let app = registration(&json!({"redirectUris": [uri]}));
        let body = scene.dana.post("/api/apps", &app).await.expect(422);
        assert_eq!(body["fields"][0]["field"], "redirectUris[0]", "{uri}");
    }
}

// ---- Where the browser is sent ----

/// Open redirection: 4.11.2.
#[tokio::test]
async fn an_open_redirect_leads_nobody_away() {
    lead_nowhere(&[
        "https://evil.example/in",
        "https://rooms.example.evil.example/in",
        "https://rooms.example@evil.example/in",
        "https://rooms.example\\@evil.example/in",
        "https://user@rooms.example/in",
        "http://rooms.example/in",
        "//rooms.example/in",
        "https:/rooms.example/in",
        "/in",
        " https://rooms.example/in",
        "https://rooms.example/in ",
        "https://rooms.example/in%00",
    ])
    .await;
}

/// Insufficient validation of redirect addresses: 4.1.
#[tokio::test]
async fn a_wildcard_or_a_sub_path_is_no_registered_address() {
    lead_nowhere(&[
        "*",
        "https://*.example/in",
        "https://rooms.example/*",
        "https://rooms.example/",
        "https://rooms.example/in/",
        "https://rooms.example/in/more",
        "https://rooms.example/x/../in",
        "https://rooms.example/IN",
        "https://rooms.example/in?x=1",
        "https://rooms.example/in#x",
    ])
    .await;
    cannot_be_registered(&["*", "https://*.example/in", "https://rooms.example/in#x"]).await;
}

/// Insufficient validation of redirect addresses: 4.1.
#[tokio::test]
async fn ipv6_and_port_games_lead_to_no_other_address() {
    lead_nowhere(&[
        "https://rooms.example:443/in",
        "https://rooms.example:8443/in",
        "https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]:444/in",
        "https://[2606:2800:021f:cb07:6820:80da:af6b:8b2c]/in",
        "https://[2606:2800:21F:CB07:6820:80DA:AF6B:8B2C]/in",
    ])
    .await;
    cannot_be_registered(&[
        "https://[fd00::1]/in",
        "https://[::ffff:10.0.0.1]/in",
        "https://[fe80::1%25eth0]/in",
        "https://rooms.example:0x1bb/in",
        "https://rooms.example:65536/in",
    ])
    .await;
}

/// Insufficient validation of redirect addresses: 4.1. Apps on telephones claim https addresses (RFC 8252,
/// section 7.2).
#[tokio::test]
async fn javascript_and_native_schemes_lead_nowhere() {
    let schemes = [
        "javascript:alert(1)",
        "JavaScript://rooms.example/%0aalert(1)",
        "data:text/html,x",
        "com.example.rooms:/in",
        "rooms://in",
        "file:///in",
    ];
    lead_nowhere(&schemes).await;
    cannot_be_registered(&schemes).await;
}

/// Open redirection: 4.11.2.
#[tokio::test]
async fn nobody_is_sent_anywhere_for_an_app_that_is_unknown_or_a_request_that_names_no_address() {
    let scene = Scene::new().await;
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

/// Mix-up: 4.4.2.1, RFC 9207. An app that talks to several issuers sees by `iss` whose answer it got.
#[tokio::test]
async fn a_mix_up_shows_in_the_issuer_of_every_answer() {
    let scene = Scene::new().await;
    let call = Call::new("GET", "/.well-known/openid-configuration");
    let told = scene.world.send(call).await.expect(200);
    assert_eq!(told["authorization_response_iss_parameter_supported"], true);
    for changes in [
        json!({}),
        json!({"iss": "https://evil.example"}),
        json!({"response_type": "token"}),
        json!({"scope": "profile"}),
        json!({"prompt": "none", "max_age": "0", "id_token_hint": "x.y.z"}),
    ] {
        let back = scene.told(&changes).await;
        assert_eq!(parameter(&back, "iss").as_deref(), told["issuer"].as_str(), "{back}");
        assert_eq!(back.matches("iss=").count(), 1, "{back}");
    }
    let id_token = text(&scene.tokens(&json!({})).await["id_token"]);
    assert_eq!(claims(&id_token)["iss"], told["issuer"]);
}

// ---- Codes and tokens ----

/// Authorization code injection: 4.5.
#[tokio::test]
async fn an_injected_code_is_only_for_the_app_the_place_and_the_proof_it_was_made_for() {
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

/// Code replay: 4.5; RFC 6749, section 4.1.2.
#[tokio::test]
async fn a_replayed_code_gets_nothing_and_ends_what_its_first_use_got() {
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

/// One kind of token injected for another: 4.6.
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

/// Access token injection, and a stolen token at another place: 4.6, 4.9, 4.10.2.
#[tokio::test]
async fn a_token_injected_into_another_app_or_route_opens_nothing() {
    let scene = Scene::new().await;
    let token = scene.token().await;
    let other = scene.dana.register(&json!({"name": "Documents"})).await;
    assert_eq!(scene.world.introspect(&other, &token).await, json!({"active": false}));
    let chart = format!("/api/clients/{}", scene.who.client);
    for path in [&*chart, "/api/apps", "/api/portal/session", "/api/portal/apps"] {
        let call = Call::new("GET", path).header("authorization", &format!("Bearer {token}"));
        scene.world.send(call).await.problem(401, "signed_out");
    }
    assert!(scene.is_open(&token).await);
}

/// Cross-site request forgery: 4.7. The answer carries what ties it to the request of this browser.
#[tokio::test]
async fn csrf_on_the_callback_brings_in_nobody() {
    let scene = Scene::new().await;
    let state = "a+b/c=d&e%20f\u{e9} #?";
    for changes in [json!({}), json!({"response_type": "token"})] {
        let mut changes = changes;
        changes["state"] = json!(state);
        let back = scene.told(&changes).await;
        assert_eq!(parameter(&back, "state").as_deref(), Some(state), "{back}");
    }
    // A code of an attacker's own request, in another browser: that one has another verifier and nonce.
    let theirs = "another verifier of another browser".replace(' ', "-") + "-0123456789";
    let attack = json!({"code_challenge": challenge(&theirs), "nonce": "theirs"});
    let code = parameter(&scene.told(&attack).await, "code").expect("a code");
    scene.world.exchange(&scene.room, &code).await.oauth(400, "invalid_grant");
    let fields =
        [("grant_type", "authorization_code"), ("code", &code), ("code_verifier", &theirs)];
    let tokens = scene.world.ask_as(&scene.room, "/api/oauth/token", &fields).await.expect(200);
    assert_eq!(claims(&text(&tokens["id_token"]))["nonce"], "theirs");
    // And no page of another site asks for a code in the person's name.
    let ask = json!({
        "client_id": scene.room.id, "redirect_uri": REDIRECT, "response_type": "code",
        "scope": "openid messaging", "code_challenge": challenge(VERIFIER),
        "code_challenge_method": "S256",
    });
    let call = Call::new("POST", "/api/portal/authorization").json(&ask).cookie(&scene.cookie);
    for (header, value) in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")] {
        let answer = scene.world.send(call.clone().header(header, value)).await;
        answer.problem(403, "cross_site");
    }
    scene.world.send(call).await.expect(200);
}

/// PKCE downgrade: 4.8.
#[tokio::test]
async fn a_pkce_downgrade_is_refused() {
    let call = Call::new("GET", "/.well-known/openid-configuration");
    for registered in [json!({}), json!({"authentication": "none"})] {
        let scene = Scene::with(&registered).await;
        let told = scene.world.send(call.clone()).await.expect(200);
        assert_eq!(told["code_challenge_methods_supported"], json!(["S256"]));
        for changes in [
            json!({"code_challenge": null, "code_challenge_method": null}),
            json!({"code_challenge": null}),
            json!({"code_challenge": ""}),
            json!({"code_challenge_method": null}),
            json!({"code_challenge": VERIFIER, "code_challenge_method": "plain"}),
        ] {
            let back = scene.told(&changes).await;
            assert_eq!(parameter(&back, "error").as_deref(), Some("invalid_request"), "{changes}");
            assert!(parameter(&back, "code").is_none());
        }
        let code = scene.code().await;
        let exchange = async |verifier: Option<&str>| {
            let fields = [("grant_type", "authorization_code"), ("code", &*code)].into_iter();
            let verifier = verifier.map(|verifier| ("code_verifier", verifier));
            let fields: Vec<_> = fields.chain(verifier).collect();
            scene.world.ask_as(&scene.room, "/api/oauth/token", &fields).await
        };
        for verifier in [None, Some(""), Some(&*challenge(VERIFIER))] {
            exchange(verifier).await.oauth(400, "invalid_grant");
        }
        exchange(Some(VERIFIER)).await.expect(200);
    }
}

/// Leakage by the `Referer` header and by the browser history: 4.2, 4.3.
#[tokio::test]
async fn no_token_leaks_in_an_address_or_the_referer() {
    let scene = Scene::new().await;
    let token = scene.token().await;
    let back = scene.told(&json!({})).await;
    let query = back.split_once('?').expect("a query").1;
    let told = form_urlencoded::parse(query.as_bytes());
    let told: Vec<_> = told.map(|(name, _)| name.into_owned()).collect();
    assert_eq!(told, ["code", "state", "iss"], "nothing else goes through the browser");
    assert!(!back.contains('#'));
    assert_eq!(of_pages("referrer-policy"), "no-referrer");
    let fields = [("token", &*token)];
    let answer = scene.world.ask_as(&scene.room, "/api/oauth/introspect", &fields).await;
    assert_eq!(answer.headers["referrer-policy"], "no-referrer");
    assert_eq!(answer.headers["cache-control"], "no-store");
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

/// Clickjacking: 4.16. The page is in no frame, and neither is any answer to it.
#[tokio::test]
async fn clickjacking_of_the_authorize_page_has_no_frame() {
    let policy = of_pages("content-security-policy");
    assert!(policy.split("; ").any(|part| part == "frame-ancestors 'none'"), "{policy}");
    let scene = Scene::new().await;
    for cookie in ["", &scene.cookie] {
        let answer = scene.world.authorize(cookie, &scene.room, &json!({})).await;
        let policy = &answer.headers["content-security-policy"];
        assert_eq!(policy, "default-src 'none'; frame-ancestors 'none'");
    }
}

// ---- Who asks ----

/// Client impersonation: 2.5.
#[tokio::test]
async fn an_impersonated_app_learns_nothing() {
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

/// Client assertions: 2.5; RFC 7523, section 3.
#[tokio::test]
async fn jwt_assertions_replayed_forged_or_for_another_audience_prove_nothing() {
    let scene = Scene::with_key().await;
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

/// A client that passes for a person: 4.15.
#[tokio::test]
async fn a_client_impersonating_a_person_is_told_apart() {
    let scene = Scene::new().await;
    let (world, dana) = (&scene.world, &scene.dana);
    let system = json!({
        "kind": "system", "permission": null, "launchUrl": null, "redirectUris": null,
        "postLogoutRedirectUris": null, "scopes": ["clients"],
    });
    let system = dana.register(&system).await;
    let fields = [("grant_type", "client_credentials")];
    let tokens = world.ask_as(&system, "/api/oauth/token", &fields).await.expect(200);
    assert!(tokens.get("id_token").is_none());
    let token = text(&tokens["access_token"]);
    world.userinfo(&token).await.oauth(401, "invalid_token");
    for room in [&system, &scene.room] {
        assert_eq!(world.introspect(room, &token).await, json!({"active": false}));
    }
    // Nobody chooses an id: the one of a person and the one of an app have no spelling in common.
    let person = world.introspect(&scene.room, &scene.token().await).await["sub"].clone();
    assert!(!text(&person).contains('.') && system.id.starts_with("harbor."), "{person}");
    // An app that people open has no credentials of its own.
    let answer = world.ask_as(&scene.room, "/api/oauth/token", &fields).await;
    answer.oauth(400, "unauthorized_client");
}
