//! Notices as real services show them: what is said fits, the buttons are there, and pressing one does what it says.
//!
//! A screenshot of each is kept in `target/notices/`, to be looked at.

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::cell::RefCell;
use std::fs;
use std::path::PathBuf;

use dwell_tests::clock::{Deadline, wait_until};
use dwell_tests::{Bed, Kind, Lines, Process, machine};
use serde_json::Value;

/// Ends the wait before a snooze soon. Three seconds, so that the window is surely put away when a button is pressed.
const RULE: &str = r#"[[rule]]
id = "alpha"
target = "app:AppA"
budget = { amount = "3s", per = "day" }
snooze = { length = "5m", per-day = 3, wait = "1s" }
"#;

/// A notification service that people use.
struct Service {
    kind: Kind,
    program: &'static str,
    needs: &'static [&'static str],
}

const MAKO: Service = Service {
    kind: Kind::Sway,
    program: "mako",
    needs: &["mako", "makoctl", "grim", "gdbus", "dbus-monitor"],
};
const DUNST: Service = Service {
    kind: Kind::X11,
    program: "dunst",
    needs: &["dunst", "dunstctl", "import", "gdbus", "dbus-monitor"],
};

/// A limit that was reached in front of a real service.
struct Scene {
    bed: Bed,
    /// What goes over the bus between dwell and the service.
    calls: Lines,
    /// The corner where notices are shown, without one.
    empty: Vec<u8>,
    /// The same, as it was last.
    last: RefCell<Vec<u8>>,
    _service: Process,
    _daemon: dwell_tests::Daemon,
    _windows: [dwell_tests::Window; 2],
}

impl Service {
    fn scene(&self, arguments: &[&str]) -> Option<Scene> {
        if let Some(missing) = machine::lacks(self.needs) {
            machine::cannot_run(&machine::running_test(), &format!("{missing} is not installed"));
            return None;
        }
        let bed = Bed::start(self.kind)?;
        let place = bed.place();
        let config = place.home().join("service.conf");
        // What is chosen from dunst's menu of buttons is what this prints.
        let choose = place.home().join("choose");
        place.write(&choose, "#!/bin/sh\ngrep -m1 '5 more minutes'\n");
        place.own(&choose, 0o700);
        place.write(&config, format!("[global]\ndmenu = {}\n", choose.display()));
        let given: Vec<String> = arguments
            .iter()
            .map(|argument| argument.replace("CONFIG", &config.display().to_string()))
            .collect();
        let given: Vec<&str> = given.iter().map(String::as_str).collect();
        let service = place.start(self.program, &given);
        place.run("gdbus", &["wait", "--session", "--timeout", "10", "org.freedesktop.Notifications"]);
        let calls = place.lines("dbus-monitor", &["--session", "interface='org.freedesktop.Notifications'"]);
        calls
            .find(Deadline::seconds(5), |_, line| line.contains("member=NameLost").then_some(()))
            .expect("the monitor to watch");

        let windows = [bed.open("AppA", "alpha"), bed.open("AppB", "beta")];
        let empty = self.corner(&bed);
        let last = RefCell::new(empty.clone());
        let daemon = bed.daemon();
        bed.wait_for_dwell_to_see("AppB");
        let rules = place.home().join("rules.toml");
        place.write(&rules, RULE);
        let _ = bed.dwell(&["rules", "import", &rules.display().to_string(), "--yes"]).ok();
        bed.ask_for_focus(&windows[0]);
        Some(Scene { bed, calls, empty, last, _service: service, _daemon: daemon, _windows: windows })
    }

    /// What is seen where the topmost notice is shown, below the title bar of a window: uncompressed, 300 × 50 pixels.
    fn corner(&self, bed: &Bed) -> Vec<u8> {
        let picture = bed.place().temporary().join("corner.ppm");
        let path = picture.display().to_string();
        match self.program {
            "mako" => bed.place().run("grim", &["-t", "ppm", "-g", "970,30 300x50", &path]),
            _ => bed
                .place()
                .run("import", &["-window", "root", "-crop", "300x50+970+60", "-depth", "8", &path]),
        };
        fs::read(picture).expect("a screenshot")
    }
}

impl Scene {
    /// The first text of each `Notify` that goes over the bus, until one fits: its headline.
    fn wait_for(&self, fits: impl Fn(&str) -> bool) -> String {
        let mut strings = usize::MAX;
        let mut seen = Vec::new();
        let headline = self.calls.find(Deadline::seconds(20), |_, line| {
            if line.contains("member=") {
                strings = if line.contains("member=Notify") { 0 } else { usize::MAX };
                return None;
            }
            let text = line.strip_prefix("   string \"")?.strip_suffix('"')?;
            // The program, its icon, the headline.
            strings = strings.saturating_add(1);
            if strings == 3 {
                seen.push(text.to_owned());
            }
            (strings == 3 && fits(text)).then(|| text.to_owned())
        });
        headline.unwrap_or_else(|| panic!("no such notice: {seen:?}"))
    }

