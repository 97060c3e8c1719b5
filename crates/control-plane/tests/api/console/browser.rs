//! What a browser does: keeps its cookie, and says where a form comes from.

use axum::body::{Body, to_bytes};
use http::header::{COOKIE, HOST, SET_COOKIE};
use http::{HeaderMap, Request, StatusCode};
use store::EventFilter;
use url::form_urlencoded::Serializer;

use crate::harness::Api;

const SAME_ORIGIN: [(&str, &str); 2] =
    [("sec-fetch-site", "same-origin"), ("origin", "http://localhost:8080")];

pub(crate) struct Browser<'a> {
    api: &'a Api,
    pub(crate) cookie: Option<String>,
}

pub(crate) struct Seen {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
    pub(crate) body: String,
}

impl Seen {
    /// The value of a header; empty if there is none.
    pub(crate) fn header(&self, name: impl http::header::AsHeaderName) -> &str {
        self.headers.get(name).map_or("", |it| it.to_str().unwrap())
    }

    pub(crate) fn has(&self, text: &str) -> bool {
        self.body.contains(text)
    }
}

impl<'a> Browser<'a> {
    pub(crate) fn new(api: &'a Api) -> Self {
        Self { api, cookie: None }
    }

    pub(crate) async fn signed_in(api: &'a Api, token: &str) -> Self {
        let mut browser = Self::new(api);
        let answer = browser.post("/console/sign-in", &[("token", token)]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        browser
    }

    pub(crate) async fn get(&mut self, path: &str) -> Seen {
        self.get_with(path, &[]).await
    }

    pub(crate) async fn get_with(&mut self, path: &str, headers: &[(&str, &str)]) -> Seen {
        self.send("GET", path, headers, None).await
    }

    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Seen {
        self.post_from(path, fields, &SAME_ORIGIN).await
    }

    /// From a page of that origin.
    pub(crate) async fn post_from(
        &mut self,
        path: &str,
        fields: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Seen {
        let body = Serializer::new(String::new()).extend_pairs(fields).finish();
        self.send("POST", path, headers, Some(body)).await
    }

    /// The head of an answer, which may go on for ever.
    pub(crate) async fn head(&mut self, method: &str, path: &str) -> Seen {
        let request = self.request(method, path, &[], None);
        let (parts, _) = self.api.open(request).await.into_parts();
        let (status, headers) = (parts.status, parts.headers);
        Seen { status, headers, bytes: Vec::new(), body: String::new() }
    }

    fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> Request<Body> {
        let mut request =
            Request::builder().method(method).uri(path).header(HOST, "localhost:8080");
        if body.is_some() {
            request = request.header("content-type", "application/x-www-form-urlencoded");
        }
        if let Some(cookie) = &self.cookie {
            request = request.header(COOKIE, format!("other=1; {cookie}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(body.map_or_else(Body::empty, Body::from)).unwrap()
    }

    pub(crate) async fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> Seen {
        let request = self.request(method, path, headers, body);
        let (parts, body) = self.api.open(request).await.into_parts();
        if let Some(set) = parts.headers.get(SET_COOKIE) {
            let set = set.to_str().unwrap();
            let pair = set.split(';').next().unwrap().to_owned();
            self.cookie = (!set.contains("Max-Age=0")).then_some(pair);
        }
        let bytes = to_bytes(body, 1 << 24).await.unwrap().to_vec();
        let body = String::from_utf8_lossy(&bytes).into_owned();
        Seen { status: parts.status, headers: parts.headers, bytes, body }
    }

    /// What the forms of the first page carry.
    pub(crate) async fn csrf(&mut self) -> String {
        let page = self.get("/console").await.body;
        let (_, rest) = page.split_once("name=\"csrf\" value=\"").unwrap();
        rest.split('"').next().unwrap().to_owned()
    }

    /// The kinds of the console's events, oldest first.
    pub(crate) async fn events(&self) -> Vec<String> {
        let all = self.api.store.events.latest(&EventFilter::default(), 100).await.unwrap();
        let kinds = all.into_iter().rev().map(|it| it.event_type);
        kinds.filter(|it| it.starts_with("console_")).collect()
    }
}
