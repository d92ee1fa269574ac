// Links to a moment: `#t=192` of the address is where the player stands, and a link is copied.

import { clock } from "./clock.js";

const COPIED_MS = 2000;
const TIME = /^#t=(\d{1,6}(?:\.\d{1,3})?)$/;

/** The seconds that an address asks for, or null. */
export function timeOf(address) {
  const found = TIME.exec(new URL(address, location.href).hash);
  return found && Number(found[1]);
}

/** Follows the address at load and when it changes, and links of the page to their moments. */
export function followLinks(playback) {
  const follow = () => {
    const seconds = timeOf(location.href);
    if (seconds !== null) playback.seek(seconds);
  };
  follow();
  window.addEventListener("hashchange", follow);
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#t="]');
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    history.replaceState(null, "", link.hash);
    playback.playFrom(timeOf(link.href));
  });
}

/** Copies a text; where the browser does not let the page, shows it to be copied by hand. */
export async function copy(text, title) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    window.prompt(title, text);
    return false;
  }
}

/** The button that copies the permanent link, to the position of the player once there is one. */
export function copyButton(button) {
  const text = button.querySelector("#copy-text");
  let playback = null;
  let busy = false;
  const at = () => Math.floor(playback?.position ?? 0);
  const name = () => (at() ? `Copy link at ${clock(at())}` : "Copy link");
  const show = () => {
    if (!busy && text.textContent !== name()) text.textContent = name();
  };
  const act = async () => {
    const link = button.dataset.link + (at() ? `#t=${at()}` : "");
    if (await copy(link, "The permanent link")) text.textContent = "Copied";
    busy = true;
    setTimeout(() => {
      busy = false;
      show();
    }, COPIED_MS);
  };
  const follow = (player) => {
    playback = player;
    playback.on("move", show);
  };
  button.addEventListener("click", act);
  return { act, follow };
}
