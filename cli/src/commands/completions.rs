//! `dwell completions SHELL`: what a shell needs to complete dwell's command line.

use clap::ValueEnum;

use crate::console::Console;
use crate::error::{End, Error};

/// Print the completion script of a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "\
bash: dwell completions bash > ~/.local/share/bash-completion/completions/dwell
zsh:  dwell completions zsh > a folder of $fpath, as _dwell
fish: dwell completions fish > ~/.config/fish/completions/dwell.fish")]
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
    console.write(&script(args.shell));
    Ok(End::Well)
}

fn script(shell: Shell) -> Vec<u8> {
    use clap_complete::{generate, shells};
    let (mut command, mut script) = (crate::cli::command(), Vec::new());
    match shell {
        Shell::Bash => generate(shells::Bash, &mut command, "dwell", &mut script),
        Shell::Zsh => generate(shells::Zsh, &mut command, "dwell", &mut script),
        Shell::Fish => generate(shells::Fish, &mut command, "dwell", &mut script),
    }
    script
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_knows_every_command() {
        for shell in Shell::value_variants() {
            let script = String::from_utf8(script(*shell)).unwrap();
            for word in ["status", "report", "at-limit", "ndjson", "completions"] {
                assert!(script.contains(word), "{shell:?} lacks {word}");
            }
        }
    }
}
