//! Producing over HTTP beside producing natively.

use super::pairs::{Pair, Pairs, measure};
use super::rig::{Proxy, Rig, path, strings};
use crate::bench::row::Row;

/// Requests of one kind, and what they have to reach.
pub(super) struct Shape {
    name: &'static str,
    records: &'static str,
    size: &'static str,
    /// Of the native rate.
    ratio: f64,
    /// CPU seconds of the proxy for a million records.
    cpu: Option<f64>,
}

pub(super) const LARGE: Shape =
    Shape { name: "1000 x 100 B", records: "1000", size: "100", ratio: 0.70, cpu: Some(0.8) };
pub(super) const MEDIUM: Shape =
    Shape { name: "100 x 100 B", records: "100", size: "100", ratio: 0.40, cpu: Some(1.2) };
pub(super) const HEAVY: Shape =
    Shape { name: "100 x 1 KiB", records: "100", size: "1024", ratio: 0.80, cpu: None };

/// Sixteen connections with batches of records.
pub(super) fn batches(rig: &Rig<'_>, shape: &Shape) -> anyhow::Result<Vec<Row>> {
    let proxy = rig.proxy(rig.always_tokens)?;
    let token = rig.usual_token()?;
    let pairs = measure(rig.effort, "records", |attempt| {
        // A topic each: what the one wrote is gone before the other begins.
        let topic = rig.cluster.create_short_topic(&rig.tool, &format!("n{attempt}"))?;
        let mut native = rig.native("native-produce", &topic)?;
        native.extend(strings(&["--size", shape.size]));
        native.extend(window(rig));
        let theirs = rig.tool.run(&native)?;
        rig.cluster.delete_topic(&rig.tool, &topic)?;
        let topic = rig.cluster.create_short_topic(&rig.tool, &format!("p{attempt}"))?;
        let mut args = http(rig, &proxy, &topic, token.as_deref());
        args.extend(strings(&["--records", shape.records, "--size", shape.size]));
        let ours = rig.tool.run(&args)?;
        let missing = missing(ours.number("records")?, rig.landed(&topic)?);
        rig.cluster.delete_topic(&rig.tool, &topic)?;
        Ok(Pair { theirs, ours, missing })
    })?;
    let name = format!("produce {}, 16 connections", shape.name);
    let (failures, first) = pairs.failures();
    let rate = rate_row(&name, &pairs, "records", "records/s")?.ratio_at_least(shape.ratio);
    let mut cpu = cpu_row(&name, &pairs, "records")?
        .beside(pairs.median(|it| it.theirs.cpu_per_million("tool", "records"))?);
    if let Some(limit) = shape.cpu {
        cpu = cpu.at_most(limit);
    }
    let mut rows = vec![rate.failed(failures, first).note(pairs.note()), cpu];
    rows.extend(latency_rows(&name, &pairs, None)?);
    rows.push(memory_row(&name, &pairs)?);
    Ok(rows)
}

/// Sixty-four connections with one record at a time, beside the same server without Kafka.
pub(super) fn single(rig: &Rig<'_>) -> anyhow::Result<Vec<Row>> {
    let proxy = rig.proxy(rig.always_tokens)?;
    let token = rig.usual_token()?;
    let pairs = measure(rig.effort, "requests", |attempt| {
        let topic = rig.cluster.create_topic(&rig.tool, &format!("s{attempt}"))?;
        let mut health = strings(&["http", "--get", "--connections", "64"]);
        health.extend(["--url".to_owned(), format!("{}/_health", proxy.url)]);
        health.extend(strings(&["--watch", &proxy.watch()]));
        health.extend(window(rig));
        let theirs = rig.tool.run(&health)?;
        let mut args = http(rig, &proxy, &topic, token.as_deref());
        args.extend(strings(&["--records", "1", "--connections", "64"]));
        let ours = rig.tool.run(&args)?;
        let missing = missing(ours.number("records")?, rig.landed(&topic)?);
        rig.cluster.delete_topic(&rig.tool, &topic)?;
        Ok(Pair { theirs, ours, missing })
    })?;
    let name = "produce 1 record, 64 connections";
    let (failures, first) = pairs.failures();
    let rate = rate_row(name, &pairs, "requests", "requests/s")?.ratio_at_least(0.40);
    let mut rows = vec![rate.failed(failures, first).note(pairs.note())];
    rows.extend(latency_rows(name, &pairs, Some((2.0, Some(10.0))))?);
    rows.push(cpu_row(name, &pairs, "records")?);
    rows.push(memory_row(name, &pairs)?);
    Ok(rows)
}

