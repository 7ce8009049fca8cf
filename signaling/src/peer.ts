import * as z from 'zod/mini';
import { ERROR_CODES, VizaviError } from './errors.ts';
import type { ErrorCode } from './errors.ts';
import { PROTOCOL_VERSION } from './protocol.ts';
import type { CallName, NoticeName, NoticeOf, Protocol, RequestOf, ResultOf } from './protocol.ts';

/** The part of a socket.io socket, of either end, that a Peer uses. */
export interface PeerSocket {
  readonly connected: boolean;
  emit(event: string, ...args: unknown[]): unknown;
  on(event: string, listener: (...args: never[]) => void): unknown;
  timeout(ms: number): { emitWithAck(event: string, ...args: unknown[]): Promise<unknown> };
}

type CallHandler<P extends Protocol, T extends CallName<P>> = (
  body: RequestOf<P, T>,
) => Promise<ResultOf<P, T>> | ResultOf<P, T>;
export type CallHandlers<P extends Protocol> = { [T in CallName<P>]: CallHandler<P, T> };
export type NoticeHandlers<P extends Protocol> = {
  [T in NoticeName<P>]: (body: NoticeOf<P, T>, seq: number) => void;
};

export interface PeerOptions<In extends Protocol, Out extends Protocol> {
  readonly incoming: In;
  readonly outgoing: Out;
  readonly calls: CallHandlers<In>;
  readonly notices: NoticeHandlers<In>;
  /** Told of every message that was refused and every handler that failed. */
  readonly onError?: (error: VizaviError) => void;
  /** Asked before each message; throws to refuse it. */
  readonly admit?: () => void;
}

const envelope = z.object({ v: z.number(), type: z.string(), seq: z.int(), body: z.unknown() });
const answer = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), result: z.unknown() }),
  z.object({
    ok: z.literal(false),
    error: z.object({ code: z.string(), message: z.string(), retryable: z.boolean() }),
  }),
]);

/**
 * One end of a signaling connection: typed calls with an answer or a typed error, and notices without. What arrives is
 * parsed before anybody sees it; what cannot be parsed is answered with `invalid_message`.
 */
export class Peer<In extends Protocol, Out extends Protocol> {
  readonly #socket: PeerSocket;
  readonly #options: PeerOptions<In, Out>;

  constructor(socket: PeerSocket, options: PeerOptions<In, Out>) {
    this.#socket = socket;
    this.#options = options;
    socket.on('call', (message: unknown, reply: unknown) => void this.#onCall(message, reply));
    socket.on('notice', (message: unknown) => {
      this.#onNotice(message);
    });
  }

  get connected(): boolean {
    return this.#socket.connected;
  }

  /** @throws VizaviError what the other end answered, or `timeout`, `disconnected`, `invalid_message` */
  async call<T extends CallName<Out>>(
    type: T,
    body: RequestOf<Out, T>,
    timeoutMs = 10_000,
  ): Promise<ResultOf<Out, T>> {
    let raw: unknown;
    try {
      raw = await this.#socket
        .timeout(timeoutMs)
        .emitWithAck('call', { v: PROTOCOL_VERSION, type, seq: 0, body });
    } catch (cause) {
      if (this.#socket.connected) throw new VizaviError('timeout', `no answer to ${type}`, { cause });
      throw new VizaviError('disconnected', `the connection was lost during ${type}`, { cause });
    }
    const reply = answer.safeParse(raw);
    if (!reply.success) throw new VizaviError('invalid_message', `unreadable answer to ${type}`);
    if (!reply.data.ok) {
      const { code, message, retryable } = reply.data.error;
      throw new VizaviError(isErrorCode(code) ? code : 'internal', message, { retryable });
    }
    return parse(this.#options.outgoing.calls[type]?.result, reply.data.result, type) as ResultOf<Out, T>;
  }

  notify<T extends NoticeName<Out>>(type: T, body: NoticeOf<Out, T>, seq = 0): void {
    this.#socket.emit('notice', { v: PROTOCOL_VERSION, type, seq, body });
  }

  async #onCall(message: unknown, reply: unknown): Promise<void> {
    const respond = typeof reply === 'function' ? (reply as (value: unknown) => void) : () => undefined;
    try {
      this.#options.admit?.();
      const { type, body } = open(message);
      const call = Object.hasOwn(this.#options.incoming.calls, type)
        ? this.#options.incoming.calls[type]
        : undefined;
      if (!call) throw new VizaviError('invalid_message', `unknown message: ${type.slice(0, 64)}`);
      const request = parse(call.request, body, type) as RequestOf<In, CallName<In>>;
      respond({ ok: true, result: await this.#options.calls[type as CallName<In>](request) });
    } catch (error) {
      const known = VizaviError.from(error);
      this.#options.onError?.(known);
      respond({ ok: false, error: known.toJSON() });
    }
  }

  #onNotice(message: unknown): void {
    try {
      this.#options.admit?.();
      const { type, body, seq } = open(message);
      const schema = Object.hasOwn(this.#options.incoming.notices, type)
        ? this.#options.incoming.notices[type]
        : undefined;
      if (!schema) throw new VizaviError('invalid_message', `unknown notice: ${type.slice(0, 64)}`);
      this.#options.notices[type as NoticeName<In>](
        parse(schema, body, type) as NoticeOf<In, NoticeName<In>>,
        seq,
      );
    } catch (error) {
      this.#options.onError?.(VizaviError.from(error));
    }
  }
}

function open(message: unknown): z.output<typeof envelope> {
  const { v, ...rest } = parse(envelope, message, 'message') as z.output<typeof envelope>;
  if (v !== PROTOCOL_VERSION) {
    throw new VizaviError('unsupported_version', `this end speaks version ${PROTOCOL_VERSION}, not ${v}`);
  }
  return { v, ...rest };
}

function parse(schema: z.ZodMiniType | undefined, value: unknown, type: string): unknown {
  const parsed = schema?.safeParse(value);
  if (parsed?.success) return parsed.data;
  const issue = parsed?.error.issues[0];
  const where = [type, ...(issue?.path ?? [])].join('.');
  throw new VizaviError('invalid_message', `${where}: ${issue?.message ?? 'unknown message'}`);
}

function isErrorCode(code: string): code is ErrorCode {
  return (ERROR_CODES as readonly string[]).includes(code);
}
