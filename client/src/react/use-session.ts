import { useCallback, useEffect, useState, useSyncExternalStore } from 'react';
import { VizaviError } from '@vizavi/signaling';
import type { SessionState } from '@vizavi/signaling';
import type { AvatarEvents } from '../avatar-events.ts';
import type { AvatarSession, AvatarSessionOptions } from '../avatar-session.ts';
import type { Caption } from '../captions.ts';
import type { TranscriptEntry } from '../transcript.ts';
import { releaseSession, takeSession } from './shared-sessions.ts';

export interface UseAvatarSessionOptions extends AvatarSessionOptions {
  /** From your server; while it is null there is no session. Another token is another session. */
  readonly token: string | null;
  /** By default it starts at once; else call `session.start()`. */
  readonly autoStart?: boolean;
}

export interface UsedAvatarSession {
  /** Null until the component is on the page and has a token. */
  readonly session: AvatarSession | null;
  readonly state: SessionState | null;
  /** Why it could not start. */
  readonly error: VizaviError | null;
  /** The browser plays it muted: show a button that calls `session.unmute()`. */
  readonly isSoundBlocked: boolean;
  /** `<video ref={attach} />` */
  readonly attach: (video: HTMLVideoElement | null) => void;
}

const NO_ENTRIES: readonly TranscriptEntry[] = [];

/** A session that lives as long as the component, and is ended with it. */
export function useAvatarSession(options: UseAvatarSessionOptions): UsedAvatarSession {
  const { token, url, lang, autoStart = true } = options;
  const [session, setSession] = useState<AvatarSession | null>(null);
  const [error, setError] = useState<VizaviError | null>(null);
  const [isSoundBlocked, setSoundBlocked] = useState(false);
  useEffect(() => {
    if (token === null) return undefined;
    const taken = takeSession(token, {
      ...(url !== undefined && { url }),
      ...(lang !== undefined && { lang }),
    });
    const onBlocked = (): void => {
      setSoundBlocked(true);
    };
    taken.on('session.autoplay_blocked', onBlocked);
    setSession(taken);
    setError(null);
    setSoundBlocked(false);
    if (autoStart) {
      taken.start().catch((cause: unknown) => {
        setError(VizaviError.from(cause));
      });
    }
    return () => {
      taken.off('session.autoplay_blocked', onBlocked);
      setSession(null);
      releaseSession(token);
    };
  }, [token, url, lang, autoStart]);
  const state = useSessionValue(session, 'session.state_changed', (known) => known.state, null);
  const attach = useCallback(
    (video: HTMLVideoElement | null) => {
      if (video) session?.attach(video);
    },
    [session],
  );
  return { session, state, error, isSoundBlocked, attach };
}

/** Who said what, oldest first. */
export function useTranscript(session: AvatarSession | null): readonly TranscriptEntry[] {
  return useSessionValue(session, 'transcript.changed', (known) => known.transcript, NO_ENTRIES);
}

/** What is being said at this moment. */
export function useCaption(session: AvatarSession | null): Caption | null {
  return useSessionValue(session, 'captions.changed', (known) => known.caption, null);
}

function useSessionValue<T>(
  session: AvatarSession | null,
  event: keyof AvatarEvents,
  read: (session: AvatarSession) => T,
  none: T,
): T {
  const subscribe = useCallback(
    (onChange: () => void) => {
      session?.on(event, onChange);
      return () => {
        session?.off(event, onChange);
      };
    },
    [session, event],
  );
  const value = (): T => (session ? read(session) : none);
  return useSyncExternalStore(subscribe, value, () => none);
}
