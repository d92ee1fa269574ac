// The keys of a headset and the lock screen of a phone.

const STEP_S = 10;

export function lockScreen(playback, { previous, next }) {
  const session = navigator.mediaSession;
  if (!session) return;
  session.metadata = new MediaMetadata({ title: document.title });
  const actions = {
    play: () => playback.playing || playback.toggle(),
    pause: () => playback.playing && playback.toggle(),
    seekbackward: ({ seekOffset }) => playback.seek(playback.position - (seekOffset ?? STEP_S)),
    seekforward: ({ seekOffset }) => playback.seek(playback.position + (seekOffset ?? STEP_S)),
    seekto: ({ seekTime }) => playback.seek(seekTime),
    previoustrack: previous,
    nexttrack: next,
  };
  for (const [name, act] of Object.entries(actions)) {
    try {
      session.setActionHandler(name, act);
    } catch {
      // not every browser knows every action
    }
  }
  playback.audio.addEventListener("timeupdate", () => {
    const { duration } = playback;
    const position = Math.min(playback.position, duration);
    session.setPositionState?.({ duration, position, playbackRate: playback.audio.playbackRate });
  });
}
