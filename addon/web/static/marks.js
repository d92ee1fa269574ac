// Moments under the waveform: each is a button with its name, those too close to each other are one.

import { clock, spoken } from "./clock.js";

const ROOM = 28;
const NAMED = 3;
const STARTED_S = 1;

/** Steps to the moment before or after the position; at either end nothing happens. */
export function stepMoment(playback, moments, direction) {
  const starts = moments.map(([, , start]) => start);
  const target =
    direction > 0
      ? starts.find((start) => start > playback.position + 0.05)
      : starts.findLast((start) => start < playback.position - STARTED_S);
  if (target !== undefined) playback.seek(target);
}

/** Buttons for the moments between two times, placed over the width of `bar`. */
export function drawMarks(bar, playback, moments, from, to) {
  const width = bar.clientWidth;
  const groups = [];
  for (const moment of moments) {
    const [, , start, end] = moment;
    if (end < from || start > to) continue;
    const x = Math.max(0, ((start - from) / (to - from)) * width);
    const last = groups.at(-1);
    if (last && x - last.x < ROOM) last.moments.push(moment);
    else groups.push({ x: Math.min(x, width - ROOM + 4), moments: [moment] });
  }
  const focused = bar.contains(document.activeElement) ? document.activeElement.dataset.start : null;
  bar.replaceChildren(...groups.map((group, number) => mark(group, playback, number)));
  if (focused !== null) bar.querySelector(`[data-start="${focused}"]`)?.focus();
}

function mark({ x, moments }, playback, number) {
  const [kind, , start] = moments[0];
  const button = document.createElement("button");
  button.type = "button";
  button.className = `mark ${moments.every((one) => one[0] === kind) ? kind : "several"}`;
  button.style.left = `${x}px`;
  button.dataset.start = start;
  button.tabIndex = number ? -1 : 0;
  button.textContent = moments.length > 1 ? moments.length : "";
  button.title = nameOf(moments);
  button.setAttribute("aria-label", button.title);
  button.addEventListener("click", () => playback.playFrom(start));
  return button;
}

function nameOf(moments) {
  const [[, title, start, end]] = moments;
  if (moments.length === 1) return `${title} at ${clock(start)}, ${spoken(Math.max(1, end - start))}`;
  const names = moments.slice(0, NAMED).map((one) => one[1]);
  const more = moments.length > NAMED ? " and more" : "";
  return `${moments.length} moments from ${clock(start)}: ${names.join(", ")}${more}`;
}

/** One stop of the Tab key; the arrows go from mark to mark, as in any toolbar. */
export function marksByKey(bar) {
  bar.addEventListener("keydown", (event) => {
    const marks = [...bar.children];
    const now = marks.indexOf(event.target);
    const to = { ArrowRight: now + 1, ArrowLeft: now - 1, Home: 0, End: marks.length - 1 }[event.key];
    if (now < 0 || to === undefined) return;
    event.preventDefault();
    const next = marks[Math.min(Math.max(to, 0), marks.length - 1)];
    event.target.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });
}
