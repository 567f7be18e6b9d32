//! Systems of the practice: programs that call the staff's routes by themselves, as far as their scopes
//! reach, and no longer than they are switched on.

use api_tests::{
    Answer, Call, World,
    apps::Room,
    people::{Staff, text},
    programs::system,
};
use serde_json::{Value, json};
use shared::history::Role;

struct Scene {
    world: World,
    dana: Staff,
    client: String,
    system: Room,
}

impl Scene {
    async fn with(scopes: &[&str]) -> Self {
        let world = World::new().await;
        let dana = world.dana().await;
        let client = dana.client("Amara", "Okafor", "1984-03-12").await;
        let system = dana.register(&system(scopes)).await;
        Self { world, dana, client, system }
    }

    async fn ask(&self, fields: &[(&str, &str)]) -> Answer {
        let grant = [("grant_type", "client_credentials")];
        let fields: Vec<_> = grant.into_iter().chain(fields.iter().copied()).collect();
        self.world.ask_as(&self.system, "/api/oauth/token", &fields).await
    }

    async fn token(&self) -> String {
        text(&self.ask(&[]).await.expect(200)["access_token"])
    }

    async fn call(&self, token: &str, call: Call) -> Answer {
        self.world.call_with(token, call).await
    }

    /// One call for each scope.
    fn calls(&self) -> [(&'static str, Call); 3] {
        let client = format!("/api/clients/{}", self.client);
        [
            ("clients", Call::new("GET", &client)),
            ("access", Call::new("GET", &format!("{client}/portal-users"))),
            ("history", Call::new("GET", &format!("{client}/history"))),
        ]
    }
}

#[tokio::test]
async fn a_system_does_what_its_scope_allows_as_itself() {
    let scene = Scene::with(&["clients", "access"]).await;
    let tokens = scene.ask(&[]).await.expect(200);
    assert_eq!(tokens["scope"], "clients access");
    assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("Bearer"), &json!(600)));
    assert!(tokens.get("id_token").is_none() && tokens.get("refresh_token").is_none());
    let token = text(&tokens["access_token"]);

    let new = json!({"name": {"first": "New", "last": "Client"}, "dateOfBirth": "1990-01-01"});
    let create = || {
        let call = Call::new("POST", "/api/clients").json(&new);
        call.header("idempotency-key", "one")
    };
    let made = scene.call(&token, create()).await.expect(201);
    assert_eq!(scene.call(&token, create()).await.expect(201), made);
    let page = format!("/api/clients/{}", text(&made["clientId"]));
    let edit = json!({"version": 1, "professional": "Dr. New"});
    scene.call(&token, Call::new("PATCH", &page).json(&edit)).await.expect(200);
    let user = json!({
        "name": {"first": "Pat", "last": "Person"}, "email": "pat@mail.example",
        "relationship": "parent", "permissions": ["basic"],
    });
    let users = format!("{page}/portal-users");
    let user = scene.call(&token, Call::new("POST", &users).json(&user)).await.expect(201);
    let revoke = format!("{users}/{}/revoke", text(&user["portalUserId"]));
    scene.call(&token, Call::new("POST", &revoke)).await.expect(200);

    let told = scene.dana.get(&format!("{page}/history")).await.expect(200);
    for event in told["events"].as_array().expect("events") {
        let actor = json!({"id": scene.system.id, "name": "Ledger EHR", "role": "system"});
        assert_eq!(event["actor"], actor, "{event}");
    }
    assert!(told["events"].as_array().is_some_and(|events| events.len() >= 4));
}

#[tokio::test]
async fn what_no_scope_covers_is_refused_and_told() {
    for scope in ["clients", "access", "history", "alerts"] {
        let scene = Scene::with(&[scope]).await;
        let token = scene.token().await;
        for (needs, call) in scene.calls() {
            let answer = scene.call(&token, call).await;
            if needs == scope {
                answer.expect(200);
                continue;
            }
            let before = scene.world.events().await.len();
            answer.problem(403, "insufficient_scope");
            assert!(before > 0);
        }
        for (method, path) in
            [("GET", "/api/apps"), ("GET", "/api/staff/session"), ("DELETE", "/api/staff/session")]
        {
            let answer = scene.call(&token, Call::new(method, path)).await;
            answer.problem(403, "insufficient_scope");
        }
        let events = scene.world.events().await.into_values();
        let refused = events
            .filter(|event| event.contains("insufficient_scope") && event.contains("Ledger EHR"));
        assert!(refused.count() >= 3, "{scope}");
    }
}

