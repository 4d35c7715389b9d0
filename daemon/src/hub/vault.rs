//! What the hub knows of the vault's condition, the counters that outlive it, and what is asked about it.

use dwell_bus::{Failure, Kind, VaultRequest, wire};
use dwell_core::calendar::{Calendar, CivilDay};
use dwell_core::count::CHECKPOINT;
use dwell_core::ledger::Tally;
use dwell_core::rules::RuleId;
use dwell_core::sample::{Fact, Sample};
use dwell_core::span::Activity;
use dwell_core::subject::Target;
use dwell_core::time::{Boot, Reading};
use dwell_desktop::Health;
use dwell_vault::What;

use super::book::Book;
use super::charging::calendar_of;
use super::targets::Resolved;
use super::{Hub, Past};
use crate::care::Errand;
use crate::clock;
use crate::record::Counters;
use crate::store::{Condition, Known, News};

/// What the hub knows of the vault.
pub(super) struct VaultView {
    condition: Condition,
    /// What was found when it was opened and is still so: one line each.
    problems: Vec<String>,
    /// Why it takes no writes.
    pub(super) degraded: Option<String>,
    /// Why days are counted as before, and not anew.
    pub(super) unread_history: Option<String>,
    /// Why the rules are not known, though the vault is there: nothing may take their place.
    unread_rules: Option<String>,
    /// When this daemon began to count.
    began: Reading,
    /// What was forgotten just now is not counted any more once the count that was asked for comes.
    forgetting: bool,
    /// When counters were last kept.
    counters_kept: Option<Boot>,
    /// What rules were charged that cannot be counted any more, because history is locked away.
    carried: Counters,
}

impl VaultView {
    pub(super) const fn new(condition: Condition, problems: Vec<String>, began: Reading) -> Self {
        Self {
            condition,
            problems,
            degraded: None,
            unread_history: None,
            unread_rules: None,
            began,
            forgetting: false,
            counters_kept: None,
            carried: Counters::new(),
        }
    }

    /// Whether the rules are at hand.
    pub(super) const fn is_there(&self) -> bool {
        !matches!(self.condition, Condition::Waiting(_)) && self.unread_rules.is_none()
    }

    /// What a rule was charged in a period beside what is counted: locked away, or forgotten.
    pub(super) fn beside(&self, forgotten: &Counters, id: &RuleId, period: i64) -> Tally {
        let of = |counters: &Counters| {
            let counter = counters.get(id.as_str()).filter(|(of, _)| *of == period);
            counter.map_or_else(Tally::default, |(_, tally)| *tally)
        };
        of(&self.carried) + of(forgotten)
    }

    /// `open` or `sealed`.
    pub(super) const fn as_str(&self) -> &'static str {
        match self.condition {
            Condition::Open => "open",
            Condition::Sealed(_) | Condition::Waiting(_) => "sealed",
        }
    }
}

impl Hub {
    /// Says how the vault is, where that is news.
    pub(super) fn say_vault_health(&mut self) {
        let view = &self.vault;
        let problem = view
            .degraded
            .iter()
            .chain(&view.unread_rules)
            .chain(&view.unread_history)
            .chain(&view.problems)
            .next();
        let (message, backend, waits) = match &view.condition {
            Condition::Open => ("open".to_owned(), "open", false),
            Condition::Sealed(why) => {
                (format!("recording, with history locked away: {why}"), "sealed", false)
            }
            Condition::Waiting(why) => {
                let message = format!(
                    "waiting for its key: {why}; time is counted in memory, and no limit holds until it comes"
                );
                (message, "waiting", true)
            }
        };
        let ok = problem.is_none() && !waits;
        let message = problem.filter(|_| !waits).cloned().unwrap_or(message);
        let fix = match (ok, waits) {
            (true, _) => None,
            (false, true) => Some("dwell vault unlock"),
            (false, false) if view.degraded.is_some() => Some("free some space on the disk"),
            (false, false) if view.unread_rules.is_some() => Some("install that version again"),
            (false, false) => Some("dwell vault verify"),
        };
        self.set_health(Health { part: "vault", ok, message, fix: fix.map(str::to_owned), backend });
    }

    /// Takes news of the store.
    pub(super) fn store_news(&mut self, news: News) {
        match news {
            News::Degraded(why) => {
                tracing::warn!("{why}; spans are held in memory");
                self.vault.degraded = Some(format!("{why}; up to a day is held in memory"));
            }
            News::Recovered => {
                tracing::info!("the vault takes writes again");
                self.sealed_before = None;
                self.vault.degraded = None;
            }
            News::Accepted => self.vault.problems.clear(),
            News::Condition(condition) => self.condition_changed(condition),
            News::Opened(known) => self.adopt(*known),
            News::Imported => {
                // Periods that are longer than a day may have more to count, and there are names to know.
                self.known = None;
                self.recount(self.recounts.wanted(&self.count));
            }
            News::Forgot(what) => {
                // They are gone from what is kept already.
                if self.record.forget(&what) > 0 {
                    self.save_record();
                }
                self.store.with(move |shelf| shelf.hub_forgot(&what));
                // What limits have counted stays counted: forgetting is no way to get time back.
                self.vault.forgetting = true;
                self.recount(self.recounts.wanted(&self.count));
            }
        }
        self.say_vault_health();
    }

