//! What the documents have people type is a command line that `dwell` takes: each one is put to the real tree of commands.
//! Nothing is run, and nothing is asked; the recipes of the cookbook are run elsewhere (`cli/tests/cookbook`).
//!
//! In blocks marked `sh` and in blocks without a mark a line that starts with `dwell` is a command, with a remark behind two
//! spaces at most; in `sh` it may stand anywhere in a command line. `dwell …` within a sentence may break off early. What is
//! marked `sh,later` waits for commands that are not there yet.

use std::path::{Path, PathBuf};

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// The words of each command of a shell script that starts with `dwell`. Knows quotes, comments, pipes, lists and `$(…)`; what
/// the shell would put in the place of a word stays as it is.
fn commands(script: &str) -> Vec<Vec<String>> {
    let mut commands = Vec::new();
    let (mut words, mut word, mut in_word) = (Vec::new(), String::new(), false);
    let mut quote = None;
    let end_word = |word: &mut String, in_word: &mut bool, words: &mut Vec<String>| {
        if std::mem::take(in_word) {
            words.push(std::mem::take(word));
        }
    };
    let mut end_command = |words: &mut Vec<String>| {
        let words = std::mem::take(words);
        let start = words.iter().position(|word| word == "dwell");
        // Before it may stand what takes a command: `if`, `exec`, `unobserved=`; not an argument.
        if let Some(start) =
            start.filter(|&start| words[..start].iter().all(|word| LEADERS.contains(&word.as_str())))
        {
            commands.push(words[start..].to_vec());
        }
    };
    let script = script.replace("\\\n", " ");
    let mut signs = script.chars().peekable();
    while let Some(sign) = signs.next() {
        match (quote, sign) {
            (Some('\''), '\'') | (Some('"'), '"') => quote = None,
            (None, '\'' | '"') => (quote, in_word) = (Some(sign), true),
            // What stands in "$(…)" is a command as well.
            (None | Some('"'), '$') if signs.peek() == Some(&'(') => {
                let mut depth = 0;
                let mut inner = String::new();
                for sign in signs.by_ref() {
                    depth += i32::from(sign == '(') - i32::from(sign == ')');
                    inner.push(sign);
                    if depth == 0 {
                        break;
                    }
                }
                in_word = true;
                word.push_str("$(…)");
                let inner = inner.trim_start_matches('(').strip_suffix(')').unwrap_or_default().to_owned();
                commands_within(&inner, &mut end_command);
            }
            (Some(_), sign) => word.push(sign),
            (None, '\\') => word.extend(signs.next()),
            (None, '#') if !in_word => while signs.next_if(|sign| *sign != '\n').is_some() {},
            (None, '\n' | '|' | '&' | ';' | '(' | ')' | '{' | '}') => {
                end_word(&mut word, &mut in_word, &mut words);
                end_command(&mut words);
            }
            // What follows is a file; the number before it is no word.
            (None, '<' | '>') => {
                if !word.chars().all(|c| c.is_ascii_digit()) {
                    end_word(&mut word, &mut in_word, &mut words);
                }
                word.clear();
                in_word = false;
                if signs.peek() == Some(&'(') {
                    continue;
                }
                while signs.next_if(|sign| matches!(sign, ' ' | '>' | '<' | '&')).is_some() {}
                let mut quoted = None;
                while let Some(sign) = signs.next_if(|sign| {
                    quoted.is_some() || !(sign.is_whitespace() || matches!(sign, ';' | '|' | ')'))
                }) {
                    match quoted {
                        None if matches!(sign, '"' | '\'') => quoted = Some(sign),
                        Some(quote) if quote == sign => quoted = None,
                        _ => {}
                    }
                }
            }
            (None, ' ' | '\t') => end_word(&mut word, &mut in_word, &mut words),
            (None, sign) => {
                word.push(sign);
                in_word = true;
            }
        }
    }
    end_word(&mut word, &mut in_word, &mut words);
    end_command(&mut words);
    commands
}

/// What may stand before a command in the same breath.
const LEADERS: [&str; 8] = ["if", "then", "else", "do", "while", "until", "!", "exec"];

fn commands_within(script: &str, end_command: &mut impl FnMut(&mut Vec<String>)) {
    for mut words in commands(script) {
        end_command(&mut words);
    }
}

