//! Made-up spans, for the tests of all that sums them up.

use proptest::prelude::*;

use crate::span::{Activity, Span};
use crate::subject::{AppId, Domain, Subject};
use crate::time::{Boot, Millis, Reading, Wall};

/// A program's attention from an instant on, in Unix milliseconds.
pub(super) fn span(app: &str, at: i64, length_ms: u64) -> Span {
    Span {
        start: Reading::new(Boot::from_ms(0), Wall::from_unix_ms(at)),
        length: Millis::from_ms(length_ms),
        activity: Activity::Focus(Subject::app(AppId::new(app).unwrap())),
    }
}

/// Fewer than `most` spans of every kind, one after another from an instant on, with gaps and lengths below these, in ms.
pub(super) fn any_spans(from: i64, most: usize, gap: u64, length: u64) -> impl Strategy<Value = Vec<Span>> {
    let one = (prop::sample::select(vec!["a", "b", "c"]), 0..gap, 1..length, 0_u8..8);
    prop::collection::vec(one, 0..most).prop_map(move |list| {
        let mut at = from;
        list.into_iter()
            .map(|(app, gap, length, what)| {
                at += i64::try_from(gap).unwrap();
                let mut made = span(app, at, length);
                at += i64::try_from(length).unwrap();
                let subject = made.activity.charged().unwrap();
                made.activity = match what {
                    0 => Activity::Unobserved,
                    1 => Activity::Audible(subject),
                    2 => Activity::Private(subject.app),
                    3 => Activity::Focus(Subject { domain: Domain::new("x.example").ok(), ..subject }),
                    _ => made.activity,
                };
                made
            })
            .collect()
    })
}
