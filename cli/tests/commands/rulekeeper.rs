//! The daemon's care of the rules: answers of one in the middle of a day.

use dwell_bus::{Failure, Kind, Request, wire};

use crate::daemon::{
    FakeDaemon, MINUTE, NOW, STEADY, change, limit, next_morning, resolve, today, usual as usual_hub,
};
use crate::place::Place;

/// The sentence of these tests.
pub(crate) const SENTENCE: &str = "I would rather read";

/// The rules as text.
pub(crate) const RULES: &str = "# mine\n[[rule]]\nid = \"firefox\"\ntarget = \"app:firefox\"\n";

/// A daemon that answers by `keep` what it knows, and everything else as usual.
pub(crate) fn keeping(
    place: &Place,
    mut keep: impl FnMut(Request) -> Option<Request> + Send + 'static,
) -> FakeDaemon {
    FakeDaemon::start(place, move |request| {
        if let Some(other) = keep(request) {
            usual_hub(other);
        }
    })
}

/// Answers what is about rules.
pub(crate) fn usual(request: Request) {
    match request {
        Request::TryLimit(target, _, _, period, reply) => drop(reply.send(trial(&target, &period))),
        Request::ExportRules(reply) => drop(reply.send(Ok(RULES.into()))),
        Request::CheckRules(text, reply) => drop(reply.send(checked(&text, false))),
        Request::ImportRules(text, reply) => drop(reply.send(checked(&text, true))),
        Request::ListPending(reply) => drop(reply.send(Ok(vec![pending(), ready()]))),
        Request::Confirm(id, reply) => drop(
            reply.send(match id.as_str() {
                "p1" => Err(Failure::new(Kind::Denied, "it waits 18h more with the machine on")
                    .hint("dwell limit cancel p1 gives it up")),
                "p2" => Ok(wire::Change { lines: ready().lines, ..change("looser", true) }),
                id => Err(Failure::new(Kind::NotFound, format!("no change \"{id}\" waits"))
                    .hint("see `dwell limit pending`")),
            }),
        ),
        Request::Cancel(id, reply) => drop(reply.send(if id == "p1" {
            Ok(())
        } else {
            Err(Failure::new(Kind::NotFound, format!("no change \"{id}\" waits"))
                .hint("see `dwell limit pending`"))
        })),
        Request::AskSnooze(target, reply) => drop(reply.send(snooze(&target))),
        Request::Snooze(rule, sentence, reply) => drop(reply.send(snoozed(&rule, &sentence))),
        Request::Pause(ms, reply) => drop(reply.send(if ms > 31 * 24 * 60 * MINUTE {
            Err(Failure::new(Kind::Invalid, "a pause lasts at most 31 days").hint("say a shorter one"))
        } else {
            Ok(wire::Standing { paused_until_at_ms: Some(next_morning()), ..standing() })
        })),
        Request::Exit(cancel, reply) => drop(
            reply.send(Ok(wire::Standing { exit_waits_ms: (!cancel).then_some(10 * MINUTE), ..standing() })),
        ),
        Request::Focus(_, block, reply) => drop(reply.send(Ok(wire::Standing {
            focus_until_at_ms: Some(next_morning()),
            focus_blocks: Some(block),
            ..standing()
        }))),
        Request::Intend(target, ms, to, reply) => {
            drop(reply.send(resolve(&target).map(|target| wire::Standing {
                intentions: Some(vec![wire::Intention {
                    name: target.clone(),
                    target,
                    at_ms: NOW,
                    planned_ms: ms,
                    to: Some(to).filter(|to| !to.is_empty()),
                    ..wire::Intention::default()
                }]),
                ..standing()
            })))
        }
        Request::ResetWeek(what, reply) => drop(reply.send(Ok(wire::ResetWeek {
            running: what != "stop",
            day: (what != "stop").then_some(1),
            percent: (what != "stop").then_some(80),
            until_at_ms: None,
            lines: if what == "stop" { vec![] } else { vec!["app:firefox: 24m of 30m a day".into()] },
            zone: STEADY.into(),
        }))),
        Request::Resume(what, reply) if what == "focus" => drop(reply.send(Err(
            Failure::new(Kind::NotFound, "no focus session runs").hint("start one with `dwell focus 50m`"),
        ))),
        Request::Resume(_, reply) | Request::Standing(reply) => drop(reply.send(Ok(standing()))),
        Request::CloseTarget(_, reply) => drop(reply.send(Ok(()))),
        // Asked by no command that is tested here: the question is dropped, as by a daemon that stops.
        _ => {}
    }
}

