//! sway: `zwlr_foreign_toplevel` decides whether something has focus and when to look, the IPC says what it is.
//!
//! The IPC alone would not do: sway sends no IPC event when the screen is locked, and only a workspace event for an
//! empty workspace, while every toplevel loses `activated` in both cases. And the IPC's window events come with each
//! change of a title; so nothing is subscribed to, and the tree is asked for when the active toplevel changes
//! (sway-ipc(7), GET_TREE). Names in the tree are not read.

use std::convert::Infallible;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::mpsc;

use super::ipc::PATIENCE;
use super::wayland::{Client, Source};
use super::{Abilities, Context, Down};
use crate::apps::Window;
use crate::freezer::Processes;
use crate::report::Levels;
use crate::{WindowAct, clock};

/// This back end's name in [`crate::Health::backend`].
pub(crate) const NAME: &str = "sway";

pub(crate) const ABILITIES: Abilities = Abilities { pid: true, close: true, minimise: true };

const RUN_COMMAND: u32 = 0;
const GET_WORKSPACES: u32 = 1;
const GET_VERSION: u32 = 7;
const GET_TREE: u32 = 4;
const MAGIC: &[u8; 6] = b"i3-ipc";
/// The longest answer that is taken, in bytes. A tree of a thousand windows has about two million.
const ANSWER_MAX: u32 = 16 << 20;

/// The sway back end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sway {
    pub(crate) wayland: PathBuf,
    pub(crate) ipc: PathBuf,
}

impl Sway {
    /// Attaches and runs until sway goes.
    pub(crate) async fn run(
        &self,
        context: Context,
        acts: &mut mpsc::UnboundedReceiver<WindowAct>,
    ) -> Result<Infallible, Down> {
        let client = Client::connect(&self.wayland, context.settings.idle_after).await?;
        client.require_toplevels()?;
        let ipc = Ipc::connect(&self.ipc).await?;
        let mut levels = Levels::new(context.reporter.clone());
        levels.attached(NAME, "told by sway (its IPC and wlr-foreign-toplevel)", ABILITIES).await;
        client.state_idle_health(&mut levels, NAME).await;
        client.follow_toplevels(levels, &context, acts, ipc).await
    }
}

/// sway's version (sway-ipc(7), GET_VERSION), for people.
pub(crate) async fn version(ipc: &Path) -> Option<String> {
    #[derive(Deserialize)]
    struct Version {
        human_readable: String,
    }
    let mut ipc = Ipc::connect(ipc).await.ok()?;
    let answer = ipc.ask(GET_VERSION, "").await.ok()?;
    Some(serde_json::from_slice::<Version>(&answer).ok()?.human_readable)
}

/// A connection to sway's IPC, used for one question at a time.
struct Ipc {
    path: PathBuf,
    /// `None` once a question had no whole answer: what comes later would be taken for that of the next one.
    stream: Option<UnixStream>,
}

impl Source for Ipc {
    async fn focused(&mut self, context: &Context) -> Result<Option<Window>, Down> {
        let tree = self.tree().await?;
        let Some(node) = tree.focused() else { return Ok(None) };
        context.away.seen(node.id);
        if let Some(mark) = node.mark() {
            // The person has brought it back. What they put away later stays there.
            self.command(node, &mark.unmark()).await?;
        }
        Ok(Some(node.window()))
    }

    /// Does something to every window of a program. sway has no minimised windows: the scratchpad is where it puts
    /// what is to be out of sight.
    async fn act(&mut self, _: &mut Client, act: &WindowAct, context: &Context) -> Result<(), Down> {
        let tree = self.tree().await?;
        let mut windows = Vec::new();
        tree.windows(None, &mut windows);
        context.away.keep(|id| windows.iter().any(|(node, _)| node.id.to_string() == id));
        let (mut meant, mut processes) = (Vec::new(), Processes::default());
        for (node, workspace) in windows {
            let window = node.window();
            let mut is_meant = act.is_for(&context.apps.identify(&window));
            if let WindowAct::Restore(app) = act {
                is_meant |= context.away.take(node.id, app).is_some();
            }
            processes.note(is_meant, window.pid);
            if is_meant {
                meant.push((node, workspace));
            }
        }
        if meant.is_empty() && !matches!(act, WindowAct::FindUnits(_))
            || context.is_done(act, &processes).await
        {
            return Ok(());
        }
        let answer = self.ask(GET_WORKSPACES, "").await?;
        let workspaces: Vec<Workspace> = serde_json::from_slice(&answer).map_err(|_| ended())?;
        for (node, workspace) in meant {
            let workspace = workspaces.iter().find(|shown| Some(shown.id) == workspace);
            match act {
                WindowAct::Minimise(app) if node.visible == Some(true) => {
                    let mark = Mark::new(node, workspace.map_or("", |workspace| &workspace.name));
                    context.away.put(node.id, app, None);
                    self.command(node, &format!("mark --add \"{}\"", mark.0)).await?;
                    self.command(node, "move scratchpad").await?;
                }
                WindowAct::Restore(_) => {
                    let Some(mark) = node.mark() else { continue };
                    // On a workspace it is where the person has put it since.
                    if workspace.is_none() {
                        // One that floated stays in the scratchpad's row, which sway lets nobody out of but by tiling.
                        self.command(node, &mark.move_back()).await?;
                        if mark.was_tiled() {
                            self.command(node, "floating disable").await?;
                        }
                    }
                    self.command(node, &mark.unmark()).await?;
                }
                WindowAct::Close(_) => self.command(node, "kill").await?,
                WindowAct::Minimise(_) | WindowAct::FindUnits(_) => {}
            }
        }
        Ok(())
    }
}

