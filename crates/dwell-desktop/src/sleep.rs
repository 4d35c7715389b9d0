//! The machine going to sleep: when that was, and a delay inhibitor that holds it back until the fact is out.
//!
//! What is read after waking up would carry the instant of waking up, and the night would count.

use dwell_core::time::{Boot, Millis};
use zbus::Connection;
use zbus::proxy::MethodFlags;
use zbus::zvariant::OwnedFd;

use crate::clock;
use crate::idle::{PATIENCE, proxy};
use crate::logind::{LOGIND, MANAGER, PATH};
use crate::report::Reporter;

#[derive(Debug)]
pub(crate) struct Sleep {
    delay: Option<OwnedFd>,
    slept: Millis,
}

impl Sleep {
    pub(crate) fn new() -> Self {
        Self { delay: None, slept: clock::slept() }
    }

    /// When it fell asleep, or woke up, of which was just heard.
    pub(crate) fn instant(&mut self, asleep: bool) -> Boot {
        let mut at = clock::now();
        if asleep {
            // Held back, we are in time. If not, and this is read after waking up, the sleep has already been.
            let slept = clock::slept().saturating_sub(self.slept);
            if slept >= Millis::from_secs(1) {
                at = at - slept;
            }
        }
        self.slept = clock::slept();
        at
    }

    /// Lets the machine sleep.
    pub(crate) fn release(&mut self) {
        self.delay = None;
    }

    /// Takes the delay inhibitor. Without it (refused, no logind) sleep is still noticed, if late.
    pub(crate) async fn hold_back(&mut self, system: Option<&Connection>, reporter: &Reporter) {
        let Some(system) = system else {
            let message = "noticed from the clocks, after waking up";
            return reporter.health("sleep", true, "none", message).await;
        };
        let ask = async {
            let manager = proxy(system, LOGIND, PATH, MANAGER).await?;
            let what = ("sleep", "dwell", "screen time ends where sleep begins", "delay");
            manager.call_with_flags::<_, _, OwnedFd>("Inhibit", MethodFlags::NoAutoStart.into(), &what).await
        };
        self.delay = clock::within(PATIENCE, ask).await.and_then(Result::ok).flatten();
        let message = if self.delay.is_some() {
            "held back until it is noted (PrepareForSleep, delay inhibitor)"
        } else {
            "noticed from the clocks, after waking up; logind gives no delay inhibitor"
        };
        reporter.health("sleep", true, "logind", message).await;
    }
}
