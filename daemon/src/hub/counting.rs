//! Counting: hands what the count says to the store, and has it made anew when days become others.

use dwell_core::calendar::{Calendar, CivilDay};
use dwell_core::count::{Count, Entry, LABEL_SLACK, Outcome, around};
use dwell_core::span::{Activity, Span};
use dwell_core::time::{Boot, Millis, Reading};
use dwell_vault::Row;
use tokio::sync::mpsc;

use super::{Hub, Later};
use crate::store::Upkeep;
use crate::{clock, record};

/// The two clocks are not read at one instant; a shorter difference is no sleep.
const SLEEP_MIN: Millis = Millis::from_secs(1);

/// The recorded spans that a recount asked for.
pub(super) struct Answer {
    ticket: u64,
    /// The first day that was asked for.
    from: CivilDay,
    spans: Result<Vec<(CivilDay, Span)>, String>,
}

/// Recounts that are under way. The newest one counts.
pub(super) struct Recounts {
    ticket: u64,
    /// The calendar that will be in force after the one that is under way.
    pending: Option<Calendar>,
    /// The first day that somebody waits for.
    wish: Option<CivilDay>,
    pub(super) answers: (mpsc::UnboundedSender<Answer>, mpsc::UnboundedReceiver<Answer>),
}

impl Default for Recounts {
    fn default() -> Self {
        Self { ticket: 0, pending: None, wish: None, answers: mpsc::unbounded_channel() }
    }
}

impl Recounts {
    /// The calendar in force, or soon to be.
    pub(super) fn wanted(&self, count: &Count) -> Calendar {
        self.pending.unwrap_or(*count.calendar())
    }

    /// Whether what is charged today is not known for a moment.
    pub(super) const fn under_way(&self) -> bool {
        self.pending.is_some()
    }
}

impl Hub {
    /// Has recorded what is to be recorded, and a clock that was set taken notice of.
    pub(super) fn take(&mut self, outcome: Outcome) {
        let rows = outcome.entries.into_iter().map(|(day, entry)| match entry {
            Entry::Span(span) => (day, Row::Span(span)),
            Entry::Checkpoint(span) => (day, Row::Checkpoint(span)),
        });
        let rows: Vec<(CivilDay, Row)> = rows.collect();
        if !rows.is_empty() {
            let checkpoint = rows.iter().any(|(_, row)| matches!(row, Row::Checkpoint(_)));
            self.store.append(rows);
            self.save_counters(checkpoint);
        }
        if let Some(moved_ms) = outcome.clock_moved_ms {
            tracing::info!(moved_ms, "the wall clock was set");
            self.say_clock_step(moved_ms);
            self.recount(self.recounts.wanted(&self.count));
        }
    }

    /// Asks the store for what is recorded around today, to count it anew.
    pub(super) fn recount(&mut self, calendar: Calendar) {
        // What was charged up to now is what the new count is measured against.
        self.note_counters(clock::now());
        self.recount_as_kept(calendar);
    }

    /// The same, measured against the counters as they were kept.
    pub(super) fn recount_as_kept(&mut self, calendar: Calendar) {
        self.recounts.ticket += 1;
        self.recounts.pending = Some(calendar);
        self.count.begin_recount();
        let (ticket, answers) = (self.recounts.ticket, self.recounts.answers.0.clone());
        let today = calendar.day_of(clock::now().wall);
        let from = self.book.needs_from(today).min(self.recounts.wish.unwrap_or(today)).min(today);
        let days = around(from);
        self.store.with(move |shelf| {
            let spans = shelf.read(days).map(|past| past.spans).map_err(|error| error.to_string());
            // The hub is gone only while everything stops.
            let _ = answers.send(Answer { ticket, from, spans });
        });
    }

    /// Does something once the rules' periods are counted whole; mostly at once.
    pub(super) fn when_counted(&mut self, then: Later) {
        let today = self.count.today(clock::now());
        let from = self.book.needs_from(today);
        self.with_days_from(from, then);
    }

