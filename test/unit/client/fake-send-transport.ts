type Listener = (...args: never[]) => void;

/** mediasoup-client's sending transport: asks to be connected, then to produce. */
export class FakeSendTransport {
  closed = false;
  connectionState = 'new';
  track: MediaStreamTrack | null = null;
  codecOptions: unknown;
  readonly #listeners = new Map<string, Listener>();

  on(event: string, listener: Listener): this {
    this.#listeners.set(event, listener);
    return this;
  }

  async produce({
    track,
    codecOptions,
  }: {
    track: MediaStreamTrack;
    codecOptions: unknown;
  }): Promise<unknown> {
    await this.#ask('connect', { dtlsParameters: {} });
    await this.#ask('produce', { kind: 'audio', rtpParameters: {} });
    this.connectionState = 'connected';
    this.track = track;
    this.codecOptions = codecOptions;
    return {
      closed: false,
      replaceTrack: async ({ track: next }: { track: MediaStreamTrack }) => {
        this.track = next;
      },
    };
  }

  close(): void {
    this.closed = true;
    this.connectionState = 'closed';
  }

  /** The network gave way. */
  fail(): void {
    this.connectionState = 'failed';
    (this.#listeners.get('connectionstatechange') as ((state: string) => void) | undefined)?.('failed');
  }

  #ask(event: string, parameters: object): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const listener = this.#listeners.get(event) as
        | ((parameters: object, done: (answer: unknown) => void, failed: (error: Error) => void) => void)
        | undefined;
      listener?.(parameters, resolve, reject);
    });
  }
}
