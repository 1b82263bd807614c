// What an operator does by the page: sign in, ask for the verdict, confirm by
// the cluster's name, and watch the steps. The node judges and decides.
import { receiptText } from './history.js';
import { element, fill, loss, say, seconds, toRunbook } from './words.js';

const at = (id) => document.getElementById(id);
let known = null;
let asked = null;

const send = async (method, path, body) => {
  const headers = { 'X-Understudy': '1', 'Content-Type': 'application/json' };
  const answer = await fetch(path, { method, headers, body: body == null ? null : JSON.stringify(body) });
  const said = await answer.json().catch(() => ({}));
  return { ok: answer.ok, said };
};

const sayRefused = (place, { id, fact, way_out: out }) => {
  const told = `refused ${id}: ${fact}\nWay out: ${out}`;
  if (place.textContent === told) return;
  const parts = told.split(/\b(E\d{3}|P\d{2})\b/);
  place.replaceChildren(...parts.map((part, index) => (index % 2 === 1 ? toRunbook(part) : part)));
};
const unreachable = { id: 'unknown', fact: 'this node did not answer', way_out: 'look at the other node’s page, or understudy status: it may have been done' };

// Who is signed in; whether this page may be shown what it asks for.
export const session = async () => {
  let said;
  try {
    const answer = await fetch('/api/session', { signal: AbortSignal.timeout(3000) });
    said = await answer.json();
  } catch {
    return true;
  }
  at('sign-in').hidden = said.name != null || !said.has_tokens;
  at('sign-out').hidden = said.name == null;
  at('ask').hidden = !said.may_act;
  if (!said.may_act) at('judged').hidden = true;
  if (said.name != null) say(at('who'), `${said.name}, ${said.role}`);
  else if (!said.has_tokens) say(at('who'), 'This page is for looking only: no tokens are configured (console.operators_file). Use the understudy command.');
  else say(at('who'), said.may_look ? 'Sign in with an operator’s token to act.' : 'Sign in to see anything.');
  return said.may_look;
};

// The nodes that could take over, as they come and go.
export const offer = (pair) => {
  known = pair;
  const named = pair.standbys.map((status) => status.node);
  const registered = pair.primary?.standbys.map((standby) => standby.node) ?? [];
  const names = [...new Set([...named, ...registered])];
  const shown = [...at('to').options].map((option) => option.value);
  if (names.join() !== shown.join()) at('to').replaceChildren(...names.map((name) => new Option(name, name)));
  say(at('confirm-name'), pair.own.cluster_name);
};

const WORDS = { ready: ['good', 'YES'], ready_with_warnings: ['warn', 'YES, with warnings'], refused: ['bad', 'NO'] };
const SIGNS = { ok: ['good', '✓ ok'], warn: ['warn', '! warn'], refused: ['bad', '✗ refused'] };

// A failover's distance from the primary: how much is accepted is said, not
// that something is.
const LOSS = 'P04';

const showVerdict = ({ situation, verdict }) => {
  const [tone, word] = WORDS[verdict.outcome] ?? WORDS.refused;
  at('judged').hidden = false;
  at('judged-word').dataset.tone = tone;
  const could = verdict.mode === 'failover' ? ` Could lose: ${loss(verdict.loss_bound)}.` : '';
  say(at('judged-word'), `Ready for ${verdict.mode} to ${verdict.node}: ${word}.${could}`);
  say(at('situation'), situation);
  fill(at('checks'), ['outcome', 'check', 'fact and way out', 'go on all the same'], verdict.checks.map((check) => {
    const [checkTone, sign] = SIGNS[check.outcome] ?? SIGNS.refused;
    const out = check.outcome === 'ok' || check.way_out == null ? '' : ` → ${check.way_out}`;
    return [{ text: sign, tone: checkTone }, check.id, `${check.fact}${out}`, ''];
  }));
  verdict.checks.forEach((check, index) => {
    const { cells } = at('checks').tBodies[0].rows[index];
    cells[1].replaceChildren(toRunbook(check.id));
    if (check.outcome !== 'refused' || !check.may_be_accepted) return;
    if (verdict.mode === 'failover' && check.id === LOSS) {
      say(cells[3], 'say below what may be lost');
      return;
    }
    const box = element('input', { type: 'checkbox', value: check.id, 'aria-label': `Go on although ${check.id} refuses` });
    cells[3].append(box);
  });
  at('failover-only').hidden = verdict.mode !== 'failover';
  say(at('do'), verdict.mode === 'failover' ? `Fail over to ${verdict.node}` : `Switch over to ${verdict.node}`);
  at('confirm-input').value = '';
  at('do').disabled = true;
  at('judged').focus();
};

