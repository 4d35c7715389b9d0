//! Prints what the desktop tells, ids and all: a tool for people who work on this crate.
//!
//! `watch [IDLE_SECONDS [terminal-programs]]`; lines `minimise ID`, `close ID`, `attach NAME=VALUE …` and `idle SECONDS` on standard input (a pipe) are obeyed.
#![expect(clippy::print_stdout, reason = "printing is its purpose")]

use std::os::fd::AsFd;

use dwell_core::sample::Fact;
use dwell_core::subject::AppId;
use dwell_core::time::Millis;
use dwell_desktop::{Buses, Desktop, Notice, Settings, Surroundings, WindowAct};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::net::unix::pipe::Receiver;
use tokio::sync::mpsc;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let seconds = std::env::args().nth(1).and_then(|arg| arg.parse().ok()).unwrap_or(180);
    let terminal_programs = std::env::args().nth(2).as_deref() == Some("terminal-programs");
    let settings =
        Settings { idle_after: Millis::from_secs(seconds), terminal_programs, ..Settings::default() };
    let bus = |name: &str| std::env::var_os(name).is_some();
    let session = if bus("DBUS_SESSION_BUS_ADDRESS") { zbus::Connection::session().await.ok() } else { None };
    let buses = Buses { session, system: zbus::Connection::system().await.ok() };
    let (out, mut notices) = mpsc::channel(64);
    let desktop = Desktop::start(Surroundings::new(std::env::vars()), settings, out, buses);
    let names = desktop.names();
    // A pipe only, and none of tokio's own standard input, which needs a thread.
    let stdin = std::io::stdin().as_fd().try_clone_to_owned().ok();
    let mut lines =
        stdin.and_then(|fd| Receiver::from_owned_fd(fd).ok()).map(|pipe| BufReader::new(pipe).lines());
    loop {
        tokio::select! {
            notice = notices.recv() => match notice {
                Some(notice) => println!("{}", show(&notice, |app| names.name(app))),
                None => return,
            },
            line = next(&mut lines), if lines.is_some() => match line {
                Some(line) => obey(&desktop, &line),
                None => lines = None,
            },
        }
    }
}

async fn next(lines: &mut Option<Lines<BufReader<Receiver>>>) -> Option<String> {
    lines.as_mut()?.next_line().await.ok()?
}

fn obey(desktop: &Desktop, line: &str) {
    let (verb, rest) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
    match (verb, AppId::new(rest)) {
        ("minimise", Ok(app)) => desktop.act(WindowAct::Minimise(app)),
        ("close", Ok(app)) => desktop.act(WindowAct::Close(app)),
        ("attach", _) => {
            desktop.reattach(Surroundings::new(rest.split(' ').filter_map(|var| var.split_once('='))));
        }
        ("idle", _) => {
            let idle_after = Millis::from_secs(rest.parse().unwrap_or(180));
            desktop.configure(Settings { idle_after, ..Settings::default() });
        }
        _ => println!("minimise ID | close ID | attach NAME=VALUE … | idle SECONDS"),
    }
}

fn show(notice: &Notice, name: impl Fn(&AppId) -> Option<String>) -> String {
    match notice {
        Notice::Health(health) => format!(
            "health {} {} [{}] {}",
            health.part,
            if health.ok { "ok" } else { "BAD" },
            health.backend,
            health.message
        ),
        Notice::Sample(sample) => {
            let fact = match &sample.fact {
                Fact::Focus(Some(app)) => {
                    format!("focus {} ({})", app.as_str(), name(app).unwrap_or_else(|| "no name".to_owned()))
                }
                Fact::Focus(None) => "focus none".to_owned(),
                Fact::IdleSince(since) => format!("idle since {}", since.as_ms()),
                other => format!("{other:?}"),
            };
            format!("{} {fact}", sample.at.as_ms())
        }
    }
}
