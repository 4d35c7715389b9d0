//! One object of a service that this machine lacks or that must not be the real one, played by dbusmock.

use crate::clock::{Deadline, wait_until};
use crate::place::Place;
use crate::process::Process;

/// Which private bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum On {
    /// The session bus.
    Session,
    /// The system bus.
    System,
}

/// A mocked object. It leaves the bus when dropped.
#[derive(Debug)]
pub(crate) struct Mock {
    place: Place,
    bus: &'static str,
    name: &'static str,
    path: &'static str,
    interface: &'static str,
    _process: Process,
}

impl Mock {
    /// Starts a service with one object and waits until it answers.
    pub(crate) fn start(
        place: &Place,
        on: On,
        name: &'static str,
        path: &'static str,
        interface: &'static str,
    ) -> Self {
        let bus = match on {
            On::Session => "--session",
            On::System => "--system",
        };
        let process = place.start("python3", &["-m", "dbusmock", bus, name, path, interface]);
        let mock = Mock { place: place.clone(), bus, name, path, interface, _process: process };
        let answers = || mock.call("org.freedesktop.DBus.Peer.Ping", &[]).is_some();
        assert!(wait_until(Deadline::seconds(15), answers), "the mocked {name} does not answer");
        mock
    }

    /// Gives it a property, its value in GVariant's notation.
    pub(crate) fn add_property(&self, name: &str, value: &str) {
        self.must("AddProperty", &[self.interface, name, &format!("<{value}>")]);
    }

    /// Gives it a method, or another body to one that it has; `answer` is a Python expression over `args`.
    pub(crate) fn add_method(&self, name: &str, takes: &str, gives: &str, answer: &str) {
        self.must("AddMethod", &[self.interface, name, takes, gives, &format!("ret = {answer}")]);
    }

    /// Sends a signal, its arguments in GVariant's notation.
    pub(crate) fn emit(&self, name: &str, signature: &str, arguments: &str) {
        self.must("EmitSignal", &[self.interface, name, signature, arguments]);
    }

    /// Changes a property, and tells of the change.
    pub(crate) fn change_property(&self, name: &str, value: &str) {
        self.must("UpdateProperties", &[self.interface, &format!("{{'{name}': <{value}>}}")]);
    }

    fn must(&self, method: &str, arguments: &[&str]) {
        let done = self.call(&format!("org.freedesktop.DBus.Mock.{method}"), arguments);
        assert!(done.is_some(), "the mocked {} refused {method}", self.name);
    }

    fn call(&self, method: &str, arguments: &[&str]) -> Option<String> {
        let call = ["call", self.bus, "--dest", self.name, "--object-path", self.path, "--method", method];
        self.place.try_run("gdbus", &[&call[..], arguments].concat())
    }
}
