//! Splits a response that is too large for the client that asked for it.

use prost::Message;
use understudy_wire::etcd::etcdserverpb::WatchResponse;

/// The response in parts of at most `bytes_max` of events, the last of which
/// does not say `fragment`. An event is never split.
pub(super) fn fragments(response: WatchResponse, bytes_max: usize) -> Vec<WatchResponse> {
    if response.events.len() < 2 || response.encoded_len() <= bytes_max {
        return vec![response];
    }
    let WatchResponse {
        header,
        watch_id,
        events,
        ..
    } = response;
    let part = |events| WatchResponse {
        header,
        watch_id,
        events,
        fragment: true,
        ..WatchResponse::default()
    };
    let (mut parts, mut gathered, mut bytes) = (Vec::new(), Vec::new(), 0);
    for event in events {
        let event_bytes = event.encoded_len();
        if !gathered.is_empty() && bytes + event_bytes > bytes_max {
            parts.push(part(std::mem::take(&mut gathered)));
            bytes = 0;
        }
        bytes += event_bytes;
        gathered.push(event);
    }
    parts.push(WatchResponse {
        fragment: false,
        ..part(gathered)
    });
    parts
}

#[cfg(test)]
mod tests {
    use super::fragments;
    use bytes::Bytes;
    use understudy_wire::etcd::{
        etcdserverpb::WatchResponse,
        mvccpb::{Event, KeyValue},
    };

    fn response(event_count: u8) -> WatchResponse {
        let event = |number| Event {
            kv: Some(KeyValue {
                key: vec![number; 100].into(),
                ..KeyValue::default()
            }),
            ..Event::default()
        };
        WatchResponse {
            watch_id: 7,
            events: (0..event_count).map(event).collect(),
            ..WatchResponse::default()
        }
    }

    #[test]
    fn a_small_response_stays_whole() {
        assert_eq!(fragments(response(3), 4096), vec![response(3)]);
    }

    #[test]
    fn a_large_response_is_split_in_order_and_only_the_last_part_ends_it() {
        let parts = fragments(response(10), 350);
        assert_eq!(
            parts
                .iter()
                .map(|part| part.events.len())
                .collect::<Vec<_>>(),
            [3, 3, 3, 1]
        );
        assert!(parts.iter().all(|part| part.watch_id == 7));
        let flags: Vec<bool> = parts.iter().map(|part| part.fragment).collect();
        assert_eq!(flags, [true, true, true, false]);
        let events: Vec<_> = parts.into_iter().flat_map(|part| part.events).collect();
        assert_eq!(events, response(10).events);
    }

    #[test]
    fn an_event_above_the_limit_goes_out_alone() {
        let mut large = response(2);
        large.events[0].kv.as_mut().expect("set").value = Bytes::from(vec![0; 1000]);
        let parts = fragments(large, 350);
        assert_eq!(
            parts
                .iter()
                .map(|part| part.events.len())
                .collect::<Vec<_>>(),
            [1, 1]
        );
    }
}
