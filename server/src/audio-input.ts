import { MAX_PCM_BYTES, PCM_SAMPLE_RATES, samplesFromBytes, VizaviError } from '@vizavi/signaling';
import type { Manner, RequestOf, ViewerToServer } from '@vizavi/signaling';
import { Alarm } from './clock.ts';
import type { Clock } from './clock.ts';
import type { Speech } from './speech.ts';
import { Utterance } from './utterance.ts';

/** Sound of one stream that may wait to be played. */
const MAX_UNPLAYED_MS = 30_000;
/** A stream whose pieces stop coming is taken to be over. */
const SILENCE_MS = 5000;

type Piece = RequestOf<ViewerToServer, 'repeatAudio'>;

/** Puts the pieces of a `repeatAudio` stream together. One stream is open at a time. */
export class AudioInput {
  readonly #speech: Speech;
  readonly #clock: Clock;
  readonly #silence: Alarm;
  #open: { readonly utterance: Utterance; nextSeq: number } | null = null;

  constructor(speech: Speech, clock: Clock) {
    this.#speech = speech;
    this.#clock = clock;
    this.#silence = new Alarm(clock, () => {
      this.#finish();
    });
  }

  /**
   * Takes the next piece; one that came before changes nothing.
   *
   * @throws VizaviError `invalid_audio`, `message_too_large`, `too_many_requests`, `invalid_state` while another stream
   *   is open or after this one has ended, `interrupted`
   */
  accept({ utteranceId, seq, sampleRate, pcm, last, ...manner }: Piece): void {
    if (!PCM_SAMPLE_RATES.some((rate) => rate === sampleRate)) {
      throw new VizaviError(
        'invalid_audio',
        `${sampleRate} Hz is not among ${PCM_SAMPLE_RATES.join(', ')} Hz`,
      );
    }
    if (pcm.byteLength > MAX_PCM_BYTES) {
      throw new VizaviError('message_too_large', `a piece has at most ${MAX_PCM_BYTES} bytes`);
    }
    const samples = samplesFromBytes(pcm);
    const stream = this.#stream(utteranceId, seq, manner);
    if (seq < stream.nextSeq) return;
    const { utterance } = stream;
    if (utterance.sampleRate !== 0 && utterance.sampleRate !== sampleRate) {
      throw new VizaviError(
        'invalid_audio',
        `this stream has ${utterance.sampleRate} Hz, not ${sampleRate} Hz`,
      );
    }
    if (utterance.unplayedMs + (samples.length * 1000) / sampleRate > MAX_UNPLAYED_MS) {
      throw new VizaviError('too_many_requests', `at most ${MAX_UNPLAYED_MS / 1000} s of sound may wait`);
    }
    utterance.append(samples, sampleRate);
    stream.nextSeq += 1;
    this.#silence.set(SILENCE_MS);
    if (last) this.#finish();
    else this.#speech.pump();
  }

  close(): void {
    this.#silence.clear();
    this.#open = null;
  }

  #stream(
    utteranceId: string,
    seq: number,
    manner: Manner,
  ): { readonly utterance: Utterance; nextSeq: number } {
    const open = this.#open;
    if (open && this.#speech.outcome(open.utterance.utteranceId) !== undefined) this.close();
    else if (open?.utterance.utteranceId === utteranceId) {
      if (seq <= open.nextSeq) return open;
      const error = new VizaviError('invalid_audio', `piece ${open.nextSeq} is missing before piece ${seq}`);
      open.utterance.fail(error);
      this.#finish();
      throw error;
    }
    if (this.#speech.outcome(utteranceId) === 'interrupted') {
      throw new VizaviError('interrupted', 'this stream was interrupted');
    }
    if (this.#speech.knows(utteranceId)) throw new VizaviError('invalid_state', 'this stream is over');
    if (this.#open) throw new VizaviError('invalid_state', 'another stream of sound is still open');
    if (seq !== 0) throw new VizaviError('invalid_audio', `a stream begins with piece 0, not ${seq}`);
    const utterance = new Utterance(utteranceId, null, this.#clock.nowMs(), manner);
    this.#speech.enqueue(utterance);
    this.#open = { utterance, nextSeq: 0 };
    return this.#open;
  }

  #finish(): void {
    if (this.#open) this.#open.utterance.complete = true;
    this.close();
    this.#speech.pump();
  }
}
