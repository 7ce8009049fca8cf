/** One turn of a conversation: what the visitor said or typed, or what the avatar said and was heard saying. */
export interface Exchange {
  readonly role: 'visitor' | 'avatar';
  readonly text: string;
}

/** Something that the page can do for the avatar: open a product, turn a slide, fill in a form. */
export interface Tool {
  /** 1–64 of A–Z a–z 0–9 _ - */
  readonly name: string;
  readonly description: string;
  /** JSON Schema of the arguments: an object. */
  readonly parameters: Readonly<Record<string, unknown>>;
}

export interface ToolCall {
  readonly name: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

export interface ReplyRequest {
  /** Who the avatar is and how it speaks; null leaves it to the brain. */
  readonly instructions: string | null;
  /** Oldest first; the last one is the visitor's, and is to be answered. Never empty. */
  readonly history: readonly Exchange[];
  readonly tools: readonly Tool[];
  /** Lets the page do it. @throws VizaviError `timeout` and others; the brain then goes on without */
  readonly callTool: (call: ToolCall) => Promise<string>;
  /** Ends the reply: the iterator throws `interrupted` at its next step. */
  readonly signal: AbortSignal;
}

/** User message → reply. */
export interface Brain {
  /** For logs and figures, such as `knowledge`. */
  readonly name: string;
  /**
   * The reply, piece by piece as it comes into being, as plain words to be spoken: no markup. Together the pieces are the
   * whole text; where they are cut means nothing. It may begin with cues such as `[warm]` and `[nod]`, names of
   * emotions and gestures: how it is said. At the beginnings of later sentences they are left out unheard.
   *
   * @throws VizaviError `interrupted` once the signal aborts, `timeout`, `brain_failed`; what came before stands
   */
  reply(request: ReplyRequest): AsyncIterable<string>;
  close(): Promise<void>;
}
