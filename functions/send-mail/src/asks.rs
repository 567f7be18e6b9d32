//! Finds out whom a password reset was asked for, and mails them.
//!
//! The request only noted that somebody asked. The accounts with the sign-in name and with the address
//! take their turns in the order of their keys, and what is done for one is written together with how
//! far the asking has come: so each is dealt with once, however often the stream brings the same record,
//! and wherever the function dies.

use shared::{
    Problem,
    account::{self, Account, PAUSE, RESET_SECONDS, Reset},
    ask::Ask,
    chart::{Accounts, Chart, ChartEdit, Request},
    history::Event,
    id::{AccountKey, ClientId, PortalUserId},
    idempotency::Attempt,
    keys::{self, Key},
    mail::MailKind,
    mail_budget::{Budgets, Spending, Spent},
    mirror::to_charts::{self, AccountUpdate},
    outbox::{Outgoing, Recipient},
    practice::Practice,
    store::{Change, parse},
    token::Nonce,
};

use crate::Sender;

impl Sender {
    /// Mails everybody whom an asked-for reset fits.
    ///
    /// # Errors
    /// When it has to be tried again.
    pub async fn resolve(&self, key: &Key) -> Result<(), Problem> {
        let store = self.app.store();
        let mut retries = store.retries();
        // Accounts that are not there are passed without a note.
        let mut passed: Option<AccountKey> = None;
        let mut budgets = Budgets::default();
        loop {
            let Some(ask) = store.get::<Ask>(key).await? else { return Ok(()) };
            let mut change = store.change();
            let past = passed.clone().max(ask.reached.clone());
            let next = match past {
                _ if ask.expires_at <= self.app.now().seconds() => None,
                past => self.next(&ask, past).await?,
            };
            let Some(next) = next else {
                if ask.reached.is_none() {
                    change.event(&ask.event(&self.app, None));
                }
                ask.finish(&mut change);
                match store.write(change).await {
                    Ok(()) => return Ok(()),
                    Err(error) => retries.retry(error).await?,
                };
                continue;
            };
            match self.found(&ask, &next).await? {
                Some((practice, account)) => {
                    let found = (&next, account);
                    let spent = self.serve(&ask, &practice, found, &budgets, &mut change).await?;
                    match store.write(change).await {
                        Ok(()) => (retries, budgets) = (store.retries(), Budgets::default()),
                        Err(error) => {
                            let failed = retries.retry(error).await?;
                            budgets = spent.read_failed(store, &failed).await?;
                        }
                    }
                }
                None => passed = Some(next),
            }
        }
    }

    /// Whose turn it is after `past`: the account with the sign-in name, or one with the address.
    async fn next(
        &self,
        ask: &Ask,
        past: Option<AccountKey>,
    ) -> Result<Option<AccountKey>, Problem> {
        let by_name = Some(ask.account.clone()).filter(|account| Some(account) > past.as_ref());
        let listed = keys::address_partition(&ask.practice, &ask.address);
        let after = keys::address_sort_key(past.as_ref());
        let by_address = self.app.store().next_in(&listed, &after).await?;
        let by_address = by_address.and_then(|sk| keys::parse_address(&sk));
        Ok(by_name.into_iter().chain(by_address).min())
    }

    /// An account whose turn it is, and its practice; `None` when it is not there, or has another
    /// address by now.
    async fn found(
        &self,
        ask: &Ask,
        account: &AccountKey,
    ) -> Result<Option<(Practice, Account)>, Problem> {
        let wanted = [keys::practice(&ask.practice), keys::account(&ask.practice, account)];
        let mut items = self.app.store().get_many(&wanted).await?;
        let practice: Option<Practice> = items.remove(&wanted[0]).map(parse).transpose()?;
        let found: Option<Account> = items.remove(&wanted[1]).map(parse).transpose()?;
        let Some((practice, found)) = practice.zip(found) else { return Ok(None) };
        let address = account::address_key(&self.app, &ask.practice, &found.email)?;
        Ok((*account == ask.account || address == ask.address).then_some((practice, found)))
    }

