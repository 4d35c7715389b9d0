//! The vault from outside: keys, locking, forgetting, copies, and what a person without a key gets.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use dwell_tests::canary::{files_that_hold, unique_app};
use dwell_tests::clock::{Deadline, Stamp, wait_until};
use dwell_tests::{Bed, Daemon, Kind, machine, memory};
use serde_json::Value;

const PASSPHRASE: &str = "correct horse battery staple\n";

fn apps(bed: &Bed, period: &str) -> Vec<String> {
    let answer = bed.dwell(&["report", period, "--json"]);
    if answer.code == 3 {
        return Vec::new();
    }
    let report = answer.ok().json();
    let rows = report["rows"].as_array().unwrap();
    rows.iter().map(|row| row["key"].as_str().unwrap().to_owned()).collect()
}

fn state(bed: &Bed) -> String {
    bed.dwell_json(&["vault", "info"])["state"].as_str().unwrap().to_owned()
}

/// Lets a window have focus for a moment that is long enough to be recorded and reported.
fn use_app(bed: &Bed, app: &str) {
    let window = bed.open(app, "window");
    bed.wait_for_dwell_to_see(app);
    let seconds = |bed: &Bed| {
        let answer = bed.dwell(&["report", "--json"]);
        let report = if answer.code == 0 { answer.json() } else { Value::Null };
        let rows = report["rows"].as_array().into_iter().flatten();
        rows.filter(|row| row["key"] == app).map(|row| row["seconds"].as_u64().unwrap()).sum::<u64>()
    };
    assert!(wait_until(Deadline::seconds(20), || seconds(bed) >= 2), "{app} is not counted");
    bed.close(window);
}

fn only_a_passphrase(bed: &Bed) {
    let added = bed.dwell_typed(&["key", "add", "passphrase"], PASSPHRASE).ok();
    assert!(!added.stdout.contains("horse") && !added.stderr.contains("horse"));
    let keys = bed.dwell_json(&["key", "list"]);
    let file = keys["keys"].as_array().unwrap().iter().find(|key| key["kind"] == "keyfile").unwrap();
    let number = file["number"].to_string();
    bed.dwell(&["key", "remove", &number]).assert_refused(2, "--yes");
    let _ = bed.dwell(&["key", "remove", &number, "--yes"]).ok();
    let left = bed.dwell_json(&["key", "list"]);
    assert_eq!(left["keys"].as_array().unwrap().len(), 1, "{left}");
    assert!(!bed.place().data().join("keyfile").exists(), "the key file is destroyed");
}

#[test]
fn with_a_passphrase_only_it_records_and_enforces_and_cannot_read_the_past() {
    let Some(bed) = Bed::start(Kind::X11) else { return };
    let (past, present) = (unique_app(), unique_app());
    let mut daemon = bed.daemon();
    let _ = bed.dwell(&["limit", "set", "app:Limited", "1h"]).ok();
    use_app(&bed, "Limited");
    use_app(&bed, &past);
    let searchable = memory::may_be_read();
    if searchable {
        assert!(memory::holds(daemon.pid(), &past), "the search finds what is there");
    } else {
        machine::cannot_run("the search of the daemon's memory", "only root may read it");
    }
    only_a_passphrase(&bed);
    let used = || bed.dwell_json(&["limit", "list"])["limits"][0]["used_seconds"].as_u64().unwrap();
    let used_before = used();
    assert!(used_before >= 2);
    assert!(daemon.terminate().success());

    let daemon = bed.daemon();
    assert_eq!(state(&bed), "sealed");
    let info = bed.dwell_json(&["vault", "info"]);
    assert!(info["bytes"].as_u64() > Some(0) && info["journal_parts"].as_u64() > Some(0), "{info}");
    assert_eq!(bed.dwell_json(&["status"])["vault"], "sealed");
    use_app(&bed, &present);
    let today = bed.dwell_json(&["report", "today"]);
    assert_eq!(apps(&bed, "today"), [present.as_str()]);
    let sealed = today["coverage"]["sealed_seconds"].as_u64().unwrap();
    assert!(sealed >= 3, "what is locked away is told: {today}");
    assert!(used() >= used_before, "counters of limits outlive the key: {} of {used_before}", used());
    if searchable {
        assert!(memory::holds(daemon.pid(), &present), "the search finds what is there");
        assert!(!memory::holds(daemon.pid(), &past), "the daemon has the past in memory");
    }
    bed.dwell(&["forget", "--day", "today", "--yes"]).assert_refused(4, "vault");

    bed.dwell_typed(&["vault", "unlock"], "wrong horse\n").assert_refused(4, "key");
    assert_eq!(state(&bed), "sealed");
    let _ = bed.dwell_typed(&["vault", "unlock", "--for", "10m"], PASSPHRASE).ok();
    assert_eq!(state(&bed), "open");
    let mut seen = apps(&bed, "today");
    seen.sort();
    let mut all = vec!["Limited".to_owned(), past, present];
    all.sort();
    assert_eq!(seen, all);
    assert_eq!(bed.dwell_json(&["report"])["coverage"]["sealed_seconds"], 0);
    let _ = bed.dwell(&["vault", "lock"]).ok();
    assert_eq!(state(&bed), "sealed");
    let _ = bed.dwell_typed(&["vault", "unlock", "--for", "2s"], PASSPHRASE).ok();
    assert!(wait_until(Deadline::seconds(20), || state(&bed) == "sealed"), "it locks itself again");
}

