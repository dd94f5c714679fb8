//! Addresses: which question or operation a request is.

use super::app::App;
use super::assets;
use super::decide::{Bulk, Decide, Settle, Turn};
use super::guard::{self, Guard};
use super::item::Sort;
use super::key::{Holder, checked_name};
use super::queue::{Filter, Order};
use super::refusal::Refusal;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, middleware};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The server's state.
#[derive(Clone)]
struct Server {
    app: Arc<App>,
    guard: Arc<Guard>,
}

/// The handler of every request.
pub fn router(app: Arc<App>, guard: Arc<Guard>) -> Router {
    let server = Server { app, guard: Arc::clone(&guard) };
    let layer = middleware::from_fn_with_state(guard, guard::watch);
    Router::new().fallback(serve).layer(layer).with_state(server)
}

async fn serve(State(server): State<Server>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    if !path.starts_with("/api/") {
        return shell(&parts.method, &path);
    }
    let holder = parts.extensions.get::<Holder>();
    let answer = match (parts.method.as_str(), path.as_str()) {
        ("POST", "/api/signin") => sign_in(&server, holder, body).await,
        ("GET", "/api/session") if holder == Some(&Holder::Owner) => Ok(json!({ "needs_name": true })),
        ("GET", _) => match guard::coder(holder) {
            Ok(coder) => ask(server, coder, path, parts.uri).await,
            Err(refusal) => Err(refusal),
        },
        ("POST", _) => match guard::coder(holder) {
            Ok(coder) => act(server, coder, &path, body).await,
            Err(refusal) => Err(refusal),
        },
        _ => Err(wrong_method()),
    };
    answer.map_or_else(IntoResponse::into_response, |value| Json(value).into_response())
}

/// The page without any data, for everybody.
fn shell(method: &Method, path: &str) -> Response {
    match assets::find(path) {
        None => Refusal::not_found("page").into_response(),
        Some(_) if method != Method::GET && method != Method::HEAD => wrong_method().into_response(),
        Some((kind, text)) => ([(header::CONTENT_TYPE, kind)], text).into_response(),
    }
}

fn wrong_method() -> Refusal {
    Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "wrong_method",
        "this address does not know the method",
        "reload the page",
    )
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignIn {
    name: String,
}

/// Gives a coder's key to whoever holds the owner's key. A coder's key is no key to another coder's.
async fn sign_in(server: &Server, holder: Option<&Holder>, body: Body) -> Result<Value, Refusal> {
    if holder != Some(&Holder::Owner) {
        let help = "open the link that was made for the other name";
        return Err(Refusal::new(StatusCode::FORBIDDEN, "signed_in", "this link belongs to one coder", help));
    }
    let request: SignIn = guard::read_json(body).await?;
    let name = checked_name(&request.name);
    let name = name.ok_or_else(|| Refusal::unprocessable("bad_name", "a name has 1 to 40 characters"))?;
    server.app.enrol(&name)?;
    let key = server.guard.keys.issue(Holder::Coder(name.clone()))?;
    Ok(json!({ "ok": true, "coder": name, "key": key }))
}

/// Runs something that may wait for a disk beside the threads that talk to browsers.
async fn beside<T: Send + 'static>(work: impl FnOnce() -> Result<T, Refusal> + Send + 'static) -> Result<T, Refusal> {
    tokio::task::spawn_blocking(work).await.map_err(Refusal::unavailable)?
}

/// Everything that a GET can ask; unknown names are refused.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Query {
    id: Option<String>,
    name: Option<String>,
    words: Option<String>,
    order: Order,
    filter: Option<String>,
    sort: Option<String>,
    from: usize,
    limit: Option<usize>,
}

impl Query {
    fn filter(&self) -> Result<Filter, Refusal> {
        parsed(self.filter.as_deref())
    }

    fn sort(&self) -> Result<Sort, Refusal> {
        parsed(self.sort.as_deref())
    }
}

