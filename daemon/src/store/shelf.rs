//! The vault in whatever condition it is, with what could not be written yet.

use std::ops::RangeInclusive;

use dwell_bus::{Failure, Kind};
use dwell_core::calendar::{Calendar, CivilDay};
use dwell_core::time::Millis;
use dwell_vault::{
    Keys, Places, ReadError, Row, SealedVault, Spill, State, Subjects, Sum, Unlock, UnlockError, Vault, What,
    WriteError,
};
use tokio::sync::mpsc;
use zeroize::Zeroizing;

use crate::record::Record;

use super::source::{Past, Source};
use super::sums::Found;
use super::{News, Opening};

/// Rows that are held while the vault takes none: more than a day of very busy work. Past that the oldest go.
const HELD_ROWS: usize = 20_000;

/// The vault's condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// History can be read.
    Open,
    /// Recording and enforcing, without the key of history. Why, for people.
    Sealed(String),
    /// Not even the key of rules and counters is there: rows are held in memory. Why, for people.
    Waiting(String),
}

/// A vault, or the place of one whose key is not there yet.
#[derive(Debug)]
pub enum Kept {
    /// History can be read.
    Open(Vault),
    /// It cannot; why, for people.
    Sealed(SealedVault, String),
    /// The key of rules and counters is not there yet; why, for people.
    Waiting(String),
}

impl Kept {
    /// The vault's condition.
    pub fn condition(&self) -> Condition {
        match self {
            Self::Open(_) => Condition::Open,
            Self::Sealed(_, why) => Condition::Sealed(why.clone()),
            Self::Waiting(why) => Condition::Waiting(why.clone()),
        }
    }
}

/// An open vault, and what is recorded and not in it yet.
pub type OpenVault<'a> = (&'a mut Vault, &'a [(CivilDay, Row)]);

/// The vault with what could not be written yet.
pub struct Shelf {
    pub(super) kept: Kept,
    /// By what rollups count hours; a vault that is opened later has to be told.
    calendar: Option<Calendar>,
    held: Vec<(CivilDay, Row)>,
    /// The newest record of rules that could not be written yet.
    enforcement: Option<Zeroizing<Vec<u8>>>,
    /// What was forgotten, as long as the hub may still hand over records with notes on it.
    forgot: Vec<What>,
    degraded: bool,
    /// Where rows are while the vault waits for its key, should this process be cut off.
    spill: Option<Spill>,
    pub(super) news: mpsc::UnboundedSender<News>,
    /// Damaged days that mending did not bring back.
    pub(super) unmendable: Vec<CivilDay>,
}

impl Shelf {
    pub(super) fn new(kept: Kept, news: mpsc::UnboundedSender<News>) -> Self {
        Self {
            kept,
            calendar: None,
            held: Vec::new(),
            enforcement: None,
            forgot: Vec::new(),
            degraded: false,
            spill: None,
            news,
            unmendable: Vec::new(),
        }
    }

    /// The vault's condition.
    pub fn condition(&self) -> Condition {
        self.kept.condition()
    }

    /// The open vault.
    ///
    /// # Errors
    /// It is locked: with the next step.
    pub fn open_vault(&mut self) -> Result<&mut Vault, Failure> {
        self.open_vault_and_held().map(|(vault, _)| vault)
    }

