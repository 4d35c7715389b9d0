//! Wayland compositors with `zwlr_foreign_toplevel_management_v1` and no IPC that we know: labwc, wayfire, river and
//! others.

use std::convert::Infallible;
use std::path::PathBuf;

use tokio::sync::mpsc;

use super::wayland::{Client, Source};
use super::{Abilities, Context, Down};
use crate::apps::Window;
use crate::report::Levels;
use crate::{WindowAct, detect};

/// This back end's name in [`crate::Health::backend`].
pub(crate) const NAME: &str = "wlr";

/// The protocol tells no process.
pub(crate) const ABILITIES: Abilities = Abilities { pid: false, close: true, minimise: true };

/// The back end for a compositor without an IPC that we know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wlr {
    pub(crate) wayland: PathBuf,
}

impl Wlr {
    /// Attaches and runs until the compositor goes.
    pub(crate) async fn run(
        &self,
        context: Context,
        acts: &mut mpsc::UnboundedReceiver<WindowAct>,
    ) -> Result<Infallible, Down> {
        let client = Client::connect(&self.wayland, context.settings.idle_after).await?;
        client.require_toplevels()?;
        // A compositor opens its Wayland socket before its IPC socket: now that it has answered, both are there.
        if client.peer.is_some_and(|pid| detect::has_ipc(&context.around, pid)) {
            return Err(Down::Better);
        }
        let mut levels = Levels::new(context.reporter.clone());
        let how = format!("told by {} (wlr-foreign-toplevel)", client.name());
        levels.attached(NAME, &how, ABILITIES).await;
        client.state_idle_health(&mut levels, NAME).await;
        client.follow_toplevels(levels, &context, acts, Toplevels).await
    }
}

/// The toplevels themselves: nobody knows more.
struct Toplevels;

impl Source for Toplevels {
    async fn focused(&mut self, _: &Context) -> Result<Option<Window>, Down> {
        Ok(None)
    }

    async fn act(&mut self, client: &mut Client, act: &WindowAct, context: &Context) -> Result<(), Down> {
        client.act_on_toplevels(act, context).await
    }
}
