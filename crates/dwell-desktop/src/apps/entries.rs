//! Desktop files: which program's id a name belongs to, and what the program is called.
//!
//! Only what identification needs is kept (ids, `StartupWMClass`, the command's name); a display name is read from
//! its file when somebody asks. Built on first need; built anew when a folder has changed and a name is not found.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use dwell_core::category;
use dwell_core::subject::{AppId, Category};
use freedesktop_desktop_entry::{DesktopEntry, Iter};

use crate::Surroundings;

/// Programs that start others: an entry that names one of them is not it.
const STARTERS: &[&str] = &["bash", "flatpak", "gapplication", "java", "python3", "sh", "snap"];

/// One desktop file, reduced.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The desktop-file id, without `.desktop`.
    pub(crate) id: Box<str>,
    /// `StartupWMClass`.
    wm_class: Option<Box<str>>,
    /// The file name of the program in `Exec`.
    program: Option<Box<str>>,
    /// A program that runs other programs in its window: `Categories` has `TerminalEmulator`.
    pub(crate) terminal: bool,
    category: Option<Category>,
    /// `NoDisplay` or `Hidden`: a helper of another entry, often with the same class.
    hidden: bool,
    path: Box<Path>,
}

impl Entry {
    /// Whether this entry starts the program with that file name.
    pub(crate) fn starts(&self, program: &str) -> bool {
        self.program.as_deref() == Some(program)
    }
}

/// The desktop files of one set of data folders.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    folders: Vec<PathBuf>,
    locales: Vec<String>,
    entries: Vec<Entry>,
    /// The folders' change times when `entries` was read; `None`: not read yet.
    read_at: Option<Vec<Option<SystemTime>>>,
}

impl Entries {
    /// The data folders of the Base Directory specification, and where Flatpak and Snap put their exports.
    pub(crate) fn new(around: &Surroundings) -> Self {
        let home = around.path("HOME");
        let own = around.path("XDG_DATA_HOME").or_else(|| Some(home.as_ref()?.join(".local/share")));
        let shared = around.get("XDG_DATA_DIRS").unwrap_or("/usr/local/share:/usr/share");
        let mut folders: Vec<PathBuf> = own
            .iter()
            .cloned()
            .chain(home.map(|home| home.join(".local/share/flatpak/exports/share")))
            .chain(shared.split(':').filter(|dir| dir.starts_with('/')).map(PathBuf::from))
            .chain(["/var/lib/flatpak/exports/share".into(), "/var/lib/snapd/desktop".into()])
            .map(|dir| dir.join("applications"))
            .collect();
        let mut seen = std::collections::BTreeSet::new();
        folders.retain(|dir| seen.insert(dir.clone()));
        Self { folders, locales: locales(around), entries: Vec::new(), read_at: None }
    }

    /// The entry with this id, without regard to ASCII case.
    pub(crate) fn by_id(&mut self, id: &str) -> Option<&Entry> {
        self.find(|entry| entry.id.eq_ignore_ascii_case(id))
    }

    /// The entry that a window class or app id belongs to: by id, by `StartupWMClass`, else by an id whose last
    /// part it is (`nautilus`: `org.gnome.Nautilus`) or by the program that is started (`Gimp-2.10`: `gimp`), if only one
    /// entry has it.
    pub(crate) fn by_class(&mut self, class: &str) -> Option<&Entry> {
        let by_id = |e: &Entry| e.id.eq_ignore_ascii_case(class);
        let by_wm = |e: &Entry| e.wm_class.as_deref().is_some_and(|wm| wm.eq_ignore_ascii_case(class));
        if self.find(|e| by_id(e) || by_wm(e)).is_some() {
            // A hidden entry is a helper (`code-url-handler`) of the one that is meant.
            let shown = |e: &&Entry| !e.hidden;
            return (self.entries.iter().filter(shown).find(|e| by_id(e)))
                .or_else(|| self.entries.iter().filter(shown).find(|e| by_wm(e)))
                .or_else(|| {
                    let helper = self.entries.iter().find(|e| by_id(e) || by_wm(e))?;
                    let same =
                        |e: &&Entry| !e.hidden && e.wm_class.is_some() && e.wm_class == helper.wm_class;
                    self.entries.iter().find(same).or(Some(helper))
                });
        }
        let last =
            |e: &Entry| e.id.rsplit_once('.').is_some_and(|(_, last)| last.eq_ignore_ascii_case(class));
        let program = |e: &Entry| {
            // What says which class it has, has no other.
            e.wm_class.is_none()
                && e.program.as_deref().is_some_and(|program| {
                    program.eq_ignore_ascii_case(class) && !STARTERS.contains(&program)
                })
        };
        self.only(last).or_else(|| self.only(program))
    }

