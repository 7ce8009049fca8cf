import { VizaviError } from '@vizavi/signaling';
import type { ErrorHandler, NotFoundHandler } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { Telemetry } from '../telemetry.ts';
import type { HttpEnv } from './access.ts';

/** Answers everything thrown with `{error: {code, message, retryable}}`; what the caller cannot mend is logged. */
export function onError({ log, metrics }: Telemetry): ErrorHandler<HttpEnv> {
  return (thrown, context) => {
    const error = fromHttp(thrown);
    metrics.httpErrors.inc({ code: error.code });
    if (error.status === 500) {
      const { method, path } = context.req;
      log.error({ err: error.cause ?? error, code: error.code, method, path }, error.message);
    }
    return context.json({ error: error.toJSON() }, error.status);
  };
}

export const notFound: NotFoundHandler<HttpEnv> = ({ req }) => {
  throw new VizaviError('not_found', `There is no ${req.method} ${req.path}.`);
};

/** Hono refuses a body that it cannot read with exceptions of its own. */
function fromHttp(thrown: Error): VizaviError {
  if (!(thrown instanceof HTTPException) || thrown.status >= 500) return VizaviError.from(thrown);
  const message =
    thrown.status === 415 ? 'A body must be JSON: content-type: application/json.' : thrown.message;
  return new VizaviError('invalid_message', message, { cause: thrown });
}
