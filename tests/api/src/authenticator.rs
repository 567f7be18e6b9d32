//! What people hold in their hands: an authenticator app, and a device with passkeys.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    hmac,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use shared::fields::At;

/// An authenticator app: RFC 6238 with SHA-1, six digits and 30 seconds.
pub struct Authenticator(Vec<u8>);

impl Authenticator {
    /// Takes a secret in base 32.
    ///
    /// # Panics
    /// When it is not in base 32.
    #[must_use]
    pub fn new(secret: &str) -> Self {
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let (mut bits, mut held, mut bytes) = (0_u32, 0, Vec::new());
        for c in secret.chars() {
            bits = bits << 5 | u32::try_from(alphabet.find(c).expect("base 32")).expect("small");
            held += 5;
            if held >= 8 {
                held -= 8;
                bytes.push(u8::try_from(bits >> held & 255).expect("a byte"));
            }
        }
        Self(bytes)
    }

    /// The code that it shows at a time.
    ///
    /// # Panics
    /// Before 1970.
    #[must_use]
    pub fn code(&self, at: At) -> String {
        let step = u64::try_from(at.seconds() / 30).expect("after 1970");
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0);
        let digest = hmac::sign(&key, &step.to_be_bytes());
        let digest = digest.as_ref();
        let from = usize::from(digest[19] & 15);
        let number = u32::from_be_bytes(digest[from..from + 4].try_into().expect("four bytes"));
        format!("{:06}", (number & 0x7fff_ffff) % 1_000_000)
    }
}

/// A device with one passkey. What it does wrong can be chosen.
pub struct Device {
    key: EcdsaKeyPair,
    /// The id of the passkey.
    pub id: Vec<u8>,
    /// Whose passkey it is, as it was told when it was made.
    pub handle: Vec<u8>,
    /// The page's origin.
    pub origin: String,
    /// The relying party.
    pub party: String,
    /// Whether it verified the person.
    pub verified: bool,
    /// How often it signed, as it says.
    pub counter: u32,
}

impl Device {
    /// A device at a portal.
    ///
    /// # Panics
    /// When the address names no host.
    #[must_use]
    pub fn at(origin: &str, id: u8) -> Self {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("a key");
        let key = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).expect("a key");
        let host = origin.split("://").nth(1).expect("a host");
        let party = host.split(':').next().expect("a host").to_owned();
        Self {
            key,
            id: vec![id; 32],
            handle: Vec::new(),
            origin: origin.to_owned(),
            party,
            verified: true,
            counter: 0,
        }
    }

    fn client_data(&self, kind: &str, options: &Value) -> Vec<u8> {
        let challenge = options["publicKey"]["challenge"].as_str().expect("a challenge");
        let data = json!({
            "type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": false,
        });
        data.to_string().into_bytes()
    }

    fn data(&self, more: u8) -> Vec<u8> {
        let mut data = Sha256::digest(self.party.as_bytes()).to_vec();
        // The person is there (1), was verified (4); the key can be kept elsewhere (8), and is (16).
        let verified = if self.verified { 4 } else { 0 };
        data.push(1 | verified | 8 | 16 | more);
        data.extend(self.counter.to_be_bytes());
        data
    }

    /// Makes the passkey that a page asks for.
    ///
    /// # Panics
    /// When these are no options.
    pub fn create(&mut self, options: &Value) -> Value {
        let handle = options["publicKey"]["user"]["id"].as_str().expect("a handle");
        self.handle = URL_SAFE_NO_PAD.decode(handle).expect("base64");
        let client_data = self.client_data("webauthn.create", options);
        let mut data = self.data(64);
        data.extend([0; 16]);
        data.extend(u16::try_from(self.id.len()).expect("short").to_be_bytes());
        data.extend(&self.id);
        // A COSE key in CBOR: EC2, ES256, P-256, x, y.
        let point = self.key.public_key().as_ref();
        data.extend([0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32]);
        data.extend(&point[1..33]);
        data.extend([0x22, 0x58, 32]);
        data.extend(&point[33..65]);
        let mut attestation = vec![0xa3, 0x63];
        attestation.extend(b"fmt\x64none\x67attStmt\xa0\x68authData\x58");
        attestation.push(u8::try_from(data.len()).expect("short"));
        attestation.extend(&data);
        json!({
            "id": URL_SAFE_NO_PAD.encode(&self.id), "rawId": URL_SAFE_NO_PAD.encode(&self.id),
            "type": "public-key", "clientExtensionResults": {},
            "authenticatorAttachment": "platform",
            "response": {
                "clientDataJSON": URL_SAFE_NO_PAD.encode(client_data),
                "attestationObject": URL_SAFE_NO_PAD.encode(attestation),
                "transports": ["internal"],
            },
        })
    }

    /// Signs what a page asks.
    ///
    /// # Panics
    /// When these are no options.
    pub fn get(&mut self, options: &Value) -> Value {
        let client_data = self.client_data("webauthn.get", options);
        let data = self.data(0);
        let mut signed = data.clone();
        signed.extend(Sha256::digest(&client_data));
        let signature = self.key.sign(&SystemRandom::new(), &signed).expect("signed");
        json!({
            "id": URL_SAFE_NO_PAD.encode(&self.id), "rawId": URL_SAFE_NO_PAD.encode(&self.id),
            "type": "public-key", "clientExtensionResults": {},
            "authenticatorAttachment": "platform",
            "response": {
                "clientDataJSON": URL_SAFE_NO_PAD.encode(client_data),
                "authenticatorData": URL_SAFE_NO_PAD.encode(data),
                "signature": URL_SAFE_NO_PAD.encode(signature.as_ref()),
                "userHandle": URL_SAFE_NO_PAD.encode(&self.handle),
            },
        })
    }
}
