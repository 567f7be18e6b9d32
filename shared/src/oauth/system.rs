//! Tokens of systems: programs of the practice that call the staff's routes by themselves. A token is signed
//! and lives ten minutes; at each call the system's own item says whether it may still do anything, so that
//! switching it off is felt at once, and switching it on again revives no token.

use std::collections::BTreeSet;

use http::{HeaderMap, header};
use serde::{Deserialize, Serialize};

use crate::{
    app::App,
    fields::At,
    id::{AppId, Epoch},
    oauth::app::{RegisteredApp, Registration, SystemScope},
    problem::Problem,
};

/// Seconds that a token of a system lives.
pub const SECONDS: i64 = 10 * 60;
/// For whom such a token is.
const AUDIENCE: &str = "latchkey:system";
/// `typ` of such a token (RFC 9068, section 2.1).
const TYPE: &str = "at+jwt";

/// What a system's token says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SystemToken {
    iss: String,
    aud: String,
    /// The system.
    pub sub: AppId,
    /// When it was made, in seconds since 1970.
    pub iat: i64,
    exp: i64,
    jti: String,
    /// In which time of being switched on the system was then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    epoch: Option<Epoch>,
    /// What it was granted.
    pub scope: BTreeSet<SystemScope>,
}

impl SystemToken {
    /// A token for a system, signed.
    ///
    /// # Errors
    /// 500 in a function that was given no signing key.
    pub fn make(
        app: &App,
        of: &RegisteredApp,
        scope: BTreeSet<SystemScope>,
    ) -> Result<String, Problem> {
        let iat = app.now().seconds();
        let token = Self {
            iss: app.config().token_issuer.clone(),
            aud: AUDIENCE.to_owned(),
            sub: of.app_id.clone(),
            iat,
            exp: iat + SECONDS,
            jti: app.ulid().to_string(),
            epoch: of.epoch,
            scope,
        };
        app.keys().sign_as(TYPE, &token)
    }

    /// Reads a token; `None` for anything that we did not sign as one, and for one that has ended.
    #[must_use]
    pub fn read(app: &App, text: &str) -> Option<Self> {
        let token: Self = app.keys().read_signed(text, TYPE)?;
        let ours = token.iss == app.config().token_issuer && token.aud == AUDIENCE;
        (ours && token.exp > app.now().seconds()).then_some(token)
    }

    /// When it was made.
    #[must_use]
    pub fn made_at(&self) -> At {
        At::from_millis(self.iat * 1000)
    }

    /// Whether it was made in this time of the system's being switched on.
    #[must_use]
    pub fn is_of(&self, system: &RegisteredApp) -> bool {
        self.epoch == system.epoch
    }

    /// Whether it may do what needs a scope: granted with the token, and registered still.
    #[must_use]
    pub fn may(&self, of: &Registration, scope: SystemScope) -> bool {
        self.scope.contains(&scope) && of.scopes.contains(&scope)
    }
}

/// The scopes that a system is granted of those it asks for, names with spaces between; all that is
/// registered when it names nothing.
#[must_use]
pub fn granted(asked: Option<&str>, of: &Registration) -> BTreeSet<SystemScope> {
    let Some(asked) = asked else { return of.scopes.clone() };
    let names: Vec<&str> = asked.split(' ').collect();
    of.scopes.iter().copied().filter(|scope| names.contains(&scope.slug())).collect()
}

/// The names of scopes, with spaces between.
#[must_use]
pub fn text(scopes: &BTreeSet<SystemScope>) -> String {
    scopes.iter().map(|scope| scope.slug()).collect::<Vec<_>>().join(" ")
}

/// The token of the `Authorization` header, the one place where a token is taken (RFC 6750, section 2.1).
#[must_use]
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The scope that a route of the staff needs; none for those that are for people alone.
#[must_use]
pub fn scope_of(route: &str) -> Option<SystemScope> {
    let Some(part) = route.strip_prefix("/api/clients/{clientId}/") else {
        if route == "/api/alerts" {
            return Some(SystemScope::Alerts);
        }
        if route == "/api/access" || route == "/api/access/summary" {
            return Some(SystemScope::Access);
        }
        let of_clients =
            ["/api/clients", "/api/clients/search", "/api/clients/sync", "/api/clients/{clientId}"];
        return of_clients.contains(&route).then_some(SystemScope::Clients);
    };
    match part.split('/').next()? {
        // Closing a chart ends access to it.
        "portal-users" | "alert-recipient" | "chart-owner" | "close" | "reopen" => {
            Some(SystemScope::Access)
        }
        "history" => Some(SystemScope::History),
        "alerts" => Some(SystemScope::Alerts),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_needs_the_scope_of_what_it_shows() {
        for (route, scope) in [
            ("/api/clients", Some(SystemScope::Clients)),
            ("/api/clients/search", Some(SystemScope::Clients)),
            ("/api/clients/sync", Some(SystemScope::Clients)),
            ("/api/clients/{clientId}", Some(SystemScope::Clients)),
            ("/api/clients/{clientId}/portal-users", Some(SystemScope::Access)),
            (
                "/api/clients/{clientId}/portal-users/{portalUserId}/revoke",
                Some(SystemScope::Access),
            ),
            ("/api/clients/{clientId}/alert-recipient", Some(SystemScope::Access)),
            ("/api/clients/{clientId}/chart-owner", Some(SystemScope::Access)),
            ("/api/clients/{clientId}/close", Some(SystemScope::Access)),
            ("/api/clients/{clientId}/reopen", Some(SystemScope::Access)),
            ("/api/clients/{clientId}/history", Some(SystemScope::History)),
            ("/api/clients/{clientId}/alerts", Some(SystemScope::Alerts)),
            ("/api/alerts", Some(SystemScope::Alerts)),
            ("/api/access", Some(SystemScope::Access)),
            ("/api/access/summary", Some(SystemScope::Access)),
            ("/api/alerts/what-comes", None),
            ("/api/clients/{clientId}/what-comes", None),
            ("/api/clients/what-comes", None),
            ("/api/clients-that-come", None),
            ("/api/apps", None),
            ("/api/staff/session", None),
            ("/api/portal/session", None),
        ] {
            assert_eq!(scope_of(route), scope, "{route}");
        }
    }
}
