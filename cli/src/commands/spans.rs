//! `dwell spans`: the timeline itself, streamed.

use super::report::period;
use super::timeline::{self, Timeline};
use crate::bus::Daemon;
use crate::console::Console;
use crate::error::{End, Error};
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
    let mut timeline = Timeline::of(&daemon, &args.period).await?;
    match format {
        Format::Csv => console.say(&csv::record(HEADER)),
        Format::Json => console.write(b"["),
        Format::Ndjson => {}
    }
    let mut first = true;
    while let Some(line) = timeline.next().await? {
        match format {
            Format::Ndjson => console.write(line),
            Format::Csv => console.say(&record(line)?),
            Format::Json => {
                console.write(if first { b"\n" } else { b",\n" });
                console.write(line.trim_ascii_end());
            }
        }
        first = false;
        if console.is_closed() {
            return Ok(End::Well);
        }
    }
    if format == Format::Json {
        console.say(if first { "]" } else { "\n]" });
    }
    timeline.told()?.end(&args.period)
}

fn record(line: &[u8]) -> Result<String, Error> {
    let span = timeline::read(line)?;
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
    use crate::error::Kind;

    #[test]
    fn a_span_as_a_record() {
        let line = br#"{"schema":"dwell.span/1","start":"2026-11-21T21:40:00.000+02:00","end":"2026-11-21T21:41:30.250+02:00","seconds":90,"app":"firefox","name":"Fire, fox","domain":null,"category":null,"kind":"focus","later":1}"#;
        insta::assert_snapshot!(record(line).unwrap(), @r#"2026-11-21T21:40:00.000+02:00,2026-11-21T21:41:30.250+02:00,90,firefox,"Fire, fox",,,focus"#);
        assert_eq!(record(b"no").unwrap_err().kind, Kind::Failed);
    }
}
