//! Which back end fits: what is there is looked up first, then [`choose`] decides, purely.
//!
//! The order is by capability: a Wayland compositor with an IPC socket of its own, proven to be that compositor's; then
//! one that is known by name on the session bus; then any that offers `zwlr_foreign_toplevel_management_v1`; X11 only where there is no
//! Wayland. `DISPLAY` alone proves nothing: under Wayland it is Xwayland's, which sees only some of the windows.

use std::fs;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::path::{Path, PathBuf};

use rustix::net::sockopt::socket_peercred;

use crate::Surroundings;

/// Where local X servers put their sockets.
pub(crate) const X11_SOCKETS: &str = "/tmp/.X11-unix";

/// A display to attach to, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// An X server with an EWMH window manager.
    X11(XDisplay),
    /// sway: wlr for whether something has focus, its IPC for what.
    Sway { wayland: PathBuf, ipc: PathBuf },
    /// Hyprland and the IPC socket for questions.
    Hyprland { wayland: PathBuf, ipc: PathBuf },
    /// niri and its IPC socket.
    Niri { wayland: PathBuf, ipc: PathBuf },
    /// GNOME Shell, which only an extension can see into.
    Gnome { wayland: PathBuf },
    /// KWin.
    Kwin { wayland: PathBuf },
    /// A compositor that may offer `zwlr_foreign_toplevel_management_v1`.
    Wlr { wayland: PathBuf },
    /// No display; it may come.
    Waiting(&'static str),
}

impl Choice {
    /// Whether this is a display to attach to.
    pub(crate) const fn attaches(&self) -> bool {
        !matches!(self, Self::Waiting(_))
    }
}

/// A local X server and the way into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct XDisplay {
    /// `N` of `:N.S`.
    pub(crate) number: u16,
    /// `S` of `:N.S`.
    pub(crate) screen: usize,
    /// The cookie file.
    pub(crate) authority: Option<PathBuf>,
}

/// What is there, as far as one set of surroundings leads to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// `DISPLAY` is set.
    pub(crate) display_named: bool,
    /// The X server that `DISPLAY` names is local and answers.
    pub(crate) x11: Option<XDisplay>,
    /// `XDG_SESSION_TYPE`.
    pub(crate) session_type: Option<String>,
    /// `WAYLAND_DISPLAY` is set.
    pub(crate) wayland_named: bool,
    /// The first Wayland socket that answers, the named one before others.
    pub(crate) wayland: Option<PathBuf>,
    /// The IPC socket of the sway that owns that Wayland socket.
    pub(crate) sway: Option<PathBuf>,
    /// The IPC socket of the Hyprland that owns it.
    pub(crate) hyprland: Option<PathBuf>,
    /// The IPC socket of the niri that owns it.
    pub(crate) niri: Option<PathBuf>,
    /// Somebody owns `org.gnome.Shell`.
    pub(crate) gnome: bool,
    /// Somebody owns `org.kde.KWin`.
    pub(crate) kwin: bool,
}

impl Seen {
    /// Whether the compositor is known by an IPC socket of its own.
    pub(crate) const fn has_ipc(&self) -> bool {
        self.sway.is_some() || self.hyprland.is_some() || self.niri.is_some()
    }
}

/// Chooses by capability, in the order of the module's text.
pub(crate) fn choose(seen: &Seen) -> Choice {
    let session = seen.session_type.as_deref();
    // A session that says it is X11's outweighs a Wayland socket that nobody named (a nested compositor), and a
    // name that is left over from an earlier session. Otherwise any trace of Wayland rules X11 out.
    let x11 = match session {
        Some("x11") => seen.wayland.is_none() || !seen.wayland_named,
        Some("wayland") => false,
        _ => seen.wayland.is_none() && !seen.wayland_named,
    };
    if x11 {
        return match (&seen.x11, seen.display_named) {
            (Some(display), _) => Choice::X11(display.clone()),
            (None, true) => Choice::Waiting("the X server that DISPLAY names does not answer"),
            (None, false) => Choice::Waiting("neither WAYLAND_DISPLAY nor DISPLAY is known"),
        };
    }
    let Some(wayland) = seen.wayland.clone() else {
        return Choice::Waiting("the Wayland compositor does not answer");
    };
    if let Some(ipc) = seen.sway.clone() {
        return Choice::Sway { wayland, ipc };
    }
    if let Some(ipc) = seen.hyprland.clone() {
        return Choice::Hyprland { wayland, ipc };
    }
    if let Some(ipc) = seen.niri.clone() {
        return Choice::Niri { wayland, ipc };
    }
    if seen.gnome {
        return Choice::Gnome { wayland };
    }
    if seen.kwin {
        return Choice::Kwin { wayland };
    }
    Choice::Wlr { wayland }
}

