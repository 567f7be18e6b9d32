//! Lets a person who is signed in into an app: checks what the app asks, and makes a code that it can
//! exchange once. Also tells the makers of apps where to ask and how (OpenID Connect Discovery).
//!
//! The browser is sent to an address only once that is known to be the app's. What is wrong before that
//! is told on the page, what is wrong after it is told to the app.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use shared::{
    App, Problem, Routes,
    account::Account,
    fields::{At, Refusal},
    id::{AppId, SessionId},
    keys,
    mirror::to_charts::{self, AccountUpdate},
    oauth::{
        address::Address,
        app::{AppKind, RegisteredApp},
        id_token,
        pass::{CODE_SECONDS, SCOPES, Scope, Scopes, Waiting},
        question,
    },
    practice::Practice,
    problem::ProblemBody,
    store::both,
    token::AppToken,
    visitor::{MaybeVisitor, Visitor},
    web::StrictJson,
};
use subtle::ConstantTimeEq;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::Type},
};

/// The routes of this function.
pub fn routes<R: Routes>() -> R {
    R::default().operation(__path_authorize, authorize).operation(__path_metadata, metadata)
}

/// Longest `state` that is carried along.
const LONGEST: usize = 1000;
/// Longest `nonce`, which is kept with the code.
const LONGEST_NONCE: usize = 255;
/// Seconds for which a note of when a request was first made is worth something: time to sign in.
const NOTED: i64 = 10 * 60;

/// The parameters of an authorization request, as they stood in the address of the page, and `asked` of an
/// answer that sent the person to sign in. Unknown ones are passed over (RFC 6749, section 3.1).
#[derive(Debug, Deserialize)]
#[serde(transparent)]
struct Asked(BTreeMap<String, String>);

impl PartialSchema for Asked {
    fn schema() -> RefOr<Schema> {
        let text = || ObjectBuilder::new().schema_type(Type::String);
        let mut schema = ObjectBuilder::new().schema_type(Type::Object);
        for name in ["client_id", "redirect_uri"] {
            schema = schema.property(name, text()).required(name);
        }
        schema.additional_properties(Some(text())).into()
    }
}

impl ToSchema for Asked {
    fn name() -> std::borrow::Cow<'static, str> {
        std::borrow::Cow::Borrowed("AuthorizationRequest")
    }
}

impl Asked {
    /// A parameter. What is empty counts as left out.
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    fn required(&self, name: &'static str) -> Result<&str, Problem> {
        let missing = Refusal::invalid("missing", "The app left this out.");
        self.get(name).ok_or_else(|| Problem::refused(name, missing))
    }
}

/// Where the browser goes on.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Onward {
    /// One of the app's own addresses, with a code or an error.
    redirect_to: String,
}

