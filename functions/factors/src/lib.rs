//! What a person signs in with beside the password: passkeys, an authenticator app, a recovery code. Adding and
//! removing asks for the password or a code ([`shared::step_up`]), and is mailed to the person. The rules are those
//! of [`shared::factor`].
//!
//! Where the practice requires a factor and none is there, the first one is added before there is a session: by the
//! challenge that the right password opened.

mod person;

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::{
    App, Problem, Routes,
    caller::Caller,
    device::Presented,
    factor::{
        self,
        challenge::Opens,
        code::TypedCode,
        passkey::{self, Answer, PasskeyView},
        totp::Pending,
    },
    fields::{PasskeyName, Refusal, Secret},
    history::Action,
    id::{AccountKey, PasskeyId},
    idempotency::{Attempt, IdempotencyKey},
    mail::MailKind,
    problem::ProblemBody,
    step_up::{InSession, Proof, WRONG_CODE},
    visitor::{MaybeVisitor, Visitor},
    web::{PasskeyPath, StrictJson},
};
use utoipa::ToSchema;

use self::person::{Done, Needs, Person, Way};

/// The routes of this function.
pub fn routes<R: Routes>() -> R {
    R::default()
        .operation(__path_ask_for_passkey, ask_for_passkey)
        .operation(__path_add_passkey, add_passkey)
        .operation(__path_rename_passkey, rename_passkey)
        .operation(__path_remove_passkey, remove_passkey)
        .operation(__path_begin_totp, begin_totp)
        .operation(__path_confirm_totp, confirm_totp)
        .operation(__path_remove_totp, remove_totp)
        .operation(__path_make_recovery_code, make_recovery_code)
}

/// That it is the person: in a session a proof, before there is one a challenge.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// The password, or a code.
    #[serde(default)]
    #[schema(nullable = false)]
    proof: Option<Proof>,
    /// What the right password opened.
    #[serde(default)]
    #[schema(value_type = String, nullable = false, min_length = 1, max_length = 300)]
    challenge: Option<Secret>,
}

/// That it is the person.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Proved {
    /// The password, or a code.
    proof: Proof,
}

/// What to ask the browser.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PasskeyOptions {
    /// What `navigator.credentials.create` takes, in JSON.
    #[schema(value_type = Object)]
    options: Value,
}

