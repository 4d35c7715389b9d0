//! The store: one thread that owns the vault, and the handle by which the hub reaches it.
//!
//! Jobs are done in the order in which they were given, so a question sees everything that was recorded before it.
//! A vault that takes no writes (disk full, read-only) stops neither counting nor limits: rows are held in memory
//! and tried again with each new one, and the hub is told once.

use std::ops::RangeInclusive;
use std::sync::mpsc as jobs;
use std::thread::JoinHandle;

use dwell_core::calendar::CivilDay;
use dwell_core::count::around;
use dwell_core::span::Span;
use dwell_vault::{History, Note, Places, ReadError, Row, Subjects, Vault, WriteError};
use tokio::sync::mpsc;
use zeroize::Zeroizing;

/// Rows that are held while the vault takes none: more than a day of very busy work. Past that the oldest go.
const HELD_ROWS: usize = 20_000;

/// What the store tells the hub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// The vault takes no writes: one line of why.
    Degraded(String),
    /// It takes writes again, and what was held has been written.
    Recovered,
}

/// The vault with what could not be written yet.
pub struct Shelf {
    vault: Vault,
    held: Vec<(CivilDay, Row)>,
    /// The newest record of rules that could not be written yet.
    enforcement: Option<Zeroizing<Vec<u8>>>,
    degraded: bool,
    news: mpsc::UnboundedSender<News>,
}

enum Job {
    Append(Vec<(CivilDay, Row)>),
    Enforcement(Zeroizing<Vec<u8>>, Box<dyn FnOnce(Result<(), String>) + Send>),
    With(Box<dyn FnOnce(&mut Shelf) + Send>),
}

/// The hub's handle of the store. The thread ends, and closes the vault, when all handles are gone.
#[derive(Clone)]
pub struct Store {
    jobs: jobs::Sender<Job>,
}

impl Store {
    /// Puts an open vault on a thread of its own.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(vault: Vault) -> std::io::Result<(Self, mpsc::UnboundedReceiver<News>, JoinHandle<()>)> {
        let (sender, receiver) = jobs::channel();
        let (news, heard) = mpsc::unbounded_channel();
        let shelf = Shelf { vault, held: Vec::new(), enforcement: None, degraded: false, news };
        let thread =
            std::thread::Builder::new().name("vault".into()).spawn(move || work(shelf, &receiver))?;
        Ok((Self { jobs: sender }, heard, thread))
    }

    /// Records rows.
    pub fn append(&self, rows: Vec<(CivilDay, Row)>) {
        if !rows.is_empty() {
            self.send(Job::Append(rows));
        }
    }

    /// Keeps the enforcement record; `kept` hears, on the store's thread, whether it is, or why not (yet).
    pub fn put_enforcement(
        &self,
        bytes: Zeroizing<Vec<u8>>,
        kept: impl FnOnce(Result<(), String>) + Send + 'static,
    ) {
        self.send(Job::Enforcement(bytes, Box::new(kept)));
    }

    /// Does something with the vault, after everything that was asked for before.
    pub fn with(&self, work: impl FnOnce(&mut Shelf) + Send + 'static) {
        self.send(Job::With(Box::new(work)));
    }

    fn send(&self, job: Job) {
        // The thread lives as long as a handle does; if it died there is no place left to write to.
        if self.jobs.send(job).is_err() {
            tracing::error!("the vault's thread has ended");
        }
    }
}

fn work(mut shelf: Shelf, jobs: &jobs::Receiver<Job>) {
    while let Ok(job) = jobs.recv() {
        match job {
            Job::Append(rows) => {
                shelf.hold(rows);
                shelf.write();
            }
            Job::Enforcement(bytes, kept) => {
                shelf.enforcement = Some(bytes);
                kept(shelf.write_enforcement().map_err(|error| error.to_string()));
            }
            Job::With(work) => work(&mut shelf),
        }
    }
    shelf.write();
    if !shelf.held.is_empty() || shelf.enforcement.is_some() {
        let (spans, rules) = (shelf.held.len(), shelf.enforcement.is_some());
        tracing::warn!(spans, rules, "the vault takes no writes: what was held in memory is lost");
    }
    shelf.vault.close();
}

