//! What dwelld costs while nothing happens: one window in focus, nobody types, and a minute passes.
//!
//! Two daemons on two beds of each kind run side by side: one is left alone and read from `/proc` before and after,
//! the other runs under strace, which shows every timer that expires and would spoil all other figures.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark prints, and fails loudly"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::ExitCode;
use std::time::Duration;

use dwell_tests::clock::{Stamp, let_pass};
use dwell_tests::{Bed, Kind, Window, machine, say_panics_plainly};

/// What starting costs is over after this time: threads that only starting needed have ended, and the first checkpoint,
/// for which the vault makes its journal file, is written.
const SETTLE: Duration = Duration::from_secs(35);

/// What a quiet minute may cost.
const EXPIRIES_A_MINUTE: u64 = 2;
const SWITCHES_A_MINUTE: u64 = 12;
const CPU_MS_A_MINUTE: f64 = 10.0;
const RSS_MB: f64 = 15.0;

fn main() -> ExitCode {
    say_panics_plainly("quiet");
    let Some(seconds) = seconds(std::env::args().skip(1)) else {
        eprintln!("quiet: usage: quiet [--seconds N], N from 1 to 3600");
        return ExitCode::from(2);
    };
    println!(
        "dwelld on a quiet desktop, one window in focus, {seconds} s ({})",
        machine::built("dwelld").display()
    );
    println!();
    let bars = Bars::over(seconds);
    println!("| desktop | timer expiries | voluntary switches | CPU ms | RSS MB | PSS MB | |");
    println!("|---|---:|---:|---:|---:|---:|---|");
    println!("| *at most* | {} | {} | {:.1} | {RSS_MB} | | |", bars.expiries, bars.switches, bars.cpu_ms);
    let mut good = true;
    let mut measured = 0;
    // Side by side: each figure is one process's own, and an idle desktop leaves the processor alone.
    let costs = std::thread::scope(|scope| {
        let beds: Vec<_> =
            Kind::DESKTOPS.iter().map(|kind| (*kind, scope.spawn(|| measure(*kind, seconds)))).collect();
        let cost = |bed: std::thread::ScopedJoinHandle<'_, _>| bed.join().expect("a measurement");
        beds.into_iter().map(|(kind, bed)| (kind.name(), cost(bed))).collect::<Vec<_>>()
    });
    for (name, cost) in costs {
        match cost {
            Ok(cost) => {
                let pass = cost.is_within(&bars);
                good &= pass;
                measured += 1;
                let verdict = match (pass, cost.expiries) {
                    (false, _) => "**FAIL**",
                    (true, None) => "expiries not measured, else pass",
                    (true, Some(_)) => "pass",
                };
                println!("| {name} | {} | {verdict} |", cost.columns());
            }
            Err(why) => machine::cannot_run(&format!("the quiet desktop on {name}"), &why),
        }
    }
    if good && measured > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn seconds(mut arguments: impl Iterator<Item = String>) -> Option<u64> {
    match (arguments.next().as_deref(), arguments.next(), arguments.next()) {
        (None, ..) => Some(60),
        (Some("--seconds"), Some(number), None) => {
            number.parse().ok().filter(|seconds| (1..=3600).contains(seconds))
        }
        _ => None,
    }
}

/// The bars for so many seconds; what happens by the minute is rounded up.
struct Bars {
    expiries: u64,
    switches: u64,
    cpu_ms: f64,
}

impl Bars {
    fn over(seconds: u64) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "an hour of seconds is exact")]
        let minutes = seconds as f64 / 60.0;
        Bars {
            expiries: (EXPIRIES_A_MINUTE * seconds).div_ceil(60),
            switches: (SWITCHES_A_MINUTE * seconds).div_ceil(60),
            cpu_ms: CPU_MS_A_MINUTE * minutes,
        }
    }
}

/// What a quiet stretch of time cost.
struct Cost {
    /// None where there is no strace.
    expiries: Option<u64>,
    switches: u64,
    cpu_ms: f64,
    rss_mb: f64,
    /// None where the kernel does not tell.
    pss_mb: Option<f64>,
}

impl Cost {
    fn is_within(&self, bars: &Bars) -> bool {
        self.expiries.is_none_or(|expiries| expiries <= bars.expiries)
            && self.switches <= bars.switches
            && self.cpu_ms < bars.cpu_ms
            && self.rss_mb <= RSS_MB
    }

    fn columns(&self) -> String {
        let expiries = self.expiries.map_or("?".to_owned(), |expiries| expiries.to_string());
        let pss = self.pss_mb.map_or("?".to_owned(), |pss| format!("{pss:.1}"));
        format!("{expiries} | {} | {:.1} | {:.1} | {pss}", self.switches, self.cpu_ms, self.rss_mb)
    }
}

