//! How each browser is linked: whether it can start the host, and whether its extension speaks to the daemon now.

use std::path::PathBuf;

use dwell_bus::IntakeProxy;
use dwell_bus::browser::Link;
use dwell_bus::wire::Part;
use serde::Serialize;
use zbus::proxy::CacheProperties;

use super::Reach;
use super::manifest::{self, There};
use super::places::{BROWSERS, Found, Packaging, Places, is_program};
use crate::bus::Bus;
use crate::commands::doctor;
use crate::console::Console;
use crate::error::{End, Error, Kind};
use crate::output::instant::Zone;
use crate::output::json;
use crate::output::phrase;
use crate::output::text::plain;

/// What is said of a browser in a Snap or a Flatpak, after its name.
pub(super) const CONFINED: &str =
    "cannot start dwell's part: a Snap or a Flatpak starts no program outside of itself";
/// What to do about it.
pub(super) const FROM_SYSTEM: &str = "install it as a package of your system, or from its maker";

/// A browser, as it is shown.
#[derive(Debug, Serialize)]
struct Row {
    browser: String,
    #[serde(skip)]
    name: String,
    path: Option<PathBuf>,
    packaging: Packaging,
    manifest: Option<PathBuf>,
    host_ok: bool,
    links: Vec<Linked>,
    ok: bool,
    message: String,
    fix: Option<String>,
}

/// A profile that is linked now.
#[derive(Debug, Serialize)]
struct Linked {
    program: String,
    extension: String,
    instance: String,
    since: String,
    unconfirmed: bool,
    problem: Option<String>,
}

impl From<Link> for Linked {
    fn from(link: Link) -> Self {
        Self {
            program: link.program,
            extension: link.extension,
            instance: link.instance,
            since: Zone::new(&link.zone).rfc3339(link.since_at_ms),
            unconfirmed: link.unconfirmed,
            problem: link.problem,
        }
    }
}

/// Asks the daemon, looks at the files, and says what was found.
pub(crate) async fn run(places: &Places, reach: Reach, console: &mut Console) -> Result<End, Error> {
    let bus = Bus::chosen()?;
    let rows = rows(places, reach, links(bus).await);
    let ok = rows.iter().all(|row| row.ok);
    if console.json {
        #[derive(Serialize)]
        struct Document<'a> {
            schema: &'static str,
            ok: bool,
            browsers: &'a [Row],
        }
        console.say(&json::line(&Document { schema: "dwell.browser/1", ok, browsers: &rows }));
    } else if rows.is_empty() {
        console.remark("No browser that dwell knows is installed");
    } else if !(console.quiet && ok) {
        console.say(&doctor::screen(&parts(&rows), "", console.look));
    }
    Ok(if ok { End::Well } else { End::Problem })
}

/// The links that there are, or why the daemon cannot be asked.
async fn links(bus: Bus) -> Result<Vec<Link>, Error> {
    let connection = bus.connect().await?;
    let intake = IntakeProxy::builder(&connection).cache_properties(CacheProperties::No).build().await;
    let intake = intake.map_err(|why| bus.failed(why.into()))?;
    intake.browser_links().await.map_err(|why| bus.failed(why))
}

fn parts(rows: &[Row]) -> Vec<Part> {
    let part = |row: &Row| Part {
        part: row.name.clone(),
        ok: row.ok,
        message: row.message.clone(),
        fix: row.fix.clone(),
    };
    rows.iter().map(part).collect()
}

/// Browsers that can never be linked, however they are set up.
pub(super) fn confined(places: &Places) -> Vec<Part> {
    let found = places.browsers().into_iter().filter(|found| found.packaging != Packaging::System);
    let part = |found: Found| Part {
        part: found.browser.id.to_owned(),
        ok: false,
        message: CONFINED.to_owned(),
        fix: Some(FROM_SYSTEM.to_owned()),
    };
    found.map(part).collect()
}

/// A row for each browser that is there, and for each that is linked from somewhere else.
fn rows(places: &Places, reach: Reach, links: Result<Vec<Link>, Error>) -> Vec<Row> {
    let (mut links, away) = match links {
        Ok(links) => (links, None),
        Err(why) => (Vec::new(), Some(why)),
    };
    let mut rows = Vec::new();
    for found in places.browsers() {
        let mut own = Vec::new();
        if found.packaging == Packaging::System {
            let is_its = |link: &mut Link| found.browser.is(&link.program);
            own = links.extract_if(.., is_its).map(Linked::from).collect();
        }
        rows.push(row(places, reach, &found, own, away.as_ref()));
    }
    // A browser that was unpacked somewhere, or one that dwell does not know.
    while let Some(first) = links.first() {
        let program = first.program.clone();
        let own: Vec<_> = links.extract_if(.., |link| link.program == program).map(Linked::from).collect();
        let known = BROWSERS.iter().find(|browser| browser.is(&program));
        let (ok, message, fix) = linked(&own);
        rows.push(Row {
            browser: known.map_or_else(|| program.clone(), |browser| browser.id.to_owned()),
            name: known.map_or(program, |browser| browser.name.to_owned()),
            path: None,
            packaging: Packaging::System,
            manifest: None,
            host_ok: true,
            links: own,
            ok,
            message,
            fix,
        });
    }
    rows
}

