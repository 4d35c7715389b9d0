//! What a forgetting would take, without making the new generation that carries it out.
//!
//! Whole days need only their own records read; a program or a domain may be in any day, so all are.

use std::collections::BTreeMap;

use dwell_core::calendar::CivilDay;
use dwell_core::span::Span;

use crate::charged::Charged;
use crate::error::ReadError;
use crate::forget::{Forgotten, OnlyTogether, What};
use crate::generation::{GenerationError, NewSecrets, OnProgress, Progress, Renewed};
use crate::history::View;
use crate::keyfile::{self, Purpose};
use crate::manifest::{Entry, Form};
use crate::record::DayPart;
use crate::slot::{SlotInfo, SlotKind};
use crate::tally::Tally;
use crate::totals::days_of;
use crate::tracks::Tracks;
use crate::{OpenError, Vault, envelope};

/// What forgetting would take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forgetting {
    /// What would go: the numbers that forgetting itself then tells.
    pub forgotten: Forgotten,
    /// The first and the last day of which something would go.
    pub days: Option<(CivilDay, CivilDay)>,
    /// Days of which only totals are left and something would go: by program, their hours go as well.
    pub totals_only: Vec<CivilDay>,
    /// Runs of 30 days of which only the common total is left, and something would go: their hours go as well.
    pub runs: Vec<OnlyTogether>,
    /// Runs whose days cannot be told apart any more: as long as there is one, forgetting is refused.
    pub refused: Vec<OnlyTogether>,
    /// Slots whose secret would stay the one that it is: a copy made earlier still opens with it.
    pub unrotated: Vec<SlotInfo>,
}

impl Forgetting {
    fn day(&mut self, day: CivilDay) {
        self.forgotten.days += 1;
        self.days = Some(self.days.map_or((day, day), |(from, to)| (from.min(day), to.max(day))));
    }
}

impl Vault {
    /// What forgetting would take, and whether it would be refused. Changes and writes nothing.
    ///
    /// # Errors
    /// See [`GenerationError`]: something could not be read, or the caller said stop.
    pub fn forgetting(
        &self,
        what: &What,
        secrets: &NewSecrets,
        progress: OnProgress<'_>,
    ) -> Result<Forgetting, GenerationError> {
        let mut found = Forgetting {
            refused: self.inseparable(what),
            unrotated: self.unrotated(secrets)?,
            ..Forgetting::default()
        };
        let view = self.store.view(Some(&self.keys));
        let mut days: BTreeMap<CivilDay, Vec<(DayPart, &Entry)>> = BTreeMap::new();
        for (part, entry) in self.store.manifest.parts.iter() {
            if what.picks_subjects() || what.takes_day(part.day) {
                days.entry(part.day).or_default().push((*part, entry));
            }
        }
        let total = days.len() as u64;
        for (done, (day, parts)) in (0..).zip(days) {
            if progress(Progress { done, total }).is_break() {
                return Err(GenerationError::Interrupted);
            }
            if what.takes_day(day) {
                found.whole_day(&view, day, &parts)?;
            } else {
                found.edited_day(&view, what, day, &parts)?;
            }
        }
        for (block, known) in self.store.manifest.blocks.iter().filter(|(_, known)| known.only) {
            let (from, to) = days_of(*block);
            let mut tally = Tally::default();
            if view.add_block(*block, &known.tag, &mut tally)?.is_none() {
                continue;
            }
            let before = tally.charged_ms;
            if what.edit(&mut tally) {
                found.forgotten.charged_ms += before - tally.charged_ms;
                found.day(from);
                found.runs.push(OnlyTogether { from, to });
            } else if what.takes_day(from) && what.takes_day(to) {
                found.runs.push(OnlyTogether { from, to });
            }
        }
        Ok(found)
    }

