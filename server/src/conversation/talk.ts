import { VizaviError } from '@vizavi/signaling';
import type { Listening, SessionEvent } from '@vizavi/signaling';
import type { Brain, Tool } from '../brain/brain.ts';
import type { Clock } from '../clock.ts';
import type { Ears } from '../ears/ears.ts';
import type { Hearing } from '../ears/hearing.ts';
import type { Media, Microphone } from '../media.ts';
import type { Speech } from '../speech.ts';
import type { Telemetry } from '../telemetry.ts';
import { Conversation } from './conversation.ts';
import { SpokenTurns } from './spoken-turns.ts';

/** What all sessions talk with. */
export interface TalkDeps {
  readonly brain: Brain;
  /** Null: the visitor's browser turns speech to text. */
  readonly ears: Ears | null;
  readonly hearing: Pick<Hearing, 'listen'>;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** Said when a brain or ears fail. */
  readonly fallbackLine: string;
}

export interface TalkOptions {
  readonly instructions: string | null;
  readonly tools: readonly Tool[];
  /** BCP 47 */
  readonly language: string | undefined;
  readonly speech: Speech;
  readonly emit: (event: SessionEvent) => void;
  readonly onAttention: (listening: boolean) => void;
  /** The session's media, once it stands. */
  readonly media: () => Promise<Media>;
}

/** A session's conversation, and the microphone that it is led with. One viewer has the microphone at a time. */
export class Talk {
  readonly conversation: Conversation;
  readonly #deps: TalkDeps;
  readonly #options: TalkOptions;
  readonly #turns: SpokenTurns;
  #microphone: { readonly viewerId: string; readonly media: Microphone } | null = null;

  constructor(deps: TalkDeps, options: TalkOptions) {
    this.#deps = deps;
    this.#options = options;
    const { instructions, tools, speech, emit } = options;
    this.conversation = new Conversation({ ...deps, instructions, tools, speech, emit });
    this.#turns = new SpokenTurns({ ...deps, ...options, conversation: this.conversation });
  }

  get ears(): 'server' | 'browser' {
    return this.#deps.ears ? 'server' : 'browser';
  }

  /** A way in for this viewer's microphone, in place of any before. @throws VizaviError `media_failed`, `unavailable` */
  async openMicrophone(viewerId: string): Promise<Microphone['transport']> {
    const session = await this.#options.media();
    const media = await session.addMicrophone((rtp) => {
      this.#turns.packet(rtp);
    });
    this.#microphone?.media.close();
    this.#microphone = { viewerId, media };
    return media.transport;
  }

  /** @throws VizaviError `invalid_state` unless this viewer has the microphone */
  microphone(viewerId: string): Microphone {
    if (this.#microphone?.viewerId !== viewerId)
      throw new VizaviError('invalid_state', 'microphone.open comes first');
    return this.#microphone.media;
  }

  /** This viewer no longer speaks; another one's microphone stays. */
  closeMicrophone(viewerId: string): void {
    if (this.#microphone?.viewerId !== viewerId) return;
    this.#microphone.media.close();
    this.#microphone = null;
    this.#turns.setMode('off');
  }

  listen(mode: Listening, route: 'answer' | 'repeat'): void {
    // What was said before listening is turned off still goes where it was meant to.
    if (mode !== 'off') this.#turns.route = route;
    this.#turns.setMode(mode);
  }

  /** @throws VizaviError `invalid_state` unless listening is set to push */
  push(held: boolean): void {
    this.#turns.push(held);
  }

  /** @throws VizaviError `invalid_state` where the server has ears of its own */
  heard(text: string, final: boolean): void {
    this.#turns.heard(text, final);
  }

  close(): void {
    this.#microphone?.media.close();
    this.#turns.close();
    this.conversation.close();
  }
}
