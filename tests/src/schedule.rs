//! Random focus changes at random moments, the same again for the same seed.

use std::time::Duration;

/// A source of chance whose seed is printed, and can be given back as `DWELL_SEED`.
#[must_use]
pub fn chance(test: &str) -> fastrand::Rng {
    let given = std::env::var("DWELL_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| fastrand::u64(..));
    eprintln!("{test}: DWELL_SEED={seed}");
    fastrand::Rng::with_seed(seed)
}

/// So many moments in a stretch of time, in order, each at least `apart` after the one before.
#[must_use]
pub fn moments(chance: &mut fastrand::Rng, count: u32, within: Duration, apart: Duration) -> Vec<Duration> {
    let free = within.saturating_sub(apart * count);
    let mut offsets: Vec<Duration> = (0..count).map(|_| free.mul_f64(chance.f64())).collect();
    offsets.sort_unstable();
    offsets.into_iter().zip(1..).map(|(offset, place)| offset + apart * place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_apart_within_and_repeatable() {
        let (within, apart) = (Duration::from_secs(30), Duration::from_millis(200));
        let first = moments(&mut fastrand::Rng::with_seed(7), 40, within, apart);
        assert_eq!(first, moments(&mut fastrand::Rng::with_seed(7), 40, within, apart));
        assert_eq!(first.len(), 40);
        assert!(first.windows(2).all(|pair| pair[1] - pair[0] >= apart));
        assert!(first.iter().all(|moment| *moment <= within));
    }
}
