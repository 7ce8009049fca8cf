import { VizaviError } from '@vizavi/signaling';
import type { MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';

/** Room for the longest text in JSON, where a UTF-16 unit takes six bytes at worst: `\uXXXX`. */
export const MAX_BODY_BYTES = 64 * 1024;

export function limitBody(): MiddlewareHandler {
  return bodyLimit({
    maxSize: MAX_BODY_BYTES,
    onError: () => {
      throw new VizaviError('message_too_large', `A body may have at most ${MAX_BODY_BYTES} bytes.`);
    },
  });
}
