//! The D-Bus object that the scripts in KWin call.
//!
//! Anybody on the session bus can call it, so a call counts only if the bus says that it is from the owner of
//! `org.kde.KWin`, and if it brings a word that was given to our scripts alone: others can load scripts, too.

use std::sync::Arc;

use dwell_core::time::Boot;
use serde::Deserialize;
use tokio::sync::mpsc;
use zbus::fdo;
use zbus::message::Header;
use zbus::names::OwnedUniqueName;

use super::acts::Acts;
use crate::apps::{Apps, Window};
use crate::{WindowAct, clock};

/// What became active, and when it was told.
#[derive(Debug)]
pub(super) struct Active {
    pub(super) at: Boot,
    pub(super) window: Option<Window>,
}

/// What the scripts tell, and what they are answered.
pub(super) struct Ear {
    /// The owner of `org.kde.KWin`.
    pub(super) kwin: OwnedUniqueName,
    pub(super) token: String,
    pub(super) heard: mpsc::UnboundedSender<Active>,
    pub(super) acts: Arc<Acts>,
    pub(super) apps: Apps,
}

impl Ear {
    /// Lets only our scripts in KWin pass.
    fn admit(&self, header: &Header<'_>, token: &str) -> fdo::Result<()> {
        if header.sender() == Some(&*self.kwin) && token == self.token {
            return Ok(());
        }
        Err(fdo::Error::AccessDenied("only KWin may tell this".to_owned()))
    }
}

// In order: the last one told is the one that has focus.
#[zbus::interface(name = "org.dwell.Kwin1", spawn = false, introspection_docs = false)]
impl Ear {
    /// Another window is active; all empty: none is.
    fn active(
        &self,
        token: &str,
        desktop_file: &str,
        class: &str,
        pid: &str,
        #[zbus(header)] header: Header<'_>,
    ) -> fdo::Result<()> {
        self.admit(&header, token)?;
        let nothing = desktop_file.is_empty() && class.is_empty() && pid.is_empty();
        let window = (!nothing).then(|| window(desktop_file, class, pid.parse().ok()));
        // Nobody listens any more when the back end is about to end.
        let _ = self.heard.send(Active { at: clock::now(), window });
        Ok(())
    }

    /// All windows, as a JSON list, for the act of this number; the answer names those to act on, with blanks between.
    fn windows(
        &self,
        token: &str,
        number: &str,
        windows: &str,
        #[zbus(header)] header: Header<'_>,
    ) -> fdo::Result<String> {
        self.admit(&header, token)?;
        let act = self.acts.take(number);
        Ok(act.map(|act| meant(&act, windows, &self.apps)).unwrap_or_default())
    }

    /// The act of this number is done.
    fn done(&self, token: &str, number: &str, #[zbus(header)] header: Header<'_>) -> fdo::Result<()> {
        self.admit(&header, token)?;
        self.acts.finish(number);
        Ok(())
    }
}

/// One window of KWin's list.
#[derive(Deserialize)]
struct Listed {
    id: String,
    desktop_file: String,
    class: String,
    /// X11 windows may have none: then it is -1 or 0.
    pid: i64,
}

/// The ids of the windows that an act is meant for.
fn meant(act: &WindowAct, windows: &str, apps: &Apps) -> String {
    let listed: Vec<Listed> = serde_json::from_str(windows).unwrap_or_default();
    let is_meant = |listed: &&Listed| {
        let pid = u32::try_from(listed.pid).ok();
        act.is_for(&apps.identify(&window(&listed.desktop_file, &listed.class, pid)))
    };
    listed.iter().filter(is_meant).map(|listed| &*listed.id).collect::<Vec<_>>().join(" ")
}

/// KWin names the desktop file where it found one; for X11 windows the class is what there is.
fn window(desktop_file: &str, class: &str, pid: Option<u32>) -> Window {
    let class = [desktop_file, class].into_iter().find(|name| !name.is_empty());
    Window { class: class.map(str::to_owned), instance: None, pid: pid.filter(|pid| *pid != 0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Surroundings;
    use dwell_core::subject::AppId;

    #[test]
    fn acts_are_meant_for_windows_of_one_program() {
        let apps = Apps::new(&Surroundings::default());
        let windows = r#"[{"id":"{1}","desktop_file":"","class":"AppA","pid":-1},
            {"id":"{2}","desktop_file":"AppB","class":"AppA","pid":0},
            {"id":"{3}","desktop_file":"appa","class":"x","pid":0}]"#;
        let act = WindowAct::Close(AppId::new("AppA").unwrap());
        assert_eq!(meant(&act, windows, &apps), "{1} {3}");
        assert_eq!(meant(&act, "no list", &apps), "");
    }
}
