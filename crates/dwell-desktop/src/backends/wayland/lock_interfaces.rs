//! The messages of `hyprland_lock_notify_v1`, as the generated code looks them up.
//!
//! By hand: what the generator makes of the protocol's description points into C, which takes unsafe code.

use wayland_backend::protocol::{ArgumentType, Interface, MessageDesc};

pub(super) static HYPRLAND_LOCK_NOTIFIER_V1_INTERFACE: Interface = Interface {
    name: "hyprland_lock_notifier_v1",
    version: 1,
    requests: &[DESTROY, GET_LOCK_NOTIFICATION],
    events: &[],
    c_ptr: None,
};

pub(super) static HYPRLAND_LOCK_NOTIFICATION_V1_INTERFACE: Interface = Interface {
    name: "hyprland_lock_notification_v1",
    version: 1,
    requests: &[DESTROY],
    events: &[plain("locked"), plain("unlocked")],
    c_ptr: None,
};

const DESTROY: MessageDesc = MessageDesc { is_destructor: true, ..plain("destroy") };

const GET_LOCK_NOTIFICATION: MessageDesc = MessageDesc {
    signature: &[ArgumentType::NewId],
    child_interface: Some(&HYPRLAND_LOCK_NOTIFICATION_V1_INTERFACE),
    arg_interfaces: &[],
    ..plain("get_lock_notification")
};

/// A message without arguments.
const fn plain(name: &'static str) -> MessageDesc {
    MessageDesc {
        name,
        signature: &[],
        since: 1,
        is_destructor: false,
        child_interface: None,
        arg_interfaces: &[],
    }
}
