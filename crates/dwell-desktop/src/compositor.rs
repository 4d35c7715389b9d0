//! Which desktop this is, in words, for the person who asks `dwell doctor`.
//!
//! From evidence: the process at the other end of the display's socket, and what the compositor itself tells of its
//! version. `XDG_CURRENT_DESKTOP`, which anybody may have set, only counts where there is none. (X11's back end says
//! it itself: there the window manager's own window tells its name.)

use std::path::Path;

use rustix::net::sockopt::socket_peercred;
use zbus::Connection;
use zbus::proxy::MethodFlags;

use crate::backends::ipc::{End, ask};
use crate::backends::sway;
use crate::detect::Choice;
use crate::idle::{PATIENCE, proxy};
use crate::report::Reporter;
use crate::{Surroundings, clock};

/// States the part `desktop`.
pub(crate) async fn say(
    reporter: Reporter,
    backend: &'static str,
    choice: Choice,
    around: Surroundings,
    session: Option<Connection>,
) {
    let Some(wayland) = wayland(&choice) else { return };
    let (known, version) = match &choice {
        Choice::Sway { ipc, .. } => (Some("sway"), within(sway::version(ipc)).await),
        Choice::Hyprland { ipc, .. } => {
            (Some("Hyprland"), json(ipc, "j/version", End::Closed, &["tag"]).await)
        }
        Choice::Niri { ipc, .. } => {
            (Some("niri"), json(ipc, "\"Version\"\n", End::Line, &["Ok", "Version"]).await)
        }
        Choice::Gnome { .. } => (Some("GNOME Shell"), within(gnome_version(session.as_ref())).await),
        Choice::Kwin { .. } => (Some("KWin"), within(kwin_version(session.as_ref())).await),
        Choice::Wlr { .. } | Choice::X11(_) | Choice::Waiting(_) => (None, None),
    };
    let name = known.map(str::to_owned).or_else(|| process(wayland));
    let said = || Some(format!("what calls itself {}", around.get("XDG_CURRENT_DESKTOP")?));
    let name = name.or_else(said).unwrap_or_else(|| "an unknown compositor".to_owned());
    reporter.health("desktop", true, backend, &told(&name, version.as_deref())).await;
}

/// The line for a person.
fn told(name: &str, version: Option<&str>) -> String {
    // sway's may go on with the branch that it was built from.
    match version.and_then(|version| version.split_whitespace().next()) {
        Some(version) => format!("{name} {} on Wayland", version.trim_start_matches('v')),
        None => format!("{name} on Wayland"),
    }
}

fn wayland(choice: &Choice) -> Option<&Path> {
    match choice {
        Choice::X11(_) | Choice::Waiting(_) => None,
        Choice::Sway { wayland, .. }
        | Choice::Hyprland { wayland, .. }
        | Choice::Niri { wayland, .. }
        | Choice::Gnome { wayland }
        | Choice::Kwin { wayland }
        | Choice::Wlr { wayland } => Some(wayland),
    }
}

/// The name of the process that listens on a socket (proc(5), `comm`).
fn process(socket: &Path) -> Option<String> {
    let stream = std::os::unix::net::UnixStream::connect(socket).ok()?;
    name_of(socket_peercred(&stream).ok()?.pid.as_raw_nonzero().get())
}

/// What people call the compositor with this process id (proc(5), `comm`).
pub(crate) fn name_of(pid: i32) -> Option<String> {
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    let name = name.trim();
    // Some distributions wrap programs, and hide the wrapped one behind a dot.
    let name = name.strip_prefix('.').unwrap_or(name).trim_end_matches("-wrapped");
    let name = match name {
        "gnome-shell" => "GNOME Shell",
        "kwin_wayland" => "KWin",
        other => other,
    };
    let plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    plain.then(|| name.to_owned())
}

async fn within(ask: impl Future<Output = Option<String>>) -> Option<String> {
    clock::within(PATIENCE, ask).await.flatten()
}

/// Asks on a compositor's own socket, and takes one text out of its answer.
async fn json(socket: &Path, question: &str, end: End, path: &[&str]) -> Option<String> {
    let answer: serde_json::Value = serde_json::from_slice(&ask(socket, question, end).await?).ok()?;
    let found = path.iter().try_fold(&answer, |value, key| value.get(key))?;
    found.as_str().map(str::to_owned)
}

/// `ShellVersion` of org.gnome.Shell.
async fn gnome_version(session: Option<&Connection>) -> Option<String> {
    let name = "org.gnome.Shell";
    let shell = proxy(session?, name, "/org/gnome/Shell", "org.freedesktop.DBus.Properties").await.ok()?;
    let flags = MethodFlags::NoAutoStart.into();
    let version: Option<zbus::zvariant::OwnedValue> =
        shell.call_with_flags("Get", flags, &(name, "ShellVersion")).await.ok()?;
    String::try_from(version?).ok()
}

/// A line of what KWin tells for bug reports.
async fn kwin_version(session: Option<&Connection>) -> Option<String> {
    let kwin = proxy(session?, "org.kde.KWin", "/KWin", "org.kde.KWin").await.ok()?;
    let flags = MethodFlags::NoAutoStart.into();
    let text: Option<String> = kwin.call_with_flags("supportInformation", flags, &()).await.ok()?;
    text?.lines().find_map(|line| line.strip_prefix("KWin version: ")).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A compositor's socket that takes `question` and plays `answer`.
    fn played(question: &'static str, answer: &'static str, path: &[&str]) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("ipc");
        let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let compositor = std::thread::spawn(move || {
            use std::io::{Read, Write};
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = vec![0; question.len()];
            stream.read_exact(&mut asked).unwrap();
            assert_eq!(asked, question.as_bytes());
            stream.write_all(answer.as_bytes()).unwrap();
            // One that ends its answer with the line goes on listening.
            answer.ends_with('\n').then_some(stream)
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
        let end = if question.ends_with('\n') { End::Line } else { End::Closed };
        let found = runtime.block_on(json(&socket, question, end, path));
        drop(compositor.join().unwrap());
        found
    }

    #[test]
    fn compositors_tell_their_versions() {
        // As Hyprland 0.45.2 answers `hyprctl -j version`, and niri 25.01 `niri msg --json version`; shortened.
        let hyprland =
            r#"{"branch": "", "commit": "12f9a0d", "dirty": false, "tag": "v0.45.2", "commits": "5451"}"#;
        assert_eq!(played("j/version", hyprland, &["tag"]).as_deref(), Some("v0.45.2"));
        let niri = "{\"Ok\":{\"Version\":\"25.01 (Fedora)\"}}\n";
        assert_eq!(played("\"Version\"\n", niri, &["Ok", "Version"]).as_deref(), Some("25.01 (Fedora)"));
        assert_eq!(played("j/version", "unknown request", &["tag"]), None);
    }

    #[test]
    fn what_a_person_reads() {
        assert_eq!(told("sway", Some("1.7-a1b2 (Jan  1 2022, branch 'm')")), "sway 1.7-a1b2 on Wayland");
        assert_eq!(told("Hyprland", Some("v0.45.2")), "Hyprland 0.45.2 on Wayland");
        assert_eq!(told("labwc", None), "labwc on Wayland");
    }
}
