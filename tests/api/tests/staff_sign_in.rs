//! Staff sign in at an issuer: where they land, and whom the issuer must have asked just now.

use std::collections::HashMap;

use api_tests::{Answer, Call, JWKS, KEY, STAFF, World};
use axum::{
    Form, Json, Router,
    extract::State,
    routing::{get, post},
};
use http::header;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use latchkey_local::functions;
use proptest::prelude::*;
use serde_json::{Value, json};
use shared::{
    config::OidcConfig,
    fields::{Email, StaffName},
    history::Role,
    id::{PracticeId, StaffId},
    team::{NewMember, Team},
    web,
};

/// An issuer that signs what the code says: `nonce`, `~`, and the `auth_time` if there is one.
async fn issuer(now: i64) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let routes = Router::new()
        .route("/.well-known/openid-configuration", get(discovery))
        .route("/jwks", get(|| async { Json(serde_json::from_str::<Value>(JWKS).expect("keys")) }))
        .route("/token", post(token))
        .with_state((url.clone(), now));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    url
}

async fn discovery(State((url, _)): State<(String, i64)>) -> Json<Value> {
    Json(json!({
        "issuer": url, "authorization_endpoint": format!("{url}/authorize"),
        "token_endpoint": format!("{url}/token"), "jwks_uri": format!("{url}/jwks"),
        "response_types_supported": ["code"], "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
    }))
}

async fn token(
    State((url, now)): State<(String, i64)>,
    Form(form): Form<HashMap<String, String>>,
) -> Json<Value> {
    let (nonce, auth_time) = form["code"].split_once('~').expect("a code of ours");
    let mut claims = json!({
        "iss": url, "aud": "latchkey", "sub": "dana", "iat": now, "exp": now + 3600,
        "nonce": nonce, "email": "dana@harbor.example", "email_verified": true,
        "name": "Dana Whitfield",
    });
    if let Ok(time) = auth_time.parse::<i64>() {
        claims["auth_time"] = time.into();
    }
    let mut header = Header::new(Algorithm::ES256);
    header.kid = Some("test".into());
    let key = EncodingKey::from_ec_pem(KEY.as_bytes()).expect("a key");
    let token = jsonwebtoken::encode(&header, &claims, &key).expect("a token");
    Json(json!({"access_token": "none", "token_type": "Bearer", "id_token": token}))
}

/// A world whose staff sign in at such an issuer.
async fn world() -> World {
    let mut world = World::new().await;
    let issuer = staff_sign_in::Issuer::new(OidcConfig {
        issuer: issuer(world.now().seconds()).await,
        client_id: "latchkey".into(),
        client_secret: None,
    });
    let routes = functions::routes(issuer.expect("an issuer"));
    world.api = web::finish(routes, world.app.clone());
    add(&world, "harbor", "Dana", "dana@harbor.example", Role::Admin).await;
    world
}

/// Puts somebody on a practice's list; answers their id.
async fn add(world: &World, practice: &str, name: &str, email: &str, role: Role) -> StaffId {
    let practice = PracticeId::parse(practice).expect("a practice");
    let team = Team::load(world.app.store(), &practice).await.expect("a list");
    let name = StaffName::parse(name).expect("a name");
    let email = Email::parse(email).expect("an address");
    let mut change = world.app.store().change();
    let added = team.add(&world.app, &mut change, NewMember { name, email, role }).expect("added");
    world.app.store().write(change).await.expect("written");
    added.staff_id
}

/// A sign-in that has begun: its cookie, and what the issuer was asked.
struct Begun {
    cookie: String,
    asked: HashMap<String, String>,
}

async fn begin(world: &World, query: &str) -> Begun {
    let answer = world.send(Call::new("GET", &format!("/api/staff/sign-in{query}"))).await;
    assert_eq!(answer.status.as_u16(), 303, "{}", answer.body);
    let location = location(&answer);
    let (_, asked) = location.split_once('?').expect("a query");
    let asked = serde_urlencoded::from_str(asked).expect("a form");
    Begun { cookie: answer.cookie("__Host-latchkey-signin").expect("a cookie"), asked }
}

/// Comes back with a token that names this `auth_time`.
async fn come_back(world: &World, begun: &Begun, auth_time: &str) -> Answer {
    let (nonce, state) = (&begun.asked["nonce"], &begun.asked["state"]);
    let path = format!("/api/staff/callback?code={nonce}~{auth_time}&state={state}");
    world.send(Call::new("GET", &path).cookie(&begun.cookie)).await
}

fn location(answer: &Answer) -> String {
    answer.headers[header::LOCATION].to_str().expect("text").to_owned()
}

