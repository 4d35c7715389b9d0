//! Answers to what is asked over the bus.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

use dwell_bus::{Failure, Kind, Reply, Request, wire};
use dwell_core::report::{Before, By, Filter, Period, PeriodError};
use dwell_core::span::Activity;
use dwell_core::subject::{AppId, Subject, Target};
use dwell_core::time::{Millis, Reading};
use dwell_desktop::Surroundings;
use dwell_vault::Places;

use super::jobs::{ReportJob, SpansJob};
use super::standing::Named;
use super::targets::Resolved;
use super::{Hub, Sensors};
use crate::clock;
use crate::enforcement::Order;
use crate::environment::read_config;
use crate::keys;
use crate::pipe::pipe;

/// At most so many timelines are written at once: each takes a thread and a pipe.
const MAX_TIMELINES: usize = 8;

/// A sample may be this much ahead of our own reading of the clock, which is taken a moment later elsewhere.
const CLOCK_SLACK: Millis = Millis::from_ms(100);

impl Hub {
    /// Answers a request, now or when the store has done its part.
    pub(super) fn request(&mut self, request: Request) {
        if matches!(request, Request::Status(_) | Request::Doctor(_)) {
            // A browser that stays in front without its extension is told by nothing but time.
            self.say_browser_health(clock::now());
        }
        match request {
            Request::Status(reply) => answer(reply, Ok(self.status())),
            Request::Report(query, reply) => self.report(query, reply),
            Request::Picture(query, reply) => self.picture(query, reply),
            Request::Spans(period, reply) => answer(reply, self.spans(&period)),
            Request::ListLimits(reply) => {
                let limits = self.rules_must_be_there().map(|()| self.limits());
                answer(reply, limits);
            }
            Request::SetLimit(target, amount, options, reply) => match self.resolve(&target) {
                Ok(Resolved::Target(named)) => {
                    self.set_limit(&named, Millis::from_ms(amount), &options, reply);
                }
                Ok(Resolved::NotYet) => {
                    self.wait_for_subjects(Request::SetLimit(target, amount, options, reply))
                }
                Err(failure) => answer(reply, Err(failure)),
            },
            Request::RemoveLimit(id, reply) => {
                let removed = self.remove_limit(&id);
                self.save_rules_then(reply, removed);
            }
            Request::TryLimit(target, amount, options, period, reply) => match self.resolve(&target) {
                Ok(Resolved::Target(named)) => {
                    let target = self.counted(named);
                    self.try_limit(&target, Millis::from_ms(amount), &options, &period, reply);
                }
                Ok(Resolved::NotYet) => {
                    self.wait_for_subjects(Request::TryLimit(target, amount, options, period, reply));
                }
                Err(failure) => answer(reply, Err(failure)),
            },
            Request::ExportRules(reply) => {
                let text = self.rules_must_be_there().map(|()| self.book.text.to_text());
                answer(reply, text);
            }
            Request::CheckRules(text, reply) => {
                let checked = self.check_rules(&text);
                answer(reply, checked);
            }
            Request::ImportRules(text, reply) => {
                let imported = self.import_rules(&text);
                self.save_rules_then(reply, imported);
            }
            Request::ListPending(reply) => {
                let pending = self.list_pending();
                answer(reply, pending);
            }
            Request::Confirm(id, reply) => {
                let confirmed = self.confirm(&id);
                self.save_rules_then(reply, confirmed);
            }
            Request::Cancel(id, reply) => {
                let cancelled = self.cancel(&id);
                self.save_rules_then(reply, cancelled);
            }
            Request::AskSnooze(text, reply) => {
                let named = if self.book.held().iter().any(|held| held.rule.id.as_str() == text) {
                    Named::Rule(text)
                } else {
                    match self.resolve(&text) {
                        Ok(Resolved::Target(target)) => Named::Target(self.counted(target)),
                        Ok(Resolved::NotYet) => {
                            return self.wait_for_subjects(Request::AskSnooze(text, reply));
                        }
                        Err(failure) => return answer(reply, Err(failure)),
                    }
                };
                let asked = self.ask_snooze(&named);
                self.save_rules_then(reply, asked);
            }
            Request::Snooze(id, sentence, reply) => {
                let snoozed = self.snooze(&id, &sentence);
                self.save_rules_then(reply, snoozed);
            }
            Request::CloseTarget(target, reply) => match self.resolve(&target) {
                Ok(Resolved::Target(named)) => {
                    let target = self.counted(named);
                    let closed = self.close_target(&target);
                    answer(reply, closed);
                }
                Ok(Resolved::NotYet) => self.wait_for_subjects(Request::CloseTarget(target, reply)),
                Err(failure) => answer(reply, Err(failure)),
            },
            Request::Pause(length, reply) => {
                let paused = self.pause(Millis::from_ms(length));
                self.save_rules_then(reply, paused);
            }
            Request::Resume(what, reply) => {
                let resumed = self.end_pause(&what);
                self.save_rules_then(reply, resumed);
            }
            Request::Exit(cancel, reply) => {
                let exit = self.exit(cancel);
                self.save_rules_then(reply, exit);
            }
            Request::Focus(length, block, reply) => match self.resolve_all(&block) {
                Ok(Some(targets)) => {
                    let focus = self.focus(Millis::from_ms(length), targets);
                    self.save_rules_then(reply, focus);
                }
                Ok(None) => self.wait_for_subjects(Request::Focus(length, block, reply)),
                Err(failure) => answer(reply, Err(failure)),
            },
            Request::Intend(target, length, to, reply) => match self.resolve(&target) {
                Ok(Resolved::Target(named)) => {
                    let target = self.counted(named);
                    let intended = self.intend(target, Millis::from_ms(length), &to);
                    self.save_rules_then(reply, intended);
                }
                Ok(Resolved::NotYet) => self.wait_for_subjects(Request::Intend(target, length, to, reply)),
                Err(failure) => answer(reply, Err(failure)),
            },
            Request::ResetWeek(what, reply) => self.reset_week(&what, reply),
            Request::Standing(reply) => {
                self.tick(clock::now());
                let standing = self.rules_must_be_there().map(|()| self.standing());
                answer(reply, standing);
            }
            Request::ListTargets(reply) => match self.list_targets() {
                Ok(Some(targets)) => answer(reply, Ok(targets)),
                Ok(None) => self.wait_for_subjects(Request::ListTargets(reply)),
                Err(failure) => answer(reply, Err(failure)),
            },
            Request::ListCategories(reply) => {
                let categories = self.list_categories();
                answer(reply, categories);
            }
            Request::WhichCategory(target, reply) => match self.resolve(&target) {
                Ok(Resolved::Target(named)) => {
                    let classified = self.which_category(&named);
                    answer(reply, classified);
                }
                Ok(Resolved::NotYet) => self.wait_for_subjects(Request::WhichCategory(target, reply)),
                Err(failure) => answer(reply, Err(failure)),
            },
            Request::SetCategory(target, category, reply) => match self.resolve(&target) {
                Ok(Resolved::Target(named)) => {
                    let target = self.counted(named);
                    let set = self.set_category(target, &category);
                    self.save_rules_then(reply, set);
                }
                Ok(Resolved::NotYet) => self.wait_for_subjects(Request::SetCategory(target, category, reply)),
                Err(failure) => answer(reply, Err(failure)),
            },
            Request::Why(target, reply) => match self.resolve(&target) {
                Ok(Resolved::Target(target)) => {
                    let target = self.counted(target);
                    let why = self.why(&target);
                    answer(reply, why);
                }
                Ok(Resolved::NotYet) => self.wait_for_subjects(Request::Why(target, reply)),
                Err(failure) => answer(reply, Err(failure)),
            },
            Request::Check(target, reply) => match self.resolve(&target) {
                Ok(Resolved::Target(target)) => {
                    let target = self.counted(target);
                    let check = self.check(&target);
                    answer(reply, check);
                }
                Ok(Resolved::NotYet) => self.wait_for_subjects(Request::Check(target, reply)),
                Err(failure) => answer(reply, Err(failure)),
            },
            Request::Watch(reply) => answer(reply, self.watch()),
            Request::Doctor(reply) => {
                let mut parts = self.doctor();
                let places = Places::new(&self.data_dir);
                let config = self.config_path.clone();
                // It reads the vault's header and the configuration, and the hub reads no files.
                self.store.with(move |_| {
                    parts.extend(keys::part(&places));
                    parts.push(config_part(&config));
                    parts.sort_by_key(|part| ORDER.iter().position(|name| *name == part.part));
                    answer(reply, Ok(parts));
                });
            }
            Request::Attach(environment, reply) => {
                self.order(Order::Attach(Surroundings::new(environment)));
                answer(reply, Ok(()));
            }
            Request::Reload(reply) => answer(reply, self.reload()),
            Request::Intake(samples, reply) => answer(reply, self.intake(&samples)),
            Request::Browser(request) => self.browser_request(request),
            Request::Vault(request) => self.vault_request(request),
        }
    }

