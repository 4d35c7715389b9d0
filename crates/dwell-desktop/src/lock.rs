//! Whether the screen is locked: logind's `LockedHint`, screen savers on the session bus, and logind's `Lock` signal.
//!
//! The signal is only a request. A desktop confirms it by the hint, by its screen saver, or by taking focus from every
//! window; on one that does none of this, a lock would never be seen to end. So a request holds for
//! [`CONFIRM_WITHIN`] and then lapses: a person who really went away is idle soon, from the last input on.

use std::collections::BTreeSet;

use dwell_core::time::Millis;
use futures_util::future::join_all;
use zbus::proxy::MethodFlags;
use zbus::{Connection, Message, MessageStream};

use crate::clock;
use crate::idle::{PATIENCE, proxy, rule, subscribe};
use crate::senders::BUS;

/// How long an unconfirmed request to lock counts as a lock.
pub(crate) const CONFIRM_WITHIN: Millis = Millis::from_secs(10);

/// What tells of a lock, folded into one level.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LockFold {
    hint: bool,
    /// The screen savers that cover the screen. Several may be there, and one that does not says nothing of the others.
    savers: BTreeSet<&'static str>,
    requested: bool,
}

/// One piece of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Evidence {
    /// logind's `LockedHint`.
    Hint(bool),
    /// Whether the screen saver of that interface covers the screen.
    Saver(&'static str, bool),
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
            Evidence::Saver(saver, true) => {
                self.savers.insert(saver);
            }
            Evidence::Saver(saver, false) => self.requested &= !self.savers.remove(saver),
            Evidence::Request(true) => self.requested = true,
            Evidence::Request(false) | Evidence::Lapsed => self.requested = false,
        }
        self.hint || !self.savers.is_empty() || self.requested
    }

    /// Whether only a request stands for the lock.
    pub(crate) fn is_unconfirmed(&self) -> bool {
        self.requested && !self.hint && self.savers.is_empty()
    }
}

/// A screen saver that tells when it is active.
#[derive(Debug)]
pub(crate) struct Saver {
    /// Its interface, which is also the name that it goes by.
    pub(crate) interface: &'static str,
    path: &'static str,
    /// The names of the services that have this interface; the one to believe first.
    pub(crate) names: &'static [&'static str],
}

static SAVERS: [Saver; 5] = [
    Saver {
        interface: "org.freedesktop.ScreenSaver",
        path: "/org/freedesktop/ScreenSaver",
        names: &["org.freedesktop.ScreenSaver"],
    },
    // GNOME Shell is the screen saver; the service that has the name is a helper beside it, which comes and goes.
    Saver {
        interface: "org.gnome.ScreenSaver",
        path: "/org/gnome/ScreenSaver",
        names: &["org.gnome.Shell", "org.gnome.ScreenSaver"],
    },
    Saver {
        interface: "org.cinnamon.ScreenSaver",
        path: "/org/cinnamon/ScreenSaver",
        names: &["org.cinnamon.ScreenSaver"],
    },
    Saver {
        interface: "org.mate.ScreenSaver",
        path: "/org/mate/ScreenSaver",
        names: &["org.mate.ScreenSaver"],
    },
    Saver {
        interface: "org.xfce.ScreenSaver",
        path: "/org/xfce/ScreenSaver",
        names: &["org.xfce.ScreenSaver"],
    },
];

/// What a screen saver says when it is asked whether it covers the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Active(bool),
    /// It is not there, or does not know.
    Absent,
    /// It is there and says nothing, which is no "no".
    Silent,
}

/// Subscribes to every screen saver's `ActiveChanged`, and to its coming and going. KDE's tells at two paths, so any
/// path will do.
pub(crate) async fn savers(session: &Connection) -> Vec<MessageStream> {
    let mut streams = Vec::new();
    for Saver { interface, names, .. } in &SAVERS {
        for name in *names {
            let active = rule(interface, "ActiveChanged").and_then(|rule| rule.sender(*name));
            streams.extend(subscribe(session, active).await);
            let owner = rule(BUS, "NameOwnerChanged").and_then(|rule| rule.sender(BUS)?.add_arg(*name));
            streams.extend(subscribe(session, owner).await);
        }
    }
    streams
}

/// The screen saver whose interface a message has.
pub(crate) fn saver_of(message: &Message) -> Option<&'static Saver> {
    const { &SAVERS }
        .iter()
        .find(|saver| message.header().interface().is_some_and(|of| *of == saver.interface))
}

/// What every screen saver says now. All are asked at once, so that one that hangs keeps none of the others from
/// answering. Starts none.
pub(crate) async fn ask_savers(session: &Connection) -> Vec<(&'static str, Answer)> {
    join_all(SAVERS.iter().map(async |saver| {
        let answers = join_all(saver.names.iter().map(|name| ask(session, name, saver))).await;
        let first = answers.into_iter().find(|answer| *answer != Answer::Absent);
        (saver.interface, first.unwrap_or(Answer::Absent))
    }))
    .await
}

async fn ask(session: &Connection, name: &str, saver: &Saver) -> Answer {
    let ask = async {
        let saver = proxy(session, name, saver.path, saver.interface).await?;
        saver.call_with_flags("GetActive", MethodFlags::NoAutoStart.into(), &()).await
    };
    match clock::within(PATIENCE, ask).await {
        Some(Ok(Some(active))) => Answer::Active(active),
        Some(Ok(None) | Err(_)) => Answer::Absent,
        None => Answer::Silent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Evidence::{Hint, Lapsed, Request, Saver};

    #[test]
    fn any_evidence_locks_and_all_must_end() {
        let mut lock = LockFold::default();
        assert!(!lock.take(Hint(false)));
        assert!(lock.take(Hint(true)));
        assert!(lock.take(Saver("a", true)));
        assert!(lock.take(Hint(false)), "the screen saver still covers the screen");
        assert!(!lock.take(Saver("a", false)));
    }

    #[test]
    fn one_screen_saver_says_nothing_of_another() {
        let mut lock = LockFold::default();
        assert!(lock.take(Saver("a", true)));
        assert!(lock.take(Saver("b", false)));
        assert!(lock.take(Saver("b", true)));
        assert!(lock.take(Saver("a", false)), "the other one still covers the screen");
        assert!(!lock.take(Saver("b", false)));

        assert!(lock.take(Request(true)));
        assert!(lock.take(Saver("a", false)), "it never covered the screen, so it answers no request");
        assert!(!lock.take(Request(false)));
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
