//! The two verbs, asked for by the console's page.

use super::confirm::compare;
use super::overrides;
use super::request::Wish;
use super::way::{Looked, Way};
use crate::check::Verb;
use crate::refusal::Refusal;
use understudy_console::{Ask, Ended, Judged, Outcome, Tell};
use understudy_node::config::Configuration;
use understudy_protocol::Mode;
use understudy_types::Epoch;

/// From a node's own configuration to its cluster.
#[derive(Debug)]
pub(crate) struct PageWay {
    configuration: Configuration,
    /// Replication addresses of nodes.
    known: Vec<String>,
}

impl PageWay {
    pub(crate) fn new(configuration: Configuration, known: Vec<String>) -> PageWay {
        PageWay {
            configuration,
            known,
        }
    }

    /// The target's verdict. Changes nothing.
    pub(crate) async fn judge(&self, ask: &Ask) -> anyhow::Result<Judged> {
        let way = Way::to(&self.configuration, self.known.clone()).await?;
        match way.look(&wish(ask, String::new())).await? {
            Looked::Done(text) => Err(Refusal::new("E201", text, "there is nothing to do").into()),
            Looked::Seen(sight) => Ok(Judged {
                situation: sight.seen.situation,
                verdict: sight.seen.verdict,
            }),
        }
    }

    /// As the commands do it, with the cluster's name typed for both verbs.
    pub(crate) async fn act(&self, ask: Ask, by: String, mut tell: Tell) -> anyhow::Result<Ended> {
        compare(
            &self.configuration.settings.cluster_name,
            ask.confirm.trim(),
        )?;
        let wish = wish(&ask, by);
        let way = Way::to(&self.configuration, self.known.clone()).await?;
        let sight = match way.look(&wish).await? {
            Looked::Done(text) => {
                let outcome = Outcome::Done;
                return Ok(Ended { outcome, text });
            }
            Looked::Seen(sight) => sight,
        };
        let overrides = overrides::judge(&sight.seen.verdict, &wish)?;
        way.act(&wish, *sight, overrides, &mut *tell).await
    }
}

fn wish(ask: &Ask, by: String) -> Wish {
    let verb = match ask.verb {
        Mode::Switchover => Verb::Switchover,
        Mode::Failover => Verb::Failover,
    };
    let text = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
    Wish {
        verb,
        target: ask.to.clone(),
        expect_epoch: Epoch::new(ask.expect_epoch),
        expect_holder: None,
        accept_loss: match verb {
            Verb::Switchover => Default::default(),
            Verb::Failover => ask.accept_loss,
        },
        fenced_by: text(&ask.fenced_by).filter(|_| verb == Verb::Failover),
        accept: ask.accept.clone(),
        replace: text(&ask.replace),
        reason: ask.reason.clone(),
        by,
    }
}
