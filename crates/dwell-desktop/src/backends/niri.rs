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
use crate::apps;
use crate::freezer::Processes;
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

    /// The workspace to bring a window back to: where it was, or if that is gone the one in front on its screen. None, if
    /// the window is in sight as it is: the person is where it went.
    async fn back_to(&self, window: &Window, from: Option<&str>) -> Result<Option<u64>, Down> {
        let Some(Response::Workspaces(all)) = self.ask("\"Workspaces\"").await? else { return Ok(None) };
        let Some(on) = all.iter().find(|workspace| Some(workspace.id) == window.workspace_id) else {
            return Ok(None);
        };
        if on.is_active {
            return Ok(None);
        }
        let was = all.iter().find(|workspace| from.is_some_and(|from| workspace.id.to_string() == from));
        let front = || all.iter().find(|other| other.output == on.output && other.is_active);
        Ok(was.or_else(front).map(|workspace| workspace.id))
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
    async fn focused(&mut self, context: &Context) -> Result<Option<apps::Window>, Down> {
        let focused = self.niri.focused().await?;
        if let Some(window) = &focused {
            context.away.seen(window.id);
        }
        Ok(focused.map(|known| known.window()))
    }

    /// Does something to every window of a program. niri has no minimised windows: an empty workspace, of which there
    /// is always one at the end of each screen, is where what is to be out of sight goes.
    async fn act(&mut self, _: &mut Client, act: &WindowAct, context: &Context) -> Result<(), Down> {
        if matches!(act, WindowAct::Minimise(_)) && !self.abilities.minimise {
            return Ok(());
        }
        let windows = match self.niri.ask("\"Windows\"").await? {
            Some(Response::Windows(windows)) => windows,
            _ => Vec::new(),
        };
        context.away.keep(|id| windows.iter().any(|window| window.id.to_string() == id));
        let (mut meant, mut processes) = (Vec::new(), Processes::default());
        for window in &windows {
            let put = match act {
                WindowAct::Restore(app) => context.away.take(window.id, app),
                _ => None,
            };
            let is_meant = match act {
                WindowAct::Restore(_) => put.is_some(),
                _ => act.is_for(&context.apps.identify(&window.window())),
            };
            processes.note(is_meant, window.window().pid);
            if is_meant {
                meant.push((window, put.and_then(|put| put.from)));
            }
        }
        if context.is_done(act, &processes).await {
            return Ok(());
        }
        for (window, from) in meant {
            let id = window.id;
            let action = match act {
                // Where they go depends on where the ones before have gone.
                WindowAct::Minimise(app) => match self.niri.away_from(window).await? {
                    Some(to) => {
                        context.away.put(id, app, window.workspace_id.map(|from| from.to_string()));
                        moving(id, to)
                    }
                    None => continue,
                },
                WindowAct::Restore(_) => match self.niri.back_to(window, from.as_deref()).await? {
                    Some(to) => moving(id, to),
                    None => continue,
                },
                WindowAct::Close(_) => format!(r#"{{"CloseWindow":{{"id":{id}}}}}"#),
                WindowAct::FindUnits(_) => continue,
            };
            // A window that closed meanwhile is no failure.
            self.niri.ask(&format!(r#"{{"Action":{action}}}"#)).await?;
        }
        Ok(())
    }
}

/// The action that moves a window to a workspace and lets the person stay where they are.
fn moving(window: u64, to: u64) -> String {
    format!(r#"{{"MoveWindowToWorkspace":{{"window_id":{window},"reference":{{"Id":{to}}},"focus":false}}}}"#)
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
