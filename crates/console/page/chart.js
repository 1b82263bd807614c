// Line charts in SVG: dotted while unknown, broken where nothing was sampled.

const SPACE = 'http://www.w3.org/2000/svg';
const LEFT = 62;
const BOTTOM = 22;
const TOP = 8;

const shape = (name, attributes, text) => {
  const made = document.createElementNS(SPACE, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text != null) made.textContent = text;
  return made;
};

// 1, 2 or 5 times a power of ten, at least `value`.
const round = (value) => {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value);
};

const ago = (seconds) => {
  if (seconds === 0) return 'now';
  if (seconds < 120) return `−${seconds} s`;
  return seconds < 7200 ? `−${seconds / 60} min` : `−${seconds / 3600} h`;
};

// Runs of one kind, each joined to the next unless there was a gap.
const runs = (points, gap) => {
  const found = [];
  for (const point of points) {
    const last = found.at(-1);
    const before = last?.points.at(-1);
    const joined = before != null && before.ago - point.ago <= gap;
    if (joined && last.known === point.known) last.points.push(point);
    else found.push({ known: point.known, points: joined && !point.known ? [before, point] : [point] });
  }
  return found;
};

// Draws `series` ([{ name, points: [{ ago, value, known }] }], oldest first)
// into `place`. `told` says a value; `least` is the smallest top of the axis.
export const draw = (place, { series, range, gap, told, least, label }) => {
  const width = Math.max(place.clientWidth, 280);
  const height = Math.max(place.clientHeight, 120);
  const shown = series.map((line) => ({ ...line, points: line.points.filter((point) => point.ago <= range) }));
  const most = Math.max(least, ...shown.flatMap((line) => line.points.map((point) => point.value)));
  const top = round(most);
  const x = (point) => LEFT + (1 - point.ago / range) * (width - LEFT - 8);
  const y = (value) => TOP + (1 - value / top) * (height - TOP - BOTTOM);
  const svg = shape('svg', { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': label });
  const narrow = width < 420;
  for (const part of [0, 0.5, 1]) {
    const value = top * part;
    svg.append(shape('line', { class: 'grid', x1: LEFT, x2: width - 8, y1: y(value), y2: y(value) }));
    svg.append(shape('text', { x: LEFT - 6, y: y(value) + 4, 'text-anchor': 'end' }, told(value)));
    const time = range * (1 - part);
    const anchor = part === 0 ? 'start' : part === 1 ? 'end' : 'middle';
    svg.append(shape('text', { x: x({ ago: time }), y: height - 4, 'text-anchor': anchor }, ago(time)));
  }
  const first = shown.find((line) => line.points.length > 0);
  for (const run of first == null ? [] : runs(first.points, gap)) {
    if (run.known) continue;
    const from = x(run.points[0]);
    const wide = Math.max(x(run.points.at(-1)) - from, 1);
    svg.append(shape('rect', { class: 'unknown-ground', x: from, y: TOP, width: wide, height: height - TOP - BOTTOM }));
    if (wide > 70) svg.append(shape('text', { x: from + wide / 2, y: TOP + (height - TOP - BOTTOM) / 2, 'text-anchor': 'middle' }, 'unknown'));
  }
  shown.forEach((line, index) => {
    for (const run of runs(line.points, gap)) {
      // A lower bound of zero says nothing, and looks as if it did.
      const points = run.known ? run.points : run.points.filter((point) => point.value > 0);
      const steps = points.map((point, at) => `${at === 0 ? 'M' : 'L'}${x(point).toFixed(1)} ${y(point.value).toFixed(1)}`);
      const kind = run.known ? `dash-${index}` : 'unknown';
      svg.append(shape('path', { class: `series-${index} ${kind}`, d: steps.join('') }));
    }
    if (series.length > 1) {
      const at = LEFT + 8 + index * (narrow ? 86 : 120);
      svg.append(shape('path', { class: `series-${index} dash-${index}`, d: `M${at} ${TOP + 8}h22` }));
      svg.append(shape('text', { class: `key-${index}`, x: at + 26, y: TOP + 12 }, line.name));
    }
  });
  place.replaceChildren(svg);
};
