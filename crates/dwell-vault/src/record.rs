//! The sealed record: `01 | kind u8 | epoch u32 | nonce[12] | ciphertext | tag[16]`, little-endian, AES-256-GCM.
//!
//! A record's place (what it is, of which day and part, which row) is not stored in it but authenticated with it,
//! so a record that is moved, swapped or copied to another place or vault does not open there.

use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit};
use dwell_core::calendar::CivilDay;
use zeroize::Zeroizing;

use crate::error::WriteError;
use crate::keys::{Key, NoRandom, random};
use crate::wire::Wire;

/// The first byte of every sealed record.
pub(crate) const VERSION: u8 = 1;
/// Bytes that sealing adds.
pub(crate) const OVERHEAD: usize = 1 + 1 + 4 + 12 + 16;
/// The longest sealed record.
pub(crate) const RECORD_MAX: usize = 16 << 20;
/// The form of what is inside the records of this format.
const SCHEMA: u16 = 1;
const AAD: usize = 8 + 1 + 1 + 16 + 4 + 2 + 4 + 2 + 8;

/// What a record is. The codes are part of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Slot,
    EnfKey,
    DayKey,
    /// The key of a rollup, of a day, of 30 or of 360.
    RollupKey,
    Row,
    Page,
    /// The totals of a part of a day.
    Rollup,
    /// The totals of 30 or of 360 days.
    Block,
    Tip,
    /// The running span's latest checkpoint.
    Running,
    Manifest,
    Enforcement,
    /// Rows that came before K_enf was there.
    Spill,
    /// The list of known backups.
    Backups,
    /// What 30 days came to in reports of one kind.
    Sum,
}

impl Kind {
    /// Every kind, for tests: to be kept in step with the codes below.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 15] = [
        Self::Slot,
        Self::EnfKey,
        Self::DayKey,
        Self::RollupKey,
        Self::Row,
        Self::Page,
        Self::Rollup,
        Self::Block,
        Self::Tip,
        Self::Manifest,
        Self::Enforcement,
        Self::Spill,
        Self::Backups,
        Self::Running,
        Self::Sum,
    ];

    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Slot => 1,
            Self::EnfKey => 2,
            Self::DayKey => 3,
            Self::RollupKey => 4,
            Self::Row => 5,
            Self::Page => 6,
            Self::Rollup => 7,
            Self::Block => 8,
            Self::Tip => 9,
            Self::Running => 14,
            Self::Manifest => 10,
            Self::Enforcement => 11,
            Self::Spill => 12,
            Self::Backups => 13,
            Self::Sum => 15,
        }
    }

    /// The label of keys that are derived for this kind.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Slot => "slot",
            Self::EnfKey => "enf-key",
            Self::DayKey => "day-key",
            Self::RollupKey => "rollup-key",
            Self::Row => "row",
            Self::Page => "page",
            Self::Rollup => "rollup",
            Self::Block => "block",
            Self::Tip => "tip",
            Self::Running => "running",
            Self::Manifest => "manifest",
            Self::Enforcement => "enforcement",
            Self::Spill => "spill",
            Self::Backups => "backups",
            Self::Sum => "sum",
        }
    }
}

/// Where a record belongs. The constructors are the table that fixes period, part and seq for each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) kind: Kind,
    /// Days since 1970-01-01 for what belongs to a day, that by 30 for what belongs to a block of days (one more for
    /// the manifest's list of it), or by 360 for that many, else 0.
    pub(crate) period: u32,
    /// Which of the day's parts; for a slot, its number; for the totals of 360 days 1; for a sum, which
    /// of its block's; else 0.
    pub(crate) part: u16,
    /// The row's number for a row, the batch's for a spill, the generation for what belongs to one, else 0.
    pub(crate) seq: u64,
}

impl Place {
    pub(crate) fn slot(number: u8) -> Self {
        Self { kind: Kind::Slot, period: 0, part: u16::from(number), seq: 0 }
    }

    pub(crate) const fn enf_key() -> Self {
        Self { kind: Kind::EnfKey, period: 0, part: 0, seq: 0 }
    }

    pub(crate) fn day_key(part: DayPart) -> Self {
        Self { kind: Kind::DayKey, period: part.period(), part: part.part, seq: 0 }
    }

