//! Who may use the endpoints inside the home: its own functions, and nobody else.
//!
//! The table, the mail service and the issuer listen on loopback, where every web page in a browser
//! of this machine and every other program can reach them. So:
//!
//! - An endpoint for programs refuses browsers ([`programs_only`]): any `Origin` or `Sec-Fetch-*`
//!   header. With no `Access-Control-*` header in any answer, a page can neither read nor write.
//! - The table and the mail service also refuse strangers ([`functions_only`]): any other host, which
//!   is how DNS rebinding shows, and any access key but the one made at this start.
//! - The issuer's pages, which browsers need, refuse other hosts, other origins, and being fetched or
//!   framed by another site ([`own_pages_only`]).

use std::net::SocketAddr;

use aws_credential_types::Credentials;
use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use http::header::{AUTHORIZATION, CACHE_CONTROL, HOST, ORIGIN};
use http::{HeaderMap, StatusCode, Uri};
use serde_json::json;
use sha2::{Digest, Sha256};
use shared::fields::Secret;

use crate::headers;
use crate::state::random;

/// The access key of one start. Its id is as hard to guess as its secret: the endpoints compare the
/// id, and whoever knows it has read the home's private folder.
#[derive(Clone)]
pub struct AccessKey {
    id: Secret,
    secret: Secret,
}

impl AccessKey {
    /// A fresh key.
    #[must_use]
    pub fn new() -> Self {
        // 32 letters and digits, as AWS's ids are made of: five bits of each byte.
        const LETTERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
        let text = |bytes: [u8; 32]| -> String {
            bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect()
        };
        Self { id: Secret::new(text(random())), secret: Secret::new(text(random())) }
    }

    /// Its id, AWS's `AWS_ACCESS_KEY_ID`.
    #[must_use]
    pub fn id(&self) -> &str {
        self.id.reveal()
    }

    /// Its secret, AWS's `AWS_SECRET_ACCESS_KEY`.
    #[must_use]
    pub fn secret(&self) -> &str {
        self.secret.reveal()
    }

    /// The same for the AWS SDK.
    #[must_use]
    pub fn credentials(&self) -> Credentials {
        Credentials::new(self.id(), self.secret(), None, None, "latchkey-local")
    }

    /// Whether a request is signed with this key (`Authorization: AWS4-HMAC-SHA256
    /// Credential=<id>/<day>/…`). Digests are compared, so that the time taken tells nothing.
    fn signed(&self, headers: &HeaderMap) -> bool {
        let mut values = headers.get_all(AUTHORIZATION).into_iter();
        let (Some(value), None) = (values.next(), values.next()) else { return false };
        let id = value.to_str().ok().and_then(|value| {
            value.strip_prefix("AWS4-HMAC-SHA256 ")?.split(',').find_map(|part| {
                part.trim().strip_prefix("Credential=")?.split_once('/').map(|(id, _)| id)
            })
        });
        id.is_some_and(|id| Sha256::digest(id) == Sha256::digest(self.id()))
    }
}

impl Default for AccessKey {
    fn default() -> Self {
        Self::new()
    }
}

/// Answers only requests to this address that are signed with this key and come from no browser.
pub fn functions_only(router: Router, address: SocketAddr, key: AccessKey) -> Router {
    router.layer(from_fn_with_state((address, key), check_function))
}

/// Answers no browser.
pub fn programs_only<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    router.layer(from_fn(check_program))
}

/// Answers browsers at the host of `origin` and on its own pages.
pub fn own_pages_only<S>(router: Router<S>, origin: &str) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    router.layer(from_fn_with_state(origin.to_owned(), check_page))
}

