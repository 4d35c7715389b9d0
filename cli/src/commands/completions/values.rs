//! What the value of each argument may be, for a shell that completes it.
//!
//! What only the daemon knows is asked of it without starting it, and only for a moment: somebody waits at a key. Where
//! there is no daemon, no answer in time, or the vault is locked, there is nothing to offer, and nothing is said.

use std::ffi::OsStr;
use std::future::Future;
use std::time::Duration;

use clap::Arg;
use clap::builder::StyledStr;
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use dwell_bus::wire;
use serde::de::DeserializeOwned;
use zbus::zvariant::Type;

use crate::bus::{Daemon, converse};
use crate::error::Error;

/// Nobody waits longer at a key. The first answer over years of history may take more, and the next one does not.
const PATIENCE: Duration = Duration::from_millis(800);

/// Where the values of an argument come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// Targets that are known.
    Targets,
    /// The same, and the ids of rules.
    TargetsAndRules,
    /// What follows `app:` or `domain:` in targets that are known.
    Ids(&'static str),
    /// Ids of rules.
    Rules,
    /// Ids of changes that wait.
    Pending,
    /// Categories.
    Categories,
    /// Numbers of keys.
    Keys,
    /// These, each with what it means.
    Known(&'static [(&'static str, &'static str)]),
    /// The shell's own business.
    Files,
    /// The same, folders alone.
    Folders,
    /// Words of the person's own, or a bare number.
    Free,
}

const PERIODS: &[(&str, &str)] = &[
    ("today", "Since the day began"),
    ("yesterday", "The day before"),
    ("week", "Since Monday"),
    ("lastweek", "The last whole week, from Monday"),
    ("month", "Since the first of the month"),
    ("year", "Since the first of January"),
    ("all", "Everything that is kept"),
    ("7d", "Seven days, today included"),
    ("30d", "Thirty days, today included"),
];

const DURATIONS: &[(&str, &str)] = &[
    ("15m", "A quarter of an hour"),
    ("30m", "Half an hour"),
    ("45m", "Three quarters of an hour"),
    ("1h", "One hour"),
    ("1h30m", "One hour and a half"),
    ("2h", "Two hours"),
];

const PAUSES: &[(&str, &str)] =
    &[("2h", "Two hours"), ("1d", "One day"), ("3d", "Three days"), ("1w", "One week")];

const SESSIONS: &[(&str, &str)] = &[
    ("25m", "25 minutes"),
    ("50m", "50 minutes"),
    ("1h30m", "One hour and a half"),
    ("stop", "End the session"),
];

const AMOUNTS: &[(&str, &str)] = &[
    ("15m", "A quarter of an hour"),
    ("30m", "Half an hour"),
    ("45m", "Three quarters of an hour"),
    ("1h", "One hour"),
    ("2h", "Two hours"),
    ("5visits", "Five visits, however long"),
];

const DAYS: &[(&str, &str)] = &[
    ("mon-fri", "Monday to Friday"),
    ("sun-thu", "The evenings before a working day"),
    ("weekend", "Saturday and Sunday"),
    ("sat,sun", "Saturday and Sunday"),
];

const RANGES: &[(&str, &str)] =
    &[("22:00-07:00", "The night"), ("09:00-17:00", "The working day"), ("00:00-24:00", "The whole day")];

const DOWNTIME: &[(&str, &str)] = &[("22:00-07:00", "The night"), ("off", "Remove the downtime")];

const DATES: &[(&str, &str)] = &[("today", "Today"), ("yesterday", "The day before")];

const STRICTNESS: &[(&str, &str)] = &[
    ("open", "Loosened at once"),
    ("cooling", "Loosened after 24 hours"),
    ("locked-until-", "Not loosened before that day"),
];

/// Where the values of an argument come from. `None`: this table does not know the argument.
fn source(command: &str, argument: &Arg) -> Option<Source> {
    let names = argument.get_value_names();
    let name = names.and_then(|names| names.first()).map_or_else(String::new, ToString::to_string);
    Some(match (command, name.as_str()) {
        ("dwell snooze", "TARGET") => Source::TargetsAndRules,
        (_, "TARGET") => Source::Targets,
        ("dwell limit confirm" | "dwell limit cancel", "ID") => Source::Pending,
        ("dwell report" | "dwell forget", "ID") => Source::Ids("app:"),
        (_, "ID") => Source::Rules,
        (_, "D") => Source::Ids("domain:"),
        (_, "C" | "CATEGORY") => Source::Categories,
        (_, "PERIOD") => Source::Known(PERIODS),
        ("dwell pause", "DURATION") => Source::Known(PAUSES),
        ("dwell focus", "DURATION") => Source::Known(SESSIONS),
        (_, "DURATION") => Source::Known(DURATIONS),
        (_, "AMOUNT") => Source::Known(AMOUNTS),
        (_, "DAYS") => Source::Known(DAYS),
        ("dwell downtime", "RANGE") => Source::Known(DOWNTIME),
        (_, "RANGE") => Source::Known(RANGES),
        (_, "DATE") => Source::Known(DATES),
        (_, "HOW") => Source::Known(STRICTNESS),
        ("dwell key remove", "NUMBER") => Source::Keys,
        (_, "FILE" | "PATH") => Source::Files,
        (_, "DIR") => Source::Folders,
        (_, "N" | "TEXT" | "SELECT" | "RECIPIENT" | "NAME") => Source::Free,
        _ => return None,
    })
}

/// The command line, with what completes each value.
pub(super) fn completed(mut command: clap::Command) -> clap::Command {
    command.build();
    with_values(command, "")
}

fn with_values(command: clap::Command, path: &str) -> clap::Command {
    let path = format!("{path} {}", command.get_name()).trim_start().to_owned();
    let below = path.clone();
    command
        .mut_args(|argument| match source(&path, &argument) {
            Some(source) if takes_a_value(&argument) => {
                argument.add(ArgValueCompleter::new(move |typed: &OsStr| source.candidates(typed)))
            }
            _ => argument,
        })
        .mut_subcommands(|sub| with_values(sub, &below))
}

/// Whether the argument has a value that clap cannot list by itself.
fn takes_a_value(argument: &Arg) -> bool {
    argument.get_action().takes_values()
        && argument.get_possible_values().is_empty()
        && !argument.is_hide_set()
}

impl Source {
    fn candidates(self, typed: &OsStr) -> Vec<CompletionCandidate> {
        let Some(typed) = typed.to_str() else { return Vec::new() };
        let mut all = self.all(typed);
        all.retain(|(value, _)| value.starts_with(typed) || value.starts_with(':'));
        let candidate = |(number, (value, meaning)): (usize, (String, String))| {
            let meaning = Some(meaning).filter(|meaning| !meaning.is_empty()).map(StyledStr::from);
            CompletionCandidate::new(value).help(meaning).display_order(Some(number))
        };
        all.into_iter().enumerate().map(candidate).collect()
    }

    /// All values with what each means, the most likely one first.
    fn all(self, typed: &str) -> Vec<(String, String)> {
        match self {
            Self::Targets => targets(typed),
            Self::TargetsAndRules => [rules(), targets(typed)].concat(),
            Self::Ids(prefix) => {
                let known = known().into_iter();
                known
                    .filter_map(|one| Some((one.target.strip_prefix(prefix)?.to_owned(), one.name)))
                    .collect()
            }
            Self::Rules => rules(),
            Self::Pending => {
                let waiting: Vec<wire::Pending> = asked("ListPending");
                waiting.into_iter().map(|change| (change.id, change.lines.join("; "))).collect()
            }
            Self::Categories => categories().map(|name| (name, String::new())).collect(),
            Self::Keys => {
                let keys: Vec<wire::Key> =
                    briefly(async { Daemon::find().await?.list_of_vault("ListKeys").await });
                keys.into_iter().map(|key| (key.number.to_string(), key.kind)).collect()
            }
            Self::Known(values) => {
                values.iter().map(|(value, what)| ((*value).into(), (*what).into())).collect()
            }
            Self::Files => vec![(":files".to_owned(), String::new())],
            Self::Folders => vec![(":folders".to_owned(), String::new())],
            Self::Free => Vec::new(),
        }
    }
}

/// Known targets with their kind, categories, `all`; and without a kind where one is being typed.
fn targets(typed: &str) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for one in known() {
        let bare = one.target.split_once(':').map(|(_, id)| id);
        if let Some(bare) = bare
            && !typed.is_empty()
            && !typed.contains(':')
            && !one.target.starts_with(typed)
        {
            all.push((bare.to_owned(), one.target.clone()));
        }
        all.push((one.target, one.name));
    }
    if typed.is_empty() || "category:".starts_with(typed) || typed.starts_with("category:") {
        let known: Vec<_> = categories().map(|name| format!("category:{name}")).collect();
        let new = known.into_iter().filter(|category| !all.iter().any(|(target, _)| target == category));
        all.extend(new.map(|category| (category, "A category".to_owned())).collect::<Vec<_>>());
    }
    if !all.is_empty() && !all.iter().any(|(target, _)| target == "all") {
        all.push(("all".to_owned(), "Everything".to_owned()));
    }
    all
}

