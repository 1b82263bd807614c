use super::{Backend, timestamp};
use s3s::S3Result;
use s3s::dto::*;
use std::ops::Bound;

/// S3's own limit, and its default.
const KEYS_MAX: usize = 1000;

/// One page of a listing, before it is spelled as S3 wants it.
#[derive(Debug, Default)]
struct Page {
    contents: Vec<Object>,
    common_prefixes: Vec<String>,
    /// The last line of a page that is not the last page.
    resume_after: Option<String>,
}

impl Page {
    fn len(&self) -> usize {
        self.contents.len() + self.common_prefixes.len()
    }
}

impl Backend {
    pub(super) fn list(&self, input: ListObjectsV2Input) -> S3Result<ListObjectsV2Output> {
        self.check_bucket(&input.bucket)?;
        let asked = input.max_keys.and_then(|max| usize::try_from(max).ok());
        let keys_max = asked.map_or(KEYS_MAX, |max| max.min(KEYS_MAX));
        let page = self.page(&input, keys_max);
        let prefixes = page.common_prefixes.iter().map(|prefix| CommonPrefix {
            prefix: Some(prefix.clone()),
        });
        Ok(ListObjectsV2Output {
            common_prefixes: Some(prefixes.collect()),
            key_count: i32::try_from(page.len()).ok(),
            max_keys: i32::try_from(keys_max).ok(),
            is_truncated: Some(page.resume_after.is_some()),
            next_continuation_token: page.resume_after,
            contents: Some(page.contents),
            continuation_token: input.continuation_token,
            delimiter: input.delimiter,
            name: Some(input.bucket),
            prefix: input.prefix,
            start_after: input.start_after,
            ..ListObjectsV2Output::default()
        })
    }

    /// A continuation token is the last line of the page before: a key, or a
    /// common prefix whose keys are all passed over.
    fn page(&self, input: &ListObjectsV2Input, keys_max: usize) -> Page {
        let prefix = input.prefix.as_deref().unwrap_or_default();
        let delimiter = input
            .delimiter
            .as_deref()
            .filter(|delimiter| !delimiter.is_empty());
        let token = input.continuation_token.as_deref();
        let after = token
            .or(input.start_after.as_deref())
            .unwrap_or_default()
            .to_owned();
        let mut page = Page::default();
        let shelf = self.shelf.read();
        let Some(bucket) = shelf.buckets.get(&input.bucket) else {
            return page;
        };
        let mut last = None;
        let from = match after.as_str() < prefix {
            true => Bound::Included(prefix.to_owned()),
            false => Bound::Excluded(after.clone()),
        };
        for (key, object) in bucket.objects.range((from, Bound::Unbounded)) {
            if !key.starts_with(prefix) {
                break;
            }
            let common = delimiter.and_then(|delimiter| common_prefix(key, prefix, delimiter));
            if common.is_some_and(|common| last.as_deref() == Some(common) || after == common) {
                continue;
            }
            if page.len() == keys_max {
                page.resume_after = last;
                break;
            }
            last = Some(common.unwrap_or(key).to_owned());
            match common {
                Some(common) => page.common_prefixes.push(common.to_owned()),
                None => page.contents.push(Object {
                    key: Some(key.clone()),
                    e_tag: Some(self.etag(object)),
                    size: Some(object.body.len() as i64),
                    last_modified: Some(timestamp(object.modified)),
                    ..Object::default()
                }),
            }
        }
        page
    }
}

/// The key up to and with the first delimiter after the prefix.
fn common_prefix<'a>(key: &'a str, prefix: &str, delimiter: &str) -> Option<&'a str> {
    let rest = key.get(prefix.len()..)?;
    let end = rest.find(delimiter)? + delimiter.len();
    key.get(..prefix.len() + end)
}
