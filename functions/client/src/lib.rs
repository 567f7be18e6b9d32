//! The client page, and edits of the client's contact info.

use axum::extract::State;
use serde::Deserialize;
use shared::{
    App, Problem, Routes,
    chart::ClientUpdate,
    client::ClientView,
    fields::{ContactPhone, Date, GivenEmail, Name, Professional, RecordNumber, Refusal, Whole},
    history::Action,
    id::ClientId,
    problem::ProblemBody,
    staff::{Disclosed, Editor, Reader},
    web::{ClientPath, StrictJson, given},
};
use utoipa::ToSchema;

/// The routes of this function.
pub fn routes<R: Routes>() -> R {
    R::default().operation(__path_show, show).operation(__path_edit, edit)
}

/// Shows the client page. Opening it is recorded.
#[utoipa::path(
    get, path = "/api/clients/{clientId}", operation_id = "client", tag = "staff",
    security(("staffSession" = [])),
    params(("clientId" = ClientId, Path, description = "The client.")),
    responses((status = 200, description = "The client.", body = ClientView))
)]
async fn show(
    State(app): State<App>,
    reader: Reader,
    ClientPath(id): ClientPath,
) -> Result<Disclosed<ClientView>, Problem> {
    let chart = reader.chart(&app, id).await?;
    let clock = chart.staff().practice.clock(app.now());
    chart.show(&app, Action::ClientOpened, |chart| Ok(chart.client_view(&clock))).await
}

/// An edit of a client: what is not named stays; `professional: null` takes the name away.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClientEdit {
    /// The version that was looked at.
    version: Whole,
    /// The client's name.
    #[serde(default)]
    name: Option<Name>,
    /// The client's date of birth, not in the future.
    #[serde(default)]
    date_of_birth: Option<Date>,
    /// Number of the chart, unique in the practice.
    #[serde(default)]
    record_number: Option<RecordNumber>,
    /// All e-mail addresses, at most ten.
    #[serde(default)]
    #[schema(max_items = 10)]
    emails: Option<Vec<GivenEmail>>,
    /// All phone numbers, at most ten.
    #[serde(default)]
    #[schema(max_items = 10)]
    phones: Option<Vec<ContactPhone>>,
    /// Who cares for the client.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Professional>)]
    #[expect(clippy::option_option, reason = "not named, taken away, or set")]
    professional: Option<Option<Professional>>,
    /// Whether mail goes only to addresses that are marked safe, and alerts to the practice.
    #[serde(default)]
    safe_contact: Option<bool>,
}

/// Edits a client.
#[utoipa::path(
    patch, path = "/api/clients/{clientId}", operation_id = "client.edit", tag = "staff",
    security(("staffSession" = [])),
    params(("clientId" = ClientId, Path, description = "The client.")),
    request_body = ClientEdit,
    responses(
        (status = 200, description = "The client as it is now.", body = ClientView),
        (status = 409, description = "Nothing changed. `stale`: the version is old; `record_number_taken`; `account_in_use`: the client's own portal user has not enrolled, and the sign-in name is that of an account with access to other clients; `change_too_large`: the client has access to more others than can be told of the new name together.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The date of birth lies in the future; or `address_shared` on `email`: by this date the client is under 18, and shares an e-mail address with somebody else of the chart.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn edit(
    State(app): State<App>,
    editor: Editor,
    ClientPath(id): ClientPath,
    StrictJson(edit): StrictJson<ClientEdit>,
) -> Result<Disclosed<ClientView>, Problem> {
    check(&app, &edit)?;
    let edit = ClientUpdate {
        version: edit.version.0,
        name: edit.name,
        date_of_birth: edit.date_of_birth,
        record_number: edit.record_number,
        emails: edit.emails,
        phones: edit.phones,
        professional: edit.professional,
        safe_contact: edit.safe_contact,
    };
    let chart = editor.chart(&app, id).await?;
    let edited = chart.change(&app, Action::ClientShown, |chart| {
        chart.update_client(&edit)?;
        Ok(chart.client_view())
    });
    edited.await
}

fn check(app: &App, edit: &ClientEdit) -> Result<(), Problem> {
    if edit.date_of_birth.is_some_and(|born| born.is_after(app.now())) {
        return Err(Problem::refused(
            "dateOfBirth",
            Refusal::rule("in_future", "This date lies in the future."),
        ));
    }
    let counts = [
        ("emails", edit.emails.as_ref().map_or(0, Vec::len)),
        ("phones", edit.phones.as_ref().map_or(0, Vec::len)),
    ];
    match counts.iter().find(|(_, count)| *count > 10) {
        Some((field, _)) => {
            Err(Problem::refused(*field, Refusal::invalid("too_many", "At most 10.")))
        }
        None => Ok(()),
    }
}
