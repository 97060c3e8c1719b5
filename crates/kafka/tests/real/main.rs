//! Every code that this crate writes or reads, held against Kafka's own Java tools on a real
//! cluster. Runs by name only (`cargo test -p kafka --test real`) and needs
//! `TIDEGATE_TEST_BOOTSTRAP_INTERNAL` (`host:port,...` of the listener for admin calls),
//! `TIDEGATE_TEST_ADMIN_PASSWORD`, `TIDEGATE_TEST_JAVA` (a `java`), `TIDEGATE_TEST_KAFKA_LIBS` (a
//! folder of Kafka's jars) and `TIDEGATE_TEST_DIR` (a folder to write in).

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod acls;
mod cluster;
mod configs;
mod logins;
mod placement;
mod probe;
mod quotas;
mod scram;
mod stage;
mod topics;
