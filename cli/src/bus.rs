//! The way to the daemon, and what is said when there is none.

use std::future::Future;
use std::time::Duration;

use dwell_bus::{OwnProxy, VaultProxy};
use serde::de::DeserializeOwned;
use zbus::proxy::{CacheProperties, MethodFlags};
use zbus::zvariant::Type;

use crate::error::{Error, Kind, reason};

/// A daemon that has not answered by then is taken for hung. Reports over years take a second or two.
const PATIENCE: Duration = Duration::from_secs(25);

/// Which bus the daemon is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bus {
    /// The person's own.
    Session,
    /// The machine's, in family mode.
    System,
}

impl Bus {
    /// The bus that `DWELL_BUS` names.
    ///
    /// # Errors
    /// It names neither `session` nor `system`.
    pub(crate) fn chosen() -> Result<Self, Error> {
        match std::env::var("DWELL_BUS").as_deref() {
            Err(std::env::VarError::NotPresent) | Ok("" | "session") => Ok(Self::Session),
            Ok("system") => Ok(Self::System),
            other => {
                let value = other.unwrap_or("…");
                Err(Error::new(Kind::Invalid, format!("DWELL_BUS is \"{value}\", and there is no such bus"))
                    .hint("set it to session or system, or not at all"))
            }
        }
    }

    /// The command that starts the daemon.
    pub(crate) const fn start(self) -> &'static str {
        match self {
            Self::Session => "systemctl --user start dwelld",
            Self::System => "sudo systemctl start dwelld",
        }
    }

    /// The command that has the daemon started at each log-in.
    pub(crate) const fn enable(self) -> &'static str {
        match self {
            Self::Session => "systemctl --user enable dwelld",
            Self::System => "sudo systemctl enable dwelld",
        }
    }

    /// The command that does both.
    pub(crate) const fn enable_now(self) -> &'static str {
        match self {
            Self::Session => "systemctl --user enable --now dwelld",
            Self::System => "sudo systemctl enable --now dwelld",
        }
    }

    /// The command that lets systemd start the daemon again.
    pub(crate) const fn unmask(self) -> &'static str {
        match self {
            Self::Session => "systemctl --user unmask dwelld",
            Self::System => "sudo systemctl unmask dwelld",
        }
    }

    /// The command that shows why the daemon failed.
    pub(crate) const fn journal(self) -> &'static str {
        match self {
            Self::Session => "journalctl --user -u dwelld -e",
            Self::System => "sudo journalctl -u dwelld -e",
        }
    }

    /// Connects, without waking anybody.
    ///
    /// # Errors
    /// There is no such bus.
    pub(crate) async fn connect(self) -> Result<zbus::Connection, Error> {
        let builder = match self {
            Self::Session => zbus::connection::Builder::session(),
            Self::System => zbus::connection::Builder::system(),
        };
        let connected = match builder {
            Ok(builder) => builder.method_timeout(PATIENCE).build().await,
            Err(why) => Err(why),
        };
        connected.map_err(|why| self.missing(&why))
    }

    fn missing(self, why: &zbus::Error) -> Error {
        let why = why.to_string();
        let why = why.strip_prefix("Failed to connect to address ").unwrap_or(&why);
        let why = why.split(" (os error").next().unwrap_or(why).replace('`', "");
        match self {
            Self::Session => Error::new(
                Kind::Unreachable,
                format!("there is no session bus to reach the daemon on ({why})"),
            )
            .hint("run it inside your desktop session"),
            Self::System => Error::new(
                Kind::Unreachable,
                format!("there is no system bus to reach the daemon on ({why})"),
            )
            .hint("use your own daemon with `DWELL_BUS=session`"),
        }
    }

    /// What a failed call means for the person.
    pub(crate) fn failed(self, why: dwell_bus::Error) -> Error {
        let why = match why.into_failure() {
            Ok(failure) => return failure.into(),
            Err(why) => why,
        };
        let (name, text) = match &why {
            zbus::Error::MethodError(name, text, _) => (name.to_string(), text.clone().unwrap_or_default()),
            zbus::Error::FDO(fdo) => (
                zbus::DBusError::name(fdo.as_ref()).to_string(),
                zbus::DBusError::description(fdo.as_ref()).unwrap_or_default().to_owned(),
            ),
            zbus::Error::InputOutput(io) if io.kind() == std::io::ErrorKind::TimedOut => {
                let message = format!("the daemon has not answered for {} seconds", PATIENCE.as_secs());
                return Error::new(Kind::Unreachable, message).hint(self.restart());
            }
            zbus::Error::InputOutput(io) => {
                let message = format!("the connection to the daemon broke ({})", reason(io));
                return Error::new(Kind::Unreachable, message).hint("try again");
            }
            other => {
                let message = format!("the daemon's answer cannot be read ({other})");
                return Error::new(Kind::Failed, message).hint(self.restart());
            }
        };
        match name.strip_prefix("org.freedesktop.DBus.Error.").unwrap_or(&name) {
            "ServiceUnknown" | "NameHasNoOwner" => self.not_running(),
            "NoReply" | "Disconnected" => {
                Error::new(Kind::Unreachable, "the daemon stopped before it answered").hint("try again")
            }
            "Timeout" | "TimedOut" => {
                Error::new(Kind::Unreachable, "the daemon does not answer").hint(self.restart())
            }
            "AccessDenied" => {
                Error::new(Kind::Denied, format!("the bus does not let you ask the daemon ({text})"))
            }
            "UnknownMethod" | "UnknownInterface" | "UnknownObject" | "InvalidArgs" => {
                Error::new(Kind::Failed, "the daemon is of another version than this dwell")
                    .hint(self.restart())
            }
            start if start.starts_with("Spawn.") => {
                Error::new(Kind::Unreachable, format!("the daemon could not be started ({text})"))
                    .hint("see why with `journalctl --user -u dwelld`")
            }
            other => Error::new(Kind::Failed, format!("the bus refused: {other}: {text}"))
                .hint("see `dwell doctor`"),
        }
    }

    /// The daemon is not on the bus.
    pub(crate) fn not_running(self) -> Error {
        let hint = match self {
            Self::Session => {
                "start it with `systemctl --user start dwelld`, or without systemd with `dwelld`"
            }
            Self::System => "start it with `sudo systemctl start dwelld`",
        };
        Error::new(Kind::Unreachable, "the daemon is not running").hint(hint)
    }

    /// The bus itself went away under a command that goes on.
    pub(crate) fn lost(self) -> Error {
        Error::new(Kind::Unreachable, "the bus on which the daemon is has gone away").hint(match self {
            Self::Session => "run it inside your desktop session",
            Self::System => "try again",
        })
    }

    const fn restart(self) -> &'static str {
        match self {
            Self::Session => "restart it with `systemctl --user restart dwelld`",
            Self::System => "restart it with `sudo systemctl restart dwelld`",
        }
    }
}

