//! Bad input ends the host, with one line that quotes nothing.

use serde_json::json;

use crate::browser::{Browser, INSTANCE};
use crate::daemon::{Bus, Daemon};

fn frame(text: &str) -> Vec<u8> {
    [&u32::try_from(text.len()).unwrap().to_le_bytes(), text.as_bytes()].concat()
}

/// What the host says of these bytes, which must be its end.
fn complaint(bus: &Bus, greeted: bool, bytes: &[u8]) -> String {
    let mut browser = Browser::start(bus);
    if greeted {
        browser.hello();
    }
    browser.write(bytes);
    let (code, why) = browser.ended();
    assert_eq!(code, Some(2), "{why}");
    let why = why.strip_prefix("dwell-browser-host: ").expect("no line").trim_end().to_owned();
    assert!(!why.contains('\n') && !why.contains("canary"), "{why}");
    why
}

#[test]
fn bad_bytes_end_the_host_with_one_line() {
    let bus = Bus::start();
    let whole = |text: &str, why: &str| (frame(text), why.to_owned());
    let cases = [
        whole("canary", "a frame is no JSON object"),
        whole("{\"canary\"", "a frame is no JSON (byte 9)"),
        whole("", "a frame is no JSON (byte 0)"),
        whole("[\"query\"]", "a frame is no JSON object"),
        whole(r#"{"t":"query","d":5}"#, "a frame is not as it should be (byte 18)"),
        (b"\x01\x00\x01\x00".to_vec(), "a frame of 65537 bytes is longer than 65536".to_owned()),
        (b"canary.example".to_vec(), "a frame of 1634623843 bytes is longer than 65536".to_owned()),
        (frame("{}")[..5].to_vec(), "the browser ended within a frame".to_owned()),
        (b"\x01".to_vec(), "the browser ended within a frame".to_owned()),
    ];
    for (bytes, why) in cases {
        for greeted in [false, true] {
            assert_eq!(complaint(&bus, greeted, &bytes), why);
        }
    }
}

#[test]
fn one_greeting_comes_first() {
    let bus = Bus::start();
    let order = "the browser did not begin with one greeting";
    assert_eq!(complaint(&bus, false, &frame(r#"{"t":"query","d":"x.example"}"#)), order);
    assert_eq!(complaint(&bus, false, &frame(r#"{"t":"of-tomorrow"}"#)), order);
    let hello =
        json!({"t": "hello", "v": 1, "browser": "chromium", "ext_version": "0.1.0", "instance": INSTANCE});
    assert_eq!(complaint(&bus, true, &frame(&hello.to_string())), order);
    let hello =
        json!({"t": "hello", "v": 1, "browser": "chromium", "ext_version": "0.1.0", "instance": "short"});
    assert_eq!(complaint(&bus, false, &frame(&hello.to_string())), "the greeting is not as it should be");
}

#[test]
fn another_version_is_refused_and_left_to_wait() {
    let bus = Bus::start();
    let _daemon = Daemon::start(&bus);
    for (version, hint) in [(2, "update dwell, then restart the browser"), (0, "update the extension")] {
        let mut browser = Browser::start(&bus);
        browser.say(&json!({"t": "hello", "v": version}));
        let link = browser.hear();
        assert_eq!((&link["ok"], &link["refused"]), (&json!(false), &json!("version")), "{link}");
        assert_eq!(link["hint"], hint);
        // Whatever such an extension says.
        browser.write(&frame("{"));
        browser.write(b"\xff\xff\xff\xff");
        assert_eq!(browser.ended(), (Some(0), String::new()));
    }
}

#[test]
fn what_only_a_later_version_knows_is_named_once() {
    let bus = Bus::start();
    let daemon = Daemon::start(&bus);
    let mut browser = Browser::start(&bus);
    browser.hello();
    daemon.link();
    for _ in 0..3 {
        browser.say(&json!({"t": "of-tomorrow", "d": "canary"}));
    }
    browser.state("s.example");
    assert_eq!(daemon.state().0.domain.as_deref(), Some("s.example"));
    let (code, why) = browser.ended();
    let line =
        "dwell-browser-host: the extension says what only a later version knows; that is passed over\n";
    assert_eq!((code, why.as_str()), (Some(0), line));
}