/// Looks at what is there. Everything is tried, not only tested for existence: a dead compositor leaves its socket
/// file behind. Connecting to a local socket does not wait.
pub(crate) fn look(around: &Surroundings) -> Seen {
    let x11 = around.get("DISPLAY").and_then(parse_display).and_then(|(number, screen)| {
        connect_x11(number).ok()?;
        let authority = around.path("XAUTHORITY").or_else(|| Some(around.path("HOME")?.join(".Xauthority")));
        Some(XDisplay { number, screen, authority })
    });
    let runtime = around.path("XDG_RUNTIME_DIR");
    let named = around.get("WAYLAND_DISPLAY").and_then(|name| match &runtime {
        _ if name.starts_with('/') => Some(PathBuf::from(name)),
        Some(runtime) => Some(runtime.join(name)),
        None => None,
    });
    let others = runtime.as_deref().map(wayland_sockets).unwrap_or_default();
    let wayland = named.into_iter().chain(others).find_map(|path| {
        let stream = UnixStream::connect(&path).ok()?;
        Some((path, socket_peercred(&stream).ok().map(|peer| peer.pid.as_raw_nonzero().get())))
    });
    let ipc = |find: fn(&Surroundings, i32) -> Option<PathBuf>| {
        wayland.as_ref().and_then(|(_, pid)| find(around, (*pid)?))
    };
    let (sway, hyprland, niri) = (ipc(sway_socket), ipc(hyprland_socket), ipc(niri_socket));
    Seen {
        display_named: around.get("DISPLAY").is_some(),
        x11,
        session_type: around.get("XDG_SESSION_TYPE").map(str::to_owned),
        wayland_named: around.get("WAYLAND_DISPLAY").is_some(),
        wayland: wayland.map(|(path, _)| path),
        sway,
        hyprland,
        niri,
        gnome: false,
        kwin: false,
    }
}

/// Whether the compositor with process id `pid` has an IPC socket of its own by now.
pub(crate) fn has_ipc(around: &Surroundings, pid: i32) -> bool {
    [sway_socket, hyprland_socket, niri_socket].iter().any(|find| find(around, pid).is_some())
}

/// The IPC socket of the sway with process id `pid`: `SWAYSOCK` if that process listens there, else the name that
/// sway gives it (`sway-ipc.UID.PID.sock`). After a restart of sway, `SWAYSOCK` is a stale name.
fn sway_socket(around: &Surroundings, pid: i32) -> Option<PathBuf> {
    let named = around.path("SWAYSOCK").filter(|path| listens(path, pid));
    named.or_else(|| socket_named(around, "sway-ipc.", pid))
}

/// The IPC socket of the niri with process id `pid`: `NIRI_SOCKET` if that process listens there, else the name that
/// niri gives it (`niri.WAYLAND_DISPLAY.PID.sock`).
fn niri_socket(around: &Surroundings, pid: i32) -> Option<PathBuf> {
    let named = around.path("NIRI_SOCKET").filter(|path| listens(path, pid));
    named.or_else(|| socket_named(around, "niri.", pid))
}

/// The IPC socket for questions of the Hyprland with process id `pid`, in the folder of its instance: the one that
/// `HYPRLAND_INSTANCE_SIGNATURE` names if that process listens there, else any.
fn hyprland_socket(around: &Surroundings, pid: i32) -> Option<PathBuf> {
    let instances = around.path("XDG_RUNTIME_DIR")?.join("hypr");
    let named = around.get("HYPRLAND_INSTANCE_SIGNATURE").map(str::to_owned);
    // A signature is one name: what leads elsewhere is none.
    let named = named.into_iter().filter(|name| !name.contains('/'));
    let sockets = named.chain(names(&instances)).map(|name| instances.join(name).join(".socket.sock"));
    sockets.into_iter().find(|path| listens(path, pid))
}

/// A socket in the runtime folder whose name ends with the process id that listens there.
fn socket_named(around: &Surroundings, beginning: &str, pid: i32) -> Option<PathBuf> {
    let runtime = around.path("XDG_RUNTIME_DIR")?;
    let ending = format!(".{pid}.sock");
    names(&runtime)
        .into_iter()
        .filter(|name| name.starts_with(beginning) && name.ends_with(&ending))
        .map(|name| runtime.join(name))
        .find(|path| listens(path, pid))
}

