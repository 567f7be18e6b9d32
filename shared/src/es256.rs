//! Signatures of session tokens: ES256 (RFC 7518, section 3.4) for the `jsonwebtoken` crate, made and
//! judged by ring, which is in every function already for its connections. The crate's own choices are
//! slower (half of a function's work was checking signatures) or larger, and know ten more algorithms:
//! with this provider a token can name no other than the one we use.

use std::sync::LazyLock;

use jsonwebtoken::{
    Algorithm, AlgorithmFamily, DecodingKey, EncodingKey,
    crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils},
    errors::{ErrorKind, Result},
    signature::{Error, Signer, Verifier},
};
use ring::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, UnparsedPublicKey,
    },
};

/// Has `jsonwebtoken` use this provider from now on, in the whole program.
///
/// # Errors
/// When the program has given it another one.
pub fn install() -> std::result::Result<(), &'static str> {
    static PROVIDER: CryptoProvider = CryptoProvider {
        signer_factory: |algorithm, key| signer(*algorithm, key),
        verifier_factory: |algorithm, key| verifier(*algorithm, key),
        key_utils: KeyUtils::new_unimplemented(),
    };
    static OURS: LazyLock<bool> = LazyLock::new(|| PROVIDER.install_default().is_ok());
    OURS.then_some(()).ok_or("jsonwebtoken has another provider of signatures")
}

fn expect(algorithm: Algorithm, family: AlgorithmFamily) -> Result<()> {
    if algorithm != Algorithm::ES256 {
        return Err(ErrorKind::InvalidAlgorithm.into());
    }
    if family != AlgorithmFamily::Ec {
        return Err(ErrorKind::InvalidKeyFormat.into());
    }
    Ok(())
}

fn signer(algorithm: Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>> {
    expect(algorithm, key.family())?;
    let random = SystemRandom::new();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key.as_bytes(), &random)
        .map_err(|_| ErrorKind::InvalidEcdsaKey)?;
    Ok(Box::new(Es256Signer { pair, random }))
}

fn verifier(algorithm: Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
    expect(algorithm, key.family())?;
    let point = key.try_get_as_bytes()?.to_vec();
    Ok(Box::new(Es256Verifier(UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point))))
}

struct Es256Signer {
    pair: EcdsaKeyPair,
    random: SystemRandom,
}

impl Signer<Vec<u8>> for Es256Signer {
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, Error> {
        let signature = self.pair.sign(&self.random, message).map_err(|_| Error::new())?;
        Ok(signature.as_ref().to_vec())
    }
}

impl JwtSigner for Es256Signer {
    fn algorithm(&self) -> Algorithm {
        Algorithm::ES256
    }
}

/// The public key: an uncompressed point (SEC 1, section 2.3.3), judged when it is used.
struct Es256Verifier(UnparsedPublicKey<Vec<u8>>);

impl Verifier<Vec<u8>> for Es256Verifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), Error> {
        self.0.verify(message, signature).map_err(|_| Error::new())
    }
}

impl JwtVerifier for Es256Verifier {
    fn algorithm(&self) -> Algorithm {
        Algorithm::ES256
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::crypto;

    use super::*;

    /// RFC 7515, appendix A.3: key, signing input and signature.
    const X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
    const Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
    const INPUT: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    const SIGNATURE: &str =
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

    fn public() -> DecodingKey {
        install().unwrap();
        DecodingKey::from_ec_components(X, Y).unwrap()
    }

    #[test]
    fn the_example_of_the_standard_verifies_and_nothing_near_it_does() {
        let verify = |signature: &str, message: &str| {
            crypto::verify(signature, message.as_bytes(), &public(), Algorithm::ES256)
        };
        assert!(verify(SIGNATURE, INPUT).unwrap());
        assert!(!verify(SIGNATURE, &INPUT.replace("fQ", "fR")).unwrap());
        assert!(!verify(&SIGNATURE.replace("DtE", "DtF"), INPUT).unwrap());
        assert!(!verify(&SIGNATURE[..80], INPUT).unwrap(), "some bytes short");
        assert!(!verify("", INPUT).unwrap());
        // Zeros, which careless verifiers take for a signature of everything.
        assert!(!verify(&"A".repeat(86), INPUT).unwrap());
        let nowhere = DecodingKey::from_ec_components(X, X).unwrap();
        let judged = crypto::verify(SIGNATURE, INPUT.as_bytes(), &nowhere, Algorithm::ES256);
        assert!(!judged.unwrap(), "no point of the curve");
    }

    #[test]
    fn no_other_algorithm_and_no_other_kind_of_key_will_do() {
        let hmac = DecodingKey::from_secret(&[7; 32]);
        for (algorithm, key) in [
            (Algorithm::HS256, &hmac),
            (Algorithm::ES256, &hmac),
            (Algorithm::ES384, &public()),
            (Algorithm::RS256, &public()),
        ] {
            assert!(crypto::verify(SIGNATURE, INPUT.as_bytes(), key, algorithm).is_err());
        }
        let secret = EncodingKey::from_secret(&[7; 32]);
        for algorithm in [Algorithm::HS256, Algorithm::ES256] {
            assert!(crypto::sign(INPUT.as_bytes(), &secret, algorithm).is_err());
        }
    }
}
