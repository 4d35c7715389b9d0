//! A made-up person's days, and what lies in their folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use dwell_core::calendar::CivilDay;
use dwell_core::span::{Activity, Span};
use dwell_core::subject::{AppId, Domain, Subject};
use dwell_core::time::{Boot, Millis, Reading, Wall};
use dwell_vault::{History, OpenError, Opened, Places, Row, Vault};
use tempfile::TempDir;

/// 2026-11-21T06:00:00Z, when the made-up machine was booted.
const BOOTED: i64 = 1_795_240_800_000;

pub(crate) struct World {
    pub(crate) places: Places,
    _folder: TempDir,
}

impl World {
    /// An empty folder.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { places: Places::new(folder.path().join("dwell")), _folder: folder }
    }

    pub(crate) fn try_open(&self) -> Result<(Vault, Opened), OpenError> {
        Vault::open_or_create(&self.places)
    }

    pub(crate) fn open(&self) -> Vault {
        self.try_open().unwrap().0
    }

    /// What the next daemon would find if this one were killed now: a copy of all files.
    pub(crate) fn killed(&self) -> Self {
        let world = Self::new();
        copy(&self.places.data_dir, &world.places.data_dir);
        world
    }

    pub(crate) fn generation(&self) -> PathBuf {
        let current = self.places.vault().join("current");
        self.places.vault().join(fs::read_link(current).unwrap_or_else(|_| "g.1".into()))
    }

    /// The database, for a thief or a bad sector; the vault must be closed.
    pub(crate) fn sqlite(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.generation().join("db")).unwrap()
    }

    /// Every file below the folder with its bytes, but for the lock, and links with where they lead.
    pub(crate) fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        gather(&self.places.data_dir, &mut files);
        files.remove(&self.places.data_dir.join("lock"));
        files
    }
}

fn gather(folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_symlink() {
            let target = fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes();
            files.insert(path, target);
        } else if path.is_dir() {
            gather(&path, files);
        } else {
            let bytes = fs::read(&path).unwrap();
            files.insert(path, bytes);
        }
    }
}

pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for path in fs::read_dir(from).unwrap().map(|entry| entry.unwrap().path()) {
        let to = to.join(path.file_name().unwrap());
        if path.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(&path).unwrap(), to).unwrap();
        } else if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, to).unwrap();
        }
    }
}

pub(crate) fn day(after: i32) -> CivilDay {
    CivilDay::from_ymd(2026, 11, 21).unwrap().plus(after)
}

pub(crate) fn subject(app: &str, domain: Option<&str>) -> Subject {
    Subject { app: AppId::new(app).unwrap(), domain: domain.map(|d| Domain::new(d).unwrap()) }
}

/// A stretch of attention that began `at` ms after boot.
pub(crate) fn focus(at: u64, length: u64, app: &str) -> Span {
    Span {
        start: Reading::new(Boot::from_ms(at), Wall::from_unix_ms(BOOTED + i64::try_from(at).unwrap())),
        length: Millis::from_ms(length),
        activity: Activity::Focus(subject(app, None)),
    }
}

/// Some spans of one day, of every kind.
pub(crate) fn some_spans(after: i32, count: u64) -> Vec<Span> {
    let morning = u64::try_from(after).unwrap() * 86_400_000;
    (0..count)
        .map(|i| {
            let mut span = focus(morning + i * 60_000, 30_000 + i, "editor");
            span.activity = match i % 5 {
                0 => Activity::Focus(subject("browser", Some("example.org"))),
                1 => Activity::Private(subject("browser", None).app),
                2 => Activity::Audible(subject("radio", None)),
                3 => Activity::Unobserved,
                _ => span.activity,
            };
            span
        })
        .collect()
}

/// Records a day's spans, in one commit.
pub(crate) fn record(vault: &mut Vault, after: i32, spans: &[Span]) {
    let rows: Vec<_> = spans.iter().map(|span| (day(after), Row::Span(span.clone()))).collect();
    vault.append_all(&rows).unwrap();
}

pub(crate) fn all(vault: &mut Vault) -> History {
    vault.read(CivilDay::MIN..=CivilDay::MAX).unwrap()
}

/// The spans of one day in a history.
pub(crate) fn of_day(history: &History, after: i32) -> Vec<Span> {
    history.spans.iter().filter(|(d, _)| *d == day(after)).map(|(_, span)| span.clone()).collect()
}

/// Says what this machine cannot run; an error where everything is required.
pub(crate) fn not_run(what: &str, why: &str) {
    let mut out = std::io::stdout().lock();
    std::io::Write::write_fmt(&mut out, format_args!("NOT RUN: {what}: {}\n", why.trim())).unwrap();
    assert_ne!(std::env::var("DWELL_REQUIRE").as_deref(), Ok("all"), "not run: {what}: {why}");
}
