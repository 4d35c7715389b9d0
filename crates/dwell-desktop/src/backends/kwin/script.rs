//! What KWin tells without having granted anything: a script that is loaded into it over D-Bus
//! (`org.kde.kwin.Scripting`), and that calls back ([`super::ear`]) when another window becomes active.
//!
//! Acts are one more script each: it tells what windows there are, and does what is to be done to those that it is
//! told. So ids that programs choose are compared here and never become part of a script.

use std::convert::Infallible;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dwell_core::time::Millis;
use futures_util::StreamExt;
use tokio::sync::mpsc;
use zbus::zvariant::{DynamicType, OwnedObjectPath};
use zbus::{Connection, MessageStream};

use super::acts::Acts;
use super::ear::{Active, Ear};
use super::idle::Idleness;
use super::{ABILITIES, Context, Down, NAME, ended};
use crate::backends::wayland::Client;
use crate::idle::{PATIENCE, proxy, rule, subscribe};
use crate::report::Levels;
use crate::{WindowAct, clock};

const FOCUS: &str = include_str!("../../../../../integrations/kwin/focus.js");
const ACT: &str = include_str!("../../../../../integrations/kwin/act.js");

/// The names of the scripts in KWin. Fixed, so that what a killed daemon has left is replaced.
const FOCUS_NAME: &str = "org.dwell.focus";
const ACT_NAMES: [&str; 4] = ["org.dwell.act", "org.dwell.act.2", "org.dwell.act.3", "org.dwell.act.4"];

const SERVICE: &str = "org.kde.KWin";
/// A script asks while KWin runs it; KWin answers when it has.
const HEARD_WITHIN: Millis = Millis::from_ms(500);
/// How often a script is offered: KWin takes away the one before it a moment after it said so.
const OFFERS: u32 = 3;

/// Loads the script and follows what it tells, until KWin goes.
pub(super) async fn run(
    mut client: Client,
    mut levels: Levels,
    context: &Context,
    acts: &mut mpsc::UnboundedReceiver<WindowAct>,
) -> Result<Infallible, Down> {
    let (mut kwin, mut active) = Scripting::attach(context).await?;
    levels.attached(NAME, "a script in KWin tells what has focus", ABILITIES).await;
    client.state_idle_health(&mut levels, NAME).await;
    let mut idleness = Idleness::new(context).await;
    let mut front = String::new();
    loop {
        if active.id != front {
            context.away.seen(&active.id);
            front.clone_from(&active.id);
        }
        let app = active.window.as_ref().map(|window| context.apps.identify(window));
        levels.focus(active.at, app).await;
        idleness.state(&client, &mut levels).await;
        let counts = idleness.is_present() && active.window.is_some();
        tokio::select! {
            changed = client.changed_while(counts) => changed?,
            () = idleness.changed() => {}
            told = kwin.told.recv() => active = told.ok_or_else(ended)?,
            _ = kwin.owners.next() => return Err(ended()),
            act = acts.recv() => match act {
                // An act that KWin did not carry out is no reason to lose sight of focus.
                Some(act) => drop(kwin.act(&act).await),
                None => std::future::pending().await,
            },
        }
    }
}

/// KWin's scripting, with our script in it. Dropping this takes the script out again.
struct Scripting {
    session: Connection,
    runtime: PathBuf,
    /// Speaks when another program becomes the owner of KWin's name.
    owners: MessageStream,
    object: OwnedObjectPath,
    token: String,
    told: mpsc::UnboundedReceiver<Active>,
    acts: Arc<Acts>,
}

impl Scripting {
    /// Serves the object that is called, loads the script that calls it, and returns what it told first.
    async fn attach(context: &Context) -> Result<(Self, Active), Down> {
        let lacks = "KWin is asked over the session bus, and there is none; start dwelld in your session";
        let session = context.buses.session.clone().ok_or(Down::Lacks(lacks))?;
        let runtime = context.around.path("XDG_RUNTIME_DIR").ok_or(Down::Lacks(lacks))?;
        let bus = "org.freedesktop.DBus";
        let owners = rule(bus, "NameOwnerChanged").and_then(|rule| rule.sender(bus)?.add_arg(SERVICE));
        let owners = subscribe(&session, owners).await.ok_or_else(ended)?;
        let kwin = call(&session, bus, "/org/freedesktop/DBus", bus, "GetNameOwner", &SERVICE).await?;

        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(std::io::Error::other)?;
        let token = format!("{:032x}", u128::from_ne_bytes(random));
        // A path of its own each time: the object of the last time may still be about to go.
        let path = format!("/org/dwell/Kwin/{}", clock::now().as_ms());
        let object = OwnedObjectPath::try_from(path).map_err(|_| ended())?;
        let (heard, told) = mpsc::unbounded_channel();
        let acts = Arc::new(Acts::default());
        let context = context.clone();
        let ear = Ear { kwin, heard, acts: Arc::clone(&acts), context, token: token.clone() };
        session.object_server().at(&object, ear).await.map_err(|_| ended())?;
        let mut kwin = Self { session, runtime, owners, object, token, told, acts };
        kwin.load(FOCUS_NAME, FOCUS, &[]).await?;
        let first = clock::within(PATIENCE, kwin.told.recv()).await.flatten().ok_or_else(ended)?;
        Ok((kwin, first))
    }

