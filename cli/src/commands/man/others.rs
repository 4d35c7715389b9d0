//! Pages about what is no command of `dwell`: the text of rules, and the daemon.

use super::roff::{literal, paragraph, section, term};
use super::{Page, finished, head};

/// `dwell-rules(5)`: the text that `dwell rules` exports and imports.
pub(super) fn rules() -> Page {
    let mut page = head("DWELL-RULES", 5, "dwell\\-rules \\- the text of dwell's rules");
    page += &section("DESCRIPTION");
    page += &paragraph(
        "`dwell rules export` gives the rules as TOML, `dwell rules import` takes them, and `dwell rules edit` does both \
         around your editor. Comments and order stay as they are. What is wrong is told with line and column, and then \
         the rules stay as they were.",
    );
    page += &section("RULES");
    page += &paragraph("Each rule is a table `[[rule]]` with these keys; all but `target` may be left out.");
    for (key, what) in KEYS {
        page += &term(&format!("`{key}`"), what);
    }
    page += &section("OTHER TABLES");
    page += &term(
        "`[settings]`",
        "What changes how time is charged, as in `dwell.toml(5)`; what is missing is taken from the configuration.",
    );
    page += &term(
        "`[categories]`",
        "Your own categories: `\"domain:example.org\" = \"learning\"`. They win over the built-in ones.",
    );
    page += &section("CHANGING YOUR MIND");
    page += &paragraph(super::CHANGING);
    page += &section("EXAMPLES");
    page += &literal(RULES_EXAMPLE);
    page += &section("FILES");
    page += &paragraph("The rules are kept encrypted in the vault, and in no file of their own.");
    finished(
        "dwell-rules.5",
        &page,
        &["dwell-rules(1)", "dwell-limit(1)", "dwell-category(1)", "dwell.toml(5)"],
    )
}

const KEYS: &[(&str, &str)] = &[
    ("id", "A short name; made of the target where it is missing."),
    ("target", "What the rule is about: `app:ID`, `domain:D`, `category:C` or `all`."),
    (
        "budget",
        "`{ amount = \"45m\", per = \"day\" }`, per `hour`, `day`, `week` or `month`; or visits: `{ opens = 5, per = \"day\" }`.",
    ),
    ("days", "A list of days: `[\"mon-fri\"]`, `[\"sat\", \"sun\"]`. Else all days."),
    (
        "blocked",
        "Hours in which it is blocked: `[\"22:00-07:00\"]`. They belong to the day on which they start.",
    ),
    ("allowed", "The only hours in which it is not blocked; not together with `blocked`."),
    ("warn", "How long before the end to warn: `[\"5m\"]`. Else 5 minutes, for small budgets a fifth."),
    ("at-limit", "What happens then: `notify`, `block` (the default), `close`, `freeze` or `lock`."),
    (
        "snooze",
        "How it can be put off: `{ length = \"5m\", per-day = 3, wait = \"20s\", sentence = \"I really want this\" }`.",
    ),
    ("strict", "How it is loosened: `open`, `cooling` (the default) or `locked-until 2026-12-31`."),
    ("except", "Targets that it never charges and never blocks."),
    (
        "without-extension",
        "For browsers of which no site is known: `block` puts them away while the rule blocks, `count-all` counts their time \
         as well, `ignore` (the default) does neither.",
    ),
    ("rollover", "`true`: what one period leaves is added to the next one."),
    ("count-free", "Hours in which nothing is charged: `[\"12:00-13:00\"]`."),
];

