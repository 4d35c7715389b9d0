//! Examples of every command: below its `--help`, and in its manual page.
//!
//! Each is one line for a shell, with an account of what it does. Tests run every one of them against a real daemon
//! with some history, so an example that does not work is not here. Where one ends with another code than 0 it says so
//! after a number sign (`# exits with 10 …`), which is true for people and read by the tests.

use std::fmt::Write as _;

/// What it does, and the line.
pub(crate) type Example = (&'static str, &'static str);

/// The examples of a command, by its path (`dwell limit set`).
pub(crate) fn of(path: &str) -> &'static [Example] {
    EXAMPLES.iter().find(|(command, _)| *command == path).map_or(&[], |(_, examples)| examples)
}

/// The command line, with its examples below each command's long help.
pub(crate) fn added(command: clap::Command) -> clap::Command {
    let path = command.get_name().to_owned();
    added_below(command, &path)
}

fn added_below(command: clap::Command, path: &str) -> clap::Command {
    let examples = of(path);
    let mut command = command.mut_subcommands(|sub| {
        let below = format!("{path} {}", sub.get_name());
        added_below(sub, &below)
    });
    if !examples.is_empty() {
        let before = command.get_after_long_help().or_else(|| command.get_after_help());
        let mut text = before.map(|text| format!("{text}\n\n")).unwrap_or_default();
        text.push_str("Examples:");
        for (what, line) in examples {
            // Writing to a text cannot fail.
            let _ = write!(text, "\n  {what}:\n    {line}");
        }
        command = command.after_long_help(text);
    }
    command
}

