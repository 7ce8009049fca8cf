import { VizaviError } from '@vizavi/signaling';
import type { ErrorCode } from '@vizavi/signaling';
import OpenAI, { APIConnectionError, APIError } from 'openai';

/** Where an OpenAI-compatible API is, and how it is entered. */
export interface EndpointSettings {
  /** Up to and without the name of the resource, such as `https://api.openai.com/v1`. */
  readonly baseUrl: string;
  /** Null where none is asked for, as of a server on the own machine. */
  readonly apiKey: string | null;
}

/** What an endpoint is used for, in the words and codes of its errors. */
export interface EndpointRole {
  /** Such as `the language model`. */
  readonly what: string;
  readonly failed: ErrorCode;
  /** `timeout` where the interface allows it. */
  readonly timedOut: ErrorCode;
}

const MESSAGE_LENGTH = 300;
/** Statuses that another try may change. */
const PASSING = new Set([408, 409, 425, 429]);
const SECRET = /\b(?:sk|pk|gsk|key)-[\w*-]{4,}|\bBearer\s+\S+/gi;

/** An OpenAI-compatible API, and its failures as typed errors that never hold the key. */
export class Endpoint {
  readonly client: OpenAI;
  readonly #role: EndpointRole;
  readonly #apiKey: string | null;
  readonly #host: string;
  readonly #closed = new AbortController();

  /** @throws VizaviError `invalid_config` when the address is none */
  constructor({ baseUrl, apiKey }: EndpointSettings, role: EndpointRole) {
    const url = URL.parse(baseUrl);
    if (!url || !/^https?:$/.test(url.protocol)) {
      throw new VizaviError('invalid_config', `the address of ${role.what} is not an http(s) address`);
    }
    this.#host = url.host;
    this.#apiKey = apiKey;
    this.#role = role;
    this.client = new OpenAI({
      baseURL: baseUrl.replace(/\/+$/, ''),
      // The library insists on a key.
      apiKey: apiKey ?? 'none',
      ...(apiKey === null && { defaultHeaders: { Authorization: null } }),
      // What the environment may hold is meant for other programs.
      organization: null,
      project: null,
      adminAPIKey: null,
      webhookSecret: null,
      // Tries and time limits are counted here, up to the first piece of an answer and not up to its headers.
      maxRetries: 0,
      logLevel: 'off',
    });
  }

  /** Ends what is under way, and refuses what comes. */
  close(): void {
    this.#closed.abort();
  }

  /** Aborts when one of `signals` does, or when the endpoint is closed. */
  stopping(...signals: readonly AbortSignal[]): AbortSignal {
    return AbortSignal.any([this.#closed.signal, ...signals]);
  }

  /** Why a signal of {@link stopping} has aborted: to be closed is no interrupt of the caller's. */
  stopped(): VizaviError {
    if (this.#closed.signal.aborted) return this.failed('is closed', false);
    return new VizaviError('interrupted', 'this was interrupted');
  }

  timeout(afterMs: number): VizaviError {
    const { what, timedOut } = this.#role;
    return new VizaviError(timedOut, `${what} was silent for ${Math.round(afterMs) / 1000} s`);
  }

  failed(sentence: string, retryable?: boolean): VizaviError {
    const { what, failed } = this.#role;
    return new VizaviError(failed, this.#clean(`${what} ${sentence}`), {
      ...(retryable === undefined ? {} : { retryable }),
    });
  }

  /** What the library threw, with the provider's own words. It is no cause: it may quote the request. */
  failure(error: unknown): VizaviError {
    if (error instanceof VizaviError) return error;
    if (error instanceof APIConnectionError) {
      return this.failed(`cannot be reached at ${this.#host}: ${reasonOf(error)}`);
    }
    if (error instanceof APIError) {
      const { status, message } = error as APIError;
      if (status === undefined) return this.failed(`failed: ${message}`);
      return this.failed(`answered ${message}`, PASSING.has(status) || status >= 500);
    }
    if (error instanceof SyntaxError) return this.failed('answered with what cannot be read', false);
    return this.failed(`broke off: ${reasonOf(error)}`);
  }

  #clean(text: string): string {
    const keyless = this.#apiKey ? text.replaceAll(this.#apiKey, '…') : text;
    const line = keyless.replace(SECRET, '…').replace(/\s+/g, ' ').trim();
    return line.length > MESSAGE_LENGTH ? `${line.slice(0, MESSAGE_LENGTH)}…` : line;
  }
}

/** How long the provider asks to be left alone; null when it does not say. */
export function retryAfterMs(error: unknown, nowMs: number): number | null {
  if (!(error instanceof APIError)) return null;
  const { headers } = error as APIError;
  const exact = Number.parseFloat(headers?.get('retry-after-ms') ?? '');
  if (exact >= 0) return exact;
  const header = headers?.get('retry-after') ?? '';
  const ms = /^\s*[\d.]+\s*$/.test(header) ? Number.parseFloat(header) * 1000 : Date.parse(header) - nowMs;
  return Number.isNaN(ms) ? null : Math.max(0, ms);
}

/** The innermost reason: fetch hides it behind "fetch failed". */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'no reason given';
  if (error.cause instanceof Error) return reasonOf(error.cause);
  const { code } = error as NodeJS.ErrnoException;
  return code ?? error.message;
}
