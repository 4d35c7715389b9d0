//! Journal rows: all of one size, so that the file's growth says how many there are and no more.
//!
//! 110 bytes before sealing: `what u8 | code u8 | app length u8 | domain length u8 | ordinal u32 | previous tag[16] |
//! body[86]`.
//! - A span (what: 0) or checkpoint (1), its code the activity's: `boot ms u64 | wall ms i64 | length ms u64 | app u32 |
//!   domain u32 | app's text, domain's text, 0…`. Names are referred to by number (see [`crate::names`]), and said in
//!   the row that is the first to need them, as far as its 54 bytes hold.
//! - A longer name stands in rows of its own before that: always two for an app (what: 2), three for a domain (3), the
//!   code saying which of them: `text, 0…`.
//!
//! The ordinal counts a part's rows from 0, and each row carries the tag of the one before it in its part: a row
//! that is gone, doubled or put elsewhere breaks the chain. What only the end of a chain could tell, the tip knows.

use dwell_core::subject::{AppId, Domain};
use dwell_core::time::{Boot, Millis, Reading, Wall};
use zeroize::Zeroizing;

use crate::activity;
use crate::keys::Key;
use crate::names::{Numbers, Which};
use crate::record::{self, DayPart, OVERHEAD, Place, SealError};
use crate::row::Row;
use crate::wire::{Short, Wire};

const HEAD: usize = 4 + 4 + 16;
const BODY: usize = 86;
/// What a span takes of the body.
const SPAN: usize = 24 + 8;
/// What it leaves for names.
const INLINE: usize = BODY - SPAN;
const PLAIN: usize = HEAD + BODY;
/// Bytes of a sealed row.
pub(crate) const ROW: usize = PLAIN + OVERHEAD;

/// A row of one part that opened.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Opened {
    pub(crate) seq: u64,
    pub(crate) link: Link,
    pub(crate) said: Said,
}

/// What a row says by itself.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Span(Bare),
    /// A part of a name that is too long for a span's row; `length` is the whole name's.
    Piece {
        which: Which,
        piece: u8,
        length: u8,
        text: Zeroizing<[u8; BODY]>,
    },
}

/// A span with its names' numbers in their stead; 0 is none.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Bare {
    pub(crate) checkpoint: bool,
    pub(crate) code: u8,
    pub(crate) start: Reading,
    pub(crate) length: Millis,
    pub(crate) app: u32,
    pub(crate) domain: u32,
    /// The texts of app and domain, where this row is the one that says them.
    pub(crate) says: [Option<Box<str>>; 2],
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

/// What sealing a part's rows takes.
pub(crate) struct Sealing<'a> {
    pub(crate) key: &'a Key,
    pub(crate) vault_id: &'a [u8; 16],
    pub(crate) epoch: u32,
    pub(crate) part: DayPart,
}

/// The end of a part's chain, which grows.
#[derive(Default)]
pub(crate) struct End {
    /// The next row's ordinal.
    pub(crate) rows: u32,
    /// The last row's tag.
    pub(crate) chain: [u8; 16],
    /// What rows added here have said.
    pub(crate) said: Numbers,
}

