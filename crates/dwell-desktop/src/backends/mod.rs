//! One file a desktop: its focus and idleness in, and window actions out over the same connection.
//!
//! A closed enum rather than a trait: the back ends are few, they are all here, and the supervisor must say
//! something about each of them.

pub(crate) mod gnome;
pub(crate) mod hyprland;
pub(crate) mod ipc;
pub(crate) mod kwin;
pub(crate) mod niri;
pub(crate) mod scripted;
pub(crate) mod sway;
mod wayland;
pub(crate) mod wlr;
pub(crate) mod x11;
mod x11_connection;

use std::convert::Infallible;

use tokio::sync::mpsc;

use crate::apps::Apps;
use crate::away::Away;
use crate::detect::Choice;
use crate::freezer::{self, Freezer, Processes};
use crate::report::Reporter;
use crate::{Buses, Settings, Surroundings, WindowAct};

// What tells the daemon where a display is.
pub(crate) use crate::fixes::ATTACH;

/// What a back end needs.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) reporter: Reporter,
    pub(crate) apps: Apps,
    pub(crate) settings: Settings,
    pub(crate) buses: Buses,
    /// What dwell itself put out of sight on this display.
    pub(crate) away: Away,
    /// The surroundings that led to the display.
    pub(crate) around: Surroundings,
}

impl Context {
    /// Does what an act needs of the processes of the windows, all of which a back end has noted; whether that was all.
    pub(crate) async fn is_done(&self, act: &WindowAct, processes: &Processes) -> bool {
        match act {
            WindowAct::FindUnits(app) => {
                self.reporter.units(app, freezer::find_units(app, &self.apps, processes)).await;
                true
            }
            WindowAct::Close(_) => {
                freezer::thaw_processes(self.buses.session.as_ref(), processes).await;
                false
            }
            WindowAct::Minimise(_) | WindowAct::Restore(_) => false,
        }
    }
}

/// What a back end can tell of windows and do to them, besides telling which one has focus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Abilities {
    /// It knows each window's process.
    pub(crate) pid: bool,
    /// It can ask a window to close.
    pub(crate) close: bool,
    /// It can put a window out of sight.
    pub(crate) minimise: bool,
}

impl Abilities {
    /// What can be done and what cannot, in one line. A window is frozen with its whole process, which must be known.
    pub(crate) fn told(self, freezer: Freezer) -> String {
        let unfrozen = if self.pid { freezer.lacks() } else { Some("no window's process is known") };
        let all = [
            ("pid", self.pid),
            ("close", self.close),
            ("minimise", self.minimise),
            ("freeze", unfrozen.is_none()),
        ];
        let some = |wanted: bool| -> Vec<&str> {
            all.iter().filter(|(_, can)| *can == wanted).map(|(what, _)| *what).collect()
        };
        let (can, cannot) = (some(true), some(false));
        let can = if can.is_empty() { "nothing".to_owned() } else { can.join(", ") };
        match (unfrozen, cannot.join(", ")) {
            (_, none) if none.is_empty() => can,
            (None, cannot) => format!("{can}; not {cannot}"),
            (Some(why), cannot) => format!("{can}; not {cannot} ({why})"),
        }
    }
}

/// What to do where nothing can be counted.
const ANOTHER: &str = "log in to GNOME, KDE Plasma, sway, labwc, Hyprland, niri or an X11 desktop (docs/desktops.md lists them)";

