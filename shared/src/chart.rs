//! A chart: a client with all its portal users, read in one query, changed by the rules of access,
//! and written in one transaction.
//!
//! A rule changes the chart in memory and answers what it ended. [`Chart::save`] then writes the
//! items that differ from what was read, each on the condition that nobody wrote it meanwhile.
//! Every change of who may enter writes the client too, so two such changes to one client can
//! never pass each other. The query may still have met the one item before and the other after such
//! a change, since it reads them one by one: whoever is newly named in the client must be as read.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    account::{Grant, update_account},
    app::App,
    client::{Client, Summary},
    fields::{At, Name, Permissions, Reason},
    id::{ClientId, Epoch, PortalUserId, PracticeId},
    keys,
    outbox::Outgoing,
    portal_user::{
        Access, Ended, Invitation, LastReceipt, MailKind, MailState, PortalUser, PortalUserView,
    },
    practice::Practice,
    problem::Problem,
    store::{Change, Store, Update, parse},
    token::Nonce,
};

/// The most portal users of one client: what one transaction can hold when the client is renamed.
pub const MOST_USERS: usize = 16;

/// A client and its portal users.
#[derive(Debug, Clone)]
pub struct Chart {
    /// The practice.
    pub practice: PracticeId,
    /// The client.
    pub client: Client,
    /// Its portal users, oldest first.
    pub users: Vec<PortalUser>,
    read: Option<Box<(Client, Vec<PortalUser>)>>,
}

/// A mail that a change queued, as a receipt names it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
pub struct ReceiptMail {
    /// What it is about.
    pub kind: MailKind,
    /// How far it has come.
    pub state: MailState,
}

/// What a change of access did.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// The portal user as it is now; null after a deletion.
    #[schema(required)]
    pub portal_user: Option<PortalUserView>,
    /// When.
    pub at: At,
    /// What ended.
    pub ended: Ended,
    /// Who gets the alerts now; null: the practice's inbox.
    #[schema(required)]
    pub alert_recipient: Option<PortalUserId>,
    /// The mail that was queued.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub mail: Option<ReceiptMail>,
}

impl Chart {
    /// A chart for a client that is new.
    #[must_use]
    pub fn of_new(practice: &PracticeId, client: Client) -> Self {
        Self { practice: practice.clone(), client, users: Vec::new(), read: None }
    }

    /// Reads a chart in one query; 404 when the practice has no such client.
    ///
    /// # Errors
    /// 404, or 503 when the table does not answer.
    pub async fn load(store: &Store, practice: &PracticeId, id: ClientId) -> Result<Self, Problem> {
        let items = store.partition(&keys::chart(practice, id), keys::ACCESS).await?;
        let mut items = items.into_iter();
        // `A#CLIENT` sorts before every `A#USER#…`.
        let first = items.next().ok_or_else(Problem::not_found)?;
        let client: Client = parse(first)?;
        let users: Vec<PortalUser> = items.map(parse).collect::<Result<_, _>>()?;
        let read = Some(Box::new((client.clone(), users.clone())));
        Ok(Self { practice: practice.clone(), client, users, read })
    }

    /// Changes a chart that was read. `decide` judges it, adds to the change what else belongs to
    /// it, its event at least, and says what to answer; when it adds nothing, nothing is written.
    /// Where somebody was faster it decides afresh on the chart as it is then, and is told the
    /// positions, in the order in which it added them, of the items whose condition had failed.
    ///
    /// # Errors
    /// What `decide` or a read says, or 503 when the chart stays contended.
    pub async fn change<T>(
        mut self,
        app: &App,
        mut decide: impl FnMut(&mut Self, &mut Change, &[usize]) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let mut retries = app.store().retries();
        let mut failed = Vec::new();
        loop {
            let mut change = app.store().change();
            let answer = decide(&mut self, &mut change, &failed)?;
            if change.is_empty() {
                return Ok(answer);
            }
            self.save(&mut change);
            let Err(error) = app.store().write(change).await else { return Ok(answer) };
            failed = retries.retry(error).await?;
            self = Self::load(app.store(), &self.practice, self.client.client_id).await?;
        }
    }

    /// One of the portal users.
    ///
    /// # Errors
    /// 404 when the client has no such portal user.
    pub fn user(&self, id: PortalUserId) -> Result<&PortalUser, Problem> {
        self.users.iter().find(|u| u.portal_user_id == id).ok_or_else(Problem::not_found)
    }

