//! What systemd knows of the daemon's unit, and what that means for the person.

use dwell_bus::wire;
use zbus::fdo::DBusProxy;
use zbus::names::BusName;
use zbus::proxy::{CacheProperties, MethodFlags};

use super::{STARTED_BY_HAND, bad, good};
use crate::bus::Bus;

const NAME: &str = "dwelld.service";
const MANAGER: &str = "org.freedesktop.systemd1";

/// What systemd knows of the daemon's unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// There is no systemd on this bus.
    NoSystemd,
    /// systemd knows no such unit.
    Missing,
    /// It is installed.
    Known {
        /// `enabled`, `disabled`, `static`, `masked` …
        file: String,
        /// `active`, `inactive`, `failed` …
        active: String,
        /// Its main process; zero for none.
        pid: u32,
    },
}

impl Unit {
    /// Asks the systemd that manages this bus, without starting one.
    pub(super) async fn find(connection: &zbus::Connection) -> Self {
        let Ok(manager) =
            proxy(connection, "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager").await
        else {
            return Self::NoSystemd;
        };
        let flags = MethodFlags::NoAutoStart.into();
        let file: Result<Option<String>, _> =
            manager.call_with_flags("GetUnitFileState", flags, &(NAME,)).await;
        let file = match file {
            Ok(state) => state.unwrap_or_default(),
            Err(zbus::Error::MethodError(name, ..))
                if name.starts_with("org.freedesktop.systemd1.") || name.ends_with(".FileNotFound") =>
            {
                return Self::Missing;
            }
            Err(_) => return Self::NoSystemd,
        };
        // A unit that is not loaded has no object; then it does not run.
        let path: Result<Option<zbus::zvariant::OwnedObjectPath>, _> =
            manager.call_with_flags("GetUnit", flags, &(NAME,)).await;
        let (mut active, mut pid) = ("inactive".to_owned(), 0);
        if let Ok(Some(path)) = path {
            if let Ok(unit) = proxy(connection, path.as_str(), "org.freedesktop.systemd1.Unit").await {
                active = unit.get_property("ActiveState").await.unwrap_or(active);
            }
            if let Ok(service) = proxy(connection, path.as_str(), "org.freedesktop.systemd1.Service").await {
                pid = service.get_property("MainPID").await.unwrap_or(0);
            }
        }
        Self::Known { file, active, pid }
    }

    fn file(&self) -> &str {
        match self {
            Self::Known { file, .. } => file,
            Self::NoSystemd | Self::Missing => "",
        }
    }

    /// The command that starts the daemon for good.
    pub(super) fn start(&self, bus: Bus) -> &'static str {
        match (self, self.file()) {
            (_, "masked" | "masked-runtime") => bus.unmask(),
            (_, "disabled") => bus.enable_now(),
            (Self::Known { .. }, _) => bus.start(),
            (Self::NoSystemd | Self::Missing, _) => STARTED_BY_HAND,
        }
    }

    /// The unit while the daemon runs as process `daemon`. One that runs is well, whoever started it.
    pub(super) fn while_running(&self, bus: Bus, daemon: Option<u32>) -> wire::Part {
        match self {
            Self::Known { file, active, pid } => {
                let ours = active == "active" && daemon.is_some_and(|daemon| daemon == *pid);
                let runs = if ours { "the daemon runs from it" } else { "the daemon was started without it" };
                match file.as_str() {
                    "masked" | "masked-runtime" => {
                        let message = format!("masked: systemd may not start it; {runs}");
                        bad("unit", &message, Some(bus.unmask().to_owned()))
                    }
                    "disabled" if ours => {
                        let message = format!("disabled: it is not started when you log in; {runs}");
                        bad("unit", &message, Some(bus.enable().to_owned()))
                    }
                    file => good("unit", &format!("{file}; {runs}")),
                }
            }
            Self::Missing => good("unit", "not installed; the daemon was started without systemd"),
            Self::NoSystemd => good("unit", "no systemd on this bus; the daemon was started without it"),
        }
    }

    /// The unit while the daemon does not run.
    pub(super) fn while_stopped(&self, bus: Bus) -> wire::Part {
        match self {
            Self::Known { file, active, .. } => match (file.as_str(), active.as_str()) {
                ("masked" | "masked-runtime", _) => {
                    bad("unit", "masked: systemd may not start it", Some(bus.unmask().to_owned()))
                }
                (_, "failed") => bad("unit", "it was started, and failed", Some(bus.journal().to_owned())),
                ("disabled", _) => {
                    let message = "disabled: it is not started when you log in";
                    bad("unit", message, Some(bus.enable_now().to_owned()))
                }
                (file, active) => good("unit", &format!("{file}, {active}")),
            },
            Self::Missing => bad("unit", "dwelld.service is not installed", Some(self.start(bus).to_owned())),
            Self::NoSystemd => good("unit", "no systemd on this bus; let your desktop start dwelld"),
        }
    }
}