/// Why a back end ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Down {
    /// The display's connection ended.
    #[error("the connection to {0} ended")]
    Ended(&'static str),
    /// The display refused us.
    #[error("{0} refused the connection")]
    Refused(&'static str),
    /// The display lacks what is needed: what is wrong, and after the first semicolon the next step.
    #[error("{0}")]
    Lacks(&'static str),
    /// The compositor of this name tells nobody what has focus.
    #[error("unsupported: {0} tells no other program what has focus, so no time is counted")]
    Unsupported(String),
    /// The display is there and does not answer: it is stopped or stuck.
    #[error("{0} does not answer")]
    Silent(&'static str),
    /// A better back end has become possible: look again, at once.
    #[error("a better way has appeared")]
    Better,
    /// The kernel refused something.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

impl Down {
    /// What is wrong, and the next step where there is one.
    pub(crate) fn told(&self) -> (String, Option<String>) {
        let text = self.to_string();
        match self {
            // Most often XAUTHORITY is not known here.
            Self::Refused(_) => (text, Some(ATTACH.to_owned())),
            Self::Unsupported(_) => (text, Some(ANOTHER.to_owned())),
            Self::Silent(_) => (format!("{text}; it is taken up again when it does"), None),
            Self::Ended(_) | Self::Better | Self::Io(_) => {
                (format!("{text}; it is taken up again when it comes back"), None)
            }
            Self::Lacks(_) => match text.split_once("; ") {
                Some((wrong, step)) => (wrong.to_owned(), Some(step.to_owned())),
                None => (text, None),
            },
        }
    }
}

/// The back end for one display.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    X11(x11::X11),
    Sway(sway::Sway),
    Hyprland(hyprland::Hyprland),
    Niri(niri::Niri),
    Gnome(gnome::Gnome),
    Kwin(kwin::Kwin),
    Wlr(wlr::Wlr),
}

impl Backend {
    /// The back end for a choice that attaches.
    pub(crate) fn of(choice: &Choice) -> Option<Self> {
        match choice.clone() {
            Choice::X11(display) => Some(Self::X11(x11::X11 { display })),
            Choice::Sway { wayland, ipc } => Some(Self::Sway(sway::Sway { wayland, ipc })),
            Choice::Hyprland { wayland, ipc } => Some(Self::Hyprland(hyprland::Hyprland { wayland, ipc })),
            Choice::Niri { wayland, ipc } => Some(Self::Niri(niri::Niri { wayland, ipc })),
            Choice::Gnome { wayland } => Some(Self::Gnome(gnome::Gnome { wayland })),
            Choice::Kwin { wayland } => Some(Self::Kwin(kwin::Kwin { wayland })),
            Choice::Wlr { wayland } => Some(Self::Wlr(wlr::Wlr { wayland })),
            Choice::Waiting(_) => None,
        }
    }

    /// Its name in [`crate::Health::backend`].
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::X11(_) => x11::NAME,
            Self::Sway(_) => sway::NAME,
            Self::Hyprland(_) => hyprland::NAME,
            Self::Niri(_) => niri::NAME,
            Self::Gnome(_) => gnome::NAME,
            Self::Kwin(_) => kwin::NAME,
            Self::Wlr(_) => wlr::NAME,
        }
    }

    /// Attaches, states the present levels, and goes on stating changes and doing `acts` until the display goes.
    pub(crate) async fn run(
        &self,
        context: Context,
        acts: &mut mpsc::UnboundedReceiver<WindowAct>,
    ) -> Result<Infallible, Down> {
        match self {
            Self::X11(x11) => x11.run(context, acts).await,
            Self::Sway(sway) => sway.run(context, acts).await,
            Self::Hyprland(hyprland) => hyprland.run(context, acts).await,
            Self::Niri(niri) => niri.run(context, acts).await,
            Self::Gnome(gnome) => gnome.run(context, acts).await,
            Self::Kwin(kwin) => kwin.run(context, acts).await,
            Self::Wlr(wlr) => wlr.run(context, acts).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_done_is_told_with_its_reason() {
        let all = Abilities { pid: true, close: true, minimise: true };
        assert_eq!(all.told(Freezer::There), "pid, close, minimise, freeze");
        let told = all.told(Freezer::NoSystemd);
        assert_eq!(told, "pid, close, minimise; not freeze (no systemd runs this session)");
        let some = Abilities { pid: false, close: true, minimise: false };
        let told = some.told(Freezer::There);
        assert_eq!(told, "close; not pid, minimise, freeze (no window's process is known)");
    }

    #[test]
    fn what_is_wrong_and_the_next_step_are_told_apart() {
        assert_eq!(
            Down::Lacks("it is old; get a new one").told(),
            ("it is old".to_owned(), Some("get a new one".to_owned()))
        );
        assert_eq!(Down::Lacks("it is old").told(), ("it is old".to_owned(), None));
        assert_eq!(Down::Refused("it").told().1.as_deref(), Some(ATTACH));
        assert_eq!(Down::Ended("it").told().1, None);
    }
}
