//! Freezing programs and letting them run again, by the person's own systemd.

use dwell_core::time::Millis;
use dwell_desktop::freezer::{self, Unit, WhyNot};
use futures_util::StreamExt;
use zbus::names::BusName;
use zbus::{Connection, fdo};

use crate::clock;
use crate::deadline::BootDeadline;

const SYSTEMD: &str = "org.freedesktop.systemd1";

/// How long the daemon waits for the person's systemd to come. It is there before the desktop, unless there is none.
pub(super) const COMES_WITHIN: Millis = Millis::from_mins(2);

/// Freezes and thaws units.
#[derive(Clone, Debug)]
pub struct Freezer(Connection);

impl Freezer {
    /// One that reaches the person's systemd over the session bus.
    pub const fn new(session: Connection) -> Self {
        Self(session)
    }

    /// Freezes units. One that cannot be is left running, and put away as it is.
    pub async fn freeze(&self, units: Vec<Unit>) {
        for unit in &units {
            if let Err(why) = freezer::freeze(&self.0, unit).await {
                tracing::warn!("a program is put away and not frozen: {why}");
            }
        }
    }

    /// Lets units run again, and says which of them do. One that could not be thawed is told of in the log.
    pub async fn thaw(&self, units: Vec<Unit>) -> Thawed {
        let mut thawed = Thawed::default();
        for unit in units {
            match freezer::thaw(&self.0, &unit).await {
                Ok(()) => thawed.running.push(unit),
                Err(WhyNot::NoSystemd) => thawed.waiting.push(unit),
                Err(why) => tracing::warn!("a program was not thawed: {why}"),
            }
        }
        thawed
    }

    /// The same, and where the person's systemd is not there, waits for it as long as that and asks once more.
    pub async fn thaw_within(&self, units: Vec<Unit>, patience: Millis) {
        let mut waiting = self.thaw(units).await.waiting;
        if !waiting.is_empty() && self.systemd_comes(patience).await {
            waiting = self.thaw(waiting).await.waiting;
        }
        if !waiting.is_empty() {
            tracing::warn!(units = waiting.len(), "programs stay frozen: the person's systemd is not there");
        }
    }

    /// Returns when the person's systemd is on the bus (true), or was waited for long enough.
    pub async fn systemd_comes(&self, within: Millis) -> bool {
        systemd_comes(&self.0, within).await.unwrap_or_else(|error| {
            tracing::debug!("the person's systemd was not waited for: {error}");
            false
        })
    }
}

/// What became of units that were to run again.
#[derive(Debug, Default)]
pub struct Thawed {
    /// They run, or are gone.
    pub running: Vec<Unit>,
    /// The person's systemd was not there to be asked.
    pub waiting: Vec<Unit>,
}

async fn systemd_comes(session: &Connection, within: Millis) -> zbus::Result<bool> {
    let bus = fdo::DBusProxy::new(session).await?;
    // Before it is asked whether it is there: what comes in between is heard.
    let mut owners = bus.receive_name_owner_changed_with_args(&[(0, SYSTEMD)]).await?;
    if bus.name_has_owner(BusName::try_from(SYSTEMD)?).await? {
        return Ok(true);
    }
    let mut patience = BootDeadline::new().map_err(zbus::Error::from)?;
    patience.arm(Some(clock::now().boot + within)).map_err(zbus::Error::from)?;
    loop {
        tokio::select! {
            owner = owners.next() => match owner {
                Some(change) if change.args()?.new_owner().is_some() => return Ok(true),
                Some(_) => {}
                None => return Ok(false),
            },
            _ = patience.due() => return Ok(false),
        }
    }
}
