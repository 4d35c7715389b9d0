//! `dwell forget`: what would go is said first, and nothing goes without consent.

use std::sync::mpsc;

use dwell_bus::{Failure, Kind, VaultRequest, wire};

use crate::caretaker::{caring, usual};
use crate::daemon::FakeDaemon;
use crate::place::Place;
use crate::terminal::Dialog;

#[test]
fn a_dry_run_says_what_would_go_and_changes_nothing() {
    let place = Place::with_empty_bus();
    let _daemon = caring(&place, |request| match request {
        VaultRequest::Forget(..) => panic!("it went"),
        other => usual(other),
    });
    let end = place.run(&["forget", "--app", "firefox", "--dry-run"]);
    assert_eq!((end.code, end.err.as_str()), (Some(0), ""));
    insta::assert_snapshot!(end.out, @"
    Would go: app:firefox: 12 days, 2026-11-01 to 2026-11-21, 340 spans, 12h 30m
    A backup still holds it: /media/old.dwell
    Nothing has changed
    ");
    insta::assert_snapshot!(place.run(&["forget", "--app", "firefox", "--dry-run", "--json"]).out, @r#"{"schema":"dwell.forget/1","what":"app:firefox","dry_run":true,"days":12,"from":"2026-11-01","to":"2026-11-21","spans":340,"seconds":45000,"notes":0,"backups":["/media/old.dwell"],"unrotated":[]}"#);
    let end = place.run(&["forget", "--app", "planned", "--dry-run"]);
    let line = end.out.replace("\n  ", " ");
    assert!(line.contains("340 spans, 12h 30m, 2 notes on plans and limits\n"), "{line}");
    assert_eq!(place.run(&["forget", "--app", "planned", "--dry-run", "--json"]).document()["notes"], 2);
    let end = place.run(&["forget", "--app", "nothing", "--yes"]);
    assert_eq!((end.code, end.out.as_str()), (Some(3), ""));
    insta::assert_snapshot!(end.complaint(), @"dwell: there is nothing to forget of app:nothing; `dwell report all` shows what is kept");
    let end = place.run(&["forget", "--app", "nothing", "--dry-run", "--json"]);
    assert_eq!((end.code, &end.document()["days"]), (Some(3), &0.into()));
    let end = place.run(&["forget", "--app", "firefox"]);
    assert_eq!((end.code, end.out.as_str()), (Some(2), ""));
    insta::assert_snapshot!(end.complaint(), @"dwell: nobody can be asked here whether to forget app:firefox; add --yes if it is meant");
    let mut dialog = Dialog::start(&mut place.command(&["forget", "--app", "firefox"]));
    dialog.until("[y/N] ").types("no\n");
    let (code, shown) = dialog.end();
    assert_eq!(code, Some(1));
    insta::assert_snapshot!(shown, @"
    This goes for good: app:firefox: 12 days, 2026-11-01 to 2026-11-21, 340 spans,
      12h 30m.
    What stays is encrypted anew. Nobody can bring it back.
    A backup still holds it: /media/old.dwell.
    Go on? [y/N] no
    dwell: nothing has changed: it was not confirmed; say it again and answer y, or add --yes
    ");
}

#[test]
fn what_went_and_what_is_still_outside() {
    let place = Place::with_empty_bus();
    let _daemon = FakeDaemon::usual(&place);
    let end = place.run(&["forget", "--app", "firefox", "--yes"]);
    assert_eq!((end.code, end.err.as_str()), (Some(0), ""));
    insta::assert_snapshot!(end.out, @"
    Forgotten: app:firefox: 12 days, 2026-11-01 to 2026-11-21, 340 spans, 12h 30m
    A backup is from before, and stays as it is: /media/old.dwell. Delete it if
      nobody should read it
    A copy of the vault made before still opens with key 1 (passphrase), whose
      secret is as it was. For copies from now on another can take its place: `dwell
      key add KIND`, then `dwell key remove 1`
    ");
    insta::assert_snapshot!(place.run(&["forget", "--app", "firefox", "--yes", "--json"]).out, @r#"{"schema":"dwell.forget/1","what":"app:firefox","dry_run":false,"days":12,"from":"2026-11-01","to":"2026-11-21","spans":340,"seconds":45000,"notes":0,"backups":["/media/old.dwell"],"unrotated":[1]}"#);
    assert_eq!(place.run(&["forget", "--app", "firefox", "--yes", "--quiet"]).out, "");
    let mut dialog = Dialog::start(&mut place.command(&["forget", "--domain", "example.org"]));
    dialog.until("[y/N] ").types("y\n").until("Forgotten: domain:example.org: 12 days");
    assert_eq!(dialog.end().0, Some(0));
}

#[test]
fn the_selection_reaches_the_daemon() {
    let place = Place::with_empty_bus();
    let (give, take) = mpsc::channel();
    let _daemon = caring(&place, move |request| match request {
        VaultRequest::WouldForget(selection, reply) => {
            give.send(selection.clone()).unwrap();
            usual(VaultRequest::WouldForget(selection, reply));
        }
        VaultRequest::Forget(selection, reply) => {
            give.send(selection.clone()).unwrap();
            usual(VaultRequest::Forget(selection, reply));
        }
        other => usual(other),
    });
    let none = wire::Selection::default;
    let text = |text: &str| Some(text.to_owned());
    for (arguments, wanted) in [
        (["--before", "2026-11-01"], wire::Selection { before: text("2026-11-01"), ..none() }),
        (["--before", "today"], wire::Selection { before: text("2026-11-21"), ..none() }),
        (["--day", "2026-11-02"], wire::Selection { day: text("2026-11-02"), ..none() }),
        (["--app", "app:Firefox"], wire::Selection { app: text("app:Firefox"), ..none() }),
        (["--domain", "example.org"], wire::Selection { domain: text("example.org"), ..none() }),
    ] {
        assert_eq!(place.run(&[&["forget", "--yes"], &arguments[..]].concat()).code, Some(0));
        assert_eq!(take.recv().unwrap(), wanted, "asked");
        assert_eq!(take.recv().unwrap(), wanted, "done");
    }
}

#[test]
fn exactly_one_thing_is_forgotten_at_a_time() {
    let place = Place::without_bus();
    let end = place.run(&["forget", "--yes"]);
    assert_eq!(end.code, Some(2));
    insta::assert_snapshot!(end.complaint(), @"dwell: exactly one of --before, --day, --app and --domain is wanted; see `dwell forget --help`");
    assert_eq!(place.run(&["forget", "--app", "x", "--day", "today"]).complaint(), end.complaint());
    let end = place.run(&["forget", "--day", "tomorrow"]);
    assert_eq!(end.code, Some(2));
    insta::assert_snapshot!(end.complaint(), @r#"dwell: "tomorrow" is no day; write 2026-11-01, today or yesterday"#);
}

#[test]
fn the_page_of_a_week_goes_with_what_is_forgotten() {
    let place = Place::with_empty_bus();
    let _daemon = FakeDaemon::usual(&place);
    let folder = place.path(".local/state/dwell");
    std::fs::create_dir_all(&folder).unwrap();
    for name in ["week.html", "week.html.4711"] {
        std::fs::write(folder.join(name), "firefox").unwrap();
    }
    let page = folder.join("week.html").display().to_string();
    let told = |end: &crate::place::Outcome| end.out.replace("\n  ", " ").contains(&page);
    let privacy = place.run(&["privacy", "--json"]).document();
    let places = privacy["places"].as_array().unwrap();
    assert!(
        places.iter().any(|place| place["path"] == page.as_str() && place["encrypted"] == false),
        "{privacy}"
    );
    let end = place.run(&["forget", "--app", "firefox", "--dry-run"]);
    assert!(told(&end) && folder.join("week.html").exists(), "{end:?}");
    let end = place.run(&["forget", "--app", "firefox", "--yes"]);
    assert_eq!(end.code, Some(0));
    assert!(told(&end), "{end:?}");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
    assert!(!place.run(&["privacy"]).out.contains("week.html"));
    assert!(!place.run(&["forget", "--app", "firefox", "--yes"]).out.contains("week.html"));
}

/// It goes first; who is told that nothing was forgotten has to know.
#[test]
fn a_page_that_went_although_the_rest_did_not_is_named() {
    let place = Place::with_empty_bus();
    let _daemon = caring(&place, |request| match request {
        VaultRequest::Forget(_, reply) => {
            let full = Failure::new(Kind::StorageDegraded, "the disk is full").hint("free some space");
            _ = reply.send(Err(full));
        }
        other => usual(other),
    });
    let folder = place.path(".local/state/dwell");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("week.html"), "firefox").unwrap();
    let end = place.run(&["forget", "--app", "firefox", "--yes"]);
    let said = end.err.replace("\n  ", " ");
    assert!(said.starts_with("Gone with it: the page ") && said.contains("the disk is full"), "{end:?}");
    assert!(!folder.join("week.html").exists());
}
