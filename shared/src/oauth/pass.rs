//! What an app has in a session: codes, each exchanged once for an access token, and the tokens.

use std::collections::BTreeSet;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{
    account::OpenGrant,
    context::Context,
    fields::{AppName, At, Permission, Permissions},
    id::{ClientId, Epoch},
    oauth::{
        address::Address,
        app::{RegisteredApp, Registration},
    },
    token::{TokenHash, TokenSecret},
};

/// Seconds that a code lives.
pub const CODE_SECONDS: i64 = 60;
/// Most codes of one app in one session that wait; the oldest gives way.
const MOST_WAITING: usize = 5;
/// Most access tokens of one app in one session: a page in several tabs has one in each. The oldest ends.
const MOST_TOKENS: usize = 10;

/// What an app may be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Who the person is, by an id.
    Openid,
    /// The person's name.
    Profile,
    /// The person's e-mail address.
    Email,
    /// Charts where the person has this permission.
    Chart(Permission),
}

/// Every scope that a portal app can ask for, by its name.
pub const SCOPES: [(&str, Scope); 9] = [
    ("openid", Scope::Openid),
    ("profile", Scope::Profile),
    ("email", Scope::Email),
    ("basic", Scope::Chart(Permission::Basic)),
    ("messaging", Scope::Chart(Permission::Messaging)),
    ("documents", Scope::Chart(Permission::Documents)),
    ("sessions", Scope::Chart(Permission::Sessions)),
    ("billing", Scope::Chart(Permission::Billing)),
    ("surveys", Scope::Chart(Permission::Surveys)),
];

/// What was granted to an app.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Scopes(BTreeSet<Scope>);

impl From<String> for Scopes {
    /// Reads names; those that this version does not know are left out.
    fn from(names: String) -> Self {
        let known = |name: &str| SCOPES.iter().find(|(n, _)| *n == name).map(|(_, scope)| *scope);
        Self(names.split(' ').filter_map(known).collect())
    }
}

impl From<Scopes> for String {
    fn from(scopes: Scopes) -> Self {
        scopes.text()
    }
}

impl Scopes {
    /// What is granted of what an app asks for, names with spaces between: what is unknown, and what is
    /// not the app's, is left out.
    #[must_use]
    pub fn granted(asked: &str, app: &Registration) -> Self {
        let serves = |scope: &Scope| match (scope, app.permission) {
            (Scope::Chart(permission), Some(serves)) => *permission == serves,
            _ => true,
        };
        Self(Self::from(asked.to_owned()).0.into_iter().filter(serves).collect())
    }

    /// All that an app may be told.
    #[must_use]
    pub fn every(app: &Registration) -> Self {
        Self::granted(&Self(SCOPES.iter().map(|(_, scope)| *scope).collect()).text(), app)
    }

    /// Whether this one is among them.
    #[must_use]
    pub fn has(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }

    /// Their names, with spaces between.
    #[must_use]
    pub fn text(&self) -> String {
        let names = SCOPES.iter().filter(|(_, scope)| self.has(*scope)).map(|(name, _)| *name);
        names.collect::<Vec<_>>().join(" ")
    }

    /// The permissions for which charts are shown to an app.
    #[must_use]
    pub fn permissions(&self, app: &Registration) -> Permissions {
        if let Some(serves) = app.permission {
            return Permissions::from([serves]);
        }
        let permission = |scope: &Scope| match scope {
            Scope::Chart(permission) => Some(*permission),
            _ => None,
        };
        self.0.iter().filter_map(permission).collect()
    }
}

/// What an app was promised with a code: it must come back to the same place with the right proof.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Waiting {
    /// When the code ends.
    pub until: At,
    /// Where it was sent.
    pub redirect_uri: Address,
    /// PKCE: SHA-256 of the verifier, in unpadded base64url.
    pub challenge: String,
    /// What the app wants to find in the ID token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
}

/// One sign-in of an app.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pass {
    /// Hash of the code with which it began.
    code: TokenHash,
    /// In which time of being switched on the app was then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    epoch: Option<Epoch>,
    /// What was granted.
    pub scopes: Scopes,
    /// What the code waits for, until it was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    waiting: Option<Waiting>,
    /// Hash of the access token, once the code was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token: Option<TokenHash>,
}

/// What one app has in one session.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppSession {
    /// Its sign-ins, oldest first.
    #[serde(default)]
    passes: Vec<Pass>,
    /// What people called it when it got its first token here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<AppName>,
    /// The permissions for which it may show charts, as of its sign-ins: without any of them in a chart,
    /// that chart is closed to it. None where they were not kept yet.
    #[serde(default, skip_serializing_if = "Permissions::is_empty")]
    pub serves: Permissions,
    /// The charts whose histories tell that the app was opened in this session.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub recorded: BTreeSet<ClientId>,
    /// Whether the history tells that the person was denied it in this session.
    #[serde(default)]
    pub denied: bool,
}