    fn condition_changed(&mut self, condition: Condition) {
        tracing::info!(state = ?condition, "vault");
        let opened = condition == Condition::Open;
        self.vault.condition = condition;
        self.known = None;
        if opened {
            // What was locked away can be counted now.
            self.recount(self.recounts.wanted(&self.count));
        } else {
            let now = clock::now();
            let today = self.count.today(now);
            if self.count.is_settled_before(today, now) {
                self.count.drop_before(today);
            }
        }
    }

    /// Takes up what the vault knew, now that its key has come.
    fn adopt(&mut self, known: Known) {
        let now = clock::now();
        match Past::of(known) {
            Ok(past) => {
                self.vault.problems = past.problems;
                // Told before the condition changes: from here on the record may be written.
                self.vault.condition = Condition::Sealed(String::new());
                self.book = Book::new(past.text);
                self.record = past.record;
                self.record.standing.resume_clock(&crate::record::boot_id(), now.boot);
                // None of it has been counted since this daemon began; what it counted comes on top.
                self.vault.carried = self.not_forgotten();
                let charging = self.record.charging.clone();
                let calendar = charging.map(|charging| calendar_of(&charging, &self.config));
                if let Some(calendar) =
                    calendar.filter(|calendar| *calendar != self.recounts.wanted(&self.count))
                {
                    // Until now days were counted by the configuration: the kept counters are of other periods.
                    self.recount_as_kept(calendar);
                }
                self.note_counters(now);
                let began = self.vault.began;
                self.count_absence(&past.recent, past.cut_off, began);
                self.categories_changed();
                self.resume(now);
                self.charging_changed();
                self.save_record();
                self.recount(self.recounts.wanted(&self.count));
            }
            Err(error) => {
                tracing::error!("{error}");
                self.vault.unread_rules = Some(error.to_string());
            }
        }
    }

    /// By which zone's hours the vault counts.
    pub(super) fn count_hours_by(&self, calendar: Calendar) {
        self.store.with(move |shelf| shelf.set_calendar(calendar));
    }

    /// Rules can be changed and asked only where those that there are have been read.
    pub(super) fn rules_must_be_there(&self) -> Result<(), Failure> {
        if let Some(why) = &self.vault.unread_rules {
            let failure = Failure::new(Kind::StorageDegraded, why.clone());
            return Err(failure.hint("install that version again; nothing was changed"));
        }
        match &self.vault.condition {
            Condition::Waiting(why) => {
                let failure =
                    Failure::new(Kind::Locked, format!("the rules wait for the vault's key: {why}"));
                Err(failure.hint("dwell vault unlock"))
            }
            Condition::Open | Condition::Sealed(_) => Ok(()),
        }
    }

    /// What the counters have beside what was forgotten.
    fn not_forgotten(&self) -> Counters {
        let forgotten = &self.record.forgotten;
        let rest = self.record.charged.iter().map(|(id, (period, tally))| {
            let forgotten = forgotten.get(id).filter(|(of, _)| of == period);
            (id.clone(), (*period, tally.beyond(forgotten.map_or_else(Tally::default, |(_, tally)| *tally))))
        });
        rest.filter(|(_, (_, tally))| !tally.is_zero()).collect()
    }

    /// After a count was made anew: what the counters have beyond it is locked away or was forgotten, and goes on
    /// being counted. Where all is there to be read and nothing was forgotten, the count alone says what was used.
    pub(super) fn carry_counters(&mut self, now: Reading) {
        let forgot = std::mem::take(&mut self.vault.forgetting);
        let kept = self.not_forgotten();
        self.vault.carried.clear();
        self.book.stale();
        let verdicts = self.judged(now);
        let period = |id: &str| verdicts.rules.iter().find(|judged| judged.id().as_str() == id);
        self.record.forgotten.retain(|id, (of, _)| period(id).is_some_and(|judged| judged.period == *of));
        let forgotten = &self.record.forgotten;
        let beyond: Counters = kept
            .into_iter()
            .filter_map(|(id, (of, tally))| {
                let judged = period(&id).filter(|judged| judged.period == of)?;
                let known = forgotten.get(&id).map_or_else(Tally::default, |(_, tally)| *tally);
                let beyond = tally.beyond(judged.used.beyond(known));
                Some((id, (of, beyond))).filter(|_| !beyond.is_zero())
            })
            .collect();
        match self.vault.condition {
            Condition::Open => {
                if forgot {
                    for (id, (of, tally)) in beyond {
                        let forgotten = self.record.forgotten.entry(id).or_insert((of, Tally::default()));
                        forgotten.1 = forgotten.1 + tally;
                    }
                    self.save_record();
                }
            }
            Condition::Sealed(_) | Condition::Waiting(_) => self.vault.carried = beyond,
        }
    }

