// The three answers, from what both nodes say. Pure: facts in, words out.
import { bytes, count, loss, records, seconds } from './words.js';

// What another node said longer ago is no word about now.
const HEARD_MAX = 5;

// Whoever answered lately; `away` are addresses that did not.
export const pair = (nodes) => {
  const fresh = (node) => node.status != null && node.seconds_ago <= HEARD_MAX;
  const statuses = nodes.filter(fresh).map((node) => node.status);
  return {
    own: nodes[0].status,
    statuses,
    away: nodes.filter((node) => !fresh(node)),
    primary: statuses.find((status) => status.role === 'primary'),
    standbys: statuses.filter((status) => status.stream != null),
  };
};

const shards = (status) => Object.entries(status.shards);
const lags = (status) => shards(status).map(([, shard]) => shard.lag);
export const lagKnown = (status) => lags(status).every((lag) => lag?.known);
const streams = (status) => status.stream?.state === 'streaming' && lagKnown(status);
const worst = (status, of) => Math.max(0, ...lags(status).map((lag) => (lag == null ? 0 : of(lag))));
const damage = (statuses) => {
  for (const status of statuses) {
    for (const [name, shard] of shards(status)) {
      if (shard.scrub?.damage) return `${status.node}, shard ${name}: ${shard.scrub.damage}`;
    }
  }
  return null;
};
const divergence = (standbys) => {
  for (const status of standbys) {
    for (const [name, shard] of shards(status)) {
      if (shard.state?.outcome === 'diverged') return { node: status.node, name, lsn: shard.state.lsn };
    }
  }
  return null;
};

const answer = (tone, word, why) => ({ tone, word, why });

export const canFailOver = (known) => {
  const { primary, standbys, statuses } = known;
  const moving = statuses.find((status) => ['promoting', 'claimed', 'handing_over'].includes(status.role));
  if (moving != null) {
    const handing = moving.role === 'handing_over';
    return answer('warn', 'TAKING OVER', handing ? `${moving.node} hands its role over now; writes are held for a moment.` : `${moving.node} is taking over now (promised epoch ${moving.promised_epoch}).`);
  }
  const given = statuses.map((status) => status.lease?.without_store).find((mark) => mark != null);
  if (given != null) return answer('bad', 'NO, STORE GIVEN UP', `All that is acknowledged is on one machine alone, and no standby can follow, until understudy store adopt. By ${given.by}: ${given.reason || 'no reason given'}; evidence: ${given.fenced_by}.`);
  if (standbys.length === 0) return withoutStandby(known);
  const [standby] = standbys;
  const diverged = divergence([standby]);
  if (diverged != null) return answer('bad', 'NO', `The state of ${diverged.node} is not the primary's (shard ${diverged.name}, from LSN ${count(diverged.lsn)} on): a promotion is refused. Way out: understudy rebuild.`);
  const damaged = damage([standby]);
  if (damaged != null) return answer('bad', 'NO', `The log is damaged: ${damaged}.`);
  if (standby.lease == null) return answer('bad', 'UNKNOWN', `${standby.node} has not read the lease: does the object store answer?`);
  const planned = primary != null && streams(standby) ? ` A switchover, with ${primary.node} alive, loses nothing.` : '';
  if (standby.loss_bound === 'nothing') return answer('good', 'YES, LOSES NOTHING', `A failover to ${standby.node} loses no acknowledged write.`);
  const lost = loss(standby.loss_bound);
  if (standby.loss_bound == null || standby.loss_bound === 'unknown') return answer('bad', 'LOSS UNKNOWN', `A failover to ${standby.node} could lose ${lost}.`);
  return answer(streams(standby) ? 'warn' : 'bad', streams(standby) ? 'YES, WITH LOSS' : 'ONLY WITH LOSS', `A failover to ${standby.node} could lose ${lost}.${planned}`);
};

