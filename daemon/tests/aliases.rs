//! Aliases, terminals and categories, on a private bus: in what is counted, asked, limited and reported.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod bed;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use bed::{Bus, Daemon, ledger, own};
use dwell_bus::{IntakeProxy, Kind, OwnProxy, intake, lines, wire};
use dwell_core::sample::{Fact, Sample};
use dwell_core::subject::AppId;
use dwell_core::time::Millis;
use dwell_daemon::clock;
use dwell_daemon::deadline::BootDeadline;
use futures_util::StreamExt;
use zbus::proxy::CacheProperties;

/// A desktop file, below the folder that XDG_DATA_DIRS names.
fn desktop_file(data: &Path, id: &str, more: &str) {
    let folder = data.join("share/applications");
    std::fs::create_dir_all(&folder).unwrap();
    let text = format!("[Desktop Entry]\nType=Application\nName={id}!\nExec={id}\n{more}\n");
    std::fs::write(folder.join(format!("{id}.desktop")), text).unwrap();
}

/// Gives a program focus, for 100 ms; what is counted then, and its name.
async fn focus(client: &zbus::Connection, own: &OwnProxy<'_>, app: &str) -> (String, String) {
    let door = IntakeProxy::builder(client).cache_properties(CacheProperties::No).build().await.unwrap();
    let fact = Fact::Focus(Some(AppId::new(app).unwrap()));
    door.submit(vec![intake::to_wire(&Sample::new(clock::now().boot, fact))]).await.unwrap();
    let mut pace = BootDeadline::new().unwrap();
    pace.arm(Some(clock::now().boot + Millis::from_ms(100))).unwrap();
    pace.due().await.unwrap();
    let active = own.status().await.unwrap().active.unwrap();
    (active.app, active.name)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn aliases_terminals_and_categories_hold_everywhere() {
    let (bus, data) = (Bus::start(), tempfile::tempdir().unwrap());
    desktop_file(data.path(), "org.example.App", "Categories=Network;WebBrowser;");
    desktop_file(data.path(), "foot", "Categories=System;TerminalEmulator;");
    let config = data.path().join("config.toml");
    std::fs::write(
        &config,
        "terminal-programs = true\n\n[aliases]\n\"crx_*\" = \"org.example.App\"\nxterm = \"foot\"\n",
    )
    .unwrap();
    let daemon = Daemon::start(&bus, data.path()).await;
    let client = bus.connect().await;
    let own = own(&client).await;
    let focus = async |app: &str| focus(&client, &own, app).await;
    let is = |app: &str, name: &str| (app.to_owned(), name.to_owned());
    assert_eq!(focus("crx_abc").await, is("org.example.App", "org.example.App!"));
    assert_eq!(focus("xterm/vim").await, is("foot/vim", "vim in foot!"));
    assert_eq!(focus("foot").await, is("foot", "foot!"));

    // A limit that is set on what is counted as another program holds for that one, and says so.
    let limit = own.set_limit("app:crx_1", 3_600_000, wire::LimitOptions::default()).await.unwrap();
    assert_eq!((limit.target.as_str(), limit.alias.as_deref()), ("app:org.example.App", Some("app:crx_1")));
    assert!(limit.used_ms >= 100, "{limit:?}");
    assert_eq!(own.check("app:crx_2").await.unwrap().target, "app:org.example.App");
    // A limit on a terminal counts what runs in it; one on a program in it does not count the terminal.
    let limit = |target: &'static str| own.set_limit(target, 3_600_000, wire::LimitOptions::default());
    let (foot, vim) = (limit("app:foot").await.unwrap(), limit("vim").await.unwrap());
    assert_eq!((vim.target.as_str(), vim.id.as_str()), ("app:foot/vim", "foot-vim"));
    assert!(vim.used_ms >= 100 && foot.used_ms >= vim.used_ms + 100, "{foot:?} {vim:?}");
    let applying = own.why("app:foot/vim").await.unwrap().rules;
    assert_eq!(applying.iter().map(|rule| rule.id.as_str()).collect::<Vec<_>>(), ["foot", "foot-vim"]);

    // Each program has its row, and all of them make the total.
    let (rows, spans) = ledger(&own).await;
    let row = |key: &str| rows.iter().find(|row| row.key == key).unwrap();
    assert_eq!(rows.len(), 3, "{rows:?}");
    assert_eq!(row("org.example.App").category.as_deref(), Some("browser"));
    assert_eq!(row("foot/vim").category.as_deref(), Some("terminal"));
    let status = own.status().await.unwrap();
    assert!(status.total_ms.abs_diff(status.top.iter().map(|row| row.ms).sum()) == 0, "{status:?}");
    let span: lines::Span =
        spans.lines().find(|line| line.contains("foot/vim")).map(serde_json::from_str).unwrap().unwrap();
    assert_eq!((span.name.as_deref(), span.category.as_deref()), (Some("vim in foot!"), Some("terminal")));
    let query = |by: &str, only: Option<&str>| wire::Query {
        by: Some(by.into()),
        only: only.map(|only| vec![only.to_owned()]),
        ..wire::Query::default()
    };
    let keys = async |query| {
        own.report(query).await.unwrap().rows.into_iter().map(|row| row.key).collect::<Vec<_>>()
    };
    let mut categories = keys(query("category", None)).await;
    categories.sort();
    assert_eq!(categories, ["browser", "terminal"]);
    assert_eq!(keys(query("app", Some("category:browser"))).await, ["org.example.App"]);
    let mut foot = keys(query("app", Some("app:foot"))).await;
    foot.sort();
    assert_eq!(foot, ["foot", "foot/vim"]);

    // Other aliases hold at once, for what has focus too.
    std::fs::write(&config, "[aliases]\nfoot = \"kitty\"\n").unwrap();
    own.reload().await.unwrap();
    assert_eq!(own.status().await.unwrap().active.unwrap().app, "kitty");
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_that_never_count_are_refused_or_told_of() {
    let (bus, data) = (Bus::start(), tempfile::tempdir().unwrap());
    let config = data.path().join("config.toml");
    std::fs::write(&config, "terminal-programs = true\n").unwrap();
    let daemon = Daemon::start(&bus, data.path()).await;
    let own = own(&bus.connect().await).await;
    let set = |target: &'static str, ms: u64| own.set_limit(target, ms, wire::LimitOptions::default());
    let refused = |error: dwell_bus::Error| {
        let failure = error.into_failure().unwrap();
        assert_eq!(failure.kind, Kind::Invalid);
        format!("{} | {}", failure.message, failure.hint)
    };
    let parts = async || {
        let parts = own.doctor().await.unwrap();
        let found = parts.into_iter().filter(|part| part.part == "limits" && !part.ok);
        found.map(|part| format!("{} | {}", part.message, part.fix.unwrap())).collect::<Vec<_>>()
    };
    set("app:foot/vim", 60_000).await.unwrap();
    set("app:org.example.App", 5_400_000).await.unwrap();
    set("app:AppB", 60_000).await.unwrap();
    assert_eq!(parts().await, [""; 0]);

    // Terminals as a whole, and aliases: what was set before never counts, and what is set now is refused.
    let text = "[aliases]\n\"org.example.App\" = \"x y\"\nAppB = \"x\"\n";
    std::fs::write(&config, text).unwrap();
    own.reload().await.unwrap();
    assert_eq!(
        parts().await,
        [
            "2 limits never count, among them \"app\": its program counts as app:x y, by your aliases | \
             dwell limit set 'app:x y' 1h30m, then dwell limit remove app",
            "the limit \"foot-vim\" never counts: terminals count as a whole | \
             set terminal-programs = true in the configuration, or dwell limit remove foot-vim",
        ]
    );
    // A part of a site: a text may say it, as one from before sites were told apart.
    let text = own.export_rules().await.unwrap();
    let part = "[[rule]]\nid = \"mobile\"\ntarget = \"domain:m.example.org\"\nbudget = \"1h\"\n";
    own.import_rules(&format!("{text}\n{part}")).await.unwrap();
    assert_eq!(
        parts().await.last().map(String::as_str),
        Some(
            "the limit \"mobile\" never counts: browsers tell domain:example.org | \
             dwell limit set domain:example.org 1h, then dwell limit remove mobile"
        )
    );
    own.remove_limit("mobile").await.unwrap();
    assert_eq!(
        refused(set("app:foot/make", 60_000).await.unwrap_err()),
        "app:foot/make never counts: terminals count as a whole | set terminal-programs = true in the configuration first"
    );
    assert_eq!(set("app:foot", 60_000).await.unwrap().target, "app:foot");

    // What a desktop file says of its category counts for a limit on that.
    assert_eq!(set("category:games", 60_000).await.unwrap().target, "category:games");
    assert_eq!(own.check("category:games").await.unwrap().verdict, "allowed");
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_word_that_only_an_alias_knows_is_understood() {
    let (bus, data) = (Bus::start(), tempfile::tempdir().unwrap());
    let config = data.path().join("config.toml");
    let daemon = Daemon::start(&bus, data.path()).await;
    let client = bus.connect().await;
    let own = own(&client).await;
    // One of them was counted by itself once.
    assert_eq!(focus(&client, &own, "AppG2").await.0, "AppG2");
    std::fs::write(&config, "[aliases]\n\"AppG*\" = \"org.example.App\"\n").unwrap();
    own.reload().await.unwrap();
    assert_eq!(focus(&client, &own, "AppG1").await.0, "org.example.App");
    let limit = own.set_limit("AppG1", 3_600_000, wire::LimitOptions::default()).await.unwrap();
    assert_eq!((limit.target.as_str(), limit.alias.as_deref()), ("app:org.example.App", Some("app:AppG1")));
    assert_eq!(own.why("AppG1").await.unwrap().target, "app:org.example.App");
    assert_eq!(own.check("appg3").await.unwrap().target, "app:org.example.App");
    let rows = async |only: &str| {
        let only = Some(vec![only.to_owned()]);
        let report = own.report(wire::Query { only, ..wire::Query::default() }).await.unwrap();
        report.rows.into_iter().map(|row| row.key).collect::<Vec<_>>()
    };
    // A report is of what was recorded; of what never was, it is of what that counts as.
    for (asked, found) in [
        ("AppG1", "org.example.App"),
        ("app:AppG1", "org.example.App"),
        ("AppG2", "AppG2"),
        ("app:AppG2", "AppG2"),
    ] {
        assert_eq!(rows(asked).await, [found], "{asked}");
    }
    daemon.stop().await;
}

/// A daemon that says what it would do in place of doing it, and is ended with the test.
struct DryRun(Child);

impl Drop for DryRun {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_calls_itself_a_terminal_is_never_closed() {
    let (bus, data) = (Bus::start(), tempfile::tempdir().unwrap());
    desktop_file(data.path(), "org.example.Newterm", "Categories=System;TerminalEmulator;");
    let client = bus.connect().await;
    let dbus = zbus::fdo::DBusProxy::new(&client).await.unwrap();
    let mut names = dbus.receive_name_owner_changed_with_args(&[(0, dwell_bus::NAME)]).await.unwrap();
    let mut daemon = Command::new(env!("CARGO_BIN_EXE_dwelld"))
        .args(["--sensors", "intake", "--dry-run", "--no-keyring"])
        .env_clear()
        .env("DBUS_SESSION_BUS_ADDRESS", &bus.address)
        .env("DWELL_DATA_DIR", data.path().join("data"))
        .env("DWELL_CONFIG", data.path().join("config.toml"))
        .env("XDG_RUNTIME_DIR", data.path())
        .env("XDG_DATA_DIRS", data.path().join("share"))
        .env("HOME", data.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(daemon.stdout.take().unwrap());
    let _daemon = DryRun(daemon);
    names.next().await.expect("the daemon takes its name");
    let own = own(&client).await;
    for app in ["org.example.Newterm", "org.example.App"] {
        let close = wire::LimitOptions { at_limit: Some("close".into()), ..wire::LimitOptions::default() };
        own.set_limit(&format!("app:{app}"), 0, close).await.unwrap();
        focus(&client, &own, app).await;
    }
    let acts: Vec<_> =
        said.lines().map(Result::unwrap).filter(|line| line.contains("the windows")).take(2).collect();
    assert_eq!(
        acts,
        [
            "would minimise the windows of app:org.example.Newterm",
            "would ask the windows of app:org.example.App to close",
        ]
    );
}
