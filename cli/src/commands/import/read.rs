//! Reading bucket exports of ActivityWatch, event by event: a year of them is hundreds of megabytes, and what is kept is
//! sixteen bytes an event.
//!
//! Titles are never looked at, and of an address only the host is. What comes is taken for hostile: text of any length
//! and depth, in any order, cut off anywhere. An error says where it is.
//!
//! What several machines recorded is never one account: a window of one does not end with the window of another, and who
//! is at one is away from the other. So the events of one machine are taken, beside those of buckets that name none.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use dwell_core::subject::Domain;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::form;
use super::hosts::{self, Hosts, Kept};
use crate::error::{Error, Kind, reason};
use crate::output::instant;

/// The most bytes that one event may take, or that may stand between two.
const EVENT_MAX: u64 = 4 << 20;
/// Different programs, and sites, at most.
const NAMES_MAX: usize = 100_000;
/// As much of a program's name as is kept, in characters.
pub(super) const NAME_MAX: usize = 256;
/// Events at most, of each kind: some ten busy years.
const EVENTS_MAX: u64 = 8_000_000;
/// 2000-01-01: no event is honestly older.
const FIRST_MS: i64 = 946_684_800_000;
/// No event is honestly longer: a month.
const LONGEST_MS: i64 = 31 * 86_400_000;
/// A page without a site.
pub(super) const NO_SITE: u32 = u32::MAX;

/// A stretch of time with a number: of a program, of a site ([`NO_SITE`] where a page has none, or is private), or of
/// nothing where the person was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Event {
    /// Unix milliseconds.
    pub(super) at: i64,
    pub(super) ms: u32,
    pub(super) what: u32,
}

impl Event {
    /// When it ends.
    pub(super) const fn end(&self) -> i64 {
        self.at.saturating_add(self.ms as i64)
    }
}

/// The sites that one kind of browser has shown.
#[derive(Debug, Default)]
pub(super) struct Web {
    /// The browsers that it speaks for, by their names for people; empty: for any.
    pub(super) browsers: &'static [&'static str],
    pub(super) events: Vec<Event>,
}

/// What the files hold.
#[derive(Debug, Default)]
pub(super) struct Events {
    pub(super) windows: Vec<Event>,
    /// When the person was there.
    pub(super) present: Vec<Event>,
    pub(super) web: Vec<Web>,
    pub(super) apps: Names,
    /// Sites.
    pub(super) sites: Names,
    pub(super) seen: Seen,
}

/// What was seen in the files, for the summary.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// Window, afk and web events.
    pub(super) events: [u64; 3],
    /// Events with instants that cannot be, or that end before they begin.
    pub(super) impossible: u64,
    /// Events of private windows.
    pub(super) incognito: u64,
    /// There is a bucket that says when the person was there.
    pub(super) has_afk: bool,
    /// Events of other machines than the one that was asked for.
    pub(super) other_hosts: u64,
    /// Events of buckets that say nothing about windows, by their type.
    pub(super) unknown: BTreeMap<String, u64>,
}

/// Texts by number.
#[derive(Debug, Default)]
pub(super) struct Names {
    numbers: HashMap<Box<str>, u32>,
    texts: Vec<Box<str>>,
}

impl Names {
    /// The number of a text; `None` where there are too many.
    pub(super) fn number(&mut self, text: &str) -> Option<u32> {
        if let Some(number) = self.numbers.get(text) {
            return Some(*number);
        }
        let number = u32::try_from(self.texts.len()).ok().filter(|_| self.texts.len() < NAMES_MAX)?;
        self.numbers.insert(text.into(), number);
        self.texts.push(text.into());
        Some(number)
    }

    /// The text of a number.
    pub(super) fn text(&self, number: u32) -> &str {
        usize::try_from(number).ok().and_then(|number| self.texts.get(number)).map_or("", |text| text)
    }

