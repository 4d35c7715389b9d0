//! `dwell report --format html`, and the words that come before the numbers of a week.

use std::path::{Path, PathBuf};

use dwell_bus::wire;
use dwell_core::texts::Texts;

use crate::bus::Daemon;
use crate::console::Console;
use crate::error::Error;
use crate::output::html::{self, Content};
use crate::output::instant::Zone;
use crate::output::week::{self, Summary, Week};

/// Bars of a chart, where nobody says how many.
const BARS: usize = 12;
/// Rows that the page's tables have at most, and one more for the rest.
const ROWS: u32 = 60;

/// The page of a query, whose grouping means nothing.
///
/// # Errors
/// The daemon's.
pub(crate) async fn page(daemon: &Daemon, query: &wire::Query, apps: &wire::Report) -> Result<String, Error> {
    let summary = summary(daemon, query, apps).await?;
    let picture = daemon.ask(|d| d.picture(query.clone())).await?;
    let sites = daemon.ask(|d| d.report(by(query, "domain", Some(ROWS)))).await?;
    let bars = query.top.and_then(|top| usize::try_from(top).ok()).unwrap_or(BARS).min(50);
    Ok(html::page(&Content { apps, sites: &sites, picture: &picture, summary: summary.as_ref(), bars }))
}

/// What the page is made of that a report tells: by program.
pub(crate) fn by_program(query: &wire::Query) -> wire::Query {
    by(query, "app", Some(ROWS))
}

/// The same query in another grouping.
pub(crate) fn by(query: &wire::Query, by: &str, top: Option<u32>) -> wire::Query {
    wire::Query { by: Some(by.to_owned()), top, ..query.clone() }
}

/// The words for a report over a whole week, from a Monday, that is over; `None` for any other period.
///
/// # Errors
/// The daemon's.
pub(crate) async fn summary(
    daemon: &Daemon,
    query: &wire::Query,
    report: &wire::Report,
) -> Result<Option<Summary>, Error> {
    let zone = Zone::new(&report.zone);
    let (first, last) = zone.days(report.from_at_ms, report.to_at_ms);
    // What ends at the hour at which days start was not cut off by now.
    let over = zone.clock(report.from_at_ms) == zone.clock(report.to_at_ms);
    if first.days_from_monday() != 0 || last != first.plus(6) || !over || report.observed_ms == 0 {
        return Ok(None);
    }
    // With what a week is compared, the daemon knows.
    let beside = wire::Query { compare: Some(true), ..by(query, "app", Some(1)) };
    let Some(beside) = daemon.ask(|d| d.report(beside)).await?.compare else { return Ok(None) };
    let (first, last) = zone.days(beside.from_at_ms, beside.to_at_ms);
    let now = wire::Query { compare: None, ..query.clone() };
    let before = wire::Query { period: Some(format!("{first}..{last}")), ..now.clone() };
    let (now, before) = (read(daemon, &now).await?, read(daemon, &before).await?);
    Ok(Some(week::summary(&Texts::new(&locale()), &now, &before)))
}

async fn read(daemon: &Daemon, query: &wire::Query) -> Result<Week, Error> {
    Ok(Week {
        apps: daemon.ask(|d| d.report(by(query, "app", None))).await?,
        sites: daemon.ask(|d| d.report(by(query, "domain", None))).await?,
        categories: daemon.ask(|d| d.report(by(query, "category", None))).await?,
    })
}

/// The locale of what is said, as LC_ALL, LC_MESSAGES or LANG has it (locale(7): the first one that says anything).
pub(crate) fn locale() -> String {
    let said = |name| std::env::var(name).ok().filter(|text| !text.is_empty());
    ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(said).unwrap_or_default()
}

