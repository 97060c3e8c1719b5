//! Connections to identity providers lead where the operator allows, and nowhere else.
//!
//! A name is looked up once for a connection, and what is refused is not handed on: a name that
//! answers with a public address first and with a private one later gains nothing by it.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;

use model::IdpPolicy;
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::net::lookup_host;
use url::Host;

/// No address of a host is one where an identity provider may be. Says nothing about which
/// addresses it has: names of an internal network are nobody's business.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("no address of the host is allowed")]
pub(crate) struct Refused;

impl Refused {
    /// Whether this is the reason of `error`.
    pub(crate) fn is_behind(error: &reqwest::Error) -> bool {
        let mut source = error.source();
        while let Some(error) = source {
            if error.is::<Self>() {
                return true;
            }
            source = error.source();
        }
        false
    }
}

/// Refuses a URL whose host is an address; no resolver is asked about those.
pub(crate) fn check_literal(url: &Url, policy: &IdpPolicy) -> Result<(), Refused> {
    let address = match url.host() {
        Some(Host::Ipv4(v4)) => v4.into(),
        Some(Host::Ipv6(v6)) => v6.into(),
        Some(Host::Domain(_)) => return Ok(()),
        None => return Err(Refused),
    };
    if policy.admits(address) { Ok(()) } else { Err(Refused) }
}

/// Looks names up, and keeps what the policy admits.
pub(crate) struct Resolver(pub(crate) Arc<IdpPolicy>);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = Arc::clone(&self.0);
        Box::pin(async move {
            // The port is the URL's to say.
            let found = lookup_host((name.as_str(), 0)).await?;
            Ok(Box::new(admitted(found, name.as_str(), &policy)?.into_iter()) as Addrs)
        })
    }
}

fn admitted(
    found: impl Iterator<Item = SocketAddr>,
    name: &str,
    policy: &IdpPolicy,
) -> Result<Vec<SocketAddr>, Refused> {
    // Only this name may be asked without TLS, so it has to be what it says.
    let is_local = name.eq_ignore_ascii_case("localhost");
    let admits = |it: &SocketAddr| policy.admits(it.ip()) && (!is_local || it.ip().is_loopback());
    let kept: Vec<SocketAddr> = found.filter(admits).collect();
    if kept.is_empty() { Err(Refused) } else { Ok(kept) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(name: &str, found: &[&str], http_loopback: bool) -> Result<usize, ()> {
        let found = found.iter().map(|it| SocketAddr::new(it.parse().unwrap(), 0));
        let policy = IdpPolicy::new(http_loopback, Vec::new());
        admitted(found, name, &policy).map(|it| it.len()).map_err(|_| ())
    }

    #[test]
    fn a_name_leads_to_admitted_addresses_only() {
        assert_eq!(kept("idp", &["8.8.8.8", "10.0.0.1"], false), Ok(1));
        assert_eq!(kept("idp", &["127.0.0.1", "::1", "169.254.169.254"], false), Err(()));
        assert_eq!(kept("idp", &[], false), Err(()));
        assert_eq!(kept("localhost", &["127.0.0.1", "::1"], true), Ok(2));
        assert_eq!(kept("localhost", &["8.8.8.8"], true), Err(()));
    }

    #[test]
    fn an_address_in_a_url_is_held_to_the_same_rule() {
        let check = |url: &str| check_literal(&Url::parse(url).unwrap(), &IdpPolicy::default());
        for url in ["https://10.0.0.1/", "https://0x7f.1/", "https://2130706433/", "https://[::1]/"]
        {
            assert!(check(url).is_err(), "{url}");
        }
        assert!(check("https://8.8.8.8/").is_ok());
        assert!(check("https://idp.example.com/").is_ok());
    }
}
