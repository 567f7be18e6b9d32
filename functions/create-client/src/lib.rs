//! Creates a client: the chart, the entries under which it is found, and the first event of its
//! history, all at once.

use axum::{extract::State, response::Response};
use serde::{Deserialize, Serialize};
use shared::{
    App, Problem, Routes,
    chart::Chart,
    client::{Client, ClientView, Holder, Summary},
    fields::{ContactEmail, ContactPhone, Date, Name, Professional, RecordNumber},
    history::Action,
    id::{ClientId, PracticeId},
    idempotency::{Attempt, IdempotencyKey},
    keys,
    problem::ProblemBody,
    session::Editor,
    store::Change,
    web::{StrictJson, created},
};
use utoipa::ToSchema;

/// The routes of this function.
pub fn routes<R: Routes>() -> R {
    R::default().operation(__path_create_client, create_client)
}

/// A client to be.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewClient {
    /// The client's name.
    pub name: Name,
    /// The client's date of birth, not in the future.
    pub date_of_birth: Date,
    /// Number of the chart, unique in the practice; made when not given.
    #[serde(default)]
    pub record_number: Option<RecordNumber>,
    /// E-mail addresses, at most ten.
    #[serde(default)]
    #[schema(max_items = 10)]
    pub emails: Vec<ContactEmail>,
    /// Phone numbers, at most ten.
    #[serde(default)]
    #[schema(max_items = 10)]
    pub phones: Vec<ContactPhone>,
    /// Who cares for the client.
    #[serde(default)]
    pub professional: Option<Professional>,
}

/// Creates a client.
#[utoipa::path(
    post, path = "/api/clients", operation_id = "create-client", tag = "staff",
    security(("staffSession" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body get the same answer, for a day.", min_length = 1, max_length = 255, pattern = "^[!-~]+$")),
    request_body = NewClient,
    responses(
        (status = 201, description = "The client.", body = ClientView),
        (status = 409, description = "The record number is taken.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The date of birth lies in the future, or the key came with another body.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn create_client(
    State(app): State<App>,
    editor: Editor,
    key: IdempotencyKey,
    StrictJson(new): StrictJson<NewClient>,
) -> Result<Response, Problem> {
    check(&app, &new)?;
    let practice = editor.practice().clone();
    let attempt = Attempt::new(&app, &practice, editor.subject(), "create-client", &key, &new)?;
    let (staff, mut answered) = editor.admit(&app, attempt.answered::<ClientView>(&app)).await?;
    let mut retries = app.store().retries();
    loop {
        if let Some(before) = answered {
            return Ok(created(before));
        }
        let client = client(&app, &new)?;
        let view = client.view(app.now());
        let mut change = app.store().change();
        register(&mut change, &practice, &client);
        change.event(&staff.event(&app, Action::ClientCreated).client(client.client_id));
        Chart::of_new(&practice, client).save(&mut change);
        attempt.keep(&app, &mut change, &view)?;
        let Err(error) = app.store().write(change).await else { return Ok(created(view)) };
        let failed = retries.retry(error).await?;
        answered = attempt.answered(&app).await?;
        if answered.is_none() && failed.contains(&RECORD) && new.record_number.is_some() {
            return Err(taken());
        }
    }
}

/// Position of the record number in what [`register`] writes first.
pub const RECORD: usize = 0;

/// Takes the record number of a new client, as part of the change that saves its chart.
pub fn register(change: &mut Change, practice: &PracticeId, client: &Client) {
    let holder = Holder { client_id: client.client_id };
    change.insert(&keys::record(practice, &client.record_number), &holder);
}

/// Refuses what no single field can tell is wrong.
///
/// # Errors
/// 422 for a date of birth in the future, 400 for too many addresses or numbers.
pub fn check(app: &App, new: &NewClient) -> Result<(), Problem> {
    if new.date_of_birth.is_after(app.now()) {
        return Err(Problem::refused("dateOfBirth", "in_future", "This date lies in the future."));
    }
    for (field, count) in [("emails", new.emails.len()), ("phones", new.phones.len())] {
        if count > 10 {
            return Err(Problem::invalid(field, "too_many", "Ten is the most."));
        }
    }
    Ok(())
}

/// A new client with nobody in its portal.
///
/// # Errors
/// 500 when no record number can be made.
pub fn client(app: &App, new: &NewClient) -> Result<Client, Problem> {
    let record_number = match &new.record_number {
        Some(number) => number.clone(),
        None => RecordNumber::parse(&format!("LK-{}", &app.ulid().to_string()[16..]))
            .map_err(|e| Problem::internal(e.to_string()))?,
    };
    Ok(Client {
        client_id: ClientId::new(app.ulid()),
        name: new.name.clone(),
        former_names: Vec::new(),
        date_of_birth: new.date_of_birth,
        record_number,
        emails: new.emails.clone(),
        phones: new.phones.clone(),
        professional: new.professional.clone(),
        chart_owner: None,
        alert_recipient: None,
        portal: Summary::default(),
        version: 1,
        rev: 0,
    })
}

fn taken() -> Problem {
    Problem::taken("recordNumber", "record_number_taken", "Another client has this record number.")
}
