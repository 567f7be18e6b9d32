//! Tells the portal users of an account that its sign-in name is locked, for the practice's list of those who
//! are locked out. It decides nothing: the lock itself is what signing in looks at.

use shared::{
    Problem,
    account::Account,
    keys::{self, Key},
    lists::Listing,
    lockout::Lockout,
    store::Update,
};

use crate::Sender;

impl Sender {
    /// Tells the portal users, if there are any, and takes the word away. What comes late is of no use.
    ///
    /// # Errors
    /// When it has to be tried again.
    pub async fn locked_out(&self, key: &Key) -> Result<(), Problem> {
        let store = self.app.store();
        let Some(lockout) = store.get::<Lockout>(key).await? else { return Ok(()) };
        let Lockout { practice, account, until, .. } = lockout;
        if until > self.app.now() {
            let place = keys::account(&practice, &account);
            let found: Option<Account> = store.get(&place).await?;
            let grants = found.map(|account| account.grants).unwrap_or_default();
            for (client, grant) in grants.into_iter().filter(|(_, grant)| grant.is_given()) {
                let user = grant.portal_user_id;
                // A later lock may have come first; and the person may have another account by now.
                let update = Update::of(keys::portal_user(&practice, client, user))
                    .when("account", "=", &account)
                    .when_absent_or("lockOrder", "<", &until);
                let update = Listing::locked(update, &practice, client, user, until);
                // Staff may have ended the lock.
                let lock = keys::lock(&practice, &account);
                let stands = Update::of(lock).when("lockedUntil", ">=", &until);
                self.tell_if(&stands, &update).await?;
            }
        }
        let mut change = store.change();
        change.discard(key);
        Ok(store.write(change).await?)
    }

    /// Writes the update if its own conditions hold and those demanded of another item.
    async fn tell_if(&self, demanded: &Update, update: &Update) -> Result<(), Problem> {
        let store = self.app.store();
        let mut retries = store.retries();
        loop {
            let mut change = store.change();
            let conditions = [change.demand(demanded), change.update(update)];
            let Err(error) = store.write(change).await else { return Ok(()) };
            let failed = retries.retry(error).await?;
            if conditions.into_iter().any(|condition| failed.includes(condition)) {
                return Ok(());
            }
        }
    }
}
