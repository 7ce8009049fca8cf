/**
 * The script, line after line: each is said when the one before is over and its pause has passed. On the first sound of
 * a line its slide is shown.
 */

/** Lines that may wait behind the one that is said: a nervous thumb does not run away with the show. */
const MAX_WAITING = 2;

export class ScriptRun {
  #session;
  #lines;
  #stage;
  #onChange;
  #onError;
  /** Numbers, from 1. The first one is being said, or in its pause. */
  #queue = [];
  #phase = 'idle';
  #utteranceId = null;
  #cancelPause = () => undefined;
  #isAuto = false;
  #isClosed = false;

  /** @param lines of the deck @param onChange the state has changed @param onError something could not be said */
  constructor({ session, stage, lines, onChange, onError }) {
    this.#session = session;
    this.#stage = stage;
    this.#lines = lines;
    this.#onChange = onChange;
    this.#onError = onError;
    session.on('avatar.transcription.chunk', this.#recognise);
    session.on('avatar.speak_started', this.#heard);
  }

  /** `idle`, `pause`, `sent` (not heard yet) or `speaking`. */
  get phase() {
    return this.#phase;
  }

  /** Number of the line that is said; null when none is. */
  get current() {
    return this.#queue[0] ?? null;
  }

  get waiting() {
    return this.#queue.slice(1);
  }

  /** No more lines may wait. */
  get isFull() {
    return this.#queue.length > MAX_WAITING;
  }

  get isAuto() {
    return this.#isAuto;
  }

  /** What `next()` would say; null at the end. */
  get nextLine() {
    const number = this.#queue.length > 0 ? this.#queue.at(-1) + 1 : this.#stage.page.line;
    return number <= this.#lines.length ? number : null;
  }

  next() {
    if (this.nextLine !== null) this.say(this.nextLine);
  }

  /** After what it is saying now. */
  say(number) {
    if (this.isFull || !this.#lines[number - 1]) return;
    this.#queue.push(number);
    this.#onChange();
    if (this.#queue.length === 1) void this.#run();
  }

  /** One line follows the other by itself. */
  setAuto(isAuto) {
    this.#isAuto = isAuto;
    if (isAuto && this.#phase === 'idle') this.next();
    this.#onChange();
  }

  /** Nothing that waits is said; what is being said is for `session.interrupt()`. */
  clear() {
    this.#isAuto = false;
    this.#queue.length = Math.min(this.#queue.length, 1);
    this.#cancelPause();
    this.#onChange();
  }

  /** Another script has taken its place. */
  close() {
    this.clear();
    this.#onChange = () => undefined;
    this.#session.off('avatar.transcription.chunk', this.#recognise);
    this.#session.off('avatar.speak_started', this.#heard);
    this.#isClosed = true;
  }

  async #run() {
    while (this.#queue.length > 0) {
      const number = this.#queue[0];
      const isSpoken = await this.#say(this.#lines[number - 1], number);
      if (!isSpoken) {
        this.#queue.length = 0;
        this.#isAuto = false;
      }
      this.#queue.shift();
      if (isSpoken && this.#isAuto && this.#queue.length === 0 && this.#lines[number])
        this.#queue.push(number + 1);
    }
    this.#isAuto = false;
    this.#to('idle');
  }

  /** Answers whether it was said to its end. */
  async #say(line, number) {
    if (line.pauseMs > 0) {
      this.#to('pause');
      if (!(await this.#pause(line.pauseMs))) return false;
    }
    this.#utteranceId = null;
    this.#to('sent');
    try {
      const { say, emotion, gesture } = line;
      const { outcome } = await this.#session.repeat(say, { emotion, gesture });
      // A voice that tells nothing of its clauses: late is better than never.
      if (this.#phase === 'sent' && outcome === 'spoken') this.#turn(line, number);
      return outcome === 'spoken';
    } catch (error) {
      this.#onError(error);
      return false;
    }
  }

  #pause(ms) {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(true), ms);
      this.#cancelPause = () => {
        clearTimeout(timer);
        resolve(false);
      };
    });
  }

  /** Another desk may be speaking as well: the words tell whose utterance it is. */
  #recognise = ({ utteranceId, text, textStart, textEnd }) => {
    const line = this.#lines[this.#queue[0] - 1];
    if (this.#phase !== 'sent' || !line || this.#utteranceId !== null) return;
    if (line.say.slice(textStart, textEnd) === text) this.#utteranceId = utteranceId;
  };

  #heard = ({ utteranceId }) => {
    if (this.#phase !== 'sent' || this.#utteranceId !== utteranceId) return;
    const number = this.#queue[0];
    this.#turn(this.#lines[number - 1], number);
    this.#to('speaking');
  };

  #turn(line, number) {
    if (this.#isClosed) return;
    this.#stage.update({ line: number + 1, ...(line.slide && { slide: line.slide }) }).catch(this.#onError);
  }

  #to(phase) {
    this.#phase = phase;
    this.#onChange();
  }
}
