//! What changed of a person, on every chart of the account (rule 13).

use std::collections::{BTreeMap, BTreeSet};

use super::{
    super::{
        Chart,
        write::{AccountWrite, Elsewhere, summary},
    },
    ChartEdit, no_account,
};
use crate::{
    account::{self, Account, Grant},
    age::is_minor,
    client::Client,
    clock::Lapse,
    factor::passkey::Moved,
    fields::{At, Email, Relationship},
    history::Action,
    id::{ClientId, PortalUserId, SessionId},
    keys::{self, Found},
    lists::Listing,
    mail::MailKind,
    mail_budget::MAILS_AN_HOUR,
    mirror::to_account,
    portal_user::{Invitation, PortalUser},
    problem::Problem,
    store::Update,
};

impl ChartEdit<'_> {
    /// Writes what changed of a person to the account and to its other charts (rule 13).
    pub(super) fn write_person(
        &mut self,
        before: &PortalUser,
        id: PortalUserId,
    ) -> Result<(), Problem> {
        let user = self.chart.user(id)?.clone();
        let (renamed, readdressed) = (before.name != user.name, before.email != user.email);
        let moved = before.username != user.username;
        let copy = |update: Update| {
            let update = if renamed { to_account::person(update, &user.name) } else { update };
            if readdressed { to_account::email(update, &user) } else { update }
        };
        if moved {
            self.want(&before.account)?;
        }
        let Some(account) = self.beside.accounts.get(&before.account) else {
            // Nor has it credentials of somebody else.
            let fresh = user.enrolled_at.is_none();
            self.guess_account(before, |update| {
                copy(if fresh { update.when_absent("password") } else { update })
            });
            return Ok(());
        };
        let account = account.clone().ok_or_else(no_account)?;
        let others: Vec<(ClientId, Grant)> = account
            .grants
            .iter()
            .filter(|(client, _)| **client != user.client_id)
            .map(|(client, grant)| (*client, grant.clone()))
            .collect();
        if !others.is_empty() && user.enrolled_at.is_none() && account.password.is_some() {
            let field = if renamed {
                "name"
            } else if readdressed {
                "email"
            } else {
                "username"
            };
            return Err(Problem::taken(
                field,
                "account_in_use",
                "This sign-in name is that of an account with access to other clients. Delete this person, and add them with a sign-in name of their own.",
            ));
        }
        if renamed && account.is_of_another_client(user.client_id) {
            return Err(Problem::taken(
                "name",
                "name_of_client",
                "This person is a client of the practice. Change that client's name instead.",
            ));
        }
        if moved {
            self.move_account(before, id, account.clone())?;
        } else {
            let rev = account.rev;
            self.update_account(before, |update| copy(update.when("rev", "=", &rev)));
        }
        // Links went to the old address: on every chart another invitation takes their place.
        let anew = readdressed && account.password.is_none();
        self.write_other_charts(before, id, &others, anew)
    }

    /// Moves an account to its new sign-in name: same id, same charts, no session and no reset.
    fn move_account(
        &mut self,
        before: &PortalUser,
        id: PortalUserId,
        mut account: Account,
    ) -> Result<(), Problem> {
        let practice = self.chart.practice.clone();
        let key = account::key_of(self.context, &practice, &self.chart.user(id)?.username)?;
        let user = self.user_mut(id)?;
        user.account = key.clone();
        user.sessions.clear();
        user.open_apps.clear();
        user.reset_until = None;
        let user = user.clone();
        let gone = account.sessions.end_all();
        gone.tell(self.context, &practice, account.account_id, &mut self.change);
        if key == before.account {
            // Another spelling of the same name.
            let rev = account.rev;
            self.update_account(before, |update| {
                to_account::email(to_account::person(update, &user.name), &user)
                    .set("username", &user.username)
                    .set("sessions", &BTreeMap::<SessionId, At>::new())
                    .when("rev", "=", &rev)
            });
            return Ok(());
        }
        if let Some(other) = self.account(&key)? {
            let (code, message) = if other.is_named(&user.username) {
                ("username_taken", "Somebody else has this sign-in name. Choose another.")
            } else {
                ("username_confusable", "Another sign-in name looks the same. Choose another.")
            };
            return Err(Problem::taken("username", code, message));
        }
        let old_rev = account.rev;
        account.username = user.username.clone();
        account.email.clone_from(&user.email);
        account.name = user.name.clone();
        account.reset = None;
        account.new_email = None;
        account.rev = 0;
        if let Some(grant) = account.grants.get_mut(&user.client_id) {
            grant.copy_rights(&user);
            grant.copy_access(&user);
        }
        // What its passkeys say leads to it still.
        let place = keys::moved(&practice, account.account_id);
        match account.factors.moves_to(&key) {
            Some(true) => {
                self.change.set(&place, &Moved { account: key.clone() });
            }
            Some(false) => {
                self.change.discard(&place);
            }
            None => {}
        }
        // What waits for the last day of an access is found where the account is kept.
        for due in account.last_days(&self.clock) {
            Lapse::queue(self.context, (&practice, &key), due, None, &mut self.change);
        }
        self.account_writes.insert(before.account.clone(), AccountWrite::Remove(old_rev));
        self.account_writes.insert(key, AccountWrite::Put(Box::new(account)));
        self.change.discard(&keys::lock(&practice, &before.account));
        Ok(())
    }

    /// Shows what changed of a person on the account's other charts, with an event on each. `anew`:
    /// another invitation takes the place of each open one there.
    fn write_other_charts(
        &mut self,
        before: &PortalUser,
        id: PortalUserId,
        others: &[(ClientId, Grant)],
        anew: bool,
    ) -> Result<(), Problem> {
        let user = self.chart.user(id)?.clone();
        let (practice, now) = (self.chart.practice.clone(), self.context.now());
        let open = |grant: &Grant| anew && grant.invited_until.is_some_and(|until| until > now);
        let readdressed = before.email != user.email;
        let of_minor = |grant: &Grant| readdressed && is_minor(grant.date_of_birth, &self.clock);
        let minors: BTreeSet<ClientId> =
            others.iter().filter(|(_, grant)| of_minor(grant)).map(|(client, _)| *client).collect();
        let wanted = others.iter().filter(|(client, grant)| open(grant) || minors.contains(client));
        let charts = self.other_charts(&wanted.map(|(client, _)| *client).collect())?;
        // One mail goes to the chart that is edited.
        let mut mails = MAILS_AN_HOUR - 1;
        for (client, grant) in others {
            let key = keys::portal_user(&practice, *client, grant.portal_user_id);
            let mut update = Update::of(key).add("version", 1);
            if let Some(chart) = charts.get(client).filter(|_| minors.contains(client)) {
                let users = chart.users.iter().cloned().map(|there| {
                    let is = there.portal_user_id == grant.portal_user_id;
                    if is { PortalUser { email: user.email.clone(), ..there } } else { there }
                });
                self.demand_own_addresses_on(chart, &users.collect::<Vec<_>>())?;
                // Of two changes of who has which address there, from two other charts, one reads again: the client's
                // and another person's. Without access of the client's own, nobody can share it.
                if chart.users.iter().any(|user| user.relationship == Relationship::Oneself) {
                    self.hold(&chart.client);
                }
                if let Some(there) = chart.user(grant.portal_user_id).ok().filter(|_| !open(grant))
                {
                    // Another change of who has which address there writes the person, too.
                    update = update.when("rev", "=", &there.rev);
                }
            }
            let chart = charts.get(client).filter(|_| open(grant));
            // One who was deleted meanwhile fails the update, and all is read again.
            if let Some((chart, there)) =
                chart.and_then(|c| Some((c, c.user(grant.portal_user_id).ok()?)))
            {
                update = self.invite_elsewhere(update, chart, (there, &user), &mut mails)?;
            }
            let mut changed = Vec::new();
            if before.name != user.name {
                update = update.set("name", &user.name);
                changed.push("name");
            }
            if before.email != user.email {
                update = update.unset("resetUntil");
                update = match &user.email {
                    Some(email) => update.set("email", email),
                    None => update.unset("email"),
                };
                changed.push("email");
            }
            if before.username != user.username {
                update = update
                    .set("username", &user.username)
                    .set("account", &user.account)
                    .set("sessions", &BTreeMap::<SessionId, At>::new());
                changed.push("username");
            }
            self.change.update(&update);
            let event = self.author_event(Action::PortalUserUpdated).client(*client);
            self.change.event(&event.portal_user(grant.portal_user_id).changed(changed));
        }
        for (client, grant) in others {
            let found = Found { client: *client, user: Some(grant.portal_user_id) };
            let was = PortalUser { relationship: grant.relationship, ..before.clone() };
            let is = PortalUser { relationship: grant.relationship, ..user.clone() };
            self.elsewhere.push(Elsewhere::Person(found, grant.name.clone(), Box::new((was, is))));
        }
        Ok(())
    }

    /// Replaces an open invitation on another chart: `there` is the portal user as it stands there, of
    /// the person who is `user` here. After as many as an address may get (`mails`) the invitation is
    /// over instead, and staff send another later.
    fn invite_elsewhere(
        &mut self,
        update: Update,
        chart: &Chart,
        (there, user): (&PortalUser, &PortalUser),
        mails: &mut usize,
    ) -> Result<Update, Problem> {
        let (now, client) = (self.context.now(), chart.client.client_id);
        // An invitation that is sent in this moment is met, too.
        let mut update = update.when("rev", "=", &there.rev);
        let Some(open) = there.invitation.as_ref().filter(|i| i.open(now)) else {
            return Ok(update);
        };
        let mut anew = there.clone();
        if *mails == 0 {
            anew.invitation = Some(Invitation { expires_at: now, ..open.clone() });
        } else {
            *mails -= 1;
            let invited = PortalUser {
                account: user.account.clone(),
                email: user.email.clone(),
                ..there.clone()
            };
            let until = self.invited_until();
            let (invitation, mail) = self.new_invitation(&chart.client, &invited, until)?;
            let mail = self.queue(mail, user.email.as_ref())?;
            anew.replace_invitation(invitation, mail, now);
            update = update.set("replaced", &anew.replaced);
            update = match &anew.mail {
                Some(mail) => update.set("mail", mail),
                None => update.unset("mail"),
            };
        }
        if let Some(until) = anew.invited_until() {
            self.set_invited_until(&user.account, client, until);
        }
        let mut users = chart.users.clone();
        for other in users.iter_mut().filter(|u| u.portal_user_id == anew.portal_user_id) {
            *other = anew.clone();
        }
        let portal = summary(&users);
        if portal != chart.client.portal {
            let client = Client { portal, ..chart.client.clone() };
            self.elsewhere.push(Elsewhere::Client(Box::new(client)));
        }
        let update = update.set("invitation", &anew.invitation);
        Ok(Listing::write(update, &self.chart.practice, &chart.client, &anew))
    }

    /// Tells a person what staff changed of how they enter (rule 13), once and not for every chart. A
    /// new address is told to the one before too. Somebody without credentials gets no notice of it:
    /// the invitation goes to the new address, and the one before may be a stranger's.
    pub(super) fn send_notices(
        &mut self,
        before: &PortalUser,
        id: PortalUserId,
        invited_anew: bool,
    ) -> Result<(), Problem> {
        let user = self.chart.user(id)?.clone();
        let account = self.beside.accounts.get(&before.account).and_then(Option::as_ref);
        let enrolled = user.enrolled_at.is_some() || account.is_some_and(|a| a.password.is_some());
        let folded = |user: &PortalUser| user.email.as_ref().map(Email::folded);
        if enrolled && folded(before) != folded(&user) {
            if let Some(address) = &before.email {
                let old = self.notice(&user, MailKind::EmailReplaced);
                self.user_mut(id)?.notices.insert(old.mail_id, address.clone());
                self.queue(old, Some(address))?;
            }
            let new = self.notice(&user, MailKind::EmailChanged);
            self.user_mut(id)?.mail = self.queue(new, user.email.as_ref())?;
        }
        // An invitation names the sign-in name, too.
        if before.username != user.username && !invited_anew {
            let renamed = self.notice(&user, MailKind::UsernameChanged);
            self.user_mut(id)?.mail = self.queue(renamed, user.email.as_ref())?;
        }
        Ok(())
    }
}
