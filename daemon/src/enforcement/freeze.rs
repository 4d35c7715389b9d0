//! Freezing programs and letting them run again, by the person's own systemd.

use dwell_core::time::Millis;
use dwell_desktop::freezer::{self, Unit, WhyNot};
use futures_util::StreamExt;
use zbus::names::BusName;
use zbus::{Connection, fdo};

use crate::clock;
use crate::deadline::BootDeadline;

const SYSTEMD: &str = "org.freedesktop.systemd1";

/// How long the person's systemd may take to come. It is there before the desktop, unless there is none.
const COMES_WITHIN: Millis = Millis::from_mins(2);

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

    /// Lets units run again. Where the person's systemd is not on the bus yet, as right after a login, it is waited for
    /// beside everything else, and asked once more.
    pub async fn thaw(&self, units: Vec<Unit>) {
        let mut waiting = Vec::new();
        for unit in units {
            match freezer::thaw(&self.0, &unit).await {
                Ok(()) => {}
                Err(WhyNot::NoSystemd) => waiting.push(unit),
                Err(why) => tracing::warn!("a program was not thawed: {why}"),
            }
        }
        if waiting.is_empty() {
            return;
        }
        let session = self.0.clone();
        tokio::spawn(async move {
            if let Err(error) = systemd_comes(&session).await {
                tracing::debug!("the person's systemd was not waited for: {error}");
            }
            for unit in &waiting {
                if let Err(why) = freezer::thaw(&session, unit).await {
                    tracing::warn!("a program was not thawed: {why}");
                }
            }
        });
    }
}

/// Returns when the person's systemd is on the bus, or was waited for long enough.
async fn systemd_comes(session: &Connection) -> zbus::Result<()> {
    let bus = fdo::DBusProxy::new(session).await?;
    // Before it is asked whether it is there: what comes in between is heard.
    let mut owners = bus.receive_name_owner_changed_with_args(&[(0, SYSTEMD)]).await?;
    if bus.name_has_owner(BusName::try_from(SYSTEMD)?).await? {
        return Ok(());
    }
    let mut patience = BootDeadline::new().map_err(zbus::Error::from)?;
    patience.arm(Some(clock::now().boot + COMES_WITHIN)).map_err(zbus::Error::from)?;
    loop {
        tokio::select! {
            owner = owners.next() => match owner {
                Some(change) if change.args()?.new_owner().is_some() => return Ok(()),
                Some(_) => {}
                None => return Ok(()),
            },
            _ = patience.due() => return Ok(()),
        }
    }
}
