//! Browsers' hosts and the daemon on a real bus: what they tell is counted, what is blocked is told to them alone.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod bed;
#[path = "bed/browser.rs"]
mod browser;

use bed::{Bus, Daemon, ledger, own};
use browser::{Host, Screen, hello, holds, quiet};
use dwell_bus::browser::{Hello, PROTOCOL, State};
use dwell_bus::{OwnProxy, lines, wire};
use dwell_daemon::clock;
use futures_util::StreamExt;

/// `kind app domain`, one after the other.
async fn timeline(own: &OwnProxy<'_>) -> Vec<String> {
    let (_, spans) = ledger(own).await;
    let spans = spans.lines().filter_map(|line| serde_json::from_str::<lines::Span>(line).ok());
    let spans = spans.filter(|span| span.schema == lines::SPAN && span.kind != "unobserved");
    let text = |part: Option<String>| part.unwrap_or_else(|| "-".to_owned());
    spans.map(|span| format!("{} {} {}", span.kind, text(span.app), text(span.domain))).collect()
}

async fn limit(own: &OwnProxy<'_>, target: &str, ms: u64) -> wire::Limit {
    own.set_limit(target, ms, wire::LimitOptions::default()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_browser_shows_is_counted_while_it_has_the_focus() {
    let (bus, data) = (Bus::start(), quiet());
    let daemon = Daemon::start_with(&bus, data.path(), false).await;
    let client = bus.connect().await;
    let (own, screen) = (own(&client).await, Screen::of(&client).await);
    let mut host = Host::linked(&bus, "chromium").await;
    host.shows(true, Some("hidden.example")).await;
    holds(5).await;

    let focused = screen.focus("chromium").await;
    host.reports.next().await.expect("asked as soon as it is in front");
    host.shows_at(focused, true, Some("one.example")).await;
    holds(30).await;
    host.shows(true, Some("two.example")).await;
    holds(30).await;
    host.shows(true, None).await;
    holds(30).await;
    // Not the focus of this browser: what it says counts for nothing.
    screen.focus("firefox-esr").await;
    host.shows(true, Some("hidden.example")).await;
    holds(30).await;
    let focused = screen.focus("chromium").await;
    host.reports.next().await.expect("asked again");
    host.shows_at(focused, false, None).await;
    host.reports.next().await.expect("and once more, before that counts");
    holds(1_200).await;
    screen.focus("foot").await;
    holds(2).await;
    let expected = [
        "focus chromium one.example",
        "focus chromium two.example",
        "focus chromium -",
        "focus firefox-esr -",
        "private chromium -",
        "focus foot -",
    ];
    assert_eq!(timeline(&own).await, expected);

    screen.focus("chromium").await;
    host.reports.next().await.expect("asked once more");
    host.shows(true, Some("one.example")).await;
    holds(30).await;
    assert_eq!(own.status().await.unwrap().active.unwrap().domain.as_deref(), Some("one.example"));
    // Its process has ended: what it said does not go on.
    let mut links = host.door.browser_links().await.unwrap();
    assert_eq!((links.len(), links.remove(0).program), (1, "chromium".to_owned()));
    host.bus.close().await.unwrap();
    let door = Screen::of(&client).await.0;
    while !door.browser_links().await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(own.status().await.unwrap().active.unwrap().domain, None);
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_heard_in_the_background_is_recorded_only_where_the_person_wants_it() {
    for (config, wanted) in
        [("notifications = false\n", false), ("notifications = false\naudible = true\n", true)]
    {
        let (bus, data) = (Bus::start(), tempfile::tempdir().unwrap());
        std::fs::write(data.path().join("config.toml"), config).unwrap();
        let daemon = Daemon::start_with(&bus, data.path(), false).await;
        let client = bus.connect().await;
        let (own, screen) = (own(&client).await, Screen::of(&client).await);
        let host = Host::start(&bus).await;
        assert_eq!(host.door.browser_hello(hello("chromium")).await.unwrap().audible, wanted);
        screen.focus("chromium").await;
        let state = |audible: &[&str]| State {
            at_boot_ms: clock::now().boot.as_ms(),
            focused: true,
            domain: Some("one.example".to_owned()),
            audible: Some(audible.iter().map(|domain| (*domain).to_owned()).collect()),
        };
        host.door.browser_state(state(&["radio.example"])).await.unwrap();
        holds(40).await;
        host.door.browser_state(state(&[])).await.unwrap();
        screen.focus("foot").await;
        let recorded = timeline(&own).await;
        let audible = "audible chromium radio.example".to_owned();
        assert_eq!(recorded.contains(&audible), wanted, "{recorded:?}");
        let status = own.status().await.unwrap();
        // It enters no total.
        let domains = wire::Query { by: Some("domain".into()), ..wire::Query::default() };
        let rows = own.report(domains).await.unwrap().rows;
        assert!(rows.iter().all(|row| row.key != "radio.example") && status.total_ms >= 40, "{rows:?}");
        daemon.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_goes_on_where_settings_change() {
    let (bus, data) = (Bus::start(), quiet());
    let daemon = Daemon::start_with(&bus, data.path(), false).await;
    let client = bus.connect().await;
    let (own, screen) = (own(&client).await, Screen::of(&client).await);
    let mut host = Host::linked(&bus, "chromium").await;
    let focused = screen.focus("chromium").await;
    host.reports.next().await.expect("asked");
    host.shows_at(focused, true, Some("one.example")).await;
    // From now on its windows are counted as another program's.
    let config = "notifications = false\n[aliases]\nchromium = \"web\"\n";
    std::fs::write(data.path().join("config.toml"), config).unwrap();
    own.reload().await.unwrap();
    host.reports.next().await.expect("asked anew");
    host.shows(true, Some("two.example")).await;
    let active = own.status().await.unwrap().active.unwrap();
    assert_eq!((active.app.as_str(), active.domain.as_deref()), ("web", Some("two.example")));
    // The doctor speaks of what is linked, and of nothing else.
    let browser = |parts: Vec<wire::Part>| parts.into_iter().filter(|part| part.part == "browser").count();
    assert!(browser(own.doctor().await.unwrap()) <= 1);
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_that_a_rule_excepts_is_told_nothing_of_it() {
    let (bus, data) = (Bus::start(), quiet());
    let daemon = Daemon::start_with(&bus, data.path(), false).await;
    let own = own(&bus.connect().await).await;
    let rules = "[[rule]]\nid = \"r\"\ntarget = \"domain:example.org\"\nbudget = \"0m\"\nexcept = [\"app:chromium\"]\n";
    own.import_rules(rules).await.unwrap();
    let (mut chromium, mut firefox) =
        (Host::linked(&bus, "chromium").await, Host::linked(&bus, "firefox").await);
    assert_eq!(chromium.blocks().await.1, []);
    assert_eq!(firefox.blocks().await.1.len(), 1);
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_blocked_is_told_to_each_browser_and_to_nobody_else() {
    let (bus, data) = (Bus::start(), quiet());
    let daemon = Daemon::start_with(&bus, data.path(), false).await;
    let client = bus.connect().await;
    let (own, screen) = (own(&client).await, Screen::of(&client).await);
    let other = bus.connect().await;
    let rule = zbus::MatchRule::builder().sender(dwell_bus::NAME).unwrap().build();
    let mut listener = zbus::MessageStream::for_match_rule(rule, &other, None).await.unwrap();
    let mut first = Host::linked(&bus, "chromium").await;
    assert_eq!(first.blocks().await.1, []);

    limit(&own, "domain:one.example", 40).await;
    screen.focus("chromium").await;
    first.shows(true, Some("one.example")).await;
    let (generation, blocks) = first.blocks().await;
    let [block] = blocks.as_slice() else { panic!("{} blocks", blocks.len()) };
    assert_eq!((block.domains.as_slice(), block.more_left), (&["one.example".to_owned()][..], 3));
    assert_eq!((block.length_ms, block.budget_ms, block.except.len()), (300_000, Some(40), 0));
    assert!(block.used_ms >= 40 && block.until_at_ms > clock::now().wall.as_unix_ms());
    assert!(
        block.why.contains("“one.example”") && block.opens.starts_with("It opens again"),
        "{} {}",
        block.why,
        block.opens
    );

    // It is confirmed, or said that it is not.
    let links = || async { Screen::of(&client).await.0.browser_links().await.unwrap() };
    assert!(links().await[0].unconfirmed);
    first.door.browser_applied(generation, "").await.unwrap();
    assert_eq!((links().await[0].unconfirmed, &links().await[0].problem), (false, &None));
    first.door.browser_applied(generation, "no access to that site").await.unwrap();
    assert_eq!(links().await[0].problem.as_deref(), Some("no access to that site"));

    // One that comes later is told the same; so is one that says hello again.
    let mut second = Host::linked(&bus, "firefox-esr").await;
    assert_eq!(second.blocks().await.1, blocks);
    second.door.browser_hello(hello("firefox-esr")).await.unwrap();
    assert_eq!(second.blocks().await.1, blocks);

    // A whole category, and what it excepts.
    let rules = "[[rule]]\nid = \"video\"\ntarget = \"category:video\"\nbudget = { amount = \"0m\", per = \"day\" }\nexcept = [\"domain:vimeo.com\"]\n";
    let text = format!("{}\n{rules}", own.export_rules().await.unwrap());
    own.import_rules(&text).await.unwrap();
    let (_, blocks) = first.blocks().await;
    let video = blocks.iter().find(|block| block.rule == "video").expect("the category is blocked");
    assert!(video.domains.len() > 20 && video.domains.contains(&"youtube.com".to_owned()));
    assert_eq!((video.except.as_slice(), video.opens.as_str()), (&["vimeo.com".to_owned()][..], ""));

    // A daemon that stops leaves nothing blocked.
    daemon.stop().await;
    assert_eq!(first.blocks().await.1, []);
    loop {
        let message = listener.next().await.unwrap().unwrap();
        let member = message.header().member().map(|member| member.to_string());
        let told = member.as_deref().is_some_and(|member| member.starts_with("Browser"));
        assert!(!told, "{member:?} was broadcast");
        if member.as_deref() == Some("Changed") {
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_not_linked_tells_nothing() {
    let (bus, data) = (Bus::start(), quiet());
    let daemon = Daemon::start_with(&bus, data.path(), false).await;
    let client = bus.connect().await;
    let host = Host::start(&bus).await;
    let failed = |result: Result<(), dwell_bus::Error>| {
        let failure = result.unwrap_err().into_failure().unwrap();
        format!("{:?}: {} ({})", failure.kind, failure.message, failure.hint)
    };
    let state = |at_boot_ms| State { at_boot_ms, focused: true, ..State::default() };
    let unknown = failed(host.door.browser_state(state(0)).await);
    assert!(unknown.starts_with("Denied: this browser is not linked"), "{unknown}");
    let newer = Hello { protocol: PROTOCOL + 1, ..hello("chromium") };
    let newer = failed(host.door.browser_hello(newer).await.map(|_| ()));
    assert!(
        newer.contains("speaks protocol 2, and this dwelld 1") && newer.contains("update dwelld"),
        "{newer}"
    );

    host.door.browser_hello(hello("chromium")).await.unwrap();
    let later = clock::now().boot.as_ms() + 60_000;
    let later = failed(host.door.browser_state(state(later)).await);
    assert!(later.starts_with("Invalid"), "{later}");
    let long = State { domain: Some("x".repeat(254)), ..state(0) };
    assert!(failed(host.door.browser_state(long).await).starts_with("Invalid"));
    for more in ["two\nlines", "www.example.org", "example.org/path", "EXAMPLE.org", "co.uk"] {
        let more_than_a_site = State { domain: Some(more.to_owned()), ..state(0) };
        let refused = failed(host.door.browser_state(more_than_a_site).await);
        assert!(refused.starts_with("Invalid") && !refused.contains(more), "{refused}");
    }

    // Each sender is one link, however often it says hello; and there is an end to how many there may be.
    let mut hosts = Vec::new();
    for _ in 1..dwell_bus::browser::MAX_LINKS {
        hosts.push(Host::linked(&bus, "chromium").await);
    }
    host.door.browser_hello(hello("chromium")).await.unwrap();
    let many = failed(Host::start(&bus).await.door.browser_hello(hello("chromium")).await.map(|_| ()));
    assert!(many.starts_with("Denied"), "{many}");
    assert_eq!(
        Screen::of(&client).await.0.browser_links().await.unwrap().len(),
        dwell_bus::browser::MAX_LINKS
    );
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_names_a_focus_session_and_its_end() {
    let (bus, data) = (Bus::start(), quiet());
    let daemon = Daemon::start_with(&bus, data.path(), false).await;
    let own = own(&bus.connect().await).await;
    let mut host = Host::linked(&bus, "chromium").await;
    assert_eq!(host.blocks().await.1, []);
    own.focus(3_600_000, vec!["domain:one.example".to_owned()]).await.unwrap();
    let (_, blocks) = host.blocks().await;
    assert_eq!(blocks[0].why, "A focus session runs.");
    assert!(blocks[0].opens.starts_with("It opens again"), "{}", blocks[0].opens);
    daemon.stop().await;
}