    pub(super) fn wait_for_subjects(&mut self, request: Request) {
        if self.waiting.is_empty() {
            self.look_up_subjects();
        }
        self.waiting.push_back(request);
    }

    fn status(&mut self) -> wire::Status {
        let limits = self.limits();
        let now = clock::now();
        let apps = self.count.apps(now);
        let total: Millis = apps.iter().map(|(_, time, _)| *time).sum();
        let row = |(app, time, opens): &(AppId, Millis, u64)| wire::Row {
            key: app.as_str().to_owned(),
            name: self.app_name(app),
            kind: "focus".to_owned(),
            category: self.category(&Subject::app(app.clone())).map(String::from),
            ms: time.as_ms(),
            opens: *opens,
            before_ms: None,
        };
        wire::Status {
            now_at_ms: now.wall.as_unix_ms(),
            zone: self.calendar().zone.name().to_owned(),
            state: self.state().as_str().to_owned(),
            paused: self.record.standing.paused_until(&self.moment(now)).is_some(),
            active: self
                .count
                .timeline()
                .attention()
                .and_then(|(activity, since)| self.active(activity, since)),
            total_ms: total.as_ms(),
            top: apps.iter().take(5).map(row).collect(),
            limits,
            health: self.parts(),
            vault: self.vault.as_str().to_owned(),
            standing: self.vault.is_there().then(|| self.standing()),
        }
    }

