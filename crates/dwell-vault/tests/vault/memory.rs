//! Keys in memory: locked where the system allows, and no reason to stop where it does not.

use std::fs;
use std::process::Command;

use dwell_vault::{Places, Row, Vault};

use crate::world::{World, day, focus, not_run};

const FOLDER: &str = "DWELL_TEST_MEMORY_FOLDER";

/// Kibibytes that this process has locked.
fn locked_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmLck:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse().unwrap()
}

/// Not a test of its own: runs under the limit that its parent sets, alone in its process.
#[test]
fn memory_child() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let before = locked_kib();
    let (mut vault, _) = Vault::open_or_create(&Places::new(folder)).unwrap();
    vault.append(day(0), &Row::Span(focus(0, 900, "editor"))).unwrap();
    let open = locked_kib();
    let said = vault.keys_locked();
    let mut sealed = vault.lock();
    sealed.append(day(0), &Row::Span(focus(9000, 900, "editor"))).unwrap();
    let shut = locked_kib();
    println!("locked {said} {} {open} {shut}", sealed.keys_locked());
    drop(sealed);
    assert_eq!(locked_kib(), before, "locks are given up with their keys");
}

/// What the child says, under a limit in bytes.
fn child(limit: &str) -> Option<(bool, bool, u64, u64)> {
    let world = World::new();
    // Root may lock without a limit, unless that right is dropped as well.
    let script = "prlimit --memlock=\"$0\" setpriv --bounding-set=-ipc_lock --inh-caps=-ipc_lock \"$@\"";
    let output = Command::new("sh")
        .args(["-c", script, limit])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "memory::memory_child", "--nocapture"])
        .env(FOLDER, &world.places.data_dir)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let Some(said) = text.lines().find_map(|line| line.split("locked ").nth(1)) else {
        let why = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_ne!(output.status.code(), Some(101), "{text}{why}");
        not_run("memory: no limit could be set", &why);
        return None;
    };
    let words: Vec<&str> = said.split(' ').collect();
    assert!(output.status.success(), "{text}");
    Some((words[0] == "true", words[1] == "true", words[2].parse().unwrap(), words[3].parse().unwrap()))
}

#[test]
fn all_keys_are_locked_within_64_kib_and_vks_go_with_locking() {
    let Some((open, sealed, while_open, while_sealed)) = child("65536") else { return };
    assert!(open && sealed);
    assert!((32..=64).contains(&while_open), "{while_open}");
    assert_eq!(while_open - while_sealed, 16, "VK and the three keys that it gives");
}

#[test]
fn without_locked_memory_a_vault_works_and_says_so() {
    let Some((open, sealed, while_open, _)) = child("0") else { return };
    assert!(!open && !sealed);
    assert_eq!(while_open, 0);
}
