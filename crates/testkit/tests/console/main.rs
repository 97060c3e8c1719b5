//! The console's pages in real Chromium, on a running stack. `cargo xtask test` runs this after the
//! end-to-end suite; `cargo xtask test --suite console` starts a stack of its own for it.
//!
//! Everything comes from the environment: what `cargo xtask dev env` prints (`AIVEN_*`,
//! `TIDEGATE_*`), and `TIDEGATE_TEST_CHROMEDRIVER`, `TIDEGATE_TEST_CHROMIUM` (the programs),
//! `TIDEGATE_TEST_AXE` (the file `axe.min.js`), `TIDEGATE_TEST_SCREENSHOTS` (the folder for
//! pictures of pages; those of failures begin with `FAILED-`).
//!
//! A test is one call of [`support::browse`]: it has a browser of its own, which is gone afterwards
//! whatever happens, and fails if the page logged an error or broke its content security policy.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod a_harness;
mod b_identity_provider;
mod c_sign_in;
mod c_sign_in_oidc;
mod d_live;
mod d_pages;
mod e_contents;
mod e_rollouts;
mod f_configuration;
mod f_tables;
mod g_sessions;
mod support;
mod z_reports;
