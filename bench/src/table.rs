//! The table of one size of history.

/// How a figure is written.
#[derive(Clone, Copy)]
pub(crate) enum Unit {
    Micros,
    Millis,
    Bytes,
    Kibi,
    Mebi,
}

impl Unit {
    fn of(self, value: f64) -> String {
        match self {
            Self::Micros => format!("{:.1} µs", value / 1e3),
            Self::Millis => format!("{:.2} ms", value / 1e6),
            Self::Bytes => format!("{value:.0} B"),
            Self::Kibi => format!("{:.1} KiB", value / 1024.0),
            Self::Mebi => format!("{:.2} MiB", value / 1024.0 / 1024.0),
        }
    }
}

/// What a figure must not exceed.
#[derive(Clone, Copy)]
pub(crate) enum Bar {
    /// So many times what plain SQLite takes.
    Times(f64),
    /// So much.
    AtMost(f64),
    /// So much more than plain SQLite.
    More(f64),
    /// None: to know.
    None,
}

/// The lines so far.
pub(crate) struct Table {
    good: bool,
}

impl Table {
    pub(crate) fn start(title: &str) -> Self {
        println!("\n### {title}\n");
        println!("| | vault | plain | ratio | bar | |");
        println!("|---|---:|---:|---:|---:|---|");
        Self { good: true }
    }

    /// A figure of the vault, with plain SQLite's where there is one to compare with.
    pub(crate) fn line(&mut self, what: &str, unit: Unit, ours: f64, plain: Option<f64>, bar: Bar) {
        let ratio = plain.map(|plain| ours / plain);
        let (shown, pass) = match bar {
            Bar::Times(most) => (format!("{most:.2}×"), ratio.map(|ratio| ratio <= most)),
            Bar::AtMost(most) => (unit.of(most), Some(ours <= most)),
            Bar::More(most) => (format!("+ {}", unit.of(most)), plain.map(|plain| ours - plain <= most)),
            Bar::None => (String::new(), None),
        };
        let pass = match pass {
            Some(true) => "pass",
            Some(false) => "**FAIL**",
            None => "",
        };
        self.good &= pass != "**FAIL**";
        println!(
            "| {what} | {} | {} | {} | {shown} | {pass} |",
            unit.of(ours),
            plain.map_or(String::new(), |plain| unit.of(plain)),
            ratio.map_or(String::new(), |ratio| format!("{ratio:.2}")),
        );
    }

    /// Whether no bar was missed.
    pub(crate) const fn good(&self) -> bool {
        self.good
    }
}
