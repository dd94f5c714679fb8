//! Every request passes here first: where it comes from, what it looks like, who sends it. Every reply of ours passes here
//! last and gets the headers of [`super::head`].
//!
//! Never happens here: a redirect, a cookie, a header that lets another site read anything.

use super::head::HEADERS;
use super::key::{Holder, Keys};
use super::refusal::Refusal;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use std::time::Duration;

/// Largest body of a request.
pub const MAX_BODY: usize = 1 << 20;

/// Most headers of a request, and most bytes in them.
const MAX_HEADERS: usize = 64;
const MAX_HEADER_BYTES: usize = 16 << 10;

/// What the guard knows.
#[derive(Debug)]
pub struct Guard {
    /// The port that the server listens on.
    pub port: u16,
    /// Keys in force.
    pub keys: Keys,
}

/// The middleware.
pub async fn watch(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let (request, refusal) = guard.check(request).await;
    let mut response = match refusal {
        None => next.run(request).await,
        Some(refusal) => {
            let mut response = refusal.into_response();
            // What is left of the request is not read; the connection ends with the reply.
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            response
        }
    };
    for (name, value) in HEADERS {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}

impl Guard {
    async fn check(&self, mut request: Request) -> (Request, Option<Refusal>) {
        if let Some(refusal) = self.check_shape(&request) {
            return (request, Some(refusal));
        }
        if !request.uri().path().starts_with("/api/") {
            let refusal = self.check_origin(request.headers());
            return (request, refusal);
        }
        let Some(holder) = bearer(request.headers()).and_then(|key| self.keys.holder(key)) else {
            if self.keys.failed() {
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
            let help = "open the page through the link that `precode review` gives";
            let refusal =
                Refusal::new(StatusCode::UNAUTHORIZED, "not_signed_in", "the key is missing or not in force", help);
            return (request, Some(refusal));
        };
        let refusal =
            self.check_origin(request.headers()).or_else(|| check_site(&request)).or_else(|| check_type(&request));
        request.extensions_mut().insert(holder);
        (request, refusal)
    }

    /// Host, target and sizes, before anything is routed.
    fn check_shape(&self, request: &Request) -> Option<Refusal> {
        let headers = request.headers();
        if !self.is_our_host(headers) || request.uri().authority().is_some() || request.version() < Version::HTTP_11 {
            let help = "use the address that `precode review` prints";
            return Some(Refusal::new(
                StatusCode::MISDIRECTED_REQUEST,
                "wrong_host",
                "this is not the address of this server",
                help,
            ));
        }
        let n_bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        if headers.len() > MAX_HEADERS || n_bytes > MAX_HEADER_BYTES {
            let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
            return Some(Refusal::new(status, "too_many_headers", "too many headers", "send fewer"));
        }
        if headers.contains_key(header::TRANSFER_ENCODING) {
            return Some(Refusal::bad_request("a body needs a length"));
        }
        let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        if length.is_some_and(|length| length > MAX_BODY as u64) {
            return Some(too_large());
        }
        let strange = |c: char| matches!(c, '%' | '\\') || c.is_control();
        let path = request.uri().path();
        if path.contains("..") || path.contains("//") || path.contains(strange) {
            return Some(Refusal::not_found("page"));
        }
        None
    }

    /// Exactly one `Host`, and one of ours: another name that leads here is an attack by DNS.
    fn is_our_host(&self, headers: &HeaderMap) -> bool {
        let mut hosts = headers.get_all(header::HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
        host.to_str().is_ok_and(|host| self.is_ours(host))
    }

    fn is_ours(&self, host: &str) -> bool {
        let names = ["127.0.0.1", "localhost", "[::1]"];
        let host = host.to_ascii_lowercase();
        host.rsplit_once(':').is_some_and(|(name, port)| names.contains(&name) && port == self.port.to_string())
    }

    /// A page of another site sends its own address as `Origin`.
    fn check_origin(&self, headers: &HeaderMap) -> Option<Refusal> {
        let ours = |value: &HeaderValue| {
            value.to_str().is_ok_and(|origin| origin.strip_prefix("http://").is_some_and(|host| self.is_ours(host)))
        };
        let foreign = headers.get_all(header::ORIGIN).iter().any(|origin| !ours(origin));
        foreign.then(cross_site)
    }
}

/// Browsers say in `Sec-Fetch-Site` whose page sends a request.
fn check_site(request: &Request) -> Option<Refusal> {
    let site = request.headers().get("sec-fetch-site")?;
    (site != "same-origin" && site != "none").then(cross_site)
}

/// A form of another site cannot send JSON.
fn check_type(request: &Request) -> Option<Refusal> {
    let is_json = |value: &HeaderValue| {
        let kind = value.to_str().unwrap_or("").split(';').next().unwrap_or("").trim();
        kind.eq_ignore_ascii_case("application/json")
    };
    let wrong = request.method() == Method::POST && !request.headers().get(header::CONTENT_TYPE).is_some_and(is_json);
    let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    wrong.then(|| Refusal::new(status, "not_json", "the body must be application/json", "reload the page"))
}

fn cross_site() -> Refusal {
    Refusal::new(
        StatusCode::FORBIDDEN,
        "cross_site",
        "the request comes from another site",
        "use the page of this server",
    )
}

fn too_large() -> Refusal {
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "the request is larger than 1 MiB", "send less at once")
}

/// The key of an `Authorization` header.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

/// Reads a body that must be JSON of this shape and nothing else.
pub async fn read_json<T: serde::de::DeserializeOwned>(body: Body) -> Result<T, Refusal> {
    let read = tokio::time::timeout(Duration::from_secs(20), axum::body::to_bytes(body, MAX_BODY)).await;
    let slow =
        || Refusal::new(StatusCode::REQUEST_TIMEOUT, "too_slow", "the request did not arrive", "send it again");
    let bytes = read.map_err(|_| slow())?.map_err(|_| too_large())?;
    serde_json::from_slice(&bytes).map_err(|error| Refusal::bad_request(error.to_string()))
}

/// The coder who sends a request.
pub fn coder(holder: Option<&Holder>) -> Result<String, Refusal> {
    match holder {
        Some(Holder::Coder(name)) => Ok(name.clone()),
        _ => Err(Refusal::new(
            StatusCode::FORBIDDEN,
            "no_name",
            "you have not said who you are",
            "sign in with your name",
        )),
    }
}
