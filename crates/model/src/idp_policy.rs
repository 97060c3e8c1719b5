//! Which addresses an identity provider may have: the operator's decision, not the user's.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use crate::idp_url::UrlPolicy;

/// What an identity provider's URL may be, and where it may lead. The default is the safe one:
/// `https`, and public addresses only.
///
/// Users name identity providers, and programs of the platform connect to them. Without this rule
/// a user could make them talk to the platform's own network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdpPolicy {
    /// What the URL may be. `HttpOnLoopback` opens the loopback addresses as well.
    pub urls: UrlPolicy,
    /// Private networks in which identity providers may be, too.
    pub networks: Vec<Network>,
}

impl IdpPolicy {
    /// The policy of a program with these two options.
    pub const fn new(http_loopback: bool, networks: Vec<Network>) -> Self {
        let urls = if http_loopback { UrlPolicy::HttpOnLoopback } else { UrlPolicy::HttpsOnly };
        Self { urls, networks }
    }

    /// Whether an identity provider may have this address.
    pub fn admits(&self, address: IpAddr) -> bool {
        let address = unwrapped(address);
        if is_never_one(address) {
            return false;
        }
        let loopback = self.urls == UrlPolicy::HttpOnLoopback && address.is_loopback();
        loopback || is_public(address) || self.networks.iter().any(|it| it.contains(address))
    }
}

/// An IPv4 address in the clothes of an IPv6 one is what it is inside.
fn unwrapped(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    let segments = v6.segments();
    let inside = match segments {
        // ::ffff:a.b.c.d, ::a.b.c.d, and the translation prefix 64:ff9b::/96.
        [0, 0, 0, 0, 0, 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => true,
        [0, 0, 0, 0, 0, 0, high, _] => high != 0,
        _ => false,
    };
    if inside {
        let [a, b] = segments[6].to_be_bytes();
        let [c, d] = segments[7].to_be_bytes();
        return Ipv4Addr::new(a, b, c, d).into();
    }
    match segments {
        // 6to4 carries the address of its router.
        [0x2002, high, low, ..] => {
            let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
            let inside = IpAddr::from(Ipv4Addr::new(a, b, c, d));
            if is_public(inside) { address } else { inside }
        }
        _ => address,
    }
}

/// No operator's list opens these: nobody, everybody, the link itself, and where clouds hand out
/// the credentials of a machine.
fn is_never_one(address: IpAddr) -> bool {
    let metadata = [
        IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
        IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    ];
    let link = match address {
        IpAddr::V4(v4) => v4.is_link_local() || v4.octets()[0] == 0 || v4.octets()[0] >= 240,
        IpAddr::V6(v6) => v6.segments()[0] & 0xffc0 == 0xfe80,
    };
    link || address.is_unspecified() || address.is_multicast() || metadata.contains(&address)
}

/// Whether an address is one of the open Internet.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            let shared = a == 100 && b & 0xc0 == 64;
            let benchmarks = a == 198 && b & 0xfe == 18;
            let assignments = (a, b, c) == (192, 0, 0) || (a, b, c) == (192, 88, 99);
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_documentation()
                || shared
                || benchmarks
                || assignments)
        }
        IpAddr::V6(v6) => {
            let [first, second, ..] = v6.segments();
            let documentation = first == 0x2001 && second == 0xdb8 || first & 0xfff0 == 0x3ff0;
            // Teredo and the like, 2001::/23, hide other addresses.
            let protocols = first == 0x2001 && second < 0x200;
            first & 0xe000 == 0x2000 && !documentation && !protocols
        }
    }
}

/// A network such as `10.0.0.0/8`, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    base: IpAddr,
    prefix: u8,
}

/// A text that names no network. Fits behind a colon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be a network such as 10.0.0.0/8 or fd12:3456::/32, with no bit set behind the prefix"
)]
pub struct NetworkError;

impl Network {
    fn contains(self, address: IpAddr) -> bool {
        self.base.is_ipv4() == address.is_ipv4() && masked(address, self.prefix) == bits(self.base)
    }
}

const fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// The address, its first bit the highest of 128.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()) << 96,
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

