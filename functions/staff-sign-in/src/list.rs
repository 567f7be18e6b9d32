//! What the staff lists say of who came back from the issuer.

use std::collections::BTreeMap;

use shared::{
    App, Problem,
    fields::Email,
    id::{LoginKey, PracticeId},
    store::both,
    team::{self, Login, Place},
};

use crate::Identity;

/// A practice whose staff somebody is.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// The practice, and the person on its list.
    pub(crate) place: Place,
    /// Whether the person is matched by the address, and by who they are at the issuer from now on.
    pub(crate) first: bool,
}

/// Why a practice refuses somebody whose address is on its list.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) practice: PracticeId,
    /// A slug.
    pub(crate) why: &'static str,
}

/// What was found of somebody.
#[derive(Debug)]
pub(crate) struct Found {
    /// Where the practices are listed whose staff they are.
    pub(crate) login: LoginKey,
    /// Those practices, by name.
    pub(crate) entries: Vec<Entry>,
    /// The practices that know the address, and not the person.
    pub(crate) refused: Vec<Refused>,
}

impl Found {
    /// Looks for whom an issuer vouches for.
    ///
    /// # Errors
    /// 503 when the table does not answer.
    pub(crate) async fn of(app: &App, identity: &Identity) -> Result<Self, Problem> {
        let login = team::subject_key(app, &identity.issuer, &identity.subject)?;
        let by_subject = team::logins(app.store(), &login);
        let by_email = async {
            // An address that is none is on no list.
            let Ok(email) = Email::parse(&identity.email) else { return Ok(Vec::new()) };
            team::logins(app.store(), &team::email_key(app, &email)?).await
        };
        let (mut logins, by_email) = both(by_subject, by_email).await?;
        logins.extend(by_email);
        let mut entries = BTreeMap::<PracticeId, Entry>::new();
        let mut refused = Vec::new();
        for place in team::places(app.store(), &logins).await? {
            let practice = place.practice.practice.clone();
            if place.member.subject.as_ref() == Some(&login) {
                // Before what the address leads to.
                entries.insert(practice, Entry { place, first: false });
                continue;
            }
            let why = match place.member.subject {
                Some(_) => "another_subject",
                None if !identity.email_verified => "email_not_verified",
                None => {
                    entries.entry(practice).or_insert(Entry { place, first: true });
                    continue;
                }
            };
            refused.push(Refused { practice, why });
        }
        let mut entries: Vec<Entry> = entries.into_values().collect();
        entries.sort_by(|a, b| name(&a.place).cmp(&name(&b.place)));
        Ok(Self { login, entries, refused })
    }
}

fn name(place: &Place) -> (&str, &PracticeId) {
    (&place.practice.name, &place.practice.practice)
}

/// The practices of somebody who is signed in, by name.
///
/// # Errors
/// 503 when the table does not answer.
pub(crate) async fn choices(app: &App, logins: &[Login]) -> Result<Vec<Place>, Problem> {
    let mut places = team::places(app.store(), logins).await?;
    places.sort_by(|a, b| name(a).cmp(&name(b)));
    Ok(places)
}
