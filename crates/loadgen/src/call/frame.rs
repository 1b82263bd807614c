use super::CallFailure;
use bytes::{BufMut, Bytes, BytesMut};
use prost::Message;

/// One byte of compression flag, four of length.
const PREFIX_LENGTH: usize = 5;

/// A message as gRPC sends it.
pub(crate) fn encode(message: &impl Message) -> Bytes {
    let length = message.encoded_len();
    let mut frame = BytesMut::with_capacity(PREFIX_LENGTH + length);
    frame.put_u8(0);
    frame.put_u32(u32::try_from(length).expect("a request is shorter than 4 GiB"));
    message
        .encode(&mut frame)
        .expect("the frame has the room that the message asked for");
    frame.freeze()
}

/// The one message of an answer's body.
pub(crate) fn decode<M: Message + Default>(body: Bytes) -> Result<M, CallFailure> {
    let malformed = |what: &str| CallFailure::Unanswered(format!("malformed answer: {what}"));
    if body.len() < PREFIX_LENGTH {
        return Err(malformed("no message"));
    }
    let length = u32::from_be_bytes([body[1], body[2], body[3], body[4]]) as usize;
    if body[0] != 0 || body.len() != PREFIX_LENGTH + length {
        return Err(malformed("not one uncompressed message"));
    }
    M::decode(body.slice(PREFIX_LENGTH..)).map_err(|error| malformed(&error.to_string()))
}

/// A request that was encoded once; each call gets a copy with its own key.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    frame: Bytes,
    key_at: usize,
    key_length: usize,
}

impl Template {
    /// `message` has `key` in its field 1, which is where put and range
    /// requests have it, so it stands first in the encoded message.
    pub(crate) fn new(message: &impl Message, key: &[u8]) -> Self {
        let frame = encode(message);
        let key_at = PREFIX_LENGTH + 1 + prost::length_delimiter_len(key.len());
        assert_eq!(
            frame.get(key_at..key_at + key.len()),
            Some(key),
            "the key is the first field of the message"
        );
        Template {
            frame,
            key_at,
            key_length: key.len(),
        }
    }

    pub(crate) fn with_key(&self, write_key: impl FnOnce(&mut [u8])) -> Bytes {
        let mut frame = BytesMut::from(&self.frame[..]);
        write_key(&mut frame[self.key_at..self.key_at + self.key_length]);
        frame.freeze()
    }
}
