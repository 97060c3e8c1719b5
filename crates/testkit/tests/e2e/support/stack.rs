//! The stack under test, as the environment describes it.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use model::Timestamp;

/// Where everything is. One for each test: it owns a folder for files that only we may read.
pub(crate) struct Stack {
    pub(crate) service: String,
    pub(crate) project: String,
    pub(crate) url: String,
    pub(crate) token: String,
    /// The client listener of each broker.
    pub(crate) brokers: Vec<String>,
    pub(crate) security_protocol: String,
    pub(crate) rest: String,
    pub(crate) issuer: String,
    pub(crate) jwks: String,
    pub(crate) token_url: String,
    pub(crate) avn: PathBuf,
    pub(crate) java: PathBuf,
    pub(crate) libs: PathBuf,
    pub(crate) xtask: PathBuf,
    /// The folder below which the stack's own processes run.
    pub(crate) dir: PathBuf,
    /// Begins every name that this test makes up, so that tests and runs do not meet.
    pub(crate) run: String,
    scratch: PathBuf,
}

/// A variable that may be missing.
#[expect(clippy::disallowed_methods, reason = "the only place here that reads the environment")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|it| !it.is_empty())
}

/// A variable that has to be there: a test that cannot run has failed.
pub(crate) fn required(name: &str) -> String {
    variable(name).unwrap_or_else(|| {
        panic!("{name} is not set: run `cargo xtask test --suite e2e`, or see tests/e2e/main.rs")
    })
}

impl Stack {
    pub(crate) fn new() -> Self {
        static TESTS: AtomicUsize = AtomicUsize::new(0);
        let number = TESTS.fetch_add(1, Ordering::Relaxed);
        let run = format!("e2e{}{number}", Timestamp::now().0 / 100 % 10_000_000_000);
        let dir = PathBuf::from(required("TIDEGATE_TEST_DIR"));
        let scratch = dir.join(format!("e2e-{}-{number}", std::process::id()));
        fs::DirBuilder::new()
            .mode(0o700)
            .recursive(true)
            .create(&scratch)
            .unwrap_or_else(|error| panic!("cannot make {}: {error}", scratch.display()));
        // avn and our own calls read the same variables.
        let (url, token) = (required("AIVEN_WEB_URL"), required("AIVEN_AUTH_TOKEN"));
        Self {
            service: required("TIDEGATE_SERVICE"),
            project: required("AIVEN_PROJECT"),
            url: url.trim_end_matches('/').to_owned(),
            token,
            brokers: required("TIDEGATE_BOOTSTRAP").split(',').map(str::to_owned).collect(),
            security_protocol: required("TIDEGATE_SECURITY_PROTOCOL"),
            rest: required("TIDEGATE_REST_URL").trim_end_matches('/').to_owned(),
            issuer: required("TIDEGATE_ISSUER"),
            jwks: required("TIDEGATE_JWKS_URL"),
            token_url: required("TIDEGATE_TOKEN_URL"),
            avn: required("TIDEGATE_TEST_AVN").into(),
            java: required("TIDEGATE_TEST_JAVA").into(),
            libs: required("TIDEGATE_TEST_KAFKA_LIBS").into(),
            xtask: required("TIDEGATE_TEST_XTASK").into(),
            dir,
            run,
            scratch,
        }
    }

    /// All brokers, for a client that does not care which.
    pub(crate) fn bootstrap(&self) -> String {
        self.brokers.join(",")
    }

    /// A name that nobody else uses.
    pub(crate) fn name(&self, what: &str) -> String {
        format!("{}-{what}", self.run)
    }

    /// An empty folder that only we may read.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        static FOLDERS: AtomicUsize = AtomicUsize::new(0);
        let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
        let path = self.scratch.join(format!("{name}-{number}"));
        fs::DirBuilder::new().mode(0o700).create(&path).expect("a new folder");
        path
    }

    /// Writes a file that only we may read.
    pub(crate) fn secret_file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.scratch.join(name);
        write_private(&path, text);
        path
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.scratch);
    }
}

fn write_private(path: &Path, text: &str) {
    let mut options = fs::OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(path);
    file.and_then(|mut it| it.write_all(text.as_bytes())).expect("cannot write TIDEGATE_TEST_DIR");
}
