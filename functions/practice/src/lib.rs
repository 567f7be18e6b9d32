//! What a practice decides for itself: its settings, and that every session of it ends. For admins.

use axum::extract::State;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use shared::{
    App, Problem, Routes,
    clock::{GuardianRule, MOST_RULES, OLDEST},
    fields::{At, Email, PracticeName, Refusal, Whole},
    history::Action,
    id::PracticeId,
    idempotency::{Attempt, IdempotencyKey},
    keys,
    practice::{COUNTRIES, PASSWORD_MINIMUM, Practice, SecondFactor},
    problem::ProblemBody,
    staff::{Admin, Disclosed},
    store::{Update, parse},
    web::StrictJson,
};
use utoipa::ToSchema;

/// The routes of this function.
pub fn routes<R: Routes>() -> R {
    R::default()
        .operation(__path_show, show)
        .operation(__path_edit, edit)
        .operation(__path_end_sessions, end_sessions)
}

/// A language of the mails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum MailLanguage {
    /// English.
    En,
    /// Spanish.
    Es,
    /// French.
    Fr,
}

/// The settings of a practice.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Settings {
    /// Its name, as clients read it.
    name: String,
    /// Name shown as the sender of its mails.
    sender_name: String,
    /// Where alerts go that nobody else can get.
    alert_inbox: Email,
    /// Language of its mails.
    #[schema(value_type = MailLanguage)]
    language: String,
    /// The zone in which it tells times, by its IANA name.
    time_zone: String,
    /// Where it is: a country of ISO 3166-1. Decides in which order the numbers of a date are read first.
    country: String,
    /// Days that an invitation lives.
    invitation_days: i64,
    /// Seconds after which a client's unused session ends.
    client_idle_seconds: i64,
    /// Seconds after which a client's session ends in any case.
    client_session_seconds: i64,
    /// Seconds after which an unused session of staff ends.
    staff_idle_seconds: i64,
    /// Seconds after which a session of staff ends in any case.
    staff_session_seconds: i64,
    /// Fewest characters of a new password.
    password_minimum: usize,
    /// Whether people sign in with more than a password.
    second_factor: SecondFactor,
    /// What parents and guardians keep when a client grows up, by age.
    guardian_rules: Vec<GuardianRule>,
    /// Raised by every change.
    version: u64,
}

impl From<Practice> for Settings {
    fn from(practice: Practice) -> Self {
        Self {
            name: practice.name,
            sender_name: practice.sender_name,
            alert_inbox: practice.alert_inbox,
            language: practice.language,
            time_zone: practice.time_zone,
            country: practice.country,
            invitation_days: practice.invitation_days,
            client_idle_seconds: practice.client_idle_seconds,
            client_session_seconds: practice.client_session_seconds,
            staff_idle_seconds: practice.staff_idle_seconds,
            staff_session_seconds: practice.staff_session_seconds,
            password_minimum: practice.password_minimum,
            second_factor: practice.second_factor,
            guardian_rules: practice.guardian_rules,
            version: practice.version,
        }
    }
}

/// Shows the settings.
#[utoipa::path(
    get, path = "/api/practice", operation_id = "practice", tag = "staff",
    security(("staffSession" = [])),
    responses((status = 200, description = "The settings.", body = Settings))
)]
async fn show(State(app): State<App>, admin: Admin) -> Result<Disclosed<Settings>, Problem> {
    let found = admin.admit(&app, async { Ok(()) }).await?;
    let practice = found.staff().practice.clone();
    found.show(&app, Action::PracticeShown, |()| Ok(practice.into())).await
}

