import { MAX_TEXT_LENGTH, VizaviError } from '@vizavi/signaling';
import type { ErrorCode, NoticeOf, ServerToViewer } from '@vizavi/signaling';
import { Deferred } from './deferred.ts';

/** What became of a message. */
export interface Reply {
  readonly replyId: string;
  /** All of what the avatar had to say. */
  readonly text: string;
  /** As much of it as was heard. */
  readonly heard: string;
  readonly outcome: 'spoken' | 'interrupted';
}

interface Pending {
  readonly result: Deferred<Reply>;
  error: VizaviError | null;
}

/** Messages whose answer is awaited. */
export class Replies {
  readonly #pending = new Map<string, Pending>();

  /**
   * Sends a message and waits for the end of its reply.
   *
   * @throws VizaviError why it was refused or failed
   */
  async outcome(replyId: string, send: () => Promise<unknown>): Promise<Reply> {
    const pending: Pending = { result: new Deferred(), error: null };
    this.#pending.set(replyId, pending);
    send().catch((error: unknown) => {
      pending.result.reject(error);
    });
    try {
      return await pending.result.promise;
    } finally {
      this.#pending.delete(replyId);
    }
  }

  /** What is said has the reply's id: why it failed is told there. */
  spoken({ utteranceId, error }: NoticeOf<ServerToViewer, 'avatar.speak_ended'>): void {
    const pending = this.#pending.get(utteranceId);
    if (pending && error) {
      const { code, message, retryable } = error;
      pending.error = new VizaviError(code as ErrorCode, message, { retryable });
    }
  }

  ended({ replyId, text, heard, outcome }: NoticeOf<ServerToViewer, 'avatar.reply_ended'>): void {
    const pending = this.#pending.get(replyId);
    if (!pending) return;
    if (outcome === 'failed')
      pending.result.reject(pending.error ?? new VizaviError('brain_failed', 'there was no answer to this'));
    else pending.result.resolve({ replyId, text, heard, outcome });
  }

  /** Nothing more will be heard of any of them: they failed with `error`, or count as interrupted. */
  close(error: VizaviError | null): void {
    for (const [replyId, { result }] of this.#pending) {
      if (error) result.reject(error);
      else result.resolve({ replyId, text: '', heard: '', outcome: 'interrupted' });
    }
  }
}

/** A message can be too large for the connection itself. @throws VizaviError `text_too_long` */
export function assertTextFits(text: string): void {
  if (text.length > MAX_TEXT_LENGTH)
    throw new VizaviError('text_too_long', `a text has at most ${MAX_TEXT_LENGTH} characters`);
}
