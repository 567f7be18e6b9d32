//! The rules of access. Each method of [`ChartEdit`] applies one rule and writes all its effects: the
//! account's copy of the chart, the mail, the event. A handler therefore cannot revoke and forget the
//! account.

mod address;
mod apps;
mod clocks;
mod closing;
mod own_address;
mod person;
mod restored;
mod safe_contact;
mod sheet;
mod unlock;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Deref,
};

use self::apps::AppsOpen;
use self::clocks::{past, too_old};
pub(super) use self::own_address::addresses;
use self::safe_contact::{DELETED, RELABELLED, SAFE_CONTACT};
pub use self::{address::confirmation_expired, restored::Unsure, sheet::PrintedSheet};
use super::{
    Beside, Chart, MOST_USERS, Receipt, Request,
    write::{AccountWrite, Elsewhere},
};
use crate::{
    account::{Account, Grant, MOST_CHARTS, PAUSE, PortalSession},
    ask::Ask,
    bulk::Note,
    client::{Born, Client, Holder},
    clock::{Cause, Clock, Told},
    context::Context,
    device::{self, Device},
    factor::{ResetCode, code::Code, no_second_factor},
    fields::{
        At, ContactEmail, ContactPhone, Date, Email, GivenEmail, Name, Permissions, Professional,
        Reason, RecordNumber, Refusal, Relationship, Secret, Username,
    },
    history::{Action, Event},
    id::{AccountKey, BulkId, ClientId, PortalUserId, SessionId},
    idempotency, keys,
    lists::Listing,
    mail::{Mail, MailKind},
    mail_budget::Spending,
    mirror::{to_account, to_charts},
    outbox::Outgoing,
    portal_user::{
        Access, EndReason, Ended, Invitation, LastReceipt, PortalUser, RevokeCode, Revoked, Status,
        WRONG_PROOFS,
    },
    practice::SecondFactor,
    problem::Problem,
    search,
    session::SignedInBy,
    store::{Change, Handle, Update},
    token::Nonce,
};

/// A chart under change. It reads as the [`Chart`]; only the rules below change it.
pub struct ChartEdit<'a> {
    pub(super) context: &'a Context,
    pub(super) request: &'a Request<'a>,
    pub(super) beside: &'a Beside,
    /// What was read; none for a client that is new.
    pub(super) read: Option<(Client, Vec<PortalUser>)>,
    queued: Vec<Outgoing>,
    pub(super) chart: Chart,
    pub(super) change: Change,
    pub(super) account_writes: BTreeMap<AccountKey, AccountWrite>,
    wanted: Wanted,
    pub(super) elsewhere: Vec<Elsewhere>,
    pub(super) record_number: Option<Handle>,
    pub(super) born: Option<Handle>,
    /// Portal users who must still be as they were read, though nothing of them changes.
    pub(super) judged: BTreeSet<PortalUserId>,
    /// Clients who must still be as they were read, this one and those of other charts, and at which `rev` that was.
    /// They are written, so that of two such changes at once one reads again.
    pub(super) held: BTreeMap<ClientId, u64>,
    /// Locks that were guessed to stand.
    pub(super) locks: Vec<(Handle, AccountKey)>,
    failed: Failed,
    pub(super) spending: Spending<'a>,
    pub(super) keeps: bool,
    told: Vec<(Action, Option<PortalUserId>)>,
    clock: Clock,
    bulk: Option<BulkId>,
    pub(super) row: Vec<Handle>,
}

/// What rules have to see before they can decide.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    /// Accounts.
    pub(super) accounts: BTreeSet<AccountKey>,
    /// Other charts.
    pub(super) charts: BTreeSet<ClientId>,
    /// The accounts of which it has to be known what shuts their persons out.
    pub(super) locks: BTreeSet<AccountKey>,
}

impl Wanted {
    /// Whether all was read.
    pub(super) fn is_empty(&self) -> bool {
        self.accounts.is_empty() && self.charts.is_empty() && self.locks.is_empty()
    }
}

/// What the last attempt to create or change a client found.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Failed {
    /// Another client has the record number.
    pub(super) record_number: bool,
    /// Another client with this date of birth was created meanwhile.
    pub(super) born: bool,
    /// The row of a change for many is made already, or is not to be made now.
    pub(super) row: bool,
}

/// What is known, when a client is created, of others with the same date of birth.
#[derive(Debug, Clone, Copy)]
pub enum Others {
    /// None of them is like the new client, as of the last one who was created.
    Seen(Option<Born>),
    /// The new client is another person than any of them.
    Distinct,
}

/// The code of a refusal that is never answered: the caller looks again at who is there.
pub const OVERTAKEN: &str = "overtaken";

/// A portal user to add.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// The person's name; a `self` gets the client's.
    pub name: Name,
    /// Where the invitation goes; nowhere for a person without an address, who enrols with a sheet of paper.
    pub email: Option<Email>,
    /// The sign-in name.
    pub username: Username,
    /// Where the account with that sign-in name is kept.
    pub account: AccountKey,
    /// What the person is to the client.
    pub relationship: Relationship,
    /// What the person may do.
    pub permissions: Permissions,
    /// Whether the person owns the chart; the client's first portal user does in any case.
    pub chart_owner: bool,
    /// Whether staff said that the person is the one whose account it is.
    pub same_person: bool,
    /// The last day of the access, if it has one.
    pub until: Option<Date>,
    /// When staff mean to look at it again.
    pub review_on: Option<Date>,
}

/// An edit of a portal user: what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct UserUpdate {
    /// The version that was looked at.
    pub version: u64,
    /// The person's name.
    pub name: Option<Name>,
    /// What the person is to the client.
    pub relationship: Option<Relationship>,
    /// All that the person may do.
    pub permissions: Option<Permissions>,
    /// Where the person's mails go.
    pub email: Option<Email>,
    /// The sign-in name.
    pub username: Option<Username>,
    /// The last day of the access; `Some(None)` takes it away.
    pub until: Option<Option<Date>>,
    /// When staff mean to look at it again; `Some(None)` takes it away.
    pub review_on: Option<Option<Date>>,
}

/// An edit of a client: what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct ClientUpdate {
    /// The version that was looked at.
    pub version: u64,
    /// The client's name.
    pub name: Option<Name>,
    /// The client's date of birth.
    pub date_of_birth: Option<Date>,
    /// Number of the chart, unique in the practice.
    pub record_number: Option<RecordNumber>,
    /// All e-mail addresses.
    pub emails: Option<Vec<GivenEmail>>,
    /// All phone numbers.
    pub phones: Option<Vec<ContactPhone>>,
    /// Who cares for the client; `Some(None)` takes the name away.
    pub professional: Option<Option<Professional>>,
    /// Whether mail goes only to addresses that are marked safe, and alerts to the practice.
    pub safe_contact: Option<bool>,
}