    pub(crate) fn row(part: DayPart, seq: u64) -> Self {
        Self { kind: Kind::Row, period: part.period(), part: part.part, seq }
    }

    pub(crate) fn page(part: DayPart) -> Self {
        Self { kind: Kind::Page, period: part.period(), part: part.part, seq: 0 }
    }

    pub(crate) fn rollup_key(part: DayPart) -> Self {
        Self { kind: Kind::RollupKey, period: part.period(), part: part.part, seq: 0 }
    }

    pub(crate) fn rollup(part: DayPart) -> Self {
        Self { kind: Kind::Rollup, period: part.period(), part: part.part, seq: 0 }
    }

    /// The key of 30 days' totals. Part 65,535 is no part of a day, so none has this place.
    pub(crate) const fn block_key(block: u32) -> Self {
        Self { kind: Kind::RollupKey, period: block, part: u16::MAX, seq: 1 }
    }

    pub(crate) const fn block(block: u32) -> Self {
        Self { kind: Kind::Block, period: block, part: 0, seq: 0 }
    }

    pub(crate) const fn spill(batch: u64) -> Self {
        Self { kind: Kind::Spill, period: 0, part: 0, seq: batch }
    }

    /// The key of 360 days' totals.
    pub(crate) const fn year_key(year: u32) -> Self {
        Self { kind: Kind::RollupKey, period: year, part: u16::MAX, seq: 2 }
    }

    pub(crate) const fn year(year: u32) -> Self {
        Self { kind: Kind::Block, period: year, part: 1, seq: 0 }
    }

    pub(crate) const fn sum(block: u32, number: u16) -> Self {
        Self { kind: Kind::Sum, period: block, part: number, seq: 0 }
    }

    pub(crate) const fn backups(generation: u64) -> Self {
        Self { kind: Kind::Backups, period: 0, part: 0, seq: generation }
    }

    pub(crate) const fn tip(generation: u64) -> Self {
        Self { kind: Kind::Tip, period: 0, part: 0, seq: generation }
    }

    pub(crate) const fn running(generation: u64) -> Self {
        Self { kind: Kind::Running, period: 0, part: 0, seq: generation }
    }

    pub(crate) const fn manifest(generation: u64) -> Self {
        Self { kind: Kind::Manifest, period: 0, part: 0, seq: generation }
    }

    /// The manifest's list of a block of 30 days.
    pub(crate) const fn list(generation: u64, block: u32) -> Self {
        Self { kind: Kind::Manifest, period: block.saturating_add(1), part: 0, seq: generation }
    }

    pub(crate) const fn enforcement(generation: u64) -> Self {
        Self { kind: Kind::Enforcement, period: 0, part: 0, seq: generation }
    }

    /// `"dwell/v1" | version u8 | kind u8 | vault_id[16] | epoch u32 | schema u16 | period u32 | part u16 | seq u64`
    pub(crate) fn aad(&self, vault_id: &[u8; 16], epoch: u32) -> [u8; AAD] {
        let mut aad = [0; AAD];
        aad[..8].copy_from_slice(b"dwell/v1");
        aad[8] = VERSION;
        aad[9] = self.kind.code();
        aad[10..26].copy_from_slice(vault_id);
        aad[26..30].copy_from_slice(&epoch.to_le_bytes());
        aad[30..32].copy_from_slice(&SCHEMA.to_le_bytes());
        aad[32..36].copy_from_slice(&self.period.to_le_bytes());
        aad[36..38].copy_from_slice(&self.part.to_le_bytes());
        aad[38..].copy_from_slice(&self.seq.to_le_bytes());
        aad
    }
}

/// One part of one day: what has a journal, then a page, under one day key.
///
/// A day has one part unless rows come after its page was sealed, or its journal was found damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DayPart {
    pub(crate) day: CivilDay,
    pub(crate) part: u16,
}

impl DayPart {
    /// Days since 1970-01-01.
    pub(crate) fn period(self) -> u32 {
        // CivilDay starts at 0.
        u32::try_from(self.day.epoch_days()).unwrap_or(0)
    }

    /// The part that a period and part number name, if a [`CivilDay`] can be that day.
    pub(crate) fn of(period: u32, part: u16) -> Option<Self> {
        let days = i32::try_from(period).ok()?;
        let day = CivilDay::from_epoch_days(days);
        (day.epoch_days() == days).then_some(Self { day, part })
    }
}

