//! `dwell.toml(5)`: every setting, from one table that a test holds against what reads the configuration.

use super::roff::{literal, paragraph, section, term};
use super::{Page, SEE_CONFIG, finished, head};

/// A setting: key, type, default as it is written (`None`: there is no line for it), and what it does.
struct Setting {
    key: &'static str,
    kind: &'static str,
    default: Option<&'static str>,
    /// One that can be taken, as an example.
    example: &'static str,
    what: &'static str,
}

const SETTINGS: &[Setting] = &[
    Setting {
        key: "idle-after",
        kind: "a duration, 1s to 12h",
        default: Some("\"3m\""),
        example: "\"5m\"",
        what: "How long without a key or the mouse until time stops counting. A video that keeps the screen on goes on \
               counting.",
    },
    Setting {
        key: "day-start",
        kind: "a time from 00:00 to 12:00",
        default: Some("\"04:00\""),
        example: "\"05:00\"",
        what: "When a day begins: with the default, one o'clock in the night belongs to the evening before.",
    },
    Setting {
        key: "zone",
        kind: "a name of the IANA time zone database",
        default: None,
        example: "\"Europe/Athens\"",
        what: "The zone in which days are counted. Without it, the zone of the system.",
    },
    Setting {
        key: "notifications",
        kind: "true or false",
        default: Some("true"),
        example: "false",
        what: "Whether limits say a word before they act. With false they act without one.",
    },
    Setting {
        key: "keep-detail",
        kind: "a number of days, 1d to 36500d, or forever",
        default: Some("\"forever\""),
        example: "\"52w\"",
        what: "How long each single span is kept. After that a day has totals alone.",
    },
    Setting {
        key: "keep-totals",
        kind: "a number of days, 1d to 36500d, or forever",
        default: Some("\"forever\""),
        example: "\"520w\"",
        what: "How long the totals of a day are kept once its spans are gone. Those of the last 30 days always stay.",
    },
    Setting {
        key: "terminal-programs",
        kind: "true or false",
        default: Some("false"),
        example: "true",
        what: "Whether what runs in a terminal counts apart from it, as foot/vim.",
    },
    Setting {
        key: "audible",
        kind: "true or false",
        default: Some("false"),
        example: "true",
        what: "Whether sites that are heard in the background are recorded. They are in no total. A browser learns of it \
               when it is next started.",
    },
    Setting {
        key: "aliases",
        kind: "a table",
        default: None,
        example: "{ \"crx_abc\" = \"org.example.App\" }",
        what: "Programs that are counted as another one from now on. The key is a program's id and may end with a star, \
               the value is the program that it is counted as. Like any table of TOML it stands at the end of the file.",
    },
];

/// The page.
pub(super) fn page() -> Page {
    let mut page = head("DWELL.TOML", 5, "dwell.toml \\- the configuration of dwell");
    page += &section("DESCRIPTION");
    page += &paragraph(
        "The configuration is a TOML text in `~/.config/dwell/config.toml`. Nothing private need be in it but the ids of \
         programs that you name. It need not exist: every setting has a default. A key that is not known is refused, with \
         the line and the key that was probably meant, so that a slip of the finger cannot silently turn a setting off.",
    );
    page += ".PP\n";
    page += &paragraph(
        "The daemon reads it when it starts and whenever it changes. Where it cannot be read, what was in force stays, and \
         `dwell doctor` says so. `dwell config check` looks at it without taking it.",
    );
    page += &section("SETTINGS");
    for setting in SETTINGS {
        let default = setting.default.map(|default| format!("; {default} by default")).unwrap_or_default();
        let Setting { key, kind, example, what, .. } = setting;
        page += &term(
            &format!("`{key}`"),
            &format!("{what} It is {kind}{default}. Example: `{key} = {example}`."),
        );
    }
    page += &section("EXAMPLES");
    page += &literal(EXAMPLE);
    page += &section("FILES");
    page += &term("`~/.config/dwell/config.toml`", "The configuration; `$XDG_CONFIG_HOME` moves it.");
    page += &section("ENVIRONMENT");
    page += &term("`DWELL_CONFIG`", "Another place of the configuration.");
    finished("dwell.toml.5", &page, SEE_CONFIG)
}

const EXAMPLE: &str = "\
idle-after = \"5m\"
day-start = \"05:00\"
keep-detail = \"52w\"

[aliases]
\"crx_abc\" = \"org.example.App\"
\"libreoffice-*\" = \"libreoffice-startcenter\"
";

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;
    use dwell_core::config::Config;

    use super::*;

    #[test]
    fn the_table_is_what_the_parser_knows() {
        let why = Config::parse("an-unheard-of-key = 1").unwrap_err();
        let known: Vec<_> = why.hint.strip_prefix("known keys: ").unwrap().split(", ").collect();
        let mut described: Vec<_> = SETTINGS.iter().map(|setting| setting.key).collect();
        let mut wanted = known.clone();
        described.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(described, wanted);
    }

    #[test]
    fn examples_can_be_taken_and_defaults_are_the_defaults() {
        assert!(Config::parse(EXAMPLE).is_ok());
        let defaults = Config::default().to_text(Tz::UTC);
        for setting in SETTINGS {
            let text = format!("{} = {}\n", setting.key, setting.example);
            let read = Config::parse(&text).unwrap();
            assert_ne!(read, Config::default(), "{} changes nothing", setting.key);
            let default = setting.default.map(|default| format!("{} = {default}", setting.key));
            match default {
                Some(line) => {
                    assert!(defaults.lines().any(|known| known == line), "{line} is not in {defaults}")
                }
                None => assert!(["zone", "aliases"].contains(&setting.key)),
            }
        }
    }
}
