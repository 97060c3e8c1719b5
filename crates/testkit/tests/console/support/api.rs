//! Changing the service past the console, as somebody else would.

use reqwest::Method;
use serde_json::{Value, json};

use super::environment::Site;

impl Site {
    /// `PUT` of the service with this body, which the API has to accept.
    pub(crate) async fn update(&self, body: &Value) -> Value {
        self.send(Method::PUT, "", body).await
    }

    /// `POST` to an address below the service, which the API has to accept.
    pub(crate) async fn create(&self, path: &str, body: &Value) -> Value {
        self.send(Method::POST, path, body).await
    }

    /// `DELETE` of an address below the service, which the API has to accept.
    pub(crate) async fn delete(&self, path: &str) -> Value {
        self.send(Method::DELETE, path, &json!({})).await
    }

    /// A token that the identity provider gives to one of its clients.
    pub(crate) async fn token_of(&self, client: &str, audience: &str) -> String {
        let url = format!("{}/token", self.issuer);
        let form = format!(
            "grant_type=client_credentials&client_id={client}&client_secret={client}-secret\
             &audience={audience}"
        );
        let request = reqwest::Client::new().post(&url).body(form);
        let kind = "application/x-www-form-urlencoded";
        let answer = request.header("Content-Type", kind).send().await;
        let answer = answer.unwrap_or_else(|error| panic!("{url}: {error}"));
        let answer: Value = answer.json().await.expect("the answer is JSON");
        answer["access_token"].as_str().unwrap_or_else(|| panic!("no token: {answer}")).to_owned()
    }

    async fn send(&self, method: Method, path: &str, body: &Value) -> Value {
        let Self { url, project, service, .. } = self;
        let url = format!("{url}/v1/project/{project}/service/{service}{path}");
        let request = reqwest::Client::new().request(method, &url).json(body);
        let authorization = format!("aivenv1 {}", self.token);
        let answer = request.header("Authorization", authorization).send().await;
        let answer = answer.unwrap_or_else(|error| panic!("{url}: {error}"));
        let status = answer.status();
        let text = answer.text().await.expect("the answer has an end");
        assert!(status.is_success(), "{status} {text}");
        serde_json::from_str(&text).expect("the API speaks JSON")
    }
}