    /// Of each number, where its text stands among all of them in the order of the alphabet.
    pub(super) fn ranks(&self) -> Vec<u32> {
        let mut order: Vec<usize> = (0..self.texts.len()).collect();
        order.sort_unstable_by_key(|number| self.texts.get(*number));
        let mut ranks = vec![0; order.len()];
        for (rank, number) in (0..).zip(order) {
            if let Some(place) = ranks.get_mut(number) {
                *place = rank;
            }
        }
        ranks
    }

    /// All of them, in the order of their numbers.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        self.texts.iter().map(|text| &**text)
    }
}

/// Reads files, one after the other.
pub(super) struct Reading<'a> {
    machines: Hosts,
    apps: Names,
    sites: Names,
    seen: Seen,
    /// Which site each host belongs to.
    hosts: HashMap<Box<str>, Option<u32>>,
    /// Nothing begins after this.
    last_ms: i64,
    /// Bytes since the last event.
    since: &'a Cell<u64>,
}

impl<'a> Reading<'a> {
    /// `now_ms` is now, in Unix milliseconds; `since` counts bytes.
    pub(super) fn new(now_ms: i64, since: &'a Cell<u64>) -> Self {
        let last_ms = now_ms.saturating_add(86_400_000);
        Self {
            machines: Hosts::default(),
            apps: Names::default(),
            sites: Names::default(),
            seen: Seen::default(),
            hosts: HashMap::new(),
            last_ms,
            since,
        }
    }

    /// What was read of one machine: of `host`, or of the only one that is named.
    ///
    /// # Errors
    /// There are several, or not this one.
    pub(super) fn finish(self, host: Option<&str>) -> Result<Events, Error> {
        let Self { machines, apps, sites, mut seen, .. } = self;
        let (Kept { windows, present, has_afk, web }, other_hosts) = machines.only(host)?;
        (seen.has_afk, seen.other_hosts) = (has_afk, other_hosts);
        Ok(Events { windows, present, web, apps, sites, seen })
    }

    /// Reads a file; `progress` hears how many bytes of it are read.
    ///
    /// # Errors
    /// It cannot be read, or is no bucket export: with file and position.
    pub(super) fn file(&mut self, path: &Path, progress: &mut dyn FnMut(u64)) -> Result<(), Error> {
        let shown = path.display();
        let unreadable = |why: &io::Error| {
            Error::new(Kind::Failed, format!("{shown} cannot be read: {}", reason(why)))
                .hint("check the path and its permissions; nothing was taken")
        };
        let file = File::open(path).map_err(|why| unreadable(&why))?;
        if file.metadata().is_ok_and(|about| about.is_dir()) {
            return Err(unreadable(&io::Error::from(io::ErrorKind::IsADirectory)));
        }
        self.since.set(0);
        let mut from = BufReader::with_capacity(64 << 10, Told { file, read: 0, progress });
        let start = from.fill_buf().map_err(|why| unreadable(&why))?;
        if let Some((is, hint)) = form::other(start) {
            return Err(
                Error::new(Kind::Invalid, format!("{shown} {is}")).hint(format!("{hint}; nothing was taken"))
            );
        }
        if start.starts_with(form::MARK) {
            from.consume(form::MARK.len());
        }
        self.json(Counted { from, since: self.since }).map_err(|why| match why.io_error_kind() {
            Some(kind) if kind != io::ErrorKind::InvalidData => unreadable(&kind.into()),
            _ => Error::new(Kind::Invalid, format!("{shown} is no export of ActivityWatch: {why}"))
                .hint("export it anew in ActivityWatch, under Raw Data; nothing was taken"),
        })
    }

    fn json(&mut self, from: impl Read) -> serde_json::Result<()> {
        let mut json = serde_json::Deserializer::from_reader(from);
        let found = FileSeed(self).deserialize(&mut json)?;
        json.end()?;
        if found { Ok(()) } else { Err(serde_json::Error::custom("it has no \"buckets\"")) }
    }

