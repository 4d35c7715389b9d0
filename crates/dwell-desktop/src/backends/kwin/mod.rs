//! KWin: its window list over Wayland where it grants us that, else a script inside it.
//!
//! KWin grants `org_kde_plasma_window_management` to a program whose desktop file asks for it
//! (`X-KDE-Wayland-Interfaces`); it knows the program by `/proc/PID/exe`, see [`crate::connector`]. Where it does not, a
//! [`script`] tells what is active. Neither hears of a lock: the screen saver's bus name does.

mod acts;
mod ear;
mod idle;
mod script;

use std::convert::Infallible;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use tokio::sync::mpsc;

use super::wayland::{ActiveWindow, Client};
use super::{Abilities, Context, Down};
use crate::report::Levels;
use crate::{WindowAct, clock, connector};
use idle::Idleness;

/// This back end's name in [`crate::Health::backend`].
pub(crate) const NAME: &str = "kwin";

pub(crate) const ABILITIES: Abilities = Abilities { pid: true, close: true, minimise: true };

/// The KWin back end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kwin {
    pub(crate) wayland: PathBuf,
}

impl Kwin {
    /// Attaches and runs until KWin goes.
    pub(crate) async fn run(
        &self,
        context: Context,
        acts: &mut mpsc::UnboundedReceiver<WindowAct>,
    ) -> Result<Infallible, Down> {
        let client = self.connect(&context).await?;
        let levels = Levels::new(context.reporter.clone());
        if client.has_plasma_windows() {
            granted(client, levels, &context, acts).await
        } else {
            script::run(client, levels, &context, acts).await
        }
    }

    async fn connect(&self, context: &Context) -> Result<Client, Down> {
        let idle_after = context.settings.idle_after;
        // The child must live until KWin has answered: it looks at it then.
        let (stream, child) = match connector::connect(context.around.connector(), &self.wayland).await {
            Ok((stream, child)) => (stream, Some(child)),
            // The script does without.
            Err(_) => (UnixStream::connect(&self.wayland).map_err(|_| ended())?, None),
        };
        let client = Client::over(stream, idle_after).await;
        drop(child);
        client
    }
}

/// Follows the windows that KWin has granted us.
async fn granted(
    mut client: Client,
    mut levels: Levels,
    context: &Context,
    acts: &mut mpsc::UnboundedReceiver<WindowAct>,
) -> Result<Infallible, Down> {
    // What the windows are is told in answer to questions that were asked when they were heard of.
    client.settle().await?;
    levels.attached(NAME, "KWin's window list tells what has focus", ABILITIES).await;
    client.state_idle_health(&mut levels, NAME).await;
    let mut idleness = Idleness::new(context).await;
    let mut shown = None;
    loop {
        let active = client.active_plasma_window();
        // Titles change often, programs do not: what is known of a window is looked at anew only when it changed.
        if shown.as_ref() != Some(&active) {
            let at = clock::now();
            let app = active.as_ref().map(|active| context.apps.identify(&active.window));
            levels.focus(at, app).await;
            let of = |shown: &Option<ActiveWindow>| shown.as_ref().map(|active| active.id.clone());
            let (before, now) = (shown.as_ref().and_then(of), of(&active));
            if before != now
                && let Some(name) = now.and_then(|id| client.plasma_name(&id))
            {
                context.away.seen(name);
            }
            shown = Some(active);
        }
        idleness.state(&client, &mut levels).await;
        let counts = idleness.is_present() && shown.as_ref().is_some_and(Option::is_some);
        tokio::select! {
            changed = client.changed_while(counts) => changed?,
            () = idleness.changed() => {}
            act = acts.recv() => match act {
                Some(act) => {
                    client.act_on_plasma_windows(&act, context).await?;
                    levels.acted(&act);
                }
                None => std::future::pending().await,
            },
        }
    }
}

fn ended() -> Down {
    Down::Ended("KWin")
}
