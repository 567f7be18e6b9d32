//! Configuration: the one place where the environment is read.
//!
//! | variable | meaning |
//! | --- | --- |
//! | `TABLE`, `HISTORY_TABLE` | names of the two tables |
//! | `STAFF_ORIGIN`, `PORTAL_ORIGIN` | the sites' origins, such as `https://staff.example.org` |
//! | `TOKEN_ISSUER` | `iss` of the session tokens |
//! | `VERIFYING_KEYS` | public keys as a JWK set (RFC 7517); all that verifying needs |
//! | `SIGNING_KEY`, `SIGNING_KEY_ID` | ES256 private key (PKCS#8 PEM) and its `kid`; only for the functions that sign people in |
//! | `TOKEN_SECRET` | key for HMACs: lock counters, invitation and reset tokens |
//! | `OIDC_ISSUER`, `OIDC_CLIENT_ID`, `OIDC_CLIENT_SECRET`, `OIDC_PRACTICE_CLAIM`, `OIDC_ROLE_CLAIM` | the staff's OpenID Connect issuer; only for `staff-sign-in` |
//! | `MAIL_FROM`, `MAIL_CONFIGURATION_SET` | sender address and SES configuration set; only for `send-mail` |

use std::env;

use crate::fields::Secret;

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
    /// `iss` of the session tokens.
    pub token_issuer: String,
    /// Public keys, a JWK set as JSON.
    pub verifying_keys: String,
    /// The key that signs, where sessions are made.
    pub signing: Option<SigningKey>,
    /// Key for HMACs.
    pub token_secret: Secret,
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
    /// Claim that names the practice.
    pub practice_claim: String,
    /// Claim that names the role (or a list that contains it).
    pub role_claim: String,
}

/// How mail is sent.
#[derive(Debug, Clone)]
pub struct MailConfig {
    /// Sender address, verified with SES.
    pub from: String,
    /// SES configuration set, which publishes deliveries and bounces.
    pub configuration_set: Option<String>,
}

/// A variable that is missing.
#[derive(Debug)]
pub struct Missing(&'static str);

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the environment variable {} is not set", self.0)
    }
}

impl std::error::Error for Missing {}

fn required(name: &'static str) -> Result<String, Missing> {
    optional(name).ok_or(Missing(name))
}

fn optional(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

impl Config {
    /// Reads the environment.
    ///
    /// # Errors
    /// Names the first variable that is missing.
    pub fn from_env() -> Result<Self, Missing> {
        let signing = match optional("SIGNING_KEY") {
            Some(pem) => {
                Some(SigningKey { id: required("SIGNING_KEY_ID")?, pem: Secret::new(pem) })
            }
            None => None,
        };
        Ok(Self {
            table: required("TABLE")?,
            history_table: required("HISTORY_TABLE")?,
            staff_origin: required("STAFF_ORIGIN")?,
            portal_origin: required("PORTAL_ORIGIN")?,
            token_issuer: required("TOKEN_ISSUER")?,
            verifying_keys: required("VERIFYING_KEYS")?,
            signing,
            token_secret: Secret::new(required("TOKEN_SECRET")?),
        })
    }
}

impl OidcConfig {
    /// Reads the environment.
    ///
    /// # Errors
    /// Names the first variable that is missing.
    pub fn from_env() -> Result<Self, Missing> {
        Ok(Self {
            issuer: required("OIDC_ISSUER")?,
            client_id: required("OIDC_CLIENT_ID")?,
            client_secret: optional("OIDC_CLIENT_SECRET").map(Secret::new),
            practice_claim: optional("OIDC_PRACTICE_CLAIM").unwrap_or("custom:practice".into()),
            role_claim: optional("OIDC_ROLE_CLAIM").unwrap_or("custom:role".into()),
        })
    }
}

impl MailConfig {
    /// Reads the environment.
    ///
    /// # Errors
    /// Names the first variable that is missing.
    pub fn from_env() -> Result<Self, Missing> {
        Ok(Self {
            from: required("MAIL_FROM")?,
            configuration_set: optional("MAIL_CONFIGURATION_SET"),
        })
    }
}
