/**
 * What everybody is to see: the page state of the session. It is the only truth about the presentation, so desks that
 * join later, or again, or in pairs, agree.
 *
 * `{ deck: address | null, inline?: slide, theme?, title, slide, line, handover: desk's id | null, startedAtMs }`
 * Slide and line are counted from 1; `line` is the next one to say.
 */

/** What the wire takes is 4,000 characters. */
const MAX_LENGTH = 3900;

export function readStage(page) {
  const number = (value) => (Number.isInteger(value) && value > 0 ? value : 1);
  return {
    deck: typeof page.deck === 'string' ? page.deck : null,
    inline: page.inline && typeof page.inline === 'object' ? page.inline : null,
    theme: page.theme && typeof page.theme === 'object' ? page.theme : {},
    title: typeof page.title === 'string' ? page.title : '',
    slide: number(page.slide),
    line: number(page.line),
    handover: typeof page.handover === 'string' ? page.handover : null,
    startedAtMs: Number.isFinite(page.startedAtMs) ? page.startedAtMs : null,
  };
}

/** A slide for an audience that has no address to get it from. */
export function inlineSlide(slide) {
  const { shared, image, ...words } = slide;
  const whole = { ...words, image: shared ? image : null };
  while (JSON.stringify(whole).length > MAX_LENGTH - 500 && whole.bullets.length > 0)
    whole.bullets = whole.bullets.slice(0, -1);
  return whole;
}

export class Stage {
  #session;
  #onChange;
  #inFlight = 0;
  #page;
  /** What this desk presents; null while it has none. */
  deck = null;

  /** @param onChange told of every change, by whichever desk */
  constructor(session, onChange) {
    this.#session = session;
    this.#onChange = onChange;
    this.#page = readStage(session.page);
    // While own changes are under way, what comes is older than what is shown here.
    session.on('page.changed', () => this.#inFlight === 0 && this.#take());
  }

  get page() {
    return this.#page;
  }

  /** @throws VizaviError; what others see stays as it was then */
  async update(patch) {
    const slide = patch.slide && this.deck && !this.deck.address ? this.deck.slides[patch.slide - 1] : null;
    this.#page = { ...this.#page, ...patch, ...(slide && { inline: inlineSlide(slide) }) };
    this.#onChange(this.#page);
    this.#inFlight += 1;
    try {
      await this.#session.setPage(this.#page);
    } finally {
      this.#inFlight -= 1;
      if (this.#inFlight === 0) this.#take();
    }
  }

  #take() {
    this.#page = readStage(this.#session.page);
    this.#onChange(this.#page);
  }
}
