//! Everything that can go wrong has its exit code, and one line.

use dwell_bus::{BrowserRequest, Failure, Kind, Reply, Request, VaultRequest};

use crate::daemon::FakeDaemon;
use crate::place::Place;

fn refuse<T>(reply: Reply<T>, failure: &Failure) {
    let _ = reply.send(Err(failure.clone()));
}

/// Answers every question with the same failure.
fn refusing(failure: Failure) -> impl FnMut(Request) + Send + 'static {
    move |request| match request {
        Request::Status(reply) => refuse(reply, &failure),
        Request::Report(_, reply) => refuse(reply, &failure),
        Request::Picture(_, reply) => refuse(reply, &failure),
        Request::Spans(_, reply) | Request::Watch(reply) => refuse(reply, &failure),
        Request::ListLimits(reply) => refuse(reply, &failure),
        Request::SetLimit(_, _, _, reply) => refuse(reply, &failure),
        Request::Why(_, reply) => refuse(reply, &failure),
        Request::Check(_, reply) => refuse(reply, &failure),
        Request::Doctor(reply) => refuse(reply, &failure),
        Request::RemoveLimit(_, reply)
        | Request::CheckRules(_, reply)
        | Request::ImportRules(_, reply)
        | Request::Confirm(_, reply)
        | Request::SetCategory(_, _, reply) => refuse(reply, &failure),
        Request::TryLimit(_, _, _, _, reply) => refuse(reply, &failure),
        Request::ExportRules(reply) => refuse(reply, &failure),
        Request::ListPending(reply) => refuse(reply, &failure),
        Request::AskSnooze(_, reply) => refuse(reply, &failure),
        Request::Snooze(_, _, reply) => refuse(reply, &failure),
        Request::Pause(_, reply)
        | Request::Resume(_, reply)
        | Request::Exit(_, reply)
        | Request::Focus(_, _, reply)
        | Request::Intend(_, _, _, reply)
        | Request::Standing(reply) => refuse(reply, &failure),
        Request::ResetWeek(_, reply) => refuse(reply, &failure),
        Request::ListTargets(reply) => refuse(reply, &failure),
        Request::ListCategories(reply) => refuse(reply, &failure),
        Request::WhichCategory(_, reply) => refuse(reply, &failure),
        Request::Cancel(_, reply)
        | Request::CloseTarget(_, reply)
        | Request::Attach(_, reply)
        | Request::Reload(reply)
        | Request::Intake(_, reply) => refuse(reply, &failure),
        Request::Browser(BrowserRequest::Links(reply)) => refuse(reply, &failure),
        // No command asks these: a host does.
        Request::Browser(_) => {}
        Request::Vault(request) => refuse_care(request, &failure),
    }
}

fn refuse_care(request: VaultRequest, failure: &Failure) {
    match request {
        VaultRequest::Info(reply) => refuse(reply, failure),
        VaultRequest::ListKeys(reply) => refuse(reply, failure),
        VaultRequest::AddKey(_, reply) | VaultRequest::AddPassphrase(_, reply) => refuse(reply, failure),
        VaultRequest::AddRecovery(reply) => refuse(reply, failure),
        VaultRequest::RemoveKey(_, reply)
        | VaultRequest::RotateKeys(reply)
        | VaultRequest::Verify(reply)
        | VaultRequest::Backup(_, reply)
        | VaultRequest::Forget(_, reply) => refuse(reply, failure),
        VaultRequest::Unlock(_, _, _, reply) | VaultRequest::Lock(reply) | VaultRequest::Accept(reply) => {
            refuse(reply, failure)
        }
        VaultRequest::WouldForget(_, reply) => refuse(reply, failure),
        VaultRequest::Import(_, _, reply) => refuse(reply, failure),
        VaultRequest::Privacy(reply) => refuse(reply, failure),
    }
}

#[test]
fn each_kind_of_failure_has_its_exit_code() {
    let kinds = [
        (Kind::Denied, 4, "denied"),
        (Kind::Locked, 4, "locked"),
        (Kind::NotFound, 2, "not-found"),
        (Kind::Invalid, 2, "invalid"),
        (Kind::NoData, 3, "no-data"),
        (Kind::ClockUntrusted, 1, "clock-untrusted"),
        (Kind::StorageDegraded, 1, "storage-degraded"),
        (Kind::Failed, 1, "failed"),
    ];
    let place = Place::with_empty_bus();
    for (kind, code, name) in kinds {
        let _daemon =
            FakeDaemon::start(&place, refusing(Failure::new(kind, "it went wrong: so").hint("do this")));
        for command in [
            &["status"][..],
            &["report"],
            &["spans"],
            &["limit", "list"],
            &["limit", "show", "x"],
            &["limit", "set", "x", "1m"],
            &["limit", "remove", "x"],
            &["limit", "pending"],
            &["limit", "confirm", "p1"],
            &["limit", "cancel", "p1"],
            &["limit", "try", "x", "1m"],
            &["why", "x"],
            &["check", "x"],
            &["snooze", "x"],
            &["downtime"],
            &["downtime", "22:00-07:00"],
            &["focus"],
            &["focus", "50m"],
            &["focus", "stop"],
            &["open", "x", "--for", "5m"],
            &["pause", "3d"],
            &["resume"],
            &["exit"],
            &["exit", "--cancel"],
            &["reset-week"],
            &["reset-week", "start"],
            &["rules", "export"],
            &["watch"],
            &["key"],
            &["key", "add", "keyring"],
            &["key", "remove", "0", "--yes"],
            &["key", "recovery"],
            &["key", "rotate", "--yes"],
            &["vault"],
            &["vault", "unlock"],
            &["vault", "lock"],
            &["vault", "verify"],
            &["vault", "backup", "a.dwell"],
            &["vault", "accept", "--yes"],
            &["forget", "--day", "2026-11-01", "--yes"],
            &["forget", "--day", "today", "--dry-run"],
            &["privacy"],
        ] {
            let end = place.run(command);
            assert_eq!((end.code, end.out.as_str()), (Some(code), ""), "{kind:?} {command:?}");
            assert_eq!(end.complaint(), "dwell: it went wrong: so; do this", "{kind:?} {command:?}");
        }
        let end = place.run(&["report", "--json"]);
        let document: serde_json::Value = serde_json::from_str(end.complaint()).unwrap();
        let wanted = serde_json::json!({"schema": "dwell.error/1", "kind": name, "message": "it went wrong: so", "hint": "do this"});
        assert_eq!(document, wanted);
        assert_eq!(place.run(&["doctor"]).code, Some(1));
    }
}

