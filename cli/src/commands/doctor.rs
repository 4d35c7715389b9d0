//! `dwell doctor`: the health of every part, also when the daemon is not there.

use dwell_bus::wire;
use zbus::proxy::MethodFlags;

use crate::bus::{Bus, Daemon};
use crate::console::Console;
use crate::error::{End, Error, Kind};
use crate::output::json;
use crate::output::look::{Ink, Look};
use crate::output::text::{left, plain, width, wrap};

/// Look at the health of every part, and say what mends it
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub(crate) struct Args {
    /// Mend what can be mended without root, then look again
    #[arg(long)]
    fix: bool,
}

/// Asks everyone, and says what was found.
pub(crate) async fn run(args: Args, console: &mut Console) -> Result<End, Error> {
    let bus = Bus::chosen()?;
    let mut parts = examine(bus).await?;
    let wanted = |part: &wire::Part| !part.ok && part.message.contains("dwell doctor --fix");
    if args.fix && parts.iter().any(wanted) {
        let done = super::gnome::mend(&bus.connect().await?).await?;
        if !console.json {
            console.say(&done.to_string());
        }
        parts = examine(bus).await?;
    }
    if console.json {
        console.say(&json::line(&json::Doctor::new(&parts)));
    } else {
        console.say(&screen(&parts, console.look));
    }
    Ok(if parts.iter().all(|part| part.ok) { End::Well } else { End::Problem })
}

/// The bus, the daemon, its unit, and the daemon's own parts, as far as they can be reached.
async fn examine(bus: Bus) -> Result<Vec<wire::Part>, Error> {
    let connection = match bus.connect().await {
        Ok(connection) => connection,
        Err(why) => return Ok(vec![bad("bus", &why.message, why.hint)]),
    };
    let unit = Unit::find(&connection).await;
    let mut parts = vec![good("bus", "reachable")];
    match Daemon::on(bus, &connection).await?.ask(|d| d.doctor()).await {
        Ok(own) => {
            parts.push(good("daemon", "running"));
            parts.push(unit.while_running());
            parts.extend(own);
        }
        Err(why) if why.kind == Kind::Unreachable => {
            parts.push(bad("daemon", &why.message, Some(unit.start(bus))));
            parts.push(unit.while_stopped());
        }
        Err(why) => parts.push(bad("daemon", &why.message, why.hint)),
    }
    Ok(parts)
}

fn good(part: &str, message: &str) -> wire::Part {
    wire::Part { part: part.to_owned(), ok: true, message: message.to_owned(), fix: None }
}

fn bad(part: &str, message: &str, fix: Option<String>) -> wire::Part {
    wire::Part { part: part.to_owned(), ok: false, message: message.to_owned(), fix }
}

/// What systemd knows of the daemon's unit.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Unit {
    /// There is no systemd on this bus.
    NoSystemd,
    /// systemd knows no such unit.
    Missing,
    /// `enabled`, `disabled`, `static`, `masked` …
    Known(String),
}

impl Unit {
    /// Asks the systemd that manages this bus, without starting one.
    async fn find(connection: &zbus::Connection) -> Self {
        let manager = zbus::proxy::Builder::<zbus::Proxy<'_>>::new(connection)
            .destination("org.freedesktop.systemd1")
            .and_then(|b| b.path("/org/freedesktop/systemd1"))
            .and_then(|b| b.interface("org.freedesktop.systemd1.Manager"));
        let Ok(manager) = manager else { return Self::NoSystemd };
        let Ok(manager) = manager.cache_properties(zbus::proxy::CacheProperties::No).build().await else {
            return Self::NoSystemd;
        };
        let state: Result<Option<String>, _> = manager
            .call_with_flags("GetUnitFileState", MethodFlags::NoAutoStart.into(), &("dwelld.service",))
            .await;
        match state {
            Ok(state) => Self::Known(state.unwrap_or_default()),
            Err(zbus::Error::MethodError(name, ..))
                if name.starts_with("org.freedesktop.systemd1.") || name.ends_with(".FileNotFound") =>
            {
                Self::Missing
            }
            Err(_) => Self::NoSystemd,
        }
    }

    fn start(&self, bus: Bus) -> String {
        match self {
            Self::Known(state) if state == "masked" => "systemctl --user unmask dwelld".to_owned(),
            Self::Known(_) => bus.start().to_owned(),
            Self::NoSystemd | Self::Missing => "dwelld".to_owned(),
        }
    }