fn row(places: &Places, reach: Reach, found: &Found, links: Vec<Linked>, away: Option<&Error>) -> Row {
    let browser = found.browser;
    let mut row = Row {
        browser: browser.id.to_owned(),
        name: browser.name.to_owned(),
        path: Some(found.path.clone()),
        packaging: found.packaging,
        manifest: None,
        host_ok: false,
        links,
        ok: false,
        message: CONFINED.to_owned(),
        fix: Some(FROM_SYSTEM.to_owned()),
    };
    if found.packaging != Packaging::System {
        return row;
    }
    // Browsers look in the person's folder first.
    let own = places.own_folder(browser).filter(|_| !reach.system);
    let system = places.system_folder(browser).filter(|_| !reach.user);
    let files = own.into_iter().chain(system).map(|folder| manifest::file(&folder));
    let there = files.map(|file| (There::look(&file), file));
    let there = there.into_iter().find(|(there, _)| !matches!(there, Ok(There::Nothing)));
    let install = if reach.system { "sudo dwell browser install --system" } else { "dwell browser install" };
    let (message, fix) = match there {
        None => ("does not know where dwell's part for browsers is".to_owned(), install.to_owned()),
        Some((there, file)) => {
            let shown = file.display().to_string();
            row.manifest = Some(file);
            match there {
                Ok(There::Ours(host)) if is_program(&host) => {
                    row.host_ok = true;
                    (row.ok, row.message, row.fix) = match away {
                        Some(why) if why.kind == Kind::Unreachable => {
                            (false, format!("is set up, but {}", why.message), why.hint.clone())
                        }
                        Some(why) => (false, why.message.clone(), why.hint.clone()),
                        None => linked(&row.links),
                    };
                    return row;
                }
                Ok(There::Foreign(other)) => (
                    format!("starts {} in place of dwell's part for browsers, by {shown}", other.display()),
                    format!("{install} --replace"),
                ),
                Ok(There::Ours(host) | There::Dead(Some(host))) => (
                    format!("is to start {}, which is not there, by {shown}", host.display()),
                    install.to_owned(),
                ),
                Ok(There::Dead(None) | There::Nothing) | Err(_) => {
                    (format!("has a manifest that cannot be read: {shown}"), install.to_owned())
                }
            }
        }
    };
    (row.message, row.fix) = (message, Some(fix));
    row
}

/// What is said of links, of which there may be none: a browser that is closed has none.
fn linked(links: &[Linked]) -> (bool, String, Option<String>) {
    let ours = env!("CARGO_PKG_VERSION");
    if links.is_empty() {
        return (true, "is set up; not linked now: it is closed, or has no extension".to_owned(), None);
    }
    if let Some(problem) = links.iter().find_map(|link| link.problem.as_deref()) {
        // The extension's own words for a tab that stayed, see integrations/webextension/src/blocking.js.
        let fix = if problem.contains("asks before it is left") {
            "leave that page, or close its tab"
        } else {
            "restart the browser; if it stays so, remove its extension and add it again"
        };
        return (false, format!("is linked, and could not block: {}", plain(problem)), Some(fix.to_owned()));
    }
    let mut message = match links.len() {
        1 => "is linked".to_owned(),
        n => format!("is linked, {}", phrase::count(n as u64, "profile")),
    };
    if let Some(other) = links.iter().find(|link| link.extension != ours) {
        // Both speak the same version of the protocol, or there would be no link.
        let order = newer(&other.extension, ours)
            .map_or("another than", |newer| if newer { "newer than" } else { "older than" });
        message += &format!("; its extension ({}) is {order} dwell ({ours})", plain(&other.extension));
    }
    if links.iter().any(|link| link.unconfirmed) {
        message += "; it has not confirmed yet what is blocked";
    }
    (true, message, None)
}

/// Whether one version of numbers and dots comes after another.
fn newer(one: &str, other: &str) -> Option<bool> {
    let numbers = |text: &str| text.split('.').map(str::parse).collect::<Result<Vec<u32>, _>>().ok();
    Some(numbers(one)? > numbers(other)?)
}

#[cfg(test)]
mod tests {
    use super::super::places::tests::{machine, program};
    use super::*;
    use crate::output::look::Look;
    use std::path::Path;

    fn link(program: &str) -> Link {
        Link {
            program: program.into(),
            browser: "chromium".into(),
            extension: env!("CARGO_PKG_VERSION").into(),
            instance: "ab".into(),
            since_at_ms: 5,
            ..Link::default()
        }
    }

