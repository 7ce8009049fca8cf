import type { SessionEvent } from '@vizavi/signaling';
import { heardText } from './captions.ts';
import type { Clause } from './captions.ts';

/** Something that was said. */
export interface TranscriptEntry {
  readonly role: 'visitor' | 'avatar';
  readonly text: string;
  /** That of the reply, or of the utterance: a question and its answer share it. */
  readonly id: string;
  /** The avatar was cut off; `text` is what was heard of it. */
  readonly interrupted: boolean;
}

/** Enough for a long conversation; older entries are dropped. */
const MAX_ENTRIES = 500;

/** Who said what, put together from a session's events. */
export class Transcript {
  readonly #onChange: (entries: readonly TranscriptEntry[]) => void;
  readonly #clauses = new Map<string, Clause[]>();
  #entries: readonly TranscriptEntry[] = [];

  constructor(onChange: (entries: readonly TranscriptEntry[]) => void) {
    this.#onChange = onChange;
  }

  get entries(): readonly TranscriptEntry[] {
    return this.#entries;
  }

  receive(event: SessionEvent): void {
    switch (event.type) {
      case 'user.transcription':
        this.visitor(event.body.replyId, event.body.text);
        break;
      case 'avatar.transcription.chunk': {
        const { utteranceId } = event.body;
        const clauses = [...(this.#clauses.get(utteranceId) ?? []), event.body];
        this.#clauses.set(utteranceId, clauses);
        this.#avatar(utteranceId, clauses.map(({ text }) => text.trim()).join(' '));
        break;
      }
      case 'avatar.transcription':
        this.#avatar(event.body.utteranceId, event.body.text);
        break;
      case 'avatar.speak_ended': {
        const { utteranceId, outcome, playedMs } = event.body;
        const clauses = this.#clauses.get(utteranceId) ?? [];
        this.#clauses.delete(utteranceId);
        if (outcome !== 'spoken') this.#cut(utteranceId, heardText(clauses, playedMs));
        break;
      }
      case 'avatar.reply_ended':
        // The server knows best what was heard.
        if (event.body.outcome !== 'spoken') this.#cut(event.body.replyId, event.body.heard);
        break;
      default:
    }
  }

  /** The visitor said this, or has just typed it. */
  visitor(id: string, text: string): void {
    this.#put({ role: 'visitor', id, text, interrupted: false });
  }

  /** What was typed was refused. */
  withdraw(id: string): void {
    this.#change(this.#entries.filter((entry) => entry.id !== id || entry.role !== 'visitor'));
  }

  #avatar(id: string, text: string): void {
    if (!this.#find('avatar', id)?.interrupted) this.#put({ role: 'avatar', id, text, interrupted: false });
  }

  #cut(id: string, heard: string): void {
    if (heard !== '') this.#put({ role: 'avatar', id, text: heard, interrupted: true });
    else this.#change(this.#entries.filter((entry) => entry.id !== id || entry.role !== 'avatar'));
  }

  #find(role: TranscriptEntry['role'], id: string): TranscriptEntry | undefined {
    return this.#entries.find((entry) => entry.role === role && entry.id === id);
  }

  #put(entry: TranscriptEntry): void {
    const before = this.#find(entry.role, entry.id);
    if (before?.text === entry.text && before.interrupted === entry.interrupted) return;
    this.#change(
      before
        ? this.#entries.map((other) => (other === before ? entry : other))
        : [...this.#entries, entry].slice(-MAX_ENTRIES),
    );
  }

  #change(entries: readonly TranscriptEntry[]): void {
    if (entries.length === this.#entries.length && entries.every((entry, at) => entry === this.#entries[at]))
      return;
    this.#entries = Object.freeze(entries);
    this.#onChange(this.#entries);
  }
}
