//! What goes wrong, as the caller may know it: RFC 9457 problems.
//!
//! Every status code of the API stands in this file. A problem carries a public sentence and,
//! apart from it, a private cause that only the log sees. The request's id is filled in by
//! [`crate::web`], which renders whatever problem a handler returned.

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    fields::{At, Refusal},
    id::ClientId,
};

/// One field of bad input: which, why (stable slug), and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldProblem {
    /// Path of the field in the body, such as `emails[0].address`; or the name of a parameter.
    pub field: String,
    /// Stable slug, such as `empty`, `too_long`, `unknown`, `missing`, `wrong_type`.
    pub code: Cow<'static, str>,
    /// A sentence for the person who filled it in.
    pub message: Cow<'static, str>,
}

/// The body of every error answer (`application/problem+json`, RFC 9457).
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// `urn:latchkey:problem:` and the code.
    pub r#type: String,
    /// The kind of problem, in a few words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// Stable slug: what programs compare.
    pub code: String,
    /// What happened and what to do, for a person.
    pub detail: String,
    /// Names the request in the logs and in the history.
    pub request_id: String,
    /// The fields at fault, for bad input.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub fields: Vec<FieldProblem>,
    /// What some codes answer beyond: `account` of `account_exists`, `until` of `mail_budget_spent`,
    /// `about` of `safe_contact`: `alerts`, `mail`, `own-access` or `duplicate`.
    #[serde(flatten)]
    #[schema(inline, additional_properties)]
    pub more: serde_json::Map<String, serde_json::Value>,
}

/// An error answer in the making.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    code: Cow<'static, str>,
    title: &'static str,
    detail: Cow<'static, str>,
    fields: Vec<FieldProblem>,
    retry_after: Option<u32>,
    more: Option<Box<More>>,
}

/// What few problems have.
#[derive(Debug, Clone, Default)]
struct More {
    /// Further members of the body.
    members: serde_json::Map<String, serde_json::Value>,
    /// The clients whose data they show.
    shown: Vec<ClientId>,
    /// The private cause, for the log.
    cause: Option<String>,
    /// Whether the history tells of a refusal like this one already.
    recorded: bool,
}

impl Problem {
    fn new(
        status: StatusCode,
        code: impl Into<Cow<'static, str>>,
        title: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        let (code, detail) = (code.into(), detail.into());
        Self { status, code, title, detail, fields: Vec::new(), retry_after: None, more: None }
    }

    /// A value that is refused, naming the field. What the API document's schema rules out is 400
    /// `invalid`. What a rule refuses is 422 with the rule's own code: a weak password, a birth in
    /// the future, an id that is no portal user's.
    pub fn refused(field: impl Into<String>, refusal: Refusal) -> Self {
        let Refusal { code, message, rule } = refusal;
        let (status, of_problem, title) = if rule {
            (StatusCode::UNPROCESSABLE_ENTITY, code.clone(), "This cannot be accepted")
        } else {
            (StatusCode::BAD_REQUEST, "invalid".into(), "Some input is not valid")
        };
        Self::of_field(status, of_problem, title, field, code, message)
    }

    fn of_field(
        status: StatusCode,
        code: impl Into<Cow<'static, str>>,
        title: &'static str,
        field: impl Into<String>,
        field_code: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        let message = message.into();
        let mut problem = Self::new(status, code, title, message.clone());
        problem.fields.push(FieldProblem { field: field.into(), code: field_code.into(), message });
        problem
    }

    /// The body is not JSON at all: 400.
    #[must_use]
    pub fn malformed(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", "The body is not valid JSON", detail)
    }