fn measure(kind: Kind, seconds: u64) -> Result<Cost, String> {
    let (alone, _window) = quiet_bed(kind)?;
    let daemon = alone.daemon();
    alone.wait_for_dwell_to_see("AppA");

    let traced = if machine::program("strace").is_some() {
        let (bed, window) = quiet_bed(kind)?;
        let log = bed.place().log("strace").display().to_string();
        let calls = "trace=timerfd_create,close,read,epoll_wait,epoll_pwait,epoll_pwait2,poll,ppoll,futex,clock_nanosleep,nanosleep";
        // Without --seccomp-bpf, which would show nothing of threads that install a filter of their own; and without
        // -y, which only root's strace can do: dwelld shows its descriptors to nobody else.
        let strace = ["strace", "-f", "-ttt", "-e", calls, "-o", &log];
        let daemon = bed.try_daemon_under(&strace, &[]).map_err(|refusal| refusal.stderr)?;
        bed.wait_for_dwell_to_see("AppA");
        Some((bed, window, daemon, log))
    } else {
        machine::cannot_run("counting timer expiries", "strace is not installed");
        None
    };

    let_pass(SETTLE);
    let from = Stamp::now();
    let before = Usage::of(daemon.pid());
    let_pass(Duration::from_secs(seconds));
    let after = Usage::of(daemon.pid());
    let to = Stamp::now();

    let expiries = traced.map(|(bed, window, daemon, log)| {
        // strace writes the rest when its daemon ends.
        drop((daemon, window));
        let trace = fs::read_to_string(&log).expect("what strace wrote");
        drop(bed);
        expiries(&whole_calls(&trace), from.wall_ms, to.wall_ms)
    });
    let (switches, cpu_ns) = after.since(&before);
    #[expect(clippy::cast_precision_loss, reason = "a minute's nanoseconds of a quiet process are exact")]
    let cpu_ms = cpu_ns as f64 / 1e6;
    Ok(Cost {
        expiries,
        switches,
        cpu_ms,
        rss_mb: kilobytes(daemon.pid(), "status", "VmRSS:").expect("the size of the daemon") / 1024.0,
        pss_mb: kilobytes(daemon.pid(), "smaps_rollup", "Pss:").map(|pss| pss / 1024.0),
    })
}

fn quiet_bed(kind: Kind) -> Result<(Bed, Window), String> {
    let bed = Bed::try_start(kind)?;
    let window = bed.open("AppA", "alpha");
    Ok((bed, window))
}

/// What each thread of a process has used so far: voluntary switches and nanoseconds of CPU, by thread id.
struct Usage(BTreeMap<String, (u64, u64)>);

impl Usage {
    fn of(pid: u32) -> Self {
        let threads = fs::read_dir(format!("/proc/{pid}/task")).expect("the threads of the daemon");
        let usage = threads.filter_map(Result::ok).map(|thread| {
            let status = fs::read_to_string(thread.path().join("status")).unwrap_or_default();
            let schedule = fs::read_to_string(thread.path().join("schedstat")).unwrap_or_default();
            let switches = field(&status, "voluntary_ctxt_switches:").unwrap_or(0);
            let cpu_ns = schedule.split(' ').next().and_then(|time| time.parse().ok()).unwrap_or(0);
            (thread.file_name().to_string_lossy().into_owned(), (switches, cpu_ns))
        });
        Usage(usage.collect())
    }

    /// What was used since an earlier look, in all threads that still live.
    fn since(&self, earlier: &Usage) -> (u64, u64) {
        let used = self.0.iter().map(|(thread, (switches, cpu_ns))| {
            let (old_switches, old_cpu_ns) = earlier.0.get(thread).copied().unwrap_or_default();
            (switches - old_switches, cpu_ns - old_cpu_ns)
        });
        used.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    }
}

fn kilobytes(pid: u32, file: &str, name: &str) -> Option<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/{file}")).ok()?;
    let kilobytes = u32::try_from(field(&text, name)?).ok()?;
    Some(f64::from(kilobytes))
}

fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// The lines of `strace -f -ttt`, with calls put together that it shows in two parts.
///
/// ```text
/// 4711 1795300416.075712 read(9,  <unfinished ...>
/// 4711 1795300446.075712 <... read resumed>"\1\0\0\0\0\0\0\0", 8) = 8
/// ```
fn whole_calls(trace: &str) -> Vec<String> {
    let mut begun: BTreeMap<&str, &str> = BTreeMap::new();
    let mut calls = Vec::new();
    for line in trace.lines() {
        let Some((thread, rest)) = line.split_once(' ') else { continue };
        if let Some(beginning) = rest.strip_suffix("<unfinished ...>") {
            begun.insert(thread, beginning.split_once(' ').map_or("", |(_, call)| call));
        } else if let Some((at, end)) = rest.split_once(" <... ") {
            let beginning = begun.remove(thread).unwrap_or_default();
            let end = end.split_once(" resumed>").map_or("", |(_, end)| end);
            calls.push(format!("{thread} {at} {beginning}{end}"));
        } else {
            calls.push(line.to_owned());
        }
    }
    calls
}

/// How many timers expired between two instants.
fn expiries(calls: &[String], from_ms: i64, to_ms: i64) -> u64 {
    // The descriptors that are timers at this point of the trace.
    let mut timers = BTreeSet::new();
    let mut count = 0;
    for call in calls {
        if call.contains(" timerfd_create(") {
            timers.extend(call.rsplit_once(" = ").map(|(_, number)| number.trim()));
        } else if let Some((_, rest)) = call.split_once(" close(") {
            timers.remove(rest.split(')').next().unwrap_or_default());
        } else if is_expiry(call, &timers, from_ms, to_ms) {
            count += 1;
        }
    }
    count
}

/// Whether a call is that of a timer that expired between two instants: a timerfd that was read, or a call that gave
/// up waiting.
fn is_expiry(line: &str, timers: &BTreeSet<&str>, from_ms: i64, to_ms: i64) -> bool {
    let mut words = line.split_whitespace().skip(1);
    let Some(at) = words.next().and_then(|at| at.replace('.', "").parse::<i64>().ok()) else { return false };
    if !(from_ms..to_ms).contains(&(at / 1000)) {
        return false;
    }
    let Some((call, result)) = line.rsplit_once(" = ") else { return false };
    let names = |name: &str| call.contains(&format!(" {name}("));
    if names("read") {
        let descriptor = call.split_once(" read(").and_then(|(_, rest)| rest.split(',').next());
        return result.starts_with('8') && descriptor.is_some_and(|number| timers.contains(number));
    }
    let waits_at_all = || !call.trim_end_matches(')').ends_with(", 0");
    let gave_up = ["epoll_wait", "epoll_pwait", "epoll_pwait2", "poll", "ppoll"].into_iter().any(names)
        && result.starts_with('0')
        && waits_at_all();
    let timed_out = names("futex") && result.contains("ETIMEDOUT");
    let slept = (names("nanosleep") || names("clock_nanosleep")) && result.starts_with('0');
    gave_up || timed_out || slept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_that_expire_are_told_from_other_waking() {
        let expired = |lines: &str| {
            let made = "4711 1795300410.0 timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC|TFD_NONBLOCK) = 9";
            let at = lines.lines().map(|line| format!("4711 1795300416.075712 {line}\n"));
            let calls = whole_calls(&format!("{made}\n{}", at.collect::<String>()));
            expiries(&calls, 1_795_300_416_000, 1_795_300_417_000) > 0
        };
        assert!(expired(r#"read(9, "\1\0\0\0\0\0\0\0", 8) = 8"#));
        assert!(expired("read(9,  <unfinished ...>\n<... read resumed>\"\\1\\0\\0\\0\", 8) = 8"));
        assert!(expired("epoll_wait(5,  <unfinished ...>\n<... epoll_wait resumed>[], 1024, 30000) = 0"));
        assert!(expired(
            "futex(0x7f, FUTEX_WAIT_PRIVATE, 1, {tv_sec=10, tv_nsec=0}) = -1 ETIMEDOUT (Connection timed out)"
        ));
        assert!(!expired(r#"read(10, "\1\0\0\0\0\0\0\0", 8) = 8"#));
        assert!(!expired("close(9) = 0\nread(9, \"\\1\", 8) = 8"), "another descriptor by now");
        assert!(!expired("read(9, 0x7f, 8) = -1 EAGAIN (Resource temporarily unavailable)"));
        assert!(!expired("epoll_wait(5, [], 1024, 0) = 0"));
        assert!(!expired("epoll_wait(5, [{events=EPOLLIN}], 1024, -1) = 1"));
        let earlier = ["4711 1795300406.0 epoll_wait(5, [], 1024, 30000) = 0".to_owned()];
        assert!(!is_expiry(&earlier[0], &BTreeSet::new(), 1_795_300_416_000, 1_795_300_417_000));
    }
}
