use super::run::{Run, applied};
use super::{CellProblem, expect};
use crate::{Condition, Fetched, PutAnswer};

type Outcome = Result<(), CellProblem>;

pub(super) async fn create_on_an_absent_key_is_applied(run: &Run) -> Outcome {
    let key = run.key("object");
    run.create(&key, "one").await?;
    run.expect_body(&key, "one").await
}

pub(super) async fn create_on_an_existing_key_is_refused_and_changes_nothing(run: &Run) -> Outcome {
    let key = run.key("object");
    run.create(&key, "one").await?;
    expect(
        run.put(&key, "two", Condition::Absent).await?,
        PutAnswer::Refused,
    )?;
    run.expect_body(&key, "one").await
}

pub(super) async fn swap_with_the_current_etag_is_applied(run: &Run) -> Outcome {
    let key = run.key("object");
    let first = run.create(&key, "one").await?;
    let second = applied(run.put(&key, "two", Condition::Matches(first)).await?)?;
    run.expect_body(&key, "two").await?;
    applied(run.put(&key, "three", Condition::Matches(second)).await?)?;
    run.expect_body(&key, "three").await
}

pub(super) async fn swap_with_a_stale_etag_is_refused_and_changes_nothing(run: &Run) -> Outcome {
    let key = run.key("object");
    let stale = run.create(&key, "one").await?;
    applied(
        run.put(&key, "two", Condition::Matches(stale.clone()))
            .await?,
    )?;
    expect(
        run.put(&key, "three", Condition::Matches(stale)).await?,
        PutAnswer::Refused,
    )?;
    run.expect_body(&key, "two").await
}

pub(super) async fn swap_of_an_absent_key_is_refused_and_creates_nothing(run: &Run) -> Outcome {
    let etag = run.create(&run.key("other"), "one").await?;
    let absent = run.key("absent");
    expect(
        run.put(&absent, "two", Condition::Matches(etag)).await?,
        PutAnswer::Refused,
    )?;
    expect(run.body(&absent).await?, None)
}

pub(super) async fn swap_after_a_delete_is_refused(run: &Run) -> Outcome {
    let key = run.key("object");
    let stale = run.create(&key, "one").await?;
    run.store.delete(&key).await?;
    expect(
        run.put(&key, "two", Condition::Matches(stale)).await?,
        PutAnswer::Refused,
    )?;
    expect(run.body(&key).await?, None)
}

pub(super) async fn create_after_a_delete_is_applied(run: &Run) -> Outcome {
    let key = run.key("object");
    run.create(&key, "one").await?;
    run.store.delete(&key).await?;
    expect(run.body(&key).await?, None)?;
    run.create(&key, "two").await?;
    run.expect_body(&key, "two").await
}

pub(super) async fn delete_of_an_absent_key_is_no_error(run: &Run) -> Outcome {
    let key = run.key("absent");
    run.store.delete(&key).await?;
    expect(run.body(&key).await?, None)
}

pub(super) async fn get_answers_not_modified_for_the_current_etag_only(run: &Run) -> Outcome {
    let key = run.key("object");
    let first = run.create(&key, "one").await?;
    expect(
        run.store.get(&key, Some(&first)).await?,
        Fetched::NotModified,
    )?;
    applied(
        run.put(&key, "two", Condition::Matches(first.clone()))
            .await?,
    )?;
    match run.store.get(&key, Some(&first)).await? {
        Fetched::Found(object) => expect(&object.body[..], b"two")?,
        other => expect(format!("{other:?}"), "the changed object".to_owned())?,
    }
    expect(
        run.store.get(&run.key("absent"), Some(&first)).await?,
        Fetched::Absent,
    )
}
