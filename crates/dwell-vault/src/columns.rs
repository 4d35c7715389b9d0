//! A day's spans in columns: what compresses well, and says nothing that the spans do not.
//!
//! `count | apps: count, (length, text)… | domains: the same | activities u8… | app numbers… | domain numbers… |
//! lengths… | starts… | clock offsets…`, all numbers varints. A start is counted from the end of the span before
//! (the first: from 1970), an offset (wall minus boot) from the offset before; both signed. Names are numbered from
//! 1 in the order in which they appear; 0 is none. The names of a day stand in its page alone: a common list would
//! outlive erased days.

use std::collections::BTreeMap;

use dwell_core::span::Span;
use dwell_core::subject::{AppId, Domain};
use dwell_core::time::{Boot, Millis, Reading, Wall};
use zeroize::Zeroizing;

use crate::activity;
use crate::scan::{ActivityKind, Numbered};
use crate::wire::{Wire, put_signed, put_varint};

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
    spans.iter().for_each(|span| put_varint(&mut out, span.length.as_ms()));
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
    out
}

/// All spans with their names.
pub(crate) fn decode(bytes: &[u8]) -> Option<Vec<Span>> {
    let mut columns = Columns::default();
    decode_into(bytes, &mut columns)?;
    let named = |span: &Numbered| columns.span(span);
    columns.spans.iter().map(named).collect()
}

/// A day's spans and names, the latter by number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Columns {
    pub(crate) apps: Vec<AppId>,
    pub(crate) domains: Vec<Domain>,
    pub(crate) spans: Vec<Numbered>,
}

impl Columns {
    fn span(&self, span: &Numbered) -> Option<Span> {
        fn name<T: Clone>(names: &[T], number: Option<u32>) -> Option<Option<T>> {
            number
                .map(|n| names.get(usize::try_from(n).ok()?).cloned())
                .map_or(Some(None), |name| name.map(Some))
        }
        let (app, domain) = (name(&self.apps, span.app)?, name(&self.domains, span.domain)?);
        let activity = activity::of(span.kind.code(), app, domain)?;
        Some(Span { start: span.start, length: span.length, activity })
    }
}

/// Reads columns into memory that is used again from day to day.
pub(crate) fn decode_into(bytes: &[u8], columns: &mut Columns) -> Option<()> {
    let mut wire = Wire::new(bytes);
    let count = usize::try_from(wire.varint().ok()?).ok().filter(|n| *n <= bytes.len() / SPAN_MIN)?;
    columns.apps = names(&mut wire, |text| AppId::new(text).ok())?;
    columns.domains = names(&mut wire, |text| Domain::new(text).ok())?;
    let spans = &mut columns.spans;
    spans.clear();
    for code in wire.take(count).ok()? {
        spans.push(Numbered {
            start: Reading::new(Boot::from_ms(0), Wall::from_unix_ms(0)),
            length: Millis::ZERO,
            kind: ActivityKind::of(*code)?,
            app: None,
            domain: None,
        });
    }
    for span in spans.iter_mut() {
        span.app = number(&mut wire, columns.apps.len())?;
        if span.app.is_none() != (span.kind == ActivityKind::Unobserved) {
            return None;
        }
    }
    for span in spans.iter_mut() {
        span.domain = number(&mut wire, columns.domains.len())?;
        if span.domain.is_some() && matches!(span.kind, ActivityKind::Private | ActivityKind::Unobserved) {
            return None;
        }
    }
    for span in spans.iter_mut() {
        span.length = Millis::from_ms(wire.varint().ok()?);
    }
    let mut end = 0_i64;
    for span in spans.iter_mut() {
        let wall = end.wrapping_add(wire.signed().ok()?);
        end = wall.wrapping_add(span.length.as_ms().cast_signed());
        span.start.wall = Wall::from_unix_ms(wall);
    }
    let mut offset = 0_i64;
    for span in spans.iter_mut() {
        offset = offset.wrapping_add(wire.signed().ok()?);
        let boot = span.start.wall.as_unix_ms().wrapping_sub(offset);
        span.start.boot = Boot::from_ms(boot.cast_unsigned());
    }
    (wire.left() == 0).then_some(())
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

/// A name's place in its list: `Some(None)` for 0, which is none; `None` for a number that names nothing.
fn number(wire: &mut Wire<'_>, names: usize) -> Option<Option<u32>> {
    match u32::try_from(wire.varint().ok()?).ok()? {
        0 => Some(None),
        n => (usize::try_from(n).ok()? <= names).then_some(Some(n - 1)),
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
            "030206656469746f720762726f77736572010b6578616d706c652e6f72670000000102010001008827ac0209d0cb85cbbf6800f80a80bc85cbbf680000"
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
