//! A recovery key on paper: 256 bits as twelve groups of five characters, `0K3F9-…`.
//!
//! 54 characters of data, five bits each: a version (8 bits, 1), the seed (256), zeros (6); then six of a checksum,
//! the BCH code of Bech32m (BIP 350) with the prefix `dwell`, which finds every error of up to four characters,
//! and so every pair that changed places. The alphabet is Crockford's, without look-alikes: read back, `O` is 0,
//! `I` and `L` are 1, `U` is V; case, spaces and dashes do not matter.

use zeroize::Zeroizing;

use crate::keys::Key;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const DATA: usize = 54;
const CHECK: usize = 6;
const GROUP: usize = 5;
const VERSION: u8 = 1;
/// The final constant of Bech32m.
const FINAL: u32 = 0x2bc8_30a3;

/// Why a text is no recovery key. None of these says anything about whether it would open the vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mistyped {
    /// Too few or too many characters, spaces and dashes not counted.
    #[error("a recovery key has 60 characters, this has {characters}")]
    Length {
        /// How many there are.
        characters: usize,
    },
    /// A character that no recovery key has.
    #[error("group {group} has a character that a recovery key cannot have")]
    Character {
        /// In which group of five, counted from 1.
        group: usize,
    },
    /// The characters do not fit together: some are wrong or have changed places.
    #[error("there is a slip in it; please compare it with the paper")]
    Checksum,
    /// It is whole, but of a kind that only a newer dwell knows.
    #[error("it was made by a newer dwell")]
    Version,
}

/// The text of a recovery key.
pub(crate) fn print(seed: &Key) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([0_u8; 34]);
    bytes[0] = VERSION;
    bytes[1..33].copy_from_slice(seed.bytes());
    let mut values = Zeroizing::new([0_u8; DATA + CHECK]);
    for (i, value) in values.iter_mut().take(DATA).enumerate() {
        // Five bits from bit 5·i on, within a window of two bytes.
        let at = i * 5;
        let window = u16::from(bytes[at / 8]) << 8 | u16::from(bytes.get(at / 8 + 1).copied().unwrap_or(0));
        *value = ((window >> (11 - at % 8)) & 31).to_le_bytes()[0];
    }
    let sum = polymod(&values[..DATA + CHECK]) ^ FINAL;
    for (i, value) in values[DATA..].iter_mut().enumerate() {
        *value = ((sum >> (5 * (CHECK - 1 - i))) & 31).to_le_bytes()[0];
    }
    // One allocation that is never grown, so that no part of the key is left behind.
    let mut text = Zeroizing::new(String::with_capacity((DATA + CHECK) * 2));
    for (i, value) in values.iter().enumerate() {
        if i > 0 && i % GROUP == 0 {
            text.push('-');
        }
        text.push(char::from(ALPHABET[usize::from(*value & 31)]));
    }
    text
}

/// The seed that a typed recovery key stands for.
pub(crate) fn parse(text: &str) -> Result<Key, Mistyped> {
    let typed = || text.chars().filter(|c| !c.is_whitespace() && *c != '-');
    let characters = typed().count();
    let mut values = Zeroizing::new([0_u8; DATA + CHECK]);
    for (i, (value, c)) in values.iter_mut().zip(typed()).enumerate() {
        *value = value_of(c).ok_or(Mistyped::Character { group: i / GROUP + 1 })?;
    }
    if characters != DATA + CHECK {
        return Err(Mistyped::Length { characters });
    }
    if polymod(&values[..]) != FINAL {
        return Err(Mistyped::Checksum);
    }
    let mut bytes = Zeroizing::new([0_u8; 34]);
    for (i, value) in values[..DATA].iter().enumerate() {
        let at = i * 5;
        let window = (u16::from(*value) << (11 - at % 8)).to_be_bytes();
        bytes[at / 8] |= window[0];
        if let Some(next) = bytes.get_mut(at / 8 + 1) {
            *next |= window[1];
        }
    }
    if bytes[0] != VERSION || bytes[33] != 0 {
        return Err(Mistyped::Version);
    }
    Key::from_slice(&bytes[1..33]).ok_or(Mistyped::Version)
}

