//! Signing in to the console.

use serde_json::json;

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

    /// Ends the session behind the back of the page that is open.
    pub(crate) async fn end_session(&self) {
        let end = "const csrf = document.querySelector('[name=csrf]').value;
            return fetch('/console/sign-out', { method: 'POST', body: new URLSearchParams({ csrf }) })
                .then(it => it.status)";
        assert_eq!(self.script(end, vec![]).await, json!(200));
    }

    /// Is told that the session has ended, signs in again, and sends what was typed before.
    pub(crate) async fn sign_in_again(&self, site: &Site) {
        self.wait_for_text("what you have typed is kept").await;
        self.expect_error("401").await;
        self.fill("API token", &site.token).await;
        self.press("Sign in").await;
        self.wait_for_text("Send it now").await;
        self.press("Send it now").await;
    }

    /// Goes from the console to the identity provider, whose page asks who it is.
    pub(crate) async fn go_to_identity_provider(&self, site: &Site) {
        self.open(&site.console("")).await;
        self.follow_starting("Sign in with ").await;
        self.wait_for_url(&format!("{}/authorize", site.issuer)).await;
    }

    /// Signs in as one of [`testkit::issuer::PEOPLE`] by the identity provider, and is at the
    /// services then. `name` is what is written on their button.
    pub(crate) async fn sign_in_as(&self, site: &Site, name: &str) {
        self.go_to_identity_provider(site).await;
        self.press(name).await;
        self.wait_for_url(&site.console("")).await;
        self.wait_for_text("Sign out").await;
    }
}
