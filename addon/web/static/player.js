// The player of a recording or a call. Without this script the page still plays, with the browser's
// own controls; with it, the waveform, the turns and the keyboard drive the same audio element.

import { clipForm, clipRange } from "./clip.js";
import { clock, spoken } from "./clock.js";
import { drawEvents } from "./events.js";
import { listenToKeys } from "./keys.js";
import { copyButton, followLinks } from "./links.js";
import { lockScreen } from "./lock-screen.js";
import { drawMarks, marksByKey, stepMoment } from "./marks.js";
import { loop, skipSilence, speedControl } from "./modes.js";
import { drawOverview, seekByOverview } from "./overview.js";
import { partyControls } from "./parties.js";
import { Playback } from "./playback.js";
import { reportPlayed } from "./played-report.js";
import { searchTurns, TurnList } from "./turns.js";
import { colours, waveform, zoom } from "./waveform.js";

const SMALL_STEP_S = 5;
const STEP_S = 10;
const PAGE_S = 30;
const TURN_START_S = 1.5;
const LOST_TRIES = 2;

const byId = (id) => document.getElementById(id);
const root = byId("player");
const audio = byId("audio");
const { base, query, nonce } = root.dataset;

/** The start of the turn before or after the present one. */
function stepTurn(playback, turns, direction) {
  const starts = turns.map(([, start]) => start);
  const { position } = playback;
  const target =
    direction > 0 ? starts.find((start) => start > position + 0.05) : starts.findLast((start) => start < position - TURN_START_S);
  if (target !== undefined) playback.seek(target);
  else if (direction < 0) playback.seek(0);
}

function showPosition(playback, timeline, turns) {
  const now = playback.position;
  byId("time").value = clock(now);
  const wave = byId("wave");
  wave.setAttribute("aria-valuenow", String(Math.round(now)));
  const turn = timeline.turns[turns.current];
  const who = turn ? `, ${timeline.lanes.find((lane) => lane.role === turn[0])?.label ?? ""} speaking` : "";
  wave.setAttribute("aria-valuetext", `${spoken(now)} of ${spoken(playback.duration)}${who}`);
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
function renewWhenLost(playback) {
  let lost = 0;
  audio.addEventListener("playing", () => (lost = 0));
  audio.addEventListener("error", async () => {
    const answer = await fetch(`${base}/timeline${query}`).catch(() => null);
    if (answer?.status === 401) {
      note("Your session has ended.", { href: location.href, text: "Sign in again" });
    } else if (answer?.ok && lost < LOST_TRIES) {
      lost += 1;
      audio.load();
      if (playback.wanted) audio.play().catch(() => {});
    } else {
      note("The audio cannot be played just now.", { href: location.href, text: "Try again" });
    }
  });
}

/** Everything that shows a time: waveform, strip, marks and overview, drawn when the view changes. */
function drawing(playback, timeline) {
  const surfer = waveform(byId("wave"), audio, timeline, nonce);
  const overview = byId("overview");

  /** The seconds in view: all of them, unless zoomed in. */
  function view() {
    const width = surfer.getWidth();
    const whole = Math.max(width, surfer.getWrapper().clientWidth);
    const from = (surfer.getScroll() / whole) * timeline.duration;
    return { from, to: from + (width / whole) * timeline.duration };
  }

  function drawWhole() {
    if (!overview.hidden) drawOverview(overview, timeline, playback.position, view());
  }

  function drawAll() {
    const { from, to } = view();
    overview.hidden = to - from > 0.98 * timeline.duration;
    drawEvents(byId("events"), timeline, from, to);
    drawMarks(byId("marks"), playback, timeline.moments, from, to);
    drawWhole();
  }

  for (const event of ["redrawcomplete", "scroll", "zoom", "resize"]) surfer.on(event, drawAll);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    surfer.setOptions({ cursorColor: colours()("accent") });
    drawAll();
  });
  surfer.on("ready", () => surfer.setTime(playback.position));
  surfer.on("interaction", (seconds) => playback.moved(seconds));
  surfer.on("timeupdate", () => audio.readyState && playback.moved(audio.currentTime));
  playback.on("seek", () => surfer.setTime(playback.position));
  playback.on("move", drawWhole);
  byId("wave").addEventListener("pointermove", (event) => point(event, view()));
  byId("wave").addEventListener("pointerleave", () => (byId("pointer").hidden = true));
  seekByOverview(overview, playback);
  marksByKey(byId("marks"));
  return surfer;
}

/** Says which time the mouse points at. */
function point(event, { from, to }) {
  const bubble = byId("pointer");
  const { left, width } = byId("wave").getBoundingClientRect();
  const x = event.clientX - left;
  bubble.value = clock(from + (x / width) * (to - from));
  bubble.hidden = event.pointerType === "touch";
  bubble.style.transform = `translateX(calc(${x}px - 50%))`;
}

