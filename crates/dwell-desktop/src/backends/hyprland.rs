//! Hyprland.

use std::convert::Infallible;
use std::path::PathBuf;

use tokio::sync::mpsc;

use super::{Context, Down};
use crate::WindowAct;

/// This back end's name in [`crate::Health::backend`].
pub(crate) const NAME: &str = "hyprland";

/// The Hyprland back end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hyprland {
    pub(crate) wayland: PathBuf,
    pub(crate) ipc: PathBuf,
}

impl Hyprland {
    /// Attaches and runs until Hyprland goes.
    pub(crate) async fn run(
        &self,
        _context: Context,
        _acts: &mut mpsc::UnboundedReceiver<WindowAct>,
    ) -> Result<Infallible, Down> {
        Err(Down::Lacks("Hyprland on Wayland is not supported yet"))
    }
}
