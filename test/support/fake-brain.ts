import { VizaviError } from '@vizavi/signaling';
import type { Brain, ReplyRequest } from '../../server/src/brain/brain.ts';

/** What is scripted for one reply: pieces, a call of the page's tool, a wait for the test, or a failure. */
export type Step =
  | string
  | { readonly tool: string; readonly arguments?: Record<string, unknown> }
  | { readonly until: Promise<unknown> }
  | { readonly fail: VizaviError };

/** Answers what the test has scripted; without a script it says the message again. */
export class FakeBrain implements Brain {
  readonly name = 'fake';
  readonly scripts: (readonly Step[])[] = [];
  readonly requests: ReplyRequest[] = [];
  /** Replies that ended because nobody wanted them any more. */
  aborted = 0;
  #closed = false;

  async *reply(request: ReplyRequest): AsyncGenerator<string> {
    if (this.#closed) throw new VizaviError('brain_failed', 'the brain is closed');
    this.requests.push(request);
    const { history, signal, callTool } = request;
    const script = this.scripts.shift() ?? [`You said ${history.at(-1)?.text ?? ''}.`];
    const aborted = new Promise<never>((_resolve, reject) => {
      const abort = (): void => {
        this.aborted += 1;
        reject(new VizaviError('interrupted', 'the reply is not wanted'));
      };
      if (signal.aborted) abort();
      signal.addEventListener('abort', abort);
    });
    aborted.catch(() => undefined);
    for (const step of script) {
      if (signal.aborted) await aborted;
      if (typeof step === 'string') yield step;
      else if ('fail' in step) throw step.fail;
      else if ('until' in step) await Promise.race([step.until, aborted]);
      else
        yield await Promise.race([callTool({ name: step.tool, arguments: step.arguments ?? {} }), aborted]);
      await Promise.resolve();
    }
    if (signal.aborted) await aborted;
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }
}
