//! Runs the function on AWS Lambda, behind the table's stream, and now and then on a schedule.

use aws_lambda_events::event::{dynamodb::Event, streams::DynamoDbEventResponse};
use lambda_runtime::{LambdaEvent, service_fn};
use send_mail::Sender;
use serde::Deserialize;
use shared::{
    App,
    config::{MailConfig, sdk},
    lambda,
};

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
    let sdk = sdk()?;
    let ses = aws_sdk_sesv2::Client::new(&sdk);
    let sender = Sender::new(App::from_env(&sdk).await?, ses, MailConfig::from_env()?).swept();
    let handle = |event: LambdaEvent<Call>| async {
        match event.payload {
            Call::Records(records) => Ok(sender.handle(records).await),
            Call::Sweep { .. } => match sender.sweep().await {
                Ok(_) => Ok(DynamoDbEventResponse::default()),
                Err(problem) => Err(lambda_runtime::Error::from(problem.code())),
            },
        }
    };
    lambda_runtime::run(service_fn(handle)).await
}