/// Begins to add a passkey: it can be added within ten minutes.
#[utoipa::path(
    post, path = "/api/portal/account/passkeys/options", operation_id = "factors.passkey-options", tag = "portal",
    security(("portalSession" = []), ()),
    request_body = Opening,
    responses(
        (status = 200, description = "What to ask the browser.", body = PasskeyOptions),
        (status = 401, description = "Not signed in, or `challenge_expired`.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "`second_factor_off`: the practice offers none. `too_many_passkeys`.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "`wrong_password` on `proof.password`, `wrong_code` on `proof.code`; `missing` on `proof` in a session.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "`too_many_attempts`: wait.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn ask_for_passkey(
    State(app): State<App>,
    caller: Caller,
    presented: Presented,
    MaybeVisitor(visitor): MaybeVisitor,
    StrictJson(with): StrictJson<Opening>,
) -> Result<Json<PasskeyOptions>, Problem> {
    let way = Way::of((&app, &caller), visitor.as_ref(), with.challenge.as_ref()).await?;
    let needs = way.needs(with.proof.as_ref())?;
    let person = Person { app: &app, caller: &caller, presented: &presented, way };
    person
        .settle(needs, |found, key| {
            factor::offered(&found.practice)?;
            let account = &mut found.account;
            if account.factors.passkeys.len() >= passkey::MOST {
                return Err(factor::too_many_passkeys());
            }
            let asked = passkey::ask_for_new(&app, &found.practice.name, account, key)?;
            account.factors.ask_for_passkey(&app, asked.state);
            Ok(Done::quietly(PasskeyOptions { options: asked.options }))
        })
        .await
        .map(Json)
}

/// A new passkey.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPasskey {
    /// What the person calls it.
    name: PasskeyName,
    /// What the browser answered, as JSON.
    #[schema(value_type = Object)]
    credential: Answer,
    /// What the right password opened, where there is no session yet.
    #[serde(default)]
    #[schema(value_type = String, nullable = false, min_length = 1, max_length = 300)]
    challenge: Option<Secret>,
}

/// Adds a passkey.
#[utoipa::path(
    post, path = "/api/portal/account/passkeys", operation_id = "factors.add-passkey", tag = "portal",
    security(("portalSession" = []), ()),
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body get the same answer, for a day.", min_length = 1, max_length = 255, pattern = "^[!-~]+$")),
    request_body = NewPasskey,
    responses(
        (status = 201, description = "The passkey. Added by a challenge, sign in with it.", body = PasskeyView),
        (status = 401, description = "Not signed in, or `challenge_expired`.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "`too_many_passkeys`.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "`not_accepted` on `credential`: it does not answer what was asked, was asked too long ago, or is there already.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn add_passkey(
    State(app): State<App>,
    caller: Caller,
    presented: Presented,
    MaybeVisitor(visitor): MaybeVisitor,
    key: IdempotencyKey,
    StrictJson(with): StrictJson<NewPasskey>,
) -> Result<Response, Problem> {
    let way = Way::of((&app, &caller), visitor.as_ref(), with.challenge.as_ref()).await?;
    let person = Person { app: &app, caller: &caller, presented: &presented, way };
    let (practice, account) = person.place();
    let body = (with.name.as_str(), &with.credential);
    let operation = "factors.add-passkey";
    let attempt = Attempt::new(&app, practice, account.as_str(), operation, &key, &body)?;
    let id = PasskeyId::new(app.ulid());
    let add = |found: &mut InSession, key: &AccountKey| {
        let now = app.now();
        let state = found.account.factors.take_asked(now).ok_or_else(not_accepted)?;
        let added = passkey::add(&app, &state, with.name.clone(), &with.credential)?;
        let passkey = added.ok_or_else(not_accepted)?;
        let view = passkey.view(id);
        found.account.factors.add_passkey(id, passkey, key)?;
        Ok(Done::told(view, Action::FactorAdded, MailKind::FactorAdded, "passkey"))
    };
    let view = person.settle_with(Needs::Nothing, Some(&attempt), add).await?;
    Ok((StatusCode::CREATED, Json(view)).into_response())
}

fn not_accepted() -> Problem {
    let refusal = Refusal::rule(
        "not_accepted",
        "This passkey could not be added. Begin again, and confirm with your face, fingerprint or PIN.",
    );
    Problem::refused("credential", refusal)
}

/// Another name of a passkey.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasskeyEdit {
    /// What the person calls it.
    name: PasskeyName,
}

/// Renames a passkey. How the person enters does not change, so nothing is asked for.
#[utoipa::path(
    patch, path = "/api/portal/account/passkeys/{passkeyId}", operation_id = "factors.rename-passkey", tag = "portal",
    security(("portalSession" = [])),
    params(("passkeyId" = PasskeyId, Path, description = "The passkey.")),
    request_body = PasskeyEdit,
    responses(
        (status = 200, description = "The passkey.", body = PasskeyView),
        (status = 404, description = "The person has no such passkey.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn rename_passkey(
    State(app): State<App>,
    visitor: Visitor,
    presented: Presented,
    PasskeyPath(id): PasskeyPath,
    StrictJson(with): StrictJson<PasskeyEdit>,
) -> Result<Json<PasskeyView>, Problem> {
    let person = Person::in_session(&app, &visitor, &presented);
    person
        .settle(Needs::Nothing, |found, _| {
            let passkeys = &mut found.account.factors.passkeys;
            let passkey = passkeys.get_mut(&id).ok_or_else(Problem::not_found)?;
            passkey.name = with.name.clone();
            Ok(Done::recorded(passkey.view(id), Action::FactorRenamed, "passkey"))
        })
        .await
        .map(Json)
}

/// Removes a passkey.
#[utoipa::path(
    delete, path = "/api/portal/account/passkeys/{passkeyId}", operation_id = "factors.remove-passkey", tag = "portal",
    security(("portalSession" = [])),
    params(("passkeyId" = PasskeyId, Path, description = "The passkey.")),
    request_body = Proved,
    responses(
        (status = 204, description = "It signs nobody in any more."),
        (status = 404, description = "The person has no such passkey.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "`last_factor`: the practice requires one.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "`wrong_password` on `proof.password`, `wrong_code` on `proof.code`.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "`too_many_attempts`: wait.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn remove_passkey(
    State(app): State<App>,
    visitor: Visitor,
    presented: Presented,
    PasskeyPath(id): PasskeyPath,
    StrictJson(with): StrictJson<Proved>,
) -> Result<StatusCode, Problem> {
    let person = Person::in_session(&app, &visitor, &presented);
    let removed = |found: &mut InSession, _: &AccountKey| {
        found.account.factors.remove_passkey(&found.practice, id)?;
        Ok(Done::told((), Action::FactorRemoved, MailKind::FactorRemoved, "passkey"))
    };
    person.settle(Needs::Proof(&with.proof), removed).await.map(|()| StatusCode::NO_CONTENT)
}

/// What an authenticator app is given. It is shown once.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TotpSecret {
    /// The secret in base 32, to be typed.
    secret: String,
    /// The same as an address that the app reads from a picture.
    uri: String,
}

/// Begins to add an authenticator app: it can be confirmed within a quarter of an hour, and takes the place of the
/// one before then.
#[utoipa::path(
    post, path = "/api/portal/account/totp", operation_id = "factors.totp", tag = "portal",
    security(("portalSession" = []), ()),
    request_body = Opening,
    responses(
        (status = 200, description = "What the app is given.", body = TotpSecret),
        (status = 401, description = "Not signed in, or `challenge_expired`.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "`second_factor_off`: the practice offers none.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "`wrong_password` on `proof.password`, `wrong_code` on `proof.code`; `missing` on `proof` in a session.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "`too_many_attempts`: wait.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn begin_totp(
    State(app): State<App>,
    caller: Caller,
    presented: Presented,
    MaybeVisitor(visitor): MaybeVisitor,
    StrictJson(with): StrictJson<Opening>,
) -> Result<Json<TotpSecret>, Problem> {
    let way = Way::of((&app, &caller), visitor.as_ref(), with.challenge.as_ref()).await?;
    let needs = way.needs(with.proof.as_ref())?;
    let person = Person { app: &app, caller: &caller, presented: &presented, way };
    person
        .settle(needs, |found, _| {
            factor::offered(&found.practice)?;
            let pending = Pending::new(&app);
            let given = pending.give(&app, &found.practice.name, &found.account.username)?;
            found.account.factors.pending = Some(pending);
            Ok(Done::quietly(TotpSecret {
                secret: given.secret.reveal().to_owned(),
                uri: given.uri.reveal().to_owned(),
            }))
        })
        .await
        .map(Json)
}

/// A code of the new app.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TotpConfirmation {
    /// The code that the app shows.
    code: TypedCode,
    /// What the right password opened, where there is no session yet.
    #[serde(default)]
    #[schema(value_type = String, nullable = false, min_length = 1, max_length = 300)]
    challenge: Option<Secret>,
}

/// Confirms an authenticator app with its first code, which counts as used. Added by a challenge, the same code and
/// challenge sign in.
#[utoipa::path(
    put, path = "/api/portal/account/totp", operation_id = "factors.confirm-totp", tag = "portal",
    security(("portalSession" = []), ()),
    request_body = TotpConfirmation,
    responses(
        (status = 204, description = "It is asked for from now on."),
        (status = 401, description = "Not signed in, or `challenge_expired`.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "`totp_not_begun`: no app waits to be confirmed, or not any more.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "`wrong_code` on `code`.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "`too_many_attempts`: wait.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn confirm_totp(
    State(app): State<App>,
    caller: Caller,
    presented: Presented,
    MaybeVisitor(visitor): MaybeVisitor,
    StrictJson(with): StrictJson<TotpConfirmation>,
) -> Result<StatusCode, Problem> {
    let way = Way::of((&app, &caller), visitor.as_ref(), with.challenge.as_ref()).await?;
    let person = Person { app: &app, caller: &caller, presented: &presented, way };
    let wrong = || Problem::refused("code", Refusal::rule("wrong_code", WRONG_CODE));
    person
        .settle_judged(
            |found| {
                let factors = &mut found.account.factors;
                let now = app.now();
                let pending = factors.pending.clone().filter(|pending| pending.expires_at > now);
                let Some(pending) = pending else {
                    return Err(Problem::conflict(
                        "totp_not_begun",
                        "Begin again: no app waits to be confirmed.",
                    ));
                };
                let Some(totp) = pending.confirm(&app, with.code.reveal())? else {
                    return Ok(Err(wrong()));
                };
                factors.pending = None;
                factors.totp = Some(totp);
                Ok(Ok(()))
            },
            || {
                let kind = MailKind::FactorAdded;
                let done = Done::told((), Action::FactorAdded, kind, "totp");
                done.opening(Some(Opens::Enrolled))
            },
        )
        .await
        .map(|()| StatusCode::NO_CONTENT)
}

/// Removes the authenticator app.
#[utoipa::path(
    delete, path = "/api/portal/account/totp", operation_id = "factors.remove-totp", tag = "portal",
    security(("portalSession" = [])),
    request_body = Proved,
    responses(
        (status = 204, description = "Its codes sign nobody in any more."),
        (status = 404, description = "There is none.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "`last_factor`: the practice requires one.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "`wrong_password` on `proof.password`, `wrong_code` on `proof.code`.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "`too_many_attempts`: wait.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn remove_totp(
    State(app): State<App>,
    visitor: Visitor,
    presented: Presented,
    StrictJson(with): StrictJson<Proved>,
) -> Result<StatusCode, Problem> {
    let person = Person::in_session(&app, &visitor, &presented);
    let removed = |found: &mut InSession, _: &AccountKey| {
        found.account.factors.remove_totp(&found.practice)?;
        Ok(Done::told((), Action::FactorRemoved, MailKind::FactorRemoved, "totp"))
    };
    person.settle(Needs::Proof(&with.proof), removed).await.map(|()| StatusCode::NO_CONTENT)
}

/// A recovery code. It is shown once.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RecoveryCode {
    /// The code; none in the answer to a repeated request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    code: Option<String>,
}

/// Makes a recovery code, which takes the place of the one before.
#[utoipa::path(
    post, path = "/api/portal/account/recovery-code", operation_id = "factors.recovery-code", tag = "portal",
    security(("portalSession" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key makes no second code, for a day; the answer then lacks the code.", min_length = 1, max_length = 255, pattern = "^[!-~]+$")),
    request_body = Proved,
    responses(
        (status = 201, description = "The code.", body = RecoveryCode),
        (status = 409, description = "`no_second_factor`: there is none that it could stand in for.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "`wrong_password` on `proof.password`, `wrong_code` on `proof.code`.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "`too_many_attempts`: wait.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn make_recovery_code(
    State(app): State<App>,
    visitor: Visitor,
    presented: Presented,
    key: IdempotencyKey,
    StrictJson(with): StrictJson<Proved>,
) -> Result<Response, Problem> {
    let person = Person::in_session(&app, &visitor, &presented);
    let (practice, account) = person.place();
    let operation = "factors.recovery-code";
    let attempt = Attempt::new(&app, practice, account.as_str(), operation, &key, &())?;
    let make = |found: &mut InSession, _: &AccountKey| {
        let code = found.account.factors.new_recovery_code(&app)?;
        let code = RecoveryCode { code: Some(code.text().reveal().to_owned()) };
        let kind = MailKind::RecoveryCodeMade;
        let done = Done::told(code, Action::RecoveryCodeMade, kind, "recoveryCode");
        Ok(done.kept_as(RecoveryCode { code: None }))
    };
    let answer = person.settle_with(Needs::Proof(&with.proof), Some(&attempt), make).await?;
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}
