//! `dwell doctor`: the health of every part, also when the daemon is not there; and mending what we may.

mod mend;
mod unit;

use std::time::Duration;

use dwell_bus::wire;

use self::mend::{Done, Mending};
use self::unit::Unit;
use super::stream::Lines;
use super::{browser, config};
use crate::bus::{Bus, Daemon};
use crate::console::Console;
use crate::error::{End, Error, Kind};
use crate::output::json;
use crate::output::look::{Ink, Look};
use crate::output::text::{left, plain, width, wrap};

/// What starts the daemon where no service manager does.
const STARTED_BY_HAND: &str = "dwelld";
/// The same where the bus starts whoever is asked for.
const STARTED_BY_BUS: &str = "dwelld attach";

/// How long the parts may take to settle after something was mended.
const SETTLING: Duration = Duration::from_secs(3);

/// Look at the health of every part, and say what mends it
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub(crate) struct Args {
    /// Mend what can be mended without root, then look again
    #[arg(long)]
    fix: bool,
}

/// Asks everyone, mends where that is wanted, and says what was found.
pub(crate) async fn run(args: Args, console: &mut Console) -> Result<End, Error> {
    let bus = Bus::chosen()?;
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    if bus == Bus::Session && rustix::process::getuid().is_root() && is_a_mistake(&variable) {
        let message = "you are root, and each person has a daemon of their own";
        return Err(Error::new(Kind::Failed, message).hint("run `dwell doctor` as yourself"));
    }
    let mut parts = examine(bus, &variable).await;
    parts.extend(browser::confined());
    if args.fix {
        parts = mend(bus, parts, &variable, console).await;
    }
    let next = match parts.iter().any(|part| Mending::of(part, bus).is_some()) {
        true if !args.fix => "; `dwell doctor --fix` mends what it may",
        _ => "",
    };
    if console.json {
        console.say(&json::line(&json::Doctor::new(&parts)));
    } else {
        let ill: Vec<_> = parts.iter().filter(|part| !part.ok).cloned().collect();
        match (console.quiet, ill.is_empty()) {
            (true, true) => {}
            (true, false) => console.say(&screen(&ill, next, console.look)),
            (false, _) => console.say(&screen(&parts, next, console.look)),
        }
    }
    Ok(if parts.iter().all(|part| part.ok) { End::Well } else { End::Problem })
}

/// The bus, the daemon, its unit, and the daemon's own parts, as far as they can be reached.
async fn examine(bus: Bus, variable: &impl Fn(&str) -> Option<String>) -> Vec<wire::Part> {
    let connection = match bus.connect().await {
        Ok(connection) => connection,
        Err(why) => return vec![bad("bus", &why.message, why.hint), display(variable), config::part(bus)],
    };
    let unit = Unit::find(&connection).await;
    let mut parts = vec![good("bus", "reachable")];
    let own = match Daemon::on(bus, &connection).await {
        Ok(daemon) => daemon.ask(|d| d.doctor()).await,
        Err(why) => Err(why),
    };
    match own {
        Ok(own) => {
            parts.push(good("daemon", "running"));
            parts.push(unit.while_running(bus, unit::daemon_pid(&connection).await));
            parts.extend(own);
        }
        Err(why) if why.kind == Kind::Unreachable => {
            let stopped = unit.while_stopped(bus);
            let fix = if why.message != bus.not_running().message {
                why.hint
            } else if unit.start(bus) == STARTED_BY_HAND && unit::is_activatable(&connection).await {
                Some(STARTED_BY_BUS.to_owned())
            } else {
                Some(unit.start(bus).to_owned())
            };
            parts.push(bad("daemon", &why.message, fix));
            parts.push(stopped);
            parts.extend([display(variable), config::part(bus)]);
        }
        Err(why) => parts.push(bad("daemon", &why.message, why.hint)),
    }
    parts
}

