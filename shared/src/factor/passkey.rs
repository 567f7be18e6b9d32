//! Passkeys (Web Authentication), judged by `webauthn-rs`: what a browser answers, the signature, the relying
//! party, the origin, that the person was verified (by a fingerprint, a face or a PIN), and a counter that must
//! not go back.
//!
//! The relying party is the portal's own host, for all practices. A passkey can be found by the device itself,
//! so that a person signs in with it and types nothing: it carries [`Handle`], which leads to the account.
//! Attestation is not asked for: what counts is that the person added the key.

use std::{collections::BTreeMap, fmt};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use webauthn_rs::prelude::{
    AuthenticationResult, DiscoverableAuthentication, Passkey as Credential, PasskeyRegistration,
    PublicKeyCredential, RegisterPublicKeyCredential, Url, Uuid, Webauthn, WebauthnBuilder,
    WebauthnError,
};

use crate::{
    account::Account,
    app::App,
    fields::{At, PasskeyName, Secret},
    id::{AccountId, AccountKey, PasskeyId},
    problem::Problem,
};

/// What a browser answered: an object, whose members are judged by the library.
#[derive(Clone, Serialize)]
#[serde(transparent)]
pub struct Answer(Map<String, Value>);

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answer")
    }
}

impl<'de> Deserialize<'de> for Answer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(AnswerVisitor)
    }
}

/// Takes an object, and not `null` for an empty one.
struct AnswerVisitor;

impl<'de> Visitor<'de> for AnswerVisitor {
    type Value = Answer;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Answer, A::Error> {
        Map::deserialize(MapAccessDeserializer::new(members)).map(Answer)
    }
}

/// The most passkeys of one account.
pub const MOST: usize = 10;

/// A passkey of an account.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Passkey {
    /// What the person calls it.
    pub name: PasskeyName,
    /// When it was added.
    pub created_at: At,
    /// When it was last signed in with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<At>,
    /// Its id, public key and counter, as the library keeps them.
    key: Secret,
}

/// A passkey, as the person sees it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Passkey)]
pub struct PasskeyView {
    /// Its id.
    pub passkey_id: PasskeyId,
    /// What the person calls it.
    pub name: PasskeyName,
    /// When it was added.
    pub created_at: At,
    /// When it was last signed in with.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub last_used_at: Option<At>,
}

/// What a browser is asked, and what its answer is judged by.
pub struct Asked {
    /// The options for the browser (`publicKey`, as `navigator.credentials` takes them in JSON).
    pub options: Value,
    /// What the answer is judged by: to be kept, and used once.
    pub state: Secret,
}

/// What a passkey carries of its account: the id of the account, and where it was kept when its first passkey
/// was added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handle {
    /// The account.
    pub account: AccountId,
    /// Where it was kept then.
    pub key: AccountKey,
}

impl Handle {
    fn bytes(&self) -> Vec<u8> {
        [self.account.bytes(), self.key.bytes()].concat()
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (account, key) = bytes.split_at_checked(16)?;
        Some(Self {
            account: AccountId::from_bytes(account.try_into().ok()?),
            key: AccountKey::from_bytes(key.try_into().ok()?),
        })
    }
}

/// Where an account is kept by now, whose sign-in name changed after its first passkey was added.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Moved {
    /// Where it is kept.
    pub account: AccountKey,
}

/// Asks a browser for a new passkey.
///
/// # Errors
/// 500 when the portal's address is none that a passkey can be for.
pub fn ask_for_new(
    app: &App,
    practice: &str,
    account: &Account,
    key: &AccountKey,
) -> Result<Asked, Problem> {
    let known: Vec<Credential> =
        account.factors.passkeys.values().map(Passkey::credential).collect::<Result<_, _>>()?;
    let known = known.iter().map(|credential| credential.cred_id().clone()).collect();
    let id = Uuid::from_bytes(account.account_id.bytes());
    let (name, person) = (account.username.as_str(), account.name.full());
    let (options, state) = library(app, practice)?
        .start_passkey_registration(id, name, &person, Some(known))
        .map_err(|error| broken(&error))?;
    let mut options = to_value(&options)?;
    let handle = Handle { account: account.account_id, key: account.factors.home(key).clone() };
    options["publicKey"]["user"]["id"] = json!(URL_SAFE_NO_PAD.encode(handle.bytes()));
    // One that the device cannot find by itself would need the sign-in name.
    options["publicKey"]["authenticatorSelection"]["residentKey"] = json!("required");
    options["publicKey"]["authenticatorSelection"]["requireResidentKey"] = json!(true);
    Ok(Asked { options, state: to_secret(&state)? })
}

