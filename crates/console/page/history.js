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

export const load = async () => {
  try {
    const answer = await fetch('/api/history', { signal: AbortSignal.timeout(5000) });
    const receipts = await answer.json();
    if (!answer.ok) throw new Error(receipts.error);
    at('history').replaceChildren(...receipts.reverse().map(entry));
    say(at('history-note'), receipts.length === 0 ? 'No node that answers has taken an epoch by request.' : 'Each node keeps its own receipts: of one that does not answer there are none here.');
  } catch (error) {
    say(at('history-note'), `The receipts cannot be read: ${error.message}`);
  }
};