    /// The site of an address.
    fn site(&mut self, url: &str) -> Option<u32> {
        let host = host_of(url)?;
        if let Some(site) = self.hosts.get(host) {
            return *site;
        }
        let site = Domain::registrable(host).ok().filter(|_| self.hosts.len() < NAMES_MAX);
        let number = site.and_then(|site| self.sites.number(site.as_str()));
        if self.hosts.len() < NAMES_MAX {
            self.hosts.insert(host.into(), number);
        }
        number
    }
}

/// The host in an address of the web; nothing else of it is looked at.
fn host_of(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_once("://")?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return None;
    }
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let host = authority.rsplit('@').next()?;
    let end = if host.starts_with('[') { host.find(']')? + 1 } else { host.find(':').unwrap_or(host.len()) };
    host.get(..end).filter(|host| !host.is_empty() && host.len() <= 300)
}

/// For which browsers a bucket of sites speaks: ActivityWatch's extension names it after the one that it runs in.
fn browsers_of(bucket: &str) -> &'static [&'static str] {
    const KINDS: &[(&str, &[&str])] = &[
        ("firefox", &["Firefox", "LibreWolf", "Waterfox", "Zen Browser"]),
        ("chrome", &["Google Chrome", "Chromium"]),
        ("chromium", &["Chromium"]),
        ("brave", &["Brave"]),
        ("edge", &["Microsoft Edge"]),
        ("vivaldi", &["Vivaldi"]),
        ("opera", &["Opera"]),
        ("librewolf", &["LibreWolf"]),
        ("waterfox", &["Waterfox"]),
        ("zen", &["Zen Browser"]),
    ];
    let named = bucket.strip_prefix("aw-watcher-web-").map(|rest| rest.split('_').next().unwrap_or(rest));
    named
        .map(|name| name.split("-imported-").next().unwrap_or(name))
        .and_then(|name| KINDS.iter().find(|(kind, _)| name.eq_ignore_ascii_case(kind)))
        .map_or(&[], |(_, names)| names)
}

/// Tells how much of a file is read.
struct Told<'a> {
    file: File,
    read: u64,
    progress: &'a mut dyn FnMut(u64),
}

impl Read for Told<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(into)?;
        self.read += read as u64;
        (self.progress)(self.read);
        Ok(read)
    }
}

/// Counts the bytes since the last event, and gives up where they are too many.
struct Counted<'a, R> {
    from: R,
    since: &'a Cell<u64>,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(into)?;
        let since = self.since.get() + read as u64;
        self.since.set(since);
        if since > EVENT_MAX {
            let why =
                format!("one event, or what stands between two, is longer than {} MiB", EVENT_MAX >> 20);
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        Ok(read)
    }
}

/// What a bucket holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    Windows,
    Afk,
    Web,
    Other,
}

impl Holds {
    fn of(kind: &str) -> Self {
        match kind {
            "currentwindow" => Self::Windows,
            "afkstatus" => Self::Afk,
            "web.tab.current" => Self::Web,
            _ => Self::Other,
        }
    }
}

/// The whole file; whether it has buckets.
struct FileSeed<'s, 'a>(&'s mut Reading<'a>);

