//! A daemon in this process: the real served objects, and answers that a test chooses.

use std::os::fd::OwnedFd;
use std::thread::JoinHandle;

use dwell_bus::{Failure, Intake, Kind, NAME, Own, PATH, Request, Vault, wire};
use tokio::sync::{mpsc, oneshot};

use crate::place::Place;

/// 2026-11-21T22:05:00+02:00
pub(crate) const NOW: i64 = 1_795_291_500_000;
/// 2026-11-22T04:00:00+02:00
pub(crate) const MORNING: i64 = 1_795_312_800_000;
/// A zone that never moves its clocks, so that a day there always has 24 hours.
pub(crate) const STEADY: &str = "Asia/Tokyo";
pub(crate) const MINUTE: u64 = 60_000;

/// Serves until dropped.
pub(crate) struct FakeDaemon {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl FakeDaemon {
    /// Takes the name on the place's bus, and answers as [`usual`] does.
    pub(crate) fn usual(place: &Place) -> Self {
        Self::start(place, usual)
    }

    /// Takes the name on the place's bus, and answers by `answer`. Returns once the name is taken.
    pub(crate) fn start(place: &Place, mut answer: impl FnMut(Request) + Send + 'static) -> Self {
        let address = place.address().to_owned();
        let (stop, stopped) = oneshot::channel();
        let (tell, ready) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let (hub, mut requests) = mpsc::channel(8);
                let builder = zbus::connection::Builder::address(address.as_str()).unwrap();
                let served = builder.serve_at(PATH, Own::new(hub.clone())).unwrap();
                let served = served.serve_at(PATH, Intake::new(hub.clone())).unwrap();
                let served = served.serve_at(PATH, Vault::new(hub)).unwrap().name(NAME).unwrap();
                let _connection = served.build().await.unwrap();
                tell.send(()).unwrap();
                let answering = async {
                    while let Some(request) = requests.recv().await {
                        answer(request);
                    }
                };
                tokio::select! {
                    () = answering => {}
                    _ = stopped => {}
                }
            });
        });
        ready.recv().expect("the fake daemon did not start");
        Self { stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for FakeDaemon {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A pipe that holds these lines, closed at its end.
pub(crate) fn filled(lines: &[&str]) -> OwnedFd {
    use std::io::Write;
    let (read, mut write) = std::io::pipe().unwrap();
    lines.iter().for_each(|line| writeln!(write, "{line}").unwrap());
    read.into()
}

/// A whole timeline of these spans.
pub(crate) fn timeline(spans: &[&str]) -> OwnedFd {
    let end = format!("{{\"schema\":\"dwell.end/1\",\"spans\":{},\"damaged\":[]}}", spans.len());
    let lines: Vec<&str> = spans.iter().copied().chain([end.as_str()]).collect();
    filled(&lines)
}

/// Answers as a healthy daemon in the middle of a day does.
pub(crate) fn usual(request: Request) {
    match request {
        Request::Status(reply) => drop(reply.send(Ok(status()))),
        Request::Report(query, reply) => drop(reply.send(Ok(report(&query)))),
        Request::Spans(_, reply) => drop(reply.send(Ok(timeline(&[SPAN, SPAN])))),
        Request::ListLimits(reply) => {
            drop(reply.send(Ok(vec![today(limit("firefox", 30)), today(limit("code", 0))])));
        }
        Request::SetLimit(target, amount, options, reply) => drop(reply.send(set(&target, amount, &options))),
        Request::RemoveLimit(id, reply) => drop(reply.send(if id == "firefox" {
            Ok(wire::Change {
                lines: vec!["removed: firefox (app:firefox)".into()],
                ..change("looser", true)
            })
        } else {
            Err(Failure::new(Kind::NotFound, format!("there is no limit \"{id}\""))
                .hint("did you mean \"firefox\"?"))
        })),
        Request::Why(target, reply) => drop(reply.send(resolve(&target).map(|target| wire::Why {
            target,
            verdict: "blocked".into(),
            until_at_ms: Some(next_morning()),
            without_extension: None,
            rules: vec![today(limit("firefox", 30))],
            zone: STEADY.into(),
        }))),
        Request::Check(target, reply) => drop(reply.send(resolve(&target).map(|target| {
            let blocked = target == "app:firefox";
            wire::Check {
                target,
                verdict: if blocked { "blocked" } else { "allowed" }.into(),
                rule: blocked.then(|| "firefox".into()),
                until_at_ms: blocked.then(next_morning),
                without_extension: None,
                zone: STEADY.into(),
            }
        }))),
        Request::Watch(reply) => drop(reply.send(Ok(filled(&[EVENT, EVENT])))),
        Request::Doctor(reply) => drop(reply.send(Ok(vec![part("focus", true), part("idle", true)]))),
        Request::Attach(_, reply) | Request::Reload(reply) | Request::Intake(_, reply) => {
            drop(reply.send(Ok(())))
        }
        Request::Vault(request) => crate::caretaker::usual(request),
        other => crate::rulekeeper::usual(other),
    }
}

/// One span, as the daemon writes it.
pub(crate) const SPAN: &str = r#"{"schema":"dwell.span/1","start":"2026-11-21T21:40:00.000+02:00","end":"2026-11-21T21:41:30.250+02:00","seconds":90,"app":"firefox","name":"Firefox","domain":null,"category":null,"kind":"focus"}"#;
/// One event, as the daemon writes it.
pub(crate) const EVENT: &str = r#"{"schema":"dwell.event/1","at":"2026-11-21T22:05:07.250+02:00","event":"focus","app":"firefox","name":"Firefox"}"#;

pub(crate) fn part(name: &str, ok: bool) -> wire::Part {
    wire::Part { part: name.into(), ok, message: "x11".into(), fix: (!ok).then(|| "mend it".into()) }
}

pub(crate) fn status() -> wire::Status {
    wire::Status {
        now_at_ms: NOW,
        zone: "Europe/Athens".into(),
        state: "active".into(),
        paused: false,
        active: Some(wire::Active {
            app: "firefox".into(),
            name: "Firefox".into(),
            domain: None,
            since_at_ms: NOW - 60_000,
        }),
        total_ms: 30 * MINUTE,
        top: vec![row("firefox", 30 * MINUTE)],
        limits: vec![limit("firefox", 30)],
        health: vec![part("focus", true)],
        vault: "open".into(),
        standing: None,
    }
}

fn row(key: &str, ms: u64) -> wire::Row {
    let (key, kind) = (key.to_owned(), "focus".to_owned());
    wire::Row { name: key.clone(), key, kind, ms, opens: 1, ..wire::Row::default() }
}

/// A report of what was asked, so that a test sees the question: the filters are the rows.
pub(crate) fn report(query: &wire::Query) -> wire::Report {
    let nothing = query.period.as_deref() == Some("yesterday");
    let mut rows = vec![row("firefox", 30 * MINUTE + 400), row("code", 400), row("xterm", 400)];
    rows.extend(query.only.iter().flatten().map(|target| row(&format!("only {target}"), 0)));
    rows.extend(query.not.iter().flatten().map(|target| row(&format!("not {target}"), 0)));
    rows.extend(query.top.map(|top| row(&format!("top {top}"), 0)));
    let compare = query.compare.filter(|compare| *compare).map(|_| wire::Compared {
        from_at_ms: MORNING - 2 * 86_400_000,
        to_at_ms: NOW - 86_400_000,
        total_ms: 10 * MINUTE,
    });
    if compare.is_some() {
        rows.iter_mut().for_each(|row| row.before_ms = Some(0));
        rows[0].before_ms = Some(10 * MINUTE);
    }
    if nothing {
        rows.clear();
    }
    let total = rows.iter().map(|row| row.ms).sum();
    wire::Report {
        from_at_ms: MORNING - 86_400_000,
        to_at_ms: NOW,
        zone: "Europe/Athens".into(),
        by: query.by.clone().unwrap_or_else(|| "app".into()),
        total_ms: total,
        observed_ms: total,
        rows,
        compare,
        ..wire::Report::default()
    }
}

pub(crate) fn limit(id: &str, used_minutes: u64) -> wire::Limit {
    let budget = 30 * MINUTE;
    let used = used_minutes * MINUTE;
    wire::Limit {
        id: id.into(),
        alias: None,
        target: format!("app:{id}"),
        used_ms: used,
        budget_ms: Some(budget),
        left_ms: Some(budget.saturating_sub(used)),
        verdict: if used >= budget { "blocked" } else { "allowed" }.into(),
        until_at_ms: (used >= budget).then_some(MORNING),
        per: "day".into(),
        at_limit: "block".into(),
        warn_ms: 5 * MINUTE,
        renews_at_ms: MORNING,
        zone: "Europe/Athens".into(),
        because: (used >= budget).then(|| "budget".into()),
        ..wire::Limit::default()
    }
}

/// A change of one rule.
pub(crate) fn change(is: &str, applied: bool) -> wire::Change {
    wire::Change { is: is.into(), applied, rules: 2, zone: "Europe/Athens".into(), ..wire::Change::default() }
}

/// The next 04:00 where the clocks stay as they are.
pub(crate) fn next_morning() -> i64 {
    const HOUR: i64 = 3_600_000;
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    // There it is 04:00 at 19:00 UTC.
    let (day, hour) = (24 * HOUR, 19 * HOUR);
    let now = i64::try_from(since.as_millis()).unwrap();
    now + day - (now - hour).rem_euclid(day)
}

/// The same limit as of now: where an answer has no "now" of its own, the program takes the clock's.
pub(crate) fn today(limit: wire::Limit) -> wire::Limit {
    let renews_at_ms = next_morning();
    let until_at_ms = limit.until_at_ms.map(|_| renews_at_ms);
    wire::Limit { until_at_ms, renews_at_ms, zone: STEADY.into(), ..limit }
}

pub(crate) fn set(target: &str, amount: u64, options: &wire::LimitOptions) -> Result<wire::Limit, Failure> {
    let target = resolve(target)?;
    if options.warn_ms.is_some_and(|warn| warn > amount) {
        let failure = Failure::new(Kind::Invalid, "the warning comes before the limit begins");
        return Err(failure.hint("choose a warning shorter than the amount"));
    }
    let timed = options.opens.is_none() && options.only_hours != Some(true);
    let hours = |word: &str, windows: &[String]| format!("{word} {}", windows.join(", "));
    Ok(wire::Limit {
        id: options.id.clone().unwrap_or_else(|| "firefox".into()),
        target,
        budget_ms: timed.then_some(amount),
        left_ms: timed.then_some(amount),
        budget_opens: options.opens,
        used_opens: options.opens.map(|_| 0),
        per: options.per.clone().unwrap_or_else(|| "day".into()),
        days: options.on.clone().filter(|days| days != "mon-sun"),
        hours: match (&options.blocked, &options.allowed) {
            (Some(windows), _) => Some(hours("blocked", windows)),
            (None, Some(windows)) => Some(hours("allowed", windows)),
            (None, None) => None,
        },
        strict: Some(options.strict.clone().unwrap_or_else(|| "cooling".into())),
        except: options.except.clone(),
        warn_ms: options.warn_ms.unwrap_or(5 * MINUTE),
        at_limit: options.at_limit.clone().unwrap_or_else(|| "block".into()),
        ..today(limit("firefox", if timed && amount == 0 { 30 } else { 0 }))
    })
}

pub(crate) fn resolve(target: &str) -> Result<String, Failure> {
    match target {
        "chrome" => {
            let failure = Failure::new(Kind::Invalid, "\"chrome\" could be app:chromium, app:google-chrome");
            Err(failure.hint("write one of these in full"))
        }
        "nobody" => {
            Err(Failure::new(Kind::NotFound, "nothing known is called \"nobody\"").hint("write app:nobody"))
        }
        prefixed if prefixed == "all" || prefixed.contains(':') => Ok(prefixed.to_owned()),
        bare => Ok(format!("app:{}", bare.to_lowercase())),
    }
}
