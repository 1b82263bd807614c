use super::run::Run;
use super::{CellProblem, expect};

type Outcome = Result<(), CellProblem>;

/// One more than S3 lists at once.
const MORE_THAN_A_PAGE: usize = 1001;

pub(super) async fn list_is_ordered_and_bounded_by_prefix_and_after(run: &Run) -> Outcome {
    let names = ["b/2", "a/1", "b/10", "b/1", "b", "b0", "c/1"];
    run.create_all(names.iter().map(|name| run.key(name)).collect())
        .await?;
    expect(
        listed(run, "b/", None).await?,
        keys(run, &["b/1", "b/10", "b/2"]),
    )?;
    expect(
        listed(run, "b/", Some("b/1")).await?,
        keys(run, &["b/10", "b/2"]),
    )?;
    expect(listed(run, "b/", Some("b/2")).await?, vec![])?;
    expect(
        listed(run, "b", None).await?,
        keys(run, &["b", "b/1", "b/10", "b/2", "b0"]),
    )?;
    expect(
        listed(run, "", Some("b/3")).await?,
        keys(run, &["b0", "c/1"]),
    )?;
    expect(listed(run, "nothing", None).await?, vec![])
}

pub(super) async fn list_goes_on_over_pages(run: &Run) -> Outcome {
    let all: Vec<String> = (0..MORE_THAN_A_PAGE)
        .map(|n| run.key(&format!("{n:05}")))
        .collect();
    run.create_all(all.clone()).await?;
    expect(listed(run, "", None).await? == all, true)?;
    let half = MORE_THAN_A_PAGE / 2;
    expect(
        listed(run, "", Some(&format!("{:05}", half - 1))).await? == all[half..],
        true,
    )
}

fn keys(run: &Run, names: &[&str]) -> Vec<String> {
    names.iter().map(|name| run.key(name)).collect()
}

async fn listed(run: &Run, prefix: &str, after: Option<&str>) -> Result<Vec<String>, CellProblem> {
    let after = after.map(|name| run.key(name));
    let lines = run.store.list(&run.key(prefix), after.as_deref()).await?;
    Ok(lines.into_iter().map(|line| line.key).collect())
}
