import type { CloseReason, Manner, QueuePlace, SessionState } from '@vizavi/signaling';
import type { Tool } from './brain/brain.ts';

/** What a caller may choose of a session. */
export interface SessionOptions {
  readonly avatarId?: string | undefined;
  readonly voice?: string | undefined;
  readonly maxDurationSec?: number | undefined;
  readonly idleTimeoutSec?: number | undefined;
  /** False: refused at once when no slot is free. */
  readonly queue?: boolean | undefined;
  /** Who the avatar is and how it speaks, for the brain. */
  readonly instructions?: string | undefined;
  /** What the page can do for the brain. */
  readonly tools?: readonly Tool[] | undefined;
  /** BCP 47: what the visitor speaks; by default the ears find out. */
  readonly language?: string | undefined;
}

/** What a caller may know of a session. Times are Unix milliseconds. */
export interface SessionInfo {
  readonly sessionId: string;
  readonly avatarId: string;
  readonly voice: string;
  readonly state: SessionState;
  readonly viewers: number;
  readonly speaking: boolean;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  readonly closeReason: CloseReason | null;
  /** Null unless it waits for a slot. */
  readonly queue: QueuePlace | null;
}

export interface AvatarInfo {
  readonly avatarId: string;
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  /** Slots that can show it, and how many of them are free now. */
  readonly slots: number;
  readonly freeSlots: number;
  readonly voices: readonly string[];
}

/** What HTTP needs of the sessions; `SessionRegistry` is it. All methods throw VizaviError. */
export interface SessionService {
  /** @throws `no_capacity`, `not_found` (avatar or voice), `unavailable` (draining) */
  create(options: SessionOptions): Promise<SessionInfo>;
  /** @throws `not_found` */
  info(sessionId: string): SessionInfo;
  /** Says `text`; resolves when it is queued. @throws `not_found`, `invalid_state`, `invalid_text`, `text_too_long` */
  speak(sessionId: string, text: string, manner?: Manner): Promise<{ utteranceId: string }>;
  /** Answers `text`; resolves when the reply has begun. @throws as `speak` */
  message(sessionId: string, text: string): Promise<{ replyId: string }>;
  interrupt(sessionId: string): Promise<{ interrupted: readonly string[]; tookMs: number }>;
  /** Resolves when it is closed. @throws `not_found` */
  close(sessionId: string, reason: CloseReason): Promise<void>;
  avatars(): readonly AvatarInfo[];
  /** True once a slot is ready. */
  readonly ready: boolean;
}
