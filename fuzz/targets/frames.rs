//! What an extension says to the browser host.
#![no_main]

use dwell_browser_host::frame::Frames;
use dwell_browser_host::said::Said;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // As one frame, and as a stream of them in two pieces.
    let _ = Said::read(bytes);
    let mut frames = Frames::default();
    let (one, two) = bytes.split_at(bytes.len() / 2);
    for piece in [one, two] {
        frames.take(piece);
        while let Ok(Some(frame)) = frames.whole() {
            let _ = Said::read(&frame);
        }
    }
});
