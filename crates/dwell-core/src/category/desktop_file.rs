//! Which category a program has, by what its desktop file says of it.
//!
//! A desktop file's `Categories` are words of the Desktop Menu specification 1.1 (appendix A: main categories, additional
//! ones, reserved ones): of a main one such as `Network` and an additional one such as `WebBrowser` the additional one
//! says more, so the rules below go from the narrow to the wide, and the first that fits holds.

use crate::subject::Category;

/// A category and what leads to it: any one of these words.
const RULES: &[(&str, &[&str])] = &[
    ("terminal", &["TerminalEmulator"]),
    ("browser", &["WebBrowser"]),
    ("mail", &["Email"]),
    ("chat", &["Chat", "InstantMessaging", "IRCClient", "Telephony", "VideoConference"]),
    ("games", &["Game"]),
    // `Settings` before `Audio`: a mixer is no music.
    ("system", &["Settings", "DesktopSettings", "HardwareSettings", "PackageManager"]),
    ("reading", &["Dictionary", "Feed", "Literature", "News"]),
    ("development", &["Development", "IDE"]),
    ("office", &["Office"]),
    ("video", &["TV", "Video"]),
    ("music", &["Audio", "Midi", "Music"]),
    ("video", &["AudioVideo"]),
    ("graphics", &["Graphics"]),
    ("science", &["Science"]),
    ("education", &["Education"]),
    ("system", &["FileManager", "Monitor", "Security", "System"]),
    ("utilities", &["Accessibility", "Utility"]),
    ("internet", &["Network"]),
];

/// The category of a program whose desktop file has these `Categories`. `None` where they say nothing of use.
pub fn of_desktop_file<S: AsRef<str>>(categories: &[S]) -> Option<Category> {
    let has = |word: &str| categories.iter().any(|own| own.as_ref() == word);
    let name = if has("Office") && has("Viewer") && !has("Email") {
        // Documents and books: Evince, Okular, Foliate.
        "reading"
    } else {
        RULES.iter().find(|(_, words)| words.iter().any(|word| has(word)))?.0
    };
    Category::new(name).ok()
}

/// Every category that a desktop file can lead to.
#[cfg(test)]
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    RULES.iter().map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::category::NAMES;

    /// The lines are those of the programs' own desktop files.
    #[test]
    fn real_desktop_files_have_categories() {
        for (program, categories, category) in [
            ("Firefox", "Network;WebBrowser;", "browser"),
            ("Thunderbird", "Network;Email;", "mail"),
            ("Evolution", "GNOME;GTK;Office;Email;Calendar;ContactManagement;X-Red-Hat-Base;", "mail"),
            ("Telegram", "Chat;Network;InstantMessaging;Qt;", "chat"),
            ("HexChat", "GTK;Network;IRCClient;", "chat"),
            ("foot", "System;TerminalEmulator;", "terminal"),
            ("Steam", "Network;FileTransfer;Game;", "games"),
            ("VS Code", "TextEditor;Development;IDE;", "development"),
            ("Emacs", "Development;TextEditor;", "development"),
            ("Vim", "Utility;TextEditor;", "utilities"),
            ("LibreOffice Writer", "Office;WordProcessor;", "office"),
            ("LibreOffice Math", "Office;Education;Science;Math;", "office"),
            ("Evince", "GNOME;GTK;Office;Viewer;Graphics;2DGraphics;VectorGraphics;", "reading"),
            ("Okular", "Qt;KDE;Graphics;Office;Viewer;", "reading"),
            ("GIMP", "Graphics;2DGraphics;RasterGraphics;GTK;", "graphics"),
            ("mpv", "AudioVideo;Audio;Video;Player;TV;", "video"),
            ("VLC", "AudioVideo;Player;Recorder;", "video"),
            ("Spotify", "Audio;Music;Player;AudioVideo;", "music"),
            ("Rhythmbox", "GNOME;GTK;AudioVideo;Audio;Player;", "music"),
            ("Nautilus", "GNOME;GTK;Utility;Core;FileManager;", "system"),
            ("GNOME Settings", "GNOME;GTK;Settings;", "system"),
            ("KAlgebra", "Qt;KDE;Education;Math;", "education"),
            ("Transmission", "Network;FileTransfer;P2P;GTK;", "internet"),
        ] {
            let words: Vec<&str> = categories.split_terminator(';').collect();
            let found = of_desktop_file(&words);
            assert_eq!(found.as_ref().map(Category::as_str), Some(category), "{program}");
        }
        assert_eq!(of_desktop_file(&["GTK", "X-XFCE", "ConsoleOnly"]), None);
        assert_eq!(of_desktop_file::<&str>(&[]), None);
        assert!(names().all(|name| NAMES.contains(&name)));
    }
}
