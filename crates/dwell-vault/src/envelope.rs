//! HPKE (RFC 9180), base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM: sealing to a public key, so
//! that whoever writes a day needs no secret.
//!
//! It authenticates nobody: whoever knows the public key can seal to it.

use std::convert::Infallible;

use hpke::aead::AesGcm256;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::rand_core::{TryCryptoRng, TryRng};
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use zeroize::{Zeroize, Zeroizing};

use crate::keys::{Key, NoRandom, random};

type Dh = X25519HkdfSha256;

/// The cipher suite's code in header, slots and info. X-Wing, when it comes, is another.
pub(crate) const SUITE: u8 = 1;
/// An X25519 public key, or the sender's share of the exchange.
pub(crate) const SHARE: usize = 32;
/// A sealed 32-byte key: share, ciphertext, tag.
pub(crate) const SEALED_KEY: usize = SHARE + 32 + 16;

/// `suite | vault_id[16] | epoch u32`: what every exchange is bound to.
pub(crate) fn info(vault_id: &[u8; 16], epoch: u32) -> [u8; 21] {
    let mut info = [0; 21];
    info[0] = SUITE;
    info[1..17].copy_from_slice(vault_id);
    info[17..].copy_from_slice(&epoch.to_le_bytes());
    info
}

/// The public key of the key pair that `seed` gives (RFC 9180, 7.1.3).
pub(crate) fn public_key(seed: &Key) -> [u8; SHARE] {
    Dh::derive_keypair(seed.bytes()).1.to_bytes().into()
}

/// Seals a key to a public key.
pub(crate) fn seal(
    to: &[u8; SHARE],
    info: &[u8],
    aad: &[u8],
    key: &Key,
) -> Result<[u8; SEALED_KEY], NoRandom> {
    seal_with(Drawn::new()?, to, info, aad, key.bytes())
        .and_then(|sealed| sealed.try_into().map_err(|_| NoRandom))
}

fn seal_with(
    mut drawn: Drawn,
    to: &[u8; SHARE],
    info: &[u8],
    aad: &[u8],
    plain: &[u8],
) -> Result<Vec<u8>, NoRandom> {
    // Fails only for a public key of small order, which no honest header holds and whose MAC would have failed.
    let to = <Dh as Kem>::PublicKey::from_bytes(to).map_err(|_| NoRandom)?;
    let (share, sealed) = hpke::single_shot_seal_with_rng::<AesGcm256, HkdfSha256, Dh>(
        &OpModeS::Base,
        &to,
        info,
        plain,
        aad,
        &mut drawn,
    )
    .map_err(|_| NoRandom)?;
    let mut out = share.to_bytes().to_vec();
    out.extend_from_slice(&sealed);
    Ok(out)
}

/// Opens a key that was sealed to the public key of `seed`.
pub(crate) fn open(seed: &Key, info: &[u8], aad: &[u8], sealed: &[u8; SEALED_KEY]) -> Option<Key> {
    let (secret, _) = Dh::derive_keypair(seed.bytes());
    let share = <Dh as Kem>::EncappedKey::from_bytes(&sealed[..SHARE]).ok()?;
    let plain = hpke::single_shot_open::<AesGcm256, HkdfSha256, Dh>(
        &OpModeR::Base,
        &secret,
        &share,
        info,
        &sealed[SHARE..],
        aad,
    )
    .map(Zeroizing::new)
    .ok()?;
    Key::from_slice(&plain)
}

/// 32 random bytes, drawn before they are needed: the crate's own generator would panic where the system gives none.
struct Drawn([u8; 32]);

impl Drawn {
    fn new() -> Result<Self, NoRandom> {
        random().map(Self)
    }
}

impl Drop for Drawn {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Gives its bytes to the one `fill` of 32 bytes that making an X25519 key pair does.
impl TryRng for Drawn {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes).map(|()| u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes).map(|()| u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for (to, from) in out.iter_mut().zip(self.0) {
            *to = from;
        }
        Ok(())
    }
}

impl TryCryptoRng for Drawn {}

#[cfg(test)]
mod tests {
    use super::*;

    fn un<const N: usize>(text: &str) -> [u8; N] {
        let bytes: Vec<u8> =
            (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect();
        bytes.try_into().unwrap()
    }

    /// The inputs of RFC 9180, A.1.1. The RFC prints this suite with AES-128 only, so key pairs and share are the
    /// RFC's, and the ciphertext comes from an independent implementation that gives the RFC's with AES-128.
    #[test]
    fn hpke_known_answer() {
        let sender = un("7268600d403fce431561aef583ee1613527cff655c1343f29812e66706df3234");
        let seed: [u8; 32] = un("6db9df30aa07dd42ee5e8181afdb977e538f5e1fec8a06223f33f7013e525037");
        let seed = Key::from_slice(&seed).unwrap();
        let to = public_key(&seed);
        assert_eq!(to, un("3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d"));
        let info: [u8; 20] = un("4f6465206f6e2061204772656369616e2055726e");
        let text = b"Beauty is truth, truth beauty";
        let sealed = seal_with(Drawn(sender), &to, &info, b"Count-0", text).unwrap();
        assert_eq!(
            sealed[..32],
            un::<32>("37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431")
        );
        assert_eq!(
            sealed[32..],
            un::<45>(
                "090b7dc225419f7da9e8b460becfbb96a26c7964d79b8010d397fa838530a32a\
                 397b14f5776db19ff5e57734e0"
            )
        );
    }

    #[test]
    fn a_key_opens_with_its_seed_info_and_aad_alone() {
        let (seed, other) = (Key::from_slice(&[1; 32]).unwrap(), Key::from_slice(&[2; 32]).unwrap());
        let key = Key::from_slice(&[3; 32]).unwrap();
        let sealed = seal(&public_key(&seed), &info(&[0; 16], 1), b"aad", &key).unwrap();
        assert_eq!(open(&seed, &info(&[0; 16], 1), b"aad", &sealed).unwrap().bytes(), &[3; 32]);
        assert!(open(&other, &info(&[0; 16], 1), b"aad", &sealed).is_none());
        assert!(open(&seed, &info(&[0; 16], 2), b"aad", &sealed).is_none());
        assert!(open(&seed, &info(&[0; 16], 1), b"axd", &sealed).is_none());
        for byte in 0..SEALED_KEY {
            let mut bad = sealed;
            bad[byte] ^= 1;
            assert!(open(&seed, &info(&[0; 16], 1), b"aad", &bad).is_none(), "byte {byte}");
        }
    }

    #[test]
    fn two_seals_differ() {
        let seed = Key::from_slice(&[1; 32]).unwrap();
        let seal = || seal(&public_key(&seed), b"", b"", &seed).unwrap();
        assert_ne!(seal(), seal());
    }
}
