//! The parameters of a query or of a form.

use std::str::FromStr;

use url::form_urlencoded;

/// The parameters, in order, some more than once.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    pub(super) fn parse(body: &[u8]) -> Self {
        Self(form_urlencoded::parse(body).into_owned().collect())
    }

    /// Every value of a parameter that may come more than once.
    pub(super) fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone()).collect()
    }

    /// The value of a parameter, if it is there. An error, in words, if it is there twice.
    pub(super) fn one(&self, name: &str) -> Result<Option<&str>, String> {
        let mut values = self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value);
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(format!("{name}: given more than once")),
            (value, None) => Ok(value.map(String::as_str)),
        }
    }

    /// The same, read as a `T`.
    pub(super) fn parsed<T: FromStr<Err: ToString>>(
        &self,
        name: &str,
    ) -> Result<Option<T>, String> {
        let parse = |text: &str| {
            text.parse().map_err(|error: T::Err| format!("{name}: {}", error.to_string()))
        };
        self.one(name)?.map(parse).transpose()
    }
}
