//! Addresses of apps. A browser is sent to them and logout notices are posted to them, so they are
//! written in one way only, and lead to public hosts.

use std::{
    borrow::Cow,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use serde::{Deserialize, Deserializer, Serialize};
use url::{Host, Url};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::Type},
};

use crate::{
    config::Config,
    refusal::Refusal,
    strict::{Typed, typed},
};

/// Most characters of an address.
const LONGEST: usize = 2000;

/// An absolute address of an app, in its canonical form: two that are the same address are the same
/// text. Which hosts are allowed, [`Hosts`] says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Address(String);

/// Which hosts an address may lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hosts {
    /// Public ones, over https.
    Public,
    /// The local home's: this machine's too, and over http.
    Loopback,
}

impl Hosts {
    /// Those of a home: this machine's are for the local one, whose own portal has no https.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let local = config.portal_origin.starts_with("http://");
        if local { Self::Loopback } else { Self::Public }
    }

    /// Whether an address leads to such a host.
    ///
    /// # Errors
    /// What to tell the person who typed it.
    pub fn admit(self, address: &Address) -> Result<(), Refusal> {
        const PRIVATE: Refusal = refusal("private_address", "Use the address of a public host.");
        let not = || refusal("not_an_address", "Enter an address that begins with https://.");
        let url = Url::parse(&address.0).map_err(|_| not())?;
        let host = url.host().ok_or_else(not)?;
        if self == Self::Loopback && is_this_machine(&host) {
            return Ok(());
        }
        if !is_public(&host) {
            return Err(PRIVATE);
        }
        if url.scheme() != "https" {
            return Err(refusal("not_https", "Use https, so that nobody on the way reads it."));
        }
        // Of the ports below 1024 the web has two; behind the others are mail, shells and the like.
        if url.port().is_some_and(|port| port < 1024) {
            return Err(refusal("port", "Use port 443, or one above 1023."));
        }
        Ok(())
    }
}

const fn refusal(code: &'static str, message: &'static str) -> Refusal {
    Refusal { code: Cow::Borrowed(code), message: Cow::Borrowed(message), rule: true }
}

impl Address {
    /// Parses what somebody typed.
    ///
    /// # Errors
    /// The [`Refusal`] that tells them what to change.
    pub fn parse(raw: &str) -> Result<Self, Refusal> {
        let text = raw.trim_matches([' ', '\t', '\r', '\n']);
        if text.is_empty() {
            return Err(Refusal::invalid("empty", "Enter something here."));
        }
        if text.len() > LONGEST {
            return Err(Refusal::invalid("too_long", format!("Use at most {LONGEST} characters.")));
        }
        let not =
            || refusal("not_an_address", "Enter an address like https://messages.example.com/in.");
        let url = Url::parse(text).map_err(|_| not())?;
        if !["https", "http"].contains(&url.scheme()) {
            return Err(not());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refusal("credentials", "Leave out the name or password before the @."));
        }
        if url.fragment().is_some() {
            return Err(refusal("fragment", "Leave out the # and what follows it."));
        }
        if text.contains('*') {
            return Err(refusal("wildcard", "Write each address out: there are no wildcards."));
        }
        // Addresses compare as texts. What another reader might take for another place (backslashes,
        // tabs, dots between slashes, a number for a host) is not taken at all.
        let canonical = url.as_str();
        if text != canonical && format!("{text}/") != canonical {
            let message = format!("Write the address as {canonical}.");
            return Err(Refusal::rule("not_canonical", message));
        }
        Ok(Self(text.to_owned()))
    }

    /// The address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address with parameters added to its query, each encoded.
    #[must_use]
    pub fn with<'a>(&self, parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
        let mut encoded = form_urlencoded::Serializer::new(String::new());
        encoded.extend_pairs(parameters);
        let query = encoded.finish();
        let separator = match self.0.rsplit_once('?') {
            None => "?",
            Some((_, "")) => "",
            Some(_) => "&",
        };
        format!("{}{separator}{query}", self.0)
    }
}

impl Typed for Address {
    fn parse(raw: &str) -> Result<Self, Refusal> {
        Self::parse(raw)
    }

