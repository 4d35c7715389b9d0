//! `dwell report --format html`, and the other forms that pictures and summaries come in.
//!
//! The pages are left in a folder of the target, where `make test-html` has a browser look at them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use dwell_bus::{Failure, Kind, Request, wire};

use crate::daemon::{FakeDaemon, MINUTE, usual};
use crate::place::{Outcome, Place};

/// 2026-11-09T04:00:00+02:00, a Monday.
const MONDAY: i64 = 1_794_189_600_000;
const DAY: i64 = 86_400_000;
const HOUR: u64 = 60 * MINUTE;

/// Names that would like to be more than text.
const HOSTILE: [&str; 6] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "</title></svg><style>*{display:none}</style>",
    "&lt;b&gt; ' onload='alert(1)",
    "a\u{202e}gpj.exe\u{1b}[31m\n| pipe *bold*",
    "A name that is far too long for any chart, and has nowhere to break: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
];

fn name(nth: usize, hostile: bool) -> String {
    const NAMES: [&str; 8] =
        ["Firefox", "Code", "Terminal", "Thunderbird", "Spotify", "GIMP", "Files", "Signal"];
    match (hostile, NAMES.get(nth)) {
        (true, _) => HOSTILE[nth % HOSTILE.len()].to_owned(),
        (false, Some(name)) => (*name).to_owned(),
        (false, None) => format!("Program {nth}"),
    }
}

/// Numbers that look like life, the same each time.
const fn some(nth: usize, of: u64) -> u64 {
    (nth as u64).wrapping_mul(2_654_435_761).wrapping_add(nth as u64 * nth as u64 * 40_503) % of
}

/// A daemon's answers about a period.
#[derive(Clone, Copy)]
struct Life {
    days: i64,
    hostile: bool,
    rows: usize,
}

impl Life {
    fn report(self, query: &wire::Query) -> wire::Report {
        let by = query.by.clone().unwrap_or_else(|| "app".into());
        let before = query.period.as_deref() == Some("2026-11-02..2026-11-08");
        let scale = self.days.unsigned_abs() * if before { 7 } else { 10 };
        let row = |nth: usize| {
            let (key, name) = match by.as_str() {
                "domain" => (format!("site-{nth}.example"), format!("site-{nth}.example")),
                "category" => (format!("category-{nth}"), format!("category-{nth}")),
                _ => (format!("app{nth}"), name(nth, self.hostile)),
            };
            let ms = (3 * HOUR / (nth as u64 + 1) + some(nth, 10 * MINUTE)) * scale / 10;
            wire::Row {
                key,
                name,
                kind: "focus".into(),
                category: None,
                ms,
                opens: some(nth, 90),
                before_ms: query.compare.map(|_| ms / 10 * some(nth + 3, 20)),
            }
        };
        let mut rows: Vec<wire::Row> = (0..self.rows).map(row).collect();
        if let Some(top) = query.top.and_then(|top| usize::try_from(top).ok()).filter(|top| *top < rows.len())
        {
            let rest = rows.split_off(top);
            let ms = rest.iter().map(|row| row.ms).sum();
            rows.push(wire::Row {
                key: "others".into(),
                name: "others".into(),
                kind: "others".into(),
                ms,
                ..wire::Row::default()
            });
        }
        let total = rows.iter().map(|row| row.ms).sum();
        wire::Report {
            from_at_ms: MONDAY - if before { 7 * DAY } else { 0 },
            to_at_ms: MONDAY + if before { 0 } else { self.days * DAY },
            zone: "Europe/Athens".into(),
            by,
            total_ms: total,
            observed_ms: total,
            unobserved_ms: 40 * MINUTE,
            sealed_ms: if self.days > 300 { 20 * HOUR } else { 0 },
            rows,
            digest: Some(vec![format!("{}: its 30m were used by 21:10", name(0, self.hostile))]),
            intentions: Some(vec![wire::Intention {
                target: "domain:site-0.example".into(),
                name: name(1, self.hostile),
                at_ms: MONDAY + 8 * 3_600_000,
                planned_ms: 15 * MINUTE,
                actual_ms: 12 * MINUTE,
                to: self.hostile.then(|| HOSTILE[0].to_owned()),
                over: true,
            }]),
            // A part of a week would be compared with a part, too.
            compare: query.compare.map(|_| wire::Compared {
                from_at_ms: MONDAY - self.days * DAY,
                to_at_ms: MONDAY,
                total_ms: total * 7 / 10,
            }),
            ..wire::Report::default()
        }
    }

