// Says why a recording does not play: an audio element alone only says that it does not.

const audio = document.getElementById("audio");
const note = document.getElementById("note");

async function explain() {
  const answer = await fetch(audio.src, { method: "HEAD" }).catch(() => null);
  note.replaceChildren(...sentence(answer));
  note.hidden = false;
}

function sentence(answer) {
  if (answer === null) return ["The service cannot be reached. Please try again in a moment."];
  if (answer.status === 401) {
    const link = document.createElement("a");
    link.href = note.dataset.signIn;
    link.textContent = "Sign in again";
    return ["Your RingCentral session has ended. ", link];
  }
  if (answer.status === 403 || answer.status === 404) {
    return ["RingCentral does not let you hear this recording, or does not have it any more."];
  }
  const wait = answer.headers.get("Retry-After");
  return [wait ? `RingCentral asks for patience: try again in ${wait} seconds.` : "This recording cannot be played just now."];
}

audio.addEventListener("error", explain);
