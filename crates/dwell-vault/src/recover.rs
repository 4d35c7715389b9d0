//! What the journal says when a vault is opened: how far each part has come, and which parts have lost something.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use dwell_core::calendar::CivilDay;
use dwell_core::span::Activity;

use crate::chain::Chain;
use crate::charged::Counted;
use crate::db::Db;
use crate::journal::{self, Opened};
use crate::keys::Key;
use crate::manifest::{Form, Manifest};
use crate::names::{Names, Numbers};
use crate::record::DayPart;
use crate::row::Row;
use crate::store::{Facts, OpenPart};
use crate::tip::Tip;

/// No journal row honestly has this number or a higher one: at one a second, that takes 35,000 years.
pub(crate) const SEQ_MAX: u64 = 1 << 40;

/// What was found.
#[derive(Default)]
pub(crate) struct Recovered {
    pub(crate) parts: BTreeMap<DayPart, OpenPart>,
    /// Parts with rows that do not open or do not follow each other.
    pub(crate) damaged: BTreeSet<DayPart>,
    /// Parts that had more rows when the tip was written.
    pub(crate) missing: BTreeSet<DayPart>,
    /// The day of a span that was open at the end.
    pub(crate) open_span: Option<CivilDay>,
}

/// Reads the whole journal once. `keys` are the day keys of its parts, `None` where one is lost.
pub(crate) fn recover(
    db: &Db,
    facts: &Facts,
    manifest: &Manifest,
    keys: BTreeMap<DayPart, Option<Key>>,
    tip: Option<&Tip>,
) -> Recovered {
    let mut found = Recovered::default();
    let mut rows: BTreeMap<DayPart, Vec<Opened>> = keys.keys().map(|part| (*part, Vec::new())).collect();
    let mut unreadable = Vec::new();
    let mut latest: Option<DayPart> = None;
    let sound = db.rows(0, |seq, sealed| {
        // Rows of one day come together: what opened the last one will mostly open this one.
        let order = latest.into_iter().chain(keys.keys().copied().filter(|part| Some(*part) != latest));
        let opened = order.into_iter().find_map(|part| {
            let key = keys.get(&part)?.as_ref()?;
            journal::open(key, &facts.vault_id, facts.epoch, part, seq, sealed).map(|row| (part, row))
        });
        let Some((part, opened)) = opened else {
            unreadable.push(seq);
            return;
        };
        latest = Some(part);
        rows.entry(part).or_default().push(opened);
    });

    let mut chains = BTreeMap::new();
    let mut last_attention = (0, None);
    for (part, key) in keys {
        let mut rows = rows.remove(&part).unwrap_or_default();
        rows.sort_by_key(|row| row.link.ordinal);
        let chain = Chain::of(rows.iter().map(|row| (row.seq, row.link)));
        let (mut names, mut counted, mut minute_of_last) = (Names::default(), None::<Counted>, 0);
        let mut nameless = false;
        for opened in &rows {
            let Ok(row) = names.read(opened.link.ordinal, &opened.said) else {
                nameless = true;
                continue;
            };
            let Some(row) = row else { continue };
            let span = row.span();
            counted.get_or_insert_default().put(span);
            minute_of_last = minute(span.start.wall.as_unix_ms());
            if opened.seq > last_attention.0 && !matches!(span.activity, Activity::Audible(_)) {
                let open = matches!(row, Row::Checkpoint(_)) && !span.length.is_zero();
                last_attention = (opened.seq, open.then_some(part.day));
            }
        }
        if key.is_none() || !chain.is_whole() || !sound || nameless {
            found.damaged.insert(part);
        }
        let known = || manifest.parts.get(&part).map(|entry| Counted::known(entry.totals));
        let counted = counted.or_else(known).unwrap_or_default();
        let open = OpenPart {
            key: key.map(|key| Arc::new(key.held())),
            rows: chain.rows,
            chain: chain.end,
            minute: minute_of_last,
            counted,
            names: names.numbers(),
        };
        found.parts.insert(part, open);
        let links: Vec<_> = rows.iter().map(|row| (row.seq, row.link)).collect();
        chains.insert(part, (chain, links));
    }
    found.open_span = last_attention.1;
    let heads = tip.map_or(&[][..], |tip| &tip.heads);
    for head in heads {
        let kept = match manifest.parts.get(&head.part).map(|entry| &entry.form) {
            Some(Form::Page { rows, end_chain, .. }) => {
                *rows > head.rows || (*rows == head.rows && *end_chain == head.chain)
            }
            Some(Form::Journal) => chains.get(&head.part).is_some_and(|(chain, links)| {
                let at_head = links.iter().find(|(_, link)| link.ordinal.checked_add(1) == Some(head.rows));
                // A gap where the head was is damage, and told as such.
                chain.rows >= head.rows && at_head.is_none_or(|(_, link)| link.tag == head.chain)
            }),
            Some(Form::Totals) => true,
            None => false,
        };
        if !kept {
            found.missing.insert(head.part);
        }
    }
    for seq in unreadable.into_iter().filter(|seq| *seq < SEQ_MAX) {
        // What has a gap here, or no key, is known to be damaged; this row is of it.
        let known = chains.iter().any(|(part, (chain, _))| {
            let keyless = found.parts.get(part).is_some_and(|open| open.key.is_none());
            let began = manifest.parts.get(part).is_some_and(|entry| entry.first_seq <= seq);
            (keyless && began) || chain.breaks.iter().any(|(a, b)| (*a..*b).contains(&seq))
        });
        if known {
            continue;
        }
        // Else it was the last of its part, and which one that is, no row behind it tells. The tip may.
        let ends = chains.iter().filter(|(part, (chain, _))| {
            let began = manifest.parts.get(part).is_some_and(|entry| entry.first_seq <= seq);
            let counted = tip.is_some_and(|tip| seq < tip.next_seq)
                && heads.iter().any(|head| head.part == **part)
                && !found.missing.contains(part);
            chain.last_seq < seq && began && !counted
        });
        let ends: Vec<DayPart> = ends.map(|(part, _)| *part).collect();
        found.damaged.extend(ends);
    }
    found
}

/// The same while the vault is sealed: the parts' keys are locked away, their rows cannot be read, and what is known
/// of them is what tip and manifest say.
pub(crate) fn locked(manifest: &Manifest, tip: Option<&Tip>) -> Recovered {
    let mut found = Recovered::default();
    let heads: BTreeMap<DayPart, _> =
        tip.into_iter().flat_map(|tip| &tip.heads).map(|head| (head.part, head)).collect();
    for (part, entry) in manifest.parts.iter().filter(|(_, entry)| entry.form == Form::Journal) {
        let open = match heads.get(part) {
            Some(head) => OpenPart {
                key: None,
                rows: head.rows,
                chain: head.chain,
                minute: head.minute,
                counted: Counted::known(head.totals),
                names: Numbers::default(),
            },
            None => OpenPart {
                key: None,
                rows: 0,
                chain: [0; 16],
                minute: 0,
                counted: Counted::known(entry.totals),
                names: Numbers::default(),
            },
        };
        found.parts.insert(*part, open);
    }
    found.missing.extend(heads.into_keys().filter(|part| !manifest.parts.contains_key(part)));
    found
}

/// The Unix minute of an instant, for the tip.
pub(crate) fn minute(unix_ms: i64) -> u32 {
    u32::try_from(unix_ms.div_euclid(60_000)).unwrap_or(0)
}