function help() {
  const shown = byId("keys-help").toggleAttribute("hidden");
  byId("keys").setAttribute("aria-expanded", String(!shown));
}

function showParts(timeline) {
  for (const part of root.querySelectorAll(".stage, .transport, .legend, .options")) part.hidden = false;
  for (const [name, intervals] of Object.entries(timeline.events)) {
    const legend = root.querySelector(`[data-event="${name}"]`);
    if (legend) legend.hidden = intervals.length === 0;
  }
  root.classList.add("ready");
}

function actions(playback, timeline, surfer) {
  const step = (seconds) => () => playback.seek(playback.position + seconds);
  const faster = speedControl(byId("speed"), audio);
  return {
    toggle: () => playback.toggle(),
    back: step(-STEP_S),
    forward: step(STEP_S),
    left: step(-SMALL_STEP_S),
    right: step(SMALL_STEP_S),
    pageBack: step(-PAGE_S),
    pageForward: step(PAGE_S),
    begin: () => playback.seek(0),
    end: () => playback.seek(playback.duration),
    previous: () => stepTurn(playback, timeline.turns, -1),
    next: () => stepTurn(playback, timeline.turns, 1),
    momentBefore: () => stepMoment(playback, timeline.moments, -1),
    momentAfter: () => stepMoment(playback, timeline.moments, 1),
    slower: () => faster(-1),
    faster: () => faster(1),
    zoomIn: () => zoom(surfer, 1),
    zoomOut: () => zoom(surfer, -1),
    mute: () => (audio.muted = !audio.muted),
    skip: skipSilence(byId("skip-silence"), playback, timeline.moments),
    loop: loop(byId("loop"), playback, clipRange),
    search: () => byId("turn-search")?.focus(),
    help,
  };
}

function keysOf(act) {
  return {
    " ": act.toggle,
    k: act.toggle,
    j: act.back,
    l: act.forward,
    arrowleft: act.left,
    arrowright: act.right,
    pageup: act.pageBack,
    pagedown: act.pageForward,
    home: act.begin,
    end: act.end,
    p: act.previous,
    n: act.next,
    ",": act.momentBefore,
    ".": act.momentAfter,
    "<": act.slower,
    ">": act.faster,
    "+": act.zoomIn,
    "=": act.zoomIn,
    "-": act.zoomOut,
    m: act.mute,
    s: act.skip,
    r: act.loop,
    c: act.copy,
    "/": act.search,
    "?": act.help,
  };
}

function connect(playback, act, turns) {
  const buttons = {
    play: act.toggle,
    previous: act.previous,
    next: act.next,
    back: act.back,
    forward: act.forward,
    quiet: act.mute,
    keys: act.help,
    "zoom-in": act.zoomIn,
    "zoom-out": act.zoomOut,
    "moment-before": act.momentBefore,
    "moment-after": act.momentAfter,
  };
  for (const [id, run] of Object.entries(buttons)) byId(id).addEventListener("click", run);
  for (const button of document.querySelectorAll("#said button")) {
    button.addEventListener("click", () => playback.playFrom(Number(button.dataset.start)));
  }
  for (const event of ["play", "pause", "ended"]) audio.addEventListener(event, showState);
  audio.addEventListener("volumechange", showSound);
  const search = byId("turn-search");
  if (search) {
    search.parentElement.hidden = false;
    searchTurns(search, byId("turns-found"), turns);
  }
  const at = byId("note-at");
  byId("note-text")?.addEventListener("focus", () => (at.value = clock(playback.position)));
  listenToKeys(keysOf(act));
}

async function begin() {
  reportPlayed(audio, `${base}/played`);
  const copying = copyButton(byId("copy"));
  const answer = await fetch(`${base}/timeline${query}`).catch(() => null);
  const timeline = answer?.ok ? await answer.json() : null;
  if (!timeline?.duration || !timeline.lanes.length) return;
  const playback = new Playback(audio, timeline.duration);
  const turns = new TurnList(byId("turns"), playback, timeline.turns, timeline.words);
  showParts(timeline);
  copying.follow(playback);
  const act = { ...actions(playback, timeline, drawing(playback, timeline)), copy: copying.act };
  playback.on("move", () => showPosition(playback, timeline, turns));
  connect(playback, act, turns);
  partyControls(root, audio, timeline.channels);
  clipForm(base, query, playback);
  renewWhenLost(playback);
  lockScreen(playback, act);
  playback.moved(0);
  followLinks(playback);
  root.dataset.state = "ready";
}

begin();