/// Whether root asks in place of the person: by way of sudo and the like, or where root has no session.
fn is_a_mistake(variable: &impl Fn(&str) -> Option<String>) -> bool {
    let set = |name: &&str| variable(name).is_some();
    ["SUDO_UID", "DOAS_USER", "PKEXEC_UID"].iter().any(set)
        || !["XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"].iter().any(set)
}

/// What the environment says of a display, while there is no daemon that would look for itself.
fn display(variable: &impl Fn(&str) -> Option<String>) -> wire::Part {
    let of = variable("XDG_CURRENT_DESKTOP")
        .map_or_else(String::new, |name| format!(", {name} by its own account"));
    for (name, kind) in [("WAYLAND_DISPLAY", "Wayland"), ("DISPLAY", "X11")] {
        if variable(name).is_some() {
            return good("desktop", &format!("{name} is set ({kind}){of}; a running daemon tells more"));
        }
    }
    let message = "neither WAYLAND_DISPLAY nor DISPLAY is set here";
    bad("desktop", message, Some("run it inside your desktop session: dwell doctor".to_owned()))
}

/// Mends what we may, one thing after the other: what is mended first may show what is wrong next. Nothing is tried
/// twice. The parts as they are afterwards.
async fn mend(
    bus: Bus,
    mut parts: Vec<wire::Part>,
    variable: &impl Fn(&str) -> Option<String>,
    console: &mut Console,
) -> Vec<wire::Part> {
    let mut tried = Vec::new();
    let Ok(connection) = bus.connect().await else { return parts };
    while let Some(mending) =
        parts.iter().filter_map(|part| Mending::of(part, bus)).find(|mending| !tried.contains(mending))
    {
        tried.push(mending);
        let outcome = mending.carry_out(bus, &connection).await;
        if outcome.as_ref().is_ok_and(|done| done.left.is_none()) && mending.makes_it_look() {
            settle(bus, &connection).await;
        }
        parts = examine(bus, variable).await;
        let still = parts.iter().any(|part| Mending::of(part, bus) == Some(mending));
        let line = match outcome {
            Ok(Done { what, left: Some(left) }) => format!("Half done: {what}; {left}"),
            Ok(done) if still => format!("Not mended: {}, but the problem is still there", done.what),
            Ok(done) => format!("Mended: {}", done.what),
            Err(why) => format!("Not mended: {}", why.message),
        };
        if console.json || console.quiet {
            console.remark(&line);
        } else {
            console.say(&wrap(&plain(&line), console.look.width, 2).join("\n"));
        }
    }
    if !console.json && !console.quiet && !tried.is_empty() {
        console.say("");
    }
    parts
}

/// Waits until the daemon knows what has focus, for a while: it begins to look when it has started, or was told
/// where.
async fn settle(bus: Bus, connection: &zbus::Connection) {
    let seen = async {
        let daemon = Daemon::on(bus, connection).await.ok()?;
        // Listened to before asking, so that nothing is missed in between.
        let mut changes = Lines::new(daemon.ask(|d| d.watch()).await.ok()?.into()).ok()?;
        loop {
            let parts = daemon.ask(|d| d.doctor()).await.ok()?;
            let settled =
                ["desktop", "focus"].iter().all(|name| parts.iter().any(|p| p.part == *name && p.ok));
            if settled {
                return Some(());
            }
            changes.next().await.ok()??;
        }
    };
    // Whatever it is by then is what is told.
    let _ = tokio::time::timeout(SETTLING, seen).await;
}

fn good(part: &str, message: &str) -> wire::Part {
    wire::Part { part: part.to_owned(), ok: true, message: message.to_owned(), fix: None }
}

fn bad(part: &str, message: &str, fix: Option<String>) -> wire::Part {
    wire::Part { part: part.to_owned(), ok: false, message: message.to_owned(), fix }
}