/// Nothing is in force.
pub(crate) fn standing() -> wire::Standing {
    wire::Standing { zone: STEADY.into(), ..wire::Standing::default() }
}

/// A change that waits.
pub(crate) fn pending() -> wire::Pending {
    wire::Pending {
        id: "p1".into(),
        lines: vec!["app:firefox: 30m a day → 45m a day".into()],
        asked_at_ms: NOW,
        waits_ms: 18 * 60 * MINUTE,
        lapses_ms: 24 * 60 * MINUTE,
        locked_until: None,
    }
}

/// A change that has waited.
pub(crate) fn ready() -> wire::Pending {
    wire::Pending { id: "p2".into(), lines: vec!["removes video".into()], waits_ms: 0, ..pending() }
}

/// All rules are removed.
pub(crate) fn emptied(applied: bool) -> wire::Change {
    wire::Change { rules: 0, ..change("looser", applied) }
}

fn trial(target: &str, period: &str) -> Result<wire::Trial, Failure> {
    let days = match period {
        "yesterday" => 0,
        _ => 14,
    };
    Ok(wire::Trial {
        rule: format!("{}: {period}", resolve(target)?),
        zone: "Europe/Athens".into(),
        from: "2026-11-08".into(),
        to: "2026-11-21".into(),
        days,
        hits: vec![
            wire::TrialDay { day: "2026-11-09".into(), used_ms: 41 * MINUTE, at_ms: Some(1_794_241_200_000) },
            wire::TrialDay { day: "2026-11-20".into(), used_ms: 130 * MINUTE, at_ms: None },
        ],
        median_ms: 25 * MINUTE,
        over_ms: 111 * MINUTE,
    })
}

fn checked(text: &str, applied: bool) -> Result<wire::Change, Failure> {
    let lines = |line: &str| vec![line.to_owned()];
    Ok(match text {
        text if text.contains("wrong") => {
            return Err(Failure::new(Kind::Invalid, "line 3, column 9: \"tagret\" is no key of a rule")
                .hint("did you mean \"target\"?"));
        }
        text if text.contains("looser") => wire::Change {
            lines: lines("app:firefox: 30m a day → 45m a day"),
            pending: Some(pending()),
            ..change("looser", false)
        },
        text if text.contains("tighter") => wire::Change {
            lines: lines("app:firefox: 30m a day → 15m a day"),
            warnings: lines("rule b never acts: rule a is stricter"),
            ..change("tighter", applied)
        },
        _ => change("same", applied),
    })
}

fn snooze(target: &str) -> Result<wire::Snooze, Failure> {
    let sentence = (target != "quick").then(|| SENTENCE.to_owned());
    match resolve(target)?.as_str() {
        "app:code" => {
            Err(Failure::new(Kind::Denied, "nothing blocks app:code").hint("see `dwell why app:code`"))
        }
        target => Ok(wire::Snooze {
            rule: "firefox".into(),
            name: "Firefox".into(),
            wait_ms: 30,
            length_ms: 5 * MINUTE,
            left: 2,
            target: target.to_owned(),
            sentence,
            ..wire::Snooze::default()
        }),
    }
}

fn snoozed(rule: &str, sentence: &str) -> Result<wire::Limit, Failure> {
    if !sentence.is_empty() && sentence != SENTENCE {
        return Err(Failure::new(Kind::Invalid, "that is another sentence").hint("type it as it is shown"));
    }
    assert_eq!(rule, "firefox");
    Ok(wire::Limit {
        snoozed_until_at_ms: Some(next_morning()),
        snoozes_left: Some(1),
        ..today(limit("firefox", 30))
    })
}
