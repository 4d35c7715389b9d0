//! A day's spans in columns: what compresses well, and says nothing that the spans do not.
//!
//! `count | apps: count, (length, text)… | domains: the same | activities u8… | app numbers… | domain numbers… |
//! starts… | clock offsets… | lengths…`, all numbers varints. A start is counted from the end of the span before
//! (the first: from 1970), an offset (wall minus boot) from the offset before; both signed. Names are numbered from
//! 1 in the order in which they appear; 0 is none. The names of a day stand in its page alone: a common list would
//! outlive erased days.

use std::collections::BTreeMap;

use dwell_core::span::Span;
use dwell_core::subject::{AppId, Domain};
use dwell_core::time::{Boot, Millis, Reading, Wall};
use zeroize::Zeroizing;

use crate::activity;
use crate::wire::{Short, Wire, put_signed, put_varint};

/// The least bytes that a span takes; bounds the count that a page may claim.
const SPAN_MIN: usize = 6;

pub(crate) fn encode(spans: &[Span]) -> Zeroizing<Vec<u8>> {
    let mut apps = Names::default();
    let mut domains = Names::default();
    let numbers: Vec<(u64, u64)> = spans
        .iter()
        .map(|span| {
            let app = span.activity.app().map(AppId::as_str);
            let domain = activity::domain(&span.activity).map(Domain::as_str);
            (apps.number(app), domains.number(domain))
        })
        .collect();
    let mut out = Zeroizing::new(Vec::with_capacity(64 + spans.len() * 16));
    put_varint(&mut out, spans.len() as u64);
    apps.put(&mut out);
    domains.put(&mut out);
    out.extend(spans.iter().map(|span| activity::code(&span.activity)));
    numbers.iter().for_each(|(app, _)| put_varint(&mut out, *app));
    numbers.iter().for_each(|(_, domain)| put_varint(&mut out, *domain));
    // Wrapping throughout: whatever clocks said, it must read back as it was.
    let mut end = 0_i64;
    for span in spans {
        let wall = span.start.wall.as_unix_ms();
        put_signed(&mut out, wall.wrapping_sub(end));
        end = wall.wrapping_add(span.length.as_ms().cast_signed());
    }
    let mut last = 0_i64;
    for span in spans {
        let offset = span.start.wall.as_unix_ms().wrapping_sub(span.start.boot.as_ms().cast_signed());
        put_signed(&mut out, offset.wrapping_sub(last));
        last = offset;
    }
    spans.iter().for_each(|span| put_varint(&mut out, span.length.as_ms()));
    out
}

pub(crate) fn decode(bytes: &[u8]) -> Option<Vec<Span>> {
    let mut wire = Wire::new(bytes);
    let count = usize::try_from(wire.varint().ok()?).ok().filter(|n| *n <= bytes.len() / SPAN_MIN)?;
    let apps = names(&mut wire, |text| AppId::new(text).ok())?;
    let domains = names(&mut wire, |text| Domain::new(text).ok())?;
    let codes = wire.take(count).ok()?;
    let mut column = |signed: bool| -> Option<Vec<u64>> {
        let read =
            |wire: &mut Wire<'_>| if signed { wire.signed().map(i64::cast_unsigned) } else { wire.varint() };
        (0..count).map(|_| read(&mut wire)).collect::<Result<_, Short>>().ok()
    };
    let (app_numbers, domain_numbers) = (column(false)?, column(false)?);
    let (starts, offsets, lengths) = (column(true)?, column(true)?, column(false)?);
    if wire.left() != 0 {
        return None;
    }
    let mut spans = Vec::with_capacity(count);
    let (mut end, mut offset) = (0_i64, 0_i64);
    for i in 0..count {
        let wall = end.wrapping_add(starts[i].cast_signed());
        offset = offset.wrapping_add(offsets[i].cast_signed());
        end = wall.wrapping_add(lengths[i].cast_signed());
        let (app, domain) = (named(&apps, app_numbers[i])?, named(&domains, domain_numbers[i])?);
        spans.push(Span {
            start: Reading::new(
                Boot::from_ms(wall.wrapping_sub(offset).cast_unsigned()),
                Wall::from_unix_ms(wall),
            ),
            length: Millis::from_ms(lengths[i]),
            activity: activity::of(codes[i], app, domain)?,
        });
    }
    Some(spans)
}

#[derive(Default)]
struct Names<'a> {
    numbers: BTreeMap<&'a str, u64>,
    order: Vec<&'a str>,
}

impl<'a> Names<'a> {
    fn number(&mut self, name: Option<&'a str>) -> u64 {
        let Some(name) = name else { return 0 };
        *self.numbers.entry(name).or_insert_with(|| {
            self.order.push(name);
            self.order.len() as u64
        })
    }

    fn put(&self, out: &mut Vec<u8>) {
        put_varint(out, self.order.len() as u64);
        for name in &self.order {
            put_varint(out, name.len() as u64);
            out.extend_from_slice(name.as_bytes());
        }
    }
}

fn names<T>(wire: &mut Wire<'_>, parse: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    let count = usize::try_from(wire.varint().ok()?).ok().filter(|n| *n <= wire.left() / 2)?;
    let mut name = || {
        let length = usize::try_from(wire.varint().ok()?).ok()?;
        parse(std::str::from_utf8(wire.take(length).ok()?).ok()?)
    };
    (0..count).map(|_| name()).collect()
}

/// The name of a number: `Some(None)` for 0, `None` for a number that names nothing.
fn named<T: Clone>(names: &[T], number: u64) -> Option<Option<T>> {
    match usize::try_from(number).ok()? {
        0 => Some(None),
        n => names.get(n - 1).cloned().map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{any_span, span};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn spans_read_back(spans in proptest::collection::vec(any_span(), 0..40)) {
            prop_assert_eq!(decode(&encode(&spans)), Some(spans));
        }

        #[test]
        fn no_bytes_panic_or_claim_more_than_they_hold(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = decode(&bytes);
        }
    }

    #[test]
    fn the_bytes_of_columns_are_pinned() {
        let bytes = encode(&[
            span(1000, 5000, "editor", None),
            span(6000, 300, "browser", Some("example.org")),
            span(7000, 9, "editor", None),
        ]);
        let shown: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(
            shown,
            "030206656469746f720762726f77736572010b6578616d706c652e6f7267000000010201000100d0cb85cbbf6800f80a80bc85cbbf6800008827ac0209"
        );
    }

    #[test]
    fn a_name_that_is_not_listed_is_refused() {
        let mut bytes = encode(&[span(1, 1, "a", None)]).to_vec();
        let at = bytes.iter().position(|b| *b == b'a').unwrap();
        assert_eq!(bytes[at + 2..at + 4], [0, 1], "domains 0, code 0, then the app's number");
        bytes[at + 3] = 2;
        assert_eq!(decode(&bytes), None);
    }
}
