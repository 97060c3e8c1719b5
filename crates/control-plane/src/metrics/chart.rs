//! A series as Google Charts takes it.

use std::collections::BTreeMap;

use model::{Metric, NodeId, ServiceName, Timestamp};
use serde::Serialize;
use store::MetricPoint;
use utoipa::ToSchema;

use crate::time::rfc3339;

/// A metric of each node over time.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Series {
    data: Table,
    hints: Hints,
}

#[derive(Debug, Serialize, ToSchema)]
struct Table {
    cols: Vec<Column>,
    /// A cell for each column, by time: from the first point that there is to the last.
    rows: Vec<Vec<Cell>>,
}

/// The time, or a node.
#[derive(Debug, Serialize, ToSchema)]
struct Column {
    label: String,
    #[serde(rename = "type")]
    kind: &'static str,
}

/// When a step begins, or the mean of a node over it: null if nothing was measured.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
#[serde(untagged)]
enum Cell {
    Time(String),
    Mean(Option<f32>),
}

#[derive(Debug, Serialize, ToSchema)]
struct Hints {
    /// What to write above it.
    title: String,
}

/// What it is called where it is drawn. Aiven's titles, where the same is measured.
const fn title(metric: Metric) -> &'static str {
    match metric {
        Metric::CpuUsage => "CPU usage %",
        Metric::DiskUsage => "Disk space usage %",
        Metric::DiskioRead => "Disk reads (bytes/s)",
        Metric::DiskioWrites => "Disk writes (bytes/s)",
        Metric::LoadAverage => "Load average",
        Metric::MemUsage => "Memory usage %",
        Metric::NetReceive => "Network received by the node's machine (bytes/s)",
        Metric::NetSend => "Network transmitted by the node's machine (bytes/s)",
    }
}

/// The series of a metric: a column for each of `nodes`, and a row for each step between the first of
/// `points` and the last. What there is not is null: nothing is made up.
pub(super) fn series(
    service: &ServiceName,
    nodes: &[NodeId],
    points: &[MetricPoint],
    step_seconds: i32,
    metric: Metric,
) -> Series {
    let time = Column { label: "time".to_owned(), kind: "date" };
    let label = |node| Column { label: format!("{service}-{node}"), kind: "number" };
    let cols = std::iter::once(time).chain(nodes.iter().map(label)).collect();
    let rows = rows(nodes, points, step_seconds, metric);
    let title = title(metric);
    let title = if rows.is_empty() { format!("{title}: no samples yet") } else { title.to_owned() };
    Series { data: Table { cols, rows }, hints: Hints { title } }
}

/// Empty if no node has a value.
fn rows(
    nodes: &[NodeId],
    points: &[MetricPoint],
    step_seconds: i32,
    metric: Metric,
) -> Vec<Vec<Cell>> {
    let known: BTreeMap<(Timestamp, NodeId), f32> = points
        .iter()
        .filter(|it| nodes.contains(&it.sample.node))
        .filter_map(|it| Some(((it.at, it.sample.node), *it.sample.values.get(&metric)?)))
        .collect();
    let (Some((first, _)), Some((last, _))) = (known.keys().next(), known.keys().next_back())
    else {
        return Vec::new();
    };
    let next = |at: &Timestamp| Some(at.plus_ms(i64::from(step_seconds) * 1000));
    let steps = std::iter::successors(Some(*first), next).take_while(|it| it <= last);
    let row = |at: Timestamp| {
        let mean = |node: &NodeId| Cell::Mean(known.get(&(at, *node)).copied());
        std::iter::once(Cell::Time(rfc3339(at))).chain(nodes.iter().map(mean)).collect()
    };
    steps.map(row).collect()
}

#[cfg(test)]
mod tests {
    use model::NodeSample;
    use serde_json::json;

    use super::*;

    /// 2026-11-21T20:00:00Z.
    const START: i64 = 1_795_291_200_000;

    fn point(second: i64, node: i32, cpu: Option<f32>) -> MetricPoint {
        let values = cpu.map(|it| (Metric::CpuUsage, it)).into_iter().collect();
        let sample = NodeSample { node: NodeId(node), values };
        MetricPoint { at: Timestamp(START + second * 1000), sample }
    }

    fn drawn(points: &[MetricPoint]) -> serde_json::Value {
        json!(rows(&[NodeId(1), NodeId(2)], points, 30, Metric::CpuUsage))
    }

    #[test]
    fn a_gap_stays_a_gap() {
        let points = [
            point(0, 1, None),
            point(30, 1, Some(1.5)),
            point(30, 2, Some(0.0)),
            point(60, 2, None),
            point(120, 2, Some(3.0)),
            point(150, 1, None),
            // A node that has left.
            point(180, 9, Some(9.0)),
        ];
        let expected = json!([
            ["2026-11-21T20:00:30Z", 1.5, 0.0],
            ["2026-11-21T20:01:00Z", null, null],
            ["2026-11-21T20:01:30Z", null, null],
            ["2026-11-21T20:02:00Z", null, 3.0],
        ]);
        assert_eq!(drawn(&points), expected);
    }

    #[test]
    fn without_a_value_there_is_no_row_and_the_title_says_so() {
        for points in [vec![], vec![point(0, 1, None)], vec![point(0, 9, Some(1.0))]] {
            assert_eq!(drawn(&points), json!([]), "{points:?}");
        }
        let name: ServiceName = "my-kafka".parse().unwrap();
        let of = |points: &[MetricPoint]| {
            series(&name, &[NodeId(1)], points, 30, Metric::CpuUsage).hints.title
        };
        assert_eq!(of(&[]), "CPU usage %: no samples yet");
        assert_eq!(of(&[point(0, 1, Some(1.0))]), "CPU usage %");
    }
}
