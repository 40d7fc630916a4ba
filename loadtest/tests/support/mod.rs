//! The real server and the real tester, as programs, and a path between them that loses packets.

pub(crate) mod lossy_path;

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::Value;

/// Far beyond what any step takes: what is stuck fails the test instead of the whole run.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// A server on free ports, gone with the value.
pub(crate) struct Server {
    child: Child,
    /// Where it serves signalling: `http://127.0.0.1:PORT`.
    pub(crate) url: String,
}

impl Server {
    /// Starts the binary that `SFU_SERVER_BIN` names, and waits until it serves.
    pub(crate) fn start() -> Self {
        let binary = std::env::var_os("SFU_SERVER_BIN").map(PathBuf::from);
        let binary = binary.expect(
            "SFU_SERVER_BIN must name the sfu-server binary; `cargo xtask test` builds one and does \
             this, alone: cargo build -p sfu-server",
        );
        let mut child = Command::new(binary)
            .args([
                "--dev",
                "--http-port",
                "0",
                "--udp-port",
                "0",
                "--grpc-port",
                "0",
            ])
            .args(["--metrics-port", "0", "--workers", "1", "--log", "warn"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let stdout = BufReader::new(child.stdout.take().expect("its output is piped"));
        let (lines, said) = mpsc::channel();
        // Reading goes on: a full pipe would stop the server.
        std::thread::spawn(move || {
            let mut lines_read = stdout.lines().map_while(Result::ok);
            lines_read.try_for_each(|line| lines.send(line))
        });
        let mut server = Self {
            child,
            url: String::new(),
        };
        while server.url.is_empty() {
            let line = said
                .recv_timeout(PATIENCE)
                .expect("the server says where it listens");
            if let Some(fields) = line.strip_prefix("listening ") {
                let http = fields
                    .split(' ')
                    .find_map(|field| field.strip_prefix("http="));
                server.url = http.expect("where it serves HTTP").to_owned();
            }
        }
        server
    }

    /// The server is simply gone.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A run of the tester, and where its JSON goes.
pub(crate) struct Tester {
    child: Option<Child>,
    json: PathBuf,
}

/// How a run ended.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) table: String,
    /// The report.
    pub(crate) facts: Value,
}

impl Tester {
    /// Starts the tester. `name` is the test's own.
    pub(crate) fn start(name: &str, url: &str, secret: &str, flags: &[&str]) -> Self {
        let json = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.json"));
        let _ = std::fs::remove_file(&json);
        let child = Command::new(env!("CARGO_BIN_EXE_loadtest"))
            .args(["--url", url, "--api-key", "devkey", "--api-secret", secret])
            .args(flags)
            .arg("--json")
            .arg(&json)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the tester starts");
        Self {
            child: Some(child),
            json,
        }
    }

    /// Waits until it has said on standard error that a part of the run begins.
    pub(crate) fn reaches(&mut self, stage: &str) {
        let child = self.child.as_mut().expect("it runs");
        let stderr = child.stderr.take().expect("its errors are piped");
        let (lines, said) = mpsc::channel();
        std::thread::spawn(move || {
            let lines_read = BufReader::new(stderr).lines().map_while(Result::ok);
            // Reading goes on when nobody listens any more.
            lines_read.for_each(|line| drop(lines.send(line)));
        });
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let line = said
                .recv_timeout(PATIENCE)
                .expect("the tester says how far it is");
            if line.starts_with(stage) {
                return;
            }
        }
        panic!("the tester never says `{stage}`");
    }

    /// Presses Ctrl-C.
    pub(crate) fn interrupt(&self) {
        let id = self.child.as_ref().expect("it runs").id().to_string();
        let killed = Command::new("kill").args(["-s", "INT", &id]).status();
        assert!(killed.expect("kill runs").success());
    }

    /// Waits for the end.
    pub(crate) fn end(mut self) -> Ended {
        let child = self.child.take().expect("it runs");
        let Output { status, stdout, .. } = child.wait_with_output().expect("it ends");
        let table = String::from_utf8(stdout).expect("text");
        let json = std::fs::read_to_string(&self.json).unwrap_or_default();
        Ended {
            code: status.code(),
            facts: serde_json::from_str(&json).unwrap_or(Value::Null),
            table,
        }
    }
}

impl Drop for Tester {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
