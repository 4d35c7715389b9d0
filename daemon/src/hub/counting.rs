//! Counting: from the timeline's steps to the ledger and the store.

use std::mem;

use dwell_core::calendar::{Calendar, CivilDay};
use dwell_core::ledger::Ledger;
use dwell_core::span::{Activity, Span};
use dwell_core::time::{Millis, Reading};
use dwell_core::timeline::Step;
use dwell_vault::Row;

use super::{CHECKPOINT, Hub};
use crate::{clock, record};

/// The two clocks are not read at one instant; a shorter difference is no sleep.
const SLEEP_MIN: Millis = Millis::from_secs(1);

/// Shorter unobserved spans are not recorded.
const UNOBSERVED_MIN: Millis = Millis::from_secs(1);

impl Hub {
    /// Charges and records what the timeline closed.
    pub(super) fn take(&mut self, steps: Vec<Step>, now: Reading) {
        let mut rows = Vec::new();
        for step in steps {
            match step {
                // A blink between two sensors is no gap in the record.
                Step::Closed(span)
                    if span.activity == Activity::Unobserved && span.length < UNOBSERVED_MIN => {}
                Step::Closed(span) => {
                    self.ledger.charge(&span);
                    rows.extend(pieces(&self.calendar, &span).into_iter().map(|(d, s)| (d, Row::Span(s))));
                }
                Step::ClockStep { moved_ms, .. } => {
                    tracing::info!(moved_ms, "the wall clock was set");
                }
            }
        }
        self.settle_checkpoint(&mut rows, now);
        self.store.append(rows);
    }

    /// Where no logind announces it, sleep is seen by the boot clock having run on without the monotonic one.
    pub(super) fn notice_sleep(&mut self, now: Reading) {
        let slept = clock::slept();
        let newly = slept.saturating_sub(std::mem::replace(&mut self.slept, slept));
        if newly >= SLEEP_MIN {
            let steps = self.timeline.slept(newly, now);
            self.take(steps, now);
        }
    }

    /// What was recorded of an open span that is over, and is not part of what it became, is taken back: the person
    /// turned out to have been away.
    fn settle_checkpoint(&mut self, rows: &mut Vec<(CivilDay, Row)>, now: Reading) {
        let open = self.timeline.open_span(now.boot);
        let still_open =
            matches!((&open, self.checkpointed.first()), (Some(o), Some((_, c))) if o.start == c.start);
        if !still_open {
            for (day, piece) in mem::take(&mut self.checkpointed) {
                if !rows.iter().any(|(_, row)| row.span().start == piece.start) {
                    rows.push((day, Row::Span(Span { length: Millis::ZERO, ..piece })));
                }
            }
        }
        let worth_it = open.as_ref().is_some_and(|span| span.activity != Activity::Unobserved);
        let due = self.next_checkpoint.is_some_and(|at| at <= now.boot);
        if let Some(span) = open.filter(|_| worth_it && due) {
            self.checkpointed = pieces(&self.calendar, &span);
            rows.extend(self.checkpointed.iter().cloned().map(|(day, piece)| (day, Row::Checkpoint(piece))));
        }
        // Counted from the span's start, so that changing windows all the time does not push it away for ever:
        // each new span has its own thirty seconds, and the one before it is already recorded.
        self.next_checkpoint = self.timeline.attention().map(|(_, start)| {
            let age = now.boot.since(start.boot).unwrap_or(Millis::ZERO).as_ms();
            start.boot + Millis::from_ms((age / CHECKPOINT.as_ms() + 1) * CHECKPOINT.as_ms())
        });
    }

    /// Time between the last daemon's end and this one's start, with the person at the machine, was not observed.
    pub(super) fn count_absence(&mut self, newest: Option<&Span>, now: Reading) {
        let Some(stopped) = self.record.stopped.take() else { return };
        if stopped.boot_id != record::boot_id() || stopped.boot_id.is_empty() || !stopped.present {
            return;
        }
        let slept = clock::slept().saturating_sub(stopped.slept);
        let away = now.boot.since(stopped.at).unwrap_or(Millis::ZERO).saturating_sub(slept);
        // Where exactly in the gap the machine slept is not known: the time is placed at its end.
        let start = now.at(now.boot - away);
        let after_newest = newest.is_none_or(|span| span.end_wall() <= start.wall);
        if away.is_zero() || !after_newest {
            return;
        }
        let gap = Span { start, length: away, activity: Activity::Unobserved };
        let rows = pieces(&self.calendar, &gap).into_iter().map(|(day, piece)| (day, Row::Span(piece)));
        self.store.append(rows.collect());
    }

    /// Seals earlier days once no provisional span touches them: idleness noticed after the day start may still
    /// trim what lies before it.
    pub(super) fn seal_if_due(&mut self, today: CivilDay, now: Reading) {
        if self.sealed_before.is_some_and(|day| day >= today) {
            return;
        }
        let open_since = self.timeline.open_span(now.boot).map(|span| self.calendar.day_of(span.start.wall));
        if open_since.is_none_or(|day| day >= today) {
            self.sealed_before = Some(today);
            self.ledger.drop_before(today);
            self.store.with(move |shelf| shelf.seal_before(today));
        }
    }

    /// Counts days in another way from now on: the running day's charges are read anew.
    pub(super) fn change_calendar(&mut self, calendar: Calendar) {
        self.calendar = calendar;
        let now = clock::now();
        let today = calendar.day_of(now.wall);
        let (reply, answer) = std::sync::mpsc::channel();
        self.store.with(move |shelf| {
            let spans = shelf.read(today.plus(-2)..=today.plus(1)).map(|history| history.spans);
            // The hub waits for this one answer, so it is there.
            let _ = reply.send(spans.unwrap_or_default());
        });
        // A change of the calendar is a rare order of the person: the hub may wait a moment for the store.
        let mut ledger = Ledger::new(calendar);
        for (_, span) in answer.recv().unwrap_or_default() {
            ledger.charge(&span);
        }
        for (_, piece) in &self.checkpointed {
            ledger.discharge(piece);
        }
        self.ledger = ledger;
        self.sealed_before = None;
    }
}

/// A span cut at day boundaries, each piece with its day.
pub(super) fn pieces(calendar: &Calendar, span: &Span) -> Vec<(CivilDay, Span)> {
    let cut = calendar.split(span.start.wall, span.length).into_iter();
    cut.map(|(day, wall, length)| {
        let into = wall.since(span.start.wall).unwrap_or(Millis::ZERO);
        let start = Reading::new(span.start.boot + into, wall);
        (day, Span { start, length, activity: span.activity.clone() })
    })
    .collect()
}
