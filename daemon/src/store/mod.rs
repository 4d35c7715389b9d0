//! The store: one thread that owns the vault, and the handle by which the hub reaches it.
//!
//! Jobs are done in the order in which they were given, so a question sees everything that was recorded before it.
//! A vault that takes no writes (disk full, read-only) stops neither counting nor limits: rows are held in memory
//! and tried again with each new one, and the hub is told once.
//!
//! What takes long to read is read on another thread and another connection ([`Store::read`]), so that it delays no
//! row; what changes, copies or checks the vault as a whole (forgetting, new keys, backups, verifying) is done here,
//! and rows wait for it in memory.

mod opening;
mod shelf;
mod source;
mod sums;
mod upkeep;

use std::sync::{Arc, Weak, mpsc as jobs};
use std::thread::JoinHandle;

use dwell_core::calendar::CivilDay;
use dwell_core::span::Span;
use dwell_vault::{Row, What};
use tokio::sync::mpsc;
use zeroize::Zeroizing;

pub use opening::{Opening, describe};
pub use shelf::{Condition, Kept, OpenVault, Shelf};
pub use source::{Attention, Past, Source};
pub use sums::{Asked, Found, Gaps};
pub use upkeep::{Upkeep, retention};

/// What the store tells the hub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// The vault takes no writes: one line of why.
    Degraded(String),
    /// It takes writes again, and what was held has been written.
    Recovered,
    /// It is open or sealed from now on.
    Condition(Condition),
    /// The key came: what the vault knows of before.
    Opened(Box<Known>),
    /// Something was forgotten: what is charged is to be counted anew.
    Forgot(What),
    /// Days that are over have more than before.
    Imported,
    /// The person takes history as it is.
    Accepted,
}

/// What a vault knew when it was opened, for the one who counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The spans of the days around today that can be read, in the order of time: what limits and first visits need.
    pub recent: Vec<Span>,
    /// The enforcement record, where there is one.
    pub enforcement: Option<Zeroizing<Vec<u8>>>,
    /// One line for each thing that is wrong and could not be mended: for the person.
    pub problems: Vec<String>,
    /// A span was open when recording stopped: the last daemon was cut off.
    pub cut_off: bool,
}

enum Job {
    Append(Vec<(CivilDay, Row)>),
    Enforcement(Zeroizing<Vec<u8>>, Box<dyn FnOnce(Result<(), String>) + Send>),
    With(Box<dyn FnOnce(&mut Shelf) + Send>),
}

/// The hub's handle of the store. The thread ends, and closes the vault, when all handles are gone.
#[derive(Clone)]
pub struct Store {
    jobs: Arc<jobs::Sender<Job>>,
}

/// A handle for who may outlive the daemon's end, waiting for a reader that is slow: it keeps no thread.
pub struct WeakStore(Weak<jobs::Sender<Job>>);

impl WeakStore {
    /// The store, as long as somebody else has a handle of it. Not to be held on to.
    pub fn upgrade(&self) -> Option<Store> {
        self.0.upgrade().map(|jobs| Store { jobs })
    }
}

impl Store {
    /// Puts a vault on a thread of its own.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(kept: Kept) -> std::io::Result<(Self, mpsc::UnboundedReceiver<News>, JoinHandle<()>)> {
        let (sender, receiver) = jobs::channel();
        let (news, heard) = mpsc::unbounded_channel();
        let shelf = Shelf::new(kept, news);
        let thread =
            std::thread::Builder::new().name("vault".into()).spawn(move || work(shelf, &receiver))?;
        Ok((Self { jobs: Arc::new(sender) }, heard, thread))
    }

    /// A handle that does not keep the thread.
    pub fn downgrade(&self) -> WeakStore {
        WeakStore(Arc::downgrade(&self.jobs))
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

    /// Reads, after everything that was asked for before. An open vault is read on a thread of the reader's own; of a
    /// sealed one there is little to read, and that is done at once.
    pub fn read(&self, read: impl FnOnce(&mut Source<'_>) + Send + 'static) {
        let store = self.downgrade();
        self.with(move |shelf| match shelf.reader() {
            Some(mut source) => {
                let read = Arc::new(std::sync::Mutex::new(Some(read)));
                let there = Arc::clone(&read);
                let thread = std::thread::Builder::new().name("report".into());
                let spawned = thread.spawn(move || {
                    if let Some(read) = take(&there) {
                        read(&mut source);
                        let found = source.into_found();
                        if let Some(store) = store.upgrade() {
                            store.keep(found);
                        }
                    }
                });
                // No thread to be had: the rows wait this once.
                if spawned.is_err()
                    && let Some(read) = take(&read)
                {
                    read(&mut Source::Shelf(shelf));
                }
            }
            None => read(&mut Source::Shelf(shelf)),
        });
    }

    /// Has the vault keep what a report found. Its reader is gone by now: it would hold on to the database's log.
    fn keep(&self, found: Found) {
        found.pieces().for_each(|sums| self.with(move |shelf| shelf.put_sums(&sums)));
    }

    fn send(&self, job: Job) {
        // The thread lives as long as a handle does; if it died there is no place left to write to.
        if self.jobs.send(job).is_err() {
            tracing::error!("the vault's thread has ended");
        }
    }
}

fn take<T>(place: &std::sync::Mutex<Option<T>>) -> Option<T> {
    place.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take()
}

fn work(mut shelf: Shelf, jobs: &jobs::Receiver<Job>) {
    while let Ok(job) = jobs.recv() {
        match job {
            Job::Append(rows) => shelf.append(rows),
            Job::Enforcement(bytes, kept) => kept(shelf.put_enforcement(bytes)),
            Job::With(work) => work(&mut shelf),
        }
    }
    shelf.close();
}
