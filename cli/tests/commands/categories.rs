//! Categories: what there are, whose word counts, and the person's own entries.

use std::sync::mpsc;

use dwell_bus::{Failure, Kind, Request, wire};

use crate::daemon::{FakeDaemon, change, resolve};
use crate::place::Place;
use crate::rulekeeper::{keeping, pending};

/// Knows two categories, and puts things where it is told; into `games` only after a wait.
fn classifying(place: &Place, told: mpsc::Sender<(String, String)>) -> FakeDaemon {
    keeping(place, move |request| {
        match request {
            Request::ListCategories(reply) => drop(reply.send(Ok(vec![
                wire::CategoryInfo { category: "games".into(), built_in: 150, own: vec![] },
                wire::CategoryInfo { category: "video".into(), built_in: 260, own: vec!["app:mpv".into()] },
            ]))),
            Request::WhichCategory(target, reply) => {
                drop(reply.send(resolve(&target).map(|target| match target.as_str() {
                    "app:mpv" => classified(target, Some("video"), "own"),
                    _ => classified(target, None, "none"),
                })));
            }
            Request::SetCategory(target, category, reply) => {
                told.send((target.clone(), category.clone())).unwrap();
                let lines = vec![format!("{target}: {category}")];
                drop(
                    reply.send(match category.as_str() {
                        "video" if target == "app:mpv" => Ok(change("same", true)),
                        "music" => Err(Failure::new(Kind::Locked, "the rules cannot be read yet")
                            .hint("dwell vault unlock opens them")),
                        "games" => {
                            Ok(wire::Change { lines, pending: Some(pending()), ..change("looser", false) })
                        }
                        _ => Ok(wire::Change { lines, ..change("tighter", true) }),
                    }),
                );
            }
            other => return Some(other),
        }
        None
    })
}

fn classified(target: String, category: Option<&str>, source: &str) -> wire::Classified {
    wire::Classified { target, category: category.map(str::to_owned), source: source.into() }
}

#[test]
fn they_are_listed_and_looked_up() {
    let place = Place::with_empty_bus();
    let _daemon = classifying(&place, mpsc::channel().0);
    let list = place.run(&["category", "list"]);
    assert_eq!((list.code, list.err.as_str()), (Some(0), ""));
    insta::assert_snapshot!(list.out, @"
    category  built in  yours
    games          150
    video          260  app:mpv

    Built in are domains; programs have theirs from their desktop files. Change one
    with `dwell category set TARGET CATEGORY`
    ");
    assert_eq!(place.run(&["category"]), list);
    let document = place.run(&["category", "--json"]).document();
    assert_eq!(document["schema"], "dwell.categories/1");
    assert_eq!(document["categories"][1]["own"], serde_json::json!(["app:mpv"]));

    let which = place.run(&["category", "which", "mpv"]);
    assert_eq!((which.code, which.out.as_str()), (Some(0), "app:mpv is in video, as you said\n"));
    let document = place.run(&["category", "which", "domain:example.org", "--json"]).document();
    assert_eq!(document["schema"], "dwell.category/1");
    assert_eq!((&document["category"], &document["source"]), (&serde_json::Value::Null, &"none".into()));
    for (target, code) in [("chrome", 2), ("nobody", 2), ("all", 2), ("category:video", 2), ("aap:x", 2)] {
        let end = place.run(&["category", "which", target]);
        assert_eq!((end.code, end.out.as_str()), (Some(code), ""), "{target}");
        assert!(end.complaint().contains("; "), "{end:?}");
    }
}

#[test]
fn entries_are_made_and_taken_back() {
    let place = Place::with_empty_bus();
    let (tell, told) = mpsc::channel();
    let daemon = classifying(&place, tell);
    let run = |arguments: &[&str], target: &str, category: &str| {
        let end = place.run(&[&["category"], arguments].concat());
        assert_eq!(told.try_recv(), Ok((target.to_owned(), category.to_owned())), "{end:?}");
        end
    };
    let end = run(&["set", "domain:example.org", "Videos"], "domain:example.org", "video");
    assert_eq!((end.code, end.err.as_str()), (Some(0), ""));
    insta::assert_snapshot!(end.out, @"
    Put domain:example.org into video
      domain:example.org: video
    ");
    insta::assert_snapshot!(run(&["set", "app:mpv", "video"], "app:mpv", "video").out, @"Nothing changes: it is so already");
    insta::assert_snapshot!(run(&["set", "app:mpv", "gmaes"], "app:mpv", "gmaes").out, @r#"
    Put app:mpv into gmaes
      app:mpv: gmaes
    "gmaes" is a new category, one of your own. If you meant "games": `dwell
      category set app:mpv games`
    "#);
    insta::assert_snapshot!(run(&["set", "app:mpv", "category:games"], "app:mpv", "games").out, @"
      app:mpv: games
    Waits 18h with the machine on, then: `dwell limit confirm p1`. Give it up with
      `dwell limit cancel p1`
    ");
    insta::assert_snapshot!(run(&["unset", "app:mpv"], "app:mpv", "").out, @"
    Took back what you said of app:mpv
      app:mpv:
    ");
    assert_eq!(run(&["set", "app:mpv", "garden", "--quiet"], "app:mpv", "garden").out, "");
    let document = run(&["set", "app:mpv", "garden", "--json"], "app:mpv", "garden").document();
    assert_eq!((&document["schema"], &document["applied"]), (&"dwell.change/1".into(), &true.into()));
    let end = run(&["set", "app:mpv", "music"], "app:mpv", "music");
    assert_eq!((end.code, end.out.as_str()), (Some(4), ""));
    insta::assert_snapshot!(end.complaint(), @"dwell: the rules cannot be read yet; dwell vault unlock opens them");

    for arguments in [&["set", "app:mpv"][..], &["set", "app:mpv", " "], &["set", "all", "video"], &["unset"]]
    {
        let end = place.run(&[&["category"], arguments].concat());
        assert_eq!((end.code, end.out.as_str()), (Some(2), ""), "{arguments:?}");
        end.complaint();
    }
    assert!(told.try_recv().is_err(), "a mistake reached the daemon");
    drop(daemon);
    assert_eq!(place.run(&["category"]).code, Some(5));
}
