//! What nodes used of their machines.
//!
//! A sample is of a step of 30 seconds, and each that is written makes the means of the 5 minutes and
//! of the hour that it belongs to anew. So a chart of any period has its latest point at once, nothing
//! has to be made up for after a time without an orchestrator, and whoever writes a sample twice
//! changes nothing.

mod period;

use std::collections::BTreeMap;

use model::{Metric, NodeId, NodeSample, ServiceId, Timestamp};
use sqlx::PgPool;

pub use self::period::Period;
use self::period::{FINE, HOUR, MEAN, SAMPLE, begin};
use crate::{StoreError, constraint, moment, timestamp};

/// What nodes used of their machines.
#[derive(Clone, Debug)]
pub struct NodeMetrics {
    pub(crate) pool: PgPool,
}

/// One node at one point of a chart.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricPoint {
    /// When the point's step begins.
    pub at: Timestamp,
    /// The means of the node over that step.
    pub sample: NodeSample,
}

impl NodeMetrics {
    /// Writes samples of a service's nodes that were taken at `at`, and deletes what is too old of
    /// that service. Of a node that has one of the same 30 seconds, the first stays. Of a service that
    /// is gone nothing is written.
    pub async fn record(
        &self,
        service: ServiceId,
        at: Timestamp,
        samples: &[NodeSample],
    ) -> Result<(), StoreError> {
        match self.try_record(service, at, samples).await {
            Err(StoreError::Database(error))
                if constraint(&error) == Some("node_metric_service_fkey") =>
            {
                Ok(())
            }
            done => done,
        }
    }

    async fn try_record(
        &self,
        service: ServiceId,
        at: Timestamp,
        samples: &[NodeSample],
    ) -> Result<(), StoreError> {
        let nodes: Vec<i32> = samples.iter().map(|it| it.node.0).collect();
        let of = |metric: Metric| -> Vec<Option<f32>> {
            samples.iter().map(|it| it.values.get(&metric).copied()).collect()
        };
        let mut tx = self.pool.begin().await?;
        // In the order of the key, so that two who write the same wait for each other and never both.
        sqlx::query!(
            "with old as (
                 delete from node_metric where service_id = $1
                    and ((step_seconds = 30 and at < $12) or (step_seconds = 300 and at < $13)
                         or (step_seconds = 3600 and at < $14))
             )
             insert into node_metric (service_id, step_seconds, at, node_id, cpu_usage, disk_usage,
                                      diskio_read, diskio_writes, load_average, mem_usage,
                                      net_receive, net_send)
             select $1, 30, $2, one.*
             from unnest($3::integer[], $4::real[], $5::real[], $6::real[], $7::real[], $8::real[],
                         $9::real[], $10::real[], $11::real[]) as one (node_id)
             order by node_id
             on conflict do nothing",
            service.0,
            moment(begin(at, SAMPLE.seconds))?,
            &nodes,
            &of(Metric::CpuUsage) as _,
            &of(Metric::DiskUsage) as _,
            &of(Metric::DiskioRead) as _,
            &of(Metric::DiskioWrites) as _,
            &of(Metric::LoadAverage) as _,
            &of(Metric::MemUsage) as _,
            &of(Metric::NetReceive) as _,
            &of(Metric::NetSend) as _,
            moment(SAMPLE.oldest(at))?,
            moment(FINE.oldest(at))?,
            moment(MEAN.oldest(at))?
        )
        .execute(&mut *tx)
        .await?;
        sqlx::query!(
            "insert into node_metric (service_id, step_seconds, at, node_id, cpu_usage, disk_usage,
                                      diskio_read, diskio_writes, load_average, mem_usage,
                                      net_receive, net_send)
             select $1, step.seconds, step.at, node_id, avg(cpu_usage), avg(disk_usage),
                    avg(diskio_read), avg(diskio_writes), avg(load_average), avg(mem_usage),
                    avg(net_receive), avg(net_send)
             from (values (300, $2::timestamptz), (3600, $3)) as step (seconds, at)
             join node_metric as it
               on it.service_id = $1 and it.step_seconds = 30 and it.at >= step.at
              and it.at < step.at + make_interval(secs => step.seconds)
             where node_id = any($4)
             group by step.seconds, step.at, node_id
             order by step.seconds, node_id
             on conflict on constraint node_metric_pkey do update
             set cpu_usage = excluded.cpu_usage, disk_usage = excluded.disk_usage,
                 diskio_read = excluded.diskio_read, diskio_writes = excluded.diskio_writes,
                 load_average = excluded.load_average, mem_usage = excluded.mem_usage,
                 net_receive = excluded.net_receive, net_send = excluded.net_send",
            service.0,
            moment(begin(at, FINE.seconds))?,
            moment(begin(at, HOUR))?,
            &nodes
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// What there is of a service of a period that ends at `now`, by time and node. At most
    /// [`Period::points`] a node; a step without samples is not in it.
    pub async fn of_service(
        &self,
        service: ServiceId,
        period: Period,
        now: Timestamp,
    ) -> Result<Vec<MetricPoint>, StoreError> {
        let rows = sqlx::query!(
            r#"select date_bin(make_interval(secs => $3), at, 'epoch') as "point!", node_id,
                      avg(cpu_usage)::real as cpu_usage, avg(disk_usage)::real as disk_usage,
                      avg(diskio_read)::real as diskio_read,
                      avg(diskio_writes)::real as diskio_writes,
                      avg(load_average)::real as load_average, avg(mem_usage)::real as mem_usage,
                      avg(net_receive)::real as net_receive, avg(net_send)::real as net_send
               from node_metric
               where service_id = $1 and step_seconds = $2 and at >= $4 and at <= $5
               group by 1, 2 order by 1, 2"#,
            service.0,
            period.stored().seconds,
            f64::from(period.step_seconds()),
            moment(period.from(now))?,
            moment(now)?
        )
        .fetch_all(&self.pool)
        .await?;
        let points = rows.into_iter().map(|row| {
            let values: BTreeMap<Metric, f32> = [
                (Metric::CpuUsage, row.cpu_usage),
                (Metric::DiskUsage, row.disk_usage),
                (Metric::DiskioRead, row.diskio_read),
                (Metric::DiskioWrites, row.diskio_writes),
                (Metric::LoadAverage, row.load_average),
                (Metric::MemUsage, row.mem_usage),
                (Metric::NetReceive, row.net_receive),
                (Metric::NetSend, row.net_send),
            ]
            .into_iter()
            .filter_map(|(metric, value)| Some((metric, value?)))
            .collect();
            let sample = NodeSample { node: NodeId(row.node_id), values };
            MetricPoint { at: timestamp(row.point), sample }
        });
        Ok(points.collect())
    }
}
