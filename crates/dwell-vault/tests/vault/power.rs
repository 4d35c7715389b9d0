//! The power fails at any moment: what was acknowledged before is there, the tip is never ahead, and the vault opens.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use dwell_core::span::Span;
use dwell_core::subject::AppId;
use dwell_core::time::Millis;
use dwell_vault::{NewSecrets, NewSlot, Note, Places, Row, SlotKind, Spill, Unlock, Vault, What, restore};
use zeroize::Zeroizing;

use crate::disk::{Disk, Luck, Op, read_log};
use crate::generations::go_on;
use crate::world::{all, day, focus, not_run};

pub(crate) const FOLDER: &str = "DWELL_TEST_POWER_FOLDER";

/// Says to the recorder how many rows are acknowledged.
struct Acks {
    file: fs::File,
    rows: u64,
    /// Checkpoints of the last row.
    checkpoints: u64,
}

impl Acks {
    fn say(&mut self) {
        std::io::Write::write_all(&mut self.file, &(self.checkpoints << 32 | self.rows).to_le_bytes())
            .unwrap();
    }

    /// The next row: its number is its minute of the day.
    fn next(&self) -> Row {
        let midnight = self.rows / 10 * 86_400_000;
        Row::Span(focus(midnight + self.rows * 60_000, 900, "editor"))
    }

    /// Records one row, durably.
    fn row(&mut self, vault: &mut Vault) {
        vault.append(day(self.day()), &self.next()).unwrap();
        (self.rows, self.checkpoints) = (self.rows + 1, 0);
        self.say();
    }

    /// Lets a span run on for some checkpoints, each of which is durable.
    fn run(&mut self, vault: &mut Vault) {
        let (on, row) = (day(self.day()), self.next());
        self.rows += 1;
        for checkpoints in 1..=4 {
            let span = Span { length: Millis::from_ms(checkpoints * 900), ..row.span().clone() };
            vault.append(on, &Row::Checkpoint(span)).unwrap();
            self.checkpoints = checkpoints;
            self.say();
        }
    }

    fn day(&self) -> i32 {
        i32::try_from(self.rows / 10).unwrap()
    }
}

/// Not a test of its own: everything that a vault does with files, under the recorder.
#[test]
fn power_child() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let places = Places::new(folder.join("dwell"));
    let mut acks = Acks { file: fs::File::create(folder.join("acks")).unwrap(), rows: 0, checkpoints: 0 };
    let (mut vault, _) = Vault::open_or_create(&places).unwrap();
    acks.say();
    for i in 0..23 {
        acks.row(&mut vault);
        if i % 7 == 3 {
            vault.put_enforcement(&[7; 99]).unwrap();
        }
        if i % 11 == 5 {
            acks.run(&mut vault);
        }
    }
    vault.seal_before(day(acks.day())).unwrap();
    vault.add_slot(&NewSlot::Seed(Zeroizing::new([1; 32]), SlotKind::SecretService)).unwrap();
    acks.row(&mut vault);
    acks.run(&mut vault);
    vault.make_copy().unwrap();
    acks.row(&mut vault);
    acks.run(&mut vault);
    vault.rotate(&NewSecrets::default(), &mut go_on).unwrap();
    for _ in 0..8 {
        acks.row(&mut vault);
    }
    vault.seal_before(day(acks.day())).unwrap();
    // Nobody's: what is forgotten must not count as lost here.
    let nobody = What::App(AppId::new("nobody").unwrap());
    vault.forget(&nobody, false, &NewSecrets::default(), &mut go_on).unwrap();
    acks.row(&mut vault);
    vault.close();
    let mut spill = Spill::open(&places).unwrap();
    for _ in 0..3 {
        spill.put(&[(day(acks.day()), acks.next())]).unwrap();
        (acks.rows, acks.checkpoints) = (acks.rows + 1, 0);
        acks.say();
    }
    drop(spill);
    let (mut vault, _) = Vault::open_or_create(&places).unwrap();
    for _ in 0..12 {
        acks.row(&mut vault);
    }
    vault.remove_slot(1, &NewSecrets::default(), &mut go_on).unwrap();
    acks.row(&mut vault);
    let backup = folder.join("backup");
    vault.backup(&backup, 0).unwrap();
    vault.close();
    // With the same rows in it, so that the old vault and the new one both have what was acknowledged.
    let slots = [Unlock::Keyfile(places.keyfile())];
    let mut vault = restore(&backup, &places, &slots, true).unwrap().vault;
    acks.row(&mut vault);
    acks.run(&mut vault);
    vault.close();
}

