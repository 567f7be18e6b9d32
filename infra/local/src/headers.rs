//! What stands in front of everything here, as `CloudFront` does in AWS: which hosts are answered,
//! which address a request came from, and the security headers.

use std::{collections::BTreeMap, net::SocketAddr, sync::LazyLock};

use axum::extract::{ConnectInfo, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_SECURITY_POLICY, HOST, HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};

/// The headers of every answer that does not set its own: one list for both homes.
/// `Strict-Transport-Security` belongs to https, which this home does not speak.
const SECURITY: &str = include_str!("../../headers.json");

/// [`SECURITY`], read.
static HEADERS: LazyLock<Vec<(HeaderName, HeaderValue)>> = LazyLock::new(|| {
    let list: BTreeMap<String, String> = serde_json::from_str(SECURITY).unwrap_or_default();
    let header = |(name, value): (&String, &String)| {
        (name != "strict-transport-security")
            .then(|| Some((name.parse().ok()?, value.parse().ok()?)))
            .flatten()
    };
    list.iter().filter_map(header).collect()
});

/// The content policy of the site and of every page here that does not set its own.
#[must_use]
pub fn content_policy() -> &'static str {
    let policy = HEADERS.iter().find(|(name, _)| *name == CONTENT_SECURITY_POLICY);
    policy.and_then(|(_, value)| value.to_str().ok()).unwrap_or("default-src 'none'")
}

/// Where functions read the address a request came from, in both homes.
const CLIENT_ADDRESS: HeaderName = HeaderName::from_static("cloudfront-viewer-address");

/// The middleware in front of everything.
pub async fn front(
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Response {
    let mut response = if is_our_host(request.headers()) {
        // Whatever the client says of its address is replaced. Like `CloudFront`'s, an IPv6
        // address stands without brackets.
        let address = HeaderValue::from_str(&format!("{}:{}", client.ip(), client.port()));
        request.headers_mut().remove(CLIENT_ADDRESS);
        if let Ok(address) = address {
            request.headers_mut().insert(CLIENT_ADDRESS, address);
        }
        next.run(request).await
    } else {
        // A page of some other site whose name was pointed at this machine may not read mail here.
        (StatusCode::MISDIRECTED_REQUEST, "This is a local Latchkey: use localhost.\n")
            .into_response()
    };
    for (name, value) in HEADERS.iter() {
        response.headers_mut().entry(name).or_insert_with(|| value.clone());
    }
    response
}

fn is_our_host(headers: &HeaderMap) -> bool {
    host(headers).is_some_and(|host| {
        host == "localhost"
            || host.ends_with(".localhost")
            || host == "127.0.0.1"
            || host == "[::1]"
    })
}

/// The host a request is for, without its port, in lower case.
pub(crate) fn host(headers: &HeaderMap) -> Option<String> {
    let host = headers.get(HOST)?.to_str().ok()?.to_ascii_lowercase();
    let without_port = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => &host,
    };
    Some(without_port.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_header_of_the_list_is_sent() {
        let list: BTreeMap<String, String> = serde_json::from_str(SECURITY).unwrap();
        assert!(list.len() >= 5);
        for (name, value) in &list {
            let sent = HEADERS.iter().any(|(n, v)| n == name.as_str() && v == value.as_str());
            assert!(sent || name == "strict-transport-security", "{name}");
        }
        assert!(content_policy().starts_with("default-src 'none'; script-src 'self'"));
    }

    #[test]
    fn only_names_of_this_machine_are_answered() {
        let ours = |host: &str| {
            let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_str(host).unwrap())]);
            is_our_host(&headers)
        };
        for host in [
            "localhost:8600",
            "LOCALHOST",
            "portal.localhost:8600",
            "127.0.0.1:1",
            "[::1]:8600",
            "[::1]",
        ] {
            assert!(ours(host), "{host}");
        }
        for host in
            ["evil.example", "localhost.evil.example", "evillocalhost", "127.0.0.1.nip.io:8600", ""]
        {
            assert!(!ours(host), "{host}");
        }
    }
}
