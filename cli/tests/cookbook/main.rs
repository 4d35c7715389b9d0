//! The recipes of the book (most in `docs/cookbook.md`) are run as they stand there: with the real bash, jq, sqlite3, git and age, the
//! real `dwell`, and a real `dwelld` on a bus of its own, whose vault has a made-up month in it. Each must end with 0 and
//! print what stands below it.
//!
//! The links of the book are followed here as well, as far as they lead to files and headings of this project.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test's helpers may fail as loudly as the test itself"
)]

mod book;
mod history;
mod kitchen;
mod links;
mod shape;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use book::Recipe;
use kitchen::{Kitchen, Larder};

/// So many recipes are cooked side by side.
const COOKS: usize = 4;

fn cookbook() -> Vec<Recipe> {
    book::recipes(&book::page("docs/cookbook.md"))
}

#[test]
fn there_are_twenty_recipes_numbered_in_order_each_with_what_it_prints() {
    let recipes = cookbook();
    assert!(recipes.len() >= 20, "{} recipes", recipes.len());
    for (recipe, number) in recipes.iter().zip(1..) {
        assert!(recipe.title.starts_with(&format!("{number}. ")), "not number {number}: {}", recipe.title);
        assert!(recipe.prints.is_some(), "nothing is said of what this prints: {}", recipe.title);
    }
}

/// Those of the cookbook, and the few of other pages. `DWELL_RECIPE='7. '` tries those alone whose headings begin so, and shows what it printed.
#[test]
fn every_recipe_does_what_the_book_says() {
    let alone = std::env::var("DWELL_RECIPE").ok();
    let wanted = |recipe: &Recipe| alone.as_ref().is_none_or(|n| recipe.title.starts_with(n.as_str()));
    let recipes =
        book::pages().into_iter().flat_map(|page| book::recipes(&std::fs::read_to_string(page).unwrap()));
    let recipes: Vec<_> = recipes.filter(wanted).collect();
    assert!(!recipes.is_empty(), "there is no such recipe");
    if let Some(missing) = kitchen::lacks(&["age", "bash", "dbus-daemon", "git", "jq", "sqlite3"]) {
        kitchen::cannot_run("the recipes of the book", &format!("{missing} is not installed"));
        return;
    }
    let larder = Larder::stock();
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let cook = || {
        while let Some(recipe) = recipes.get(next.fetch_add(1, Ordering::Relaxed)) {
            let served = Kitchen::open(&larder).cook(&recipe.script);
            if alone.is_some() {
                eprintln!("{}", served.printed);
            }
            if let Err(why) = served.judge(recipe) {
                failures.lock().unwrap().push(format!("\n## {}\n{why}", recipe.title));
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..COOKS.min(recipes.len()) {
            scope.spawn(cook);
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(
        failures.is_empty(),
        "{} of {} recipes fail:\n{}",
        failures.len(),
        recipes.len(),
        failures.join("\n")
    );
}
