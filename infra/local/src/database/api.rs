//! The `DynamoDB` API over HTTP, as far as AWS's SDKs and tools need it for items: a POST whose
//! `X-Amz-Target` names the operation, JSON both ways. Tables are made by [`super::Database`].

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use dynoxide::{Database as Engine, DynoxideError};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use serde::{Serialize, de::DeserializeOwned};

/// The largest request `DynamoDB` takes.
const LARGEST: usize = 16 * 1024 * 1024;

pub fn router(engine: Engine) -> Router {
    Router::new().route("/", post(answer)).layer(DefaultBodyLimit::max(LARGEST)).with_state(engine)
}

async fn answer(State(engine): State<Engine>, headers: HeaderMap, body: Bytes) -> Response {
    let operation = headers
        .get("x-amz-target")
        .and_then(|target| target.to_str().ok()?.strip_prefix("DynamoDB_20120810."))
        .unwrap_or_default();
    let (status, body) = match run(&engine, operation, &body) {
        Some(Ok(answer)) => (StatusCode::OK, answer),
        Some(Err(error)) => {
            let error = match error {
                // The engine's own mark for how a server words it.
                DynoxideError::EnvelopedValidation(message) => {
                    DynoxideError::ValidationException(message)
                }
                other => other,
            };
            let status = StatusCode::from_u16(error.status_code());
            (status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), error.to_json())
        }
        None => (
            StatusCode::BAD_REQUEST,
            r#"{"__type":"com.amazon.coral.service#UnknownOperationException"}"#.to_owned(),
        ),
    };
    (status, [(CONTENT_TYPE, "application/x-amz-json-1.0")], body).into_response()
}

/// Runs an operation; `None` when there is none of that name here.
fn run(engine: &Engine, operation: &str, body: &[u8]) -> Option<dynoxide::Result<String>> {
    Some(match operation {
        "BatchGetItem" => call(body, |asked| engine.batch_get_item(asked)),
        "BatchWriteItem" => call(body, |asked| engine.batch_write_item(asked)),
        "DeleteItem" => call(body, |asked| engine.delete_item(asked)),
        "DescribeTable" => call(body, |asked| engine.describe_table(asked)),
        "DescribeTimeToLive" => call(body, |asked| engine.describe_time_to_live(asked)),
        "GetItem" => call(body, |asked| engine.get_item(asked)),
        "ListTables" => call(body, |asked| engine.list_tables(asked)),
        "PutItem" => call(body, |asked| engine.put_item(asked)),
        "Query" => call(body, |asked| engine.query(asked)),
        "Scan" => call(body, |asked| engine.scan(asked)),
        "TransactGetItems" => call(body, |asked| engine.transact_get_items(asked)),
        "TransactWriteItems" => call(body, |asked| engine.transact_write_items(asked)),
        "UpdateItem" => call(body, |asked| engine.update_item(asked)),
        _ => return None,
    })
}

fn call<Q: DeserializeOwned, A: Serialize>(
    body: &[u8],
    run: impl FnOnce(Q) -> dynoxide::Result<A>,
) -> dynoxide::Result<String> {
    let asked = serde_json::from_slice(body)
        .map_err(|error| DynoxideError::SerializationException(error.to_string()))?;
    serde_json::to_string(&run(asked)?)
        .map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}
