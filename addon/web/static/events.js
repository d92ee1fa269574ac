// The strip below the waveform: what happened when, and a ruler of the part that is in view.

import { clock } from "./clock.js";
import { colours } from "./waveform.js";

const STRIP = { top: 4, height: 12 };
const LEAST_WIDTH = 2;
const LABEL_ROOM = 76;
const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
const FONT = "11px Inter, system-ui, sans-serif";

/** Draws the seconds `from` to `to` of the timeline. */
export function drawEvents(canvas, timeline, from, to) {
  const scale = window.devicePixelRatio || 1;
  const { clientWidth: width, clientHeight: height } = canvas;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  const colour = colours();
  const x = (seconds) => ((seconds - from) / (to - from)) * width;
  const stripe = (intervals, fill) => {
    context.fillStyle = fill;
    for (const [start, end] of intervals) {
      const left = x(start);
      const wide = Math.max(LEAST_WIDTH, x(end) - left);
      if (left > width || left + wide < 0) continue;
      context.beginPath();
      context.roundRect(left, STRIP.top, wide, STRIP.height, 3);
      context.fill();
    }
  };
  context.fillStyle = colour("sunken");
  context.beginPath();
  context.roundRect(0, STRIP.top, width, STRIP.height, 4);
  context.fill();
  const { both, silence, hold, muted } = timeline.events;
  stripe(silence, colour("silence"));
  stripe(hold, hatched(context, colour("hold")));
  stripe(both, colour("both"));
  stripe(muted, colour("muted"));
  ruler(context, { from, to, width, height, x, line: colour("line-strong"), text: colour("faint") });
}

function hatched(context, colour) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 6;
  const brush = tile.getContext("2d");
  brush.globalAlpha = 0.28;
  brush.fillStyle = colour;
  brush.fillRect(0, 0, 6, 6);
  brush.globalAlpha = 1;
  brush.strokeStyle = colour;
  brush.lineWidth = 1.6;
  brush.beginPath();
  for (const shift of [-6, 0, 6]) {
    brush.moveTo(shift, 6);
    brush.lineTo(shift + 6, 0);
  }
  brush.stroke();
  return context.createPattern(tile, "repeat");
}

function ruler(context, { from, to, width, height, x, line, text }) {
  const most = Math.max(1, Math.floor(width / LABEL_ROOM));
  const step = STEPS.find((one) => (to - from) / one <= most) ?? STEPS.at(-1);
  const top = STRIP.top + STRIP.height + 5;
  context.font = FONT;
  context.fillStyle = text;
  context.strokeStyle = line;
  context.textBaseline = "bottom";
  for (let number = Math.ceil(from / step); number * step <= to; number++) {
    const seconds = number * step;
    const at = Math.round(x(seconds)) + 0.5;
    context.beginPath();
    context.moveTo(at, top);
    context.lineTo(at, top + 4);
    context.stroke();
    const label = step < 1 ? `${clock(seconds)}.${Math.round((seconds % 1) * 10) % 10}` : clock(seconds);
    const room = context.measureText(label).width;
    context.textAlign = at < room / 2 ? "left" : at > width - room / 2 ? "right" : "center";
    context.fillText(label, context.textAlign === "left" ? 0 : context.textAlign === "right" ? width : at, height);
  }
}