#[tokio::test]
async fn a_token_is_granted_for_what_is_asked_and_registered() {
    let scene = Scene::with(&["clients", "history"]).await;
    for (asked, granted) in [
        ("clients", "clients"),
        ("history clients", "clients history"),
        ("history access everything", "history"),
    ] {
        assert_eq!(scene.ask(&[("scope", asked)]).await.expect(200)["scope"], granted);
    }
    scene.ask(&[("scope", "access openid")]).await.oauth(400, "invalid_scope");
    let token = text(&scene.ask(&[("scope", "history")]).await.expect(200)["access_token"]);
    let [(_, client), _, (_, history)] = scene.calls();
    scene.call(&token, client).await.problem(403, "insufficient_scope");
    scene.call(&token, history).await.expect(200);
    let wrong = Room { secret: "x".repeat(43), ..scene.system.clone() };
    let fields = [("grant_type", "client_credentials")];
    scene.world.ask_as(&wrong, "/api/oauth/token", &fields).await.oauth(401, "invalid_client");
    let app = scene.dana.register(&json!({})).await;
    let answer = scene.world.ask_as(&app, "/api/oauth/token", &fields).await;
    answer.oauth(400, "unauthorized_client");
}

#[tokio::test]
async fn switching_a_system_off_is_felt_at_its_next_call_and_so_is_what_it_may_no_longer() {
    let scene = Scene::with(&["clients", "history"]).await;
    let before = scene.token().await;
    let of_system = format!("/api/apps/{}", scene.system.id);
    let works_with = async |token: &str| {
        let [(_, client), ..] = scene.calls();
        scene.call(token, client).await.status.as_u16()
    };
    let works = async || works_with(&before).await;
    assert_eq!(works().await, 200);
    let patch = async |body: Value| scene.dana.patch(&of_system, &body).await.expect(200);
    patch(json!({"version": 1, "scopes": ["history"]})).await;
    assert_eq!(works().await, 403);
    patch(json!({"version": 2, "scopes": ["clients"]})).await;
    assert_eq!(works().await, 200);
    patch(json!({"version": 3, "enabled": false})).await;
    assert_eq!(works().await, 401);
    patch(json!({"version": 4, "enabled": true})).await;
    assert_eq!(works().await, 401, "switched on again, it needs another");
    let token = scene.token().await;
    assert_eq!(works_with(&token).await, 200);
    scene.world.pass(10 * 60 - 1);
    assert_eq!(works_with(&token).await, 200);
    scene.world.pass(1);
    assert_eq!(works_with(&token).await, 401, "ten minutes");
    let dana = scene.world.dana().await;
    let token = scene.token().await;
    dana.send(Call::new("DELETE", &format!("{of_system}?confirm=delete"))).await.expect(204);
    let [(_, client), ..] = scene.calls();
    scene.call(&token, client).await.problem(401, "signed_out");
}

#[tokio::test]
async fn a_systems_token_is_of_its_practice_and_of_no_other_use() {
    let scene = Scene::with(&["clients", "access", "history", "alerts"]).await;
    let (world, dana) = (&scene.world, &scene.dana);
    let token = scene.token().await;
    let casey = world.staff("cove", "Casey", Role::Admin).await;
    let theirs = casey.client("Iris", "Cove", "1970-07-07").await;
    let call = Call::new("GET", &format!("/api/clients/{theirs}"));
    scene.call(&token, call).await.problem(404, "not_found");
    // No cookie of a person makes more of it, nor less.
    let [(_, client), ..] = scene.calls();
    scene.call("x.y.z", client.clone().cookie(&dana.cookie)).await.problem(401, "signed_out");
    scene.call(&token, client.clone().cookie(&casey.cookie)).await.expect(200);
    // Kinds of tokens are not mixed up.
    let session = dana.cookie.split_once('=').expect("a cookie").1;
    scene.call(session, client).await.problem(401, "signed_out");
    let cookie = format!("__Host-latchkey-staff={token}");
    let call = Call::new("GET", "/api/staff/session").cookie(&cookie);
    world.send(call).await.problem(401, "signed_out");
    world.userinfo(&token).await.oauth(401, "invalid_token");
    let opens = world.introspect(&scene.system, &token).await;
    assert_eq!(opens, json!({"active": false}));
}
