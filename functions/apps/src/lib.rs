//! Registers the apps behind the door and the systems that call the API. For admins.

use std::collections::BTreeSet;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use shared::{
    App, Problem, Routes,
    fields::{AppName, Permission, Refusal, Secret, Whole},
    history::Action,
    id::{AppId, PracticeId},
    idempotency::{Attempt, IdempotencyKey},
    oauth::{
        address::{Address, Hosts},
        app::{
            AppKind, AppView, Authentication, MOST_APPS, PublicKey, RegisteredApp, Registration,
            SystemScope,
        },
    },
    problem::ProblemBody,
    staff::{Admin, Admitted, Disclosed},
    store::both,
    web::{AppPath, StrictJson, StrictQuery, given},
};
use utoipa::{IntoParams, ToSchema};

/// The routes of this function.
pub fn routes<R: Routes>() -> R {
    R::default()
        .operation(__path_list, list)
        .operation(__path_register, register)
        .operation(__path_show, show)
        .operation(__path_edit, edit)
        .operation(__path_delete, delete)
        .operation(__path_renew, renew)
}

/// The apps and systems of a practice.
#[derive(Debug, Serialize, ToSchema)]
struct Apps {
    /// Oldest first.
    apps: Vec<AppView>,
}

/// An app or system to be.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewApp {
    /// What people call it.
    name: AppName,
    /// What it is.
    kind: AppKind,
    /// The permission that it serves: it sees only the charts where the person has that one. Without
    /// one it sees those of the permissions that it asks for.
    #[serde(default)]
    permission: Option<Permission>,
    /// Where its tile in the portal leads.
    #[serde(default)]
    launch_url: Option<Address>,
    /// Where people may be sent back to with a code: exactly these addresses.
    #[serde(default)]
    #[schema(max_items = 10)]
    redirect_uris: Vec<Address>,
    /// Where people may be sent back to once they are signed out.
    #[serde(default)]
    #[schema(max_items = 10)]
    post_logout_redirect_uris: Vec<Address>,
    /// Where it is told that a session ended.
    #[serde(default)]
    logout_uri: Option<Address>,
    /// How it shows that it is itself.
    authentication: Authentication,
    /// Its public keys, for `key`.
    #[serde(default)]
    #[schema(max_items = 5)]
    public_keys: Vec<PublicKey>,
    /// What it may do by itself: any of them for a system, `alerts` for an app.
    #[serde(default)]
    scopes: BTreeSet<SystemScope>,
}

impl From<NewApp> for Registration {
    fn from(new: NewApp) -> Self {
        Self {
            name: new.name,
            kind: new.kind,
            permission: new.permission,
            launch_url: new.launch_url,
            redirect_uris: new.redirect_uris,
            post_logout_redirect_uris: new.post_logout_redirect_uris,
            logout_uri: new.logout_uri,
            authentication: new.authentication,
            public_keys: new.public_keys,
            scopes: new.scopes,
        }
    }
}

/// An app that was registered.
#[derive(Debug, Serialize, ToSchema)]
struct Registered {
    /// The app.
    app: AppView,
    /// Its secret, for `secret`. It is shown this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    secret: Option<Secret>,
}

/// Lists the apps and systems.
#[utoipa::path(
    get, path = "/api/apps", operation_id = "apps.list", tag = "staff",
    security(("staffSession" = [])),
    responses((status = 200, description = "All of them.", body = Apps))
)]
async fn list(State(app): State<App>, admin: Admin) -> Result<Disclosed<Apps>, Problem> {
    let practice = admin.practice().clone();
    let found = admin.admit(&app, RegisteredApp::all(app.store(), &practice)).await?;
    let listed = found.show(&app, Action::AppsShown, |apps| {
        Ok(Apps { apps: apps.iter().map(RegisteredApp::view).collect() })
    });
    listed.await
}

