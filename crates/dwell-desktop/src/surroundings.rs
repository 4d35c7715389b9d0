//! The environment variables that matter here, passed in rather than read.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// Where a display, the buses and the desktop files may be found: the few environment variables that say so.
///
/// The crate never reads the process's own environment, because a daemon's environment is not the session's: it
/// may have been started before the compositor, or over ssh.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    variables: BTreeMap<String, String>,
    connector: Vec<String>,
}

impl Surroundings {
    /// The variables that are kept; every other is dropped.
    pub const VARIABLES: &[&str] = &[
        "DISPLAY",
        "HOME",
        "HYPRLAND_INSTANCE_SIGNATURE",
        "LANG",
        "LANGUAGE",
        "LC_ALL",
        "LC_MESSAGES",
        "NIRI_SOCKET",
        "SWAYSOCK",
        "WAYLAND_DISPLAY",
        "XAUTHORITY",
        "XDG_CURRENT_DESKTOP",
        "XDG_DATA_DIRS",
        "XDG_DATA_HOME",
        "XDG_RUNTIME_DIR",
        "XDG_SESSION_ID",
        "XDG_SESSION_TYPE",
    ];

    /// Keeps the variables that matter. Empty values count as unset.
    pub fn new<K: Into<String>, V: Into<String>>(vars: impl IntoIterator<Item = (K, V)>) -> Self {
        let variables = vars.into_iter().map(|(key, value)| (key.into(), value.into()));
        let variables = variables
            .filter(|(key, value)| !value.is_empty() && Self::VARIABLES.contains(&key.as_str()))
            .collect();
        Self { variables, connector: Vec::new() }
    }

    /// Names a command that connects to a compositor in this process's place, where the compositor would look at the
    /// program and this process lets nobody do so. The socket's path is added as its last word, and it must call
    /// [`crate::connect_for_parent`] with that.
    #[must_use]
    pub fn connecting_by(mut self, command: Vec<String>) -> Self {
        self.connector = command;
        self
    }

    /// That command; empty when there is none.
    pub(crate) fn connector(&self) -> &[String] {
        &self.connector
    }

    /// One variable's value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// One variable's value as a path.
    pub(crate) fn path(&self, name: &str) -> Option<PathBuf> {
        self.get(name).map(PathBuf::from)
    }

    /// These surroundings, with what they do not say about the person's folders and language taken from `other`. What
    /// belongs to a display is not mixed.
    pub(crate) fn or(mut self, other: &Self) -> Self {
        const OF_PERSON: &[&str] = &[
            "HOME",
            "LANG",
            "LANGUAGE",
            "LC_ALL",
            "LC_MESSAGES",
            "XDG_DATA_DIRS",
            "XDG_DATA_HOME",
            "XDG_RUNTIME_DIR",
        ];
        for name in OF_PERSON {
            if let Some(value) = other.get(name)
                && !self.variables.contains_key(*name)
            {
                self.variables.insert((*name).to_owned(), value.to_owned());
            }
        }
        if self.connector.is_empty() {
            self.connector.clone_from(&other.connector);
        }
        self
    }

    /// All that is known, for `dwelld attach` to send.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.variables.iter().map(|(k, v)| (k.as_str(), v.as_str()))
    }
}
