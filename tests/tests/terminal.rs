//! `dwell top` in a real terminal (tmux), and bars of real desktops, each with a real dwelld.

use std::os::unix::fs::PermissionsExt as _;

use dwell_tests::clock::{Deadline, wait_until};
use dwell_tests::{Bed, Kind, machine};

/// A terminal with a shell in it, of which the test reads the screen.
struct Terminal<'a> {
    bed: &'a Bed,
    socket: String,
}

impl<'a> Terminal<'a> {
    /// Eighty columns by twenty-four lines; `None`: there is no tmux here.
    fn start(bed: &'a Bed) -> Option<Self> {
        if let Some(missing) = machine::lacks(&["tmux"]) {
            machine::cannot_run(&machine::running_test(), &format!("{missing} is not installed"));
            return None;
        }
        let terminal = Self { bed, socket: bed.place().runtime().join("tmux").display().to_string() };
        terminal.tmux(&["-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24", "sh"]);
        Some(terminal)
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        let arguments: Vec<&str> = ["-u", "-S", &self.socket].iter().chain(arguments).copied().collect();
        self.bed.place().run("tmux", &arguments)
    }

    /// Types a text as it is, or the key of that name.
    fn types(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys"], keys].concat());
    }

    fn shown(&self) -> String {
        self.tmux(&["capture-pane", "-p"])
    }

    fn until(&self, what: &str, is_shown: impl Fn(&str) -> bool) {
        let seen = wait_until(Deadline::seconds(20), || is_shown(&self.shown()));
        assert!(seen, "{what} is not on the screen:\n{}", self.shown());
    }
}

impl Drop for Terminal<'_> {
    fn drop(&mut self) {
        let _ = self.bed.place().try_run("tmux", &["-S", &self.socket, "kill-server"]);
    }
}

#[test]
fn top_follows_the_day_and_leaves_the_terminal_as_it_was() {
    let Some(bed) = Bed::start(Kind::X11) else { return };
    let Some(terminal) = Terminal::start(&bed) else { return };
    let mut daemon = bed.daemon();
    let _ = bed.dwell(&["limit", "set", "app:AppA", "30m"]).ok();
    let _window = bed.open("AppA", "a title");
    bed.wait_for_dwell_to_see("AppA");
    let dwell = bed.place().built("dwell").display().to_string();
    let folder = bed.place().temporary().display().to_string();
    terminal.types(&[&format!("stty -a >{folder}/before; {dwell} top"), "Enter"]);
    terminal.until("the program in focus, and its limit", |shown| {
        shown.starts_with("AppA") && shown.contains("[1 Programs]") && shown.contains("of 30m")
    });
    // The clock runs.
    let first = terminal.shown();
    terminal.until("another second", |shown| shown != first && shown.starts_with("AppA"));
    terminal.types(&["4"]);
    terminal.until("the list of limits", |shown| shown.contains("[4 Limits]"));
    terminal.types(&["Tab"]);
    terminal.until("the list of programs", |shown| shown.contains("[1 Programs]"));
    let _other = bed.open("AppB", "another title");
    terminal.until("the next program in focus", |shown| shown.starts_with("AppB"));
    terminal.tmux(&["resize-window", "-x", "20", "-y", "10"]);
    terminal.until("the small screen", |shown| {
        shown.lines().all(|line| line.chars().count() <= 20) && shown.contains("[1 Programs]")
    });
    terminal.tmux(&["resize-window", "-x", "80", "-y", "24"]);
    terminal.until("the week", |shown| shown.contains("Seven days"));

    // A shell takes the terminal meanwhile.
    terminal.types(&["C-z"]);
    terminal.until("the shell", |shown| !shown.contains("Programs"));
    terminal.types(&["fg", "Enter"]);
    terminal.until("the same again", |shown| shown.starts_with("AppB") && shown.contains("[1 Programs]"));

    daemon.kill9();
    terminal.until("that the daemon is gone", |shown| shown.contains("dwelld is not reachable"));
    let _daemon = bed.daemon();
    terminal.until("the program in focus again", |shown| shown.starts_with("AppB"));
    terminal.types(&["q"]);
    terminal.until("the shell", |shown| !shown.contains("Programs"));
    terminal.types(&[&format!("echo ended $?; stty -a >{folder}/after; echo all"), "Enter"]);
    terminal
        .until("the end", |shown| shown.lines().any(|line| line == "ended 0") && shown.contains("\nall\n"));
    let read = |name: &str| bed.place().run("cat", &[&format!("{folder}/{name}")]);
    assert_eq!(read("before"), read("after"));
}

/// For what starts `dwell` by its name.
fn put_dwell_in_path(bed: &mut Bed) {
    // Their folder.
    let programs = bed.place().built("dwell").with_file_name("").display().to_string();
    let others = bed.place().variable("PATH").and_then(|path| path.to_str()).unwrap_or_default().to_owned();
    bed.place_mut().set("PATH", format!("{programs}:{others}"));
}