async fn check_function(
    State((address, key)): State<(SocketAddr, AccessKey)>,
    request: Request,
    next: Next,
) -> Response {
    let headers = request.headers();
    if !is_for(address, headers, request.uri()) {
        refuse(StatusCode::MISDIRECTED_REQUEST, "AccessDeniedException")
    } else if is_from_a_browser(headers) {
        refuse(StatusCode::FORBIDDEN, "AccessDeniedException")
    } else if !key.signed(headers) {
        refuse(StatusCode::FORBIDDEN, "UnrecognizedClientException")
    } else {
        next.run(request).await
    }
}

async fn check_program(request: Request, next: Next) -> Response {
    if is_from_a_browser(request.headers()) {
        return refuse(StatusCode::FORBIDDEN, "AccessDeniedException");
    }
    next.run(request).await
}

async fn check_page(State(origin): State<String>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let foreign_origin =
        headers.get_all(ORIGIN).iter().any(|value| value.as_bytes() != origin.as_bytes());
    // Following a link from elsewhere is a navigation of the whole window, and stays possible.
    let own = matches!(text("sec-fetch-site"), None | Some("same-origin" | "none"));
    let followed = text("sec-fetch-mode") == Some("navigate")
        && text("sec-fetch-dest").is_none_or(|dest| dest == "document");
    if !is_host_of(&origin, headers) {
        refuse(StatusCode::MISDIRECTED_REQUEST, "AccessDeniedException")
    } else if foreign_origin || !(own || followed) {
        refuse(StatusCode::FORBIDDEN, "AccessDeniedException")
    } else {
        next.run(request).await
    }
}

/// Whether a request names the address of its listener, in the `Host` header and, where it has one,
/// in its target.
fn is_for(address: SocketAddr, headers: &HeaderMap, target: &Uri) -> bool {
    let named = |host: &str| {
        host.eq_ignore_ascii_case(&address.to_string())
            || host.eq_ignore_ascii_case(&format!("localhost:{}", address.port()))
    };
    let mut hosts = headers.get_all(HOST).into_iter();
    let (host, more) = (hosts.next(), hosts.next());
    more.is_none()
        && host.and_then(|host| host.to_str().ok()).is_some_and(named)
        && target.authority().is_none_or(|authority| named(authority.as_str()))
}

/// Whether a request is for the host of an origin, or for the loopback address itself.
fn is_host_of(origin: &str, headers: &HeaderMap) -> bool {
    let own = origin.split_once("://").map_or(origin, |(_, host)| host);
    let own = own.rsplit_once(':').map_or(own, |(name, _)| name);
    headers::host(headers).is_some_and(|host| [own, "127.0.0.1", "[::1]"].contains(&host.as_str()))
}

fn is_from_a_browser(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| *name == ORIGIN || name.as_str().starts_with("sec-fetch-"))
}

