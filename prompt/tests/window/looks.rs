//! What it looks like: pictures of the window on real desktops, light and dark, with text of two sizes.
//!
//! They are kept below `target/tmp/looks` for people to look at. Measured is what a person could not read: a scheme that
//! is not followed, a window that outgrows a small screen.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use dwell_bus::wire;
use dwell_tests::clock::{Deadline, wait_until};
use dwell_tests::{Bed, Kind, machine};
use gtk::gdk;
use gtk::prelude::*;
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{ConnectionExt as _, ImageFormat};
use zbus::zvariant::{OwnedValue, Value};

use crate::desk::{Desk, World, limit};
use crate::tree::EXPANDED;

/// The widest that the window may be, in pixels.
const WIDEST: i32 = 420;

/// The portal's settings, with one in them.
struct Portal {
    scheme: u32,
}

#[zbus::interface(name = "org.freedesktop.portal.Settings")]
impl Portal {
    /// The value in a value, as the portal wraps it.
    fn read(&self, namespace: &str, key: &str) -> zbus::fdo::Result<OwnedValue> {
        if (namespace, key) != ("org.freedesktop.appearance", "color-scheme") {
            return Err(zbus::fdo::Error::Failed("no such setting".to_owned()));
        }
        let value = Value::Value(Box::new(Value::U32(self.scheme)));
        Ok(OwnedValue::try_from(value).unwrap())
    }
}

/// Everything that the window can hold.
fn full() -> World {
    let mut world = World::with_snooze(|snooze| {
        snooze.wait_ms = 20_000;
        snooze.sentence = Some("I want to read before I sleep.".to_owned());
    });
    world.rules.push(wire::Limit {
        id: "web".to_owned(),
        target: "category:web".to_owned(),
        verdict: "allowed".to_owned(),
        because: None,
        until_at_ms: None,
        days: Some("mon-fri".to_owned()),
        hours: Some("blocked 22:00-07:00".to_owned()),
        budget_ms: Some(7_200_000),
        ..limit()
    });
    world
}

fn look(kind: Kind, dark: bool, large: bool) {
    if kind == Kind::Sway && machine::lacks(&["grim"]).is_some() {
        return machine::cannot_run(&machine::running_test(), "grim is not installed");
    }
    let portal = Portal { scheme: if dark { 1 } else { 2 } };
    for (name, world, unfold) in [("usual", World::default(), false), ("full", full(), true)] {
        let mut desktop = None;
        let prepare = |bed: &mut Bed| {
            if large {
                larger(bed);
            }
            desktop = Some(serve(bed, Portal { scheme: portal.scheme }));
        };
        let Some(desk) = Desk::start_with(kind, world, prepare) else { return };
        desk.show();
        if unfold {
            for _ in 0..2 {
                desk.press("Tab");
            }
            desk.press_until("space", |sight| sight.button("Why").is_some_and(|why| why.is(EXPANDED)));
        }
        let size = if large { "large" } else { "normal" };
        let scheme = if dark { "dark" } else { "light" };
        let file =
            folder().join(format!("{name}-{}-{scheme}-{size}.png", kind.name().split(' ').next().unwrap()));
        let bright = || share_of_bright(&picture(&desk.bed, kind, &file));
        // A window is drawn some time after it is there for a screen reader.
        let drawn =
            wait_until(Deadline::seconds(15), || if dark { bright() < 0.03 } else { bright() > 0.05 });
        assert!(drawn, "the window is not {scheme}: see {}", file.display());
        let (width, height) = desk.tree.size().expect("the window's size");
        assert!(width <= WIDEST, "{width} pixels wide: see {}", file.display());
        assert!(height <= 700, "{height} pixels high: see {}", file.display());
        drop(desktop);
    }
}

