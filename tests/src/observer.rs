//! Watches focus with the desktop's own tools (`xprop`, `swaymsg`) and not a line of dwell's code: what dwell
//! measured is compared with this.

use std::collections::{BTreeMap, HashMap};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use crate::bell::Bell;
use crate::clock::{Deadline, Stamp};
use crate::gnome::Gnome;
use crate::place::Place;
use crate::process::Process;
use crate::sway;

/// A "no focus" shorter than this between two windows is the desktop changing its mind, not the person's.
const TRANSIENT_MS: i64 = 50;

/// One change of focus, stamped when the tool's line about it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// When the line was read.
    pub at: Stamp,
    /// The app in focus; none when nothing is.
    pub app: Option<String>,
}

/// A running observer and what it has seen.
#[derive(Debug)]
pub struct Observer {
    seen: Arc<Mutex<Vec<Sighting>>>,
    new: Bell,
    _tool: Process,
}

impl Observer {
    pub(crate) fn of_x11(place: &Place) -> Self {
        let place = place.clone();
        let mut classes: HashMap<String, String> = HashMap::new();
        let tool = place.command_with_log("xprop", &["-spy", "-root", "_NET_ACTIVE_WINDOW"]);
        let read = move |line: &str| {
            let window = line.split_once('#')?.1.split(',').next()?.trim().to_owned();
            if window == "0x0" {
                return Some(None);
            }
            if let Some(known) = classes.get(&window) {
                return Some(Some(known.clone()));
            }
            let class = x11_class(&place, &window)?;
            classes.insert(window, class.clone());
            Some(Some(class))
        };
        Self::start(tool, read)
    }

    pub(crate) fn of_sway(place: &Place) -> Self {
        let subscribe = ["-t", "subscribe", "-m", r#"["window","workspace"]"#];
        let tool = place.command_with_log("swaymsg", &subscribe);
        let mut focused = None;
        let read = move |line: &str| {
            let event: Value = serde_json::from_str(line).ok()?;
            let container = &event["container"];
            match event["change"].as_str()? {
                "focus" if container.is_object() => focused = container["id"].as_i64(),
                // sway says nothing when the last window of a workspace goes: what went was in focus.
                "close" | "move" if container["id"].as_i64() == focused => return Some(None),
                _ => return None,
            }
            Some(Some(container["app_id"].as_str().unwrap_or_default().to_owned()))
        };
        let observer = Self::start(tool, read);
        // The subscription speaks of changes only, so what is in focus now is asked for.
        let tree: Value =
            serde_json::from_str(&place.run("swaymsg", &["-r", "-t", "get_tree"])).expect("a tree");
        let window = sway::find(&tree, &|node| node["focused"] == true && node["app_id"].is_string());
        let app = window.map(|node| node["app_id"].as_str().unwrap_or_default().to_owned());
        observer
            .seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(0, Sighting { at: Stamp::now(), app });
        observer
    }

    pub(crate) fn of_gnome(place: &Place) -> Self {
        let observer = Self::start(Gnome::focus_monitor(place), Gnome::read_focus);
        // The monitor tells of changes only, so what is in focus now is asked for.
        let sighting = Sighting { at: Stamp::now(), app: Gnome::focused(place) };
        observer.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(0, sighting);
        observer
    }

    fn start(
        mut tool: Command,
        mut read: impl FnMut(&str) -> Option<Option<String>> + Send + 'static,
    ) -> Self {
        let mut process = Process::start("the observer", tool.stdout(Stdio::piped()));
        let output = std::io::BufReader::new(process.take_stdout());
        let seen = Arc::new(Mutex::new(Vec::<Sighting>::new()));
        let new = Bell::default();
        let (log, bell) = (Arc::clone(&seen), new.clone());
        std::thread::spawn(move || {
            for line in std::io::BufRead::lines(output) {
                let at = Stamp::now();
                let Ok(line) = line else { return };
                let Some(app) = read(&line) else { continue };
                log.lock().unwrap_or_else(PoisonError::into_inner).push(Sighting { at, app });
                bell.ring();
            }
        });
        Observer { seen, new, _tool: process }
    }

    /// Everything seen so far.
    #[must_use]
    pub fn seen(&self) -> Vec<Sighting> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The app that had focus last.
    #[must_use]
    pub fn current(&self) -> Option<String> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).last()?.app.clone()
    }

    /// Waits until this app has focus.
    pub fn wait_for(&self, app: &str, deadline: Deadline) -> bool {
        self.new.wait_until(deadline, || self.current().as_deref() == Some(app))
    }

    /// Waits until this app gets focus after an instant, also if it loses it again at once.
    pub fn wait_for_again(&self, app: &str, after: Stamp, deadline: Deadline) -> bool {
        let again = |sighting: &Sighting| sighting.at > after && sighting.app.as_deref() == Some(app);
        self.new.wait_until(deadline, || self.seen().iter().any(again))
    }

    /// Milliseconds of focus per app between two instants.
    #[must_use]
    pub fn milliseconds_by_app(&self, from: Stamp, to: Stamp) -> BTreeMap<String, i64> {
        shares(&without_transients(self.seen()), from.boot_ms, to.boot_ms)
    }

    /// The instant of the boot clock at which an app had been in focus for so long since `from`; none if it has not.
    #[must_use]
    pub fn when_used_up(&self, app: &str, from: Stamp, milliseconds: i64) -> Option<i64> {
        let now = Stamp::now();
        let seen = without_transients(self.seen());
        let mut left = milliseconds;
        for (start, end, current) in stretches(&seen, from.boot_ms, now.boot_ms) {
            if current == app {
                if end - start >= left {
                    return Some(start + left);
                }
                left -= end - start;
            }
        }
        None
    }
}

