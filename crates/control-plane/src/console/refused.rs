//! A form that was refused: which of its questions an error is about.

use axum::response::{IntoResponse as _, Response};
use console::Frame;
use console::pages::form::{Question, Refusal, View, page};

use super::show::{Failed, Show};
use crate::error::ApiError;

/// What a form says of an error. What is not about what was given, such as a weak role or a database
/// that is away, is passed on; that Kafka is away is said in the form, so that nothing is typed twice.
pub(super) fn refusal(
    error: ApiError,
    questions: &[Question],
    else_about: Option<&'static str>,
) -> Result<Refusal, Failed> {
    let about = match &error {
        ApiError::Conflict(_) => else_about,
        ApiError::Invalid(_)
        | ApiError::Forbidden(_)
        | ApiError::NotOffered(_)
        | ApiError::Unavailable(..) => None,
        _ => return Err(error.into()),
    };
    error.log();
    Ok(Refusal::of(error.to_string(), questions, about))
}

/// The form again, with what was in it and why it was refused.
pub(super) fn again(
    frame: &Frame,
    mut view: View,
    error: ApiError,
    else_about: Option<&'static str>,
) -> Result<Response, Failed> {
    view.form.refusal = Some(refusal(error, &view.form.questions, else_about)?);
    Ok(Show::refused(page(frame, &view)).into_response())
}

/// A number in a form; nothing in it is `None`.
pub(super) fn number<T: std::str::FromStr>(name: &str, text: &str) -> Result<Option<T>, ApiError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| {
        let shown: String = text.escape_debug().take(64).collect();
        ApiError::Invalid(format!("Invalid '{name}' '{shown}': it is no number, or far too large"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_one_or_the_error_names_its_field() {
        assert_eq!(number::<i32>("partitions", " 3 ").unwrap(), Some(3));
        assert_eq!(number::<i32>("partitions", " ").unwrap(), None);
        for wrong in ["x", "1.5", "99999999999"] {
            let error = number::<i32>("partitions", wrong).unwrap_err().to_string();
            assert!(error.starts_with(&format!("Invalid 'partitions' '{wrong}'")), "{error}");
        }
    }
}
