//! Keys that the home makes at its first start and keeps in its state folder: in AWS they are made
//! by KMS, Secrets Manager and Cognito.

use std::io::ErrorKind;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::SecretKey;
use p256::elliptic_curve::{Generate, sec1::ToSec1Point};
use p256::pkcs8::{DecodePrivateKey, EncodePrivateKey, LineEnding};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::Trouble;
use crate::state::{StateDir, random};

/// A key pair for ES256 signatures.
#[derive(Clone)]
pub struct SigningKey {
    /// Its name: the key's thumbprint (RFC 7638).
    pub id: String,
    /// The private key, PKCS#8 in PEM.
    pub pem: String,
    /// The public key as a JWK (RFC 7517).
    pub jwk: Value,
}

impl SigningKey {
    /// The key kept in the file `name`, made when there is none yet.
    pub fn open(state: &StateDir, name: &str) -> Result<Self, Trouble> {
        let pem = kept(state, name, || {
            let key = SecretKey::try_generate().map_err(|error| error.to_string())?;
            key.to_pkcs8_pem(LineEnding::LF)
                .map(|pem| pem.to_string())
                .map_err(|error| error.to_string())
        })?;
        let key = SecretKey::from_pkcs8_pem(&pem).map_err(|error| {
            Trouble::new(format!("{} holds no private key: {error}", state.file(name).display()))
        })?;
        let point = key.public_key().to_sec1_point(false);
        let coordinate = |bytes: Option<&p256::FieldBytes>| {
            URL_SAFE_NO_PAD.encode(bytes.map_or(&[][..], AsRef::as_ref))
        };
        let (x, y) = (coordinate(point.x()), coordinate(point.y()));
        // RFC 7638: the required members in this order, without spaces.
        let thumbprint =
            Sha256::digest(format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#));
        let id = URL_SAFE_NO_PAD.encode(thumbprint);
        let jwk = json!({
            "kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": id, "use": "sig", "alg": "ES256",
        });
        Ok(Self { id, pem, jwk })
    }

    /// The JWK set of this one key.
    #[must_use]
    pub fn jwks(&self) -> Value {
        json!({"keys": [self.jwk]})
    }
}

/// The secret kept in the file `name`, 32 random bytes in base64url, made when there is none yet.
pub fn secret(state: &StateDir, name: &str) -> Result<String, Trouble> {
    kept(state, name, || Ok(URL_SAFE_NO_PAD.encode(random::<32>())))
}

fn kept(
    state: &StateDir,
    name: &str,
    make: impl FnOnce() -> Result<String, String>,
) -> Result<String, Trouble> {
    let file = state.file(name);
    let trouble = |error: &dyn std::fmt::Display| {
        Trouble::new(format!("cannot use {}: {error}", file.display()))
    };
    match std::fs::read_to_string(&file) {
        Ok(kept) => Ok(kept),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let fresh = make().map_err(|error| trouble(&error))?;
            state.replace(name, fresh.as_bytes()).map_err(|error| trouble(&error))?;
            Ok(fresh)
        }
        Err(error) => Err(trouble(&error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::TestFolder;

    #[test]
    fn what_was_made_once_stays() {
        let folder = TestFolder::new();
        let state = StateDir::open(&folder.0).unwrap();
        let first = SigningKey::open(&state, "key.pem").unwrap();
        let again = SigningKey::open(&state, "key.pem").unwrap();
        assert_eq!((first.id, first.jwk), (again.id, again.jwk));
        assert_eq!(secret(&state, "s").unwrap(), secret(&state, "s").unwrap());
        assert_ne!(secret(&state, "s").unwrap(), secret(&state, "t").unwrap());
        std::fs::write(state.file("key.pem"), "nonsense").unwrap();
        assert!(SigningKey::open(&state, "key.pem").is_err());
    }
}
