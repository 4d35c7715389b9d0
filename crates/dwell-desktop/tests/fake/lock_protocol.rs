//! The compositor's side of `hyprland_lock_notify_v1`.
#![expect(clippy::all, reason = "made by the code generator")]

use wayland_server;

use super::lock_interfaces::*;

wayland_scanner::generate_server_code!("protocols/hyprland-lock-notify-v1.xml");
