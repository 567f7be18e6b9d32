//! Runs the function on AWS Lambda.

use shared::{config::PoolConfig, lambda};
use staff::Pool;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    let pool = match PoolConfig::from_env()? {
        Some(config) => Pool::of(config)?,
        None => Pool::elsewhere(),
    };
    lambda::serve(staff::routes(pool)).await
}