impl<'de> DeserializeSeed<'de> for FileSeed<'_, '_> {
    type Value = bool;
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<bool, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for FileSeed<'_, '_> {
    type Value = bool;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with buckets")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let mut found = false;
        while let Some(key) = map.next_key::<Text>()? {
            if key.is("buckets") {
                map.next_value_seed(BucketsSeed(&mut *self.0))?;
                found = true;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

struct BucketsSeed<'s, 'a>(&'s mut Reading<'a>);

impl<'de> DeserializeSeed<'de> for BucketsSeed<'_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for BucketsSeed<'_, '_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of buckets")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(id) = map.next_key::<Text>()? {
            let id = id.0.unwrap_or_default();
            map.next_value_seed(BucketSeed { reading: &mut *self.0, id: &id })?;
        }
        Ok(())
    }
}

struct BucketSeed<'s, 'a> {
    reading: &'s mut Reading<'a>,
    id: &'s str,
}

impl<'de> DeserializeSeed<'de> for BucketSeed<'_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for BucketSeed<'_, '_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a bucket")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let (mut kind, mut host): (Option<String>, Option<String>) = (None, None);
        let (mut events, mut had_events) = (Vec::new(), None);
        while let Some(key) = map.next_key::<Text>()? {
            if key.is("type") {
                let text = map.next_value::<Text>()?.0;
                if had_events.is_some() && text != kind {
                    return Err(A::Error::custom("a bucket says its type after its events"));
                }
                kind = text;
            } else if key.is("hostname") {
                host = map.next_value::<Text>()?.0;
            } else if key.is("events") {
                // Exports say the type first. Where one does not, the bucket's name tells.
                let told = kind.get_or_insert_with(|| kind_of(self.id).to_owned());
                let holds = Holds::of(told);
                map.next_value_seed(EventsSeed {
                    reading: &mut *self.reading,
                    holds,
                    kind: told,
                    events: &mut events,
                })?;
                had_events = Some(holds);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        let host = hosts::name(host.as_deref(), self.id);
        if let Some(holds) = had_events {
            let kept = self.reading.machines.add(&host, holds, browsers_of(self.id), events);
            kept.ok_or_else(|| A::Error::custom("there are too many hosts"))?;
        }
        Ok(())
    }
}

/// The type of a bucket, by its id.
fn kind_of(id: &str) -> &'static str {
    const IDS: [(&str, &str); 3] = [
        ("aw-watcher-window", "currentwindow"),
        ("aw-watcher-afk", "afkstatus"),
        ("aw-watcher-web", "web.tab.current"),
    ];
    IDS.iter().find(|(prefix, _)| id.starts_with(prefix)).map_or("", |(_, kind)| kind)
}

struct EventsSeed<'s, 'a> {
    reading: &'s mut Reading<'a>,
    holds: Holds,
    kind: &'s str,
    events: &'s mut Vec<Event>,
}

impl<'de> DeserializeSeed<'de> for EventsSeed<'_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for EventsSeed<'_, '_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of events")
    }
    /// A bucket whose events were not asked for.
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
        if self.holds == Holds::Other {
            let mut count = 0_u64;
            while seq.next_element::<IgnoredAny>()?.is_some() {
                self.reading.since.set(0);
                count += 1;
            }
            let unknown = &mut self.reading.seen.unknown;
            let kind: String = self.kind.chars().take(60).collect();
            if unknown.len() < 100 || unknown.contains_key(&kind) {
                *unknown.entry(kind).or_default() += count;
            }
            return Ok(());
        }
        while let Some(raw) = seq.next_element::<Raw>()? {
            self.reading.since.set(0);
            self.put(&raw).map_err(A::Error::custom)?;
        }
        Ok(())
    }
}

impl EventsSeed<'_, '_> {
    fn put(&mut self, raw: &Raw) -> Result<(), String> {
        let Self { reading, holds, events, .. } = self;
        let kind = usize::from(*holds != Holds::Windows) + usize::from(*holds == Holds::Web);
        let seen = &mut reading.seen;
        seen.events[kind] += 1;
        if seen.events[kind] > EVENTS_MAX {
            return Err(format!("there are more than {EVENTS_MAX} events of one kind"));
        }
        let Some((at, ms)) = raw.extent(reading.last_ms)? else {
            seen.impossible += 1;
            return Ok(());
        };
        let what = match holds {
            Holds::Windows => {
                let app: String =
                    raw.data.app.0.as_deref().unwrap_or("unknown").chars().take(NAME_MAX).collect();
                let number = reading.apps.number(&app);
                number.ok_or_else(|| format!("there are more than {NAMES_MAX} programs"))?
            }
            Holds::Afk if raw.data.status.is("not-afk") => 0,
            Holds::Afk | Holds::Other => return Ok(()),
            // A page without a site ends what was shown before, and a private one does as well.
            Holds::Web if raw.data.incognito.0 => {
                seen.incognito += 1;
                NO_SITE
            }
            Holds::Web => raw.data.url.0.as_deref().and_then(|url| reading.site(url)).unwrap_or(NO_SITE),
        };
        push(events, Event { at, ms, what });
        Ok(())
    }
}

