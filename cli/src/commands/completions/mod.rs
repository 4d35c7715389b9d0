//! `dwell completions SHELL`: what a shell needs to complete dwell's command line.
//!
//! The scripts hold nothing of the command line: they ask `dwell __complete` at each press of Tab, so they stay as they
//! are while commands come and go. What may follow is clap_complete's to find out, and [`values`] knows what an
//! argument's value may be.

mod values;

use std::ffi::OsString;

use clap::ValueEnum;
use clap_complete::engine::CompletionCandidate;

use crate::console::Console;
use crate::error::{End, Error};
use crate::output::text::plain;

/// Print the completion script of a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "\
bash: dwell completions bash > ~/.local/share/bash-completion/completions/dwell
zsh:  dwell completions zsh > a folder of $fpath, as _dwell
fish: dwell completions fish > ~/.config/fish/completions/dwell.fish

Programs, domains, rules and categories are asked of the daemon while you type; it is not started for that.")]
pub(crate) struct Args {
    /// For which shell
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// Prints the script.
#[expect(clippy::unnecessary_wraps, reason = "all commands end alike")]
pub(crate) fn run(args: &Args, console: &mut Console) -> Result<End, Error> {
    console.write(script(args.shell).as_bytes());
    Ok(End::Well)
}

const fn script(shell: Shell) -> &'static str {
    match shell {
        Shell::Bash => include_str!("dwell.bash"),
        Shell::Zsh => include_str!("dwell.zsh"),
        Shell::Fish => include_str!("dwell.fish"),
    }
}

/// Say what may follow (for the completion scripts): a value a line, and after a tab what it means
#[derive(Debug, clap::Args)]
pub(crate) struct Words {
    /// The command line up to the cursor, the program's name first
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<OsString>,
}

/// Prints what may follow. Whatever goes wrong, there is then nothing to offer: nobody asked a question.
#[expect(clippy::unnecessary_wraps, reason = "all commands end alike")]
pub(crate) fn complete(words: Words, console: &mut Console) -> Result<End, Error> {
    for line in lines(crate::cli::command(), words.words) {
        console.say(&line);
    }
    Ok(End::Well)
}

fn lines(command: clap::Command, words: Vec<OsString>) -> Vec<String> {
    let Some(last) = words.len().checked_sub(1) else { return Vec::new() };
    let starts_anew = words.last().is_some_and(|word| word.is_empty());
    let mut command = values::completed(command);
    let mut found = clap_complete::engine::complete(&mut command, words, last, None).unwrap_or_default();
    found.retain(|candidate| !candidate.is_hide_set());
    let is_option =
        |candidate: &CompletionCandidate| candidate.get_value().as_encoded_bytes().starts_with(b"-");
    if starts_anew {
        // Options are for who has typed a dash: where nothing is known, a shell would else type the dashes itself.
        found.retain(|candidate| !is_option(candidate));
    }
    found.iter().filter_map(line).collect()
}

/// `today<tab>Since the day began`
fn line(candidate: &CompletionCandidate) -> Option<String> {
    let value = candidate.get_value().to_str()?;
    if value.chars().any(char::is_control) {
        return None;
    }
    let help = candidate.get_help().map(ToString::to_string).unwrap_or_default();
    let help = plain(help.lines().next().unwrap_or_default()).into_owned();
    Some(if help.is_empty() { value.to_owned() } else { format!("{value}\t{help}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(line: &str) -> Vec<String> {
        // As a shell splits it: what follows a blank at the end is an empty word.
        let lines = lines(crate::cli::command(), line.split(' ').map(OsString::from).collect());
        lines.into_iter().map(|line| line.split('\t').next().unwrap_or_default().to_owned()).collect()
    }

    #[test]
    fn scripts_ask_dwell() {
        for shell in Shell::value_variants() {
            assert!(script(*shell).contains("dwell __complete -- "), "{shell:?}");
        }
    }

    #[test]
    fn commands_options_and_values_are_offered() {
        assert_eq!(offered("dwell st"), ["status"]);
        assert_eq!(offered("dwell limit c"), ["confirm", "cancel"]);
        assert_eq!(offered("dwell report --fo"), ["--format"]);
        assert_eq!(offered("dwell report --format=cs"), ["--format=csv"]);
        assert!(offered("dwell report --by ").contains(&"domain".to_owned()));
        assert_eq!(offered("dwell report last"), ["lastweek"]);
        assert_eq!(offered("dwell completions "), ["bash", "zsh", "fish"]);
        assert_eq!(offered("dwell rules check ")[..], [":files"]);
        assert!(offered("dwell").is_empty() || offered("dwell") == ["dwell"], "{:?}", offered("dwell"));
    }

    #[test]
    fn what_is_hidden_stays_hidden_and_options_wait_for_a_dash() {
        assert!(offered("dwell __").is_empty());
        assert!(offered("dwell ma").is_empty());
        assert!(!offered("dwell report ").iter().any(|word| word.starts_with('-')));
        assert!(offered("dwell report -").contains(&"--by".to_owned()));
        assert!(offered("dwell watch ").is_empty() && offered("dwell watch -").len() >= 3);
    }

    #[test]
    fn each_period_is_explained() {
        let lines = lines(crate::cli::command(), ["dwell", "report", ""].map(OsString::from).to_vec());
        assert!(lines.contains(&"lastweek\tThe last whole week, from Monday".to_owned()), "{lines:?}");
        assert!(lines.iter().all(|line| line.contains('\t')), "{lines:?}");
    }
}