/// JSON within an address.
fn parsed<T: serde::de::DeserializeOwned + Default>(text: Option<&str>) -> Result<T, Refusal> {
    text.map_or_else(
        || Ok(T::default()),
        |text| serde_json::from_str(text).map_err(|error| Refusal::bad_request(error.to_string())),
    )
}

async fn ask(server: Server, coder: String, path: String, uri: Uri) -> Result<Value, Refusal> {
    let query = axum::extract::Query::<Query>::try_from_uri(&uri);
    let query = query.map_err(|error| Refusal::bad_request(error.body_text()))?.0;
    beside(move || answer(&server.app, &coder, &path, &query)).await
}

fn answer(app: &Arc<App>, coder: &str, path: &str, query: &Query) -> Result<Value, Refusal> {
    let id = || query.id.as_deref().ok_or_else(|| Refusal::bad_request("which one?"));
    let name = query.name.as_deref().unwrap_or("");
    let words = query.words.as_deref().unwrap_or("");
    match path {
        "/api/session" => app.session(coder),
        "/api/queue" => app.queue_from(coder, &query.filter()?, query.order, query.from, query.limit.unwrap_or(30)),
        "/api/item" => app.item(coder, id()?),
        "/api/table" => app.table(coder, &query.filter()?, query.sort()?, query.from, query.limit.unwrap_or(100)),
        "/api/transcripts" => app.transcripts(coder, words, query.from),
        "/api/transcript" => app.transcript(coder, name, query.from),
        "/api/progress" => app.progress(coder),
        "/api/underway" => Ok(app.underway()),
        "/api/history" => app.history(coder),
        "/api/adjudication" => app.adjudication(coder, query.from, query.limit.unwrap_or(100)),
        "/api/adjudication/item" => app.adjudication_item(coder, id()?),
        _ => Err(Refusal::not_found("address")),
    }
}

async fn act(server: Server, coder: String, path: &str, body: Body) -> Result<Value, Refusal> {
    let app = server.app;
    match path {
        "/api/decide" => {
            let request: Decide = guard::read_json(body).await?;
            beside(move || app.decide(&coder, request)).await
        }
        "/api/bulk" => {
            let request: Bulk = guard::read_json(body).await?;
            beside(move || app.bulk(&coder, request)).await
        }
        "/api/undo" => {
            let request: Turn = guard::read_json(body).await?;
            beside(move || app.undo(&coder, request)).await
        }
        "/api/redo" => {
            let request: Turn = guard::read_json(body).await?;
            beside(move || app.redo(&coder, request)).await
        }
        "/api/settle" => {
            let request: Settle = guard::read_json(body).await?;
            beside(move || app.settle(&coder, request)).await
        }
        "/api/reload" => {
            beside(move || app.reload()).await?;
            Ok(json!({ "ok": true }))
        }
        _ => Err(Refusal::not_found("address")),
    }
}

impl App {
    /// How far the large step is that somebody waits for; `all` is 0 when there is none.
    pub fn underway(&self) -> Value {
        let all = self.underway.all.load(Ordering::Relaxed);
        json!({ "done": self.underway.done.load(Ordering::Relaxed).min(all), "all": all })
    }

    /// What the page needs once: who is there, what there is to decide on, what can be filtered.
    ///
    /// # Errors
    /// When answers that were drawn meanwhile cannot be read.
    pub fn session(self: &Arc<Self>, coder: &str) -> Result<Value, Refusal> {
        self.take_up_sample()?;
        let outdated = self.has_new_results();
        let state = self.state();
        let results = &state.results;
        let plan = &state.plan;
        Ok(json!({
            "coder": coder, "coders": plan.coders, "adjudicator": plan.adjudicators.iter().any(|name| name == coder),
            "run": results.run, "codebook": results.codebook, "version": env!("CARGO_PKG_VERSION"),
            "n_transcripts": results.transcripts.len(), "n_segments": results.segments.len(),
            "n_codings": results.codings.len(), "attributes": results.attribute_values(),
            "edition": state.edition, "blind_share": plan.blind_share, "double_share": plan.double_share,
            "read_only": self.is_read_only(), "new_results": outdated, "orphans": state.desk.n_orphans,
        }))
    }
}