fn push(list: &mut Vec<Event>, event: Event) {
    if list.len() == list.capacity() {
        // Half as much again, not twice: most of it may stay empty.
        list.reserve_exact((list.len() / 2).max(1024));
    }
    list.push(event);
}

/// An event as it stands there.
#[derive(serde::Deserialize)]
struct Raw {
    timestamp: Text,
    #[serde(default)]
    duration: Seconds,
    #[serde(default)]
    data: Data,
}

#[derive(Default, serde::Deserialize)]
struct Data {
    #[serde(default)]
    app: Text,
    #[serde(default)]
    status: Text,
    #[serde(default)]
    url: Text,
    #[serde(default)]
    incognito: Flag,
}

impl Raw {
    /// When it began, in Unix milliseconds, and how long it lasted; `None` where that cannot have been.
    fn extent(&self, last_ms: i64) -> Result<Option<(i64, u32)>, String> {
        let text = self.timestamp.0.as_deref().unwrap_or_default();
        let at =
            instant::read(text).ok_or("an event has no instant that can be read as its \"timestamp\"")?;
        let Some(seconds) = self.duration.0 else { return Ok(None) };
        #[expect(clippy::cast_possible_truncation, reason = "it saturates, and what is too long is refused")]
        let ms = (seconds * 1000.0).round() as i64;
        let honest =
            (FIRST_MS..=last_ms).contains(&at) && (0..=LONGEST_MS).contains(&ms) && at + ms <= last_ms;
        Ok(u32::try_from(ms).ok().filter(|_| honest).map(|ms| (at, ms)))
    }
}

/// A text, or nothing where there is something else.
#[derive(Debug, Default)]
struct Text(Option<String>);

impl Text {
    fn is(&self, text: &str) -> bool {
        self.0.as_deref() == Some(text)
    }
}

impl<'de> serde::Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Lenient).map(|found| {
            Self(match found {
                Found::Text(text) => Some(text),
                Found::Flag(_) | Found::Number(_) | Found::Else => None,
            })
        })
    }
}

/// How long something lasted; nothing where that is no number.
#[derive(Debug)]
struct Seconds(Option<f64>);

impl Default for Seconds {
    fn default() -> Self {
        Self(Some(0.0))
    }
}

impl<'de> serde::Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Lenient).map(|found| {
            Self(match found {
                Found::Number(number) => Some(number),
                Found::Text(_) | Found::Flag(_) | Found::Else => None,
            })
        })
    }
}

/// Whether something is said to be so.
#[derive(Debug, Default)]
struct Flag(bool);

impl<'de> serde::Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Lenient).map(|found| {
            Self(match found {
                Found::Flag(flag) => flag,
                Found::Text(text) => text.eq_ignore_ascii_case("true"),
                Found::Number(_) | Found::Else => false,
            })
        })
    }
}

enum Found {
    Text(String),
    Flag(bool),
    Number(f64),
    Else,
}

/// Takes whatever is there: other watchers put other things into the same fields.
struct Lenient;

impl<'de> Visitor<'de> for Lenient {
    type Value = Found;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }
    fn visit_str<E>(self, text: &str) -> Result<Found, E> {
        Ok(Found::Text(text.to_owned()))
    }
    fn visit_bool<E>(self, flag: bool) -> Result<Found, E> {
        Ok(Found::Flag(flag))
    }
    fn visit_i64<E>(self, number: i64) -> Result<Found, E> {
        Ok(Found::Number(number as f64))
    }
    fn visit_u64<E>(self, number: u64) -> Result<Found, E> {
        Ok(Found::Number(number as f64))
    }
    fn visit_f64<E>(self, number: f64) -> Result<Found, E> {
        Ok(Found::Number(number))
    }
    fn visit_unit<E>(self) -> Result<Found, E> {
        Ok(Found::Else)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Found, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Found::Else)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Found, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Found::Else)
    }
}
