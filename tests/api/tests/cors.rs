//! Apps that are pages in the browser ask from origins of their own: what they need is open to them, and
//! nothing else.

use api_tests::{Answer, Call, PASSWORD, World, apps::form, people::text, routes::operations};
use serde_json::json;

const PAGE: &str = "https://page.example";
/// What pages of other sites may ask.
pub(crate) const OPEN: [&str; 5] = [
    "/.well-known/openid-configuration",
    "/api/oauth/revoke",
    "/api/oauth/token",
    "/api/oauth/userinfo",
    "/api/portal/jwks.json",
];

/// As a browser sends it for a page of another site.
fn of_page(call: Call) -> Call {
    call.header("origin", PAGE).header("sec-fetch-site", "cross-site")
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.headers.get(name).map(|value| value.to_str().expect("text"))
}

#[track_caller]
fn assert_open(answer: &Answer, what: &str) {
    assert_eq!(header(answer, "access-control-allow-origin"), Some("*"), "{what}");
    assert_eq!(header(answer, "access-control-allow-credentials"), None, "{what}");
}

#[tokio::test]
async fn a_browser_that_asks_first_is_told_what_an_app_may_send() {
    let world = World::new().await;
    for path in OPEN {
        let ask = of_page(Call::new("OPTIONS", path))
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization,latchkey-activity");
        let answer = world.send(ask).await;
        assert_open(&answer, path);
        assert_eq!(answer.status.as_u16(), 204, "{path}");
        assert_eq!(header(&answer, "access-control-allow-methods"), Some("GET, POST"));
        let allowed = header(&answer, "access-control-allow-headers").expect("headers");
        assert_eq!(allowed, "authorization, content-type, latchkey-activity");
    }
}

#[tokio::test]
async fn a_page_of_another_site_can_read_no_other_answer() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = dana.enrolled().await;
    let cookie = world.signed_in(&who.email, PASSWORD).await;
    let mut tried = 0;
    for operation in operations() {
        if OPEN.contains(&&*operation.path) {
            continue;
        }
        let path = operation.path_of(&who.client, &who.user);
        for method in [&*operation.method, "OPTIONS"] {
            for cookie in ["", &*dana.cookie, &cookie] {
                let call = of_page(Call::new(method, &path));
                let call = if cookie.is_empty() { call } else { call.cookie(cookie) };
                let answer = world.send(call).await;
                let named = answer.headers.keys().map(http::HeaderName::as_str);
                let named: Vec<_> =
                    named.filter(|name| name.starts_with("access-control-")).collect();
                assert!(named.is_empty(), "{method} {path}: {named:?}");
                tried += 1;
            }
        }
    }
    assert!(tried > 200, "{tried}");
}

#[tokio::test]
async fn an_app_in_the_browser_does_all_that_it_needs_from_its_own_origin() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = dana.enrolled().await;
    let cookie = world.signed_in(&who.email, PASSWORD).await;
    let room = dana.register(&json!({"authentication": "none"})).await;
    let code = world.code(&cookie, &room).await;
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", &*room.id),
        ("code", &*code),
        ("code_verifier", api_tests::apps::VERIFIER),
    ];
    let exchange = || of_page(form("/api/oauth/token", &fields));
    let answer = world.send(exchange()).await;
    assert_open(&answer, "token");
    let token = text(&answer.expect(200)["access_token"]);
    let ask = || {
        let call = of_page(Call::new("GET", "/api/oauth/userinfo"));
        call.header("authorization", &format!("Bearer {token}"))
    };
    let answer = world.send(ask()).await;
    assert_open(&answer, "userinfo");
    answer.expect(200);
    // So is what went wrong: a page has to know.
    let answer = world.send(exchange()).await;
    assert_open(&answer, "a code that was used");
    answer.oauth(400, "invalid_grant");
    let answer = world.send(ask()).await;
    assert_open(&answer, "a token that has ended");
    answer.oauth(401, "invalid_token");
    let give_back = [("token", &*token), ("client_id", &*room.id)];
    let answer = world.send(of_page(form("/api/oauth/revoke", &give_back))).await;
    assert_open(&answer, "revoke");
    answer.expect(200);
    // No cookie counts there, should a browser send one.
    let with_cookie = of_page(Call::new("GET", "/api/oauth/userinfo")).cookie(&cookie);
    world.send(with_cookie).await.oauth(401, "invalid_token");
}
