//! Journal rows: one span each, all of one size, so that the file's growth says how many there are and no more.
//!
//! 432 bytes before sealing: `row u8 (0 span, 1 checkpoint) | activity u8 | app length u8 | domain length u8 |
//! ordinal u32 | previous tag[16] | boot ms u64 | wall ms i64 | length ms u64 | app[128] | domain[253] | 0[3]`
//!
//! The ordinal counts a part's rows from 0, and each row carries the tag of the one before it in its part: a row
//! that is gone, doubled or put elsewhere breaks the chain. What only the end of a chain could tell, the tip knows.

use dwell_core::span::Span;
use dwell_core::subject::{APP_MAX, AppId, DOMAIN_MAX, Domain};
use dwell_core::time::{Boot, Millis, Reading, Wall};
use zeroize::Zeroizing;

use crate::activity;
use crate::keys::Key;
use crate::record::{self, DayPart, OVERHEAD, Place, SealError};
use crate::row::Row;
use crate::wire::{Short, Wire};

const PLAIN: usize = 4 + 4 + 16 + 24 + APP_MAX + DOMAIN_MAX + 3;
/// Bytes of a sealed row.
pub(crate) const ROW: usize = PLAIN + OVERHEAD;

/// A row of one part that opened.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Opened {
    pub(crate) seq: u64,
    pub(crate) link: Link,
    pub(crate) row: Row,
}

/// Where a row stands in its part's chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    /// Its number in the part, from 0.
    pub(crate) ordinal: u32,
    /// The tag of the row before it; zero for the first.
    pub(crate) previous: [u8; 16],
    /// Its own tag.
    pub(crate) tag: [u8; 16],
}

/// Seals a row for its place in journal and chain.
pub(crate) fn seal(
    key: &Key,
    vault_id: &[u8; 16],
    epoch: u32,
    part: DayPart,
    seq: u64,
    (ordinal, previous): (u32, [u8; 16]),
    row: &Row,
) -> Result<Vec<u8>, SealError> {
    let plain = encode(ordinal, previous, row).ok_or(SealError::TooLong { bytes: PLAIN })?;
    record::seal(key, vault_id, epoch, &Place::row(part, seq), &plain[..])
}

/// Opens a row of a part. `None`: damaged, or of another part.
pub(crate) fn open(
    key: &Key,
    vault_id: &[u8; 16],
    epoch: u32,
    part: DayPart,
    seq: u64,
    sealed: &[u8],
) -> Option<Opened> {
    if sealed.len() != ROW {
        return None;
    }
    let plain = record::open(key, vault_id, epoch, &Place::row(part, seq), sealed).ok()?;
    let (ordinal, previous, row) = decode(&plain)?;
    Some(Opened { seq, link: Link { ordinal, previous, tag: record::tag(sealed) }, row })
}

fn encode(ordinal: u32, previous: [u8; 16], row: &Row) -> Option<Zeroizing<[u8; PLAIN]>> {
    let span = row.span();
    let app = span.activity.app().map_or("", AppId::as_str).as_bytes();
    let domain = activity::domain(&span.activity).map_or("", Domain::as_str).as_bytes();
    let mut plain = Zeroizing::new([0; PLAIN]);
    plain[0] = u8::from(matches!(row, Row::Checkpoint(_)));
    plain[1] = activity::code(&span.activity);
    plain[2] = u8::try_from(app.len()).ok()?;
    plain[3] = u8::try_from(domain.len()).ok()?;
    plain[4..8].copy_from_slice(&ordinal.to_le_bytes());
    plain[8..24].copy_from_slice(&previous);
    plain[24..32].copy_from_slice(&span.start.boot.as_ms().to_le_bytes());
    plain[32..40].copy_from_slice(&span.start.wall.as_unix_ms().to_le_bytes());
    plain[40..48].copy_from_slice(&span.length.as_ms().to_le_bytes());
    plain[48..48 + APP_MAX].get_mut(..app.len())?.copy_from_slice(app);
    plain[48 + APP_MAX..][..DOMAIN_MAX].get_mut(..domain.len())?.copy_from_slice(domain);
    Some(plain)
}

fn decode(plain: &[u8]) -> Option<(u32, [u8; 16], Row)> {
    let mut wire = Wire::new(plain);
    let mut fields = || {
        let codes = wire.array::<4>()?;
        let link = (wire.u32()?, wire.array()?);
        let times = (wire.u64()?, wire.i64()?, wire.u64()?);
        Ok::<_, Short>((codes, link, times, wire.take(APP_MAX)?, wire.take(DOMAIN_MAX)?))
    };
    let ([row, code, app_len, domain_len], (ordinal, previous), (boot, wall, length), app, domain) =
        fields().ok()?;
    let app = match app.get(..usize::from(app_len))? {
        [] => None,
        text => Some(AppId::new(std::str::from_utf8(text).ok()?).ok()?),
    };
    let domain = match domain.get(..usize::from(domain_len))? {
        [] => None,
        text => Some(Domain::new(std::str::from_utf8(text).ok()?).ok()?),
    };
    let span = Span {
        start: Reading::new(Boot::from_ms(boot), Wall::from_unix_ms(wall)),
        length: Millis::from_ms(length),
        activity: activity::of(code, app, domain)?,
    };
    match row {
        0 => Some((ordinal, previous, Row::Span(span))),
        1 => Some((ordinal, previous, Row::Checkpoint(span))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{any_span, span};
    use dwell_core::calendar::CivilDay;
    use proptest::prelude::*;

    const PART: DayPart = DayPart { day: CivilDay::from_epoch_days(20_778), part: 0 };

    proptest! {
        #[test]
        fn rows_read_back(span in any_span(), checkpoint in any::<bool>(), seq in any::<u64>(), ordinal in any::<u32>()) {
            let key = Key::from_slice(&[1; 32]).unwrap();
            let row = if checkpoint { Row::Checkpoint(span) } else { Row::Span(span) };
            let sealed = seal(&key, &[2; 16], 1, PART, seq, (ordinal, [7; 16]), &row).unwrap();
            prop_assert_eq!(sealed.len(), ROW);
            let opened = open(&key, &[2; 16], 1, PART, seq, &sealed).unwrap();
            prop_assert_eq!(opened, Opened { seq, link: Link { ordinal, previous: [7; 16], tag: record::tag(&sealed) }, row });
        }

        #[test]
        fn no_bytes_panic(plain in proptest::collection::vec(any::<u8>(), PLAIN)) {
            let _ = decode(&plain);
        }
    }

    #[test]
    fn the_bytes_of_a_row_are_pinned() {
        let plain =
            encode(3, [9; 16], &Row::Checkpoint(span(1000, 61_000, "editor", Some("example.org")))).unwrap();
        assert_eq!(plain.len(), 432);
        let shown: String = plain[..48].iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(
            shown,
            "0100060b0300000009090909090909090909090909090909e803000000000000e8b2b0fca101000048ee000000000000"
        );
        assert_eq!((&plain[48..54], &plain[54..176]), (&b"editor"[..], &[0; 122][..]));
        assert_eq!((&plain[176..187], &plain[187..]), (&b"example.org"[..], &[0; 245][..]));
    }
}
