import type { SessionEvent } from '@vizavi/signaling';
import type { Emit } from './avatar-events.ts';
import { Captions } from './captions.ts';
import type { Caption } from './captions.ts';
import { assertTextFits, Replies } from './replies.ts';
import type { Reply } from './replies.ts';
import type { SessionLink } from './session-link.ts';
import { Tools } from './tools.ts';
import type { ToolHandler } from './tools.ts';
import { Transcript } from './transcript.ts';
import type { TranscriptEntry } from './transcript.ts';

export interface ConversationOptions {
  readonly link: Pick<SessionLink, 'call'>;
  readonly nowMs: () => number;
  readonly newId: () => string;
  /** How long sound waits in this browser before it is heard, ms. */
  readonly delayMs: () => Promise<number>;
  readonly emit: Emit;
}

/** Messages and their replies, who said what, what is being said, and what the avatar asks of the page. */
export class Conversation {
  readonly #options: ConversationOptions;
  readonly #replies = new Replies();
  readonly #tools = new Tools();
  readonly #transcript: Transcript;
  readonly #captions: Captions;

  constructor(options: ConversationOptions) {
    const { nowMs, delayMs, emit } = options;
    this.#options = options;
    this.#transcript = new Transcript((transcript) => {
      emit('transcript.changed', { transcript });
    });
    this.#captions = new Captions({
      nowMs,
      delayMs,
      onChange: (caption) => {
        emit('captions.changed', { caption });
      },
    });
  }

  get transcript(): readonly TranscriptEntry[] {
    return this.#transcript.entries;
  }

  get caption(): Caption | null {
    return this.#captions.caption;
  }

  async message(text: string): Promise<Reply> {
    assertTextFits(text);
    const { link, newId } = this.#options;
    const replyId = newId();
    // Whoever typed it sees it at once.
    this.#transcript.visitor(replyId, text);
    return this.#replies.outcome(replyId, () =>
      link.call('message', { replyId, text }).catch((error: unknown) => {
        this.#transcript.withdraw(replyId);
        throw error;
      }),
    );
  }

  onTool(name: string, handler: ToolHandler): () => void {
    return this.#tools.set(name, handler);
  }

  receive(event: SessionEvent): void {
    this.#transcript.receive(event);
    switch (event.type) {
      case 'avatar.transcription.chunk':
        this.#captions.add(event.body);
        break;
      case 'avatar.speak_started':
        void this.#captions.started(event.body.utteranceId);
        break;
      case 'avatar.speak_ended':
        this.#captions.ended(event.body.utteranceId, event.body.outcome !== 'spoken');
        this.#replies.spoken(event.body);
        break;
      case 'avatar.reply_ended':
        this.#replies.ended(event.body);
        break;
      case 'tool.called':
        void this.#answer(event.body);
        break;
      default:
    }
  }

  /** @param error why what is awaited fails; null: it counts as interrupted */
  close(error: Parameters<Replies['close']>[0]): void {
    this.#replies.close(error);
    this.#captions.close();
  }

  async #answer(called: Parameters<Tools['run']>[0]): Promise<void> {
    const result = await this.#tools.run(called);
    // The session may be over, or the server tired of waiting.
    await this.#options.link.call('tool.result', result).catch(() => undefined);
  }
}