const EXAMPLES: &[(&str, &[Example])] = &[
    (
        "dwell",
        &[
            ("Today at a glance", "dwell"),
            ("Where this week went, by category", "dwell report week --by category"),
            ("At most 45 minutes of Firefox a day", "dwell limit set app:firefox 45m"),
            ("What keeps something from opening", "dwell why app:firefox"),
        ],
    ),
    (
        "dwell status",
        &[
            ("Now, today, limits and what needs attention", "dwell status"),
            ("A module of waybar, with return-type json", "dwell status --format waybar"),
            ("For a script", "dwell status --json"),
        ],
    ),
    (
        "dwell report",
        &[
            ("Today, by program", "dwell report"),
            ("This week, by category", "dwell report week --by category"),
            ("Seven days of one program, day by day", "dwell report 7d --app firefox --by day"),
            (
                "The five programs used most this month, terminals aside",
                "dwell report month --top 5 --not app:foot",
            ),
            ("A year for a spreadsheet", "dwell report year --by day --format csv > year.csv"),
            ("This week beside the last one", "dwell report week --compare"),
            ("A table for a note", "dwell report week --format md"),
            ("A page with charts", "dwell report 7d --format html > week.html"),
            ("For the textfile collector of Prometheus", "dwell report --format prometheus"),
        ],
    ),
    (
        "dwell spans",
        &[
            ("Today's timeline, a JSON object a line", "dwell spans"),
            ("A month for a spreadsheet", "dwell spans month --format csv > month.csv"),
        ],
    ),
    (
        "dwell limit",
        &[
            ("All limits with their use", "dwell limit"),
            ("At most half an hour a day", "dwell limit set domain:youtube.com 30m"),
        ],
    ),
    (
        "dwell limit set",
        &[
            ("At most half an hour a day", "dwell limit set domain:youtube.com 30m"),
            (
                "Two hours on working days, told and not blocked",
                "dwell limit set app:code 2h --on mon-fri --at-limit notify",
            ),
            ("Five visits a day", "dwell limit set domain:news.example 5visits"),
            ("Never at night", "dwell limit set category:games --blocked 22:00-07:00 --id games-night"),
            (
                "Not to be loosened this year",
                "dwell limit set category:social 1h --strict locked-until-2026-12-31",
            ),
        ],
    ),
    ("dwell limit list", &[("All limits with their use", "dwell limit list")]),
    ("dwell limit show", &[("Everything about one", "dwell limit show firefox")]),
    ("dwell limit remove", &[("Remove a limit by its id", "dwell limit remove firefox")]),
    ("dwell limit pending", &[("What waits, and for how long", "dwell limit pending")]),
    (
        "dwell limit confirm",
        &[(
            "Make the change p1 that has waited",
            "dwell limit confirm p1   # exits with 2 where there is no p1",
        )],
    ),
    (
        "dwell limit cancel",
        &[("Give up the change p1", "dwell limit cancel p1   # exits with 2 where there is no p1")],
    ),
    (
        "dwell limit try",
        &[
            (
                "On which of the last 14 days half an hour would have been reached",
                "dwell limit try app:firefox 30m",
            ),
            ("The same over this month", "dwell limit try app:firefox 30m --since month"),
        ],
    ),
    (
        "dwell why",
        &[
            ("Which rules apply to a program", "dwell why app:firefox"),
            ("And to all of the computer", "dwell why all"),
        ],
    ),
    (
        "dwell check",
        &[
            ("Do something only where it is allowed", "dwell check --quiet app:firefox && echo allowed"),
            (
                "A category that is blocked",
                "dwell check category:games   # exits with 10 while it is blocked",
            ),
        ],
    ),
    ("dwell snooze", &[("Put off what blocks games, for a while", "dwell snooze category:games")]),
    (
        "dwell downtime",
        &[
            ("Nothing from ten to seven, before working days", "dwell downtime 22:00-07:00 --on sun-thu"),
            ("What is set", "dwell downtime"),
        ],
    ),
    (
        "dwell focus",
        &[
            ("Fifty minutes with nothing but the terminal", "dwell focus 50m"),
            ("Without these two alone", "dwell focus 50m --block app:firefox --block domain:youtube.com"),
            ("What runs", "dwell focus"),
        ],
    ),
    (
        "dwell open",
        &[("A quarter of an hour, for something", "dwell open app:firefox --for 15m --to 'book the train'")],
    ),
    ("dwell pause", &[("Suspend the open rules for two hours", "dwell pause 2h")]),
    ("dwell resume", &[("End the pause", "dwell resume   # exits with 2 where none runs")]),
    (
        "dwell exit",
        &[
            ("All of your own rules are off in ten minutes", "dwell exit"),
            ("Take it back", "dwell exit --cancel   # exits with 2 where there is none"),
        ],
    ),
    (
        "dwell reset-week",
        &[
            ("Begin it, with today as the first day", "dwell reset-week start"),
            ("How it stands", "dwell reset-week status"),
        ],
    ),
    ("dwell rules", &[("Keep a copy of the rules", "dwell rules export rules.backup.toml")]),
    (
        "dwell rules export",
        &[
            ("The rules as text", "dwell rules export"),
            ("Into a file that only you can read", "dwell rules export rules.backup.toml"),
        ],
    ),
    ("dwell rules import", &[("Take the rules of a file", "dwell rules import rules.toml --yes")]),
    ("dwell rules edit", &[("Change them in an editor of your choice", "EDITOR=nano dwell rules edit")]),
    (
        "dwell rules check",
        &[
            ("What a file would change", "dwell rules check rules.toml"),
            ("Whether what is in force reads back", "dwell rules export | dwell rules check -"),
        ],
    ),
    ("dwell category", &[("All categories, with what you put there", "dwell category")]),
    ("dwell category list", &[("The same, for a script", "dwell category list --json")]),
    (
        "dwell category which",
        &[("Where a site belongs, and who says so", "dwell category which domain:youtube.com")],
    ),
    (
        "dwell category set",
        &[
            ("Put a site into a category that there is", "dwell category set domain:example.org learning"),
            ("Or into one of your own", "dwell category set app:code work"),
        ],
    ),
    ("dwell category unset", &[("Take back what you said", "dwell category unset app:firefox")]),
    (
        "dwell sql",
        &[
            ("What took most of a week", "dwell sql 'SELECT name, sum(seconds) FROM spans GROUP BY name' 7d"),
            ("Spans of an hour and more", "dwell sql 'SELECT * FROM spans WHERE seconds >= 3600' year"),
        ],
    ),
    (
        "dwell export",
        &[
            ("Everything, a JSON object a line", "dwell export all > history.ndjson"),
            ("For ActivityWatch", "dwell export all --format activitywatch > buckets.json"),
        ],
    ),
    ("dwell import", &[("What would be taken in", "dwell import activitywatch buckets.json --dry-run")]),
    (
        "dwell import activitywatch",
        &[
            ("What would be taken in", "dwell import activitywatch buckets.json --dry-run"),
            ("Windows, presence and sites together", "dwell import activitywatch buckets.json --yes"),
        ],
    ),
    ("dwell top", &[("The day as it goes by", "dwell top   # exits with 2 where there is no terminal")]),
    ("dwell watch", &[("The next change as a JSON object", "dwell watch --json | head -n 1")]),
    (
        "dwell browser",
        &[("How each browser is linked", "dwell browser   # exits with 1 where one is not well")],
    ),
    (
        "dwell browser install",
        &[("Let every browser that dwell knows find its part", "dwell browser install --all")],
    ),
    ("dwell browser remove", &[("Take that away again", "dwell browser remove")]),
    (
        "dwell browser status",
        &[("The same, for a script", "dwell browser status --json   # exits with 1 where one is not well")],
    ),
    (
        "dwell doctor",
        &[
            (
                "What works, and how to mend the rest",
                "dwell doctor   # exits with 1 where something does not",
            ),
            ("Mend what needs no root", "dwell doctor --fix   # exits with 1 where something is left"),
        ],
    ),
    ("dwell key", &[("The keys that open the vault", "dwell key")]),
    ("dwell key list", &[("The same, for a script", "dwell key list --json")]),
    (
        "dwell key add",
        &[
            ("A passphrase, asked for or read from standard input", "dwell key add passphrase"),
            ("A file that only you can read", "dwell key add keyfile   # exits with 2 where there is one"),
        ],
    ),
    ("dwell key remove", &[("Remove the key with the number 1", "dwell key remove 1 --yes")]),
    ("dwell key recovery", &[("Make a recovery key, for paper", "dwell key recovery")]),
    ("dwell key rotate", &[("Encrypt everything anew", "dwell key rotate --yes")]),
    ("dwell vault", &[("How the vault stands", "dwell vault")]),
    ("dwell vault unlock", &[("Open it for ten minutes", "dwell vault unlock --for 10m")]),
    ("dwell vault lock", &[("Lock it", "dwell vault lock")]),
    ("dwell vault info", &[("The same as dwell vault, for a script", "dwell vault info --json")]),
    ("dwell vault verify", &[("Read and check every record", "dwell vault verify")]),
    ("dwell vault backup", &[("A copy, encrypted as the vault is", "dwell vault backup ~/vault.dwell")]),
    (
        "dwell vault restore",
        &[(
            "Put a copy back, with the daemon stopped meanwhile",
            "systemctl --user stop dwelld && dwell vault restore ~/backup --yes",
        )],
    ),
    (
        "dwell vault salvage",
        &[(
            "A new vault of what a damaged one still holds",
            "systemctl --user stop dwelld && dwell vault salvage ~/backup --yes",
        )],
    ),
    ("dwell vault accept", &[("Take an older history as it is", "dwell vault accept --yes")]),
    (
        "dwell forget",
        &[
            ("What would go of a program", "dwell forget --app firefox --dry-run"),
            ("Forget today", "dwell forget --day today --yes"),
            (
                "Everything before this year",
                "dwell forget --before 2026-01-01 --yes   # exits with 3 where none is",
            ),
        ],
    ),
    ("dwell privacy", &[("What is stored, where, and who can read it", "dwell privacy")]),
    ("dwell config", &[("What is in force", "dwell config show")]),
    ("dwell config show", &[("What is in force, as a text that can be taken", "dwell config show")]),
    (
        "dwell config path",
        &[
            ("Change the configuration", "${EDITOR:-nano} \"$(dwell config path)\""),
            ("For a script", "dwell config path --json"),
        ],
    ),
    ("dwell config check", &[("Whether it can be read", "dwell config check")]),
    (
        "dwell completions",
        &[
            ("For zsh; in a folder of $fpath it is found", "dwell completions zsh > _dwell"),
            ("For fish", "dwell completions fish > dwell.fish"),
        ],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_examples_and_every_example_a_command() {
        fn look(command: &clap::Command, path: &str, paths: &mut Vec<String>) {
            assert!(!of(path).is_empty(), "`{path}` has no example: add one to EXAMPLES in {}", file!());
            paths.push(path.to_owned());
            let shown =
                command.get_subcommands().filter(|sub| !sub.is_hide_set() && sub.get_name() != "help");
            shown.for_each(|sub| look(sub, &format!("{path} {}", sub.get_name()), paths));
        }
        let mut paths = Vec::new();
        look(&crate::cli::command(), "dwell", &mut paths);
        for (path, examples) in EXAMPLES {
            assert!(paths.iter().any(|known| known == path), "there is no command `{path}`");
            for (what, line) in *examples {
                assert!(!what.ends_with('.') && line.contains("dwell"), "{what}: {line}");
                // In a manual page it stands eleven columns in, and a line that is broken cannot be copied.
                assert!(line.len() <= 69, "too long: {line}");
            }
        }
    }

    #[test]
    fn they_stand_below_the_long_help_alone() {
        let mut command = crate::cli::command();
        command.build();
        let check = command.find_subcommand_mut("check").unwrap();
        assert!(check.render_long_help().to_string().contains("Examples:\n  Do something only"));
        assert!(!check.render_help().to_string().contains("Examples:"));
        let open = command.find_subcommand_mut("open").unwrap().render_long_help().to_string();
        assert!(open.contains("You open it yourself") && open.contains("Examples:"), "{open}");
    }
}
