//! The staff list of a practice: who may sign in as staff, and what they may do.
//!
//! The issuer says who somebody is; the list says in which role. A person is matched by a verified
//! e-mail address once, and from then on by who they are at the issuer. Items lead from both, known only
//! by keyed digests, to the lists of all practices.
//!
//! Every check of a session reads the person's item, so whatever changes in it is felt at the next request
//! (rule 19). A session is of the epoch that the person had when it was made: another epoch ends it, and
//! whoever is put back on the list is a new person there, whom no old session names.
//!
//! A change of a list is decided on the whole of it and raises the `rev` of one item, so that two changes
//! of one list never pass each other: the last admin stays.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    context::Context,
    fields::{At, Email, StaffName},
    history::{Actor, Role},
    id::{Epoch, LoginKey, PracticeId, StaffId},
    keys,
    practice::Practice,
    problem::Problem,
    store::{Change, Store, item_key, parse},
};

/// The most people on one list.
pub const MOST_STAFF: usize = 500;

/// What somebody on the list may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum StaffRole {
    /// Everything, the practice itself included.
    Admin,
    /// The daily work.
    Staff,
    /// Looking.
    Auditor,
}

impl From<StaffRole> for Role {
    fn from(role: StaffRole) -> Self {
        match role {
            StaffRole::Admin => Self::Admin,
            StaffRole::Staff => Self::Staff,
            StaffRole::Auditor => Self::Auditor,
        }
    }
}

/// A person of the list as stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// The id, never used again.
    pub staff_id: StaffId,
    /// What the practice calls the person.
    pub name: StaffName,
    /// By which the person is matched once.
    pub email: Email,
    /// What the person may do.
    pub role: Role,
    /// Who the person is at the issuer ([`subject_key`]), once they signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<LoginKey>,
    /// The epoch of the sessions that are alive.
    pub epoch: Epoch,
    /// When the person last signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_sign_in_at: Option<At>,
    /// Raised by every change that admins see.
    pub version: u64,
    /// Raised by every write.
    #[serde(skip_serializing, default)]
    pub rev: u64,
}

/// A person of the list as the API answers it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StaffMember)]
pub struct MemberView {
    /// The id.
    pub staff_id: StaffId,
    /// What the practice calls the person.
    pub name: StaffName,
    /// The address by which the person is matched at the first sign-in.
    pub email: Email,
    /// What the person may do.
    pub role: Role,
    /// When the person last signed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub last_sign_in_at: Option<At>,
    /// The version, for an edit.
    pub version: u64,
}

impl Member {
    /// What admins see.
    #[must_use]
    pub fn view(&self) -> MemberView {
        MemberView {
            staff_id: self.staff_id,
            name: self.name.clone(),
            email: self.email.clone(),
            role: self.role,
            last_sign_in_at: self.last_sign_in_at,
            version: self.version,
        }
    }
}

/// What leads from who signs in to a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Login {
    /// The practice.
    pub practice: PracticeId,
    /// The person on its list.
    pub staff_id: StaffId,
}

/// Where the lists are found that have an e-mail address, in any case.
///
/// # Errors
/// 500 in a function that was given no secret.
pub fn email_key(context: &Context, email: &Email) -> Result<LoginKey, Problem> {
    login_key(context, "staff e-mail", &[email.folded().as_bytes()])
}

/// Where the lists are found on which a person is whom an issuer knows as `subject`.
///
/// # Errors
/// 500 in a function that was given no secret.
pub fn subject_key(context: &Context, issuer: &str, subject: &str) -> Result<LoginKey, Problem> {
    login_key(context, "staff subject", &[issuer.as_bytes(), subject.as_bytes()])
}

fn login_key(context: &Context, purpose: &str, parts: &[&[u8]]) -> Result<LoginKey, Problem> {
    let digest = context.lasting_hmac(purpose, parts)?;
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    Ok(LoginKey::from_bytes(bytes))
}

/// The lists to which an address or a person at the issuer leads, by practice.
///
/// # Errors
/// 503 when the table does not answer.
pub async fn logins(store: &Store, login: &LoginKey) -> Result<Vec<Login>, Problem> {
    let items = store.partition(&keys::partition::login(login), keys::LOGIN).await?;
    items.into_iter().map(parse).collect()
}

/// What every change of a list writes.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Turn {
    #[serde(skip_serializing, default)]
    rev: u64,
}

/// Who is to be on the list.
#[derive(Debug, Clone)]
pub struct NewMember {
    /// What the practice calls the person.
    pub name: StaffName,
    /// By which the person is matched.
    pub email: Email,
    /// What the person may do.
    pub role: Role,
}

