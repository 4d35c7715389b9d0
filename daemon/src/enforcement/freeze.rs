//! Freezing programs and letting them run again, by the person's own systemd.

use dwell_desktop::freezer::{self, Unit};
use zbus::Connection;

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

    /// Lets units run again.
    pub async fn thaw(&self, units: Vec<Unit>) {
        for unit in &units {
            if let Err(why) = freezer::thaw(&self.0, unit).await {
                tracing::warn!("a program was not thawed: {why}");
            }
        }
    }
}
