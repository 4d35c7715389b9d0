//! Idleness on X11, where the server only counts the time since the last input: when to look, what it means, and
//! who inhibits it. (Wayland compositors do all of this themselves.)

use dwell_core::time::{Boot, Millis};
use futures_util::StreamExt;
use futures_util::stream::{SelectAll, select_all};
use zbus::message::Type;
use zbus::proxy::{CacheProperties, MethodFlags};
use zbus::{Connection, MatchRule, MessageStream, Proxy};

use crate::logind::{LOGIND, MANAGER, PATH};
use crate::{Buses, clock};

/// How long a bus service may take to answer.
pub(crate) const PATIENCE: Millis = Millis::from_secs(1);

/// What to say, and when to look again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// The last instant of use, if the person is idle.
    pub(crate) since: Option<Boot>,
    /// The reading of the idle counter at which to look again, unless there is input before.
    pub(crate) next: Millis,
}

/// Folds readings of the idle counter. While idleness is inhibited the time counts as use, and it is looked at
/// again one whole idle time later: when the inhibition ends, the idle time begins at its end.
#[derive(Debug)]
pub(crate) struct IdleFold {
    after: Millis,
    inhibited: bool,
    inhibited_at: Option<Boot>,
}

impl IdleFold {
    pub(crate) const fn new(after: Millis) -> Self {
        Self { after, inhibited: false, inhibited_at: None }
    }

    /// Whether a reading of `idle_for` is long enough to matter, so that inhibitors must be asked for.
    pub(crate) fn is_long(&self, idle_for: Millis) -> bool {
        idle_for >= self.after
    }

    /// Takes a sign that inhibitors change at `now`: up to here, what was known held.
    pub(crate) fn inhibitors_change(&mut self, now: Boot) {
        if self.inhibited {
            self.inhibited_at = Some(now);
        }
    }

    /// Takes a reading of the counter made at `now`.
    pub(crate) fn judge(&mut self, now: Boot, idle_for: Millis, inhibited: bool) -> Finding {
        self.inhibited = inhibited;
        if inhibited {
            self.inhibited_at = Some(now);
        }
        let last_input = now - idle_for;
        let last_use = self.inhibited_at.map_or(last_input, |at| at.max(last_input));
        let unused = now.since(last_use).unwrap_or(Millis::ZERO);
        if unused >= self.after {
            Finding { since: Some(last_use), next: idle_for + self.after }
        } else {
            Finding { since: None, next: idle_for + self.after.saturating_sub(unused) }
        }
    }
}

/// The services that know whether something inhibits idleness.
pub(crate) struct Inhibitors {
    buses: Buses,
    changes: SelectAll<MessageStream>,
}

impl Inhibitors {
    /// Subscribes to what tells of changes. What pretends to tell only makes [`Self::any`] asked once more.
    pub(crate) async fn new(buses: Buses) -> Self {
        let mut streams = Vec::new();
        if let Some(system) = &buses.system {
            // BlockInhibited changes with every blocking inhibitor (org.freedesktop.login1(5)).
            let rule = rule("org.freedesktop.DBus.Properties", "PropertiesChanged")
                .and_then(|rule| rule.sender(LOGIND)?.path(PATH))
                .and_then(|rule| rule.add_arg(MANAGER));
            streams.extend(subscribe(system, rule).await);
        }
        if let Some(session) = &buses.session {
            for (name, interface, member) in [
                (
                    "org.freedesktop.PowerManagement",
                    "org.freedesktop.PowerManagement.Inhibit",
                    "HasInhibitChanged",
                ),
                ("org.gnome.SessionManager", "org.gnome.SessionManager", "InhibitorAdded"),
                ("org.gnome.SessionManager", "org.gnome.SessionManager", "InhibitorRemoved"),
            ] {
                let rule = rule(interface, member).and_then(|rule| rule.sender(name));
                streams.extend(subscribe(session, rule).await);
            }
        }
        Self { buses, changes: select_all(streams) }
    }

    /// Waits for a sign that the answer of [`Self::any`] may have changed.
    pub(crate) async fn changed(&mut self) {
        if self.changes.next().await.is_none() {
            std::future::pending::<()>().await;
        }
    }

    /// Whether something inhibits idleness now.
    pub(crate) async fn any(&self) -> bool {
        let ask = async {
            if let Some(system) = &self.buses.system
                && logind_blocks(system).await.unwrap_or(false)
            {
                return true;
            }
            match &self.buses.session {
                Some(session) => {
                    power_management_inhibits(session).await.unwrap_or(false)
                        || gnome_inhibits(session).await.unwrap_or(false)
                }
                None => false,
            }
        };
        clock::within(PATIENCE, ask).await.unwrap_or(false)
    }
}