/// A change of the settings: what is not named stays.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SettingsEdit {
    /// The version that was looked at.
    version: Whole,
    /// Its name, as clients read it.
    #[serde(default)]
    name: Option<PracticeName>,
    /// Name shown as the sender of its mails.
    #[serde(default)]
    sender_name: Option<PracticeName>,
    /// Where alerts go that nobody else can get.
    #[serde(default)]
    alert_inbox: Option<Email>,
    /// Language of its mails.
    #[serde(default)]
    language: Option<MailLanguage>,
    /// The zone in which it tells times: a name of the IANA time zone database.
    #[serde(default)]
    #[schema(max_length = 60, pattern = r"^\s*[A-Za-z][A-Za-z0-9_+/-]*\s*$")]
    time_zone: Option<String>,
    /// Where it is: a country of ISO 3166-1, by its two letters.
    #[serde(default)]
    #[schema(pattern = r"^\s*[A-Za-z]{2}\s*$")]
    country: Option<String>,
    /// Days that an invitation lives.
    #[serde(default)]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 30)]
    invitation_days: Option<Whole>,
    /// Seconds after which a client's unused session ends.
    #[serde(default)]
    #[schema(value_type = Option<u32>, minimum = 60, maximum = 3600)]
    client_idle_seconds: Option<Whole>,
    /// Seconds after which a client's session ends in any case.
    #[serde(default)]
    #[schema(value_type = Option<u32>, minimum = 300, maximum = 86400)]
    client_session_seconds: Option<Whole>,
    /// Seconds after which an unused session of staff ends.
    #[serde(default)]
    #[schema(value_type = Option<u32>, minimum = 60, maximum = 14400)]
    staff_idle_seconds: Option<Whole>,
    /// Seconds after which a session of staff ends in any case.
    #[serde(default)]
    #[schema(value_type = Option<u32>, minimum = 300, maximum = 86400)]
    staff_session_seconds: Option<Whole>,
    /// Fewest characters of a new password.
    #[serde(default)]
    #[schema(value_type = Option<u32>, minimum = 8, maximum = 64)]
    password_minimum: Option<Whole>,
    /// Whether people sign in with more than a password.
    #[serde(default)]
    second_factor: Option<SecondFactor>,
    /// What parents and guardians keep when a client grows up, by age: all the rules. A later one leaves no more
    /// than an earlier one.
    #[serde(default)]
    #[schema(max_items = 10)]
    guardian_rules: Option<Vec<GuardianRule>>,
}

/// What a number may be, and why.
struct Limits {
    least: u64,
    most: u64,
    why: &'static str,
}

const INVITATION: Limits = Limits {
    least: 1,
    most: 30,
    why: "Give 1 to 30 days: a link that lives longer may be found by somebody else.",
};
const CLIENT_IDLE: Limits = Limits {
    least: 60,
    most: 3600,
    why: "Give 60 to 3600 seconds: a minute to read a page, and at most an hour on a shared device.",
};
const STAFF_IDLE: Limits = Limits {
    least: 60,
    most: 4 * 3600,
    why: "Give 60 to 14400 seconds: a minute to read a page, and at most four hours at an unattended desk.",
};
const SESSION: Limits = Limits {
    least: 300,
    most: 24 * 3600,
    why: "Give 300 to 86400 seconds: five minutes to do something, and at most a day.",
};
const PASSWORD: Limits = Limits {
    least: 8,
    most: 64,
    why: "Give 15 to 64 characters: a password that stands alone needs 15, and longer ones than 64 need not be taken.",
};

impl Limits {
    /// The number, if it is within the limits.
    fn take(&self, field: &'static str, given: Option<Whole>) -> Result<Option<i64>, Problem> {
        let Some(Whole(given)) = given else { return Ok(None) };
        let number = i64::try_from(given).ok();
        let number = number.filter(|_| (self.least..=self.most).contains(&given));
        let refused = || Problem::refused(field, Refusal::invalid("out_of_range", self.why));
        number.map(Some).ok_or_else(refused)
    }
}

/// The fields that a change changes, and what it writes.
struct Setter {
    changed: Vec<&'static str>,
    update: Update,
}

impl Setter {
    fn field<T: PartialEq + Serialize>(&mut self, name: &'static str, of: &mut T, to: Option<T>) {
        let Some(to) = to.filter(|to| to != of) else { return };
        self.update = self.update.clone().set(name, &to);
        *of = to;
        self.changed.push(name);
    }

    fn any(&self, names: &[&str]) -> bool {
        self.changed.iter().any(|changed| names.contains(changed))
    }
}

