//! Consuming over HTTP beside consuming natively, and waiting for records.

use super::pairs::{Pair, measure};
use super::produce::rate_row;
use super::rig::{Rig, path, strings};
use crate::bench::row::Row;

const RECORDS: &str = "200000";
/// As `max_bytes` of a request; absent for the proxy's default.
const BOUNDS: [(&str, Option<&str>); 2] = [("default", None), ("1 MiB", Some("1048576"))];

/// One instance that reads a full topic.
pub(super) fn drain(rig: &Rig<'_>) -> anyhow::Result<Vec<Row>> {
    let proxy = rig.proxy(rig.always_tokens)?;
    let token = rig.usual_token()?;
    let topic = rig.cluster.create_topic(&rig.tool, "c")?;
    let mut fill = rig.native("topic", &topic)?;
    fill.extend(strings(&["--fill", RECORDS, "--size", "1024"]));
    rig.tool.run(&fill)?;
    let mut native = rig.native("native-consume", &topic)?;
    native.extend(strings(&["--records", RECORDS]));
    native.extend(rig.watch_brokers());
    // The first read warms the node up.
    rig.tool.run(&native)?;
    let mut rows = Vec::new();
    for (name, max_bytes) in BOUNDS {
        let mut args = strings(&["http-consume", "--url", &proxy.url, "--topic", &topic]);
        args.extend(strings(&["--records", RECORDS, "--watch", &proxy.watch()]));
        args.extend(rig.watch_brokers());
        if let Some(max_bytes) = max_bytes {
            args.extend(strings(&["--max-bytes", max_bytes]));
        }
        if let Some(token) = &token {
            args.extend(["--token".to_owned(), path(token)]);
        }
        let pairs = measure(rig.effort, "records", |_| {
            let theirs = rig.tool.run(&native)?;
            let ours = rig.tool.run(&args)?;
            Ok(Pair { theirs, ours, missing: 0 })
        })?;
        let name = format!("consume 1 KiB, max_bytes {name}");
        let (failures, first) = pairs.failures();
        let rate = rate_row(&name, &pairs, "records", "records/s")?.ratio_at_least(1.0);
        rows.push(rate.failed(failures, first).note(pairs.note()));
        let flow = |report: &super::tool::Report| {
            Ok(report.number("records")? / report.number("flowing_seconds")?)
        };
        let row = Row::new(
            format!("{name}: once it flows"),
            pairs.median(|it| flow(&it.ours))?,
            "records/s",
        );
        rows.push(row.beside(pairs.median(|it| flow(&it.theirs))?));
        let cpu = pairs.median(|it| it.ours.cpu_per_million("proxy", "records"))?;
        rows.push(Row::new(format!("{name}: CPU"), cpu, "s/million"));
        let memory = pairs.largest(|it| it.ours.number("memory_mib.proxy"))?;
        rows.push(Row::new(format!("{name}: memory"), memory, "MiB"));
    }
    rig.cluster.delete_topic(&rig.tool, &topic)?;
    Ok(rows)
}

/// A waiting request, and a record that is acknowledged.
pub(super) fn long_poll(rig: &Rig<'_>) -> anyhow::Result<Vec<Row>> {
    let proxy = rig.proxy(rig.always_tokens)?;
    let topic = rig.cluster.create_topic(&rig.tool, "l")?;
    let mut args = rig.native("long-poll", &topic)?;
    args.extend(["--url".to_owned(), proxy.url.clone()]);
    args.extend(strings(&["--samples", if rig.effort.quick { "100" } else { "400" }]));
    if let Some(token) = rig.usual_token()? {
        args.extend(["--rest-token".to_owned(), path(&token)]);
    }
    let report = rig.tool.run(&args)?;
    rig.cluster.delete_topic(&rig.tool, &topic)?;
    let (failures, first) = report.failures();
    let name = "long poll, acknowledgement to answer";
    let p50 = Row::new(format!("{name}: p50"), report.number("p50_ms")?, "ms").at_most(1.5);
    let p99 = Row::new(format!("{name}: p99"), report.number("p99_ms")?, "ms").at_most(5.0);
    Ok([p50, p99].map(|row| row.failed(failures, first.clone())).into())
}
