import type { NoticeName, NoticeOf, ServerToViewer } from '@vizavi/signaling';

/** What the server tells. */
type ServerEvents = { [T in NoticeName<ServerToViewer>]: NoticeOf<ServerToViewer, T> };

/** What only this end can know. */
interface LocalEvents {
  /** Picture and sound are on their way; `joinMs` counts from `start()`. */
  'session.stream_ready': { readonly joinMs: number };
  /** The browser refused to play with sound and plays muted; call `unmute()` from a user's gesture. */
  'session.autoplay_blocked': Record<string, never>;
  /** The signaling connection was lost, or is back. Picture and sound may flow on meanwhile. */
  'session.connection_changed': { readonly connected: boolean };
}

/** Every event of an `AvatarSession` by its name. `session.stopped` is the last one. */
export type AvatarEvents = ServerEvents & LocalEvents;
