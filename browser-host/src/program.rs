//! Which browser started us: by it the daemon knows the windows that the extension speaks for.

use std::path::Path;

/// What stands between a browser and its host, where a manifest names a script.
const SHELLS: &[&str] = &["sh", "bash", "dash", "busybox", "env", "zsh"];

/// A chain of shells is no longer.
const STEPS: usize = 8;

/// The file name of the program above us that is no shell (`chromium`, `firefox-esr`); `None` where it cannot be seen.
pub(crate) fn that_started_us() -> Option<String> {
    let mut pid = rustix::process::getppid()?.as_raw_nonzero().get();
    for _ in 0..STEPS {
        // 1 adopts whoever has lost their own.
        if pid <= 1 {
            return None;
        }
        let exe = std::fs::read_link(format!("/proc/{pid}/exe")).ok()?;
        let name = name(&exe)?;
        if !SHELLS.contains(&name.as_str()) {
            return Some(name);
        }
        pid = parent(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?;
    }
    None
}

/// A program that was updated while it runs is told as `firefox (deleted)`.
fn name(exe: &Path) -> Option<String> {
    let name = exe.file_name()?.to_str()?;
    let name = name.strip_suffix(" (deleted)").unwrap_or(name);
    let fits = !name.is_empty() && name.len() <= 64 && !name.chars().any(char::is_control);
    fits.then(|| name.to_owned())
}

/// The fourth field of `/proc/PID/stat`; the second is the program's name, and may hold anything.
fn parent(stat: &str) -> Option<i32> {
    stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_files() {
        let of = |path: &str| name(Path::new(path));
        assert_eq!(of("/usr/lib/chromium/chromium").as_deref(), Some("chromium"));
        assert_eq!(of("/usr/lib/firefox-esr/firefox-esr (deleted)").as_deref(), Some("firefox-esr"));
        assert_eq!(of(&format!("/opt/{}", "x".repeat(65))), None);
        assert_eq!(of("/"), None);
    }

    #[test]
    fn parents_are_found_behind_any_name() {
        assert_eq!(parent("12 (a) 3 (b)) S 34 12 12 0"), Some(34));
        assert_eq!(parent("12 (sh) S"), None);
        assert_eq!(parent(""), None);
    }
}
