//! The API document (OpenAPI 3.1), generated from the functions' own routes.
//!
//! Each function describes what is particular to its operations. What holds for all of them is
//! added here from one table, so that no answer can be forgotten: who may call, and every problem
//! that the extractors, the session check and the table can lead to.

use utoipa::{
    OpenApi, PartialSchema, ToSchema,
    openapi::{
        self, Components, Content, HeaderBuilder, ObjectBuilder, PathItem, Ref, RefOr,
        ResponseBuilder,
        path::Operation,
        schema::Type,
        security::{
            ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
        },
    },
};

use crate::{
    cookie,
    jwt::Audience,
    oauth::{app::SystemScope, system},
    problem::{FieldProblem, OAuthBody, ProblemBody},
};

/// Name of the staff's cookie scheme in the document.
pub const STAFF: &str = "staffSession";
/// Name of the clients' cookie scheme in the document.
pub const PORTAL: &str = "portalSession";
/// Name of the scheme of apps that ask for themselves.
pub const APP: &str = "app";
/// Name of the scheme of apps that ask with a person's access token.
pub const TOKEN: &str = "accessToken";
/// Name of the scheme of systems, and of apps by themselves.
pub const SYSTEM: &str = "systemToken";

#[derive(OpenApi)]
#[openapi(info(
    title = "Latchkey",
    description = "Decides, and enforces, who may enter a health practice's client portal. Changes are taken only with `Origin` or `Sec-Fetch-Site` of the site itself. An `operationId` is the name of the function that serves the operation; where one function serves several, a part after a dot tells them apart.",
    license(name = "MIT", identifier = "MIT"),
))]
struct Base;

/// Completes the document of all functions' routes.
#[must_use]
pub fn complete(routes: openapi::OpenApi) -> openapi::OpenApi {
    let mut document = Base::openapi();
    document.merge(routes);
    document.info.title = "Latchkey".into();
    let components = document.components.get_or_insert_with(Components::default);
    for (name, schema) in [
        (ProblemBody::name(), ProblemBody::schema()),
        (FieldProblem::name(), FieldProblem::schema()),
        (OAuthBody::name(), OAuthBody::schema()),
    ] {
        components.schemas.insert(name.into_owned(), schema);
    }
    for (name, audience, who) in [
        (
            STAFF,
            Audience::Staff,
            "A session of staff, made by signing in at the practice's issuer.",
        ),
        (PORTAL, Audience::Portal, "A session of a client or guardian, made by signing in."),
    ] {
        let key = ApiKeyValue::with_description(cookie::name(audience), who);
        components
            .security_schemes
            .insert(name.into(), SecurityScheme::ApiKey(ApiKey::Cookie(key)).into());
    }
    for (name, scheme, who) in [
        (
            APP,
            HttpAuthScheme::Basic,
            "An app: its id and its secret. An app with a key sends an assertion in the form instead, one without either its `client_id`.",
        ),
        (TOKEN, HttpAuthScheme::Bearer, "A person in an app: the access token that the app got."),
        (
            SYSTEM,
            HttpAuthScheme::Bearer,
            "A system, or an app by itself: a token of `client_credentials`, with the scope that the route needs.",
        ),
    ] {
        let http = HttpBuilder::new().scheme(scheme).description(Some(who)).build();
        components.security_schemes.insert(name.into(), SecurityScheme::Http(http).into());
    }
    for (path, item) in &mut document.paths.paths {
        let by_id = path.contains('{');
        let oauth = path.starts_with("/api/oauth/");
        let scope = system::scope_of(path);
        for operation in operations(item) {
            if let Some(scope) = scope {
                for_systems(operation, scope);
            }
            complete_operation(operation, by_id, oauth);
        }
    }
    document
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    [get, put, post, delete, patch].into_iter().filter_map(Option::as_mut)
}

/// Says that systems may call it too, and with which scope.
fn for_systems(operation: &mut Operation, scope: SystemScope) {
    let needed = SecurityRequirement::new(SYSTEM, [scope.slug()]);
    let security = operation.security.get_or_insert_default();
    security.push(needed);
}

fn complete_operation(operation: &mut Operation, by_id: bool, oauth: bool) {
    let secured = operation.security.as_ref().is_some_and(|s| !s.is_empty());
    let has_input = operation.request_body.is_some()
        || operation.parameters.as_ref().is_some_and(|p| {
            p.iter().any(|p| match p {
                RefOr::T(p) => !matches!(p.parameter_in, openapi::path::ParameterIn::Path),
                RefOr::Ref(_) => true,
            })
        });
    let has_body = operation.request_body.is_some();
    let pages = !oauth;
    let table = [
        ("400", has_input, "Some input is not valid: the fields are named, nothing was written."),
        ("401", secured, "Nobody is signed in, or the session has ended."),
        ("403", pages, "Not from the site itself, or the role may only look."),
        ("404", by_id, "No such thing, or another practice's."),
        ("413", has_body, "The body is over 64 KiB."),
        ("415", has_body && pages, "The body is not application/json."),
        (
            "422",
            has_body && pages,
            "A rule refuses some input: the fields are named, nothing was written.",
        ),
        ("500", true, "A fault of ours."),
        ("503", true, "Something we depend on did not answer; nothing was lost, try again."),
    ];
    for (status, applies, description) in table {
        if applies && !operation.responses.responses.contains_key(status) {
            let problem = problem(description, oauth);
            operation.responses.responses.insert(status.into(), problem.into());
        }
    }
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else { continue };
        if matches!(status.as_str(), "429" | "503") {
            let seconds = HeaderBuilder::new()
                .schema(Some(ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1))))
                .description(Some("Seconds to wait."))
                .build();
            response.headers.insert("Retry-After".into(), seconds.into());
        }
    }
}

/// A problem answer, in OAuth's words below `/api/oauth/`.
fn problem(description: &str, oauth: bool) -> openapi::Response {
    let (media, schema) = if oauth {
        ("application/json", "OAuthError")
    } else {
        ("application/problem+json", "Problem")
    };
    ResponseBuilder::new()
        .description(description)
        .content(media, Content::new(Some(Ref::from_schema_name(schema))))
        .build()
}