/// Text of twice the usual size: GTK's own settings on X11, where no desktop's are to be had, and on Wayland GNOME's.
fn larger(bed: &mut Bed) {
    let settings = bed.place().home().join(".config/gtk-4.0/settings.ini");
    let interface = bed.place().home().join(".config/glib-2.0/settings/keyfile");
    for (file, text) in [
        (settings, "[Settings]\ngtk-font-name=Sans 20\n"),
        (interface, "[org/gnome/desktop/interface]\ntext-scaling-factor=2.0\n"),
    ] {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        for folder in file.ancestors().skip(1).take_while(|folder| !folder.ends_with(".config")) {
            bed.place().own(folder, 0o700);
        }
        bed.place().write(&file, text);
    }
    bed.place_mut().set("GSETTINGS_BACKEND", "keyfile");
}

fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("looks");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// A portal on the bed's bus, until it is dropped.
fn serve(bed: &mut Bed, portal: Portal) -> (tokio::sync::oneshot::Sender<()>, std::thread::JoinHandle<()>) {
    let address = bed.session_bus().address().to_owned();
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let (ready, is_ready) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let builder = zbus::connection::Builder::address(address.as_str()).unwrap();
            let builder = builder.serve_at("/org/freedesktop/portal/desktop", portal).unwrap();
            let connection = builder.name("org.freedesktop.portal.Desktop").unwrap().build().await.unwrap();
            ready.send(()).unwrap();
            let _ = stopped.await;
            drop(connection);
        });
    });
    is_ready.recv_timeout(Deadline::seconds(10).left()).unwrap();
    (stop, thread)
}

/// Takes a picture of the whole screen, as blue, green, red and nothing a pixel.
fn picture(bed: &Bed, kind: Kind, file: &Path) -> Vec<u8> {
    if kind == Kind::Sway {
        let taken = bed.place().command("grim").arg("-").stdout(Stdio::piped()).output().unwrap();
        std::fs::write(file, &taken.stdout).unwrap();
        let Ok(texture) = gdk::Texture::from_filename(file) else { return Vec::new() };
        let across = usize::try_from(texture.width()).unwrap() * 4;
        let mut pixels = vec![0; across * usize::try_from(texture.height()).unwrap()];
        texture.download(&mut pixels, across);
        return pixels;
    }
    let display = bed.place().variable("DISPLAY").and_then(|display| display.to_str()).unwrap();
    let (connection, number) = x11rb::connect(Some(display)).unwrap();
    let screen = &connection.setup().roots[number];
    let (width, height) = (screen.width_in_pixels, screen.height_in_pixels);
    let image = connection.get_image(ImageFormat::Z_PIXMAP, screen.root, 0, 0, width, height, !0);
    let mut pixels = image.unwrap().reply().unwrap().data;
    // The fourth byte means nothing to the server, and "not seen through" here.
    pixels.iter_mut().skip(3).step_by(4).for_each(|alpha| *alpha = u8::MAX);
    let bytes = gtk::glib::Bytes::from(&pixels);
    let (width, height) = (i32::from(width), i32::from(height));
    let across = pixels.len() / usize::try_from(height).unwrap();
    gdk::MemoryTexture::new(width, height, gdk::MemoryFormat::B8g8r8a8, &bytes, across)
        .save_to_png(file)
        .unwrap();
    pixels
}

/// The part of the screen that is nearly white.
fn share_of_bright(pixels: &[u8]) -> f64 {
    let bright = pixels.chunks_exact(4).filter(|pixel| pixel[..3].iter().all(|part| *part > 225)).count();
    #[expect(clippy::cast_precision_loss, reason = "a screen has about a million pixels")]
    let share = bright as f64 / (pixels.len() / 4).max(1) as f64;
    share
}

#[test]
fn light_on_x11() {
    look(Kind::X11, false, false);
    look(Kind::X11, false, true);
}

#[test]
fn dark_on_x11() {
    look(Kind::X11, true, false);
    look(Kind::X11, true, true);
}

#[test]
fn light_on_sway() {
    look(Kind::Sway, false, false);
    look(Kind::Sway, false, true);
}

#[test]
fn dark_on_sway() {
    look(Kind::Sway, true, false);
    look(Kind::Sway, true, true);
}