/// One connection with one record at a time.
pub(super) fn serial(rig: &Rig<'_>) -> anyhow::Result<Vec<Row>> {
    let proxy = rig.proxy(rig.always_tokens)?;
    let token = rig.usual_token()?;
    let pairs = measure(rig.effort, "requests", |attempt| {
        let topic = rig.cluster.create_topic(&rig.tool, &format!("o{attempt}"))?;
        let mut health = strings(&["http", "--get", "--connections", "1"]);
        health.extend(["--url".to_owned(), format!("{}/_health", proxy.url)]);
        health.extend(window(rig));
        let theirs = rig.tool.run(&health)?;
        let mut args = http(rig, &proxy, &topic, token.as_deref());
        args.extend(strings(&["--records", "1", "--connections", "1"]));
        let ours = rig.tool.run(&args)?;
        let missing = missing(ours.number("records")?, rig.landed(&topic)?);
        rig.cluster.delete_topic(&rig.tool, &topic)?;
        Ok(Pair { theirs, ours, missing })
    })?;
    let (failures, first) = pairs.failures();
    let rows = latency_rows("produce 1 record, 1 connection", &pairs, Some((0.5, None)))?;
    let note = pairs.note();
    Ok(rows.into_iter().map(|row| row.failed(failures, first.clone()).note(note.clone())).collect())
}

/// The arguments for requests to the proxy.
pub(super) fn http(
    rig: &Rig<'_>,
    proxy: &Proxy,
    topic: &str,
    tokens: Option<&std::path::Path>,
) -> Vec<String> {
    let mut args = strings(&["http", "--url", &proxy.url, "--topic", topic]);
    args.extend(["--watch".to_owned(), proxy.watch()]);
    if let Some(tokens) = tokens {
        args.extend(["--tokens".to_owned(), path(tokens)]);
    }
    args.extend(window(rig));
    args
}

/// The arguments for how long.
pub(super) fn window(rig: &Rig<'_>) -> Vec<String> {
    let (seconds, warm_up) = (rig.effort.seconds.to_string(), rig.effort.warm_up.to_string());
    let mut args = strings(&["--seconds", &seconds, "--warm-up", &warm_up]);
    args.extend(rig.watch_brokers());
    args
}

/// Records that were acknowledged in a window and did not arrive.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count, not below 0")]
fn missing(acknowledged: f64, landed: f64) -> u64 {
    (acknowledged - landed).max(0.0) as u64
}

/// Ours beside theirs, with the median of the ratios.
pub(super) fn rate_row(
    name: &str,
    pairs: &Pairs,
    count: &str,
    unit: &'static str,
) -> anyhow::Result<Row> {
    let ratio = pairs.median(|it| Ok(it.ours.rate(count)? / it.theirs.rate(count)?))?;
    Ok(Row::new(name, pairs.median(|it| it.ours.rate(count))?, unit)
        .beside(pairs.median(|it| it.theirs.rate(count))?)
        .ratio_of(ratio))
}

fn cpu_row(name: &str, pairs: &Pairs, count: &str) -> anyhow::Result<Row> {
    let cpu = pairs.median(|it| it.ours.cpu_per_million("proxy", count))?;
    Ok(Row::new(format!("{name}: CPU"), cpu, "s/million"))
}

fn memory_row(name: &str, pairs: &Pairs) -> anyhow::Result<Row> {
    let memory = pairs.largest(|it| it.ours.number("memory_mib.proxy"))?;
    Ok(Row::new(format!("{name}: memory"), memory, "MiB"))
}

/// p50 and p99, with their limits if there are.
fn latency_rows(
    name: &str,
    pairs: &Pairs,
    limits: Option<(f64, Option<f64>)>,
) -> anyhow::Result<[Row; 2]> {
    let row = |percent: &str, limit: Option<f64>| {
        let value = pairs.median(|it| it.ours.number(&format!("{percent}_ms")))?;
        let row = Row::new(format!("{name}: {percent}"), value, "ms");
        anyhow::Ok(if let Some(limit) = limit { row.at_most(limit) } else { row })
    };
    Ok([row("p50", limits.map(|it| it.0))?, row("p99", limits.and_then(|it| it.1))?])
}
