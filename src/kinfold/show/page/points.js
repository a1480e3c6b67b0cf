// Two ways to draw the same points, WebGL and pixels of a 2D canvas:
// color(bytes) takes four bytes a point, draw(view, size, opacity, step) draws every step-th point, `size` pixels wide.
// A view maps the plane 0..1 to pixels: (place - x) * scale + width / 2.

const VERTEX = `
attribute vec2 place;
attribute vec4 color;
uniform vec2 center;
uniform vec2 span;
uniform mediump float size;
varying vec4 tint;
void main() {
  tint = color;
  vec2 at = (place - center) * span;
  gl_Position = color.a > 0.0 ? vec4(at.x, -at.y, 0.0, 1.0) : vec4(2.0, 2.0, 0.0, 1.0);
  gl_PointSize = size;
}`;

const FRAGMENT = `
precision mediump float;
uniform mediump float size;
uniform float opacity;
varying vec4 tint;
void main() {
  float edge = size * 0.5;
  float cover = clamp(edge - length(gl_PointCoord - 0.5) * size + 0.5, 0.0, 1.0);
  gl_FragColor = vec4(tint.rgb, 1.0) * (cover * opacity);
}`;

const MOST_STEP = 16; // a sample has at least so many-th points; steps are powers of two

function pointsOf(canvas, places) {
  const wanted = location.hash === "#webgl" || (location.hash !== "#canvas" && hasCard());
  const gl = wanted && canvas.getContext("webgl", { antialias: false });
  return gl ? byCard(gl, canvas, places) : byPixels(canvas, places);
}

// Whether a graphics card draws WebGL: without one, pixels are several times faster.
function hasCard() {
  const gl = document.createElement("canvas").getContext("webgl", { failIfMajorPerformanceCaveat: true });
  const info = gl && gl.getExtension("WEBGL_debug_renderer_info");
  const name = info ? gl.getParameter(info.UNMASKED_RENDERER_WEBGL) : "";
  gl?.getExtension("WEBGL_lose_context")?.loseContext();
  return Boolean(gl) && !/swiftshader|llvmpipe|softpipe|software|basic render/i.test(name);
}

function byCard(gl, canvas, places) {
  const count = places.length / 2;
  // Later points cover earlier ones, and the first are the most frequent: back to front. A sample of every step-th
  // point is the end of an order by how many twos divide a point's number, so that one buffer serves every step.
  const order = new Uint32Array(count);
  let filled = 0;
  for (let step = 1; step <= MOST_STEP; step *= 2)
    for (let i = count - 1; i >= 0; i--) if (i % step === 0 && (step === MOST_STEP || i % (2 * step))) order[filled++] = i;
  const turned = new Uint16Array(places.length);
  for (let at = 0; at < count; at++) turned.set(places.subarray(2 * order[at], 2 * order[at] + 2), 2 * at);
  let colors = new Uint32Array(count);
  let at, colorBuffer;

  function build() {
    const program = gl.createProgram();
    for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    gl.useProgram(program);
    at = Object.fromEntries(["center", "span", "size", "opacity"].map((name) => [name, gl.getUniformLocation(program, name)]));
    const buffer = (name, values, width, type) => {
      const made = gl.createBuffer();
      gl.bindBuffer(gl.ARRAY_BUFFER, made);
      gl.bufferData(gl.ARRAY_BUFFER, values, gl.STATIC_DRAW);
      const place = gl.getAttribLocation(program, name);
      gl.enableVertexAttribArray(place);
      gl.vertexAttribPointer(place, width, type, true, 0, 0);
      return made;
    };
    buffer("place", turned, 2, gl.UNSIGNED_SHORT);
    colorBuffer = buffer("color", colors, 4, gl.UNSIGNED_BYTE);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  }

  canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
  canvas.addEventListener("webglcontextrestored", build);
  build();
  return {
    kind: "webgl",
    color(bytes) {
      const given = new Uint32Array(bytes.buffer);
      colors = Uint32Array.from(order, (i) => given[i]);
      gl.bindBuffer(gl.ARRAY_BUFFER, colorBuffer);
      gl.bufferData(gl.ARRAY_BUFFER, colors, gl.STATIC_DRAW);
    },
    draw(view, size, opacity, step = 1) {
      gl.viewport(0, 0, canvas.width, canvas.height);
      gl.clear(gl.COLOR_BUFFER_BIT);
      gl.uniform2f(at.center, view.x, view.y);
      gl.uniform2f(at.span, (2 * view.scale) / canvas.width, (2 * view.scale) / canvas.height);
      gl.uniform1f(at.size, size);
      gl.uniform1f(at.opacity, opacity);
      const drawn = Math.ceil(count / step);
      gl.drawArrays(gl.POINTS, count - drawn, drawn);
    },
  };
}

function byPixels(canvas, places) {
  const context = canvas.getContext("2d");
  const seen = new Uint32Array(places.length / 2);
  const ROUND_BELOW = 4000; // points that can be drawn as smooth discs in a frame; more become pixels
  let colors = new Uint32Array(places.length / 2);
  let image = null;
  return {
    kind: "canvas",
    color(bytes) {
      colors = new Uint32Array(bytes.buffer);
    },
    draw(view, size, opacity, step = 1) {
      const { width, height } = canvas;
      const scale = view.scale / 65535;
      const left = width / 2 - view.x * view.scale;
      const top = height / 2 - view.y * view.scale;
      let count = 0;
      for (let i = 0; i < seen.length; i += step) {
        const x = places[2 * i] * scale + left;
        const y = places[2 * i + 1] * scale + top;
        if (x > -size && y > -size && x < width + size && y < height + size && colors[i] >>> 24) seen[count++] = i;
      }
      if (count < ROUND_BELOW) {
        context.clearRect(0, 0, width, height);
        context.globalAlpha = opacity;
        for (let j = count - 1; j >= 0; j--) {
          const i = seen[j];
          context.fillStyle = `rgb(${colors[i] & 255} ${(colors[i] >> 8) & 255} ${(colors[i] >> 16) & 255})`;
          context.beginPath();
          context.arc(places[2 * i] * scale + left, places[2 * i + 1] * scale + top, size / 2, 0, 7);
          context.fill();
        }
        return;
      }
      if (!image || image.width !== width || image.height !== height) image = new ImageData(width, height);
      const pixels = new Uint32Array(image.data.buffer).fill(0);
      const reach = Math.max(1, Math.round(size / 2));
      for (let j = count - 1; j >= 0; j--) {
        const i = seen[j];
        const x = Math.round(places[2 * i] * scale + left);
        const y = Math.round(places[2 * i + 1] * scale + top);
        if (x < reach || y < reach || x >= width - reach || y >= height - reach) continue;
        // A square without its corners.
        for (let row = 1 - reach; row <= reach; row++) {
          const cut = reach > 1 && (row === 1 - reach || row === reach) ? 1 : 0;
          const start = (y + row) * width + x + 1 - reach + cut;
          for (let at = start; at < start + 2 * (reach - cut); at++) pixels[at] = colors[i];
        }
      }
      context.putImageData(image, 0, 0);
    },
  };
}
