// What was heard, for the access log: all that the element played since it was loaded. The server
// adds reports up; a page that never sends one is shown as not having reported.

const REPORT_MS = 15000;
const MAX_SPANS = 64;
const NOTHING = JSON.stringify({ ranges: [] });

export function reportPlayed(audio, address) {
  let reported = "";

  function report() {
    const spans = [...Array(audio.played.length).keys()].map((n) => [audio.played.start(n), audio.played.end(n)]);
    const longest = spans.sort(([a, b], [c, d]) => d - c - (b - a)).slice(0, MAX_SPANS);
    const rounded = longest.map((span) => span.map((seconds) => Math.round(seconds * 1000) / 1000));
    const body = JSON.stringify({ ranges: rounded.filter(([start, end]) => start < end) });
    if (body === reported || body === NOTHING) return;
    if (navigator.sendBeacon(address, body)) reported = body;
  }

  for (const event of ["pause", "ended", "emptied"]) audio.addEventListener(event, report);
  document.addEventListener("visibilitychange", () => document.hidden && report());
  window.addEventListener("pagehide", report);
  setInterval(report, REPORT_MS);
}
