import type { NoticeOf, RequestOf, ServerToViewer, ViewerToServer } from '@vizavi/signaling';

/**
 * Does what the avatar asks of the page. What it answers is told to the avatar: a string as it is, anything else as
 * JSON; what it throws is told as a failure.
 */
export type ToolHandler = (
  args: Readonly<Record<string, unknown>>,
  call: { readonly name: string; readonly callId: string; readonly replyId: string },
) => unknown;

/** What the wire takes. */
const MAX_RESULT_LENGTH = 20_000;
const ANY = '*';

/** The page's own abilities, by name. */
export class Tools {
  readonly #handlers = new Map<string, ToolHandler>();

  /** `'*'` is asked about every name that has no handler of its own. Answers how to take it away again. */
  set(name: string, handler: ToolHandler): () => void {
    this.#handlers.set(name, handler);
    return () => {
      if (this.#handlers.get(name) === handler) this.#handlers.delete(name);
    };
  }

  /** What to answer the server. */
  async run(
    called: NoticeOf<ServerToViewer, 'tool.called'>,
  ): Promise<RequestOf<ViewerToServer, 'tool.result'>> {
    const { callId, replyId, name } = called;
    try {
      const handler = this.#handlers.get(name) ?? this.#handlers.get(ANY);
      if (!handler) throw new Error(`this page has no tool “${name}”`);
      const result = textOf(await handler(called.arguments, { name, callId, replyId }));
      if (result.length > MAX_RESULT_LENGTH) throw new Error('the result is too long');
      return { callId, result, failed: false };
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return { callId, result: message.slice(0, MAX_RESULT_LENGTH), failed: true };
    }
  }
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  // Nothing to tell, a function, a symbol: JSON has no word for it.
  const json: unknown = JSON.stringify(value);
  return typeof json === 'string' ? json : 'done';
}
