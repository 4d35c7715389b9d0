//! Idleness, by the compositor's own count.

use super::*;
use crate::bed::block_on;
use crate::compositor::{Asked, Do};

#[test]
fn the_last_input_was_exactly_the_idle_time_before() {
    block_on(async {
        for (ext_idle, kde_idle, asked) in [
            (true, false, Asked::Idle("ext", 7000)),
            (false, true, Asked::Idle("kde", 7000)),
            (true, true, Asked::Idle("ext", 7000)),
        ] {
            let mut fake = Fake::start_with(Offers { ext_idle, kde_idle, ..Offers::USUAL }, 7000).await;
            assert!(fake.sensors.health("idle", true).await.message.contains("input"));
            fake.sensors.active().await;
            assert_eq!(fake.compositor.asked().await, asked);
            for _ in 0..3 {
                fake.compositor.one(Do::Idle);
                let (at, since) = fake.sensors.idle().await;
                assert_eq!(at.since(since).unwrap().as_ms(), 7000);
                // Told again, it is no news.
                fake.compositor.one(Do::Idle);
                fake.compositor.one(Do::Resume);
                fake.sensors.active().await;
            }
            assert!(!fake.compositor.is_asked(), "only one of the two is asked");
        }
    });
}

#[test]
fn without_a_seat_or_a_protocol_the_person_is_there_and_it_is_said() {
    block_on(async {
        for offers in [Offers { seat: false, ..Offers::USUAL }, Offers { ext_idle: false, ..Offers::USUAL }] {
            let mut fake = Fake::start(offers).await;
            let health = fake.sensors.health("idle", false).await;
            assert!(health.message.contains("use one that offers ext-idle-notify"), "{health:?}");
            fake.sensors.active().await;
            fake.compositor.open("AppA", None);
            fake.sensors.focus("AppA").await;
            assert!(!fake.compositor.is_asked());
        }
    });
}

#[test]
fn another_idle_time_is_asked_for_anew() {
    block_on(async {
        let mut fake = Fake::start_with(Offers::USUAL, 7000).await;
        assert_eq!(fake.compositor.asked().await, Asked::Idle("ext", 7000));
        let idle_after = dwell_core::time::Millis::from_ms(9000);
        fake.sensors
            .desktop
            .configure(dwell_desktop::Settings { idle_after, ..dwell_desktop::Settings::default() });
        assert_eq!(fake.compositor.asked().await, Asked::Idle("ext", 9000));
    });
}
