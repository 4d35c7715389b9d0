//! What is asked about rules, and what the daemon answers: on a private bus, with samples sent by hand.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

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
