//! A slot's seed from what a person types: Argon2id (RFC 9106), whose costs are stored with the slot.
//!
//! Parameters in the slot: `memory in KiB u32 | passes u32 | lanes u32 | salt[16] | 0[36]`. What is read is bounded:
//! a forged header must not ask for all memory or all day.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use zeroize::{Zeroize, Zeroizing};

use crate::keys::{Key, NoRandom, random};
use crate::slot::PARAMETERS;
use crate::wire::{Short, Wire};

/// The costs of new slots: 64 MiB, three passes, one lane (the second recommended option of RFC 9106, 4, with one
/// lane, since the daemon has one thread to spare).
const COSTS: Costs = Costs { memory_kib: 64 << 10, passes: 3, lanes: 1 };

/// What one derivation costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Costs {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl Costs {
    /// Up to 1 GiB, 16 passes, 8 lanes, and no less than 8 MiB: what this or a later dwell would sensibly store.
    const fn are_sane(self) -> bool {
        let Self { memory_kib, passes, lanes } = self;
        memory_kib >= 8 << 10
            && memory_kib <= 1 << 20
            && passes >= 1
            && passes <= 16
            && lanes >= 1
            && lanes <= 8
    }
}

/// A passphrase could not be turned into a seed: its stored costs are out of bounds, or there is no memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoSeed;

/// Parameters for a new passphrase slot.
pub(crate) fn new_parameters() -> Result<[u8; PARAMETERS], NoRandom> {
    let mut parameters = [0; PARAMETERS];
    for (at, number) in [(0, COSTS.memory_kib), (4, COSTS.passes), (8, COSTS.lanes)] {
        parameters[at..at + 4].copy_from_slice(&number.to_le_bytes());
    }
    parameters[12..28].copy_from_slice(&random::<16>()?);
    Ok(parameters)
}

/// The seed of a passphrase, under a slot's parameters.
pub(crate) fn seed(passphrase: &str, parameters: &[u8; PARAMETERS]) -> Result<Key, NoSeed> {
    let mut wire = Wire::new(parameters);
    let mut fields = || Ok::<_, Short>(((wire.u32()?, wire.u32()?, wire.u32()?), wire.array::<16>()?));
    let ((memory_kib, passes, lanes), salt) = fields().map_err(|Short| NoSeed)?;
    let costs = Costs { memory_kib, passes, lanes };
    if !costs.are_sane() {
        return Err(NoSeed);
    }
    let mut seed = Zeroizing::new([0; 32]);
    derive(passphrase.as_bytes(), &salt, costs, seed.as_mut_slice())?;
    Key::from_slice(seed.as_slice()).ok_or(NoSeed)
}

fn derive(passphrase: &[u8], salt: &[u8], costs: Costs, out: &mut [u8]) -> Result<(), NoSeed> {
    let params =
        Params::new(costs.memory_kib, costs.passes, costs.lanes, Some(out.len())).map_err(|_| NoSeed)?;
    // Asked for in a way that can fail, and wiped afterwards: the blocks depend on the passphrase.
    let count = params.block_count();
    let mut memory: Vec<Block> = Vec::new();
    memory.try_reserve_exact(count).map_err(|_| NoSeed)?;
    memory.resize(count, Block::new());
    let done = Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into_with_memory(
        passphrase,
        salt,
        out,
        &mut memory,
    );
    memory.iter_mut().for_each(Zeroize::zeroize);
    done.map_err(|_| NoSeed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9106, 5.3, gives its vector with secret and associated data, which `derive` has no use for; so the
    /// crate's own front is asked for that, and `derive` is compared with the crate's front without them.
    #[test]
    fn argon2id_known_answer() {
        let params = argon2::ParamsBuilder::new()
            .m_cost(32)
            .t_cost(3)
            .p_cost(4)
            .data(argon2::AssociatedData::new(&[4; 12]).unwrap())
            .build()
            .unwrap();
        let argon = Argon2::new_with_secret(&[3; 8], Algorithm::Argon2id, Version::V0x13, params).unwrap();
        let mut tag = [0; 32];
        argon.hash_password_into(&[1; 32], &[2; 16], &mut tag).unwrap();
        let shown: String = tag.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(shown, "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659");
        let (mut ours, mut theirs) = ([0; 32], [0; 32]);
        let costs = Costs { memory_kib: 32, passes: 3, lanes: 4 };
        derive(&[1; 32], &[2; 16], costs, &mut ours).unwrap();
        let params = Params::new(32, 3, 4, Some(32)).unwrap();
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(&[1; 32], &[2; 16], &mut theirs)
            .unwrap();
        assert_eq!(ours, theirs);
    }

    #[test]
    fn a_passphrase_gives_its_seed_under_its_salt_alone() {
        let (one, two) = (new_parameters().unwrap(), new_parameters().unwrap());
        let first = seed("correct horse", &one).unwrap();
        assert_eq!(seed("correct horse", &one).unwrap().bytes(), first.bytes());
        assert_ne!(seed("correct horse", &two).unwrap().bytes(), first.bytes());
        assert_ne!(seed("correct  horse", &one).unwrap().bytes(), first.bytes());
    }

    #[test]
    fn absurd_costs_are_refused() {
        for (at, value) in [(0, u32::MAX), (0, 8), (4, 0), (4, 1 << 20), (8, 0), (8, 9)] {
            let mut parameters = new_parameters().unwrap();
            parameters[at..at + 4].copy_from_slice(&u32::to_le_bytes(value));
            assert!(matches!(seed("x", &parameters), Err(NoSeed)), "{at} {value}");
        }
    }
}
