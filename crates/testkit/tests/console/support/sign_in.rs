//! Signing in to the console.

use super::browser::Browser;
use super::environment::Site;

impl Browser {
    /// Signs in by the stack's own API token, and is at the services then.
    pub(crate) async fn sign_in_by_token(&self, site: &Site) {
        self.open(&site.console("")).await;
        self.fill("API token", &site.token).await;
        self.press("Sign in").await;
        self.wait_for_text("Sign out").await;
    }
}
