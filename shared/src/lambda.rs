//! Running a router on AWS Lambda.

use axum::Router;

use crate::{
    app::App,
    config::{log_level, sdk},
    web,
};

/// Logs as JSON lines, at the level that `RUST_LOG` names, `info` by default.
pub fn log() {
    tracing_subscriber::fmt().json().with_max_level(log_level()).with_current_span(false).init();
}

/// Serves a function's routes behind API Gateway until Lambda ends the process. Clients and keys
/// are made once, before the first request.
///
/// # Errors
/// When the environment lacks something, or the runtime fails.
pub async fn serve(routes: Router<App>) -> Result<(), lambda_http::Error> {
    serve_with(routes, App::from_env(&sdk()?).await?).await
}

/// As [`serve`], with an app that was made already.
///
/// # Errors
/// When the runtime fails.
pub async fn serve_with(routes: Router<App>, app: App) -> Result<(), lambda_http::Error> {
    log();
    lambda_http::run(web::finish(routes, app)).await
}
