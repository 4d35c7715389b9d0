use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;
use crate::commands::status::tests::status;
use crate::output::limits::tests::{NOW, of_every_kind};
use crate::output::standing::tests::standing;

const HOUR: i64 = 3_600_000;
const MINUTE: u64 = 60_000;

fn row(key: &str, name: &str, kind: &str, minutes: u64) -> wire::Row {
    wire::Row {
        key: key.into(),
        name: name.into(),
        kind: kind.into(),
        category: None,
        ms: minutes * MINUTE,
        opens: 1,
        before_ms: None,
    }
}

fn report(by: &str, rows: Vec<wire::Row>) -> wire::Report {
    wire::Report {
        // 04:00 of the day that it is.
        from_at_ms: NOW - 18 * HOUR - 300_000,
        to_at_ms: NOW,
        zone: "Europe/Athens".into(),
        by: by.into(),
        total_ms: rows.iter().map(|row| row.ms).sum(),
        rows,
        ..wire::Report::default()
    }
}

fn board() -> Board {
    let mut programs = vec![
        row("firefox", "Firefox", "focus", 100),
        row("code", "Code", "focus", 55),
        row("org.example.A-Program-With-A-Very-Long-Id", "日本語の長い名前のプログラム", "focus", 20),
        row("firefox", "Firefox", "private", 8),
    ];
    programs.extend((0..9).map(|n| row(&format!("p{n}"), &format!("Program {n}\x1b[2J"), "focus", 1)));
    let spent = [(9, 12), (10, 48), (11, 60), (12, 20), (15, 2), (20, 30), (21, 20)];
    let hours = spent.map(|(hour, minutes)| row(&hour.to_string(), &hour.to_string(), "period", minutes));
    let days = [(15, 200), (16, 320), (17, 45), (19, 410), (20, 250), (21, 192)];
    let days = days.map(|(day, minutes)| row(&format!("2026-11-{day}"), "", "period", minutes));
    let sites = vec![
        row("example.org", "example.org", "focus", 60),
        row("", "(site not known)", "untold", 30),
        row("youtube.com", "youtube.com", "focus", 10),
    ];
    let categories = vec![row("web", "web", "focus", 100), row("", "", "focus", 92)];
    Board {
        facts: Facts {
            status: wire::Status { health: vec![], ..status() },
            reports: Reports {
                programs: report("app", programs),
                sites: report("domain", sites),
                categories: report("category", categories),
                hours: report("hour", hours.to_vec()),
                week: wire::Report {
                    from_at_ms: NOW - (6 * 24 + 18) * HOUR - 300_000,
                    ..report("day", days.to_vec())
                },
            },
        },
        ..Board::default()
    }
}

const PLAIN: Pen = Pen { color: false, unicode: true };

fn drawn(board: &mut Board, columns: u16, rows: u16, pen: Pen) -> String {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    terminal.draw(|frame| draw(frame, board, pen)).unwrap();
    let buffer = terminal.backend().buffer();
    let mut lines: Vec<String> = Vec::new();
    for y in 0..rows {
        let mut line = String::new();
        let mut hidden = 0;
        for x in 0..columns {
            let symbol = buffer[(x, y)].symbol();
            // The second cell of a wide character is behind the first.
            if hidden > 0 {
                hidden -= 1;
            } else {
                line.push_str(symbol);
                hidden = width(symbol).saturating_sub(1);
            }
        }
        lines.push(line.trim_end().to_owned());
    }
    lines.join("\n")
}

/// Everything that can stand on the board at once.
fn crowded() -> Board {
    let mut board = board();
    board.list = List::Limits;
    board.facts.status.limits = of_every_kind();
    board.facts.status.standing = Some(standing());
    board.facts.status.health = status().health;
    board
}

