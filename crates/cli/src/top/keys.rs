use crossterm::event::{Event, KeyCode, KeyEventKind, KeyModifiers};

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    End,
    Pause,
    NextNode,
    PreviousNode,
    NextShard,
    PreviousShard,
}

/// `None` for what means nothing here. No more events: the terminal is gone.
pub(super) fn deed(event: Option<Event>) -> Option<Deed> {
    let Some(event) = event else {
        return Some(Deed::End);
    };
    let Event::Key(key) = event else {
        return None;
    };
    if key.kind == KeyEventKind::Release {
        return None;
    }
    match key.code {
        KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => Some(Deed::End),
        KeyCode::Char('q') | KeyCode::Esc => Some(Deed::End),
        KeyCode::Char('p') | KeyCode::Char(' ') => Some(Deed::Pause),
        KeyCode::Right | KeyCode::Tab | KeyCode::Char('l') => Some(Deed::NextNode),
        KeyCode::Left | KeyCode::BackTab | KeyCode::Char('h') => Some(Deed::PreviousNode),
        KeyCode::Down | KeyCode::Char('j') => Some(Deed::NextShard),
        KeyCode::Up | KeyCode::Char('k') => Some(Deed::PreviousShard),
        _ => None,
    }
}
