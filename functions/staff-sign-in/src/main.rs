//! Runs the function on AWS Lambda.

use shared::{App, app::sdk, config::OidcConfig, lambda};

#[tokio::main]
async fn main() -> Result<(), lambda_http::Error> {
    let app = App::from_env(&sdk().await)?;
    let issuer = staff_sign_in::Issuer::new(OidcConfig::from_env()?)?;
    lambda::serve_with(staff_sign_in::routes(issuer).into(), app).await
}
