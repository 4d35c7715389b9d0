//! Hyprland: `zwlr_foreign_toplevel` decides whether something has focus and when to look, the IPC says what it is.
//!
//! Of the two IPC sockets (Hyprland wiki, "IPC" and "Using hyprctl") only the one for questions is used, once for each
//! change of focus. The one for events carries every change of every title and cannot be told to leave them out, so it
//! would wake us all the time.
//!
//! A lock takes the keyboard from a window, but neither `activated` nor the place of the active one: what tells of it is
//! `hyprland_lock_notify_v1` (Hyprland 0.47), which [`Client`] listens to.
//!
//! Titles come with the answers, because there is no way to ask for less; they are not read.

use std::convert::Infallible;
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;

use super::ipc::{End, ask};
use super::wayland::{Client, Source};
use super::{Abilities, Context, Down};
use crate::WindowAct;
use crate::apps;
use crate::freezer::Processes;
use crate::report::Levels;

/// This back end's name in [`crate::Health::backend`].
pub(crate) const NAME: &str = "hyprland";

pub(crate) const ABILITIES: Abilities = Abilities { pid: true, close: true, minimise: true };

/// Hyprland has no minimised windows: this special workspace, which is shown on demand only, is where what is to be out
/// of sight goes.
const AWAY: &str = "special:dwell";

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
        context: Context,
        acts: &mut mpsc::UnboundedReceiver<WindowAct>,
    ) -> Result<Infallible, Down> {
        let client = Client::connect(&self.wayland, context.settings.idle_after).await?;
        client.require_toplevels()?;
        let mut levels = Levels::new(context.reporter.clone());
        // Asked once before anything is said of it: an IPC that gives no sense is no Hyprland's.
        self.active().await?;
        let how = if client.tells_of_locks() {
            "Hyprland tells what has focus"
        } else {
            "Hyprland tells what has focus; before 0.47 it tells of no lock, which only logind does then"
        };
        levels.attached(NAME, how, ABILITIES).await;
        client.state_idle_health(&mut levels, NAME).await;
        client.follow_toplevels(levels, &context, acts, self).await
    }

    /// The active window; none, if Hyprland knows none.
    async fn active(&self) -> Result<Option<Window>, Down> {
        let window: Window = self.json("j/activewindow").await?;
        Ok(Some(window).filter(Window::is_any))
    }

    async fn json<T: DeserializeOwned>(&self, question: &str) -> Result<T, Down> {
        let answer = ask(&self.ipc, question, End::Closed).await.ok_or_else(ended)?;
        serde_json::from_slice(&answer).map_err(|_| ended())
    }
}

impl Source for &Hyprland {
    async fn focused(&mut self, context: &Context) -> Result<Option<apps::Window>, Down> {
        let active = self.active().await?;
        if let Some(window) = &active {
            context.away.seen(&window.address);
        }
        Ok(active.map(|window| window.window()))
    }

    /// Does something to every window of a program.
    async fn act(&mut self, _: &mut Client, act: &WindowAct, context: &Context) -> Result<(), Down> {
        let windows: Vec<Window> = self.json("j/clients").await?;
        context.away.keep(|id| windows.iter().any(|window| window.address == id));
        let (mut meant, mut processes) = (Vec::new(), Processes::default());
        for window in windows {
            // Windows that were closed, or not opened yet, may be listed (hyprwm/Hyprland issues 1810 and 2653).
            if window.mapped == Some(false) || window.address().is_none() {
                continue;
            }
            let mut is_meant = act.is_for(&context.apps.identify(&window.window()));
            let mut from = None;
            if let WindowAct::Restore(app) = act {
                let put = context.away.take(&window.address, app);
                is_meant |= put.is_some();
                from = put.and_then(|put| put.from);
            }
            processes.note(is_meant, window.window().pid);
            if is_meant {
                meant.push((window, from));
            }
        }
        if context.is_done(act, &processes).await {
            return Ok(());
        }
        for (window, from) in meant {
            let Some(address) = window.address() else { continue };
            // A window's address is a number: a class in a command would be a pattern that the program chose.
            let is_away = window.workspace.name == AWAY;
            let ways = match act {
                WindowAct::Minimise(app) if !is_away => {
                    context.away.put(address, app, window.workspace.selector());
                    moving(address, AWAY)
                }
                // Nobody else puts anything there: what is there was left by dwell, be it one that was killed.
                WindowAct::Restore(_) if is_away => {
                    let to = match from {
                        Some(from) => from,
                        None => self
                            .json::<Workspace>("j/activeworkspace")
                            .await?
                            .selector()
                            .unwrap_or("1".into()),
                    };
                    moving(address, &to)
                }
                WindowAct::Close(_) => [
                    format!("dispatch closewindow address:{address}"),
                    format!("dispatch hl.dsp.window.close(\"address:{address}\")"),
                ],
                WindowAct::Minimise(_) | WindowAct::Restore(_) | WindowAct::FindUnits(_) => continue,
            };
            // Since 0.55 commands are Lua, unless the configuration is still in the old language; each refuses the
            // other's. A window that closed meanwhile is refused by both, and no failure.
            for way in ways {
                if ask(&self.ipc, &way, End::Closed).await.ok_or_else(ended)?.starts_with(b"ok") {
                    break;
                }
            }
        }
        Ok(())
    }
}