fn value_of(c: char) -> Option<u8> {
    let plain = match c.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        'U' => 'V',
        other => other,
    };
    ALPHABET.iter().position(|known| char::from(*known) == plain).and_then(|at| u8::try_from(at).ok())
}

/// BIP 173's checksum over the prefix and five-bit values.
fn polymod(values: &[u8]) -> u32 {
    const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    let prefix = b"dwell";
    let expanded = prefix.iter().map(|c| c >> 5).chain([0]).chain(prefix.iter().map(|c| c & 31));
    expanded.chain(values.iter().copied()).fold(1, |sum, value| {
        let top = sum >> 25;
        let next = (sum & 0x1ff_ffff) << 5 ^ u32::from(value);
        GENERATOR
            .iter()
            .enumerate()
            .fold(next, |next, (i, g)| if top >> i & 1 == 1 { next ^ g } else { next })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(bytes: [u8; 32]) -> Key {
        Key::from_slice(&bytes).unwrap()
    }

    proptest! {
        #[test]
        fn a_key_reads_back_however_it_is_typed(bytes in any::<[u8; 32]>()) {
            let text = print(&key(bytes));
            prop_assert_eq!(*parse(&text).unwrap().bytes(), bytes);
            let sloppy: String = text.chars().map(|c| match c {
                '0' => 'o',
                '1' => 'l',
                '-' => ' ',
                other => other.to_ascii_lowercase(),
            }).collect();
            prop_assert_eq!(*parse(&format!("  {sloppy}\n")).unwrap().bytes(), bytes);
            prop_assert_eq!(*parse(&text.replace('-', "").replace('1', "I")).unwrap().bytes(), bytes);
        }

        #[test]
        fn no_text_panics(text in ".{0,90}") {
            let _ = parse(&text);
        }
    }

    #[test]
    fn the_form_is_pinned() {
        let text = print(&key([0xa5; 32]));
        assert_eq!(*text, "06JTB-9D5MP-JTB9D-5MPJT-B9D5M-PJTB9-D5MPJ-TB9D5-MPJTB-9D5MP-JTA01-22HNE");
        assert_eq!((text.len(), text.split('-').count()), (71, 12));
    }

    /// All single errors, all changes of place of any two, and a great many of two to four errors.
    #[test]
    fn slips_are_found() {
        let text: Vec<char> =
            print(&key(*b"0123456789abcdefghijklmnopqrstuv")).replace('-', "").chars().collect();
        let bad = |text: &[char]| matches!(parse(&text.iter().collect::<String>()), Err(Mistyped::Checksum));
        for at in 0..text.len() {
            for letter in ALPHABET.iter().map(|c| char::from(*c)).filter(|c| *c != text[at]) {
                let mut typed = text.clone();
                typed[at] = letter;
                assert!(bad(&typed));
                let mut more = typed.clone();
                for k in 1..4 {
                    let other = (at + k * 7) % text.len();
                    more[other] = if more[other] == 'Z' { '0' } else { 'Z' };
                    assert!(bad(&more));
                }
            }
            for other in (0..at).filter(|other| text[*other] != text[at]) {
                let mut typed = text.clone();
                typed.swap(at, other);
                assert!(bad(&typed));
            }
        }
        let whole: String = text.iter().collect();
        assert_eq!(parse(&whole[1..]).err(), Some(Mistyped::Length { characters: 59 }));
        assert_eq!(parse(&format!("{whole}0")).err(), Some(Mistyped::Length { characters: 61 }));
        assert_eq!(parse(&format!("!{}", &whole[1..])).err(), Some(Mistyped::Character { group: 1 }));
    }
}