/// Where a page goes that is kept and of which nobody says where: `~/.local/state/dwell/week.html`.
///
/// Not among the documents, which are often copied to other machines; and always the same file, so that it can be found
/// and taken away when something is forgotten.
///
/// # Errors
/// There is no home.
pub(crate) fn usual_place() -> Result<PathBuf, Error> {
    let folder = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = folder("XDG_STATE_HOME").or_else(|| Some(folder("HOME")?.join(".local/state")));
    let lost = || {
        Error::new(crate::error::Kind::Failed, "neither HOME nor XDG_STATE_HOME says where to save it")
            .hint("name a file: --save=FILE")
    };
    Ok(state.ok_or_else(lost)?.join("dwell/week.html"))
}

/// The page at its usual place, if there is one.
pub(crate) fn kept() -> Option<PathBuf> {
    usual_place().ok().filter(|path| path.symlink_metadata().is_ok())
}

/// Takes the page at its usual place away, and what is left of one whose writing was cut off; tells where it was.
///
/// # Errors
/// It cannot be removed.
pub(crate) fn discard() -> Result<Option<PathBuf>, Error> {
    // Where nobody can say where a page would be, there is none.
    let Ok(path) = usual_place() else { return Ok(None) };
    let gone = remove(&path).map_err(|why| {
        let why = crate::error::reason(&why);
        Error::new(crate::error::Kind::Failed, format!("{} cannot be removed: {why}", path.display()))
            .hint("delete it yourself: it is not encrypted")
    })?;
    Ok(gone.then_some(path))
}

/// Whether there was something.
fn remove(path: &Path) -> std::io::Result<bool> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return Ok(false) };
    let entries = match std::fs::read_dir(folder) {
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        entries => entries?,
    };
    let mut gone = false;
    for entry in entries {
        let entry = entry?;
        // The page itself, or as `write` names one that is not done.
        let found = entry.file_name();
        let rest = found.as_encoded_bytes().strip_prefix(name.as_encoded_bytes());
        if rest.is_some_and(|rest| rest.is_empty() || is_number(rest)) {
            std::fs::remove_file(entry.path())?;
            gone = true;
        }
    }
    Ok(gone)
}

/// `.1234`
fn is_number(rest: &[u8]) -> bool {
    matches!(rest, [b'.', digits @ ..] if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit))
}

/// Writes a text to a file that only its owner can read, all or nothing; folders that are missing are made for the owner
/// alone.
///
/// # Errors
/// It cannot be written.
pub(crate) fn save(path: &Path, text: &str, console: &Console) -> Result<(), Error> {
    let failed = |why: &std::io::Error| {
        let why = crate::error::reason(why);
        Error::new(crate::error::Kind::Failed, format!("{} cannot be written: {why}", path.display()))
            .hint("name another file: --save=FILE")
    };
    write(path, text).map_err(|why| failed(&why))?;
    console.remark(&format!("saved in {}, which only you can read", path.display()));
    Ok(())
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mut name = path.file_name().ok_or(std::io::ErrorKind::InvalidInput)?.to_owned();
    name.push(format!(".{}", std::process::id()));
    let new = folder.join(name);
    // Nothing that lies there is followed or written into.
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    let done = written.and_then(|()| std::fs::rename(&new, path));
    if done.is_err() {
        // It says more why it could not be written.
        let _ = std::fs::remove_file(&new);
    }
    done
}

