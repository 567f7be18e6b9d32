//! A person's own change of their e-mail address.

use super::{ChartEdit, UserUpdate};
use crate::{
    fields::Email,
    id::{AccountKey, PortalUserId},
    portal_user::Access,
    problem::Problem,
    token::TokenSecret,
};

impl ChartEdit<'_> {
    /// Makes the address the person's that waits to be confirmed, as an edit by staff does: on every chart
    /// of the account, with word of it to the address before and to the new one. The account at `key` must
    /// have been read.
    ///
    /// # Errors
    /// 409 `confirmation_expired` when no address waits that was sent this secret, or the person may not
    /// enter this chart.
    pub fn confirm_email(
        &mut self,
        id: PortalUserId,
        key: &AccountKey,
        secret: &TokenSecret,
    ) -> Result<(), Problem> {
        let now = self.context.now();
        let account = self.account(key)?;
        let waiting = account.and_then(|account| account.new_email.as_ref());
        let waiting = waiting.filter(|new| new.expires_at > now && secret.matches(&new.hash));
        let user = self.chart.user(id).ok();
        let user = user.filter(|user| user.account == *key && user.access == Access::Active);
        let (Some(waiting), Some(user)) = (waiting, user) else {
            return Err(confirmation_expired());
        };
        let (version, email): (u64, Email) = (user.version, waiting.email.clone());
        self.update_user(id, &UserUpdate { version, email: Some(email), ..UserUpdate::default() })
    }
}

/// 409 for a link that confirms nothing, or nothing any more.
#[must_use]
pub fn confirmation_expired() -> Problem {
    Problem::conflict(
        "confirmation_expired",
        "This link no longer works. Sign in and enter the new address again.",
    )
}
