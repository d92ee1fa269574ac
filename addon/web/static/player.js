// The player of one recording. Without this script the page still plays, with the browser's own
// controls; with it, the waveform, the turns and the keyboard drive the same audio element.

import { clock, spoken } from "./clock.js";
import { drawEvents } from "./events.js";
import { colours, waveform, zoom } from "./waveform.js";

const SMALL_STEP_S = 5;
const STEP_S = 10;
const PAGE_S = 30;
const TURN_START_S = 1.5;
const LOST_TRIES = 2;
const COPIED_MS = 2000;
const REPORT_MS = 15000;
const MAX_SPANS = 64;
const NOTHING = JSON.stringify({ ranges: [] });

const byId = (id) => document.getElementById(id);
const root = byId("player");
const audio = byId("audio");
const turnButtons = [...document.querySelectorAll("#turns button")];

let surfer = null;
let position = 0;
let wanted = false;
let timeline = null;
let lost = 0;

function length() {
  return timeline?.duration || audio.duration || 0;
}

// Nothing is fetched before it is played: a grant in the access log means that somebody wanted to hear.
// Until then the element has no position of its own, so the page keeps it.
function seek(seconds) {
  moved(Math.min(Math.max(seconds, 0), length()));
  surfer.setTime(position);
}

function moved(seconds) {
  position = seconds;
  present();
}

function takePosition() {
  if (position && Math.abs(audio.currentTime - position) > 0.05) audio.currentTime = position;
}

// A failed load leaves the element paused; what the listener wanted is remembered here.
function toggle() {
  wanted = audio.paused;
  if (wanted) audio.play().catch(() => {});
  else audio.pause();
}

function playFrom(seconds) {
  seek(seconds);
  if (audio.paused) toggle();
}

/** The start of the turn before or after the present one. */
function jump(direction) {
  const starts = timeline.turns.map(([, start]) => start);
  const target =
    direction > 0 ? starts.find((start) => start > position + 0.05) : starts.findLast((start) => start < position - TURN_START_S);
  if (target !== undefined) seek(target);
  else if (direction < 0) seek(0);
}

function speed(direction) {
  const select = byId("speed");
  const next = select.selectedIndex + direction;
  if (next < 0 || next >= select.options.length) return;
  select.selectedIndex = next;
  audio.playbackRate = Number(select.value);
}

function mute() {
  audio.muted = !audio.muted;
}

function help() {
  const shown = byId("keys-help").toggleAttribute("hidden");
  byId("keys").setAttribute("aria-expanded", String(!shown));
}

const KEYS = {
  " ": toggle,
  k: toggle,
  j: () => seek(position - STEP_S),
  l: () => seek(position + STEP_S),
  arrowleft: () => seek(position - SMALL_STEP_S),
  arrowright: () => seek(position + SMALL_STEP_S),
  pageup: () => seek(position - PAGE_S),
  pagedown: () => seek(position + PAGE_S),
  home: () => seek(0),
  end: () => seek(length()),
  p: () => jump(-1),
  n: () => jump(1),
  "<": () => speed(-1),
  ">": () => speed(1),
  "+": () => zoom(surfer, 1),
  "=": () => zoom(surfer, 1),
  "-": () => zoom(surfer, -1),
  m: mute,
  "?": help,
};

// Keys of a control that has the focus stay that control's own.
const OWN_KEYS = "input, select, textarea, a, button, audio, #turns";

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  const key = event.key.toLowerCase();
  const focused = event.target.closest(OWN_KEYS);
  const typing = focused?.matches("input, select, textarea");
  if (typing || (focused && [" ", "arrowleft", "arrowright", "home", "end"].includes(key))) return;
  const act = KEYS[key];
  if (!act || !timeline) return;
  event.preventDefault();
  act();
}

// What was heard, for the access log: all that the element played since it was loaded. The server
// adds reports up; a page that never sends one is shown as not having reported.
let reported = "";

function report() {
  const spans = [...Array(audio.played.length).keys()].map((n) => [audio.played.start(n), audio.played.end(n)]);
  const longest = spans.sort(([a, b], [c, d]) => d - c - (b - a)).slice(0, MAX_SPANS);
  const rounded = longest.map((span) => span.map((seconds) => Math.round(seconds * 1000) / 1000));
  const body = JSON.stringify({ ranges: rounded.filter(([start, end]) => start < end) });
  if (body === reported || body === NOTHING) return;
  if (navigator.sendBeacon(`${root.dataset.base}/played`, body)) reported = body;
}

function reportPlayed() {
  for (const event of ["pause", "ended", "emptied"]) audio.addEventListener(event, report);
  document.addEventListener("visibilitychange", () => document.hidden && report());
  window.addEventListener("pagehide", report);
  setInterval(report, REPORT_MS);
}

function present() {
  const now = position;
  byId("time").value = clock(now);
  const wave = byId("wave");
  wave.setAttribute("aria-valuenow", String(Math.round(now)));
  const turn = timeline.turns.findLast(([, start, end]) => start <= now && now < end);
  const who = turn ? `, ${timeline.lanes.find((lane) => lane.role === turn[0])?.label ?? ""} speaking` : "";
  wave.setAttribute("aria-valuetext", `${spoken(now)} of ${spoken(length())}${who}`);
  markTurn(turn ? timeline.turns.indexOf(turn) : -1);
}

let marked = -1;

