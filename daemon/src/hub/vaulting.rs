//! The care of the vault, as asked for over the bus.

use dwell_bus::VaultRequest;

use super::Hub;

impl Hub {
    /// Answers a request about the vault.
    pub(super) fn vault_request(&mut self, request: VaultRequest) {
        drop(request);
    }
}