/// A record does not open: damaged, of another place, or under another key. GCM cannot tell which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unsealed;

/// Why sealing failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SealError {
    Random,
    TooLong { bytes: usize },
}

impl From<NoRandom> for SealError {
    fn from(NoRandom: NoRandom) -> Self {
        Self::Random
    }
}

impl From<SealError> for WriteError {
    fn from(error: SealError) -> Self {
        match error {
            SealError::Random => Self::Random,
            SealError::TooLong { bytes } => Self::TooLong { bytes },
        }
    }
}

/// Seals `plain` for a place, under a fresh random nonce.
pub(crate) fn seal(
    key: &Key,
    vault_id: &[u8; 16],
    epoch: u32,
    place: &Place,
    plain: &[u8],
) -> Result<Vec<u8>, SealError> {
    // Random, never counted: a restored copy of the vault would count the same numbers again.
    seal_with(random()?, key, vault_id, epoch, place, plain)
}

fn seal_with(
    nonce: [u8; 12],
    key: &Key,
    vault_id: &[u8; 16],
    epoch: u32,
    place: &Place,
    plain: &[u8],
) -> Result<Vec<u8>, SealError> {
    let too_long = SealError::TooLong { bytes: plain.len() };
    if plain.len() > RECORD_MAX - OVERHEAD {
        return Err(too_long);
    }
    let mut out = Vec::with_capacity(plain.len() + OVERHEAD);
    out.push(VERSION);
    out.push(place.kind.code());
    out.extend_from_slice(&epoch.to_le_bytes());
    out.extend_from_slice(&nonce);
    let body = out.len();
    out.extend_from_slice(plain);
    let tag = cipher(key)
        .encrypt_inout_detached(&nonce.into(), &place.aad(vault_id, epoch), (&mut out[body..]).into())
        .map_err(|_| too_long)?;
    out.extend_from_slice(&tag);
    Ok(out)
}

