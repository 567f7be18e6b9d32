//! Configuration: the one place where the environment is read.
//!
//! | variable | meaning |
//! | --- | --- |
//! | `TABLE`, `HISTORY_TABLE` | names of the two tables |
//! | `STAFF_ORIGIN`, `PORTAL_ORIGIN` | the sites' origins, such as `https://staff.example.org` |
//! | `ORIGIN_DIGESTS` | SHA-256, in unpadded base64url, of each value of the header `x-latchkey-origin` by which CloudFront shows that a request came through it, with spaces between; or `none` where nothing stands in front of the API |
//! | `TOKEN_ISSUER` | `iss` of the session tokens |
//! | `VERIFYING_KEYS` | public keys as a JWK set (RFC 7517); all that verifying needs |
//! | `SIGNING_KEY`, `SIGNING_KEY_ID` | ES256 private key (PKCS#8 PEM) and its `kid`; only for the functions that sign people in |
//! | `TOKEN_SECRET` | keys for HMACs, `lasting.replaceable`: where accounts are; lock counters, tokens, idempotent requests. Only for the functions that make or judge them |
//! | `OIDC_ISSUER`, `OIDC_CLIENT_ID`, `OIDC_CLIENT_SECRET` | the staff's OpenID Connect issuer; only for `staff-sign-in` |
//! | `STAFF_POOL` | id of the Cognito pool in which staff sign in, if it is ours; only for `staff` |
//! | `MAIL_FROM`, `MAIL_CONFIGURATION_SET`, `MAILS_A_SECOND` | sender address, SES configuration set, and how many mails a change for many may ask for in a second (14 unless set); only for `send-mail` |
//! | `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN` | set by Lambda |
//! | `DEPLOYMENT` | name of the deployment, by which its metrics are kept; without it none are written |
//! | `AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_DYNAMODB`, … | where AWS is, if not at its own address |
//! | `RUST_LOG` | the least level that is logged, `info` unless set; other crates than ours are capped: [`crate::lambda`] |
//!
//! Instead of a secret itself, the environment may say where AWS Secrets Manager keeps it:
//! `SIGNING_KEY_ARN` (JSON with `kid` and `pem`), `TOKEN_SECRET_ARN`, `OIDC_CLIENT_SECRET_ARN`. Each is
//! fetched once, when the function starts.

use std::{env, fmt, time::Duration};

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_sdk_dynamodb::config::{BehaviorVersion, IdentityCache};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_http_client::{
    Connector, HttpClientError,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::http::{
    HttpConnectorSettings, SharedHttpConnector, http_client_fn,
};
use aws_smithy_types::{retry::RetryConfig, timeout::TimeoutConfig};
use aws_types::{
    SdkConfig,
    region::Region,
    sdk_config::StalledStreamProtectionConfig,
    service_config::{LoadServiceConfig, ServiceConfigKey},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use tracing::level_filters::LevelFilter;

use crate::fields::Secret;

/// Bytes of a SHA-256 digest.
const SHA256_BYTES: usize = 32;

/// The roots of Amazon Trust Services, <https://www.amazontrust.com/repository/>.
const AMAZON_ROOTS: &str = include_str!("amazon-roots.pem");

/// What a function needs to know of its home.
#[derive(Debug, Clone)]
pub struct Config {
    /// Name of the main table.
    pub table: String,
    /// Name of the append-only history table.
    pub history_table: String,
    /// Origin of the staff site.
    pub staff_origin: String,
    /// Origin of the client portal.
    pub portal_origin: String,
    /// How a request shows that it came through CloudFront.
    pub edge: Edge,
    /// `iss` of the session tokens.
    pub token_issuer: String,
    /// Public keys, a JWK set as JSON.
    pub verifying_keys: String,
    /// The key that signs, where sessions are made.
    pub signing: Option<SigningKey>,
    /// Key for HMACs, where they are made or judged.
    pub token_secret: Option<Secret>,
    /// Name of the deployment, where metrics are to be written.
    pub deployment: Option<String>,
}

/// What stands in front of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edge {
    /// Nothing, as in the local home: every request is taken.
    None,
    /// CloudFront, which sends a secret along: the SHA-256 of each that is valid, in unpadded
    /// base64url.
    Digests(Vec<String>),
}

impl Edge {
    /// Reads `ORIGIN_DIGESTS`. Only the word `none` means that there is no edge: an empty list must
    /// not switch the check off.
    ///
    /// # Errors
    /// When the text is neither `none` nor a list of SHA-256 digests.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        if text == "none" {
            return Ok(Self::None);
        }
        let digests: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        let shaped = |digest: &String| {
            URL_SAFE_NO_PAD.decode(digest).is_ok_and(|bytes| bytes.len() == SHA256_BYTES)
        };
        if digests.is_empty() || !digests.iter().all(shaped) {
            return Err(ConfigError::Invalid("ORIGIN_DIGESTS", "give digests, or the word none"));
        }
        Ok(Self::Digests(digests))
    }
}

