//! The calls into librdkafka that rust-rdkafka does not offer. The only unsafe code of this crate is
//! here and below.

mod batch;
mod events;
mod hand_over;
mod topic;

use std::ffi::{CStr, CString, c_char};
use std::ptr;

use model::Secret;
use rdkafka::client::{Client, ClientContext};
use rdkafka::error::KafkaError;
use rdkafka_sys::rd_kafka_resp_err_t;

pub(crate) use self::batch::{Batch, Prepared, Report, Span, Ticket};
pub(crate) use self::events::Events;
pub(crate) use self::hand_over::{Part, hand_over};
pub(crate) use self::topic::{TopicHandle, known_end};
use crate::owner::Token;

/// librdkafka did not take a token.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenError {
    /// A NUL byte in the token or the principal.
    #[error("the token or its principal holds a NUL byte")]
    Nul(#[from] std::ffi::NulError),
    /// In librdkafka's words, which never hold the token.
    #[error("librdkafka refused the token: {0}")]
    Refused(String),
}

/// A client could not be made ready.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SetupError {
    #[error("librdkafka cannot create a client")]
    Create(#[from] KafkaError),
    #[error("an address or a credential holds a NUL byte")]
    Nul(#[from] std::ffi::NulError),
    #[error("librdkafka did not take the credentials or the addresses")]
    Refused,
}

/// Who a client is, exactly as written, and where it connects to.
pub(crate) struct Login {
    pub(crate) username: String,
    pub(crate) password: Secret,
    pub(crate) brokers: String,
}

/// Lets a new `client` that knows no broker yet connect as `login`.
///
/// The configuration would not do: librdkafka cuts white space from the left of every value, and
/// the platform's own principals begin with a space. Without brokers nothing was tried before.
pub(crate) fn log_in<C: ClientContext>(
    client: &Client<C>,
    login: &Login,
) -> Result<(), SetupError> {
    let username = CString::new(login.username.as_str())?;
    let password = CString::new(login.password.expose())?;
    let brokers = CString::new(login.brokers.as_str())?;
    #[expect(unsafe_code, reason = "rust-rdkafka has no binding for this")]
    // SAFETY: the client outlives the calls, which librdkafka documents as thread-safe. The strings
    // end in NUL and are copied. The error object is ours to destroy.
    let added = unsafe {
        let client = client.native_ptr();
        let error = rdkafka_sys::rd_kafka_sasl_set_credentials(
            client,
            username.as_ptr(),
            password.as_ptr(),
        );
        if error.is_null() {
            rdkafka_sys::rd_kafka_brokers_add(client, brokers.as_ptr())
        } else {
            rdkafka_sys::rd_kafka_error_destroy(error);
            0
        }
    };
    if added > 0 { Ok(()) } else { Err(SetupError::Refused) }
}

/// Wakes the threads of a producer `client`: what has lingered long enough is sent. Blocks for nothing.
pub(crate) fn send_now<C: ClientContext>(client: &Client<C>) {
    #[expect(unsafe_code, reason = "rust-rdkafka has no binding for this alone")]
    // SAFETY: the client outlives the call, which librdkafka documents as thread-safe. Without time
    // to wait it always says that it timed out.
    unsafe {
        rdkafka_sys::rd_kafka_flush(client.native_ptr(), 0);
    }
}

/// Gives `client` a token for its next logins and re-authentications. Connections that are up stay
/// up. May be called from any thread at any time.
pub(crate) fn set_token<C: ClientContext>(
    client: &Client<C>,
    token: &Token,
    principal: &str,
) -> Result<(), TokenError> {
    let text = CString::new(token.text.expose())?;
    let principal = CString::new(principal)?;
    let mut reason: [c_char; 256] = [0; 256];
    #[expect(unsafe_code, reason = "rust-rdkafka has no binding for this")]
    // SAFETY: the client outlives the call, which librdkafka documents as thread-safe. The strings
    // end in NUL and are copied before it returns. There are no extensions. `reason` is as long as
    // said.
    let code = unsafe {
        rdkafka_sys::rd_kafka_oauthbearer_set_token(
            client.native_ptr(),
            text.as_ptr(),
            token.expires_at.0,
            principal.as_ptr(),
            ptr::null_mut(),
            0,
            reason.as_mut_ptr(),
            reason.len(),
        )
    };
    if code == rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
        return Ok(());
    }
    #[expect(unsafe_code, reason = "a C string comes back")]
    // SAFETY: `reason` was zeroed, and librdkafka writes at most its length including a NUL.
    let reason = unsafe { CStr::from_ptr(reason.as_ptr()) };
    Err(TokenError::Refused(reason.to_string_lossy().into_owned()))
}
