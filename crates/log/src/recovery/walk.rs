use super::entry::{Entry, read_entry};
use super::evidence::{Wound, after_wound};
use super::{After, Content, Decision, Observation, SegmentPlace, TornTail, decide};
use crate::log::History;
use crate::segment::{
    HEADER_BLOCK_BYTES, SegmentHeader, SegmentInfo, SegmentMap, Window, list_segments,
    segment_path, shard_directory,
};
use crate::{Batch, Damage, Disk, LogError};
use std::collections::VecDeque;
use understudy_types::{ClusterId, Lsn, Position, ShardName};

const PIECE_BYTES: usize = 4 * 1024 * 1024;

/// Which shard's log to walk.
#[derive(Debug, Clone)]
pub(crate) struct ShardRoot {
    pub(crate) cluster: ClusterId,
    pub(crate) shard: ShardName,
    pub(crate) directory: String,
}

impl ShardRoot {
    pub(crate) fn new(cluster: ClusterId, shard: &ShardName) -> Self {
        ShardRoot {
            cluster,
            shard: shard.clone(),
            directory: shard_directory(shard),
        }
    }
}

/// What a walk over the whole log found. It changed nothing.
pub(crate) struct Walked {
    pub(crate) history: History,
    pub(crate) map: SegmentMap,
    pub(crate) torn_tail: Option<TornTail>,
    /// Where the batches of the last segment begin that no later batch
    /// proves flushed; its end when there are none.
    pub(crate) unproven_from: u64,
}

/// Verifies every byte of the log, in order, and shows each batch to `visit`.
/// Read-only.
pub(crate) fn walk<D: Disk>(
    disk: &D,
    root: &ShardRoot,
    visit: &mut dyn FnMut(&Batch),
) -> Result<Walked, LogError> {
    let segments = list_segments(disk, &root.directory)?;
    let history = History::new(root.cluster, &root.shard);
    let mut walker = Walker::new(disk, root, history, visit);
    for (number, first_lsn) in segments.iter().enumerate() {
        let last = number + 1 == segments.len();
        let place = if last {
            SegmentPlace::Last
        } else {
            SegmentPlace::Earlier
        };
        walker.segment(*first_lsn, place)?;
    }
    Ok(walker.finish())
}

/// Verifies every byte of one segment that others follow, as [`walk`] does.
/// Gives where its batches end, and the offset there. Read-only.
pub(crate) fn walk_sealed<D: Disk>(
    disk: &D,
    root: &ShardRoot,
    before: Option<Position>,
    first_lsn: Lsn,
    visit: &mut dyn FnMut(&Batch),
) -> Result<(Option<Position>, u64), LogError> {
    let history = History::standing_at(root.cluster, &root.shard, before);
    let mut walker = Walker::new(disk, root, history, visit);
    walker.segment(first_lsn, SegmentPlace::Earlier)?;
    let Walked { history, map, .. } = walker.finish();
    let offset = map.segments.last().map_or(0, |segment| segment.end);
    Ok((history.head(), offset))
}

struct Walker<'a, D: Disk> {
    disk: &'a D,
    root: &'a ShardRoot,
    visit: &'a mut dyn FnMut(&Batch),
    history: History,
    map: SegmentMap,
    torn_tail: Option<TornTail>,
    /// Last lsn and offset of the batches not proven flushed.
    unproven: VecDeque<(Lsn, u64)>,
}

impl<'a, D: Disk> Walker<'a, D> {
    fn new(
        disk: &'a D,
        root: &'a ShardRoot,
        history: History,
        visit: &'a mut dyn FnMut(&Batch),
    ) -> Self {
        Walker {
            disk,
            root,
            visit,
            history,
            map: SegmentMap::default(),
            torn_tail: None,
            unproven: VecDeque::new(),
        }
    }

    fn segment(&mut self, first_lsn: Lsn, place: SegmentPlace) -> Result<(), LogError> {
        let path = segment_path(&self.root.directory, first_lsn);
        let mut window = Window::open(self.disk, &path, PIECE_BYTES)?;
        self.check_header(&mut window, &path, first_lsn)?;
        let salt = self.history.head_hash();
        let bytes_total = self.history.bytes_total();
        let mut info = SegmentInfo::empty(path, first_lsn, salt, bytes_total);
        self.unproven.clear();
        while self.step(&mut window, &mut info, place)? == Decision::Accept {}
        self.map.segments.push(info);
        Ok(())
    }

