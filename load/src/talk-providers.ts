import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { durationMs } from './talk-script.ts';
import type { Turn } from './talk-script.ts';

/** What these providers take: about as long as quick ones on the same continent. */
export const EARS_MS = 200;
export const FIRST_TOKEN_MS = 150;
export const TOKEN_MS = 20;
/** Sound before the first voice that a turn's recording has, and the wav header. */
const PRE_ROLL_MS = 300;
const WAV_HEADER_BYTES = 44;

/**
 * A server with the OpenAI protocol for the benchmark: its speech to text is told what is being said, so that latencies and
 * turns are measured and nobody's recognition is; its chat answers from the script, word by word.
 */
export class TalkProviders {
  readonly #server: Server;
  readonly #turns: readonly Turn[];
  /** Index of what the visitor is saying, or has said last. */
  turn = 0;

  private constructor(server: Server, turns: readonly Turn[]) {
    this.#server = server;
    this.#turns = turns;
    server.on('request', (request, response) => {
      this.#answer(request, response).catch(() => response.destroy());
    });
  }

  static async open(turns: readonly Turn[]): Promise<TalkProviders> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new TalkProviders(server, turns);
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    if (request.url?.endsWith('/audio/transcriptions')) {
      const type = request.headers['content-type'] ?? '';
      const form = await new Response(body, { headers: { 'content-type': type } }).formData();
      const file = form.get('file') as File;
      const heardMs = (file.size - WAV_HEADER_BYTES) / 32;
      await wait(EARS_MS);
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ text: this.#heard(heardMs) }));
    } else {
      await this.#chat(JSON.parse(body.toString()) as { messages: { content: string }[] }, response);
    }
  }

  /** The words that fit into so much sound; without a full stop while there are more. */
  #heard(heardMs: number): string {
    const turn = this.#turns[this.turn];
    if (!turn) return '';
    const share = (heardMs - PRE_ROLL_MS) / durationMs(turn);
    if (share > 0.85) return turn.text;
    const words = turn.text.split(' ');
    return words.slice(0, Math.max(1, Math.round(share * words.length))).join(' ');
  }

  async #chat({ messages }: { messages: { content: string }[] }, response: ServerResponse): Promise<void> {
    const asked = messages.at(-1)?.content ?? '';
    const reply = this.#turns.find(({ text }) => text === asked)?.reply ?? 'Pardon?';
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    await wait(FIRST_TOKEN_MS);
    const send = (delta: object, finish: string | null): void => {
      const choices = [{ index: 0, delta, finish_reason: finish }];
      response.write(`data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', choices })}\n\n`);
    };
    for (const word of reply.split(/(?<= )/)) {
      if (response.destroyed) return;
      send({ content: word }, null);
      await wait(TOKEN_MS);
    }
    send({}, 'stop');
    response.end('data: [DONE]\n\n');
  }
}

/** What the providers themselves take until the first sentence of this reply is there. */
export function ownMs({ reply }: Pick<Turn, 'reply'>): number {
  const firstSentence = reply.split(/(?<=[.!?]) /)[0] ?? reply;
  // The next word shows that the sentence is over.
  return EARS_MS + FIRST_TOKEN_MS + TOKEN_MS * (firstSentence.split(' ').length + 1);
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
