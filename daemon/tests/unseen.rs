//! Browsers of which no extension can tell the site, and rules that say what becomes of them: on a real bus.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod bed;
#[path = "bed/browser.rs"]
mod browser;

use std::collections::HashMap;

use bed::{Bus, Daemon, own};
use browser::{Host, Screen, hello, holds, quiet};
use dwell_bus::OwnProxy;
use dwell_core::time::Millis;
use dwell_daemon::clock;
use futures_util::StreamExt;
use tokio::sync::mpsc;
use zbus::zvariant::Value;

/// For how long a browser may be in front before its extension is linked.
const GRACE: u64 = 10_000;
const CLOSED: &str = "0m";

/// A rule on a site, which is about browsers without the extension too.
fn site(budget: &str) -> String {
    format!(
        "[[rule]]\nid = \"site\"\ntarget = \"domain:one.example\"\nbudget = \"{budget}\"\nwarn = []\nwithout-extension = \"block\"\n"
    )
}

/// `verdict rule`, and whether that is only for want of the extension.
async fn check(own: &OwnProxy<'_>, target: &str) -> (String, bool) {
    let check = own.check(target).await.unwrap();
    let why = own.why(target).await.unwrap();
    assert_eq!((&why.verdict, why.without_extension), (&check.verdict, check.without_extension));
    let said = format!("{} {}", check.verdict, check.rule.unwrap_or_default());
    (said, check.without_extension == Some(true))
}

fn unseen() -> (String, bool) {
    ("blocked site".to_owned(), true)
}

fn allowed() -> (String, bool) {
    ("allowed ".to_owned(), false)
}

/// Whoever shows notices and the window.
struct Desk(mpsc::UnboundedSender<String>);

#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Desk {
    #[expect(clippy::too_many_arguments, reason = "the specification's method")]
    fn notify(
        &self,
        _app_name: &str,
        _replaces: u32,
        _app_icon: &str,
        summary: &str,
        _body: &str,
        _actions: Vec<String>,
        _hints: HashMap<String, Value<'_>>,
        _timeout: i32,
    ) -> u32 {
        self.0.send(format!("notice {summary}")).unwrap();
        1
    }

    fn close_notification(&self, _id: u32) {}

    fn get_capabilities(&self) -> Vec<&str> {
        vec!["body", "actions"]
    }

    fn get_server_information(&self) -> (&str, &str, &str, &str) {
        ("desk", "", "1", "1.2")
    }
}

struct Window(mpsc::UnboundedSender<String>);

#[zbus::interface(name = "org.dwell.Prompt1")]
impl Window {
    fn show(&self, target: &str, rule: &str) {
        self.0.send(format!("window {target} {rule}")).unwrap();
    }

    fn hide(&self, _rule: &str) {}
}

