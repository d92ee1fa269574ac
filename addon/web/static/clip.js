// The form of a clip: its times from the position, and a link to it. The download needs no script.

import { clock } from "./clock.js";
import { copy } from "./links.js";

const byId = (id) => document.getElementById(id);

/** 3:12.5 as 192.5; null for what is no time. */
export function secondsOf(text) {
  if (!/^(\d+:){0,2}\d+(\.\d+)?$/.test(text.trim())) return null;
  return text.trim().split(":").reduce((sum, part) => 60 * sum + Number(part), 0);
}

function written(seconds) {
  const tenths = Math.floor(Math.round(seconds * 1000) / 100) % 10;
  return clock(seconds) + (tenths ? `.${tenths}` : "");
}

/** The clip that the form holds as start and stop, or null. */
export function clipRange() {
  const form = byId("clip");
  if (!form?.open) return null;
  const [start, stop] = ["clip-start", "clip-stop"].map((id) => secondsOf(byId(id).value));
  return start !== null && stop !== null && start < stop ? [start, stop] : null;
}

export function clipForm(base, query, playback) {
  const form = byId("clip");
  if (!form) return;
  for (const button of form.querySelectorAll("[data-now]")) {
    button.hidden = false;
    button.addEventListener("click", () => (byId(button.dataset.now).value = written(playback.position)));
  }
  form.querySelector(".clip-link").hidden = false;
  byId("clip-copy").addEventListener("click", () => link(`${base}/clip${query}`));
}

async function link(address) {
  const said = byId("clip-said");
  if (!clipRange()) {
    said.textContent = "Write where the clip begins and ends first.";
    return;
  }
  const body = new URLSearchParams({ start: byId("clip-start").value, stop: byId("clip-stop").value, lasts: byId("clip-lasts").value });
  const answer = await fetch(address, { method: "POST", body }).catch(() => null);
  if (!answer?.ok) {
    said.textContent = "No link could be made: look at the times, and try again.";
    return;
  }
  const { signed_url: url, expires } = await answer.json();
  const until = new Date(expires * 1000).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
  if (await copy(url, "The link to the clip")) said.textContent = `Copied. Whoever has the link can hear the clip until ${until}.`;
}