fn masked(address: IpAddr, prefix: u8) -> u128 {
    let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
    bits(address) & mask
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (base, prefix) = match text.split_once('/') {
            Some((base, prefix)) => (base, Some(prefix)),
            None => (text, None),
        };
        let base: IpAddr = base.parse().map_err(|_| NetworkError)?;
        let prefix = match prefix {
            Some(prefix) => prefix.parse().map_err(|_| NetworkError)?,
            None => width(base),
        };
        if prefix > width(base) || masked(base, prefix) != bits(base) {
            return Err(NetworkError);
        }
        Ok(Self { base, prefix })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(policy: &IdpPolicy, address: &str) -> bool {
        policy.admits(address.parse().unwrap())
    }

    fn with(http_loopback: bool, networks: &[&str]) -> IdpPolicy {
        let networks = networks.iter().map(|it| it.parse().unwrap()).collect();
        IdpPolicy::new(http_loopback, networks)
    }

    const INTERNAL: [&str; 28] = [
        "127.0.0.1",
        "127.8.9.1",
        "::1",
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "100.64.0.1",
        "100.127.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.9",
        "fc00::1",
        "fd12::1",
        "fec0::1",
        "2001:db8::1",
        "2001::1",
        "3fff::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::7f00:1",
        "64:ff9b::a00:1",
        "64:ff9b:1::a00:1",
        "2002:a00:1::1",
        "2002:7f00:1::",
        "100::1",
    ];
    const NEVER: [&str; 15] = [
        "0.0.0.0",
        "0.1.2.3",
        "::",
        "169.254.169.254",
        "169.254.0.1",
        "fe80::1",
        "febf::1",
        "224.0.0.1",
        "239.255.255.255",
        "255.255.255.255",
        "240.0.0.1",
        "ff02::1",
        "100.100.100.200",
        "fd00:ec2::254",
        "::ffff:169.254.169.254",
    ];
    const PUBLIC: [&str; 8] = [
        "8.8.8.8",
        "1.1.1.1",
        "172.32.0.1",
        "100.63.255.255",
        "100.128.0.1",
        "2606:4700::1111",
        "2a00:1450:4001::1",
        "::ffff:8.8.8.8",
    ];

    #[test]
    fn by_default_the_open_internet_and_nothing_else() {
        let policy = IdpPolicy::default();
        for address in INTERNAL.iter().chain(&NEVER) {
            assert!(!admits(&policy, address), "{address}");
        }
        for address in PUBLIC {
            assert!(admits(&policy, address), "{address}");
        }
    }

    #[test]
    fn development_opens_loopback_and_no_more() {
        let policy = with(true, &[]);
        for address in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
            assert!(admits(&policy, address), "{address}");
        }
        for address in ["10.0.0.1", "169.254.169.254", "0.0.0.0", "::", "fd12::1"] {
            assert!(!admits(&policy, address), "{address}");
        }
    }

    #[test]
    fn an_operator_opens_networks_of_the_house_but_never_the_metadata_service() {
        let policy = with(false, &["10.0.0.0/8", "fd12:3456::/32", "192.168.7.5", "127.0.0.0/8"]);
        for address in ["10.255.0.1", "fd12:3456:ffff::1", "192.168.7.5", "::ffff:10.1.1.1"] {
            assert!(admits(&policy, address), "{address}");
        }
        for address in ["11.0.0.0", "9.255.255.255"] {
            assert!(admits(&policy, address), "public: {address}");
        }
        for address in ["192.168.7.4", "fd12:3457::1", "172.16.0.1"] {
            assert!(!admits(&policy, address), "{address}");
        }
        let everything = with(true, &["0.0.0.0/0", "::/0"]);
        for address in NEVER {
            assert!(!admits(&everything, address), "{address}");
        }
        for address in INTERNAL {
            assert!(admits(&everything, address), "{address}");
        }
    }

    #[test]
    fn a_network_is_written_exactly() {
        for text in ["10.0.0.0/8", "fd00::/8", "0.0.0.0/0", "192.168.1.1/32"] {
            assert_eq!(text.parse::<Network>().unwrap().to_string(), text);
        }
        for text in ["", "10.0.0.1/8", "10.0.0.0/33", "fd00::/129", "10.0.0.0/", "x/8", "10/8"] {
            assert_eq!(text.parse::<Network>(), Err(NetworkError), "{text}");
        }
    }
}
