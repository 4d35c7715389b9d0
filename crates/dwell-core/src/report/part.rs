//! Parts: what the spans of some days come to, kept and given to later reports in their place; and their bytes.
//!
//! # Invariants
//!
//! What is decoded from a part's bytes is that part, or nothing: bytes of another version, of another calendar or of
//! categories that have changed since are not used.

use std::collections::HashMap;

use super::builder::{Builder, Group, Key};
use super::rows::By;
use crate::calendar::Calendar;
use crate::ledger::Visits;
use crate::subject::{AppId, Category, Domain, Subject};
use crate::time::{Boot, Millis, Reading, Wall};

/// The form of the bytes. Grows with whatever changes what spans come to in a report: visits, for one.
const VERSION: u8 = 1;
/// The kinds of rows, by the numbers that stand for them.
const KINDS: [&str; 4] = ["focus", "private", "period", "untold"];
/// Between program and domain in the key of a subject; no name has it.
pub(super) const BETWEEN: char = '\0';

/// By what a part is grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PartBy {
    /// Like a report.
    Rows(By),
    /// Each subject, in private windows and else, for itself: other groups can be made of these, as long as none has more
    /// than one of them in it. (How often a program was opened does not follow from how often its domains were.)
    Subjects,
}

impl PartBy {
    /// A number for it, below 8.
    pub const fn number(self) -> u16 {
        match self {
            Self::Rows(By::App) => 0,
            Self::Rows(By::Domain) => 1,
            Self::Rows(By::Category) => 2,
            Self::Rows(By::Hour) => 3,
            Self::Rows(By::Day) => 4,
            Self::Rows(By::Week) => 5,
            Self::Rows(By::Month) => 6,
            Self::Subjects => 7,
        }
    }
}

/// What the spans of some days come to, in a report without a filter.
#[derive(Clone)]
pub struct Part {
    pub(super) groups: Vec<(Key, Group)>,
    /// Where it is grouped by category: what each subject's was.
    pub(super) told: Vec<(Subject, Option<Category>)>,
    pub(super) observed: Millis,
    pub(super) unobserved: Millis,
    pub(super) bounds: Option<(Wall, Wall)>,
    pub(super) order: Option<(Reading, Reading)>,
}

impl std::fmt::Debug for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Part(‹redacted›)")
    }
}

impl Part {
    /// Whether nothing of it lies outside of `[start, end)`.
    pub fn is_within(&self, start: Wall, end: Wall) -> bool {
        self.bounds.is_none_or(|(from, to)| start <= from && to <= end)
    }

    /// Whether subjects have the categories that they had when it was made.
    pub fn is_of_categories(&self, mut of: impl FnMut(&Subject) -> Option<Category>) -> bool {
        self.told.iter().all(|(subject, category)| of(subject) == *category)
    }

    /// What it is, in bytes. Private.
    pub fn encode(&self, calendar: &Calendar) -> Vec<u8> {
        let mut out = vec![VERSION];
        put_text(&mut out, &of_calendar(calendar));
        put(&mut out, self.observed.as_ms());
        put(&mut out, self.unobserved.as_ms());
        put_if(&mut out, self.bounds, |out, (from, to)| {
            put_wall(out, from);
            put_wall(out, to);
        });
        put_if(&mut out, self.order, |out, (first, last)| {
            for reading in [first, last] {
                put(out, reading.boot.as_ms());
                put_wall(out, reading.wall);
            }
        });
        put(&mut out, self.groups.len() as u64);
        for ((key, kind), group) in &self.groups {
            put_text(&mut out, key);
            out.push(KINDS.iter().position(|known| known == kind).map_or(u8::MAX, |at| at.to_le_bytes()[0]));
            put(&mut out, group.time.as_ms());
            put(&mut out, group.opens);
            put_if(&mut out, group.first, put_wall);
            put_if(&mut out, group.visits.last_end(), put_wall);
        }
        put(&mut out, self.told.len() as u64);
        for (subject, category) in &self.told {
            put_text(&mut out, subject.app.as_str());
            put_if(&mut out, subject.domain.as_ref(), |out, domain| put_text(out, domain.as_str()));
            put_if(&mut out, category.as_ref(), |out, category| put_text(out, category.as_str()));
        }
        out
    }

    /// A part from its bytes; `None`: they are none, or of another version or calendar.
    pub fn decode(bytes: &[u8], calendar: &Calendar) -> Option<Self> {
        let mut from = Bytes(bytes);
        if from.byte()? != VERSION || from.text()? != of_calendar(calendar) {
            return None;
        }
        let (observed, unobserved) = (Millis::from_ms(from.number()?), Millis::from_ms(from.number()?));
        let bounds = from.maybe(|from| Some((from.wall()?, from.wall()?)))?;
        let reading = |from: &mut Bytes<'_>| Some(Reading::new(Boot::from_ms(from.number()?), from.wall()?));
        let order = from.maybe(|from| Some((reading(from)?, reading(from)?)))?;
        let mut groups = Vec::new();
        for _ in 0..from.number()? {
            let key = from.text()?.into();
            let kind = *KINDS.get(usize::from(from.byte()?))?;
            let (time, opens) = (Millis::from_ms(from.number()?), from.number()?);
            let (first, last_end) = (from.maybe(Bytes::wall)?, from.maybe(Bytes::wall)?);
            groups.push(((key, kind), Group { time, opens, first, visits: Visits::ended(last_end) }));
        }
        let mut told = Vec::new();
        for _ in 0..from.number()? {
            let app = AppId::new(from.text()?).ok()?;
            let domain = from.maybe(|from| Domain::new(from.text()?).ok())?;
            let category = from.maybe(|from| Category::new(from.text()?).ok())?;
            told.push((Subject { app, domain }, category));
        }
        from.0.is_empty().then_some(Self { groups, told, observed, unobserved, bounds, order })
    }

