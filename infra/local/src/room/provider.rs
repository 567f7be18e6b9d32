//! The portal as an app sees it: discovery, sign-in, the question who may still see what, sign-out.
//!
//! `openidconnect` does the protocol. It knows no `private_key_jwt`, so the client assertion is made here.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header, jwk::JwkSet};
use openidconnect::{
    AccessToken, AdditionalClaims, AuthType, AuthenticationFlow, AuthorizationCode, Client,
    ClientId, CsrfToken, EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet,
    IdTokenFields, IssuerUrl, LogoutRequest, Nonce, OAuth2TokenResponse, PkceCodeChallenge,
    PkceCodeVerifier, PostLogoutRedirectUrl, ProviderMetadataWithLogout, RedirectUrl,
    RequestTokenError, Scope, StandardErrorResponse, StandardTokenResponse, TokenResponse,
    core::{
        CoreAuthDisplay, CoreAuthPrompt, CoreErrorResponseType, CoreGenderClaim, CoreJsonWebKey,
        CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreResponseType,
        CoreRevocableToken, CoreRevocationErrorResponse, CoreTokenIntrospectionResponse,
        CoreTokenType,
    },
    reqwest,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::es256;
use url::Url;

use super::Settings;
use crate::{BoxError, Trouble, state::random};

/// Seconds that a client assertion lives.
const ASSERTION_LIFE: i64 = 60;
/// Seconds that a token is kept when the portal does not say how long it lives.
const UNSAID: Duration = Duration::from_hours(1);

/// The claim of the ID token beyond the standard ones.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sid {
    sid: String,
}

impl AdditionalClaims for Sid {}

/// An ID token of the portal.
pub type IdToken = openidconnect::IdToken<
    Sid,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;

type Tokens = StandardTokenResponse<
    IdTokenFields<
        Sid,
        EmptyExtraTokenFields,
        CoreGenderClaim,
        CoreJweContentEncryptionAlgorithm,
        CoreJwsSigningAlgorithm,
    >,
    CoreTokenType,
>;

type Relying = Client<
    Sid,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    Tokens,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// What the browser is sent away with, and what its return must agree with.
pub struct Departure {
    /// The portal's `/authorize`, with everything it needs.
    pub url: Url,
    /// Comes back as it is.
    pub state: String,
    /// The ID token must repeat it.
    pub nonce: Nonce,
    /// The token endpoint wants it.
    pub verifier: PkceCodeVerifier,
}

/// A person who signed in.
#[derive(Clone)]
pub struct SignedIn {
    /// The person.
    pub sub: String,
    /// The session at the portal.
    pub sid: String,
    /// For questions.
    pub access_token: AccessToken,
    /// For signing out.
    pub id_token: IdToken,
    /// After this time the access token is worth nothing.
    pub lives: Duration,
}

/// Why a sign-in or a question came to nothing.
#[derive(Debug)]
pub enum Failed {
    /// The portal said no, or said something that does not hold.
    Refused(BoxError),
    /// The portal did not answer.
    NoAnswer(BoxError),
}

/// What the portal says of a session now.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Person {
    sub: String,
    sid: String,
    /// The person's name.
    #[serde(default)]
    pub name: String,
    /// The charts that the room may show: at least one.
    pub charts: Vec<Chart>,
}

/// A chart that the room may show.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Chart {
    /// The client.
    pub client_id: String,
    name: ChartName,
    /// The number of the client's chart.
    #[serde(default)]
    pub record_number: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct ChartName {
    first: String,
    last: String,
}

impl Chart {
    /// The client's name.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} {}", self.name.first, self.name.last).trim().to_owned()
    }
}

/// The portal.
pub struct Provider {
    settings: Settings,
    signing: EncodingKey,
    http: reqwest::Client,
    metadata: Mutex<Option<ProviderMetadataWithLogout>>,
}

