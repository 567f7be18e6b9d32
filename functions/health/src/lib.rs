//! Says that the API is there and can reach its table, and hands out the API document.

use axum::{
    Json,
    extract::State,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use shared::{App, Problem, Routes};
use utoipa::ToSchema;

/// The API document, as committed. A test keeps it fresh.
pub const DOCUMENT: &str = include_str!("../../../shared/openapi.json");

/// The routes of this function.
pub fn routes<R: Routes>() -> R {
    R::default().operation(__path_health, health).operation(__path_document, document)
}

/// How the API is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// `ok`.
    status: &'static str,
}

/// Says whether the API can do its work.
#[utoipa::path(
    get, path = "/api/health", operation_id = "health", tag = "about",
    responses((status = 200, description = "It can.", body = Health))
)]
async fn health(State(app): State<App>) -> Result<Json<Health>, Problem> {
    app.store().ping().await?;
    Ok(Json(Health { status: "ok" }))
}

/// The OpenAPI 3.1 document of the API.
#[utoipa::path(
    get, path = "/api/openapi.json", operation_id = "health.document", tag = "about",
    responses((status = 200, description = "The document.", body = Object))
)]
async fn document() -> Response {
    ([(CONTENT_TYPE, "application/json")], DOCUMENT).into_response()
}
