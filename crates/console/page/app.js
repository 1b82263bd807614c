// Listens to this node, and shows what it says. What is not live is said to
// be so: answers become UNKNOWN, and values are greyed.
import { canFailOver, isFlowing, isRight, pair } from './answers.js';
import * as act from './act.js';
import * as history from './history.js';
import * as lag from './lag.js';
import * as panels from './panels.js';
import { say, seconds } from './words.js';

// An event comes each second; three without one are a silence.
const SILENCE = 3;

const at = (id) => document.getElementById(id);
const now = () => performance.now() / 1000;
let heard = null;
let heardDate = null;
let latest = null;
let epoch = null;

const answer = (id, { tone, word, why }) => {
  const card = at(id);
  card.dataset.tone = tone;
  say(card.querySelector('.word'), word);
  say(card.querySelector('.why'), why);
};

const show = () => {
  const known = pair(latest.nodes);
  answer('over', canFailOver(known));
  answer('flow', isFlowing(known));
  answer('right', isRight(known));
  act.offer(known);
  panels.header(known, latest.nodes);
  panels.topology(known, latest.nodes);
  panels.lease(known);
  panels.positions(known);
  panels.health(known);
  panels.certificates(known);
  lag.show(now());
  const current = known.own.lease?.epoch ?? null;
  if (current !== epoch) {
    epoch = current;
    history.load();
  }
};

const live = (is) => {
  if ((document.body.dataset.live === 'yes') === is) return;
  document.body.dataset.live = is ? 'yes' : 'no';
  say(at('live'), is ? 'live' : 'not live');
  at('stale').hidden = is;
};

// Nothing old is shown as if it were of now.
const doubt = () => {
  const silence = heard == null ? null : now() - heard;
  if (silence != null && silence < SILENCE) return;
  live(false);
  if (latest == null) {
    say(at('stale'), 'This node has not said anything yet.');
    return;
  }
  say(at('stale'), `This node has said nothing for ${seconds(Math.floor(silence))}: the values below are of ${heardDate.toLocaleTimeString()}, and may be wrong.`);
  for (const id of ['over', 'flow', 'right']) {
    answer(id, { tone: 'bad', word: 'UNKNOWN', why: 'This node does not answer. Ask the other node’s page, or understudy status.' });
  }
};

let events = null;
let again = null;

const listen = async () => {
  clearTimeout(again);
  events?.close();
  events = null;
  if (!(await act.session())) {
    // Wakes when somebody has signed in, or the node answers again.
    again = setTimeout(listen, 2000);
    return;
  }
  // Another call may have been faster.
  events?.close();
  events = new EventSource('/api/events');
  events.addEventListener('open', () => {
    // It may have been ended with the session.
    act.session();
    lag.load(now).catch(() => {});
    history.load();
  });
  events.addEventListener('status', (event) => {
    latest = JSON.parse(event.data);
    heard = now();
    heardDate = new Date();
    lag.grow(latest.sample, heard);
    live(true);
    show();
  });
  events.addEventListener('activation', (event) => act.progress(JSON.parse(event.data)));
  events.addEventListener('error', () => {
    if (events.readyState !== EventSource.CLOSED) return;
    // Refused, and the browser does not try again by itself.
    again = setTimeout(listen, 3000);
  });
};

lag.prepare(() => {
  if (latest != null) lag.show(now());
});
// What is heard from now on is heard by whoever has signed in.
act.prepare(listen);
setInterval(doubt, 500);
listen();