impl Deref for ChartEdit<'_> {
    type Target = Chart;

    fn deref(&self) -> &Chart {
        &self.chart
    }
}

impl<'a> ChartEdit<'a> {
    /// Begins to change a chart, beside which this was read. `failed` is what the last attempt
    /// found.
    pub(super) fn begin(
        context: &'a Context,
        change: Change,
        request: &'a Request<'a>,
        mut chart: Chart,
        beside: &'a Beside,
        failed: Failed,
    ) -> Self {
        chart.forget_ended(request.practice);
        Self {
            context,
            request,
            beside,
            read: (!chart.is_new).then(|| (chart.client.clone(), chart.users.clone())),
            queued: Vec::new(),
            spending: Spending::new(context, &chart.practice),
            chart,
            change,
            account_writes: BTreeMap::new(),
            wanted: Wanted::default(),
            elsewhere: Vec::new(),
            record_number: None,
            born: None,
            judged: BTreeSet::new(),
            held: BTreeMap::new(),
            locks: Vec::new(),
            failed,
            keeps: true,
            told: Vec::new(),
            clock: request.practice.clock(context.now()),
            bulk: None,
            row: Vec::new(),
        }
    }

    /// What a rule has to see before it can decide.
    pub(super) fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    /// The mails of this change, sent or silent.
    #[must_use]
    pub fn queued(&self) -> &[Outgoing] {
        &self.queued
    }

    /// Says that the change is a row of one for many, and notes there that the row is made: in the same
    /// transaction, so that it is made once. To be said first: the mails of the change carry it.
    ///
    /// # Errors
    /// [`OVERTAKEN`] when the row is made already, or is not to be made now.
    pub fn is_row(&mut self, note: &Note) -> Result<(), Problem> {
        if self.failed.row {
            return Err(Problem::conflict(OVERTAKEN, "The row is not to be made now."));
        }
        self.bulk = Some(note.bulk);
        self.row = note.write(&mut self.change);
        Ok(())
    }

    /// Says which events of this change the history has already: they are not written again. For a
    /// restoration, which does again what was done before.
    pub fn is_told(&mut self, events: Vec<(Action, Option<PortalUserId>)>) {
        self.told = events;
    }

    /// Creates the client of a new chart, with its record number.
    ///
    /// # Errors
    /// 409 when another client has the record number; [`OVERTAKEN`] when another one with this date
    /// of birth was created meanwhile.
    pub fn create(&mut self, others: Others) -> Result<(), Problem> {
        if self.failed.record_number {
            return Err(record_number_taken());
        }
        if self.failed.born {
            return Err(Problem::conflict(OVERTAKEN, "Somebody else was created meanwhile."));
        }
        let client = &self.chart.client;
        let number = keys::record(&self.chart.practice, &client.record_number);
        let holder = Holder { client_id: client.client_id };
        self.record_number = Some(self.change.insert(&number, &holder));
        let born = Update::upsert(keys::born(&self.chart.practice, client.date_of_birth))
            .set("clientId", &client.client_id);
        let born = match others {
            Others::Distinct => born,
            Others::Seen(Some(last)) => born.when("rev", "=", &last.rev),
            Others::Seen(None) => born.when_absent("rev"),
        };
        self.born = Some(self.change.update(&born));
        self.record(Action::ClientCreated, None, Vec::<String>::new());
        Ok(())
    }

    /// Adds a portal user and invites them. The client's first portal user becomes its chart owner.
    /// The account at `new.account` must have been read.
    ///
    /// # Errors
    /// 422 `address_shared` (see [`own_address`]).
    ///
    /// 409: `client_closed`, `too_many_portal_users`, `too_many_charts`, `username_taken` (somebody with
    /// another e-mail address), `already_added`, `access_revoked` (activate instead), `self_twice`, `age_rule`,
    /// `safe_contact` (the client of a duplicate that has the mark, where this chart has none), or
    /// `account_exists` unless staff said that it is the same person (rule 12). The client of a duplicate
    /// is taken over: see [`closing`].
    pub fn add(&mut self, new: &NewUser) -> Result<PortalUserId, Problem> {
        self.demand_open()?;
        if new.until.is_some_and(|until| until < self.clock.today()) {
            return Err(past("until"));
        }
        if self.chart.users.len() >= MOST_USERS {
            return Err(Problem::conflict(
                "too_many_portal_users",
                format!("A client can have {MOST_USERS} portal users. Delete one first."),
            ));
        }
        self.demand_own_address(new.relationship, new.email.as_ref())?;
        let name = match new.relationship {
            Relationship::Oneself => self.chart.client.name.clone(),
            _ => new.name.clone(),
        };
        let account = self.account(&new.account)?.cloned();
        let duplicates = match &account {
            Some(account) => self.may_join(account, new, &name)?,
            None => Vec::new(),
        };
        let context = self.context;
        let id = PortalUserId::new(context.ulid());
        self.chart.users.push(PortalUser {
            portal_user_id: id,
            client_id: self.chart.client.client_id,
            name,
            username: new.username.clone(),
            account: new.account.clone(),
            email: new.email.clone(),
            relationship: new.relationship,
            permissions: new.permissions.clone(),
            until: new.until,
            review_on: new.review_on,
            clocked: None,
            access: Access::Invited,
            invitation: None,
            replaced: Vec::new(),
            enrolled_at: None,
            mail: None,
            notices: BTreeMap::new(),
            last_sign_in_at: None,
            sessions: BTreeMap::new(),
            open_apps: BTreeMap::new(),
            telling: None,
            reset_until: None,
            language: account.as_ref().and_then(|account| account.language),
            receipt: None,
            revoked: None,
            requests: Vec::new(),
            listing: Listing::default(),
            version: 0,
            rev: 0,
        });
        let added = self.chart.user(id)?;
        if self.ended_by(added).is_some() {
            return Err(too_old());
        }
        // What the client's age leaves of it was so from the beginning.
        let told = added.verdict(&self.chart.client, &self.clock).cause;
        let told = told.map(|cause| Told { cause, at: self.clock.now() });
        self.user_mut(id)?.clocked = told;
        let owner = self.chart.client.chart_owner;
        if new.chart_owner || self.chart.users.len() == 1 {
            self.chart.client.chart_owner = Some(id);
        }
        self.send_invitation(id)?;
        let user = self.chart.user(id)?;
        let mut account = account.unwrap_or_else(|| Account::waiting(context, user));
        let grant = Grant::of(context, &self.chart.client, user);
        account.join(self.chart.client.client_id, grant);
        for duplicate in duplicates {
            self.take_over(duplicate, &mut account);
        }
        self.account_writes.insert(new.account.clone(), AccountWrite::Put(Box::new(account)));
        let mut changed = vec!["name", "email", "username", "relationship", "permissions"];
        changed.extend(new.until.map(|_| "until"));
        changed.extend(new.review_on.map(|_| "reviewOn"));
        changed.extend((self.chart.client.chart_owner != owner).then_some("chartOwner"));
        self.tell_on_the_day(id)?;
        self.record(Action::PortalUserAdded, Some(id), changed);
        Ok(id)
    }

