//! The configuration text: kebab-case TOML, with nothing private in it but the programs that the person names.
//!
//! ```toml
//! idle-after = "3m"          # 1s to 12h without input until time stops counting
//! day-start = "04:00"        # 00:00 to 12:00, local time
//! zone = "Europe/Athens"     # IANA name; default: the system's
//! notifications = true       # false: limits act without a word
//! keep-detail = "52w"        # how long each single span is kept, 1d to 36500d; default: "forever"
//! keep-totals = "520w"       # how long each day's totals are kept; those of 30 days stay; default: "forever"
//! terminal-programs = true   # what runs in a terminal counts apart from it, as foot/vim; default: false
//! audible = true             # sites that are heard in the background are recorded, in no total; default: false. A
//!                            # browser learns of it when it is next started
//!
//! [aliases]                  # programs that are counted as another one, from now on
//! "crx_abc" = "org.example.App"
//! "libreoffice-*" = "libreoffice-startcenter"
//! ```
//!
//! Unknown keys are refused, so that a slip of the finger cannot silently turn a setting off.

use chrono_tz::Tz;

use crate::aliases::{AliasError, Aliases};
use crate::calendar::DayStart;
use crate::time::Millis;

/// What can be configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Time without input after which the person counts as away. 1 s to 12 h; 3 minutes by default.
    pub idle_after: Millis,
    /// When a dwell day starts.
    pub day_start: DayStart,
    /// The zone in which days are counted; `None`: the system's.
    pub zone: Option<Tz>,
    /// Whether notifications are shown.
    pub notifications: bool,
    /// How many days each single span is kept, 1 to 36,500; `None`: for ever.
    pub keep_detail: Option<u32>,
    /// How many days each day's totals are kept, once its spans are gone; `None`: for ever.
    pub keep_totals: Option<u32>,
    /// Whether what runs in a terminal counts apart from it.
    pub terminal_programs: bool,
    /// Whether sites that are heard in the background are recorded.
    pub audible: bool,
    /// Programs that are counted as another one.
    pub aliases: Aliases,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            idle_after: Millis::from_mins(3),
            day_start: DayStart::default(),
            zone: None,
            notifications: true,
            keep_detail: None,
            keep_totals: None,
            terminal_programs: false,
            audible: false,
            aliases: Aliases::default(),
        }
    }
}

/// What is wrong with a configuration text, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct ConfigError {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// The next step, or empty.
    pub hint: String,
}

const KEYS: &[&str] = &[
    "idle-after",
    "day-start",
    "zone",
    "notifications",
    "keep-detail",
    "keep-totals",
    "terminal-programs",
    "audible",
    "aliases",
];
pub(crate) const IDLE_MIN: Millis = Millis::from_secs(1);
pub(crate) const IDLE_MAX: Millis = Millis::from_mins(12 * 60);

impl Config {
    /// Reads a configuration text.
    ///
    /// # Errors
    /// Broken TOML, unknown keys (with the key that was probably meant), values out of range: the first one found.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let table = toml::de::DeTable::parse(text).map_err(|error| {
            locate(text, error.span().map_or(0, |s| s.start), error.message().to_owned(), String::new())
        })?;
        let mut config = Self::default();
        for (key, value) in table.get_ref() {
            let bad =
                |message: String, hint: &str| Err(locate(text, value.span().start, message, hint.to_owned()));
            let name: &str = key.get_ref();
            let string = value.get_ref().as_str();
            match name {
                "idle-after" => match string.map(str::parse::<Millis>) {
                    Some(Ok(ms)) if (IDLE_MIN..=IDLE_MAX).contains(&ms) => config.idle_after = ms,
                    Some(Ok(_)) => {
                        return bad(
                            "idle-after is out of range".into(),
                            "choose 1s to 12h; 3m is the default",
                        );
                    }
                    Some(Err(why)) => {
                        return bad(format!("idle-after: {why}"), "write it like \"3m\" or \"90s\"");
                    }
                    None => return bad("idle-after is no text".into(), "write it in quotes, like \"3m\""),
                },
                "day-start" => match string.map(str::parse::<DayStart>) {
                    Some(Ok(start)) => config.day_start = start,
                    Some(Err(why)) => return bad(format!("day-start is {why}"), "write it like \"04:00\""),
                    None => return bad("day-start is no text".into(), "write it in quotes, like \"04:00\""),
                },
                "zone" => match string.map(str::parse::<Tz>) {
                    Some(Ok(zone)) => config.zone = Some(zone),
                    _ => {
                        return bad("zone is no IANA time zone".into(), "write it like \"Europe/Athens\"");
                    }
                },
                "notifications" | "terminal-programs" | "audible" => match value.get_ref().as_bool() {
                    Some(on) if name == "notifications" => config.notifications = on,
                    Some(on) if name == "audible" => config.audible = on,
                    Some(on) => config.terminal_programs = on,
                    None => return bad(format!("{name} is neither true nor false"), "write true or false"),
                },
                "aliases" => match value.get_ref().as_table() {
                    Some(table) => config.aliases = aliases(text, table)?,
                    None => return bad("aliases is no table".into(), ALIAS_HINT),
                },
                "keep-detail" | "keep-totals" => match string.and_then(days) {
                    Some(kept) if name == "keep-detail" => config.keep_detail = kept,
                    Some(kept) => config.keep_totals = kept,
                    None => {
                        return bad(
                            format!("{name} is no number of days"),
                            "write it like \"90d\" or \"52w\", 1d to 36500d, or \"forever\"",
                        );
                    }
                },
                _ => {
                    let near = KEYS
                        .iter()
                        .map(|known| (strsim::damerau_levenshtein(known, &name.to_ascii_lowercase()), *known))
                        .filter(|(distance, _)| *distance <= 3)
                        .min();
                    let hint = near.map_or_else(
                        || format!("known keys: {}", KEYS.join(", ")),
                        |(_, known)| format!("did you mean {known}?"),
                    );
                    let shown: String = name.chars().filter(|c| !c.is_control()).take(40).collect();
                    return Err(locate(text, key.span().start, format!("unknown key \"{shown}\""), hint));
                }
            }
        }
        Ok(config)
    }

    /// The configuration as a text that [`Config::parse`] reads back; `zone` is the one in force.
    pub fn to_text(&self, zone: Tz) -> String {
        let mut text = format!(
            "idle-after = \"{}\"\nday-start = \"{}\"\nzone = \"{}\"\nnotifications = {}\nkeep-detail = \"{}\"\nkeep-totals = \"{}\"\nterminal-programs = {}\naudible = {}\n",
            self.idle_after.typed(),
            self.day_start,
            self.zone.unwrap_or(zone),
            self.notifications,
            kept(self.keep_detail),
            kept(self.keep_totals),
            self.terminal_programs,
            self.audible,
        );
        if !self.aliases.is_empty() {
            text += "\n[aliases]\n";
        }
        for (from, to) in self.aliases.iter() {
            text += &format!("{} = {}\n", quoted(&from), quoted(to.as_str()));
        }
        text
    }
}

