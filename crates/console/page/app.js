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
let shutOut = false;
// What the shown promotions belong to.
let ruled = null;
let receipted = null;

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
  const { lease } = known.own;
  const rules = JSON.stringify([lease?.epoch, lease?.state, lease?.holder, known.primary?.node, known.statuses.map((status) => status.node)]);
  if (rules !== ruled) {
    ruled = rules;
    history.renew();
  }
};

const live = (is) => {
  document.body.dataset.live = is ? 'yes' : 'no';
  say(at('live'), is ? 'live' : 'not live');
  at('stale').hidden = is;
};

const unknown = (why) => {
  for (const id of ['over', 'flow', 'right']) answer(id, { tone: 'bad', word: 'UNKNOWN', why });
};

// Nothing old is shown as if it were of now.
const doubt = () => {
  const silence = now() - (heard ?? 0);
  if (!shutOut && silence < SILENCE) return;
  live(false);
  const since = latest == null ? '' : `: the values below are of ${heardDate.toLocaleTimeString()}, and may be wrong`;
  if (shutOut) {
    say(at('stale'), `Nobody is signed in here${since}. This node answers: sign in with your token to see what it says.`);
    unknown('Nobody is signed in here. This node answers: sign in to see what it says.');
  } else if (latest == null) {
    say(at('stale'), 'This node has not said anything yet.');
  } else {
    say(at('stale'), `This node has said nothing for ${seconds(Math.floor(silence))}${since}.`);
    unknown('This node does not answer. Ask the other node’s page, or understudy status.');
  }
};

// Asks whether this page may be shown anything; says so if not.
const enter = async () => {
  shutOut = !(await act.session());
  doubt();
  return !shutOut;
};

let events = null;
let again = null;

const listen = async () => {
  clearTimeout(again);
  events?.close();
  events = null;
  if (!(await enter())) {
    // Wakes when somebody has signed in, or the node answers again.
    again = setTimeout(listen, 2000);
    return;
  }
  // Another call may have been faster.
  events?.close();
  const source = new EventSource('/api/events');
  events = source;
  source.addEventListener('open', () => {
    act.session();
    lag.load(now).catch(() => {});
    ruled = null;
  });
  source.addEventListener('status', (event) => {
    latest = JSON.parse(event.data);
    shutOut = false;
    heard = now();
    heardDate = new Date();
    lag.grow(latest.sample, heard);
    live(true);
    show();
  });
  source.addEventListener('activation', (event) => {
    const told = JSON.parse(event.data);
    act.progress(told);
    const epoch = told?.receipt?.epoch ?? null;
    if (epoch !== receipted && epoch != null) history.renew();
    receipted = epoch;
  });
  source.addEventListener('error', () => {
    // It may have been ended with the session.
    enter();
    if (source.readyState !== EventSource.CLOSED) return;
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