    /// The body has another media type than `application/json`: 415.
    #[must_use]
    pub fn media_type() -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "media_type",
            "Wrong media type",
            "Send the body as application/json.",
        )
    }

    /// The body is over what the route takes, in bytes: 413.
    #[must_use]
    pub fn too_large(limit: usize) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
            "The body is too large",
            format!("Send at most {} KiB.", limit / 1024),
        )
    }

    /// Nobody is signed in, or the session has ended: 401. One answer for every reason.
    #[must_use]
    pub fn signed_out() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "signed_out", "Not signed in", "Sign in to go on.")
    }

    /// Unknown username or wrong password, not told apart: 401.
    #[must_use]
    pub fn sign_in_failed() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "sign_in_failed",
            "Sign-in failed",
            "The username or the password is not right.",
        )
    }

    /// The right password, and a second factor is asked for: 401 with what opens the second step, and with what it
    /// can be taken.
    #[must_use]
    pub fn second_factor_required(challenge: &str, methods: &[&'static str]) -> Self {
        let problem = Self::new(
            StatusCode::UNAUTHORIZED,
            "second_factor_required",
            "A second factor is asked for",
            "Show that it is you with one of the methods.",
        );
        problem.with("challenge", challenge.into()).with("methods", methods.into())
    }

    /// The right password, a second factor is required, and none is there: 403 with what opens adding one.
    #[must_use]
    pub fn factor_enrollment_required(challenge: &str) -> Self {
        let problem = Self::new(
            StatusCode::FORBIDDEN,
            "factor_enrollment_required",
            "A second factor is required",
            "The practice asks for a second factor. Add one to go on.",
        );
        problem.with("challenge", challenge.into())
    }

    /// A wrong code, or a passkey that is not right: 401.
    #[must_use]
    pub fn factor_failed() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "factor_failed",
            "Sign-in failed",
            "This is not right. A code works once, and only for a short time.",
        )
    }

    /// The second step was begun too long ago, or is over: 401.
    #[must_use]
    pub fn challenge_expired() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "challenge_expired",
            "Begin again",
            "This took too long, or was done already. Sign in from the beginning.",
        )
    }

    /// The right password, but no chart is open to it: 403.
    #[must_use]
    pub fn access_not_active() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "access_not_active",
            "Access is not active",
            "Your access to the client portal is not active. Please ask the practice.",
        )
    }

    /// Somebody is signed in, and has nothing here: 403.
    #[must_use]
    pub fn no_access() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "no_access",
            "No access",
            "Your access does not include this. Please ask the practice.",
        )
    }

    /// A change by someone who may only read: 403.
    #[must_use]
    pub fn read_only() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "read_only",
            "Not allowed",
            "Your role can look but not change anything.",
        )
    }

    /// What only an admin may do: 403.
    #[must_use]
    pub fn admins_only() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "admins_only",
            "Not allowed",
            "Only an admin of the practice may do this.",
        )
    }

    /// What only an admin or an auditor may do: 403.
    #[must_use]
    pub fn auditors_only() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "auditors_only",
            "Not allowed",
            "Only an admin or an auditor of the practice may do this.",
        )
    }

    /// What is for apps and systems alone: 403.
    #[must_use]
    pub fn systems_only() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "systems_only",
            "Not allowed",
            "Apps and systems of the practice do this by themselves, with a token.",
        )
    }

    /// What a system may not do: 403.
    #[must_use]
    pub fn insufficient_scope() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "insufficient_scope",
            "Not allowed",
            "The system's token does not cover this.",
        )
    }

    /// A request that did not come from our own pages: 403.
    #[must_use]
    pub fn cross_site() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "cross_site",
            "Not from this site",
            "This is taken only from the site itself. A change needs Origin or Sec-Fetch-Site.",
        )
    }

    /// A request that went around the site's own address: 403.
    #[must_use]
    pub fn direct() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "direct",
            "Not by this way",
            "Use the address of the site.",
        )
    }

    /// No such thing, or another practice's: 404, alike to the letter.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "Not found", "There is nothing here.")
    }

    /// The path exists with other methods: 405.
    #[must_use]
    pub fn method() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "Method not allowed",
            "This address takes other methods: see Allow.",
        )
    }

    /// The thing is in a state in which this cannot be done: 409.
    #[must_use]
    pub fn conflict(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::CONFLICT, code, "This cannot be done now", detail)
    }

    /// A value that somebody else holds: 409, naming the field.
    #[must_use]
    pub fn taken(field: &'static str, code: &'static str, message: &'static str) -> Self {
        Self::of_field(StatusCode::CONFLICT, code, "Already taken", field, "taken", message)
    }

    /// An edit of an old version: 409.
    #[must_use]
    pub fn stale() -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "stale",
            "Changed meanwhile",
            "Somebody else changed this meanwhile. Look at it again, then repeat your change.",
        )
    }

    /// A refusal in the words of OAuth (RFC 6749, section 5.2; RFC 6750, section 3.1): `error` and
    /// `error_description` of an answer below `/api/oauth/`.
    #[must_use]
    pub fn oauth(error: &'static str, description: impl Into<Cow<'static, str>>) -> Self {
        let status = match error {
            "invalid_client" | "invalid_token" => StatusCode::UNAUTHORIZED,
            _ => StatusCode::BAD_REQUEST,
        };
        Self::new(status, error, "Refused", description)
    }

    /// The same idempotency key with another body: 422.
    #[must_use]
    pub fn key_reused() -> Self {
        Self::of_field(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency_key_reused",
            "Key used before",
            "Idempotency-Key",
            "reused",
            "This key came with another body before.",
        )
    }

    /// Too many failures: 429, with the whole seconds to wait.
    #[must_use]
    pub fn too_many_attempts(seconds: u32) -> Self {
        let mut problem = Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_attempts",
            "Too many attempts",
            "There were too many failed attempts. Wait a little, then try again.",
        );
        problem.retry_after = Some(seconds.max(1));
        problem
    }

    /// A program posted as many alerts as it may in an hour: 429, with the whole seconds until the next.
    #[must_use]
    pub fn too_many_alerts(seconds: u32) -> Self {
        let mut problem = Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_alerts",
            "Too many alerts",
            "This program posted as many alerts as one may in an hour. Nothing was taken; post it again later.",
        );
        problem.retry_after = Some(seconds.max(1));
        problem
    }

    /// The address got as many mails as its budget holds: 429, with the moment from which it can get
    /// this one in the member `until`.
    #[must_use]
    pub fn mail_budget_spent(until: At, now: At) -> Self {
        let mut problem = Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "mail_budget_spent",
            "Too many mails",
            "This address got as many mails as one address may get for now. Nothing was changed; `until` says when it can be done.",
        );
        let seconds = (until.millis() - now.millis() + 999) / 1000;
        problem.retry_after = Some(u32::try_from(seconds).unwrap_or(u32::MAX).max(1));
        problem.with("until", serde_json::json!(until))
    }

    /// A dependency failed or was too slow: 503; nothing that was acknowledged is lost, and the
    /// same request may be sent again.
    #[must_use]
    pub fn unavailable(cause: impl Into<String>) -> Self {
        let mut problem = Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "Not available just now",
            "Something we depend on did not answer. Nothing was lost; please try again.",
        );
        problem.retry_after = Some(1);
        problem.more.get_or_insert_default().cause = Some(cause.into());
        problem
    }

    /// A fault of ours: 500, opaque.
    #[must_use]
    pub fn internal(cause: impl Into<String>) -> Self {
        let mut problem = Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Something went wrong",
            "This is our fault. The request id helps us to find out why.",
        );
        problem.more.get_or_insert_default().cause = Some(cause.into());
        problem
    }

    /// Adds a member to the body.
    #[must_use]
    pub fn with(mut self, member: &str, value: serde_json::Value) -> Self {
        self.more.get_or_insert_default().members.insert(member.to_owned(), value);
        self
    }

    /// Notes clients whose data the body shows, so that their histories tell of it.
    #[must_use]
    pub fn showing(mut self, clients: impl IntoIterator<Item = ClientId>) -> Self {
        self.more.get_or_insert_default().shown.extend(clients);
        self
    }

    /// The clients whose data the body shows.
    #[must_use]
    pub fn shown(&self) -> &[ClientId] {
        self.more.as_deref().map_or(&[], |more| &more.shown)
    }

    /// One of many alike, of which the history tells already.
    #[must_use]
    pub fn recorded_before(mut self) -> Self {
        self.more.get_or_insert_default().recorded = true;
        self
    }

    /// Whether a rule refused what was asked, which the history records. Bad input and a failing
    /// dependency are no refusals.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        let recorded = self.more.as_deref().is_some_and(|more| more.recorded);
        !recorded
            && [
                StatusCode::FORBIDDEN,
                StatusCode::NOT_FOUND,
                StatusCode::CONFLICT,
                StatusCode::TOO_MANY_REQUESTS,
            ]
            .contains(&self.status)
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The stable slug.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// What the log may know beyond the code. Never a person's data.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        self.more.as_deref()?.cause.as_deref()
    }

    /// Whole seconds to wait, for `Retry-After`.
    #[must_use]
    pub fn retry_after(&self) -> Option<u32> {
        self.retry_after
    }

    /// The body for a request.
    #[must_use]
    pub fn body(&self, request_id: &str) -> ProblemBody {
        ProblemBody {
            r#type: format!("urn:latchkey:problem:{}", self.code),
            title: self.title.to_owned(),
            status: self.status.as_u16(),
            code: self.code.clone().into_owned(),
            detail: self.detail.clone().into_owned(),
            request_id: request_id.to_owned(),
            fields: self.fields.clone(),
            more: self.more.as_deref().map(|more| more.members.clone()).unwrap_or_default(),
        }
    }
}

