import { pino } from 'pino';
import type { DestinationStream, Logger } from 'pino';

export type Log = Logger;

export const LOG_LEVELS = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LogOptions {
  readonly level: LogLevel;
  /** `json`: one object a line, for machines; `text`: one short line, for a person at a terminal. */
  readonly format: 'json' | 'text';
}

/** Writes to standard output. */
export function createLog({ level, format }: LogOptions): Log {
  const options = { level, base: null };
  return format === 'json'
    ? pino(options)
    : pino(
        options,
        terminal((line) => void process.stdout.write(line)),
      );
}

/** Fields that a person does not need on every line. */
const HIDDEN = new Set(['level', 'time', 'msg', 'err']);

/** pino's JSON lines as `05:16:34 warn  message key=value`. */
function terminal(print: (line: string) => void): DestinationStream {
  return {
    write: (json) => {
      const entry = JSON.parse(json) as Record<string, unknown> & { level: number; time: number };
      const { msg = '', err } = entry as { msg?: string; err?: { message?: string; stack?: string } };
      const time = new Date(entry.time).toTimeString().slice(0, 8);
      const level = (pino.levels.labels[entry.level] ?? '').padEnd(5);
      const fields = Object.entries(entry)
        .filter(([key]) => !HIDDEN.has(key))
        .map(([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
      const trace = err?.stack ?? err?.message;
      print(`${time} ${level} ${msg}${fields.join('')}${trace === undefined ? '' : `\n${trace}`}\n`);
    },
  };
}
