// Ways of playing: a remembered speed, silences left out, and again and again.

import { recall, remember } from "./remembered.js";

const KEPT_S = 0.4;

/** The speed's select; the element's default too, as loading sets the rate back to it. */
export function speedControl(select, audio) {
  const apply = () => {
    audio.defaultPlaybackRate = audio.playbackRate = Number(select.value);
    remember("speed", select.value);
  };
  const last = recall("speed", select.value);
  if ([...select.options].some((option) => option.value === last)) select.value = last;
  audio.defaultPlaybackRate = audio.playbackRate = Number(select.value);
  select.addEventListener("change", apply);
  return (direction) => {
    const next = select.selectedIndex + direction;
    if (next < 0 || next >= select.options.length) return;
    select.selectedIndex = next;
    apply();
  };
}

/** Jumps over the middle of silences and hold while it plays; a little of each is left. */
export function skipSilence(button, playback, moments) {
  const pauses = moments.filter(([kind]) => kind === "silence" || kind === "hold").map(([, , start, end]) => [start + KEPT_S, end - KEPT_S]);
  const toggle = toggled(button, "skip-silence", true);
  playback.on("move", () => {
    if (!playback.playing || !isOn(button)) return;
    const now = playback.position;
    const pause = pauses.find(([start, end]) => start <= now && now < end - 0.1);
    if (pause) playback.seek(pause[1]);
  });
  return toggle;
}

/** Plays the clip again and again where one is set, else everything. */
export function loop(button, playback, clip) {
  const toggle = toggled(button, "loop", false);
  playback.on("move", () => {
    const range = isOn(button) ? clip() : null;
    playback.audio.loop = isOn(button) && !range;
    if (range && playback.playing && playback.position >= range[1]) playback.seek(range[0]);
  });
  return () => {
    toggle();
    playback.moved(playback.position);
  };
}

function isOn(button) {
  return button.getAttribute("aria-pressed") === "true";
}

function toggled(button, name, lasting) {
  const show = (on) => button.setAttribute("aria-pressed", String(on));
  if (lasting) show(recall(name, false));
  const toggle = () => {
    show(!isOn(button));
    if (lasting) remember(name, isOn(button));
  };
  button.addEventListener("click", () => toggle());
  return toggle;
}
