/**
 * While the presentation is handed over the avatar answers the audience's questions, one after the other. Of several
 * desks the one that handed over lets it answer; any of them may take it back.
 */
export class Handover {
  #session;
  #stage;
  #questions;
  #deskId;
  #onError;
  #isAnswering = false;
  /** Questions that could not be answered are not tried for ever. */
  #tried = new Set();

  constructor({ session, stage, questions, deskId, onError }) {
    this.#session = session;
    this.#stage = stage;
    this.#questions = questions;
    this.#deskId = deskId;
    this.#onError = onError;
  }

  /** The avatar has it. */
  get isOn() {
    return this.#stage.page.handover !== null;
  }

  get isMine() {
    return this.#stage.page.handover === this.#deskId;
  }

  async give() {
    await this.#stage.update({ handover: this.#deskId });
    void this.work();
  }

  /** The avatar falls silent at once. */
  async takeBack() {
    // Silence first: the next question must not slip in between.
    const taken = this.#stage.update({ handover: null });
    await Promise.all([taken, this.#session.interrupt()]);
  }

  /** Answers what waits. Call it whenever there may be something new. */
  async work() {
    if (this.#isAnswering) return;
    this.#isAnswering = true;
    try {
      for (;;) {
        const next = this.isMine ? this.#questions.open.find(({ id }) => !this.#tried.has(id)) : undefined;
        if (!next) return;
        this.#tried.add(next.id);
        await this.answer(next);
      }
    } finally {
      this.#isAnswering = false;
    }
  }

  async answer({ id, text }) {
    try {
      await this.#session.message(text);
    } catch (error) {
      this.#questions.failed(id);
      this.#onError(error);
    }
  }
}
