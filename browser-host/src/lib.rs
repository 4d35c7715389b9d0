//! What a browser's extension talks to, by native messaging
//! (<https://developer.chrome.com/docs/extensions/develop/concepts/native-messaging>): frames in, D-Bus out, and back.
//!
//! The browser starts one for each of its profiles, and it ends with its pipe. It decides nothing: the daemon counts and
//! judges, the extension blocks. What it does itself is to check every byte ([`frame`], [`said`]), and to make a
//! hostname a site before anything else sees it. It never starts the daemon, holds nothing after its end, and logs no
//! word of what goes through it.
#![forbid(unsafe_code)]

mod daemon;
pub mod frame;
mod host;
mod pause;
mod pipes;
mod program;
pub mod said;
mod told;

use std::os::fd::OwnedFd;

pub use host::End;

/// Serves the extension at the other end of the two pipes until one of them ends.
///
/// # Errors
/// Why no event loop can be made.
pub fn serve(input: OwnedFd, output: OwnedFd) -> std::io::Result<End> {
    let program = program::that_started_us();
    let mut builder = tokio::runtime::Builder::new_current_thread();
    // Connecting to the bus borrows a thread for a moment; lingering, it would wake once more seconds later.
    let runtime = builder.enable_io().thread_keep_alive(std::time::Duration::from_millis(1)).build()?;
    runtime.block_on(async {
        let (input, output) = (pipes::Input::new(input)?, pipes::Output::new(output)?);
        Ok(host::Host::new(input, output, program).run().await)
    })
}
