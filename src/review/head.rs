//! Headers that keep the page to itself, on every reply: those of our handlers, and those that the protocol's own code
//! writes when a request is too broken to reach them.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What the page may do: run its own script, use its own style, talk to its own server.
const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

/// Headers of every reply; the first one tells a head that has them from one that lacks them.
pub const HEADERS: [(&str, &str); 9] = [
    ("content-security-policy", CSP),
    ("x-frame-options", "DENY"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cache-control", "no-store"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), microphone=(), geolocation=()"),
    ("x-precode-version", env!("CARGO_PKG_VERSION")),
];

/// Ends every head.
const END: &[u8] = b"\r\n\r\n";

/// A connection that adds [`HEADERS`] to a reply that is about to leave without them.
///
/// Such a reply is the last on its connection and has no body, so it stands at the end of what is written. What our
/// handlers send has the headers, and no body of theirs (JSON, and the page's own files) ends like a head.
#[derive(Debug)]
pub struct Completed<S> {
    stream: S,
    left: Vec<u8>,
}

impl<S> Completed<S> {
    /// Watches what is written to this stream.
    pub fn new(stream: S) -> Self {
        Completed { stream, left: Vec::new() }
    }
}

/// Where a head without the headers begins that ends these bytes.
fn bare_head(bytes: &[u8]) -> Option<usize> {
    let start = memchr::memmem::rfind(bytes, b"HTTP/1.1 ")?;
    let head = bytes[start..].strip_suffix(END)?;
    let whole = memchr::memmem::find(head, END).is_none();
    // 100 Continue is no reply yet.
    let last = !head.starts_with(b"HTTP/1.1 1");
    (whole && last && memchr::memmem::find(head, HEADERS[0].0.as_bytes()).is_none()).then_some(start)
}

/// The same bytes, with the headers at the end of the head that ends them.
fn completed(bytes: &[u8]) -> Vec<u8> {
    let mut all = bytes[..bytes.len() - END.len()].to_vec();
    for (name, value) in HEADERS {
        all.extend_from_slice(format!("\r\n{name}: {value}").as_bytes());
    }
    all.extend_from_slice(END);
    all
}

impl<S: AsyncWrite + Unpin> Completed<S> {
    fn poll_left(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.left.is_empty() {
            let n = ready!(Pin::new(&mut self.stream).poll_write(cx, &self.left))?;
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.left.drain(..n);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Completed<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Completed<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_left(cx))?;
        if bare_head(bytes).is_none() {
            return Pin::new(&mut self.stream).poll_write(cx, bytes);
        }
        self.left = completed(bytes);
        match self.poll_left(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            // What cannot be sent now goes with the flush.
            _ => Poll::Ready(Ok(bytes.len())),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_left(cx))?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_left(cx))?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_bare_head_at_the_end_is_completed() {
        let bare = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        assert_eq!(bare_head(bare), Some(0));
        let after_another = [b"...end of a body}".as_slice(), bare].concat();
        assert_eq!(bare_head(&after_another), Some(17));
        let whole = completed(bare);
        assert_eq!(bare_head(&whole), None, "a completed head is complete");
        assert!(whole.starts_with(&bare[..bare.len() - 4]) && whole.ends_with(b"\r\n\r\n"));
        for other in [
            b"HTTP/1.1 100 Continue\r\n\r\n".as_slice(),
            b"HTTP/1.1 200 OK\r\ncontent-security-policy: x\r\n\r\n{}",
            b"{\"text\":\"HTTP/1.1 400 \"}",
            b"\r\n\r\n",
            b"",
        ] {
            assert_eq!(bare_head(other), None, "{}", String::from_utf8_lossy(other));
        }
    }
}
