//! A test bed: one person's whole session, from nothing to gone.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use tempfile::TempDir;

use crate::bell::Bell;
use crate::bus::PrivateBus;
use crate::clock::{Deadline, Stamp, wait_until};
use crate::gnome::{Film, Gnome};
use crate::logind::Logind;
use crate::machine::{self, Person};
use crate::notices::Notices;
use crate::observer::Observer;
use crate::place::Place;
use crate::process::Process;
use crate::sway::Sway;
use crate::x11::X11;

/// What kind of desktop a bed has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Xvfb with openbox.
    X11,
    /// Headless sway.
    Sway,
    /// Headless GNOME Shell with dwell's extension in it.
    Gnome,
    /// The same without dwell's extension.
    GnomeAlone,
    /// Buses alone, as over ssh.
    NoDisplay,
}

#[derive(Debug)]
enum Desktop {
    X11(X11),
    Sway(Sway),
    Gnome(Box<Gnome>),
    None,
}

/// A real window of a real program.
#[derive(Debug)]
pub struct Window {
    app: String,
    /// The X window, or the pid by which sway and GNOME Shell know it.
    number: u32,
    process: Process,
}

impl Window {
    /// The app id that it shows to the desktop.
    #[must_use]
    pub fn app(&self) -> &str {
        &self.app
    }

    /// The program behind the window.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }
}

/// One person's session. All of it ends when this is dropped.
#[derive(Debug)]
pub struct Bed {
    desktop: Desktop,
    session_bus: PrivateBus,
    place: Place,
    // Last: the folder goes when nothing runs in it any more.
    folder: TempDir,
}

impl Bed {
    /// Starts a bed, or says that this machine cannot run the calling test.
    #[must_use]
    pub fn start(kind: Kind) -> Option<Self> {
        match Self::try_start(kind) {
            Ok(bed) => Some(bed),
            Err(why) => {
                machine::cannot_run(&machine::running_test(), &why);
                None
            }
        }
    }

    /// Starts a bed.
    ///
    /// # Errors
    ///
    /// What this machine lacks.
    pub fn try_start(kind: Kind) -> Result<Self, String> {
        let (needs, person): (&[&str], _) = match kind {
            Kind::X11 => (X11::NEEDS, Ok(Person::current())),
            Kind::Sway => (Sway::NEEDS, Person::unprivileged()),
            Kind::Gnome | Kind::GnomeAlone => (Gnome::NEEDS, Person::unprivileged()),
            Kind::NoDisplay => (&["dbus-daemon", "setpriv"], Ok(Person::current())),
        };
        if let Some(missing) = machine::lacks(needs) {
            return Err(format!("{missing} is not installed"));
        }
        let folder = tempfile::Builder::new().prefix("dwell-bed-").tempdir().expect("a folder for the bed");
        *LATEST.lock().unwrap_or_else(PoisonError::into_inner) = Some(folder.path().to_owned());
        let mut place = Place::make(folder.path(), person?);
        place.write(&place.config(), configuration("3m"));
        let session_bus = PrivateBus::start(&place, "session");
        let desktop = match kind {
            Kind::X11 => Desktop::X11(X11::start(&mut place)),
            Kind::Sway => Desktop::Sway(Sway::start(&mut place)),
            Kind::Gnome | Kind::GnomeAlone => {
                Desktop::Gnome(Box::new(Gnome::start(&mut place, kind == Kind::Gnome)?))
            }
            Kind::NoDisplay => Desktop::None,
        };
        Ok(Bed { desktop, session_bus, place, folder })
    }

    /// Where the bed's programs run.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The same, to change the environment of programs that start from now on.
    pub fn place_mut(&mut self) -> &mut Place {
        &mut self.place
    }

    /// The folder that holds all of the bed.
    #[must_use]
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// The session bus.
    pub fn session_bus(&mut self) -> &mut PrivateBus {
        &mut self.session_bus
    }

    /// Starts a service that records notifications on the session bus.
    #[must_use]
    pub fn record_notices(&self) -> Notices {
        Notices::start(self.session_bus.address())
    }

