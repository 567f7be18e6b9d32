//! Who registers apps and systems, what is taken, and that a secret is shown once.

use api_tests::{
    Call, World,
    apps::{GOODBYE, REDIRECT, Room, X, Y, registration},
    people::text,
};
use serde_json::{Value, json};
use shared::history::Role;

fn key(kid: &str) -> Value {
    json!({"kty": "EC", "crv": "P-256", "kid": kid, "x": X, "y": Y})
}

#[tokio::test]
async fn an_app_is_what_was_registered_and_its_secret_is_shown_once() {
    let world = World::new().await;
    let dana = world.dana().await;
    let made = dana.post("/api/apps", &registration(&json!({}))).await.expect(201);
    let id = text(&made["app"]["appId"]);
    assert!(id.starts_with("harbor."), "{id}");
    let secret = text(&made["secret"]);
    assert_eq!(secret.len(), 43);
    assert_eq!(
        made["app"],
        json!({
            "appId": id, "name": "Messages", "kind": "portal", "permission": "messaging",
            "launchUrl": "https://rooms.example/", "redirectUris": [REDIRECT],
            "postLogoutRedirectUris": [GOODBYE], "authentication": "secret", "publicKeys": [],
            "scopes": [], "enabled": true, "version": 1,
        })
    );
    let shown = dana.get(&format!("/api/apps/{id}")).await.expect(200);
    assert_eq!(shown, made["app"]);
    assert_eq!(dana.get("/api/apps").await.expect(200), json!({"apps": [made["app"]]}));
    // The table has a hash of it, and no answer shows it again.
    let stored = format!("{:?}", world.items().await);
    assert!(stored.contains(&id) && !stored.contains(&secret));
    for app in [
        dana.register(&json!({"authentication": "none"})).await,
        dana.register(&json!({"authentication": "key", "publicKeys": [key("a")]})).await,
    ] {
        assert!(app.secret.is_empty(), "there is nothing to show");
        dana.post(&format!("/api/apps/{}/secret", app.id), &json!({}))
            .await
            .problem(409, "no_secret");
    }
}

#[tokio::test]
async fn a_repeated_registration_is_one_app_and_shows_no_secret() {
    let world = World::new().await;
    let dana = world.dana().await;
    let call = || {
        let call = Call::new("POST", "/api/apps").json(&registration(&json!({})));
        call.header("idempotency-key", "once")
    };
    let first = dana.send(call()).await.expect(201);
    let again = dana.send(call()).await.expect(201);
    assert!(first["secret"].is_string());
    assert_eq!(again, json!({"app": first["app"]}));
    assert_eq!(dana.get("/api/apps").await.expect(200)["apps"].as_array().map(Vec::len), Some(1));
    let other = Call::new("POST", "/api/apps").json(&registration(&json!({"name": "Letters"})));
    let answer = dana.send(other.header("idempotency-key", "once")).await;
    answer.problem(422, "idempotency_key_reused");
    assert!(!format!("{:?}", world.items().await).contains(&text(&first["secret"])));
}