impl End {
    /// Seals a row, and what has to be said before it, from number `seq` on. `known`: what the part's rows have said
    /// before.
    pub(crate) fn put(
        &mut self,
        to: &Sealing<'_>,
        known: &Numbers,
        row: &Row,
        seq: &mut u64,
        sealed: &mut Vec<(u64, Vec<u8>)>,
    ) -> Result<(), SealError> {
        let span = row.span();
        let app = span.activity.app();
        let domain = activity::domain(&span.activity);
        let (app_text, domain_text) = (app.map_or("", AppId::as_str), domain.map_or("", Domain::as_str));
        let known_app = app.and_then(|app| known.apps.get(app).or_else(|| self.said.apps.get(app)).copied());
        let known_domain =
            domain.and_then(|d| known.domains.get(d).or_else(|| self.said.domains.get(d)).copied());
        let (mut app_number, mut domain_number) = (known_app.unwrap_or(0), known_domain.unwrap_or(0));
        let new_app = app.filter(|_| known_app.is_none());
        let new_domain = domain.filter(|_| known_domain.is_none());
        let mut left = INLINE;
        let mut fits = |text: &str| {
            let rest = left.checked_sub(text.len());
            left = rest.unwrap_or(left);
            rest.is_some()
        };
        let app_inline = new_app.is_some() && fits(app_text);
        let domain_inline = new_domain.is_some() && fits(domain_text);
        if new_app.is_some() && !app_inline {
            app_number = self.put_name(to, Which::App, app_text, seq, sealed)?;
        }
        if new_domain.is_some() && !domain_inline {
            domain_number = self.put_name(to, Which::Domain, domain_text, seq, sealed)?;
        }
        let own = self.rows.saturating_add(1);
        app_number = if app_inline { own } else { app_number };
        domain_number = if domain_inline { own } else { domain_number };
        self.said.apps.extend(new_app.map(|app| (app.clone(), app_number)));
        self.said.domains.extend(new_domain.map(|domain| (domain.clone(), domain_number)));

        let mut plain =
            self.head(u8::from(matches!(row, Row::Checkpoint(_))), activity::code(&span.activity));
        let body = &mut plain[HEAD..];
        body[..8].copy_from_slice(&span.start.boot.as_ms().to_le_bytes());
        body[8..16].copy_from_slice(&span.start.wall.as_unix_ms().to_le_bytes());
        body[16..24].copy_from_slice(&span.length.as_ms().to_le_bytes());
        body[24..28].copy_from_slice(&app_number.to_le_bytes());
        body[28..32].copy_from_slice(&domain_number.to_le_bytes());
        let app_text = if app_inline { app_text } else { "" };
        let domain_text = if domain_inline { domain_text } else { "" };
        body[SPAN..][..app_text.len()].copy_from_slice(app_text.as_bytes());
        body[SPAN + app_text.len()..][..domain_text.len()].copy_from_slice(domain_text.as_bytes());
        plain[2] = app_text.len().to_le_bytes()[0];
        plain[3] = domain_text.len().to_le_bytes()[0];
        self.seal(to, &plain, seq, sealed)
    }

    /// Says a name in rows of its own. As many for each of a kind: their number is seen, the name's length is not.
    fn put_name(
        &mut self,
        to: &Sealing<'_>,
        which: Which,
        text: &str,
        seq: &mut u64,
        sealed: &mut Vec<(u64, Vec<u8>)>,
    ) -> Result<u32, SealError> {
        let number = self.rows.saturating_add(1);
        let length = text.len().to_le_bytes()[0];
        let mut rest = text.as_bytes();
        for piece in 0..which.longest().div_ceil(BODY) {
            let (what, at) = match which {
                Which::App => (2, 2),
                Which::Domain => (3, 3),
            };
            let mut plain = self.head(what, piece.to_le_bytes()[0]);
            plain[at] = length;
            let (of_this, after) = rest.split_at(rest.len().min(BODY));
            plain[HEAD..][..of_this.len()].copy_from_slice(of_this);
            rest = after;
            self.seal(to, &plain, seq, sealed)?;
        }
        Ok(number)
    }

    fn head(&self, what: u8, code: u8) -> Zeroizing<[u8; PLAIN]> {
        let mut plain = Zeroizing::new([0; PLAIN]);
        plain[..2].copy_from_slice(&[what, code]);
        plain[4..8].copy_from_slice(&self.rows.to_le_bytes());
        plain[8..HEAD].copy_from_slice(&self.chain);
        plain
    }

    fn seal(
        &mut self,
        to: &Sealing<'_>,
        plain: &[u8; PLAIN],
        seq: &mut u64,
        sealed: &mut Vec<(u64, Vec<u8>)>,
    ) -> Result<(), SealError> {
        let blob = record::seal(to.key, to.vault_id, to.epoch, &Place::row(to.part, *seq), plain)?;
        self.rows = self.rows.saturating_add(1);
        self.chain = record::tag(&blob);
        sealed.push((*seq, blob));
        *seq += 1;
        Ok(())
    }
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
    let (ordinal, previous, said) = decode(&plain)?;
    Some(Opened { seq, link: Link { ordinal, previous, tag: record::tag(sealed) }, said })
}