/// The private key of the session tokens.
#[derive(Debug, Clone)]
pub struct SigningKey {
    /// `kid`, as in the public set.
    pub id: String,
    /// ES256 private key, PKCS#8 PEM.
    pub pem: Secret,
}

/// The staff's OpenID Connect issuer.
#[derive(Debug, Clone)]
pub struct OidcConfig {
    /// Issuer URL; its discovery document is fetched from below it.
    pub issuer: String,
    /// Our client id there.
    pub client_id: String,
    /// Our client secret there, if it gave one.
    pub client_secret: Option<Secret>,
}

/// The Cognito pool in which staff sign in, where it is ours.
#[derive(Debug, Clone)]
pub struct PoolConfig {
    /// The pool's id.
    pub pool: String,
    /// Its region.
    pub region: String,
    /// Where Cognito answers.
    pub endpoint: String,
    /// Who asks.
    pub credentials: Credentials,
}

/// How mail is sent.
#[derive(Debug, Clone)]
pub struct MailConfig {
    /// Sender address, verified with SES.
    pub from: String,
    /// SES configuration set, which publishes deliveries and bounces.
    pub configuration_set: Option<String>,
    /// Mails that a change for many may ask for in a second.
    pub a_second: u32,
}

/// What a new SES account may send in a second once it has left the sandbox
/// (<https://docs.aws.amazon.com/ses/latest/dg/manage-sending-quotas.html>).
pub const MAILS_A_SECOND: u32 = 14;

/// Why there is no configuration.
#[derive(Debug)]
pub enum ConfigError {
    /// A variable that is missing.
    Missing(&'static str),
    /// A variable with a value that means nothing, and what it should be.
    Invalid(&'static str, &'static str),
    /// Amazon's root certificates cannot be read.
    Tls(HttpClientError),
    /// A secret that Secrets Manager did not hand out, or that is not what it should be.
    Secret(&'static str, String),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(name) => write!(f, "the environment variable {name} is not set"),
            Self::Invalid(name, right) => {
                write!(f, "the environment variable {name} is not right: {right}")
            }
            Self::Tls(why) => write!(f, "Amazon's root certificates: {why}"),
            Self::Secret(name, why) => write!(f, "the secret that {name} names: {why}"),
        }
    }
}

impl std::error::Error for ConfigError {}

fn required(name: &'static str) -> Result<String, ConfigError> {
    optional(name).ok_or(ConfigError::Missing(name))
}

