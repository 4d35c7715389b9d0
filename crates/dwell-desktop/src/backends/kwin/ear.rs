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
use crate::away::Away;
use crate::backends::Context;
use crate::freezer::Processes;
use crate::{WindowAct, clock};

/// What became active, and when it was told.
#[derive(Debug)]
pub(super) struct Active {
    pub(super) at: Boot,
    /// Which window of KWin's; empty: none.
    pub(super) id: String,
    pub(super) window: Option<Window>,
}

/// What the scripts tell, and what they are answered.
pub(super) struct Ear {
    /// The owner of `org.kde.KWin`.
    pub(super) kwin: OwnedUniqueName,
    pub(super) token: String,
    pub(super) heard: mpsc::UnboundedSender<Active>,
    pub(super) acts: Arc<Acts>,
    pub(super) context: Context,
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
        id: &str,
        desktop_file: &str,
        class: &str,
        pid: &str,
        #[zbus(header)] header: Header<'_>,
    ) -> fdo::Result<()> {
        self.admit(&header, token)?;
        let nothing = desktop_file.is_empty() && class.is_empty() && pid.is_empty();
        let window = (!nothing).then(|| window(desktop_file, class, pid.parse().ok()));
        // Nobody listens any more when the back end is about to end.
        let _ = self.heard.send(Active { at: clock::now(), id: id.to_owned(), window });
        Ok(())
    }

    /// All windows, as a JSON list, for the act of this number; the answer names those to act on, with blanks between.
    async fn windows(
        &self,
        token: &str,
        number: &str,
        windows: &str,
        #[zbus(header)] header: Header<'_>,
    ) -> fdo::Result<String> {
        self.admit(&header, token)?;
        let Some(act) = self.acts.take(number) else { return Ok(String::new()) };
        let listed: Vec<Listed> = serde_json::from_str(windows).unwrap_or_default();
        let (meant, processes) = meant(&act, &listed, &self.context.apps, &self.context.away);
        if self.context.is_done(&act, &processes).await {
            return Ok(String::new());
        }
        Ok(meant.join(" "))
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
    minimised: bool,
    active: bool,
}

/// The ids of the windows that an act is meant for, in the order in which to do it, and the processes of all windows.
fn meant<'a>(act: &WindowAct, listed: &'a [Listed], apps: &Apps, away: &Away) -> (Vec<&'a str>, Processes) {
    away.keep(|id| listed.iter().any(|listed| listed.id == id));
    let (mut meant, mut processes) = (Vec::new(), Processes::default());
    for listed in listed {
        let window = window(&listed.desktop_file, &listed.class, u32::try_from(listed.pid).ok());
        let is_meant = match act {
            WindowAct::Restore(app) => away.take(&listed.id, app).is_some() && listed.minimised,
            _ => act.is_for(&apps.identify(&window)),
        };
        processes.note(is_meant, window.pid);
        if let (WindowAct::Minimise(app), true, false) = (act, is_meant, listed.minimised) {
            away.put(&listed.id, app, None);
        }
        if is_meant {
            meant.push(listed);
        }
    }
    // The active one last: so none of the others becomes active for a moment, as if the person had chosen it.
    meant.sort_by_key(|listed| listed.active);
    (meant.into_iter().map(|listed| &*listed.id).collect(), processes)
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
        let windows = r#"[{"id":"{1}","desktop_file":"","class":"AppA","pid":-1,"minimised":false,"active":true},
            {"id":"{2}","desktop_file":"AppB","class":"AppA","pid":0,"minimised":false,"active":false},
            {"id":"{3}","desktop_file":"appa","class":"x","pid":0,"minimised":true,"active":false}]"#;
        let (mut listed, away) = (serde_json::from_str::<Vec<Listed>>(windows).unwrap(), Away::default());
        let meant = |act: &WindowAct, listed: &[Listed]| meant(act, listed, &apps, &away).0.join(" ");
        let app = AppId::new("AppA").unwrap();
        assert_eq!(meant(&WindowAct::Close(app.clone()), &listed), "{3} {1}", "the active one last");
        assert_eq!(meant(&WindowAct::Minimise(app.clone()), &listed), "{3} {1}");
        listed[0].minimised = true;
        assert_eq!(meant(&WindowAct::Restore(app.clone()), &listed), "{1}", "the other one was away before");
        assert_eq!(meant(&WindowAct::Restore(app), &listed), "");
    }
}
