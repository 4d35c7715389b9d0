//! dwell's extension for GNOME Shell, without which the shell tells nobody what has focus: putting it where the shell
//! looks for the person's own extensions, in the form for the shell that runs, and switching it on.
//!
//! The program carries the extension in itself, so that it is never of another version than the program, and one
//! package serves every version of GNOME. It goes into the person's data folder: a folder for everybody could hold one
//! of the two forms only, and the wrong one after an upgrade of GNOME.
//!
//! GNOME Shell looks for new extensions when it starts, and at no other time; on Wayland that is the next log-in.

use std::fmt;
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};
use zbus::Connection;
use zbus::proxy::{CacheProperties, MethodFlags};
use zbus::zvariant::{DynamicDeserialize, DynamicType, OwnedValue};

use crate::error::{Error, Kind, reason};

/// By which GNOME Shell knows the extension.
const UUID: &str = "dwell@dwell.org";
/// The version of what is carried here: raised with every change of it.
const VERSION: u32 = 2;

const LEGACY: &str = concat!(
    include_str!("../../../integrations/gnome-shell/legacy/head.js"),
    include_str!("../../../integrations/gnome-shell/body.js"),
    include_str!("../../../integrations/gnome-shell/legacy/foot.js"),
);
const ESM: &str = concat!(
    include_str!("../../../integrations/gnome-shell/esm/head.js"),
    include_str!("../../../integrations/gnome-shell/body.js"),
    include_str!("../../../integrations/gnome-shell/esm/foot.js"),
);
const METADATA: &str = include_str!("../../../integrations/gnome-shell/metadata.json");

/// The first version with the interfaces that the extension uses.
const OLDEST: u32 = 42;
/// The first version that loads extensions as modules.
const FIRST_ESM: u32 = 45;
/// The last version that the extension is known for. It is allowed in a later one if that is what runs: what it uses
/// has been the same for years, and where it fails the shell says so.
const LAST_KNOWN: u32 = 49;

/// GNOME Shell's settings, and in them the lists of what is switched on, and off whatever is on.
const SETTINGS: &str = "org.gnome.shell";
const ON: &str = "enabled-extensions";
const OFF: &str = "disabled-extensions";

/// What was found, what was done, and what is left to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// The version of GNOME Shell that runs.
    pub(crate) shell: String,
    /// What was done, in the order of doing it. Nothing, where all was as it should be.
    pub(crate) done: Vec<String>,
    /// What only the person can do.
    pub(crate) left: Option<&'static str>,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nothing = ["nothing was to be done".to_owned()];
        let done = if self.done.is_empty() { &nothing[..] } else { &self.done };
        write!(f, "dwell's extension for GNOME Shell {}: {}", self.shell, done.join(", "))
    }
}

/// Puts the extension in place and switches it on. Done twice, it does nothing the second time.
///
/// # Errors
/// No GNOME Shell on this bus, or a file or setting that cannot be written.
pub(crate) async fn mend(bus: &Connection) -> Result<Outcome, Error> {
    const LOG_OUT: &str = "now log out and in: GNOME Shell finds a new extension only when it starts";
    let shell: Shell<'_> = Shell { bus };
    let version = shell.version().await?;
    let major = version.split('.').next().and_then(|major| major.parse().ok()).unwrap_or(0);
    if major < OLDEST {
        let message = format!("GNOME Shell {version} is older than the extension can be, which is {OLDEST}");
        return Err(Error::new(Kind::Failed, message).hint("use a newer GNOME, or its session on X11"));
    }
    let mut done = Vec::new();
    let put = put(&folder()?, major)?;
    match put {
        Put::Was => {}
        Put::Newer => done.push("a newer version is there and stays".to_owned()),
        Put::New => done.push("it was installed".to_owned()),
        Put::Replaced => done.push("it was replaced".to_owned()),
    }
    let known = shell.extension().await?;
    let left = match &known {
        None => {
            if switch_on()? {
                done.push("it was switched on".to_owned());
            }
            Some(LOG_OUT)
        }
        Some(loaded) => {
            if !loaded.runs() {
                shell.enable().await?;
            }
            let now = shell.extension().await?;
            let runs = now.as_ref().is_some_and(Loaded::runs);
            if runs && !loaded.runs() {
                done.push("it was switched on".to_owned());
            }
            match now {
                _ if matches!(put, Put::New | Put::Replaced) => Some(LOG_OUT),
                Some(now) if now.version < VERSION => Some(LOG_OUT),
                _ if runs => None,
                Some(now) if now.failed() => {
                    Some("GNOME Shell cannot run it: \"journalctl --user -b\" says why")
                }
                _ => Some(
                    "all extensions are switched off in GNOME Shell, and on again by: \
                     gsettings set org.gnome.shell disable-user-extensions false",
                ),
            }
        }
    };
    Ok(Outcome { shell: version, done, left })
}

/// What was done about the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Put {
    /// They were as they should be.
    Was,
    /// They are of a newer dwell.
    Newer,
    New,
    Replaced,
}

