//! From where an ACL applies.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The host of an ACL: `*`, which is every one, or a single IP address.
///
/// No networks and no names: Kafka compares the address that a connection comes from with this,
/// whole (`StandardAuthorizerData#findResult`). An IPv4 address that is written as an IPv6 one
/// (`::ffff:10.0.0.1`) is the former, as it is in Java.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct AclHost(Option<IpAddr>);

impl AclHost {
    /// Every host: `*`.
    pub const ANY: Self = Self(None);

    /// Only this one.
    pub const fn one(address: IpAddr) -> Self {
        Self(Some(address.to_canonical()))
    }

    /// The single address; `None` for every host.
    pub const fn address(self) -> Option<IpAddr> {
        self.0
    }

    /// Whether it is every host, as in all bindings that are stored without a host.
    pub(crate) const fn is_any(&self) -> bool {
        self.0.is_none()
    }
}

impl FromStr for AclHost {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::ANY);
        }
        text.parse().map(Self::one).map_err(|_| {
            let shown: String = text.escape_debug().take(64).collect();
            format!("Invalid 'host' '{shown}': it must be '*' or an IP address")
        })
    }
}

impl TryFrom<String> for AclHost {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<AclHost> for String {
    fn from(host: AclHost) -> Self {
        host.to_string()
    }
}

impl fmt::Display for AclHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("*"),
            Some(address) => address.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_every_one_or_an_address() {
        let shown = |text: &str| text.parse::<AclHost>().map(|it| it.to_string());
        assert_eq!(shown("*").as_deref(), Ok("*"));
        assert_eq!(shown("10.0.0.1").as_deref(), Ok("10.0.0.1"));
        assert_eq!(shown("2001:db8:0:0:0:0:0:1").as_deref(), Ok("2001:db8::1"));
        assert_eq!(shown("::ffff:10.0.0.1").as_deref(), Ok("10.0.0.1"));
        for text in ["", "10.0.0.0/8", "localhost", "10.0.0.*", "1.2.3", " *"] {
            assert!(shown(text).unwrap_err().contains(text), "{text}");
        }
    }
}
