//! Answers a proxy in front of an app on the portal's own host: may this request pass? The proxy passes
//! the browser's headers along, and with them the session's cookie.

use axum::{
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use shared::{
    App, Problem, Routes,
    fields::Refusal,
    id::{AppId, ClientId},
    oauth::question::{self, AppChart, By, Closed, Place},
    visitor::Visitor,
    web::StrictQuery,
};
use utoipa::IntoParams;

/// The routes of this function.
pub fn routes<R: Routes>() -> R {
    R::default().operation(__path_check, check)
}

/// What a proxy asks.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Question {
    /// The app that the request is for.
    #[param(value_type = AppId)]
    app: String,
    /// The chart that the request is for, if it is for one.
    #[serde(default)]
    #[param(value_type = Option<ClientId>)]
    client_id: Option<String>,
}

/// Says whether a request may pass.
#[utoipa::path(
    get, path = "/api/portal/check", operation_id = "check", tag = "portal",
    security(("portalSession" = [])),
    params(
        Question,
        ("Latchkey-Activity" = Option<String>, Header, description = "`none`: nobody is there, and the question is no use of the session."),
    ),
    responses(
        (status = 204, description = "It may.", headers(
            ("Latchkey-Subject" = String, description = "The person."),
            ("Latchkey-Session" = String, description = "The session."),
            ("Latchkey-Charts" = String, description = "The charts that the app may open: `clientId=permission+permission`, with a comma and a space between."),
        )),
        (status = 403, description = "`no_access`: the app is not known or switched off, or the person has no chart, or not this one, that it serves.", body = shared::problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn check(
    State(app): State<App>,
    visitor: Visitor,
    headers: HeaderMap,
    StrictQuery(asked): StrictQuery<Question>,
) -> Result<Response, Problem> {
    let invalid = |field| Problem::refused(field, Refusal::invalid("invalid", "This is no id."));
    let id = AppId::parse(&asked.app).ok_or_else(|| invalid("app"))?;
    let wanted = asked.client_id.map(|id| ClientId::parse(&id).ok_or_else(|| invalid("clientId")));
    let wanted = wanted.transpose()?;
    if *id.practice() != visitor.practice {
        let (account, practice) = visitor.load(&app).await?;
        account.admitted(&practice, visitor.sid, app.now()).ok_or_else(Problem::signed_out)?;
        return Err(Problem::no_access());
    }
    let place = Place { app: id, account: visitor.account.clone(), sid: visitor.sid };
    let is_use = question::is_use(&headers);
    let answer = question::ask(&app, &visitor.caller, &place, By::Session, None, is_use).await?;
    let answer = answer.map_err(|closed| match closed {
        Closed::Session => Problem::signed_out(),
        Closed::Access => Problem::no_access(),
    })?;
    if wanted.is_some_and(|wanted| answer.charts.iter().all(|chart| chart.client_id != wanted)) {
        return Err(Problem::no_access());
    }
    let charts: Vec<String> = answer.charts.iter().map(line).collect();
    let told = [
        ("latchkey-subject", answer.account.account_id.to_string()),
        ("latchkey-session", visitor.sid.to_string()),
        ("latchkey-charts", charts.join(", ")),
    ];
    let mut response = StatusCode::NO_CONTENT.into_response();
    for (name, value) in told {
        let value = HeaderValue::from_str(&value).map_err(|e| Problem::internal(e.to_string()))?;
        response.headers_mut().insert(HeaderName::from_static(name), value);
    }
    Ok(response)
}

fn line(chart: &AppChart) -> String {
    let permissions = chart.permissions.iter().map(|permission| permission.slug());
    format!("{}={}", chart.client_id, permissions.collect::<Vec<_>>().join("+"))
}