    /// One of the portal users, to change it.
    ///
    /// # Errors
    /// 404 when the client has no such portal user.
    pub fn user_mut(&mut self, id: PortalUserId) -> Result<&mut PortalUser, Problem> {
        self.users.iter_mut().find(|u| u.portal_user_id == id).ok_or_else(Problem::not_found)
    }

    /// One of the portal users as the API answers it.
    ///
    /// # Errors
    /// 404 when the client has no such portal user.
    pub fn view(&self, id: PortalUserId, now: At) -> Result<PortalUserView, Problem> {
        Ok(self.user(id)?.view(&self.client, now))
    }

    /// The receipt of the last change of a portal user's access: the same however often it is
    /// asked for. The state of its mail is today's.
    ///
    /// # Errors
    /// 404 when the client has no such portal user.
    pub fn receipt(&self, id: PortalUserId, now: At) -> Result<Receipt, Problem> {
        let user = self.user(id)?;
        let last = user.receipt.unwrap_or(LastReceipt {
            at: user.enrolled_at.unwrap_or(now),
            ended: Ended::default(),
            mail: None,
        });
        let mail = last.mail.and_then(|kind| {
            user.mail
                .as_ref()
                .filter(|m| m.kind == kind)
                .map(|m| ReceiptMail { kind, state: m.state })
        });
        Ok(Receipt {
            portal_user: Some(user.view(&self.client, now)),
            at: last.at,
            ended: last.ended,
            alert_recipient: self.client.alert_recipient,
            mail,
        })
    }

    /// Adds a portal user. The client's first one becomes its chart owner.
    pub fn add(&mut self, user: PortalUser, chart_owner: bool) {
        if chart_owner || self.users.is_empty() {
            self.client.chart_owner = Some(user.portal_user_id);
        }
        self.users.push(user);
    }

    /// Gives a portal user a new invitation, the only one that works from now on, and queues its
    /// mail.
    ///
    /// # Errors
    /// 404 when the client has no such portal user.
    pub fn invite(
        &mut self,
        app: &App,
        practice: &Practice,
        id: PortalUserId,
    ) -> Result<Outgoing, Problem> {
        let now = app.now();
        let nonce = Nonce::new(app);
        let until = now.plus(practice.invitation_days * 24 * 60 * 60);
        let of = self.practice.clone();
        let user = self.user_mut(id)?;
        let mail = Outgoing::notice(app, &of, &(&*user).into(), MailKind::Invitation).with_link(
            user.account(&of),
            nonce,
            until,
        );
        user.access = Access::Invited;
        user.invitation = Some(Invitation {
            hash: nonce.secret(app)?.hash(),
            sent_at: now,
            expires_at: until,
            wrong_proofs: 0,
            used_at: None,
        });
        user.mail = Some(mail.shown());
        user.version += 1;
        Ok(mail)
    }

    /// Revokes a portal user's access. `None` when it was revoked already.
    ///
    /// # Errors
    /// 404 when the client has no such portal user.
    pub fn revoke(
        &mut self,
        id: PortalUserId,
        reason: Option<&Reason>,
        now: At,
    ) -> Result<Option<Ended>, Problem> {
        let user = self.user_mut(id)?;
        if user.access == Access::Revoked {
            return Ok(None);
        }
        let ended = end(user, now);
        user.access = Access::Revoked;
        user.revoke_reason = reason.cloned();
        user.receipt = Some(LastReceipt { at: now, ended, mail: None });
        user.version += 1;
        if self.client.alert_recipient == Some(id) {
            self.client.alert_recipient = None;
        }
        Ok(Some(ended))
    }

    /// Activates a revoked portal user: whoever has credentials may sign in with them again,
    /// whoever never enrolled is invited. `None` when access was not revoked.
    ///
    /// # Errors
    /// 404 when the client has no such portal user.
    pub fn activate(
        &mut self,
        app: &App,
        practice: &Practice,
        id: PortalUserId,
    ) -> Result<Option<Outgoing>, Problem> {
        let of = self.practice.clone();
        let user = self.user_mut(id)?;
        if user.access != Access::Revoked {
            return Ok(None);
        }
        let mail = if user.enrolled_at.is_some() {
            let mail = Outgoing::notice(app, &of, &(&*user).into(), MailKind::AccessGranted);
            user.access = Access::Active;
            user.mail = Some(mail.shown());
            user.version += 1;
            mail
        } else {
            self.invite(app, practice, id)?
        };
        let user = self.user_mut(id)?;
        user.receipt = Some(LastReceipt::of_mail(&mail));
        user.revoke_reason = None;
        Ok(Some(mail))
    }

