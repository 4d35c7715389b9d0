//! KWin.

use std::convert::Infallible;
use std::path::PathBuf;

use tokio::sync::mpsc;

use super::{Context, Down};
use crate::WindowAct;

/// This back end's name in [`crate::Health::backend`].
pub(crate) const NAME: &str = "kwin";

/// The KWin back end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kwin {
    pub(crate) wayland: PathBuf,
}

impl Kwin {
    /// Attaches and runs until KWin goes.
    pub(crate) async fn run(
        &self,
        _context: Context,
        _acts: &mut mpsc::UnboundedReceiver<WindowAct>,
    ) -> Result<Infallible, Down> {
        Err(Down::Lacks("KWin on Wayland is not supported yet"))
    }
}