#[test]
fn counters_of_limits_survive_kill_9_while_history_is_locked() {
    let Some(bed) = Bed::start(Kind::X11) else { return };
    let mut daemon = bed.daemon();
    only_a_passphrase(&bed);
    assert!(daemon.terminate().success());
    let mut daemon = bed.daemon();
    let _ = bed.dwell(&["limit", "set", "app:Limited", "3s"]).ok();
    let window = bed.open("Limited", "window");
    assert!(bed.wait_until(Deadline::seconds(20), || bed.is_hidden(&window)), "the limit acts");
    // This answer comes after everything that was given to the vault before.
    assert_eq!(state(&bed), "sealed");
    daemon.kill9();
    let _daemon = bed.daemon();
    assert_eq!(bed.dwell(&["check", "app:Limited"]).code, 10, "a kill gives no time back");
}

#[test]
fn keys_go_into_an_open_keyring_and_nothing_of_them_to_the_disk() {
    let Some(bed) = Bed::start(Kind::X11) else { return };
    let Some(_keyring) = bed.keyring() else { return };
    let app = unique_app();
    let mut daemon = bed.daemon();
    use_app(&bed, &app);
    let keys = bed.dwell_json(&["key", "list"]);
    assert_eq!(keys["keys"][0]["kind"], "keyring", "{keys}");
    assert_eq!(bed.dwell_json(&["vault", "info"])["rules_key"], "keyring");
    for file in ["keyfile", "enf.keyfile"] {
        assert!(!bed.place().data().join(file).exists(), "{file}");
    }
    let _ = bed.dwell(&["limit", "set", "app:Limited", "1h"]).ok();
    let _ = bed.dwell(&["key", "rotate", "--yes"]).ok();
    assert!(daemon.terminate().success());
    let daemon = bed.daemon();
    assert_eq!(state(&bed), "open");
    assert_eq!(apps(&bed, "today"), [app.as_str()]);
    assert_eq!(bed.dwell_json(&["limit", "list"])["limits"].as_array().unwrap().len(), 1);
    drop(daemon);
}

#[test]
fn a_locked_keyring_is_waited_for_and_nothing_is_lost() {
    let Some(bed) = Bed::start(Kind::X11) else { return };
    let Some(_keyring) = bed.keyring() else { return };
    let (before, waiting, after) = (unique_app(), unique_app(), unique_app());
    let mut daemon = bed.daemon();
    use_app(&bed, &before);
    let _ = bed.dwell(&["limit", "set", "app:Limited", "1h"]).ok();
    assert!(daemon.terminate().success());
    drop(daemon);

    bed.lock_keyring();
    let mut daemon = bed.daemon();
    assert_eq!(state(&bed), "waiting");
    use_app(&bed, &waiting);
    bed.dwell(&["limit", "set", "app:Limited", "2h"]).assert_refused(4, "key");
    assert_eq!(files_that_hold(&waiting, bed.folder()), Vec::<std::path::PathBuf>::new());
    // Another program in focus ends the span for good, and a checkpoint of that one would come much later.
    use_app(&bed, "Other");
    // A kill now costs nothing either: what is held in memory is sealed to the vault's public key as well.
    daemon.kill9();
    drop(daemon);

    let daemon = bed.daemon();
    assert_eq!(state(&bed), "waiting");
    use_app(&bed, &after);
    bed.unlock_keyring();
    assert!(wait_until(Deadline::seconds(20), || state(&bed) == "open"), "{}", daemon.stderr());
    let mut expected = vec![before, waiting, after];
    expected.sort();
    let seen = || {
        let mut seen = apps(&bed, "today");
        seen.retain(|app| app != "Other");
        seen.sort();
        seen
    };
    assert!(wait_until(Deadline::seconds(10), || seen() == expected), "{:?} for {expected:?}", seen());
    assert_eq!(
        bed.dwell_json(&["limit", "list"])["limits"].as_array().unwrap().len(),
        1,
        "the rules are back"
    );
    let vault = bed.place().data().join("vault");
    let spills = fs::read_dir(vault)
        .unwrap()
        .flatten()
        .filter(|f| f.file_name().as_encoded_bytes().starts_with(b"spill"));
    assert_eq!(spills.count(), 0, "what was spilled is taken in");
}

