// The lag of the last hours: read once, then grown by each event.
import { draw } from './chart.js';
import { bytes, count, say, seconds } from './words.js';

const KEPT_SECONDS = 6.5 * 3600;
const RANGES = [['5 minutes', 300], ['15 minutes', 900], ['1 hour', 3600], ['6 hours', 21600]];
const UNITS = {
  records: { stages: ['received', 'flushed', 'applied'], told: count, least: 10 },
  seconds: { stages: ['seconds'], told: seconds, least: 1 },
  bytes: { stages: ['bytes'], told: bytes, least: 1024 },
};
const FIELDS = ['seconds_ago', 'known', 'received', 'flushed', 'applied', 'bytes', 'seconds', 'log_records', 'log_bytes'];

const at = (id) => document.getElementById(id);
let samples = [];
let gapSeconds = 30;

const sampled = (row, now) => {
  const sample = Object.fromEntries(FIELDS.map((field, index) => [field, row[index]]));
  return { ...sample, time: now - sample.seconds_ago };
};

export const load = async (now) => {
  const answer = await fetch('/api/lag', { signal: AbortSignal.timeout(5000) });
  if (!answer.ok) return;
  const report = await answer.json();
  gapSeconds = report.gap_seconds;
  samples = report.samples.map((row) => sampled(row, now()));
};

export const grow = (row, now) => {
  samples.push(sampled(row, now));
  while (samples.length > 0 && now - samples[0].time > KEPT_SECONDS) samples.shift();
};

const line = (field, now) => ({
  name: field,
  points: samples.filter((sample) => sample[field] != null).map((sample) => ({ ago: now - sample.time, value: sample[field], known: sample.known })),
});

// Records per second between two samples far enough apart to mean something.
const rates = (now, range) => {
  const step = Math.max(2, range / 150);
  const points = [];
  let before = null;
  for (const sample of samples) {
    if (before == null || sample.log_records < before.log_records || sample.time - before.time > gapSeconds + step) {
      before = sample;
    } else if (sample.time - before.time >= step) {
      const value = (sample.log_records - before.log_records) / (sample.time - before.time);
      points.push({ ago: now - sample.time, value, known: true });
      before = sample;
    }
  }
  return points;
};

export const show = (now) => {
  const unit = UNITS[at('lag-unit').value];
  const range = Number(at('lag-range').value);
  const series = unit.stages.map((stage) => line(stage, now));
  const drawn = series.some((one) => one.points.some((point) => point.ago <= range));
  const last = samples.at(-1);
  draw(at('lag'), { series, range, gap: gapSeconds, told: unit.told, least: unit.least, label: `Lag in ${at('lag-unit').value} over time` });
  const unknown = last != null && !last.known ? ' The lag is unknown now: what is drawn is a lower bound.' : '';
  say(at('lag-note'), drawn ? `Of the shard that is furthest behind; dotted on a tinted ground while it is unknown.${unknown}` : 'This node has nothing to say of that: a primary knows only what its standby has flushed.');
  const rate = rates(now, range);
  draw(at('rate'), { series: [{ name: 'records per second', points: rate }], range, gap: gapSeconds + range / 75, told: count, least: 10, label: 'Records per second written to the log over time' });
  const latest = rate.at(-1);
  say(at('rate-note'), latest == null ? 'not yet known' : `${count(latest.value)} records per second, all shards together`);
};

export const prepare = (redraw) => {
  for (const [name, value] of RANGES) at('lag-range').append(new Option(name, value));
  for (const name of Object.keys(UNITS)) at('lag-unit').append(new Option(name, name));
  for (const id of ['lag-range', 'lag-unit']) at(id).addEventListener('change', redraw);
  window.addEventListener('resize', redraw);
};
