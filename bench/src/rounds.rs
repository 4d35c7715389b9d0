//! The measuring: both stores in turns, the same spans, and the middle of several rounds.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use dwell_core::calendar::CivilDay;
use dwell_core::span::Span;
use dwell_core::subject::{Domain, Subject};

use crate::data::History;
use crate::measure::{self, Written, cpu_of, median, spread, time_of};
use crate::ours::{Ours, sum_day};
use crate::plain::Plain;
use crate::table::{Bar, Table, Unit};
use crate::{Options, child};

const TMPFS: &str = "/dev/shm";

/// Measures one size of history and prints its table; whether all bars are kept.
pub(crate) fn measure(years: i32, options: &Options) -> bool {
    let days = years * 365;
    let history = History::of_days(days);
    // Processor time is measured where no disk can disturb it, all else on the disk.
    let memory = tempfile::Builder::new().prefix("dwell-bench-").tempdir_in(TMPFS).unwrap();
    let disk = tempfile::Builder::new().prefix("dwell-bench-").tempdir_in(&options.dir).unwrap();
    remove_on_panic(&[memory.path(), disk.path()]);
    eprintln!("dwell-bench: making {years} y of history twice");
    let (ours_bytes, plain_bytes, spans) = build(&history, memory.path());
    let rolled = memory.path().join("p");
    measure::copy(&memory.path().join("plain"), &rolled);
    Plain::open(&rolled).add_rollup();
    for store in ["plain", "p", "ours"] {
        measure::copy(&memory.path().join(store), &disk.path().join(store));
    }
    // Else the kernel would write the copies back while commits are timed.
    measure::drop_cache(disk.path());
    let rounds = if options.quick { 3 } else { 9 };
    let mut table = Table::start(&format!(
        "{years} y: {days} days, {spans} spans ({} a day), medians of {rounds} rounds",
        spans / days.unsigned_abs() as usize
    ));
    eprintln!("dwell-bench: commits");
    let noise = commits(&history, memory.path(), rounds, &mut table);
    writes(&history, disk.path(), rounds, &mut table);
    let per_day = |bytes: u64| bytes as f64 / f64::from(days);
    table.line("size, a day", Unit::Kibi, per_day(ours_bytes), Some(per_day(plain_bytes)), Bar::Times(0.9));
    eprintln!("dwell-bench: reports");
    reports(&history, memory.path(), years, rounds, &mut table);
    delays(&history, memory.path(), rounds, &mut table);
    cold(disk.path(), days, rounds, &mut table);
    let peak = |store| {
        let mut peaks: Vec<f64> = (0..3)
            .map(|round| child::ask("memory", store, &memory.path().join(store), days, round))
            .collect();
        median(&mut peaks)
    };
    let (ours, plain) = (peak("ours"), peak("plain"));
    table.line("peak memory", Unit::Mebi, ours, Some(plain), Bar::More(2.0 * 1024.0 * 1024.0));
    rotate(disk.path(), years, &mut table);
    println!("\nNoise (middle half of the rounds, plain commit CPU): ±{:.0} %.", noise * 50.0);
    println!(
        "Written: bytes given to write calls over whole days, checkpoints of the log, tip and sealing included; \
         dirty pages are what of it the disk gets, in steps of 4 KiB, when commits follow each other at once."
    );
    table.good()
}

/// A panic aborts here, and would leave hundreds of megabytes behind.
fn remove_on_panic(folders: &[&Path]) {
    let folders: Vec<_> = folders.iter().map(|folder| folder.to_path_buf()).collect();
    let show = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        show(panic);
        for folder in &folders {
            let _ = std::fs::remove_dir_all(folder);
        }
    }));
}

/// Makes both stores; returns their bytes and the number of spans.
pub(crate) fn build(history: &History, folder: &Path) -> (u64, u64, usize) {
    for store in ["plain", "ours"] {
        std::fs::create_dir(folder.join(store)).unwrap();
    }
    let mut plain = Plain::open(&folder.join("plain"));
    let mut ours = Ours::open(&folder.join("ours"));
    let mut count = 0;
    for day in history.days() {
        let spans = history.spans(day);
        count += spans.len();
        plain.append_all(&spans);
        ours.append_all(day, &spans);
        ours.seal_before(day.plus(1));
    }
    (ours.close(), plain.close(), count)
}

/// A day of spans for a round, later than all before.
fn day(history: &History, round: i32) -> (CivilDay, Vec<Span>) {
    let day = History::coming(round);
    (day, history.spans(day))
}

