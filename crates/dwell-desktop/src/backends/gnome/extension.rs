//! What dwell's GNOME Shell extension tells and does: its D-Bus interface, `org.dwell.Shell1`, from this side.
//!
//! `integrations/gnome-shell` has the other side, with the meaning of each member.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use zbus::proxy::MethodFlags;
use zbus::zvariant::{DynamicDeserialize, DynamicType, OwnedValue, Type};
use zbus::{Connection, Proxy};

use crate::apps::Window;
use crate::idle::{PATIENCE, proxy};
use crate::{WindowAct, clock, fixes};

/// The extension's name on the session bus, and its interface.
pub(super) const NAME: &str = "org.dwell.Shell1";
/// Its object.
pub(super) const PATH: &str = "/org/dwell/Shell1";
/// By which GNOME Shell knows it.
const UUID: &str = "dwell@dwell.org";

/// What is told of one window, or that there is none.
#[derive(Debug, Deserialize, Type)]
pub(super) struct Told(HashMap<String, OwnedValue>);

impl Told {
    /// The window; `None` when no window is meant.
    pub(super) fn window(&self) -> Option<Window> {
        if self.0.is_empty() {
            return None;
        }
        // Where the shell found no desktop file it makes up a name, `window:7`.
        let entry = self.text("app").filter(|app| !app.starts_with("window:"));
        let entry = entry.map(|app| app.strip_suffix(".desktop").unwrap_or(app));
        let class = entry
            .or_else(|| self.text("wm-class"))
            .or_else(|| self.text("gtk-application-id"))
            .or_else(|| self.text("sandboxed-app-id"));
        Some(Window {
            class: class.map(str::to_owned),
            instance: self.text("wm-class-instance").map(str::to_owned),
            pid: self.0.get("pid").and_then(|pid| u32::try_from(pid).ok()).filter(|pid| *pid != 0),
        })
    }

    /// The shell's number for the window.
    pub(super) fn id(&self) -> Option<u64> {
        self.0.get("id").and_then(|id| u64::try_from(id).ok())
    }

    /// Whether it is minimised; `None` where an extension that cannot bring it back does not tell.
    pub(super) fn minimised(&self) -> Option<bool> {
        self.0.get("minimised").and_then(|minimised| bool::try_from(minimised).ok())
    }

    fn text(&self, key: &str) -> Option<&str> {
        <&str>::try_from(self.0.get(key)?).ok().filter(|text| !text.is_empty())
    }
}

/// What came of a question.
pub(super) enum Answer<T> {
    Is(T),
    /// The extension answers only who owns dwell's name.
    Refused,
    /// The shell does not answer, or has gone.
    None,
}

/// The way to the extension, whether or not it is there.
pub(super) struct Extension {
    bus: Connection,
}

impl Extension {
    pub(super) fn new(bus: &Connection) -> Self {
        Self { bus: bus.clone() }
    }

    /// What has focus.
    pub(super) async fn focus(&self) -> Answer<Told> {
        self.ask("GetFocus", &()).await
    }

    /// All windows.
    pub(super) async fn windows(&self) -> Answer<Vec<Told>> {
        self.ask("ListWindows", &()).await
    }

    /// Does something to windows.
    pub(super) async fn act(&self, act: &WindowAct, ids: &[u64]) {
        let method = match act {
            WindowAct::Minimise(_) => "Minimise",
            WindowAct::Restore(_) => "Restore",
            WindowAct::Close(_) => "Close",
            WindowAct::FindUnits(_) => return,
        };
        // That a window has closed meanwhile is no failure, and a shell that has gone is noticed elsewhere. An extension
        // that was installed with an older dwell, or that the shell has not loaded anew since, knows no "Restore".
        let _: Answer<u32> = self.ask(method, &ids).await;
    }

    /// Why it is not there, and what mends that.
    pub(super) async fn why_absent(&self) -> (&'static str, Option<&'static str>) {
        let ask = async {
            let shell =
                proxy(&self.bus, super::SHELL, "/org/gnome/Shell", "org.gnome.Shell.Extensions").await?;
            call::<_, HashMap<String, OwnedValue>>(&shell, "GetExtensionInfo", &UUID).await
        };
        let Some(Ok(known)) = clock::within(PATIENCE, ask).await else {
            return ("GNOME Shell does not answer; it is taken up again when it does", None);
        };
        // ExtensionState of GNOME Shell's js/misc/extensionUtils.js: an error, and made for another version.
        match known.get("state").and_then(|state| f64::try_from(state).ok()) {
            None => (
                "GNOME Shell tells only an extension what has focus, and dwell's is not loaded",
                Some(fixes::GNOME_INSTALL),
            ),
            Some(3.0 | 4.0) => (
                "dwell's GNOME Shell extension does not work in this version of GNOME Shell",
                Some(fixes::GNOME_INSTALL),
            ),
            Some(_) => ("dwell's GNOME Shell extension is switched off", Some(fixes::GNOME_SWITCH_ON)),
        }
    }

    async fn ask<B, R>(&self, method: &str, body: &B) -> Answer<R>
    where
        B: Serialize + DynamicType,
        R: for<'d> DynamicDeserialize<'d>,
    {
        let ask = async {
            let extension = proxy(&self.bus, NAME, PATH, NAME).await?;
            call(&extension, method, body).await
        };
        match clock::within(PATIENCE, ask).await {
            Some(Ok(answer)) => Answer::Is(answer),
            Some(Err(zbus::Error::MethodError(name, ..))) if name.ends_with(".AccessDenied") => {
                Answer::Refused
            }
            Some(Err(_)) | None => Answer::None,
        }
    }
}

/// A call that starts no service.
async fn call<B, R>(to: &Proxy<'_>, method: &str, body: &B) -> zbus::Result<R>
where
    B: Serialize + DynamicType,
    R: for<'d> DynamicDeserialize<'d>,
{
    let reply = to.call_with_flags(method, MethodFlags::NoAutoStart.into(), body).await?;
    reply.ok_or_else(|| zbus::Error::Failure("no reply".into()))
}

#[cfg(test)]
mod tests {
    use zbus::zvariant::Value;

    use super::*;

    fn told(facts: &[(&str, Value<'_>)]) -> Told {
        let owned = |value: &Value<'_>| value.try_to_owned().unwrap();
        Told(facts.iter().map(|(key, value)| ((*key).to_owned(), owned(value))).collect())
    }

    #[test]
    fn a_window_is_its_desktop_file_else_its_class() {
        assert_eq!(told(&[]).window(), None);
        let named = told(&[
            ("id", Value::U64(1 << 40)),
            ("app", "org.gnome.Terminal.desktop".into()),
            ("wm-class", "gnome-terminal-server".into()),
            ("pid", Value::U32(7)),
        ]);
        let window = named.window().unwrap();
        assert_eq!((window.class.as_deref(), window.pid), (Some("org.gnome.Terminal"), Some(7)));
        assert_eq!(named.id(), Some(1 << 40));
        for (facts, class) in [
            (vec![("app", "window:3"), ("wm-class", "AppA")], Some("AppA")),
            (vec![("app", "window:3"), ("wm-class", ""), ("gtk-application-id", "org.x.Y")], Some("org.x.Y")),
            (vec![("app", "window:3"), ("sandboxed-app-id", "org.x.Y")], Some("org.x.Y")),
            (vec![("app", "window:3")], None),
        ] {
            let facts: Vec<_> = facts.into_iter().map(|(key, text)| (key, Value::from(text))).collect();
            assert_eq!(told(&facts).window().unwrap().class.as_deref(), class);
        }
    }
}
