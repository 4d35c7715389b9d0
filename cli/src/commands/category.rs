//! `dwell category`: which category programs and domains belong to, and the person's own entries.

use clap::Subcommand;
use dwell_bus::wire;
use dwell_core::category::{named, nearest};
use dwell_core::subject::{Category, IdError, Target};

use super::limit::{changed, done};
use crate::bus::Daemon;
use crate::console::Console;
use crate::error::{End, Error};
use crate::output::categories::{self, Categories, Which};
use crate::output::json;
use crate::output::text::plain;
use crate::usage::BadValue;

/// See and choose the categories of programs and domains (alone: list them)
#[derive(Debug, clap::Args)]
#[command(disable_help_subcommand = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the categories, how many domains are built in, and what you put there
    List,
    /// Tell the category of a program or a domain, and who says so
    Which {
        /// app:ID, domain:D, or a bare name that only one thing has
        #[arg(value_parser = member)]
        target: String,
    },
    /// Put a program or a domain into a category
    Set {
        /// app:ID, domain:D, or a bare name that only one thing has
        #[arg(value_parser = member)]
        target: String,
        /// One that is listed, or a new one of your own
        #[arg(value_parser = category)]
        category: Category,
    },
    /// Take back what you said of a program or a domain
    Unset {
        /// app:ID, domain:D, or a bare name that only one thing has
        #[arg(value_parser = member)]
        target: String,
    },
}

/// A TARGET that can be in a category.
fn member(text: &str) -> Result<String, BadValue> {
    match text.parse() {
        Ok(Target::Category(_) | Target::All) => Err(BadValue::new(
            format!("\"{text}\" is in no category: only programs and domains are"),
            "write app:ID or domain:D",
        )),
        _ => crate::cli::target(text),
    }
}

/// A CATEGORY, also as it stands in a TARGET.
fn category(text: &str) -> Result<Category, BadValue> {
    let name = text.trim();
    named(name.strip_prefix("category:").unwrap_or(name)).map_err(|why| match why {
        IdError::Empty => {
            BadValue::new("the category is empty", "to take it back, use `dwell category unset TARGET`")
        }
        why => BadValue::new(
            format!("\"{text}\" is no category: {why}"),
            "write one word, like video; `dwell category` lists them",
        ),
    })
}

/// Does one of the four.
pub(crate) async fn run(args: Args, console: &mut Console) -> Result<End, Error> {
    let daemon = Daemon::find().await?;
    match args.command.unwrap_or(Command::List) {
        Command::List => {
            let all = daemon.ask(|d| d.list_categories()).await?;
            console.say(&if console.json {
                json::line(&Categories::new(&all))
            } else {
                categories::table(&all, console.look)
            });
        }
        Command::Which { target } => {
            let which = daemon.ask(|d| d.which_category(&target)).await?;
            console.say(&if console.json {
                json::line(&Which::new(&which))
            } else {
                categories::which(&which, console.look)
            });
        }
        Command::Set { target, category } => {
            let known = daemon.ask(|d| d.list_categories()).await?;
            let change = daemon.ask(|d| d.set_category(&target, category.as_str())).await?;
            changed(&change, &format!("Put {} into {}", plain(&target), plain(category.as_str())), console);
            if !console.json
                && let Some(note) = of_your_own(&category, &target, &known)
            {
                done(&note, console);
            }
        }
        Command::Unset { target } => {
            let change = daemon.ask(|d| d.set_category(&target, "")).await?;
            changed(&change, &format!("Took back what you said of {}", plain(&target)), console);
        }
    }
    Ok(End::Well)
}

/// A name that nothing had so far is a new category, or a slip of the finger.
fn of_your_own(category: &Category, target: &str, known: &[wire::CategoryInfo]) -> Option<String> {
    let name = category.as_str();
    let mut names = known.iter().map(|known| known.category.as_str());
    if names.clone().any(|known| known == name) {
        return None;
    }
    let own = format!("\"{}\" is a new category, one of your own", plain(name));
    Some(match nearest(name, &mut names) {
        Some(near) => {
            let (target, near) = (plain(target), plain(near));
            format!("{own}. If you meant \"{near}\": `dwell category set {target} {near}`")
        }
        None => own,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_programs_and_domains_are_in_a_category() {
        assert_eq!(member("domain:Example.org"), Ok("domain:Example.org".into()));
        assert_eq!(member("Firefox"), Ok("Firefox".into()));
        let told = |bad: BadValue| format!("{bad}; {}", bad.hint);
        insta::assert_snapshot!(told(member("all").unwrap_err()), @r#""all" is in no category: only programs and domains are; write app:ID or domain:D"#);
        insta::assert_snapshot!(told(member("category:video").unwrap_err()), @r#""category:video" is in no category: only programs and domains are; write app:ID or domain:D"#);
        insta::assert_snapshot!(told(member("aap:x").unwrap_err()), @r#""aap:x" is no target: "aap:" is no kind of target (app:, domain:, category:, all); write app:ID, domain:D, category:C or all"#);
        insta::assert_snapshot!(told(category(" ").unwrap_err()), @"the category is empty; to take it back, use `dwell category unset TARGET`");
        assert_eq!(category("category:Learning").map(String::from), Ok("education".into()));
    }

    #[test]
    fn a_new_name_is_said_to_be_one() {
        let known = [wire::CategoryInfo { category: "video".into(), ..wire::CategoryInfo::default() }];
        let note = |name: &str| of_your_own(&category(name).unwrap(), "app:mpv", &known);
        assert_eq!(note("Video"), None);
        insta::assert_snapshot!(note("garden").unwrap(), @r#""garden" is a new category, one of your own"#);
        insta::assert_snapshot!(note("vidoe").unwrap(), @r#""vidoe" is a new category, one of your own. If you meant "video": `dwell category set app:mpv video`"#);
    }
}