function markTurn(number) {
  if (number === marked) return;
  turnButtons[marked]?.removeAttribute("aria-current");
  marked = number;
  const button = turnButtons[number];
  if (!button) return;
  button.setAttribute("aria-current", "true");
  const list = byId("turns");
  const above = button.offsetTop - list.offsetTop;
  if (above < list.scrollTop || above + button.offsetHeight > list.scrollTop + list.clientHeight) {
    list.scrollTop = above - list.clientHeight / 2;
  }
}

function showState() {
  const playing = !audio.paused;
  const button = byId("play");
  button.querySelector(".when-paused").hidden = playing;
  button.querySelector(".when-playing").hidden = !playing;
  button.setAttribute("aria-label", playing ? "Pause" : "Play");
}

function showSound() {
  const button = byId("quiet");
  button.setAttribute("aria-pressed", String(audio.muted));
  button.querySelector(".when-loud").hidden = audio.muted;
  button.querySelector(".when-quiet").hidden = !audio.muted;
}

function note(text, link) {
  const line = byId("note");
  line.textContent = text;
  if (link) {
    const anchor = document.createElement("a");
    anchor.href = link.href;
    anchor.textContent = link.text;
    line.append(" ", anchor);
  }
  line.hidden = false;
}

/** A grant lasts as long as the call and a while; behind it the same address gives another. */
async function onLost() {
  const answer = await fetch(`${root.dataset.base}/timeline${root.dataset.query}`).catch(() => null);
  if (answer?.status === 401) {
    note("Your session has ended.", { href: location.href, text: "Sign in again" });
  } else if (answer?.ok && lost < LOST_TRIES) {
    lost += 1;
    audio.load();
    if (wanted) audio.play().catch(() => {});
  } else {
    note("The audio cannot be played just now.", { href: location.href, text: "Try again" });
  }
}

async function copyLink() {
  const button = byId("copy");
  const text = byId("copy-text");
  try {
    await navigator.clipboard.writeText(button.dataset.link);
    text.textContent = "Copied";
  } catch {
    window.prompt("The permanent link of this recording", button.dataset.link);
  }
  setTimeout(() => (text.textContent = "Copy link"), COPIED_MS);
}

/** The seconds in view: all of them, unless zoomed in. */
function view() {
  const width = surfer.getWidth();
  const whole = Math.max(width, surfer.getWrapper().clientWidth);
  const from = (surfer.getScroll() / whole) * timeline.duration;
  return { from, to: from + (width / whole) * timeline.duration };
}

function drawStrip() {
  const { from, to } = view();
  drawEvents(byId("events"), timeline, from, to);
}

/** Says which time the mouse points at. */
function point(event) {
  const bubble = byId("pointer");
  const { left, width } = byId("wave").getBoundingClientRect();
  const { from, to } = view();
  const x = event.clientX - left;
  bubble.value = clock(from + (x / width) * (to - from));
  bubble.hidden = event.pointerType === "touch";
  bubble.style.transform = `translateX(calc(${x}px - 50%))`;
}

function draw() {
  surfer = waveform(byId("wave"), audio, timeline, root.dataset.nonce);
  for (const event of ["redrawcomplete", "scroll", "zoom", "resize"]) surfer.on(event, drawStrip);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    surfer.setOptions({ cursorColor: colours()("accent") });
    drawStrip();
  });
  for (const [name, intervals] of Object.entries(timeline.events)) {
    const legend = root.querySelector(`[data-event="${name}"]`);
    if (legend) legend.hidden = intervals.length === 0;
  }
}

function listen() {
  const buttons = { play: toggle, previous: KEYS.p, next: KEYS.n, back: KEYS.j, forward: KEYS.l, quiet: mute, keys: help };
  for (const [id, act] of Object.entries(buttons)) byId(id).addEventListener("click", act);
  byId("zoom-in").addEventListener("click", KEYS["+"]);
  byId("zoom-out").addEventListener("click", KEYS["-"]);
  byId("speed").addEventListener("change", (event) => (audio.playbackRate = Number(event.target.value)));
  for (const button of turnButtons) button.addEventListener("click", () => seek(Number(button.dataset.start)));
  for (const button of document.querySelectorAll("#said button")) button.addEventListener("click", () => playFrom(Number(button.dataset.start)));
  surfer.on("interaction", moved);
  surfer.on("timeupdate", () => audio.readyState && moved(audio.currentTime));
  audio.addEventListener("loadedmetadata", takePosition);
  byId("wave").addEventListener("pointermove", point);
  byId("wave").addEventListener("pointerleave", () => (byId("pointer").hidden = true));
  for (const event of ["play", "pause", "ended"]) audio.addEventListener(event, showState);
  audio.addEventListener("ended", () => (wanted = false));
  audio.addEventListener("volumechange", showSound);
  audio.addEventListener("error", onLost);
  audio.addEventListener("playing", () => (lost = 0));
  document.addEventListener("keydown", onKey);
}

async function begin() {
  byId("copy").addEventListener("click", copyLink);
  reportPlayed();
  const answer = await fetch(`${root.dataset.base}/timeline${root.dataset.query}`).catch(() => null);
  if (!answer?.ok) return;
  timeline = await answer.json();
  if (!timeline.duration || !timeline.lanes.length) return;
  for (const part of root.querySelectorAll(".stage, .transport, .legend")) part.hidden = false;
  root.classList.add("ready");
  draw();
  listen();
  present();
  root.dataset.state = "ready";
}

begin();