/// Opens the record of a place.
pub(crate) fn open(
    key: &Key,
    vault_id: &[u8; 16],
    epoch: u32,
    place: &Place,
    record: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Unsealed> {
    if record.len() > RECORD_MAX {
        return Err(Unsealed);
    }
    let mut wire = Wire::new(record);
    let mut parse = || {
        let head = (wire.u8()?, wire.u8()?, wire.u32()?);
        let nonce = wire.array::<12>()?;
        let body = wire.take(wire.left().checked_sub(16).ok_or(crate::wire::Short)?)?;
        Ok::<_, crate::wire::Short>((head, nonce, body, wire.array::<16>()?))
    };
    let (head, nonce, body, tag) = parse().map_err(|_| Unsealed)?;
    if head != (VERSION, place.kind.code(), epoch) {
        return Err(Unsealed);
    }
    let mut plain = Zeroizing::new(body.to_vec());
    cipher(key)
        .decrypt_inout_detached(
            &nonce.into(),
            &place.aad(vault_id, epoch),
            plain.as_mut_slice().into(),
            &tag.into(),
        )
        .map_err(|_| Unsealed)?;
    Ok(plain)
}

/// The epoch that a record states; for records under K_enf, the key step. Not authenticated until it is opened.
pub(crate) fn stated_epoch(record: &[u8]) -> Option<u32> {
    Wire::new(record.get(2..)?).u32().ok()
}

/// The last 16 bytes of a record: what the next journal row is chained to.
pub(crate) fn tag(record: &[u8]) -> [u8; 16] {
    record.last_chunk().copied().unwrap_or_default()
}

fn cipher(key: &Key) -> Aes256Gcm {
    Aes256Gcm::new(key.bytes().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const VAULT: [u8; 16] = *b"0123456789abcdef";

    fn key(byte: u8) -> Key {
        Key::from_slice(&[byte; 32]).unwrap()
    }
    fn part(day: i32, part: u16) -> DayPart {
        DayPart { day: CivilDay::from_epoch_days(day), part }
    }
    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    /// The GCM specification's (McGrew and Viega) test case 16: AES-256, 12-byte IV, with AAD.
    #[test]
    fn aes_gcm_known_answer() {
        fn un(text: &str) -> Vec<u8> {
            (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
        }
        let key = un("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
        let nonce: [u8; 12] = un("cafebabefacedbaddecaf888").try_into().unwrap();
        let mut text = un("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72\
                           1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39");
        let aad = un("feedfacedeadbeeffeedfacedeadbeefabaddad2");
        let tag = cipher(&Key::from_slice(&key).unwrap())
            .encrypt_inout_detached(&nonce.into(), &aad, text.as_mut_slice().into())
            .unwrap();
        assert_eq!(
            hex(&text),
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa\
             8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
        );
        assert_eq!(hex(&tag), "76fc6ece0f4e1768cddf8853bb2d551b");
    }

    #[test]
    fn the_bytes_of_a_record_are_pinned() {
        let place = Place::row(part(20_778, 1), 7);
        let record = seal_with([9; 12], &key(1), &VAULT, 3, &place, b"golden").unwrap();
        assert_eq!(
            hex(&place.aad(&VAULT, 3)),
            "6477656c6c2f76310105303132333435363738396162636465660300000001002a51000001000700000000000000"
        );
        assert_eq!(
            hex(&record),
            "010503000000090909090909090909090909a3604baaab5eb93a9c9afbac115002947a5e758ad543"
        );
    }

    #[test]
    fn a_record_opens_at_its_place_alone() {
        let places = [
            Place::row(part(5, 0), 1),
            Place::row(part(5, 0), 2),
            Place::row(part(5, 1), 1),
            Place::row(part(6, 0), 1),
            Place::page(part(5, 0)),
            Place::day_key(part(5, 0)),
            Place::slot(0),
            Place::enf_key(),
            Place::tip(1),
            Place::running(1),
            Place::manifest(1),
            Place::manifest(2),
            Place::block(5),
            Place::year(5),
            Place::block_key(5),
            Place::year_key(5),
            Place::list(1, 0),
            Place::list(1, 5),
            Place::list(2, 5),
            Place::enforcement(1),
            Place::spill(1),
        ];
        for (i, at) in places.iter().enumerate() {
            let mut record = seal(&key(1), &VAULT, 1, at, b"x").unwrap();
            for (j, from) in places.iter().enumerate() {
                // The kind stands in the clear as well: a thief would change that along with the place.
                record[1] = from.kind.code();
                assert_eq!(open(&key(1), &VAULT, 1, from, &record).is_ok(), i == j, "{at:?} at {from:?}");
            }
            record[1] = at.kind.code();
            assert!(open(&key(2), &VAULT, 1, at, &record).is_err());
            assert!(open(&key(1), &[0; 16], 1, at, &record).is_err());
            record[2] = 2;
            assert!(open(&key(1), &VAULT, 2, at, &record).is_err());
        }
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let place = Place::page(part(5, 0));
        let record = seal(&key(1), &VAULT, 1, &place, b"twelve bytes").unwrap();
        assert_eq!(record.len(), 12 + OVERHEAD);
        for bit in 0..record.len() * 8 {
            let mut bad = record.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(open(&key(1), &VAULT, 1, &place, &bad).is_err());
        }
        for length in 0..record.len() {
            assert!(open(&key(1), &VAULT, 1, &place, &record[..length]).is_err());
        }
    }

    /// A million with `DWELL_LONG=1`. A repeated nonce under one key would give both plaintexts away.
    #[test]
    fn no_nonce_comes_twice() {
        let count = if std::env::var_os("DWELL_LONG").is_some() { 1_000_000 } else { 100_000 };
        let (key, place) = (key(1), Place::page(part(5, 0)));
        let mut seen = std::collections::HashSet::with_capacity(count);
        for _ in 0..count {
            let record = seal(&key, &VAULT, 1, &place, b"").unwrap();
            assert!(seen.insert(<[u8; 12]>::try_from(&record[6..18]).unwrap()));
        }
    }

    #[test]
    fn more_than_16_mib_is_neither_sealed_nor_opened() {
        let place = Place::enforcement(1);
        let bytes = RECORD_MAX - OVERHEAD + 1;
        let sealed = seal(&key(1), &VAULT, 1, &place, &vec![0; bytes]);
        assert_eq!(sealed, Err(SealError::TooLong { bytes }));
        assert_eq!(open(&key(1), &VAULT, 1, &place, &vec![1; RECORD_MAX + 1]), Err(Unsealed));
    }
}