/// The two ways to say that a window goes to a workspace, and that the person does not go along.
fn moving(address: &str, to: &str) -> [String; 2] {
    [
        format!("dispatch movetoworkspacesilent {to},address:{address}"),
        format!(
            "dispatch hl.dsp.window.move({{ workspace = \"{to}\", follow = false, window = \"address:{address}\" }})"
        ),
    ]
}

/// A window in Hyprland's answers. No window at all is an empty object.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Window {
    address: String,
    mapped: Option<bool>,
    class: String,
    initial_class: String,
    pid: i64,
    workspace: Workspace,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Workspace {
    id: i64,
    name: String,
}

impl Workspace {
    /// How to name it in a command: by number, or where it has but a name by that, if it is a plain one.
    fn selector(&self) -> Option<String> {
        if self.id > 0 {
            return Some(self.id.to_string());
        }
        let plain = |c: char| c.is_alphanumeric() || " _-.".contains(c);
        let (kind, name) = match self.name.split_once(':') {
            Some(("special", name)) => ("special", name),
            Some(_) => return None,
            None => ("name", &*self.name),
        };
        (!name.is_empty() && name.chars().all(plain)).then(|| format!("{kind}:{name}"))
    }
}

impl Window {
    fn is_any(&self) -> bool {
        self.address().is_some()
    }

    /// Its address, if it is one: it goes into commands.
    fn address(&self) -> Option<&str> {
        let digits = self.address.strip_prefix("0x")?;
        let hex = (1..=16).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        hex.then_some(self.address.as_str())
    }

    /// The class is Wayland's app id, or the class part of an Xwayland window's WM_CLASS.
    fn window(&self) -> apps::Window {
        let class = [&self.class, &self.initial_class].into_iter().find(|class| !class.is_empty());
        let pid = u32::try_from(self.pid).ok().filter(|pid| *pid != 0);
        apps::Window { class: class.cloned(), instance: None, pid }
    }
}

fn ended() -> Down {
    Down::Ended("Hyprland")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_addressed_by_number_only() {
        let address = |text: &str| Window { address: text.into(), ..Window::default() }.address().is_some();
        assert!(address("0x559d7c727c30"));
        for bad in
            ["", "0x", "559d7c727c30", "0xg", "0x1,class:.*", "0x1\ndispatch exit", "0x11112222333344445"]
        {
            assert!(!address(bad), "{bad}");
        }
    }

    #[test]
    fn workspaces_are_named_by_what_cannot_be_a_command() {
        let selector = |id, name: &str| Workspace { id, name: name.into() }.selector();
        assert_eq!(selector(3, "a,b").as_deref(), Some("3"));
        assert_eq!(selector(-1337, "mail").as_deref(), Some("name:mail"));
        assert_eq!(selector(-98, "special:magic").as_deref(), Some("special:magic"));
        for odd in ["", "a,address:0x1", "a\"", "a\nb", "special:a,b", "special:"] {
            assert_eq!(selector(-1, odd), None, "{odd}");
        }
    }

    #[test]
    fn no_window_is_an_empty_object() {
        let none: Window = serde_json::from_str("{}").unwrap();
        assert!(!none.is_any());
        let unnamed: Window =
            serde_json::from_str(r#"{"address":"0x1","class":"","initialClass":"foot","pid":-1}"#).unwrap();
        let window = unnamed.window();
        assert_eq!((window.class.as_deref(), window.pid), (Some("foot"), None));
    }
}