    /// Whether a new portal user may join an account that exists (rule 12). Answers the duplicates of
    /// this chart in which the person is the client.
    fn may_join(
        &mut self,
        account: &Account,
        new: &NewUser,
        name: &Name,
    ) -> Result<Vec<&'a Chart>, Problem> {
        if !account.is_named(&new.username) {
            return Err(Problem::taken(
                "username",
                "username_confusable",
                "Another sign-in name looks the same. Choose another.",
            ));
        }
        let same_address = match (&account.email, &new.email) {
            (Some(theirs), Some(given)) => theirs.same(given),
            (None, None) => true,
            _ => false,
        };
        if !same_address {
            return Err(Problem::taken("username", "username_taken", taken_words(account, new)));
        }
        let same = new.same_person || same_name(&account.name, name);
        let here = account.grants.get(&self.chart.client.client_id);
        if let Some(grant) = here.filter(|_| same) {
            let user = self.chart.user(grant.portal_user_id);
            let revoked = user.is_ok_and(|user| self.is_revoked(user));
            return Err(if revoked {
                Problem::taken(
                    "username",
                    "access_revoked",
                    "This person's access to this client is revoked. Activate it instead.",
                )
            } else {
                Problem::taken(
                    "username",
                    "already_added",
                    "This person is among this client's portal users already.",
                )
            });
        }
        let duplicates = self.duplicates_of_oneself(new.relationship, account)?;
        self.demand_mark_of(&duplicates)?;
        if duplicates.is_empty() {
            self.may_be(new.relationship, account, "username")?;
        }
        if account.grants.len() >= MOST_CHARTS {
            return Err(Problem::conflict(
                "too_many_charts",
                format!("An account can have {MOST_CHARTS} charts. Choose another sign-in name."),
            ));
        }
        // A name that staff made up, and no address: too little to know a person by.
        let known = new.same_person || new.email.is_some();
        if same && known { Ok(duplicates) } else { Err(account_exists(account)) }
    }

    /// Whether the person with an account may be this to the client: nobody is two clients (rule 12).
    fn may_be(
        &self,
        relationship: Relationship,
        account: &Account,
        field: &'static str,
    ) -> Result<(), Problem> {
        let oneself = relationship == Relationship::Oneself;
        if oneself && account.is_of_another_client(self.chart.client.client_id) {
            return Err(Problem::taken(
                field,
                "self_twice",
                "Two clients never share one account: choose another sign-in name or relationship.",
            ));
        }
        Ok(())
    }

    /// Sends a new invitation; the old link is dead.
    ///
    /// # Errors
    /// 404; 409 when the chart is closed, the person has enrolled, access is revoked, the person has no
    /// e-mail address, or it is not safe ([`safe_contact`]).
    pub fn invite(&mut self, id: PortalUserId) -> Result<(), Problem> {
        self.may_invite(id)?;
        if self.chart.user(id)?.email.is_none() {
            return Err(Problem::conflict(
                "no_email",
                "This person has no e-mail address. Print an enrolment sheet, or enter an address first.",
            ));
        }
        let (client, user) = (self.chart.client.clone(), self.chart.user(id)?.clone());
        self.demand_mail_arrives(&client, &user)?;
        self.send_invitation(id)?;
        self.mirror_access(id)?;
        self.record(Action::InvitationResent, Some(id), ["invitation"]);
        Ok(())
    }

    /// Whether the person may be given a new invitation.
    fn may_invite(&self, id: PortalUserId) -> Result<(), Problem> {
        let user = self.chart.user(id)?;
        self.demand_open()?;
        if self.ended_by(user).is_some() {
            return Err(access_revoked());
        }
        match user.access {
            Access::Invited => Ok(()),
            Access::Active if user.email.is_none() => Err(Problem::conflict(
                "already_enrolled",
                "This person has enrolled already. If the password is lost: see them in person, delete this access, add them again and print a new sheet.",
            )),
            Access::Active => Err(Problem::conflict(
                "already_enrolled",
                "This person has enrolled already and signs in with a password.",
            )),
            Access::Revoked => Err(access_revoked()),
        }
    }

    /// Whether access is over, by staff or by a clock.
    fn is_revoked(&self, user: &PortalUser) -> bool {
        user.status(&self.chart.client, &self.clock) == Status::Revoked
    }

    /// Makes a code with which a person signs in once whose second factor is lost, and tells them. Answers until
    /// when it works.
    ///
    /// # Errors
    /// 404; 409 `access_not_active`, `no_second_factor`.
    pub fn reset_factor(&mut self, id: PortalUserId) -> Result<(Code, At), Problem> {
        let user = self.chart.user(id)?.clone();
        if user.may(&self.chart.client, &self.clock).is_none() {
            return Err(Problem::conflict(
                "access_not_active",
                "This person cannot enter: there is nothing to print a code for.",
            ));
        }
        let (code, reset) = ResetCode::new(self.context, self.chart.client.client_id);
        let expires_at = reset.expires_at;
        match self.beside.accounts.get(&user.account) {
            // It was read because the guess was wrong, and may have a factor by now.
            Some(Some(account)) if account.factors.is_enrolled() => {
                let rev = account.rev;
                self.update_account(&user, |update| {
                    update.when("rev", "=", &rev).set(ResetCode::PLACE, &reset)
                });
            }
            Some(_) => return Err(no_second_factor()),
            None => self.guess_factors(&user, |update| update.set(ResetCode::PLACE, &reset)),
        }
        let mail = self.notice(&user, MailKind::FactorReset);
        let mail = self.queue(mail, user.email.as_ref())?;
        let user = self.user_mut(id)?;
        user.mail = mail;
        // Also where nothing is mailed: a code is made for access as it was read, and knows of its deletion.
        user.version += 1;
        self.record(Action::FactorReset, Some(id), ["resetCode"]);
        Ok((code, expires_at))
    }

    /// Sends an open invitation again, because a password was asked for. Its link is another one, the
    /// old link is dead; it ends when it would have ended, and wrong proofs stay counted: anybody may
    /// ask. Changes nothing when the person was sent one since, or a moment ago because of the same.
    ///
    /// # Errors
    /// 404.
    pub fn invite_again(&mut self, id: PortalUserId, ask: &Ask) -> Result<(), Problem> {
        let (now, asked_at) = (self.context.now(), ask.asked_at);
        let user = self.chart.user(id)?;
        let waits = user.status(&self.chart.client, &self.clock) == Status::Invited;
        let open = user.invitation.as_ref().filter(|_| waits);
        // Nobody without an address is sent anything: a printed sheet stays as it is.
        let to = user.email.clone();
        let Some(open) = open.filter(|_| to.is_some()).cloned() else { return Ok(()) };
        let again = open.asked_at.is_some_and(|at| at >= asked_at || at.plus(PAUSE) > now);
        if again || open.sent_at > asked_at {
            return Ok(());
        }
        let (client, user) = (self.chart.client.clone(), user.clone());
        let (invitation, mail) = match self.new_invitation(&client, &user, open.expires_at) {
            // Anybody may ask: nobody is told why nothing is sent.
            Err(problem) if problem.code() == SAFE_CONTACT => return Ok(()),
            made => made?,
        };
        let again =
            Invitation { asked_at: Some(now), wrong_proofs: open.wrong_proofs, ..invitation };
        self.spending.asked_for(ask.ask_id);
        let mail = self.queue(mail, to.as_ref())?;
        self.user_mut(id)?.replace_invitation(again, mail, now);
        self.record(Action::InvitationResent, Some(id), ["invitation"]);
        Ok(())
    }

    /// Revokes a portal user's access: ends its sessions, its invitation and the account's open
    /// reset. The alerts that the person got go to `successor`, or else to the practice's inbox. A
    /// repeat changes nothing.
    ///
    /// # Errors
    /// 404; 422 when the successor cannot get the alerts.
    pub fn revoke(
        &mut self,
        id: PortalUserId,
        reason: Option<(RevokeCode, Option<Reason>)>,
        successor: Option<PortalUserId>,
    ) -> Result<(), Problem> {
        let now = self.context.now();
        let got_alerts = self.chart.client.alert_recipient == Some(id);
        let given = reason.is_some();
        self.may_succeed(successor)?;
        let user = self.user_mut(id)?;
        if user.access == Access::Revoked {
            return Ok(());
        }
        let apps = AppsOpen::of(user);
        let ended = end(user, now);
        let (code, note) = reason.unwrap_or((RevokeCode::Other, None));
        user.access = Access::Revoked;
        user.forget_clocked_end();
        user.revoked = Some(Revoked { at: now, code, note });
        user.receipt = Some(LastReceipt { at: now, ended, mail: None });
        user.version += 1;
        self.tell_apps(&apps, Some(id))?;
        if got_alerts {
            self.hand_over_alerts(successor)?;
        }
        self.mirror_access(id)?;
        self.end_reset_elsewhere(id, ended)?;
        let mut changed = vec!["status"];
        changed.extend(got_alerts.then_some("alertRecipient"));
        changed.extend(given.then_some("reason"));
        let event = self.event(Action::AccessRevoked, Some(id)).changed(changed);
        self.tell(&event.because(EndReason::from(code).slug()));
        Ok(())
    }

    /// Ends what was sent to a portal user and could still be used: the invitation, the open reset of the
    /// account, and the link that confirms a new address. Nothing takes their place, and access stays as it is. A revoked one has
    /// neither. Answers whether there was something to end. The account must have been read.
    ///
    /// # Errors
    /// 404.
    pub fn end_links(&mut self, id: PortalUserId) -> Result<bool, Problem> {
        let now = self.context.now();
        let key = self.chart.user(id)?.account.clone();
        let account = self.account(&key)?;
        let reset = account.and_then(|account| account.reset.as_ref());
        let reset = reset.is_some_and(|reset| reset.expires_at > now);
        let address = account.and_then(|account| account.new_email.as_ref());
        let address = address.is_some_and(|address| address.expires_at > now);
        let user = self.user_mut(id)?;
        let invited = user.access == Access::Invited
            && user.invitation.as_ref().is_some_and(|invitation| invitation.open(now));
        if user.access == Access::Revoked || !(invited || reset || address) {
            return Ok(false);
        }
        let mut changed = Vec::new();
        if invited {
            user.retire_invitation(now);
            changed.push("invitation");
        }
        if reset {
            user.reset_until = None;
            changed.push("reset");
        }
        changed.extend(address.then_some("newEmail"));
        user.version += 1;
        let user = user.clone();
        if invited {
            self.mirror_access(id)?;
        }
        if reset || address {
            self.update_account(&user, to_account::links);
        }
        if reset {
            self.end_reset_elsewhere(id, Ended { resets: 1, ..Ended::default() })?;
        }
        self.record(Action::LinksEnded, Some(id), changed);
        Ok(true)
    }

    /// Activates a revoked portal user, or one whose last day is over: with credentials they may sign in
    /// again and are told so by mail, without they are invited. A last day that is over is taken away. A
    /// repeat changes nothing.
    ///
    /// # Errors
    /// 404; 409 `client_closed`, or `age_rule` where the client's age ends the access.
    pub fn activate(&mut self, id: PortalUserId) -> Result<(), Problem> {
        let (context, practice) = (self.context, self.chart.practice.clone());
        let before = self.chart.user(id)?.clone();
        let over = self.ended_by(&before);
        if before.access != Access::Revoked && over.is_none() {
            return Ok(());
        }
        self.demand_open()?;
        let user = self.user_mut(id)?;
        user.revoked = None;
        user.forget_clocked_end();
        let mut changed = vec!["status"];
        if let Some(Cause::Until(_)) = over {
            user.until = None;
            changed.push("until");
        }
        if self.ended_by(self.chart.user(id)?).is_some() {
            return Err(too_old());
        }
        let user = self.user_mut(id)?;
        if user.enrolled_at.is_some() {
            let mail =
                Outgoing::notice(context, &practice, (&*user).into(), MailKind::AccessGranted);
            user.access = Access::Active;
            user.version += 1;
            let to = user.email.clone();
            self.user_mut(id)?.mail = self.queue(mail, to.as_ref())?;
        } else {
            // Of access that is over, the link opened nothing any more.
            user.retire_invitation(context.now());
            self.send_invitation(id)?;
        }
        let user = self.user_mut(id)?;
        let mail = user.mail.as_ref().map(|m| (m.at, m.kind));
        let (at, kind) = mail.map_or((context.now(), None), |(at, kind)| (at, Some(kind)));
        user.receipt = Some(LastReceipt { at, ended: Ended::default(), mail: kind });
        self.mirror_access(id)?;
        if changed.contains(&"until") {
            self.mirror_rights(&before, id)?;
        }
        self.record(Action::AccessActivated, Some(id), changed);
        Ok(())
    }

    /// Deletes a portal user: its sessions, invitation and reset, its grant, the account with its
    /// last grant, and the answers that were kept about it. Alerts go to `successor`, or else to the
    /// practice's inbox.
    ///
    /// # Errors
    /// 404; 409 `safe_contact` for the client's own access while it has a say over other charts
    /// ([`safe_contact`]); 422 when the successor cannot get the alerts.
    pub fn delete(
        &mut self,
        id: PortalUserId,
        successor: Option<PortalUserId>,
    ) -> Result<Receipt, Problem> {
        let user = self.chart.user(id)?;
        if let Some(Some(account)) = self.beside.accounts.get(&user.account) {
            self.demand_say_stays(user, account, DELETED)?;
        }
        self.delete_again(id, successor)
    }

    /// As [`Self::delete`], on a restored table: what staff did is not judged anew.
    ///
    /// # Errors
    /// 404; 422 when the successor cannot get the alerts.
    pub fn delete_again(
        &mut self,
        id: PortalUserId,
        successor: Option<PortalUserId>,
    ) -> Result<Receipt, Problem> {
        let now = self.context.now();
        let (practice, client) = (self.chart.practice.clone(), self.chart.client.client_id);
        let users = &mut self.chart.users;
        let at =
            users.iter().position(|u| u.portal_user_id == id).ok_or_else(Problem::not_found)?;
        let mut user = users.remove(at);
        self.may_succeed(successor)?;
        let apps = AppsOpen::of(&user);
        let ended = end(&mut user, now);
        let told = self.tell_apps(&apps, None)?;
        let mut changed = vec!["portalUser"];
        if self.chart.client.chart_owner == Some(id) {
            self.chart.client.chart_owner = None;
            changed.push("chartOwner");
        }
        if self.chart.client.alert_recipient == Some(id) {
            self.hand_over_alerts(successor)?;
            changed.push("alertRecipient");
        }
        let write = match self.beside.accounts.get(&user.account) {
            // Most accounts have one chart.
            None => AccountWrite::RemoveIfLast(client),
            Some(Some(account)) if account.grants.len() > 1 => {
                let grant = format!("grants.{client}");
                let update = to_account::begin(&practice, client, &user)
                    .when("rev", "=", &account.rev)
                    .unset(&grant)
                    .set("first", &account.first_without(Some(client)));
                let update = to_account::links(update);
                let others = account.grants.iter().filter(|(c, _)| **c != client);
                for (other, grant) in others.filter(|_| ended.resets > 0) {
                    let key = keys::portal_user(&practice, *other, grant.portal_user_id);
                    self.change.update(&Update::of(key).unset("resetUntil"));
                }
                AccountWrite::Update { update, guessed: false }
            }
            Some(Some(account)) => {
                if account.factors.moves_to(&user.account) == Some(true) {
                    self.change.discard(&keys::moved(&practice, account.account_id));
                }
                AccountWrite::Remove(account.rev)
            }
            Some(None) => return Err(no_account()),
        };
        if !matches!(write, AccountWrite::Update { .. }) {
            // The sign-in name is free; its next owner inherits no lock.
            self.change.discard(&keys::lock(&practice, &user.account));
        }
        self.account_writes.insert(user.account.clone(), write);
        for kept in user.requests.iter().filter(|kept| kept.until > now.seconds()) {
            idempotency::forget(&mut self.change, &practice, kept);
        }
        self.record(Action::PortalUserDeleted, Some(id), changed);
        let alert_recipient = self.alert_recipient();
        let (portal_user, mail) = (None, None);
        Ok(Receipt { portal_user, at: now, ended, apps: told, alert_recipient, mail })
    }

    /// Makes a portal user the one who gets the alerts; `None` for the practice's inbox.
    ///
    /// # Errors
    /// 409 `client_closed`, `safe_contact`; 422 when the client has no such portal user, or the person cannot
    /// get them (rule 5).
    pub fn assign(&mut self, recipient: Option<PortalUserId>) -> Result<(), Problem> {
        if recipient == self.chart.client.alert_recipient {
            return Ok(());
        }
        self.demand_open()?;
        if recipient.is_some() {
            self.demand_alerts_to_persons()?;
        }
        self.choose_recipient(recipient, "portalUserId")?;
        self.record(Action::AlertRecipientAssigned, recipient, ["alertRecipient"]);
        Ok(())
    }

    /// Gives the chart to another portal user.
    ///
    /// # Errors
    /// 409 `client_closed`; 422 when the client has no such portal user, or its access is revoked.
    pub fn change_owner(&mut self, owner: PortalUserId) -> Result<(), Problem> {
        let field = "portalUserId";
        let user = self.chart.user(owner).map_err(|_| not_a_portal_user(field))?;
        if self.chart.client.chart_owner == Some(owner) {
            return Ok(());
        }
        self.demand_open()?;
        if self.is_revoked(user) {
            return Err(Problem::refused(
                field,
                Refusal::rule(
                    "access_revoked",
                    "Somebody whose access is revoked cannot own the chart. Activate it first.",
                ),
            ));
        }
        self.chart.client.chart_owner = Some(owner);
        self.record(Action::ChartOwnerChanged, Some(owner), ["chartOwner"]);
        Ok(())
    }

    /// Turns an invitation into access, and signs in, unless a second factor is asked for: then signing in is left
    /// to [`crate::factor`], and there is no session. `password` is the hash of a new password for an
    /// account that has none. The account must have been read. `device` is known to it from now on.
    ///
    /// # Errors
    /// 404 when the portal user or its account is not there.
    pub fn enroll(
        &mut self,
        id: PortalUserId,
        password: Option<Secret>,
        device: &Device,
    ) -> Result<Option<(SessionId, PortalSession)>, Problem> {
        let (context, now) = (self.context, self.context.now());
        let (practice, client) = (self.chart.practice.clone(), self.chart.client.client_id);
        let key = self.chart.user(id)?.account.clone();
        let mut account = self.account(&key)?.cloned().ok_or_else(Problem::not_found)?;
        let joined = password.is_none();
        if let Some(hash) = password {
            account.password = Some(hash);
        }
        let grant = account.grants.get_mut(&client).ok_or_else(Problem::not_found)?;
        grant.begin(context);
        if grant.open(&self.clock).is_none() {
            return Err(Problem::conflict("invitation_expired", "This access is over."));
        }
        let required = self.request.practice.second_factor == SecondFactor::Required;
        if account.factors.is_enrolled() || required {
            let user = self.user_mut(id)?;
            user.access = Access::Active;
            user.enrolled_at = Some(now);
            user.version += 1;
            if let Some(invitation) = &mut user.invitation {
                invitation.used_at = Some(now);
            }
            let caller = &self.request.author.caller;
            let action = if joined { Action::ChartJoined } else { Action::Enrolled };
            let event = Event::new(context, caller, &account.actor(), &practice, action);
            self.change.event(&event.client(client).portal_user(id).changed(["status"]));
            self.account_writes.insert(key, AccountWrite::Put(Box::new(account)));
            return Ok(None);
        }
        let sid = SessionId::new(context.ulid());
        let session = (sid, device.kind(), SignedInBy::Password);
        let (_, gone) = account.start_session(session, self.request.practice, now);
        gone.tell(context, &practice, account.account_id, &mut self.change);
        let (sessions, open_apps) = (account.sessions_of(client), account.apps_of(client));
        let user = self.user_mut(id)?;
        user.access = Access::Active;
        user.enrolled_at = Some(now);
        user.last_sign_in_at = Some(now);
        user.sessions = sessions;
        user.open_apps = open_apps;
        user.version += 1;
        if let Some(invitation) = &mut user.invitation {
            invitation.used_at = Some(now);
        }
        let signed_in = to_charts::AccountUpdate {
            skip: Some(client),
            signed_in: Some((sid, now)),
            ..Default::default()
        };
        to_charts::write(&mut self.change, &practice, &account, &signed_in);
        let owner = (&practice, &key, account.account_id);
        device::remember(context, &mut self.change, device, owner)?;
        let actor = account.actor();
        let caller = &self.request.author.caller;
        let event = |action| Event::new(context, caller, &actor, &practice, action);
        let action = if joined { Action::ChartJoined } else { Action::Enrolled };
        self.change.event(&event(action).client(client).portal_user(id).changed(["status"]));
        // The session opens the account's other charts too: there it is a sign-in.
        for (other, grant) in account.open_grants(&self.clock).filter(|(c, _)| *c != client) {
            let event = event(Action::SignedIn).client(other).portal_user(grant.portal_user_id);
            self.change.event(&event);
        }
        let session = account
            .portal_session(self.request.practice, sid, now)
            // At the very moment at which all sessions of the practice end: a new one would be among them.
            .ok_or_else(|| Problem::unavailable("all sessions end at this moment"))?;
        self.account_writes.insert(key, AccountWrite::Put(Box::new(account)));
        Ok(Some((sid, session)))
    }

    /// Counts a wrong proof of an invitation; the tenth ends it.
    ///
    /// # Errors
    /// 404.
    pub fn count_wrong_proof(&mut self, id: PortalUserId) -> Result<(), Problem> {
        let now = self.context.now();
        let user = self.user_mut(id)?;
        if let Some(invitation) = &mut user.invitation {
            invitation.wrong_proofs += 1;
            if invitation.wrong_proofs >= WRONG_PROOFS {
                invitation.expires_at = now;
            }
        }
        self.mirror_access(id)?;
        // The person tries again, with the same key or another.
        self.keeps = false;
        self.record(Action::EnrollmentRefused, Some(id), Vec::<String>::new());
        Ok(())
    }

    /// Edits a portal user. A new e-mail address ends what was sent to the old one: the open
    /// invitation, which goes out again, and the open reset. A sign-in name that is the e-mail address
    /// follows it until somebody enrols. A new sign-in name ends the account's sessions. Apps to which the
    /// chart closes because a permission was taken away are told. What concerns the person and not this
    /// access alone changes on every chart of the account.
    ///
    /// # Errors
    /// 404; 409 `stale`, `self_twice`, `account_in_use`, `username_taken`, `username_confusable`,
    /// `name_of_client`, `safe_contact` (see [`safe_contact`]); 422 `address_shared` (see [`own_address`]).
    pub fn update_user(&mut self, id: PortalUserId, edit: &UserUpdate) -> Result<(), Problem> {
        if self.chart.user(id)?.version != edit.version {
            return Err(Problem::stale());
        }
        // What ended before is over, whatever the edit gives back.
        self.tell_clocks(None)?;
        let before = self.chart.user(id)?.clone();
        let client_name = self.chart.client.name.clone();
        let user = self.user_mut(id)?;
        let mut changed = Vec::new();
        set("relationship", &mut user.relationship, edit.relationship.as_ref(), &mut changed);
        set("permissions", &mut user.permissions, edit.permissions.as_ref(), &mut changed);
        set("until", &mut user.until, edit.until.as_ref(), &mut changed);
        let rights = !changed.is_empty();
        let closed = AppsOpen::without(&before, &user.permissions);
        set("reviewOn", &mut user.review_on, edit.review_on.as_ref(), &mut changed);
        if user.relationship == Relationship::Oneself {
            if edit.name.as_ref().is_some_and(|name| !same_name(name, &client_name)) {
                return Err(Problem::refused(
                    "name",
                    Refusal::rule(
                        "name_of_client",
                        "This person is the client. Change the client's name instead.",
                    ),
                ));
            }
            set("name", &mut user.name, Some(&client_name), &mut changed);
        } else {
            set("name", &mut user.name, edit.name.as_ref(), &mut changed);
        }
        let email = edit.email.clone().map(Some);
        set("email", &mut user.email, email.as_ref(), &mut changed);
        let is_address =
            before.email.as_ref().is_some_and(|e| before.username == Username::from(e));
        let follows = user.enrolled_at.is_none() && is_address;
        let username = match (&edit.username, &user.email) {
            (Some(username), _) => Some(username.clone()),
            (None, Some(email)) if follows => Some(Username::from(email)),
            (None, _) => None,
        };
        if let Some(username) = username.filter(|u| *u != user.username) {
            user.username = username;
            changed.push("username");
        }
        if changed.is_empty() {
            // What a clock ended is no doing of the person who is shown it.
            if let Some(action) = self.request.unchanged.filter(|_| !self.change.is_empty()) {
                self.record(action, Some(id), Vec::<String>::new());
            }
            return Ok(());
        }
        self.demand_own_addresses()?;
        let user = self.user_mut(id)?;
        let person = ["name", "email", "username"].iter().any(|f| changed.contains(f));
        let invited_anew = user.access == Access::Invited && before.email != user.email;
        if before.email != user.email {
            user.reset_until = None;
        }
        if rights {
            self.mirror_rights(&before, id)?;
        }
        if person {
            self.write_person(&before, id)?;
        }
        // With a new sign-in name every app is told that all sessions ended.
        if !closed.is_empty() && !changed.contains(&"username") {
            self.tell_apps(&closed, Some(id))?;
        }
        self.send_notices(&before, id, invited_anew)?;
        if invited_anew {
            self.send_invitation(id)?;
            self.mirror_access(id)?;
        } else {
            self.user_mut(id)?.version += 1;
        }
        self.record(Action::PortalUserUpdated, Some(id), changed);
        self.tell_clocks(None)?;
        self.tell_on_the_day(id)
    }

    /// Edits a client. A changed name also shows on the accounts that open the chart, and on the
    /// portal user who is the client.
    ///
    /// # Errors
    /// 409 `stale`, or `record_number_taken`; 422 `address_shared` (see [`own_address`]).
    pub fn update_client(&mut self, edit: &ClientUpdate) -> Result<(), Problem> {
        if self.chart.client.version != edit.version {
            return Err(Problem::stale());
        }
        let before = self.chart.client.clone();
        let client = &mut self.chart.client;
        let mut changed = Vec::new();
        set("name", &mut client.name, edit.name.as_ref(), &mut changed);
        set("dateOfBirth", &mut client.date_of_birth, edit.date_of_birth.as_ref(), &mut changed);
        set("recordNumber", &mut client.record_number, edit.record_number.as_ref(), &mut changed);
        let given = edit.emails.as_ref();
        let emails: Option<Vec<ContactEmail>> =
            given.map(|given| given.iter().map(|email| email.kept(&before.emails)).collect());
        set("emails", &mut client.emails, emails.as_ref(), &mut changed);
        set("phones", &mut client.phones, edit.phones.as_ref(), &mut changed);
        set("professional", &mut client.professional, edit.professional.as_ref(), &mut changed);
        let marked = edit.safe_contact.filter(|marked| *marked != client.safe_contact);
        if changed.is_empty() && marked.is_none() {
            return Ok(());
        }
        client.version += 1;
        if let Some(marked) = marked {
            self.mark_safe_contact(marked);
        }
        if changed.is_empty() {
            return Ok(());
        }
        let client = &self.chart.client;
        let practice = &self.chart.practice;
        let old = keys::record(practice, &before.record_number);
        let new = keys::record(practice, &client.record_number);
        if old != new {
            if self.failed.record_number {
                return Err(record_number_taken());
            }
            let holder = Holder { client_id: client.client_id };
            self.record_number = Some(self.change.insert(&new, &holder));
            self.change.discard(&old);
        }
        let client = self.chart.client.clone();
        if before.name != client.name
            || before.date_of_birth != client.date_of_birth
            || before.record_number != client.record_number
        {
            for user in self.chart.users.clone() {
                self.update_account(&user, |update| to_account::client(update, &client));
            }
        }
        if before.name != client.name {
            let selves =
                self.chart.users.iter().filter(|u| u.relationship == Relationship::Oneself);
            for user in selves.cloned().collect::<Vec<_>>() {
                let renamed = self.user_mut(user.portal_user_id)?;
                renamed.name = client.name.clone();
                renamed.version += 1;
                self.write_person(&user, user.portal_user_id)?;
                self.record(Action::PortalUserUpdated, Some(user.portal_user_id), ["name"]);
            }
        }
        self.record(Action::ClientUpdated, None, changed);
        if before.date_of_birth != self.chart.client.date_of_birth {
            self.tell_of_birth();
        }
        Ok(())
    }

    /// Gives a portal user a new invitation, the only one that works from now on, and queues its mail. That of a
    /// person without an address is in nobody's hands: it runs until a sheet takes its place.
    fn send_invitation(&mut self, id: PortalUserId) -> Result<(), Problem> {
        let now = self.context.now();
        let (client, user) = (self.chart.client.clone(), self.chart.user(id)?.clone());
        let (invitation, mail) = self.new_invitation(&client, &user, self.invited_until())?;
        let mail = self.queue(mail, user.email.as_ref())?;
        let user = self.user_mut(id)?;
        user.replace_invitation(invitation, mail, now);
        user.version += 1;
        Ok(())
    }

    fn notice(&self, user: &PortalUser, kind: MailKind) -> Outgoing {
        Outgoing::notice(self.context, &self.chart.practice, user.into(), kind)
    }

    /// When an invitation ends that is made now.
    fn invited_until(&self) -> At {
        self.context.now().plus(self.request.practice.invitation_days * 24 * 60 * 60)
    }

    /// A new invitation of a person to a client's chart, which ends at `until`, and its mail: the one place where a
    /// link dies because another is mailed.
    ///
    /// # Errors
    /// 409 `safe_contact` when the one before is open, and the mail would not be sent.
    fn new_invitation(
        &mut self,
        client: &Client,
        user: &PortalUser,
        until: At,
    ) -> Result<(Invitation, Outgoing), Problem> {
        let (context, now) = (self.context, self.context.now());
        let open = user.invitation.as_ref().is_some_and(|invitation| invitation.open(now));
        if open && user.access == Access::Invited {
            self.demand_mail_arrives(client, user)?;
        }
        let nonce = Nonce::new(context);
        let mail =
            Outgoing::notice(context, &self.chart.practice, user.into(), MailKind::Invitation)
                .with_link(user.account.clone(), nonce, until);
        Ok((Invitation::of(&nonce.secret(context)?, now, until), mail))
    }

    /// Puts a mail into the outbox: the one place where a change mails. Answers what staff see of it; nothing for
    /// a person without an address, who gets no mail.
    fn queue(&mut self, mail: Outgoing, to: Option<&Email>) -> Result<Option<Mail>, Problem> {
        let Some(to) = to else { return Ok(None) };
        let mail = Outgoing { bulk_id: self.bulk, ..mail };
        if !self.request.silent {
            mail.queue(&mut self.change, &mut self.spending, Some(to))?;
        }
        let shown = mail.shown();
        self.queued.push(mail);
        Ok(Some(shown))
    }

    /// The person who got the alerts does no more.
    fn hand_over_alerts(&mut self, successor: Option<PortalUserId>) -> Result<(), Problem> {
        self.chart.client.alert_recipient = None;
        self.choose_recipient(successor, "alertRecipient")
    }

    fn choose_recipient(
        &mut self,
        recipient: Option<PortalUserId>,
        field: &'static str,
    ) -> Result<(), Problem> {
        self.may_receive(recipient, field)?;
        self.chart.client.alert_recipient = recipient;
        Ok(())
    }

    /// Whether a named successor can get the alerts, also where nobody has to be succeeded.
    fn may_succeed(&self, successor: Option<PortalUserId>) -> Result<(), Problem> {
        self.may_receive(successor, "alertRecipient")
    }

    fn may_receive(
        &self,
        recipient: Option<PortalUserId>,
        field: &'static str,
    ) -> Result<(), Problem> {
        if let Some(id) = recipient {
            let user = self.chart.user(id).map_err(|_| not_a_portal_user(field))?;
            let status = user.status(&self.chart.client, &self.clock);
            if status == Status::Revoked {
                return Err(Problem::refused(
                    field,
                    Refusal::rule(
                        "access_revoked",
                        "Somebody without access cannot get the alerts.",
                    ),
                ));
            }
            if user.email.is_none() {
                return Err(Problem::refused(
                    field,
                    Refusal::rule(
                        "no_email",
                        "Alerts are mailed, and this person has no e-mail address. Enter one first.",
                    ),
                ));
            }
            if !matches!(status, Status::Active | Status::Invited) {
                return Err(Problem::refused(
                    field,
                    Refusal::rule(
                        "invitation_expired",
                        "This person's invitation is over. Send a new one first.",
                    ),
                ));
            }
        }
        Ok(())
    }

    /// Copies the access of a portal user to its account.
    fn mirror_access(&mut self, id: PortalUserId) -> Result<(), Problem> {
        let user = self.chart.user(id)?.clone();
        let (context, client) = (self.context, self.chart.client.client_id);
        self.mirror(
            &user,
            |grant| grant.copy_access(&user),
            |update| to_account::access(update, context, client, &user),
        );
        Ok(())
    }

    /// Copies what a portal user is to the client and may do there to its account. Who becomes the
    /// client must be no other client.
    fn mirror_rights(&mut self, before: &PortalUser, id: PortalUserId) -> Result<(), Problem> {
        let (user, client) = (self.chart.user(id)?.clone(), self.chart.client.client_id);
        let mut seen = None;
        if before.relationship != user.relationship && user.relationship == Relationship::Oneself {
            let account = self.account(&user.account)?.ok_or_else(no_account)?;
            self.may_be(user.relationship, account, "relationship")?;
            seen = Some(account.rev);
        }
        let was_client = before.relationship == Relationship::Oneself;
        if was_client && before.relationship != user.relationship && self.chart.client.safe_contact
        {
            let account = self.account(&user.account)?.ok_or_else(no_account)?;
            self.demand_say_stays(before, account, RELABELLED)?;
            seen = Some(account.rev);
        }
        self.mirror(
            &user,
            |grant| grant.copy_rights(&user),
            |update| {
                let update = to_account::rights(update, client, &user);
                // No two edits at once make two clients of one person, or take a mark's say away.
                seen.iter().fold(update, |update, rev| update.when("rev", "=", rev))
            },
        );
        Ok(())
    }

    /// An ended reset is the account's: its other charts show it no more, as far as there is room for it.
    /// Where there is one, the account is guessed to have this chart alone.
    fn end_reset_elsewhere(&mut self, id: PortalUserId, ended: Ended) -> Result<(), Problem> {
        if ended.resets == 0 {
            return Ok(());
        }
        let user = self.chart.user(id)?.clone();
        match self.beside.accounts.get(&user.account) {
            None => self.guess_account(&user, |update| update),
            Some(account) => {
                let grants = account.iter().flat_map(|a| &a.grants);
                for (client, grant) in grants.filter(|(c, _)| **c != user.client_id) {
                    self.elsewhere.push(Elsewhere::Reset(*client, grant.portal_user_id));
                }
            }
        }
        Ok(())
    }

    /// An account that was read; asks for it to be read when it was not: the decision is then taken
    /// again.
    ///
    /// # Errors
    /// When it was not read: for the caller to pass on.
    pub fn account(&mut self, key: &AccountKey) -> Result<Option<&'a Account>, Problem> {
        self.want(key)?;
        Ok(self.beside.accounts.get(key).and_then(Option::as_ref))
    }

    /// Asks for an account to be read before the decision is taken again.
    fn want(&mut self, key: &AccountKey) -> Result<(), Problem> {
        if self.beside.accounts.contains_key(key) {
            return Ok(());
        }
        self.wanted.accounts.insert(key.clone());
        Err(Problem::unavailable("the account was not read"))
    }

    /// Other charts that were read; asks for them to be read as [`Self::account`] does.
    fn other_charts(
        &mut self,
        clients: &BTreeSet<ClientId>,
    ) -> Result<&'a BTreeMap<ClientId, Chart>, Problem> {
        let read = &self.beside.charts;
        self.wanted.charts.extend(clients.iter().filter(|client| !read.contains_key(client)));
        if self.wanted.charts.is_empty() {
            return Ok(read);
        }
        Err(Problem::unavailable("the other charts were not read"))
    }

    fn user_mut(&mut self, id: PortalUserId) -> Result<&mut PortalUser, Problem> {
        let mut users = self.chart.users.iter_mut();
        users.find(|u| u.portal_user_id == id).ok_or_else(Problem::not_found)
    }

    fn author_event(&self, action: Action) -> Event {
        self.request.author.event(self.context, &self.chart.practice, action)
    }

    pub(super) fn event(&self, action: Action, user: Option<PortalUserId>) -> Event {
        let mut event = self.author_event(action).client(self.chart.client.client_id);
        event.portal_user_id = user;
        event
    }

    fn record<S: Into<String>>(
        &mut self,
        action: Action,
        user: Option<PortalUserId>,
        changed: impl IntoIterator<Item = S>,
    ) {
        let event = self.event(action, user).changed(changed);
        self.tell(&event);
    }

    /// Adds an event to the change, unless the history has it.
    fn tell(&mut self, event: &Event) {
        if !self.told.contains(&(event.action, event.portal_user_id)) {
            self.change.event(event);
        }
    }
}

