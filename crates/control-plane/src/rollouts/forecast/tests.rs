//! What a forecast looks like.

use std::sync::Arc;

use axum::response::IntoResponse as _;
use http::StatusCode;
use model::{Node, NodeId, NodePorts, RevisionId, ServiceId, ServiceState};
use rolling::{AuthView, Incarnation, Jwks, KafkaView, NodeView, PartitionView, Process, Quorum};
use rolling::{ServiceView, forecast};

use super::*;

/// 2026-11-25 12:00 UTC, a Wednesday.
const NOON: Timestamp = Timestamp(1_795_608_000_000);

fn revision(digit: char) -> RevisionId {
    RevisionId::try_from(digit.to_string().repeat(64)).unwrap()
}

fn service(maintenance: Option<(&str, &str)>) -> Service {
    let node = |id| Node {
        id: NodeId(id),
        host: "h".into(),
        ports: NodePorts { controller: 1, internal: 2, client: 3 },
        rack: "r".into(),
    };
    Service {
        id: ServiceId(uuid::Uuid::nil()),
        project: "dev".parse().unwrap(),
        name: "my-kafka".parse().unwrap(),
        plan: "business-4".into(),
        cluster_id: String::new(),
        user_config: serde_json::Map::new(),
        target: revision('b'),
        dynamic_config: [].into(),
        previous_jwks_url: None,
        termination_protection: false,
        maintenance_dow: maintenance.map(|it| it.0.to_owned()),
        maintenance_time: maintenance.map(|it| it.1.to_owned()),
        apply_in_window: false,
        rest_address: String::new(),
        powered: true,
        terminating: false,
        tags: [].into(),
        state: ServiceState::Running,
        generation: 1,
        created_at: NOON,
        updated_at: NOON,
        nodes: (1..=3).map(node).collect(),
        refusals: Vec::new(),
    }
}

fn partition(topic: &str, replicas: &[i32], in_sync: &[i32]) -> PartitionView {
    let nodes = |ids: &[i32]| ids.iter().copied().map(NodeId).collect::<Vec<_>>();
    PartitionView {
        topic: Arc::from(topic),
        index: 0,
        leader: Some(NodeId(replicas[0])),
        replicas: nodes(replicas),
        in_sync: nodes(in_sync),
        min_in_sync: 2,
    }
}

/// Three nodes that run `a`; restarts of the first have been measured.
fn cluster(partitions: Vec<PartitionView>) -> ServiceView {
    let all = [1, 2, 3].map(NodeId);
    let node = |id: NodeId| NodeView {
        pinned: revision('a'),
        process: Some(Process { incarnation: Incarnation("1".into()), revision: revision('a') }),
        busy: false,
        starts: Vec::new(),
        recovering: false,
        answers: true,
        auth: AuthView::Proven,
        progress_at: None,
        falls: Vec::new(),
        usual_ms: (id == NodeId(1)).then_some(12_000),
        rack: "r".into(),
    };
    let quorum = Quorum {
        leader: Some(NodeId(3)),
        epoch: 1,
        voters: all.into(),
        caught_up: all.into(),
        behind: [].into(),
    };
    let fenced = all.map(|it| (it, false)).into();
    let kafka = KafkaView { fenced, quorum, partitions, ..KafkaView::default() };
    ServiceView {
        nodes: all.map(|id| (id, node(id))).into(),
        kafka: Some(kafka),
        jwks: Jwks::NotNeeded,
        whole_since: None,
        calm_since: None,
        raised: Vec::new(),
    }
}

fn shown(service: &Service, view: &ServiceView) -> ForecastView {
    let body = StartRollout::default();
    let rollout = rollout(service, &body, None, policy(&body), NOON);
    render(service, &forecast(&rollout, view), NOON)
}

#[test]
fn what_becomes_unavailable_is_named_with_its_certainty_and_the_remedies() {
    let view = cluster(vec![
        partition("whole", &[1, 2, 3], &[1, 2, 3]),
        partition("behind", &[1, 2, 3], &[1, 2]),
        partition("single", &[2], &[2]),
    ]);
    insta::assert_json_snapshot!(shown(&service(Some(("wednesday", "22:00:00"))), &view));
}

#[tokio::test]
async fn a_start_that_needs_consent_is_refused_with_the_forecast() {
    let view = cluster(vec![partition("single", &[2], &[2])]);
    let refused = ApiError::NeedsConsent(shown(&service(None), &view).into()).into_response();
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let body = axum::body::to_bytes(refused.into_body(), 1 << 20).await.unwrap();
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["errors"][0]["error_code"], "needs_consent");
    assert_eq!(body["forecast"]["nodes"][1]["partitions"][0]["partition"], "single-0");
    assert!(body["message"].as_str().unwrap().contains("whatever is waited for"));
}

#[test]
fn what_passes_by_itself_is_no_outage() {
    let view = cluster(vec![partition("behind", &[1, 2, 3], &[1, 2])]);
    let shown = shown(&service(None), &view);
    assert!(!shown.needs_consent);
    assert!(shown.summary.ends_with("it waits for replicas first"), "{}", shown.summary);
}

#[test]
fn nothing_to_do_and_nothing_to_agree_to() {
    let mut view = cluster(vec![partition("whole", &[1, 2, 3], &[1, 2, 3])]);
    let one = shown(&service(None), &view);
    assert!(!one.needs_consent && one.remedies.is_empty() && one.window.is_none());
    assert!(one.summary.ends_with("clients notice nothing"), "{}", one.summary);
    for node in view.nodes.values_mut() {
        node.pinned = revision('b');
        node.process = node.process.take().map(|it| Process { revision: revision('b'), ..it });
    }
    assert_eq!(shown(&service(None), &view).summary, "no node has to be restarted");
}

#[test]
fn an_open_window_has_to_last_long_enough() {
    let view = cluster(vec![partition("whole", &[1, 2, 3], &[1, 2, 3])]);
    let fits = |time: &str| shown(&service(Some(("wednesday", time))), &view).window.unwrap().fits;
    assert!(fits("11:00:00"), "three hours are left");
    assert!(!fits("08:01:00"), "one minute is left");
    assert!(fits("13:00:00"), "the whole next one");
}
