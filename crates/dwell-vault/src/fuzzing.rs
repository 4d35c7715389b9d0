//! Everything that reads bytes which somebody else may have written, for `fuzz/` and for the short version of it here.
//!
//! What lies under a seal is reached by sealing the bytes first, and what lies under a checksum by making it right: a
//! thief with K_enf can do both.

use crate::carve::Pages;
use crate::columns;
use crate::header::{COPY, Parsed};
use crate::journal;
use crate::keys::{EnfKeys, Key, VaultKeys, digest};
use crate::manifest::Manifest;
use crate::page;
use crate::record::{self, DayPart, Place};
use crate::recovery_key;
use crate::rollup;
use crate::tally::Tally;
use crate::{backup, spill, wrap};
use dwell_core::calendar::CivilDay;

const VAULT: [u8; 16] = *b"0123456789abcdef";
const PART: DayPart = DayPart { day: CivilDay::from_epoch_days(20_778), part: 0 };
/// The 30 days that it is in.
const BLOCK: u32 = 692;

fn key() -> Option<Key> {
    Key::from_slice(&[7; 32])
}

/// A header file, as it is and with its checksums made right.
pub fn header(bytes: &[u8]) {
    let Some((vk, enf)) = key().zip(key()) else { return };
    let (vault, enf) = (VaultKeys::of(vk, &VAULT, 1), EnfKeys::of(enf, &VAULT));
    let mut right = bytes.to_vec();
    if let Some(copy) = right.first_chunk_mut::<COPY>() {
        let sum = digest(&copy[..12]);
        copy[12..16].copy_from_slice(&sum[..4]);
        let sum = digest(&copy[..COPY - 32]);
        copy[COPY - 32..].copy_from_slice(&sum);
    }
    for bytes in [bytes, &right] {
        if let Ok(parsed) = Parsed::read(bytes) {
            // Nobody has signed it.
            assert!(!parsed.signed_by_vault(&vault) && !parsed.signed_by_enf(&enf));
            let _ = (parsed.digest(), parsed.header.open_enf(&vault));
        }
    }
}

/// A sealed record, and what is in one: a row, a manifest, a tally, the list of backups, a spilled batch.
pub fn record(bytes: &[u8]) {
    let Some(key) = key() else { return };
    let (row, wrapped) = (Place::row(PART, 1), Place::day_key(PART));
    for place in [row, wrapped, Place::page(PART), Place::manifest(1)] {
        assert!(record::open(&key, &VAULT, 1, &place, bytes).is_err(), "nobody has sealed it");
    }
    let _ = (record::stated_epoch(bytes), record::tag(bytes));
    if let Some(vk) = Key::from_slice(&[7; 32]) {
        assert!(wrap::open(&VaultKeys::of(vk, &VAULT, 1), &VAULT, 1, &wrapped, bytes).is_none());
    }
    if let Ok(sealed) = record::seal(&key, &VAULT, 1, &row, bytes) {
        let _ = journal::open(&key, &VAULT, 1, PART, 1, &sealed);
    }
    if let Ok((manifest, lists)) = Manifest::decode_root(bytes) {
        let _ = (manifest.encode_root(&lists), manifest.days());
    }
    let mut manifest = Manifest::default();
    if manifest.decode_list(BLOCK, bytes).is_ok() {
        let _ = (manifest.encode_list(BLOCK), manifest.days());
    }
    let _ = Tally::default().add_encoded(bytes);
    let _ = (backup::decode(bytes), spill::decode(bytes));
}

/// A day's page and a rollup, as they are and with the bytes sealed into them.
pub fn page(bytes: &[u8]) {
    let Some(key) = key() else { return };
    let _ = columns::decode(bytes);
    let mut sealed = vec![0];
    sealed.extend_from_slice(&key.commitment(&VAULT));
    for (place, is_page) in [(Place::page(PART), true), (Place::rollup(PART), false)] {
        let Ok(record) = record::seal(&key, &VAULT, 1, &place, bytes) else { continue };
        for blob in [bytes, &[&sealed[..], &record].concat()] {
            if let Some(stored) = page::Stored::parse(blob).filter(|_| is_page) {
                let _ = (stored.open(&key, &VAULT, 1, PART), stored.digest());
            }
            if let Some(stored) = rollup::Stored::parse(blob).filter(|_| !is_page) {
                let _ = (stored.open(&key, &VAULT, 1, &place), stored.tag());
            }
        }
    }
}

/// A damaged database with its log.
pub fn salvage(bytes: &[u8]) {
    let (db, log) = bytes.split_at(bytes.len() / 4 * 3);
    for log in [&[][..], log] {
        let (mut found, mut held) = (0_usize, 0_usize);
        Pages::of(db, log).cells(|_, blob| (found, held) = (found + 1, held + blob.len()));
        // A page of 64 KiB has no more cells than that, and no cell is longer than what it was carved from.
        assert!(found <= bytes.len() && held <= found * (bytes.len() + 1));
    }
}

