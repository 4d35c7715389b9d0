//! A test bed: one person's whole session, from nothing to gone.

use std::path::PathBuf;
use std::sync::{LazyLock, Mutex, PoisonError};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::bell::Bell;
use crate::bus::PrivateBus;
use crate::clock::{Deadline, Stamp, wait_until};
use crate::gnome::{Film, Gnome};
use crate::kwin::Kwin;
use crate::logind::Logind;
use crate::machine::{self, Person};
use crate::notices::Notices;
use crate::observer::Observer;
use crate::place::Place;
use crate::process::Process;
use crate::sway::Sway;
use crate::wlroots::{Compositor, Wlroots};
use crate::x11::{Manager, X11};

/// What kind of desktop a bed has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Xvfb with openbox.
    X11,
    /// Xvfb with xfwm4.
    Xfwm4,
    /// Headless sway.
    Sway,
    /// Headless labwc.
    Labwc,
    /// Headless sway, whose own tools are used neither by the bed nor by dwell.
    SwayAlone,
    /// Headless weston, which tells nobody what has focus.
    Weston,
    /// Headless cage, which tells nobody what has focus, with one window.
    Cage,
    /// KWin on a virtual screen, with the desktop file of the package, so that it grants dwelld its window list.
    Kwin,
    /// The same without that file: a script is dwelld's only way.
    KwinUngranted,
    /// Headless GNOME Shell with dwell's extension in it.
    Gnome,
    /// The same without dwell's extension.
    GnomeAlone,
    /// Buses alone, as over ssh.
    NoDisplay,
}

impl Kind {
    /// Every kind that has a desktop which tells what has focus.
    pub const DESKTOPS: &[Self] =
        &[Self::X11, Self::Xfwm4, Self::Sway, Self::Kwin, Self::KwinUngranted, Self::Gnome, Self::Labwc];

    /// What people call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::X11 => "X11 (openbox)",
            Self::Xfwm4 => "X11 (xfwm4)",
            Self::Sway => "sway",
            Self::Kwin => "KWin (granted)",
            Self::KwinUngranted => "KWin (script)",
            Self::Labwc => "labwc",
            Self::SwayAlone => "sway (toplevels only)",
            Self::Weston => "weston",
            Self::Cage => "cage",
            Self::Gnome => "GNOME Shell",
            Self::GnomeAlone => "GNOME Shell (no extension)",
            Self::NoDisplay => "no display",
        }
    }

    const fn manager(self) -> Manager {
        if matches!(self, Self::Xfwm4) { Manager::Xfwm4 } else { Manager::Openbox }
    }

    const fn wlroots(self) -> Option<Compositor> {
        match self {
            Kind::Labwc => Some(Compositor::Labwc),
            Kind::SwayAlone => Some(Compositor::SwayAlone),
            Kind::Weston => Some(Compositor::Weston),
            Kind::Cage => Some(Compositor::Cage),
            _ => None,
        }
    }
}

#[derive(Debug)]
enum Desktop {
    X11(X11),
    Sway(Sway),
    Wlroots(Wlroots),
    Kwin(Kwin),
    Gnome(Box<Gnome>),
    None,
}

