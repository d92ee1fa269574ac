// The list of turns: it marks who speaks, follows the sound word by word, plays what is clicked,
// and is searched.

const MASK = "[redacted]";

/** The turns of a page; `words` are those of each turn where there is a transcript. */
export class TurnList {
  #current = -1;
  #spoken = null;
  #text = null;

  constructor(list, playback, turns, words) {
    this.list = list;
    this.playback = playback;
    this.turns = turns;
    this.words = words;
    this.buttons = [...(list?.querySelectorAll("button") ?? [])];
    list?.addEventListener("click", (event) => this.#clicked(event));
    playback.on("move", () => this.#follow());
    playback.on("seek", () => this.#showNearest());
  }

  /** The turn at the position, or -1; of two at once the one that began later. */
  get current() {
    const now = this.playback.position;
    return this.turns.findLastIndex(([, start, end]) => start <= now && now < end);
  }

  #clicked(event) {
    const word = event.target.closest("[data-word]");
    const button = event.target.closest("button");
    if (button) this.playback.playFrom(Number((word ?? button).dataset.start));
  }

  #follow() {
    const number = this.current;
    if (number !== this.#current) this.#mark(number);
    if (this.#spoken) this.#markWord();
  }

  // Between two turns none is marked; whoever jumped there still wants to see where it is.
  #showNearest() {
    const begun = this.turns.findLastIndex(([, start]) => start <= this.playback.position);
    if (this.buttons[begun]) this.#show(this.buttons[begun]);
  }

  #mark(number) {
    this.buttons[this.#current]?.removeAttribute("aria-current");
    this.#unspell();
    this.#current = number;
    const button = this.buttons[number];
    if (!button) return;
    button.setAttribute("aria-current", "true");
    this.#spell(button, this.words[number] ?? []);
    this.#show(button);
  }

  #show(button) {
    const { list } = this;
    const above = button.offsetTop - list.offsetTop;
    if (above < list.scrollTop || above + button.offsetHeight > list.scrollTop + list.clientHeight) {
      list.scrollTop = above - list.clientHeight / 3;
    }
  }

  // Only the turn that is spoken has an element for each word: a long call has thousands.
  #spell(button, words) {
    const text = button.querySelector(".turn-text");
    if (!text || !words.length) return;
    this.#text = { element: text, before: [...text.childNodes] };
    this.#spoken = words.map(([start, end, word]) => {
      const span = document.createElement("span");
      span.textContent = word === MASK ? "redacted" : word;
      span.className = word === MASK ? "redacted" : "word";
      Object.assign(span.dataset, { word: "", start, end });
      return span;
    });
    text.replaceChildren(...this.#spoken.flatMap((span) => [span, " "]));
  }

  #unspell() {
    this.#text?.element.replaceChildren(...this.#text.before);
    this.#text = this.#spoken = null;
  }

  #markWord() {
    const now = this.playback.position;
    for (const span of this.#spoken) {
      span.classList.toggle("now", Number(span.dataset.start) <= now && now < Number(span.dataset.end));
    }
  }
}

/** The field above the list: it leaves the turns that hold a text, and Enter plays the next. */
export function searchTurns(input, output, turns) {
  const { buttons, playback } = turns;
  const texts = buttons.map((button) => button.textContent.toLowerCase());
  let found = [];

  function search() {
    const sought = input.value.trim().toLowerCase();
    found = buttons.filter((_, number) => sought && texts[number].includes(sought));
    for (const button of buttons) button.parentElement.hidden = Boolean(sought) && !found.includes(button);
    output.value = sought ? `${found.length || "No"} turn${found.length === 1 ? "" : "s"}` : "";
    highlight(found, sought);
  }

  input.addEventListener("input", search);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") input.value = "";
    if (event.key === "Escape") search();
    if (event.key !== "Enter") return;
    event.preventDefault();
    const starts = found.map((button) => Number(button.dataset.start));
    const next = starts.find((start) => start > playback.position + 0.05) ?? starts[0];
    if (next !== undefined) playback.playFrom(next);
  });
}

function highlight(buttons, sought) {
  if (!globalThis.Highlight) return;
  const ranges = [];
  for (const button of buttons) {
    const walker = document.createTreeWalker(button, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const text = walker.currentNode.data.toLowerCase();
      for (let at = text.indexOf(sought); at >= 0; at = text.indexOf(sought, at + sought.length)) {
        const range = new Range();
        range.setStart(walker.currentNode, at);
        range.setEnd(walker.currentNode, at + sought.length);
        ranges.push(range);
      }
    }
  }
  CSS.highlights.set("found", new Highlight(...ranges));
}
