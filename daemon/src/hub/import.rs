//! Taking in what another program has recorded: read from a pipe by a thread of its own, named as our own sensors would
//! name it, and handed to the vault's thread once all of it is here.
//!
//! Whoever gives it may be slow, stop in the middle, or say nonsense: then nothing is taken. The vault's thread never
//! waits for them. One import is under way at a time, and what it holds in memory is bounded.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read};
use std::os::fd::OwnedFd;
use std::sync::{Arc, mpsc};

use dwell_bus::{Failure, Kind, Reply, lines};
use dwell_core::aliases::Aliases;
use dwell_core::calendar::{Calendar, CivilDay};
use dwell_core::span::{Activity, Span};
use dwell_core::subject::{AppId, Domain, Subject};
use dwell_core::time::{Boot, Millis, Reading, Wall};
use dwell_desktop::AppNames;
use dwell_vault::{ImportError, Imported, Terms};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::Hub;
use crate::care::{OnProgress, failures, tell, work};
use crate::clock;
use crate::pipe::{Writer, pipe};
use crate::store::{Shelf, WeakStore, retention};

/// How long nothing may come before the giver is given up.
const STALLED_AFTER: Timespec = Timespec { tv_sec: 60, tv_nsec: 0 };
/// No honest line is longer, in bytes.
const LINE_MAX: u64 = 4096;
/// Spans that are held at most, of 16 bytes each: more than ten busy years.
const SPANS_MAX: usize = 8_000_000;
/// Different programs and sites at most.
const SUBJECTS_MAX: usize = 100_000;

impl Hub {
    /// Has a thread see to an import.
    pub(super) fn import(&self, spans: OwnedFd, dry_run: bool, reply: Reply<OwnedFd>) {
        let refuse = |reply: Reply<OwnedFd>, failure| _ = reply.send(Err(failure));
        if Arc::strong_count(&self.imports) > 1 {
            let failure = Failure::new(Kind::Failed, "another import is under way");
            return refuse(reply, failure.hint("try again when it is done"));
        }
        let calendar = *self.calendar();
        let now = clock::now();
        let today = self.count.today(now);
        // What is still seen as part of the day before is recorded nowhere yet.
        let over = if self.count.is_settled_before(today, now) { today } else { today.plus(-1) };
        let job = Job {
            naming: Naming { names: self.names.clone(), aliases: self.config.aliases.clone() },
            calendar,
            terms: Terms {
                today: over,
                keep_detail: retention(&self.config, today).keep_detail,
                held: &[],
                dry_run,
            },
            store: self.store.downgrade(),
            place: Arc::clone(&self.imports),
        };
        // Where there is no thread, what it would have run is gone, and with it the place for the answer.
        let spawned = std::thread::Builder::new().name("import".into()).spawn(move || job.run(spans, reply));
        if let Err(error) = spawned {
            tracing::warn!("no thread for an import: {error}");
        }
    }
}

struct Job {
    naming: Naming,
    calendar: Calendar,
    /// Without what is held: only the vault's thread knows that.
    terms: Terms<'static>,
    store: WeakStore,
    place: Arc<()>,
}

impl Job {
    fn run(self, spans: OwnedFd, reply: Reply<OwnedFd>) {
        let Some(writer) = self.begin(reply) else { return };
        let came = Came::read(BufReader::with_capacity(64 << 10, Patient(spans)), &self.naming, &writer);
        let Self { calendar, terms, store, place, .. } = self;
        // A daemon that stops takes nothing more; that the pipe ends without a last line says so.
        let Some(store) = store.upgrade() else { return };
        store.with(move |shelf| {
            let _ = tell(&writer, |progress| {
                let taken = came.and_then(|came| take(shelf, &came, &calendar, terms, progress));
                // Before the last line is written: whoever reads it may come again at once.
                drop(place);
                taken
            });
        });
    }

    /// Gives the pipe for the lines away, once the vault is known to be open.
    fn begin(&self, reply: Reply<OwnedFd>) -> Option<Writer> {
        let (ask, answer) = mpsc::channel();
        self.store.upgrade()?.with(move |shelf| _ = ask.send(shelf.open_vault().map(|_| ())));
        let ends = answer.recv().ok()?.and_then(|()| {
            pipe().map_err(|error| Failure::new(Kind::Failed, format!("the system gives no pipe: {error}")))
        });
        match ends {
            // Who asked may have left already: that is a stop as well.
            Ok((read, writer)) => reply.send(Ok(read)).is_ok().then_some(writer),
            Err(failure) => {
                let _ = reply.send(Err(failure));
                None
            }
        }
    }
}

