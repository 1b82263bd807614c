//! How far long work is: on a terminal only, on standard error, so that what
//! a command prints stays as it is.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::time::Duration;

const BYTES: &str = "{msg}  {bar:30}  {bytes} of {total_bytes}  {bytes_per_sec}  {eta} left";
const UNKNOWN: &str = "{msg}  {spinner}  {elapsed}";

/// Gone from the screen when it is dropped.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Of work whose bytes are counted.
    pub(crate) fn of_bytes(what: &str, total: u64) -> Progress {
        Progress::new(
            ProgressBar::with_draw_target(Some(total), target()),
            BYTES,
            what,
        )
    }

    /// Of work whose end nobody can foresee.
    pub(crate) fn of_time(what: &str) -> Progress {
        let bar = ProgressBar::with_draw_target(None, target());
        bar.enable_steady_tick(Duration::from_millis(250));
        Progress::new(bar, UNKNOWN, what)
    }

    fn new(bar: ProgressBar, template: &str, what: &str) -> Progress {
        let style = ProgressStyle::with_template(template).expect("a sound template");
        Progress(
            bar.with_style(style.progress_chars("█▌ "))
                .with_message(what.to_owned()),
        )
    }

    pub(crate) fn add(&self, bytes: u64) {
        self.0.inc(bytes);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn target() -> ProgressDrawTarget {
    match std::io::stderr().is_terminal() {
        true => ProgressDrawTarget::stderr(),
        false => ProgressDrawTarget::hidden(),
    }
}
