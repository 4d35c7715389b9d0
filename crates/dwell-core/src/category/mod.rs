//! Categories of programs and domains: their names, the built-in ones, and those that a person gives.
//!
//! A subject has one category or none. It comes from the person, else from the built-in catalogue (domains) or from the
//! program's desktop file. Categories are not recorded: whoever needs one finds it out from what holds then, so that a
//! correction holds for the past too.
//!
//! The names of [`NAMES`] are what rules, reports and scripts are written with: one may be added, none goes or changes its
//! meaning. Beside them any name is a category that the person makes by using it.

pub(crate) mod catalogue;
mod desktop_file;
mod own;

pub use desktop_file::of_desktop_file;
pub use own::{Categories, Listed, Source};

use crate::subject::{Category, IdError};

/// Every built-in category. What each means is in `docs/categories.md`.
pub const NAMES: &[&str] = &[
    "adult",
    "assistants",
    "browser",
    "chat",
    "dating",
    "development",
    "education",
    "finance",
    "forums",
    "gambling",
    "games",
    "graphics",
    "internet",
    "jobs",
    "mail",
    "music",
    "news",
    "office",
    "photos",
    "reading",
    "reference",
    "science",
    "search",
    "shopping",
    "social",
    "sports",
    "system",
    "terminal",
    "travel",
    "utilities",
    "video",
];

/// Other words for built-in categories. They are read, and never shown.
const OTHER_WORDS: &[(&str, &str)] = &[
    ("email", "mail"),
    ("forum", "forums"),
    ("gaming", "games"),
    ("learning", "education"),
    ("photo", "photos"),
    ("sport", "sports"),
    ("videos", "video"),
    ("work", "office"),
];

/// The category that a person means: without regard to ASCII case, and other words for a built-in one are that one.
/// A name that is not built in is a category of their own.
///
/// # Errors
/// See [`Category::new`].
pub fn named(text: &str) -> Result<Category, IdError> {
    let text = text.to_ascii_lowercase();
    let meant = OTHER_WORDS.iter().find(|(word, _)| *word == text).map(|(_, name)| *name);
    Category::new(meant.map_or(text, str::to_owned))
}

/// Of these names the one that a mistyped word most likely means. `None` where it is one of them, or like none.
pub fn nearest<'a>(typed: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_ascii_lowercase();
    names
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(name, &typed), name))
        .min()
        // Half of a short word is not enough to tell which one it was.
        .filter(|(distance, name)| *distance > 0 && *distance <= (name.chars().count() / 3).clamp(1, 2))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_order_and_each_is_in_use_and_explained() {
        assert!(NAMES.is_sorted_by(|a, b| a < b));
        let explained = include_str!("../../../../docs/categories.md");
        for name in NAMES {
            let used = catalogue::size(name) > 0 || desktop_file::names().any(|other| other == *name);
            assert!(used, "nothing is in {name}");
            assert!(explained.contains(&format!("\n| {name} | ")), "{name} is not explained");
        }
        for (word, name) in OTHER_WORDS {
            assert!(NAMES.contains(name) && !NAMES.contains(word), "{word}");
            assert!(explained.contains(&format!("`{word}`")), "{word} is not explained");
        }
    }

    #[test]
    fn a_category_is_meant_by_other_words_too() {
        let named = |text: &str| named(text).map(String::from);
        assert_eq!(named("Video"), Ok("video".into()));
        assert_eq!(named("LEARNING"), Ok("education".into()));
        assert_eq!(named("work"), Ok("office".into()));
        assert_eq!(named("Garden plans"), Ok("garden plans".into()));
        assert_eq!(named(""), Err(IdError::Empty));
        assert_eq!(named("a\nb"), Err(IdError::BadCharacter));
    }

    #[test]
    fn targets_mean_categories_by_other_words_too() {
        let target = |text: &str| text.parse::<crate::subject::Target>().unwrap().to_string();
        assert_eq!(target("category:Learning"), "category:education");
        assert_eq!(target("category:garden"), "category:garden");
    }

    #[test]
    fn slips_of_the_finger_are_recognised() {
        let near = |typed| nearest(typed, NAMES.iter().copied());
        assert_eq!(near("vidoe"), Some("video"));
        assert_eq!(near("Socail"), Some("social"));
        assert_eq!(near("developement"), Some("development"));
        assert_eq!(near("video"), None, "it is right");
        assert_eq!(near("garden"), None);
        assert_eq!(near("new"), Some("news"));
        assert_eq!(nearest("x", []), None);
    }
}
