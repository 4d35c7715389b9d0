//! Takes away what the host must never be able to do, before it reads a byte: the same walls as around the daemon.
//!
//! Sockets of the family AF_UNIX only, no io_uring (which can make sockets behind a filter's back), no core dump, no look
//! into its memory by other programs of the same person, and no program that it starts could gain rights.

use std::collections::BTreeMap;

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch,
};

/// Why the host could not be confined; it must not run then.
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

/// Confines this process, and all it would ever start. Sets PR_SET_NO_NEW_PRIVS as well, without which the kernel takes
/// no filter from a person.
///
/// # Errors
/// See [`ConfineError`]. Nothing in between: either the process is confined, or the caller must stop.
pub fn confine() -> Result<(), ConfineError> {
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    seccompiler::apply_filter_all_threads(&network_filter().map_err(ConfineError::Arch)?)?;
    Ok(())
}

fn network_filter() -> Result<BpfProgram, seccompiler::BackendError> {
    let unix = u64::from(rustix::net::AddressFamily::UNIX.as_raw());
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    // On x86-64 the same calls exist once more, with this bit set, for the x32 way of calling.
    for abi in [0, calls::X32_BIT] {
        for call in [calls::SOCKET, calls::SOCKETPAIR] {
            let is_other = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, unix)?;
            rules.insert(call | abi, vec![SeccompRule::new(vec![is_other])?]);
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
    fn confined_there_are_unix_sockets_only() {
        let made = |family| socket(family, SocketType::STREAM, None).is_ok();
        assert!(made(AddressFamily::INET) && made(AddressFamily::UNIX), "the test needs an unconfined start");
        confine().unwrap();
        assert!(!made(AddressFamily::INET) && !made(AddressFamily::INET6) && !made(AddressFamily::NETLINK));
        assert!(made(AddressFamily::UNIX));
        assert_eq!(rustix::process::dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
        assert!(rustix::thread::no_new_privs().unwrap());
    }
}
