import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FliteVoice } from '../../server/src/voice/flite-voice.ts';

/** What a request meets, in place of what it wants. */
export interface Behaviour {
  /** Before anything is answered. */
  readonly delayMs?: number;
  /** An error with this status. */
  readonly status?: number;
  readonly message?: string;
  readonly retryAfterSec?: number;
  /** The words of a chat answer, piece by piece, or what was heard. */
  readonly pieces?: readonly string[];
  readonly tools?: readonly { readonly name: string; readonly arguments: string }[];
  /** After so many pieces: silence, a cut line, an end that comes too early, what is no JSON. */
  readonly trouble?: { readonly after: number; readonly kind: 'stall' | 'cut' | 'end' | 'garbage' };
  /** Speech at 24 kHz, whatever it is to say. */
  readonly sound?: Int16Array;
  /** Answered with this body and type, status 200. */
  readonly body?: { readonly type: string; readonly content: string };
}

/** What was asked for. */
export interface Asked {
  readonly path: string;
  readonly authorization: string | undefined;
  /** JSON, or the fields of a form. */
  readonly body: Readonly<Record<string, unknown>>;
  /** Resolves when the connection is over; true when the asker left before it had been answered. */
  readonly left: Promise<boolean>;
}

const UPSAMPLED = { from: 16_000, to: 24_000 };
/** Odd, so that samples are cut in two. */
const PIECE_BYTES = 1021;

/** A server that speaks OpenAI's chat completions (streamed), transcriptions and speech, and fails on demand. */
export class OpenAiServer {
  readonly asked: Asked[] = [];
  readonly #server: Server;
  #script: Behaviour[] = [];
  /** By a part of the path; '' is for all others. */
  readonly #usual = new Map<string, Behaviour>();
  #voice: FliteVoice | null = null;

  static async open(): Promise<OpenAiServer> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new OpenAiServer(server);
  }

  constructor(server: Server) {
    this.#server = server;
    server.on('request', (request, response) => {
      this.#answer(request, response).catch(() => response.destroy());
    });
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  /** What the next requests meet, in this order; those after them are served well. */
  script(...behaviours: readonly Behaviour[]): void {
    this.#script = [...behaviours];
    this.asked.length = 0;
  }

  /** What all other requests meet, or those whose path has this in it. */
  usually(behaviour: Behaviour, path = ''): void {
    this.#usual.set(path, behaviour);
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await this.#voice?.close();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { promise: left, resolve } = Promise.withResolvers<boolean>();
    response.on('close', () => resolve(!response.writableFinished));
    const { url: path = '', headers } = request;
    const body = await readBody(request);
    this.asked.push({ path, authorization: headers.authorization, body, left });
    const behaviour = this.#script.shift() ?? this.#usually(path);
    if (behaviour.delayMs !== undefined) await new Promise((wake) => setTimeout(wake, behaviour.delayMs));
    if (behaviour.status !== undefined) {
      fail(response, behaviour);
      return;
    }
    if (behaviour.body) {
      response.writeHead(200, { 'content-type': behaviour.body.type }).end(behaviour.body.content);
    } else if (path.endsWith('/chat/completions')) chat(response, behaviour);
    else if (path.endsWith('/audio/transcriptions')) transcribe(response, behaviour);
    else if (path.endsWith('/audio/speech')) await this.#speak(response, body, behaviour);
    else fail(response, { status: 404, message: `nothing at ${path}` });
  }

  #usually(path: string): Behaviour {
    const [, special] = [...this.#usual].find(([part]) => part !== '' && path.includes(part)) ?? [];
    return special ?? this.#usual.get('') ?? {};
  }

  async #speak(response: ServerResponse, body: Asked['body'], behaviour: Behaviour): Promise<void> {
    const pcm = behaviour.sound ?? (await this.#synthesise(String(body['input']), String(body['voice'])));
    response.writeHead(200, { 'content-type': 'audio/pcm' });
    const sound = Buffer.from(pcm.buffer, pcm.byteOffset, pcm.byteLength);
    for (let at = 0, count = 0; at < sound.length; at += PIECE_BYTES, count += 1) {
      if (behaviour.trouble?.after === count) {
        troubled(response, behaviour.trouble.kind);
        return;
      }
      const piece = sound.subarray(at, at + PIECE_BYTES);
      await new Promise<void>((written) => response.write(piece, () => written()));
      if (response.destroyed) return;
    }
    response.end();
  }

  async #synthesise(text: string, voice: string): Promise<Int16Array> {
    this.#voice ??= new FliteVoice();
    const samples: number[] = [];
    for await (const { pcm } of this.#voice.speak(text, { voice }))
      for (const sample of pcm) samples.push(sample);
    return resample(samples);
  }
}

function chat(
  response: ServerResponse,
  { pieces = ['Hello', ' there.'], tools = [], trouble }: Behaviour,
): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const send = (delta: object, finish: string | null = null): void => {
    const choices = [{ index: 0, delta, finish_reason: finish }];
    response.write(`data: ${JSON.stringify({ id: 'chat', object: 'chat.completion.chunk', choices })}\n\n`);
  };
  send({ role: 'assistant', content: '' });
  for (const [index, content] of pieces.entries()) {
    if (trouble?.after === index) {
      troubled(response, trouble.kind);
      return;
    }
    send({ content });
  }
  if (trouble) {
    troubled(response, trouble.kind);
    return;
  }
  for (const [index, tool] of tools.entries()) {
    const half = Math.ceil(tool.arguments.length / 2);
    const id = `call-${tool.name}-${index}`;
    send({ tool_calls: [{ index, id, type: 'function', function: { name: tool.name, arguments: '' } }] });
    for (const part of [tool.arguments.slice(0, half), tool.arguments.slice(half)]) {
      send({ tool_calls: [{ index, function: { arguments: part } }] });
    }
  }
  send({}, tools.length > 0 ? 'tool_calls' : 'stop');
  response.end('data: [DONE]\n\n');
}

function transcribe(response: ServerResponse, { pieces = ['Hello there.'], trouble }: Behaviour): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  if (trouble) {
    response.write('{"text":');
    troubled(response, trouble.kind);
    return;
  }
  response.end(JSON.stringify({ text: pieces.join('') }));
}

function troubled(response: ServerResponse, kind: 'stall' | 'cut' | 'end' | 'garbage'): void {
  if (kind === 'cut') setImmediate(() => response.destroy());
  if (kind === 'end') response.end();
  if (kind === 'garbage') response.end('data: {"choices": oops\n\n');
  // A stall: nothing more comes until the asker leaves.
}

function fail(response: ServerResponse, { status = 500, message = 'no', retryAfterSec }: Behaviour): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    ...(retryAfterSec !== undefined && { 'retry-after': String(retryAfterSec) }),
  });
  response.end(JSON.stringify({ error: { message, type: 'error', code: null, param: null } }));
}

async function readBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  const type = request.headers['content-type'] ?? '';
  if (!type.startsWith('multipart/')) return JSON.parse(bytes.toString()) as Record<string, unknown>;
  const form = await new Response(bytes, { headers: { 'content-type': type } }).formData();
  return Object.fromEntries(form.entries());
}

function resample(samples: readonly number[]): Int16Array {
  const { from, to } = UPSAMPLED;
  return Int16Array.from({ length: Math.floor((samples.length * to) / from) }, (_, index) => {
    const at = (index * from) / to;
    const left = samples[Math.floor(at)] ?? 0;
    const right = samples[Math.floor(at) + 1] ?? left;
    return left + (right - left) * (at % 1);
  });
}
