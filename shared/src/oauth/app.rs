//! Who is registered: an app that lets people in on Latchkey's word, or a system that calls the API by
//! itself. Each belongs to one practice.

use std::collections::BTreeSet;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    context::Context,
    fields::{AppName, At, KeyId, Permission, Secret},
    id::{AppId, Epoch, PracticeId},
    keys::{self, Key},
    oauth::address::{Address, Hosts},
    problem::Problem,
    refusal::Refusal,
    store::{Store, Update, parse},
    token::{TokenHash, TokenSecret},
};

/// Most apps and systems of one practice: they are listed in one read.
pub const MOST_APPS: usize = 50;
/// Most addresses of one kind.
const MOST_ADDRESSES: usize = 10;
/// Most public keys of one app: enough to change them one by one.
const MOST_KEYS: usize = 5;
/// Seconds that an old secret works beside a new one.
const SECRET_OVERLAP: i64 = 24 * 60 * 60;
/// Seconds between two notes of when an app was last used.
const NOTED_EVERY: i64 = 10 * 60;

/// Seconds between two records that somebody did not prove to be an app.
const REFUSALS_EVERY: i64 = 15 * 60;

/// What a registered program is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum AppKind {
    /// A service of the portal, which lets people in.
    Portal,
    /// A program of the practice, which calls the API by itself.
    System,
}

/// How an app shows that it is itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Authentication {
    /// With a secret, in the header (`client_secret_basic`).
    Secret,
    /// With a key of its own (`private_key_jwt`).
    Key,
    /// Not at all, as a page in a browser, which can keep nothing: PKCE alone holds.
    None,
}

/// What a system may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SystemScope)]
pub enum SystemScope {
    /// Read and change clients.
    Clients,
    /// Read and change who has access.
    Access,
    /// Post alerts.
    Alerts,
    /// Read the history.
    History,
}

impl SystemScope {
    /// The slug that the API answers.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Clients => "clients",
            Self::Access => "access",
            Self::Alerts => "alerts",
            Self::History => "history",
        }
    }
}

// `deny_unknown_fields` is for the API document: what is read is the parts, without other members at the
// door (`strict` sees to it), with whatever a newer version wrote in the store.

/// A public key of an app: for ES256, as a JWK (RFC 7517).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(from = "KeyParts", deny_unknown_fields)]
pub struct PublicKey {
    /// `EC`.
    #[schema(pattern = "^EC$")]
    pub kty: String,
    /// `P-256`.
    #[schema(pattern = "^P-256$")]
    pub crv: String,
    /// Which key it is.
    pub kid: KeyId,
    /// Coordinate: 32 bytes in unpadded base64url.
    #[schema(pattern = "^[A-Za-z0-9_-]{43}$")]
    pub x: String,
    /// Coordinate: 32 bytes in unpadded base64url.
    #[schema(pattern = "^[A-Za-z0-9_-]{43}$")]
    pub y: String,
    /// `sig`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^sig$", nullable = false)]
    pub r#use: Option<String>,
    /// `ES256`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^ES256$", nullable = false)]
    pub alg: Option<String>,
}

#[derive(Deserialize)]
struct KeyParts {
    kty: String,
    crv: String,
    kid: KeyId,
    x: String,
    y: String,
    #[serde(default)]
    r#use: Option<String>,
    #[serde(default)]
    alg: Option<String>,
}