/// A new passkey, once a browser has answered; `None` for an answer that is not right, or of a key that the account
/// has.
///
/// # Errors
/// 500 when what is kept is not what it should be.
pub fn add(
    app: &App,
    state: &Secret,
    name: PasskeyName,
    answer: &Answer,
) -> Result<Option<Passkey>, Problem> {
    let Some(answer) = read::<RegisterPublicKeyCredential>(answer) else { return Ok(None) };
    let state: PasskeyRegistration = from_secret(state)?;
    let Ok(credential) = library(app, "")?.finish_passkey_registration(&answer, &state) else {
        return Ok(None);
    };
    let key = to_secret(&credential)?;
    Ok(Some(Passkey { name, created_at: app.now(), last_used_at: None, key }))
}

/// Asks a browser for one of these passkeys; without any, for whichever the person chooses.
///
/// # Errors
/// 500.
pub fn ask(app: &App, known: &BTreeMap<PasskeyId, Passkey>) -> Result<Asked, Problem> {
    let (options, state) =
        library(app, "")?.start_discoverable_authentication().map_err(|error| broken(&error))?;
    let mut options = to_value(&options)?;
    if !known.is_empty() {
        let allowed = known.values().map(|passkey| {
            let id = URL_SAFE_NO_PAD.encode(passkey.credential()?.cred_id());
            Ok(json!({"type": "public-key", "id": id}))
        });
        options["publicKey"]["allowCredentials"] = allowed.collect::<Result<Value, Problem>>()?;
    }
    Ok(Asked { options, state: to_secret(&state)? })
}

/// Whose passkey answered, as it says itself.
#[must_use]
pub fn whose(answer: &Answer) -> Option<Handle> {
    let answer: PublicKeyCredential = read(answer)?;
    answer.get_user_unique_id().and_then(Handle::parse)
}

/// Takes the answer of one of an account's passkeys, and notes its use. `None` when it is not right: no key of
/// the account, another challenge, origin or relying party, a wrong signature, a person who was not verified, or a
/// counter that did not rise.
///
/// # Errors
/// 500 when what is kept is not what it should be.
pub fn take(
    app: &App,
    state: &Secret,
    known: &mut BTreeMap<PasskeyId, Passkey>,
    answer: &Answer,
) -> Result<Option<PasskeyId>, Problem> {
    let Some(answer) = read::<PublicKeyCredential>(answer) else { return Ok(None) };
    for (id, passkey) in known {
        let mut credential = passkey.credential()?;
        if credential.cred_id().as_slice() != answer.get_credential_id() {
            continue;
        }
        let state: DiscoverableAuthentication = from_secret(state)?;
        let judged =
            library(app, "")?.finish_discoverable_authentication_v2(&answer, state, &credential);
        let Some(result) = judged.ok().filter(AuthenticationResult::user_verified) else {
            return Ok(None);
        };
        credential.update_credential(&result);
        passkey.key = to_secret(&credential)?;
        passkey.last_used_at = Some(app.now());
        return Ok(Some(*id));
    }
    Ok(None)
}

impl Passkey {
    /// What the person sees.
    #[must_use]
    pub fn view(&self, passkey_id: PasskeyId) -> PasskeyView {
        let Self { name, created_at, last_used_at, .. } = self.clone();
        PasskeyView { passkey_id, name, created_at, last_used_at }
    }

    fn credential(&self) -> Result<Credential, Problem> {
        from_secret(&self.key)
    }
}

fn library(app: &App, practice: &str) -> Result<Webauthn, Problem> {
    let wrong = || Problem::internal("no passkey can be for the portal's address");
    let origin = Url::parse(&app.config().portal_origin).map_err(|_| wrong())?;
    let host = origin.host_str().ok_or_else(wrong)?;
    let builder = WebauthnBuilder::new(host, &origin).map_err(|_| wrong())?;
    builder.rp_name(practice).build().map_err(|_| wrong())
}

/// `None` for what is no answer of a browser at all.
fn read<T: DeserializeOwned>(answer: &Answer) -> Option<T> {
    serde_json::from_value(Value::Object(answer.0.clone())).ok()
}

fn to_value<T: Serialize>(value: &T) -> Result<Value, Problem> {
    serde_json::to_value(value).map_err(|_| Problem::internal("passkey options were not written"))
}

fn to_secret<T: Serialize>(value: &T) -> Result<Secret, Problem> {
    let text = serde_json::to_string(value);
    text.map(Secret::new).map_err(|_| Problem::internal("a passkey was not written"))
}

fn from_secret<T: DeserializeOwned>(text: &Secret) -> Result<T, Problem> {
    serde_json::from_str(text.reveal()).map_err(|_| Problem::internal("a passkey was not read"))
}

fn broken(error: &WebauthnError) -> Problem {
    Problem::internal(format!("passkeys: {error}"))
}
