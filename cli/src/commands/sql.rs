//! `dwell sql`: questions that no report answers, in SQL, over the timeline of a period.
//!
//! The spans are put into a table in this program's memory, and the query sees that table alone. It may read and nothing
//! else: no file is opened or made, whatever it says. It ends with the program, so Ctrl-C ends it.

use dwell_bus::lines::Span;
use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::{Connection, ErrorCode, params};
use std::collections::HashMap;

use super::report::{period, two_formats};
use super::timeline::Timeline;
use crate::bus::Daemon;
use crate::console::Console;
use crate::error::{End, Error, Kind};
use crate::output::instant;
use crate::output::sql::{self as shown, Format};

/// Below the help text.
const HELP: &str = "\
The table is spans(start, end, seconds, app, name, domain, category, kind), as `dwell spans` prints it:
  start, end  RFC 3339 in local time with milliseconds and offset; SQLite's date functions take them,
              and give UTC unless told otherwise: strftime('%H', start, 'localtime')
  seconds     whole; what rounding leaves goes to the next span of the same program, site and kind, so that
              the sums of each are right
  kind        focus, private, audible or unobserved: only the first two are attention";

/// Ask the timeline in SQL: read-only, in memory
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Args {
    /// One SELECT over the table spans
    #[arg(value_name = "SELECT")]
    query: String,
    /// today yesterday week lastweek month year all 7d DATE DATE..DATE
    #[arg(value_parser = period, default_value = "today")]
    period: String,
    /// In which form (default: table)
    #[arg(long, value_enum)]
    format: Option<Format>,
}

/// Fills the table, asks, and shows.
pub(crate) async fn run(args: &Args, console: &mut Console) -> Result<End, Error> {
    let format = match (args.format, console.json) {
        (None, true) => Format::Json,
        (Some(Format::Table), true) => return Err(two_formats("table")),
        (Some(Format::Csv), true) => return Err(two_formats("csv")),
        (format, _) => format.unwrap_or(Format::Table),
    };
    let mut db = empty().map_err(broken)?;
    // A mistake is told before anybody is asked for years of spans.
    only_reading(&mut db, true).map_err(broken)?;
    db.prepare(&args.query).map_err(mistake)?;
    only_reading(&mut db, false).map_err(broken)?;
    let daemon = Daemon::find().await?;
    let mut timeline = Timeline::of(&daemon, &args.period).await?;
    let mut rounding = Rounding::default();
    db.execute_batch("BEGIN").map_err(broken)?;
    {
        let mut insert =
            db.prepare("INSERT INTO spans VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)").map_err(broken)?;
        while let Some(span) = timeline.span().await? {
            let seconds = rounding.seconds(&span)?;
            let Span { start, end, app, name, domain, category, kind, .. } = span;
            insert
                .execute(params![start, end, seconds, app, name, domain, category, kind])
                .map_err(broken)?;
        }
    }
    db.execute_batch("COMMIT; PRAGMA query_only = ON").map_err(broken)?;
    let told = timeline.told()?;
    if told.spans > 0 {
        only_reading(&mut db, true).map_err(broken)?;
        let mut statement = db.prepare(&args.query).map_err(mistake)?;
        shown::rows(&mut statement, format, console).map_err(mistake)?;
    }
    // What can be read has been asked; what cannot is told beside the answer.
    told.end(&args.period)
}

/// The table without rows, in memory.
fn empty() -> rusqlite::Result<Connection> {
    let db = Connection::open_in_memory()?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    db.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    db.execute_batch(
        "PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;
         CREATE TABLE spans(start TEXT NOT NULL, end TEXT NOT NULL, seconds INTEGER NOT NULL, app TEXT, name TEXT,
                            domain TEXT, category TEXT, kind TEXT NOT NULL) STRICT",
    )?;
    Ok(db)
}

