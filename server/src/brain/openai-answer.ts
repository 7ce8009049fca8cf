import type { ChatCompletionCreateParamsStreaming } from 'openai/resources/chat/completions';
import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { askPatiently } from '../openai/call.ts';
import type { Call, Patience } from '../openai/call.ts';
import type { Endpoint } from '../openai/endpoint.ts';
import type { CallCollector } from './openai-tools.ts';
import { PlainWords } from './plain-words.ts';

export type ChatRequest = Omit<ChatCompletionCreateParamsStreaming, 'stream'>;

export interface AnswerOptions extends Patience {
  /** Longest silence between two pieces. */
  readonly stallMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** How long the end of a stream is waited for when all has been said: what is read to its end can be used again. */
const FAREWELL_MS = 1000;

const chunkSchema = z.object({
  choices: z
    .array(
      z.object({
        delta: z
          .object({
            content: z.string().nullish(),
            tool_calls: z
              .array(
                z.object({
                  index: z.number().nullish(),
                  id: z.string().nullish(),
                  function: z
                    .object({ name: z.string().nullish(), arguments: z.string().nullish() })
                    .nullish(),
                }),
              )
              .nullish(),
          })
          .nullish(),
        finish_reason: z.string().nullish(),
      }),
    )
    .nullish(),
});

/**
 * One answer of a model: its plain words as they come; the tools that it wants to be called are then in `calls`. Leaving it
 * closes the request.
 *
 * @throws VizaviError `interrupted`, `timeout`, `brain_failed`
 */
export async function* readAnswer(
  endpoint: Endpoint,
  request: ChatRequest,
  calls: CallCollector,
  options: AnswerOptions,
): AsyncGenerator<string, void, undefined> {
  const { signal, clock, stallMs } = options;
  const answer = await askPatiently(endpoint, options, signal, clock, async (call) => {
    const body = { ...request, stream: true } as const;
    const stream = await endpoint.client.chat.completions.create(body, { signal: call.signal });
    const begun = new Answer(endpoint, call, stream, calls);
    await begun.begin();
    return begun;
  });
  const words = new PlainWords();
  try {
    do {
      const piece = words.push(answer.text);
      if (piece !== '') yield piece;
      if (signal.aborted) throw endpoint.stopped();
    } while (await answer.next(stallMs));
    const last = words.end();
    if (last !== '') yield last;
  } catch (error) {
    throw endpoint.failure(error);
  } finally {
    answer.close();
  }
}

/** A stream of chunks, read one by one. */
class Answer {
  /** The words of the chunk that was read last. */
  text = '';
  readonly #endpoint: Endpoint;
  readonly #call: Call;
  readonly #chunks: AsyncIterator<unknown, unknown>;
  readonly #calls: CallCollector;
  #finished = false;

  constructor(endpoint: Endpoint, call: Call, stream: AsyncIterable<unknown>, calls: CallCollector) {
    this.#endpoint = endpoint;
    this.#call = call;
    this.#calls = calls;
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  /** Reads up to the first chunk that says or wants something. */
  async begin(): Promise<void> {
    while (this.text === '' && this.#calls.all.length === 0 && (await this.#read()));
  }

  /** False when the answer is over. */
  async next(stallMs: number): Promise<boolean> {
    if (!this.#finished) return this.#call.within(stallMs, this.#read());
    this.text = '';
    const rest = async (): Promise<void> => {
      while (!(await this.#chunks.next()).done);
    };
    await this.#call.within(FAREWELL_MS, rest()).catch(() => undefined);
    return false;
  }

  close(): void {
    this.#call.end();
  }

  /** False when there was no chunk any more. */
  async #read(): Promise<boolean> {
    this.text = '';
    const { value, done } = await this.#chunks.next();
    if (done && this.#finished) return false;
    // A cut that looks like an end: no reason was given for it.
    if (done) throw this.#endpoint.failed('broke off in the midst of its answer');
    const chunk = chunkSchema.safeParse(value);
    if (!chunk.success) throw this.#endpoint.failed('answered with what cannot be read', false);
    const choice = chunk.data.choices?.[0];
    this.text = choice?.delta?.content ?? '';
    for (const piece of choice?.delta?.tool_calls ?? []) this.#calls.add(piece);
    if (choice?.finish_reason != null) this.#finished = true;
    return true;
  }
}
