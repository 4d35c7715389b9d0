//! No bus, no daemon: what can still be done, and what is said.

use crate::place::Place;

/// Every command that asks the daemon.
const ASKING: &[&[&str]] = &[
    &[],
    &["status"],
    &["status", "--format", "waybar"],
    &["report"],
    &["spans"],
    &["limit"],
    &["limit", "set", "app:firefox", "30m"],
    &["limit", "show", "x"],
    &["limit", "remove", "x"],
    &["why", "app:firefox"],
    &["check", "app:firefox"],
    &["limit", "pending"],
    &["limit", "confirm", "p1"],
    &["limit", "cancel", "p1"],
    &["limit", "try", "app:firefox", "30m"],
    &["snooze", "app:firefox"],
    &["downtime"],
    &["downtime", "22:00-07:00"],
    &["focus", "50m"],
    &["open", "app:firefox", "--for", "15m"],
    &["pause", "1d"],
    &["resume"],
    &["exit"],
    &["reset-week"],
    &["rules", "export"],
    &["rules", "import", "-"],
    &["rules", "edit"],
    &["sql", "SELECT 1"],
    &["export"],
    &["export", "--format", "activitywatch"],
    &["watch"],
    &["key"],
    &["key", "add", "keyfile"],
    &["key", "add", "passphrase"],
    &["key", "remove", "0"],
    &["key", "recovery"],
    &["key", "rotate", "--yes"],
    &["vault"],
    &["vault", "unlock"],
    &["vault", "lock"],
    &["vault", "verify"],
    &["vault", "backup", "a.dwell"],
    &["vault", "accept", "--yes"],
    &["forget", "--app", "x"],
    &["forget", "--before", "today"],
    &["privacy"],
];

#[test]
fn without_a_bus_each_command_says_so_in_one_line() {
    let place = Place::without_bus();
    for command in ASKING {
        let end = place.run(command);
        assert_eq!((end.code, end.out.as_str()), (Some(5), ""), "{command:?}");
        assert!(end.complaint().starts_with("dwell: there is no session bus"), "{command:?}: {end:?}");
    }
    insta::assert_snapshot!(place.run(&[]).err.replace(place.path("").to_str().unwrap(), "/DIR/"), @"dwell: there is no session bus to reach the daemon on (unix:path=/DIR/run/bus: No such file or directory); run it inside your desktop session");
}