const RULES_EXAMPLE: &str = "\
[[rule]]
id = \"evening-video\"
target = \"category:video\"
budget = { amount = \"45m\", per = \"day\" }
days = [\"mon-fri\"]
blocked = [\"22:00-07:00\"]

[[rule]]
target = \"app:steam\"
budget = { amount = \"5h\", per = \"week\" }
strict = \"cooling\"
rollover = true

[categories]
\"domain:example.org\" = \"learning\"
";

/// `dwelld(8)`.
pub(super) fn daemon() -> Page {
    let mut page =
        head("DWELLD", 8, "dwelld \\- measures screen time on this machine and keeps the limits you set");
    page += &section("SYNOPSIS");
    page += "\\fBdwelld\\fR [\\fIOPTIONS\\fR]\n.br\n\\fBdwelld attach\\fR | \\fBsweep\\fR\n.br\n\
             \\fBdwelld restore\\fR | \\fBsalvage\\fR [\\fIOPTIONS\\fR] \\fIFILE\\fR\n";
    page += &section("DESCRIPTION");
    page += &paragraph(
        "The daemon watches which window has focus, whether somebody is there, and whether the screen is locked; it \
         writes that, encrypted, into a vault, and acts when a limit is reached. It speaks to nobody over a network and \
         cannot: it gives that right up when it starts. `dwell(1)` asks it over D\u{2011}Bus. It needs no root, and each \
         person has one of their own."
            .replace('\u{2011}', "-")
            .as_str(),
    );
    page += ".PP\n";
    page += &paragraph(
        "It is started by systemd (`systemctl --user enable --now dwelld`) or by D-Bus when something asks for it. SIGTERM \
         ends it cleanly: what was frozen runs again, and what was counted is written. SIGHUP makes it read its \
         configuration again.",
    );
    page += &section("COMMANDS");
    for (command, what) in COMMANDS {
        page += &term(&format!("`{command}`"), what);
    }
    page += &section("OPTIONS");
    for (option, what) in OPTIONS {
        page += &term(&format!("`{option}`"), what);
    }
    page += &section("EXAMPLES");
    page += &paragraph("What limits would do, without their doing it:");
    page += &literal("systemctl --user stop dwelld && dwelld --dry-run");
    page += &section("EXIT STATUS");
    for (code, what) in [
        ("0", "Stopped."),
        ("1", "Failed."),
        ("2", "Invalid configuration, or wrong usage."),
        ("4", "The vault's key is not to be had."),
        ("5", "`attach` found no daemon."),
    ] {
        page += &term(code, what);
    }
    page += &section("ENVIRONMENT");
    for (name, what) in VARIABLES {
        page += &term(&format!("`{name}`"), what);
    }
    page += &section("FILES");
    page += &super::files();
    finished(
        "dwelld.8",
        &page,
        &["dwell(1)", "dwell-doctor(1)", "dwell-vault(1)", "dwell.toml(5)", "systemctl(1)"],
    )
}

const COMMANDS: &[(&str, &str)] = &[
    ("attach", "Tell the running daemon where the display is."),
    ("sweep", "Let programs run again that a limit froze, after the daemon is gone."),
    ("restore", "Put a backup back; `dwell vault restore` asks first."),
    ("salvage", "Make a vault of what a damaged one still holds."),
];

const OPTIONS: &[(&str, &str)] = &[
    ("--sensors", "`own`: sense in this process (the default). `intake`: take facts from the bus alone."),
    ("--dry-run", "Print what limits would do instead of doing it."),
    ("--no-keyring", "Do not ask the keyring for the vault's keys."),
    ("--put-aside", "With `restore`: move the vault that is there aside. `salvage` always does."),
    ("--passphrase", "With `restore` and `salvage`: read a passphrase from standard input."),
    ("--recovery", "With `restore` and `salvage`: read a recovery key from standard input."),
    ("--version", "Print the version."),
    ("--help", "Print a summary."),
];

const VARIABLES: &[(&str, &str)] = &[
    ("DWELL_DATA_DIR", "Another data folder."),
    ("DWELL_CONFIG", "Another place of the configuration."),
    (
        "DWELL_LOG",
        "`error`, `warn`, `info` (the default), `debug` or `trace`: how much it logs. Names of programs and sites are in no log.",
    ),
];

#[cfg(test)]
mod tests {
    use dwell_core::rules::RulesText;

    use super::*;

    #[test]
    fn the_example_of_rules_can_be_taken_and_all_keys_are_described() {
        assert_eq!(RulesText::parse(RULES_EXAMPLE).unwrap().set().rules.len(), 2);
        // Where a key is unknown and like no other, all that there are are told.
        let why = RulesText::parse("[[rule]]\nan-unheard-of-key = 1\n").unwrap_err();
        let known: Vec<_> = why.hint.strip_prefix("known keys: ").unwrap().split(", ").collect();
        let mut described: Vec<_> = KEYS.iter().map(|(key, _)| *key).collect();
        let mut wanted = known.clone();
        described.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(described, wanted);
    }

    #[test]
    fn the_daemon_page_has_all_that_its_help_has() {
        let help = include_str!("../../../../daemon/src/arguments.rs");
        let help = help.split("HELP: &str").nth(1).and_then(|rest| rest.split("\";").next()).unwrap();
        let page = String::from_utf8(daemon().1).unwrap();
        let words = help.split(|c: char| !(c.is_ascii_alphanumeric() || "-_".contains(c)));
        for word in
            words.filter(|word| word.starts_with("--") && word.len() > 2 || word.starts_with("DWELL_"))
        {
            assert!(page.contains(&super::super::roff::escaped(word)), "dwelld(8) lacks {word}");
        }
        for command in ["attach", "sweep", "restore", "salvage"] {
            assert!(
                help.contains(&format!("dwelld {command}")) && page.contains(&format!("\\fB{command}\\fR"))
            );
        }
    }
}
