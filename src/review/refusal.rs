//! Every answer that is not what was asked for, in one shape: `{"ok": false, "errors": [{code, message, help}]}`.

use crate::store::journal::append::{AppendError, is_no_room};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// Why a request was not done.
#[derive(Debug)]
pub struct Refusal {
    /// HTTP status.
    pub status: StatusCode,
    /// Stable word for programs.
    pub code: &'static str,
    /// For people.
    pub message: String,
    /// What to do.
    pub help: &'static str,
    /// The present state, where that helps.
    pub present: Option<Value>,
}

impl Refusal {
    /// A refusal with this status.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>, help: &'static str) -> Self {
        Refusal { status, code, message: message.into(), help, present: None }
    }

    /// No such thing.
    pub fn not_found(what: &str) -> Self {
        Refusal::new(StatusCode::NOT_FOUND, "not_found", format!("no such {what}"), "reload the page")
    }

    /// The request cannot be understood.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Refusal::new(StatusCode::BAD_REQUEST, "bad_request", message, "reload the page")
    }

    /// The request is understood and makes no sense.
    pub fn unprocessable(code: &'static str, message: impl Into<String>) -> Self {
        Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, code, message, "choose another one")
    }

    /// Something changed meanwhile.
    pub fn conflict(code: &'static str, message: impl Into<String>, present: Option<Value>) -> Self {
        let help = "look at the present state and decide again";
        Refusal { present, ..Refusal::new(StatusCode::CONFLICT, code, message, help) }
    }

    /// A file could not be read, or SQLite failed.
    pub fn unavailable(error: impl std::fmt::Display) -> Self {
        let help = "try again; nothing that was saved is lost";
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", error.to_string(), help)
    }

    /// No space left, or quota reached.
    fn disk_full() -> Self {
        let help = "make room on the disk; the page sends it again";
        Refusal::new(StatusCode::INSUFFICIENT_STORAGE, "disk_full", AppendError::Full.to_string(), help)
    }
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        Refusal::unavailable(error)
    }
}

impl From<std::io::Error> for Refusal {
    fn from(error: std::io::Error) -> Self {
        if is_no_room(&error) { Refusal::disk_full() } else { Refusal::unavailable(error) }
    }
}

impl From<AppendError> for Refusal {
    fn from(error: AppendError) -> Self {
        let message = error.to_string();
        match error {
            AppendError::Reused => Refusal::conflict("op_reused", message, None),
            AppendError::Stale { .. } => Refusal::conflict("stale", message, None),
            AppendError::Nothing => Refusal::conflict("nothing", message, None),
            AppendError::Full => Refusal::disk_full(),
            _ => Refusal::unavailable(message),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let error = json!({ "code": self.code, "message": self.message, "help": self.help });
        let mut body = json!({ "ok": false, "errors": [error] });
        if let Some(present) = self.present {
            body["present"] = present;
        }
        let mut response = (self.status, axum::Json(body)).into_response();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Error, ErrorKind};

    #[test]
    fn a_reached_quota_is_a_full_disk() {
        for kind in [ErrorKind::StorageFull, ErrorKind::QuotaExceeded] {
            let refusal = Refusal::from(Error::from(kind));
            assert_eq!((refusal.status, refusal.code), (StatusCode::INSUFFICIENT_STORAGE, "disk_full"));
        }
        assert_eq!(Refusal::from(Error::other("torn")).status, StatusCode::SERVICE_UNAVAILABLE);
    }
}