    fn stored(text: String) -> Self {
        Self(text)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        typed(deserializer)
    }
}

impl PartialSchema for Address {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some(
                "An absolute https address of a public host, without credentials, fragment or wildcard.",
            ))
            .pattern(Some("^\\s*https?://"))
            .min_length(Some(8))
            .max_length(Some(LONGEST))
            .into()
    }
}

impl ToSchema for Address {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Address")
    }
}

/// Whether a host is this very machine, by one of the names that design and browsers know for it.
fn is_this_machine(host: &Host<&str>) -> bool {
    match host {
        Host::Ipv4(address) => *address == Ipv4Addr::LOCALHOST,
        Host::Ipv6(address) => *address == Ipv6Addr::LOCALHOST,
        Host::Domain(name) => *name == "localhost" || name.ends_with(".localhost"),
    }
}

/// Whether a host can be one of the public net, as far as its name tells. What a name resolves to is
/// asked again when something is sent there: [`is_public_address`].
fn is_public(host: &Host<&str>) -> bool {
    /// Names that never lead to the public net (RFC 6761, 6762, 8375, and what resolvers of clouds and
    /// offices take for their own).
    const INNER: [&str; 10] = [
        "localhost",
        "local",
        "internal",
        "intranet",
        "home.arpa",
        "lan",
        "corp",
        "home",
        "test",
        "invalid",
    ];
    match host {
        Host::Ipv4(address) => is_public_address(IpAddr::V4(*address)),
        Host::Ipv6(address) => is_public_address(IpAddr::V6(*address)),
        Host::Domain(name) => {
            let name = name.strip_suffix('.').unwrap_or(name);
            let inner = |suffix: &&str| {
                name.strip_suffix(*suffix)
                    .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            };
            name.contains('.') && !INNER.iter().any(inner)
        }
    }
}