/// A refusal as the AWS SDKs read it.
fn refuse(status: StatusCode, kind: &'static str) -> Response {
    let body = json!({"__type": kind, "message": "This endpoint is for Latchkey's functions."});
    let headers = [
        ("x-amzn-errortype", kind),
        ("content-type", "application/x-amz-json-1.0"),
        (CACHE_CONTROL.as_str(), "no-store"),
    ];
    (status, headers, body.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::routing::any;
    use tower::ServiceExt;

    use super::*;

    async fn status(router: &Router, headers: &[(&'static str, String)]) -> u16 {
        let mut request = Request::post("/");
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let response = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert!(!response.headers().keys().any(|n| n.as_str().starts_with("access-control-")));
        response.status().as_u16()
    }

    fn signed(key: &AccessKey) -> (&'static str, String) {
        let scope = "20261126/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0";
        ("authorization", format!("AWS4-HMAC-SHA256 Credential={}/{scope}", key.id()))
    }

    fn host(name: &str) -> (&'static str, String) {
        ("host", name.to_owned())
    }

    #[tokio::test]
    async fn a_function_is_answered_and_browsers_and_strangers_are_not() {
        let (key, earlier) = (AccessKey::new(), AccessKey::new());
        let router = Router::new().route("/", any(|| async { "" }));
        let router = functions_only(router, "127.0.0.1:4000".parse().unwrap(), key.clone());
        for own in ["127.0.0.1:4000", "localhost:4000", "LOCALHOST:4000"] {
            assert_eq!(status(&router, &[host(own), signed(&key)]).await, 200, "{own}");
        }
        for other in ["evil.example", "127.0.0.1", "127.0.0.1:4001", "portal.localhost:4000", ""] {
            assert_eq!(status(&router, &[host(other), signed(&key)]).await, 421, "{other}");
        }
        let twice = [host("127.0.0.1:4000"), host("evil.example"), signed(&key)];
        assert_eq!(status(&router, &twice).await, 421);
        assert_eq!(status(&router, &[signed(&key)]).await, 421);
        for (name, value) in [
            ("origin", "https://evil.example"),
            ("origin", "http://127.0.0.1:4000"),
            ("origin", "null"),
            ("sec-fetch-site", "none"),
            ("sec-fetch-mode", "no-cors"),
            ("sec-fetch-dest", "empty"),
            ("sec-fetch-user", "?1"),
            ("sec-fetch-storage-access", "none"),
        ] {
            let browser = [host("127.0.0.1:4000"), signed(&key), (name, value.to_owned())];
            assert_eq!(status(&router, &browser).await, 403, "{name}: {value}");
        }
        let here = host("127.0.0.1:4000");
        assert_eq!(status(&router, std::slice::from_ref(&here)).await, 403);
        assert_eq!(status(&router, &[here.clone(), signed(&earlier)]).await, 403);
        assert_eq!(status(&router, &[here.clone(), signed(&key), signed(&key)]).await, 403);
        for text in ["", "Bearer x", "AWS4-HMAC-SHA256 Credential=/x", "AWS4-HMAC-SHA256 "] {
            let wrong = ("authorization", text.to_owned());
            assert_eq!(status(&router, &[here.clone(), wrong]).await, 403, "{text}");
        }
        let local = ("authorization", "AWS4-HMAC-SHA256 Credential=local/x/y".to_owned());
        assert_eq!(status(&router, &[here, local]).await, 403);
    }

    #[tokio::test]
    async fn a_page_is_shown_to_its_own_site_and_to_people_who_follow_a_link() {
        let router = Router::new().route("/", any(|| async { "" }));
        let router = own_pages_only(router, "http://localhost:8600");
        let header = |(name, value): &(&'static str, &str)| (*name, (*value).to_owned());
        for (expected, headers) in [
            (200, &[][..]),
            (200, &[("origin", "http://localhost:8600")]),
            (200, &[("sec-fetch-site", "same-origin"), ("sec-fetch-mode", "navigate")]),
            (200, &[("sec-fetch-site", "none"), ("sec-fetch-mode", "navigate")]),
            (
                200,
                &[
                    ("sec-fetch-site", "cross-site"),
                    ("sec-fetch-mode", "navigate"),
                    ("sec-fetch-dest", "document"),
                ],
            ),
            (
                403,
                &[
                    ("sec-fetch-site", "cross-site"),
                    ("sec-fetch-mode", "navigate"),
                    ("sec-fetch-dest", "iframe"),
                ],
            ),
            (403, &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")]),
            (403, &[("sec-fetch-site", "same-site"), ("sec-fetch-mode", "cors")]),
            (403, &[("origin", "https://evil.example")]),
            (403, &[("origin", "http://portal.localhost:8600")]),
            (403, &[("origin", "null")]),
        ] {
            let mut sent = vec![host("localhost:8600")];
            sent.extend(headers.iter().map(header));
            assert_eq!(status(&router, &sent).await, expected, "{headers:?}");
        }
        for other in ["evil.example:8600", "portal.localhost:8600", "localhost.evil.example"] {
            assert_eq!(status(&router, &[host(other)]).await, 421, "{other}");
        }
    }
}