#[test]
fn what_is_forgotten_is_gone_and_limits_keep_their_counters() {
    let Some(bed) = Bed::start(Kind::X11) else { return };
    let mut daemon = bed.daemon();
    let _ = bed.dwell(&["limit", "set", "app:Gone", "1h"]).ok();
    use_app(&bed, "Gone");
    use_app(&bed, "Stays");
    let planned = || targets_planned(&bed);
    let _ = bed.dwell(&["open", "app:Gone", "--for", "1h", "--to", "find X"]).ok();
    let _ = bed.dwell(&["open", "app:Planned", "--for", "1h"]).ok();
    assert_eq!(planned(), ["app:Gone", "app:Planned"]);
    let backup = bed.folder().join("run/before.dwell");
    let backup = backup.to_str().unwrap();
    let _ = bed.dwell(&["vault", "backup", backup]).ok();
    let would = bed.dwell_json(&["forget", "--app", "Gone", "--dry-run"]);
    assert_eq!((&would["days"], &would["dry_run"]), (&Value::from(1), &Value::from(true)), "{would}");
    assert!(would["seconds"].as_u64().unwrap() >= 2);
    assert_eq!((&would["notes"], planned().len()), (&Value::from(1), 2), "{would}");
    bed.dwell(&["forget", "--app", "Gone"]).assert_refused(2, "--yes");
    let told = bed.dwell(&["forget", "--app", "Gone", "--yes"]).ok();
    assert!(
        told.stdout.contains(backup) || told.stderr.contains(backup),
        "the backup still has it: {told:?}"
    );
    assert_eq!(apps(&bed, "all"), ["Stays"]);
    assert!(wait_until(Deadline::seconds(10), || planned() == ["app:Planned"]), "{:?}", planned());
    // Nothing was recorded of it, and what was planned goes all the same.
    let _ = bed.dwell(&["forget", "--app", "planned", "--yes"]).ok();
    assert!(wait_until(Deadline::seconds(10), || planned().is_empty()), "{:?}", planned());
    let used = bed.dwell_json(&["limit", "list"])["limits"][0]["used_seconds"].as_u64().unwrap();
    assert!(used >= 2, "forgetting gives no time back");
    only_a_passphrase(&bed);
    assert!(daemon.terminate().success());
    let _daemon = bed.daemon();
    let counted = || bed.dwell_json(&["limit", "list"])["limits"][0]["used_seconds"].as_u64().unwrap();
    assert!(counted() >= used, "nor does a restart");
    let _ = bed.dwell_typed(&["vault", "unlock"], PASSPHRASE).ok();
    assert!(counted() >= used, "nor an unlocked vault");
    let _ = bed.dwell(&["vault", "lock"]).ok();
    let _ = bed.dwell_typed(&["vault", "unlock"], PASSPHRASE).ok();
    assert!(counted() >= used, "nor one that is locked again");
    assert_eq!(apps(&bed, "all"), ["Stays"]);
    assert_eq!(bed.dwell(&["forget", "--app", "app:Gone", "--dry-run"]).code, 3);
    bed.dwell(&["forget", "--app", "Planned", "--dry-run"]).assert_refused(2, "app:Planned");
    bed.dwell(&["forget", "--app", "app:Planned", "--dry-run"]).assert_refused(3, "nothing to forget");
}

