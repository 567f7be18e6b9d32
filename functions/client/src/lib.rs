//! The client page, and edits of the client's contact info.

use axum::{Json, extract::State};
use serde::{Deserialize, Deserializer};
use shared::{
    App, Problem, Routes,
    chart::{Chart, Mirror},
    client::{Client, ClientView, Holder},
    fields::{ContactEmail, ContactPhone, Date, Name, Professional, RecordNumber, Whole},
    history::Action,
    id::ClientId,
    keys,
    problem::ProblemBody,
    session::{Editor, Reader},
    web::{ClientPath, StrictJson},
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
) -> Result<Json<ClientView>, Problem> {
    let key = keys::client(reader.practice(), id);
    let (staff, client) = reader.admit(&app, app.store().get::<Client>(&key)).await?;
    let client = client.ok_or_else(Problem::not_found)?;
    app.store().record(&staff.event(&app, Action::ClientOpened).client(id)).await?;
    Ok(Json(client.view(app.now())))
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
    emails: Option<Vec<ContactEmail>>,
    /// All phone numbers, at most ten.
    #[serde(default)]
    #[schema(max_items = 10)]
    phones: Option<Vec<ContactPhone>>,
    /// Who cares for the client.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Professional>)]
    #[expect(clippy::option_option, reason = "not named, taken away, or set")]
    professional: Option<Option<Professional>>,
}

/// Tells "null" from "not named".
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(d: D) -> Result<Option<T>, D::Error> {
    T::deserialize(d).map(Some)
}

/// Edits a client.
#[utoipa::path(
    patch, path = "/api/clients/{clientId}", operation_id = "client.edit", tag = "staff",
    security(("staffSession" = [])),
    params(("clientId" = ClientId, Path, description = "The client.")),
    request_body = ClientEdit,
    responses(
        (status = 200, description = "The client as it is now.", body = ClientView),
        (status = 409, description = "The version is old, or the record number is taken: nothing changed.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The date of birth lies in the future.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn edit(
    State(app): State<App>,
    editor: Editor,
    ClientPath(id): ClientPath,
    StrictJson(edit): StrictJson<ClientEdit>,
) -> Result<Json<ClientView>, Problem> {
    check(&app, &edit)?;
    let practice = editor.practice().clone();
    let (staff, chart) = editor.admit(&app, Chart::load(app.store(), &practice, id)).await?;
    let edited = chart.change(&app, |chart, change, failed| {
        if chart.client.version != edit.version.0 {
            return Err(Problem::stale());
        }
        let before = chart.client.clone();
        let changed = apply(&mut chart.client, &edit);
        if changed.is_empty() {
            return Ok(chart.client.view(app.now()));
        }
        chart.client.version += 1;

        let (old, new) = (&before.record_number, &chart.client.record_number);
        let (old, new) = (keys::record(&practice, old), keys::record(&practice, new));
        if old != new {
            // The number is the change's first item: its condition fails when it is another's.
            if failed.contains(&0) {
                return Err(Problem::taken(
                    "recordNumber",
                    "record_number_taken",
                    "Another client has this record number.",
                ));
            }
            change.insert(&new, &Holder { client_id: id });
            change.discard(&old);
        }
        if before.name != chart.client.name {
            let mirror =
                Mirror { client_name: Some(chart.client.name.clone()), ..Mirror::default() };
            for user in &chart.users {
                change.update(&chart.mirror(user, &mirror));
            }
        }
        change.event(&staff.event(&app, Action::ClientUpdated).client(id).changed(changed));
        Ok(chart.client.view(app.now()))
    });
    edited.await.map(Json)
}

fn check(app: &App, edit: &ClientEdit) -> Result<(), Problem> {
    if edit.date_of_birth.is_some_and(|born| born.is_after(app.now())) {
        return Err(Problem::refused("dateOfBirth", "in_future", "This date lies in the future."));
    }
    let counts = [
        ("emails", edit.emails.as_ref().map_or(0, Vec::len)),
        ("phones", edit.phones.as_ref().map_or(0, Vec::len)),
    ];
    match counts.iter().find(|(_, count)| *count > 10) {
        Some((field, _)) => Err(Problem::invalid(*field, "too_many", "Ten is the most.")),
        None => Ok(()),
    }
}

/// Applies an edit; answers the names of the fields that changed.
fn apply(client: &mut Client, edit: &ClientEdit) -> Vec<&'static str> {
    fn set<T: PartialEq + Clone>(
        field: &'static str,
        at: &mut T,
        to: Option<&T>,
        changed: &mut Vec<&'static str>,
    ) {
        if let Some(to) = to.filter(|to| *to != at) {
            *at = to.clone();
            changed.push(field);
        }
    }
    let mut changed = Vec::new();
    set("name", &mut client.name, edit.name.as_ref(), &mut changed);
    set("dateOfBirth", &mut client.date_of_birth, edit.date_of_birth.as_ref(), &mut changed);
    set("recordNumber", &mut client.record_number, edit.record_number.as_ref(), &mut changed);
    set("emails", &mut client.emails, edit.emails.as_ref(), &mut changed);
    set("phones", &mut client.phones, edit.phones.as_ref(), &mut changed);
    set("professional", &mut client.professional, edit.professional.as_ref(), &mut changed);
    changed
}
