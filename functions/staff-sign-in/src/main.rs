//! Runs the function on AWS Lambda.

use shared::{
    App,
    config::{OidcConfig, sdk},
    lambda,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    let sdk = sdk()?;
    let (app, oidc) = tokio::join!(App::from_env(&sdk), OidcConfig::from_env(&sdk));
    let issuer = staff_sign_in::Issuer::new(oidc?)?;
    lambda::serve_with(staff_sign_in::routes(issuer), app?).await
}
