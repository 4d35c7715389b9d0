//! What is done after a start and once a day, when the day before was sealed: damage is mended, what is to be let go
//! goes, and once a week the sealed copy is made anew.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use dwell_core::calendar::CivilDay;
use dwell_core::config::Config;
use dwell_vault::{Places, Retention};

use super::{Kept, News, Shelf};

/// The copy is made anew when it is older than this; a bit less than a week, so that it does not wander through the day.
const COPY_AGE: Duration = Duration::from_hours(7 * 24 - 6);

/// What is to be done.
#[derive(Clone, Debug)]
pub struct Upkeep {
    retention: Retention,
    copy: PathBuf,
}

impl Upkeep {
    /// What the configuration asks for on a day.
    pub fn of(config: &Config, data_dir: &Path, today: CivilDay) -> Self {
        Self { retention: retention(config, today), copy: Places::new(data_dir).weekly_copy() }
    }
}

/// What the configuration keeps on a day.
pub fn retention(config: &Config, today: CivilDay) -> Retention {
    let before =
        |days: Option<u32>| days.and_then(|days| i32::try_from(days).ok()).map(|days| today.plus(-days));
    Retention { keep_detail: before(config.keep_detail), keep_totals: before(config.keep_totals) }
}

impl Shelf {
    /// Does what is due. A sealed vault is left as it is: it is done when it is open next.
    pub fn keep_up(&mut self, upkeep: &Upkeep) {
        self.mend();
        let Kept::Open(vault) = &mut self.kept else { return };
        let retention = &upkeep.retention;
        if retention.keep_detail.is_some() || retention.keep_totals.is_some() {
            match vault.retain(retention) {
                Ok(gone) if gone == dwell_vault::LetGo::default() => {}
                Ok(gone) => tracing::info!(days = gone.details, runs = gone.runs, "let go"),
                Err(error) => tracing::warn!("nothing was let go: {error}"),
            }
        }
        let made = upkeep.copy.metadata().and_then(|copy| copy.modified());
        let age = made.ok().and_then(|made| SystemTime::now().duration_since(made).ok());
        if age.is_none_or(|age| age >= COPY_AGE)
            && let Err(error) = vault.make_copy()
        {
            tracing::warn!("the weekly copy was not made: {error}");
        }
    }

    /// Mends an open vault that knows of damaged days, once a run for each set of them: what could not be regained
    /// will not be tomorrow.
    fn mend(&mut self) {
        let Kept::Open(vault) = &self.kept else { return };
        let damaged = vault.info().map(|info| info.damaged).unwrap_or_default();
        if damaged.is_empty() || damaged == self.unmendable {
            return;
        }
        let Kept::Open(vault) =
            std::mem::replace(&mut self.kept, Kept::Waiting("it is being mended".to_owned()))
        else {
            return;
        };
        match vault.mend() {
            Ok((vault, mended)) => {
                let (regained, lost) = (mended.regained.len(), mended.lost.len());
                tracing::info!(regained, lost, "the vault was mended");
                self.unmendable = mended.lost;
                self.kept = Kept::Open(vault);
            }
            Err(error) => {
                tracing::error!("the vault could not be mended and is closed: {error}");
                self.kept = Kept::Waiting(error.to_string());
                let _ = self.news.send(News::Condition(self.condition()));
            }
        }
    }
}