const withoutStandby = ({ own, primary, away }) => {
  if (primary == null) return answer('bad', 'UNKNOWN', `${own.node} is ${own.role}, and no primary and no standby answers.`);
  const connected = primary.standbys.filter((standby) => standby.connected);
  if (connected.length === 0) return answer('bad', 'NO', `No standby streams from ${primary.node}.`);
  const who = connected.map((standby) => standby.node).join(', ');
  const why = away.length > 0 ? `it does not answer at ${away.map((node) => node.endpoint).join(', ')}` : 'this node does not know its address (console.peers)';
  return answer('warn', 'ASK THE STANDBY', `${who} streams from ${primary.node}, but only its own word counts, and ${why}.`);
};

const storeHolds = ({ primary }) => primary?.lease?.ack_policy === 'replicated' && primary.lease.in_sync.length === 0;

export const isFlowing = (known) => {
  const { primary, standbys } = known;
  const nobody = storeHolds(known) ? ' Nobody is in sync: acknowledged writes rest in the object store.' : '';
  if (standbys.length === 0) {
    const connected = primary?.standbys.filter((standby) => standby.connected) ?? [];
    if (connected.length === 0) return answer('bad', 'NO', `No standby streams.${nobody}`);
    const behind = Math.max(0, ...connected.flatMap((standby) => Object.values(standby.records_behind)));
    return answer(behind > 0 || nobody ? 'warn' : 'good', 'YES', `${connected.map((standby) => standby.node).join(', ')} streams, ${records(behind)} not yet reported as flushed.${nobody}`);
  }
  const [standby] = standbys;
  const { stream } = standby;
  if (!streams(standby)) {
    const heard = stream.heartbeat_age_seconds;
    const silence = heard == null ? `${standby.node} never heard ${stream.primary}` : `${standby.node} heard ${stream.primary} last ${seconds(heard)} ago`;
    const cause = stream.cause ? ` Cause: ${stream.cause}.` : '';
    return answer('bad', 'NO, LAG UNKNOWN', `${silence}.${cause}${nobody}`);
  }
  const time = worst(standby, (lag) => lag.seconds);
  const behind = worst(standby, (lag) => lag.records_applied);
  const heard = `heartbeat ${seconds(stream.heartbeat_age_seconds)} ago`;
  if (time > 1 || behind > 10000) {
    return answer('warn', 'CATCHING UP', `${standby.node} is ${records(behind)} (${bytes(worst(standby, (lag) => lag.bytes_flushed))}, ${seconds(time)}) behind ${stream.primary}; ${heard}.${nobody}`);
  }
  const how = behind === 0 ? `has applied all that ${stream.primary} had` : `is ${records(behind)} (${seconds(time)}) behind ${stream.primary}`;
  return answer(nobody ? 'warn' : 'good', nobody ? 'YES, NOT IN SYNC' : 'YES', `${standby.node} ${how}; ${heard}.${nobody}`);
};

export const isRight = ({ primary, standbys, statuses }) => {
  const diverged = divergence(standbys);
  if (diverged != null) return answer('bad', 'NO, DIVERGED', `The digest of ${diverged.node} is not the primary's: shard ${diverged.name}, from LSN ${count(diverged.lsn)} on.`);
  const told = primary?.standbys.find((standby) => standby.state_diverged);
  if (told != null) return answer('bad', 'NO, DIVERGED', `${told.node} says that its state is not the primary's.`);
  const damaged = damage(statuses);
  if (damaged != null) return answer('bad', 'NO, DAMAGED', `${damaged}.`);
  const left = statuses.flatMap(shards).reduce((sum, [, shard]) => sum + shard.quarantined_records, 0);
  const aside = left > 0 ? ` ${records(left)} in quarantine: understudy quarantine list.` : '';
  const states = standbys.flatMap((status) => shards(status).map(([, shard]) => shard.state));
  if (states.length === 0) return answer('warn', 'NOT COMPARED', `No standby answers here, so no state is compared.${aside}`);
  if (states.some((state) => state?.outcome !== 'equal')) return answer('warn', 'NOT YET COMPARED', `The state has not been compared with the primary's since it was made.${aside}`);
  const age = Math.max(...states.map((state) => state.seconds_ago));
  const stale = age > 30;
  return answer(stale || left > 0 ? 'warn' : 'good', stale ? 'WAS EQUAL' : 'YES', `The state's digest was equal to the primary's ${seconds(age)} ago; the chain of the log is checked with every batch.${aside}`);
};
