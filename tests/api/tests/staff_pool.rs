//! Staff of a deployment with our own Cognito pool: who is on a list can sign in there, who is on none
//! cannot, and what fails is mended by doing it again.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use api_tests::{
    Call, World,
    people::{Staff, text},
};
use axum::{Json, Router, extract::State, http::HeaderMap, response::IntoResponse, routing::post};
use http::StatusCode;
use serde_json::{Value, json};
use shared::{App, config::PoolConfig, history::Role, web};
use staff::Pool;

/// A pool that keeps what it was asked, and answers what it is told to.
#[derive(Clone, Default)]
struct Cognito(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    asked: Vec<(String, Value)>,
    /// The refusal of an operation, by its name.
    refuses: BTreeMap<&'static str, &'static str>,
    status: &'static str,
}

async fn answer(
    State(pool): State<Cognito>,
    headers: HeaderMap,
    body: String,
) -> impl IntoResponse {
    let target = headers["x-amz-target"].to_str().expect("text");
    let (service, operation) = target.split_once('.').expect("an operation");
    assert_eq!(service, "AWSCognitoIdentityProviderService");
    let signed = headers["authorization"].to_str().expect("text");
    assert!(signed.starts_with("AWS4-HMAC-SHA256 Credential=id/"), "{signed}");
    assert!(signed.contains("/us-east-1/cognito-idp/aws4_request"), "{signed}");
    let mut kept = pool.0.lock().expect("a lock");
    kept.asked.push((operation.to_owned(), serde_json::from_str(&body).expect("JSON")));
    match kept.refuses.get(operation) {
        Some(code) => (StatusCode::BAD_REQUEST, Json(json!({"__type": code}))),
        None => (StatusCode::OK, Json(json!({"UserStatus": kept.status}))),
    }
}

impl Cognito {
    /// The operations since the last time, each with the name in the pool.
    fn asked(&self) -> Vec<(String, String)> {
        let asked = std::mem::take(&mut self.0.lock().expect("a lock").asked);
        asked.into_iter().map(|(operation, body)| (operation, text(&body["Username"]))).collect()
    }

    fn refuse(&self, operation: &'static str, code: &'static str) {
        self.0.lock().expect("a lock").refuses.insert(operation, code);
    }

    fn go_on(&self, status: &'static str) {
        let mut kept = self.0.lock().expect("a lock");
        kept.refuses.clear();
        kept.status = status;
    }
}

/// A world whose staff sign in at such a pool, and an admin of harbor.
async fn world() -> (World, Cognito, Staff) {
    let cognito = Cognito::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
    let routes = Router::new().route("/", post(answer)).with_state(cognito.clone());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    let config = PoolConfig {
        pool: "us-east-1_pool".into(),
        region: "us-east-1".into(),
        endpoint,
        credentials: aws_credential_types::Credentials::new("id", "secret", None, None, "tests"),
    };
    let mut world = World::new().await;
    let routes: Router<App> = staff::routes(Pool::of(config).expect("a client"));
    world.api = web::finish(routes, world.app.clone());
    let dana = world.dana().await;
    (world, cognito, dana)
}

fn sam() -> Value {
    json!({"name": "Sam", "email": "Sam@harbor.example", "role": "staff"})
}

fn asked(of: &[(&str, &str)]) -> Vec<(String, String)> {
    of.iter().map(|(operation, who)| ((*operation).to_owned(), (*who).to_owned())).collect()
}

const SAM: &str = "sam@harbor.example";

#[tokio::test]
async fn a_person_is_made_in_the_pool_and_disabled_when_no_list_has_them() {
    let (world, cognito, dana) = world().await;
    let made = dana.post("/api/staff", &sam()).await.expect(201);
    let body = cognito.0.lock().expect("a lock").asked[0].1.clone();
    assert_eq!(body["UserPoolId"], "us-east-1_pool");
    let attributes = body["UserAttributes"].as_array().expect("a list");
    assert!(attributes.contains(&json!({"Name": "email_verified", "Value": "true"})));
    assert_eq!(cognito.asked(), asked(&[("AdminCreateUser", SAM)]));

    // On two lists: the first to remove them leaves them the other.
    let casey = world.staff("cove", "Casey", Role::Admin).await;
    cognito.refuse("AdminCreateUser", "UsernameExistsException");
    let other = casey.post("/api/staff", &sam()).await.expect(201);
    let known = [("AdminCreateUser", SAM), ("AdminEnableUser", SAM), ("AdminGetUser", SAM)];
    assert_eq!(cognito.asked(), asked(&known));
    dana.send(Call::new("DELETE", &format!("/api/staff/{}", text(&made["staffId"]))))
        .await
        .expect(204);
    assert_eq!(cognito.asked(), asked(&[]));
    casey
        .send(Call::new("DELETE", &format!("/api/staff/{}", text(&other["staffId"]))))
        .await
        .expect(204);
    assert_eq!(cognito.asked(), asked(&[("AdminDisableUser", SAM)]));
}

#[tokio::test]
async fn somebody_who_never_used_their_first_password_gets_another_one() {
    let (_world, cognito, dana) = world().await;
    cognito.go_on("FORCE_CHANGE_PASSWORD");
    cognito.refuse("AdminCreateUser", "UsernameExistsException");
    // The second of these, which sends it, is refused too.
    dana.post("/api/staff", &sam()).await.problem(503, "unavailable");
    let sent = cognito.0.lock().expect("a lock").asked.pop().expect("it").1;
    assert_eq!(sent["MessageAction"], "RESEND");
}

#[tokio::test]
async fn what_the_pool_fails_at_is_on_no_list_and_a_repeat_mends_it() {
    let (world, cognito, dana) = world().await;
    let before = world.items_but_sessions().await;
    cognito.refuse("AdminCreateUser", "TooManyRequestsException");
    dana.post("/api/staff", &sam()).await.problem(503, "unavailable");
    assert_eq!(world.items_but_sessions().await, before);
    cognito.go_on("CONFIRMED");
    let made = dana.post("/api/staff", &sam()).await.expect(201);
    let path = format!("/api/staff/{}", text(&made["staffId"]));

    let before = world.items_but_sessions().await;
    cognito.refuse("AdminDisableUser", "InternalErrorException");
    dana.send(Call::new("DELETE", &path)).await.problem(503, "unavailable");
    assert_eq!(world.items_but_sessions().await, before);
    // Somebody whom the pool does not know is as good as disabled.
    cognito.refuse("AdminDisableUser", "UserNotFoundException");
    dana.send(Call::new("DELETE", &path)).await.expect(204);
}

#[tokio::test]
async fn another_address_is_another_person_of_the_pool() {
    let (_world, cognito, dana) = world().await;
    let made = dana.post("/api/staff", &sam()).await.expect(201);
    let path = format!("/api/staff/{}", text(&made["staffId"]));
    cognito.asked();
    let edit = json!({"version": 1, "email": "samira@harbor.example", "role": "admin"});
    dana.patch(&path, &edit).await.expect(200);
    let both = [("AdminCreateUser", "samira@harbor.example"), ("AdminDisableUser", SAM)];
    assert_eq!(cognito.asked(), asked(&both));
    // A role, or another case of the address, is nothing to the pool.
    let edit = json!({"version": 2, "email": "Samira@harbor.example", "role": "staff"});
    dana.patch(&path, &edit).await.expect(200);
    assert_eq!(cognito.asked(), asked(&[]));
    // What is refused is not told to the pool.
    dana.send(Call::new("DELETE", &format!("/api/staff/{}", dana.id)))
        .await
        .problem(409, "last_admin");
    assert_eq!(cognito.asked(), asked(&[]));
}
