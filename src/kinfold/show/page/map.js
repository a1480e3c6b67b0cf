// The map: state, gestures, search and what is drawn over the points.
// A lasso selects what it surrounds; while the map moves, it draws a sample where drawing all of it takes too long.
// The address ending in #canvas draws without WebGL, in #webgl with it even in software.

const NONE = 2 ** 32 - 1;
const LONGEST = 40; // characters of a label

function decode(text, Kind) {
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  return new Kind(bytes.buffer);
}

function element(kind, properties, ...children) {
  const made = Object.assign(document.createElement(kind), properties);
  made.append(...children);
  return made;
}

function mount(root) {
  const data = JSON.parse(root.querySelector("script[type='application/json']").textContent);
  const { keys, k } = data;
  const places = decode(data.places, Uint16Array);
  const near = decode(data.near, Uint32Array);
  const scores = decode(data.scores.values, Uint8Array);
  for (const each of data.colors) each.values = decode(each.values, each.kind === "names" ? Uint32Array : Float32Array);

  const find = (selector) => root.querySelector(selector);
  const face = find(".map-face");
  const pen = face.getContext("2d");
  const [tip, card, legend, input, list, choice, status] = [".map-tip", ".map-card", ".map-legend", "input", "ul", "select", ".map-status"].map(find);
  const lasso = find("[data-lasso]");
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const night = matchMedia("(prefers-color-scheme: dark)");
  const nearest = gridOf(places);
  const briefly = keys.map((key) => (key.length > LONGEST ? [...key].slice(0, LONGEST - 1).join("") + "…" : key));
  const labels = labelsOf(places, briefly, (text) => pen.measureText(text).width);
  const renderer = pointsOf(find(".map-points"), places);
  root.dataset.renderer = renderer.kind;

  let width = 1, height = 1, ratio = 1; // of the face in CSS pixels, and device pixels in one
  let middle = { x: 0, y: 0 }, fitting = 1; // of the free part of the face, and pixels of the plane at zoom 1
  const [x0, y0, x1, y1] = data.box; // where nearly all points are
  const home = { x: (x0 + x1) / 2, y: (y0 + y1) / 2, zoom: 1 };
  let view = home;
  let scale = data.colors.find((each) => each.name === data.color);
  let hovered = -1, chosen = -1;
  let off = new Set();
  let ink = {};
  let flight = 0, waiting = false, stale = true; // stale: the points too, not only what is over them
  let moved = 0, settled = 0, before = 0, slow = 0, quick = 0, step = 1; // when it moved, how many frames were slow and quick, and the sample drawn
  let drawn = [], selected = []; // the lasso, in the plane, and the points in it
  let middles = []; // where the names of kinds stand
  const trails = data.trails ?? [];

  const shown = (i) => !off.size || !off.has(Math.min(scale.values[i], KINDS.length));
  const pixels = () => view.zoom * fitting; // CSS pixels that the plane is wide
  const screen = (i) => [
    (places[2 * i] / 65535 - view.x) * pixels() + middle.x,
    (places[2 * i + 1] / 65535 - view.y) * pixels() + middle.y,
  ];
  const centered = () => ({ x: view.x + (width / 2 - middle.x) / pixels(), y: view.y + (height / 2 - middle.y) / pixels(), scale: pixels() });
  const diameter = () => Math.min(11, (keys.length > 20000 ? 2.4 : keys.length > 3000 ? 3.4 : 5.5) * view.zoom ** 0.38);

  // Drawing: at most once a frame, and only what changed.
  function redraw(points = true) {
    stale ||= points;
    if (!waiting) requestAnimationFrame(draw);
    waiting = true;
  }

  function draw(now) {
    pace(now);
    const opacity = Math.min(1, 0.45 + 0.15 * Math.log2(view.zoom + 1) + (keys.length > 20000 ? 0 : 0.25));
    if (stale) renderer.draw({ ...centered(), scale: pixels() * ratio }, Math.max(1.5, diameter() * ratio), opacity, moving() ? step : 1);
    waiting = stale = false;
    overlay();
  }

  const moving = () => performance.now() - moved < 160;

  // While the map moves: a frame that takes longer than 1/30 s, three times, makes the sample half as large, and two
  // seconds of quick frames twice as large again.
  function pace(now) {
    if (moving() && now - before < 500) {
      slow = now - before > 36 ? slow + 1 : Math.max(0, slow - 0.25);
      quick = now - before < 20 ? quick + 1 : 0;
      if (slow >= 3 && step < MOST_STEP && keys.length > 4000) [step, slow, quick] = [step * 2, 0, 0];
      else if (quick > 120 && step > 1) {
        [step, quick] = [step / 2, 0];
        if (step === 1) tell("");
      }
      if (step > 1) tell(`While it moves, ${number(Math.ceil(keys.length / step))} of ${number(keys.length)} points are drawn.`);
    }
    before = now;
  }

  function tell(text) {
    if (status.textContent !== text) status.textContent = text;
  }

  function overlay() {
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.textAlign = "center";
    pen.lineJoin = "round";
    surrounded();
    const panels = over();
    const named = titles(panels);
    arrows();
    const around = chosen < 0 ? [] : neighborsOf(chosen).map(([i]) => i).filter(shown);
    pen.strokeStyle = ink.accent;
    pen.globalAlpha = 0.45;
    pen.lineWidth = 1;
    pen.beginPath();
    for (const i of around) {
      pen.moveTo(...screen(chosen));
      pen.lineTo(...screen(i));
    }
    pen.stroke();
    pen.globalAlpha = 1;
    for (const i of around) ring(i, ink.accent, 1.5);
    pen.font = ink.font;
    const most = Math.round(((width + 320) * (height + 320)) / 9500);
    const first = chosen < 0 ? trails.map(([i]) => i).filter(shown) : [chosen, ...around];
    const stand = named.map(({ at, line, wide }) => [at, line, wide]); // texts that are written already: middle, line, width
    const aside = [...stand]; // those that do not stand in the middle of what they name
    for (const i of labels(centered(), width, height, shown, most, first, named)) {
      if (i === hovered) continue;
      pen.font = i === chosen ? `600 ${ink.font}` : ink.font;
      const [x, y] = screen(i);
      const [line, wide] = [y - diameter() / 2 - 4, pen.measureText(briefly[i]).width];
      const at = roomFor(x, line, wide, panels);
      const others = at === x ? aside : stand;
      if (Number.isNaN(at) || others.some(([a, b, w]) => Math.abs(b - line) < 15 && Math.abs(a - at) < (w + wide) / 2 + 3)) continue;
      for (const texts of at === x ? [stand] : [stand, aside]) texts.push([at, line, wide]);
      write(briefly[i], at, line, 3.5, i === chosen || (chosen < 0 && first.includes(i)) ? ink.mark : ink.ink,
        chosen < 0 || first.includes(i) ? 0.95 : 0.35);
    }
    pen.font = ink.title;
    for (const each of named) write(each.name, each.at, each.line, 5, ink.ink, 1);
    if (chosen >= 0) ring(chosen, ink.mark, 2);
    if (hovered >= 0) ring(hovered, ink.ink, 2);
  }

  // The names of kinds that fit beside each other, the largest first; near by, the keys tell more.
  function titles(panels) {
    if (view.zoom > 5) return [];
    pen.font = ink.title;
    const fitting = [];
    for (const each of middles) {
      if (off.has(each.kind)) continue;
      each.name = each.names[width > 640 ? 0 : 1]; // a phone has room for a word or two
      each.wide = pen.measureText(each.name).width;
      each.line = (each.y - view.y) * pixels() + middle.y + 5;
      each.at = roomFor((each.middle - view.x) * pixels() + middle.x, each.line, each.wide, panels);
      if (Number.isNaN(each.at)) continue;
      each.x = (each.at - middle.x) / pixels() + view.x;
      const apart = (other) => Math.abs(other.line - each.line) > 22 || Math.abs(other.at - each.at) > (other.wide + each.wide) / 2 + 10;
      if (fitting.every(apart)) fitting.push(each);
    }
    return fitting;
  }

  // What lies over the map.
  const over = () => [find(".map-side"), card, find(".map-tools")].filter((each) => !each.hidden).map((each) => ({
    left: each.offsetLeft, right: each.offsetLeft + each.offsetWidth, top: each.offsetTop, bottom: each.offsetTop + each.offsetHeight,
  }));

  // The middle of a text, as near to x as the edges of the map and what lies over it leave room; NaN where they leave none.
  function roomFor(x, line, wide, panels) {
    const edge = wide / 2 + 6;
    let [low, high] = [0, width];
    for (const { left, right, top, bottom } of panels) {
      if (line + 6 < top || line - 14 > bottom) continue;
      if (x > left && x < right) return NaN;
      if (x >= right) low = Math.max(low, right);
      else high = Math.min(high, left);
    }
    if (x < low || x > high || high - low < 2 * edge || line < 14 || line > height - 5) return NaN;
    return clamp(x, low + edge, high - edge);
  }

  // What the lasso surrounds.
  function surrounded() {
    if (!drawn.length) return;
    pen.beginPath();
    for (const [x, y] of drawn) pen.lineTo((x - view.x) * pixels() + middle.x, (y - view.y) * pixels() + middle.y);
    pen.closePath();
    pen.fillStyle = pen.strokeStyle = ink.accent;
    pen.lineWidth = 1.5;
    pen.globalAlpha = 0.1;
    pen.fill();
    pen.globalAlpha = 0.9;
    pen.stroke();
    pen.globalAlpha = 1;
  }

  // From where the old neighbors of a key are to where it is now.
  function arrows() {
    pen.fillStyle = ink.mark;
    for (const [i, from] of trails) {
      if (!shown(i) || (chosen >= 0 && chosen !== i)) continue;
      const [x1, y1] = screen(i);
      const [x0, y0] = from.map(screen).reduce(([a, b], [x, y]) => [a + x / from.length, b + y / from.length], [0, 0]);
      const turn = Math.atan2(y1 - y0, x1 - x0);
      if (Math.hypot(x1 - x0, y1 - y0) < 10) continue;
      pen.beginPath();
      pen.moveTo(x0, y0);
      pen.lineTo(x1, y1);
      [pen.strokeStyle, pen.lineWidth] = [ink.paper, 6];
      pen.stroke();
      [pen.strokeStyle, pen.lineWidth] = [ink.mark, 2.5];
      pen.stroke();
      pen.beginPath();
      pen.moveTo(x1, y1);
      for (const side of [-0.42, 0.42]) pen.lineTo(x1 - 12 * Math.cos(turn + side), y1 - 12 * Math.sin(turn + side));
      pen.fill();
    }
  }

  function ring(i, color, line) {
    const [x, y] = screen(i);
    pen.strokeStyle = color;
    pen.lineWidth = line;
    pen.beginPath();
    pen.arc(x, y, diameter() / 2 + 2, 0, 7);
    pen.stroke();
  }

  function write(text, x, line, halo, color, alpha) {
    pen.globalAlpha = alpha;
    pen.strokeStyle = ink.paper;
    pen.lineWidth = halo;
    pen.strokeText(text, x, line);
    pen.fillStyle = color;
    pen.fillText(text, x, line);
    pen.globalAlpha = 1;
  }

  // The view.
  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

  function moveTo({ x, y, zoom }) {
    moved = performance.now();
    clearTimeout(settled);
    settled = setTimeout(redraw, 170);
    view = { x: clamp(x, -0.1, 1.1), y: clamp(y, -0.1, 1.1), zoom: clamp(zoom, 0.5, 400) };
    redraw();
  }

  function zoomAt(factor, x = middle.x, y = middle.y) {
    const zoom = clamp(view.zoom * factor, 0.5, 400);
    const shift = (1 / view.zoom - 1 / zoom) / fitting;
    moveTo({ x: view.x + (x - middle.x) * shift, y: view.y + (y - middle.y) * shift, zoom });
  }

  function flyTo(target, time = 650) {
    cancelAnimationFrame(flight);
    if (still.matches) return moveTo(target);
    const from = view;
    const began = performance.now();
    // Out a little on the way where the target is far, so that one sees where one goes.
    const away = Math.hypot(target.x - from.x, target.y - from.y) * Math.min(from.zoom, target.zoom);
    const step = (now) => {
      const t = Math.min(1, Math.max(0, (now - began) / time));
      const eased = t * t * (3 - 2 * t);
      const out = Math.exp(-Math.min(1.6, away) * Math.sin(Math.PI * eased));
      const zoom = from.zoom ** (1 - eased) * target.zoom ** eased * out;
      moveTo({ x: from.x + (target.x - from.x) * eased, y: from.y + (target.y - from.y) * eased, zoom });
      if (t < 1) flight = requestAnimationFrame(step);
    };
    flight = requestAnimationFrame(step);
  }

  // What is known of a point.
  function neighborsOf(i) {
    const found = [];
    const { low, high } = data.scores;
    for (let at = i * k; at < (i + 1) * k; at++)
      if (near[at] !== NONE) found.push([near[at], low + ((high - low) * scores[at]) / 255]);
    return found;
  }

  function facts(i) {
    const rows = data.colors.map((each) => [each.name, each.kind === "names" ? each.names[each.values[i]] : number(each.values[i], each.unit)]);
    rows.push(...data.texts.map((each) => [each.name, each.values[i] ?? "–"]));
    return element("dl", {}, ...rows.flatMap(([name, value]) => [element("dt", { textContent: name }), element("dd", { textContent: value })]));
  }

  function hover(i, x = 0, y = 0) {
    if (i !== hovered) {
      hovered = i;
      face.classList.toggle("over", i >= 0);
      if (i >= 0) tip.replaceChildren(element("strong", { textContent: keys[i] }), facts(i));
      tip.hidden = i < 0;
      redraw(false);
    }
    if (i < 0) return;
    const left = x + 16 + tip.offsetWidth > width ? x - 16 - tip.offsetWidth : x + 16;
    const top = Math.min(y + 14, height - tip.offsetHeight - 6);
    tip.style.transform = `translate(${Math.max(4, left)}px, ${Math.max(4, top)}px)`;
  }

  function choose(i) {
    chosen = i;
    [drawn, selected] = [[], []];
    card.hidden = i < 0;
    redraw(false);
    if (i < 0) return;
    const close = element("button", { className: "close", type: "button", textContent: "×", ariaLabel: "Close", onclick: () => choose(-1) });
    const rows = neighborsOf(i).map(([j, score]) => {
      const button = element("button", { type: "button", onclick: () => go(j) },
        element("span", { textContent: keys[j] }), element("span", { textContent: score.toFixed(2) }));
      if (data.scores.name === "cosine") button.style.setProperty("--share", `${Math.max(0, 100 * score)}%`);
      return element("li", {}, button);
    });
    card.replaceChildren(element("h3", { textContent: keys[i] }), close, facts(i),
      element("h4", { textContent: `Nearest of the keys shown, ${data.scores.name}` }), element("ol", {}, ...rows));
  }

  // Whether a place is inside of a polygon, both in the plane.
  function inside(x, y, polygon) {
    let within = false;
    for (let a = 0, b = polygon.length - 1; a < polygon.length; b = a++) {
      const [[xa, ya], [xb, yb]] = [polygon[a], polygon[b]];
      if (ya > y !== yb > y && x < ((xb - xa) * (y - ya)) / (yb - ya) + xa) within = !within;
    }
    return within;
  }

  function select(polygon) {
    choose(-1);
    drawn = polygon;
    const [left, right] = [0, 1].map((end) => [0, 1].map((axis) => polygon.reduce((far, at) => (end ? Math.max : Math.min)(far, at[axis]), end ? -9 : 9)));
    for (let i = 0; i < keys.length; i++) {
      const [x, y] = [places[2 * i] / 65535, places[2 * i + 1] / 65535];
      if (x >= left[0] && x <= right[0] && y >= left[1] && y <= right[1] && shown(i) && inside(x, y, polygon)) selected.push(i);
    }
    card.hidden = false;
    const close = element("button", { className: "close", type: "button", textContent: "×", ariaLabel: "Close", onclick: () => choose(-1) });
    const listed = selected.slice(0, 60).map((i) => element("li", {}, element("button", { type: "button", onclick: () => go(i) }, element("bdi", { textContent: keys[i] }))));
    const copied = element("button", { className: "copy", type: "button", textContent: "Copy all keys", onclick: () => copy(copied) });
    const more = selected.length > listed.length ? [element("p", { textContent: `… and ${number(selected.length - listed.length)} more` })] : [];
    card.replaceChildren(element("h3", { textContent: `${number(selected.length)} ${selected.length === 1 ? "key" : "keys"} in the lasso` }), close, summary(),
      ...(selected.length ? [copied, element("h4", { textContent: "In the order of the map" }), element("ol", {}, ...listed), ...more] : []));
    redraw(false);
  }

  // What the selected points are by the color: kinds with their shares here and in all, or the median.
  function summary() {
    const rows = [];
    if (scale?.kind === "names" && selected.length) {
      const held = new Map();
      for (const i of selected) held.set(scale.values[i], (held.get(scale.values[i]) ?? 0) + 1);
      const ranked = [...held].sort((a, b) => b[1] - a[1]).slice(0, 4);
      for (const [kind, count] of ranked) rows.push([scale.names[kind], `${Math.round((100 * count) / selected.length)} %`]);
    } else if (scale && selected.length) {
      const known = selected.map((i) => scale.values[i]).filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
      rows.push([`${scale.name}, median`, known.length ? number(known[known.length >> 1], scale.unit) : "–"]);
    }
    return element("dl", { className: "shares" }, ...rows.flatMap(([name, value]) => [element("dt", { textContent: name }), element("dd", { textContent: value })]));
  }

  function copy(button) {
    const text = selected.map((i) => keys[i]).join("\n");
    const done = () => (button.textContent = `Copied ${number(selected.length)} keys`);
    const byHand = () => {
      const field = element("textarea", { value: text, readOnly: true });
      card.append(field);
      field.select();
      if (document.execCommand("copy")) done();
      field.remove();
    };
    navigator.clipboard ? navigator.clipboard.writeText(text).then(done, byHand) : byHand();
  }

  // Chooses a point and flies there, to a zoom at which half of its nearest keys are in view.
  function go(i) {
    hover(-1);
    choose(i);
    const [x, y] = [places[2 * i] / 65535, places[2 * i + 1] / 65535];
    const reach = neighborsOf(i).map(([j]) => Math.hypot(places[2 * j] / 65535 - x, places[2 * j + 1] / 65535 - y));
    const away = reach.sort((a, b) => a - b)[Math.floor(reach.length / 2)] || 0.05;
    flyTo({ x, y, zoom: Math.max(view.zoom, clamp(0.1 / away, 3, 40)) });
  }

  // Search.
  const lower = keys.map((key) => key.toLowerCase());
  let options = [], picked = 0;

  function suggest() {
    const wanted = input.value.trim().toLowerCase();
    const found = [[], [], []]; // the whole key, its beginning, a part of it; frequent keys first
    for (let i = 0; wanted && i < lower.length; i++) {
      const at = lower[i].indexOf(wanted);
      if (at >= 0) found[at > 0 ? 2 : lower[i].length > wanted.length ? 1 : 0].push(i);
    }
    options = found.flat().slice(0, 8);
    picked = 0;
    list.replaceChildren(...options.map((i, place) => element("li", { id: `map-found-${place}`, role: "option", textContent: keys[i] })));
    if (wanted && !options.length) list.append(element("li", { className: "none", textContent: "No key shown here has this in its name." }));
    open(Boolean(wanted));
  }

  function open(wide) {
    list.hidden = !wide;
    input.ariaExpanded = String(wide);
    [...list.children].forEach((item, place) => (item.ariaSelected = String(place === picked && options.length > 0)));
    input.setAttribute("aria-activedescendant", wide && options.length ? `map-found-${picked}` : "");
  }

  function take(place) {
    if (options[place] === undefined) return;
    input.value = keys[options[place]];
    open(false);
    go(options[place]);
  }

  list.addEventListener("pointerdown", (event) => {
    event.preventDefault(); // the field keeps the focus
    take([...list.children].indexOf(event.target));
  });
  input.addEventListener("input", suggest);
  input.addEventListener("blur", () => open(false));
  input.addEventListener("keydown", (event) => {
    const turn = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (turn && options.length) {
      picked = (picked + turn + options.length) % options.length;
      open(true);
      event.preventDefault();
    } else if (event.key === "Enter") take(picked);
    else if (event.key === "Escape") open(false);
  });

  // Color and legend.
  function recolor() {
    renderer.color(paint(scale, keys.length, night.matches, off));
    redraw();
  }

  function explain() {
    middles = scale?.kind === "names" ? middlesOf(places, scale, KINDS.length) : [];
    legend.replaceChildren();
    if (!scale) return;
    if (scale.kind === "numbers") {
      const stops = Array.from({ length: 9 }, (_, step) => `rgb(${ramp(step / 8, night.matches)})`);
      const bar = element("div", { className: "ramp" });
      bar.style.background = `linear-gradient(90deg, ${stops})`;
      const half = scale.steps ? scale.steps[(scale.steps.length - 1) / 2] : Number(((scale.low + scale.high) / 2).toPrecision(4));
      const ends = [scale.low, half, scale.high].map((value) => element("span", { textContent: number(value, scale.unit) }));
      legend.append(bar, element("div", { className: "ends" }, ...ends));
      return;
    }
    scale.shown.forEach((name, kind) => {
      const dot = element("i", {});
      const wheel = Array.from({ length: 6 }, (_, step) => `rgb(${tint(kind + step)})`);
      dot.style.background = kind < KINDS.length ? `rgb(${tint(kind)})` : `conic-gradient(${wheel})`;
      const button = element("button", { type: "button", ariaPressed: String(!off.has(kind)), title: "Show or hide" },
        dot, element("span", { textContent: name }), element("small", { textContent: number(scale.sizes[kind]) }));
      button.onclick = () => {
        off.has(kind) ? off.delete(kind) : off.add(kind);
        button.ariaPressed = String(!off.has(kind));
        recolor();
      };
      legend.append(button);
    });
  }

  choice.append(...data.colors.map((each) => new Option(each.name, each.name, false, each === scale)));
  find(".map-colors").hidden = !scale;
  choice.onchange = () => {
    scale = data.colors.find((each) => each.name === choice.value);
    off = new Set();
    explain();
    recolor();
  };

  // Gestures.
  const fingers = new Map();
  let travelled = 0;
  const local = (event) => {
    const box = face.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const pointAt = (x, y, reach) =>
    nearest(((x - middle.x) / pixels() + view.x) * 65535, ((y - middle.y) / pixels() + view.y) * 65535, (reach / pixels()) * 65535, shown);
  const reachOf = (event) => (event.pointerType === "touch" ? 22 : Math.max(9, diameter()));

  const plane = (x, y) => [(x - middle.x) / pixels() + view.x, (y - middle.y) / pixels() + view.y];
  let lassoing = false; // a lasso is being drawn

  function takeLasso(on) {
    lasso.ariaPressed = String(on);
    face.classList.toggle("lasso", on);
    tell(on ? "Draw around keys to select them; Enter selects all in view." : "");
  }

  face.addEventListener("pointerdown", (event) => {
    cancelAnimationFrame(flight);
    lassoing = !fingers.size && (event.shiftKey || lasso.ariaPressed === "true");
    if (lassoing) {
      choose(-1);
      drawn = [plane(...local(event))];
    }
    face.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, local(event));
    if (fingers.size === 1) travelled = 0;
  });
  face.addEventListener("pointermove", (event) => {
    const [x, y] = local(event);
    const before = fingers.get(event.pointerId);
    if (!before) return hover(pointAt(x, y, reachOf(event)), x, y);
    const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
    fingers.set(event.pointerId, [x, y]);
    travelled += Math.hypot(x - before[0], y - before[1]);
    if (travelled < 4) return;
    if (lassoing) {
      const [lastX, lastY] = drawn[drawn.length - 1];
      const [nowX, nowY] = plane(x, y);
      if (Math.hypot(nowX - lastX, nowY - lastY) * pixels() > 3) drawn.push([nowX, nowY]);
      return redraw(false);
    }
    face.classList.add("moving");
    hover(-1);
    const share = other ? 0.5 : 1; // each of two fingers carries half of the way
    moveTo({ ...view, x: view.x - (share * (x - before[0])) / pixels(), y: view.y - (share * (y - before[1])) / pixels() });
    if (!other) return;
    const spread = Math.hypot(x - other[0], y - other[1]) / Math.max(1, Math.hypot(before[0] - other[0], before[1] - other[1]));
    zoomAt(spread, (x + other[0]) / 2, (y + other[1]) / 2);
  });
  const lift = (event) => {
    if (fingers.delete(event.pointerId) && !fingers.size) face.classList.remove("moving");
  };
  face.addEventListener("pointerup", (event) => {
    const tapped = fingers.size === 1 && travelled < 4;
    lift(event);
    if (lassoing && !tapped && drawn.length > 2) {
      lassoing = false;
      select(drawn);
      return takeLasso(false);
    }
    [lassoing, drawn] = [false, selected.length ? drawn : []];
    if (tapped) choose(pointAt(...local(event), reachOf(event)));
  });
  face.addEventListener("pointercancel", lift);
  face.addEventListener("pointerleave", () => hover(-1));
  face.addEventListener("dblclick", (event) => zoomAt(2, ...local(event)));
  face.addEventListener("wheel", (event) => {
    // Inside a page the wheel belongs to the page, until the map was clicked.
    if (root.classList.contains("map-inside") && document.activeElement !== face && !event.ctrlKey) return;
    event.preventDefault();
    cancelAnimationFrame(flight);
    const lines = event.deltaMode === 1 ? 16 : 1;
    zoomAt(Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.0018)), ...local(event));
  }, { passive: false });
  face.addEventListener("keydown", (event) => {
    const step = 60 / pixels();
    const acts = {
      ArrowLeft: () => moveTo({ ...view, x: view.x - step }),
      ArrowRight: () => moveTo({ ...view, x: view.x + step }),
      ArrowUp: () => moveTo({ ...view, y: view.y - step }),
      ArrowDown: () => moveTo({ ...view, y: view.y + step }),
      "+": () => zoomAt(1.4), "=": () => zoomAt(1.4), "-": () => zoomAt(1 / 1.4),
      0: () => flyTo(home),
      "/": () => input.focus(),
      l: () => takeLasso(lasso.ariaPressed !== "true"),
      Enter: () => {
        takeLasso(false);
        select([plane(0, 0), plane(width, 0), plane(width, height), plane(0, height)]);
      },
      Escape: () => {
        takeLasso(false);
        choose(-1);
      },
    };
    if (!acts[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    acts[event.key]();
  });
  find(".map-tools").addEventListener("click", (event) => {
    if (event.target === lasso) {
      takeLasso(lasso.ariaPressed !== "true");
      face.focus();
    }
    const way = event.target.dataset.zoom;
    if (way === "all") flyTo(home);
    else if (way) flyTo({ ...view, zoom: view.zoom * (way === "in" ? 1.8 : 1 / 1.8) }, 220);
  });

  function fit() {
    ({ clientWidth: width, clientHeight: height } = root);
    const side = find(".map-side");
    const [left, top] = width > 640 ? [side.offsetLeft + side.offsetWidth, 0] : [0, side.offsetTop + side.offsetHeight];
    middle = { x: (left + width) / 2, y: (top + height) / 2 };
    fitting = 0.9 * Math.min((width - left) / (x1 - x0), (height - top) / (y1 - y0));
    ratio = Math.min(devicePixelRatio || 1, renderer.kind === "webgl" ? 3 : 2);
    for (const canvas of root.querySelectorAll("canvas")) [canvas.width, canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
    redraw();
  }

  function theme() {
    const style = getComputedStyle(root);
    for (const name of ["ink", "paper", "accent", "mark"]) ink[name] = style.getPropertyValue(`--${name}`).trim();
    ink.font = `12px ${style.fontFamily}`;
    ink.title = `650 14px ${style.fontFamily}`;
    pen.font = ink.font;
    explain();
    recolor();
  }

  night.addEventListener("change", theme);
  new ResizeObserver(fit).observe(root);
  fit();
  theme();
}

document.querySelectorAll("[data-map]").forEach(mount);
