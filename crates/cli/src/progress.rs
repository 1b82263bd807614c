//! How far long work is: on a terminal only, on standard error, so that what
//! a command prints stays as it is.

use crate::format::grouped;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::fmt::Write;
use std::io::IsTerminal;
use std::time::Duration;

const BYTES: &str = "{msg}  {bar:30}  {bytes} of {total_bytes}  {bytes_per_sec}  {eta} left";
const COUNT: &str = "{msg}  {bar:30}  {counted}  {rate}  {eta} left";
const UNKNOWN: &str = "{msg}  {spinner}  {elapsed}";

/// How often work that is done elsewhere is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

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

    /// Of things that are counted.
    pub(crate) fn of_count(what: &str, total: u64) -> Progress {
        let bar = ProgressBar::with_draw_target(Some(total), target());
        Progress::new(bar, COUNT, what)
    }

    fn new(bar: ProgressBar, template: &str, what: &str) -> Progress {
        Progress(
            bar.with_style(style(template))
                .with_message(what.to_owned()),
        )
    }

    /// So many bytes or things more are done.
    pub(crate) fn add(&self, more: u64) {
        self.0.inc(more);
    }

    /// Of work that was begun without an end in sight, or that has another one
    /// now.
    fn at(&self, Course { done, total }: Course) {
        if self.0.length() != Some(total) {
            self.0.set_length(total);
            self.0.set_style(style(COUNT));
        }
        self.0.set_position(done);
    }

    /// Waits for work that is done elsewhere, and asks now and then how far it
    /// is; nobody is asked where nobody sees it.
    pub(crate) async fn until<T>(
        self,
        work: impl Future<Output = T>,
        mut look: impl AsyncFnMut() -> Option<Course>,
    ) -> T {
        if self.0.is_hidden() {
            return work.await;
        }
        let looking = async {
            let mut every = tokio::time::interval(LOOK_EVERY);
            loop {
                every.tick().await;
                if let Some(course) = look().await {
                    self.at(course);
                }
            }
        };
        tokio::select! {
            done = work => done,
            () = looking => unreachable!("it is looked at until the work is done"),
        }
    }
}

/// How far work is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Course {
    pub(crate) done: u64,
    pub(crate) total: u64,
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).expect("a sound template");
    let counted = |state: &ProgressState, out: &mut dyn Write| {
        let total = state.len().unwrap_or(state.pos());
        let _ = write!(out, "{} of {}", grouped(state.pos()), grouped(total));
    };
    let rate = |state: &ProgressState, out: &mut dyn Write| {
        let _ = write!(out, "{}/s", grouped(state.per_sec() as u64));
    };
    let style = style.with_key("counted", counted).with_key("rate", rate);
    style.progress_chars("█▌ ")
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
