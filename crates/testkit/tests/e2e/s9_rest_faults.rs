//! Step 9: produce and consume over HTTP while what is behind the proxy, beside it, and the proxy
//! itself goes away and comes back. The load sees to it that no record is lost, skipped or out of
//! order, and that each failure is a clean answer; here it is said which failures may be, and when.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use testkit::issuer::{Defect, TokenRequest};

use crate::support::{Broker, InFlight, KILL, RestLoad, Stack, TERM, figure, let_pass, wait_until};

const PACE: Duration = Duration::from_millis(50);
/// How long something that hangs does so: longer than Kafka waits for a broker.
const HANGING: Duration = Duration::from_secs(15);
/// How long something that is not needed is away.
const AWAY: Duration = Duration::from_secs(6);
/// What requests get while something that they need is away.
const UNAVAILABLE: &str = " 503 503";
/// Of several records some were stored.
const PARTLY: &str = "partly";
const BROKEN: &str = " broken";
const NO_INSTANCE: &str = " 404 40403";
const BAD_TOKEN: &str = " 401 40101";

async fn ready() -> Arc<Stack> {
    let stack = Arc::new(Stack::new());
    stack.with_oidc().await;
    stack.authorize(true).await;
    stack
}

#[tokio::test(flavor = "multi_thread")]
async fn brokers_that_die_hang_or_restart_cost_no_record() {
    let stack = ready().await;
    let load = RestLoad::start(&stack, RestLoad::user(), PACE).await;
    load.mark("calm");

    let (leader, other) = leader_and_other(&stack).await;
    one_is_killed(&stack, &load, &leader).await;
    one_hangs(&stack, &load, &other).await;
    all_hang(&stack, &load).await;
    load.mark("rolling restart");
    let begun = Instant::now();
    roll(&stack).await;
    note("rest_roll_secs", begun.elapsed());
    note("rest_roll_recovery_secs", load.recovered().await);

    let report = load.finish().await;
    figure("rest_load_during_broker_faults", report.to_json());
    report.assert_instances(1);
    report.assert_failures(&[
        ("a broker is killed", UNAVAILABLE),
        ("a broker is killed", PARTLY),
        ("a broker hangs", UNAVAILABLE),
        ("a broker hangs", PARTLY),
        ("all brokers hang", UNAVAILABLE),
        ("all brokers hang", PARTLY),
        ("rolling restart", UNAVAILABLE),
        ("rolling restart", PARTLY),
    ]);
}

async fn one_is_killed(stack: &Stack, load: &RestLoad, broker: &Broker) {
    load.mark("a broker is killed");
    broker.run.signal(KILL);
    note("rest_killed_broker_recovery_secs", load.recovered().await);
    started_again(stack, broker).await;
    calm(load, "calm after the kill").await;
}

async fn one_hangs(stack: &Stack, load: &RestLoad, broker: &Broker) {
    load.mark("a broker hangs");
    let paused = broker.run.pause();
    let begun = Instant::now();
    note("rest_hanging_broker_recovery_secs", load.recovered().await);
    let_pass(HANGING.saturating_sub(begun.elapsed())).await;
    drop(paused);
    note("rest_broker_that_hung_recovery_secs", load.recovered().await);
    stack.settled().await;
    calm(load, "calm after the hang").await;
}

async fn all_hang(stack: &Stack, load: &RestLoad) {
    let known = stack.name("rest-known");
    stack.topic(&known, 1).await;
    stack.rest_produce(&known, Some(&load.token()), &json!("first")).await.expect(200);
    load.mark("all brokers hang");
    let begun = Instant::now();
    let all = stack.running().brokers;
    let paused: Vec<_> = all.values().map(|it| it.run.pause()).collect();
    let refused = stack.rest_produce(&known, Some(&load.token()), &json!("never")).await;
    note("rest_no_broker_refused_after_secs", begun.elapsed());
    assert_eq!(refused.expect(503).json()["error_code"], 503);
    healthy(stack).await;
    drop(paused);
    note("rest_no_broker_recovery_secs", load.recovered().await);
    stack.settled().await;
    calm(load, "calm after that").await;
    stack.delete_topic(&known).await;
}

