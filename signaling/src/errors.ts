/**
 * Every failure that crosses a boundary (wire, HTTP, process) is a {@link VizaviError}: a code from a closed list,
 * a sentence for a person, and whether the same call may succeed later.
 */

/** code → HTTP status, and whether trying again later can help. */
const CODES = {
  invalid_message: { status: 400, retryable: false },
  unsupported_version: { status: 400, retryable: false },
  invalid_text: { status: 400, retryable: false },
  text_too_long: { status: 413, retryable: false },
  invalid_audio: { status: 400, retryable: false },
  message_too_large: { status: 413, retryable: false },
  unauthorized: { status: 401, retryable: false },
  token_expired: { status: 401, retryable: false },
  forbidden: { status: 403, retryable: false },
  not_found: { status: 404, retryable: false },
  invalid_state: { status: 409, retryable: false },
  too_many_viewers: { status: 429, retryable: true },
  too_many_requests: { status: 429, retryable: true },
  no_capacity: { status: 503, retryable: true },
  unavailable: { status: 503, retryable: true },
  timeout: { status: 504, retryable: true },
  disconnected: { status: 503, retryable: true },
  interrupted: { status: 409, retryable: false },
  not_implemented: { status: 501, retryable: false },
  invalid_config: { status: 500, retryable: false },
  invalid_bundle: { status: 500, retryable: false },
  unsupported_device: { status: 500, retryable: false },
  encoder_failed: { status: 500, retryable: true },
  inference_failed: { status: 500, retryable: true },
  voice_failed: { status: 500, retryable: true },
  ears_failed: { status: 500, retryable: true },
  brain_failed: { status: 500, retryable: true },
  media_failed: { status: 500, retryable: true },
  internal: { status: 500, retryable: true },
} as const;

export type ErrorCode = keyof typeof CODES;

/** The form in which an error travels. */
export interface ErrorBody {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryable: boolean;
}

export class VizaviError extends Error {
  readonly code: ErrorCode;
  readonly retryable: boolean;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; retryable?: boolean } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'VizaviError';
    this.code = code;
    this.retryable = options.retryable ?? CODES[code].retryable;
  }

  /** The HTTP status that answers this error. */
  get status(): (typeof CODES)[ErrorCode]['status'] {
    return CODES[this.code].status;
  }

  toJSON(): ErrorBody {
    return { code: this.code, message: this.message, retryable: this.retryable };
  }

  /** Anything thrown, as a VizaviError; what is not one becomes `internal` and keeps its cause, not its message. */
  static from(error: unknown): VizaviError {
    if (error instanceof VizaviError) return error;
    return new VizaviError('internal', 'The server failed to do this.', { cause: error });
  }
}

export const ERROR_CODES = Object.keys(CODES) as [ErrorCode, ...ErrorCode[]];

/** Why a session ended. */
export const CLOSE_REASONS = [
  'ok',
  'client',
  'time_limit',
  'inactivity',
  'network',
  'no_capacity',
  'server',
] as const;
export type CloseReason = (typeof CLOSE_REASONS)[number];
