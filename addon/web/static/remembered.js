// What a listener chose, for the next recording: in this browser alone, and no more than that.

const KEY = "player";

function read() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    return {};
  }
}

/** What was chosen last under a name, or `otherwise`. */
export function recall(name, otherwise) {
  return read()[name] ?? otherwise;
}

export function remember(name, value) {
  try {
    localStorage.setItem(KEY, JSON.stringify({ ...read(), [name]: value }));
  } catch {
    // a browser that keeps nothing plays as well
  }
}