fn take(
    shelf: &mut Shelf,
    came: &Came,
    calendar: &Calendar,
    terms: Terms<'_>,
    progress: OnProgress<'_>,
) -> Result<lines::Done, Failure> {
    let total = Days::of(came, calendar).fold(0, |days, _| days + 1);
    let days = Days::of(came, calendar);
    // It may have been locked since.
    let (vault, held) = shelf.open_vault_and_held()?;
    let imported = vault.import(days, total, Terms { held, ..terms }, progress).map_err(failed)?;
    if !terms.dry_run && imported.days > 0 {
        shelf.imported();
        let (days, spans) = (imported.days, imported.spans);
        tracing::info!(days, spans, "taken in what another program has recorded");
    }
    Ok(told(&imported))
}

fn told(imported: &Imported) -> lines::Done {
    let seconds = |ms: u64| (ms + 500) / 1000;
    lines::Done {
        days: Some(imported.days),
        spans: Some(imported.spans),
        seconds: Some(seconds(imported.taken_ms)),
        ends: imported.ends.map(|(first, last)| (first.to_string(), last.to_string())),
        left_out: Some(lines::LeftOut {
            known_seconds: seconds(imported.known_ms),
            later_seconds: seconds(imported.later_ms),
            unread_seconds: seconds(imported.unread_ms),
            expired_seconds: seconds(imported.expired_ms),
        }),
        ..work::done("import")
    }
}

fn failed(error: ImportError) -> Failure {
    match error {
        ImportError::Interrupted => {
            Failure::new(Kind::Failed, "it was interrupted").hint("nothing was taken")
        }
        ImportError::Write(error) => failures::write(&error),
        ImportError::Read(error) => failures::read(&error),
    }
}

/// How programs and sites are named.
struct Naming {
    names: AppNames,
    aliases: Aliases,
}

impl Naming {
    fn subject(&self, foreign: &lines::Foreign<'_>) -> Subject {
        let app: AppId = self.aliases.apply(&self.names.of_class(&foreign.app));
        // What is no site is not told: the program's time stays its own.
        let domain = foreign.domain.as_deref().and_then(|host| Domain::registrable(host).ok());
        Subject { app, domain }
    }
}

/// One span that came.
#[derive(Clone, Copy)]
struct Piece {
    at: i64,
    ms: u32,
    /// Which of the subjects.
    subject: u32,
}

/// All that came.
struct Came {
    pieces: Vec<Piece>,
    subjects: Vec<Subject>,
}

impl Came {
    fn read(mut from: impl BufRead, naming: &Naming, writer: &Writer) -> Result<Self, Failure> {
        let mut came = Self { pieces: Vec::new(), subjects: Vec::new() };
        let mut known: HashMap<Vec<u8>, u32> = HashMap::new();
        let mut line = Vec::new();
        loop {
            line.clear();
            let number = came.pieces.len() + 1;
            let length = (&mut from)
                .take(LINE_MAX)
                .read_until(b'\n', &mut line)
                .map_err(|error| unreadable(&error))?;
            if !line.ends_with(b"\n") {
                return Err(if length as u64 == LINE_MAX {
                    wrong(number, "it is too long")
                } else {
                    cut_off()
                });
            }
            if number.is_multiple_of(4096) && writer.is_closed() {
                return Err(cut_off());
            }
            if line.starts_with(b"{\"schema\"") {
                let end: lines::End =
                    serde_json::from_slice(&line).map_err(|_| wrong(number, "it is no end"))?;
                let all =
                    end.schema == lines::END && end.spans == came.pieces.len() as u64 && end.error.is_none();
                return if all { Ok(came) } else { Err(cut_off()) };
            }
            let foreign: lines::Foreign<'_> =
                serde_json::from_slice(&line).map_err(|_| wrong(number, "it is no span"))?;
            let end = |piece: &Piece| piece.at.checked_add(i64::from(piece.ms));
            if came.pieces.last().is_some_and(|last| end(last).is_none_or(|end| end > foreign.at)) {
                return Err(wrong(number, "it begins before the one before it has ended"));
            }
            if came.pieces.len() == SPANS_MAX {
                return Err(Failure::new(Kind::Invalid, format!("these are more than {SPANS_MAX} spans"))
                    .hint("take in a few years at a time; nothing was taken"));
            }
            let name = name_of(&foreign);
            let subject = match known.get(&name) {
                Some(subject) => *subject,
                None => {
                    let number =
                        u32::try_from(came.subjects.len()).ok().filter(|_| known.len() < SUBJECTS_MAX);
                    let number = number.ok_or_else(|| {
                        Failure::new(Kind::Invalid, "these are too many different programs and sites")
                            .hint("nothing was taken")
                    })?;
                    came.subjects.push(naming.subject(&foreign));
                    known.insert(name, number);
                    number
                }
            };
            came.pieces.push(Piece { at: foreign.at, ms: foreign.ms, subject });
        }
    }
}