    /// Starts a system bus with a mocked logind, on which the bed's person has one active session. None, and said so,
    /// when this machine has no dbusmock.
    #[must_use]
    pub fn mock_logind(&self) -> Option<Logind> {
        let logind = self.try_mock_logind();
        logind.inspect_err(|why| machine::cannot_run(&machine::running_test(), why)).ok()
    }

    /// The same.
    ///
    /// # Errors
    ///
    /// What this machine lacks.
    pub fn try_mock_logind(&self) -> Result<Logind, String> {
        Logind::start(&self.place)
    }

    /// Sets how long without input counts as idle, for a daemon that starts from now on (`"3s"`).
    pub fn idle_after(&self, duration: &str) {
        self.place.write(&self.place.config(), configuration(duration));
    }

    /// Opens a real window and waits until the desktop shows it with focus.
    #[must_use]
    pub fn open(&self, app: &str, title: &str) -> Window {
        let (process, number) = match &self.desktop {
            Desktop::X11(x11) => x11.open(&self.place, app, title),
            Desktop::Sway(sway) => sway.open(&self.place, app, title),
            Desktop::Gnome(gnome) => gnome.open(&self.place, app, title),
            Desktop::None => panic!("this bed has no display"),
        };
        Window { app: app.to_owned(), number, process }
    }

    /// Closes a window by ending its program, and waits until the desktop no longer has it.
    ///
    /// # Panics
    ///
    /// When it stays.
    pub fn close(&self, mut window: Window) {
        window.process.kill();
        assert!(self.wait_until(Deadline::seconds(15), || !self.is_open(&window)), "the window stays");
    }

    /// Asks the desktop to give a window focus, as a task bar does. It also brings back a hidden window.
    pub fn ask_for_focus(&self, window: &Window) {
        match &self.desktop {
            Desktop::X11(_) => X11::ask_for_focus(&self.place, window.number),
            Desktop::Sway(_) => Sway::ask_for_focus(&self.place, window.number),
            Desktop::Gnome(_) => Gnome::ask_for_focus(&self.place, window.number),
            Desktop::None => panic!("this bed has no display"),
        }
    }

    /// Presses and releases a key that does nothing, as fake but real input.
    pub fn press_key(&self) {
        match &self.desktop {
            Desktop::X11(_) => X11::press_key(&self.place),
            Desktop::Sway(_) => Sway::press_key(&self.place),
            Desktop::Gnome(_) => Gnome::press_key(&self.place),
            Desktop::None => panic!("this bed has no display"),
        }
    }

    /// Whether the desktop has really put the window out of sight: minimised, or in sway's scratchpad.
    #[must_use]
    pub fn is_hidden(&self, window: &Window) -> bool {
        match &self.desktop {
            Desktop::X11(x11) => x11.is_hidden(window.number),
            Desktop::Sway(_) => Sway::is_hidden(&self.place, window.number),
            Desktop::Gnome(_) => Gnome::is_hidden(&self.place, window.number),
            Desktop::None => false,
        }
    }

    /// Whether the desktop still has the window.
    #[must_use]
    pub fn is_open(&self, window: &Window) -> bool {
        match &self.desktop {
            Desktop::X11(x11) => x11.is_open(window.number),
            Desktop::Sway(_) => Sway::is_open(&self.place, window.number),
            Desktop::Gnome(_) => Gnome::is_open(&self.place, window.number),
            Desktop::None => false,
        }
    }

    /// Waits for a condition on the desktop, looking again whenever something changes there.
    pub fn wait_until(&self, deadline: Deadline, condition: impl FnMut() -> bool) -> bool {
        self.changed().is_some_and(|bell| bell.wait_until(deadline, condition))
    }

    fn changed(&self) -> Option<&Bell> {
        match &self.desktop {
            Desktop::X11(x11) => Some(x11.changed()),
            Desktop::Sway(sway) => Some(sway.changed()),
            Desktop::Gnome(gnome) => Some(gnome.changed()),
            Desktop::None => None,
        }
    }

