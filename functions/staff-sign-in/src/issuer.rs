//! The OpenID Connect issuer, as the sign-in sees it: where to send people, and who came back.

use std::{sync::Arc, time::Duration};

use openidconnect::{
    AuthenticationFlow, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointMaybeSet,
    EndpointNotSet, EndpointSet, IssuerUrl, LoginHint, Nonce, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, Scope, TokenResponse,
    core::{
        CoreAuthPrompt, CoreClient, CoreIdTokenClaims, CoreJsonWebKey, CoreProviderMetadata,
        CoreResponseType,
    },
    reqwest,
};
use shared::{Problem, config::OidcConfig, fields::At};
use tokio::sync::RwLock;

type Relying = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// Somebody whom the issuer vouches for.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The issuer.
    pub issuer: String,
    /// Who, at the issuer.
    pub subject: String,
    /// As the issuer calls them.
    pub name: String,
    /// E-mail address.
    pub email: String,
    /// Whether the issuer knows that the address is theirs.
    pub email_verified: bool,
}

/// What a sign-in kept of its beginning, with which its end must agree.
#[derive(Debug, Clone, Copy)]
pub struct Proof<'a> {
    /// What the ID token must repeat.
    pub nonce: &'a str,
    /// The PKCE code verifier.
    pub verifier: &'a str,
    /// When the sign-in began: nobody may have authenticated before it.
    pub began: At,
}

/// Seconds by which the issuer's clock and ours may differ.
const CLOCK_SKEW: i64 = 60;

/// The issuer. What it publishes is fetched at the first sign-in, and again when its keys change.
#[derive(Clone)]
pub struct Issuer(Arc<Inner>);

struct Inner {
    config: OidcConfig,
    http: reqwest::Client,
    metadata: RwLock<Option<CoreProviderMetadata>>,
}

impl Issuer {
    /// Takes an issuer's configuration.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new(config: OidcConfig) -> Result<Self, reqwest::Error> {
        let http = reqwest::ClientBuilder::new()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(3))
            .timeout(Duration::from_secs(8))
            .build()?;
        Ok(Self(Arc::new(Inner { config, http, metadata: RwLock::new(None) })))
    }

    /// Where to send somebody who signs in.
    ///
    /// # Errors
    /// 503 when the issuer does not answer.
    pub async fn authorize_url(
        &self,
        redirect: &str,
        state: &str,
        nonce: &str,
        verifier: &str,
        hint: Option<String>,
    ) -> Result<String, Problem> {
        let client = self.client(redirect).await?;
        let verifier = PkceCodeVerifier::new(verifier.to_owned());
        let (state, nonce) = (state.to_owned(), nonce.to_owned());
        let mut request = client
            .authorize_url(
                AuthenticationFlow::<CoreResponseType>::AuthorizationCode,
                || CsrfToken::new(state),
                || Nonce::new(nonce),
            )
            .add_scope(Scope::new("email".into()))
            .add_scope(Scope::new("profile".into()))
            // The person who opened a session at the issuer may have left the desk since.
            .add_prompt(CoreAuthPrompt::Login)
            .set_max_age(Duration::ZERO)
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
        if let Some(hint) = hint {
            request = request.set_login_hint(LoginHint::new(hint));
        }
        Ok(request.url().0.to_string())
    }

    /// Exchanges a code for the person who came back; `None` when the issuer refuses it, its token
    /// does not hold, or the person did not authenticate for this very sign-in.
    ///
    /// # Errors
    /// 503 when the issuer does not answer.
    pub async fn identify(
        &self,
        redirect: &str,
        code: String,
        proof: Proof<'_>,
        now: At,
    ) -> Result<Option<Identity>, Problem> {
        let client = self.client(redirect).await?;
        let request = client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(|e| Problem::unavailable(format!("issuer: {e}")))?
            .set_pkce_verifier(PkceCodeVerifier::new(proof.verifier.to_owned()));
        let tokens = match request.request_async(&self.0.http).await {
            Ok(tokens) => tokens,
            Err(openidconnect::RequestTokenError::ServerResponse(_)) => return Ok(None),
            Err(_) => return Err(Problem::unavailable("the issuer's token endpoint")),
        };
        let Some(token) = tokens.id_token() else { return Ok(None) };
        let nonce = Nonce::new(proof.nonce.to_owned());
        if let Ok(claims) = token.claims(&verifier_at(&client, proof.began, now), &nonce) {
            return Ok(Some(self.identity(claims)));
        }
        // Perhaps signed with a key that is newer than what we know.
        *self.0.metadata.write().await = None;
        let client = self.client(redirect).await?;
        let claims = token.claims(&verifier_at(&client, proof.began, now), &nonce);
        Ok(claims.ok().map(|claims| self.identity(claims)))
    }

    fn identity(&self, claims: &CoreIdTokenClaims) -> Identity {
        let email = claims.email().map(|e| e.to_string()).unwrap_or_default();
        let name = claims.name().and_then(|n| n.get(None)).map(|n| n.to_string());
        Identity {
            issuer: self.0.config.issuer.clone(),
            subject: claims.subject().to_string(),
            name: name.unwrap_or_else(|| email.clone()),
            email,
            email_verified: claims.email_verified() == Some(true),
        }
    }

    async fn client(&self, redirect: &str) -> Result<Relying, Problem> {
        let config = &self.0.config;
        let known = self.0.metadata.read().await.clone();
        let metadata = if let Some(metadata) = known {
            metadata
        } else {
            let url = IssuerUrl::new(config.issuer.clone())
                .map_err(|e| Problem::internal(e.to_string()))?;
            let metadata = CoreProviderMetadata::discover_async(url, &self.0.http)
                .await
                .map_err(|_| Problem::unavailable("the issuer's discovery document"))?;
            *self.0.metadata.write().await = Some(metadata.clone());
            metadata
        };
        let redirect =
            RedirectUrl::new(redirect.to_owned()).map_err(|e| Problem::internal(e.to_string()))?;
        let secret = config.client_secret.as_ref().map(|s| ClientSecret::new(s.reveal().into()));
        Ok(CoreClient::from_provider_metadata(
            metadata,
            ClientId::new(config.client_id.clone()),
            secret,
        )
        .set_redirect_uri(redirect))
    }
}

/// Judges tokens at `now`, for a sign-in that began at `began`. The issuer was asked to authenticate
/// the person anew, and must say that it did (OpenID Connect Core, section 3.1.2.1): an issuer that
/// takes no notice of `prompt` or `max_age` would let in whoever finds its session open.
fn verifier_at(
    client: &Relying,
    began: At,
    now: At,
) -> openidconnect::IdTokenVerifier<'_, CoreJsonWebKey> {
    let fresh = began.seconds() - CLOCK_SKEW..=now.seconds() + CLOCK_SKEW;
    client
        .id_token_verifier()
        .set_time_fn(move || chrono::DateTime::from_timestamp(now.seconds(), 0).unwrap_or_default())
        .set_auth_time_verifier_fn(move |time| match time {
            Some(time) if fresh.contains(&time.timestamp()) => Ok(()),
            Some(_) => Err("not authenticated for this sign-in".to_owned()),
            None => Err("no auth_time".to_owned()),
        })
}
