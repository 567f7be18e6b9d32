//! An invitation on paper.

use super::ChartEdit;
use crate::{
    fields::{At, Secret},
    history::Action,
    id::PortalUserId,
    letter::Language,
    portal_user::Invitation,
    problem::Problem,
    token::{InvitationToken, TokenSecret},
};

/// An invitation that is to be printed.
#[derive(Debug)]
pub struct PrintedSheet {
    /// The link, of which nothing keeps more than a hash.
    pub link: Secret,
    /// Until when it works.
    pub expires_at: At,
    /// The practice's language.
    pub language: Language,
}

impl ChartEdit<'_> {
    /// Gives a portal user an invitation to be printed; the earlier link is dead, printed or mailed.
    ///
    /// # Errors
    /// 404; 409 when the chart is closed, the person has enrolled, or access is revoked.
    pub fn print_sheet(&mut self, id: PortalUserId) -> Result<PrintedSheet, Problem> {
        self.may_invite(id)?;
        let (now, expires_at) = (self.context.now(), self.invited_until());
        let secret = TokenSecret::new(self.context);
        let (practice, client) = (self.chart.practice.clone(), self.chart.client.client_id);
        let user = self.user_mut(id)?;
        user.replace_invitation(Invitation::of(&secret, now, expires_at), None, now);
        user.version += 1;
        let account = user.account.clone();
        self.mirror_access(id)?;
        self.record(Action::SheetPrinted, Some(id), ["invitation"]);
        let token = InvitationToken { practice, account, client, user: id, secret };
        let settings = self.request.practice;
        Ok(PrintedSheet {
            link: token.link(&settings.portal_address),
            expires_at,
            language: Language::from_tag(&settings.language),
        })
    }
}