/// An edit of a person: what is none stays.
#[derive(Debug, Clone, Default)]
pub struct MemberEdit {
    /// The version that was looked at.
    pub version: u64,
    /// What the practice calls the person.
    pub name: Option<StaffName>,
    /// By which the person is matched. Another address is another sign-in at the issuer: the person is
    /// matched anew, and the sessions end.
    pub email: Option<Email>,
    /// What the person may do.
    pub role: Option<Role>,
}

/// A practice's staff list, read whole.
#[derive(Debug)]
pub struct Team {
    practice: PracticeId,
    members: Vec<Member>,
    rev: u64,
}

impl Team {
    /// Reads a list, strongly consistent.
    ///
    /// # Errors
    /// 503 when the table does not answer.
    pub async fn load(store: &Store, practice: &PracticeId) -> Result<Self, Problem> {
        let items = store.partition(&keys::partition::team(practice), keys::MEMBER).await?;
        let turn = keys::team(practice);
        let mut team = Self { practice: practice.clone(), members: Vec::new(), rev: 0 };
        for item in items {
            if item_key(&item)? == turn {
                team.rev = parse::<Turn>(item)?.rev;
            } else {
                team.members.push(parse(item)?);
            }
        }
        Ok(team)
    }

    /// The people, in the order in which they were added.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// A person of the list.
    ///
    /// # Errors
    /// 404 when there is none with that id.
    pub fn member(&self, id: StaffId) -> Result<&Member, Problem> {
        self.members.iter().find(|member| member.staff_id == id).ok_or_else(Problem::not_found)
    }

    /// The person with an e-mail address, in any case.
    #[must_use]
    pub fn with_email(&self, email: &Email) -> Option<&Member> {
        self.members.iter().find(|member| member.email.same(email))
    }

    /// Whether who changes the list is an admin of it still: the check of the session may have been before
    /// the change of somebody else.
    ///
    /// # Errors
    /// 401 for one who is not on it any more, 403 for another role.
    pub fn admits(&self, actor: &Actor) -> Result<(), Problem> {
        let found = StaffId::parse(&actor.id).and_then(|id| self.member(id).ok());
        match found.ok_or_else(Problem::signed_out)?.role {
            Role::Admin => Ok(()),
            _ => Err(Problem::admins_only()),
        }
    }

    /// Puts a person on the list, as part of a change.
    ///
    /// # Errors
    /// 409 when the address is on it in any case, or the list is full.
    pub fn add(
        &self,
        context: &Context,
        change: &mut Change,
        new: NewMember,
    ) -> Result<Member, Problem> {
        self.demand_free(&new.email)?;
        if self.members.len() >= MOST_STAFF {
            let detail = format!("A practice has at most {MOST_STAFF} people on its staff list.");
            return Err(Problem::conflict("too_many_staff", detail));
        }
        let NewMember { name, email, role } = new;
        let member = Member {
            staff_id: StaffId::new(context.ulid()),
            name,
            email,
            role,
            subject: None,
            epoch: Epoch::new(context.ulid()),
            last_sign_in_at: None,
            version: 1,
            rev: 0,
        };
        change.insert(&self.key(&member), &member);
        change.insert(&self.email(context, &member)?, &self.login(&member));
        self.take_turn(change);
        Ok(member)
    }

    /// Edits a person, as part of a change; answers the person as they are then, and the names of the
    /// fields that changed. Nothing is written when none did.
    ///
    /// # Errors
    /// 404, or 409: of an old version, when the address is somebody else's, or when no admin would be left.
    pub fn edit(
        &self,
        context: &Context,
        change: &mut Change,
        id: StaffId,
        edit: &MemberEdit,
    ) -> Result<(Member, Vec<&'static str>), Problem> {
        let before = self.member(id)?;
        let mut after = before.clone();
        let mut changed = Vec::new();
        if let Some(name) = edit.name.as_ref().filter(|name| **name != before.name) {
            after.name.clone_from(name);
            changed.push("name");
        }
        if let Some(email) = edit.email.as_ref().filter(|email| **email != before.email) {
            after.email.clone_from(email);
            changed.push("email");
        }
        if let Some(role) = edit.role.filter(|role| *role != before.role) {
            after.role = role;
            changed.push("role");
        }
        if changed.is_empty() {
            return Ok((after, changed));
        }
        if edit.version != before.version {
            return Err(Problem::stale());
        }
        if after.role != Role::Admin {
            self.demand_another_admin(before)?;
        }
        // Another case of the same address is the same sign-in.
        if !after.email.same(&before.email) {
            self.demand_free(&after.email)?;
            change.discard(&self.email(context, before)?);
            change.insert(&self.email(context, &after)?, &self.login(&after));
            if let Some(subject) = after.subject.take() {
                change.discard(&keys::login(&subject, &self.practice));
            }
            after.epoch = Epoch::new(context.ulid());
        }
        after.version += 1;
        change.replace(&self.key(before), &after, before.rev);
        self.take_turn(change);
        Ok((after, changed))
    }

