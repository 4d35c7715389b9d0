//! One file a desktop: its focus and idleness in, and window actions out over the same connection.
//!
//! A closed enum rather than a trait: the back ends are few, they are all here, and the supervisor must say
//! something about each of them.

pub(crate) mod scripted;
pub(crate) mod sway;
pub(crate) mod wlr;
pub(crate) mod x11;
mod x11_connection;

use std::convert::Infallible;

use tokio::sync::mpsc;

use crate::apps::Apps;
use crate::detect::Choice;
use crate::report::Reporter;
use crate::{Buses, Settings, Surroundings, WindowAct};

/// What a back end needs.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) reporter: Reporter,
    pub(crate) apps: Apps,
    pub(crate) settings: Settings,
    pub(crate) buses: Buses,
    /// The surroundings that led to the display.
    pub(crate) around: Surroundings,
}

/// Why a back end ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Down {
    /// The display's connection ended.
    #[error("the connection to {0} ended")]
    Ended(&'static str),
    /// The display refused us.
    #[error("{0} refused the connection")]
    Refused(&'static str),
    /// The display lacks what is needed. The text ends with the next step.
    #[error("{0}")]
    Lacks(&'static str),
    /// A better back end has become possible: look again, at once.
    #[error("a better way has appeared")]
    Better,
    /// The kernel refused something.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

/// The back end for one display.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    X11(x11::X11),
    Sway(sway::Sway),
    Wlr(wlr::Wlr),
}

impl Backend {
    /// The back end for a choice that attaches.
    pub(crate) fn of(choice: &Choice) -> Option<Self> {
        match choice.clone() {
            Choice::X11(display) => Some(Self::X11(x11::X11 { display })),
            Choice::Sway { wayland, ipc } => Some(Self::Sway(sway::Sway { wayland, ipc })),
            Choice::Wlr { wayland } => Some(Self::Wlr(wlr::Wlr { wayland })),
            Choice::Unsupported(_) | Choice::Waiting(_) => None,
        }
    }

    /// Its name in [`crate::Health::backend`].
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::X11(_) => x11::NAME,
            Self::Sway(_) => sway::NAME,
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
            Self::Wlr(wlr) => wlr.run(context, acts).await,
        }
    }
}
