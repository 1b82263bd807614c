use super::lane::{Lane, unfit};
use super::{ProbeCheck, ProbeRefusal};
use crate::{Condition, ETag, Fetched};

/// One caller alone: conditions, `ETag`s and conditional gets.
pub(super) async fn run(lane: &Lane<'_>) -> Result<(), ProbeRefusal> {
    let key = lane.key("object");
    let (first_body, second_body) = (lane.body("first"), lane.body("second"));

    let first = lane
        .apply(
            ProbeCheck::Create,
            &key,
            first_body.clone(),
            Condition::Absent,
        )
        .await?;
    lane.refuse(
        ProbeCheck::CreateAgain,
        &key,
        Condition::Absent,
        Some(&first_body),
    )
    .await?;

    let second = swap_right(lane, &key, &first).await?;
    etags_differ(lane, &key, &first, &second).await?;
    let stale = Condition::Matches(first.clone());
    lane.refuse(ProbeCheck::SwapStale, &key, stale, Some(&second_body))
        .await?;

    let absent = lane.key("absent");
    let condition = Condition::Matches(second.clone());
    lane.refuse(ProbeCheck::SwapAbsent, &absent, condition, None)
        .await?;
    not_modified(lane, &key, &first, &second).await
}

async fn swap_right(lane: &Lane<'_>, key: &str, first: &ETag) -> Result<ETag, ProbeRefusal> {
    let condition = Condition::Matches(first.clone());
    lane.apply(ProbeCheck::SwapRight, key, lane.body("second"), condition)
        .await
}

async fn etags_differ(
    lane: &Lane<'_>,
    key: &str,
    first: &ETag,
    second: &ETag,
) -> Result<(), ProbeRefusal> {
    let check = ProbeCheck::ETagChanges;
    if first == second {
        return Err(unfit(check, format!("both bodies have {first}")));
    }
    match lane.read(check, key).await? {
        Some(object) if object.etag == *second && object.body == lane.body("second") => Ok(()),
        Some(object) => Err(unfit(
            check,
            format!("the put said {second}, the get {}", object.etag),
        )),
        None => Err(unfit(check, "the object is gone")),
    }
}

async fn not_modified(
    lane: &Lane<'_>,
    key: &str,
    stale: &ETag,
    current: &ETag,
) -> Result<(), ProbeRefusal> {
    let check = ProbeCheck::NotModified;
    if lane.get(check, key, Some(current)).await? != Fetched::NotModified {
        return Err(unfit(
            check,
            "the current ETag was answered with the whole object",
        ));
    }
    match lane.get(check, key, Some(stale)).await? {
        Fetched::Found(_) => Ok(()),
        other => Err(unfit(
            check,
            format!("an older ETag was answered with {other:?}"),
        )),
    }
}