    fn picture(self) -> wire::Picture {
        let first: dwell_core::calendar::CivilDay = "2026-11-09".parse().unwrap();
        let day = |nth: i64| first.plus(i32::try_from(nth).unwrap()).to_string();
        let (bucket, buckets): (_, Vec<String>) = match self.days {
            1 => ("hour", (0..24).map(|nth| format!("{:02}", (nth + 4) % 24)).collect()),
            2..36 => ("day", (0..self.days).map(day).collect()),
            _ => ("month", (0..13).map(|nth| format!("{}-{:02}", 2026 + nth / 12, nth % 12 + 1)).collect()),
        };
        let series = |nth: usize, parts: Vec<u64>, named: String, last: usize| wire::Series {
            key: if nth < last { named.clone() } else { String::new() },
            name: if nth + 1 == last {
                "others".into()
            } else if nth == last {
                "(no category)".into()
            } else {
                named
            },
            kind: if nth + 1 == last {
                "others"
            } else if nth == last {
                "none"
            } else {
                "one"
            }
            .into(),
            parts_ms: parts,
        };
        let categories: Vec<wire::Series> = (0..10)
            .map(|nth| {
                let part = |bucket: usize| some(bucket * 31 + nth, HOUR) / (nth as u64 + 1);
                let named = if self.hostile {
                    HOSTILE[nth % HOSTILE.len()].to_owned()
                } else {
                    ["work", "video", "chat", "news", "games", "music", "mail", "office", "", ""][nth]
                        .to_owned()
                };
                series(nth, (0..buckets.len()).map(part).collect(), named, 9)
            })
            .collect();
        let awake = |slot: usize| (40..220).contains(&slot) && some(slot / 9, 5) > 0;
        let lane = |nth: usize| {
            let part = |slot: usize| {
                if awake(slot) && some(slot / 7 + nth * 13, 4) == 0 { some(slot + nth, 300_000) } else { 0 }
            };
            series(nth, (0..288).map(part).collect(), name(nth, self.hostile), 7)
        };
        let hours = (0..168_usize).map(|nth| {
            if (8..24).contains(&(nth % 24)) { some(nth, HOUR) * self.days.unsigned_abs() / 7 } else { 0 }
        });
        let single = self.days == 1;
        let kept = |nth: usize| wire::Kept {
            id: format!("rule-{nth}"),
            name: name(nth, self.hostile),
            rule: "app:firefox, 30m a day".into(),
            days: u32::try_from(self.days).unwrap(),
            within: u32::try_from(self.days).unwrap() * u32::try_from(nth).unwrap() / 3,
        };
        wire::Picture {
            first: day(0),
            last: day(self.days - 1),
            day_start: "04:00".into(),
            total_ms: categories.iter().flat_map(|series| &series.parts_ms).sum(),
            days: u32::try_from(self.days).unwrap(),
            hours_ms: hours.collect(),
            bucket: bucket.into(),
            buckets,
            categories,
            slot_ms: single.then_some(300_000),
            lanes: single.then(|| (0..8).map(lane).collect()),
            kept: (0..4).map(kept).collect(),
        }
    }

    fn answer(self, request: Request) {
        match request {
            Request::Report(query, reply) => drop(reply.send(Ok(self.report(&query)))),
            Request::Picture(_, reply) => drop(reply.send(Ok(self.picture()))),
            other => usual(other),
        }
    }

    fn run(self, place: &Place, arguments: &[&str]) -> Outcome {
        let _daemon = FakeDaemon::start(place, move |request| self.answer(request));
        place.run(arguments)
    }
}

fn pages() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages")
}

