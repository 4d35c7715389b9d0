//! A real Secret Service: gnome-keyring-daemon on the bed's session bus.

use std::io::Write;
use std::process::Stdio;

use crate::clock::{Deadline, wait_until};
use crate::process::Process;
use crate::{Bed, machine};

const PASSWORD: &str = "a log-in password";
const COLLECTION: &str = "/org/freedesktop/secrets/collection/login";

/// The person's keyring. Ends with its value.
#[derive(Debug)]
pub struct Keyring {
    process: Process,
}

impl Bed {
    /// Starts the keyring as a log-in does, open. `None`: this machine has none, which was said.
    ///
    /// # Panics
    ///
    /// When it does not start.
    #[must_use]
    pub fn keyring(&self) -> Option<Keyring> {
        if let Some(lacking) = machine::lacks(&["gnome-keyring-daemon", "gdbus"]) {
            machine::cannot_run(&machine::running_test(), &format!("there is no {lacking}"));
            return None;
        }
        let mut command = self.place().command("gnome-keyring-daemon");
        command.args(["--unlock", "--foreground", "--components=secrets"]);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut process = Process::start("gnome-keyring-daemon", &mut command);
        let mut stdin = process.take_stdin();
        stdin.write_all(PASSWORD.as_bytes()).expect("the password");
        drop(stdin);
        assert!(
            wait_until(Deadline::seconds(20), || self.keyring_is_locked() == Some(false)),
            "the keyring does not open"
        );
        Some(Keyring { process })
    }

    fn keyring_is_locked(&self) -> Option<bool> {
        let (service, interface) = ("org.freedesktop.secrets", "org.freedesktop.DBus.Properties.Get");
        let answer = self.place().try_run(
            "gdbus",
            &[
                "call",
                "--session",
                "-d",
                service,
                "-o",
                COLLECTION,
                "-m",
                interface,
                "org.freedesktop.Secret.Collection",
                "Locked",
            ],
        )?;
        Some(answer.contains("true"))
    }

    fn on_keyring(&self, method: &str, arguments: &[&str]) -> String {
        let fixed =
            ["call", "--session", "-d", "org.freedesktop.secrets", "-o", "/org/freedesktop/secrets", "-m"];
        let all: Vec<&str> = fixed.iter().copied().chain([method]).chain(arguments.iter().copied()).collect();
        self.place().run("gdbus", &all)
    }

    /// Locks the keyring, as a keyring manager does.
    ///
    /// # Panics
    ///
    /// When it stays open.
    pub fn lock_keyring(&self) {
        let told = self
            .on_keyring("org.freedesktop.Secret.Service.Lock", &[&format!("[objectpath '{COLLECTION}']")]);
        assert_eq!(self.keyring_is_locked(), Some(true), "{told}");
    }

    /// Unlocks it, as a log-in does.
    ///
    /// # Panics
    ///
    /// When it stays locked.
    pub fn unlock_keyring(&self) {
        // The system's own Python, which has the packages of dbusmock. The secret's session must be one of the caller's own connection, which gdbus makes anew for each call.
        self.place().run("/usr/bin/python3", &["-c", UNLOCK, COLLECTION, PASSWORD]);
        assert_eq!(self.keyring_is_locked(), Some(false));
    }
}

const UNLOCK: &str = "
import dbus, sys
bus = dbus.SessionBus()
service = bus.get_object('org.freedesktop.secrets', '/org/freedesktop/secrets')
_, session = service.OpenSession('plain', dbus.String('', variant_level=1),
                                 dbus_interface='org.freedesktop.Secret.Service')
secret = dbus.Struct((session, dbus.ByteArray(b''), dbus.ByteArray(sys.argv[2].encode()), 'text/plain'),
                     signature='oayays')
service.UnlockWithMasterPassword(dbus.ObjectPath(sys.argv[1]), secret,
                                 dbus_interface='org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface')
";

impl Keyring {
    /// Ends it, as a crash does.
    pub fn kill(&mut self) {
        self.process.kill();
    }
}