    fn check_header(&self, window: &mut Window<D>, path: &str, named: Lsn) -> Result<(), LogError> {
        let damage = |expected: String, found: String| -> LogError {
            Damage {
                file: path.to_owned(),
                offset: 0,
                expected,
                found,
            }
            .into()
        };
        let next = self.history.next_lsn();
        if named != next {
            let expected = format!("the segment that begins with record {next}");
            return Err(damage(
                expected,
                format!("one that begins with record {named}"),
            ));
        }
        let block = window
            .slice(self.disk, 0, HEADER_BLOCK_BYTES)?
            .unwrap_or_default();
        let found = SegmentHeader::decode(&block)
            .map_err(|e| damage("a segment's header".into(), e.to_string()))?;
        let expected = SegmentHeader {
            cluster: self.root.cluster,
            shard: self.root.shard.clone(),
            first_lsn: named,
            previous: self.history.head_hash(),
        };
        if found != expected {
            return Err(damage(format!("{expected:?}"), format!("{found:?}")));
        }
        Ok(())
    }

    /// Looks at one entry, decides, and does what walking can do about it.
    fn step(
        &mut self,
        window: &mut Window<D>,
        info: &mut SegmentInfo,
        place: SegmentPlace,
    ) -> Result<Decision, LogError> {
        let entry = read_entry(self.disk, window, &info.previous, info.end)?;
        let (observation, end) = self.observe(&entry, window, info, place)?;
        let (decision, row) = decide(observation);
        match (decision, entry) {
            (Decision::Accept, Entry::Batch { batch, flushed }) => {
                self.accept(info, &batch, flushed);
            }
            (Decision::CleanEnd, _) => {}
            (Decision::TruncateTorn, entry) => {
                let (file, offset) = (info.path.clone(), info.end);
                let found = describe(&entry, &self.history);
                self.torn_tail = Some(TornTail {
                    file,
                    offset,
                    bytes: end - offset,
                    found,
                    row,
                });
            }
            (_, entry) => {
                let (file, offset) = (info.path.clone(), info.end);
                let next = self.history.next_lsn();
                let expected = format!("the batch that begins with record {next}");
                let found = format!("{} ({row})", describe(&entry, &self.history));
                return Err(Damage {
                    file,
                    offset,
                    expected,
                    found,
                }
                .into());
            }
        }
        Ok(decision)
    }

    /// The row's key, and where the segment's last used byte ends.
    fn observe(
        &self,
        entry: &Entry,
        window: &mut Window<D>,
        info: &SegmentInfo,
        place: SegmentPlace,
    ) -> Result<(Observation, u64), LogError> {
        let mut after = After::Nothing;
        let mut end = info.end;
        let content = match entry {
            Entry::Batch { batch, .. } => match self.history.check(batch.header()) {
                Ok(()) => Content::Linked,
                Err(_) => Content::Unlinked,
            },
            Entry::Blank | Entry::Damaged(_) => match window.last_used(self.disk, info.end)? {
                None => Content::Blank,
                Some(used) => {
                    end = used;
                    after = self.after(window, info, place, used)?;
                    if matches!(entry, Entry::Blank) {
                        Content::Hole
                    } else {
                        Content::Damaged
                    }
                }
            },
        };
        Ok((
            Observation {
                content,
                place,
                after,
            },
            end,
        ))
    }

    fn after(
        &self,
        window: &mut Window<D>,
        info: &SegmentInfo,
        place: SegmentPlace,
        end: u64,
    ) -> Result<After, LogError> {
        if place == SegmentPlace::Earlier {
            return Ok(After::Nothing);
        }
        let wound = Wound {
            offset: info.end,
            end,
            expected: self.history.next_lsn(),
        };
        Ok(after_wound(self.disk, window, &info.previous, &wound)?)
    }

    fn accept(&mut self, info: &mut SegmentInfo, batch: &Batch, flushed: Option<Lsn>) {
        while self
            .unproven
            .front()
            .is_some_and(|(last, _)| Some(*last) <= flushed)
        {
            self.unproven.pop_front();
        }
        self.unproven.push_back((batch.last_lsn(), info.end));
        info.note(batch.header());
        self.history.note(batch.header());
        (self.visit)(batch);
    }

    fn finish(self) -> Walked {
        let end = self.map.segments.last().map_or(0, |info| info.end);
        let unproven_from = self.unproven.front().map_or(end, |(_, offset)| *offset);
        let Walker {
            history,
            map,
            torn_tail,
            ..
        } = self;
        Walked {
            history,
            map,
            torn_tail,
            unproven_from,
        }
    }
}

fn describe(entry: &Entry, history: &History) -> String {
    match entry {
        Entry::Blank => "zeros, and other bytes further on".to_owned(),
        Entry::Damaged(error) => error.to_string(),
        Entry::Batch { batch, .. } => match history.check(batch.header()) {
            Ok(()) => "the next batch".to_owned(),
            Err(refusal) => format!("a batch that does not follow: {refusal}"),
        },
    }
}