#[test]
fn an_ordinary_terminal() {
    insta::assert_snapshot!(drawn(&mut board(), 80, 24, PLAIN), @r"
    Firefox (example.org)  since 21:40, 25m

    Today 3h 12m                                          Seven days 23h 37m
                  █                                       Sun  3h 20m  ██████▍
                ▇ █                                       Mon  5h 20m  ██████████▎
                █ █                                       Tue     45m  █▌
                █ █                 █                     Wed      0s
              ▂ █ █ █               █ █                   Thu  6h 50m  █████████████
              █ █ █ █     ▂         █ █ ▁                 Fri  4h 10m  ████████
    04    07    10    13    16    19    22    01          Sat  3h 12m  ██████▏

    app:firefox     ████████████████████████████    30m of 30m  opens again at 04:00
    category:video  █████████████████████████▋      41m of 45m  4m left
    all             ███████████▎                  3h 12m of 8h  4h 48m left

    [1 Programs]  2 Sites   3 Categories   4 Limits
    Firefox                   1h 40m   52%  ████████████████████████████████████████
    Code                         55m   29%  ██████████████████████
    日本語の長い名前のプロ…      20m   10%  ████████
    Firefox (private)             8m    4%  ███▎
    Program 0\u{1b}[2J            1m    1%  ▌
    Program 1\u{1b}[2J            1m    1%  ▌
    Program 2\u{1b}[2J            1m    1%  ▌
    q quit   ? help   Tab next list   1-4 lists   ↑↓ scroll                1-7 of 13
    ");
}

#[test]
fn a_very_small_terminal() {
    insta::assert_snapshot!(drawn(&mut board(), 20, 10, PLAIN), @"
    Firefox (example.or…
    since 21:40, 25m
    Today 3h 12m
      ▁█▂▁  ▄▁
    [1 Programs]
    Firefox       1h 40m
    Code             55m
    日本語の長…      20m
    Firefox (pr…      8m
    q quit     1-4 of 13
    ");
    insta::assert_snapshot!(drawn(&mut crowded(), 20, 10, PLAIN), @"
    Firefox (example.or…
    since 21:40, 25m
    In 10m all your own…
    Today 3h 12m
      ▁█▂▁  ▄▁
    [4 Limits]
    all  not 23:00-07:00
      allowed until 23:…

    q quit      1-1 of 7
    ");
    insta::assert_snapshot!(drawn(&mut board(), 40, 16, PLAIN), @r"
    Firefox (example.org)  since 21:40, 25m

    Today 3h 12m
         ▂▇█▃  ▁    ▄▃▁
    04    10    16    22

    app:firefox                   30m of 30m
      opens again at 04:00

    [1 Programs]
    Firefox                     1h 40m   52%
    Code                           55m   29%
    日本語の長い名前のプログ…      20m   10%
    Firefox (private)               8m    4%
    Program 0\u{1b}[2J              1m    1%
    q quit   ? help                1-5 of 13
    ");
}

#[test]
fn a_very_large_terminal() {
    insta::assert_snapshot!(drawn(&mut board(), 200, 50, PLAIN), @r"
    Firefox (example.org)  since 21:40, 25m

    Today 3h 12m                                                                                                                                                Seven days 23h 37m
                                ███                                                                                                                             Sun  3h 20m  ███████████████▏
                                ███                                                                                                                             Mon  5h 20m  ████████████████████████▎
                            ███ ███                                                                                                                             Tue     45m  ███▌
                            ███ ███                                                                                                                             Wed      0s
                            ███ ███                                                                                                                             Thu  6h 50m  ███████████████████████████████
                            ███ ███                                 ███                                                                                         Fri  4h 10m  ███████████████████
                            ███ ███ ▃▃▃                             ███ ▃▃▃                                                                                     Sat  3h 12m  ██████████████▋
                            ███ ███ ███                             ███ ███
                        ███ ███ ███ ███                             ███ ███
                        ███ ███ ███ ███         ▃▃▃                 ███ ███ ▁▁▁
    04          07          10          13          16          19          22          01

    [1 Programs]  2 Sites   3 Categories   4 Limits                                                       Limits
    Firefox                       1h 40m   52%  ████████████████████████████████████████████████████████  app:firefox     ██████████████████████████████    30m of 30m  opens again at 04:00
    Code                             55m   29%  ██████████████████████████████▉                           category:video  ███████████████████████████▍      41m of 45m  4m left
    日本語の長い名前のプログラム     20m   10%  ███████████▎                                              all             ████████████                    3h 12m of 8h  4h 48m left
    Firefox (private)                 8m    4%  ████▌
    Program 0\u{1b}[2J                1m    1%  ▋
    Program 1\u{1b}[2J                1m    1%  ▋
    Program 2\u{1b}[2J                1m    1%  ▋
    Program 3\u{1b}[2J                1m    1%  ▋
    Program 4\u{1b}[2J                1m    1%  ▋
    Program 5\u{1b}[2J                1m    1%  ▋
    Program 6\u{1b}[2J                1m    1%  ▋
    Program 7\u{1b}[2J                1m    1%  ▋
    Program 8\u{1b}[2J                1m    1%  ▋




















    q quit   ? help   Tab next list   1-4 lists   ↑↓ scroll
    ");
}

#[test]
fn everything_at_once() {
    insta::assert_snapshot!(drawn(&mut crowded(), 80, 24, PLAIN), @r"
    Firefox (example.org)  since 21:40, 25m
    In 10m all your own rules are off until the next day starts
    Your open rules are suspended until Tue 22:05
    Focus until 22:55: category:social and app:game\u{1b} are blocked
    Reset week, day 3 of 7 (and 3 more: dwell status)

    Today 3h 12m                                          Seven days 23h 37m
                  █                                       Sun  3h 20m  ██████▍
                ▇ █                                       Mon  5h 20m  ██████████▎
                █ █                                       Tue     45m  █▌
                █ █                 █                     Wed      0s
              ▂ █ █ █               █ █                   Thu  6h 50m  █████████████
              █ █ █ █     ▂         █ █ ▁                 Fri  4h 10m  ████████
    04    07    10    13    16    19    22    01          Sat  3h 12m  ██████▏

     1 Programs   2 Sites   3 Categories  [4 Limits]
    all                                    not 23:00-07:00  allowed until 23:05
    app:org.example.Game      ████████  only 18:00-19:00 …  opens again on Thu 22:05
    category:news             ██████▌        4 of 5 visits  1 visit left
    app:mail                  ████████   1 of 1 visit/hour  the last visit
    domain:youtube.com (res…  ██▋       3h 12m of 10h/week  6h 48m left
    category:social (focus)   ████████        3h 12m of 0s  suspended
    category:shopping         ███▎      3h 12m of 8h/month  put off until 22:10
    q quit   ? help   Tab next list   1-4 lists   ↑↓ scroll
    ");
}

#[test]
fn help_in_ascii() {
    let ascii = Pen { color: false, unicode: false };
    let mut board = Board { help: true, list: List::Sites, ..board() };
    let shown = drawn(&mut board, 80, 24, ascii);
    insta::assert_snapshot!(shown, @"
    Firefox (example.org)  since 21:40, 25m

    Today 3h 12m                                          Seven days 23h 37m
                  #                                       Sun  3h 20m  ######-
                # #                                       Mon  5h 20m  ##########-
                # #                                       Tue     45m  ##
                # #                 #                     Wed      0s
              . # # # + Keys ------------------------------------+50m  #############
              # # # # |  q Esc      quit (Ctrl-C, too)           |10m  ########
    04    07    10    |  Tab        the next list                |12m  ######-
                      |  1 2        programs, sites              |
    app:firefox     ##|  3 4        categories, limits           |ens again at 04:00
    category:video  ##|  ^ v        scroll, by a line            | left
    all             ##|  PgUp PgDn  by a page                    | 48m left
                      |  Home End   to the top, to the end       |
     1 Programs  [2 Si|  Ctrl-Z     stop; `fg` comes back        |
    example.org       +------------------------------------------+##################
    (site not known)  30m   16%  ##########################
    youtube.com       10m    5%  #########




    q quit   ? help   Tab next list   1-4 lists   ^v scroll
    ");
    assert!(shown.is_ascii());
    assert!(drawn(&mut crowded(), 60, 20, ascii).is_ascii());
}

#[test]
fn help_is_whole_in_forty_columns() {
    let mut board = Board { help: true, ..board() };
    let shown = drawn(&mut board, 40, 12, PLAIN);
    for (key, does) in KEYS {
        assert!(shown.contains(&format!("  {key:<11}{does} ")), "{key} is cut off: {shown}");
    }
}

#[test]
fn nothing_recorded_and_no_daemon() {
    let empty = |list| Board {
        list,
        trouble: Some("dwelld is not reachable; this goes on when it is back".into()),
        facts: Facts {
            status: wire::Status {
                state: "idle".into(),
                limits: vec![],
                top: vec![],
                total_ms: 0,
                ..board().facts.status
            },
            reports: Reports {
                week: board().facts.reports.week,
                hours: report("hour", vec![]),
                ..Reports::default()
            },
        },
        ..Board::default()
    };
    insta::assert_snapshot!(drawn(&mut empty(List::Sites), 60, 14, PLAIN), @"
    dwelld is not reachable; this goes on when it is back

    Today 0s

    04    07    10    13    16    19    22    01

     1 Programs  [2 Sites]  3 Categories   4 Limits
    No site is recorded today (dwell browser status tells which
    browsers are linked)




    q quit   ? help   Tab next list   1-4 lists   ↑↓ scroll
    ");
    for (list, said) in
        List::ALL.into_iter().zip(["Nothing is", "No site is", "No category is", "There are no limits"])
    {
        assert!(drawn(&mut empty(list), 80, 24, PLAIN).contains(said), "{list:?}");
        let wide = drawn(&mut empty(list), 140, 24, PLAIN);
        assert!(wide.contains(said), "{list:?}: {wide}");
    }
}

/// What was counted since the reports were made goes to what is in focus, to its hour and to its day.
#[test]
fn the_clock_runs_between_reports() {
    let mut board = board();
    board.facts.reports.programs.rows[0].ms = 9 * MINUTE;
    board.facts.reports.sites.rows[0].ms = 3 * MINUTE;
    board.facts.status.total_ms = board.facts.reports.hours.total_ms + 7_000;
    let shown = drawn(&mut board, 80, 24, PLAIN);
    assert!(shown.contains("9m 07s"), "{shown}");
    // Code has more: the list is in order of what it shows.
    let line = |text: &str| shown.lines().position(|line| line.starts_with(text));
    assert!(line("Code") < line("Firefox   "), "{shown}");
    board.list = List::Sites;
    let shown = drawn(&mut board, 80, 24, PLAIN);
    assert!(shown.contains("example.org       3m 07s"), "{shown}");
    // Whose category the program has is not known here, so that list is as it was, and whole.
    board.list = List::Categories;
    board.facts.reports.categories = report("category", vec![row("web", "web", "focus", 3)]);
    let shown = drawn(&mut board, 80, 24, PLAIN);
    assert!(shown.contains("3m  100%"), "{shown}");
    // While nobody is there, nothing runs.
    board.list = List::Sites;
    board.facts.status.state = "idle".into();
    assert!(drawn(&mut board, 80, 24, PLAIN).contains("3m "));
}

#[test]
fn a_list_ends_at_its_end() {
    let mut board = board();
    board.first = usize::MAX;
    let end = drawn(&mut board, 80, 24, PLAIN);
    assert!(end.contains("Program 8") && !end.contains("Program 1\\u"), "{end}");
    assert!(end.ends_with("7-13 of 13"), "{end}");
    let page = board.page;
    board.scroll(-isize::try_from(page).unwrap());
    assert!(drawn(&mut board, 80, 24, PLAIN).ends_with("1-7 of 13"), "{}", board.first);
    // A terminal that becomes higher shows what there is, and no empty lines below it.
    board.first = 6;
    drawn(&mut board, 80, 40, PLAIN);
    assert_eq!(board.first, 0);
}

#[test]
fn colours_are_those_of_every_other_screen() {
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    let pens = [true, false].map(|color| Pen { color, unicode: true });
    let styled = pens.map(|pen| {
        terminal.draw(|frame| draw(frame, &mut board(), pen)).unwrap();
        let cells = &terminal.backend().buffer().content;
        cells.iter().filter(|cell| cell.style() != ratatui::buffer::Cell::EMPTY.style()).count()
    });
    assert!(styled[0] > 100 && styled[1] == 0, "{styled:?}");
}

proptest::proptest! {
    /// No size breaks it, and no name reaches the terminal as more than text.
    #[test]
    fn any_size(columns in 1_u16..160, rows in 1_u16..60, at in 0_usize..4, crowd: bool, help: bool, first in 0_usize..20) {
        let mut board = if crowd { crowded() } else { board() };
        board.turn_to(List::ALL[at]);
        board.help = help;
        board.first = first;
        let shown = drawn(&mut board, columns, rows, PLAIN);
        proptest::prop_assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{shown:?}");
        for line in shown.lines() {
            proptest::prop_assert!(width(line) <= usize::from(columns), "{columns}: {line}");
        }
    }
}
