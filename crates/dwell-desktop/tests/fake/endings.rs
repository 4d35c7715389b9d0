//! Compositors that go, break or stop.

use super::*;
use crate::bed::{app, block_on};
use crate::compositor::Do;
use dwell_core::sample::Fact;
use dwell_desktop::WindowAct;

/// What every end looks like: nobody knows what has focus, and then somebody does again.
async fn is_lost_and_found(fake: &mut Fake, end: impl AsyncFnOnce(&mut Fake)) {
    fake.compositor.open("AppA", None);
    fake.sensors.focus("AppA").await;
    end(fake).await;
    fake.sensors.fact("unknown", |fact| *fact == Fact::FocusUnknown).await;
    let health = fake.sensors.health("focus", false).await;
    assert!(health.message.ends_with("; it is taken up again when it comes back"), "{health:?}");
    fake.sensors.health("focus", true).await;
}

#[test]
fn one_that_dies_is_taken_up_again_by_its_next_socket() {
    block_on(async {
        let mut fake = Fake::start(Offers::USUAL).await;
        is_lost_and_found(&mut fake, async |fake: &mut Fake| {
            fake.compositor.die();
            // Its successor takes the next name: the old socket's file is still there.
            let next = Compositor::start(fake.bed.path("wayland-2"), Offers::USUAL);
            fake.compositor = next;
        })
        .await;
        fake.compositor.open("AppB", None);
        fake.sensors.focus("AppB").await;
    });
}

#[test]
fn the_end_of_the_protocol_is_an_end() {
    block_on(async {
        let mut fake = Fake::start(Offers::USUAL).await;
        is_lost_and_found(&mut fake, async |fake: &mut Fake| fake.compositor.one(Do::Finish)).await;
        fake.sensors.focus("AppA").await;
    });
}

#[test]
fn a_protocol_error_is_an_end() {
    block_on(async {
        let mut fake = Fake::start(Offers::USUAL).await;
        is_lost_and_found(&mut fake, async |fake: &mut Fake| fake.compositor.one(Do::ProtocolError)).await;
        fake.sensors.focus("AppA").await;
    });
}

#[test]
fn one_that_stops_is_noticed_and_taken_up_when_it_goes_on() {
    block_on(async {
        // Silent for longer than this, it is asked whether it is there.
        let mut fake = Fake::start_with(Offers::USUAL, 1000).await;
        fake.compositor.open("AppA", None);
        fake.sensors.focus("AppA").await;
        fake.compositor.stall();
        fake.sensors.fact("unknown", |fact| *fact == Fact::FocusUnknown).await;
        let health = fake.sensors.health("focus", false).await;
        assert!(health.message.ends_with("does not answer; it is taken up again when it does"), "{health:?}");
        fake.compositor.go_on();
        fake.sensors.health("focus", true).await;
        fake.sensors.focus("AppA").await;
    });
}

#[test]
fn one_that_is_there_is_asked_and_nothing_is_said() {
    block_on(async {
        let mut fake = Fake::start_with(Offers::USUAL, 300).await;
        fake.compositor.open("AppA", None);
        fake.sensors.focus("AppA").await;
        fake.sensors.silence(Duration::from_millis(1500)).await;
    });
}

#[test]
fn one_that_never_answers_holds_nothing_up() {
    block_on(async {
        let bed = Bed::new();
        let mut compositor = Compositor::start(bed.path("wayland-1"), Offers::USUAL);
        compositor.stall();
        let mut sensors = Sensors::start(&bed, LONG, Buses::default());
        let health = sensors.health("focus", false).await;
        assert!(health.message.contains("does not answer"), "{health:?}");
        // Another display is still taken.
        let other = Bed::new();
        let mut second = Compositor::start(other.path("wayland-1"), Offers::USUAL);
        second.open("AppB", None);
        sensors.desktop.reattach(other.surroundings());
        sensors.focus("AppB").await;
        // As is the first, when it goes on.
        sensors.desktop.reattach(dwell_desktop::Surroundings::default());
        compositor.open("AppA", None);
        compositor.go_on();
        sensors.focus("AppA").await;
        compositor.die();
        sensors.health("focus", false).await;
    });
}

