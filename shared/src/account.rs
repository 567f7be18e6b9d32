//! An account: one person's credentials, the charts they open, and the sessions made with them;
//! one item, so that signing in and every check of a session is one strongly consistent read.
//!
//! A session may open a chart only while the grant is active *and* of the epoch in which the
//! session was made. Revoking closes the grant, activating gives it a new epoch: so a revocation
//! bites at the next read, and no session from before it ever opens the chart again.

use std::{collections::BTreeMap, ops::Deref};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    client::Client,
    clock::{Cause, Clock, Terms, Told, Verdict},
    context::Context,
    device::DeviceKind,
    factor::Factors,
    fields::{At, Date, Email, Name, Permissions, RecordNumber, Relationship, Secret, Username},
    history::{Actor, Role},
    id::{
        AccountId, AccountKey, AddressKey, AppId, ClientId, Epoch, PortalUserId, PracticeId,
        SessionId,
    },
    letter::Language,
    mail::About,
    portal_user::{Access, PortalUser},
    practice::Practice,
    problem::Problem,
    session::{Gone, OpenApp, Session, Sessions, SignedInBy, step_seconds},
    token::TokenHash,
};

/// Seconds that a password reset's link lives.
pub const RESET_SECONDS: i64 = 60 * 60;
/// Seconds in which asking for a reset again sends nothing more: time to use the link that was sent,
/// which another one would end. Anybody may ask.
pub const PAUSE: i64 = 10 * 60;
/// Seconds that the link lives with which a new e-mail address is confirmed (NIST SP 800-63B-4, section
/// 4.2.1.2: at most a day for a mail).
pub const CONFIRMATION_SECONDS: i64 = 24 * 60 * 60;

/// Where the account with a sign-in name is kept, whether or not it exists: HMAC of practice and of
/// how the name looks, so that the key tells nobody the name, and two names that look the same cannot
/// both exist. A reader that got the name from a request asks [`Account::is_named`] too.
///
/// # Errors
/// 500 in a function that was given no secret.
pub fn key_of(
    context: &Context,
    practice: &PracticeId,
    username: &Username,
) -> Result<AccountKey, Problem> {
    place(context, "account", practice, &username.skeleton()).map(AccountKey::from_bytes)
}

/// Where the accounts with an e-mail address are listed, whether or not there are any: HMAC of
/// practice and folded address.
///
/// # Errors
/// 500 in a function that was given no secret.
pub fn address_key(
    context: &Context,
    practice: &PracticeId,
    email: &Email,
) -> Result<AddressKey, Problem> {
    place(context, "address of accounts", practice, &email.folded()).map(AddressKey::from_bytes)
}

fn place(
    context: &Context,
    purpose: &str,
    practice: &PracticeId,
    text: &str,
) -> Result<[u8; 16], Problem> {
    let digest = context.lasting_hmac(purpose, &[practice.as_str().as_bytes(), text.as_bytes()])?;
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    Ok(bytes)
}

/// What leads from an e-mail address to an account with it. Its key says all: see
/// [`crate::keys::address`].
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct AddressEntry {}

/// An account as stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// Its id.
    pub account_id: AccountId,
    /// The sign-in name.
    pub username: Username,
    /// Where resets go, if the person has an address; with the username, what makes two portal users one person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// The person's name.
    pub name: Name,
    /// Argon2id in PHC format; none until somebody enrols.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    /// The charts, by client.
    #[serde(default)]
    pub grants: BTreeMap<ClientId, Grant>,
    /// One of the charts: refused sign-ins stand in its history. Copied out of the grants, so that
    /// signing in reads none of them before the password was right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<FirstChart>,
    /// The sessions.
    #[serde(default)]
    pub sessions: Sessions,
    /// The newest password reset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reset: Option<Reset>,
    /// The e-mail address that the person gave and has not confirmed yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_email: Option<NewEmail>,
    /// The language that the person chose; without one it is the practice's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    /// What the person signs in with beside the password.
    #[serde(default, skip_serializing_if = "Factors::is_empty")]
    pub factors: Factors,
    /// Raised by every write.
    #[serde(skip_serializing, default)]
    pub rev: u64,
}