/// What a subject was called, in one text: no name has a zero byte that is not also one of another.
fn name_of(foreign: &lines::Foreign<'_>) -> Vec<u8> {
    let domain = foreign.domain.as_deref().unwrap_or_default();
    [&(foreign.app.len() as u64).to_le_bytes()[..], foreign.app.as_bytes(), domain.as_bytes()].concat()
}

fn wrong(line: usize, why: &str) -> Failure {
    Failure::new(Kind::Invalid, format!("line {line} of what is to be taken in is wrong: {why}"))
        .hint("nothing was taken")
}

fn cut_off() -> Failure {
    Failure::new(Kind::Failed, "what was to be taken in was cut off").hint("nothing was taken")
}

fn unreadable(error: &io::Error) -> Failure {
    let message = match error.kind() {
        io::ErrorKind::TimedOut => "nothing more came of what was to be taken in".to_owned(),
        _ => format!("what was to be taken in cannot be read: {error}"),
    };
    Failure::new(Kind::Failed, message).hint("nothing was taken")
}

/// Reads from somebody who is given up where nothing comes for long.
struct Patient(OwnedFd);

impl Read for Patient {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let mut fds = [PollFd::new(&self.0, PollFlags::IN)];
            match poll(&mut fds, Some(&STALLED_AFTER)) {
                Ok(0) => return Err(io::ErrorKind::TimedOut.into()),
                Ok(_) => {}
                Err(Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            }
            match rustix::io::read(&self.0, &mut *into) {
                Err(Errno::INTR | Errno::AGAIN) => {}
                read => return read.map_err(io::Error::from),
            }
        }
    }
}

/// What came, day by day; spans are cut where days begin.
struct Days<'a> {
    came: &'a Came,
    calendar: &'a Calendar,
    next: usize,
    /// What is left of the piece before the next one: from when, how long, whose.
    rest: Option<(Wall, Millis, u32)>,
}

impl<'a> Days<'a> {
    const fn of(came: &'a Came, calendar: &'a Calendar) -> Self {
        Self { came, calendar, next: 0, rest: None }
    }

    fn take(&mut self) -> Option<(Wall, Millis, u32)> {
        self.rest.take().or_else(|| {
            let Piece { at, ms, subject } = *self.came.pieces.get(self.next)?;
            self.next += 1;
            Some((Wall::from_unix_ms(at), Millis::from_ms(u64::from(ms)), subject))
        })
    }
}

