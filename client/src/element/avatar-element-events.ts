import type { AvatarSession } from '../avatar-session.ts';
import type { AvatarEvents } from '../avatar-events.ts';

/** Events of the session that are told as they are: `vizavi:…`, with the same body as `detail`. */
const MIRRORED = {
  'session.stream_ready': 'ready',
  'session.stopped': 'stopped',
  'session.queue_changed': 'queue',
  'session.connection_changed': 'connection',
  'avatar.speak_started': 'speak-started',
  'avatar.speak_ended': 'speak-ended',
  'avatar.reply_ended': 'reply',
  'user.speak_started': 'user-speak-started',
  'user.speak_ended': 'user-speak-ended',
  'user.transcription': 'heard',
  'user.transcription.chunk': 'hearing',
  'transcript.changed': 'transcript',
  'captions.changed': 'caption',
  'listening.changed': 'listening',
  'listening.unavailable': 'listening-unavailable',
  'microphone.changed': 'microphone',
  'page.changed': 'page',
} as const satisfies Partial<Record<keyof AvatarEvents, string>>;

/** What the avatar asks of the page; the first listener that calls `respondWith` answers. */
export interface ToolEventDetail {
  readonly name: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  respondWith(result: unknown): void;
}

/** Goes up through shadow roots to the page. */
export function tell(element: Element, name: string, detail: unknown): void {
  element.dispatchEvent(new CustomEvent(`vizavi:${name}`, { detail, bubbles: true, composed: true }));
}

/** Tells the page what its session tells. */
export function mirror(session: AvatarSession, element: Element): void {
  for (const [type, name] of Object.entries(MIRRORED)) {
    session.on(type as keyof AvatarEvents, (body) => {
      tell(element, name, body);
    });
  }
  session.onTool('*', (args, { name }) => {
    const answers: unknown[] = [];
    const detail: ToolEventDetail = { name, arguments: args, respondWith: (result) => answers.push(result) };
    tell(element, 'tool', detail);
    if (answers.length === 0) throw new Error(`this page has no tool “${name}”`);
    return answers[0];
  });
}
