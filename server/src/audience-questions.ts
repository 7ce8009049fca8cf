import { VizaviError } from '@vizavi/signaling';
import { rateLimit } from '@vizavi/signaling/gateway';
import type { Clock } from './clock.ts';

/** Longest question, characters. */
const MAX_LENGTH = 500;
/** Of one viewer: so many at once, and one more after each pause. */
const BURST = 3;
const PAUSE_SEC = 5;
const MAX_REMEMBERED = 1000;

/** Questions that viewers put to the presenter. */
export class AudienceQuestions {
  readonly #clock: Clock;
  readonly #tell: (askId: string, text: string) => void;
  readonly #admit = new Map<string, () => void>();
  readonly #known = new Set<string>();

  constructor(clock: Clock, tell: (askId: string, text: string) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  /** One that is known already changes nothing. @throws VizaviError `invalid_text`, `text_too_long`, `too_many_requests` */
  ask(viewerId: string, askId: string, asked: string): void {
    const text = asked.trim();
    if (text === '') throw new VizaviError('invalid_text', 'there is no question');
    if (text.length > MAX_LENGTH)
      throw new VizaviError('text_too_long', `a question has at most ${MAX_LENGTH} characters`);
    if (this.#known.has(askId)) return;
    const admit = this.#admit.get(viewerId) ?? rateLimit(1 / PAUSE_SEC, BURST, () => this.#clock.nowMs());
    this.#admit.set(viewerId, admit);
    admit();
    this.#known.add(askId);
    const [oldest] = this.#known;
    if (this.#known.size > MAX_REMEMBERED && oldest !== undefined) this.#known.delete(oldest);
    this.#tell(askId, text);
  }

  forget(viewerId: string): void {
    this.#admit.delete(viewerId);
  }
}
