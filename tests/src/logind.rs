//! A mocked logind on a private system bus: one active session of the bed's person, to be locked and put to sleep.

use crate::bus::PrivateBus;
use crate::clock::{Deadline, wait_until};
use crate::machine;
use crate::place::Place;
use crate::process::Process;

const NAME: &str = "org.freedesktop.login1";
const MANAGER: &str = "/org/freedesktop/login1";
const SESSION: &str = "/org/freedesktop/login1/session/c1";

/// The mock. It is told what happens through `dbusmock`'s own interface.
#[derive(Debug)]
pub struct Logind {
    place: Place,
    _mock: Process,
    _bus: PrivateBus,
}

impl Logind {
    pub(crate) fn start(place: &Place) -> Result<Self, String> {
        if let Some(missing) = machine::lacks(&["python3", "gdbus"]) {
            return Err(format!("{missing} is not installed"));
        }
        let has_mock = place.command("python3").args(["-c", "import dbusmock"]).status();
        if !has_mock.is_ok_and(|status| status.success()) {
            return Err("python3-dbusmock is not installed".to_owned());
        }
        let bus = PrivateBus::start(place, "system");
        let mock = place.start("python3", &["-m", "dbusmock", "--system", "--template", "logind"]);
        let logind = Logind { place: place.clone(), _mock: mock, _bus: bus };
        let answers = || logind.call(MANAGER, "org.freedesktop.DBus.Peer.Ping", &[]).is_some();
        assert!(wait_until(Deadline::seconds(15), answers), "the mocked logind does not answer");
        let (uid, name) = (place.person().uid.to_string(), &place.person().name);
        logind.must(MANAGER, "org.freedesktop.DBus.Mock.AddSession", &["c1", "seat0", &uid, name, "true"]);
        Ok(logind)
    }

    /// Locks or unlocks the session, as a screen locker and the desktop do together: the signal and the hint.
    pub fn lock(&self, locked: bool) {
        let signal = if locked { "Lock" } else { "Unlock" };
        self.must(SESSION, &format!("org.freedesktop.login1.Session.{signal}"), &[]);
        self.must(SESSION, "org.freedesktop.login1.Session.SetLockedHint", &[&locked.to_string()]);
    }

    /// Announces that the machine goes to sleep, or that it woke up.
    pub fn prepare_for_sleep(&self, sleeping: bool) {
        let state = format!("[<{sleeping}>]");
        let arguments = ["org.freedesktop.login1.Manager", "PrepareForSleep", "b", &state];
        self.must(MANAGER, "org.freedesktop.DBus.Mock.EmitSignal", &arguments);
    }

    /// Switches the seat to somebody else's session, or back.
    pub fn activate(&self, active: bool) {
        let state = if active { "active" } else { "online" };
        let properties = format!("{{'Active': <{active}>, 'State': <'{state}'>}}");
        self.must(
            SESSION,
            "org.freedesktop.DBus.Mock.UpdateProperties",
            &["org.freedesktop.login1.Session", &properties],
        );
    }

    fn must(&self, object: &str, method: &str, arguments: &[&str]) {
        assert!(self.call(object, method, arguments).is_some(), "the mocked logind refused {method}");
    }

    fn call(&self, object: &str, method: &str, arguments: &[&str]) -> Option<()> {
        let mut gdbus = self.place.command_with_log("gdbus", &["call", "--system", "--dest", NAME]);
        gdbus.args(["--object-path", object, "--method", method]).args(arguments);
        gdbus.status().ok()?.success().then_some(())
    }
}