    fn told(root: &Path, rows: &[Row]) -> String {
        // Before lines are broken: how long the folder's name is must not matter.
        let mut parts = parts(rows);
        parts.iter_mut().for_each(|part| part.message = part.message.replace(&*root.to_string_lossy(), ""));
        doctor::screen(&parts, "", Look { width: 100, color: false })
    }

    #[test]
    fn screens() {
        let dir = tempfile::tempdir().unwrap();
        let (root, places) = (dir.path(), machine(dir.path()));
        let host = root.join("usr/libexec/dwell-browser-host");
        for name in ["chromium", "google-chrome", "brave-browser", "vivaldi", "microsoft-edge", "other"] {
            program(&root.join("usr/bin").join(name), "ELF");
        }
        std::fs::create_dir_all(root.join("snap/firefox")).unwrap();
        program(&host, "ELF");
        let set = |folder: &str, host: &Path| {
            let file = manifest::file(&root.join(folder));
            manifest::write(
                &file,
                &manifest::text(super::super::places::Engine::Chromium, host),
                manifest::Readers::Own,
            )
            .unwrap();
        };
        set("home/.config/chromium/NativeMessagingHosts", &host);
        set("etc/opt/chrome/native-messaging-hosts", &host);
        set("home/.config/BraveSoftware/Brave-Browser/NativeMessagingHosts", &root.join("usr/bin/other"));
        set("home/.config/vivaldi/NativeMessagingHosts", &root.join("gone/dwell-browser-host"));
        let old = Link { extension: "0.0.9".into(), unconfirmed: true, ..link("chromium") };
        let links = vec![link("chromium"), old, link("konqueror")];
        let all = rows(&places, Reach::default(), Ok(links));
        insta::assert_snapshot!(told(root, &all), @r"
        ✓ Chromium   is linked, 2 profiles; its extension (0.0.9) is older than dwell (0.1.0); it has not
                     confirmed yet what is blocked
        ✓ Chrome     is set up; not linked now: it is closed, or has no extension
        ✗ Brave      starts /usr/bin/other in place of dwell's part for browsers, by
                     /home/.config/BraveSoftware/Brave-Browser/NativeMessagingHosts/org.dwell.browser.json
                     → dwell browser install --replace
        ✗ Edge       does not know where dwell's part for browsers is
                     → dwell browser install
        ✗ Vivaldi    is to start /gone/dwell-browser-host, which is not there, by
                     /home/.config/vivaldi/NativeMessagingHosts/org.dwell.browser.json
                     → the same
        ✗ Firefox    cannot start dwell's part: a Snap or a Flatpak starts no program outside of itself
                     → install it as a package of your system, or from its maker
        ✓ konqueror  is linked

        3 problems
        ");
        let sick = Link { problem: Some("no permission".into()), ..link("chromium") };
        insta::assert_snapshot!(told(root, &rows(&places, Reach::default(), Ok(vec![sick]))[..1]), @r"
        ✗ Chromium  is linked, and could not block: no permission
                    → restart the browser; if it stays so, remove its extension and add it again

        1 problem
        ");
        let stays = "a page asks before it is left, and is open still";
        let stays = Link { problem: Some(stays.into()), ..link("chromium") };
        insta::assert_snapshot!(told(root, &rows(&places, Reach::default(), Ok(vec![stays]))[..1]), @r"
        ✗ Chromium  is linked, and could not block: a page asks before it is left, and is open still
                    → leave that page, or close its tab

        1 problem
        ");
        let away = Error::new(Kind::Unreachable, "the daemon is not running").hint("start it");
        insta::assert_snapshot!(told(root, &rows(&places, Reach::default(), Err(away))[..1]), @r"
        ✗ Chromium  is set up, but the daemon is not running
                    → start it

        1 problem
        ");
        let system = Reach { user: false, system: true };
        insta::assert_snapshot!(told(root, &rows(&places, system, Ok(vec![]))[..2]), @r"
        ✗ Chromium  does not know where dwell's part for browsers is
                    → sudo dwell browser install --system
        ✓ Chrome    is set up; not linked now: it is closed, or has no extension

        1 problem
        ");
    }

    #[test]
    fn doctor_hears_of_those_that_can_never_be_linked() {
        let dir = tempfile::tempdir().unwrap();
        let (root, places) = (dir.path(), machine(dir.path()));
        program(&root.join("usr/bin/firefox"), "ELF");
        assert!(confined(&places).is_empty());
        std::fs::create_dir_all(root.join("var/lib/flatpak/app/com.brave.Browser")).unwrap();
        let parts = confined(&places);
        assert_eq!((parts.len(), parts[0].part.as_str(), parts[0].ok), (1, "brave", false));
    }

    #[test]
    fn versions() {
        assert_eq!(newer("0.10.0", "0.9.9"), Some(true));
        assert_eq!(newer("0.1.0", "0.1.1"), Some(false));
        assert_eq!(newer("1.0b", "0.1"), None);
    }
}
