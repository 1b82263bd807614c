//! `understudy top`: the pair, live in a terminal.

mod keys;
mod screen;
mod view;

use crate::exit::Exit;
use crate::nodes::NodesArgs;
use crate::refusal::Refusal;
use crate::signals::Signals;
use crate::status::{self, PairReport};
use clap::Args;
use futures::StreamExt;
use keys::Deed;
use screen::Screen;
use std::io::IsTerminal;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};
use understudy_node::BootClock;
use understudy_types::Clock;
use view::View;

const ASK_EVERY: Duration = Duration::from_secs(1);
/// Ages on the screen grow meanwhile.
const DRAW_EVERY: Duration = Duration::from_millis(250);

/// Shows the pair live: the same screen as `understudy status`, and one
/// shard's figures over time. What is not known is shown as unknown, and how
/// old the screen is stands in its first line.
///
/// Keys: q, Esc or Ctrl-C ends; left and right choose the node; up and down
/// the shard; p pauses, and goes on.
#[derive(Args, Debug)]
pub(crate) struct TopArgs {
    #[command(flatten)]
    nodes: NodesArgs,
}

pub(crate) async fn top(args: TopArgs) -> anyhow::Result<Exit> {
    let addresses = args.nodes.addresses()?;
    if !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
        return Err(Refusal::new(
            "usage",
            "top needs a terminal for its screen and its keys",
            "use `understudy status --watch`, or `understudy status -o json` in a script",
        )
        .into());
    }
    let mut signals = Signals::listen()?;
    let mut screen = Screen::take()?;
    let mut keys = crossterm::event::EventStream::new();
    let mut view = View::new();
    let mut draw = interval(DRAW_EVERY);
    draw.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut asking = std::pin::pin!(ask(addresses.clone(), Duration::ZERO));
    loop {
        tokio::select! {
            // A node that does not answer must not hold the keys.
            report = &mut asking, if !view.is_paused() => {
                view.note(report, BootClock.now());
                asking.set(ask(addresses.clone(), ASK_EVERY));
            }
            event = keys.next() => match keys::deed(event.transpose()?) {
                Some(Deed::End) => return Ok(Exit::Done),
                Some(deed) => view.obey(deed),
                None => {}
            },
            () = signals.next() => return Ok(Exit::Done),
            _ = draw.tick() => {}
        }
        screen.draw(|size| view.lines(size, BootClock.now()))?;
    }
}

async fn ask(addresses: Vec<String>, pause: Duration) -> PairReport {
    tokio::time::sleep(pause).await;
    status::ask(addresses).await
}

#[cfg(test)]
mod tests;
