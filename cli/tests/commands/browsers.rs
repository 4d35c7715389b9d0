//! `dwell browser status` against a daemon that has links, and against none.

use std::os::unix::fs::PermissionsExt as _;

use dwell_bus::browser::Link;
use dwell_bus::{BrowserRequest, Request};

use crate::daemon::{FakeDaemon, NOW};
use crate::place::{Outcome, Place};

/// A browser that is installed there.
fn with_chromium(place: &Place) {
    let command = place.path("bin").join("chromium");
    std::fs::create_dir(place.path("bin")).unwrap();
    std::fs::write(&command, "").unwrap();
    std::fs::set_permissions(&command, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn status(place: &Place) -> Outcome {
    let mut command = place.command(&["browser", "status", "--user", "--json"]);
    Outcome::of(&command.env("PATH", place.path("bin")).output().unwrap())
}

#[test]
fn links_are_told_beside_what_is_installed() {
    let place = Place::with_empty_bus();
    with_chromium(&place);
    let _daemon = FakeDaemon::start(&place, |request| {
        if let Request::Browser(BrowserRequest::Links(reply)) = request {
            let link = |program: &str| Link {
                program: program.into(),
                extension: env!("CARGO_PKG_VERSION").into(),
                instance: "ab".into(),
                since_at_ms: NOW,
                zone: "Europe/Athens".into(),
                ..Link::default()
            };
            let _ = reply.send(Ok(vec![link("zen"), link("chromium")]));
        }
    });
    let told = status(&place);
    assert_eq!(told.code, Some(1), "{told:?}");
    let document = told.document();
    assert_eq!((&document["schema"], &document["ok"]), (&"dwell.browser/1".into(), &false.into()));
    let (chromium, other) = (&document["browsers"][0], &document["browsers"][1]);
    let path = place.path("bin").join("chromium");
    assert_eq!((&chromium["browser"], &chromium["packaging"]), (&"chromium".into(), &"system".into()));
    assert_eq!(chromium["path"].as_str(), path.to_str());
    assert_eq!((&chromium["manifest"], &chromium["host_ok"]), (&serde_json::Value::Null, &false.into()));
    assert_eq!((&chromium["ok"], &chromium["fix"]), (&false.into(), &"dwell browser install".into()));
    assert_eq!(chromium["links"][0]["since"], "2026-11-21T22:05:00.000+02:00");
    assert_eq!((&other["browser"], &other["ok"]), (&"zen".into(), &true.into()), "{document}");
}

#[test]
fn without_a_daemon_files_are_still_looked_at() {
    let place = Place::with_empty_bus();
    with_chromium(&place);
    let manifest = place.path(".config/chromium/NativeMessagingHosts/org.dwell.browser.json");
    std::fs::create_dir_all(manifest.parent().unwrap()).unwrap();
    let host = place.path("dwell-browser-host");
    std::fs::copy(place.path("bin").join("chromium"), &host).unwrap();
    std::fs::write(&manifest, format!("{{\"path\":\"{}\"}}", host.display())).unwrap();
    let told = status(&place);
    let chromium = told.document()["browsers"][0].clone();
    assert_eq!((&chromium["host_ok"], &chromium["ok"]), (&true.into(), &false.into()), "{chromium}");
    assert_eq!(chromium["message"], "is set up, but the daemon is not running");
    assert_eq!(told.code, Some(1));
}
