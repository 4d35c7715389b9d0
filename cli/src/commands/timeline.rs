//! The timeline from the daemon, span by span, and whether it came whole.

use dwell_bus::{lines, wire};
use dwell_core::calendar::CivilDay;

use super::stream::Lines;
use crate::bus::Daemon;
use crate::error::{End, Error, Kind};
use crate::output::instant::Zone;
use crate::output::phrase::{count, list};
use crate::output::text::glance;

/// The spans of a period, as the daemon streams them.
pub(super) struct Timeline {
    lines: Lines,
    count: u64,
    end: Option<lines::End>,
}

impl Timeline {
    /// Asks for the spans of a period.
    ///
    /// # Errors
    /// The daemon's failure, or that it is not there.
    pub(super) async fn of(daemon: &Daemon, period: &str) -> Result<Self, Error> {
        let pipe = daemon.ask(|d| d.spans(period)).await?;
        Ok(Self { lines: Lines::new(pipe.into())?, count: 0, end: None })
    }

    /// The next span's line with its end, a `dwell.span/1`; `None` after the last.
    ///
    /// # Errors
    /// The pipe broke.
    pub(super) async fn next(&mut self) -> Result<Option<&[u8]>, Error> {
        let Some(line) = self.lines.next().await? else { return Ok(None) };
        if let Some(end) = last_line(line) {
            self.end = Some(end);
            return Ok(None);
        }
        self.count += 1;
        Ok(Some(line))
    }

    /// The next span.
    ///
    /// # Errors
    /// The pipe broke, or what came is no span.
    pub(super) async fn span(&mut self) -> Result<Option<lines::Span>, Error> {
        self.next().await?.map(read).transpose()
    }

    /// What came, once the last line has.
    ///
    /// # Errors
    /// It was cut off.
    pub(super) fn told(self) -> Result<Told, Error> {
        Ok(Told { spans: self.count, missing: missing(self.end, self.count)? })
    }
}

/// A timeline that came to its end.
pub(super) struct Told {
    /// How many spans.
    pub(super) spans: u64,
    /// What of it cannot be read: to be told when all that can be is written. That must never look like time without use.
    pub(super) missing: Option<Error>,
}

impl Told {
    /// How a command ends that has written all of it.
    ///
    /// # Errors
    /// Something is missing, or there is nothing.
    pub(super) fn end(self, period: &str) -> Result<End, Error> {
        match self {
            Self { missing: Some(missing), .. } => Err(missing),
            Self { spans: 0, .. } => Err(nothing(period)),
            _ => Ok(End::Well),
        }
    }
}

/// The first and the last day of a period: only the daemon knows where a day starts.
///
/// # Errors
/// The daemon's.
pub(super) async fn days(daemon: &Daemon, period: &str) -> Result<(CivilDay, CivilDay), Error> {
    let query = wire::Query { period: Some(period.to_owned()), top: Some(1), ..wire::Query::default() };
    let report = daemon.ask(|d| d.report(query)).await?;
    Ok(Zone::new(&report.zone).days(report.from_at_ms, report.to_at_ms))
}

/// A span's line.
///
/// # Errors
/// It is none.
pub(super) fn read(line: &[u8]) -> Result<lines::Span, Error> {
    serde_json::from_slice(line)
        .map_err(|why| Error::new(Kind::Failed, format!("a span from the daemon cannot be read ({why})")))
}

/// A period as a sentence ends with it.
pub(super) fn of(period: &str) -> String {
    match period {
        "all" => "at all".to_owned(),
        "lastweek" => "for last week".to_owned(),
        "week" | "month" | "year" => format!("for this {period}"),
        other => format!("for {other}"),
    }
}

/// That nothing is recorded for a period.
pub(super) fn nothing(period: &str) -> Error {
    Error::new(Kind::NoData, format!("nothing is recorded {}", of(period)))
        .hint("`dwell doctor` tells whether everything is seen")
}

/// The line that says that all is there.
fn last_line(line: &[u8]) -> Option<lines::End> {
    // Spans begin with their schema, too, so nearly all lines are told apart by their first bytes.
    const BEGINS: &[u8] = b"{\"schema\":\"dwell.end/1\"";
    line.starts_with(BEGINS).then(|| serde_json::from_slice(line).ok()).flatten()
}