fn known() -> Vec<wire::KnownTarget> {
    asked("ListTargets")
}

fn categories() -> impl Iterator<Item = String> {
    let all: Vec<wire::CategoryInfo> = asked("ListCategories");
    all.into_iter().map(|one| one.category)
}

fn rules() -> Vec<(String, String)> {
    let limits: Vec<wire::Limit> = asked("ListLimits");
    limits.into_iter().map(|limit| (limit.id, limit.target)).collect()
}

/// Asks the daemon for a list.
fn asked<T: DeserializeOwned + Type>(method: &str) -> Vec<T> {
    briefly(async { Daemon::find().await?.list(method).await })
}

/// What comes in time, or nothing.
fn briefly<T>(question: impl Future<Output = Result<Vec<T>, Error>>) -> Vec<T> {
    let in_time = async { Ok(tokio::time::timeout(PATIENCE, question).await.ok().and_then(Result::ok)) };
    converse(in_time).ok().flatten().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_has_a_source() {
        fn look(command: &clap::Command, path: &str) {
            let path = format!("{path} {}", command.get_name()).trim_start().to_owned();
            for argument in command.get_arguments().filter(|argument| takes_a_value(argument)) {
                assert!(
                    source(&path, argument).is_some(),
                    "`{path}`: nothing says how to complete {argument}; add it to `source` here"
                );
            }
            let shown =
                command.get_subcommands().filter(|sub| !sub.is_hide_set() && sub.get_name() != "help");
            shown.for_each(|sub| look(sub, &path));
        }
        let mut command = crate::cli::command();
        command.build();
        look(&command, "");
    }

    #[test]
    fn what_is_offered_is_understood() {
        for (period, _) in PERIODS {
            assert!(crate::commands::report::period(period).is_ok(), "{period}");
        }
        for (duration, _) in DURATIONS.iter().chain(PAUSES) {
            assert!(crate::cli::duration(duration).is_ok(), "{duration}");
        }
        for (days, _) in DAYS {
            assert!(crate::commands::limit::days(days).is_ok(), "{days}");
        }
        for (range, _) in RANGES {
            assert!(crate::commands::limit::window(range).is_ok(), "{range}");
        }
    }
}
