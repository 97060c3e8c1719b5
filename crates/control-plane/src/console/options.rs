//! How the console is reached, and how long people stay signed in.

use clap::Args;
use store::SessionLimits;
use url::Url;

/// How the console is reached, and how long people stay signed in.
#[derive(Clone, Debug, Args)]
pub struct ConsoleOptions {
    /// Where browsers reach this program: `https://tidegate.example.com`. With `https`, cookies are
    /// for `https` only. Needed to sign in by the identity provider, which sends people back to
    /// `PUBLIC_URL/console/sign-in/callback`.
    #[arg(long, env = "TIDEGATE_PUBLIC_URL", value_parser = public_url)]
    pub public_url: Option<Url>,
    /// After how many seconds without a request a session of the console ends.
    #[arg(
        long,
        env = "TIDEGATE_SESSION_IDLE_SECS",
        default_value_t = 1800,
        value_parser = clap::value_parser!(u32).range(1..=604_800)
    )]
    pub session_idle_secs: u32,
    /// After how many seconds a session of the console ends, whatever is done in it.
    #[arg(
        long,
        env = "TIDEGATE_SESSION_SECS",
        default_value_t = 43_200,
        value_parser = clap::value_parser!(u32).range(1..=2_592_000)
    )]
    pub session_secs: u32,
}

/// The same, for handlers.
#[derive(Clone, Debug)]
pub struct ConsoleSettings {
    /// Where browsers reach this program, if it was said.
    pub public_url: Option<Url>,
    /// How long sessions are good.
    pub limits: SessionLimits,
}

impl Default for ConsoleSettings {
    fn default() -> Self {
        let limits = SessionLimits { idle_secs: 1800, absolute_secs: 43_200 };
        Self { public_url: None, limits }
    }
}

impl From<&ConsoleOptions> for ConsoleSettings {
    fn from(options: &ConsoleOptions) -> Self {
        Self {
            public_url: options.public_url.clone(),
            limits: SessionLimits {
                idle_secs: options.session_idle_secs,
                absolute_secs: options.session_secs,
            },
        }
    }
}

impl ConsoleSettings {
    /// Whether browsers come by `https`, as far as is known.
    pub(crate) fn is_https(&self) -> bool {
        self.public_url.as_ref().is_some_and(|it| it.scheme() == "https")
    }
}

/// An origin, and nothing behind it.
fn public_url(text: &str) -> Result<Url, String> {
    let url: Url = text.parse().map_err(|error| format!("is no URL: {error}"))?;
    let is_web = ["http", "https"].contains(&url.scheme()) && url.host_str().is_some();
    let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    if is_web && is_bare && url.username().is_empty() && url.password().is_none() {
        return Ok(url);
    }
    Err("is not http(s)://HOST[:PORT] and nothing else".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_an_origin() {
        assert!(public_url("https://a.example").is_ok());
        assert!(public_url("http://127.0.0.1:8080/").is_ok());
        for wrong in
            ["a.example", "ftp://a", "https://a/b", "https://a/?b", "https://u@a", "file:///"]
        {
            assert!(public_url(wrong).is_err(), "{wrong}");
        }
    }
}
