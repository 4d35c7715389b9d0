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
use crate::apps::{Apps, Window};
use crate::report::Levels;
use crate::{WindowAct, clock};

/// This back end's name in [`crate::Health::backend`].
pub(crate) const NAME: &str = "sway";

pub(crate) const ABILITIES: Abilities = Abilities { pid: true, close: true, minimise: true };

const RUN_COMMAND: u32 = 0;
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
    async fn focused(&mut self) -> Result<Option<Window>, Down> {
        Ok(self.tree().await?.focused().map(Node::window))
    }

    /// Does something to every window of a program. sway has no minimised windows: the scratchpad is where it puts
    /// what is to be out of sight.
    async fn act(&mut self, _: &Client, act: &WindowAct, apps: &Apps) -> Result<(), Down> {
        let tree = self.tree().await?;
        let mut windows = Vec::new();
        tree.windows(&mut windows);
        for node in windows {
            if !act.is_for(&apps.identify(&node.window())) {
                continue;
            }
            // Addressed by number: an app id in a command would be a pattern that the program chose.
            let command = match act {
                WindowAct::Minimise(_) if node.visible == Some(true) => {
                    format!("[con_id={}] move scratchpad", node.id)
                }
                WindowAct::Minimise(_) => continue,
                WindowAct::Close(_) => format!("[con_id={}] kill", node.id),
            };
            // A window that closed meanwhile is an error of the command, and no failure.
            self.ask(RUN_COMMAND, &command).await?;
        }
        Ok(())
    }
}

impl Ipc {
    async fn connect(path: &Path) -> Result<Self, Down> {
        Ok(Self { path: path.to_owned(), stream: Some(open(path).await?) })
    }

    async fn tree(&mut self) -> Result<Node, Down> {
        let answer = self.ask(GET_TREE, "").await?;
        serde_json::from_slice(&answer).map_err(|_| ended())
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

    fn windows<'a>(&'a self, into: &mut Vec<&'a Self>) {
        if self.is_window() {
            into.push(self);
        }
        for node in self.nodes.iter().chain(&self.floating_nodes) {
            node.windows(into);
        }
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
        tree.windows(&mut windows);
        assert_eq!(windows.iter().map(|node| node.id).collect::<Vec<_>>(), [4, 5, 6]);
        assert!(!format!("{tree:?}").contains("secret"));
    }
}
