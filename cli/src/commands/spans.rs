//! `dwell spans`: the timeline itself, streamed.

use dwell_bus::lines::{self, Span};

use super::report::period;
use super::stream::Lines;
use crate::bus::Daemon;
use crate::console::Console;
use crate::error::{End, Error, Kind};
use crate::output::csv;

/// Print the timeline itself, a span a line
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// today yesterday week lastweek month year all 7d DATE DATE..DATE
    #[arg(value_parser = period, default_value = "today")]
    period: String,
    /// In which form (default: ndjson)
    #[arg(long, value_enum)]
    format: Option<Format>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A JSON object a line
    Ndjson,
    /// Comma-separated values with a header
    Csv,
    /// One JSON array
    Json,
}

const HEADER: [&str; 8] = ["start", "end", "seconds", "app", "name", "domain", "category", "kind"];

/// Streams the spans through.
pub(crate) async fn run(args: &Args, console: &mut Console) -> Result<End, Error> {
    let format = match (args.format, console.json) {
        (Some(Format::Csv), true) => return Err(super::report::two_formats("csv")),
        (format, _) => format.unwrap_or(Format::Ndjson),
    };
    let daemon = Daemon::find().await?;
    let pipe = daemon.ask(|d| d.spans(&args.period)).await?;
    let mut lines = Lines::new(pipe.into())?;
    let mut count = 0_u64;
    match format {
        Format::Csv => console.say(&csv::record(HEADER)),
        Format::Json => console.write(b"["),
        Format::Ndjson => {}
    }
    let mut end = None;
    while let Some(line) = lines.next().await? {
        if let Some(last) = last_line(line) {
            end = Some(last);
            break;
        }
        match format {
            Format::Ndjson => console.write(line),
            Format::Csv => console.say(&record(line)?),
            Format::Json => {
                console.write(if count > 0 { b",\n" } else { b"\n" });
                console.write(line.trim_ascii_end());
            }
        }
        count += 1;
        if console.is_closed() {
            return Ok(End::Well);
        }
    }
    if format == Format::Json {
        console.say(if count > 0 { "\n]" } else { "]" });
    }
    whole(end, count)?;
    if count == 0 {
        return Err(Error::new(Kind::NoData, format!("nothing is recorded for {}", args.period))
            .hint("`dwell doctor` tells whether everything is seen"));
    }
    Ok(End::Well)
}

/// The line that says that all is there.
fn last_line(line: &[u8]) -> Option<lines::End> {
    // Spans begin with their schema, too, so nearly all lines are told apart by their first bytes.
    let schema = format!("{{\"schema\":\"{}\"", lines::END);
    line.starts_with(schema.as_bytes()).then(|| serde_json::from_slice(line).ok()).flatten()
}

/// Whether the timeline came whole: what is missing must never look like time without use.
fn whole(end: Option<lines::End>, count: u64) -> Result<(), Error> {
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
    if !end.damaged.is_empty() {
        let message = format!("records are damaged, and spans missing, of {}", end.damaged.join(", "));
        return Err(
            Error::new(Kind::Failed, message).hint("all that is readable was printed; see `dwell doctor`")
        );
    }
    Ok(())
}

fn record(line: &[u8]) -> Result<String, Error> {
    let span: Span = serde_json::from_slice(line)
        .map_err(|why| Error::new(Kind::Failed, format!("a span from the daemon cannot be read ({why})")))?;
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    Ok(csv::record([
        span.start.as_str(),
        &span.end,
        &span.seconds.to_string(),
        &text(&span.app),
        &text(&span.name),
        &text(&span.domain),
        &text(&span.category),
        &span.kind,
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeline_that_is_not_whole_says_so() {
        let end = |json: &str| last_line(format!("{{\"schema\":\"dwell.end/1\",{json}}}\n").as_bytes());
        let said = |end| whole(end, 2).map_err(|error| error.to_string());
        assert_eq!(said(end(r#""spans":2,"damaged":[]"#)), Ok(()));
        insta::assert_snapshot!(said(None).unwrap_err(), @"dwell: the timeline is cut off after 2 spans: the daemon stopped, or waited too long for this reader; say it again");
        insta::assert_snapshot!(said(end(r#""spans":3,"damaged":[]"#)).unwrap_err(), @"dwell: the timeline is cut off after 2 spans: the daemon sent 3; say it again");
        insta::assert_snapshot!(said(end(r#""spans":2,"damaged":["2026-11-20"]"#)).unwrap_err(), @"dwell: records are damaged, and spans missing, of 2026-11-20; all that is readable was printed; see `dwell doctor`");
        insta::assert_snapshot!(said(end(r#""spans":2,"damaged":[],"error":"the disk is gone""#)).unwrap_err(), @"dwell: the timeline is cut off after 2 spans: the disk is gone; see `dwell doctor`");
        assert!(last_line(br#"{"schema":"dwell.span/1"}"#).is_none());
    }

    #[test]
    fn a_span_as_a_record() {
        let line = br#"{"schema":"dwell.span/1","start":"2026-11-21T21:40:00.000+02:00","end":"2026-11-21T21:41:30.250+02:00","seconds":90,"app":"firefox","name":"Fire, fox","domain":null,"category":null,"kind":"focus","later":1}"#;
        insta::assert_snapshot!(record(line).unwrap(), @r#"2026-11-21T21:40:00.000+02:00,2026-11-21T21:41:30.250+02:00,90,firefox,"Fire, fox",,,focus"#);
        assert_eq!(record(b"no").unwrap_err().kind, Kind::Failed);
    }
}