/// The daemon's own side of the contract. Making one calls nobody, so nothing is started by it.
pub(crate) struct Daemon {
    bus: Bus,
    proxy: OwnProxy<'static>,
    vault: VaultProxy<'static>,
}

impl Daemon {
    /// The daemon on the chosen bus, which may not be there.
    ///
    /// Every command comes by here, so that whose data and rules are meant (today always one's own) is said in one place.
    ///
    /// # Errors
    /// There is no such bus.
    pub(crate) async fn find() -> Result<Self, Error> {
        let bus = Bus::chosen()?;
        Self::on(bus, &bus.connect().await?).await
    }

    /// The daemon on a bus that we are connected to.
    ///
    /// # Errors
    /// Never in practice: names and path are constants.
    pub(crate) async fn on(bus: Bus, connection: &zbus::Connection) -> Result<Self, Error> {
        let proxy = OwnProxy::builder(connection).cache_properties(CacheProperties::No).build().await;
        let vault = VaultProxy::builder(connection).cache_properties(CacheProperties::No).build().await;
        let bad = |why: zbus::Error| bus.failed(why.into());
        Ok(Self { bus, proxy: proxy.map_err(bad)?, vault: vault.map_err(bad)? })
    }

    /// Which bus this is.
    pub(crate) const fn bus(&self) -> Bus {
        self.bus
    }

    /// Asks one thing.
    ///
    /// # Errors
    /// The daemon's failure, or that it is not there.
    pub(crate) async fn ask<'a, T, F>(
        &'a self,
        question: impl FnOnce(&'a OwnProxy<'static>) -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, dwell_bus::Error>>,
    {
        question(&self.proxy).await.map_err(|why| self.bus.failed(why))
    }

