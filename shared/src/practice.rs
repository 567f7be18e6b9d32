//! A practice's settings: one item, read with every session's check, so that a change of them counts
//! at once.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    clock::GuardianRule,
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
    /// Fewest characters of a new password. Below 15 only where a second factor is required.
    pub password_minimum: usize,
    /// Whether people sign in with more than a password.
    #[serde(default)]
    pub second_factor: SecondFactor,
    /// What parents and guardians keep when a client grows up, by age.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guardian_rules: Vec<GuardianRule>,
    /// Raised by every change of the settings above, so that an edit of an old version is found out.
    #[serde(default = "first_version")]
    pub version: u64,
    /// Sessions that began before this, or at this very moment, are over: what ends every session
    /// of the practice at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sessions_from: Option<At>,
}

/// Whether the people of a practice sign in with a second factor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SecondFactor {
    /// Nobody adds a second factor. Who has one keeps it, and is asked for it.
    #[default]
    Off,
    /// Who wants to, adds one.
    Offered,
    /// Nobody enters without one. Who has none adds one when signing in.
    Required,
}

/// How long sessions of one audience last, in seconds, by the settings of now. A session keeps the ends that it was
/// told when it began or was used; shorter settings count for it too, longer ones from its next use on.
#[derive(Debug, Clone, Copy)]
pub struct Lifetime {
    /// Until an unused one ends.
    pub idle: i64,
    /// Until it ends in any case.
    pub whole: i64,
}

impl Lifetime {
    /// When a session ends in any case that began then and was told this end.
    #[must_use]
    pub fn ends_at(self, began_at: At, told: At) -> At {
        told.min(began_at.plus(self.whole))
    }

    /// When a session ends if it stays unused that was last used then and was told this end. Where the last use is
    /// not known, as told.
    #[must_use]
    pub fn idle_ends_at(self, used_at: Option<At>, told: At) -> At {
        used_at.map_or(told, |used_at| told.min(used_at.plus(self.idle)))
    }
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

/// The countries of ISO 3166-1, by their two letters.
pub const COUNTRIES: &str = "\
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW \
    BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI \
    FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN \
    IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME \
    MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF \
    PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV \
    SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE \
    YT ZA ZM ZW";

fn first_version() -> u64 {
    1
}

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
            second_factor: SecondFactor::default(),
            guardian_rules: Vec::new(),
            version: first_version(),
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

    /// How long sessions of clients last.
    #[must_use]
    pub fn client_sessions(&self) -> Lifetime {
        Lifetime { idle: self.client_idle_seconds, whole: self.client_session_seconds }
    }

    /// How long sessions of staff last.
    #[must_use]
    pub fn staff_sessions(&self) -> Lifetime {
        Lifetime { idle: self.staff_idle_seconds, whole: self.staff_session_seconds }
    }

    /// Whether a session that began then is not among those that were all ended.
    #[must_use]
    pub fn admits(&self, began_at: At) -> bool {
        self.sessions_from.is_none_or(|from| began_at > from)
    }
}