#[tokio::test]
async fn what_cannot_be_is_named_and_nothing_is_written() {
    let world = World::new().await;
    let dana = world.dana().await;
    let many: Vec<String> = (0..11).map(|n| format!("https://rooms.example/{n}")).collect();
    let system = json!({
        "kind": "system", "permission": null, "launchUrl": null, "redirectUris": null,
        "postLogoutRedirectUris": null, "scopes": ["clients"],
    });
    let of_system = |changes: Value| {
        let mut all = system.clone();
        for (name, value) in changes.as_object().expect("an object") {
            all[name] = value.clone();
        }
        all
    };
    for (changes, status, field) in [
        (json!({"name": null}), 400, "name"),
        (json!({"name": ""}), 400, "name"),
        (json!({"name": "x".repeat(61)}), 400, "name"),
        (json!({"kind": "room"}), 400, "kind"),
        (json!({"permission": "everything"}), 400, "permission"),
        (json!({"authentication": "password"}), 400, "authentication"),
        (json!({"launchUrl": "javascript:alert(1)"}), 422, "launchUrl"),
        (json!({"launchUrl": "https://10.0.0.1/"}), 422, "launchUrl"),
        (json!({"logoutUri": "https://169.254.169.254/latest"}), 422, "logoutUri"),
        (json!({"logoutUri": "http://rooms.example/out"}), 422, "logoutUri"),
        (json!({"redirectUris": [REDIRECT, "https://rooms.example/in#x"]}), 422, "redirectUris[1]"),
        (json!({"redirectUris": ["https://*.example/in"]}), 422, "redirectUris[0]"),
        (json!({"redirectUris": ["com.example.rooms:/in"]}), 422, "redirectUris[0]"),
        (json!({"redirectUris": [REDIRECT, REDIRECT]}), 422, "redirectUris[1]"),
        (json!({"redirectUris": many}), 400, "redirectUris"),
        (
            json!({"postLogoutRedirectUris": ["https://u:p@rooms.example/"]}),
            422,
            "postLogoutRedirectUris[0]",
        ),
        (json!({"authentication": "key"}), 422, "publicKeys"),
        (json!({"publicKeys": [key("a")]}), 422, "publicKeys"),
        (
            json!({"authentication": "key", "publicKeys": [key("a"), key("a")]}),
            422,
            "publicKeys[1]",
        ),
        (
            json!({"authentication": "key", "publicKeys": [{"kty": "oct", "k": "c2VjcmV0"}]}),
            400,
            "publicKeys[0].k",
        ),
        (json!({"scopes": ["clients"]}), 422, "scopes"),
        (of_system(json!({"scopes": []})), 422, "scopes"),
        (of_system(json!({"scopes": ["everything"]})), 400, "scopes[0]"),
        (of_system(json!({"authentication": "none"})), 422, "authentication"),
        (of_system(json!({"permission": "basic"})), 422, "permission"),
        (of_system(json!({"redirectUris": [REDIRECT]})), 422, "redirectUris"),
        (of_system(json!({"logoutUri": "https://ehr.example/out"})), 422, "logoutUri"),
        (json!({"secret": "chosen"}), 400, "secret"),
        (json!({"enabled": true}), 400, "enabled"),
    ] {
        let before = (world.items().await.len(), world.events().await.len());
        let answer = dana.post("/api/apps", &registration(&changes)).await;
        assert_eq!(answer.status.as_u16(), status, "{changes}: {}", answer.body);
        assert_eq!(answer.body["fields"][0]["field"], field, "{changes}: {}", answer.body);
        assert_eq!((world.items().await.len(), world.events().await.len()), before, "{changes}");
    }
    // A private key in a public one's place is no member that is known.
    let mut private = key("a");
    private["d"] = json!(X);
    let changes = json!({"authentication": "key", "publicKeys": [private]});
    let answer = dana.post("/api/apps", &registration(&changes)).await.expect(400);
    assert_eq!(answer["fields"][0]["field"], "publicKeys[0].d");
    dana.register(&system).await;
}

