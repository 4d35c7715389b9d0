//! Periods of dwell days, as a person names them.

use std::ops::RangeInclusive;

use crate::calendar::CivilDay;

/// A stretch of whole dwell days, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// First day.
    pub first: CivilDay,
    /// Last day.
    pub last: CivilDay,
}

/// Why a text is no period.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeriodError {
    /// No word or date that is understood.
    #[error("\"{text}\" is no period{}", suggestion.map(|s| format!("; did you mean \"{s}\"?")).unwrap_or_default())]
    Unknown {
        /// What was given.
        text: String,
        /// A word that is near.
        suggestion: Option<&'static str>,
    },
    /// It ends before it begins.
    #[error("the period ends before it begins")]
    Inverted,
    /// It begins after today.
    #[error("the period lies in the future")]
    Future,
}

const WORDS: &[&str] = &["today", "yesterday", "week", "lastweek", "month", "year", "all"];

impl Period {
    /// Reads `today yesterday week lastweek month year all 7d 2026-11-01 2026-11-01..2026-11-20`.
    ///
    /// `week`, `month` and `year` run from their first day to today, weeks from Monday; `7d` includes today.
    ///
    /// # Errors
    /// Unknown words, with a suggestion; inverted periods; periods that begin after `today`.
    pub fn parse(text: &str, today: CivilDay) -> Result<Self, PeriodError> {
        let text = text.trim();
        let monday = today.plus(-today.days_from_monday());
        let (first, last) = match text {
            "" | "today" => (today, today),
            "yesterday" => (today.plus(-1), today.plus(-1)),
            "week" => (monday, today),
            "lastweek" => (monday.plus(-7), monday.plus(-1)),
            "month" => (today.month_start(), today),
            "year" => (today.year_start(), today),
            "all" => (CivilDay::MIN, today),
            _ => Self::dates(text, today)?,
        };
        // First, because an open end is today, and then before the beginning.
        if first > today {
            return Err(PeriodError::Future);
        }
        if last < first {
            return Err(PeriodError::Inverted);
        }
        Ok(Self { first, last: last.min(today) })
    }

    fn dates(text: &str, today: CivilDay) -> Result<(CivilDay, CivilDay), PeriodError> {
        let unknown = || PeriodError::Unknown {
            text: text.to_owned(),
            suggestion: WORDS
                .iter()
                .map(|word| (strsim::damerau_levenshtein(word, &text.to_ascii_lowercase()), *word))
                .filter(|(distance, _)| *distance <= 2)
                .min()
                .map(|(_, word)| word),
        };
        if let Some((first, last)) = text.split_once("..") {
            let first = first.parse().map_err(|_| unknown())?;
            let last = if last.is_empty() { today } else { last.parse().map_err(|_| unknown())? };
            return Ok((first, last));
        }
        if let Ok(day) = text.parse() {
            return Ok((day, day));
        }
        let days =
            text.strip_suffix('d').and_then(|n| n.parse::<i32>().ok()).filter(|n| (1..=36_600).contains(n));
        days.map(|n| (today.plus(1 - n), today)).ok_or_else(unknown)
    }

    /// Whether this is everything there is: it begins with the first day that has data.
    pub fn is_all(self) -> bool {
        self.first == CivilDay::MIN
    }

    /// The days, in order.
    pub const fn days(self) -> RangeInclusive<CivilDay> {
        self.first..=self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<String, PeriodError> {
        // A Saturday.
        Period::parse(text, "2026-11-21".parse().unwrap()).map(|p| format!("{} {}", p.first, p.last))
    }

    #[test]
    fn periods_are_dwell_days() {
        for (text, want) in [
            ("today", "2026-11-21 2026-11-21"),
            ("yesterday", "2026-11-20 2026-11-20"),
            ("week", "2026-11-16 2026-11-21"),
            ("lastweek", "2026-11-09 2026-11-15"),
            ("month", "2026-11-01 2026-11-21"),
            ("year", "2026-01-01 2026-11-21"),
            ("7d", "2026-11-15 2026-11-21"),
            ("2026-11-03", "2026-11-03 2026-11-03"),
            ("2026-11-01..2026-11-20", "2026-11-01 2026-11-20"),
            ("2026-11-01..2027-11-20", "2026-11-01 2026-11-21"),
            ("all", "1970-01-01 2026-11-21"),
        ] {
            assert_eq!(parse(text).as_deref(), Ok(want), "{text}");
        }
    }

    #[test]
    fn bad_periods_are_refused_with_a_suggestion() {
        assert_eq!(parse("2026-11-20..2026-11-01"), Err(PeriodError::Inverted));
        assert_eq!(parse("2026-11-22"), Err(PeriodError::Future));
        assert_eq!(parse("2026-11-22.."), Err(PeriodError::Future));
        let error = parse("yesturday").unwrap_err();
        assert_eq!(error.to_string(), "\"yesturday\" is no period; did you mean \"yesterday\"?");
        assert_eq!(parse("0d").unwrap_err().to_string(), "\"0d\" is no period");
        assert!(parse("99999999999d").is_err());
        assert!(parse("2026-02-30").is_err());
    }
}