const ALIAS_HINT: &str = "write a line below [aliases], like \"crx_abc\" = \"org.example.App\"";

fn aliases(text: &str, table: &toml::de::DeTable<'_>) -> Result<Aliases, ConfigError> {
    let mut aliases = Aliases::default();
    // In the order of the text, so that of two the second one is too many.
    let mut lines: Vec<_> = table.iter().collect();
    lines.sort_by_key(|(from, _)| from.span().start);
    for (from, to) in lines {
        if let Some(setting) = KEYS.iter().find(|key| key.eq_ignore_ascii_case(from.get_ref())) {
            // Whatever is written below a table's head belongs to the table, also at the end of the file.
            let message = format!("{setting} stands below [aliases], where programs are named");
            let hint = "this is a setting: write it above [aliases]".to_owned();
            return Err(locate(text, from.span().start, message, hint));
        }
        let Some(program) = to.get_ref().as_str() else {
            let (message, hint) = ("the program that it is counted as is no text", ALIAS_HINT);
            return Err(locate(text, to.span().start, message.to_owned(), hint.to_owned()));
        };
        if let Err(error) = aliases.add(from.get_ref(), program) {
            let place = if error.is_about_target() { to.span() } else { from.span() };
            let hint = match error {
                AliasError::Twice | AliasError::Itself => "remove this line",
                AliasError::Desktop if from.get_ref().ends_with('*') => {
                    "remove this line, or write the programs that you mean in full"
                }
                AliasError::Desktop => "remove this line",
                AliasError::Terminal => "remove this line, or write a terminal behind the \"=\"",
                AliasError::ToDesktop => "remove this line, or write another program behind the \"=\"",
                AliasError::ToTerminal => {
                    "remove this line, or write a program behind the \"=\" that is no terminal"
                }
                AliasError::From(_)
                | AliasError::Star
                | AliasError::Everything
                | AliasError::To(_)
                | AliasError::ToStar => ALIAS_HINT,
            };
            return Err(locate(text, place.start, error.to_string(), hint.to_owned()));
        }
    }
    Ok(aliases)
}

/// A basic string of TOML. Ids have no control characters.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The longest time that can be asked for: a hundred years.
const DAYS_MAX: u64 = 36_500;

/// Whole days, or `forever`.
fn days(text: &str) -> Option<Option<u32>> {
    if text == "forever" {
        return Some(None);
    }
    let ms = text.parse::<Millis>().ok()?.as_ms();
    let days = ms / 86_400_000;
    let whole = ms % 86_400_000 == 0 && (1..=DAYS_MAX).contains(&days);
    whole.then(|| u32::try_from(days).ok()).flatten().map(Some)
}

fn kept(days: Option<u32>) -> String {
    days.map_or_else(|| "forever".to_owned(), |days| format!("{days}d"))
}