/// Says in a notification that a week's page is there. Nothing of what it says.
///
/// It has no button: this program ends, and nobody would hear that it was pressed. Where the service makes links in a
/// notification, the file's name is one.
///
/// # Errors
/// There is no session bus, or nobody shows notifications.
pub(crate) async fn notify(path: &Path) -> Result<(), Error> {
    const SERVICE: &str = "org.freedesktop.Notifications";
    const PLACE: &str = "/org/freedesktop/Notifications";
    let nobody = |_| {
        Error::new(crate::error::Kind::Failed, "nothing here shows notifications")
            .hint("the file is there; leave --notify out")
    };
    let bus = crate::bus::Bus::Session.connect().await?;
    let answer =
        bus.call_method(Some(SERVICE), PLACE, Some(SERVICE), "GetCapabilities", &()).await.map_err(nobody)?;
    let able: Vec<String> = answer.body().deserialize().unwrap_or_default();
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let shown = shown(&path, home.as_deref());
    let notice = Texts::new(&locale()).week_ready(&shown);
    let body = body(&notice.body, &shown, &path, |what| able.iter().any(|can| can == what));
    let hints = std::collections::HashMap::<&str, zbus::zvariant::Value<'_>>::from([
        ("desktop-entry", "org.dwell.dwelld".into()),
        ("category", "x-dwell.week".into()),
    ]);
    let arguments = ("dwell", 0_u32, "", notice.summary, body, [""; 0].as_slice(), hints, -1_i32);
    bus.call_method(Some(SERVICE), PLACE, Some(SERVICE), "Notify", &arguments).await.map(drop).map_err(nobody)
}

/// A path as people write it: what lies in their home begins with `~`.
fn shown(path: &Path, home: Option<&Path>) -> String {
    match home.and_then(|home| path.strip_prefix(home).ok()) {
        Some(inside) => format!("~/{}", inside.display()),
        None => path.display().to_string(),
    }
}

/// The text of a notification for what the service is able to: with `file` as a link, marked up, or plain.
fn body(text: &str, file: &str, path: &Path, can: impl Fn(&str) -> bool) -> String {
    use std::os::unix::ffi::OsStrExt as _;
    let escape = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    if !can("body-markup") {
        return text.to_owned();
    }
    if !can("body-hyperlinks") {
        return escape(text);
    }
    let mut address = String::from("file://");
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'~' => address.push(char::from(*byte)),
            byte if byte.is_ascii_alphanumeric() => address.push(char::from(*byte)),
            byte => address.push_str(&format!("%{byte:02X}")),
        }
    }
    let file = escape(file);
    escape(text).replacen(&file, &format!("<a href=\"{address}\">{file}</a>"), 1)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_notification_has_as_much_as_its_service_shows() {
        let path = Path::new("/home/a&b/the week/w<1>.html");
        let file = shown(path, Some(Path::new("/home/a&b")));
        assert_eq!(file, "~/the week/w<1>.html");
        assert_eq!(shown(path, Some(Path::new("/home/other"))), path.display().to_string());
        let notice = Texts::new("C").week_ready(&file);
        let said = |able: &[&str]| body(&notice.body, &file, path, |what| able.contains(&what));
        insta::assert_snapshot!(said(&["body"]), @"It is in ~/the week/w<1>.html, which only you can read.");
        insta::assert_snapshot!(said(&["body", "body-markup"]), @"It is in ~/the week/w&lt;1&gt;.html, which only you can read.");
        insta::assert_snapshot!(said(&["body-hyperlinks", "body-markup"]), @r#"It is in <a href="file:///home/a%26b/the%20week/w%3C1%3E.html">~/the week/w&lt;1&gt;.html</a>, which only you can read."#);
    }

    #[test]
    fn what_is_saved_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/week.html");
        std::fs::create_dir(folder.path().join("open")).unwrap();
        for text in ["one", "two"] {
            write(&path, text).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        // A file that others could read is replaced, not written into.
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        write(&path, "three").unwrap();
        assert_eq!(mode(&path), 0o600);
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        assert!(write(folder.path(), "a folder").is_err());
    }

    #[test]
    fn a_page_goes_with_what_was_left_of_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("week.html");
        assert!(!remove(&folder.path().join("nowhere/week.html")).unwrap());
        assert!(!remove(&path).unwrap());
        for name in ["week.html", "week.html.4711", "week.html.mine", "week.html.", "other.html"] {
            std::fs::write(folder.path().join(name), name).unwrap();
        }
        assert!(remove(&path).unwrap());
        let mut left: Vec<_> =
            std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["other.html", "week.html.", "week.html.mine"]);
    }
}
