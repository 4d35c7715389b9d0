//! The file by which a browser knows where dwell's host is, and which extension may start it.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
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

/// Who is to read a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readers {
    /// The person's own browsers: the umask decides.
    Own,
    /// Every browser of the machine, whatever the umask of who writes it.
    All,
}

/// Writes a manifest whole or not at all; a browser that looks meanwhile sees the old one. Says whether it is another.
///
/// # Errors
/// It cannot be written.
pub(crate) fn write(file: &Path, text: &str, readers: Readers) -> io::Result<bool> {
    let readable = readers == Readers::Own
        || fs::symlink_metadata(file).is_ok_and(|old| old.is_file() && old.mode() & 0o777 == 0o644);
    if readable && fs::read(file).is_ok_and(|old| old == text.as_bytes()) {
        return Ok(false);
    }
    let folder = file.parent().ok_or(io::ErrorKind::InvalidInput)?;
    make(folder, readers)?;
    // Of this process alone: two that write at once must not write one file.
    let new = folder.join(format!(".{HOST_NAME}.{}", std::process::id()));
    let written = create(&new)
        .and_then(|mut out| {
            if readers == Readers::All {
                out.set_permissions(fs::Permissions::from_mode(0o644))?;
            }
            out.write_all(text.as_bytes())?;
            out.sync_all()
        })
        .and_then(|()| fs::rename(&new, file));
    if written.is_err() {
        let _ = fs::remove_file(&new);
    }
    written.map(|()| true)
}

/// A new file: never one that is there, nor where a link that is there leads.
fn create(new: &Path) -> io::Result<fs::File> {
    let create = || fs::OpenOptions::new().write(true).create_new(true).open(new);
    create().or_else(|why| {
        if why.kind() != io::ErrorKind::AlreadyExists {
            return Err(why);
        }
        // Of a process with our number that was killed as it wrote.
        fs::remove_file(new)?;
        create()
    })
}

/// A folder, with those above it.
fn make(folder: &Path, readers: Readers) -> io::Result<()> {
    let missing: Vec<_> = folder.ancestors().take_while(|folder| !folder.exists()).collect();
    for folder in missing.into_iter().rev() {
        match fs::create_dir(folder) {
            Ok(()) if readers == Readers::All => {
                fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
            }
            // Somebody was quicker.
            Err(why) if why.kind() == io::ErrorKind::AlreadyExists => {}
            made => made?,
        }
    }
    Ok(())
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
        assert!(write(&file, &text(Engine::Firefox, &host), Readers::Own).unwrap());
        assert!(
            !write(&file, &text(Engine::Firefox, &host), Readers::Own).unwrap(),
            "written anew for nothing"
        );
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

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().mode() & 0o777
    }

    /// A umask is of a whole process: this test starts itself again with another.
    #[test]
    fn for_all_it_can_be_read_by_all() {
        const AGAIN: &str = "DWELL_TEST_UMASK";
        if std::env::var_os(AGAIN).is_none() {
            let this = "commands::browser::manifest::tests::for_all_it_can_be_read_by_all";
            let again = std::process::Command::new("sh")
                .args(["-c", r#"umask 077 && exec "$0" --exact "$1""#])
                .arg(std::env::current_exe().unwrap())
                .arg(this)
                .env(AGAIN, "1")
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&again.stdout);
            assert!(again.status.success() && said.contains("1 passed"), "{said}");
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let (own, all) = (dir.path().join("own/folder/m.json"), dir.path().join("all/folder/m.json"));
        assert!(write(&own, "{}", Readers::Own).unwrap());
        assert_eq!((mode(&own), mode(own.parent().unwrap())), (0o600, 0o700));
        assert!(write(&all, "{}", Readers::All).unwrap());
        assert_eq!((mode(&all), mode(all.parent().unwrap())), (0o644, 0o755));
        assert_eq!(mode(&dir.path().join("all")), 0o755);
        // One that an earlier version wrote for nobody to read.
        fs::set_permissions(&all, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(write(&all, "{}", Readers::All).unwrap());
        assert_eq!(mode(&all), 0o644);
        assert!(!write(&all, "{}", Readers::All).unwrap());
    }

    #[test]
    fn nothing_is_written_where_a_link_leads() {
        let dir = tempfile::tempdir().unwrap();
        let (file, precious) = (file(dir.path()), dir.path().join("precious"));
        fs::write(&precious, "kept").unwrap();
        let new = dir.path().join(format!(".{HOST_NAME}.{}", std::process::id()));
        std::os::unix::fs::symlink(&precious, &new).unwrap();
        assert!(write(&file, "{}", Readers::All).unwrap());
        assert_eq!(fs::read_to_string(&precious).unwrap(), "kept");
        assert!(fs::symlink_metadata(&file).unwrap().is_file());
        assert!(fs::symlink_metadata(&new).is_err());
    }
}