/// One line a part. What is wrong for the same reason, or mended by the same command, is told once.
pub(super) fn screen(parts: &[wire::Part], next: &str, look: Look) -> String {
    let columns = parts.iter().map(|part| width(&plain(&part.part))).max().unwrap_or(0).min(look.width / 3);
    let mut lines = Vec::new();
    let mut told: Vec<&wire::Part> = Vec::new();
    let mut problems = 0;
    for part in parts {
        let (mark, ink) = if part.ok { ("✓", Ink::Good) } else { ("✗", Ink::Bad) };
        let (name, indent) = if look.width < 60 {
            (format!("{}:", plain(&part.part)), 2)
        } else {
            (format!("{} ", left(&plain(&part.part), columns)), columns + 4)
        };
        let again = !part.ok && told.iter().any(|other| other.message == part.message);
        let message = if again { "the same".into() } else { plain(&part.message) };
        let text = wrap(&format!("{mark} {name} {message}"), look.width, indent);
        for (i, line) in text.iter().enumerate() {
            lines.push(match line.strip_prefix(mark) {
                Some(rest) if i == 0 => format!("{}{rest}", look.ink(ink, mark)),
                _ => line.clone(),
            });
        }
        if part.ok {
            continue;
        }
        let known = part.fix.is_some() && told.iter().any(|other| other.fix == part.fix);
        if let Some(fix) = part.fix.as_deref().filter(|_| !again) {
            let fix = if known { "the same" } else { fix };
            lines.extend(wrap(&format!("{}→ {}", " ".repeat(indent), plain(fix)), look.width, indent + 2));
        }
        problems += usize::from(!known && !again);
        told.push(part);
    }
    lines.push(String::new());
    let (ink, summary) = match problems {
        0 => (Ink::Good, "All is well".to_owned()),
        1 => (Ink::Bad, format!("1 problem{next}")),
        n => (Ink::Bad, format!("{n} problems{next}")),
    };
    lines.extend(wrap(&summary, look.width, 2).iter().map(|line| look.ink(ink, line)));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts() -> Vec<wire::Part> {
        vec![
            good("bus", "reachable"),
            good("daemon", "running"),
            good("unit", "enabled; the daemon runs from it"),
            good("focus", "x11 on :0"),
            bad(
                "idle",
                "the compositor has no ext-idle-notify\x07",
                Some("use a compositor that has it".into()),
            ),
        ]
    }

    #[test]
    fn screens() {
        insta::assert_snapshot!(screen(&parts(), "", Look { width: 80, color: false }), @r"
        ✓ bus     reachable
        ✓ daemon  running
        ✓ unit    enabled; the daemon runs from it
        ✓ focus   x11 on :0
        ✗ idle    the compositor has no ext-idle-notify\u{7}
                  → use a compositor that has it

        1 problem
        ");
        insta::assert_snapshot!(screen(&parts(), "", Look { width: 20, color: false }), @r"
        ✓ bus: reachable
        ✓ daemon: running
        ✓ unit: enabled; the
          daemon runs from
          it
        ✓ focus: x11 on :0
        ✗ idle: the
          compositor has no
          ext-idle-notify\u{
          7}
          → use a compositor
            that has it

        1 problem
        ");
        insta::assert_snapshot!(screen(&parts()[..2], "", Look { width: 80, color: true }).replace('\x1b', "ESC"), @"
        ESC[32m✓ESC[0m bus     reachable
        ESC[32m✓ESC[0m daemon  running

        ESC[32mAll is wellESC[0m
        ");
    }

    #[test]
    fn document() {
        insta::assert_snapshot!(json::line(&json::Doctor::new(&parts()[3..])), @r#"{"schema":"dwell.doctor/1","ok":false,"parts":[{"part":"focus","ok":true,"message":"x11 on :0","fix":null},{"part":"idle","ok":false,"message":"the compositor has no ext-idle-notify\u0007","fix":"use a compositor that has it"}]}"#);
    }
}
