use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreProviderMetadata};
use openidconnect::{
    AuthorizationCode, ClientId, CsrfToken, IssuerUrl, Nonce, PkceCodeChallenge, RedirectUrl,
    Scope, TokenResponse, reqwest,
};

use super::*;
use crate::state::TestFolder;

const REDIRECT: &str = "http://localhost:8600/api/staff/callback";

fn person(name: &str, email: &str, practice: &str, role: &str) -> Person {
    Person {
        name: name.into(),
        email: Email::parse(email).unwrap(),
        practice: PracticeId::parse(practice).unwrap(),
        role: role.into(),
    }
}

/// Who is on the lists: Dana and Casey.
fn lists() -> Vec<Person> {
    vec![
        person("Dana <Whitfield>", "Dana@harbor.example", "harbor", "admin"),
        person("Casey Brandt", "casey@cove.example", "cove", "admin"),
    ]
}

/// A served issuer, and an HTTP client that follows no redirects.
async fn serve() -> (TestFolder, Issuer, reqwest::Client) {
    let folder = TestFolder::new();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let state = StateDir::open(&folder.0).unwrap();
    let issuer = Issuer::open(&state, &origin, REDIRECT).unwrap();
    let people: People = Arc::new(|| Box::pin(async { Ok(lists()) }));
    let routes = issuer.routes(people);
    tokio::spawn(async move { axum::serve(listener, routes).await });
    let http =
        reqwest::ClientBuilder::new().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    (folder, issuer, http)
}

async fn location(http: &reqwest::Client, url: &str) -> HashMap<String, String> {
    let answer = http.get(url).send().await.unwrap();
    let location = answer.headers()["location"].to_str().unwrap().to_owned();
    assert!(location.starts_with(REDIRECT), "{location}");
    Url::parse(&location).unwrap().query_pairs().into_owned().collect()
}

#[tokio::test]
async fn the_openidconnect_crate_signs_dana_in() {
    let (_folder, issuer, http) = serve().await;
    let url = IssuerUrl::new(issuer.url().to_owned()).unwrap();
    let metadata = CoreProviderMetadata::discover_async(url, &http).await.unwrap();
    let client =
        CoreClient::from_provider_metadata(metadata, ClientId::new(CLIENT_ID.into()), None)
            .set_redirect_uri(RedirectUrl::new(REDIRECT.into()).unwrap());
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (url, csrf, nonce) = client
        .authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            CsrfToken::new_random,
            Nonce::new_random,
        )
        .add_scope(Scope::new("email".into()))
        .set_pkce_challenge(challenge)
        .url();

    // Without a hint: a page with a link for everybody, and no form.
    let chooser = http.get(url.as_str()).send().await.unwrap().text().await.unwrap();
    for said in ["Dana &lt;Whitfield&gt;", "Casey Brandt", "cove, admin"] {
        assert!(chooser.contains(said), "{chooser}");
    }
    assert!(!chooser.contains("<form"));
    let link = chooser.split('"').find(|part| part.contains("Dana%40harbor.example")).unwrap();
    let link = format!("{}{}", issuer.url().trim_end_matches(PATH), link.replace("&amp;", "&"));

    let answer = location(&http, &link).await;
    assert_eq!(&answer["state"], csrf.secret());
    let tokens = client
        .exchange_code(AuthorizationCode::new(answer["code"].clone()))
        .unwrap()
        .set_pkce_verifier(verifier)
        .request_async(&http)
        .await
        .unwrap();
    let claims = tokens.id_token().unwrap().claims(&client.id_token_verifier(), &nonce).unwrap();
    assert_eq!(claims.email().unwrap().as_str(), "Dana@harbor.example");
    assert_eq!(claims.email_verified(), Some(true));
    assert_eq!(claims.name().unwrap().get(None).unwrap().as_str(), "Dana <Whitfield>");
}

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn authorize_url(issuer: &Issuer, changes: &[(&str, Option<&str>)]) -> String {
    let mut query = HashMap::from([
        ("response_type", "code"),
        ("client_id", CLIENT_ID),
        ("redirect_uri", REDIRECT),
        ("scope", "openid email"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("state", "s"),
        ("login_hint", "Casey@cove.example"),
    ]);
    for (name, value) in changes {
        match value {
            Some(value) => query.insert(name, value),
            None => query.remove(name),
        };
    }
    Url::parse_with_params(&format!("{}/authorize", issuer.url()), query).unwrap().to_string()
}

#[tokio::test]
async fn requests_without_pkce_are_refused_and_strangers_go_nowhere() {
    let (_folder, issuer, http) = serve().await;
    for (changes, error) in [
        (("code_challenge", None), "invalid_request"),
        (("code_challenge_method", Some("plain")), "invalid_request"),
        (("response_type", Some("token")), "unsupported_response_type"),
        (("scope", Some("email")), "invalid_scope"),
        (("cancel", Some("true")), "access_denied"),
    ] {
        let answer = location(&http, &authorize_url(&issuer, &[changes])).await;
        assert_eq!(answer["error"], error);
        assert_eq!(answer["state"], "s");
    }
    for change in [("redirect_uri", Some("http://evil.example/")), ("client_id", Some("other"))] {
        let answer = http.get(authorize_url(&issuer, &[change])).send().await.unwrap();
        assert_eq!(answer.status(), 400);
        assert!(answer.headers().get("location").is_none());
    }
}

#[tokio::test]
async fn a_code_works_once_and_only_with_its_verifier() {
    let (_folder, issuer, http) = serve().await;
    let code = || async { location(&http, &authorize_url(&issuer, &[])).await["code"].clone() };
    let form = |code: &str, verifier: &str| {
        HashMap::from(
            [
                ("grant_type", "authorization_code"),
                ("client_id", CLIENT_ID),
                ("redirect_uri", REDIRECT),
                ("code", code),
                ("code_verifier", verifier),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
        )
    };
    let good = code().await;
    assert!(issuer.exchange(&form(&good, VERIFIER)).is_ok());
    assert_eq!(issuer.exchange(&form(&good, VERIFIER)), Err("invalid_grant"));

    let stolen = code().await;
    assert_eq!(issuer.exchange(&form(&stolen, "guessed")), Err("invalid_grant"));
    assert_eq!(issuer.exchange(&form(&stolen, VERIFIER)), Err("invalid_grant"));

    let mut without_client = form(&code().await, VERIFIER);
    without_client.insert("client_id".into(), "other".into());
    assert_eq!(issuer.exchange(&without_client), Err("invalid_client"));
}

#[test]
fn a_person_of_two_lists_is_one_at_the_issuer() {
    let one = person("Kim", "kim@billing.example", "harbor", "staff");
    let other = person("K. Lee", "KIM@Billing.example", "cove", "admin");
    assert_eq!(one.subject(), other.subject());
    assert_ne!(one.subject(), lists()[0].subject());
}
