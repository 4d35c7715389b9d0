//! Secret keys and what is derived from them.
//!
//! Two roots: the vault key VK (in the slots; opens history) and the enforcement key K_enf (always at hand; opens
//! what the daemon must know while the vault is sealed: index, manifest, tip, rules). Everything else comes from
//! them by HKDF-SHA256 (RFC 5869) with salt `"dwell/v1" ‖ vault_id` and info `label ‖ n` (n: u32, little-endian).

use std::fmt;
use std::sync::Arc;

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::memory::Page;
use crate::record::Place;

/// The system gives no random numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoRandom;

/// Fresh random bytes from getrandom(2).
pub(crate) fn random<const N: usize>() -> Result<[u8; N], NoRandom> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| NoRandom)?;
    Ok(bytes)
}

/// The plain SHA-256 of some bytes.
pub(crate) fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// 256 secret bits. Neither `Clone` nor comparable, prints as redacted, wiped when dropped.
pub(crate) struct Key(Held);

/// Where a key is. Boxed either way, so that moving one leaves no copy behind on the stack.
enum Held {
    /// One that is used and dropped.
    Heap(Box<Zeroizing<[u8; 32]>>),
    /// One that stays as long as the vault is open.
    Page(Page),
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(‹redacted›)")
    }
}

impl Key {
    pub(crate) fn random() -> Result<Self, NoRandom> {
        let mut key = Box::new(Zeroizing::new([0; 32]));
        getrandom::fill(key.as_mut_slice()).map_err(|_| NoRandom)?;
        Ok(Self(Held::Heap(key)))
    }

    /// A key from exactly 32 bytes.
    pub(crate) fn from_slice(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != 32 {
            return None;
        }
        let mut key = Box::new(Zeroizing::new([0; 32]));
        key.copy_from_slice(bytes);
        Some(Self(Held::Heap(key)))
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        match &self.0 {
            Held::Heap(bytes) => bytes,
            Held::Page(page) => page.bytes(),
        }
    }

    /// Moves it to a page of its own that is not swapped out, as far as the system allows.
    pub(crate) fn held(self) -> Self {
        match self.0 {
            Held::Heap(bytes) => Self(Held::Page(Page::of(&bytes))),
            Held::Page(page) => Self(Held::Page(page)),
        }
    }

    /// Whether it is kept from being swapped out.
    pub(crate) const fn is_locked(&self) -> bool {
        matches!(&self.0, Held::Page(page) if page.is_locked())
    }

    /// Whether it is this key; takes the same time for every answer.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.bytes().ct_eq(other.bytes()).into()
    }

    /// The same key once more.
    // Not `Clone`: a copy of a secret is to be seen where it is made.
    pub(crate) fn again(&self) -> Self {
        let mut key = Box::new(Zeroizing::new([0; 32]));
        key.copy_from_slice(self.bytes());
        Self(Held::Heap(key))
    }

    /// The key for one purpose.
    pub(crate) fn derive(&self, vault_id: &[u8; 16], label: &str, n: u32) -> Self {
        let mut salt = [0; 24];
        salt[..8].copy_from_slice(b"dwell/v1");
        salt[8..].copy_from_slice(vault_id);
        let mut key = Box::new(Zeroizing::new([0; 32]));
        // Fails only for more than 255 · 32 bytes, and this asks for 32.
        let _ = Hkdf::<Sha256>::new(Some(&salt), self.bytes())
            .expand_multi_info(&[label.as_bytes(), &n.to_le_bytes()], key.as_mut_slice());
        Self(Held::Heap(key))
    }

    /// A public value that only this key gives. GCM alone would let a record open under two keys.
    pub(crate) fn commitment(&self, vault_id: &[u8; 16]) -> [u8; 32] {
        *self.derive(vault_id, "commit", 0).bytes()
    }

    /// Whether `claimed` is this key's commitment; takes the same time for every answer.
    pub(crate) fn commits_to(&self, vault_id: &[u8; 16], claimed: &[u8; 32]) -> bool {
        self.commitment(vault_id).ct_eq(claimed).into()
    }

    /// HMAC-SHA256 of `bytes`.
    pub(crate) fn mac(&self, bytes: &[u8]) -> [u8; 32] {
        self.mac_of(bytes).finalize().into_bytes().into()
    }

    /// Whether `mac` is this key's MAC of `bytes`; takes the same time for every answer.
    pub(crate) fn verifies(&self, bytes: &[u8], mac: &[u8; 32]) -> bool {
        self.mac_of(bytes).verify_slice(mac).is_ok()
    }

    fn mac_of(&self, bytes: &[u8]) -> Hmac<Sha256> {
        // HMAC pads a key with zeros to its hash's block, 64 bytes; doing it here leaves nothing that could fail.
        let mut block = Zeroizing::new([0; 64]);
        block[..32].copy_from_slice(self.bytes());
        let mut mac = <Hmac<Sha256> as KeyInit>::new((&*block).into());
        mac.update(bytes);
        mac
    }
}

