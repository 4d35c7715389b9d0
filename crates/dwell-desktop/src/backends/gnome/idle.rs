//! Idleness on GNOME: `org.gnome.Mutter.IdleMonitor`, which counts the time since the last input and tells when it has
//! grown to a given length.
//!
//! A watch for idleness fires at once if the time is already reached, then once in each later spell without input; a
//! watch for activity fires once and is gone. While gnome-session knows of an inhibitor, the shell fires no watch for
//! idleness, and when the last one goes it fires those that are due (mutter, `meta-idle-monitor.c`).

use dwell_core::time::{Boot, Millis};
use serde::Serialize;
use zbus::Connection;
use zbus::proxy::MethodFlags;
use zbus::zvariant::{DynamicDeserialize, DynamicType};

use crate::clock;
use crate::idle::{IdleFold, PATIENCE, proxy};

/// The interface, which is also the service's name.
pub(super) const INTERFACE: &str = "org.gnome.Mutter.IdleMonitor";
/// The monitor of all input devices together.
pub(super) const PATH: &str = "/org/gnome/Mutter/IdleMonitor/Core";

/// The watches that this program has set.
pub(super) struct Watches {
    bus: Connection,
    fold: IdleFold,
    after: Millis,
    inhibited: bool,
    /// Fires when the person may have become idle.
    grown: u32,
    /// Fires when it has grown further: where something inhibited idleness, it begins later.
    later: Option<u32>,
    /// Fires when the person is back.
    back: Option<u32>,
}

impl Watches {
    /// Sets the first watch; `None` when the monitor does not answer.
    pub(super) async fn new(bus: &Connection, after: Millis) -> Option<Self> {
        let grown = ask(bus, "AddIdleWatch", &after.as_ms()).await?;
        let fold = IdleFold::new(after);
        Some(Self { bus: bus.clone(), fold, after, inhibited: false, grown, later: None, back: None })
    }

    /// Takes note that a watch has fired; whether it is one of these.
    pub(super) fn has_fired(&mut self, id: u32) -> bool {
        if self.back == Some(id) {
            self.back = None;
            return true;
        }
        id == self.grown || self.later == Some(id)
    }

    /// Reads the time since the last input and sets the watches for what comes next. The outer `None`: the shell does
    /// not answer.
    pub(super) async fn look(&mut self, inhibited: bool) -> Option<Option<Boot>> {
        loop {
            let idle_for = Millis::from_ms(ask(&self.bus, "GetIdletime", &()).await?);
            let at = clock::now();
            // What inhibited idleness did so until now: the watches that fire at its end may be heard before the end.
            if std::mem::replace(&mut self.inhibited, inhibited) {
                self.fold.inhibitors_change(at);
            }
            let finding = self.fold.judge(at, idle_for, inhibited);
            let later = (finding.since.is_none() && finding.next != self.after).then_some(finding.next);
            if let Some(old) = self.later.take() {
                self.remove(old).await;
            }
            if let Some(next) = later {
                self.later = Some(ask(&self.bus, "AddIdleWatch", &next.as_ms()).await?);
            }
            match (finding.since, self.back) {
                (Some(_), None) => {
                    self.back = Some(ask(&self.bus, "AddUserActiveWatch", &()).await?);
                    // There may have been input before the watch was set: read again.
                }
                (None, Some(back)) => {
                    self.back = None;
                    self.remove(back).await;
                    return Some(None);
                }
                (since, _) => return Some(since),
            }
        }
    }

    async fn remove(&self, watch: u32) {
        let _: Option<()> = ask(&self.bus, "RemoveWatch", &watch).await;
    }
}

impl Drop for Watches {
    /// The shell keeps watches for as long as the connection lives, which is longer than one run of the back end.
    fn drop(&mut self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let bus = self.bus.clone();
        let all: Vec<u32> = [Some(self.grown), self.later, self.back].into_iter().flatten().collect();
        runtime.spawn(async move {
            for watch in all {
                let _: Option<()> = ask(&bus, "RemoveWatch", &watch).await;
            }
        });
    }
}

/// Asks the monitor something, without starting anything.
async fn ask<B, R>(bus: &Connection, method: &str, body: &B) -> Option<R>
where
    B: Serialize + DynamicType,
    R: for<'d> DynamicDeserialize<'d>,
{
    let ask = async {
        let monitor = proxy(bus, INTERFACE, PATH, INTERFACE).await.ok()?;
        monitor.call_with_flags(method, MethodFlags::NoAutoStart.into(), body).await.ok()?
    };
    clock::within(PATIENCE, ask).await?
}