/// Registers an app or a system.
#[utoipa::path(
    post, path = "/api/apps", operation_id = "apps", tag = "staff",
    security(("staffSession" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body get the same answer, for a day, without the secret.", min_length = 1, max_length = 255, pattern = "^[!-~]+$")),
    request_body = NewApp,
    responses(
        (status = 201, description = "The app, and its secret.", body = Registered),
        (status = 409, description = "`too_many_apps`: the practice has fifty.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn register(
    State(app): State<App>,
    admin: Admin,
    key: IdempotencyKey,
    StrictJson(new): StrictJson<NewApp>,
) -> Result<Disclosed<Registered>, Problem> {
    let practice = admin.practice().clone();
    let attempt = Attempt::new(&app, &practice, admin.subject(), "apps", &key, &new)?;
    let registration = Registration::from(new);
    registration.check(Hosts::of(app.config()))?;
    let before = attempt.answered::<AppView>(app.store(), app.now());
    let read = Box::pin(both(before, RegisteredApp::all(app.store(), &practice)));
    let admitted = admin.admit(&app, read).await?;
    let registered = admitted.write(&app, async |staff, (before, all)| {
        let shown = staff.event(&app, Action::AppsShown);
        if let Some(app_view) = before {
            app.store().record(&shown).await?;
            return Ok(Registered { app: app_view, secret: None });
        }
        if all.len() >= MOST_APPS {
            let detail = format!("A practice has at most {MOST_APPS} apps and systems.");
            return Err(Problem::conflict("too_many_apps", detail));
        }
        let (new, secret) = RegisteredApp::new(&app, practice.clone(), registration.clone());
        let name = &new.registration.name;
        let event = staff.event(&app, Action::AppRegistered).app(&new.app_id, name);
        let mut retries = app.store().retries();
        loop {
            let mut change = app.store().change();
            change.insert(&RegisteredApp::key(&new.app_id), &new);
            attempt.keep(&mut change, app.now(), &new.view())?;
            change.event(&event);
            let Err(error) = app.store().write(change).await else {
                return Ok(Registered { app: new.view(), secret });
            };
            retries.retry(error).await?;
            // The same request overlapped, or the table's answer to this one was lost.
            if let Some(before) = attempt.answered::<AppView>(app.store(), app.now()).await? {
                app.store().record(&shown).await?;
                let secret = secret.filter(|_| before.app_id == new.app_id);
                return Ok(Registered { app: before, secret });
            }
        }
    });
    registered.await.map(Disclosed::created)
}

/// Shows an app or a system.
#[utoipa::path(
    get, path = "/api/apps/{appId}", operation_id = "apps.show", tag = "staff",
    security(("staffSession" = [])),
    params(("appId" = AppId, Path, description = "The app.")),
    responses((status = 200, description = "The app.", body = AppView))
)]
async fn show(
    State(app): State<App>,
    admin: Admin,
    AppPath(id): AppPath,
) -> Result<Disclosed<AppView>, Problem> {
    let found = admit(&app, admin, &id).await?;
    found.show(&app, Action::AppsShown, |found| Ok(found.view())).await
}

/// Admits an admin to an app of their own practice.
async fn admit(app: &App, admin: Admin, id: &AppId) -> Result<Admitted<RegisteredApp>, Problem> {
    let practice = admin.practice().clone();
    admin.admit(app, load(app, &practice, id)).await
}

/// Reads an app of a practice; another's is not there.
async fn load(app: &App, practice: &PracticeId, id: &AppId) -> Result<RegisteredApp, Problem> {
    if id.practice() != practice {
        return Err(Problem::not_found());
    }
    RegisteredApp::load(app.store(), id).await
}

/// An edit of an app: what is not named stays; null takes a value away.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AppEdit {
    /// The version that was looked at.
    version: Whole,
    /// What people call it.
    #[serde(default)]
    name: Option<AppName>,
    /// The permission that it serves.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Permission>)]
    #[expect(clippy::option_option, reason = "not named, taken away, or set")]
    permission: Option<Option<Permission>>,
    /// Where its tile in the portal leads.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Address>)]
    #[expect(clippy::option_option, reason = "not named, taken away, or set")]
    launch_url: Option<Option<Address>>,
    /// Where people may be sent back to with a code: all of them.
    #[serde(default)]
    #[schema(max_items = 10)]
    redirect_uris: Option<Vec<Address>>,
    /// Where people may be sent back to once they are signed out: all of them.
    #[serde(default)]
    #[schema(max_items = 10)]
    post_logout_redirect_uris: Option<Vec<Address>>,
    /// Where it is told that a session ended.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Address>)]
    #[expect(clippy::option_option, reason = "not named, taken away, or set")]
    logout_uri: Option<Option<Address>>,
    /// Its public keys: all of them.
    #[serde(default)]
    #[schema(max_items = 5)]
    public_keys: Option<Vec<PublicKey>>,
    /// What it may do, for a system: all of it.
    #[serde(default)]
    scopes: Option<BTreeSet<SystemScope>>,
    /// Whether it may ask anything. Switched off, it is refused from its next question on. Switched on
    /// again, it begins anew: codes and tokens from before stay worth nothing.
    #[serde(default)]
    enabled: Option<bool>,
}

