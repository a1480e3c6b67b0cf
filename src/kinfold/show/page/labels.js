// Which points are near a place, and which labels fit.

// Points sorted into the cells of a square grid: the nearest one to a place is found by looking at a few cells.
function gridOf(places) {
  const count = places.length / 2;
  const side = Math.max(1, Math.min(512, Math.ceil(Math.sqrt(count / 3))));
  const cell = (value) => Math.min(side - 1, Math.max(0, Math.floor((value / 65536) * side)));
  const starts = new Uint32Array(side * side + 1);
  for (let i = 0; i < count; i++) starts[cell(places[2 * i + 1]) * side + cell(places[2 * i]) + 1]++;
  for (let c = 0; c < side * side; c++) starts[c + 1] += starts[c];
  const next = starts.slice();
  const members = new Uint32Array(count);
  for (let i = 0; i < count; i++) members[next[cell(places[2 * i + 1]) * side + cell(places[2 * i])]++] = i;

  // The nearest shown point within `reach` of (x, y), all in units of 1/65535 of the plane; -1 if there is none.
  return function nearest(x, y, reach, shown) {
    let best = -1;
    let least = reach * reach;
    for (let row = cell(y - reach); row <= cell(y + reach); row++) {
      for (let c = row * side + cell(x - reach); c <= row * side + cell(x + reach); c++) {
        for (let at = starts[c]; at < starts[c + 1]; at++) {
          const i = members[at];
          const away = (places[2 * i] - x) ** 2 + (places[2 * i + 1] - y) ** 2;
          if (away <= least && shown(i)) [best, least] = [i, away];
        }
      }
    }
    return best;
  };
}

// The points whose labels are drawn, those in `first` and then the most frequent first: greedy, on a grid of small cells that labels occupy.
// Computed for a zoom that moves in steps, so that labels stay while one zooms on within a step.
function labelsOf(places, keys, measure) {
  const CELL = 8;
  const MARGIN = 160; // pixels outside the view, so that a label that comes in does not push others out
  const widths = new Float32Array(keys.length);
  let taken = new Uint8Array(0);
  // `kept` are places {x, y, wide} of other texts, in the middle of which they stand.
  return function fitting(view, width, height, shown, most, first, kept = []) {
    const step = 2 ** (Math.floor(Math.log2(view.scale) * 3) / 3) / view.scale;
    const [wide, high] = [width * step + 2 * MARGIN, height * step + 2 * MARGIN];
    const columns = Math.ceil(wide / CELL);
    const lines = Math.ceil(high / CELL);
    if (taken.length < columns * lines) taken = new Uint8Array(columns * lines);
    else taken.fill(0);
    const scale = (view.scale * step) / 65535;
    const left = wide / 2 - view.x * view.scale * step;
    const top = high / 2 - view.y * view.scale * step;
    for (const each of kept) {
      const [x, y] = [each.x * 65535 * scale + left, each.y * 65535 * scale + top];
      const [from, to] = [Math.max(0, Math.floor((x - each.wide / 2 - 6) / CELL)), Math.min(columns - 1, Math.floor((x + each.wide / 2 + 6) / CELL))];
      for (let row = Math.max(0, Math.floor((y - 12) / CELL)); row <= Math.min(lines - 1, Math.floor((y + 12) / CELL)); row++)
        if (to >= from) taken.fill(1, row * columns + from, row * columns + to + 1);
    }
    const found = [];
    for (let turn = -first.length; turn < keys.length && found.length < most; turn++) {
      const i = turn < 0 ? first[turn + first.length] : turn;
      const x = places[2 * i] * scale + left;
      const y = places[2 * i + 1] * scale + top;
      if (!(x > 0 && y > 24 && x < wide && y < high - CELL)) continue;
      if (taken[Math.floor((y - 8) / CELL) * columns + Math.floor(x / CELL)] || !shown(i)) continue;
      if (!widths[i]) widths[i] = measure(keys[i]);
      const room = turn < 0 ? -3 : 7; // pixels around a label; those in `first` may stand closer
      const from = Math.max(0, Math.floor((x - widths[i] / 2 - room) / CELL));
      const to = Math.min(columns - 1, Math.floor((x + widths[i] / 2 + room) / CELL));
      const above = Math.floor((y - 16 - room) / CELL);
      const below = Math.floor((y - 3) / CELL);
      let free = true;
      for (let row = above; free && row <= below; row++)
        for (let c = from; free && c <= to; c++) free = !taken[row * columns + c];
      if (!free) continue;
      for (let row = above; row <= below; row++) taken.fill(1, row * columns + from, row * columns + to + 1);
      found.push(i);
    }
    return found;
  };
}

// Where the names of kinds stand: in the middle of their points, for the largest kinds that stand together.
function middlesOf(places, scale, most) {
  const count = places.length / 2;
  const step = Math.max(1, Math.floor(count / 60000));
  const kinds = Array.from({ length: Math.min(most, scale.names.length) }, () => [[], []]);
  const all = [[], []];
  for (let i = 0; i < count; i += step)
    for (const axis of [0, 1]) {
      all[axis].push(places[2 * i + axis]);
      kinds[scale.values[i]]?.[axis].push(places[2 * i + axis]);
    }
  const quantile = (values, share) => values[Math.min(values.length - 1, Math.floor(share * values.length))];
  const width = (sorted) => Math.hypot(...sorted.map((values) => quantile(values, 0.75) - quantile(values, 0.25)));
  const sort = (axes) => axes.map((values) => Float64Array.from(values).sort());
  const whole = width(sort(all));
  return kinds.flatMap((axes, kind) => {
    if (!axes[0].length) return [];
    const sorted = sort(axes);
    if (scale.names.length > 1 && width(sorted) > 0.75 * whole) return []; // a kind that is everywhere has no place
    const [x, y] = sorted.map((values) => quantile(values, 0.5) / 65535);
    return [{ kind, x, y, middle: x, names: [30, 16].map((most) => (scale.names[kind].length > most ? scale.names[kind].slice(0, most - 1) + "…" : scale.names[kind])) }];
  });
}
