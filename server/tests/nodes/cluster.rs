//! Three nodes on one PostgreSQL, and a proxy that asks them in turn.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sqlx::{AnyConnection, Connection as _, Executor as _};

use crate::serving::{BINARY, Server, launching, quiet, wait_until_ready};

/// A PostgreSQL server.
pub struct Postgres {
    url: String,
    ctl: String,
    /// What runs it, where it is not the one of all tests.
    _of_its_own: Option<OfItsOwn>,
}

struct OfItsOwn(Child);

impl Drop for OfItsOwn {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

impl Postgres {
    /// The one of all tests.
    pub fn shared() -> Self {
        let said = |name: &str| std::env::var(name).expect("run through tools/with-postgres");
        Self { url: said("LATCHKEY_TEST_POSTGRES_URL"), ctl: said("LATCHKEY_TEST_POSTGRES_CTL"), _of_its_own: None }
    }

    /// One that writes to the disk what it has acknowledged, and may be crashed.
    pub fn durable() -> Self {
        use std::io::BufRead as _;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tools/with-postgres");
        let words = r#"printf '%s\n' "$LATCHKEY_TEST_POSTGRES_URL" "$LATCHKEY_TEST_POSTGRES_CTL"; cat >/dev/null"#;
        let mut child = Command::new(script)
            .args(["--durable", "bash", "-c", words])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("starts");
        let mut lines = std::io::BufReader::new(child.stdout.take().expect("a pipe")).lines().map_while(Result::ok);
        let url = lines.next().expect("an address");
        let ctl = lines.next().expect("a command");
        Self { url, ctl, _of_its_own: Some(OfItsOwn(child)) }
    }

    /// Crashes it and starts it anew.
    pub fn crash_and_restart(&self) {
        let status =
            Command::new("bash").args([&self.ctl, "-m", "immediate", "restart"]).stdout(Stdio::null()).status();
        assert!(status.expect("runs").success(), "PostgreSQL restarts");
    }

    fn make_database(&self) -> String {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        let name = format!("nodes_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            sqlx::any::install_default_drivers();
            let mut connection = AnyConnection::connect(&self.url).await.expect("reached");
            let statement = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
            connection.execute(statement).await.expect("made");
        });
        let (base, _) = self.url.rsplit_once('/').expect("the address names a database");
        format!("{base}/{name}")
    }
}

/// The nodes, and where the proxy listens.
pub struct Cluster {
    pub nodes: Vec<Server>,
    pub proxy: u16,
    _folder: tempfile::TempDir,
}

impl Cluster {
    /// Starts three nodes at the same moment on an empty database.
    pub fn start(postgres: &Postgres, set: impl Fn(&mut Command)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let database = postgres.make_database();
        let nodes: Vec<_> = (0..3)
            .map(|_| {
                let mut command = quiet(Path::new(BINARY), folder.path());
                command.env("LATCHKEY_DATABASE_URL", &database).env("LATCHKEY_MASTER_KEY", MASTER_KEY);
                set(&mut command);
                launching(command)
            })
            .collect();
        for node in &nodes {
            wait_until_ready(node.port);
        }
        let proxy = round_robin(nodes.iter().map(|node| node.port).collect());
        Self { nodes, proxy, _folder: folder }
    }

    pub fn port(&self, node: usize) -> u16 {
        self.nodes[node].port
    }
}

const MASTER_KEY: &str = "fklCBewRX7kVa5I9ejBk4VrCPNO2qzIHCGDdQHPPFZk=";

/// Hands each connection to the next node; to the one after it when that one is away.
fn round_robin(ports: Vec<u16>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    let next = Arc::new(AtomicUsize::new(0));
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let first = next.fetch_add(1, Ordering::Relaxed);
            let node = (0..ports.len())
                .find_map(|later| TcpStream::connect(("127.0.0.1", ports[(first + later) % ports.len()])).ok());
            if let Some(node) = node {
                std::thread::spawn(move || pass_on(client, node));
            }
        }
    });
    port
}

fn pass_on(mut client: TcpStream, mut node: TcpStream) {
    let (Ok(mut from_client), Ok(mut to_node)) = (client.try_clone(), node.try_clone()) else { return };
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut from_client, &mut to_node);
    });
    let _ = std::io::copy(&mut node, &mut client);
    let _ = client.flush();
    let _ = client.shutdown(std::net::Shutdown::Both);
}