impl AppEdit {
    /// Applies the edit, and names the fields that changed.
    fn apply(&self, to: &mut RegisteredApp) -> Vec<&'static str> {
        let mut changed = Vec::new();
        let mut set = Setter(&mut changed);
        let of = &mut to.registration;
        set.field("name", &mut of.name, self.name.as_ref());
        set.field("permission", &mut of.permission, self.permission.as_ref());
        set.field("launchUrl", &mut of.launch_url, self.launch_url.as_ref());
        set.field("redirectUris", &mut of.redirect_uris, self.redirect_uris.as_ref());
        let after = self.post_logout_redirect_uris.as_ref();
        set.field("postLogoutRedirectUris", &mut of.post_logout_redirect_uris, after);
        set.field("logoutUri", &mut of.logout_uri, self.logout_uri.as_ref());
        set.field("publicKeys", &mut of.public_keys, self.public_keys.as_ref());
        set.field("scopes", &mut of.scopes, self.scopes.as_ref());
        set.field("enabled", &mut to.enabled, self.enabled.as_ref());
        changed
    }
}

struct Setter<'a>(&'a mut Vec<&'static str>);

impl Setter<'_> {
    fn field<T: PartialEq + Clone>(&mut self, name: &'static str, of: &mut T, to: Option<&T>) {
        if let Some(to) = to.filter(|to| *to != of) {
            of.clone_from(to);
            self.0.push(name);
        }
    }
}

/// Edits an app, or switches it off or on.
#[utoipa::path(
    patch, path = "/api/apps/{appId}", operation_id = "apps.edit", tag = "staff",
    security(("staffSession" = [])),
    params(("appId" = AppId, Path, description = "The app.")),
    request_body = AppEdit,
    responses(
        (status = 200, description = "The app as it is now.", body = AppView),
        (status = 409, description = "`stale`: the version is old.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn edit(
    State(app): State<App>,
    admin: Admin,
    AppPath(id): AppPath,
    StrictJson(edit): StrictJson<AppEdit>,
) -> Result<Disclosed<AppView>, Problem> {
    let hosts = Hosts::of(app.config());
    let admitted = admit(&app, admin, &id).await?;
    let edited = admitted.write(&app, async |staff, mut registered| {
        let mut retries = app.store().retries();
        loop {
            let (rev, before) = (registered.rev, registered.version);
            let was_enabled = registered.enabled;
            let changed = edit.apply(&mut registered);
            if registered.enabled && !was_enabled {
                registered.begin_epoch(&app);
            }
            registered.registration.check(hosts)?;
            if changed.is_empty() {
                app.store().record(&staff.event(&app, Action::AppsShown)).await?;
                return Ok(registered.view());
            }
            if edit.version.0 != before {
                return Err(Problem::stale());
            }
            registered.version += 1;
            let name = &registered.registration.name;
            let event = staff.event(&app, Action::AppUpdated).app(&id, name).changed(changed);
            let mut change = app.store().change();
            change.replace(&RegisteredApp::key(&id), &registered, rev);
            change.event(&event);
            let Err(error) = app.store().write(change).await else { return Ok(registered.view()) };
            retries.retry(error).await?;
            registered = RegisteredApp::load(app.store(), &id).await?;
        }
    });
    edited.await
}

/// A deletion.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Deletion {
    /// The word `delete`, in any case.
    #[param(pattern = r"^\s*[dD][eE][lL][eE][tT][eE]\s*$")]
    confirm: String,
}

