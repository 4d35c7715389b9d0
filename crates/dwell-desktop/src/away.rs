//! The windows that dwell itself put out of sight, so that it brings back those and no others.
//!
//! Kept in memory only. A settings change restarts the back end and leaves this as it is; a display that goes takes
//! its windows' numbers with it, and all of this. What a killed daemon left, only those desktops can tell on which it
//! would otherwise be out of reach: sway by a mark on the window, Hyprland by the place that it was put at.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dwell_core::subject::AppId;

/// The windows, by whatever the desktop numbers them with. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Away {
    windows: Arc<Mutex<BTreeMap<String, Put>>>,
}

/// How one was put away.
#[derive(Clone)]
pub(crate) struct Put {
    /// The program that was asked for: what runs in a terminal may be another one by now.
    app: AppId,
    /// Where it was before, where the desktop has to be told that.
    pub(crate) from: Option<String>,
}

impl Away {
    /// Notes a window that is being put away on behalf of a program.
    pub(crate) fn put(&self, id: impl ToString, app: &AppId, from: Option<String>) {
        self.all().insert(id.to_string(), Put { app: app.clone(), from });
    }

    /// What is known of a window that was put away on behalf of that program; it is forgotten with that.
    pub(crate) fn take(&self, id: impl ToString, app: &AppId) -> Option<Put> {
        let mut all = self.all();
        let id = id.to_string();
        if !all.get(&id)?.is_for(app) {
            return None;
        }
        all.remove(&id)
    }

    /// Forgets a window: it was seen in front, so the person has brought it back. What they put away later stays there.
    pub(crate) fn seen(&self, id: impl ToString) {
        self.all().remove(&id.to_string());
    }

    /// Forgets the windows that are not there any more. Their numbers may become those of others.
    pub(crate) fn keep(&self, there: impl Fn(&str) -> bool) {
        self.all().retain(|id, _| there(id));
    }

    /// Forgets everything: the display has gone.
    pub(crate) fn clear(&self) {
        self.all().clear();
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Put>> {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Put {
    fn is_for(&self, app: &AppId) -> bool {
        app.covers(&self.app)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_away_is_known_once_and_to_its_program() {
        let (away, app) = (Away::default(), |id: &str| AppId::new(id).unwrap());
        away.put(1, &app("AppA"), Some("3".into()));
        away.put(2, &app("foot/vim"), None);
        away.put(3, &app("AppA"), None);
        assert!(away.take(1, &app("AppB")).is_none());
        assert_eq!(away.take(1, &app("appa")).unwrap().from.as_deref(), Some("3"));
        assert!(away.take(1, &app("AppA")).is_none());
        assert!(away.take(2, &app("foot/less")).is_none());
        assert!(away.take(2, &app("foot")).is_some(), "a terminal is all that runs in it");
        away.seen(3);
        assert!(away.take(3, &app("AppA")).is_none());
        away.put(4, &app("AppA"), None);
        away.keep(|id| id != "4");
        assert!(away.take(4, &app("AppA")).is_none());
    }
}
