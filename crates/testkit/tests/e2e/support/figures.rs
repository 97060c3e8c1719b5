//! What is measured on the way.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use super::stack::variable;

static FIGURES: Mutex<BTreeMap<String, Value>> = Mutex::new(BTreeMap::new());

/// Notes a figure, shows it, and writes all of them down if `TIDEGATE_TEST_FIGURES` says where.
#[expect(clippy::print_stdout, reason = "a figure is there to be seen")]
pub(crate) fn figure(name: &str, value: impl Into<Value>) {
    let value = value.into();
    println!("figure {name}: {value}");
    let mut figures = FIGURES.lock().unwrap_or_else(PoisonError::into_inner);
    figures.insert(name.to_owned(), value);
    let Some(path) = variable("TIDEGATE_TEST_FIGURES") else { return };
    let text = format!("{:#}\n", json!(*figures));
    std::fs::write(&path, text).unwrap_or_else(|error| panic!("cannot write {path}: {error}"));
}