#[tokio::test]
async fn the_issuer_is_asked_to_authenticate_anew_and_must_say_that_it_did() {
    let world = world().await;
    let now = world.now().seconds();
    let begun = begin(&world, "?returnTo=/clients").await;
    assert_eq!((begun.asked["prompt"].as_str(), begun.asked["max_age"].as_str()), ("login", "0"));
    // A minute is forgiven, for clocks differ.
    for fresh in [now, now - 60, now + 60] {
        let answer = come_back(&world, &begun, &fresh.to_string()).await;
        assert_eq!(location(&answer), "/clients", "{}", fresh - now);
        assert!(answer.cookie("__Host-latchkey-staff").is_some_and(|c| !c.ends_with('=')));
    }
    for stale in [now - 61, now - 3600, now + 61, 0] {
        let answer = come_back(&world, &begun, &stale.to_string()).await;
        assert_eq!(location(&answer), "/sign-in?problem=refused", "{}", stale - now);
        assert_eq!(answer.cookie("__Host-latchkey-staff"), None);
    }
    let silent = come_back(&world, &begun, "").await;
    assert_eq!(location(&silent), "/sign-in?problem=refused");
}

#[tokio::test]
async fn a_person_may_take_their_time_at_the_issuer() {
    let world = world().await;
    let start = world.now().seconds();
    let begun = begin(&world, "").await;
    // Typed the password at once, and set up the second factor for 29 minutes.
    world.pass(29 * 60);
    assert_eq!(location(&come_back(&world, &begun, &(start + 5).to_string()).await), "/");
    world.pass(61);
    let late = come_back(&world, &begun, &(start + 1800).to_string()).await;
    assert_eq!(location(&late), "/sign-in?problem=expired");
}

#[tokio::test]
async fn a_page_of_our_own_is_returned_to() {
    let world = world().await;
    for path in
        ["/", "/clients", "/clients/", "/clients/01J/history?from=2026-01-01&x=%C3%A9", "/?a"]
    {
        let query = serde_urlencoded::to_string([("returnTo", path)]).expect("a query");
        let begun = begin(&world, &format!("?{query}")).await;
        let answer = come_back(&world, &begun, &world.now().seconds().to_string()).await;
        assert_eq!(location(&answer), path);
    }
}

#[tokio::test]
async fn no_address_but_a_plain_path_of_our_own_is_returned_to() {
    let world = world().await;
    for wrong in [
        "",
        "x",
        "//x",
        "///x",
        "/\\x",
        "\\\\x",
        "/.//x",
        "/./x",
        "/..//x",
        "/../x",
        "/.",
        "/..",
        "/a/..//x",
        "/a//x",
        "/a/.//x",
        "/%2f/x",
        "/%2Fx",
        "/%5cx",
        "/%2e//x",
        "/%2e%2e//x",
        "/%252f/x",
        "/%09/x",
        "/\t/x",
        "/\n/x",
        "/ /x",
        "/@x",
        "/:x",
        "//x@y",
        "https://x",
        "https:/x",
        "javascript:alert(1)",
        "/x#//y",
        "/?#",
        "/é",
        "/\u{2044}x",
        "?x",
        "/a\\..\\x",
        "\u{0}/x",
        "/clients//",
    ] {
        let query = serde_urlencoded::to_string([("returnTo", wrong)]).expect("a query");
        let answer = world.send(Call::new("GET", &format!("/api/staff/sign-in?{query}"))).await;
        let problem = answer.problem(400, "invalid");
        assert_eq!(problem["fields"][0]["field"], "returnTo", "{wrong:?}");
    }
}

/// Where a browser at the callback goes, by the WHATWG's rules for addresses.
fn goes_to(location: &str) -> url::Url {
    let at = url::Url::parse(&format!("{STAFF}/api/staff/callback")).expect("an address");
    at.join(location).expect("an address")
}

#[test]
fn whatever_is_asked_for_nobody_leaves_our_site() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let world = runtime.block_on(world());
    let site = url::Url::parse(STAFF).expect("an address").origin();
    let pieces = prop::sample::select(vec![
        "/",
        "//",
        "\\",
        ".",
        "..",
        "%2f",
        "%2F",
        "%5c",
        "%2e",
        "%",
        "25",
        ":",
        "@",
        "?",
        "#",
        "&",
        "=",
        "x",
        "evil.example",
        "https:",
        "javascript:",
        "\t",
        "\n",
        "\u{0}",
        " ",
        "é",
        "~",
        "clients",
    ]);
    let texts =
        prop::collection::vec(pieces, 0..8).prop_map(|pieces| format!("/{}", pieces.concat()));
    let mut runner = proptest::test_runner::TestRunner::default();
    let taken = std::cell::Cell::new(0);
    let ran = runner.run(&texts, |text| {
        let query = serde_urlencoded::to_string([("returnTo", &text)]).expect("a query");
        let call = Call::new("GET", &format!("/api/staff/sign-in?{query}"));
        let answer = runtime.block_on(world.send(call));
        if answer.status.as_u16() == 400 {
            return Ok(());
        }
        taken.set(taken.get() + 1);
        let begun = runtime.block_on(begin(&world, &format!("?{query}")));
        let now = world.now().seconds().to_string();
        let to = location(&runtime.block_on(come_back(&world, &begun, &now)));
        let url = goes_to(&to);
        prop_assert_eq!(url.origin(), site.clone());
        prop_assert!(!url.path().contains("//"), "{} is read otherwise by a router", to);
        // Nothing is resolved, decoded or dropped on the way.
        prop_assert_eq!(url.as_str(), format!("{STAFF}{to}"));
        Ok(())
    });
    ran.expect("nobody leaves");
    assert!(taken.get() > 0, "some are paths of ours");
}