/// A chart of an account, and the person's portal user there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FirstChart {
    /// The client.
    pub client_id: ClientId,
    /// The portal user.
    pub portal_user_id: PortalUserId,
}

/// A mirror of a portal user, where sessions are checked.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Grant {
    /// The portal user.
    pub portal_user_id: PortalUserId,
    /// The client's name.
    pub name: Name,
    /// The client's date of birth.
    pub date_of_birth: Date,
    /// The number of the client's chart; none where it was not copied yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_number: Option<RecordNumber>,
    /// What the person is to the client.
    pub relationship: Relationship,
    /// What the person was given there. What that opens today, [`OpenGrant`] says.
    permissions: Permissions,
    /// The last day of the access, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Date>,
    /// What was told of a clock that ended or narrowed the access.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    clocked: Option<Told>,
    /// Whether the person was given access. Whether it is open today, [`OpenGrant`] says.
    active: bool,
    /// When the open invitation to it ends, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invited_until: Option<At>,
    /// Which time of being open this is.
    pub epoch: Epoch,
}

/// A grant that is open today, with what it opens.
#[derive(Debug, Clone)]
pub struct OpenGrant<'a> {
    grant: &'a Grant,
    /// What the person may do today.
    pub permissions: Permissions,
}

impl Deref for OpenGrant<'_> {
    type Target = Grant;

    fn deref(&self) -> &Grant {
        self.grant
    }
}

impl Grant {
    /// The grant of a portal user.
    #[must_use]
    pub fn of(context: &Context, client: &Client, user: &PortalUser) -> Self {
        Self {
            portal_user_id: user.portal_user_id,
            name: client.name.clone(),
            date_of_birth: client.date_of_birth,
            record_number: Some(client.record_number.clone()),
            relationship: user.relationship,
            permissions: user.permissions.clone(),
            until: user.until,
            clocked: user.clocked,
            active: user.access == Access::Active,
            invited_until: user.invited_until(),
            epoch: Epoch::new(context.ulid()),
        }
    }

    /// Takes over whether a portal user was given access, the open invitation, and what is told of a clock.
    pub fn copy_access(&mut self, user: &PortalUser) {
        self.active = user.access == Access::Active;
        self.invited_until = user.invited_until();
        self.clocked = user.clocked;
    }

    /// Takes over what a portal user is to the client, may do there, and until when.
    pub fn copy_rights(&mut self, user: &PortalUser) {
        self.relationship = user.relationship;
        self.permissions.clone_from(&user.permissions);
        self.until = user.until;
    }

    /// A clock ended it: what is open in it never comes back.
    pub fn end(&mut self, context: &Context) {
        self.epoch = Epoch::new(context.ulid());
    }

    /// Opens to sessions that are made from now on.
    pub fn begin(&mut self, context: &Context) {
        self.active = true;
        self.invited_until = None;
        self.epoch = Epoch::new(context.ulid());
    }

    /// Whether the person was given access, be it over by a clock or not.
    #[must_use]
    pub const fn is_given(&self) -> bool {
        self.active
    }

    fn verdict(&self, clock: &Clock) -> Verdict {
        let (until, relationship) = (self.until, self.relationship);
        let permissions = &self.permissions;
        clock.judge(&Terms { until, relationship, born: self.date_of_birth, permissions })
    }