fn decode(plain: &[u8]) -> Option<(u32, [u8; 16], Said)> {
    let mut wire = Wire::new(plain);
    let mut head = || Ok::<_, Short>((wire.array::<4>()?, wire.u32()?, wire.array()?));
    let ([what, code, app_length, domain_length], ordinal, previous) = head().ok()?;
    let which = match what {
        0 | 1 => None,
        2 => Some((Which::App, app_length)),
        3 => Some((Which::Domain, domain_length)),
        _ => return None,
    };
    if let Some((which, length)) = which {
        let text = Zeroizing::new(wire.array().ok()?);
        return Some((ordinal, previous, Said::Piece { which, piece: code, length, text }));
    }
    let mut fields = || {
        let (boot, wall, length) = (wire.u64()?, wire.i64()?, wire.u64()?);
        Ok::<_, Short>((boot, wall, length, wire.u32()?, wire.u32()?))
    };
    let (boot, wall, length, app, domain) = fields().ok()?;
    let mut text = |length: u8| match length {
        0 => Some(None),
        length => {
            let text = wire.take(usize::from(length)).ok()?;
            Some(Some(Box::from(std::str::from_utf8(text).ok()?)))
        }
    };
    let bare = Bare {
        checkpoint: what == 1,
        code,
        start: Reading::new(Boot::from_ms(boot), Wall::from_unix_ms(wall)),
        length: Millis::from_ms(length),
        app,
        domain,
        says: [text(app_length)?, text(domain_length)?],
    };
    Some((ordinal, previous, Said::Span(bare)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::{Nameless, Names};
    use crate::samples::{any_span, span};
    use dwell_core::calendar::CivilDay;
    use proptest::prelude::*;

    const PART: DayPart = DayPart { day: CivilDay::from_epoch_days(20_778), part: 0 };

    fn key() -> Key {
        Key::from_slice(&[1; 32]).unwrap()
    }

    /// Seals rows in two goes, as two processes would.
    fn sealed(rows: &[Row]) -> Vec<(u64, Vec<u8>)> {
        let key = key();
        let to = Sealing { key: &key, vault_id: &[2; 16], epoch: 1, part: PART };
        let (mut seq, mut out) = (7, Vec::new());
        let (mut end, mut known) = (End::default(), Numbers::default());
        for (i, row) in rows.iter().enumerate() {
            if i == rows.len() / 2 {
                known.extend(std::mem::take(&mut end.said));
            }
            end.put(&to, &known, row, &mut seq, &mut out).unwrap();
        }
        assert_eq!(seq, 7 + out.len() as u64);
        out
    }

    fn opened(sealed: &[(u64, Vec<u8>)]) -> Vec<Opened> {
        let open = |(seq, blob): &(u64, Vec<u8>)| open(&key(), &[2; 16], 1, PART, *seq, blob).unwrap();
        sealed.iter().map(open).collect()
    }

    proptest! {
        #[test]
        fn rows_read_back(spans in proptest::collection::vec((any_span(), any::<bool>()), 0..20), again in any::<bool>()) {
            let mut rows: Vec<Row> = spans.into_iter()
                .map(|(span, checkpoint)| if checkpoint { Row::Checkpoint(span) } else { Row::Span(span) }).collect();
            if again {
                rows.extend(rows.clone());
            }
            let sealed = sealed(&rows);
            prop_assert!(sealed.iter().all(|(_, blob)| blob.len() == ROW));
            let opened = opened(&sealed);
            let chain = crate::chain::Chain::of(opened.iter().map(|row| (row.seq, row.link)));
            prop_assert!(chain.is_whole());
            let mut names = Names::default();
            let read: Vec<Row> =
                opened.iter().filter_map(|row| names.read(row.link.ordinal, &row.said).unwrap()).collect();
            prop_assert_eq!(read, rows);
        }

        #[test]
        fn no_bytes_panic(plain in proptest::collection::vec(any::<u8>(), PLAIN)) {
            if let Some((ordinal, _, said)) = decode(&plain) {
                let _ = Names::default().read(ordinal, &said);
            }
        }

        /// A row that is lost takes the names with it that it said, and gives no other row a wrong one.
        #[test]
        fn a_lost_row_leaves_others_nameless_but_never_misnamed(
            spans in proptest::collection::vec(any_span(), 1..12), lost in any::<prop::sample::Index>(),
        ) {
            let rows: Vec<Row> = spans.iter().chain(&spans).cloned().map(Row::Span).collect();
            let mut opened = opened(&sealed(&rows));
            opened.remove(lost.index(opened.len()));
            let mut names = Names::default();
            for row in opened {
                if let Ok(Some(read)) = names.read(row.link.ordinal, &row.said) {
                    prop_assert!(rows.contains(&read));
                }
            }
        }
    }

    #[test]
    fn a_name_is_said_once_and_its_length_is_not_told_by_the_number_of_rows() {
        let rows = |app: usize, domain: usize| {
            let domain = "d".repeat(domain);
            let row = Row::Span(span(
                1,
                1,
                &"a".repeat(app),
                Some(&domain).filter(|d| !d.is_empty()).map(|d| &**d),
            ));
            sealed(&[row.clone(), row]).len()
        };
        assert_eq!((rows(1, 0), rows(1, 1), rows(27, 27), rows(54, 0)), (2, 2, 2, 2));
        assert_eq!((rows(55, 0), rows(128, 0)), (4, 4), "two rows for an app's long name");
        assert_eq!((rows(27, 28), rows(1, 54), rows(1, 253)), (5, 5, 5), "three for a domain's");
        assert_eq!((rows(55, 55), rows(128, 253)), (7, 7));
    }

    #[test]
    fn pieces_of_two_names_do_not_make_one() {
        let of = |letter: &str| opened(&sealed(&[Row::Span(span(1, 1, &letter.repeat(128), None))]));
        let (a, b) = (of("a"), of("b"));
        let mut names = Names::default();
        assert_eq!(names.read(0, &a[0].said), Ok(None));
        assert_eq!(names.read(5, &b[1].said), Err(Nameless));
        assert_eq!(names.read(2, &a[2].said), Err(Nameless));
        // The one that was begun is an app's, what follows is a domain's.
        let domain = ["c".repeat(63).as_str(); 4].join(".")[..253].to_owned();
        let c = opened(&sealed(&[Row::Span(span(1, 1, "short", Some(&domain)))]));
        assert!(matches!(&c[1].said, Said::Piece { which: Which::Domain, piece: 1, .. }));
        assert_eq!(names.read(6, &a[0].said), Ok(None));
        assert_eq!(names.read(7, &c[1].said), Err(Nameless));
    }

    #[test]
    fn the_bytes_of_a_row_are_pinned() {
        let key = key();
        let to = Sealing { key: &key, vault_id: &[2; 16], epoch: 1, part: PART };
        let (mut end, mut out) = (End { rows: 3, chain: [9; 16], ..End::default() }, Vec::new());
        let row = Row::Checkpoint(span(1000, 61_000, "editor", Some("example.org")));
        end.put(&to, &Numbers::default(), &row, &mut 7, &mut out).unwrap();
        let plain = record::open(&key, &[2; 16], 1, &Place::row(PART, 7), &out[0].1).unwrap();
        assert_eq!((plain.len(), out[0].1.len()), (110, 144));
        let shown: String = plain[..56].iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(
            shown,
            "0100060b0300000009090909090909090909090909090909e803000000000000e8b2b0fca101000048ee0000000000000400000004000000"
        );
        assert_eq!((&plain[56..73], &plain[73..]), (&b"editorexample.org"[..], &[0; 37][..]));
    }
}