/// What is written onto a window that is put into the scratchpad: whose doing that is, and where it was before. So a
/// daemon that was killed finds what it left there. sway shows no mark that begins with `_` (sway(5)).
#[derive(Debug, PartialEq, Eq)]
struct Mark(String);

const MARK: &str = "_dwell_away_";
const TILED: &str = "tiled";
const FLOATING: &str = "floating";

impl Mark {
    /// A mark can be on but one window: so the window's number is part of it.
    fn new(node: &Node, workspace: &str) -> Self {
        let how = if node.kind == "floating_con" { FLOATING } else { TILED };
        let workspace = if is_plain(workspace) { workspace } else { "" };
        Self(format!("{MARK}{how}_{}_{workspace}", node.id))
    }

    /// `None` for every other mark. It goes back into commands, and others can set marks, too.
    fn of(mark: &str) -> Option<Self> {
        (mark.starts_with(MARK) && is_plain(mark)).then(|| Self(mark.to_owned()))
    }

    fn was_tiled(&self) -> bool {
        self.0.get(MARK.len()..).is_some_and(|rest| rest.starts_with(TILED))
    }

    fn workspace(&self) -> &str {
        self.0.get(MARK.len()..).and_then(|rest| rest.splitn(3, '_').nth(2)).unwrap_or("")
    }

    /// The command that takes the window out of the scratchpad without giving it focus.
    fn move_back(&self) -> String {
        // Words that mean another workspace than the one of that name.
        const RELATIVE: &[&str] =
            &["prev", "next", "prev_on_output", "next_on_output", "current", "number", "back_and_forth"];
        let to = match self.workspace() {
            "" => "current".to_owned(),
            name if RELATIVE.contains(&name) => "current".to_owned(),
            name => format!("\"{name}\""),
        };
        format!("move --no-auto-back-and-forth container to workspace {to}")
    }

    fn unmark(&self) -> String {
        format!("unmark \"{}\"", self.0)
    }
}

/// Whether a text means itself between the quotes of a command.
fn is_plain(text: &str) -> bool {
    text.len() <= 200 && !text.chars().any(|c| c.is_control() || "\"\\$".contains(c))
}

impl Ipc {
    async fn connect(path: &Path) -> Result<Self, Down> {
        Ok(Self { path: path.to_owned(), stream: Some(open(path).await?) })
    }

    async fn tree(&mut self) -> Result<Node, Down> {
        let answer = self.ask(GET_TREE, "").await?;
        serde_json::from_slice(&answer).map_err(|_| ended())
    }

    /// A window that closed meanwhile is an error of the command, and no failure. Windows are addressed by number: an app
    /// id in a command would be a pattern that the program chose.
    async fn command(&mut self, node: &Node, command: &str) -> Result<(), Down> {
        self.ask(RUN_COMMAND, &format!("[con_id={}] {command}", node.id)).await?;
        Ok(())
    }

    async fn ask(&mut self, kind: u32, text: &str) -> Result<Vec<u8>, Down> {
        let ask = async {
            let mut stream = match self.stream.take() {
                Some(stream) => stream,
                None => open(&self.path).await?,
            };
            let answer = answer(&mut stream, kind, text).await?;
            self.stream = Some(stream);
            Ok(answer)
        };
        clock::within(PATIENCE, ask).await.unwrap_or(Err(Down::Silent("sway")))
    }
}

async fn open(path: &Path) -> Result<UnixStream, Down> {
    UnixStream::connect(path).await.map_err(|_| ended())
}

async fn answer(stream: &mut UnixStream, kind: u32, text: &str) -> Result<Vec<u8>, Down> {
    let length = u32::try_from(text.len()).unwrap_or(0);
    let message = [MAGIC, &length.to_ne_bytes()[..], &kind.to_ne_bytes(), text.as_bytes()].concat();
    stream.write_all(&message).await.map_err(|_| ended())?;
    let mut header = [0; 14];
    stream.read_exact(&mut header).await.map_err(|_| ended())?;
    let length = header.get(6..10).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_ne_bytes);
    if !header.starts_with(MAGIC) || length > ANSWER_MAX {
        return Err(ended());
    }
    let mut answer = vec![0; usize::try_from(length).unwrap_or(0)];
    stream.read_exact(&mut answer).await.map_err(|_| ended())?;
    Ok(answer)
}

