//! Runs the function on AWS Lambda, behind EventBridge.

use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use lambda_runtime::{LambdaEvent, service_fn};
use mail_events::{SesEvent, handle};
use shared::{App, config::sdk, lambda};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    lambda::log();
    let app = &App::from_env(&sdk()?).await?;
    let handle = |event: LambdaEvent<EventBridgeEvent<SesEvent>>| async move {
        handle(app, &event.payload.detail).await.map_err(|problem| {
            lambda_runtime::Error::from(problem.cause().unwrap_or(problem.code()).to_owned())
        })
    };
    lambda_runtime::run(service_fn(handle)).await
}
