//! Invitation and reset tokens.
//!
//! A token is `practice.` followed by unpadded base64url of where the access lives and of 32 bytes
//! of secret. The places are ids, so that one request finds everything at once; the secret is
//! HMAC-SHA-256 of 32 random bytes under the deployment's key. The random bytes wait in the outbox
//! mail, the SHA-256 of the secret stands with the access, and the secret itself is nowhere but in
//! the mail that was sent: whoever reads the table cannot make it, and `send-mail` can make it
//! again when it has to try twice. The secret of a printed invitation is 32 random bytes, of which
//! nothing is kept but the SHA-256.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use ulid::Ulid;

use crate::{
    context::Context,
    fields::Secret,
    id::{AccountKey, AppId, ClientId, PortalUserId, PracticeId, SessionId},
    problem::Problem,
};

/// 32 random bytes from which a token's secret is made.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Nonce(#[serde(with = "bytes")] [u8; 32]);

/// SHA-256 of a token's secret: all that the table keeps of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TokenHash(String);

/// A token's secret.
#[derive(Clone)]
pub struct TokenSecret([u8; 32]);

impl std::fmt::Debug for Nonce {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Nonce")
    }
}

impl TokenHash {
    /// The hash as it stands in the table, for the key of an item.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenHash")
    }
}

impl std::fmt::Debug for TokenSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenSecret")
    }
}

impl Nonce {
    /// Fresh random bytes.
    #[must_use]
    pub fn new(context: &Context) -> Self {
        Self(context.random())
    }

    /// The bytes, for a secret that is made of them in another way.
    pub(crate) const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The secret that belongs to these bytes.
    ///
    /// # Errors
    /// 500 in a function that was given no secret.
    pub fn secret(&self, context: &Context) -> Result<TokenSecret, Problem> {
        context.hmac("token", &[&self.0]).map(TokenSecret)
    }
}

impl TokenSecret {
    /// A fresh secret that no mail carries: the table keeps its hash, the caller the secret.
    #[must_use]
    pub fn new(context: &Context) -> Self {
        Self(context.random())
    }

    /// Reads a secret; `None` for anything that cannot be one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// The secret as text: to be shown once.
    #[must_use]
    pub fn text(&self) -> Secret {
        Secret::new(URL_SAFE_NO_PAD.encode(self.0))
    }

    /// What the table keeps.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        TokenHash(URL_SAFE_NO_PAD.encode(Sha256::digest(self.0)))
    }

    /// Whether this is the secret with that hash; takes as long whether or not.
    #[must_use]
    pub fn matches(&self, hash: &TokenHash) -> bool {
        self.hash().0.as_bytes().ct_eq(hash.0.as_bytes()).into()
    }
}

/// An invitation's token, taken apart.
#[derive(Debug, Clone)]
pub struct InvitationToken {
    /// The practice.
    pub practice: PracticeId,
    /// The account that will be made, or joined.
    pub account: AccountKey,
    /// The chart.
    pub client: ClientId,
    /// The portal user who was invited.
    pub user: PortalUserId,
    /// What proves that the mail arrived.
    pub secret: TokenSecret,
}

/// The token that confirms a new e-mail address, taken apart.
#[derive(Debug, Clone)]
pub struct ConfirmationToken {
    /// The practice.
    pub practice: PracticeId,
    /// The account.
    pub account: AccountKey,
    /// One of its charts.
    pub client: ClientId,
    /// The person's portal user there.
    pub user: PortalUserId,
    /// What proves that the mail arrived.
    pub secret: TokenSecret,
}

impl ConfirmationToken {
    /// The token as it stands in the link.
    #[must_use]
    pub fn text(&self) -> String {
        join(
            &self.practice,
            &[&self.account.bytes(), &self.client.bytes(), &self.user.bytes(), &self.secret.0],
        )
    }

    /// Takes a token apart; `None` for anything that cannot be one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (practice, bytes) = split::<80>(text)?;
        Some(Self {
            practice,
            account: AccountKey::from_bytes(piece(&bytes, 0)),
            client: ClientId::from_bytes(piece(&bytes, 16)),
            user: PortalUserId::from_bytes(piece(&bytes, 32)),
            secret: TokenSecret(piece(&bytes, 48)),
        })
    }
}

/// A reset's token, taken apart.
#[derive(Debug, Clone)]
pub struct ResetToken {
    /// The practice.
    pub practice: PracticeId,
    /// The account.
    pub account: AccountKey,
    /// What proves that the mail arrived.
    pub secret: TokenSecret,
}

impl InvitationToken {
    /// The link with which the person enrols. The token stands in the fragment, which no server gets to see.
    #[must_use]
    pub fn link(&self, portal_address: &str) -> Secret {
        Secret::new(format!("{portal_address}/enroll#{}", self.text()))
    }

    /// The token as it stands in the link.
    #[must_use]
    pub fn text(&self) -> String {
        join(
            &self.practice,
            &[&self.account.bytes(), &self.client.bytes(), &self.user.bytes(), &self.secret.0],
        )
    }