    /// Waits until another notice is seen than before, and keeps the picture.
    fn keep_picture(&self, service: &Service, name: &str) {
        let shows = || {
            let corner = service.corner(&self.bed);
            corner != self.empty && corner != self.last.replace(corner.clone())
        };
        assert!(wait_until(Deadline::seconds(10), shows), "nothing is seen of the notice");
        let folder =
            machine::built("dwelld").parent().and_then(|profile| Some(profile.parent()?.join("notices")));
        let folder: PathBuf = folder.expect("a build folder");
        fs::create_dir_all(&folder).expect("a folder for pictures");
        let picture = self.bed.place().temporary().join("picture.png");
        let path = picture.display().to_string();
        match service.program {
            "mako" => self.bed.place().run("grim", &[&path]),
            _ => self.bed.place().run("import", &["-window", "root", &path]),
        };
        fs::copy(picture, folder.join(format!("{name}.png"))).expect("a picture that is kept");
    }

    /// The snooze that a button began has begun: the window may be there again.
    fn assert_snoozed(&self) {
        self.wait_for(|headline| headline.contains("5 more minutes from"));
        let begun = self.wait_for(|headline| headline.ends_with("5 more minutes"));
        assert!(begun.contains("AppA") || begun.contains("alpha"), "{begun}");
        assert_eq!(self.bed.dwell(&["check", "app:AppA"]).code, 0, "it is open again");
    }
}

#[test]
fn mako_shows_a_limit_and_its_button_puts_it_off() {
    let Some(scene) = MAKO.scene(&[]) else { return };
    scene.wait_for(|headline| headline.contains("that was today’s time"));
    let place = scene.bed.place();
    let listed: Value = serde_json::from_str(&place.run("makoctl", &["list"])).expect("JSON of makoctl");
    let notice = &listed["data"][0][0];
    let labels =
        ["close", "snooze", "why"].map(|key| notice["actions"]["data"][key].as_str().unwrap_or_default());
    assert_eq!(labels, ["Close", "5 more minutes", "Why"], "{listed}");
    scene.keep_picture(&MAKO, "mako");

    place.run("makoctl", &["invoke", "why"]);
    scene.wait_for(|headline| headline.starts_with("Why "));
    scene.keep_picture(&MAKO, "mako-why");
    place.run("makoctl", &["invoke", "snooze"]);
    scene.assert_snoozed();
    scene.keep_picture(&MAKO, "mako-snoozed");
}

#[test]
fn dunst_shows_a_limit_and_its_menu_puts_it_off() {
    let Some(scene) = DUNST.scene(&["-config", "CONFIG"]) else { return };
    scene.wait_for(|headline| headline.contains("that was today’s time"));
    let place = scene.bed.place();
    scene.keep_picture(&DUNST, "dunst");

    place.run("dunstctl", &["action", "0"]);
    scene.wait_for(|headline| headline.starts_with("Why "));
    scene.keep_picture(&DUNST, "dunst-why");
    place.run("dunstctl", &["context"]);
    scene.assert_snoozed();
    scene.keep_picture(&DUNST, "dunst-snoozed");
}

/// The page of a week is announced: where it is, and nothing of what it says.
#[test]
fn dunst_shows_that_the_week_is_ready() {
    let Some(scene) = DUNST.scene(&["-config", "CONFIG"]) else { return };
    scene.wait_for(|headline| headline.contains("that was today’s time"));
    scene.keep_picture(&DUNST, "dunst-before-week");
    let place = scene.bed.place();
    let buckets = place.home().join("buckets.json");
    place.write(
        &buckets,
        r#"{"buckets": {"aw-watcher-window_x": {"type": "currentwindow", "hostname": "x", "events": [
        {"timestamp": "2024-03-06T16:00:00Z", "duration": 3600.0, "data": {"app": "gimp", "title": "x"}}]}}}"#,
    );
    let _ = scene.bed.dwell(&["import", "activitywatch", &buckets.display().to_string(), "--yes"]).ok();
    // What is urgent would stay above it.
    place.run("dunstctl", &["close-all"]);
    let week = ["report", "2024-03-04..2024-03-10", "--format", "html", "--quiet", "--save", "--notify"];
    let _ = scene.bed.dwell(&week).ok();
    scene.wait_for(|headline| headline == "Your week is ready to read");
    scene.keep_picture(&DUNST, "dunst-week");
    let listed: Value = serde_json::from_str(&place.run("dunstctl", &["history"])).expect("JSON of dunstctl");
    assert!(!listed.to_string().contains("gimp"), "{listed}");
    let log = fs::read_to_string(place.log("dunst")).unwrap_or_default();
    assert!(!log.contains("org.dwell"), "an icon that nobody has is named: {log}");
}