    fn active(&self, activity: &Activity, since: Reading) -> Option<wire::Active> {
        let app = activity.app()?;
        Some(wire::Active {
            app: app.as_str().to_owned(),
            name: self.app_name(app),
            domain: activity.charged().and_then(|s| s.domain).map(|d| d.as_str().to_owned()),
            since_at_ms: since.wall.as_unix_ms(),
        })
    }

    fn parts(&self) -> Vec<wire::Part> {
        let part = |health: &dwell_desktop::Health| wire::Part {
            part: health.part.to_owned(),
            ok: health.ok,
            message: health.message.clone(),
            fix: health.fix.clone(),
        };
        self.health.values().map(part).collect()
    }

    fn doctor(&self) -> Vec<wire::Part> {
        let mut parts = self.parts();
        parts.extend(self.idle_limits());
        let plain =
            |part: &str, message: String| wire::Part { part: part.into(), ok: true, message, fix: None };
        if self.sensors == Sensors::Own && !self.health.contains_key("focus") {
            // Nothing was said yet, and nothing said is not all well.
            let (message, fix) = ("the sensors are only starting".to_owned(), "ask again: dwell doctor");
            parts.push(wire::Part { part: "focus".into(), ok: false, message, fix: Some(fix.into()) });
        }
        if self.browsers.are_none() && !self.health.contains_key(super::browsers::PART) {
            let unlinked = "no browser is linked: time in browsers counts by program only";
            parts.push(plain(super::browsers::PART, unlinked.to_owned()));
        }
        parts.push(plain("store", format!("{}", self.data_dir.display())));
        parts.push(plain(
            "days",
            format!("in {}, starting at {}", self.calendar().zone.name(), self.calendar().day_start),
        ));
        parts
    }

    pub(super) fn period(&self, text: &str, now: Reading) -> Result<Period, Failure> {
        Period::parse(text, self.count.today(now)).map_err(|error| {
            if error == PeriodError::Future {
                let hint = "choose today or an earlier day";
                return Failure::new(Kind::NoData, format!("{text} is still to come")).hint(hint);
            }
            let hint = "write today, yesterday, week, lastweek, month, year, all, 7d, 2026-11-01 or 2026-11-01..2026-11-20";
            Failure::new(Kind::Invalid, error.to_string()).hint(hint)
        })
    }

    fn report(&mut self, query: wire::Query, reply: Reply<wire::Report>) {
        if self.known.is_none() && self.is_unclear(&query) {
            // Also where a text is no target at all: that is found out below, with the known subjects at hand.
            return self.wait_for_subjects(Request::Report(query, reply));
        }
        self.tick(clock::now());
        match self.report_job(&query) {
            Ok(job) => self.store.read(move |source| answer(reply, job.run(source))),
            Err(failure) => answer(reply, Err(failure)),
        }
    }

    /// Whether the known subjects tell what a query is about. What is counted as another program is looked up too: it may
    /// have been counted by itself once.
    pub(super) fn is_unclear(&self, query: &wire::Query) -> bool {
        let unclear = |text: &String| {
            text.parse::<Target>().map_or(true, |target| self.counted(target.clone()) != target)
        };
        let must_be_known = query.must_be_known.unwrap_or(false);
        query.only.iter().chain(&query.not).flatten().any(|text| must_be_known || unclear(text))
    }

    /// The targets of a query.
    pub(super) fn filter(&self, query: &wire::Query) -> Result<Filter, Failure> {
        let targets = |list: &Option<Vec<String>>| {
            let resolve = |text: &String| match self.resolve(text)? {
                Resolved::Target(target) => Ok(self.recorded(target)),
                Resolved::NotYet => Err(Failure::new(Kind::Failed, "the known subjects were not read")),
            };
            list.iter().flatten().map(resolve).collect::<Result<Vec<Target>, Failure>>()
        };
        let (only, not) = (targets(&query.only)?, targets(&query.not)?);
        if query.must_be_known.unwrap_or(false) {
            // What is left out may as well never have been there.
            only.iter().try_for_each(|target| self.must_be_seen(target))?;
        }
        Ok(Filter { only, not })
    }