fn targets_planned(bed: &Bed) -> Vec<String> {
    let report = bed.dwell(&["report", "all", "--json"]).stdout;
    let report: Value = serde_json::from_str(report.lines().next().unwrap_or_default()).unwrap_or_default();
    let planned = report["intentions"].as_array().cloned().unwrap_or_default();
    planned.iter().map(|planned| planned["target"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn what_was_planned_is_forgotten_in_the_weekly_copy_too() {
    let Some(bed) = Bed::start(Kind::X11) else { return };
    let mut daemon = bed.daemon();
    use_app(&bed, "Gone");
    let _ = bed.dwell(&["open", "app:Gone", "--for", "1h", "--to", "find X"]).ok();
    let _ = bed.dwell(&["open", "app:Stays", "--for", "1h"]).ok();
    let copy = bed.place().data().join("vault/weekly");
    assert!(wait_until(Deadline::seconds(20), || copy.exists()), "{}", daemon.stderr());
    let _ = bed.dwell(&["forget", "--app", "gone", "--yes"]).ok();
    assert!(daemon.terminate().success());
    let copy = copy.to_str().unwrap();
    let _ = bed.dwell(&["vault", "restore", copy, "--yes"]).ok();
    let _daemon = bed.daemon();
    assert_eq!(targets_planned(&bed), ["app:Stays"]);
}

#[test]
fn a_program_in_focus_is_forgotten_up_to_now_and_counts_from_now_on() {
    let Some(bed) = Bed::start(Kind::X11) else { return };
    let _daemon = bed.daemon();
    let _window = bed.open("Front", "window");
    bed.wait_for_dwell_to_see("Front");
    let seconds = || bed.dwell_json(&["status"])["today"]["total_seconds"].as_u64().unwrap();
    assert!(wait_until(Deadline::seconds(20), || seconds() >= 4));
    let forgetting = Stamp::now();
    let _ = bed.dwell(&["forget", "--app", "Front", "--yes"]).ok();
    let report = bed.dwell_json(&["report", "all"]);
    // It is used all the while, and the report rounds to seconds.
    let since = Stamp::now().since(forgetting);
    assert!(report["total_seconds"].as_i64().unwrap() * 1000 <= since + 1000, "{since} ms: {report}");
    assert!(wait_until(Deadline::seconds(20), || apps(&bed, "today") == ["Front"]), "it is counted again");
}

#[test]
fn a_backup_is_put_back_and_the_vault_that_was_there_is_kept() {
    let Some(bed) = Bed::start(Kind::X11) else { return };
    let mut daemon = bed.daemon();
    use_app(&bed, "Early");
    let recovery = bed.dwell_json(&["key", "recovery"])["key"].as_str().unwrap().to_owned();
    let backup = bed.folder().join("run/b.dwell");
    let backup = backup.to_str().unwrap();
    let _ = bed.dwell(&["vault", "backup", backup]).ok();
    bed.dwell(&["vault", "backup", backup]).assert_refused(2, "already");
    assert_eq!(files_that_hold("Early", Path::new(backup)), Vec::<std::path::PathBuf>::new());
    let _ = bed.dwell(&["forget", "--app", "Early", "--yes"]).ok();
    use_app(&bed, "Late");
    bed.dwell(&["vault", "restore", backup, "--yes"]).assert_refused(1, "stop");
    assert!(daemon.terminate().success());

    bed.dwell(&["vault", "restore", backup]).assert_refused(2, "--yes");
    // The key file has changed since: the recovery key of that time is what is left.
    bed.dwell_typed(&["vault", "restore", backup, "--recovery", "--yes"], "AAAAA-BBBBB\n")
        .assert_refused(2, "recovery");
    let _ =
        bed.dwell_typed(&["vault", "restore", backup, "--recovery", "--yes"], &format!("{recovery}\n")).ok();
    let _daemon = bed.daemon();
    let opened = bed.dwell_typed(&["vault", "unlock", "--recovery"], &format!("{recovery}\n")).ok();
    assert_eq!(apps(&bed, "all"), ["Early"], "{opened:?}");
    let aside = fs::read_dir(bed.place().data()).unwrap().flatten();
    assert!(
        aside.into_iter().any(|f| f.file_name().to_string_lossy().starts_with("before-restore")),
        "nothing is deleted"
    );
}

#[test]
fn what_a_damaged_database_still_holds_is_salvaged() {
    let Some(bed) = Bed::start(Kind::X11) else { return };
    let mut daemon = bed.daemon();
    use_app(&bed, "Saved");
    use_app(&bed, "Later");
    assert!(daemon.terminate().success());
    let vault = bed.place().data().join("vault");
    let damage = || {
        let db = fs::canonicalize(vault.join("current")).unwrap().join("db");
        let mut bytes = fs::read(&db).unwrap();
        // The first page says where everything is.
        bytes[16..100].fill(0xff);
        fs::write(&db, bytes).unwrap();
        db
    };
    let seen = || {
        let mut seen = apps(&bed, "all");
        seen.sort();
        seen
    };
    damage();
    let mut daemon = bed.daemon();
    assert_eq!(seen(), ["Later", "Saved"], "it is mended where nothing is lost: {}", daemon.stderr());
    assert!(daemon.terminate().success());
    let db = damage();
    let _ = bed.dwell(&["vault", "salvage", db.to_str().unwrap(), "--yes"]).ok();
    let _daemon = bed.daemon();
    assert_eq!(seen(), ["Later", "Saved"]);
}

#[test]
fn the_vault_is_verified_and_what_is_stored_is_told() {
    let Some(bed) = Bed::start(Kind::X11) else { return };
    let _daemon = bed.daemon();
    use_app(&bed, "Some");
    let verified = bed.dwell_json(&["vault", "verify"]);
    assert_eq!(verified["days"], 1, "{verified}");
    let privacy = bed.dwell_json(&["privacy"]);
    let kinds: Vec<&str> =
        privacy["records"].as_array().unwrap().iter().map(|r| r["kind"].as_str().unwrap()).collect();
    for kind in ["row", "page", "rollup", "enforcement", "tip"] {
        assert!(kinds.contains(&kind), "{kinds:?}");
    }
    let data = bed.place().data();
    let told = bed.dwell(&["privacy"]).ok().stdout;
    assert!(told.contains(data.join("keyfile").to_str().unwrap()), "{told}");
}

fn number_of(bed: &Bed, kind: &str) -> String {
    let keys = bed.dwell_json(&["key", "list"]);
    let key = keys["keys"].as_array().unwrap().iter().find(|key| key["kind"] == kind);
    key.unwrap_or_else(|| panic!("no {kind}: {keys}"))["number"].to_string()
}

fn restarted(bed: &Bed, mut daemon: Daemon) -> Daemon {
    assert!(daemon.terminate().success());
    drop(daemon);
    bed.daemon()
}

#[test]
fn keys_move_from_files_to_the_keyring_and_on_to_a_passphrase_and_each_start_finds_them() {
    let Some(bed) = Bed::start(Kind::X11) else { return };
    let daemon = bed.daemon();
    use_app(&bed, "Early");
    let _ = bed.dwell(&["limit", "set", "app:Limited", "1h"]).ok();
    let Some(_keyring) = bed.keyring() else { return };
    let file = |name: &str| bed.place().data().join(name);
    let stale = fs::read(file("keyfile")).unwrap();
    let _ = bed.dwell(&["key", "add", "keyring"]).ok();
    let _ = bed.dwell(&["key", "remove", &number_of(&bed, "keyfile"), "--yes"]).ok();
    assert!(!file("keyfile").exists() && !file("enf.keyfile").exists(), "files would give the keys away");
    let daemon = restarted(&bed, daemon);
    assert_eq!((state(&bed), apps(&bed, "all")), ("open".to_owned(), vec!["Early".to_owned()]));

    // A file that was left, or put back: the keyring's key is the one that fits.
    bed.place().write(&file("keyfile"), &stale);
    let daemon = restarted(&bed, daemon);
    assert_eq!(state(&bed), "open");
    fs::remove_file(file("keyfile")).ok();

    let _ = bed.dwell_typed(&["key", "add", "passphrase"], PASSPHRASE).ok();
    let _ = bed.dwell(&["key", "remove", &number_of(&bed, "keyring"), "--yes"]).ok();
    assert!(!file("enf.keyfile").exists(), "the key of rules stays in the keyring");
    let daemon = restarted(&bed, daemon);
    assert_eq!(state(&bed), "sealed");
    assert_eq!(bed.dwell_json(&["limit", "list"])["limits"].as_array().unwrap().len(), 1, "rules hold");
    let _ = bed.dwell_typed(&["vault", "unlock"], PASSPHRASE).ok();
    assert_eq!(apps(&bed, "all"), ["Early"]);

    let _ = bed.dwell(&["key", "add", "keyfile"]).ok();
    let _ = bed.dwell(&["key", "remove", &number_of(&bed, "passphrase"), "--yes"]).ok();
    let _daemon = restarted(&bed, daemon);
    assert_eq!((state(&bed), apps(&bed, "all")), ("open".to_owned(), vec!["Early".to_owned()]));
}

#[test]
fn a_keyring_that_is_gone_leaves_the_recovery_key() {
    let Some(bed) = Bed::start(Kind::X11) else { return };
    let Some(mut keyring) = bed.keyring() else { return };
    let daemon = bed.daemon();
    use_app(&bed, "Early");
    let _ = bed.dwell(&["limit", "set", "app:Early", "1h"]).ok();
    let recovery = bed.dwell_json(&["key", "recovery"])["key"].as_str().unwrap().to_owned();
    keyring.kill();
    let before = files_of(&bed);
    let daemon = restarted(&bed, daemon);
    assert_eq!(state(&bed), "waiting");
    bed.dwell(&["check", "app:Early"]).assert_refused(4, "key");
    bed.dwell_typed(&["vault", "unlock", "--recovery"], "AAAAA-BBBBB\n").assert_refused(2, "recovery");
    let _ = bed.dwell(&["vault", "lock"]).ok();
    assert_eq!(state(&bed), "waiting");
    let _ = bed.dwell_typed(&["vault", "unlock", "--recovery"], &format!("{recovery}\n")).ok();
    assert_eq!((state(&bed), apps(&bed, "all")), ("open".to_owned(), vec!["Early".to_owned()]));
    assert_eq!(bed.dwell(&["check", "app:Early"]).code, 0);
    drop(daemon);
    for name in before {
        assert!(files_of(&bed).contains(&name), "{} is still there", name.display());
    }
}

/// What must be there whatever happens: header and database of each generation, and key files.
fn files_of(bed: &Bed) -> Vec<std::path::PathBuf> {
    let vault = fs::canonicalize(bed.place().data().join("vault/current")).unwrap();
    vec![vault.join("hdr"), vault.join("db")]
}

#[test]
fn a_vault_that_was_unlocked_for_a_time_locks_again_each_time() {
    let Some(bed) = Bed::start(Kind::NoDisplay) else { return };
    let _daemon = bed.daemon();
    let _ = bed.dwell(&["vault", "lock"]).ok();
    for _ in 0..2 {
        let _ = bed.dwell(&["vault", "unlock", "--for", "1s"]).ok();
        assert!(wait_until(Deadline::seconds(20), || state(&bed) == "sealed"), "it locks itself again");
    }
    only_a_passphrase_while_open(&bed);
    let _ = bed.dwell(&["vault", "lock"]).ok();
    let _ = bed.dwell_typed(&["vault", "unlock", "--for", "2s"], PASSPHRASE).ok();
    assert!(wait_until(Deadline::seconds(20), || state(&bed) == "sealed"), "it locks itself again");
}

fn only_a_passphrase_while_open(bed: &Bed) {
    let _ = bed.dwell(&["vault", "unlock", "--for", "0s"]).ok();
    only_a_passphrase(bed);
}

#[test]
fn credentials_of_the_service_manager_are_keys_like_others() {
    let Some(bed) = Bed::start(Kind::X11) else { return };
    let folder = bed.place().home().join("credentials");
    fs::create_dir(&folder).unwrap();
    bed.place().own(&folder, 0o700);
    bed.place().write(&folder.join("dwell.rules"), [7; 32]);
    bed.place().write(&folder.join("dwell.history"), format!("{}\n", "0123456789abcdef".repeat(4)));
    let variables = [("CREDENTIALS_DIRECTORY", folder.to_str().unwrap())];
    let mut daemon = bed.try_daemon(&variables).unwrap();
    use_app(&bed, "Some");
    assert_eq!(bed.dwell_json(&["key", "list"])["keys"][0]["kind"], "credential");
    for file in ["keyfile", "enf.keyfile"] {
        assert!(!bed.place().data().join(file).exists(), "{file}");
    }
    let _ = bed.dwell(&["key", "rotate", "--yes"]).ok();
    assert!(daemon.terminate().success());
    drop(daemon);
    let mut daemon = bed.try_daemon(&variables).unwrap();
    assert_eq!((state(&bed), apps(&bed, "all")), ("open".to_owned(), vec!["Some".to_owned()]));
    assert!(daemon.terminate().success());
    drop(daemon);
    bed.place().write(&folder.join("dwell.rules"), "too short");
    let refusal = bed.try_daemon(&variables).err().unwrap();
    assert_eq!(refusal.code, Some(4), "{refusal:?}");
}