type Inhibitor = (String, String, String, String, u32, u32);

/// Whether this user has a blocking inhibitor of `idle` (another session's film is none of ours).
async fn logind_blocks(system: &Connection) -> zbus::Result<bool> {
    let uid = rustix::process::getuid().as_raw();
    let manager = proxy(system, LOGIND, PATH, MANAGER).await?;
    let all: Option<Vec<Inhibitor>> =
        manager.call_with_flags("ListInhibitors", MethodFlags::NoAutoStart.into(), &()).await?;
    Ok(all.unwrap_or_default().iter().any(|(what, _, _, mode, of, _)| {
        mode.starts_with("block") && *of == uid && what.split(':').any(|what| what == "idle")
    }))
}

async fn power_management_inhibits(session: &Connection) -> zbus::Result<bool> {
    let power = proxy(
        session,
        "org.freedesktop.PowerManagement",
        "/org/freedesktop/PowerManagement/Inhibit",
        "org.freedesktop.PowerManagement.Inhibit",
    )
    .await?;
    let inhibits: Option<bool> =
        power.call_with_flags("HasInhibit", MethodFlags::NoAutoStart.into(), &()).await?;
    Ok(inhibits.unwrap_or(false))
}

async fn gnome_inhibits(session: &Connection) -> zbus::Result<bool> {
    /// gnome-session's flag for "inhibit the session being marked as idle".
    const IDLE: u32 = 8;
    let manager =
        proxy(session, "org.gnome.SessionManager", "/org/gnome/SessionManager", "org.gnome.SessionManager")
            .await?;
    let inhibits: Option<bool> =
        manager.call_with_flags("IsInhibited", MethodFlags::NoAutoStart.into(), &IDLE).await?;
    Ok(inhibits.unwrap_or(false))
}

/// A proxy that keeps and subscribes to nothing.
pub(crate) async fn proxy<'a>(
    bus: &Connection,
    name: &'a str,
    path: &'a str,
    interface: &'a str,
) -> zbus::Result<Proxy<'a>> {
    zbus::proxy::Builder::new(bus)
        .destination(name)?
        .path(path)?
        .interface(interface)?
        .cache_properties(CacheProperties::No)
        .build()
        .await
}

/// The rule for one signal.
pub(crate) fn rule<'a>(interface: &'a str, member: &'a str) -> zbus::Result<zbus::match_rule::Builder<'a>> {
    MatchRule::builder().msg_type(Type::Signal).interface(interface)?.member(member)
}

/// Subscribes; `None` when the bus refuses.
pub(crate) async fn subscribe(
    bus: &Connection,
    rule: zbus::Result<zbus::match_rule::Builder<'_>>,
) -> Option<MessageStream> {
    MessageStream::for_match_rule(rule.ok()?.build(), bus, None).await.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(s: u64) -> Boot {
        Boot::from_ms(s * 1000)
    }
    const fn secs(s: u64) -> Millis {
        Millis::from_secs(s)
    }

    #[test]
    fn idleness_begins_at_the_last_input() {
        let mut fold = IdleFold::new(secs(180));
        assert_eq!(fold.judge(at(1000), secs(20), false), Finding { since: None, next: secs(180) });
        assert_eq!(fold.judge(at(1160), secs(180), false).since, Some(at(980)));
        // Already idle when we come: the query says so, no alarm would.
        assert_eq!(fold.judge(at(2000), secs(600), false).since, Some(at(1400)));
        assert_eq!(fold.judge(at(2001), secs(0), false), Finding { since: None, next: secs(180) });
    }

    #[test]
    fn inhibited_time_is_use() {
        let mut fold = IdleFold::new(secs(180));
        assert_eq!(fold.judge(at(1000), secs(180), true), Finding { since: None, next: secs(360) });
        // The film goes on at the next alarm, and ends 60 s later, which a signal tells.
        assert_eq!(fold.judge(at(1180), secs(360), true), Finding { since: None, next: secs(540) });
        fold.inhibitors_change(at(1240));
        assert_eq!(fold.judge(at(1240), secs(420), false), Finding { since: None, next: secs(600) });
        assert_eq!(fold.judge(at(1420), secs(600), false).since, Some(at(1240)));
        // Input after the film counts as ever.
        assert_eq!(fold.judge(at(1400), secs(0), false).since, None);
    }
}
