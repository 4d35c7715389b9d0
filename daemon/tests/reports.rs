//! Reports over days that were recorded before: what is compared, and what is refused.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod bed;

use std::io::Read as _;

use bed::{Bus, Daemon, own};
use dwell_bus::{Kind, OwnProxy, wire};
use dwell_core::calendar::CivilDay;
use dwell_core::span::{Activity, Span};
use dwell_core::subject::{AppId, Domain, Subject};
use dwell_core::time::{Boot, Millis, Reading, Wall};
use dwell_daemon::clock;
use dwell_vault::Row;

/// Some minutes of a program at noon UTC, so many days ago.
fn noon(ago: i32, app: &str, domain: Option<&str>, minutes: u64) -> (CivilDay, Row) {
    // Days start at four.
    let today = i32::try_from((clock::now().wall.as_unix_ms() - 4 * 3_600_000) / 86_400_000).unwrap();
    let day = CivilDay::from_epoch_days(today - ago);
    let at = i64::from(day.epoch_days()) * 86_400_000 + 43_200_000 + i64::try_from(minutes).unwrap();
    let start = Reading::new(Boot::from_ms(1), Wall::from_unix_ms(at));
    let subject = Subject { app: AppId::new(app).unwrap(), domain: domain.map(|d| Domain::new(d).unwrap()) };
    (day, Row::Span(Span { start, length: Millis::from_mins(minutes), activity: Activity::Focus(subject) }))
}

async fn refused(own: &OwnProxy<'_>, query: wire::Query) -> (Kind, String) {
    let failure = own.report(query).await.unwrap_err().into_failure().unwrap();
    (failure.kind, format!("{} | {}", failure.message, failure.hint))
}

fn over(period: &str) -> wire::Query {
    wire::Query { period: Some(period.to_owned()), ..wire::Query::default() }
}

fn only(target: &str) -> wire::Query {
    let only = Some(vec![target.to_owned()]);
    wire::Query { only, must_be_known: Some(true), ..over("all") }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_days_before_stand_beside_and_what_was_never_seen_is_told() {
    let (bus, data) = (Bus::start(), tempfile::tempdir().unwrap());
    std::fs::write(data.path().join("config.toml"), "notifications = false\nzone = \"UTC\"\n").unwrap();
    Daemon::start(&bus, data.path()).await.stop().await;
    let (mut vault, _) = bed::record(&bus, data.path()).await;
    let rows = [
        noon(200, "editor", None, 50),
        noon(120, "editor", None, 7),
        noon(3, "org.mozilla.firefox", Some("example.org"), 4),
        noon(2, "editor", None, 10),
        noon(1, "editor", None, 30),
        noon(1, "foot", None, 5),
    ];
    vault.append_all(&rows).unwrap();
    vault.seal_before(rows[4].0).unwrap();
    vault.close();
    let daemon = Daemon::start(&bus, data.path()).await;
    let own = own(&bus.connect().await).await;

    let report = own.report(wire::Query { compare: Some(true), ..over("yesterday") }).await.unwrap();
    let rows: Vec<_> = report
        .rows
        .iter()
        .map(|row| (row.key.as_str(), row.ms / 60_000, row.before_ms.unwrap() / 60_000))
        .collect();
    assert_eq!(rows, [("editor", 30, 10), ("foot", 5, 0)]);
    let before = report.compare.unwrap();
    assert_eq!(before.total_ms, 600_000);
    assert_eq!(before.to_at_ms, report.from_at_ms, "the day before ends where yesterday begins");
    let alone = own.report(over("yesterday")).await.unwrap();
    assert!(alone.compare.is_none() && alone.rows.iter().all(|row| row.before_ms.is_none()));
    // What goes on is compared up to now.
    let report = own.report(wire::Query { compare: Some(true), ..over("3d") }).await.unwrap();
    let before = report.compare.unwrap();
    assert!(before.to_at_ms <= report.from_at_ms);
    assert!(before.to_at_ms - before.from_at_ms <= report.to_at_ms - report.from_at_ms + 1000);
    // Over runs of thirty days that are kept, the same each time.
    for _ in 0..2 {
        let all = own.report(over("all")).await.unwrap();
        let rows: Vec<_> =
            all.rows.iter().map(|row| (row.key.as_str(), row.ms / 60_000, row.opens)).collect();
        assert_eq!(rows, [("editor", 97, 4), ("foot", 5, 1), ("org.mozilla.firefox", 4, 1)]);
    }

    let all = refused(&own, wire::Query { compare: Some(true), ..over("all") }).await;
    assert_eq!(all.0, Kind::Invalid, "{}", all.1);
    let (kind, said) = refused(&own, over("2999-01-01")).await;
    assert_eq!(
        (kind, said.as_str()),
        (Kind::NoData, "2999-01-01 is still to come | choose today or an earlier day")
    );
    for (target, said) in [
        ("app:editr", "nothing was ever recorded of a program \"editr\" | did you mean editor?"),
        (
            "app:firefox",
            "nothing was ever recorded of a program \"firefox\" | did you mean org.mozilla.firefox?",
        ),
        (
            "app:zzz",
            "nothing was ever recorded of a program \"zzz\" | `dwell report all --by app` shows what there is",
        ),
        (
            "domain:exampel.org",
            "nothing was ever recorded of a domain \"exampel.org\" | did you mean example.org?",
        ),
        ("category:vidoe", "there is no category \"vidoe\" | did you mean video?"),
    ] {
        assert_eq!(refused(&own, only(target)).await, (Kind::NotFound, said.to_owned()));
        // Who does not ask for that gets an empty report, as ever.
        let query = wire::Query { must_be_known: None, ..only(target) };
        assert!(own.report(query).await.unwrap().rows.is_empty());
    }
    for target in ["app:editor", "app:FOOT", "domain:example.org", "category:video", "all"] {
        own.report(only(target)).await.unwrap();
    }
    daemon.stop().await;
}

/// Whoever leaves a long answer unread holds up no end: the session ends with the daemon, or the other way round.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_ends_while_an_answer_is_unread() {
    let (bus, data) = (Bus::start(), tempfile::tempdir().unwrap());
    std::fs::write(data.path().join("config.toml"), "notifications = false\nzone = \"UTC\"\n").unwrap();
    Daemon::start(&bus, data.path()).await.stop().await;
    let (mut vault, _) = bed::record(&bus, data.path()).await;
    // Far more than a pipe takes.
    let of_day = |ago| {
        (0..400).map(move |minute| {
            let (day, row) = noon(ago, "editor", None, 1);
            let Row::Span(span) = row else { unreachable!() };
            let at = span.start.wall + Millis::from_mins(minute);
            (day, Row::Span(Span { start: Reading::new(Boot::from_ms(1), at), ..span }))
        })
    };
    let rows: Vec<_> = [3, 2, 1].into_iter().flat_map(of_day).collect();
    vault.append_all(&rows).unwrap();
    vault.close();
    let daemon = Daemon::start(&bus, data.path()).await;
    let own = own(&bus.connect().await).await;
    let mut unread = std::fs::File::from(std::os::fd::OwnedFd::from(own.spans("all").await.unwrap()));
    // It is under way.
    unread.read_exact(&mut [0]).unwrap();
    daemon.stop().await;
    drop(unread);
}
