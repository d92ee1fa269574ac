// Each party's own volume, and one party alone: by Web Audio over the two channels of the element.

/**
 * The sound of each party. The element plays by itself until one is changed; from then on its sound
 * goes through here, each party on its side, and whoever is heard alone on both.
 */
export class PartySound {
  #context = null;
  #parties = new Map();

  constructor(audio, channels) {
    this.audio = audio;
    this.channels = channels;
    for (const role of Object.keys(channels)) this.#parties.set(role, { volume: 1, alone: false });
    audio.addEventListener("play", () => this.#context?.resume());
  }

  setVolume(role, volume) {
    this.#parties.get(role).volume = volume;
    this.#apply();
  }

  /** Hears one party alone; of two that were chosen the last one counts. */
  setAlone(role, alone) {
    for (const [name, party] of this.#parties) party.alone = alone && name === role;
    this.#apply();
  }

  isAlone(role) {
    return this.#parties.get(role).alone;
  }

  #apply() {
    this.#context ??= this.#connected();
    const one = [...this.#parties.values()].some((party) => party.alone);
    for (const party of this.#parties.values()) {
      party.gain.gain.value = one && !party.alone ? 0 : party.volume;
      party.side.pan.value = party.alone ? 0 : party.pan;
    }
  }

  #connected() {
    const context = new AudioContext();
    const splitter = context.createChannelSplitter(2);
    context.createMediaElementSource(this.audio).connect(splitter);
    for (const [role, party] of this.#parties) {
      party.gain = context.createGain();
      party.side = context.createStereoPanner();
      party.pan = this.channels[role] ? 1 : -1;
      splitter.connect(party.gain, this.channels[role]);
      party.gain.connect(party.side).connect(context.destination);
    }
    context.resume();
    return context;
  }
}

/** The controls of the page, one group a party; without two channels the page says so. */
export function partyControls(root, audio, channels) {
  const groups = [...root.querySelectorAll(".party")];
  if (!channels) {
    root.querySelector("#no-parties").hidden = !groups.length;
    return;
  }
  const sound = new PartySound(audio, channels);
  for (const group of groups) {
    const { role } = group.dataset;
    group.hidden = !(role in channels);
    group.querySelector("button").addEventListener("click", () => {
      sound.setAlone(role, !sound.isAlone(role));
      for (const other of groups) {
        other.querySelector("button").setAttribute("aria-pressed", String(sound.isAlone(other.dataset.role)));
      }
    });
    const slider = group.querySelector("input");
    slider.addEventListener("input", () => sound.setVolume(role, slider.valueAsNumber / 100));
  }
}
