//! `dwell privacy` for people: what is stored, where, and who can read it.

use dwell_bus::wire;

use super::look::{Ink, Look};
use super::text::{plain, wrap};

/// The whole screen.
pub(crate) fn screen(privacy: &wire::Privacy, look: Look) -> String {
    let mut page = Page { look, lines: Vec::new() };
    page.heading("What is stored");
    for record in &privacy.records {
        page.item(&format!("{}: {}", record.kind, record.holds));
        page.more(&format!("read with {}; kept {}", record.readable, record.kept));
    }
    page.heading("Where");
    for place in &privacy.places {
        page.item(&place.path);
        let how = if place.encrypted { "encrypted" } else { "not encrypted" };
        page.more(&format!("{}; {how}", place.holds));
    }
    page.heading("Keys");
    for key in &privacy.keys {
        let place = key.place.as_ref().map(|place| format!(", {place}")).unwrap_or_default();
        page.item(&format!("{}: {}{place}", key.opens, key.kind));
        page.more(&format!("protects from {}", key.protects));
        page.more(&format!("not from {}", key.exposed));
    }
    page.heading("Never stored");
    privacy.never.iter().for_each(|never| page.item(never));
    page.heading("What the disk shows without a key");
    privacy.visible.iter().for_each(|visible| page.item(visible));
    page.lines.join("\n")
}

struct Page {
    look: Look,
    lines: Vec<String>,
}

impl Page {
    fn heading(&mut self, text: &str) {
        if !self.lines.is_empty() {
            self.lines.push(String::new());
        }
        self.lines.extend(wrap(text, self.look.width, 0).iter().map(|line| self.look.ink(Ink::Strong, line)));
    }

    fn item(&mut self, text: &str) {
        self.lines.extend(wrap(&format!("  {}", plain(text)), self.look.width, 4));
    }

    fn more(&mut self, text: &str) {
        let lines = wrap(&format!("    {}", plain(text)), self.look.width, 4);
        self.lines.extend(lines.iter().map(|line| self.look.ink(Ink::Faint, line)));
    }
}