impl SettingsEdit {
    /// Applies the change. Answers the names of the fields that it changes, and what it writes.
    fn apply(&self, to: &mut Practice) -> Result<(Vec<&'static str>, Update), Problem> {
        let update = Update::of(keys::practice(&to.practice));
        let mut set = Setter { changed: Vec::new(), update };
        let text = |name: &PracticeName| name.as_str().to_owned();
        set.field("name", &mut to.name, self.name.as_ref().map(text));
        set.field("senderName", &mut to.sender_name, self.sender_name.as_ref().map(text));
        set.field("alertInbox", &mut to.alert_inbox, self.alert_inbox.clone());
        let language = self.language.map(|language| match language {
            MailLanguage::En => "en".to_owned(),
            MailLanguage::Es => "es".to_owned(),
            MailLanguage::Fr => "fr".to_owned(),
        });
        set.field("language", &mut to.language, language);
        let zone = self.time_zone.as_deref().map(time_zone).transpose()?;
        set.field("timeZone", &mut to.time_zone, zone);
        let country = self.country.as_deref().map(country).transpose()?;
        set.field("country", &mut to.country, country);
        let days = INVITATION.take("invitationDays", self.invitation_days)?;
        set.field("invitationDays", &mut to.invitation_days, days);
        let idle = CLIENT_IDLE.take("clientIdleSeconds", self.client_idle_seconds)?;
        set.field("clientIdleSeconds", &mut to.client_idle_seconds, idle);
        let whole = SESSION.take("clientSessionSeconds", self.client_session_seconds)?;
        set.field("clientSessionSeconds", &mut to.client_session_seconds, whole);
        let idle = STAFF_IDLE.take("staffIdleSeconds", self.staff_idle_seconds)?;
        set.field("staffIdleSeconds", &mut to.staff_idle_seconds, idle);
        let whole = SESSION.take("staffSessionSeconds", self.staff_session_seconds)?;
        set.field("staffSessionSeconds", &mut to.staff_session_seconds, whole);
        let minimum = PASSWORD.take("passwordMinimum", self.password_minimum)?;
        let minimum = minimum.and_then(|minimum| usize::try_from(minimum).ok());
        set.field("passwordMinimum", &mut to.password_minimum, minimum);
        set.field("secondFactor", &mut to.second_factor, self.second_factor);
        let rules = self.guardian_rules.clone().map(guardian_rules).transpose()?;
        set.field("guardianRules", &mut to.guardian_rules, rules);
        check(to, &set)?;
        Ok((set.changed, set.update))
    }
}

/// Judges what the changed settings are together. What was as it is before the change is not judged again.
fn check(practice: &Practice, set: &Setter) -> Result<(), Problem> {
    let refuse = |field: &str, code: &'static str, message: &'static str| {
        Err(Problem::refused(field, Refusal::rule(code, message)))
    };
    for (idle, whole, life) in [
        ("clientIdleSeconds", "clientSessionSeconds", practice.client_sessions()),
        ("staffIdleSeconds", "staffSessionSeconds", practice.staff_sessions()),
    ] {
        if set.any(&[idle, whole]) && life.idle > life.whole {
            let message = "An unused session cannot last longer than one that is used: give at most the seconds after which a session ends in any case.";
            return refuse(idle, "longer_than_session", message);
        }
    }
    let alone = practice.second_factor != SecondFactor::Required;
    if set.any(&["passwordMinimum", "secondFactor"])
        && alone
        && practice.password_minimum < PASSWORD_MINIMUM
    {
        let message = "A password that stands alone needs 15 characters or more. Fewer, down to 8, are for practices that require a second factor.";
        return refuse("passwordMinimum", "needs_second_factor", message);
    }
    Ok(())
}

/// The IANA name of a zone, as the database spells it.
fn time_zone(text: &str) -> Result<String, Problem> {
    let named = TimeZone::get(text.trim()).ok().filter(|zone| !zone.is_unknown());
    let named = named.and_then(|zone| zone.iana_name().map(str::to_owned));
    named.ok_or_else(|| {
        let message = "Name a zone of the IANA time zone database, such as America/New_York or Europe/Madrid.";
        let refusal = Refusal::rule("unknown_time_zone", message);
        Problem::refused("timeZone", refusal)
    })
}

/// The rules by age, as they are kept.
fn guardian_rules(mut rules: Vec<GuardianRule>) -> Result<Vec<GuardianRule>, Problem> {
    let refuse = |refusal| Err(Problem::refused("guardianRules", refusal));
    if rules.len() > MOST_RULES {
        return refuse(Refusal::invalid("too_many", "Give at most ten ages."));
    }
    if rules.iter().any(|rule| rule.from_age > OLDEST) {
        return refuse(Refusal::invalid("out_of_range", "Give ages from 0 to 120 years."));
    }
    rules.sort_by_key(|rule| rule.from_age);
    for pair in rules.windows(2) {
        if pair[0].from_age == pair[1].from_age {
            return refuse(Refusal::rule("same_age_twice", "Give each age once."));
        }
        if !pair[1].allows.is_within(&pair[0].allows) {
            let message = "From a later age on, parents and guardians can keep only what they have until then: leave out what an earlier age takes away.";
            return refuse(Refusal::rule("allows_more_later", message));
        }
    }
    Ok(rules)
}

/// The two letters of a country.
fn country(text: &str) -> Result<String, Problem> {
    let letters = text.trim().to_ascii_uppercase();
    let known = COUNTRIES.split(' ').any(|country| country == letters);
    let message = "Name a country by its two letters of ISO 3166-1, such as US, ES or FR.";
    let refused = || Problem::refused("country", Refusal::rule("unknown_country", message));
    known.then_some(letters).ok_or_else(refused)
}

