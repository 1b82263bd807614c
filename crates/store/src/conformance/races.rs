use super::run::{PARALLEL, Run};
use super::{CellProblem, expect};
use crate::{Condition, Fetched, Object, PutAnswer};
use bytes::Bytes;
use futures::future::{join_all, try_join_all};

type Outcome = Result<(), CellProblem>;

const ROUNDS: usize = 10;
const INCREMENTS: u32 = 5;

pub(super) async fn of_rival_creates_exactly_one_is_applied(run: &Run) -> Outcome {
    for round in 0..ROUNDS {
        let key = run.key(&round.to_string());
        race(run, &key, Condition::Absent).await?;
    }
    Ok(())
}

pub(super) async fn of_rival_swaps_exactly_one_is_applied(run: &Run) -> Outcome {
    for round in 0..ROUNDS {
        let key = run.key(&round.to_string());
        let start = run.create(&key, "start").await?;
        race(run, &key, Condition::Matches(start)).await?;
    }
    Ok(())
}

async fn race(run: &Run, key: &str, condition: Condition) -> Outcome {
    let answers = join_all((0..PARALLEL).map(|rival| {
        let store = run.store.clone();
        let (key, condition) = (key.to_owned(), condition.clone());
        tokio::spawn(async move { store.put(&key, rival_body(rival), condition).await })
    }))
    .await;
    let mut winners = Vec::new();
    for (rival, answer) in answers.into_iter().enumerate() {
        match answer.expect("a put does not panic")? {
            PutAnswer::Applied(_) => winners.push(rival),
            PutAnswer::Refused | PutAnswer::Conflict => {}
        }
    }
    expect(winners.len(), 1)?;
    expect(run.body(key).await?, Some(rival_body(winners[0])))
}

fn rival_body(rival: usize) -> Bytes {
    Bytes::from(format!("rival {rival}"))
}

pub(super) async fn no_increment_is_lost(run: &Run) -> Outcome {
    let key = run.key("counter");
    run.create(&key, "0").await?;
    try_join_all((0..PARALLEL).map(|_| async {
        for _ in 0..INCREMENTS {
            increment(run, &key).await?;
        }
        Ok::<_, CellProblem>(())
    }))
    .await?;
    let total = (PARALLEL as u32 * INCREMENTS).to_string();
    expect(run.body(&key).await?, Some(Bytes::from(total)))
}

async fn increment(run: &Run, key: &str) -> Outcome {
    loop {
        let Object { etag, body } = match run.store.get(key, None).await? {
            Fetched::Found(object) => object,
            other => return expect(format!("{other:?}"), "the counter".to_owned()),
        };
        let count = std::str::from_utf8(&body)
            .ok()
            .and_then(|text| text.parse::<u32>().ok());
        let Some(count) = count else {
            return expect(format!("{body:?}"), "a number".to_owned());
        };
        let next = Bytes::from((count + 1).to_string());
        match run.store.put(key, next, Condition::Matches(etag)).await? {
            PutAnswer::Applied(_) => return Ok(()),
            PutAnswer::Refused | PutAnswer::Conflict => {}
        }
    }
}
