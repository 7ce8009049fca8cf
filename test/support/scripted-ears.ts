import { VizaviError } from '@vizavi/signaling';
import type { Ears, TranscribeOptions } from '../../server/src/ears/ears.ts';

interface Asked {
  readonly samples: number;
  /** Answers. */
  readonly hear: (text: string) => void;
  readonly fail: (error: VizaviError) => void;
  aborted: boolean;
}

/** Ears that understand what the test says, when it says so. */
export class ScriptedEars implements Ears {
  readonly name = 'scripted';
  readonly asked: Asked[] = [];

  transcribe(pcm: Int16Array, { signal }: TranscribeOptions): Promise<string> {
    return new Promise((resolve, reject) => {
      const asked: Asked = { samples: pcm.length, hear: resolve, fail: reject, aborted: false };
      this.asked.push(asked);
      signal.addEventListener('abort', () => {
        asked.aborted = true;
        reject(new VizaviError('interrupted', 'the visitor went on'));
      });
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
