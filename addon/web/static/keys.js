// The keyboard: one key an action, wherever the focus is, but in fields and on controls of their own.

// Keys of a control that has the focus stay that control's own.
const OWN_KEYS = "input, select, textarea, a, button, audio, summary, #turns, #marks";
const MOVING = [" ", "arrowleft", "arrowright", "home", "end", "pageup", "pagedown"];

export function listenToKeys(keys) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const key = event.key.toLowerCase();
    const focused = event.target.closest(OWN_KEYS);
    const typing = focused?.matches("input, select, textarea");
    if (typing || (focused && MOVING.includes(key))) return;
    const act = keys[key];
    if (!act) return;
    event.preventDefault();
    act();
  });
}
