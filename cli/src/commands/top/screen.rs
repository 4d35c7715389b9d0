//! The terminal while it is ours: taken on the way in, given back on every way out.
//!
//! A panic is one of them. It prints its message after the terminal has been given back, so that it can be read, and in a
//! release build, where a panic ends the program at once, it is the hook alone that gives it back.

use std::io;
use std::sync::Once;

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::layout::{Position, Rect};
use rustix::process::{Signal, getpid, kill_process};

use crate::output::dashboard::{Board, Pen, draw};

/// Our terminal. Dropped, it is given back.
pub(super) struct Screen(Terminal<CrosstermBackend<io::Stdout>>);

impl Screen {
    /// Takes the terminal.
    ///
    /// # Errors
    /// It is none, or cannot be written to.
    pub(super) fn enter() -> io::Result<Self> {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                give_back();
                before(panic);
            }));
        });
        // From here on dropping gives it back, whatever fails below.
        let mut screen = Self(Terminal::new(CrosstermBackend::new(io::stdout()))?);
        screen.take()?;
        Ok(screen)
    }

    fn take(&mut self) -> io::Result<()> {
        enable_raw_mode()?;
        execute!(io::stdout(), EnterAlternateScreen, Hide)?;
        self.clear()
    }

    /// Draws the board in the terminal's present size.
    ///
    /// # Errors
    /// The terminal cannot be written to.
    pub(super) fn draw(&mut self, board: &mut Board, pen: Pen) -> io::Result<()> {
        self.0.draw(|frame| draw(frame, board, pen))?;
        Ok(())
    }

    /// Draws all of it anew, even what should be there.
    ///
    /// # Errors
    /// The terminal cannot be written to.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        // `Terminal::clear` asks the terminal where its cursor is, and not every terminal answers.
        let size = self.0.size()?;
        self.0.resize(Rect::from((Position::ORIGIN, size)))
    }

    /// Ctrl-Z: gives the terminal back, sleeps until the shell wakes us, and takes it again.
    ///
    /// # Errors
    /// The terminal cannot be taken again.
    pub(super) fn stop(&mut self) -> io::Result<()> {
        give_back();
        kill_process(getpid(), Signal::TSTP)?;
        self.take()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// As it was before. What cannot be done any more is of no use to anybody, either.
fn give_back() {
    let _ = disable_raw_mode();
    let _ = execute!(io::stdout(), LeaveAlternateScreen, Show);
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::process::{Command, Stdio};

    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use rustix::termios::tcgetattr;

    use super::*;

    /// Not a test by itself: what the one below runs on a terminal.
    #[test]
    #[ignore = "it panics; the test below runs it"]
    fn panics_on_the_screen() {
        let _screen = Screen::enter().unwrap();
        panic!("said after the screen");
    }

    #[test]
    fn a_panic_gives_the_terminal_back_before_it_speaks() {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let name = ptsname(&ours, Vec::new()).unwrap();
        let flags = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY;
        let theirs = rustix::fs::open(name.as_c_str(), flags, rustix::fs::Mode::empty()).unwrap();
        let before = format!("{:?}", tcgetattr(&ours).unwrap());
        let end = || Stdio::from(theirs.try_clone().unwrap());
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args([
                "--exact",
                "commands::top::screen::tests::panics_on_the_screen",
                "--ignored",
                "--nocapture",
            ])
            .stdin(end())
            .stdout(end())
            .stderr(end());
        let mut child = command.spawn().unwrap();
        drop(command);
        drop(theirs);
        let mut shown = Vec::new();
        // The end of a terminal is an error (EIO).
        let _ = std::fs::File::from(ours.try_clone().unwrap()).read_to_end(&mut shown);
        assert!(!child.wait().unwrap().success());
        let shown = String::from_utf8_lossy(&shown).into_owned();
        let at = |text: &str| shown.find(text).unwrap_or_else(|| panic!("{text:?} is missing in {shown:?}"));
        assert!(at("\x1b[?1049h") < at("\x1b[?1049l"), "{shown:?}");
        assert!(at("\x1b[?1049l") < at("said after the screen"), "{shown:?}");
        assert_eq!(format!("{:?}", tcgetattr(&ours).unwrap()), before);
    }
}