/// VK, and what it gives.
#[derive(Debug)]
pub(crate) struct VaultKeys {
    /// VK itself: what a new slot gets.
    pub(crate) root: Key,
    /// K_wrap: wraps day keys while the vault is open.
    pub(crate) wrap: Key,
    /// K_hdr: signs the header.
    pub(crate) header: Key,
    /// The seed of the vault's own HPKE key pair.
    pub(crate) seed: Key,
}

impl VaultKeys {
    pub(crate) fn of(vk: Key, vault_id: &[u8; 16], epoch: u32) -> Self {
        Self {
            wrap: vk.derive(vault_id, "wrap", epoch).held(),
            header: vk.derive(vault_id, "header", epoch).held(),
            seed: vk.derive(vault_id, "hpke", epoch).held(),
            root: vk.held(),
        }
    }

    /// Whether none of them can be swapped out.
    pub(crate) fn are_locked(&self) -> bool {
        [&self.root, &self.wrap, &self.header, &self.seed].into_iter().all(Key::is_locked)
    }
}

/// K_index: makes the database's row ids say nothing.
#[derive(Debug)]
pub(crate) struct Index(Key);

impl Index {
    /// The row id of a record: 63 bits that say nothing without K_index.
    pub(crate) fn blind(&self, place: &Place) -> i64 {
        let mut name = [0; 7];
        name[0] = place.kind.code();
        name[1..5].copy_from_slice(&place.period.to_le_bytes());
        name[5..].copy_from_slice(&place.part.to_le_bytes());
        let [a, b, c, d, e, f, g, h, ..] = self.0.mac(&name);
        i64::from_le_bytes([a, b, c, d, e, f, g, h]) & i64::MAX
    }
}

/// Seals under one step's key before the next step is taken: far below the 2^32 that random nonces allow.
const SEALS_A_STEP: u32 = 1 << 23;

/// What K_enf gives.
///
/// Records under K_enf (tip, manifest, enforcement) are rewritten for as long as dwell runs, so their keys go in
/// *steps*: each opening of the vault takes the next one, and so does every 2^23rd seal. The step stands in the
/// record's epoch field.
#[derive(Debug)]
pub(crate) struct EnfKeys {
    root: Key,
    /// Shared with those who only read.
    pub(crate) index: Arc<Index>,
    /// Signs the header for a daemon that has no VK.
    pub(crate) header: Key,
    step: u32,
    seals: u32,
}

impl EnfKeys {
    pub(crate) fn of(root: Key, vault_id: &[u8; 16]) -> Self {
        let (index, header) = (root.derive(vault_id, "index", 0), root.derive(vault_id, "header", 0));
        let (root, index) = (root.held(), Arc::new(Index(index.held())));
        Self { root, index, header: header.held(), step: 0, seals: 0 }
    }

    /// Whether none of them can be swapped out.
    pub(crate) fn are_locked(&self) -> bool {
        [&self.root, &self.index.0, &self.header].into_iter().all(Key::is_locked)
    }