    /// The same in the form of what forgetting itself returns.
    pub(crate) fn dry_run(
        &self,
        what: &What,
        secrets: &NewSecrets,
        progress: OnProgress<'_>,
    ) -> Result<Renewed, GenerationError> {
        let Forgetting { forgotten, unrotated, .. } = self.forgetting(what, secrets, progress)?;
        // A list that is damaged is no reason not to forget.
        Ok(Renewed {
            forgotten,
            unrotated,
            backups: self.known_backups().unwrap_or_default(),
            old_remains: false,
        })
    }

    /// Runs of which only a common total is left, and out of which `what` takes some days, but not all.
    pub(crate) fn inseparable(&self, what: &What) -> Vec<OnlyTogether> {
        let only = self.store.manifest.blocks.iter().filter(|(_, known)| known.only);
        only.map(|(block, _)| days_of(*block))
            .filter(|(from, to)| match what {
                What::Day(day) => (*from..=*to).contains(day),
                What::Before(bound) => from < bound && bound <= to,
                What::App(_) | What::Domain(_) => false,
            })
            .map(|(from, to)| OnlyTogether { from, to })
            .collect()
    }

    fn unrotated(&self, secrets: &NewSecrets) -> Result<Vec<SlotInfo>, OpenError> {
        let header = self.header()?;
        let own = keyfile::read(&self.places.keyfile(), Purpose::Slot).ok();
        let own = own.map(|file| envelope::public_key(&file.secret));
        let slots = (0_u8..).zip(&header.slots).filter_map(|(number, slot)| Some((number, slot.as_ref()?)));
        let unrotated = slots.filter(|(number, slot)| {
            let file = slot.kind() == Some(SlotKind::Keyfile) && own.is_some_and(|own| slot.is_of(&own));
            !file && (slot.kind().is_none() || !secrets.seeds.contains_key(number))
        });
        Ok(unrotated.map(|(number, slot)| SlotInfo { number, kind: slot.kind() }).collect())
    }
}

impl Forgetting {
    fn whole_day(
        &mut self,
        view: &View<'_>,
        day: CivilDay,
        parts: &[(DayPart, &Entry)],
    ) -> Result<(), ReadError> {
        let (mut tracks, mut totals) = (Tracks::default(), 0_u64);
        for (part, entry) in parts {
            view.put_part(*part, entry, &mut tracks, &mut Charged::default())?;
            totals = totals.saturating_add(entry.totals.charged_ms);
        }
        let spans = tracks.into_spans();
        let charged: u64 = spans.iter().map(charged_ms).sum();
        self.forgotten.spans += spans.len() as u64;
        self.forgotten.charged_ms += if spans.is_empty() { totals } else { charged };
        self.totals_only.extend(parts.iter().all(|(_, e)| e.form == Form::Totals).then_some(day));
        self.day(day);
        Ok(())
    }

    fn edited_day(
        &mut self,
        view: &View<'_>,
        what: &What,
        day: CivilDay,
        parts: &[(DayPart, &Entry)],
    ) -> Result<(), ReadError> {
        let (mut tracks, mut taken, mut of_totals) = (Tracks::default(), 0, false);
        for (part, entry) in parts {
            let sound = Entry { damaged: false, ..(*entry).clone() };
            let has_spans = entry.form != Form::Totals
                && view.put_part(*part, &sound, &mut tracks, &mut Charged::default())?;
            let mut tally = Tally::default();
            if !has_spans && entry.form != Form::Journal && view.add_rollup(*part, entry, &mut tally)? {
                let before = tally.charged_ms;
                of_totals |= what.edit(&mut tally);
                taken += before - tally.charged_ms;
            }
        }
        let lost: Vec<Span> = tracks.into_spans().into_iter().filter(|span| what.takes_span(span)).collect();
        taken += lost.iter().map(charged_ms).sum::<u64>();
        self.forgotten.spans += lost.len() as u64;
        self.forgotten.charged_ms += taken;
        self.totals_only.extend(of_totals.then_some(day));
        if taken > 0 || !lost.is_empty() {
            self.day(day);
        }
        Ok(())
    }
}

fn charged_ms(span: &Span) -> u64 {
    if span.activity.charged().is_some() { span.length.as_ms() } else { 0 }
}