/// Lets the person who is signed in into an app.
#[utoipa::path(
    post, path = "/api/portal/authorization", operation_id = "authorize", tag = "portal",
    security(("portalSession" = [])),
    request_body = Asked,
    responses(
        (status = 200, description = "Where to go on: with a code, or with the error that the app is told.", body = Onward),
        (status = 401, description = "`signed_out`: sign in to `practice` for `app`, then send the same again with `asked`.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "`unknown_app` or `unknown_address`: nobody is sent anywhere.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn authorize(
    State(app): State<App>,
    MaybeVisitor(visitor): MaybeVisitor,
    StrictJson(asked): StrictJson<Asked>,
) -> Result<Json<Onward>, Problem> {
    let unknown = || {
        let why = "This app is not known here, or is switched off.";
        Problem::refused("client_id", Refusal::rule("unknown_app", why))
    };
    let id = AppId::parse(asked.required("client_id")?).ok_or_else(unknown)?;
    let uri = asked.required("redirect_uri")?;
    // Of another practice's portal a person is not signed in to this one.
    let visitor = visitor.filter(|visitor| visitor.practice == *id.practice());
    let mut retries = app.store().retries();
    loop {
        let found = Found::read(&app, &id, visitor.as_ref()).await?;
        let registered = found.app.as_ref().ok_or_else(unknown)?;
        let practice = found.practice.as_ref().ok_or_else(unknown)?;
        let uris = &registered.registration.redirect_uris;
        let Some(uri) = uris.iter().find(|known| known.as_str() == uri) else {
            let why = "The app asked to be told at an address that is not registered for it.";
            return Err(Problem::refused("redirect_uri", Refusal::rule("unknown_address", why)));
        };
        let back = Back { app: &app, uri, state: asked.get("state") };
        let request = match Request::read(&asked, registered) {
            Ok(request) => request,
            Err((error, why)) => return Ok(back.error(error, why)),
        };
        let signed_in = found.signed_in(&app, practice);
        let asked_at = request.asked_at(&app)?;
        if signed_in.as_ref().is_some_and(|of| request.expects_another(of, asked_at, &app)) {
            return Ok(back.error("login_required", "Somebody else is signed in."));
        }
        let fits = |signed_in: &SignedIn<'_>| request.fits(signed_in, asked_at, &app);
        let Some(SignedIn { account, sid, .. }) = signed_in.filter(fits) else {
            if request.silent {
                return Ok(back.error("login_required", "Nobody is signed in as asked."));
            }
            let name = registered.registration.name.as_str();
            return Err(Problem::signed_out()
                .with("app", serde_json::json!({"appId": id, "name": name}))
                .with("practice", serde_json::json!(practice.view()))
                .with("asked", serde_json::json!(request.note(&app, asked_at)?)));
        };
        let now = app.now();
        if question::charts(account, practice, sid, registered, &request.scopes, now).is_empty() {
            return Ok(
                back.error("access_denied", "The person has no access that this app serves.")
            );
        }
        let key = visitor.as_ref().map(|visitor| visitor.account.clone());
        let key = key.ok_or_else(Problem::signed_out)?;
        let mut account = account.clone();
        let code = {
            let session = account.sessions.get_mut(sid).ok_or_else(Problem::signed_out)?;
            let waiting = Waiting {
                until: now.plus(CODE_SECONDS),
                redirect_uri: uri.clone(),
                challenge: request.challenge.to_owned(),
                nonce: request.nonce.map(str::to_owned),
            };
            let apps = session.apps.entry(id.clone()).or_default();
            apps.begin(&app, registered, request.scopes.clone(), waiting)
        };
        let used = account.use_session(sid, practice, now);
        let mut change = app.store().change();
        change.replace(&keys::account(id.practice(), &key), &account, account.rev);
        if used {
            to_charts::write(&mut change, id.practice(), &account, &AccountUpdate::default());
        }
        let code = AppToken { app: id.clone(), account: key, sid, secret: code };
        let answer = back.onward(&[("code", &code.text())]);
        let write = async { Ok(app.store().write(change).await) };
        let noted = async {
            question::note(&app, registered).await;
            Ok(())
        };
        let (written, ()) = both(write, noted).await?;
        let Err(error) = written else { return Ok(answer) };
        retries.retry(error).await?;
    }
}

/// What was read for a request.
struct Found<'a> {
    visitor: Option<&'a Visitor>,
    account: Option<Account>,
    practice: Option<Practice>,
    app: Option<RegisteredApp>,
}

struct SignedIn<'a> {
    account: &'a Account,
    sid: SessionId,
    began_at: At,
}

impl<'a> Found<'a> {
    async fn read(app: &App, id: &AppId, visitor: Option<&'a Visitor>) -> Result<Self, Problem> {
        let read = question::read(app, id, visitor.map(|visitor| &visitor.account)).await?;
        let portal = |app: &RegisteredApp| app.registration.kind == AppKind::Portal;
        let registered = read.app.filter(portal);
        Ok(Self { visitor, account: read.account, practice: read.practice, app: registered })
    }

    fn signed_in(&self, app: &App, practice: &Practice) -> Option<SignedIn<'_>> {
        let (visitor, account) = self.visitor.zip(self.account.as_ref())?;
        let (session, _) = account.admitted(practice, visitor.sid, app.now())?;
        Some(SignedIn { account, sid: visitor.sid, began_at: session.began_at })
    }
}

/// An authorization request that is as it should be.
struct Request<'a> {
    app: &'a RegisteredApp,
    scopes: Scopes,
    challenge: &'a str,
    nonce: Option<&'a str>,
    /// Nobody is to be asked anything: `prompt=none`.
    silent: bool,
    /// The person is to sign in for this: `prompt=login`.
    anew: bool,
    /// Most seconds since the person signed in.
    max_age: Option<i64>,
    /// An ID token that says who is expected.
    expected: Option<&'a str>,
    /// When this request was first made, as [`Request::note`] has it.
    noted: Option<&'a str>,
}