    /// The same keys once more, for a second opening of the same files; steps already taken stay taken.
    pub(crate) fn again(&self, vault_id: &[u8; 16]) -> Self {
        let mut keys = Self::of(self.root.again(), vault_id);
        keys.after(self.step);
        keys
    }

    /// Makes sure that coming seals use a step later than one that was found on the disk.
    pub(crate) fn after(&mut self, step: u32) {
        self.step = self.step.max(step.saturating_add(1));
    }

    /// The step and key to seal a record of this kind with.
    pub(crate) fn sealing_key(&mut self, vault_id: &[u8; 16], place: &Place) -> (u32, Key) {
        let step = self.sealing_step();
        (step, self.opening_key(vault_id, place, step))
    }

    /// The step to seal one record with, for those who keep its key.
    pub(crate) const fn sealing_step(&mut self) -> u32 {
        self.seals += 1;
        if self.seals == SEALS_A_STEP {
            self.seals = 0;
            self.step = self.step.saturating_add(1);
        }
        self.step
    }

    /// The key that a record of this kind was sealed with at a step.
    pub(crate) fn opening_key(&self, vault_id: &[u8; 16], place: &Place, step: u32) -> Key {
        self.root.derive(vault_id, place.kind.label(), step)
    }

    /// K_enf itself, for another place to keep it.
    pub(crate) const fn root(&self) -> &Key {
        &self.root
    }

    /// See [`Index::blind`].
    pub(crate) fn blind(&self, place: &Place) -> i64 {
        self.index.blind(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VAULT: [u8; 16] = *b"0123456789abcdef";

    #[test]
    fn no_key_shows_its_bytes() {
        let key = Key::from_slice(&[0xab; 32]).unwrap();
        let vault = VaultKeys::of(Key::from_slice(&[0xab; 32]).unwrap(), &VAULT, 1);
        let enf = EnfKeys::of(Key::from_slice(&[0xab; 32]).unwrap(), &VAULT);
        let shown = format!("{key:?} {vault:?} {enf:?}");
        assert!(shown.contains("‹redacted›"));
        assert!(!shown.contains("171") && !shown.to_lowercase().contains("ab, ab"), "{shown}");
    }

    #[test]
    fn purposes_epochs_and_vaults_have_keys_of_their_own() {
        let key = Key::from_slice(&[7; 32]).unwrap();
        let mut seen = std::collections::BTreeSet::new();
        for vault in [VAULT, [1; 16]] {
            for label in ["wrap", "header", "hpke", "index", "commit"] {
                for n in [0, 1] {
                    assert!(seen.insert(*key.derive(&vault, label, n).bytes()));
                }
            }
        }
    }

    #[test]
    fn a_commitment_fits_one_key() {
        let (one, two) = (Key::from_slice(&[1; 32]).unwrap(), Key::from_slice(&[2; 32]).unwrap());
        assert!(one.commits_to(&VAULT, &one.commitment(&VAULT)));
        assert!(!two.commits_to(&VAULT, &one.commitment(&VAULT)));
    }

    /// RFC 4231, test case 2, stretched to our 32-byte keys by zeros, as HMAC itself does.
    #[test]
    fn hmac_known_answer() {
        let mut key = [0; 32];
        key[..4].copy_from_slice(b"Jefe");
        let mac = Key::from_slice(&key).unwrap().mac(b"what do ya want for nothing?");
        assert_eq!(mac[..8], [0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e]);
    }

    #[test]
    fn steps_move_on() {
        let place = Place::manifest(1);
        let mut keys = EnfKeys::of(Key::from_slice(&[3; 32]).unwrap(), &VAULT);
        keys.after(4);
        assert_eq!(keys.sealing_key(&VAULT, &place).0, 5);
        keys.seals = SEALS_A_STEP - 1;
        assert_eq!(keys.sealing_key(&VAULT, &place).0, 6);
        keys.after(2);
        assert_eq!(keys.sealing_key(&VAULT, &place).0, 6);
    }
}
