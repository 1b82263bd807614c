// The panels below the answers.
import { lagKnown } from './answers.js';
import { bytes, count, element, fill, say, seconds } from './words.js';

const at = (id) => document.getElementById(id);
const dash = '–';
const lsn = (position) => (position == null ? dash : count(position.lsn));

export const header = ({ own }, nodes) => {
  document.title = `${own.node}: ${own.role} · ${own.cluster_name}`;
  say(at('cluster'), own.cluster_name);
  say(at('where'), `${own.node}, ${own.role}, version ${own.version}, policy ${own.ack_policy}${nodes.length > 1 ? `, ${nodes.length} nodes` : ''}`);
};

const node = (answer) => {
  const { status } = answer;
  if (status == null) {
    return element('div', { class: 'node', 'data-tone': 'bad' }, element('strong', {}, 'NOT REACHABLE'), element('p', {}, answer.endpoint), element('p', {}, answer.error ?? 'it has not answered yet'));
  }
  const tone = status.role === 'primary' || status.stream?.state === 'streaming' ? 'good' : 'warn';
  const { maintenance } = status;
  const paused = maintenance == null ? [] : [element('p', { class: 'maintenance' }, `MAINTENANCE, writes are refused: ${maintenance.reason || 'no reason given'} (${maintenance.by})`)];
  const clients = Object.values(status.shards).map((shard) => shard.client_address);
  return element('div', { class: 'node', 'data-tone': tone },
    element('strong', {}, `${status.node} · ${status.role.toUpperCase().replace('_', ' ')}`),
    element('p', {}, `up ${seconds(status.uptime_seconds)}, clients at ${clients.join(', ')}`),
    element('p', {}, `replication at ${answer.endpoint}`), ...paused);
};

const link = ({ standbys, primary }) => {
  const [standby] = standbys;
  if (standby != null) {
    const { stream } = standby;
    const sound = stream.state === 'streaming' && lagKnown(standby);
    const lines = sound ? [`streaming${stream.round_trip_seconds == null ? '' : `, rtt ${seconds(stream.round_trip_seconds)}`}`] : [stream.state === 'streaming' ? 'lag unknown' : stream.state];
    if (stream.reconnects > 0) lines.push(stream.reconnects === 1 ? 'one reconnect' : `${count(stream.reconnects)} reconnects`);
    return element('div', { class: 'link', 'data-tone': sound ? 'good' : 'bad' }, element('b', { 'aria-hidden': 'true' }, sound ? '──▶' : '╌ ✗ ╌'), lines.join(', '));
  }
  const connected = primary?.standbys.filter((one) => one.connected) ?? [];
  const words = connected.length > 0 ? `streams to ${connected.map((one) => one.node).join(', ')}` : 'no stream';
  return element('div', { class: 'link', 'data-tone': connected.length > 0 ? 'good' : 'bad' }, element('b', { 'aria-hidden': 'true' }, connected.length > 0 ? '──▶' : '╌ ✗ ╌'), words);
};

// What the only node that is known here says of the other one.
const hearsay = ({ own, primary }) => {
  const names = own.stream != null ? [own.stream.primary] : (primary?.standbys ?? []).map((one) => one.node);
  const who = names.length > 0 ? names.join(', ') : 'no other node';
  return element('div', { class: 'node', 'data-tone': 'warn' }, element('strong', {}, who), element('p', {}, 'not asked yet, or its address is not known here (console.peers)'));
};

export const topology = (known, nodes) => {
  const leads = (answer) => (answer.status == null ? 1 : answer.status.role === 'primary' ? 0 : 2);
  const sorted = [...nodes].sort((one, two) => leads(one) - leads(two));
  const boxes = sorted.map(node);
  if (boxes.length === 1) boxes.splice(known.own.stream != null ? 0 : 1, 0, hearsay(known));
  at('topology').replaceChildren(...boxes.flatMap((box, index) => (index === 0 ? [box] : [link(known), box])));
};

