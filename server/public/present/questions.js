/**
 * Questions of the audience, and what else was asked, each with its answer. What is asked comes as an event; whether it
 * was answered follows from the transcript, so every desk knows it.
 *
 * A question: `{ id, text, from: 'audience' | 'desk', state, replyId, answer }`, its state `open`, `answering`,
 * `answered` or `dismissed`.
 */
export class Questions {
  #items = [];
  #dismissed;
  #onChange;

  /** @param {object[]} kept what `items` were before this page was loaded anew */
  constructor(kept, onChange) {
    this.#items = kept;
    this.#dismissed = new Set(kept.flatMap(({ id, state }) => (state === 'dismissed' ? [id] : [])));
    this.#onChange = onChange;
  }

  /** Oldest first, dismissed ones too. */
  get items() {
    return this.#items;
  }

  get open() {
    return this.#items.filter(({ state }) => state === 'open');
  }

  asked({ askId, text }) {
    if (this.#items.some(({ id }) => id === askId)) return;
    const state = this.#dismissed.has(askId) ? 'dismissed' : 'open';
    this.#items = [...this.#items, { id: askId, text, from: 'audience', state, replyId: null, answer: '' }];
    this.#onChange();
  }

  dismiss(id) {
    this.#dismissed.add(id);
    this.#set(id, { state: 'dismissed' });
  }

  /** It could not be answered: it waits again, or for good. */
  failed(id) {
    this.#set(id, { state: 'open', replyId: null });
  }

  /** Who said what, from the session. */
  transcribed(entries) {
    for (const { role, id: replyId, text } of entries) {
      if (role !== 'visitor' || this.#items.some((item) => item.replyId === replyId)) continue;
      const question = this.#items.find((item) => item.replyId === null && item.text === text);
      if (question) this.#set(question.id, { replyId, state: 'answering' });
      else this.#add({ id: replyId, text, from: 'desk', state: 'answering', replyId, answer: '' });
    }
    const answers = new Map(entries.flatMap(({ role, id, text }) => (role === 'avatar' ? [[id, text]] : [])));
    for (const { id, replyId, answer } of this.#items) {
      const text = answers.get(replyId);
      if (text !== undefined && text !== answer) this.#set(id, { answer: text });
    }
  }

  answered({ replyId }) {
    const item = this.#items.find((other) => other.replyId === replyId);
    if (item && item.state === 'answering') this.#set(item.id, { state: 'answered' });
  }

  #add(item) {
    this.#items = [...this.#items, item];
    this.#onChange();
  }

  #set(id, patch) {
    this.#items = this.#items.map((item) => (item.id === id ? { ...item, ...patch } : item));
    this.#onChange();
  }
}