    fn report_job(&self, query: &wire::Query) -> Result<ReportJob, Failure> {
        let now = clock::now();
        let by = query.by.as_deref().map_or(Ok(By::default()), str::parse);
        let by =
            by.map_err(|error| Failure::new(Kind::Invalid, error.to_string()).hint("choose one of these"))?;
        let filter = self.filter(query)?;
        let text = query.period.as_deref().unwrap_or("today");
        let period = self.period(text, now)?;
        let before =
            query.compare.unwrap_or(false).then(|| Before::of(text, period, self.calendar(), now.wall));
        let before = before.transpose().map_err(|error| {
            Failure::new(Kind::Invalid, error.to_string()).hint("choose a period, like month or 30d")
        })?;
        Ok(ReportJob {
            calendar: *self.calendar(),
            period,
            before,
            today: self.count.today(now),
            digest: self.digest(period),
            intentions: self.intentions(period, now),
            sessions: self.sessions(period, now),
            by,
            filter,
            top: query.top.and_then(|top| usize::try_from(top).ok()),
            open: self.count.timeline().open_span(now.boot),
            now,
            names: self.names.clone(),
            categories: self.categories.clone(),
        })
    }

    fn spans(&mut self, period: &str) -> Result<OwnedFd, Failure> {
        let now = clock::now();
        self.tick(now);
        let period = self.period(period, now)?;
        if Arc::strong_count(&self.timelines) > MAX_TIMELINES {
            return Err(
                Failure::new(Kind::Failed, "too many timelines are being read").hint("end one of them")
            );
        }
        let (read, writer) = pipe().map_err(|e| Failure::new(Kind::Failed, format!("no pipe: {e}")))?;
        let job = SpansJob {
            calendar: *self.calendar(),
            period,
            open: self.count.timeline().open_span(now.boot),
            names: self.names.clone(),
            categories: self.categories.clone(),
            store: self.store.downgrade(),
            _place: Arc::clone(&self.timelines),
        };
        let spawned = std::thread::Builder::new().name("spans".into()).spawn(move || job.run(writer));
        spawned.map_err(|e| Failure::new(Kind::Failed, format!("no thread: {e}")))?;
        Ok(read)
    }

    fn watch(&mut self) -> Result<OwnedFd, Failure> {
        let (read, writer) = pipe().map_err(|e| Failure::new(Kind::Failed, format!("no pipe: {e}")))?;
        if self.watchers.add(writer) {
            Ok(read)
        } else {
            Err(Failure::new(Kind::Failed, "too many watchers").hint("end one of them"))
        }
    }

    fn intake(&mut self, samples: &[dwell_core::sample::Sample]) -> Result<(), Failure> {
        if self.sensors != Sensors::Intake {
            let failure = Failure::new(Kind::Denied, "this daemon senses by itself and takes no samples");
            return Err(failure.hint("start dwelld with --sensors intake"));
        }
        let now = clock::now();
        if samples.iter().any(|sample| sample.at > now.boot + CLOCK_SLACK) {
            return Err(Failure::new(Kind::Invalid, "a sample is from the future of the boot clock"));
        }
        for sample in samples {
            let sample = self.taken(sample);
            self.sample(&sample, now);
        }
        Ok(())
    }
}

/// In which order a person reads the parts; any other comes before them.
const ORDER: &[&str] = &[
    "desktop",
    "focus",
    "windows",
    "terminal-programs",
    super::aliases::PART,
    "settings",
    "idle",
    "lock",
    "session",
    "sleep",
    "notifications",
    "browser",
    "vault",
    "key",
    "store",
    "config",
    "days",
];

/// Whether the configuration's file can be read. One that can was taken when it changed; one that cannot was not.
fn config_part(path: &Path) -> wire::Part {
    let (ok, message, fix) = match read_config(path) {
        Ok(_) if path.exists() => (true, path.display().to_string(), None),
        Ok(_) => (true, format!("{} does not exist: the defaults hold", path.display()), None),
        Err(failure) => {
            let (what, next) = failure.into_parts();
            (false, format!("{what}; the old one stays in force"), Some(next))
        }
    };
    wire::Part { part: "config".to_owned(), ok, message, fix }
}

/// Sends an answer. Who asked may have left.
fn answer<T>(reply: Reply<T>, result: Result<T, Failure>) {
    let _ = reply.send(result);
}