#[tokio::test]
async fn an_edit_is_of_a_version_and_names_what_changed() {
    let world = World::new().await;
    let dana = world.dana().await;
    let room = dana.register(&json!({})).await;
    let path = format!("/api/apps/{}", room.id);
    let edit = json!({
        "version": 1, "name": "Letters", "permission": "documents", "launchUrl": null,
        "redirectUris": ["https://letters.example/in"],
    });
    let app = dana.patch(&path, &edit).await.expect(200);
    assert_eq!((&app["name"], &app["permission"]), (&json!("Letters"), &json!("documents")));
    assert_eq!((&app["launchUrl"], &app["version"]), (&Value::Null, &json!(2)));
    assert_eq!(app["redirectUris"], json!(["https://letters.example/in"]));
    let told = event(&world, "app-updated").await;
    assert_eq!(told["changed"], json!(["name", "permission", "launchUrl", "redirectUris"]));
    assert_eq!(told["app"], json!({"appId": room.id, "name": "Letters"}));

    let before = world.items().await;
    dana.patch(&path, &json!({"version": 1, "name": "Notes"})).await.problem(409, "stale");
    dana.patch(&path, &json!({"version": 2, "logoutUri": "https://10.0.0.1/"})).await.expect(422);
    let publics = json!({"version": 2, "publicKeys": [key("a")]});
    dana.patch(&path, &publics).await.expect(422);
    dana.patch(&path, &json!({"version": 2, "kind": "system"})).await.expect(400);
    let items = |items: &std::collections::BTreeMap<String, String>| {
        items
            .iter()
            .filter(|(key, _)| !key.contains("#W#"))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(items(&world.items().await), items(&before));
    // Nothing changes, whatever the version: it is answered as it is.
    let same = dana.patch(&path, &json!({"version": 1, "name": "Letters"})).await.expect(200);
    assert_eq!(same["version"], 2);
}

#[tokio::test]
async fn deleting_takes_the_word_and_a_new_secret_leaves_the_old_one_a_day() {
    let world = World::new().await;
    let dana = world.dana().await;
    let room = dana.register(&json!({})).await;
    let path = format!("/api/apps/{}", room.id);
    let mut secrets = vec![room.secret.clone()];
    let works = async |secret: &str| {
        let room = Room { secret: secret.to_owned(), ..room.clone() };
        let answer = world.ask_as(&room, "/api/oauth/introspect", &[("token", "none")]).await;
        answer.status.as_u16() == 200
    };
    for key in ["one", "two"] {
        let renew = || Call::new("POST", &format!("{path}/secret")).header("idempotency-key", key);
        let answer = dana.send(renew()).await.expect(201);
        secrets.push(text(&answer["secret"]));
        // A repeat makes none, and shows none.
        assert_eq!(dana.send(renew()).await.expect(201), json!({}));
    }
    assert!(!works(&secrets[0]).await, "two are the most");
    assert!(works(&secrets[1]).await && works(&secrets[2]).await);
    world.pass(24 * 60 * 60 - 1);
    assert!(works(&secrets[1]).await && works(&secrets[2]).await);
    world.pass(1);
    assert!(!works(&secrets[1]).await && works(&secrets[2]).await);

    let dana = world.dana().await;
    for query in ["", "?confirm=", "?confirm=yes", "?confirm=deleted"] {
        let answer = dana.send(Call::new("DELETE", &format!("{path}{query}"))).await.expect(400);
        assert_eq!(answer["fields"][0]["field"], "confirm");
    }
    assert!(works(&secrets[2]).await);
    dana.send(Call::new("DELETE", &format!("{path}?confirm=%20DeLeTe"))).await.expect(204);
    assert!(!works(&secrets[2]).await);
    dana.get(&path).await.problem(404, "not_found");
    dana.send(Call::new("DELETE", &format!("{path}?confirm=delete")))
        .await
        .problem(404, "not_found");
    assert_eq!(dana.get("/api/apps").await.expect(200), json!({"apps": []}));
    assert_eq!(event(&world, "app-deleted").await["app"]["appId"], room.id);
}

#[tokio::test]
async fn apps_are_for_admins_of_their_own_practice() {
    let world = World::new().await;
    let dana = world.dana().await;
    let room = dana.register(&json!({})).await;
    let casey = world.staff("cove", "Casey", Role::Admin).await;
    assert_eq!(casey.get("/api/apps").await.expect(200), json!({"apps": []}));
    for (method, path, body) in [
        ("GET", "", json!({})),
        ("PATCH", "", json!({"version": 1, "name": "Mine"})),
        ("DELETE", "?confirm=delete", json!({})),
        ("POST", "/secret", json!({})),
    ] {
        let call = Call::new(method, &format!("/api/apps/{}{path}", room.id)).json(&body);
        casey.send(call).await.problem(404, "not_found");
    }
    assert_eq!(dana.get(&format!("/api/apps/{}", room.id)).await.expect(200)["version"], 1);
}

#[tokio::test]
async fn a_practice_has_fifty_apps_and_no_more() {
    let world = World::new().await;
    let dana = world.dana().await;
    for n in 0..50 {
        dana.register(&json!({"name": format!("App {n}")})).await;
    }
    let answer = dana.post("/api/apps", &registration(&json!({}))).await;
    answer.problem(409, "too_many_apps");
    assert_eq!(dana.get("/api/apps").await.expect(200)["apps"].as_array().map(Vec::len), Some(50));
}

/// The newest event of an action.
async fn event(world: &World, action: &str) -> Value {
    let events = world.events().await.into_values();
    let mut events = events.map(|event| serde_json::from_str::<Value>(&event).expect("JSON"));
    events.rfind(|event| event["action"] == action).expect("an event")
}
