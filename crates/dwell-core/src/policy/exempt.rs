//! Programs that a limit treats otherwise than others.
//!
//! Names are what is known of programs here; the desktop's side adds what it sees of processes.

use crate::subject::AppId;

/// Programs without which the person could not use, leave or unlock the session: no limit ever acts on them.
const EXEMPT: &[&str] = &[
    "gnome-shell",
    "org.gnome.Shell",
    "plasmashell",
    "org.kde.plasmashell",
    "kwin_wayland",
    "kwin_x11",
    "sway",
    "swaylock",
    "swaynag",
    "i3lock",
    "xscreensaver",
    "light-locker",
    "gdm",
    "xfce4-panel",
    "xfdesktop",
    "xfce4-session",
    "waybar",
    "mako",
    "dunst",
    "xdg-desktop-portal",
    "xdg-desktop-portal-gtk",
    "xdg-desktop-portal-gnome",
    "polkit-gnome-authentication-agent-1",
    "org.kde.polkit-kde-authentication-agent-1",
    "lxpolkit",
    "pinentry",
    "gcr-prompter",
    "onboard",
    "squeekboard",
    "org.gnome.Caribou",
    "orca",
    "wofi",
    "rofi",
    "Hyprland",
    "niri",
    "labwc",
    "wayfire",
    "river",
    "weston",
    "openbox",
    "xfwm4",
    "mutter",
    "metacity",
    "marco",
    "cinnamon",
    "muffin",
    "mate-panel",
    "lxqt-panel",
    "budgie-panel",
    "gnome-shell-portal-helper",
    "kscreenlocker_greet",
    "hyprlock",
    "gtklock",
    "waylock",
    "xfce4-screensaver",
    "mate-screensaver",
    "cinnamon-screensaver",
    "xsecurelock",
    "slock",
    "lightdm-gtk-greeter",
    "xdg-desktop-portal-kde",
    "xdg-desktop-portal-wlr",
    "xdg-desktop-portal-hyprland",
    "xdg-desktop-portal-xapp",
    "xdg-desktop-portal-lxqt",
    "polkit-agent-helper-1",
    "polkit-kde-authentication-agent-1",
    "polkit-mate-authentication-agent-1",
    "mate-polkit",
    "lxqt-policykit-agent",
    "xfce-polkit",
    "hyprpolkitagent",
    "pinentry-gtk-2",
    "pinentry-gnome3",
    "pinentry-qt",
    "ksecretd",
    "kwalletd6",
    "maliit-keyboard",
    "wvkbd-mobintl",
    "florence",
    "matchbox-keyboard",
    "ibus-ui-gtk3",
    "fcitx5",
    "fuzzel",
    "dmenu",
    "bemenu",
    "krunner",
    "i3bar",
    "swaybar",
    "polybar",
    "swaync",
    "dwell-prompt",
    "org.dwell.Prompt1",
];

/// Terminals: what runs in them is work, and so is the way to change a limit.
const TERMINALS: &[&str] = &[
    "xterm",
    "debian-xterm",
    "uxterm",
    "debian-uxterm",
    "foot",
    "footclient",
    "org.codeberg.dnkl.foot",
    "org.codeberg.dnkl.footclient",
    "kitty",
    "alacritty",
    "wezterm",
    "org.wezfurlong.wezterm",
    "gnome-terminal-server",
    "org.gnome.terminal",
    "org.gnome.console",
    "org.gnome.ptyxis",
    "konsole",
    "org.kde.konsole",
    "xfce4-terminal",
    "xfce-terminal",
    "mate-terminal",
    "terminator",
    "tilix",
    "com.gexperts.tilix",
    "com.mitchellh.ghostty",
    "rxvt",
    "urxvt",
    "rxvt-unicode",
    "lxterminal",
    "qterminal",
    "st",
    "st-256color",
    "stterm",
    "simpleterm",
    "org.gnome.terminal.preview",
    "org.gnome.console.devel",
    "org.gnome.ptyxis.devel",
    "kgx",
    "ptyxis",
    "blackbox",
    "com.raggesilver.blackbox",
    "io.elementary.terminal",
    "pantheon-terminal",
    "deepin-terminal",
    "org.contourterminal.contour",
    "contour",
    "cool-retro-term",
    "yakuake",
    "org.kde.yakuake",
    "guake",
    "tilda",
    "ddterm",
    "com.github.amezin.ddterm",
    "sakura",
    "terminology",
    "roxterm",
    "ghostty",
    "rio",
    "com.raphaelamorim.rio",
    "org.xfce.terminal",
    "xfce4-terminal-emulator",
    "org.lxde.lxterminal",
    "org.mate.terminal",
    "havoc",
    "eterm",
    "aterm",
    "mlterm",
    "evilvte",
    "termit",
    "lilyterm",
    "stjerm",
    "zutty",
    "kterm",
    "cosmic-term",
    "com.system76.cosmicterm",
    "dev.warp.warp",
    "waveterm",
    "tabby",
    "hyper",
    "extraterm",
    "wezterm-gui",
    "rxvt-unicode-256color",
    "urxvtc",
];

/// Development environments.
const EDITORS: &[&str] = &[
    "code",
    "code-oss",
    "codium",
    "vscodium",
    "emacs",
    "gvim",
    "jetbrains-idea",
    "jetbrains-pycharm",
    "jetbrains-clion",
    "jetbrains-rustrover",
    "jetbrains-webstorm",
    "jetbrains-goland",
    "org.gnome.builder",
    "org.kde.kdevelop",
    "dev.zed.zed",
];

/// Whether a limit never acts on this program.
pub fn is_exempt(app: &AppId) -> bool {
    is_one_of(app, EXEMPT)
}

/// Whether this program is a terminal, or runs in one: a limit on everything never acts on it. Of those that the list lacks
/// only what runs in them is known; a desktop file may tell the rest, see [`super::plan()`].
pub fn is_terminal(app: &AppId) -> bool {
    app.parts().1.is_some() || is_one_of(app, TERMINALS)
}

/// The ids of the programs that a limit treats otherwise than others, that begin so, without regard to ASCII case:
/// whether one of them is left alone by every limit, and whether one of them is a terminal or runs in one.
pub fn guarded(beginning: &str) -> (bool, bool) {
    if let Some((host, _)) = beginning.split_once('/') {
        return (EXEMPT.iter().any(|id| id.eq_ignore_ascii_case(host)), true);
    }
    let begins = |ids: &[&str]| {
        ids.iter()
            .any(|id| id.get(..beginning.len()).is_some_and(|start| start.eq_ignore_ascii_case(beginning)))
    };
    (begins(EXEMPT), begins(TERMINALS))
}

/// Whether this program is minimised where a rule says `close`: closing a terminal or a development environment can
/// lose hours of work without a question (xterm and foot exit at once, running builds and all: measured).
pub fn holds_work(app: &AppId) -> bool {
    is_terminal(app) || is_one_of(app, EDITORS)
}

fn is_one_of(app: &AppId, ids: &[&str]) -> bool {
    // What runs in a terminal goes with its window.
    let (host, _) = app.parts();
    ids.iter().any(|id| id.eq_ignore_ascii_case(host))
}