const acceptLoss = () => {
  const choice = at('accept-loss').value;
  return choice === 'seconds' ? { seconds: Math.max(1, Math.floor(Number(at('accept-seconds').value))) } : choice;
};

const askVerdict = async () => {
  say(at('refusal'), '');
  at('judged').hidden = true;
  const epoch = (known?.primary ?? known?.own)?.lease?.epoch;
  asked = { verb: at('verb').value, to: at('to').value, expect_epoch: epoch };
  if (!asked.to || epoch == null) {
    say(at('refusal'), 'No standby and no lease is known here yet: there is nobody to ask.');
    return;
  }
  const { ok, said } = await send('POST', '/api/check', asked).catch(() => ({ said: unreachable }));
  if (ok) showVerdict(said);
  else sayRefused(at('refusal'), said);
};

const allow = () => {
  at('do').disabled = at('confirm-input').value.trim() !== known?.own.cluster_name;
};

const act = async () => {
  const accept = [...at('checks').querySelectorAll('input:checked')].map((box) => box.value);
  const failover = asked.verb === 'failover';
  const body = {
    ...asked,
    accept,
    reason: at('reason').value,
    confirm: at('confirm-input').value,
    accept_loss: failover ? acceptLoss() : 'nothing',
    fenced_by: failover ? at('fenced-by').value : null,
  };
  at('do').disabled = true;
  say(at('refusal'), '');
  const { ok, said } = await send('POST', '/api/activation', body).catch(() => ({ said: unreachable }));
  if (ok) {
    at('judged').hidden = true;
    return;
  }
  sayRefused(at('refusal'), said);
  allow();
};

// Each step as it comes, then the receipt; for everybody who looks.
export const progress = (told) => {
  if (told == null || (told.refusal != null && told.steps.length === 0)) {
    at('steps').hidden = true;
    return;
  }
  at('steps').hidden = false;
  say(at('steps-title'), `${told.verb} to ${told.to}, by ${told.by}, ${new Date(told.began_wall_millis).toLocaleString()}`);
  fill(at('steps-table'), ['after', 'node', 'step'], told.steps.map((step) => [`${step.seconds.toFixed(3)} s`, step.node, { text: step.detail, tone: step.failed ? 'bad' : null }]));
  const ends = { done: `DONE. ${told.ended?.text ?? ''}`, refused: `REFUSED BY THE NODES: the primary goes on as before. ${told.ended?.text ?? ''}`, end_not_seen: `ITS END WAS NOT SEEN. ${told.ended?.text ?? ''}` };
  if (told.refusal != null) sayRefused(at('steps-end'), told.refusal);
  else say(at('steps-end'), told.ended == null ? 'under way …' : ends[told.ended.outcome]);
  const { receipt } = told;
  at('receipt').replaceChildren(...(receipt == null ? [] : [
    element('p', {}, element('b', {}, `RECEIPT epoch ${receipt.epoch}: ${receipt.mode} to ${receipt.node} in ${seconds(receipt.rto_micros / 1e6)}; could lose ${loss(receipt.loss_bound)}; by ${receipt.by}`)),
    ...receiptText(receipt).map((line) => element('p', { class: 'note' }, line)),
  ]));
};

const onSubmit = (form, handle) => {
  at(form).addEventListener('submit', (event) => {
    event.preventDefault();
    handle();
  });
};

export const prepare = (signedIn) => {
  onSubmit('sign-in', async () => {
    const token = at('token').value;
    at('token').value = '';
    const { ok, said } = await send('POST', '/api/session', { token }).catch(() => ({ said: unreachable }));
    if (!ok) {
      sayRefused(at('sign-in-refusal'), said);
      return;
    }
    say(at('sign-in-refusal'), '');
    signedIn();
  });
  at('sign-out').addEventListener('click', async () => {
    await send('DELETE', '/api/session').catch(() => {});
    location.reload();
  });
  onSubmit('ask', askVerdict);
  onSubmit('confirm', act);
  at('confirm-input').addEventListener('input', allow);
  at('accept-loss').addEventListener('change', () => {
    at('accept-seconds-label').hidden = at('accept-loss').value !== 'seconds';
  });
};
