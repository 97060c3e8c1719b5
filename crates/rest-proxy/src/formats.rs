//! How data of a record looks in JSON: one trait, one module a format. Schema-backed formats get
//! their modules beside these.

mod binary;
mod json;

use std::borrow::Cow;

/// What an embedded format of the media types means.
pub(crate) trait Embedded: Sync {
    /// From the JSON of a request, which is valid, to the bytes of a record. Never asked about
    /// `null`, which is no key or a tombstone in every format.
    fn encode<'a>(&self, data: &'a str) -> Result<Cow<'a, [u8]>, Unfit>;

    /// From the bytes of a record to JSON, appended to `out`. On an error `out` is unchanged.
    fn decode(&self, data: &[u8], out: &mut Vec<u8>) -> Result<(), Unfit>;
}

/// Data that is not what the format says, with the text for whoever sent it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unfit(pub(crate) String);

/// An embedded format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Binary,
    Json,
}

impl Format {
    /// By its name in media types and in a consumer's `format`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Binary, Self::Json].into_iter().find(|it| it.name() == name)
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Binary => "binary",
            Self::Json => "json",
        }
    }

    pub(crate) fn embedded(self) -> &'static dyn Embedded {
        match self {
            Self::Binary => &binary::Binary,
            Self::Json => &json::Json,
        }
    }
}