/// What a timeline lacks.
///
/// # Errors
/// Its end.
fn missing(end: Option<lines::End>, count: u64) -> Result<Option<Error>, Error> {
    let cut_off = |why: &str, hint: &str| {
        Error::new(Kind::Failed, format!("the timeline is cut off after {count} spans: {why}"))
            .hint(hint.to_owned())
    };
    let Some(end) = end else {
        return Err(cut_off("the daemon stopped, or waited too long for this reader", "say it again"));
    };
    if let Some(why) = end.error {
        return Err(cut_off(&why, "see `dwell doctor`"));
    }
    if end.spans != count {
        return Err(cut_off(&format!("the daemon sent {}", end.spans), "say it again"));
    }
    let damaged = (!end.damaged.is_empty())
        .then(|| format!("records are damaged, and spans missing, of {}", stretches(&end.damaged)));
    let error = match (end.sealed_seconds, damaged) {
        (None, None) => return Ok(None),
        (None, Some(damaged)) => {
            Error::new(Kind::Failed, damaged).hint("what can be read is there; see `dwell doctor`")
        }
        (Some(seconds), damaged) => {
            let time = glance(seconds.saturating_mul(1000));
            let of = if end.sealed.is_empty() { "that".to_owned() } else { stretches(&end.sealed) };
            let damaged = damaged.map(|damaged| format!(", and {damaged}")).unwrap_or_default();
            Error::new(Kind::Locked, format!("{time} of {of} are locked away in the vault{damaged}"))
                .hint("dwell vault unlock")
        }
    };
    Ok(Some(error))
}

/// At most so many stretches of days are named in one line.
const STRETCHES: usize = 5;

/// `2026-11-01, 2026-11-03 to 2026-11-20 and 2 more days`. Days come in their order, as the daemon gives them.
fn stretches(days: &[String]) -> String {
    let day = |text: &String| text.parse::<CivilDay>().ok();
    let mut stretches: Vec<(&String, &String, usize)> = Vec::new();
    for next in days {
        match stretches.last_mut() {
            Some((_, last, count)) if day(last).is_some_and(|last| day(next) == Some(last.plus(1))) => {
                (*last, *count) = (next, *count + 1);
            }
            _ => stretches.push((next, next, 1)),
        }
    }
    let named = stretches.iter().take(STRETCHES);
    let mut named: Vec<String> = named
        .map(|(first, last, count)| if *count == 1 { (*first).clone() } else { format!("{first} to {last}") })
        .collect();
    match stretches.iter().skip(STRETCHES).map(|(.., count)| *count as u64).sum() {
        0 => {}
        more => named.push(count(more, "more day")),
    }
    list(&named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeline_that_is_not_whole_says_so() {
        assert_eq!(lines::END, "dwell.end/1");
        let end = |json: &str| last_line(format!("{{\"schema\":\"dwell.end/1\",{json}}}\n").as_bytes());
        let said = |end| match missing(end, 2) {
            Ok(None) => Ok(()),
            Ok(Some(lack)) => Err(lack.to_string()),
            Err(cut_off) => Err(cut_off.to_string()),
        };
        assert_eq!(said(end(r#""spans":2,"damaged":[]"#)), Ok(()));
        insta::assert_snapshot!(said(None).unwrap_err(), @"dwell: the timeline is cut off after 2 spans: the daemon stopped, or waited too long for this reader; say it again");
        insta::assert_snapshot!(said(end(r#""spans":3,"damaged":[]"#)).unwrap_err(), @"dwell: the timeline is cut off after 2 spans: the daemon sent 3; say it again");
        insta::assert_snapshot!(said(end(r#""spans":2,"damaged":["2026-11-20"]"#)).unwrap_err(), @"dwell: records are damaged, and spans missing, of 2026-11-20; what can be read is there; see `dwell doctor`");
        insta::assert_snapshot!(said(end(r#""spans":2,"damaged":["2026-11-19"],"sealed_seconds":7380,"sealed":["2026-10-31","2026-11-01"]"#)).unwrap_err(), @"dwell: 2h 03m of 2026-10-31 to 2026-11-01 are locked away in the vault, and records are damaged, and spans missing, of 2026-11-19; dwell vault unlock");
        insta::assert_snapshot!(said(end(r#""spans":2,"damaged":[],"sealed_seconds":7380"#)).unwrap_err(), @"dwell: 2h 03m of that are locked away in the vault; dwell vault unlock");
        insta::assert_snapshot!(said(end(r#""spans":2,"damaged":[],"error":"the disk is gone""#)).unwrap_err(), @"dwell: the timeline is cut off after 2 spans: the disk is gone; see `dwell doctor`");
        assert!(last_line(br#"{"schema":"dwell.span/1"}"#).is_none());
    }

    #[test]
    fn days_are_named_in_stretches() {
        let days = |days: &[&str]| stretches(&days.iter().map(|day| (*day).to_owned()).collect::<Vec<_>>());
        assert_eq!(days(&["2026-11-20"]), "2026-11-20");
        assert_eq!(
            days(&["2026-02-27", "2026-02-28", "2026-03-01", "2026-03-03"]),
            "2026-02-27 to 2026-03-01 and 2026-03-03"
        );
        let odd: Vec<String> = (1..8).map(|n| format!("2026-11-{:02}", n * 3)).collect();
        assert_eq!(
            stretches(&odd),
            "2026-11-03, 2026-11-06, 2026-11-09, 2026-11-12, 2026-11-15 and 2 more days"
        );
    }
}