export const lease = ({ own, primary }) => {
  const seen = (primary ?? own).lease;
  const rows = [];
  if (seen == null) {
    rows.push(['lease', 'not read yet']);
  } else {
    const left = seen.remaining_seconds;
    rows.push(['epoch', String(seen.epoch)], ['state', `${seen.state} by ${seen.holder ?? 'nobody'}`]);
    rows.push(['valid for', left == null ? `unchanged for ${seconds(seen.seen_seconds_ago)}, ttl ${seconds(seen.ttl_seconds)}` : left > 0 ? `${seconds(left)} of ${seconds(seen.ttl_seconds)}` : `LAPSED ${seconds(-left)} ago`]);
    rows.push(['store', seen.store_answered_seconds_ago == null ? 'has not answered yet' : `answered ${seconds(seen.store_answered_seconds_ago)} ago`]);
    if (seen.ack_policy === 'replicated') rows.push(['in sync', seen.in_sync.join(', ') || 'NOBODY: writes rest in the object store']);
    if (seen.without_store) rows.push(['STORE', `GIVEN UP by ${seen.without_store.by}: the lease is on the holder’s own disk`]);
    if (seen.handover_to) rows.push(['handing over to', seen.handover_to]);
    if (seen.unacknowledged_epoch) rows.push(['to look at', `epoch ${seen.unacknowledged_epoch} was taken by an automatic failover: understudy acknowledge`]);
  }
  rows.push(['failover', own.failover === 'automatic' ? 'automatic' : 'by an operator']);
  if (own.failsafe === 'on') rows.push(['failsafe', own.goes_on_by_word ? 'the store is silent: goes on by the standbys’ word' : 'on']);
  at('lease').replaceChildren(...rows.flatMap(([name, text]) => [element('dt', {}, name), element('dd', {}, text)]));
};

const stateCell = (state) => {
  if (state == null) return dash;
  if (state.outcome === 'equal') return { text: `✓ equal, ${seconds(state.seconds_ago)} ago`, tone: 'good' };
  if (state.outcome === 'diverged') return { text: `✗ DIVERGED at ${count(state.lsn)}`, tone: 'bad' };
  return { text: '? not compared', tone: 'warn' };
};

const same = (one, two) => one != null && two != null && one.lsn === two.lsn && one.hash === two.hash;

export const positions = ({ statuses }) => {
  const rows = [];
  for (const status of statuses) {
    for (const [name, shard] of Object.entries(status.shards)) {
      const { lag, primary } = shard;
      const least = lag != null && !lag.known ? '≥ ' : '';
      const behind = (value, told) => (lag == null ? dash : `${least}${told(value(lag))}`);
      const received = primary?.flushed == null || lag == null ? null : Math.max(primary.flushed.lsn - lag.records_received, shard.flushed?.lsn ?? 0);
      rows.push([
        `${status.node} / ${name}`, lsn(primary?.flushed), count(received),
        { text: same(shard.flushed, primary?.flushed) ? `${lsn(shard.flushed)} ✓` : lsn(shard.flushed), title: shard.flushed?.hash },
        count(shard.applied), behind((of) => of.records_applied, count), behind((of) => of.bytes_flushed, bytes), behind((of) => of.seconds, seconds),
        stateCell(shard.state), count(shard.quarantined_records),
      ]);
    }
  }
  fill(at('positions'), ['node / shard', 'primary', 'received', 'flushed', 'applied', 'behind', 'bytes', 'time', 'state', 'quarantined'], rows);
};

const scrubCell = (scrub) => {
  if (scrub == null) return 'off';
  if (scrub.damage) return { text: '✗ DAMAGED', tone: 'bad', title: scrub.damage };
  const last = scrub.last_pass_seconds_ago;
  return last == null ? 'first pass under way' : `✓ verified ${seconds(last)} ago`;
};

export const health = ({ statuses }) => {
  const rows = statuses.flatMap((status) => Object.entries(status.shards).map(([name, shard]) => [
    `${status.node} / ${name}`, shard.flush == null ? dash : seconds(shard.flush.p50_seconds), shard.flush == null ? dash : seconds(shard.flush.p99_seconds),
    bytes(shard.flushed_bytes), bytes(shard.state_memory_bytes), bytes(status.disk_free_bytes), scrubCell(shard.scrub),
  ]));
  fill(at('health'), ['node / shard', 'flush p50', 'flush p99', 'log', 'state', 'disk free', 'old segments'], rows);
};

const WEEK = 7 * 86400;

const leftCell = ({ seconds_left: left, problem }) => {
  if (left < 0) return { text: `✗ EXPIRED ${seconds(-left)} ago`, tone: 'bad' };
  if (problem) return { text: `! ${seconds(left)}; its files cannot be used: ${problem}`, tone: 'warn' };
  return left < WEEK ? { text: `! ${seconds(left)}`, tone: 'warn' } : { text: `✓ ${seconds(left)}`, tone: 'good' };
};

export const certificates = ({ statuses }) => {
  const rows = statuses.flatMap((status) => (status.certificates ?? []).map((certificate) => [
    `${status.node} / ${certificate.name}`, certificate.holder, new Date(certificate.expires_at_unix * 1000).toLocaleString(), leftCell(certificate),
  ]));
  at('certificates-section').hidden = rows.length === 0;
  fill(at('certificates'), ['node / use', 'holder', 'ends', 'left'], rows);
};
