//! The API document: generated from the functions' own routes, committed, fresh, and complete.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use api_tests::{
    Call, World,
    routes::{Operation, document, operations},
};
use latchkey_local::functions;
use regex::RegexBuilder;
use serde_json::Value;
use shared::fields::Date;

/// Functions that no request reaches: events drive them.
const NOT_OVER_HTTP: [&str; 3] = ["deliver", "mail-events", "send-mail"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// With `UPDATE_OPENAPI=1` the committed document is written instead of compared.
#[test]
fn the_committed_document_is_fresh() {
    let path = root().join("shared/openapi.json");
    let generated = functions::document().expect("a document");
    if std::env::var("UPDATE_OPENAPI").is_ok_and(|v| v == "1") {
        fs::write(&path, generated).expect("written");
        return;
    }
    let committed = fs::read_to_string(&path).expect("shared/openapi.json");
    let line = committed.lines().zip(generated.lines()).position(|(a, b)| a != b);
    assert!(
        committed == generated,
        "shared/openapi.json is stale (line {:?}); write it anew: UPDATE_OPENAPI=1 cargo test -p api-tests document",
        line.map(|l| l + 1)
    );
}

#[tokio::test]
async fn the_api_hands_out_the_committed_document() {
    let world = World::new().await;
    let answer = world.send(Call::new("GET", "/api/openapi.json")).await.expect(200);
    assert!(answer == document(), "the API hands out another document than it has");
}

#[test]
fn every_operation_has_an_id_of_its_own_that_names_its_function() {
    let folders: BTreeSet<String> = fs::read_dir(root().join("functions"))
        .expect("functions")
        .map(|entry| entry.expect("a folder"))
        .filter(|entry| entry.path().join("Cargo.toml").exists())
        .map(|entry| entry.file_name().into_string().expect("a name"))
        .collect();
    let mut seen = BTreeMap::new();
    for operation in operations() {
        let (id, name) = (operation.id.clone(), operation.name());
        assert!(!id.is_empty(), "{name} has no operationId");
        let function = id.split('.').next().unwrap_or_default().to_owned();
        assert!(folders.contains(&function), "{name}: no folder functions/{function}");
        assert!(!NOT_OVER_HTTP.contains(&function.as_str()), "{name}");
        if let Some(other) = seen.insert(id.clone(), name.clone()) {
            panic!("{id} names both {other} and {name}");
        }
    }
    let named: BTreeSet<&str> = seen.keys().filter_map(|id| id.split('.').next()).collect();
    for folder in &folders {
        assert!(
            named.contains(folder.as_str()) || NOT_OVER_HTTP.contains(&folder.as_str()),
            "no operation names functions/{folder}"
        );
    }
}

#[test]
fn the_document_is_openapi_3_1_and_every_reference_leads_somewhere() {
    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => {
                for (key, value) in members {
                    match value.as_str() {
                        Some(text) if key == "$ref" => {
                            found.insert(text.to_owned());
                        }
                        _ => references(value, found),
                    }
                }
            }
            Value::Array(values) => values.iter().for_each(|v| references(v, found)),
            _ => {}
        }
    }
    let document = document();
    assert!(document["openapi"].as_str().is_some_and(|v| v.starts_with("3.1.")));
    assert_eq!(document["info"]["title"], "Latchkey");
    assert!(document["info"]["version"].is_string());
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    assert!(found.contains("#/components/schemas/Problem"));
    for reference in &found {
        let pointer = reference.strip_prefix('#').expect("a local reference");
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
    // And nothing is described that nothing uses.
    for name in document["components"]["schemas"].as_object().expect("schemas").keys() {
        let reference = format!("#/components/schemas/{name}");
        assert!(found.contains(&reference), "nothing refers to {reference}");
    }
}

