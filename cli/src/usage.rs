//! Mistakes on the command line, each in one line: what is wrong, and what to write instead.

use std::error::Error as _;
use std::fmt;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::error::{Error, Kind};

/// A value that an argument cannot take, in our own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BadValue {
    message: String,
    /// What to write instead.
    pub(crate) hint: String,
}

impl BadValue {
    /// What is wrong, and what to write instead.
    pub(crate) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: hint.into() }
    }
}

impl fmt::Display for BadValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for BadValue {}

/// clap's complaint in one line.
pub(crate) fn explain(mistake: &clap::Error) -> Error {
    if let Some(bad) = mistake.source().and_then(|why| why.downcast_ref::<BadValue>()) {
        return Error::new(Kind::Invalid, &bad.message).hint(&bad.hint);
    }
    let context = |kind| mistake.get(kind).map(words).unwrap_or_default();
    let argument = bare(&context(ContextKind::InvalidArg));
    let value = context(ContextKind::InvalidValue);
    let message = match mistake.kind() {
        ErrorKind::InvalidValue if value.is_empty() => format!("a value for {argument} is missing"),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            format!("\"{value}\" is no value for {argument}")
        }
        ErrorKind::UnknownArgument if argument.starts_with('-') => {
            format!("there is no option \"{argument}\" here")
        }
        ErrorKind::UnknownArgument => format!("\"{argument}\" is one word too many"),
        ErrorKind::InvalidSubcommand => {
            format!("there is no command \"{}\"", context(ContextKind::InvalidSubcommand))
        }
        ErrorKind::MissingRequiredArgument => {
            format!("{argument} {} missing", if argument.contains(' ') { "are" } else { "is" })
        }
        ErrorKind::ArgumentConflict => match context(ContextKind::PriorArg) {
            prior if prior.is_empty() || bare(&prior) == argument => {
                format!("{argument} can be given only once")
            }
            prior => format!("{argument} and {} do not go together", bare(&prior)),
        },
        ErrorKind::MissingSubcommand => "a command is missing here".to_owned(),
        ErrorKind::TooManyValues => format!("\"{value}\" is one value too many for {argument}"),
        ErrorKind::InvalidUtf8 => "an argument is no valid UTF-8".to_owned(),
        _ => first_line(mistake),
    };
    Error::new(Kind::Usage, message).hint(advice(mistake))
}

/// The next step: what was probably meant, what is possible, or where it is explained.
fn advice(mistake: &clap::Error) -> String {
    for kind in [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg, ContextKind::SuggestedValue] {
        if let Some(meant) = mistake.get(kind).map(quoted).filter(|meant| !meant.is_empty()) {
            return format!("did you mean {meant}?");
        }
    }
    let possible = mistake.get(ContextKind::ValidValue).or_else(|| mistake.get(ContextKind::ValidSubcommand));
    match possible.map(words) {
        Some(possible) if possible.contains(", ") => format!("possible are {possible}"),
        Some(possible) if !possible.is_empty() => format!("possible is {possible}"),
        _ => format!("see `{}`", help_for(mistake)),
    }
}

/// `dwell limit set --help`, from the usage line that clap shows.
fn help_for(mistake: &clap::Error) -> String {
    let usage = match mistake.get(ContextKind::Usage) {
        Some(ContextValue::StyledStr(usage)) => usage.to_string(),
        _ => String::new(),
    };
    let usage = usage.lines().next().unwrap_or_default();
    let path: Vec<_> = usage
        .trim_start_matches("Usage:")
        .split_whitespace()
        .take_while(|word| word.chars().all(|c| c.is_ascii_lowercase() || c == '-') && !word.starts_with('-'))
        .collect();
    if path.is_empty() { "dwell --help".to_owned() } else { format!("{} --help", path.join(" ")) }
}

