//! Identification, with what real programs and desktops say. The data is in two texts beside this file, each piece with its
//! source: excerpts of desktop files, and windows.

use super::*;
use std::collections::BTreeSet;
use std::fs;

/// All desktop files of the excerpts, in one data folder: more than any one machine has.
fn entries() -> (tempfile::TempDir, Entries) {
    let dir = tempfile::tempdir().unwrap();
    let apps = dir.path().join("applications");
    fs::create_dir_all(&apps).unwrap();
    let mut file = None;
    for line in include_str!("desktop-files.txt").lines().filter(|line| !line.starts_with('#')) {
        if let Some(id) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            file = Some(apps.join(format!("{id}.desktop")));
            fs::write(file.as_ref().unwrap(), "[Desktop Entry]\nType=Application\n").unwrap();
        } else if let Some(file) = file.as_ref().filter(|_| !line.is_empty()) {
            let text = fs::read_to_string(file).unwrap();
            fs::write(file, format!("{text}{line}\n")).unwrap();
        }
    }
    let around =
        Surroundings::new([("XDG_DATA_DIRS", dir.path().to_str().unwrap()), ("HOME", "/nonexistent")]);
    let entries = Entries::new(&around);
    (dir, entries)
}

#[test]
fn real_programs_have_their_ids() {
    let (_dir, mut entries) = entries();
    let mut wrong = Vec::new();
    let (mut real, mut made_up) = (0, None);
    for line in include_str!("windows.txt").lines().filter(|line| !line.is_empty()) {
        if line.starts_with('#') {
            if line.starts_with("# Made up") {
                made_up = Some(0);
            }
            continue;
        }
        let mut cells = line.split(" | ").map(|cell| (cell != ".").then(|| cell.to_owned()));
        let mut cell = || cells.next().unwrap_or_else(|| panic!("too few cells: {line}"));
        let (class, instance, flatpak, unit, program) = (cell(), cell(), cell(), cell(), cell());
        let (id, source) = (cell().unwrap(), cell().unwrap());
        assert!(!source.is_empty(), "each row names its source: {line}");
        let window = Window { class, instance, pid: Some(42) };
        let found = identify(&window, &ProcessFacts { flatpak, unit, program }, &mut entries);
        if found.as_str() != id {
            wrong.push(format!("{} instead: {line}", found.as_str()));
        }
        *made_up.as_mut().unwrap_or(&mut real) += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(real >= 60 && made_up >= Some(1), "{real} real ones, {made_up:?} made up");
}

#[test]
fn real_desktop_files_have_names_and_categories() {
    let (dir, _) = entries();
    let around =
        Surroundings::new([("XDG_DATA_DIRS", dir.path().to_str().unwrap()), ("HOME", "/nonexistent")]);
    let apps = Apps::new(&around);
    let mut found = BTreeSet::new();
    for (id, name, category) in [
        ("firefox-esr", "Firefox ESR", Some("browser")),
        ("thunderbird", "Thunderbird", Some("mail")),
        ("org.telegram.desktop", "Telegram Desktop", Some("chat")),
        ("code", "Visual Studio Code", Some("development")),
        ("gimp", "GNU Image Manipulation Program", Some("graphics")),
        ("org.gnome.Rhythmbox3", "Rhythmbox", Some("music")),
        ("libreoffice-calc", "LibreOffice Calc", Some("office")),
        ("org.gnome.Evince", "Document Viewer", Some("reading")),
        ("org.gnome.Settings", "Settings", Some("system")),
        ("debian-xterm", "XTerm", Some("terminal")),
        ("debian-xterm/vim", "vim in XTerm", Some("terminal")),
        ("org.gnome.Calculator", "Calculator", Some("utilities")),
        ("mpv", "mpv Media Player", Some("video")),
        ("steam", "Steam", Some("games")),
        ("transmission-gtk", "Transmission", Some("internet")),
        ("chrome-pjkljhegncpnkpknbcohdijeoejaedia-Default", "Gmail", None),
    ] {
        let app = AppId::new(id).unwrap();
        assert_eq!(apps.name(&app).as_deref(), Some(name), "{id}");
        assert_eq!(apps.category(&app).as_ref().map(Category::as_str), category, "{id}");
        found.insert(category);
    }
    let game = AppId::new("steam_app_620").unwrap();
    assert_eq!(apps.category(&game).as_ref().map(Category::as_str), Some("games"));
    assert_eq!(apps.name(&game), None);
}

#[test]
fn no_class_is_a_program_within_another() {
    let (_dir, mut entries) = entries();
    for (class, id) in [("foot/vim", "foot-vim"), ("/", "-"), ("\u{1b}[31m", "[31m"), (" \n ", "unknown")] {
        let window = Window { class: Some(class.into()), ..Window::default() };
        assert_eq!(identify(&window, &ProcessFacts::default(), &mut entries).as_str(), id);
    }
}

#[test]
fn any_text_makes_an_id() {
    let long = "ä".repeat(200);
    let id = clean(&long);
    assert!(id.as_str().len() <= APP_MAX);
    assert_ne!(id, clean(&format!("{long}x")), "long ids stay apart");
    assert_eq!(clean("a\u{0}\u{7f}b\u{85}").as_str(), "ab");
    assert_eq!(clean("\u{3000}x\u{3000}").as_str(), "x");
    assert_eq!(clean("").as_str(), "unknown");
}