/// This test program, running one test as a child below `root` with the recorder in it.
pub(crate) fn recorded_child(test: &str, base: &Path) -> Result<Command, String> {
    let (library, root) = (base.join("recorder.so"), base.join("root"));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vault/recorder.c");
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let built = Command::new(compiler)
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .args([&library, &source])
        .arg("-ldl")
        .output()
        .map_err(|e| e.to_string())?;
    if !built.status.success() {
        return Err(String::from_utf8_lossy(&built.stderr).into_owned());
    }
    fs::create_dir(&root).unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap());
    child
        .args(["--exact", test, "--nocapture"])
        .env(FOLDER, &root)
        .env("LD_PRELOAD", &library)
        .env("DWELL_TEST_POWER_ROOT", &root);
    Ok(child)
}

/// What the child did, or why that cannot be had here.
fn recorded(base: &Path) -> Result<Vec<Op>, String> {
    let log = base.join("log");
    let mut child = recorded_child("power::power_child", base)?;
    let child = child.env("DWELL_TEST_POWER_LOG", &log).output().unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    if !log.exists() {
        return Err("nothing was recorded: is this program linked statically?".into());
    }
    Ok(read_log(&log))
}

/// The moments to fail at: around each sync and each acknowledgement, and with `DWELL_LONG=1` all.
fn moments(ops: &[Op]) -> Vec<usize> {
    let long = std::env::var_os("DWELL_LONG").is_some();
    let near = |at: &usize| {
        let sync = |op: Option<&Op>| op.is_some_and(Op::is_sync);
        long || (sync(ops.get(*at)) && at.is_multiple_of(7))
            || (sync(ops.get(at.wrapping_sub(1))) && at.is_multiple_of(11))
    };
    (0..=ops.len()).filter(near).collect()
}

#[test]
fn a_power_loss_at_any_moment_loses_nothing_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let base = fs::canonicalize(folder.path()).unwrap();
    let ops = match recorded(&base) {
        Ok(ops) => ops,
        Err(why) => return not_run("power loss", &why),
    };
    assert!(ops.len() > 500, "{}", ops.len());
    let moments = moments(&ops);
    let mut disk = Disk::new(&base.join("root"));
    let (mut acknowledged, mut tried, mut next) = (None, 0, 0);
    for at in moments {
        for op in &ops[next..at] {
            if let Some(said) = op.said("acks") {
                acknowledged = Some(u64::from_le_bytes(said.try_into().unwrap()));
            }
            disk.apply(op);
        }
        next = at;
        for luck in [Luck::None, Luck::SomeBytes, Luck::NamesAndSomeBytes] {
            let after = base.join("after");
            disk.lay_out(&after, luck, at as u64 * 0x9e37_79b9);
            check(&after, acknowledged, &format!("{at} of {}, {luck:?}", ops.len()));
            fs::remove_dir_all(&after).unwrap();
            tried += 1;
        }
    }
    println!("{tried} crashes within {} operations", ops.len());
}

fn check(after: &Path, acknowledged: Option<u64>, at: &str) {
    let places = Places::new(after.join("dwell"));
    let opened = Vault::open_or_create(&places);
    assert!(opened.is_ok(), "{at}: {:?}", opened.err());
    let (mut vault, opened) = opened.unwrap();
    let before = acknowledged.is_none();
    assert!(before || !opened.created, "{at}: the vault was gone");
    for note in &opened.notes {
        let running = matches!(note, Note::OpenSpanKept { .. });
        assert!(running || before && *note == Note::UnfinishedCreationCleared, "{at}: {note:?}");
    }
    let history = all(&mut vault);
    assert_eq!(history.damaged, [], "{at}");
    let minute = |span: &dwell_core::span::Span| span.start.boot.as_ms() % 86_400_000 / 60_000;
    let mut rows: Vec<u64> = history.spans.iter().map(|(_, span)| minute(span)).collect();
    rows.sort_unstable();
    let count = rows.len() as u64;
    let (acknowledged, checkpoints) = acknowledged.map_or((0, 0), |said| (said & 0xffff_ffff, said >> 32));
    let last = history.spans.iter().map(|(_, span)| (minute(span), span.length.as_ms())).max();
    if count == acknowledged && checkpoints > 0 {
        assert!(
            last.is_some_and(|(_, length)| length >= checkpoints * 900),
            "{at}: {last:?} of {checkpoints}"
        );
    }
    assert!(rows.iter().copied().eq(0..count), "{at}: {rows:?}");
    assert!(count == acknowledged || count == acknowledged + 1, "{at}: {count} of {acknowledged}");
    vault.append(day(99), &Row::Span(focus(99 * 86_400_000, 900, "editor"))).unwrap();
    vault.close();
    let (mut vault, opened) = Vault::open_or_create(&places).unwrap();
    assert_eq!(opened.notes, [], "{at}: again");
    assert_eq!(all(&mut vault).spans.len() as u64, count + 1, "{at}: again");
}
