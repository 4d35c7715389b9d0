//! Takes away what no program of dwell's that senses may ever do, before anything else starts.
//!
//! A seccomp filter allows sockets of the family AF_UNIX only, whoever starts the program: systemd's own
//! `RestrictAddressFamilies`, in the daemon's unit, then is a second wall, not the only one. io_uring is refused as a whole,
//! since it can make sockets behind a filter's back. Core dumps are off, for they would hold keys and history, and for the same reason no
//! other program of the same person may look into this one's memory (prctl(2), PR_SET_DUMPABLE).
//!
//! There is no Landlock here on purpose: every Landlock domain refuses a sibling's `/proc/PID/exe` (measured), and
//! with it the identity of programs.
//!
//! # Architecture invariant
//!
//! Nothing here can be undone, and nothing is left half done: see [`confine`].
#![forbid(unsafe_code)]

use std::collections::BTreeMap;

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, apply_filter_all_threads,
};

/// Why the program could not be confined; it must not run then.
#[derive(Debug, thiserror::Error)]
pub enum ConfineError {
    /// The processor is none that the filter knows.
    #[error("no system-call filter for this processor: {0}")]
    Arch(seccompiler::BackendError),
    /// The kernel refused the filter.
    #[error("the kernel refused the system-call filter: {0}")]
    Filter(#[from] seccompiler::Error),
    /// The kernel refused to turn core dumps off, or to close the memory to others.
    #[error("core dumps cannot be turned off: {0}")]
    Core(#[from] rustix::io::Errno),
}

/// Confines this process and all it will ever start. Sets PR_SET_NO_NEW_PRIVS as well, without which the kernel takes no
/// filter from a person.
///
/// # Errors
/// See [`ConfineError`]. Nothing in between: either the process is confined, or the caller must stop.
pub fn confine() -> Result<(), ConfineError> {
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    apply_filter_all_threads(&network_filter().map_err(ConfineError::Arch)?)?;
    Ok(())
}

fn network_filter() -> Result<BpfProgram, seccompiler::BackendError> {
    let not_unix = |family: i32| {
        let is_other = SeccompCondition::new(
            0,
            SeccompCmpArgLen::Dword,
            SeccompCmpOp::Ne,
            u64::from(family.unsigned_abs()),
        )?;
        SeccompRule::new(vec![is_other])
    };
    let unix = i32::from(rustix::net::AddressFamily::UNIX.as_raw());
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    // On x86-64 the same calls exist once more, with this bit set, for the x32 way of calling.
    for abi in [0, calls::X32_BIT] {
        for call in [calls::SOCKET, calls::SOCKETPAIR] {
            rules.insert(call | abi, vec![not_unix(unix)?]);
        }
        // An empty list of rules matches every call.
        rules.insert(calls::IO_URING_SETUP | abi, vec![]);
    }
    let arch = TargetArch::try_from(std::env::consts::ARCH)?;
    let denied = SeccompAction::Errno(rustix::io::Errno::AFNOSUPPORT.raw_os_error().unsigned_abs());
    SeccompFilter::new(rules, SeccompAction::Allow, denied, arch)?.try_into()
}

/// System-call numbers (Linux's `unistd` tables; they never change).
mod calls {
    #[cfg(target_arch = "x86_64")]
    pub(super) const SOCKET: i64 = 41;
    #[cfg(target_arch = "x86_64")]
    pub(super) const SOCKETPAIR: i64 = 53;
    #[cfg(not(target_arch = "x86_64"))]
    pub(super) const SOCKET: i64 = 198;
    #[cfg(not(target_arch = "x86_64"))]
    pub(super) const SOCKETPAIR: i64 = 199;
    pub(super) const IO_URING_SETUP: i64 = 425;
    pub(super) const X32_BIT: i64 = 0x4000_0000;
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::net::{AddressFamily, SocketType, socket};

    /// Confines this test's own process: nextest runs each test in one, `cargo test` must not share it.
    #[test]
    fn confined_there_are_unix_sockets_only_and_siblings_stay_readable() {
        let made = |family| socket(family, SocketType::STREAM, None).is_ok();
        assert!(made(AddressFamily::INET) && made(AddressFamily::UNIX), "the test needs an unconfined start");
        let mut sibling = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        confine().unwrap();
        assert!(!made(AddressFamily::INET) && !made(AddressFamily::INET6) && !made(AddressFamily::NETLINK));
        assert!(made(AddressFamily::UNIX));
        let exe = std::fs::read_link(format!("/proc/{}/exe", sibling.id()));
        sibling.kill().unwrap();
        sibling.wait().unwrap();
        assert!(exe.is_ok(), "{exe:?}");
        assert_eq!(rustix::process::dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
        let core = rustix::process::getrlimit(Resource::Core);
        assert_eq!(core.maximum, Some(0));
        assert!(rustix::thread::no_new_privs().unwrap());
    }
}
