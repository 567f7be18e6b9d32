//! What an account and its charts copy of each other, so that each is read alone.
//!
//! - [`to_account`]: an account's grants copy a chart: who may enter, the client's name and birth
//!   date, the portal user's relationship and permissions. Signing in and every session check read
//!   the account alone.
//! - [`to_charts`]: portal users copy their account: its sessions and open reset, so that the receipt
//!   of a revocation can count them from the chart alone.

pub mod to_account {
    //! Updates of an account after its chart changed.

    use crate::{
        client::Client,
        context::Context,
        fields::Name,
        id::{ClientId, Epoch, PracticeId},
        keys,
        portal_user::{Access, PortalUser},
        store::Update,
    };

    fn path(client: ClientId, field: &str) -> String {
        format!("grants.{client}.{field}")
    }

    /// An update of the account of a portal user, which must have the grant of this chart.
    #[must_use]
    pub fn begin(practice: &PracticeId, client: ClientId, user: &PortalUser) -> Update {
        Update::of(keys::account(practice, &user.account)).when_exists(&format!("grants.{client}"))
    }

    /// How the access stands now. An active one opens the chart to sessions made from now on; a
    /// revoked one closes it to all, and the account's open reset is dead.
    #[must_use]
    pub fn access(
        update: Update,
        context: &Context,
        client: ClientId,
        user: &PortalUser,
    ) -> Update {
        let (active, until) = (path(client, "active"), path(client, "invitedUntil"));
        let update = clocked(update, client, user);
        match (user.access, user.invited_until()) {
            (Access::Active, _) => {
                let epoch = Epoch::new(context.ulid());
                update.set(&active, &true).set(&path(client, "epoch"), &epoch).unset(&until)
            }
            (Access::Invited, Some(end)) => update.set(&until, &end),
            (Access::Invited, None) => update.unset(&until),
            (Access::Revoked, _) => links(update.set(&active, &false).unset(&until)),
        }
    }

    /// When the open invitation ends.
    #[must_use]
    pub fn invitation(update: Update, client: ClientId, user: &PortalUser) -> Update {
        let path = path(client, "invitedUntil");
        match user.invited_until() {
            Some(end) => update.set(&path, &end),
            None => update.unset(&path),
        }
    }

    /// The client's name, date of birth and record number.
    #[must_use]
    pub fn client(update: Update, client: &Client) -> Update {
        update
            .set(&path(client.client_id, "name"), &client.name)
            .set(&path(client.client_id, "dateOfBirth"), &client.date_of_birth)
            .set(&path(client.client_id, "recordNumber"), &client.record_number)
    }

    /// What the person is to the client, may do there, and until when.
    #[must_use]
    pub fn rights(update: Update, client: ClientId, user: &PortalUser) -> Update {
        let update = update
            .set(&path(client, "relationship"), &user.relationship)
            .set(&path(client, "permissions"), &user.permissions);
        match user.until {
            Some(until) => update.set(&path(client, "until"), &until),
            None => update.unset(&path(client, "until")),
        }
    }

    /// A clock ended the access: what is open in it never comes back, and what was mailed for it is dead.
    #[must_use]
    pub fn ended(update: Update, context: &Context, client: ClientId) -> Update {
        links(update.set(&path(client, "epoch"), &Epoch::new(context.ulid())))
    }

    /// What is told of a clock.
    #[must_use]
    pub fn clocked(update: Update, client: ClientId, user: &PortalUser) -> Update {
        match user.clocked {
            Some(told) => update.set(&path(client, "clocked"), &told),
            None => update.unset(&path(client, "clocked")),
        }
    }

    /// The person's name.
    #[must_use]
    pub fn person(update: Update, name: &Name) -> Update {
        update.set("name", name)
    }

    /// Ends what was mailed for the account: its open reset, and a new address that waits to be confirmed.
    #[must_use]
    pub fn links(update: Update) -> Update {
        update.unset("reset").unset("newEmail")
    }

    /// The person's e-mail address. What was sent before is dead.
    #[must_use]
    pub fn email(update: Update, user: &PortalUser) -> Update {
        links(match &user.email {
            Some(email) => update.set("email", email),
            None => update.unset("email"),
        })
    }
}

pub mod to_charts {
    //! Updates of portal users after their account changed.

    use crate::{
        account::Account,
        fields::At,
        id::{ClientId, PracticeId, SessionId},
        keys,
        letter::Language,
        lists::Listing,
        mail::Mail,
        store::{Change, Update},
    };

    /// Fields to copy to the account's portal users, beside its sessions and reset.
    #[derive(Debug, Default, Clone, Copy)]
    pub struct AccountUpdate<'a> {
        /// A chart to skip, because the caller writes it.
        pub skip: Option<ClientId>,
        /// The session that begins, and when: told to the charts that it opens.
        pub signed_in: Option<(SessionId, At)>,
        /// The newest mail, and on which chart it shows.
        pub mail: Option<(ClientId, &'a Mail)>,
        /// Whether the reset changed: then also for charts to which the person is invited, as of
        /// this time.
        pub reset: Option<At>,
        /// The language that the person chose: then for charts that are not open, too.
        pub language: Option<Language>,
    }

    /// Copies the account's sessions, what apps have in them, and its reset to its open charts.
    pub fn write(
        change: &mut Change,
        practice: &PracticeId,
        account: &Account,
        with: &AccountUpdate<'_>,
    ) {
        let charts = account.mirrored(with.reset.is_some());
        if let Some(language) = with.language {
            for (client, grant) in account.grants.iter().filter(|(_, grant)| !grant.is_given()) {
                let key = keys::portal_user(practice, *client, grant.portal_user_id);
                change.update(&Update::of(key).set("language", &language));
            }
        }
        for (client, grant) in charts.filter(|(c, _)| Some(*c) != with.skip) {
            let key = keys::portal_user(practice, client, grant.portal_user_id);
            let sessions = account.sessions_of(client);
            let mut update = Update::of(key)
                .set("sessions", &sessions)
                .set("openApps", &account.apps_of(client));
            if let Some((_, at)) = with.signed_in.filter(|(sid, _)| sessions.contains_key(sid)) {
                update = Listing::signed_in(update, client, grant.portal_user_id, at);
            }
            if let Some((_, mail)) = with.mail.filter(|(of, _)| *of == client) {
                update = Listing::mail(update.set("mail", mail), practice, mail.state);
            }
            if let Some(language) = with.language {
                update = update.set("language", &language);
            }
            update = match &account.reset {
                Some(reset) => update.set("resetUntil", &reset.expires_at),
                None => update.unset("resetUntil"),
            };
            change.update(&update);
        }
    }
}
