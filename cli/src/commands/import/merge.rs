//! What ActivityWatch's events mean: one thing after the other, and only while somebody was there.
//!
//! Windows, sites and presence are three accounts of one time. A later window ends an earlier one; a window counts while
//! any event says that the person was there; and a browser's window has the site that its extension told for that moment.
//! Pure: events in, spans out, one at a time, so that the spans of a year need no memory.
//!
//! The order in which events are given makes no difference, nor does an event that is given twice.

use dwell_core::browser;

use super::read::{Event, Events, NO_SITE, Names, Seen, Web};

/// What rounding to milliseconds can leave between two events that follow each other.
const ROUNDING_MS: i64 = 2;

/// One stretch of attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// Unix milliseconds.
    pub(super) at: i64,
    pub(super) ms: u32,
    pub(super) app: u32,
    pub(super) site: Option<u32>,
}

/// Time that does not count, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Dropped {
    /// Two windows at once: the later one counts.
    pub(super) overlapping_ms: u64,
    /// Nobody was there.
    pub(super) away_ms: u64,
}

/// Events in order, none of a kind overlapping another.
#[derive(Debug)]
pub(super) struct Account {
    windows: Vec<Event>,
    /// From when to when the person was there; `None`: nobody looked.
    present: Option<Vec<(i64, i64)>>,
    web: Vec<Web>,
    /// By the number of a program: the browser that it is.
    browsers: Vec<Option<&'static str>>,
    pub(super) apps: Names,
    pub(super) sites: Names,
    pub(super) seen: Seen,
    pub(super) dropped: Dropped,
}

impl Account {
    /// Puts events in order.
    pub(super) fn of(events: Events) -> Self {
        let Events { mut windows, present, mut web, apps, sites, seen } = events;
        // Numbers were given as names came up: which of two events counts must not hang on that.
        let (app_ranks, site_ranks) = (apps.ranks(), sites.ranks());
        sort(&mut windows, |event| (event.at, event.ms, rank(&app_ranks, event.what)));
        let overlapping_ms = ended_by_the_next(&mut windows, |event| event.ms > 0);
        for Web { events, .. } in &mut web {
            // Of one moment, that there is no site, or none that may be told, counts before anything else.
            sort(events, |event| (event.at, event.what == NO_SITE, event.ms, rank(&site_ranks, event.what)));
            // However short a page was seen, the one before it was not any more.
            ended_by_the_next(events, |_| true);
            events.retain(|event| event.what != NO_SITE);
        }
        let present = seen.has_afk.then(|| union(present));
        let browsers = apps.texts().map(browser::name_in).collect();
        let dropped = Dropped { overlapping_ms, away_ms: 0 };
        let mut account = Self { windows, present, web, browsers, apps, sites, seen, dropped };
        let all: u64 = account.windows.iter().map(|window| u64::from(window.ms)).sum();
        let there: u64 = account.windows_present().map(|window| u64::from(window.ms)).sum();
        account.dropped.away_ms = all - there;
        account
    }

    /// Whether there was any window at all.
    pub(super) const fn is_empty(&self) -> bool {
        self.windows.is_empty()
    }

    /// The spans, in the order of time.
    pub(super) fn spans(&self) -> impl Iterator<Item = Span> {
        let mut near = vec![0; self.web.len()];
        let pieces = self.windows_present().flat_map(move |window| self.pieces(window, &mut near));
        Joined { pieces, last: None }
    }

    /// The windows, cut to when the person was there.
    fn windows_present(&self) -> impl Iterator<Item = Event> {
        let mut near = 0;
        self.windows.iter().flat_map(move |window| {
            let mut found = Vec::new();
            match &self.present {
                None => found.push(*window),
                Some(present) => {
                    while present.get(near).is_some_and(|(_, end)| *end <= window.at) {
                        near += 1;
                    }
                    let within = present.iter().skip(near).take_while(|(at, _)| *at < window.end());
                    found.extend(within.map(|(at, end)| cut(*window, *at, *end)));
                }
            }
            found
        })
    }