impl Shelf {
    /// The spans of some days, those that are still held included, in the order of time within each day.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn read(&mut self, days: RangeInclusive<CivilDay>) -> Result<History, ReadError> {
        let mut history = self.vault.read(days.clone())?;
        if !self.held.is_empty() {
            for (day, row) in self.held.iter().filter(|(day, _)| days.contains(day)) {
                let span = row.span();
                history.spans.retain(|(_, old)| old.start != span.start);
                if !span.length.is_zero() {
                    history.spans.push((*day, span.clone()));
                }
            }
            history.spans.sort_by_key(|(day, span)| (*day, span.start.wall, span.start.boot));
        }
        Ok(history)
    }

    /// The first and the last day with data, if there is any.
    pub fn days(&self) -> Option<(CivilDay, CivilDay)> {
        let held = || self.held.iter().map(|(day, _)| *day);
        let ends = self.vault.days().into_iter().chain(held().min().zip(held().max()));
        ends.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }

    /// Every program and domain that ever had time.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn subjects(&mut self) -> Result<Subjects, ReadError> {
        self.vault.subjects().cloned()
    }

    /// Seals the days before `today` into pages.
    pub fn seal_before(&mut self, today: CivilDay) {
        if !self.held.is_empty() {
            return;
        }
        match self.vault.seal_before(today) {
            Ok(0) => {}
            Ok(days) => tracing::info!(days, "sealed"),
            Err(error) => self.note(&Err(error)),
        }
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
        // Rules first, and whatever becomes of the rows: one row that cannot be written must not cost them.
        if self.write_enforcement().is_err() || self.held.is_empty() {
            return;
        }
        let written = self.vault.append_all(&self.held).map(|_| ());
        if written.is_ok() {
            self.held.clear();
        }
        self.note(&written);
    }

    fn write_enforcement(&mut self) -> Result<(), WriteError> {
        let Some(bytes) = &self.enforcement else { return Ok(()) };
        let written = self.vault.put_enforcement(bytes);
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
}

/// What is needed to open the vault, and what came of it.
pub struct Opening {
    /// The open vault.
    pub vault: Vault,
    /// The spans of the days around today, in the order of time: what limits and first visits need.
    pub recent: Vec<Span>,
    /// Damaged days among these.
    pub damaged: Vec<CivilDay>,
    /// The enforcement record, where there is one.
    pub enforcement: Option<Zeroizing<Vec<u8>>>,
    /// One line for each thing that was mended on the way: for the log.
    pub mended: Vec<String>,
    /// One line for each thing that could not be mended: for the person.
    pub problems: Vec<String>,
    /// Whether the vault was made just now.
    pub created: bool,
    /// A span was open when recording stopped: the last daemon was cut off.
    pub cut_off: bool,
}

impl Opening {
    /// Opens the vault of a data folder, or makes one.
    ///
    /// # Errors
    /// Why it does not open: nothing was changed then.
    pub fn open(places: &Places, today: CivilDay) -> Result<Self, dwell_vault::OpenError> {
        let (mut vault, opened) = Vault::open_or_create(places)?;
        let recent = vault.read(around(today)).map_err(unreadable)?;
        let enforcement = vault.enforcement().map_err(unreadable)?;
        let (problems, mended) = opened.notes.iter().partition::<Vec<_>, _>(|note| is_problem(note));
        let mut spans: Vec<Span> = recent.spans.into_iter().map(|(_, span)| span).collect();
        spans.sort_by_key(|span| (span.start.wall, span.start.boot));
        Ok(Self {
            vault,
            recent: spans,
            damaged: recent.damaged,
            enforcement,
            mended: mended.into_iter().map(describe).collect(),
            problems: problems.into_iter().map(describe).collect(),
            created: opened.created,
            cut_off: opened.notes.iter().any(|note| matches!(note, Note::OpenSpanKept { .. })),
        })
    }
}

/// Whether something is lost or wrong, rather than put right.
const fn is_problem(note: &Note) -> bool {
    match note {
        Note::DayDamaged { .. } | Note::RowsMissing { .. } | Note::OlderThanLastSeen | Note::ReadOnly => true,
        Note::OpenSpanKept { .. }
        | Note::ManifestRemade
        | Note::TipRemade
        | Note::HeaderCopyDamaged
        | Note::KeyWasReadable
        | Note::EnforcementKeyRestored
        | Note::UnfinishedCreationCleared => false,
    }
}

/// What a note means for the person.
fn describe(note: &Note) -> String {
    match note {
        Note::OpenSpanKept { day } => {
            format!("recording was cut off on {day}; the span that was open counts up to its last checkpoint")
        }
        Note::DayDamaged { day } => format!("records of {day} are damaged; all others are whole"),
        Note::RowsMissing { day, .. } => format!("spans of {day} that were once recorded are missing"),
        Note::ManifestRemade => "the list of records was damaged and has been made anew".to_owned(),
        Note::OlderThanLastSeen => {
            "the database is older than the last one seen; was a copy put back?".to_owned()
        }
        Note::TipRemade => {
            "the file that notices lost spans was missing or damaged, and starts anew".to_owned()
        }
        Note::HeaderCopyDamaged => "one of the two copies of the vault's header is damaged".to_owned(),
        Note::KeyWasReadable => "a key file was readable by others; it is private again".to_owned(),
        Note::EnforcementKeyRestored => {
            "the key file of the rules was missing, and was made again".to_owned()
        }
        Note::UnfinishedCreationCleared => "an earlier start was cut off; its remains are gone".to_owned(),
        Note::ReadOnly => "a newer dwell wrote this vault: it can be read, not written".to_owned(),
    }
}

fn unreadable(error: ReadError) -> dwell_vault::OpenError {
    match error {
        ReadError::Corrupt { what } => dwell_vault::OpenError::Corrupt { what },
        ReadError::Database { source } => dwell_vault::OpenError::Database { source },
    }
}