    /// The entry of a web application, by the id that Chromium and its kin give it; that of the same browser first.
    pub(crate) fn by_web_app(&mut self, app: &str, browser: &str) -> Option<&Entry> {
        let has = |text: &str| text.rsplit(['-', '_']).any(|part| part == app);
        let is = |e: &Entry| has(&e.id) || e.wm_class.as_deref().is_some_and(has);
        self.find(is)?;
        let same = |e: &&Entry| is(e) && e.id.starts_with(browser);
        self.entries.iter().find(same).or_else(|| self.entries.iter().find(|e| is(e)))
    }

    /// The one shown entry for which this holds, if it is one.
    fn only(&self, wanted: impl Fn(&Entry) -> bool) -> Option<&Entry> {
        let mut found = self.entries.iter().filter(|e| !e.hidden && wanted(e));
        match (found.next(), found.next()) {
            (Some(entry), None) => Some(entry),
            _ => None,
        }
    }

    /// The entry whose `StartupWMClass` is exactly this: what the instance part of WM_CLASS is good for. It is no
    /// more than that, because it stays the executable's name when somebody gives the window a class of their own
    /// (`xterm -class Notes`).
    pub(crate) fn by_instance(&mut self, instance: &str) -> Option<&Entry> {
        self.find(|entry| entry.wm_class.as_deref() == Some(instance))
    }

    /// The program's name in the person's language.
    pub(crate) fn name(&mut self, id: &str) -> Option<String> {
        let path = self.by_id(id)?.path.clone();
        let entry = DesktopEntry::from_path(path, Some(&self.locales)).ok()?;
        entry.name(&self.locales).map(|name| name.into_owned()).filter(|name| !name.trim().is_empty())
    }

    /// The program's category, by the menus' words for it.
    pub(crate) fn category(&mut self, id: &str) -> Option<Category> {
        self.by_id(id)?.category.clone()
    }

    /// Whether the program says of itself that it is a terminal.
    pub(crate) fn is_terminal(&mut self, id: &AppId) -> bool {
        self.by_id(id.as_str()).is_some_and(|entry| entry.terminal)
    }

    fn find(&mut self, wanted: impl Fn(&Entry) -> bool) -> Option<&Entry> {
        let known = self.entries.iter().any(&wanted);
        if !known {
            self.refresh();
        }
        self.entries.iter().find(|entry| wanted(entry))
    }

    fn refresh(&mut self) {
        let changed: Vec<_> =
            self.folders.iter().map(|dir| dir.metadata().and_then(|meta| meta.modified()).ok()).collect();
        if self.read_at.as_ref() == Some(&changed) {
            return;
        }
        self.read_at = Some(changed);
        self.entries.clear();
        let mut seen = std::collections::BTreeSet::new();
        for folder in &self.folders {
            for path in Iter::new(std::iter::once(folder.clone())) {
                // A broken desktop file is one program less, not a failure.
                let Some(entry) = read(folder, path) else { continue };
                // The first folder wins, as for a launcher.
                if seen.insert(entry.id.clone()) {
                    self.entries.push(entry);
                }
            }
        }
        self.entries.shrink_to_fit();
    }
}

