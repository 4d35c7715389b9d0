//! Made-up history: the same spans on every machine and in every run, about 1,500 a day.
//!
//! Someone works on a desktop: two programs alternate most of the time, a browser among them goes from domain to
//! domain, most spans last seconds, some an hour. The machine boots each morning. How often programs and domains
//! occur falls off as 1/rank, which is what real histories look like.

use dwell_core::calendar::CivilDay;
use dwell_core::span::{Activity, Span};
use dwell_core::subject::{AppId, Domain, Subject};
use dwell_core::time::{Boot, Millis, Reading, Wall};

const DAY_MS: i64 = 86_400_000;
/// Spans of a day, on average over a week.
const MEAN: f64 = 1_500.0;
/// The last day of every history: 2026-11-20.
const LAST: i32 = 20_777;
/// The browsers among the programs, by rank.
const BROWSERS: [usize; 2] = [0, 3];

const APPS: [&str; 40] = [
    "org.mozilla.firefox",
    "org.gnome.Ptyxis",
    "code",
    "chromium",
    "org.mozilla.Thunderbird",
    "org.gnome.Nautilus",
    "org.telegram.desktop",
    "slack",
    "org.kde.konsole",
    "org.signal.Signal",
    "libreoffice-writer",
    "com.spotify.Client",
    "org.gnome.Evince",
    "org.kde.dolphin",
    "discord",
    "libreoffice-calc",
    "org.gimp.GIMP",
    "org.inkscape.Inkscape",
    "steam",
    "org.videolan.VLC",
    "md.obsidian.Obsidian",
    "org.gnome.TextEditor",
    "jetbrains-idea",
    "org.kde.kate",
    "us.zoom.Zoom",
    "org.gnome.Calculator",
    "org.gnome.Settings",
    "org.kde.okular",
    "org.blender.Blender",
    "org.audacityteam.Audacity",
    "org.keepassxc.KeePassXC",
    "org.gnome.Calendar",
    "org.gnome.Loupe",
    "org.wireshark.Wireshark",
    "virt-manager",
    "com.obsproject.Studio",
    "org.kde.krita",
    "org.gnome.SystemMonitor",
    "org.darktable.Darktable",
    "net.lutris.Lutris",
];
const SYLLABLES: [&str; 20] = [
    "ka", "ber", "lo", "tin", "sha", "mo", "re", "dux", "vi", "gran", "pol", "zen", "ha", "net", "for",
    "web", "cloud", "git", "play", "news",
];
const ENDINGS: [&str; 5] = ["com", "org", "net", "io", "co.uk"];
const DOMAINS: usize = 300;

/// Spans of a heavy day, on average over a week: 790,000 in the year.
pub(crate) const HEAVY: f64 = 2_164.0;

/// The day that it is, in UTC.
pub(crate) fn today() -> CivilDay {
    let now = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap();
    CivilDay::from_epoch_days(i32::try_from(now.as_secs() / 86_400).unwrap())
}

/// Makes days.
pub(crate) struct History {
    apps: Vec<AppId>,
    domains: Vec<Domain>,
    app_odds: Vec<f64>,
    domain_odds: Vec<f64>,
    first: i32,
    last: i32,
    mean: f64,
}

impl History {
    /// A history of so many days.
    pub(crate) fn of_days(days: i32) -> Self {
        Self::until(CivilDay::from_epoch_days(LAST), days, MEAN)
    }

    /// A history of so many days, with so many spans a day, up to a day.
    pub(crate) fn until(last: CivilDay, days: i32, mean: f64) -> Self {
        let domain = |rank: usize| {
            let mut dice = Dice::new(rank as u64 + 1_000_000);
            let stem: String =
                (0..2 + dice.below(3)).map(|_| SYLLABLES[dice.below(SYLLABLES.len())]).collect();
            Domain::new(format!("{stem}.{}", ENDINGS[rank % ENDINGS.len()])).unwrap()
        };
        Self {
            apps: APPS.iter().map(|app| AppId::new(*app).unwrap()).collect(),
            domains: (0..DOMAINS).map(domain).collect(),
            app_odds: odds(APPS.len()),
            domain_odds: odds(DOMAINS),
            first: last.epoch_days() + 1 - days,
            last: last.epoch_days(),
            mean,
        }
    }

