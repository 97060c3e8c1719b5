//! Those who present what is no token are slowed down, by their address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// From this many addresses on, those that have been quiet are forgotten at each failure.
const MANY: usize = 10_000;

/// Counts failures. Cloning it is cheap. A good token is never refused because of others behind
/// the same address.
#[derive(Clone, Debug)]
pub(crate) struct Failures(Arc<DefaultKeyedRateLimiter<IpAddr>>);

impl Failures {
    /// Allows so many failures a minute, at once or spread.
    pub(crate) fn new(a_minute: NonZeroU32) -> Self {
        Self(Arc::new(RateLimiter::keyed(Quota::per_minute(a_minute))))
    }

    /// Counts one. If there are too many, tells how long to wait.
    pub(crate) fn count(&self, address: Option<IpAddr>) -> Result<(), Duration> {
        if self.0.len() > MANY {
            self.0.retain_recent();
        }
        let address = address.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), whose);
        self.0.check_key(&address).map_err(|it| it.wait_time_from(DefaultClock::default().now()))
    }
}

/// Who has one IPv6 address has 2^64 of them (RFC 6177).
fn whose(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(it) => IpAddr::V6(Ipv6Addr::from_bits(it.to_bits() >> 64 << 64)),
        it @ IpAddr::V4(_) => it,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_so_many_failures_and_others_have_their_own() {
        let failures = Failures::new(NonZeroU32::new(3).unwrap());
        let at = |text: &str| Some(text.parse().unwrap());
        for _ in 0..3 {
            assert_eq!(failures.count(at("10.0.0.1")), Ok(()));
        }
        let wait = failures.count(at("10.0.0.1")).unwrap_err();
        assert!(wait <= Duration::from_secs(20), "{wait:?}");
        assert!(failures.count(at("::ffff:10.0.0.1")).is_err(), "the same address");
        assert!(failures.count(at("10.0.0.2")).is_ok());
        for last in 1..=3 {
            assert!(failures.count(at(&format!("2001:db8::{last}"))).is_ok());
        }
        assert!(failures.count(at("2001:db8::4")).is_err(), "the same network");
        assert!(failures.count(at("2001:db8:0:1::4")).is_ok());
    }
}
