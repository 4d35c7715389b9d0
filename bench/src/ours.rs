//! The vault, used as the daemon uses it.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use dwell_core::calendar::CivilDay;
use dwell_core::span::{Activity, Span};
use dwell_vault::{ActivityKind, NewSecrets, Places, Reader, Row, Scanned, Totals, Vault};

use crate::data::History;

/// A vault in a folder.
pub(crate) struct Ours {
    vault: Vault,
    folder: PathBuf,
}

impl Ours {
    /// Opens the vault of a folder, or makes one.
    pub(crate) fn open(folder: &Path) -> Self {
        let (vault, opened) = Vault::open_or_create(&Places::new(folder)).unwrap();
        assert!(opened.notes.is_empty(), "{:?}", opened.notes);
        Self { vault, folder: folder.to_owned() }
    }

    /// Makes a vault of a history, and closes it; returns how many spans that are. The last day's stay in the journal, as
    /// they do while a day runs.
    pub(crate) fn filled(folder: &Path, history: &History) -> usize {
        let mut ours = Self::open(folder);
        let mut spans = 0;
        for day in history.days() {
            let of_day = history.spans(day);
            spans += of_day.len();
            ours.append_all(day, &of_day);
            ours.seal_before(day);
        }
        ours.close();
        spans
    }

    /// Records one span, durably.
    pub(crate) fn append(&mut self, day: CivilDay, span: &Span) {
        self.vault.append(day, &Row::Span(span.clone())).unwrap();
    }

    /// Records a day in one commit.
    pub(crate) fn append_all(&mut self, day: CivilDay, spans: &[Span]) {
        let rows: Vec<_> = spans.iter().map(|span| (day, Row::Span(span.clone()))).collect();
        self.vault.append_all(&rows).unwrap();
    }

    /// Seals the days before one, as the daemon does when a new day begins.
    pub(crate) fn seal_before(&mut self, day: CivilDay) {
        self.vault.seal_before(day).unwrap();
    }

    /// Milliseconds of each name, from the spans of days `from` up to and without `to`.
    pub(crate) fn scan(&self, from: CivilDay, to: CivilDay) -> HashMap<Box<str>, u64> {
        let mut totals = HashMap::new();
        let damaged = self.vault.scan(from..=to.plus(-1), |day| sum_day(&mut totals, &day));
        assert!(damaged.unwrap().is_empty(), "the vault is damaged");
        totals
    }

    /// The same, from spans that come with their names.
    pub(crate) fn read(&mut self, from: CivilDay, to: CivilDay) -> HashMap<Box<str>, u64> {
        let mut totals = HashMap::new();
        let damaged = self.vault.read_each(from..=to.plus(-1), |_, spans| {
            for span in spans {
                let ms = span.length.as_ms();
                match &span.activity {
                    Activity::Focus(subject) => {
                        add(&mut totals, subject.app.as_str(), ms);
                        if let Some(domain) = &subject.domain {
                            add(&mut totals, domain.as_str(), ms);
                        }
                    }
                    Activity::Private(app) => add(&mut totals, app.as_str(), ms),
                    Activity::Audible(_) | Activity::Unobserved => {}
                }
            }
        });
        assert!(damaged.unwrap().is_empty(), "the vault is damaged");
        totals
    }

    /// A second connection, for a report in another thread.
    pub(crate) fn reader(&self) -> Reader {
        self.vault.reader().unwrap()
    }

    /// The same as [`Ours::scan`], from the rollups.
    pub(crate) fn totals(&self, from: CivilDay, to: CivilDay) -> Totals {
        let totals = self.vault.totals(from..=to.plus(-1)).unwrap();
        assert!(totals.damaged.is_empty(), "the vault is damaged");
        totals
    }

    /// Gives everything new keys.
    pub(crate) fn rotate(&mut self) {
        self.vault.rotate(&NewSecrets::default(), &mut |_| ControlFlow::Continue(())).unwrap();
    }

    /// Leaves everything on the disk; returns the bytes of the vault and its keys.
    pub(crate) fn close(self) -> u64 {
        self.vault.close();
        crate::measure::size(&self.folder)
    }
}

/// Sums up a day by the places of its names, and only then by name.
pub(crate) fn sum_day(totals: &mut HashMap<Box<str>, u64>, day: &Scanned<'_>) {
    let (mut apps, mut domains) = (vec![0; day.apps.len()], vec![0; day.domains.len()]);
    let put = |sums: &mut [u64], place: Option<u32>, ms| {
        if let Some(place) = place {
            sums[place as usize] += ms;
        }
    };
    for span in day.spans {
        if matches!(span.kind, ActivityKind::Focus | ActivityKind::Private) {
            put(&mut apps, span.app, span.length.as_ms());
            put(&mut domains, span.domain, span.length.as_ms());
        }
    }
    // A name that had nothing is in no sum.
    day.apps.iter().zip(apps).filter(|(_, ms)| *ms > 0).for_each(|(app, ms)| add(totals, app.as_str(), ms));
    let domains = day.domains.iter().zip(domains).filter(|(_, ms)| *ms > 0);
    domains.for_each(|(domain, ms)| add(totals, domain.as_str(), ms));
}

fn add(totals: &mut HashMap<Box<str>, u64>, name: &str, ms: u64) {
    match totals.get_mut(name) {
        Some(total) => *total += ms,
        None => drop(totals.insert(name.into(), ms)),
    }
}