    /// A daemon that runs is well, whoever started it.
    fn while_running(&self) -> wire::Part {
        match self {
            Self::Known(state) => good("unit", state),
            Self::Missing => good("unit", "not installed; the daemon was started without systemd"),
            Self::NoSystemd => good("unit", "no systemd on this bus; the daemon was started without it"),
        }
    }

    fn while_stopped(&self) -> wire::Part {
        match self {
            Self::Known(state) if state == "masked" => bad(
                "unit",
                "masked: systemd may not start it",
                Some("systemctl --user unmask dwelld".to_owned()),
            ),
            Self::Known(state) => good("unit", state),
            Self::Missing => bad("unit", "dwelld.service is not installed", None),
            Self::NoSystemd => good("unit", "no systemd on this bus; let your desktop start dwelld"),
        }
    }
}

fn screen(parts: &[wire::Part], look: Look) -> String {
    let columns = parts.iter().map(|part| width(&plain(&part.part))).max().unwrap_or(0).min(look.width / 3);
    let mut lines = Vec::new();
    for part in parts {
        let (mark, ink) = if part.ok { ("✓", Ink::Good) } else { ("✗", Ink::Bad) };
        let (name, indent) = if look.width < 40 {
            (format!("{}:", plain(&part.part)), 2)
        } else {
            (format!("{} ", left(&plain(&part.part), columns)), columns + 4)
        };
        let text = wrap(&format!("{mark} {name} {}", plain(&part.message)), look.width, indent);
        for (i, line) in text.iter().enumerate() {
            lines.push(match line.strip_prefix(mark) {
                Some(rest) if i == 0 => format!("{}{rest}", look.ink(ink, mark)),
                _ => line.clone(),
            });
        }
        if let Some(fix) = part.fix.as_ref().filter(|_| !part.ok) {
            lines.extend(wrap(&format!("{}→ {}", " ".repeat(indent), plain(fix)), look.width, indent + 2));
        }
    }
    let problems = parts.iter().filter(|part| !part.ok).count();
    lines.push(String::new());
    lines.push(match problems {
        0 => look.ink(Ink::Good, "All is well"),
        1 => look.ink(Ink::Bad, "1 problem"),
        n => look.ink(Ink::Bad, &format!("{n} problems")),
    });
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts() -> Vec<wire::Part> {
        vec![
            good("bus", "reachable"),
            good("daemon", "running"),
            Unit::Known("enabled".into()).while_running(),
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
        insta::assert_snapshot!(screen(&parts(), Look { width: 80, color: false }), @r"
        ✓ bus     reachable
        ✓ daemon  running
        ✓ unit    enabled
        ✓ focus   x11 on :0
        ✗ idle    the compositor has no ext-idle-notify\u{7}
                  → use a compositor that has it

        1 problem
        ");
        insta::assert_snapshot!(screen(&parts(), Look { width: 20, color: false }), @r"
        ✓ bus: reachable
        ✓ daemon: running
        ✓ unit: enabled
        ✓ focus: x11 on :0
        ✗ idle: the
          compositor has no
          ext-idle-notify\u{
          7}
          → use a compositor
            that has it

        1 problem
        ");
        insta::assert_snapshot!(screen(&parts()[..2], Look { width: 80, color: true }).replace('\x1b', "ESC"), @"
        ESC[32m✓ESC[0m bus     reachable
        ESC[32m✓ESC[0m daemon  running

        ESC[32mAll is wellESC[0m
        ");
    }

    #[test]
    fn document() {
        insta::assert_snapshot!(json::line(&json::Doctor::new(&parts()[3..])), @r#"{"schema":"dwell.doctor/1","ok":false,"parts":[{"part":"focus","ok":true,"message":"x11 on :0","fix":null},{"part":"idle","ok":false,"message":"the compositor has no ext-idle-notify\u0007","fix":"use a compositor that has it"}]}"#);
    }

    #[test]
    fn what_starts_it_depends_on_the_unit() {
        assert_eq!(Unit::Missing.start(Bus::Session), "dwelld");
        assert_eq!(Unit::Known("disabled".into()).start(Bus::Session), "systemctl --user start dwelld");
        assert_eq!(Unit::Known("masked".into()).start(Bus::Session), "systemctl --user unmask dwelld");
        assert!(!Unit::Known("masked".into()).while_stopped().ok);
    }
}
