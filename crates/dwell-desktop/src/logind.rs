//! Which login session is ours, of those that logind knows, and what logind says of it (org.freedesktop.login1(5)).
//!
//! The session in which the display is comes first: the graphical one that `XDG_SESSION_ID` names, or that this process
//! is in. Then any graphical session of the person, the active one before others. Only where there is none does a
//! session on a console or over the network do, in the same order.

use std::collections::HashMap;

use zbus::proxy::MethodFlags;
use zbus::zvariant::{DynamicDeserialize, DynamicType, OwnedObjectPath, OwnedValue};
use zbus::{Connection, Proxy, fdo};

use crate::Surroundings;
use crate::idle::proxy;

pub(crate) const LOGIND: &str = "org.freedesktop.login1";
pub(crate) const MANAGER: &str = "org.freedesktop.login1.Manager";
pub(crate) const PATH: &str = "/org/freedesktop/login1";
pub(crate) const SESSION: &str = "org.freedesktop.login1.Session";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// What logind says of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    /// Somebody's session with a display, and not on its way out.
    pub(crate) graphical: bool,
    /// In front. Stand-ins for logind may not know.
    pub(crate) active: Option<bool>,
    /// `LockedHint`, which logind older than systemd 230, and stand-ins for it, do not have.
    pub(crate) locked: Option<bool>,
    closing: bool,
}

impl State {
    /// Asks for it.
    ///
    /// # Errors
    ///
    /// When there is no answer, or no such session.
    pub(crate) async fn ask(system: &Connection, path: &OwnedObjectPath) -> zbus::Result<Self> {
        let session = proxy(system, LOGIND, path.as_str(), PROPERTIES).await?;
        let all: HashMap<String, OwnedValue> = ask(&session, "GetAll", &SESSION).await?;
        let text =
            |name: &str| all.get(name).and_then(|value| value.downcast_ref::<&str>().ok()).unwrap_or("");
        let flag = |name: &str| all.get(name).and_then(|value| value.downcast_ref::<bool>().ok());
        let closing = text("State") == "closing";
        let has_display = matches!(text("Type"), "x11" | "wayland" | "mir");
        Ok(Self {
            graphical: has_display && text("Class") == "user" && !closing,
            active: flag("Active"),
            locked: flag("LockedHint"),
            closing,
        })
    }

    /// How well a session fits; the greatest fits best. `own`: it is the one that we are in, or were told of.
    const fn fits(self, own: bool) -> u8 {
        let active = matches!(self.active, Some(true));
        match (self.graphical, own, active) {
            (true, true, _) => 4,
            (true, false, true) => 3,
            (true, false, false) => 2,
            (false, true, _) if !self.closing => 1,
            (false, false, true) => 1,
            (false, ..) => 0,
        }
    }
}

/// Our session; none when logind says that there is none.
///
/// # Errors
///
/// When logind is not there, or is about to go.
pub(crate) async fn find(
    system: &Connection,
    around: &Surroundings,
) -> zbus::Result<Option<OwnedObjectPath>> {
    let manager = proxy(system, LOGIND, PATH, MANAGER).await?;
    let mut all: Vec<(OwnedObjectPath, bool)> = Vec::new();
    let mut add = |path: OwnedObjectPath, own: bool| {
        if all.iter().all(|(other, _)| *other != path) {
            all.push((path, own));
        }
    };
    if let Some(id) = around.get("XDG_SESSION_ID")
        && let Some(path) = answered(ask(&manager, "GetSession", &id).await)?
    {
        add(path, true);
    }
    if let Some(path) = answered(ask(&manager, "GetSessionByPID", &std::process::id()).await)? {
        add(path, true);
    }
    let uid = rustix::process::getuid().as_raw();
    if let Some(user) = answered(ask::<_, OwnedObjectPath>(&manager, "GetUser", &uid).await)? {
        let user = proxy(system, LOGIND, user.as_str(), "org.freedesktop.login1.User").await?;
        // The one that logind takes for the user's display; an empty id where there is none.
        let display = user.get_property::<(String, OwnedObjectPath)>("Display").await;
        if let Some((id, path)) = answered(display)?
            && !id.is_empty()
        {
            add(path, false);
        }
    }
    let listed = ask::<_, Vec<(String, u32, String, String, OwnedObjectPath)>>(&manager, "ListSessions", &());
    for (_, of, .., path) in answered(listed.await)?.unwrap_or_default() {
        if of == uid {
            add(path, false);
        }
    }
    let mut best: Option<(u8, OwnedObjectPath)> = None;
    for (path, own) in all {
        // One that has just gone is none.
        if let Some(state) = answered(State::ask(system, &path).await)? {
            let fits = state.fits(own);
            if best.as_ref().is_none_or(|(other, _)| fits > *other) {
                best = Some((fits, path));
            }
        }
    }
    Ok(best.map(|(_, path)| path))
}

/// Tells an answer, be it "no", from there being nobody who answers.
fn answered<T>(result: zbus::Result<T>) -> zbus::Result<Option<T>> {
    let error = match result {
        Ok(value) => return Ok(Some(value)),
        Err(error) => error,
    };
    match fdo::Error::from(error) {
        fdo::Error::ZBus(zbus::Error::MethodError(..) | zbus::Error::Variant(_) | zbus::Error::FDO(_)) => {
            Ok(None)
        }
        error @ (fdo::Error::ZBus(_)
        | fdo::Error::ServiceUnknown(_)
        | fdo::Error::NameHasNoOwner(_)
        | fdo::Error::NoReply(_)
        | fdo::Error::NoServer(_)
        | fdo::Error::Timeout(_)
        | fdo::Error::TimedOut(_)
        | fdo::Error::Disconnected(_)) => Err(error.into()),
        _ => Ok(None),
    }
}

/// A call that starts no service.
async fn ask<B, R>(proxy: &Proxy<'_>, method: &str, body: &B) -> zbus::Result<R>
where
    B: serde::Serialize + DynamicType,
    R: for<'d> DynamicDeserialize<'d>,
{
    let reply = proxy.call_with_flags(method, MethodFlags::NoAutoStart.into(), body).await?;
    reply.ok_or_else(|| zbus::Error::Failure("no reply".into()))
}
