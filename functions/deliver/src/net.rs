//! The way to apps: HTTPS to public addresses, no redirects, five seconds. Where a name leads is looked up
//! here and judged before anything connects, so that no name leads to a host within.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use futures::future::BoxFuture;
use reqwest::{
    Client, Error,
    dns::{Addrs, Name, Resolve, Resolving},
    header::CONTENT_TYPE,
    redirect::Policy,
};
use shared::oauth::address::{Address, Hosts, is_public_address};

use crate::Post;

/// How long an app may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Looks names up, and leaves out the addresses that are not public.
struct Resolver(Hosts);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let hosts = self.0;
        Box::pin(async move {
            let name = name.as_str();
            let local = name == "localhost" || name.ends_with(".localhost");
            if hosts == Hosts::Loopback && local {
                let here = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
                return Ok(Box::new([here].into_iter()) as Addrs);
            }
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name, 0))
                .await?
                .filter(|address| is_public_address(address.ip()))
                .collect();
            if found.is_empty() {
                return Err(io::Error::other("no public address has this name").into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Posts over the net.
///
/// # Errors
/// When no HTTP client can be made.
pub fn over_the_net(hosts: Hosts) -> Result<Post, Error> {
    // A function stands still between its calls: a connection that was kept may be closed by then.
    let builder = Client::builder().pool_max_idle_per_host(0);
    let builder = builder.redirect(Policy::none()).timeout(PATIENCE).no_proxy();
    let client = builder.dns_resolver(Arc::new(Resolver(hosts))).build()?;
    Ok(Arc::new(move |address, token| -> BoxFuture<'static, Option<u16>> {
        let client = client.clone();
        Box::pin(async move { post(&client, hosts, &address, &token).await })
    }))
}

async fn post(client: &Client, hosts: Hosts, address: &Address, token: &str) -> Option<u16> {
    // As at the registration, by the rules of today: an address that is a number is looked up nowhere.
    hosts.admit(address).ok()?;
    // A JWT needs no encoding.
    let request = client.post(address.as_str()).body(format!("logout_token={token}"));
    let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    match request.send().await {
        Ok(answer) => Some(answer.status().as_u16()),
        Err(error) => {
            // The error quotes the address, which may hold anything.
            let timeout = error.is_timeout();
            tracing::info!(timeout, connect = error.is_connect(), "an app did not answer");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    #[tokio::test]
    async fn a_name_that_leads_within_leads_nowhere() {
        let resolve = |hosts: Hosts, name: &str| {
            let name: Name = name.parse().expect("a name");
            Resolver(hosts).resolve(name)
        };
        assert!(resolve(Hosts::Public, "localhost").await.is_err());
        let here = resolve(Hosts::Loopback, "rooms.localhost").await.expect("here");
        let here: Vec<IpAddr> = here.map(|address| address.ip()).collect();
        assert_eq!(here, [IpAddr::V4(Ipv4Addr::LOCALHOST)]);
    }
}