    /// A window as spans: of a browser, with the sites that it showed.
    fn pieces(&self, window: Event, near: &mut [usize]) -> Vec<Span> {
        let browser = usize::try_from(window.what).ok().and_then(|app| *self.browsers.get(app)?);
        let mut free = vec![window];
        let mut spans = Vec::new();
        for (web, near) in self.web.iter().zip(near) {
            let speaks = browser.is_some_and(|name| web.browsers.is_empty() || web.browsers.contains(&name));
            if !speaks {
                continue;
            }
            while web.events.get(*near).is_some_and(|event| event.end() <= window.at) {
                *near += 1;
            }
            let mut left = Vec::new();
            for piece in free {
                let mut at = piece.at;
                for event in web.events.iter().skip(*near).take_while(|event| event.at < piece.end()) {
                    let shown = cut(piece, event.at.max(at), event.end());
                    if shown.ms == 0 {
                        continue;
                    }
                    if shown.at > at {
                        left.push(cut(piece, at, shown.at));
                    }
                    spans.push(Span { at: shown.at, ms: shown.ms, app: window.what, site: Some(event.what) });
                    at = shown.end();
                }
                if at < piece.end() {
                    left.push(cut(piece, at, piece.end()));
                }
            }
            free = left;
        }
        spans.extend(free.into_iter().map(|Event { at, ms, what }| Span { at, ms, app: what, site: None }));
        spans.sort_unstable_by_key(|span| span.at);
        spans
    }
}

/// What of an event lies between two instants.
fn cut(event: Event, from: i64, to: i64) -> Event {
    let (at, end) = (event.at.max(from), event.end().min(to));
    Event { at, ms: u32::try_from(end.saturating_sub(at)).unwrap_or(0), ..event }
}

/// Where the name of a number stands among all names in the order of the alphabet.
fn rank(ranks: &[u32], what: u32) -> u32 {
    usize::try_from(what).ok().and_then(|what| ranks.get(what).copied()).unwrap_or(u32::MAX)
}

/// Sorts, and leaves one of events that are the same.
fn sort<K: Ord>(events: &mut Vec<Event>, key: impl Fn(&Event) -> K) {
    // In place: a copy of years of events would cost as much memory again.
    if !events.is_sorted_by_key(&key) {
        // Exports have the latest first.
        events.reverse();
        if !events.is_sorted_by_key(&key) {
            events.sort_unstable_by_key(key);
        }
    }
    events.dedup();
}

/// Lets each event end where the next one begins that ends others. How many milliseconds that took away.
fn ended_by_the_next(events: &mut Vec<Event>, ends_others: impl Fn(&Event) -> bool) -> u64 {
    let mut away = 0;
    let mut next = i64::MAX;
    for event in events.iter_mut().rev() {
        let ends = ends_others(event);
        let room = u32::try_from(next.saturating_sub(event.at)).unwrap_or(u32::MAX);
        away += u64::from(event.ms.saturating_sub(room));
        event.ms = event.ms.min(room);
        if ends {
            next = event.at;
        }
    }
    events.retain(|event| event.ms > 0);
    away
}

/// The stretches that any of the events covers, from when to when, in order.
fn union(mut events: Vec<Event>) -> Vec<(i64, i64)> {
    events.sort_unstable_by_key(|event| event.at);
    let mut union: Vec<(i64, i64)> = Vec::new();
    for event in events.iter().filter(|event| event.ms > 0) {
        match union.last_mut() {
            Some((_, end)) if *end >= event.at => *end = event.end().max(*end),
            _ => union.push((event.at, event.end())),
        }
    }
    union
}

/// Spans of one subject that follow each other are one.
struct Joined<I> {
    pieces: I,
    last: Option<Span>,
}

impl<I: Iterator<Item = Span>> Iterator for Joined<I> {
    type Item = Span;