/// Two names that are written alike, but for case, accents and punctuation.
fn same_name(a: &Name, b: &Name) -> bool {
    search::fold(&a.full()) == search::fold(&b.full())
}

/// What 409 `username_taken` says of an account with another e-mail address than the new portal user's.
fn taken_words(account: &Account, new: &NewUser) -> &'static str {
    match (&account.email, &new.email) {
        (Some(_), None) => {
            "Somebody with an e-mail address has this sign-in name. Choose another, or enter that address."
        }
        (None, Some(_)) => {
            "Somebody without an e-mail address has this sign-in name. Choose another."
        }
        _ => "Somebody with another e-mail address has this sign-in name. Choose another.",
    }
}

/// 409 `account_exists`: whose account it is and which charts it opens.
fn account_exists(account: &Account) -> Problem {
    let charts: Vec<_> = account
        .grants
        .iter()
        .map(|(client, grant)| {
            serde_json::json!({
                "clientId": client, "name": grant.name, "relationship": grant.relationship,
            })
        })
        .collect();
    let message = match account.email {
        Some(_) => {
            "Somebody has this sign-in name and e-mail address already. Say whether it is the same person."
        }
        None => {
            "Somebody without an e-mail address has this sign-in name already. Say whether it is the same person."
        }
    };
    Problem::taken("username", "account_exists", message)
        .with("account", serde_json::json!({ "name": account.name, "charts": charts }))
        .showing(account.grants.keys().copied())
}

