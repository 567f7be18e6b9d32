//! Runs the function on AWS Lambda, behind the table's stream.

use aws_lambda_events::event::dynamodb::Event;
use lambda_runtime::{LambdaEvent, service_fn};
use send_mail::Sender;
use shared::{App, app::sdk, config::MailConfig, lambda};

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    lambda::log();
    let sdk = sdk().await;
    let ses = aws_sdk_sesv2::Client::new(&sdk);
    let sender = Sender::new(App::from_env(&sdk)?, ses, MailConfig::from_env()?);
    let handle = |event: LambdaEvent<Event>| async {
        Ok::<_, lambda_runtime::Error>(sender.handle(event.payload).await)
    };
    lambda_runtime::run(service_fn(handle)).await
}
