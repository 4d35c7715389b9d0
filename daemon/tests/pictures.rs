//! What charts show is what reports say, over the bus.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod bed;

use bed::{Bus, Daemon, own};
use dwell_bus::{Kind, wire};
use dwell_core::calendar::{Calendar, CivilDay, DayStart};
use dwell_core::span::{Activity, Span};
use dwell_core::subject::{AppId, Domain, Subject};
use dwell_core::time::{Boot, Millis, Reading};
use dwell_vault::{Places, Row, Vault};

/// Three weeks, in which a few programs and a site take turns; a little of it is not observed.
fn three_weeks(calendar: &Calendar, first: CivilDay) -> Vec<(CivilDay, Row)> {
    let mut rows = Vec::new();
    for nth in 0..21_u64 {
        let day = first.plus(i32::try_from(nth).unwrap());
        let mut at = calendar.start_of(day) + Millis::from_mins(5 * 60);
        for turn in 0..40_u64 {
            let app = AppId::new(format!("app{}", (turn + nth) % 11)).unwrap();
            let length = Millis::from_ms(60_000 + (turn * 7_919 + nth * 104_729) % 1_100_000);
            let subject = Subject { app, domain: None };
            let activity = match turn % 8 {
                3 => Activity::Unobserved,
                5 => Activity::Private(subject.app),
                6 => Activity::Focus(Subject { domain: Domain::new("youtube.com").ok(), ..subject }),
                _ => Activity::Focus(subject),
            };
            let start = Reading::new(Boot::from_ms(1_000 + turn), at);
            rows.push((calendar.day_of(at), Row::Span(Span { start, length, activity })));
            at = at + length;
        }
    }
    rows
}

fn sum(series: &[wire::Series]) -> u64 {
    series.iter().flat_map(|series| &series.parts_ms).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pictures_add_up_to_reports() {
    let (bus, data) = (Bus::start(), tempfile::tempdir().unwrap());
    std::fs::write(data.path().join("config.toml"), "notifications = false\nzone = \"UTC\"\n").unwrap();
    let calendar = Calendar::new(chrono_tz::UTC, DayStart::default());
    let first: CivilDay = "2024-11-04".parse().unwrap();
    let (mut vault, _) = Vault::open_or_create(&Places::new(data.path().join("data"))).unwrap();
    vault.append_all(&three_weeks(&calendar, first)).unwrap();
    vault.seal_before(first.plus(15)).unwrap();
    vault.close();
    let daemon = Daemon::start(&bus, data.path()).await;
    let own = own(&bus.connect().await).await;
    own.import_rules(
        "[[rule]]\nid = \"much\"\ntarget = \"all\"\nbudget = \"12h\"\n\
         [[rule]]\nid = \"little\"\ntarget = \"domain:youtube.com\"\nbudget = \"1m\"\n\
         [[rule]]\nid = \"weekly\"\ntarget = \"all\"\nbudget = { amount = \"90h\", per = \"week\" }\n",
    )
    .await
    .unwrap();
    for (period, bucket, not) in [
        ("2024-11-05", "hour", None),
        ("2024-11-04..2024-11-24", "day", None),
        ("2024-11-04..2024-11-24", "day", Some("category:video")),
        ("2024-10-01..2024-12-31", "week", Some("app:app1")),
        ("2024-01-01..2024-12-31", "month", None),
    ] {
        let not = not.map(|target| vec![target.to_owned()]);
        let query = |by: &str| wire::Query {
            period: Some(period.to_owned()),
            by: Some(by.to_owned()),
            not: not.clone(),
            ..wire::Query::default()
        };
        let report = own.report(query(bucket)).await.unwrap();
        let picture = own.picture(query("app")).await.unwrap();
        assert_eq!((picture.total_ms, picture.bucket.as_str()), (report.total_ms, bucket), "{period}");
        assert!(report.total_ms > 0 && sum(&picture.categories) == report.total_ms, "{period}");
        assert_eq!(picture.hours_ms.iter().sum::<u64>(), report.total_ms, "{period}");
        for row in &report.rows {
            let nth = picture.buckets.iter().position(|bucket| *bucket == row.key).unwrap();
            let column: u64 = picture.categories.iter().map(|series| series.parts_ms[nth]).sum();
            assert_eq!(column, row.ms, "{period}: {}", row.key);
        }
        assert_eq!(picture.lanes.as_deref().map(sum), (bucket == "hour").then_some(report.total_ms));
        let kept: Vec<_> =
            picture.kept.iter().map(|kept| (kept.id.as_str(), kept.within, kept.days)).collect();
        let days = if bucket == "hour" { 1 } else { 21 };
        assert_eq!(kept, [("much", days, days), ("little", 0, days)], "{period}");
    }
    let empty = wire::Query { period: Some("2023-01-01".to_owned()), ..wire::Query::default() };
    assert_eq!(own.picture(empty).await.unwrap_err().into_failure().unwrap().kind, Kind::NoData);
    let wrong = wire::Query { period: Some("yesturday".to_owned()), ..wire::Query::default() };
    assert_eq!(own.picture(wrong).await.unwrap_err().into_failure().unwrap().kind, Kind::Invalid);
    daemon.stop().await;
}
