//! What a report of schemathesis says, in a few lines that a person understands.

use std::fmt;

use anyhow::{Context as _, ensure};
use serde_json::Value;

/// How much was asked, and what was found.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Summary {
    /// Operations of the document.
    total: u64,
    /// Those that were asked.
    tested: u64,
    /// Those that answered a right request with a success at least once.
    succeeded: u64,
    /// Requests that were made up, and whose answers were checked.
    cases: u64,
    findings: Vec<Finding>,
    /// Whether it came to its end.
    complete: bool,
    /// What schemathesis itself could not do.
    errors: u64,
}

/// One kind of finding.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    title: String,
    count: u64,
    operations: Vec<String>,
}

impl Summary {
    /// Reads the report that `--report json` writes.
    pub(super) fn read(report: &Value) -> anyhow::Result<Self> {
        let number = |group: &str, key: &str| {
            let value = report[group][key].as_u64();
            value.with_context(|| format!("the report says nothing of {group}.{key}"))
        };
        let list = |key: &str| {
            report[key].as_array().with_context(|| format!("the report says nothing of {key}"))
        };
        let rates = report["valid_rates"].as_object().context("the report has no valid_rates")?;
        let accepts = |it: &&Value| {
            let mut phases = it.as_object().into_iter().flat_map(|it| it.values());
            phases.any(|it| it["accepted"].as_u64().is_some_and(|it| it > 0))
        };
        Ok(Self {
            total: number("operations", "total")?,
            tested: number("operations", "tested")?,
            succeeded: rates.values().filter(accepts).count().try_into()?,
            cases: number("test_cases", "generated")?,
            findings: list("failures")?.iter().map(Finding::read).collect::<anyhow::Result<_>>()?,
            complete: report["complete"] == true,
            errors: list("errors")?.len().try_into()?,
        })
    }

    /// An error if anything was found, or if too little was asked to find anything.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        let count = self.findings.iter().map(|it| it.count).sum::<u64>();
        ensure!(count == 0, "{count} findings");
        ensure!(self.errors == 0, "{} errors of schemathesis", self.errors);
        ensure!(self.complete, "schemathesis stopped early");
        let (tested, total) = (self.tested, self.total);
        ensure!(total > 0 && tested == total, "{tested} of {total} operations were tested");
        let succeeded = self.succeeded;
        ensure!(succeeded * 2 >= total, "only {succeeded} of {total} operations had a success");
        Ok(())
    }
}

impl Finding {
    fn read(failure: &Value) -> anyhow::Result<Self> {
        let operations = failure["operations"].as_array().context("a finding has operations")?;
        let operations = operations.iter().filter_map(|it| it.as_str().map(str::to_owned));
        Ok(Self {
            title: failure["title"].as_str().context("a finding has a title")?.to_owned(),
            count: failure["count"].as_u64().context("a finding has a count")?,
            operations: operations.collect(),
        })
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { total, tested, succeeded, cases, .. } = self;
        writeln!(f, "{tested} of {total} operations, {succeeded} of them with a success")?;
        write!(f, "{cases} requests, right and wrong")?;
        let found: u64 = self.findings.iter().map(|it| it.count).sum();
        write!(f, "\n{found} findings")?;
        for Finding { title, count, operations } in &self.findings {
            write!(f, "\n  {count} × {title}: {}", operations.join(", "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn report() -> Value {
        json!({
            "complete": true,
            "operations": { "total": 2, "tested": 2 },
            "test_cases": { "generated": 90 },
            "failures": [],
            "errors": [],
            "valid_rates": {
                "GET /a": { "coverage": { "accepted": 0 }, "fuzzing": { "accepted": 3 } },
                "GET /b": { "fuzzing": { "accepted": 0 } },
            },
        })
    }

    #[test]
    fn a_clean_report_is_told_in_three_lines() {
        let summary = Summary::read(&report()).unwrap();
        insta::assert_snapshot!(summary, @r"
        2 of 2 operations, 1 of them with a success
        90 requests, right and wrong
        0 findings
        ");
        summary.check().unwrap();
    }

    #[test]
    fn what_was_found_or_left_out_is_an_error() {
        let check = |key: &str, value: Value| {
            let mut report = report();
            report[key] = value;
            Summary::read(&report).unwrap().check().unwrap_err().to_string()
        };
        let failure = json!({ "title": "Server error", "count": 2, "operations": ["GET /a"] });
        assert_eq!(check("failures", json!([failure])), "2 findings");
        assert_eq!(check("errors", json!([{}])), "1 errors of schemathesis");
        assert_eq!(check("complete", json!(false)), "schemathesis stopped early");
        let operations = json!({ "total": 2, "tested": 1 });
        assert_eq!(check("operations", operations), "1 of 2 operations were tested");
        let never = json!({ "GET /a": { "fuzzing": { "accepted": 0 } } });
        assert_eq!(check("valid_rates", never), "only 0 of 2 operations had a success");
        assert!(Summary::read(&json!({})).is_err());
    }
}