    /// Deletes a portal user; the alerts it got go to `successor`, or else to the practice's
    /// inbox.
    ///
    /// # Errors
    /// 404 when the client has no such portal user; 422 when the successor cannot get alerts.
    pub fn delete(
        &mut self,
        id: PortalUserId,
        successor: Option<PortalUserId>,
        now: At,
    ) -> Result<(PortalUser, Ended), Problem> {
        let at = self
            .users
            .iter()
            .position(|u| u.portal_user_id == id)
            .ok_or_else(Problem::not_found)?;
        let mut user = self.users.remove(at);
        let ended = end(&mut user, now);
        if self.client.chart_owner == Some(id) {
            self.client.chart_owner = None;
        }
        if self.client.alert_recipient == Some(id) {
            self.client.alert_recipient = None;
            if let Some(successor) = successor {
                self.assign(Some(successor), "alertRecipient")?;
            }
        }
        Ok((user, ended))
    }

    /// Makes somebody the one who gets the alerts; `None` for the practice's inbox. `field` is what
    /// the caller calls the recipient.
    ///
    /// # Errors
    /// 422 when the client has no such portal user, or its access is revoked.
    pub fn assign(
        &mut self,
        recipient: Option<PortalUserId>,
        field: &'static str,
    ) -> Result<(), Problem> {
        if let Some(id) = recipient {
            let user = self.user(id).map_err(|_| not_a_portal_user(field))?;
            if user.access == Access::Revoked {
                return Err(Problem::refused(
                    field,
                    "access_revoked",
                    "Somebody without access cannot get the alerts.",
                ));
            }
        }
        self.client.alert_recipient = recipient;
        Ok(())
    }

    /// Gives the chart to another portal user.
    ///
    /// # Errors
    /// 422 when the client has no such portal user.
    pub fn change_owner(&mut self, owner: PortalUserId) -> Result<(), Problem> {
        self.user(owner).map_err(|_| not_a_portal_user("portalUserId"))?;
        self.client.chart_owner = Some(owner);
        Ok(())
    }

    /// Adds to `change` what differs from what was read, the search entries included.
    pub fn save(&mut self, change: &mut Change) {
        let before = self.read.as_ref().map(|read| &read.0);
        if let Some(before) = before {
            self.client.keep_former_name(before);
        }
        self.client.index(change, &self.practice, before);
        let portal = summary(&self.users);
        if self.read.as_ref().is_none_or(|read| summary(&read.1) != portal) {
            self.client.portal = portal;
        }
        let (p, c) = (&self.practice, self.client.client_id);
        let key = keys::client(p, c);
        let Some(read) = &self.read else {
            change.insert(&key, &self.client);
            for user in &self.users {
                change.insert(&keys::portal_user(p, c, user.portal_user_id), user);
            }
            return;
        };
        let (client, users) = (&read.0, &read.1);
        // Even where its summary stays the same: one of two invited revoked while that very one is
        // made the alert recipient.
        if *client != self.client || access(users) != access(&self.users) {
            change.replace(&key, &self.client, client.rev);
        }
        let named = |client: &Client| [client.alert_recipient, client.chart_owner];
        let newly_named: Vec<PortalUserId> = named(&self.client)
            .into_iter()
            .zip(named(client))
            .filter_map(|(now, before)| now.filter(|_| now != before))
            .collect();
        for user in &self.users {
            let key = keys::portal_user(p, c, user.portal_user_id);
            match users.iter().find(|u| u.portal_user_id == user.portal_user_id) {
                None => change.insert(&key, user),
                Some(before) if before != user => change.replace(&key, user, before.rev),
                Some(before) if newly_named.contains(&user.portal_user_id) => {
                    change.unchanged(&key, before.rev);
                }
                Some(_) => {}
            }
        }
        for gone in users {
            if !self.users.iter().any(|u| u.portal_user_id == gone.portal_user_id) {
                change.remove(&keys::portal_user(p, c, gone.portal_user_id), gone.rev);
            }
        }
    }