/// Lets statements read, and nothing else; or, off, everything.
fn only_reading(db: &mut Connection, on: bool) -> rusqlite::Result<()> {
    let may = |context: AuthContext<'_>| match context.action {
        AuthAction::Function { function_name } if function_name.eq_ignore_ascii_case("load_extension") => {
            Authorization::Deny
        }
        AuthAction::Select
        | AuthAction::Read { .. }
        | AuthAction::Function { .. }
        | AuthAction::Recursive => Authorization::Allow,
        _ => Authorization::Deny,
    };
    db.authorizer(on.then_some(may))
}

/// Whole seconds that add up: what is lost or won by rounding one span is made good by the next one of that program, site
/// and kind. Whatever is summed up of these is less than a second off for each of them.
#[derive(Default)]
struct Rounding {
    rests: HashMap<String, i64>,
    /// Used again for each span: there may be a million of them.
    key: String,
}

impl Rounding {
    fn seconds(&mut self, span: &Span) -> Result<i64, Error> {
        let (start, end) = instant::ends(span)?;
        self.key.clear();
        for part in [span.app.as_deref(), span.domain.as_deref(), Some(span.kind.as_str())] {
            self.key.push_str(part.unwrap_or_default());
            self.key.push('\0');
        }
        let rest = match self.rests.get_mut(&self.key) {
            Some(rest) => rest,
            None => self.rests.entry(self.key.clone()).or_default(),
        };
        let ms = end - start + *rest;
        let seconds = (ms + 500).div_euclid(1000).max(0);
        *rest = ms - seconds * 1000;
        Ok(seconds)
    }
}

/// What SQLite says of a query, as one line.
fn mistake(why: rusqlite::Error) -> Error {
    let code = why.sqlite_error_code();
    let beyond = match code {
        Some(ErrorCode::OutOfMemory | ErrorCode::DiskFull) => Some("there is not enough memory for it"),
        Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) => Some("it cannot be done in memory alone"),
        Some(ErrorCode::InternalMalfunction | ErrorCode::DatabaseCorrupt) => Some("SQLite has failed"),
        _ => None,
    };
    if let Some(reason) = beyond {
        let why = why.to_string();
        // Without the number.
        let why = why.split_once(": ").map_or(why.as_str(), |(_, why)| why);
        return Error::new(Kind::Failed, format!("the query cannot be answered: {reason} ({why})"))
            .hint("ask for a shorter period, or for less at once");
    }
    // A function that is refused is an error like any other but for its words.
    let denied = code == Some(ErrorCode::AuthorizationForStatementDenied)
        || why.to_string().contains("not authorized to use function");
    if denied {
        return Error::new(Kind::Invalid, "a query here may only read")
            .hint("write one SELECT over the table spans");
    }
    if code == Some(ErrorCode::ApiMisuse) {
        return Error::new(Kind::Invalid, "there is no query").hint("write one SELECT over the table spans");
    }
    let (text, place) = match &why {
        rusqlite::Error::SqlInputError { msg, sql, offset, .. } => {
            let before = usize::try_from(*offset).ok().and_then(|offset| sql.get(..offset));
            (msg.clone(), before.map(|before| format!(" (character {})", before.chars().count() + 1)))
        }
        rusqlite::Error::SqliteFailure(_, Some(msg)) => (msg.clone(), None),
        rusqlite::Error::MultipleStatement => {
            ("these are several statements, and one is wanted".to_owned(), None)
        }
        other => (other.to_string(), None),
    };
    let message = format!("the query is wrong: {text}{}", place.unwrap_or_default());
    Error::new(Kind::Invalid, message)
        .hint("the table is spans(start, end, seconds, app, name, domain, category, kind)")
}