    fn next(&mut self) -> Option<Span> {
        loop {
            let Some(next) = self.pieces.next() else { return self.last.take() };
            let Some(last) = &mut self.last else {
                self.last = Some(next);
                continue;
            };
            let end = last.at + i64::from(last.ms);
            let ms = u32::try_from(next.at + i64::from(next.ms) - last.at).ok();
            let same = (last.app, last.site) == (next.app, next.site) && next.at - end <= ROUNDING_MS;
            match ms.filter(|_| same) {
                Some(ms) => last.ms = ms,
                None => return self.last.replace(next),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn account(
        windows: &[(i64, u32, &str)],
        afk: Option<&[(i64, u32, bool)]>,
        web: &[(i64, u32, &str)],
    ) -> Account {
        let mut events = Events::default();
        for (at, ms, app) in windows {
            let what = events.apps.number(app).unwrap();
            events.windows.push(Event { at: *at, ms: *ms, what });
        }
        events.seen.has_afk = afk.is_some();
        let there = afk.unwrap_or_default().iter().filter(|(_, _, there)| *there);
        events.present.extend(there.map(|(at, ms, _)| Event { at: *at, ms: *ms, what: 0 }));
        let mut sites = Vec::new();
        for (at, ms, site) in web {
            let what = if site.is_empty() { NO_SITE } else { events.sites.number(site).unwrap() };
            sites.push(Event { at: *at, ms: *ms, what });
        }
        events.web.push(Web { browsers: &["Firefox"], events: sites });
        Account::of(events)
    }

    fn told(account: &Account) -> String {
        let spans = account.spans().map(|span| {
            let site = span.site.map_or("-", |site| account.sites.text(site));
            format!("{}+{} {} {site}", span.at, span.ms, account.apps.text(span.app))
        });
        spans.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_later_event_ends_an_earlier_one_in_any_order() {
        let windows =
            [(0, 100, "a"), (50, 30, "b"), (70, 20, "a"), (90, 10, "a"), (101, 5, "a"), (109, 1, "a")];
        let wanted = "0+50 a\n50+20 b\n70+36 a\n109+1 a".replace('\n', " -\n") + " -";
        let sorted = account(&windows, None, &[]);
        assert_eq!(told(&sorted), wanted);
        assert_eq!(sorted.dropped, Dropped { overlapping_ms: 60, away_ms: 0 });
        let mut turned = windows;
        turned.reverse();
        assert_eq!(told(&account(&turned, None, &[])), wanted);
        turned.swap(0, 3);
        assert_eq!(told(&account(&turned, None, &[])), wanted);
        // The same file twice.
        let twice = account(&[windows, windows].concat(), None, &[]);
        assert_eq!(told(&twice), wanted);
    }

    #[test]
    fn only_time_with_somebody_there_counts() {
        // Whoever is said to be there is, whatever else is said of that moment.
        let afk =
            [(40, 100, true), (10, 20, true), (30, 10, false), (60, 10, false), (40, 5, true), (12, 3, true)];
        let there = account(&[(0, 50, "a"), (50, 20, "b")], Some(&afk), &[]);
        assert_eq!(told(&there), "10+20 a -\n40+10 a -\n50+20 b -");
        assert_eq!(there.dropped.away_ms, 70 - 50);
        // A bucket without events says that nobody was there.
        assert_eq!(told(&account(&[(0, 50, "a")], Some(&[]), &[])), "");
    }

    #[test]
    fn a_browser_has_the_site_of_its_own_extension() {
        let web = [(0, 10, "x.example"), (20, 50, "y.example"), (30, 5, ""), (90, 50, "x.example")];
        let windows = [(0, 40, "firefox"), (40, 20, "code"), (60, 20, "Chromium"), (80, 20, "Firefox-esr")];
        assert_eq!(
            told(&account(&windows, None, &web)),
            "0+10 firefox x.example\n10+10 firefox -\n20+10 firefox y.example\n30+10 firefox -\n40+20 code -\n\
             60+20 Chromium -\n80+10 Firefox-esr -\n90+10 Firefox-esr x.example"
        );
    }

    #[test]
    fn a_page_that_is_not_told_ends_the_one_before_it() {
        // From 20 on a private window, from 45 on for a moment only, from 60 on together with a site.
        let web = [
            (0, 40, "x.example"),
            (20, 5, ""),
            (40, 15, "y.example"),
            (45, 0, ""),
            (60, 20, "z.example"),
            (60, 1, ""),
        ];
        let windows = [(0, 80, "firefox")];
        let wanted = "0+20 firefox x.example\n20+20 firefox -\n40+5 firefox y.example\n45+35 firefox -";
        assert_eq!(told(&account(&windows, None, &web)), wanted);
    }

    fn any_events() -> impl Strategy<Value = Vec<(i64, u32, u32)>> {
        prop::collection::vec((0..300_i64, 0..60_u32, 0..4_u32), 0..40)
    }

    proptest! {
        /// Spans come in order without overlap, hold what was there and nothing else, and what is dropped adds up.
        #[test]
        fn spans_are_the_windows_that_somebody_saw(
            windows in any_events(), afk in prop::option::of(any_events()), web in any_events(),
        ) {
            let apps = ["firefox", "code", "chromium", "a"];
            let windows: Vec<_> = windows.into_iter().map(|(at, ms, app)| (at, ms, apps[app as usize])).collect();
            let afk = afk.map(|afk| afk.into_iter().map(|(at, ms, there)| (at, ms, there > 1)).collect::<Vec<_>>());
            let sites = ["", "x.example", "y.example", "z.example"];
            let web: Vec<_> = web.into_iter().map(|(at, ms, site)| (at, ms, sites[site as usize])).collect();
            let account = account(&windows, afk.as_deref(), &web);
            let spans: Vec<Span> = account.spans().collect();
            for pair in spans.windows(2) {
                prop_assert!(pair[0].at + i64::from(pair[0].ms) <= pair[1].at);
            }
            // What is given twice is one.
            let different: std::collections::BTreeSet<_> = windows.iter().collect();
            let given: u64 = different.iter().map(|(_, ms, _)| u64::from(*ms)).sum();
            let came: u64 = spans.iter().map(|span| u64::from(span.ms)).sum();
            let lost = account.dropped.overlapping_ms + account.dropped.away_ms;
            // Joining fills what rounding leaves.
            prop_assert!(came + lost >= given && came + lost <= given + 2 * spans.len() as u64 * 40);
            for span in &spans {
                prop_assert!(span.ms > 0);
                let inside = |at: i64| windows.iter().any(|(from, ms, _)| (*from..from + i64::from(*ms)).contains(&at));
                prop_assert!(inside(span.at));
                if span.site.is_some() {
                    prop_assert_eq!(account.apps.text(span.app), "firefox");
                }
            }
        }

        /// The same events in any order, and some of them twice, mean the same; so do those of presence in pieces. What
        /// counts is what some event of presence covers.
        #[test]
        fn how_events_are_given_makes_no_difference(
            windows in any_events(), afk in any_events(), web in any_events(),
            again in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
            places in prop::collection::vec(any::<u32>(), 64),
            cuts in prop::collection::vec(0..60_u32, 64),
        ) {
            let named = |events: &[(i64, u32, u32)], names: [&'static str; 4]| -> Vec<_> {
                events.iter().map(|(at, ms, what)| (*at, *ms, names[*what as usize])).collect()
            };
            let (apps, sites) = (["firefox", "code", "chromium", "a"], ["", "x.example", "y.example", "z.example"]);
            let there = |events: &[(i64, u32, u32)]| -> Vec<_> {
                events.iter().map(|(at, ms, there)| (*at, *ms, *there > 1)).collect()
            };
            let whole = account(&named(&windows, apps), Some(&there(&afk)), &named(&web, sites));
            let shuffled = |mut events: Vec<(i64, u32, u32)>| {
                if !events.is_empty() {
                    let twice: Vec<_> = again.iter().map(|index| *index.get(&events)).collect();
                    events.extend(twice);
                }
                let mut placed: Vec<_> = places.iter().zip(events).collect();
                placed.sort_by_key(|(place, _)| **place);
                placed.into_iter().map(|(_, event)| event).collect::<Vec<_>>()
            };
            let in_pieces: Vec<_> = afk
                .iter()
                .zip(&cuts)
                .flat_map(|((at, ms, there), cut)| {
                    let cut = *cut.min(ms);
                    [(at + i64::from(cut), ms - cut, *there), (*at, cut, *there)]
                })
                .collect();
            let mut in_pieces = in_pieces;
            in_pieces.extend(again.iter().filter(|_| !afk.is_empty()).map(|index| *index.get(&afk)));
            let (windows, web) = (shuffled(windows), shuffled(web));
            let other = account(&named(&windows, apps), Some(&there(&in_pieces)), &named(&web, sites));
            prop_assert_eq!(told(&whole), told(&other));
            prop_assert_eq!(whole.dropped, other.dropped);
            let present = |at: i64| {
                afk.iter().any(|(from, ms, there)| *there > 1 && (*from..from + i64::from(*ms)).contains(&at))
            };
            let sum: u64 = whole.windows_present().map(|window| u64::from(window.ms)).sum();
            let mut seen = 0;
            for window in &whole.windows {
                seen += (window.at..window.end()).filter(|at| present(*at)).count() as u64;
            }
            prop_assert_eq!(sum, seen);
            for window in whole.windows_present() {
                prop_assert!((window.at..window.end()).all(present));
            }
        }
    }
}