    /// Does something to every window of a program.
    async fn act(&self, act: &WindowAct) -> Result<(), Down> {
        let verb = match act {
            WindowAct::Minimise(_) => "minimise",
            WindowAct::Restore(_) => "restore",
            WindowAct::Close(_) => "close",
            // It is told what windows there are, and to do nothing.
            WindowAct::FindUnits(_) => "nothing",
        };
        // KWin numbers a script by how many there are. After somebody's was unloaded, ours may get the number of another,
        // which KWin runs in its place. One that was not heard stays until another has been, so as to shift the numbers.
        let mut loaded = Vec::new();
        let mut done = Err(ended());
        for name in ACT_NAMES {
            let number = self.acts.begin(act.clone()).to_string();
            done = self.load(name, ACT, &[("ACT", verb), ("NUMBER", &number)]).await;
            loaded.push(name);
            if done.is_err() {
                break;
            }
            if clock::within(HEARD_WITHIN, self.acts.heard()).await.is_some() {
                // The script must stay until it has heard the answer.
                done = clock::within(PATIENCE, self.acts.finished()).await.ok_or(Down::Silent("KWin"));
                break;
            }
            done = Err(Down::Silent("KWin"));
        }
        for name in loaded {
            unload(&self.session, name).await?;
        }
        done
    }

    /// Puts a script in the place of one of the same name, with these `words` of its own filled in, and runs it.
    async fn load(&self, name: &str, script: &str, words: &[(&str, &str)]) -> Result<(), Down> {
        let service = self.session.unique_name().map(ToString::to_string).unwrap_or_default();
        let filled = [("SERVICE", &*service), ("OBJECT", &*self.object), ("TOKEN", &*self.token)];
        let text = filled
            .iter()
            .chain(words)
            .fold(script.to_owned(), |text, (word, value)| text.replace(&format!("@{word}@"), value));
        let file = ScriptFile::write(&self.runtime.join("dwell"), &text)?;
        let path = file.0.to_str().ok_or_else(ended)?;
        for _ in 0..OFFERS {
            unload(&self.session, name).await?;
            let number: i32 = scripting(&self.session, "loadScript", &(path, name)).await?;
            if number < 0 {
                continue;
            }
            // KWin 6, else KWin 5. It answers when it has read and run the script.
            for object in [format!("/Scripting/Script{number}"), format!("/{number}")] {
                if call::<_, ()>(&self.session, SERVICE, &object, "org.kde.kwin.Script", "run", &())
                    .await
                    .is_ok()
                {
                    return Ok(());
                }
            }
        }
        Err(ended())
    }
}

impl Drop for Scripting {
    fn drop(&mut self) {
        let (session, object) = (self.session.clone(), self.object.clone());
        tokio::spawn(async move {
            let _ = unload(&session, FOCUS_NAME).await;
            let _ = session.object_server().remove::<Ear, _>(object).await;
        });
    }
}

/// A script in a file for KWin to read, for as long as this lives. It has always the same name, so that what a killed
/// daemon has left is replaced.
struct ScriptFile(PathBuf);

impl ScriptFile {
    fn write(folder: &Path, text: &str) -> Result<Self, Down> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let path = folder.join("kwin-script.js");
        let _ = fs::remove_file(&path);
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        let written = Self(path);
        file.write_all(text.as_bytes())?;
        Ok(written)
    }
}

impl Drop for ScriptFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

async fn unload(session: &Connection, name: &str) -> Result<bool, Down> {
    scripting(session, "unloadScript", &name).await
}

async fn scripting<B, R>(session: &Connection, method: &str, body: &B) -> Result<R, Down>
where
    B: serde::Serialize + DynamicType,
    R: for<'d> zbus::zvariant::DynamicDeserialize<'d>,
{
    call(session, SERVICE, "/Scripting", "org.kde.kwin.Scripting", method, body).await
}

async fn call<B, R>(
    session: &Connection,
    service: &str,
    path: &str,
    interface: &str,
    method: &str,
    body: &B,
) -> Result<R, Down>
where
    B: serde::Serialize + DynamicType,
    R: for<'d> zbus::zvariant::DynamicDeserialize<'d>,
{
    let ask = async { proxy(session, service, path, interface).await?.call(method, body).await };
    clock::within(PATIENCE, ask).await.and_then(Result::ok).ok_or_else(ended)
}