/// The part of an extension's `metadata.json` that matters here.
#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    version: u32,
}

/// Puts the form for this version of the shell into `folder`.
fn put(folder: &Path, major: u32) -> Result<Put, Error> {
    let (code, about) = files(major);
    let (code_file, about_file) = (folder.join("extension.js"), folder.join("metadata.json"));
    let old_about = fs::read_to_string(&about_file).ok();
    if old_about.as_ref() == Some(&about) && fs::read_to_string(&code_file).is_ok_and(|old| old == code) {
        return Ok(Put::Was);
    }
    let old: Option<Metadata> = old_about.as_ref().and_then(|text| serde_json::from_str(text).ok());
    if old.is_some_and(|old| old.version > VERSION) {
        return Ok(Put::Newer);
    }
    let write = || {
        fs::create_dir_all(folder)?;
        // The shell looks at no folder without metadata: what makes it one is written last.
        replace(&code_file, code)?;
        replace(&about_file, &about)
    };
    write().map_err(|why| {
        let message = format!("the extension cannot be written to {}: {}", folder.display(), reason(&why));
        Error::new(Kind::Failed, message).hint("make that folder yours and writable, then try again")
    })?;
    Ok(if old_about.is_some() { Put::Replaced } else { Put::New })
}

/// The program and the metadata for this version of the shell.
fn files(major: u32) -> (&'static str, String) {
    let (code, first, last) = if major < FIRST_ESM {
        (LEGACY, OLDEST, FIRST_ESM - 1)
    } else {
        (ESM, FIRST_ESM, LAST_KNOWN.max(major))
    };
    let versions: Vec<String> = (first..=last).map(|version| format!("\"{version}\"")).collect();
    let about = METADATA.replace("\"@SHELL_VERSIONS@\"", &versions.join(", "));
    (code, about.replace("\"@VERSION@\"", &VERSION.to_string()))
}

/// Writes a whole file or nothing: beside it first, then in its place.
fn replace(file: &Path, text: &str) -> std::io::Result<()> {
    let new = file.with_extension(format!("new-{}", std::process::id()));
    let write = || {
        let mut handle = fs::OpenOptions::new().write(true).create_new(true).mode(0o644).open(&new)?;
        handle.write_all(text.as_bytes())?;
        handle.sync_all()?;
        fs::rename(&new, file)
    };
    write().inspect_err(|_| {
        let _ = fs::remove_file(&new);
    })
}

/// Where the shell looks for the person's own extensions (XDG Base Directory Specification).
fn folder() -> Result<PathBuf, Error> {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let data = absolute("XDG_DATA_HOME").or_else(|| Some(absolute("HOME")?.join(".local/share")));
    let data = data.ok_or_else(|| {
        Error::new(Kind::Failed, "HOME is not set, so it is unknown where extensions belong").hint("set HOME")
    })?;
    Ok(data.join("gnome-shell/extensions").join(UUID))
}

/// Switches on what the shell does not know yet, which only its settings can take note of. Whether they changed.
fn switch_on() -> Result<bool, Error> {
    let (on, off) = (gsettings(&["get", SETTINGS, ON])?, gsettings(&["get", SETTINGS, OFF])?);
    let (wanted_on, wanted_off) = (with(&on), without(&off));
    if wanted_on != on {
        gsettings(&["set", SETTINGS, ON, &wanted_on])?;
    }
    if wanted_off != off {
        gsettings(&["set", SETTINGS, OFF, &wanted_off])?;
    }
    Ok(wanted_on != on || wanted_off != off)
}

/// A list of texts in GVariant's notation, with ours in it.
fn with(list: &str) -> String {
    let ours = format!("'{UUID}'");
    match list.strip_suffix(']') {
        _ if list.contains(&ours) => list.to_owned(),
        Some(others) if !list.ends_with("[]") => format!("{others}, {ours}]"),
        _ => format!("[{ours}]"),
    }
}

/// The same without ours.
fn without(list: &str) -> String {
    let ours = format!("'{UUID}'");
    if !list.contains(&ours) {
        return list.to_owned();
    }
    let inner = list.trim_start_matches("@as ").trim_start_matches('[').trim_end_matches(']');
    let others: Vec<&str> = inner.split(", ").filter(|text| *text != ours).collect();
    if others.is_empty() { "@as []".to_owned() } else { format!("[{}]", others.join(", ")) }
}

