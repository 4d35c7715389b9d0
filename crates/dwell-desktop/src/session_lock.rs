//! Locking the session: logind's `Lock` (org.freedesktop.login1(5)) for the session that the sensors watch.
//!
//! logind only passes the request on, by a signal. GNOME and KDE lock the screen at that; on sway, Hyprland, niri and
//! plain X11 it takes a program that does (`swayidle`, `hypridle`, `xss-lock`). Nothing here starts a locker.

use zbus::Connection;
use zbus::proxy::MethodFlags;

use crate::idle::{PATIENCE, proxy};
use crate::logind::{self, LOGIND, SESSION};
use crate::{Surroundings, clock};

/// Why nobody was asked to lock the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotLocked {
    /// There is no system bus, and so no logind.
    #[error("there is no system bus, over which logind is asked to lock the session")]
    NoBus,
    /// logind is not there, or does not answer.
    #[error("logind does not answer")]
    NoLogind,
    /// logind does not know us.
    #[error("logind knows no session of yours")]
    NoSession,
    /// logind refused.
    #[error("logind refused to lock the session")]
    Refused,
}

pub(crate) async fn lock(system: Option<Connection>, around: Surroundings) -> Result<(), NotLocked> {
    let system = system.ok_or(NotLocked::NoBus)?;
    let found = clock::within(PATIENCE, logind::find(&system, &around)).await;
    let path = found.and_then(Result::ok).ok_or(NotLocked::NoLogind)?.ok_or(NotLocked::NoSession)?;
    let ask = async {
        let session = proxy(&system, LOGIND, path.as_str(), SESSION).await?;
        session.call_with_flags::<_, _, ()>("Lock", MethodFlags::NoAutoStart.into(), &()).await
    };
    match clock::within(PATIENCE, ask).await {
        Some(Ok(_)) => Ok(()),
        Some(Err(_)) => Err(NotLocked::Refused),
        None => Err(NotLocked::NoLogind),
    }
}