/// Whether the process `pid` listens on a socket.
fn listens(path: &Path, pid: i32) -> bool {
    UnixStream::connect(path)
        .and_then(|stream| Ok(socket_peercred(&stream)?))
        .is_ok_and(|peer| peer.pid.as_raw_nonzero().get() == pid)
}

/// Connects to the local X server `number`: its socket file, else its abstract socket. Never over the network.
///
/// # Errors
/// No such server.
pub(crate) fn connect_x11(number: u16) -> std::io::Result<UnixStream> {
    let path = format!("{X11_SOCKETS}/X{number}");
    UnixStream::connect(&path)
        .or_else(|_| UnixStream::connect_addr(&SocketAddr::from_abstract_name(path.as_bytes())?))
}

/// `:N`, `:N.S` or `unix:N`; `None` for a display on another machine, which dwell cannot reach.
fn parse_display(display: &str) -> Option<(u16, usize)> {
    let rest = display.strip_prefix("unix").unwrap_or(display).strip_prefix(':')?;
    let (number, screen) = rest.split_once('.').unwrap_or((rest, "0"));
    Some((number.parse().ok()?, screen.parse().ok()?))
}

/// Whether a new file of this name, in one of the folders that are watched, may mean that a display has come.
pub(crate) fn may_be_display(name: &str) -> bool {
    is_wayland_socket(name)
        || name == ".X11-unix"
        || name.strip_prefix('X').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

fn is_wayland_socket(name: &str) -> bool {
    name.starts_with("wayland-") && !name.ends_with(".lock")
}

fn wayland_sockets(runtime: &Path) -> Vec<PathBuf> {
    let mut found = names(runtime);
    found.retain(|name| is_wayland_socket(name));
    found.sort();
    found.into_iter().map(|name| runtime.join(name)).collect()
}

fn names(folder: &Path) -> Vec<String> {
    fs::read_dir(folder)
        .map(|dir| dir.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn x0() -> XDisplay {
        XDisplay { number: 0, screen: 0, authority: None }
    }

    fn wl() -> PathBuf {
        "/run/user/1000/wayland-1".into()
    }

    #[test]
    fn the_choice_is_by_capability() {
        let nothing = Seen::default();
        let x11 = Seen { display_named: true, x11: Some(x0()), ..Seen::default() };
        let typed = |seen: &Seen, kind: &str| Seen { session_type: Some(kind.into()), ..seen.clone() };
        let wayland = Seen { wayland_named: true, wayland: Some(wl()), ..Seen::default() };
        let both = Seen { wayland_named: true, wayland: Some(wl()), ..x11.clone() };
        let sway = Seen { sway: Some("/s".into()), ..both.clone() };
        let waits = |choice: &Choice| matches!(choice, Choice::Waiting(_));

        // X11 only where there is no Wayland at all.
        assert_eq!(choose(&x11), Choice::X11(x0()));
        assert_eq!(choose(&typed(&x11, "x11")), Choice::X11(x0()));
        assert_eq!(choose(&typed(&x11, "tty")), Choice::X11(x0()));
        assert!(waits(&choose(&typed(&x11, "wayland"))), "DISPLAY is Xwayland's");
        let stale = Seen { wayland: None, ..both.clone() };
        assert!(waits(&choose(&stale)), "WAYLAND_DISPLAY names a socket that does not answer");
        assert!(waits(&choose(&typed(&stale, "wayland"))));
        assert_eq!(choose(&typed(&stale, "x11")), Choice::X11(x0()), "left over from an earlier session");
        // An unnamed Wayland socket counts, unless the session says that it is X11's (a nested compositor).
        let unnamed = Seen { wayland_named: false, ..both.clone() };
        assert_eq!(choose(&unnamed), Choice::Wlr { wayland: wl() });
        assert_eq!(choose(&typed(&unnamed, "x11")), Choice::X11(x0()));

        assert_eq!(choose(&wayland), Choice::Wlr { wayland: wl() });
        assert_eq!(choose(&both), Choice::Wlr { wayland: wl() });
        assert_eq!(choose(&sway), Choice::Sway { wayland: wl(), ipc: "/s".into() });
        let ipc = PathBuf::from("/ipc");
        let hyprland = Seen { hyprland: Some(ipc.clone()), ..both.clone() };
        assert_eq!(choose(&hyprland), Choice::Hyprland { wayland: wl(), ipc: ipc.clone() });
        let niri = Seen { niri: Some(ipc.clone()), ..both.clone() };
        assert_eq!(choose(&niri), Choice::Niri { wayland: wl(), ipc });
        assert_eq!(choose(&Seen { gnome: true, ..both.clone() }), Choice::Gnome { wayland: wl() });
        assert_eq!(choose(&Seen { kwin: true, ..wayland }), Choice::Kwin { wayland: wl() });
        // KWin owns its name on X11 too; there it is an EWMH window manager like any other.
        assert_eq!(choose(&Seen { kwin: true, ..x11.clone() }), Choice::X11(x0()));

        assert!(waits(&choose(&nothing)));
        assert!(waits(&choose(&typed(&nothing, "wayland"))));
        assert!(waits(&choose(&Seen { x11: None, ..x11 })));
    }

    #[test]
    fn only_local_displays_are_displays() {
        for (text, display) in [
            (":0", Some((0, 0))),
            (":12.1", Some((12, 1))),
            ("unix:3", Some((3, 0))),
            ("localhost:10.0", None),
            ("host:0", None),
            ("", None),
            (":x", None),
            (":99999", None),
        ] {
            assert_eq!(parse_display(text), display, "{text}");
        }
    }

    #[test]
    fn display_sockets_are_told_by_name() {
        for (name, display) in [
            ("wayland-0", true),
            ("wayland-1", true),
            ("wayland-1.lock", false),
            ("X0", true),
            ("X12", true),
            ("X", false),
            ("Xorg", false),
            ("bus", false),
        ] {
            assert_eq!(may_be_display(name), display, "{name}");
        }
    }

    #[test]
    fn a_socket_that_does_not_answer_is_no_display() {
        let runtime = tempfile::tempdir().unwrap();
        let dir = runtime.path().to_str().unwrap();
        let around = Surroundings::new([("XDG_RUNTIME_DIR", dir), ("WAYLAND_DISPLAY", "wayland-1")]);
        // A dead compositor's socket: bound once, nobody listens any more.
        drop(std::os::unix::net::UnixListener::bind(runtime.path().join("wayland-1")).unwrap());
        assert_eq!(look(&around).wayland, None);
        // Another that answers is taken, though it is not the one that was named.
        let live = runtime.path().join("wayland-2");
        let _listener = std::os::unix::net::UnixListener::bind(&live).unwrap();
        assert_eq!(look(&around).wayland, Some(live));
        assert_eq!(look(&around).sway, None);
    }

    #[test]
    fn an_ipc_socket_is_its_process_s() {
        let runtime = tempfile::tempdir().unwrap();
        let dir = runtime.path().to_str().unwrap();
        let listen = |name: &str| {
            let path = runtime.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            (std::os::unix::net::UnixListener::bind(&path).unwrap(), path)
        };
        let own = i32::try_from(std::process::id()).unwrap();
        // Process 1 does not listen here, whatever names and variables say.
        let (_named, sway) = listen("elsewhere.sock");
        let (_hyprland, hyprland) = listen("hypr/signature/.socket.sock");
        let _others = [listen("sway-ipc.0.1.sock"), listen("niri.wayland-1.1.sock")];
        let around = Surroundings::new([
            ("XDG_RUNTIME_DIR", dir),
            ("SWAYSOCK", sway.to_str().unwrap()),
            ("NIRI_SOCKET", sway.to_str().unwrap()),
            ("HYPRLAND_INSTANCE_SIGNATURE", "signature"),
        ]);
        assert!(!has_ipc(&around, 1));
        assert_eq!(sway_socket(&around, own), Some(sway.clone()));
        assert_eq!(niri_socket(&around, own), Some(sway));
        assert_eq!(hyprland_socket(&around, own), Some(hyprland.clone()));

        let around = Surroundings::new([("XDG_RUNTIME_DIR", dir)]);
        assert_eq!(sway_socket(&around, own), None);
        assert_eq!(hyprland_socket(&around, own), Some(hyprland));
        let _by_name =
            [listen(&format!("sway-ipc.0.{own}.sock")), listen(&format!("niri.wayland-1.{own}.sock"))];
        assert!(sway_socket(&around, own).is_some() && niri_socket(&around, own).is_some());

        // A signature is one name: it leads nowhere else.
        let outside = tempfile::tempdir_in(runtime.path()).unwrap();
        let _foreign =
            listen(&format!("{}/.socket.sock", outside.path().file_name().unwrap().to_str().unwrap()));
        let elsewhere = format!("../{}", outside.path().file_name().unwrap().to_str().unwrap());
        let alone = tempfile::tempdir_in(runtime.path()).unwrap();
        let around = Surroundings::new([
            ("XDG_RUNTIME_DIR", alone.path().to_str().unwrap()),
            ("HYPRLAND_INSTANCE_SIGNATURE", &format!("../{elsewhere}")),
        ]);
        fs::create_dir(alone.path().join("hypr")).unwrap();
        assert_eq!(hyprland_socket(&around, own), None);
    }
}
