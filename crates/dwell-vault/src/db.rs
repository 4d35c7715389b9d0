//! The database file: opaque blobs under blinded ids, and nothing else. Knows no keys and no days.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, params};

use crate::error::{OpenError, Part};
use crate::page::PAGE_MAX;

/// "dwel"; lets file(1) and a person tell what the file is.
const APPLICATION: i64 = 0x6477_656c;
/// The tables' version.
const SCHEMA: i64 = 1;

const TABLES: [&str; 6] = [
    "CREATE TABLE dk(id INTEGER PRIMARY KEY, w BLOB NOT NULL) STRICT",
    "CREATE TABLE enf(id INTEGER PRIMARY KEY, b BLOB NOT NULL) STRICT",
    "CREATE TABLE j(seq INTEGER PRIMARY KEY, b BLOB NOT NULL) STRICT",
    "CREATE TABLE meta(id INTEGER PRIMARY KEY, b BLOB NOT NULL) STRICT",
    "CREATE TABLE page(id INTEGER PRIMARY KEY, b BLOB NOT NULL) STRICT",
    "CREATE TABLE roll(id INTEGER PRIMARY KEY, b BLOB NOT NULL) STRICT",
];

/// Where a blob is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Table {
    Meta,
    DayKey,
    Page,
    Rollup,
    Enforcement,
}

impl Table {
    const fn select(self) -> &'static str {
        match self {
            Self::Meta => "SELECT b FROM meta WHERE id = ?1",
            Self::DayKey => "SELECT w FROM dk WHERE id = ?1",
            Self::Page => "SELECT b FROM page WHERE id = ?1",
            Self::Rollup => "SELECT b FROM roll WHERE id = ?1",
            Self::Enforcement => "SELECT b FROM enf WHERE id = ?1",
        }
    }

    // INSERT, never REPLACE: two records whose blinded ids are the same must fail, not eat each other.
    const fn insert(self) -> &'static str {
        match self {
            Self::Meta => "INSERT INTO meta VALUES (?1, ?2)",
            Self::DayKey => "INSERT INTO dk VALUES (?1, ?2)",
            Self::Page => "INSERT INTO page VALUES (?1, ?2)",
            Self::Rollup => "INSERT INTO roll VALUES (?1, ?2)",
            Self::Enforcement => "INSERT INTO enf VALUES (?1, ?2)",
        }
    }

    const fn delete(self) -> &'static str {
        match self {
            Self::Meta => "DELETE FROM meta WHERE id = ?1",
            Self::DayKey => "DELETE FROM dk WHERE id = ?1",
            Self::Page => "DELETE FROM page WHERE id = ?1",
            Self::Rollup => "DELETE FROM roll WHERE id = ?1",
            Self::Enforcement => "DELETE FROM enf WHERE id = ?1",
        }
    }

    const fn update(self) -> &'static str {
        match self {
            Self::Meta => "UPDATE meta SET b = ?2 WHERE id = ?1",
            Self::DayKey => "UPDATE dk SET w = ?2 WHERE id = ?1",
            Self::Page => "UPDATE page SET b = ?2 WHERE id = ?1",
            Self::Rollup => "UPDATE roll SET b = ?2 WHERE id = ?1",
            Self::Enforcement => "UPDATE enf SET b = ?2 WHERE id = ?1",
        }
    }
}

/// An open database file.
pub(crate) struct Db {
    conn: Connection,
}

impl Db {
    /// Makes a new database; the file must not exist.
    pub(crate) fn create(path: &Path) -> Result<Self, OpenError> {
        Self::make(path).map_err(|error| error.or_full(path))
    }

    fn make(path: &Path) -> Result<Self, OpenError> {
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .map_err(|e| OpenError::io(path, e))?;
        let mut db = Self::connect(path)?;
        let tx = db.write()?;
        for table in TABLES {
            tx.execute(table, [])?;
        }
        tx.pragma_update(None, "application_id", APPLICATION)?;
        tx.pragma_update(None, "user_version", SCHEMA)?;
        tx.commit()?;
        Ok(db)
    }

    /// Opens a database that is there.
    pub(crate) fn open(path: &Path) -> Result<Self, OpenError> {
        Self::look(path).map_err(|error| error.or_full(path))
    }