    /// What a report with a filter takes of these days, where that follows from what their `subjects` and, grouped as the
    /// report is, `all` of them came to. `all` is asked for where a group has several subjects, all of which are taken
    /// in. `None`: their spans have to be gone over.
    pub fn filtered(subjects: &Self, like: &Builder<'_>, all: impl FnOnce() -> Option<Self>) -> Option<Self> {
        // Of each group: how many subjects it has, how many of these are taken in, and what the last of those had.
        let mut of_group: HashMap<Key, (usize, usize, &Group)> = HashMap::new();
        for ((name, kind), group) in &subjects.groups {
            let (app, domain) = name.split_once(BETWEEN)?;
            let domain = Some(domain).filter(|domain| !domain.is_empty());
            let domain = domain.map(Domain::new).transpose().ok()?;
            let subject = Subject { app: AppId::new(app).ok()?, domain };
            let key = like.key_of(&subject, kind)?;
            let (all, taken, last) = of_group.entry(key).or_insert((0, 0, group));
            *all += 1;
            if like.takes(&subject) {
                *taken += 1;
                *last = group;
            }
        }
        if of_group.values().any(|(all, taken, _)| *taken > 1 && taken < all) {
            return None;
        }
        let mut groups = Vec::new();
        let of_many = of_group.values().any(|(_, taken, _)| *taken > 1);
        let whole: HashMap<Key, Group> =
            if of_many { all()?.groups.into_iter().collect() } else { HashMap::new() };
        for (key, (_, taken, last)) in of_group {
            match taken {
                0 => {}
                1 => groups.push((key, last.clone())),
                _ => {
                    let group = whole.get(&key)?.clone();
                    groups.push((key, group));
                }
            }
        }
        Some(Self { groups, told: Vec::new(), ..subjects.clone() })
    }
}

/// By what days and hours were counted: the zone, when days start, and whose rules of zones.
fn of_calendar(calendar: &Calendar) -> String {
    let Calendar { zone, day_start } = calendar;
    format!("{} {} {}", zone.name(), day_start.minutes(), chrono_tz::IANA_TZDB_VERSION)
}

/// LEB128.
fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

fn put_wall(out: &mut Vec<u8>, wall: Wall) {
    out.extend_from_slice(&wall.as_unix_ms().to_le_bytes());
}

fn put_if<T>(out: &mut Vec<u8>, value: Option<T>, put: impl FnOnce(&mut Vec<u8>, T)) {
    out.push(u8::from(value.is_some()));
    if let Some(value) = value {
        put(out, value);
    }
}

/// What is left to decode.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..70).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return None;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = usize::try_from(self.number()?).ok()?;
        std::str::from_utf8(self.take(length)?).ok()
    }

    fn wall(&mut self) -> Option<Wall> {
        Some(Wall::from_unix_ms(i64::from_le_bytes(*self.take(8)?.first_chunk()?)))
    }

    /// What may be there; `None`: something is wrong.
    fn maybe<T>(&mut self, of: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        match self.byte()? {
            0 => Some(None),
            1 => of(self).map(Some),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::browser;
    use crate::ledger::VISIT_GAP;

    /// What spans come to depends on these as well, and parts are kept: whoever changes them lets the version grow.
    #[test]
    fn the_version_stands_for_what_parts_are_made_by() {
        let browsers: Vec<_> = browser::known_ids().collect();
        let made_by = format!("{VERSION}\n{} ms\n{}", VISIT_GAP.as_ms(), browsers.join("\n"));
        insta::assert_snapshot!(made_by, @"
        1
        300000 ms
        firefox
        firefox-esr
        org.mozilla.firefox
        firefox_firefox
        Navigator
        chromium
        chromium-browser
        org.chromium.Chromium
        chromium_chromium
        google-chrome
        com.google.Chrome
        google-chrome-beta
        google-chrome-unstable
        brave-browser
        com.brave.Browser
        brave
        microsoft-edge
        com.microsoft.Edge
        microsoft-edge-beta
        microsoft-edge-dev
        vivaldi-stable
        vivaldi
        com.vivaldi.Vivaldi
        opera
        com.opera.Opera
        librewolf
        io.gitlab.librewolf-community
        waterfox
        net.waterfox.waterfox
        zen
        app.zen_browser.zen
        ");
    }
}