impl Iterator for Days<'_> {
    type Item = (CivilDay, Vec<Span>);

    fn next(&mut self) -> Option<Self::Item> {
        let first = self.take()?;
        let day = self.calendar.day_of(first.0);
        let end = self.calendar.end_of(day);
        self.rest = Some(first);
        let mut spans = Vec::new();
        while let Some((at, length, subject)) = self.take() {
            if at >= end && !spans.is_empty() {
                self.rest = Some((at, length, subject));
                break;
            }
            let within = end.since(at).filter(|within| *within < length && !within.is_zero());
            if let Some(within) = within {
                let after = Millis::from_ms(length.as_ms().saturating_sub(within.as_ms()));
                self.rest = Some((end, after, subject));
            }
            // Of an instant that no day holds, the last one counts: no clock was ever right there.
            let length = within.unwrap_or(length);
            let subject = self.came.subjects.get(usize::try_from(subject).ok()?)?.clone();
            let start = Reading::new(Boot::from_ms(0), at);
            spans.push(Span { start, length, activity: Activity::Focus(subject) });
            if self.rest.is_some() {
                break;
            }
        }
        Some((day, spans))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn naming() -> Naming {
        let mut aliases = Aliases::default();
        aliases.add("Other", "org.example.Other").unwrap();
        Naming { names: AppNames::new(&dwell_desktop::Surroundings::default()), aliases }
    }

    fn read(text: &str) -> Result<Came, String> {
        let (_reader, writer) = pipe().unwrap();
        Came::read(text.as_bytes(), &naming(), &writer).map_err(|failure| failure.to_string())
    }

    fn refused(text: &str) -> String {
        read(text).err().unwrap()
    }

    #[test]
    fn what_comes_is_named_as_sensors_would() {
        let came = read(
            "{\"at\":5,\"ms\":7,\"app\":\"other\"}\n{\"at\":12,\"ms\":1,\"app\":\" Fire\\u0007fox/x \",\"domain\":\"www.example.co.uk\"}\n\
             {\"at\":13,\"ms\":0,\"app\":\"other\",\"domain\":\"co.uk\"}\n{\"schema\":\"dwell.end/1\",\"spans\":3,\"damaged\":[]}\n",
        )
        .unwrap();
        let shown: Vec<_> = came
            .subjects
            .iter()
            .map(|subject| (subject.app.as_str(), subject.domain.as_ref().map(Domain::as_str)))
            .collect();
        assert_eq!(
            shown,
            [("org.example.Other", None), ("Firefox-x", Some("example.co.uk")), ("org.example.Other", None)]
        );
        assert_eq!(came.pieces.len(), 3);
    }

    #[test]
    fn nonsense_is_refused_whole() {
        let span = "{\"at\":5,\"ms\":7,\"app\":\"a\"}\n";
        let end = |spans| format!("{{\"schema\":\"dwell.end/1\",\"spans\":{spans},\"damaged\":[]}}\n");
        for (text, why) in [
            (String::new(), "cut off"),
            (span.to_owned(), "cut off"),
            (format!("{span}{}", end(2)), "cut off"),
            (format!("{span}{}", end(1).trim_end()), "cut off"),
            (format!("{span}{span}"), "line 2 of what is to be taken in is wrong: it begins before"),
            (
                format!("{span}{{\"at\":99,\"ms\":-1,\"app\":\"a\"}}\n"),
                "line 2 of what is to be taken in is wrong: it is no span",
            ),
            ("x".repeat(5000), "line 1 of what is to be taken in is wrong: it is too long"),
            (format!("{}{span}", span.replace(":5,", ":9223372036854775807,")), "line 2"),
            ("[[[[\n".to_owned(), "line 1"),
        ] {
            let said = refused(&text);
            assert!(said.contains(why), "{said}: {text}");
        }
        assert!(read(&format!("{span}{}", end(1))).is_ok());
    }

    proptest! {
        /// Every millisecond lies in the day that it is handed on with, and none is lost.
        #[test]
        fn days_hold_all_that_came(
            pieces in prop::collection::vec((0..100_000_000_u32, 0..200_000_000_u32), 0..20),
            start in 1_700_000_000_000_i64..1_800_000_000_000,
        ) {
            let calendar = Calendar::new("America/Santiago".parse().unwrap(), "04:00".parse().unwrap());
            let mut at = start;
            let mut came = Came { pieces: Vec::new(), subjects: vec![Subject::app(AppId::new("a").unwrap())] };
            for (pause, ms) in pieces {
                at += i64::from(pause);
                came.pieces.push(Piece { at, ms, subject: 0 });
                at += i64::from(ms);
            }
            let given: u64 = came.pieces.iter().map(|piece| u64::from(piece.ms)).sum();
            let (mut sum, mut last) = (0, None);
            for (day, spans) in Days::of(&came, &calendar) {
                prop_assert!(last.is_none_or(|last| last < day) && !spans.is_empty());
                last = Some(day);
                for span in spans {
                    prop_assert!(span.start.wall >= calendar.start_of(day) && span.end_wall() <= calendar.end_of(day));
                    sum += span.length.as_ms();
                }
            }
            prop_assert_eq!(sum, given);
        }
    }

    #[test]
    fn instants_that_no_day_holds_end() {
        for at in [i64::MIN, -1, 253_402_214_400_000, i64::MAX] {
            let calendar = Calendar::new("UTC".parse().unwrap(), "04:00".parse().unwrap());
            let came = Came {
                pieces: vec![Piece { at, ms: 9, subject: 0 }; 3],
                subjects: vec![Subject::app(AppId::new("a").unwrap())],
            };
            assert!(Days::of(&came, &calendar).count() <= 3);
        }
    }

    #[test]
    fn who_says_nothing_more_has_stopped() {
        let (read, write) = io::pipe().unwrap();
        drop(write);
        assert_eq!(Patient(read.into()).read(&mut [0; 8]).unwrap(), 0);
    }
}
