//! What lies between a server and its database: a line that can be cut, and one that falls silent.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

#[derive(Clone)]
struct Line {
    target: String,
    silent: Arc<AtomicBool>,
    stopping: Arc<AtomicBool>,
    streams: Arc<Mutex<Vec<TcpStream>>>,
}

/// The line, on a port of this machine.
pub struct Proxy {
    pub port: u16,
    line: Line,
    accepting: Option<JoinHandle<()>>,
}

impl Proxy {
    /// To `target`, an address with a port.
    pub fn to(target: &str) -> Self {
        let line = Line {
            target: target.to_owned(),
            silent: Arc::default(),
            stopping: Arc::default(),
            streams: Arc::default(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let accepting = Some(line.accept(listener));
        Self { port, line, accepting }
    }

    /// Ends every connection; new ones are refused.
    pub fn cut(&mut self) {
        self.line.stopping.store(true, Ordering::SeqCst);
        if let Some(accepting) = self.accepting.take() {
            accepting.join().expect("ended");
        }
        for stream in self.line.streams.lock().expect("a list").drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Takes every byte from now on and gives none on.
    pub fn fall_silent(&self) {
        self.line.silent.store(true, Ordering::SeqCst);
    }

    /// New connections work again. Those that lost bytes stay as they are.
    pub fn mend(&mut self) {
        self.line.stopping.store(false, Ordering::SeqCst);
        self.line.silent = Arc::default();
        if let Some(accepting) = self.accepting.take() {
            self.line.stopping.store(true, Ordering::SeqCst);
            accepting.join().expect("ended");
            self.line.stopping.store(false, Ordering::SeqCst);
        }
        let listener = TcpListener::bind(("127.0.0.1", self.port)).expect("the same port");
        self.accepting = Some(self.line.accept(listener));
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.cut();
    }
}

impl Line {
    fn accept(&self, listener: TcpListener) -> JoinHandle<()> {
        let line = self.clone();
        std::thread::spawn(move || {
            listener.set_nonblocking(true).expect("set");
            while !line.stopping.load(Ordering::SeqCst) {
                match listener.accept() {
                    Ok((stream, _)) => line.connect(stream),
                    Err(_) => std::thread::sleep(Duration::from_millis(2)),
                }
            }
        })
    }

    fn connect(&self, near: TcpStream) {
        near.set_nonblocking(false).expect("set");
        let Ok(far) = TcpStream::connect(&self.target) else { return };
        for stream in [&near, &far] {
            stream.set_nodelay(true).expect("set");
        }
        self.pump(near.try_clone().expect("cloned"), far.try_clone().expect("cloned"));
        self.pump(far.try_clone().expect("cloned"), near.try_clone().expect("cloned"));
        self.streams.lock().expect("a list").extend([near, far]);
    }

    fn pump(&self, mut from: TcpStream, mut to: TcpStream) {
        let silent = Arc::clone(&self.silent);
        std::thread::spawn(move || {
            let mut bytes = [0; 16 * 1024];
            while let Ok(length) = from.read(&mut bytes) {
                if length == 0 {
                    break;
                }
                if !silent.load(Ordering::SeqCst) && to.write_all(&bytes[..length]).is_err() {
                    break;
                }
            }
            let _ = to.shutdown(Shutdown::Both);
        });
    }
}