    /// Tells the account of a portal user how its access stands now. An active one opens the chart
    /// to sessions made from now on; a revoked one closes it to all, and an open reset of the
    /// account is dead.
    pub fn mirror_access(&self, app: &App, change: &mut Change, user: &PortalUser) {
        let grant = format!("grants.{}", self.client.client_id);
        let (active, until) = (format!("{grant}.active"), format!("{grant}.invitedUntil"));
        let update = update_account(&self.practice, user).when_exists(&grant);
        change.update(&match (user.access, user.invited_until()) {
            (Access::Active, _) => {
                let epoch = Epoch::new(app.ulid());
                update.set(&active, &true).set(&format!("{grant}.epoch"), &epoch).unset(&until)
            }
            (Access::Invited, Some(end)) => update.set(&until, &end),
            (Access::Invited, None) => update.unset(&until),
            (Access::Revoked, _) => update.set(&active, &false).unset(&until).unset("reset"),
        });
    }

    /// Takes the chart from the account of a portal user who was deleted, and the account with its
    /// last chart. Which of the two it is, the condition finds out: `last` is what is tried first.
    pub fn drop_grant(&self, change: &mut Change, user: &PortalUser, last: bool) {
        let grant = format!("grants.{}", self.client.client_id);
        let update = Update::upsert(keys::account(&self.practice, &user.account(&self.practice)))
            .when_exists(&grant);
        if last {
            change.remove_when(&update.when_size("grants", "=", 1));
        } else {
            change.update(&update.when_size("grants", ">", 1).unset(&grant).unset("reset"));
        }
    }

    /// What the account must know of a portal user.
    #[must_use]
    pub fn grant(&self, app: &App, user: &PortalUser) -> Grant {
        Grant {
            portal_user_id: user.portal_user_id,
            name: self.client.name.clone(),
            permissions: user.permissions.clone(),
            active: user.access == Access::Active,
            invited_until: user.invited_until(),
            epoch: Epoch::new(app.ulid()),
        }
    }

    /// What tells the account of a portal user that its mirror of the chart changed.
    #[must_use]
    pub fn mirror(&self, user: &PortalUser, mirror: &Mirror) -> Update {
        let grant = format!("grants.{}", self.client.client_id);
        let mut update = update_account(&self.practice, user).when_exists(&grant);
        if let Some(name) = &mirror.client_name {
            update = update.set(&format!("{grant}.name"), name);
        }
        if let Some(permissions) = &mirror.permissions {
            update = update.set(&format!("{grant}.permissions"), permissions);
        }
        if mirror.email {
            update = update.set("email", &user.email).unset("reset");
            if let Some(until) = user.invited_until() {
                update = update.set(&format!("{grant}.invitedUntil"), &until);
            }
        }
        if mirror.person {
            update = update.set("name", &user.name);
        }
        update
    }
}

/// What an account mirrors of a chart, where it changed.
#[derive(Debug, Default)]
pub struct Mirror {
    /// The client's new name.
    pub client_name: Option<Name>,
    /// The portal user's new permissions.
    pub permissions: Option<Permissions>,
    /// Whether the portal user's address changed, and with it the open invitation.
    pub email: bool,
    /// Whether the portal user's name changed.
    pub person: bool,
}

impl Mirror {
    /// Whether there is nothing to tell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.client_name.is_none() && self.permissions.is_none() && !self.email && !self.person
    }
}

fn not_a_portal_user(field: &'static str) -> Problem {
    Problem::refused(field, "not_a_portal_user", "This client has no such portal user.")
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
    user.reset_until = None;
    if user.enrolled_at.is_none() {
        user.invitation = None;
    }
    ended
}

fn summary(users: &[PortalUser]) -> Summary {
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let invited = users.iter().filter(|u| u.access == Access::Invited);
    Summary {
        users: count(users.len()),
        active: count(users.iter().filter(|u| u.access == Access::Active).count()),
        invited_until: invited.filter_map(|u| u.invitation.as_ref()).map(|i| i.expires_at).max(),
    }
}

/// Who may enter, and how.
fn access(users: &[PortalUser]) -> Vec<(PortalUserId, Access)> {
    users.iter().map(|u| (u.portal_user_id, u.access)).collect()
}
