//! A page that a test makes up, to see that the harness sees what is wrong with it.

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse as _;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// Serves it until dropped.
pub(crate) struct Served {
    pub(crate) url: String,
    _server: JoinSet<std::io::Result<()>>,
}

impl Served {
    /// An HTML page with this policy and this body.
    pub(crate) async fn page(policy: &'static str, body: &str) -> Self {
        let page = format!(
            "<!doctype html><html lang='en'><head><meta charset='utf-8'>\
             <meta name='viewport' content='width=device-width'><title>A page</title></head>\
             <body>{body}</body></html>"
        );
        let headers = [
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            (header::CONTENT_SECURITY_POLICY, policy),
        ];
        let answer = async move || (headers, page).into_response();
        let router = Router::new().fallback(get(answer));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let url = format!("http://{}/", listener.local_addr().expect("its address"));
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await });
        Self { url, _server: server }
    }
}
