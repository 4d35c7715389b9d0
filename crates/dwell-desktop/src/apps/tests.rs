//! Identification, with values that real programs and desktops use.

use super::*;
use std::fs;

fn entries() -> (tempfile::TempDir, Entries) {
    let dir = tempfile::tempdir().unwrap();
    let apps = dir.path().join("applications");
    fs::create_dir_all(&apps).unwrap();
    for (id, more) in [
        ("code", "Exec=/usr/share/code/code %F\nStartupWMClass=Code"),
        ("firefox", "Exec=firefox %u\nStartupWMClass=firefox"),
        ("firefox-esr", "Exec=/usr/lib/firefox-esr/firefox-esr %u\nStartupWMClass=Firefox-esr"),
        ("firefox_firefox", "Exec=/snap/bin/firefox\nStartupWMClass=firefox_firefox"),
        ("jetbrains-idea", "Exec=/opt/idea/bin/idea.sh\nStartupWMClass=jetbrains-idea"),
        ("org.example.Swing", "Exec=swing-tool"),
        ("org.gnome.Calculator", "Exec=gnome-calculator"),
        ("org.gnome.Terminal", "Exec=gnome-terminal\nCategories=GNOME;TerminalEmulator;"),
        ("org.kde.konsole", "Exec=konsole\nCategories=Qt;KDE;System;TerminalEmulator;"),
        ("org.kde.dolphin", "Exec=dolphin %u\nStartupWMClass=dolphin"),
        ("debian-xterm", "Exec=xterm\nStartupWMClass=XTerm\nCategories=System;TerminalEmulator;"),
        ("libreoffice-writer", "Exec=libreoffice --writer\nStartupWMClass=libreoffice-writer"),
        ("slack", "Exec=/usr/bin/slack %U\nStartupWMClass=Slack"),
        (
            "chrome-aghbiahbpaijignceidepookljebhfak-Default",
            "Exec=google-chrome --app-id=x\nStartupWMClass=crx_aghbiahbpaijignceidepookljebhfak",
        ),
    ] {
        let text = format!("[Desktop Entry]\nType=Application\nName={id}\n{more}\n");
        fs::write(apps.join(format!("{id}.desktop")), text).unwrap();
    }
    let around =
        Surroundings::new([("XDG_DATA_DIRS", dir.path().to_str().unwrap()), ("HOME", "/nonexistent")]);
    let entries = Entries::new(&around);
    (dir, entries)
}

/// class, instance, flatpak, unit, program → id. The window's process is always 42.
type Row = (&'static str, &'static str, &'static str, &'static str, &'static str, &'static str);

