//! Machine time: how long the machine has been on in all, by the boot clock, over all boots.
//!
//! A wait that must neither be shortened by the clock on the wall nor start anew with a reboot is measured in it. It
//! counts what dwell saw: the boots in which it ran, each from its beginning, and within a boot also the time in
//! which it did not run. What lies between the last time the clock was kept and a reboot is lost, so that a wait
//! becomes longer by at most that. Invariant: it never decreases.

use std::ops::Add;

use serde::{Deserialize, Serialize};

use crate::time::{Boot, Millis};

/// An instant of machine time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MachineTime(Millis);

impl MachineTime {
    /// The instant after which the machine had been on for `ms` milliseconds.
    pub const fn from_ms(ms: u64) -> Self {
        Self(Millis::from_ms(ms))
    }

    /// For how many milliseconds the machine had been on.
    pub const fn as_ms(self) -> u64 {
        self.0.as_ms()
    }

    /// How long it is until `later`; zero when that is past.
    #[must_use]
    pub const fn until(self, later: Self) -> Millis {
        later.0.saturating_sub(self.0)
    }
}

impl Add<Millis> for MachineTime {
    type Output = Self;
    fn add(self, length: Millis) -> Self {
        Self(self.0 + length)
    }
}

/// What turns instants of the boot clock into machine time. Kept over restarts.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct MachineClock {
    /// The boot to which `boot` belongs; empty: unknown.
    boot_id: String,
    /// The instant at which `total` held.
    boot: Boot,
    /// For how long the machine had been on.
    total: MachineTime,
}

/// Without the boot's id, which tells machines apart.
impl std::fmt::Debug for MachineClock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MachineClock")
            .field("boot", &self.boot)
            .field("total", &self.total)
            .finish_non_exhaustive()
    }
}

impl MachineClock {
    /// Goes on from what was kept, in the boot with this id (empty: unknown).
    ///
    /// In the same boot, all the time since then counts; in another one, all the time since it began. Where either
    /// is not known, only what is seen from now on: counted twice would be a wait that is too short.
    pub fn resume(saved: Option<&Self>, boot_id: &str, now: Boot) -> Self {
        let total = saved.map_or_else(MachineTime::default, |saved| {
            let gone = if boot_id.is_empty() || saved.boot_id.is_empty() {
                Millis::ZERO
            } else if saved.boot_id == boot_id {
                now.since(saved.boot).unwrap_or(Millis::ZERO)
            } else {
                Millis::from_ms(now.as_ms())
            };
            saved.total + gone
        });
        Self { boot_id: boot_id.to_owned(), boot: now, total }
    }

    /// The machine time at an instant of this boot; at instants before the clock was last kept: as then.
    pub fn at(&self, boot: Boot) -> MachineTime {
        self.total + boot.since(self.boot).unwrap_or(Millis::ZERO)
    }

    /// The instant of this boot at which a machine time comes; for one that is past, the instant at which the clock
    /// was last kept. Saturates.
    pub fn boot_of(&self, machine: MachineTime) -> Boot {
        self.boot + self.total.until(machine)
    }

    /// Brings up to date what is kept: time that is not kept when the machine goes off is lost.
    pub fn note(&mut self, now: Boot) {
        self.total = self.at(now);
        self.boot = self.boot.max(now);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn clock(saved: Option<&MachineClock>, id: &str, boot: u64) -> MachineClock {
        MachineClock::resume(saved, id, Boot::from_ms(boot))
    }

    #[test]
    fn time_without_the_daemon_counts_and_time_without_the_machine_does_not() {
        let first = clock(None, "a", 5_000);
        assert_eq!(first.at(Boot::from_ms(7_000)).as_ms(), 2_000);
        // Ten seconds without the daemon.
        let same = clock(Some(&first), "a", 15_000);
        assert_eq!(same.at(Boot::from_ms(15_000)).as_ms(), 10_000);
        // Another boot, 3 s old.
        let other = clock(Some(&same), "b", 3_000);
        assert_eq!(other.at(Boot::from_ms(4_000)).as_ms(), 14_000);
        assert_eq!(other.boot_of(MachineTime::from_ms(14_000)), Boot::from_ms(4_000));
        assert_eq!(other.boot_of(MachineTime::from_ms(1)), Boot::from_ms(3_000));
        assert_eq!(other.boot_of(MachineTime::from_ms(u64::MAX)), Boot::from_ms(u64::MAX - 10_000));
    }

    #[test]
    fn without_an_id_only_what_is_seen_counts() {
        let known = clock(None, "a", 0);
        let unknown = clock(Some(&known), "", 9_000);
        assert_eq!(unknown.at(Boot::from_ms(10_000)).as_ms(), 1_000);
        let mut kept = unknown;
        kept.note(Boot::from_ms(10_000));
        // It may be the boot of which a second is counted already.
        assert_eq!(clock(Some(&kept), "a", 10_000).at(Boot::from_ms(10_000)).as_ms(), 1_000);
    }

    #[test]
    fn debug_hides_the_boot_id() {
        assert!(!format!("{:?}", clock(None, "secret", 1)).contains("secret"));
    }

    proptest! {
        /// Whatever is done with it, machine time is never more than the time for which the machine was on, never
        /// goes back, and all of it is there when the clock was kept before each reboot.
        #[test]
        fn neither_reboots_nor_restarts_shorten_or_restart(
            steps in prop::collection::vec((0_u64..100_000, 0_u8..4), 1..40),
        ) {
            let (mut boots, mut boot, mut on, mut lost) = (0_u32, 0_u64, 0_u64, 0_u64);
            let mut noted = 0_u64;
            let mut clock = clock(None, "boot-0", 0);
            for (gone, what) in steps {
                boot += gone;
                on += gone;
                let before = clock.at(Boot::from_ms(boot));
                match what {
                    0 => {}
                    1 => {
                        clock.note(Boot::from_ms(boot));
                        noted = boot;
                    }
                    // Restarted without having kept anything.
                    2 => {
                        clock = MachineClock::resume(Some(&clock), &format!("boot-{boots}"), Boot::from_ms(boot));
                        noted = boot;
                    }
                    // Rebooted without having kept anything; the daemon starts after a second.
                    _ => {
                        lost += boot - noted;
                        boots += 1;
                        boot = 1_000;
                        on += boot;
                        clock = MachineClock::resume(Some(&clock), &format!("boot-{boots}"), Boot::from_ms(boot));
                        noted = boot;
                        prop_assert_eq!(clock.at(Boot::from_ms(boot)).as_ms(), on - lost);
                        continue;
                    }
                }
                let after = clock.at(Boot::from_ms(boot));
                prop_assert_eq!(before, after);
                prop_assert_eq!(after.as_ms(), on - lost);
                prop_assert_eq!(clock.at(clock.boot_of(after)), after);
            }
        }
    }
}
