//! Whether the screen is locked: logind's `LockedHint`, screen savers on the session bus, and logind's `Lock` signal.
//!
//! The signal is only a request. A desktop confirms it by the hint, by its screen saver, or by taking focus from every
//! window; on one that does none of this, a lock would never be seen to end. So a request holds for
//! [`CONFIRM_WITHIN`] and then lapses: a person who really went away is idle soon, from the last input on.

use dwell_core::time::Millis;
use zbus::proxy::MethodFlags;
use zbus::{Connection, MessageStream};

use crate::clock;
use crate::idle::{PATIENCE, proxy, subscribe};

/// How long an unconfirmed request to lock counts as a lock.
pub(crate) const CONFIRM_WITHIN: Millis = Millis::from_secs(10);

/// What tells of a lock, folded into one level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LockFold {
    hint: bool,
    saver: bool,
    requested: bool,
}

/// One piece of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Evidence {
    /// logind's `LockedHint`.
    Hint(bool),
    /// A screen saver covers the screen.
    Saver(bool),
    /// logind's `Lock` and `Unlock` signals.
    Request(bool),
    /// [`CONFIRM_WITHIN`] went by.
    Lapsed,
}

impl LockFold {
    /// Takes a piece of evidence; the level after it.
    pub(crate) fn take(&mut self, evidence: Evidence) -> bool {
        match evidence {
            // The end of a hint answers a request; that there is none yet does not.
            Evidence::Hint(locked) => {
                self.requested &= !self.hint || locked;
                self.hint = locked;
            }
            Evidence::Saver(active) => {
                self.requested &= !self.saver || active;
                self.saver = active;
            }
            Evidence::Request(true) => self.requested = true,
            Evidence::Request(false) | Evidence::Lapsed => self.requested = false,
        }
        self.hint || self.saver || self.requested
    }

    /// Whether only a request stands for the lock.
    pub(crate) const fn is_unconfirmed(self) -> bool {
        self.requested && !self.hint && !self.saver
    }
}

/// The screen savers that tell when they are active: object path and interface, which is also the service's name.
const SAVERS: &[(&str, &str)] = &[
    ("/org/freedesktop/ScreenSaver", "org.freedesktop.ScreenSaver"),
    ("/org/gnome/ScreenSaver", "org.gnome.ScreenSaver"),
    ("/org/cinnamon/ScreenSaver", "org.cinnamon.ScreenSaver"),
    ("/org/mate/ScreenSaver", "org.mate.ScreenSaver"),
    ("/org/xfce/ScreenSaver", "org.xfce.ScreenSaver"),
];

/// Subscribes to every screen saver's `ActiveChanged`, and to its coming and going.
pub(crate) async fn savers(session: &Connection) -> Vec<MessageStream> {
    let mut streams = Vec::new();
    for (_, interface) in SAVERS {
        streams.extend(subscribe(session, crate::idle::rule(interface, "ActiveChanged")).await);
        let owner = crate::idle::rule("org.freedesktop.DBus", "NameOwnerChanged");
        streams.extend(subscribe(session, owner.and_then(|rule| rule.add_arg(*interface))).await);
    }
    streams
}

/// The screen savers that answer now, and whether one of them is active. Starts none.
pub(crate) async fn ask_savers(session: &Connection) -> (Vec<&'static str>, bool) {
    let (mut there, mut covered) = (Vec::new(), false);
    let ask = async {
        for (path, name) in SAVERS {
            let Ok(saver) = proxy(session, name, path, name).await else { continue };
            let active: zbus::Result<Option<bool>> =
                saver.call_with_flags("GetActive", MethodFlags::NoAutoStart.into(), &()).await;
            if let Ok(Some(active)) = active {
                there.push(*name);
                covered |= active;
            }
        }
    };
    let _ = clock::within(PATIENCE, ask).await;
    (there, covered)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Evidence::*;

    #[test]
    fn any_evidence_locks_and_all_must_end() {
        let mut lock = LockFold::default();
        assert!(!lock.take(Hint(false)));
        assert!(lock.take(Hint(true)));
        assert!(lock.take(Saver(true)));
        assert!(lock.take(Hint(false)), "the screen saver still covers the screen");
        assert!(!lock.take(Saver(false)));
    }

    #[test]
    fn a_request_holds_until_it_is_answered_or_lapses() {
        let mut lock = LockFold::default();
        assert!(lock.take(Request(true)));
        assert!(lock.is_unconfirmed());
        assert!(!lock.take(Lapsed), "nobody locked");

        assert!(lock.take(Request(true)));
        assert!(lock.take(Hint(false)), "read again for another reason");
        assert!(lock.take(Hint(true)));
        assert!(!lock.is_unconfirmed());
        assert!(lock.take(Lapsed), "the hint holds by itself");
        assert!(!lock.take(Hint(false)));

        assert!(lock.take(Request(true)));
        assert!(!lock.take(Request(false)));
    }
}
