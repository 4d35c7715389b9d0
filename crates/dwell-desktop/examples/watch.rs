//! Prints what the desktop tells, ids and all: a tool for people who work on this crate.
//!
//! `watch [IDLE_SECONDS [terminal-programs|- [own-name]]]`; lines `minimise ID`, `restore ID`, `close ID`, `units ID`, `freeze UNIT`,
//! `thaw UNIT`, `lock`, `attach NAME=VALUE …` and `idle SECONDS` on standard input (a pipe) are obeyed.
#![expect(clippy::print_stdout, reason = "printing is its purpose")]

use std::os::fd::AsFd;

use dwell_core::sample::Fact;
use dwell_core::subject::AppId;
use dwell_core::time::Millis;
use dwell_desktop::freezer::{self, Unit};
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
    let has_bus = std::env::var_os("DBUS_SESSION_BUS_ADDRESS").is_some();
    let session = if has_bus { zbus::Connection::session().await.ok() } else { None };
    if let (Some(session), Some("own-name")) = (&session, std::env::args().nth(3).as_deref()) {
        // GNOME Shell's extension answers nobody else.
        let _ = session.request_name("org.dwell.Dwell1").await;
    }
    let bus = session.clone();
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
                Some(line) => obey(&desktop, bus.as_ref(), &line).await,
                None => lines = None,
            },
        }
    }
}

async fn next(lines: &mut Option<Lines<BufReader<Receiver>>>) -> Option<String> {
    lines.as_mut()?.next_line().await.ok()?
}

async fn obey(desktop: &Desktop, session: Option<&zbus::Connection>, line: &str) {
    let (verb, rest) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
    match (verb, AppId::new(rest)) {
        ("minimise", Ok(app)) => desktop.act(WindowAct::Minimise(app)),
        ("restore", Ok(app)) => desktop.act(WindowAct::Restore(app)),
        ("close", Ok(app)) => desktop.act(WindowAct::Close(app)),
        ("units", Ok(app)) => desktop.act(WindowAct::FindUnits(app)),
        ("freeze" | "thaw", _) => {
            let (Some(session), Some(unit)) = (session, Unit::new(rest)) else {
                return println!("no bus or unit");
            };
            let done = match verb {
                "freeze" => freezer::freeze(session, &unit).await,
                _ => freezer::thaw(session, &unit).await,
            };
            println!("{verb}: {done:?}, now {:?}", freezer::state(session, &unit).await);
        }
        ("lock", _) => println!("lock: {:?}", desktop.lock_session().await),
        ("attach", _) => {
            desktop.reattach(Surroundings::new(rest.split(' ').filter_map(|var| var.split_once('='))));
        }
        ("idle", _) => {
            let idle_after = Millis::from_secs(rest.parse().unwrap_or(180));
            desktop.configure(Settings { idle_after, ..Settings::default() });
        }
        _ => println!(
            "minimise ID | restore ID | close ID | units ID | freeze UNIT | thaw UNIT | lock | attach NAME=VALUE … | idle SECONDS"
        ),
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
        Notice::Units { app, found } => match found {
            Ok(units) => {
                let units: Vec<_> = units.iter().map(Unit::as_str).collect();
                format!("units of {}: {}", app.as_str(), units.join(" "))
            }
            Err(why) => format!("no units of {}: {why:?}", app.as_str()),
        },
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
