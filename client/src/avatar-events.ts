import type { NoticeName, NoticeOf, ServerToViewer, VizaviError } from '@vizavi/signaling';
import type { Caption } from './captions.ts';
import type { TranscriptEntry } from './transcript.ts';

/** What the server tells. */
type ServerEvents = { [T in NoticeName<ServerToViewer>]: NoticeOf<ServerToViewer, T> };

/** Why words cannot be understood: this browser has no speech recognition, it is refused, or it has failed. */
export type UnavailableReason = 'unsupported' | 'refused' | 'failed';

/** What only this end can know. */
interface LocalEvents {
  /** Picture and sound are on their way; `joinMs` counts from `start()`. */
  'session.stream_ready': { readonly joinMs: number };
  /** The browser refused to play with sound and plays muted; call `unmute()` from a user's gesture. */
  'session.autoplay_blocked': Record<string, never>;
  /** The signaling connection was lost, or is back. Picture and sound may flow on meanwhile. */
  'session.connection_changed': { readonly connected: boolean };
  /** All of what was said so far; a new array each time. */
  'transcript.changed': { readonly transcript: readonly TranscriptEntry[] };
  /** What is being said at this moment; null when nothing is. */
  'captions.changed': { readonly caption: Caption | null };
  'microphone.changed': { readonly isOpen: boolean; readonly isMuted: boolean };
  /** The microphone was lost and no other took its place; listening is off. */
  'microphone.failed': { readonly error: VizaviError };
  /** The avatar notices that somebody speaks and falls silent, but nobody turns speech to text: offer typing. */
  'listening.unavailable': { readonly reason: UnavailableReason };
}

/** Every event of an `AvatarSession` by its name. `session.stopped` is the last one. */
export type AvatarEvents = ServerEvents & LocalEvents;

/** Tells the session's listeners. */
export type Emit = <T extends keyof AvatarEvents>(type: T, body: AvatarEvents[T]) => void;
