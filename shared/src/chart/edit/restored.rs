//! What is done to a chart on a restored table alone, where the history says that something happened, and not to which
//! value.

use std::collections::BTreeMap;

use super::ChartEdit;
use crate::{
    factor::Lost,
    fields::At,
    history::Action,
    id::{PortalUserId, SessionId},
    mirror::to_account,
    password,
    portal_user::Ended,
    problem::Problem,
};

/// What was taken away of how a person signs in.
#[derive(Debug, Default, Clone, Copy)]
pub struct Unsure {
    /// Second factors, or codes that stand in for one.
    pub factors: bool,
    /// The password.
    pub password: bool,
}

impl ChartEdit<'_> {
    /// Takes away the second factors of a portal user's account that were removed since, and the codes that may have
    /// been used: what is left is asked for as before. Where nothing is left of what the person is protected by, or
    /// what they added since is not there, the password alone would let in: then it is nobody's, and a reset, which
    /// goes to the person's address, chooses another. The account must have been read.
    ///
    /// # Errors
    /// 404.
    pub fn end_factors(&mut self, id: PortalUserId, lost: Lost) -> Result<Unsure, Problem> {
        if lost.is_nothing() {
            return Ok(Unsure::default());
        }
        let user = self.chart.user(id)?.clone();
        let account = self.account(&user.account)?.ok_or_else(Problem::not_found)?;
        let (protected, mut factors) = (account.factors.is_enrolled(), account.factors.clone());
        let gone = factors.lose(lost);
        let removed = !gone.is_empty();
        if removed {
            self.update_account(&user, |update| {
                if factors.is_empty() {
                    update.unset("factors")
                } else {
                    update.set("factors", &factors)
                }
            });
            self.user_mut(id)?.version += 1;
            self.record(Action::FactorRemoved, Some(id), gone);
        }
        let bare = !factors.is_enrolled() && (protected || lost.added);
        let password = bare && self.end_password(id)?;
        Ok(Unsure { factors: removed, password })
    }

    /// Makes the password of a portal user's account nobody's: until a reset chooses another, none is
    /// right. Ends the account's sessions and its open reset. Answers whether there was a password. The account must
    /// have been read.
    ///
    /// # Errors
    /// 404.
    pub fn end_password(&mut self, id: PortalUserId) -> Result<bool, Problem> {
        let key = self.chart.user(id)?.account.clone();
        let account = self.account(&key)?.ok_or_else(Problem::not_found)?;
        if account.password.is_none() {
            return Ok(false);
        }
        let (subject, gone) = (account.account_id, account.sessions.clone().end_all());
        gone.tell(self.context, &self.chart.practice, subject, &mut self.change);
        let password = password::nobodys(self.context);
        let user = self.user_mut(id)?;
        let resets = u32::from(user.reset_until.is_some());
        user.sessions.clear();
        user.open_apps.clear();
        user.reset_until = None;
        user.version += 1;
        let user = user.clone();
        self.update_account(&user, |update| {
            to_account::links(update)
                .set("password", &password)
                .set("sessions", &BTreeMap::<SessionId, At>::new())
        });
        self.end_reset_elsewhere(id, Ended { resets, ..Ended::default() })?;
        self.record(Action::PasswordChanged, Some(id), ["password"]);
        Ok(true)
    }
}