    /// Asks for a list by the method's name, and starts nobody for it.
    ///
    /// # Errors
    /// The daemon's failure, or that it is not there.
    pub(crate) async fn list<T: DeserializeOwned + Type>(&self, method: &str) -> Result<Vec<T>, Error> {
        self.listed(self.proxy.inner(), method).await
    }

    /// The same of the vault.
    ///
    /// # Errors
    /// The daemon's failure, or that it is not there.
    pub(crate) async fn list_of_vault<T: DeserializeOwned + Type>(
        &self,
        method: &str,
    ) -> Result<Vec<T>, Error> {
        self.listed(self.vault.inner(), method).await
    }

    async fn listed<T: DeserializeOwned + Type>(
        &self,
        proxy: &zbus::Proxy<'_>,
        method: &str,
    ) -> Result<Vec<T>, Error> {
        let answer = proxy.call_with_flags(method, MethodFlags::NoAutoStart.into(), &()).await;
        Ok(answer.map_err(|why| self.bus.failed(why.into()))?.unwrap_or_default())
    }

    /// That something changed, and that the daemon comes and goes.
    ///
    /// # Errors
    /// The bus refuses to tell.
    pub(crate) async fn news(
        &self,
    ) -> Result<(dwell_bus::own::ChangedStream, zbus::proxy::OwnerChangedStream<'static>), Error> {
        let bad = |why: zbus::Error| self.bus.failed(why.into());
        let changed = self.proxy.receive_changed().await.map_err(bad)?;
        Ok((changed, self.proxy.inner().receive_owner_changed().await.map_err(bad)?))
    }

    /// Asks one thing about the care of the vault.
    ///
    /// # Errors
    /// The daemon's failure, or that it is not there.
    pub(crate) async fn care<'a, T, F>(
        &'a self,
        question: impl FnOnce(&'a VaultProxy<'static>) -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, dwell_bus::Error>>,
    {
        question(&self.vault).await.map_err(|why| self.bus.failed(why))
    }
}

/// Runs a conversation with the bus to its end, on this thread.
///
/// # Errors
/// The conversation's own, or that the system gives no event loop.
pub(crate) fn converse<T>(conversation: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime
        .map_err(|why| Error::new(Kind::Failed, format!("no event loop can be made: {}", reason(&why))))?;
    runtime.block_on(conversation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bus_errors_are_told_in_words() {
        let of = |name: &'static str| {
            let name = zbus::names::ErrorName::from_static_str(name).unwrap();
            let message = zbus::Message::method_call("/", "X").unwrap().build(&()).unwrap();
            let error = zbus::Error::MethodError(name.into(), Some("why".into()), message);
            Bus::Session.failed(error.into())
        };
        insta::assert_snapshot!(of("org.freedesktop.DBus.Error.ServiceUnknown"), @"dwell: the daemon is not running; start it with `systemctl --user start dwelld`, or without systemd with `dwelld`");
        insta::assert_snapshot!(of("org.freedesktop.DBus.Error.Spawn.ChildExited"), @"dwell: the daemon could not be started (why); see why with `journalctl --user -u dwelld`");
        insta::assert_snapshot!(of("org.freedesktop.DBus.Error.NoReply"), @"dwell: the daemon stopped before it answered; try again");
        insta::assert_snapshot!(of("org.freedesktop.DBus.Error.UnknownMethod"), @"dwell: the daemon is of another version than this dwell; restart it with `systemctl --user restart dwelld`");
        insta::assert_snapshot!(of("org.freedesktop.DBus.Error.AccessDenied"), @"dwell: the bus does not let you ask the daemon (why)");
        insta::assert_snapshot!(of("org.example.Odd"), @"dwell: the bus refused: org.example.Odd: why; see `dwell doctor`");
        let late = zbus::Error::InputOutput(std::sync::Arc::new(std::io::ErrorKind::TimedOut.into()));
        insta::assert_snapshot!(Bus::System.failed(late.into()), @"dwell: the daemon has not answered for 25 seconds; restart it with `sudo systemctl restart dwelld`");
        assert_eq!(of("org.freedesktop.DBus.Error.AccessDenied").kind.exit_code(), 4);
        assert_eq!(of("org.freedesktop.DBus.Error.ServiceUnknown").kind.exit_code(), 5);
    }
}
