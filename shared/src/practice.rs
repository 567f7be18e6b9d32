//! A practice's settings: one item, read where they matter.

use serde::{Deserialize, Serialize};

use crate::{app::App, fields::Email, id::PracticeId, keys, problem::Problem};

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
}

/// Fewest characters of a password that stands alone (NIST SP 800-63B-4, section 3.1.1.2).
pub const PASSWORD_MINIMUM: usize = 15;

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
            invitation_days: 7,
            client_idle_seconds: 10 * 60,
            client_session_seconds: 60 * 60,
            staff_idle_seconds: 30 * 60,
            staff_session_seconds: 12 * 60 * 60,
            password_minimum: PASSWORD_MINIMUM,
        }
    }

    /// The settings of a practice, at most a minute old.
    ///
    /// # Errors
    /// 404 when there is no such practice, 503 when the table does not answer.
    pub async fn load(app: &App, id: &PracticeId) -> Result<Self, Problem> {
        if let Some(known) = app.known_practice(id) {
            return Ok(known);
        }
        let practice: Self =
            app.store().get(&keys::practice(id)).await?.ok_or_else(Problem::not_found)?;
        app.know_practice(&practice);
        Ok(practice)
    }
}
