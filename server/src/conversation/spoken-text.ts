interface Chunk {
  readonly text: string;
  readonly textEnd: number;
  readonly startMs: number;
  readonly durationMs: number;
}

/** Which words of an utterance have been heard. */
export class SpokenText {
  readonly #chunks: Chunk[] = [];

  /** In the order in which they are said. */
  add({ text, textEnd, startMs, durationMs }: Chunk): void {
    this.#chunks.push({ text, textEnd, startMs, durationMs });
  }

  /**
   * As much of `whole` as `playedMs` of its sound say, to the last whole word. Inside a chunk time is spread over the
   * letters: good to a word or two.
   */
  heard(whole: string, playedMs: number): string {
    let end = 0;
    for (const { text, textEnd, startMs, durationMs } of this.#chunks) {
      if (playedMs >= startMs + durationMs) {
        end = textEnd;
        continue;
      }
      const share = Math.max(0, (playedMs - startMs) / durationMs);
      const words = text.slice(0, Math.floor(share * text.length)).lastIndexOf(' ');
      if (words > 0) end = textEnd - text.length + words;
      break;
    }
    return whole.slice(0, end).trim();
  }
}