fn optional(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// The names of the main table and of the history.
///
/// # Errors
/// Names the first variable that is missing.
pub fn tables() -> Result<(String, String), ConfigError> {
    Ok((required("TABLE")?, required("HISTORY_TABLE")?))
}

fn credentials() -> Result<Credentials, ConfigError> {
    Ok(Credentials::new(
        required("AWS_ACCESS_KEY_ID")?,
        required("AWS_SECRET_ACCESS_KEY")?,
        optional("AWS_SESSION_TOKEN"),
        None,
        "environment",
    ))
}

/// The AWS SDK's settings, from what Lambda says: the chain of other places that it could ask would
/// make a function a quarter larger and find nothing. TLS by rustls on ring, which trusts Amazon's
/// own roots alone: nobody else vouches for AWS, and to read all those of the system takes half of
/// the time in which a function starts. All clients share one connector, and with it its connections:
/// left to itself the SDK makes one more, and reads the roots again, only to see whether it can. What
/// does not answer is given up well before a function's own time is up, so that the caller hears it;
/// so nothing else watches how fast an answer trickles in. Credentials stay the same as long as a
/// function lives, so none are looked up in a cache.
///
/// # Errors
/// Names the first variable that is missing.
pub fn sdk() -> Result<SdkConfig, ConfigError> {
    let credentials = credentials()?;
    let roots = TrustStore::empty().with_pem_certificate(AMAZON_ROOTS);
    let tls = TlsContext::builder().with_trust_store(roots).build().map_err(ConfigError::Tls)?;
    let ring = Provider::Rustls(CryptoMode::Ring);
    let connect_timeout = Duration::from_secs(1);
    let connector = Connector::builder()
        .connector_settings(
            HttpConnectorSettings::builder().connect_timeout(connect_timeout).build(),
        )
        .sleep_impl(TokioSleep::new())
        .tls_provider(ring)
        .tls_context(tls)
        .build();
    let connector = SharedHttpConnector::new(connector);
    let patience = TimeoutConfig::builder()
        .connect_timeout(connect_timeout)
        .operation_attempt_timeout(Duration::from_secs(2))
        .operation_timeout(Duration::from_secs(6))
        .build();
    Ok(SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(required("AWS_REGION")?))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .sleep_impl(TokioSleep::new())
        .retry_config(RetryConfig::standard())
        .timeout_config(patience)
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .identity_cache(IdentityCache::no_cache())
        .service_config(Endpoints)
        .build())
}

/// Endpoints other than AWS's own, as every AWS SDK reads them: `AWS_ENDPOINT_URL_` and the service,
/// or `AWS_ENDPOINT_URL` for all.
#[derive(Debug)]
struct Endpoints;

impl LoadServiceConfig for Endpoints {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let service = key.service_id().replace([' ', '-'], "_").to_uppercase();
        optional(&format!("{}_{service}", key.env())).or_else(|| optional(key.env()))
    }
}

/// The least level that is logged.
#[must_use]
pub fn log_level() -> LevelFilter {
    optional("RUST_LOG").and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::INFO)
}

/// Fetches the secret whose ARN a variable names, if it is set.
async fn kept(sdk: &SdkConfig, name: &'static str) -> Result<Option<Secret>, ConfigError> {
    let Some(arn) = optional(name) else { return Ok(None) };
    let request = aws_sdk_secretsmanager::Client::new(sdk).get_secret_value().secret_id(arn);
    let answer = Box::pin(request.send()).await.map_err(|error| {
        let code = aws_sdk_secretsmanager::error::ProvideErrorMetadata::code(&error);
        ConfigError::Secret(name, code.unwrap_or("no answer").to_owned())
    })?;
    match answer.secret_string {
        Some(text) => Ok(Some(Secret::new(text))),
        None => Err(ConfigError::Secret(name, "it is not text".to_owned())),
    }
}

/// A signing key as Secrets Manager keeps it.
#[derive(Deserialize)]
struct KeptKey {
    kid: String,
    pem: String,
}

impl SigningKey {
    async fn read(sdk: &SdkConfig) -> Result<Option<Self>, ConfigError> {
        if let Some(pem) = optional("SIGNING_KEY") {
            return Ok(Some(Self { id: required("SIGNING_KEY_ID")?, pem: Secret::new(pem) }));
        }
        let name = "SIGNING_KEY_ARN";
        let Some(text) = kept(sdk, name).await? else { return Ok(None) };
        // What serde would say of it might quote it.
        let key: KeptKey = serde_json::from_str(text.reveal())
            .map_err(|_| ConfigError::Secret(name, "it is not JSON with kid and pem".to_owned()))?;
        Ok(Some(Self { id: key.kid, pem: Secret::new(key.pem) }))
    }
}

/// The key for HMACs, if the environment has it or names where it is kept.
///
/// # Errors
/// When Secrets Manager does not hand it out.
pub async fn token_secret(sdk: &SdkConfig) -> Result<Option<Secret>, ConfigError> {
    match optional("TOKEN_SECRET") {
        Some(secret) => Ok(Some(Secret::new(secret))),
        None => kept(sdk, "TOKEN_SECRET_ARN").await,
    }
}

