//! The socket: on the loopback address only, on a free port.

use super::api;
use super::app::App;
use super::guard::Guard;
use super::head::Completed;
use super::key::Keys;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Connections at a time; more wait.
const CONNECTIONS: usize = 512;

/// Listens on the loopback address: on the port of last time if it is free, so that decisions that a page could not
/// send are found by the page that opens next, else on any free one.
///
/// # Errors
/// When no port can be had.
pub fn listen(folder: &Path) -> io::Result<TcpListener> {
    let kept = folder.join("port");
    let last = std::fs::read_to_string(&kept).ok().and_then(|text| text.trim().parse::<u16>().ok());
    let again = last.and_then(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok());
    let listener = again.map_or_else(|| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)), Ok)?;
    std::fs::write(&kept, listener.local_addr()?.port().to_string())?;
    Ok(listener)
}

/// What the guard has to know of this server.
///
/// # Errors
/// When the socket is gone.
pub fn guard(listener: &TcpListener) -> io::Result<Arc<Guard>> {
    Ok(Arc::new(Guard { port: listener.local_addr()?.port(), keys: Keys::default() }))
}

/// Serves until `end` is there, then lets the writer finish.
///
/// # Errors
/// When the socket or the runtime cannot be used.
pub fn serve(app: &Arc<App>, guard: &Arc<Guard>, listener: TcpListener, end: impl Future) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        tokio::select! {
            () = accept(app, guard, listener) => {}
            _ = end => {}
        }
        io::Result::Ok(())
    })?;
    app.close();
    runtime.shutdown_timeout(Duration::from_secs(1));
    Ok(())
}

async fn accept(app: &Arc<App>, guard: &Arc<Guard>, listener: tokio::net::TcpListener) {
    let service = api::router(Arc::clone(app), Arc::clone(guard));
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let place = Arc::clone(&room).acquire_owned().await;
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors: some will be given back.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        // Small replies must not wait for more to send.
        let _ = stream.set_nodelay(true);
        let service = TowerToHyperService::new(service.clone());
        tokio::spawn(async move {
            // A connection that breaks is the client's business.
            let _ = protocol().serve_connection(TokioIo::new(Completed::new(stream)), service).await;
            drop(place);
        });
    }
}

/// HTTP/1 with limits against endless and slow requests.
fn protocol() -> hyper::server::conn::http1::Builder {
    let mut protocol = hyper::server::conn::http1::Builder::new();
    protocol.timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(10));
    protocol.max_headers(256).max_buf_size(64 << 10);
    protocol
}
