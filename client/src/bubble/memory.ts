import type { TranscriptEntry } from '../transcript.ts';

/** `closed`: the poster alone; `mini`: the live face; `open`: the panel. */
export type BubbleView = 'closed' | 'mini' | 'open';

/** What outlives a change of page within a site. */
export interface BubbleMemory {
  readonly view: BubbleView;
  /** Of the conversation that goes on. */
  readonly token: string | null;
  readonly transcript: readonly TranscriptEntry[];
  /** The greeting beside the face was seen. */
  readonly isGreeted: boolean;
}

const NOTHING: BubbleMemory = { view: 'closed', token: null, transcript: [], isGreeted: false };
const MAX_ENTRIES = 50;

/** Kept for this tab; where the browser keeps nothing, forgotten with the page. */
export class Memory {
  readonly #key: string;
  #now: BubbleMemory;

  constructor(key: string) {
    this.#key = key;
    this.#now = { ...NOTHING, ...read(key) };
  }

  get now(): BubbleMemory {
    return this.#now;
  }

  change(part: Partial<BubbleMemory>): void {
    this.#now = { ...this.#now, ...part };
    const transcript = this.#now.transcript.slice(-MAX_ENTRIES);
    try {
      sessionStorage.setItem(this.#key, JSON.stringify({ ...this.#now, transcript }));
    } catch {
      // No storage, or no room in it.
    }
  }
}

function read(key: string): Partial<BubbleMemory> {
  try {
    return JSON.parse(sessionStorage.getItem(key) ?? '{}') as Partial<BubbleMemory>;
  } catch {
    return {};
  }
}
