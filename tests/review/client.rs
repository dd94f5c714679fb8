//! A server in this process and a client that speaks HTTP as plainly as an attacker would.

use precode::review::app::App;
use precode::review::guard::Guard;
use precode::review::key::{Holder, Keys};
use precode::review::plan::Plan;
use precode::review::server;
use precode::store::layout::Study;
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A running server with one key for each coder.
pub struct Running {
    pub app: Arc<App>,
    pub guard: Arc<Guard>,
    pub port: u16,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Running {
    /// Serves this study.
    pub fn start(root: &Path, plan: impl FnOnce(Plan) -> Plan) -> Self {
        Self::start_on(0, root, plan)
    }

    /// Serves this study on this port; 0: on any free one.
    pub fn start_on(port: u16, root: &Path, plan: impl FnOnce(Plan) -> Plan) -> Self {
        let app = App::open(Study::at(root), plan).unwrap();
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let guard = Arc::new(Guard { port, keys: Keys::default() });
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let (a, g) = (Arc::clone(&app), Arc::clone(&guard));
        let thread = std::thread::spawn(move || server::serve(&a, &g, listener, stopped).unwrap());
        Running { app, guard, port, stop: Some(stop), thread: Some(thread) }
    }

    /// A key for this coder, who is enrolled.
    pub fn key(&self, coder: &str) -> String {
        self.app.enrol(coder).unwrap();
        self.guard.keys.issue(Holder::Coder(coder.to_owned())).unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A reply.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

/// Sends these bytes and reads one reply; `None` when the server closed the connection without one.
pub fn raw(port: u16, bytes: &[u8]) -> Option<Reply> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    // The server may answer and close before everything is sent.
    let _ = stream.write_all(bytes);
    read_reply(&mut BufReader::new(stream))
}

pub fn read_reply(stream: &mut impl BufRead) -> Option<Reply> {
    let mut line = String::new();
    stream.read_line(&mut line).ok()?;
    let status = line.split(' ').nth(1)?.parse().ok()?;
    let (mut headers, mut length) = (Vec::new(), 0);
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok()?;
        let Some((name, value)) = line.split_once(':') else { break };
        let (name, value) = (name.to_ascii_lowercase(), value.trim());
        if name == "content-length" {
            length = value.parse().ok()?;
        }
        headers.push((name, value.to_owned()));
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(Reply { status, headers, body })
}

/// A connection that is kept, as a browser keeps it.
pub struct Client {
    port: u16,
    key: String,
    stream: Option<BufReader<TcpStream>>,
}

impl Client {
    pub fn new(port: u16, key: &str) -> Self {
        Client { port, key: key.to_owned(), stream: None }
    }

    /// Sends a request; `None` when the server is not there or went away.
    pub fn send(&mut self, method: &str, path: &str, body: Option<&Value>) -> Option<Reply> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => {
                let stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
                stream.set_nodelay(true).ok()?;
                stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
                BufReader::new(stream)
            }
        };
        let body = body.map(Value::to_string).unwrap_or_default();
        let kind = if body.is_empty() { "" } else { "content-type: application/json\r\n" };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{}\r\nauthorization: Bearer {}\r\n{kind}content-length: {}\r\n\r\n{body}",
            self.port,
            self.key,
            body.len()
        );
        stream.get_mut().write_all(request.as_bytes()).ok()?;
        let reply = read_reply(&mut stream)?;
        if reply.header("connection") != Some("close") {
            self.stream = Some(stream);
        }
        Some(reply)
    }

    pub fn get(&mut self, path: &str) -> Value {
        let reply = self.send("GET", path, None).expect("a reply");
        assert_eq!(reply.status, 200, "{path}: {}", String::from_utf8_lossy(&reply.body));
        reply.json()
    }

    pub fn post(&mut self, path: &str, body: &Value) -> Reply {
        self.send("POST", path, Some(body)).expect("a reply")
    }

    /// Posts and expects success.
    pub fn done(&mut self, path: &str, body: &Value) -> Value {
        let reply = self.post(path, body);
        assert_eq!(reply.status, 200, "{path} {body}: {}", String::from_utf8_lossy(&reply.body));
        reply.json()
    }
}

/// Percent-encodes a value of a query.
pub fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => (byte as char).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
