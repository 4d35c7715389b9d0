//! Idleness on KWin: it honours the inhibitors that Wayland programs set on their surfaces, and no others. What films and
//! calls tell over D-Bus (`org.freedesktop.ScreenSaver`, `org.freedesktop.PowerManagement`) is known to Plasma's power
//! manager alone (measured on 5.27), and to logind; so they are asked when KWin says that there is no input.

use dwell_core::time::{Boot, Millis};

use super::Context;
use crate::backends::wayland::Client;
use crate::clock;
use crate::idle::{IdleFold, Inhibitors};
use crate::report::Levels;

/// What KWin and the inhibitors together say.
pub(super) struct Idleness {
    after: Millis,
    fold: IdleFold,
    inhibitors: Inhibitors,
    /// The last input; `None` while there is input.
    last_input: Option<Boot>,
    /// Whether the inhibitors must be asked anew.
    ask: bool,
    /// When to look again while something inhibits, or has done so a short time ago.
    due: Option<Boot>,
    /// Somebody was there when it was last stated.
    present: bool,
}

impl Idleness {
    pub(super) async fn new(context: &Context) -> Self {
        let after = context.settings.idle_after;
        let inhibitors = Inhibitors::new(context.buses.clone()).await;
        Self {
            after,
            fold: IdleFold::new(after),
            inhibitors,
            last_input: None,
            ask: false,
            due: None,
            present: true,
        }
    }

    /// States whether the person is idle.
    pub(super) async fn state(&mut self, client: &Client, levels: &mut Levels) {
        let at = clock::now();
        if !client.is_idle() {
            (self.last_input, self.due) = (None, None);
            self.present = true;
            levels.idle(at, None).await;
            return;
        }
        if self.last_input.is_some() && !self.ask {
            return;
        }
        // KWin tells after the whole idle time.
        let last_input = *self.last_input.get_or_insert(at - self.after);
        self.ask = false;
        let inhibited = self.inhibitors.any().await;
        let idle_for = at.since(last_input).unwrap_or(Millis::ZERO);
        let finding = self.fold.judge(at, idle_for, inhibited);
        levels.idle(at, finding.since).await;
        self.present = finding.since.is_none();
        self.due = self.present.then(|| last_input + finding.next);
    }

    /// Whether somebody was there when it was last stated, be it that a film plays.
    pub(super) const fn is_present(&self) -> bool {
        self.present
    }

    /// Waits until it must be stated anew for another reason than KWin's.
    pub(super) async fn changed(&mut self) {
        let left = self.due.map(|due| due.since(clock::now()).unwrap_or(Millis::ZERO));
        tokio::select! {
            () = self.inhibitors.changed() => self.fold.inhibitors_change(clock::now()),
            _ = clock::after(left.unwrap_or(Millis::ZERO)), if left.is_some() => {}
        }
        self.ask = true;
    }
}