/// 409 when another client has the record number.
fn record_number_taken() -> Problem {
    Problem::taken("recordNumber", "record_number_taken", "Another client has this record number.")
}

fn access_revoked() -> Problem {
    Problem::conflict("access_revoked", "Access is revoked. Activate it first.")
}

fn no_account() -> Problem {
    Problem::internal("a portal user without an account")
}

fn not_a_portal_user(field: &'static str) -> Problem {
    Problem::refused(
        field,
        Refusal::rule("not_a_portal_user", "This client has no such portal user."),
    )
}

/// Sets a field that an edit names; notes its name when it changed.
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

/// Ends what a portal user has open, and counts it.
fn end(user: &mut PortalUser, now: At) -> Ended {
    let count = |open: bool| u32::from(open);
    let ended = Ended {
        sessions: u32::try_from(user.sessions.values().filter(|end| **end > now).count())
            .unwrap_or(u32::MAX),
        invitations: count(
            user.access == Access::Invited && user.invitation.as_ref().is_some_and(|i| i.open(now)),
        ),
        resets: count(user.reset_until.is_some_and(|end| end > now)),
    };
    user.sessions.clear();
    user.open_apps.clear();
    user.reset_until = None;
    if user.enrolled_at.is_none() {
        user.retire_invitation(now);
    }
    ended
}
