//! The binary as operators meet it: its lines, its ports, its exit codes.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// Far beyond what any step takes: a stuck server fails the test instead of the whole run.
const PATIENCE: Duration = Duration::from_secs(60);

fn command(flags: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sfu-server"));
    for variable in ["SFU_API_KEY", "SFU_API_SECRET", "SFU_LOG"] {
        command.env_remove(variable);
    }
    command
        .args(flags)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn output(flags: &[&str]) -> Output {
    command(flags).output().unwrap()
}

const FREE_PORTS: [&str; 10] = [
    "--http-port",
    "0",
    "--grpc-port",
    "0",
    "--metrics-port",
    "0",
    "--udp-port",
    "0",
    "--workers",
    "2",
];

struct Running {
    child: Child,
    /// What it says on standard output up to its `listening` line.
    said: Vec<String>,
    http: String,
    metrics: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start(command: &mut Command) -> Running {
    let mut child = command
        .args(FREE_PORTS)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    let (lines, read) = mpsc::channel();
    // Reading goes on: a full pipe would stop the server.
    std::thread::spawn(move || {
        stdout
            .lines()
            .map_while(Result::ok)
            .try_for_each(|l| lines.send(l))
    });
    let mut running = Running {
        child,
        said: Vec::new(),
        http: String::new(),
        metrics: String::new(),
    };
    loop {
        let line = read
            .recv_timeout(PATIENCE)
            .expect("the server says where it listens");
        running.said.push(line.clone());
        let Some(fields) = line.strip_prefix("listening ") else {
            continue;
        };
        let fields: Vec<_> = fields
            .split(' ')
            .filter_map(|field| field.split_once('='))
            .collect();
        let [
            ("http", http),
            ("grpc", grpc),
            ("metrics", metrics),
            ("media", media),
        ] = fields[..]
        else {
            panic!("not the line that programs read: {line}")
        };
        running.http = http.strip_prefix("http://").unwrap().to_owned();
        running.metrics = metrics.to_owned();
        TcpStream::connect(grpc).unwrap();
        let ports: Vec<u16> = media.split(',').map(|port| port.parse().unwrap()).collect();
        assert!(
            ports.len() == 2 && ports[0] != ports[1] && !ports.contains(&0),
            "{line}"
        );
        return running;
    }
}

impl Running {
    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-s", name, &id])
                .status()
                .unwrap()
                .success()
        );
    }

    fn exit(&mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(begun.elapsed() < PATIENCE, "the server does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Status and everything after the head.
fn http(address: &str, request: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (
        head.split(' ').nth(1).unwrap().parse().unwrap(),
        body.to_owned(),
    )
}

fn get(address: &str, path: &str) -> (u16, String) {
    http(
        address,
        &format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"),
    )
}

fn post_token(address: &str) -> (u16, String) {
    let body = r#"{"room":"kitchen","name":"Ann"}"#;
    let length = body.len();
    http(
        address,
        &format!(
            "POST /demo/token HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        ),
    )
}

#[test]
fn in_development_it_serves_says_so_and_ends_when_told() {
    let mut server = start(command(&["--dev"]).env("SFU_LOG", "warn"));
    let page = format!("http://{}/", server.http);
    assert!(
        server.said.iter().any(|line| line.contains(&page)),
        "{:?}",
        server.said
    );
    assert!(
        server
            .said
            .iter()
            .any(|line| line.contains("devkey") && line.contains("secret"))
    );
    let warnings = server
        .said
        .iter()
        .filter(|line| line.contains("WARNING"))
        .count();
    assert_eq!(warnings, 1, "{:?}", server.said);

    for address in [&server.http, &server.metrics] {
        assert_eq!(get(address, "/healthz").0, 200);
        assert_eq!(get(address, "/readyz").0, 200);
    }
    let (status, text) = get(&server.metrics, "/metrics");
    assert_eq!(status, 200);
    assert!(
        text.contains("sfu_worker_busy_seconds_total{worker=\"1\"}"),
        "{text}"
    );
    assert_eq!(
        get(&server.http, "/metrics").0,
        404,
        "metrics have a port of their own"
    );
    let (status, body) = post_token(&server.http);
    assert_eq!(status, 200);
    assert!(body.starts_with("{\"token\":\""), "{body}");

    server.signal("TERM");
    assert_eq!(server.exit().code(), Some(0));
}

#[test]
fn outside_development_no_tokens_are_handed_out() {
    let mut server = start(
        command(&["--log-format", "json"])
            .env("SFU_API_KEY", "k")
            .env("SFU_API_SECRET", SECRET),
    );
    assert_eq!(server.said.len(), 1, "{:?}", server.said);
    assert_eq!(get(&server.http, "/healthz").0, 200);
    assert_eq!(post_token(&server.http).0, 404);
    server.signal("INT");
    assert_eq!(server.exit().code(), Some(0));
}

/// Waits until the server takes no new calls; its metrics port answers until the end.
fn draining(server: &Running) {
    let begun = Instant::now();
    while get(&server.metrics, "/readyz").0 != 503 {
        assert!(begun.elapsed() < PATIENCE, "the server does not drain");
    }
    assert_eq!(get(&server.metrics, "/healthz").0, 200);
}

/// A connection whose request is under way and never finishes: the server has said that it waits
/// for the body.
fn silent_connection(server: &Running) -> TcpStream {
    let mut silent = TcpStream::connect(&server.http).unwrap();
    silent.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = "POST /demo/token HTTP/1.1\r\nhost: here\r\ncontent-type: application/json\r\n\
                content-length: 9\r\nexpect: 100-continue\r\n\r\n";
    silent.write_all(head.as_bytes()).unwrap();
    let mut answer = [0; 25];
    silent.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 100 Continue\r\n\r\n");
    silent
}

/// A connection that never finishes its request holds the end up, but not beyond its bound.
#[test]
fn silent_connections_do_not_keep_it() {
    let mut server = start(&mut command(&["--dev"]));
    let _silent = silent_connection(&server);
    server.signal("TERM");
    draining(&server);
    assert_eq!(server.exit().code(), Some(0));
}

#[test]
fn told_twice_it_ends_at_once() {
    let mut server = start(&mut command(&["--dev"]));
    let _silent = silent_connection(&server);
    server.signal("TERM");
    draining(&server);
    server.signal("INT");
    assert_eq!(server.exit().code(), Some(1));
}

#[test]
fn a_port_in_use_is_named_with_its_flag() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for flag in ["--http-port", "--grpc-port", "--metrics-port"] {
        let mut flags = vec!["--dev"];
        flags.extend(FREE_PORTS);
        let at = flags.iter().position(|word| *word == flag).unwrap();
        flags[at + 1] = &port;
        let output = output(&flags);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains(&port) && text.contains(flag), "{text}");
        assert!(output.stdout.is_empty());
    }
    let taken = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = output(&[
        "--dev",
        "--http-port",
        "0",
        "--grpc-port",
        "0",
        "--metrics-port",
        "0",
        "--workers",
        "1",
        "--udp-port",
        &port,
    ]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains(&port) && text.contains("--udp-port"),
        "{text}"
    );
}

#[test]
fn a_wrong_command_line_ends_with_2_and_says_why() {
    for (flags, words) in [
        (&["--http-prot", "1"][..], "--http-port"),
        (&[], "--dev"),
        (&["--api-key", "k"], "--api-secret-file"),
        (&["--dev", "--bind", "0.0.0.0"], "--dev-allow-remote"),
        (&["--dev", "--log", "a=b=c"], "--log"),
        (&["--dev", "--log", "sfu_core=debug,inof"], "--log"),
    ] {
        let output = output(flags);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{flags:?}: {text}");
        assert!(text.contains(words), "{flags:?}: {text}");
    }
    let short = command(&["--api-key", "k"])
        .env("SFU_API_SECRET", "short")
        .output()
        .unwrap();
    let text = String::from_utf8(short.stderr).unwrap();
    assert_eq!(short.status.code(), Some(2));
    assert!(text.contains("32") && !text.contains("short "), "{text}");
}

#[test]
fn help_and_version_answer() {
    let help = output(&["--help"]);
    assert!(help.status.success());
    assert!(
        String::from_utf8(help.stdout)
            .unwrap()
            .contains("7882  UDP")
    );
    let version = output(&["--version"]);
    assert_eq!(
        String::from_utf8(version.stdout).unwrap().trim(),
        concat!("sfu-server ", env!("CARGO_PKG_VERSION"))
    );
}
