//! Creates a client: the chart, the entries under which it is found, and the first event of its
//! history, all at once.

use axum::extract::State;
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};
use shared::{
    App, Problem, Routes,
    chart::{Accounts, Chart, ChartEdit, OVERTAKEN, Others, Request},
    client::{Born, Client, ClientView, Hit, Summary, named},
    fields::{ContactEmail, ContactPhone, Date, Name, Professional, RecordNumber, Refusal},
    history::Action,
    id::{ClientId, PracticeId},
    idempotency::{Attempt, IdempotencyKey},
    keys,
    lists::Listing,
    problem::ProblemBody,
    search::{born_alike, may_be_alike, names_alike},
    staff::{Disclosed, Editor},
    store::{both, parse},
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
    pub emails: Vec<ContactEmail>,
    /// Phone numbers, at most ten.
    #[serde(default)]
    #[schema(max_items = 10)]
    pub phones: Vec<ContactPhone>,
    /// Who cares for the client.
    #[serde(default)]
    pub professional: Option<Professional>,
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
    let wary = new.distinct != Some(true);
    let before = attempt.answered::<ClientView>(app.store(), app.now());
    let read = Box::pin(both(before, Alike::look(&app, &practice, &new, wary)));
    let admitted = editor.admit(&app, read).await?;
    let created = admitted.write(&app, async |staff, (before, mut alike)| {
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
        loop {
            let matches = alike.matches(&app, &practice, &new).await?;
            if !matches.is_empty() {
                // The same request may have been under way, and the client found is its own.
                let before = attempt.answered(app.store(), app.now()).await?;
                return before.ok_or_else(|| possible_duplicate(&matches));
            }
            let chart = Chart::of_new(&practice, client(&app, &new)?);
            let create = |chart: &mut ChartEdit<'_>| {
                chart.create(alike.others)?;
                Ok(chart.client_view(app.now()))
            };
            match Box::pin(chart.change(&app, &request, Accounts::new(), create)).await {
                Err(problem) if problem.code() == OVERTAKEN => {
                    alike = Alike::look(&app, &practice, &new, wary).await?;
                }
                answer => return answer,
            }
        }
    });
    created.await.map(Disclosed::created)
}

/// Most clients that a refusal shows.
const MOST_MATCHES: usize = 20;

/// Clients that may be the one to create.
pub struct Alike {
    /// What creating the client goes by.
    pub others: Others,
    /// Clients with this date of birth and maybe a like name.
    candidates: Vec<ClientId>,
}

impl Alike {
    /// Looks for them, unless the caller knows that there are none (`wary` is false).
    ///
    /// # Errors
    /// 503 when the table does not answer.
    pub async fn look(
        app: &App,
        practice: &PracticeId,
        new: &NewClient,
        wary: bool,
    ) -> Result<Self, Problem> {
        if !wary {
            return Ok(Self { others: Others::Distinct, candidates: Vec::new() });
        }
        let key = keys::born(practice, new.date_of_birth);
        let last = app.store().get::<Born>(&key);
        let (last, (mut candidates, seen)) = both(last, read(app, practice, new)).await?;
        // Both were read at once: a client created in between may be the last, and not among the rest.
        if last.is_some_and(|last: Born| !seen.contains(&last.client_id)) {
            (candidates, _) = read(app, practice, new).await?;
        }
        Ok(Self { others: Others::Seen(last), candidates })
    }

    /// Those whose names are like the new one's.
    ///
    /// # Errors
    /// 503 when the table does not answer.
    pub async fn matches(
        &self,
        app: &App,
        practice: &PracticeId,
        new: &NewClient,
    ) -> Result<Vec<Hit>, Problem> {
        if self.candidates.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<_> = self.candidates.iter().map(|id| keys::client(practice, *id)).collect();
        let mut items = app.store().get_many(&keys).await?;
        let mut matches = Vec::new();
        for item in keys.iter().filter_map(|key| items.remove(key)) {
            let client: Client = parse(item)?;
            let same_day = client.date_of_birth == new.date_of_birth;
            if same_day && names_alike(&[named(&new.name)], &client.all_names()) {
                matches.push(client.hit(app.now(), None));
            }
        }
        Ok(matches)
    }
}

/// Reads the clients with this date of birth: those with maybe a like name, and all that were met.
async fn read(
    app: &App,
    practice: &PracticeId,
    new: &NewClient,
) -> Result<(Vec<ClientId>, Vec<ClientId>), Problem> {
    let reads = born_alike(&new.date_of_birth.to_string(), named(&new.name));
    let pks: Vec<String> =
        reads.iter().map(|read| keys::search_partition(practice, &read.partition)).collect();
    let reads = reads.iter().zip(&pks);
    let windows = reads.map(|(read, pk)| app.store().search_page(pk, read, true));
    let (mut candidates, mut seen) = (Vec::new(), Vec::new());
    for (sk, words) in try_join_all(windows).await?.into_iter().flat_map(|w| w.entries) {
        let Some((_, _, found)) = keys::parse_search_entry(&sk) else { continue };
        if found.user.is_some() || seen.contains(&found.client) {
            continue;
        }
        seen.push(found.client);
        if may_be_alike(&words, named(&new.name)) && candidates.len() < MOST_MATCHES {
            candidates.push(found.client);
        }
    }
    Ok((candidates, seen))
}

fn possible_duplicate(matches: &[Hit]) -> Problem {
    Problem::conflict(
        "possible_duplicate",
        "Somebody with this date of birth and a like name is there already. If it is another person, say so.",
    )
    .with("matches", serde_json::json!(matches))
    .showing(matches.iter().map(|hit| hit.client_id))
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
        emails: new.emails.clone(),
        phones: new.phones.clone(),
        professional: new.professional.clone(),
        chart_owner: None,
        alert_recipient: None,
        portal: Summary::default(),
        listing: Listing::default(),
        version: 1,
        rev: 0,
    })
}
