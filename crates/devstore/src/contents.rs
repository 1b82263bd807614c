use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One object as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    /// MD5 of the body in hexadecimal digits, as S3 makes it; no quotes.
    pub(crate) etag: Arc<str>,
    pub(crate) body: Bytes,
    /// Milliseconds since the Unix epoch; shown to people only.
    pub(crate) modified: u64,
}

/// One change, as the journal holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    MakeBucket {
        bucket: String,
        modified: u64,
    },
    Put {
        bucket: String,
        key: String,
        object: Stored,
    },
    Delete {
        bucket: String,
        key: String,
    },
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Bucket {
    pub(crate) made: u64,
    pub(crate) objects: BTreeMap<String, Stored>,
}

/// Everything that the store holds: a function of the journal's records.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Contents {
    pub(crate) buckets: BTreeMap<String, Bucket>,
}

impl Contents {
    pub(crate) fn object(&self, bucket: &str, key: &str) -> Option<&Stored> {
        self.buckets.get(bucket)?.objects.get(key)
    }

    pub(crate) fn apply(&mut self, change: Change) {
        match change {
            Change::MakeBucket { bucket, modified } => {
                self.buckets.entry(bucket).or_insert_with(|| Bucket {
                    made: modified,
                    ..Bucket::default()
                });
            }
            Change::Put {
                bucket,
                key,
                object,
            } => {
                let bucket = self.buckets.entry(bucket).or_insert_with(|| Bucket {
                    made: object.modified,
                    ..Bucket::default()
                });
                bucket.objects.insert(key, object);
            }
            Change::Delete { bucket, key } => {
                if let Some(bucket) = self.buckets.get_mut(&bucket) {
                    bucket.objects.remove(&key);
                }
            }
        }
    }

    /// The changes that make these contents from nothing.
    pub(crate) fn changes(&self) -> impl Iterator<Item = Change> {
        self.buckets.iter().flat_map(|(name, bucket)| {
            let make = Change::MakeBucket {
                bucket: name.clone(),
                modified: bucket.made,
            };
            let puts = bucket.objects.iter().map(|(key, object)| Change::Put {
                bucket: name.clone(),
                key: key.clone(),
                object: object.clone(),
            });
            std::iter::once(make).chain(puts)
        })
    }
}