/// GNOME's settings are read and written by their own tool, which every GNOME has: where they are kept is its affair.
fn gsettings(arguments: &[&str]) -> Result<String, Error> {
    let failed = |why: String| {
        Error::new(Kind::Failed, format!("gsettings {}: {why}", arguments.join(" ")))
            .hint(format!("after the next log-in, run: gnome-extensions enable {UUID}"))
    };
    let output = Command::new("gsettings").args(arguments).stdin(Stdio::null()).output();
    let output = output.map_err(|why| failed(reason(&why)))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(failed(said.lines().next().unwrap_or("it did not say why").to_owned()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The shell that runs.
struct Shell<'a> {
    bus: &'a Connection,
}

/// What the shell says of an extension that it has loaded.
struct Loaded {
    state: f64,
    version: u32,
}

impl Loaded {
    /// ExtensionState of GNOME Shell's js/misc/extensionUtils.js: ENABLED, since 45 ACTIVE.
    fn runs(&self) -> bool {
        self.state == 1.0
    }

    /// ERROR and OUT_OF_DATE.
    fn failed(&self) -> bool {
        self.state == 3.0 || self.state == 4.0
    }
}

impl Shell<'_> {
    async fn version(&self) -> Result<String, Error> {
        let what = ("org.gnome.Shell", "ShellVersion");
        let value: OwnedValue = self.ask("org.freedesktop.DBus.Properties", "Get", &what).await?;
        String::try_from(value).map_err(|_| Error::new(Kind::Failed, "GNOME Shell does not tell its version"))
    }

    /// `None`: it has not loaded it.
    async fn extension(&self) -> Result<Option<Loaded>, Error> {
        let info: std::collections::HashMap<String, OwnedValue> =
            self.ask("org.gnome.Shell.Extensions", "GetExtensionInfo", &UUID).await?;
        let number = |key| info.get(key).and_then(|value| f64::try_from(value).ok());
        Ok(number("state")
            .map(|state| Loaded { state, version: number("version").map_or(0, |version| version as u32) }))
    }

    async fn enable(&self) -> Result<(), Error> {
        self.ask::<_, bool>("org.gnome.Shell.Extensions", "EnableExtension", &UUID).await.map(drop)
    }

    async fn ask<B, R>(&self, interface: &str, method: &str, body: &B) -> Result<R, Error>
    where
        B: Serialize + DynamicType,
        R: for<'d> DynamicDeserialize<'d>,
    {
        let ask = async {
            let shell: zbus::Proxy<'_> = zbus::proxy::Builder::new(self.bus)
                .destination("org.gnome.Shell")?
                .path("/org/gnome/Shell")?
                .interface(interface)?
                .cache_properties(CacheProperties::No)
                .build()
                .await?;
            shell.call_with_flags(method, MethodFlags::NoAutoStart.into(), body).await
        };
        let failed = |why: &str| {
            Error::new(Kind::Failed, format!("GNOME Shell does not answer: {why}"))
                .hint("run `dwell doctor --fix` in your GNOME session")
        };
        match ask.await {
            Ok(Some(answer)) => Ok(answer),
            Ok(None) => Err(failed("it said nothing")),
            Err(why) => Err(failed(&why.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_address_is_the_projects() {
        let about: serde_json::Value = serde_json::from_str(&files(48).1).unwrap();
        let line = format!("repository = {}", about["url"]);
        assert!(include_str!("../../../Cargo.toml").lines().any(|known| known == line), "{line}");
    }

    #[test]
    fn each_shell_gets_the_form_that_it_can_load() {
        let (code, about) = files(43);
        assert!(code.contains("imports.gi") && code.contains("function init()"), "{code}");
        assert!(about.contains(r#""shell-version": ["42", "43", "44"],"#), "{about}");
        let (code, about) = files(48);
        assert!(code.contains("import Gio from") && code.contains("as default"), "{code}");
        assert!(about.contains(r#""shell-version": ["45", "46", "47", "48", "49"],"#), "{about}");
        assert!(files(51).1.contains("\"51\"]"));
        let about: serde_json::Value = serde_json::from_str(&about).unwrap();
        assert_eq!((about["uuid"].as_str(), about["version"].as_u64()), (Some(UUID), Some(VERSION.into())));
    }

    #[test]
    fn files_are_put_once_and_a_newer_version_stays() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("extensions").join(UUID);
        assert_eq!(put(&folder, 43).unwrap(), Put::New);
        assert_eq!(put(&folder, 43).unwrap(), Put::Was);
        assert_eq!(put(&folder, 48).unwrap(), Put::Replaced, "another form after an upgrade of GNOME");
        assert_eq!(fs::read_to_string(folder.join("extension.js")).unwrap(), ESM);
        for (version, then) in [(VERSION + 1, Put::Newer), (0, Put::Replaced)] {
            fs::write(folder.join("metadata.json"), format!("{{\"version\":{version}}}")).unwrap();
            assert_eq!(put(&folder, 48).unwrap(), then);
        }
        fs::write(folder.join("metadata.json"), "not JSON").unwrap();
        assert_eq!(put(&folder, 48).unwrap(), Put::Replaced);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2, "nothing is left beside them");
    }

    #[test]
    fn lists_of_settings_keep_the_others() {
        assert_eq!(with("@as []"), format!("['{UUID}']"));
        assert_eq!(with("['a@b']"), format!("['a@b', '{UUID}']"));
        assert_eq!(with(&format!("['{UUID}', 'a@b']")), format!("['{UUID}', 'a@b']"));
        assert_eq!(without("@as []"), "@as []");
        assert_eq!(without(&format!("['{UUID}']")), "@as []");
        assert_eq!(without(&format!("['a@b', '{UUID}', 'c@d']")), "['a@b', 'c@d']");
    }
}