/// Children are born every year: whoever reads the document is to take the days that the API takes.
#[test]
fn its_pattern_of_a_date_is_what_a_date_is() {
    let pattern = document()["components"]["schemas"]["Date"]["pattern"].clone();
    let pattern = pattern.as_str().expect("a pattern");
    let pattern = RegexBuilder::new(pattern).unicode(false).build().expect("a pattern");
    for (year, month, day) in (1849..=2099).flat_map(|year| {
        (0..=13).flat_map(move |month| (0..=32).map(move |day| (year, month, day)))
    }) {
        let text = format!("{year:04}-{month:02}-{day:02}");
        // No pattern counts leap years; the schema's format does.
        let leapless = (month, day) == (2, 29) && year >= 1850;
        let takes = Date::parse(&text).is_ok() || leapless;
        assert_eq!(pattern.is_match(&text), takes, "{text}");
    }
    for text in
        ["1984-3-12", "1984-03-12T00:00", " 1984-03-12", "01984-03-12", "19840312", "x1984-03-12"]
    {
        assert!(!pattern.is_match(text), "{text}");
    }
}

#[test]
fn every_operation_says_how_it_can_go_wrong() {
    let schemes = document()["components"]["securitySchemes"].as_object().expect("schemes").clone();
    for operation in operations() {
        let (name, changes) = (operation.name(), operation.changes());
        let Operation { path, value, .. } = operation;
        let responses = value["responses"].as_object().expect("responses");
        let says = |status: &str| responses.contains_key(status);
        assert!(says("500") && says("503"), "{name}");
        assert!(responses.keys().any(|s| s.starts_with('2') || s.starts_with('3')), "{name}");
        let security = value["security"].as_array().cloned().unwrap_or_default();
        for scheme in security.iter().flat_map(|s| s.as_object().expect("a scheme").keys()) {
            assert!(schemes.contains_key(scheme), "{name}: {scheme}");
        }
        assert!(security.is_empty() || says("401"), "{name} is secured and says no 401");
        let oauth = path.starts_with("/api/oauth/");
        assert!(!changes || oauth || says("403"), "{name} changes things and says no 403");
        assert!(!path.contains('{') || says("404"), "{name} names a thing and says no 404");
        if value.get("requestBody").is_some() {
            let media = oauth || says("415");
            assert!(says("400") && says("413") && media, "{name} takes a body");
        }
        for (status, response) in responses {
            let description = response["description"].as_str().unwrap_or_default();
            assert!(!description.is_empty(), "{name} {status} is not described");
            if status.as_str() < "400" {
                continue;
            }
            let content = response["content"].as_object().expect("content");
            let types: Vec<&String> = content.keys().collect();
            let (media, of) = if oauth {
                ("application/json", "OAuthError")
            } else {
                ("application/problem+json", "Problem")
            };
            assert_eq!(types, [media], "{name} {status}");
            let schema = &content[media]["schema"]["$ref"];
            assert_eq!(*schema, format!("#/components/schemas/{of}"), "{name} {status}");
        }
    }
}

#[test]
fn every_path_parameter_is_described_and_every_text_is_limited() {
    let document = document();
    for operation in operations() {
        let name = operation.name();
        let Operation { path, value, .. } = operation;
        let parameters = value["parameters"].as_array().cloned().unwrap_or_default();
        let in_path: BTreeSet<&str> = parameters
            .iter()
            .filter(|p| p["in"] == "path")
            .filter_map(|p| p["name"].as_str())
            .collect();
        let wanted: BTreeSet<&str> =
            path.split('/').filter_map(|s| s.strip_prefix('{')?.strip_suffix('}')).collect();
        assert_eq!(in_path, wanted, "{name}");
        for parameter in &parameters {
            assert!(parameter["description"].is_string(), "{name} {}", parameter["name"]);
        }
    }
    // Nobody can send text without end: each object that comes in refuses unknown members.
    let schemas = &document["components"]["schemas"];
    for operation in operations() {
        let (name, value) = (operation.name(), operation.value);
        // The parameters of an authorization: unknown ones are passed over (RFC 6749, section 3.1).
        if operation.id == "authorize" {
            continue;
        }
        let schema = &value["requestBody"]["content"]["application/json"]["schema"];
        if schema.is_null() {
            continue;
        }
        let alternatives = schema["oneOf"].as_array().cloned().unwrap_or(vec![schema.clone()]);
        let reference = alternatives.iter().find_map(|s| s["$ref"].as_str()).expect("a reference");
        let body = &schemas[reference.rsplit('/').next().unwrap_or_default()];
        assert_eq!(body["additionalProperties"], false, "{name}: {reference}");
    }
}