/// waybar itself reads the example, comments and all, and the line that dwell writes for it.
#[test]
fn waybar_shows_the_example() {
    let Some(mut bed) = Bed::start(Kind::Sway) else { return };
    if let Some(missing) = machine::lacks(&["waybar", "grim"]) {
        machine::cannot_run(&machine::running_test(), &format!("{missing} is not installed"));
        return;
    }
    put_dwell_in_path(&mut bed);
    let mut daemon = bed.daemon();
    let _ = bed.dwell(&["limit", "set", "app:AppA", "0m", "--at-limit", "notify"]).ok();
    let _window = bed.open("AppA", "a <b>title</b>");
    bed.wait_for_dwell_to_see("AppA");
    let place = bed.place();
    let (config, style) = (place.temporary().join("config"), place.temporary().join("style.css"));
    let module = include_str!("../../integrations/waybar/config.jsonc");
    place.write(&config, format!("{{\n\"modules-right\": [\"custom/dwell\"],\n{module}\n}}\n"));
    // Colours that nothing else on the screen has, one for each class that is looked for.
    let classes = "window#waybar { background: #203040; } #custom-dwell { background: #00f000; } \
        #custom-dwell.away { background: #f000f0; }\n";
    let example = include_str!("../../integrations/waybar/style.css");
    place.write(
        &style,
        format!("{example}{}", classes.replace("#custom-dwell.away {", "#custom-dwell.away { opacity: 1;")),
    );
    let (config, style) = (config.display().to_string(), style.display().to_string());
    let waybar = place.start("waybar", &["-c", &config, "-s", &style]);
    let picture = place.temporary().join("screen.ppm").display().to_string();
    let has = |color: [u8; 3]| {
        let taken = place.try_run("grim", &["-t", "ppm", &picture]).is_some();
        let file = std::fs::read(&picture).unwrap_or_default();
        // Its head ends with the number of shades.
        let head = file.windows(5).position(|bytes| bytes == b"\n255\n").map_or(0, |at| at + 5);
        taken && file[head..].chunks_exact(3).filter(|pixel| *pixel == color).count() > 100
    };
    let log = || std::fs::read_to_string(place.log("waybar")).unwrap_or_default();
    assert!(wait_until(Deadline::seconds(30), || has([0, 0xf0, 0])), "waybar shows nothing: {}", log());
    if let Ok(keep) = std::env::var("DWELL_PICTURES") {
        std::fs::copy(&picture, format!("{keep}/waybar.ppm")).expect("a copy of the picture");
    }
    daemon.kill9();
    assert!(
        wait_until(Deadline::seconds(30), || has([0xf0, 0, 0xf0])),
        "waybar does not say that it is away: {}",
        log()
    );
    let _daemon = bed.daemon();
    assert!(wait_until(Deadline::seconds(30), || has([0, 0xf0, 0])), "waybar does not come back: {}", log());
    assert!(!log().contains("[error]"), "{}", log());
    drop(waybar);
}

/// i3status itself, with today's time before what it writes.
#[test]
fn i3status_shows_the_example() {
    let Some(mut bed) = Bed::start(Kind::X11) else { return };
    if let Some(missing) = machine::lacks(&["bash", "i3status"]) {
        machine::cannot_run(&machine::running_test(), &format!("{missing} is not installed"));
        return;
    }
    put_dwell_in_path(&mut bed);
    let place = bed.place();
    let (script, config) =
        (place.temporary().join("dwell-i3status"), place.temporary().join("i3status.conf"));
    place.write(&script, include_str!("../../integrations/i3status/dwell-i3status"));
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).expect("a script to run");
    let example = include_str!("../../integrations/i3status/i3status.conf");
    place.write(&config, example.replace("interval = 5", "interval = 1"));
    let mut daemon = bed.daemon();
    let _ = bed.dwell(&["limit", "set", "app:AppA", "0m", "--at-limit", "notify"]).ok();

    let mut bar = place.lines(&script.display().to_string(), &["-c", &config.display().to_string()]);
    let head: Vec<_> = (0..2).filter_map(|_| bar.next(Deadline::seconds(30))).map(|(_, line)| line).collect();
    assert_eq!(head, ["{\"version\":1}", "["]);
    let until = |what: &str, is_shown: &dyn Fn(&serde_json::Value) -> bool| {
        let seen = bar.find(Deadline::seconds(30), |_, line| {
            let row = line.strip_prefix(',').unwrap_or(line);
            let blocks: Vec<serde_json::Value> =
                serde_json::from_str(row).expect("a line that i3bar can read");
            // What is i3status's own comes behind it, untouched.
            assert_eq!((blocks.len(), &blocks[1]["name"]), (2, &"tztime".into()), "{line}");
            is_shown(&blocks[0]).then_some(())
        });
        let log = std::fs::read_to_string(place.log("dwell-i3status")).unwrap_or_default();
        assert!(seen.is_some(), "the bar does not show {what}: {log}");
    };
    until("today's time", &|block| block["short_text"] == "0m");
    let _window = bed.open("AppA", "a title");
    until("a limit that is reached", &|block| {
        block["color"].is_string()
            && block["full_text"].as_str().is_some_and(|text| text.contains("app:AppA"))
    });
    daemon.kill9();
    until("that dwelld is away", &|block| block["full_text"] == "-");
    let _daemon = bed.daemon();
    until("that it is back", &|block| block["full_text"] != "-");
    let _ = bar.process().terminate(Deadline::seconds(10));

    // Whose configuration says nothing of i3bar sees why there is no time.
    place.write(
        &config,
        example.replace("output_format = \"i3bar\"", "").replace("interval = 5", "interval = 1"),
    );
    let mut bar = place.lines(&script.display().to_string(), &["-c", &config.display().to_string()]);
    let (_, line) = bar.next(Deadline::seconds(30)).expect("a line");
    assert!(
        line.ends_with(" | dwell: say output_format = \"i3bar\" in the configuration of i3status"),
        "{line}"
    );
    let _ = bar.process().terminate(Deadline::seconds(10));
}
