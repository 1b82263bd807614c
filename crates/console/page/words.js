// How numbers and facts are told. What is unknown is called so, never zero.

export const seconds = (value) => {
  if (value == null) return 'unknown';
  if (value === 0) return '0 s';
  if (value < 0.01) return `${(Math.max(value, 0) * 1000).toFixed(1)} ms`;
  if (value < 10) return `${value.toFixed(2)} s`;
  if (value < 60) return `${Math.floor(value)} s`;
  const whole = Math.floor(value);
  const two = (number) => String(number).padStart(2, '0');
  if (whole < 3600) return `${Math.floor(whole / 60)} m ${two(whole % 60)} s`;
  if (whole < 86400) return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} m`;
  return `${Math.floor(whole / 86400)} d ${two(Math.floor((whole % 86400) / 3600))} h`;
};

export const count = (value) => (value == null ? '–' : String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, '\u202f'));

export const bytes = (value) => {
  if (value == null) return '–';
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
};

export const records = (value) => `${count(value)} ${value === 1 ? 'record' : 'records'}`;

// A LossBound of the status, as a phrase behind “could lose”.
export const loss = (bound) => {
  if (bound == null || bound === 'unknown') return 'an unknown amount: the primary has not said where it stands';
  if (bound === 'nothing') return 'no acknowledged write';
  const { records_known: known, within } = bound.recent;
  const time = seconds(within.secs + within.nanos / 1e9);
  return `writes acknowledged in the last ${time}${known > 0 ? `, at least ${records(known)}` : ''}`;
};

// An element with text or children; nothing is ever parsed as HTML.
export const element = (name, attributes = {}, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value != null) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
};

// Sets text only when it differs, so that a screen reader is told of changes.
export const say = (place, text) => {
  if (place.textContent !== text) place.textContent = text;
};

// Where the node says more about the id of a refusal or a check; in a page of
// its own, so that what was asked for here stays.
export const toRunbook = (id) => element('a', { href: `/runbook/${id}`, target: '_blank', rel: 'noopener' }, id);

// A table with a head and rows of cells: text, or { text, tone, title }.
export const fill = (table, head, rows) => {
  const cell = (content, index) => {
    const { text, tone, title } = content?.text === undefined ? { text: content } : content;
    return element(index === 0 ? 'th' : 'td', { class: tone, title, scope: index === 0 ? 'row' : null }, String(text));
  };
  const top = element('tr', {}, ...head.map((text) => element('th', { scope: 'col' }, text)));
  const body = rows.map((row) => element('tr', {}, ...row.map(cell)));
  table.replaceChildren(element('thead', {}, top), element('tbody', {}, ...body));
};
