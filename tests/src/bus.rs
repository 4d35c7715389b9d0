//! A D-Bus bus of our own: nothing of the machine's configuration, and no services to activate but those that a test
//! puts into [`Place::services`].

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use crate::clock::Deadline;
use crate::place::Place;
use crate::process::Lines;

/// A `dbus-daemon` on a socket in the bed's runtime folder.
#[derive(Debug)]
pub struct PrivateBus {
    address: String,
    daemon: Lines,
}

impl PrivateBus {
    /// Starts the bus of this name and waits until it listens.
    pub(crate) fn start(place: &Place, name: &str) -> Self {
        let address = place.bus_address(name);
        let config = place.runtime().join(format!("{name}.conf"));
        place.write(&config, configuration(&address, &place.services()));
        let file = format!("--config-file={}", config.display());
        let arguments = ["--nofork", "--nopidfile", "--nosyslog", "--print-address", &file];
        let daemon = Lines::start(
            "dbus-daemon",
            place
                .command("dbus-daemon")
                .args(arguments)
                .stderr(place.open_log("dbus-daemon"))
                .stdin(Stdio::null()),
        );
        // It prints its address once it listens.
        assert!(
            daemon.next(Deadline::after(Duration::from_secs(10))).is_some(),
            "the {name} bus did not start"
        );
        PrivateBus { address, daemon }
    }

    /// The address to connect to.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The pid of the bus.
    #[must_use]
    pub fn pid(&mut self) -> u32 {
        self.daemon.process().pid()
    }
}

fn configuration(address: &str, services: &Path) -> String {
    let services = services.display();
    format!(
        r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>{address}</listen>
  <auth>EXTERNAL</auth>
  <servicedir>{services}</servicedir>
  <policy context="default">
    <allow user="*"/>
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#
    )
}
