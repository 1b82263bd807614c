use crate::colour::{Tone, paint};
use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::style::Print;
use crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
    enable_raw_mode, size,
};
use crossterm::{execute, queue};
use std::io::{Stdout, Write, stdout};
use std::sync::Once;

/// Columns and rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) columns: usize,
    pub(super) rows: usize,
}

const UNKNOWN_SIZE: Size = Size {
    columns: 120,
    rows: 40,
};

/// The terminal in our hands; given back when it is dropped, also by a panic.
pub(super) struct Screen {
    out: Stdout,
}

impl Screen {
    pub(super) fn take() -> anyhow::Result<Screen> {
        static HOOK: Once = Once::new();
        // A panic is told on the screen that the caller sees afterwards.
        HOOK.call_once(|| {
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                give_back();
                before(panic);
            }));
        });
        let mut out = stdout();
        enable_raw_mode()?;
        let screen = Screen { out: stdout() };
        execute!(out, EnterAlternateScreen, Hide)?;
        Ok(screen)
    }

    /// Draws the lines from the top; what is too long is cut.
    pub(super) fn draw(
        &mut self,
        lines: impl FnOnce(Size) -> Vec<(Tone, String)>,
    ) -> anyhow::Result<()> {
        let size = match size()? {
            // A serial line knows no size.
            (0, _) | (_, 0) => UNKNOWN_SIZE,
            (columns, rows) => Size {
                columns: columns.into(),
                rows: rows.into(),
            },
        };
        for (row, (tone, text)) in lines(size).into_iter().take(size.rows).enumerate() {
            let text: String = text.chars().take(size.columns).collect();
            let row = u16::try_from(row).unwrap_or(u16::MAX);
            queue!(
                self.out,
                MoveTo(0, row),
                Print(paint(tone, &text)),
                Clear(ClearType::UntilNewLine)
            )?;
        }
        queue!(self.out, Clear(ClearType::FromCursorDown))?;
        Ok(self.out.flush()?)
    }
}

fn give_back() {
    // There is nobody left to tell about an error.
    let _ = execute!(stdout(), Show, LeaveAlternateScreen);
    let _ = disable_raw_mode();
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}