    /// Does something once everything from a day on is counted.
    pub(super) fn with_days_from(&mut self, from: CivilDay, then: Later) {
        if self.counted_from <= from && !self.recounts.under_way() {
            return then(self);
        }
        self.later.push(then);
        self.recounts.wish = self.recounts.wish.into_iter().chain([from]).min();
        self.recount(self.recounts.wanted(&self.count));
    }

    /// Counts anew. Where the store could not answer, everything stays as it was: limits must not lift for that.
    pub(super) fn recounted(&mut self, answer: Answer) {
        if answer.ticket != self.recounts.ticket {
            return;
        }
        let Some(calendar) = self.recounts.pending.take() else { return };
        let now = clock::now();
        match answer.spans {
            Ok(spans) => {
                let outcome = self.count.recount(calendar, spans, now);
                self.book.stale();
                self.sealed_before = None;
                self.vault.unread_history = None;
                self.count_hours_by(calendar);
                self.carry_counters(now);
                // Counters are kept along with it, so they have to be right before.
                self.take(outcome);
            }
            Err(error) => {
                tracing::warn!("days are counted as before: {error}");
                self.vault.unread_history = Some(error);
            }
        }
        // Also where nothing could be read: asking again would not help, and what is known must be judged.
        self.counted_from = answer.from;
        self.recounts.wish = None;
        self.say_vault_health();
        self.tick(now);
        for then in std::mem::take(&mut self.later) {
            then(self);
        }
    }

    /// Where no logind announces it, sleep is seen by the boot clock having run on without the monotonic one.
    pub(super) fn notice_sleep(&mut self, now: Reading) {
        let slept = clock::slept();
        let newly = slept.saturating_sub(std::mem::replace(&mut self.slept, slept));
        if newly >= SLEEP_MIN {
            self.browsers.slept(now.boot);
            let outcome = self.count.slept(newly, now);
            self.take(outcome);
        }
    }

    /// Time between the last daemon's end and this one's start, with the person at the machine, was not observed.
    ///
    /// `now`: when this daemon began to count.
    pub(super) fn count_absence(&mut self, recent: &[Span], cut_off: bool, now: Reading) {
        let last = self.record.last.replace(record::Last::now(None));
        let Some(last) = last.filter(|last| last.is_this_boot()) else { return };
        // What this daemon spilled before the vault was open is no part of the time before it.
        let before = recent.iter().filter(|span| span.start.boot < now.boot);
        let newest = before.max_by_key(|span| span.start.wall);
        let end = match last.stopped {
            Some(stopped) => stopped.present.then_some(stopped.at),
            // Cut off in the middle of a span: the person was there.
            None => newest.filter(|_| cut_off).map(Span::end_boot),
        };
        let Some(end) = end.filter(|end| !logged_out_since(*end)) else { return };
        let slept = clock::slept().saturating_sub(last.slept);
        let away = now.boot.since(end).unwrap_or(Millis::ZERO).saturating_sub(slept);
        // Where exactly in the gap the machine slept is not known: the time is placed at its end.
        let start = now.at(now.boot - away);
        let after_newest = newest.is_none_or(|span| span.end_wall() <= start.wall);
        if !away.is_zero() && after_newest {
            let gap = Span { start, length: away, activity: Activity::Unobserved };
            let outcome = self.count.absence(&gap);
            self.take(outcome);
        }
    }

    /// Seals earlier days once no provisional span touches them.
    pub(super) fn seal_if_due(&mut self, now: Reading) {
        let today = self.count.today(now);
        if self.sealed_before != Some(today) && self.count.is_settled_before(today, now) {
            self.sealed_before = Some(today);
            let needed = self.book.needs_from(today).min(today);
            self.count.drop_before(needed.plus(-LABEL_SLACK));
            self.counted_from = self.counted_from.max(needed);
            let upkeep = Upkeep::of(&self.config, &self.data_dir, today);
            self.store.with(move |shelf| {
                shelf.seal_before(today);
                shelf.keep_up(&upkeep);
            });
        }
    }
}

/// Whether the person logged out since: who started this daemon (a user manager, a shell) is younger than that.
fn logged_out_since(end: Boot) -> bool {
    clock::parent_started().is_some_and(|started| started > end)
}
