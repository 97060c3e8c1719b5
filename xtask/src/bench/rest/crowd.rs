//! A thousand of them: principals that produce, consumer instances that wait.

use super::pairs::{Pair, measure};
use super::produce::{http, rate_row};
use super::rig::{Rig, path, strings};
use crate::bench::row::Row;

/// A thousand principals, each with its own token.
pub(super) fn principals(rig: &Rig<'_>) -> anyhow::Result<Vec<Row>> {
    let proxy = rig.proxy(true)?;
    let topic = rig.cluster.create_short_topic(&rig.tool, "m")?;
    let count = if rig.effort.quick { "101" } else { "1001" };
    let tokens = rig.tokens("crowd", &["--count", count])?;
    let mut args = strings(&["principals", "--url", &proxy.url, "--topic", &topic]);
    args.extend(strings(&["--watch", &proxy.watch(), "--tokens", &path(&tokens)]));
    let report = rig.tool.run(&args)?;
    let one = rig.token()?;
    let shape = strings(&["--records", "100"]);
    let pairs = measure(rig.effort, "records", |_| {
        let theirs =
            rig.tool.run(&[http(rig, &proxy, &topic, Some(&one)), shape.clone()].concat())?;
        let ours =
            rig.tool.run(&[http(rig, &proxy, &topic, Some(&tokens)), shape.clone()].concat())?;
        Ok(Pair { theirs, ours, missing: 0 })
    })?;
    rig.cluster.delete_topic(&rig.tool, &topic)?;
    let name = format!("{} principals", report.number("principals")?);
    let (failures, first) = report.failures();
    let number = |key: &str| report.number(key);
    let row = |what: &str, value, unit| {
        Row::new(format!("{name}: {what}"), value, unit).failed(failures, first.clone())
    };
    let (failed, how) = pairs.failures();
    let rate = format!("{name}: 100 x 100 B, one principal beside");
    Ok(vec![
        row("memory each", number("memory_mib_each")?, "MiB").at_most(1.5),
        row("librdkafka threads each", number("librdkafka_threads_each")?, "threads"),
        row("first record p50", number("first.p50_ms")?, "ms"),
        row("first record p99", number("first.p99_ms")?, "ms").at_most(100.0),
        row("first record max", number("first.max_ms")?, "ms"),
        row("another's record meanwhile p50", number("beside.p50_ms")?, "ms")
            .beside(number("alone.p50_ms")?),
        row("another's record meanwhile p99", number("beside.p99_ms")?, "ms")
            .beside(number("alone.p99_ms")?),
        row("another's record meanwhile max", number("beside.max_ms")?, "ms")
            .beside(number("alone.max_ms")?)
            .at_most(100.0),
        rate_row(&rate, &pairs, "records", "records/s")?
            .ratio_at_least(0.8)
            .failed(failed, how)
            .note(pairs.note()),
    ])
}

/// A thousand consumer instances without anything to read.
pub(super) fn idle_polls(rig: &Rig<'_>) -> anyhow::Result<Vec<Row>> {
    let proxy = rig.proxy(false)?;
    let topic = rig.cluster.create_topic(&rig.tool, "i")?;
    let mut args = strings(&["idle-polls", "--url", &proxy.url, "--topic", &topic]);
    args.extend(strings(&["--watch", &proxy.watch()]));
    args.extend(rig.watch_brokers());
    if rig.effort.quick {
        args.extend(strings(&["--instances", "200", "--settle", "5", "--seconds", "5"]));
    }
    let report = rig.tool.run(&args)?;
    drop(proxy);
    // The same number of consumers without a proxy: what librdkafka's threads take by themselves.
    let mut args = rig.native("native-idle", &topic)?;
    if rig.effort.quick {
        args.extend(strings(&["--consumers", "200", "--seconds", "5"]));
    }
    let alone = rig.tool.run(&args)?;
    rig.cluster.delete_topic(&rig.tool, &topic)?;
    let name = format!("{} idle consumers", report.number("instances")?);
    let (failures, first) = report.failures();
    let row = |what: &str, value, unit| {
        Row::new(format!("{name}: {what}"), value, unit).failed(failures, first.clone())
    };
    let seconds = report.number("seconds")?;
    let memory = report.number("memory_mib.proxy")?;
    let each = memory - report.number("memory_mib_before")?;
    Ok(vec![
        row("memory of the proxy", memory, "MiB").at_most(700.0),
        row("memory each", each / report.number("instances")?, "MiB"),
        row("librdkafka threads each", report.number("librdkafka_threads_each")?, "threads"),
        row("creating all", report.number("creating_seconds")?, "s"),
        // Those of the runtime are there from the start; none may come with an instance.
        row("other threads", report.number("other_threads")?, "threads")
            .beside(report.number("other_threads_before")?)
            .at_most(report.number("other_threads_before")? + 8.0),
        row("CPU of the proxy", report.number("cpu.proxy")? / seconds * 100.0, "% of core")
            .beside(alone.number("cpu.tool")? / alone.number("seconds")? * 100.0)
            .at_most(10.0)
            .note(Some("beside: as many consumers of librdkafka alone".to_owned())),
        row("CPU of the broker", report.number("cpu.broker0")? / seconds * 100.0, "% of core"),
    ])
}
