//! The way into an X server: local sockets only, the cookie from a given file, and no waiting without end.
//!
//! x11rb's own `connect` reads the environment and may open a network socket; and its stream waits for a reply for
//! ever, which would hold up the whole daemon when an X server is stopped.

use std::io::{Error, ErrorKind, IoSlice, Result};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use x11rb::rust_connection::{DefaultStream, PollMode, RustConnection, Stream};
use x11rb::utils::RawFdContainer;

use super::Down;
use crate::detect::{XDisplay, connect_x11};

/// The longest that an X server may take to answer, in seconds.
const PATIENCE: i64 = 2;

const MIT_MAGIC_COOKIE_1: &[u8] = b"MIT-MAGIC-COOKIE-1";
/// Xauthority's address families (Xauth.h) that may hold for a local connection.
const FAMILY_LOCAL: u16 = 256;
const FAMILY_WILD: u16 = 65535;

/// A connection to an X server.
pub(super) type X = RustConnection<PatientStream>;

/// Connects, with the cookie of the display's authority file where there is one.
pub(super) fn connect(display: &XDisplay) -> std::result::Result<X, Down> {
    let stream = connect_x11(display.number).map_err(|_| Down::Ended("the X server"))?;
    let (inner, _) = DefaultStream::from_unix_stream(stream)?;
    let cookie = display.authority.as_deref().and_then(|file| cookie(file, display.number));
    let name = if cookie.is_some() { MIT_MAGIC_COOKIE_1.to_vec() } else { Vec::new() };
    X::connect_to_stream_with_auth_info(
        PatientStream { inner },
        display.screen,
        name,
        cookie.unwrap_or_default(),
    )
    .map_err(|_| Down::Refused("the X server"))
}

/// x11rb's stream, except that waiting on it ends with an error after [`PATIENCE`].
#[derive(Debug)]
pub(super) struct PatientStream {
    inner: DefaultStream,
}

impl AsFd for PatientStream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.as_fd()
    }
}

impl Stream for PatientStream {
    fn poll(&self, mode: PollMode) -> Result<()> {
        let mut flags = PollFlags::empty();
        flags.set(PollFlags::IN, mode.readable());
        flags.set(PollFlags::OUT, mode.writable());
        let patience = Timespec { tv_sec: PATIENCE, tv_nsec: 0 };
        loop {
            match poll(&mut [PollFd::new(&self.inner, flags)], Some(&patience)) {
                Ok(0) => return Err(Error::from(ErrorKind::TimedOut)),
                Ok(_) => return Ok(()),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn read(&self, buf: &mut [u8], fds: &mut Vec<RawFdContainer>) -> Result<usize> {
        self.inner.read(buf, fds)
    }

    fn write(&self, buf: &[u8], fds: &mut Vec<RawFdContainer>) -> Result<usize> {
        self.inner.write(buf, fds)
    }

    fn write_vectored(&self, bufs: &[IoSlice<'_>], fds: &mut Vec<RawFdContainer>) -> Result<usize> {
        self.inner.write_vectored(bufs, fds)
    }
}

/// The cookie for a local display in an Xauthority file (Xau(3): big-endian lengths before each field). Entries of
/// this machine and entries for any are taken; which machine a local entry names does not matter, because a
/// session's file is not shared with others in practice, and a wrong cookie is only refused.
fn cookie(file: &Path, number: u16) -> Option<Vec<u8>> {
    find_cookie(&std::fs::read(file).ok()?, number)
}

fn find_cookie(mut bytes: &[u8], number: u16) -> Option<Vec<u8>> {
    let number = number.to_string();
    loop {
        let family = take_u16(&mut bytes)?;
        let _address = take_field(&mut bytes)?;
        let display = take_field(&mut bytes)?;
        let name = take_field(&mut bytes)?;
        let data = take_field(&mut bytes)?;
        let here = family == FAMILY_LOCAL || family == FAMILY_WILD;
        if here && name == MIT_MAGIC_COOKIE_1 && (display.is_empty() || display == number.as_bytes()) {
            return Some(data.to_vec());
        }
    }
}

fn take_u16(bytes: &mut &[u8]) -> Option<u16> {
    let (head, tail) = bytes.split_first_chunk()?;
    *bytes = tail;
    Some(u16::from_be_bytes(*head))
}

fn take_field<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::from(take_u16(bytes)?);
    let (head, tail) = bytes.split_at_checked(length)?;
    *bytes = tail;
    Some(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_the_displays_own() {
        let field = |text: &[u8]| [&u16::try_from(text.len()).unwrap().to_be_bytes(), text].concat();
        let entry = |family: u16, display: &[u8], name: &[u8], data: &[u8]| {
            [&family.to_be_bytes(), &*field(b"host"), &*field(display), &*field(name), &*field(data)].concat()
        };
        let file = [
            entry(0, b"0", MIT_MAGIC_COOKIE_1, b"over the network"),
            entry(256, b"1", MIT_MAGIC_COOKIE_1, b"another display"),
            entry(256, b"0", b"XDM-AUTHORIZATION-1", b"another method"),
            entry(256, b"0", MIT_MAGIC_COOKIE_1, b"right"),
            entry(65535, b"", MIT_MAGIC_COOKIE_1, b"any"),
        ]
        .concat();
        assert_eq!(find_cookie(&file, 0).unwrap(), b"right");
        assert_eq!(find_cookie(&file, 7).unwrap(), b"any");
        for cut in 0..file.len() {
            let _ = find_cookie(&file[..cut], 99);
        }
    }
}
