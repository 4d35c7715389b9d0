//! What is typed, and what it does to the board.

use std::thread;

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use tokio::sync::mpsc;

use crate::output::dashboard::{Board, List};

/// What the person at the keyboard wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Quit,
    /// Ctrl-Z.
    Stop,
    /// Esc: closes the help, else quits.
    Leave,
    Help,
    Turn(usize),
    To(List),
    Lines(isize),
    Pages(isize),
    Start,
    End,
    /// Only draw again: the size is another one.
    Draw,
    /// Ctrl-L: something else has written over it.
    Anew,
}

/// Reads keys on a thread of its own, until the terminal is gone: there is no other way to wait for them that does not
/// poll.
pub(super) fn listen() -> mpsc::Receiver<Wish> {
    let (tell, told) = mpsc::channel(16);
    let listen = move || {
        while let Ok(event) = event::read() {
            if let Some(wish) = wish(&event)
                && tell.blocking_send(wish).is_err()
            {
                break;
            }
        }
    };
    // Without the thread the channel is closed, and nothing is shown that could not be left.
    drop(thread::Builder::new().name("keys".to_owned()).spawn(listen));
    told
}

fn wish(event: &Event) -> Option<Wish> {
    match event {
        Event::Resize(..) => Some(Wish::Draw),
        Event::Key(key) if key.kind != KeyEventKind::Release => of_key(key),
        _ => None,
    }
}

fn of_key(key: &KeyEvent) -> Option<Wish> {
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return match key.code {
            KeyCode::Char('c') => Some(Wish::Quit),
            KeyCode::Char('z') => Some(Wish::Stop),
            KeyCode::Char('l') => Some(Wish::Anew),
            _ => None,
        };
    }
    Some(match key.code {
        KeyCode::Char('q') => Wish::Quit,
        KeyCode::Esc => Wish::Leave,
        KeyCode::Char('?' | 'h') | KeyCode::F(1) => Wish::Help,
        KeyCode::Tab | KeyCode::Right | KeyCode::Char('l') => Wish::Turn(1),
        KeyCode::BackTab | KeyCode::Left => Wish::Turn(List::ALL.len() - 1),
        KeyCode::Char(digit @ '1'..='4') => {
            let at = usize::try_from(u32::from(digit) - u32::from('1')).ok()?;
            Wish::To(*List::ALL.get(at)?)
        }
        KeyCode::Down | KeyCode::Char('j') => Wish::Lines(1),
        KeyCode::Up | KeyCode::Char('k') => Wish::Lines(-1),
        KeyCode::PageDown | KeyCode::Char(' ') => Wish::Pages(1),
        KeyCode::PageUp => Wish::Pages(-1),
        KeyCode::Home => Wish::Start,
        KeyCode::End => Wish::End,
        _ => return None,
    })
}

/// Does it. What ends or stops the program is done elsewhere.
///
/// Returns whether the program is to end.
pub(super) fn obey(board: &mut Board, wish: Wish) -> bool {
    match wish {
        Wish::Quit => return true,
        Wish::Leave if !board.help => return true,
        Wish::Leave => board.help = false,
        Wish::Help => board.help = !board.help,
        Wish::Turn(by) => board.turn(by),
        Wish::To(list) => board.turn_to(list),
        Wish::Lines(by) => board.scroll(by),
        Wish::Pages(by) => board.scroll(by.saturating_mul(isize::try_from(board.page.max(1)).unwrap_or(1))),
        Wish::Start => board.first = 0,
        // Where the list ends is known when it is drawn.
        Wish::End => board.first = usize::MAX,
        Wish::Stop | Wish::Draw | Wish::Anew => {}
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(board: &mut Board, code: KeyCode) -> bool {
        let event = Event::Key(KeyEvent::new(code, KeyModifiers::NONE));
        obey(board, wish(&event).unwrap())
    }

    #[test]
    fn keys_do_what_the_help_says() {
        let mut board = Board { page: 5, ..Board::default() };
        let seen: Vec<_> = (0..4)
            .map(|_| {
                press(&mut board, KeyCode::Tab);
                board.list
            })
            .collect();
        assert_eq!(seen, [List::Sites, List::Categories, List::Limits, List::Programs]);
        press(&mut board, KeyCode::BackTab);
        assert_eq!(board.list, List::Limits);
        press(&mut board, KeyCode::PageDown);
        press(&mut board, KeyCode::Down);
        assert_eq!(board.first, 6);
        press(&mut board, KeyCode::Char('4'));
        assert_eq!(board.first, 6, "the same list stays where it is");
        press(&mut board, KeyCode::Char('2'));
        assert_eq!((board.list, board.first), (List::Sites, 0));
        press(&mut board, KeyCode::Up);
        assert_eq!(board.first, 0);
        press(&mut board, KeyCode::Char('?'));
        assert!(board.help);
        assert!(!press(&mut board, KeyCode::Esc), "it closes the help first");
        assert!(!board.help);
        assert!(press(&mut board, KeyCode::Esc) && press(&mut board, KeyCode::Char('q')));
    }

    #[test]
    fn control_keys() {
        let of = |c| of_key(&KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL));
        assert_eq!([of('c'), of('z'), of('q')], [Some(Wish::Quit), Some(Wish::Stop), None]);
    }
}