const ROWS: &[Row] = &[
    // Desktop files: by id, by class, by instance.
    ("org.gnome.Calculator", "", "", "", "gnome-calculator", "org.gnome.Calculator"),
    (
        "gnome-calculator",
        "",
        "",
        "app-gnome-org.gnome.Calculator-42.scope",
        "gnome-calculator",
        "org.gnome.Calculator",
    ),
    ("Code", "code", "", "session-2.scope", "code", "code"),
    ("Firefox-esr", "Navigator", "", "user@1000.service", "firefox-esr", "firefox-esr"),
    ("XTerm", "xterm", "", "session-2.scope", "xterm", "debian-xterm"),
    ("dolphin", "dolphin", "", "app-org.kde.dolphin@8f5a1c.service", "dolphin", "org.kde.dolphin"),
    ("Soffice", "libreoffice-writer", "", "", "soffice.bin", "libreoffice-writer"),
    // An explicit class without a desktop file is the id, whatever scope the program was started in.
    ("AppA", "xterm", "", "", "xterm", "AppA"),
    ("AppA", "AppA", "", "session-2.scope", "foot", "AppA"),
    ("AppA", "AppA", "", "app-gnome-org.gnome.Terminal-7.scope", "foot", "AppA"),
    ("AppA", "AppA", "", "app-org.kde.konsole-0123456789abcdef.scope", "foot", "AppA"),
    ("AppA", "AppA", "", "vte-spawn-6f1d9e0a-1b2c-4d3e-8f90-a1b2c3d4e5f6.scope", "foot", "AppA"),
    ("AppA", "AppA", "", "harness.service", "foot", "AppA"),
    // A program with a desktop file, started in a terminal, is not the terminal.
    ("firefox", "Navigator", "", "app-org.kde.konsole-0123456789abcdef.scope", "firefox", "firefox"),
    ("", "", "", "app-gnome-org.gnome.Terminal-7.scope", "xev", "xev"),
    // Flatpak and Snap.
    (
        "firefox",
        "Navigator",
        "org.mozilla.firefox",
        "app-flatpak-org.mozilla.firefox-9.scope",
        "firefox",
        "org.mozilla.firefox",
    ),
    (
        "firefox",
        "Navigator",
        "",
        "snap.firefox.firefox-6f1d9e0a-1b2c-4d3e-8f90-a1b2c3d4e5f6.scope",
        "firefox",
        "firefox_firefox",
    ),
    (
        "firefox_firefox",
        "",
        "",
        "snap.firefox.firefox-6f1d9e0a-1b2c-4d3e-8f90-a1b2c3d4e5f6.scope",
        "firefox",
        "firefox_firefox",
    ),
    (
        "",
        "",
        "",
        "snap.spotify.spotify.6f1d9e0a-1b2c-4d3e-8f90-a1b2c3d4e5f6.scope",
        "spotify",
        "spotify_spotify",
    ),
    (
        "XTerm",
        "xterm",
        "",
        "snap.code.code-6f1d9e0a-1b2c-4d3e-8f90-a1b2c3d4e5f6.scope",
        "xterm",
        "debian-xterm",
    ),
    // Steam, Wine and Proton, also inside a sandbox.
    ("steam_app_620", "steam_app_620", "", "app-steam-3.scope", "hl2_linux", "steam_app_620"),
    ("steam_app_620", "steam_app_620", "com.valvesoftware.Steam", "", "wine64-preloader", "steam_app_620"),
    ("notepad.exe", "notepad.exe", "", "", "wine64-preloader", "notepad.exe"),
    ("Photoshop.exe", "photoshop.exe", "com.usebottles.bottles", "", "wine64-preloader", "Photoshop.exe"),
    // Electron.
    ("Slack", "slack", "", "app-gnome-slack-42.scope", "slack", "slack"),
    ("electron", "electron", "", "app-gnome-slack-42.scope", "electron", "slack"),
    ("Electron", "electron", "", "", "someapp", "someapp"),
    // Java.
    ("jetbrains-idea", "sun-awt-X11-XFramePeer", "", "", "java", "jetbrains-idea"),
    (
        "sun-awt-X11-XFramePeer",
        "sun-awt-X11-XFramePeer",
        "",
        "app-gnome-org.example.Swing-7.scope",
        "java",
        "org.example.Swing",
    ),
    (
        "sun-awt-X11-XFramePeer",
        "sun-awt-X11-XFramePeer",
        "",
        "app-gnome-org.gnome.Terminal-7.scope",
        "java",
        "java",
    ),
    ("sun-awt-X11-XFramePeer", "sun-awt-X11-XFramePeer", "", "", "", "sun-awt-X11-XFramePeer"),
    // Chromium's web apps.
    (
        "chrome-aghbiahbpaijignceidepookljebhfak-Default",
        "",
        "",
        "app-gnome-google\\x2dchrome-42.scope",
        "chrome",
        "chrome-aghbiahbpaijignceidepookljebhfak-Default",
    ),
    (
        "Google-chrome",
        "crx_aghbiahbpaijignceidepookljebhfak",
        "",
        "",
        "chrome",
        "chrome-aghbiahbpaijignceidepookljebhfak-Default",
    ),
    (
        "crx_aghbiahbpaijignceidepookljebhfak",
        "crx_aghbiahbpaijignceidepookljebhfak",
        "org.chromium.Chromium",
        "",
        "chrome",
        "chrome-aghbiahbpaijignceidepookljebhfak-Default",
    ),
    ("chrome-example.org__-Default", "", "", "", "chrome", "chrome-example.org__-Default"),
    ("chrome-remote-desktop", "", "", "", "chrome", "chrome-remote-desktop"),
    // GNOME's fall-back for a window without a desktop file; and nothing at all.
    ("window:1", "", "", "", "oldtool", "oldtool"),
    ("", "", "", "", "oldtool", "oldtool"),
    ("", "", "", "", "", "unknown"),
    ("\u{1b}[31m", "", "", "", "", "[31m"),
    (" \n ", "", "", "", "", "unknown"),
];

#[test]
fn real_programs_have_their_ids() {
    let (_dir, mut entries) = entries();
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    for (class, instance, flatpak, unit, program, id) in ROWS {
        let window = Window { class: some(class), instance: some(instance), pid: Some(42) };
        let process = ProcessFacts { flatpak: some(flatpak), unit: some(unit), program: some(program) };
        assert_eq!(
            identify(&window, &process, &mut entries).as_str(),
            *id,
            "{class} {instance} {unit} {program}"
        );
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
