//! The names that desktops and Snap give to the systemd units of programs.
//!
//! Source: systemd's "Desktop Environments" document: `app[-LAUNCHER]-ID-RANDOM.scope` and
//! `app[-LAUNCHER]-ID[@RANDOM].service`, with `-` inside a part written `\x2d`; and snapd's
//! `snap.NAME.APP-UUID.scope` (older: `snap.NAME.APP.UUID.scope`).

/// A unit that was made for a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// A desktop's launcher made it. `pid` is the first process, where the name carries it.
    App { id: String, pid: Option<u32> },
    /// snapd made it. `id` is the desktop-file id, `NAME_APP`.
    Snap { id: String },
}

/// `None` for every other unit: sessions, services of the system, terminals' `vte-spawn-…`.
pub(super) fn parse(unit: &str) -> Option<Unit> {
    if let Some(rest) = unit.strip_prefix("snap.") {
        return snap(rest);
    }
    if let Some(name) = unit.strip_suffix(".scope") {
        let mut parts = name.strip_prefix("app-")?.rsplitn(3, '-');
        let random = parts.next()?;
        let id = unescape(parts.next()?);
        // GNOME appends the process id, KDE and uwsm a random text.
        return usable(id).map(|id| Unit::App { id, pid: random.parse().ok() });
    }
    let name = unit.strip_suffix(".service")?;
    // `app-ID@RANDOM`, `app-ID@autostart`, and for what the bus activates `dbus-:1.2-ID@0`.
    let name = name.split_once('@').map_or(name, |(name, _)| name);
    let rest = name.strip_prefix("app-").or_else(|| name.strip_prefix("dbus-"))?;
    let id = unescape(rest.rsplit('-').next()?);
    usable(id).map(|id| Unit::App { id, pid: None })
}

fn snap(rest: &str) -> Option<Unit> {
    let rest = rest.strip_suffix(".scope").or_else(|| rest.strip_suffix(".service"))?;
    let (name, rest) = rest.split_once('.')?;
    // An app's name may have `-` in it, a UUID has five groups: cut the UUID off from the end.
    let uuid = rest.len().checked_sub(36).filter(|at| *at > 0 && is_uuid(rest.get(*at..).unwrap_or("")));
    let app = match uuid {
        Some(at) => rest.get(..at - 1)?,
        None => rest,
    };
    (!name.is_empty() && !app.is_empty()).then(|| Unit::Snap { id: format!("{name}_{app}") })
}

/// Whether a class or desktop-file id is that of the Snap application `id`: all of it, or both of its halves
/// (`firefox_firefox` is `firefox`).
pub(super) fn names_snap(id: &str, name: &str) -> bool {
    id.eq_ignore_ascii_case(name)
        || id
            .split_once('_')
            .is_some_and(|(snap, app)| snap.eq_ignore_ascii_case(name) && app.eq_ignore_ascii_case(name))
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn usable(id: String) -> Option<String> {
    (!id.is_empty() && !id.contains('/')).then_some(id)
}

/// Undoes systemd-escape(1): `\xHH` is a byte. What is no such sequence stays.
fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let byte = match rest {
            [b'\\', b'x', high, low, ..] => hex(*high).zip(hex(*low)).map(|(high, low)| high << 4 | low),
            _ => None,
        };
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { rest.get(4..).unwrap_or(&[]) } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_of_real_desktops() {
        let app = |id: &str, pid| Some(Unit::App { id: id.into(), pid });
        let snap = |id: &str| Some(Unit::Snap { id: id.into() });
        for (unit, parsed) in [
            ("app-gnome-org.gnome.Terminal-1234.scope", app("org.gnome.Terminal", Some(1234))),
            (r"app-gnome-google\x2dchrome-77.scope", app("google-chrome", Some(77))),
            ("app-flatpak-org.mozilla.firefox-901.scope", app("org.mozilla.firefox", Some(901))),
            ("app-org.kde.konsole-0123456789abcdef0123456789abcdef.scope", app("org.kde.konsole", None)),
            ("app-org.kde.dolphin@8f5a1c.service", app("org.kde.dolphin", None)),
            (r"app-org.kde.discover.notifier@autostart.service", app("org.kde.discover.notifier", None)),
            (r"app-gnome\x2dsession\x2dbinary-55.scope", app("gnome-session-binary", Some(55))),
            ("app-Hyprland-foot-3fa1.scope", app("foot", None)),
            ("dbus-:1.2-org.gnome.TextEditor@0.service", app("org.gnome.TextEditor", None)),
            ("snap.firefox.firefox-6f1d9e0a-1b2c-4d3e-8f90-a1b2c3d4e5f6.scope", snap("firefox_firefox")),
            ("snap.code.url-handler.6f1d9e0a-1b2c-4d3e-8f90-a1b2c3d4e5f6.scope", snap("code_url-handler")),
            ("snap.lxd.daemon.service", snap("lxd_daemon")),
            ("session-2.scope", None),
            ("user@1000.service", None),
            ("init.scope", None),
            ("ssh.service", None),
            ("vte-spawn-6f1d9e0a-1b2c-4d3e-8f90-a1b2c3d4e5f6.scope", None),
            (r"app-\x2fusr\x2fbin\x2ffoo-12.scope", None),
            ("app-.scope", None),
            ("app--1.scope", None),
            ("", None),
        ] {
            assert_eq!(parse(unit), parsed, "{unit}");
        }
        assert_eq!(unescape(r"a\x2db\xzz\x"), r"a-b\xzz\x");
    }
}