/// Whether the bus would start the daemon for one who asks for it.
pub(super) async fn is_activatable(connection: &zbus::Connection) -> bool {
    let Ok(bus) = DBusProxy::new(connection).await else { return false };
    let names = bus.list_activatable_names().await;
    names.is_ok_and(|names| names.iter().any(|name| name.as_str() == dwell_bus::NAME))
}

/// The process that has the daemon's name.
pub(super) async fn daemon_pid(connection: &zbus::Connection) -> Option<u32> {
    let name = BusName::try_from(dwell_bus::NAME).ok()?;
    DBusProxy::new(connection).await.ok()?.get_connection_unix_process_id(name).await.ok()
}

async fn proxy<'a>(
    connection: &zbus::Connection,
    path: &'a str,
    interface: &'a str,
) -> zbus::Result<zbus::Proxy<'a>> {
    zbus::proxy::Builder::new(connection)
        .destination(MANAGER)?
        .path(path)?
        .interface(interface)?
        .cache_properties(CacheProperties::No)
        .build()
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(file: &str, active: &str, pid: u32) -> Unit {
        Unit::Known { file: file.into(), active: active.into(), pid }
    }

    fn told(part: &wire::Part) -> String {
        let mark = if part.ok { "✓" } else { "✗" };
        format!("{mark} {} → {}", part.message, part.fix.as_deref().unwrap_or("-"))
    }

    #[test]
    fn while_it_runs() {
        let of = |unit: Unit| told(&unit.while_running(Bus::Session, Some(7)));
        let all = [
            known("enabled", "active", 7),
            known("enabled", "inactive", 0),
            known("disabled", "active", 7),
            known("disabled", "inactive", 0),
            known("masked", "inactive", 0),
            Unit::Missing,
            Unit::NoSystemd,
        ];
        insta::assert_snapshot!(all.map(of).join("\n"), @"
        ✓ enabled; the daemon runs from it → -
        ✓ enabled; the daemon was started without it → -
        ✗ disabled: it is not started when you log in; the daemon runs from it → systemctl --user enable dwelld
        ✓ disabled; the daemon was started without it → -
        ✗ masked: systemd may not start it; the daemon was started without it → systemctl --user unmask dwelld
        ✓ not installed; the daemon was started without systemd → -
        ✓ no systemd on this bus; the daemon was started without it → -
        ");
    }

    #[test]
    fn while_it_does_not() {
        let of = |unit: Unit| {
            format!("{} | {}", unit.start(Bus::Session), told(&unit.while_stopped(Bus::Session)))
        };
        let all = [
            known("enabled", "inactive", 0),
            known("enabled", "failed", 0),
            known("disabled", "inactive", 0),
            known("masked", "inactive", 0),
            Unit::Missing,
            Unit::NoSystemd,
        ];
        insta::assert_snapshot!(all.map(of).join("\n"), @"
        systemctl --user start dwelld | ✓ enabled, inactive → -
        systemctl --user start dwelld | ✗ it was started, and failed → journalctl --user -u dwelld -e
        systemctl --user enable --now dwelld | ✗ disabled: it is not started when you log in → systemctl --user enable --now dwelld
        systemctl --user unmask dwelld | ✗ masked: systemd may not start it → systemctl --user unmask dwelld
        dwelld | ✗ dwelld.service is not installed → dwelld
        dwelld | ✓ no systemd on this bus; let your desktop start dwelld → -
        ");
    }
}
