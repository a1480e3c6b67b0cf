// Values to colors, for paper of either kind.

// Viridis, at nine equal steps; dark paper leaves out its darkest end, light paper its lightest.
const VIRIDIS = ["#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725"].map(rgb);
const KINDS = ["#4269d0", "#e0912f", "#e0574f", "#4fb3a4", "#3f9f4d", "#e67fb0", "#9a60e0", "#7fa6ec", "#9c6b4e", "#b3a12e", "#56809c", "#c06bc4"].map(rgb);
const OTHER = rgb("#8f949c");

function rgb(hex) {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

// The first kinds have colors of their own; the others take muted ones around the wheel, so that kinds side by side differ.
function tint(kind) {
  if (kind < KINDS.length) return KINDS[kind];
  const hue = (kind * 137.508) % 360;
  return [0, 8, 4].map((channel) => {
    const turned = (channel + hue / 30) % 12;
    return Math.round(255 * (0.62 - 0.15 * Math.max(-1, Math.min(turned - 3, 9 - turned, 1))));
  });
}

// 0..1 -> [r, g, b]
function ramp(share, dark) {
  const [low, high] = dark ? [0.16, 1] : [0, 0.93];
  const at = (low + (high - low) * Math.min(1, Math.max(0, share))) * (VIRIDIS.length - 1);
  const step = Math.min(VIRIDIS.length - 2, Math.floor(at));
  return VIRIDIS[step].map((value, channel) => Math.round(value + (VIRIDIS[step + 1][channel] - value) * (at - step)));
}

// Where a number stands on its scale, 0..1; NaN stays NaN.
function share(scale, value) {
  const { low, high, steps } = scale;
  if (high === low || Number.isNaN(value)) return value - value + 0.5;
  if (!steps) return (value - low) / (high - low);
  // Steps are values at even ranks: the color tells the rank, where a few values dwarf the rest.
  const next = steps.findIndex((step, at) => at > 0 && step >= value);
  if (next < 0) return 1;
  const within = (value - steps[next - 1]) / (steps[next] - steps[next - 1] || 1);
  return (next - 1 + Math.max(0, within)) / (steps.length - 1);
}

function number(value, unit) {
  if (value === null || Number.isNaN(value)) return "–";
  if (unit === "date") return new Date(value * 864e5).toISOString().slice(0, 10);
  return value.toLocaleString("en-US", { maximumSignificantDigits: Math.abs(value) >= 1000 ? 7 : 3 });
}

// Four bytes a point; `off` tells which kinds are hidden (alpha 0).
function paint(scale, count, dark, off) {
  const bytes = new Uint8Array(4 * count);
  const tints = scale && scale.kind === "names" ? scale.names.map((name, kind) => tint(kind)) : [];
  for (let i = 0; i < count; i++) {
    let color = scale ? OTHER : KINDS[0];
    let shown = 255;
    if (scale && scale.kind === "names") {
      color = tints[scale.values[i]];
      if (off.has(Math.min(scale.values[i], KINDS.length))) shown = 0;
    } else if (scale) {
      const at = share(scale, scale.values[i]);
      if (!Number.isNaN(at)) color = ramp(at, dark);
    }
    bytes.set(color, 4 * i);
    bytes[4 * i + 3] = shown;
  }
  return bytes;
}