/// What became of a code.
#[derive(Debug)]
pub enum Exchange {
    /// It is exchanged for this access token.
    Token(Box<(TokenSecret, Pass, Waiting)>),
    /// It was used before. What the first use got has ended: that is to be written.
    Used,
    /// There is none, it is over, or it is of another app.
    Refused,
}

impl AppSession {
    /// Makes a code for an app.
    pub fn begin(
        &mut self,
        context: &Context,
        app: &RegisteredApp,
        scopes: Scopes,
        waiting: Waiting,
    ) -> TokenSecret {
        let code = TokenSecret::new(context);
        self.forget(context.now());
        self.keep(MOST_WAITING - 1, |pass| pass.waiting.is_some());
        let (hash, epoch) = (code.hash(), app.epoch);
        let pass = Pass { code: hash, epoch, scopes, waiting: Some(waiting), token: None };
        self.passes.push(pass);
        code
    }

    /// Exchanges a code of an app for an access token, if `verifier` is the one of its challenge and `redirect_uri`,
    /// when it is named, where it was sent.
    pub fn exchange(
        &mut self,
        context: &Context,
        app: &RegisteredApp,
        code: &TokenSecret,
        verifier: &str,
        redirect_uri: Option<&str>,
    ) -> Exchange {
        let Some(n) = self.passes.iter().position(|pass| code.matches(&pass.code)) else {
            return Exchange::Refused;
        };
        let pass = &mut self.passes[n];
        let Some(waiting) = pass.waiting.clone() else {
            self.passes.remove(n);
            return Exchange::Used;
        };
        let in_time = waiting.until > context.now() && pass.epoch == app.epoch;
        let same_place = redirect_uri.is_none_or(|uri| uri == waiting.redirect_uri.as_str());
        if !in_time || !same_place || !verifies(verifier, &waiting.challenge) {
            return Exchange::Refused;
        }
        let token = TokenSecret::new(context);
        pass.waiting = None;
        pass.token = Some(token.hash());
        let pass = pass.clone();
        self.keep(MOST_TOKENS, |pass| pass.token.is_some());
        Exchange::Token(Box::new((token, pass, waiting)))
    }

    /// Forgets the codes that are over.
    pub fn forget(&mut self, now: At) {
        self.passes.retain(|pass| pass.waiting.as_ref().is_none_or(|w| w.until > now));
    }

    /// Keeps the newest sign-ins of a kind, at most so many.
    fn keep(&mut self, most: usize, of: impl Fn(&Pass) -> bool) {
        let mut over = self.passes.iter().filter(|pass| of(pass)).count().saturating_sub(most);
        self.passes.retain(|pass| {
            let goes = over > 0 && of(pass);
            over -= usize::from(goes);
            !goes
        });
    }

    /// The sign-in to which an access token of an app belongs, in this time of its being switched on.
    #[must_use]
    pub fn pass(&self, app: &RegisteredApp, token: &TokenSecret) -> Option<&Pass> {
        let belongs = |pass: &&Pass| pass.token.as_ref().is_some_and(|hash| token.matches(hash));
        self.passes.iter().find(belongs).filter(|pass| pass.epoch == app.epoch)
    }

    /// Ends an access token. Answers whether there was one.
    pub fn end(&mut self, token: &TokenSecret) -> bool {
        let before = self.passes.len();
        self.passes.retain(|pass| pass.token.as_ref().is_none_or(|hash| !token.matches(hash)));
        self.passes.len() < before
    }

    /// Whether it ever got a token here. It may have given the access token back: with the ID token it may
    /// have let the person in all the same.
    #[must_use]
    pub const fn got_token(&self) -> bool {
        self.name.is_some()
    }
}

/// Whether a text is a PKCE verifier (RFC 7636, section 4.1), and that of a challenge by `S256`.
fn verifies(verifier: &str, challenge: &str) -> bool {
    let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    let shaped = (43..=128).contains(&verifier.len()) && verifier.bytes().all(unreserved);
    let of_it = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
    shaped && bool::from(of_it.as_bytes().ct_eq(challenge.as_bytes()))
}

/// A chart that an app may open for a person, and what the person may do there with it.
#[derive(Debug)]
pub struct SeenChart<'a> {
    /// The client.
    pub client: ClientId,
    /// The grant by which the person opens it.
    pub grant: &'a OpenGrant<'a>,
    /// Those of the person's permissions that the app is for.
    pub permissions: Permissions,
}

/// Of the charts that a session opens now, those that an app sees.
#[must_use]
pub fn seen<'a>(
    open: &'a [(ClientId, OpenGrant<'a>)],
    app: &Registration,
    scopes: &Scopes,
) -> Vec<SeenChart<'a>> {
    let shown = scopes.permissions(app);
    let chart = |(client, grant): &'a (ClientId, OpenGrant<'a>)| {
        let permissions: Permissions = grant.permissions.intersection(&shown).copied().collect();
        let chart = SeenChart { client: *client, grant, permissions };
        (!chart.permissions.is_empty()).then_some(chart)
    };
    open.iter().filter_map(chart).collect()
}