#[test]
fn one_that_is_stopped_while_settings_change_does_not_count_on() {
    block_on(async {
        let mut fake = Fake::start(Offers::USUAL).await;
        fake.compositor.open("AppA", None);
        fake.sensors.focus("AppA").await;
        fake.compositor.stall();
        // It is attached to anew, and does not answer.
        let idle_after = dwell_core::time::Millis::from_ms(9000);
        fake.sensors
            .desktop
            .configure(dwell_desktop::Settings { idle_after, ..dwell_desktop::Settings::default() });
        fake.sensors.fact("unknown", |fact| *fact == Fact::FocusUnknown).await;
        assert!(fake.sensors.health("focus", false).await.message.contains("does not answer"));
        fake.compositor.go_on();
        fake.sensors.health("focus", true).await;
        fake.sensors.focus("AppA").await;
    });
}

#[test]
fn what_one_display_told_does_not_hold_on_the_next() {
    block_on(async {
        let mut fake = Fake::start(Offers::USUAL).await;
        fake.compositor.open("AppA", None);
        fake.sensors.focus("AppA").await;
        // This one never says a word.
        let other = Bed::new();
        let mut second = Compositor::start(other.path("wayland-1"), Offers::USUAL);
        second.stall();
        fake.sensors.desktop.reattach(other.surroundings());
        fake.sensors.fact("unknown", |fact| *fact == Fact::FocusUnknown).await;
        second.die();
    });
}

#[test]
fn one_that_tells_nothing_is_unsupported() {
    block_on(async {
        let bed = Bed::new();
        let _compositor =
            Compositor::start(bed.path("wayland-1"), Offers { toplevels: false, ..Offers::USUAL });
        let mut sensors = Sensors::start(&bed, LONG, Buses::default());
        sensors.fact("unknown", |fact| *fact == Fact::FocusUnknown).await;
        let health = sensors.health("focus", false).await;
        assert!(health.message.contains(" tells no other program what has focus"), "{health:?}");
        assert!(health.fix.as_ref().is_some_and(|fix| fix.starts_with("log in to ")), "{health:?}");
        sensors.rest(Duration::from_millis(500)).await;
        // It is tried a few times, and then no more.
        sensors.silence(Duration::from_millis(1000)).await;
    });
}

#[test]
fn a_sway_whose_ipc_never_answers_is_noticed() {
    block_on(async {
        let bed = Bed::new();
        let mut compositor = Compositor::start(bed.path("wayland-1"), Offers::USUAL);
        let path = bed.path(&format!("sway-ipc.0.{}.sock", std::process::id()));
        let _ipc = crate::ipc::Ipc::start(path, |_| crate::ipc::Answer::Never);
        let mut sensors = Sensors::start(&bed, LONG, Buses::default());
        assert_eq!(sensors.health("focus", true).await.backend, "sway");
        compositor.open("AppA", None);
        let health = sensors.health("focus", false).await;
        assert_eq!(health.message, "sway does not answer; it is taken up again when it does");
    });
}

/// An answer of sway's.
fn of_sway(kind: u32, text: &str) -> crate::ipc::Answer {
    let length = u32::try_from(text.len()).unwrap();
    let bytes = [b"i3-ipc", &length.to_ne_bytes()[..], &kind.to_ne_bytes(), text.as_bytes()].concat();
    String::from_utf8(bytes).unwrap().into()
}

#[test]
fn a_sway_whose_act_fails_does_not_lose_sight_of_focus() {
    block_on(async {
        let tree = |class: &str| {
            of_sway(
                4,
                &format!(r#"{{"id":1,"nodes":[{{"id":2,"app_id":"{class}","pid":1,"focused":true}}]}}"#),
            )
        };
        let bed = Bed::new();
        let mut compositor = Compositor::start(bed.path("wayland-1"), Offers::USUAL);
        let path = bed.path(&format!("sway-ipc.0.{}.sock", std::process::id()));
        let mut ipc = crate::ipc::Ipc::start(path, move |_| tree("AppA"));
        let mut sensors = Sensors::start(&bed, LONG, Buses::default());
        assert_eq!(sensors.health("focus", true).await.backend, "sway");
        let a = compositor.open("title", None);
        sensors.focus("AppA").await;
        // Its version has been asked for.
        sensors.told_all().await;
        for bad in [crate::ipc::Answer::from("nonsense"), crate::ipc::Answer::Never] {
            ipc.passed_over();
            ipc.answer(move |_| bad.clone());
            // The connection that hung up is used once more.
            for _ in 0..2 {
                sensors.desktop.act(WindowAct::Close(app("AppA")));
            }
            ipc.asked("i3-ipc").await;
            // Longer than two answers may take.
            sensors.silence(Duration::from_millis(10_500)).await;
        }
        ipc.answer(move |_| tree("AppB"));
        compositor.open("other", Some(a));
        sensors.focus("AppB").await;
    });
}