fn read(folder: &Path, path: PathBuf) -> Option<Entry> {
    let file = DesktopEntry::from_path::<&str>(&path, Some(&[])).ok()?;
    // The id is the path below the folder with `-` for `/` (Desktop Entry specification, "Desktop File ID").
    let below =
        folder.canonicalize().ok().and_then(|folder| path.strip_prefix(folder).ok().map(Path::to_owned));
    let id = below.as_deref().unwrap_or(Path::new(path.file_name()?)).to_str()?.replace('/', "-");
    let id = id.strip_suffix(".desktop")?;
    let program = file.exec().and_then(program_of);
    let categories = file.categories().unwrap_or_default();
    Some(Entry {
        id: id.into(),
        wm_class: file.startup_wm_class().filter(|class| !class.is_empty()).map(Into::into),
        program: program.map(Into::into),
        terminal: categories.contains(&"TerminalEmulator"),
        category: category::of_desktop_file(&categories),
        hidden: file.no_display() || file.hidden(),
        path: path.into(),
    })
}

/// The file name of the program that an `Exec` line starts, past `env` and assignments.
fn program_of(exec: &str) -> Option<&str> {
    exec.split_ascii_whitespace()
        .map(|word| word.trim_matches('"'))
        .find(|word| *word != "env" && !word.ends_with("/env") && !word.contains('='))
        .map(|word| word.rsplit('/').next().unwrap_or(word))
}

/// The person's languages in falling order, as desktop files spell them (Desktop Entry specification, "Localized
/// values for keys"), without the encoding.
fn locales(around: &Surroundings) -> Vec<String> {
    let main = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(|name| around.get(name));
    let more = around.get("LANGUAGE").into_iter().flat_map(|list| list.split(':'));
    more.chain(main)
        .map(|locale| locale.split('.').next().unwrap_or(locale))
        .filter(|locale| !locale.is_empty() && *locale != "C" && *locale != "POSIX")
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn data(files: &[(&str, &str)]) -> (tempfile::TempDir, Surroundings) {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join("applications").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, format!("[Desktop Entry]\nType=Application\n{text}\n")).unwrap();
        }
        let around = Surroundings::new([
            ("XDG_DATA_DIRS", dir.path().to_str().unwrap()),
            ("HOME", "/nonexistent"),
            ("LANG", "de_DE.UTF-8"),
        ]);
        (dir, around)
    }

    #[test]
    fn a_class_finds_its_desktop_file() {
        let (dir, around) = data(&[
            ("code.desktop", "Name=Code\nExec=/usr/share/code/code %F\nStartupWMClass=Code"),
            ("code-url-handler.desktop", "Name=Code\nExec=code\nNoDisplay=true\nStartupWMClass=Code"),
            ("org.gnome.Nautilus.desktop", "Name=Files\nName[de]=Dateien\nExec=nautilus"),
            ("org.a.Same.desktop", "Name=A\nExec=a"),
            ("org.b.Same.desktop", "Name=B\nExec=b"),
            ("kde/okular.desktop", "Name=Okular\nExec=env A=b okular %U"),
            ("broken.desktop", "this is no desktop file"),
        ]);
        let mut entries = Entries::new(&around);
        for (class, id) in [
            ("okular", Some("kde-okular")),
            ("Code", Some("code")),
            ("code", Some("code")),
            ("org.gnome.Nautilus", Some("org.gnome.Nautilus")),
            ("nautilus", Some("org.gnome.Nautilus")),
            ("kde-okular", Some("kde-okular")),
            ("same", None),
            ("AppA", None),
            ("broken", None),
            ("", None),
        ] {
            assert_eq!(entries.by_class(class).map(|e| e.id.to_string()).as_deref(), id, "{class}");
        }
        assert!(entries.by_id("kde-okular").unwrap().starts("okular"));
        assert_eq!(entries.name("org.gnome.nautilus").as_deref(), Some("Dateien"));
        assert_eq!(entries.name("code").as_deref(), Some("Code"));
        assert_eq!(entries.name("nosuch"), None);
        // A program that is installed later is found.
        let late = dir.path().join("applications/late.desktop");
        fs::write(late, "[Desktop Entry]\nType=Application\nName=Late\nExec=late\n").unwrap();
        assert!(entries.by_id("late").is_some());
    }
}
