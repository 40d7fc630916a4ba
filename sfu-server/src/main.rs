//! The binary: flags in, a server, an exit code out.
#![forbid(unsafe_code)]

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use sfu_server::config::{
    Config, DEVELOPMENT_KEY, DEVELOPMENT_SECRET, Flags, LogFormat, SECRET_VARIABLE,
};
use sfu_server::server::{Listening, Server};
use sfu_server::shutdown::{LAST_PACKETS, Signals, bound_the_end};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

fn main() -> ExitCode {
    let flags = Flags::parse();
    let refuse = |text: String| -> ! {
        Flags::command()
            .error(clap::error::ErrorKind::ValueValidation, text)
            .exit()
    };
    if let Err(error) = start_log(&flags.log, flags.log_format) {
        refuse(format!("--log {}: {error}", flags.log));
    }
    let config = match flags.check(std::env::var(SECRET_VARIABLE).ok()) {
        Ok(config) => config,
        Err(error) => refuse(error.to_string()),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("the runtime did not start: {error}")),
    };
    let result = runtime.block_on(run(&config));
    // What is still there is cut off; the workers send their last packets and end.
    runtime.shutdown_timeout(LAST_PACKETS);
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => fail(&text),
    }
}

fn fail(text: &str) -> ExitCode {
    eprintln!("sfu-server: {text}");
    ExitCode::FAILURE
}

async fn run(config: &Config) -> Result<(), String> {
    let mut signals = Signals::listen().map_err(|error| format!("signals: {error}"))?;
    let mut server = Server::start(config)
        .await
        .map_err(|error| error.to_string())?;
    announce(config, server.listening());
    let fault = tokio::select! {
        name = signals.next() => {
            tracing::info!(signal = name, "shutting down");
            None
        }
        part = server.fault() => Some(part),
    };
    bound_the_end();
    tokio::select! {
        () = server.end() => {}
        name = signals.next() => return Err(format!("{name} again: ended at once")),
    }
    match fault {
        Some(part) => Err(format!("{part} ended by itself")),
        None => Ok(()),
    }
}

/// Says on standard output where the server is: to people first, then to programs.
fn announce(config: &Config, listening: &Listening) {
    let mut text = String::new();
    if let Some(development) = config.development {
        let media: Vec<String> = listening.media.iter().map(u16::to_string).collect();
        text += &format!(
            "sfu-server {} in development mode\n\n  call page  http://{}/\n  gRPC       {}\n  \
             metrics    http://{}/metrics\n  media      UDP {}\n",
            env!("CARGO_PKG_VERSION"),
            listening.http,
            listening.grpc,
            listening.metrics,
            media.join(", "),
        );
        if development.published_key {
            text += &format!(
                "  API key    {DEVELOPMENT_KEY}, its secret: {DEVELOPMENT_SECRET}\n\nWARNING: \
                 everybody knows this key; it is for development only.\n"
            );
        }
        text += "\n";
    }
    text += &format!("{listening}\n");
    // Nobody may be reading; that is no reason to end.
    let mut out = io::stdout();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

fn start_log(filter: &str, format: LogFormat) -> Result<(), String> {
    // A bare word would be taken for a module's name, and a misspelt level would silence all others.
    let bare = |word: &&str| !word.contains('=') && word.parse::<LevelFilter>().is_err();
    if let Some(word) = filter.split(',').map(str::trim).find(bare) {
        return Err(format!(
            "--log: {word:?} is no level; for a module write {word}=debug"
        ));
    }
    // The SCTP library logs every packet whole, at a level that is on by default.
    let filter = EnvFilter::try_new(format!("dcsctp=off,{filter}"));
    let filter = filter.map_err(|error| error.to_string())?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
    std::panic::set_hook(Box::new(|info| tracing::error!(panic = %info, "a panic")));
    Ok(())
}
