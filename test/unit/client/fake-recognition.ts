import type { Recognition } from '../../../client/src/speech-recognizer.ts';

/** The browser's speech recognition, as far as a page sees it. */
export class FakeRecognition implements Recognition {
  static made: FakeRecognition[] = [];
  lang = '';
  continuous = false;
  interimResults = false;
  onresult: Recognition['onresult'] = null;
  onerror: Recognition['onerror'] = null;
  onend: Recognition['onend'] = null;
  isRunning = false;
  /** Understood, but not told before the end. */
  lastWords: string | null = null;

  static reset(): void {
    FakeRecognition.made = [];
  }

  static get running(): FakeRecognition[] {
    return FakeRecognition.made.filter(({ isRunning }) => isRunning);
  }

  start(): void {
    this.isRunning = true;
    FakeRecognition.made.push(this);
  }

  stop(): void {
    queueMicrotask(() => {
      if (this.lastWords !== null) this.hear(this.lastWords, true);
      this.end();
    });
  }

  abort(): void {
    this.end();
  }

  end(): void {
    if (!this.isRunning) return;
    this.isRunning = false;
    this.onend?.();
  }

  fail(error: string): void {
    this.onerror?.({ error });
    this.end();
  }

  hear(transcript: string, isFinal: boolean): void {
    this.onresult?.({ resultIndex: 0, results: [Object.assign([{ transcript }], { isFinal })] });
  }
}
