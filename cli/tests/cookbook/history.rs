//! A made-up month: somebody writes software by day, and watches or plays in the evening. Today is the same on every day
//! on which this runs; how long things took on the days before depends on the weekday and on how many weeks ago it was.

use std::path::Path;

use dwell_core::calendar::CivilDay;
use dwell_core::span::{Activity, Span};
use dwell_core::subject::{AppId, Domain, Subject};
use dwell_core::time::{Boot, Millis, Reading, Wall};
use dwell_vault::{Places, Row, Vault};

use crate::kitchen::Now;

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 1_440 * MINUTE_MS;
/// Days before today.
const DAYS: i32 = 40;

/// What is done, from when for how many minutes.
struct Plan(Vec<(i64, i64, Doing)>);

#[derive(Clone, Copy)]
enum Doing {
    Program(&'static str),
    Site(&'static str),
    Private,
    Unobserved,
}

const EDITOR: Doing = Doing::Program("code");
const TERMINAL: Doing = Doing::Program("foot");
const MAIL: Doing = Doing::Program("thunderbird");
const GAME: Doing = Doing::Program("supertuxkart");

impl Plan {
    /// From this time of day on, one after the other.
    fn from(&mut self, hour: i64, minute: i64, what: &[(i64, Doing)]) {
        let mut start = hour * 60 + minute;
        for &(minutes, doing) in what {
            self.0.push((start, minutes, doing));
            start += minutes;
        }
    }

    fn morning(&mut self, more: i64) {
        self.from(9, 0, &[(50, EDITOR), (8, Doing::Site("docs.rs")), (30 + more, EDITOR), (12, TERMINAL)]);
        self.from(11, 0, &[(15, MAIL), (10, Doing::Site("github.com")), (20, EDITOR)]);
    }

    /// Here and there, as when something does not work.
    fn search(&mut self) {
        let to_and_fro = [(2, EDITOR), (1, Doing::Site("docs.rs"))];
        self.from(14, 0, &to_and_fro.repeat(12));
    }

    fn today() -> Self {
        let mut plan = Self(Vec::new());
        plan.morning(0);
        plan.from(12, 0, &[(52, Doing::Site("youtube.com")), (4, Doing::Site("bbc.co.uk"))]);
        plan.search();
        plan
    }

    fn of(day: CivilDay, today: CivilDay) -> Self {
        let weekday = i64::from(day.days_from_monday());
        let monday = |day: CivilDay| i64::from(day.epoch_days()) - i64::from(day.days_from_monday());
        let weeks_ago = (monday(today) - monday(day)) / 7;
        let mut plan = Self(Vec::new());
        plan.morning(weekday * 2 + 4 * (weeks_ago % 3));
        plan.search();
        plan.from(15, 0, &[(12, Doing::Unobserved), (25, EDITOR), (6, Doing::Private)]);
        let watched = 20 + weekday * 3 + 10 * (weeks_ago % 3);
        plan.from(20, 0, &[(watched, Doing::Site("youtube.com")), (9, Doing::Site("bbc.co.uk")), (18, GAME)]);
        plan
    }

    fn spans(&self, midnight: Wall) -> impl Iterator<Item = Span> {
        self.0.iter().map(move |&(start, minutes, doing)| {
            let firefox = || AppId::new("firefox").unwrap();
            let activity = match doing {
                Doing::Program(app) => Activity::Focus(Subject::app(AppId::new(app).unwrap())),
                Doing::Site(site) => {
                    Activity::Focus(Subject { app: firefox(), domain: Some(Domain::new(site).unwrap()) })
                }
                Doing::Private => Activity::Private(firefox()),
                Doing::Unobserved => Activity::Unobserved,
            };
            let wall = Wall::from_unix_ms(midnight.as_unix_ms() + start * MINUTE_MS);
            let boot = Boot::from_ms((start * MINUTE_MS).cast_unsigned());
            let length = Millis::from_ms((minutes * MINUTE_MS).cast_unsigned());
            Span { start: Reading::new(boot, wall), length, activity }
        })
    }
}

/// Makes a vault with that month in a data folder.
pub(crate) fn record(data: &Path, now: &Now) {
    let (mut vault, _) = Vault::open_or_create(&Places::new(data)).unwrap();
    let today = now.today();
    for back in (0..=DAYS).rev() {
        let day = today.plus(-back);
        let plan = if back == 0 { Plan::today() } else { Plan::of(day, today) };
        let midnight = Wall::from_unix_ms(i64::from(day.epoch_days()) * DAY_MS - now.offset_ms());
        let rows: Vec<_> = plan.spans(midnight).map(|span| (day, Row::Span(span))).collect();
        vault.append_all(&rows).unwrap();
        vault.seal_before(day).unwrap();
    }
    vault.close();
}