    /// The open vault, and what is recorded and not in it yet.
    ///
    /// # Errors
    /// It is locked: with the next step.
    pub fn open_vault_and_held(&mut self) -> Result<OpenVault<'_>, Failure> {
        match &mut self.kept {
            Kept::Open(vault) => Ok((vault, &self.held)),
            Kept::Sealed(_, why) | Kept::Waiting(why) => {
                Err(Failure::new(Kind::Locked, format!("the vault is locked: {why}"))
                    .hint("dwell vault unlock"))
            }
        }
    }

    /// The vault, whichever way it is kept.
    pub const fn kept(&self) -> &Kept {
        &self.kept
    }

    /// Opens a sealed vault with a key.
    ///
    /// # Errors
    /// See [`UnlockError`]; it is sealed as before then. `None`: it is not sealed.
    pub fn unlock(&mut self, unlock: &Unlock) -> Option<Result<(), UnlockError>> {
        match std::mem::replace(&mut self.kept, Kept::Waiting(String::new())) {
            Kept::Sealed(vault, why) => match vault.unlock(unlock) {
                Ok(vault) => {
                    self.put(Kept::Open(vault));
                    Some(Ok(()))
                }
                Err((vault, error)) => {
                    self.kept = Kept::Sealed(*vault, why);
                    Some(Err(error))
                }
            },
            other => {
                self.kept = other;
                None
            }
        }
    }

    /// Opens the vault that waited for its key.
    ///
    /// # Errors
    /// Why it does not open; it waits as before then.
    pub fn open(
        &mut self,
        places: &Places,
        keys: &Keys,
        calendar: &Calendar,
    ) -> Result<(), dwell_vault::OpenError> {
        if !matches!(self.kept, Kept::Waiting(_)) {
            return Ok(());
        }
        // It has the vault's lock, and everything in it is held in memory as well.
        let spilled = self.spill.take().map(Spill::close);
        let opening = State::open_existing(places, keys).and_then(|opened| Opening::of(opened, calendar));
        let opening = match opening {
            Ok(opening) => opening,
            Err(error) => {
                self.spill_into(places);
                // The new one has all that this one had.
                if self.spill.is_some()
                    && let Some(spilled) = spilled
                    && let Err(error) = spilled.remove()
                {
                    tracing::warn!("an old spill stays until the next start: {error}");
                }
                return Err(error);
            }
        };
        // Told first: whoever hears that the vault is open knows what it knew.
        let _ = self.news.send(News::Opened(Box::new(opening.known)));
        self.put(opening.kept);
        if self.held.is_empty()
            && let Some(spilled) = spilled
            && let Err(error) = spilled.remove()
        {
            tracing::warn!("what was spilled stays until the next start: {error}");
        }
        Ok(())
    }

    /// Has what is held while the vault waits for its key sealed into a file as well.
    pub fn spill_into(&mut self, places: &Places) {
        if !matches!(self.kept, Kept::Waiting(_)) {
            return;
        }
        let spill = Spill::open(places).map_err(|error| error.to_string()).and_then(|mut spill| {
            spill.put(&self.held).map_err(|error| error.to_string())?;
            Ok(spill)
        });
        match spill {
            Ok(spill) => self.spill = Some(spill),
            Err(error) => tracing::warn!("what is recorded now is in memory only: {error}"),
        }
    }

    /// Puts the key of history out of memory.
    pub fn lock(&mut self, why: &str) {
        self.kept = match std::mem::replace(&mut self.kept, Kept::Waiting(String::new())) {
            Kept::Open(vault) => {
                let sealed = Kept::Sealed(vault.lock(), why.to_owned());
                let _ = self.news.send(News::Condition(Condition::Sealed(why.to_owned())));
                sealed
            }
            other => other,
        };
    }

    /// Tells the hub that history is taken as it is.
    pub fn accepted(&self) {
        let _ = self.news.send(News::Accepted);
    }

    /// Tells the hub that something was taken in.
    pub fn imported(&self) {
        let _ = self.news.send(News::Imported);
    }

    /// Tells the hub that something was forgotten. Until it has forgotten it, too, its records are kept without the notes on
    /// it: some were on their way before.
    pub fn forgot(&mut self, what: What) {
        self.forgot.push(what.clone());
        let _ = self.news.send(News::Forgot(what));
    }

    /// The hub has forgotten as well: what it hands over from now on has no such notes.
    pub fn hub_forgot(&mut self, what: &What) {
        if let Some(at) = self.forgot.iter().position(|forgot| forgot == what) {
            self.forgot.remove(at);
        }
    }

    fn put(&mut self, kept: Kept) {
        self.kept = kept;
        if let Some(calendar) = self.calendar {
            self.set_calendar(calendar);
        }
        // The hub is gone only while everything stops.
        let _ = self.news.send(News::Condition(self.condition()));
        self.write();
    }

    /// By which zone's hours rollups count from now on.
    pub fn set_calendar(&mut self, calendar: Calendar) {
        self.calendar = Some(calendar);
        match &mut self.kept {
            Kept::Open(vault) => vault.set_calendar(calendar),
            Kept::Sealed(vault, _) => vault.set_calendar(calendar),
            Kept::Waiting(_) => {}
        }
    }

    /// An open vault on a connection of its own; `None` where it is not open, or there is no connection to be had.
    pub(super) fn reader(&self) -> Option<Source<'static>> {
        match &self.kept {
            Kept::Open(vault) => {
                let reader = Box::new(vault.reader().ok()?);
                let (held, found) = (self.held.clone(), Found::default());
                Some(Source::Reader { reader, held, days: self.days(), found })
            }
            Kept::Sealed(..) | Kept::Waiting(_) => None,
        }
    }

    /// The spans of some days, those that are still held included, in the order of time within each day.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn read(&mut self, days: RangeInclusive<CivilDay>) -> Result<Past, ReadError> {
        let mut past = match &mut self.kept {
            Kept::Open(vault) => {
                let history = vault.read(days.clone())?;
                Past { spans: history.spans, damaged: history.damaged, sealed: Vec::new() }
            }
            Kept::Sealed(vault, _) => {
                let history = vault.read(days.clone())?;
                let sealed = history.sealed.iter().map(|day| (day.day, Millis::from_ms(day.charged_ms)));
                Past { sealed: sealed.collect(), spans: history.spans, damaged: history.damaged }
            }
            Kept::Waiting(_) => Past::default(),
        };
        past.add_held(&self.held, &days);
        Ok(past)
    }

    /// The first and the last day with data, if there is any.
    pub fn days(&self) -> Option<(CivilDay, CivilDay)> {
        let held = || self.held.iter().map(|(day, _)| *day);
        let kept = match &self.kept {
            Kept::Open(vault) => vault.days(),
            Kept::Sealed(vault, _) => vault.days(),
            Kept::Waiting(_) => None,
        };
        let ends = kept.into_iter().chain(held().min().zip(held().max()));
        ends.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }

    /// Every program and domain that ever had time, as far as that can be read.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn subjects(&mut self) -> Result<Subjects, ReadError> {
        match &mut self.kept {
            Kept::Open(vault) => vault.subjects().cloned(),
            Kept::Sealed(..) | Kept::Waiting(_) => Ok(Subjects::default()),
        }
    }

    /// Keeps what a report found of days that are over. A vault that takes no writes, or is locked by now, goes without: it
    /// is found again by the next report.
    pub(super) fn put_sums(&mut self, sums: &[Sum]) {
        let Kept::Open(vault) = &mut self.kept else { return };
        if let Err(error) = vault.put_sums(sums) {
            tracing::debug!("what a report found is not kept: {error}");
        }
    }

    /// Seals the days before `today` into pages.
    pub fn seal_before(&mut self, today: CivilDay) {
        if !self.held.is_empty() {
            return;
        }
        let sealed = match &mut self.kept {
            Kept::Open(vault) => vault.seal_before(today),
            Kept::Sealed(vault, _) => vault.seal_before(today),
            Kept::Waiting(_) => return,
        };
        match sealed {
            Ok(0) => {}
            Ok(days) => tracing::info!(days, "sealed"),
            Err(error) => self.note(&Err(error)),
        }
    }

    /// Holds rows, and writes all that is held.
    pub(super) fn append(&mut self, rows: Vec<(CivilDay, Row)>) {
        if let Some(spill) = &mut self.spill
            && let Err(error) = spill.put(&rows)
        {
            tracing::warn!("what is recorded now is in memory only: {error}");
        }
        self.hold(rows);
        self.write();
    }

    fn hold(&mut self, rows: Vec<(CivilDay, Row)>) {
        for (day, row) in rows {
            let start = row.span().start;
            if let Some(last) = self.held.last()
                && last.1.span().start == start
                && last.0 == day
            {
                self.held.pop();
            }
            self.held.push((day, row));
        }
        if self.held.len() > HELD_ROWS {
            let lost = self.held.len() - HELD_ROWS;
            tracing::warn!(lost, "too many spans are held in memory: the oldest are lost");
            self.held.drain(..lost);
        }
    }

    fn write(&mut self) {
        // Rules first: one row that cannot be written must not cost them, nor they the rows.
        let _ = self.write_enforcement();
        if self.held.is_empty() {
            return;
        }
        let written = match &mut self.kept {
            Kept::Open(vault) => vault.append_all(&self.held),
            Kept::Sealed(vault, _) => vault.append_all(&self.held),
            Kept::Waiting(_) => return,
        };
        let written = written.map(|_| ());
        if written.is_ok() {
            self.held.clear();
        }
        self.note(&written);
    }

    /// Keeps the enforcement record, now or as soon as the vault takes writes; says why not yet.
    pub(super) fn put_enforcement(&mut self, bytes: Zeroizing<Vec<u8>>) -> Result<(), String> {
        if let Kept::Waiting(why) = &self.kept {
            // The vault has a record, which nobody has read yet: this one must not take its place.
            return Err(why.clone());
        }
        self.enforcement = Some(bytes);
        self.write_enforcement().map_err(|error| error.to_string())
    }

    fn write_enforcement(&mut self) -> Result<(), WriteError> {
        let Some(bytes) = &mut self.enforcement else { return Ok(()) };
        if !self.forgot.is_empty()
            && let Ok(mut record) = Record::from_bytes(bytes)
        {
            self.forgot.iter().for_each(|what| _ = record.forget(what));
            *bytes = record.to_bytes();
        }
        let written = match &mut self.kept {
            Kept::Open(vault) => vault.put_enforcement(bytes),
            Kept::Sealed(vault, _) => vault.put_enforcement(bytes),
            Kept::Waiting(_) => return Ok(()),
        };
        if written.is_ok() {
            self.enforcement = None;
        }
        self.note(&written);
        written
    }

    /// Tells the hub when the vault stops or begins again to take writes.
    fn note(&mut self, written: &Result<(), WriteError>) {
        let all_written = self.held.is_empty() && self.enforcement.is_none();
        let news = match written {
            Ok(()) if self.degraded && all_written => News::Recovered,
            Err(error) if !self.degraded => News::Degraded(error.to_string()),
            _ => return,
        };
        self.degraded = !self.degraded;
        // The hub is gone only while everything stops.
        let _ = self.news.send(news);
    }

    /// Writes what can be written, and closes the vault.
    pub(super) fn close(mut self) {
        self.write();
        let lost = !self.held.is_empty() && self.spill.is_none();
        if lost || self.enforcement.is_some() {
            let (spans, rules) = (self.held.len(), self.enforcement.is_some());
            tracing::warn!(spans, rules, "the vault takes no writes: what was held in memory is lost");
        }
        match self.kept {
            Kept::Open(vault) => vault.close(),
            Kept::Sealed(vault, _) => vault.close(),
            Kept::Waiting(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use dwell_core::subject::{AppId, Target};
    use dwell_core::time::{Boot, Reading, Wall};
    use dwell_vault::Places;

    use super::*;

    #[test]
    fn no_record_that_was_on_its_way_brings_notes_back() {
        let folder = tempfile::tempdir().unwrap();
        let (vault, _) = Vault::open_or_create(&Places::new(folder.path())).unwrap();
        let mut shelf = Shelf::new(Kept::Open(vault), mpsc::unbounded_channel().0);
        let app = AppId::new("game").unwrap();
        let mut record = Record::default();
        let now = Reading::new(Boot::from_ms(0), Wall::from_unix_ms(1_795_435_200_000));
        let moment = record.standing.moment(now, CivilDay::from_epoch_days(20_780), now.wall);
        record.standing.intend(Target::App(app.clone()), Millis::from_mins(5), None, &moment).unwrap();
        let kept = |shelf: &mut Shelf, record: &Record| {
            shelf.put_enforcement(record.to_bytes()).unwrap();
            let kept = shelf.open_vault().unwrap().enforcement().unwrap().unwrap();
            Record::from_bytes(&kept).unwrap().standing.intentions().len()
        };
        assert_eq!(kept(&mut shelf, &record), 1);
        shelf.forgot(What::App(app.clone()));
        assert_eq!(kept(&mut shelf, &record), 0, "the hub has not heard of it yet");
        shelf.hub_forgot(&What::App(app));
        assert_eq!(kept(&mut shelf, &record), 1, "planned since");
    }
}