    fn look(path: &Path) -> Result<Self, OpenError> {
        let corrupt = OpenError::Corrupt { what: Part::Database };
        // SQLite would take an empty file for a new database.
        match path.metadata() {
            Ok(meta) if meta.len() > 0 => {}
            Ok(_) => return Err(corrupt),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Err(corrupt),
            Err(e) => return Err(OpenError::io(path, e)),
        }
        let db = Self::connect(path)?;
        let number = |name| db.conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        let tables = db
            .conn
            .prepare("SELECT sql FROM sqlite_schema ORDER BY name")?
            .query_map([], |row| row.get::<_, String>(0))?
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| unreadable_schema(error, path))?;
        if number("application_id")? != APPLICATION || number("user_version")? != SCHEMA || tables != TABLES {
            return Err(corrupt);
        }
        Ok(db)
    }

    /// Opens a second connection that only reads, and sees what is committed now until it is dropped.
    pub(crate) fn open_to_read(path: &Path) -> Result<Self, OpenError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_EXRESCODE;
        let conn = Connection::open_with_flags(path, flags)?;
        conn.set_limit(Limit::SQLITE_LIMIT_LENGTH, i32::try_from(PAGE_MAX + 4096).unwrap_or(i32::MAX))?;
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        conn.set_prepared_statement_cache_capacity(24);
        conn.execute_batch(
            "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY;
             PRAGMA mmap_size = 0; PRAGMA cache_size = -256; BEGIN",
        )?;
        // A transaction sees from its first read on, and that must be now.
        conn.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        Ok(Self { conn })
    }

    fn connect(path: &Path) -> Result<Self, OpenError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_NOFOLLOW
            | OpenFlags::SQLITE_OPEN_EXRESCODE;
        // The folder is resolved here, so that no link in the person's home trips NOFOLLOW.
        let folder = path.parent().unwrap_or(path);
        let folder = folder.canonicalize().map_err(|e| OpenError::io(folder, e))?;
        let conn = Connection::open_with_flags(folder.join("db"), flags)?;
        conn.set_limit(Limit::SQLITE_LIMIT_LENGTH, i32::try_from(PAGE_MAX + 4096).unwrap_or(i32::MAX))?;
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        conn.set_prepared_statement_cache_capacity(24);
        // There is one writer, and a reader that holds the log is not waited for: recording is worth more.
        conn.busy_timeout(std::time::Duration::ZERO)?;
        // page_size: a commit writes whole pages, and a row is a fourteenth of one of these. Counts for a new file only.
        // wal_autocheckpoint: a log of 256 KiB. cell_size_check and trusted_schema: the file may be damaged. temp_store: no plaintext can spill, for none is
        // ever given to SQLite, but nothing needs temporary files either. cache_size: 256 KiB; the daemon is small.
        conn.execute_batch(
            "PRAGMA page_size = 2048; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;
             PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 0; PRAGMA cache_size = -256;
             PRAGMA secure_delete = ON; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             PRAGMA wal_autocheckpoint = 128;",
        )?;
        Ok(Self { conn })
    }

    pub(crate) fn get(&self, table: Table, id: i64) -> rusqlite::Result<Option<Vec<u8>>> {
        self.conn.prepare_cached(table.select())?.query_row([id], |row| row.get(0)).optional()
    }

    /// Gives every journal row from number `first` on, in order, to `each`. `false`: the table is damaged, and rows may be missing; those
    /// before and behind the damage were given all the same.
    pub(crate) fn rows(&self, first: u64, mut each: impl FnMut(u64, &[u8])) -> bool {
        // Row numbers of honest vaults are far below; 0 asks for all, those that are absurd included.
        let first = i64::try_from(first).ok().filter(|first| *first > 0).unwrap_or(i64::MIN);
        let mut last = None;
        let forward = self.walk("SELECT seq, b FROM j WHERE seq >= ?1 ORDER BY seq", first, |seq, blob| {
            let onward = last.is_none_or(|last| seq > last);
            if onward {
                last = Some(seq);
                each(seq.cast_unsigned(), blob);
            }
            onward
        });
        if forward.is_ok_and(|whole| whole) {
            return true;
        }
        let mut before = None;
        let _ = self.walk("SELECT seq, b FROM j WHERE seq >= ?1 ORDER BY seq DESC", first, |seq, blob| {
            let onward = last.is_none_or(|last| seq > last) && before.is_none_or(|before| seq < before);
            if onward {
                before = Some(seq);
                each(seq.cast_unsigned(), blob);
            }
            onward
        });
        false
    }

    /// `Ok(false)`: `each` saw an order that a sound tree does not have.
    fn walk(
        &self,
        sql: &str,
        first: i64,
        mut each: impl FnMut(i64, &[u8]) -> bool,
    ) -> rusqlite::Result<bool> {
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query([first])?;
        while let Some(row) = rows.next()? {
            let blob = match row.get_ref(1)? {
                ValueRef::Blob(blob) => blob,
                // A damaged type code: a row that will not open.
                _ => &[],
            };
            if !each(row.get(0)?, blob) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The ids of all day keys and pages, as far as they can be read: what a lost manifest is made again from.
    pub(crate) fn ids(&self, table: Table) -> Vec<i64> {
        let sql = match table {
            Table::DayKey => "SELECT id FROM dk",
            Table::Page => "SELECT id FROM page",
            Table::Rollup => "SELECT id FROM roll",
            Table::Meta => "SELECT id FROM meta",
            Table::Enforcement => "SELECT id FROM enf",
        };
        let Ok(mut statement) = self.conn.prepare(sql) else { return Vec::new() };
        let Ok(rows) = statement.query_map([], |row| row.get(0)) else { return Vec::new() };
        rows.map_while(Result::ok).collect()
    }

    /// The highest row number in the journal below a bound.
    pub(crate) fn last_seq(&self, below: u64) -> rusqlite::Result<Option<u64>> {
        let sql = "SELECT max(seq) FROM j WHERE seq > 0 AND seq < ?1";
        let last: Option<i64> = self.conn.query_row(sql, [below], |row| row.get(0))?;
        Ok(last.map(i64::cast_unsigned))
    }

    /// Begins to write. Rolled back where it is not committed.
    pub(crate) fn write(&mut self) -> rusqlite::Result<Writing<'_>> {
        // Prepared once: parsing the two words anew would be 4 % of a commit.
        self.conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        Ok(Writing(&self.conn))
    }

    /// Adds a row in a transaction of its own.
    pub(crate) fn append_row(&mut self, seq: u64, blob: &[u8]) -> rusqlite::Result<()> {
        self.conn.prepare_cached(INSERT_ROW)?.execute(params![seq, blob]).map(drop)
    }

    /// Writes a copy of everything, as of now, into a new file.
    pub(crate) fn copy_into(&self, path: &Path) -> Result<(), OpenError> {
        let text = path
            .to_str()
            .ok_or_else(|| OpenError::io(path, std::io::Error::from(std::io::ErrorKind::InvalidFilename)))?;
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .map_err(|e| OpenError::io(path, e))?;
        let copied = self.conn.execute("VACUUM INTO ?1", [text]).map(drop);
        copied.map_err(|error| OpenError::from(error).or_full(path))
    }

    /// Whether each table's tree can be entered from both ends: a cheap look that finds damage where most hangs on it.
    pub(crate) fn can_be_entered(&self) -> bool {
        ["dk", "enf", "meta", "page", "roll", "j"].into_iter().all(|table| {
            ["ASC", "DESC"].into_iter().all(|order| {
                let sql = format!("SELECT rowid FROM {table} ORDER BY rowid {order} LIMIT 1");
                self.conn.query_row(&sql, [], |_| Ok(())).optional().is_ok()
            })
        })
    }

    /// Whether SQLite finds no fault in its trees. Reads everything.
    pub(crate) fn is_sound(&self) -> bool {
        let found = self.conn.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
        found.is_ok_and(|found| found == "ok")
    }

    /// Writes without log and syncing from now on, until it is opened again: for a file that is worth nothing before it
    /// is complete, and that is synced then.
    pub(crate) fn without_log(&self) -> rusqlite::Result<()> {
        self.conn.execute_batch("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF")
    }

    /// Moves everything from the log into the database and empties the log, so that what was deleted is in neither.
    pub(crate) fn empty_log(&self) -> rusqlite::Result<()> {
        self.conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
    }
}

