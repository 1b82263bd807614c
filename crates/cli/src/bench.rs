use crate::exit::Exit;
use crate::format::span;
use crate::progress::{Course, Progress};
use clap::Args;
use std::io::{Write, stdout};
use understudy_loadgen::{Bench, LoadCourse, LoadError, Prospect, Verdict};

/// Measures any server that speaks the etcd v3 API, and checks every
/// acknowledgement.
#[derive(Args, Debug)]
pub(crate) struct BenchArgs {
    #[command(subcommand)]
    bench: Bench,
}

pub(crate) async fn bench(args: BenchArgs) -> anyhow::Result<Exit> {
    let verdict = match args.bench.prospect() {
        Prospect::TellsItself => args.bench.run(&mut stdout()).await,
        Prospect::Calls(course) => {
            let progress = Progress::of_time("measuring, calls");
            shown(&args.bench, progress, async || counted(&course)).await
        }
        Prospect::Lasting(time) => {
            let what = format!("measuring for {}", span(time.as_secs_f64()));
            shown(&args.bench, Progress::of_time(&what), async || None).await
        }
        Prospect::Unknown => {
            shown(&args.bench, Progress::of_time("measuring"), async || None).await
        }
    };
    match verdict? {
        Verdict::Passed => Ok(Exit::Done),
        Verdict::Failed => Ok(Exit::Failed),
    }
}

/// The report comes when the progress is gone from the screen.
async fn shown(
    bench: &Bench,
    progress: Progress,
    look: impl AsyncFnMut() -> Option<Course>,
) -> Result<Verdict, LoadError> {
    let mut report = Vec::new();
    let verdict = progress.until(bench.run(&mut report), look).await;
    stdout().write_all(&report)?;
    stdout().flush()?;
    verdict
}

fn counted(course: &LoadCourse) -> Option<Course> {
    let (done, total) = course.counted()?;
    Some(Course { done, total })
}
