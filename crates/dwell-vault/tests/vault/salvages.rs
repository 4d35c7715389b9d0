//! What can be had of a damaged file, and that no more than the damage is missing.

use std::fs;

use dwell_core::calendar::CivilDay;
use dwell_vault::{Unlock, Vault, salvage};

use crate::generations::go_on;
use crate::world::{World, all, day, of_day, record, some_spans};

const ALWAYS: std::ops::RangeInclusive<CivilDay> = CivilDay::MIN..=CivilDay::MAX;

fn filled() -> World {
    let world = World::new();
    let mut vault = world.open();
    for after in 0..30 {
        record(&mut vault, after, &some_spans(after, 20));
    }
    vault.put_enforcement(b"rules").unwrap();
    vault.seal_before(day(28)).unwrap();
    vault.close();
    world
}

fn salvaged(world: &World) -> (World, Vault) {
    let into = World::new();
    let keyfile = [Unlock::Keyfile(world.places.keyfile())];
    let done = salvage(&world.generation().join("db"), &into.places, &keyfile, &mut go_on).unwrap();
    (into, done.vault)
}

#[test]
fn a_sound_vault_is_salvaged_whole() {
    let world = filled();
    let truth = all(&mut world.killed().open());
    let (into, mut vault) = salvaged(&world);
    assert_eq!(all(&mut vault), truth);
    assert_eq!(vault.enforcement().unwrap().unwrap().as_slice(), b"rules");
    vault.close();
    drop(into);
    let refused = salvage(&world.generation().join("db"), &world.places, &[], &mut go_on);
    assert!(refused.is_err(), "never over a vault");
}

/// The schema, the roots and the interior pages of a database, a page at a time: what SQLite refuses or loses,
/// salvage finds, and each damaged page costs at most one day.
#[test]
fn a_damaged_page_costs_at_most_one_day() {
    let world = filled();
    let truth = all(&mut world.killed().open());
    let db = fs::read(world.generation().join("db")).unwrap();
    let pages = db.len() / 2048;
    let step = if std::env::var_os("DWELL_LONG").is_some() { 1 } else { (pages / 6).max(1) };
    let (mut worst, mut lost_days, mut tried) = (0, 0, 0);
    for page in (0..9).chain((9..pages).step_by(step)) {
        let bad = world.killed();
        let mut bytes = db.clone();
        bytes[page * 2048..(page + 1) * 2048].fill(0x5a);
        fs::write(bad.generation().join("db"), bytes).unwrap();
        let (_into, mut vault) = salvaged(&bad);
        let history = all(&mut vault);
        let wrong: Vec<i32> =
            (0..30).filter(|after| of_day(&history, *after) != of_day(&truth, *after)).collect();
        assert!(history.spans.iter().all(|span| truth.spans.contains(span)), "page {page}: made up");
        for after in &wrong {
            let told = history.damaged.contains(&day(*after));
            assert!(told || vault.info().unwrap().suspect, "page {page}: day {after} is lost in silence");
        }
        worst = worst.max(wrong.len());
        (lost_days, tried) = (lost_days + wrong.len(), tried + 1);
        vault.totals(ALWAYS).unwrap();
    }
    println!(
        "{tried} of {pages} pages overwritten one at a time: {lost_days} days lost, at most {worst} at once"
    );
    assert!(worst <= 2, "{worst}");
}