/// The body of an error answer below `/api/oauth/` (RFC 6749, section 5.2).
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = OAuthError)]
pub struct OAuthBody {
    /// The standard's code: what programs compare.
    pub error: String,
    /// What is wrong, for the developer of the app.
    pub error_description: String,
}

impl Problem {
    /// Whether an app is told of it in the words of OAuth: not that it went a wrong way, which is no
    /// matter of that standard.
    #[must_use]
    pub fn is_oauth(&self) -> bool {
        use StatusCode as S;
        ![S::FORBIDDEN, S::NOT_FOUND, S::METHOD_NOT_ALLOWED].contains(&self.status)
    }

    /// The body in the words of OAuth.
    #[must_use]
    pub fn oauth_body(&self) -> OAuthBody {
        let error = match self.status {
            StatusCode::SERVICE_UNAVAILABLE => "temporarily_unavailable",
            StatusCode::INTERNAL_SERVER_ERROR => "server_error",
            StatusCode::UNSUPPORTED_MEDIA_TYPE | StatusCode::PAYLOAD_TOO_LARGE => "invalid_request",
            _ => &self.code,
        };
        // RFC 6749 knows neither quotation marks nor backslashes here.
        let detail = self.detail.replace(['"', '\\'], "'");
        OAuthBody { error: error.to_owned(), error_description: detail }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}
