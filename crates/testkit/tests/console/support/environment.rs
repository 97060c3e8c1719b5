//! What the tests are told by whoever runs them.

/// A variable that has to be there: a test that cannot run has failed.
#[expect(clippy::disallowed_methods, reason = "the only place here that reads the environment")]
pub(super) fn required(name: &str) -> String {
    std::env::var(name).ok().filter(|it| !it.is_empty()).unwrap_or_else(|| {
        panic!(
            "{name} is not set: run `cargo xtask test --suite console`, or see \
             tests/console/main.rs"
        )
    })
}

/// The stack under test.
pub(crate) struct Site {
    /// The base of the control plane's addresses.
    pub(crate) url: String,
    /// An API token that may do everything in `project`.
    pub(crate) token: String,
    pub(crate) project: String,
    pub(crate) service: String,
    /// The `iss` of the identity provider, and the base of its addresses.
    pub(crate) issuer: String,
}

impl Site {
    pub(crate) fn new() -> Self {
        let address = |name| required(name).trim_end_matches('/').to_owned();
        Self {
            url: address("TIDEGATE_URL"),
            token: required("AIVEN_AUTH_TOKEN"),
            project: required("AIVEN_PROJECT"),
            service: required("TIDEGATE_SERVICE"),
            issuer: address("TIDEGATE_ISSUER"),
        }
    }

    /// The address of a page of the console: `""` is that of the services.
    pub(crate) fn console(&self, path: &str) -> String {
        format!("{}/console{path}", self.url)
    }

    /// The address of a page of the service: `""` is the overview, others begin with a slash.
    pub(crate) fn page(&self, path: &str) -> String {
        let Self { url, project, service, .. } = self;
        format!("{url}/console/project/{project}/service/{service}{path}")
    }
}