    /// What the grant opens today, if it is open.
    #[must_use]
    pub fn open(&self, clock: &Clock) -> Option<OpenGrant<'_>> {
        let permissions = self.verdict(clock).permissions.filter(|_| self.active)?;
        Some(OpenGrant { grant: self, permissions })
    }

    /// Whether a clock has ended or narrowed it, and the history does not tell yet.
    #[must_use]
    pub fn is_untold(&self, clock: &Clock) -> bool {
        let given = self.active || self.invited_until.is_some();
        given && self.verdict(clock).cause != self.clocked.map(|told| told.cause)
    }

    /// Whether an invitation to it can be used at that moment.
    #[must_use]
    pub fn is_invited(&self, clock: &Clock) -> bool {
        let open = self.invited_until.is_some_and(|until| until > clock.now());
        !self.active && open && self.verdict(clock).permissions.is_some()
    }
}

/// The most charts of one account: what one transaction can hold when the person signs in, which is
/// told to every chart and to every chart's history.
pub const MOST_CHARTS: usize = 40;

/// An open password reset.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reset {
    /// Hash of the only token that works.
    pub hash: TokenHash,
    /// When it ends.
    pub expires_at: At,
}

/// An e-mail address that waits to be confirmed. It dies with what would end a password reset, and with a
/// new password.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewEmail {
    /// The address.
    pub email: Email,
    /// Hash of the only token that works.
    pub hash: TokenHash,
    /// When it ends.
    pub expires_at: At,
}

/// A chart that somebody may open.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Chart)]
pub struct ChartView {
    /// The client.
    pub client_id: ClientId,
    /// The client's name.
    pub name: Name,
    /// What the person may do there.
    #[schema(value_type = BTreeSet<crate::fields::Permission>)]
    pub permissions: Permissions,
}

/// Who is signed in to the portal, and what they may open.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PortalSession {
    /// The practice whose portal it is.
    pub practice: PracticeId,
    /// The person's name.
    pub name: Name,
    /// The name the person signs in with.
    pub username: Username,
    /// The charts.
    pub charts: Vec<ChartView>,
    /// The language that the person chose, if one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub language: Option<Language>,
    /// When the session ends if it stays unused.
    pub expires_at: At,
    /// When the session ends in any case.
    pub ends_at: At,
}

impl Account {
    /// An account that waits for somebody to enrol.
    #[must_use]
    pub fn waiting(context: &Context, user: &PortalUser) -> Self {
        Self {
            account_id: AccountId::new(context.ulid()),
            username: user.username.clone(),
            email: user.email.clone(),
            name: user.name.clone(),
            password: None,
            grants: BTreeMap::new(),
            first: None,
            sessions: Sessions::default(),
            reset: None,
            new_email: None,
            language: None,
            factors: Factors::default(),
            rev: 0,
        }
    }

    /// Whether this is its sign-in name: not one that only looks the same.
    #[must_use]
    pub fn is_named(&self, username: &Username) -> bool {
        self.username.folded() == username.folded()
    }

    /// Whether the account is that of another client than this one, who is its person.
    #[must_use]
    pub fn is_of_another_client(&self, client: ClientId) -> bool {
        let oneself = |grant: &Grant| grant.relationship == Relationship::Oneself;
        self.grants.iter().any(|(of, grant)| *of != client && oneself(grant))
    }

    /// The other charts without whose word no mail goes to the person that is about this one, or about the account:
    /// those in which the person is the client, whose mailbox somebody may read; and of what is about the account,
    /// every chart that it opens or is invited to, since who reads a reset opens all of them.
    pub fn others_that_decide(
        &self,
        client: ClientId,
        about: About,
    ) -> impl Iterator<Item = ClientId> {
        let decides = move |(of, grant): &(&ClientId, &Grant)| {
            let opens = grant.is_given() || grant.invited_until.is_some();
            let oneself = grant.relationship == Relationship::Oneself;
            **of != client && (oneself || about == About::Account && opens)
        };
        self.grants.iter().filter(decides).map(|(of, _)| *of)
    }

    /// Gives the account a chart.
    pub fn join(&mut self, client: ClientId, grant: Grant) {
        self.grants.insert(client, grant);
        self.first = self.first_without(None);
    }