#[test]
fn without_a_daemon_each_command_says_how_to_start_it() {
    let place = Place::with_empty_bus();
    for command in ASKING {
        let end = place.run(command);
        assert_eq!((end.code, end.out.as_str()), (Some(5), ""), "{command:?}");
        assert!(end.complaint().starts_with("dwell: the daemon is not running"), "{command:?}: {end:?}");
    }
    insta::assert_snapshot!(place.run(&["status"]).err, @"dwell: the daemon is not running; start it with `systemctl --user start dwelld`, or without systemd with `dwelld`");
    insta::assert_snapshot!(place.run(&["check", "x", "--json"]).err, @r#"{"schema":"dwell.error/1","kind":"unreachable","message":"the daemon is not running","hint":"start it with `systemctl --user start dwelld`, or without systemd with `dwelld`"}"#);
}

#[test]
fn a_text_of_rules_can_be_read_without_a_daemon() {
    let rules = "[[rule]]\nid = \"a\"\ntarget = \"all\"\nbudget = { amount = \"8h\", per = \"day\" }\n";
    let [without, empty] = [Place::without_bus(), Place::with_empty_bus()].map(|place| {
        let file = place.path("mine.toml");
        let name = file.to_str().unwrap().to_owned();
        let check = |text: &str, more: &[&str]| {
            std::fs::write(&file, text).unwrap();
            let end = place.run(&[&["rules", "check", &name], more].concat());
            (end.code, end.out, end.err.replace(&name, "FILE"))
        };
        [check(rules, &[]), check(rules, &["--json"]), check(&rules.replace("target", "tagret"), &[])]
    });
    assert_eq!(without, empty);
    let [text, json, wrong] = without;
    assert_eq!((text.0, text.2.as_str(), wrong.0), (Some(0), "", Some(2)));
    insta::assert_snapshot!(text.1, @"
    Nothing is wrong with it; what it would change, only a running daemon can tell
      (1 rule)
    ");
    insta::assert_snapshot!(json.1, @r#"{"schema":"dwell.change/1","is":"unknown","applied":false,"pending":null,"lines":[],"warnings":[],"rules":1}"#);
    insta::assert_snapshot!(wrong.2, @r#"dwell: FILE: line 3, column 1: unknown key "tagret"; did you mean target?"#);
}

#[test]
fn only_those_that_may_wake_the_daemon_do() {
    // The program that the bus would start cannot be started, which says that it was tried.
    let place = Place::with_bus(&[("org.dwell.Dwell1", "/nonexistent/dwelld")]);
    for quiet in [&["status"][..], &["check", "x"], &["watch"], &[]] {
        assert!(place.run(quiet).err.contains("is not running"), "{quiet:?} woke the daemon");
    }
    assert!(place.run(&["doctor"]).out.contains("is not running"));
    for waking in [&["report"][..], &["spans"], &["limit"], &["why", "x"], &["limit", "set", "x", "1m"]] {
        let end = place.run(waking);
        assert_eq!(end.code, Some(5));
        assert!(end.complaint().contains("could not be started"), "{waking:?}: {end:?}");
    }
}

#[test]
fn the_system_bus_has_its_own_words() {
    let place = Place::without_bus();
    let missing = format!("unix:path={}", place.path("no").display());
    let mut command = place.command(&["status"]);
    let output =
        command.env("DWELL_BUS", "system").env("DBUS_SYSTEM_BUS_ADDRESS", &missing).output().unwrap();
    assert_eq!(output.status.code(), Some(5));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no system bus"), "{output:?}");
    let output = place.command(&["status"]).env("DWELL_BUS", "sesion").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    insta::assert_snapshot!(String::from_utf8_lossy(&output.stderr), @r#"dwell: DWELL_BUS is "sesion", and there is no such bus; set it to session or system, or not at all"#);
}

#[test]
fn help_version_and_scripts_need_nobody() {
    let place = Place::without_bus();
    for fine in
        [&["--help"][..], &["-V"], &["help", "report"], &["limit", "set", "--help"], &["completions", "zsh"]]
    {
        let end = place.run(fine);
        assert_eq!((end.code, end.err.as_str()), (Some(0), ""), "{fine:?}");
        assert!(!end.out.is_empty() && !end.out.contains('\x1b'), "{fine:?}");
    }
}

#[test]
fn every_shell_reads_its_script() {
    let place = Place::without_bus();
    for (shell, check) in [("bash", &["-n"][..]), ("zsh", &["-n"]), ("fish", &["--no-execute"])] {
        let script = place.path(shell);
        std::fs::write(&script, place.run(&["completions", shell]).out).unwrap();
        // A shell that is not installed has nothing to say; the script's content is tested beside its maker.
        if let Ok(read) = std::process::Command::new(shell).args(check).arg(&script).output() {
            assert!(read.status.success(), "{shell}: {read:?}");
        }
    }
}

#[test]
fn manual_pages_are_written_for_every_command() {
    let place = Place::without_bus();
    let folder = place.path("man");
    std::fs::create_dir(&folder).unwrap();
    let folder = folder.to_str().unwrap();
    assert_eq!(place.run(&["man", folder]).code, Some(0));
    for page in ["dwell.1", "dwell-limit-set.1", "dwell.toml.5", "dwell-rules.5", "dwelld.8"] {
        assert!(place.path("man").join(page).exists(), "{page}");
    }
    let end = place.run(&["man", "/nonexistent"]);
    assert_eq!(end.code, Some(1));
    insta::assert_snapshot!(end.err, @"dwell: the manual pages cannot be written to /nonexistent: No such file or directory; name an existing folder");
}

#[test]
fn the_configuration_is_found_shown_and_checked() {
    let place = Place::without_bus();
    let own = place.path(".config/dwell/config.toml");
    let shown = place.run(&["config", "path"]);
    assert_eq!(shown.out.trim_end(), own.to_str().unwrap());
    let end = place.run(&["config"]);
    assert_eq!(end.code, Some(0));
    assert!(end.out.contains("does not exist") && end.out.contains("idle-after = \"3m\""), "{end:?}");
    std::fs::create_dir_all(own.parent().unwrap()).unwrap();
    std::fs::write(&own, "zone = \"Asia/Tokyo\"\n").unwrap();
    assert_eq!(place.run(&["config", "check"]).code, Some(0));
    assert_eq!(place.run(&["config", "show", "--json"]).document()["zone"], "Asia/Tokyo");
    std::fs::write(&own, "day-start = \"13:00\"\n").unwrap();
    let end = place.run(&["config", "check"]);
    assert_eq!(end.code, Some(2));
    insta::assert_snapshot!(end.err.replace(place.path("").to_str().unwrap(), "~/"), @r#"dwell: ~/.config/dwell/config.toml, line 1, column 13: day-start is not a time from 00:00 to 12:00 like 04:00; write it like "04:00""#);
    let mut elsewhere = place.command(&["config", "check", "--json"]);
    let output = elsewhere.env("DWELL_CONFIG", place.path("none.toml")).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(place.run(&["config", "check", "/nonexistent.toml"]).code, Some(2));
}