impl<'a> Request<'a> {
    /// Reads what an app asks.
    ///
    /// # Errors
    /// OAuth's error, and what is wrong.
    fn read(
        asked: &'a Asked,
        app: &'a RegisteredApp,
    ) -> Result<Self, (&'static str, &'static str)> {
        let refused = |why| Err(("invalid_request", why));
        for (name, error) in [
            ("request", "request_not_supported"),
            ("request_uri", "request_uri_not_supported"),
            ("registration", "registration_not_supported"),
        ] {
            if asked.get(name).is_some() {
                return Err((error, "Send the parameters themselves."));
            }
        }
        match asked.get("response_type") {
            Some("code") => {}
            None => return refused("response_type is missing."),
            Some(_) => return Err(("unsupported_response_type", "response_type must be code.")),
        }
        if asked.get("response_mode").is_some_and(|mode| mode != "query") {
            return refused("response_mode must be query.");
        }
        let Some(challenge) = asked.get("code_challenge") else {
            return refused("code_challenge is missing: PKCE is needed.");
        };
        if asked.get("code_challenge_method") != Some("S256") {
            return refused("code_challenge_method must be S256.");
        }
        if URL_SAFE_NO_PAD.decode(challenge).map_or(0, |bytes| bytes.len()) != 32 {
            return refused("code_challenge must be a SHA-256 in unpadded base64url.");
        }
        if asked.get("state").is_some_and(|state| state.len() > LONGEST) {
            return refused("state has at most 1000 characters.");
        }
        if asked.get("nonce").is_some_and(|nonce| nonce.len() > LONGEST_NONCE) {
            return refused("nonce has at most 255 characters.");
        }
        let prompts: Vec<&str> =
            asked.get("prompt").unwrap_or_default().split(' ').filter(|p| !p.is_empty()).collect();
        if !prompts.iter().all(|p| ["none", "login", "consent", "select_account"].contains(p)) {
            return refused("prompt is unknown.");
        }
        let silent = prompts.contains(&"none");
        if silent && prompts.len() > 1 {
            return refused("prompt=none stands alone.");
        }
        let max_age = match asked.get("max_age").map(str::parse::<u32>) {
            None => None,
            Some(Ok(seconds)) => Some(i64::from(seconds)),
            Some(Err(_)) => return refused("max_age must be a number of seconds."),
        };
        let scopes = Scopes::granted(asked.get("scope").unwrap_or_default(), &app.registration);
        if !scopes.has(Scope::Openid) {
            return Err(("invalid_scope", "Ask for openid."));
        }
        Ok(Self {
            app,
            scopes,
            challenge,
            nonce: asked.get("nonce"),
            silent,
            anew: prompts.contains(&"login") || prompts.contains(&"select_account"),
            max_age,
            expected: asked.get("id_token_hint"),
            noted: asked.get("asked"),
        })
    }

    /// Whether the session is one that the app takes. A session that began after the app first asked
    /// always is new enough.
    fn fits(&self, signed_in: &SignedIn<'_>, asked_at: Option<At>, app: &App) -> bool {
        let in_time = self
            .max_age
            .is_none_or(|most| app.now().seconds() - signed_in.began_at.seconds() <= most);
        self.is_expected(signed_in, app)
            && (is_for_this(signed_in, asked_at) || (!self.anew && in_time))
    }

    /// Whether the app expects somebody, and this is somebody else: who signed in for this very request,
    /// or nobody whom it could expect.
    fn expects_another(&self, signed_in: &SignedIn<'_>, asked_at: Option<At>, app: &App) -> bool {
        let nobody = self.expected.is_some_and(|hint| id_token::read(app, hint).is_none());
        nobody || (is_for_this(signed_in, asked_at) && !self.is_expected(signed_in, app))
    }

    fn is_expected(&self, signed_in: &SignedIn<'_>, app: &App) -> bool {
        self.expected.is_none_or(|hint| {
            id_token::read(app, hint).is_some_and(|hint| {
                hint.aud == self.app.app_id && hint.sub == signed_in.account.account_id
            })
        })
    }

    fn seal(&self, app: &App, at: &str) -> Result<String, Problem> {
        let id = self.app.app_id.to_string();
        let parts: [&[u8]; 3] = [id.as_bytes(), self.challenge.as_bytes(), at.as_bytes()];
        Ok(URL_SAFE_NO_PAD.encode(app.hmac("authorization", &parts)?))
    }

    /// When this very request was first made, as far as a note of ours says.
    fn asked_at(&self, app: &App) -> Result<Option<At>, Problem> {
        let Some((at, seal)) = self.noted.and_then(|noted| noted.split_once('.')) else {
            return Ok(None);
        };
        let known: bool = self.seal(app, at)?.as_bytes().ct_eq(seal.as_bytes()).into();
        let at: Option<At> = at.parse().ok().filter(|_| known).map(At::from_millis);
        Ok(at.filter(|at| at.plus(NOTED) > app.now()))
    }

    /// The note of when this request was first made: now, unless one came with it. It is sealed together
    /// with the app's challenge, so that it is of use for this request alone.
    fn note(&self, app: &App, asked_at: Option<At>) -> Result<String, Problem> {
        let at = asked_at.unwrap_or_else(|| app.now()).millis().to_string();
        Ok(format!("{at}.{}", self.seal(app, &at)?))
    }
}

/// Whether the session began after the app first asked.
fn is_for_this(signed_in: &SignedIn<'_>, asked_at: Option<At>) -> bool {
    asked_at.is_some_and(|at| signed_in.began_at >= at)
}