fn locate(text: &str, offset: usize, message: String, hint: String) -> ConfigError {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    let message = message.lines().collect::<Vec<_>>().join("; ");
    ConfigError { line, column, message, hint }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_text_is_read_and_written_back() {
        let text = "idle-after = \"1h30m\"\nday-start = \"05:30\"\nzone = \"Asia/Tokyo\"\nnotifications = false\n\
            keep-detail = \"90d\"\nkeep-totals = \"forever\"\nterminal-programs = true\naudible = true\n\n[aliases]\n\
            \"a\\\"b\\\\c\" = \"org.example.App\"\n\"crx_*\" = \"org.example.Web\"\n";
        let config = Config::parse(text).unwrap();
        assert_eq!(config.to_text(Tz::UTC), text);
        assert_eq!((config.keep_detail, config.keep_totals), (Some(90), None));
        for (kept, days) in [
            ("52w", Some(Some(364))),
            ("forever", Some(None)),
            ("0d", None),
            ("36h", None),
            ("40000d", None),
            ("for ever", None),
        ] {
            let read = Config::parse(&format!("keep-totals = \"{kept}\"")).ok();
            assert_eq!(read.map(|config| config.keep_totals), days, "{kept}");
        }
        assert_eq!(Config::parse(""), Ok(Config::default()));
    }

    #[test]
    fn what_the_documents_show_is_understood() {
        for text in [include_str!("../../../README.md"), include_str!("../../../docs/programs.md")] {
            let blocks = text.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
            let mut aliases = 0;
            for config in blocks.filter(|block| block.contains("[aliases]")).map(Config::parse) {
                for (from, _) in config.unwrap().aliases.iter() {
                    // It would take Steam's games out of the category of games.
                    assert!(!from.starts_with("steam"), "{from}");
                    aliases += 1;
                }
            }
            assert!(aliases > 0);
        }
    }

    #[test]
    fn errors_name_place_and_next_step() {
        let error = |text: &str| {
            let e = Config::parse(text).unwrap_err();
            format!("{e} | {}", e.hint)
        };
        assert_eq!(
            error("# x\nidle-afer = \"3m\""),
            "line 2, column 1: unknown key \"idle-afer\" | did you mean idle-after?"
        );
        assert_eq!(
            error("colour = 1"),
            "line 1, column 1: unknown key \"colour\" | known keys: idle-after, day-start, zone, notifications, keep-detail, keep-totals, terminal-programs, audible, aliases"
        );
        assert_eq!(
            error("idle-after = 3"),
            "line 1, column 14: idle-after is no text | write it in quotes, like \"3m\""
        );
        assert_eq!(
            error("idle-after = \"30\""),
            "line 1, column 14: idle-after: \"30\" lacks a unit | write it like \"3m\" or \"90s\""
        );
        assert!(error("idle-after = \"0s\"").contains("out of range"));
        assert!(error("zone = \"Atlantis\"").contains("IANA"));
        assert!(error("idle-after = ").starts_with("line 1, column "));
        assert!(error("[rules]\n").contains("unknown key \"rules\""));
        assert!(error("[alias]\n").contains("did you mean aliases?"));
        assert!(error("terminal-programs = 1").contains("write true or false"));
        assert_eq!(
            error("[aliases]\n\"crx_a\" = \"x\"\nCRX_A = \"y\""),
            "line 3, column 1: there is an alias for this already; upper and lower case are the same | remove this line"
        );
        assert_eq!(
            error("[aliases]\nfoot = \"Foot\""),
            "line 2, column 8: a program cannot be an alias of itself | remove this line"
        );
        assert!(
            error("[aliases]\n\"\" = \"x\"")
                .starts_with("line 2, column 1: this is no program's id: it is empty")
        );
        assert!(
            error("[aliases]\nfoot = \"\"")
                .starts_with("line 2, column 8: the program that it is counted as is no id")
        );
        assert!(
            error("[aliases]\nfoot = 3")
                .starts_with("line 2, column 8: the program that it is counted as is no text")
        );
        assert!(error("[aliases]\norg.a = \"x\"").starts_with("line 2, column "));
        for (key, value) in [
            ("idle-after", "\"5m\""),
            ("terminal-programs", "true"),
            ("Zone", "\"UTC\""),
            ("aliases", "\"x\""),
        ] {
            let said = error(&format!("[aliases]\ncrx_a = \"x\"\n\n{key} = {value}\n"));
            assert!(said.starts_with("line 4, column 1: "), "{said}");
            assert!(said.ends_with(" | this is a setting: write it above [aliases]"), "{said}");
        }
        for (line, hint) in [
            ("foot = \"code\"", "remove this line, or write a terminal behind the \"=\""),
            ("\"foot/vim\" = \"vim\"", "remove this line, or write a terminal behind the \"=\""),
            ("sway = \"code\"", "remove this line"),
            ("\"org.gnome.*\" = \"x\"", "remove this line, or write the programs that you mean in full"),
            ("code = \"sway\"", "remove this line, or write another program behind the \"=\""),
            ("code = \"foot\"", "remove this line, or write a program behind the \"=\" that is no terminal"),
        ] {
            let said = error(&format!("[aliases]\n{line}"));
            assert!(said.ends_with(&format!(" | {hint}")), "{said}");
        }
        assert!(error("aliases = 3").contains("aliases is no table"));
    }
}
