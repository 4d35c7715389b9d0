//! What the vault costs, against plain SQLite that stores the same rows in the same run: one table for each size of
//! history, with the bars of the vault's design. And what judging rules and what reports cost.
//!
//! `dwell-bench vault [--years 1,10] [--quick] [--dir FOLDER]`, `dwell-bench rules|report [--quick] [--dir FOLDER]`
//!
//! Ratios are what counts: both stores do the same work in turns, in the same folders, and medians of
//! several rounds are compared, so a slow machine slows both.

#![forbid(unsafe_code)]
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark prints, and fails loudly"
)]

mod child;
mod data;
mod imports;
mod measure;
mod ours;
mod place;
mod plain;
mod reports;
mod rounds;
mod rules;
mod table;
mod trial;

use std::path::PathBuf;
use std::process::ExitCode;

use lexopt::prelude::*;

const USAGE: &str = "usage: dwell-bench vault [--years 1,10] [--quick] [--dir FOLDER]
       dwell-bench rules|report [--quick] [--dir FOLDER]

  --years N,…    a table for each size of history (1,10)
  --quick        fewer rounds: minutes become seconds, and figures rough
  --dir FOLDER   where the databases go for the time being; must be on a disk (/var/tmp)";

/// What to measure.
struct Options {
    what: What,
    years: Vec<i32>,
    quick: bool,
    dir: PathBuf,
}

/// The things that there are.
#[derive(Clone, Copy)]
enum What {
    Vault,
    Rules,
    Report,
}

fn main() -> ExitCode {
    let mut arguments: Vec<_> = std::env::args_os().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "child") {
        child::main(&arguments.split_off(1));
        return ExitCode::SUCCESS;
    }
    match options(arguments) {
        Ok(options) => run(&options),
        Err(error) => {
            eprintln!("dwell-bench: {error}\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn options(arguments: Vec<std::ffi::OsString>) -> Result<Options, lexopt::Error> {
    let mut parser = lexopt::Parser::from_args(arguments);
    let mut options =
        Options { what: What::Vault, years: vec![1, 10], quick: false, dir: PathBuf::from("/var/tmp") };
    let mut command = false;
    while let Some(argument) = parser.next()? {
        match argument {
            Value(word) if !command => {
                command = true;
                options.what = match word.to_str() {
                    Some("vault") => What::Vault,
                    Some("rules") => What::Rules,
                    Some("report") => What::Report,
                    _ => return Err("what to measure? vault, rules or report".into()),
                };
            }
            Long("years") => {
                let years = parser.value()?.string()?;
                options.years = years
                    .split(',')
                    .map(|years| years.parse().ok().filter(|years| (1..=30).contains(years)))
                    .collect::<Option<_>>()
                    .ok_or("--years takes numbers from 1 to 30")?;
            }
            Long("quick") => options.quick = true,
            Long("dir") => options.dir = parser.value()?.into(),
            _ => return Err(argument.unexpected()),
        }
    }
    if command { Ok(options) } else { Err("what to measure? vault, rules or report".into()) }
}

fn run(options: &Options) -> ExitCode {
    let good = match options.what {
        What::Vault => {
            // Every table is shown, whatever the one before says.
            let tables = options.years.iter().map(|years| rounds::measure(*years, options));
            tables.fold(true, |all, good| all & good)
        }
        What::Rules => rules::measure(options.quick, &options.dir),
        What::Report => reports::measure(options.quick, &options.dir),
    };
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
