//! Made-up spans for tests.

use dwell_core::calendar::CivilDay;
use dwell_core::span::{Activity, Span};
use dwell_core::subject::{AppId, Domain, Subject};
use dwell_core::time::{Boot, Millis, Reading, Wall};
use proptest::prelude::*;

/// The boot of the made-up machine: 2026-11-21T06:00:00Z.
const BOOTED: i64 = 1_795_240_800_000;

pub(crate) fn subject(app: &str, domain: Option<&str>) -> Subject {
    Subject { app: AppId::new(app).unwrap(), domain: domain.map(|d| Domain::new(d).unwrap()) }
}

/// A focus span that starts `at` ms after boot.
pub(crate) fn span(at: u64, length: u64, app: &str, domain: Option<&str>) -> Span {
    Span {
        start: Reading::new(Boot::from_ms(at), Wall::from_unix_ms(BOOTED + i64::try_from(at).unwrap())),
        length: Millis::from_ms(length),
        activity: Activity::Focus(subject(app, domain)),
    }
}

/// 2026-11-21 and days after it.
pub(crate) fn day(after: i32) -> CivilDay {
    CivilDay::from_epoch_days(20_778 + after)
}

pub(crate) fn any_span() -> impl Strategy<Value = Span> {
    let names = ("[a-z.]{1,128}", proptest::option::of("[a-z.]{1,253}"));
    let activity = (0_u8..4, names).prop_map(|(code, (app, domain))| match code {
        0 => Activity::Focus(subject(&app, domain.as_deref())),
        1 => Activity::Private(subject(&app, None).app),
        2 => Activity::Audible(subject(&app, domain.as_deref())),
        _ => Activity::Unobserved,
    });
    (any::<u64>(), any::<i64>(), any::<u64>(), activity).prop_map(|(boot, wall, length, activity)| Span {
        start: Reading::new(Boot::from_ms(boot), Wall::from_unix_ms(wall)),
        length: Millis::from_ms(length),
        activity,
    })
}
