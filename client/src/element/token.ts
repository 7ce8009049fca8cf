import { ERROR_CODES, VizaviError } from '@vizavi/signaling';
import type { ErrorCode } from '@vizavi/signaling';
import type { Settings } from './settings.ts';

/**
 * A token for a new session: from the page's own server (`token-url`), or, from a development server, from vizavi itself.
 *
 * @throws VizaviError what the server answered; `timeout` when there is no answer
 */
export async function requestToken(settings: Settings, signal: AbortSignal): Promise<string> {
  const { src, tokenUrl, avatar, voice } = settings;
  const url = new URL(tokenUrl ?? '/v1/sessions', tokenUrl === null ? src : document.baseURI);
  const wish = { ...(avatar !== null && { avatarId: avatar }), ...(voice !== null && { voice }) };
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(wish),
    signal,
  }).catch((cause: unknown) => {
    throw new VizaviError('timeout', 'the server that gives tokens cannot be reached', { cause });
  });
  const answer = (await response.json().catch(() => ({}))) as {
    token?: unknown;
    error?: { code?: string; message?: string };
  };
  if (response.ok && typeof answer.token === 'string') return answer.token;
  const { code, message } = answer.error ?? {};
  throw new VizaviError(
    ERROR_CODES.find((known): known is ErrorCode => known === code) ?? codeOf(response.status),
    message ?? `no token: HTTP ${response.status}`,
  );
}

function codeOf(status: number): ErrorCode {
  if (status === 401) return 'unauthorized';
  if (status === 403) return 'forbidden';
  return status === 429 ? 'too_many_requests' : 'unavailable';
}
