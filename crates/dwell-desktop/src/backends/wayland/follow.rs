//! Following the toplevels of a compositor: what all that offer `zwlr_foreign_toplevel` have in common.
//!
//! The toplevels tell whether something has focus, and when to look; who can say more than a toplevel does — the
//! compositor's own IPC — is asked once for each change. Changes of titles come as events, too, and ask nobody.

use std::convert::Infallible;

use tokio::sync::mpsc;

use super::{Client, Down};
use crate::apps::Window;
use crate::backends::Context;
use crate::report::Levels;
use crate::{WindowAct, clock};

/// Who knows more of windows than their toplevels tell, and can do things to them.
pub(crate) trait Source {
    /// The window that has focus; none, if it cannot say: then the toplevel is all that is known.
    ///
    /// # Errors
    /// It has gone, or makes no sense.
    async fn focused(&mut self, context: &Context) -> Result<Option<Window>, Down>;

    /// Does something to every window of a program.
    ///
    /// # Errors
    /// It was not done.
    async fn act(&mut self, client: &mut Client, act: &WindowAct, context: &Context) -> Result<(), Down>;
}

impl Client {
    /// States what has focus and whether anybody is there, and does acts, until the compositor goes.
    pub(crate) async fn follow_toplevels(
        mut self,
        mut levels: Levels,
        context: &Context,
        acts: &mut mpsc::UnboundedReceiver<WindowAct>,
        mut source: impl Source,
    ) -> Result<Infallible, Down> {
        let mut shown = None;
        loop {
            let at = clock::now();
            let active = self.active_handle();
            if shown.as_ref() != Some(&active) {
                let app = match self.active_toplevel() {
                    Some(window) => {
                        let known = source.focused(context).await?;
                        Some(context.apps.identify(&known.unwrap_or(window)))
                    }
                    None => None,
                };
                levels.focus(at, app).await;
                shown = Some(active);
            }
            self.state_idle(&mut levels).await;
            tokio::select! {
                changed = self.changed() => changed?,
                act = acts.recv() => match act {
                    // An act that was not carried out is no reason to lose sight of focus.
                    Some(act) => {
                        drop(source.act(&mut self, &act, context).await);
                        levels.acted(&act);
                    }
                    None => std::future::pending().await,
                },
            }
        }
    }
}
