use hyper::HeaderMap;
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Sha1, Sha256};
use s3s::dto::PutObjectInput;
use s3s::{S3Result, s3_error};

/// What the sender says that the body's checksums are, in base64: from the
/// headers, or from the trailers of a body that was sent in chunks.
#[derive(Debug, Default)]
pub(super) struct Announced {
    crc32: Option<String>,
    crc32c: Option<String>,
    crc64nvme: Option<String>,
    sha1: Option<String>,
    sha256: Option<String>,
}

impl Announced {
    pub(super) fn in_headers(input: &PutObjectInput) -> Self {
        Announced {
            crc32: input.checksum_crc32.clone(),
            crc32c: input.checksum_crc32c.clone(),
            crc64nvme: input.checksum_crc64nvme.clone(),
            sha1: input.checksum_sha1.clone(),
            sha256: input.checksum_sha256.clone(),
        }
    }

    pub(super) fn or_in_trailers(self, trailers: &HeaderMap) -> Self {
        let trailer = |name: &str| {
            trailers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        Announced {
            crc32: self.crc32.or_else(|| trailer("x-amz-checksum-crc32")),
            crc32c: self.crc32c.or_else(|| trailer("x-amz-checksum-crc32c")),
            crc64nvme: self
                .crc64nvme
                .or_else(|| trailer("x-amz-checksum-crc64nvme")),
            sha1: self.sha1.or_else(|| trailer("x-amz-checksum-sha1")),
            sha256: self.sha256.or_else(|| trailer("x-amz-checksum-sha256")),
        }
    }

    /// Refuses a body that is not the one that was sent.
    pub(super) fn check(&self, body: &[u8]) -> S3Result<()> {
        let mut hasher = ChecksumHasher {
            crc32: self.crc32.as_ref().map(|_| Crc32::new()),
            crc32c: self.crc32c.as_ref().map(|_| Crc32c::new()),
            crc64nvme: self.crc64nvme.as_ref().map(|_| Crc64Nvme::new()),
            sha1: self.sha1.as_ref().map(|_| Sha1::new()),
            sha256: self.sha256.as_ref().map(|_| Sha256::new()),
        };
        hasher.update(body);
        let found = hasher.finalize();
        let all_equal = self.crc32 == found.checksum_crc32
            && self.crc32c == found.checksum_crc32c
            && self.crc64nvme == found.checksum_crc64nvme
            && self.sha1 == found.checksum_sha1
            && self.sha256 == found.checksum_sha256;
        match all_equal {
            true => Ok(()),
            false => Err(s3_error!(
                BadDigest,
                "the body has another checksum than announced"
            )),
        }
    }
}
