//! What nodes used of their machines.

use model::{Metric, NodeId, NodeSample, ServiceId, Timestamp};
use sqlx::PgPool;
use store::{MetricPoint, Period, Store};
use uuid::Uuid;

use crate::fixture::{by, with_service};

/// The beginning of an hour.
const NOW: Timestamp = Timestamp(1_795_291_200_000);
const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

fn sample(node: i32, cpu: Option<f32>) -> NodeSample {
    let cpu = cpu.map(|it| (Metric::CpuUsage, it));
    NodeSample {
        node: NodeId(node),
        values: cpu.into_iter().chain([(Metric::MemUsage, 7.5)]).collect(),
    }
}

async fn record(store: &Store, service: ServiceId, at: Timestamp, samples: &[NodeSample]) {
    store.metrics.record(service, at, samples).await.unwrap();
}

async fn chart(
    store: &Store,
    service: ServiceId,
    period: Period,
    now: Timestamp,
) -> Vec<MetricPoint> {
    store.metrics.of_service(service, period, now).await.unwrap()
}

fn point(at: Timestamp, node: i32, cpu: Option<f32>) -> MetricPoint {
    MetricPoint { at, sample: sample(node, cpu) }
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_sample_is_written_once_and_each_value_comes_back(pool: PgPool) {
    let (store, service) = with_service(pool).await;
    let values = Metric::ALL.into_iter().zip([1.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7e9, 8.0]).collect();
    let all = NodeSample { node: NodeId(1), values };
    let (first, nothing) =
        ([all.clone(), sample(2, None)], NodeSample { node: NodeId(3), values: [].into() });
    record(&store, service.id, NOW.plus_ms(5 * SECOND), &first).await;
    // Another orchestrator, in the same half minute.
    let other = [sample(1, Some(99.0)), nothing.clone()];
    record(&store, service.id, NOW.plus_ms(29 * SECOND), &other).await;
    let expected: Vec<MetricPoint> =
        [all, sample(2, None), nothing].map(|sample| MetricPoint { at: NOW, sample }).into();
    let now = NOW.plus_ms(MINUTE);
    assert_eq!(chart(&store, service.id, Period::Hour, now).await, expected);
    for period in Period::ALL {
        let points = chart(&store, service.id, period, now).await;
        let samples: Vec<_> = points.into_iter().map(|it| it.sample).collect();
        let wanted: Vec<_> = expected.iter().map(|it| it.sample.clone()).collect();
        assert_eq!(samples, wanted, "{period:?}");
    }
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn means_are_of_what_there_is_and_gaps_stay(pool: PgPool) {
    let (store, service) = with_service(pool).await;
    let values =
        [(0, Some(10.0)), (30, Some(20.0)), (60, None), (299, Some(60.0)), (600, Some(2.0))];
    for (second, cpu) in values {
        record(&store, service.id, NOW.plus_ms(second * SECOND), &[sample(1, cpu)]).await;
    }
    let now = NOW.plus_ms(HOUR);
    let days = chart(&store, service.id, Period::Day, now).await;
    let later = NOW.plus_ms(10 * MINUTE);
    assert_eq!(days, [point(NOW, 1, Some(30.0)), point(later, 1, Some(2.0))]);
    // All samples weigh the same: no mean of means.
    assert_eq!(
        chart(&store, service.id, Period::Month, now).await[0].sample,
        sample(1, Some(23.0))
    );
    assert_eq!(chart(&store, service.id, Period::Week, now).await[0].sample, sample(1, Some(16.0)));
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn each_step_is_kept_for_its_time(pool: PgPool) {
    let (store, service) = with_service(pool.clone()).await;
    let steps = async || -> Vec<(i32, i64)> {
        let count = "select step_seconds, count(*) from node_metric group by 1 order by 1";
        sqlx::query_as(count).fetch_all(&pool).await.unwrap()
    };
    record(&store, service.id, NOW, &[sample(1, Some(1.0)), sample(2, Some(1.0))]).await;
    assert_eq!(steps().await, [(30, 2), (300, 2), (3600, 2)]);
    for (after, left) in [
        (3 * HOUR, vec![(30, 2), (300, 2), (3600, 2)]),
        (3 * HOUR + 30 * SECOND, vec![(300, 2), (3600, 2)]),
        (8 * DAY, vec![(300, 2), (3600, 2)]),
        (8 * DAY + 5 * MINUTE, vec![(3600, 2)]),
        (400 * DAY, vec![(3600, 2)]),
        (400 * DAY + HOUR, vec![]),
    ] {
        record(&store, service.id, NOW.plus_ms(after), &[]).await;
        assert_eq!(steps().await, left, "{after} ms later");
    }
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_chart_ends_where_its_period_begins(pool: PgPool) {
    let (store, service) = with_service(pool).await;
    let ages = [0, 59 * MINUTE, 2 * HOUR, 30 * HOUR, 10 * DAY, 40 * DAY, 300 * DAY, 399 * DAY];
    for age in ages.into_iter().rev() {
        record(&store, service.id, NOW.plus_ms(-age), &[sample(1, Some(1.0))]).await;
    }
    let expected = [
        (Period::Hour, 2),
        (Period::Day, 3),
        (Period::Week, 4),
        (Period::Month, 3),
        (Period::Year, 5),
    ];
    // Of a month and a year, some of them are of the same three hours or the same day.
    for (period, points) in expected {
        let found = chart(&store, service.id, period, NOW).await;
        assert_eq!(found.len(), points, "{period:?}: {found:?}");
    }
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn what_a_service_had_goes_with_it(pool: PgPool) {
    let (store, service) = with_service(pool.clone()).await;
    record(&store, service.id, NOW, &[sample(1, Some(1.0))]).await;
    let gone = ServiceId(Uuid::now_v7());
    record(&store, gone, NOW, &[sample(1, Some(1.0))]).await;
    assert_eq!(chart(&store, gone, Period::Hour, NOW).await, []);
    store.services.terminate(service.id, &by()).await.unwrap();
    store.services.forget(service.id).await.unwrap();
    let left: i64 =
        sqlx::query_scalar("select count(*) from node_metric").fetch_one(&pool).await.unwrap();
    assert_eq!(left, 0);
}
