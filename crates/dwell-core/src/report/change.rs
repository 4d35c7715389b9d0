//! What changed from one period to another so much that a person would notice.

use crate::time::Millis;

/// Less than this is the ordinary to and fro.
pub const NOTICEABLE: Millis = Millis::from_mins(15);
/// And so is less than this part of what it was before, in percent.
pub const NOTICEABLE_PERCENT: u64 = 10;

/// Somebody's time in a period and in the one before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved<T> {
    /// Whose.
    pub whose: T,
    /// Then.
    pub before: Millis,
    /// Now.
    pub now: Millis,
}

impl<T> Moved<T> {
    /// By how much it rose or fell.
    pub const fn by(&self) -> Millis {
        Millis::from_ms(self.now.as_ms().abs_diff(self.before.as_ms()))
    }

    /// It is more than before.
    pub fn rose(&self) -> bool {
        self.now > self.before
    }

    /// Whether a person would notice: by [`NOTICEABLE`] at least, and [`NOTICEABLE_PERCENT`] of what it was.
    pub const fn is_noticeable(&self) -> bool {
        let by = self.by().as_ms();
        by >= NOTICEABLE.as_ms()
            && by.saturating_mul(100) >= self.before.as_ms().saturating_mul(NOTICEABLE_PERCENT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_of_an_hour_and_a_tenth() {
        let moved = |before, now| {
            let moved = Moved { whose: (), before: Millis::from_mins(before), now: Millis::from_mins(now) };
            (moved.is_noticeable(), moved.rose())
        };
        assert_eq!(moved(0, 14), (false, true));
        assert_eq!(moved(0, 15), (true, true));
        assert_eq!(moved(15, 0), (true, false));
        assert_eq!(moved(600, 659), (false, true));
        assert_eq!(moved(600, 540), (true, false));
        assert_eq!(moved(60, 60), (false, false));
    }
}
