//! Running a router on AWS Lambda.

use axum::Router;
use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    Layer,
    filter::Targets,
    fmt::{self, MakeWriter},
    layer::SubscriberExt,
    registry,
    util::SubscriberInitExt,
};

use crate::{
    app::App,
    config::{log_level, sdk},
    web,
};

/// Logs as JSON lines on standard output, at the level that `RUST_LOG` names, `info` by default.
pub fn log() {
    lines(log_level(), std::io::stdout).init();
}

/// Writes logs as JSON lines. Logs hold nothing personal at any level, so `level` is for our own
/// crates only: at finer levels the SDK, the HTTP client and the runtime log the bodies that pass
/// through them.
pub fn lines<W>(level: LevelFilter, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let filter = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target("shared", level)
        // Its spans name Lambda's request.
        .with_target("lambda_runtime", level.min(LevelFilter::INFO))
        // These quote what they cannot read. Our own line tells that it failed.
        .with_target("lambda_runtime::layers::api_response", LevelFilter::OFF)
        // What it logs of an answer holds credentials.
        .with_target("webauthn_rs", LevelFilter::OFF)
        .with_target("aws_", LevelFilter::OFF)
        .with_target("hyper", LevelFilter::OFF);
    let text = fmt::layer().json().with_current_span(false).with_writer(writer);
    registry().with(text.with_filter(filter))
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
