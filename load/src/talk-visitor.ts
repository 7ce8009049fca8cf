import type { Page } from 'puppeteer-core';
import type { Heard } from './talk-figures.ts';
import type { TalkProbe } from './talk-probe.ts';
import type { Turn } from './talk-script.ts';

/** Long after anything that could still come. */
const GIVE_UP_MS = 12_000;
/** Between the end of a reply and the next question, as people leave it; no less, or the end would not be heard. */
const BREATH_MS = 700;

const HEARD_MS = 60;
const LONGEST_PAUSE_MS = 1000;

interface Scope {
  readonly probe: TalkProbe;
}

/** A visitor of the page: speaks, listens, cuts in. */
export class TalkVisitor {
  readonly #page: Page;
  readonly #said: { startMs: number; endMs: number }[] = [];

  constructor(page: Page) {
    this.#page = page;
  }

  /** Joins, opens the microphone, and learns what the face looks like at rest. */
  async join(token: string): Promise<void> {
    await this.#page.evaluate((value) => (globalThis as unknown as Scope).probe.talk(value), token);
    await this.#page.evaluate(() => (globalThis as unknown as Scope).probe.learnRest());
  }

  /** Says it to the end. */
  async say({ pcm }: Pick<Turn, 'pcm'>): Promise<void> {
    const base64 = Buffer.from(pcm.buffer, pcm.byteOffset, pcm.byteLength).toString('base64');
    const times = await this.#page.evaluate(
      (sound) => (globalThis as unknown as Scope).probe.say(sound),
      base64,
    );
    this.#said.push(times);
    await wait(await this.#page.evaluate((endMs) => endMs - performance.now(), times.endMs));
  }

  /** Waits for the reply to what was said last, `ms` more, and the midst of a word. False: it did not come. */
  async untilAnswered(ms: number): Promise<boolean> {
    const came = await this.#until('avatar.speak_started');
    await wait(ms);
    // Whoever cuts in cuts into something.
    await this.#page.evaluate(
      (heard, limit) => (globalThis as unknown as Scope).probe.untilHeard(heard, limit),
      HEARD_MS,
      LONGEST_PAUSE_MS,
    );
    return came;
  }

  /** Waits until the reply to what was said last is over, and takes a breath. */
  async untilSilent(): Promise<boolean> {
    const came = await this.#until('avatar.reply_ended');
    await wait(BREATH_MS);
    return came;
  }

  /** Everything that was said, seen and heard. */
  async leave(): Promise<Heard> {
    const seen = await this.#page.evaluate(() => {
      const { events, sound, mouth } = (globalThis as unknown as Scope).probe;
      return { events: [...events], sound: [...sound], mouth: [...mouth] };
    });
    await this.#page.evaluate(() => (globalThis as unknown as Scope).probe.hangUp());
    return { ...seen, said: this.#said };
  }

  /** False: no such event came. */
  async #until(type: string): Promise<boolean> {
    const sinceMs = this.#said.at(-1)?.endMs ?? 0;
    return this.#page.evaluate(
      (name, since, limit) => (globalThis as unknown as Scope).probe.until(name, since, limit),
      type,
      sinceMs,
      GIVE_UP_MS,
    );
  }
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
