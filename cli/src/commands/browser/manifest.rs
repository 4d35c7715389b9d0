//! The file by which a browser knows where dwell's host is, and which extension may start it.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use dwell_bus::extension::{CHROMIUM_ID, FIREFOX_ID, HOST_NAME, HOST_PROGRAM};
use serde::{Deserialize, Serialize};

use super::places::{Engine, is_program};

/// The text of a manifest.
pub(crate) fn text(engine: Engine, host: &Path) -> String {
    #[derive(Serialize)]
    struct Manifest<'a> {
        name: &'a str,
        description: &'a str,
        path: std::borrow::Cow<'a, str>,
        r#type: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        allowed_origins: Option<[String; 1]>,
        #[serde(skip_serializing_if = "Option::is_none")]
        allowed_extensions: Option<[&'a str; 1]>,
    }
    let manifest = Manifest {
        name: HOST_NAME,
        description: "dwell's end of its extension",
        path: host.to_string_lossy(),
        r#type: "stdio",
        allowed_origins: (engine == Engine::Chromium).then(|| [format!("chrome-extension://{CHROMIUM_ID}/")]),
        allowed_extensions: (engine == Engine::Firefox).then_some([FIREFOX_ID]),
    };
    // It has string keys only.
    serde_json::to_string_pretty(&manifest).unwrap_or_default() + "\n"
}

/// A folder's manifest.
pub(crate) fn file(folder: &Path) -> PathBuf {
    folder.join(format!("{HOST_NAME}.json"))
}

/// What stands where a manifest is to be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum There {
    Nothing,
    /// It starts this host of dwell's.
    Ours(PathBuf),
    /// Its host is gone, or it cannot be read: nobody misses it.
    Dead(Option<PathBuf>),
    /// It starts something else, which is there.
    Foreign(PathBuf),
}

impl There {
    /// Looks.
    ///
    /// # Errors
    /// It cannot be read, though it is there.
    pub(crate) fn look(file: &Path) -> io::Result<Self> {
        #[derive(Deserialize)]
        struct Written {
            path: PathBuf,
        }
        let text = match fs::read(file) {
            Ok(text) => text,
            Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(Self::Nothing),
            Err(why) => return Err(why),
        };
        let Ok(Written { path }) = serde_json::from_slice(&text) else { return Ok(Self::Dead(None)) };
        Ok(match (path.file_name().is_some_and(|name| name == HOST_PROGRAM), is_program(&path)) {
            (true, _) => Self::Ours(path),
            (false, true) => Self::Foreign(path),
            (false, false) => Self::Dead(Some(path)),
        })
    }
}

/// Writes a manifest whole or not at all; a browser that looks meanwhile sees the old one. Says whether it is another.
///
/// # Errors
/// It cannot be written.
pub(crate) fn write(file: &Path, text: &str) -> io::Result<bool> {
    if fs::read(file).is_ok_and(|old| old == text.as_bytes()) {
        return Ok(false);
    }
    let folder = file.parent().ok_or(io::ErrorKind::InvalidInput)?;
    fs::create_dir_all(folder)?;
    // Of this process alone: two that write at once must not write one file.
    let new = folder.join(format!(".{HOST_NAME}.{}", std::process::id()));
    let written = fs::File::create(&new)
        .and_then(|mut out| out.write_all(text.as_bytes()).and_then(|()| out.sync_all()))
        .and_then(|()| fs::rename(&new, file));
    if written.is_err() {
        let _ = fs::remove_file(&new);
    }
    written.map(|()| true)
}

#[cfg(test)]
mod tests {
    use super::super::places::tests::program;
    use super::*;

    #[test]
    fn texts() {
        let host = Path::new("/usr/libexec/dwell-browser-host");
        insta::assert_snapshot!(text(Engine::Chromium, host), @r#"
        {
          "name": "org.dwell.browser",
          "description": "dwell's end of its extension",
          "path": "/usr/libexec/dwell-browser-host",
          "type": "stdio",
          "allowed_origins": [
            "chrome-extension://keopfhgiklnmjbadkhiaaendmjgdepjb/"
          ]
        }
        "#);
        insta::assert_snapshot!(text(Engine::Firefox, host), @r#"
        {
          "name": "org.dwell.browser",
          "description": "dwell's end of its extension",
          "path": "/usr/libexec/dwell-browser-host",
          "type": "stdio",
          "allowed_extensions": [
            "dwell@dwell.org"
          ]
        }
        "#);
    }

    /// The packages bring these along, so that `dwell browser install` is for those without a package.
    #[test]
    fn packages_bring_the_same() {
        let host = Path::new("/usr/libexec/dwell-browser-host");
        let packaged = [
            (Engine::Chromium, include_str!("../../../../packaging/browser/chromium.json")),
            (Engine::Firefox, include_str!("../../../../packaging/browser/firefox.json")),
        ];
        for (engine, manifest) in packaged {
            assert_eq!(manifest, text(engine, host));
        }
    }

    #[test]
    fn what_stands_there_is_known() {
        let dir = tempfile::tempdir().unwrap();
        let file = file(dir.path());
        assert_eq!(There::look(&file).unwrap(), There::Nothing);
        let host = dir.path().join("dwell-browser-host");
        assert!(write(&file, &text(Engine::Firefox, &host)).unwrap());
        assert!(!write(&file, &text(Engine::Firefox, &host)).unwrap(), "written anew for nothing");
        assert_eq!(There::look(&file).unwrap(), There::Ours(host));
        let other = dir.path().join("other");
        fs::write(&file, text(Engine::Firefox, &other)).unwrap();
        assert_eq!(There::look(&file).unwrap(), There::Dead(Some(other.clone())));
        program(&other, "ELF");
        assert_eq!(There::look(&file).unwrap(), There::Foreign(other));
        fs::write(&file, "{").unwrap();
        assert_eq!(There::look(&file).unwrap(), There::Dead(None));
        let names: Vec<_> =
            fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names.len(), 2, "something was left behind: {names:?}");
    }
}
