import { VizaviError } from '@vizavi/signaling';
import type { ReplyRequest, ToolCall } from './brain.ts';

/** A call of a tool as a model has asked for it. */
export interface WantedCall {
  readonly id: string;
  readonly name: string;
  /** JSON, as the model wrote it. */
  readonly arguments: string;
}

/** A piece of a call, as streams carry it. */
export interface CallPiece {
  readonly index?: number | null | undefined;
  readonly id?: string | null | undefined;
  readonly function?: CallText | null | undefined;
}
interface CallText {
  readonly name?: string | null | undefined;
  readonly arguments?: string | null | undefined;
}

/** More calls than these in one go are a model that has lost its way. */
const MOST_CALLS = 8;
const MOST_ARGUMENTS = 20_000;

/** Puts the calls of one answer together. */
export class CallCollector {
  readonly #calls: { id: string; name: string; arguments: string }[] = [];

  /** @throws VizaviError `brain_failed` when there is no end to them */
  add(piece: CallPiece): void {
    // Some servers send whole calls and leave the index out.
    const fresh = piece.id != null && !this.#calls.some(({ id }) => id === piece.id);
    const index = piece.index ?? (fresh ? this.#calls.length : Math.max(0, this.#calls.length - 1));
    if (!Number.isInteger(index) || index < 0 || index >= MOST_CALLS) {
      throw new VizaviError('brain_failed', 'the language model calls too many tools');
    }
    const call = (this.#calls[index] ??= { id: '', name: '', arguments: '' });
    call.id ||= piece.id ?? '';
    call.name ||= piece.function?.name ?? '';
    call.arguments += piece.function?.arguments ?? '';
    if (call.arguments.length > MOST_ARGUMENTS) {
      throw new VizaviError('brain_failed', 'the language model calls a tool without an end');
    }
  }

  get all(): readonly WantedCall[] {
    return this.#calls.flatMap((call, index) =>
      call.name === '' ? [] : { ...call, id: call.id || `call_${index}` },
    );
  }
}

/** What the model is told about its call: the page's answer, or why there is none. */
export async function runTool(
  wanted: WantedCall,
  { tools, callTool }: Pick<ReplyRequest, 'tools' | 'callTool'>,
): Promise<string> {
  if (!tools.some(({ name }) => name === wanted.name)) return `Failed: there is no tool ${wanted.name}.`;
  const call = readCall(wanted);
  if (!call) return 'Failed: the arguments are not a JSON object.';
  try {
    return await callTool(call);
  } catch (error) {
    return `Failed: ${VizaviError.from(error).message}`;
  }
}

function readCall({ name, arguments: json }: WantedCall): ToolCall | null {
  try {
    const value: unknown = JSON.parse(json.trim() === '' ? '{}' : json);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
    return { name, arguments: value as Record<string, unknown> };
  } catch {
    return null;
  }
}
