import { VizaviError } from '@vizavi/signaling';

/** Codes of Node's errors on listening, in words that name the remedy. */
export function listenError(error: NodeJS.ErrnoException, host: string, port: number): VizaviError {
  const sentences: Readonly<Record<string, string>> = {
    EADDRINUSE: `Port ${port} is in use. Choose another: PORT=${port + 1} npm start`,
    EACCES: `Port ${port} needs more rights than this process has. Choose another: PORT=8080 npm start`,
    EADDRNOTAVAIL: `VIZAVI_HOST: this machine does not have the address ${host}`,
    ENOTFOUND: `VIZAVI_HOST: no such host: ${host}`,
  };
  const sentence = sentences[error.code ?? ''] ?? `Cannot listen on ${host}:${port}: ${error.message}`;
  return new VizaviError('invalid_config', sentence, { cause: error });
}

/** The line that a person reads when the process has to end. */
export function fatalLine(error: unknown): string {
  if (error instanceof VizaviError) return error.message;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
