//! Every route, in one table.

use axum::Router;
use axum::routing::{MethodRouter, delete, get, post};

use crate::identity::challenge;
use crate::{
    App, brokers, consumers, health, method_not_allowed, metrics, openapi, partitions, produce,
    topics,
};

/// Routes, and the templates of their paths as they were given.
pub(crate) struct Routes {
    router: Router<App>,
    templates: Vec<String>,
}

impl Routes {
    fn new() -> Self {
        Self { router: Router::new(), templates: Vec::new() }
    }

    /// Adds a route, with and without a slash at its end.
    fn route(mut self, path: &str, methods: MethodRouter<App>) -> Self {
        self.router = self.router.route(path, methods.clone());
        if !path.ends_with('/') {
            self.router = self.router.route(&format!("{path}/"), methods);
        }
        self.templates.push(path.to_owned());
        self
    }

    /// Adds a route below a consumer instance.
    fn instance(self, path: &str, methods: MethodRouter<App>) -> Self {
        self.route(&format!("/consumers/{{group}}/instances/{{instance}}{path}"), methods)
    }

    /// Adds another path of a route that is there.
    fn alias(mut self, path: &str, methods: MethodRouter<App>) -> Self {
        self.router = self.router.route(path, methods);
        self
    }

    pub(crate) fn templates(&self) -> impl Iterator<Item = &str> {
        self.templates.iter().map(String::as_str)
    }

    pub(crate) fn into_router(self) -> Router<App> {
        self.router
    }
}

impl App {
    pub(crate) fn routes(&self) -> Routes {
        let topic = get(topics::show_topic).post(produce::produce_records);
        let partition = get(partitions::show_partition).post(partitions::produce_to_partition);
        let subscription = get(consumers::show_subscription)
            .post(consumers::subscribe)
            .delete(consumers::unsubscribe);
        // Nobody reads records to throw them away.
        let records = get(consumers::fetch_records).head(method_not_allowed);
        let assignments = get(consumers::show_assignments).post(consumers::assign);
        let offsets = get(consumers::show_offsets).post(consumers::commit_offsets);
        let routes = Routes::new()
            .route("/", get(health::show_root))
            .route("/_health", get(health::show_health))
            .route(challenge::WELL_KNOWN, get(challenge::show_metadata))
            .alias(
                &format!("{}/{{*resource}}", challenge::WELL_KNOWN),
                get(challenge::show_metadata),
            )
            .route("/openapi.json", get(openapi::show_document))
            .route("/brokers", get(brokers::list_brokers))
            .route("/topics", get(topics::list_topics))
            .route("/topics/{topic}", topic)
            .route("/topics/{topic}/partitions", get(partitions::list_partitions))
            .route("/topics/{topic}/partitions/{partition}", partition)
            .route("/topics/{topic}/partitions/{partition}/offsets", get(partitions::show_bounds))
            .route("/consumers/{group}", post(consumers::create_consumer))
            .instance("", delete(consumers::delete_consumer))
            .instance("/subscription", subscription)
            .instance("/records", records)
            .instance("/offsets", offsets)
            .instance("/assignments", assignments)
            .instance("/positions", post(consumers::seek))
            .instance("/positions/beginning", post(consumers::seek_to_beginning))
            .instance("/positions/end", post(consumers::seek_to_end));
        match self.observation.metrics_listen {
            None => routes.route("/metrics", get(metrics::show_metrics)),
            Some(_) => routes,
        }
    }
}
