//! GNOME Shell.

use std::convert::Infallible;
use std::path::PathBuf;

use tokio::sync::mpsc;

use super::{Context, Down};
use crate::WindowAct;

/// This back end's name in [`crate::Health::backend`].
pub(crate) const NAME: &str = "gnome";

/// The GNOME Shell back end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Gnome {
    pub(crate) wayland: PathBuf,
}

impl Gnome {
    /// Attaches and runs until GNOME Shell goes.
    pub(crate) async fn run(
        &self,
        _context: Context,
        _acts: &mut mpsc::UnboundedReceiver<WindowAct>,
    ) -> Result<Infallible, Down> {
        Err(Down::Lacks("GNOME Shell on Wayland is not supported yet"))
    }
}
