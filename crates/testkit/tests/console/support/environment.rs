//! What the tests are told by whoever runs them.

/// A variable that has to be there: a test that cannot run has failed.
#[expect(clippy::disallowed_methods, reason = "the only place here that reads the environment")]
pub(super) fn required(name: &str) -> String {
    std::env::var(name).ok().filter(|it| !it.is_empty()).unwrap_or_else(|| {
        panic!("{name} is not set: run `cargo xtask test --suite console`, or see tests/console/main.rs")
    })
}

/// The stack under test.
pub(crate) struct Site {
    /// The `iss` of the identity provider, and the base of its addresses.
    pub(crate) issuer: String,
}

impl Site {
    pub(crate) fn new() -> Self {
        Self { issuer: required("TIDEGATE_ISSUER").trim_end_matches('/').to_owned() }
    }
}