    /// Its days, oldest first.
    pub(crate) fn days(&self) -> impl Iterator<Item = CivilDay> {
        (self.first..=self.last).map(CivilDay::from_epoch_days)
    }

    /// The first day.
    pub(crate) const fn first(&self) -> CivilDay {
        CivilDay::from_epoch_days(self.first)
    }

    /// The day after the last one, and the days after that: what benchmarks write to.
    pub(crate) const fn coming(n: i32) -> CivilDay {
        CivilDay::from_epoch_days(LAST + 1 + n)
    }

    /// One day's spans. No two begin in the same millisecond.
    pub(crate) fn spans(&self, day: CivilDay) -> Vec<Span> {
        let number = day.epoch_days();
        let mut dice = Dice::new(u64::from(number.unsigned_abs()));
        let weekend = day.days_from_monday() >= 5;
        let busy = if weekend { 0.75 } else { 1.1 } * 0.2_f64.mul_add(dice.bell(), 1.0);
        let count = (self.mean * busy).max(self.mean * 0.2) as i64;
        let booted = i64::from(number) * DAY_MS + 7 * 3_600_000 + dice.below(5_400_000) as i64;
        let end = (i64::from(number) + 1) * DAY_MS - 60_000;
        // What a span may last on average, so that all fit in the day.
        let share = (end - booted) / count;
        let (mut now, mut last, mut before, mut domain) = (booted + 20_000, 0, 1, 0);
        let mut spans = Vec::with_capacity(usize::try_from(count).unwrap());
        while (spans.len() as i64) < count && now < end {
            let app = if dice.chance(0.5) { before } else { dice.rank(&self.app_odds) };
            (before, last) = (last, app);
            if dice.chance(0.6) {
                domain = dice.rank(&self.domain_odds);
            }
            let subject = Subject {
                app: self.apps[app].clone(),
                domain: BROWSERS.contains(&app).then(|| self.domains[domain].clone()),
            };
            let length = ((1.2_f64.mul_add(dice.bell(), 2.1).exp() * 1000.0) as i64).clamp(300, share * 6);
            let activity = match dice.below(100) {
                0 => Activity::Unobserved,
                1 if subject.domain.is_some() => Activity::Private(subject.app),
                2 | 3 => Activity::Audible(subject),
                _ => Activity::Focus(subject),
            };
            spans.push(Span {
                start: Reading::new(Boot::from_ms((now - booted).cast_unsigned()), Wall::from_unix_ms(now)),
                length: Millis::from_ms(length.cast_unsigned()),
                activity,
            });
            // Mostly one window follows another at once; sometimes nobody is there.
            now += length + 1;
            if dice.chance(0.04) {
                now += dice.below(usize::try_from(share * 4).unwrap()) as i64;
            }
        }
        spans
    }
}

/// What share of draws falls on a rank or an earlier one.
fn odds(ranks: usize) -> Vec<f64> {
    let mut sum = 0.0;
    let mut odds: Vec<f64> = (1..=ranks)
        .map(|rank| {
            sum += 1.0 / rank as f64;
            sum
        })
        .collect();
    odds.iter_mut().for_each(|odd| *odd /= sum);
    odds
}

/// SplitMix64 (Steele, Lea, Flood 2014): small, and the same everywhere.
struct Dice(u64);

impl Dice {
    const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5eed_0fd3_e115_bead)
    }

    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to 1.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn chance(&mut self, of: f64) -> bool {
        self.unit() < of
    }

    const fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn rank(&mut self, odds: &[f64]) -> usize {
        let x = self.unit();
        odds.partition_point(|odd| *odd < x).min(odds.len() - 1)
    }

    /// A normal deviate (Box and Muller).
    fn bell(&mut self) -> f64 {
        let (a, b) = (self.unit().max(1e-12), self.unit());
        (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_the_same_each_time_busy_and_in_order() {
        let history = History::of_days(70);
        let mut count = 0;
        for day in history.days() {
            let spans = history.spans(day);
            assert_eq!(spans, History::of_days(1).spans(day));
            assert!(spans.windows(2).all(|two| two[0].end_wall() < two[1].start.wall));
            count += spans.len();
        }
        assert!((1_300..1_700).contains(&(count / 70)), "{} spans a day", count / 70);
    }
}