    /// The account's first chart, once it has lost the chart of `gone`: the one that it names, if that
    /// is still there, else any.
    #[must_use]
    pub fn first_without(&self, gone: Option<ClientId>) -> Option<FirstChart> {
        let left = || self.grants.iter().filter(|(client, _)| Some(**client) != gone);
        let named = self.first.and_then(|first| left().find(|(c, _)| **c == first.client_id));
        let (client, grant) = named.or_else(|| left().next())?;
        Some(FirstChart { client_id: *client, portal_user_id: grant.portal_user_id })
    }

    /// The person as the actor of events.
    #[must_use]
    pub fn actor(&self) -> Actor {
        let (id, name) = (self.account_id.to_string(), self.name.full());
        Actor { id, name, role: Role::PortalUser }
    }

    /// Whether any chart is open to the right password.
    #[must_use]
    pub fn may_enter(&self, clock: &Clock) -> bool {
        self.open_grants(clock).next().is_some()
    }

    /// The grants that are open, by client.
    pub fn open_grants(&self, clock: &Clock) -> impl Iterator<Item = (ClientId, OpenGrant<'_>)> {
        self.grants.iter().filter_map(|(client, grant)| Some((*client, grant.open(clock)?)))
    }

    /// The grants for whose sake a forgotten password may be chosen anew: those that are open, then
    /// those that an open invitation waits for, which asks for the password that the account has. None
    /// for an account without one.
    pub fn resettable(&self, clock: &Clock) -> impl Iterator<Item = (ClientId, &Grant)> {
        let of = |which: fn(&Grant, &Clock) -> bool| {
            self.grants.iter().filter(move |(_, g)| which(g, clock)).map(|(c, g)| (*c, g))
        };
        let open = of(|grant, clock| grant.open(clock).is_some());
        open.chain(of(Grant::is_invited)).filter(|_| self.password.is_some())
    }

    /// The grants whose portal users mirror the account's sessions, and with `reset` those that mirror its
    /// reset: of charts that the person was given or is invited to, whatever a clock says.
    pub fn mirrored(&self, reset: bool) -> impl Iterator<Item = (ClientId, &Grant)> {
        let mirrors = move |grant: &Grant| grant.active || (reset && grant.invited_until.is_some());
        self.grants.iter().filter(move |(_, g)| mirrors(g)).map(|(c, g)| (*c, g))
    }

    /// When the last day of each access that has one is over, if it is not over yet.
    pub fn last_days(&self, clock: &Clock) -> impl Iterator<Item = At> {
        let given = |grant: &&Grant| grant.active || grant.invited_until.is_some();
        let ends = |grant: &Grant| {
            let until = grant.until.filter(|until| *until >= clock.today())?;
            Some(clock.since(Cause::Until(until), grant.date_of_birth))
        };
        self.grants.values().filter(given).filter_map(ends)
    }

    /// The charts whose history does not tell yet that a clock ended or narrowed the person's access.
    pub fn untold(&self, clock: &Clock) -> impl Iterator<Item = ClientId> {
        self.grants.iter().filter(|(_, grant)| grant.is_untold(clock)).map(|(client, _)| *client)
    }

    /// Starts a session that opens every chart that is open now, and drops what has ended. Answers when
    /// it ends in any case, and what has gone.
    pub fn start_session(
        &mut self,
        (sid, device, by): (SessionId, DeviceKind, SignedInBy),
        practice: &Practice,
        now: At,
    ) -> (At, Gone) {
        // An account of an earlier version has none yet.
        self.first = self.first_without(None);
        let ends_at = now.plus(practice.client_session_seconds);
        let session = Session {
            grants: self.open_grants(&practice.clock(now)).map(|(c, g)| (c, g.epoch)).collect(),
            began_at: now,
            idle_ends_at: now.plus(practice.client_idle_seconds).min(ends_at),
            ends_at,
            used_at: Some(now),
            device,
            by,
            apps: BTreeMap::new(),
        };
        (ends_at, self.sessions.begin(sid, session, practice, now))
    }

