//! Blobs out of a damaged SQLite file: every cell of every leaf page, whether or not the tree still leads there.
//!
//! After the file format's documentation, chapters 1.6 (b-tree pages), 1.7 (overflow) and 2.1 (records). Nothing here
//! is trusted: what comes out is candidates, and the keys say which of them are records.

use std::collections::BTreeMap;

use crate::page::PAGE_MAX;

/// A leaf page of a table.
const LEAF: u8 = 13;
/// Bytes of a log's header, and of a frame's.
const LOG_HEAD: usize = 32;
const FRAME_HEAD: usize = 24;

/// A database's pages, those in its log on top.
pub(crate) struct Pages<'a> {
    size: usize,
    pages: BTreeMap<u32, &'a [u8]>,
}

impl<'a> Pages<'a> {
    pub(crate) fn of(db: &'a [u8], log: &'a [u8]) -> Self {
        let stated = db.get(16..18).map_or(0, |b| usize::from(u16::from_be_bytes([b[0], b[1]])));
        // All vaults have pages of 2 KiB; another number is honest or damage, and must be a page size at least.
        let size = if stated.is_power_of_two() && stated >= 512 { stated } else { 2048 };
        let mut pages: BTreeMap<u32, &[u8]> = (1_u32..).zip(db.chunks_exact(size)).collect();
        let salt = log.get(16..24);
        for frame in log.get(LOG_HEAD..).unwrap_or(&[]).chunks_exact(FRAME_HEAD + size) {
            let number = u32::from_be_bytes([frame[0], frame[1], frame[2], frame[3]]);
            // Frames of an earlier round of the log have another salt.
            if number > 0 && frame.get(8..16) == salt {
                pages.insert(number, &frame[FRAME_HEAD..]);
            }
        }
        Self { size, pages }
    }

    /// Gives each `(row id, blob)` that a leaf page holds to `each`.
    pub(crate) fn cells(&self, mut each: impl FnMut(i64, Vec<u8>)) {
        for (number, page) in &self.pages {
            let at = if *number == 1 { 100 } else { 0 };
            if page.get(at) != Some(&LEAF) {
                continue;
            }
            let count = be16(page, at + 3).unwrap_or(0);
            for i in 0..usize::from(count) {
                let cell = be16(page, at + 8 + 2 * i).and_then(|from| page.get(usize::from(from)..));
                if let Some((id, blob)) = cell.and_then(|cell| self.cell(cell)) {
                    each(id, blob);
                }
            }
        }
    }

    fn cell(&self, cell: &[u8]) -> Option<(i64, Vec<u8>)> {
        let mut rest = cell;
        let length = usize::try_from(varint(&mut rest)?).ok().filter(|n| *n <= PAGE_MAX + 64)?;
        let id = varint(&mut rest)?.cast_signed();
        let payload = self.payload(rest, length)?;
        // `header length, NULL for the row id, the blob's type`, then the blob.
        let mut header = &payload[..];
        let head = usize::try_from(varint(&mut header)?).ok()?;
        let (first, second) = (varint(&mut header)?, varint(&mut header)?);
        if first != 0 || second < 12 || second % 2 != 0 {
            return None;
        }
        let blob = usize::try_from((second - 12) / 2).ok()?;
        payload.get(head..head.checked_add(blob)?).map(|blob| (id, blob.to_vec()))
    }

    /// A cell's bytes, along its overflow pages.
    fn payload(&self, local: &[u8], length: usize) -> Option<Vec<u8>> {
        let usable = self.size;
        let most = usable - 35;
        if length <= most {
            return local.get(..length).map(<[u8]>::to_vec);
        }
        let least = (usable - 12) * 32 / 255 - 23;
        let fitting = least + (length - least) % (usable - 4);
        let here = if fitting <= most { fitting } else { least };
        let mut bytes = Vec::with_capacity(length);
        bytes.extend_from_slice(local.get(..here)?);
        let mut next = be32(local, here)?;
        while bytes.len() < length {
            // Ends: each round adds bytes, and a page that is not there ends it.
            let page = self.pages.get(&next)?;
            let more = (length - bytes.len()).min(usable - 4);
            bytes.extend_from_slice(page.get(4..4 + more)?);
            next = be32(page, 0)?;
        }
        Some(bytes)
    }
}

fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|b| u16::from_be_bytes(*b))
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|b| u32::from_be_bytes(*b))
}

/// SQLite's varint: big-endian, seven bits a byte, eight in the ninth.
fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for i in 0..9 {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        if i == 8 {
            return Some(value << 8 | u64::from(*byte));
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_cell_of_a_sound_file_is_found_however_long() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        let db = rusqlite::Connection::open(&path).unwrap();
        db.execute_batch(
            "PRAGMA page_size = 2048; CREATE TABLE t(id INTEGER PRIMARY KEY, b BLOB NOT NULL) STRICT",
        )
        .unwrap();
        let mut truth = BTreeMap::new();
        for (i, length) in [0, 1, 144, 2007, 2008, 2009, 2010, 2013, 2014, 2022, 8200, 16_483, 100_000]
            .into_iter()
            .enumerate()
        {
            let blob: Vec<u8> = (0..length).map(|n| (n * 7 + i) as u8).collect();
            let id = i64::MAX - 1000 * i as i64;
            db.execute("INSERT INTO t VALUES (?1, ?2)", rusqlite::params![id, blob]).unwrap();
            truth.insert(id, blob);
        }
        drop(db);
        let bytes = std::fs::read(&path).unwrap();
        let mut found = BTreeMap::new();
        Pages::of(&bytes, &[]).cells(|id, blob| drop(found.insert(id, blob)));
        assert_eq!(found, truth);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..9000)) {
            Pages::of(&bytes, &bytes).cells(|_, _| {});
            for at in [0, 2048] {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = LEAF;
                }
            }
            Pages::of(&bytes, &[]).cells(|_, _| {});
        }
    }
}