    /// Takes a token apart; `None` for anything that cannot be one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (practice, bytes) = split::<80>(text)?;
        Some(Self {
            practice,
            account: AccountKey::from_bytes(piece(&bytes, 0)),
            client: ClientId::from_bytes(piece(&bytes, 16)),
            user: PortalUserId::from_bytes(piece(&bytes, 32)),
            secret: TokenSecret(piece(&bytes, 48)),
        })
    }
}

impl ResetToken {
    /// The token as it stands in the link.
    #[must_use]
    pub fn text(&self) -> String {
        join(&self.practice, &[&self.account.bytes(), &self.secret.0])
    }

    /// Takes a token apart; `None` for anything that cannot be one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (practice, bytes) = split::<48>(text)?;
        Some(Self {
            practice,
            account: AccountKey::from_bytes(piece(&bytes, 0)),
            secret: TokenSecret(piece(&bytes, 16)),
        })
    }
}

/// What opens the second step of a sign-in, taken apart: shown once, to who gave the right password.
#[derive(Debug, Clone)]
pub struct ChallengeToken {
    /// The practice.
    pub practice: PracticeId,
    /// The account.
    pub account: AccountKey,
    /// What proves that we made it.
    pub secret: TokenSecret,
}

impl ChallengeToken {
    /// The token as the page gets it.
    #[must_use]
    pub fn text(&self) -> String {
        join(&self.practice, &[&self.account.bytes(), &self.secret.0])
    }

    /// Takes a token apart; `None` for anything that cannot be one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (practice, bytes) = split::<48>(text)?;
        Some(Self {
            practice,
            account: AccountKey::from_bytes(piece(&bytes, 0)),
            secret: TokenSecret(piece(&bytes, 16)),
        })
    }
}

/// What a passkey's answer belongs to that signs in alone, taken apart.
#[derive(Debug, Clone)]
pub struct DoorToken {
    /// The practice.
    pub practice: PracticeId,
    /// What proves that we made it.
    pub secret: TokenSecret,
}

impl DoorToken {
    /// The token as the page gets it.
    #[must_use]
    pub fn text(&self) -> String {
        join(&self.practice, &[&self.secret.0])
    }

    /// Takes a token apart; `None` for anything that cannot be one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (practice, bytes) = split::<32>(text)?;
        Some(Self { practice, secret: TokenSecret(bytes) })
    }
}

/// A code or an access token of an app, taken apart.
#[derive(Debug, Clone)]
pub struct AppToken {
    /// The app that it is for.
    pub app: AppId,
    /// The account of the person who is signed in.
    pub account: AccountKey,
    /// The session in which it was made, and with which it ends.
    pub sid: SessionId,
    /// What proves that we made it.
    pub secret: TokenSecret,
}

impl AppToken {
    /// The token as the app gets it.
    #[must_use]
    pub fn text(&self) -> String {
        let app = self.app.ulid().to_bytes();
        let pieces: [&[u8]; 4] = [&app, &self.account.bytes(), &self.sid.bytes(), &self.secret.0];
        join(self.app.practice(), &pieces)
    }

    /// Takes a token apart; `None` for anything that cannot be one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (practice, bytes) = split::<80>(text)?;
        Some(Self {
            app: AppId::new(practice, Ulid::from_bytes(piece(&bytes, 0))),
            account: AccountKey::from_bytes(piece(&bytes, 16)),
            sid: SessionId::from_bytes(piece(&bytes, 32)),
            secret: TokenSecret(piece(&bytes, 48)),
        })
    }
}

/// The practice that a token names, whatever else is wrong with it.
#[must_use]
pub fn practice_of(text: &str) -> Option<PracticeId> {
    PracticeId::parse(text.split_once('.')?.0)
}

fn join(practice: &PracticeId, pieces: &[&[u8]]) -> String {
    format!("{practice}.{}", URL_SAFE_NO_PAD.encode(pieces.concat()))
}

fn split<const N: usize>(text: &str) -> Option<(PracticeId, [u8; N])> {
    let (practice, rest) = text.split_once('.')?;
    let bytes = URL_SAFE_NO_PAD.decode(rest).ok()?.try_into().ok()?;
    Some((PracticeId::parse(practice)?, bytes))
}

fn piece<const N: usize>(bytes: &[u8], from: usize) -> [u8; N] {
    let mut piece = [0; N];
    piece.copy_from_slice(&bytes[from..from + N]);
    piece
}

mod bytes {
    //! Bytes as base64url text, in items and JSON alike.
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub fn serialize<S: Serializer>(bytes: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&URL_SAFE_NO_PAD.encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 32], D::Error> {
        let text = String::deserialize(deserializer)?;
        URL_SAFE_NO_PAD
            .decode(text)
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(|| de::Error::custom("not 32 bytes"))
    }
}