/// Deletes an app or a system. What it was given is worth nothing from now on.
#[utoipa::path(
    delete, path = "/api/apps/{appId}", operation_id = "apps.delete", tag = "staff",
    security(("staffSession" = [])),
    params(("appId" = AppId, Path, description = "The app."), Deletion),
    responses((status = 204, description = "It is gone."))
)]
async fn delete(
    State(app): State<App>,
    admin: Admin,
    AppPath(id): AppPath,
    StrictQuery(deletion): StrictQuery<Deletion>,
) -> Result<Disclosed<()>, Problem> {
    if deletion.confirm.trim().to_lowercase() != "delete" {
        let refusal = Refusal::invalid("not_confirmed", "Type “delete” to continue.");
        return Err(Problem::refused("confirm", refusal));
    }
    let admitted = admit(&app, admin, &id).await?;
    let deleted = admitted.write(&app, async |staff, mut registered| {
        let mut retries = app.store().retries();
        loop {
            let name = &registered.registration.name;
            let mut change = app.store().change();
            change.remove(&RegisteredApp::key(&id), registered.rev);
            change.event(&staff.event(&app, Action::AppDeleted).app(&id, name));
            let Err(error) = app.store().write(change).await else { return Ok(()) };
            retries.retry(error).await?;
            registered = RegisteredApp::load(app.store(), &id).await?;
        }
    });
    deleted.await.map(Disclosed::nothing)
}

/// A new secret.
#[derive(Debug, Serialize, ToSchema)]
struct NewSecret {
    /// The secret. It is shown this once; the one before works for a day more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    secret: Option<Secret>,
}

/// Makes a new secret.
#[utoipa::path(
    post, path = "/api/apps/{appId}/secret", operation_id = "apps.secret", tag = "staff",
    security(("staffSession" = [])),
    params(
        ("appId" = AppId, Path, description = "The app."),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key gets the same secret, for a day, which is not shown again.", min_length = 1, max_length = 255, pattern = "^[!-~]+$"),
    ),
    responses(
        (status = 201, description = "The secret.", body = NewSecret),
        (status = 409, description = "`no_secret`: the app does not show itself with one.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn renew(
    State(app): State<App>,
    admin: Admin,
    key: IdempotencyKey,
    AppPath(id): AppPath,
) -> Result<Disclosed<NewSecret>, Problem> {
    let practice = admin.practice().clone();
    let attempt = Attempt::new(&app, &practice, admin.subject(), "apps.secret", &key, &id)?;
    let before = attempt.answered::<AppId>(app.store(), app.now());
    let read = Box::pin(both(load(&app, &practice, &id), before));
    let admitted = admin.admit(&app, read).await?;
    let renewed = admitted.write(&app, async |staff, (mut registered, mut before)| {
        let mut retries = app.store().retries();
        loop {
            // A repetition, or one whose first answer was lost: there is one new secret, not two.
            if before.is_some() {
                app.store().record(&staff.event(&app, Action::AppsShown)).await?;
                return Ok(NewSecret { secret: None });
            }
            if !registered.has_secret() {
                let detail = "This app does not show itself with a secret.";
                return Err(Problem::conflict("no_secret", detail));
            }
            let rev = registered.rev;
            let secret = registered.renew_secret(&app);
            registered.version += 1;
            let name = &registered.registration.name;
            let mut change = app.store().change();
            change.event(&staff.event(&app, Action::AppSecretMade).app(&id, name));
            change.replace(&RegisteredApp::key(&id), &registered, rev);
            attempt.keep(&mut change, app.now(), &id)?;
            let Err(error) = app.store().write(change).await else {
                return Ok(NewSecret { secret: Some(secret) });
            };
            retries.retry(error).await?;
            registered = RegisteredApp::load(app.store(), &id).await?;
            before = attempt.answered(app.store(), app.now()).await?;
        }
    });
    renewed.await.map(Disclosed::created)
}
