//! The main job, end to end, on a running stack: real `avn`, curl, librdkafka, and Kafka's own
//! console clients. `cargo xtask test --suite e2e` starts a stack and runs this.
//!
//! Everything comes from the environment: what `cargo xtask dev env` prints (`AIVEN_*`,
//! `TIDEGATE_*`), and `TIDEGATE_TEST_AVN` (the program), `TIDEGATE_TEST_AVN_4_15` (an older one),
//! `TIDEGATE_TEST_PYTHON` (one that has confluent-kafka), `TIDEGATE_TEST_GO` (a `go`), `TIDEGATE_TEST_JAVA` (a `java`),
//! `TIDEGATE_TEST_KAFKA_LIBS` (a folder of Kafka's jars), `TIDEGATE_TEST_XTASK` (the program that
//! brought the stack up), `TIDEGATE_TEST_DIR` (the folder below which everything of it runs). With
//! `TIDEGATE_TEST_FIGURES` set, what was measured is written to that file as JSON.
//!
//! The tests share the stack: run them with `--test-threads=1`. In alphabetical order they are the
//! steps of the story; each sets up what it needs, so each also passes alone, and again.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod s1_service;
mod s2_oidc;
mod s3_authorization;
mod s4_access;
mod s4_access_loss;
mod s4_accounts;
mod s4_kafka_acls;
mod s5_proxy;
mod s5_rest_v2;
mod s6_brokers;
mod s7_clients;
mod s7_documented;
mod s7_refusals;
mod s8_recovery;
mod s9_rest_faults;
mod s9_rest_tokens;
mod support;
mod t1_rollouts;
mod t2_bad_revisions;
mod t3_roll_faults;
mod t4_lifecycle;
mod t5_overrides;
mod t6_second_service;