    /// Does for an account what it was asked for, and notes in `change` that it was done. What the
    /// budget of its address does not hold is not sent, and nobody is told.
    async fn serve(
        &self,
        ask: &Ask,
        practice: &Practice,
        (key, account): (&AccountKey, Account),
        budgets: &Budgets,
        change: &mut Change,
    ) -> Result<Spent, Problem> {
        let now = self.app.now();
        let event = ask.event(&self.app, Some(account.account_id.to_string()));
        if account.password.is_none() {
            for (client, grant) in &account.grants {
                if grant.invited_until.is_some_and(|until| until > now) {
                    self.invite_again(ask, practice, *client, grant.portal_user_id).await?;
                }
            }
        }
        let soon =
            account.reset.as_ref().is_some_and(|r| r.expires_at.plus(PAUSE - RESET_SECONDS) > now);
        let mut asked = Spending::new(&self.app, &ask.practice);
        asked.count(&account.email, MailKind::PasswordReset)?;
        let held = asked.until(budgets).is_none();
        let mut spending = Spending::new(&self.app, &ask.practice);
        let chart =
            account.resettable(now).next().map(|(client, grant)| (client, grant.portal_user_id));
        if let Some(chart) = chart.filter(|_| !soon && held) {
            self.reset(ask, (key, account), chart, event, (change, &mut spending))?;
        } else {
            let first = account.grants.iter().next();
            change.event(&match first {
                Some((client, grant)) => event.client(*client).portal_user(grant.portal_user_id),
                None => event,
            });
        }
        ask.pass(key, change);
        spending.write(change, budgets)
    }

    /// Makes a reset, the only one that works from now on, and queues its mail.
    fn reset(
        &self,
        ask: &Ask,
        (key, mut account): (&AccountKey, Account),
        (client, user): (ClientId, PortalUserId),
        event: Event,
        (change, spending): (&mut Change, &mut Spending<'_>),
    ) -> Result<(), Problem> {
        let (app, practice, now) = (&self.app, &ask.practice, self.app.now());
        let nonce = Nonce::new(app);
        let expires_at = now.plus(RESET_SECONDS);
        account.reset = Some(Reset { hash: nonce.secret(app)?.hash(), expires_at });
        let to = Recipient { client, user, email: &account.email };
        let mail = Outgoing::notice(app, practice, &to, MailKind::PasswordReset).with_link(
            key.clone(),
            nonce,
            expires_at,
        );
        mail.queue(change, spending, &account.email)?;
        change.replace(&keys::account(practice, key), &account, account.rev);
        let news = AccountUpdate {
            mail: Some((client, &mail.shown())),
            reset: Some(now),
            ..AccountUpdate::default()
        };
        to_charts::write(change, practice, &account, &news);
        change.event(&event.client(client).portal_user(user));
        Ok(())
    }

    /// Sends the invitation to a chart again.
    async fn invite_again(
        &self,
        ask: &Ask,
        practice: &Practice,
        client: ClientId,
        user: PortalUserId,
    ) -> Result<(), Problem> {
        let (author, attempt) = (ask.author(), Attempt::default());
        let request = Request {
            practice,
            author: &author,
            attempt: &attempt,
            unchanged: None,
            silent: false,
        };
        let again = async {
            let chart = Chart::load(self.app.store(), &ask.practice, client).await?;
            let invite = |edit: &mut ChartEdit<'_>| edit.invite_again(user, ask.asked_at);
            Box::pin(chart.change(&self.app, &request, Accounts::new(), invite)).await
        };
        match again.await {
            // The person was deleted meanwhile; or had as many mails as an address may get.
            Err(problem) if ["not_found", "mail_budget_spent"].contains(&problem.code()) => Ok(()),
            outcome => outcome,
        }
    }
}