/// What was on its way ends in the window before; in this one nothing may fail.
async fn calm(load: &RestLoad, name: &str) {
    load.recovered().await;
    load.mark(name);
    load.recovered().await;
}

/// What is known goes on being used: nobody notices that its source is away.
#[tokio::test(flavor = "multi_thread")]
async fn identity_provider_and_control_plane_away_are_not_noticed() {
    let stack = ready().await;
    let stranger = stack.token(&TokenRequest::of("alice").defect(Defect::UnknownKid)).await;
    let load = RestLoad::start(&stack, RestLoad::user(), PACE).await;

    load.mark("the identity provider hangs");
    let idp = stack.program("tidegate-idp");
    let paused = idp.pause();
    // Makes the proxy ask for the keys, and wait.
    let begun = Instant::now();
    let refused = stack.rest("GET", "/topics", Some(&stranger)).await;
    note("rest_unknown_key_without_idp_secs", begun.elapsed());
    assert!([401, 503].contains(&refused.status), "{refused:?}");
    let_pass(AWAY).await;
    healthy(&stack).await;
    drop(paused);
    load.recovered().await;

    load.mark("the control plane hangs");
    let control_plane = stack.program("tidegate-control-plane");
    let paused = control_plane.pause();
    let_pass(AWAY).await;
    healthy(&stack).await;
    drop(paused);
    load.recovered().await;

    load.mark("both are killed");
    idp.signal(KILL);
    control_plane.signal(KILL);
    let_pass(AWAY).await;
    healthy(&stack).await;
    load.recovered().await;
    stack.bring_up().await;
    load.recovered().await;

    // It makes its keys when it starts.
    load.mark("new keys");
    load.renew_token().await;
    note("rest_new_keys_recovery_secs", load.recovered().await);
    // Somebody new, whom no broker knows by an older key.
    let bob = stack.token_of("bob").await;
    let ((), took) = wait_until("bob gets in", Duration::from_mins(1), async || {
        let answer = stack.rest("GET", "/topics", Some(&bob)).await;
        if answer.status == 200 { Ok(()) } else { Err(format!("{answer:?}")) }
    })
    .await;
    note("rest_new_keys_newcomer_secs", took);
    load.mark("calm");
    load.recovered().await;

    let report = load.finish().await;
    figure("rest_load_without_idp_or_control_plane", report.to_json());
    report.assert_instances(1);
    report.assert_failures(&[("new keys", UNAVAILABLE), ("new keys", BAD_TOKEN)]);
    // The proxy listens to the new control plane.
    stack.authorize(false).await;
    stack.authorize(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_ends_answers_first_and_one_that_dies_loses_nothing() {
    let stack = ready().await;
    let load = RestLoad::start(&stack, RestLoad::user(), PACE).await;

    load.mark("asked to stop");
    let in_flight = InFlight::begin(&stack, &load.token()).await;
    let asked = end_proxy(&stack, TERM).await;
    in_flight.assert_answered().await;
    proxy_is_back(&stack, "rest_proxy_term_down_secs", asked).await;
    load.recovered().await;
    note("rest_proxy_term_recovery_secs", asked.elapsed());
    calm(&load, "calm after the stop").await;
    started_long_ago(&stack).await;

    load.mark("killed");
    let killed = end_proxy(&stack, KILL).await;
    proxy_is_back(&stack, "rest_proxy_kill_down_secs", killed).await;
    load.recovered().await;
    note("rest_proxy_kill_recovery_secs", killed.elapsed());
    calm(&load, "calm after the kill").await;
    started_long_ago(&stack).await;

    killed_alone(&stack, &load).await;
    calm(&load, "calm at last").await;

    let report = load.finish().await;
    figure("rest_load_during_proxy_faults", report.to_json());
    report.assert_instances(4);
    report.assert_answered("asked to stop", asked.checked_sub(Duration::from_secs(1)).unwrap());
    let faults = ["asked to stop", "killed", "killed without control plane"];
    let allowed: Vec<_> = faults
        .iter()
        .flat_map(|name| [BROKEN, UNAVAILABLE, NO_INSTANCE].map(|kind| (*name, kind)))
        .collect();
    report.assert_failures(&allowed);
}

/// Without a control plane there are no settings.
async fn killed_alone(stack: &Stack, load: &RestLoad) {
    load.mark("killed without control plane");
    let control_plane = stack.program("tidegate-control-plane");
    let paused = control_plane.pause();
    let killed = end_proxy(stack, KILL).await;
    proxy_is_back(stack, "rest_proxy_kill_alone_down_secs", killed).await;
    // It knows nothing yet, and says so.
    let refused = stack.rest("GET", "/topics", Some(&load.token())).await.expect(503);
    assert!(refused.header("retry-after").is_some(), "{refused:?}");
    drop(paused);
    note("rest_proxy_kill_alone_recovery_secs", load.recovered().await);
}

/// Two brokers: the worst one to lose, and another one.
async fn leader_and_other(stack: &Stack) -> (Broker, Broker) {
    let service = stack.settled().await;
    let leader = service.active_controller().expect("a controller is active");
    let leader: u32 = leader.rsplit('-').next().unwrap().parse().unwrap();
    let mut brokers = stack.running().brokers;
    let leader = brokers.remove(&leader).expect("it runs");
    (leader, brokers.pop_first().expect("there are more").1)
}

async fn started_again(stack: &Stack, victim: &Broker) {
    wait_until("it runs again, in sync", Duration::from_mins(3), async || {
        let running = stack.running();
        let all = running.brokers.len() == 3;
        let service = stack.service().await;
        let new = running.brokers.values().all(|it| it.run != victim.run);
        if all && new && service.is_settled() { Ok(()) } else { Err(format!("{service:?}")) }
    })
    .await;
}

/// Switches an option that brokers take over by a restart only, and that the proxy does not know.
async fn roll(stack: &Stack) {
    let before = stack.settled().await;
    let partitions = &before.user_config["kafka"]["num_partitions"];
    let other = if *partitions == json!(2) { 3 } else { 2 };
    let runs = stack.running().brokers;
    stack.update(&["-c".to_owned(), format!("kafka.num_partitions={other}")]).await;
    let after = stack.settled().await;
    assert_ne!(after.revision, before.revision);
    for (node, broker) in stack.running().brokers {
        assert_ne!(broker.run, runs[&node].run, "node {node} was not restarted");
    }
}

async fn healthy(stack: &Stack) {
    stack.rest("GET", "/_health", None).await.expect(200);
}

fn note(name: &str, took: Duration) {
    figure(name, took.as_secs_f64());
}

/// Signals the proxy. Returns when.
async fn end_proxy(stack: &Stack, signal: &str) -> Instant {
    let proxy = stack.program("tidegate-rest-proxy");
    let at = Instant::now();
    proxy.signal(signal);
    let ended = async || if proxy.is_alive() { Err(format!("{proxy:?}")) } else { Ok(()) };
    if signal == KILL {
        wait_until("the proxy is gone", Duration::from_secs(10), ended).await;
    }
    at
}

/// The orchestrator has started another one, which answers.
async fn proxy_is_back(stack: &Stack, name: &str, since: Instant) {
    wait_until("another proxy answers", Duration::from_mins(2), async || {
        let answer = stack.rest("GET", "/_health", None).await;
        let uptime = (answer.status == 200).then(|| answer.json()["process_uptime_sec"].as_u64());
        // The old one answers until it ends.
        match uptime.flatten() {
            Some(uptime) if uptime <= since.elapsed().as_secs() => Ok(()),
            other => Err(format!("{other:?} {answer:?}")),
        }
    })
    .await;
    note(name, since.elapsed());
}

/// One that ends soon after its start is started again a little later only.
async fn started_long_ago(stack: &Stack) {
    wait_until("the proxy runs for a while", Duration::from_mins(1), async || {
        let health = stack.rest("GET", "/_health", None).await.expect(200).json();
        if health["process_uptime_sec"].as_u64() > Some(10) {
            Ok(())
        } else {
            Err(health.to_string())
        }
    })
    .await;
}
