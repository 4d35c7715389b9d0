//! Taking back what was made stricter a moment ago: just that, and only while all around it is as it was.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod bed;

use bed::{Bus, Daemon, left, own};
use dwell_bus::OwnProxy;
use dwell_daemon::record::Text;

const VIDEO: &str = "[[rule]]\nid = \"v\"\ntarget = \"category:video\"\nbudget = \"1h\"\n";

/// A daemon with rules that are no longer fresh.
async fn with(rules: &str) -> (Bus, tempfile::TempDir, Daemon, OwnProxy<'static>) {
    let bus = Bus::start();
    let data = left(&bus, |record| record.text = Text(rules.to_owned())).await;
    let daemon = Daemon::start(&bus, data.path()).await;
    let own = own(&bus.connect().await).await;
    (bus, data, daemon, own)
}

/// Takes the rules as they are, with something else in them; says whether that holds at once.
async fn becomes(own: &OwnProxy<'_>, old: &str, new: &str) -> bool {
    let text = own.export_rules().await.unwrap();
    assert!(text.contains(old), "{text}");
    own.import_rules(&text.replacen(old, new, 1)).await.unwrap().applied
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_takes_back_what_it_made_stricter() {
    let (_bus, _data, daemon, own) = with(VIDEO).await;
    assert!(becomes(&own, "category:video", "all").await);
    assert!(becomes(&own, "\"all\"", "\"category:video\"").await);
    assert!(!becomes(&own, "1h", "2h").await, "what never held waits");
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn not_when_a_category_is_another_one_since() {
    let (_bus, _data, daemon, own) = with(VIDEO).await;
    assert!(becomes(&own, "category:video", "all").await);
    assert!(own.set_category("youtube.com", "education").await.unwrap().applied);
    assert!(!becomes(&own, "\"all\"", "\"category:video\"").await);
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn not_when_a_category_changed_with_it() {
    let (_bus, _data, daemon, own) = with(VIDEO).await;
    let both = format!(
        "{}\n[categories]\n\"domain:youtube.com\" = \"education\"\n",
        VIDEO.replace("category:video", "all")
    );
    assert!(own.import_rules(&both).await.unwrap().applied);
    assert!(!becomes(&own, "\"all\"", "\"category:video\"").await);
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_that_was_over_can_be_had_back() {
    let rules = format!("{VIDEO}strict = \"locked-until 2024-01-01\"\n");
    let (_bus, _data, daemon, own) = with(&rules).await;
    let day = some_months_on();
    assert!(becomes(&own, "2024-01-01", &day).await);
    assert!(becomes(&own, &day, "2024-01-01").await, "a slip in the lock");
    let other = own.import_rules(&rules.replace("2024-01-01", "2024-01-02")).await;
    assert!(other.unwrap_err().into_failure().unwrap().message.ends_with("is over"));
    daemon.stop().await;
}

/// A day some months from now.
fn some_months_on() -> String {
    let calendar =
        dwell_core::calendar::Calendar::new(chrono_tz::UTC, dwell_core::calendar::DayStart::default());
    calendar.day_of(dwell_daemon::clock::now().wall).plus(100).to_string()
}
