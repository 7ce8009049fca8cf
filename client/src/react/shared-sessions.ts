import { AvatarSession } from '../avatar-session.ts';
import type { AvatarSessionOptions } from '../avatar-session.ts';

interface Shared {
  readonly session: AvatarSession;
  users: number;
  ending: ReturnType<typeof setTimeout> | undefined;
}

const shared = new Map<string, Shared>();

/**
 * The session of this token, made when it is first wanted. React takes effects back and does them again (in strict mode
 * always): what nobody wants any more is ended a moment later, because a session that was ended is over for good.
 */
export function takeSession(token: string, options: AvatarSessionOptions): AvatarSession {
  const known = shared.get(token);
  const entry = known ?? { session: new AvatarSession(token, options), users: 0, ending: undefined };
  shared.set(token, entry);
  clearTimeout(entry.ending);
  entry.users += 1;
  return entry.session;
}

export function releaseSession(token: string): void {
  const entry = shared.get(token);
  if (!entry) return;
  entry.users -= 1;
  if (entry.users > 0) return;
  entry.ending = setTimeout(() => {
    shared.delete(token);
    void entry.session.stop();
  }, 0);
}