fn words(value: &ContextValue) -> String {
    match value {
        ContextValue::String(text) => text.clone(),
        ContextValue::Strings(texts) => texts.join(", "),
        ContextValue::StyledStr(text) => text.to_string(),
        ContextValue::StyledStrs(texts) => {
            texts.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        }
        ContextValue::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

fn quoted(value: &ContextValue) -> String {
    match value {
        ContextValue::Strings(texts) => {
            // clap puts the nearest last.
            texts.iter().rev().take(2).map(|text| format!("\"{text}\"")).collect::<Vec<_>>().join(" or ")
        }
        ContextValue::Bool(_) | ContextValue::None => String::new(),
        other => format!("\"{}\"", words(other)),
    }
}

/// `--format <FORMAT>` → `--format`, `<TARGET>...` → `TARGET`.
fn bare(argument: &str) -> String {
    let named = |word: &str| {
        word.trim_end_matches("...").trim_matches(|c| matches!(c, '<' | '>' | '[' | ']')).to_owned()
    };
    argument
        .split(", ")
        .map(|one| named(one.split_whitespace().next().unwrap_or_default()))
        .collect::<Vec<_>>()
        .join(" and ")
}

fn first_line(mistake: &clap::Error) -> String {
    let shown = mistake.render().to_string();
    shown.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(line: &str) -> String {
        let mistake = crate::cli::command().try_get_matches_from(line.split(' ')).unwrap_err();
        explain(&mistake).to_string()
    }

    #[test]
    fn each_mistake_is_one_line_with_a_next_step() {
        insta::assert_snapshot!(told("dwell stauts"), @r#"dwell: there is no command "stauts"; did you mean "status" or "vault"?"#);
        insta::assert_snapshot!(told("dwell xyzzy"), @r#"dwell: there is no command "xyzzy"; see `dwell --help`"#);
        insta::assert_snapshot!(told("dwell report --formt csv"), @r#"dwell: there is no option "--formt" here; did you mean "--format"?"#);
        insta::assert_snapshot!(told("dwell report --format cvs"), @r#"dwell: "cvs" is no value for --format; possible are table, json, ndjson, csv, md, html, prometheus"#);
        insta::assert_snapshot!(told("dwell report --format xml"), @r#"dwell: "xml" is no value for --format; did you mean "html"?"#);
        insta::assert_snapshot!(told("dwell report --format"), @"dwell: a value for --format is missing; possible are table, json, ndjson, csv, md, html, prometheus");
        insta::assert_snapshot!(told("dwell report --by"), @"dwell: a value for --by is missing; possible are app, domain, category, hour, day, week, month");
        insta::assert_snapshot!(told("dwell report --top many"), @r#"dwell: "many" is no number of rows; write a whole number from 1 on, like 10"#);
        insta::assert_snapshot!(told("dwell report --top 0"), @r#"dwell: "0" is no number of rows; write a whole number from 1 on, like 10"#);
        insta::assert_snapshot!(told("dwell report today yesterday"), @r#"dwell: "yesterday" is one word too many; see `dwell report --help`"#);
        insta::assert_snapshot!(told("dwell limit set"), @"dwell: TARGET and AMOUNT are missing; see `dwell limit set --help`");
        insta::assert_snapshot!(told("dwell limit set firefox 30"), @r#"dwell: "30" is no amount of time: a unit is missing; write 30m, or 30visits"#);
        insta::assert_snapshot!(told("dwell limit set firefox 30m --warn 5"), @r#"dwell: "5" is no amount of time: a unit is missing; write 5m, 1h30m or 90s"#);
        insta::assert_snapshot!(told("dwell limit set aap:x 30m"), @r#"dwell: "aap:x" is no target: "aap:" is no kind of target (app:, domain:, category:, all); write app:ID, domain:D, category:C or all"#);
        insta::assert_snapshot!(told("dwell limit sett x 30m"), @r#"dwell: there is no command "sett"; did you mean "set"?"#);
        insta::assert_snapshot!(told("dwell rules"), @"dwell: a command is missing here; possible are export, import, edit, check");
        insta::assert_snapshot!(told("dwell import"), @"dwell: a command is missing here; possible is activitywatch");
        insta::assert_snapshot!(told("dwell check"), @"dwell: TARGET is missing; see `dwell check --help`");
        insta::assert_snapshot!(told("dwell report --by day --by hour"), @"dwell: --by can be given only once; see `dwell report --help`");
        insta::assert_snapshot!(told("dwell completions tcsh"), @r#"dwell: "tcsh" is no value for SHELL; did you mean "zsh"?"#);
        insta::assert_snapshot!(told("dwell watch -x"), @r#"dwell: there is no option "-x" here; see `dwell watch --help`"#);
    }
}
