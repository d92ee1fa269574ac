// The whole recording above the waveform of a part: how much each party speaks, what happened, and
// which part is in view. A click or a drag goes there; the slider below does the same by keyboard.

import { colours } from "./waveform.js";

const COLUMN = 3;
const EVENTS_HEIGHT = 5;
const LEAST_WIDTH = 2;

/** Draws everything onto the canvas; `view` is the part below, in seconds. */
export function drawOverview(canvas, timeline, position, view) {
  const scale = window.devicePixelRatio || 1;
  const { clientWidth: width, clientHeight: height } = canvas;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  const colour = colours();
  const x = (seconds) => (seconds / timeline.duration) * width;
  context.fillStyle = colour("sunken");
  context.fillRect(0, 0, width, height);
  context.fillStyle = colour("surface");
  context.fillRect(x(view.from), 0, Math.max(LEAST_WIDTH, x(view.to) - x(view.from)), height);
  drawLanes(context, timeline, width, height - EVENTS_HEIGHT - 2, colour);
  drawLegs(context, timeline.legs ?? [], x, height, colour);
  for (const [name, fill] of [["silence", "line-strong"], ["hold", "hold"], ["both", "both"], ["muted", "muted"]]) {
    context.fillStyle = colour(fill);
    for (const [start, end] of timeline.events[name]) {
      context.fillRect(x(start), height - EVENTS_HEIGHT, Math.max(LEAST_WIDTH / 2, x(end) - x(start)), EVENTS_HEIGHT);
    }
  }
  context.strokeStyle = colour("accent");
  context.lineWidth = 1.5;
  context.strokeRect(x(view.from) + 0.75, 0.75, Math.max(LEAST_WIDTH, x(view.to) - x(view.from)) - 1.5, height - 1.5);
  context.fillStyle = colour("accent");
  context.fillRect(x(position) - 1, 0, 2, height);
}

// A column's bar is as high as the share of its time in which the party speaks.
function drawLanes(context, { lanes, duration }, width, height, colour) {
  const columns = Math.max(1, Math.floor(width / COLUMN));
  const lane = height / Math.max(lanes.length, 1);
  lanes.forEach(({ role, speech }, number) => {
    context.fillStyle = colour(role);
    shares(speech, columns, duration).forEach((share, column) => {
      const tall = share && Math.max(1, share * (lane - 2));
      context.fillRect(column * COLUMN, (number + 1) * lane - tall, COLUMN - 1, tall);
    });
  });
}

function shares(speech, columns, duration) {
  const found = new Float32Array(columns);
  const length = duration / columns;
  for (const [start, end] of speech) {
    const last = Math.min(columns - 1, Math.floor(end / length));
    for (let column = Math.floor(start / length); column <= last; column++) {
      const inside = Math.min(end, (column + 1) * length) - Math.max(start, column * length);
      found[column] = Math.min(1, found[column] + Math.max(0, inside) / length);
    }
  }
  return found;
}

function drawLegs(context, legs, x, height, colour) {
  context.fillStyle = colour("line-strong");
  for (const [start] of legs.slice(1)) context.fillRect(x(start), 0, 1, height);
}

/** Seeks where the canvas is pressed or dragged. */
export function seekByOverview(canvas, playback) {
  const go = (event) => {
    const { left, width } = canvas.getBoundingClientRect();
    playback.seek(((event.clientX - left) / width) * playback.duration);
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    go(event);
  });
  canvas.addEventListener("pointermove", (event) => canvas.hasPointerCapture(event.pointerId) && go(event));
}
