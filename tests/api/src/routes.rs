//! The API's operations, out of its own document: what a test that is to cover every one of them
//! goes through.

use latchkey_local::functions;
use serde_json::Value;

/// An operation of the API document.
#[derive(Debug, Clone)]
pub struct Operation {
    /// `operationId`.
    pub id: String,
    /// Method, in capitals.
    pub method: String,
    /// Path, its parameters in braces.
    pub path: String,
    /// The security scheme that it demands; none for an operation that is open to everybody.
    pub scheme: Option<String>,
    /// All that the document says of it.
    pub value: Value,
}

/// The document, generated now.
///
/// # Panics
/// When it cannot be generated.
#[must_use]
pub fn document() -> Value {
    serde_json::from_str(&functions::document().expect("a document")).expect("JSON")
}

/// Every operation.
///
/// # Panics
/// When the document is not what it should be.
#[must_use]
pub fn operations() -> Vec<Operation> {
    let mut found = Vec::new();
    for (path, item) in document()["paths"].as_object().expect("paths") {
        for (method, value) in item.as_object().expect("a path item") {
            let schemes = value["security"].as_array().cloned().unwrap_or_default();
            found.push(Operation {
                id: value["operationId"].as_str().expect("an id").to_owned(),
                method: method.to_uppercase(),
                path: path.clone(),
                scheme: schemes
                    .iter()
                    .find_map(|s| s.as_object()?.keys().next())
                    .map(ToOwned::to_owned),
                value: value.clone(),
            });
        }
    }
    assert!(found.len() > 20, "the document has operations");
    found
}

impl Operation {
    /// Method and path: names it in failures.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Whether it may change something.
    #[must_use]
    pub fn changes(&self) -> bool {
        self.method != "GET"
    }

    /// Whether its path names something.
    #[must_use]
    pub fn by_id(&self) -> bool {
        self.path.contains('{')
    }

    /// Whether it takes a body.
    #[must_use]
    pub fn takes_body(&self) -> bool {
        self.value.get("requestBody").is_some()
    }

    /// Its path with ids in it. Those of an app and of a change for many are made of the client's: of the right
    /// shape, and nothing's.
    #[must_use]
    pub fn path_of(&self, client: &str, user: &str) -> String {
        let path = self.path.replace("{clientId}", client).replace("{portalUserId}", user);
        // Those of a session and of a change for many are a client's, too.
        let path = path.replace("{sessionId}", client).replace("{bulkId}", client);
        path.replace("{appId}", &format!("harbor.{client}"))
    }
}
