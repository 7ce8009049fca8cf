import type { Tool } from './brain/brain.ts';
import type { TalkDeps } from './conversation/talk.ts';
import type { LivePathOptions } from './live-path.ts';
import type { IceServer } from './turn-servers.ts';
import type { Voice } from './voice/voice.ts';

/** What all sessions of a server share. */
export interface SessionDeps extends LivePathOptions, TalkDeps {
  readonly voice: Voice;
  /** Says the fallback line where `voice` cannot; null where it is the embedded voice. */
  readonly standIn: { voice(): Promise<Voice> } | null;
  /** Relays for one more viewer. */
  readonly iceServers: () => IceServer[];
  readonly maxViewers: number;
  /** How long a session waits for the first viewer's media. */
  readonly joinTimeoutMs: number;
  /** How long a viewer whose connection is lost may stay away. */
  readonly graceMs: number;
  /** How long a session waits for its first slot. */
  readonly queueTimeoutMs: number;
}

/** What is special to one. */
export interface SessionRequest {
  readonly sessionId: string;
  readonly avatarId: string;
  readonly voiceName: string;
  /** Who the avatar is and how it speaks; null leaves it to the brain. */
  readonly instructions: string | null;
  readonly tools: readonly Tool[];
  /** BCP 47; undefined: whatever the visitor speaks. */
  readonly language: string | undefined;
  readonly maxDurationMs: number;
  readonly idleTimeoutMs: number;
  /** Whether it may wait for a slot now. */
  readonly mayWait: () => boolean;
  /** Told after each change of state. */
  readonly onState: () => void;
  /** Told when a viewer may have come or gone. */
  readonly onViewers: () => void;
}
