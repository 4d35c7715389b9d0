//! Whether something was printed as the book shows it, though it was on another day.
//!
//! A date, an instant, a weekday and a month stand for any other; `…` stands for anything in a line, and alone in a line for any
//! lines. Of a *shape* numbers, amounts of time and bars stand for any other, too. All else must be the same.

/// Tells the first line that is not as the book has it.
///
/// # Errors
/// Both lines.
pub(crate) fn compare(book: &str, printed: &str, shape_only: bool) -> Result<(), String> {
    let lines = |text: &str| -> Vec<String> {
        text.trim_end().lines().map(|line| line.trim_end().to_owned()).collect()
    };
    let (book, printed) = (lines(book), lines(printed));
    if fit(&book, &printed, shape_only) {
        return Ok(());
    }
    let same = |(a, b): &(&String, &String)| fits(a, b, shape_only);
    let agree = book.iter().zip(&printed).take_while(same).count();
    let line = |lines: &[String]| lines.get(agree).map_or("(nothing)".to_owned(), |line| format!("{line:?}"));
    Err(format!("line {}: the book has {}, printed was {}", agree + 1, line(&book), line(&printed)))
}

fn fit(book: &[String], printed: &[String], shape_only: bool) -> bool {
    match book.split_first() {
        None => printed.is_empty(),
        Some((any, rest)) if any.trim() == "…" => {
            (0..=printed.len()).any(|skipped| fit(rest, &printed[skipped..], shape_only))
        }
        Some((line, rest)) => printed
            .split_first()
            .is_some_and(|(first, others)| fits(line, first, shape_only) && fit(rest, others, shape_only)),
    }
}

/// One line.
fn fits(book: &str, printed: &str, shape_only: bool) -> bool {
    let printed = plain(printed, shape_only);
    let parts: Vec<_> = book.split('…').map(|part| plain(part, shape_only)).collect();
    let [first, middle @ ..] = parts.as_slice() else { unreachable!("split gives at least one") };
    let Some((last, middle)) = middle.split_last() else { return *first == printed };
    let Some(mut rest) = printed.strip_prefix(first.as_str()) else { return false };
    for part in middle {
        let Some(at) = rest.find(part.as_str()) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last.as_str())
}

const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The same for each day, and of a shape for each number.
fn plain(line: &str, shape_only: bool) -> String {
    let mut plain = String::new();
    let mut rest = line;
    while let Some(next) = rest.chars().next() {
        let inside = plain.ends_with(|c: char| c.is_ascii_alphanumeric());
        let of = |known: &str| {
            rest.strip_prefix(known).filter(|rest| !rest.starts_with(|c: char| c.is_alphabetic()))
        };
        if let Some(length) = date(rest).filter(|_| !inside) {
            plain.push_str("DATE");
            rest = &rest[length..];
        } else if let Some(after) =
            WEEKDAYS.iter().find_map(|day| of(day).or_else(|| of(&day[..3]))).filter(|_| !inside)
        {
            plain.push_str("WEEKDAY");
            rest = after;
        } else if let Some(after) = MONTHS.iter().find_map(|month| of(month)).filter(|_| !inside) {
            plain.push_str("MONTH");
            rest = after;
        } else {
            plain.push(next);
            rest = &rest[next.len_utf8()..];
        }
    }
    if shape_only { shape(&plain) } else { plain }
}

/// How long the date or instant is that a text begins with.
fn date(text: &str) -> Option<usize> {
    let like = |text: &str, pattern: &str| {
        text.len() >= pattern.len()
            && text
                .bytes()
                .zip(pattern.bytes())
                .all(|(c, p)| if p == b'0' { c.is_ascii_digit() } else { c == p })
    };
    if !like(text, "0000-00-00") {
        return None;
    }
    let length = if like(&text[10..], "T00:00:00.000+00:00") || like(&text[10..], "T00:00:00.000-00:00") {
        29
    } else {
        10
    };
    (!text[length..].starts_with(|c: char| c.is_ascii_digit())).then_some(length)
}

/// Numbers and amounts of time become one `N`; bars and widths of columns go.
fn shape(line: &str) -> String {
    let is_amount = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+'))
            && word
                .chars()
                .all(|c| c.is_ascii_digit() || matches!(c, 'h' | 'm' | 's' | '.' | ':' | '%' | '-' | '+'))
            && word.contains(|c: char| c.is_ascii_digit())
    };
    let is_bar = |word: &str| word.chars().all(|c| ('\u{2580}'..='\u{259f}').contains(&c));
    let mut words: Vec<&str> = Vec::new();
    for word in line.split([' ', '\t']).filter(|word| !word.is_empty() && !is_bar(word)) {
        let word = if is_amount(word) { "N" } else { word };
        if word != "N" || words.last() != Some(&"N") {
            words.push(word);
        }
    }
    let mut shape = String::new();
    // What is left of numbers stands between other signs: `90,2026-11-20`.
    for c in words.join(" ").chars() {
        match c {
            '0'..='9' if shape.ends_with('N') => {}
            '0'..='9' => shape.push('N'),
            c => shape.push(c),
        }
    }
    shape
}

#[test]
fn another_day_is_as_good_but_not_another_number() {
    let same = |book: &str, printed: &str| compare(book, printed, false).is_ok();
    assert!(same("2026-11-21  Sat 5\n", "2027-01-01  Mon 5"));
    assert!(same("on Saturday", "on Sunday") && !same("Saturn", "Moon") && !same("Monty", "Sunty"));
    assert!(same("1 Nov, Fri", "1 Dec, Mon") && !same("Novel", "Decel"));
    assert!(same("2026-11-21T09:00:00.000+02:00|x", "2026-01-01T10:00:00.123-11:00|x"));
    assert!(!same("5 minutes", "6 minutes") && !same("x", "y") && !same("x", "x\ny") && !same("x\ny", "x"));
    assert!(!same("2026-11-21T09:00", "2026-11-21T09:01"));
    assert!(same("a … c … d", "a b c d d") && !same("a … c", "a b") && !same("a…b", "b"));
    assert!(same("a\n…\nd", "a\nb\nc\nd") && same("a\n…", "a") && !same("a\n…\nd", "a\nb"));
}

#[test]
fn of_a_shape_numbers_do_not_count() {
    let same = |book: &str, printed: &str| compare(book, printed, true).is_ok();
    assert!(same("code  1h 5m  ███▌ 52%", "code  58m  █ 9%") && same("a,90,2026-11-21", "a,1,2026-11-22"));
    assert!(same("-12 min", "3 min") && same("x1.5 y", "x22.25 y"));
    assert!(!same("code 5", "foot 5") && !same("code", "code 5") && !same("a,b,1", "a,1"));
}