    /// The grants that a session may open at `now`; none when it has ended, or no grant is left.
    #[must_use]
    pub fn admitted(
        &self,
        practice: &Practice,
        sid: SessionId,
        now: At,
    ) -> Option<(&Session, Vec<(ClientId, OpenGrant<'_>)>)> {
        let session = self.sessions.get(sid)?;
        let (idle_ends_at, ends_at) = session.ends(practice);
        let over = ends_at <= now || idle_ends_at <= now;
        if over || !practice.admits(session.began_at) {
            return None;
        }
        let theirs = |(client, grant): &(ClientId, OpenGrant<'_>)| {
            session.grants.get(client) == Some(&grant.epoch)
        };
        let open: Vec<_> = self.open_grants(&practice.clock(now)).filter(theirs).collect();
        (!open.is_empty()).then_some((session, open))
    }

    /// Notes in a session that it is used at `now`, unless its idle end would hardly move. Answers
    /// whether there is something to write.
    pub fn use_session(&mut self, sid: SessionId, practice: &Practice, now: At) -> bool {
        let Some(session) = self.sessions.get_mut(sid) else { return false };
        let idle = practice.client_idle_seconds;
        let (before, ends_at) = session.ends(practice);
        let idle_ends_at = now.plus(idle).min(ends_at);
        let moves = idle_ends_at.seconds() - before.seconds() >= step_seconds(idle);
        if moves {
            session.idle_ends_at = idle_ends_at;
            session.used_at = Some(now);
        }
        moves
    }

    /// Makes a password the account's. What was sent before it is dead.
    pub fn set_password(&mut self, hash: Secret) {
        self.password = Some(hash);
        self.reset = None;
        self.new_email = None;
    }

    /// What the person sees.
    #[must_use]
    pub fn portal_session(
        &self,
        practice: &Practice,
        sid: SessionId,
        now: At,
    ) -> Option<PortalSession> {
        let (session, open) = self.admitted(practice, sid, now)?;
        let (expires_at, ends_at) = session.ends(practice);
        let chart = |(client_id, grant): (ClientId, OpenGrant<'_>)| ChartView {
            client_id,
            name: grant.name.clone(),
            permissions: grant.permissions,
        };
        Some(PortalSession {
            practice: practice.practice.clone(),
            name: self.name.clone(),
            username: self.username.clone(),
            charts: open.into_iter().map(chart).collect(),
            language: self.language,
            expires_at,
            ends_at,
        })
    }

    /// The sessions that can open a chart.
    fn opening(&self, client: ClientId) -> impl Iterator<Item = (SessionId, &Session)> {
        let epoch = self.grants.get(&client).map(|grant| grant.epoch);
        self.sessions
            .iter()
            .filter(move |(_, s)| epoch.is_some() && s.grants.get(&client) == epoch.as_ref())
    }

    /// The sessions that can open a chart, and when each ends if it stays unused.
    #[must_use]
    pub fn sessions_of(&self, client: ClientId) -> BTreeMap<SessionId, At> {
        self.opening(client).map(|(sid, s)| (sid, s.idle_ends_at)).collect()
    }

    /// The apps that got a token in sessions which can open a chart.
    #[must_use]
    pub fn apps_of(&self, client: ClientId) -> BTreeMap<AppId, OpenApp> {
        let mut apps = BTreeMap::<AppId, OpenApp>::new();
        for (sid, session) in self.opening(client) {
            for (id, had) in &session.apps {
                // None of an app that got no token.
                let Some(name) = &had.name else { continue };
                let open = || OpenApp::of(name.clone(), self.account_id);
                let open = apps.entry(id.clone()).or_insert_with(open);
                open.sessions.insert(sid);
                if !had.serves.is_empty() {
                    open.serves.insert(sid, had.serves.clone());
                }
            }
        }
        apps
    }
}
