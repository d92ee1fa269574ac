// The waveform: one lane a party, in the party's colour where it speaks and pale where it does not.

import WaveSurfer from "./vendor/wavesurfer/wavesurfer.esm.js";

const LOUDEST = 128;
const BAR = 3;
const GAP = 1;
const LANE_MARGIN = 0.08;
const QUIETEST_PEAK = 0.2;
const COARSEST = 2;
const FINEST = 400;
const WHOLE_UNTIL_S = 600;
const BEGINNING_S = 150;

/** Colours of the style sheet, as canvases need them. */
export function colours() {
  const style = getComputedStyle(document.documentElement);
  return (name) => style.getPropertyValue(`--${name}`).trim();
}

/** The waveform in `container`, playing `media`; `timeline` is what the server sends. */
export function waveform(container, media, timeline, nonce) {
  const peaks = signedPeaks(timeline);
  const packed = pack(peaks);
  const loudest = Math.max(QUIETEST_PEAK, ...peaks.map((lane) => lane.reduce((most, one) => Math.max(most, Math.abs(one)), 0)));
  return WaveSurfer.create({
    container,
    media,
    peaks: packed,
    duration: timeline.duration,
    minPxPerSec: firstZoom(container, timeline.duration),
    height: "auto",
    cursorColor: colours()("accent"),
    cursorWidth: 2,
    progressColor: "transparent",
    dragToSeek: true,
    autoScroll: true,
    autoCenter: false,
    cspNonce: nonce,
    renderFunction: (lanes, context) => draw(unpack(lanes, timeline.lanes.length), context, timeline.lanes, loudest),
  });
}

// An hour in one window is a block without gaps: of a long recording the beginning is shown, in
// which turns can be told apart, with the overview of all above it.
function firstZoom(container, duration) {
  return duration > WHOLE_UNTIL_S ? container.clientWidth / BEGINNING_S : 0;
}

/** Zooms in (1) or out (-1); the widest view shows everything. */
export function zoom(surfer, direction) {
  const fit = surfer.getWidth() / surfer.getDuration();
  const now = Math.max(surfer.options.minPxPerSec, fit);
  const wanted = direction > 0 ? now * COARSEST : now / COARSEST;
  surfer.zoom(wanted <= fit * 1.05 ? 0 : Math.min(wanted, FINEST));
}

// wavesurfer.js draws a long waveform in pieces and hands each piece its own values only. So the
// sign of a value says whether the party speaks there: a piece needs to know nothing else.
function signedPeaks({ duration, lanes, peaks }) {
  return lanes.map((lane, number) => {
    const values = Float32Array.from(peaks?.[number] ?? flat(duration), (peak) => -Math.max(peak, 1) / LOUDEST);
    for (const [start, end] of lane.speech) {
      const last = Math.min(values.length, Math.ceil((end / duration) * values.length));
      for (let i = Math.floor((start / duration) * values.length); i < last; i++) values[i] = Math.abs(values[i]);
    }
    return values;
  });
}

// wavesurfer.js hands over two channels, and a call of which some recordings are mixed has three
// lanes: the third travels in the first one's values, in whole steps far above what they can hold.
// All of it stays within 1, beyond which wavesurfer.js would scale everything.
const STEP = 4;
const ROOM = 1024;

function pack(lanes) {
  const [first, second, third] = lanes;
  if (!third) return lanes;
  return [first.map((value, i) => (value + STEP * Math.round(third[i] * LOUDEST)) / ROOM), second];
}

function unpack(lanes, count) {
  if (count < 3) return lanes;
  const first = lanes[0].map((value) => value * ROOM);
  const steps = first.map((value) => Math.round(value / STEP));
  return [first.map((value, i) => value - STEP * steps[i]), lanes[1], steps.map((value) => value / LOUDEST)];
}

// Without stored peaks the turns alone are drawn, as bars of one height.
function flat(duration) {
  return new Array(Math.max(1, Math.ceil(duration * 20))).fill(LOUDEST / 2);
}

function draw(lanes, context, parties, loudest) {
  const colour = colours();
  const { width, height } = context.canvas;
  const scale = window.devicePixelRatio || 1;
  const step = (BAR + GAP) * scale;
  const count = Math.max(1, Math.floor(width / step));
  const laneHeight = height / parties.length;
  parties.forEach((party, number) => {
    const values = lanes[number];
    if (!values?.length) return;
    const middle = laneHeight * (number + 0.5);
    const reach = laneHeight * (0.5 - LANE_MARGIN);
    const strong = new Path2D();
    const pale = new Path2D();
    for (let bar = 0; bar < count; bar++) {
      const { peak, speaks } = loudestOf(values, bar / count, (bar + 1) / count);
      const half = Math.max(scale, (peak / loudest) * reach);
      (speaks ? strong : pale).roundRect(bar * step, middle - half, BAR * scale, 2 * half, BAR * scale);
    }
    context.fillStyle = colour(`${party.role}-pale`);
    context.fill(pale);
    context.fillStyle = colour(party.role);
    context.fill(strong);
  });
}

function loudestOf(values, from, to) {
  const first = Math.min(values.length - 1, Math.floor(from * values.length));
  const last = Math.max(first + 1, Math.floor(to * values.length));
  let peak = 0;
  let speaks = false;
  for (let i = first; i < last; i++) {
    peak = Math.max(peak, Math.abs(values[i]));
    speaks ||= values[i] > 0;
  }
  return { peak, speaks };
}