/// A desk on the bus, and what it is asked to show.
async fn desk(bus: &Bus) -> (zbus::Connection, mpsc::UnboundedReceiver<String>) {
    let (shows, shown) = mpsc::unbounded_channel();
    let desk = zbus::connection::Builder::address(bus.address.as_str())
        .unwrap()
        .serve_at("/org/freedesktop/Notifications", Desk(shows.clone()))
        .unwrap()
        .serve_at(dwell_bus::prompt::PATH, Window(shows))
        .unwrap()
        .name("org.freedesktop.Notifications")
        .unwrap()
        .name(dwell_bus::prompt::NAME)
        .unwrap();
    (desk.build().await.unwrap(), shown)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_without_the_extension_is_blocked_until_it_is_linked() {
    let (bus, data) = (Bus::start(), tempfile::tempdir().unwrap());
    let (_desk, mut shown) = desk(&bus).await;
    let daemon = Daemon::start_with(&bus, data.path(), false).await;
    let client = bus.connect().await;
    let (own, screen) = (own(&client).await, Screen::of(&client).await);
    own.import_rules(&site("1h")).await.unwrap();
    screen.focus("chromium").await;
    holds(GRACE).await;
    // The rule has a say, and allows it.
    assert_eq!(check(&own, "app:chromium").await, allowed());
    assert_eq!(own.why("app:chromium").await.unwrap().rules.len(), 1);
    assert_eq!(own.why("app:foot").await.unwrap().rules.len(), 0);

    own.import_rules(&site(CLOSED)).await.unwrap();
    assert_eq!(check(&own, "app:chromium").await, unseen());
    // That the limit is reached is said with what was done, once, and in the window.
    let mut told = [shown.recv().await.unwrap(), shown.recv().await.unwrap()];
    told.sort();
    assert_eq!(told, ["notice chromium was put away", "window app:chromium site"]);
    own.close_target("app:chromium").await.unwrap();

    // It stays so behind another program, and when it comes to the front again, be it as another process.
    screen.focus("foot").await;
    assert_eq!(check(&own, "app:chromium").await, unseen());
    screen.focus("chromium").await;
    assert_eq!(check(&own, "app:chromium").await, unseen());
    let mut told = [shown.recv().await.unwrap(), shown.recv().await.unwrap()];
    told.sort();
    assert_eq!(told, ["notice chromium was put away", "window app:chromium site"]);
    // Another rule that is put off leaves it so.
    let other = "[[rule]]\nid = \"browser\"\ntarget = \"app:chromium\"\nbudget = \"0m\"\n";
    own.import_rules(&format!("{}{other}", site(CLOSED))).await.unwrap();
    assert_eq!(own.ask_snooze("browser").await.unwrap().still_by.as_deref(), Some("site"));

    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn being_linked_gives_back_the_browser_and_as_much_time_as_it_lasts() {
    let (bus, data) = (Bus::start(), quiet());
    let daemon = Daemon::start_with(&bus, data.path(), false).await;
    let client = bus.connect().await;
    let (own, screen) = (own(&client).await, Screen::of(&client).await);
    own.import_rules(&site(CLOSED)).await.unwrap();
    screen.focus("chromium").await;
    holds(GRACE).await;
    assert_eq!(check(&own, "app:chromium").await, unseen());
    screen.focus("foot").await;
    assert_eq!(check(&own, "app:chromium").await, unseen());

    let before = clock::now().boot;
    let host = Host::linked(&bus, "chromium").await;
    assert_eq!(check(&own, "app:chromium").await, allowed());
    // Clocks count whole milliseconds.
    holds(50).await;
    host.bus.close().await.unwrap();
    while !screen.0.browser_links().await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    let lasted = clock::now().boot.since(before).unwrap();
    assert_eq!(check(&own, "app:chromium").await, allowed(), "it has a moment to be linked again");
    screen.focus("chromium").await;
    // No longer than it was linked.
    holds((lasted + Millis::from_ms(10)).as_ms()).await;
    assert_eq!(check(&own, "app:chromium").await, unseen());
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_private_window_is_blocked_in_whatever_browser_and_no_link_brings_it_back() {
    let (bus, data) = (Bus::start(), quiet());
    let daemon = Daemon::start_with(&bus, data.path(), false).await;
    let client = bus.connect().await;
    let (own, screen) = (own(&client).await, Screen::of(&client).await);
    own.import_rules(&site(CLOSED)).await.unwrap();
    // One that no list has.
    let mut host = Host::linked(&bus, "surf").await;
    let focused = screen.focus("surf").await;
    host.reports.next().await.expect("asked");
    host.shows_at(focused, true, Some("two.example")).await;
    assert_eq!(check(&own, "app:surf").await, allowed());
    host.shows(false, None).await;
    host.reports.next().await.expect("asked again, before that counts");
    holds(1_200).await;
    assert_eq!(check(&own, "app:surf").await, unseen());
    screen.focus("foot").await;
    host.door.browser_hello(hello("surf")).await.unwrap();
    assert_eq!(check(&own, "app:surf").await, unseen());
    // The person has gone on with another window of it.
    let focused = screen.focus("surf").await;
    host.shows_at(focused, true, Some("two.example")).await;
    assert_eq!(check(&own, "app:surf").await, allowed());
    // That window is no private one, behind another program either.
    screen.focus("foot").await;
    assert_eq!(check(&own, "app:surf").await, allowed());
    daemon.stop().await;
}
