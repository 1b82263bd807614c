// What remains of the promotions, the newest first.
import { element, loss, say, seconds } from './words.js';

const at = (id) => document.getElementById(id);

const title = (receipt) => {
  const took = seconds(receipt.rto_micros / 1e6);
  const lossy = receipt.loss_bound === 'nothing' ? 'lost nothing' : `could lose ${loss(receipt.loss_bound)}`;
  return `epoch ${receipt.epoch}: ${receipt.mode} to ${receipt.node} in ${took}, ${lossy}, by ${receipt.by}`;
};

// The receipt as `understudy history` prints it.
export const receiptText = (receipt) => {
  const lines = [];
  if (receipt.reason) lines.push(`why: ${receipt.reason}`);
  if (receipt.fenced_by) lines.push(`the wait was skipped; fenced by: ${receipt.fenced_by}`);
  for (const { check, fact } of receipt.overrides) lines.push(`overridden ${check}: ${fact}`);
  for (const [shard, fork] of Object.entries(receipt.forks)) lines.push(`shard ${shard} from ${fork == null ? 'the beginning' : `LSN ${fork.lsn}, chain ${fork.hash.slice(0, 12)}`}`);
  for (const hook of receipt.hooks) lines.push(`hook ${hook.phase}: ${hook.failure == null ? 'passed' : `FAILED: ${hook.failure}`}`);
  return lines;
};

export const stepRows = (steps) => steps.map((step) => [`${(step.elapsed_micros / 1e6).toFixed(3)} s`, step.node, step.detail]);

const entry = (receipt) => {
  const when = new Date(receipt.wall_millis);
  const time = element('time', { datetime: when.toISOString() }, when.toLocaleString());
  const steps = element('table', {}, ...stepRows(receipt.steps).map((row) => element('tr', {}, ...row.map((text) => element('td', {}, text)))));
  const lines = receiptText(receipt).map((line) => element('p', { class: 'note' }, line));
  const details = element('details', {}, element('summary', {}, time, ` ${title(receipt)}`), ...lines, element('div', { class: 'scroll' }, steps));
  return element('li', {}, details);
};

// A silent node costs this one three seconds, and a round that is under way
// is waited for: six at most.
const PATIENCE = 10000;
// A receipt is written a moment after its epoch serves.
const SOON = 3000;

let shown = null;
let loading = false;
let wanted = false;
let soon = null;

const note = (receipts, silent) => {
  const none = receipts.length === 0 ? 'No node that answers has taken an epoch by request. ' : '';
  if (silent == null) return `${none}Each node keeps its own receipts: these are of all whose addresses this node knows.`;
  return `${none}MISSING are those of the nodes that did not give theirs: ${silent}.`;
};

const loadOnce = async () => {
  try {
    const answer = await fetch('/api/history', { signal: AbortSignal.timeout(PATIENCE) });
    const text = await answer.text();
    const receipts = JSON.parse(text);
    if (!answer.ok) throw new Error(receipts.error ?? receipts.fact);
    // What somebody has opened stays open.
    if (text !== shown) at('history').replaceChildren(...receipts.reverse().map(entry));
    shown = text;
    say(at('history-note'), note(receipts, answer.headers.get('understudy-silent')));
  } catch (error) {
    say(at('history-note'), `The receipts cannot be read: ${error.message}`);
  }
};

// One at a time: an older answer never replaces a newer one.
const load = async () => {
  wanted = true;
  if (loading) return;
  loading = true;
  while (wanted) {
    wanted = false;
    await loadOnce();
  }
  loading = false;
};

// Something has happened of which a receipt may come.
export const renew = () => {
  load();
  clearTimeout(soon);
  soon = setTimeout(load, SOON);
};
