//! A browser: it starts the host, says frames and hears frames.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::daemon::Bus;

pub(crate) const HOST: &str = env!("CARGO_BIN_EXE_dwell-browser-host");
pub(crate) const INSTANCE: &str = "0123456789abcdef0123456789abcdef";

pub(crate) struct Browser {
    host: Child,
    input: Option<ChildStdin>,
    output: Option<ChildStdout>,
}

impl Browser {
    /// Starts the host on a bus.
    pub(crate) fn start(bus: &Bus) -> Self {
        Self::by(Command::new(HOST), &bus.address)
    }

    /// Starts the host by a command of its own, on the bus of an address.
    pub(crate) fn by(mut command: Command, address: &str) -> Self {
        let mut host = command
            .arg("chrome-extension://abcdefghijklmnopabcdefghijklmnop/")
            .env_clear()
            .env("DBUS_SESSION_BUS_ADDRESS", address)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (host.stdin.take(), host.stdout.take());
        Self { host, input, output }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.host.id()
    }

    /// Writes bytes as they are. A host that has ended takes none; that is for the test to find out.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        let input = self.input.as_mut().expect("the pipe is closed");
        let _ = input.write_all(bytes).and_then(|()| input.flush());
    }

    pub(crate) fn say(&mut self, frame: &Value) {
        let text = frame.to_string();
        let length = u32::try_from(text.len()).unwrap().to_le_bytes();
        self.write(&[&length, text.as_bytes()].concat());
    }

    /// Introduces itself.
    pub(crate) fn hello(&mut self) {
        self.say(&json!({"t": "hello", "v": 1, "browser": "chromium", "ext_version": "0.1.0", "instance": INSTANCE}));
    }

    pub(crate) fn state(&mut self, host: &str) {
        self.say(
            &json!({"t": "state", "seq": 1, "focused": true, "host": host, "audible": [], "why": "tab"}),
        );
    }

    pub(crate) fn query(&mut self, host: &str) {
        self.say(&json!({"t": "query", "d": host}));
    }

    /// The next frame of the host.
    pub(crate) fn hear(&mut self) -> Value {
        let output = self.output.as_mut().unwrap();
        let mut length = [0; 4];
        output.read_exact(&mut length).expect("the host has ended");
        let mut text = vec![0; u32::from_le_bytes(length).try_into().unwrap()];
        output.read_exact(&mut text).unwrap();
        serde_json::from_slice(&text).unwrap()
    }

    /// Closes the pipe, as a browser does that ends.
    pub(crate) fn close(&mut self) {
        self.input = None;
    }

    /// Closes the pipe and waits for the host to end: its exit code, and what it said on standard error.
    pub(crate) fn ended(mut self) -> (Option<i32>, String) {
        self.close();
        self.wait()
    }

    /// Waits for the host to end by itself.
    pub(crate) fn wait(&mut self) -> (Option<i32>, String) {
        let mut error = String::new();
        self.host.stderr.take().unwrap().read_to_string(&mut error).unwrap();
        (self.host.wait().unwrap().code(), error)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.host.kill();
        let _ = self.host.wait();
    }
}