/// What a document has people type: the line of its block or sentence, the words, and whether they may break off.
fn typed(markdown: &str) -> Vec<(usize, Vec<String>, bool)> {
    let mut typed = Vec::new();
    let mut block: Option<(usize, &str, String)> = None;
    for (line, number) in markdown.lines().zip(1..) {
        match (&mut block, line.strip_prefix("```")) {
            (None, Some(info)) => block = Some((number, info.trim(), String::new())),
            (None, None) => {
                let code = line.split('`').skip(1).step_by(2).filter(|code| code.starts_with("dwell "));
                typed.extend(code.flat_map(commands).map(|words| (number, words, true)));
            }
            (Some((number, info, text)), Some("")) => {
                let number = *number;
                if info.split(',').next() == Some("sh") && !info.contains("later") {
                    typed.extend(commands(text).into_iter().map(|words| (number, words, false)));
                } else if info.is_empty() {
                    let lines = text.lines().map(|line| line.strip_prefix("$ ").unwrap_or(line));
                    let lines = lines.filter(|line| line.starts_with("dwell "));
                    let lines = lines.filter_map(|line| line.split("  ").next());
                    typed.extend(lines.flat_map(commands).map(|words| (number, words, false)));
                }
                block = None;
            }
            (Some((_, _, text)), _) => {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    typed
}

/// What is wrong with it, in one line.
fn mistake(words: &[String], may_break_off: bool) -> Option<String> {
    // `confirm|cancel` in a sentence are several commands in one breath.
    if may_break_off && words.iter().any(|word| word.contains('…')) {
        return None;
    }
    let mistake = crate::cli::command().try_get_matches_from(words).err()?;
    // N and $work stand for what somebody puts there.
    let stands_for_another =
        |value: &str| value.contains('$') || value.chars().all(|c| c.is_ascii_uppercase());
    let value = match mistake.get(ContextKind::InvalidValue) {
        Some(ContextValue::String(value)) => value,
        _ => "",
    };
    if mistake.kind() == ErrorKind::ValueValidation && !value.is_empty() && stands_for_another(value) {
        return None;
    }
    let broke_off =
        matches!(mistake.kind(), ErrorKind::MissingRequiredArgument | ErrorKind::MissingSubcommand);
    let asked = mistake.exit_code() == 0;
    let fine = asked || (may_break_off && broke_off);
    (!fine).then(|| crate::usage::explain(&mistake).to_string())
}

fn documents() -> Vec<PathBuf> {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned();
    let docs = std::fs::read_dir(project.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let mut documents: Vec<_> =
        docs.filter(|path| path.extension().is_some_and(|ending| ending == "md")).collect();
    documents.extend(["README.md", "THREAT-MODEL.md", "ARCHITECTURE.md"].map(|name| project.join(name)));
    documents.sort();
    documents
}

#[test]
fn what_the_documents_have_people_type_is_a_command_line() {
    let (mut tried, mut failures) = (0, Vec::new());
    for document in documents() {
        for (line, words, may_break_off) in typed(&std::fs::read_to_string(&document).unwrap()) {
            tried += 1;
            if let Some(why) = mistake(&words, may_break_off) {
                let name = document.file_name().unwrap().display();
                failures.push(format!("{name}:{line}: {words:?}: {why}"));
            }
        }
    }
    assert!(tried > 150, "only {tried} command lines were found");
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

/// The commands that do something, as they are typed after `dwell`.
fn leaves(command: &clap::Command, path: &str, found: &mut Vec<String>) {
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        let path = format!("{path} {}", sub.get_name()).trim_start().to_owned();
        match sub.has_subcommands() {
            true => leaves(sub, &path, found),
            false => found.push(path),
        }
    }
}

#[test]
fn the_reference_lists_every_command_once_and_no_other() {
    let reference = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("docs/reference.md");
    let page = std::fs::read_to_string(reference).unwrap();
    let section = page.split("\n## ").find(|section| section.starts_with("Commands\n")).unwrap();
    // Their names are in the first column of tables.
    let cells = section.lines().filter_map(|line| line.strip_prefix("| `")?.split(" | ").next());
    let mut listed: Vec<String> =
        cells.flat_map(|cell| cell.trim_end_matches('`').split("` `").map(str::to_owned)).collect();
    let mut commands = Vec::new();
    leaves(&crate::cli::command(), "", &mut commands);
    assert!(commands.len() > 50, "{commands:?}");
    listed.sort();
    commands.sort();
    assert_eq!(listed, commands);
}

#[test]
fn commands_are_found_in_scripts() {
    let found = |script: &str| commands(script).iter().map(|words| words.join("|")).collect::<Vec<_>>();
    assert_eq!(
        found("dwell report 'a b' \"c d\"   --json | jq '.x | dwell y' # dwell z\n"),
        ["dwell|report|a b|c d|--json"]
    );
    assert_eq!(found("x=$(dwell report --json 2>/dev/null | jq .) || exit"), ["dwell|report|--json"]);
    assert_eq!(
        found("if dwell check a; then dwell focus 1h && dwell\nfi"),
        ["dwell|check|a", "dwell|focus|1h", "dwell"]
    );
    assert_eq!(
        found("jq -n --slurpfile a <(dwell report \"$b..$c\" --json) '.'"),
        ["dwell|report|$b..$c|--json"]
    );
    assert_eq!(found("dwell spans > \"a b.csv\"\necho dwell report; man dwell"), ["dwell|spans"]);
    assert_eq!(found("dwell limit set \\\n  a 1h"), ["dwell|limit|set|a|1h"]);
    assert_eq!(found("echo \"of `x` $(dwell status)\""), ["dwell|status"]);
}

#[test]
fn mistakes_in_documents_are_found() {
    let wrong = |markdown: &str| {
        let typed = typed(markdown);
        typed.iter().filter(|(_, words, may_break_off)| mistake(words, *may_break_off).is_some()).count()
    };
    assert_eq!(wrong("`dwell limit try` and `dwell report --by app`; `dwell vault backup`"), 0);
    assert_eq!(wrong("`dwell reprot` and `dwell report --by ap`"), 2);
    assert_eq!(
        wrong("```sh\ndwell limit set firefox\ndwell limit set firefox 45m\n```\n```text\ndwell x\n```\n"),
        1
    );
    assert_eq!(
        wrong(
            "```\ndwell key remove N\ndwell report week   where it went\n$ dwell report wek --x\nother\n```\n"
        ),
        1
    );
}