/// SQLite fails where nothing of the person's is in it.
fn broken(why: rusqlite::Error) -> Error {
    Error::new(Kind::Failed, format!("the table cannot be made: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(query: &str) -> String {
        let mut db = empty().unwrap();
        only_reading(&mut db, true).unwrap();
        let ran = db.prepare(query).and_then(|mut statement| statement.query([])?.next().map(drop));
        mistake(ran.unwrap_err()).to_string()
    }

    #[test]
    fn nothing_but_reading_is_possible() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.db");
        let file = file.to_str().unwrap();
        let statements = [
            &format!("ATTACH '{file}' AS x"),
            "ATTACH ':memory:' AS x",
            "DETACH main",
            &format!("VACUUM INTO '{file}'"),
            "VACUUM",
            "CREATE TEMP TABLE x AS SELECT 1",
            "CREATE TABLE x(a)",
            "CREATE VIEW x AS SELECT 1",
            "CREATE VIRTUAL TABLE x USING fts5(a)",
            "DELETE FROM spans",
            "DROP TABLE spans",
            "INSERT INTO spans VALUES ('','',1,'','','','','')",
            "UPDATE spans SET app = ''",
            "ALTER TABLE spans ADD COLUMN x",
            "PRAGMA temp_store = FILE",
            "PRAGMA temp_store_directory = '/tmp'",
            "PRAGMA journal_mode = WAL",
            "SELECT load_extension('x')",
            "ANALYZE",
            "BEGIN",
            "SAVEPOINT x",
        ];
        for statement in statements {
            let said = refused(statement);
            assert!(said.contains("a query here may only read"), "{statement}: {said}");
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "a file was made");
        for wrong in ["SELECT writefile('x', 'y')", "SELECT readfile('/etc/passwd')", "SELECT edit('x')"] {
            assert!(refused(wrong).contains("no such function"), "{wrong}");
        }
    }

    #[test]
    fn a_mistake_says_where_it_is() {
        insta::assert_snapshot!(refused("SELECT app FORM spans"), @r#"dwell: the query is wrong: near "spans": syntax error (character 17); the table is spans(start, end, seconds, app, name, domain, category, kind)"#);
        insta::assert_snapshot!(refused("SELECT ap FROM spans"), @"dwell: the query is wrong: no such column: ap (character 8); the table is spans(start, end, seconds, app, name, domain, category, kind)");
        insta::assert_snapshot!(refused("SELECT 1; SELECT 2"), @"dwell: the query is wrong: these are several statements, and one is wanted; the table is spans(start, end, seconds, app, name, domain, category, kind)");
        insta::assert_snapshot!(refused(""), @"dwell: there is no query; write one SELECT over the table spans");
        insta::assert_snapshot!(refused("SELECT sum(9223372036854775807 + seconds), abs(-9223372036854775807 - 1) FROM spans"), @"dwell: the query is wrong: integer overflow; the table is spans(start, end, seconds, app, name, domain, category, kind)");
    }

    #[test]
    fn seconds_add_up() {
        let span = |(app, domain, kind): (&str, Option<&str>, &str), ms: i64| Span {
            schema: String::new(),
            start: "2026-11-21T21:40:00.000+02:00".into(),
            end: format!("2026-11-21T21:40:{:02}.{:03}+02:00", ms / 1000, ms % 1000),
            seconds: 0,
            app: Some(app.into()),
            name: None,
            domain: domain.map(str::to_owned),
            category: None,
            kind: kind.into(),
        };
        let mut rounding = Rounding::default();
        let mut of = |whose, ms| rounding.seconds(&span(whose, ms)).unwrap();
        let (a, b) = (("a", None, "focus"), ("b", None, "focus"));
        assert_eq!(
            [of(a, 400), of(a, 400), of(b, 400), of(a, 400), of(b, 1300), of(a, 0)],
            [0, 1, 0, 0, 2, 0]
        );
        // Neither a site's time nor that of a private window is made up from another's.
        let (one, other) = (("c", Some("one.example"), "focus"), ("c", Some("other.example"), "focus"));
        let private = ("c", None, "private");
        let all: Vec<i64> = (0..5)
            .flat_map(|_| [(one, 400), (other, 0), (private, 1000)])
            .map(|(whose, ms)| of(whose, ms))
            .collect();
        assert_eq!(all, [0, 0, 1, 1, 0, 1, 0, 0, 1, 1, 0, 1, 0, 0, 1]);
    }

    #[test]
    fn what_the_machine_lacks_is_no_mistake_of_the_query() {
        let said = |code: i32| mistake(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None));
        use rusqlite::ffi::{SQLITE_CORRUPT, SQLITE_ERROR, SQLITE_FULL, SQLITE_IOERR, SQLITE_NOMEM};
        for code in [SQLITE_NOMEM, SQLITE_FULL, SQLITE_IOERR, SQLITE_CORRUPT] {
            assert_eq!(said(code).kind.exit_code(), 1, "{code}");
        }
        assert_eq!(said(SQLITE_ERROR).kind.exit_code(), 2);
        insta::assert_snapshot!(said(SQLITE_NOMEM), @"dwell: the query cannot be answered: there is not enough memory for it (out of memory); ask for a shorter period, or for less at once");
    }

    /// The files of this process that have no name, or none any more: SQLite's temporary ones.
    fn nameless_files() -> Vec<String> {
        let folder = std::fs::read_dir("/proc/self/fd").unwrap();
        let targets = folder.filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok());
        targets.map(|path| path.display().to_string()).filter(|path| path.ends_with("(deleted)")).collect()
    }

    #[test]
    fn nothing_is_ever_put_into_a_file() {
        // Far more than SQLite's cache holds, so that it would go to a file if it could.
        let rows = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 150000) \
                    SELECT x, hex(randomblob(50)) AS y FROM n";
        let queries = [
            format!("SELECT y FROM ({rows}) ORDER BY y"),
            format!("SELECT y, count(*) FROM ({rows}) GROUP BY y"),
            format!("SELECT DISTINCT y FROM ({rows}) ORDER BY x"),
            format!(
                "WITH t AS MATERIALIZED ({rows}) SELECT a.y FROM t AS a JOIN t AS b ON a.y = b.y ORDER BY b.y"
            ),
            format!("SELECT y FROM ({rows}) UNION SELECT y FROM ({rows})"),
        ];
        for query in queries {
            let mut db = empty().unwrap();
            only_reading(&mut db, true).unwrap();
            let mut statement = db.prepare(&query).unwrap();
            let mut rows = statement.query([]).unwrap();
            let mut read = 0;
            while rows.next().unwrap().is_some() {
                // With the first row of what is sorted, all of it lies somewhere.
                if read % 50_000 == 0 {
                    assert_eq!(nameless_files(), Vec::<String>::new(), "{query}");
                }
                read += 1;
            }
            assert!(read >= 150_000);
        }
    }

    #[test]
    fn date_functions_take_the_instants() {
        let mut db = empty().unwrap();
        db.execute("INSERT INTO spans VALUES ('2026-11-21T21:40:00.250+02:00', '2026-11-21T21:41:30.250+02:00', 90, 'a', 'A', NULL, NULL, 'focus')", []).unwrap();
        only_reading(&mut db, true).unwrap();
        let one = |query: &str| db.query_row(query, [], |row| row.get::<_, String>(0)).unwrap();
        assert_eq!(one("SELECT datetime(start) FROM spans"), "2026-11-21 19:40:00");
        assert_eq!(one("SELECT date(start, '+1 day') FROM spans"), "2026-11-22");
        assert_eq!(
            one(
                "SELECT CAST(round((julianday(end) - julianday(start)) * 86400) AS INTEGER) || '' FROM spans"
            ),
            "90"
        );
        assert_eq!(one("SELECT substr(start, 12, 2) FROM spans WHERE end > start"), "21");
        assert_eq!(one("SELECT strftime('%s', start) FROM spans"), "1795290000");
    }
}
