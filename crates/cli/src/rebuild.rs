//! `understudy rebuild`: a standby's state, made anew from its own log.

use crate::admin::{self, RebuildFailure};
use crate::exit::Exit;
use crate::format::{OutputFormat, grouped, print, print_json};
use crate::progress::{Course, Progress};
use crate::refusal::Refusal;
use clap::Args;
use serde_json::json;
use understudy_node::status::Status;
use understudy_types::ShardName;

/// Makes a standby's state anew from its own log, after which it is compared
/// with the primary's anew. Readers of the standby keep the old state until
/// then, and nothing new is applied meanwhile. Refused on a primary (E404).
#[derive(Args, Debug)]
pub(crate) struct RebuildArgs {
    /// The standby's replication address.
    #[arg(long, value_name = "HOST:PORT")]
    endpoint: String,
    /// Only this shard [default: all].
    #[arg(long, value_name = "NAME")]
    shard: Option<ShardName>,
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
}

pub(crate) async fn rebuild(args: RebuildArgs) -> anyhow::Result<Exit> {
    let progress = Progress::of_time("making the state anew from the log, records");
    let rebuilding = admin::rebuild_state(&args.endpoint, args.shard.as_ref());
    let look = async || {
        let status = admin::status(&args.endpoint).await.ok()?;
        course(&status, args.shard.as_ref())
    };
    let rebuilt = progress.until(rebuilding, look).await;
    let shards = rebuilt.map_err(|failure| match failure {
        RebuildFailure::Refused(fact) => Refusal::new(
            "E404",
            format!("{}: {fact}", args.endpoint),
            "name the standby; a primary's state is made anew by its restart, after a switchover",
        )
        .into(),
        RebuildFailure::NoAnswer(cause) => anyhow::anyhow!("{}: {cause}", args.endpoint),
    })?;
    match args.output {
        OutputFormat::Json => {
            let shards = shards
                .iter()
                .map(|shard| json!({ "shard": shard.name, "applied": shard.applied }));
            print_json(&json!({ "shards": shards.collect::<Vec<_>>() }))?;
        }
        OutputFormat::Text => {
            for shard in shards {
                let upto = grouped(shard.applied);
                print(&format!("shard {}: made anew up to LSN {upto}", shard.name));
            }
            print(
                "see `understudy status`: it is compared with the primary's at the next heartbeats",
            );
        }
    }
    Ok(Exit::Done)
}

/// Of the shards together that are asked for and being made anew; none while
/// nothing is known.
fn course(status: &Status, shard: Option<&ShardName>) -> Option<Course> {
    let is_asked_for = |name: &ShardName| shard.is_none_or(|shard| shard == name);
    let shards = status.shards.iter();
    let shards = shards.filter(|(name, _)| is_asked_for(name));
    let courses = shards.filter_map(|(_, shard)| shard.remaking);
    courses
        .map(|remaking| Course {
            done: remaking.records_done,
            total: remaking.records_total,
        })
        .reduce(|one, other| Course {
            done: one.done + other.done,
            total: one.total + other.total,
        })
}

#[cfg(test)]
mod tests {
    use super::{Course, course};
    use crate::status::tests::standby_behind;
    use understudy_node::status::{RemakingStatus, Status};

    fn remaking(courses: &[(&str, Option<(u64, u64)>)]) -> Status {
        let pair = standby_behind(0, true);
        let mut status = pair.statuses().last().expect("a node").clone();
        let shard = status.shards.values().next().expect("a shard").clone();
        status.shards.clear();
        for (name, course) in courses {
            let mut shard = shard.clone();
            shard.remaking = course.map(|(done, total)| RemakingStatus {
                records_done: done,
                records_total: total,
            });
            status.shards.insert(name.parse().unwrap(), shard);
        }
        status
    }

    #[test]
    fn course_is_that_of_all_shards_that_are_asked_for() {
        let told = |courses: &[(&str, Option<(u64, u64)>)], shard: Option<&str>| {
            let shard = shard.map(|name| name.parse().unwrap());
            course(&remaking(courses), shard.as_ref())
        };
        let both = [("a", Some((10, 100))), ("b", Some((5, 50)))];
        let (done, total) = (15, 150);
        assert_eq!(told(&both, None), Some(Course { done, total }));
        let (done, total) = (5, 50);
        assert_eq!(told(&both, Some("b")), Some(Course { done, total }));
        let one = [("a", None), ("b", Some((5, 50)))];
        assert_eq!(told(&one, None), Some(Course { done, total }));
        assert_eq!(told(&one, Some("a")), None, "not begun, or done");
    }
}