impl From<KeyParts> for PublicKey {
    fn from(KeyParts { kty, crv, kid, x, y, r#use, alg }: KeyParts) -> Self {
        Self { kty, crv, kid, x, y, r#use, alg }
    }
}

impl PublicKey {
    fn check(&self) -> Result<(), Refusal> {
        let coordinate = |text: &str| URL_SAFE_NO_PAD.decode(text).is_ok_and(|b| b.len() == 32);
        let fits = self.kty == "EC"
            && self.crv == "P-256"
            && self.r#use.as_deref().is_none_or(|u| u == "sig")
            && self.alg.as_deref().is_none_or(|alg| alg == "ES256")
            && coordinate(&self.x)
            && coordinate(&self.y);
        let not = || Refusal::invalid("not_a_key", "Give a public key for ES256: EC, P-256.");
        if fits { Ok(()) } else { Err(not()) }
    }
}

/// What an admin says of an app: all of it but what is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Registration {
    /// What people call it.
    pub name: AppName,
    /// What it is.
    pub kind: AppKind,
    /// The permission that it serves: it sees only the charts where the person has that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permission: Option<Permission>,
    /// Where its tile leads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launch_url: Option<Address>,
    /// Where people may be sent back to with a code.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redirect_uris: Vec<Address>,
    /// Where people may be sent back to once they are signed out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub post_logout_redirect_uris: Vec<Address>,
    /// Where it is told that a session ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logout_uri: Option<Address>,
    /// How it shows that it is itself.
    pub authentication: Authentication,
    /// Its keys, if it shows itself with one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub public_keys: Vec<PublicKey>,
    /// What it may do by itself: a system that of its scopes, an app at most post alerts.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub scopes: BTreeSet<SystemScope>,
}

impl Registration {
    /// Refuses what no single field can tell is wrong.
    ///
    /// # Errors
    /// 400 or 422, naming the field.
    pub fn check(&self, hosts: Hosts) -> Result<(), Problem> {
        let lists = [
            ("redirectUris", &self.redirect_uris),
            ("postLogoutRedirectUris", &self.post_logout_redirect_uris),
        ];
        let single = [("launchUrl", &self.launch_url), ("logoutUri", &self.logout_uri)];
        for (field, addresses) in lists {
            if addresses.len() > MOST_ADDRESSES {
                return Err(too_many(field, MOST_ADDRESSES));
            }
            for (n, address) in addresses.iter().enumerate() {
                let refused = |refusal| Problem::refused(format!("{field}[{n}]"), refusal);
                hosts.admit(address).map_err(refused)?;
                if addresses[..n].contains(address) {
                    return Err(refused(Refusal::rule("twice", "This address is there already.")));
                }
            }
        }
        for (field, address) in single {
            if let Some(address) = address {
                hosts.admit(address).map_err(|refusal| Problem::refused(field, refusal))?;
            }
        }
        if self.public_keys.len() > MOST_KEYS {
            return Err(too_many("publicKeys", MOST_KEYS));
        }
        for (n, key) in self.public_keys.iter().enumerate() {
            let refused = |refusal| Problem::refused(format!("publicKeys[{n}]"), refusal);
            key.check().map_err(refused)?;
            if self.public_keys[..n].iter().any(|other| other.kid == key.kid) {
                return Err(refused(Refusal::rule("twice", "Two keys have this kid.")));
            }
        }
        self.check_together()
    }

    fn check_together(&self) -> Result<(), Problem> {
        let refused =
            |field: &str, code, message| Err(Problem::refused(field, Refusal::rule(code, message)));
        let keyed = self.authentication == Authentication::Key;
        if keyed && self.public_keys.is_empty() {
            return refused(
                "publicKeys",
                "missing",
                "An app with a key of its own needs one here.",
            );
        }
        if !keyed && !self.public_keys.is_empty() {
            return refused("publicKeys", "not_for_this", "Keys are for authentication by key.");
        }
        match self.kind {
            AppKind::Portal => {
                if self.scopes.iter().any(|scope| *scope != SystemScope::Alerts) {
                    let only = "An app may have alerts; the others are for systems.";
                    return refused("scopes", "not_for_this", only);
                }
                if !self.scopes.is_empty() && self.authentication == Authentication::None {
                    let why = "An app needs a secret or a key to post alerts.";
                    return refused("scopes", "not_for_this", why);
                }
            }
            AppKind::System => {
                if self.authentication == Authentication::None {
                    return refused(
                        "authentication",
                        "not_for_this",
                        "A system needs a secret or a key.",
                    );
                }
                if self.scopes.is_empty() {
                    return refused("scopes", "missing", "Say what the system may do.");
                }
                let not_for_this = "This is for apps that people open.";
                let given = [
                    ("permission", self.permission.is_some()),
                    ("launchUrl", self.launch_url.is_some()),
                    ("redirectUris", !self.redirect_uris.is_empty()),
                    ("postLogoutRedirectUris", !self.post_logout_redirect_uris.is_empty()),
                    ("logoutUri", self.logout_uri.is_some()),
                ];
                if let Some((field, _)) = given.iter().find(|(_, given)| *given) {
                    return refused(field, "not_for_this", not_for_this);
                }
            }
        }
        Ok(())
    }
}

fn too_many(field: &'static str, most: usize) -> Problem {
    Problem::refused(field, Refusal::invalid("too_many", format!("At most {most}.")))
}

/// A secret of an app, as the table knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptSecret {
    /// Its hash.
    pub hash: TokenHash,
    /// When it stops to work; none for the newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<At>,
}

/// An app or a system as stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegisteredApp {
    /// Its id.
    pub app_id: AppId,
    /// What an admin said of it.
    pub registration: Registration,
    /// Whether it may ask anything.
    pub enabled: bool,
    /// Which time of being switched on this is; none is the first. What was made in an earlier one opens
    /// nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<Epoch>,
    /// Its secrets: the newest, and the one before for a day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<KeptSecret>,
    /// When it last asked something, to ten minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<At>,
    /// When it was last recorded that somebody did not prove to be this app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused_at: Option<At>,
    /// Raised by every change that staff see.
    pub version: u64,
    /// Raised by every write.
    #[serde(skip_serializing, default)]
    pub rev: u64,
}

