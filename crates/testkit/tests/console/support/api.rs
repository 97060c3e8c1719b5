//! Changing the service past the console, as somebody else would.

use serde_json::Value;

use super::environment::Site;

impl Site {
    /// `PUT` of the service with this body, which the API has to accept.
    pub(crate) async fn update(&self, body: &Value) -> Value {
        let url = format!("{}/v1/project/{}/service/{}", self.url, self.project, self.service);
        let request = reqwest::Client::new().put(&url).json(body);
        let authorization = format!("aivenv1 {}", self.token);
        let answer = request.header("Authorization", authorization).send().await;
        let answer = answer.unwrap_or_else(|error| panic!("{url}: {error}"));
        let status = answer.status();
        let text = answer.text().await.expect("the answer has an end");
        assert!(status.is_success(), "{status} {text}");
        serde_json::from_str(&text).expect("the API speaks JSON")
    }
}