/// Whether an address is one of the public net: none that the special-purpose registries of IANA keep
/// for something else.
#[must_use]
pub fn is_public_address(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            let special = match (a, b) {
                (0 | 10 | 127 | 224.., _)
                | (100, 64..=127)
                | (169, 254)
                | (172, 16..=31)
                | (192, 168)
                | (198, 18..=19) => true,
                (192, 0) => matches!(c, 0 | 2),
                (192, 88) => c == 99,
                (198, 51) => c == 100,
                (203, 0) => c == 113,
                _ => false,
            };
            !special
        }
        IpAddr::V6(address) => {
            // Global unicast, without what stands for an IPv4 address or for nothing: Teredo and the
            // protocol assignments (2001::/23), documentation, 6to4.
            let [a, b, ..] = address.segments();
            (a & 0xe000) == 0x2000
                && !(a == 0x2001 && (b < 0x0200 || b == 0x0db8))
                && a != 0x2002
                && !(a == 0x3fff && b < 0x1000)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(hosts: Hosts, text: &str) -> String {
        match Address::parse(text).and_then(|address| hosts.admit(&address)) {
            Ok(()) => "fine".into(),
            Err(refusal) => refusal.code.into_owned(),
        }
    }

    #[test]
    fn public_hosts_over_https_are_taken_as_they_are_written() {
        for fine in [
            "https://messages.example.com/in",
            "https://messages.example.com",
            "https://messages.example.com/",
            "https://messages.example.com:8443/in?practice=harbor",
            "https://xn--mller-kva.example/a/b",
            "https://93.184.215.14/in",
            "https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/in",
            "  https://messages.example.com/in\n",
        ] {
            assert_eq!(code(Hosts::Public, fine), "fine", "{fine}");
        }
    }

    #[test]
    fn no_spelling_of_an_inner_host_is_taken() {
        for inner in [
            "https://localhost/in",
            "https://rooms.localhost/in",
            "https://localhost./in",
            "https://127.0.0.1/in",
            "https://10.0.0.7/in",
            "https://172.16.0.1/in",
            "https://172.31.255.255/in",
            "https://192.168.1.1/in",
            "https://169.254.169.254/in",
            "https://100.64.0.1/in",
            "https://0.0.0.0/in",
            "https://224.0.0.1/in",
            "https://255.255.255.255/in",
            "https://192.0.2.1/in",
            "https://198.18.0.1/in",
            "https://[::1]/in",
            "https://[::]/in",
            "https://[fe80::1]/in",
            "https://[fd00::1]/in",
            "https://[::ffff:7f00:1]/in",
            "https://[64:ff9b::7f00:1]/in",
            "https://[2002:7f00:1::]/in",
            "https://[2001:db8::1]/in",
            "https://[ff02::1]/in",
            "https://intranet/in",
            "https://printer.local/in",
            "https://metadata.google.internal/in",
            "https://a.home.arpa/",
        ] {
            assert_eq!(code(Hosts::Public, inner), "private_address", "{inner}");
        }
        for spelling in [
            "https://0x7f.1/in",
            "https://2130706433/in",
            "https://0177.0.0.1/in",
            "https://127.1/in",
            "https://[::ffff:127.0.0.1]/in",
            "https://１２７.0.0.1/in",
            "https://LOCALHOST/in",
            "https:\\\\127.0.0.1\\in",
            "https:127.0.0.1",
            "https:///127.0.0.1/in",
            "https://messages.example.com/in/../../x",
            "https://messages.example.com/%2e%2e/x",
            "https://Messages.example.com/in",
            "https://messages.example.com:443/in",
            "https://messages.example.com/a b",
            "https://messages.exa\tmple.com/in",
        ] {
            assert_eq!(code(Hosts::Public, spelling), "not_canonical", "{spelling}");
        }
    }

    #[test]
    fn what_is_no_plain_https_address_is_named() {
        for (text, why) in [
            ("", "empty"),
            ("messages.example.com", "not_an_address"),
            ("/in", "not_an_address"),
            ("javascript:alert(1)", "not_an_address"),
            ("com.example.app:/in", "not_an_address"),
            ("data:text/html,x", "not_an_address"),
            ("file:///etc/passwd", "not_an_address"),
            ("ftp://messages.example.com/", "not_an_address"),
            ("https://", "not_an_address"),
            ("http://messages.example.com/in", "not_https"),
            ("https://user@messages.example.com/in", "credentials"),
            ("https://user:word@messages.example.com/in", "credentials"),
            ("https://messages.example.com/in#top", "fragment"),
            ("https://messages.example.com/in#", "fragment"),
            ("https://*.example.com/in", "wildcard"),
            ("https://messages.example.com/*", "wildcard"),
            ("https://messages.example.com:22/in", "port"),
            ("https://messages.example.com:80/in", "port"),
        ] {
            assert_eq!(code(Hosts::Public, text), why, "{text}");
        }
    }

    #[test]
    fn this_machine_is_for_the_local_home_alone() {
        for here in [
            "http://127.0.0.1:8700/in",
            "http://[::1]:8700/in",
            "http://localhost:8700/in",
            "http://rooms.localhost:8600/in",
            "https://127.0.0.1:9443/in",
        ] {
            assert_eq!(code(Hosts::Loopback, here), "fine", "{here}");
            assert_ne!(code(Hosts::Public, here), "fine", "{here}");
        }
        for other in ["http://127.0.0.2/in", "http://10.0.0.1/in", "https://192.168.1.1/in"] {
            assert_eq!(code(Hosts::Loopback, other), "private_address", "{other}");
        }
        assert_eq!(code(Hosts::Loopback, "http://messages.example.com/in"), "not_https");
    }

    #[test]
    fn parameters_join_the_query_that_is_there() {
        let with = |text: &str| {
            Address::parse(text).expect("an address").with([("code", "a b&c"), ("state", "é")])
        };
        assert_eq!(with("https://a.example/in"), "https://a.example/in?code=a+b%26c&state=%C3%A9");
        assert_eq!(with("https://a.example/in?"), "https://a.example/in?code=a+b%26c&state=%C3%A9");
        assert_eq!(
            with("https://a.example/in?x=1"),
            "https://a.example/in?x=1&code=a+b%26c&state=%C3%A9"
        );
    }
}