/// An app or a system as the API answers it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = App)]
pub struct AppView {
    /// Its id: the OAuth `client_id`.
    pub app_id: AppId,
    /// What people call it.
    pub name: AppName,
    /// What it is.
    pub kind: AppKind,
    /// The permission that it serves.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub permission: Option<Permission>,
    /// Where its tile leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub launch_url: Option<Address>,
    /// Where people may be sent back to with a code.
    pub redirect_uris: Vec<Address>,
    /// Where people may be sent back to once they are signed out.
    pub post_logout_redirect_uris: Vec<Address>,
    /// Where it is told that a session ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub logout_uri: Option<Address>,
    /// How it shows that it is itself.
    pub authentication: Authentication,
    /// Its keys.
    pub public_keys: Vec<PublicKey>,
    /// What it may do by itself.
    pub scopes: BTreeSet<SystemScope>,
    /// Whether it may ask anything.
    pub enabled: bool,
    /// When it last asked something, to ten minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub last_used_at: Option<At>,
    /// Raised by every change: an edit names the version that it is of.
    pub version: u64,
}

impl RegisteredApp {
    /// A new app, and its secret, if it shows itself with one.
    #[must_use]
    pub fn new(
        context: &Context,
        practice: PracticeId,
        registration: Registration,
    ) -> (Self, Option<Secret>) {
        let app_id = AppId::new(practice, context.ulid());
        let mut app = Self {
            app_id,
            registration,
            enabled: true,
            epoch: None,
            secrets: Vec::new(),
            last_used_at: None,
            refused_at: None,
            version: 1,
            rev: 0,
        };
        let secret = app.has_secret().then(|| app.renew_secret(context));
        (app, secret)
    }

    /// Where an app is kept.
    #[must_use]
    pub fn key(id: &AppId) -> Key {
        keys::app(id.practice(), id.ulid())
    }

    /// Reads an app, strongly consistent.
    ///
    /// # Errors
    /// 404 when there is none, 503 when the table does not answer.
    pub async fn load(store: &Store, id: &AppId) -> Result<Self, Problem> {
        store.get(&Self::key(id)).await?.ok_or_else(Problem::not_found)
    }

    /// Reads all apps of a practice, oldest first.
    ///
    /// # Errors
    /// 503 when the table does not answer.
    pub async fn all(store: &Store, practice: &PracticeId) -> Result<Vec<Self>, Problem> {
        let items = store.partition(&keys::partition::apps(practice), keys::APP).await?;
        items.into_iter().map(parse).collect()
    }

    /// Begins another time of being switched on: codes and tokens from before are worth nothing.
    pub fn begin_epoch(&mut self, context: &Context) {
        self.epoch = Some(Epoch::new(context.ulid()));
    }

    /// Whether it shows itself with a secret.
    #[must_use]
    pub fn has_secret(&self) -> bool {
        self.registration.authentication == Authentication::Secret
    }

    /// Makes a new secret. The one before works for a day more, any earlier one no longer.
    pub fn renew_secret(&mut self, context: &Context) -> Secret {
        let until = context.now().plus(SECRET_OVERLAP);
        let secret = TokenSecret::new(context);
        self.secrets.retain(|kept| kept.until.is_none());
        for old in &mut self.secrets {
            old.until = Some(until);
        }
        self.secrets.push(KeptSecret { hash: secret.hash(), until: None });
        secret.text()
    }

    /// Whether this is one of its secrets; takes as long whether or not.
    #[must_use]
    pub fn knows(&self, secret: &str, now: At) -> bool {
        let Some(secret) = TokenSecret::parse(secret) else { return false };
        let works = |kept: &&KeptSecret| kept.until.is_none_or(|until| until > now);
        self.secrets
            .iter()
            .filter(works)
            .fold(false, |found, kept| secret.matches(&kept.hash) | found)
    }

    /// The note that it asked something now, unless a like one was made some minutes ago.
    #[must_use]
    pub fn note_use(&self, now: At) -> Option<Update> {
        let due = self.last_used_at.is_none_or(|last| last.plus(NOTED_EVERY) <= now);
        let before = now.plus(-NOTED_EVERY);
        let update = || {
            Update::of(Self::key(&self.app_id))
                .when_absent_or("lastUsedAt", "<=", &before)
                .set("lastUsedAt", &now)
        };
        due.then(update)
    }

    /// The note that somebody who said to be this app did not prove it, unless a like one was made in the
    /// last quarter of an hour.
    #[must_use]
    pub fn note_refusal(&self, now: At) -> Update {
        let before = now.plus(-REFUSALS_EVERY);
        Update::of(Self::key(&self.app_id))
            .when_absent_or("refusedAt", "<=", &before)
            .set("refusedAt", &now)
    }

    /// The app as the API answers it.
    #[must_use]
    pub fn view(&self) -> AppView {
        let Registration {
            name,
            kind,
            permission,
            launch_url,
            redirect_uris,
            post_logout_redirect_uris,
            logout_uri,
            authentication,
            public_keys,
            scopes,
        } = self.registration.clone();
        AppView {
            app_id: self.app_id.clone(),
            name,
            kind,
            permission,
            launch_url,
            redirect_uris,
            post_logout_redirect_uris,
            logout_uri,
            authentication,
            public_keys,
            scopes,
            enabled: self.enabled,
            last_used_at: self.last_used_at,
            version: self.version,
        }
    }
}
