//! A Wayland connection that another process has made for us.
//!
//! Some compositors decide by the program at the other end what it may do, and look at `/proc/PID/exe` for that (KWin:
//! `X-KDE-Wayland-Interfaces` in the program's desktop file; 5.27 even reads the program through that link). A process that lets nobody look into it
//! (PR_SET_DUMPABLE) hides that link too. So a short-lived child that has nothing to hide connects, and hands the
//! connection back over its standard input (SCM_RIGHTS, unix(7)). It stays until the compositor has answered.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use dwell_core::time::Millis;
use rustix::cmsg_space;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};
use tokio::io::Interest;

use crate::clock;
use crate::readiness::awaitable;

/// How long the child may take. On a busy machine, starting a program takes a while.
const PATIENCE: Millis = Millis::from_secs(5);

/// The child's part: connects to `socket`, sends the connection to whoever is at the other end of standard input, and
/// returns when that one hangs up.
///
/// # Errors
/// Nobody listens on the socket, or standard input is no socket.
pub fn connect_for_parent(socket: &Path) -> io::Result<()> {
    let parent = io::stdin();
    let stream = UnixStream::connect(socket)?;
    let fds = [stream.as_fd()];
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
    let mut message = SendAncillaryBuffer::new(&mut space);
    message.push(SendAncillaryMessage::ScmRights(&fds));
    sendmsg(&parent, &[IoSlice::new(&[0])], &mut message, SendFlags::NOSIGNAL)?;
    drop(stream);
    rustix::io::read(&parent, &mut [0; 1])?;
    Ok(())
}

/// The child, as long as it has to stay. Dropping this ends it.
pub(crate) struct Connector {
    child: Child,
    /// Hanging up would end it.
    _line: UnixStream,
}

impl Drop for Connector {
    fn drop(&mut self) {
        // Killed rather than asked, so that waiting for its end takes no time.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Lets `command`, with the socket's path as its last word, connect.
///
/// # Errors
/// The program does not start, or hands back no connection in time.
pub(crate) async fn connect(command: &[String], socket: &Path) -> io::Result<(UnixStream, Connector)> {
    let (program, words) = command.split_first().ok_or(io::ErrorKind::NotFound)?;
    let (own, childs) = UnixStream::pair()?;
    let mut start = Command::new(program);
    start.args(words).arg(socket).env_clear();
    start.stdin(OwnedFd::from(childs)).stdout(Stdio::null()).stderr(Stdio::null());
    let child = Connector { child: start.spawn()?, _line: own.try_clone()? };
    // The child's end is open in the child alone now: if it fails, the answer is an end of file.
    drop(start);
    own.set_nonblocking(true)?;
    let own = awaitable(OwnedFd::from(own), Interest::READABLE)?;
    let answer = async {
        loop {
            own.readable().await?.clear_ready();
            match receive(own.get_ref()) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                received => return received,
            }
        }
    };
    let stream = clock::within(PATIENCE, answer).await.ok_or(io::ErrorKind::TimedOut)??;
    Ok((stream, child))
}

fn receive(from: &OwnedFd) -> io::Result<UnixStream> {
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
    let mut message = RecvAncillaryBuffer::new(&mut space);
    recvmsg(from, &mut [IoSliceMut::new(&mut [0; 1])], &mut message, RecvFlags::CMSG_CLOEXEC)?;
    let mut fds = message.drain().filter_map(|part| match part {
        RecvAncillaryMessage::ScmRights(fds) => Some(fds),
        _ => None,
    });
    let fd = fds.next().and_then(|mut fds| fds.next()).ok_or(io::ErrorKind::UnexpectedEof)?;
    Ok(fd.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The way that works is tested on a real KWin.
    #[test]
    fn a_child_that_hands_nothing_over_is_not_waited_for() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
        let socket = Path::new("/nowhere");
        let kind = |command: &[&str]| {
            let command: Vec<String> = command.iter().map(|word| (*word).to_owned()).collect();
            runtime.block_on(connect(&command, socket)).err().map(|error| error.kind())
        };
        assert_eq!(kind(&[]), Some(io::ErrorKind::NotFound));
        assert_eq!(kind(&["/nowhere/program"]), Some(io::ErrorKind::NotFound));
        assert_eq!(kind(&["true"]), Some(io::ErrorKind::UnexpectedEof));
        assert_eq!(kind(&["sh", "-c", "echo something else >&0; cat"]), Some(io::ErrorKind::UnexpectedEof));
    }
}
