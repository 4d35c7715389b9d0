//! Help of all kinds, as it is installed: examples that work, documents that are described, completions in real shells,
//! manual pages that their checkers like, and errors that a shell can live with.
//!
//! Everything goes through the whole tree of commands as `dwell --help` tells it, so a command that is new and has no
//! example, no page or no schema fails here.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use dwell_tests::clock::{Deadline, wait_until};
use dwell_tests::schemas::{OF_BARS, Schemas};
use dwell_tests::{Answer, Bed, Daemon, Kind, machine};

const PASSPHRASE: &str = "correct horse battery staple\n";

const RULES: &str = "\
[[rule]]
id = \"firefox\"
target = \"app:firefox\"
budget = { amount = \"45m\", per = \"day\" }
strict = \"open\"

[[rule]]
id = \"games\"
target = \"category:games\"
blocked = [\"00:00-24:00\"]
snooze = { length = \"5m\", per-day = 3, wait = \"1s\" }
strict = \"open\"

[[rule]]
id = \"tube\"
target = \"domain:youtube.com\"
budget = { amount = \"1h\", per = \"day\" }
strict = \"open\"
";

/// An hour in another program's record.
const BUCKETS: &str = r#"{"buckets": {"aw-watcher-window_x": {"id": "aw-watcher-window_x", "type": "currentwindow",
"client": "aw-watcher-window", "hostname": "x", "created": "2024-03-01T00:00:00Z", "events": [
{"timestamp": "2024-03-04T16:00:00Z", "duration": 3600.0, "data": {"app": "gimp", "title": "x"}}]}}}"#;

/// A person with a little history, rules, two keys and a backup, who can begin again from there.
struct Desk {
    bed: Bed,
    /// A copy of the vault as it is to be at the start.
    kept: PathBuf,
}

impl Desk {
    fn set_up() -> Option<Self> {
        let mut bed = Bed::start(Kind::X11)?;
        let stubs = bed.place().home().join("stubs");
        fs::create_dir(&stubs).unwrap();
        // What a person has, and a test machine need not: it ends the daemon that the bed has started.
        let systemctl = format!(
            "#!/bin/sh\n[ \"$*\" = '--user stop dwelld' ] || exit 1\npid=$(cat {}) && kill \"$pid\"\n\
             while [ -d /proc/$pid ] && ! grep -q ') Z' /proc/$pid/stat; do :; done\n",
            bed.folder().join("pid").display()
        );
        for (name, text) in [("systemctl", systemctl.as_str()), ("nano", "#!/bin/sh\nexit 0\n")] {
            fs::write(stubs.join(name), text).unwrap();
            fs::set_permissions(stubs.join(name), fs::Permissions::from_mode(0o755)).unwrap();
        }
        let mut path = stubs.into_os_string();
        for part in [machine::built("dwell").parent().unwrap().as_os_str(), &machine::search_path()] {
            path.push(":");
            path.push(part);
        }
        bed.place_mut().set("PATH", path);
        let desk = Self { kept: bed.folder().join("kept"), bed };
        desk.live();
        Some(desk)
    }

    /// The time before the examples.
    fn live(&self) {
        let bed = &self.bed;
        let mut daemon = self.bed.daemon();
        for app in ["firefox", "code"] {
            let window = bed.open(app, "window");
            bed.wait_for_dwell_to_see(app);
            let counted = || {
                let answer = bed.dwell(&["report", "--json"]);
                answer.code == 0 && {
                    let rows = answer.json()["rows"].as_array().cloned().unwrap_or_default();
                    rows.iter().any(|row| row["key"] == app && row["seconds"].as_u64() >= Some(1))
                }
            };
            assert!(wait_until(Deadline::seconds(30), counted), "{app} is not counted");
            bed.close(window);
        }
        let file = bed.place().home().join("rules.toml");
        bed.place().write(&file, RULES);
        let _ = bed.dwell(&["rules", "import", file.to_str().unwrap(), "--yes"]).ok();
        let _ = bed.dwell(&["category", "set", "app:firefox", "video"]).ok();
        let _ = bed.dwell_typed(&["key", "add", "passphrase"], PASSPHRASE).ok();
        let backup = bed.place().home().join("backup");
        let _ = bed.dwell(&["vault", "backup", backup.to_str().unwrap()]).ok();
        assert!(daemon.terminate().success());
        bed.place().run("cp", &["-a", bed.place().data().to_str().unwrap(), self.kept.to_str().unwrap()]);
    }

    /// As it was, with a daemon.
    fn begin(&self) -> Daemon {
        let place = self.bed.place();
        let _ = fs::remove_dir_all(place.data());
        place.run("cp", &["-a", self.kept.to_str().unwrap(), place.data().to_str().unwrap()]);
        for entry in fs::read_dir(self.bed.folder()).unwrap().chain(fs::read_dir(place.home()).unwrap()) {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if ["vault.dwell", "rules.backup.toml", "year.csv", "month.csv", "week.html", "history.ndjson"]
                .contains(&name.as_str())
            {
                fs::remove_file(path).unwrap();
            }
        }
        // Examples name it as a file of the folder that one is in.
        place.write(&self.bed.folder().join("rules.toml"), RULES);
        place.write(&self.bed.folder().join("buckets.json"), BUCKETS);
        let daemon = self.bed.daemon();
        place.write(&self.bed.folder().join("pid"), daemon.pid().to_string());
        daemon
    }

    /// Runs a line of an example where a person would.
    fn run(&self, line: &str) -> Answer {
        // Changes come by themselves in life, and here from a loop beside it.
        let busy = "(while :; do dwell limit set app:other 1h --yes -q; dwell limit remove other -q; done) \
                    >/dev/null 2>&1 </dev/null & busy=$!;";
        let line = match line.contains("dwell watch") {
            true => format!("{busy} {line}; code=$?; kill $busy; exit $code"),
            false => line.to_owned(),
        };
        // The rules are edited in memory alone.
        let memory = tempfile::Builder::new().prefix("dwell-help-").tempdir_in("/dev/shm").unwrap();
        let line = format!("XDG_RUNTIME_DIR={}; {line}", memory.path().display());
        self.bed.shell("sh", &line, PASSPHRASE)
    }
}

/// An example, as the help shows it.
#[derive(Debug, Clone)]
struct Example {
    line: String,
    code: i32,
    /// It ends so only where something is as it says, which depends on the machine.
    depends: bool,
}

impl Example {
    fn ended_well(&self, answer: &Answer) -> bool {
        answer.code == self.code || self.depends && answer.code == 0
    }
}

/// Every command with its help, `dwell` itself first.
fn commands(bed: &Bed) -> Vec<(Vec<String>, String)> {
    let mut found = Vec::new();
    let mut open = vec![Vec::<String>::new()];
    while let Some(path) = open.pop() {
        let mut arguments: Vec<&str> = path.iter().map(String::as_str).collect();
        arguments.push("--help");
        let help = bed.dwell(&arguments).ok().stdout;
        let listed =
            help.split("\nCommands:\n").nth(1).map(|rest| rest.split("\n\n").next().unwrap_or_default());
        for line in listed.into_iter().flat_map(str::lines) {
            // A name is at the left; what goes on below it is further in.
            let name = line.strip_prefix("  ").filter(|rest| !rest.starts_with(' '));
            if let Some(name) = name.and_then(|rest| rest.split_whitespace().next())
                && name != "help"
            {
                open.push(path.iter().cloned().chain([name.to_owned()]).collect());
            }
        }
        found.push((path, help));
    }
    assert!(found.len() > 50, "the commands are not found: {found:?}");
    found
}

/// The examples of a help text.
fn examples(help: &str) -> Vec<Example> {
    let lines = help.split("\nExamples:\n").nth(1).unwrap_or_default().lines();
    let lines = lines.filter_map(|line| line.strip_prefix("    ").filter(|line| !line.starts_with(' ')));
    let example = |line: &str| {
        let (line, said) = line.split_once("# exits with ").unwrap_or((line, "0"));
        let code = said.split_whitespace().next().unwrap().parse().unwrap();
        Example { line: line.trim_end().to_owned(), code, depends: said.contains(" where ") }
    };
    lines.map(example).collect()
}

/// All examples, of which each command has some.
fn all_examples(bed: &Bed) -> Vec<Example> {
    let with_examples = |(path, help): (Vec<String>, String)| {
        let found = examples(&help);
        assert!(!found.is_empty(), "dwell {} --help has no example", path.join(" "));
        found
    };
    commands(bed).into_iter().flat_map(with_examples).collect()
}

/// With so many desks side by side none takes too long.
const PARTS: usize = 4;

fn examples_work(part: usize) {
    let Some(desk) = Desk::set_up() else { return };
    let mut wrong = Vec::new();
    for example in all_examples(&desk.bed).iter().skip(part).step_by(PARTS) {
        let daemon = desk.begin();
        let answer = desk.run(&example.line);
        drop(daemon);
        if !example.ended_well(&answer) {
            let said = format!("{}{}", answer.stdout, answer.stderr);
            wrong.push(format!("`{}` exits with {}: {said}", example.line, answer.code));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// The formats that no example gives, and where else they are looked at.
const ELSEWHERE: &[(&str, &str)] = &[
    ("dwell.progress/1", "a pipe of the daemon's, which the command line reads"),
    ("dwell.end/1", "a pipe of the daemon's, which the command line reads"),
];

#[test]
fn documents_are_as_their_schemas_say() {
    let Some(desk) = Desk::set_up() else { return };
    let schemas = Schemas::read();
    let (mut wrong, mut seen) = (Vec::new(), BTreeSet::new());
    let mut lines: Vec<Example> = all_examples(&desk.bed);
    // A line that is no example, because hardly anybody wants it.
    let rows = "dwell report --format ndjson".to_owned();
    lines.push(Example { line: rows, code: 0, depends: false });
    for example in lines {
        let line = with_json(&example.line).unwrap_or_else(|| example.line.clone());
        let daemon = desk.begin();
        let answer = desk.run(&line);
        drop(daemon);
        if !example.ended_well(&answer) {
            wrong.push(format!("`{line}` exits with {}: {}{}", answer.code, answer.stdout, answer.stderr));
        }
        let is_document =
            !answer.stdout.is_empty() && answer.stdout.lines().all(|line| line.starts_with('{'));
        if line != example.line && answer.code == 0 && !is_document {
            wrong.push(format!("`{line}` gives no document: {}", answer.stdout));
        }
        for said in answer.stdout.lines().chain(answer.stderr.lines()) {
            match schemas.check_line(said) {
                Ok(name) => seen.extend(name),
                Err(why) => wrong.push(format!("`{line}`: {why}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    seen.extend(ELSEWHERE.iter().map(|(name, _)| (*name).to_owned()));
    assert_eq!(seen, schemas.names(), "each format is given by an example, or listed as given elsewhere");
}

/// The same line with `--json`, where that makes a document of what it prints.
fn with_json(line: &str) -> Option<String> {
    let plain = !line.contains(['|', '>', '$', ';']) && !line.contains("&& echo");
    let asks =
        plain && !line.contains("--json") && !line.contains("--format") && !line.contains("completions");
    asks.then(|| format!("{line} --json"))
}

#[test]
fn examples_work_1() {
    examples_work(0);
}

#[test]
fn examples_work_2() {
    examples_work(1);
}

#[test]
fn examples_work_3() {
    examples_work(2);
}

#[test]
fn examples_work_4() {
    examples_work(3);
}

/// The names of formats in the code, tests aside.
fn formats(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            formats(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            for part in code.split("\"dwell.").skip(1) {
                let name = part.split('"').next().unwrap_or_default();
                let Some((word, number)) = name.split_once('/') else { continue };
                if word.chars().all(|c| c.is_ascii_lowercase() || c == '-') && number.parse::<u32>().is_ok() {
                    found.insert(format!("dwell.{name}"));
                }
            }
        }
    }
}

#[test]
fn every_format_has_a_schema_and_is_listed() {
    let schemas = Schemas::read();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = BTreeSet::new();
    for folder in ["cli/src", "daemon/src", "crates", "browser-host/src", "prompt/src"] {
        formats(&root.join(folder), &mut found);
    }
    assert!(found.len() > 25, "{found:?}");
    assert_eq!(
        found,
        schemas.names(),
        "each format in the code has a schema in docs/schemas, and the other way round"
    );
    let page = fs::read_to_string(Schemas::folder().join("README.md")).unwrap();
    for name in &found {
        assert!(page.contains(&format!("| [`{name}`](")), "docs/schemas/README.md does not list {name}");
    }
    for name in OF_BARS {
        assert!(page.contains(&format!("]({name}.json)")), "docs/schemas/README.md does not list {name}");
    }
}

#[test]
fn lines_for_bars_are_as_their_schemas_say() {
    let Some(desk) = Desk::set_up() else { return };
    let schemas = Schemas::read();
    let line = |name: &str, line: &str| {
        let document = serde_json::from_str(line).unwrap_or_else(|why| panic!("{name}: {why}: {line:?}"));
        schemas.check_as(name, &document).unwrap_or_else(|why| panic!("{why}"));
        document
    };
    let shown = |name: &str| line(name, &desk.bed.dwell(&["status", "--format", name]).ok().stdout);
    let daemon = desk.begin();
    // Nothing is open, then a rest for all, then a program beyond its limit is in front.
    let mut classes = vec![shown("waybar")["class"].clone()];
    shown("i3");
    let _ = desk.bed.dwell(&["pause", "1h"]).ok();
    classes.push(shown("waybar")["class"].clone());
    let _ = desk.bed.dwell(&["resume"]).ok();
    let _ = desk.bed.dwell(&["limit", "set", "app:bar", "0m", "--at-limit", "notify"]).ok();
    let _window = desk.bed.open("bar", "window");
    desk.bed.wait_for_dwell_to_see("bar");
    classes.push(shown("waybar")["class"].clone());
    assert!(shown("i3")["color"].is_string(), "{}", shown("i3"));
    drop(daemon);
    // While nobody answers.
    for name in OF_BARS {
        let away = desk.bed.shell("bash", &format!("dwell status --format {name} --follow | head -n 1"), "");
        classes.push(line(name, &away.stdout)["class"].clone());
    }
    assert_eq!(classes[1..], ["paused".into(), "blocked".into(), serde_json::Value::Null, "away".into()]);
}

#[test]
fn schemas_say_what_everything_is() {
    fn look(name: &str, schema: &serde_json::Value) {
        let Some(properties) = schema["properties"].as_object() else { return };
        for (field, property) in properties {
            let described = property["description"].as_str().is_some_and(|text| text.ends_with('.'))
                || property["$ref"].is_string();
            assert!(described, "{name}: {field} has no description");
            if field.ends_with("_seconds") || field == "seconds" {
                assert!(
                    property["description"].as_str().unwrap().contains("econds"),
                    "{name}: the unit of {field}"
                );
            }
            for inner in [&property["items"], property]
                .into_iter()
                .chain(property["anyOf"].as_array().into_iter().flatten())
            {
                look(name, inner);
            }
        }
    }
    // What several formats share is the same in each of them.
    let mut shared = std::collections::BTreeMap::new();
    let schemas = Schemas::read();
    for (name, schema) in schemas.all() {
        assert!(schema["title"].is_string() && schema["description"].is_string(), "{name}");
        look(name, schema);
        for (part, definition) in schema["$defs"].as_object().into_iter().flatten() {
            look(name, definition);
            let known = shared.entry(part.clone()).or_insert_with(|| definition.clone());
            assert_eq!(known, definition, "{part} in {name}");
        }
    }
}

#[test]
fn manual_pages_please_their_checkers() {
    let Some(bed) = Bed::start(Kind::NoDisplay) else { return };
    if let Some(missing) = machine::lacks(&["man", "mandoc", "groff"]) {
        return machine::cannot_run(
            "manual_pages_please_their_checkers",
            &format!("{missing} is not installed"),
        );
    }
    let folder = bed.folder().join("man");
    fs::create_dir(&folder).unwrap();
    let _ = bed.dwell(&["man", folder.to_str().unwrap()]).ok();
    let names: BTreeSet<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    for (path, _) in commands(&bed) {
        let words: Vec<&str> = ["dwell"].into_iter().chain(path.iter().map(String::as_str)).collect();
        let page = format!("{}.1", words.join("-"));
        assert!(names.contains(&page), "there is no page {page}");
    }
    let mut wrong = String::new();
    for name in &names {
        let shown = folder.join(name).display().to_string();
        let man = bed.shell(
            "sh",
            &format!("MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z {shown} >/dev/null"),
            "",
        );
        let lint = bed.shell("sh", &format!("mandoc -Tlint {shown}"), "");
        for said in [man.stdout, man.stderr, lint.stdout, lint.stderr] {
            wrong.push_str(&said);
        }
        let text =
            bed.shell("sh", &format!("MANWIDTH=80 man -E UTF-8 -l -Tutf8 {shown} | col -bx"), "").stdout;
        // A path of a file in an example may be as long as it is.
        let long = text.lines().find(|line| line.chars().count() > 80 && !line.contains("~/.local"));
        assert!(long.is_none(), "{name} has a line of more than 80 columns: {long:?}");
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Sets up bash as it is when somebody presses Tab, so far as that can be told without a terminal.
const BASH: &str = r#"
source <(dwell completions bash)
press() {
    COMP_LINE=$1 COMP_POINT=${#1} COMP_TYPE=9 COMPREPLY=()
    read -ra COMP_WORDS <<<"$(sed 's/\([:=]\)/ \1 /g' <<<"$1")"
    [[ $1 != *" " ]] || COMP_WORDS+=("")
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    local current=${COMP_WORDS[COMP_CWORD]}
    [[ $current != [:=] ]] || current=
    _dwell dwell "$current" "" 2>/dev/null
    printf '%s\n' "${COMPREPLY[@]}"
}
"#;

#[test]
fn shells_complete_what_the_daemon_knows() {
    let Some(desk) = Desk::set_up() else { return };
    if let Some(missing) = machine::lacks(&["bash", "fish", "zsh"]) {
        return machine::cannot_run(
            "shells_complete_what_the_daemon_knows",
            &format!("{missing} is not installed"),
        );
    }
    let bash = |line: &str| {
        let answer = desk.bed.shell("bash", &format!("{BASH}\npress '{line}'"), "").ok();
        answer.stdout.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let fish = |line: &str| {
        let script = format!("dwell completions fish | source; complete -C '{line}'");
        let answer = desk.bed.shell("fish", &script, "").ok();
        answer.stdout.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let zsh = |line: &str, becomes: &str| {
        // The line as it is after one press of Tab, given to echo.
        let script = format!(
            r#"zmodload zsh/zpty; zpty z zsh -f -i
               zpty -w z "PS1= fpath=($HOME \$fpath); autoload -Uz compinit; compinit -u -D; echo RE''ADY"
               zpty -r -m z said '*READY*'
               zpty -w -n z '{line}'$'\t'$'\C-aecho "[\C-e]EN""D"\n'
               zpty -r -m z said '*]END*'; print -r -- "$said"; zpty -d z"#
        );
        let said = desk.bed.shell("zsh", &script, "").ok().stdout;
        assert!(said.contains(&format!("[{becomes}")), "zsh makes of {line:?}: {said:?}");
    };
    let home = desk.bed.place().home();
    fs::write(home.join("_dwell"), desk.bed.dwell(&["completions", "zsh"]).ok().stdout).unwrap();

    let daemon = desk.begin();
    assert_eq!(bash("dwell limit show "), ["firefox", "games", "tube"]);
    assert_eq!(bash("dwell check app:co"), ["code"], "only what follows the colon is put in");
    assert_eq!(bash("dwell check fire"), ["firefox"]);
    assert_eq!(bash("dwell report --format=c"), ["csv"]);
    assert_eq!(bash("dwell report last"), ["lastweek"]);
    assert_eq!(bash("dwell report --app co"), ["code"]);
    assert_eq!(bash("dwell key remove "), ["0", "1"]);
    assert_eq!(bash("dwell rules check rul"), ["rules.toml"]);
    assert!(bash("dwell category set app:code ").contains(&"video".to_owned()));
    let _ = desk.bed.dwell(&["limit", "set", "app:日本語", "1h"]).ok();
    assert_eq!(bash("dwell check app:日"), ["日本語"], "letters stay letters");
    let offered = bash("dwell why ");
    let first = |what: &str| offered.iter().position(|one| one == what).unwrap_or(usize::MAX);
    // Programs of today are before rules, and those before whatever else there is.
    assert!(
        first("app:code") < first("domain:youtube.com") && first("domain:youtube.com") < first("all"),
        "{offered:?}"
    );

    assert_eq!(fish("dwell limit show t"), ["tube\tdomain:youtube.com"]);
    assert!(fish("dwell check app:").iter().any(|line| line.starts_with("app:code\t")));
    assert_eq!(fish("dwell report yes"), ["yesterday\tThe day before"]);
    assert_eq!(fish("dwell rules check rul"), ["rules.toml"]);

    zsh("dwell check app:co", "dwell check app:code");
    zsh("dwell limit show tu", "dwell limit show tube");
    zsh("dwell report lastw", "dwell report lastweek");

    // What is locked away is not told by a key either.
    let _ = desk.bed.dwell(&["vault", "lock"]).ok();
    assert!(!bash("dwell why ").iter().any(|one| one.starts_with("app:")));
    assert_eq!(bash("dwell limit show tu"), ["tube"], "rules can be read all the same");

    // Nobody is there, or could be started: nothing is offered, nothing is said, and nobody is started.
    drop(daemon);
    let services = desk.bed.place().services();
    fs::create_dir_all(&services).unwrap();
    let mark = desk.bed.folder().join("started");
    let service = format!("[D-BUS Service]\nName=org.dwell.Dwell1\nExec=/bin/touch {}\n", mark.display());
    desk.bed.place().write(&services.join("org.dwell.Dwell1.service"), service);
    for line in [
        "dwell limit show ",
        "dwell check ",
        "dwell category which ",
        "dwell key remove ",
        "dwell limit confirm ",
    ] {
        let answer = desk.bed.shell("bash", &format!("{BASH}\npress '{line}'"), "").ok();
        assert_eq!((answer.stdout.trim(), answer.stderr.as_str()), ("", ""), "{line}");
        assert_eq!(fish(line), [""; 0], "{line}");
    }
    assert!(bash("dwell report ").contains(&"today".to_owned()));
    assert!(!mark.exists(), "a press of Tab started the daemon");
}

#[test]
fn without_a_daemon_and_with_a_slip_each_command_says_so_in_one_line() {
    let Some(bed) = Bed::start(Kind::NoDisplay) else { return };
    // What needs no daemon, or has a word to say of what it finds first.
    let alone = ["top", "import", "config", "completions", "browser", "doctor", "rules", "vault"];
    let schemas = Schemas::read();
    for (path, help) in commands(&bed) {
        let name = path.join(" ");
        let slip =
            bed.shell("sh", &format!("{} {name} --no-such-option", machine::built("dwell").display()), "");
        slip.assert_refused(2, "--no-such-option");
        let slip = bed.shell(
            "sh",
            &format!("{} {name} --no-such-option --json", machine::built("dwell").display()),
            "",
        );
        assert_eq!(
            schemas.check_line(slip.stderr.trim_end()),
            Ok(Some("dwell.error/1".to_owned())),
            "{name}"
        );
        let example = &examples(&help)[0].line;
        let plain = example.starts_with("dwell") && !example.contains(['|', '>', '&', '$']);
        if plain && !path.first().is_some_and(|top| alone.contains(&top.as_str())) {
            let line = example.replacen("dwell", &machine::built("dwell").display().to_string(), 1);
            bed.shell("sh", &line, PASSPHRASE).assert_refused(5, "the daemon is not running");
        }
    }
}

#[test]
fn shells_get_along_with_every_end_of_output() {
    let Some(desk) = Desk::set_up() else { return };
    let _daemon = desk.begin();
    let run = |line: &str| desk.bed.shell("bash", line, "");
    for command in
        ["report", "spans", "status", "limit", "category", "privacy", "doctor", "config show", "--help"]
    {
        let piped = run(&format!("set -o pipefail; dwell {command} | head -n 1"));
        assert_eq!(piped.stderr, "", "dwell {command} into head");
        assert!(piped.code == 0 || command == "doctor", "dwell {command} into head: {}", piped.code);
        let full = run(&format!("dwell {command} > /dev/full"));
        assert_eq!(
            (full.code, full.stderr.lines().count()),
            (1, 1),
            "dwell {command} on a full disk: {}",
            full.stderr
        );
        assert!(full.stderr.starts_with("dwell: the output could not be written: "), "{}", full.stderr);
        // A closed output is opened on /dev/null before the program begins, so nobody can tell.
        let closed = run(&format!("dwell {command} >&-"));
        assert_eq!((closed.stderr.as_str(), closed.code), ("", piped.code), "dwell {command} with no output");
        let narrow = run(&format!("COLUMNS=20 dwell {command}"));
        assert!(narrow.code == 0 || command == "doctor", "dwell {command} in 20 columns: {}", narrow.stderr);
        assert!(!narrow.stdout.trim().is_empty(), "dwell {command} in 20 columns");
    }
}