/// A recovery key as typed.
pub fn recovery(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(seed) = recovery_key::parse(text)
    {
        let again = recovery_key::parse(&recovery_key::print(&seed));
        assert!(again.is_ok_and(|again| again.is(&seed)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::span;
    use crate::{Places, Row, Vault};
    use std::path::Path;

    /// A target's name, the target, and what it begins with.
    type Seeds = (&'static str, fn(&[u8]), Vec<Vec<u8>>);

    /// Bytes that each target takes for good, or nearly: where fuzzing begins.
    fn seeds() -> Vec<Seeds> {
        let folder = tempfile::tempdir().unwrap();
        let (mut vault, _) = Vault::open_or_create(&Places::new(folder.path())).unwrap();
        let spans: Vec<_> = (0..20).map(|i| span(i * 1000, 900, "editor", Some("example.org"))).collect();
        for span in &spans {
            vault.append(PART.day, &Row::Span(span.clone())).unwrap();
        }
        vault.seal_before(PART.day.plus(1)).unwrap();
        let store = vault.parts().0;
        let root = store.manifest.encode_root(&store.lists).to_vec();
        let list =
            store.manifest.parts.blocks().first().map(|block| store.manifest.encode_list(*block).to_vec());
        vault.append(PART.day, &Row::Span(spans[0].clone())).unwrap();
        let g = folder.path().join("vault/g.1");
        let read = |name: &str| std::fs::read(g.join(name)).unwrap();
        let database = [read("db"), read("db-wal")].concat();
        let tally = Tally::of(&spans, None).encode().to_vec();
        let rows: Vec<_> = spans.iter().map(|span| (PART.day, Row::Span(span.clone()))).collect();
        let (key, wrap) = (key().unwrap(), [1; 66]);
        let (stored, _) = crate::page::seal(&key, &wrap, &VAULT, 1, PART, &spans).unwrap();
        let text = recovery_key::print(&key).as_bytes().to_vec();
        vec![
            ("header", header as fn(&[u8]), vec![read("hdr")]),
            (
                "record",
                record,
                vec![root, list.unwrap_or_default(), tally.clone(), spill::encode(&rows).unwrap().to_vec()],
            ),
            ("page", page, vec![stored, columns::encode(&spans).to_vec(), tally]),
            ("salvage", salvage, vec![database]),
            ("recovery", recovery, vec![text]),
        ]
    }

    /// One of the ways in which a disk or a thief changes bytes.
    fn mutate(bytes: &mut Vec<u8>, chance: &mut impl FnMut(usize) -> usize) {
        let length = bytes.len();
        if length == 0 {
            return bytes.push(1);
        }
        let at = chance(length);
        match chance(7) {
            0 => bytes[at] ^= 1 << chance(8),
            1 => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][chance(5)],
            2 => bytes.truncate(at),
            3 => drop(bytes.drain(at..(at + 1 + chance(9)).min(length))),
            4 => {
                let again = bytes[at..(at + 64).min(length)].to_vec();
                bytes.splice(at..at, again);
            }
            5 => bytes.iter_mut().skip(at).take(8).for_each(|byte| *byte = 0xff),
            _ => bytes.swap(at, length - 1 - at),
        }
    }

    /// The kept corpus and some thousand changes to good bytes. `make fuzz` goes on for as long as one likes.
    #[test]
    fn no_bytes_stop_a_parser() {
        let rounds = if std::env::var_os("DWELL_LONG").is_some() { 200_000 } else { 400 };
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut chance = move |below: usize| {
            // xorshift64
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state % below as u64).unwrap()
        };
        for (name, target, seeds) in seeds() {
            let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(name);
            for file in std::fs::read_dir(&corpus).into_iter().flatten() {
                target(&std::fs::read(file.unwrap().path()).unwrap());
            }
            target(&[]);
            for seed in &seeds {
                target(seed);
                let rounds = if name == "salvage" { rounds / 10 } else { rounds };
                let mut bytes = seed.clone();
                for round in 0..rounds {
                    if round % 5 == 0 {
                        bytes.clone_from(seed);
                    }
                    mutate(&mut bytes, &mut chance);
                    target(&bytes);
                }
            }
        }
    }

    /// What `make fuzz` begins with, so that it need not find the formats by itself: `DWELL_FUZZ_SEEDS` says where.
    #[test]
    fn seeds_for_fuzzing() {
        let Some(folder) = std::env::var_os("DWELL_FUZZ_SEEDS") else { return };
        for (name, _, seeds) in seeds() {
            let folder = Path::new(&folder).join(name);
            std::fs::create_dir_all(&folder).unwrap();
            for (number, seed) in seeds.iter().enumerate() {
                std::fs::write(folder.join(format!("seed-{number}")), seed).unwrap();
            }
        }
    }
}
