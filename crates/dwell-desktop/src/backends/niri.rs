//! niri.

use std::convert::Infallible;
use std::path::PathBuf;

use tokio::sync::mpsc;

use super::{Context, Down};
use crate::WindowAct;

/// This back end's name in [`crate::Health::backend`].
pub(crate) const NAME: &str = "niri";

/// The niri back end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Niri {
    pub(crate) wayland: PathBuf,
    pub(crate) ipc: PathBuf,
}

impl Niri {
    /// Attaches and runs until niri goes.
    pub(crate) async fn run(
        &self,
        _context: Context,
        _acts: &mut mpsc::UnboundedReceiver<WindowAct>,
    ) -> Result<Infallible, Down> {
        Err(Down::Lacks("niri on Wayland is not supported yet"))
    }
}