/// What it means that the schema cannot be read: damage, unless the system gave a reason of its own. A sound database on a
/// full disk must not be taken for a damaged one, which would be mended.
fn unreadable_schema(error: rusqlite::Error, path: &Path) -> OpenError {
    let code = error.sqlite_error_code();
    match OpenError::from(error).or_full(path) {
        OpenError::Database { source } => match code {
            Some(ErrorCode::CannotOpen | ErrorCode::SystemIoFailure | ErrorCode::OutOfMemory) => {
                OpenError::Database { source }
            }
            _ => OpenError::Corrupt { what: Part::Database },
        },
        error => error,
    }
}

const INSERT_ROW: &str = "INSERT INTO j VALUES (?1, ?2)";

/// A transaction; rolled back when it is dropped before its commit.
pub(crate) struct Writing<'a>(&'a Connection);

impl std::ops::Deref for Writing<'_> {
    type Target = Connection;
    fn deref(&self) -> &Connection {
        self.0
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        // After a commit there is nothing open; after some errors SQLite has rolled back itself.
        if !self.0.is_autocommit() {
            let _ = self.0.execute_batch("ROLLBACK");
        }
    }
}

impl Writing<'_> {
    pub(crate) fn insert(&self, table: Table, id: i64, blob: &[u8]) -> rusqlite::Result<()> {
        self.prepare_cached(table.insert())?.execute(params![id, blob]).map(drop)
    }

    /// Puts a blob in the place of another, or where none is.
    pub(crate) fn put(&self, table: Table, id: i64, blob: &[u8]) -> rusqlite::Result<()> {
        match self.prepare_cached(table.update())?.execute(params![id, blob])? {
            0 => self.insert(table, id, blob),
            _ => Ok(()),
        }
    }

    pub(crate) fn delete(&self, table: Table, id: i64) -> rusqlite::Result<()> {
        self.prepare_cached(table.delete())?.execute([id]).map(drop)
    }

    pub(crate) fn insert_row(&self, seq: u64, blob: &[u8]) -> rusqlite::Result<()> {
        self.prepare_cached(INSERT_ROW)?.execute(params![seq, blob]).map(drop)
    }

    /// Puts a row in the place of another, or where none is.
    pub(crate) fn put_row(&self, seq: u64, blob: &[u8]) -> rusqlite::Result<()> {
        self.delete_row(seq)?;
        self.insert_row(seq, blob)
    }

    pub(crate) fn delete_row(&self, seq: u64) -> rusqlite::Result<()> {
        self.prepare_cached("DELETE FROM j WHERE seq = ?1")?.execute([seq]).map(drop)
    }

    pub(crate) fn commit(self) -> rusqlite::Result<()> {
        self.prepare_cached("COMMIT")?.execute([]).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::ROW;

    #[test]
    fn a_database_is_private_known_and_never_made_twice() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        drop(Db::create(&path).unwrap());
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert!(Db::create(&path).is_err());
        assert!(Db::open(&path).is_ok());
        std::fs::write(&path, b"").unwrap();
        assert!(matches!(Db::open(&path), Err(OpenError::Corrupt { what: Part::Database })));
        std::fs::write(&path, [b'x'; 8192]).unwrap();
        assert!(matches!(Db::open(&path), Err(OpenError::Corrupt { what: Part::Database })));
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(Db::open(&path), Err(OpenError::Corrupt { what: Part::Database })));
    }

    #[test]
    fn the_pragmas_hold() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::create(&folder.path().join("db")).unwrap();
        for (name, value) in [
            ("synchronous", 2),
            ("secure_delete", 1),
            ("temp_store", 2),
            ("mmap_size", 0),
            ("trusted_schema", 0),
            ("cell_size_check", 1),
            ("page_size", 2048),
            ("wal_autocheckpoint", 128),
            ("cache_size", -256),
        ] {
            let found: i64 = db.conn.pragma_query_value(None, name, |row| row.get(0)).unwrap_or(0);
            assert_eq!(found, value, "{name}");
        }
        let mode: String = db.conn.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
        assert_eq!(mode, "wal");
    }

    #[test]
    fn two_records_with_one_id_fail() {
        let folder = tempfile::tempdir().unwrap();
        let mut db = Db::create(&folder.path().join("db")).unwrap();
        let tx = db.write().unwrap();
        tx.insert(Table::Page, 5, b"one").unwrap();
        assert!(tx.insert(Table::Page, 5, b"two").is_err());
        tx.commit().unwrap();
        assert_eq!(db.get(Table::Page, 5).unwrap().as_deref(), Some(&b"one"[..]));
    }

    #[test]
    fn rows_on_both_sides_of_a_damaged_page_are_given() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        let mut db = Db::create(&path).unwrap();
        let tx = db.write().unwrap();
        (1..=100).for_each(|seq| tx.insert_row(seq, &[7; ROW]).unwrap());
        tx.commit().unwrap();
        let mut rows = 0;
        assert!(db.rows(0, |_, _| rows += 1));
        assert_eq!(rows, 100);
        drop(db);
        // Row 50's page: not a kind of page that there is.
        let mut bytes = std::fs::read(&path).unwrap();
        let leaves: Vec<usize> = (2048..bytes.len())
            .step_by(2048)
            .filter(|at| bytes[*at] == 13 && bytes[at + 2047] == 7)
            .collect();
        bytes[leaves[leaves.len() / 2]] = 0x55;
        std::fs::write(&path, bytes).unwrap();
        let mut seqs = Vec::new();
        assert!(!Db::open(&path).unwrap().rows(0, |seq, _| seqs.push(seq)));
        assert!(seqs.len() > 80 && seqs.len() < 100, "{}", seqs.len());
        assert!(seqs.contains(&1) && seqs.contains(&100));
        seqs.sort_unstable();
        seqs.dedup();
        assert!(seqs.len() > 80, "none twice");
    }

    #[test]
    fn a_blob_longer_than_any_record_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        let db = Db::create(&path).unwrap();
        let other = Connection::open(&path).unwrap();
        let length = i64::try_from(PAGE_MAX + 8192).unwrap();
        other.execute("INSERT INTO page VALUES (5, zeroblob(?1))", [length]).unwrap();
        let error = db.get(Table::Page, 5).unwrap_err();
        assert_eq!(error.sqlite_error_code(), Some(rusqlite::ErrorCode::TooBig));
    }
}
