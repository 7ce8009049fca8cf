import { bytesFromSamples, VizaviError } from '@vizavi/signaling';
import type { Manner } from '@vizavi/signaling';
import { sendAudio } from './audio-sender.ts';
import { cutIntoPieces } from './pcm-source.ts';
import type { PcmSource } from './pcm-source.ts';
import { assertTextFits } from './replies.ts';
import type { SessionLink } from './session-link.ts';
import type { Spoken, Utterances } from './utterances.ts';

/** What the page lets the avatar say, text or sound. */
export class Speech {
  readonly #link: Pick<SessionLink, 'call'>;
  readonly #utterances: Utterances;
  readonly #newId: () => string;
  /** Only one stream of sound is open at a time; the next one begins when this settles. */
  #audioTurn: Promise<unknown> = Promise.resolve();
  /** Streams of sound that the server has not heard of. */
  readonly #waitingAudio = new Set<string>();

  constructor(link: Pick<SessionLink, 'call'>, utterances: Utterances, newId: () => string) {
    this.#link = link;
    this.#utterances = utterances;
    this.#newId = newId;
  }

  async repeat(text: string, { emotion, gesture }: Manner): Promise<Spoken> {
    assertTextFits(text);
    const utteranceId = this.#newId();
    const outcome = this.#utterances.outcome(utteranceId);
    this.#link.call('repeat', { utteranceId, text, emotion, gesture }).catch((error: unknown) => {
      this.#utterances.refuse(utteranceId, error);
    });
    return outcome;
  }

  async repeatAudio(pcm: PcmSource, manner: Manner & { readonly sampleRate: number }): Promise<Spoken> {
    const { sampleRate, emotion, gesture } = manner;
    const utteranceId = this.#newId();
    const outcome = this.#utterances.outcome(utteranceId);
    const isOver = (): boolean => !this.#utterances.isPending(utteranceId);
    this.#waitingAudio.add(utteranceId);
    const send = async (): Promise<void> => {
      this.#waitingAudio.delete(utteranceId);
      if (isOver()) return;
      await sendAudio(cutIntoPieces(pcm, sampleRate), {
        sampleRate,
        isOver,
        playedMs: () => this.#utterances.spokenMs(utteranceId),
        send: ({ samples, last }, seq) =>
          this.#link.call('repeatAudio', {
            utteranceId,
            seq,
            sampleRate,
            pcm: bytesFromSamples(samples),
            last,
            emotion,
            gesture,
          }),
      });
    };
    const sent = this.#audioTurn.then(send).catch((error: unknown) => {
      // The server's own word about an interrupted stream follows.
      if (!(error instanceof VizaviError && error.code === 'interrupted'))
        this.#utterances.refuse(utteranceId, error);
    });
    // A source that never ends must not keep the next stream waiting once it was interrupted.
    this.#audioTurn = Promise.race([sent, outcome.catch(() => undefined)]);
    return outcome;
  }

  /** What the server cannot interrupt, because it has not heard of it. */
  interruptWaiting(): void {
    for (const utteranceId of this.#waitingAudio) this.#utterances.interrupt(utteranceId);
  }
}