#[test]
fn pages_of_every_length() {
    fs::create_dir_all(pages()).unwrap();
    let place = Place::with_empty_bus();
    for (name, life) in [
        ("day", Life { days: 1, hostile: false, rows: 9 }),
        ("week", Life { days: 7, hostile: false, rows: 30 }),
        ("year", Life { days: 365, hostile: false, rows: 500 }),
        ("hostile-day", Life { days: 1, hostile: true, rows: 6 }),
        ("hostile-week", Life { days: 7, hostile: true, rows: 6 }),
        ("little", Life { days: 2, hostile: false, rows: 1 }),
    ] {
        let end = life.run(&place, &["report", "2026-11-09..2026-11-15", "--format", "html"]);
        assert_eq!((end.code, end.err.as_str()), (Some(0), ""), "{name}");
        assert!(end.out.len() <= 400 << 10, "{name}: {} bytes", end.out.len());
        assert!(end.out.starts_with("<!DOCTYPE html>\n<html lang=\"en\">") && end.out.ends_with("</html>\n"));
        for never in [
            "<script",
            "<img",
            "<link",
            "http:",
            "https:",
            "@import",
            "javascript:",
            "onerror=alert(1)>",
            "<style>*",
        ] {
            assert!(!end.out.contains(never), "{name} has {never}");
        }
        assert!(end.out.contains("content=\"default-src 'none'; style-src 'unsafe-inline'\""));
        if life.hostile {
            assert!(end.out.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{name}");
        }
        assert_eq!(end.out.contains("More than the week before"), life.days == 7, "{name}");
        fs::write(pages().join(format!("{name}.html")), end.out).unwrap();
    }
}

#[test]
fn a_page_beside_the_period_before() {
    fs::create_dir_all(pages()).unwrap();
    let place = Place::with_empty_bus();
    let life = Life { days: 7, hostile: false, rows: 30 };
    let end = life.run(&place, &["report", "lastweek", "--compare", "--format", "html"]);
    assert_eq!((end.code, end.err.as_str()), (Some(0), ""));
    for part in [
        "<dt>Before</dt><dd>",
        "<p class=\"beside\">Before: 2026-11-02 to 2026-11-08.</p>",
        "<th scope=\"col\">Before</th><th scope=\"col\">Change</th>",
        "<line class=\"before\"",
        "The line on a bar is where it ended before.",
    ] {
        assert!(end.out.contains(part), "{part} is not on the page");
    }
    fs::write(pages().join("beside.html"), &end.out).unwrap();
    let end = life.run(&place, &["report", "lastweek", "--format", "html"]);
    assert!(!end.out.contains("class=\"before\"") && !end.out.contains(">Change<"));
}

#[test]
fn a_week_as_markdown_begins_with_words() {
    let place = Place::with_empty_bus();
    let week = Life { days: 7, hostile: true, rows: 3 };
    let end = week.run(&place, &["report", "lastweek", "--format", "md"]);
    assert_eq!(end.code, Some(0));
    insta::assert_snapshot!(end.out, @r#"
        ## The week

        - 39h 06m of screen time, 11h 44m more than the week before.

        ## More than the week before

        - \<script>alert(1)\</script>: 21h, 6h 18m more than the week before.
        - Everything in “category-0”: 21h, 6h 18m more than the week before.
        - site-0.example: 21h, 6h 18m more than the week before.
        - ">\<img src=x onerror=alert(1)>: 10h 38m, 3h 11m more than the week before.
        - Everything in “category-1”: 10h 38m, 3h 11m more than the week before.

        ## Limits

        - \<script>alert(1)\</script>: its 30m were used by 21:10

        ## Planned

        - Planned once: 15m, of which 12m were used.

        | name | time | share | visits |
        |---|---:|---:|---:|
        | \<script>alert(1)\</script> | 21h | 53.7% | 0 |
        | ">\<img src=x onerror=alert(1)> | 10h 38m | 27.2% | 64 |
        | \</title>\</svg>\<style>\*{display:none}\</style> | 7h 27m | 19.1% | 44 |
        "#);
    // Of a part of a week nothing is compared.
    let end = Life { days: 5, ..week }.run(&place, &["report", "week", "--format", "md"]);
    assert!(end.out.starts_with("| name |"), "{}", end.out);
}

#[test]
fn for_prometheus_sites_are_named_only_if_asked_for() {
    let place = Place::with_empty_bus();
    let life = Life { days: 1, hostile: true, rows: 3 };
    let end = life.run(&place, &["report", "--format", "prometheus"]);
    assert_eq!((end.code, end.err.as_str()), (Some(0), ""));
    assert!(end.out.ends_with('\n') && !end.out.contains("site-0.example"));
    let end = life.run(&place, &["report", "--format", "prometheus", "--with-domains"]);
    assert!(end.out.contains("dwell_domain_seconds{domain=\"site-0.example\""));
}

#[test]
fn options_that_mean_nothing_are_refused() {
    let place = Place::with_empty_bus();
    let life = Life { days: 1, hostile: false, rows: 3 };
    let told = |arguments: &[&str]| {
        let end = life.run(&place, &[&["report"], arguments].concat());
        assert_eq!((end.code, end.out.as_str()), (Some(2), ""), "{arguments:?}");
        end.complaint().to_owned()
    };
    insta::assert_snapshot!(told(&["--format", "html", "--by", "day"]), @r#"dwell: this format shows every grouping; leave --by out"#);
    insta::assert_snapshot!(told(&["--format", "prometheus", "--compare"]), @"dwell: metrics are of one period, and have no room for another; leave --compare out; Prometheus itself compares with `offset`");
    insta::assert_snapshot!(told(&["--format", "csv", "--with-domains"]), @r#"dwell: --with-domains is for --format prometheus; to see sites: --by domain"#);
    insta::assert_snapshot!(told(&["--format", "md", "--save"]), @r#"dwell: --save is for --format html; other formats can be sent to a file: > FILE"#);
    insta::assert_snapshot!(told(&["--format", "html", "--json"]), @r#"{"schema":"dwell.error/1","kind":"usage","message":"--json and --format html do not go together","hint":"leave one out"}"#);
}

#[test]
fn a_page_is_saved_for_its_owner_alone() {
    let place = Place::with_empty_bus();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("weeks/page.html");
    let save = format!("--save={}", file.display());
    let life = Life { days: 7, hostile: false, rows: 3 };
    let end = life.run(&place, &["report", "lastweek", "--format", "html", &save]);
    assert_eq!((end.code, end.out.as_str()), (Some(0), ""));
    assert!(end.err.starts_with("saved in ") && end.err.ends_with(", which only you can read\n"), "{end:?}");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(fs::read_to_string(&file).unwrap().starts_with("<!DOCTYPE html>"));
    let end = life.run(&place, &["report", "--quiet", "--format", "html", "--save=/proc/nowhere/x.html"]);
    assert_eq!(end.code, Some(1));
    assert!(end.complaint().contains("cannot be written"), "{end:?}");
}

#[test]
fn no_page_stays_for_a_week_of_which_nothing_can_be_shown() {
    let place = Place::with_empty_bus();
    let page = place.path(".local/state/dwell/week.html");
    let save = ["report", "lastweek", "--format", "html", "--save"];
    let life = Life { days: 7, hostile: false, rows: 3 };
    for sealed_ms in [0, HOUR] {
        assert_eq!(life.run(&place, &save).code, Some(0));
        assert!(page.exists());
        let _daemon = FakeDaemon::start(&place, move |request| match request {
            Request::Report(query, reply) => {
                let report = life.report(&query);
                let empty = wire::Report { rows: vec![], total_ms: 0, observed_ms: 0, sealed_ms, ..report };
                drop(reply.send(Ok(empty)));
            }
            other => usual(other),
        });
        let end = place.run(&save);
        assert_eq!(end.code, Some(if sealed_ms > 0 { 4 } else { 3 }));
        assert!(end.err.starts_with("the page that was there before is gone\n"), "{end:?}");
        assert!(!page.exists());
        assert!(!place.run(&save).err.contains("before"), "there was none");
    }
}

#[test]
fn nothing_recorded_is_no_page() {
    let place = Place::with_empty_bus();
    let _daemon = FakeDaemon::start(&place, |request| match request {
        Request::Picture(_, reply) => {
            drop(reply.send(Err(Failure::new(Kind::NoData, "nothing is recorded of that time"))));
        }
        other => usual(other),
    });
    for format in ["html", "prometheus"] {
        let end = place.run(&["report", "yesterday", "--format", format]);
        assert_eq!(end.code, Some(3), "{end:?}");
    }
}
