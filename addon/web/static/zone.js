// Tells the service the browser's time zone, once: it is kept in a cookie, and times are shown in it.

const shown = document.querySelector("[data-zone-wanted]");
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (shown && zone && zone !== shown.dataset.zone) {
  const body = new URLSearchParams({ zone });
  const answer = await fetch("/time-zone", { method: "POST", body, redirect: "manual" });
  if (answer.type === "opaqueredirect") location.reload();
}