/// A real window of a real program.
#[derive(Debug)]
pub struct Window {
    app: String,
    /// The X window, the pid by which the compositor knows it, or the place in the order of appearance.
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
    kind: Kind,
    /// What locks the screen of this kind of desktop, once [`Bed::prepare_lock`] has made it.
    lock: Lock,
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
        let (needs, person) = match kind {
            Kind::X11 | Kind::Xfwm4 => (kind.manager().needs(), Ok(Person::current())),
            Kind::Sway => (Sway::NEEDS.to_vec(), Person::unprivileged()),
            Kind::Labwc | Kind::SwayAlone | Kind::Weston | Kind::Cage => {
                (kind.wlroots().map_or(&[][..], Compositor::needs).to_vec(), Person::unprivileged())
            }
            Kind::Kwin | Kind::KwinUngranted => (Kwin::needs(), Person::unprivileged()),
            Kind::Gnome | Kind::GnomeAlone => (Gnome::NEEDS.to_vec(), Person::unprivileged()),
            Kind::NoDisplay => (vec!["dbus-daemon", "setpriv"], Ok(Person::current())),
        };
        if let Some(missing) = machine::lacks(&needs) {
            return Err(format!("{missing} is not installed"));
        }
        let folder = tempfile::Builder::new().prefix("dwell-bed-").tempdir().expect("a folder for the bed");
        *LATEST.lock().unwrap_or_else(PoisonError::into_inner) = Some(folder.path().to_owned());
        let mut place = Place::make(folder.path(), person?);
        place.write(&place.config(), configuration("3m"));
        let session_bus = PrivateBus::start(&place, "session");
        let desktop = match kind {
            Kind::X11 | Kind::Xfwm4 => Desktop::X11(X11::start(&mut place, kind.manager())),
            Kind::Sway => Desktop::Sway(Sway::start(&mut place)),
            Kind::Labwc | Kind::SwayAlone | Kind::Weston | Kind::Cage => match kind.wlroots() {
                Some(compositor) => Desktop::Wlroots(Wlroots::start(&mut place, compositor)),
                None => Desktop::None,
            },
            Kind::Kwin => Desktop::Kwin(Kwin::start(&mut place, true)),
            Kind::KwinUngranted => Desktop::Kwin(Kwin::start(&mut place, false)),
            Kind::Gnome | Kind::GnomeAlone => {
                Desktop::Gnome(Box::new(Gnome::start(&mut place, kind == Kind::Gnome)?))
            }
            Kind::NoDisplay => Desktop::None,
        };
        let lock =
            if matches!(desktop, Desktop::Kwin(_) | Desktop::Gnome(_)) { Lock::Own } else { Lock::None };
        Ok(Bed { kind, lock, desktop, session_bus, place, folder })
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
            Desktop::Wlroots(wlroots) => wlroots.open(&self.place, app, title),
            Desktop::Kwin(kwin) => kwin.open(&self.place, app, title),
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
            Desktop::Wlroots(wlroots) => wlroots.ask_for_focus(window.number),
            Desktop::Kwin(kwin) => kwin.ask_for_focus(&self.place, window.number),
            Desktop::Gnome(_) => Gnome::ask_for_focus(&self.place, window.number),
            Desktop::None => panic!("this bed has no display"),
        }
    }

    /// Has a window come back in the same moment in which it is put away, so many times, before anything else sees it
    /// gone.
    ///
    /// # Panics
    ///
    /// On a desktop that gives nobody that moment.
    pub fn have_it_stay(&self, window: &Window, times: u32) {
        match &self.desktop {
            Desktop::Gnome(_) => Gnome::stay(&self.place, window.number, times),
            _ => panic!("not on this bed"),
        }
    }

    /// Presses and releases a key that does nothing, as fake but real input.
    pub fn press_key(&self) {
        match &self.desktop {
            Desktop::X11(_) => X11::press_key(&self.place),
            Desktop::Sway(_) => Sway::press_key(&self.place),
            Desktop::Wlroots(_) => Wlroots::press_key(&self.place),
            Desktop::Kwin(_) => Kwin::press_key(&self.place),
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
            Desktop::Wlroots(wlroots) => wlroots.is_hidden(window.number),
            Desktop::Kwin(kwin) => kwin.is_hidden(window.number),
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
            Desktop::Wlroots(wlroots) => wlroots.is_open(window.number),
            Desktop::Kwin(kwin) => kwin.is_open(window.number),
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
            Desktop::Wlroots(wlroots) => Some(wlroots.changed()),
            Desktop::Kwin(kwin) => Some(kwin.changed()),
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
            Desktop::Wlroots(wlroots) => wlroots.observe(),
            Desktop::Kwin(kwin) => kwin.observe(),
            Desktop::Gnome(_) => Observer::of_gnome(&self.place),
            Desktop::None => panic!("this bed has no display"),
        }
    }

    /// Kills the X server or the compositor as a crash would, with all of its windows, and returns when it is gone.
    ///
    /// # Panics
    ///
    /// On a bed without one.
    pub fn kill_desktop(&mut self) {
        match &mut self.desktop {
            Desktop::X11(x11) => x11.kill(),
            Desktop::Sway(sway) => sway.kill(&self.place),
            Desktop::Wlroots(wlroots) => wlroots.kill(&self.place),
            Desktop::Kwin(kwin) => kwin.kill(),
            Desktop::Gnome(gnome) => gnome.kill(),
            Desktop::None => panic!("this bed has no display"),
        }
    }

    /// Starts the desktop again after [`Self::kill_desktop`], and returns when it answers.
    ///
    /// # Panics
    ///
    /// When it does not come up, and on a bed without one.
    pub fn start_desktop(&mut self) {
        match &mut self.desktop {
            Desktop::X11(x11) => x11.start_again(&mut self.place, self.kind.manager()),
            Desktop::Sway(sway) => *sway = Sway::start(&mut self.place),
            Desktop::Wlroots(wlroots) => wlroots.start_again(&mut self.place),
            Desktop::Kwin(kwin) => kwin.start_again(&self.place),
            Desktop::Gnome(gnome) => gnome.restart(&self.place),
            Desktop::None => panic!("this bed has no display"),
        }
    }

    /// Starts a film, of which GNOME's session manager knows that it inhibits idleness.
    #[must_use]
    pub fn start_film(&self) -> Film {
        Gnome::start_film(&self.place)
    }

    /// Puts a window out of sight, as a task bar does.
    ///
    /// # Panics
    ///
    /// On a desktop that knows no such thing.
    pub fn hide(&self, window: &Window) {
        match &self.desktop {
            Desktop::Wlroots(wlroots) => wlroots.hide(window.number),
            _ => panic!("not hidden by this bed"),
        }
    }

    /// The process of the compositor.
    ///
    /// # Panics
    ///
    /// On a bed without one of its own.
    pub fn compositor(&mut self) -> &mut Process {
        match &mut self.desktop {
            Desktop::Sway(sway) => sway.process(),
            Desktop::Wlroots(wlroots) => wlroots.process(),
            Desktop::Kwin(kwin) => kwin.process(),
            Desktop::Gnome(gnome) => gnome.process(),
            _ => panic!("this bed has no compositor"),
        }
    }

    /// Makes what [`Self::lock`] needs, before the daemon starts: on X11 a mocked logind, for nothing on a bare X server
    /// tells of a lock. Says whether this machine has it.
    #[must_use]
    pub fn prepare_lock(&mut self) -> bool {
        let made = match &self.desktop {
            Desktop::X11(_) => self.try_mock_logind().map(Lock::Logind),
            Desktop::Sway(_) | Desktop::Wlroots(_) => match machine::lacks(&["swaylock"]) {
                Some(missing) => Err(format!("{missing} is not installed")),
                None => Ok(Lock::Swaylock(None)),
            },
            Desktop::Kwin(_) | Desktop::Gnome(_) => Ok(Lock::Own),
            Desktop::None => panic!("this bed has no display"),
        };
        match made {
            Ok(lock) => self.lock = lock,
            Err(why) => {
                machine::cannot_run(&machine::running_test(), &why);
                return false;
            }
        }
        true
    }

    /// Locks the screen as this desktop does, and waits until it is.
    ///
    /// # Panics
    ///
    /// Without [`Self::prepare_lock`], or when the screen is not locked within ten seconds.
    pub fn lock(&mut self) {
        match &mut self.lock {
            Lock::None => panic!("the lock was not prepared"),
            Lock::Own => self.own_lock(true),
            Lock::Logind(logind) => logind.lock(true),
            Lock::Swaylock(locker) => {
                *locker = Some(self.place.start("swaylock", &["--color", "000000"]));
                // sway sends no event for it.
                let locked = || match &self.desktop {
                    Desktop::Wlroots(wlroots) => wlroots.has_no_window_in_focus(),
                    _ => Sway::has_no_window_in_focus(&self.place),
                };
                assert!(wait_until(Deadline::seconds(10), locked), "swaylock did not lock the screen");
            }
        }
    }

    /// Unlocks it.
    ///
    /// # Panics
    ///
    /// When that fails.
    pub fn unlock(&mut self) {
        match &mut self.lock {
            Lock::None => {}
            Lock::Own => self.own_lock(false),
            Lock::Logind(logind) => logind.lock(false),
            Lock::Swaylock(locker) => {
                let Some(mut locker) = locker.take() else { return };
                locker.signal(Signal::USR1);
                let ended = locker.wait(Deadline::seconds(5)).expect("swaylock ends when it unlocks");
                assert!(ended.success(), "swaylock ended with {ended}");
            }
        }
    }

    fn own_lock(&self, locked: bool) {
        match &self.desktop {
            Desktop::Kwin(kwin) => kwin.lock(&self.place, locked),
            Desktop::Gnome(_) => Gnome::lock(&self.place, locked),
            _ => panic!("this desktop has no locker of its own"),
        }
    }
}

/// What locks a screen.
#[derive(Debug)]
enum Lock {
    None,
    /// The desktop's own locker.
    Own,
    Logind(Logind),
    /// A real swaylock, while it runs.
    Swaylock(Option<Process>),
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

/// A configuration in whose zone it was four in the afternoon when it was first asked for, so that no test crosses the
/// start of a day.
fn configuration(idle_after: &str) -> String {
    static ZONE: LazyLock<String> = LazyLock::new(|| {
        let hour = Stamp::now().wall_ms.div_euclid(3_600_000).rem_euclid(24);
        let east = (16 - hour + 12).rem_euclid(24) - 12;
        // The signs of these zones are the wrong way round: Etc/GMT-3 is three hours east of Greenwich.
        if east > 0 { format!("Etc/GMT-{east}") } else { format!("Etc/GMT+{}", -east) }
    });
    let zone = &*ZONE;
    format!("idle-after = \"{idle_after}\"\nzone = \"{zone}\"\nday-start = \"04:00\"\n")
}
