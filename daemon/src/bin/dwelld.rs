//! `dwelld`: parse, build, call.

use std::process::ExitCode;

use dwell_daemon::arguments::{Arguments, Call};
use dwell_daemon::start;

#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "help, version and the one line of why it ended"
)]
fn main() -> ExitCode {
    let done = match Arguments::parse(std::env::args_os()) {
        Ok(Arguments::Help) => {
            print!("{}", dwell_daemon::arguments::HELP);
            Ok(0)
        }
        Ok(Arguments::Version) => {
            println!("dwelld {}", env!("CARGO_PKG_VERSION"));
            Ok(0)
        }
        Ok(Arguments::Call(Call::Attach)) => start::attach().map(|()| 0),
        Ok(Arguments::Call(Call::Sweep)) => start::sweep().map(|()| 0),
        Ok(Arguments::Call(Call::Connect(socket))) => start::connect(&socket).map(|()| 0),
        Ok(Arguments::Call(Call::PutBack(order))) => start::put_back(order),
        Ok(Arguments::Call(Call::Run(options))) => start::run(options).map(|()| 0),
        Err(failure) => Err(failure),
    };
    done.map_or_else(
        |failure| {
            // Below systemd, what is said here is kept (systemd.exec(5), JOURNAL_STREAM).
            let kept = std::env::var_os("JOURNAL_STREAM").is_some();
            let line = if kept { failure.for_log() } else { failure.to_string() };
            eprintln!("dwelld: {line}");
            ExitCode::from(failure.code)
        },
        ExitCode::from,
    )
}