    /// Notes what rules were charged; says whether that is news.
    pub(super) fn note_counters(&mut self, now: Reading) -> bool {
        if self.recounts.under_way() {
            return false;
        }
        let verdicts = self.judged(now);
        let counted = verdicts.rules.iter().filter(|judged| judged.rule.budget.is_some());
        let charged: Counters =
            counted.map(|judged| (judged.id().as_str().to_owned(), (judged.period, judged.used))).collect();
        let news = self.record.charged != charged;
        self.record.charged = charged;
        news
    }

    /// Keeps the counters, if something limited was charged, with each checkpoint and at least as often: after a kill
    /// that is what they are short of.
    pub(super) fn save_counters(&mut self, checkpoint: bool) {
        let now = clock::now();
        let since = |kept: Boot| now.boot.since(kept).is_none_or(|since| since >= CHECKPOINT);
        if self.book.held().is_empty()
            || self.recounts.under_way()
            || !(checkpoint || self.vault.counters_kept.is_none_or(since))
        {
            return;
        }
        if self.note_counters(now) {
            self.vault.counters_kept = Some(now.boot);
            self.save_record();
        }
    }

    /// Hands on what is asked about the vault, with what only the hub knows.
    pub(super) fn vault_request(&mut self, request: VaultRequest) {
        let request = match request {
            VaultRequest::Import(spans, dry_run, reply) => return self.import(spans, dry_run, reply),
            other => other,
        };
        let what = match &request {
            VaultRequest::WouldForget(selection, _) | VaultRequest::Forget(selection, _) => {
                match self.selected(selection) {
                    Ok(Some(what)) => Some(what),
                    Ok(None) => return self.wait_for_subjects(dwell_bus::Request::Vault(request)),
                    Err(failure) => return refuse(request, failure),
                }
            }
            _ => None,
        };
        match request {
            VaultRequest::Forget(..) => self.split_open_span(),
            // What is weighed, checked or copied is everything up to now.
            VaultRequest::WouldForget(..) | VaultRequest::Verify(_) | VaultRequest::Backup(..) => {
                let outcome = self.count.checkpoint(clock::now());
                self.take(outcome);
            }
            _ => {}
        }
        let zone = self.calendar().zone.name().to_owned();
        if let Err(error) = self.errands.send(Errand { request, what, zone }) {
            refuse(error.0.request, Failure::new(Kind::Failed, "the daemon is stopping").hint("try again"));
        }
    }

    /// What is to be forgotten; `None`: the known subjects have to be read first.
    fn selected(&self, selection: &wire::Selection) -> Result<Option<What>, Failure> {
        let day = |text: &String| {
            text.parse::<CivilDay>().map_err(|_| {
                Failure::new(Kind::Invalid, format!("\"{text}\" is no day")).hint("write it like 2026-11-01")
            })
        };
        let wire::Selection { before, day: one, app, domain } = selection;
        if let Some(text) = before {
            return day(text).map(|day| Some(What::Before(day)));
        }
        if let Some(text) = one {
            return day(text).map(|day| Some(What::Day(day)));
        }
        let (text, prefix) = match (app, domain) {
            (Some(app), _) => (app, "app:"),
            (None, Some(domain)) => (domain, "domain:"),
            (None, None) => return Err(Failure::new(Kind::Invalid, "nothing to forget was named")),
        };
        // What is named in full is taken as it is, known or not.
        let resolved = self.resolve(text).or_else(|failure| {
            // A program and a domain may be called the same: here it is known which of them is meant.
            if failure.kind == Kind::NotFound {
                Err(failure)
            } else {
                self.resolve(&format!("{prefix}{text}"))
            }
        })?;
        match resolved {
            Resolved::NotYet => Ok(None),
            Resolved::Target(Target::App(app)) if prefix == "app:" => Ok(Some(What::App(app))),
            Resolved::Target(Target::Domain(domain)) if prefix == "domain:" => Ok(Some(What::Domain(domain))),
            Resolved::Target(target) => {
                let failure = Failure::new(Kind::Invalid, format!("{target} is none of that kind"));
                Err(failure.hint("`--app` takes a program, `--domain` a domain"))
            }
        }
    }

    /// Ends the open span and begins the next one: what is forgotten ends now, and what comes after counts.
    fn split_open_span(&mut self) {
        let now = clock::now();
        let Some((Activity::Focus(subject), _)) = self.count.timeline().attention() else { return };
        let app = subject.app.clone();
        for fact in [Fact::FocusUnknown, Fact::Focus(Some(app))] {
            self.sample(&Sample { at: now.boot, fact }, now);
        }
    }
}

/// Answers a request about forgetting with a failure.
fn refuse(request: VaultRequest, failure: Failure) {
    match request {
        VaultRequest::WouldForget(_, reply) => _ = reply.send(Err(failure)),
        VaultRequest::Forget(_, reply) => _ = reply.send(Err(failure)),
        // Dropping the place for the answer says that the daemon is stopping.
        _ => {}
    }
}
