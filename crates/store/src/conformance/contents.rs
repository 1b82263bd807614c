use super::run::Run;
use super::{CellProblem, expect};
use crate::{Fetched, Listed, Object};
use bytes::Bytes;

type Outcome = Result<(), CellProblem>;

pub(super) async fn get_of_an_absent_key_answers_absent(run: &Run) -> Outcome {
    expect(
        run.store.get(&run.key("absent"), None).await?,
        Fetched::Absent,
    )
}

pub(super) async fn put_get_and_list_agree_on_the_etag(run: &Run) -> Outcome {
    let (key, other) = (run.key("one"), run.key("two"));
    let etag = run.create(&key, "one").await?;
    let other_etag = run.create(&other, "two").await?;
    let found = Object {
        etag: etag.clone(),
        body: Bytes::from_static(b"one"),
    };
    expect(run.store.get(&key, None).await?, Fetched::Found(found))?;
    let line = |key, etag| Listed { key, etag, size: 3 };
    let lines = vec![line(key, etag), line(other, other_etag)];
    expect(run.store.list(&run.key(""), None).await?, lines)
}

pub(super) async fn bodies_come_back_as_they_were(run: &Run) -> Outcome {
    let every_byte: Vec<u8> = (0..=255).collect();
    let large = every_byte.repeat(4096);
    for (name, body) in [
        ("empty", vec![]),
        ("every byte", every_byte),
        ("one MiB", large),
    ] {
        let (key, body) = (run.key(name), Bytes::from(body));
        run.create(&key, body.clone()).await?;
        let read = run.body(&key).await?;
        expect(read.as_ref().map(Bytes::len), Some(body.len()))?;
        expect(read == Some(body), true)?;
    }
    Ok(())
}

pub(super) async fn unusual_keys_are_kept_apart(run: &Run) -> Outcome {
    let names = [
        "a b",
        "a+b",
        "a%20b",
        "a%2Bb",
        "a=b&c",
        "é",
        "a/b/c",
        "a'b\"c<d>",
        "~_-.!*()",
    ];
    run.create_all(names.iter().map(|name| run.key(name)).collect())
        .await?;
    for name in names {
        let key = run.key(name);
        expect(run.body(&key).await?, Some(Bytes::from(key)))?;
    }
    let mut expected: Vec<String> = names.iter().map(|name| run.key(name)).collect();
    expected.sort();
    let listed = run.store.list(&run.key(""), None).await?;
    expect(
        listed.into_iter().map(|line| line.key).collect::<Vec<_>>(),
        expected,
    )
}

pub(super) async fn reads_see_the_write_before_them(run: &Run) -> Outcome {
    for round in 0..30 {
        let key = run.key(&format!("{round:02}"));
        expect(run.body(&key).await?, None)?;
        run.create(&key, key.clone()).await?;
        expect(run.body(&key).await?, Some(Bytes::from(key)))?;
        expect(run.store.list(&run.key(""), None).await?.len(), round + 1)?;
    }
    Ok(())
}
