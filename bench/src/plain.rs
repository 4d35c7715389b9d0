//! What the vault is compared with: plain SQLite that stores the same rows.
//!
//! It is made as lean as one would make it who wants no encryption: names in a table of their own, numbers in the
//! rows, the wall clock as the key. It has the vault's pragmas, so that both promise the same after a power loss,
//! and its reports scan the rows and sum in Rust, for GROUP BY would be many times slower.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use dwell_core::calendar::CivilDay;
use dwell_core::span::{Activity, Span};
use rusqlite::{Connection, params};

/// The vault's own (see its `db.rs`).
const PRAGMAS: &str = "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY;
    PRAGMA mmap_size = 0; PRAGMA cache_size = -256; PRAGMA secure_delete = ON;
    PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 64;";

const TABLES: &str = "
    CREATE TABLE name(id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;
    CREATE TABLE span(wall INTEGER PRIMARY KEY, boot INTEGER NOT NULL, length INTEGER NOT NULL,
        kind INTEGER NOT NULL, app INTEGER, domain INTEGER) STRICT;";

/// P's further table: A with totals of each day kept beside the rows.
const ROLLUP: &str = "
    CREATE TABLE roll(day INTEGER, app INTEGER, domain INTEGER, ms INTEGER NOT NULL, opens INTEGER NOT NULL,
        PRIMARY KEY(day, app, domain)) STRICT, WITHOUT ROWID;
    INSERT INTO roll SELECT wall / 86400000, app, ifnull(domain, 0), sum(length), count(*) FROM span
        WHERE kind < 2 GROUP BY 1, 2, 3;";

/// A plain database.
pub(crate) struct Plain {
    conn: Connection,
    names: HashMap<String, i64>,
    path: PathBuf,
}

impl Plain {
    /// Opens the database of a folder, or makes one.
    pub(crate) fn open(folder: &Path) -> Self {
        let path = folder.join("plain.db");
        let conn = Connection::open(&path).unwrap();
        conn.set_prepared_statement_cache_capacity(12);
        conn.execute_batch(PRAGMAS).unwrap();
        if !conn.table_exists(None, "span").unwrap() {
            conn.execute_batch(TABLES).unwrap();
        }
        let names = conn
            .prepare("SELECT text, id FROM name")
            .unwrap()
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        Self { conn, names, path }
    }

    /// Records one span, durably.
    pub(crate) fn append(&mut self, span: &Span) {
        let (kind, domain) = match &span.activity {
            Activity::Focus(subject) => (0, subject.domain.as_ref()),
            Activity::Private(_) => (1, None),
            Activity::Audible(subject) => (2, subject.domain.as_ref()),
            Activity::Unobserved => (3, None),
        };
        let app = span.activity.app().map(|app| self.name(app.as_str()));
        let domain = domain.map(|domain| self.name(domain.as_str()));
        let (wall, boot) = (span.start.wall.as_unix_ms(), span.start.boot.as_ms());
        self.conn
            .prepare_cached("INSERT INTO span VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
            .unwrap()
            .execute(params![wall, boot, span.length.as_ms(), kind, app, domain])
            .unwrap();
    }

    /// Records many spans in one commit.
    pub(crate) fn append_all(&mut self, spans: &[Span]) {
        self.conn.execute_batch("BEGIN IMMEDIATE").unwrap();
        spans.iter().for_each(|span| self.append(span));
        self.conn.execute_batch("COMMIT").unwrap();
    }

    fn name(&mut self, text: &str) -> i64 {
        if let Some(id) = self.names.get(text) {
            return *id;
        }
        self.conn.execute("INSERT INTO name(text) VALUES (?1)", [text]).unwrap();
        let id = self.conn.last_insert_rowid();
        self.names.insert(text.to_owned(), id);
        id
    }

    /// Milliseconds of each name, by its number, from the rows of days `from` up to and without `to`.
    pub(crate) fn scan(&self, from: CivilDay, to: CivilDay) -> Vec<u64> {
        let mut totals = vec![0; self.names.len() + 1];
        let mut statement = self
            .conn
            .prepare_cached("SELECT length, kind, app, domain FROM span WHERE wall >= ?1 AND wall < ?2")
            .unwrap();
        let mut rows = statement.query([midnight(from), midnight(to)]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let (length, kind): (u64, i64) = (row.get(0).unwrap(), row.get(1).unwrap());
            let (app, domain): (Option<usize>, Option<usize>) = (row.get(2).unwrap(), row.get(3).unwrap());
            if kind < 2 {
                add(&mut totals, app, length);
                add(&mut totals, domain, length);
            }
        }
        totals
    }

    /// Makes A to P.
    pub(crate) fn add_rollup(&self) {
        self.conn.execute_batch(ROLLUP).unwrap();
    }

    /// The same as [`Plain::scan`], from P's rollup.
    pub(crate) fn totals(&self, from: CivilDay, to: CivilDay) -> Vec<u64> {
        let mut totals = vec![0; self.names.len() + 1];
        let mut statement = self
            .conn
            .prepare_cached("SELECT app, domain, ms FROM roll WHERE day >= ?1 AND day < ?2")
            .unwrap();
        let mut rows = statement.query([from.epoch_days(), to.epoch_days()]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let (app, domain): (usize, usize) = (row.get(0).unwrap(), row.get(1).unwrap());
            let ms: u64 = row.get(2).unwrap();
            add(&mut totals, Some(app), ms);
            add(&mut totals, Some(domain).filter(|domain| *domain > 0), ms);
        }
        totals
    }

    /// The milliseconds of a name.
    pub(crate) fn of_name(&self, totals: &[u64], text: &str) -> u64 {
        self.names.get(text).and_then(|id| totals.get(usize::try_from(*id).ok()?)).copied().unwrap_or(0)
    }

    /// Leaves everything in one file; returns its bytes.
    pub(crate) fn close(self) -> u64 {
        self.conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        drop(self.conn);
        self.path.metadata().unwrap().len()
    }
}

fn add(totals: &mut [u64], name: Option<usize>, ms: u64) {
    if let Some(name) = name {
        totals[name] += ms;
    }
}

fn midnight(day: CivilDay) -> i64 {
    i64::from(day.epoch_days()) * 86_400_000
}
