// The audio element, and the position that the page keeps beside it.

const LISTENED_FROM = 0.05;

/**
 * Playing of one recording or call. Nothing is fetched before it is played: a grant in the access
 * log means that somebody wanted to hear. Until then the element has no position of its own, so it
 * is kept here. Events: "move" when the position changes, "seek" when it was set.
 */
export class Playback extends EventTarget {
  position = 0;
  wanted = false;

  constructor(audio, duration) {
    super();
    this.audio = audio;
    this.duration = duration;
    audio.addEventListener("loadedmetadata", () => this.#takePosition());
    audio.addEventListener("ended", () => (this.wanted = false));
  }

  get playing() {
    return !this.audio.paused;
  }

  seek(seconds) {
    this.moved(Math.min(Math.max(seconds, 0), this.duration));
    this.dispatchEvent(new Event("seek"));
  }

  moved(seconds) {
    this.position = seconds;
    this.dispatchEvent(new Event("move"));
  }

  // A failed load leaves the element paused; what the listener wanted is remembered here.
  toggle() {
    this.wanted = !this.playing;
    if (this.wanted) this.audio.play().catch(() => {});
    else this.audio.pause();
  }

  playFrom(seconds) {
    this.seek(seconds);
    if (!this.playing) this.toggle();
  }

  on(event, act) {
    this.addEventListener(event, act);
  }

  #takePosition() {
    const { audio, position } = this;
    if (position && Math.abs(audio.currentTime - position) > LISTENED_FROM) audio.currentTime = position;
  }
}
