import * as z from 'zod/mini';

// zod/mini: browsers load it too, and the rest of zod is as large as all else that this client adds.

/** The version of the wire that every message carries. A peer of another version is refused, not guessed at. */
export const PROTOCOL_VERSION = 1;

/** Longest text of one `repeat`, in UTF-16 units: about ten minutes of speech. */
export const MAX_TEXT_LENGTH = 10_000;
/** Largest PCM payload of one message: about a second at 48 kHz. */
export const MAX_PCM_BYTES = 128 * 1024;
/** Largest message that is read at all; a sender of more loses its connection. */
export const MAX_MESSAGE_BYTES = 1024 * 1024;
/** Sample rates in Hz at which `repeatAudio` takes PCM. */
export const PCM_SAMPLE_RATES = [8000, 16000, 22050, 24000, 32000, 44100, 48000] as const;

/** One call: what goes, and what comes back. */
export interface Call {
  readonly request: z.ZodMiniType;
  readonly result: z.ZodMiniType;
}

/** What one end may send: calls that are answered, and notices that are not. */
export interface Protocol {
  readonly calls: Readonly<Record<string, Call>>;
  readonly notices: Readonly<Record<string, z.ZodMiniType>>;
}

export type CallName<P extends Protocol> = keyof P['calls'] & string;
export type NoticeName<P extends Protocol> = keyof P['notices'] & string;
export type RequestOf<P extends Protocol, T extends CallName<P>> = z.output<P['calls'][T]['request']>;
export type ResultOf<P extends Protocol, T extends CallName<P>> = z.output<P['calls'][T]['result']>;
export type NoticeOf<P extends Protocol, T extends NoticeName<P>> = z.output<P['notices'][T]>;

/** Every notice of a protocol as one tagged union: `{type, body}`. */
export type AnyNotice<P extends Protocol> = {
  [T in NoticeName<P>]: { readonly type: T; readonly body: NoticeOf<P, T> };
}[NoticeName<P>];

export const empty = z.strictObject({});
export const id = z.string().check(z.regex(/^[\w-]{1,64}$/, 'must be 1–64 of A–Z a–z 0–9 _ -'));
export const count = z.int().check(z.nonnegative());
export const milliseconds = z.number().check(z.nonnegative());
export const pcmBytes = z.pipe(
  z.custom<Uint8Array | ArrayBuffer>(
    (value) => value instanceof Uint8Array || value instanceof ArrayBuffer,
    'must be binary',
  ),
  z.transform((value: Uint8Array | ArrayBuffer) =>
    value instanceof ArrayBuffer ? new Uint8Array(value) : value,
  ),
);
/** RTP parameters and capabilities: ORTC dictionaries that mediasoup itself checks. */
export const ortc = z.record(z.string(), z.unknown());
export const errorBody = z.object({ code: z.string(), message: z.string(), retryable: z.boolean() });
