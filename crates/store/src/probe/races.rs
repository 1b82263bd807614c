use super::lane::{Lane, unfit};
use super::{ProbeCheck, ProbeRefusal};
use crate::{Condition, PutAnswer, StoreError};
use bytes::Bytes;
use futures::future::join_all;

const RIVALS: usize = 8;
const ROUNDS: usize = 3;
/// A round that nobody won, because of conflicts or lost answers, proves
/// nothing; so many of them are run again.
const REPEATS_MAX: usize = 3;

pub(super) async fn run_creates(lane: &Lane<'_>) -> Result<(), ProbeRefusal> {
    let rounds = (0..ROUNDS).map(|round| create_round(lane, round));
    // Every round is awaited, also after a refusal: a put that were dropped
    // on its way could land after the probe has cleaned up.
    join_all(rounds).await.into_iter().collect()
}

pub(super) async fn run_swaps(lane: &Lane<'_>) -> Result<(), ProbeRefusal> {
    let rounds = (0..ROUNDS).map(|round| swap_round(lane, round));
    // Every round is awaited, also after a refusal: a put that were dropped
    // on its way could land after the probe has cleaned up.
    join_all(rounds).await.into_iter().collect()
}

async fn create_round(lane: &Lane<'_>, round: usize) -> Result<(), ProbeRefusal> {
    let check = ProbeCheck::CreateRace;
    for repeat in 0..=REPEATS_MAX {
        let key = lane.key(&format!("{round}-{repeat}"));
        let outcomes = race(lane, &key, &Condition::Absent).await;
        if judge(lane, check, &key, outcomes).await? == Round::Decided {
            return Ok(());
        }
    }
    Err(unfit(check, "nobody won, in four rounds"))
}

async fn swap_round(lane: &Lane<'_>, round: usize) -> Result<(), ProbeRefusal> {
    let check = ProbeCheck::SwapRace;
    for repeat in 0..=REPEATS_MAX {
        let key = lane.key(&format!("{round}-{repeat}"));
        let start = lane
            .apply(check, &key, lane.body("start"), Condition::Absent)
            .await?;
        let outcomes = race(lane, &key, &Condition::Matches(start)).await;
        if judge(lane, check, &key, outcomes).await? == Round::Decided {
            return Ok(());
        }
    }
    Err(unfit(check, "nobody won, in four rounds"))
}

#[derive(PartialEq, Eq)]
enum Round {
    Decided,
    Undecided,
}

type Outcomes = Vec<(Bytes, Result<PutAnswer, StoreError>)>;

async fn race(lane: &Lane<'_>, key: &str, condition: &Condition) -> Outcomes {
    join_all((0..RIVALS).map(|rival| async move {
        let body = lane.body(&format!("rival {rival} for {key}"));
        let answer = lane.try_put(key, body.clone(), condition.clone()).await;
        (body, answer)
    }))
    .await
}

/// Exactly one winner, and it is what the key holds. An answer that is
/// missing is no win and no loss; the read back says whether it was one.
async fn judge(
    lane: &Lane<'_>,
    check: ProbeCheck,
    key: &str,
    outcomes: Outcomes,
) -> Result<Round, ProbeRefusal> {
    let winners: Vec<&Bytes> = outcomes
        .iter()
        .filter(|(_, answer)| matches!(answer, Ok(PutAnswer::Applied(_))))
        .map(|(body, _)| body)
        .collect();
    let winner = match winners[..] {
        [] => return no_winner(check, outcomes),
        [winner] => winner,
        _ => return Err(unfit(check, format!("{} of {RIVALS} won", winners.len()))),
    };
    match lane.read(check, key).await? {
        Some(object) if object.body == *winner => Ok(Round::Decided),
        Some(_) => Err(unfit(
            check,
            "one won, and another one's body was read back",
        )),
        None => Err(unfit(check, "one won, and nothing was read back")),
    }
}

fn no_winner(check: ProbeCheck, outcomes: Outcomes) -> Result<Round, ProbeRefusal> {
    let mut refused = 0;
    for (_, answer) in outcomes {
        match answer {
            Ok(PutAnswer::Refused) => refused += 1,
            Ok(_) => {}
            Err(error) if error.may_have_happened() => {}
            Err(error) => return Err(ProbeRefusal::Unanswered { check, error }),
        }
    }
    match refused {
        RIVALS => Err(unfit(check, "all were refused")),
        _ => Ok(Round::Undecided),
    }
}
