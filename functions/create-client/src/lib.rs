//! Creates a client: the chart, the entries under which it is found, and the first event of its
//! history, all at once.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use shared::{
    App, Problem, Routes,
    alike::{Alike, Creation, possible_duplicate},
    chart::{ChartEdit, Request},
    client::{Client, ClientView, Summary},
    fields::{ContactPhone, Date, GivenEmail, Name, Professional, RecordNumber, Refusal},
    history::Action,
    id::ClientId,
    idempotency::{Attempt, IdempotencyKey},
    lists::Listing,
    problem::ProblemBody,
    staff::{Disclosed, Editor},
    store::both,
    web::StrictJson,
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
    pub emails: Vec<GivenEmail>,
    /// Phone numbers, at most ten.
    #[serde(default)]
    #[schema(max_items = 10)]
    pub phones: Vec<ContactPhone>,
    /// Who cares for the client.
    #[serde(default)]
    pub professional: Option<Professional>,
    /// Whether mail goes only to addresses that are marked safe, and alerts to the practice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub safe_contact: Option<bool>,
    /// Whether this is known to be another person than any client with this date of birth and a
    /// like name.
    #[serde(default)]
    pub distinct: Option<bool>,
}

/// Creates a client.
#[utoipa::path(
    post, path = "/api/clients", operation_id = "create-client", tag = "staff",
    security(("staffSession" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body get the same answer, for a day.", min_length = 1, max_length = 255, pattern = "^[!-~]+$")),
    request_body = NewClient,
    responses(
        (status = 201, description = "The client.", body = ClientView),
        (status = 409, description = "`record_number_taken`; or `possible_duplicate`, with `matches`: the clients with this date of birth and a like name, as search shows them. Say `distinct` if it is another person.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The date of birth lies in the future, or the key came with another body.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn create_client(
    State(app): State<App>,
    editor: Editor,
    key: IdempotencyKey,
    StrictJson(new): StrictJson<NewClient>,
) -> Result<Disclosed<ClientView>, Problem> {
    check(&app, &new)?;
    let practice = editor.practice().clone();
    let attempt = Attempt::new(&app, &practice, editor.subject(), "create-client", &key, &new)?;
    let before = attempt.answered::<ClientView>(app.store(), app.now());
    let alike = async {
        match new.distinct {
            Some(true) => Ok(Alike::nobody()),
            _ => Alike::look(&app, &practice, &new.name, new.date_of_birth).await,
        }
    };
    let read = Box::pin(both(before, alike));
    let admitted = editor.admit(&app, read).await?;
    let created = admitted.write(&app, async |staff, (before, alike)| {
        if let Some(before) = before {
            let shown = staff.event(&app, Action::ClientShown).client(before.client_id);
            app.store().record(&shown).await?;
            return Ok(before);
        }
        let request = Request {
            practice: &staff.practice,
            author: &staff.author,
            attempt: &attempt,
            unchanged: None,
            silent: false,
        };
        let view = |chart: &mut ChartEdit<'_>| Ok(chart.client_view());
        match alike.create(&app, &request, client(&app, &new)?, &[], view).await? {
            Creation::Created(view) => Ok(view),
            Creation::Alike(matches) => {
                // The same request may have been under way, and the client found is its own.
                let before = attempt.answered(app.store(), app.now()).await?;
                before.ok_or_else(|| possible_duplicate(&matches))
            }
        }
    });
    created.await.map(Disclosed::created)
}

/// Refuses what no single field can tell is wrong.
///
/// # Errors
/// 422 for a date of birth in the future, 400 for too many addresses or numbers.
pub fn check(app: &App, new: &NewClient) -> Result<(), Problem> {
    if new.date_of_birth.is_after(app.now()) {
        return Err(Problem::refused(
            "dateOfBirth",
            Refusal::rule("in_future", "This date lies in the future."),
        ));
    }
    for (field, count) in [("emails", new.emails.len()), ("phones", new.phones.len())] {
        if count > 10 {
            return Err(Problem::refused(field, Refusal::invalid("too_many", "At most 10.")));
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
        emails: new.emails.iter().map(|email| email.kept(&[])).collect(),
        phones: new.phones.clone(),
        professional: new.professional.clone(),
        chart_owner: None,
        alert_recipient: None,
        closed: None,
        safe_contact: new.safe_contact == Some(true),
        portal: Summary::default(),
        listing: Listing::default(),
        version: 1,
        rev: 0,
    })
}