/// CPU of one commit and of one sealing. Returns how noisy it was.
fn commits(history: &History, folder: &Path, rounds: i32, table: &mut Table) -> f64 {
    let mut plain = Plain::open(&folder.join("plain"));
    let mut ours = Ours::open(&folder.join("ours"));
    let (mut plain_ns, mut ours_ns, mut seal_ns) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        let (day, spans) = day(history, round);
        let count = spans.len() as f64;
        let mut a = || {
            plain_ns.push(cpu_of(|| spans.iter().for_each(|span| plain.append(span))) / count);
        };
        let mut b = || {
            ours_ns.push(cpu_of(|| spans.iter().for_each(|span| ours.append(day, span))) / count);
        };
        if round % 2 == 0 {
            a();
            b();
        } else {
            b();
            a();
        }
        seal_ns.push(cpu_of(|| ours.seal_before(day.plus(1))));
    }
    let noise = spread(&mut plain_ns);
    table.line(
        "commit, CPU",
        Unit::Micros,
        median(&mut ours_ns),
        Some(median(&mut plain_ns)),
        Bar::Times(1.5),
    );
    table.line("sealing a day, CPU", Unit::Millis, median(&mut seal_ns), None, Bar::None);
    ours.close();
    plain.close();
    noise
}

/// Bytes written and time of commits that reach the disk, a whole day with its sealing at a time.
fn writes(history: &History, folder: &Path, rounds: i32, table: &mut Table) {
    let mut plain = Plain::open(&folder.join("plain"));
    let mut ours = Ours::open(&folder.join("ours"));
    let (mut plain_ns, mut ours_ns) = (Vec::new(), Vec::new());
    let zero = || Written { given: 0, dirtied: 0 };
    let (mut plain_bytes, mut row_bytes, mut seal_bytes) = (zero(), zero(), zero());
    let mut count = 0;
    for round in 0..rounds {
        let (day, spans) = day(history, round);
        count += spans.len();
        // In turns of 50, so that a disk that is slow for a while is slow for both.
        for spans in spans.chunks(50) {
            let before = Written::now();
            plain_ns.extend(spans.iter().map(|span| time_of(|| plain.append(span))));
            let between = Written::now();
            ours_ns.extend(spans.iter().map(|span| time_of(|| ours.append(day, span))));
            let after = Written::now();
            plain_bytes.add(between.since(before));
            row_bytes.add(after.since(between));
        }
        let before = Written::now();
        ours.seal_before(day.plus(1));
        seal_bytes.add(Written::now().since(before));
    }
    let each = |bytes: u64| bytes as f64 / count as f64;
    let all = row_bytes.given + seal_bytes.given;
    table.line("written a span", Unit::Bytes, each(all), Some(each(plain_bytes.given)), Bar::Times(1.1));
    table.line(
        "… by commits alone",
        Unit::Bytes,
        each(row_bytes.given),
        Some(each(plain_bytes.given)),
        Bar::None,
    );
    let dirtied = row_bytes.dirtied + seal_bytes.dirtied;
    table.line("… as dirty pages", Unit::Bytes, each(dirtied), Some(each(plain_bytes.dirtied)), Bar::None);
    table.line(
        "commit, p50 with fsync",
        Unit::Micros,
        median(&mut ours_ns),
        Some(median(&mut plain_ns)),
        Bar::Times(1.15),
    );
    ours.close();
    plain.close();
}

/// Totals and scans.
fn reports(history: &History, folder: &Path, years: i32, rounds: i32, table: &mut Table) {
    let plain = Plain::open(&folder.join("plain"));
    let rolled = Plain::open(&folder.join("p"));
    let mut ours = Ours::open(&folder.join("ours"));
    let (from, to) = (history.first(), History::coming(0));
    assert_eq!(ours.scan(from, to), ours.read(from, to));
    let (by_ours, by_plain, by_rollup) = (ours.scan(from, to), plain.scan(from, to), rolled.totals(from, to));
    assert_eq!(by_plain, by_rollup);
    for (name, ms) in &by_ours {
        assert_eq!(*ms, plain.of_name(&by_plain, name), "the stores disagree");
    }
    assert_eq!(by_ours.values().sum::<u64>(), by_plain.iter().sum::<u64>(), "the stores disagree");
    let totals = ours.totals(from, to);
    let summed = |text: &str| {
        let of = |named: Option<&str>| named == Some(text);
        let it = |subject: &Subject| {
            of(Some(subject.app.as_str())) || of(subject.domain.as_ref().map(Domain::as_str))
        };
        totals.subjects.iter().filter(|(subject, _)| it(subject)).map(|(_, used)| used.ms).sum::<u64>()
    };
    for (name, ms) in &by_ours {
        assert_eq!(*ms, summed(name), "the totals are not the sum of the spans");
    }
    let (mut scan_ours, mut scan_plain, mut named) = (Vec::new(), Vec::new(), Vec::new());
    let (mut totals_ours, mut totals_plain) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        scan_plain.push(time_of(|| assert!(!plain.scan(from, to).is_empty())));
        scan_ours.push(time_of(|| assert!(!ours.scan(from, to).is_empty())));
        named.push(time_of(|| assert!(!ours.read(from, to).is_empty())));
        totals_ours.push(time_of(|| assert!(!ours.totals(from, to).subjects.is_empty())));
        totals_plain.push(time_of(|| assert!(!rolled.totals(from, to).is_empty())));
    }
    let (ours_ns, plain_ns) = (median(&mut totals_ours), median(&mut totals_plain));
    let most = if years == 1 { 1e6 } else { 2e6 };
    table.line("totals, warm", Unit::Millis, ours_ns, None, Bar::AtMost(most));
    if years == 1 {
        table.line("… against a rollup table", Unit::Millis, ours_ns, Some(plain_ns), Bar::Times(0.15));
    } else {
        table.line("… against a rollup table", Unit::Millis, ours_ns, Some(plain_ns), Bar::None);
    }
    let plain_ns = median(&mut scan_plain);
    let scan = median(&mut scan_ours);
    table.line("scan of all spans", Unit::Millis, scan, Some(plain_ns), Bar::Times(0.75));
    table.line("… with names each", Unit::Millis, median(&mut named), Some(plain_ns), Bar::None);
}

