//! What is asked about rules, and what the daemon answers: on a private bus, with samples sent by hand.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod bed;

use bed::{Bus, Daemon, own};
use dwell_bus::{Kind, own::OwnProxy, wire};

async fn set(own: &OwnProxy<'_>, target: &str, ms: u64) -> Result<wire::Limit, String> {
    let set = own.set_limit(target, ms, wire::LimitOptions::default()).await;
    set.map_err(|error| {
        let failure = error.into_failure().unwrap();
        assert_eq!(failure.kind, Kind::Invalid);
        format!("{} | {}", failure.message, failure.hint)
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn domains_are_named_by_their_site() {
    let (bus, data) = (Bus::start(), tempfile::tempdir().unwrap());
    let daemon = Daemon::start(&bus, data.path()).await;
    let own = own(&bus.connect().await).await;
    // A rule from before sites were told apart is found by its own name.
    own.import_rules("[[rule]]\nid = \"old\"\ntarget = \"domain:m.example.org\"\nbudget = \"1h\"\n")
        .await
        .unwrap();
    for (typed, site) in [
        ("domain:www.youtube.com", "domain:youtube.com"),
        ("https://www.YouTube.com/watch?v=x", "domain:youtube.com"),
        ("youtube.com:443", "domain:youtube.com"),
        ("www.youtube.com", "domain:youtube.com"),
        ("domain:alice.github.io", "domain:alice.github.io"),
        ("domain:m.example.org", "domain:m.example.org"),
        ("domain:www.example.org", "domain:example.org"),
    ] {
        assert_eq!(own.why(typed).await.unwrap().target, site, "{typed}");
    }
    assert_eq!(set(&own, "domain:m.youtube.com", 60_000).await.unwrap().target, "domain:youtube.com");
    assert_eq!(set(&own, "youtube.com/x", 60_000).await.unwrap().target, "domain:youtube.com");
    for typed in ["domain:co.uk", "co.uk"] {
        assert_eq!(
            set(&own, typed, 60_000).await.unwrap_err(),
            format!(
                "\"{typed}\" is no target: this is an ending that many sites share, and no site itself | \
                 name one of the sites: domain:example.co.uk"
            )
        );
    }
    let except = Some(vec!["domain:www.docs.rs".to_owned()]);
    let options = wire::LimitOptions { except, ..wire::LimitOptions::default() };
    let limit = own.set_limit("category:work", 60_000, options).await.unwrap();
    assert_eq!(limit.except, Some(vec!["domain:docs.rs".to_owned()]));
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_and_a_focus_session_end_each_by_itself() {
    let (bus, data) = (Bus::start(), tempfile::tempdir().unwrap());
    let daemon = Daemon::start(&bus, data.path()).await;
    let own = own(&bus.connect().await).await;
    let none = async |what: &str| {
        let failure = own.resume(what).await.unwrap_err().into_failure().unwrap();
        assert!(matches!(failure.kind, Kind::NotFound | Kind::Invalid));
        format!("{} | {}", failure.message, failure.hint)
    };
    let runs = |now: wire::Standing| (now.paused_until_at_ms.is_some(), now.focus_until_at_ms.is_some());
    own.pause(3_600_000).await.unwrap();
    assert_eq!(none("focus").await, "no focus session runs | start one with `dwell focus 50m`");
    assert_eq!(runs(own.focus(3_600_000, vec!["app:x".to_owned()]).await.unwrap()), (true, true));
    assert_eq!(runs(own.resume("pause").await.unwrap()), (false, true));
    assert_eq!(none("pause").await, "no pause runs | a focus session ends with `dwell focus stop`");
    own.pause(3_600_000).await.unwrap();
    assert_eq!(runs(own.resume("focus").await.unwrap()), (true, false));
    own.focus(3_600_000, vec!["app:x".to_owned()]).await.unwrap();
    assert_eq!(runs(own.resume("").await.unwrap()), (false, false));
    assert_eq!(none("").await, "there is neither a pause nor a focus session | nothing was changed");
    assert_eq!(
        none("all").await,
        "only a pause or a focus session can be ended | \
         a pause ends with `dwell resume`, a focus session with `dwell focus stop`"
    );
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_blocks_beside_a_snooze_is_named() {
    let (bus, data) = (Bus::start(), tempfile::tempdir().unwrap());
    let daemon = Daemon::start(&bus, data.path()).await;
    let own = own(&bus.connect().await).await;
    own.import_rules(
        "[[rule]]\nid = \"games\"\ntarget = \"app:AppA\"\nbudget = \"0m\"\nsnooze = { wait = \"0s\" }\n\
         [[rule]]\nid = \"bed\"\ntarget = \"all\"\nbudget = \"0m\"\nsnooze = false\n\
         [[rule]]\nid = \"other\"\ntarget = \"app:AppB\"\nbudget = \"0m\"\n",
    )
    .await
    .unwrap();
    let asked = own.ask_snooze("games").await.unwrap();
    assert_eq!(asked.still_by.as_deref(), Some("bed"));
    let limit = own.snooze("games", "").await.unwrap();
    assert_eq!((limit.id.as_str(), limit.still_by.as_deref()), ("games", Some("bed")));
    // It allows nothing at all, so it has no end.
    assert!(limit.still_until_at_ms.is_none() && limit.snoozed_until_at_ms.is_some());
    own.remove_limit("bed").await.unwrap();
    assert_eq!(own.ask_snooze("other").await.unwrap().still_by, None);
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_is_removed_by_the_target_that_has_just_one() {
    let (bus, data) = (Bus::start(), tempfile::tempdir().unwrap());
    let daemon = Daemon::start(&bus, data.path()).await;
    let own = own(&bus.connect().await).await;
    set(&own, "domain:youtube.com", 60_000).await.unwrap();
    assert!(own.remove_limit("www.youtube.com:443").await.unwrap().applied);
    set(&own, "app:AppA", 60_000).await.unwrap();
    let options = wire::LimitOptions { id: Some("more".to_owned()), ..wire::LimitOptions::default() };
    own.set_limit("app:AppA", 120_000, options).await.unwrap();
    let failure = own.remove_limit("app:appa").await.unwrap_err().into_failure().unwrap();
    assert_eq!(failure.message, "there are several limits on that: appa, more");
    assert!(own.remove_limit("more").await.unwrap().applied);
    assert!(own.remove_limit("app:AppA").await.unwrap().applied);
    assert_eq!(own.remove_limit("app:AppA").await.unwrap_err().into_failure().unwrap().kind, Kind::NotFound);
    assert!(own.list_limits().await.unwrap().is_empty());
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn categories_are_named_as_they_hold_and_mistyped_ones_are_told_of() {
    let (bus, data) = (Bus::start(), tempfile::tempdir().unwrap());
    let daemon = Daemon::start(&bus, data.path()).await;
    let own = own(&bus.connect().await).await;
    let change = own.set_category("youtube.com", "education").await.unwrap();
    assert_eq!(change.lines, ["category of domain:youtube.com: video → education"]);
    let change = own.set_category("youtube.com", "").await.unwrap();
    assert_eq!(change.lines, ["category of domain:youtube.com: education → video"]);
    let change = own.set_category("app:AppA", "games").await.unwrap();
    assert_eq!(change.lines, ["category of app:AppA: none → games"]);

    let limit = set(&own, "category:vidoe", 60_000).await.unwrap();
    let odd = "vidoe: nothing is in category:vidoe yet; did you mean video?";
    assert_eq!(limit.warnings.as_deref(), Some(&[odd.to_owned()][..]));
    // What is odd about another rule is not said again.
    assert_eq!(set(&own, "app:AppA", 60_000).await.unwrap().warnings, None);
    assert_eq!(own.remove_limit("appa").await.unwrap().warnings, [""; 0]);
    let focus = own.focus(60_000, vec!["category:vidoe".to_owned()]).await;
    let failure = focus.unwrap_err().into_failure().unwrap();
    assert_eq!(
        (failure.message.as_str(), failure.hint.as_str()),
        ("nothing is in category:vidoe", "did you mean video?")
    );
    let focus = own.focus(60_000, vec!["category:zzzzzzzz".to_owned()]).await;
    let failure = focus.unwrap_err().into_failure().unwrap();
    assert_eq!(
        (failure.message.as_str(), failure.hint.as_str()),
        (
            "nothing is in category:zzzzzzzz, so nothing would be blocked",
            "`dwell category list` shows what there is"
        )
    );
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_never_opens_blocks_longest() {
    let (bus, data) = (Bus::start(), tempfile::tempdir().unwrap());
    let daemon = Daemon::start(&bus, data.path()).await;
    let own = own(&bus.connect().await).await;
    // Hours that end after the day does, in which "never" begins anew.
    own.import_rules(
        "[[rule]]\nid = \"games\"\ntarget = \"app:AppA\"\nbudget = \"0m\"\nsnooze = { wait = \"0s\" }\n\
         [[rule]]\nid = \"never\"\ntarget = \"all\"\nbudget = \"0m\"\nsnooze = false\n\
         [[rule]]\nid = \"work\"\ntarget = \"all\"\nblocked = [\"00:00-13:00\", \"13:00-24:00\"]\nsnooze = false\n",
    )
    .await
    .unwrap();
    assert_eq!(own.ask_snooze("games").await.unwrap().still_by.as_deref(), Some("never"));
    daemon.stop().await;
}
