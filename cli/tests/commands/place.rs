//! A home, a bus and a way to run `dwell` in them.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::LazyLock;

use crate::schemas::Schemas;

static SCHEMAS: LazyLock<Schemas> = LazyLock::new(Schemas::read);

/// A folder to live in, and a bus where a test wants one. Ends the bus and removes the folder when dropped.
pub(crate) struct Place {
    dir: tempfile::TempDir,
    bus: Option<(Child, String)>,
}

impl Place {
    /// No bus at all.
    pub(crate) fn without_bus() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), bus: None }
    }

    /// A bus on which nobody is. `services` are activatable names and the programs that are started for them.
    pub(crate) fn with_bus(services: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("services");
        std::fs::create_dir(&folder).unwrap();
        for (name, program) in services {
            let text = format!("[D-BUS Service]\nName={name}\nExec={program}\n");
            std::fs::write(folder.join(format!("{name}.service")), text).unwrap();
        }
        let config = dir.path().join("bus.conf");
        std::fs::write(&config, configuration(dir.path(), &folder)).unwrap();
        let mut bus = Command::new("dbus-daemon")
            .arg(format!("--config-file={}", config.display()))
            .args(["--nofork", "--nopidfile", "--nosyslog", "--print-address"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("these tests need dbus-daemon");
        let mut address = String::new();
        BufReader::new(bus.stdout.take().unwrap()).read_line(&mut address).unwrap();
        assert!(!address.is_empty(), "the bus did not start");
        Self { dir, bus: Some((bus, address.trim().to_owned())) }
    }

    /// A bus on which nobody is, and nobody can be started.
    pub(crate) fn with_empty_bus() -> Self {
        Self::with_bus(&[])
    }

    /// The bus's address.
    pub(crate) fn address(&self) -> &str {
        &self.bus.as_ref().unwrap().1
    }

    /// A path in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// `dwell` with these arguments, in nothing but this place.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dwell"));
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.dir.path())
            .env("XDG_RUNTIME_DIR", self.path("run"))
            .env("TZ", "Europe/Athens")
            .stdin(Stdio::null());
        if let Some((_, address)) = &self.bus {
            command.env("DBUS_SESSION_BUS_ADDRESS", address);
        }
        command
    }

    /// Runs `dwell` to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        let outcome = Outcome::of(&self.command(arguments).output().unwrap());
        // Whatever a test is about: what programs read is described in full.
        let lines = outcome.out.lines().chain(outcome.err.lines());
        let wrong: Vec<_> = lines.filter_map(|line| SCHEMAS.check_line(line).err()).collect();
        assert!(wrong.is_empty(), "dwell {arguments:?}: {}", wrong.join("\n"));
        outcome
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some((bus, _)) = &mut self.bus {
            let _ = bus.kill();
            let _ = bus.wait();
        }
    }
}

/// How a run ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Outcome {
    /// Reads what a run left.
    pub(crate) fn of(output: &Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout.clone()).unwrap(),
            err: String::from_utf8(output.stderr.clone()).unwrap(),
        }
    }

    /// The error line, which must be one.
    pub(crate) fn complaint(&self) -> &str {
        let line = self.err.strip_suffix('\n').unwrap_or_default();
        assert!(!line.is_empty() && !line.contains('\n'), "not one line: {self:?}");
        line
    }

    /// The one JSON document on standard output.
    pub(crate) fn document(&self) -> serde_json::Value {
        assert_eq!(self.out.lines().count(), 1, "{self:?}");
        serde_json::from_str(&self.out).unwrap()
    }
}

fn configuration(dir: &Path, services: &Path) -> String {
    format!(
        r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={}/bus</listen>
  <auth>EXTERNAL</auth>
  <servicedir>{}</servicedir>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#,
        dir.display(),
        services.display()
    )
}