impl Config {
    /// Reads the environment, and the secrets that it names.
    ///
    /// # Errors
    /// Names the first variable that is missing, or whose secret cannot be had.
    pub async fn from_env(sdk: &SdkConfig) -> Result<Self, ConfigError> {
        let (signing, token_secret) =
            futures::try_join!(SigningKey::read(sdk), self::token_secret(sdk))?;
        let (table, history_table) = tables()?;
        Ok(Self {
            table,
            history_table,
            staff_origin: required("STAFF_ORIGIN")?,
            portal_origin: required("PORTAL_ORIGIN")?,
            edge: Edge::parse(&required("ORIGIN_DIGESTS")?)?,
            token_issuer: required("TOKEN_ISSUER")?,
            verifying_keys: required("VERIFYING_KEYS")?,
            signing,
            token_secret,
            deployment: optional("DEPLOYMENT"),
        })
    }
}

impl OidcConfig {
    /// Reads the environment, and the secret that it names.
    ///
    /// # Errors
    /// Names the first variable that is missing, or whose secret cannot be had.
    pub async fn from_env(sdk: &SdkConfig) -> Result<Self, ConfigError> {
        let client_secret = match optional("OIDC_CLIENT_SECRET") {
            Some(secret) => Some(Secret::new(secret)),
            None => kept(sdk, "OIDC_CLIENT_SECRET_ARN").await?,
        };
        Ok(Self {
            issuer: required("OIDC_ISSUER")?,
            client_id: required("OIDC_CLIENT_ID")?,
            client_secret,
        })
    }
}

impl PoolConfig {
    /// Reads the environment; none where another issuer signs staff in.
    ///
    /// # Errors
    /// Names the first variable that is missing.
    pub fn from_env() -> Result<Option<Self>, ConfigError> {
        let Some(pool) = optional("STAFF_POOL") else { return Ok(None) };
        let region = required("AWS_REGION")?;
        let endpoint = optional("AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER")
            .or_else(|| optional("AWS_ENDPOINT_URL"))
            .unwrap_or_else(|| format!("https://cognito-idp.{region}.amazonaws.com"));
        Ok(Some(Self { pool, region, endpoint, credentials: credentials()? }))
    }
}

impl MailConfig {
    /// Reads the environment.
    ///
    /// # Errors
    /// Names the first variable that is missing.
    pub fn from_env() -> Result<Self, ConfigError> {
        Ok(Self {
            from: required("MAIL_FROM")?,
            configuration_set: optional("MAIL_CONFIGURATION_SET"),
            a_second: a_second(optional("MAILS_A_SECOND").as_deref())?,
        })
    }
}

fn a_second(text: Option<&str>) -> Result<u32, ConfigError> {
    let Some(text) = text else { return Ok(MAILS_A_SECOND) };
    let number = text.parse().ok().filter(|number| (1..=10_000).contains(number));
    number.ok_or(ConfigError::Invalid("MAILS_A_SECOND", "a whole number from 1 to 10000"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_for_many_send_fourteen_mails_a_second_unless_it_is_set() {
        assert_eq!(a_second(None).unwrap(), 14);
        assert_eq!(a_second(Some("1")).unwrap(), 1);
        for wrong in ["0", "-1", "1.5", "many", "10001"] {
            assert!(a_second(Some(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_the_word_none_switches_the_edge_check_off() {
        assert_eq!(Edge::parse("none").unwrap(), Edge::None);
        let digest = URL_SAFE_NO_PAD.encode([7; SHA256_BYTES]);
        let two = format!(" {digest}  {digest}\n");
        assert_eq!(Edge::parse(&two).unwrap(), Edge::Digests(vec![digest.clone(), digest.clone()]));
        let cut = &digest[1..];
        for wrong in ["", " ", "\t\n", "None", "NONE", "none none", "off", "false", "null", cut] {
            assert!(Edge::parse(wrong).is_err(), "{wrong:?}");
        }
        assert!(Edge::parse(&format!("{digest} none")).is_err());
    }
}