/// The class of a window; none when it is gone before it could be asked.
fn x11_class(place: &Place, window: &str) -> Option<String> {
    // WM_CLASS(STRING) = "xterm", "AppA"
    let line =
        place.command_with_log("xprop", &["-id", window, "WM_CLASS"]).stdout(Stdio::piped()).output().ok()?;
    let line = String::from_utf8(line.stdout).ok()?;
    line.rsplit('"').nth(1).map(str::to_owned)
}

/// Drops each "nothing" that lasted less than [`TRANSIENT_MS`]; its time goes to the app before it.
fn without_transients(seen: Vec<Sighting>) -> Vec<Sighting> {
    let mut kept: Vec<Sighting> = Vec::with_capacity(seen.len());
    for (index, sighting) in seen.iter().enumerate() {
        let next = seen.get(index + 1);
        if sighting.app.is_none() && next.is_some_and(|next| next.at.since(sighting.at) < TRANSIENT_MS) {
            continue;
        }
        kept.push(sighting.clone());
    }
    kept
}

/// The stretches of focus between two instants of the boot clock: start, end, app.
fn stretches(seen: &[Sighting], from: i64, to: i64) -> impl Iterator<Item = (i64, i64, &str)> {
    seen.iter().enumerate().filter_map(move |(index, sighting)| {
        let start = sighting.at.boot_ms.max(from);
        let end = seen.get(index + 1).map_or(to, |next| next.at.boot_ms).min(to);
        Some((start, end, sighting.app.as_deref()?)).filter(|_| end > start)
    })
}

fn shares(seen: &[Sighting], from: i64, to: i64) -> BTreeMap<String, i64> {
    let mut shares = BTreeMap::new();
    for (start, end, app) in stretches(seen, from, to) {
        *shares.entry(app.to_owned()).or_insert(0) += end - start;
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sighting(boot_ms: i64, app: Option<&str>) -> Sighting {
        Sighting { at: Stamp { boot_ms, wall_ms: boot_ms }, app: app.map(str::to_owned) }
    }

    #[test]
    fn a_short_nothing_between_two_windows_belongs_to_the_first() {
        let seen = without_transients(vec![
            sighting(0, Some("A")),
            sighting(1000, None),
            sighting(1010, Some("B")),
            sighting(2000, None),
            sighting(2500, Some("A")),
        ]);
        assert_eq!(
            shares(&seen, 500, 3000),
            BTreeMap::from([("A".to_owned(), 510 + 500), ("B".to_owned(), 990)])
        );
    }
}