#[test]
fn unclear_names_list_their_candidates() {
    let place = Place::with_empty_bus();
    let _daemon = FakeDaemon::usual(&place);
    let end = place.run(&["limit", "set", "chrome", "1h"]);
    assert_eq!(end.code, Some(2));
    insta::assert_snapshot!(end.complaint(), @r#"dwell: "chrome" could be app:chromium, app:google-chrome; write one of these in full"#);
    let end = place.run(&["check", "nobody"]);
    assert_eq!(end.code, Some(2));
    insta::assert_snapshot!(end.complaint(), @r#"dwell: nothing known is called "nobody"; write app:nobody"#);
    let end = place.run(&["limit", "remove", "firefx"]);
    assert_eq!(end.code, Some(2));
    insta::assert_snapshot!(end.complaint(), @r#"dwell: there is no limit "firefx"; did you mean "firefox"?"#);
    let end = place.run(&["limit", "show", "firefx"]);
    assert_eq!(end.code, Some(2));
    insta::assert_snapshot!(end.complaint(), @r#"dwell: there is no limit "firefx"; known: firefox, code"#);
    assert_eq!(place.run(&["limit", "set", "x", "5m", "--warn", "6m"]).code, Some(2));
}

#[test]
fn a_wrong_command_line_is_one_line_and_two() {
    let place = Place::without_bus();
    for wrong in [
        &["stauts"][..],
        &["report", "--formt", "csv"],
        &["report", "yesturday"],
        &["report", "--top", "0"],
        &["spans", "2026-13-01"],
        &["limit", "set", "firefox", "30"],
        &["limit", "set", "firefox", "-5m"],
        &["limit", "set", "aap:x", "30m"],
        &["check"],
        &["check", ""],
        &["limit", "set", "x"],
        &["limit", "set", "x", "5m", "--per", "year"],
        &["limit", "set", "x", "5m", "--on", "mo"],
        &["limit", "set", "x", "5m", "--strict", "locked"],
        &["limit", "set", "x", "--blocked", "22-7"],
        &["limit", "set", "x", "--blocked", "22:00-07:00", "--allowed", "09:00-17:00"],
        &["limit", "set", "x", "--blocked", "22:00-07:00", "--per", "day"],
        &["limit", "try", "x", "5m", "--since", "fortnight"],
        &["limit", "confirm"],
        &["downtime", "night"],
        &["downtime", "--on", "mon-fri"],
        &["focus", "50"],
        &["focus", "--block", "x"],
        &["open", "x"],
        &["pause"],
        &["pause", "3"],
        &["reset-week", "begin"],
        &["rules"],
        &["rules", "import"],
        &["rules", "check", "/nonexistent"],
        &["completions", "tcsh"],
        &["status", "--format", "xml"],
        &["key", "add"],
        &["key", "add", "password"],
        &["key", "remove"],
        &["key", "remove", "first"],
        &["vault", "unlock", "--for", "5"],
        &["vault", "backup"],
        &["vault", "restore", "/nonexistent"],
        &["forget"],
        &["forget", "--day", "2026-11-31"],
        &["forget", "--day", "today", "--app", "x"],
        &["forget", "--app", ""],
    ] {
        let end = place.run(wrong);
        assert_eq!((end.code, end.out.as_str()), (Some(2), ""), "{wrong:?}");
        assert!(end.complaint().starts_with("dwell: "), "{wrong:?}");
    }
    let end = place.run(&["report", "--json", "--top", "0"]);
    insta::assert_snapshot!(end.complaint(), @r#"{"schema":"dwell.error/1","kind":"invalid","message":"\"0\" is no number of rows","hint":"write a whole number from 1 on, like 10"}"#);
}

#[test]
fn a_daemon_that_goes_away_is_told_from_one_that_was_never_there() {
    let place = Place::with_empty_bus();
    // It takes the question and drops it: the hub is stopping.
    let _daemon = FakeDaemon::start(&place, drop);
    let end = place.run(&["status"]);
    assert_eq!(end.code, Some(1));
    insta::assert_snapshot!(end.complaint(), @"dwell: the daemon is stopping; try again");
}
