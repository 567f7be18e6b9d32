//! A practice's settings: one item, read with every session's check, so that a change of them counts
//! at once.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    fields::{At, Email},
    id::PracticeId,
    keys,
    problem::Problem,
    store::Store,
};

/// What a practice decides for itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Practice {
    /// Its id.
    pub practice: PracticeId,
    /// Its name, as it wishes to be called.
    pub name: String,
    /// Name shown as the sender of its mails.
    pub sender_name: String,
    /// Where its clients enter, without a slash at the end.
    pub portal_address: String,
    /// Where alerts go when a client has no alert recipient.
    pub alert_inbox: Email,
    /// Language of its mails: `en`, `es` or `fr`.
    pub language: String,
    /// Where it is: a country of ISO 3166-1 as two capital letters. Decides in which order the
    /// numbers of a date are read first.
    #[serde(default = "default_country")]
    pub country: String,
    /// The zone in which it tells times: a name of the IANA time zone database.
    #[serde(default = "default_time_zone")]
    pub time_zone: String,
    /// Days that an invitation lives.
    pub invitation_days: i64,
    /// Seconds after which a client's unused session ends.
    pub client_idle_seconds: i64,
    /// Seconds after which a client's session ends in any case.
    pub client_session_seconds: i64,
    /// Seconds after which an unused session of staff ends.
    pub staff_idle_seconds: i64,
    /// Seconds after which a session of staff ends in any case.
    pub staff_session_seconds: i64,
    /// Fewest characters of a new password. Below 15 only with a second factor, which Latchkey
    /// does not offer yet: so 15 is the least that counts.
    pub password_minimum: usize,
    /// Sessions that began before this, or at this very moment, are over: what ends every session
    /// of the practice at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sessions_from: Option<At>,
}

/// A practice as people see it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PracticeView {
    /// Its id.
    pub id: PracticeId,
    /// Its name.
    pub name: String,
}

/// Fewest characters of a password that stands alone (NIST SP 800-63B-4, section 3.1.1.2).
pub const PASSWORD_MINIMUM: usize = 15;

fn default_country() -> String {
    "US".into()
}

fn default_time_zone() -> String {
    "UTC".into()
}

impl Practice {
    /// A practice with the settings that the design names.
    #[must_use]
    pub fn new(practice: PracticeId, name: &str, portal_origin: &str, alert_inbox: Email) -> Self {
        let portal_address = format!("{portal_origin}/{practice}");
        Self {
            practice,
            name: name.to_owned(),
            sender_name: name.to_owned(),
            portal_address,
            alert_inbox,
            language: "en".into(),
            country: default_country(),
            time_zone: default_time_zone(),
            invitation_days: 7,
            client_idle_seconds: 10 * 60,
            client_session_seconds: 60 * 60,
            staff_idle_seconds: 30 * 60,
            staff_session_seconds: 12 * 60 * 60,
            password_minimum: PASSWORD_MINIMUM,
            sessions_from: None,
        }
    }

    /// The settings of a practice.
    ///
    /// # Errors
    /// 404 when there is no such practice, 503 when the table does not answer.
    pub async fn load(store: &Store, id: &PracticeId) -> Result<Self, Problem> {
        store.get(&keys::practice(id)).await?.ok_or_else(Problem::not_found)
    }

    /// What people see of it.
    #[must_use]
    pub fn view(&self) -> PracticeView {
        PracticeView { id: self.practice.clone(), name: self.name.clone() }
    }

    /// Whether a session that began then is not among those that were all ended.
    #[must_use]
    pub fn admits(&self, began_at: At) -> bool {
        self.sessions_from.is_none_or(|from| began_at > from)
    }
}