    /// Waits until dwell itself says that this app is in focus.
    ///
    /// # Panics
    ///
    /// When it does not within ten seconds.
    pub fn wait_for_dwell_to_see(&self, app: &str) {
        let sees = || self.dwell_json(&["status"])["active"]["app"] == app;
        assert!(
            wait_until(Deadline::seconds(10), sees),
            "dwell does not see {app}: {}",
            self.dwell(&["status"]).stdout
        );
    }

    /// Starts watching focus with the desktop's own tools, independently of dwell.
    #[must_use]
    pub fn observe(&self) -> Observer {
        match &self.desktop {
            Desktop::X11(_) => Observer::of_x11(&self.place),
            Desktop::Sway(_) => Observer::of_sway(&self.place),
            Desktop::Gnome(_) => Observer::of_gnome(&self.place),
            Desktop::None => panic!("this bed has no display"),
        }
    }

    /// Locks the screen of a desktop that has a lock of its own, or unlocks it, and waits until it is so.
    pub fn lock(&self, locked: bool) {
        match &self.desktop {
            Desktop::Gnome(_) => Gnome::lock(&self.place, locked),
            Desktop::X11(_) | Desktop::Sway(_) | Desktop::None => panic!("this desktop has no lock"),
        }
    }

    /// Starts a film, of which GNOME's session manager knows that it inhibits idleness.
    #[must_use]
    pub fn start_film(&self) -> Film {
        Gnome::start_film(&self.place)
    }

    /// Kills the desktop as a crash would. Its windows end with it.
    pub fn kill_desktop(&mut self) {
        match &mut self.desktop {
            Desktop::Gnome(gnome) => gnome.kill(),
            Desktop::X11(_) | Desktop::Sway(_) | Desktop::None => panic!("this desktop is never killed"),
        }
    }

    /// Kills the desktop if it still runs, starts it again and waits until it is up.
    pub fn restart_desktop(&mut self) {
        match &mut self.desktop {
            Desktop::Gnome(gnome) => gnome.restart(&self.place),
            Desktop::X11(_) | Desktop::Sway(_) | Desktop::None => panic!("this desktop is never restarted"),
        }
    }

    /// Locks the screen with a real swaylock and waits until no window has the keyboard any more. None, and said so,
    /// when this machine has no swaylock. SIGUSR1 unlocks.
    #[must_use]
    pub fn lock_screen(&self) -> Option<Process> {
        if let Some(missing) = machine::lacks(&["swaylock"]) {
            machine::cannot_run(&machine::running_test(), &format!("{missing} is not installed"));
            return None;
        }
        let locker = self.place.start("swaylock", &["--color", "000000"]);
        // sway sends no event for it.
        let locked = || Sway::has_no_window_in_focus(&self.place);
        assert!(wait_until(Deadline::seconds(10), locked), "swaylock did not lock the screen");
        Some(locker)
    }
}

/// The folder of the bed that was started last, for [`say_panics_plainly`].
static LATEST: Mutex<Option<PathBuf>> = Mutex::new(None);

/// Makes a panic one plain line on stderr and the exit code 1, for programs that a person runs.
///
/// In a release build a panic ends the program at once: nothing is dropped. The kernel then ends the programs of the
/// bed, each of which asked for that, and the bed's folder is removed here.
pub fn say_panics_plainly(program: &'static str) {
    std::panic::set_hook(Box::new(move |panic| {
        eprintln!("{program}: {}", panic.payload_as_str().unwrap_or("it broke off"));
        if let Some(folder) = LATEST.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = std::fs::remove_dir_all(folder);
        }
        std::process::exit(1);
    }));
}

/// A configuration in whose zone it is four in the afternoon, so that no test crosses the start of a day.
fn configuration(idle_after: &str) -> String {
    let hour = Stamp::now().wall_ms.div_euclid(3_600_000).rem_euclid(24);
    let east = (16 - hour + 12).rem_euclid(24) - 12;
    // The signs of these zones are the wrong way round: Etc/GMT-3 is three hours east of Greenwich.
    let zone = if east > 0 { format!("Etc/GMT-{east}") } else { format!("Etc/GMT+{}", -east) };
    format!("idle-after = \"{idle_after}\"\nzone = \"{zone}\"\nday-start = \"04:00\"\n")
}
