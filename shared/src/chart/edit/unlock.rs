//! Ending the lock of a sign-in name: see [`crate::lockout::unlock`].

use super::ChartEdit;
use crate::{
    chart::write::Elsewhere,
    history::Action,
    id::{Epoch, PortalUserId},
    keys,
    lockout::unlock,
    problem::Problem,
    store::Update,
};

impl ChartEdit<'_> {
    /// Ends the lock of a portal user's sign-in name and of the devices that are known to its account, on every
    /// chart of the account. It changes nothing where nothing is locked, and gives no access.
    ///
    /// # Errors
    /// 404.
    pub fn unlock(&mut self, id: PortalUserId) -> Result<(), Problem> {
        let now = self.context.now();
        let user = self.chart.user(id)?.clone();
        let lock = keys::lock(&self.chart.practice, &user.account);
        let (update, guessed) = match self.beside.locks.get(&user.account) {
            // Staff saw that it is locked.
            None => (Update::of(lock).when("lockedUntil", ">", &now), true),
            Some(locks) => {
                let account = self.account(&user.account)?;
                if !account.is_some_and(|account| locks.stand(account.account_id, now)) {
                    // An answer is kept with what it changed.
                    self.keeps = false;
                    return self.forget_lock(id);
                }
                (locks.as_read(lock), false)
            }
        };
        let update = unlock::end(update, Epoch::new(self.context.ulid()), now);
        let lock = self.change.update(&update);
        if guessed {
            self.locks.push((lock, user.account.clone()));
        }
        match self.beside.accounts.get(&user.account) {
            // Most accounts have one chart.
            None => self.guess_account(&user, |update| update),
            Some(account) => {
                let grants = account.iter().flat_map(|account| &account.grants);
                for (client, grant) in grants.filter(|(client, _)| **client != user.client_id) {
                    self.elsewhere.push(Elsewhere::Unlocked(*client, grant.portal_user_id));
                }
            }
        }
        let user = self.user_mut(id)?;
        user.listing.unlock();
        user.version += 1;
        self.record(Action::AccessUnlocked, Some(id), ["lockedUntil"]);
        Ok(())
    }

    /// The list of those who are locked out names the person still: of a sign-in name that was changed.
    fn forget_lock(&mut self, id: PortalUserId) -> Result<(), Problem> {
        let now = self.context.now();
        let user = self.user_mut(id)?;
        if user.listing.locked_until().is_some_and(|until| until > now) {
            user.listing.unlock();
            if let Some(shown) = self.request.unchanged {
                self.record(shown, Some(id), Vec::<String>::new());
            }
        }
        Ok(())
    }
}
