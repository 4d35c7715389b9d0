//! niri: `zwlr_foreign_toplevel` decides whether something has focus and when to look, the IPC says what it is.
//!
//! niri's `activated` is the keyboard's focus, so a lock, a launcher and an empty workspace take it away by themselves.
//! Its event stream would add nothing but a wake-up for each change of a title, and is not asked for.
//!
//! The protocol is that of niri's crate `niri-ipc`: a JSON request a line, a JSON reply a line. Every request has a
//! connection of its own, because niri before 25.05 reads but one. Titles come with the answers, because there is no
//! way to ask for less; they are not read.

use std::convert::Infallible;
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::IgnoredAny;
use tokio::sync::mpsc;

use super::ipc::{End, ask};
use super::wayland::{Client, Source};
use super::{Abilities, Context, Down};
use crate::WindowAct;
use crate::apps::{self, Apps};
use crate::report::Levels;

/// This back end's name in [`crate::Health::backend`].
pub(crate) const NAME: &str = "niri";

/// The first version that moves a window away without going along with it.
const MOVES_SILENTLY: (u32, u32) = (25, 5);

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
        context: Context,
        acts: &mut mpsc::UnboundedReceiver<WindowAct>,
    ) -> Result<Infallible, Down> {
        let client = Client::connect(&self.wayland, context.settings.idle_after).await?;
        client.require_toplevels()?;
        let abilities = Abilities { pid: true, close: true, minimise: self.moves_silently().await? };
        let mut levels = Levels::new(context.reporter.clone());
        levels.attached(NAME, "niri tells what has focus", abilities).await;
        client.state_idle_health(&mut levels, NAME).await;
        client.follow_toplevels(levels, &context, acts, Ipc { niri: self, abilities }).await
    }

    async fn moves_silently(&self) -> Result<bool, Down> {
        match self.ask("\"Version\"").await? {
            Some(Response::Version(version)) => Ok(parse_version(&version) >= Some(MOVES_SILENTLY)),
            _ => Ok(false),
        }
    }

    /// The focused window; none, if niri knows none or cannot say.
    async fn focused(&self) -> Result<Option<Window>, Down> {
        match self.ask("\"FocusedWindow\"").await? {
            Some(Response::FocusedWindow(window)) => Ok(window),
            Some(_) => Err(ended()),
            None => Ok(None),
        }
    }

    /// The workspace to put a window on: the last one of its screen. None, if the window is out of sight as it is.
    async fn away_from(&self, window: &Window) -> Result<Option<u64>, Down> {
        let Some(Response::Workspaces(all)) = self.ask("\"Workspaces\"").await? else { return Ok(None) };
        let Some(on) = all.iter().find(|workspace| Some(workspace.id) == window.workspace_id) else {
            return Ok(None);
        };
        if !on.is_active {
            return Ok(None);
        }
        let others = all.iter().filter(|other| other.output == on.output && !other.is_active);
        Ok(others.max_by_key(|other| other.idx).map(|other| other.id))
    }

    /// niri's response; none, if it refuses the request.
    async fn ask(&self, request: &str) -> Result<Option<Response>, Down> {
        let answer = ask(&self.ipc, &format!("{request}\n"), End::Line).await.ok_or_else(ended)?;
        match serde_json::from_slice(&answer).map_err(|_| ended())? {
            Reply::Ok(response) => Ok(Some(response)),
            Reply::Err(_) => Ok(None),
        }
    }
}

/// niri's IPC, and what this version of niri can do.
struct Ipc<'a> {
    niri: &'a Niri,
    abilities: Abilities,
}

impl Source for Ipc<'_> {
    async fn focused(&mut self) -> Result<Option<apps::Window>, Down> {
        Ok(self.niri.focused().await?.map(|known| known.window()))
    }

    /// Does something to every window of a program. niri has no minimised windows: an empty workspace, of which there
    /// is always one at the end of each screen, is where what is to be out of sight goes.
    async fn act(&mut self, _: &Client, act: &WindowAct, apps: &Apps) -> Result<(), Down> {
        if matches!(act, WindowAct::Minimise(_)) && !self.abilities.minimise {
            return Ok(());
        }
        let Some(Response::Windows(windows)) = self.niri.ask("\"Windows\"").await? else { return Ok(()) };
        for window in windows.iter().filter(|window| act.is_for(&apps.identify(&window.window()))) {
            let id = window.id;
            let action = match act {
                // Where they go depends on where the ones before have gone.
                WindowAct::Minimise(_) => match self.niri.away_from(window).await? {
                    Some(to) => format!(
                        r#"{{"MoveWindowToWorkspace":{{"window_id":{id},"reference":{{"Id":{to}}},"focus":false}}}}"#
                    ),
                    None => continue,
                },
                WindowAct::Close(_) => format!(r#"{{"CloseWindow":{{"id":{id}}}}}"#),
            };
            // A window that closed meanwhile is no failure.
            self.niri.ask(&format!(r#"{{"Action":{action}}}"#)).await?;
        }
        Ok(())
    }
}

#[derive(Deserialize)]
enum Reply {
    Ok(Response),
    Err(IgnoredAny),
}

#[derive(Deserialize)]
enum Response {
    Version(String),
    FocusedWindow(Option<Window>),
    Windows(Vec<Window>),
    Workspaces(Vec<Workspace>),
    Handled,
}

/// A window, without its title.
#[derive(Debug, Deserialize)]
struct Window {
    id: u64,
    #[serde(default)]
    app_id: Option<String>,
    #[serde(default)]
    pid: Option<i64>,
    #[serde(default)]
    workspace_id: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct Workspace {
    id: u64,
    /// The place on its screen, from 1.
    idx: u64,
    #[serde(default)]
    output: Option<String>,
    is_active: bool,
}

impl Window {
    fn window(&self) -> apps::Window {
        apps::Window {
            class: self.app_id.clone().filter(|id| !id.is_empty()),
            instance: None,
            pid: self.pid.and_then(|pid| u32::try_from(pid).ok()).filter(|pid| *pid != 0),
        }
    }
}

/// The first two numbers of `25.05.1 (commit)`.
fn parse_version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.split_whitespace().next()?.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

fn ended() -> Down {
    Down::Ended("niri")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        let silent = |text| parse_version(text) >= Some(MOVES_SILENTLY);
        for new in ["25.05 (b35bcae)", "25.05.1", "25.11 (b35bcae)", "26.1"] {
            assert!(silent(new), "{new}");
        }
        for old in ["25.02 (b94a5db)", "0.1.10.1", "25.2", "unstable 2025-10-01 (commit abc)", ""] {
            assert!(!silent(old), "{old}");
        }
    }
}