/// The 99th percentile and the worst of some commits' times.
fn tail(spans: &[Span], mut commit: impl FnMut(&Span)) -> (f64, f64) {
    let mut times: Vec<f64> = spans.iter().map(|span| time_of(|| commit(span))).collect();
    times.sort_by(f64::total_cmp);
    (times[times.len() * 99 / 100], times[times.len() - 1])
}

/// How much longer commits take while another thread reads all spans, over and over. Without a disk, whose syncs vary by
/// more than what is looked for.
fn delays(history: &History, folder: &Path, rounds: i32, table: &mut Table) {
    // The quietest day has twice as many.
    const COMMITS: usize = 120;
    let mut ours = Ours::open(&folder.join("ours"));
    let (from, to) = (history.first(), History::coming(0));
    let (mut p99, mut worst) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let (day, spans) = day(history, 100 + round);
        // A day's first rows cost more: its key, and most names.
        let (first, spans) = spans.split_at(COMMITS / 3);
        first.iter().for_each(|span| ours.append(day, span));
        let alone = tail(&spans[..COMMITS], |span| ours.append(day, span));
        let reader = ours.reader();
        let done = AtomicBool::new(false);
        let beside = std::thread::scope(|scope| {
            let done = &done;
            scope.spawn(move || {
                let mut sums = HashMap::new();
                let mut at = from;
                while !done.load(Ordering::Relaxed) {
                    let until = at.plus(29);
                    reader.scan(at..=until, |day| sum_day(&mut sums, &day)).unwrap();
                    at = if until < to { until.plus(1) } else { from };
                }
            });
            let beside = tail(&spans[COMMITS..2 * COMMITS], |span| ours.append(day, span));
            done.store(true, Ordering::Relaxed);
            beside
        });
        p99.push(beside.0 - alone.0);
        worst.push(beside.1 - alone.1);
        ours.seal_before(day.plus(1));
    }
    let most = Bar::AtMost(5e6);
    table.line("commit beside a scan, p99: more", Unit::Micros, median(&mut p99), None, most);
    table.line("… worst of 120: more", Unit::Micros, median(&mut worst), None, most);
    ours.close();
}

/// Totals in a fresh process, of files that the kernel holds nothing of; its own opening included.
fn cold(folder: &Path, days: i32, rounds: i32, table: &mut Table) {
    let time = |store, of: &str| {
        let mut times: Vec<f64> = (0..rounds)
            .map(|round| {
                measure::drop_cache(folder);
                child::ask("cold", store, &folder.join(of), days, round)
            })
            .collect();
        median(&mut times)
    };
    let bar = if days > 365 { Bar::AtMost(50e6) } else { Bar::None };
    table.line("totals, cold", Unit::Millis, time("ours", "ours"), Some(time("plain", "p")), bar);
    table.line("… of which opening", Unit::Millis, time("opening", "ours"), None, Bar::None);
}

/// New keys for everything.
fn rotate(folder: &Path, years: i32, table: &mut Table) {
    let mut ours = Ours::open(&folder.join("ours"));
    let mut times: Vec<f64> = (0..3).map(|_| time_of(|| ours.rotate())).collect();
    let bar = if years > 1 { Bar::AtMost(1e9) } else { Bar::None };
    table.line("re-encryption", Unit::Millis, median(&mut times), None, bar);
    ours.close();
}
