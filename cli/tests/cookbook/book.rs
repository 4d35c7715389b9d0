//! Reads the book's pages: headings, fenced blocks, and which of them are recipes.

use std::path::{Path, PathBuf};

/// The folder of the whole project.
pub(crate) fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// A page, by its path in the project.
pub(crate) fn page(path: &str) -> String {
    let file = project().join(path);
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// The pages of the book, in alphabetical order.
pub(crate) fn pages() -> Vec<PathBuf> {
    let docs = std::fs::read_dir(project().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let mut pages: Vec<_> =
        docs.filter(|path| path.extension().is_some_and(|ending| ending == "md")).collect();
    pages.sort();
    pages
}

/// What the book has you type, and what it says that you see.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Recipe {
    /// The heading above it: `3. A month for the spreadsheet`.
    pub(crate) title: String,
    /// For bash.
    pub(crate) script: String,
    /// The next block of text below it, if there is one.
    pub(crate) prints: Option<Prints>,
}

/// What a recipe prints.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Prints {
    pub(crate) text: String,
    /// Numbers depend on the day on which it is run.
    pub(crate) shape_only: bool,
}

/// A fenced block.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Block {
    /// What stands behind the fence: `sh,recipe`.
    pub(crate) info: String,
    pub(crate) text: String,
    /// The last heading above it, without its marks.
    pub(crate) heading: String,
    /// The line of the fence, from 1.
    pub(crate) line: usize,
}

/// All fenced blocks, in order.
pub(crate) fn blocks(markdown: &str) -> Vec<Block> {
    let (mut blocks, mut heading, mut open) = (Vec::new(), String::new(), None::<Block>);
    for (line, number) in markdown.lines().zip(1..) {
        let fence = line.strip_prefix("```");
        match (open.take(), fence) {
            (None, Some(info)) => {
                let (info, heading) = (info.trim().to_owned(), heading.clone());
                open = Some(Block { info, text: String::new(), heading, line: number });
            }
            (None, None) => {
                if let Some(title) =
                    line.trim_start_matches('#').strip_prefix(' ').filter(|_| line.starts_with('#'))
                {
                    title.trim().clone_into(&mut heading);
                }
            }
            (Some(block), Some("")) => blocks.push(block),
            (Some(mut block), _) => {
                block.text.push_str(line);
                block.text.push('\n');
                open = Some(block);
            }
        }
    }
    assert_eq!(open, None, "a block is not closed");
    blocks
}

/// The blocks that are marked as recipes.
pub(crate) fn recipes(markdown: &str) -> Vec<Recipe> {
    let mut recipes: Vec<Recipe> = Vec::new();
    for block in blocks(markdown) {
        match block.info.as_str() {
            "sh,recipe" => {
                recipes.push(Recipe { title: block.heading, script: block.text, prints: None });
            }
            "text" | "text,shape" => {
                let shape_only = block.info == "text,shape";
                if let Some(recipe) = recipes.last_mut().filter(|recipe| recipe.title == block.heading) {
                    recipe.prints.get_or_insert(Prints { text: block.text, shape_only });
                }
            }
            _ => {}
        }
    }
    recipes
}

#[test]
fn recipes_are_found_with_what_they_print() {
    let page = "# Book\n## One\n```sh,recipe\n# no heading\na\n```\nIt says:\n\n```text\nb\n```\n```text\nc\n```\n\
                ## Two\n```sh\nd\n```\n```sh,recipe\ne\n```\n## Three\n```text,shape\nf\n```\n";
    let recipe =
        |title: &str, script: &str, prints| Recipe { title: title.into(), script: script.into(), prints };
    let b = Prints { text: "b\n".into(), shape_only: false };
    assert_eq!(recipes(page), [recipe("One", "# no heading\na\n", Some(b)), recipe("Two", "e\n", None)]);
}