impl Provider {
    /// Gets ready to ask. Nothing is asked yet: the portal is served once the home runs.
    ///
    /// # Errors
    /// When the key cannot be used, or no HTTP client can be made.
    pub fn new(settings: Settings) -> Result<Self, Trouble> {
        es256::install().map_err(Trouble::new)?;
        let signing = EncodingKey::from_ec_pem(settings.key.pem.as_bytes())
            .map_err(|error| Trouble::new(format!("the room's key cannot be used: {error}")))?;
        // Not every resolver knows that names below `localhost` are this machine (RFC 6761).
        let host = Url::parse(&settings.issuer).ok().and_then(|url| url.host_str().map(Into::into));
        let host: String = host.unwrap_or_default();
        let here = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(5))
            .no_proxy()
            .resolve(&host, here)
            .build()
            .map_err(|error| Trouble::new(format!("cannot make an HTTP client: {error}")))?;
        Ok(Self { settings, signing, http, metadata: Mutex::default() })
    }

    /// How the room was set up.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Begins a sign-in. Metadata and keys are fetched anew each time, so that a key that was changed is
    /// known before it is needed.
    pub async fn depart(&self) -> Result<Departure, Failed> {
        let client = self.client(self.discover().await?)?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (url, state, nonce) = client
            .authorize_url(
                AuthenticationFlow::<CoreResponseType>::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            .add_scope(Scope::new("profile".into()))
            .add_scope(Scope::new("messaging".into()))
            .set_pkce_challenge(challenge)
            .url();
        Ok(Departure { url, state: state.into_secret(), nonce, verifier })
    }

    /// Exchanges a code and verifies the ID token.
    pub async fn arrive(
        &self,
        code: String,
        verifier: PkceCodeVerifier,
        nonce: &Nonce,
    ) -> Result<SignedIn, Failed> {
        let client = self.client(self.metadata().await?)?;
        let request = client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(refused)?
            .set_pkce_verifier(verifier)
            .add_extra_param(
                "client_assertion_type",
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            )
            .add_extra_param("client_assertion", self.assertion().map_err(refused)?);
        let tokens = match request.request_async(&self.http).await {
            Ok(tokens) => tokens,
            Err(error @ RequestTokenError::Request(_)) => {
                return Err(Failed::NoAnswer(error.into()));
            }
            Err(error) => return Err(refused(error)),
        };
        let id_token = tokens.id_token().ok_or_else(|| refused("there is no ID token"))?;
        let claims = id_token.claims(&client.id_token_verifier(), nonce).map_err(refused)?;
        Ok(SignedIn {
            sub: claims.subject().to_string(),
            sid: claims.additional_claims().sid.clone(),
            access_token: tokens.access_token().clone(),
            id_token: id_token.clone(),
            lives: tokens.expires_in().unwrap_or(UNSAID),
        })
    }

    /// Asks what a session may see now. `None`: nothing any more.
    pub async fn ask(&self, session: &SignedIn) -> Result<Option<Person>, Failed> {
        let metadata = self.metadata().await?;
        let url = metadata.userinfo_endpoint().ok_or_else(|| refused("there is no userinfo"))?;
        let request = self.http.get(url.url().clone()).bearer_auth(session.access_token.secret());
        let answer = request.send().await.map_err(no_answer)?;
        match answer.status().as_u16() {
            200 => {}
            401 => return Ok(None),
            status => return Err(no_answer(format!("userinfo answered {status}"))),
        }
        let body = answer.bytes().await.map_err(no_answer)?;
        let person: Person = serde_json::from_slice(&body).map_err(no_answer)?;
        // OpenID Connect Core 1.0, section 5.3.2: another person's answer is not to be used.
        let same = person.sub == session.sub && person.sid == session.sid;
        Ok(Some(person).filter(|person| same && !person.charts.is_empty()))
    }

    /// Where the browser signs out everywhere, and comes back to `after`. Without a session the portal asks
    /// the person first. `state` comes back with it. Asked anew, so that nobody is sent to a portal that does
    /// not answer.
    pub async fn goodbye(
        &self,
        session: Option<&SignedIn>,
        after: String,
        state: String,
    ) -> Result<Url, Failed> {
        let metadata = self.discover().await?;
        let end = metadata.additional_metadata().end_session_endpoint.clone();
        let after = PostLogoutRedirectUrl::new(after).map_err(refused)?;
        let mut request = LogoutRequest::from(end.ok_or_else(|| refused("there is no sign-out"))?)
            .set_client_id(ClientId::new(self.settings.client_id.clone()))
            .set_post_logout_redirect_uri(after)
            .set_state(CsrfToken::new(state));
        if let Some(session) = session {
            request = request.set_id_token_hint(&session.id_token);
        }
        Ok(request.http_get_url())
    }

    /// The portal's public keys: those that are known, or `anew` as they are now.
    pub async fn keys(&self, anew: bool) -> Result<JwkSet, Failed> {
        let metadata = if anew { self.discover().await? } else { self.metadata().await? };
        let keys = serde_json::to_value(metadata.jwks()).map_err(refused)?;
        serde_json::from_value(keys).map_err(refused)
    }

    async fn metadata(&self) -> Result<ProviderMetadataWithLogout, Failed> {
        let known = self.metadata.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match known {
            Some(metadata) => Ok(metadata),
            None => self.discover().await,
        }
    }

    async fn discover(&self) -> Result<ProviderMetadataWithLogout, Failed> {
        let issuer = IssuerUrl::new(self.settings.issuer.clone()).map_err(refused)?;
        let found = ProviderMetadataWithLogout::discover_async(issuer, &self.http).await;
        let found = found.map_err(no_answer)?;
        *self.metadata.lock().unwrap_or_else(PoisonError::into_inner) = Some(found.clone());
        Ok(found)
    }

    fn client(&self, metadata: ProviderMetadataWithLogout) -> Result<Relying, Failed> {
        let id = ClientId::new(self.settings.client_id.clone());
        let back = RedirectUrl::new(self.settings.address(super::CALLBACK)).map_err(refused)?;
        let client = Client::from_provider_metadata(metadata, id, None);
        Ok(client.set_redirect_uri(back).set_auth_type(AuthType::RequestBody))
    }

    /// Proves to the portal that this is the room (RFC 7523, section 2.2).
    fn assertion(&self) -> jsonwebtoken::errors::Result<String> {
        let now = Timestamp::now().as_second();
        let claims = json!({
            "iss": self.settings.client_id,
            "sub": self.settings.client_id,
            "aud": self.settings.issuer,
            "iat": now,
            "exp": now + ASSERTION_LIFE,
            "jti": URL_SAFE_NO_PAD.encode(random::<16>()),
        });
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(self.settings.key.id.clone());
        jsonwebtoken::encode(&header, &claims, &self.signing)
    }
}

fn refused(error: impl Into<BoxError>) -> Failed {
    Failed::Refused(error.into())
}

fn no_answer(error: impl Into<BoxError>) -> Failed {
    Failed::NoAnswer(error.into())
}