/// The way back to an app, at an address that is registered for it.
struct Back<'a> {
    app: &'a App,
    uri: &'a Address,
    state: Option<&'a str>,
}

impl Back<'_> {
    fn onward(&self, parameters: &[(&str, &str)]) -> Json<Onward> {
        let state = self.state.filter(|state| state.len() <= LONGEST).map(|state| ("state", state));
        let issuer = [("iss", self.app.config().portal_origin.as_str())];
        let all = parameters.iter().copied().chain(state).chain(issuer);
        Json(Onward { redirect_to: self.uri.with(all) })
    }

    fn error(&self, error: &str, why: &str) -> Json<Onward> {
        self.onward(&[("error", error), ("error_description", why)])
    }
}

/// What is to be known to build an app (OpenID Connect Discovery 1.0, RFC 8414).
#[derive(Serialize, ToSchema)]
#[expect(clippy::struct_excessive_bools, reason = "the standard's own members")]
struct Metadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    introspection_endpoint: String,
    revocation_endpoint: String,
    userinfo_endpoint: String,
    end_session_endpoint: String,
    jwks_uri: String,
    scopes_supported: Vec<&'static str>,
    response_types_supported: [&'static str; 1],
    response_modes_supported: [&'static str; 1],
    grant_types_supported: [&'static str; 2],
    subject_types_supported: [&'static str; 1],
    id_token_signing_alg_values_supported: [&'static str; 1],
    token_endpoint_auth_methods_supported: [&'static str; 3],
    token_endpoint_auth_signing_alg_values_supported: [&'static str; 1],
    introspection_endpoint_auth_methods_supported: [&'static str; 2],
    introspection_endpoint_auth_signing_alg_values_supported: [&'static str; 1],
    revocation_endpoint_auth_methods_supported: [&'static str; 3],
    revocation_endpoint_auth_signing_alg_values_supported: [&'static str; 1],
    code_challenge_methods_supported: [&'static str; 1],
    claims_supported: [&'static str; 12],
    prompt_values_supported: [&'static str; 4],
    ui_locales_supported: [&'static str; 3],
    authorization_response_iss_parameter_supported: bool,
    backchannel_logout_supported: bool,
    backchannel_logout_session_supported: bool,
    claims_parameter_supported: bool,
    request_parameter_supported: bool,
    request_uri_parameter_supported: bool,
}

/// Where apps ask, and how.
#[utoipa::path(
    get, path = "/.well-known/openid-configuration", operation_id = "authorize.metadata", tag = "apps",
    responses((status = 200, description = "The metadata.", body = Metadata))
)]
async fn metadata(State(app): State<App>) -> Json<Metadata> {
    const PROVED: [&str; 2] = ["client_secret_basic", "private_key_jwt"];
    const WITH_NONE: [&str; 3] = [PROVED[0], PROVED[1], "none"];
    let issuer = &app.config().portal_origin;
    let at = |path: &str| format!("{issuer}{path}");
    Json(Metadata {
        issuer: issuer.clone(),
        authorization_endpoint: at("/authorize"),
        token_endpoint: at("/api/oauth/token"),
        introspection_endpoint: at("/api/oauth/introspect"),
        revocation_endpoint: at("/api/oauth/revoke"),
        userinfo_endpoint: at("/api/oauth/userinfo"),
        end_session_endpoint: at("/sign-out"),
        jwks_uri: at("/api/portal/jwks.json"),
        scopes_supported: SCOPES.iter().map(|(name, _)| *name).collect(),
        response_types_supported: ["code"],
        response_modes_supported: ["query"],
        grant_types_supported: ["authorization_code", "client_credentials"],
        subject_types_supported: ["public"],
        id_token_signing_alg_values_supported: ["ES256"],
        token_endpoint_auth_methods_supported: WITH_NONE,
        token_endpoint_auth_signing_alg_values_supported: ["ES256"],
        introspection_endpoint_auth_methods_supported: PROVED,
        introspection_endpoint_auth_signing_alg_values_supported: ["ES256"],
        revocation_endpoint_auth_methods_supported: WITH_NONE,
        revocation_endpoint_auth_signing_alg_values_supported: ["ES256"],
        code_challenge_methods_supported: ["S256"],
        claims_supported: [
            "iss",
            "sub",
            "aud",
            "exp",
            "iat",
            "auth_time",
            "nonce",
            "acr",
            "amr",
            "sid",
            "name",
            "email",
        ],
        prompt_values_supported: ["none", "login", "consent", "select_account"],
        ui_locales_supported: ["en", "es", "fr"],
        authorization_response_iss_parameter_supported: true,
        backchannel_logout_supported: true,
        backchannel_logout_session_supported: true,
        claims_parameter_supported: false,
        request_parameter_supported: false,
        request_uri_parameter_supported: false,
    })
}
