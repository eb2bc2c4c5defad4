//! What is known of a request while it is answered: who sent it, and where they stand in their limits.

use std::net::IpAddr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use axum::extract::Request;
use axum::http::header;
use ipnet::IpNet;
use latchkey::limit::Window;
use latchkey::metrics::Source;
use latchkey::{Principal, Visitor};

use super::client_address::{client_address, peer};

/// Longest text of a user agent that is kept.
const LONGEST_AGENT: usize = 400;

/// A request being answered. Travels in the request's extensions.
pub struct Call {
    /// The unauthenticated facts.
    pub visitor: Visitor,
    /// The other end of the connection.
    pub peer: IpAddr,
    presented: AtomicBool,
    principal: OnceLock<Principal>,
    window: OnceLock<Window>,
    source: OnceLock<Source>,
}

impl Call {
    /// Reads the facts.
    pub fn new(request: &Request, proxies: &[IpNet]) -> Self {
        let agent = request.headers().get(header::USER_AGENT).map(|value| String::from_utf8_lossy(value.as_bytes()));
        let mut user_agent = agent.unwrap_or_default().into_owned();
        if user_agent.len() > LONGEST_AGENT {
            user_agent.truncate(user_agent.floor_char_boundary(LONGEST_AGENT));
        }
        let peer = peer(request);
        Self {
            visitor: Visitor {
                address: client_address(peer, request.headers(), proxies),
                user_agent,
                request_id: next_id(),
            },
            peer,
            presented: AtomicBool::new(false),
            principal: OnceLock::new(),
            window: OnceLock::new(),
            source: OnceLock::new(),
        }
    }

    /// Notes that the call carries a credential of its own.
    pub fn note_presented(&self) {
        self.presented.store(true, Ordering::Relaxed);
    }

    /// Whether it does.
    pub fn has_presented(&self) -> bool {
        self.presented.load(Ordering::Relaxed)
    }

    /// Notes who is asking.
    pub fn note_principal(&self, principal: &Principal) {
        let _ = self.principal.set(principal.clone());
    }

    /// Who is asking, once that is proven.
    pub fn principal(&self) -> Option<&Principal> {
        self.principal.get()
    }

    /// Notes where it was looked up who is asking.
    pub fn note_source(&self, source: Source) {
        let _ = self.source.set(source);
    }

    /// Where that was.
    pub fn source(&self) -> Source {
        self.source.get().copied().unwrap_or(Source::Nowhere)
    }

    /// Notes where the caller stands in the tightest limit that applied.
    pub fn note_window(&self, window: Window) {
        let _ = self.window.set(window);
    }

    /// Where the caller stands.
    pub fn window(&self) -> Option<Window> {
        self.window.get().copied()
    }
}

/// The next request's name: unlike any other of this and every earlier run.
fn next_id() -> String {
    static RUN: OnceLock<u64> = OnceLock::new();
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let run = RUN.get_or_init(|| u64::from_be_bytes(latchkey::crypto::random()) >> 16);
    format!("req_{run:012x}{:08x}", NEXT.fetch_add(1, Ordering::Relaxed))
}