/// A node of sway's tree, without its name.
#[derive(Debug, Deserialize)]
struct Node {
    id: i64,
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    marks: Vec<String>,
    #[serde(default)]
    focused: bool,
    #[serde(default)]
    visible: Option<bool>,
    #[serde(default)]
    app_id: Option<String>,
    #[serde(default)]
    pid: Option<i64>,
    #[serde(default)]
    window_properties: Option<XProperties>,
    #[serde(default)]
    nodes: Vec<Node>,
    #[serde(default)]
    floating_nodes: Vec<Node>,
}

/// A workspace. The scratchpad is not listed as one.
#[derive(Debug, Deserialize)]
struct Workspace {
    id: i64,
    name: String,
}

/// WM_CLASS of an Xwayland window.
#[derive(Debug, Deserialize)]
struct XProperties {
    #[serde(default)]
    class: Option<String>,
    #[serde(default)]
    instance: Option<String>,
}

impl Node {
    fn is_window(&self) -> bool {
        self.pid.is_some()
    }

    fn focused(&self) -> Option<&Self> {
        if self.focused {
            return Some(self).filter(|node| node.is_window());
        }
        self.nodes.iter().chain(&self.floating_nodes).find_map(Self::focused)
    }

    /// Every window, with the number of the workspace that it is on.
    fn windows<'a>(&'a self, on: Option<i64>, into: &mut Vec<(&'a Self, Option<i64>)>) {
        let on = if self.kind == "workspace" { Some(self.id) } else { on };
        if self.is_window() {
            into.push((self, on));
        }
        for node in self.nodes.iter().chain(&self.floating_nodes) {
            node.windows(on, into);
        }
    }

    fn mark(&self) -> Option<Mark> {
        self.marks.iter().find_map(|mark| Mark::of(mark))
    }

    fn window(&self) -> Window {
        let x = self.window_properties.as_ref();
        let filled = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        Window {
            class: filled(&self.app_id).or_else(|| filled(&x?.class)),
            instance: x.and_then(|x| filled(&x.instance)),
            pid: self.pid.and_then(|pid| u32::try_from(pid).ok()).filter(|pid| *pid != 0),
        }
    }
}

fn ended() -> Down {
    Down::Ended("sway")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_read_without_names() {
        let tree: Node = serde_json::from_str(
            r#"{"id":1,"type":"root","name":"root","focused":false,"nodes":[
                {"id":2,"type":"output","name":"HEADLESS-1","nodes":[{"id":3,"type":"workspace","nodes":[
                    {"id":4,"type":"con","name":"secret","app_id":"foot","pid":77,"visible":true,"focused":false},
                    {"id":5,"type":"con","app_id":null,"pid":78,"visible":true,"focused":true,
                     "window_properties":{"class":"XTerm","instance":"xterm","title":"secret"}}],
                  "floating_nodes":[{"id":6,"type":"floating_con","app_id":"mpv","pid":79,"visible":false}]}]}]}"#,
        )
        .unwrap();
        let focused = tree.focused().unwrap().window();
        assert_eq!((focused.class.as_deref(), focused.instance.as_deref()), (Some("XTerm"), Some("xterm")));
        assert_eq!(focused.pid, Some(78));
        let mut windows = Vec::new();
        tree.windows(None, &mut windows);
        let numbers: Vec<_> = windows.iter().map(|(node, on)| (node.id, *on)).collect();
        assert_eq!(numbers, [(4, Some(3)), (5, Some(3)), (6, Some(3))]);
        assert!(!format!("{tree:?}").contains("secret"));
    }

    #[test]
    fn a_mark_says_where_a_window_was() {
        let node: Node = serde_json::from_str(r#"{"id":6,"type":"floating_con"}"#).unwrap();
        let mark = Mark::new(&node, "3:my_mail");
        assert_eq!(mark.0, "_dwell_away_floating_6_3:my_mail");
        assert_eq!(Mark::of(&mark.0).unwrap(), mark);
        assert!(!mark.was_tiled());
        assert!(mark.move_back().ends_with(r#"to workspace "3:my_mail""#));
        let node: Node = serde_json::from_str(r#"{"id":6,"type":"con"}"#).unwrap();
        assert!(Mark::new(&node, "1").was_tiled());
        for odd in ["", "next", "a\"; exit", "a\\", "$mod", "a\nexit"] {
            let mark = Mark::new(&node, odd);
            assert!(mark.move_back().ends_with("to workspace current"), "{odd}");
        }
        for others in ["mine", "_dwell_away_tiled_6_\"; exit"] {
            assert_eq!(Mark::of(others), None);
        }
    }
}