/// Changes the settings.
#[utoipa::path(
    patch, path = "/api/practice", operation_id = "practice.edit", tag = "staff",
    security(("staffSession" = [])),
    request_body = SettingsEdit,
    responses(
        (status = 200, description = "The settings as they are now.", body = Settings),
        (status = 409, description = "`stale`: the version is old.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn edit(
    State(app): State<App>,
    admin: Admin,
    StrictJson(edit): StrictJson<SettingsEdit>,
) -> Result<Disclosed<Settings>, Problem> {
    let admitted = admin.admit(&app, async { Ok(()) }).await?;
    let edited = admitted.write(&app, async |staff, ()| {
        let mut practice = staff.practice.clone();
        let mut retries = app.store().retries();
        loop {
            let before = practice.version;
            let (changed, update) = edit.apply(&mut practice)?;
            if changed.is_empty() {
                app.store().record(&staff.event(&app, Action::PracticeShown)).await?;
                return Ok(practice.into());
            }
            if edit.version.0 != before {
                return Err(Problem::stale());
            }
            practice.version += 1;
            let update =
                update.set("version", &practice.version).when_absent_or("version", "=", &before);
            let mut change = app.store().change();
            change.update(&update);
            change.event(&staff.event(&app, Action::PracticeUpdated).changed(changed));
            let Err(error) = app.store().write(change).await else { return Ok(practice.into()) };
            retries.retry(error).await?;
            practice = load(&app, &practice.practice).await?;
        }
    });
    edited.await
}

/// The settings as they are now, read as the session's check reads them.
async fn load(app: &App, practice: &PracticeId) -> Result<Practice, Problem> {
    let key = keys::practice(practice);
    let mut items = app.store().get_many(std::slice::from_ref(&key)).await?;
    items.remove(&key).map(parse).transpose()?.ok_or_else(Problem::not_found)
}

/// The word that ends all sessions.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EndAll {
    /// The word `end`, in any case.
    confirm: String,
}

/// All sessions are over.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AllEnded {
    /// Sessions that began after this moment are taken, and no others.
    sessions_from: At,
}

/// Ends every session of the practice at once: of staff, the caller's own among them, and of clients. What systems
/// and apps got for themselves ends too.
#[utoipa::path(
    post, path = "/api/practice/end-sessions", operation_id = "practice.end-sessions", tag = "staff",
    security(("staffSession" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key gets the same answer, for a day, and ends nothing again.", min_length = 1, max_length = 255, pattern = "^[!-~]+$")),
    request_body = EndAll,
    responses(
        (status = 200, description = "They are over.", body = AllEnded),
        (status = 422, description = "`not_confirmed`: the word is another.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn end_sessions(
    State(app): State<App>,
    admin: Admin,
    key: IdempotencyKey,
    StrictJson(end): StrictJson<EndAll>,
) -> Result<Disclosed<AllEnded>, Problem> {
    if end.confirm.trim().to_lowercase() != "end" {
        let refusal = Refusal::rule("not_confirmed", "Type “end” to continue.");
        return Err(Problem::refused("confirm", refusal));
    }
    let practice = admin.practice().clone();
    let operation = "practice.end-sessions";
    let attempt = Attempt::new(&app, &practice, admin.subject(), operation, &key, &())?;
    let before = attempt.answered::<AllEnded>(app.store(), app.now());
    let admitted = admin.admit(&app, before).await?;
    let ended = admitted.write(&app, async |staff, mut before| {
        let mut last = staff.practice.sessions_from;
        let mut retries = app.store().retries();
        loop {
            // A repetition, or one whose first answer was lost: who signed in since stays.
            if let Some(before) = before {
                app.store().record(&staff.event(&app, Action::PracticeShown)).await?;
                return Ok(before);
            }
            let sessions_from = last.map_or(app.now(), |last| last.max(app.now()));
            let update = Update::of(keys::practice(&practice))
                .set("sessionsFrom", &sessions_from)
                .when_absent_or("sessionsFrom", "<=", &sessions_from);
            let answer = AllEnded { sessions_from };
            let mut change = app.store().change();
            change.update(&update);
            attempt.keep(&mut change, app.now(), &answer)?;
            change.event(&staff.event(&app, Action::SessionsEnded));
            let Err(error) = app.store().write(change).await else { return Ok(answer) };
            retries.retry(error).await?;
            last = load(&app, &practice).await?.sessions_from;
            before = attempt.answered(app.store(), app.now()).await?;
        }
    });
    ended.await
}
