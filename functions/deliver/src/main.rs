//! Runs the function on AWS Lambda, behind the table's stream, and now and then on a schedule.

use aws_lambda_events::event::{dynamodb::Event, streams::DynamoDbEventResponse};
use deliver::{Messenger, over_the_net};
use lambda_runtime::{LambdaEvent, service_fn};
use serde::Deserialize;
use shared::{App, config::sdk, lambda, oauth::address::Hosts};

/// Why the function is called.
#[derive(Deserialize)]
#[serde(untagged)]
enum Call {
    /// The schedule: `{"sweep": true}`.
    Sweep {
        #[serde(rename = "sweep")]
        _sweep: bool,
    },
    /// The stream.
    Records(Event),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    lambda::log();
    let app = App::from_env(&sdk()?).await?;
    let hosts = Hosts::of(app.config());
    let messenger = Messenger::new(app, over_the_net(hosts)?);
    let handle = |event: LambdaEvent<Call>| async {
        match event.payload {
            Call::Records(records) => Ok(messenger.handle(records).await),
            Call::Sweep { .. } => match messenger.sweep().await {
                Ok(_) => Ok(DynamoDbEventResponse::default()),
                Err(problem) => Err(lambda_runtime::Error::from(problem.code())),
            },
        }
    };
    lambda_runtime::run(service_fn(handle)).await
}