    /// Takes a person off the list, as part of a change; answers who it was.
    ///
    /// # Errors
    /// 404; 409 when no admin would be left.
    pub fn remove(
        &self,
        context: &Context,
        change: &mut Change,
        id: StaffId,
    ) -> Result<Member, Problem> {
        self.demand_another_admin(self.member(id)?)?;
        self.take_off(context, change, id)
    }

    /// As [`Team::remove`], the last admin too: for those who run the deployment, and can add another.
    ///
    /// # Errors
    /// 404.
    pub fn take_off(
        &self,
        context: &Context,
        change: &mut Change,
        id: StaffId,
    ) -> Result<Member, Problem> {
        let member = self.member(id)?;
        change.remove(&self.key(member), member.rev);
        change.discard(&self.email(context, member)?);
        if let Some(subject) = &member.subject {
            change.discard(&keys::login(subject, &self.practice));
        }
        self.take_turn(change);
        Ok(member.clone())
    }

    /// Ends a person's sessions, as part of a change; answers the person.
    ///
    /// # Errors
    /// 404.
    pub fn end_sessions(
        &self,
        context: &Context,
        change: &mut Change,
        id: StaffId,
    ) -> Result<Member, Problem> {
        let mut member = self.member(id)?.clone();
        member.epoch = Epoch::new(context.ulid());
        change.replace(&self.key(&member), &member, member.rev);
        self.take_turn(change);
        Ok(member)
    }

    fn demand_free(&self, email: &Email) -> Result<(), Problem> {
        if self.with_email(email).is_some() {
            let message = "Somebody on the staff list has this address.";
            return Err(Problem::taken("email", "email_taken", message));
        }
        Ok(())
    }

    fn demand_another_admin(&self, than: &Member) -> Result<(), Problem> {
        let admin = |member: &&Member| member.role == Role::Admin;
        let mut others = self.members.iter().filter(|member| member.staff_id != than.staff_id);
        if admin(&than) && !others.any(|other| admin(&other)) {
            let detail = "This is the practice's only admin. Make somebody else an admin first.";
            return Err(Problem::conflict("last_admin", detail));
        }
        Ok(())
    }

    fn key(&self, member: &Member) -> keys::Key {
        keys::member(&self.practice, member.staff_id)
    }

    fn email(&self, context: &Context, member: &Member) -> Result<keys::Key, Problem> {
        Ok(keys::login(&email_key(context, &member.email)?, &self.practice))
    }

    fn login(&self, member: &Member) -> Login {
        Login { practice: self.practice.clone(), staff_id: member.staff_id }
    }

    fn take_turn(&self, change: &mut Change) {
        change.replace(&keys::team(&self.practice), &Turn::default(), self.rev);
    }
}

/// A person on a practice's list, with the practice's settings.
#[derive(Debug, Clone)]
pub struct Place {
    /// The practice.
    pub practice: Practice,
    /// The person.
    pub member: Member,
}

/// Reads the places to which some logins lead. What is not there is not in the answer.
///
/// # Errors
/// 503 when the table does not answer.
pub async fn places(store: &Store, logins: &[Login]) -> Result<Vec<Place>, Problem> {
    let mut found = Vec::new();
    // A request holds 100 keys, and two logins may be of one practice.
    for logins in logins.chunks(50) {
        let mut wanted: Vec<keys::Key> = logins
            .iter()
            .flat_map(|l| [keys::practice(&l.practice), keys::member(&l.practice, l.staff_id)])
            .collect();
        wanted.sort_unstable();
        wanted.dedup();
        let items = store.get_many(&wanted).await?;
        for login in logins {
            let practice = items.get(&keys::practice(&login.practice));
            let member = items.get(&keys::member(&login.practice, login.staff_id));
            if let Some((practice, member)) = practice.zip(member) {
                found.push(Place {
                    practice: parse(practice.clone())?,
                    member: parse(member.clone())?,
                });
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::fields::Secret;

    /// `npm run ops` makes the same keys: `infra/aws/test/staff.test.ts` has these values too.
    #[test]
    fn a_login_is_kept_under_the_key_that_the_commands_make() {
        let secret = Secret::new("kept.replaced".to_owned());
        let context = Context::new(Arc::new(|| At::from_millis(0)), Arc::new(|_| ()), Some(secret));
        let email = Email::parse("Dana@Harbor.example").unwrap();
        let key = email_key(&context, &email).unwrap();
        assert_eq!(key.to_string(), "PjpeEk4koTPBKey5poEMTw");
        let subject = subject_key(&context, "https://issuer.example", "dana").unwrap();
        assert_ne!(subject, key);
        let split = subject_key(&context, "https://issuer.exampled", "ana").unwrap();
        assert_ne!(subject, split);
    }
}
