//! The router table of `cargo lambda watch` in the workspace's manifest says what the API document
//! says.

use std::collections::BTreeSet;

use serde_json::Value;

const MANIFEST: &str = include_str!("../../../Cargo.toml");
const DOCUMENT: &str = include_str!("../../../shared/openapi.json");

/// Path, method, function; for a path that one function serves alone the method is `*`.
type Route = (String, String, String);

fn manifest() -> BTreeSet<Route> {
    let table = MANIFEST.split("[workspace.metadata.lambda.watch.router]\n").nth(1);
    let lines = table.expect("the table").lines().take_while(|line| line.starts_with('"'));
    let mut routes = BTreeSet::new();
    for line in lines {
        // Quoted texts in order: the path, then one function, or methods and functions in turn.
        let mut quoted: Vec<String> =
            line.split('"').skip(1).step_by(2).map(str::to_owned).collect();
        let path = quoted.remove(0);
        if let [function] = quoted.as_slice() {
            routes.insert((path, "*".into(), function.clone()));
        } else {
            for pair in quoted.chunks(2) {
                routes.insert((path.clone(), pair[0].clone(), pair[1].clone()));
            }
        }
    }
    routes
}

fn document() -> BTreeSet<Route> {
    let document: Value = serde_json::from_str(DOCUMENT).expect("JSON");
    let mut routes = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        let served: Vec<(String, String)> = item
            .as_object()
            .expect("operations")
            .iter()
            .filter_map(|(method, operation)| {
                let id = operation["operationId"].as_str()?;
                Some((method.to_uppercase(), id.split('.').next()?.to_owned()))
            })
            .collect();
        let functions: BTreeSet<&String> = served.iter().map(|(_, function)| function).collect();
        if functions.len() == 1 {
            routes.insert((path.clone(), "*".into(), served[0].1.clone()));
        } else {
            routes.extend(served.iter().map(|(m, f)| (path.clone(), m.clone(), f.clone())));
        }
    }
    routes
}

#[test]
fn the_router_table_is_that_of_the_document() {
    let (manifest, document) = (manifest(), document());
    assert!(manifest.len() > 15, "{manifest:?}");
    assert_eq!(manifest, document);
}
